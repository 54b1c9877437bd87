# SPDX-License-Identifier: BSD-2-Clause
# build/fuzz/fw_rx_fuzz: libFuzzer, ASan and UBSan over the firmware's receive path.
FUZZ_SAN := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
FW_FUZZ_OBJ := $(FW_NATIVE_SRC:firmware/%.c=build/fuzz/fw/%.o) build/fuzz/fw/fw_rx_fuzz.o

build/fuzz/fw/%.o: firmware/%.c $(ABI_C)
	@mkdir -p $(@D)
	$(FUZZ_CC) $(CFLAGS) $(FW_NATIVE_FLAGS) $(FUZZ_SAN) -MMD -c $< -o $@
build/fuzz/fw/fw_rx_fuzz.o: tests/fuzz/fw_rx_fuzz.c $(ABI_C)
	@mkdir -p $(@D)
	$(FUZZ_CC) $(CFLAGS) $(FW_NATIVE_FLAGS) $(FUZZ_SAN) -MMD -c $< -o $@
build/fuzz/fw_rx_fuzz: $(FW_FUZZ_OBJ)
	$(FUZZ_CC) -fsanitize=fuzzer,address,undefined $^ -o $@
$(eval $(call fuzz_test,fw_rx_fuzz,60000))
-include $(FW_FUZZ_OBJ:.o=.d)
