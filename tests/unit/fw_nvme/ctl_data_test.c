/* SPDX-License-Identifier: BSD-2-Clause */
/* Controller role: capsules in, data both ways, responses; every byte is compared. */
#include <errno.h>
#include <string.h>

#include "ctl_helper.h"

#define OUT WEFT_SQF_DATA_OUT
#define SEND WEFT_OP_SEND_DATA

/* Digests in bits 1:0; bit 2: coarse alignment both ways. */
static struct acc_opts shape(int i)
{
	return (struct acc_opts){ .digests = i & 3,
				  .hpda = i & 4 ? 15 : 0,
				  .cpda = i & 4 ? 31 : 0 };
}

START_TEST(test_capsules)
{
	static const uint32_t len[] = { 0, 1, 4, 63, 64, 512, 1024, 4095, 4096, 8188, 8192 };
	struct acc_opts o = shape(_i);

	open_ctl(QP, &o);
	for (uint16_t k = 0; k < 11; k++) {
		uint16_t cid = (uint16_t)(0x7fff * k);

		host_sends_cmd(QP, cid, wire + k * 100, len[k]);
		respond(QP, expect_capsule(QP, cid, wire + k * 100, len[k]), cid);
	}
	expect_no_pdu(&peers[QP]);
	ck_assert_uint_eq(slots_free_of(QP), ENTRIES);
}
END_TEST

/* The longest data that a pair may allow, in its only place that fits into the test's memory. */
START_TEST(test_longest_icd)
{
	const struct acc_opts o = { .digests = 3, .icd_size = WEFT_PDU_DATA_MAX, .sq_log2 = 1 };

	open_ctl(QP, &o);
	host_sends_cmd(QP, 5, wire, WEFT_PDU_DATA_MAX);
	respond(QP, expect_capsule(QP, 5, wire, WEFT_PDU_DATA_MAX), 5);
}
END_TEST

/* A capsule whose data begin later than they must: any multiple of the alignment will do. */
START_TEST(test_roomy_offset)
{
	struct acc_opts o = { .digests = (uint8_t)_i, .cpda = 3 };
	struct send s;

	open_ctl(QP, &o);
	s = cmd_pdu(&peers[QP], 9, wire, 512);
	s.hdr[3] = (uint8_t)(s.hdr[3] + 32);
	s.pad += 32;
	put32(s.hdr + 4, get32(s.hdr + 4) + 32);
	host_sends(QP, s);
	respond(QP, expect_capsule(QP, 9, wire, 512), 9);
}
END_TEST

/* --- reads -------------------------------------------------------------------------------------------------------------------- */

static uint16_t get_command(uint16_t qp, uint16_t cid)
{
	host_sends_cmd(qp, cid, NULL, 0);
	return expect_capsule(qp, cid, NULL, 0);
}

START_TEST(test_read_resp)
{
	static const uint8_t pieces[] = { 1, 2, 3, 9 };
	struct acc_opts o = shape(_i);

	open_ctl(QP, &o);
	for (uint16_t k = 0; k < 4; k++) {
		uint32_t len = 4096u >> k << k * 3, addr = BUF + k * 3;
		uint16_t buf = get_command(QP, k);

		reply_start(QP, buf,
			    &(struct reply){ .op = SEND,
					     .flags = OUT | WEFT_SQF_LAST | WEFT_SQF_RESP,
					     .len = len,
					     .addr = addr,
					     .cccid = k,
					     .pieces = pieces[k] });
		expect_c2h(&peers[QP], k, 0, len, PDU_F_LAST, fake_host + addr);
		expect_resp(&peers[QP], k);
		expect_no_pdu(&peers[QP]);
		expect_reply(QP, buf, 0, len);
	}
	ck_assert_uint_eq(slots_free_of(QP), ENTRIES);
}
END_TEST

/* Data in parts, then the end: by RESPOND, with the last part, by SUCCESS. */
START_TEST(test_read_parts)
{
	struct acc_opts o = shape(_i & 7);
	const uint8_t end = _i & 8 ? WEFT_SQF_SUCCESS : _i & 16 ? WEFT_SQF_RESP : 0;
	struct peer *p = &peers[QP];
	struct reply r = { .op = SEND, .len = 5000, .addr = BUF, .cccid = 0xbeef };
	uint16_t buf;

	open_ctl(QP, &o);
	buf = get_command(QP, 0xbeef);
	for (uint32_t k = 0; k < 3; k++) {
		r.flags = OUT | (k == 2 ? WEFT_SQF_LAST | end : 0);
		r.offset = 5000 * k;
		r.addr = BUF + 5000 * k;
		reply_start(QP, buf, &r);
		expect_c2h(p, 0xbeef, 5000 * k, 5000,
			   k < 2  ? 0 :
			   _i & 8 ? PDU_F_LAST | PDU_F_SUCCESS :
				    PDU_F_LAST,
			   fake_host + r.addr);
		if (k == 2 && end == WEFT_SQF_RESP)
			expect_resp(p, 0xbeef);
		expect_no_pdu(p);
		expect_reply(QP, buf, 0, 5000);
	}
	if (!end)
		respond(QP, buf, 0xbeef);
	ck_assert_uint_eq(slots_free_of(QP), ENTRIES);
}
END_TEST

START_TEST(test_longest_send)
{
	const struct acc_opts o = { .digests = 3, .hpda = 31 };
	uint16_t buf;

	open_ctl(QP, &o);
	buf = get_command(QP, 1);
	reply_start(QP, buf,
		    &(struct reply){ .op = SEND,
				     .flags = OUT | WEFT_SQF_LAST | WEFT_SQF_SUCCESS,
				     .len = WEFT_PDU_DATA_MAX,
				     .addr = BUF,
				     .cccid = 1,
				     .offset = 0xfff00000u - 4 });
	expect_c2h(&peers[QP], 1, 0xfff00000u - 4, WEFT_PDU_DATA_MAX, PDU_F_LAST | PDU_F_SUCCESS,
		   fake_host + BUF);
	expect_reply(QP, buf, 0, WEFT_PDU_DATA_MAX);
}
END_TEST

/* The completion comes when the host has acknowledged all, the buffer is free only then. */
START_TEST(test_acknowledged)
{
	const struct acc_opts o = { 0 };
	struct peer *p = &peers[QP];
	uint32_t before;
	uint16_t buf;

	open_ctl(QP, &o);
	buf = get_command(QP, 1);
	p->hold_acks = true;
	before = p->rx_len;
	reply_start(QP, buf,
		    &(struct reply){ .op = SEND,
				     .flags = OUT | WEFT_SQF_LAST | WEFT_SQF_RESP,
				     .len = 512,
				     .addr = BUF,
				     .cccid = 1 });
	ck_assert_uint_eq(p->rx_len, before + 24 + 512 + 24);
	peer_ack_to(p, before + 24 + 512);
	ck_assert_uint_eq(completions(QP, buf), 0);
	ck_assert_uint_eq(slots_free_of(QP), ENTRIES - 1);
	peer_ack_to(p, before + 24 + 512 + 24);
	expect_reply(QP, buf, 0, 512);
	ck_assert_uint_eq(slots_free_of(QP), ENTRIES);
}
END_TEST

/* --- writes ------------------------------------------------------------------------------------------------------------------- */

/* A GET whose R2Ts have just come: they are answered in order, each in two PDUs unless it is short. */
struct write {
	uint16_t cid;
	uint32_t base, len, asked, sent;
	uint16_t ttag[NT_R2TS];
	uint32_t n_ttag, at_ttag;
};

static void take_r2ts(struct write *w, uint32_t max)
{
	struct peer *p = &peers[QP];

	while (p->rx_at < p->rx_len) {
		uint32_t n = w->len - w->asked < max ? w->len - w->asked : max;
		struct pdu d = expect_r2t(p, w->cid, w->base + w->asked, n);

		ck_assert_uint_lt(w->n_ttag - w->at_ttag, NT_R2TS);
		for (uint32_t i = w->at_ttag; i < w->n_ttag; i++)
			ck_assert_uint_ne(w->ttag[i % NT_R2TS], ttag_of(&d));
		w->ttag[w->n_ttag++ % NT_R2TS] = ttag_of(&d);
		w->asked += n;
	}
}

static void answer_r2t(struct write *w, uint32_t max)
{
	uint32_t n = w->len - w->sent < max ? w->len - w->sent : max, first = n > 100 ? n / 3 : n;
	uint16_t ttag = w->ttag[w->at_ttag++ % NT_R2TS];
	const uint8_t *data = wire + w->sent;

	host_sends(QP, h2c(&peers[QP], w->cid, ttag, w->base + w->sent, data, first, first == n));
	if (first < n)
		host_sends(QP, h2c(&peers[QP], w->cid, ttag, w->base + w->sent + first,
				   data + first, n - first, true));
	w->sent += n;
}

/* Number: outstanding R2Ts the host allows, 0's based; digests by its low bits. */
START_TEST(test_write)
{
	static const uint32_t lens[] = { 4, 1, 4096, 4097, 4096 * 8, 4096 * 9 + 3, 100001 };
	struct acc_opts o = shape(_i);
	uint32_t most = (uint32_t)_i < NT_R2TS ? (uint32_t)_i + 1 : NT_R2TS;
	uint16_t buf;

	o.maxr2t = (uint32_t)_i;
	o.maxh2cdata = 4096;
	open_ctl(QP, &o);
	for (uint32_t k = 0; k < 7; k++) {
		struct write w = { .cid = (uint16_t)(k << 12), .base = k * 4096, .len = lens[k] };

		memset(fake_host + BUF, 0xee, lens[k] + 64);
		buf = get_command(QP, w.cid);
		reply_start(QP, buf,
			    &(struct reply){ .op = WEFT_OP_GET_DATA,
					     .flags = WEFT_SQF_DATA_IN,
					     .len = w.len,
					     .addr = BUF,
					     .offset = w.base,
					     .cccid = w.cid,
					     .pieces = k & 1 ? 9 : 2 });
		while (w.sent < w.len) {
			take_r2ts(&w, 4096);
			ck_assert_uint_eq(w.n_ttag - w.at_ttag,
					  (w.len - w.sent + 4095) / 4096 < most ?
						  (w.len - w.sent + 4095) / 4096 :
						  most);
			ck_assert_uint_eq(completions(QP, buf), buf == 0 ? 2 * k : 0);
			answer_r2t(&w, 4096);
		}
		expect_reply(QP, buf, 0, w.len);
		ck_assert_mem_eq(fake_host + BUF, wire, w.len);
		for (uint32_t i = 0; i < 64; i++)
			ck_assert_uint_eq(fake_host[BUF + w.len + i], 0xee);
		respond(QP, buf, w.cid);
	}
	ck_assert_uint_eq(slots_free_of(QP), ENTRIES);
}
END_TEST

/* A request counts until its last byte has come: the header of the data is not an answer. */
START_TEST(test_r2t_waits_for_data)
{
	const struct acc_opts o = { .maxr2t = (uint32_t)_i, .maxh2cdata = 4096 };
	struct write w = { .cid = 3, .len = 4096 * 3 };
	struct peer *p = &peers[QP];
	struct send s;
	uint16_t buf;

	open_ctl(QP, &o);
	buf = get_command(QP, w.cid);
	reply_start(QP, buf,
		    &(struct reply){ .op = WEFT_OP_GET_DATA,
				     .flags = WEFT_SQF_DATA_IN,
				     .len = w.len,
				     .addr = BUF,
				     .cccid = w.cid });
	take_r2ts(&w, 4096);
	ck_assert_uint_eq(w.n_ttag, (uint32_t)_i + 1);
	s = h2c(p, w.cid, w.ttag[w.at_ttag++], 0, wire, 4096, true);
	s.len = 1000;
	host_sends(QP, s);
	peer_send(p, wire + 1000, 3095);
	expect_no_pdu(p);
	peer_send(p, wire + 4095, 1);
	w.sent = 4096;
	take_r2ts(&w, 4096);
	ck_assert_uint_eq(w.n_ttag, (uint32_t)_i + 2);
	while (w.sent < w.len) {
		answer_r2t(&w, 4096);
		take_r2ts(&w, 4096);
	}
	expect_reply(QP, buf, 0, w.len);
	ck_assert_mem_eq(fake_host + BUF, wire, w.len);
	respond(QP, buf, w.cid);
}
END_TEST

/* Several commands fetch at once; the host answers whichever it likes. Then one fetches more. */
START_TEST(test_writes_together)
{
	const struct acc_opts o = { .digests = 2 };
	struct peer *p = &peers[QP];
	uint16_t buf[5], ttag[5];

	open_ctl(QP, &o);
	for (uint16_t k = 0; k < 5; k++) {
		struct pdu d;

		buf[k] = get_command(QP, k);
		reply_start(QP, buf[k],
			    &(struct reply){ .op = WEFT_OP_GET_DATA,
					     .flags = WEFT_SQF_DATA_IN,
					     .len = 6000,
					     .addr = BUF + k * 8192,
					     .cccid = k });
		d = expect_r2t(p, k, 0, 6000);
		ttag[k] = ttag_of(&d);
	}
	for (uint16_t n = 0; n < 10;
	     n++) { /* halves: all first ones, then the second ones, backwards */
		uint16_t k = (uint16_t)(4 - n % 5);
		uint32_t off = n < 5 ? 0 : 3000;

		host_sends(QP, h2c(p, k, ttag[k], off, wire + k * 7000 + off, 3000, off > 0));
	}
	for (uint16_t k = 0; k < 5; k++) {
		expect_reply(QP, buf[k], 0, 6000);
		ck_assert_mem_eq(fake_host + BUF + k * 8192, wire + k * 7000, 6000);
	}
	reply_start(QP, buf[2],
		    &(struct reply){ .op = WEFT_OP_GET_DATA,
				     .flags = WEFT_SQF_DATA_IN,
				     .len = 100,
				     .addr = BUF,
				     .offset = 6000,
				     .cccid = 2 });
	{
		struct pdu d = expect_r2t(p, 2, 6000, 100);

		ck_assert_uint_ne(ttag_of(&d), ttag[2]);
		host_sends(QP, h2c(p, 2, ttag_of(&d), 6000, wire, 100, true));
	}
	expect_reply(QP, buf[2], 0, 100);
	ck_assert_mem_eq(fake_host + BUF, wire, 100);
	for (uint16_t k = 0; k < 5; k++)
		respond(QP, buf[k], k);
}
END_TEST

/* --- digests and host memory ---------------------------------------------------------------------------------------------------- */

/* A wrong data digest is the command's fault alone. */
START_TEST(test_wrong_ddgst)
{
	const struct acc_opts o = { .digests = (uint8_t)_i };
	struct peer *p = &peers[QP];
	const struct hal_cpl *c;
	struct send s;
	struct pdu d;
	uint16_t buf;

	open_ctl(QP, &o);
	s = cmd_pdu(p, 1, wire, 4096);
	s.bend_ddgst = 1;
	host_sends(QP, s);
	buf = expect_capsule_flags(QP, 1, wire, 4096, WEFT_CQF_DDGST_ERR);
	reply_start(QP, buf,
		    &(struct reply){ .op = WEFT_OP_GET_DATA,
				     .flags = WEFT_SQF_DATA_IN,
				     .len = 64,
				     .addr = BUF,
				     .cccid = 1 });
	d = expect_r2t(p, 1, 0, 64);
	s = h2c(p, 1, ttag_of(&d), 0, wire, 32, false);
	s.bend_ddgst = 0x80000000u;
	host_sends(QP, s);
	host_sends(QP, h2c(p, 1, ttag_of(&d), 32, wire + 32, 32, true));
	c = completion(QP, buf);
	ck_assert_uint_eq(c->status, 0);
	ck_assert_uint_eq(c->flags, WEFT_CQF_DDGST_ERR);
	ck_assert_uint_eq(c->data_len, 64);
	respond(QP, buf, 1);
	host_sends_cmd(QP, 2, wire, 512); /* nothing sticks */
	respond(QP, expect_capsule(QP, 2, wire, 512), 2);
}
END_TEST

/* Receive buffers that are no memory: the capsule says so, the program may still answer. */
START_TEST(test_bad_buffers)
{
	const struct acc_opts o = { 0 };
	uint16_t buf;

	open_ctl(QP, &o);
	nt_ctls[QP].rx_icd_hi = 1;
	host_sends_cmd(QP, 1, wire, 512);
	buf = expect_capsule_flags(QP, 1, wire, 512, WEFT_CQF_DMA_ERR);
	respond(QP, buf, 1);
	nt_ctls[QP].rx_cmd_hi = 1;
	host_sends_cmd(QP, 2, NULL, 0);
	buf = expect_capsule_flags(QP, 2, NULL, 0, WEFT_CQF_DMA_ERR);
	respond(QP, buf, 2);
}
END_TEST

/* Data to a place that is no memory: the command ends with the flag, the connection lives. From such a place: it cannot. */
START_TEST(test_bad_memory)
{
	const struct acc_opts o = { 0 };
	struct peer *p = &peers[QP];
	const struct hal_cpl *c;
	struct pdu d;
	uint16_t buf;

	open_ctl(QP, &o);
	buf = get_command(QP, 1);
	reply_start(QP, buf,
		    &(struct reply){ .op = WEFT_OP_GET_DATA,
				     .flags = WEFT_SQF_DATA_IN,
				     .len = 64,
				     .addr = FAKE_HOST_SIZE - 32,
				     .cccid = 1 });
	d = expect_r2t(p, 1, 0, 64);
	host_sends(QP, h2c(p, 1, ttag_of(&d), 0, wire, 64, true));
	c = completion(QP, buf);
	ck_assert_uint_eq(c->status, 0);
	ck_assert_uint_eq(c->flags, WEFT_CQF_DMA_ERR);
	reply_start(QP, buf,
		    &(struct reply){ .op = SEND,
				     .flags = OUT | WEFT_SQF_LAST,
				     .len = 64,
				     .addr = FAKE_HOST_SIZE - 32,
				     .cccid = 1 });
	expect_reply(QP, buf, EFAULT, 0);
	ck_assert_uint_eq(last_event(QP)->dw[0], WEFT_EV_CONN_ERROR);
	ck_assert_uint_eq(last_event(QP)->dw[1], EFAULT);
}
END_TEST

/* --- many --------------------------------------------------------------------------------------------------------------------- */

/* All commands that there are slots for arrive together, in one burst with data; they are answered backwards. */
START_TEST(test_burst)
{
	struct acc_opts o = shape(_i);
	uint16_t buf[ENTRIES];

	open_ctl(QP, &o);
	for (uint16_t round = 0; round < 3; round++) {
		for (uint16_t k = 0; k < ENTRIES; k++) {
			struct send s = cmd_pdu(&peers[QP], k, wire + k, k % 3 * 700u);

			ctrl_send_quiet(&peers[QP], &s);
		}
		run();
		for (uint16_t k = 0; k < ENTRIES; k++)
			buf[k] = expect_capsule(QP, k, wire + k, k % 3 * 700u);
		ck_assert_uint_eq(slots_free_of(QP), 0);
		for (uint16_t k = ENTRIES; k-- > 0;)
			respond(QP, buf[k], k);
	}
	ck_assert_uint_eq(slots_free_of(QP), ENTRIES);
}
END_TEST

/* More commands than slots: the stream stands still, and goes on command by command. Nothing is lost. */
START_TEST(test_overcommitted)
{
	struct acc_opts o = shape(_i);
	uint16_t buf[3 * ENTRIES];

	open_ctl(QP, &o);
	for (uint16_t k = 0; k < 3 * ENTRIES; k++) {
		struct send s = cmd_pdu(&peers[QP], k, wire + k, k % 2 * 512u);

		ctrl_send_quiet(&peers[QP], &s);
	}
	run();
	for (uint16_t k = 0; k < ENTRIES; k++)
		buf[k] = expect_capsule(QP, k, wire + k, k % 2 * 512u);
	for (uint16_t k = 0; k < 3 * ENTRIES; k++) {
		expect_no_capsule(QP);
		respond(QP, buf[k], k);
		if (k + ENTRIES < 3 * ENTRIES)
			buf[k + ENTRIES] = expect_capsule(QP, (uint16_t)(k + ENTRIES),
							  wire + k + ENTRIES, k % 2 * 512u);
	}
	ck_assert_uint_eq(slots_free_of(QP), ENTRIES);
}
END_TEST

/* The acknowledgement that frees the slot comes with the next command itself. */
START_TEST(test_ack_with_command)
{
	const struct acc_opts o = { .sq_log2 = 1 };
	struct peer *p = &peers[QP];

	open_ctl(QP, &o);
	p->hold_acks = true;
	for (uint16_t k = 0; k < 20; k++) {
		uint16_t buf;

		if (k > 1)
			p->acked = p->rcv_nxt;
		host_sends_cmd(QP, k, NULL, 0);
		buf = expect_capsule(QP, k, NULL, 0);
		if (k > 1)
			ck_assert_uint_eq(completion(QP, buf)->status, 0);
		reply_start(QP, buf, &(struct reply){ .op = WEFT_OP_RESPOND, .cccid = k });
		expect_resp(p, k);
	}
	p->hold_acks = false;
	peer_ack(p);
	ck_assert_uint_eq(slots_free_of(QP), 2);
}
END_TEST

/* --- records run out ------------------------------------------------------------------------------------------------------------- */

START_TEST(test_no_records)
{
	struct acc_opts o = { .maxr2t = 7, .maxh2cdata = 4096 };
	struct peer *p = &peers[QP];
	struct write w = { .cid = 1, .len = 4096 * 20 };
	uint32_t n;
	uint16_t buf;

	open_ctl(QP, &o);
	buf = get_command(QP, 1);
	n = take_all_records();
	reply_start(QP, buf,
		    &(struct reply){ .op = WEFT_OP_GET_DATA,
				     .flags = WEFT_SQF_DATA_IN,
				     .len = w.len,
				     .addr = BUF,
				     .cccid = 1 });
	expect_no_pdu(p);
	give_back_records(n);
	/* the next record that comes back wakes it: another connection's */
	open_ctl(2, &o);
	run_ms(10);
	take_r2ts(&w, 4096);
	ck_assert_uint_eq(w.n_ttag, 8);
	while (w.sent < w.len) {
		answer_r2t(&w, 4096);
		take_r2ts(&w, 4096);
	}
	expect_reply(QP, buf, 0, w.len);
	ck_assert_mem_eq(fake_host + BUF, wire, w.len);
	respond(QP, buf, 1);
}
END_TEST

void tests_ctl_data(Suite *s)
{
	TCase *t = tcase_create("ctl_data");

	tcase_add_checked_fixture(t, fw_start, fw_teardown);
	tcase_set_timeout(t, 30);
	tcase_add_loop_test(t, test_capsules, 0, 8);
	tcase_add_test(t, test_longest_icd);
	tcase_add_loop_test(t, test_roomy_offset, 0, 4);
	tcase_add_loop_test(t, test_read_resp, 0, 8);
	tcase_add_loop_test(t, test_read_parts, 0, 24);
	tcase_add_test(t, test_longest_send);
	tcase_add_test(t, test_acknowledged);
	tcase_add_loop_test(t, test_write, 0, 10);
	tcase_add_loop_test(t, test_r2t_waits_for_data, 0, 2);
	tcase_add_test(t, test_writes_together);
	tcase_add_loop_test(t, test_wrong_ddgst, 2, 4);
	tcase_add_test(t, test_bad_buffers);
	tcase_add_test(t, test_bad_memory);
	tcase_add_loop_test(t, test_burst, 0, 8);
	tcase_add_loop_test(t, test_overcommitted, 0, 8);
	tcase_add_test(t, test_ack_with_command);
	tcase_add_test(t, test_no_records);
	suite_add_tcase(s, t);
}
