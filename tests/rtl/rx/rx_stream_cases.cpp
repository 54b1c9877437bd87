/* SPDX-License-Identifier: BSD-2-Clause */
/* Bench of weft_rx: stops, errors, pressure and throughput. */
#include <algorithm>
#include <check.h>
#include <cstdio>
#include <cstdlib>

#include "rx_peer.h"

void add_stream_cases(Suite *s);

static Pdu data_pdu(Peer &p, unsigned len, unsigned slot, unsigned rxsf)
{
	Pdu d;
	d.hdr.assign(24, 0x11);
	d.hdr[0] = 7;
	d.hdr[2] = 24;
	d.dg = p.hdgst;
	d.has_data = true;
	d.data.resize(len);
	for (auto &x : d.data)
		x = (uint8_t)p.b.rng.next();
	d.dd = rxsf & ENG_RXSF_DDGST;
	d.slot = p.slot_base + slot;
	d.rxsf = rxsf;
	return d;
}

/* Stops a connection wherever it stands, starts it anew on the same number; the others do not notice. */
static void restart(World &w, unsigned which)
{
	Bench &b = w.b;
	Peer *p = w.peers[which];
	p->stopped = true;
	b.reg(ENG_RXC_CMD, p->conn | ENG_RXC_STREAM_STOP << 8);
	for (auto &o : p->ooo)
		b.reg(ENG_RX_FREE, o.second.cell);
	p->ooo.clear();
	for (unsigned i = 0; i < 20000 && w.strays.empty(); i++)
		w.step();
	ck_assert_uint_eq(w.strays.size(), 1);
	ck_assert_uint_eq(w.strays[0].type, ENG_EVT_STOPPED);
	ck_assert_uint_eq(w.strays[0].id, p->conn);
	w.strays.clear();
	ck_assert_uint_eq(b.state(p->conn).mode, 0x40);
	ck_assert_uint_eq(b.state(p->conn).pending, 0);
	for (unsigned s = p->slot_base; s < p->slot_base + 16; s++) { /* what came through is not known, but nothing is under way */
		ck_assert_uint_eq(b.unanswered(s), 0);
		for (auto &m : b.slots[s].map)
			for (unsigned i = 0; i < m.second; i++)
				b.expect(m.first + i, b.mem[m.first + i - Bench::MEM_BASE]);
	}
	b.set_ctxa(p->conn, 12, 0); /* its last frames must not be taken for the new one's */
	auto of_p = [p](const Event &e) { return e.type == ENG_EVT_FRAME && e.id == p->conn; };
	for (unsigned i = 0; i < 300 || std::any_of(b.events.begin(), b.events.end(), of_p); i++)
		w.step();
	w.peers[which] = new Peer(w, p->conn);
	delete p;
	for (unsigned i = 0; i < w.set.pdus; i++)
		w.peers[which]->random_pdu();
}

START_TEST(stop_anywhere)
{
	Bench b(500 + _i);
	Setup s;
	s.conns = 4;
	s.pdus = 12;
	s.bad_digest = 0;
	s.lose = _i & 1 ? 20 : 0;
	b.wr_pct = _i & 2 ? 30 : 100;
	b.wr_jitter = 300;
	World w(b, s);
	for (auto p : w.peers)
		for (unsigned i = 0; i < s.pdus; i++)
			p->random_pdu();
	for (unsigned i = 0; i < 15; i++) {
		for (unsigned k = b.rng.below(1500); k; k--)
			w.step();
		restart(w, b.rng.below(4));
	}
	w.run(800000);
	w.finish();
}
END_TEST

/* A header length out of range: 8 bytes are shown, nothing moves until the stream is stopped, or told to go on. */
START_TEST(bad_header)
{
	static const uint8_t lens[] = {0, 7, 129, 255};
	Bench b(520 + _i);
	Setup s;
	s.hdgst = 100;
	World w(b, s);
	Peer &p = *w.peers[0];
	Event e;
	Pdu bad;
	bad.hdr.assign(8, 6);
	bad.hdr[2] = lens[_i];
	p.add_pdu(bad);
	for (int i = 0; i < 5; i++)
		p.random_pdu();
	while (p.nxt < p.stream.size() && p.pump())
		;
	b.settle(100000);
	ck_assert(b.next_event(e));
	ck_assert_uint_eq(e.type, ENG_EVT_HDR);
	ck_assert_uint_eq(e.flags, 2);
	ck_assert_uint_eq(e.w1, 8);
	for (unsigned i = 0; i < 8; i += 4)
		ck_assert_uint_eq(b.read(ENG_RXH_BASE + i), i ? 0x06060606u : 0x06000606u | (uint32_t)lens[_i] << 16);
	ck_assert(b.events.empty());
	ck_assert_uint_lt(b.reg(ENG_RX_CELLS), ENG_PKT_CELLS);
	if (_i & 1) {
		p.pdus.pop_front();
		b.reg(ENG_RXS_CMD, ENG_RXS_NEXT << 24);
		w.run(100000);
		w.finish();
		return;
	}
	b.reg(ENG_RXC_CMD, ENG_RXC_STREAM_STOP << 8);
	b.settle();
	ck_assert(b.next_event(e));
	ck_assert_uint_eq(e.type, ENG_EVT_STOPPED);
	ck_assert_uint_eq(b.reg(ENG_RX_CELLS), ENG_PKT_CELLS);
	b.check_memory();
}
END_TEST

/* Commands that no one asked for change nothing; deliveries to a stopped stream are given back. */
START_TEST(odd_commands)
{
	Bench b(530);
	Setup s;
	s.bad_digest = 0;
	World w(b, s);
	Peer &p = *w.peers[0];
	for (unsigned c = 0; c < 0x300; c += 0x40)
		b.reg(ENG_RXS_CMD, c | (c & 3) << 24);
	b.reg(ENG_RXC_CMD, 0 | 9 << 8);
	b.reg(ENG_RXC_CMD, 0x80 | ENG_RXC_TRAP << 8);
	ck_assert_uint_eq(b.state(0).mode, 1);
	for (int i = 0; i < 10; i++)
		p.random_pdu();
	w.run(100000);
	w.finish();
	Seg seg;
	Event e;
	seg.payload.assign(900, 1);
	static const uint32_t dest[] = {5, 5 | 0x80, 5};
	b.reg(ENG_RXC_CMD, 5 | ENG_RXC_STREAM_STOP << 8);
	for (unsigned i = 0; i < 3; i++) {
		b.send(make_frame(seg));
		b.settle();
		while (b.next_event(e) && e.type != ENG_EVT_FRAME)
			;
		ck_assert_uint_eq(e.type, ENG_EVT_FRAME);
		b.reg(ENG_RXD_CELL, (e.w1 & 0xffff) | dest[i] << 16);
		b.reg(ENG_RXD_PUSH, 54 | (i == 2 ? 0 : 900) << 16);
	}
	b.settle();
	ck_assert_uint_eq(b.reg(ENG_RX_CELLS), ENG_PKT_CELLS);
	ck_assert_uint_eq(b.state(5).pending, 0);
}
END_TEST

/* Host memory that answers with errors, and buffers that are too short: told once, to the right command. */
START_TEST(place_errors)
{
	Bench b(540 + _i);
	Setup s;
	s.conns = 2;
	s.bad_digest = 0;
	b.wr_jitter = 500;
	World w(b, s);
	Peer &p = *w.peers[0];
	for (int i = 0; i < 6; i++) {
		Pdu d = data_pdu(p, 5000, i, ENG_RXSF_EVENT);
		b.make_slot(d.slot, i == 4 ? 10 : 5000, 1);
		d.placed_flags = i == 2 ? 2 : i == 4 ? 4 : 0;
		d.fits = i == 4 ? 0 : ~0u;
		d.keep_slot = true;
		d.off = i == 4 ? 64 : 0;
		if (i == 2)
			b.bad_writes.push_back({b.slots[d.slot].addr(3000), b.slots[d.slot].addr(3000)});
		p.add_pdu(d);
	}
	for (int i = 0; i < 10; i++)
		w.peers[1]->random_pdu();
	w.run(200000);
	bool dma = false, sgl = false;
	for (auto &f : b.flags) {
		ck_assert_uint_eq(f.second, WEFT_CQF_DMA_ERR);
		dma |= f.first == p.slot_base + 2;
		sgl |= f.first == p.slot_base + 4;
		ck_assert(f.first == p.slot_base + 2 || f.first == p.slot_base + 4);
	}
	ck_assert(dma && sgl);
	b.flags.clear();
	w.finish();
}
END_TEST

/* The event queue is full: frames for firmware are dropped whole, the fast path goes on. */
START_TEST(events_held)
{
	Bench b(550);
	Setup s;
	World w(b, s);
	Peer &p = *w.peers[0];
	for (int i = 0; i < 10; i++)
		p.random_pdu();
	b.event_max = 0;
	Seg seg;
	seg.payload.assign(1000, 3);
	for (int i = 0; i < 60; i++) {
		b.send(make_frame(seg));
		if (i % 6 == 0)
			p.pump();
	}
	for (int i = 0; i < 60000 && !b.eth_idle(); i++)
		b.tick();
	b.ticks(200);
	ck_assert_uint_gt(b.cnt[C_EVQ], 20);
	ck_assert_uint_gt(b.cnt[C_TO_FW], 10);
	ck_assert_uint_eq(b.cnt[C_EVQ] + b.cnt[C_TO_FW] + b.cnt[C_FAST], b.cnt[C_FRAMES]);
	ck_assert_uint_ge(b.cnt[C_FAST], 4);
	ck_assert_uint_ge(b.reg(ENG_EVT_PENDING), 15);
	b.event_max = 512;
	w.run(200000);
	w.finish();
}
END_TEST

/* Firmware delivers more than a frame holds: what lies in its own cells again, nothing of another frame. */
START_TEST(delivery_beyond_the_frame)
{
	Bench b(558 + _i);
	World w(b, Setup());
	Peer &p = *w.peers[0];
	Seg seg = p.segment(0, 0), secret = seg;
	Event e;
	b.reg(ENG_RXC_CMD, ENG_RXC_TRAP << 8);
	b.set_ctxa(0, 12, b.get_ctxa(0, 12) & ~(uint32_t)ENG_CF_HDGST);
	seg.ts = secret.ts = false;
	seg.payload.assign(_i ? 700 : 100, 5);
	seg.payload[2] = 8;
	secret.payload.assign(1400, 0xbb);
	b.send(make_frame(seg));
	for (int i = 0; i < 3; i++)
		b.send(make_frame(secret));
	b.settle();
	ck_assert(b.next_event(e) && e.type == ENG_EVT_FRAME);
	b.reg(ENG_RXD_CELL, e.w1 & 0xffff);
	b.reg(ENG_RXD_PUSH, 54 | 4008 << 16);
	while (b.next_event(e))
		if (e.type == ENG_EVT_FRAME)
			b.reg(ENG_RX_FREE, e.w1 & 0xffff);
	b.make_slot(0, 4000, 1);
	b.reg(ENG_RXS_SLOT, 0);
	b.reg(ENG_RXS_OFF, 0);
	b.reg(ENG_RXS_LEN, 4000);
	b.reg(ENG_RXS_CMD, ENG_RXS_DATA << 24);
	b.settle();
	for (unsigned i = 0; i < 4000; i++) {
		uint64_t at = b.slots[0].addr(i);

		ck_assert_uint_ne(b.mem[at - Bench::MEM_BASE], 0xbb);
		b.expect(at, b.mem[at - Bench::MEM_BASE]);
	}
	b.check_memory();
	ck_assert_uint_eq(b.reg(ENG_RX_CELLS), ENG_PKT_CELLS);
}
END_TEST

/*
 * Firmware takes no frame: cells run out, but for a reserve when the frames are of no connection, frames are dropped whole, and
 * all is well when the cells come back.
 */
START_TEST(cells_run_out)
{
	Bench b(560 + _i);
	World w(b, Setup());
	Event e;
	bool known = _i & 1;
	Seg seg = w.peers[0]->segment(0, 0);
	unsigned sizes[] = {1400, 8900, 20, 470}, size = sizes[_i / 2];
	b.reg(ENG_RXC_CMD, ENG_RXC_TRAP << 8);
	seg.rport += !known;
	seg.ts = false;
	seg.payload.assign(size, 9);
	unsigned per = (54 + size + 511) / 512, most = (ENG_PKT_CELLS - (known ? 0 : ENG_RX_RESERVE)) / per;
	b.event_max = 2000;
	b.rate100 = 800;
	for (unsigned i = 0; i < most + 50; i++) {
		seg.seq = i;
		b.send(make_frame(seg));
	}
	while (!b.eth_idle())
		b.tick();
	b.settle();
	ck_assert_uint_eq(b.cnt[C_TO_FW], most);
	ck_assert_uint_gt(b.cnt[C_NOBUF], 45);
	ck_assert_uint_eq(b.cnt[C_NOBUF] + b.cnt[C_TO_FW], b.cnt[C_FRAMES]);
	ck_assert_uint_eq(b.reg(ENG_RX_CELLS), ENG_PKT_CELLS - most * per);
	seg.seq = 0;
	/* At the reserve one may be dropped while the next is on its way, and a later one find room. */
	for (unsigned i = 0; b.next_event(e); i++) {
		auto frame = b.packet(e.w1 & 0xffff, 0, e.w1 >> 16);
		uint32_t seq = frame[38] << 24 | frame[39] << 16 | frame[40] << 8 | frame[41];

		ck_assert_uint_ge(seq, known ? i : seg.seq + (i > 0));
		ck_assert_uint_le(seq, known ? i : most + 50);
		seg.seq = seq;
		if (b.rng.pct(5))
			ck_assert(frame == make_frame(seg));
		b.reg(ENG_RX_FREE, e.w1 & 0xffff);
	}
	b.settle();
	ck_assert_uint_eq(b.reg(ENG_RX_CELLS), ENG_PKT_CELLS);
}
END_TEST

/* Frames of the least size without any gap: each is taken or counted, and none is mixed up. */
START_TEST(flood)
{
	Bench b(570 + _i);
	Event e;
	uint64_t taken = 0, n = 3000;
	for (unsigned i = 0; i < n; i++) {
		Seg s;
		s.payload.assign(b.rng.below(_i ? 900 : 7), 1);
		s.seq = i;
		s.bad_tcp = b.rng.pct(10);
		s.bad_ip = b.rng.pct(5);
		s.dmac += b.rng.pct(10);
		Bytes f = make_frame(s);
		if (b.rng.pct(10))
			f.resize(1 + b.rng.below(40));
		else if (f.size() < 60)
			f.resize(60);
		b.send(f, b.rng.pct(5));
	}
	while (!b.eth_idle() || !b.events.empty() || b.dut->busy) {
		b.tick();
		if (!b.next_event(e))
			continue;
		taken++;
		if (e.flags & 1) {
			Bytes h = b.packet(e.w1 & 0xffff, 0, e.w1 >> 16);
			Seg s;
			s.payload.assign(e.w2 >> 16, 1);
			s.seq = (uint32_t)h[38] << 24 | h[39] << 16 | h[40] << 8 | h[41];
			Bytes f = make_frame(s);
			f.resize(h.size());
			ck_assert(f == h);
		}
		b.reg(ENG_RX_FREE, e.w1 & 0xffff);
	}
	b.settle();
	uint64_t sum = b.cnt[C_LEN] + b.cnt[C_NOTUS] + b.cnt[C_IPCSUM] + b.cnt[C_TCPCSUM] + b.cnt[C_NOBUF] + b.cnt[C_EVQ];
	ck_assert_uint_eq(b.cnt[C_FRAMES] + b.cnt[C_FCS], n);
	ck_assert_uint_eq(sum + taken, b.cnt[C_FRAMES]);
	ck_assert_uint_eq(taken, b.cnt[C_TO_FW]);
	ck_assert_uint_gt(taken, 100);
	ck_assert_uint_eq(b.reg(ENG_RX_CELLS), ENG_PKT_CELLS);
}
END_TEST

/* Neighbours whose segments carry one byte each give the engine more pieces than it can take; a third one is served all the same. */
START_TEST(neighbours)
{
	Bench b(575);
	Setup s;
	s.conns = 128;
	s.mss = s.min_seg = 1;
	s.hdgst = s.own_data = 0;
	s.wnd = 400;
	World w(b, s);
	Peer *busy[] = {w.peers[32], w.peers[33]}, &quiet = *w.peers[40];
	b.rate100 = 700; /* the lookup keeps up */
	for (Peer *p : busy) {
		b.make_slot(p->slot_base, 30000, 1);
		p->add_pdu(data_pdu(*p, 30000, 0, 0));
	}
	for (unsigned i = 0; i < 5; i++)
		quiet.add_pdu(data_pdu(quiet, 40, i, ENG_RXSF_EVENT));
	uint64_t start = 0;
	for (unsigned n = 0; !quiet.done() && n < 200000; n++) {
		Event e;
		if (n == 20000)
			start = b.cycle;
		if (b.eth_idle() && (n < 20000 || n % 4 || !quiet.pump()))
			busy[b.rng.below(2)]->pump();
		if (b.next_event(e))
			w.handle(e);
		b.tick();
	}
	printf("beside busy neighbours: %u cycles for %zu one-byte segments\n", (unsigned)(b.cycle - start), quiet.stream.size());
	ck_assert(quiet.done());
	ck_assert(!busy[0]->done() && !busy[1]->done());
	ck_assert_uint_eq(b.cnt[C_TO_FW], 0);
}
END_TEST

/* 128 KiB PDUs at 25 Gb/s keep the wire full, with frames of 1,500 and of 9,000 bytes. */
START_TEST(line_rate)
{
	Bench b(580);
	Setup s;
	s.mss = s.min_seg = _i ? 8948 : 1448;
	s.wnd = 400000;
	s.fw_delay = 0;
	s.hdgst = s.ddgst = 100;
	s.own_data = 0;
	b.rate100 = 1250;
	World w(b, s);
	Peer &p = *w.peers[0];
	for (unsigned i = 0; i < 8; i++) {
		b.make_slot(i, 131072, 32);
		p.add_pdu(data_pdu(p, 131072, i, ENG_RXSF_DDGST | ENG_RXSF_EVENT));
	}
	uint64_t start = b.cycle, frames = (p.stream.size() + s.mss - 1) / s.mss;
	w.run(400000);
	double wire = (p.stream.size() + frames * (66 + 24)) / 12.5, took = b.eth_done - start;
	w.finish();
	printf("128 KiB, %u byte segments: %.0f cycles, the wire needs %.0f\n", s.mss, took, wire);
	ck_assert_uint_eq(b.cnt[C_FAST], frames);
	ck_assert_msg(took < 1.02 * wire, "%f cycles for %f", took, wire);
}
END_TEST

/* 100 full segments wait; from the command on they are placed faster than 25 Gb/s would bring them. */
START_TEST(place_rate)
{
	Bench b(590);
	Setup s;
	s.mss = s.min_seg = 1448;
	s.wnd = 400000;
	s.hdgst = 0;
	s.ddgst = 100;
	s.elements = 1;
	World w(b, s);
	Peer &p = *w.peers[0];
	unsigned len = 100 * 1448 - 28;
	b.make_slot(0, len, 36);
	p.add_pdu(data_pdu(p, len, 0, ENG_RXSF_DDGST | ENG_RXSF_EVENT));
	while (p.pump())
		;
	b.settle(100000);
	Event e;
	ck_assert(b.next_event(e));
	w.handle(e);
	uint64_t start = b.cycle;
	while (b.events.empty())
		b.tick();
	double per = (double)(b.cycle - start - b.wr_latency) / 100;
	printf("placing: %.1f cycles per 1448-byte segment\n", per);
	ck_assert(per < 1448 / 12.5);
	w.run(10000);
	w.finish();
}
END_TEST

void add_stream_cases(Suite *s)
{
	TCase *t = tcase_create("stops and errors");
	tcase_add_loop_test(t, stop_anywhere, 0, 6);
	tcase_add_loop_test(t, bad_header, 0, 4);
	tcase_add_test(t, odd_commands);
	tcase_add_loop_test(t, place_errors, 0, 4);
	tcase_set_timeout(t, 60);
	suite_add_tcase(s, t);
	t = tcase_create("pressure");
	tcase_add_test(t, events_held);
	tcase_add_loop_test(t, delivery_beyond_the_frame, 0, 2);
	tcase_add_loop_test(t, cells_run_out, 0, 8);
	tcase_add_loop_test(t, flood, 0, 2);
	tcase_add_test(t, neighbours);
	tcase_add_loop_test(t, line_rate, 0, 2);
	tcase_add_test(t, place_rate);
	tcase_set_timeout(t, 60);
	suite_add_tcase(s, t);
}
