# Real clients in QEMU. Never part of `make test`: it installs QEMU and downloads a kernel.
# ONLY="grub-efi ipxe-bios" runs these alone.
.PHONY: test-boot
test-boot: deps-build
	$(Q)$(MAKE) --no-print-directory -j$(shell nproc) build
	$(Q)tests/boot/setup.sh $(BUILD)/boot
	$(Q)tests/boot/run.sh $(OUT)/vesta $(BUILD)/boot $(ONLY)
