/* SPDX-License-Identifier: BSD-2-Clause */
/* FC-4 link services that others send. */
#include <string.h>

#include "fcn_helper.h"

#define F_RQST 0x290000u
#define F_REPLY 0x990000u

static void up(void)
{
	start();
	ls_pair();
}

/* --- requests of others --- */

static void send_ls(uint16_t ox_id, uint32_t len, uint32_t part)
{
	struct fc_hdr h = to_us(0x32, F_RQST, (uint32_t)ox_id << 16 | 0xffff);
	uint8_t b[2112];

	h.seq_id = 3;
	for (uint32_t at = 0; at < len; at += part) {
		uint32_t n = len - at < part ? len - at : part;
		bool last = at + n == len;

		h.f_ctl = last ? F_RQST : 0x200000;
		for (uint32_t i = 0; i < n; i++)
			b[i] = pattern(at + i) ^ 0xff;
		send_part(&h, b, n, !at, last);
		h.seq_cnt++;
	}
	run();
}

static uint32_t expect_ls(uint16_t ox_id, uint32_t len)
{
	struct hal_cpl c = next_cpl(LS_QP);
	uint32_t at = LS_AREA + (c.cid - LS_HALF) * LS_SIZE;

	ck_assert_uint_eq(c.type, WEFT_CQT_CAPSULE);
	ck_assert_uint_ge(c.cid, LS_HALF);
	ck_assert_uint_eq(c.data_len, len);
	ck_assert_uint_eq(c.dw[0], PEER);
	ck_assert_uint_eq(c.dw[1], PEER_ID);
	ck_assert_uint_eq(c.dw[2] & 0xffff, ox_id);
	ck_assert_uint_eq(fake_host[at + 2], FAKE_SOF_I3);
	ck_assert_uint_eq(fake_host[at + 8], 0x32);
	expect_memory(at + 32, 0, len);
	return (uint32_t)ox_id << 16 | c.dw[2] >> 16;
}

static uint16_t cid_of(uint32_t ids)
{
	return (uint16_t)((ids & FCN_SLOT_MASK) - slot_of(LS_QP, 0));
}

static void reply(uint32_t ids, uint32_t len)
{
	struct weft_fc_ls_entry e = {
		.opcode = WEFT_OP_FC_LS_RSP,
		.flags = WEFT_SQF_DATA_OUT,
		.cid = cid_of(ids),
		.data_len = len,
		.sgl_count = 1,
		.sgl = { { .addr = BUF, .len = len } },
	};

	submit(LS_QP, &e);
}

START_TEST(test_ls_comes_and_is_answered)
{
	struct seen f;
	uint32_t x;

	up();
	send_ls(0x100, 48, 2048);
	x = expect_ls(0x100, 48);
	reply(x, 40);
	f = expect_frame(0x33, F_REPLY, 40);
	ck_assert_uint_eq((uint32_t)f.h.ox_id << 16 | f.h.rx_id, x);
	ck_assert_uint_eq(f.h.type, 0x28);
	ck_assert_uint_eq(f.h.d_id, PEER_ID);
	expect_cpl(LS_QP, cid_of(x), 0, 40);
	ck_assert_uint_eq(fcn_in_use(), 0);
	teardown();
}
END_TEST

START_TEST(test_ls_of_several_frames)
{
	uint32_t x;

	up();
	send_ls(0x100, 1024, 300);
	x = expect_ls(0x100, 1024);
	reply(x, 1500);
	expect_frame(0x33, F_REPLY & ~0x190000u, PEER_MAX);
	expect_frame(0x33, F_REPLY, 1500 - PEER_MAX);
	expect_cpl(LS_QP, cid_of(x), 0, 1500);
	teardown();
}
END_TEST

START_TEST(test_two_at_once_frame_by_frame)
{
	struct fc_hdr h = to_us(0x32, 0x200000, 0x0100ffff), g;
	uint8_t b[512];

	up();
	for (uint32_t i = 0; i < 512; i++)
		b[i] = pattern(i) ^ 0xff;
	g = h;
	g.ox_id = 0x200;
	send_part(&h, b, 256, true, false);
	send_part(&g, b, 128, true, false);
	h.seq_cnt = g.seq_cnt = 1;
	h.f_ctl = g.f_ctl = F_RQST;
	send_part(&g, b + 128, 384, false, true);
	send_part(&h, b + 256, 256, false, true);
	run();
	expect_ls(0x200, 512);
	expect_ls(0x100, 512);
	teardown();
}
END_TEST

static void expect_rjt(uint16_t ox_id, uint8_t explanation)
{
	static const uint8_t rjt[] = { 1, 0, 0, 0, 0, 0, 0, 32, 0, 0, 0, 1, 0, 0, 0, 8 };
	struct seen f = expect_frame(0x33, F_REPLY, 40);

	ck_assert_uint_eq(f.h.ox_id, ox_id);
	ck_assert_uint_eq(f.h.type, 0x28);
	ck_assert_mem_eq(f.payload, rjt, sizeof(rjt));
	for (uint32_t i = 0; i < 4; i++) /* the request's first word */
		ck_assert_uint_eq(f.payload[16 + i], pattern(i) ^ 0xff);
	ck_assert_uint_eq(get_be32(f.payload + 24), 2);
	ck_assert_uint_eq(get_be32(f.payload + 28), 8);
	ck_assert_uint_eq(f.payload[33], 0x09);
	ck_assert_uint_eq(f.payload[34], explanation);
}

START_TEST(test_no_buffer_is_free)
{
	uint32_t x[LS_HALF];

	up();
	for (uint16_t i = 0; i < LS_HALF; i++) {
		send_ls(i, 48, 2048);
		x[i] = expect_ls(i, 48);
	}
	send_ls(0x99, 48, 2048);
	expect_rjt(0x99, 0x29);
	send_ls(0x9a, 600, 300); /* of two frames: neither gets an answer */
	no_frame();
	no_cpl(LS_QP);
	reply(x[2], 24);
	expect_frame(0x33, F_REPLY, 24);
	expect_cpl(LS_QP, cid_of(x[2]), 0, 24);
	send_ls(0x9b, 48, 2048);
	expect_ls(0x9b, 48);
	teardown();
}
END_TEST

START_TEST(test_no_pair_is_there)
{
	start();
	send_ls(0x99, 48, 2048);
	expect_rjt(0x99, 0x29);
	teardown();
}
END_TEST

START_TEST(test_ls_longer_than_a_buffer)
{
	up();
	send_ls(0x99, LS_SIZE - 32, 2048);
	expect_ls(0x99, LS_SIZE - 32);
	send_ls(0x9a, LS_SIZE - 28, 2048);
	no_cpl(LS_QP);
	ck_assert_uint_eq(fcn_in_use(), 1);
	teardown();
}
END_TEST

START_TEST(test_ls_of_a_stranger)
{
	struct fc_hdr h = to_us(0x32, F_RQST, 0x0100ffff);

	up();
	h.s_id = 0x999999;
	send_frame(&h, "1234", 4);
	ck_assert_uint_eq(strangers, 1);
	h = to_us(0x32, F_RQST | 0x800000, 0x0100ffff); /* as responder */
	send_frame(&h, "1234", 4);
	ck_assert_uint_eq(strangers, 1);
	no_frame();
	no_cpl(LS_QP);
	teardown();
}
END_TEST

START_TEST(test_ls_with_a_lost_frame)
{
	struct fc_hdr h = to_us(0x32, 0x200000, 0x0100ffff);
	uint8_t b[256] = { 0 };

	up();
	send_part(&h, b, 256, true, false);
	run();
	ck_assert_uint_eq(fcn_in_use(), 1);
	h.seq_cnt = 2;
	h.f_ctl = F_RQST;
	send_part(&h, b, 256, false, true);
	run();
	ck_assert_uint_eq(fcn_in_use(), 0);
	send_part(&h, b, 256, false, true); /* of none */
	run();
	no_cpl(LS_QP);
	no_frame();
	teardown();
}
END_TEST

START_TEST(test_ls_without_end)
{
	struct fc_hdr h = to_us(0x32, 0x200000, 0x0100ffff);
	uint8_t b[256] = { 0 };

	up();
	send_part(&h, b, 256, true, false);
	run();
	run_ms(E_D_TOV_MS + 200);
	ck_assert_uint_eq(fcn_in_use(), 0);
	no_cpl(LS_QP);
	no_frame();
	teardown();
}
END_TEST

START_TEST(test_ls_that_begins_again)
{
	struct fc_hdr h = to_us(0x32, 0x200000, 0x0100ffff);
	uint8_t b[256] = { 0 };

	up();
	send_part(&h, b, 256, true, false);
	run();
	send_ls(0x100, 512, 256);
	expect_ls(0x100, 512);
	ck_assert_uint_eq(fcn_in_use(), 1);
	teardown();
}
END_TEST

START_TEST(test_replies_that_contradict_themselves)
{
	struct weft_fc_ls_entry e = {
		.opcode = WEFT_OP_FC_LS_RSP,
		.flags = WEFT_SQF_DATA_OUT,
		.data_len = 40,
		.sgl_count = 1,
		.sgl = { { .addr = BUF, .len = 40 } },
	}, b;
	uint32_t x;

	up();
	send_ls(0x100, 48, 2048);
	x = expect_ls(0x100, 48);
	e.cid = cid_of(x);
	for (int i = 0; i < 5; i++) {
		b = e;
		if (i == 0)
			b.flags = WEFT_SQF_DATA_IN;
		if (i == 1)
			b.data_len = 0;
		if (i == 2)
			b.sgl[0].len = 39;
		if (i == 3)
			b.opcode = WEFT_OP_FC_LS;
		if (i == 4)
			b.opcode = WEFT_OP_FC_RELEASE; /* its exchange is open */
		submit(LS_QP, &b);
		expect_cpl(LS_QP, e.cid, EINVAL, 0);
	}
	b = e;
	b.opcode = WEFT_OP_FC_READ;
	submit(LS_QP, &b);
	expect_cpl(LS_QP, e.cid, EOPNOTSUPP, 0);
	reply(x, 40);
	expect_frame(0x33, F_REPLY, 40);
	expect_cpl(LS_QP, e.cid, 0, 40);
	teardown();
}
END_TEST

START_TEST(test_ls_is_aborted_by_its_sender)
{
	struct seen f;
	uint32_t x;

	up();
	send_ls(0x100, 48, 2048);
	x = expect_ls(0x100, 48);
	send_bls(0x81, false, 0x100ffff); /* it does not know our id */
	expect_event(LS_QP, WEFT_EV_FC_ABORTED, cid_of(x), 0);
	f = expect_frame(0x84, 0x990000, 12);
	ck_assert_uint_eq(f.h.rx_id, x & 0xffff);
	reply(x, 40);
	expect_cpl(LS_QP, cid_of(x), ECANCELED, 0);
	release(LS_QP, cid_of(x));
	expect_cpl(LS_QP, cid_of(x), 0, 0);
	no_frame();
	teardown();
}
END_TEST

START_TEST(test_half_an_ls_is_aborted_by_its_sender)
{
	struct fc_hdr h = to_us(0x32, 0x200000, 0x0100ffff);
	uint8_t b[256] = { 0 };

	up();
	send_part(&h, b, 256, true, false);
	run();
	send_bls(0x81, false, 0x100ffff);
	expect_frame(0x84, 0x990000, 12);
	ck_assert_uint_eq(fcn_in_use(), 0);
	no_cpl(LS_QP);
	teardown();
}
END_TEST

START_TEST(test_one_pair_only)
{
	up();
	ck_assert_uint_eq(create(TGT_QP, WEFT_QPF_FC | WEFT_QPF_LS), EEXIST);
	ck_assert_uint_eq(delete_pair(LS_QP), 0);
	ck_assert_uint_eq(create(TGT_QP, WEFT_QPF_FC | WEFT_QPF_LS), 0);
	teardown();
}
END_TEST

void tests_ls_in(Suite *s)
{
	TCase *t = tcase_create("ls_in");

	tcase_add_test(t, test_ls_comes_and_is_answered);
	tcase_add_test(t, test_ls_of_several_frames);
	tcase_add_test(t, test_two_at_once_frame_by_frame);
	tcase_add_test(t, test_no_buffer_is_free);
	tcase_add_test(t, test_no_pair_is_there);
	tcase_add_test(t, test_ls_longer_than_a_buffer);
	tcase_add_test(t, test_ls_of_a_stranger);
	tcase_add_test(t, test_ls_with_a_lost_frame);
	tcase_add_test(t, test_ls_without_end);
	tcase_add_test(t, test_ls_that_begins_again);
	tcase_add_test(t, test_replies_that_contradict_themselves);
	tcase_add_test(t, test_ls_is_aborted_by_its_sender);
	tcase_add_test(t, test_half_an_ls_is_aborted_by_its_sender);
	tcase_add_test(t, test_one_pair_only);
	suite_add_tcase(s, t);
}
