# SPDX-License-Identifier: BSD-2-Clause
# weft fw as a user runs it, over vfio-user, the fake adapter and its flash behind: build/tests/unit/tool_fw/fw_test
TFW_OUT := build/tests/unit/tool_fw
TESTS   += $(TFW_OUT)/fw_test

$(TFW_OUT)/fw_test.o: tests/unit/tool_fw/fw_test.c build/abi/weft_host.h
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -D_GNU_SOURCE -Idriver/include -Ihost-lib/include -Ibuild/abi -Itests/unit/driver -MMD -MP -c $< -o $@
$(TFW_OUT)/fw_test: $(TFW_OUT)/fw_test.o $(patsubst %.c,build/%.o,$(wildcard tests/unit/driver/fake_*.c)) build/driver/libweft.a | build/weft
	$(CC) -o $@ $^ $(DRIVER_LIBS) -lcheck -lsubunit -lm -lrt -lpthread
-include $(TFW_OUT)/fw_test.d
