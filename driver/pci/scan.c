/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which devices there are: libpci, over sysfs or a dump. libpci ends the process on an error unless
 * its error function does not return: ours jumps back here, with the sentence noted.
 */
#include <errno.h>
#include <pci/pci.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "local.h"

#if defined(PCI_LIB_VERSION) && PCI_LIB_VERSION < 0x030900
#error "libpci 3.9 or later is needed"
#endif

#define DEVICES_MAX 65536u

static _Thread_local jmp_buf back;

static void __attribute__((noreturn, format(printf, 1, 2))) on_error(char *fmt, ...)
{
	char text[200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	weft_set_error(-EIO, "libpci: %s", text);
	longjmp(back, 1);
}

/* What it warns of reads as zeroes or ones afterwards, and is judged there. */
static void __attribute__((format(printf, 1, 2))) on_warning(char *fmt, ...)
{
	(void)fmt;
}

static void close_bus(struct pci_access *acc)
{
	if (!setjmp(back))
		pci_cleanup(acc);
}

/* libpci would end its scan at a name that it cannot read, with the folder open. */
static int is_address(void *arg, const char *name)
{
	struct weft_pci_addr addr;

	(void)arg;
	return weft_pci_parse(name, &addr) ?
		       weft_set_error(-EIO, "the PCI bus lists \"%s\"", sys_safe(name).text) :
		       0;
}

static int check_names(void)
{
	char path[SYS_PATH];
	int rc = sys_path(path, IN_SYS, "bus/pci/devices");

	return rc ? rc : sys_each(path, is_address, NULL);
}

static int open_dump(struct pci_access *acc, const char *dump)
{
	acc->method = PCI_ACCESS_DUMP;
	return pci_set_param(acc, "dump.name", (char *)dump);
}

static int open_sysfs(struct pci_access *acc)
{
	char path[SYS_PATH];
	int rc = sys_path(path, IN_SYS, "bus/pci");

	acc->method = PCI_ACCESS_SYS_BUS_PCI;
	return rc ? rc : pci_set_param(acc, "sysfs.path", path);
}

/* Opens the bus and finds its devices. Any error of libpci is -EIO. */
static int open_bus(struct pci_access **to)
{
	const char *dump = secure_getenv("WEFT_PCI_DUMP");
	struct pci_access *volatile acc = NULL;
	int rc = dump ? 0 : check_names();

	if (rc)
		return rc;
	if (setjmp(back)) {
		if (acc)
			close_bus(acc);
		return -EIO;
	}
	acc = pci_alloc();
	acc->error = on_error;
	acc->warning = acc->debug = on_warning;
	rc = dump ? open_dump(acc, dump) : open_sysfs(acc);
	if (rc) {
		close_bus(acc);
		return weft_set_error(-EIO, "libpci does not take the bus's path");
	}
	pci_init(acc);
	pci_scan_bus(acc);
	*to = acc;
	return 0;
}

/* Registers of the PCI Express capability that tell the link's state; only a dump needs them. */
static void link_from_config(struct weft_pci_dev *dev, struct pci_dev *p)
{
	static const uint32_t speeds[] = { 0, 2500, 5000, 8000, 16000, 32000, 64000, 0 };
	struct pci_cap *cap = pci_find_cap(p, PCI_CAP_ID_EXP, PCI_CAP_NORMAL);
	unsigned int type;
	uint32_t cap_reg;
	uint16_t status;

	if (!cap)
		return;
	type = (pci_read_word(p, (int)cap->addr + PCI_EXP_FLAGS) & PCI_EXP_FLAGS_TYPE) >> 4;
	if (type == PCI_EXP_TYPE_ROOT_INT_EP || type == PCI_EXP_TYPE_ROOT_EC)
		return; /* part of the root complex: no link */
	cap_reg = pci_read_long(p, (int)cap->addr + PCI_EXP_LNKCAP);
	status = pci_read_word(p, (int)cap->addr + PCI_EXP_LNKSTA);
	dev->link_speed_max = speeds[cap_reg & 7];
	dev->link_width_max = (uint8_t)((cap_reg & PCI_EXP_LNKCAP_WIDTH) >> 4);
	dev->link_speed = speeds[status & 7];
	dev->link_width = (uint8_t)((status & PCI_EXP_LNKSTA_WIDTH) >> 4);
}

/* A dump has no more than configuration space; sysfs may know the rest of the same device. */
static int fill_dump(struct weft_pci_dev *dev, struct pci_dev *p)
{
	struct weft_pci_dev more = *dev;

	if (setjmp(back))
		return -EIO;
	pci_fill_info(p, PCI_FILL_IDENT | PCI_FILL_CLASS | PCI_FILL_CLASS_EXT | PCI_FILL_CAPS);
	if (!pci_fill(&more))
		*dev = more;
	dev->id = (struct weft_pci_id){ p->vendor_id, p->device_id };
	dev->class_code = (uint32_t)p->device_class << 8 | p->prog_if;
	link_from_config(dev, p);
	return 0;
}

static int fill(struct weft_pci_dev *dev, struct pci_dev *p)
{
	if ((uint32_t)p->domain > INT32_MAX || p->dev > 31 || p->func > 7)
		return weft_set_error(-EIO, "libpci: device %x:%x:%x.%x cannot be", p->domain,
				      p->bus, p->dev, p->func);
	*dev = (struct weft_pci_dev){ .group = -1, .numa = -1 };
	dev->addr = (struct weft_pci_addr){ (uint32_t)p->domain, p->bus, p->dev, p->func };
	weft_pci_format(&dev->addr, dev->name);
	return p->access->method == PCI_ACCESS_DUMP ? fill_dump(dev, p) : pci_fill(dev);
}

static int by_address(const void *a, const void *b)
{
	const struct weft_pci_addr *x = &((const struct weft_pci_dev *)a)->addr;
	const struct weft_pci_addr *y = &((const struct weft_pci_dev *)b)->addr;
	uint64_t u = (uint64_t)x->domain << 24 | (uint32_t)x->bus << 16 | x->dev << 8 | x->fn;
	uint64_t v = (uint64_t)y->domain << 24 | (uint32_t)y->bus << 16 | y->dev << 8 | y->fn;

	return u < v ? -1 : u > v;
}

int weft_pci_scan(const struct weft_pci_id *more, size_t n, struct weft_pci_dev **list,
		  size_t *count)
{
	struct weft_pci_dev *all = NULL, dev;
	struct pci_access *acc = NULL;
	struct pci_dev *p;
	size_t have = 0, seen = 0;
	int rc = open_bus(&acc);

	*list = NULL;
	*count = 0;
	if (rc)
		return rc;
	for (p = acc->devices; p && !rc; p = p->next) {
		struct weft_pci_dev *grown;

		if (++seen > DEVICES_MAX) {
			rc = weft_set_error(-EIO, "more than %u PCI devices", DEVICES_MAX);
			break;
		}
		if (fill(&dev, p) || !weft_pci_is_adapter(&dev.id, more, n))
			continue;
		grown = realloc(all, (have + 1) * sizeof(*all));
		if (!grown)
			rc = weft_set_error(-ENOMEM, "out of memory");
		else
			(all = grown)[have++] = dev;
	}
	close_bus(acc);
	if (rc) {
		free(all);
		return rc;
	}
	if (have)
		qsort(all, have, sizeof(*all), by_address);
	*list = all;
	*count = have;
	return 0;
}

int weft_pci_get(const struct weft_pci_addr *addr, struct weft_pci_dev *dev)
{
	struct pci_access *acc = NULL;
	struct pci_dev *p;
	int rc;

	*dev = (struct weft_pci_dev){ .addr = *addr, .group = -1, .numa = -1 };
	weft_pci_format(addr, dev->name);
	if (!secure_getenv("WEFT_PCI_DUMP"))
		return pci_fill(dev);
	rc = open_bus(&acc);
	if (rc)
		return rc;
	for (p = acc->devices; p; p = p->next)
		if ((uint32_t)p->domain == addr->domain && p->bus == addr->bus &&
		    p->dev == addr->dev && p->func == addr->fn)
			break;
	rc = p ? fill(dev, p) : weft_set_error(-ENODEV, "there is no PCI device %s", dev->name);
	close_bus(acc);
	return rc;
}
