# SPDX-License-Identifier: BSD-2-Clause
# The simulator.
#   build/sim/libweft_sim.a        the adapter as a C library (weft_sim.h), worlds, links, captures, the in-process bus
#   build/sim/trace/libweft_sim.a  the same with FST waves: larger and slower
#   build/sim/check/libweft_sim.a  the same with the RTL's assertions
#   build/weft-sim                 vfio-user server; --fst runs build/weft-sim-trace in its place
#   build/weft-fabric              a Fibre Channel switch of UNIX datagram ports
#   build/weft-cosim               two adapters in one process: the job of weft run, on a file that the other exports
# Programs that link a library need $(SIM_LIBS) after it and the C++ linker.
SIM_TOP     ?= weft_top
SIM_SOURCES ?= $(RTL_SOURCES)
# The model of the flash has no speed limit.
SIM_PARAMS  := -GSPI_DIV=0
SIM_LIBS    := -lz -lpthread -lm -lnettle
SIM_VFLAGS  := -O3 --x-assign fast --x-initial fast --no-timing --output-split 20000 --output-split-cfuncs 5000
SIM_LINT    := -Wno-lint -Wno-style

SIM_MODEL_C  := $(wildcard sim/model/*.c)
SIM_WORLD_C  := $(wildcard sim/world/*.c)
SIM_FABRIC_C := $(filter-out sim/fabric/main.c,$(wildcard sim/fabric/*.c))
SIM_SERVER_C := $(wildcard sim/server/*.c)
SIM_COSIM_C  := $(wildcard sim/cosim/*.c)
SIM_C_OBJ    := $(patsubst %.c,build/%.o,$(SIM_MODEL_C) $(SIM_WORLD_C) $(SIM_FABRIC_C))
SIM_HEADERS  := $(wildcard sim/*.h sim/model/*.h sim/world/*.h sim/server/*.h sim/cosim/*.h sim/fabric/*.h driver/include/weft/*.h)

.SECONDEXPANSION:

# $(call sim_library,folder,top module,variable with the sources,verilator flags,C++ flags)
define sim_library
$(1)/obj/Vweft_top.mk: $$$$($(3)) sim/module.mk $(ABI_SV)
	@mkdir -p $(1)/obj
	$$(VERILATOR) --cc --Mdir $(1)/obj --prefix Vweft_top --top-module $(2) $(SIM_VFLAGS) $(SIM_LINT) $(4) $$($(3))
	@touch $$@
$(1)/obj/model.a: $(1)/obj/Vweft_top.mk sim/model/archive.mk
	$$(MAKE) --no-print-directory -C $(1)/obj -f $(abspath sim/model/archive.mk) OPT_FAST=-O2 OPT_SLOW=-O1 OPT_GLOBAL=-O2 \
	  VM_PARALLEL_BUILDS=1 model.a >$(1)/obj/build.log 2>&1 || { cat $(1)/obj/build.log; false; }
$(1)/wrap.o: sim/model/wrap.cpp sim/model/pins.h $(1)/obj/Vweft_top.mk
	$$(CXX) -std=gnu++17 -O2 -g -Wall -Wextra -Werror $(5) -I$(1)/obj \
	  -isystem $$$$($$(VERILATOR) --getenv VERILATOR_ROOT)/include -c -o $$@ $$<
$(1)/libweft_sim.a: $(1)/obj/model.a $(1)/wrap.o $(SIM_C_OBJ)
	@rm -f $$@
	@printf 'create $$@\naddlib $(1)/obj/model.a\naddmod $(1)/wrap.o\n$(foreach o,$(SIM_C_OBJ),addmod $(o)\n)save\nend\n' | $$(AR) -M
endef

build/sim/model/%.o: sim/model/%.c $(SIM_HEADERS) $(ABI_C)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -Isim -c -o $@ $<
build/sim/world/%.o: sim/world/%.c $(SIM_HEADERS) $(ABI_C)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -Isim -c -o $@ $<
build/sim/fabric/%.o: sim/fabric/%.c $(SIM_HEADERS)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -Isim -c -o $@ $<
build/sim/server/%.o: sim/server/%.c $(SIM_HEADERS) $(ABI_C)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -Isim -c -o $@ $<

$(eval $(call sim_library,build/sim,$(SIM_TOP),SIM_SOURCES,--no-assert $(SIM_PARAMS),))
$(eval $(call sim_library,build/sim/trace,$(SIM_TOP),SIM_SOURCES,--no-assert $(SIM_PARAMS) --trace-fst,-DWEFT_SIM_TRACE))
$(eval $(call sim_library,build/sim/check,$(SIM_TOP),SIM_SOURCES,--assert $(SIM_PARAMS),))

build/weft-sim: $(SIM_SERVER_C:%.c=build/%.o) build/sim/libweft_sim.a
	$(CXX) -o $@ $^ $(SIM_LIBS) -ljson-c
build/weft-sim-trace: $(SIM_SERVER_C:%.c=build/%.o) build/sim/trace/libweft_sim.a
	$(CXX) -o $@ $^ $(SIM_LIBS) -ljson-c

# Shares the job with the tool. The names of the libraries come from modules read later.
build/sim/cosim/%.o: sim/cosim/%.c $(SIM_HEADERS) tools/run.h tools/weft.h $(ABI_C)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -Isim -Itools -c -o $@ $<
build/weft-cosim: $(SIM_COSIM_C:%.c=build/%.o) $$(filter-out build/tools/main.o,$$(TOOL_OBJ)) \
  build/sim/libweft_sim.a $$(TOOL_LIBS) | build/firmware/weft.elf
	$(CXX) -o $@ $^ $(SIM_LIBS) $(TOOL_LDLIBS)

# No adapter in it: neither Verilator nor the library are needed.
build/weft-fabric: build/sim/fabric/main.o $(SIM_FABRIC_C:%.c=build/%.o) build/sim/server/dgram.o build/sim/server/fc_port.o \
  build/sim/world/link.o build/sim/world/pcapng.o
	$(CC) -o $@ $^ -lz

.PHONY: sim
sim: build/weft-sim build/weft-sim-trace build/weft-fabric
ALL += build/weft-fabric build/man/weft-fabric.1
INSTALL += build/weft-fabric:bin:755 build/man/weft-fabric.1:share/man/man1:644
ALL += build/weft-sim build/weft-sim-trace build/weft-cosim
INSTALL += build/weft-sim:bin:755 build/weft-sim-trace:bin:755 build/weft-cosim:bin:755
