# SPDX-License-Identifier: BSD-2-Clause
# Discovery and binding, over a machine made of files: the library by itself, and the command.
PCI_TEST_SRC := $(wildcard tests/unit/pci/*.c)
PCI_TEST_OBJ := $(PCI_TEST_SRC:%.c=build/%.o)

$(PCI_TEST_OBJ): build/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -MMD -MP -c $< -o $@
-include $(PCI_TEST_OBJ:.o=.d)
PCI_ASK_OBJ := $(patsubst %,build/tests/unit/pci/%.o,ask_test tree)
build/tests/unit/pci/pci_test: $(filter-out %/ask_test.o,$(PCI_TEST_OBJ)) build/driver/libweft.a
	$(CC) -o $@ $^ $(DRIVER_LIBS) $(CHECK_LIBS)
# The command, with the driver's fake adapter behind it.
build/tests/unit/pci/ask_test: $(PCI_ASK_OBJ) $(FAKE_OBJ) build/driver/libweft.a | build/weft
	$(CC) -o $@ $^ $(DRIVER_LIBS) $(CHECK_LIBS)
TESTS += build/tests/unit/pci/pci_test build/tests/unit/pci/ask_test

tests/unit/pci/command_test.py: | build/weft
TESTS += tests/unit/pci/command_test.py
