/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every rule a controller's PDU can break ends in an H2CTermReq that names it and copies the header, then FIN; every command
 * completes with EPROTO, and the event tells the FES.
 */
#include "nvme_helper.h"

#include <errno.h>
#include <string.h>

#define IN WEFT_SQF_DATA_IN
#define OUT WEFT_SQF_DATA_OUT
#define LAST PDU_F_LAST
#define SUCCESS PDU_F_SUCCESS

/* Commands that are outstanding: a read and a write of 8 KiB each, one without data, a write in the capsule. */
enum { READ = 3, WRITE, PLAIN, INCAP, UNUSED };
enum base { C2H, RESP, R2T };
/* What goes well before */
enum before {
	NOTHING,
	HALF_READ,
	ALL_READ,
	READ_LAST_SHORT,
	ANSWERED,
	ANSWERED_UNACKED,
	ONE_R2T,
	R2T_OPEN,
	SUCCEEDED
};

static const struct row {
	const char *what;
	enum base base;
	uint16_t cid;
	uint32_t off, len;
	uint8_t flags;
	enum before before;
	uint8_t at, width; /* bytes of the header overwritten with value */
	uint32_t value;
	uint16_t fes;
	uint32_t fei;
} rows[] = {
	/* common header */
	{ "type KDResp", C2H, READ, 0, 512, 0, NOTHING, 0, 1, 0x0b, 1, 0 },
	{ "type ICReq", RESP, READ, 0, 0, 0, NOTHING, 0, 1, 0x00, 1, 0 },
	{ "type H2CTermReq", RESP, READ, 0, 0, 0, NOTHING, 0, 1, 0x02, 1, 0 },
	{ "type CapsuleCmd", RESP, READ, 0, 0, 0, NOTHING, 0, 1, 0x04, 1, 0 },
	{ "type H2CData", C2H, READ, 0, 512, 0, NOTHING, 0, 1, 0x06, 1, 0 },
	{ "type 08", RESP, READ, 0, 0, 0, NOTHING, 0, 1, 0x08, 1, 0 },
	{ "type FF", RESP, READ, 0, 0, 0, NOTHING, 0, 1, 0xff, 1, 0 },
	{ "second ICResp", RESP, READ, 0, 0, 0, NOTHING, 0, 1, 0x01, 2, 0 },
	{ "header digest flag", RESP, READ, 0, 0, 0, NOTHING, 1, 1, 0x01, 1, 1 },
	{ "header digest flag, R2T", R2T, WRITE, 0, 512, 0, NOTHING, 1, 1, 0x01, 1, 1 },
	{ "header digest flag, data", C2H, READ, 0, 512, 0, NOTHING, 1, 1, 0x01, 1, 1 },
	{ "data digest flag", C2H, READ, 0, 512, 0, NOTHING, 1, 1, 0x02, 1, 1 },
	{ "SUCCESS without LAST", C2H, READ, 0, 8192, SUCCESS, NOTHING, 0, 0, 0, 1, 1 },
	{ "HLEN 20, data", C2H, READ, 0, 512, 0, NOTHING, 2, 1, 20, 1, 2 },
	{ "HLEN 32, response", RESP, READ, 0, 0, 0, NOTHING, 2, 1, 32, 1, 2 },
	{ "HLEN 8, R2T", R2T, WRITE, 0, 512, 0, NOTHING, 2, 1, 8, 1, 2 },
	{ "HLEN 7", RESP, READ, 0, 0, 0, NOTHING, 2, 1, 7, 1, 2 },
	{ "HLEN 129", C2H, READ, 0, 512, 0, NOTHING, 2, 1, 129, 1, 2 },
	{ "PDO 20", C2H, READ, 0, 512, 0, NOTHING, 3, 1, 20, 1, 3 },
	{ "PDO 0", C2H, READ, 0, 512, 0, NOTHING, 3, 1, 0, 1, 3 },
	{ "PDO not aligned", C2H, READ, 0, 512, 0, NOTHING, 3, 1, 26, 1, 3 },
	{ "PDO beyond the PDU", C2H, READ, 0, 4, 0, NOTHING, 3, 1, 32, 1, 3 },
	{ "PLEN 28, response", RESP, READ, 0, 0, 0, NOTHING, 4, 4, 28, 1, 4 },
	{ "PLEN 23, response", RESP, READ, 0, 0, 0, NOTHING, 4, 4, 23, 1, 4 },
	{ "PLEN huge, R2T", R2T, WRITE, 0, 512, 0, NOTHING, 4, 4, 0x80000018, 1, 4 },
	{ "PLEN too long for DATAL", C2H, READ, 0, 512, 0, NOTHING, 4, 4, 24 + 516, 1, 16 },
	{ "DATAL too long for PLEN", C2H, READ, 0, 512, 0, NOTHING, 16, 4, 516, 1, 16 },
	{ "DATAL 0 for data", C2H, READ, 0, 512, 0, NOTHING, 16, 4, 0, 1, 16 },
	{ "DATAL huge", C2H, READ, 0, 512, 0, NOTHING, 16, 4, 0xfffffe00, 1, 16 },
	/* C2HData */
	{ "CCCID unused", C2H, UNUSED, 0, 512, 0, NOTHING, 0, 0, 0, 1, 8 },
	{ "CCCID beyond the ring", C2H, ENTRIES, 0, 512, 0, NOTHING, 0, 0, 0, 1, 8 },
	{ "CCCID FFFF", C2H, 0xffff, 0, 512, 0, NOTHING, 0, 0, 0, 1, 8 },
	{ "CCCID completed", C2H, READ, 0, 512, 0, ANSWERED, 0, 0, 0, 1, 8 },
	{ "gap at the start", C2H, READ, 512, 512, 0, NOTHING, 0, 0, 0, 2, 0 },
	{ "gap", C2H, READ, 4100, 512, 0, HALF_READ, 0, 0, 0, 2, 0 },
	{ "overlap", C2H, READ, 4092, 512, 0, HALF_READ, 0, 0, 0, 2, 0 },
	{ "the same again", C2H, READ, 0, 4096, 0, HALF_READ, 0, 0, 0, 2, 0 },
	{ "after LAST", C2H, READ, 4096, 512, 0, READ_LAST_SHORT, 0, 0, 0, 2, 0 },
	{ "after LAST and all", C2H, READ, 8192, 4, LAST, ALL_READ, 0, 0, 0, 2, 0 },
	{ "for a write", C2H, WRITE, 0, 512, 0, NOTHING, 0, 0, 0, 2, 0 },
	{ "for a write in the capsule", C2H, INCAP, 0, 512, 0, NOTHING, 0, 0, 0, 2, 0 },
	{ "for a command without data", C2H, PLAIN, 0, 512, 0, NOTHING, 0, 0, 0, 2, 0 },
	{ "beyond the buffer", C2H, READ, 0, 8196, 0, NOTHING, 0, 0, 0, 4, 0 },
	{ "end beyond the buffer", C2H, READ, 4096, 4100, 0, HALF_READ, 0, 0, 0, 4, 0 },
	{ "all beyond the buffer", C2H, READ, 8192, 4, 0, HALF_READ, 0, 0, 0, 4, 0 },
	{ "offset wraps", C2H, READ, 0xfffffffc, 512, 0, NOTHING, 0, 0, 0, 4, 0 },
	{ "after the response", C2H, READ, 0, 512, 0, ANSWERED_UNACKED, 0, 0, 0, 2, 0 },
	{ "after SUCCESS", C2H, READ, 0, 512, 0, SUCCEEDED, 0, 0, 0, 1, 8 },
	/* CapsuleResp */
	{ "CID unused", RESP, UNUSED, 0, 0, 0, NOTHING, 0, 0, 0, 1, 20 },
	{ "CID beyond the ring", RESP, ENTRIES, 0, 0, 0, NOTHING, 0, 0, 0, 1, 20 },
	{ "CID FFFF", RESP, 0xffff, 0, 0, 0, NOTHING, 0, 0, 0, 1, 20 },
	{ "second response", RESP, READ, 0, 0, 0, ANSWERED, 0, 0, 0, 1, 20 },
	{ "second response, first waits for its ack", RESP, READ, 0, 0, 0, ANSWERED_UNACKED, 0, 0,
	  0, 1, 20 },
	{ "response after SUCCESS", RESP, READ, 0, 0, 0, SUCCEEDED, 0, 0, 0, 1, 20 },
	/* R2T */
	{ "R2T CCCID unused", R2T, UNUSED, 0, 512, 0, NOTHING, 0, 0, 0, 1, 8 },
	{ "R2T CCCID beyond the ring", R2T, ENTRIES, 0, 512, 0, NOTHING, 0, 0, 0, 1, 8 },
	{ "R2T for a read", R2T, READ, 0, 512, 0, NOTHING, 0, 0, 0, 1, 8 },
	{ "R2T for a command without data", R2T, PLAIN, 0, 512, 0, NOTHING, 0, 0, 0, 1, 8 },
	{ "R2T for a write in the capsule", R2T, INCAP, 0, 512, 0, NOTHING, 0, 0, 0, 1, 8 },
	{ "R2T for a completed command", R2T, READ, 0, 512, 0, ANSWERED, 0, 0, 0, 1, 8 },
	{ "R2TL 0", R2T, WRITE, 0, 0, 0, NOTHING, 0, 0, 0, 1, 16 },
	{ "R2T starts late", R2T, WRITE, 512, 512, 0, NOTHING, 0, 0, 0, 2, 0 },
	{ "R2T leaves a gap", R2T, WRITE, 4100, 512, 0, ONE_R2T, 0, 0, 0, 2, 0 },
	{ "R2T overlaps", R2T, WRITE, 4092, 512, 0, ONE_R2T, 0, 0, 0, 2, 0 },
	{ "R2T again", R2T, WRITE, 0, 4096, 0, ONE_R2T, 0, 0, 0, 2, 0 },
	{ "R2T beyond the buffer", R2T, WRITE, 0, 8196, 0, NOTHING, 0, 0, 0, 4, 0 },
	{ "R2T end beyond the buffer", R2T, WRITE, 4096, 4100, 0, ONE_R2T, 0, 0, 0, 4, 0 },
	{ "R2T offset wraps", R2T, WRITE, 0xfffffffc, 8, 0, NOTHING, 0, 0, 0, 4, 0 },
	{ "R2T length wraps", R2T, WRITE, 4, 0xfffffffc, 0, NOTHING, 0, 0, 0, 4, 0 },
	{ "R2T above MAXR2T", R2T, WRITE, 4096, 4096, 0, R2T_OPEN, 0, 0, 0, 5, 0 },
	{ "R2T after the response", R2T, WRITE, 0, 512, 0, ANSWERED_UNACKED, 0, 0, 0, 2, 0 },
};
#define ROWS ((int)(sizeof(rows) / sizeof(rows[0])))

static void open_with_commands(const struct conn_opts *o)
{
	connect_qp(QP, o);
	submit(QP, READ, &(struct cmd){ .flags = IN, .len = 8192, .addr = BUF });
	submit(QP, WRITE, &(struct cmd){ .flags = OUT, .len = 8192, .addr = BUF + 0x10000 });
	submit(QP, PLAIN, &(struct cmd){ 0 });
	submit(QP, INCAP, &(struct cmd){ .flags = OUT | WEFT_SQF_ICD, .len = 8192, .addr = BUF });
	for (int i = 0; i < 4; i++)
		expect_pdu(&peers[QP], PDU_CAPSULE_CMD);
}

static void good_c2h(uint32_t off, uint32_t len, uint8_t flags)
{
	struct send s = c2h(&peers[QP], READ, off, wire + off, len, flags);

	ctrl_send(&peers[QP], &s);
}

static void good_r2t(uint32_t off, uint32_t len)
{
	struct send s = r2t(&peers[QP], WRITE, 1, off, len);

	ctrl_send(&peers[QP], &s);
}

/* The commands' data is not acknowledged: submitted again as READ and WRITE would be, on fresh commands. */
static void unacked(struct peer *p)
{
	p->hold_acks = true;
	send_resp(QP, READ);
	send_resp(QP, WRITE);
	completion(QP, READ);
	completion(QP, WRITE);
	submit(QP, READ, &(struct cmd){ .flags = IN, .len = 8192, .addr = BUF });
	submit(QP, WRITE, &(struct cmd){ .flags = OUT, .len = 8192, .addr = BUF + 0x10000 });
	send_resp(QP, READ);
	send_resp(QP, WRITE);
	expect_pdu(p, PDU_CAPSULE_CMD);
	expect_pdu(p, PDU_CAPSULE_CMD);
}

static void prepare(enum before b)
{
	struct peer *p = &peers[QP];

	switch (b) {
	case NOTHING:
		break;
	case HALF_READ:
		good_c2h(0, 4096, 0);
		break;
	case ALL_READ:
		good_c2h(0, 8192, LAST);
		break;
	case READ_LAST_SHORT:
		good_c2h(0, 4096, LAST);
		break;
	case ANSWERED:
		good_c2h(0, 8192, LAST);
		send_resp(QP, READ);
		expect_ok(QP, READ, 8192);
		break;
	case ANSWERED_UNACKED:
		unacked(p);
		break;
	case ONE_R2T:
		good_r2t(0, 4096);
		expect_h2c(p, WRITE, 1, 0, 4096, true, fake_host + BUF + 0x10000);
		break;
	case R2T_OPEN: /* the data cannot be queued: all of this connection's PDUs are under way */
		nt_conns[QP].pdus_out += NT_PDUS_PER_CONN;
		good_r2t(0, 4096);
		nt_conns[QP].pdus_out -= NT_PDUS_PER_CONN;
		expect_no_pdu(p);
		break;
	case SUCCEEDED:
		good_c2h(0, 8192, LAST | SUCCESS);
		ck_assert_uint_eq(completion(QP, READ)->flags, WEFT_CQF_SYNTH);
		break;
	}
}

static struct send build(const struct row *r)
{
	struct peer *p = &peers[QP];
	struct send s;

	if (r->base == C2H)
		s = c2h(p, r->cid, r->off, wire, r->len, r->flags);
	else if (r->base == RESP)
		s = resp(p, r->cid, 0, 0);
	else
		s = r2t(p, r->cid, 7, r->off, r->len);
	for (uint32_t i = 0; i < r->width; i++)
		s.hdr[r->at + i] = (uint8_t)(r->value >> 8 * i);
	return s;
}

static void expect_end(uint32_t fes)
{
	run_ms(20);
	ck_assert_int_eq(nt_conns[QP].state, NT_IDLE);
	ck_assert_uint_eq(events_of(QP), 1);
	ck_assert_uint_eq(last_event(QP)->dw[0], WEFT_EV_CONN_ERROR);
	ck_assert_uint_eq(last_event(QP)->dw[1], EPROTO);
	ck_assert_uint_eq(last_event(QP)->dw[2], fes | 1u << 31);
}

START_TEST(test_fault)
{
	const struct row *r = &rows[_i];
	static const struct conn_opts o;
	struct peer *p = &peers[QP];
	struct send s;
	uint32_t copied;

	open_with_commands(&o);
	prepare(r->before);
	s = build(r);
	copied = s.hdr[2] >= 8 && s.hdr[2] <= 128 ? s.hdr[2] : 8;
	if (s.hdr[2] > 24) { /* as many header bytes as it says */
		peer_send(p, s.hdr, 128);
		ck_assert_uint_le(copied, 128);
	} else {
		ctrl_send(p, &s);
	}
	p->hold_acks = false;
	peer_ack(p);
	expect_term(p, r->fes, r->fei, s.hdr, copied);
	expect_end(r->fes);
	if (r->before == ANSWERED_UNACKED) { /* what was answered stands */
		ck_assert_uint_eq(completion(QP, READ)->status, 0);
		ck_assert_uint_eq(completion(QP, WRITE)->status, 0);
	} else if (r->before != ANSWERED && r->before != SUCCEEDED) {
		ck_assert_uint_eq(completion(QP, READ)->status, EPROTO);
	}
	ck_assert_uint_eq(completion(QP, PLAIN)->status, EPROTO);
	ck_assert_uint_eq(completion(QP, INCAP)->status, EPROTO);
}
END_TEST

/* Header digest: FES 3, FEI the value received; in front of everything else. */
START_TEST(test_header_digest)
{
	const struct conn_opts o = { .digests = 3 };
	struct peer *p = &peers[QP];
	struct row r = { .base = (enum base)(_i % 3),
			 .cid = _i % 3 == R2T ? WRITE : READ,
			 .len = 512 };
	struct send s;

	open_with_commands(&o);
	if (_i >= 3)
		r.cid = 0xffff;
	s = build(&r);
	s.bend_hdgst = 0x10000;
	ctrl_send(p, &s);
	expect_term(p, 3, crc32c(s.hdr, 24) ^ 0x10000, s.hdr, 24);
	expect_end(3);
}
END_TEST

/* Digests agreed, flags missing. */
START_TEST(test_digest_flags)
{
	static const struct {
		enum base base;
		uint8_t clear;
	} cases[] = { { C2H, PDU_F_HDGST },
		      { C2H, PDU_F_DDGST },
		      { RESP, PDU_F_HDGST },
		      { R2T, PDU_F_HDGST } };
	const struct conn_opts o = { .digests = 3 };
	struct row r = { .base = cases[_i].base, .cid = READ, .len = 512 };
	struct send s;

	open_with_commands(&o);
	s = build(&r);
	s.hdr[1] &= (uint8_t)~cases[_i].clear;
	ctrl_send(&peers[QP], &s);
	expect_term(&peers[QP], 1, 1, s.hdr, 24);
	expect_end(1);
}
END_TEST

/* Data length with digests and alignment: HPDA 3 and PDO 40 is no multiple of 16; PLEN without room for the digest. */
START_TEST(test_aligned_data)
{
	const struct conn_opts o = { .digests = DGST_D, .hpda = 3 };
	struct send s;

	open_with_commands(&o);
	s = c2h(&peers[QP], READ, 0, wire, 512, 0);
	if (_i == 0)
		s.hdr[3] = 40;
	else
		put32(s.hdr + 4, s.hdr[3] + 3u);
	ctrl_send(&peers[QP], &s);
	expect_term(&peers[QP], 1, _i ? 4 : 3, s.hdr, 24);
	expect_end(1);
}
END_TEST

/* A header in many pieces is a header. */
START_TEST(test_header_in_pieces)
{
	static const struct conn_opts o;
	struct peer *p = &peers[QP];
	struct send s;

	open_with_commands(&o);
	s = resp(p, PLAIN, 0xc0000000u + PLAIN, 0);
	for (int i = 0; i < 24; i++) {
		ck_assert_uint_eq(completions(QP, PLAIN), 0);
		peer_send(p, s.hdr + i, 1);
	}
	expect_ok(QP, PLAIN, 0);
}
END_TEST

/* The peer floods after the TermReq: nothing is kept, its FIN gets through. */
START_TEST(test_flood_after_fault)
{
	static const struct conn_opts o;
	uint8_t junk[24] = { 0x0c, 0, 24, 0, 24 };
	struct peer *p = &peers[QP];

	open_with_commands(&o);
	fin_answered = false;
	peer_send(p, junk, sizeof(junk));
	expect_term(p, 1, 0, junk, 24);
	for (int i = 0; i < 10; i++)
		peer_send(p, wire, 60000);
	ck_assert_uint_eq(fake_cells_used(), 0);
	peer_fin(p);
	run();
	expect_end(1);
}
END_TEST

/* No record left for a TermReq: RST instead. */
START_TEST(test_no_record)
{
	static const struct conn_opts o;
	uint8_t junk[24] = { 0x0c, 0, 24, 0, 24 };
	struct peer *p = &peers[QP];
	uint32_t used = take_all_records();

	give_back_records(1);
	open_with_commands(&o); /* ICReq takes one, and gives it back */
	ck_assert_uint_eq(take_all_records(), 1);
	peer_send(p, junk, sizeof(junk));
	expect_no_pdu(p);
	ck_assert(p->got_rst);
	expect_end(1);
	give_back_records(used);
}
END_TEST

START_TEST(test_no_record_to_connect)
{
	static const struct conn_opts o;
	uint32_t used = take_all_records();
	uint16_t cid = connect_start(QP, &o);

	ck_assert_uint_eq(completion(0, cid)->status, ENOBUFS);
	give_back_records(used);
	connect_qp(QP, &o);
}
END_TEST

void tests_fault(Suite *s)
{
	TCase *t = tcase_create("fault");

	tcase_add_checked_fixture(t, fw_start, fw_teardown);
	tcase_set_timeout(t, 20);
	tcase_add_loop_test(t, test_fault, 0, ROWS);
	tcase_add_loop_test(t, test_header_digest, 0, 6);
	tcase_add_loop_test(t, test_digest_flags, 0, 4);
	tcase_add_loop_test(t, test_aligned_data, 0, 2);
	tcase_add_test(t, test_header_in_pieces);
	tcase_add_test(t, test_flood_after_fault);
	tcase_add_test(t, test_no_record);
	tcase_add_test(t, test_no_record_to_connect);
	suite_add_tcase(s, t);
}
