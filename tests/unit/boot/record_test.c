/* SPDX-License-Identifier: BSD-2-Clause */
/* The boot record's log: order, wear, power. */
#include <string.h>

#include "flash/image.h"
#include "lib/err.h"
#include "rig.h"

static struct boot_record some(uint32_t counter)
{
	struct boot_record rec = { .active = SLOT_A, .previous = SLOT_B, .counter = counter };

	return rec;
}

static uint8_t *record_bytes(struct rig *r)
{
	return weft_flash_data(r->flash) + RECORD_OFFSET;
}

/* As n records leave the log. */
static void fill_to(struct rig *r, uint32_t n)
{
	struct boot_record rec;
	uint32_t i;

	for (i = 0; i < n; i++) {
		uint8_t *place = record_bytes(r) + i % (2 * RECORD_PLACES) * RECORD_SIZE;

		if (i % RECORD_PLACES == 0)
			memset(place, 0xff, FLASH_SECTOR);
		rec = some(i + 1);
		rec.seq = i + 1;
		record_seal(&rec);
		memcpy(place, &rec, sizeof(rec));
	}
}

START_TEST(a_new_flash_has_none)
{
	struct record_log log;
	struct rig r;

	rig_init(&r);
	ck_assert_int_eq(record_read(&r.spi, &log), 0);
	ck_assert(!log.valid);
	ck_assert_uint_eq(log.rec.active, SLOT_GOLDEN);
	ck_assert_uint_eq(log.rec.counter, 0);
	rig_free(&r);
}
END_TEST

START_TEST(the_last_of_many_holds)
{
	struct record_log log, again;
	struct boot_record rec;
	struct rig r;
	uint32_t i;

	rig_init(&r);
	ck_assert_int_eq(record_read(&r.spi, &log), 0);
	for (i = 0; i < 3 * RECORD_SECTORS * RECORD_PLACES; i++) {
		rec = some(i);
		ck_assert_int_eq(record_write(&r.spi, &log, &rec), 0);
		ck_assert_uint_eq(log.sector, i / RECORD_PLACES % RECORD_SECTORS);
		ck_assert_uint_eq(log.place, i % RECORD_PLACES);
		if (i % 16)
			continue;
		ck_assert_int_eq(record_read(&r.spi, &again), 0);
		ck_assert_mem_eq(&again.rec, &log.rec, sizeof(log.rec));
		ck_assert_uint_eq(again.place, log.place);
	}
	rig_free(&r);
}
END_TEST

START_TEST(a_flipped_bit_makes_the_one_before_hold)
{
	struct record_log log;
	struct rig r;
	uint32_t i;
	uint8_t *p;

	rig_init(&r);
	fill_to(&r, 5);
	p = record_bytes(&r) + 4 * RECORD_SIZE;
	for (i = 0; i < 8 * RECORD_SIZE; i++, cases++) {
		p[i / 8] ^= 1 << i % 8;
		ck_assert_int_eq(record_read(&r.spi, &log), 0);
		ck_assert_uint_eq(log.rec.seq, 4);
		ck_assert_uint_eq(log.rec.counter, 4);
		p[i / 8] ^= 1 << i % 8;
	}
	rig_free(&r);
}
END_TEST

START_TEST(nonsense_with_a_good_checksum_is_none)
{
	static const struct boot_record bad[] = {
		{ .active = 0 },
		{ .active = 4 },
		{ .active = 1, .previous = 1 },
		{ .active = 1, .trial = 1 },
		{ .active = 1, .trial = 255 },
		{ .active = 1, .failed = 4 },
		{ .active = 1, .trial = 2, .tried = 2 },
		{ .active = 1, .seq = UINT32_MAX },
	};
	struct boot_record rec;
	struct record_log log;
	struct rig r;
	uint32_t i;

	rig_init(&r);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++, cases++) {
		rec = bad[i];
		record_seal(&rec);
		memcpy(record_bytes(&r), &rec, sizeof(rec));
		ck_assert_int_eq(record_read(&r.spi, &log), 0);
		ck_assert(!log.valid);
	}
	rig_free(&r);
}
END_TEST

/* Each bit of the next place, stuck either way: the record goes elsewhere, unless the bit is so anyhow. */
START_TEST(a_worn_place_is_passed_over)
{
	struct boot_record rec = some(77);
	struct record_log log;
	struct rig r;
	uint32_t i, at, places[] = { 3, RECORD_PLACES - 1, RECORD_PLACES };

	rig_init(&r);
	for (at = 0; at < 3; at++)
		for (i = 0; i < 2 * 8 * RECORD_SIZE; i += full_run ? 1 : 5, cases++) {
			uint32_t addr = RECORD_OFFSET + places[at] * RECORD_SIZE + i / 16;
			uint8_t bit = 1 << i / 2 % 8;

			memset(record_bytes(&r), 0xff, 2 * FLASH_SECTOR);
			fill_to(&r, places[at]);
			ck_assert_int_eq(weft_flash_wear(r.flash, addr, bit, i & 1 ? bit : 0), 0);
			ck_assert_int_eq(rig_set_record(&r, &rec), 0);
			ck_assert_int_eq(record_read(&r.spi, &log), 0);
			ck_assert_uint_eq(log.rec.seq, places[at] + 1);
			ck_assert_uint_eq(log.rec.counter, 77);
			ck_assert_int_eq(weft_flash_wear(r.flash, addr, 0, 0), 0);
		}
	rig_free(&r);
}
END_TEST

START_TEST(what_cannot_be_written_leaves_the_old_one)
{
	struct boot_record rec = some(77);
	struct record_log log;
	struct rig r;
	uint32_t n;

	rig_init(&r);
	for (n = 1; n <= 2 * RECORD_PLACES; n += full_run ? 1 : RECORD_PLACES - 1, cases++) {
		memset(record_bytes(&r), 0xff, 2 * FLASH_SECTOR);
		fill_to(&r, n);
		weft_flash_fail_program(r.flash, true);
		ck_assert_int_eq(rig_set_record(&r, &rec), EIO);
		ck_assert_int_eq(record_read(&r.spi, &log), 0);
		ck_assert_uint_eq(log.rec.counter, n);
		weft_flash_fail_program(r.flash, false);
		ck_assert_int_eq(rig_set_record(&r, &rec), 0);
	}
	rig_free(&r);
}
END_TEST

START_TEST(a_sector_that_does_not_erase_leaves_the_old_one)
{
	struct boot_record rec = some(77);
	struct record_log log;
	struct rig r;

	rig_init(&r);
	fill_to(&r, 2 * RECORD_PLACES);
	weft_flash_fail_erase(r.flash, true);
	ck_assert_int_eq(rig_set_record(&r, &rec), EIO);
	ck_assert_int_eq(record_read(&r.spi, &log), 0);
	ck_assert_uint_eq(log.rec.counter, 2 * RECORD_PLACES);
	weft_flash_fail_erase(r.flash, false);
	ck_assert_int_eq(rig_set_record(&r, &rec), 0);
	ck_assert_int_eq(record_read(&r.spi, &log), 0);
	ck_assert_uint_eq(log.rec.counter, 77);
	cases += 2;
	rig_free(&r);
}
END_TEST

START_TEST(a_dead_flash_is_no_empty_log)
{
	struct boot_record rec = some(77);
	struct record_log log;
	struct rig r;

	rig_init(&r);
	fill_to(&r, 2);
	ck_assert_int_eq(record_read(&r.spi, &log), 0);
	weft_flash_dead(r.flash, true);
	ck_assert_int_eq(record_write(&r.spi, &log, &rec), EIO);
	ck_assert_uint_eq(log.rec.counter, 2);
	ck_assert_int_eq(record_read(&r.spi, &log), EIO);
	ck_assert(!log.valid);
	rig_free(&r);
}
END_TEST

/* After n records, power fails in step cut of the next: it holds or the one before, and the one after that can be written. */
static bool cut_write(struct rig *r, const uint8_t *before, uint32_t n, uint32_t cut, uint32_t seed)
{
	struct boot_record rec = some(n + 1);
	struct record_log log;
	bool off;

	memcpy(record_bytes(r), before, 2 * FLASH_SECTOR);
	weft_flash_power_on(r->flash);
	weft_flash_cut_at(r->flash, cut, seed);
	rig_set_record(r, &rec);
	off = weft_flash_is_off(r->flash);
	weft_flash_power_on(r->flash);
	rig_record(r, &rec);
	ck_assert_msg(rec.counter == n || rec.counter == n + 1,
		      "record %u cut at %u seed %u: %u holds", n + 1, cut, seed, rec.counter);
	rec = some(n + 2);
	ck_assert_int_eq(rig_set_record(r, &rec), 0);
	ck_assert_int_eq(record_read(&r->spi, &log), 0);
	ck_assert_uint_eq(log.rec.counter, n + 2);
	cases++;
	return off;
}

START_TEST(power_may_fail_at_any_step_of_a_write)
{
	static const uint32_t fills[] = { 0, 1, 5, 127, 128, 129, 255, 256, 257 };
	static uint8_t before[2 * FLASH_SECTOR];
	uint32_t i, cut, seed, n = full_run ? 260 : sizeof(fills) / sizeof(fills[0]);
	struct rig r;

	for (i = 0; i < n; i++) {
		uint32_t fill = full_run ? i : fills[i];

		rig_init(&r);
		fill_to(&r, fill);
		memcpy(before, record_bytes(&r), sizeof(before));
		for (seed = 0; seed < 4; seed++)
			for (cut = 1; cut_write(&r, before, fill, cut, seed); cut++)
				;
		ck_assert_uint_gt(cut, RECORD_SIZE);
		rig_free(&r);
	}
}
END_TEST

START_TEST(confirming_makes_active_previous_and_never_lowers_the_counter)
{
	struct boot_record rec = {
		.active = SLOT_GOLDEN, .trial = SLOT_A, .tried = 1, .counter = 5
	};

	record_confirm(&rec, SLOT_A, 7);
	ck_assert_uint_eq(rec.active, SLOT_A);
	ck_assert_uint_eq(rec.previous, 0);
	ck_assert_uint_eq(rec.trial + rec.tried, 0);
	ck_assert_uint_eq(rec.counter, 7);
	record_commit(&rec, SLOT_B);
	record_tried(&rec);
	record_confirm(&rec, SLOT_B, 6);
	ck_assert_uint_eq(rec.active, SLOT_B);
	ck_assert_uint_eq(rec.previous, SLOT_A);
	ck_assert_uint_eq(rec.counter, 7);
	record_confirm(&rec, SLOT_B, 7);
	ck_assert_uint_eq(rec.previous, SLOT_A);
}
END_TEST

START_TEST(a_failed_trial_is_forgotten_with_its_image)
{
	struct boot_record rec = { .active = SLOT_A, .previous = SLOT_B, .counter = 5 };

	record_commit(&rec, SLOT_B);
	record_tried(&rec);
	record_failed(&rec, TRIAL_WATCHDOG);
	ck_assert_uint_eq(rec.failed, SLOT_B);
	ck_assert_uint_eq(rec.why, TRIAL_WATCHDOG);
	ck_assert_uint_eq(rec.trial + rec.tried, 0);
	ck_assert_uint_eq(rec.active, SLOT_A);
	record_spoilt(&rec, SLOT_B);
	ck_assert_uint_eq(rec.failed + rec.why + rec.previous, 0);
	record_commit(&rec, SLOT_B);
	record_spoilt(&rec, SLOT_B);
	ck_assert_uint_eq(rec.trial, 0);
}
END_TEST

Suite *record_suite(void)
{
	Suite *s = suite_create("record");
	TCase *tc = tcase_create("record");

	tcase_set_timeout(tc, 600);
	tcase_add_test(tc, a_new_flash_has_none);
	tcase_add_test(tc, the_last_of_many_holds);
	tcase_add_test(tc, a_flipped_bit_makes_the_one_before_hold);
	tcase_add_test(tc, nonsense_with_a_good_checksum_is_none);
	tcase_add_test(tc, a_worn_place_is_passed_over);
	tcase_add_test(tc, what_cannot_be_written_leaves_the_old_one);
	tcase_add_test(tc, a_sector_that_does_not_erase_leaves_the_old_one);
	tcase_add_test(tc, a_dead_flash_is_no_empty_log);
	tcase_add_test(tc, power_may_fail_at_any_step_of_a_write);
	tcase_add_test(tc, confirming_makes_active_previous_and_never_lowers_the_counter);
	tcase_add_test(tc, a_failed_trial_is_forgotten_with_its_image);
	suite_add_tcase(s, tc);
	return s;
}
