# SPDX-License-Identifier: BSD-2-Clause
# The firmware's flash service on the native model, with the simulator's flash behind it: build/tests/unit/fw_flash/fw_flash_test
FWF_OUT  := build/tests/unit/fw_flash
FWF_FW   := $(wildcard firmware/nvme_tcp/*.c firmware/fc/*.c firmware/fc_nvme/*.c firmware/host/*.c) firmware/main.c firmware/boot/rom/boot.c
FWF_TEST := $(wildcard tests/unit/fw_flash/*.c)
FWF_SIM  := flash flash_array
FWF_OBJ  := $(FWF_FW:firmware/%.c=build/tests/unit/fw_nvme/fw/%.o) $(FWF_TEST:tests/unit/fw_flash/%.c=$(FWF_OUT)/%.o) $(FWF_SIM:%=$(FWF_OUT)/%.o)
TESTS    += $(FWF_OUT)/fw_flash_test

$(FWF_OUT)/%.o: tests/unit/fw_flash/%.c $(ABI_C)
	@mkdir -p $(@D)
	$(CCACHE) $(CC) $(CFLAGS) $(FW_NATIVE_FLAGS) $(FW_NATIVE_SAN) -Isim/model -MMD -c $< -o $@
$(FWF_SIM:%=$(FWF_OUT)/%.o): $(FWF_OUT)/%.o: sim/model/%.c
	@mkdir -p $(@D)
	$(CCACHE) $(CC) $(CFLAGS) -D_GNU_SOURCE $(FW_NATIVE_SAN) -MMD -c $< -o $@
$(FWF_OUT)/fw_flash_test: $(FWF_OBJ) $(FW_NATIVE_LIB)
	$(CC) $(FW_NATIVE_SAN) $^ -lcheck -lsubunit -lm -lrt -lpthread -o $@
-include $(FWF_OBJ:.o=.d)
