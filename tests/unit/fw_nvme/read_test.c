/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads: C2HData in every legal shape, and what is not legal but the command's trouble alone. */
#include "nvme_helper.h"

#include <string.h>

#define IN WEFT_SQF_DATA_IN
#define LAST PDU_F_LAST
#define SUCCESS PDU_F_SUCCESS

static const struct conn_opts plain;

static void send_c2h(uint16_t cid, uint32_t off, uint32_t len, uint8_t flags)
{
	struct send s = c2h(&peers[QP], cid, off, wire + off, len, flags);

	ctrl_send(&peers[QP], &s);
}

/* Number: digests, and 4 for HPDA 31. Pieces of uneven length, the bytes around them untouched. */
START_TEST(test_read)
{
	const struct conn_opts o = { .digests = _i & 3, .hpda = _i & 4 ? 31 : 0 };
	static const uint32_t cuts[] = { 0, 4, 1000, 1004, 40000, 65536 };
	uint8_t before = fake_host[BUF - 1], after = fake_host[BUF + 65536];

	connect_qp(QP, &o);
	submit(QP, 3, &(struct cmd){ .flags = IN, .len = 65536, .addr = BUF });
	expect_pdu(&peers[QP], PDU_CAPSULE_CMD);
	for (uint32_t i = 0; i + 1 < 6; i++)
		send_c2h(3, cuts[i], cuts[i + 1] - cuts[i], i == 4 ? LAST : 0);
	ck_assert_uint_eq(completions(QP, 3), 0);
	send_resp(QP, 3);
	expect_ok(QP, 3, 65536);
	ck_assert_mem_eq(fake_host + BUF, wire, 65536);
	ck_assert_uint_eq(fake_host[BUF - 1], before);
	ck_assert_uint_eq(fake_host[BUF + 65536], after);
}
END_TEST

/* PDO may be larger than need be, as long as it is aligned. */
START_TEST(test_read_odd_pdo)
{
	const struct conn_opts o = { .digests = _i & 3, .hpda = 3 };
	struct send s;

	connect_qp(QP, &o);
	submit(QP, 3, &(struct cmd){ .flags = IN, .len = 4096, .addr = BUF });
	s = c2h(&peers[QP], 3, 0, wire, 4096, LAST);
	s.hdr[3] = (uint8_t)(s.hdr[3] + 192);
	put32(s.hdr + 4, get32(s.hdr + 4) + 192);
	s.pad += 192;
	ctrl_send(&peers[QP], &s);
	send_resp(QP, 3);
	expect_ok(QP, 3, 4096);
	ck_assert_mem_eq(fake_host + BUF, wire, 4096);
}
END_TEST

/* A PDU without data is odd, not wrong. */
START_TEST(test_read_empty_pdu)
{
	const struct conn_opts o = { .digests = (uint8_t)_i };

	connect_qp(QP, &o);
	submit(QP, 3, &(struct cmd){ .flags = IN, .len = 4096, .addr = BUF });
	send_c2h(3, 0, 0, 0);
	send_c2h(3, 0, 4096, LAST);
	send_resp(QP, 3);
	expect_ok(QP, 3, 4096);
	ck_assert_mem_eq(fake_host + BUF, wire, 4096);
}
END_TEST

/* Commands interleave PDU by PDU. */
START_TEST(test_read_interleaved)
{
	connect_qp(QP, &plain);
	for (uint16_t i = 0; i < 3; i++)
		submit(QP, i,
		       &(struct cmd){ .flags = IN, .len = 30000, .addr = BUF + i * 0x10000 });
	for (uint32_t off = 0; off < 30000; off += 10000)
		for (uint16_t i = 0; i < 3; i++)
			send_c2h((i + 1) % 3, off, 10000, off == 20000 ? LAST : 0);
	for (uint16_t i = 0; i < 3; i++) {
		send_resp(QP, i);
		expect_ok(QP, i, 30000);
		ck_assert_mem_eq(fake_host + BUF + i * 0x10000, wire, 30000);
	}
}
END_TEST

/* Fewer bytes than asked for: the host sees how many, and so can tell. Without LAST or with it, or none at all. */
START_TEST(test_read_short)
{
	connect_qp(QP, &plain);
	submit(QP, 3, &(struct cmd){ .flags = IN, .len = 4096, .addr = BUF });
	if (_i)
		send_c2h(3, 0, 1000, _i == 1 ? LAST : 0);
	send_resp(QP, 3);
	expect_ok(QP, 3, _i ? 1000 : 0);
}
END_TEST

START_TEST(test_read_success)
{
	const struct conn_opts o = { .digests = (uint8_t)_i };
	const struct hal_cpl *c;

	connect_qp(QP, &o);
	for (uint32_t round = 0; round < 3; round++) {
		submit(QP, 3, &(struct cmd){ .flags = IN, .len = 8192, .addr = BUF });
		send_c2h(3, 0, 4096, 0);
		ck_assert_uint_eq(completions(QP, 3), round);
		send_c2h(3, 4096, 4096, LAST | SUCCESS);
		c = completion(QP, 3);
		ck_assert_uint_eq(c->status, 0);
		ck_assert_uint_eq(c->flags, WEFT_CQF_SYNTH);
		ck_assert_uint_eq(c->data_len, 8192);
		ck_assert_uint_eq(c->dw[0] | c->dw[1] | c->dw[2], 0);
		ck_assert_uint_eq(c->dw[3], 3);
		ck_assert_mem_eq(fake_host + BUF, wire, 8192);
		memset(fake_host + BUF, 0, 8192);
	}
}
END_TEST

/* SUCCESS completes the command only when the data is there and the capsule is acknowledged. */
START_TEST(test_read_success_waits)
{
	struct peer *p = &peers[QP];
	struct send s;

	connect_qp(QP, &plain);
	p->hold_acks = true;
	submit(QP, 3, &(struct cmd){ .flags = IN, .len = 8192, .addr = BUF });
	s = c2h(p, 3, 0, wire, 8192, LAST | SUCCESS);
	peer_send(p, s.hdr, 24);
	peer_send(p, wire, 8191);
	peer_ack(p);
	ck_assert_uint_eq(completions(QP, 3), 0);
	p->hold_acks = _i;
	p->acked -= _i;
	peer_send(p, wire + 8191, 1);
	if (_i) {
		ck_assert_uint_eq(completions(QP, 3), 1); /* acknowledged once is acknowledged */
	}
	ck_assert_uint_eq(completion(QP, 3)->flags, WEFT_CQF_SYNTH);
}
END_TEST

START_TEST(test_read_success_unacked)
{
	struct peer *p = &peers[QP];

	connect_qp(QP, &plain);
	p->hold_acks = true;
	submit(QP, 3, &(struct cmd){ .flags = IN, .len = 512, .addr = BUF });
	send_c2h(3, 0, 512, LAST | SUCCESS);
	ck_assert_uint_eq(completions(QP, 3), 0);
	peer_ack(p);
	ck_assert_uint_eq(completion(QP, 3)->flags, WEFT_CQF_SYNTH);
}
END_TEST

/* A wrong data digest is the command's trouble alone. */
START_TEST(test_read_bad_digest)
{
	const struct conn_opts o = { .digests = DGST_D | (_i & 1) };
	bool success = _i & 2;
	const struct hal_cpl *c;
	uint32_t stats[4];
	struct weft_arg_conn_stats a = { .qp = QP, .page = 3 };
	struct send s;

	connect_qp(QP, &o);
	submit(QP, 3, &(struct cmd){ .flags = IN, .len = 8192, .addr = BUF });
	s = c2h(&peers[QP], 3, 0, wire, 4096, 0);
	s.bend_ddgst = success ? 0 : 1;
	ctrl_send(&peers[QP], &s);
	s = c2h(&peers[QP], 3, 4096, wire + 4096, 4096, LAST | (success ? SUCCESS : 0));
	s.bend_ddgst = success ? 0x80000000 : 0;
	ctrl_send(&peers[QP], &s);
	if (!success)
		send_resp(QP, 3);
	c = completion(QP, 3);
	ck_assert_uint_eq(c->status, 0);
	ck_assert_uint_eq(c->flags, WEFT_CQF_DDGST_ERR | (success ? WEFT_CQF_SYNTH : 0));
	ck_assert_uint_eq(c->data_len, 8192);
	ck_assert_uint_eq(admin(WEFT_OP_CONN_STATS, &a, sizeof(a), stats), 0);
	ck_assert_uint_eq(stats[2], success); /* firmware hears of it only at an event */
	submit(QP, 3, &(struct cmd){ .flags = IN, .len = 512, .addr = BUF });
	send_c2h(3, 0, 512, LAST);
	send_resp(QP, 3);
	expect_ok(QP, 3, 512);
}
END_TEST

/* The host named memory that is not there: DMA_ERR, and the connection goes on. */
START_TEST(test_read_bad_memory)
{
	const struct hal_cpl *c;

	connect_qp(QP, &plain);
	submit(QP, 3, &(struct cmd){ .flags = IN, .len = 4096, .addr = FAKE_HOST_SIZE - 2000 });
	send_c2h(3, 0, 4096, LAST);
	send_resp(QP, 3);
	c = completion(QP, 3);
	ck_assert_uint_eq(c->status, 0);
	ck_assert_uint_eq(c->flags, WEFT_CQF_DMA_ERR);
	submit(QP, 3, &(struct cmd){ 0 });
	send_resp(QP, 3);
	expect_ok(QP, 3, 0);
}
END_TEST

void tests_read(Suite *s)
{
	TCase *t = tcase_create("read");

	tcase_add_checked_fixture(t, fw_start, fw_teardown);
	tcase_set_timeout(t, 20);
	tcase_add_loop_test(t, test_read, 0, 8);
	tcase_add_loop_test(t, test_read_odd_pdo, 0, 4);
	tcase_add_loop_test(t, test_read_empty_pdu, 0, 4);
	tcase_add_test(t, test_read_interleaved);
	tcase_add_loop_test(t, test_read_short, 0, 3);
	tcase_add_loop_test(t, test_read_success, 0, 4);
	tcase_add_loop_test(t, test_read_success_waits, 0, 2);
	tcase_add_test(t, test_read_success_unacked);
	tcase_add_loop_test(t, test_read_bad_digest, 0, 4);
	tcase_add_test(t, test_read_bad_memory);
	suite_add_tcase(s, t);
}
