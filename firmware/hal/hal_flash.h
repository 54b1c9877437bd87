/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The boot side of hal.h: flash port, watchdog, what the hardware configuration and the boot ROM say. Kept apart because
 * only the flash service and its tests need it. On the soft core the registers 0x300..0x34f; in native tests the
 * flash that a test has attached, and plain variables (hal_fake_flash.c).
 */
#ifndef HAL_FLASH_H
#define HAL_FLASH_H

#include "hal.h"

/* SPI port, mode 0. A byte takes its time (0.2 us): ask for few at a time. */
HAL_FN void hal_spi_select(bool on);
HAL_FN uint8_t hal_spi_byte(uint8_t out);
HAL_FN void hal_spi_fill(uint8_t *to, uint32_t n); /* clocks n bytes in */

HAL_FN void hal_wdt_set(uint32_t ms); /* resets the adapter after ms unless set again; 0: off */

HAL_FN uint32_t hal_boot_status(void);    /* ENG_BOOT_STATUS_* */
HAL_FN uint32_t hal_boot_arg(uint32_t n); /* BOOT_ARG0..3 */
HAL_FN uint32_t hal_board_id(void);
HAL_FN void hal_key_hash(uint8_t hash[32]); /* of the key that images must be signed with */

#ifndef HAL_NATIVE
#include "hal_flash_mmio.h"
#endif

#endif
