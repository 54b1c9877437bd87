# SPDX-License-Identifier: BSD-2-Clause
# build/tests/unit/boot_core/rom_core_test: the boot ROM as it is built for the core, on the Verilated core alone.
UBCORE_OUT := build/tests/unit/boot_core
UBCORE_C   := tests/unit/boot_core/rom_core_test.c tests/unit/boot/rig.c sim/model/flash.c sim/model/flash_array.c \
              firmware/flash/image.c firmware/flash/nor.c firmware/flash/record.c firmware/boot/rom/boot.c firmware/boot/rom/crypto.c
UBCORE_OBJ := $(UBCORE_C:%.c=$(UBCORE_OUT)/%.o)
TESTS += $(UBCORE_OUT)/rom_core_test

$(UBCORE_OUT)/%.o: %.c $(ABI_C)
	@mkdir -p $(@D)
	$(CCACHE) $(CC) $(CFLAGS) $(FW_NATIVE_FLAGS) -Isim -Isim/core_run -Itests/unit/boot -MMD -c $< -o $@
$(UBCORE_OUT)/rom_core_test: $(UBCORE_OBJ) $(CORE_MODEL_OBJS) build/firmware/rom.bin
	$(CXX) -o $@ $(UBCORE_OBJ) $(CORE_MODEL_OBJS) -lsodium -lcheck -lsubunit -lm -lrt -lpthread
-include $(UBCORE_OBJ:.o=.d)
