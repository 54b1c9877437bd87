/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What stands where in an adapter's flash, and numbers that the boot ROM tells firmware: docs/boot.md. Shared by the ROM,
 * the firmware and the host's tools.
 */
#ifndef FLASH_LAYOUT_H
#define FLASH_LAYOUT_H

#include <stdint.h>

#define FLASH_SIZE_MIN 0x100000u
#define FLASH_PAGE 256u
#define FLASH_SECTOR 4096u

/* Slots as NVMe numbers them. Slot 1 is read-only. */
#define SLOT_GOLDEN 1u
#define SLOT_A 2u
#define SLOT_B 3u
#define SLOT_FIRST SLOT_GOLDEN
#define SLOT_LAST SLOT_B
#define SLOT_SIZE 0x40000u

#define RECORD_OFFSET 0xc0000u
#define RECORD_SECTORS 2u
#define RECORD_SIZE 32u
#define RECORD_PLACES (FLASH_SECTOR / RECORD_SIZE) /* in a sector */

/* Sizes that an image may have. */
#define IMAGE_HEADER_SIZE 32u
#define IMAGE_HEADER_MAX 4096u
#define IMAGE_TLVS_MAX 4096u

/* BOOT_ARG0..3 as the ROM leaves them. */
#define BOOT_ARG0_SLOT_MASK 0xffu
#define BOOT_ARG0_TRIAL (1u << 8)
#define BOOT_ARG0_WATCHDOG (1u << 9)
#define BOOT_ARG0_PASSED(slot) (1u << (15 + (slot))) /* passed over as unsound */
#define BOOT_ARG0_NO_RECORD (1u << 24)               /* a record could not be written */
#define BOOT_ARG3_MAGIC 0x544f4f42u
#define BOOT_ARG3_TRAPPED 0x50415254u /* in its place once ROM or firmware stand still on a trap */

#define BOOT_TRIAL_MS 30000u /* the watchdog's time when a trial is started */

static inline int slot_valid(uint32_t slot)
{
	return slot >= SLOT_FIRST && slot <= SLOT_LAST;
}

/* Of a valid slot. */
static inline uint32_t slot_offset(uint32_t slot)
{
	return (slot - SLOT_FIRST) * SLOT_SIZE;
}

#endif
