# Speed, as a ratio to nginx in the same run; templates and Butane as CPU time and instructions. Never
# part of `make test`. `make bench-beside PART=storm` runs one part of bench.py alone.
$(OUT)/tests/tmpl_bench: $(OUT)/tests/bench/tmpl_bench.o $(foreach m,tmpl value base,$(call module_objects,$(m)))
	$(call say,LINK,$@)mkdir -p $(@D) && $(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)
$(OUT)/tests/butane_bench: $(OUT)/tests/bench/butane_bench.o $(foreach m,ignition value base,$(call module_objects,$(m)))
	$(call say,LINK,$@)mkdir -p $(@D) && $(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)
$(OUT)/tests/hamt_bench: $(OUT)/tests/bench/hamt_bench.o $(call module_objects,catalog) $(foreach m,$(needs_catalog),$(call module_objects,$(m))) $(OUT)/gen/embedded.o
	$(call say,LINK,$@)mkdir -p $(@D) && $(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(OUT)/tests/site_gen: $(OUT)/tests/bench/site_gen.o $(foreach m,store model value base,$(call module_objects,$(m))) $(OUT)/gen/embedded.o
	$(call say,LINK,$@)mkdir -p $(@D) && $(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(OUT)/tests/storm: $(OUT)/tests/bench/storm.o
	$(call say,LINK,$@)mkdir -p $(@D) && $(CC) $(LDFLAGS) -o $@ $^

$(OUT)/tests/writes_bench: $(OUT)/tests/bench/writes_bench.o
	$(call say,LINK,$@)mkdir -p $(@D) && $(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

.PHONY: bench bench-beside bench-scale bench-programs bench-writes
bench-scale: deps-build deps-bench
	$(Q)$(MAKE) --no-print-directory -j$(shell nproc) bench-programs
	$(Q)python3 tests/bench/scale.py $(OUT)/tests $(OUT)/vesta tests/bench/results
bench-writes: build $(OUT)/tests/writes_bench
	$(Q)tests/bench/writes.sh $(BUILD)/vesta $(OUT)/tests/writes_bench
bench-programs: build $(OUT)/tests/tmpl_bench $(OUT)/tests/butane_bench $(OUT)/tests/hamt_bench $(OUT)/tests/site_gen $(OUT)/tests/storm
bench: deps-build deps-bench
	$(Q)$(MAKE) --no-print-directory -j$(shell nproc) bench-programs
	$(Q)$(MAKE) --no-print-directory bench-writes
	$(Q)tests/bench/tmpl.sh $(OUT)/tests/tmpl_bench
	$(Q)$(OUT)/tests/butane_bench
	$(Q)$(OUT)/tests/hamt_bench
	$(Q)python3 tests/bench/bench.py $(OUT)/tests $(OUT)/vesta
bench-beside: deps-build deps-bench
	$(Q)$(MAKE) --no-print-directory -j$(shell nproc) bench-programs
	$(Q)python3 tests/bench/bench.py $(OUT)/tests $(OUT)/vesta $(PART)

# --- a long time of everything at once, T seconds of each: under the address sanitizer, without it
# for the memory, and of the catalog under the thread sanitizer
$(OUT)/tests/catalog_soak: $(OUT)/tests/bench/catalog_soak.o $(call module_objects,catalog) $(foreach m,$(needs_catalog),$(call module_objects,$(m))) $(OUT)/gen/embedded.o
	$(call say,LINK,$@)mkdir -p $(@D) && $(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

.PHONY: soak soak-programs soak-address soak-memory soak-thread
soak-programs: $(OUT)/tests/catalog_soak
soak-address:
	$(Q)python3 tests/bench/soak.py $(BUILD)/san-address-undefined/vesta $(T)
soak-memory:
	$(Q)python3 tests/bench/soak.py $(BUILD)/vesta $(T) --flat
soak-thread:
	$(Q)$(BUILD)/san-thread/tests/catalog_soak $(T)
soak: deps-build deps-test build
	$(Q)$(MAKE) --no-print-directory -j$(shell nproc) SAN=address,undefined build
	$(Q)$(MAKE) --no-print-directory -j$(shell nproc) SAN=thread soak-programs
	$(Q)$(MAKE) --no-print-directory -j3 soak-address soak-memory soak-thread

# 10,000 slow clients for a minute, beside one that is not: CONNECTIONS= and FOR= make it less.
.PHONY: bench-loris
bench-loris: build
	$(Q)tests/bench/loris.py $(BUILD)/vesta $(or $(CONNECTIONS),10000) $(or $(FOR),60)
