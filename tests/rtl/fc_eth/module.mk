# SPDX-License-Identifier: BSD-2-Clause
# Bench of weft_fc_eth: each frame reaches whom it is for, whole; senders take turns; modes.
build/tests/rtl/fc_eth/fc_eth_test: build/abi/weft_eng_pkg.sv rtl/fc/weft_fc_eth.sv build/abi/weft_engine.h tests/rtl/fc_eth/fc_eth_test.cpp
	@mkdir -p $(@D)
	$(VERILATOR) --cc --exe --build -O3 -Wall -Mdir $(@D)/obj --top-module weft_fc_eth \
		-CFLAGS "-O2 -Wall -Wextra -Wno-sign-compare -I$(abspath build/abi)" -LDFLAGS "-lcheck -lsubunit -lm -lrt -lpthread" -o ../fc_eth_test \
		build/abi/weft_eng_pkg.sv rtl/fc/weft_fc_eth.sv $(abspath tests/rtl/fc_eth/fc_eth_test.cpp)
TESTS += build/tests/rtl/fc_eth/fc_eth_test
