// SPDX-License-Identifier: BSD-2-Clause
/*
 * Configuration space: a PCIe endpoint with BAR 0 (registers), BAR 4 (MSI-X table and pending
 * bits), power management, PCIe with function-level reset, MSI-X. Which bits a write may change
 * stands in a mask of the same size.
 */
#include <string.h>

#include "server.h"
#include "weft_host.h"

#define VENDOR 0x1b36
#define DEVICE 0x0f0e
#define CLASS 0x020000
#define CAP_PM 0x40
#define CAP_PCIE 0x50
#define CAP_MSIX 0x90
#define COMMAND 0x04
#define COMMAND_MASTER 0x4
#define DEVCTL (CAP_PCIE + 8)
#define DEVCTL_FLR 0x8000
#define MSIX_PBA 0x800

static void put(uint8_t *at, uint64_t value, unsigned int bytes)
{
	while (bytes--) {
		*at++ = (uint8_t)value;
		value >>= 8;
	}
}

static void put_header(uint8_t *c)
{
	put(c + 0x00, VENDOR, 2);
	put(c + 0x02, DEVICE, 2);
	put(c + 0x06, 0x0010, 2); /* capability list */
	put(c + 0x08, CLASS << 8 | 1, 4);
	put(c + 0x18, 0, 4);
	put(c + 0x2c, VENDOR, 2);
	put(c + 0x2e, DEVICE, 2);
	put(c + 0x34, CAP_PM, 1);
}

static void put_capabilities(uint8_t *c)
{
	put(c + CAP_PM, 0x01 | CAP_PCIE << 8 | 0x0003ull << 16, 4);   /* version 3 */
	put(c + CAP_PM + 4, 0x0008, 2);                               /* no soft reset */
	put(c + CAP_PCIE, 0x10 | CAP_MSIX << 8 | 0x0002ull << 16, 4); /* version 2, endpoint */
	/* FLR, role-based errors, 4 KiB payload */
	put(c + CAP_PCIE + 4, 1u << 28 | 1u << 15 | 5, 4);
	put(c + DEVCTL, 0x2810, 2);
	put(c + CAP_PCIE + 0x0c, 4 | 8 << 4, 4); /* 16 GT/s, x8 */
	put(c + CAP_PCIE + 0x12, 4 | 8 << 4, 2);
	put(c + CAP_MSIX, 0x11, 2);
	put(c + CAP_MSIX + 2, VFU_VECTORS - 1, 2);
	put(c + CAP_MSIX + 4, 0 | 4, 4);
	put(c + CAP_MSIX + 8, MSIX_PBA | 4, 4);
}

/* The bits of byte off that software may write. */
static uint8_t writable(uint32_t off)
{
	static const struct {
		uint16_t off;
		uint8_t mask;
	} bits[] = {
		{ COMMAND, 0x06 },
		{ COMMAND + 1, 0x04 },
		{ 0x0c, 0xff },
		{ 0x12, 0xf0 },
		{ 0x13, 0xff }, /* BAR 0: 1 MiB */
		{ 0x21, 0xf0 },
		{ 0x22, 0xff },
		{ 0x23, 0xff }, /* BAR 4: 4 KiB */
		{ 0x3c, 0xff },
		{ CAP_PM + 4, 0x03 },
		{ DEVCTL, 0xff },
		{ DEVCTL + 1, 0x7f },
		{ CAP_PCIE + 0x10, 0xc3 },
		{ CAP_MSIX + 3, 0xc0 },
	};
	unsigned int i;

	for (i = 0; i < sizeof(bits) / sizeof(bits[0]); i++)
		if (bits[i].off == off)
			return bits[i].mask;
	return 0;
}

void pci_reset(struct pci *pci)
{
	unsigned int i;

	memset(pci, 0, sizeof(*pci));
	put_header(pci->config);
	put_capabilities(pci->config);
	for (i = 0; i < VFU_VECTORS; i++)
		pci->msix[i * 16 + 12] = 1; /* masked */
}

void pci_read(const struct pci *pci, uint32_t off, void *buf, uint32_t len)
{
	memcpy(buf, pci->config + off, len);
}

bool pci_write(struct pci *pci, uint32_t off, const void *buf, uint32_t len)
{
	const uint8_t *byte = buf;
	bool flr = false;
	uint32_t i;
	uint8_t mask;

	for (i = 0; i < len; i++) {
		mask = writable(off + i);
		pci->config[off + i] = (uint8_t)((pci->config[off + i] & ~mask) | (byte[i] & mask));
		if (off + i == DEVCTL + 1 && byte[i] & DEVCTL_FLR >> 8)
			flr = true;
	}
	return flr;
}

bool pci_bus_master(const struct pci *pci)
{
	return pci->config[COMMAND] & COMMAND_MASTER;
}

void pci_msix_read(const struct pci *pci, uint32_t off, void *buf, uint32_t len)
{
	memcpy(buf, pci->msix + off, len);
}

/* The table is only kept: the client owns the vectors through their eventfds. */
void pci_msix_write(struct pci *pci, uint32_t off, const void *buf, uint32_t len)
{
	if (off >= MSIX_PBA)
		return;
	memcpy(pci->msix + off, buf, len < MSIX_PBA - off ? len : MSIX_PBA - off);
}
