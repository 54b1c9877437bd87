// SPDX-License-Identifier: BSD-2-Clause
/*
 * Two whole adapters over Fibre Channel, and something happens to one frame of a command, to each in turn:
 * lost, damaged, doubled, or so late that the exchange is aborted and its slot in use again. Data are right
 * or the command failed, and afterwards all is as before.
 */
#include <stdlib.h>
#include <string.h>

#include "fc_fixture.h"

#define LEN 8192u
#define LBA 128u
#define TYPE_FCP 0x08

static struct {
	enum fc_wire_do what;
	unsigned int at; /* frames of commands until it happens; 0: no more */
} fault;

static enum fc_wire_do rule(void *arg, unsigned int from, const struct fc_wire_frame *f)
{
	(void)arg;
	(void)from;
	if (f->type != TYPE_FCP || !fault.at || --fault.at)
		return FC_WIRE_PASS;
	return fault.what;
}

static void command(bool write, unsigned int n)
{
	uint8_t *buf = weft_mem_alloc(pair.side[0].dev, LEN), *copy = malloc(LEN);
	uint8_t *ram = pair.store.ram + LBA * 512;
	struct pair_io io = { 0 };

	ck_assert(buf && copy);
	fill(buf, LEN, 2 * n);
	fill(ram, LEN, 2 * n + 1);
	ck_assert_int_eq((write ? pair_write : pair_read)(&pair.side[0], buf, LBA, LEN / 512, &io),
			 0);
	wait_wired(io.done, 60 * SECOND);
	memcpy(copy, buf, LEN);
	if (!io.error)
		ck_assert_msg(!memcmp(buf, ram, LEN), "frame %u: wrong data", n);
	pair_run(&pair, MS);
	wait_wired(host_live(), 60 * SECOND);
	for (unsigned int i = 0; i < 3; i++) { /* what comes late comes into the midst of these */
		fill(ram, LEN, 100 * n + i);
		round_trip(&pair.side[0], LBA, LEN, n + i);
		if (i == 0)
			fc_wire_release(&wire);
	}
	back_to_life(n);
	ck_assert_uint_eq(io.done, 1);
	ck_assert_msg(!memcmp(copy, buf, LEN), "frame %u: memory written later", n);
	weft_mem_free(pair.side[0].dev, buf);
	free(copy);
}

START_TEST(each_frame_of_a_command)
{
	bool write = _i & 1;
	unsigned int step = 1;

	open_wired(&(struct pair_params){ .cosim.wire = COSIM_FC, .io_timeout_ms = 5 });
	wire.rule = rule;
	fault.what = (enum fc_wire_do)(FC_WIRE_LOSE + _i / 2);
	if (fault.what == FC_WIRE_DAMAGE) /* it is lost, too: some suffice */
		step = 3;
	for (unsigned int n = 1; n <= (write ? 7 : 6); n += step) {
		fault.at = n;
		command(write, n);
	}
	close_wired();
}
END_TEST

int main(void)
{
	const struct fc_case cases[] = {
		{ "frame", each_frame_of_a_command, 0, 8 },
	};

	return run_fc_suite("pair-fc-frame", cases, sizeof(cases) / sizeof(cases[0]));
}
