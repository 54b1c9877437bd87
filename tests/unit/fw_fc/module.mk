# SPDX-License-Identifier: BSD-2-Clause
# build/tests/unit/fw_fc/fw_fc_test: the port of firmware/fc against scripted peers, and two of them against each other, with sanitizers.
FWFC_OUT  := build/tests/unit/fw_fc
FWFC_FW   := $(filter-out firmware/fc/fc_frame.c,$(wildcard firmware/fc/*.c))
FWFC_LIB  := firmware/lib/timer.c firmware/lib/log.c
FWFC_TEST := $(wildcard tests/unit/fw_fc/*.c)
FWFC_PORT := $(FWFC_FW:firmware/%.c=$(FWFC_OUT)/fw/%.o)
FWFC_OBJ  := $(FWFC_PORT) $(FWFC_LIB:firmware/%.c=$(FWFC_OUT)/fw/%.o) $(FWFC_TEST:tests/unit/fw_fc/%.c=$(FWFC_OUT)/%.o)
TESTS += $(FWFC_OUT)/fw_fc_test

$(FWFC_OUT)/fw/%.o: firmware/%.c $(ABI_C)
	@mkdir -p $(@D)
	$(CCACHE) $(CC) $(CFLAGS) $(FW_NATIVE_FLAGS) $(FW_NATIVE_SAN) -MMD -c $< -o $@
$(FWFC_OUT)/%.o: tests/unit/fw_fc/%.c $(ABI_C)
	@mkdir -p $(@D)
	$(CCACHE) $(CC) $(CFLAGS) $(FW_NATIVE_FLAGS) $(FW_NATIVE_SAN) -MMD -c $< -o $@
# Two more copies of the port: what they define, and what stands behind them, gets a prefix (pair.c).
FWFC_BEHIND := hal_fc_ctrl hal_fc_status hal_fc_credit hal_fc_id hal_fc_map hal_fc_mac hal_fc_tx_free fc_send fc_send_ether \
               fcn_link_changed fcn_rport_changed fcn_rport_rscn fcn_in_use fcn_stats
FWFC_COPY   := $(FWFC_OUT)/port_a.o $(FWFC_OUT)/port_b.o
$(FWFC_COPY): $(FWFC_OUT)/port_%.o: $(FWFC_PORT) tests/unit/fw_fc/module.mk
	$(LD) -r $(FWFC_PORT) -o $@.all
	{ nm -g --defined-only $@.all | awk '{ print $$3 }'; printf '%s\n' $(FWFC_BEHIND); } | awk '{ print $$1, "$*_" $$1 }' >$@.names
	objcopy --redefine-syms=$@.names $@.all $@
$(FWFC_OUT)/fw_fc_test: $(FWFC_OBJ) $(FWFC_COPY) $(CHECK_FEW_O)
	$(CC) $(FW_NATIVE_SAN) $(CHECK_FEW) $^ -lcheck -lsubunit -lm -lrt -lpthread -o $@
-include $(FWFC_OBJ:.o=.d)
