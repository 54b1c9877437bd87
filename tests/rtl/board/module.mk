# SPDX-License-Identifier: BSD-2-Clause
# Bench of the kernel's control space: build/tests/rtl/board/board_test.
BOARD_TB_SRC := rtl/host/weft_axil.sv rtl/board/weft_kernel_split.v rtl/board/weft_kernel_regs.v tests/rtl/board/tb_board.sv

build/tests/rtl/board/board_test: $(BOARD_TB_SRC) rtl/board/lint.vlt tests/rtl/board/board_test.cpp
	@mkdir -p $(@D)
	$(VERILATOR) --cc --exe --build -O3 -Wall +1364-2001ext+v -Mdir $(@D)/obj --top-module tb_board -CFLAGS "-O1" \
		-LDFLAGS "-lcheck -lsubunit -lm -lrt -lpthread" -o ../board_test rtl/board/lint.vlt $(BOARD_TB_SRC) $(abspath tests/rtl/board/board_test.cpp)
TESTS += build/tests/rtl/board/board_test
