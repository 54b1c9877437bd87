# SPDX-License-Identifier: BSD-2-Clause
# build/tests/unit/fw_fc/fw_fc_test: the port of firmware/fc against scripted peers, and two of them against each other, with sanitizers.
FWFC_OUT  := build/tests/unit/fw_fc
FWFC_FW   := $(filter-out firmware/fc/fc_frame.c,$(wildcard firmware/fc/*.c))
FWFC_LIB  := firmware/lib/timer.c firmware/lib/log.c
FWFC_TEST := $(wildcard tests/unit/fw_fc/*.c)
FWFC_PORT := $(FWFC_FW:firmware/%.c=$(FWFC_OUT)/fw/%.o)
FWFC_OBJ  := $(FWFC_PORT) $(FWFC_LIB:firmware/%.c=$(FWFC_OUT)/fw/%.o) $(FWFC_TEST:tests/unit/fw_fc/%.c=$(FWFC_OUT)/%.o)
TESTS += $(FWFC_OUT)/fw_fc_test

$(FWFC_OUT)/fw/%.o: firmware/%.c $(ABI_C)
	@mkdir -p $(@D)
	$(CCACHE) $(CC) $(CFLAGS) $(FW_NATIVE_FLAGS) $(FW_NATIVE_SAN) -MMD -c $< -o $@
$(FWFC_OUT)/%.o: tests/unit/fw_fc/%.c $(ABI_C)
	@mkdir -p $(@D)
	$(CCACHE) $(CC) $(CFLAGS) $(FW_NATIVE_FLAGS) $(FW_NATIVE_SAN) -MMD -c $< -o $@
$(FWFC_OUT)/fw_fc_test: $(FWFC_OBJ)
	$(CC) $(FW_NATIVE_SAN) $^ -lcheck -lsubunit -lm -lrt -lpthread -o $@
-include $(FWFC_OBJ:.o=.d)
