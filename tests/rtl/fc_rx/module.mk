# SPDX-License-Identifier: BSD-2-Clause
# Bench of the Fibre Channel receiver: build/tests/rtl/fc_rx/fc_rx_test. Frames in, events and host memory out, against a model of the rules.
FCRX_TB_RTL := build/abi/weft_eng_pkg.sv build/abi/weft_host_pkg.sv rtl/fc/weft_fc_rx_pkg.sv rtl/mem/weft_ram_tdp.sv rtl/move/weft_crc32c.sv \
	rtl/move/weft_dma_fifo.sv rtl/move/weft_sgl_walk.sv $(filter-out rtl/fc/weft_fc_rx_pkg.sv,$(wildcard rtl/fc/weft_fc_rx*.sv))
FCRX_TB_CPP := $(wildcard tests/rtl/fc_rx/*.cpp)

build/tests/rtl/fc_rx/fc_rx_test: $(FCRX_TB_RTL) $(FCRX_TB_CPP) $(wildcard tests/rtl/fc_rx/*.h) build/abi/weft_engine.h build/abi/weft_host.h
	@mkdir -p $(@D)
	$(VERILATOR) --cc --exe --build -j 2 -O3 --x-assign unique --x-initial unique -Wall -Mdir $(@D)/obj --top-module weft_fc_rx \
		-CFLAGS "-O2 -g -Wall -Wextra -I$(abspath build/abi) -I$(abspath tests/rtl/fc_rx)" -LDFLAGS "-lcheck -lsubunit -lm -lrt -lpthread" \
		-o ../fc_rx_test $(FCRX_TB_RTL) $(abspath $(FCRX_TB_CPP))
TESTS += build/tests/rtl/fc_rx/fc_rx_test
