# SPDX-License-Identifier: BSD-2-Clause
# build/fuzz/fw_fc_fuzz: frames and entries for the firmware's FC-NVMe; build/tests/fw_fc_fuzz is the short run.
FW_FC_FUZZ_SRC := $(FW_NATIVE_SRC) $(wildcard firmware/nvme_tcp/*.c firmware/fc_nvme/*.c firmware/host/*.c) firmware/fc/fc_frame.c firmware/main.c
FW_FC_FUZZ_OBJ := $(FW_FC_FUZZ_SRC:firmware/%.c=build/fuzz/fw/%.o) build/fuzz/fw/fw_fc_fuzz.o

build/fuzz/fw/fw_fc_fuzz.o: tests/fuzz/fw_fc_fuzz.c $(ABI_C)
	@mkdir -p $(@D)
	$(FUZZ_CC) $(CFLAGS) $(FW_NATIVE_FLAGS) $(FUZZ_SAN) -MMD -c $< -o $@
build/fuzz/fw_fc_fuzz: $(FW_FC_FUZZ_OBJ)
	$(FUZZ_CC) -fsanitize=fuzzer,address,undefined -Wl,--wrap=hal_complete $^ -o $@
$(eval $(call fuzz_test,fw_fc_fuzz,40000))
-include $(FW_FC_FUZZ_OBJ:.o=.d)
