# SPDX-License-Identifier: BSD-2-Clause
# Bench of weft_host with the DMA engines: build/tests/rtl/host/host_test, stand-alone.
HOST_BENCH_RTL := build/abi/weft_host_pkg.sv build/abi/weft_eng_pkg.sv $(wildcard rtl/host/*.sv rtl/move/weft_dma_*.sv)

build/tests/rtl/host/host_test: tests/rtl/host/host_test.cpp tests/rtl/host/host_ring_test.cpp tests/rtl/host/host_bench.hpp \
		tests/rtl/dma/axi_model.hpp tests/rtl/host/tb_host.sv $(HOST_BENCH_RTL) build/abi/weft_host.h build/abi/weft_engine.h
	@mkdir -p $(@D)
	$(VERILATOR) --cc --exe --build -j 2 -O3 --x-assign unique --assert -Wall -y rtl/move -y rtl/host --top-module tb_host \
		-Mdir build/tests/rtl/host/obj -LDFLAGS "-lcheck -lsubunit -lm -lrt -lpthread" \
		-CFLAGS "-O2 -g -Wall -I$(CURDIR)/tests/rtl/dma -I$(CURDIR)/tests/rtl/host -I$(CURDIR)/build/abi" \
		-o ../host_test build/abi/weft_host_pkg.sv build/abi/weft_eng_pkg.sv tests/rtl/host/tb_host.sv \
		$(CURDIR)/tests/rtl/host/host_test.cpp $(CURDIR)/tests/rtl/host/host_ring_test.cpp

TESTS += build/tests/rtl/host/host_test
