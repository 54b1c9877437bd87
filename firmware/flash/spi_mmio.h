/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nor.h's port on the soft core: the registers of the SPI port (weft_engine.h). Included where the table is made, once in
 * the boot ROM and once in the firmware.
 */
#ifndef FLASH_SPI_MMIO_H
#define FLASH_SPI_MMIO_H

#include "flash/nor.h"
#include "hal/hal.h"

#define SPI_MMIO_CS 1u
#define SPI_MMIO_DIV (0xffu << 8)

/* The clock stays as the hardware configuration has it at reset. */
static void spi_mmio_select(void *ctx, bool on)
{
	(void)ctx;
	hal_wr(ENG_SPI_CTRL, (hal_rd(ENG_SPI_CTRL) & SPI_MMIO_DIV) | (on ? SPI_MMIO_CS : 0));
}

static uint8_t spi_mmio_byte(void *ctx, uint8_t out)
{
	(void)ctx;
	hal_wr(ENG_SPI_TX, out);
	return (uint8_t)hal_rd(ENG_SPI_RX);
}

/* Four bytes an access, and a word a store where the address lets it. */
static void spi_mmio_fill(void *ctx, uint8_t *to, uint32_t n)
{
	for (; n && ((uintptr_t)to & 3); n--)
		*to++ = spi_mmio_byte(ctx, 0);
	for (; n >= 4; n -= 4, to += 4)
		*(uint32_t *)to = hal_rd(ENG_SPI_RX4);
	while (n--)
		*to++ = spi_mmio_byte(ctx, 0);
}

static uint32_t spi_mmio_time_ns(void *ctx)
{
	(void)ctx;
	return hal_rd(ENG_TIME_LO);
}

static const struct nor_spi spi_mmio = {
	.select = spi_mmio_select,
	.byte = spi_mmio_byte,
	.fill = spi_mmio_fill,
	.time_ns = spi_mmio_time_ns,
};

#endif
