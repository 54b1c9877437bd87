# SPDX-License-Identifier: BSD-2-Clause
# Tests of the fabric: N_Ports made of bytes around it (rig.h), and in a world.
UNIT_FABRIC := build/tests/unit/fabric
UNIT_FABRIC_BINS := $(patsubst tests/unit/fabric/%_test.c,$(UNIT_FABRIC)/%_test,$(wildcard tests/unit/fabric/*_test.c))

$(UNIT_FABRIC)/%.o: tests/unit/fabric/%.c tests/unit/fabric/rig.h $(SIM_HEADERS) $(ABI_C)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -Isim -c -o $@ $<
$(UNIT_FABRIC)/%_test: $(UNIT_FABRIC)/%_test.o $(UNIT_FABRIC)/rig.o $(SIM_FABRIC_C:%.c=build/%.o)
	$(CC) -o $@ $^ -lz -lcheck -lsubunit -lm -lrt -lpthread
$(UNIT_FABRIC)/world_test: $(UNIT_FABRIC)/world_test.o build/tests/unit/sim/libweft_sim.a
	$(CXX) -o $@ $^ $(SIM_LIBS) -lcheck -lsubunit -lrt
TESTS += $(UNIT_FABRIC_BINS)

tests/unit/fabric/program_test.py: | build/weft-fabric
TESTS += tests/unit/fabric/program_test.py
