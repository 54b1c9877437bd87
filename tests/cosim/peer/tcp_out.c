// SPDX-License-Identifier: BSD-2-Clause
/*
 * TCP, send side. What the upper layer appends stands in a ring until it is acknowledged. Loss recovery by SACK, by
 * duplicate acknowledgements and by timeout; no congestion window: the judge's network has no queue to protect, and the
 * adapter's own window bounds what is in flight.
 */
#include <stdlib.h>

#include "tcp.h"

#define HEAD 34 /* Ethernet and IPv4 */

static uint32_t ts_now(const struct peer *p)
{
	return (uint32_t)(p->now / 1000000) + 1000;
}

/* --- segments ------------------------------------------------------------------------------------------------------------- */

static uint32_t window(struct conn *c)
{
	uint32_t free = c->p->params.window - c->n_unread;
	uint32_t most = 0xffffu << c->rcv_scale;

	if (free > most)
		free = most;
	free &= ~((1u << c->rcv_scale) - 1);
	if (diff(c->rcv_nxt + free, c->adv_right) > 0 || !c->adv_right)
		c->adv_right = c->rcv_nxt + free;
	return diff(c->adv_right, c->rcv_nxt) > 0 ? c->adv_right - c->rcv_nxt : 0;
}

static uint8_t *put_ts(struct conn *c, uint8_t *o)
{
	put_be16(o, 0x0101);
	put_be16(o + 2, 0x080a);
	put_be32(o + 4, ts_now(c->p));
	put_be32(o + 8, c->ts_recent);
	return o + 12;
}

static uint8_t *put_block(uint8_t *o, uint32_t from, uint32_t to)
{
	put_be32(o, from);
	put_be32(o + 4, to);
	return o + 8;
}

/* The run of out-of-order data that begins at o. */
static struct seq_range run_of(const struct ooo_segment *o, const struct ooo_segment **next)
{
	struct seq_range r = { o->seq, o->seq + o->len };

	for (o = o->next; o && diff(o->seq, r.to) <= 0; o = o->next)
		if (diff(o->seq + o->len, r.to) > 0)
			r.to = o->seq + o->len;
	*next = o;
	return r;
}

/* D-SACK first, then the newest block, then others: at most 3 with timestamps, 4 without. */
static uint8_t *put_sack(struct conn *c, uint8_t *o)
{
	unsigned int most = c->ts ? 3 : 4, n = 0;
	uint8_t *len = o + 3, *start = o;
	const struct ooo_segment *s, *next;
	struct seq_range r;
	bool newest;
	int pass;

	put_be16(o, 0x0101);
	o[2] = 5;
	o += 4;
	if (c->dsack_on && ++n)
		o = put_block(o, c->dsack.from, c->dsack.to);
	c->dsack_on = false;
	for (pass = 0; pass < 2; pass++) {
		for (s = c->ooo; s && n < most; s = next) {
			r = run_of(s, &next);
			newest = diff(c->ooo_last, r.from) >= 0 && diff(c->ooo_last, r.to) < 0;
			if (newest == (pass == 0) && ++n)
				o = put_block(o, r.from, r.to);
		}
	}
	*len = (uint8_t)(2 + 8 * n);
	return n ? o : start;
}

static void checksum(struct peer *p, uint32_t to, size_t len)
{
	uint8_t pseudo[12] = { 0 }, *t = p->frame + HEAD;
	uint16_t sum;

	put_be32(pseudo, p->params.ip);
	put_be32(pseudo + 4, to);
	pseudo[9] = 6;
	put_be16(pseudo + 10, (uint32_t)len);
	put_be16(t + 16, 0);
	sum = net_fold(net_sum(t, len, net_sum(pseudo, 12, 0)));
	memcpy(t + 16, &sum, 2);
}

static void copy_out(const struct conn *c, uint8_t *to, uint32_t seq, uint32_t len)
{
	uint32_t at = (seq - c->iss - 1) & (c->ring_size - 1), n = c->ring_size - at;

	if (n > len)
		n = len;
	memcpy(to, c->ring + at, n);
	memcpy(to + n, c->ring, len - n);
}

/* len bytes of the ring from seq on. */
static void send_segment(struct conn *c, uint32_t seq, uint32_t len, uint8_t flags)
{
	struct peer *p = c->p;
	uint8_t *t = p->frame + HEAD, *o = t + 20;

	put_be16(t, c->local_port);
	put_be16(t + 2, c->port);
	put_be32(t + 4, seq);
	put_be32(t + 8, c->rcv_nxt);
	t[13] = flags | TCP_ACK;
	put_be16(t + 14, window(c) >> c->rcv_scale);
	put_be16(t + 18, 0);
	if (c->ts)
		o = put_ts(c, o);
	if (c->sack && !len && (c->ooo || c->dsack_on))
		o = put_sack(c, o);
	t[12] = (uint8_t)((o - t) / 4 << 4);
	copy_out(c, o, seq, len);
	checksum(p, c->ip, (size_t)(o - t) + len);
	p->stats.segments_out++;
	c->unacked = 0;
	c->ack_now = false;
	c->ack_at = 0;
	ip_send(p, c->mac, c->ip, 6, (size_t)(o - t) + len);
}

void tcp_send_ack(struct conn *c)
{
	if (!c->silent)
		send_segment(c, c->nxt, 0, 0);
	c->ack_now = false;
}

void tcp_send_syn_ack(struct conn *c)
{
	struct peer *p = c->p;
	uint8_t *t = p->frame + HEAD, *o = t + 20;
	uint32_t wnd = p->params.window > 0xffff ? 0xffff : p->params.window;

	put_be16(t, c->local_port);
	put_be16(t + 2, c->port);
	put_be32(t + 4, c->iss);
	put_be32(t + 8, c->rcv_nxt);
	t[13] = TCP_SYN | TCP_ACK;
	put_be16(t + 14, wnd);
	put_be16(t + 18, 0);
	put_be32(o, 0x02040000u | (p->params.mtu - 40u));
	o += 4;
	if (c->ts)
		o = put_ts(c, o);
	if (c->sack) {
		put_be32(o, 0x01010402);
		o += 4;
	}
	if (c->scaling) {
		put_be32(o, 0x01030300u | c->rcv_scale);
		o += 4;
	}
	t[12] = (uint8_t)((o - t) / 4 << 4);
	c->adv_right = c->rcv_nxt + wnd;
	c->rto_at = p->now + (c->rto << c->backoff);
	checksum(p, c->ip, (size_t)(o - t));
	p->stats.segments_out++;
	ip_send(p, c->mac, c->ip, 6, (size_t)(o - t));
}

void tcp_send_rst(struct peer *p, const uint8_t *mac, uint32_t ip, uint16_t from, uint16_t to,
		  uint32_t seq, uint32_t ack, bool with_ack)
{
	uint8_t *t = p->frame + HEAD;

	memset(t, 0, 20);
	put_be16(t, from);
	put_be16(t + 2, to);
	put_be32(t + 4, seq);
	put_be32(t + 8, ack);
	t[12] = 0x50;
	t[13] = TCP_RST | (with_ack ? TCP_ACK : 0);
	checksum(p, ip, 20);
	ip_send(p, mac, ip, 6, 20);
}

/* --- the ring -------------------------------------------------------------------------------------------------------------- */

uint32_t tcp_room(const struct conn *c)
{
	return c->ring_size - (c->tail - c->una);
}

void tcp_append(struct conn *c, const void *bytes, uint32_t len)
{
	uint32_t at = (c->tail - c->iss - 1) & (c->ring_size - 1), n = c->ring_size - at;

	if (n > len)
		n = len;
	memcpy(c->ring + at, bytes, n);
	memcpy(c->ring, (const uint8_t *)bytes + n, len - n);
	c->tail += len;
}

/* --- sending --------------------------------------------------------------------------------------------------------------------- */

static void advance(struct conn *c, uint32_t seq)
{
	c->nxt = seq;
	if (diff(seq, c->max) > 0)
		c->max = seq;
	if (!c->rto_at)
		c->rto_at = c->p->now + c->rto;
}

static void send_fin(struct conn *c)
{
	send_segment(c, c->tail, 0, TCP_FIN);
	c->fin_sent = true;
	advance(c, c->tail + 1);
	if (c->state == TCP_ESTABLISHED)
		c->state = TCP_FIN_WAIT_1;
	else if (c->state == TCP_CLOSE_WAIT)
		c->state = TCP_LAST_ACK;
}

static void send_new(struct conn *c)
{
	uint32_t len, usable, right = c->una + c->wnd;

	while (diff(c->tail, c->nxt) > 0) {
		len = c->tail - c->nxt;
		usable = diff(right, c->nxt) > 0 ? right - c->nxt : 0;
		if (len > c->mss)
			len = c->mss;
		if (len > usable) {
			if (usable < c->mss && c->nxt != c->una)
				return; /* no silly windows while something is under way */
			len = usable;
		}
		if (!len)
			break;
		if (!c->timing && !c->recovering) {
			c->timing = true;
			c->timed_seq = c->nxt;
			c->timed_at = c->p->now;
		}
		send_segment(c, c->nxt, len, c->nxt + len == c->tail ? TCP_PSH : 0);
		advance(c, c->nxt + len);
	}
	if (diff(c->tail, c->nxt) > 0 && c->una == c->max && !c->probe_at)
		c->probe_at = c->p->now + c->rto; /* window closed: probe */
}

void tcp_output(struct conn *c)
{
	if (c->state == TCP_SYN_RCVD || c->state == TCP_FREE || c->silent)
		return;
	nvme_output(c);
	if (c->state == TCP_FREE || c->silent)
		return;
	send_new(c);
	if (c->fin_queued && !c->fin_sent && c->nxt == c->tail)
		send_fin(c);
}

/* Sends up to most segments of holes between rexmit and recover. */
void tcp_retransmit(struct conn *c, unsigned int most)
{
	uint32_t end = c->fin_sent ? c->max - 1 : c->max, stop, len;
	unsigned int i = 0;

	if (diff(c->recover, end) < 0)
		end = c->recover;
	if (c->n_sacked) /* beyond the last block nothing is known to be lost, except the first segment */
		end = diff(c->sacked[c->n_sacked - 1].from, c->una) > 0 ?
			      c->sacked[c->n_sacked - 1].from :
			      end;
	while (most && diff(end, c->rexmit) > 0) {
		while (i < c->n_sacked && diff(c->sacked[i].to, c->rexmit) <= 0)
			i++;
		if (i < c->n_sacked && diff(c->sacked[i].from, c->rexmit) <= 0) {
			c->rexmit = c->sacked[i].to;
			continue;
		}
		stop = i < c->n_sacked ? c->sacked[i].from : end;
		len = stop - c->rexmit < c->mss ? stop - c->rexmit : c->mss;
		send_segment(c, c->rexmit, len, TCP_PSH);
		c->p->stats.retransmitted++;
		c->rexmit += len;
		most--;
	}
	if (c->fin_sent && c->una == c->max - 1)
		send_segment(c, c->una, 0, TCP_FIN);
}

static void on_timeout(struct conn *c)
{
	c->p->stats.rto++;
	if (++c->backoff > 12) {
		tcp_abort(c);
		return;
	}
	c->rto_at = c->p->now + (c->rto << c->backoff);
	if (c->state == TCP_SYN_RCVD) {
		tcp_send_syn_ack(c);
		return;
	}
	c->n_sacked = 0; /* the receiver may have thrown it away */
	c->timing = false;
	c->recovering = true;
	c->recover = c->max;
	c->rexmit = c->una;
	tcp_retransmit(c, 1);
}

static void on_probe(struct conn *c)
{
	c->probe_at = c->p->now + (c->rto << (c->backoff < 6 ? ++c->backoff : 6));
	send_segment(c, c->nxt, 1, 0);
	if (diff(c->nxt + 1, c->max) > 0)
		c->max = c->nxt + 1;
}

uint64_t tcp_timers(struct conn *c)
{
	uint64_t now = c->p->now, next = UINT64_MAX;

	if (c->silent && c->state != TCP_FREE)
		return next;
	if (c->ack_at && now >= c->ack_at)
		tcp_send_ack(c);
	if (c->rto_at && now >= c->rto_at)
		on_timeout(c);
	if (c->probe_at && now >= c->probe_at)
		on_probe(c);
	tcp_output(c);
	if (c->state == TCP_FREE) {
		tcp_drop(c);
		return next;
	}
	if (c->ack_at)
		next = c->ack_at;
	if (c->rto_at && c->rto_at < next)
		next = c->rto_at;
	if (c->probe_at && c->probe_at < next)
		next = c->probe_at;
	return next;
}

/* --- ending ---------------------------------------------------------------------------------------------------------------------- */

void tcp_close(struct conn *c)
{
	c->fin_queued = true;
	tcp_output(c);
}

/* Marks it; whoever handles the connection at present drops it in the end. */
void tcp_abort(struct conn *c)
{
	if (!c->silent)
		tcp_send_rst(c->p, c->mac, c->ip, c->local_port, c->port, c->nxt, c->rcv_nxt, true);
	c->ack_now = false;
	c->state = TCP_FREE;
}

void tcp_drop(struct conn *c)
{
	struct peer *p = c->p;
	struct ooo_segment *o;
	unsigned int i;

	nvme_gone(c);
	nvme_free(c);
	while ((o = c->ooo)) {
		c->ooo = o->next;
		free(o);
	}
	for (i = 0; i < p->n_conns; i++)
		if (p->conns[i] == c)
			p->conns[i] = p->conns[--p->n_conns];
	p->last_conn = 0;
	free(c->ring);
	free(c->history);
	free(c->unread);
	free(c);
}
