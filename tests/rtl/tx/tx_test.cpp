// SPDX-License-Identifier: BSD-2-Clause
// Tests of weft_tx. Every frame that leaves is compared byte for byte with the model of tx_bench.cpp, in every test.
#include "tx_bench.h"

enum { REC = 0x80000, HDR = 0x90000, SLOTS = 16 };

static uint32_t rec_at(int i)
{
	return REC + i * 32;
}

static uint32_t hdr_at(int i)
{
	return HDR + i * 0x800;
}

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

static pdu pdu_random(bench &b, int i, int conn, uint32_t max)
{
	unsigned slot = b.rnd(SLOTS / 8) + 2 * i;
	uint32_t data = b.rnd(4) == 0 ? 0 :
			b.rnd(3)      ? b.rnd(5000) :
					b.rnd(max),
		 off = b.rnd(3) ? 0 : b.rnd(9000);
	bool is_chain;
	std::vector<elem> el = list_random(b, data + off, &is_chain);
	unsigned flags = b.rnd(4);

	b.slot_init(slot, el, data + off + b.rnd(2), is_chain);
	/* data_len of the slot is one too many at times: the list need not reach it, only what is sent */
	return b.pdu_make(conn, rec_at(i), hdr_at(i), 8 + b.rnd(153), flags,
			  b.rnd(3) ? 0 : b.rnd(256), data, slot, el, off);
}

/* Firmware changes a context only when nothing of the connection is under way. */
static void conns_random(bench &b, unsigned mss_min)
{
	int rate = b.ack_rate;

	b.ack_rate = 0;
	for (int c = 0; c < 8; c++)
		b.conn_init(c, b.rnd(2),
			    b.rnd(3) ? (b.rnd(2) ? 1448 : 8948) : mss_min + b.rnd(2000), b.rnd(15));
	b.ack_rate = rate;
}

static void raw_random(bench &b, int i)
{
	bytes f(b.rnd(4) ? 14 + b.rnd(120) : 14 + b.rnd(2035));

	for (auto &x : f)
		x = b.rng();
	b.raw_push(rec_at(40 + i), hdr_at(40 + i), f, b.rnd(4) << 2 & (f.size() < 54 ? 0 : 12),
		   b.rnd(2) * ENG_TXF_DONE, b.rnd(2) ? 0xff : b.rnd(8));
}

/* Some PDUs on some connections, each in ranges one after the other, parts of them again, raw frames between. */
static void batch(bench &b, int pdus, uint32_t max)
{
	std::vector<pdu> p;
	int raws = 0;

	for (int i = 0; i < pdus; i++)
		p.push_back(pdu_random(b, i, b.rnd(8), max));
	for (int left = pdus; left;) {
		pdu &q = p[b.rnd(pdus)];
		uint32_t rest = q.wire.size() - q.sent, n = b.rnd(2)       ? rest :
							    b.rnd(10) == 0 ? b.rnd(6) :
									     b.rnd(rest + 1);
		n = std::min(n, rest);
		if (rest) {
			int flags = b.rnd(2) * ENG_TXF_PSH | b.rnd(2) * ENG_TXF_DONE;
			b.pdu_push(q, q.sent, n, flags);
			left -= n == rest;
		}
		if (b.rnd(3) == 0 && q.sent) {
			uint32_t off = b.rnd(q.sent);
			b.pdu_push(q, off, 1 + b.rnd(std::min(q.sent - off, 20000u)),
				   ENG_TXF_RETX | b.rnd(4) * ENG_TXF_PSH);
		}
		if (b.rnd(6) == 0 && raws < 8)
			raw_random(b, raws++);
		if (b.rnd(10) == 0)
			b.ask_ack_reg(b.rnd(8));
		if (b.rnd(8) == 0) {
			b.fence();
			raws = 0;
		}
	}
	b.fence();
	b.idle();
	for (auto &q : p)
		if ((q.flags & ENG_RECF_DDGST) && q.data_len) {
			uint32_t crc = 0;
			for (int k = 0; k < 4; k++)
				crc |= (uint32_t)q.wire[q.wire.size() - 4 + k] << 8 * k;
			ck_assert_uint_eq(b.xram32(q.rec + 20), crc);
			ck_assert_uint_eq(b.xram32(q.rec + 24), q.data_len);
		}
}

START_TEST(capsule)
{
	bench b(1);

	b.conn_init(5, true, 1448, 7);
	pdu p = b.pdu_make(5, rec_at(0), hdr_at(0), 72, 0, 0, 0, 0, {}, 0);
	b.pdu_push(p, 0, 72, ENG_TXF_PSH | ENG_TXF_DONE);
	ck_assert_uint_eq(b.reg_read(ENG_TX_FREE), 32);
	b.idle();
	ck_assert_int_eq(b.frames, 1);
	ck_assert_int_eq(b.events, 1);
	ck_assert_int_eq(b.cnt_ops, 1);
}
END_TEST

START_TEST(random_ideal_timing)
{
	bench b(100 + _i);

	b.churn = 50;
	b.ack_rate = 60;
	b.ack_conns = 8;
	b.dma_latency = 20;
	for (int n = 0; n < 6; n++) {
		conns_random(b, 536);
		for (int k = 0; k < 2; k++)
			batch(b, 8, 200 * 1024);
	}
	ck_assert_int_gt(b.pure_acks, 100);
	ck_assert_int_le(b.cnt_acks, b.pure_acks);
	ck_assert_int_gt(b.cnt_acks, 0);
}
END_TEST

START_TEST(random_slow_timing)
{
	bench b(200 + _i);

	b.slow = true;
	b.mac_duty = 20 + b.rnd(80);
	b.churn = 50;
	b.ack_rate = 30;
	b.ack_conns = 8;
	for (int n = 0; n < 10; n++) {
		conns_random(b, 40);
		batch(b, 8, 20000);
	}
	ck_assert_int_gt(b.cnt_stall_mac, 0);
}
END_TEST

/* Cuts everywhere, also inside the digests: each PDU byte by byte or nearly. */
START_TEST(tiny_ranges_and_segments)
{
	bench b(300 + _i);

	for (int n = 0; n < 12; n++) {
		bool is_chain;
		uint32_t data = b.rnd(100);
		std::vector<elem> el = list_random(b, data, &is_chain);
		b.conn_init(1, b.rnd(2), 1 + b.rnd(40), 3);
		b.slot_init(1, el, data, is_chain);
		pdu p = b.pdu_make(1, rec_at(1), hdr_at(1), 1 + b.rnd(40), 3, b.rnd(20), data, 1,
				   el, 0);
		while (p.sent < p.wire.size()) {
			uint32_t rest = p.wire.size() - p.sent;
			b.pdu_push(p, p.sent, std::min<uint32_t>(rest, 1 + b.rnd(n < 4 ? 1 : 70)),
				   b.rnd(2) * ENG_TXF_PSH);
		}
		for (int k = 0; k < 10; k++) {
			uint32_t off = b.rnd(p.sent);
			b.pdu_push(p, off, 1 + b.rnd(p.sent - off), ENG_TXF_RETX);
		}
		b.idle();
	}
}
END_TEST

/* An error drops the segment under construction and the rest, raises the event, and kills the connection until allowed again. */
START_TEST(dma_errors)
{
	bench b(400 + _i);
	long failed = 0;

	b.slow = _i & 1;
	for (int n = 0; n < 25; n++) {
		conns_random(b, 100);
		b.bad_pages.clear();
		std::vector<pdu> p;
		for (int i = 0; i < 6; i++) {
			bool is_chain = b.rnd(2);
			std::vector<elem> el;
			uint32_t data = 0;
			for (int k = is_chain ? 40 : 3; k; k--) {
				el.push_back({ (b.rng() >> 12 << 12) + b.rnd(4096),
					       1 + (uint32_t)b.rnd(is_chain ? 1500 : 9000) });
				data += el.back().len;
				if (b.rnd(is_chain ? 100 : 8) == 0)
					b.bad_pages.insert(
						(el.back().addr + b.rnd(el.back().len)) >> 12);
			}
			b.slot_init(i, el, data + 100, is_chain);
			if (b.rnd(6) == 0)
				data += 1 + b.rnd(100); /* list too short */
			p.push_back(b.pdu_make(i % 3, rec_at(i), hdr_at(i), 24, b.rnd(4), 0, data,
					       i, el, 0));
		}
		for (auto &q : p)
			while (q.sent < q.wire.size()) {
				uint32_t rest = q.wire.size() - q.sent,
					 n = b.rnd(2) ? rest : 1 + b.rnd(rest);
				b.pdu_push(q, q.sent, n, b.rnd(2) * ENG_TXF_DONE);
			}
		raw_random(b, 0);
		b.fence();
		b.idle();
		ck_assert_int_ge(b.failed, failed);
		failed = b.failed;
		for (int c = 0; c < 3; c++)
			b.kill(c, false);
	}
	ck_assert_int_gt(b.failed, 10);
	ck_assert_int_gt(b.dropped, 10);
}
END_TEST

START_TEST(refused_operations)
{
	bench b(500);
	std::vector<elem> el = { { 0x1000, 4096 } };

	b.conn_init(2, true, 1448, 0);
	b.slot_init(3, el, 4096, false);
	pdu good = b.pdu_make(2, rec_at(0), hdr_at(0), 24, 3, 0, 4096, 3, el, 0);
	for (int i = 0; i < 6; i++) {
		pdu p = b.pdu_make(2, rec_at(1), hdr_at(1), 24, 0, 0, 4096, 3, el, 0);
		uint32_t off = 0, len = 4120;
		if (i == 0)
			len = 4121; /* beyond the PDU */
		if (i == 1)
			off = 0xffffffff;
		if (i == 2)
			b.xram_put32(rec_at(1) + 4, 161); /* header too long */
		if (i == 3)
			b.xram_put32(rec_at(1) + 8, 0x01000001); /* data too long */
		if (i == 4)
			b.xram_put32(rec_at(1) + 16, 0xfffff000); /* data_off + len wraps */
		if (i == 5)
			b.xram_put32(rec_at(1) + 12, 0x10003); /* no such slot */
		b.conn_err[2] = true;
		b.due.push_back({ rec_at(1), 2, 1 });
		b.push(rec_at(1), 1, off, len, 2, 0);
		b.fence();
		b.idle();
		ck_assert_int_eq(b.frames, i * 3);
		b.kill(2, false);
		b.xram_put32(rec_at(0) + 20, 0xffffffff);
		b.pdu_push(good, 0, good.wire.size(), ENG_TXF_DONE);
		b.idle();
	}
	b.raw_push(rec_at(2), hdr_at(2), bytes(2049), 0, 0, 0xff);
	b.raw_push(rec_at(3), hdr_at(4), bytes(2048), 0, ENG_TXF_DONE, 0xff);
	b.raw_push(rec_at(4), hdr_at(6), bytes(0), 0, ENG_TXF_DONE, 0xff);
	b.pdu_push(good, 100, 0, ENG_TXF_DONE);
	b.idle();
	ck_assert_int_eq(b.failed, 7);
}
END_TEST

/* A kill at any moment: what left of the connection is a beginning of its stream, the others lose nothing. */
START_TEST(kill_any_time)
{
	bench b(600 + _i);

	b.slow = _i & 1;
	b.dma_latency = 100;
	for (int n = 0; n < 40; n++) {
		std::vector<elem> el = { { b.rng() >> 8, 30000 } };
		long before = b.dropped;
		int ops = 0;
		for (int c = 0; c < 3; c++)
			b.conn_init(c, c & 1, 500 + b.rnd(3000), 2);
		int at = b.rnd(24), later = b.rnd(400);
		for (int i = 0; i < 8; i++) {
			b.slot_init(i, el, 30000, false);
			pdu p = b.pdu_make(i % 3, rec_at(i), hdr_at(i), 72, b.rnd(4), 0,
					   b.rnd(30000), i, el, 0);
			uint32_t half = b.rnd(p.wire.size());
			for (int k = 0; k < 2; k++, ops++) {
				if (ops == at) {
					for (int j = 0; j < later; j++)
						b.step();
					b.kill(1, true);
				}
				b.pdu_push(p, p.sent, k ? p.wire.size() - p.sent : half,
					   ENG_TXF_DONE);
			}
		}
		if (at >= ops) {
			for (int j = 0; j < later; j++)
				b.step();
			b.kill(1, true);
		}
		bytes raw(60, 0x11 * (n % 15));
		b.raw_push(rec_at(30), hdr_at(30), raw, 0, 0, 1); /* raw frames pass */
		b.fence();
		b.idle();
		b.kill(1, false);
		pdu p = b.pdu_make(1, rec_at(20), hdr_at(20), 72, 1, 0, 0, 0, {}, 0);
		b.pdu_push(p, 0, p.wire.size(), ENG_TXF_DONE);
		b.idle();
		ck_assert_int_ge(b.dropped, before);
	}
	ck_assert_int_gt(b.dropped, 40);
	ck_assert_int_eq(b.failed, 0);
}
END_TEST

/* Acknowledgements: with no operation at all, coalesced, for all connections, and their sequence numbers. */
START_TEST(acks_coalesce)
{
	bench b(700);

	for (int c = 0; c < 128; c++)
		b.conn_init(c, c & 1, 1448, c % 15);
	b.mac_hold = true;
	for (int k = 0; k < 3; k++)
		for (int c = 0; c < 128; c++)
			b.ask_ack_reg(c);
	b.mac_hold = false;
	b.idle();
	ck_assert_int_ge(b.pure_acks, 128);
	ck_assert_int_lt(b.pure_acks, 256);
	ck_assert_int_eq(b.cnt_acks, 0);
	b.reg_write(ENG_TX_ACK, 128); /* no such connection */
	b.idle();
	b.ack_conns = 128;
	b.ack_rate = 1;
	for (int i = 0; i < 3000; i++)
		b.step();
	b.ack_rate = 0;
	b.idle();
	ck_assert_int_lt(b.pure_acks, 3000);
}
END_TEST

/* The advertised window: closed, negative, saturated. */
START_TEST(windows)
{
	static const struct {
		int64_t room;
		unsigned scale;
	} cases[] = { { 0, 0 },        { -1, 0 },          { 65535, 0 }, { 65536, 0 },
		      { 1 << 30, 14 }, { 0x7fffffff, 14 }, { 127, 7 },   { 128, 7 } };
	bench b(800);

	for (auto &c : cases) {
		b.conn_init(1, true, 1448, c.scale);
		b.state[1].back().edge = b.state[1].back().rcv_nxt + (uint32_t)c.room;
		for (int i = 0; i < 4; i++)
			b.step();
		b.ask_ack_reg(1);
		b.idle();
	}
}
END_TEST

START_TEST(queue_of_32_holds_the_core)
{
	bench b(900);

	b.conn_init(1, true, 1448, 0);
	b.mac_hold = true;
	pdu p = b.pdu_make(1, rec_at(0), hdr_at(0), 160, 1, 255, 0, 0, {}, 0);
	/* fill ring and queues until no more goes in */
	while (b.reg_read(ENG_TX_FREE)) {
		b.pdu_push(p, 0, p.wire.size(), ENG_TXF_RETX | ENG_TXF_DONE);
		for (int i = 0; i < 60; i++)
			b.step();
		ck_assert_uint_lt(b.ops.size(), 300);
	}
	b.top->cb_req = 1;
	b.top->cb_we = 1;
	b.top->cb_addr = ENG_TX_PUSH;
	b.top->eval();
	ck_assert(!b.top->cb_gnt);
	b.top->cb_req = 0;
	for (int i = 0; i < 1000; i++)
		b.step();
	b.mac_hold = false;
	b.idle();
	ck_assert_uint_eq(b.reg_read(ENG_TX_FREE), 32);
}
END_TEST

/* Read-ahead: with no answer for long, 24 KiB are asked for, over many operations. */
START_TEST(reads_in_flight)
{
	bench b(1000);
	std::vector<elem> el = { { 0x12345678, 4096 } };

	b.dma_latency = 2500;
	b.conn_init(1, true, 1448, 0);
	for (int i = 0; i < 16; i++) {
		b.slot_init(i, el, 4096, false);
		pdu p = b.pdu_make(1, rec_at(i), hdr_at(i), 24, 3, 0, 4096, i, el, 0);
		b.pdu_push(p, 0, p.wire.size(), 0);
	}
	b.idle();
	ck_assert_uint_ge(b.gather.peak, 24 * 1024);
}
END_TEST

static double stream(bench &b, unsigned mss, uint32_t data, unsigned flags, int ops,
		     unsigned elem_len)
{
	for (int c = 0; c < 4; c++)
		b.conn_init(c, true, mss, 0);
	for (int i = 0; i < ops; i++) {
		std::vector<elem> el;
		for (uint32_t at = 0; at < data; at += elem_len)
			el.push_back({ (b.rng() >> 20 << 12), std::min(elem_len, data - at) });
		b.slot_init(i, el, data, el.size() > 3);
		pdu p = b.pdu_make(i % 4, rec_at(i), hdr_at(i), 24, flags, 0, data, i, el, 0);
		b.pdu_push(p, 0, p.wire.size(), ENG_TXF_DONE);
	}
	b.idle();
	return (double)b.frame_bytes / (b.last_beat - b.first_beat + 1);
}

START_TEST(throughput)
{
	static const struct {
		unsigned mss;
		uint32_t data;
		unsigned flags;
		int ops;
		unsigned elem;
		double want;
	} cases[] = {
		{ 1448, 128 << 10, 0, 12, 4096, 14.0 }, { 1448, 128 << 10, 3, 12, 4096, 14.0 },
		{ 8948, 128 << 10, 3, 12, 4096, 15.0 }, { 1448, 4096, 3, 30, 4096, 12.5 },
		{ 8948, 4096, 3, 30, 4096, 13.5 },
	};
	bench b(1100);
	double got = stream(b, cases[_i].mss, cases[_i].data, cases[_i].flags, cases[_i].ops,
			    cases[_i].elem);

	if (getenv("VERBOSE"))
		printf("mss %u, %u bytes, flags %u: %.2f bytes/cycle\n", cases[_i].mss,
		       cases[_i].data, cases[_i].flags, got);
	ck_assert_msg(got >= cases[_i].want, "case %d: %.2f bytes/cycle", _i, got);
}
END_TEST

START_TEST(capsule_rate)
{
	bench b(1200);
	long t0;

	for (int c = 0; c < 4; c++)
		b.conn_init(c, true, 1448, 0);
	pdu p[4];
	for (int i = 0; i < 4; i++)
		p[i] = b.pdu_make(i, rec_at(i), hdr_at(i), 72, 0, 0, 0, 0, {}, 0);
	t0 = b.cycle;
	for (int i = 0; i < 300; i++)
		b.pdu_push(p[i % 4], 0, 72, ENG_TXF_PSH);
	b.idle();
	if (getenv("VERBOSE"))
		printf("capsule: %.1f cycles\n", (b.cycle - t0) / 300.0);
	ck_assert_int_le(b.cycle - t0, 300 * 30);
}
END_TEST

int main()
{
	Suite *s = suite_create("rtl.tx");
	TCase *tc = tcase_create("all");
	SRunner *sr;
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, capsule);
	tcase_add_loop_test(tc, random_ideal_timing, 0, 3);
	tcase_add_loop_test(tc, random_slow_timing, 0, 4);
	tcase_add_loop_test(tc, tiny_ranges_and_segments, 0, 3);
	tcase_add_loop_test(tc, dma_errors, 0, 4);
	tcase_add_test(tc, refused_operations);
	tcase_add_loop_test(tc, kill_any_time, 0, 2);
	tcase_add_test(tc, acks_coalesce);
	tcase_add_test(tc, windows);
	tcase_add_test(tc, queue_of_32_holds_the_core);
	tcase_add_test(tc, reads_in_flight);
	tcase_add_loop_test(tc, throughput, 0, 5);
	tcase_add_test(tc, capsule_rate);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
