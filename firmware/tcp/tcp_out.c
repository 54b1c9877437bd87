/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sending: queued PDUs through the engine's template, control segments as frames that firmware
 * builds.
 */
#include <string.h>

#include "net/arp.h"
#include "lib/bytes.h"
#include "lib/err.h"
#include "net/frame.h"
#include "net/net.h"
#include "tcp/tcp_int.h"

#define TCP_OFF (ETH_HLEN + IP_HLEN)
#define CHALLENGES 5u /* per second and connection */

/*
 * The transmit queue is shared. When it is half full a fence goes into it, so that connections
 * which find it full can go on before it has run empty.
 */
#define ROOM_LOW 16u

static struct {
	uint32_t waiting[ENG_N_CONN / 32];
	bool fence;
	uint16_t next; /* whose turn it is */
} stall;

void tcp_out_init(void)
{
	memset(&stall, 0, sizeof(stall));
}

static bool room_low(const struct tcb *t, uint32_t room)
{
	if (!stall.fence) {
		stall.fence = true;
		hal_tx(0, hal_xram(FRAME_FENCE_ROOM), 0, 0, 0, ENG_TXF_FENCE | ENG_TXF_DONE);
	}
	if (room > TX_KEEP)
		return true;
	stall.waiting[t->conn >> 5] |= 1u << (t->conn & 31);
	return false;
}

bool tx_room(struct tcb *t)
{
	uint32_t room = hal_tx_free();

	return __builtin_expect(room > ROOM_LOW, 1) || room_low(t, room);
}

/*
 * First waiting connection at or after `from`, around the end; 0: none (connection 0 never sends).
 */
static uint16_t next_waiting(uint16_t from)
{
	uint32_t word = from >> 5;
	uint32_t bits = stall.waiting[word] & ~0u << (from & 31);

	for (uint32_t i = 0; i <= ENG_N_CONN / 32; i++) {
		if (bits)
			return (uint16_t)(word * 32 + (uint32_t)__builtin_ctz(bits));
		word = (word + 1) & (ENG_N_CONN / 32 - 1);
		bits = stall.waiting[word];
	}
	return 0;
}

void tcp_unstall(void)
{
	uint16_t conn;

	stall.fence = false;
	while ((conn = next_waiting(stall.next))) {
		if (hal_tx_free() <= TX_KEEP) {
			room_low(tcb_of(conn), 0);
			return;
		}
		stall.next = (conn + 1) & (ENG_N_CONN - 1);
		stall.waiting[conn >> 5] &= ~(1u << (conn & 31));
		tcp_output(tcb_of(conn));
	}
}

/* The small fields come as one word: XRAM is slower than the core's own memory. */
static uint32_t pdu_len(const struct eng_tx_rec *r)
{
	uint32_t data = r->data_len, w;

	/* hdr_len, flags, pad_len, 0 */
	memcpy(&w, __builtin_assume_aligned(&r->hdr_len, 4), sizeof(w));
	return data + (w & 0xff) + (w >> 16) + (w >> 8 & ENG_RECF_HDGST) * 4 +
	       (data ? (w >> 8 & ENG_RECF_DDGST) * 2 : 0);
}

/*
 * Bytes were given to the engine. Starts what waits for their acknowledgement: timer, round trip,
 * EVT_ACK.
 */
static void sent(struct tcb *t, bool was_idle)
{
	if (was_idle)
		tcp_rto_restart(t);
	if ((t->flags & F_FAST) && SEQ_LEQ(t->notify, t->snd_nxt))
		return; /* an event is on its way: once per flight is enough */
	if (!(t->flags & F_RTT)) {
		t->flags |= F_RTT;
		t->rtt_seq = t->snd_nxt;
		t->rtt_start = clk_us();
	}
	if (!(t->flags & F_FAST))
		return;
	t->notify = t->snd_nxt;
	*(volatile uint32_t *)&hal_conn_ctx(t->conn)->notify_seq = t->notify;
}

static inline uint32_t segments(const struct tcb *t, uint32_t bytes)
{
	return bytes <= t->mss ? 1 :
				 (uint32_t)((uint64_t)(bytes + t->mss - 1) * t->mss_recip >> 32);
}

static inline void push(struct tcb *t, struct tcp_pdu *p, uint32_t off, uint32_t n)
{
	bool was_idle = t->snd_nxt == t->snd_una;
	bool last = off + n == p->len;
	uint32_t seq = t->snd_nxt;

	t->segs_out += segments(t, n);
	t->snd_nxt = seq + n;
	if (last)
		t->unsent = pdu_next(p);
	sent(t, was_idle);
	hal_tx(t->conn, &p->rec, seq, off, n, last ? ENG_TXF_PSH : 0);
}

/*
 * Sends from the first unsent PDU, at most max bytes and at most to its end. Returns the bytes; 0:
 * no room, or too little for a segment worth sending (RFC 9293 3.8.6.2.1).
 */
uint32_t tcp_emit_new(struct tcb *t, uint32_t max)
{
	struct tcp_pdu *p = t->unsent;
	uint32_t off = t->snd_nxt - p->seq;
	uint32_t n = p->len - off;

	if (n > max) {
		n = whole_segments(t, max);
		if (!n && !flight(t) && max && max >= t->max_wnd >> 1)
			n = max;
		if (!n)
			return 0;
	}
	if (!tx_room(t))
		return 0;
	push(t, p, off, n);
	return n;
}

/*
 * Something is queued, nothing is under way, and the peer's window lets nothing go: only a probe
 * can find out more.
 */
bool tcp_window_blocked(const struct tcb *t)
{
	uint32_t left;

	if (!t->unsent || flight(t) || t->rec != REC_NONE)
		return false;
	left = t->unsent->seq + t->unsent->len - t->snd_nxt;
	return t->snd_wnd < left && t->snd_wnd < t->mss &&
	       (!t->snd_wnd || t->snd_wnd < t->max_wnd >> 1);
}

static void send_new(struct tcb *t)
{
	while (t->unsent) {
		/* RFC 3042 */
		uint32_t cwnd = t->cwnd + (t->dupacks < 3 ? t->dupacks * (uint32_t)t->mss : 0);
		int32_t room = (int32_t)(MIN(cwnd, t->snd_wnd) - flight(t));

		if (room <= 0 || !tcp_emit_new(t, (uint32_t)room))
			return;
	}
}

static void start_persist(struct tcb *t)
{
	tcp_trap(t); /* its answer may show a window that came meanwhile */
	send_new(t);
	if (!tcp_window_blocked(t))
		return;
	t->flags |= F_PERSIST;
	t->retries = 0;
	tcp_rto_restart(t);
}

void tcp_output(struct tcb *t)
{
	if (!can_transmit(t))
		return;
	if (t->flags & F_FAST)
		tcp_pull(t);
	if (t->rec != REC_NONE)
		tcp_recovery_output(t);
	else if (!(t->flags & F_PERSIST))
		send_new(t);
	if (!t->unsent && (t->flags & (F_FIN_QUEUED | F_FIN_SENT)) == F_FIN_QUEUED)
		tcp_send_fin(t);
	if (!(t->flags & F_PERSIST) && tcp_window_blocked(t))
		start_persist(t);
	/* Data waits for acknowledgements: hear of them earlier than at the end of the flight. */
	if (t->unsent && (t->flags & F_FAST))
		tcp_rearm(t);
}

static void idle_restart(struct tcb *t)
{
	/* rto_at is the time of the last acknowledgement plus one timeout. */
	if (t->cwnd > 10u * t->mss && SEQ_GT(clk_now(), t->rto_at))
		t->cwnd = 10u * t->mss;
}

static inline bool may_send(const struct tcb *t)
{
	return (t->state == TCP_ESTABLISHED || t->state == TCP_CLOSE_WAIT) &&
	       !(t->flags & F_FIN_QUEUED);
}

static inline void append(struct tcb *t, struct tcp_pdu *p)
{
	p->rec.crc = 0xffffffff;
	p->rec.crc_pos = 0;
	p->next = 0;
	p->seq = t->snd_end;
	t->snd_end += p->len;
	if (t->tail)
		t->tail->next = hal_xram_off(p);
	else
		t->head = p;
	t->tail = p;
}

/* Whatever the connection's state is. */
static __attribute__((noinline)) void send_any(struct tcb *t, struct tcp_pdu *p)
{
	append(t, p);
	if (t->unsent)
		return; /* waits behind others */
	if (t->snd_nxt == t->snd_una)
		idle_restart(t);
	if ((int32_t)(MIN(t->cwnd, t->snd_wnd) - flight(t) - p->len) >= 0 && t->rec == REC_NONE &&
	    tx_room(t)) {
		push(t, p, 0, p->len);
		return;
	}
	t->unsent = p;
	tcp_output(t);
}

/*
 * Bytes may leave at once, and nothing has to be started for their sake: fast mode, nothing waits, the windows and the transmit
 * queue have room, and an acknowledgement that was asked for is still to come. Differences are collected and looked at together:
 * a branch on each costs more than what the later ones could spare.
 */
static inline bool rolling(const struct tcb *t, uint32_t bytes)
{
	uint32_t nxt = t->snd_nxt, una = t->snd_una;
	uint32_t odd = ((t->flags & (F_FAST | F_FIN_QUEUED)) ^ F_FAST) |
		       (t->state_rec ^ TCP_ESTABLISHED) | (t->unsent != NULL);
	uint32_t room = MIN(t->cwnd, t->snd_wnd) + una - nxt - bytes; /* negative: none */
	uint32_t ahead = nxt - t->notify;                             /* negative: none asked for */

	return !odd && nxt != una && (int32_t)(room | ahead) >= 0 && hal_tx_free() > ROOM_LOW;
}

static inline void push_whole(struct tcb *t, struct tcp_pdu *p)
{
	append(t, p);
	t->snd_nxt = t->snd_end;
	t->segs_out += segments(t, p->len);
	hal_tx(t->conn, &p->rec, p->seq, 0, p->len, ENG_TXF_PSH);
}

static __attribute__((noinline)) void send_ready(struct tcb *t, struct tcp_pdu *p)
{
	if (!may_send(t))
		return; /* a bug of the user's: it is its own again when closed() comes */
	if (t->flags & F_FAST) {
		tcp_pull(t); /* mostly the windows are as they were when last looked at */
		if (rolling(t, p->len)) {
			push_whole(t, p);
			return;
		}
	}
	send_any(t, p);
}

void tcp_send_ready(uint16_t conn, struct tcp_pdu *pdu)
{
	struct tcb *t = tcb_of(conn);

	if (__builtin_expect(rolling(t, pdu->len), 1))
		push_whole(t, pdu);
	else
		send_ready(t, pdu);
}

/* Both, or each as it can. */
void tcp_send_two(uint16_t conn, struct tcp_pdu *first, struct tcp_pdu *second)
{
	struct tcb *t = tcb_of(conn);
	uint32_t len = first->len + second->len;

	if (__builtin_expect(!rolling(t, len), 0)) {
		if (t->flags & F_FAST)
			tcp_pull(t);
		if (!rolling(t, len)) {
			send_ready(t, first);
			send_ready(t, second);
			return;
		}
	}
	push_whole(t, first);
	push_whole(t, second);
}

int tcp_send(uint16_t conn, struct tcp_pdu *p)
{
	struct tcb *t = tcb_of(conn);
	uint32_t len = pdu_len(&p->rec);

	if (!may_send(t))
		return -ENOTCONN;
	if (((len - 1) | p->rec.data_len) >= PDU_MAX)
		return -EINVAL;
	p->len = len;
	send_any(t, p);
	return 0;
}

/* --- segments that firmware builds ------------------------------------------------------------ */

void seg_send(const struct seg_out *o)
{
	uint32_t hlen = TCP_HLEN + o->opt_len;
	struct frame *f = frame_alloc(TCP_OFF + hlen);
	uint8_t *tcp;

	if (!f) {
		net_drops.no_buffer++;
		return;
	}
	net_build(f->data, o->mac, o->dst, IP_PROTO_TCP, hlen);
	tcp = f->data + TCP_OFF;
	put_be16(tcp, o->sport);
	put_be16(tcp + 2, o->dport);
	put_be32(tcp + 4, o->seq);
	put_be32(tcp + 8, o->ack);
	tcp[12] = (uint8_t)(hlen << 2);
	tcp[13] = o->flags;
	put_be16(tcp + 14, o->wnd);
	put_be32(tcp + 16, 0);
	memcpy(tcp + TCP_HLEN, o->opt, o->opt_len);
	frame_send(f, TCP_OFF + hlen, ENG_RECF_IPCSUM | ENG_RECF_TCPCSUM);
}

static uint16_t window_now(const struct tcb *t, uint8_t flags)
{
	struct eng_conn_state st;
	uint32_t wnd = t->rcv_wnd;

	if (flags & TH_SYN)
		return (uint16_t)MIN(wnd, 0xffffu);
	hal_conn_state(t->conn, &st);
	wnd = st.pending < wnd ? wnd - st.pending : 0;
	return (uint16_t)MIN(wnd >> t->rcv_scale, 0xffffu);
}

void tcp_raw(struct tcb *t, uint8_t flags, uint32_t seq, const uint8_t *opt, uint32_t opt_len)
{
	struct seg_out o = {
		.mac = t->mac,
		.dst = t->remote_ip,
		.sport = t->local_port,
		.dport = t->remote_port,
		.seq = seq,
		.ack = flags & TH_ACK ? t->rcv_nxt : 0,
		.wnd = window_now(t, flags),
		.flags = flags,
	};

	if ((t->flags & F_TS) && !(flags & (TH_SYN | TH_RST)))
		o.opt_len = (uint8_t)opt_ts(o.opt, t->ts_recent);
	if (opt_len) {
		memcpy(o.opt + o.opt_len, opt, opt_len);
		o.opt_len = (uint8_t)(o.opt_len + opt_len);
	}
	t->segs_out++;
	seg_send(&o);
}

/*
 * Acknowledgement by hand: while the engine does not know rcv_nxt, and whenever SACK blocks have to
 * go along.
 */
void tcp_raw_ack(struct tcb *t)
{
	uint32_t seq = t->snd_nxt + !!(t->flags & F_FIN_SENT);
	uint32_t n = 0;
	struct range r[4];
	uint8_t opt[36];

	if ((t->flags & F_SACK) && t->ooo)
		n = opt_sack(opt, r, ooo_blocks(t, r, t->flags & F_TS ? 3 : 4));
	t->last_ack = t->rcv_nxt;
	tcp_raw(t, TH_ACK, seq, opt, n);
}

void tcp_send_syn(struct tcb *t)
{
	bool answer = t->state == TCP_SYN_RCVD;
	/* In an answer only what the peer's SYN had too. */
	const struct syn_opts o = {
		.mss = t->mss_offer,
		.wscale = answer && !t->rcv_scale ? -1 : (int8_t)t->rcv_scale,
		.sack = !answer || (t->flags & F_SACK),
		.ts = !answer || (t->flags & F_TS),
		.tsval = clk_now(),
		.tsecr = answer ? t->ts_recent : 0,
	};
	uint8_t opt[40];
	uint32_t n = 0;

	if (t->flags & F_OFFERED)
		n = opt_syn(opt, &o);
	if (!t->retries) {
		t->flags |= F_RTT;
		t->rtt_seq = t->iss + 1;
		t->rtt_start = clk_us();
	}
	tcp_raw(t, answer ? TH_SYN | TH_ACK : TH_SYN, t->iss, opt, n);
}

void tcp_send_fin(struct tcb *t)
{
	if (!(t->flags & F_FIN_SENT)) {
		t->flags |= F_FIN_SENT;
		tcp_rto_restart(t);
	}
	t->last_ack = t->rcv_nxt;
	tcp_raw(t, TH_FIN | TH_ACK, t->snd_end, NULL, 0);
}

/*
 * RFC 5961: an acknowledgement that tells an honest peer where we are, a few per second and
 * connection.
 */
void tcp_challenge(struct tcb *t)
{
	uint32_t now = clk_now();

	if (!t->chal_total || now - t->chal_tick > clk_ms(1000)) {
		t->chal_tick = now;
		t->chal_left = CHALLENGES;
	}
	if (!t->chal_left)
		return;
	t->chal_left--;
	t->chal_total++;
	tcp_raw_ack(t);
}
