# SPDX-License-Identifier: BSD-2-Clause
# build/tests/unit/target/target_test: the target over a double of the transport, with sanitizers.
TGT_OUT := build/tests/unit/target
TGT_SAN := -fsanitize=address,undefined -fno-sanitize-recover=all
TGT_LIB := $(wildcard host-lib/target/*.c)
TGT_TEST := $(wildcard tests/unit/target/*.c)
TGT_OBJ := $(TGT_LIB:host-lib/target/%.c=$(TGT_OUT)/lib/%.o) $(TGT_TEST:tests/unit/target/%.c=$(TGT_OUT)/%.o)
TESTS += $(TGT_OUT)/target_test

$(TGT_OUT)/lib/%.o: host-lib/target/%.c
	@mkdir -p $(@D)
	$(CCACHE) $(CC) $(CFLAGS) $(TGT_SAN) -MMD -MP -c $< -o $@
$(TGT_OUT)/%.o: tests/unit/target/%.c
	@mkdir -p $(@D)
	$(CCACHE) $(CC) $(CFLAGS) $(TGT_SAN) -MMD -MP -c $< -o $@
$(TGT_OUT)/target_test: $(TGT_OBJ) $(CHECK_FEW_O)
	$(CC) $(TGT_SAN) $(CHECK_FEW) -o $@ $^ -lnettle $(CHECK_LIBS)
-include $(TGT_OBJ:.o=.d)
