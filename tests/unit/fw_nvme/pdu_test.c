/* SPDX-License-Identifier: BSD-2-Clause */
/* PDU headers: every PDU of the golden captures is accepted, its digests hold, and our writers make the same bytes. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pcap_read.h"
#include "pdu.h"

#define CONNECTIONS_MAX 64

struct side {
	uint8_t *data;
	size_t len;
};

struct capture {
	struct side side[CONNECTIONS_MAX][2];
	unsigned connections;
};

struct tally {
	unsigned checked, rebuilt, hdgst, ddgst;
};

static uint32_t crc32c(const uint8_t *p, size_t n)
{
	uint32_t crc = ~0u;

	while (n--) {
		crc ^= *p++;
		for (int i = 0; i < 8; i++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
	}
	return ~crc;
}

static uint32_t le32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static int on_data(void *context, const struct pcap_stream *s, const uint8_t *data, size_t len)
{
	struct capture *c = context;
	struct side *side;

	ck_assert_uint_lt(s->connection, CONNECTIONS_MAX);
	if (s->connection >= c->connections)
		c->connections = s->connection + 1;
	side = &c->side[s->connection][s->from_server];
	side->data = realloc(side->data, side->len + len);
	ck_assert_ptr_nonnull(side->data);
	memcpy(side->data + side->len, data, len);
	side->len += len;
	return 0;
}

static void load(struct capture *c, const char *name)
{
	const struct pcap_ops ops = { .data = on_data };
	struct pcap_result r;
	char path[128];

	memset(c, 0, sizeof(*c));
	snprintf(path, sizeof(path), TESTS_DATA "/%s.pcap", name);
	ck_assert_msg(pcap_read(path, &ops, c, &r) == 0, "%s: %s", path, r.error);
	ck_assert_uint_gt(c->connections, 0);
}

static void unload(struct capture *c)
{
	for (unsigned i = 0; i < CONNECTIONS_MAX; i++) {
		free(c->side[i][0].data);
		free(c->side[i][1].data);
	}
}

static void header_words(struct pdu_hdr *h, const uint8_t *p)
{
	for (int i = 0; i < 6; i++)
		h->w[i] = le32(p + 4 * i);
}

static void check_digests(const uint8_t *p, uint32_t plen, struct tally *t)
{
	if (p[1] & PDU_F_HDGST) {
		ck_assert_uint_eq(crc32c(p, p[2]), le32(p + p[2]));
		t->hdgst++;
	}
	if (p[1] & PDU_F_DDGST) {
		ck_assert_uint_eq(crc32c(p + p[3], plen - p[3] - 4), le32(p + plen - 4));
		t->ddgst++;
	}
}

/* A PDU of the controller after the IC exchange: our host must accept it. */
static void check_received(const struct pdu_rules *rules, const uint8_t *p, struct tally *t)
{
	struct pdu_hdr h;
	struct pdu_fault f = { 0 };

	header_words(&h, p);
	ck_assert_msg(pdu_check(rules, &h, &f), "type %02x refused: FES %u FEI %u", p[0], f.fes,
		      f.fei);
	t->checked++;
}

/* A PDU of the Linux controller: ours would be the same. */
static void rebuild_received(const struct pdu_rules *rules, const uint8_t *p, uint32_t plen,
			     struct tally *t)
{
	uint32_t hdr[PDU_DATA_LEN / 4], cqe[4], data = p[0] == PDU_C2H_DATA ? le32(p + 16) : 0;
	struct pdu_shape s;
	uint32_t word0;

	pdu_shape(&s, p[2], data, rules->hdgst, rules->ddgst, 4);
	ck_assert_uint_eq(s.plen, plen);
	word0 = pdu_word0(p[0], &s, p[2]) | (p[1] & (uint32_t)(PDU_F_LAST | PDU_F_SUCCESS)) << 8;
	memcpy(cqe, p + 8, sizeof(cqe));
	if (p[0] == PDU_CAPSULE_RESP)
		pdu_put_resp(hdr, word0, s.plen, cqe);
	else
		pdu_put_data(hdr, word0, s.plen, le32(p + 8), le32(p + 12), le32(p + 16));
	ck_assert_mem_eq(hdr, p, p[2]);
	t->rebuilt++;
}

/* A PDU of the Linux host: our controller must accept it. */
static void check_sent(const struct pdu_rules *rules, const uint8_t *p, struct tally *t)
{
	struct pdu_fault f = { 0 };
	struct pdu_hdr h;
	uint32_t data, all;

	header_words(&h, p);
	ck_assert_msg(pdu_check_h2c(rules, &h, &data, &f), "type %02x refused: FES %u FEI %u", p[0],
		      f.fes, f.fei);
	all = p[3] ? le32(p + 4) - p[3] - (p[1] & PDU_F_DDGST ? 4 : 0) : 0;
	ck_assert_uint_eq(data, all);
	if (p[0] == PDU_H2C_DATA)
		ck_assert_uint_eq(data, le32(p + 16));
	t->checked++;
}

/* A PDU of the Linux host: ours would be the same. */
static void rebuild_sent(const struct pdu_rules *rules, const uint8_t *p, uint32_t plen,
			 struct tally *t)
{
	uint32_t hdr[PDU_CMD_LEN / 4], sqe[16], hd = rules->hdgst ? 4 : 0, data = plen - p[2] - hd;
	struct pdu_shape s;

	if (data && (p[1] & PDU_F_DDGST))
		data -= 4;
	pdu_shape(&s, p[2], data, rules->hdgst, rules->ddgst, 4);
	ck_assert_uint_eq(s.plen, plen);
	if (p[0] == PDU_CAPSULE_CMD) {
		memcpy(sqe, p + 8, sizeof(sqe));
		pdu_put_cmd(hdr, pdu_word0(PDU_CAPSULE_CMD, &s, PDU_CMD_LEN), s.plen, sqe);
	} else {
		ck_assert_uint_eq(p[0], PDU_H2C_DATA);
		pdu_put_h2c(hdr, pdu_word0(PDU_H2C_DATA, &s, PDU_DATA_LEN), s.plen, le32(p + 8),
			    le32(p + 12), data, p[1] & PDU_F_LAST);
	}
	ck_assert_mem_eq(hdr, p, p[2]);
	t->rebuilt++;
}

static void rebuild_ic(const uint8_t *req, const uint8_t *resp)
{
	uint32_t ic[PDU_IC_LEN / 4];
	struct pdu_icreq r;
	struct pdu_fault f;
	struct pdu_hdr h;

	pdu_put_icreq(ic, req[10], req[11], le32(req + 12));
	ck_assert_mem_eq(ic, req, PDU_IC_LEN);
	pdu_put_icresp(ic, resp[10], resp[11], le32(resp + 12));
	ck_assert_mem_eq(ic, resp, PDU_IC_LEN);
	header_words(&h, req);
	ck_assert(pdu_check_icreq(&h, &r, &f));
	ck_assert_uint_eq(r.hpda, req[10]);
	ck_assert_uint_eq(r.dgst, req[11]);
	ck_assert_uint_eq(r.maxr2t, le32(req + 12));
}

static void walk_connection(const struct side *client, const struct side *server, struct tally *t)
{
	struct pdu_rules rules = { .rx_align = 4 };
	struct pdu_icresp ic;
	struct pdu_fault f;
	struct pdu_hdr h;

	ck_assert_uint_ge(client->len, PDU_IC_LEN);
	ck_assert_uint_ge(server->len, PDU_IC_LEN);
	rebuild_ic(client->data, server->data);
	header_words(&h, server->data);
	ck_assert(pdu_check_icresp(&h, client->data[11], &ic, &f));
	rules.hdgst = ic.dgst & 1;
	rules.ddgst = ic.dgst >> 1 & 1;
	for (int dir = 0; dir < 2; dir++) {
		const struct side *side = dir ? server : client;

		for (size_t at = PDU_IC_LEN; at < side->len;) {
			const uint8_t *p = side->data + at;
			uint32_t plen = le32(p + 4);

			ck_assert_uint_le(at + plen, side->len);
			check_digests(p, plen, t);
			if (dir) {
				check_received(&rules, p, t);
				rebuild_received(&rules, p, plen, t);
			} else {
				check_sent(&rules, p, t);
				rebuild_sent(&rules, p, plen, t);
			}
			at += plen;
		}
	}
}

static const struct {
	const char *name;
	bool digests;
} captures[] = { { "discover", false }, { "connect-nodigest", false }, { "connect-digests", true },
		 { "mtu9000", true },   { "multi-queue", false },      { "sqflow-off", false },
		 { "loss", true } };

START_TEST(golden_pdus_are_accepted_and_rebuilt)
{
	struct capture c;
	struct tally t = { 0 };

	load(&c, captures[_i].name);
	for (unsigned i = 0; i < c.connections; i++)
		walk_connection(&c.side[i][0], &c.side[i][1], &t);
	unload(&c);
	ck_assert_uint_gt(t.checked, 5);
	ck_assert_uint_gt(t.rebuilt, 5);
	ck_assert_int_eq(t.hdgst > 0, captures[_i].digests);
	ck_assert_int_eq(t.ddgst > 0, captures[_i].digests);
}
END_TEST

/* One sound header of each type, and the one field that spoils it. */
static const struct {
	const char *what;
	bool hdgst, ddgst;
	uint8_t align;
	struct pdu_hdr h;
	uint16_t fes;
	uint32_t fei;
} faults[] = {
	{ "response", 0, 0, 4, { { 0x00180005, 24 } }, 0, 0 },
	{ "response with digest", 1, 0, 4, { { 0x00180105, 28 } }, 0, 0 },
	{ "data", 0, 0, 4, { { 0x18180407, 24 + 512, 1, 0, 512 } }, 0, 0 },
	{ "data with both digests", 1, 1, 4, { { 0x1c180707, 28 + 512 + 4, 1, 0, 512 } }, 0, 0 },
	{ "data aligned to 64", 0, 0, 64, { { 0x40180407, 64 + 512, 1, 0, 512 } }, 0, 0 },
	{ "R2T", 0, 0, 4, { { 0x00180009, 24 } }, 0, 0 },
	{ "unknown type", 0, 0, 4, { { 0x0018000b, 24 } }, 1, 0 },
	{ "wrong direction", 0, 0, 4, { { 0x00480004, 72 } }, 1, 0 },
	{ "ICResp again", 0, 0, 4, { { 0x00800001, 128 } }, 2, 0 },
	{ "digest flag missing", 1, 0, 4, { { 0x00180005, 28 } }, 1, 1 },
	{ "digest flag too many", 0, 0, 4, { { 0x00180105, 24 } }, 1, 1 },
	{ "data digest flag missing", 0, 1, 4, { { 0x18180407, 24 + 512 + 4, 1, 0, 512 } }, 1, 1 },
	{ "SUCCESS without LAST", 0, 0, 4, { { 0x18180807, 24 + 512, 1, 0, 512 } }, 1, 1 },
	{ "HLEN 32", 0, 0, 4, { { 0x00200005, 24 } }, 1, 2 },
	{ "PDO inside the header", 0, 0, 4, { { 0x14180407, 24 + 512, 1, 0, 512 } }, 1, 3 },
	{ "PDO inside the digest", 1, 0, 4, { { 0x18180507, 28 + 512, 1, 0, 512 } }, 1, 3 },
	{ "PDO not aligned", 0, 0, 64, { { 0x18180407, 24 + 512, 1, 0, 512 } }, 1, 3 },
	{ "PDO beyond PLEN", 0, 0, 4, { { 0x80180407, 64, 1, 0, 0 } }, 1, 3 },
	{ "PLEN without room for the digest", 0, 1, 4, { { 0x18180607, 26, 1, 0, 0 } }, 1, 4 },
	{ "response PLEN", 0, 0, 4, { { 0x00180005, 25 } }, 1, 4 },
	{ "R2T PLEN", 1, 0, 4, { { 0x00180109, 24 } }, 1, 4 },
	{ "DATAL and PLEN disagree", 0, 0, 4, { { 0x18180407, 24 + 512, 1, 0, 511 } }, 1, 16 },
};

START_TEST(faults_are_named_by_their_lowest_field)
{
	struct pdu_rules rules = { faults[_i].hdgst, faults[_i].ddgst, faults[_i].align };
	struct pdu_fault f = { 0 };

	ck_assert_msg(pdu_check(&rules, &faults[_i].h, &f) == !faults[_i].fes, "%s",
		      faults[_i].what);
	ck_assert_msg(f.fes == faults[_i].fes && f.fei == faults[_i].fei, "%s: FES %u FEI %u",
		      faults[_i].what, f.fes, f.fei);
}
END_TEST

static const struct {
	const char *what;
	uint8_t asked;
	struct pdu_hdr h;
	uint16_t fes;
	uint32_t fei;
} icresps[] = {
	{ "as asked", 3, { { 0x00800001, 128, 0x03000000, 0x400000 } }, 0, 0 },
	{ "fewer digests", 3, { { 0x00800001, 128, 0x01000000, 4096 } }, 0, 0 },
	{ "another type", 0, { { 0x00180005, 24 } }, 2, 0 },
	{ "HLEN", 0, { { 0x00480001, 128, 0, 4096 } }, 1, 2 },
	{ "PLEN", 0, { { 0x00800001, 136, 0, 4096 } }, 1, 4 },
	{ "PFV", 0, { { 0x00800001, 128, 1, 4096 } }, 6, 8 },
	{ "CPDA", 0, { { 0x00800001, 128, 0x00200000, 4096 } }, 1, 10 },
	{ "digest nobody asked for", 1, { { 0x00800001, 128, 0x02000000, 4096 } }, 1, 11 },
	{ "MAXH2CDATA small", 0, { { 0x00800001, 128, 0, 2048 } }, 1, 12 },
	{ "MAXH2CDATA odd", 0, { { 0x00800001, 128, 0, 4098 } }, 1, 12 },
};

START_TEST(icresp_is_checked)
{
	struct pdu_fault f = { 0 };
	struct pdu_icresp r;

	ck_assert_msg(pdu_check_icresp(&icresps[_i].h, icresps[_i].asked, &r, &f) ==
			      !icresps[_i].fes,
		      "%s", icresps[_i].what);
	ck_assert_msg(f.fes == icresps[_i].fes && f.fei == icresps[_i].fei, "%s: FES %u FEI %u",
		      icresps[_i].what, f.fes, f.fei);
}
END_TEST

START_TEST(term_req_carries_the_header_and_an_unaligned_fei)
{
	const struct pdu_fault f = { .fes = PDU_FES_HDGST, .fei = 0x11223344 };
	uint32_t buf[(PDU_TERM_LEN + PDU_TERM_COPY_MAX) / 4];
	uint8_t bad[200];

	memset(bad, 0xa5, sizeof(bad));
	ck_assert_uint_eq(pdu_put_term_req(buf, PDU_H2C_TERM_REQ, &f, bad, 24), 48);
	ck_assert_mem_eq(buf, "\x02\x00\x18\x00\x30\x00\x00\x00\x03\x00\x44\x33\x22\x11\x00\x00",
			 16);
	ck_assert_mem_eq(buf + 6, bad, 24);
	ck_assert_uint_eq(pdu_put_term_req(buf, PDU_C2H_TERM_REQ, &f, bad, sizeof(bad)), 152);
	ck_assert_uint_eq(buf[0], 0x00180003);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("pdu");
	TCase *tc = tcase_create("all");
	SRunner *sr;
	int failed;

	tcase_add_loop_test(tc, golden_pdus_are_accepted_and_rebuilt, 0,
			    sizeof(captures) / sizeof(captures[0]));
	tcase_add_loop_test(tc, faults_are_named_by_their_lowest_field, 0,
			    sizeof(faults) / sizeof(faults[0]));
	tcase_add_loop_test(tc, icresp_is_checked, 0, sizeof(icresps) / sizeof(icresps[0]));
	tcase_add_test(tc, term_req_carries_the_header_and_an_unaligned_fei);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
