// SPDX-License-Identifier: BSD-2-Clause
/* The scripted peer against a host made of bytes: is the judge itself right? */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"

static struct host *h;
static struct peer *p;
static uint16_t cntlid;
static bool no_ts, no_sack; /* of the host */

static void open_peer(const struct peer_params *params)
{
	h = calloc(1, sizeof(*h));
	p = peer_new(params, host_take, h);
	ck_assert_ptr_nonnull(p);
	host_init(h, p);
	h->ts = !no_ts;
	h->sack = !no_sack;
}

static void close_peer(void)
{
	peer_free(p);
	free(h);
}

static void no_complaints(void)
{
	const char *text;

	ck_assert_msg(!peer_complaints(p, &text), "complaint: %s", text);
}

static void le16(uint8_t *at, uint32_t v)
{
	at[0] = (uint8_t)v;
	at[1] = (uint8_t)(v >> 8);
}

/* An enabled controller; h is its admin connection. */
static void admin(uint8_t digests)
{
	uint8_t sqe[64];
	uint16_t cid, status;
	uint32_t dw0;

	ck_assert(host_connect(h, 5000, 4420));
	ck_assert(host_ic(h, digests, 1));
	ck_assert_uint_eq(host_fabric_connect(h, 0, 32, &cntlid, 0), 0);
	host_sqe(sqe, 0x7f, 2, 0, 0, 0);
	sqe[44] = 0x14;
	sqe[48] = 0x01;
	sqe[50] = 0x46;
	host_capsule(h, sqe, NULL, 0);
	ck_assert(host_response(h, &cid, &status, &dw0));
	ck_assert_uint_eq(status, 0);
}

/* A second host structure for queue 1. The frames of both go to the one that the peer was made for: swap them. */
static struct host admin_state;

static void io(uint8_t digests, uint8_t cattr, unsigned int max_r2t)
{
	admin(digests);
	admin_state = *h;
	host_init(h, p);
	h->now = admin_state.now;
	h->ts = !no_ts;
	h->sack = !no_sack;
	ck_assert(host_connect(h, 5001, 4420));
	ck_assert(host_ic(h, digests, max_r2t));
	ck_assert_uint_eq(host_fabric_connect(h, 1, 128, &cntlid, cattr), 0);
}

static void rw(uint8_t *sqe, uint8_t op, uint16_t cid, uint8_t kind, uint32_t lba, uint32_t len)
{
	host_sqe(sqe, op, cid, 1, kind, len);
	memcpy(sqe + 40, &lba, 4);
	le16(sqe + 48, len / 512 - 1);
}

static void pattern(uint8_t *b, size_t len, unsigned int seed)
{
	size_t i;

	for (i = 0; i < len; i++)
		b[i] = (uint8_t)(i * 31 + (i >> 8) + seed);
}

/* --- below TCP ---------------------------------------------------------------------------------------------------------------- */

START_TEST(crc32c_vectors)
{
	uint8_t b[32];
	int i;

	ck_assert_uint_eq(host_crc("123456789", 9), 0xe3069283);
	memset(b, 0, 32);
	ck_assert_uint_eq(host_crc(b, 32), 0x8a9136aa);
	for (i = 0; i < 32; i++)
		b[i] = (uint8_t)i;
	ck_assert_uint_eq(host_crc(b, 32), 0x46dd794e);
}
END_TEST

START_TEST(arp_and_ping)
{
	uint8_t arp[60] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1,
			    2, 0, 0, 0, 0, 1, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 2 };
	uint8_t ping[42 + 4] = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, 0x45, 0, 0, 32, 0, 0, 0, 0, 64, 1, 0x66, 0xdb, 10, 0, 0,
				 1, 10, 0, 0, 2, 8, 0, 0x2f, 0x9b, 0, 7, 0, 1, 0x61, 0x62, 0x5f, 0xf9 };

	open_peer(NULL);
	host_frame(h, arp, sizeof(arp));
	ck_assert_uint_eq(h->frame_len, 42);
	ck_assert_uint_eq(h->frame[21], 2);
	ck_assert(!memcmp(h->frame + 22, "\2\0\0\0\0\2\12\0\0\2", 10));
	h->frame_len = 0;
	arp[41] = 9;
	host_frame(h, arp, sizeof(arp));
	ck_assert_uint_eq(h->frame_len, 0);
	ping[36] = ping[37] = 0;
	{
		uint32_t s = 0, i;

		for (i = 34; i < 46; i += 2)
			s += (uint32_t)(ping[i] << 8 | ping[i + 1]);
		s = (s & 0xffff) + (s >> 16);
		ping[36] = (uint8_t)(~s >> 8);
		ping[37] = (uint8_t)~s;
		for (s = 0, i = 14; i < 34; i += 2)
			s += i == 24 ? 0 : (uint32_t)(ping[i] << 8 | ping[i + 1]);
		s = (s & 0xffff) + (s >> 16);
		ping[24] = (uint8_t)(~s >> 8);
		ping[25] = (uint8_t)~s;
	}
	host_frame(h, ping, sizeof(ping));
	ck_assert_uint_eq(h->frame_len, sizeof(ping));
	ck_assert_uint_eq(h->frame[34], 0);
	ck_assert(!memcmp(h->frame + 38, ping + 38, 8));
	h->frame_len = 0;
	ping[40] ^= 1;
	host_frame(h, ping, sizeof(ping));
	ck_assert_uint_eq(h->frame_len, 0);
	ck_assert_uint_eq(peer_stats(p)->bad_checksums, 1);
	no_complaints();
	close_peer();
}
END_TEST

/* --- TCP --------------------------------------------------------------------------------------------------------------------------- */

START_TEST(a_port_nobody_listens_on)
{
	open_peer(NULL);
	ck_assert(!host_connect(h, 5000, 4421));
	ck_assert(h->rst);
	ck_assert(host_connect(h, 5000, 8009));
	close_peer();
}
END_TEST

START_TEST(lost_segments_are_sent_again)
{
	static uint8_t want[131072];
	uint8_t sqe[64], head[128], *data = malloc(131072);
	size_t len;

	no_sack = !(_i & 1);
	no_ts = !(_i & 2);
	open_peer(NULL);
	io(0, 0, 1);
	pattern(want, sizeof(want), 5);
	memcpy(peer_ram(p, NULL), want, sizeof(want));
	rw(sqe, 2, 1, 0x5a, 0, 131072);
	h->drop = 5;
	host_capsule(h, sqe, NULL, 0);
	ck_assert(host_next(h, head, data, &len));
	ck_assert_uint_eq(len, 131072);
	ck_assert(!memcmp(data, want, len));
	ck_assert_uint_ge(peer_stats(p)->retransmitted, 1);
	ck_assert_uint_eq(peer_stats(p)->fast_retransmits, 1);
	if (_i & 1)
		ck_assert_uint_eq(peer_stats(p)->retransmitted, 1);
	ck_assert_uint_eq(peer_stats(p)->rto, 0);
	no_complaints();
	free(data);
	close_peer();
}
END_TEST

START_TEST(the_last_segment_lost_waits_for_the_timer)
{
	uint8_t sqe[64], head[128], data[4096];
	size_t len;

	open_peer(NULL);
	io(0, 0, 1);
	rw(sqe, 2, 1, 0x5a, 0, 512);
	h->drop = 1;
	host_capsule(h, sqe, NULL, 0);
	ck_assert(host_next(h, head, data, &len));
	ck_assert_uint_eq(len, 512);
	ck_assert_uint_eq(peer_stats(p)->rto, 1);
	close_peer();
}
END_TEST

/* A write whose second segment comes last: SACK names what came early; then all of it once more: D-SACK, and compared. */
START_TEST(out_of_order_input_is_sacked_and_kept)
{
	static uint8_t pdu[72 + 8192];
	uint32_t start;
	uint16_t cid, status;
	uint32_t dw0;

	open_peer(NULL);
	io(0, 0, 1);
	start = h->seq;
	memset(pdu, 0, sizeof(pdu));
	pdu[0] = 4;
	pdu[2] = pdu[3] = 72;
	pdu[4] = (uint8_t)sizeof(pdu);
	pdu[5] = (uint8_t)(sizeof(pdu) >> 8);
	rw(pdu + 8, 1, 9, 0x01, 16, 8192);
	pattern(pdu + 72, 8192, 1);
	host_segment(h, start, 16, pdu, 1400);
	host_segment(h, start + 2800, 16, pdu + 2800, 1400);
	ck_assert_uint_eq(h->acked, start + 1400);
	ck_assert_uint_eq(h->sacked_from, start + 2800);
	ck_assert_uint_eq(h->sacked_to, start + 4200);
	host_segment(h, start + 5600, 16, pdu + 5600, 1400);
	ck_assert_uint_eq(h->sacked_from, start + 5600);
	host_segment(h, start + 1400, 16, pdu + 1400, 1400);
	ck_assert_uint_eq(h->acked, start + 4200);
	host_segment(h, start + 4200, 16, pdu + 4200, 1400);
	ck_assert_uint_eq(h->acked, start + 7000);
	host_segment(h, start + 2800, 16, pdu + 2800, 1400); /* once more */
	ck_assert_uint_eq(h->sacked_from, start + 2800);
	ck_assert_uint_eq(h->sacked_to, start + 4200);
	host_segment(h, start + 7000, 24, pdu + 7000, sizeof(pdu) - 7000);
	h->seq += sizeof(pdu);
	ck_assert(host_response(h, &cid, &status, &dw0));
	ck_assert_uint_eq(status, 0);
	ck_assert(!memcmp(peer_ram(p, NULL) + 8192, pdu + 72, 8192));
	no_complaints();
	pdu[3000]++;
	host_segment(h, start + 2800, 16, pdu + 2800, 1400); /* and changed */
	ck_assert_uint_eq(peer_complaints(p, NULL), 1);
	close_peer();
}
END_TEST

START_TEST(breaches_of_tcp_are_complaints)
{
	static const uint8_t zero[2000];

	open_peer(NULL);
	io(0, 0, 1);
	no_complaints();
	switch (_i) {
	case 0: /* acknowledges the future */
		h->ack += 1000;
		host_ack(h);
		break;
	case 1: /* over the window */
		host_segment(h, h->seq + (2 << 20), 16, zero, 1000);
		break;
	case 2: /* over the MSS */
		host_segment(h, h->seq + 5000, 16, zero, 1449);
		break;
	case 3: /* without timestamps */
		h->ts = false;
		host_ack(h);
		break;
	case 4: /* window shrinks */
		h->wnd = 100;
		host_ack(h);
		break;
	}
	ck_assert_uint_ge(peer_complaints(p, NULL), 1);
	close_peer();
}
END_TEST

START_TEST(a_closed_window_is_probed)
{
	uint8_t sqe[64], head[128], data[4096];
	unsigned int before;
	size_t len;

	open_peer(NULL);
	io(0, 0, 1);
	h->quiet = true;
	rw(sqe, 2, 1, 0x5a, 0, 4096);
	h->wnd = 1000;
	h->seq += 0;
	host_capsule(h, sqe, NULL, 0);
	host_wait(h, 1000000, 1 << 20);
	before = h->segments;
	h->wnd = 0;
	host_ack(h);
	host_wait(h, 200000000, 1 << 20);
	ck_assert_uint_ge(h->segments, before);
	h->wnd = 60000;
	h->quiet = false;
	ck_assert(host_next(h, head, data, &len));
	ck_assert_uint_eq(len, 4096);
	close_peer();
}
END_TEST

START_TEST(connections_end)
{
	open_peer(NULL);
	io(0, 0, 1);
	ck_assert_uint_eq(peer_stats(p)->open, 2);
	switch (_i) {
	case 0: /* we close */
		host_segment(h, h->seq++, 17, NULL, 0);
		host_wait(h, 1000000, 1);
		ck_assert(h->fin);
		host_ack(h);
		break;
	case 1: /* we reset */
		host_segment(h, h->seq, 20, NULL, 0);
		break;
	case 2: /* it closes */
		peer_close_all(p, false);
		ck_assert(h->fin);
		host_segment(h, h->seq++, 17, NULL, 0);
		break;
	case 3: /* it resets */
		peer_close_all(p, true);
		peer_poll(p, h->now);
		ck_assert(h->rst);
		ck_assert_uint_eq(peer_stats(p)->open, 0);
		close_peer();
		return;
	case 4: /* a reset that does not fit gets a challenge */
		host_segment(h, h->seq + 100, 20, NULL, 0);
		ck_assert_uint_eq(peer_stats(p)->open, 2);
		close_peer();
		return;
	}
	ck_assert_uint_eq(peer_stats(p)->open, 1);
	ck_assert_uint_eq(peer_commands(p), 0);
	close_peer();
}
END_TEST

/* --- NVMe/TCP -------------------------------------------------------------------------------------------------------------------------- */

START_TEST(reads_and_writes_of_every_kind)
{
	struct peer_params params = { .r2t_bytes = _i & 4 ? 16384 : 0, .c2h_bytes = _i & 4 ? 8192 : 0,
				      .maxh2cdata = _i & 8 ? 4096 : 0, .cpda = 0 };
	static uint8_t out[65536], in[65536], data[65536];
	uint8_t sqe[64], head[128], h2c[24];
	uint32_t dw0, off, len32, chunk, max = _i & 8 ? 4096 : 131072, sent = 0;
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
		memcpy(&len32, head + 16, 4);
		ck_assert_uint_eq(off, sent);
		while (len32) {
			chunk = len32 < max ? len32 : max;
			memset(h2c, 0, 24);
			h2c[0] = 6;
			h2c[1] = chunk == len32 ? 4 : 0;
			h2c[2] = 24;
			memcpy(h2c + 8, head + 8, 4);
			memcpy(h2c + 12, &off, 4);
			memcpy(h2c + 16, &chunk, 4);
			host_pdu(h, h2c, out + off, chunk);
			off += chunk;
			len32 -= chunk;
			sent += chunk;
		}
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

/* Each breach with the TermReq that the standard names. */
START_TEST(breaches_get_their_term_req)
{
	static const struct { const char *what; uint16_t fes; uint32_t fei; } cases[] = {
		{ "unknown type", 1, 0 }, { "type of the controller", 1, 0 }, { "HLEN", 1, 2 }, { "PLEN too short", 1, 4 },
		{ "ICReq again", 2, 0 }, { "HDGSTF missing", 1, 1 }, { "header digest", 3, 0 }, { "reserved flag", 1, 1 },
		{ "TTAG", 1, 10 }, { "CCCID", 1, 8 }, { "DATAL and PLEN", 1, 16 }, { "beyond the R2T", 4, 0 },
		{ "DATAO not next", 2, 0 }, { "LAST missing", 2, 0 }, { "LAST early", 2, 0 }, { "above MAXH2CDATA", 5, 0 },
		{ "PDO inside the header", 1, 3 },
	};
	struct peer_params params = { .maxh2cdata = 8192 };
	static uint8_t data[32768];
	uint8_t m[128] = { 6, 4, 24 }, sqe[64], head[128], bad[128];
	uint32_t n = 8192, fei;
	bool broken_digest = _i == 6;
	size_t len;
	uint16_t fes;

	open_peer(&params);
	io(_i == 5 || _i == 6, 0, 1);
	rw(sqe, 1, 4, 0x5a, 0, 16384);
	host_capsule(h, sqe, NULL, 0);
	ck_assert(host_next(h, head, data, &len));
	ck_assert_uint_eq(head[0], 9);
	memcpy(m + 8, head + 8, 4);
	m[1] = 0;
	switch (_i) {
	case 0: m[0] = 0x0d; break;
	case 1: m[0] = 7; break;
	case 2: m[2] = 32; break;
	case 3: m[4] = 20; n = 0; break;
	case 4: m[0] = 0; m[2] = 128; break;
	case 5: h->hdgst = false; break;
	case 7: m[1] = 0x10; break;
	case 8: m[10] ^= 1; break;
	case 9: m[8]++; break;
	case 10: m[16] = 4; break;
	case 11: m[13] = 0x30; break;
	case 12: m[13] = 0x10; break;
	case 13: m[13] = 0; n = 8192; break;
	case 14: m[1] = 4; break;
	case 15: n = 12288; break;
	case 16: m[3] = 20; m[4] = 24; m[5] = 0x20; break;
	}
	if (_i >= 5 && _i != 10)
		memcpy(m + 16, &n, 4);
	if (broken_digest) { /* by hand */
		m[1] = 1;
		m[3] = 28;
		m[4] = 28;
		m[5] = 0x20;
		memcpy(m + 24, "\1\2\3\4", 4);
		host_send(h, m, 28);
	} else if (_i == 13) { /* two whole H2CData, neither LAST */
		host_pdu(h, m, data, 8192);
		m[13] = 0x20;
		m[4] = m[5] = m[6] = m[7] = 0;
		host_pdu(h, m, data, 8192);
	} else {
		host_pdu(h, m, data, n);
	}
	ck_assert_msg(host_next(h, head, bad, &len), "%s: no answer", cases[_i].what);
	ck_assert_uint_eq(head[0], 3);
	memcpy(&fes, head + 8, 2);
	memcpy(&fei, head + 10, 4);
	ck_assert_msg(fes == cases[_i].fes, "%s: FES %u", cases[_i].what, fes);
	ck_assert_msg(fei == (broken_digest ? 0x04030201 : cases[_i].fei), "%s: FEI %u", cases[_i].what, fei);
	ck_assert_uint_ge(peer_complaints(p, NULL), 1);
	ck_assert_uint_eq(bad[0], m[0]);
	close_peer();
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
	static const struct { uint8_t op, kind; uint32_t nsid, lba, len, nlb; uint16_t status; } cases[] = {
		{ 0x02, 0x5a, 9, 0, 512, 0, 0x400b }, { 0x02, 0x5a, 1, 0x7fffffff, 512, 0, 0x4080 },
		{ 0x02, 0x5a, 1, 0, 1024, 0, 0x400f }, { 0x77, 0x5a, 1, 0, 0, 0, 0x4001 },
		{ 0x02, 0x00, 1, 0, 512, 0, 0x4011 }, { 0x00, 0x00, 1, 0, 0, 0, 0 }, { 0x00, 0x00, 0xffffffff, 0, 0, 0, 0 },
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
		ck_assert_msg(!peer_misbehaved(p), "%s came early", peer_fault_name((enum peer_fault)_i));
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
		ck_assert(head[8] || head[10] || head[11] || head[2] != 128 || head[4] != 128 || head[13] == 8);
	}
	ck_assert(peer_misbehaved(p));
	close_peer();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("peer");
	TCase *tcp = tcase_create("tcp"), *nvme = tcase_create("nvme");
	SRunner *sr;
	int failed;

	tcase_set_timeout(tcp, 20);
	tcase_set_timeout(nvme, 20);
	tcase_add_test(tcp, crc32c_vectors);
	tcase_add_test(tcp, arp_and_ping);
	tcase_add_test(tcp, a_port_nobody_listens_on);
	tcase_add_loop_test(tcp, lost_segments_are_sent_again, 0, 4);
	tcase_add_test(tcp, the_last_segment_lost_waits_for_the_timer);
	tcase_add_test(tcp, out_of_order_input_is_sacked_and_kept);
	tcase_add_loop_test(tcp, breaches_of_tcp_are_complaints, 0, 5);
	tcase_add_test(tcp, a_closed_window_is_probed);
	tcase_add_loop_test(tcp, connections_end, 0, 5);
	tcase_add_loop_test(nvme, reads_and_writes_of_every_kind, 0, 16);
	tcase_add_test(nvme, success_flag_without_flow_control);
	tcase_add_loop_test(nvme, breaches_get_their_term_req, 0, 17);
	tcase_add_test(nvme, a_wrong_data_digest_fails_the_command_alone);
	tcase_add_loop_test(nvme, statuses, 0, 8);
	tcase_add_test(nvme, identify_and_discovery);
	tcase_add_test(nvme, a_silent_host_is_closed);
	tcase_add_test(nvme, random_order_of_completion);
	tcase_add_loop_test(nvme, misbehaviour_happens, PEER_C2H_HDGST, PEER_FAULTS);
	tcase_add_loop_test(nvme, misbehaviour_at_the_start, PEER_IC_PFV, PEER_IC_TERM + 1);
	suite_add_tcase(s, tcp);
	suite_add_tcase(s, nvme);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? 1 : 0;
}
