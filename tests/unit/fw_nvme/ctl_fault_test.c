/* SPDX-License-Identifier: BSD-2-Clause */
/* Controller role: what a host must not send. */
#include <errno.h>
#include <string.h>

#include "ctl_helper.h"

#define IN WEFT_SQF_DATA_IN

/* The connection ends with this TermReq, which carries the header; the program hears why, and the pair can accept again. */
static void expect_fault(uint16_t fes, uint32_t fei, const struct send *s, uint32_t copied)
{
	const struct hal_cpl *ev;

	expect_term(&peers[QP], fes, fei, s->hdr, copied);
	run_ms(1200);
	ck_assert_int_eq(nt_conns[QP].state, NT_IDLE);
	ck_assert_uint_eq(events_of(QP), 1);
	ev = last_event(QP);
	ck_assert_uint_eq(ev->dw[0], WEFT_EV_CONN_ERROR);
	ck_assert_uint_eq(ev->dw[1], EPROTO);
	ck_assert_uint_eq(ev->dw[2], fes | 1u << 31);
	open_ctl(QP, &(struct acc_opts){ 0 });
	host_sends_cmd(QP, 3, wire, 64);
	respond(QP, expect_capsule(QP, 3, wire, 64), 3);
}

/* --- headers ------------------------------------------------------------------------------------------------------------------ */

/* A capsule with 512 bytes of data, or none, bent. */
struct bend {
	const char *what;
	uint8_t digests;
	bool bare;
	uint8_t at, bytes; /* this field */
	uint32_t val;
	uint16_t fes;
	uint32_t fei;
	uint32_t copied; /* of the header */
};

static const struct bend bends[] = {
	{ "unknown type 0Ch", 0, true, 0, 1, 0x0c, 1, 0, 72 },
	{ "unknown type 08h", 0, true, 0, 1, 0x08, 1, 0, 72 },
	{ "unknown type 3Fh", 0, true, 0, 1, 0x3f, 1, 0, 72 },
	{ "unknown type with HLEN 4", 0, true, 0, 4, 0x00040055, 1, 0, 8 },
	{ "CapsuleResp from a host", 0, true, 0, 1, 5, 1, 0, 72 },
	{ "C2HData from a host", 0, true, 0, 1, 7, 1, 0, 72 },
	{ "R2T from a host", 0, true, 0, 1, 9, 1, 0, 72 },
	{ "ICResp from a host", 0, true, 0, 1, 1, 1, 0, 72 },
	{ "C2HTermReq from a host", 0, true, 0, 1, 3, 1, 0, 72 },
	{ "a second ICReq", 0, true, 0, 1, 0, 2, 0, 72 },
	{ "HDGSTF without digests", 0, true, 1, 1, 1, 1, 1, 72 },
	{ "DDGSTF without digests", 0, false, 1, 1, 2, 1, 1, 72 },
	{ "DDGSTF missing", 2, false, 1, 1, 0, 1, 1, 72 },
	{ "HLEN 80", 0, true, 2, 1, 80, 1, 2, 80 },
	{ "HLEN 24", 0, true, 2, 1, 24, 1, 2, 24 },
	{ "HLEN 129", 0, true, 2, 1, 129, 1, 2, 8 },
	{ "HLEN 7", 0, true, 2, 1, 7, 1, 2, 8 },
	{ "PDO in the header", 0, false, 3, 1, 68, 1, 3, 72 },
	{ "PDO not aligned", 0, false, 3, 1, 74, 1, 3, 72 },
	{ "PDO 0 with data", 0, false, 3, 1, 0, 1, 3, 72 },
	{ "PDO in the digest", 1, false, 3, 1, 72, 1, 3, 72 },
	{ "PDO behind the end", 0, false, 3, 4, 80 | 76 << 8, 1, 3, 72 }, /* and PLEN 76 */
	{ "PLEN too short", 0, true, 4, 4, 71, 1, 4, 72 },
	{ "PLEN of nothing", 0, true, 4, 4, 0, 1, 4, 72 },
	{ "data of no bytes", 2, false, 4, 4, 76, 1, 4, 72 },
	{ "more data than allowed", 0, false, 4, 4, 72 + ICD_SIZE + 1, 5, 0, 72 },
	{ "64 KiB of data", 0, false, 4, 4, 72 + 65536, 5, 0, 72 },
	{ "PLEN 2 GiB", 0, false, 4, 4, 0x80000000, 5, 0, 72 },
	{ "PLEN 4 GiB - 1", 2, false, 4, 4, 0xffffffff, 5, 0, 72 },
};
#define BENDS (int)(sizeof(bends) / sizeof(bends[0]))

static void bend_header(struct send *s, uint8_t at, uint8_t bytes, uint32_t val)
{
	uint8_t b[4];

	put32(b, val);
	memcpy(s->hdr + at, b, bytes);
}

START_TEST(test_bent_capsule)
{
	const struct bend *b = &bends[_i];
	const struct acc_opts o = { .digests = b->digests };
	struct send s;

	open_ctl(QP, &o);
	s = cmd_pdu(&peers[QP], 1, wire, b->bare ? 0 : 512);
	bend_header(&s, b->at, b->bytes, b->val);
	if (s.hdr[2] > 72)
		s.hlen = s.hdr[2];
	host_sends(QP, s);
	expect_no_capsule(QP);
	expect_fault(b->fes, b->fei, &s, b->copied);
}
END_TEST

/* No digests, yet the flag of one that could only cover nothing; an offset to nothing. Harmless. */
START_TEST(test_tolerated)
{
	struct send s;

	open_ctl(QP, &(struct acc_opts){ .digests = (uint8_t)_i });
	s = cmd_pdu(&peers[QP], 1, NULL, 0);
	s.hdr[1] |= 0xf2;
	s.hdr[3] = 74;
	host_sends(QP, s);
	respond(QP, expect_capsule(QP, 1, NULL, 0), 1);
}
END_TEST

START_TEST(test_wrong_hdgst)
{
	const struct acc_opts o = { .digests = 3 };
	struct send s;
	uint32_t crc;

	open_ctl(QP, &o);
	s = cmd_pdu(&peers[QP], 1, wire, _i ? 512 : 0);
	s.bend_hdgst = 0x80;
	crc = crc32c(s.hdr, 72) ^ 0x80;
	host_sends(QP, s);
	expect_no_capsule(QP);
	expect_fault(PDU_FES_HDGST, crc, &s, 72);
}
END_TEST

/* H2CTermReq: no answer but the end. In good form it says why; in bad form nothing in it is believed. */
START_TEST(test_host_gives_up)
{
	struct send s = make_header(PDU_H2C_TERM_REQ, 0, _i == 2 ? 32 : 24, 0, _i == 1 ? 200 : 24);
	const struct hal_cpl *ev;

	open_ctl(QP, &(struct acc_opts){ .digests = 3 });
	s.hdr[8] = 6;
	host_sends(QP, s);
	expect_no_pdu(&peers[QP]);
	ck_assert(peers[QP].got_fin);
	run_ms(1200);
	ev = last_event(QP);
	ck_assert_uint_eq(ev->dw[0], WEFT_EV_CONN_ERROR);
	ck_assert_uint_eq(ev->dw[1], ECONNRESET);
	ck_assert_uint_eq(ev->dw[2], _i ? 0 : 6);
}
END_TEST

/* --- the first PDU -------------------------------------------------------------------------------------------------------------- */

static const struct bend firsts[] = {
	{ "PFV 1", 0, true, 8, 2, 1, 6, 8, 128 },
	{ "PFV 256", 0, true, 8, 2, 256, 6, 8, 128 },
	{ "HPDA 32", 0, true, 10, 1, 32, 1, 10, 128 },
	{ "HPDA 255", 0, true, 10, 1, 255, 1, 10, 128 },
	{ "DGST reserved bits", 0, true, 11, 1, 4, 1, 11, 128 },
	{ "HLEN 64", 0, true, 2, 1, 64, 1, 2, 64 },
	{ "PLEN 136", 0, true, 4, 4, 136, 1, 4, 128 },
	{ "CapsuleCmd", 0, true, 0, 1, 4, 2, 0, 128 },
	{ "H2CData", 0, true, 0, 1, 6, 2, 0, 128 },
	{ "ICResp", 0, true, 0, 1, 1, 1, 0, 128 },
	{ "unknown", 0, true, 0, 1, 0x0c, 1, 0, 128 },
	{ "HLEN 200", 0, true, 2, 1, 200, 1, 2, 8 },
	{ "PFV and HPDA", 0, true, 8, 4, 0x00210001, 6, 8, 128 }, /* the lowest */
};
#define FIRSTS (int)(sizeof(firsts) / sizeof(firsts[0]))

START_TEST(test_bent_icreq)
{
	const struct bend *b = &firsts[_i];
	const struct acc_opts o = { 0 };
	struct send s = icreq(&o);
	struct hal_cpl c;
	uint16_t cid;

	listen_on_port(PORT);
	cid = accept_start(QP, &o);
	peer_open(&peers[QP], PORT, 50000);
	bend_header(&s, b->at, b->bytes, b->val);
	host_sends(QP, s);
	expect_term(&peers[QP], b->fes, b->fei, s.hdr, b->copied);
	run_ms(1200);
	ck_assert(!admin_result(cid, &c));
	ck_assert_uint_eq(events_of(QP), 0);
	ck_assert_int_eq(nt_conns[QP].state, NT_WAIT);
}
END_TEST

/* What Linux tolerates of an ICReq is tolerated: flags, PDO, what is reserved. */
START_TEST(test_odd_icreq)
{
	const struct acc_opts o = { 0 };
	struct send s = icreq(&o);

	listen_on_port(PORT);
	accept_start(QP, &o);
	peer_open(&peers[QP], PORT, 50000);
	s.hdr[1] = 0xff;
	s.hdr[3] = 128;
	memset(s.hdr + 16, 0xee, 112);
	host_sends(QP, s);
	expect_pdu(&peers[QP], PDU_ICRESP);
	ck_assert_int_eq(nt_conns[QP].state, NT_SERVING);
}
END_TEST

/* --- write data ------------------------------------------------------------------------------------------------------------------ */

#define GET_LEN 10000u
#define GET_BASE 512u
#define MAXH2C 4096u

/* A command (CID 700h) fetches GET_LEN bytes, R2Ts of MAXH2C, two outstanding. The first was answered up to `sent`. */
static uint16_t start_get(const struct acc_opts *more, uint32_t sent, uint16_t ttag[2])
{
	struct acc_opts o = *more;
	struct peer *p = &peers[QP];
	struct pdu d;
	uint16_t buf;

	o.maxr2t = 1;
	o.maxh2cdata = MAXH2C;
	open_ctl(QP, &o);
	host_sends_cmd(QP, 0x700, NULL, 0);
	buf = expect_capsule(QP, 0x700, NULL, 0);
	reply_start(QP, buf,
		    &(struct reply){ .op = WEFT_OP_GET_DATA,
				     .flags = IN,
				     .len = GET_LEN,
				     .addr = BUF,
				     .offset = GET_BASE,
				     .cccid = 0x700 });
	for (uint32_t k = 0; k < 2; k++) {
		d = expect_r2t(p, 0x700, GET_BASE + k * MAXH2C, MAXH2C);
		ttag[k] = ttag_of(&d);
	}
	if (sent)
		host_sends(QP, h2c(p, 0x700, ttag[0], GET_BASE, wire, sent, sent == MAXH2C));
	if (sent == MAXH2C)
		expect_r2t(p, 0x700, GET_BASE + 2 * MAXH2C, GET_LEN - 2 * MAXH2C);
	return buf;
}

struct h2c_case {
	const char *what;
	uint32_t sent; /* before */
	int tag;       /* 0, 1: of that R2T; else xored into the first's */
	uint16_t cccid;
	uint32_t off, len; /* off: relative to the GET */
	bool last;
	int32_t datal; /* added to DATAL, not to what PLEN says */
	uint16_t fes;
	uint32_t fei;
};

static const struct h2c_case cases[] = {
	{ "unknown TTAG: slot", 0, 0x002, 0x700, 0, 512, false, 0, 1, 10 },
	{ "unknown TTAG: slot out of range", 0, 0x3f0, 0x700, 0, 512, false, 0, 1, 10 },
	{ "unknown TTAG: number", 0, 0x8000, 0x700, 0, 512, false, 0, 1, 10 },
	{ "stale TTAG: answered already", MAXH2C, 0, 0x700, MAXH2C, 512, false, 0, 1, 10 },
	{ "TTAG of the later R2T", 0, 1, 0x700, MAXH2C, MAXH2C, true, 0, 2, 0 },
	{ "CCCID of another", 0, 0, 0x701, 0, 512, false, 0, 1, 8 },
	{ "TTAG and CCCID wrong", 0, 0x8000, 0x701, 0, 512, false, 0, 1, 10 },
	{ "DATAL more than PLEN", 0, 0, 0x700, 0, 512, false, 4, 1, 16 },
	{ "DATAL less than PLEN", 0, 0, 0x700, 0, 512, false, -4, 1, 16 },
	{ "CCCID before DATAL", 0, 0, 0x701, 0, 512, false, 4, 1, 8 },
	{ "over MAXH2CDATA", 0, 0, 0x700, 0, MAXH2C + 4, false, 0, 5, 0 },
	{ "beyond the R2T", 512, 0, 0x700, 512, MAXH2C, false, 0, 4, 0 },
	{ "starts behind the R2T", 0, 0, 0x700, MAXH2C, 512, false, 0, 4, 0 },
	{ "starts before the GET", 0, 0, 0x700, -4u, 512, false, 0, 4, 0 },
	{ "starts far away", 0, 0, 0x700, 0x80000000u, 512, false, 0, 4, 0 },
	{ "a gap", 0, 0, 0x700, 512, 512, false, 0, 2, 0 },
	{ "the same bytes again", 512, 0, 0x700, 0, 512, false, 0, 2, 0 },
	{ "LAST too early", 0, 0, 0x700, 0, 512, true, 0, 2, 0 },
	{ "LAST missing", 0, 0, 0x700, 0, MAXH2C, false, 0, 2, 0 },
	{ "LAST missing at the end of parts", 512, 0, 0x700, 512, MAXH2C - 512, false, 0, 2, 0 },
	{ "bytes of the R2T before", MAXH2C, 1, 0x700, 0, 512, false, 0, 4, 0 },
};
#define CASES (int)(sizeof(cases) / sizeof(cases[0]))

START_TEST(test_bad_h2c)
{
	const struct h2c_case *k = &cases[_i / 2];
	const struct acc_opts o = { .digests = _i & 1 ? 3 : 0 };
	uint16_t ttag[2], buf = start_get(&o, k->sent, ttag);
	uint16_t tag = k->tag == 1 ? ttag[1] : (uint16_t)(ttag[0] ^ k->tag);
	struct send s = h2c(&peers[QP], k->cccid, tag, GET_BASE + k->off, wire, k->len, k->last);
	uint32_t before = completions(QP, buf);

	put32(s.hdr + 16, k->len + (uint32_t)k->datal);
	host_sends(QP, s);
	expect_term(&peers[QP], k->fes, k->fei, s.hdr, 24);
	ck_assert_msg(before == 0, "%s", k->what);
	run_ms(1200);
	expect_reply(QP, buf, EPROTO, 0);
	ck_assert_uint_eq(last_event(QP)->dw[2], k->fes | 1u << 31);
	ck_assert_int_eq(nt_conns[QP].state, NT_IDLE);
}
END_TEST

/* Data for nobody: before any command, after the GET, after the response. */
START_TEST(test_h2c_for_nobody)
{
	struct send s;

	open_ctl(QP, &(struct acc_opts){ .maxh2cdata = MAXH2C });
	if (_i) {
		struct peer *p = &peers[QP];
		struct pdu d;
		uint16_t buf;

		host_sends_cmd(QP, 1, NULL, 0);
		buf = expect_capsule(QP, 1, NULL, 0);
		reply_start(QP, buf,
			    &(struct reply){ .op = WEFT_OP_GET_DATA,
					     .flags = IN,
					     .len = 512,
					     .addr = BUF,
					     .cccid = 1 });
		d = expect_r2t(p, 1, 0, 512);
		s = h2c(p, 1, ttag_of(&d), 0, wire, 512, true);
		host_sends(QP, s);
		expect_reply(QP, buf, 0, 512);
		if (_i == 2)
			respond(QP, buf, 1);
	} else {
		s = h2c(&peers[QP], 1, 0, 0, wire, 512, true);
	}
	host_sends(QP, s);
	expect_fault(1, 10, &s, 24);
}
END_TEST

/* Numbers of R2Ts go on from command to command of a slot: the last command's tags mean nothing to the next. */
START_TEST(test_stale_tags)
{
	struct peer *p = &peers[QP];
	uint16_t old[20];
	struct send s;

	open_ctl(QP, &(struct acc_opts){ .sq_log2 = 1, .maxr2t = 3, .maxh2cdata = MAXH2C });
	for (uint16_t k = 0; k < 20; k++) {
		struct pdu d;
		uint16_t buf;

		host_sends_cmd(QP, k, NULL, 0);
		buf = expect_capsule(QP, k, NULL, 0);
		ck_assert_uint_eq(buf, 0);
		reply_start(QP, buf,
			    &(struct reply){ .op = WEFT_OP_GET_DATA,
					     .flags = IN,
					     .len = 512,
					     .addr = BUF,
					     .cccid = k });
		d = expect_r2t(p, k, 0, 512);
		old[k] = ttag_of(&d);
		for (uint16_t i = 0; i < k; i++)
			ck_assert_uint_ne(old[i], old[k]);
		if (k == 19)
			break;
		host_sends(QP, h2c(p, k, old[k], 0, wire, 512, true));
		expect_reply(QP, buf, 0, 512);
		respond(QP, buf, k);
	}
	s = h2c(p, 19, old[18], 0, wire, 512, true);
	host_sends(QP, s);
	expect_term(p, 1, 10, s.hdr, 24);
	run_ms(1200);
	expect_reply(QP, 0, EPROTO, 0);
}
END_TEST

START_TEST(test_h2c_shape)
{
	static const struct bend shapes[] = {
		{ "HLEN 28", 0, false, 2, 1, 28, 1, 2, 28 },
		{ "PDO 20", 0, false, 3, 1, 20, 1, 3, 24 },
		{ "PLEN 24: no data", 0, false, 4, 4, 24, 1, 4, 24 },
		{ "DATAL 0 and so is PLEN", 0, false, 4, 4, 23, 1, 3, 24 },
		{ "HDGSTF", 0, false, 1, 1, 1, 1, 1, 24 },
		{ "DDGSTF", 0, false, 1, 1, 2, 1, 1, 24 },
		{ "PLEN 2 GiB", 0, false, 4, 4, 0x80000000, 1, 16, 24 },
	};
	const struct bend *b = &shapes[_i];
	uint16_t ttag[2], buf = start_get(&(struct acc_opts){ 0 }, 0, ttag);
	struct send s = h2c(&peers[QP], 0x700, ttag[0], GET_BASE, wire, 512, false);

	bend_header(&s, b->at, b->bytes, b->val);
	s.hlen = s.hdr[2];
	host_sends(QP, s);
	expect_term(&peers[QP], b->fes, b->fei, s.hdr, b->copied);
	run_ms(1200);
	expect_reply(QP, buf, EPROTO, 0);
}
END_TEST

/* A program submits junk for a command that a GET is under way for, past the ring engine: the GET does not notice. */
START_TEST(test_get_overwritten)
{
	struct weft_sq_entry junk;
	uint16_t ttag[2], buf = start_get(&(struct acc_opts){ 0 }, 0, ttag);
	struct peer *p = &peers[QP];

	memset(&junk, 0xff, sizeof(junk));
	fake_submit(QP, slot_of(QP, buf), &junk);
	run();
	ck_assert_uint_eq(completion(QP, buf)->status, EOPNOTSUPP);
	for (uint32_t k = 0, off = 0; off < GET_LEN; k++, off += MAXH2C) {
		uint32_t n = GET_LEN - off < MAXH2C ? GET_LEN - off : MAXH2C;

		if (k == 2) {
			struct pdu d = expect_r2t(p, 0x700, GET_BASE + off, n);

			ttag[0] = ttag_of(&d);
		}
		host_sends(QP, h2c(p, 0x700, ttag[k & 1], GET_BASE + off, wire, n, true));
	}
	ck_assert_uint_eq(completion(QP, buf)->data_len, GET_LEN);
}
END_TEST

void tests_ctl_fault(Suite *s)
{
	TCase *t = tcase_create("ctl_fault");

	tcase_add_checked_fixture(t, fw_start, fw_teardown);
	tcase_set_timeout(t, 30);
	tcase_add_loop_test(t, test_bent_capsule, 0, BENDS);
	tcase_add_loop_test(t, test_tolerated, 0, 4);
	tcase_add_loop_test(t, test_wrong_hdgst, 0, 2);
	tcase_add_loop_test(t, test_host_gives_up, 0, 3);
	tcase_add_loop_test(t, test_bent_icreq, 0, FIRSTS);
	tcase_add_test(t, test_odd_icreq);
	tcase_add_loop_test(t, test_bad_h2c, 0, CASES * 2);
	tcase_add_loop_test(t, test_h2c_for_nobody, 0, 3);
	tcase_add_test(t, test_stale_tags);
	tcase_add_loop_test(t, test_h2c_shape, 0, 7);
	tcase_add_test(t, test_get_overwritten);
	suite_add_tcase(s, t);
}
