# SPDX-License-Identifier: BSD-2-Clause
# Bench of the small blocks of rtl/move: CRC32C, beat packer, SGL walker.
MOVE_TB_SRC := build/abi/weft_host_pkg.sv rtl/move/weft_crc32c.sv rtl/move/weft_pack.sv rtl/move/weft_sgl_walk.sv tests/rtl/move/tb_move.sv

build/tests/rtl/move/move_test: $(MOVE_TB_SRC) tests/rtl/move/move_test.cpp
	@mkdir -p $(@D)
	$(VERILATOR) --cc --exe --build -O3 -Wall -Mdir $(@D)/obj --top-module tb_move -CFLAGS "-O1 -Wall -Wextra" \
		-LDFLAGS "-lcheck -lsubunit -lm -lrt -lpthread" -o ../move_test $(MOVE_TB_SRC) $(abspath tests/rtl/move/move_test.cpp)
TESTS += build/tests/rtl/move/move_test
