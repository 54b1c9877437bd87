# SPDX-License-Identifier: BSD-2-Clause
# weft xclbin: the walker alone, under the sanitizers; the command over a library that stands in for libxrt; the kernel's ports.
#   test-xrt   the command over XRT itself, its noop shim: needs Debian 12's libxrt1, fails without
XT_DIR := build/tests/unit/xrt
XT_SAN := -fsanitize=address,undefined -fno-sanitize-recover=all
XT_SRC := $(patsubst %,tools/xrt/%.c,walk lists kinds build content) tests/unit/xrt/walk_test.c

$(XT_DIR)/walk_test: $(XT_SRC) tools/xrt/xclbin.h
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(XT_SAN) -Itools/xrt -o $@ $(XT_SRC) -lnettle -ljson-c $(CHECK_LIBS)
$(XT_DIR)/libfake_xrt.so: tests/unit/xrt/fake_xrt.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -shared -fPIC -o $@ $<
$(XT_DIR)/libold_xrt.so: tests/unit/xrt/fake_xrt.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -DWITHOUT_UUID -shared -fPIC -o $@ $<
tests/unit/xrt/command_test.py: | build/weft $(XT_DIR)/libfake_xrt.so $(XT_DIR)/libold_xrt.so
TESTS += $(XT_DIR)/walk_test tests/unit/xrt/command_test.py

.PHONY: test-xrt
test-xrt: build/weft
	tests/unit/xrt/noop_test.py
