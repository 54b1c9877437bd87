/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the ROM starts. Images are told apart by their version: golden 1, A 2, B 3. Their counters are 5, and so is the
 * record's, where a test does not say otherwise.
 */
#include <string.h>

#include "flash/nor.h"
#include "lib/bytes.h"
#include "rig.h"

static struct rig r;

static void put_good(uint32_t slot)
{
	struct image im;

	image_good(&im, slot, 5);
	rig_put(&r, slot, &im);
}

static void put_three(void)
{
	rig_init(&r);
	put_good(SLOT_GOLDEN);
	put_good(SLOT_A);
	put_good(SLOT_B);
}

static void set_record(uint8_t active, uint8_t previous, uint8_t trial, uint8_t tried)
{
	struct boot_record rec = {
		.active = active, .previous = previous, .trial = trial, .tried = tried, .counter = 5
	};

	ck_assert_int_eq(rig_set_record(&r, &rec), 0);
}

static void must_run(uint32_t slot)
{
	cases++;
	ck_assert_uint_eq(r.choice.slot, slot);
	ck_assert_uint_eq(rig_running(&r), slot);
	ck_assert_uint_eq(r.choice.arg[0] & BOOT_ARG0_SLOT_MASK, slot);
	ck_assert_uint_eq(r.choice.arg[3], BOOT_ARG3_MAGIC);
}

static struct boot_record record(void)
{
	struct boot_record rec;

	rig_record(&r, &rec);
	return rec;
}

static void spoil(uint32_t slot)
{
	weft_flash_data(r.flash)[slot_offset(slot) + 40] ^= 1;
}

START_TEST(a_new_flash_starts_golden)
{
	put_three();
	rig_power_up(&r);
	must_run(SLOT_GOLDEN);
	ck_assert(!r.choice.trial);
	ck_assert_uint_eq(r.choice.arg[0], SLOT_GOLDEN);
	ck_assert_uint_eq(r.choice.arg[1], 0);
	ck_assert_uint_eq(r.choice.arg[2], 5);
	rig_free(&r);
}
END_TEST

/* Each of the eight ways in which three images can be sound or not, for each record. */
START_TEST(the_first_sound_one_is_started)
{
	static const struct {
		uint8_t active, previous, failed;
		uint8_t order[4];
	} rows[] = {
		{ 1, 0, 0, { 1, 2, 3 } }, { 2, 0, 0, { 2, 3, 1 } }, { 2, 3, 0, { 2, 3, 1 } },
		{ 3, 0, 0, { 3, 2, 1 } }, { 3, 2, 0, { 3, 2, 1 } }, { 2, 0, 3, { 2, 1 } },
		{ 2, 3, 3, { 2, 1 } },    { 3, 2, 2, { 3, 1 } },    { 1, 0, 2, { 1, 3 } },
	};
	uint32_t i, sound, n, want, slot;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (sound = 0; sound < 8; sound++) {
			struct boot_record rec = { .active = rows[i].active,
						   .previous = rows[i].previous,
						   .failed = rows[i].failed,
						   .counter = 5 };

			put_three();
			ck_assert_int_eq(rig_set_record(&r, &rec), 0);
			for (slot = 1; slot <= 3; slot++)
				if (!(sound >> (slot - 1) & 1))
					spoil(slot);
			for (n = want = 0; rows[i].order[n] && !want; n++)
				if (sound >> (rows[i].order[n] - 1) & 1)
					want = rows[i].order[n];
			ck_assert_uint_eq(rig_power_up(&r), want);
			if (want)
				must_run(want);
			else
				ck_assert_int_eq(r.choice.error, IMAGE_DIGEST);
			rig_free(&r);
		}
}
END_TEST

START_TEST(firmware_hears_what_was_passed_over)
{
	put_three();
	set_record(SLOT_B, SLOT_A, 0, 0);
	spoil(SLOT_A);
	spoil(SLOT_B);
	rig_power_up(&r);
	must_run(SLOT_GOLDEN);
	ck_assert_uint_eq(r.choice.arg[0], SLOT_GOLDEN | 1u << 17 | 1u << 18);
	ck_assert_uint_eq(r.choice.arg[1], 5);
	rig_free(&r);
}
END_TEST

START_TEST(a_trial_is_started_once_and_recorded_before)
{
	put_three();
	set_record(SLOT_A, 0, SLOT_B, 0);
	rig_power_up(&r);
	must_run(SLOT_B);
	ck_assert(r.choice.trial);
	ck_assert_uint_eq(r.choice.arg[0], SLOT_B | BOOT_ARG0_TRIAL);
	ck_assert_uint_eq(record().tried, 1);
	rig_power_up(&r);
	must_run(SLOT_A);
	ck_assert(!r.choice.trial);
	ck_assert_uint_eq(record().trial, 0);
	ck_assert_uint_eq(record().failed, SLOT_B);
	ck_assert_uint_eq(record().why, TRIAL_POWER);
	rig_free(&r);
}
END_TEST

START_TEST(the_watchdog_ends_a_trial)
{
	put_three();
	set_record(SLOT_A, 0, SLOT_B, 0);
	rig_power_up(&r);
	must_run(SLOT_B);
	rig_reset(&r, true);
	must_run(SLOT_A);
	ck_assert_uint_eq(r.choice.arg[0], SLOT_A | BOOT_ARG0_WATCHDOG);
	ck_assert_uint_eq(record().why, TRIAL_WATCHDOG);
	rig_free(&r);
}
END_TEST

/* The driver that finds dead firmware resets at once: nobody would wait for the watchdog. */
START_TEST(a_trap_ends_a_trial)
{
	put_three();
	set_record(SLOT_A, 0, SLOT_B, 0);
	rig_power_up(&r);
	must_run(SLOT_B);
	r.env.arg[3] = BOOT_ARG3_TRAPPED; /* what the trap left */
	rig_reset(&r, false);
	must_run(SLOT_A);
	ck_assert_uint_eq(record().trial, 0);
	ck_assert_uint_eq(record().failed, SLOT_B);
	ck_assert_uint_eq(record().why, TRIAL_TRAPPED);
	rig_free(&r);
}
END_TEST

/* A driver resets the adapter when it opens it, and when it closes it: that is no fault of the image's. */
START_TEST(the_hosts_resets_do_not_end_a_trial)
{
	uint32_t i, seq;

	put_three();
	set_record(SLOT_A, 0, SLOT_B, 0);
	rig_power_up(&r);
	seq = record().seq;
	for (i = 0; i < 3; i++) {
		rig_reset(&r, false);
		must_run(SLOT_B);
		ck_assert(r.choice.trial);
		ck_assert_uint_eq(record().seq, seq);
	}
	ck_assert_int_eq(rig_confirm(&r), 0);
	rig_power_up(&r);
	must_run(SLOT_B);
	ck_assert_uint_eq(record().active, SLOT_B);
	ck_assert_uint_eq(record().previous, SLOT_A);
	rig_free(&r);
}
END_TEST

/* Arguments of another start say nothing about this trial. */
START_TEST(a_reset_out_of_another_image_ends_a_trial)
{
	put_three();
	set_record(SLOT_A, 0, SLOT_B, 1);
	rig_power_up(&r);
	must_run(SLOT_A);
	set_record(SLOT_A, 0, SLOT_B, 1);
	rig_reset(&r, false);
	must_run(SLOT_A);
	ck_assert_uint_eq(record().why, TRIAL_POWER);
	rig_free(&r);
}
END_TEST

START_TEST(an_unsound_trial_is_not_started_and_the_record_says_why)
{
	static const struct {
		struct image_spec spec;
		uint32_t why;
	} rows[] = {
		{ { .counter = 5, .board = 99 }, IMAGE_BOARD },
		{ { .counter = 5, .other_key = true }, IMAGE_KEY },
		{ { .counter = 4 }, IMAGE_COUNTER }, /* older, or an old one played back */
		{ { .counter = 5, .skip = 1 << SPEC_SIG }, IMAGE_TLV },
		{ { .counter = 5, .flags = 0x10 }, IMAGE_HEADER },
		{ { .counter = 5, .payload_len = RIG_IMEM + 1 }, IMAGE_HEADER },
	};
	struct image_spec spec;
	struct image im;
	uint32_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		put_three();
		spec = rows[i].spec;
		if (!spec.board)
			spec.board = RIG_BOARD;
		image_make(&im, &spec);
		rig_put(&r, SLOT_B, &im);
		set_record(SLOT_A, SLOT_B, SLOT_B, 0);
		rig_power_up(&r);
		must_run(SLOT_A);
		ck_assert_uint_eq(record().failed, SLOT_B);
		ck_assert_uint_eq(record().why, rows[i].why);
		ck_assert_uint_eq(record().counter, 5);
		rig_free(&r);
	}
}
END_TEST

START_TEST(golden_needs_no_counter)
{
	struct image im;

	put_three();
	image_good(&im, SLOT_GOLDEN, 0);
	rig_put(&r, SLOT_GOLDEN, &im);
	set_record(SLOT_A, 0, 0, 0);
	spoil(SLOT_A);
	spoil(SLOT_B);
	rig_power_up(&r);
	must_run(SLOT_GOLDEN);
	ck_assert_uint_eq(r.choice.arg[1], 5);
	rig_free(&r);
}
END_TEST

START_TEST(without_a_record_no_trial_is_started)
{
	put_three();
	set_record(SLOT_A, 0, SLOT_B, 0);
	weft_flash_fail_program(r.flash, true);
	rig_power_up(&r);
	must_run(SLOT_A);
	ck_assert_uint_eq(r.choice.arg[0], SLOT_A | BOOT_ARG0_NO_RECORD);
	spoil(SLOT_A);
	rig_power_up(&r);
	must_run(SLOT_GOLDEN);
	rig_free(&r);
}
END_TEST

START_TEST(a_flash_that_does_not_answer_starts_nothing)
{
	put_three();
	set_record(SLOT_A, 0, SLOT_B, 0);
	weft_flash_dead(r.flash, true);
	ck_assert_uint_eq(rig_power_up(&r), 0);
	ck_assert_int_eq(r.choice.error, IMAGE_READ);
	weft_flash_dead(r.flash, false);
	rig_reset(&r, false);
	must_run(SLOT_B);
	rig_free(&r);
}
END_TEST

START_TEST(an_empty_flash_starts_nothing)
{
	rig_init(&r);
	ck_assert_uint_eq(rig_power_up(&r), 0);
	ck_assert_int_eq(r.choice.error, IMAGE_EMPTY);
	ck_assert_uint_eq(r.choice.arg[0], 7u << 16);
	rig_free(&r);
}
END_TEST

/* The reset came while the firmware's erase was under way. */
START_TEST(it_waits_for_what_was_under_way)
{
	struct weft_flash_config config = { .protect_size = SLOT_SIZE };
	struct nor_op op;
	struct image im;

	rig_init(&r);
	rig_open(&r, &config);
	image_good(&im, SLOT_GOLDEN, 5);
	rig_put(&r, SLOT_GOLDEN, &im);
	ck_assert_int_eq(nor_erase(&r.spi, &op, slot_offset(SLOT_B)), 0);
	rig_reset(&r, false);
	must_run(SLOT_GOLDEN);
	ck_assert_uint_eq(r.choice.arg[0], SLOT_GOLDEN);
	rig_free(&r);
}
END_TEST

/* Every bit of the active image: the previous one runs in its place; and of the golden one, when it is the last. */
START_TEST(a_changed_bit_is_never_started)
{
	uint32_t i, step = full_run ? 1 : 8;
	struct image im;
	uint8_t *p;

	put_three();
	set_record(SLOT_A, SLOT_B, 0, 0);
	image_good(&im, SLOT_A, 5);
	p = weft_flash_data(r.flash) + slot_offset(SLOT_A);
	for (i = 0; i < im.len * 8; i += step) {
		uint32_t bit = full_run ? i : i + i / 8 % 8; /* else one of each byte */

		p[bit / 8] ^= 1 << bit % 8;
		rig_power_up(&r);
		must_run(SLOT_B);
		ck_assert_uint_eq(r.choice.arg[0], SLOT_B | 1u << 17);
		p[bit / 8] ^= 1 << bit % 8;
	}
	rig_power_up(&r);
	must_run(SLOT_A);
	rig_free(&r);
}
END_TEST

/* Every bit of the record: the one before holds, or none; something sound runs, and no trial that was not asked for. */
START_TEST(a_changed_bit_of_the_record_is_no_other_record)
{
	uint32_t i;
	uint8_t *p;

	for (i = 0; i < 8 * RECORD_SIZE; i++) {
		put_three();
		set_record(SLOT_B, 0, 0, 0);
		set_record(SLOT_A, SLOT_B, 0, 0);
		p = weft_flash_data(r.flash) + RECORD_OFFSET + RECORD_SIZE;
		p[i / 8] ^= 1 << i % 8;
		rig_power_up(&r);
		must_run(SLOT_B);
		ck_assert(!r.choice.trial);
		rig_free(&r);
	}
}
END_TEST

/* A truncated image in the slot: what is behind it is erased, or of the image that was there before. */
START_TEST(a_truncated_image_is_never_started)
{
	struct image im, before;
	uint32_t len, old, step = full_run ? 1 : 3;

	put_three();
	set_record(SLOT_A, 0, 0, 0);
	image_good(&before, SLOT_A + 0x100, 5);
	image_good(&im, SLOT_A, 5);
	for (old = 0; old < 2; old++)
		for (len = 0; len < im.len; len += step) {
			rig_erase_slot(&r, SLOT_A);
			if (old)
				rig_put(&r, SLOT_A, &before);
			memcpy(weft_flash_data(r.flash) + slot_offset(SLOT_A), im.bytes, len);
			rig_power_up(&r);
			cases++;
			/* Equal in their first bytes, nothing of the old one is changed yet. */
			if (old && len <= 25)
				continue;
			must_run(SLOT_B);
		}
	rig_free(&r);
}
END_TEST

Suite *rom_suite(void)
{
	Suite *s = suite_create("rom");
	TCase *tc = tcase_create("rom");

	tcase_set_timeout(tc, 600);
	tcase_add_test(tc, a_new_flash_starts_golden);
	tcase_add_test(tc, the_first_sound_one_is_started);
	tcase_add_test(tc, firmware_hears_what_was_passed_over);
	tcase_add_test(tc, a_trial_is_started_once_and_recorded_before);
	tcase_add_test(tc, the_watchdog_ends_a_trial);
	tcase_add_test(tc, a_trap_ends_a_trial);
	tcase_add_test(tc, the_hosts_resets_do_not_end_a_trial);
	tcase_add_test(tc, a_reset_out_of_another_image_ends_a_trial);
	tcase_add_test(tc, an_unsound_trial_is_not_started_and_the_record_says_why);
	tcase_add_test(tc, golden_needs_no_counter);
	tcase_add_test(tc, without_a_record_no_trial_is_started);
	tcase_add_test(tc, a_flash_that_does_not_answer_starts_nothing);
	tcase_add_test(tc, an_empty_flash_starts_nothing);
	tcase_add_test(tc, it_waits_for_what_was_under_way);
	tcase_add_test(tc, a_changed_bit_is_never_started);
	tcase_add_test(tc, a_changed_bit_of_the_record_is_no_other_record);
	tcase_add_test(tc, a_truncated_image_is_never_started);
	suite_add_tcase(s, tc);
	return s;
}
