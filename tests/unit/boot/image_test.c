/* SPDX-License-Identifier: BSD-2-Clause */
/* The checker on images in memory: what is accepted, what each fault is called, every bit, every length. */
#include <stdlib.h>
#include <string.h>

#include "lib/bytes.h"
#include "rig.h"

#define ALL_TLVS 0x3fu
#define OPTIONAL_TLVS (1u << SPEC_KEYHASH)

/* In memory of exactly its size, so that the sanitizer sees a byte too far. */
static enum image_error look(const struct image *im, uint32_t len, uint32_t counter)
{
	uint8_t *p = malloc(len ? len : 1);
	enum image_error error;

	ck_assert_ptr_nonnull(p);
	memcpy(p, im->bytes, len);
	error = image_look(p, len, counter);
	free(p);
	cases++;
	return error;
}

static enum image_error look_spec(const struct image_spec *spec)
{
	struct image im;

	image_make(&im, spec);
	return look(&im, im.len, 3);
}

START_TEST(a_good_image_is_sound)
{
	struct image_spec spec = { .counter = 3, .board = RIG_BOARD, .flags = IMAGE_F_RAM_LOAD };

	ck_assert_int_eq(look_spec(&spec), IMAGE_SOUND);
	spec.header_len = IMAGE_HEADER_MAX;
	ck_assert_int_eq(look_spec(&spec), IMAGE_SOUND);
	spec.header_len = 33;
	spec.payload_len = 1;
	ck_assert_int_eq(look_spec(&spec), IMAGE_SOUND);
	spec.unknown_prot = true;
	ck_assert_int_eq(look_spec(&spec), IMAGE_SOUND);
	spec.counter = UINT32_MAX;
	ck_assert_int_eq(look_spec(&spec), IMAGE_SOUND);
}
END_TEST

START_TEST(an_image_as_imgtool_makes_it_is_sound)
{
	struct image_spec spec = { .counter = 3, .board = RIG_BOARD, .skip = 1 << SPEC_KEYHASH };

	ck_assert_int_eq(look_spec(&spec), IMAGE_SOUND);
}
END_TEST

static const struct {
	struct image_spec spec;
	enum image_error error;
} bad[] = {
	{ { .header_len = IMAGE_HEADER_MAX + 1 }, IMAGE_HEADER },
	{ { .payload_len = RIG_IMEM + 1 }, IMAGE_HEADER },
	{ { .load_addr = 4 }, IMAGE_HEADER },
	{ { .flags = 0x04 }, IMAGE_HEADER },
	{ { .flags = 0x08 }, IMAGE_HEADER },
	{ { .flags = 0x10 }, IMAGE_HEADER },
	{ { .flags = 0x100 }, IMAGE_HEADER },
	{ { .flags = 0x200 }, IMAGE_HEADER },
	{ { .flags = 0x80000000 }, IMAGE_HEADER },
	{ { .unknown_unprot = true }, IMAGE_TLV },
	{ { .board = 99 }, IMAGE_BOARD },
	{ { .other_key = true }, IMAGE_KEY },
	{ { .other_key = true, .skip = 1 << SPEC_KEYHASH }, IMAGE_KEY },
	{ { .bad_spki = true }, IMAGE_KEY },
	{ { .counter = 2 }, IMAGE_COUNTER },
};

START_TEST(each_fault_has_its_error)
{
	struct image_spec spec = bad[_i].spec;

	if (!spec.board)
		spec.board = RIG_BOARD;
	if (!spec.counter)
		spec.counter = 3;
	ck_assert_int_eq(look_spec(&spec), bad[_i].error);
}
END_TEST

START_TEST(each_tlv_is_there_once_whole_and_in_its_area)
{
	struct image_spec good = { .counter = 3, .board = RIG_BOARD }, spec;
	uint32_t n;

	for (spec = good; spec.skip <= ALL_TLVS; spec.skip++)
		ck_assert_int_eq(look_spec(&spec),
				 spec.skip & ~OPTIONAL_TLVS ? IMAGE_TLV : IMAGE_SOUND);
	for (spec = good, spec.twice = 1; spec.twice <= ALL_TLVS; spec.twice++)
		ck_assert_int_eq(look_spec(&spec), IMAGE_TLV);
	for (spec = good, spec.elsewhere = 1; spec.elsewhere <= ALL_TLVS; spec.elsewhere++)
		ck_assert_int_eq(look_spec(&spec), IMAGE_TLV);
	for (n = SPEC_COUNTER; n <= SPEC_SIG; n++)
		for (spec = good, spec.cut = 1 << n, spec.short_by = 1; spec.short_by <= 4;
		     spec.short_by++)
			ck_assert_int_eq(look_spec(&spec), IMAGE_TLV);
}
END_TEST

START_TEST(no_part_of_an_image_is_one)
{
	struct image im;
	uint32_t len;

	image_good(&im, 1, 3);
	for (len = 0; len < im.len; len++)
		ck_assert_int_ne(look(&im, len, 0), IMAGE_SOUND);
}
END_TEST

/* No byte can be changed, not even one that no signature covers. */
START_TEST(no_bit_may_be_changed)
{
	struct image_spec spec = {
		.counter = 3, .board = RIG_BOARD, .header_len = 40, .unknown_prot = true
	};
	struct image im;
	uint32_t i;

	image_make(&im, &spec);
	for (i = 0; i < im.len * 8; i++) {
		im.bytes[i / 8] ^= 1 << i % 8;
		ck_assert_msg(look(&im, im.len, 0) != IMAGE_SOUND, "bit %u of byte %u", i % 8,
			      i / 8);
		im.bytes[i / 8] ^= 1 << i % 8;
	}
	ck_assert_int_eq(look(&im, im.len, 0), IMAGE_SOUND);
}
END_TEST

START_TEST(no_byte_may_be_another)
{
	struct image im;
	uint32_t i, v;
	uint8_t was;

	image_good(&im, 1, 3);
	for (i = 0; i < im.len; i++) {
		was = im.bytes[i];
		for (v = full_run ? 1 : 51; v < 256; v += full_run ? 1 : 51) {
			im.bytes[i] = was ^ v;
			ck_assert_int_ne(look(&im, im.len, 0), IMAGE_SOUND);
		}
		im.bytes[i] = was;
	}
}
END_TEST

/* Sizes near all bounds in each field that is a size, signed or not. */
START_TEST(sizes_are_not_believed)
{
	static const uint32_t sizes[] = { 0,          1,          3,          4,         5,
					  31,         4095,       4096,       4097,      0x7fff,
					  0x8000,     0xfffe,     0xffff,     0x3ffff,   0x40000,
					  0x7fffffff, 0x80000000, 0xffffffe0, 0xffffffff };
	struct image im, good;
	uint32_t i, at, n = sizeof(sizes) / sizeof(sizes[0]);

	image_good(&good, 1, 3);
	for (i = 0; i < n; i++) {
		im = good;
		put_le32(im.bytes + 12, sizes[i]);
		ck_assert_int_ne(look(&im, im.len, 0), IMAGE_SOUND);
		for (at = 8; at <= 10; at += 2) {
			im = good;
			put_le16(im.bytes + at, sizes[i]);
			ck_assert_int_ne(look(&im, im.len, 0), IMAGE_SOUND);
		}
		/* The areas' own, and each TLV's: every 16 bits behind the payload. */
		for (at = 96; at + 2 <= im.len; at++) {
			im = good;
			put_le16(im.bytes + at, sizes[i]);
			if (memcmp(im.bytes, good.bytes, im.len))
				ck_assert_int_ne(look(&im, im.len, 0), IMAGE_SOUND);
		}
	}
}
END_TEST

Suite *image_suite(void)
{
	Suite *s = suite_create("image");
	TCase *tc = tcase_create("image");

	tcase_set_timeout(tc, 600);
	tcase_add_test(tc, a_good_image_is_sound);
	tcase_add_test(tc, an_image_as_imgtool_makes_it_is_sound);
	tcase_add_loop_test(tc, each_fault_has_its_error, 0, sizeof(bad) / sizeof(bad[0]));
	tcase_add_test(tc, each_tlv_is_there_once_whole_and_in_its_area);
	tcase_add_test(tc, no_part_of_an_image_is_one);
	tcase_add_test(tc, no_bit_may_be_changed);
	tcase_add_test(tc, no_byte_may_be_another);
	tcase_add_test(tc, sizes_are_not_believed);
	suite_add_tcase(s, tc);
	return s;
}
