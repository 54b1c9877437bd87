# SPDX-License-Identifier: BSD-2-Clause
# The firmware's FC-NVMe exchanges:
#   build/tests/unit/fw_fcn/fw_fcn_test   both roles on the native model, with sanitizers; the port is a double
#   build/tests/unit/fw_fcn/hotpath_test  instructions per 4 KiB command, counted on the simulated core
FCNT_OUT := build/tests/unit/fw_fcn
TESTS += $(FCNT_OUT)/fw_fcn_test $(FCNT_OUT)/hotpath_test
FCNT_FW  := $(wildcard firmware/nvme_tcp/*.c firmware/fc_nvme/*.c firmware/host/*.c) firmware/fc/fc_frame.c firmware/main.c
FCNT_OBJ := $(FCNT_FW:firmware/%.c=$(FCNT_OUT)/fw/%.o) $(patsubst tests/unit/fw_fcn/%.c,$(FCNT_OUT)/%.o,$(filter-out %/hotpath_test.c,$(wildcard tests/unit/fw_fcn/*.c)))
# Engine calls that the tests look at (fcn_helper.c)
FCNT_WRAP := -Wl,--wrap=hal_complete,--wrap=hal_cq_space

$(FCNT_OUT)/fw/%.o: firmware/%.c $(ABI_C)
	@mkdir -p $(@D)
	$(CCACHE) $(CC) $(CFLAGS) $(FW_NATIVE_FLAGS) $(FW_NATIVE_SAN) -MMD -c $< -o $@
$(FCNT_OUT)/%.o: tests/unit/fw_fcn/%.c $(ABI_C)
	@mkdir -p $(@D)
	$(CCACHE) $(CC) $(CFLAGS) $(FW_NATIVE_FLAGS) $(FW_NATIVE_SAN) -MMD -c $< -o $@
$(FCNT_OUT)/fw_fcn_test: $(FCNT_OBJ) $(FW_NATIVE_LIB) $(CHECK_FEW_O)
	$(CC) $(FW_NATIVE_SAN) $(FCNT_WRAP) $(CHECK_FEW) $^ -lcheck -lsubunit -lm -lrt -lpthread -o $@
-include $(FCNT_OBJ:.o=.d)

# --- the hot path on the core: engine memories and registers become plain RAM behind the program
FCNT_HOT     := $(FCNT_OUT)/hot
FCNT_HOT_SRC := $(wildcard firmware/fc_nvme/*.c) firmware/lib/timer.c firmware/lib/mem.c firmware/lib/sgl.c tests/unit/fw_fcn/hotpath/hotpath.c
$(FCNT_HOT)/weft_engine.h: $(ABI_C)
	@mkdir -p $(@D)
	sed -E -e 's/(define ENG_XRAM_BASE) .*/\1 0x80040000u/;s/(define ENG_MMIO_BASE) .*/\1 0x80036000u/' \
	  -e 's/(define ENG_FCX_BASE) .*/\1 0x8003a000u/;s/(define ENG_FCBUF_BASE) .*/\1 0x8003c000u/' build/abi/weft_engine.h > $@
$(FCNT_HOT)/hotpath.elf: $(FCNT_HOT_SRC) $(wildcard firmware/fc/*.h firmware/fc_nvme/*.h firmware/hal/*.h firmware/lib/*.h) $(FCNT_HOT)/weft_engine.h
	sed 's/LENGTH = 1M/LENGTH = 216K/' sim/core_run/weft-core-run.ld > $(FCNT_HOT)/hotpath.ld
	@for f in $(FCNT_HOT_SRC); do $(RISCV)gcc $(subst -Ibuild/abi,-I$(FCNT_HOT) -Ibuild/abi,$(FW_CFLAGS)) -c $$f -o $(FCNT_HOT)/$$(basename $$f .c).o || exit 1; done
	$(RISCV)gcc --specs=picolibc.specs -march=rv32imac -mabi=ilp32 -nostartfiles -Wl,--gc-sections,--no-warn-rwx-segments \
	  -T $(FCNT_HOT)/hotpath.ld sim/core_run/crt0.S sim/core_run/console.c $(patsubst %.c,$(FCNT_HOT)/%.o,$(notdir $(FCNT_HOT_SRC))) -o $@
$(FCNT_OUT)/hotpath_test: tests/unit/fw_fcn/hotpath_test.c $(FCNT_HOT)/hotpath.elf build/weft-core-run
	$(CC) $(CFLAGS) $< -lcheck -lsubunit -lm -lrt -lpthread -o $@
