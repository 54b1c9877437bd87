/* SPDX-License-Identifier: BSD-2-Clause */
/* Host role: FC_IO. */
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

START_TEST(test_no_data)
{
	uint32_t x;

	up();
	io(3, &no_data);
	x = io_ids(3, 0x1234);
	send_rsp(x, 12);
	expect_answer(3, 0, 12, x);
	no_frame();
	teardown();
}
END_TEST

START_TEST(test_read)
{
	uint32_t x;

	up();
	io(0, &read_4k);
	x = io_ids(0, 0x0777);
	send_data(F_T_DATA, x, 0, 4096);
	no_cpl(HOST_QP);
	send_rsp(x, 12);
	expect_answer(0, 4096, 12, x);
	expect_memory(BUF, 0, 4096);
	ck_assert_uint_eq(fake_fc_cnt.rx_placed, 4);
	teardown();
}
END_TEST

START_TEST(test_read_in_pieces_of_memory_and_bursts)
{
	const struct io op = { .dir = WEFT_SQF_DATA_IN, .len = 5000, .chain = true };
	uint32_t x;

	up();
	io(7, &op);
	x = io_ids(7, 1);
	send_data(F_T_DATA, x, 0, 2048);
	send_data(F_T_DATA, x, 2048, 2952);
	send_rsp(x, 0);
	expect_answer(7, 5000, 0, x);
	expect_memory(BUF, 0, 5000);
	teardown();
}
END_TEST

START_TEST(test_ersp_is_placed)
{
	uint32_t x;

	up();
	io(5, &read_4k);
	x = io_ids(5, 2);
	send_data(F_T_DATA, x, 0, 4096);
	send_rsp(x, 32);
	expect_answer(5, 4096, 32, x);
	for (uint32_t i = 0; i < 32; i++)
		ck_assert_uint_eq(fake_host[RSP_AREA + 5 * 32 + i], 0xc0 + i);
	ck_assert_uint_eq(fake_host[RSP_AREA + 6 * 32], 0xa5);
	teardown();
}
END_TEST

/* Less data than asked for: what may still come must not be placed after the completion. */
START_TEST(test_short_read_waits_for_its_context)
{
	uint32_t x;

	up();
	io(1, &read_4k);
	x = io_ids(1, 2);
	send_data(F_T_DATA, x, 0, 1024);
	fake_fc_opt.hold_stopped = true;
	send_rsp(x, 32);
	no_cpl(HOST_QP);
	fake_fc_stopped();
	run();
	expect_answer(1, 1024, 32, x);
	teardown();
}
END_TEST

START_TEST(test_read_without_data)
{
	uint32_t x;

	up();
	io(1, &read_4k);
	x = io_ids(1, 2);
	send_rsp(x, 32);
	expect_answer(1, 0, 32, x);
	teardown();
}
END_TEST

START_TEST(test_write)
{
	uint32_t x;

	up();
	io(2, &write_4k);
	x = io_ids(2, 0x4321);
	send_rdy(x, 0, 4096);
	expect_data(F_H_DATA, x, 0, 4096, 0);
	send_rsp(x, 12);
	expect_answer(2, 4096, 12, x);
	teardown();
}
END_TEST

START_TEST(test_write_in_bursts)
{
	const struct io op = { .dir = WEFT_SQF_DATA_OUT, .len = 5001, .chain = true };
	uint32_t x;

	up();
	io(2, &op);
	x = io_ids(2, 0x4321);
	send_rdy(x, 0, 3000);
	expect_data(F_H_DATA, x, 0, 3000, 0);
	send_rdy(x, 3000, 2001);
	expect_data(F_H_DATA, x, 3000, 2001, 0);
	send_rsp(x, 12);
	expect_answer(2, 5001, 12, x);
	teardown();
}
END_TEST

START_TEST(test_sequences_have_ids_of_their_own)
{
	struct seen a, b;
	uint32_t x;

	up();
	io(2, &write_4k);
	x = io_ids(2, 0x4321);
	send_rdy(x, 0, 512);
	a = next_frame();
	send_rdy(x, 512, 512);
	b = next_frame();
	ck_assert_uint_ne(a.h.seq_id, 0); /* CMND's */
	ck_assert_uint_ne(a.h.seq_id, b.h.seq_id);
	teardown();
}
END_TEST

/* A command that is refused is completed with the transport's eyes: data that were not asked for. */
START_TEST(test_write_refused_before_data)
{
	uint32_t x;

	up();
	io(2, &write_4k);
	x = io_ids(2, 9);
	send_rsp(x, 32);
	expect_answer(2, 0, 32, x);
	teardown();
}
END_TEST

START_TEST(test_write_waits_until_its_data_left)
{
	uint32_t x;

	up();
	io(2, &write_4k);
	x = io_ids(2, 9);
	fake_fc_opt.tx_stop = 1;
	send_rdy(x, 0, 4096);
	send_rsp(x, 12);
	no_cpl(HOST_QP);
	fake_fc_opt.tx_stop = 0;
	run();
	expect_data(F_H_DATA, x, 0, 4096, 0);
	expect_answer(2, 4096, 12, x);
	teardown();
}
END_TEST

/* An answer to what has not left, as far as is known, waits for a fence. */
START_TEST(test_answer_before_the_command_left)
{
	struct weft_fc_io_entry e = io_entry(4, &no_data);
	uint32_t x;

	up();
	fake_fc_opt.tx_stop = 1;
	submit(HOST_QP, &e);
	x = io_ids(4, 9);
	send_rsp(x, 12);
	no_cpl(HOST_QP);
	fake_fc_opt.tx_stop = 0;
	run();
	expect_answer(4, 0, 12, x);
	expect_frame(0x06, 0x290000, 96);
	no_frame();
	teardown();
}
END_TEST

START_TEST(test_many_at_once)
{
	uint32_t x[ENTRIES];

	up();
	for (uint16_t i = 0; i < ENTRIES; i++) {
		const struct io op = { .dir = WEFT_SQF_DATA_IN,
				       .len = 2048,
				       .rport = i & 1 ? PEER2 : PEER,
				       .addr = BUF + i * 2048u };
		io(i, &op);
		x[i] = io_ids(i, i);
	}
	for (uint16_t i = ENTRIES; i-- > 0;) {
		struct fc_hdr h = to_us(0x07, 0x990000, x[i]);

		if (i & 1) {
			h.s_id = PEER2_ID;
			send_frame(&h, "", 0);
			expect_answer(i, 0, 0, x[i]);
		} else {
			send_data(F_T_DATA, x[i], 0, 2048);
			send_rsp(x[i], 0);
			expect_answer(i, 2048, 0, x[i]);
			expect_memory(BUF + i * 2048u, 0, 2048);
		}
	}
	teardown();
}
END_TEST

/* --- entries that are refused --- */

static void refused(const struct weft_fc_io_entry *e, uint16_t err)
{
	submit(HOST_QP, e);
	expect_cpl(HOST_QP, e->cid, err, 0);
	no_frame();
	ck_assert_uint_eq(fcn_in_use(), 0);
}

START_TEST(test_entries_that_contradict_themselves)
{
	struct weft_fc_io_entry good = io_entry(1, &read_4k), e;

	up();
	e = good;
	e.opcode = WEFT_OP_CAPSULE;
	refused(&e, EOPNOTSUPP);
	e = good;
	e.rport = 3; /* nobody */
	refused(&e, ENOTCONN);
	e = good;
	e.rport = 0xffff;
	refused(&e, ENOTCONN);
	e = good;
	e.data_len = 4095; /* not what the IU says */
	refused(&e, EINVAL);
	e = good;
	e.cmnd[7] = 1; /* the IU writes */
	refused(&e, EINVAL);
	e = good;
	e.cmnd[7] = 3;
	refused(&e, EINVAL);
	e = good;
	e.flags |= WEFT_SQF_DATA_OUT;
	e.cmnd[7] = 3;
	refused(&e, EINVAL);
	e = good;
	e.flags &= (uint8_t)~WEFT_SQF_SGL_TAIL;
	refused(&e, EINVAL);
	e = good;
	e.flags |= WEFT_SQF_RESP;
	refused(&e, EINVAL);
	e = good;
	e.sgl.len = 4095;
	refused(&e, EINVAL);
	e = good;
	e.sgl_count = 2;
	refused(&e, EINVAL);
	e = good;
	e.flags |= WEFT_SQF_SGL_CHAIN;
	e.sgl_count = 0;
	refused(&e, EINVAL);
	e.sgl_count = WEFT_SGL_MAX + 1;
	refused(&e, EINVAL);
	e = good;
	e.data_len = e.sgl.len = WEFT_DATA_MAX + 1;
	put_be32(e.cmnd + 20, e.data_len);
	refused(&e, EINVAL);
	e = io_entry(1, &no_data);
	e.data_len = 4;
	put_be32(e.cmnd + 20, 4);
	refused(&e, EINVAL);
	e = io_entry(1, &no_data);
	e.flags = WEFT_SQF_SGL_TAIL;
	refused(&e, EINVAL);
	e = io_entry(1, &(struct io){ .dir = WEFT_SQF_DATA_IN });
	refused(&e, EINVAL);
	teardown();
}
END_TEST

/* --- engines that are busy --- */

START_TEST(test_next_command_waits_for_the_context)
{
	struct weft_fc_io_entry e = io_entry(1, &read_4k);
	uint32_t x;

	up();
	io(1, &read_4k);
	x = io_ids(1, 7);
	send_data(F_T_DATA, x, 0, 4096);
	fake_fc_opt.hold_stopped = true;
	send_rsp(x, 12);
	expect_answer(1, 4096, 12, x); /* all is there: nothing more can be placed */
	submit(HOST_QP, &e);
	no_frame();
	fake_fc_stopped();
	run();
	expect_frame(0x06, 0x290000, 96);
	fake_fc_opt.hold_stopped = false;
	send_data(F_T_DATA, io_ids(1, 8), 0, 4096);
	send_rsp(io_ids(1, 8), 12);
	expect_answer(1, 4096, 12, io_ids(1, 8) + 0);
	teardown();
}
END_TEST

/* More commands than the transmit queue takes: none is lost, none overtakes, and the core never stands still. */
START_TEST(test_full_transmit_queue)
{
	uint16_t first = 0xffff;

	up();
	ck_assert_uint_eq(create(TGT_QP, WEFT_QPF_FC), 0);
	ck_assert_uint_eq(create(TGT_QP2, WEFT_QPF_FC), 0);
	ck_assert_uint_eq(create(TGT_QP2 + 1, WEFT_QPF_FC), 0);
	ck_assert_uint_eq(create(TGT_QP2 + 2, WEFT_QPF_FC), 0);
	fake_fc_opt.tx_stop = 32;
	for (uint16_t i = 0; i < 5 * ENTRIES; i++) {
		static const uint16_t qps[] = { HOST_QP, TGT_QP, TGT_QP2, TGT_QP2 + 1,
						TGT_QP2 + 2 };
		struct weft_fc_io_entry e = io_entry(i % ENTRIES, &no_data);

		submit(qps[i / ENTRIES], &e);
	}
	ck_assert_uint_lt(fake_fc_queued(), 32);
	fake_fc_opt.tx_stop = 0;
	run();
	for (uint16_t i = 0; i < 5 * ENTRIES; i++) {
		struct seen f = expect_frame(0x06, 0x290000, 96);
		uint16_t slot = f.h.ox_id & FCN_SLOT_MASK;

		ck_assert(first == 0xffff || slot == first + i);
		first = first == 0xffff ? slot : first;
	}
	no_frame();
	teardown();
}
END_TEST

START_TEST(test_memory_fails_on_a_write)
{
	const struct io op = { .dir = WEFT_SQF_DATA_OUT, .len = 4096, .addr = FAKE_HOST_SIZE };
	uint32_t x;

	up();
	io(1, &op);
	x = io_ids(1, 7);
	send_rdy(x, 0, 4096);
	expect_frame(0x81, 0x090000, 0);
	send_bls(0x84, true, x);
	expect_cpl(HOST_QP, 1, EFAULT, 0);
	teardown();
}
END_TEST

START_TEST(test_memory_fails_on_a_read)
{
	const struct io op = { .dir = WEFT_SQF_DATA_IN, .len = 512, .addr = FAKE_HOST_SIZE };
	uint32_t x;

	up();
	io(1, &op);
	x = io_ids(1, 7);
	send_data(F_T_DATA, x, 0, 512);
	send_rsp(x, 12);
	ck_assert_uint_eq(expect_cpl(HOST_QP, 1, 0, 512).flags, WEFT_CQF_DMA_ERR);
	teardown();
}
END_TEST

void tests_io(Suite *s)
{
	TCase *t = tcase_create("io");

	tcase_add_test(t, test_no_data);
	tcase_add_test(t, test_read);
	tcase_add_test(t, test_read_in_pieces_of_memory_and_bursts);
	tcase_add_test(t, test_ersp_is_placed);
	tcase_add_test(t, test_short_read_waits_for_its_context);
	tcase_add_test(t, test_read_without_data);
	tcase_add_test(t, test_write);
	tcase_add_test(t, test_write_in_bursts);
	tcase_add_test(t, test_sequences_have_ids_of_their_own);
	tcase_add_test(t, test_write_refused_before_data);
	tcase_add_test(t, test_write_waits_until_its_data_left);
	tcase_add_test(t, test_answer_before_the_command_left);
	tcase_add_test(t, test_many_at_once);
	tcase_add_test(t, test_entries_that_contradict_themselves);
	tcase_add_test(t, test_next_command_waits_for_the_context);
	tcase_add_test(t, test_full_transmit_queue);
	tcase_add_test(t, test_memory_fails_on_a_write);
	tcase_add_test(t, test_memory_fails_on_a_read);
	suite_add_tcase(s, t);
}
