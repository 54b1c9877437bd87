/* SPDX-License-Identifier: BSD-2-Clause */
/* The flash model by itself, and the NOR commands on it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "flash/nor.h"
#include "rig.h"

#define AT 0x40000u

/* A rig whose flash takes its time. */
static void slow_rig(struct rig *r)
{
	struct weft_flash_config config = { .protect_size = SLOT_SIZE };

	rig_init(r);
	rig_open(r, &config);
}

START_TEST(programming_only_clears_bits_and_erasing_sets_them)
{
	uint8_t a[4] = { 0xf0, 0x0f, 0xff, 0x00 }, b[4] = { 0x3c, 0x3c, 0x81, 0x81 }, got[5];
	struct nor_op op;
	struct rig r;

	rig_init(&r);
	ck_assert_int_eq(nor_program(&r.spi, &op, AT, a, 4), 0);
	ck_assert_int_eq(nor_program(&r.spi, &op, AT, b, 4), 0);
	ck_assert_int_eq(nor_read(&r.spi, AT, got, 5), 0);
	ck_assert_mem_eq(got, "\x30\x0c\x81\x00\xff", 5);
	ck_assert_int_eq(nor_erase(&r.spi, &op, AT), 0);
	ck_assert_int_eq(nor_read(&r.spi, AT, got, 5), 0);
	ck_assert_mem_eq(got, "\xff\xff\xff\xff\xff", 5);
	rig_free(&r);
}
END_TEST

START_TEST(a_byte_is_answered_in_the_next_eight_clocks)
{
	struct weft_flash *f;

	ck_assert_int_eq(weft_flash_open(&f, NULL), 0);
	weft_flash_data(f)[5] = 0xa5;
	weft_flash_data(f)[6] = 0x5a;
	weft_flash_select(f, true, 0);
	ck_assert_uint_eq(weft_flash_byte(f, 0x03, 1), 0xff);
	ck_assert_uint_eq(weft_flash_byte(f, 0, 2), 0xff);
	ck_assert_uint_eq(weft_flash_byte(f, 0, 3), 0xff);
	ck_assert_uint_eq(weft_flash_byte(f, 5, 4), 0xa5);
	ck_assert_uint_eq(weft_flash_byte(f, 0, 5), 0x5a);
	weft_flash_select(f, false, 6);
	weft_flash_close(f);
}
END_TEST

START_TEST(nothing_changes_without_write_enable)
{
	struct rig r;

	rig_init(&r);
	weft_flash_select(r.flash, true, 1);
	weft_flash_byte(r.flash, 0x02, 2);
	weft_flash_byte(r.flash, AT >> 16, 3);
	weft_flash_byte(r.flash, 0, 4);
	weft_flash_byte(r.flash, 0, 5);
	weft_flash_byte(r.flash, 0, 6);
	weft_flash_select(r.flash, false, 7);
	ck_assert_uint_eq(weft_flash_data(r.flash)[AT], 0xff);
	ck_assert_uint_eq(weft_flash_steps(r.flash), 0);
	rig_free(&r);
}
END_TEST

START_TEST(the_protected_part_cannot_be_changed)
{
	struct nor_op op;
	struct rig r;

	rig_init(&r);
	weft_flash_data(r.flash)[0] = 0x55;
	ck_assert_int_eq(nor_program(&r.spi, &op, 0, "", 1), 0);
	ck_assert_int_eq(nor_erase(&r.spi, &op, 0), 0);
	ck_assert_int_eq(nor_erase(&r.spi, &op, SLOT_SIZE - FLASH_SECTOR), 0);
	ck_assert_uint_eq(weft_flash_data(r.flash)[0], 0x55);
	ck_assert_uint_eq(weft_flash_steps(r.flash), 0);
	rig_free(&r);
}
END_TEST

START_TEST(a_page_wraps_around)
{
	uint8_t two[2] = { 1, 2 };
	struct nor_op op;
	struct rig r;

	rig_init(&r);
	ck_assert_int_eq(nor_program(&r.spi, &op, AT + 255, two, 2), EINVAL);
	ck_assert_int_eq(nor_program(&r.spi, &op, AT + 255, two, 1), 0);
	weft_flash_select(r.flash, true, ++r.now);
	weft_flash_byte(r.flash, 0x06, ++r.now);
	weft_flash_select(r.flash, false, ++r.now);
	weft_flash_select(r.flash, true, ++r.now);
	weft_flash_byte(r.flash, 0x02, ++r.now);
	weft_flash_byte(r.flash, AT >> 16, ++r.now);
	weft_flash_byte(r.flash, 1, ++r.now);
	weft_flash_byte(r.flash, 0xff, ++r.now);
	weft_flash_byte(r.flash, 7, ++r.now);
	weft_flash_byte(r.flash, 8, ++r.now);
	weft_flash_select(r.flash, false, ++r.now);
	ck_assert_uint_eq(weft_flash_data(r.flash)[AT + 0x1ff], 7);
	ck_assert_uint_eq(weft_flash_data(r.flash)[AT + 0x100], 8);
	rig_free(&r);
}
END_TEST

START_TEST(it_is_busy_for_as_long_as_it_says)
{
	uint8_t byte = 0;
	struct nor_op op;
	uint64_t begin;
	struct rig r;

	slow_rig(&r);
	ck_assert_int_eq(nor_erase(&r.spi, &op, AT), 0);
	begin = r.now;
	ck_assert_int_eq(nor_poll(&r.spi, &op), EBUSY);
	ck_assert_int_eq(nor_read(&r.spi, AT, &byte, 1), EBUSY);
	ck_assert_int_eq(nor_program(&r.spi, &op, AT, &byte, 1), EBUSY);
	ck_assert_int_eq(nor_wait(&r.spi, &op), 0);
	ck_assert_uint_ge(r.now - begin, 45000000 - 10000);
	ck_assert_uint_le(r.now - begin, 45000000 + 10000);
	ck_assert_int_eq(nor_program(&r.spi, &op, AT, &byte, 1), 0);
	begin = r.now;
	ck_assert_int_eq(nor_wait(&r.spi, &op), 0);
	ck_assert_uint_ge(r.now - begin, 700000 - 10000);
	ck_assert_uint_le(r.now - begin, 700000 + 10000);
	ck_assert_uint_eq(weft_flash_data(r.flash)[AT], 0);
	rig_free(&r);
}
END_TEST

START_TEST(power_lost_in_the_middle_leaves_part_of_a_page)
{
	uint8_t page[FLASH_PAGE] = { 0 }, *p;
	struct nor_op op;
	struct rig r;

	slow_rig(&r);
	p = weft_flash_data(r.flash) + AT;
	ck_assert_int_eq(nor_program(&r.spi, &op, AT, page, sizeof(page)), 0);
	weft_flash_power_off(r.flash, r.now + 350000, 3);
	ck_assert_uint_eq(p[0], 0);
	ck_assert_uint_eq(p[126], 0);
	ck_assert_uint_eq(p[130], 0xff);
	ck_assert_int_eq(nor_probe(&r.spi, NULL), EIO);
	ck_assert_int_eq(nor_read(&r.spi, AT, page, 1), EIO);
	weft_flash_power_on(r.flash);
	ck_assert_int_eq(nor_probe(&r.spi, NULL), 0);
	ck_assert_int_eq(nor_read(&r.spi, AT, page, 1), 0);
	rig_free(&r);
}
END_TEST

START_TEST(a_cut_comes_at_its_step)
{
	uint8_t page[FLASH_PAGE] = { 0 }, *p;
	struct nor_op op;
	struct rig r;
	uint32_t n;

	rig_init(&r);
	p = weft_flash_data(r.flash) + AT;
	for (n = 1; n <= FLASH_PAGE; n++) {
		memset(p, 0xff, FLASH_PAGE);
		weft_flash_power_on(r.flash);
		weft_flash_cut_at(r.flash, n, n);
		ck_assert_int_eq(nor_program(&r.spi, &op, AT, page, sizeof(page)), 0);
		ck_assert(weft_flash_is_off(r.flash));
		if (n > 1)
			ck_assert_uint_eq(p[n - 2], 0);
		if (n < FLASH_PAGE)
			ck_assert_uint_eq(p[n], 0xff);
	}
	rig_free(&r);
}
END_TEST

START_TEST(a_dead_flash_is_noticed)
{
	struct nor_op op;
	uint8_t byte;
	struct rig r;

	rig_init(&r);
	weft_flash_dead(r.flash, true);
	ck_assert_int_eq(nor_probe(&r.spi, NULL), EIO);
	ck_assert_int_eq(nor_settle(&r.spi), EIO);
	ck_assert_int_eq(nor_read(&r.spi, 0, &byte, 1), EIO);
	ck_assert_int_eq(nor_erase(&r.spi, &op, AT), EIO);
	ck_assert_int_eq(nor_program(&r.spi, &op, AT, &byte, 1), EIO);
	rig_free(&r);
}
END_TEST

START_TEST(worn_bits_stay_as_they_are)
{
	struct nor_op op;
	uint8_t byte = 0;
	struct rig r;

	rig_init(&r);
	ck_assert_int_eq(weft_flash_wear(r.flash, AT, 0x11, 0x10), 0);
	ck_assert_int_eq(nor_read(&r.spi, AT, &byte, 1), 0);
	ck_assert_uint_eq(byte, 0xfe);
	byte = 0;
	ck_assert_int_eq(nor_program(&r.spi, &op, AT, &byte, 1), 0);
	ck_assert_int_eq(nor_read(&r.spi, AT, &byte, 1), 0);
	ck_assert_uint_eq(byte, 0x10);
	ck_assert_int_eq(weft_flash_wear(r.flash, AT, 0, 0), 0);
	ck_assert_int_eq(nor_read(&r.spi, AT, &byte, 1), 0);
	ck_assert_uint_eq(byte, 0);
	rig_free(&r);
}
END_TEST

START_TEST(a_file_keeps_what_was_written)
{
	char path[] = "/tmp/weft-flash-XXXXXX";
	struct weft_flash_config config = { .path = path, .at_once = true };
	struct weft_flash *f;
	int fd = mkstemp(path);
	uint8_t byte = 0x42;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(weft_flash_open(&f, &config), 0);
	ck_assert_uint_eq(weft_flash_size(f), FLASH_SIZE_MIN);
	ck_assert_uint_eq(weft_flash_data(f)[AT], 0xff);
	weft_flash_data(f)[AT] = byte;
	weft_flash_close(f);
	ck_assert_int_eq(weft_flash_open(&f, &config), 0);
	ck_assert_uint_eq(weft_flash_data(f)[AT], byte);
	weft_flash_close(f);
	config.size = 2 * FLASH_SIZE_MIN;
	ck_assert_int_eq(weft_flash_open(&f, &config), -EINVAL);
	config.size = FLASH_SIZE_MIN - 1;
	ck_assert_int_eq(weft_flash_open(&f, &config), -EINVAL);
	ck_assert_int_eq(ftruncate(fd, 12345), 0);
	config.size = 0;
	ck_assert_int_eq(weft_flash_open(&f, &config), -EINVAL);
	close(fd);
	unlink(path);
}
END_TEST

Suite *flash_suite(void)
{
	Suite *s = suite_create("flash");
	TCase *tc = tcase_create("flash");

	tcase_add_test(tc, programming_only_clears_bits_and_erasing_sets_them);
	tcase_add_test(tc, a_byte_is_answered_in_the_next_eight_clocks);
	tcase_add_test(tc, nothing_changes_without_write_enable);
	tcase_add_test(tc, the_protected_part_cannot_be_changed);
	tcase_add_test(tc, a_page_wraps_around);
	tcase_add_test(tc, it_is_busy_for_as_long_as_it_says);
	tcase_add_test(tc, power_lost_in_the_middle_leaves_part_of_a_page);
	tcase_add_test(tc, a_cut_comes_at_its_step);
	tcase_add_test(tc, a_dead_flash_is_noticed);
	tcase_add_test(tc, worn_bits_stay_as_they_are);
	tcase_add_test(tc, a_file_keeps_what_was_written);
	suite_add_tcase(s, tc);
	return s;
}
