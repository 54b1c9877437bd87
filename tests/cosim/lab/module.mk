# SPDX-License-Identifier: BSD-2-Clause
# make test-lab: the commands of docs/lab-fw.md as written, on the co-simulated adapter. Some minutes of a quiet machine: not in make test.
.PHONY: test-lab
test-lab: build/weft build/weft-sim build/firmware/weft.elf build/firmware/rom.elf
	$(PYTHON) tests/cosim/lab/lab_test.py docs/lab-fw.md
