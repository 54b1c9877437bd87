# SPDX-License-Identifier: BSD-2-Clause
# Soft core: build/weft-core-run, core-hello (example program), core-synth, and the core's tests.

# Sources of weft_core, package first; whoever instantiates the core adds these to his list.
CORE_RTL := rtl/core/weft_core_pkg.sv $(filter-out %_pkg.sv,$(sort $(wildcard rtl/core/*.sv)))
CORE_B := build/core

CORE_CFLAGS := $(CFLAGS) -Isim/core_run

# The Verilated core as one archive with its C face.
$(CORE_B)/model/Vweft_core__ALL.a: $(CORE_RTL)
	@mkdir -p $(CORE_B)/model
	$(VERILATOR) --cc -O3 --x-assign fast --x-initial fast -Wno-fatal -j 1 \
		--top-module weft_core -GRESET_PC="32'h1000" --Mdir $(CORE_B)/model $(CORE_RTL)
	$(MAKE) -C $(CORE_B)/model -f Vweft_core.mk OPT_FAST=-O2 Vweft_core__ALL.a \
		verilated.o verilated_threads.o

$(CORE_B)/model/verilated.o $(CORE_B)/model/verilated_threads.o: $(CORE_B)/model/Vweft_core__ALL.a ;

CORE_VLT = $(shell $(VERILATOR) --getenv VERILATOR_ROOT)/include

$(CORE_B)/core_model.o: sim/core_run/core_model.cpp sim/core_run/core_model.h \
		$(CORE_B)/model/Vweft_core__ALL.a
	$(CXX) $(CXXFLAGS) -O2 -Isim/core_run -I$(CORE_B)/model -isystem $(CORE_VLT) \
		-isystem $(CORE_VLT)/vltstd -c -o $@ $<

$(CORE_B)/%.o: sim/core_run/%.c $(wildcard sim/core_run/*.h)
	@mkdir -p $(@D)
	$(CC) $(CORE_CFLAGS) -c -o $@ $<

CORE_MODEL_OBJS := $(CORE_B)/core_model.o $(CORE_B)/model/Vweft_core__ALL.a \
	$(CORE_B)/model/verilated.o $(CORE_B)/model/verilated_threads.o

build/weft-core-run: $(CORE_B)/weft_core_run.o $(CORE_B)/machine.o $(CORE_B)/elf32.o \
		$(CORE_MODEL_OBJS)
	$(CXX) -o $@ $^ -lpthread

# A C program with printf. rv32imac selects picolibc's compressed library; the core has no A extension,
# so the link is refused if an atomic instruction came with it.
CORE_RV_ARCH := -march=rv32imac -mabi=ilp32 -misa-spec=2.2
CORE_RV_CFLAGS := $(CORE_RV_ARCH) -O2 -ffunction-sections -fdata-sections \
	-DPICOLIBC_INTEGER_PRINTF_SCANF -Wall -Wextra -Werror
CORE_RV_LINK := --specs=picolibc.specs -nostartfiles -Wl,--gc-sections,--no-warn-rwx-segments \
	-Tsim/core_run/weft-core-run.ld

$(CORE_B)/%.elf: sim/core_run/%.c sim/core_run/crt0.S sim/core_run/console.c \
		sim/core_run/weft-core-run.ld
	@mkdir -p $(@D)
	$(RISCV)gcc $(CORE_RV_CFLAGS) $(CORE_RV_LINK) -o $@.tmp $(filter %.S %.c,$^)
	@if $(RISCV)objdump -d $@.tmp | grep -E '\s(lr|sc|amo[a-z]+)\.[wd]' ; then \
		echo "$@: atomic instructions, which the core does not have" >&2; exit 1; fi
	@mv $@.tmp $@

ALL += build/weft-core-run

.PHONY: core-hello core-synth
core-hello: build/weft-core-run $(CORE_B)/hello.elf
	build/weft-core-run $(CORE_B)/hello.elf

# Area of the core by itself, without its observation port.
core-synth: $(CORE_RTL)
	@mkdir -p $(CORE_B)
	$(or $(YOSYS),yosys) -q -l $(CORE_B)/synth.log -p "read_verilog -sv $(CORE_RTL); hierarchy -top weft_core; \
		delete -port weft_core/o:rvfi_*; synth_xilinx -family xcup -flatten -top weft_core; \
		tee -o $(CORE_B)/synth.stat stat"
	@cat $(CORE_B)/synth.stat

# Tests: random programs in lock-step with a reference model, directed programs, the ELF reader.
CORE_T := tests/rtl/core
CORE_P := $(CORE_B)/tests/programs
CORE_CHECK_LIBS := -lcheck -lsubunit -lm -lrt -lpthread

$(CORE_B)/tests/%.o: $(CORE_T)/%.c $(wildcard $(CORE_T)/*.h) $(wildcard sim/core_run/*.h)
	@mkdir -p $(@D)
	$(CC) $(CORE_CFLAGS) -I$(CORE_T) -c -o $@ $<

CORE_LOCKSTEP_OBJS := $(addprefix $(CORE_B)/tests/, lockstep.o gen.o isa.o iss.o iss_alu.o iss_expand.o)

build/core/tests/core_lockstep_test: $(CORE_B)/tests/core_lockstep_test.o $(CORE_LOCKSTEP_OBJS) \
		$(CORE_MODEL_OBJS)
	$(CXX) -o $@ $^ $(CORE_CHECK_LIBS)

build/core/tests/core_elf_test: $(CORE_T)/core_elf_test.c sim/core_run/elf32.c sim/core_run/elf32.h
	@mkdir -p $(@D)
	$(CC) $(CORE_CFLAGS) -I$(CORE_T) -fsanitize=address,undefined -fno-sanitize-recover=all \
		-o $@ $(filter %.c,$^) $(CORE_CHECK_LIBS)

# Assembly programs, and a C workload that may use all the core's extensions (so the compiler gets them,
# while the linker gets the library's architecture).
$(CORE_P)/%.elf: $(CORE_T)/programs/%.S $(CORE_T)/programs/test.inc sim/core_run/weft-core-run.ld
	@mkdir -p $(@D)
	$(RISCV)gcc $(CORE_RV_ARCH) -nostdlib -I$(CORE_T)/programs -Tsim/core_run/weft-core-run.ld \
		-Wl,--no-warn-rwx-segments -o $@ $<

$(CORE_P)/%.o: $(CORE_T)/programs/%.c $(CORE_T)/programs/work.h
	@mkdir -p $(@D)
	$(RISCV)gcc $(CORE_RV_CFLAGS) -march=rv32imc_zba_zbb --specs=picolibc.specs -c -o $@ $<

$(CORE_P)/work.elf: $(CORE_P)/work.o $(CORE_P)/work_main.o sim/core_run/crt0.S \
		sim/core_run/console.c sim/core_run/weft-core-run.ld
	$(RISCV)gcc $(CORE_RV_CFLAGS) $(CORE_RV_LINK) -o $@ $(filter %.o %.S %.c,$^)

CORE_PROGRAMS := $(CORE_B)/hello.elf $(addprefix $(CORE_P)/, traps.elf interrupts.elf timing.elf \
	fencei.elf signature.elf forever.elf work.elf)

build/core/tests/core_run_test: $(CORE_T)/core_run_test.c $(CORE_T)/programs/work.c \
		$(CORE_T)/programs/work.h | build/weft-core-run $(CORE_PROGRAMS)
	@mkdir -p $(@D)
	$(CC) $(CORE_CFLAGS) -I$(CORE_T) -o $@ $(filter %.c,$^) $(CORE_CHECK_LIBS)

TESTS += build/core/tests/core_lockstep_test build/core/tests/core_run_test \
	build/core/tests/core_elf_test
