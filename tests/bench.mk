# Speed, as a ratio to nginx in the same run; templates and Butane as CPU time and instructions. Never
# part of `make test`.
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

.PHONY: bench bench-programs bench-writes
bench-writes: build $(OUT)/tests/writes_bench
	$(Q)tests/bench/writes.sh $(BUILD)/vesta $(OUT)/tests/writes_bench
bench-programs: build $(OUT)/tests/tmpl_bench $(OUT)/tests/butane_bench $(OUT)/tests/hamt_bench $(OUT)/tests/site_gen $(OUT)/tests/storm
bench: deps-build deps-bench
	$(Q)$(MAKE) --no-print-directory -j$(shell nproc) bench-programs
	$(Q)tests/bench/run.sh $(BUILD)/vesta
	$(Q)$(MAKE) --no-print-directory bench-writes
	$(Q)tests/bench/tmpl.sh $(OUT)/tests/tmpl_bench
	$(Q)$(OUT)/tests/butane_bench
	$(Q)$(OUT)/tests/hamt_bench
