// SPDX-License-Identifier: BSD-2-Clause
/* TCP: parsing of segments, connections and how they begin. */
#include <stdlib.h>

#include "tcp.h"

#define OPT_MSS 2
#define OPT_WSCALE 3
#define OPT_SACK_OK 4
#define OPT_SACK 5
#define OPT_TS 8

/* --- parsing ------------------------------------------------------------------------------------------------------------- */

static void parse_option(struct segment *s, const uint8_t *o, unsigned int len)
{
	unsigned int i;

	switch (o[0]) {
	case OPT_MSS:
		s->mss = len == 4 ? be16(o + 2) : 0;
		break;
	case OPT_WSCALE:
		s->wscale = len == 3 ? o[2] : -1;
		break;
	case OPT_SACK_OK:
		s->sack_ok = len == 2;
		break;
	case OPT_SACK:
		for (i = 0; i < (len - 2) / 8 && i < 4; i++)
			s->sack[s->n_sack++] =
				(struct seq_range){ be32(o + 2 + i * 8), be32(o + 6 + i * 8) };
		break;
	case OPT_TS:
		s->ts = len == 10;
		s->ts_val = be32(o + 2);
		s->ts_ecr = be32(o + 6);
		break;
	}
}

static bool parse_options(struct segment *s, const uint8_t *o, unsigned int len)
{
	unsigned int n;

	while (len) {
		if (*o == 0)
			return true;
		n = *o == 1 ? 1 : len < 2 ? 0 : o[1];
		if (!n || n > len || (n < 2 && *o != 1) || (*o == OPT_TS && n != 10))
			return false;
		if (n > 1)
			parse_option(s, o, n);
		o += n;
		len -= n;
	}
	return true;
}

bool tcp_parse(struct peer *p, struct segment *s, uint32_t from, const uint8_t *t, size_t len)
{
	uint8_t pseudo[12] = { 0 };
	unsigned int head;

	put_be32(pseudo, from);
	put_be32(pseudo + 4, p->params.ip);
	pseudo[9] = 6;
	put_be16(pseudo + 10, (uint32_t)len);
	if (len < 20 || net_fold(net_sum(t, len, net_sum(pseudo, 12, 0)))) {
		p->stats.bad_checksums++;
		return false;
	}
	head = (t[12] >> 4) * 4;
	memset(s, 0, offsetof(struct segment, sack));
	s->n_sack = 0;
	s->wscale = -1;
	s->from_port = be16(t);
	s->to_port = be16(t + 2);
	s->seq = be32(t + 4);
	s->ack = be32(t + 8);
	s->flags = t[13];
	s->wnd = be16(t + 14);
	if (head < 20 || head > len || !parse_options(s, t + 20, head - 20)) {
		complain(p, "malformed TCP header or option");
		return false;
	}
	s->data = t + head;
	s->len = (uint32_t)(len - head);
	return true;
}

/* --- opening -------------------------------------------------------------------------------------------------------------- */

struct conn *tcp_find(struct peer *p, uint32_t ip, uint16_t port, uint16_t local)
{
	unsigned int i, k;
	struct conn *c;

	for (i = 0; i < p->n_conns; i++) {
		k = (p->last_conn + i) % p->n_conns;
		c = p->conns[k];
		if (c->port == port && c->ip == ip && c->local_port == local) {
			p->last_conn = k;
			return c;
		}
	}
	return NULL;
}

static struct conn *new_conn(struct peer *p)
{
	struct conn *c;

	if (p->n_conns == PEER_CONNS)
		return NULL;
	c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->p = p;
	c->ring_size = 1 << 19;
	c->ring = malloc(c->ring_size);
	c->history = malloc(RX_HISTORY);
	c->unread = malloc(p->params.window);
	p->conns[p->n_conns++] = c;
	if (c->ring && c->history && c->unread && !nvme_open(c))
		return c;
	tcp_drop(c);
	return NULL;
}

static void check_syn(struct peer *p, const struct segment *s)
{
	if (!s->mss)
		complain(p, "SYN without MSS");
	if (s->mss + 40 > p->params.mtu && s->mss > 536)
		complain(p, "SYN with MSS %u above our MTU", s->mss);
	if (s->wscale > 14)
		complain(p, "window scale %d", s->wscale);
	if (s->len)
		complain(p, "SYN with data");
}

static void negotiate(struct conn *c, const struct segment *s)
{
	const struct peer_params *q = &c->p->params;
	unsigned int mss = s->mss ? s->mss : 536;

	c->ts = s->ts && !q->no_ts;
	c->sack = s->sack_ok && !q->no_sack;
	c->scaling = s->wscale >= 0 && !q->no_wscale;
	if (c->scaling) {
		c->snd_scale = (uint8_t)(s->wscale > 14 ? 14 : s->wscale);
		while (c->rcv_scale < 14 && q->window >> c->rcv_scale > 0xffff)
			c->rcv_scale++;
	}
	if (mss > q->mtu - 40u)
		mss = q->mtu - 40u;
	c->mss = (uint16_t)(mss - (c->ts ? 12 : 0));
}

void tcp_on_syn(struct peer *p, const uint8_t *mac, uint32_t from, const struct segment *s)
{
	struct conn *c;

	check_syn(p, s);
	c = s->to_port == p->params.port || s->to_port == p->params.discovery_port ? new_conn(p) :
										     NULL;
	if (!c) {
		tcp_send_rst(p, mac, from, s->to_port, s->from_port, 0, s->seq + 1, true);
		return;
	}
	p->stats.connections++;
	memcpy(c->mac, mac, 6);
	c->ip = from;
	c->port = s->from_port;
	c->local_port = s->to_port;
	c->irs = s->seq;
	c->rcv_nxt = s->seq + 1;
	c->ts_recent = s->ts_val;
	negotiate(c, s);
	c->iss = (uint32_t)peer_random(p);
	c->una = c->nxt = c->max = c->tail = c->iss + 1;
	c->wnd = s->wnd;
	c->wl1 = s->seq;
	c->rto = 1000000000; /* RFC 6298: before there is a measurement */
	if (c->rto < p->params.rto_min_ns || p->params.rto_min_ns < 100000000)
		c->rto = p->params.rto_min_ns * 4;
	c->state = TCP_SYN_RCVD;
	tcp_send_syn_ack(c);
}
