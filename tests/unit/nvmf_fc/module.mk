# SPDX-License-Identifier: BSD-2-Clause
# build/tests/unit/nvmf_fc/nvmf_fc_test: NVMe-oF host and target over FC-NVMe, on the software loopback and on two fake adapters,
# with sanitizers.
NF_OUT := build/tests/unit/nvmf_fc
NF_SAN := -fsanitize=address,undefined -fno-sanitize-recover=all
NF_SRC := $(wildcard $(foreach d,nvmf fc fcloop host target backend,host-lib/$(d)/*.c) tests/unit/nvmf_fc/*.c driver/fc/*.c) $(DRIVER_SRC) $(FAKE_SRC)
NF_OBJ := $(NF_SRC:%.c=$(NF_OUT)/%.o)
TESTS += $(NF_OUT)/nvmf_fc_test

$(NF_OUT)/%.o: %.c build/abi/weft_host.h
	@mkdir -p $(@D)
	$(CCACHE) $(CC) $(CFLAGS) $(NF_SAN) -MMD -MP -c $< -o $@
$(NF_OUT)/nvmf_fc_test: $(NF_OBJ) $(CHECK_FEW_O)
	$(CC) $(NF_SAN) $(CHECK_FEW) -o $@ $^ $(DRIVER_LIBS) $(CHECK_LIBS)
-include $(NF_OBJ:.o=.d)
