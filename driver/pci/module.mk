# SPDX-License-Identifier: BSD-2-Clause
# Discovery and binding: part of libweft. Read at the end of driver/module.mk.
PCI_SRC := $(wildcard driver/pci/*.c)
PCI_OBJ := $(PCI_SRC:%.c=build/%.o)
DRIVER_SRC += $(PCI_SRC)
DRIVER_LIBS += -lpci

$(PCI_OBJ): build/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -fPIC -fvisibility=hidden -MMD -MP -c $< -o $@
-include $(PCI_OBJ:.o=.d)
build/driver/libweft.o: $(PCI_OBJ)
