/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of connections: lookup, opening, closing, and the way out that ends with closed(). */
#include "tcp/tcp.h"

#include <string.h>

#include "net/arp.h"
#include "lib/bytes.h"
#include "lib/err.h"
#include "net/frame.h"
#include "lib/log.h"
#include "net/net.h"
#include "tcp/tcp_int.h"

#define HASH_PROBES 4u
#define HASH_VALID 0x80000000u
#define PORT_TRIES 64u
#define RCV_WND_DEFAULT 0x20000u
#define RCV_WND_MIN 4096u
#define RTO_INITIAL_MS 1000u
#define STREAM_WAITS 1u /* conn_state.mode: a header waits for the user's answer */

struct tcp_config tcp_cfg;
const struct tcp_user_ops *tcp_ops;
struct tcb tcbs[ENG_N_CONN];

static uint32_t hash_of(uint32_t remote_ip, uint16_t remote_port, uint16_t local_port)
{
	uint32_t x = remote_ip ^ ((uint32_t)remote_port << 16 | local_port);

	return x ^ x >> 10 ^ x >> 20;
}

static struct tcb *find(uint32_t remote_ip, uint16_t remote_port, uint16_t local_port)
{
	uint32_t h = hash_of(remote_ip, remote_port, local_port);

	for (uint32_t i = 0; i < HASH_PROBES; i++) {
		uint32_t e = hal_hash_get((h + i) & (ENG_HASH_SIZE - 1));
		struct tcb *t = tcb_of((uint16_t)e);

		if ((e & HASH_VALID) && (t->flags & F_HASHED) && t->remote_ip == remote_ip &&
		    t->remote_port == remote_port && t->local_port == local_port)
			return t;
	}
	return NULL;
}

struct tcb *tcp_lookup(const struct seg *s)
{
	return find(s->src, s->sport, s->dport);
}

/* Where a tuple may stand: a free word of the table, or ENG_HASH_SIZE. */
static uint32_t hash_slot(uint32_t remote_ip, uint16_t remote_port, uint16_t local_port)
{
	uint32_t h = hash_of(remote_ip, remote_port, local_port);

	for (uint32_t i = 0; i < HASH_PROBES; i++) {
		uint32_t at = (h + i) & (ENG_HASH_SIZE - 1);

		if (!(hal_hash_get(at) & HASH_VALID))
			return at;
	}
	return ENG_HASH_SIZE;
}

bool tcp_hash_room(uint32_t remote_ip, uint16_t remote_port, uint16_t local_port)
{
	return hash_slot(remote_ip, remote_port, local_port) < ENG_HASH_SIZE;
}

bool tcp_hash_add(struct tcb *t)
{
	uint32_t at = hash_slot(t->remote_ip, t->remote_port, t->local_port);

	if (at == ENG_HASH_SIZE)
		return false;
	hal_hash_set(at, HASH_VALID | t->conn);
	t->flags |= F_HASHED;
	return true;
}

static void hash_del(struct tcb *t)
{
	uint32_t h = hash_of(t->remote_ip, t->remote_port, t->local_port);

	if (!(t->flags & F_HASHED))
		return;
	t->flags &= ~(uint32_t)F_HASHED;
	for (uint32_t i = 0; i < HASH_PROBES; i++) {
		uint32_t at = (h + i) & (ENG_HASH_SIZE - 1);

		if (hal_hash_get(at) == (HASH_VALID | t->conn))
			hal_hash_set(at, 0);
	}
}

/* The context takes 32-bit writes only. Word 3 holds the flags; VALID goes first and comes last. */
#define CTX_WORD3 (offsetof(struct eng_conn_ctx, flags) / 4)

void tcp_write_ctx(struct tcb *t, uint8_t flags)
{
	volatile uint32_t *ctx = (volatile uint32_t *)(void *)hal_conn_ctx(t->conn);
	union {
		struct eng_conn_ctx c;
		uint32_t w[sizeof(struct eng_conn_ctx) / 4];
	} u;
	uint8_t *tcp = u.c.tmpl + ETH_HLEN + IP_HLEN;

	memset(&u, 0, sizeof(u));
	u.c.remote_ip = t->remote_ip;
	u.c.local_ip = t->local_ip;
	u.c.local_port = t->local_port;
	u.c.remote_port = t->remote_port;
	u.c.snd_scale = t->snd_scale;
	u.c.rcv_scale = t->rcv_scale;
	u.c.tmpl_len = t->flags & F_TS ? 66 : 54;
	u.c.rcv_wnd = t->rcv_wnd;
	u.c.mss = t->mss;
	u.c.ack_bytes = (uint16_t)(2 * (t->mss_offer - (t->flags & F_TS ? TS_OPT_LEN : 0)));
	u.c.notify_seq = t->notify;
	net_build(u.c.tmpl, t->mac, t->remote_ip, IP_PROTO_TCP, TCP_HLEN);
	put_be16(tcp, t->local_port);
	put_be16(tcp + 2, t->remote_port);
	/* what an acknowledgement carries before any data was sent */
	put_be32(tcp + 4, t->snd_nxt);
	tcp[12] = t->flags & F_TS ? 8 << 4 : 5 << 4;
	tcp[13] = TH_ACK;
	opt_ts(tcp + TCP_HLEN, 0);
	ctx[CTX_WORD3] = 0;
	for (uint32_t i = 0; i < sizeof(u.w) / 4; i++)
		ctx[i] = u.w[i];
	t->ctx_flags = flags;
	u.c.flags = flags;
	ctx[CTX_WORD3] = u.w[CTX_WORD3];
}

static void ctx_flags(struct tcb *t, uint8_t flags)
{
	volatile uint32_t *w = (volatile uint32_t *)(void *)hal_conn_ctx(t->conn) + CTX_WORD3;

	t->ctx_flags = flags;
	*w = (*w & ~0xffu) | flags;
}

void tcp_stream_flags(uint16_t conn, uint8_t cf)
{
	struct tcb *t = tcb_of(conn);

	ctx_flags(t, (uint8_t)((t->ctx_flags & ~ENG_CF_HDGST) | (cf & ENG_CF_HDGST)));
}

void tcp_init(const struct tcp_user_ops *ops, const struct tcp_config *cfg)
{
	static const struct tcp_config none;

	tcp_ops = ops;
	tcp_cfg = cfg ? *cfg : none;
	tcp_cfg.rto_min_ms = tcp_cfg.rto_min_ms ? tcp_cfg.rto_min_ms : 200;
	tcp_cfg.msl2_ms = tcp_cfg.msl2_ms ? tcp_cfg.msl2_ms : 1000;
	tcp_cfg.fin_wait2_ms = tcp_cfg.fin_wait2_ms ? tcp_cfg.fin_wait2_ms : 10000;
	tcp_cfg.max_retries = tcp_cfg.max_retries ? tcp_cfg.max_retries : 12;
	tcp_cfg.syn_retries = tcp_cfg.syn_retries ? tcp_cfg.syn_retries : 6;
	memset(tcbs, 0, sizeof(tcbs));
	for (uint32_t i = 0; i < ENG_HASH_SIZE; i++)
		hal_hash_set(i, 0);
	for (uint16_t i = 0; i < ENG_N_CONN; i++) {
		tcbs[i].conn = i;
		tcp_timers_setup(&tcbs[i]);
	}
	isn_init();
	tcp_out_init();
	ooo_init();
	tw_init();
	listen_init();
}

static int take_port(struct tcb *t, uint16_t wanted)
{
	for (uint32_t i = 0; i < (wanted ? 1 : PORT_TRIES); i++) {
		t->local_port = wanted ? wanted : tcp_pick_port(t->remote_ip, t->remote_port, i);
		if (find(t->remote_ip, t->remote_port, t->local_port) || listen_on(t->local_port))
			continue;
		/*
		 * A number that the caller insists on may follow its own TIME_WAIT: the new ISN is
		 * beyond the old numbers.
		 */
		if (wanted)
			tw_drop(t->remote_ip, t->local_port, t->remote_port);
		else if (tw_in_use(t->remote_ip, t->local_port, t->remote_port))
			continue;
		if (tcp_hash_add(t))
			return 0;
		if (wanted)
			return -EAGAIN;
	}
	return -EADDRINUSE;
}

uint16_t tcp_mss_offer(const struct tcp_params *p)
{
	uint16_t mss = (uint16_t)(net_port.mtu - IP_HLEN - TCP_HLEN);

	return p->mss_limit && p->mss_limit < mss ? MAX(p->mss_limit, MSS_MIN) : mss;
}

uint32_t tcp_window(const struct tcp_params *p, uint8_t *scale)
{
	uint32_t wnd = p->rcv_wnd ? MAX(p->rcv_wnd, RCV_WND_MIN) : RCV_WND_DEFAULT;

	wnd = MIN(wnd, ENG_PKT_CELLS * ENG_PKT_CELL);
	*scale = 0;
	while (wnd >> *scale > 0xffff)
		++*scale;
	return wnd & ~((1u << *scale) - 1);
}

static void set_params(struct tcb *t, const struct tcp_params *p)
{
	t->remote_ip = p->remote_ip;
	t->local_ip = net_port.ip;
	t->next_hop = net_next_hop(p->remote_ip);
	t->remote_port = p->remote_port;
	t->mss_offer = tcp_mss_offer(p);
	t->mss_peer = MSS_DEFAULT;
	t->ctx_flags = p->stream_flags & ENG_CF_HDGST;
	t->rcv_wnd = tcp_window(p, &t->rcv_scale);
	t->keep_ticks = p->keepalive_ms ? clk_ms(p->keepalive_ms) : 0;
	t->rto = (uint16_t)clk_ms(RTO_INITIAL_MS);
	t->ssthresh = CWND_MAX;
	t->flags = F_OFFERED;
}

void tcp_prepare(struct tcb *t, const struct tcp_params *p)
{
	uint16_t conn = t->conn;

	memset(t, 0, sizeof(*t));
	t->conn = conn;
	tcp_timers_setup(t);
	set_params(t, p);
}

int tcp_connect(uint16_t conn, const struct tcp_params *p)
{
	struct tcb *t = tcb_of(conn);
	int ret;

	if (!conn || conn >= ENG_N_CONN || !p->remote_port || !net_unicast(p->remote_ip) ||
	    p->remote_ip == net_port.ip)
		return -EINVAL;
	if (t->state != TCP_CLOSED)
		return -EISCONN;
	if (!net_port.ip || (p->local_ip && p->local_ip != net_port.ip))
		return -ENETDOWN;
	if (!net_next_hop(p->remote_ip))
		return -EHOSTUNREACH;
	tcp_prepare(t, p);
	ret = take_port(t, p->local_port);
	if (ret)
		return ret;
	t->iss = tcp_isn(t->remote_ip, t->local_port, t->remote_port);
	t->snd_una = t->iss;
	t->snd_nxt = t->snd_end = t->iss + 1;
	t->state = TCP_SYN_SENT;
	tcp_write_ctx(t, t->ctx_flags);
	if (arp_resolve(t->next_hop, t->mac))
		t->flags |= F_NEED_MAC;
	else
		tcp_send_syn(t);
	tcp_rto_restart(t);
	return 0;
}

void tcp_set_mss(struct tcb *t, uint16_t mss)
{
	uint32_t n = MIN(mss, MIN(t->mss_peer, t->mss_offer));

	n = MAX(n, MSS_MIN) - (t->flags & F_TS ? TS_OPT_LEN : 0);
	t->mss = (uint16_t)n;
	t->mss_recip = 0xffffffffu / n + 1;
}

/* The handshake is done; t holds what both SYNs said. RFC 6928 initial window. */
void tcp_established(struct tcb *t)
{
	t->state = TCP_ESTABLISHED;
	t->snd_una = t->iss + 1;
	t->retries = 0;
	tcp_set_mss(t, 0xffff);
	t->cwnd = MIN(10u * t->mss, MAX(2u * t->mss, 14600u));
	t->notify = t->snd_una + NOTIFY_NEVER;
	t->last_ack = t->rcv_edge = t->rcv_nxt;
	t->recover = t->iss;
	if (!t->srtt8)
		t->rto = (uint16_t)clk_ms(RTO_INITIAL_MS);
	tcp_write_ctx(t, t->ctx_flags | ENG_CF_VALID | (t->flags & F_TS ? ENG_CF_TS : 0));
	hal_rx_cmd(t->conn, ENG_RXC_STREAM_RESET);
	timer_cancel(&t->rexmt);
	/* The engine must know rcv_nxt before the user's first segment leaves. */
	tcp_try_resume(t);
	if (!(t->flags & F_PASSIVE))
		hal_tx_ack(t->conn);
	tcp_alive(t);
	tcp_ops->connected(t->conn);
}

int tcp_close(uint16_t conn)
{
	struct tcb *t = tcb_of(conn);

	if (t->state == TCP_SYN_SENT || t->state == TCP_SYN_RCVD) {
		tcp_fail(t, 0, t->state == TCP_SYN_RCVD);
		return 0;
	}
	if (!is_sync(t) || (t->flags & F_FIN_QUEUED))
		return -ENOTCONN;
	/*
	 * All that follows wants firmware: FIN goes out by hand, its acknowledgement is none the
	 * engine knows.
	 */
	tcp_trap(t);
	t->flags |= F_FIN_QUEUED;
	t->state = t->state == TCP_CLOSE_WAIT ? TCP_LAST_ACK : TCP_FIN_WAIT_1;
	tcp_output(t);
	return 0;
}

void tcp_abort(uint16_t conn, int err)
{
	struct tcb *t = tcb_of(conn);

	if (t->state == TCP_CLOSED || t->state == TCP_STOPPING)
		return;
	tcp_fail(t, err, t->state != TCP_SYN_SENT && t->state != TCP_DRAIN);
}

/*
 * The last leg: the lookup forgets the connection, then the transmit queue and the stream engine
 * are told to drop what they hold. Both answer with an event; closed() waits for both.
 */
void tcp_fail(struct tcb *t, int err, bool rst)
{
	hash_del(t);
	t->state = TCP_STOPPING;
	t->err = (int16_t)err;
	t->flags |= F_WAIT_FENCE | F_WAIT_STREAM | (rst ? F_RST_OUT : 0);
	t->flags &= ~(uint32_t)F_FAST;
	ctx_flags(t, t->ctx_flags & (uint8_t)~ENG_CF_VALID);
	timer_cancel(&t->rexmt);
	timer_cancel(&t->aux);
	ooo_free_all(t);
	t->head = t->unsent = t->tail = NULL;
	hal_tx_kill(t->conn, true);
	hal_tx(t->conn, hal_xram(FRAME_FENCE_KILL), 0, 0, 0, ENG_TXF_FENCE | ENG_TXF_DONE);
	hal_rx_cmd(t->conn, ENG_RXC_STREAM_STOP);
}

static void finish(struct tcb *t)
{
	if (t->flags & (F_WAIT_FENCE | F_WAIT_STREAM))
		return;
	t->state = TCP_CLOSED;
	tcp_ops->closed(t->conn, t->err);
}

/*
 * RST with the number after the last byte that really left: what the peer expects if nothing was
 * lost.
 */
static void send_rst(struct tcb *t)
{
	struct eng_conn_state st;
	uint32_t seq;

	hal_conn_state(t->conn, &st);
	seq = st.snd_max;
	if (SEQ_LT(seq, t->snd_una) || SEQ_GT(seq, t->snd_nxt))
		seq = t->snd_una;
	if (t->flags & F_FIN_SENT)
		seq = t->snd_end + 1;
	tcp_raw(t, TH_RST | TH_ACK, seq, NULL, 0);
}

static void fence_done(struct tcb *t)
{
	if (t->state != TCP_STOPPING || !(t->flags & F_WAIT_FENCE))
		return;
	t->flags &= ~(uint32_t)F_WAIT_FENCE;
	hal_tx_kill(t->conn, false);
	if (t->flags & F_RST_OUT)
		send_rst(t);
	finish(t);
}

void tcp_stopped(uint16_t conn)
{
	struct tcb *t = tcb_of(conn);

	if (t->state != TCP_STOPPING || !(t->flags & F_WAIT_STREAM))
		return;
	t->flags &= ~(uint32_t)F_WAIT_STREAM;
	finish(t);
}

void tcp_txdone(const struct hal_event *ev)
{
	struct tcb *t = tcb_of(ev->id);

	if (ev->w1 == FRAME_FENCE_ROOM) {
		tcp_unstall();
	} else if (ev->w1 == FRAME_FENCE_KILL) {
		fence_done(t);
	} else if (t->state == TCP_STOPPING || t->state == TCP_CLOSED) {
		return;
	} else if (ev->flags & 1) {
		log_limited("tcp %u: host memory failed while sending", t->conn);
		tcp_fail(t, -EFAULT, true);
	} else if (t->retx_busy && --t->retx_busy == 0) {
		tcp_release(t);
	}
}

/*
 * The stream has used up all it was given, and no header waits for an answer. Looked at twice: when
 * the last byte is gone the stream engine may need a moment to find that a header is complete.
 */
static bool drained(const struct tcb *t)
{
	struct eng_conn_state st;

	for (int look = 0; look < 2; look++) {
		hal_conn_state(t->conn, &st);
		if (st.pending || (st.mode >> 4 & 15) == STREAM_WAITS)
			return false;
	}
	return true;
}

/*
 * Tells the user about the peer's FIN once everything before it has been used up; ends what only
 * waited for that.
 */
void tcp_drained_poll(struct tcb *t)
{
	if (!(t->flags & F_FIN_RCVD) || t->state == TCP_STOPPING || t->state == TCP_CLOSED ||
	    !drained(t))
		return;
	if (!(t->flags & F_FIN_TOLD)) {
		t->flags |= F_FIN_TOLD;
		tcp_ops->remote_closed(t->conn);
	}
	if (t->state == TCP_DRAIN)
		tcp_fail(t, 0, false);
}

/* Both directions are closed. */
void tcp_drain(struct tcb *t)
{
	hash_del(t);
	ctx_flags(t, t->ctx_flags & (uint8_t)~ENG_CF_VALID);
	timer_cancel(&t->rexmt);
	t->state = TCP_DRAIN;
	t->wait_until = clk_now() + clk_ms(tcp_cfg.fin_wait2_ms);
	tcp_aux_schedule(t);
}

void tcp_neighbour(uint32_t next_hop, const uint8_t mac[6])
{
	for (struct tcb *t = tcbs + 1; t < tcbs + ENG_N_CONN; t++) {
		if (t->state == TCP_CLOSED || t->state == TCP_STOPPING || t->next_hop != next_hop)
			continue;
		if (!mac) {
			if (t->flags & F_NEED_MAC)
				tcp_fail(t, -EHOSTUNREACH, false);
			continue;
		}
		if (!(t->flags & F_NEED_MAC) && !memcmp(t->mac, mac, 6))
			continue;
		memcpy(t->mac, mac, 6);
		if (t->flags & F_NEED_MAC) {
			t->flags &= ~(uint32_t)F_NEED_MAC;
			tcp_send_syn(t);
			tcp_rto_restart(t);
		} else {
			tcp_trap(t);
			tcp_write_ctx(t, t->ctx_flags);
			tcp_try_resume(t);
		}
	}
}

/*
 * RFC 5927: believed only about a segment that is in flight; hard errors end nothing but an attempt
 * to connect.
 */
void tcp_unreachable(const struct tcp_unreach *u)
{
	struct tcb *t = find(u->remote_ip, u->remote_port, u->local_port);
	uint16_t mss;

	if (!t || t->state == TCP_STOPPING || SEQ_LT(u->seq, t->snd_una) ||
	    SEQ_GEQ(u->seq, t->snd_nxt))
		return;
	if (t->state == TCP_SYN_SENT) {
		if (u->code == 2 || u->code == 3)
			tcp_fail(t, -ECONNREFUSED, false);
		return;
	}
	if (u->code != 4 || !is_sync(t) || u->mtu < 576 || u->mtu >= net_port.mtu)
		return;
	mss = (uint16_t)(u->mtu - IP_HLEN - TCP_HLEN);
	if (mss - (t->flags & F_TS ? TS_OPT_LEN : 0) >= t->mss)
		return;
	tcp_trap(t);
	tcp_set_mss(t, mss);
	tcp_write_ctx(t, t->ctx_flags);
	if (flight(t))
		tcp_enter_loss(t);
	tcp_output(t);
	tcp_try_resume(t);
}

void tcp_set_keepalive(uint16_t conn, uint32_t ms)
{
	struct tcb *t = tcb_of(conn);

	t->keep_ticks = ms ? clk_ms(ms) : 0;
	timer_cancel(&t->aux); /* it may be set for later */
	tcp_aux_schedule(t);
}

uint32_t tcp_remote_ip(uint16_t conn)
{
	return tcb_of(conn)->remote_ip;
}

uint16_t tcp_remote_port(uint16_t conn)
{
	return tcb_of(conn)->remote_port;
}

uint16_t tcp_local_port(uint16_t conn)
{
	return tcb_of(conn)->local_port;
}

enum tcp_state tcp_state(uint16_t conn)
{
	return tcb_of(conn)->state;
}

void tcp_get_stats(uint16_t conn, struct tcp_stats *st)
{
	const struct tcb *t = tcb_of(conn);
	uint32_t fast = t->fast_bytes;
	struct eng_conn_state es;

	if (t->flags & F_FAST) { /* taken since it resumed */
		hal_conn_state(conn, &es);
		fast += es.rcv_nxt - t->rcv_nxt;
	}
	*st = (struct tcp_stats){
		.state = t->state,
		.segs_out = t->segs_out,
		.segs_in = t->segs_in + (uint32_t)((uint64_t)fast * t->mss_recip >> 32),
		.retransmits = t->retransmits,
		.dup_acks = t->dup_total,
		.rtos = t->rtos,
		.fast_retransmits = t->fast_retx,
		.srtt_us = t->srtt8 >> 3,
		.cwnd = t->cwnd,
		.ssthresh = t->ssthresh,
		.mss = t->mss,
		.challenge_acks = t->chal_total,
		.ooo_segs = t->ooo_total,
		.paws_drops = t->paws_drops,
	};
}

bool tcp_idle(void)
{
	for (struct tcb *t = tcbs; t < tcbs + ENG_N_CONN; t++)
		if (t->state != TCP_CLOSED || timer_pending(&t->rexmt) || timer_pending(&t->aux) ||
		    t->ooo)
			return false;
	for (uint32_t i = 0; i < ENG_HASH_SIZE; i++)
		if (hal_hash_get(i))
			return false;
	return !ooo_used() && !tw_used() && !listen_used();
}
