/* SPDX-License-Identifier: BSD-2-Clause */
/* FC-4 link services that the host program sends. */
#include <string.h>

#include "fcn_helper.h"

#define F_RQST 0x290000u
#define F_REPLY 0x990000u

static void up(void)
{
	start();
	ls_pair();
}

/* --- requests of our own --- */

/* The buffer is three pieces, so that requests and responses meet their ends. */
static struct weft_fc_ls_entry ls_entry(uint16_t cid, uint32_t rqst, uint32_t room)
{
	struct weft_fc_ls_entry e = {
		.opcode = WEFT_OP_FC_LS,
		.flags = WEFT_SQF_DATA_OUT | WEFT_SQF_DATA_IN,
		.cid = cid,
		.data_len = rqst + room,
		.sgl_count = 3,
		.rport = PEER,
		.rqst_len = rqst,
	};
	uint32_t a = (rqst + room) / 3, b = (rqst + room) / 2;

	e.sgl[0] = (struct weft_sgl_elem){ .addr = BUF, .len = a };
	e.sgl[1] = (struct weft_sgl_elem){ .addr = BUF + a, .len = b - a };
	e.sgl[2] = (struct weft_sgl_elem){ .addr = BUF + b, .len = rqst + room - b };
	return e;
}

static uint32_t request(uint16_t cid, uint32_t rqst, uint32_t room)
{
	struct weft_fc_ls_entry e = ls_entry(cid, rqst, room);
	struct seen f;

	submit(LS_QP, &e);
	f = expect_frame(0x32, F_RQST, rqst);
	ck_assert_uint_eq(f.h.type, 0x28);
	ck_assert_uint_eq(f.h.d_id, PEER_ID);
	ck_assert_uint_eq(f.h.rx_id, 0xffff);
	ck_assert_uint_eq(f.h.param, 0);
	for (uint32_t i = 0; i < rqst; i++)
		ck_assert_uint_eq(f.payload[i], pattern(i));
	return (uint32_t)f.h.ox_id << 16 | 0x55;
}

/* A response as n frames of at most part bytes. */
static void answer(uint32_t ids, uint32_t len, uint32_t part)
{
	struct fc_hdr h = to_us(0x33, F_REPLY, ids);
	uint8_t b[2112];

	h.seq_id = 9;
	for (uint32_t at = 0; at < len; at += part) {
		uint32_t n = len - at < part ? len - at : part;
		bool last = at + n == len;

		h.f_ctl = last ? F_REPLY : 0x800000;
		for (uint32_t i = 0; i < n; i++)
			b[i] = pattern(at + i) ^ 0xff;
		send_part(&h, b, n, !at, last);
		h.seq_cnt++;
	}
	run();
}

START_TEST(test_request)
{
	struct hal_cpl c;
	uint32_t x;

	up();
	x = request(1, 1024, 200);
	answer(x, 56, 2048);
	c = expect_cpl(LS_QP, 1, 0, 56);
	ck_assert_uint_eq(c.dw[1], x >> 16 | x << 16);
	expect_memory(BUF + 1024, 0, 56);
	ck_assert_uint_eq(fake_host[BUF + 1024 + 56], pattern(1024 + 56));
	no_frame();
	teardown();
}
END_TEST

START_TEST(test_response_of_several_frames_into_several_pieces)
{
	uint32_t x;

	up();
	x = request(0, 200, 1800);
	answer(x, 1799, 512);
	expect_cpl(LS_QP, 0, 0, 1799);
	expect_memory(BUF + 200, 0, 1799);
	ck_assert_uint_eq(fake_host[BUF + 1999], pattern(1999));
	teardown();
}
END_TEST

START_TEST(test_request_longer_than_a_frame)
{
	struct weft_fc_ls_entry e = ls_entry(1, 1500, 100);
	struct seen a, b;

	up();
	submit(LS_QP, &e);
	a = expect_frame(0x32, F_RQST & ~0x90000u, PEER_MAX);
	b = expect_frame(0x32, F_RQST, 1500 - PEER_MAX);
	ck_assert_uint_eq(b.h.seq_cnt, a.h.seq_cnt + 1);
	ck_assert_uint_eq(b.payload[0], pattern(PEER_MAX));
	answer((uint32_t)a.h.ox_id << 16 | 1, 40, 512);
	expect_cpl(LS_QP, 1, 0, 40);
	teardown();
}
END_TEST

START_TEST(test_response_that_fills_the_room)
{
	uint32_t x;

	up();
	x = request(1, 48, 64);
	answer(x, 64, 512);
	expect_cpl(LS_QP, 1, 0, 64);
	teardown();
}
END_TEST

START_TEST(test_response_longer_than_the_room)
{
	uint32_t x;

	up();
	x = request(1, 48, 64);
	answer(x, 68, 512);
	expect_cpl(LS_QP, 1, EMSGSIZE, 0);
	ck_assert_uint_eq(fake_host[BUF + 48 + 64], pattern(48 + 64));
	x = request(1, 48, 700);
	answer(x, 1400, 512);
	expect_cpl(LS_QP, 1, EMSGSIZE, 0);
	ck_assert_uint_eq(fake_host[BUF + 48 + 700], pattern(48 + 700));
	no_frame();
	teardown();
}
END_TEST

START_TEST(test_response_with_a_lost_frame)
{
	struct fc_hdr h;
	uint8_t b[512] = { 0 };
	uint32_t x;

	up();
	x = request(1, 48, 2000);
	h = to_us(0x33, 0x800000, x);
	send_part(&h, b, 512, true, false);
	h.seq_cnt = 2;
	h.f_ctl = F_REPLY;
	send_part(&h, b, 512, false, true);
	run();
	expect_frame(0x81, 0x090000, 0);
	send_bls(0x84, true, x);
	expect_cpl(LS_QP, 1, EIO, 0);
	teardown();
}
END_TEST

START_TEST(test_response_whose_beginning_is_lost)
{
	struct fc_hdr h;
	uint8_t b[512] = { 0 };
	uint32_t x;

	up();
	x = request(1, 48, 2000);
	h = to_us(0x33, F_REPLY, x);
	h.seq_cnt = 1;
	send_part(&h, b, 512, false, true);
	run();
	expect_frame(0x81, 0x090000, 0);
	send_bls(0x85, true, x);
	expect_cpl(LS_QP, 1, EIO, 0);
	teardown();
}
END_TEST

START_TEST(test_no_response)
{
	struct weft_fc_ls_entry e = ls_entry(1, 48, 64);
	uint32_t x;

	up();
	e.timeout_ms = 1000;
	submit(LS_QP, &e);
	x = (uint32_t)expect_frame(0x32, F_RQST, 48).h.ox_id << 16 | 0xffff;
	run_ms(900);
	no_frame();
	run_ms(300);
	expect_frame(0x81, 0x090000, 0);
	send_bls(0x84, true, x);
	expect_cpl(LS_QP, 1, ETIMEDOUT, 0);
	x = request(1, 48, 64); /* default: 2 * R_A_TOV */
	run_ms(19900);
	no_frame();
	run_ms(300);
	expect_frame(0x81, 0x090000, 0);
	send_bls(0x84, true, x);
	expect_cpl(LS_QP, 1, ETIMEDOUT, 0);
	teardown();
}
END_TEST

START_TEST(test_response_before_its_request_is_out)
{
	struct weft_fc_ls_entry e = ls_entry(1, 48, 64);
	uint32_t x;

	up();
	fake_fc_opt.tx_stop = 1;
	submit(LS_QP, &e);
	x = (uint32_t)ox_id_of(LS_QP, 1) << 16 | 1;
	answer(x, 24, 512);
	no_cpl(LS_QP);
	fake_fc_opt.tx_stop = 0;
	run();
	expect_frame(0x32, F_RQST, 48);
	expect_cpl(LS_QP, 1, 0, 24);
	teardown();
}
END_TEST

static void refused(const struct weft_fc_ls_entry *e, uint16_t err)
{
	submit(LS_QP, e);
	expect_cpl(LS_QP, e->cid, err, 0);
	no_frame();
	ck_assert_uint_eq(fcn_in_use(), 0);
}

START_TEST(test_entries_that_contradict_themselves)
{
	struct weft_fc_ls_entry good = ls_entry(1, 48, 64), e;

	up();
	e = good;
	e.opcode = WEFT_OP_FC_IO;
	refused(&e, EOPNOTSUPP);
	e = good;
	e.rport = 9;
	refused(&e, ENOTCONN);
	e = good;
	e.flags = WEFT_SQF_DATA_OUT;
	refused(&e, EINVAL);
	e = good;
	e.flags |= WEFT_SQF_SGL_CHAIN;
	refused(&e, EINVAL);
	e = good;
	e.rqst_len = 0;
	refused(&e, EINVAL);
	e = good;
	e.rqst_len = 46;
	refused(&e, EINVAL);
	e = good;
	e.rqst_len = 116;
	refused(&e, EINVAL);
	e = good;
	e.sgl_count = 2;
	refused(&e, EINVAL);
	e = good;
	e.cid = LS_HALF; /* a receive buffer */
	refused(&e, EINVAL);
	e = good;
	e.opcode = WEFT_OP_FC_LS_RSP; /* not a receive buffer */
	refused(&e, EINVAL);
	e.cid = LS_HALF; /* one that nobody has */
	refused(&e, EINVAL);
	e.opcode = WEFT_OP_FC_RELEASE;
	refused(&e, EINVAL);
	teardown();
}
END_TEST

void tests_ls(Suite *s)
{
	TCase *t = tcase_create("ls");

	tcase_add_test(t, test_request);
	tcase_add_test(t, test_response_of_several_frames_into_several_pieces);
	tcase_add_test(t, test_request_longer_than_a_frame);
	tcase_add_test(t, test_response_that_fills_the_room);
	tcase_add_test(t, test_response_longer_than_the_room);
	tcase_add_test(t, test_response_with_a_lost_frame);
	tcase_add_test(t, test_response_whose_beginning_is_lost);
	tcase_add_test(t, test_no_response);
	tcase_add_test(t, test_response_before_its_request_is_out);
	tcase_add_test(t, test_entries_that_contradict_themselves);
	suite_add_tcase(s, t);
}
