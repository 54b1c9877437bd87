# SPDX-License-Identifier: BSD-2-Clause
# Bench of weft_fc_tx: every byte of every frame against a model of the contract; credit, link, throughput.
FC_TX_TB_SRC := build/abi/weft_eng_pkg.sv build/abi/weft_host_pkg.sv rtl/fc/weft_fc_tx_pkg.sv rtl/move/weft_pack.sv rtl/move/weft_sgl_walk.sv \
	rtl/net/weft_tx_fifo.sv rtl/move/weft_crc32c.sv rtl/fc/weft_fc_tx_regs.sv rtl/fc/weft_fc_tx_op.sv rtl/fc/weft_fc_tx_src.sv \
	rtl/fc/weft_fc_tx_frame.sv rtl/fc/weft_fc_tx_out.sv rtl/fc/weft_fc_tx_link.sv rtl/fc/weft_fc_tx.sv
FC_TX_TB_CPP := fc_tx_test.cpp fc_tx_link_test.cpp fc_tx_gen.cpp fc_tx_bench.cpp fc_tx_model.cpp

build/tests/rtl/fc_tx/fc_tx_test: $(FC_TX_TB_SRC) build/abi/weft_engine.h $(addprefix tests/rtl/fc_tx/,$(FC_TX_TB_CPP) fc_tx_bench.h)
	@mkdir -p $(@D)
	$(VERILATOR) --cc --exe --build -O3 -Wall -Mdir $(@D)/obj --top-module weft_fc_tx \
		-CFLAGS "-O2 -Wall -Wextra -Wno-sign-compare -I$(abspath build/abi)" -LDFLAGS "-lcheck -lsubunit -lm -lrt -lpthread" -o ../fc_tx_test \
		$(FC_TX_TB_SRC) $(abspath $(addprefix tests/rtl/fc_tx/,$(FC_TX_TB_CPP)))
TESTS += build/tests/rtl/fc_tx/fc_tx_test
