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

# The server over the stand-in design; server_test and server_port_test run it.
$(UNIT_SIM)/weft-sim: $(SIM_SERVER_C:%.c=build/%.o) $(UNIT_SIM)/libweft_sim.a
	$(CXX) -o $@ $^ $(SIM_LIBS) -ljson-c
$(UNIT_SIM)/server_test $(UNIT_SIM)/server_port_test: $(UNIT_SIM)/vfu_client.o | $(UNIT_SIM)/weft-sim

# Fuzzer of the vfio-user messages. FUZZ_SECONDS: how long `make test` runs it.
FUZZ_SECONDS ?= 60
VFU_FUZZ   := build/tests/fuzz/vfio_user_fuzz
VFU_FUZZ_C := tests/fuzz/vfio_user_fuzz.c $(addprefix sim/server/,client.c device.c dma.c pci.c)
$(VFU_FUZZ): $(VFU_FUZZ_C) $(SIM_HEADERS) $(ABI_C)
	@mkdir -p $(@D)
	$(FUZZ_CC) -std=gnu11 -O1 -g -Wall -Wextra -Werror -D_GNU_SOURCE -Ibuild/abi -c -fsanitize=fuzzer,address,undefined \
	  -fno-sanitize-recover=undefined -o $@.o tests/fuzz/vfio_user_fuzz.c
	$(FUZZ_CC) -std=gnu11 -O1 -g -Wall -Wextra -Werror -D_GNU_SOURCE -Ibuild/abi -Dsendmsg=fuzz_sendmsg -fsanitize=fuzzer,address,undefined \
	  -fno-sanitize-recover=undefined -o $@ $@.o $(filter sim/%,$(VFU_FUZZ_C)) -ljson-c
build/tests/fuzz/vfio_user_fuzz_test: $(VFU_FUZZ) tests/unit/sim/module.mk
	@printf '#!/bin/sh\n# Made by tests/unit/sim/module.mk\necho 1..1\nmkdir -p $(VFU_FUZZ).corpus\nif %s; then echo ok 1 - vfio-user messages, $(FUZZ_SECONDS) s; else echo not ok 1 - vfio-user messages; exit 1; fi\n' \
	  '$(VFU_FUZZ) -seed=1 -max_len=4096 -timeout=10 -rss_limit_mb=1024 -verbosity=0 -max_total_time=$${FUZZ_SECONDS:-$(FUZZ_SECONDS)} -artifact_prefix=build/tests/fuzz/ $(VFU_FUZZ).corpus' >$@
	@chmod +x $@
TESTS += build/tests/fuzz/vfio_user_fuzz_test
