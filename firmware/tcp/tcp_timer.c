/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two timers per connection. rexmt: SYN, data, FIN, window probe, whichever is open; it may fire
 * early and then looks at rto_at. aux: keepalive while established, the end of FIN_WAIT_2, and
 * looking after the stream engine once the peer has closed.
 */
#include "net/arp.h"
#include "lib/err.h"
#include "lib/log.h"
#include "tcp/tcp_int.h"

#define RTO_MAX_TICKS 57220u
#define KEEPALIVE_PROBES 5u
#define HOLDS_MAX 8u /* timeouts for which a flight may wait in the transmit queue */
#define ASK_AGAIN 3u /* after so many timeouts in a row the neighbour's address is doubted */

static void back_off(struct tcb *t)
{
	t->rto = (uint16_t)MIN(2u * t->rto, RTO_MAX_TICKS);
	tcp_rto_restart(t);
}

static void syn_timeout(struct tcb *t)
{
	if (t->flags & F_NEED_MAC) {
		if (!arp_resolve(t->next_hop, t->mac)) {
			t->flags &= ~(uint32_t)F_NEED_MAC;
			tcp_send_syn(t);
		}
		tcp_rto_restart(t); /* else: ARP itself gives up */
		return;
	}
	if (t->retries++ >= tcp_cfg.syn_retries) {
		tcp_fail(t, -ETIMEDOUT, false);
		return;
	}
	t->flags &= ~(uint32_t)F_RTT;
	tcp_send_syn(t);
	back_off(t);
}

static void probe_window(struct tcb *t)
{
	if (t->retries++ >= tcp_cfg.max_retries) {
		tcp_fail(t, -ETIMEDOUT, true);
		return;
	}
	/*
	 * One byte of new data, or what the small window takes; later the same again (RFC 9293
	 * 3.8.6.1).
	 */
	if (flight(t)) {
		tcp_retransmit(t, t->snd_una, flight(t));
	} else if (t->unsent && tx_room(t)) {
		struct tcp_pdu *p = t->unsent;
		uint32_t off = t->snd_nxt - p->seq;
		uint32_t n = MIN(MAX(t->snd_wnd, 1u), p->len - off);

		n = MIN(n, t->mss);
		hal_tx(t->conn, &p->rec, t->snd_nxt, off, n, ENG_TXF_PSH);
		t->snd_nxt += n;
		if (off + n == p->len)
			t->unsent = p->next ? hal_xram(p->next) : NULL;
	}
	back_off(t);
}

/*
 * The timer runs from when bytes were queued. When none of the flight has left, a repetition could
 * only queue behind the original.
 */
static bool still_queued(struct tcb *t)
{
	struct eng_conn_state st;

	hal_conn_state(t->conn, &st);
	if (!flight(t) || SEQ_GT(st.snd_max, t->snd_una))
		t->held = 0;
	else if (t->held < HOLDS_MAX)
		return ++t->held;
	return false;
}

static void data_timeout(struct tcb *t)
{
	if (still_queued(t)) {
		tcp_rto_restart(t);
		return;
	}
	if (t->retries++ >= tcp_cfg.max_retries) {
		log_limited("tcp %u: no answer, giving up", t->conn);
		tcp_fail(t, -ETIMEDOUT, true);
		return;
	}
	if (t->retries == ASK_AGAIN)
		arp_confirm(t->next_hop);
	t->rtos++;
	t->flags &= ~(uint32_t)F_RTT;
	if (flight(t)) {
		tcp_trap(t);
		tcp_enter_loss(t);
		tcp_recovery_output(t);
	} else {
		tcp_send_fin(t);
	}
	back_off(t);
}

static void rexmt_fired(struct timer *timer)
{
	struct tcb *t = list_entry(timer, struct tcb, rexmt);

	if (t->flags & F_FAST)
		tcp_pull(t);
	if (t->state == TCP_SYN_SENT || t->state == TCP_SYN_RCVD || (t->flags & F_PERSIST)) {
		if (SEQ_LT(clk_now(), t->rto_at))
			timer_set(timer, t->rto_at);
		else if (t->flags & F_PERSIST)
			probe_window(t);
		else
			syn_timeout(t);
		return;
	}
	if (flight(t) || (t->flags & (F_FIN_SENT | F_FIN_ACKED)) == F_FIN_SENT) {
		if (SEQ_LT(clk_now(), t->rto_at))
			timer_set(timer, t->rto_at);
		else
			data_timeout(t);
	}
	/* tcp_pull may have found something acknowledged: it goes back, and more can go out. */
	tcp_release(t);
	if (t->unsent)
		tcp_output(t);
}

/* --- aux -------------------------------------------------------------------------------------- */

static void keepalive(struct tcb *t)
{
	uint32_t rcv = t->rcv_nxt, una = t->snd_una;
	bool probing = t->flags & F_PROBING;

	tcp_trap(t);
	if (t->rcv_nxt != rcv || t->snd_una != una || flight(t) || !probing)
		t->keep_left = KEEPALIVE_PROBES;
	if (flight(t) || t->rcv_nxt != rcv || t->snd_una != una) {
		t->flags &= ~(uint32_t)F_PROBING;
		tcp_release(t);
		if (is_sync(t)) {
			tcp_output(t);
			tcp_try_resume(t);
		}
	} else if (!t->keep_left--) {
		tcp_fail(t, -ETIMEDOUT, true);
		return;
	} else {
		/* Answers are for firmware: stay in slow mode until one comes. */
		t->flags |= F_PROBING;
		tcp_raw(t, TH_ACK, t->snd_una - 1, NULL, 0);
	}
	tcp_aux_schedule(t);
}

static void aux_fired(struct timer *timer)
{
	struct tcb *t = list_entry(timer, struct tcb, aux);
	bool waits = t->state == TCP_FIN_WAIT_2 || t->state == TCP_DRAIN;

	if (waits && SEQ_GEQ(clk_now(), t->wait_until)) {
		tcp_fail(t, t->state == TCP_DRAIN && (t->flags & F_FIN_TOLD) ? 0 : -ETIMEDOUT,
			 t->state == TCP_FIN_WAIT_2);
		return;
	}
	if (t->flags & F_FIN_RCVD) {
		tcp_drained_poll(t);
		if (t->state != TCP_STOPPING)
			tcp_aux_schedule(t);
		return;
	}
	if (t->state == TCP_ESTABLISHED && t->keep_ticks && SEQ_GEQ(clk_now(), t->wait_until))
		keepalive(t);
	else
		tcp_aux_schedule(t);
}

void tcp_aux_schedule(struct tcb *t)
{
	if ((t->flags & F_FIN_RCVD) && !(t->flags & F_FIN_TOLD))
		timer_set(&t->aux, clk_now() + 1);
	else if (t->state == TCP_FIN_WAIT_2)
		timer_set(&t->aux, t->wait_until);
	else if (t->state == TCP_DRAIN)
		timer_set(&t->aux, clk_now() + 1);
	else if (t->state == TCP_ESTABLISHED && t->keep_ticks)
		tcp_alive(t);
	else
		timer_cancel(&t->aux);
}

/*
 * The peer was heard: keepalive starts anew. What the engine hears is found out when the time is
 * up.
 */
void tcp_alive(struct tcb *t)
{
	if (t->state != TCP_ESTABLISHED || !t->keep_ticks)
		return;
	t->wait_until = clk_now() + t->keep_ticks;
	if (!timer_pending(&t->aux))
		timer_set(&t->aux, t->wait_until);
}

void tcp_timers_setup(struct tcb *t)
{
	timer_setup(&t->rexmt, rexmt_fired);
	timer_setup(&t->aux, aux_fired);
}
