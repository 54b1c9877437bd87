/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzzer of the image library: bytes as an image, as a good image with some bytes changed (signed
 * again, or not), as a firmware file, as a key file. What is accepted must keep the rules; what is
 * called sound must not be so any more with one bit changed.
 */
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/image/helper.h"
#include "input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(x)                                                       \
	do {                                                             \
		if (!(x)) {                                              \
			fprintf(stderr, "image_fuzz: not so: %s\n", #x); \
			abort();                                         \
		}                                                        \
	} while (0)

static struct weft_image im;
static struct built b;

/* The rules for what was called sound, and that each bit counts; which: one to try. */
static void require_sound(uint8_t *data, size_t len, uint32_t which)
{
	uint32_t bit = which % (im.size * 8), end = 0;
	unsigned int i;

	REQUIRE(im.size && im.size <= len && im.size <= WEFT_IMAGE_SLOT_SIZE);
	REQUIRE(im.payload_size && im.payload_size <= WEFT_IMAGE_PAYLOAD_MAX && !im.load_address);
	REQUIRE(im.n_tlvs >= 5 && im.n_tlvs <= WEFT_IMAGE_TLVS_MAX);
	for (i = 0; i < im.n_tlvs; i++) {
		REQUIRE(im.tlvs[i].offset >= end + 4);
		end = im.tlvs[i].offset + im.tlvs[i].len;
	}
	REQUIRE(end == im.size);
	data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	REQUIRE(weft_image_check(data, len, NULL, NULL));
	data[bit / 8] ^= (uint8_t)(1 << bit % 8);
}

/* In memory of its own, so that a look beyond is seen. */
static void try_image(const uint8_t *data, size_t len, uint32_t which)
{
	uint8_t *copy = malloc(len ? len : 1), *again;
	size_t again_len;

	REQUIRE(copy);
	if (len)
		memcpy(copy, data, len);
	if (!weft_image_check(copy, len, NULL, &im))
		require_sound(copy, len, which);
	if (!weft_image_sign(copy, len, test_seed, &again, &again_len)) {
		REQUIRE(!weft_image_check(again, again_len, NULL, &im));
		REQUIRE(!memcmp(im.key, test_key, sizeof(test_key)));
		free(again);
	}
	free(copy);
}

/* A good image with TLVs of the input's choice in it, then changed at places of its choice. */
static void try_changed(void)
{
	uint32_t which = u32(), n = u8() % 4, payload = 1 + u8();

	put_start(&b, 32 + u8(), payload, u8() & 0x3f);
	put_area(&b, 0x6908);
	put_u32(&b, 0x50, 5);
	put_u32(&b, 0xa0, 7);
	while (n--) {
		uint32_t type = u8() | (u8() & 3) << 8, len = u8();

		put_tlv(&b, type, b.bytes + 32, len < payload ? len : payload);
	}
	end_protected(&b);
	n = u8();
	if (n & 1) /* before it is signed: its digest will fit */
		b.bytes[u16() % b.len] = u8();
	put_signature(&b, n & 2, n & 4);
	for (n = n >> 4 & 3; n; n--)
		b.bytes[u16() % b.len] = u8();
	try_image(b.bytes, b.len, which);
}

static void try_firmware(const uint8_t *data, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1), *payload;
	size_t n;

	REQUIRE(copy);
	if (len)
		memcpy(copy, data, len);
	if (len >= sizeof(Elf32_Ehdr)) { /* get past the doorman */
		Elf32_Ehdr *eh = (Elf32_Ehdr *)copy;

		memcpy(eh->e_ident, "\177ELF\1\1\1", 7);
		eh->e_type = ET_EXEC;
		eh->e_machine = EM_RISCV;
		eh->e_version = EV_CURRENT;
		eh->e_entry = 0;
	}
	if (!weft_image_payload(copy, len, &payload, &n)) {
		REQUIRE(n && n <= WEFT_IMAGE_PAYLOAD_MAX);
		free(payload);
	}
	free(copy);
}

static void try_key(const uint8_t *data, size_t len)
{
	uint8_t key[WEFT_IMAGE_KEY_SIZE], back[WEFT_IMAGE_KEY_SIZE];
	char text[WEFT_IMAGE_PEM_MAX], whole[4096];
	int n;

	(void)weft_image_seed_from_pem((const char *)data, len, key);
	n = snprintf(whole, sizeof(whole), "-----BEGIN PUBLIC KEY-----%.*s-----END PUBLIC KEY-----",
		     (int)len, (const char *)data);
	if (weft_image_key_from_pem(whole, (size_t)n, key))
		return;
	weft_image_key_to_pem(key, text);
	REQUIRE(!weft_image_key_from_pem(text, strlen(text), back));
	REQUIRE(!memcmp(key, back, sizeof(key)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool ready;

	if (!ready)
		test_keys();
	ready = true;
	in = data;
	left = size;
	switch (u8() % 4) {
	case 0:
		try_image(in, left, 0);
		break;
	case 1:
		try_changed();
		break;
	case 2:
		try_firmware(in, left);
		break;
	case 3:
		try_key(in, left);
		break;
	}
	return 0;
}
