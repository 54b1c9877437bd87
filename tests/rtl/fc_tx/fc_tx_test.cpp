// SPDX-License-Identifier: BSD-2-Clause
// Tests of weft_fc_tx: content of frames, errors, kill. Every frame that leaves is compared byte for byte with the model of
// fc_tx_model.cpp, in every test.
#include "fc_tx_bench.h"

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

/* A kill does not wait for the wire: what is read and not yet a frame goes, and nothing more is read. */
START_TEST(kill_while_the_wire_stands)
{
	static const uint32_t lens[] = { 20000, 1 << 20 };
	bench b(640, NATIVE);
	record r = rec_blank(b, 1);
	long reqs;

	data_random(b, r, lens[_i], 0);
	b.fc.hold = true;
	op_p o = b.push(r, DONE);
	b.steps(6000);
	ck_assert_int_eq(b.events, 0);
	reqs = b.gather.reqs;
	b.kill(1, true);
	b.steps(4000);
	ck_assert_int_eq(b.dropped, 1);
	ck_assert_uint_le(o->frames.size(), 8);
	ck_assert_int_le(b.gather.reqs - reqs, 2);
	b.fc.hold = false;
	b.idle();
	ck_assert_int_ge(b.fc.frames, 7);
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
	tcase_add_loop_test(tc, kill_while_the_wire_stands, 0, 2);
	tcase_add_test(tc, kill_is_per_slot);
	tcase_add_loop_test(tc, drop_any_time, 0, 4);
	tcase_add_test(tc, fence_with_a_dead_wire);
	tcase_add_test(tc, raw_frames);
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
