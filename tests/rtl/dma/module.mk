# SPDX-License-Identifier: BSD-2-Clause
# Benches of the DMA engines: build/tests/rtl/dma/dma_rd_test and dma_wr_test, each stand-alone.
DMA_BENCH_LIBS := -lcheck -lsubunit -lm -lrt -lpthread
DMA_BENCH_RTL  := $(wildcard rtl/move/weft_dma_*.sv)

build/tests/rtl/dma/dma_%_test: tests/rtl/dma/dma_%_test.cpp tests/rtl/dma/axi_model.hpp $(DMA_BENCH_RTL)
	@mkdir -p $(@D)
	$(VERILATOR) --cc --exe --build -j 2 -O3 --x-assign unique --assert -Wall -y rtl/move --top-module weft_dma_$* \
		-Mdir build/tests/rtl/dma/obj_$* -CFLAGS "-O2 -g -Wall -I$(CURDIR)/tests/rtl/dma" -LDFLAGS "$(DMA_BENCH_LIBS)" \
		-o ../dma_$*_test rtl/move/weft_dma_$*.sv $(CURDIR)/tests/rtl/dma/dma_$*_test.cpp

TESTS += build/tests/rtl/dma/dma_rd_test build/tests/rtl/dma/dma_wr_test
