// SPDX-License-Identifier: BSD-2-Clause
// Tests of weft_fc_tx. Every frame that leaves is compared byte for byte with the model of fc_tx_model.cpp, in every test.
#include "fc_tx_bench.h"
#include <cstring>

enum {
	REC = 0x80000,
	LIT = 0x90000,
	NATIVE = ENG_FCM_NATIVE,
	FCOE = ENG_FCM_FCOE,
	DONE = ENG_FTXF_DONE,
	RAW = ENG_FTXF_RAW
};

static record rec_blank(bench &b, int i)
{
	record r = { (uint32_t)(REC + i * 64),
		     (uint32_t)(LIT + i * 0x900),
		     bytes(24),
		     {},
		     2112,
		     (unsigned)i,
		     (unsigned)i,
		     0,
		     0,
		     0,
		     {} };

	for (auto &x : r.hdr)
		x = b.rng();
	return r;
}

static bytes bytes_random(bench &b, size_t n)
{
	bytes p(n);

	for (auto &x : p)
		x = b.rng();
	return p;
}

/* Elements for at least want bytes. */
static std::vector<elem> list_random(bench &b, uint32_t want, bool *is_chain)
{
	std::vector<elem> el;
	uint64_t sum = 0;
	int shape = b.rnd(4);
	unsigned n = 3;

	*is_chain = b.rnd(2);
	if (*is_chain)
		n = 1 + b.rnd(300);
	while (el.size() < n) {
		uint32_t len = b.rnd(6) == 0 ? 0 :
			       shape == 0    ? b.rnd(100) :
			       shape == 1    ? 4096 :
					       b.rnd(3 * want / n + 2);
		if (el.size() + 1 == n && sum + len < want)
			len = want - sum;
		el.push_back({ b.rng() >> 8, len });
		sum += len;
	}
	return el;
}

static void data_random(bench &b, record &r, uint32_t len, uint32_t off)
{
	bool is_chain;

	r.data_len = len;
	r.data_off = off;
	r.el = list_random(b, len + off, &is_chain);
	r.buf_len = len + off + b.rnd(2);
	b.slot_init(r.data_slot, r.el, r.buf_len, is_chain);
}

static record rec_random(bench &b, int i, uint32_t data_max)
{
	static const unsigned maxes[] = { 2112, 2048, 1024, 132, 128 };
	record r = rec_blank(b, i);

	r.max = b.rnd(3) ? maxes[b.rnd(5)] : 128 + 4 * b.rnd(497);
	if (b.rnd(3))
		r.lit = bytes_random(b, b.rnd(3) ? b.rnd(200) : b.rnd(2113));
	if (b.rnd(3))
		data_random(b, r, b.rnd(3) ? b.rnd(3000) : b.rnd(data_max),
			    b.rnd(3) ? 0 : b.rnd(9000));
	if (b.rnd(4) == 0) /* a whole number of frames */
		data_random(b, r, (r.max * 4 - r.lit.size() % r.max), b.rnd(100));
	return r;
}

static record raw_random(bench &b, int i)
{
	record r = rec_blank(b, i);

	r.lit = bytes_random(b, b.rnd(2) ? 14 + b.rnd(100) : 14 + b.rnd(2099));
	r.max = b.rnd(65536); /* does not count */
	r.data_len = b.rng();
	return r;
}

static void batch(bench &b, int n, uint32_t data_max)
{
	for (int i = 0; i < n; i++) {
		if (b.mode == FCOE && b.rnd(5) == 0)
			b.push(raw_random(b, i), RAW | b.rnd(2) * DONE);
		else
			b.push(rec_random(b, i, data_max), b.rnd(2) * DONE);
	}
	b.fence();
	b.idle();
}

/* The check value: a header alone, as an ABTS is. */
START_TEST(header_alone)
{
	static const uint8_t hdr[24] = { 6, 1, 2, 3, 0, 0xa, 0xb, 0xc,  8,    0x29,
					 0, 0, 0, 0, 0, 0,   0,   0x11, 0xff, 0xff };
	bench b(1, NATIVE);
	record r = rec_blank(b, 0);

	r.hdr.assign(hdr, hdr + 24);
	b.push(r, DONE);
	ck_assert_uint_eq(b.reg_read(ENG_FTX_FREE), 31); /* it clears the kill state first */
	b.idle();
	ck_assert_int_eq(b.fc.frames, 1);
	ck_assert_uint_eq(b.fc.before.size(), 36);
	ck_assert_mem_eq(&b.fc.before[28], "\x08\x74\xb6\xaa\x42\0\0\0", 8);
	ck_assert_uint_eq(b.reg_read(ENG_FTX_FREE), 32);
	ck_assert_int_eq(b.events, 1);
}
END_TEST

/* Each length around each boundary: beat, word, frame; literal bytes, data, both. */
START_TEST(every_size)
{
	static const unsigned maxes[] = { 128, 132, 140, 2112 };
	unsigned max = maxes[_i / 2];
	bench b(10 + _i, _i & 1 ? FCOE : NATIVE);
	std::vector<unsigned> totals;

	b.dma_latency = 5;
	for (unsigned t = 0; t < 40; t++)
		totals.push_back(t);
	for (unsigned k = 1; k <= 3; k++)
		for (int d = -18; d <= 18; d++)
			totals.push_back(k * max + d);
	int i = 0;
	for (unsigned t : totals)
		for (int split = 0; split < 3; split++, i = (i + 1) % 40) {
			record r = rec_blank(b, i);
			unsigned lit = split == 0 ? 0 : split == 1 ? t : b.rnd(t + 1);
			r.max = max;
			r.lit = bytes_random(b, std::min(lit, 2112u));
			data_random(b, r, t - r.lit.size(), b.rnd(40));
			b.push(r, DONE);
			if (i == 39)
				b.idle();
		}
	b.idle();
}
END_TEST

START_TEST(random_ideal_timing)
{
	bench b(100 + _i, _i & 1 ? FCOE : NATIVE);

	b.dma_latency = 20;
	for (int n = 0; n < 12; n++) {
		b.fcoe_set(b.rnd(1 << 24), b.rnd(2) ? bytes() : bytes_random(b, 6));
		batch(b, 12, 60000);
	}
	ck_assert_int_gt(b.fc.frames + b.eth.frames, 500);
}
END_TEST

START_TEST(random_slow_timing)
{
	bench b(200 + _i, _i & 1 ? FCOE : NATIVE);

	b.slow = true;
	b.fc.duty = b.eth.duty = 20 + b.rnd(80);
	b.free_rate = 40;
	if (b.mode == NATIVE) {
		b.credit_set(1 + b.rnd(4));
		b.rrdy_rate = 100;
	}
	for (int n = 0; n < 12; n++) {
		b.fcoe_set(b.rnd(1 << 24), b.rnd(2) ? bytes() : bytes_random(b, 6));
		b.free_rate = 40;
		batch(b, 12, 10000);
	}
	if (b.mode == NATIVE)
		ck_assert_int_gt(b.cnt_stall_credit, 0);
	ck_assert_int_eq(b.freed, b.rrdys);
	while (b.rrdy_due)
		b.step();
	if (b.mode == NATIVE)
		ck_assert_uint_eq(b.reg_read(ENG_FC_STATUS) >> 8, b.granted);
}
END_TEST

/* 24 frames of a read: 2 KiB each, END_SEQ and initiative in the last only, offsets up by 2 KiB. */
START_TEST(data_sequence)
{
	bench b(300, NATIVE);
	record r = rec_blank(b, 0);

	r.max = 2048;
	r.hdr[9] = 0x99;
	r.hdr[11] = 8;
	r.hdr[14] = 0xff; /* SEQ_CNT wraps */
	r.hdr[15] = 0xf0;
	data_random(b, r, 24 * 2048, 512);
	b.push(r, DONE);
	b.idle();
	ck_assert_int_eq(b.fc.frames, 24);
	ck_assert_uint_eq(b.fc.before[4 + 9], 0x99);
	ck_assert_uint_eq(b.fc.before[4 + 15], 0x07);
	ck_assert_uint_eq(b.xram32(r.rec + 44) & 0xffff, 24);
}
END_TEST

/* An error drops the frame under construction and the rest of the operation, and raises the event; the next operation goes on. */
START_TEST(dma_errors)
{
	bench b(400 + _i, _i & 2 ? FCOE : NATIVE);

	b.slow = _i & 1;
	for (int n = 0; n < 30; n++) {
		b.bad_pages.clear();
		std::vector<record> rs;
		for (int i = 0; i < 8; i++) {
			bool is_chain = b.rnd(2);
			record r = rec_blank(b, i);
			r.max = 128 + 4 * b.rnd(497);
			r.lit = bytes_random(b, b.rnd(2) * b.rnd(300));
			for (int k = is_chain ? 20 : 3; k; k--) {
				r.el.push_back({ (b.rng() >> 12 << 12) + b.rnd(4096),
						 1 + (uint32_t)b.rnd(is_chain ? 1500 : 9000) });
				r.data_len += r.el.back().len;
				if (b.rnd(is_chain ? 60 : 8) == 0)
					b.bad_pages.insert(
						(r.el.back().addr + b.rnd(r.el.back().len)) >> 12);
			}
			r.buf_len = r.data_len + 100;
			b.slot_init(i, r.el, r.buf_len, is_chain);
			if (b.rnd(6) == 0)
				r.data_len += 1 + b.rnd(200); /* list, perhaps buffer too short */
			rs.push_back(r);
		}
		for (auto &r : rs)
			b.push(r, b.rnd(2) * DONE);
		b.fence();
		b.idle();
	}
	ck_assert_int_gt(b.failed, 30);
	ck_assert_int_eq(b.dropped, 0);
}
END_TEST

/* A chain that cannot be read is an error, too. */
START_TEST(list_unreadable)
{
	bench b(450, NATIVE);
	record r = rec_blank(b, 1);

	r.lit = bytes_random(b, 300);
	r.max = 256;
	r.data_len = 4000;
	b.slot_init(1, { { 0x1000, 4096 } }, 4000, true);
	b.bad_pages.insert(b.lists.begin()->first >> 12);
	b.push(r, 0);
	b.idle();
	ck_assert_int_eq(b.failed, 1);
	ck_assert_int_eq(b.fc.frames, 1);
	b.bad_pages.clear();
	r.el = { { 0x1000, 4096 } };
	r.buf_len = 4000;
	b.push(r, DONE);
	b.idle();
	ck_assert_int_eq(b.failed, 1);
}
END_TEST

START_TEST(refused_operations)
{
	static const unsigned maxes[] = { 0, 124, 126, 130, 2113, 2116, 0x8840 };
	bench b(500, FCOE);
	record good = rec_random(b, 0, 5000);
	int n = 0;

	for (unsigned m : maxes) {
		record r = good;
		r.max = m;
		b.push(r, 0);
		b.idle();
		ck_assert_int_eq(b.failed, ++n);
	}
	for (int k = 0; k < 6; k++) {
		record r = good;
		if (k == 0)
			r.data_len = 0x1000001;
		if (k == 1)
			r.data_off = 0xfffff000;
		if (k == 2)
			r.lit = bytes(2113);
		if (k == 3)
			r.lit = bytes(17), r.lit_addr = ENG_XRAM_SIZE - 16;
		if (k == 4)
			r.lit = bytes(17), r.lit_addr = 0xfffffff0;
		if (k == 5)
			r.lit = bytes(13);
		b.push(r, k == 5 ? RAW : 0);
		b.idle();
		ck_assert_int_eq(b.failed, ++n);
	}
	ck_assert_int_eq(b.eth.frames, 0);
	b.push(good, DONE);
	record edge = rec_blank(b, 1);
	edge.lit = bytes_random(b, 16);
	edge.lit_addr = ENG_XRAM_SIZE - 16;
	b.push(edge, DONE);
	b.idle();
	ck_assert_int_eq(b.failed, n);
	/* without literal bytes their address does not count */
	edge.lit.clear();
	edge.lit_addr = 0xffffffff;
	b.push(edge, DONE);
	b.idle();
	ck_assert_int_eq(b.failed, n);
}
END_TEST

/* A kill at any moment: what leaves of the slot's operations are whole frames from the beginning; the others lose nothing. */
START_TEST(kill_any_time)
{
	bench b(600 + _i, _i & 2 ? FCOE : NATIVE);

	b.slow = _i & 1;
	b.dma_latency = 100;
	for (int n = 0; n < 40; n++) {
		int at = b.rnd(14), later = b.rnd(600);
		for (int i = 0; i < 12; i++) {
			record r = rec_random(b, i, 20000);
			r.slot = i % 3;
			if (i == at) {
				b.steps(later);
				b.kill(1, true);
			}
			b.push(r, DONE);
			b.ops.back()->killed |= i >= at && r.slot == 1;
			b.due.back().o->killed = b.ops.back()->killed;
		}
		if (at >= 12) {
			b.steps(later);
			b.kill(1, true);
		}
		if (b.mode == FCOE) { /* raw frames pass */
			record r = raw_random(b, 20);
			r.slot = 1;
			b.push(r, RAW | DONE);
		}
		b.fence(1); /* so do fences */
		b.idle();
		long before = b.dropped;
		b.kill(1, false);
		record r = rec_random(b, 13, 5000);
		r.slot = 1;
		b.push(r, DONE);
		b.idle();
		ck_assert_int_eq(b.dropped, before);
	}
	ck_assert_int_gt(b.dropped, 40);
	ck_assert_int_eq(b.failed, 0);
}
END_TEST

/* The kill state is of 2,048 slots, one by one; NO_SLOT has none. */
START_TEST(kill_is_per_slot)
{
	static const unsigned slots[] = { 0, 1, 1023, 2047, 2048, 0xfffe, 0xffff };
	bench b(650, NATIVE);

	for (unsigned s : slots) {
		b.kill(s, true);
		for (unsigned t : slots) {
			record r = rec_blank(b, 0);
			long before = b.dropped;
			r.slot = t;
			op_p o = b.push(r, DONE);
			o->killed = s == t && s < 2048;
			b.idle();
			ck_assert_int_eq(b.dropped - before, s == t && s < 2048);
		}
		b.kill(s, false);
	}
}
END_TEST

/* DROP or mode OFF at any moment: operations end, waiting frames vanish, after a fence nothing old leaves. */
START_TEST(drop_any_time)
{
	bench b(700 + _i, _i & 2 ? FCOE : NATIVE);
	unsigned mode = b.mode;

	b.slow = _i & 1;
	for (int n = 0; n < 40; n++) {
		if (mode == NATIVE && n % 3 == 0)
			b.credit_set(2); /* so that frames wait */
		for (int i = 0; i < 6; i++)
			b.push(rec_random(b, i, 20000), DONE);
		b.steps(b.rnd(1500));
		b.ctrl(n & 4 ? ENG_FCM_OFF : mode, 0, !(n & 4));
		for (int i = 6; i < 9; i++)
			b.push(rec_random(b, i, 20000), DONE);
		b.fence();
		b.steps(b.rnd(3) ? 0 : 200);
		b.ctrl(mode, 0, 0);
		if (mode == NATIVE)
			b.credit_set(ENG_FC_CREDIT_OFF);
		for (int i = 9; i < 12; i++)
			b.push(rec_random(b, i, 20000), DONE);
		b.idle();
	}
	ck_assert_int_gt(b.dropped, 100);
	ck_assert_int_eq(b.failed, 0);
}
END_TEST

/* With a wire that stands still in the middle of a frame, a fence under DROP still comes. */
START_TEST(fence_with_a_dead_wire)
{
	bench b(750, NATIVE);

	b.fc.hold = true;
	for (int i = 0; i < 8; i++)
		b.push(rec_random(b, i, 20000), DONE);
	b.steps(4000);
	b.ctrl(NATIVE, ENG_FCP_OLS, 1);
	b.fence();
	ck_assert_int_gt(b.dropped, 0);
	b.fc.hold = false;
	b.steps(1000);
	ck_assert_int_eq(b.fc.frames, 1); /* that one */
}
END_TEST

START_TEST(raw_frames)
{
	bench b(800, FCOE);

	for (unsigned len = 14; len < 80; len++) {
		record r = raw_random(b, len % 32);
		r.lit.resize(len);
		b.push(r, RAW | DONE);
		if (len % 32 == 31)
			b.idle();
	}
	record r = raw_random(b, 40);
	r.lit = bytes_random(b, 2112);
	b.push(r, RAW | DONE);
	b.push(rec_random(b, 41, 5000), DONE);
	b.idle();
	ck_assert_int_eq(b.failed, 0);
	/* not on the native wire */
	b.ctrl(NATIVE, 0, 0);
	b.credit_set(ENG_FC_CREDIT_OFF);
	long before = b.eth.frames;
	b.push(r, RAW | DONE);
	b.push(rec_random(b, 41, 5000), DONE);
	b.idle();
	ck_assert_int_eq(b.dropped, 1);
	ck_assert_int_eq(b.eth.frames, before);
}
END_TEST

START_TEST(credit_runs_out)
{
	bench b(900, NATIVE);
	record r = rec_blank(b, 0);

	data_random(b, r, 8 * 2112, 0);
	b.credit_set(3);
	ck_assert_uint_eq(b.reg_read(ENG_FC_STATUS), 3 << 8);
	b.push(r, DONE);
	b.steps(6000);
	ck_assert_int_eq(b.fc.frames, 3);
	ck_assert_int_gt(b.cnt_stall_credit, 500);
	ck_assert_uint_eq(b.reg_read(ENG_FC_STATUS), 0);
	ck_assert_int_eq(b.events, 1); /* its bytes are taken; frames still wait */
	b.rrdy_rate = 50;
	b.idle();
	ck_assert_int_eq(b.fc.frames, 8);
	b.steps(1000);
	b.rrdy_rate = 0;
	ck_assert_uint_eq(b.reg_read(ENG_FC_STATUS), 3 << 8);
	/* more than granted adds nothing */
	b.rrdy_due = 20;
	b.rrdy_rate = 1;
	b.steps(30);
	b.credit = 3;
	ck_assert_uint_eq(b.reg_read(ENG_FC_STATUS), 3 << 8);
	/* without credit at all nothing leaves; firmware sets it anew */
	b.credit_set(0);
	b.push(r, DONE);
	b.steps(3000);
	ck_assert_int_eq(b.fc.frames, 8);
	b.credit_set(ENG_FC_CREDIT_OFF);
	b.idle();
	ck_assert_int_eq(b.fc.frames, 16);
	ck_assert_uint_eq(b.reg_read(ENG_FC_STATUS), 0xffff00);
	/* an R_RDY means nothing then */
	b.rrdy_due = 2;
	b.rrdy_rate = 1;
	b.steps(10);
	ck_assert_uint_eq(b.reg_read(ENG_FC_STATUS), 0xffff00);
}
END_TEST

/* FCoE knows no credit. */
START_TEST(fcoe_without_credit)
{
	bench b(950, FCOE);

	b.credit_set(0);
	batch(b, 10, 20000);
	ck_assert_int_gt(b.eth.frames, 9);
}
END_TEST

START_TEST(prim_holds_frames)
{
	bench b(1000, NATIVE);

	for (unsigned p = ENG_FCP_NOS; p <= ENG_FCP_LRR; p++) {
		long frames = b.fc.frames, rrdys = b.rrdys;
		b.ctrl(NATIVE, p, 0);
		ck_assert_uint_eq(b.reg_read(ENG_FC_CTRL), NATIVE | p << 4);
		b.push(rec_random(b, 0, 3000), DONE);
		b.free_rate = 10;
		b.steps(3000);
		b.free_rate = 0;
		ck_assert_int_eq(b.fc.frames, frames);
		ck_assert_int_eq(b.rrdys, rrdys);
		b.ctrl(NATIVE, ENG_FCP_IDLE, 0);
		b.idle();
		ck_assert_int_gt(b.fc.frames, frames);
		ck_assert_int_gt(b.rrdys, rrdys);
	}
	/* the FCoE wire has no primitives */
	b.ctrl(FCOE, ENG_FCP_OLS, 0);
	b.push(rec_random(b, 0, 3000), DONE);
	b.idle();
	ck_assert_int_gt(b.eth.frames, 0);
}
END_TEST

/* R_RDY: one per buffer freed; what is owed before a link reset is not after it. */
START_TEST(rrdy_sent)
{
	bench b(1050, NATIVE);

	b.free_rate = 2;
	b.steps(2000);
	b.idle();
	ck_assert_int_gt(b.freed, 900);
	b.slow = true;
	b.free_rate = 1; /* faster than they can leave */
	b.steps(300);
	b.free_rate = 0;
	ck_assert_int_gt(b.freed, b.rrdys + 50);
	b.ctrl(NATIVE, ENG_FCP_LR, 0);
	b.steps(100);
	long owed = b.freed - b.rrdys;
	b.free_rate = 5;
	b.steps(100);
	b.free_rate = 0;
	long before = b.rrdys;
	b.ctrl(NATIVE, ENG_FCP_IDLE, 0);
	b.steps(500);
	ck_assert_int_gt(b.rrdys, before);
	ck_assert_int_eq(b.freed - b.rrdys, owed);
	b.freed = b.rrdys;
	/* none on Ethernet */
	b.ctrl(FCOE, 0, 0);
	b.top->rrdy_valid = 1;
	for (int i = 0; i < 4; i++) {
		b.top->clk ^= 1;
		b.top->eval();
	}
	b.ctrl(NATIVE, 0, 0);
	before = b.rrdys;
	b.steps(300);
	ck_assert_int_eq(b.rrdys, before);
}
END_TEST

static void link_set(bench &b, bool signal, unsigned prim)
{
	b.top->fc_signal = signal;
	b.top->fc_rx_prim = prim;
}

START_TEST(link_events)
{
	bench b(1100, ENG_FCM_OFF);

	/* not in use: no events */
	link_set(b, true, ENG_FCP_NOS);
	b.steps(100);
	ck_assert_uint_eq(b.links.size(), 0);
	ck_assert_uint_eq(b.reg_read(ENG_FC_STATUS), 1 | ENG_FCP_NOS << 4);
	b.ctrl(NATIVE, 0, 0);
	b.steps(20);
	ck_assert_uint_eq(b.links.size(), 1);
	ck_assert_uint_eq(b.links[0], 1 | ENG_FCP_NOS << 4);
	/* a link that flaps: one event until firmware looks, and then what it is now */
	for (int i = 0; i < 200; i++) {
		link_set(b, i & 1, i % 5);
		b.steps(20);
	}
	link_set(b, true, ENG_FCP_LR);
	b.steps(20);
	ck_assert_uint_eq(b.links.size(), 1);
	b.reg_read(ENG_FC_STATUS);
	b.steps(20);
	ck_assert_uint_eq(b.links.size(), 2);
	ck_assert_uint_eq(b.links[1], 1 | ENG_FCP_LR << 4);
	/* firmware that never looks hears of it all the same */
	link_set(b, false, ENG_FCP_IDLE);
	b.steps(9000);
	ck_assert_uint_eq(b.links.size(), 3);
	ck_assert_uint_eq(b.links[2], 0);
	/* back to what was told: nothing to tell */
	link_set(b, true, ENG_FCP_IDLE);
	b.steps(20);
	link_set(b, false, ENG_FCP_IDLE);
	b.steps(9000);
	ck_assert_uint_eq(b.links.size(), 3);
	/* events of operations and of the link mix */
	b.slow = true;
	b.credit_set(ENG_FC_CREDIT_OFF);
	for (int i = 0; i < 30; i++) {
		link_set(b, i & 1, i % 5);
		b.push(rec_blank(b, i), DONE);
		b.steps(b.rnd(40));
		b.reg_read(ENG_FC_STATUS);
	}
	b.idle();
	ck_assert_uint_gt(b.links.size(), 20);
}
END_TEST

START_TEST(registers)
{
	bench b(1150, ENG_FCM_OFF);

	b.reg_write(ENG_FC_MAP, 0xffabcdef);
	ck_assert_uint_eq(b.reg_read(ENG_FC_MAP), 0x1abcdef);
	b.reg_write(ENG_FC_FCF_LO, 0x12345678);
	b.reg_write(ENG_FC_FCF_HI, 0xffff9abc);
	ck_assert_uint_eq(b.reg_read(ENG_FC_FCF_LO), 0x12345678);
	ck_assert_uint_eq(b.reg_read(ENG_FC_FCF_HI), 0x9abc);
	b.ctrl(FCOE, ENG_FCP_LRR, 1);
	ck_assert_uint_eq(b.reg_read(ENG_FC_CTRL), 0x142);
	ck_assert_uint_eq(b.reg_read(ENG_FTX_PUSH), 0);
	/* a mode that does not exist is none */
	b.ctrl(ENG_FCM_OFF, 0, 0);
	b.reg_write(ENG_FC_CTRL, 3);
	b.mode = 3;
	op_p o = b.push(rec_blank(b, 0), 0);
	o->frames.clear();
	b.idle();
	ck_assert_int_eq(b.fc.frames + b.eth.frames, 0);
}
END_TEST

START_TEST(queue_of_32_holds_the_core)
{
	bench b(1200, NATIVE);
	int n = 0;

	b.fc.hold = true;
	b.steps(2100);
	while (b.reg_read(ENG_FTX_FREE)) {
		record r = rec_blank(b, n++ % 100);
		r.lit = bytes_random(b, 2112);
		b.push(r, DONE);
		b.steps(60);
		ck_assert_int_lt(n, 300);
	}
	b.top->cb_req = 1;
	b.top->cb_we = 1;
	b.top->cb_addr = ENG_FTX_PUSH;
	b.top->eval();
	ck_assert(!b.top->cb_gnt);
	b.top->cb_req = 0;
	b.steps(1000);
	b.fc.hold = false;
	b.idle();
	ck_assert_uint_eq(b.reg_read(ENG_FTX_FREE), 32);
}
END_TEST

/* Read-ahead: with no answer for long, 24 KiB are asked for, over many operations. */
START_TEST(reads_in_flight)
{
	bench b(1300, NATIVE);

	b.dma_latency = 2500;
	for (int i = 0; i < 16; i++) {
		record r = rec_blank(b, i);
		r.el = { { 0x12345678, 4096 } };
		r.data_len = r.buf_len = 4096;
		b.slot_init(i, r.el, 4096, false);
		b.push(r, 0);
	}
	b.idle();
	ck_assert_uint_ge(b.gather.peak, 24 * 1024);
}
END_TEST

/* Sequences of len bytes in pages; cycles per frame. */
static double stream(bench &b, unsigned max, uint32_t len, int ops, unsigned page_off)
{
	b.dma_latency = 250;
	b.steps(2100);
	for (int i = 0; i < ops; i++) {
		record r = rec_blank(b, i);
		r.max = max;
		for (uint32_t at = 0; at < len + page_off; at += 4096)
			r.el.push_back({ b.rng() >> 20 << 12, 4096 });
		r.data_len = len;
		r.data_off = page_off;
		r.buf_len = len + page_off;
		b.slot_init(i, r.el, r.buf_len, r.el.size() > 3);
		b.push(r, DONE);
	}
	b.idle();
	wire &w = b.mode == NATIVE ? b.fc : b.eth;
	return (double)(w.last_beat - w.first_beat + 1) / w.frames;
}

START_TEST(throughput)
{
	static const struct {
		unsigned mode, max;
		uint32_t len;
		int ops;
		unsigned off;
		double want; /* cycles per frame */
	} cases[] = {
		{ NATIVE, 2112, 128 << 10, 6, 0, 142 },   { FCOE, 2112, 128 << 10, 6, 0, 142 },
		{ NATIVE, 2112, 128 << 10, 6, 517, 142 }, { NATIVE, 2048, 128 << 10, 6, 0, 138 },
		{ NATIVE, 2112, 2112, 30, 0, 147 },       { NATIVE, 2048, 4096, 30, 0, 142 },
		{ NATIVE, 128, 4096, 30, 0, 16 },
	};
	bench b(1400, cases[_i].mode);
	double got = stream(b, cases[_i].max, cases[_i].len, cases[_i].ops, cases[_i].off);

	if (getenv("VERBOSE"))
		printf("mode %u, max %u, %u bytes: %.1f cycles per frame\n", cases[_i].mode,
		       cases[_i].max, cases[_i].len, got);
	ck_assert_msg(got <= cases[_i].want, "case %d: %.1f cycles per frame", _i, got);
}
END_TEST

/* Literal bytes alone: CMND, RSP. */
START_TEST(small_operations)
{
	static const unsigned lens[] = { 96, 12, 32, 0 };
	bench b(1500, _i & 1 ? FCOE : NATIVE);
	long t0, n = 300;

	b.steps(2100);
	t0 = b.cycle;
	for (int i = 0; i < n; i++) {
		record r = rec_blank(b, i % 64);
		r.lit = bytes_random(b, lens[_i / 2]);
		b.push(r, 0);
	}
	b.idle();
	if (getenv("VERBOSE"))
		printf("%u bytes: %.1f cycles\n", lens[_i / 2], (b.cycle - t0) / (double)n);
	ck_assert_int_le(b.cycle - t0, n * 25);
}
END_TEST

/* From the write of FTX_PUSH to the first beat. */
START_TEST(latency)
{
	bench b(1600, NATIVE);
	record r = rec_blank(b, 0);
	long t0;

	r.lit = bytes_random(b, 96);
	b.steps(2100);
	b.push(r, 0);
	t0 = b.cycle;
	b.idle();
	if (getenv("VERBOSE"))
		printf("latency %ld cycles\n", b.fc.first_beat - t0);
	ck_assert_int_le(b.fc.first_beat - t0, 35);
}
END_TEST

static void tests_content(TCase *tc)
{
	tcase_add_test(tc, header_alone);
	tcase_add_loop_test(tc, every_size, 0, 8);
	tcase_add_loop_test(tc, random_ideal_timing, 0, 4);
	tcase_add_loop_test(tc, random_slow_timing, 0, 6);
	tcase_add_test(tc, data_sequence);
	tcase_add_loop_test(tc, dma_errors, 0, 4);
	tcase_add_test(tc, list_unreadable);
	tcase_add_test(tc, refused_operations);
	tcase_add_loop_test(tc, kill_any_time, 0, 4);
	tcase_add_test(tc, kill_is_per_slot);
	tcase_add_loop_test(tc, drop_any_time, 0, 4);
	tcase_add_test(tc, fence_with_a_dead_wire);
	tcase_add_test(tc, raw_frames);
}

static void tests_link(TCase *tc)
{
	tcase_add_test(tc, credit_runs_out);
	tcase_add_test(tc, fcoe_without_credit);
	tcase_add_test(tc, prim_holds_frames);
	tcase_add_test(tc, rrdy_sent);
	tcase_add_test(tc, link_events);
	tcase_add_test(tc, registers);
	tcase_add_test(tc, queue_of_32_holds_the_core);
	tcase_add_test(tc, reads_in_flight);
	tcase_add_loop_test(tc, throughput, 0, 7);
	tcase_add_loop_test(tc, small_operations, 0, 8);
	tcase_add_test(tc, latency);
}

int main()
{
	Suite *s = suite_create("rtl.fc_tx");
	TCase *tc = tcase_create("all");
	SRunner *sr;
	int failed;

	tcase_set_timeout(tc, 60);
	tests_content(tc);
	tests_link(tc);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
