/* SPDX-License-Identifier: BSD-2-Clause */
/* Controller role: the end of a connection, at each step of a command and from each side. Nothing completes after the event. */
#include <errno.h>
#include <string.h>

#include "ctl_helper.h"

#define OUT WEFT_SQF_DATA_OUT
#define IN WEFT_SQF_DATA_IN

static const struct acc_opts opts = { .digests = 3, .maxr2t = 3, .maxh2cdata = 4096 };

/* --- steps: each leaves the connection in the middle of something. Returns the buffer whose reply is under way, or -1. -------- */

static uint16_t command(uint16_t cid)
{
	host_sends_cmd(QP, cid, NULL, 0);
	return expect_capsule(QP, cid, NULL, 0);
}

static void part(const struct send *s, uint32_t bytes)
{
	uint8_t b[4096];

	memset(b, 0, sizeof(b));
	memcpy(b, s->hdr, s->hlen);
	put32(b + s->hlen, crc32c(b, s->hlen));
	memcpy(b + s->hlen + 4, s->data, s->len < 2000 ? s->len : 2000);
	peer_send(&peers[QP], b, bytes);
}

static int step_idle(void)
{
	return -1;
}

static int step_held(void)
{
	for (uint16_t k = 0; k < 5; k++)
		command(k);
	return -1;
}

static int step_header(void)
{
	struct send s = cmd_pdu(&peers[QP], 1, wire, 1024);

	part(&s, 50);
	return -1;
}

static int step_capsule(void)
{
	struct send s = cmd_pdu(&peers[QP], 1, wire, 1024);

	part(&s, 500);
	ck_assert_uint_eq(slots_free_of(QP), ENTRIES - 1);
	return -1;
}

static struct pdu start_get(uint16_t *buf)
{
	struct pdu d;

	*buf = command(1);
	reply_start(QP, *buf,
		    &(struct reply){ .op = WEFT_OP_GET_DATA,
				     .flags = IN,
				     .len = 100000,
				     .addr = BUF,
				     .cccid = 1 });
	d = expect_r2t(&peers[QP], 1, 0, 4096);
	for (uint32_t k = 1; k < 4; k++)
		expect_r2t(&peers[QP], 1, 4096 * k, 4096);
	return d;
}

static int step_r2t(void)
{
	uint16_t buf;

	start_get(&buf);
	return buf;
}

static int step_h2c(void)
{
	uint16_t buf;
	struct pdu d = start_get(&buf);
	struct send s = h2c(&peers[QP], 1, ttag_of(&d), 0, wire, 1000, false);

	part(&s, 700);
	return buf;
}

static int step_sending(void)
{
	uint16_t buf = command(1);

	peers[QP].hold_acks = true;
	reply_start(QP, buf,
		    &(struct reply){ .op = WEFT_OP_SEND_DATA,
				     .flags = OUT,
				     .len = 500000,
				     .addr = BUF,
				     .cccid = 1 });
	return buf;
}

static int step_responded(void)
{
	uint16_t buf = command(1);

	peers[QP].hold_acks = true;
	reply_start(QP, buf,
		    &(struct reply){ .op = WEFT_OP_SEND_DATA,
				     .flags = OUT | WEFT_SQF_LAST | WEFT_SQF_RESP,
				     .len = 512,
				     .addr = BUF,
				     .cccid = 1 });
	return buf;
}

/* All buffers taken, and a command too many stands before the door. */
static int step_full(void)
{
	for (uint16_t k = 0; k < ENTRIES; k++)
		command(k);
	host_sends_cmd(QP, 99, wire, 512);
	ck_assert(nt_ctls[QP].header_waits);
	return -1;
}

/* No records for R2Ts. */
static int step_starved(void)
{
	uint32_t n = take_all_records();
	uint16_t buf = command(1);

	reply_start(QP, buf,
		    &(struct reply){ .op = WEFT_OP_GET_DATA,
				     .flags = IN,
				     .len = 100000,
				     .addr = BUF,
				     .cccid = 1 });
	give_back_records(n);
	return buf;
}

static int (*const steps[])(void) = { step_idle, step_held,   step_header,  step_capsule,
				      step_r2t,  step_h2c,    step_sending, step_responded,
				      step_full, step_starved };
#define STEPS (int)(sizeof(steps) / sizeof(steps[0]))

static void check_over(int buf, uint16_t err)
{
	uint32_t n = fake_cpl_count;

	ck_assert_int_eq(nt_conns[QP].state, NT_IDLE);
	if (buf >= 0)
		expect_reply(QP, (uint16_t)buf, err, 0);
	run_ms(5000);
	ck_assert_uint_eq(fake_cpl_count, n); /* nothing more */
	for (uint32_t i = 0; i < WEFT_N_SLOTS; i++)
		ck_assert_uint_eq(nt_cmds[i].flags, CTL_FREE);
}

/* The event is the last word, and the pair takes another connection. */
static void check_event(uint16_t code, uint16_t err)
{
	const struct hal_cpl *last = &fake_cpl[fake_cpl_count - 1];

	ck_assert_uint_eq(events_of(QP), 1);
	ck_assert_uint_eq(last->type, WEFT_CQT_EVENT);
	ck_assert_uint_eq(last->qp, QP);
	ck_assert_uint_eq(last->dw[0], code);
	ck_assert_uint_eq(last->dw[1], err);
}

static void check_again(void)
{
	peers[QP].hold_acks = false;
	open_ctl(QP, &opts);
	host_sends_cmd(QP, 7, wire, 512);
	respond(QP, expect_capsule(QP, 7, wire, 512), 7);
	ck_assert_uint_eq(slots_free_of(QP), ENTRIES);
}

START_TEST(test_host_resets)
{
	int buf;

	open_ctl(QP, &opts);
	buf = steps[_i]();
	peer_rst(&peers[QP]);
	run_ms(10);
	check_event(WEFT_EV_CONN_ERROR, ECONNRESET);
	check_over(buf, ECONNRESET);
	check_again();
}
END_TEST

/* A reply that was acknowledged in time has completed with 0, and is taken here. */
static int still_open(int buf)
{
	if (buf < 0 || !completions(QP, (uint16_t)buf) || fake_cpl[fake_cpl_count - 2].status != 0)
		return buf;
	completion(QP, (uint16_t)buf);
	return -1;
}

/*
 * FIN from the host. With a command before the door the stream is not used up: the end comes when the program goes on. When the
 * host does not even acknowledge what it was sent before, patience ends after a second.
 */
START_TEST(test_host_closes)
{
	bool deaf;
	int buf;

	open_ctl(QP, &opts);
	buf = steps[_i]();
	deaf = steps[_i] ==
	       step_sending; /* the little of a response is acknowledged with our FIN */
	peer_fin(&peers[QP]);
	run_ms(100);
	if (nt_ctls[QP].header_waits) {
		ck_assert_int_eq(nt_conns[QP].state, NT_SERVING);
		ck_assert_uint_eq(events_of(QP), 0);
		reply_start(QP, 0, &(struct reply){ .op = WEFT_OP_RESPOND, .cccid = 0 });
		run_ms(100);
		expect_reply(QP, 0, 0, 0);
	}
	if (deaf) {
		ck_assert_uint_eq(events_of(QP), 0);
		run_ms(1000);
		check_event(WEFT_EV_CONN_ERROR, ETIMEDOUT);
	} else {
		check_event(WEFT_EV_CONN_CLOSED, 0);
	}
	check_over(still_open(buf), deaf ? ETIMEDOUT : ECONNRESET);
	check_again();
}
END_TEST

/* DISCONNECT: no event, replies end before it completes. Number / 2: the step; odd: abort. */
START_TEST(test_disconnect)
{
	struct hal_cpl c;
	uint16_t d;
	int buf;

	open_ctl(QP, &opts);
	buf = steps[_i / 2]();
	d = disconnect_start(QP, _i & 1);
	run_ms(100);
	if (steps[_i / 2] == step_sending) /* the host does not acknowledge: it is aborted then */
		run_ms(6000);
	ck_assert(admin_result(d, &c));
	ck_assert_uint_eq(c.status, 0);
	ck_assert_uint_eq(events_of(QP), 0);
	ck_assert_uint_eq(fake_cpl[fake_cpl_count - 1].type, WEFT_CQT_ADMIN);
	check_over(still_open(buf), ECANCELED);
	check_again();
}
END_TEST

/* A fault in the midst of everything: what the host still sends is discarded. */
START_TEST(test_fault)
{
	static const uint8_t junk[24] = { 0x55, 0, 24, 0, 24 };
	int buf;

	open_ctl(QP, &opts);
	buf = steps[_i]();
	if (_i == 2 || _i == 3 || _i == 5 || nt_ctls[QP].header_waits)
		return; /* the bytes would be part of something else */
	peer_send(&peers[QP], junk, sizeof(junk));
	for (uint16_t k = 0; k < 20; k++)
		host_sends_cmd(QP, k, wire, 512);
	expect_no_capsule(QP);
	peers[QP].hold_acks = false;
	run_ms(1500);
	check_event(WEFT_EV_CONN_ERROR, EPROTO);
	check_over(still_open(buf), EPROTO);
	check_again();
}
END_TEST

/* The program goes on replying while the connection closes and after: ENOTCONN, and never after the event but for that. */
START_TEST(test_late_replies)
{
	uint16_t buf[3];

	open_ctl(QP, &opts);
	for (uint16_t k = 0; k < 3; k++)
		buf[k] = command(k);
	fin_answered = false;
	disconnect_start(QP, false);
	ck_assert_int_eq(nt_conns[QP].state, NT_CLOSING);
	reply_start(QP, buf[0], &(struct reply){ .op = WEFT_OP_RESPOND });
	expect_reply(QP, buf[0], ENOTCONN, 0);
	peer_rst(&peers[QP]);
	run_ms(10);
	ck_assert_int_eq(nt_conns[QP].state, NT_IDLE);
	for (uint16_t k = 0; k < 3; k++) {
		reply_start(QP, buf[k], &(struct reply){ .op = WEFT_OP_RESPOND });
		expect_reply(QP, buf[k], ENOTCONN, 0);
	}
	check_again();
}
END_TEST

/* The admin pair is gone, and came back: a connection that was there serves on, DISCONNECT works. */
START_TEST(test_admin_comes_back)
{
	struct hal_cpl c;
	uint16_t d, buf;

	open_ctl(QP, &opts);
	buf = command(1);
	host_aq(0);
	run_ms(10);
	host_aq(1);
	respond(QP, buf, 1);
	d = disconnect_start(QP, false);
	run_ms(100);
	ck_assert(admin_result(d, &c));
	ck_assert_uint_eq(c.status, 0);
	ck_assert_uint_eq(delete_qp(QP), 0);
	check_again();
}
END_TEST

/* The rest of a capsule comes, with a wrong digest, when nobody wants it any more: the next connection's command is not blamed. */
START_TEST(test_no_stain)
{
	struct send s;
	uint8_t b[72 + 4 + 512 + 4];
	uint32_t crc;

	open_ctl(QP, &opts);
	s = cmd_pdu(&peers[QP], 1, wire, 512);
	memcpy(b, s.hdr, 72);
	crc = crc32c(b, 72);
	memcpy(b + 72, &crc, 4);
	memcpy(b + 76, wire, 512);
	memset(b + 588, 0, 4);
	peer_send(&peers[QP], b, 300);
	ck_assert_uint_eq(nt_cmds[slot_of(QP, 0)].flags, CTL_RECV);
	fin_answered = false;
	disconnect_start(QP, false);
	peer_send(&peers[QP], b + 300, sizeof(b) - 300);
	expect_no_capsule(QP);
	peer_rst(&peers[QP]);
	run_ms(10);
	check_over(-1, 0);
	check_again(); /* in the same buffer */
}
END_TEST

/* Receive and transmit engines report late: until both are quiet no reply completes, though the host is long gone. */
START_TEST(test_quiet_first)
{
	int buf;

	open_ctl(QP, &opts);
	fake_opt.tx_stop = 0;
	buf = step_sending();
	fake_opt.tx_stop = 32;
	peer_rst(&peers[QP]);
	run_ms(50);
	ck_assert_uint_eq(completions(QP, (uint16_t)buf), 0);
	ck_assert_uint_eq(events_of(QP), 0);
	fake_opt.tx_stop = 0;
	run();
	check_event(WEFT_EV_CONN_ERROR, ECONNRESET);
	check_over(buf, ECONNRESET);
	check_again();
}
END_TEST

void tests_ctl_close(Suite *s)
{
	TCase *t = tcase_create("ctl_close");

	tcase_add_checked_fixture(t, fw_start, fw_teardown);
	tcase_set_timeout(t, 30);
	tcase_add_loop_test(t, test_host_resets, 0, STEPS);
	tcase_add_loop_test(t, test_host_closes, 0, STEPS);
	tcase_add_loop_test(t, test_disconnect, 0, STEPS * 2);
	tcase_add_loop_test(t, test_fault, 0, STEPS);
	tcase_add_test(t, test_late_replies);
	tcase_add_test(t, test_admin_comes_back);
	tcase_add_test(t, test_no_stain);
	tcase_add_test(t, test_quiet_first);
	suite_add_tcase(s, t);
}
