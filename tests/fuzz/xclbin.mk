# SPDX-License-Identifier: BSD-2-Clause
# build/fuzz/xclbin_fuzz: libFuzzer, ASan and UBSan over the walker of xclbin containers.
XCLBIN_FUZZ_SRC := $(patsubst %,tools/xrt/%.c,walk lists kinds build content) tests/fuzz/xclbin_fuzz.c

build/fuzz/xclbin_fuzz: $(XCLBIN_FUZZ_SRC) tools/xrt/xclbin.h tests/fuzz/input.h
	@mkdir -p $(@D)
	$(FUZZ_CC) $(CFLAGS) -Itools/xrt -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -o $@ $(XCLBIN_FUZZ_SRC) \
	  -lnettle -ljson-c
$(eval $(call fuzz_test,xclbin_fuzz,60000))
