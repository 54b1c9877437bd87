// SPDX-License-Identifier: BSD-2-Clause
// Tests of weft_fc_tx: credit, R_RDY, primitives, events of the link; throughput.
#include <cstdlib>
#include "fc_tx_bench.h"

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
		record r = rec_blank(b, n++ % 60);
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

void tests_link(TCase *tc)
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
