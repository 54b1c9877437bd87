/* SPDX-License-Identifier: BSD-2-Clause */
/* Made from the format's description alone, not with the library's own means. */
#include <string.h>

#include <sodium.h>

#include "helper.h"

const uint8_t test_seed[WEFT_IMAGE_KEY_SIZE] = "the seed of the tests, no secret";
uint8_t test_key[WEFT_IMAGE_KEY_SIZE], test_key_hash[WEFT_IMAGE_HASH_SIZE];
static uint8_t secret[crypto_sign_SECRETKEYBYTES], spki[44];

void test_keys(void)
{
	static const uint8_t head[] = { 0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0 };

	crypto_sign_seed_keypair(test_key, secret, test_seed);
	memcpy(spki, head, sizeof(head));
	memcpy(spki + sizeof(head), test_key, sizeof(test_key));
	crypto_hash_sha256(test_key_hash, spki, sizeof(spki));
}

void poke16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

void poke32(uint8_t *p, uint32_t v)
{
	poke16(p, v);
	poke16(p + 2, v >> 16);
}

void put_start(struct built *b, uint32_t header_size, uint32_t payload_size, uint32_t flags)
{
	static const uint8_t version[8] = { 1, 2, 3, 0, 4, 0, 0, 0 };
	uint32_t i;

	memset(b->bytes, 0xff, sizeof(b->bytes));
	memset(b->bytes, 0, 32);
	poke32(b->bytes, 0x96f3b83d);
	poke16(b->bytes + 8, header_size);
	poke32(b->bytes + 12, payload_size);
	poke32(b->bytes + 16, flags);
	memcpy(b->bytes + 20, version, sizeof(version));
	for (i = 0; i < payload_size; i++)
		b->bytes[header_size + i] = (uint8_t)(i * 7 + (i >> 8));
	b->len = header_size + payload_size;
}

void put_area(struct built *b, uint32_t magic)
{
	b->area = b->len;
	poke16(b->bytes + b->len, magic);
	b->len += 4;
}

void put_tlv(struct built *b, uint32_t type, const void *value, uint32_t len)
{
	poke16(b->bytes + b->len, type);
	poke16(b->bytes + b->len + 2, len);
	if (len)
		memcpy(b->bytes + b->len + 4, value, len);
	b->len += 4 + len;
}

void put_u32(struct built *b, uint32_t type, uint32_t value)
{
	uint8_t bytes[4];

	poke32(bytes, value);
	put_tlv(b, type, bytes, 4);
}

void end_area(struct built *b)
{
	poke16(b->bytes + b->area + 2, (uint32_t)(b->len - b->area));
}

void end_protected(struct built *b)
{
	end_area(b);
	poke16(b->bytes + 10, (uint32_t)(b->len - b->area));
	b->covered = b->len;
}

void put_signature(struct built *b, int key_hash, int key)
{
	uint8_t digest[32], signature[64];

	crypto_hash_sha256(digest, b->bytes, b->covered);
	crypto_sign_detached(signature, NULL, digest, sizeof(digest), secret);
	put_area(b, 0x6907);
	put_tlv(b, 0x10, digest, sizeof(digest));
	if (key_hash)
		put_tlv(b, 0x01, test_key_hash, sizeof(test_key_hash));
	if (key)
		put_tlv(b, 0x02, spki, sizeof(spki));
	put_tlv(b, 0x24, signature, sizeof(signature));
	end_area(b);
}

void build_good(struct built *b, uint32_t payload_size)
{
	put_start(b, 32, payload_size, 0x20);
	put_area(b, 0x6908);
	put_u32(b, 0x50, 5);
	put_u32(b, 0xa0, 7);
	end_protected(b);
	put_signature(b, 1, 1);
}
