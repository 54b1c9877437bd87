# SPDX-License-Identifier: BSD-2-Clause
# Firmware images on the host: what is refused and why, how they are made; and against a reader and a writer of their own in Python.
UNIT_IMAGE := build/tests/unit/image
UNIT_IMAGE_BINS := $(patsubst tests/unit/image/%_test.c,$(UNIT_IMAGE)/%_test,$(wildcard tests/unit/image/*_test.c))

$(UNIT_IMAGE)/%.o: tests/unit/image/%.c tests/unit/image/helper.h
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -MMD -MP -c -o $@ $<
-include $(wildcard $(UNIT_IMAGE)/*.d)
$(UNIT_IMAGE)/%_test: $(UNIT_IMAGE)/%_test.o $(UNIT_IMAGE)/helper.o $(IMAGE_LIB) build/driver/libweft.a
	$(CC) -o $@ $^ $(IMAGE_LIBS) $(DRIVER_LIBS) $(CHECK_LIBS)
TESTS += $(UNIT_IMAGE_BINS)

tests/unit/image/format_test.py: | build/weft build/firmware/weft.elf
TESTS += tests/unit/image/format_test.py
