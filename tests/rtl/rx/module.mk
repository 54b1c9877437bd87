# SPDX-License-Identifier: BSD-2-Clause
# Bench of the receiver: build/tests/rtl/rx/rx_test. Frames in, events and host memory out, against models of everything around weft_rx.
RX_TB_RTL := build/abi/weft_eng_pkg.sv build/abi/weft_host_pkg.sv rtl/net/weft_rx_pkg.sv rtl/move/weft_crc32c.sv rtl/move/weft_sgl_walk.sv \
	rtl/net/weft_pktbuf.sv $(filter-out rtl/net/weft_rx_pkg.sv,$(wildcard rtl/net/weft_rx*.sv))
RX_TB_CPP := $(wildcard tests/rtl/rx/*.cpp)

build/tests/rtl/rx/rx_test: $(RX_TB_RTL) $(RX_TB_CPP) $(wildcard tests/rtl/rx/*.h) build/abi/weft_engine.h build/abi/weft_host.h
	@mkdir -p $(@D)
	$(VERILATOR) --cc --exe --build -j 2 -O3 --x-assign unique --x-initial unique -Wall -Mdir $(@D)/obj --top-module weft_rx \
		-CFLAGS "-O2 -g -Wall -Wextra -I$(abspath build/abi) -I$(abspath tests/rtl/rx)" -LDFLAGS "-lcheck -lsubunit -lm -lrt -lpthread" \
		-o ../rx_test $(RX_TB_RTL) $(abspath $(RX_TB_CPP))
TESTS += build/tests/rtl/rx/rx_test
