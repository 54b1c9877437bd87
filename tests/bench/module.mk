# SPDX-License-Identifier: BSD-2-Clause
# bench: build/tests/bench/bench, its table, build/bench.json
BENCH := build/tests/bench
BENCH_O := $(patsubst tests/bench/%.c,$(BENCH)/%.o,$(wildcard tests/bench/*.c))
$(BENCH)/%.o: tests/bench/%.c tests/bench/bench.h $(COSIM_HEADERS) $(SIM_HEADERS) $(ABI_C)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -Isim -Itests/cosim -c -o $@ $<
# The sources of the rig: module order does not matter then.
$(BENCH)/bench: $(BENCH_O) $(patsubst %,build/tests/cosim/%.o,rig pair store) build/sim/cosim/cosim.o \
  build/tests/cosim/libpeer.a build/sim/libweft_sim.a build/host-lib/libnvmf.a build/driver/libweft.a | build/firmware/weft.elf
	$(CXX) -o $@ $^ $(SIM_LIBS) $(DRIVER_LIBS)
.PHONY: bench
bench: $(BENCH)/bench build/firmware/weft.elf
	$(BENCH)/bench --json build/bench.json
