// SPDX-License-Identifier: BSD-2-Clause
/* Bench of weft_host, part two: submission rings, hostile hosts, stop and reset. */
#include <cstdio>
#include <map>

#include "host_bench.hpp"

namespace
{

/* ---- rings ---- */

struct Command {
	uint8_t bytes[128];
	uint32_t mark;
	unsigned flags;
	bool seen;
};

/* Hosts, firmware and memory of a random run: every entry arrives whole, every completion where and as it should be. */
struct Storm {
	Bench b;
	std::vector<Bench::Pair> pairs;
	std::vector<std::map<unsigned, Command>> open;
	std::vector<std::deque<uint32_t>> order; /* marks in the order of completion */
	struct Owed {
		unsigned pair, cid, slot;
	};
	std::vector<Owed> owed;
	std::map<unsigned, unsigned> freed;
	uint64_t submitted = 0, completed = 0, next_seed = 1;

	explicit Storm(uint64_t seed) : b(seed)
	{
	}
	void add(unsigned qp, unsigned log2, unsigned slot_base)
	{
		pairs.push_back(b.open(qp, log2, log2 + 1, slot_base));
		open.emplace_back();
		order.emplace_back();
	}
	void submit(unsigned i)
	{
		Bench::Pair &p = pairs[i];
		unsigned n = 1 + b.rng.below(6);
		while (n-- && open[i].size() < p.sq_size() - 1) {
			unsigned cid = b.rng.below(p.sq_size());
			while (open[i].count(cid))
				cid = (cid + 1) % p.sq_size();
			Command &c = open[i][cid];
			c.seen = false;
			b.entry(p, cid, next_seed++, c.bytes);
			submitted++;
		}
		b.sq_db(p.qp, p.tail);
	}
	void take_events()
	{
		for (; !b.events.empty(); b.events.pop_front()) {
			Event e = b.events.front();
			ck_assert_uint_eq(e.type, ENG_EVT_SQE);
			ck_assert_uint_eq(e.flags, 0);
			unsigned i = 0;
			while (pairs[i].qp != e.id)
				i++;
			unsigned cid = e.w1 - pairs[i].slot_base;
			need(open[i].count(cid) == 1, "unknown slot %u", e.w1);
			Command &c = open[i][cid];
			ck_assert(!c.seen);
			ck_assert_mem_eq(&b.xram[e.w1 * ENG_SLOT_SIZE], c.bytes, 128);
			c.seen = true;
			owed.push_back({ i, cid, e.w1 });
		}
	}
	void complete_some()
	{
		for (unsigned n = b.rng.below(5); n && !owed.empty(); n--) {
			unsigned k = b.rng.below((uint32_t)owed.size());
			Owed o = owed[k];
			owed[k] = owed.back();
			owed.pop_back();
			Command &c = open[o.pair][o.cid];
			c.mark = (uint32_t)b.rng.next();
			order[o.pair].push_back(c.mark);
			b.complete_simple(pairs[o.pair].qp, o.cid, o.slot, c.mark);
		}
	}
	/* Entries before sq_head may be reused: the host spoils them at once. */
	void release(unsigned i, unsigned sq_head)
	{
		Bench::Pair &p = pairs[i];
		unsigned &at = freed[i], mask = p.sq_size() - 1;
		ck_assert_uint_le((sq_head - at) & mask, (p.tail - at) & mask);
		for (; at != sq_head; at = (at + 1) & mask)
			for (unsigned k = 0; k < 128; k++)
				b.mem.put(p.sq + at * 128 + k, 0xee);
	}
	void reap(unsigned i)
	{
		struct weft_cq_entry e;
		Bench::Pair &p = pairs[i];
		bool any = false;
		while (b.poll(p, &e)) {
			any = true;
			uint32_t dw[4], m;
			ck_assert(!order[i].empty());
			m = order[i].front();
			order[i].pop_front();
			memcpy(dw, e.cqe, 16);
			for (unsigned k = 0; k < 4; k++)
				ck_assert_uint_eq(dw[k], m ^ (k + 1));
			ck_assert_uint_eq(e.data_len, m);
			ck_assert_uint_eq(e.status, 0);
			ck_assert_uint_eq(e.type, WEFT_CQT_COMMAND);
			ck_assert_uint_eq(e.flags, 0);
			ck_assert_uint_eq(e.qp, p.qp);
			ck_assert_uint_eq(e.rsvd, 0);
			ck_assert_uint_eq(open[i].count(e.cid), 1);
			ck_assert_uint_eq(open[i][e.cid].mark, m);
			release(i, e.sq_head);
			open[i].erase(e.cid);
			completed++;
		}
		if (any)
			b.cq_db(p.qp, p.head);
	}
	void run(unsigned rounds)
	{
		for (unsigned r = 0; r < rounds; r++) {
			submit(b.rng.below((uint32_t)pairs.size()));
			b.step(b.rng.below(60));
			take_events();
			complete_some();
			reap(b.rng.below((uint32_t)pairs.size()));
		}
		for (unsigned k = 0; completed < submitted; k++) {
			b.step(100);
			take_events();
			complete_some();
			for (unsigned i = 0; i < pairs.size(); i++)
				reap(i);
			need(k < 10000, "%llu of %llu completed", (unsigned long long)completed,
			     (unsigned long long)submitted);
		}
	}
};

START_TEST(storm)
{
	static const unsigned knobs[][7] = {
		/* read latency, write latency, jitter, AXI %, event %, SRAM %, pairs */
		{ 5, 5, 1, 100, 100, 100, 1 },
		{ 200, 100, 50, 100, 100, 100, 24 },
		{ 40, 30, 200, 60, 30, 50, 12 },
	};
	for (auto &k : knobs) {
		Storm s(50 + k[0]);
		s.b.rd.k = { k[0], k[2], k[3], k[3] };
		s.b.wr.k = { k[1], k[2], k[3], k[3] };
		s.b.evt_pct = k[4];
		s.b.x_pct = k[5];
		unsigned slot = 3;
		for (unsigned i = 0; i < k[6]; i++) {
			unsigned log2 = 1 + s.b.rng.below(6);
			s.add(i ? i * 5 : 0, log2, slot);
			slot += 1u << log2;
		}
		s.run(900);
		s.b.settle();
		ck_assert_uint_eq(s.b.counter(WEFT_CNT_SQE_FETCHED), s.submitted);
		ck_assert_uint_eq(s.b.counter(WEFT_CNT_CQE_WRITTEN), s.submitted);
		ck_assert_uint_eq(s.b.counter(WEFT_CNT_SQE_BAD) + s.b.counter(WEFT_CNT_CQE_LOST) +
					  s.b.counter(WEFT_CNT_DB_BAD),
				  0);
		ck_assert_uint_eq(s.b.counter(WEFT_CNT_DMA_RD_BYTES), s.submitted * 128);
		ck_assert_uint_eq(s.b.counter(WEFT_CNT_DMA_WR_BYTES), s.submitted * 32);
		ck_assert_uint_eq(s.b.invals, s.submitted);
		ck_assert(s.b.irqs.empty()); /* nobody armed */
		for (auto &p : s.pairs) {
			ck_assert_uint_eq(s.b.qp_word(p.qp, 7), p.tail | p.head << 16);
			ck_assert_uint_eq(s.b.qp_word(p.qp, 6), 1);
			s.b.mmio(ENG_CQ_SPACE, p.qp);
			ck_assert_uint_eq(s.b.mmio(ENG_CQ_SPACE), p.cq_size() - 1);
		}
	}
}
END_TEST

START_TEST(context_reads_back)
{
	Bench b(6);
	for (unsigned qp = 0; qp < 128; qp += 9)
		for (unsigned w = 0; w < 6; w++)
			b.qp_word(qp, w, qp * 0x01010101u + w);
	for (unsigned qp = 0; qp < 128; qp += 9)
		for (unsigned w = 0; w < 6; w++)
			ck_assert_uint_eq(b.qp_word(qp, w), qp * 0x01010101u + w);
}
END_TEST

START_TEST(refused_entries)
{
	Bench b(7);
	uint8_t e[128];
	Bench::Pair p = b.open(3, 3, 4, 100);
	b.entry(p, 5, 1, e);
	b.entry(p, 8, 2, e);      /* cid out of range */
	b.entry(p, 0xffff, 3, e); /* far out */
	b.entry(p, 5, 4, e);      /* in flight */
	b.entry(p, 6, 5, e);
	b.sq_db(3, p.tail);
	static const struct {
		unsigned flags, w1, w2;
	} want[] = {
		{ 0, 105, 0 }, { 1, 8, 22 }, { 1, 0xffff, 22 }, { 1, 5, 16 }, { 0, 106, 0 },
	};
	for (auto &w : want) {
		Event v = b.wait_event();
		ck_assert_uint_eq(v.type, ENG_EVT_SQE);
		ck_assert_uint_eq(v.id, 3);
		ck_assert_uint_eq(v.flags, w.flags);
		ck_assert_uint_eq(v.w1, w.w1);
		ck_assert_uint_eq(v.w2, w.w2);
	}
	ck_assert_uint_eq(b.counter(WEFT_CNT_SQE_BAD), 3);
	ck_assert_uint_eq(b.counter(WEFT_CNT_SQE_FETCHED), 5);
	b.complete_simple(3, 5, 105);
	b.settle();
	b.entry(p, 5, 6, e); /* free again */
	b.sq_db(3, p.tail);
	Event v = b.wait_event();
	ck_assert_uint_eq(v.flags, 0);
	ck_assert_mem_eq(&b.xram[105 * 256], e, 128);
	/* A pair whose slots would end outside of the table. */
	Bench::Pair last = b.open(4, 3, 4, 2044);
	b.entry(last, 3, 7, e);
	b.entry(last, 4, 8, e);
	b.sq_db(4, last.tail);
	ck_assert_uint_eq(b.wait_event().flags, 0);
	v = b.wait_event();
	ck_assert_uint_eq(v.flags, 1);
	ck_assert_uint_eq(v.w2, 22);
}
END_TEST

START_TEST(hostile_doorbells)
{
	Bench b(8);
	uint8_t e[128];
	Bench::Pair p = b.open(7, 2, 3, 0);
	static const uint32_t bad_sq[] = { 4, 5, 0xffff, 0x10000, 0x80000000, 0xffffffff };
	for (uint32_t v : bad_sq)
		b.sq_db(7, v);
	Event v = b.wait_event();
	ck_assert_uint_eq(v.type, ENG_EVT_QP_ERROR);
	ck_assert_uint_eq(v.id, 7);
	ck_assert_uint_eq(v.w1, 22);
	static const uint32_t bad_cq[] = { 8, 0x7fff, 0xffff | Bench::ARM,
					   1 /* nothing was written */ };
	for (uint32_t c : bad_cq)
		b.cq_db(7, c);
	for (unsigned qp = 8; qp < 128; qp++) {
		b.sq_db(qp, 1);
		b.cq_db(qp, Bench::ARM);
	}
	b.step(100);
	ck_assert(b.events.empty()); /* told once */
	ck_assert(b.irqs.empty());
	ck_assert_uint_eq(b.counter(WEFT_CNT_DB_BAD), 6 + 4 + 240);
	b.entry(p, 1, 1, e); /* and the pair still works */
	b.sq_db(7, p.tail);
	v = b.wait_event();
	ck_assert_uint_eq(v.type, ENG_EVT_SQE);
	ck_assert_uint_eq(v.w1, 1);
	b.qp_word(7, 6, 1); /* started anew: told again */
	b.sq_db(7, 100);
	ck_assert_uint_eq(b.wait_event().type, ENG_EVT_QP_ERROR);
}
END_TEST

START_TEST(unreadable_ring_stops_only_its_pair)
{
	Bench b(9);
	uint8_t e[128];
	b.rd.k.latency = 100;
	Bench::Pair bad = b.open(1, 5, 6, 0), good = b.open(2, 5, 6, 32);
	for (unsigned i = 0; i < 20; i++) {
		b.entry(bad, i, i, e);
		b.entry(good, i, 100 + i, e);
	}
	b.mem.bad.push_back({ bad.sq + 128 * 5, bad.sq + 128 * 5 });
	b.sq_db(1, bad.tail);
	b.sq_db(2, good.tail);
	unsigned sqe[3] = {}, errors = 0;
	for (unsigned i = 0; i < 20 + 4 + 1; i++) {
		Event v = b.wait_event();
		if (v.type == ENG_EVT_QP_ERROR) {
			ck_assert_uint_eq(v.id, 1);
			ck_assert_uint_eq(v.w1, 14);
			errors++;
		} else {
			ck_assert_uint_eq(v.type, ENG_EVT_SQE);
			sqe[v.id]++;
		}
	}
	b.settle();
	ck_assert_uint_eq(errors, 1);
	ck_assert_uint_eq(sqe[1], 4); /* the run before the bad one */
	ck_assert_uint_eq(sqe[2], 20);
	ck_assert(b.events.empty());
	ck_assert_uint_eq(b.qp_word(1, 6), 0);
	ck_assert_uint_eq(b.counter(WEFT_CNT_SQE_BAD), 4);
	ck_assert_uint_ge(b.counter(WEFT_CNT_DMA_RD_ERR), 1);
	b.sq_db(1, 3);
	ck_assert_uint_eq(b.counter(WEFT_CNT_DB_BAD), 1);
	/* Slots of the failed pair are taken back and it starts anew. */
	b.mem.bad.clear();
	b.qp_word(1, 6, 2);
	bad = b.open(1, 5, 6, 0);
	for (unsigned i = 0; i < 20; i++)
		b.entry(bad, i, i, e);
	b.sq_db(1, bad.tail);
	for (unsigned i = 0; i < 20; i++)
		ck_assert_uint_eq(b.wait_event().flags, 0);
}
END_TEST

START_TEST(one_busy_pair_delays_others_little)
{
	Bench b(10);
	uint8_t e[128];
	b.rd.k.latency = 200;
	Bench::Pair flood = b.open(1, 10, 11, 0), small = b.open(2, 2, 3, 1024);
	for (unsigned i = 0; i < 1000; i++)
		b.entry(flood, i, i, e);
	b.sq_db(1, flood.tail);
	b.step(400);
	b.entry(small, 0, 5000, e);
	b.sq_db(2, small.tail);
	uint64_t start = b.cycle;
	while (b.wait_event().id != 2)
		;
	ck_assert_uint_lt(b.cycle - start, 1000);
	for (unsigned n = 1; n < 700; n++)
		b.wait_event();
	printf("ring: 1,000 entries with read latency 200, %.1f cycles per entry\n",
	       (double)(b.cycle - start) / 700);
	ck_assert_uint_lt(b.cycle - start, 700 * 40);
}
END_TEST

/* A doorbell of one pair in any cycle of another's fetch loses neither. */
START_TEST(doorbells_in_every_cycle)
{
	uint8_t e[128];
	for (unsigned at = 0; at < 40; at++) {
		Bench b(60);
		b.rd.k.latency = 3;
		Bench::Pair p = b.open(1, 6, 7, 0), q = b.open(2, 6, 7, 64);
		for (unsigned i = 0; i < 20; i++)
			b.entry(p, i, i, e);
		b.sq_db(1, p.tail);
		b.step(at);
		for (unsigned i = 0; i < 5; i++) {
			b.entry(q, i, i, e);
			b.sq_db(2, q.tail);
		}
		for (unsigned i = 0; i < 25; i++)
			ck_assert_uint_eq(b.wait_event().flags, 0);
		ck_assert_uint_eq(b.qp_word(1, 7) & 0xffff, p.tail);
		ck_assert_uint_eq(b.qp_word(2, 7) & 0xffff, q.tail);
	}
}
END_TEST

/* ---- stop and reset ---- */

START_TEST(stop_waits_for_what_is_under_way)
{
	for (unsigned how = 0; how < 2; how++) {
		Bench b(17 + how);
		uint8_t e[128];
		struct weft_cq_entry c;
		b.rd.k.latency = 300;
		Bench::Pair p = b.open(3, 4, 5, 0), q = b.open(4, 4, 5, 16);
		b.wr.hold_b = true;
		b.complete_simple(3, 9, ENG_NO_SLOT);
		for (unsigned i = 0; i < 4; i++)
			b.entry(p, i, i, e);
		b.sq_db(3, p.tail);
		b.step(50);
		if (how)
			b.mmio(ENG_QP_STOP, 3);
		else
			b.qp_word(3, 6, 0);
		b.entry(p, 5, 5, e);
		b.sq_db(3, p.tail); /* too late */
		b.entry(q, 5, 6, e);
		b.sq_db(4, q.tail);
		unsigned own = 0, other = 0;
		while (own < 4 || other < 1) {
			Event v = b.wait_event();
			ck_assert_uint_eq(v.type, ENG_EVT_SQE);
			(v.id == 3 ? own : other)++;
		}
		b.step(1000);
		ck_assert(b.events.empty()); /* the completion is not answered */
		b.wr.hold_b = false;
		Event v = b.wait_event();
		ck_assert_uint_eq(v.type, ENG_EVT_QP_STOPPED);
		ck_assert_uint_eq(v.id, 3);
		ck_assert(b.poll(p, &c));
		b.settle();
		ck_assert(b.events.empty());
		ck_assert_uint_eq(b.qp_word(3, 6), 0);
		b.complete_simple(3, 8, ENG_NO_SLOT, 8); /* firmware may still tell the host why */
		b.settle();
		ck_assert(b.poll(p, &c));
		ck_assert_uint_eq(c.cid, 8);
		b.qp_word(3, 6, 2);
		p = b.open(3, 4, 5, 0);
		for (unsigned i = 0; i < 4; i++)
			b.entry(p, i, i, e);
		b.sq_db(3, p.tail);
		for (unsigned i = 0; i < 4; i++) {
			v = b.wait_event();
			ck_assert_uint_eq(v.flags, 0); /* no slot is busy */
		}
		b.entry(q, 5, 6, e); /* but that of the other pair still is */
		b.sq_db(4, q.tail);
		ck_assert_uint_eq(b.wait_event().w2, 16);
	}
}
END_TEST

START_TEST(stop_of_all_pairs_at_once)
{
	Bench b(18);
	b.evt_pct = 10;
	for (unsigned qp = 0; qp < 128; qp++)
		b.open(qp, 1, 2, qp * 2);
	for (unsigned qp = 0; qp < 128; qp++)
		b.mmio(ENG_QP_STOP, qp);
	b.mmio(ENG_QP_STOP, 128); /* ignored */
	std::map<unsigned, int> seen;
	for (unsigned i = 0; i < 128; i++) {
		Event v = b.wait_event();
		ck_assert_uint_eq(v.type, ENG_EVT_QP_STOPPED);
		ck_assert_int_eq(++seen[v.id], 1);
	}
	b.settle();
	ck_assert(b.events.empty());
}
END_TEST

START_TEST(soft_reset_from_any_state)
{
	for (unsigned at = 20; at < 900; at += 97) {
		Bench b(19 + at);
		uint8_t e[128];
		struct weft_cq_entry c;
		b.rd.k = { 150, 30, 50, 70 };
		b.wr.k = { 80, 30, 50, 70 };
		b.evt_pct = 20;
		Bench::Pair p = b.open(1, 5, 6, 0);
		b.mmio(ENG_HOST_STATUS, 1);
		b.bar_write(WEFT_AQ_CTRL, 1);
		b.cq_db(1, Bench::ARM);
		for (unsigned i = 0; i < 31; i++)
			b.entry(p, i, i, e);
		b.sq_db(1, p.tail);
		for (unsigned i = 0; i < 12; i++)
			b.complete_simple(1, i, ENG_NO_SLOT);
		b.place.push_back({ 0x600000, std::vector<uint8_t>(9000, 1) });
		b.step(at);
		if (at & 1) {
			b.feed.clear(); /* the place engine is stuck */
			b.place.clear();
		}
		if (at & 2) { /* the watchdog's is no other */
			b.d->wdt_reset = 1;
			b.step(1);
			b.d->wdt_reset = 0;
		} else {
			b.bar_write(WEFT_CTRL, 3);
		}
		ck_assert_uint_eq(b.d->core_run, 0);
		for (unsigned i = 0; b.bar_read(WEFT_CTRL) & 2; i++)
			ck_assert_uint_lt(i, 2000);
		ck_assert(b.rd.q.empty() && b.wr.b.empty() && b.wr.aw.empty());
		ck_assert_uint_eq(b.d->core_run, 1);
		ck_assert_uint_eq(b.bar_read(WEFT_STATUS) & 3, 0);
		ck_assert_uint_eq(b.bar_read(WEFT_AQ_CTRL), 0);
		b.place.clear();
		b.feed.clear();
		b.feed_pos = 0;
		b.d->pl_cmd_valid = b.d->pl_dat_valid = 0;
		b.events.clear();
		b.irqs.clear();
		b.evt_wait = false;
		b.evt_pct = 100;
		b.settle();
		ck_assert(b.events.empty() && b.irqs.empty());
		b.sq_db(1, 3); /* no pair lives on */
		ck_assert_uint_ge(b.counter(WEFT_CNT_DB_BAD), 1);
		p = b.open(1, 5, 6, 0);
		for (unsigned i = 0; i < 31; i++)
			b.entry(p, i, i, e);
		b.sq_db(1, p.tail);
		for (unsigned i = 0; i < 31; i++) {
			Event v = b.wait_event();
			ck_assert_uint_eq(v.flags, 0);
			ck_assert_uint_eq(v.w1, i);
		}
		ck_assert_mem_eq(&b.xram[30 * 256], e, 128);
		b.complete_simple(1, 3, 3, 3);
		b.settle();
		ck_assert(b.poll(p, &c));
		ck_assert_uint_eq(c.cid, 3);
	}
}
END_TEST

} /* namespace */

void add_ring_tests(Suite *s)
{
	static const struct {
		const char *name;
		const TTest *test;
	} all[] = {
		{ "storm", storm },
		{ "context", context_reads_back },
		{ "refused", refused_entries },
		{ "doorbells", hostile_doorbells },
		{ "unreadable", unreadable_ring_stops_only_its_pair },
		{ "busy_pair", one_busy_pair_delays_others_little },
		{ "every_cycle", doorbells_in_every_cycle },
		{ "stop", stop_waits_for_what_is_under_way },
		{ "stop_all", stop_of_all_pairs_at_once },
		{ "soft_reset", soft_reset_from_any_state },
	};

	for (auto &t : all) {
		TCase *tc = tcase_create(t.name);
		tcase_set_timeout(tc, 50);
		tcase_add_test(tc, t.test);
		suite_add_tcase(s, tc);
	}
}
