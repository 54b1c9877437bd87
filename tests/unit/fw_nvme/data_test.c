/* SPDX-License-Identifier: BSD-2-Clause */
/* Write data on request: R2T and H2CData. */
#include "nvme_helper.h"

#include <errno.h>
#include <string.h>

#define OUT WEFT_SQF_DATA_OUT

static void write_cmd(uint16_t qp, uint16_t cid, uint32_t len)
{
	submit(qp, cid, &(struct cmd){ .flags = OUT, .len = len, .addr = BUF });
	expect_pdu(&peers[qp], PDU_CAPSULE_CMD);
	expect_no_pdu(&peers[qp]);
}

static void send_r2t(uint16_t qp, uint16_t cid, uint16_t ttag, uint32_t off, uint32_t len)
{
	struct send s = r2t(&peers[qp], cid, ttag, off, len);

	ctrl_send(&peers[qp], &s);
}

/* One R2T for all of it, cut at MAXH2CDATA. Number: digests, and CPDA 15 from 4 on. */
START_TEST(test_write)
{
	const struct conn_opts o = { .digests = _i & 3,
				     .cpda = _i & 4 ? 15 : 0,
				     .maxh2cdata = 8192 };
	const uint32_t len = 100000;
	struct peer *p = &peers[QP];

	connect_qp(QP, &o);
	write_cmd(QP, 2, len);
	send_r2t(QP, 2, 0xabcd, 0, len);
	for (uint32_t off = 0; off < len; off += 8192) {
		uint32_t n = len - off < 8192 ? len - off : 8192;

		expect_h2c(p, 2, 0xabcd, off, n, off + n == len, fake_host + BUF + off);
	}
	expect_no_pdu(p);
	ck_assert_uint_eq(completions(QP, 2), 0);
	send_resp(QP, 2);
	expect_ok(QP, 2, len);
}
END_TEST

/* The controller asks in parts, LAST ends each. */
START_TEST(test_write_in_parts)
{
	const struct conn_opts o = { .digests = 3 };
	static const uint32_t cuts[] = { 0, 4, 4096, 5000, 65536 };
	struct peer *p = &peers[QP];

	connect_qp(QP, &o);
	write_cmd(QP, 2, 65536);
	for (uint16_t i = 0; i + 1 < 5; i++) {
		send_r2t(QP, 2, i, cuts[i], cuts[i + 1] - cuts[i]);
		expect_h2c(p, 2, i, cuts[i], cuts[i + 1] - cuts[i], true,
			   fake_host + BUF + cuts[i]);
	}
	send_resp(QP, 2);
	expect_ok(QP, 2, 65536);
}
END_TEST

/* As many R2Ts at once as were allowed, before any byte of data could leave. */
START_TEST(test_several_outstanding)
{
	const struct conn_opts o = { .maxr2t = (uint8_t)_i, .maxh2cdata = 4096 };
	uint32_t n = (uint32_t)_i < NT_R2TS ? (uint32_t)_i + 1 : NT_R2TS, part = 20000;
	struct peer *p = &peers[QP];

	connect_qp(QP, &o);
	write_cmd(QP, 2, n * part);
	p->hold_acks = true;
	for (uint16_t i = 0; i < n; i++) {
		struct send s = r2t(p, 2, i * 1000, i * part, part);

		ctrl_send_quiet(p, &s);
	}
	run();
	p->hold_acks = false;
	peer_ack(p);
	for (uint16_t i = 0; i < n; i++)
		for (uint32_t off = 0; off < part; off += 4096) {
			uint32_t len = part - off < 4096 ? part - off : 4096;

			expect_h2c(p, 2, i * 1000, i * part + off, len, off + len == part,
				   fake_host + BUF + i * part + off);
		}
	expect_no_pdu(p);
	send_resp(QP, 2);
	expect_ok(QP, 2, n * part);
}
END_TEST

/* A controller may take any length in one PDU; we cut all the same. */
START_TEST(test_long_write)
{
	const struct conn_opts o = { .maxh2cdata = 0xfffffffc };
	const uint32_t len = NT_DATA_MAX * 2 + 12;
	struct peer *p = &peers[QP];

	connect_qp(QP, &o);
	write_cmd(QP, 1, len);
	send_r2t(QP, 1, 9, 0, len);
	expect_h2c(p, 1, 9, 0, NT_DATA_MAX, false, fake_host + BUF);
	expect_h2c(p, 1, 9, NT_DATA_MAX, NT_DATA_MAX, false, fake_host + BUF + NT_DATA_MAX);
	expect_h2c(p, 1, 9, NT_DATA_MAX * 2, 12, true, fake_host + BUF + NT_DATA_MAX * 2);
	send_resp(QP, 1);
	expect_ok(QP, 1, len);
}
END_TEST

/* Longest data in a capsule. */
START_TEST(test_longest_capsule)
{
	static const struct conn_opts o;
	struct pdu d;

	connect_qp(QP, &o);
	submit(QP, 1,
	       &(struct cmd){ .flags = OUT | WEFT_SQF_ICD, .len = NT_DATA_MAX, .addr = BUF });
	d = expect_pdu(&peers[QP], PDU_CAPSULE_CMD);
	ck_assert_uint_eq(d.len, NT_DATA_MAX);
	ck_assert_mem_eq(d.data, fake_host + BUF, NT_DATA_MAX);
	send_resp(QP, 1);
	expect_ok(QP, 1, NT_DATA_MAX);
}
END_TEST

/* Commands take turns, one request each; a command's own requests stay in order. */
START_TEST(test_order)
{
	const struct conn_opts o = { .maxr2t = 3, .maxh2cdata = 4096 };
	static const uint16_t order[] = { 3, 1, 1, 1, 3, 2 };
	static const uint16_t served[] = { 3, 1, 2, 3, 1, 1 }, ttags[] = { 0, 1, 5, 4, 2, 3 };
	uint32_t at[4] = { 0 };
	struct peer *p = &peers[QP];

	connect_qp(QP, &o);
	for (uint16_t i = 1; i < 4; i++)
		write_cmd(QP, i, 24576);
	nt_conns[QP].pdus_out += NT_PDUS_PER_CONN; /* no room for now */
	for (uint16_t i = 0; i < 6; i++) {
		struct send s = r2t(p, order[i], i, at[order[i]], 8192);

		ctrl_send_quiet(p, &s);
		at[order[i]] += 8192;
	}
	run();
	nt_conns[QP].pdus_out -= NT_PDUS_PER_CONN;
	nt_r2t_pump(QP);
	run();
	memset(at, 0, sizeof(at));
	for (uint16_t i = 0; i < 6; i++)
		for (int k = 0; k < 2; k++) {
			expect_h2c(p, served[i], ttags[i], at[served[i]], 4096, k,
				   fake_host + BUF + at[served[i]]);
			at[served[i]] += 4096;
		}
	for (uint16_t i = 1; i < 4; i++) {
		send_resp(QP, i);
		expect_ok(QP, i, (uint32_t[]){ 0, 24576, 8192, 16384 }[i]);
	}
}
END_TEST

/* The response may be here while data is unacknowledged: the buffer is still the engines'. */
START_TEST(test_response_before_ack)
{
	static const struct conn_opts o = { .maxh2cdata = 4096 };
	struct peer *p = &peers[QP];

	connect_qp(QP, &o);
	write_cmd(QP, 2, 12288);
	run_ms(2);
	p->hold_acks = true;
	send_r2t(QP, 2, 1, 0, 12288);
	send_resp(QP, 2);
	ck_assert_uint_eq(completions(QP, 2), 0);
	peer_ack_to(p, p->rx_len - 1);
	ck_assert_uint_eq(completions(QP, 2), 0);
	peer_ack(p);
	expect_ok(QP, 2, 12288);
}
END_TEST

/* The controller completes with its own requests open: the data leaves all the same, and only then the host hears. */
START_TEST(test_response_before_data)
{
	static const struct conn_opts o = { .maxh2cdata = 4096 };
	const uint32_t len = 4096 * (NT_PDUS_PER_CONN + 10);
	struct peer *p = &peers[QP];

	connect_qp(QP, &o);
	write_cmd(QP, 2, len);
	p->hold_acks = true;
	send_r2t(QP, 2, 1, 0, len);
	ck_assert_uint_eq(nt_conns[QP].pdus_out, NT_PDUS_PER_CONN);
	ck_assert_uint_eq(nt_cmds[slot_of(QP, 2)].r2ts, 1);
	send_resp(QP, 2);
	ck_assert_uint_eq(completions(QP, 2), 0);
	p->hold_acks = false;
	peer_ack(p);
	for (uint32_t off = 0; off < len; off += 4096)
		expect_h2c(p, 2, 1, off, 4096, off + 4096 == len, fake_host + BUF + off);
	expect_ok(QP, 2, len);
}
END_TEST

/* The same with no record to be had: nothing refers to the buffer at the moment, and yet it is wanted. */
START_TEST(test_response_before_records)
{
	static const struct conn_opts o;
	struct peer *p = &peers[QP];
	uint32_t n;

	connect_qp(QP, &o);
	write_cmd(QP, 2, 8192);
	n = take_all_records();
	send_r2t(QP, 2, 1, 0, 8192);
	send_resp(QP, 2);
	ck_assert_uint_eq(nt_cmds[slot_of(QP, 2)].refs, 0);
	ck_assert_uint_eq(completions(QP, 2), 0);
	give_back_records(n);
	nt_r2t_pump(QP);
	run();
	expect_h2c(p, 2, 1, 0, 8192, true, fake_host + BUF);
	expect_ok(QP, 2, 8192);
}
END_TEST

/* It may also be content with less than all, or nothing. */
START_TEST(test_response_without_all)
{
	static const struct conn_opts o;

	connect_qp(QP, &o);
	write_cmd(QP, 2, 8192);
	if (_i) {
		send_r2t(QP, 2, 1, 0, 4096);
		expect_h2c(&peers[QP], 2, 1, 0, 4096, true, fake_host + BUF);
	}
	send_resp(QP, 2);
	expect_ok(QP, 2, _i ? 4096 : 0);
}
END_TEST

/* A loss in the middle of a PDU: the same bytes and digests again, from host memory. */
START_TEST(test_retransmission)
{
	static const struct conn_opts o = { .digests = 3, .maxh2cdata = 4096 };
	struct peer *p = &peers[QP];

	connect_qp(QP, &o);
	write_cmd(QP, 2, 8192);
	p->rcv_nxt -= 1; /* nothing fits: all of it is lost */
	send_r2t(QP, 2, 1, 0, 8192);
	expect_no_pdu(p);
	p->rcv_nxt += 1;
	run_ms(5000);
	ck_assert_uint_gt(fake_cnt.retx_ops, 0);
	expect_h2c(p, 2, 1, 0, 4096, false, fake_host + BUF);
	expect_h2c(p, 2, 1, 4096, 4096, true, fake_host + BUF + 4096);
	send_resp(QP, 2);
	expect_ok(QP, 2, 8192);
}
END_TEST

/* --- the connection goes with commands under way ------------------------------------------------------------------------- */

enum death { BY_RST, BY_FIN, BY_TERM, BY_ABORT, BY_DISCONNECT, BY_FAULT, BY_SILENCE, DEATHS };
static const uint16_t death_err[DEATHS] = { ECONNRESET, ECONNRESET, ECONNRESET, ECANCELED,
					    ECANCELED,  EPROTO,     ETIMEDOUT };

static void die(enum death how)
{
	struct peer *p = &peers[QP];
	struct send s = term(1, 8);
	uint8_t junk[24] = { 0x0c, 0, 24, 0, 24 };

	switch (how) {
	case BY_RST:
		p->acked = p->rcv_nxt;
		peer_rst(p);
		break;
	case BY_FIN:
		peer_fin(p);
		break;
	case BY_TERM:
		ctrl_send(p, &s);
		break;
	case BY_ABORT:
	case BY_DISCONNECT:
		disconnect_start(QP, how == BY_ABORT);
		break;
	case BY_FAULT:
		peer_send(p, junk, sizeof(junk));
		break;
	default: /* nothing is acknowledged, for as long as TCP tries */
		run_ms(1000000);
		break;
	}
	run_ms(6000);
}

/*
 * One command of each kind of progress; each completes exactly once (the helper looks), with the errno, and when the engines are
 * quiet (the helper looks). One was answered in time: its answer stands.
 */
static void death_in_mid_transfer(enum death how, bool hold)
{
	uint16_t err = how == BY_FIN && hold ? ETIMEDOUT :
					       death_err[how]; /* our own FIN never gets through */
	static const struct conn_opts o = { .maxr2t = 1, .maxh2cdata = 4096 };
	struct peer *p = &peers[QP];
	struct send s;

	connect_qp(QP, &o);
	p->hold_acks = hold;
	submit(QP, 0, &(struct cmd){ 0 });
	submit(QP, 1, &(struct cmd){ .flags = WEFT_SQF_DATA_IN, .len = 8192, .addr = BUF });
	submit(QP, 2, &(struct cmd){ .flags = WEFT_SQF_DATA_IN, .len = 8192, .addr = BUF });
	submit(QP, 3, &(struct cmd){ .flags = OUT, .len = 4096 * 100, .addr = BUF });
	submit(QP, 4, &(struct cmd){ .flags = OUT, .len = 8192, .addr = BUF });
	submit(QP, 5, &(struct cmd){ .flags = OUT | WEFT_SQF_ICD, .len = 8192, .addr = BUF });
	submit(QP, 6, &(struct cmd){ .flags = OUT | WEFT_SQF_ICD, .len = 8192, .addr = BUF });
	s = c2h(p, 2, 0, wire, 4096, 0);
	ctrl_send(p, &s);
	send_r2t(QP, 3, 1, 0, 4096 * 99);
	send_r2t(QP, 3, 1, 4096 * 99, 4096);
	send_resp(QP, 5);
	if (how != BY_FAULT && how != BY_TERM) { /* in the middle of data */
		s = c2h(p, 1, 0, wire, 8192, 0);
		peer_send(p, s.hdr, 24);
		peer_send(p, wire, 5000);
	}
	die(how);
	ck_assert_int_eq(nt_conns[QP].state, NT_IDLE);
	for (uint16_t i = 0; i < 7; i++) {
		const struct hal_cpl *c = completion(QP, i);

		ck_assert_msg(c->status == (i == 5 ? 0 : err), "cid %u: %u", i, c->status);
		ck_assert_uint_eq(c->data_len, i == 5 ? 8192 : 0);
	}
	ck_assert_uint_eq(events_of(QP), how == BY_ABORT || how == BY_DISCONNECT ? 0 : 1);
	connect_qp(QP, &o);
	write_cmd(QP, 3, 4096);
	send_r2t(QP, 3, 1, 0, 4096);
	expect_h2c(&peers[QP], 3, 1, 0, 4096, true, fake_host + BUF);
	send_resp(QP, 3);
	expect_ok(QP, 3, 4096);
}

START_TEST(test_death)
{
	death_in_mid_transfer((enum death)_i, false);
}
END_TEST

START_TEST(test_death_unacked)
{
	death_in_mid_transfer((enum death)_i, true);
}
END_TEST

/* What was placed after the connection began to end: nothing. */
START_TEST(test_nothing_placed_after)
{
	static const struct conn_opts o;
	uint8_t junk[24] = { 0x0c, 0, 24, 0, 24 }, before[4096];
	struct peer *p = &peers[QP];
	struct send s;

	connect_qp(QP, &o);
	submit(QP, 1, &(struct cmd){ .flags = WEFT_SQF_DATA_IN, .len = 4096, .addr = BUF });
	memcpy(before, fake_host + BUF, 4096);
	fin_answered = false;
	if (_i)
		disconnect_start(QP, false);
	else
		peer_send(p, junk, sizeof(junk));
	s = c2h(p, 1, 0, wire, 4096, PDU_F_LAST);
	ctrl_send(p, &s);
	ctrl_send(p, &s);
	ck_assert_uint_eq(completions(QP, 1), 0);
	peer_fin(p);
	run();
	run_ms(20);
	ck_assert_uint_eq(completion(QP, 1)->status, _i ? ECANCELED : EPROTO);
	ck_assert_mem_eq(fake_host + BUF, before, 4096);
}
END_TEST

/* Data is under way into the buffer when the host disconnects: it is taken to its end, the peer's FIN is seen. */
START_TEST(test_disconnect_in_data)
{
	static const struct conn_opts o;
	struct peer *p = &peers[QP];
	uint16_t dis;
	struct send s;

	connect_qp(QP, &o);
	submit(QP, 1, &(struct cmd){ .flags = WEFT_SQF_DATA_IN, .len = 4096, .addr = BUF });
	s = c2h(p, 1, 0, wire, 4096, PDU_F_LAST);
	peer_send(p, s.hdr, 24);
	peer_send(p, wire, 1000);
	fin_answered = false;
	dis = disconnect_start(QP, false);
	peer_send(p, wire + 1000, 3096);
	s = resp(p, 1, 0, 0);
	ctrl_send(p, &s);
	ck_assert_uint_eq(completions(QP, 1), 0);
	peer_fin(p);
	run();
	run_ms(20);
	ck_assert_uint_eq(completion(QP, 1)->status, ECANCELED);
	ck_assert_uint_eq(completion(0, dis)->status, 0);
}
END_TEST

void tests_data(Suite *s)
{
	TCase *t = tcase_create("data");

	tcase_add_checked_fixture(t, fw_start, fw_teardown);
	tcase_set_timeout(t, 30);
	tcase_add_loop_test(t, test_write, 0, 8);
	tcase_add_test(t, test_write_in_parts);
	tcase_add_loop_test(t, test_several_outstanding, 0, 16);
	tcase_add_test(t, test_long_write);
	tcase_add_test(t, test_longest_capsule);
	tcase_add_test(t, test_order);
	tcase_add_test(t, test_response_before_ack);
	tcase_add_test(t, test_response_before_data);
	tcase_add_test(t, test_response_before_records);
	tcase_add_loop_test(t, test_response_without_all, 0, 2);
	tcase_add_test(t, test_retransmission);
	tcase_add_loop_test(t, test_death, 0, DEATHS - 1);
	tcase_add_loop_test(t, test_death_unacked, 0, DEATHS);
	tcase_add_loop_test(t, test_nothing_placed_after, 0, 2);
	tcase_add_test(t, test_disconnect_in_data);
	suite_add_tcase(s, t);
}
