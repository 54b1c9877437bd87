# SPDX-License-Identifier: BSD-2-Clause
# build/tests/fw_tcp_test: firmware/lib, net and tcp against the native model, with sanitizers.
FW_TCP_TEST_SRC := $(wildcard tests/unit/fw_tcp/*.c)
FW_TCP_TEST_OBJ := $(FW_TCP_TEST_SRC:tests/unit/fw_tcp/%.c=build/tests/fw_tcp/%.o)

build/tests/fw_tcp/%.o: tests/unit/fw_tcp/%.c $(ABI_C)
	@mkdir -p $(@D)
	$(CCACHE) $(CC) $(CFLAGS) $(FW_NATIVE_FLAGS) $(FW_NATIVE_SAN) -Itests/unit/fw_tcp -MMD -c $< -o $@
build/tests/fw_tcp_test: $(FW_TCP_TEST_OBJ) $(FW_NATIVE_LIB) $(CHECK_FEW_O)
	$(CC) $(FW_NATIVE_SAN) $(CHECK_FEW) $^ -lcheck -lsubunit -lm -lrt -lpthread -o $@
-include $(FW_TCP_TEST_OBJ:.o=.d)
TESTS += build/tests/fw_tcp_test
