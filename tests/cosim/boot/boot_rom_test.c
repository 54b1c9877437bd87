/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The boot ROM itself, on the core, from the flash's pins to the program that it starts. A check of a signature takes
 * millions of cycles: without --full only the case that says most.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <weft/dev.h>

#include "signed.h"
#include "weft_engine.h"
#include "weft_world.h"

#define DIR "build/tests/cosim/boot/"
#define READY WEFT_STATUS_FW_READY_MASK
#define DEAD WEFT_STATUS_FW_DEAD_MASK
#define SECOND 1000000000ull
#define A 2u
#define B SLOT_B
#define GOLDEN SLOT_GOLDEN
#define TRIAL (1u << 8)
#define WATCHDOG (1u << 9)
#define PASSED(slot) (1u << (15 + (slot)))

static struct board b;
static struct weft_sim_params params;
static struct weft_flash_config flash_config = { .protect_size = 0x40000, .at_once = true };

static void setup(void)
{
	params = (struct weft_sim_params){ .rom = "build/firmware/rom.elf",
					   .board_id = SIGNED_BOARD };
	signed_key_hash(params.key_hash);
	ck_assert_int_eq(weft_flash_open(&b.flash, &flash_config), 0);
	signed_put(b.flash, GOLDEN, DIR "program.bin", 1);
	signed_put(b.flash, A, DIR "program.bin", 5);
	signed_put(b.flash, B, DIR "program.bin", 6);
}

static void teardown(void)
{
	board_off(&b);
	weft_flash_close(b.flash);
}

static void power_on(void)
{
	if (b.sim)
		board_off(&b);
	if (weft_flash_is_off(b.flash))
		weft_flash_power_on(b.flash);
	ck_assert_int_eq(board_on(&b, &params), 0);
}

/* Something was started: which, and what else the ROM says of it. */
static void runs(uint32_t arg0)
{
	uint64_t from = weft_sim_cycles(b.sim);

	ck_assert(board_until(&b, READY | DEAD, READY));
	ck_assert_uint_eq(board_read(&b, WEFT_FW_STATUS), arg0);
	printf("start of slot %u: %llu cycles\n", arg0 & 0xff,
	       (unsigned long long)(weft_sim_cycles(b.sim) - from));
}

START_TEST(a_signed_image_is_started)
{
	signed_record(b.flash, A, B, 0, 5);
	power_on();
	runs(A);
	ck_assert_uint_eq(board_read(&b, WEFT_FW_VERSION), 5); /* the record's counter */
}
END_TEST

START_TEST(a_changed_byte_falls_to_the_other_slot)
{
	signed_record(b.flash, A, B, 0, 5);
	signed_spoil(b.flash, A);
	power_on();
	runs(B | PASSED(A));
}
END_TEST

START_TEST(a_counter_too_old_falls_to_golden)
{
	signed_record(b.flash, A, B, 0, 7);
	power_on();
	runs(GOLDEN | PASSED(A) | PASSED(B));
}
END_TEST

START_TEST(another_key_starts_nothing)
{
	signed_record(b.flash, A, B, 0, 5);
	params.key_hash[0] ^= 1;
	power_on();
	ck_assert(board_until(&b, READY | DEAD, DEAD));
	ck_assert_uint_eq(board_read(&b, WEFT_FW_STATUS), (uint32_t)WEFT_DEAD_ROM << 24 | 5);
	board_pass(&b, 0);
	ck_assert(weft_sim_idle(b.sim));
}
END_TEST

START_TEST(another_board_or_a_dead_flash_starts_nothing)
{
	params.board_id++;
	power_on();
	ck_assert(board_until(&b, READY | DEAD, DEAD));
	ck_assert_uint_eq(board_read(&b, WEFT_FW_STATUS), (uint32_t)WEFT_DEAD_ROM << 24 | 4);
	weft_flash_dead(b.flash, true);
	weft_sim_reset(b.sim);
	ck_assert(board_until(&b, READY | DEAD, DEAD));
	ck_assert_uint_eq(board_read(&b, WEFT_FW_STATUS), (uint32_t)WEFT_DEAD_ROM << 24 | 9);
}
END_TEST

/* Nobody feeds the watchdog: 30 s later the trial has failed. */
START_TEST(a_trial_ends_by_the_watchdog)
{
	uint64_t from;

	signed_record(b.flash, A, 0, B, 5);
	b.patience = 40 * SECOND;
	power_on();
	runs(B | TRIAL);
	from = weft_sim_now(b.sim);
	ck_assert(board_until(&b, READY, 0));
	ck_assert_uint_ge(weft_sim_now(b.sim) - from, 29 * SECOND);
	ck_assert_uint_le(weft_sim_now(b.sim) - from, 31 * SECOND);
	runs(A | WATCHDOG);
	weft_sim_reset(b.sim);
	runs(A);
}
END_TEST

/* An image of zeroes: its first instruction traps. The host sees that, and its reset goes back to the active slot. */
START_TEST(a_trial_that_traps_ends_with_the_next_reset)
{
	static const uint8_t zeroes[64];
	FILE *f = fopen(DIR "zeroes.bin", "wb");

	ck_assert(f && fwrite(zeroes, sizeof(zeroes), 1, f) == 1 && !fclose(f));
	signed_put(b.flash, B, DIR "zeroes.bin", 6);
	signed_record(b.flash, A, 0, B, 5);
	power_on();
	ck_assert(board_until(&b, READY | DEAD, DEAD));
	ck_assert_uint_eq(board_read(&b, WEFT_FW_STATUS), (uint32_t)WEFT_DEAD_ROM << 24 | 2u << 16);
	weft_sim_reset(b.sim);
	runs(A);
}
END_TEST

static const uint64_t steps[] = { 1, 9, 16, 24, 31 };
#define N_STEPS ((int)(sizeof(steps) / sizeof(steps[0])))

/* The record that the trial begins is cut off: nothing was tried, or it was and is over. Something sound runs. */
START_TEST(power_may_fail_while_the_record_is_written)
{
	uint32_t arg0;

	signed_record(b.flash, A, 0, B, 5);
	power_on();
	weft_flash_cut_at(b.flash, steps[_i], 77 + (uint64_t)_i);
	while (!weft_flash_is_off(b.flash)) {
		ck_assert_msg(!(board_read(&b, WEFT_STATUS) & (READY | DEAD)), "no such step");
		board_pass(&b, UINT64_MAX);
	}
	power_on();
	ck_assert(board_until(&b, READY | DEAD, READY));
	arg0 = board_read(&b, WEFT_FW_STATUS);
	ck_assert_msg(arg0 == A || arg0 == (B | TRIAL), "step %llu: %x",
		      (unsigned long long)steps[_i], arg0);
	printf("power cut at step %llu: slot %u\n", (unsigned long long)steps[_i], arg0 & 0xff);
}
END_TEST

/* The firmware, from the flash to its first admin command. */
START_TEST(the_firmware_starts_and_serves_a_driver)
{
	const struct weft_dev_params long_steps = { .advance_ns = 100000 };
	struct weft_bus *bus;
	struct weft_dev *dev;

	signed_put(b.flash, A, DIR "weft.bin", 5);
	signed_record(b.flash, A, 0, 0, 5);
	params.flash = b.flash;
	ck_assert_int_eq(weft_bus_open_sim(&params, &bus), 0);
	ck_assert_int_eq(weft_dev_open(bus, &long_steps, &dev), 0);
	ck_assert_int_eq(weft_nop(dev, 0x1234), 0);
	ck_assert_int_eq(weft_dev_reset(dev), 0);
	ck_assert_int_eq(weft_nop(dev, 0x4321), 0);
	weft_dev_close(dev);
}
END_TEST

/* A case of its own for each, so that CK_RUN_CASE chooses. */
static void add(Suite *s, const char *name, const TTest *test, int rows)
{
	TCase *t = tcase_create(name);

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 900);
	tcase_add_loop_test(t, test, 0, rows);
	suite_add_tcase(s, t);
}

int main(int argc, char **argv)
{
	Suite *s = suite_create("boot ROM");
	SRunner *r;
	int failed;

	add(s, "byte", a_changed_byte_falls_to_the_other_slot, 1);
	if (argc > 1 && !strcmp(argv[1], "--full")) {
		add(s, "key", another_key_starts_nothing, 1);
		add(s, "signed", a_signed_image_is_started, 1);
		add(s, "counter", a_counter_too_old_falls_to_golden, 1);
		add(s, "board", another_board_or_a_dead_flash_starts_nothing, 1);
		add(s, "trial", a_trial_ends_by_the_watchdog, 1);
		add(s, "trap", a_trial_that_traps_ends_with_the_next_reset, 1);
		add(s, "power", power_may_fail_while_the_record_is_written, N_STEPS);
		add(s, "firmware", the_firmware_starts_and_serves_a_driver, 1);
	}
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? 1 : 0;
}
