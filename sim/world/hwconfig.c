// SPDX-License-Identifier: BSD-2-Clause
/*
 * The hardware configuration as people name it. The hash of the key that images are signed with: 64
 * hexadecimal digits, or a file with the Ed25519 public key (SubjectPublicKeyInfo of RFC 8410, DER or
 * PEM).
 */
#include <errno.h>
#include <nettle/base64.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../model/flash.h"
#include "weft_sim.h"

#define HEX_DIGITS 64
#define FILE_MAX 4096
#define DER_LEN 44 /* of an Ed25519 key */
#define GOLDEN_SIZE 0x40000u

static const uint8_t der_head[12] = { 0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
				      0x2b, 0x65, 0x70, 0x03, 0x21, 0x00 };
static const char pem_begin[] = "-----BEGIN PUBLIC KEY-----";
static const char pem_end[] = "-----END PUBLIC KEY-----";

static bool from_hex(const char *text, uint8_t hash[32])
{
	char byte[3] = "";
	unsigned int i;

	if (strlen(text) != HEX_DIGITS || strspn(text, "0123456789abcdefABCDEF") != HEX_DIGITS)
		return false;
	for (i = 0; i < 32; i++) {
		memcpy(byte, text + i * 2, 2);
		hash[i] = (uint8_t)strtoul(byte, NULL, 16);
	}
	return true;
}

/* PEM to DER, in place. text ends with a 0. Bytes of it; 0: it is none. */
static size_t from_pem(char *text)
{
	uint8_t der[BASE64_DECODE_LENGTH(FILE_MAX)];
	char *begin = strstr(text, pem_begin), *end = begin ? strstr(begin, pem_end) : NULL;
	struct base64_decode_ctx ctx;
	size_t n = sizeof(der);

	if (!end)
		return 0;
	begin += strlen(pem_begin);
	base64_decode_init(&ctx);
	if (!base64_decode_update(&ctx, &n, der, (size_t)(end - begin), begin) ||
	    !base64_decode_final(&ctx))
		return 0;
	memcpy(text, der, n);
	return n;
}

int weft_sim_key(const char *text, uint8_t hash[32])
{
	char bytes[FILE_MAX + 1] = "";
	struct sha256_ctx sha;
	FILE *f;
	size_t n;

	if (from_hex(text, hash))
		return 0;
	f = fopen(text, "rb");
	if (!f) {
		n = (size_t)errno;
		fprintf(stderr, "weft_sim: key %s: neither 64 hexadecimal digits nor a file: %s\n",
			text, strerror((int)n));
		return -(int)n;
	}
	n = fread(bytes, 1, FILE_MAX, f);
	fclose(f);
	bytes[n] = '\0';
	if (bytes[0] != der_head[0])
		n = from_pem(bytes);
	if (n != DER_LEN || memcmp(bytes, der_head, sizeof(der_head)) != 0) {
		fprintf(stderr, "weft_sim: key %s: not an Ed25519 public key in DER or PEM\n",
			text);
		return -EINVAL;
	}
	sha256_init(&sha);
	sha256_update(&sha, DER_LEN, (const uint8_t *)bytes);
	sha256_digest(&sha, 32, hash);
	return 0;
}

int weft_sim_board(const char *text, uint32_t *board)
{
	unsigned long long v;
	char *end;

	errno = 0;
	v = strtoull(text, &end, 0);
	if (errno || *end || end == text || *text == '-' || v > UINT32_MAX)
		return -EINVAL;
	*board = (uint32_t)v;
	return 0;
}

int weft_sim_flash_file(const char *path, struct weft_flash **flash)
{
	const struct weft_flash_config config = { .path = path, .protect_size = GOLDEN_SIZE };
	int ret = weft_flash_open(flash, &config);

	if (ret)
		fprintf(stderr, "weft_sim: flash %s: %s\n", path,
			ret == -EINVAL ? "its size is not a power of two from 1 MiB to 16 MiB" :
					 strerror(-ret));
	return ret;
}
