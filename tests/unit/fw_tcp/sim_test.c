/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whole connections against a simple peer over a link that loses, repeats and reorders with a seed. Both directions carry data
 * at once; every byte is compared, and at the end both sides close. The peer is written for clarity: it keeps one mark per byte.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/bytes.h"
#include "tcp_helper.h"

Suite *sim_suite(void);

#define STEP_NS 100000u
#define DELAY_NS 400000u
#define LINK_MAX 4096u
#define TOTAL_MAX (4u << 20)
#define PEER_SEGS 24u
#define PEER_MSS 1400u
#define PEER_RTO_MS 60u

struct trial {
	const char *name;
	struct agree a;
	uint32_t loss, dup, late; /* per 1000 */
	bool slow_only, one_way;
	uint16_t pdus;
	uint32_t pdu_max, back;
};

struct carried {
	uint64_t at;
	uint32_t len;
	uint8_t *data;
	bool to_us;
};

static struct {
	const struct trial *trial;
	uint32_t rng;
	struct carried link[LINK_MAX];
	uint32_t n;
	/* peer as receiver */
	uint8_t *got;                         /* per byte of ours */
	uint32_t rcv, top, latest, since_ack; /* top: above all that came */
	uint64_t ack_at;
	bool fin_got;
	uint32_t fin_at;
	/* peer as sender */
	uint32_t una, nxt, total, dups, wnd, resent_at;
	uint64_t rto_at;
	bool fin_acked;
	uint32_t ts_recent;
	uint32_t lost, segments;
} sim;

static uint32_t rnd(uint32_t n)
{
	sim.rng ^= sim.rng << 13;
	sim.rng ^= sim.rng >> 17;
	sim.rng ^= sim.rng << 5;
	return sim.rng % n;
}

/* --- the link --------------------------------------------------------------------------------------------------------- */

static void carry_once(const uint8_t *frame, uint32_t len, bool to_us)
{
	struct carried *c;

	must(sim.n < LINK_MAX);
	c = &sim.link[sim.n++];
	c->at = hal_now_ns() + DELAY_NS;
	if (rnd(1000) < sim.trial->late)
		c->at += rnd(30) * STEP_NS;
	c->len = len;
	c->to_us = to_us;
	c->data = malloc(len);
	memcpy(c->data, frame, len);
}

static void carry(const uint8_t *frame, uint32_t len, bool to_us)
{
	sim.segments++;
	if (rnd(1000) < sim.trial->loss) {
		sim.lost++;
		return;
	}
	carry_once(frame, len, to_us);
	if (rnd(1000) < sim.trial->dup)
		carry_once(frame, len, to_us);
}

static void from_us(void *arg, const uint8_t *frame, uint32_t len)
{
	(void)arg;
	carry(frame, len, false);
}

/* --- the peer --------------------------------------------------------------------------------------------------------- */

static uint32_t sack_ranges(struct range *r)
{
	uint32_t n = 0, at = sim.rcv, end = sim.top;
	struct range all[64];
	uint32_t k = 0;

	while (at < end && k < 64) {
		uint32_t b;

		while (at < end && !sim.got[at])
			at++;
		for (b = at; b < end && sim.got[b]; b++)
			;
		if (b > at)
			all[k++] = (struct range){ OURS(at), OURS(b) };
		at = b;
	}
	for (uint32_t i = 0; i < k; i++)
		if (SEQ_LEQ(all[i].start, OURS(sim.latest)) && SEQ_GT(all[i].end, OURS(sim.latest)))
			r[n++] = all[i];
	for (uint32_t i = 0; i < k && n < 3; i++)
		if (!n || all[i].start != r[0].start)
			r[n++] = all[i];
	return n;
}

static void peer_send(uint8_t flags, uint32_t off, uint32_t len)
{
	uint8_t data[PEER_MSS], f[2000];
	struct in s = { .flags = flags, .seq = PEERS(off), .data = data, .len = len };

	s.ack = OURS(sim.rcv) + sim.fin_got;
	s.tsecr = sim.ts_recent;
	for (uint32_t i = 0; i < len; i++)
		data[i] = pattern(off + i);
	if (sim.trial->a.sack && !sim.fin_got)
		s.n_sack = sack_ranges(s.sack);
	sim.since_ack = 0;
	sim.ack_at = 0;
	carry(f, build_frame(f, &s, tcp_local_port(CONN) ? tcp_local_port(CONN) : 1), true);
}

static void peer_data(const struct out *o)
{
	uint32_t off = o->seq - OURS(0);
	bool in_order = off <= sim.rcv;

	check_data(o);
	memset(sim.got + off, 1, o->len);
	sim.latest = off;
	sim.top = off + o->len > sim.top ? off + o->len : sim.top;
	while (sim.rcv < expected_len && sim.got[sim.rcv])
		sim.rcv++;
	sim.since_ack++;
	if (!in_order || off + o->len <= sim.rcv - o->len * !!(off + o->len == sim.rcv) ||
	    sim.since_ack >= 2)
		peer_send(TH_ACK, sim.nxt, 0);
	else if (!sim.ack_at)
		sim.ack_at = hal_now_ns() + 5000000;
}

static void peer_ack(const struct out *o)
{
	uint32_t ack = o->ack - PEERS(0);

	sim.wnd = (uint32_t)o->wnd << hal_conn_ctx(CONN)->rcv_scale;
	if ((int32_t)(ack - sim.una) > 0) {
		if (ack > sim.total)
			sim.fin_acked = true;
		sim.una = ack < sim.total ? ack : sim.total;
		sim.dups = 0;
		sim.rto_at = hal_now_ns() + PEER_RTO_MS * 1000000ull;
		if (sim.nxt < sim.una)
			sim.nxt = sim.una;
	} else if (ack == sim.una && !o->len && sim.nxt > sim.una && ++sim.dups == 3 &&
		   sim.resent_at != sim.una) {
		uint32_t n = sim.total - sim.una;

		sim.resent_at = sim.una;
		peer_send(TH_ACK, sim.una, n < PEER_MSS ? n : PEER_MSS);
	}
}

static void peer_receive(const uint8_t *frame, uint32_t len)
{
	struct out o;

	if (!take_apart(frame, len, &o))
		return;
	must(!(o.flags & TH_RST));
	if (o.have_ts && SEQ_LEQ(o.seq, OURS(sim.rcv)))
		sim.ts_recent = o.tsval;
	peer_ack(&o);
	if (o.len)
		peer_data(&o);
	if (o.flags & TH_FIN) {
		sim.fin_at = o.seq + o.len - OURS(0);
		ck_assert_uint_eq(sim.fin_at, expected_len);
		sim.fin_got |= sim.rcv == sim.fin_at;
		peer_send(TH_ACK, sim.nxt, 0);
	}
}

static void peer_step(void)
{
	uint64_t now = hal_now_ns();

	if (sim.ack_at && now >= sim.ack_at)
		peer_send(TH_ACK, sim.nxt, 0);
	if ((sim.una < sim.nxt || (sim.fin_got && !sim.fin_acked)) && now >= sim.rto_at) {
		sim.nxt = sim.una; /* go back */
		sim.rto_at = now + PEER_RTO_MS * 1000000ull;
		if (sim.nxt == sim.total && sim.fin_got)
			peer_send(TH_FIN | TH_ACK, sim.total, 0);
	}
	while (sim.nxt < sim.total && sim.nxt - sim.una < PEER_SEGS * PEER_MSS &&
	       sim.nxt - sim.una < sim.wnd) {
		uint32_t n = sim.total - sim.nxt;

		n = n < PEER_MSS ? n : PEER_MSS;
		n = n < sim.una + sim.wnd - sim.nxt ? n : sim.una + sim.wnd - sim.nxt;
		if (sim.una == sim.nxt)
			sim.rto_at = now + PEER_RTO_MS * 1000000ull;
		peer_send(TH_ACK, sim.nxt, n);
		sim.nxt += n;
	}
}

/* --- a trial ---------------------------------------------------------------------------------------------------------- */

static void deliver_due(void)
{
	uint64_t now = hal_now_ns();
	uint32_t n = sim.n, left = 0;

	/* Answers are appended meanwhile; they are due later. */
	for (uint32_t i = 0; i < n; i++) {
		struct carried *c = &sim.link[i];

		if (c->at > now)
			continue;
		if (c->to_us)
			fake_rx(c->data, c->len);
		else
			peer_receive(c->data, c->len);
		free(c->data);
		c->data = NULL;
	}
	for (uint32_t i = 0; i < sim.n; i++)
		if (sim.link[i].data)
			sim.link[left++] = sim.link[i];
	sim.n = left;
}

static void step(void)
{
	fake_advance(sim.n ? STEP_NS :
			     5 * STEP_NS); /* nothing on the link: only timers can do something */
	deliver_due();
	peer_step();
	pump();
}

static void run_until(bool (*done)(void), uint32_t max_ms)
{
	uint64_t end = hal_now_ns() + max_ms * 1000000ull;

	while (!done()) {
		step();
		if (hal_now_ns() > end)
			ck_abort_msg("%s: stuck, peer got %u of %u, sent %u of %u, acked PDUs %u",
				     sim.trial->name, sim.rcv, expected_len, sim.una, sim.total,
				     user[CONN].acked);
	}
}

static bool transferred(void)
{
	uint32_t got;

	fake_stream(CONN, &got);
	return user[CONN].acked == sim.trial->pdus && got == sim.total;
}

static bool over(void)
{
	return user[CONN].closed && sim.n == 0;
}

static void start_trial(const struct trial *t, uint32_t seed)
{
	memset(&sim, 0, sizeof(sim));
	sim.trial = t;
	sim.rng = seed * 2654435761u | 1;
	sim.wnd = 65535;
	sim.resent_at = UINT32_MAX;
	sim.total = t->one_way ? 0 : t->back;
	sim.got = calloc(1, TOTAL_MAX);
	open_conn(&t->a);
	fake_opt.slow_only = t->slow_only;
	fake_set_out(from_us, NULL);
	sim.ts_recent = (uint32_t)(hal_now_ns() >> 20);
}

static const struct trial trials[] = {
	{ "clean", { true, true, 7, 1460, PEER_WND }, 0, 0, 0, false, false, 40, 20000, 300000 },
	{ "clean, slow mode",
	  { true, true, 7, 1460, PEER_WND },
	  0,
	  0,
	  0,
	  true,
	  false,
	  40,
	  20000,
	  300000 },
	{ "1 % loss", { true, true, 7, 1460, PEER_WND }, 10, 0, 0, false, false, 40, 30000, 300000 },
	{ "1 % loss, slow mode",
	  { true, true, 7, 1460, PEER_WND },
	  10,
	  0,
	  0,
	  true,
	  false,
	  40,
	  30000,
	  300000 },
	{ "5 % loss", { true, true, 7, 1460, PEER_WND }, 50, 0, 0, false, false, 40, 20000, 200000 },
	{ "5 % loss, no SACK",
	  { true, false, 7, 1460, PEER_WND },
	  50,
	  0,
	  0,
	  false,
	  false,
	  40,
	  20000,
	  200000 },
	{ "3 % loss, no options",
	  { false, false, -1, 1460, PEER_WND },
	  30,
	  0,
	  0,
	  false,
	  false,
	  40,
	  10000,
	  100000 },
	{ "20 % loss", { true, true, 7, 1460, PEER_WND }, 200, 0, 0, false, false, 10, 20000, 50000 },
	{ "repeats", { true, true, 7, 1460, PEER_WND }, 0, 200, 0, false, false, 40, 20000, 300000 },
	{ "reorder", { true, true, 7, 1460, PEER_WND }, 0, 0, 200, false, false, 40, 20000, 300000 },
	{ "everything",
	  { true, true, 7, 1460, PEER_WND },
	  20,
	  50,
	  100,
	  false,
	  false,
	  40,
	  20000,
	  200000 },
	{ "everything, slow mode",
	  { true, true, 7, 1460, PEER_WND },
	  20,
	  50,
	  100,
	  true,
	  false,
	  40,
	  20000,
	  200000 },
	{ "everything, no SACK",
	  { true, false, 7, 1460, PEER_WND },
	  20,
	  50,
	  100,
	  false,
	  false,
	  30,
	  20000,
	  100000 },
	{ "small window", { true, true, 0, 1460, 4000 }, 10, 0, 0, false, false, 30, 10000, 100000 },
	{ "small PDUs", { true, true, 7, 1460, PEER_WND }, 30, 10, 10, false, false, 200, 60, 100000 },
	{ "one way", { true, true, 7, 1460, PEER_WND }, 20, 0, 0, false, true, 40, 40000, 0 },
};
#define SEEDS 5

START_TEST(every_byte_arrives_once)
{
	const struct trial *t = &trials[_i / SEEDS];
	struct tcp_stats st;

	start_trial(t, (uint32_t)(_i % SEEDS) + 1);
	for (uint16_t i = 1; i <= t->pdus; i++) {
		send_pdu(i, rnd(t->pdu_max));
		if (i > 20)
			step();
	}
	run_until(transferred, 120000);
	ck_assert_uint_eq(sim.rcv, expected_len);
	ck_assert(user[CONN].in_order);
	check_stream(sim.total);
	tcp_get_stats(CONN, &st);
	if (!t->loss && !t->late && !t->dup) {
		ck_assert_uint_eq(st.retransmits, 0);
		ck_assert_uint_eq(sim.lost, 0);
	}
	ck_assert_int_eq(tcp_close(CONN), 0);
	run_until(over, 60000);
	ck_assert_int_eq(user[CONN].err, 0);
	fake_set_out(capture, NULL);
	free(sim.got);
}
END_TEST

START_TEST(losses_cost_fast_retransmits_more_than_timeouts)
{
	const struct trial *t = &trials[2];
	uint32_t rtos = 0, fast = 0;

	for (uint32_t seed = 10; seed < 13; seed++) {
		struct tcp_stats st;

		start_trial(t, seed);
		for (uint16_t i = 1; i <= t->pdus; i++)
			send_pdu(i, 30000);
		run_until(transferred, 60000);
		tcp_get_stats(CONN, &st);
		rtos += st.rtos;
		fast += st.fast_retransmits;
		ck_assert_uint_le(st.retransmits, sim.lost * 2 + 5);
		tcp_abort(CONN, 0);
		fake_set_out(capture, NULL);
		for (uint32_t i = 0; i < sim.n; i++)
			free(sim.link[i].data);
		free(sim.got);
		pump();
		teardown();
		setup();
	}
	ck_assert_uint_gt(fast, rtos);
}
END_TEST

Suite *sim_suite(void)
{
	Suite *s = suite_create("sim");
	TCase *t = tcase_create("sim");

	tcase_set_timeout(t, 40);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, every_byte_arrives_once, 0,
			    SEEDS * (int)(sizeof(trials) / sizeof(trials[0])));
	tcase_add_test(t, losses_cost_fast_retransmits_more_than_timeouts);
	suite_add_tcase(s, t);
	return s;
}
