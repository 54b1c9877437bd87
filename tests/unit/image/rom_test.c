/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two checkers of images, written apart: the library's and the boot ROM's (firmware/flash/image.c,
 * here with the host's libsodium). They must say the same number of every image in a slot.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "flash/image.h"
#include "helper.h"

static struct built b;
static int tried, sound;

static void hash(void *ctx, const uint8_t *p, size_t len, uint8_t out[IMAGE_HASH_LEN])
{
	(void)ctx;
	crypto_hash_sha256(out, p, len);
}

static void digest(void *ctx, const struct image_info *info, uint8_t out[IMAGE_HASH_LEN])
{
	crypto_hash_sha256(out, ctx, info->tlv_offset + info->prot_len);
}

static bool verify(void *ctx, const uint8_t *sig, const uint8_t *of, const uint8_t *key)
{
	(void)ctx;
	return !crypto_sign_verify_detached(sig, of, IMAGE_HASH_LEN, key);
}

/* As the ROM has it for slots A and B. */
static int rom_check(uint8_t *slot, const struct weft_image_rules *r)
{
	struct image_crypto crypto = { slot, hash, digest, verify };
	struct image_rules rules = { .board = r->board, .counter = r->counter };
	struct image_info info;
	int rc = image_header(slot, WEFT_IMAGE_SLOT_SIZE, WEFT_IMAGE_PAYLOAD_MAX,
			      WEFT_IMAGE_SLOT_SIZE, &info);

	memcpy(rules.key_hash, r->key_hash, sizeof(rules.key_hash));
	if (!rc)
		rc = image_tlvs(slot + info.tlv_offset, WEFT_IMAGE_SLOT_SIZE - info.tlv_offset,
				&info);
	return rc ? rc : (int)image_check(&info, &rules, &crypto);
}

/* Both look at the slot in b. Bytes behind the image are the library's affair only. */
static void same(const struct weft_image_rules *r)
{
	static struct weft_image im;
	int rom = rom_check(b.bytes, r);
	int lib = weft_image_check(b.bytes, WEFT_IMAGE_SLOT_SIZE, r, &im);

	if (lib == WEFT_IMAGE_TLV && strstr(weft_last_error(), "is not erased"))
		lib = weft_image_check(b.bytes, im.size, r, &im);
	ck_assert_msg(rom == lib, "ROM: %s, library: %s (%s)", weft_image_error_name(rom),
		      weft_image_error_name(lib), weft_last_error());
	tried++;
	sound += !lib;
}

static struct weft_image_rules rules(void)
{
	return (struct weft_image_rules){ test_key_hash, true, 7, true, 5 };
}

START_TEST(of_each_changed_byte_they_say_the_same)
{
	static const uint8_t other[WEFT_IMAGE_HASH_SIZE] = { 1 };
	struct weft_image_rules r = rules();
	unsigned int bit;
	size_t i;

	build_good(&b, 5);
	same(&r);
	ck_assert_int_eq(sound, 1);
	for (i = 0; i < b.len; i++)
		for (bit = 0; bit <= 8; bit++) { /* 8: all of them */
			uint8_t change = bit < 8 ? (uint8_t)(1 << bit) : 0xff;

			b.bytes[i] ^= change;
			same(&r);
			b.bytes[i] ^= change;
		}
	ck_assert_int_eq(sound, 1);
	r.counter = 6;
	same(&r);
	r.key_hash = other;
	same(&r);
	r.board = 8;
	same(&r);
	printf("# %d images, both checkers the same, %d sound\n", tried, sound);
}
END_TEST

static uint32_t seed = 1;

static uint32_t any(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

/* Values from the ends of what is possible. */
static uint32_t edge(void)
{
	static const uint32_t values[] = { 0,       1,       3,          4,          5,
					   7,       8,       31,         32,         33,
					   0x24,    4091,    4092,       4093,       4095,
					   4096,    4097,    0x10,       0x50,       0xa0,
					   0x6907,  0x6908,  0x1ffff,    0x20000,    0x20001,
					   0x3ffff, 0x40000, 0x7fffffff, 0xffffffff, 0xffffffe0 };

	return any(4) ? values[any(sizeof(values) / sizeof(values[0]))] : any(0x1000000);
}

/* An image of any TLVs, signed, and perhaps changed after that. */
static void build_any(void)
{
	static uint8_t filler[4096];
	uint32_t n;

	put_start(&b, any(3) ? 32 : 32 + any(4065), any(3) ? 1 + any(64) : edge() % 0x20001,
		  any(4));
	put_area(&b, 0x6908);
	if (any(8))
		put_u32(&b, 0x50, any(7));
	if (any(8))
		put_u32(&b, 0xa0, any(8) ? 7 : 8);
	for (n = any(3); n; n--)
		put_tlv(&b, edge() & 0xffff, filler, any(4) ? any(64) : any(4000));
	end_protected(&b);
	put_signature(&b, (int)any(2), any(8) != 0);
	for (n = any(3) ? 0 : any(3); n; n--) {
		uint32_t at = any(2) ? any(28) : b.covered - 24 + any(b.len - b.covered + 24);

		if (any(2))
			poke32(b.bytes + at, edge());
		else
			poke16(b.bytes + at, edge());
	}
}

START_TEST(of_any_image_they_say_the_same)
{
	struct weft_image_rules r = rules();
	int i;

	r.counter = 1;
	for (i = 0; i < 3000; i++) {
		build_any();
		same(&r);
	}
	ck_assert_int_gt(sound, 100);
	printf("# %d images, both checkers the same, %d sound\n", tried, sound);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("image, library and boot ROM");
	TCase *t = tcase_create("rom");
	SRunner *r;
	int failed;

	test_keys();
	tcase_set_timeout(t, 120);
	tcase_add_test(t, of_each_changed_byte_they_say_the_same);
	tcase_add_test(t, of_any_image_they_say_the_same);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
