/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of tcp/ share.
 *
 *	tcp.c       connections: table, lookup, connect, close, abort, stopping
 *	tcp_listen.c passive open: SYN queue, cookies, the third segment
 *	tcp_out.c   tcp_send, windows, segments that firmware builds
 *	tcp_in.c    a received segment: checks in the order of RFC 9293 3.10.7
 *	tcp_ack.c   acknowledgements: engine or segment; round trips, congestion window, PDUs
 *	            given back
 *	tcp_rec.c   loss recovery: scoreboard, retransmission
 *	tcp_ooo.c   segments that came too early
 *	tcp_timer.c retransmission, probes, keepalive, waits
 *	tcp_tw.c    TIME_WAIT, answers to segments of no connection
 *	tcp_opt.c   options
 *	tcp_isn.c   sequence numbers, ports, cookies
 *
 * Sequence numbers. Data is [.., snd_una) acknowledged, [snd_una, snd_nxt) given to the transmit
 * engine, [snd_nxt, snd_end) queued. FIN takes snd_end and is not counted in any of them:
 * F_FIN_SENT and F_FIN_ACKED tell. In fast mode (F_FAST) the engine is ahead of snd_una, snd_wnd,
 * rcv_nxt and ts_recent here; tcp_pull and tcp_trap catch up.
 *
 * Slow mode. Frames of one connection that stand one behind the other in the event queue are a run
 * (tcp_input): what they make due (PDUs back, more data, an acknowledgement, fast mode) is done once,
 * at its end. So the queue empties before the peer hears of it, and the engine takes over with
 * nothing left behind it.
 */
#ifndef TCP_INT_H
#define TCP_INT_H

#include "lib/list.h"
#include "tcp/tcp.h"
#include "lib/timer.h"

#define SEQ_LT(a, b) ((int32_t)((a) - (b)) < 0)
#define SEQ_LEQ(a, b) ((int32_t)((a) - (b)) <= 0)
#define SEQ_GT(a, b) ((int32_t)((a) - (b)) > 0)
#define SEQ_GEQ(a, b) ((int32_t)((a) - (b)) >= 0)
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

/* TCP header flags */
#define TH_FIN 0x01
#define TH_SYN 0x02
#define TH_RST 0x04
#define TH_PSH 0x08
#define TH_ACK 0x10

#define TCP_HLEN 20u
#define TS_OPT_LEN 12u
#define HDR_MAX (14u + 60u + 60u) /* Ethernet, IPv4 and TCP at their longest */
#define MSS_DEFAULT 536u
#define MSS_MIN 128u
#define CWND_MAX (1u << 20)
#define PDU_MAX (1u << 24)
#define NOTIFY_NEVER 0x40000000u
#define N_SACK 8   /* ranges remembered of what the peer has */
#define TX_KEEP 8u /* operations left for frames and fences */

enum tcb_flag {
	F_FAST = 1 << 0, /* the engine takes frames */
	F_TS = 1 << 1,
	F_SACK = 1 << 2,
	F_FIN_QUEUED = 1 << 3,
	F_FIN_SENT = 1 << 4,
	F_FIN_ACKED = 1 << 5,
	F_FIN_RCVD = 1 << 6,
	F_FIN_TOLD = 1 << 7, /* remote_closed called */
	F_FIN_SEEN = 1 << 8, /* fin_seq is known (FIN may be out of order) */
	F_PERSIST = 1 << 9,
	F_PROBING = 1 << 10, /* keepalive probe out */
	F_RTT = 1 << 11,     /* rtt_seq, rtt_start are being measured */
	F_ACK_NOW = 1 << 12,
	F_RST_OUT = 1 << 13, /* send RST when the fence is through */
	F_WAIT_FENCE = 1 << 14,
	F_WAIT_STREAM = 1 << 15,
	F_NEED_MAC = 1 << 16, /* SYN waits for ARP */
	F_RESCUED = 1 << 17,  /* rescue retransmission done in this recovery */
	F_RETX_NOW = 1 << 18, /* without SACK: the segment at snd_una is known lost */
	F_HASHED = 1 << 19,
	/* window scale, timestamps, SACK go into the SYN (not after the peer choked on them) */
	F_OFFERED = 1 << 20,
	F_PASSIVE = 1 << 21, /* the peer opened; it has our window already */
	F_DUE = 1 << 22, /* segments were taken whose consequences wait for the end of their run */
	F_URGENT = 1 << 23, /* and should not */
};

enum tcp_recovery { REC_NONE, REC_FAST, REC_LOSS };

struct range {
	uint32_t start, end;
};

struct ooo {
	struct ooo *next;
	uint32_t seq;
	uint16_t len, off, cell;
};

struct tcb {
	/* Normal path */
	uint32_t flags;
	uint32_t snd_una, snd_nxt, snd_end;
	uint32_t snd_wnd, cwnd;
	uint32_t notify; /* copy of the context's notify_seq */
	uint32_t rto_at; /* tick; looked at when the timer fires */
	struct tcp_pdu *head, *unsent, *tail;
	union {
		struct {
			uint8_t state, rec; /* enum tcp_state, enum tcp_recovery */
		};
		uint16_t state_rec;
	};
	uint8_t dupacks, retries;
	uint16_t conn, mss;
	uint32_t mss_recip; /* 2^32 / mss, rounded up */
	uint16_t rto;       /* ticks, backoff included */
	uint16_t retx_busy; /* retransmissions in the transmit queue */
	struct timer rexmt;
	uint32_t ssthresh, acked_bytes;
	uint32_t rtt_seq, rtt_start;
	uint32_t srtt8, rttvar4; /* 1.024 us, scaled by 8 and 4 */

	/* Receiving in slow mode */
	uint32_t rcv_nxt, ts_recent, rcv_wnd, last_ack;
	uint32_t hw_rcv_nxt; /* what the engine has: template segments acknowledge this */
	uint32_t rcv_edge;   /* the window's end, or less: it only moves forward */
	uint32_t snd_wl1, snd_wl2, max_wnd;
	uint32_t fin_seq;
	struct ooo *ooo, *ooo_hint; /* the list; the entry put in last, if it is still there */
	uint32_t ooo_latest;        /* first byte of the latest arrival */
	uint16_t ooo_count;
	uint8_t ooo_told; /* acknowledgements sent for the gap at rcv_nxt */
	uint8_t snd_scale, rcv_scale;

	/* Recovery */
	uint8_t n_sack;
	uint32_t recover, high_rxt, dup_bytes;
	struct range sack[N_SACK];

	/* Rare */
	uint32_t remote_ip, local_ip, next_hop;
	uint16_t remote_port, local_port;
	uint8_t mac[6];
	uint16_t mss_offer, mss_peer; /* without options */
	int16_t err;
	uint8_t ctx_flags, chal_left, keep_left;
	uint8_t held; /* timeouts of a flight that had not left yet */
	uint32_t iss, irs, keep_ticks, chal_tick, wait_until;
	struct timer aux;
	uint32_t segs_out, segs_in, fast_bytes, retransmits, dup_total, rtos, fast_retx, chal_total,
		ooo_total, paws_drops;
};

/* A received segment. cell is NULL'd out (taken) when somebody keeps it. */
struct seg {
	uint32_t src, dst;
	uint16_t sport, dport;
	uint32_t seq, ack;
	uint8_t flags;
	bool taken, have_ts, sack_ok;
	uint16_t wnd, len, off, cell;
	uint16_t mss;
	int8_t wscale; /* -1: none */
	uint8_t n_sack;
	uint32_t tsval, tsecr;
	struct range sack[4];
	uint8_t smac[6];
};

/* A segment that firmware builds. */
struct seg_out {
	const uint8_t *mac;
	uint32_t dst;
	uint16_t sport, dport;
	uint32_t seq, ack;
	uint16_t wnd;
	uint8_t flags, opt_len;
	uint8_t opt[40];
};

extern struct tcp_config tcp_cfg;
extern const struct tcp_user_ops *tcp_ops;
extern struct tcb tcbs[ENG_N_CONN];

static inline struct tcb *tcb_of(uint16_t conn)
{
	struct tcb *t = &tcbs[conn & (ENG_N_CONN - 1)];

	__asm__("" : "+r"(t)); /* one multiplication, not one before each use */
	return t;
}

static inline struct tcp_pdu *pdu_next(const struct tcp_pdu *p)
{
	return p->next ? hal_xram(p->next) : NULL;
}

static inline uint32_t flight(const struct tcb *t)
{
	return t->snd_nxt - t->snd_una;
}

/* Bytes as whole segments, rounded down, without dividing. Exact for windows below 2^32 / mss. */
static inline uint32_t whole_segments(const struct tcb *t, uint32_t bytes)
{
	uint32_t n = (uint32_t)((uint64_t)bytes * t->mss_recip >> 32) * t->mss;

	return n > bytes ? n - t->mss : n;
}

/* Data may be sent or retransmitted in this state. */
static inline bool can_transmit(const struct tcb *t)
{
	return t->state == TCP_ESTABLISHED ||
	       (t->state >= TCP_FIN_WAIT_1 && t->state <= TCP_LAST_ACK &&
		t->state != TCP_FIN_WAIT_2);
}

static inline bool is_sync(const struct tcb *t)
{
	return t->state >= TCP_ESTABLISHED && t->state <= TCP_LAST_ACK;
}

/* tcp.c */
/* Clears t (keeping its number) for a connection with these parameters. */
void tcp_prepare(struct tcb *t, const struct tcp_params *p);
uint16_t tcp_mss_offer(const struct tcp_params *p);
uint32_t tcp_window(const struct tcp_params *p, uint8_t *scale);
bool tcp_hash_room(uint32_t remote_ip, uint16_t remote_port, uint16_t local_port);
bool tcp_hash_add(struct tcb *t);
struct tcb *tcp_lookup(const struct seg *s);
void tcp_established(struct tcb *t);
void tcp_fail(struct tcb *t, int err, bool rst);
void tcp_drain(struct tcb *t);
void tcp_set_mss(struct tcb *t, uint16_t mss);
void tcp_write_ctx(struct tcb *t, uint8_t flags);
void tcp_drained_poll(struct tcb *t);

/* tcp_in.c */
void tcp_take_syn(struct tcb *t, const struct seg *s);
void tcp_segment(struct tcb *t, struct seg *s);

/* tcp_listen.c */
void listen_init(void);
bool listen_on(uint16_t port);
bool listen_input(struct seg *s); /* false: it is for nobody */
uint32_t listen_used(void);

/* tcp_out.c */
bool tx_room(struct tcb *t);
void tcp_output(struct tcb *t);
uint32_t tcp_emit_new(struct tcb *t, uint32_t max);
bool tcp_window_blocked(const struct tcb *t);
void tcp_raw(struct tcb *t, uint8_t flags, uint32_t seq, const uint8_t *opt, uint32_t opt_len);
void tcp_raw_ack(struct tcb *t);
void tcp_send_syn(struct tcb *t);
void tcp_send_fin(struct tcb *t);
void tcp_challenge(struct tcb *t);
void seg_send(const struct seg_out *o);
void tcp_unstall(void);
void tcp_out_init(void);

/* tcp_ack.c */
void tcp_pull(struct tcb *t);
void tcp_trap(struct tcb *t);
void tcp_try_resume(struct tcb *t);
void tcp_sync(struct tcb *t);
void tcp_ack_advance(struct tcb *t, uint32_t una);
void tcp_ack_segment(struct tcb *t, const struct seg *s);
void tcp_window_update(struct tcb *t, uint32_t seq, uint32_t ack, uint32_t wnd);
void tcp_release(struct tcb *t);
void tcp_rearm(struct tcb *t);
void tcp_rto_restart(struct tcb *t);
void tcp_rtt_sample(struct tcb *t, uint32_t us);
uint32_t tcp_rto_base(const struct tcb *t);

/* tcp_rec.c */
bool tcp_sack_update(struct tcb *t, const struct seg *s);
bool tcp_sack_lost(const struct tcb *t);
void tcp_sack_prune(struct tcb *t);
void tcp_enter_fast(struct tcb *t);
void tcp_enter_loss(struct tcb *t);
void tcp_recovery_ack(struct tcb *t, uint32_t acked);
void tcp_recovery_output(struct tcb *t);
uint32_t tcp_retransmit(struct tcb *t, uint32_t seq, uint32_t len);

/* tcp_ooo.c */
void ooo_init(void);
void ooo_insert(struct tcb *t, struct seg *s);
void ooo_deliver(struct tcb *t);
void ooo_free_all(struct tcb *t);
uint32_t ooo_blocks(const struct tcb *t, struct range *r, uint32_t max);
uint32_t ooo_used(void);

/* tcp_timer.c */
void tcp_timers_setup(struct tcb *t);
void tcp_aux_schedule(struct tcb *t);
void tcp_alive(struct tcb *t);

/* tcp_tw.c */
void tw_init(void);
void tw_add(const struct tcb *t);
bool tw_in_use(uint32_t remote_ip, uint16_t local_port, uint16_t remote_port);
void tw_drop(uint32_t remote_ip, uint16_t local_port, uint16_t remote_port);
/* A SYN for a tuple in TIME_WAIT opens anew if it is later; *iss moves beyond the old numbers. */
bool tw_reopen(const struct seg *s, uint32_t *iss);
bool tcp_answerable(const struct seg *s); /* comes from somebody we may answer */
bool tcp_may_answer(void);                /* limits answers to what belongs to no connection */
void tcp_stray(const struct seg *s);      /* no connection knows it */
uint32_t tw_used(void);

/* tcp_opt.c */
bool opt_parse(struct seg *s, const uint8_t *p, uint32_t len); /* false: malformed */
uint32_t opt_ts(uint8_t *p, uint32_t tsecr);
struct syn_opts {
	uint16_t mss;
	int8_t wscale; /* -1: none */
	bool sack, ts;
	uint32_t tsval, tsecr;
};
uint32_t opt_syn(uint8_t *p, const struct syn_opts *o);
uint32_t opt_sack(uint8_t *p, const struct range *r, uint32_t n);

/* tcp_isn.c */
#define COOKIE_DATA 7u /* bits of a cookie that carry something */
void isn_init(void);
uint32_t tcp_isn(uint32_t remote_ip, uint16_t local_port, uint16_t remote_port);
uint32_t tcp_cookie(const struct seg *s, uint32_t seq, uint32_t period, uint32_t data);
uint16_t tcp_pick_port(uint32_t remote_ip, uint16_t remote_port, uint32_t attempt);

#endif
