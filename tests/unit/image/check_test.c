/* SPDX-License-Identifier: BSD-2-Clause */
/* What weft_image_check takes and what it refuses, and how it says so. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "helper.h"

static struct built b;
static struct weft_image im;

static int check(void)
{
	return weft_image_check(b.bytes, b.len, NULL, &im);
}

static void refused(int rc, int error, const char *why)
{
	ck_assert_msg(rc == error, "%s, not %s: %s", weft_image_error_name(rc),
		      weft_image_error_name(error), weft_last_error());
	ck_assert_msg(strstr(weft_last_error(), why), "\"%s\" not in \"%s\"", why,
		      weft_last_error());
}

START_TEST(a_good_image_is_sound_and_read)
{
	char version[32];

	build_good(&b, 101);
	ck_assert_msg(!check(), "%s", weft_last_error());
	ck_assert_uint_eq(im.size, b.len);
	ck_assert_uint_eq(im.payload_size, 101);
	ck_assert_uint_eq(im.header_size, 32);
	ck_assert_uint_eq(im.board, 7);
	ck_assert_uint_eq(im.counter, 5);
	ck_assert_uint_eq(im.n_tlvs, 6);
	ck_assert_mem_eq(im.key, test_key, sizeof(test_key));
	ck_assert_mem_eq(im.key_hash, test_key_hash, sizeof(test_key_hash));
	weft_image_version_text(&im.version, version, sizeof(version));
	ck_assert_str_eq(version, "1.2.3+4");
	ck_assert_int_eq(weft_image_check(b.bytes, b.len, NULL, NULL), 0);
}
END_TEST

START_TEST(each_bit_counts)
{
	struct weft_image_rules rules = { .key_hash = test_key_hash };
	size_t i;
	int n = 0;

	build_good(&b, 41);
	for (i = 0; i < b.len * 8; i++) {
		b.bytes[i / 8] ^= (uint8_t)(1 << i % 8);
		ck_assert_msg(check(), "bit %zu of byte %zu", i % 8, i / 8);
		ck_assert_msg(weft_image_check(b.bytes, b.len, &rules, NULL), "byte %zu", i / 8);
		b.bytes[i / 8] ^= (uint8_t)(1 << i % 8);
		n++;
	}
	ck_assert_int_eq(check(), 0);
	printf("# %d single bits changed, all refused\n", n);
}
END_TEST

START_TEST(each_byte_value_counts)
{
	unsigned int v;
	size_t i;

	build_good(&b, 5);
	for (i = 0; i < b.len; i++)
		for (v = 1; v < 256; v++) {
			b.bytes[i] ^= (uint8_t)v;
			ck_assert_msg(check(), "byte %zu changed by 0x%02x", i, v);
			b.bytes[i] ^= (uint8_t)v;
		}
	printf("# %zu changed bytes, all refused\n", b.len * 255);
}
END_TEST

START_TEST(each_length_but_its_own_is_refused)
{
	size_t i;

	build_good(&b, 41);
	for (i = 0; i < b.len; i++) {
		uint8_t *cut = malloc(i ? i : 1); /* so that valgrind sees a look beyond */

		memcpy(cut, b.bytes, i);
		ck_assert_msg(weft_image_check(cut, i, NULL, NULL), "cut to %zu bytes", i);
		free(cut);
	}
}
END_TEST

START_TEST(a_slot_is_erased_behind_its_image)
{
	build_good(&b, 41);
	ck_assert_int_eq(weft_image_check(b.bytes, WEFT_IMAGE_SLOT_SIZE, NULL, &im), 0);
	ck_assert_uint_eq(im.size, b.len);
	b.bytes[WEFT_IMAGE_SLOT_SIZE - 1] = 0xfe;
	refused(weft_image_check(b.bytes, WEFT_IMAGE_SLOT_SIZE, NULL, &im), WEFT_IMAGE_TLV,
		"byte 262143 is not erased");
}
END_TEST

/* One number of a good image (payload of 41 bytes) made wrong. */
static const struct fault {
	size_t at;
	unsigned int size;
	uint32_t value;
	int error;
	const char *why;
} faults[] = {
	{ 0, 4, 0xffffffff, WEFT_IMAGE_EMPTY, "erased flash" },
	{ 0, 4, 0x96f3b83c, WEFT_IMAGE_EMPTY, "the first word is 0x96f3b83c, not 0x96f3b83d" },
	{ 4, 4, 0x10000000, WEFT_IMAGE_HEADER, "load address 0x10000000" },
	{ 8, 2, 31, WEFT_IMAGE_HEADER, "size 31 is not in 32 to 4096" },
	{ 8, 2, 4097, WEFT_IMAGE_HEADER, "size 4097 is not in" },
	{ 8, 2, 0xffff, WEFT_IMAGE_HEADER, "size 65535 is not in" },
	{ 8, 2, 4096, WEFT_IMAGE_HEADER, "cut off: the payload ends at byte 4137" },
	{ 12, 4, 0, WEFT_IMAGE_HEADER, "payload of 0 bytes" },
	{ 12, 4, 0x20001, WEFT_IMAGE_HEADER, "payload of 131073 bytes" },
	{ 12, 4, 0xffffffff, WEFT_IMAGE_HEADER, "payload of 4294967295 bytes" },
	{ 12, 4, 0xffffffe0, WEFT_IMAGE_HEADER, "payload of 4294967264 bytes" },
	{ 12, 4, 0x20000, WEFT_IMAGE_HEADER, "cut off: the payload ends at byte 131104" },
	{ 16, 4, 0x24, WEFT_IMAGE_HEADER, "flags 0x24: the image is encrypted" },
	{ 16, 4, 0x08, WEFT_IMAGE_HEADER, "encrypted" },
	{ 16, 4, 0x10, WEFT_IMAGE_HEADER, "not bootable" },
	{ 16, 4, 0x100, WEFT_IMAGE_HEADER, "executed in the flash" },
	{ 16, 4, 0x400, WEFT_IMAGE_HEADER, "compressed" },
	{ 16, 4, 0x80000000, WEFT_IMAGE_HEADER, "flags 0x80000000" },
	{ 10, 2, 0, WEFT_IMAGE_TLV, "no protected TLVs" },
	{ 10, 2, 24, WEFT_IMAGE_TLV, "size 20, in the header 24" },
	{ 73, 2, 0x6907, WEFT_IMAGE_TLV, "protected TLV area at byte 73: magic 0x6907" },
	{ 75, 2, 3, WEFT_IMAGE_TLV, "protected TLV area at byte 73: size 3 is not in" },
	{ 75, 2, 4093, WEFT_IMAGE_TLV, "size 4093 is not in 4 to 4092" },
	{ 75, 2, 4092, WEFT_IMAGE_TLV, "cut off: the protected TLV area ends at byte 4165" },
	{ 77, 2, 0x51, WEFT_IMAGE_TLV, "security counter (protected TLV 0x50) missing" },
	{ 77, 2, 0xa0, WEFT_IMAGE_TLV, "TLV 0xa0 (board id) at byte 85: twice" },
	{ 77, 2, 0x10, WEFT_IMAGE_TLV, "TLV 0x10 (SHA-256 digest) at byte 77: in the wrong area" },
	{ 79, 2, 13, WEFT_IMAGE_TLV, "TLV 0x50 at byte 77: 13 bytes, but its area ends" },
	{ 79, 2, 12, WEFT_IMAGE_TLV,
	  "TLV 0x50 (security counter) at byte 77: 12 bytes, must be 4" },
	{ 79, 2, 0xffff, WEFT_IMAGE_TLV, "65535 bytes, but its area ends at byte 93" },
	{ 85, 2, 0xa1, WEFT_IMAGE_TLV, "board id (protected TLV 0xa0) missing" },
	{ 93, 2, 0x6908, WEFT_IMAGE_TLV, "unprotected TLV area at byte 93: magic 0x6908" },
	{ 95, 2, 193, WEFT_IMAGE_TLV, "cut off: the unprotected TLV area ends at byte 286" },
	{ 95, 2, 191, WEFT_IMAGE_TLV, "TLV 0x24 at byte 217: 64 bytes, but its area ends" },
	{ 95, 2, 127, WEFT_IMAGE_TLV, "TLV at byte 217: its area ends at byte 220" },
	{ 95, 2, 124, WEFT_IMAGE_TLV, "not signed: Ed25519 signature (TLV 0x24) missing" },
	{ 95, 2, 4077, WEFT_IMAGE_TLV, "size 4077 is not in 4 to 4076" },
	{ 97, 2, 0x01, WEFT_IMAGE_TLV, "TLV 0x01 (key hash) at byte 133: twice" },
	{ 97, 2, 0x110, WEFT_IMAGE_TLV, "TLV 0x110 at byte 97: not one for the unprotected" },
	{ 133, 2, 0x81, WEFT_IMAGE_TLV, "TLV 0x81 at byte 133: not one for the unprotected" },
	{ 169, 2, 0x50, WEFT_IMAGE_TLV, "TLV 0x50 (security counter) at byte 169: in the wrong" },
	{ 173, 1, 0x31, WEFT_IMAGE_KEY, "public key (TLV 0x02): not an Ed25519 one" },
	{ 10, 2, 4097, WEFT_IMAGE_HEADER, "header: protected TLVs of 4097 bytes" },
	{ 217, 2, 0x25, WEFT_IMAGE_TLV, "TLV 0x25 at byte 217: not one for the unprotected" },
	{ 140, 1, 0, WEFT_IMAGE_KEY, "key hash (TLV 0x01) is not that of" },
	{ 32, 1, 1, WEFT_IMAGE_DIGEST, "digest does not match: bytes 0 to 92" },
	{ 28, 1, 1, WEFT_IMAGE_DIGEST, "digest does not match" },
	{ 81, 1, 9, WEFT_IMAGE_DIGEST, "digest does not match" },
	{ 101, 4, 0, WEFT_IMAGE_DIGEST, "the image says 00000000" },
	{ 225, 1, 0, WEFT_IMAGE_SIGNATURE, "signature does not fit" },
};

START_TEST(faults_are_named)
{
	const struct fault *f = &faults[_i];

	build_good(&b, 41);
	if (f->size == 4)
		poke32(b.bytes + f->at, f->value);
	else if (f->size == 2)
		poke16(b.bytes + f->at, f->value);
	else
		b.bytes[f->at] = (uint8_t)f->value;
	refused(check(), f->error, f->why);
}
END_TEST

START_TEST(looks_come_in_the_roms_order)
{
	static const uint8_t other[WEFT_IMAGE_HASH_SIZE] = { 1, 2, 3 };
	struct weft_image_rules rules = { .key_hash = other,
					  .have_board = true,
					  .board = 8,
					  .have_counter = true,
					  .counter = 6 };

	build_good(&b, 41);
	b.bytes[32] ^= 1;  /* digest */
	b.bytes[225] ^= 1; /* signature */
	refused(weft_image_check(b.bytes, b.len, &rules, NULL), WEFT_IMAGE_BOARD,
		"made for board 0x7, this adapter is 0x8");
	rules.board = 7;
	refused(weft_image_check(b.bytes, b.len, &rules, NULL), WEFT_IMAGE_KEY,
		"the adapter's is 0102030000000000...");
	rules.key_hash = test_key_hash;
	refused(weft_image_check(b.bytes, b.len, &rules, NULL), WEFT_IMAGE_DIGEST, "digest");
	b.bytes[32] ^= 1;
	refused(weft_image_check(b.bytes, b.len, &rules, NULL), WEFT_IMAGE_SIGNATURE, "signature");
	b.bytes[225] ^= 1;
	refused(weft_image_check(b.bytes, b.len, &rules, NULL), WEFT_IMAGE_COUNTER,
		"counter 5 is below 6");
	rules.counter = 5;
	ck_assert_int_eq(weft_image_check(b.bytes, b.len, &rules, NULL), 0);
}
END_TEST

/* Everything that other tools may do differently. */
START_TEST(other_forms_are_taken)
{
	put_start(&b, 4096, 3, 0);
	put_area(&b, 0x6908);
	put_tlv(&b, 0xa0, "\7\0\0", 4);
	put_tlv(&b, 0x40, "dependency..", 12);
	put_tlv(&b, 0x1234, NULL, 0);
	put_tlv(&b, 0x1234, NULL, 0);
	put_u32(&b, 0x50, 0xffffffff);
	end_protected(&b);
	put_signature(&b, 0, 1);
	ck_assert_msg(!check(), "%s", weft_last_error());
	ck_assert_uint_eq(im.board, 7);
	ck_assert_uint_eq(im.counter, 0xffffffff);
	ck_assert(!im.have_key_hash);
	poke32(b.bytes + 16, 0x21);
	refused(check(), WEFT_IMAGE_DIGEST, ""); /* a flag that may be set, but was not */
	put_start(&b, 33, 1, 1);
	put_area(&b, 0x6908);
	put_u32(&b, 0x50, 0);
	put_u32(&b, 0xa0, 0);
	end_protected(&b);
	put_signature(&b, 1, 1);
	ck_assert_msg(!check(), "%s", weft_last_error());
}
END_TEST

START_TEST(a_key_hash_alone_is_not_enough)
{
	put_start(&b, 32, 3, 0);
	put_area(&b, 0x6908);
	put_u32(&b, 0x50, 0);
	put_u32(&b, 0xa0, 0);
	end_protected(&b);
	put_signature(&b, 1, 0);
	refused(check(), WEFT_IMAGE_TLV,
		"public key (TLV 0x02; imgtool: --public-key-format full)");
}
END_TEST

/* Payload and TLVs of the largest size; one byte more is too much. */
START_TEST(sizes_have_limits)
{
	static uint8_t filler[4096];
	uint32_t over;

	for (over = 0; over < 2; over++) {
		put_start(&b, 32, WEFT_IMAGE_PAYLOAD_MAX, 0x20);
		put_area(&b, 0x6908);
		put_u32(&b, 0x50, 5);
		put_u32(&b, 0xa0, 7);
		/* 4096: the unprotected area's 192, 4 + 8 + 8, and a head of 4 */
		put_tlv(&b, 0x1000, filler, 4096 - 192 - 24 + over);
		end_protected(&b);
		put_signature(&b, 1, 1);
		if (!over)
			ck_assert_msg(!check(), "%s", weft_last_error());
		else
			refused(check(), WEFT_IMAGE_TLV, "size 192 is not in 4 to 191");
	}
}
END_TEST

START_TEST(as_many_tlvs_as_there_is_room_for)
{
	unsigned int i;

	put_start(&b, 32, 1, 0x20);
	put_area(&b, 0x6908);
	put_u32(&b, 0x50, 5);
	put_u32(&b, 0xa0, 7);
	for (i = 0; i < (4096 - 192 - 20) / 4; i++)
		put_tlv(&b, 0x1000 + i, NULL, 0);
	end_protected(&b);
	put_signature(&b, 1, 1);
	ck_assert_msg(!check(), "%s", weft_last_error());
	ck_assert_uint_eq(im.n_tlvs, 6 + (4096 - 192 - 20) / 4);
}
END_TEST

/* S and S + L are the same signature to a careless eye. */
START_TEST(a_signature_has_one_form)
{
	static const uint8_t order[32] = { 0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58,
					   0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
					   0,    0,    0,    0,    0,    0,    0,    0,
					   0,    0,    0,    0,    0,    0,    0,    0x10 };
	unsigned int i, carry = 0;
	uint8_t *s;

	build_good(&b, 41);
	s = b.bytes + b.len - 32;
	for (i = 0; i < 32; i++) {
		carry += s[i] + order[i];
		s[i] = (uint8_t)carry;
		carry >>= 8;
	}
	refused(check(), WEFT_IMAGE_SIGNATURE, "signature does not fit");
}
END_TEST

START_TEST(errors_have_names)
{
	ck_assert_str_eq(weft_image_error_name(0), "sound");
	ck_assert_str_eq(weft_image_error_name(WEFT_IMAGE_COUNTER), "COUNTER");
	ck_assert_str_eq(weft_image_error_name(WEFT_IMAGE_READ), "READ");
	ck_assert_str_eq(weft_image_error_name(10), "unknown");
	ck_assert_str_eq(weft_image_error_name(-5), "unknown");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("image check");
	TCase *t = tcase_create("check");
	SRunner *r;
	int failed;

	test_keys();
	tcase_set_timeout(t, 120);
	tcase_add_test(t, a_good_image_is_sound_and_read);
	tcase_add_test(t, each_bit_counts);
	tcase_add_test(t, each_byte_value_counts);
	tcase_add_test(t, each_length_but_its_own_is_refused);
	tcase_add_test(t, a_slot_is_erased_behind_its_image);
	tcase_add_loop_test(t, faults_are_named, 0, sizeof(faults) / sizeof(faults[0]));
	tcase_add_test(t, looks_come_in_the_roms_order);
	tcase_add_test(t, other_forms_are_taken);
	tcase_add_test(t, a_key_hash_alone_is_not_enough);
	tcase_add_test(t, sizes_have_limits);
	tcase_add_test(t, as_many_tlvs_as_there_is_room_for);
	tcase_add_test(t, a_signature_has_one_form);
	tcase_add_test(t, errors_have_names);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
