# SPDX-License-Identifier: BSD-2-Clause
# Tests of the Linux VFIO bus against a fake kernel, which replaces a table inside: linked with the driver's objects, not the library.
FAKE_KERNEL_SRC := $(wildcard tests/unit/vfio/fake_*.c)
FAKE_KERNEL_OBJ := $(FAKE_KERNEL_SRC:%.c=build/%.o)
VFIO_TEST_SRC := $(wildcard tests/unit/vfio/test_*.c)
VFIO_TEST := $(VFIO_TEST_SRC:%.c=build/%)

$(FAKE_KERNEL_OBJ) $(VFIO_TEST:%=%.o): build/%.o: %.c build/abi/weft_host.h
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -D_GNU_SOURCE $(DRIVER_INC) -MMD -MP -c $< -o $@
-include $(FAKE_KERNEL_OBJ:.o=.d) $(VFIO_TEST:%=%.d)
$(VFIO_TEST): %: %.o $(FAKE_KERNEL_OBJ) $(DRIVER_OBJ) $(PCI_OBJ)
	$(CC) -o $@ $^ $(DRIVER_LIBS) $(CHECK_LIBS)
TESTS += $(VFIO_TEST)
