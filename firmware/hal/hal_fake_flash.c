/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "hal_fake_flash.h"

struct fake_boot fake_boot;
static struct fake_flash chip;

void fake_flash_attach(const struct fake_flash *flash)
{
	memset(&chip, 0, sizeof(chip));
	if (flash)
		chip = *flash;
}

void hal_spi_select(bool on)
{
	if (chip.select)
		chip.select(chip.ctx, on, hal_now_ns());
}

uint8_t hal_spi_byte(uint8_t out)
{
	fake_boot.spi_bytes++;
	return chip.exchange ? chip.exchange(chip.ctx, out, hal_now_ns()) : 0xff;
}

void hal_spi_fill(uint8_t *to, uint32_t n)
{
	while (n--)
		*to++ = hal_spi_byte(0);
}

void hal_wdt_set(uint32_t ms)
{
	fake_boot.wdt_ms = ms;
	fake_boot.wdt_writes++;
}

uint32_t hal_boot_status(void)
{
	return fake_boot.status;
}

uint32_t hal_boot_arg(uint32_t n)
{
	return fake_boot.arg[n];
}

uint32_t hal_board_id(void)
{
	return fake_boot.board;
}

void hal_key_hash(uint8_t hash[32])
{
	memcpy(hash, fake_boot.key_hash, 32);
}
