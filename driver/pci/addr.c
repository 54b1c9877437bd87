/* SPDX-License-Identifier: BSD-2-Clause */
/* Addresses and ids, from and to text; which ids are ours. */
#include <errno.h>
#include <stdio.h>

#include <weft/bus.h>

#include "local.h"

/* Every adapter there is. */
static const struct weft_pci_id adapters[] = {
	{ WEFT_PCI_VENDOR, WEFT_PCI_DEVICE },
};

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' :
	       c >= 'a' && c <= 'f' ? c - 'a' + 10 :
	       c >= 'A' && c <= 'F' ? c - 'A' + 10 :
				      -1;
}

/* Hexadecimal digits from *p on, as many as there are; their number, 0 for more than eight. */
static unsigned int hex(const char **p, uint32_t *v)
{
	unsigned int n = 0;

	for (*v = 0; digit(**p) >= 0; (*p)++) {
		if (++n > 8)
			return 0;
		*v = *v << 4 | (uint32_t)digit(**p);
	}
	return n;
}

static bool address(const char *p, struct weft_pci_addr *a)
{
	uint32_t v[4] = { 0, 0, 0, 0 }; /* domain, bus, device, function */
	unsigned int n = hex(&p, &v[1]);

	if (*p != ':')
		return false;
	p++;
	if (n >= 4) {
		v[0] = v[1];
		n = hex(&p, &v[1]);
		if (*p++ != ':')
			return false;
	}
	if (n != 2 || hex(&p, &v[2]) != 2 || *p++ != '.' || hex(&p, &v[3]) != 1 || *p)
		return false;
	if (v[0] > INT32_MAX || v[2] > 31 || v[3] > 7)
		return false;
	a->domain = v[0];
	a->bus = (uint8_t)v[1];
	a->dev = (uint8_t)v[2];
	a->fn = (uint8_t)v[3];
	return true;
}

int weft_pci_parse(const char *text, struct weft_pci_addr *addr)
{
	return address(text, addr) ?
		       0 :
		       weft_set_error(-EINVAL,
				      "\"%s\" is no PCI address (DDDD:BB:DD.F, as 0000:01:00.0)",
				      sys_safe(text).text);
}

void weft_pci_format(const struct weft_pci_addr *addr, char to[WEFT_PCI_NAME])
{
	snprintf(to, WEFT_PCI_NAME, "%04x:%02x:%02x.%x", addr->domain, addr->bus, addr->dev & 31u,
		 addr->fn & 7u);
}

int weft_pci_parse_id(const char *text, struct weft_pci_id *id)
{
	const char *p = text;
	uint32_t vendor, device;

	if (hex(&p, &vendor) != 4 || *p++ != ':' || hex(&p, &device) != 4 || *p)
		return weft_set_error(-EINVAL, "\"%s\" is no PCI id (VVVV:DDDD, as 1b36:0f0e)",
				      sys_safe(text).text);
	id->vendor = (uint16_t)vendor;
	id->device = (uint16_t)device;
	return 0;
}

static bool among(const struct weft_pci_id *id, const struct weft_pci_id *list, size_t n)
{
	for (; n; n--, list++)
		if (list->vendor == id->vendor && list->device == id->device)
			return true;
	return false;
}

bool weft_pci_is_adapter(const struct weft_pci_id *id, const struct weft_pci_id *more, size_t n)
{
	return among(id, adapters, sizeof(adapters) / sizeof(adapters[0])) || among(id, more, n);
}
