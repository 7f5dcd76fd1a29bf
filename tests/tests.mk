# Tests: one program for each module, unit tests with Criterion; those that must also run under the
# thread sanitizer have a plain main(), since Criterion does not start under it.
CRITERION_MODULES := base value model tmpl ignition sign match render
PLAIN_MODULES := store catalog service http boot rest

unit_sources = $(wildcard tests/unit/$(1)/*.c)
unit_objects = $(patsubst %.c,$(OUT)/%.o,$(call unit_sources,$(1)))
have_tests = $(foreach m,$(1),$(if $(call unit_sources,$(m)),$(m)))

CRITERION_TESTS := $(patsubst %,$(OUT)/tests/unit_%,$(call have_tests,$(CRITERION_MODULES)))
PLAIN_TESTS := $(patsubst %,$(OUT)/tests/unit_%,$(call have_tests,$(PLAIN_MODULES)))

define unit_program
$(OUT)/tests/unit_$(1): $(call unit_objects,$(1)) $(call module_objects,$(1)) $(foreach m,$(needs_$(1)),$(call module_objects,$(m))) $(OUT)/gen/embedded.o
	$$(call say,LINK,$$@)mkdir -p $$(@D) && $$(CC) $$(LDFLAGS) -o $$@ $$^ $(if $(filter $(1),$(CRITERION_MODULES)),-lcriterion) $$(LDLIBS)
endef
$(foreach m,$(call have_tests,$(CRITERION_MODULES) $(PLAIN_MODULES)),$(eval $(call unit_program,$(m))))

# The sandbox is the command's, not a module's: it is the process that enters it.
SANDBOX_TEST := $(OUT)/tests/unit_sandbox
PLAIN_TESTS += $(SANDBOX_TEST)
$(SANDBOX_TEST): $(call unit_objects,sandbox) $(patsubst %.c,$(OUT)/%.o,$(wildcard cmd/vesta/sandbox*.c)) $(call module_objects,base)
	$(call say,LINK,$@)mkdir -p $(@D) && $(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# --- fuzz targets: replayed over their corpus by `make test`, run for T seconds each by `make fuzz`
FUZZERS := $(patsubst tests/fuzz/%_fuzz.c,%,$(wildcard tests/fuzz/*_fuzz.c))
FUZZ_REPLAYS := $(patsubst %,$(OUT)/tests/replay_%,$(FUZZERS))

$(OUT)/tests/replay_%: $(OUT)/tests/fuzz/%_fuzz.o $(OUT)/tests/fuzz/replay.o $(LIB_OBJECTS)
	$(call say,LINK,$@)mkdir -p $(@D) && $(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

.SECONDARY: $(patsubst tests/fuzz/%.c,$(OUT)/tests/fuzz/%.o,$(wildcard tests/fuzz/*.c))

.PHONY: fuzz
T ?= 60
fuzz:
	$(Q)$(MAKE) --no-print-directory CC=clang SAN=fuzzer-no-link,address,undefined fuzz-programs
	$(Q)tests/fuzz/run.sh $(BUILD)/san-fuzzer-no-link-address-undefined/tests $(T) $(FUZZERS)

.PHONY: fuzz-programs
fuzz-programs: $(patsubst %,$(OUT)/tests/fuzz_%,$(FUZZERS))
$(OUT)/tests/fuzz_%: $(OUT)/tests/fuzz/%_fuzz.o $(LIB_OBJECTS)
	$(call say,LINK,$@)mkdir -p $(@D) && $(CC) $(LDFLAGS) -fsanitize=fuzzer -o $@ $^ $(LDLIBS)

# --- what the targets of the README run
ifeq ($(SAN),thread)
TESTS := $(PLAIN_TESTS)
else
TESTS := $(CRITERION_TESTS) $(PLAIN_TESTS)
endif

.PHONY: test unit-% test-programs
test: deps-build deps-test
	$(Q)$(MAKE) --no-print-directory -j$(shell nproc) test-programs
ifeq ($(SAN),thread)
	$(Q)tests/run.sh $(TESTS)
else
	$(Q)VESTA=$(OUT)/vesta tests/run.sh $(TESTS) $(foreach f,$(FUZZERS),"$(OUT)/tests/replay_$(f) tests/fuzz/corpus/$(f)") \
		"python3 tests/http/run.py" $(if $(SAN),,"tests/tools/hardened.sh $(OUT)/vesta $(CMD_OBJECTS) $(LIB_OBJECTS)")
endif

ifeq ($(SAN),thread)
test-programs: $(TESTS)
else
test-programs: build $(TESTS) $(FUZZ_REPLAYS)
endif

# 32 writers and 32 readers for a minute; in `make test` they have a few seconds.
.PHONY: test-concurrency
test-concurrency: build deps-test
	$(Q)VESTA_SECONDS=60 python3 tests/http/run.py $(OUT)/vesta test_concurrency

unit-%: $(OUT)/tests/unit_%
	$(Q)tests/run.sh $<

.PHONY: lint
lint: deps-build deps-lint $(OUT)/gen/version.h
	$(Q)GEN=$(OUT)/gen tests/tools/lint.sh $(foreach f,$(floors),"$(floor_$(f))")

.PHONY: deps deps-build deps-test deps-lint deps-bench
deps: deps-build deps-test deps-lint
deps-build deps-test deps-lint deps-bench: deps-%:
	$(Q)tests/tools/deps.sh $*

# --- try it
.PHONY: run
run: deps-build
	$(Q)$(MAKE) --no-print-directory -j$(shell nproc) build
	$(Q)tests/tools/run.sh $(BUILD)/vesta $(BUILD)/site
