/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Arrange, act and look, for the tests of the flash service: the whole firmware on the native model, the simulator's flash
 * at its port. A "power-up" starts the firmware anew over the flash as it is, with what a boot ROM would have told.
 */
#ifndef FW_FLASH_RIG_H
#define FW_FLASH_RIG_H

#include <check.h>

#include "flash.h"
#include "flash/image.h"
#include "flash/record.h"
#include "hal_fake.h"
#include "hal_fake_flash.h"
#include "lib/err.h"

#define BOARD 7u
#define SESSION 0x1234u
#define IMAGE_LEN_MAX 0x12000u

extern struct weft_flash *chip;

void rig_new(
	void); /* an erased flash of 1 MiB whose first 256 KiB are protected, times as short as they go */
void rig_end(void);
/* Starts the firmware as a ROM does that chose this slot (0: loaded by a host). flags: BOOT_ARG0_*. */
void power_up(uint32_t slot, uint32_t flags, uint32_t counter);

/* What an image is to be; sealed by no signature: firmware does not look at it. */
struct maker {
	uint32_t board, counter, payload;
	uint8_t minor;
	uint8_t key;       /* xored into the key hash */
	bool no_signature; /* the TLV is missing */
};
uint32_t
make_image(uint8_t *to,
	   const struct maker *m); /* bytes; NULL members 0: BOARD, counter 1, 5000 bytes */
void put_image(uint32_t slot, const struct maker *m); /* into the flash */
void put_record(const struct boot_record *rec);       /* sealed here */
struct boot_record present_record(void);              /* as the flash has it; no record: all 0 */

/* Admin entries. begin() returns their cid; a completion is looked up by it. */
uint16_t begin(uint8_t opcode, const void *args, uint32_t len);
const struct hal_cpl *result(uint16_t cid); /* NULL: not completed */
void turns(uint32_t n);                     /* of the main loop, 5 us each */
const struct hal_cpl *finish(uint16_t cid); /* turns until it completed */
const struct hal_cpl *fw_op(uint8_t opcode, uint8_t slot, uint8_t action, uint32_t offset,
			    uint16_t len);

/* FW_DOWNLOAD. piece(): begins one; download(): all of it, in order. Status of the first that failed, or of the last. */
uint16_t piece(uint8_t slot, uint32_t session, const uint8_t *image, uint32_t offset, uint32_t len,
	       bool last);
const struct hal_cpl *download(uint8_t slot, uint32_t session, const uint8_t *image, uint32_t len);

void tests_update(Suite *s);
void tests_trial(Suite *s);
void tests_fault(Suite *s);
void tests_lives(Suite *s);

#endif
