# SPDX-License-Identifier: BSD-2-Clause
# The firmware's NVMe/TCP:
#   build/tests/unit/fw_nvme/pdu_test      PDUs against golden captures
#   build/tests/unit/fw_nvme/fw_nvme_test  the host role and the admin pair on the native model, with sanitizers
#   build/tests/unit/fw_nvme/fw_ctl_test   the controller role, the same way
#   build/tests/unit/fw_nvme/hotpath_test  instructions per 4 KiB command, counted on the simulated core
FWN_OUT := build/tests/unit/fw_nvme
TESTS += $(FWN_OUT)/pdu_test $(FWN_OUT)/fw_nvme_test $(FWN_OUT)/fw_ctl_test $(FWN_OUT)/hotpath_test
$(FWN_OUT)/pdu_test: tests/unit/fw_nvme/pdu_test.c firmware/nvme_tcp/pdu.c firmware/nvme_tcp/pdu.h $(GOLDEN_OBJ) build/tests/unit/golden/pcap_read.o
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -Itests/unit/golden -DTESTS_DATA='"tests/data"' -Ifirmware/nvme_tcp -o $@ $(filter %.c,$^) build/tests/unit/golden/pcap_file.o build/tests/unit/golden/pcap_read.o -lcheck -lsubunit -lm -lrt -lpthread
build/tests/unit/fw_nvme/pdu_test: build/tests/unit/golden/pcap_file.o

# --- the whole firmware, natively
FWN_FW   := $(wildcard firmware/nvme_tcp/*.c firmware/fc/*.c firmware/fc_nvme/*.c firmware/host/*.c) firmware/main.c
FWN_TEST := $(filter-out %/pdu_test.c %/hotpath_test.c,$(wildcard tests/unit/fw_nvme/*.c))
FWN_OBJ  := $(FWN_FW:firmware/%.c=$(FWN_OUT)/fw/%.o) $(FWN_TEST:tests/unit/fw_nvme/%.c=$(FWN_OUT)/%.o) $(FWN_OUT)/tcp_helper.o
FWN_CTL  := $(filter $(FWN_OUT)/ctl_% $(FWN_OUT)/fw_ctl_test.o,$(FWN_OBJ))
FWN_HOST := $(filter $(FWN_OUT)/%_test.o,$(filter-out $(FWN_CTL),$(FWN_OBJ)))
# Engine calls that the tests look at (nvme_helper.c)
FWN_WRAP := -Wl,--wrap=hal_complete,--wrap=hal_host_status,--wrap=hal_qp_start,--wrap=hal_qp_stop

$(FWN_OUT)/fw/%.o: firmware/%.c $(ABI_C)
	@mkdir -p $(@D)
	$(CCACHE) $(CC) $(CFLAGS) $(FW_NATIVE_FLAGS) $(FW_NATIVE_SAN) -MMD -c $< -o $@
$(FWN_OUT)/tcp_helper.o: tests/unit/fw_tcp/tcp_helper.c $(ABI_C)
	@mkdir -p $(@D)
	$(CCACHE) $(CC) $(CFLAGS) $(FW_NATIVE_FLAGS) $(FW_NATIVE_SAN) -Itests/unit/fw_tcp -MMD -c $< -o $@
$(FWN_OUT)/%.o: tests/unit/fw_nvme/%.c $(ABI_C)
	@mkdir -p $(@D)
	$(CCACHE) $(CC) $(CFLAGS) $(FW_NATIVE_FLAGS) $(FW_NATIVE_SAN) -Itests/unit/fw_tcp -MMD -c $< -o $@
$(FWN_OUT)/fw_nvme_test: $(filter-out $(FWN_CTL),$(FWN_OBJ)) $(FW_NATIVE_LIB) $(CHECK_FEW_O)
	$(CC) $(FW_NATIVE_SAN) $(FWN_WRAP) $(CHECK_FEW) $^ -lcheck -lsubunit -lm -lrt -lpthread -o $@
$(FWN_OUT)/fw_ctl_test: $(filter-out $(FWN_HOST),$(FWN_OBJ)) $(FW_NATIVE_LIB) $(CHECK_FEW_O)
	$(CC) $(FW_NATIVE_SAN) $(FWN_WRAP) $(CHECK_FEW) $^ -lcheck -lsubunit -lm -lrt -lpthread -o $@
-include $(FWN_OBJ:.o=.d)

# --- the hot path on the core: engine memories and registers become plain RAM behind the program
FWN_HOT     := $(FWN_OUT)/hot
FWN_HOT_SRC := $(wildcard firmware/nvme_tcp/*.c) firmware/lib/pool.c firmware/lib/timer.c firmware/lib/mem.c firmware/lib/sgl.c tests/unit/fw_nvme/hotpath/hotpath.c
$(FWN_HOT)/weft_engine.h: $(ABI_C)
	@mkdir -p $(@D)
	sed -E -e 's/(define ENG_XRAM_BASE) .*/\1 0x80040000u/;s/(define ENG_RXH_BASE) .*/\1 0x80038000u/' \
	  -e 's/(define ENG_MMIO_BASE) .*/\1 0x80036000u/' build/abi/weft_engine.h > $@
$(FWN_HOT)/hotpath.elf: $(FWN_HOT_SRC) $(wildcard firmware/nvme_tcp/*.h firmware/hal/*.h firmware/lib/*.h) $(FWN_HOT)/weft_engine.h
	sed 's/LENGTH = 1M/LENGTH = 216K/' sim/core_run/weft-core-run.ld > $(FWN_HOT)/hotpath.ld
	@for f in $(FWN_HOT_SRC); do $(RISCV)gcc $(subst -Ibuild/abi,-I$(FWN_HOT) -Ibuild/abi,$(FW_CFLAGS)) -c $$f -o $(FWN_HOT)/$$(basename $$f .c).o || exit 1; done
	$(RISCV)gcc --specs=picolibc.specs -march=rv32imac -mabi=ilp32 -nostartfiles -Wl,--gc-sections,--no-warn-rwx-segments \
	  -T $(FWN_HOT)/hotpath.ld sim/core_run/crt0.S sim/core_run/console.c $(patsubst %.c,$(FWN_HOT)/%.o,$(notdir $(FWN_HOT_SRC))) -o $@
$(FWN_OUT)/hotpath_test: tests/unit/fw_nvme/hotpath_test.c $(FWN_HOT)/hotpath.elf build/weft-core-run
	$(CC) $(CFLAGS) $< -lcheck -lsubunit -lm -lrt -lpthread -o $@
