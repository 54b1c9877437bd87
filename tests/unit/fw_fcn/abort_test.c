/* SPDX-License-Identifier: BSD-2-Clause */
/* Aborts that the host program asks for, and those that the other side sends. */
#include <string.h>

#include "fcn_helper.h"

static const struct io read_4k = { .dir = WEFT_SQF_DATA_IN, .len = 4096 };
static const struct io write_4k = { .dir = WEFT_SQF_DATA_OUT, .len = 4096 };
static const struct io no_data;

static void up(void)
{
	start();
	host_pair();
	tgt_pair(TGT_QP);
}

static void expect_pending(uint16_t admin_cid)
{
	struct hal_cpl c;

	ck_assert(!admin_result(admin_cid, &c));
}

/* --- the host program asks --- */

START_TEST(test_abort_a_command)
{
	uint32_t x;
	uint16_t a;

	up();
	io(1, &read_4k);
	x = io_ids(1, 0xffff);
	a = abort_start(HOST_QP, 1);
	expect_abts(x, false);
	no_cpl(HOST_QP);
	expect_pending(a);
	send_bls(_i ? 0x85 : 0x84, true, (x & 0xffff0000u) | 0x42);
	expect_cpl(HOST_QP, 1, ECANCELED, 0);
	expect_done(a);
	ck_assert_uint_eq(fcn_stats.aborts_sent, 1);
	teardown();
}
END_TEST

/* Whatever comes last, the entry ends then, and not before. */
START_TEST(test_abort_waits_for_every_engine)
{
	uint32_t x;
	uint16_t a;

	up();
	io(1, &read_4k);
	x = io_ids(1, 0xffff);
	fake_fc_opt.hold_stopped = true;
	fake_fc_opt.tx_stop = _i ? 2 : 0; /* fence and ABTS stay */
	a = abort_start(HOST_QP, 1);
	send_bls(0x84, true, x);
	no_cpl(HOST_QP);
	fake_fc_stopped();
	run();
	if (_i) {
		no_cpl(HOST_QP);
		fake_fc_opt.tx_stop = 0;
		run();
	}
	expect_cpl(HOST_QP, 1, ECANCELED, 0);
	expect_done(a);
	teardown();
}
END_TEST

START_TEST(test_abort_drops_what_is_queued)
{
	uint32_t x;

	up();
	io(1, &write_4k);
	x = io_ids(1, 9);
	fake_fc_opt.tx_stop = 1;
	send_rdy(x, 0, 4096);
	abort_start(HOST_QP, 1);
	fake_fc_opt.tx_stop = 0;
	run();
	expect_abts(x, false); /* no data */
	ck_assert_uint_eq(fake_fc_cnt.tx_killed, 1);
	send_bls(0x84, true, x);
	expect_cpl(HOST_QP, 1, ECANCELED, 0);
	no_frame();
	teardown();
}
END_TEST

START_TEST(test_abort_what_waits_for_the_transmit_queue)
{
	struct weft_fc_io_entry e = io_entry(7, &no_data);
	uint16_t a;

	up();
	ck_assert_uint_eq(create(5, WEFT_QPF_FC), 0);
	ck_assert_uint_eq(create(6, WEFT_QPF_FC), 0);
	ck_assert_uint_eq(create(7, WEFT_QPF_FC), 0);
	fake_fc_opt.tx_stop = 32;
	for (uint16_t i = 0; i < 3 * ENTRIES + 5; i++) {
		struct weft_fc_io_entry f = io_entry(i % ENTRIES, &no_data);

		submit((uint16_t[]){ 5, 6, 7, HOST_QP }[i / ENTRIES], &f);
	}
	submit(HOST_QP, &e);
	ck_assert(fcn_xs[slot_of(HOST_QP, 7)].flags & FCNF_WAITS);
	a = abort_start(HOST_QP, 7);
	fake_fc_opt.tx_stop = 0;
	run();
	send_bls(0x85, true, io_ids(7, 0xffff));
	expect_cpl(HOST_QP, 7, ECANCELED, 0);
	expect_done(a);
	teardown();
}
END_TEST

START_TEST(test_abort_before_the_command_began)
{
	struct weft_fc_io_entry e = io_entry(1, &read_4k);
	uint32_t x;

	up();
	io(1, &read_4k);
	x = io_ids(1, 7);
	send_data(F_T_DATA, x, 0, 4096);
	fake_fc_opt.hold_stopped = true;
	send_rsp(x, 12);
	expect_cpl(HOST_QP, 1, 0, 4096);
	submit(HOST_QP, &e);
	expect_done(abort_start(HOST_QP, 1));
	expect_cpl(HOST_QP, 1, ECANCELED, 0);
	no_frame();
	teardown();
}
END_TEST

START_TEST(test_abts_is_repeated_once_and_given_up)
{
	uint32_t x;
	uint16_t a;

	up();
	io(1, &no_data);
	x = io_ids(1, 0xffff);
	a = abort_start(HOST_QP, 1);
	expect_abts(x, false);
	run_ms(2 * E_D_TOV_MS - 100);
	no_frame();
	run_ms(200);
	expect_abts(x, false);
	run_ms(2 * R_A_TOV_MS - 2 * E_D_TOV_MS - 300);
	no_frame();
	no_cpl(HOST_QP);
	expect_pending(a);
	run_ms(500);
	expect_cpl(HOST_QP, 1, ECANCELED, 0);
	expect_done(a);
	no_frame();
	send_bls(0x84, true, x); /* too late */
	teardown();
}
END_TEST

START_TEST(test_a_response_comes_too_late)
{
	uint32_t x;

	up();
	io(1, &read_4k);
	x = io_ids(1, 7);
	abort_start(HOST_QP, 1);
	expect_abts(x | 0xffff, false);
	send_data(F_T_DATA, x, 0, 512);
	send_rsp(x, 12);
	no_cpl(HOST_QP);
	send_bls(0x84, true, x);
	expect_cpl(HOST_QP, 1, ECANCELED, 0);
	no_frame();
	ck_assert_uint_eq(fake_host[BUF], pattern(0));
	teardown();
}
END_TEST

START_TEST(test_abort_of_nothing)
{
	struct weft_arg_fc_abort a = { HOST_QP, 1 };
	uint16_t first;

	up();
	ck_assert_uint_eq(admin(WEFT_OP_FC_ABORT, &a, sizeof(a)), ENOENT);
	a.cid = ENTRIES;
	ck_assert_uint_eq(admin(WEFT_OP_FC_ABORT, &a, sizeof(a)), ENOENT);
	a.qp = 9;
	ck_assert_uint_eq(admin(WEFT_OP_FC_ABORT, &a, sizeof(a)), ENXIO);
	a = (struct weft_arg_fc_abort){ TGT_QP, 1 };
	ck_assert_uint_eq(admin(WEFT_OP_FC_ABORT, &a, sizeof(a)), ENOENT);
	io(1, &no_data);
	first = abort_start(HOST_QP, 1);
	a = (struct weft_arg_fc_abort){ HOST_QP, 1 };
	ck_assert_uint_eq(admin(WEFT_OP_FC_ABORT, &a, sizeof(a)), EALREADY);
	send_bls(0x84, true, io_ids(1, 0));
	expect_done(first);
	teardown();
}
END_TEST

START_TEST(test_abort_of_an_answered_command)
{
	uint32_t x;
	uint16_t a;

	up();
	io(1, &write_4k);
	x = io_ids(1, 9);
	fake_fc_opt.tx_stop = 1;
	send_rdy(x, 0, 4096);
	send_rsp(x, 12); /* its data are still queued */
	no_cpl(HOST_QP);
	a = abort_start(HOST_QP, 1);
	fake_fc_opt.tx_stop = 0;
	run();
	expect_abts(x, false);
	send_bls(0x85, true, x);
	expect_cpl(HOST_QP, 1, ECANCELED, 0);
	expect_done(a);
	teardown();
}
END_TEST

/* --- a receive buffer --- */

START_TEST(test_abort_a_held_command)
{
	uint32_t x;
	uint16_t a;

	up();
	x = send_cmnd(0x777);
	a = abort_start(TGT_QP, tgt_cid(x));
	expect_abts(x, true);
	no_cpl(TGT_QP); /* the program knows: no event */
	release(TGT_QP, tgt_cid(x));
	no_cpl(TGT_QP);
	send_bls(0x84, false, x);
	expect_cpl(TGT_QP, tgt_cid(x), 0, 0);
	expect_done(a);
	ck_assert_uint_eq(fcn_in_use(), 0);
	teardown();
}
END_TEST

START_TEST(test_abort_a_write_under_way)
{
	uint32_t x;
	uint16_t a;

	up();
	x = send_cmnd(0x777);
	tgt(WEFT_OP_FC_WRITE, WEFT_SQF_DATA_IN, tgt_cid(x), 0, 4096, 0);
	expect_frame(0x05, 0x890000, 12);
	a = abort_start(TGT_QP, tgt_cid(x));
	expect_abts(x, true);
	send_data(F_H_DATA, x, 0, 4096); /* under way */
	no_cpl(TGT_QP);
	send_bls(0x84, false, x);
	expect_cpl(TGT_QP, tgt_cid(x), ECANCELED, 0);
	expect_done(a);
	ck_assert_uint_eq(fake_host[BUF], pattern(0));
	expect_done(abort_start(TGT_QP, tgt_cid(x))); /* it is over already */
	release(TGT_QP, tgt_cid(x));
	expect_cpl(TGT_QP, tgt_cid(x), 0, 0);
	no_frame();
	teardown();
}
END_TEST

START_TEST(test_abort_a_read_in_the_queue)
{
	uint32_t x;

	up();
	x = send_cmnd(0x777);
	fake_fc_opt.tx_stop = 2;
	tgt(WEFT_OP_FC_READ, WEFT_SQF_DATA_OUT | WEFT_SQF_RESP, tgt_cid(x), 0, 4096, 12);
	abort_start(TGT_QP, tgt_cid(x));
	fake_fc_opt.tx_stop = 0;
	run();
	expect_abts(x, true);
	no_frame();
	send_bls(0x85, false, x);
	expect_cpl(TGT_QP, tgt_cid(x), ECANCELED, 0);
	release(TGT_QP, tgt_cid(x));
	expect_cpl(TGT_QP, tgt_cid(x), 0, 0);
	teardown();
}
END_TEST

/* --- quarantine --- */

static uint32_t abort_one(uint16_t cid)
{
	uint32_t x;

	io(cid, &no_data);
	x = io_ids(cid, 1);
	abort_start(HOST_QP, cid);
	expect_frame(0x81, 0x090000, 0);
	send_bls(0x84, true, x);
	expect_cpl(HOST_QP, cid, ECANCELED, 0);
	return x >> 16;
}

/* BA_ACC for sequences: the port is asked to say RRQ; for none of them, or BA_RJT, or one cut short: not. */
static const struct {
	uint8_t r_ctl;
	uint16_t low, high;
	uint32_t len;
	bool rrq;
} answers[] = {
	{ 0x84, 0, 0xffff, 12, true }, { 0x84, 1, 2, 12, true },      { 0x84, 3, 3, 12, false },
	{ 0x85, 0, 0xffff, 4, false }, { 0x84, 0, 0xffff, 8, false },
};

START_TEST(test_recovery_qualifier)
{
	struct fc_hdr h;
	uint8_t b[12] = { 0 };
	uint32_t x;

	up();
	io(1, &read_4k);
	x = io_ids(1, 0xffff);
	abort_start(HOST_QP, 1);
	expect_abts(x, false);
	h = to_us(answers[_i].r_ctl, 0x990000, x);
	put_be16(b + 4, x >> 16);
	put_be16(b + 6, 0x4321);
	put_be16(b + 8, answers[_i].low);
	put_be16(b + 10, answers[_i].high);
	send_frame(&h, b, answers[_i].len);
	expect_cpl(HOST_QP, 1, ECANCELED, 0);
	ck_assert_uint_eq(rrqs, answers[_i].rrq);
	if (answers[_i].rrq) {
		ck_assert_uint_eq(rrq_port, PEER_ID);
		ck_assert_uint_eq(rrq_ids, (x & 0xffff0000u) | 0x4321);
	}
	teardown();
}
END_TEST

/* As the responder we wait for RRQ, we do not send it. */
START_TEST(test_no_rrq_for_exchanges_of_others)
{
	struct fc_hdr h;
	uint8_t b[12] = { 0 };
	uint32_t x;

	up();
	x = send_cmnd(0x77);
	abort_start(TGT_QP, tgt_cid(x));
	expect_abts(x, true);
	h = to_us(0x84, 0x190000, x);
	b[10] = b[11] = 0xff;
	send_frame(&h, b, 12);
	ck_assert_uint_eq(rrqs, 0);
	teardown();
}
END_TEST

START_TEST(test_aborted_id_is_not_used_for_r_a_tov)
{
	uint32_t bad;

	up();
	bad = abort_one(0);
	for (uint32_t i = 0; i < 2 * FCN_GENS; i++) {
		io(0, &no_data);
		ck_assert_uint_ne(io_ids(0, 0) >> 16, bad);
		send_rsp(io_ids(0, 1), 12);
		expect_cpl(HOST_QP, 0, 0, 0);
	}
	run_ms(R_A_TOV_MS + E_D_TOV_MS + 100);
	for (uint32_t i = 0;; i++) {
		uint32_t x;

		ck_assert_uint_le(i, FCN_GENS);
		io(0, &no_data);
		x = io_ids(0, 1);
		send_rsp(x, 12);
		expect_cpl(HOST_QP, 0, 0, 0);
		if (x >> 16 == bad)
			break;
	}
	teardown();
}
END_TEST

START_TEST(test_all_ids_of_a_slot_are_in_quarantine)
{
	struct weft_fc_io_entry e = io_entry(0, &no_data);
	uint32_t all = 0;

	up();
	for (uint32_t i = 0; i < FCN_GENS; i++)
		all |= 1u << (abort_one(0) >> FCN_GEN_SHIFT);
	ck_assert_uint_eq(all, 0x7fffffff);
	submit(HOST_QP, &e);
	expect_cpl(HOST_QP, 0, EBUSY, 0);
	no_frame();
	io(1, &no_data); /* another slot's are free */
	run_ms(R_A_TOV_MS + E_D_TOV_MS + 100);
	io(0, &no_data);
	teardown();
}
END_TEST

/* A receive buffer without ids: commands come into the others; with all like that they wait. */
START_TEST(test_receive_buffers_in_quarantine)
{
	uint32_t n = 0;

	up();
	for (uint32_t i = 0; i < FCN_GENS * ENTRIES; i++) {
		uint32_t x = send_cmnd((uint16_t)i);

		send_bls(0x81, false, x);
		expect_event(TGT_QP, WEFT_EV_FC_ABORTED, tgt_cid(x), 0);
		release(TGT_QP, tgt_cid(x));
		expect_cpl(TGT_QP, tgt_cid(x), 0, 0);
		n++;
		next_frame();
	}
	send_cmnd_quiet(0x4000);
	run();
	no_cpl(TGT_QP);
	run_ms(R_A_TOV_MS + 300);
	ck_assert_uint_eq(next_cpl(TGT_QP).type, WEFT_CQT_CAPSULE);
	teardown();
}
END_TEST

/* --- pairs and the admin pair --- */

START_TEST(test_pair_that_is_in_use_stays)
{
	uint32_t x;

	up();
	io(1, &no_data);
	ck_assert_uint_eq(delete_pair(HOST_QP), EBUSY);
	send_rsp(io_ids(1, 1), 12);
	ck_assert_uint_eq(delete_pair(HOST_QP), 0);
	x = send_cmnd(0x777);
	ck_assert_uint_eq(delete_pair(TGT_QP), EBUSY);
	send_cmnd_quiet(0x778); /* none comes in any more */
	run();
	no_cpl(TGT_QP);
	tgt(WEFT_OP_FC_RSP, 0, tgt_cid(x), 0, 0, 12);
	expect_cpl(TGT_QP, tgt_cid(x), 0, 0);
	ck_assert_uint_eq(delete_pair(TGT_QP), 0);
	ck_assert_uint_eq(fake_fc_bufs_used(), 0);
	teardown();
}
END_TEST

START_TEST(test_admin_pair_stops_while_an_abort_waits)
{
	const uint32_t off[6] = { 0x100, 0, 0x200, 0, 5 | 6 << 8, 0 };
	uint32_t on[6] = { 0x100, 0, 0x200, 0, 5 | 6 << 8, 1 };
	uint32_t n;

	up();
	io(1, &no_data);
	abort_start(HOST_QP, 1);
	expect_abts(io_ids(1, 0xffff), false);
	fake_admin_enable(off);
	run();
	n = fake_cpl_count;
	send_bls(0x84, true, io_ids(1, 1));
	expect_cpl(HOST_QP, 1, ECANCELED, 0);
	ck_assert_uint_eq(fake_cpl_count, n + 1);
	fake_admin_enable(on);
	run();
	forget_admin();
	teardown();
}
END_TEST

START_TEST(test_ring_that_fails_ends_its_exchanges)
{
	const struct hal_event ev = { .type = ENG_EVT_QP_ERROR, .id = HOST_QP, .w1 = EFAULT };
	uint32_t x;

	up();
	io(1, &no_data);
	x = io_ids(1, 0xffff);
	fake_push_event(&ev);
	run();
	expect_event(HOST_QP, WEFT_EV_QP_ERROR, EFAULT, 0);
	expect_abts(x, false);
	send_bls(0x84, true, x);
	expect_cpl(HOST_QP, 1, EFAULT, 0);
	teardown();
}
END_TEST

void tests_abort(Suite *s)
{
	TCase *t = tcase_create("abort");

	tcase_add_loop_test(t, test_abort_a_command, 0, 2);
	tcase_add_loop_test(t, test_abort_waits_for_every_engine, 0, 2);
	tcase_add_test(t, test_abort_drops_what_is_queued);
	tcase_add_test(t, test_abort_what_waits_for_the_transmit_queue);
	tcase_add_test(t, test_abort_before_the_command_began);
	tcase_add_test(t, test_abts_is_repeated_once_and_given_up);
	tcase_add_test(t, test_a_response_comes_too_late);
	tcase_add_test(t, test_abort_of_nothing);
	tcase_add_test(t, test_abort_of_an_answered_command);
	tcase_add_test(t, test_abort_a_held_command);
	tcase_add_test(t, test_abort_a_write_under_way);
	tcase_add_test(t, test_abort_a_read_in_the_queue);
	tcase_add_loop_test(t, test_recovery_qualifier, 0, sizeof(answers) / sizeof(answers[0]));
	tcase_add_test(t, test_no_rrq_for_exchanges_of_others);
	tcase_add_test(t, test_aborted_id_is_not_used_for_r_a_tov);
	tcase_add_test(t, test_all_ids_of_a_slot_are_in_quarantine);
	tcase_add_test(t, test_receive_buffers_in_quarantine);
	tcase_add_test(t, test_pair_that_is_in_use_stays);
	tcase_add_test(t, test_admin_pair_stops_while_an_abort_waits);
	tcase_add_test(t, test_ring_that_fails_ends_its_exchanges);
	suite_add_tcase(s, t);
}
