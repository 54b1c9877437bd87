# SPDX-License-Identifier: BSD-2-Clause
# Discovery and binding: part of libweft. Read by driver/module.mk.
PCI_SRC := $(wildcard driver/pci/*.c)
PCI_OBJ := $(PCI_SRC:%.c=build/%.o)
DRIVER_SRC += $(PCI_SRC)
DRIVER_LIBS += -lpci

$(PCI_OBJ): build/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -fPIC -fvisibility=hidden -MMD -MP -c $< -o $@
-include $(PCI_OBJ:.o=.d)
build/driver/libweft.o: $(PCI_OBJ)

# For people who are not root: who may open adapters, and how much memory a service may lock. Where udev and systemd look below
# PREFIX=/usr/local or /usr.
INSTALL += driver/pci/60-weft.rules:lib/udev/rules.d:644 driver/pci/weft-group.conf:lib/sysusers.d:644
INSTALL += driver/pci/weft-memlock.conf:lib/systemd/system/weft-.service.d:644
