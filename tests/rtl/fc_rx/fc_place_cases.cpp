/* SPDX-License-Identifier: BSD-2-Clause */
/* Bench of weft_fc_rx, data frames: each rule of "Place" broken alone, sequences, ends, order of events and writes, errors, throughput. */
#include <algorithm>
#include <check.h>
#include <cstdio>
#include <cstring>

#include "fc_model.h"

void add_place_cases(Suite *s);

static void all_free(Bench &b)
{
	b.settle();
	ck_assert_uint_eq(b.reg(ENG_FRX_BUFS), ENG_N_FCBUF);
	b.check_memory();
}

struct Rule {
	const char *name;
	bool open; /* in the middle of a sequence */
	verdict want;
	void (*change)(Frame &, struct eng_fcx &);
};

static const Rule rules[] = {
	{"good, first", false, V_PLACE, [](Frame &, eng_fcx &) {}},
	{"good, next", true, V_PLACE, [](Frame &, eng_fcx &) {}},
	{"good, last", true, V_PLACE, [](Frame &f, eng_fcx &) { f.eof = EOF_T, f.f_ctl |= F_END_SEQ; }},
	{"good, alone with fill", false, V_PLACE, [](Frame &f, eng_fcx &) { f.eof = EOF_T, f.f_ctl |= F_END_SEQ, f.payload.resize(33); }},
	{"other bits of F_CTL", false, V_PLACE, [](Frame &f, eng_fcx &) { f.f_ctl |= 0x310000; }},
	{"cs_ctl", false, V_PLACE, [](Frame &f, eng_fcx &) { f.cs_ctl = 0x55; }},
	{"rx_id unset", false, V_PLACE, [](Frame &f, eng_fcx &) { f.rx_id = 0xffff; }},
	{"seq_cnt 0 in a new sequence", false, V_PLACE, [](Frame &f, eng_fcx &) { f.seq_cnt = 0; }},
	{"seq_cnt 0 in an open one", true, V_TRAP, [](Frame &f, eng_fcx &) { f.seq_cnt = 0; }},
	{"seq_cnt gap", true, V_TRAP, [](Frame &f, eng_fcx &) { f.seq_cnt++; }},
	{"seq_cnt behind", true, V_TRAP, [](Frame &f, eng_fcx &) { f.seq_cnt--; }},
	{"seq_cnt of a new sequence", false, V_TRAP, [](Frame &f, eng_fcx &) { f.seq_cnt += 2; }},
	{"a sequence begins in an open one", true, V_TRAP, [](Frame &f, eng_fcx &) { f.sof = SOF_I3; }},
	{"no sequence is open", false, V_TRAP, [](Frame &f, eng_fcx &) { f.sof = SOF_N3; }},
	{"another seq_id", true, V_TRAP, [](Frame &f, eng_fcx &) { f.seq_id ^= 0x80; }},
	{"offset ahead", true, V_TRAP, [](Frame &f, eng_fcx &) { f.param += 4; }},
	{"offset behind", true, V_TRAP, [](Frame &f, eng_fcx &) { f.param -= 64; }},
	{"offset, high bit", false, V_TRAP, [](Frame &f, eng_fcx &) { f.param ^= 0x80000000u; }},
	{"no offset", true, V_TRAP, [](Frame &f, eng_fcx &) { f.f_ctl &= ~F_REL_OFF; }},
	{"up to the end", true, V_PLACE, [](Frame &f, eng_fcx &x) { x.end = x.next + (uint32_t)f.payload.size(); }},
	{"a byte past the end", true, V_TRAP, [](Frame &f, eng_fcx &x) { x.end = x.next + (uint32_t)f.payload.size() - 1; }},
	{"all past the end", true, V_TRAP, [](Frame &, eng_fcx &x) { x.end = x.next; }},
	{"end behind next", true, V_TRAP, [](Frame &, eng_fcx &x) { x.end = 0; }},
	{"offset wraps", true, V_TRAP, [](Frame &f, eng_fcx &x) { x.next = f.param = 0xfffffff0, x.end = 0xffffffff; }},
	{"no payload", true, V_TRAP, [](Frame &f, eng_fcx &) { f.payload.clear(); }},
	{"network header", true, V_TRAP, [](Frame &f, eng_fcx &) { f.df_ctl = 0x20; }},
	{"EOFt without END_SEQ", true, V_TRAP, [](Frame &f, eng_fcx &) { f.eof = EOF_T; }},
	{"END_SEQ without EOFt", true, V_TRAP, [](Frame &f, eng_fcx &) { f.f_ctl |= F_END_SEQ; }},
	{"another s_id", true, V_NONE, [](Frame &f, eng_fcx &) { f.s_id ^= 0x010000; }},
	{"generation", true, V_NONE, [](Frame &f, eng_fcx &) { f.ox_id ^= 0x0800; }},
	{"another slot", true, V_NONE, [](Frame &f, eng_fcx &) { f.ox_id ^= 1; }},
	{"ox_id unset", true, V_NONE, [](Frame &f, eng_fcx &) { f.ox_id = 0xffff; }},
	{"another rx_id", true, V_NONE, [](Frame &f, eng_fcx &) { f.rx_id ^= 0x4000; }},
	{"from an originator", true, V_NONE, [](Frame &f, eng_fcx &) { f.f_ctl &= ~F_EX_CTX, std::swap(f.ox_id, f.rx_id); }},
	{"no MATCH", false, V_NONE, [](Frame &, eng_fcx &x) { x.flags &= ~ENG_FCX_MATCH; }},
	{"RESPONDER", false, V_NONE, [](Frame &, eng_fcx &x) { x.flags |= ENG_FCX_RESPONDER; }},
	{"not ARMED", false, V_FRAME, [](Frame &, eng_fcx &x) { x.flags &= ~ENG_FCX_ARMED; }},
	{"a response", true, V_FRAME, [](Frame &f, eng_fcx &) { f.r_ctl = 7, f.eof = EOF_T; }},
	{"a descriptor", false, V_FRAME, [](Frame &f, eng_fcx &) { f.r_ctl = 5; }},
	{"data of another routing", false, V_FRAME, [](Frame &f, eng_fcx &) { f.r_ctl = 0x21; }},
	{"a link service", false, V_FRAME, [](Frame &f, eng_fcx &) { f.type = 0x28; }},
	{"an abort", true, V_FRAME, [](Frame &f, eng_fcx &) { f.type = 0, f.r_ctl = 0x81, f.payload.clear(), f.d_id = 0x999999; }},
	{"an els", true, V_NONE, [](Frame &f, eng_fcx &) { f.type = 1; }},
};

/* One frame on both wires, after a good one; then a good frame of the same sequence or a new one. */
START_TEST(rule)
{
	const Rule &t = rules[_i / 2];
	Bench b(200 + _i, _i % 2 ? ENG_FCM_FCOE : ENG_FCM_NATIVE);
	Exch x(b, 1234, 65536, ENG_FCX_PEER, 3, 4096, 7);
	x.send(192, !t.open);
	b.settle();
	Frame f = x.next(64, false);
	t.change(f, x.x);
	x.arm();
	verdict v = judge(x.x, f);
	ck_assert_msg(v == t.want, "%s: the model says %d", t.name, v);
	if (v == V_PLACE)
		b.expect_data(x.slot, x.x.next - x.x.base, f.payload);
	b.send(f);
	apply(x.x, f, v);
	if (v != V_PLACE)
		expect_event(b, f, v, x.slot);
	all_free(b);
	ck_assert(b.events.empty());
	x.check();
	ck_assert_uint_eq(b.cnt[C_PLACED], 1 + (v == V_PLACE));
	ck_assert_uint_eq(b.cnt[C_TO_FW], v != V_PLACE);
	ck_assert_uint_eq(b.cnt[C_TRAP], v == V_TRAP);

	/* what follows it */
	if (!(x.x.flags & ENG_FCX_MATCH) || (x.x.flags & ENG_FCX_RESPONDER) || x.x.next < x.x.base || x.x.next > x.x.base + 60000)
		return;
	x.x.end = 0xffffffff;
	x.arm();
	Frame g = x.next(100, true);
	v = judge(x.x, g);
	ck_assert_int_eq(v, t.want == V_TRAP || !(x.x.flags & ENG_FCX_ARMED) ? V_FRAME : V_PLACE);
	if (v == V_PLACE)
		b.expect_data(x.slot, x.x.next - x.x.base, g.payload);
	b.send(g);
	apply(x.x, g, v);
	if (v != V_PLACE)
		expect_event(b, g, v, x.slot);
	all_free(b);
	x.check();
}
END_TEST

/* A duplicate, and a frame whose wire damage drops it: the one after it traps. */
START_TEST(lost_and_doubled)
{
	Bench b(300 + _i);
	Exch x(b, 5, 8192, ENG_FCX_RESPONDER);
	Frame f = x.next(512, false);
	x.b.expect_data(5, 0, f.payload);
	b.send(f);
	apply(x.x, f, V_PLACE);
	Frame g = f;
	if (_i) {
		g = x.next(512, false);
		g.bad_crc = true;
		b.send(g);
		g = x.next(512, true);
		g.param += 512;
		g.seq_cnt++;
	}
	b.send(g);
	ck_assert_int_eq(judge(x.x, g), V_TRAP);
	apply(x.x, g, V_TRAP);
	expect_event(b, g, V_TRAP, 5);
	all_free(b);
	x.check();
}
END_TEST

/* Sequences one after another, SEQ_CNT going on (over its wrap) or starting at 0, in both roles. */
START_TEST(streamed)
{
	Bench b(310 + _i, _i & 4 ? ENG_FCM_FCOE : ENG_FCM_NATIVE);
	b.wr_pct = _i & 1 ? 60 : 100;
	b.x_pct = b.rd_pct = 70;
	Exch x(b, 2047 - _i, 120000, (_i & 1 ? ENG_FCX_RESPONDER : 0) | ENG_FCX_EVENT, _i % 3 ? 40 : 1, 512 * _i, 3);
	x.continuous = _i & 2;
	x.x.seq_cnt = _i & 2 ? 0xfff0 : 0;
	x.arm();
	uint32_t left = 120000;
	bool ended = false;
	while (left) {
		unsigned n = 4 * (1 + b.rng.below(528));
		bool last = n >= left || b.rng.pct(20);
		if (last && b.rng.pct(50) && n > 4 && n < left)
			n -= b.rng.below(4);
		n = n < left ? n : left;
		ended = x.send(n, last);
		left -= n;
	}
	ck_assert(ended);
	Event e = b.event();
	ck_assert_uint_eq(e.type, ENG_EVT_FC_PLACED);
	ck_assert_uint_eq(e.id, x.slot);
	ck_assert_uint_eq(e.w1, 120000);
	ck_assert_uint_eq(e.flags, 0);
	ck_assert_uint_eq(e.accepted, 120000);
	all_free(b);
	x.check();
	ck_assert(b.events.empty());
	ck_assert(b.flags.empty());
}
END_TEST

/* Frames from a base in the middle, an end with and without EVENT, and what comes after it. */
START_TEST(ends)
{
	for (unsigned with = 0; with < 2; with++) {
		Bench b(330 + with);
		Exch x(b, 77, 1024, with ? ENG_FCX_EVENT : 0, 2, 0x10000000);
		x.send(512, true);
		x.send(256, false);
		ck_assert_int_eq(x.send(256, true), with);
		if (with) {
			Event e = b.event();
			ck_assert_uint_eq(e.type, ENG_EVT_FC_PLACED);
			ck_assert_uint_eq(e.w1, 1024);
		}
		Frame f = x.next(4, true);
		verdict v = judge(x.x, f);
		ck_assert_int_eq(v, with ? V_FRAME : V_TRAP);
		b.send(f);
		apply(x.x, f, v);
		expect_event(b, f, v, 77);
		/* the last byte without END_SEQ is no end */
		b.reg(ENG_FCX_STOP, 77);
		ck_assert_uint_eq(b.event().type, ENG_EVT_FC_STOPPED);
		Exch y(b, 77, 64, ENG_FCX_EVENT, 1, 0, 1);
		y.send(64, false);
		all_free(b);
		y.check();
		ck_assert(b.events.empty());
	}
}
END_TEST

/* Burst after burst on one context: after EVT_FC_PLACED firmware arms it anew without a stop, MATCH all the time set. */
START_TEST(armed_again)
{
	Bench b(335);
	Exch x(b, 300, 60000, ENG_FCX_EVENT | ENG_FCX_RESPONDER, 5), y(b, 301, 900000, 0, 2);
	b.wr_pct = 50;
	x.x.end = 0;
	for (unsigned burst = 0; burst < 12; burst++) {
		x.x.end += 5000;
		x.x.flags |= ENG_FCX_ARMED;
		x.arm();
		for (unsigned left = 5000; left;) {
			unsigned n = std::min(left, 4 * b.rng.range(1, 528));
			left -= n;
			x.send(n, !left);
			y.send(4 * b.rng.range(1, 528), b.rng.pct(10));
		}
		Event e = b.event();
		ck_assert_uint_eq(e.type, ENG_EVT_FC_PLACED);
		ck_assert_uint_eq(e.id, 300);
		ck_assert_uint_eq(e.w1, x.x.end);
		ck_assert_uint_le(e.w1, e.accepted);
	}
	all_free(b);
	x.check();
	y.check();
	ck_assert_uint_eq(b.cnt[C_TO_FW], 0);
}
END_TEST

/* The other side's id is learned from the first data frame that has one, then held against. */
START_TEST(peer_id)
{
	Bench b(340);
	Exch x(b, 40, 4096);
	x.peer = 0xffff;
	x.send(64, false);
	ck_assert(!(x.x.flags & ENG_FCX_PEER));
	x.peer = 0x1111;
	Frame rsp = x.next(12, true); /* not a data frame: sets nothing */
	rsp.r_ctl = 7;
	rsp.rx_id = 0x2222;
	b.send(rsp);
	expect_event(b, rsp, V_FRAME, 40);
	x.send(64, false);
	ck_assert(x.x.flags & ENG_FCX_PEER);
	Frame f = x.next(64, false);
	f.rx_id = 0x2222;
	ck_assert_int_eq(judge(x.x, f), V_NONE);
	b.send(f);
	expect_event(b, f, V_NONE, 40);
	x.peer = 0xffff;
	x.send(64, true);
	all_free(b);
	x.check();
	ck_assert_uint_eq(b.fcx(40).peer_xid, 0x1111);
}
END_TEST

/* A frame for firmware between data: its event waits for the write commands of the data before it, and nothing else. */
START_TEST(event_order)
{
	Bench b(350 + _i);
	Exch x(b, 60, 400000, ENG_FCX_EVENT, 1 + _i * 30), y(b, 61, 400000, 0, 1 + _i * 30);
	uint64_t bytes = 0;
	std::vector<uint64_t> before;
	b.wr_pct = 15;
	b.wr_latency = 500;
	b.on_event = [&](const Event &e) {
		ck_assert_uint_ge(e.accepted, before[0]);
		before.erase(before.begin());
	};
	for (unsigned i = 0; i < 60; i++) {
		Exch &z = b.rng.pct(50) ? x : y;
		unsigned n = 4 * b.rng.range(1, 528);
		z.send(n, b.rng.pct(30));
		bytes += n;
		if (b.rng.pct(60))
			continue;
		Frame f = z.next(32, true);
		f.r_ctl = 7;
		b.send(f);
		before.push_back(bytes);
	}
	size_t n = before.size();
	b.settle();
	ck_assert(before.empty());
	for (size_t i = 0; i < n; i++)
		b.reg(ENG_FRX_FREE, b.event().w1 & 0xff);
	all_free(b);
	x.check();
	y.check();
}
END_TEST

/* A failing write: the slot's sticky flag, DMA_ERR in the context and in EVT_FC_PLACED; the data go on. */
START_TEST(dma_error)
{
	Bench b(360 + _i);
	Exch x(b, 90, 20000, ENG_FCX_EVENT, 4), y(b, 91, 20000, ENG_FCX_EVENT, 4);
	b.flag_pct = 20;
	b.bad_writes.push_back({b.slots[90].addr(3000), b.slots[90].addr(3000)});
	for (unsigned i = 0; i < 10; i++) {
		if (i == 9 && _i)
			b.settle(); /* the error is known before the end */
		x.send(2000, i == 9);
		y.send(2000, i == 9);
	}
	for (unsigned i = 0; i < 2; i++) {
		Event e = b.event();
		ck_assert_uint_eq(e.type, ENG_EVT_FC_PLACED);
		if (_i)
			ck_assert_uint_eq(e.flags, e.id == 90 ? 2 : 0);
	}
	all_free(b);
	ck_assert_uint_eq(b.flags.size(), 1);
	ck_assert_uint_eq(b.flags[0].first, 90);
	ck_assert_uint_eq(b.flags[0].second, WEFT_CQF_DMA_ERR);
	x.x.flags |= ENG_FCX_DMA_ERR;
	x.check();
	y.check();
	x.x.flags = ENG_FCX_MATCH; /* firmware's write clears it */
	x.arm();
	x.check();
}
END_TEST

/* All writes fail while nobody takes the flags: none is lost. */
START_TEST(many_errors)
{
	Bench b(370);
	b.bad_writes.push_back({Bench::MEM_BASE, Bench::MEM_BASE + Bench::MEM_SIZE});
	b.flag_pct = 0;
	std::vector<Exch> xs;
	for (unsigned i = 0; i < 100; i++)
		xs.emplace_back(b, 500 + i, 512, 0, 1);
	for (auto &x : xs)
		x.send(512, true);
	b.ticks(6000);
	ck_assert_uint_lt(b.cnt[C_PLACED], 100); /* it waits */
	b.flag_pct = 30;
	all_free(b);
	ck_assert_uint_eq(b.flags.size(), 100);
	for (unsigned i = 0; i < 100; i++) {
		ck_assert_uint_eq(b.flags[i].first, 500 + i);
		xs[i].x.flags |= ENG_FCX_DMA_ERR;
		xs[i].check();
	}
}
END_TEST

/* A buffer that is shorter than the context believes: what fits is written, SHORT and the sticky flag tell. */
START_TEST(short_sgl)
{
	Bench b(380 + _i);
	Exch x(b, 33, 1000, ENG_FCX_EVENT, _i ? 20 : 1), y(b, 34, 4000, 0, 2);
	x.x.end = 2000;
	x.arm();
	x.send(900, false);
	x.send(400, false); /* the walker refuses it whole */
	y.send(2000, false);
	x.send(700, true);
	y.send(2000, true);
	Event e = b.event();
	ck_assert_uint_eq(e.type, ENG_EVT_FC_PLACED);
	ck_assert_uint_eq(e.id, 33);
	ck_assert_uint_eq(e.flags, 4);
	ck_assert_uint_eq(e.w1, 2000);
	all_free(b);
	x.x.flags |= ENG_FCX_SHORT;
	x.check();
	y.check();
	ck_assert_uint_eq(b.flags.size(), 2);
	ck_assert_uint_eq(b.flags[0].first, 33);
	ck_assert_uint_eq(b.flags[1].first, 33);
	ck_assert_uint_eq(b.flags[0].second, WEFT_CQF_DMA_ERR);
}
END_TEST

/* data_len says enough but the elements do not: pieces, then the rest of the payload is passed over. */
START_TEST(short_elements)
{
	Bench b(385 + _i);
	Exch x(b, 35, 0), y(b, 36, 4000, 0, 2);
	b.make_slot(35, 2500, _i ? 30 : 3, false, _i, 4000);
	x.x.end = 4000;
	x.arm();
	x.send(2000, false);
	Frame f = x.next(1000, false);
	b.expect_data(35, 2000, Bytes(f.payload.begin(), f.payload.begin() + 500));
	b.send(f);
	apply(x.x, f, V_PLACE);
	y.send(2000, true);
	x.send(1000, true);
	y.send(2000, true);
	all_free(b);
	x.x.flags |= ENG_FCX_SHORT;
	x.check();
	y.check();
	ck_assert_uint_eq(b.flags.size(), 2);
}
END_TEST

/* Firmware fills the entry anew, then writes the context: the walker does not use what it knew. */
START_TEST(fresh_entry)
{
	Bench b(390);
	for (unsigned gen = 0; gen < 12; gen++) {
		b.make_slot(8, 4096, gen % 3 ? 1 + gen : 1, true, gen & 1);
		Exch x(b, 8, 0, ENG_FCX_EVENT, 1, gen * 64, gen);
		x.x.end = x.x.base + 4096;
		x.arm();
		for (unsigned i = 0; i < 4; i++)
			x.send(1024, i == 3);
		ck_assert_uint_eq(b.event().type, ENG_EVT_FC_PLACED);
		b.reg(ENG_FCX_STOP, 8);
		Event e = b.event();
		ck_assert_uint_eq(e.type, ENG_EVT_FC_STOPPED);
		ck_assert_uint_eq(e.id, 8);
		all_free(b);
	}
}
END_TEST

/* Full frames without a gap: not a byte is dropped, and the data leave as fast as they come (144 cycles would be the wire's). */
START_TEST(throughput)
{
	static const struct {
		unsigned mode, slots, elements;
	} runs[] = {
		{ENG_FCM_NATIVE, 1, 1}, {ENG_FCM_NATIVE, 8, 1}, {ENG_FCM_FCOE, 1, 1}, {ENG_FCM_NATIVE, 1, 100}, {ENG_FCM_NATIVE, 3, 3},
	};
	Bench b(400 + _i, runs[_i].mode);
	std::vector<Exch> xs;
	unsigned frames = 400;
	for (unsigned i = 0; i < runs[_i].slots; i++)
		xs.emplace_back(b, 100 + i, frames / runs[_i].slots * 2112 + 2112, 0, runs[_i].elements);
	b.first_beat = 0;
	for (unsigned i = 0; i < frames; i++)
		xs[i % xs.size()].send(2112, false);
	all_free(b);
	for (auto &x : xs)
		x.check();
	ck_assert_uint_eq(b.cnt[C_NOBUF], 0);
	ck_assert_uint_eq(b.cnt[C_PLACED], frames);
	double each = (double)(b.last_write - b.first_beat) / frames;
	printf("2112-byte frames, %s, %u slots, %u elements: %.1f cycles each\n", runs[_i].mode == ENG_FCM_FCOE ? "FCoE" : "native", runs[_i].slots,
	       runs[_i].elements, each);
	ck_assert_msg(each <= 155, "%.1f cycles a frame", each);
}
END_TEST

/* Short data frames: what the engine takes for each. */
START_TEST(throughput_short)
{
	Bench b(410);
	Exch x(b, 100, 3000 * 4);
	b.gap = 0;
	for (unsigned i = 0; i < 120; i++)
		x.send(4, false);
	all_free(b);
	ck_assert_uint_eq(b.cnt[C_PLACED], 120);
	double each = (double)(b.last_write - b.first_beat) / 120;
	printf("4-byte frames: %.1f cycles each\n", each);
	ck_assert_msg(each <= 12, "%.1f cycles a frame", each);
}
END_TEST

void add_place_cases(Suite *s)
{
	TCase *t = tcase_create("place");
	tcase_add_loop_test(t, rule, 0, 2 * (int)(sizeof(rules) / sizeof(rules[0])));
	tcase_add_loop_test(t, lost_and_doubled, 0, 2);
	tcase_add_loop_test(t, streamed, 0, 8);
	tcase_add_test(t, ends);
	tcase_add_test(t, armed_again);
	tcase_add_test(t, peer_id);
	tcase_add_loop_test(t, event_order, 0, 2);
	tcase_add_loop_test(t, dma_error, 0, 2);
	tcase_add_test(t, many_errors);
	tcase_add_loop_test(t, short_sgl, 0, 2);
	tcase_add_loop_test(t, short_elements, 0, 2);
	tcase_add_test(t, fresh_entry);
	tcase_add_loop_test(t, throughput, 0, 5);
	tcase_add_test(t, throughput_short);
	tcase_set_timeout(t, 60);
	suite_add_tcase(s, t);
}
