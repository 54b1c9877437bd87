/* SPDX-License-Identifier: BSD-2-Clause */
/* Bench of weft_fc_rx, what the core asks for: FRX_PLACE and FCX_STOP, under traffic and with an event queue that takes nothing. */
#include <algorithm>
#include <check.h>
#include <cstring>

#include "fc_model.h"

void add_core_cases(Suite *s);

static void all_free(Bench &b)
{
	b.settle();
	ck_assert_uint_eq(b.reg(ENG_FRX_BUFS), ENG_N_FCBUF);
	b.check_memory();
}

static Frame command(Rng &rng, unsigned len)
{
	Frame f;
	f.r_ctl = 6;
	f.f_ctl = 0x290000;
	f.eof = EOF_T;
	f.ox_id = (uint16_t)rng.next();
	f.payload = random_bytes(rng, len);
	return f;
}

/* The bytes of the buffer as firmware sees them. */
static Bytes whole(const Frame &f)
{
	Bytes h = f.header(), d = f.data();
	size_t len = h.size() + d.size();
	Bytes w = {(uint8_t)len, (uint8_t)(len >> 8), f.sof, f.eof, 0, 0, 0, 0};
	w.insert(w.end(), h.begin(), h.end());
	w.insert(w.end(), d.begin(), d.end());
	return w;
}

/* Any range of a buffer to any address, kept or freed, while data frames go through. */
START_TEST(frx_place)
{
	Bench b(500 + _i, _i & 1 ? ENG_FCM_FCOE : ENG_FCM_NATIVE);
	b.wr_pct = _i & 2 ? 40 : 100;
	Exch x(b, 10, 1500000, 0, 20);
	unsigned sent = 0;
	for (unsigned i = 0; i < 150; i++) {
		Frame f = command(b.rng, b.rng.pct(30) ? 2112 : b.rng.below(300));
		b.send(f);
		unsigned buf, rounds = 1 + b.rng.below(3);
		Event e;
		do /* data frames keep the writer busy */
			if (b.wire_left() < 4 && sent - b.cnt[C_PLACED] < 20 && x.x.next + 2112 <= x.x.end)
				x.send(4 * b.rng.range(1, 528), false), sent++;
			else
				b.tick();
		while (!b.next_event(e));
		buf = e.w1 & 0xff;
		Bytes w = whole(f);
		for (unsigned r = 0; r < rounds; r++) {
			unsigned off = b.rng.below((unsigned)w.size()), len = b.rng.range(1, (unsigned)w.size() - off);
			if (b.rng.pct(20))
				off = 0, len = (unsigned)w.size();
			uint64_t at = b.alloc(len);
			b.expect(at, &w[off], len);
			b.frx_place(buf, off, len, at, 10, r == rounds - 1);
		}
	}
	all_free(b);
	x.check();
	ck_assert(b.flags.empty());
	ck_assert_uint_gt(b.cnt[C_PLACED], 150);
}
END_TEST

/* Ranges that are none: nothing is written, the buffer comes back if asked; no such buffer; a buffer that is not firmware's. */
START_TEST(frx_refused)
{
	Bench b(510);
	Frame f = command(b.rng, 100);
	const struct {
		unsigned off, len;
	} bad[] = {{0, 0}, {2304, 1}, {0, 2305}, {2303, 2}, {0xffff, 0xffff}, {1, 0xffff}};
	unsigned buf;
	for (auto &t : bad) {
		b.send(f);
		expect_event(b, f, V_NONE, 0, &buf);
		b.frx_place(buf, t.off, t.len, Bench::MEM_BASE, 3, false);
		ck_assert_uint_eq(b.reg(ENG_FRX_BUFS), ENG_N_FCBUF - 1);
		b.frx_place(buf, t.off, t.len, Bench::MEM_BASE, 3, true);
		all_free(b);
	}
	b.frx_place(0x83, 0, 64, Bench::MEM_BASE, 3, true);
	uint64_t at = b.alloc(ENG_FCBUF_SIZE);
	b.frx_place(5, 0, ENG_FCBUF_SIZE, at, 3, true); /* what it holds is nobody's, but it must not get on the list */
	b.settle();
	ck_assert_uint_eq(b.reg(ENG_FRX_BUFS), ENG_N_FCBUF);
	ck_assert_uint_eq(b.rrdy, sizeof(bad) / sizeof(bad[0]));
}
END_TEST

/* An error of such a write: the sticky flag of the slot it names; a slot that is none harms nothing. */
START_TEST(frx_error)
{
	Bench b(515);
	Frame f = command(b.rng, 96);
	Exch x(b, 20, 64);
	unsigned buf;
	b.send(f);
	expect_event(b, f, V_NONE, 0, &buf);
	uint64_t at = b.alloc(64);
	Bytes w = whole(f);
	b.bad_writes.push_back({at, at + 63});
	b.expect(at, &w[32], 64);
	b.frx_place(buf, 32, 64, at, 20, false);
	b.frx_place(buf, 32, 64, at, ENG_NO_SLOT, true);
	all_free(b);
	ck_assert_uint_eq(b.flags.size(), 2);
	ck_assert_uint_eq(b.flags[0].first, 20);
	ck_assert_uint_eq(b.flags[1].first, ENG_NO_SLOT);
	x.x.flags |= ENG_FCX_DMA_ERR;
	x.check();
}
END_TEST

/* The queue takes no events: the core's registers answer nevertheless, and nothing is lost. */
START_TEST(events_stand)
{
	Bench b(520);
	std::vector<Exch> xs;
	for (unsigned i = 0; i < 400; i++)
		xs.emplace_back(b, i, 64, ENG_FCX_EVENT, 1);
	Frame f = command(b.rng, 96);
	unsigned buf;
	b.send(f);
	expect_event(b, f, V_NONE, 0, &buf);
	b.evt_pct = 0;
	for (unsigned i = 0; i < 60; i++)
		xs[i].send(64, true);
	b.sent();
	b.ticks(3000);
	uint64_t at = b.alloc(96);
	b.expect(at, f.payload.data(), 96);
	b.frx_place(buf, 32, 96, at, 0, true);
	for (unsigned i = 0; i < 400; i++)
		b.reg(ENG_FCX_STOP, i);
	ck_assert(b.events.empty());
	b.evt_pct = 100;
	b.settle();
	std::vector<unsigned> placed, stopped;
	for (auto &e : b.events) {
		if (e.type == ENG_EVT_FC_FRAME) { /* overtaken by its stop */
			ck_assert_uint_eq(e.id, ENG_NO_SLOT);
			continue;
		}
		(e.type == ENG_EVT_FC_PLACED ? placed : stopped).push_back(e.id);
		if (e.type == ENG_EVT_FC_PLACED) /* not after its stop */
			ck_assert(std::find(stopped.begin(), stopped.end(), e.id) == stopped.end());
	}
	ck_assert_uint_eq(stopped.size(), 400);
	for (unsigned i = 0; i < 400; i++)
		ck_assert_uint_eq(stopped[i], i);
	for (unsigned i = 0; i < placed.size(); i++)
		ck_assert_uint_eq(placed[i], i);
	ck_assert_uint_eq(placed.size() + b.cnt[C_TO_FW] - 1, 60);
}
END_TEST

/* Stops of slots whose frames come: up to one frame all data are there, answered; from then on frames match nothing. */
START_TEST(stop_under_traffic)
{
	Bench b(530 + _i, _i & 1 ? ENG_FCM_FCOE : ENG_FCM_NATIVE);
	b.wr_pct = 30;
	b.wr_latency = 300;
	b.wr_jitter = 300;
	for (unsigned round = 0; round < 20; round++) {
		unsigned slot = 700 + round % 3, len = 60000;
		b.make_slot(slot, len, 1 + b.rng.below(20));
		Exch x(b, slot, 0, 0, 1, 0, round);
		Exch y(b, 800 + round % 3, 0, 0, 1, 0, round);
		b.make_slot(y.slot, len, 3);
		x.x.end = y.x.end = len;
		x.arm();
		y.arm();
		std::vector<Frame> xf;
		struct eng_fcx ahead = x.x;
		for (unsigned i = 0; i < 24; i++) {
			Frame f = x.next(4 * b.rng.range(1, 528), false);
			xf.push_back(f);
			b.send(f);
			apply(x.x, f, V_PLACE);
			y.send(4 * b.rng.range(1, 528), false);
		}
		b.ticks(b.rng.below(6000));
		b.reg(ENG_FCX_STOP, slot);
		b.settle();
		/* the frames placed are those up to next */
		struct eng_fcx got = b.fcx(slot);
		ck_assert_uint_eq(got.flags & (ENG_FCX_MATCH | ENG_FCX_ARMED), 0);
		size_t n = 0;
		for (; n < xf.size() && ahead.next != got.next; n++) {
			b.expect_data(slot, ahead.next, xf[n].payload);
			apply(ahead, xf[n], V_PLACE);
		}
		ck_assert_uint_eq(ahead.next, got.next);
		ck_assert_uint_eq(ahead.seq_cnt, got.seq_cnt);
		unsigned stops = 0;
		for (; !b.events.empty();) {
			if (b.events.front().type == ENG_EVT_FC_STOPPED) {
				Event e = b.event();
				ck_assert_uint_eq(e.id, slot);
				stops++;
			} else
				expect_event(b, xf[n++], V_NONE, slot);
		}
		ck_assert_uint_eq(stops, 1);
		ck_assert_uint_eq(n, xf.size());
		b.reg(ENG_FCX_STOP, y.slot);
		ck_assert_uint_eq(b.event().id, y.slot);
		all_free(b);
	}
	ck_assert_uint_eq(b.cnt[C_TRAP], 0);
	ck_assert_uint_gt(b.cnt[C_TO_FW], 20);
}
END_TEST

/* The core reads buffers and contexts while the engine is busy at full rate; it is never long in waiting. */
START_TEST(reads_under_traffic)
{
	Bench b(560);
	Exch x(b, 50, 800000), y(b, 51, 64);
	Frame f = command(b.rng, 2112);
	unsigned buf;
	b.send(f);
	expect_event(b, f, V_NONE, 0, &buf);
	Bytes w = whole(f);
	for (unsigned i = 0; i < 300; i++)
		x.send(2112, false);
	unsigned reads = 0;
	uint64_t longest = 0, t0 = b.cycle;
	while (b.wire_left()) {
		unsigned off = 4 * b.rng.below((unsigned)w.size() / 4);
		uint64_t t = b.cycle;
		Bytes got = b.buffer(buf, off, 4);
		longest = std::max(longest, b.cycle - t);
		ck_assert(!memcmp(got.data(), &w[off], 4));
		y.check();
		reads++;
	}
	ck_assert_uint_gt(reads, 200);
	ck_assert_uint_le(longest, 20);
	ck_assert_uint_le(b.cycle - t0, 300 * 155);
	b.reg(ENG_FRX_FREE, buf);
	all_free(b);
	x.check();
	ck_assert_uint_eq(b.cnt[C_NOBUF], 0);
}
END_TEST

void add_core_cases(Suite *s)
{
	TCase *t = tcase_create("core");
	tcase_add_loop_test(t, frx_place, 0, 4);
	tcase_add_test(t, frx_refused);
	tcase_add_test(t, frx_error);
	tcase_add_test(t, events_stand);
	tcase_add_loop_test(t, stop_under_traffic, 0, 4);
	tcase_add_test(t, reads_under_traffic);
	tcase_set_timeout(t, 60);
	suite_add_tcase(s, t);
}
