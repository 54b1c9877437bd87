/* SPDX-License-Identifier: BSD-2-Clause */
/* Target role. */
#include <string.h>

#include "fcn_helper.h"

#define F_RSP 0x990000u
#define F_RDY 0x890000u

static void up(void)
{
	start();
	tgt_pair(TGT_QP);
}

static void expect_rsp(uint32_t ids, uint32_t len, uint16_t seq_cnt)
{
	struct seen f = expect_frame(len == 32 ? 0x08 : 0x07, F_RSP, len);

	ck_assert_uint_eq((uint32_t)f.h.ox_id << 16 | f.h.rx_id, ids);
	ck_assert_uint_eq(f.h.d_id, PEER_ID);
	ck_assert_uint_eq(f.h.type, 0x08);
	ck_assert_uint_eq(f.h.seq_cnt, seq_cnt);
	for (uint32_t i = 0; i < len; i++)
		ck_assert_uint_eq(f.payload[i], 0x30 + i);
}

static void respond(uint32_t ids)
{
	tgt(WEFT_OP_FC_RSP, 0, tgt_cid(ids), 0, 0, 12);
	expect_rsp(ids, 12, fcn_xs[slot_of(TGT_QP, tgt_cid(ids))].seq_cnt);
	expect_cpl(TGT_QP, tgt_cid(ids), 0, 0);
}

static void expect_rdy(uint32_t ids, uint32_t off, uint32_t burst)
{
	struct seen f = expect_frame(0x05, F_RDY, 12);

	ck_assert_uint_eq((uint32_t)f.h.ox_id << 16 | f.h.rx_id, ids);
	ck_assert_uint_eq(get_be32(f.payload), off);
	ck_assert_uint_eq(get_be32(f.payload + 4), burst);
	ck_assert_uint_eq(get_be32(f.payload + 8), 0);
}

/* --- commands come --- */

START_TEST(test_command_without_data)
{
	uint32_t x;

	up();
	x = send_cmnd(0x1111);
	tgt(WEFT_OP_FC_RSP, 0, tgt_cid(x), 0, 0, 12);
	expect_rsp(x, 12, 0);
	expect_cpl(TGT_QP, tgt_cid(x), 0, 0);
	x = send_cmnd(0x1112);
	tgt(WEFT_OP_FC_RSP, 0, tgt_cid(x), 0, 0, 32);
	expect_rsp(x, 32, 0);
	expect_cpl(TGT_QP, tgt_cid(x), 0, 0);
	teardown();
}
END_TEST

static const struct {
	uint32_t f_ctl, len, s_id;
	uint8_t df_ctl;
	bool first, last;
} bad_cmnd[] = {
	{ 0x290000, 92, PEER_ID, 0, true, true },  { 0x290000, 100, PEER_ID, 0, true, true },
	{ 0x290000, 0, PEER_ID, 0, true, true },   { 0x200000, 96, PEER_ID, 0, true, false },
	{ 0x090000, 96, PEER_ID, 0, false, true }, { 0xa90000, 96, PEER_ID, 0, true, true },
	{ 0x290000, 96, 0x999999, 0, true, true }, /* not logged in */
	{ 0x290000, 96, 0, 0, true, true },        { 0x290000, 96, PEER_ID, 0x20, true, true },
};

START_TEST(test_command_that_is_wrong_is_dropped)
{
	struct fc_hdr h = to_us(0x06, bad_cmnd[_i].f_ctl, 0x1234ffff);
	uint8_t b[128] = { 0 };

	up();
	h.s_id = bad_cmnd[_i].s_id;
	h.df_ctl = bad_cmnd[_i].df_ctl;
	send_part(&h, b, bad_cmnd[_i].len, bad_cmnd[_i].first, bad_cmnd[_i].last);
	run();
	no_cpl(TGT_QP);
	no_frame();
	ck_assert_uint_eq(fcn_stats.dropped, 1);
	ck_assert_uint_eq(strangers, bad_cmnd[_i].s_id != PEER_ID);
	teardown();
}
END_TEST

START_TEST(test_command_without_target)
{
	start();
	send_cmnd_quiet(1);
	run();
	ck_assert_uint_eq(fcn_stats.dropped, 1);
	teardown();
}
END_TEST

/* Commands beyond the receive buffers keep their order and come when one is free; the bound drops the rest. */
START_TEST(test_commands_wait_for_a_buffer)
{
	uint32_t x[ENTRIES + 3];

	up();
	for (uint16_t i = 0; i < ENTRIES; i++)
		x[i] = send_cmnd(i);
	for (uint16_t i = ENTRIES; i < ENTRIES + 3; i++)
		send_cmnd_quiet(i);
	run();
	no_cpl(TGT_QP);
	ck_assert_uint_eq(fake_fc_bufs_used(), 3);
	for (uint16_t i = 0; i < 3; i++) {
		struct hal_cpl c;

		respond(x[2 * i]);
		c = next_cpl(TGT_QP);
		ck_assert_uint_eq(c.type, WEFT_CQT_CAPSULE);
		ck_assert_uint_eq(c.dw[2] & 0xffff, ENTRIES + i);
		ck_assert_uint_eq(c.cid, tgt_cid(x[2 * i]));
	}
	ck_assert_uint_eq(fake_fc_bufs_used(), 0);
	teardown();
}
END_TEST

START_TEST(test_waiting_commands_have_a_bound)
{
	up();
	for (uint16_t i = 0; i < ENTRIES; i++)
		send_cmnd(i);
	for (uint16_t i = 0; i < 40; i++)
		send_cmnd_quiet((uint16_t)(100 + i));
	run();
	ck_assert_uint_eq(fake_fc_bufs_used(), 32);
	ck_assert_uint_eq(fcn_stats.dropped, 8);
	teardown();
}
END_TEST

START_TEST(test_waiting_commands_of_a_lost_port_are_forgotten)
{
	struct fc_hdr h = to_us(0x06, 0x290000, 0x4444ffff);
	uint8_t b[96] = { 0 };

	up();
	for (uint16_t i = 0; i < ENTRIES; i++)
		send_cmnd(i);
	send_cmnd_quiet(50);
	h.s_id = PEER2_ID;
	send_frame(&h, b, 96);
	ck_assert_uint_eq(fake_fc_bufs_used(), 2);
	port_lost(PEER2);
	ck_assert_uint_eq(fake_fc_bufs_used(), 1);
	teardown();
}
END_TEST

/* A buffer comes free because the port goes: it is not for a command of the same port. */
START_TEST(test_buffers_that_a_lost_port_frees)
{
	uint32_t x[ENTRIES];

	up();
	for (uint16_t i = 0; i < ENTRIES; i++)
		x[i] = send_cmnd(i);
	send_cmnd_quiet(50);
	run();
	abort_start(TGT_QP, tgt_cid(x[3]));
	release(TGT_QP, tgt_cid(x[3]));
	expect_frame(0x81, 0x890000, 0);
	port_lost(PEER);
	run();
	for (uint32_t i = 0; i < fake_cpl_count; i++)
		ck_assert(fake_cpl[i].type != WEFT_CQT_CAPSULE ||
			  (fake_cpl[i].dw[2] & 0xffff) != 50);
	ck_assert_uint_eq(fake_fc_bufs_used(), 0);
	teardown();
}
END_TEST

START_TEST(test_several_pairs_share_the_commands)
{
	uint32_t n[2] = { 0 };

	up();
	tgt_pair(TGT_QP2);
	for (uint16_t i = 0; i < 2 * ENTRIES; i++)
		send_cmnd_quiet(i);
	run();
	for (uint32_t i = 0; i < fake_cpl_count; i++) {
		if (fake_cpl[i].type == WEFT_CQT_CAPSULE)
			n[fake_cpl[i].qp - TGT_QP]++;
	}
	ck_assert_uint_eq(n[0], ENTRIES);
	ck_assert_uint_eq(n[1], ENTRIES);
	ck_assert_uint_eq(fake_fc_bufs_used(), 0);
	teardown();
}
END_TEST

START_TEST(test_a_connection_keeps_to_its_pair)
{
	struct fc_hdr h = to_us(0x06, 0x290000, 0x4444ffff);
	uint8_t b[96] = { 0 };
	uint16_t qp = 0;

	up();
	tgt_pair(TGT_QP2);
	put_be32(b + 12, 0x10002);
	for (int i = 0; i < 5; i++) {
		send_frame(&h, b, 96);
		ck_assert(!qp || fake_cpl[fake_cpl_count - 1].qp == qp);
		qp = fake_cpl[fake_cpl_count - 1].qp;
	}
	teardown();
}
END_TEST

/* --- data to the host --- */

START_TEST(test_read)
{
	uint32_t x;

	up();
	x = send_cmnd(0x2222);
	tgt(WEFT_OP_FC_READ, WEFT_SQF_DATA_OUT, tgt_cid(x), 0, 4096, 0);
	expect_data(F_T_DATA, x, 0, 4096, 0);
	expect_cpl(TGT_QP, tgt_cid(x), 0, 4096);
	respond(x);
	teardown();
}
END_TEST

START_TEST(test_read_with_its_response)
{
	uint32_t x;

	up();
	x = send_cmnd(0x2222);
	tgt(WEFT_OP_FC_READ, WEFT_SQF_DATA_OUT | WEFT_SQF_RESP, tgt_cid(x), 0, 4097, 32);
	expect_data(F_T_DATA, x, 0, 4097, 0);
	expect_rsp(x, 32, 5);
	expect_cpl(TGT_QP, tgt_cid(x), 0, 4097);
	no_cpl(TGT_QP);
	ck_assert_uint_eq(fcn_in_use(), 0);
	teardown();
}
END_TEST

/* Sequences of one exchange without the initiative given away: SEQ_CNT goes on, SEQ_ID changes. */
START_TEST(test_reads_are_streamed)
{
	uint32_t x;

	up();
	x = send_cmnd(0x2222);
	tgt(WEFT_OP_FC_READ, WEFT_SQF_DATA_OUT, tgt_cid(x), 0, 2000, 0);
	expect_data(F_T_DATA, x, 0, 2000, 0);
	expect_cpl(TGT_QP, tgt_cid(x), 0, 2000);
	tgt(WEFT_OP_FC_READ, WEFT_SQF_DATA_OUT | WEFT_SQF_RESP, tgt_cid(x), 2000, 3000, 12);
	expect_data(F_T_DATA, x, 2000, 3000, 2);
	expect_rsp(x, 12, 5);
	expect_cpl(TGT_QP, tgt_cid(x), 0, 3000);
	teardown();
}
END_TEST

START_TEST(test_memory_fails_on_a_read)
{
	struct weft_fc_tgt_entry e;
	uint32_t x;

	up();
	x = send_cmnd(0x2222);
	e = tgt_entry(WEFT_OP_FC_READ, WEFT_SQF_DATA_OUT | WEFT_SQF_RESP, tgt_cid(x), 0, 4096, 12);
	e.sgl[0].addr = FAKE_HOST_SIZE - 2048;
	submit(TGT_QP, &e);
	/* two frames left, and the response behind them: the host sees that data are missing, and by ABTS why */
	next_frame();
	next_frame();
	expect_rsp(x, 12, 4);
	expect_frame(0x81, 0x890000, 0);
	no_cpl(TGT_QP);
	send_bls(0x84, false, x);
	expect_cpl(TGT_QP, tgt_cid(x), EFAULT, 0);
	release(TGT_QP, tgt_cid(x));
	expect_cpl(TGT_QP, tgt_cid(x), 0, 0);
	teardown();
}
END_TEST

/* --- data from the host --- */

START_TEST(test_write)
{
	uint32_t x;

	up();
	x = send_cmnd(0x3333);
	tgt(WEFT_OP_FC_WRITE, WEFT_SQF_DATA_IN, tgt_cid(x), 0, 4096, 0);
	expect_rdy(x, 0, 4096);
	no_cpl(TGT_QP);
	send_data(F_H_DATA, x, 0, 4096);
	expect_cpl(TGT_QP, tgt_cid(x), 0, 4096);
	expect_memory(BUF, 0, 4096);
	respond(x);
	teardown();
}
END_TEST

START_TEST(test_write_in_bursts)
{
	struct seen a;
	uint32_t x;

	up();
	x = send_cmnd(0x3333);
	tgt(WEFT_OP_FC_WRITE, WEFT_SQF_DATA_IN, tgt_cid(x), 0, 3000, 0);
	expect_rdy(x, 0, 3000);
	send_data(F_H_DATA, x, 0, 3000);
	expect_cpl(TGT_QP, tgt_cid(x), 0, 3000);
	tgt(WEFT_OP_FC_WRITE, WEFT_SQF_DATA_IN, tgt_cid(x), 3000, 100, 0);
	a = next_frame();
	ck_assert_uint_eq(a.h.seq_cnt, 1);
	ck_assert_uint_eq(get_be32(a.payload), 3000);
	ck_assert_uint_eq(get_be32(a.payload + 4), 100);
	send_data(F_H_DATA, x, 3000, 100);
	expect_cpl(TGT_QP, tgt_cid(x), 0, 100);
	expect_memory(BUF, 0, 3100);
	respond(x);
	teardown();
}
END_TEST

/* A host that counts its frames through the exchange is as good as one that begins anew. */
START_TEST(test_seq_cnt_may_go_on)
{
	struct fc_hdr h;
	uint8_t b[512] = { 0 };
	uint32_t x;

	up();
	x = send_cmnd(0x3333);
	for (uint32_t i = 0; i < 3; i++) {
		tgt(WEFT_OP_FC_WRITE, WEFT_SQF_DATA_IN, tgt_cid(x), i * 512, 512, 0);
		expect_rdy(x, i * 512, 512);
		h = to_us(0x01, F_H_DATA, x);
		h.param = i * 512;
		h.seq_cnt = (uint16_t)(1 + i);
		send_frame(&h, b, 512);
		expect_cpl(TGT_QP, tgt_cid(x), 0, 512);
	}
	respond(x);
	teardown();
}
END_TEST

START_TEST(test_next_write_starts_at_once)
{
	uint32_t x;

	up();
	x = send_cmnd(0x3333);
	tgt(WEFT_OP_FC_WRITE, WEFT_SQF_DATA_IN, tgt_cid(x), 0, 512, 0);
	expect_rdy(x, 0, 512);
	send_data(F_H_DATA, x, 0, 512);
	expect_cpl(TGT_QP, tgt_cid(x), 0, 512);
	tgt(WEFT_OP_FC_WRITE, WEFT_SQF_DATA_IN, tgt_cid(x), 512, 512, 0);
	expect_rdy(x, 512, 512);
	send_data(F_H_DATA, x, 512, 512);
	expect_cpl(TGT_QP, tgt_cid(x), 0, 512);
	respond(x);
	teardown();
}
END_TEST

START_TEST(test_write_that_the_host_does_not_serve)
{
	struct weft_fc_tgt_entry e;
	uint32_t x;

	up();
	x = send_cmnd(0x3333);
	e = tgt_entry(WEFT_OP_FC_WRITE, WEFT_SQF_DATA_IN, tgt_cid(x), 0, 512, 0);
	e.timeout_ms = 500;
	submit(TGT_QP, &e);
	expect_rdy(x, 0, 512);
	run_ms(400);
	no_frame();
	run_ms(300);
	expect_frame(0x81, 0x890000, 0);
	no_cpl(TGT_QP);
	send_bls(0x84, false, x);
	expect_cpl(TGT_QP, tgt_cid(x), ETIMEDOUT, 0);
	release(TGT_QP, tgt_cid(x));
	expect_cpl(TGT_QP, tgt_cid(x), 0, 0);
	teardown();
}
END_TEST

START_TEST(test_write_in_time_is_not_aborted_later)
{
	uint32_t x;

	up();
	x = send_cmnd(0x3333);
	tgt(WEFT_OP_FC_WRITE, WEFT_SQF_DATA_IN, tgt_cid(x), 0, 512, 0);
	expect_rdy(x, 0, 512);
	run_ms(19000);
	send_data(F_H_DATA, x, 0, 512);
	expect_cpl(TGT_QP, tgt_cid(x), 0, 512);
	run_ms(30000);
	no_frame();
	respond(x);
	teardown();
}
END_TEST

static const struct {
	uint32_t off, len, f_ctl;
} bad_data[] = {
	{ 0, 512, F_H_DATA },     /* before the offset asked for */
	{ 1024, 1028, F_H_DATA }, /* more than asked for */
	{ 1028, 512, F_H_DATA },
	{ 1024, 512, F_H_DATA & ~8u },
};

START_TEST(test_write_data_that_are_wrong)
{
	uint8_t b[1100] = { 0 };
	struct fc_hdr h;
	uint32_t x;

	up();
	x = send_cmnd(0x3333);
	tgt(WEFT_OP_FC_WRITE, WEFT_SQF_DATA_IN, tgt_cid(x), 1024, 1024, 0);
	expect_rdy(x, 1024, 1024);
	h = to_us(0x01, bad_data[_i].f_ctl, x);
	h.param = bad_data[_i].off;
	send_frame(&h, b, bad_data[_i].len);
	expect_frame(0x81, 0x890000, 0);
	no_cpl(TGT_QP);
	send_bls(0x84, false, x);
	expect_cpl(TGT_QP, tgt_cid(x), EIO, 0);
	release(TGT_QP, tgt_cid(x));
	expect_cpl(TGT_QP, tgt_cid(x), 0, 0);
	ck_assert_uint_eq(fake_host[BUF + 1024], pattern(1024));
	teardown();
}
END_TEST

/* First bursts are not agreed on: data that nobody asked for end the exchange. */
START_TEST(test_data_that_nobody_asked_for)
{
	uint32_t x;

	up();
	x = send_cmnd(0x3333);
	send_data(F_H_DATA, x, 0, 512);
	expect_event(TGT_QP, WEFT_EV_FC_ABORTED, tgt_cid(x), 0);
	expect_frame(0x81, 0x890000, 0);
	tgt(WEFT_OP_FC_RSP, 0, tgt_cid(x), 0, 0, 12);
	expect_cpl(TGT_QP, tgt_cid(x), ECANCELED, 0);
	send_bls(0x84, false, x);
	release(TGT_QP, tgt_cid(x));
	expect_cpl(TGT_QP, tgt_cid(x), 0, 0);
	no_cpl(TGT_QP);
	teardown();
}
END_TEST

START_TEST(test_memory_fails_on_a_write)
{
	struct weft_fc_tgt_entry e;
	uint32_t x;

	up();
	x = send_cmnd(0x3333);
	e = tgt_entry(WEFT_OP_FC_WRITE, WEFT_SQF_DATA_IN, tgt_cid(x), 0, 512, 0);
	e.sgl[0].addr = FAKE_HOST_SIZE;
	submit(TGT_QP, &e);
	expect_rdy(x, 0, 512);
	send_data(F_H_DATA, x, 0, 512);
	ck_assert_uint_eq(expect_cpl(TGT_QP, tgt_cid(x), 0, 512).flags, WEFT_CQF_DMA_ERR);
	respond(x);
	teardown();
}
END_TEST

/* --- entries that are refused --- */

static void refused(const struct weft_fc_tgt_entry *e, uint16_t err)
{
	submit(TGT_QP, e);
	expect_cpl(TGT_QP, e->cid, err, 0);
	no_frame();
}

START_TEST(test_entries_that_contradict_themselves)
{
	const uint8_t out = WEFT_SQF_DATA_OUT, in = WEFT_SQF_DATA_IN, resp = WEFT_SQF_RESP;
	struct weft_fc_tgt_entry e;
	uint32_t x;
	uint16_t c;

	up();
	x = send_cmnd(0x3333);
	c = tgt_cid(x);
	refused(&(struct weft_fc_tgt_entry){ .opcode = WEFT_OP_FC_IO, .cid = c }, EOPNOTSUPP);
	refused(&(struct weft_fc_tgt_entry){ .opcode = WEFT_OP_FC_RELEASE, .cid = c }, EINVAL);
	e = tgt_entry(WEFT_OP_FC_READ, in, c, 0, 512, 0);
	refused(&e, EINVAL);
	e = tgt_entry(WEFT_OP_FC_READ, out, c, 0, 512, 12);
	refused(&e, EINVAL);
	e = tgt_entry(WEFT_OP_FC_READ, out | resp, c, 0, 512, 0);
	refused(&e, EINVAL);
	e = tgt_entry(WEFT_OP_FC_READ, out | resp, c, 0, 512, 16);
	refused(&e, EINVAL);
	e = tgt_entry(WEFT_OP_FC_READ, out, c, 0, 0, 0);
	refused(&e, EINVAL);
	e = tgt_entry(WEFT_OP_FC_READ, out, c, 2, 512, 0);
	refused(&e, EINVAL);
	e = tgt_entry(WEFT_OP_FC_READ, out, c, 0, 512, 0);
	e.sgl[0].len = 511;
	refused(&e, EINVAL);
	e = tgt_entry(WEFT_OP_FC_WRITE, out, c, 0, 512, 0);
	refused(&e, EINVAL);
	e = tgt_entry(WEFT_OP_FC_WRITE, in | resp, c, 0, 512, 12);
	refused(&e, EINVAL);
	e = tgt_entry(WEFT_OP_FC_WRITE, in, c, 0, 512, 0);
	e.offset = 0xfffffffc;
	refused(&e, EINVAL);
	e = tgt_entry(WEFT_OP_FC_RSP, 0, c, 0, 0, 0);
	refused(&e, EINVAL);
	e = tgt_entry(WEFT_OP_FC_RSP, 0, c, 0, 4, 12);
	refused(&e, EINVAL);
	e = tgt_entry(WEFT_OP_FC_RSP, 0, (uint16_t)((c + 1) % ENTRIES), 0, 0, 12);
	refused(&e, EINVAL); /* nobody has that buffer */
	e.opcode = WEFT_OP_FC_RELEASE;
	e.rsp_len = 0;
	refused(&e, EINVAL);
	respond(x);
	teardown();
}
END_TEST

#define N(a) (int)(sizeof(a) / sizeof((a)[0]))

void tests_tgt(Suite *s)
{
	TCase *t = tcase_create("tgt");

	tcase_add_test(t, test_command_without_data);
	tcase_add_loop_test(t, test_command_that_is_wrong_is_dropped, 0, N(bad_cmnd));
	tcase_add_test(t, test_command_without_target);
	tcase_add_test(t, test_commands_wait_for_a_buffer);
	tcase_add_test(t, test_waiting_commands_have_a_bound);
	tcase_add_test(t, test_waiting_commands_of_a_lost_port_are_forgotten);
	tcase_add_test(t, test_buffers_that_a_lost_port_frees);
	tcase_add_test(t, test_several_pairs_share_the_commands);
	tcase_add_test(t, test_a_connection_keeps_to_its_pair);
	tcase_add_test(t, test_read);
	tcase_add_test(t, test_read_with_its_response);
	tcase_add_test(t, test_reads_are_streamed);
	tcase_add_test(t, test_memory_fails_on_a_read);
	tcase_add_test(t, test_write);
	tcase_add_test(t, test_write_in_bursts);
	tcase_add_test(t, test_seq_cnt_may_go_on);
	tcase_add_test(t, test_next_write_starts_at_once);
	tcase_add_test(t, test_write_that_the_host_does_not_serve);
	tcase_add_test(t, test_write_in_time_is_not_aborted_later);
	tcase_add_loop_test(t, test_write_data_that_are_wrong, 0, N(bad_data));
	tcase_add_test(t, test_data_that_nobody_asked_for);
	tcase_add_test(t, test_memory_fails_on_a_write);
	tcase_add_test(t, test_entries_that_contradict_themselves);
	suite_add_tcase(s, t);
}
