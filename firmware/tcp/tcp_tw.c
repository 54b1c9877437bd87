/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TIME_WAIT outlives its connection in a small table, so that the queue pair is free at once; when
 * the table is full the oldest entry goes. Also the answers to segments that belong to no
 * connection.
 */
#include <string.h>

#include "net/net.h"
#include "tcp/tcp_int.h"

#define ENTRIES 64
#define ANSWERS 20u /* RSTs and TIME_WAIT ACKs per second */

struct tw {
	struct timer timer;
	uint32_t remote_ip, snd_nxt, rcv_nxt, ts_recent;
	uint16_t remote_port, local_port;
	bool used, ts;
};

static struct tw table[ENTRIES];
static uint32_t answer_tick, answers_left;

static void expired(struct timer *timer)
{
	list_entry(timer, struct tw, timer)->used = false;
}

void tw_init(void)
{
	memset(table, 0, sizeof(table));
	for (struct tw *w = table; w < table + ENTRIES; w++)
		timer_setup(&w->timer, expired);
	answer_tick = clk_now();
	answers_left = ANSWERS;
}

uint32_t tw_used(void)
{
	uint32_t n = 0;

	for (struct tw *w = table; w < table + ENTRIES; w++)
		n += w->used;
	return n;
}

static struct tw *find(uint32_t remote_ip, uint16_t local_port, uint16_t remote_port)
{
	for (struct tw *w = table; w < table + ENTRIES; w++)
		if (w->used && w->remote_ip == remote_ip && w->local_port == local_port &&
		    w->remote_port == remote_port)
			return w;
	return NULL;
}

static struct tw *take(void)
{
	struct tw *oldest = table;

	for (struct tw *w = table; w < table + ENTRIES; w++) {
		if (!w->used)
			return w;
		if (SEQ_LT(w->timer.expiry, oldest->timer.expiry))
			oldest = w;
	}
	return oldest;
}

void tw_add(const struct tcb *t)
{
	struct tw *w = take();

	w->used = true;
	w->ts = t->flags & F_TS;
	w->remote_ip = t->remote_ip;
	w->remote_port = t->remote_port;
	w->local_port = t->local_port;
	w->snd_nxt = t->snd_end + 1;
	w->rcv_nxt = t->rcv_nxt;
	w->ts_recent = t->ts_recent;
	timer_set(&w->timer, clk_now() + clk_ms(tcp_cfg.msl2_ms));
}

bool tw_in_use(uint32_t remote_ip, uint16_t local_port, uint16_t remote_port)
{
	return find(remote_ip, local_port, remote_port);
}

void tw_drop(uint32_t remote_ip, uint16_t local_port, uint16_t remote_port)
{
	struct tw *w = find(remote_ip, local_port, remote_port);

	if (!w)
		return;
	timer_cancel(&w->timer);
	w->used = false;
}

/*
 * RFC 6191: timestamps tell, or, without them, sequence numbers. What we shall number begins beyond
 * what the earlier connection used: it may have sent faster than the clock of the ISN runs.
 */
bool tw_reopen(const struct seg *s, uint32_t *iss)
{
	struct tw *w = find(s->src, s->dport, s->sport);
	bool later = SEQ_GT(s->seq, w->rcv_nxt);

	if (w->ts && s->have_ts && s->tsval != w->ts_recent)
		later = SEQ_GT(s->tsval, w->ts_recent);
	if (later && SEQ_LEQ(*iss, w->snd_nxt))
		*iss = w->snd_nxt + 0x10001;
	return later;
}

bool tcp_may_answer(void)
{
	uint32_t now = clk_now();

	if (now - answer_tick > clk_ms(1000)) {
		answer_tick = now;
		answers_left = ANSWERS;
	}
	if (!answers_left)
		return false;
	answers_left--;
	return true;
}

static void answer_tw(struct tw *w, const struct seg *s)
{
	struct seg_out o = {
		.mac = s->smac,
		.dst = s->src,
		.sport = s->dport,
		.dport = s->sport,
		.seq = w->snd_nxt,
		.ack = w->rcv_nxt,
		.wnd = 0xffff,
		.flags = TH_ACK,
	};

	/*
	 * RFC 1337: a RST does not end TIME_WAIT. Pure acknowledgements of our number are the
	 * peer's last word.
	 */
	if ((s->flags & TH_RST) ||
	    (!s->len && !(s->flags & (TH_SYN | TH_FIN)) && s->seq == w->rcv_nxt))
		return;
	if (s->flags & TH_FIN)
		timer_set(&w->timer, clk_now() + clk_ms(tcp_cfg.msl2_ms));
	if (!tcp_may_answer())
		return;
	if (w->ts)
		o.opt_len = (uint8_t)opt_ts(o.opt, w->ts_recent);
	seg_send(&o);
}

bool tcp_answerable(const struct seg *s)
{
	return s->dst == net_port.ip && net_unicast(s->src) && s->src != net_port.ip &&
	       !(s->smac[0] & 1);
}

void tcp_stray(const struct seg *s)
{
	struct tw *w = find(s->src, s->dport, s->sport);
	struct seg_out o = {
		.mac = s->smac,
		.dst = s->src,
		.sport = s->dport,
		.dport = s->sport,
		.flags = TH_RST,
	};

	net_drops.tcp_no_conn++;
	if (!tcp_answerable(s))
		return;
	if (w) {
		answer_tw(w, s);
		return;
	}
	if ((s->flags & TH_RST) || !tcp_may_answer())
		return;
	if (s->flags & TH_ACK) {
		o.seq = s->ack;
	} else {
		o.flags |= TH_ACK;
		o.ack = s->seq + s->len + !!(s->flags & TH_SYN) + !!(s->flags & TH_FIN);
	}
	seg_send(&o);
}
