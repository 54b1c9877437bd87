/* SPDX-License-Identifier: BSD-2-Clause */
/* Commands: what is refused, what a capsule looks like, and when a completion comes. */
#include "nvme_helper.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define IN WEFT_SQF_DATA_IN
#define OUT WEFT_SQF_DATA_OUT
#define ICD WEFT_SQF_ICD
#define CHAIN WEFT_SQF_SGL_CHAIN
#define LAST PDU_F_LAST

static const struct conn_opts plain;

static void expect_err(uint16_t cid, uint16_t err)
{
	const struct hal_cpl *c = completion(QP, cid);

	ck_assert_msg(c->status == err, "status %u, but %u is expected", c->status, err);
	ck_assert_uint_eq(c->type, WEFT_CQT_COMMAND);
	ck_assert_uint_eq(c->flags, 0);
	ck_assert_uint_eq(c->data_len, 0);
	ck_assert_uint_eq(c->dw[0] | c->dw[1] | c->dw[2] | c->dw[3], 0);
}

/* --- entries that are refused ------------------------------------------------------------------------------------------------ */

static const struct bad_entry {
	const char *what;
	uint8_t opcode, flags;
	uint32_t len;
	uint16_t count, err;
	uint32_t sgl[3];
} bad_entries[] = {
	{ "opcode 0", 0, 0, 0, 0, EOPNOTSUPP, { 0 } },
	{ "admin opcode", WEFT_OP_CONNECT, 0, 0, 0, EOPNOTSUPP, { 0 } },
	{ "opcode above", WEFT_OP_CAPSULE + 1, 0, 0, 0, EOPNOTSUPP, { 0 } },
	{ "in and out", WEFT_OP_CAPSULE, IN | OUT, 512, 1, EINVAL, { 512 } },
	{ "in capsule, in", WEFT_OP_CAPSULE, IN | ICD, 512, 1, EINVAL, { 512 } },
	{ "in capsule, no direction", WEFT_OP_CAPSULE, ICD, 512, 1, EINVAL, { 512 } },
	{ "unknown flag", WEFT_OP_CAPSULE, 0x10, 0, 0, EINVAL, { 0 } },
	{ "unknown flag with data", WEFT_OP_CAPSULE, 0x80 | IN, 512, 1, EINVAL, { 512 } },
	{ "length, no direction", WEFT_OP_CAPSULE, 0, 512, 1, EINVAL, { 512 } },
	{ "direction, no length", WEFT_OP_CAPSULE, IN, 0, 1, EINVAL, { 512 } },
	{ "out, no length", WEFT_OP_CAPSULE, OUT | ICD, 0, 1, EINVAL, { 512 } },
	{ "too long", WEFT_OP_CAPSULE, IN | CHAIN, WEFT_DATA_MAX + 1, 1, EINVAL, { 0 } },
	{ "much too long", WEFT_OP_CAPSULE, IN | CHAIN, UINT32_MAX, 1, EINVAL, { 0 } },
	{ "in capsule, too long",
	  WEFT_OP_CAPSULE,
	  OUT | ICD | CHAIN,
	  NT_DATA_MAX + 1,
	  1,
	  EINVAL,
	  { 0 } },
	{ "no element", WEFT_OP_CAPSULE, IN, 512, 0, EINVAL, { 512 } },
	{ "four inline", WEFT_OP_CAPSULE, IN, 512, 4, EINVAL, { 512 } },
	{ "one byte short", WEFT_OP_CAPSULE, IN, 512, 1, EINVAL, { 511 } },
	{ "three, one short", WEFT_OP_CAPSULE, OUT, 512, 3, EINVAL, { 500, 0, 11 } },
	{ "covers only with the third", WEFT_OP_CAPSULE, OUT, 512, 2, EINVAL, { 256, 255, 1 } },
	{ "chain of none", WEFT_OP_CAPSULE, IN | CHAIN, 512, 0, EINVAL, { 512 } },
	{ "chain too long", WEFT_OP_CAPSULE, IN | CHAIN, 512, WEFT_SGL_MAX + 1, EINVAL, { 512 } },
	{ "chain of 65535", WEFT_OP_CAPSULE, IN | CHAIN, 512, 0xffff, EINVAL, { 512 } },
};

START_TEST(test_refused)
{
	const struct bad_entry *b = &bad_entries[_i];
	struct weft_sq_entry e = entry_of(5, &(struct cmd){ 0 });

	connect_qp(QP, &plain);
	e.opcode = b->opcode;
	e.flags = b->flags;
	e.data_len = b->len;
	e.sgl_count = b->count;
	for (uint32_t i = 0; i < 3; i++)
		e.sgl[i] = (struct weft_sgl_elem){ .addr = BUF + i * 4096, .len = b->sgl[i] };
	expect_no_pdu(&peers[QP]);
	submit_entry(QP, 5, &e);
	expect_err(5, b->err);
	expect_no_pdu(&peers[QP]);
	submit(QP, 5, &(struct cmd){ 0 }); /* and the slot is as good as new */
	expect_pdu(&peers[QP], PDU_CAPSULE_CMD);
	send_resp(QP, 5);
	expect_ok(QP, 5, 0);
}
END_TEST

START_TEST(test_wrong_cid_in_sqe)
{
	struct weft_sq_entry e = entry_of(5, &(struct cmd){ 0 });

	connect_qp(QP, &plain);
	e.sqe[2 + _i] ^= 1;
	submit_entry(QP, 5, &e);
	expect_err(5, EINVAL);
	expect_no_pdu(&peers[QP]);
}
END_TEST

/* Entries that look odd and are right. */
START_TEST(test_accepted)
{
	static const struct bad_entry rows[] = {
		{ "elements of no bytes", 0, IN, 512, 3, 0, { 0, 0, 512 } },
		{ "more room than data", 0, IN, 512, 1, 0, { UINT32_MAX } },
		{ "sum above 32 bits", 0, IN, 512, 2, 0, { 511, UINT32_MAX } },
		{ "longest", 0, IN, WEFT_DATA_MAX, 1, 0, { WEFT_DATA_MAX } },
		{ "no data, elements named", 0, CHAIN, 0, 0xffff, 0, { 0 } },
	};
	struct weft_sq_entry e = entry_of(5, &(struct cmd){ 0 });

	connect_qp(QP, &plain);
	e.flags = rows[_i].flags;
	e.data_len = rows[_i].len;
	e.sgl_count = rows[_i].count;
	for (uint32_t i = 0; i < 3; i++)
		e.sgl[i] = (struct weft_sgl_elem){ .addr = BUF, .len = rows[_i].sgl[i] };
	submit_entry(QP, 5, &e);
	expect_pdu(&peers[QP], PDU_CAPSULE_CMD);
	send_resp(QP, 5);
	expect_ok(QP, 5, 0);
}
END_TEST

START_TEST(test_not_connected)
{
	uint16_t cid;

	create_qp(QP, SQ_LOG2);
	submit(QP, 0, &(struct cmd){ 0 });
	expect_err(0, ENOTCONN);
	syn_answer = SYN_IGNORE;
	cid = connect_start(QP, &plain);
	submit(QP, 1, &(struct cmd){ 0 });
	expect_err(1, ENOTCONN);
	disconnect_start(QP, true);
	ck_assert_uint_eq(completions(0, cid), 1);
	syn_answer = SYN_ACCEPT;
	connect_start(QP, &plain);
	submit(QP, 2, &(struct cmd){ 0 }); /* ICReq is out: nothing else may follow yet */
	expect_err(2, ENOTCONN);
	disconnect_start(QP, true);
	connect_qp(QP, &plain);
	fin_answered = false;
	disconnect_start(QP, false);
	submit(QP, 3, &(struct cmd){ 0 });
	expect_err(3, ENOTCONN);
}
END_TEST

/* --- the ring engine's refusals ------------------------------------------------------------------------------------------------ */

START_TEST(test_ring_refusal)
{
	const struct hal_event ev = {
		.type = ENG_EVT_SQE, .flags = 1, .id = (uint16_t)_i, .w1 = 7, .w2 = EBUSY
	};
	const struct hal_cpl *c;

	connect_qp(QP, &plain);
	fake_push_event(&ev);
	run();
	c = completion((uint16_t)_i, 7);
	ck_assert_uint_eq(c->status, EBUSY);
	ck_assert_uint_eq(c->slot, ENG_NO_SLOT);
	ck_assert_uint_eq(c->type, _i ? WEFT_CQT_COMMAND : WEFT_CQT_ADMIN);
}
END_TEST

/* Doorbell out of range: told, nothing more. Ring unreadable or overrun: the connection ends. */
START_TEST(test_ring_error)
{
	static const uint16_t errs[] = { EINVAL, EFAULT, EOVERFLOW };
	const struct hal_event ev = { .type = ENG_EVT_QP_ERROR, .id = QP, .w1 = errs[_i] };
	const struct hal_event none = { .type = ENG_EVT_QP_ERROR, .id = QP + 1, .w1 = EFAULT };

	connect_qp(QP, &plain);
	submit(QP, 1, &(struct cmd){ 0 });
	fake_push_event(&ev);
	fake_push_event(&none);
	run();
	ck_assert_uint_eq(events_of(QP), errs[_i] == EINVAL ? 1 : 2);
	ck_assert_uint_eq(events_of(QP + 1), 0);
	ck_assert_uint_eq(completions(QP, 1), errs[_i] == EINVAL ? 0 : 1);
	if (errs[_i] == EINVAL) {
		ck_assert_uint_eq(last_event(QP)->dw[0], WEFT_EV_QP_ERROR);
		ck_assert_uint_eq(last_event(QP)->dw[1], EINVAL);
		send_resp(QP, 1);
		expect_ok(QP, 1, 0);
	} else {
		expect_err(1, errs[_i]);
		ck_assert(peers[QP].got_rst);
		ck_assert_uint_eq(last_event(QP)->dw[0], WEFT_EV_CONN_ERROR);
		ck_assert_uint_eq(last_event(QP)->dw[1], errs[_i]);
	}
}
END_TEST

/* --- capsules ------------------------------------------------------------------------------------------------------------------ */

/* Digests and CPDA: low bits of the number. check_parts() looks at padding and digests, here it is the content. */
START_TEST(test_capsule_in)
{
	static const uint32_t lens[] = { 1, 512, 4096, 8192, 100003 };
	static const uint8_t cpdas[] = { 0, 15, 31, 2 };
	const struct conn_opts o = { .digests = _i & 3, .cpda = cpdas[_i >> 2] };
	struct weft_sq_entry e;
	struct pdu d;

	connect_qp(QP, &o);
	for (uint16_t i = 0; i < 5; i++) {
		const struct cmd c = { .flags = OUT | ICD, .len = lens[i], .addr = BUF + i * 7 };

		e = entry_of(i, &c);
		submit(QP, i, &c);
		d = expect_pdu(&peers[QP], PDU_CAPSULE_CMD);
		ck_assert_uint_eq(d.hlen, 72);
		ck_assert_mem_eq(d.b + 8, e.sqe, 64);
		ck_assert_uint_eq(d.len, lens[i]);
		ck_assert_mem_eq(d.data, fake_host + c.addr, c.len);
		expect_no_pdu(&peers[QP]);
		send_resp(QP, i);
		expect_ok(QP, i, lens[i]);
	}
}
END_TEST

START_TEST(test_capsule_without)
{
	const struct conn_opts o = { .digests = (uint8_t)_i, .cpda = 31 };

	connect_qp(QP, &o);
	for (uint16_t i = 0; i < 3; i++) {
		const struct cmd c = { .flags = (uint8_t[]){ 0, OUT, IN }[i],
				       .len = i ? 4096 : 0,
				       .addr = BUF };
		struct weft_sq_entry e = entry_of(i, &c);
		struct pdu d;

		submit(QP, i, &c);
		d = expect_pdu(&peers[QP], PDU_CAPSULE_CMD);
		ck_assert_uint_eq(d.pdo, 0);
		ck_assert_uint_eq(d.plen, 72u + (_i & 1 ? 4 : 0));
		ck_assert_mem_eq(d.b + 8, e.sqe, 64);
		send_resp(QP, i);
		expect_ok(QP, i, 0);
	}
}
END_TEST

/* A chain of elements in host memory, one byte each for a part. */
START_TEST(test_chain)
{
	struct weft_sq_entry e =
		entry_of(1, &(struct cmd){ .flags = OUT | ICD | CHAIN, .len = 1000 });
	struct weft_sgl_elem el[300];
	uint8_t want[1000];
	struct pdu d;

	connect_qp(QP, &plain);
	for (uint32_t i = 0; i < 300; i++) {
		el[i] = (struct weft_sgl_elem){ .addr = BUF + i * 3, .len = i < 299 ? 1 : 701 };
		memcpy(want + i, fake_host + el[i].addr, el[i].len);
	}
	memcpy(fake_host + 0x300000, el, sizeof(el));
	e.sgl[0].addr = 0x300000;
	e.sgl_count = 300;
	submit_entry(QP, 1, &e);
	d = expect_pdu(&peers[QP], PDU_CAPSULE_CMD);
	ck_assert_uint_eq(d.len, 1000);
	ck_assert_mem_eq(d.data, want, 1000);
	send_resp(QP, 1);
	expect_ok(QP, 1, 1000);
}
END_TEST

/* Host memory fails while sending: the stream is cut, so the connection ends. */
START_TEST(test_host_memory_fails)
{
	connect_qp(QP, &plain);
	submit(QP, 0, &(struct cmd){ 0 });
	submit(QP, 1,
	       &(struct cmd){ .flags = OUT | ICD, .len = 4096, .addr = FAKE_HOST_SIZE - 100 });
	expect_err(0, EFAULT);
	expect_err(1, EFAULT);
	ck_assert_uint_eq(last_event(QP)->dw[1], EFAULT);
	ck_assert(peers[QP].got_rst);
}
END_TEST

/* --- when a completion comes --------------------------------------------------------------------------------------------------- */

/* The buffer is the engines' until its bytes are acknowledged: the response alone is not enough. */
START_TEST(test_response_before_ack)
{
	struct peer *p = &peers[QP];

	connect_qp(QP, &plain);
	p->hold_acks = true;
	submit(QP, 1, &(struct cmd){ .flags = OUT | ICD, .len = 8192, .addr = BUF });
	expect_pdu(p, PDU_CAPSULE_CMD);
	send_resp(QP, 1);
	ck_assert_uint_eq(completions(QP, 1), 0);
	peer_ack_to(p, p->rx_len - 1);
	ck_assert_uint_eq(completions(QP, 1), 0);
	run_ms(50);
	ck_assert_uint_eq(completions(QP, 1), 0);
	peer_ack(p);
	expect_ok(QP, 1, 8192);
}
END_TEST

/* The same, and the peer never got the end: it is repeated from the host's memory, then acknowledged. */
START_TEST(test_response_before_retransmission)
{
	struct peer *p = &peers[QP];

	connect_qp(QP, &plain);
	p->hold_acks = true;
	submit(QP, 1, &(struct cmd){ .flags = OUT | ICD, .len = 4096, .addr = BUF });
	send_resp(QP, 1);
	run_ms(1500);
	ck_assert_uint_gt(fake_cnt.retx_ops, 0);
	ck_assert_uint_eq(completions(QP, 1), 0);
	p->hold_acks = false;
	peer_ack(p);
	expect_ok(QP, 1, 4096);
}
END_TEST

/* Acknowledged first, by itself. */
START_TEST(test_ack_before_response)
{
	connect_qp(QP, &plain);
	submit(QP, 1, &(struct cmd){ .flags = OUT | ICD, .len = 4096, .addr = BUF });
	run_ms(50);
	ck_assert_uint_eq(nt_cmds[slot_of(QP, 1)].refs, 0);
	ck_assert_uint_eq(completions(QP, 1), 0);
	send_resp(QP, 1);
	expect_ok(QP, 1, 4096);
}
END_TEST

/* One segment with acknowledgement and response, unreported so far: no waiting for EVT_ACK. */
START_TEST(test_ack_with_response)
{
	struct peer *p = &peers[QP];

	connect_qp(QP, &plain);
	p->hold_acks = true;
	submit(QP, 1, &(struct cmd){ 0 });
	p->acked = p->rcv_nxt;
	p->hold_acks = false;
	send_resp(QP, 1);
	expect_ok(QP, 1, 0);
}
END_TEST

/* All entries of the ring at once, answered in another order, several times over. */
START_TEST(test_many)
{
	const struct conn_opts o = { .digests = 3 };

	connect_qp(QP, &o);
	for (uint32_t round = 0; round < 5; round++) {
		for (uint16_t i = 0; i < ENTRIES; i++)
			submit(QP, i,
			       &(struct cmd){ .flags = IN, .len = 4096, .addr = BUF + i * 4096 });
		for (uint16_t i = 0; i < ENTRIES; i++)
			ck_assert_uint_eq(expect_pdu(&peers[QP], PDU_CAPSULE_CMD).b[10], i);
		for (uint16_t i = 0; i < ENTRIES; i++) {
			uint16_t cid = (uint16_t)((i * 7 + round) % ENTRIES);
			struct send s = c2h(&peers[QP], cid, 0, wire + cid * 4096, 4096, LAST);

			ctrl_send(&peers[QP], &s);
			ck_assert_uint_eq(completions(QP, cid), round);
			send_resp(QP, cid);
			expect_ok(QP, cid, 4096);
		}
		ck_assert_mem_eq(fake_host + BUF, wire, ENTRIES * 4096);
		memset(fake_host + BUF, 0, ENTRIES * 4096);
	}
}
END_TEST

#define N(a) ((int)(sizeof(a) / sizeof((a)[0])))

void tests_command(Suite *s)
{
	TCase *t = tcase_create("command");

	tcase_add_checked_fixture(t, fw_start, fw_teardown);
	tcase_set_timeout(t, 20);
	tcase_add_loop_test(t, test_refused, 0, N(bad_entries));
	tcase_add_loop_test(t, test_wrong_cid_in_sqe, 0, 2);
	tcase_add_loop_test(t, test_accepted, 0, 5);
	tcase_add_test(t, test_not_connected);
	tcase_add_loop_test(t, test_ring_refusal, 0, 2);
	tcase_add_loop_test(t, test_ring_error, 0, 3);
	tcase_add_loop_test(t, test_capsule_in, 0, 16);
	tcase_add_loop_test(t, test_capsule_without, 0, 4);
	tcase_add_test(t, test_chain);
	tcase_add_test(t, test_host_memory_fails);
	tcase_add_test(t, test_response_before_ack);
	tcase_add_test(t, test_response_before_retransmission);
	tcase_add_test(t, test_ack_before_response);
	tcase_add_test(t, test_ack_with_response);
	tcase_add_test(t, test_many);
	suite_add_tcase(s, t);
}
