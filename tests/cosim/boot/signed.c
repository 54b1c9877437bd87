/* SPDX-License-Identifier: BSD-2-Clause */
#include <check.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "signed.h"

#define SLOT_SIZE 0x40000u
#define RECORD_OFFSET 0xc0000u
#define HEADER 32u
#define PAYLOAD_MAX 0x20000u

struct image {
	uint8_t bytes[HEADER + PAYLOAD_MAX + 4096];
	uint32_t len;
};

struct keys {
	uint8_t secret[crypto_sign_SECRETKEYBYTES];
	uint8_t der[44];
};

static void make_keys(struct keys *k)
{
	static const uint8_t head[12] = { 0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
					  0x2b, 0x65, 0x70, 0x03, 0x21, 0x00 };
	static const uint8_t seed[crypto_sign_SEEDBYTES] = "the key of these tests";

	ck_assert_int_ge(sodium_init(), 0);
	memcpy(k->der, head, sizeof(head));
	crypto_sign_seed_keypair(k->der + sizeof(head), k->secret, seed);
}

void signed_key_hash(uint8_t hash[32])
{
	struct keys k;

	make_keys(&k);
	crypto_hash_sha256(hash, k.der, sizeof(k.der));
}

static void put(struct image *im, const void *bytes, uint32_t len)
{
	memcpy(im->bytes + im->len, bytes, len);
	im->len += len;
}

static void tlv(struct image *im, uint16_t type, const void *value, uint16_t len)
{
	put(im, &type, 2);
	put(im, &len, 2);
	put(im, value, len);
}

static void header(struct image *im, uint32_t payload)
{
	const uint32_t h[8] = { 0x96f3b83d, 0, 20u << 16 | HEADER, payload, 0x20 /* RAM_LOAD */ };

	memcpy(im->bytes, h, HEADER); /* 20: bytes of the protected area */
}

static void load(struct image *im, const char *path)
{
	FILE *f = fopen(path, "rb");
	size_t n;

	ck_assert_msg(f != NULL, "%s: %s", path, strerror(errno));
	n = fread(im->bytes + HEADER, 1, PAYLOAD_MAX, f);
	fclose(f);
	ck_assert_uint_gt(n, 0);
	header(im, (uint32_t)n);
	im->len = HEADER + (uint32_t)n;
}

void signed_put(struct weft_flash *flash, unsigned int slot, const char *path, uint32_t counter)
{
	static const uint16_t prot[2] = { 0x6908, 20 };
	static struct image im;
	const uint32_t board = SIGNED_BOARD;
	uint16_t info[2] = { 0x6907, 0 };
	uint8_t digest[32], hash[32], sig[64];
	struct keys k;
	uint32_t area;

	make_keys(&k);
	load(&im, path);
	put(&im, prot, 4);
	tlv(&im, 0x50, &counter, 4);
	tlv(&im, 0xa0, &board, 4);
	crypto_hash_sha256(digest, im.bytes, im.len);
	crypto_hash_sha256(hash, k.der, sizeof(k.der));
	crypto_sign_detached(sig, NULL, digest, sizeof(digest), k.secret);
	area = im.len;
	put(&im, info, 4);
	tlv(&im, 0x10, digest, 32);
	tlv(&im, 0x01, hash, 32);
	tlv(&im, 0x02, k.der, sizeof(k.der));
	tlv(&im, 0x24, sig, 64);
	info[1] = (uint16_t)(im.len - area);
	memcpy(im.bytes + area, info, 4);
	memcpy(weft_flash_data(flash) + (slot - 1) * SLOT_SIZE, im.bytes, im.len);
}

void signed_record(struct weft_flash *flash, uint8_t active, uint8_t previous, uint8_t trial,
		   uint32_t counter)
{
	uint8_t rec[32] = { 'W', 'B', 'E', 'T', 1, 0, 0, 0, active, previous, trial };
	uint32_t crc;

	memcpy(rec + 16, &counter, 4);
	crc = (uint32_t)crc32(0, rec, 28);
	memcpy(rec + 28, &crc, 4);
	memcpy(weft_flash_data(flash) + RECORD_OFFSET, rec, sizeof(rec));
}

void signed_spoil(struct weft_flash *flash, unsigned int slot)
{
	weft_flash_data(flash)[(slot - 1) * SLOT_SIZE + HEADER + 7] ^= 0x10;
}
