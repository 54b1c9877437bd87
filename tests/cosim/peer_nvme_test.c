// SPDX-License-Identifier: BSD-2-Clause
/* The scripted peer's NVMe/TCP, against a host made of bytes: is the judge itself right? */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "peer_fixture.h"

/* --- NVMe/TCP -------------------------------------------------------------------------------------------------------------------------- */

/* Sends what an R2T asks for, in H2CData of at most max bytes. Returns its length. */
static uint32_t answer_r2t(const uint8_t *r2t, const uint8_t *data, uint32_t max)
{
	uint32_t off, left, all, n;
	uint8_t m[24];

	memcpy(&off, r2t + 12, 4);
	memcpy(&all, r2t + 16, 4);
	for (left = all; left; left -= n, off += n) {
		n = left < max ? left : max;
		memset(m, 0, sizeof(m));
		m[0] = 6;
		m[1] = n == left ? 4 : 0;
		m[2] = 24;
		memcpy(m + 8, r2t + 8, 4);
		memcpy(m + 12, &off, 4);
		memcpy(m + 16, &n, 4);
		host_pdu(h, m, data + off, n);
	}
	return all;
}

START_TEST(reads_and_writes_of_every_kind)
{
	struct peer_params params = { .r2t_bytes = _i & 4 ? 16384 : 0,
				      .c2h_bytes = _i & 4 ? 8192 : 0,
				      .maxh2cdata = _i & 8 ? 4096 : 0,
				      .cpda = 0 };
	static uint8_t out[65536], in[65536], data[65536];
	uint8_t sqe[64], head[128];
	uint32_t dw0, off, sent = 0;
	uint16_t cid, status;
	size_t len, got = 0;

	open_peer(&params);
	io(_i & 3, 0, 2);
	pattern(out, sizeof(out), 77);
	rw(sqe, 1, 3, 0x01, 8, 4096);
	host_capsule(h, sqe, out, 4096);
	ck_assert(host_response(h, &cid, &status, &dw0));
	ck_assert_uint_eq(cid, 3);
	ck_assert_uint_eq(status, 0);
	ck_assert(!memcmp(peer_ram(p, NULL) + 4096, out, 4096));
	rw(sqe, 1, 4, 0x5a, 1024, 65536);
	host_capsule(h, sqe, NULL, 0);
	while (sent < 65536) {
		ck_assert(host_next(h, head, data, &len));
		ck_assert_uint_eq(head[0], 9);
		ck_assert_uint_eq(head[8], 4);
		memcpy(&off, head + 12, 4);
		ck_assert_uint_eq(off, sent);
		sent += answer_r2t(head, out, _i & 8 ? 4096 : 131072);
	}
	ck_assert(host_response(h, &cid, &status, &dw0));
	ck_assert_uint_eq(cid, 4);
	ck_assert_uint_eq(status, 0);
	rw(sqe, 2, 5, 0x5a, 1024, 65536);
	host_capsule(h, sqe, NULL, 0);
	while (got < 65536) {
		ck_assert(host_next(h, head, data, &len));
		ck_assert_uint_eq(head[0], 7);
		memcpy(&off, head + 12, 4);
		ck_assert_uint_eq(off, got);
		memcpy(in + got, data, len);
		got += len;
		ck_assert_uint_eq(!!(head[1] & 4), got == 65536);
	}
	ck_assert(host_response(h, &cid, &status, &dw0));
	ck_assert(!memcmp(in, out, sizeof(in)));
	ck_assert_uint_eq(peer_commands(p), 0);
	no_complaints();
	close_peer();
}
END_TEST

START_TEST(success_flag_without_flow_control)
{
	uint8_t sqe[64], head[128], data[4096];
	size_t len;
	uint16_t cid, status;
	uint32_t dw0;

	open_peer(NULL);
	io(3, 4, 1);
	rw(sqe, 2, 5, 0x5a, 0, 4096);
	host_capsule(h, sqe, NULL, 0);
	ck_assert(host_next(h, head, data, &len));
	ck_assert_uint_eq(head[1], 0x0f);
	rw(sqe, 2, 6, 0x5a, 1 << 20, 4096);
	host_capsule(h, sqe, NULL, 0);
	ck_assert(host_response(h, &cid, &status, &dw0));
	ck_assert_uint_eq(cid, 6);
	ck_assert_uint_eq(status, 0x4080);
	close_peer();
}
END_TEST

/*
 * Each breach with the TermReq that the standard names: an H2CData for an R2T of 16 KiB, good but for the bytes named here.
 * len: of its data.
 */
static const struct breach {
	const char *what;
	uint16_t fes;
	uint32_t fei, len;
	uint8_t at[4], value[4]; /* at 0, value 6 or at 1, value 0: nothing changes */
} breaches[] = {
	{ "unknown type", 1, 0, 8192, { 0 }, { 0x0d } },
	{ "type of the controller", 1, 0, 8192, { 0 }, { 7 } },
	{ "HLEN", 1, 2, 8192, { 0, 2 }, { 6, 32 } },
	{ "PLEN too short", 1, 4, 0, { 0, 4 }, { 6, 20 } },
	{ "ICReq again", 2, 0, 8192, { 0, 2 }, { 0, 128 } },
	{ "reserved flag", 1, 1, 8192, { 0, 1 }, { 6, 0x10 } },
	{ "TTAG", 1, 10, 8192, { 0, 10 }, { 6, 0x77 } },
	{ "CCCID", 1, 8, 8192, { 0, 8 }, { 6, 0x77 } },
	{ "DATAL and PLEN", 1, 16, 8192, { 0, 16, 17 }, { 6, 4, 0 } },
	{ "beyond the R2T", 4, 0, 8192, { 0, 13 }, { 6, 0x30 } },
	{ "DATAO not next", 2, 0, 8192, { 0, 13 }, { 6, 0x10 } },
	{ "LAST early", 2, 0, 8192, { 0, 1 }, { 6, 4 } },
	{ "above MAXH2CDATA", 5, 0, 12288, { 0 }, { 6 } },
	{ "PDO inside the header", 1, 3, 8192, { 0, 3, 4, 5 }, { 6, 20, 24, 0x20 } },
};

/* An R2T for 16 KiB stands open; m becomes the head of a good H2CData that answers it. */
static void h2c_head(uint8_t *m, uint32_t len, uint8_t digests)
{
	struct peer_params params = { .maxh2cdata = 8192 };
	uint8_t sqe[64], head[128], data[16];
	size_t n;

	open_peer(&params);
	io(digests, 0, 1);
	rw(sqe, 1, 4, 0x5a, 0, 16384);
	host_capsule(h, sqe, NULL, 0);
	ck_assert(host_next(h, head, data, &n));
	ck_assert_uint_eq(head[0], 9);
	memset(m, 0, 128);
	m[0] = 6;
	m[2] = 24;
	memcpy(m + 8, head + 8, 4);
	memcpy(m + 16, &len, 4);
}

static void expect_term(const char *what, uint16_t fes, uint32_t fei, uint8_t type)
{
	uint8_t head[128], bad[128];
	uint16_t got_fes;
	uint32_t got_fei;
	size_t len;

	ck_assert_msg(host_next(h, head, bad, &len), "%s: no answer", what);
	ck_assert_uint_eq(head[0], 3);
	memcpy(&got_fes, head + 8, 2);
	memcpy(&got_fei, head + 10, 4);
	ck_assert_msg(got_fes == fes, "%s: FES %u", what, got_fes);
	ck_assert_msg(got_fei == fei, "%s: FEI %u", what, got_fei);
	ck_assert_uint_ge(peer_complaints(p, NULL), 1);
	ck_assert_uint_eq(bad[0], type);
	close_peer();
}

START_TEST(breaches_get_their_term_req)
{
	static const uint8_t data[16384];
	const struct breach *b = &breaches[_i];
	uint8_t m[128];
	unsigned int i;

	h2c_head(m, b->len, 0);
	for (i = 0; i < 4; i++)
		if (b->at[i] || !i)
			m[b->at[i]] = b->value[i];
	host_pdu(h, m, data, b->len);
	expect_term(b->what, b->fes, b->fei, m[0]);
}
END_TEST

START_TEST(missing_last_flag)
{
	static const uint8_t data[8192];
	uint8_t m[128];

	h2c_head(m, 8192, 0);
	host_pdu(h, m, data, 8192);
	memset(m + 4, 0, 4);
	m[3] = 0;
	m[13] = 0x20;
	host_pdu(h, m, data, 8192);
	expect_term("LAST missing", 2, 0, 6);
}
END_TEST

START_TEST(header_digest_wrong_or_missing)
{
	static const uint8_t data[8192];
	uint8_t m[128];

	h2c_head(m, 8192, 1);
	if (_i) {
		h->hdgst = false;
		host_pdu(h, m, data, 8192);
		expect_term("HDGSTF missing", 1, 1, 6);
		return;
	}
	m[1] = 1;
	m[3] = m[4] = 28;
	m[5] = 0x20;
	memcpy(m + 24, "\1\2\3\4", 4);
	host_send(h, m, 28);
	expect_term("header digest", 3, 0x04030201, 6);
}
END_TEST

START_TEST(a_wrong_data_digest_fails_the_command_alone)
{
	uint8_t sqe[64], out[72 + 4 + 512 + 4] = { 4, 3, 72, 76 };
	uint16_t cid, status;
	uint32_t dw0, crc;

	open_peer(NULL);
	io(3, 0, 1);
	rw(sqe, 1, 4, 0x01, 0, 512);
	le16(out + 4, sizeof(out));
	memcpy(out + 8, sqe, 64);
	crc = host_crc(out, 72);
	memcpy(out + 72, &crc, 4);
	host_send(h, out, sizeof(out));
	ck_assert(host_response(h, &cid, &status, &dw0));
	ck_assert_uint_eq(status, 0x22);
	rw(sqe, 1, 5, 0x01, 0, 512);
	host_capsule(h, sqe, out, 512);
	ck_assert(host_response(h, &cid, &status, &dw0));
	ck_assert_uint_eq(status, 0);
	close_peer();
}
END_TEST

START_TEST(statuses)
{
	static const struct {
		uint8_t op, kind;
		uint32_t nsid, lba, len, nlb;
		uint16_t status;
	} cases[] = {
		{ 0x02, 0x5a, 9, 0, 512, 0, 0x400b },
		{ 0x02, 0x5a, 1, 0x7fffffff, 512, 0, 0x4080 },
		{ 0x02, 0x5a, 1, 0, 1024, 0, 0x400f },
		{ 0x77, 0x5a, 1, 0, 0, 0, 0x4001 },
		{ 0x02, 0x00, 1, 0, 512, 0, 0x4011 },
		{ 0x00, 0x00, 1, 0, 0, 0, 0 },
		{ 0x00, 0x00, 0xffffffff, 0, 0, 0, 0 },
		{ 0x08, 0x5a, 1, 4, 0, 7, 0 },
	};
	uint8_t sqe[64];
	uint16_t cid, status;
	uint32_t dw0;

	open_peer(NULL);
	io(0, 0, 1);
	memset(peer_ram(p, NULL), 7, 65536);
	rw(sqe, cases[_i].op, 4, cases[_i].kind, cases[_i].lba, cases[_i].len);
	memcpy(sqe + 4, &cases[_i].nsid, 4);
	le16(sqe + 48, cases[_i].nlb);
	host_capsule(h, sqe, NULL, 0);
	ck_assert(host_response(h, &cid, &status, &dw0));
	ck_assert_uint_eq(status, cases[_i].status);
	if (_i == 7) {
		ck_assert_uint_eq(peer_ram(p, NULL)[2047], 7);
		ck_assert_uint_eq(peer_ram(p, NULL)[2048], 0);
		ck_assert_uint_eq(peer_ram(p, NULL)[2048 + 4095], 0);
		ck_assert_uint_eq(peer_ram(p, NULL)[2048 + 4096], 7);
	}
	close_peer();
}
END_TEST

START_TEST(identify_and_discovery)
{
	uint8_t sqe[64], head[128], d[8192];
	uint16_t cid, status;
	uint32_t dw0;
	size_t len;

	open_peer(NULL);
	admin(3);
	host_sqe(sqe, 6, 7, 0, 0x5a, 4096);
	sqe[40] = 1;
	host_capsule(h, sqe, NULL, 0);
	ck_assert(host_next(h, head, d, &len));
	ck_assert_uint_eq(len, 4096);
	ck_assert_uint_eq(d[512], 0x66);
	ck_assert_str_eq((char *)d + 768, PEER_SUBNQN);
	ck_assert_uint_eq(d[1792] | d[1793] << 8, 4 + 16384 / 16);
	ck_assert(host_response(h, &cid, &status, &dw0));
	host_sqe(sqe, 0x0c, 8, 0, 0x5a, 0);
	host_capsule(h, sqe, NULL, 0);
	ck_assert_uint_eq(peer_commands(p), 0);
	ck_assert(peer_event(p, 2, 0, 4));
	ck_assert(host_response(h, &cid, &status, &dw0));
	ck_assert_uint_eq(cid, 8);
	ck_assert_uint_eq(dw0, 0x00040002);
	ck_assert(!peer_event(p, 2, 0, 4));
	host_sqe(sqe, 0x18, 9, 0, 0x5a, 0);
	host_capsule(h, sqe, NULL, 0);
	ck_assert(host_response(h, &cid, &status, &dw0));
	ck_assert_uint_eq(peer_stats(p)->keep_alives, 1);
	no_complaints();
	close_peer();
}
END_TEST

START_TEST(a_silent_host_is_closed)
{
	uint8_t sqe[64];
	uint16_t cid, status;
	uint32_t dw0;

	open_peer(NULL);
	admin(0);
	host_sqe(sqe, 9, 7, 0, 0, 0);
	sqe[40] = 0x0f;
	le16(sqe + 44, 1000);
	host_capsule(h, sqe, NULL, 0);
	ck_assert(host_response(h, &cid, &status, &dw0));
	host_wait(h, 1900000000, 1);
	ck_assert(!h->fin);
	host_wait(h, 200000000, 1);
	ck_assert(h->fin);
	close_peer();
}
END_TEST

START_TEST(random_order_of_completion)
{
	struct peer_params params = { .shuffle = true, .c2h_bytes = 1024, .seed = 4 };
	uint8_t sqe[64], head[128], d[4096];
	unsigned int i, done = 0, last = 0, inversions = 0, turns = 0, last_cid = 0;
	size_t len, got[32] = { 0 };

	open_peer(&params);
	io(0, 0, 1);
	for (i = 0; i < 32; i++) {
		memset(peer_ram(p, NULL) + i * 4096, (int)i, 4096);
		rw(sqe, 2, (uint16_t)i, 0x5a, i * 8, 4096);
		host_capsule(h, sqe, NULL, 0);
	}
	while (done < 32) {
		ck_assert(host_next(h, head, d, &len));
		if (head[0] == 5) {
			inversions += done && head[20] < last;
			last = head[20];
			ck_assert_uint_eq(got[last], 4096);
			done++;
		} else {
			turns += head[8] != last_cid;
			last_cid = head[8];
			ck_assert_uint_eq(d[0], head[8]);
			got[head[8]] += len;
		}
	}
	ck_assert_uint_ge(inversions, 5);
	ck_assert_uint_ge(turns, 40);
	no_complaints();
	close_peer();
}
END_TEST

/* Every misbehaviour of data, answers and R2Ts does happen, once, on the queue it was meant for. */
START_TEST(misbehaviour_happens)
{
	uint8_t sqe[64];
	unsigned int i;

	open_peer(NULL);
	io(3, 0, 1);
	peer_misbehave(p, (enum peer_fault)_i, 1, 2, 0x4006);
	for (i = 0; i < 2; i++) {
		ck_assert_msg(!peer_misbehaved(p), "%s came early",
			      peer_fault_name((enum peer_fault)_i));
		if ((_i >= PEER_R2T_HDGST && _i <= PEER_R2T_NONE))
			rw(sqe, 1, (uint16_t)(2 + i), 0x5a, 0, 32768);
		else
			rw(sqe, 2, (uint16_t)(2 + i), 0x5a, 0, 8192);
		host_capsule(h, sqe, NULL, 0);
		host_wait(h, 3000000, 1 << 20);
	}
	ck_assert_msg(peer_misbehaved(p), "%s", peer_fault_name((enum peer_fault)_i));
	ck_assert_str_ne(peer_fault_name((enum peer_fault)_i), "?");
	peer_resume(p);
	close_peer();
}
END_TEST

START_TEST(misbehaviour_at_the_start)
{
	uint8_t req[128] = { 0, 0, 128, 0, 128 }, head[128] = { 0 }, d[200];
	size_t len;

	open_peer(NULL);
	peer_misbehave(p, (enum peer_fault)_i, 0, 1, 6);
	ck_assert(host_connect(h, 5000, 4420));
	host_send(h, req, sizeof(req));
	if (_i == PEER_IC_NONE) {
		ck_assert(!host_next(h, head, d, &len));
	} else {
		host_wait(h, 1000000, 24);
		memcpy(head, h->stream, 128);
		ck_assert_uint_eq(head[0], _i == PEER_IC_TERM ? 3 : 1);
		ck_assert(head[8] || head[10] || head[11] || head[2] != 128 || head[4] != 128 ||
			  head[13] == 8);
	}
	ck_assert(peer_misbehaved(p));
	close_peer();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("peer-nvme");
	TCase *t = tcase_create("peer-nvme");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 20);
	tcase_add_loop_test(t, reads_and_writes_of_every_kind, 0, 16);
	tcase_add_test(t, success_flag_without_flow_control);
	tcase_add_loop_test(t, breaches_get_their_term_req, 0,
			    (int)(sizeof(breaches) / sizeof(breaches[0])));
	tcase_add_test(t, missing_last_flag);
	tcase_add_loop_test(t, header_digest_wrong_or_missing, 0, 2);
	tcase_add_test(t, a_wrong_data_digest_fails_the_command_alone);
	tcase_add_loop_test(t, statuses, 0, 8);
	tcase_add_test(t, identify_and_discovery);
	tcase_add_test(t, a_silent_host_is_closed);
	tcase_add_test(t, random_order_of_completion);
	tcase_add_loop_test(t, misbehaviour_happens, PEER_C2H_HDGST, PEER_FAULTS);
	tcase_add_loop_test(t, misbehaviour_at_the_start, PEER_IC_PFV, PEER_IC_TERM + 1);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? 1 : 0;
}
