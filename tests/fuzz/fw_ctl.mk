# SPDX-License-Identifier: BSD-2-Clause
# build/fuzz/fw_ctl_fuzz: libFuzzer, ASan and UBSan over the firmware's NVMe/TCP controller role.
# How its objects are made stands in fw_rx.mk.
FW_CTL_FUZZ_SRC := $(FW_NATIVE_SRC) $(wildcard firmware/nvme_tcp/*.c firmware/fc/*.c firmware/fc_nvme/*.c firmware/host/*.c) firmware/main.c
FW_CTL_FUZZ_OBJ := $(FW_CTL_FUZZ_SRC:firmware/%.c=build/fuzz/fw/%.o) build/fuzz/fw/fw_ctl_fuzz.o

build/fuzz/fw/fw_ctl_fuzz.o: tests/fuzz/fw_ctl_fuzz.c $(ABI_C)
	@mkdir -p $(@D)
	$(FUZZ_CC) $(CFLAGS) $(FW_NATIVE_FLAGS) $(FUZZ_SAN) -MMD -c $< -o $@
build/fuzz/fw_ctl_fuzz: $(FW_CTL_FUZZ_OBJ)
	$(FUZZ_CC) -fsanitize=fuzzer,address,undefined -Wl,--wrap=hal_complete $^ -o $@
$(eval $(call fuzz_test,fw_ctl_fuzz,30000))
-include $(FW_CTL_FUZZ_OBJ:.o=.d)
