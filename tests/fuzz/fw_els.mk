# SPDX-License-Identifier: BSD-2-Clause
# build/fuzz/fw_els_fuzz: libFuzzer, ASan and UBSan over the Fibre Channel port: link services, the fabric's services, FIP, link.
# How its objects are made stands in fw_rx.mk; what stands behind the port is in the fuzzer itself.
FW_ELS_FUZZ_SRC := $(filter-out firmware/fc/fc_frame.c,$(wildcard firmware/fc/*.c)) firmware/lib/timer.c firmware/lib/log.c
FW_ELS_FUZZ_OBJ := $(FW_ELS_FUZZ_SRC:firmware/%.c=build/fuzz/fw/%.o) build/fuzz/fw/fw_els_fuzz.o

build/fuzz/fw/fw_els_fuzz.o: tests/fuzz/fw_els_fuzz.c $(ABI_C)
	@mkdir -p $(@D)
	$(FUZZ_CC) $(CFLAGS) $(FW_NATIVE_FLAGS) $(FUZZ_SAN) -MMD -c $< -o $@
build/fuzz/fw_els_fuzz: $(FW_ELS_FUZZ_OBJ)
	$(FUZZ_CC) -fsanitize=fuzzer,address,undefined $^ -o $@
$(eval $(call fuzz_test,fw_els_fuzz,60000))
-include $(FW_ELS_FUZZ_OBJ:.o=.d)
