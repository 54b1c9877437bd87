# SPDX-License-Identifier: BSD-2-Clause
# The adapter as an RTL kernel for boards on Vitis platforms: docs/xrt.md.
#   lint-board   verilator -Wall on the kernel; part of lint-rtl
#   xclbin       packages and links it; needs Vivado, Vitis and PLATFORM=
BOARD_V := rtl/board/weft_kernel.v rtl/board/weft_kernel_split.v rtl/board/weft_kernel_regs.v
XCLBIN_DIR := build/xclbin
XCLBIN_PART ?= xcu50-fsvh2104-2-e
VPP    ?= v++
VIVADO ?= vivado

.PHONY: lint-board xclbin
lint-board: $(BOARD_V) $(RTL_SOURCES)
	$(VERILATOR) --lint-only -Wall +1364-2001ext+v --top-module weft_kernel rtl/lint.vlt rtl/board/lint.vlt $(RTL_SOURCES) $(BOARD_V)
lint-rtl: lint-board

tests/unit/xrt/ports_test.py: | $(RTL_PKG)
TESTS += tests/unit/xrt/ports_test.py

xclbin: $(BOARD_V) $(RTL_SOURCES) build/weft
	@missing=; \
	command -v $(VIVADO) >/dev/null || missing="$$missing $(VIVADO) (Vivado)"; \
	command -v $(VPP) >/dev/null || missing="$$missing $(VPP) (Vitis)"; \
	[ -n "$(PLATFORM)" ] || missing="$$missing PLATFORM=(name or .xpfm of the board's platform)"; \
	[ -z "$$missing" ] || { echo "make xclbin: missing:$$missing" >&2; exit 1; }
	@mkdir -p $(XCLBIN_DIR)
	rm -f $(XCLBIN_DIR)/weft_kernel.xo
	$(VIVADO) -mode batch -nojournal -log $(XCLBIN_DIR)/package.log -source rtl/board/package_kernel.tcl \
	  -tclargs $(XCLBIN_DIR)/weft_kernel.xo $(XCLBIN_DIR)/package $(XCLBIN_PART) $(RTL_SOURCES) $(BOARD_V)
	$(VPP) --link --target hw --platform $(PLATFORM) --config rtl/board/link.cfg --temp_dir $(XCLBIN_DIR)/temp \
	  --log_dir $(XCLBIN_DIR)/log --save-temps -o $(XCLBIN_DIR)/weft.xclbin $(XCLBIN_DIR)/weft_kernel.xo
	build/weft xclbin show $(XCLBIN_DIR)/weft.xclbin
