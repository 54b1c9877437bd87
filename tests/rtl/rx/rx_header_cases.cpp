/* SPDX-License-Identifier: BSD-2-Clause */
/* Bench of weft_rx: headers that are placed before their data (RXSF_HEADER). */
#include <check.h>
#include <cstdio>
#include <cstdlib>

#include "rx_peer.h"

void add_header_cases(Suite *s);

static Bytes noise(Bench &b, unsigned n)
{
	Bytes out(n);
	for (auto &x : out)
		x = (uint8_t)b.rng.next();
	return out;
}

/* A command capsule with so many bytes of header and of data. */
static Pdu capsule(Peer &p, unsigned hlen, unsigned len, unsigned slot, unsigned rxsf)
{
	Pdu d;
	d.hdr = noise(p.b, hlen);
	d.hdr[0] = 4;
	d.hdr[2] = hlen;
	d.dg = p.hdgst;
	d.has_data = true;
	d.data = noise(p.b, len);
	d.dd = rxsf & ENG_RXSF_DDGST;
	d.slot = p.slot_base + slot;
	d.rxsf = rxsf | ENG_RXSF_HEADER;
	return d;
}

/* A data PDU without HEADER, as after an R2T. */
static Pdu h2c(Peer &p, unsigned len, unsigned slot, unsigned rxsf)
{
	Pdu d = capsule(p, 24, len, slot, rxsf);
	d.hdr[0] = 6;
	d.rxsf = rxsf;
	return d;
}

/* One connection, whole segments, no fault. */
static Setup quiet(unsigned digests)
{
	Setup s;
	s.hdgst = s.ddgst = digests;
	s.bad_digest = s.own_data = 0;
	s.min_seg = s.mss;
	s.fw_delay = 3;
	return s;
}

/* Cycles in which the peers send nothing. */
static void serve(World &w, unsigned cycles)
{
	Event e;
	for (; cycles; cycles--) {
		if (w.b.next_event(e))
			w.handle(e);
		w.b.tick();
	}
}

/* Headers of all lengths, at all offsets within a beat, nothing behind them. */
START_TEST(header_only)
{
	static const unsigned lens[] = { 8, 9, 16, 23, 24, 25, 39, 40, 41, 71, 72, 73, 127, 128 };
	Bench b(700 + _i);
	World w(b, quiet(_i & 1 ? 100 : 0));
	Peer &p = *w.peers[0];
	unsigned n = 0;
	for (unsigned hlen : lens)
		for (unsigned off = 0; off < 5; off++) {
			Pdu d = capsule(p, hlen, 0, n++ % 3, _i & 2 ? ENG_RXSF_EVENT : 0);
			d.off = off * 7;
			p.add_pdu(d);
		}
	w.run(100000);
	w.finish();
	ck_assert_uint_eq(b.cnt[C_HDRS], n);
	ck_assert_uint_eq(b.cnt[C_TO_FW], 0);
	uint64_t sum = 0;
	for (unsigned hlen : lens)
		sum += 5 * (hlen - 8);
	ck_assert_uint_eq(b.placed_bytes, sum);
}
END_TEST

/* Two elements, the entry's area and the data's, each at any address; pads and digests, right and wrong. */
START_TEST(header_and_data)
{
	static const unsigned lens[] = { 1, 2, 15, 16, 17, 63, 64, 500, 512, 1447, 4096, 8192 };
	Bench b(710 + _i);
	World w(b, quiet(_i ? 100 : 0));
	Peer &p = *w.peers[0];
	unsigned n = 0, bad = 0;
	b.wr_jitter = 100;
	for (unsigned len : lens)
		for (unsigned pad = 0; pad < 3; pad++) {
			Pdu d = capsule(p, 72, len, n % 16,
					ENG_RXSF_EVENT | (_i ? ENG_RXSF_DDGST : 0));
			d.pad = pad * 19;
			d.dd_bad = _i && n % 3 == 1;
			d.dd_flip = d.dd_bad ? 1u << b.rng.below(32) : 0;
			d.placed_flags = d.dd_bad;
			d.slot_len = 64 + len;
			d.elements = { 64, len };
			bad += d.dd_bad;
			n++;
			p.add_pdu(d);
		}
	w.run(300000);
	ck_assert_uint_eq(b.flags.size(), bad);
	ck_assert_uint_eq(b.cnt[C_DDGST], bad);
	w.finish();
	ck_assert_uint_eq(b.cnt[C_HDRS], n);
}
END_TEST

/* The element's border anywhere in the header, and in the data right behind it. */
START_TEST(header_borders)
{
	Bench b(720);
	World w(b, quiet(100));
	Peer &p = *w.peers[0];
	for (unsigned cut = 1; cut < 90; cut++) {
		Pdu d = capsule(p, 72, 40, 0, ENG_RXSF_EVENT | ENG_RXSF_DDGST);
		d.off = 3;
		d.slot_len = 107;
		d.elements = { cut, 1 + cut % 9, 106 - cut - cut % 9 };
		p.add_pdu(d);
	}
	w.run(100000);
	w.finish();
}
END_TEST

/* Two segments, cut at every byte of a capsule with all its parts. */
START_TEST(header_cut)
{
	Bench b(730);
	World w(b, quiet(100));
	Peer &p = *w.peers[0];
	unsigned size = 72 + 4 + 5 + 33 + 4;
	for (unsigned cut = 1; cut < size; cut++) {
		Pdu d = capsule(p, 72, 33, cut % 2, ENG_RXSF_EVENT | ENG_RXSF_DDGST);
		d.pad = 5;
		p.add_pdu(d);
		for (unsigned len : { cut, size - cut }) {
			p.moved = b.cycle;
			p.emit(p.segment(p.nxt, len));
			p.nxt += len;
			serve(w, b.rng.below(90));
		}
		for (unsigned i = 0; i < 200 && !p.done(); i++)
			serve(w, 20);
		ck_assert(p.done());
	}
	w.finish();
	ck_assert_uint_eq(b.cnt[C_FAST], 2 * (size - 1));
	ck_assert_uint_eq(b.cnt[C_TO_FW], 0);
}
END_TEST

/* The walker has just walked the slot, for data or for a header, and firmware writes its entry again. */
START_TEST(header_rewrites)
{
	Bench b(740 + _i);
	Setup s = quiet(0);
	s.elements = _i ? 6 : 2;
	World w(b, s);
	Peer &p = *w.peers[0];
	unsigned event = _i & 1 ? ENG_RXSF_EVENT : 0;
	p.add_pdu(h2c(p, 300, 0, event));
	for (unsigned i = 0; i < 30; i++) {
		unsigned hlen = i % 5 == 4 ? 8 : 72,
			 len = i % 3 || hlen == 8 ? 1 + b.rng.below(2500) : 0;
		p.add_pdu(capsule(p, hlen, len, 0, event));
		for (unsigned k = b.rng.below(3); k; k--) { /* uses what the capsule's entry was */
			unsigned all = hlen - 8 + len;
			p.add_pdu(h2c(p, 1 + b.rng.below(all), 0, event));
		}
	}
	w.run(400000);
	ck_assert_uint_eq(b.cnt[C_TO_FW], 0);
	w.finish();
}
END_TEST

struct Short {
	uint32_t len;
	std::vector<uint32_t> elements;
	unsigned data, fits;
};

/* The buffer, or its elements, end within the header, behind it, within the data. */
START_TEST(header_short)
{
	static const Short cases[] = {
		{ 63, { 63 }, 0, 0 },        { 63, { 63 }, 50, 0 },        { 0, { 1 }, 0, 0 },
		{ 200, { 40 }, 0, 40 },      { 200, { 20, 20 }, 50, 40 },  { 64, { 64 }, 50, 64 },
		{ 113, { 64, 49 }, 50, 64 }, { 114, { 64, 49 }, 50, 113 }, { 114, { 1 }, 50, 1 },
	};
	const Short &c = cases[_i];
	Bench b(750 + _i);
	World w(b, quiet(100));
	Peer &p = *w.peers[0];
	Pdu d = capsule(p, 72, c.data, 5, ENG_RXSF_EVENT | (c.data ? ENG_RXSF_DDGST : 0));
	d.slot_len = c.len;
	d.elements = c.elements;
	d.fits = c.fits;
	d.placed_flags = 4;
	p.add_pdu(d);
	p.add_pdu(capsule(p, 72, 700, 5, ENG_RXSF_EVENT)); /* the next one is whole again */
	w.run(50000);
	ck_assert_uint_ge(b.flags.size(), 1);
	for (auto &f : b.flags) {
		ck_assert_uint_eq(f.first, 5);
		ck_assert_uint_eq(f.second, WEFT_CQF_DMA_ERR);
	}
	b.flags.clear();
	w.finish();
}
END_TEST

/* Host memory refuses the header, or the data, and only the command that it hits hears of it. */
START_TEST(header_dma_error)
{
	Bench b(760 + _i);
	Setup s = quiet(0);
	s.conns = 2;
	b.wr_jitter = 400;
	World w(b, s);
	Peer &p = *w.peers[0];
	for (unsigned i = 0; i < 6; i++) {
		unsigned len = _i & 1 ? 900 : 0;
		Pdu d = capsule(p, 72, len, i, ENG_RXSF_EVENT);
		b.make_slot_of(d.slot, 64 + len + 1, { 64, len + 1 });
		d.keep_slot = true;
		if (i == 3) {
			uint64_t a = b.slots[d.slot].addr(_i == 3 ? 500 : 20);
			b.bad_writes.push_back({ a, a });
			d.placed_flags = 2;
		}
		p.add_pdu(d);
	}
	for (unsigned i = 0; i < 10; i++)
		w.peers[1]->random_pdu();
	w.run(200000);
	ck_assert_uint_eq(b.flags.size(), 1);
	ck_assert_uint_eq(b.flags[0].first, p.slot_base + 3);
	ck_assert_uint_eq(b.flags[0].second, WEFT_CQF_DMA_ERR);
	b.flags.clear();
	w.finish();
}
END_TEST

/* A header that was never collected, its length being out of range, has nothing to place. */
START_TEST(header_bad_length)
{
	static const uint8_t lens[] = { 0, 7, 129, 200, 255 };
	Bench b(770 + _i);
	World w(b, quiet(0));
	Peer &p = *w.peers[0];
	Event e;
	Pdu d = capsule(p, 8, 100, 0, ENG_RXSF_EVENT);
	d.hdr[2] = lens[_i];
	p.add_pdu(d);
	p.add_pdu(capsule(p, 72, 100, 1, ENG_RXSF_EVENT));
	p.pump();
	b.settle();
	ck_assert(b.next_event(e));
	ck_assert_uint_eq(e.type, ENG_EVT_HDR);
	ck_assert_uint_eq(e.flags, 2);
	p.pdus.pop_front();
	p.answer(d);
	w.run(20000);
	w.finish();
	ck_assert_uint_eq(b.placed_bytes, 100 + 64 + 100);
}
END_TEST

/* Many connections in turn, everything around slow; two slots each, so that the walker meets them again and again. */
START_TEST(header_crowd)
{
	Bench b(780 + _i);
	Setup s;
	s.conns = _i < 2 ? 3 : 24;
	s.pdus = _i < 2 ? 60 : 12;
	s.max_data = _i & 1 ? 200 : 3000;
	s.slots = _i < 2 ? 1 : 2;
	s.capsules = 80;
	s.fw_delay = _i & 1 ? 0 : 10;
	s.min_seg = _i & 1 ? 1 : 500;
	s.mss = _i & 1 ? 150 : 1448;
	s.wnd = 8000;
	b.gap = 40;
	if (_i != 1) {
		b.wr_pct = 30;
		b.x_pct = 40;
		b.rd_pct = 50;
		b.evt_pct = 50;
		b.wr_jitter = 200;
	}
	World w(b, s);
	for (auto p : w.peers)
		for (unsigned i = 0; i < s.pdus; i++)
			p->random_pdu();
	w.run(2000000);
	w.finish();
	ck_assert_uint_eq(b.cnt[C_HDRS], s.conns * s.pdus);
}
END_TEST

/* The core reads another connection's header in every cycle in which one is placed. */
START_TEST(header_read)
{
	Bench b(790);
	Setup s = quiet(0);
	s.conns = 2;
	World w(b, s);
	Peer &p = *w.peers[0], &q = *w.peers[1];
	Pdu other = capsule(q, 128, 0, 0, 0);
	Event e;
	q.add_pdu(other);
	q.pump();
	b.settle();
	ck_assert(b.next_event(e)); /* not answered yet */
	for (unsigned i = 0; i < 40; i++) {
		Pdu d = capsule(p, 128, 0, i % 16, ENG_RXSF_EVENT);
		p.add_pdu(d);
		p.pump();
		b.settle();
		while (p.pdus.size()) {
			ck_assert(b.next_event(e));
			w.handle(e);
		}
		b.ticks(i % 10);
		for (unsigned k = 0; k < 12; k++) {
			unsigned at = 4 * b.rng.below(32);
			uint32_t v = b.read(ENG_RXH_BASE + q.conn * ENG_RXH_STRIDE + at);
			for (unsigned n = 0; n < 4; n++)
				ck_assert_uint_eq((uint8_t)(v >> (8 * n)), other.hdr[at + n]);
		}
		while (!p.armed.empty())
			w.step();
	}
	w.handle({ ENG_EVT_HDR, 0, (uint16_t)q.conn, 128, 0 });
	w.run(10000);
	w.finish();
}
END_TEST

/* Takes what the stopped connection placed as it is; no write may be under way, no cell missing. */
static void stopped(World &w, Peer &p, unsigned idle_cells)
{
	Bench &b = w.b;
	for (unsigned i = 0; i < 20000 && w.strays.empty(); i++)
		w.step();
	ck_assert_uint_eq(w.strays.size(), 1);
	ck_assert_uint_eq(w.strays[0].type, ENG_EVT_STOPPED);
	ck_assert_uint_eq(w.strays[0].id, p.conn);
	w.strays.clear();
	ck_assert_uint_eq(b.unanswered(p.slot_base), 0);
	ck_assert_uint_eq(b.state(p.conn).mode, 0x40);
	ck_assert_uint_eq(b.state(p.conn).pending, 0);
	ck_assert_uint_eq(b.reg(ENG_RX_CELLS), idle_cells);
	Bytes now = b.mem;
	b.ticks(600);
	ck_assert_msg(now == b.mem, "a write after the stop");
	for (auto &m : b.slots[p.slot_base].map)
		for (unsigned i = 0; i < m.second; i++)
			b.expect(m.first + i, b.mem[m.first + i - Bench::MEM_BASE]);
}

/* STREAM_STOP in every cycle after the answer, with host memory quick, slow, or standing still for a while. */
START_TEST(header_stop)
{
	Bench b(800 + _i);
	World w(b, quiet(0));
	static const unsigned pcts[] = { 100, 20, 0 };
	for (unsigned delay = 0; delay < 60; delay++) {
		Peer *p = w.peers[0];
		p->add_pdu(capsule(*p, 128, 900, 0, ENG_RXSF_EVENT));
		p->pump();
		b.settle();
		Event e;
		ck_assert(b.next_event(e));
		b.wr_pct = pcts[_i];
		w.handle(e);
		b.ticks(delay);
		p->stopped = true;
		b.reg(ENG_RXC_CMD, p->conn | ENG_RXC_STREAM_STOP << 8);
		b.ticks(b.rng.below(200));
		if (!pcts[_i])
			b.wr_pct = 100;
		stopped(w, *p, ENG_PKT_CELLS);
		b.wr_pct = 100;
		b.events.clear();
		w.peers[0] = new Peer(w, p->conn);
		delete p;
		w.peers[0]->add_pdu(capsule(*w.peers[0], 72, 100, 0, ENG_RXSF_EVENT));
		w.run(10000);
	}
	w.finish();
}
END_TEST

/* Another connection's data fill the way to a memory that stands still; the header waits behind them, and is stopped there. */
START_TEST(header_stop_full)
{
	Bench b(810 + _i);
	Setup s = quiet(0);
	s.conns = 2;
	World w(b, s);
	Peer *p = w.peers[0], *q = w.peers[1];
	Event e;
	q->add_pdu(h2c(*q, 896 + 16 * _i, 0, ENG_RXSF_EVENT));
	p->add_pdu(capsule(*p, 128, 900, 0, ENG_RXSF_EVENT));
	p->pump();
	b.settle();
	ck_assert(b.next_event(e));
	b.wr_pct = 0;
	for (unsigned i = 0; i < 500; i++) {
		Event f;
		q->pump();
		if (b.next_event(f))
			w.handle(f);
		b.tick();
	}
	w.handle(e);
	b.ticks(100);
	ck_assert_uint_eq(b.ordered_bytes(p->slot_base), 0);
	p->stopped = true;
	b.reg(ENG_RXC_CMD, p->conn | ENG_RXC_STREAM_STOP << 8);
	b.ticks(500);
	ck_assert(w.strays.empty());
	b.wr_pct = _i & 1 ? 30 : 100;
	w.run(50000);
	stopped(w, *p, ENG_PKT_CELLS);
	w.finish();
}
END_TEST

/* What a capsule costs: the cycles from the answer to the next header, and between events without one waiting for memory. */
START_TEST(header_cost)
{
	Bench b(820);
	Setup s = quiet(0);
	s.mss = s.min_seg = 1440;
	World w(b, s);
	Peer &p = *w.peers[0];
	Event e;
	unsigned n = 20;
	for (unsigned i = 0; i < 2 * n; i++) {
		Pdu d = capsule(p, 72, 0, 0, 0);
		if (i >= n)
			d.rxsf = ENG_RXSF_DISCARD;
		d.keep_slot = true;
		p.add_pdu(d);
	}
	b.make_slot_of(0, 64, { 64 });
	p.pump();
	p.pump();
	b.settle();
	uint64_t took[2] = {};
	for (unsigned i = 0; i < 2 * n; i++) {
		ck_assert(b.next_event(e));
		w.handle(e);
		uint64_t t = b.cycle;
		while (b.events.empty() && i + 1 < 2 * n)
			b.tick();
		took[i >= n] += b.cycle - t;
	}
	printf("72-byte capsule: %.1f cycles from answer to next header with HEADER, %.1f when discarded\n",
	       (double)took[0] / n, (double)took[1] / (n - 1));
	ck_assert_uint_lt(took[0] / n, 60);
	w.run(1000);
	w.finish();
}
END_TEST

/* Many connections have capsules waiting, firmware answers at once: what the engine itself takes. */
START_TEST(header_rate)
{
	static const unsigned answers[] = { ENG_RXS_NEXT << 24,
					    ENG_RXS_DATA << 24 | ENG_RXSF_DISCARD << 8,
					    ENG_RXS_DATA << 24 | ENG_RXSF_HEADER << 8 };
	static const char *const names[] = { "passed over", "discarded", "placed" };
	static const unsigned limits[] = { 36, 38, 40 };
	Bench b(830 + _i);
	Setup s = quiet(0);
	s.conns = 16;
	s.mss = s.min_seg = 1440;
	World w(b, s);
	Event e;
	for (auto p : w.peers) {
		for (unsigned i = 0; i < 40; i++)
			p->add_pdu(capsule(*p, 72, 0, 0, 0));
		while (p->pump())
			;
	}
	b.make_slot_of(0, 64, { 64 });
	b.settle(20000);
	b.reg(ENG_RXS_SLOT, 0);
	b.reg(ENG_RXS_OFF, 0);
	b.reg(ENG_RXS_LEN, 0);
	b.on_event = nullptr;
	uint64_t start = b.cycle;
	for (unsigned i = 0; i < 16 * 40; i++) {
		while (!b.next_event(e))
			b.tick();
		ck_assert_uint_eq(e.type, ENG_EVT_HDR);
		ck_assert_uint_eq(e.w1, 72);
		b.reg(ENG_RXS_CMD, e.id | answers[_i]);
	}
	double per = (double)(b.cycle - start) / (16 * 40);
	printf("72-byte capsules %s: %.1f cycles each\n", names[_i], per);
	ck_assert(per < limits[_i]);
	b.settle();
	ck_assert_uint_eq(b.reg(ENG_RX_CELLS), ENG_PKT_CELLS);
	ck_assert_uint_eq(b.placed_bytes, _i == 2 ? 16 * 40 * 64 : 0);
}
END_TEST

void add_header_cases(Suite *s)
{
	TCase *t = tcase_create("headers placed");
	tcase_add_loop_test(t, header_only, 0, 4);
	tcase_add_loop_test(t, header_and_data, 0, 2);
	tcase_add_test(t, header_borders);
	tcase_add_test(t, header_cut);
	tcase_add_loop_test(t, header_rewrites, 0, 4);
	tcase_add_loop_test(t, header_short, 0, 9);
	tcase_add_loop_test(t, header_dma_error, 0, 4);
	tcase_add_loop_test(t, header_bad_length, 0, 5);
	tcase_add_loop_test(t, header_crowd, 0, 4);
	tcase_add_test(t, header_read);
	tcase_add_loop_test(t, header_stop, 0, 3);
	tcase_add_loop_test(t, header_stop_full, 0, 9);
	tcase_add_test(t, header_cost);
	tcase_add_loop_test(t, header_rate, 0, 3);
	tcase_set_timeout(t, 60);
	suite_add_tcase(s, t);
}
