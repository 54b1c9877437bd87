# SPDX-License-Identifier: BSD-2-Clause
# build/tests/unit/boot/boot_test: the boot ROM's logic and the flash's code against the simulator's flash, with sanitizers.
# `make test-boot-full` runs more of the same: every place of the record log, more seeds.
UBOOT_OUT  := build/tests/unit/boot
UBOOT_FW   := $(wildcard firmware/flash/image.c firmware/flash/nor.c firmware/flash/record.c) firmware/boot/rom/boot.c firmware/boot/rom/crypto.c
UBOOT_TEST := $(wildcard tests/unit/boot/*.c)
UBOOT_SIM  := sim/model/flash.c sim/model/flash_array.c
UBOOT_OBJ  := $(UBOOT_FW:firmware/%.c=$(UBOOT_OUT)/fw/%.o) $(UBOOT_SIM:sim/%.c=$(UBOOT_OUT)/sim/%.o) $(UBOOT_TEST:tests/unit/boot/%.c=$(UBOOT_OUT)/%.o)
TESTS += $(UBOOT_OUT)/boot_test

$(UBOOT_OUT)/fw/%.o: firmware/%.c $(ABI_C)
	@mkdir -p $(@D)
	$(CCACHE) $(CC) $(CFLAGS) $(FW_NATIVE_FLAGS) $(FW_NATIVE_SAN) -MMD -c $< -o $@
# The model is not what is tested, and most of the time goes into it: without sanitizers.
$(UBOOT_OUT)/sim/%.o: sim/%.c
	@mkdir -p $(@D)
	$(CCACHE) $(CC) $(CFLAGS) -MMD -c $< -o $@
$(UBOOT_OUT)/%.o: tests/unit/boot/%.c $(ABI_C)
	@mkdir -p $(@D)
	$(CCACHE) $(CC) $(CFLAGS) $(FW_NATIVE_FLAGS) $(FW_NATIVE_SAN) -Isim -MMD -c $< -o $@
$(UBOOT_OUT)/boot_test: $(UBOOT_OBJ)
	$(CC) $(FW_NATIVE_SAN) $^ -lsodium -lcheck -lsubunit -lm -lrt -lpthread -o $@
-include $(UBOOT_OBJ:.o=.d)

.PHONY: test-boot-full
test-boot-full: $(UBOOT_OUT)/boot_test
	$< --full
