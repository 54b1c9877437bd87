// SPDX-License-Identifier: BSD-2-Clause
#include <string.h>

#include "host.h"

static const uint8_t own_mac[6] = { 2, 0, 0, 0, 0, 1 }, peer_mac[6] = { 2, 0, 0, 0, 0, 2 };
#define OWN_IP 0x0a000001u
#define PEER_IP 0x0a000002u
#define STEP_NS 100000
#define CONNECT_NS 20000000

static void be(uint8_t *p, uint32_t v, unsigned int n)
{
	while (n--) {
		p[n] = (uint8_t)v;
		v >>= 8;
	}
}

static uint32_t get(const uint8_t *p, unsigned int n)
{
	uint32_t v = 0;

	while (n--)
		v = v << 8 | *p++;
	return v;
}

static void le(uint8_t *p, uint32_t v, unsigned int n)
{
	for (; n--; v >>= 8)
		*p++ = (uint8_t)v;
}

static uint32_t sum16(const uint8_t *p, size_t len, uint32_t s)
{
	size_t i;

	for (i = 0; i < len; i++)
		s += i % 2 ? p[i] : (uint32_t)p[i] << 8;
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return s;
}

void host_init(struct host *h, struct peer *p)
{
	memset(h, 0, sizeof(*h));
	h->peer = p;
	h->now = 1000;
	h->wnd = 60000;
	h->ts = h->sack = true;
	memcpy(h->mac, own_mac, 6);
	h->ip = OWN_IP;
	h->subnqn = PEER_SUBNQN;
	h->patience = 1000000000;
}

void host_frame(struct host *h, const void *frame, size_t len)
{
	if (h->send) {
		h->send(h, frame, len);
		return;
	}
	peer_rx(h->peer, frame, len, h->now);
	peer_poll(h->peer, h->now);
}

static void pass(struct host *h)
{
	if (h->pass) {
		h->pass(h, STEP_NS);
		return;
	}
	h->now += STEP_NS;
	peer_poll(h->peer, h->now);
}

/* --- segments ------------------------------------------------------------------------------------------------------------- */

static size_t options(struct host *h, uint8_t *o, uint8_t flags)
{
	size_t n = 0;

	if (flags & 2) {
		be(o, 0x020405b4, 4);
		be(o + 4, h->sack ? 0x04020101 : 0x01010101, 4);
		n = 8;
	}
	if (h->ts) {
		be(o + n, 0x0101080a, 4);
		be(o + n + 4, (uint32_t)(h->now / 1000000) + 5, 4);
		be(o + n + 8, 0, 4);
		n += 12;
	}
	if (h->sack && h->ooo_to != h->ooo_from && !(flags & 2)) {
		be(o + n, 0x0101050a, 4);
		be(o + n + 4, h->ooo_from, 4);
		be(o + n + 8, h->ooo_to, 4);
		n += 12;
	}
	return n;
}

void host_segment(struct host *h, uint32_t seq, uint8_t flags, const void *bytes, size_t len)
{
	uint8_t f[2000] = { 0 }, *ip = f + 14, *t = f + 34, pseudo[12] = { 0 };
	size_t opt = options(h, t + 20, flags);

	memcpy(f, peer_mac, 6);
	memcpy(f + 6, h->mac, 6);
	be(f + 12, 0x0800, 2);
	be(ip, 0x4500, 2);
	be(ip + 2, (uint32_t)(40 + opt + len), 2);
	be(ip + 6, 0x4000, 2);
	ip[8] = 64;
	ip[9] = 6;
	be(ip + 12, h->ip, 4);
	be(ip + 16, PEER_IP, 4);
	be(ip + 10, ~sum16(ip, 20, 0) & 0xffff, 2);
	be(t, h->port, 2);
	be(t + 2, h->remote, 2);
	be(t + 4, seq, 4);
	be(t + 8, flags & 16 ? h->ack : 0, 4);
	t[12] = (uint8_t)((20 + opt) / 4 << 4);
	t[13] = flags;
	be(t + 14, h->wnd, 2);
	if (len)
		memcpy(t + 20 + opt, bytes, len);
	memcpy(pseudo, ip + 12, 8);
	pseudo[9] = 6;
	be(pseudo + 10, (uint32_t)(20 + opt + len), 2);
	be(t + 16, ~sum16(t, 20 + opt + len, sum16(pseudo, 12, 0)) & 0xffff, 2);
	host_frame(h, f, 54 + opt + len);
}

void host_ack(struct host *h)
{
	host_segment(h, h->seq, 16, NULL, 0);
}

static void take_data(struct host *h, uint32_t seq, const uint8_t *b, uint32_t len)
{
	if (seq != h->ack) {
		if ((int32_t)(seq - h->ack) > 0 && (h->ooo_from == h->ooo_to || seq == h->ooo_to)) {
			if (h->ooo_from == h->ooo_to)
				h->ooo_from = h->ooo_to = seq;
			memcpy(h->ooo + (h->ooo_to - h->ooo_from), b, len);
			h->ooo_to += len;
		}
		h->dups++;
		return;
	}
	memcpy(h->stream + h->got, b, len);
	h->got += len;
	h->ack += len;
	if (h->ooo_to != h->ooo_from && h->ack == h->ooo_from) {
		len = h->ooo_to - h->ooo_from;
		memcpy(h->stream + h->got, h->ooo, len);
		h->got += len;
		h->ack += len;
		h->ooo_from = h->ooo_to;
	}
}

static void note_sack(struct host *h, const uint8_t *o, unsigned int n)
{
	while (n) {
		if (*o == 1) {
			o++;
			n--;
			continue;
		}
		if (*o == 5) {
			h->sacked_from = get(o + 2, 4);
			h->sacked_to = get(o + 6, 4);
		}
		n -= o[1];
		o += o[1];
	}
}

/* What the peer sends; acknowledgements go out later, in host_wait, as the peer is not re-entrant. */
void host_take(void *ctx, const void *frame, size_t n)
{
	struct host *h = ctx;
	const uint8_t *f = frame, *t = f + 34;
	unsigned int head;
	uint32_t len;

	if (get(f + 12, 2) != 0x0800 || f[23] != 6 || get(t + 2, 2) != h->port) {
		memcpy(h->frame, frame, n);
		h->frame_len = n;
		return;
	}
	head = (unsigned int)(t[12] >> 4) * 4;
	len = (uint32_t)(get(f + 16, 2) - 20 - head);
	if (t[13] & 4) {
		h->rst = true;
		return;
	}
	if (t[13] & 2) {
		h->syn_ack = true;
		h->ack = get(t + 4, 4) + 1;
		return;
	}
	h->acked = get(t + 8, 4);
	h->peer_wnd = get(t + 14, 2);
	note_sack(h, t + 20, head - 20);
	if (len) {
		h->segments++;
		if (h->drop && !--h->drop)
			return;
		take_data(h, get(t + 4, 4), t + head, len);
	}
	if (t[13] & 1 && get(t + 4, 4) + len == h->ack) {
		h->fin = true;
		h->ack++;
	}
}

bool host_connect(struct host *h, uint16_t local, uint16_t remote)
{
	uint64_t end;

	h->port = local;
	h->remote = remote;
	h->seq = 7000 + local;
	h->syn_ack = h->rst = h->fin = false;
	h->got = h->used = 0;
	h->ooo_from = h->ooo_to = 0;
	host_segment(h, h->seq++, 2, NULL, 0);
	end = h->now + CONNECT_NS;
	while (h->pass && !h->syn_ack && !h->rst && h->now < end)
		pass(h);
	if (!h->syn_ack)
		return false;
	host_ack(h);
	return true;
}

void host_send(struct host *h, const void *bytes, size_t len)
{
	const uint8_t *b = bytes;
	size_t n;

	for (; len; b += n, len -= n) {
		n = len < 1400 ? len : 1400;
		h->seq += (uint32_t)n;
		host_segment(h, h->seq - (uint32_t)n, 24, b, n);
	}
}

void host_wait(struct host *h, uint64_t ns, size_t want)
{
	uint64_t end = h->now + ns;
	uint32_t ack = h->ack - 1;

	while (h->now < end && h->got - h->used < want && !h->rst && !h->fin) {
		while (!h->quiet && h->dups_answered != h->dups) {
			h->dups_answered++;
			host_ack(h);
		}
		if (!h->quiet && ack != h->ack) {
			ack = h->ack;
			host_ack(h);
		}
		pass(h);
	}
	if (!h->quiet && !h->rst)
		host_ack(h);
}

/* --- NVMe/TCP ---------------------------------------------------------------------------------------------------------------- */

uint32_t host_crc(const void *bytes, size_t len)
{
	const uint8_t *b = bytes;
	uint32_t c = ~0u;
	int k;

	while (len--)
		for (c ^= *b++, k = 0; k < 8; k++)
			c = c >> 1 ^ (c & 1 ? 0x82f63b78u : 0);
	return ~c;
}

void host_pdu(struct host *h, uint8_t *head, const void *data, size_t len)
{
	static uint8_t out[70000];
	size_t n = head[2];

	if (h->hdgst && head[0] >= 4)
		head[1] |= 1;
	if (h->ddgst && len)
		head[1] |= 2;
	if (!head[4] && !head[5] && !head[6] && !head[7]) {
		if (len)
			head[3] = (uint8_t)(n + (head[1] & 1 ? 4 : 0));
		le(head + 4, (uint32_t)(n + (head[1] & 1 ? 4 : 0) + len + (head[1] & 2 ? 4 : 0)),
		   4);
	}
	memcpy(out, head, n);
	if (head[1] & 1 && head[0] >= 4) {
		le(out + n, host_crc(head, n), 4);
		n += 4;
	}
	if (len)
		memcpy(out + n, data, len);
	n += len;
	if (head[1] & 2 && len) {
		le(out + n, host_crc(data, len), 4);
		n += 4;
	}
	host_send(h, out, n);
}

static const uint8_t *bytes(struct host *h, size_t n)
{
	const uint8_t *b = h->stream + h->used;

	host_wait(h, h->patience, n);
	if (h->got - h->used < n)
		return NULL;
	h->used += n;
	return b;
}

bool host_next(struct host *h, uint8_t *head, uint8_t *data, size_t *len)
{
	const uint8_t *b = bytes(h, 8);
	size_t hlen, plen, start;

	*len = 0;
	if (!b)
		return false;
	hlen = b[2];
	plen = (size_t)(b[4] | b[5] << 8 | b[6] << 16);
	start = hlen + (b[1] & 1 ? 4 : 0);
	if (!bytes(h, plen - 8))
		return false;
	memcpy(head, b, hlen);
	if (b[1] & 1 && memcmp(b + hlen, (uint32_t[]){ host_crc(b, hlen) }, 4))
		return false;
	if (plen <= start)
		return true;
	if (b[3])
		start = b[3];
	*len = plen - start - (b[1] & 2 ? 4 : 0);
	memcpy(data, b + start, *len);
	return !(b[1] & 2) || !memcmp(b + start + *len, (uint32_t[]){ host_crc(data, *len) }, 4);
}

bool host_ic(struct host *h, uint8_t digests, unsigned int max_r2t)
{
	uint8_t req[128] = { 0, 0, 128, 0, 128 }, head[128], data[8];
	size_t len;

	h->hdgst = h->ddgst = false;
	req[11] = digests;
	le(req + 12, max_r2t - 1, 4);
	host_send(h, req, sizeof(req));
	if (!host_next(h, head, data, &len) || head[0] != 1)
		return false;
	h->hdgst = head[11] & 1;
	h->ddgst = head[11] & 2;
	return true;
}

void host_sqe(uint8_t *sqe, uint8_t opcode, uint16_t cid, uint32_t nsid, uint8_t kind, uint32_t len)
{
	memset(sqe, 0, 64);
	sqe[0] = opcode;
	sqe[1] = 0x40;
	le(sqe + 2, cid, 2);
	le(sqe + 4, nsid, 4);
	le(sqe + 32, len, 4);
	sqe[39] = kind;
}

void host_capsule(struct host *h, const uint8_t *sqe, const void *icd, size_t len)
{
	uint8_t head[72] = { 4, 0, 72 };

	memcpy(head + 8, sqe, 64);
	host_pdu(h, head, icd, len);
}

bool host_response(struct host *h, uint16_t *cid, uint16_t *status, uint32_t *dw0)
{
	uint8_t head[128], data[8];
	size_t len;

	if (!host_next(h, head, data, &len) || head[0] != 5)
		return false;
	memcpy(dw0, head + 8, 4);
	memcpy(cid, head + 20, 2);
	memcpy(status, head + 22, 2);
	*status >>= 1;
	return true;
}

uint16_t host_fabric_connect(struct host *h, uint16_t qid, uint16_t entries, uint16_t *cntlid,
			     uint8_t cattr)
{
	uint8_t sqe[64], d[1024] = { 0 };
	uint16_t cid, status;
	uint32_t dw0;

	host_sqe(sqe, 0x7f, 0, 1, 0x01, sizeof(d));
	le(sqe + 42, qid, 2);
	le(sqe + 44, entries - 1u, 2);
	sqe[46] = cattr;
	memset(d, 0x11, 16);
	le(d + 16, qid ? *cntlid : 0xffff, 2);
	strcpy((char *)d + 256, h->subnqn);
	strcpy((char *)d + 512, "nqn.2026-01.test.weft:host");
	host_capsule(h, sqe, d, sizeof(d));
	if (!host_response(h, &cid, &status, &dw0))
		return 0xffff;
	*cntlid = (uint16_t)dw0;
	return status;
}
