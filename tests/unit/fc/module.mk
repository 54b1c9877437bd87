# SPDX-License-Identifier: BSD-2-Clause
# build/tests/unit/fc/fc_test: the FC-NVMe transport over the software loopback; fc_adapter_test: over the adapter's driver, with two fake
# adapters on a cable, and that driver itself. With sanitizers.
FC_OUT := build/tests/unit/fc
FC_SAN := -fsanitize=address,undefined -fno-sanitize-recover=all
FC_MAIN := $(FC_OUT)/fc_test $(FC_OUT)/fc_adapter_test
FC_SRC := $(wildcard host-lib/fc/*.c host-lib/fcloop/*.c tests/unit/fc/*.c) $(DRIVER_SRC) $(wildcard driver/fc/*.c) $(FAKE_SRC)
FC_OBJ := $(FC_SRC:%.c=$(FC_OUT)/%.o)
FC_MAIN_OBJ := $(FC_MAIN:$(FC_OUT)/%=$(FC_OUT)/tests/unit/fc/%.o)
TESTS += $(FC_MAIN)

$(FC_OUT)/%.o: %.c build/abi/weft_host.h
	@mkdir -p $(@D)
	$(CCACHE) $(CC) $(CFLAGS) $(FC_SAN) -MMD -MP -c $< -o $@
$(FC_MAIN): $(FC_OUT)/%: $(FC_OUT)/tests/unit/fc/%.o $(filter-out $(FC_MAIN_OBJ),$(FC_OBJ)) $(CHECK_FEW_O)
	$(CC) $(FC_SAN) $(CHECK_FEW) -o $@ $^ $(DRIVER_LIBS) $(CHECK_LIBS)
-include $(FC_OBJ:.o=.d)
