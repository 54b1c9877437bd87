/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One received segment in slow mode, checked in the order of RFC 9293 3.10.7.4 (PAWS, an exact RST and SYN
 * before it): sequence number, RST, ACK, data, FIN. The engine has verified lengths and checksums;
 * nothing else is believed.
 *
 *	state        ACK of our FIN          FIN of the peer
 *	ESTABLISHED  -                       CLOSE_WAIT
 *	FIN_WAIT_1   FIN_WAIT_2              CLOSING (both in one segment: DRAIN)
 *	FIN_WAIT_2   -                       DRAIN, TIME_WAIT kept aside
 *	CLOSING      DRAIN, TIME_WAIT aside  -
 *	CLOSE_WAIT   -                       -
 *	LAST_ACK     DRAIN                   -
 */
#include <string.h>

#include "lib/bytes.h"
#include "lib/err.h"
#include "lib/event.h"
#include "lib/pkt.h"
#include "net/net.h"
#include "tcp/tcp_int.h"

#define TCP_OFF (ETH_HLEN + IP_HLEN)
#define RUN_MAX 128u /* frames; then timers get their turn */
#define DUP_ACKS 4u /* acknowledgements about a gap that go out at once; later ones may be merged */

/* Where the engine says the TCP header and the payload are; false when that cannot be. */
static bool parse(const struct hal_event *ev, struct seg *s)
{
	uint32_t frame_len = ev->w1 >> 16;
	uint32_t thoff = ev->w2 & 0xff;
	uint32_t words[(HDR_MAX + 3) / 4];
	const uint8_t *h = (const uint8_t *)words;
	const uint8_t *tcp;
	uint32_t hlen;

	memset(s, 0, sizeof(*s));
	s->cell = (uint16_t)ev->w1;
	s->off = ev->w2 >> 8 & 0xff;
	s->len = (uint16_t)(ev->w2 >> 16);
	if (thoff < ETH_HLEN + IP_HLEN || s->off < thoff + TCP_HLEN || s->off > HDR_MAX ||
	    (uint32_t)s->off + s->len > frame_len)
		return false;
	pkt_words(s->cell, words, 0, (s->off + 3u) / 4);
	tcp = h + thoff;
	hlen = (tcp[12] >> 4) * 4u;
	if (thoff + hlen != s->off)
		return false;
	memcpy(s->smac, h + 6, 6);
	s->src = get_be32(h + ETH_HLEN + 12);
	s->dst = get_be32(h + ETH_HLEN + 16);
	s->sport = get_be16(tcp);
	s->dport = get_be16(tcp + 2);
	s->seq = get_be32(tcp + 4);
	s->ack = get_be32(tcp + 8);
	s->flags = tcp[13] & 0x3f;
	s->wnd = get_be16(tcp + 14);
	return opt_parse(s, tcp + TCP_HLEN, hlen - TCP_HLEN);
}

/* Of a segment without SYN: those are answered or taken before anything is measured. */
static uint32_t seq_len(const struct seg *s)
{
	return s->len + !!(s->flags & TH_FIN);
}

/* --- opening ---------------------------------------------------------------------------------- */

void tcp_take_syn(struct tcb *t, const struct seg *s)
{
	bool offered = t->flags & F_OFFERED;

	t->irs = s->seq;
	t->rcv_nxt = t->hw_rcv_nxt = s->seq + 1;
	t->snd_wnd = s->wnd;
	t->max_wnd = s->wnd;
	t->snd_wl1 = s->seq;
	t->snd_wl2 = s->ack;
	if (s->mss)
		t->mss_peer = MAX(s->mss, MSS_MIN);
	if (offered && s->have_ts) {
		t->flags |= F_TS;
		t->ts_recent = s->tsval;
	}
	if (offered && s->sack_ok)
		t->flags |= F_SACK;
	if (offered && s->wscale >= 0) {
		t->snd_scale = (uint8_t)s->wscale;
	} else {
		t->rcv_scale = 0;
		t->rcv_wnd = MIN(t->rcv_wnd, 0xffffu);
	}
}

static void established(struct tcb *t)
{
	if (t->flags & F_RTT) {
		t->flags &= ~(uint32_t)F_RTT;
		tcp_rtt_sample(t, clk_us() - t->rtt_start);
	}
	tcp_established(t);
}

static void in_syn_sent(struct tcb *t, struct seg *s)
{
	bool ack_ok = (s->flags & TH_ACK) && s->ack == t->iss + 1;

	if ((s->flags & TH_ACK) && !ack_ok) {
		tcp_stray(s);
		return;
	}
	if (s->flags & TH_RST) {
		if (ack_ok)
			tcp_fail(t, -ECONNREFUSED, false);
		return;
	}
	if (!(s->flags & TH_SYN) || (t->flags & F_NEED_MAC))
		return;
	tcp_take_syn(t, s);
	if (ack_ok) {
		established(t);
		return;
	}
	/* Both SYNs crossed. */
	t->state = TCP_SYN_RCVD;
	t->retries = 0;
	tcp_send_syn(t);
	tcp_rto_restart(t);
}

/* --- the checks ------------------------------------------------------------------------------- */

static bool paws_ok(struct tcb *t, const struct seg *s)
{
	if (!(t->flags & F_TS) || (s->flags & TH_RST))
		return true;
	if (!s->have_ts) {
		/* a host that started anew may offer no timestamps: RFC 5961 */
		if (s->flags & TH_SYN)
			tcp_challenge(t);
		return false;
	}
	if (SEQ_GEQ(s->tsval, t->ts_recent))
		return true;
	t->paws_drops++;
	t->flags |= F_ACK_NOW;
	return false;
}

/*
 * The end of the window. Delivering moves it not at all and the stream engine only forward: what was
 * seen earlier is asked for again only when it is not enough.
 */
static uint32_t receive_edge(struct tcb *t, uint32_t seq, uint32_t end)
{
	struct eng_conn_state st;

	if (SEQ_LT(seq, t->rcv_edge) && SEQ_LEQ(end, t->rcv_edge))
		return t->rcv_edge;
	hal_conn_state(t->conn, &st);
	t->rcv_edge = t->rcv_nxt + (st.pending < t->rcv_wnd ? t->rcv_wnd - st.pending : 0);
	return t->rcv_edge;
}

/* Acceptable, and cut to what is new and within the window. */
static bool trim(struct tcb *t, struct seg *s)
{
	uint32_t end = s->seq + seq_len(s);
	uint32_t edge = receive_edge(t, s->seq, end);
	uint32_t skip;

	if (SEQ_GT(s->seq, edge) || (s->seq == edge && edge != t->rcv_nxt && seq_len(s)))
		return false;
	if (SEQ_LT(s->seq, t->rcv_nxt)) {
		skip = t->rcv_nxt - s->seq;
		if (SEQ_LEQ(end, t->rcv_nxt))
			return false;
		s->seq += skip;
		s->off = (uint16_t)(s->off + skip);
		s->len = (uint16_t)(s->len - skip);
		t->flags |= F_ACK_NOW;
	}
	if (SEQ_GT(s->seq + s->len, edge)) {
		s->len = (uint16_t)(edge - s->seq);
		s->flags &= (uint8_t)~TH_FIN;
		t->flags |= F_ACK_NOW;
	}
	return true;
}

static void not_acceptable(struct tcb *t, const struct seg *s)
{
	if (s->flags & TH_RST)
		return;
	if (s->len || (s->flags & TH_FIN))
		t->flags |= F_ACK_NOW;
	else
		tcp_challenge(t);
}

/* RFC 5961: only a RST that hits rcv_nxt ends the connection. */
static void reset(struct tcb *t, uint32_t seq)
{
	if (seq != t->rcv_nxt) {
		tcp_challenge(t);
		return;
	}
	if (t->state == TCP_LAST_ACK || t->state == TCP_CLOSING)
		tcp_fail(t, 0, false);
	else
		tcp_fail(t, t->state == TCP_SYN_RCVD ? -ECONNREFUSED : -ECONNRESET, false);
}

/* Acknowledgement numbers nobody could have sent in good faith. True: go on. */
static bool ack_ok(struct tcb *t, struct seg *s)
{
	struct eng_conn_state st;

	/*
	 * What the transmit engine has not sent yet cannot be acknowledged, and its memory must not
	 * be given back.
	 */
	if (s->ack == t->snd_una && !(t->flags & F_FIN_SENT))
		return true;
	hal_conn_state(t->conn, &st);
	if ((t->flags & F_FIN_SENT) && s->ack == t->snd_end + 1 && st.snd_max == t->snd_end) {
		t->flags |= F_FIN_ACKED;
		s->ack--;
		return true;
	}
	if (SEQ_GT(s->ack, st.snd_max) || SEQ_GT(s->ack, t->snd_nxt) ||
	    SEQ_LT(s->ack, t->snd_una - t->max_wnd)) {
		tcp_challenge(t);
		return false;
	}
	return true;
}

/* --- data and FIN ----------------------------------------------------------------------------- */

/*
 * As in the engine's fast path: what the stream has not used up holds no more than a multiple of the
 * cells that are free, so that one that stands still leaves room for the others. Data beyond that
 * count as lost.
 */
static bool has_share(const struct tcb *t, uint32_t off, uint32_t len)
{
	return hal_conn_cells(t->conn) + (off + len + ENG_PKT_CELL - 1) / ENG_PKT_CELL <=
	       hal_pkt_cells_free() * ENG_RX_SHARE;
}

static void take_data(struct tcb *t, struct seg *s)
{
	bool gap = t->ooo;

	if (t->state != TCP_ESTABLISHED && t->state != TCP_FIN_WAIT_1 && t->state != TCP_FIN_WAIT_2)
		return;
	if (s->flags & TH_FIN && !(t->flags & F_FIN_SEEN)) {
		t->flags |= F_FIN_SEEN;
		t->fin_seq = s->seq + s->len;
	}
	if ((t->flags & F_FIN_SEEN) && SEQ_GT(s->seq + s->len, t->fin_seq))
		s->len = SEQ_GT(t->fin_seq, s->seq) ? (uint16_t)(t->fin_seq - s->seq) : 0;
	if (s->seq != t->rcv_nxt) {
		t->flags |= F_ACK_NOW;
		if (s->len)
			ooo_insert(t, s);
		return;
	}
	if (s->len && has_share(t, s->off, s->len)) {
		hal_rx_deliver(t->conn, s->cell, s->off, s->len);
		s->taken = true;
		t->rcv_nxt += s->len;
	}
	if (gap) {
		ooo_deliver(t);
		t->flags |= F_ACK_NOW;
	}
}

static void fin_received(struct tcb *t)
{
	if (!(t->flags & F_FIN_SEEN) || (t->flags & F_FIN_RCVD) || t->rcv_nxt != t->fin_seq)
		return;
	t->rcv_nxt++;
	t->flags |= F_FIN_RCVD | F_ACK_NOW;
	ooo_free_all(t);
	if (t->state == TCP_ESTABLISHED)
		t->state = TCP_CLOSE_WAIT;
	else if (t->state == TCP_FIN_WAIT_1)
		t->state = TCP_CLOSING;
	tcp_aux_schedule(t);
}

/* Both FINs: who closed first keeps the TIME_WAIT. */
static void closing_steps(struct tcb *t)
{
	bool acked = t->flags & F_FIN_ACKED;

	if (t->state == TCP_FIN_WAIT_1 && acked) {
		t->state = TCP_FIN_WAIT_2;
		timer_cancel(&t->rexmt);
		t->wait_until = clk_now() + clk_ms(tcp_cfg.fin_wait2_ms);
		tcp_aux_schedule(t);
	}
	if ((t->state == TCP_FIN_WAIT_2 && (t->flags & F_FIN_RCVD)) ||
	    (t->state == TCP_CLOSING && acked)) {
		tcp_raw_ack(t);
		tw_add(t);
		tcp_drain(t);
	} else if (t->state == TCP_LAST_ACK && acked) {
		tcp_drain(t);
	}
}

static void in_sync(struct tcb *t, struct seg *s)
{
	uint32_t seq = s->seq;

	if (!paws_ok(t, s))
		return;
	/* A RST is judged by its own number, before anything is cut. */
	if ((s->flags & TH_RST) && seq == t->rcv_nxt) {
		reset(t, seq);
		return;
	}
	/*
	 * RFC 5961: a SYN is challenged whatever its number, so none is ever cut: it would count as a
	 * byte that the frame does not hold.
	 */
	if (s->flags & TH_SYN) {
		tcp_challenge(t);
		return;
	}
	if (!trim(t, s)) {
		not_acceptable(t, s);
		return;
	}
	if (s->flags & TH_RST) {
		reset(t, seq);
		return;
	}
	if (!(s->flags & TH_ACK))
		return;
	if (t->state == TCP_SYN_RCVD) {
		if (s->ack != t->iss + 1) {
			tcp_stray(s);
			return;
		}
		t->snd_wnd = (uint32_t)s->wnd << t->snd_scale;
		t->max_wnd = t->snd_wnd;
		established(t);
		if (!is_sync(t))
			return;
		tcp_trap(t);
	}
	if (!ack_ok(t, s))
		return;
	if ((t->flags & F_TS) && SEQ_LEQ(seq, t->rcv_nxt))
		t->ts_recent = s->tsval;
	tcp_ack_segment(t, s);
	take_data(t, s);
	fin_received(t);
}

/* True: an acknowledgement goes out. */
static bool ack_due(const struct tcb *t)
{
	uint32_t due = t->rcv_nxt - t->last_ack;

	if (t->state > TCP_LAST_ACK)
		return false;
	if (!(t->flags & F_FAST))
		return (t->flags & F_ACK_NOW) || due;
	return (t->flags & F_ACK_NOW) || due >= 2u * t->mss;
}

/*
 * What segments made due: PDUs back, more data out, an acknowledgement, and, when no more of the
 * connection's frames are known to wait, fast mode again.
 */
static void follow_up(struct tcb *t, bool last)
{
	t->flags &= ~(uint32_t)(F_DUE | F_URGENT);
	tcp_release(t);
	if (!is_sync(t))
		return;
	tcp_output(t);
	if (last)
		tcp_try_resume(t);
	tcp_sync(t);
	fin_received(t);
	closing_steps(t);
	if (ack_due(t)) {
		if (t->flags & F_FAST)
			hal_tx_ack(t->conn);
		else
			tcp_raw_ack(t);
		t->ooo_told += t->ooo && t->ooo_told < UINT8_MAX;
	}
	t->flags &= ~(uint32_t)F_ACK_NOW;
	tcp_release(t);
	tcp_drained_poll(t);
	if (is_sync(t))
		tcp_alive(t);
}

/*
 * The consequences may wait for the end of the run: not where the end of the connection is near, not
 * for a peer that counts duplicates, not the first ones about a gap, and not a retransmission.
 */
static bool may_wait(const struct tcb *t, uint8_t rec)
{
	const uint32_t ending = F_FIN_QUEUED | F_FIN_SEEN | F_PERSIST;

	if (t->state != TCP_ESTABLISHED || (t->flags & ending) || t->rec != rec)
		return false;
	return !t->ooo || ((t->flags & F_SACK) && t->ooo_told >= DUP_ACKS);
}

static void take(struct tcb *t, struct seg *s)
{
	uint32_t rcv_nxt;
	uint8_t rec;

	t->segs_in++;
	if (t->state == TCP_SYN_SENT) {
		in_syn_sent(t, s);
		return;
	}
	tcp_trap(t);
	t->flags &= ~(uint32_t)F_PROBING;
	rcv_nxt = t->rcv_nxt;
	rec = t->rec;
	in_sync(t, s);
	if (!is_sync(t))
		return;
	if (t->rcv_nxt != rcv_nxt)
		t->ooo_told = 0;
	t->flags |= F_DUE;
	if (!may_wait(t, rec))
		t->flags |= F_URGENT;
}

/* A segment was dealt with; last: the run ends here. */
static void settle(struct tcb *t, bool last)
{
	if ((t->flags & F_DUE) && (last || (t->flags & F_URGENT)) && is_sync(t))
		follow_up(t, last);
}

void tcp_segment(struct tcb *t, struct seg *s)
{
	take(t, s);
	settle(t, true);
}

/* --- runs of frames --------------------------------------------------------------------------- */

/* The words of a frame that are looked at: from its IPv4 source address to the end of timestamps. */
#define HEAD_FIRST 6u
#define HEAD_WORDS 17u

/* The addresses are the connection's, there are no options but timestamps, ACK is the only flag that matters. */
static inline bool plain(const struct tcb *t, const uint32_t *w, uint32_t hlen)
{
	if (join_be32(w[6], w[7]) != t->remote_ip || join_be32(w[7], w[8]) != net_port.ip ||
	    join_be32(w[8], w[9]) != ((uint32_t)t->remote_port << 16 | t->local_port) ||
	    (w[11] >> 16 & 0x37f0) != (uint32_t)(TH_ACK << 8 | hlen << 2))
		return false;
	/* NOP NOP TS 10 */
	return !(t->flags & F_TS) || (join_be32(w[13], w[14]) == 0x0101080a &&
				      SEQ_GEQ(join_be32(w[14], w[15]), t->ts_recent));
}

/* Something new is acknowledged, which was sent, and nothing is being recovered. */
static bool plain_ack(const struct tcb *t, uint32_t ack)
{
	struct eng_conn_state st;

	if (!SEQ_GT(ack, t->snd_una) || SEQ_GT(ack, t->snd_nxt) || t->rec != REC_NONE || t->retries)
		return false;
	hal_conn_state(t->conn, &st);
	return SEQ_LEQ(ack, st.snd_max);
}

/* Takes over what plain() and its caller found good. */
static inline void accept(struct tcb *t, const struct hal_event *ev, const uint32_t *w,
			  uint32_t hlen)
{
	uint32_t ack = join_be32(w[10], w[11]);
	uint32_t len = ev->w2 >> 16;

	if (t->flags & F_TS)
		t->ts_recent = join_be32(w[14], w[15]);
	tcp_window_update(t, t->rcv_nxt, ack, __builtin_bswap32(w[12]) >> 16);
	if (ack != t->snd_una)
		tcp_ack_advance(t, ack);
	if (len) {
		hal_rx_deliver(t->conn, (uint16_t)ev->w1, (uint16_t)(TCP_OFF + hlen),
			       (uint16_t)len);
		t->rcv_nxt += len;
		t->ooo_told = 0;
	} else {
		hal_pkt_free((uint16_t)ev->w1);
	}
	t->segs_in++;
	t->flags |= F_DUE;
}

/*
 * What most frames of a run hold: new data in order or a new acknowledgement, nothing missing. A few
 * words of the header tell; hostile ones fail here like any other and are looked at closely.
 */
static bool predicted(struct tcb *t, const struct hal_event *ev)
{
	const uint32_t unusual = F_HASHED | F_FAST | F_PERSIST | F_PROBING | F_FIN_SEEN |
				 F_FIN_QUEUED;
	uint32_t hlen = t->flags & F_TS ? TCP_HLEN + TS_OPT_LEN : TCP_HLEN;
	uint32_t len = ev->w2 >> 16, ack;
	uint32_t w[HEAD_WORDS];

	if (t->state != TCP_ESTABLISHED || (t->flags & unusual) != F_HASHED || t->ooo ||
	    (uint16_t)ev->w2 != (TCP_OFF | (TCP_OFF + hlen) << 8) ||
	    TCP_OFF + hlen + len > ev->w1 >> 16 || SEQ_GT(t->rcv_nxt + len, t->rcv_edge))
		return false;
	pkt_words((uint16_t)ev->w1, w, HEAD_FIRST, HEAD_WORDS);
	ack = join_be32(w[10], w[11]);
	if (join_be32(w[9], w[10]) != t->rcv_nxt || !plain(t, w, hlen) || !(uint16_t)w[12] ||
	    !(ack == t->snd_una ? len : plain_ack(t, ack)) ||
	    (len && !has_share(t, TCP_OFF + hlen, len)))
		return false;
	accept(t, ev, w, hlen);
	return true;
}

static struct tcb *owner(const struct hal_event *ev, const struct seg *s)
{
	struct tcb *t = tcb_of(ev->id);

	/*
	 * The engine's number may be that of an earlier life of the connection: the addresses
	 * decide.
	 */
	if (ev->id < ENG_N_CONN && (t->flags & F_HASHED) && t->remote_ip == s->src &&
	    t->remote_port == s->sport && t->local_port == s->dport)
		return t;
	return tcp_lookup(s);
}

/* One frame; due: the connection whose run it may belong to. Returns that of the frame. */
static struct tcb *input(const struct hal_event *ev, struct tcb *due)
{
	struct tcb *t = tcb_of(ev->id);
	struct seg s;

	if (ev->id < ENG_N_CONN && (!due || due == t) && predicted(t, ev))
		return t;
	if (!parse(ev, &s)) {
		net_drops.tcp_header++;
		hal_pkt_free((uint16_t)ev->w1);
		return due;
	}
	t = s.dst == net_port.ip ? owner(ev, &s) : NULL;
	if (due && due != t)
		settle(due, true);
	if (t)
		take(t, &s);
	else if (!listen_input(&s))
		tcp_stray(&s);
	if (!s.taken)
		hal_pkt_free(s.cell);
	return t;
}

void tcp_input(const struct hal_event *first)
{
	struct hal_event ev = *first;
	struct tcb *t = NULL;
	uint32_t n = 0;
	bool again;

	do {
		t = input(&ev, t);
		again = t && ++n < RUN_MAX && ev.id < ENG_N_CONN && event_frame(ev.id, &ev);
		if (t)
			settle(t, !again);
	} while (again);
}
