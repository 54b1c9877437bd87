// SPDX-License-Identifier: BSD-2-Clause
/*
 * core_lockstep_test - random programs on the core and on a reference model, instruction by instruction,
 * under every kind of bus behaviour. Seeds are fixed; a failure prints the one to repeat.
 */
#include <check.h>
#include <stdlib.h>

#include "gen.h"
#include "lockstep.h"

#define PROGRAMS 250
#define CYCLES 3000

static const struct lockstep_mode modes[] = {
	/*  name                 i_gnt d_gnt late max irq */
	{ "local memory", 100, 100, 0, 0, 0 },
	{ "local memory with interrupts", 100, 100, 0, 0, 8 },
	{ "slow devices", 100, 70, 30, 12, 4 },
	{ "shared instructions", 60, 100, 0, 0, 4 },
	{ "everything slow", 40, 40, 60, 5, 10 },
	{ "interrupt storm", 90, 90, 20, 3, 120 },
};

#define MODES (sizeof(modes) / sizeof(modes[0]))

static struct lockstep l;

static void setup(void)
{
	ck_assert_int_eq(lockstep_init(&l), 0);
}

static void teardown(void)
{
	lockstep_fini(&l);
}

static void run_program(const struct lockstep_mode *mode, uint32_t seed)
{
	struct rng rng;
	uint64_t end;

	rng_seed(&rng, seed);
	gen_program(&l.dut, &rng);
	lockstep_start(&l, mode, seed);
	l.retired = 0;
	for (end = l.cycles + CYCLES; l.cycles < end && !l.stuck;)
		ck_assert_msg(lockstep_cycle(&l), "%s, seed %u: %s", mode->name, seed, l.err);
}

/* Each bus behaviour, many programs. */
START_TEST(core_follows_the_model)
{
	uint32_t n;

	for (n = 0; n < PROGRAMS; n++)
		run_program(&modes[_i], 10000 * (_i + 1) + n);
}
END_TEST

/* Random is not enough if it never reaches something: all instructions and all traps must occur. */
START_TEST(programs_reach_everything)
{
	static const uint8_t exceptions[] = { 1, 2, 3, 4, 5, 6, 7, 11 };
	uint32_t n;

	for (n = 0; n < 300; n++)
		run_program(&modes[1 + n % (MODES - 1)], 90000 + n);
	for (n = 0; n < isa_count; n++)
		ck_assert_msg(l.seen[n] > 24, "%s retired only %lu times", isa_table[n].name,
			      (unsigned long)l.seen[n]);
	for (n = 0; n < sizeof(exceptions); n++)
		ck_assert_msg(l.causes[0][exceptions[n]] > 24, "exception %u only %lu times",
			      exceptions[n], (unsigned long)l.causes[0][exceptions[n]]);
	for (n = 3; n <= 11; n += 4)
		ck_assert_msg(l.causes[1][n] > 24, "interrupt %u only %lu times", n,
			      (unsigned long)l.causes[1][n]);
	ck_assert_msg(l.sleeps > 24, "only %lu sleeps", (unsigned long)l.sleeps);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("core lock-step");
	TCase *tc = tcase_create("random");
	SRunner *sr;
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, core_follows_the_model, 0, MODES);
	tcase_add_test(tc, programs_reach_everything);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
