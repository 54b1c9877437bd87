# SPDX-License-Identifier: BSD-2-Clause
# Bench of the boot ROM's memory, the flash port and the watchdog: build/tests/rtl/boot/boot_test, to be run from the top of the tree.
BOOT_TB_SRC := build/abi/weft_eng_pkg.sv $(wildcard rtl/boot/*.sv) tests/rtl/boot/tb_boot.sv

build/tests/rtl/boot/boot_test: $(BOOT_TB_SRC) tests/rtl/boot/boot_test.cpp tests/rtl/boot/rom.hex build/abi/weft_engine.h
	@mkdir -p $(@D)
	$(VERILATOR) --cc --exe --build -O3 --x-assign unique -Wall -Mdir $(@D)/obj --top-module tb_boot -CFLAGS "-O1 -I$(CURDIR)/build/abi" \
		-LDFLAGS "-lcheck -lsubunit -lm -lrt -lpthread" -o ../boot_test $(BOOT_TB_SRC) $(abspath tests/rtl/boot/boot_test.cpp)
TESTS += build/tests/rtl/boot/boot_test
