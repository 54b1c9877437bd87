// SPDX-License-Identifier: BSD-2-Clause
/*
 * TCP, receive side: RFC 9293 as the passive opener, with window scale, timestamps and PAWS, SACK and D-SACK. States:
 *
 *   FREE --SYN--> SYN_RCVD --ACK--> ESTABLISHED --FIN--> CLOSE_WAIT --close--> LAST_ACK --ACK--> FREE
 *                                   ESTABLISHED --close--> FIN_WAIT_1 --ACK--> FIN_WAIT_2 --FIN--> FREE
 *                                                          FIN_WAIT_1 --FIN--> CLOSING --ACK--> FREE
 * (TIME_WAIT is skipped: the answer to a lost last ACK is a reset, which a correct peer survives.)
 */
#include <stdlib.h>

#include "net.h"

#define OPT_MSS 2
#define OPT_WSCALE 3
#define OPT_SACK_OK 4
#define OPT_SACK 5
#define OPT_TS 8

struct segment {
	uint16_t from_port, to_port;
	uint32_t seq, ack, wnd;
	uint8_t flags;
	const uint8_t *data;
	uint32_t len;
	uint16_t mss;
	int wscale; /* -1: none */
	bool sack_ok, ts;
	uint32_t ts_val, ts_ecr;
	struct seq_range sack[4];
	unsigned int n_sack;
};

static int32_t diff(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b);
}

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
			s->sack[s->n_sack++] = (struct seq_range){ be32(o + 2 + i * 8), be32(o + 6 + i * 8) };
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

static bool parse(struct peer *p, struct segment *s, uint32_t from, const uint8_t *t, size_t len)
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

static struct conn *find(struct peer *p, uint32_t ip, uint16_t port, uint16_t local)
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

static void on_syn(struct peer *p, const uint8_t *mac, uint32_t from, const struct segment *s)
{
	struct conn *c;

	check_syn(p, s);
	c = s->to_port == p->params.port || s->to_port == p->params.discovery_port ? new_conn(p) : NULL;
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

/* --- acknowledgements ---------------------------------------------------------------------------------------------------------- */

/* Adds a range to the sorted, disjoint list of what the other side has. */
void tcp_sack_in(struct conn *c, uint32_t from, uint32_t to)
{
	struct seq_range *r = c->sacked;
	unsigned int i, k;

	for (i = 0; i < c->n_sacked && diff(r[i].to, from) < 0; i++)
		;
	for (k = i; k < c->n_sacked && diff(r[k].from, to) <= 0; k++) {
		if (diff(r[k].from, from) < 0)
			from = r[k].from;
		if (diff(r[k].to, to) > 0)
			to = r[k].to;
	}
	if (k == i && c->n_sacked == SACK_MAX)
		return;
	memmove(&r[i + 1], &r[k], (c->n_sacked - k) * sizeof(*r));
	c->n_sacked += i + 1 - k;
	r[i] = (struct seq_range){ from, to };
}

static void prune_sacked(struct conn *c)
{
	unsigned int i = 0;

	while (i < c->n_sacked && diff(c->sacked[i].to, c->una) <= 0)
		i++;
	memmove(c->sacked, c->sacked + i, (c->n_sacked - i) * sizeof(*c->sacked));
	c->n_sacked -= i;
}

static void take_sack(struct conn *c, const struct segment *s)
{
	uint32_t from, to;
	unsigned int i;

	if (s->n_sack && !c->sack)
		complain(c->p, "SACK without agreement");
	for (i = 0; i < s->n_sack; i++) {
		from = s->sack[i].from;
		to = s->sack[i].to;
		if (diff(to, from) <= 0 || diff(to, c->max) > 0)
			complain(c->p, "SACK block of what was never sent");
		else if (diff(from, s->ack) > 0) /* else: D-SACK */
			tcp_sack_in(c, from, to);
	}
}

static void measure(struct conn *c)
{
	uint64_t r = c->p->now - c->timed_at, d;

	c->timing = false;
	if (!c->srtt) {
		c->srtt = r + !r;
		c->rttvar = r / 2;
	} else {
		d = r > c->srtt ? r - c->srtt : c->srtt - r;
		c->rttvar = (3 * c->rttvar + d) / 4;
		c->srtt = (7 * c->srtt + r) / 8;
	}
	c->rto = c->srtt + 4 * c->rttvar;
	if (c->rto < c->p->params.rto_min_ns)
		c->rto = c->p->params.rto_min_ns;
}

static void new_ack(struct conn *c, uint32_t ack)
{
	c->una = ack;
	if (diff(c->nxt, c->una) < 0)
		c->nxt = c->una;
	c->dup_acks = 0;
	c->backoff = 0;
	prune_sacked(c);
	if (c->timing && diff(ack, c->timed_seq) > 0)
		measure(c);
	c->rto_at = c->una == c->max ? 0 : c->p->now + c->rto;
	if (!c->recovering)
		return;
	if (diff(ack, c->recover) >= 0) {
		c->recovering = false;
		return;
	}
	if (diff(c->rexmit, c->una) < 0)
		c->rexmit = c->una;
	if (!c->sack)
		c->rexmit = c->una; /* without SACK: a partial acknowledgement names the next hole */
	tcp_retransmit(c, 2);
}

static void old_ack(struct conn *c, const struct segment *s)
{
	bool dup = s->ack == c->una && !s->len && !(s->flags & TCP_FIN) && c->una != c->max &&
		   s->wnd << c->snd_scale == c->wnd;

	if (!dup && !(s->n_sack && c->n_sacked))
		return;
	c->dup_acks++;
	if (c->recovering) {
		if (c->n_sacked)
			tcp_retransmit(c, 1);
		return;
	}
	if (c->dup_acks < 3)
		return;
	c->recovering = true;
	c->recover = c->max;
	c->rexmit = c->una;
	c->timing = false;
	c->p->stats.fast_retransmits++;
	tcp_retransmit(c, 1);
}

static void take_window(struct conn *c, const struct segment *s)
{
	uint32_t wnd = s->wnd << c->snd_scale;

	if (diff(s->seq, c->wl1) < 0 || (s->seq == c->wl1 && diff(s->ack, c->wl2) < 0))
		return;
	if (diff(s->ack + wnd, c->wl2 + c->wnd) < 0 && s->ack + wnd != c->wl2 + c->wnd &&
	    diff(c->wl2 + c->wnd, s->ack + wnd) >= 1 << c->snd_scale && c->wl2)
		complain(c->p, "window shrank by %d bytes", diff(c->wl2 + c->wnd, s->ack + wnd));
	c->wnd = wnd;
	c->wl1 = s->seq;
	c->wl2 = s->ack;
	c->p->stats.zero_windows += !wnd;
	if (wnd)
		c->probe_at = 0;
}

/* False: the connection is gone, or the segment is to be dropped. */
static bool take_ack(struct conn *c, const struct segment *s)
{
	uint32_t top = c->max;

	if (!(s->flags & TCP_ACK))
		return false;
	if (diff(s->ack, top) > 0) {
		complain(c->p, "acknowledges %u bytes never sent", s->ack - top);
		tcp_send_ack(c);
		return false;
	}
	take_sack(c, s);
	if (diff(s->ack, c->una) > 0)
		new_ack(c, s->ack);
	else
		old_ack(c, s);
	if (diff(s->ack, c->una) >= 0)
		take_window(c, s);
	return true;
}

/* --- data -------------------------------------------------------------------------------------------------------------------------- */

/* What was sent again must be what was sent before: the buffer belongs to the adapter until all is acknowledged. */
static void compare_again(struct conn *c, uint32_t seq, const uint8_t *b, uint32_t len)
{
	uint32_t i;

	if (c->rcv_nxt - seq > RX_HISTORY || diff(seq, c->irs + 1) < 0)
		return;
	for (i = 0; i < len; i++) {
		if (c->history[(seq + i) % RX_HISTORY] == b[i])
			continue;
		complain(c->p, "retransmitted byte %u of the stream differs", seq + i - c->irs - 1);
		return;
	}
}

static void remember(struct conn *c, const uint8_t *b, uint32_t len)
{
	uint32_t at = c->rcv_nxt % RX_HISTORY, n = RX_HISTORY - at;

	if (n > len)
		n = len;
	memcpy(c->history + at, b, n);
	memcpy(c->history, b + n, len - n);
}

void tcp_deliver(struct conn *c, const uint8_t *b, uint32_t len)
{
	remember(c, b, len);
	c->rcv_nxt += len;
	c->unacked += len;
	if (!c->stopped) {
		nvme_input(c, b, len);
		return;
	}
	memcpy(c->unread + c->n_unread, b, len);
	c->n_unread += len;
}

static void keep_out_of_order(struct conn *c, uint32_t seq, const uint8_t *b, uint32_t len)
{
	struct ooo_segment **at = &c->ooo, *o;

	while (*at && diff((*at)->seq, seq) < 0)
		at = &(*at)->next;
	c->ooo_last = seq;
	c->p->stats.out_of_order_in++;
	if (*at && (*at)->seq == seq && (*at)->len >= len) {
		c->dsack = (struct seq_range){ seq, seq + len };
		c->dsack_on = true;
		return;
	}
	o = c->n_ooo < OOO_MAX ? malloc(sizeof(*o) + len) : NULL;
	if (!o)
		return;
	o->seq = seq;
	o->len = len;
	memcpy(o->bytes, b, len);
	o->next = *at;
	*at = o;
	c->n_ooo++;
}

static void join_out_of_order(struct conn *c)
{
	struct ooo_segment *o;
	int32_t skip;

	while (c->state != TCP_FREE && (o = c->ooo) && diff(o->seq, c->rcv_nxt) <= 0) {
		c->ooo = o->next;
		c->n_ooo--;
		skip = diff(c->rcv_nxt, o->seq);
		if (skip < (int32_t)o->len)
			tcp_deliver(c, o->bytes + skip, o->len - (uint32_t)skip);
		free(o);
	}
}

static void take_data(struct conn *c, const struct segment *s)
{
	uint32_t seq = s->seq, len = s->len;
	const uint8_t *b = s->data;
	int32_t old = diff(c->rcv_nxt, seq);

	if (diff(seq + len, c->adv_right) > 0) {
		complain(c->p, "segment runs %d bytes over the window", diff(seq + len, c->adv_right));
		c->ack_now = true;
		return;
	}
	if (old > 0) {
		compare_again(c, seq, b, (uint32_t)old < len ? (uint32_t)old : len);
		c->p->stats.duplicates_in++;
		c->ack_now = true;
		c->dsack = (struct seq_range){ seq, (uint32_t)old < len ? c->rcv_nxt : seq + len };
		c->dsack_on = true;
		if ((uint32_t)old >= len)
			return;
		b += old;
		len -= (uint32_t)old;
		seq = c->rcv_nxt;
	}
	if (seq != c->rcv_nxt) {
		keep_out_of_order(c, seq, b, len);
		c->ack_now = true;
		return;
	}
	if (c->ooo)
		c->ack_now = true; /* a hole is filled */
	tcp_deliver(c, b, len);
	join_out_of_order(c);
	if (c->unacked >= 2u * c->mss)
		c->ack_now = true;
	else if (!c->ack_at)
		c->ack_at = c->p->now + c->p->params.ack_delay_ns;
}

static void take_fin(struct conn *c)
{
	if (c->fin_in || diff(c->fin_seq, c->rcv_nxt) != 0)
		return;
	c->fin_in = true;
	c->p->stats.fins_in++;
	c->rcv_nxt++;
	c->ack_now = true;
	if (c->state == TCP_ESTABLISHED || c->state == TCP_SYN_RCVD) {
		c->state = TCP_CLOSE_WAIT;
		nvme_gone(c);
	} else if (c->state == TCP_FIN_WAIT_1) {
		c->state = TCP_CLOSING;
	}
}

/* --- all ------------------------------------------------------------------------------------------------------------------------------ */

static void check_segment(struct conn *c, const struct segment *s)
{
	unsigned int most = c->p->params.mtu - 40u - (c->ts ? 12 : 0);

	if (s->len > most)
		complain(c->p, "segment of %u bytes, MSS is %u", s->len, most);
	if (c->ts && !s->ts && !(s->flags & TCP_RST))
		complain(c->p, "segment without timestamp");
	if (s->flags & 0xc0)
		complain(c->p, "ECN flags without agreement");
}

static void on_reset(struct conn *c, const struct segment *s)
{
	if (s->seq != c->rcv_nxt) {
		if (diff(s->seq, c->rcv_nxt) > 0 && diff(s->seq, c->adv_right) < 0)
			tcp_send_ack(c); /* RFC 5961: challenge */
		return;
	}
	c->p->stats.resets_in++;
	tcp_drop(c);
}

static void after_ack(struct conn *c)
{
	bool all = c->fin_sent && c->una == c->max;

	if (c->state == TCP_SYN_RCVD)
		c->state = TCP_ESTABLISHED;
	else if (c->state == TCP_FIN_WAIT_1 && all)
		c->state = TCP_FIN_WAIT_2;
	else if ((c->state == TCP_LAST_ACK || c->state == TCP_CLOSING) && all)
		c->state = TCP_FREE;
}

static void respond(struct conn *c)
{
	if (c->state == TCP_FIN_WAIT_2 && c->fin_in)
		c->state = TCP_FREE;
	if (!c->silent && c->nvme)
		tcp_output(c);
	if (c->ack_now)
		tcp_send_ack(c);
	if (c->state == TCP_FREE)
		tcp_drop(c);
}

static void on_segment(struct conn *c, const struct segment *s)
{
	if (c->silent)
		return;
	check_segment(c, s);
	if (s->flags & TCP_RST) {
		on_reset(c, s);
		return;
	}
	if (s->ts && c->ts && diff(s->ts_val, c->ts_recent) < 0) { /* PAWS */
		tcp_send_ack(c);
		return;
	}
	if (s->flags & TCP_SYN) {
		if (c->state == TCP_SYN_RCVD)
			tcp_send_syn_ack(c);
		else
			tcp_send_ack(c);
		return;
	}
	if (s->ts && diff(s->seq, c->rcv_nxt) <= 0)
		c->ts_recent = s->ts_val;
	if (!take_ack(c, s))
		return;
	after_ack(c);
	if (s->flags & TCP_FIN)
		c->fin_seq = s->seq + s->len;
	if (s->len && c->state != TCP_FREE)
		take_data(c, s);
	else if (!(s->flags & TCP_FIN) && diff(s->seq, c->rcv_nxt) < 0)
		c->ack_now = true; /* keepalive, or a copy */
	if (c->fin_seq && c->state != TCP_FREE && diff(c->fin_seq, c->irs) > 0)
		take_fin(c);
	if (s->flags & TCP_FIN && c->fin_in)
		c->ack_now = true;
	respond(c);
}

void tcp_rx(struct peer *p, const uint8_t *mac, uint32_t from, const uint8_t *seg, size_t len)
{
	struct segment s;
	struct conn *c;

	if (!parse(p, &s, from, seg, len))
		return;
	p->stats.segments_in++;
	c = find(p, from, s.from_port, s.to_port);
	if (c)
		on_segment(c, &s);
	else if ((s.flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN)
		on_syn(p, mac, from, &s);
	else if (!(s.flags & TCP_RST))
		tcp_send_rst(p, mac, from, s.to_port, s.from_port, s.ack, 0, false);
}
