/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One received segment in slow mode, checked in the order of RFC 9293 3.10.7.4: sequence number
 * (with PAWS before it), RST, SYN, ACK, data, FIN. The engine has verified lengths and checksums;
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
#include "net/net.h"
#include "tcp/tcp_int.h"

/* Where the engine says the TCP header and the payload are; false when that cannot be. */
static bool parse(const struct hal_event *ev, struct seg *s)
{
	uint32_t frame_len = ev->w1 >> 16;
	uint32_t thoff = ev->w2 & 0xff;
	uint8_t h[HDR_MAX];
	const uint8_t *tcp;
	uint32_t hlen;

	memset(s, 0, sizeof(*s));
	s->cell = (uint16_t)ev->w1;
	s->off = ev->w2 >> 8 & 0xff;
	s->len = (uint16_t)(ev->w2 >> 16);
	if (thoff < ETH_HLEN + IP_HLEN || s->off < thoff + TCP_HLEN || s->off > sizeof(h) ||
	    (uint32_t)s->off + s->len > frame_len)
		return false;
	hal_pkt_copy(s->cell, 0, h, s->off);
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

static uint32_t seq_len(const struct seg *s)
{
	return s->len + !!(s->flags & TH_SYN) + !!(s->flags & TH_FIN);
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

static uint32_t receive_edge(const struct tcb *t)
{
	struct eng_conn_state st;

	hal_conn_state(t->conn, &st);
	return t->rcv_nxt + (st.pending < t->rcv_wnd ? t->rcv_wnd - st.pending : 0);
}

/* Acceptable, and cut to what is new and within the window. */
static bool trim(struct tcb *t, struct seg *s)
{
	uint32_t edge = receive_edge(t);
	uint32_t end = s->seq + seq_len(s);
	uint32_t skip;

	if (SEQ_GT(s->seq, edge) || (s->seq == edge && edge != t->rcv_nxt && seq_len(s)))
		return false;
	if (SEQ_LT(s->seq, t->rcv_nxt)) {
		skip = t->rcv_nxt - s->seq;
		if (SEQ_LEQ(end, t->rcv_nxt))
			return false;
		s->flags &= (uint8_t)~TH_SYN;
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
	if (s->len) {
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
	if (!trim(t, s)) {
		not_acceptable(t, s);
		return;
	}
	if (s->flags & TH_RST) {
		reset(t, seq);
		return;
	}
	if (s->flags & TH_SYN) {
		tcp_challenge(t);
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

/* What the segment made due: PDUs back, more data out, fast mode again, an acknowledgement. */
static void follow_up(struct tcb *t)
{
	tcp_release(t);
	if (!is_sync(t))
		return;
	tcp_output(t);
	tcp_try_resume(t);
	tcp_sync(t);
	fin_received(t);
	closing_steps(t);
	if (t->state <= TCP_LAST_ACK && ((t->flags & F_ACK_NOW) || t->rcv_nxt != t->last_ack)) {
		uint32_t due = t->rcv_nxt - t->last_ack;

		if (!(t->flags & F_FAST))
			tcp_raw_ack(t);
		else if ((t->flags & F_ACK_NOW) || due >= 2u * t->mss)
			hal_tx_ack(t->conn);
	}
	t->flags &= ~(uint32_t)F_ACK_NOW;
	tcp_release(t);
	tcp_drained_poll(t);
}

void tcp_segment(struct tcb *t, struct seg *s)
{
	t->segs_in++;
	if (t->state == TCP_SYN_SENT) {
		in_syn_sent(t, s);
		return;
	}
	tcp_trap(t);
	t->flags &= ~(uint32_t)F_PROBING;
	in_sync(t, s);
	if (is_sync(t))
		follow_up(t);
	if (is_sync(t))
		tcp_alive(t);
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

void tcp_input(const struct hal_event *ev)
{
	struct seg s;
	struct tcb *t;

	if (!parse(ev, &s)) {
		net_drops.tcp_header++;
		hal_pkt_free((uint16_t)ev->w1);
		return;
	}
	t = s.dst == net_port.ip ? owner(ev, &s) : NULL;
	if (t)
		tcp_segment(t, &s);
	else if (!listen_input(&s))
		tcp_stray(&s);
	if (!s.taken)
		hal_pkt_free(s.cell);
}
