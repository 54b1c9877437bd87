/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Commands of a NOR flash over an SPI port given as a table of functions: the registers of the soft core, or the model of
 * the flash in native tests. Nothing here waits for the flash: a program or an erase is started, and nor_poll() tells when
 * it is through, so that a firmware's main loop can go on. nor_wait() is for who has nothing else to do.
 *
 * Errors are positive errno: EIO the flash does not do what it is told (no answer, write enable refused, time over);
 * EBUSY still at work; EINVAL an address that is not one.
 */
#ifndef FLASH_NOR_H
#define FLASH_NOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nor_spi {
	void *ctx;
	void (*select)(void *ctx, bool on);               /* chip select */
	uint8_t (*byte)(void *ctx, uint8_t out);          /* shifts a byte out and one in */
	void (*fill)(void *ctx, uint8_t *to, uint32_t n); /* clocks n bytes in; NULL: by byte() */
	uint32_t (*time_ns)(void *ctx);                   /* low 32 bits of a clock */
};

/* A program or an erase that was started. */
struct nor_op {
	uint32_t since; /* time_ns() then */
	uint32_t limit; /* ns that it may take at most */
};

#define NOR_PROGRAM_LIMIT_NS 20000000u
#define NOR_ERASE_LIMIT_NS 2000000000u

/* Is there a flash? Sets *size (may be NULL) to its bytes, from the third byte of its id. EIO: none, or a small one. */
int nor_probe(const struct nor_spi *spi, uint32_t *size);
/* Reads len bytes. EBUSY: a program or erase is under way. EIO: no answer. */
int nor_read(const struct nor_spi *spi, uint32_t addr, void *to, uint32_t len);
/* Starts to program len bytes, which lie within one page. */
int nor_program(const struct nor_spi *spi, struct nor_op *op, uint32_t addr, const void *from,
		uint32_t len);
/* Starts to erase the sector that begins at addr. */
int nor_erase(const struct nor_spi *spi, struct nor_op *op, uint32_t addr);
/* 0: through; whether it is right, a read tells. EBUSY: not yet. EIO: the time is over, or no answer. */
int nor_poll(const struct nor_spi *spi, const struct nor_op *op);
/* nor_poll() until it is not EBUSY. */
int nor_wait(const struct nor_spi *spi, const struct nor_op *op);
/* Waits until what a reset left under way is through. For a start; 2 s at most. */
int nor_settle(const struct nor_spi *spi);

#endif
