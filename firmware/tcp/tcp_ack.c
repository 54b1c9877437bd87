/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Acknowledgements, from the engine's state (fast mode) or from a segment (slow mode), and the
 * passage between the two modes. EVT_ACK is asked for at the end of what has been sent, or, while
 * the congestion window holds data back, at a quarter of what is under way: four events per round
 * trip keep the ACK clock, one per window is enough otherwise.
 */
#include <string.h>

#include "tcp/tcp_int.h"

#define RTO_MAX_TICKS 57220u /* 60 s */
#define US_PER_TICK_SHIFT 10

/* RFC 6298, in integers scaled by 8 and 4. */
void tcp_rtt_sample(struct tcb *t, uint32_t us)
{
	us = MIN(us, 1u << 26) | 1;
	if (!t->srtt8) {
		t->srtt8 = us << 3;
		t->rttvar4 = us << 1;
	} else {
		int32_t d = (int32_t)(us - (t->srtt8 >> 3));

		t->srtt8 += (uint32_t)d;
		d = d < 0 ? -d : d;
		t->rttvar4 += (uint32_t)(d - (int32_t)(t->rttvar4 >> 2));
	}
	t->rto = (uint16_t)tcp_rto_base(t);
}

uint32_t tcp_rto_base(const struct tcb *t)
{
	uint32_t min = clk_ms(tcp_cfg.rto_min_ms);
	uint32_t rto = ((t->srtt8 >> 3) + MAX(t->rttvar4, 1024u)) >> US_PER_TICK_SHIFT;

	if (!t->srtt8)
		return clk_ms(1000);
	return MIN(MAX(rto + 1, min), RTO_MAX_TICKS);
}

/* The timer itself is moved only forward in time; when it fires early it looks at rto_at. */
void tcp_rto_restart(struct tcb *t)
{
	t->rto_at = clk_now() + t->rto;
	if (!timer_pending(&t->rexmt) || SEQ_GT(t->rexmt.expiry, t->rto_at))
		timer_set(&t->rexmt, t->rto_at);
}

/* RFC 5681 with bytes counted (RFC 3465); only while the window is in use. */
static void grow(struct tcb *t, uint32_t acked)
{
	if ((flight(t) + acked) * 2 < t->cwnd || t->cwnd >= CWND_MAX)
		return;
	if (t->cwnd < t->ssthresh) {
		t->cwnd = MIN(t->cwnd + acked, CWND_MAX);
		return;
	}
	t->acked_bytes += acked;
	if (t->acked_bytes >= t->cwnd) {
		t->acked_bytes -= t->cwnd;
		t->cwnd += t->mss;
	}
}

void tcp_ack_advance(struct tcb *t, uint32_t una)
{
	uint32_t acked = una - t->snd_una;

	t->snd_una = una;
	t->dupacks = 0;
	/* a timeout that was backed off stays so until a round trip can be measured (Karn) */
	t->retries = 0;
	if ((t->flags & F_RTT) && SEQ_GEQ(una, t->rtt_seq)) {
		t->flags &= ~(uint32_t)F_RTT;
		tcp_rtt_sample(t, clk_us() - t->rtt_start);
	}
	if (__builtin_expect(t->n_sack, 0))
		tcp_sack_prune(t);
	if (__builtin_expect(t->rec == REC_NONE, 1))
		grow(t, acked);
	else
		tcp_recovery_ack(t, acked);
	t->rto_at = clk_now() + t->rto;
}

/* Fast mode: takes over what the engine saw. Never calls back. */
void tcp_pull(struct tcb *t)
{
	uint32_t una = hal_conn_snd_una(t->conn);

	t->snd_wnd = hal_conn_snd_wnd(t->conn);
	t->max_wnd = MAX(t->max_wnd, t->snd_wnd);
	if (una != t->snd_una)
		tcp_ack_advance(t, una);
}

/* From fast to slow mode: from here on t alone is right. */
void tcp_trap(struct tcb *t)
{
	struct eng_conn_state st;

	if (!(t->flags & F_FAST))
		return;
	hal_rx_cmd(t->conn, ENG_RXC_TRAP);
	hal_conn_state(t->conn, &st);
	t->flags &= ~(uint32_t)F_FAST;
	t->fast_bytes += st.rcv_nxt - t->rcv_nxt;
	t->rcv_nxt = t->hw_rcv_nxt = st.rcv_nxt;
	t->rcv_edge = st.rcv_nxt + (st.pending < t->rcv_wnd ? t->rcv_wnd - st.pending : 0);
	t->ts_recent = st.ts_recent;
	if (SEQ_GT(st.last_ack, t->last_ack))
		t->last_ack = st.last_ack;
	t->snd_wnd = st.snd_wnd;
	t->max_wnd = MAX(t->max_wnd, st.snd_wnd);
	/* The engine took segments in order only: none older may change the window again. */
	t->snd_wl1 = st.rcv_nxt;
	t->snd_wl2 = st.snd_una;
	if (st.snd_una != t->snd_una)
		tcp_ack_advance(t, st.snd_una);
}

static void load(struct tcb *t)
{
	hal_rx_resume(t->conn, t->rcv_nxt, t->snd_una, t->snd_wnd, t->ts_recent);
	t->flags |= F_FAST;
	t->hw_rcv_nxt = t->rcv_nxt;
}

void tcp_try_resume(struct tcb *t)
{
	const uint32_t unusual = F_FAST | F_FIN_QUEUED | F_FIN_SEEN | F_PERSIST | F_PROBING;

	if (t->state != TCP_ESTABLISHED || (t->flags & unusual) || t->ooo || t->rec != REC_NONE)
		return;
	load(t);
	tcp_rearm(t);
}

/*
 * Slow mode goes on for long: segments from the template must not acknowledge what is older than
 * the peer's window, or it drops them. Loads the engine; a frame that slips through before the trap
 * is taken over like any other.
 */
void tcp_sync(struct tcb *t)
{
	if (t->flags & F_FAST || !is_sync(t) || t->rcv_nxt - t->hw_rcv_nxt < 4u * t->mss)
		return;
	load(t);
	tcp_trap(t);
	ooo_deliver(t);
}

void tcp_release(struct tcb *t)
{
	/*
	 * A retransmission still in the queue reads the record again: it has to be through first.
	 */
	while (t->head && !t->retx_busy && SEQ_GEQ(t->snd_una, t->head->seq + t->head->len)) {
		struct tcp_pdu *p = t->head;

		if (p == t->unsent)
			return;
		t->head = pdu_next(p);
		if (!t->head)
			t->tail = NULL;
		if (!(p->user & TCP_PDU_QUIET))
			tcp_ops->acked(t->conn, p);
	}
}

static uint32_t notify_at(const struct tcb *t)
{
	uint32_t n = flight(t);

	if (!n)
		return t->snd_una + NOTIFY_NEVER;
	if (t->unsent)
		n = MIN(n, MAX(n >> 2, 2u * t->mss));
	return t->snd_una + n;
}

/* False: what is asked for has been acknowledged already, perhaps before it was asked for. */
static inline bool arm(struct tcb *t)
{
	uint32_t at = notify_at(t);

	t->notify = at;
	*(volatile uint32_t *)&hal_conn_ctx(t->conn)->notify_seq = at;
	return SEQ_LT(hal_conn_snd_una(t->conn), at);
}

/*
 * Fast mode: says when the next EVT_ACK is wanted. One that came before the write would be missed,
 * so look again after it.
 */
void tcp_rearm(struct tcb *t)
{
	while (!arm(t))
		tcp_pull(t);
}

void tcp_poll(uint16_t conn)
{
	struct tcb *t = tcb_of(conn);

	if (t->flags & F_FAST)
		tcp_pull(t);
	tcp_release(t);
	if (t->unsent)
		tcp_output(t);
}

void tcp_ack_event(uint16_t conn)
{
	struct tcb *t = tcb_of(conn);

	if (!(t->flags & F_FAST))
		return;
	tcp_pull(t);
	tcp_release(t);
	if (t->unsent)
		tcp_output(t);
	if ((t->flags & F_FAST) && !t->unsent) {
		if (arm(t))
			return;
		tcp_pull(t);
		tcp_rearm(t);
	}
	/* What was found acknowledged meanwhile goes back too. */
	tcp_release(t);
}

/* --- slow mode -------------------------------------------------------------------------------- */

void tcp_window_update(struct tcb *t, uint32_t seq, uint32_t ack, uint32_t wnd)
{
	if (SEQ_LT(seq, t->snd_wl1) || (seq == t->snd_wl1 && SEQ_LT(ack, t->snd_wl2)))
		return;
	t->snd_wnd = wnd << t->snd_scale;
	t->max_wnd = MAX(t->max_wnd, t->snd_wnd);
	t->snd_wl1 = seq;
	t->snd_wl2 = ack;
}

/* The peer's window opened, or it took the probe's byte. A byte it refused goes again at once. */
static void end_persist(struct tcb *t)
{
	t->retries = 0;
	if (tcp_window_blocked(t) || (flight(t) && t->snd_wnd < flight(t)))
		return;
	t->flags &= ~(uint32_t)F_PERSIST;
	t->rto = (uint16_t)tcp_rto_base(t); /* it was stretched by probes, not by losses */
	if (flight(t)) {
		tcp_retransmit(t, t->snd_una, flight(t));
		tcp_rto_restart(t);
	}
}

static void duplicate(struct tcb *t)
{
	t->dup_total++;
	if (t->dupacks < 255)
		t->dupacks++;
	if (t->rec == REC_FAST) {
		t->dup_bytes += t->mss;
		return;
	}
	/*
	 * RFC 6582: without SACK, duplicates of what was sent before the last recovery's end prove
	 * nothing.
	 */
	if (t->rec == REC_LOSS || (!(t->flags & F_SACK) && SEQ_LEQ(t->snd_una, t->recover)))
		return;
	if (t->dupacks >= 3 || ((t->flags & F_SACK) && tcp_sack_lost(t)))
		tcp_enter_fast(t);
}

/* s->ack has been found acceptable and is no more than snd_end here (FIN's number is stripped). */
void tcp_ack_segment(struct tcb *t, const struct seg *s)
{
	uint32_t wnd = t->snd_wnd;
	bool news = (t->flags & F_SACK) && s->n_sack && tcp_sack_update(t, s);

	tcp_window_update(t, s->seq, s->ack, s->wnd);
	if (SEQ_GT(s->ack, t->snd_una)) {
		if ((t->flags & (F_TS | F_RTT)) == F_TS && s->have_ts && s->tsecr && t->retries)
			tcp_rtt_sample(t, (clk_now() - s->tsecr) << US_PER_TICK_SHIFT);
		tcp_ack_advance(t, s->ack);
	} else if (s->ack == t->snd_una && flight(t) && !(t->flags & F_PERSIST)) {
		bool plain = !s->len && !(s->flags & (TH_SYN | TH_FIN)) && wnd == t->snd_wnd;

		if (t->flags & F_SACK ? news : plain)
			duplicate(t);
	}
	if (t->flags & F_PERSIST)
		end_persist(t);
	else if (!t->snd_wnd && t->retries)
		t->retries = 1; /* alive, but it takes nothing: no reason to give up */
}
