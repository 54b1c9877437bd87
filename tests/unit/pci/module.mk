# SPDX-License-Identifier: BSD-2-Clause
# Discovery and binding, over a machine made of files: the library by itself, and the command.
PCI_TEST_SRC := $(wildcard tests/unit/pci/*.c)
PCI_TEST_OBJ := $(PCI_TEST_SRC:%.c=build/%.o)

$(PCI_TEST_OBJ): build/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -MMD -MP -c $< -o $@
-include $(PCI_TEST_OBJ:.o=.d)
build/tests/unit/pci/pci_test: $(PCI_TEST_OBJ) build/driver/libweft.a
	$(CC) -o $@ $(PCI_TEST_OBJ) build/driver/libweft.a $(DRIVER_LIBS) $(CHECK_LIBS)
TESTS += build/tests/unit/pci/pci_test

tests/unit/pci/command_test.py: | build/weft
TESTS += tests/unit/pci/command_test.py
