/* SPDX-License-Identifier: BSD-2-Clause */
/* Controller role: what a program must not ask for. It gets an error, its commands are as they were. */
#include <errno.h>
#include <string.h>

#include "ctl_helper.h"

#define OUT WEFT_SQF_DATA_OUT
#define IN WEFT_SQF_DATA_IN
#define LAST WEFT_SQF_LAST

static const struct reply bad_replies[] = {
	{ .op = WEFT_OP_RESPOND, .flags = OUT },
	{ .op = WEFT_OP_RESPOND, .len = 4, .addr = BUF },
	{ .op = WEFT_OP_GET_DATA, .flags = IN },
	{ .op = WEFT_OP_GET_DATA, .flags = OUT, .len = 512, .addr = BUF },
	{ .op = WEFT_OP_GET_DATA, .flags = IN | LAST, .len = 512, .addr = BUF },
	{ .op = WEFT_OP_GET_DATA, .flags = IN, .len = WEFT_DATA_MAX + 1, .addr = BUF },
	{ .op = WEFT_OP_GET_DATA, .flags = IN, .len = 512, .addr = BUF, .offset = 2 },
	{ .op = WEFT_OP_GET_DATA, .flags = IN, .len = 512, .addr = BUF, .offset = -256u },
	{ .op = WEFT_OP_SEND_DATA, .flags = OUT },
	{ .op = WEFT_OP_SEND_DATA, .flags = IN, .len = 512, .addr = BUF },
	{ .op = WEFT_OP_SEND_DATA, .flags = 0, .len = 512, .addr = BUF },
	{ .op = WEFT_OP_SEND_DATA, .flags = OUT | WEFT_SQF_ICD, .len = 512, .addr = BUF },
	{ .op = WEFT_OP_SEND_DATA, .flags = OUT | 0x80, .len = 512, .addr = BUF },
	{ .op = WEFT_OP_SEND_DATA, .flags = OUT | WEFT_SQF_SUCCESS, .len = 512, .addr = BUF },
	{ .op = WEFT_OP_SEND_DATA,
	  .flags = OUT | LAST | WEFT_SQF_SUCCESS | WEFT_SQF_RESP,
	  .len = 512,
	  .addr = BUF },
	{ .op = WEFT_OP_SEND_DATA, .flags = OUT, .len = WEFT_PDU_DATA_MAX + 1, .addr = BUF },
	{ .op = WEFT_OP_SEND_DATA, .flags = OUT, .len = 512, .addr = BUF, .offset = 1 },
};
#define BAD_REPLIES (sizeof(bad_replies) / sizeof(bad_replies[0]))

/* Fields that make no sense: EINVAL, nothing is sent, the command is as it was. */
START_TEST(test_bad_fields)
{
	struct weft_sq_entry e;
	uint16_t buf;

	open_ctl(QP, &(struct acc_opts){ .maxr2t = 3 });
	host_sends_cmd(QP, 1, NULL, 0);
	buf = expect_capsule(QP, 1, NULL, 0);
	for (uint32_t i = 0; i < BAD_REPLIES; i++) {
		reply_start(QP, buf, &bad_replies[i]);
		expect_no_pdu(&peers[QP]);
		expect_reply(QP, buf, EINVAL, 0);
	}
	e = reply_entry(
		buf,
		&(struct reply){ .op = WEFT_OP_SEND_DATA, .flags = OUT, .len = 512, .addr = BUF });
	e.sgl[1].len--; /* not enough room */
	submit_entry(QP, buf, &e);
	expect_reply(QP, buf, EINVAL, 0);
	e.sgl[1].len++;
	e.sgl_count = 4;
	submit_entry(QP, buf, &e);
	expect_reply(QP, buf, EINVAL, 0);
	e.flags |= WEFT_SQF_SGL_CHAIN;
	e.sgl_count = WEFT_SGL_MAX + 1;
	submit_entry(QP, buf, &e);
	expect_reply(QP, buf, EINVAL, 0);
	for (uint32_t op = 0; op < 256; op++) {
		if (op >= WEFT_OP_GET_DATA && op <= WEFT_OP_RESPOND)
			continue;
		reply_start(QP, buf, &(struct reply){ .op = (uint8_t)op });
		expect_reply(QP, buf, EOPNOTSUPP, 0);
	}
	respond(QP, buf, 1);
}
END_TEST

/* Replies of the controller role on a host's pair. */
START_TEST(test_wrong_role)
{
	static const struct conn_opts o;

	connect_qp(QP, &o);
	for (uint8_t op = WEFT_OP_GET_DATA; op <= WEFT_OP_RESPOND; op++) {
		reply_start(QP, 1, &(struct reply){ .op = op });
		ck_assert_uint_eq(completion(QP, 1)->status, EOPNOTSUPP);
	}
	expect_no_pdu(&peers[QP]);
}
END_TEST

static const struct reply plain_respond = { .op = WEFT_OP_RESPOND, .cccid = 1 };

/* For a buffer without a command, and before there is a connection. */
START_TEST(test_reply_to_nothing)
{
	create_ctl(QP, &(struct acc_opts){ 0 });
	reply_start(QP, 3, &plain_respond);
	expect_reply(QP, 3, ENOTCONN, 0);
	accept_start(QP, &(struct acc_opts){ 0 });
	reply_start(QP, 3, &plain_respond);
	expect_reply(QP, 3, ENOTCONN, 0);
	disconnect_start(QP, false);
	open_ctl(QP, &(struct acc_opts){ 0 });
	for (uint16_t k = 0; k < ENTRIES; k++) {
		reply_start(QP, k, &plain_respond);
		expect_reply(QP, k, EINVAL, 0);
	}
	expect_no_pdu(&peers[QP]);
	host_sends_cmd(QP, 1, wire, 512);
	respond(QP, expect_capsule(QP, 1, wire, 512), 1);
}
END_TEST

/*
 * A capsule is on its way into the buffer when a reply for it comes: the entry has taken the place of the receive buffer's, so
 * that what is still to come goes where the program said. Firmware refuses, and the capsule is told of as ever.
 */
START_TEST(test_reply_while_receiving)
{
	struct peer *p = &peers[QP];
	struct send s;
	uint8_t b[72 + 512];
	uint16_t buf = 0;

	open_ctl(QP, &(struct acc_opts){ 0 });
	s = cmd_pdu(p, 1, wire, 512);
	memcpy(b, s.hdr, 72);
	memcpy(b + 72, wire, 512);
	peer_send(p, b, 200);
	ck_assert_uint_eq(nt_cmds[slot_of(QP, buf)].flags, CTL_RECV);
	reply_start(
		QP, buf,
		&(struct reply){ .op = WEFT_OP_SEND_DATA, .flags = OUT, .len = 4096, .addr = BUF });
	expect_reply(QP, buf, EINVAL, 0);
	expect_no_pdu(p);
	peer_send(p, b + 200, sizeof(b) - 200);
	ck_assert_uint_eq(nt_cmds[slot_of(QP, buf)].flags, CTL_HELD);
	ck_assert_uint_eq(expect_capsule(QP, 1, NULL, 512), buf);
	ck_assert_mem_eq(fake_host + BUF + 200 - 8, wire + 128, 512 - 128);
}
END_TEST

/*
 * A reply submitted ahead of its capsule's completion, and another right behind that one: the ring engine lets both through,
 * the second entry stands where the first one was. Firmware's own state is elsewhere.
 */
START_TEST(test_two_replies)
{
	const struct reply data = { .op = WEFT_OP_SEND_DATA,
				    .flags = OUT | LAST | WEFT_SQF_RESP,
				    .len = 4096,
				    .addr = BUF,
				    .cccid = 1 };
	struct weft_sq_entry e = reply_entry(0, &data), junk;
	struct peer *p = &peers[QP];
	uint16_t slot, buf;

	memset(&junk, 0xff, sizeof(junk));
	open_ctl(QP, &(struct acc_opts){ .digests = 3 });
	slot = slot_of(QP, 0);
	host_sends_cmd(QP, 1, NULL, 0);
	buf = expect_capsule(QP, 1, NULL, 0);
	ck_assert_uint_eq(buf, 0);
	p->hold_acks = true;
	submit_entry(QP, buf, &e);
	expect_c2h(p, 1, 0, 4096, PDU_F_LAST, fake_host + BUF);
	expect_resp(p, 1);
	for (int n = 0; n < 3; n++) { /* past the ring engine's check */
		fake_submit(QP, slot, &junk);
		run();
		ck_assert_uint_eq(fake_cpl[fake_cpl_count - 1].slot, ENG_NO_SLOT);
		ck_assert_uint_eq(completion(QP, buf)->status, EOPNOTSUPP);
		junk.opcode = n ? WEFT_OP_GET_DATA : WEFT_OP_RESPOND;
		if (n == 2)
			break;
		fake_submit(QP, slot, &junk);
		run();
		ck_assert_uint_eq(fake_cpl[fake_cpl_count - 1].slot, ENG_NO_SLOT);
		ck_assert_uint_eq(completion(QP, buf)->status, EINVAL);
		junk.opcode = 0xff;
	}
	p->hold_acks = false;
	peer_ack(p);
	expect_reply(QP, buf, 0, 4096);
	ck_assert_uint_eq(slots_free_of(QP), ENTRIES);
}
END_TEST

void tests_ctl_reply(Suite *s)
{
	TCase *t = tcase_create("ctl_reply");

	tcase_add_checked_fixture(t, fw_start, fw_teardown);
	tcase_set_timeout(t, 30);
	tcase_add_test(t, test_bad_fields);
	tcase_add_test(t, test_wrong_role);
	tcase_add_test(t, test_reply_to_nothing);
	tcase_add_test(t, test_reply_while_receiving);
	tcase_add_test(t, test_two_replies);
	suite_add_tcase(s, t);
}
