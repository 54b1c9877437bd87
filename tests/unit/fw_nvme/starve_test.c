/* SPDX-License-Identifier: BSD-2-Clause */
/* Too little of everything: PDU records and R2T entries shared by many connections. Nobody fails, nobody waits for ever. */
#include "nvme_helper.h"

#include <errno.h>
#include <stdlib.h>

#define OUT WEFT_SQF_DATA_OUT
#define CONNS 12
#define LEN (4096u * 80)

static void open_all(const struct conn_opts *o, uint8_t sq_log2)
{
	for (uint16_t q = 1; q <= CONNS; q++) {
		create_qp(q, sq_log2);
		connect_qp(q, o);
		peers[q].hold_acks = true;
	}
}

static void write_r2t(uint16_t q, uint16_t cid, uint32_t off, uint32_t len)
{
	struct send s = r2t(&peers[q], cid, cid, off, len);

	ctrl_send(&peers[q], &s);
}

static void expect_written(uint16_t q, uint16_t cid, uint32_t len)
{
	for (uint32_t off = 0; off < len; off += 4096)
		expect_h2c(&peers[q], cid, cid, off, 4096, off + 4096 == len,
			   fake_host + BUF + off);
}

/* More data PDUs are wanted than there are records; acknowledgements come from one connection at a time, in an unfair order. */
START_TEST(test_records)
{
	const struct conn_opts o = { .maxh2cdata = 4096, .digests = (uint8_t)_i };
	uint32_t first = nt_pdus_free();

	open_all(&o, SQ_LOG2);
	for (uint16_t q = 1; q <= CONNS; q++) {
		submit(q, 1, &(struct cmd){ .flags = OUT, .len = LEN, .addr = BUF });
		write_r2t(q, 1, 0, LEN);
	}
	ck_assert_uint_lt(nt_pdus_free(), first / 8); /* some are kept back */
	ck_assert_uint_eq(nt_conns[1].pdus_out, NT_PDUS_PER_CONN);
	ck_assert_uint_eq(nt_conns[CONNS].pdus_out, 0);
	/* only connection 1 is acknowledged; what it gives back goes to the others in turn */
	for (int i = 0; i < 6; i++)
		peer_ack(&peers[1]);
	for (uint16_t q = 8; q <= CONNS; q++)
		ck_assert_msg(nt_conns[q].pdus_out, "connection %u still has nothing", q);
	for (uint16_t q = 1; q <= CONNS; q++)
		peers[q].hold_acks = false;
	for (uint16_t q = CONNS; q >= 1; q--)
		peer_ack(&peers[q]);
	run_ms(100);
	for (uint16_t q = 1; q <= CONNS; q++) {
		expect_pdu(&peers[q], PDU_CAPSULE_CMD);
		expect_written(q, 1, LEN);
		send_resp(q, 1);
		expect_ok(q, 1, LEN);
	}
	ck_assert_uint_eq(nt_pdus_free(), first);
}
END_TEST

/* Data takes all records it may have: a new connection opens all the same, and a fault is still told. */
START_TEST(test_records_for_control)
{
	const struct conn_opts o = { .maxh2cdata = 4096 };
	uint8_t junk[24] = { 0x0c, 0, 24, 0, 24 };

	open_all(&o, SQ_LOG2);
	for (uint16_t q = 1; q <= CONNS; q++) {
		submit(q, 1, &(struct cmd){ .flags = OUT, .len = LEN, .addr = BUF });
		write_r2t(q, 1, 0, LEN);
	}
	connect_qp(CONNS + 1, &o);
	peer_send(&peers[CONNS + 1], junk, sizeof(junk));
	expect_term(&peers[CONNS + 1], 1, 0, junk, 24);
	run_ms(20);
	ck_assert_uint_eq(last_event(CONNS + 1)->dw[1], EPROTO);
}
END_TEST

/* The connection that holds the records dies: those that waited go on. */
START_TEST(test_records_of_the_dead)
{
	const struct conn_opts o = { .maxh2cdata = 4096 };

	open_all(&o, SQ_LOG2);
	for (uint16_t q = 1; q <= CONNS; q++) {
		submit(q, 1, &(struct cmd){ .flags = OUT, .len = LEN, .addr = BUF });
		write_r2t(q, 1, 0, LEN);
	}
	ck_assert_uint_eq(nt_conns[CONNS].pdus_out, 0);
	for (uint16_t q = 1; q < CONNS; q++) {
		disconnect_start(q, true);
		ck_assert_uint_eq(completion(q, 1)->status, ECANCELED);
	}
	ck_assert_uint_eq(nt_conns[CONNS].pdus_out, NT_PDUS_PER_CONN);
	peers[CONNS].hold_acks = false;
	peer_ack(&peers[CONNS]);
	expect_pdu(&peers[CONNS], PDU_CAPSULE_CMD);
	expect_written(CONNS, 1, LEN);
	send_resp(CONNS, 1);
	expect_ok(CONNS, 1, LEN);
}
END_TEST

/* --- R2Ts --------------------------------------------------------------------------------------------------------------------- */

#define R2TS NT_R2TS
#define CMDS ENTRIES

/* Every command with as many R2Ts as it may have, few of which can be served before acknowledgements come. */
static void fill_r2ts(uint16_t q)
{
	for (uint16_t cid = 0; cid < CMDS; cid++) {
		submit(q, cid, &(struct cmd){ .flags = OUT, .len = R2TS * 8192, .addr = BUF });
		expect_pdu(&peers[q], PDU_CAPSULE_CMD);
	}
	for (uint16_t cid = 0; cid < CMDS; cid++)
		for (uint32_t i = 0; i < R2TS; i++)
			write_r2t(q, cid, i * 8192, 8192);
}

/* They take turns: one request of each. The first got all it had, before the others had asked. */
static void finish(uint16_t q)
{
	struct peer *p = &peers[q];
	uint32_t at[CMDS] = { 0 };
	struct pdu d;

	p->hold_acks = false;
	peer_ack(p);
	run_ms(50);
	for (uint32_t i = 0; i < CMDS * R2TS * 2; i++) {
		uint32_t cid;

		d = expect_pdu(p, PDU_H2C_DATA);
		cid = d.b[8];
		ck_assert_uint_lt(cid, CMDS);
		ck_assert_uint_eq(get32(d.b + 8), cid | cid << 16);
		ck_assert_uint_eq(get32(d.b + 12), at[cid]);
		ck_assert_uint_eq(d.len, 4096);
		ck_assert_int_eq(!!(d.flags & PDU_F_LAST), at[cid] / 4096 & 1);
		ck_assert_mem_eq(d.data, fake_host + BUF + at[cid], 4096);
		at[cid] += 4096;
	}
	for (uint16_t cid = 0; cid < CMDS; cid++) {
		send_resp(q, cid);
		expect_ok(q, cid, R2TS * 8192);
	}
}

/* All that may be asked for at once is asked for, on every connection: more requests than there are records. */
START_TEST(test_r2ts)
{
	const struct conn_opts o = { .maxr2t = R2TS - 1, .maxh2cdata = 4096 };

	open_all(&o, SQ_LOG2);
	for (uint16_t q = 1; q <= CONNS; q++)
		fill_r2ts(q);
	for (uint16_t q = 1; q <= CONNS; q++)
		ck_assert_int_eq(nt_conns[q].state, NT_READY);
	if (_i == 0) { /* the last first */
		for (uint16_t q = CONNS; q >= 1; q--) {
			peers[q].hold_acks = false;
			peer_ack(&peers[q]);
		}
		run_ms(100);
		for (uint16_t q = 1; q <= CONNS; q++)
			finish(q);
		return;
	}
	for (uint16_t q = 1; q < CONNS; q++) /* or they go, one way or the other */
		disconnect_start(q, q & 1);
	run_ms(NT_CLOSE_MS + 1000);
	for (uint16_t q = 1; q < CONNS; q++)
		for (uint16_t cid = 0; cid < CMDS; cid++)
			ck_assert_uint_eq(completion(q, cid)->status, ECANCELED);
	finish(CONNS);
}
END_TEST

/* --- transmit queue and packet cells ------------------------------------------------------------------------------------------ */

/* More capsules at once than the transmit queue takes. */
START_TEST(test_transmit_queue)
{
	static const struct conn_opts o;

	create_qp(QP, 7);
	connect_qp(QP, &o);
	for (uint16_t i = 0; i < 128; i++) {
		struct weft_sq_entry e = entry_of(i, &(struct cmd){ .flags = OUT | WEFT_SQF_ICD,
								    .len = 512,
								    .addr = BUF + i * 512 });

		submit_quiet(QP, i, &e);
	}
	run();
	for (uint16_t i = 0; i < 128; i++) {
		struct pdu d = expect_pdu(&peers[QP], PDU_CAPSULE_CMD);

		ck_assert_uint_eq(d.b[10], i);
		ck_assert_mem_eq(d.data, fake_host + BUF + i * 512, 512);
		send_resp(QP, i);
		expect_ok(QP, i, 512);
	}
}
END_TEST

void tests_starve(Suite *s)
{
	TCase *t = tcase_create("starve");

	tcase_add_checked_fixture(t, fw_start, fw_teardown);
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, test_records, 0, 2);
	tcase_add_test(t, test_records_for_control);
	tcase_add_test(t, test_records_of_the_dead);
	tcase_add_loop_test(t, test_r2ts, 0, 2);
	tcase_add_test(t, test_transmit_queue);
	suite_add_tcase(s, t);
}
