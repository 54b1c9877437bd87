/* SPDX-License-Identifier: BSD-2-Clause */
/* Signed images and boot records, made from docs/boot.md alone. */
#ifndef WEFT_TEST_SIGNED_H
#define WEFT_TEST_SIGNED_H

#include "board.h"

#define SIGNED_BOARD 0x00112233u
#define SLOT_GOLDEN 1u
#define SLOT_B 3u

/* SHA-256 of the public key (DER) that signed_put signs with. */
void signed_key_hash(uint8_t hash[32]);
/* Puts an image with the program in the file into a slot, 1..3. */
void signed_put(struct weft_flash *flash, unsigned int slot, const char *path, uint32_t counter);
/* Puts the only boot record. */
void signed_record(struct weft_flash *flash, uint8_t active, uint8_t previous, uint8_t trial,
		   uint32_t counter);
/* Changes a byte of a slot's payload. */
void signed_spoil(struct weft_flash *flash, unsigned int slot);

#endif
