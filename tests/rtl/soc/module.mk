# SPDX-License-Identifier: BSD-2-Clause
# Bench of the event queue, the shared SRAM and the timer: build/tests/rtl/soc/soc_test.
SOC_TB_SRC := build/abi/weft_eng_pkg.sv rtl/mem/weft_ram_tdp.sv rtl/soc/weft_evq.sv rtl/soc/weft_xram.sv rtl/soc/weft_timer.sv tests/rtl/soc/tb_soc.sv

build/tests/rtl/soc/soc_test: $(SOC_TB_SRC) tests/rtl/soc/soc_test.cpp
	@mkdir -p $(@D)
	$(VERILATOR) --cc --exe --build -O3 -Wall -Mdir $(@D)/obj --top-module tb_soc -CFLAGS "-O1" \
		-LDFLAGS "-lcheck -lsubunit -lm -lrt -lpthread" -o ../soc_test $(SOC_TB_SRC) $(abspath tests/rtl/soc/soc_test.cpp)
TESTS += build/tests/rtl/soc/soc_test
