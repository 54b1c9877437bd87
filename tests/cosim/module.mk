# SPDX-License-Identifier: BSD-2-Clause
# build/tests/cosim/libpeer.a   the scripted NVMe/TCP target (tests/cosim/peer/peer.h)
# build/tests/cosim/peer_*_test  tests of the target itself
# build/tests/cosim/cosim_*_test the whole adapter against it
COSIM        := build/tests/cosim
COSIM_PEER_C := $(wildcard tests/cosim/peer/*.c)
COSIM_HEADERS := $(wildcard tests/cosim/*.h tests/cosim/peer/*.h)

$(COSIM)/%.o: tests/cosim/%.c $(COSIM_HEADERS) $(SIM_HEADERS) $(ABI_C)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -Isim -Itests/cosim -c -o $@ $<
$(COSIM)/libpeer.a: $(COSIM_PEER_C:tests/cosim/%.c=$(COSIM)/%.o)
	@rm -f $@
	$(AR) rcs $@ $^
$(COSIM)/peer_%_test: $(COSIM)/peer_%_test.o $(COSIM)/peer_fixture.o $(COSIM)/host.o $(COSIM)/libpeer.a
	$(CC) -o $@ $^ -lcheck -lsubunit -lm -lrt -lpthread
$(COSIM)/peer_golden_test: $(COSIM)/pcap_read.o $(COSIM)/pcap_file.o
$(COSIM)/pcap_%.o: tests/unit/golden/pcap_%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -c -o $@ $<
TESTS += $(COSIM)/peer_tcp_test $(COSIM)/peer_nvme_test $(COSIM)/peer_golden_test

# The whole adapter in process: tests that need rig.h link these (and the C++ linker).
COSIM_RIG := $(COSIM)/rig.o $(COSIM)/lend.o $(COSIM)/libpeer.a build/sim/libweft_sim.a build/host-lib/libnvmf.a build/driver/libweft.a
COSIM_TESTS := $(patsubst tests/cosim/%.c,$(COSIM)/%,$(wildcard tests/cosim/cosim_*_test.c))
$(COSIM_TESTS): %: %.o $(COSIM)/cosim_fixture.o $(COSIM_RIG) | build/firmware/weft.elf
	$(CXX) -o $@ $(filter-out %.elf,$^) $(SIM_LIBS) $(DRIVER_LIBS) -lcheck -lsubunit -lrt
TESTS += $(COSIM_TESTS)

# Firmware that asks for engines of the next version
COSIM_OTHER := $(COSIM)/other
$(COSIM_OTHER)/weft_engine.h: $(ABI_C)
	@mkdir -p $(@D)
	sed -E 's/(define ENG_VERSION_MINOR) ([0-9]+)u/\1 (\2u + 1u)/' build/abi/weft_engine.h >$@
$(COSIM_OTHER)/main.o: firmware/main.c $(COSIM_OTHER)/weft_engine.h build/firmware/rv32/main.o
	$(RISCV)gcc -I$(COSIM_OTHER) $(FW_CFLAGS) -c $< -o $@
$(COSIM_OTHER)/weft.elf: $(COSIM_OTHER)/main.o build/firmware/weft.elf
	$(RISCV)gcc --specs=picolibc.specs -march=rv32imac -mabi=ilp32 -nostartfiles -Wl,--gc-sections,--no-warn-rwx-segments \
	  -T firmware/boot/weft.ld $(COSIM_OTHER)/main.o $(filter-out build/firmware/rv32/main.o,$(FW_OBJ)) -o $@
$(COSIM)/cosim_target2_test: $(COSIM_OTHER)/weft.elf

# Two adapters and more in process, one of them the controller; transport_test without the libraries of host and target.
PAIR_LIBS := build/sim/cosim/cosim.o build/sim/libweft_sim.a build/host-lib/libnvmf.a build/driver/libweft.a
PAIR_O := $(patsubst %,$(COSIM)/%.o,pair pair_fixture store lend raw host) $(COSIM)/libpeer.a
HOSTILE_TESTS := $(patsubst %,$(COSIM)/pair_hostile_%_test,flood reset pdu)
PAIR_TESTS := $(patsubst tests/cosim/%.c,$(COSIM)/%,$(filter-out %/pair_hostile_test.c,$(wildcard tests/cosim/pair_*_test.c))) $(HOSTILE_TESTS)
$(HOSTILE_TESTS:%=%.o): $(COSIM)/pair_hostile_%_test.o: tests/cosim/pair_hostile_test.c $(COSIM_HEADERS) $(SIM_HEADERS) $(ABI_C)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -Isim -Itests/cosim -DHOSTILE_PART='"$*"' -c -o $@ $<
$(PAIR_TESTS): %: %.o $(PAIR_O)
FC_WIRE_TESTS := $(filter-out %/pair_fc_test,$(filter $(COSIM)/pair_fc_%,$(PAIR_TESTS)))
$(FC_WIRE_TESTS): $(COSIM)/fc_wire.o $(COSIM)/fc_fixture.o
$(COSIM)/pair_fc_hostile_test: $(COSIM)/fc_frames.o
$(COSIM)/transport_test: %: %.o $(COSIM)/lend.o
$(PAIR_TESTS) $(COSIM)/transport_test: %: $(PAIR_LIBS) | build/firmware/weft.elf
	$(CXX) -o $@ $(filter-out $(PAIR_LIBS),$^) $(PAIR_LIBS) $(SIM_LIBS) $(DRIVER_LIBS) -lcheck -lsubunit -lrt
TESTS += $(PAIR_TESTS) $(COSIM)/transport_test

# Two adapters in two processes.
tests/cosim/two_process_test.py tests/cosim/two_process_fc_test.py tests/cosim/tap_test.py: | build/weft build/weft-sim build/firmware/weft.elf
tests/cosim/two_process_fc_test.py: | build/weft-fabric
TESTS += tests/cosim/two_process_test.py tests/cosim/two_process_fc_test.py tests/cosim/tap_test.py

# Not among the tests: it needs processors to itself.
.PHONY: test-kill
test-kill: build/weft build/weft-sim build/firmware/weft.elf
	tests/cosim/two_process_fc_kill.py

# The transport's inner face is no part of the library: its objects are linked one by one.
$(COSIM)/fc_transport_test: $(COSIM)/fc_transport_test.o $(HOSTLIB_OBJ) build/sim/libweft_sim.a build/driver/libweft.a | build/firmware/weft.elf
	$(CXX) -o $@ $(filter-out %.elf,$^) $(SIM_LIBS) $(DRIVER_LIBS) -lcheck -lsubunit -lrt
TESTS += $(COSIM)/fc_transport_test

# The main job on each wire.
tests/cosim/wires_test.py: | build/weft-cosim build/firmware/weft.elf
TESTS += tests/cosim/wires_test.py
