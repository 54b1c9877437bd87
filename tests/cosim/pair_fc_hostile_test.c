// SPDX-License-Identifier: BSD-2-Clause
/*
 * Two whole adapters over Fibre Channel, and frames on their cable that neither of them sent: of strangers,
 * and in the other's name, at any moment.
 */
#include <stdlib.h>
#include <string.h>

#include "fc_fixture.h"
#include "fc_frames.h"

#define STRANGER 0x0b0c0du
#define NOBODYS_XID 0x7ff0

static struct fc_frame_of seen[2]; /* what each side sent last */
static uint64_t connection;        /* of the I/O queue */
static struct mix mix;

/* What is thrown in, and when: every so many frames of the traffic. */
static struct {
	enum fc_frame_kind first, last; /* one after the other, to both sides */
	bool stranger, live;            /* live: names exchanges that are open */
	unsigned int every, passed, n;
	int bend; /* of the frames' ends: next in the list of bends; -1: none */
} throw;

static void look(unsigned int from, const struct fc_wire_frame *f)
{
	struct fc_frame_of *s = &seen[from];

	if (f->s_id)
		s->s_id = f->s_id;
	s->d_id = f->d_id;
	if (f->type != 8)
		return;
	s->ox_id = f->ox_id;
	s->rx_id = f->rx_id;
	s->responder = f->f_ctl & 0x800000;
	if (f->r_ctl == 6 && f->payload[6] == 8)
		for (unsigned int i = connection = 0; i < 8; i++)
			connection = connection << 8 | f->payload[8 + i];
}

static struct fc_frame_of sender(unsigned int to)
{
	struct fc_frame_of of = seen[!to];

	of.d_id = seen[to].s_id;
	of.wwnn = COSIM_WWNN + !to;
	of.wwpn = COSIM_WWPN + !to;
	if (throw.stranger) {
		of.s_id = STRANGER;
		of.wwnn = of.wwpn = 0x2fedcba987654321ull;
	}
	if (!throw.live)
		of.ox_id = NOBODYS_XID;
	of.connection = connection;
	of.subnqn = PAIR_NQN;
	return of;
}

/* SOF, EOF, CRC, lengths */
static const struct {
	int at;
	uint8_t byte;
	size_t len;
} bends[] = {
	{ 0, 0x36, 0 },   { 0, 0x2d, 0 },   { 0, 0, 0 },  { 0, 0x42, 0 },  { -4, 0x41, 0 },
	{ -4, 0x50, 0 },  { -4, 0x49, 0 },  { -4, 0, 0 }, { -8, 0x55, 0 }, { -5, 0x55, 0 },
	{ 1, 0, 36 },     { 1, 0, 40 },     { 1, 0, 56 }, { 9, 0x7f, 0 },  { 4 + 9, 0xff, 0 },
	{ 4 + 13, 3, 0 }, { 4 + 15, 1, 0 },
};

#define BENDS (int)(sizeof(bends) / sizeof(bends[0]))

static void throw_one(unsigned int to)
{
	struct fc_frame_of of = sender(to);
	struct fc_wire_frame f;
	enum fc_frame_kind kind = throw.first + throw.n / 2 % (throw.last - throw.first + 1u);
	int b = throw.bend;

	f = fc_frame(kind, &of);
	if (kind <= FK_LS_CUT)
		f.ox_id = (uint16_t)(0xc000 + throw.n);
	if (b < 0) {
		throw.n += fc_wire_send(&wire, to, &f);
	} else if (fc_wire_send_bent(&wire, to, &f, bends[b].at, bends[b].byte, bends[b].len)) {
		throw.bend = (b + (int)(throw.n & 1)) % BENDS;
		throw.n++;
	}
}

static enum fc_wire_do rule(void *arg, unsigned int from, const struct fc_wire_frame *f)
{
	(void)arg;
	look(from, f);
	if (throw.every && ++throw.passed % throw.every == 0)
		throw_one(throw.n & 1);
	return FC_WIRE_PASS;
}

/* An association whose connection was seen. */
static void begin(struct pair_params *params)
{
	memset(&throw, 0, sizeof(throw));
	throw.bend = -1;
	memset(seen, 0, sizeof(seen));
	open_wired(params);
	wire.rule = rule;
	round_trip(&pair.side[0], 0, 4096, 1);
	ck_assert(connection && seen[0].s_id && seen[1].s_id);
}

static void throw_all(enum fc_frame_kind first, enum fc_frame_kind last, unsigned int every)
{
	throw.first = first;
	throw.last = last;
	throw.every = every;
	throw.n = 0;
}

/* --- no command may suffer ------------------------------------------------------------------------ */

/* Each kind of frame of a port that is not logged in, or has no part in the exchange it names. */
static void undisturbed(enum fc_frame_kind first, enum fc_frame_kind last, unsigned int times)
{
	unsigned int want = 2 * times * (last - first + 1u);

	throw_all(first, last, 6);
	for (unsigned int k = 0; throw.n < want; k++) {
		mix_start(&mix, &pair.side[0], 8, 8192, 0, 60, k + 1);
		mix_wait(&mix, 20 * SECOND);
		ck_assert_uint_eq(mix.errors, 0);
		mix_end(&mix);
		ck_assert_uint_lt(k, 60);
	}
	throw.every = 0;
	ck_assert_uint_eq(lost, 0);
}

START_TEST(strangers_change_nothing)
{
	begin(&(struct pair_params){ .cosim.wire = COSIM_FC });
	throw.stranger = throw.live = true;
	undisturbed(FK_PLOGI, FK_KINDS - 1, 1); /* the first of them logs in */
	back_to_life(1);
	ck_assert_uint_eq(lost, 0);
	wire.rule = NULL;
	close_pair();
}
END_TEST

/* SLER and CONF are declined at PRLI; the others are of no use. */
START_TEST(recovery_that_was_declined_is_no_harm)
{
	begin(&(struct pair_params){ .cosim.wire = COSIM_FC });
	throw.live = true;
	undisturbed(FK_CONF, FK_TYPE, 4);
	close_wired();
}
END_TEST

START_TEST(link_services_that_are_bent_are_no_harm)
{
	begin(&(struct pair_params){ .cosim.wire = COSIM_FC });
	undisturbed(FK_ADISC, FK_ELS_EMPTY, 1);
	undisturbed(FK_LS_DISCONNECT, FK_CMND_BENT, 2);
	close_wired();
}
END_TEST

/* Bad SOF, EOF, CRC, length, F_CTL, DF_CTL, SEQ_CNT of frames that would be right else. */
START_TEST(frames_that_are_bent_are_no_harm)
{
	begin(&(struct pair_params){ .cosim.wire = COSIM_FC });
	throw.bend = 0;
	throw.live = true;
	undisturbed(FK_SR, FK_SR, BENDS);
	undisturbed(FK_RRQ, FK_RRQ, BENDS);
	close_wired();
}
END_TEST

/* As many as there is room for; associations that are made so and not used end by themselves. */
START_TEST(a_flood_of_link_services)
{
	begin(&(struct pair_params){ .cosim.wire = COSIM_FC, .target.connect_timeout_ms = 50 });
	throw_all(_i ? FK_LS_DESCRIPTOR : FK_LS_CREATE, _i ? FK_LS_SHORT : FK_LS_DISCONNECT, 0);
	mix_start(&mix, &pair.side[0], 8, 8192, 0, 100, 3);
	for (unsigned int k = 0; k < 150; k++) {
		for (unsigned int i = 0; i < 4; i++)
			throw_one(_i ? i & 1 : 1);
		pair_run(&pair, 10000);
	}
	mix_wait(&mix, 20 * SECOND);
	ck_assert_uint_eq(mix.errors, 0);
	mix_end(&mix);
	ck_assert_uint_gt(throw.n, 200);
	ck_assert_uint_eq(lost, 0);
	close_wired();
}
END_TEST

/* --- commands may end --------------------------------------------------------------------------------- */

/* In the name of the other side, which knows nothing of it: logins begin and end under load. */
START_TEST(logins_at_any_moment)
{
	static const unsigned int at[] = { 25 };

	begin(&(struct pair_params){ .cosim.wire = COSIM_FC, .io_timeout_ms = 20 });
	for (unsigned int k = 0; k < sizeof(at) / sizeof(at[0]); k++) {
		for (unsigned int to = 0; to < 2; to++) {
			mix_start(&mix, &pair.side[0], 8, 8192, 0, 50, k + 1);
			mix.errors_allowed = true;
			throw_all((enum fc_frame_kind)_i, (enum fc_frame_kind)_i, at[k]);
			throw.n = to;
			throw.passed = 0;
			wait_wired(throw.n > to, SECOND);
			throw.every = 0;
			mix_wait(&mix, 60 * SECOND);
			mix_end(&mix);
			back_to_life(k);
		}
	}
	close_wired();
}
END_TEST

#define READS 8u
#define LEN 8192u

static void reads(struct pair_io io[READS], uint8_t *buf)
{
	memset(buf, 0xee, READS * LEN);
	for (unsigned int i = 0; i < READS; i++) {
		io[i] = (struct pair_io){ 0 };
		ck_assert_int_eq(pair_read(&pair.side[0], buf + i * LEN, i * LEN / 512, LEN / 512,
					   &io[i]),
				 0);
	}
	for (unsigned int i = 0; i < READS; i++)
		wait_wired(io[i].done, 60 * SECOND);
	for (unsigned int i = 0; i < READS; i++)
		ck_assert_msg(io[i].error || !memcmp(buf + i * LEN, pair.store.ram + i * LEN, LEN),
			      "read %u: wrong data", i);
}

/* Frames of open exchanges that their sender would not send now: what is read is right, or failed. */
START_TEST(wrong_frames_of_open_exchanges)
{
	uint8_t *buf;
	struct pair_io io[READS];

	begin(&(struct pair_params){ .cosim.wire = COSIM_FC, .io_timeout_ms = 10 });
	buf = weft_mem_alloc(pair.side[0].dev, READS * LEN);
	fill(pair.store.ram, READS * LEN, 9);
	throw.live = true;
	for (unsigned int kind = FK_XFER_RDY; kind <= FK_BA_RJT; kind++) {
		for (unsigned int to = 0; to < 2; to++) {
			throw_all((enum fc_frame_kind)kind, (enum fc_frame_kind)kind, 13);
			throw.n = to;
			reads(io, buf);
			throw.every = 0;
			back_to_life(kind);
			for (unsigned int i = 0; i < READS; i++)
				ck_assert_uint_eq(io[i].done, 1);
		}
	}
	weft_mem_free(pair.side[0].dev, buf);
	close_wired();
}
END_TEST

int main(void)
{
	const struct fc_case cases[] = {
		{ "strangers", strangers_change_nothing, 0, 1 },
		{ "recovery", recovery_that_was_declined_is_no_harm, 0, 1 },
		{ "services", link_services_that_are_bent_are_no_harm, 0, 1 },
		{ "bent", frames_that_are_bent_are_no_harm, 0, 1 },
		{ "flood", a_flood_of_link_services, 0, 2 },
		{ "logins", logins_at_any_moment, FK_PLOGI, FK_PRLO + 1 },
		{ "exchanges", wrong_frames_of_open_exchanges, 0, 1 },
	};

	return run_fc_suite("pair-fc-hostile", cases, sizeof(cases) / sizeof(cases[0]));
}
