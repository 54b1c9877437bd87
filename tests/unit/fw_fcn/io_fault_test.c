/* SPDX-License-Identifier: BSD-2-Clause */
/* Host role: a target that breaks the rules, and frames of nobody. */
#include <string.h>

#include "fcn_helper.h"

static const struct io read_4k = { .dir = WEFT_SQF_DATA_IN, .len = 4096 };
static const struct io write_4k = { .dir = WEFT_SQF_DATA_OUT, .len = 4096 };
static const struct io no_data;

static void up(void)
{
	start();
	host_pair();
}

/* It is aborted: the peer accepts that, and the entry ends. */
static void expect_broken(uint16_t cid, uint32_t x)
{
	struct seen f = expect_frame(0x81, 0x090000, 0);

	ck_assert_uint_eq(f.h.ox_id, x >> 16);
	no_cpl(HOST_QP);
	send_bls(0x84, true, x);
	expect_cpl(HOST_QP, cid, EIO, 0);
}

/* --- the target breaks the rules --- */

static const struct {
	uint32_t off, burst, len;
	bool read; /* the command is one */
} bad_rdy[] = {
	{ 4, 512, 12, false }, { 0, 0, 12, false },   { 0, 4097, 12, false },
	{ 0, 512, 8, false },  { 0, 512, 16, false }, { 0xfffffffc, 8, 12, false },
	{ 0, 4096, 12, true },
};

START_TEST(test_xfer_rdy_that_is_wrong)
{
	struct fc_hdr h;
	uint8_t b[16] = { 0 };
	uint32_t x;

	up();
	io(1, bad_rdy[_i].read ? &read_4k : &write_4k);
	x = io_ids(1, 7);
	put_be32(b, bad_rdy[_i].off);
	put_be32(b + 4, bad_rdy[_i].burst);
	h = to_us(0x05, 0x890000, x);
	send_frame(&h, b, bad_rdy[_i].len);
	expect_broken(1, x);
	ck_assert_uint_eq(fcn_stats.seq_errors, 1);
	teardown();
}
END_TEST

START_TEST(test_xfer_rdy_twice)
{
	uint32_t x;

	up();
	io(1, &write_4k);
	x = io_ids(1, 7);
	fake_fc_opt.tx_stop = 1; /* the data of the first wait */
	send_rdy(x, 0, 512);
	send_rdy(x, 512, 512);
	no_cpl(HOST_QP);
	fake_fc_opt.tx_stop = 0;
	run();
	expect_broken(1, x); /* the data were dropped */
	teardown();
}
END_TEST

START_TEST(test_xfer_rdy_behind_the_one_before)
{
	uint32_t x;

	up();
	io(1, &write_4k);
	x = io_ids(1, 7);
	send_rdy(x, 0, 1024);
	expect_data(F_H_DATA, x, 0, 1024, 0);
	send_rdy(x, 0, 1024);
	expect_broken(1, x);
	teardown();
}
END_TEST

START_TEST(test_xfer_rdy_of_another_rx_id)
{
	uint32_t x;

	up();
	io(1, &write_4k);
	x = io_ids(1, 7);
	send_rdy(x, 0, 1024);
	expect_data(F_H_DATA, x, 0, 1024, 0);
	send_rdy(x + 1, 1024, 1024);
	expect_broken(1, x);
	teardown();
}
END_TEST

START_TEST(test_xfer_rdy_of_more_than_one_frame)
{
	struct fc_hdr h;
	uint8_t b[12] = { 0 };
	uint32_t x;

	up();
	io(1, &write_4k);
	x = io_ids(1, 7);
	b[7] = 64;
	h = to_us(0x05, 0x800000, x);
	send_part(&h, b, 12, true, false);
	run();
	expect_broken(1, x);
	teardown();
}
END_TEST

static const struct {
	uint8_t r_ctl, len, df_ctl;
	bool first, last;
} bad_rsp[] = {
	{ 7, 8, 0, true, true },   { 7, 16, 0, true, true },  { 7, 32, 0, true, true },
	{ 8, 12, 0, true, true },  { 8, 0, 0, true, true },   { 8, 36, 0, true, true },
	{ 7, 12, 0, false, true }, { 7, 12, 0, true, false }, { 8, 32, 0x20, true, true },
};

START_TEST(test_response_that_is_wrong)
{
	struct fc_hdr h;
	uint8_t b[64] = { 0 };
	uint32_t x;

	up();
	io(1, &no_data);
	x = io_ids(1, 7);
	h = to_us(bad_rsp[_i].r_ctl, bad_rsp[_i].last ? 0x990000 : 0x800000, x);
	h.df_ctl = bad_rsp[_i].df_ctl;
	send_part(&h, b, bad_rsp[_i].len, bad_rsp[_i].first, bad_rsp[_i].last);
	run();
	expect_broken(1, x);
	teardown();
}
END_TEST

START_TEST(test_response_amid_a_data_sequence)
{
	struct fc_hdr h;
	uint8_t b[PEER_MAX] = { 0 };
	uint32_t x;

	up();
	io(1, &read_4k);
	x = io_ids(1, 7);
	h = to_us(0x01, F_T_DATA & ~0x80000u, x);
	send_part(&h, b, PEER_MAX, true, false);
	send_rsp(x, 32);
	expect_broken(1, x);
	teardown();
}
END_TEST

static const struct {
	uint32_t off, len;
	uint16_t seq_cnt;
} bad_data[] = {
	{ 4, 512, 0 }, /* a gap */
	{ 0, 512, 3 }, /* a lost frame before it */
	{ 0xfffffe00, 512, 0 },
};

START_TEST(test_data_that_are_wrong)
{
	struct fc_hdr h;
	uint8_t b[512] = { 0 };
	uint32_t x;

	up();
	io(1, &read_4k);
	x = io_ids(1, 7);
	h = to_us(0x01, F_T_DATA, x);
	h.param = bad_data[_i].off;
	h.seq_cnt = bad_data[_i].seq_cnt;
	send_frame(&h, b, bad_data[_i].len);
	ck_assert_uint_eq(fake_fc_cnt.rx_trap, 1);
	expect_broken(1, x);
	expect_memory(BUF + 0x40000, 0, 0);
	ck_assert_uint_eq(fake_host[BUF], pattern(0));
	teardown();
}
END_TEST

START_TEST(test_more_data_than_asked_for)
{
	uint32_t x;

	up();
	io(1, &read_4k);
	x = io_ids(1, 7);
	send_data(F_T_DATA, x, 0, 4096 + 512);
	expect_broken(1, x);
	ck_assert_uint_eq(fake_host[BUF + 4096], pattern(4096));
	teardown();
}
END_TEST

START_TEST(test_data_for_a_write)
{
	uint32_t x;

	up();
	io(1, &write_4k);
	x = io_ids(1, 7);
	send_data(F_T_DATA, x, 0, 512);
	expect_broken(1, x);
	teardown();
}
END_TEST

/* --- frames of nobody --- */

START_TEST(test_frames_of_other_exchanges_change_nothing)
{
	uint32_t x;
	struct fc_hdr h;

	up();
	io(1, &no_data);
	x = io_ids(1, 7);
	send_rsp(x ^ 1u << 16, 12);     /* another slot */
	send_rsp(x ^ 0x800u << 16, 12); /* another generation */
	h = to_us(0x07, 0x990000, x);
	h.s_id = PEER2_ID;
	send_frame(&h, "", 0);
	h = to_us(0x07, 0x190000, x >> 16 | x << 16); /* as if we were the responder */
	send_frame(&h, "", 0);
	h = to_us(0x03, 0x190000, x); /* CONF */
	send_frame(&h, "", 0);
	h = to_us(0x09, 0x890000, x); /* NVMe_SR */
	send_frame(&h, "12345678", 8);
	no_cpl(HOST_QP);
	no_frame();
	ck_assert_uint_eq(fcn_stats.dropped, 6);
	send_rsp(x, 12);
	expect_answer(1, 0, 12, x);
	teardown();
}
END_TEST

START_TEST(test_late_frames_of_the_command_before)
{
	uint32_t x, y;

	up();
	io(1, &read_4k);
	x = io_ids(1, 7);
	send_data(F_T_DATA, x, 0, 4096);
	send_rsp(x, 12);
	expect_answer(1, 4096, 12, x);
	send_rsp(x, 12); /* once more, while nothing is in flight */
	send_data(F_T_DATA, x, 0, 512);
	io(1, &read_4k);
	y = io_ids(1, 7);
	ck_assert_uint_ne(x, y);
	send_rsp(x, 12);
	send_data(F_T_DATA, x, 0, 512);
	no_cpl(HOST_QP);
	send_rsp(y, 32);
	expect_answer(1, 0, 32, y);
	no_frame();
	teardown();
}
END_TEST

START_TEST(test_every_generation_is_used)
{
	uint32_t seen_gens = 0;

	up();
	for (uint32_t i = 0; i < FCN_GENS + 2; i++) {
		uint32_t x;

		io(0, &no_data);
		x = io_ids(0, 1);
		seen_gens |= 1u << (x >> 27);
		send_rsp(x, 12);
		expect_answer(0, 0, 12, x);
	}
	ck_assert_uint_eq(seen_gens, 0x7fffffff); /* but for that of the port's own */
	teardown();
}
END_TEST

#define N(a) (int)(sizeof(a) / sizeof((a)[0]))

void tests_io_fault(Suite *s)
{
	TCase *t = tcase_create("io_fault");

	tcase_add_loop_test(t, test_xfer_rdy_that_is_wrong, 0, N(bad_rdy));
	tcase_add_test(t, test_xfer_rdy_twice);
	tcase_add_test(t, test_xfer_rdy_behind_the_one_before);
	tcase_add_test(t, test_xfer_rdy_of_another_rx_id);
	tcase_add_test(t, test_xfer_rdy_of_more_than_one_frame);
	tcase_add_loop_test(t, test_response_that_is_wrong, 0, N(bad_rsp));
	tcase_add_test(t, test_response_amid_a_data_sequence);
	tcase_add_loop_test(t, test_data_that_are_wrong, 0, N(bad_data));
	tcase_add_test(t, test_more_data_than_asked_for);
	tcase_add_test(t, test_data_for_a_write);
	tcase_add_test(t, test_frames_of_other_exchanges_change_nothing);
	tcase_add_test(t, test_late_frames_of_the_command_before);
	tcase_add_test(t, test_every_generation_is_used);
	suite_add_tcase(s, t);
}
