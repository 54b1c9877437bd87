# SPDX-License-Identifier: BSD-2-Clause
# The firmware's FC-NVMe exchanges:
#   build/tests/unit/fw_fcn/fw_fcn_test   both roles on the native model, with sanitizers; the port is a double
FCNT_OUT := build/tests/unit/fw_fcn
TESTS += $(FCNT_OUT)/fw_fcn_test
FCNT_FW  := $(wildcard firmware/nvme_tcp/*.c firmware/fc_nvme/*.c firmware/host/*.c) firmware/fc/fc_frame.c firmware/main.c
FCNT_OBJ := $(FCNT_FW:firmware/%.c=$(FCNT_OUT)/fw/%.o) $(patsubst tests/unit/fw_fcn/%.c,$(FCNT_OUT)/%.o,$(wildcard tests/unit/fw_fcn/*.c))
# Engine calls that the tests look at (fcn_helper.c)
FCNT_WRAP := -Wl,--wrap=hal_complete,--wrap=hal_cq_space

$(FCNT_OUT)/fw/%.o: firmware/%.c $(ABI_C)
	@mkdir -p $(@D)
	$(CCACHE) $(CC) $(CFLAGS) $(FW_NATIVE_FLAGS) $(FW_NATIVE_SAN) -MMD -c $< -o $@
$(FCNT_OUT)/%.o: tests/unit/fw_fcn/%.c $(ABI_C)
	@mkdir -p $(@D)
	$(CCACHE) $(CC) $(CFLAGS) $(FW_NATIVE_FLAGS) $(FW_NATIVE_SAN) -MMD -c $< -o $@
$(FCNT_OUT)/fw_fcn_test: $(FCNT_OBJ) $(FW_NATIVE_LIB)
	$(CC) $(FW_NATIVE_SAN) $(FCNT_WRAP) $^ -lcheck -lsubunit -lm -lrt -lpthread -o $@
-include $(FCNT_OBJ:.o=.d)
