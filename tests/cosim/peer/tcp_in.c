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

#include "tcp.h"

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
		c->rexmit =
			c->una; /* without SACK: a partial acknowledgement names the next hole */
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
	if (c->wl2 && diff(c->wl2 + c->wnd, s->ack + wnd) >= 1 << c->snd_scale)
		c->p->stats.windows_shrunk++; /* RFC 9293, 3.8.6: should not, and we must bear it */
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
		complain(c->p, "segment runs %d bytes over the window",
			 diff(seq + len, c->adv_right));
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

	if (!tcp_parse(p, &s, from, seg, len))
		return;
	p->stats.segments_in++;
	c = tcp_find(p, from, s.from_port, s.to_port);
	if (c)
		on_segment(c, &s);
	else if ((s.flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN)
		tcp_on_syn(p, mac, from, &s);
	else if (!(s.flags & TCP_RST))
		tcp_send_rst(p, mac, from, s.to_port, s.from_port, s.ack, 0, false);
}
