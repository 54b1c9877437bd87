# SPDX-License-Identifier: BSD-2-Clause
# build/fuzz/fw_rx_fuzz: libFuzzer, ASan and UBSan over the firmware's receive path; build/tests/fw_rx_fuzz runs it for FUZZ_SECONDS (60).
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
build/tests/fw_rx_fuzz: build/fuzz/fw_rx_fuzz tests/fuzz/run-fuzz
	@mkdir -p $(@D)
	printf '#!/bin/sh\nexec tests/fuzz/run-fuzz build/fuzz/fw_rx_fuzz\n' >$@
	chmod +x $@
-include $(FW_FUZZ_OBJ:.o=.d)
TESTS += build/tests/fw_rx_fuzz
