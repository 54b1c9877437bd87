# SPDX-License-Identifier: BSD-2-Clause
# Weft: the one Makefile. Each folder's module.mk adds its rules; everything built goes to build/.

CC         ?= gcc
CXX        ?= g++
AR         ?= ar
PYTHON     ?= python3
VERILATOR  ?= verilator
YOSYS      ?= yosys
RISCV      ?= riscv64-unknown-elf-
FUZZ_CC    ?= clang
PREFIX     ?= /usr/local
DESTDIR    ?=

WARN       := -Wall -Wextra -Werror
INCLUDES   := -Ibuild/abi -Idriver/include -Ihost-lib/include
CFLAGS     := -std=gnu11 -O2 -g $(WARN) -D_GNU_SOURCE $(INCLUDES)
CXXFLAGS   := -std=gnu++17 -O2 -g $(WARN) $(INCLUDES)
# Compilation cache, when there: the Verilated C++ is most of a build.
CCACHE     := $(shell command -v ccache 2>/dev/null)
# Every core unless told otherwise: the newcomer's command is plain `make`.
ifeq ($(filter -j% --jobs%,$(MAKEFLAGS)),)
MAKEFLAGS  += --jobs=$(shell nproc)
endif
export OBJCACHE := $(CCACHE)

# Test programs; each folder appends its own.
TESTS      :=
# Files that `make install` puts in place: folder modules append "source:target-dir:mode".
INSTALL    :=

.DEFAULT_GOAL := all

include abi/module.mk
include $(filter-out abi/module.mk,$(wildcard */module.mk))
include $(wildcard firmware/*/module.mk firmware/*/*/module.mk tests/*/module.mk tests/*/*/module.mk rtl/*/module.mk)

# Libraries and headers for programs of others, the firmware that an installed weft-sim looks for, manual pages.
SO_VERSION := 0.1
MAN        := build/man/weft.1 build/man/weft-sim.1
ALL        += build/driver/libweft.a build/host-lib/libnvmf.a $(MAN)
INSTALL    += build/driver/libweft.a:lib:644 build/host-lib/libnvmf.a:lib:644 build/firmware/weft.elf:share/weft:644
INSTALL    += $(MAN:%=%:share/man/man1:644) build/abi/weft_host.h:include/weft:644
INSTALL    += $(foreach d,weft nvmf nvme,$(patsubst %,%:include/$(d):644,$(wildcard driver/include/$(d)/*.h host-lib/include/$(d)/*.h)))

.PHONY: all test check-tests run interop bench synth lint format install clean help

all: $(ALL)

help:
	@echo 'make              build everything'
	@echo 'make run          two adapters in one process, one exports a file: write and read back 16 MiB, compare'
	@echo 'make run WIRE=fc      the same over Fibre Channel; WIRE=fc FABRIC=1: through a switch; WIRE=fcoe: over Ethernet'
	@echo 'make run PEER=linux   the same against a Linux target in a guest'
	@echo 'make test         unit, RTL and co-simulation tests, short fuzz runs'
	@echo 'make test-long    the same with every case of the loops of which make test takes half'
	@echo 'make test-lab     the walk of docs/lab-fw.md as written: flash, update, trial, recovery on the simulated adapter: some minutes'
	@echo 'make test-boot    the adapter starting from its flash through the boot ROM, all cases, in RTL: some minutes'
	@echo 'make test-kill    each end of a Fibre Channel cable killed under load, in wall time: some minutes'
	@echo 'make test-xrt     weft xclbin over the noop shim of XRT: needs Debian 12, libxrt1'
	@echo 'make xclbin       the adapter as a kernel for PLATFORM=: needs Vivado and Vitis'
	@echo 'make test-rom-bytes   each byte of an image changed, before the boot ROM on its core: some minutes'
	@echo 'make test-boot-full   boot and flash in the native model: more seeds, every place of the record log, power cut twice'
	@echo 'make fuzz         each fuzzer for FUZZ_SECONDS (600) from a new seed'
	@echo 'make interop      Linux peers in a guest (CASES="smoke ...": some of them)'
	@echo 'make test-vfio    weft over the kernel'\''s VFIO in a guest (CASES="cloud iommufd/edu ...": some of them)'
	@echo 'make bench        simulated cycles and instructions per command; writes build/bench.json'
	@echo 'make synth        Yosys: LUT, FF, BRAM, URAM, DSP per block'
	@echo 'make lint         formatting, C and SystemVerilog static checks, generated docs'
	@echo 'make format       clang-format on every C file'
	@echo 'make abi-docs     docs/abi.md and docs/engine.md from abi/'
	@echo 'make install      programs, libraries, headers, firmware, manual pages into $$DESTDIR$$PREFIX (/usr/local)'
	@echo 'make clean        removes build/'

test: $(TESTS)
	tests/lib/run-tests --jobs 2 --timeout 400 $(TESTS)

.PHONY: test-long
test-long:
	WEFT_TEST_LONG=1 $(MAKE) test

# Two adapters in this process, or one and a Linux target in a guest.
ifeq ($(PEER),linux)
run: all
	tests/interop/run.py --main-job
else
run: build/weft-cosim build/firmware/weft.elf
	tests/cosim/run.py --wire $(if $(FABRIC),fabric,$(or $(WIRE),tcp))
endif

interop: all
	tests/interop/run.py $(CASES)

clean:
	rm -rf build

install: all
	@set -e; for i in $(INSTALL); do \
	  src=$${i%%:*}; rest=$${i#*:}; dir=$${rest%%:*}; mode=$${rest#*:}; \
	  install -D -m $$mode $$src $(DESTDIR)$(PREFIX)/$$dir/$$(basename $$src); done
	install -D -m 755 build/driver/libweft.so $(DESTDIR)$(PREFIX)/lib/libweft.so.$(SO_VERSION)
	ln -sf libweft.so.$(SO_VERSION) $(DESTDIR)$(PREFIX)/lib/libweft.so.0
	ln -sf libweft.so.0 $(DESTDIR)$(PREFIX)/lib/libweft.so

build/man/%.1: tools/%.1.scd
	@mkdir -p $(@D)
	scdoc <$< >$@.tmp && mv $@.tmp $@
build/man/%.1: sim/%.1.scd
	@mkdir -p $(@D)
	scdoc <$< >$@.tmp && mv $@.tmp $@

# --- lint -------------------------------------------------------------------------------------------------------------
# What git tracks, and is there. Evaluated only where it is used.
C_FILES  = $(wildcard $(shell git ls-files '*.c' '*.h'))

.PHONY: lint-format lint-c lint-rtl lint-docs
lint: lint-format lint-c lint-rtl lint-docs
lint-format:
	@clang-format --dry-run -Werror $(C_FILES)
# The firmware's HAL as its native model: that of the soft core is addresses and casts.
lint-c: $(ABI_C)
	@cppcheck -j2 --quiet --error-exitcode=1 --enable=warning,portability --inline-suppr \
	  --suppressions-list=tests/lib/cppcheck.txt -DHAL_NATIVE $(INCLUDES) -Ifirmware -Ifirmware/hal -Isim $(filter %.c,$(C_FILES))
lint-docs: build/abi/host.md build/abi/engine.md
	@cmp build/abi/host.md docs/abi.md && cmp build/abi/engine.md docs/engine.md || { echo 'run "make abi-docs"'; false; }
format:
	clang-format -i $(C_FILES)
