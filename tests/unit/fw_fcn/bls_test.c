/* SPDX-License-Identifier: BSD-2-Clause */
/* ABTS and its answers, as the other side sends them. */
#include <string.h>

#include "fcn_helper.h"

static const struct io read_4k = { .dir = WEFT_SQF_DATA_IN, .len = 4096 };
static const struct io no_data;

static void up(void)
{
	start();
	host_pair();
	tgt_pair(TGT_QP);
}

/* --- the other side sends ABTS --- */

static void expect_ba_acc(uint32_t x, uint32_t f_ctl)
{
	struct seen f = expect_frame(0x84, f_ctl, 12);

	ck_assert_uint_eq(f.h.type, 0);
	ck_assert_uint_eq(f.h.seq_id, 0x77);
	ck_assert_uint_eq((uint32_t)f.h.ox_id << 16 | f.h.rx_id, x);
	ck_assert_uint_eq(get_be32(f.payload), 0);
	ck_assert_uint_eq(get_be32(f.payload + 4), x);
	ck_assert_uint_eq(get_be32(f.payload + 8), 0x0000ffff);
}

static void expect_ba_rjt(uint32_t x, uint32_t f_ctl)
{
	struct seen f = expect_frame(0x85, f_ctl, 4);

	ck_assert_uint_eq((uint32_t)f.h.ox_id << 16 | f.h.rx_id, x);
	ck_assert_uint_eq(get_be32(f.payload), 0x00090300);
}

START_TEST(test_host_aborts_a_held_command)
{
	uint32_t x;

	up();
	x = send_cmnd(0x777);
	send_bls(0x81, false, _i ? x | 0xffff : x); /* with our id, or without */
	expect_event(TGT_QP, WEFT_EV_FC_ABORTED, tgt_cid(x), 0);
	expect_ba_acc(x, 0x990000);
	no_cpl(TGT_QP);
	tgt(WEFT_OP_FC_READ, WEFT_SQF_DATA_OUT, tgt_cid(x), 0, 512, 0);
	expect_cpl(TGT_QP, tgt_cid(x), ECANCELED, 0);
	send_bls(0x81, false, x); /* again: the answer may have been lost */
	expect_ba_acc(x, 0x990000);
	release(TGT_QP, tgt_cid(x));
	expect_cpl(TGT_QP, tgt_cid(x), 0, 0);
	send_bls(0x81, false, x);
	expect_ba_rjt(x, 0x190000 | 0x800000);
	ck_assert_uint_eq(fcn_stats.aborts_received, 3);
	teardown();
}
END_TEST

START_TEST(test_host_aborts_a_read_under_way)
{
	uint32_t x;

	up();
	x = send_cmnd(0x777);
	fake_fc_opt.tx_stop = 2;
	tgt(WEFT_OP_FC_READ, WEFT_SQF_DATA_OUT | WEFT_SQF_RESP, tgt_cid(x), 0, 4096, 12);
	send_bls(0x81, false, x);
	expect_event(TGT_QP, WEFT_EV_FC_ABORTED, tgt_cid(x), 0);
	no_cpl(TGT_QP);
	fake_fc_opt.tx_stop = 0;
	run();
	expect_ba_acc(x, 0x990000); /* and no data before it */
	no_frame();
	expect_cpl(TGT_QP, tgt_cid(x), ECANCELED, 0);
	release(TGT_QP, tgt_cid(x));
	expect_cpl(TGT_QP, tgt_cid(x), 0, 0);
	teardown();
}
END_TEST

START_TEST(test_host_aborts_a_write_under_way)
{
	uint32_t x;

	up();
	x = send_cmnd(0x777);
	tgt(WEFT_OP_FC_WRITE, WEFT_SQF_DATA_IN, tgt_cid(x), 0, 4096, 0);
	expect_frame(0x05, 0x890000, 12);
	fake_fc_opt.hold_stopped = true;
	send_bls(0x81, false, x);
	expect_event(TGT_QP, WEFT_EV_FC_ABORTED, tgt_cid(x), 0);
	expect_ba_acc(x, 0x990000);
	no_cpl(TGT_QP);
	fake_fc_stopped();
	run();
	expect_cpl(TGT_QP, tgt_cid(x), ECANCELED, 0);
	release(TGT_QP, tgt_cid(x));
	expect_cpl(TGT_QP, tgt_cid(x), 0, 0);
	teardown();
}
END_TEST

START_TEST(test_host_aborts_a_command_that_waits_for_a_buffer)
{
	up();
	for (uint16_t i = 0; i < ENTRIES; i++)
		send_cmnd(i);
	send_cmnd_quiet(0x50);
	send_cmnd_quiet(0x51);
	run();
	send_bls(0x81, false, 0x0050ffff);
	expect_frame(0x84, 0x990000, 12);
	ck_assert_uint_eq(fake_fc_bufs_used(), 1);
	no_cpl(TGT_QP);
	teardown();
}
END_TEST

START_TEST(test_abts_for_what_is_not_there)
{
	struct fc_hdr h;
	uint32_t x;

	up();
	send_bls(0x81, false, 0x1234ffff);
	expect_ba_rjt(0x1234ffff, 0x990000);
	send_bls(0x81, true, 0x12345678);
	expect_ba_rjt(0x12345678, 0x190000);
	x = send_cmnd(0x777);
	send_bls(0x81, false, x ^ 0x10000); /* our id with another OX_ID */
	expect_ba_rjt(x ^ 0x10000, 0x990000);
	send_bls(0x81, true, x << 16 | x >> 16); /* as if we were the originator */
	expect_ba_rjt(x << 16 | x >> 16, 0x190000);
	io(1, &no_data);
	send_bls(0x81, false, 0x12340000 | io_ids(1, 0) >> 16); /* as if we were the responder */
	expect_ba_rjt(0x12340000 | io_ids(1, 0) >> 16, 0x990000);
	no_cpl(HOST_QP);
	h = to_us(0x81, 0x090000, x);
	h.s_id = PEER2_ID;
	send_frame(&h, NULL, 0);
	expect_frame(0x85, 0x990000, 4);
	no_cpl(TGT_QP);
	teardown();
}
END_TEST

START_TEST(test_target_aborts_a_command)
{
	uint32_t x;

	up();
	io(1, &read_4k);
	x = io_ids(1, 0x55);
	send_bls(0x81, true, x);
	expect_ba_acc(x, 0x190000);
	expect_cpl(HOST_QP, 1, EIO, 0);
	no_frame();
	teardown();
}
END_TEST

START_TEST(test_both_abort)
{
	uint32_t x;
	uint16_t a;

	up();
	io(1, &no_data);
	x = io_ids(1, 0x55);
	a = abort_start(HOST_QP, 1);
	expect_abts(x | 0xffff, false);
	send_bls(0x81, true, x);
	expect_ba_acc(x, 0x190000);
	expect_cpl(HOST_QP, 1, ECANCELED, 0);
	expect_done(a);
	teardown();
}
END_TEST

START_TEST(test_answers_that_nobody_asked_for)
{
	uint32_t x;

	up();
	io(1, &no_data);
	x = io_ids(1, 0x55);
	send_bls(0x84, true, x);
	send_bls(0x85, true, x);
	send_bls(0x84, true, x ^ 1u << 31);
	send_bls(0x87, false, x); /* FLUSH: recovery is not agreed on */
	send_bls(0x89, false, x);
	no_cpl(HOST_QP);
	no_frame();
	send_rsp(x, 12);
	expect_cpl(HOST_QP, 1, 0, 0);
	teardown();
}
END_TEST

void tests_bls(Suite *s)
{
	TCase *t = tcase_create("bls");

	tcase_add_loop_test(t, test_host_aborts_a_held_command, 0, 2);
	tcase_add_test(t, test_host_aborts_a_read_under_way);
	tcase_add_test(t, test_host_aborts_a_write_under_way);
	tcase_add_test(t, test_host_aborts_a_command_that_waits_for_a_buffer);
	tcase_add_test(t, test_abts_for_what_is_not_there);
	tcase_add_test(t, test_target_aborts_a_command);
	tcase_add_test(t, test_both_abort);
	tcase_add_test(t, test_answers_that_nobody_asked_for);
	suite_add_tcase(s, t);
}
