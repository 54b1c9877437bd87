/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Passive open (RFC 9293 3.10.7.2 and the passive half of SYN-RECEIVED). A half-open handshake is a
 * small entry of a queue, not a connection; what arrives for it:
 *
 *	SYN, same number       our SYN|ACK again
 *	SYN, another number    the entry begins anew
 *	RST, exact number      forgotten (RFC 5961)
 *	ACK of our SYN         becomes a connection; the segment goes on to it, data and FIN included
 *	another ACK            RST
 *	outside of the window  our SYN|ACK again
 *	SYN|ACKs unanswered    forgotten
 *
 * When the queue is full the SYN|ACK's number is a cookie (RFC 4987) and nothing is kept: 29 bits of
 * a keyed function of the addresses, the peer's number and a coarse time, 3 bits for the MSS. With
 * timestamps the low bits of TSval bring back SACK and window scale; without, there are none.
 */
#include <string.h>

#include "net/arp.h"
#include "lib/err.h"
#include "net/net.h"
#include "tcp/tcp_int.h"

#define QUEUE 64u
#define SYNACK_MS 1000u
#define SYNACK_RETRIES 4u
#define BURST 8u           /* SYN|ACKs repeated per tick: the transmit queue is short */
#define PERIOD_SHIFT 16    /* of a cookie: 68.7 s; it is good in the next one too */
#define TS_WSCALE_NONE 15u /* TSval of a cookie: bits 3:0 window scale, 4 SACK */
#define TS_SACK 16u
#define TS_BITS 31u

struct listener {
	uint16_t port; /* 0: free */
	struct tcp_params params;
};

struct half {
	uint32_t ip, irs, iss, tsval;
	uint32_t sent_us, due;
	uint16_t rport, lport; /* lport 0: free */
	uint16_t mss;
	int8_t wscale;
	uint8_t retries;
	bool ts, sack, resent;
	uint8_t mac[6];
};

static struct listener listeners[TCP_LISTENERS];
static struct half queue[QUEUE];
static uint32_t queued;
static struct timer timer;
static struct tcp_listen_stats stats;
static bool cookies_out; /* since cookie_tick */
static uint32_t cookie_tick;

static const uint16_t cookie_mss[COOKIE_DATA + 1] = { MSS_MIN, MSS_DEFAULT, 1220, 1400,
						      1440,    1460,        4052, 8960 };

static void timeout(struct timer *t);

void listen_init(void)
{
	memset(listeners, 0, sizeof(listeners));
	memset(queue, 0, sizeof(queue));
	memset(&stats, 0, sizeof(stats));
	queued = 0;
	cookies_out = false;
	timer_setup(&timer, timeout);
}

static struct listener *listener_of(uint16_t port)
{
	for (struct listener *l = listeners; l < listeners + TCP_LISTENERS; l++)
		if (port && l->port == port)
			return l;
	return NULL;
}

bool listen_on(uint16_t port)
{
	return listener_of(port);
}

uint32_t listen_used(void)
{
	return queued;
}

void tcp_get_listen_stats(struct tcp_listen_stats *st)
{
	*st = stats;
	st->queued = queued;
}

/* --- the queue -------------------------------------------------------------------------------- */

static struct half *half_of(const struct seg *s)
{
	if (!queued)
		return NULL;
	for (struct half *h = queue; h < queue + QUEUE; h++)
		if (h->lport && h->ip == s->src && h->rport == s->sport && h->lport == s->dport)
			return h;
	return NULL;
}

static void half_free(struct half *h)
{
	h->lport = 0;
	if (!--queued)
		timer_cancel(&timer);
}

static void forget(struct half *h)
{
	stats.forgotten++;
	half_free(h);
}

/* A free entry. Insisting, the one whose peer has been silent for longest makes room. */
static struct half *half_take(bool insist)
{
	struct half *worst = queue;

	if (queued == QUEUE && !insist)
		return NULL;
	for (struct half *h = queue; h < queue + QUEUE; h++) {
		if (!h->lport) {
			queued++;
			return h;
		}
		if (h->retries > worst->retries)
			worst = h;
	}
	stats.forgotten++;
	return worst;
}

static void wake_at(uint32_t tick)
{
	if (!timer_pending(&timer) || SEQ_LT(tick, timer.expiry))
		timer_set(&timer, tick);
}

static void syn_ack(const struct half *h, const struct listener *l, uint32_t tsval)
{
	struct seg_out o = {
		.mac = h->mac,
		.dst = h->ip,
		.sport = h->lport,
		.dport = h->rport,
		.seq = h->iss,
		.ack = h->irs + 1,
		.flags = TH_SYN | TH_ACK,
	};
	uint8_t scale;
	uint32_t wnd = tcp_window(&l->params, &scale);
	/* Only what the peer's SYN had too. */
	const struct syn_opts opts = {
		.mss = tcp_mss_offer(&l->params),
		.wscale = h->wscale < 0 ? -1 : (int8_t)scale,
		.sack = h->sack,
		.ts = h->ts,
		.tsval = tsval,
		.tsecr = h->tsval,
	};

	o.wnd = (uint16_t)MIN(wnd, 0xffffu);
	o.opt_len = (uint8_t)opt_syn(o.opt, &opts);
	seg_send(&o);
}

static void answer_again(struct half *h)
{
	h->resent = true; /* no round trip can be told from it (Karn) */
	syn_ack(h, listener_of(h->lport), clk_now());
}

static void timeout(struct timer *t)
{
	uint32_t now = clk_now(), left = BURST;

	(void)t;
	for (struct half *h = queue; h < queue + QUEUE; h++) {
		if (!h->lport)
			continue;
		if (SEQ_LT(now, h->due)) {
			wake_at(h->due);
		} else if (h->retries == SYNACK_RETRIES) {
			forget(h);
		} else if (left) {
			left--;
			h->due = now + (clk_ms(SYNACK_MS) << ++h->retries);
			answer_again(h);
			wake_at(h->due);
		} else {
			wake_at(now + 1);
		}
	}
}

/* What the SYN s says. */
static void half_fill(struct half *h, const struct seg *s)
{
	h->ip = s->src;
	h->rport = s->sport;
	h->lport = s->dport;
	h->irs = s->seq;
	h->mss = s->mss ? s->mss : MSS_DEFAULT;
	h->wscale = s->wscale;
	h->ts = s->have_ts;
	h->tsval = s->tsval;
	h->sack = s->sack_ok;
	memcpy(h->mac, s->smac, sizeof(h->mac));
}

/* --- cookies ---------------------------------------------------------------------------------- */

static void send_cookie(const struct listener *l, const struct seg *s)
{
	uint32_t now = clk_now(), ts = now, i = COOKIE_DATA;
	struct half h = { 0 };

	/* A flood must not crowd out the other connections' segments. */
	if (hal_tx_free() <= TX_KEEP)
		return;
	half_fill(&h, s);
	while (i && cookie_mss[i] > h.mss)
		i--;
	h.iss = tcp_cookie(s, s->seq, now >> PERIOD_SHIFT, i);
	if (s->have_ts) {
		ts = (now & ~TS_BITS) | (s->wscale < 0 ? TS_WSCALE_NONE : (uint32_t)s->wscale) |
		     (s->sack_ok ? TS_SACK : 0);
		if (SEQ_GT(ts, now))
			ts -= TS_BITS + 1; /* what follows must not be older */
	} else {
		h.wscale = -1;
		h.sack = false;
	}
	cookies_out = true;
	cookie_tick = now;
	stats.cookies_sent++;
	syn_ack(&h, l, ts);
}

/* Does s acknowledge a cookie? Then *syn is the SYN it answered, as far as the cookie tells. */
static bool cookie_good(const struct seg *s, struct seg *syn)
{
	uint32_t period = clk_now() >> PERIOD_SHIFT, iss = s->ack - 1;

	if (cookies_out && clk_now() - cookie_tick >= 2u << PERIOD_SHIFT)
		cookies_out = false;
	if (!cookies_out || (tcp_cookie(s, s->seq - 1, period, iss) != iss &&
			     tcp_cookie(s, s->seq - 1, period - 1, iss) != iss))
		return false;
	memset(syn, 0, sizeof(*syn));
	syn->seq = s->seq - 1;
	syn->mss = cookie_mss[iss & COOKIE_DATA];
	syn->wscale = -1;
	if (s->have_ts) {
		syn->have_ts = true;
		syn->tsval = s->tsval;
		syn->sack_ok = s->tsecr & TS_SACK;
		if ((s->tsecr & TS_WSCALE_NONE) != TS_WSCALE_NONE)
			syn->wscale = (int8_t)(s->tsecr & TS_WSCALE_NONE);
	}
	return true;
}

/* --- the third segment ------------------------------------------------------------------------ */

static void refuse(const struct seg *s)
{
	stats.refused++;
	tcp_stray(s);
}

/* A free connection for the tuple of s, in the lookup table; NULL: nobody was told. */
static struct tcb *take_conn(const struct tcp_params *common, const struct seg *s)
{
	struct tcp_params p = *common;
	struct tcb *t;
	uint16_t conn;

	p.remote_ip = s->src;
	p.remote_port = s->sport;
	/* No room, no question: incoming() gives a connection away. */
	if (!tcp_hash_room(s->src, s->sport, s->dport) || !net_next_hop(s->src))
		return NULL;
	conn = tcp_ops->incoming(s->dport, s->src, s->sport);
	t = tcb_of(conn);
	if (!conn || conn >= ENG_N_CONN || t->state != TCP_CLOSED)
		return NULL;
	tcp_prepare(t, &p);
	t->local_port = s->dport;
	tcp_hash_add(t);
	return t;
}

/*
 * s completes the handshake of syn, which was answered with iss; rtt_start is when, 0 unknown. The
 * connection begins in SYN_RCVD and its input does the rest. The caller looked at all that could
 * make that input drop the segment.
 */
static void accept(const struct tcp_params *p, const struct seg *syn, uint32_t iss, struct seg *s,
		   uint32_t rtt_start)
{
	struct tcb *t;

	tw_drop(s->src, s->dport, s->sport);
	t = take_conn(p, s);
	if (!t) {
		refuse(s);
		return;
	}
	stats.accepted++;
	tcp_take_syn(t, syn);
	t->iss = t->snd_una = iss;
	t->snd_nxt = t->snd_end = iss + 1;
	t->state = TCP_SYN_RCVD;
	t->flags |= F_PASSIVE;
	if (rtt_start) {
		t->flags |= F_RTT;
		t->rtt_seq = iss + 1;
		t->rtt_start = rtt_start;
	}
	/* Where the frame came from will do until ARP knows better. */
	if (arp_resolve(t->next_hop, t->mac))
		memcpy(t->mac, s->smac, sizeof(t->mac));
	tcp_segment(t, s);
}

/* What SYN_RCVD would take: in the window, and with timestamps if they were agreed on. */
static bool acceptable(const struct half *h, const struct listener *l, const struct seg *s)
{
	uint8_t scale;
	uint32_t wnd = MIN(tcp_window(&l->params, &scale), 0xffffu);

	if (h->ts && (!s->have_ts || SEQ_LT(s->tsval, h->tsval)))
		return false;
	return s->seq - (h->irs + 1) < wnd;
}

static void third(struct half *h, const struct listener *l, struct seg *s)
{
	const struct tcp_params p = l->params; /* the callbacks may change both */
	const struct half old = *h;
	const struct seg syn = {
		.seq = h->irs,
		.mss = h->mss,
		.wscale = h->wscale,
		.have_ts = h->ts,
		.tsval = h->tsval,
		.sack_ok = h->sack,
	};

	if (!acceptable(h, l, s)) {
		if (tcp_may_answer())
			answer_again(h);
		return;
	}
	half_free(h);
	accept(&p, &syn, old.iss, s, old.resent ? 0 : old.sent_us | 1);
}

/* --- segments --------------------------------------------------------------------------------- */

static void first(struct half *h, const struct listener *l, const struct seg *s)
{
	uint32_t iss = tcp_isn(s->src, s->dport, s->sport);
	bool waits = tw_in_use(s->src, s->dport, s->sport);

	stats.syns++;
	if (h && h->irs == s->seq) {
		half_fill(h, s);
		answer_again(h);
		return;
	}
	if (waits && !tw_reopen(s, &iss)) {
		tcp_stray(s);
		return;
	}
	if (!tcp_ops->acceptable(s->dport)) {
		if (h)
			forget(h);
		refuse(s);
		return;
	}
	/* A cookie could not keep clear of the numbers that the tuple used before. */
	if (!h)
		h = half_take(waits);
	if (!h) {
		send_cookie(l, s);
		return;
	}
	half_fill(h, s);
	h->iss = iss;
	h->retries = 0;
	h->resent = false;
	h->sent_us = clk_us();
	h->due = clk_now() + clk_ms(SYNACK_MS);
	wake_at(h->due);
	syn_ack(h, l, clk_now());
}

/* A segment without SYN and RST, with ACK. */
static bool acknowledges(struct half *h, const struct listener *l, struct seg *s)
{
	struct tcp_params p = l->params;
	struct seg syn;

	if (h && s->ack == h->iss + 1) {
		third(h, l, s);
		return true;
	}
	if (tw_in_use(s->src, s->dport, s->sport) || !cookie_good(s, &syn))
		return false;
	stats.cookies_good++;
	if (h)
		half_free(h); /* of a later SYN, for which there was room */
	accept(&p, &syn, s->ack - 1, s, 0);
	return true;
}

bool listen_input(struct seg *s)
{
	const struct listener *l = listener_of(s->dport);
	struct half *h;

	if (!l || !tcp_answerable(s))
		return false;
	h = half_of(s);
	if (s->flags & TH_RST) {
		if (h && s->seq == h->irs + 1)
			forget(h);
		return false;
	}
	switch (s->flags & (TH_SYN | TH_ACK)) {
	case TH_SYN:
		if (!(s->flags & TH_FIN) && s->sport && net_next_hop(s->src))
			first(h, l, s);
		return true;
	case TH_ACK:
		return acknowledges(h, l, s);
	case TH_SYN | TH_ACK:
		return false;
	default:
		return true; /* neither opens nor acknowledges anything */
	}
}

/* --- the user --------------------------------------------------------------------------------- */

int tcp_listen(uint16_t port, const struct tcp_params *p)
{
	if (!port || !tcp_ops->acceptable || !tcp_ops->incoming)
		return -EINVAL;
	if (listener_of(port))
		return -EADDRINUSE;
	for (struct listener *l = listeners; l < listeners + TCP_LISTENERS; l++) {
		if (l->port)
			continue;
		l->port = port;
		l->params = (struct tcp_params){
			.mss_limit = p->mss_limit,
			.rcv_wnd = p->rcv_wnd,
			.keepalive_ms = p->keepalive_ms,
		};
		return 0;
	}
	return -ENOSPC;
}

int tcp_unlisten(uint16_t port)
{
	struct listener *l = listener_of(port);

	if (!l)
		return -ENOENT;
	for (struct half *h = queue; h < queue + QUEUE; h++)
		if (h->lport == port)
			forget(h);
	l->port = 0;
	return 0;
}
