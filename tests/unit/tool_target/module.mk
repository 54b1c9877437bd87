# SPDX-License-Identifier: BSD-2-Clause
# weft target: the configuration and what is made of its differences. apply_test stands in for the target library.
TT_DIR  := build/tests/unit/tool_target
TT_OBJ  := $(patsubst %,build/tools/target_%.o,config fields values scan)
TT_TEST := $(TT_DIR)/config_test $(TT_DIR)/apply_test

$(TT_DIR)/%.o: tests/unit/tool_target/%.c build/abi/weft_host.h
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -Itools -MMD -MP -c -o $@ $<
-include $(wildcard $(TT_DIR)/*.d)
$(TT_DIR)/config_test: $(TT_DIR)/config_test.o $(TT_OBJ)
	$(CC) -o $@ $^ $(DRIVER_LIBS) $(CHECK_LIBS)
$(TT_DIR)/apply_test: $(TT_DIR)/apply_test.o $(TT_DIR)/fake_target.o build/tools/target_apply.o $(TT_OBJ) build/driver/libweft.a
	$(CC) -o $@ $^ $(DRIVER_LIBS) $(CHECK_LIBS)
TESTS += $(TT_TEST)

# The command itself, over the stand-in (whose functions come first) and the driver's fake adapter.
$(TT_DIR)/weft: $(TOOL_OBJ) $(TT_DIR)/fake_target.o $(TOOL_LIBS)
	$(CC) -o $@ -Wl,-z,muldefs $^ $(TOOL_LDLIBS)
$(TT_DIR)/command_test.o: CFLAGS += -Itests/unit/driver
$(TT_DIR)/command_test: $(TT_DIR)/command_test.o $(FAKE_OBJ) build/driver/libweft.a | $(TT_DIR)/weft build/weft
	$(CC) -o $@ $^ $(DRIVER_LIBS) $(CHECK_LIBS)
TESTS += $(TT_DIR)/command_test

# The command with everything below it, over two simulated adapters.
tests/unit/tool_target/serve_test.py: | build/weft build/weft-sim build/firmware/weft.elf
TESTS += tests/unit/tool_target/serve_test.py
