# SPDX-License-Identifier: BSD-2-Clause
# Bench of weft_tx: every byte of every frame against a model of the contract; throughput.
TX_TB_SRC := build/abi/weft_eng_pkg.sv build/abi/weft_host_pkg.sv rtl/net/weft_tx_pkg.sv rtl/move/weft_crc32c.sv rtl/move/weft_sgl_walk.sv \
	rtl/net/weft_tx_fifo.sv rtl/net/weft_tx_regs.sv rtl/net/weft_tx_op.sv rtl/net/weft_tx_src.sv rtl/net/weft_tx_asm.sv rtl/net/weft_tx_hdr.sv \
	rtl/net/weft_tx_buf.sv rtl/net/weft_tx.sv

build/tests/rtl/tx/tx_test: $(TX_TB_SRC) build/abi/weft_engine.h tests/rtl/tx/tx_test.cpp tests/rtl/tx/tx_bench.h \
		tests/rtl/tx/tx_bench.cpp tests/rtl/tx/tx_model.cpp
	@mkdir -p $(@D)
	$(VERILATOR) --cc --exe --build -O3 -Wall -Mdir $(@D)/obj --top-module weft_tx -CFLAGS "-O2 -Wall -Wextra -Wno-sign-compare -I$(abspath build/abi)" \
		-LDFLAGS "-lcheck -lsubunit -lm -lrt -lpthread" -o ../tx_test $(TX_TB_SRC) $(abspath tests/rtl/tx/tx_test.cpp) \
		$(abspath tests/rtl/tx/tx_bench.cpp) $(abspath tests/rtl/tx/tx_model.cpp)
TESTS += build/tests/rtl/tx/tx_test
