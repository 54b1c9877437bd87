/* SPDX-License-Identifier: BSD-2-Clause */
/* Images put together piece by piece, right or wrong, for the tests of the image library. */
#ifndef TESTS_IMAGE_HELPER_H
#define TESTS_IMAGE_HELPER_H

#include <stddef.h>
#include <stdint.h>

#include <weft/dev.h>
#include <weft/image.h>

#define BUILT_MAX 0x40000u

/* An image in the making. */
struct built {
	uint8_t bytes[BUILT_MAX];
	size_t len;
	size_t area;    /* where the present TLV area begins */
	size_t covered; /* bytes under the digest, once the protected area is closed */
};

/* The key of all tests, its public half and that one's hash. */
extern const uint8_t test_seed[WEFT_IMAGE_KEY_SIZE];
extern uint8_t test_key[WEFT_IMAGE_KEY_SIZE];
extern uint8_t test_key_hash[WEFT_IMAGE_HASH_SIZE];
/* Once, before the tests. */
void test_keys(void);

void poke16(uint8_t *p, uint32_t v);
void poke32(uint8_t *p, uint32_t v);

/* Header (board 7, counter 5, version 1.2.3+4 in what follows), padded with 0xff, and payload. */
void put_start(struct built *b, uint32_t header_size, uint32_t payload_size, uint32_t flags);
void put_area(struct built *b, uint32_t magic);
void put_tlv(struct built *b, uint32_t type, const void *value, uint32_t len);
void put_u32(struct built *b, uint32_t type, uint32_t value);
/* Closes the protected area: its size goes to its head and to the header. */
void end_protected(struct built *b);
/* The unprotected area with digest, signature and the key in the forms asked for; closed. */
void put_signature(struct built *b, int key_hash, int key);
void end_area(struct built *b);

/* The usual one: 0x50, 0xa0; digest, key hash, key, signature. */
void build_good(struct built *b, uint32_t payload_size);

#endif
