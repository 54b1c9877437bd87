# SPDX-License-Identifier: BSD-2-Clause
# The adapter's RTL: the list of sources, lint, synthesis.
#   lint-rtl   verilator -Wall on the top; waivers with their reasons in rtl/lint.vlt
#   synth      Yosys synth_xilinx -family xcup; prints LUT, FF, BRAM, URAM, DSP per block. ROM=build/firmware/rom.hex: with that boot ROM
RTL_PKG     := build/abi/weft_eng_pkg.sv build/abi/weft_host_pkg.sv $(sort $(wildcard rtl/*/*_pkg.sv))
RTL_SOURCES := $(RTL_PKG) $(filter-out %_pkg.sv,$(sort $(wildcard rtl/*/*.sv))) rtl/weft_top.sv

.PHONY: lint-rtl synth
lint-rtl: $(RTL_SOURCES)
	$(VERILATOR) --lint-only -Wall --top-module weft_top rtl/lint.vlt $(RTL_SOURCES)
synth: $(RTL_SOURCES) $(ROM)
	@mkdir -p build/synth
	$(PYTHON) rtl/synth.py --yosys $(YOSYS) --out build/synth $(if $(ROM),--rom $(ROM)) $(RTL_SOURCES)
