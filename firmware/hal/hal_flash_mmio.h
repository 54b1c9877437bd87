/* SPDX-License-Identifier: BSD-2-Clause */
/* hal_flash.h on the soft core. Included by it only. */
#ifndef HAL_FLASH_MMIO_H
#define HAL_FLASH_MMIO_H

#define HAL_SPI_DIV 2u /* 250 MHz / 6: 03h reads are good for 50 MHz */

static inline void hal_spi_select(bool on)
{
	hal_wr(ENG_SPI_CTRL, HAL_SPI_DIV << ENG_SPI_CTRL_DIV_LSB | on);
}

static inline uint8_t hal_spi_byte(uint8_t out)
{
	hal_wr(ENG_SPI_TX, out);
	return (uint8_t)hal_rd(ENG_SPI_RX);
}

static inline void hal_spi_fill(uint8_t *to, uint32_t n)
{
	for (; n >= 4; n -= 4) {
		uint32_t four = hal_rd(ENG_SPI_RX4);

		*to++ = (uint8_t)four;
		*to++ = (uint8_t)(four >> 8);
		*to++ = (uint8_t)(four >> 16);
		*to++ = (uint8_t)(four >> 24);
	}
	while (n--)
		*to++ = hal_spi_byte(0);
}

static inline void hal_wdt_set(uint32_t ms)
{
	hal_wr(ENG_WDT, ms);
}

static inline uint32_t hal_boot_status(void)
{
	return hal_rd(ENG_BOOT_STATUS);
}

static inline uint32_t hal_boot_arg(uint32_t n)
{
	return hal_rd(ENG_BOOT_ARG0 + 4 * n);
}

static inline uint32_t hal_board_id(void)
{
	return hal_rd(ENG_BOARD_ID);
}

static inline void hal_key_hash(uint8_t hash[32])
{
	for (uint32_t i = 0; i < 32; i++)
		hash[i] = (uint8_t)(hal_rd(ENG_KEY_HASH0 + (i & ~3u)) >> (i & 3) * 8);
}

#endif
