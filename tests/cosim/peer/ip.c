// SPDX-License-Identifier: BSD-2-Clause
/* The peer's outside: creation, Ethernet, ARP, IPv4, ICMP echo, complaints, armed faults. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "net.h"

#define ETH_IPV4 0x0800
#define ETH_ARP 0x0806
#define PROTO_ICMP 1
#define PROTO_TCP 6

static const uint8_t broadcast[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

void complain(struct peer *p, const char *fmt, ...)
{
	va_list ap;

	if (p->complaints++)
		return;
	va_start(ap, fmt);
	vsnprintf(p->complaint, sizeof(p->complaint), fmt, ap);
	va_end(ap);
}

uint64_t peer_random(struct peer *p)
{
	p->rng ^= p->rng << 13;
	p->rng ^= p->rng >> 7;
	p->rng ^= p->rng << 17;
	return p->rng >> 16;
}

/* --- checksums ---------------------------------------------------------------------------------------------------------- */

/* In memory order: ones' complement sums do not mind, the folded result is stored in memory order as well. */
uint64_t net_sum(const void *bytes, size_t len, uint64_t sum)
{
	const uint8_t *b = bytes;
	uint64_t v = 0;

	for (; len >= 8; len -= 8, b += 8) {
		memcpy(&v, b, 8);
		sum += v;
		sum += sum < v;
	}
	v = 0;
	memcpy(&v, b, len);
	sum += v;
	return sum + (sum < v);
}

uint16_t net_fold(uint64_t sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* --- making ---------------------------------------------------------------------------------------------------------------- */

static void fill_in(struct peer_params *q)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 2 }, none[6];

	if (!memcmp(q->mac, none, 6))
		memcpy(q->mac, mac, 6);
#define DEFAULT(field, value) (q->field = q->field ? q->field : (value))
	DEFAULT(ip, 0x0a000002);
	DEFAULT(mtu, 1500);
	DEFAULT(port, 4420);
	DEFAULT(discovery_port, 8009);
	DEFAULT(subnqn, PEER_SUBNQN);
	DEFAULT(ns_bytes, 16 << 20);
	DEFAULT(block, 512);
	DEFAULT(icd_max, 16384);
	DEFAULT(maxh2cdata, 131072);
	DEFAULT(r2t_bytes, UINT32_MAX);
	DEFAULT(c2h_bytes, UINT32_MAX);
	DEFAULT(digests, 3);
	DEFAULT(io_queues, 64);
	DEFAULT(window, 1 << 20);
	DEFAULT(rto_min_ns, 5000000);
	DEFAULT(ack_delay_ns, 100000);
#undef DEFAULT
}

struct peer *peer_new(const struct peer_params *params, void (*send)(void *, const void *, size_t),
		      void *ctx)
{
	struct peer *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	if (params)
		p->params = *params;
	fill_in(&p->params);
	p->send = send;
	p->ctx = ctx;
	p->rng = (p->params.seed + 1) * 0x9e3779b97f4a7c15ull;
	p->next_cntlid = 1;
	p->ram = calloc(1, p->params.ns_bytes);
	if (p->ram)
		return p;
	free(p);
	return NULL;
}

void peer_free(struct peer *p)
{
	if (!p)
		return;
	while (p->n_conns)
		tcp_drop(p->conns[0]);
	nvme_peer_free(p);
	free(p->ram);
	free(p);
}

/* --- out ------------------------------------------------------------------------------------------------------------------- */

static void transmit(struct peer *p, size_t len)
{
	p->stats.frames_out++;
	p->stats.bytes_out += len;
	p->send(p->ctx, p->frame, len);
}

void ip_send(struct peer *p, const uint8_t *mac, uint32_t to, uint8_t protocol, size_t len)
{
	uint8_t *f = p->frame, *ip = f + 14;
	uint16_t sum;

	memcpy(f, mac, 6);
	memcpy(f + 6, p->params.mac, 6);
	put_be16(f + 12, ETH_IPV4);
	put_be16(ip, 0x4500);
	put_be16(ip + 2, (uint32_t)(20 + len));
	put_be16(ip + 4, p->ip_id++);
	put_be16(ip + 6, 0x4000);
	ip[8] = 64;
	ip[9] = protocol;
	put_be16(ip + 10, 0);
	put_be32(ip + 12, p->params.ip);
	put_be32(ip + 16, to);
	sum = net_fold(net_sum(ip, 20, 0));
	memcpy(ip + 10, &sum, 2);
	transmit(p, 34 + len);
}

/* --- in -------------------------------------------------------------------------------------------------------------------- */

static void arp_rx(struct peer *p, const uint8_t *f, size_t len)
{
	const uint8_t *a = f + 14;
	uint8_t *r = p->frame;

	if (len < 42 || be16(a) != 1 || be16(a + 2) != ETH_IPV4 || a[4] != 6 || a[5] != 4) {
		complain(p, "malformed ARP packet");
		return;
	}
	if (memcmp(a + 8, f + 6, 6))
		complain(p, "ARP sender differs from the frame's source");
	if (be16(a + 6) != 1 || be32(a + 24) != p->params.ip)
		return;
	memcpy(r, a + 8, 6);
	memcpy(r + 6, p->params.mac, 6);
	put_be16(r + 12, ETH_ARP);
	memcpy(r + 14, a, 6);
	put_be16(r + 20, 2);
	memcpy(r + 22, p->params.mac, 6);
	put_be32(r + 28, p->params.ip);
	memcpy(r + 32, a + 8, 10);
	transmit(p, 42);
}

static void icmp_rx(struct peer *p, const uint8_t *mac, uint32_t from, const uint8_t *m, size_t len)
{
	uint16_t sum;

	if (len < 8 || net_fold(net_sum(m, len, 0))) {
		p->stats.bad_checksums++;
		return;
	}
	if (m[0] != 8 || len > sizeof(p->frame) - 34)
		return;
	memcpy(p->frame + 34, m, len);
	p->frame[34] = 0;
	put_be16(p->frame + 36, 0);
	sum = net_fold(net_sum(p->frame + 34, len, 0));
	memcpy(p->frame + 36, &sum, 2);
	ip_send(p, mac, from, PROTO_ICMP, len);
}

/* The length of the IPv4 payload, or 0 when the packet is to be dropped. */
static size_t check_ip(struct peer *p, const uint8_t *ip, size_t len)
{
	size_t total = be16(ip + 2);

	if (ip[0] != 0x45 || total < 20 || total > len) {
		p->stats.bad_checksums++; /* damaged, or nonsense */
		return 0;
	}
	if (net_fold(net_sum(ip, 20, 0))) {
		p->stats.bad_checksums++;
		return 0;
	}
	if (len > total && len > 46)
		complain(p, "frame longer than its IPv4 packet (%zu, %zu)", len, total);
	if (total > p->params.mtu)
		complain(p, "IPv4 packet of %zu bytes exceeds the MTU", total);
	if (be16(ip + 6) & 0x3fff)
		complain(p, "fragment");
	return total - 20;
}

static void ip_rx(struct peer *p, const uint8_t *f, size_t len)
{
	const uint8_t *ip = f + 14;
	size_t n;

	if (len < 34) {
		p->stats.bad_checksums++;
		return;
	}
	n = check_ip(p, ip, len - 14);
	if (!n)
		return;
	if (be32(ip + 16) != p->params.ip)
		p->stats.not_for_us++;
	else if (ip[9] == PROTO_TCP)
		tcp_rx(p, f + 6, be32(ip + 12), ip + 20, n);
	else if (ip[9] == PROTO_ICMP)
		icmp_rx(p, f + 6, be32(ip + 12), ip + 20, n);
}

void peer_rx(struct peer *p, const void *frame, size_t len, uint64_t now_ns)
{
	const uint8_t *f = frame;

	p->now = now_ns;
	p->stats.frames_in++;
	p->stats.bytes_in += len;
	if (len < 14 || (memcmp(f, p->params.mac, 6) && memcmp(f, broadcast, 6))) {
		p->stats.not_for_us++;
		return;
	}
	if (be16(f + 12) == ETH_ARP)
		arp_rx(p, f, len);
	else if (be16(f + 12) == ETH_IPV4)
		ip_rx(p, f, len);
}

uint64_t peer_poll(struct peer *p, uint64_t now_ns)
{
	uint64_t next, t;
	unsigned int i;

	p->now = now_ns;
	next = nvme_timers(p);
	for (i = p->n_conns; i-- > 0;) {
		if (i >= p->n_conns)
			continue;
		t = tcp_timers(p->conns[i]);
		next = t < next ? t : next;
	}
	return next;
}

/* --- what tests ask --------------------------------------------------------------------------------------------------------- */

unsigned int peer_complaints(const struct peer *p, const char **text)
{
	if (text)
		*text = p->complaint;
	return p->complaints;
}

const struct peer_stats *peer_stats(const struct peer *p)
{
	((struct peer *)p)->stats.open = p->n_conns;
	return &p->stats;
}

uint8_t *peer_ram(struct peer *p, size_t *len)
{
	if (len)
		*len = p->params.ns_bytes;
	return p->ram;
}

unsigned int peer_commands(const struct peer *p)
{
	unsigned int i, n = 0;

	for (i = 0; i < p->n_conns; i++)
		n += nvme_commands(p->conns[i]);
	return n;
}

void peer_misbehave(struct peer *p, enum peer_fault fault, uint16_t qid, unsigned int occasion,
		    uint32_t arg)
{
	p->fault = (struct fault){ fault, qid, occasion, arg, false };
}

bool peer_misbehaved(const struct peer *p)
{
	return p->fault.happened;
}

enum peer_fault fault_now(struct peer *p, uint16_t qid, enum peer_fault first, enum peer_fault last)
{
	struct fault *f = &p->fault;

	if (f->kind < first || f->kind > last || f->happened ||
	    (f->qid != PEER_ANY_QUEUE && f->qid != qid))
		return PEER_GOOD;
	if (f->countdown > 1) {
		f->countdown--;
		return PEER_GOOD;
	}
	f->happened = true;
	return f->kind;
}

const char *peer_fault_name(enum peer_fault fault)
{
	static const char *const names[PEER_FAULTS] = {
		"none",
		"ICResp PFV",
		"ICResp CPDA",
		"ICResp MAXH2CDATA",
		"ICResp PLEN",
		"ICResp HLEN",
		"ICResp digest not asked",
		"no ICResp",
		"C2HTermReq for ICReq",
		"C2HData header digest",
		"C2HData data digest",
		"C2HData DATAO",
		"C2HData beyond the buffer",
		"C2HData CCCID",
		"C2HData without LAST",
		"C2HData SUCCESS without LAST",
		"C2HData PDO",
		"C2HData PLEN",
		"C2HData HLEN",
		"C2HData HDGSTF",
		"C2HData too few",
		"CapsuleResp header digest",
		"CapsuleResp CID",
		"CapsuleResp twice",
		"no CapsuleResp",
		"CapsuleResp status",
		"CapsuleResp PLEN",
		"R2T header digest",
		"R2T CCCID",
		"R2T length 0",
		"R2T beyond the buffer",
		"R2T offset",
		"too many R2T",
		"no R2T",
		"R2T for a read",
		"C2HTermReq",
		"unknown PDU type",
		"PDU of the host's direction",
		"PLEN huge",
		"FIN",
		"RST",
		"silence",
		"stops reading",
		"RST amid data",
		"FIN amid data",
		"silence amid data",
	};

	return fault < PEER_FAULTS ? names[fault] : "?";
}

void peer_resume(struct peer *p)
{
	struct conn *c;
	unsigned int i;
	uint32_t n;

	for (i = 0; i < p->n_conns; i++) {
		c = p->conns[i];
		if (!c->stopped)
			continue;
		c->stopped = false;
		n = c->n_unread;
		c->n_unread = 0;
		nvme_input(c, c->unread, n);
		tcp_send_ack(c);
		tcp_output(c);
	}
}

void peer_close_all(struct peer *p, bool reset)
{
	unsigned int i;

	for (i = p->n_conns; i-- > 0;) {
		if (reset) {
			tcp_abort(p->conns[i]);
		} else {
			tcp_close(p->conns[i]);
		}
	}
}
