/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The native model behind hal_flash.h. Without a flash attached the port reads as a pin that nobody drives. fake_reset
 * does not touch any of it: a flash outlives resets.
 */
#ifndef HAL_FAKE_FLASH_H
#define HAL_FAKE_FLASH_H

#include "hal_flash.h"

/* A flash: select, and a whole exchange of bytes, at a time in ns. */
struct fake_flash {
	void *ctx;
	void (*select)(void *ctx, bool on, uint64_t now_ns);
	uint8_t (*exchange)(void *ctx, uint8_t out, uint64_t now_ns);
};

/* What the ROM and the hardware configuration say; zeroes at first: loaded by a host. */
struct fake_boot {
	uint32_t status;
	uint32_t arg[4];
	uint32_t board;
	uint8_t key_hash[32];
	uint32_t wdt_ms;     /* what the watchdog was set to last */
	uint32_t wdt_writes; /* how often */
	uint32_t spi_bytes;  /* exchanged */
};

extern struct fake_boot fake_boot;

void fake_flash_attach(const struct fake_flash *flash); /* NULL: none; copied */

#endif
