# Tests: one program for each module, unit tests with Criterion; store, catalog, service and http
# with a plain main(), since Criterion does not start under the thread sanitizer.
CRITERION_MODULES := base value model tmpl ignition sign match render
PLAIN_MODULES := store catalog service http

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

.PHONY: test unit-%
unit-%: $(OUT)/tests/unit_%
	$(Q)tests/run.sh $<
