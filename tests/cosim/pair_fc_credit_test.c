// SPDX-License-Identifier: BSD-2-Clause
/*
 * Two whole adapters over Fibre Channel that get their credit back late, in part, never, or too much of it.
 * It costs time, at worst a link reset; no command fails for it and no login ends.
 */

#include "fc_fixture.h"

#define HOST_SIDE 0u
#define TARGET_SIDE 1u
#define CREDIT 96u
#define E_D_TOV_MS 2u
#define RESET_MS 10u /* it is looked for four times in E_D_TOV, each time a tick of 1 ms late */

static struct mix mix;
static uint32_t failures[2], logins[2];
static unsigned int resets_before; /* LR is part of every bring-up */

static void counters(uint32_t fails[2], uint32_t ins[2])
{
	uint32_t val[3];

	for (unsigned int i = 0; i < 2; i++) {
		ck_assert_int_eq(weft_fc_stats(pair.cosim.end[i].fc, 2, val), 0);
		ins[i] = val[1];
		fails[i] = val[2];
	}
}

static unsigned int resets(void)
{
	return wire.side[0].resets + wire.side[1].resets - resets_before;
}

static void begin(unsigned int total)
{
	/* a port that waits for credit is not at rest: each of its cycles is to be simulated */
	open_wired(
		&(struct pair_params){ .cosim = { .wire = COSIM_FC, .e_d_tov_ms = E_D_TOV_MS } });
	counters(failures, logins);
	resets_before += resets();
	mix_start(&mix, &pair.side[0], 16, 16384, 0, total, 5);
}

/* All data are right, and whatever happened was no more than a link reset. */
static void end(void)
{
	uint32_t now[2], ins[2];

	mix_wait(&mix, 50 * MS);
	ck_assert_uint_eq(mix.errors, 0);
	mix_end(&mix);
	counters(now, ins);
	for (unsigned int i = 0; i < 2; i++) {
		ck_assert_uint_eq(now[i], failures[i]);
		ck_assert_uint_eq(ins[i], logins[i]);
		ck_assert_uint_le(wire.side[i].most, CREDIT);
	}
	ck_assert_uint_eq(lost, 0);
	close_wired();
}

/* 1: of the host, 2: of the target, 3: of both */
static void mute(int who)
{
	for (unsigned int i = 0; i < 2; i++)
		if (who >> i & 1)
			fc_wire_mute(&wire, i);
}

static void unmute(int who, bool lose)
{
	for (unsigned int i = 0; i < 2; i++)
		if (who >> i & 1)
			fc_wire_unmute(&wire, i, lose);
}

static bool starved(int who)
{
	return ((who & 1) && wire.side[HOST_SIDE].kept >= CREDIT) ||
	       ((who & 2) && wire.side[TARGET_SIDE].kept >= CREDIT);
}

START_TEST(late_credit_only_delays)
{
	begin(200);
	for (unsigned int k = 0; k < 2; k++) {
		mute(_i);
		wait_wired(starved(_i), 30 * MS);
		pair_run(&pair, E_D_TOV_MS * MS / 3);
		unmute(_i, false);
	}
	ck_assert_uint_eq(resets(), 0);
	end();
}
END_TEST

START_TEST(lost_credit_comes_back_by_link_reset)
{
	begin(200);
	mute(_i);
	wait_wired(starved(_i), 30 * MS);
	wait_wired(resets(), RESET_MS * MS);
	unmute(_i, true);
	end();
}
END_TEST

/* No R_RDY at all for long: the first credit of each link reset is used up and the next one follows. */
START_TEST(credit_that_stays_away)
{
	begin(200);
	mute(3);
	wait_wired(resets() >= 3, 3 * RESET_MS * MS);
	unmute(3, true);
	end();
}
END_TEST

/* More than was ever sent: no more frames leave than the other side has buffers for. */
START_TEST(too_much_credit_is_not_used)
{
	begin(150);
	for (unsigned int i = 0; i < 2; i++)
		for (unsigned int k = 0; k < 3; k++)
			fc_wire_r_rdys(&wire, i, 60000);
	pair_run(&pair, 300000);
	mute(3);
	wait_wired(starved(3), 30 * MS);
	pair_run(&pair, MS / 10);
	unmute(3, false);
	end();
}
END_TEST

int main(void)
{
	const struct fc_case cases[] = {
		{ "late", late_credit_only_delays, 1, 3 },
		{ "lost", lost_credit_comes_back_by_link_reset, 1, 4 },
		{ "away", credit_that_stays_away, 0, 1 },
		{ "too_much", too_much_credit_is_not_used, 0, 1 },
	};

	return run_fc_suite("pair-fc-credit", cases, sizeof(cases) / sizeof(cases[0]));
}
