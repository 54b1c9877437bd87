# SPDX-License-Identifier: BSD-2-Clause
# Firmware images on the host: what is refused and why, how they are made; against the boot ROM's own checker; and against a reader and
# a writer in Python.
UNIT_IMAGE := build/tests/unit/image
UNIT_IMAGE_BINS := $(patsubst %,$(UNIT_IMAGE)/%_test,check make elf)

$(UNIT_IMAGE)/%.o: tests/unit/image/%.c tests/unit/image/helper.h
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -MMD -MP -c -o $@ $<
-include $(wildcard $(UNIT_IMAGE)/*.d)
$(UNIT_IMAGE)/%_test: $(UNIT_IMAGE)/%_test.o $(UNIT_IMAGE)/helper.o $(IMAGE_LIB) build/driver/libweft.a
	$(CC) -o $@ $^ $(IMAGE_LIBS) $(DRIVER_LIBS) $(CHECK_LIBS)
TESTS += $(UNIT_IMAGE_BINS)

tests/unit/image/format_test.py: | build/weft build/firmware/weft.elf
TESTS += tests/unit/image/format_test.py

# The boot ROM's checker, natively.
ifneq ($(wildcard firmware/flash/image.c),)
$(UNIT_IMAGE)/rom_image.o: firmware/flash/image.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -DHAL_NATIVE -Ifirmware -MMD -MP -c -o $@ $<
$(UNIT_IMAGE)/rom_test.o: CFLAGS += -DHAL_NATIVE -Ifirmware
$(UNIT_IMAGE)/rom_test: $(UNIT_IMAGE)/rom_image.o
TESTS += $(UNIT_IMAGE)/rom_test

# The boot ROM itself, on the RTL of the core. test-rom-bytes: each byte of an image is changed; minutes.
$(UNIT_IMAGE)/rom_on_core.o: tests/unit/image/rom_on_core.c $(ABI_C)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -Isim/core_run -MMD -MP -c -o $@ $<
$(UNIT_IMAGE)/rom_on_core: $(UNIT_IMAGE)/rom_on_core.o $$(CORE_MODEL_OBJS)
	$(CXX) -o $@ $^ -lsodium -lpthread
tests/unit/image/rom_core_test.py: | build/weft build/firmware/rom.bin $(UNIT_IMAGE)/rom_on_core
TESTS += tests/unit/image/rom_core_test.py
.PHONY: test-rom-bytes
test-rom-bytes: tests/unit/image/rom_core_test.py
	ROM_STEP=1 tests/lib/run-tests --timeout 3600 $<
endif
