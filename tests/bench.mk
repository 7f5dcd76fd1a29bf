# Speed, as a ratio to nginx in the same run. Never part of `make test`.
.PHONY: bench
bench: deps-build deps-bench
	$(Q)$(MAKE) --no-print-directory -j$(shell nproc) build
	$(Q)tests/bench/run.sh $(BUILD)/vesta
