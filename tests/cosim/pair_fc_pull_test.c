// SPDX-License-Identifier: BSD-2-Clause
/*
 * Two whole adapters over Fibre Channel whose cable is pulled at each step, after the n-th frame of the
 * step, and plugged in again: everything finds itself again, each command has ended once, nothing stays behind.
 * FC_PULL_STEP: frames from one pull to the next in a sweep (1: all).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fc_fixture.h"

/* From no light to a live association. The sweep is over when all came up before the n-th frame. */
START_TEST(pulled_at_each_frame_of_bring_up)
{
	unsigned int n, pulls, step = fc_sweep_step("FC_PULL_STEP", 4 + 3 * (unsigned int)_i);

	open_wired(&(struct pair_params){ .cosim.wire = _i ? COSIM_FABRIC : COSIM_FC });
	for (n = 1;; n += step) {
		pulls = wire.pulls;
		fc_wire_pull(&wire, 3 * MS);
		wait_wired(!host_live(), SECOND);
		fc_wire_pull_after(&wire, n, n % 2, 2 * MS);
		wait_wired(host_live() || wire.pulls == pulls + 2, 20 * SECOND);
		if (wire.pull_after)
			break;
		back_to_life(n);
	}
	wire.pull_after = 0;
	ck_assert_uint_gt(n, 20);
	close_wired();
}
END_TEST

/* --- during commands ---------------------------------------------------------------------------- */

#define LEN 8192u
#define LBA 256u

struct one {
	uint8_t *buf, *copy;
	struct pair_io io;
};

static void begin(struct one *c, bool write, uint32_t seed)
{
	c->buf = weft_mem_alloc(pair.side[0].dev, LEN);
	c->copy = malloc(LEN);
	ck_assert(c->buf && c->copy);
	c->io = (struct pair_io){ 0 };
	fill(c->buf, LEN, seed);
	ck_assert_int_eq(
		(write ? pair_write : pair_read)(&pair.side[0], c->buf, LBA, LEN / 512, &c->io), 0);
}

/* It has ended once, with what it says; what memory it had is not touched any more. */
static void end(struct one *c, bool write, unsigned int n)
{
	wait_wired(c->io.done, 10 * SECOND);
	memcpy(c->copy, c->buf, LEN);
	if (!c->io.error)
		ck_assert_msg(!memcmp(c->buf, pair.store.ram + LBA * 512, LEN), "%u: %s", n,
			      write ? "not written" : "read wrong data");
	back_to_life(n);
	ck_assert_uint_eq(c->io.done, 1);
	ck_assert_msg(!memcmp(c->copy, c->buf, LEN), "%u: memory written later", n);
	weft_mem_free(pair.side[0].dev, c->buf);
	free(c->copy);
}

/* A write again, and then nothing of the one before comes behind it. */
static void again(uint32_t seed)
{
	for (uint32_t i = 1; i <= 3; i++)
		round_trip(&pair.side[0], LBA, LEN, seed + i);
}

START_TEST(pulled_at_each_frame_of_a_command)
{
	bool write = _i & 1;
	unsigned int n = 0, pulls = 0, failed = 0;
	struct one c;

	open_wired(&(struct pair_params){ .cosim.wire = COSIM_FC });
	do {
		n++;
		pulls = wire.pulls;
		fc_wire_pull_after(&wire, n, (n & 1) == (unsigned int)_i / 2, 2 * MS);
		begin(&c, write, n);
		wait_wired(wire.pulls > pulls || c.io.done, SECOND);
		if (wire.pulls == pulls && !wire.dark)
			fc_wire_pull_after(&wire, 0, false, 0);
		end(&c, write, n);
		failed += c.io.error != 0;
		again(n);
	} while (wire.pulls > pulls);
	ck_assert_uint_ge(n, 6);
	ck_assert_uint_ge(failed, n - 2);
	close_wired();
}
END_TEST

/* Many commands of both kinds; each is to end once. */
START_TEST(pulled_under_load)
{
	static const unsigned int after[] = { 3, 41, 170 };
	struct mix mix;

	open_wired(&(struct pair_params){ .cosim.wire = _i ? COSIM_FABRIC : COSIM_FC,
					  .io_queues = 2 });
	for (unsigned int i = 0; i < sizeof(after) / sizeof(after[0]); i++) {
		mix_start(&mix, &pair.side[0], 16, 16384, 0, 100, i + 1);
		mix.errors_allowed = true;
		fc_wire_pull_after(&wire, after[i], i % 2, (1 + i) * MS);
		mix_wait(&mix, 20 * SECOND);
		ck_assert_uint_ge(mix.errors, 1);
		ck_assert_uint_eq(mix.done, mix.submitted);
		back_to_life(i);
		ck_assert_uint_eq(mix.done, mix.submitted);
		mix_end(&mix);
	}
	close_wired();
}
END_TEST

/* --- at the end --------------------------------------------------------------------------------- */

START_TEST(pulled_at_each_frame_of_leaving)
{
	unsigned int n = 0, pulls, step = fc_sweep_step("FC_PULL_STEP", 3);

	open_wired(&(struct pair_params){ .cosim.wire = COSIM_FC });
	do {
		n += step;
		pulls = wire.pulls;
		fc_wire_pull_after(&wire, n, n % 2, 2 * MS);
		pair_disconnect(&pair, 0);
		pair_run(&pair, MS);
		wire.pull_after = 0;
		target_is_empty(SECOND);
		wait_wired(!wire.pulled && !wire.dark, SECOND);
		connect_host(0);
		back_to_life(n);
	} while (wire.pulls > pulls);
	ck_assert_uint_ge(n, 4);
	close_wired();
}
END_TEST

int main(void)
{
	const struct fc_case cases[] = {
		{ "bring_up", pulled_at_each_frame_of_bring_up, 0, 2 },
		{ "command", pulled_at_each_frame_of_a_command, 0, 2 },
		{ "load", pulled_under_load, 0, 2 },
		{ "leaving", pulled_at_each_frame_of_leaving, 0, 1 },
	};

	return run_fc_suite("pair-fc-pull", cases, sizeof(cases) / sizeof(cases[0]));
}
