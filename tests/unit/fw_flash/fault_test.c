/* SPDX-License-Identifier: BSD-2-Clause */
/* Flashes that fail, resets at any moment, hosts that vanish. */
#include <string.h>

#include "host/qp.h"
#include "lib/bytes.h"
#include "rig.h"

static uint8_t image[IMAGE_LEN_MAX];
static uint32_t image_len;

static void setup(void)
{
	rig_new();
	image_len = make_image(image, &(struct maker){ .minor = 2, .counter = 5 });
	put_image(2, &(struct maker){ .minor = 1 });
	put_image(3, &(struct maker){ .minor = 1 });
	put_record(&(struct boot_record){ .active = 2, .previous = 3 });
	power_up(2, 0, 1);
}

START_TEST(test_no_flash)
{
	const struct weft_arg_fw a = { .slot = 1, .len = 1 };

	fake_flash_attach(NULL);
	power_up(0, 0, 0);
	for (uint8_t op = WEFT_OP_FW_LOG; op <= WEFT_OP_FW_READ; op++)
		ck_assert_uint_eq(finish(begin(op, &a, sizeof(a)))->status, ENODEV);
}
END_TEST

START_TEST(test_dead_flash)
{
	weft_flash_dead(chip, true);
	ck_assert_uint_eq(finish(piece(3, SESSION, image, 0, 96, false))->status, EIO);
	ck_assert_uint_eq(fw_op(WEFT_OP_FW_DIGEST, 3, 0, 256, 16)->status, EIO);
	ck_assert_uint_eq(fw_op(WEFT_OP_FW_READ, 3, 0, 256, 0)->dw[0], slot_offset(3) + 256);
	ck_assert_uint_eq(fw_op(WEFT_OP_FW_LOG, 3, 0, 0, 0)->dw[0] & 0xff, WEFT_FWE_READ);
	ck_assert_uint_eq(fw_op(WEFT_OP_FW_COMMIT, 3, 1, 0, 0)->status, EILSEQ);
	weft_flash_dead(chip, false);
	ck_assert_uint_eq(download(3, SESSION, image, image_len)->status, 0);
}
END_TEST

START_TEST(test_erase_fails)
{
	const struct hal_cpl *c;

	weft_flash_fail_erase(chip, true);
	c = finish(piece(3, SESSION, image, 0, 96, false));
	ck_assert_uint_eq(c->status, EIO);
	ck_assert_uint_eq(c->dw[0], slot_offset(3)); /* the old header's first byte */
	ck_assert_uint_eq(finish(piece(3, SESSION, image, 96, 96, false))->status, EINVAL);
	weft_flash_fail_erase(chip, false);
	ck_assert_uint_eq(download(3, SESSION, image, image_len)->status, 0);
}
END_TEST

/* Only the second sector cannot be erased: found when its first page is read back. */
START_TEST(test_second_erase_fails)
{
	const struct hal_cpl *c;
	uint32_t at = 0;

	memset(weft_flash_data(chip) + slot_offset(3) + FLASH_SECTOR, 0, FLASH_SECTOR);
	do {
		uint32_t n = image_len - at < 96 ? image_len - at : 96;

		c = finish(piece(3, SESSION, image, at, n, at + n == image_len));
		weft_flash_fail_erase(chip, true);
		at += n;
	} while (!c->status && at < image_len);
	ck_assert_uint_eq(c->status, EIO);
	ck_assert_uint_ge(c->dw[0], slot_offset(3) + FLASH_SECTOR);
	ck_assert_uint_lt(c->dw[0], slot_offset(3) + FLASH_SECTOR + FLASH_PAGE);
	ck_assert_uint_eq(get_le32(weft_flash_data(chip) + slot_offset(3)), UINT32_MAX);
}
END_TEST

START_TEST(test_program_fails)
{
	const struct hal_cpl *c;

	/* the record of the previous image must go first, and cannot */
	weft_flash_fail_program(chip, true);
	c = download(3, SESSION, image, image_len);
	ck_assert_uint_eq(c->status, EIO);
	ck_assert_uint_eq(c->dw[0], RECORD_OFFSET);
	ck_assert_uint_eq(fw_op(WEFT_OP_FW_COMMIT, 3, 1, 0, 0)->status, EIO);
	weft_flash_fail_program(chip, false);
	ck_assert_uint_eq(finish(piece(3, SESSION, image, 0, 96, false))->status, 0);
	weft_flash_fail_program(chip, true);
	c = download(3, SESSION, image, image_len);
	ck_assert_uint_eq(c->status, EIO);
	ck_assert_uint_ge(c->dw[0], slot_offset(3) + FLASH_PAGE);
	ck_assert_uint_lt(c->dw[0], slot_offset(3) + 2 * FLASH_PAGE);
}
END_TEST

/* A worn bit is told where it is; one in the first page leaves no header that is wrong. */
START_TEST(test_worn)
{
	const struct hal_cpl *c;

	weft_flash_wear(chip, slot_offset(3) + 1000, 0xff, (uint8_t)~image[1000]);
	c = download(3, SESSION, image, image_len);
	ck_assert_uint_eq(c->status, EIO);
	ck_assert_uint_eq(c->dw[0], slot_offset(3) + 1000);
	weft_flash_wear(chip, slot_offset(3) + 1000, 0, 0);
	ck_assert_uint_eq(download(3, SESSION, image, image_len)->status, 0);
}
END_TEST

/* The adapter is reset at each moment of a download: the slot holds nothing valid, or all; and can be written again. */
START_TEST(test_reset_any_time)
{
	static uint8_t old[IMAGE_LEN_MAX];
	uint32_t old_len = make_image(old, &(struct maker){ .minor = 1 });

	for (uint32_t n = 1; n < 4000; n += n < 100 ? 7 : 131) {
		uint32_t at = 0, error;
		uint16_t cid = piece(3, SESSION, image, 0, 96, false);

		for (uint32_t i = 0; i < n && at < image_len; i++) {
			turns(1);
			if (!result(cid))
				continue;
			at += 96;
			if (at < image_len)
				cid = piece(3, SESSION, image, at,
					    image_len - at < 96 ? image_len - at : 96,
					    at + 96 >= image_len);
		}
		put_record(&(struct boot_record){ .active = 2, .previous = 3 });
		power_up(2, 0, 1); /* in the midst of an erase, perhaps */
		error = fw_op(WEFT_OP_FW_LOG, 3, 0, 0, 0)->dw[0] & 0xff;
		if (error ==
		    WEFT_FWE_SOUND) /* whole: the old one, as long as nothing was erased, or the new one */
			ck_assert(!memcmp(weft_flash_data(chip) + slot_offset(3), at ? image : old,
					  at ? image_len : old_len));
		else
			ck_assert_uint_eq(error, WEFT_FWE_EMPTY);
		ck_assert_uint_eq(present_record().active, 2);
	}
	ck_assert_uint_eq(download(3, SESSION, image, image_len)->status, 0);
}
END_TEST

/* The admin pair goes down while the flash erases: no entry of it completes, and the next host begins at once. */
START_TEST(test_host_gone)
{
	uint32_t regs[6] = { 0x1000, 0, 0x8000, 0, 6 | 7 << 8, 0 };
	uint32_t before;

	piece(3, SESSION, image, 0, 96, false);
	piece(3, SESSION, image, 96, 96, false);
	turns(4);
	before = fake_cpl_count;
	fake_admin_enable(regs);
	turns(3);
	ck_assert(!qp_get(0));
	regs[5] = 1;
	fake_admin_enable(regs);
	turns(200);
	ck_assert_uint_eq(fake_cpl_count, before);
	ck_assert_uint_eq(download(3, 99, image, image_len)->status, 0);
	ck_assert_mem_eq(weft_flash_data(chip) + slot_offset(3), image, image_len);
}
END_TEST

/* As many entries as the ring has, at once. */
START_TEST(test_full_ring)
{
	uint16_t cid[63];

	for (uint32_t i = 0; i < 63; i++)
		cid[i] = piece(3, SESSION, image, i * 64, 64, false);
	for (uint32_t i = 0; i < 63; i++)
		ck_assert_uint_eq(finish(cid[i])->status, 0);
}
END_TEST

void tests_fault(Suite *s)
{
	TCase *t = tcase_create("fault");

	tcase_add_checked_fixture(t, setup, rig_end);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, test_no_flash);
	tcase_add_test(t, test_dead_flash);
	tcase_add_test(t, test_erase_fails);
	tcase_add_test(t, test_second_erase_fails);
	tcase_add_test(t, test_program_fails);
	tcase_add_test(t, test_worn);
	tcase_add_test(t, test_reset_any_time);
	tcase_add_test(t, test_host_gone);
	tcase_add_test(t, test_full_ring);
	suite_add_tcase(s, t);
}
