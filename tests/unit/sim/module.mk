# SPDX-License-Identifier: BSD-2-Clause
# Tests of the simulator itself, on a small stand-in design with the ports of weft_top.
UNIT_SIM := build/tests/unit/sim
UNIT_SIM_TOP := tests/unit/sim/weft_sim_test_top.sv
UNIT_SIM_BINS := $(patsubst tests/unit/sim/%_test.c,$(UNIT_SIM)/%_test,$(wildcard tests/unit/sim/*_test.c))

$(eval $(call sim_library,$(UNIT_SIM),weft_sim_test_top,UNIT_SIM_TOP,--assert --trace-fst -Wno-DECLFILENAME,-DWEFT_SIM_TRACE))

$(UNIT_SIM)/%.o: tests/unit/sim/%.c $(wildcard tests/unit/sim/*.h) $(SIM_HEADERS) $(ABI_C)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -Isim -c -o $@ $<
$(UNIT_SIM)/%_test: $(UNIT_SIM)/%_test.o $(UNIT_SIM)/libweft_sim.a
	$(CXX) -o $@ $^ $(SIM_LIBS) -lcheck -lsubunit -lrt
TESTS += $(UNIT_SIM_BINS)

# The server over the stand-in design; the server tests run it.
$(UNIT_SIM)/weft-sim: $(SIM_SERVER_C:%.c=build/%.o) $(UNIT_SIM)/libweft_sim.a
	$(CXX) -o $@ $^ $(SIM_LIBS) -ljson-c
$(UNIT_SIM)/server_test $(UNIT_SIM)/server_port_test $(UNIT_SIM)/server_fc_test: $(UNIT_SIM)/vfu_client.o | $(UNIT_SIM)/weft-sim

# The dissector runs in tshark; it needs nothing built.
TESTS += tests/unit/sim/fc_nvme_lua_test.py
