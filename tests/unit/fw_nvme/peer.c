/* SPDX-License-Identifier: BSD-2-Clause */
/* The other side: a TCP endpoint per connection that takes what is in order, and the PDUs it sends. */
#include "peer.h"

#include <stdlib.h>
#include <string.h>

#include "lib/bytes.h"
#include "tcp/tcp_int.h"

#define FRAMES 1024u
#define ISS 0x7ffffff0u /* wraps early */
#define SEGMENT 1400u

struct peer peers[WEFT_N_QP];
enum syn_answer syn_answer;
bool no_arp, fin_answered;

static struct {
	uint8_t *data;
	uint32_t len;
} frames[FRAMES];
static uint32_t n_frames;

static void on_frame(void *arg, const uint8_t *frame, uint32_t len)
{
	(void)arg;
	ck_assert_uint_lt(n_frames, FRAMES);
	frames[n_frames].data = malloc(len);
	memcpy(frames[n_frames].data, frame, len);
	frames[n_frames++].len = len;
}

void peer_reset(void)
{
	while (n_frames)
		free(frames[--n_frames].data);
	for (uint32_t i = 0; i < WEFT_N_QP; i++)
		free(peers[i].rx);
	memset(peers, 0, sizeof(peers));
	syn_answer = SYN_ACCEPT;
	no_arp = false;
	fin_answered = true;
	ts_agreed = false;
	fake_set_out(on_frame, NULL);
}

/* --- TCP -------------------------------------------------------------------------------------------------------------------- */

static void bring_seg(struct peer *p, const struct in *s)
{
	struct in from = *s;
	uint8_t f[FAKE_FRAME_MAX];

	from.sport = p->rport;
	fake_rx(f, build_frame(f, &from, p->port));
}

static void flags_only(struct peer *p, uint8_t flags)
{
	const struct in s = { .seq = p->snd_nxt, .ack = p->acked, .flags = flags };

	bring_seg(p, &s);
}

static void arp_answer(const uint8_t *req)
{
	uint8_t f[60];

	if (no_arp || req[21] != 1 || get_be32(req + 38) != PEER_IP)
		return;
	memset(f, 0, sizeof(f));
	memcpy(f, our_mac, 6);
	memcpy(f + 6, peer_mac, 6);
	memcpy(f + 12, req + 12, 8);
	f[21] = 2;
	memcpy(f + 22, peer_mac, 6);
	put_be32(f + 28, PEER_IP);
	memcpy(f + 32, req + 22, 10);
	fake_rx(f, sizeof(f));
}

static uint16_t conn_of(uint16_t port)
{
	for (uint16_t i = 1; i < WEFT_N_QP; i++)
		if (tcp_local_port(i) == port && tcp_state(i) != TCP_CLOSED)
			return i;
	return 0;
}

static struct peer *peer_by_port(uint16_t port, uint16_t rport)
{
	for (uint32_t i = 1; i < WEFT_N_QP; i++)
		if (peers[i].known && peers[i].port == port &&
		    (peers[i].rport ? peers[i].rport : PEER_PORT) == rport)
			return &peers[i];
	return NULL;
}

static void on_syn(const struct out *o)
{
	struct in s = { .seq = ISS,
			.ack = o->seq + 1,
			.flags = TH_SYN | TH_ACK,
			.raw_opt = true,
			.opt_len = 8 };
	struct peer *p = &peers[conn_of(o->sport)];

	if (syn_answer == SYN_IGNORE)
		return;
	free(p->rx);
	*p = (struct peer){ .known = true,
			    .port = o->sport,
			    .snd_nxt = ISS + 1,
			    .rcv_nxt = o->seq + 1,
			    .acked = o->seq + 1 };
	memcpy(s.opt, (uint8_t[]){ 2, 4, 5, 0xb4, 1, 3, 3, 7 }, 8); /* MSS 1460, window scale 7 */
	if (syn_answer == SYN_REFUSE)
		s = (struct in){ .ack = o->seq + 1, .flags = TH_RST | TH_ACK };
	bring_seg(p, &s);
}

/* --- opening from the other side -------------------------------------------------------------------------------------------- */

void peer_syn(struct peer *p, uint16_t port, uint16_t rport)
{
	struct in s = { .seq = ISS, .flags = TH_SYN, .raw_opt = true, .opt_len = 8 };

	free(p->rx);
	*p = (struct peer){ .known = true, .port = port, .rport = rport, .snd_nxt = ISS + 1 };
	memcpy(s.opt, (uint8_t[]){ 2, 4, 5, 0xb4, 1, 3, 3, 7 }, 8);
	bring_seg(p, &s);
}

void peer_open(struct peer *p, uint16_t port, uint16_t rport)
{
	peer_syn(p, port, rport);
	run();
}

static void on_syn_ack(struct peer *p, const struct out *o)
{
	if (!p)
		return;
	ck_assert_uint_eq(o->ack, ISS + 1);
	p->got_syn_ack = true;
	p->rcv_nxt = p->acked = o->seq + 1;
	if (syn_answer == SYN_ACCEPT)
		flags_only(p, TH_ACK);
}

static void on_data(struct peer *p, const struct out *o)
{
	if (o->seq != p->rcv_nxt || !o->len)
		return;
	while (p->rx_len + o->len > p->rx_size) {
		p->rx_size = p->rx_size ? p->rx_size * 2 : 65536;
		p->rx = realloc(p->rx, p->rx_size);
	}
	memcpy(p->rx + p->rx_len, o->data, o->len);
	p->rx_len += o->len;
	p->rcv_nxt += o->len;
}

static void on_segment(const struct out *o)
{
	struct peer *p = peer_by_port(o->sport, o->dport);
	bool fin = o->flags & TH_FIN;

	if (o->flags & TH_SYN) {
		if (o->flags & TH_ACK)
			on_syn_ack(p, o);
		else
			on_syn(o);
		return;
	}
	if (!p)
		return;
	if (o->flags & TH_RST) {
		p->got_rst = true;
		return;
	}
	on_data(p, o);
	if (fin && o->seq + o->len == p->rcv_nxt) {
		p->got_fin = true;
		p->rcv_nxt++;
		p->acked =
			p->rcv_nxt; /* a FIN is acknowledged whatever the test holds back: the close is what it looks at */
		if (fin_answered && !p->sent_fin) {
			peer_fin(p);
			return;
		}
	}
	if (!p->hold_acks)
		p->acked = p->rcv_nxt;
	if ((o->len && !p->hold_acks) || fin)
		flags_only(p, TH_ACK);
}

bool peer_work(void)
{
	uint32_t n = n_frames;

	for (uint32_t i = 0; i < n; i++) {
		struct out o;

		if (take_apart(frames[i].data, frames[i].len, &o))
			on_segment(&o);
		else if (get_be16(frames[i].data + 12) == 0x0806)
			arp_answer(frames[i].data);
		free(frames[i].data);
	}
	memmove(frames, frames + n, (n_frames - n) * sizeof(frames[0]));
	n_frames -= n;
	return n;
}

void peer_send_quiet(struct peer *p, const void *data, uint32_t len)
{
	const uint8_t *d = data;
	uint32_t sent = 0;

	while (len) {
		uint32_t n = len < SEGMENT ? len : SEGMENT;
		const struct in s = { .seq = p->snd_nxt,
				      .ack = p->acked,
				      .flags = TH_ACK | TH_PSH,
				      .data = d,
				      .len = n };

		bring_seg(p, &s);
		p->snd_nxt += n;
		d += n;
		len -= n;
		if (++sent % 40 == 0) /* no window takes more */
			run();
	}
}

void peer_send(struct peer *p, const void *data, uint32_t len)
{
	peer_send_quiet(p, data, len);
	run();
}

void peer_ack(struct peer *p)
{
	p->acked = p->rcv_nxt;
	flags_only(p, TH_ACK);
	run();
}

void peer_ack_to(struct peer *p, uint32_t bytes)
{
	p->acked = p->rcv_nxt - p->rx_len + bytes;
	flags_only(p, TH_ACK);
	run();
}

void peer_fin(struct peer *p)
{
	flags_only(p, TH_FIN | TH_ACK);
	p->snd_nxt++;
	p->sent_fin = true;
}

void peer_rst(struct peer *p)
{
	flags_only(p, TH_RST | TH_ACK);
	run();
}

/* --- PDUs from the host ------------------------------------------------------------------------------------------------------- */

uint32_t crc32c(const uint8_t *p, uint32_t len)
{
	return ~fake_crc32c(0xffffffff, p, len);
}

uint32_t get32(const uint8_t *p)
{
	return get_le32(p);
}

void put32(uint8_t *p, uint32_t v)
{
	put_le32(p, v);
}

/* Header digest, padding and data digest of a PDU that may have them, as agreed. */
static void check_parts(const struct peer *p, struct pdu *d)
{
	uint32_t hd = p->digests & DGST_H ? 4 : 0, dd = 0, align = (p->cpda + 1u) * 4,
		 head = d->hlen + hd;

	ck_assert_uint_eq(d->flags & ~(uint32_t)(PDU_F_LAST | PDU_F_SUCCESS),
			  (hd ? PDU_F_HDGST : 0u) |
				  (d->pdo && p->digests & DGST_D ? PDU_F_DDGST : 0u));
	if (hd)
		ck_assert_uint_eq(get32(d->b + d->hlen), crc32c(d->b, d->hlen));
	if (!d->pdo) {
		ck_assert_uint_eq(d->plen, head);
		return;
	}
	ck_assert_uint_eq(d->pdo, (head + align - 1) / align * align);
	for (uint32_t i = head; i < d->pdo; i++)
		ck_assert_uint_eq(d->b[i], 0);
	dd = p->digests & DGST_D ? 4 : 0;
	d->data = d->b + d->pdo;
	d->len = d->plen - d->pdo - dd;
	if (dd)
		ck_assert_uint_eq(get32(d->data + d->len), crc32c(d->data, d->len));
}

bool next_pdu(struct peer *p, struct pdu *d)
{
	const uint8_t *b = p->rx + p->rx_at;
	uint32_t have = p->rx_len - p->rx_at;

	if (have < 8 || have < get32(b + 4))
		return false;
	*d = (struct pdu){
		.b = b, .type = b[0], .flags = b[1], .hlen = b[2], .pdo = b[3], .plen = get32(b + 4)
	};
	ck_assert_uint_ge(d->plen, d->hlen);
	p->rx_at += d->plen;
	if (d->type >= PDU_CAPSULE_CMD)
		check_parts(p, d);
	return true;
}

struct pdu expect_pdu(struct peer *p, uint8_t type)
{
	struct pdu d;

	ck_assert_msg(next_pdu(p, &d), "no PDU, but %02x is expected", type);
	ck_assert_msg(d.type == type, "PDU %02x, but %02x is expected", d.type, type);
	return d;
}

void expect_no_pdu(struct peer *p)
{
	ck_assert_uint_eq(p->rx_at, p->rx_len);
}

void expect_term(struct peer *p, uint16_t fes, uint32_t fei, const void *hdr, uint32_t hdr_len)
{
	struct pdu d = expect_pdu(p, p->rport ? PDU_C2H_TERM_REQ : PDU_H2C_TERM_REQ);
	static const uint8_t zero[10];

	ck_assert_uint_eq(d.flags, 0);
	ck_assert_uint_eq(d.hlen, 24);
	ck_assert_uint_eq(d.pdo, 0);
	ck_assert_msg(get_le16(d.b + 8) == fes && get32(d.b + 10) == fei,
		      "FES %u FEI %u, but %u %u is expected", get_le16(d.b + 8), get32(d.b + 10),
		      fes, fei);
	ck_assert_mem_eq(d.b + 14, zero, 10);
	ck_assert_uint_eq(d.plen, 24 + hdr_len);
	ck_assert_mem_eq(d.b + 24, hdr, hdr_len);
	expect_no_pdu(p);
	ck_assert(p->got_fin);
}

/* --- PDUs to the host --------------------------------------------------------------------------------------------------------- */

void ctrl_send_quiet(struct peer *p, const struct send *s)
{
	uint8_t *b = calloc(1, s->hlen + s->pad + s->len + 8u), *at = b;
	bool dgst = s->hdr[0] >= PDU_CAPSULE_CMD;

	memcpy(at, s->hdr, s->hlen);
	at += s->hlen;
	if (dgst && (p->digests & DGST_H)) {
		put32(at, crc32c(b, s->hlen) ^ s->bend_hdgst);
		at += 4;
	}
	at += s->pad;
	if (s->len)
		memcpy(at, s->data, s->len);
	at += s->len;
	if (dgst && s->data && (p->digests & DGST_D)) {
		put32(at, crc32c(at - s->len, s->len) ^ s->bend_ddgst);
		at += 4;
	}
	peer_send_quiet(p, b, (uint32_t)(at - b));
	free(b);
}

void ctrl_send(struct peer *p, const struct send *s)
{
	ctrl_send_quiet(p, s);
	run();
}

struct send make_header(uint8_t type, uint8_t flags, uint8_t hlen, uint8_t pdo, uint32_t plen)
{
	struct send s = { .hlen = hlen };

	s.hdr[0] = type;
	s.hdr[1] = flags;
	s.hdr[2] = hlen;
	s.hdr[3] = pdo;
	put32(s.hdr + 4, plen);
	return s;
}

struct send icresp(const struct conn_opts *o, uint8_t asked)
{
	struct send s = make_header(PDU_ICRESP, 0, 128, 0, 128);

	s.hdr[10] = o->cpda;
	s.hdr[11] = asked & (uint8_t)~o->icresp_dgst;
	put32(s.hdr + 12, o->maxh2cdata ? o->maxh2cdata : 0x400000);
	return s;
}

struct send resp(const struct peer *p, uint16_t cid, uint32_t dw0, uint16_t status)
{
	bool hd = p->digests & DGST_H;
	struct send s = make_header(PDU_CAPSULE_RESP, hd, 24, 0, hd ? 28 : 24);

	put32(s.hdr + 8, dw0);
	put32(s.hdr + 12, 0x11223344);
	put32(s.hdr + 16, 0x00010002); /* SQHD, SQID */
	put32(s.hdr + 20, cid | (uint32_t)status << 16);
	return s;
}

struct send c2h(const struct peer *p, uint16_t cid, uint32_t off, const void *data, uint32_t len,
		uint8_t flags)
{
	bool hd = p->digests & DGST_H, dd = p->digests & DGST_D;
	uint32_t head = hd ? 28 : 24, align = (p->hpda + 1u) * 4,
		 pdo = (head + align - 1) / align * align;
	struct send s = make_header(PDU_C2H_DATA,
				    flags | (hd ? PDU_F_HDGST : 0) | (dd ? PDU_F_DDGST : 0), 24,
				    (uint8_t)pdo, pdo + len + (dd ? 4 : 0));

	put32(s.hdr + 8, cid);
	put32(s.hdr + 12, off);
	put32(s.hdr + 16, len);
	s.data = data;
	s.len = len;
	s.pad = pdo - head;
	return s;
}

struct send r2t(const struct peer *p, uint16_t cid, uint16_t ttag, uint32_t off, uint32_t len)
{
	bool hd = p->digests & DGST_H;
	struct send s = make_header(PDU_R2T, hd, 24, 0, hd ? 28 : 24);

	put32(s.hdr + 8, cid | (uint32_t)ttag << 16);
	put32(s.hdr + 12, off);
	put32(s.hdr + 16, len);
	return s;
}

struct send term(uint16_t fes, uint32_t fei)
{
	struct send s = make_header(PDU_C2H_TERM_REQ, 0, 24, 0, 24);

	s.hdr[8] = (uint8_t)fes;
	put32(s.hdr + 10, fei);
	return s;
}

void send_resp(uint16_t qp, uint16_t cid)
{
	struct send s = resp(&peers[qp], cid, 0xc0000000u + cid, 0);

	ctrl_send(&peers[qp], &s);
}

void expect_h2c(struct peer *p, uint16_t cid, uint16_t ttag, uint32_t off, uint32_t len, bool last,
		const uint8_t *content)
{
	struct pdu d = expect_pdu(p, PDU_H2C_DATA);

	ck_assert_uint_eq(d.hlen, 24);
	ck_assert_uint_eq(get32(d.b + 8), cid | (uint32_t)ttag << 16);
	ck_assert_uint_eq(get32(d.b + 12), off);
	ck_assert_uint_eq(get32(d.b + 16), len);
	ck_assert_uint_eq(get32(d.b + 20), 0);
	ck_assert_uint_eq(d.len, len);
	ck_assert_int_eq(!!(d.flags & PDU_F_LAST), last);
	ck_assert_mem_eq(d.data, content, len);
}
