/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Exchanges of link services (FC-LS) and of the fabric's services (FC-GS): requests that we send
 * and what answers them; replies to what others ask. Each is a single-frame sequence each way.
 *
 * An exchange id is F800h, a generation and the place in the table, so that an answer that comes
 * after its exchange was given up, or to another that has the place now, is seen as such: no
 * quarantine is needed.
 *
 *	OPEN -- answer --> free, done(ELS_DONE, ELS_REFUSED)
 *	OPEN -- timeout --> ABTS, done(ELS_TIMEOUT), ABORTING -- BA_ACC, BA_RJT, R_A_TOV --> free
 *	UNSENT -- at once --> free, done(ELS_UNSENT)
 */
#include "fc/fc_int.h"

#include <string.h>

#define N_XCHG 64u
#define GENERATIONS 31u /* the 32nd would reach FFFFh */
#define N_HELD 8u       /* frames that wait for room in the transmit queue */
#define HELD_MS 2u

enum xchg_state { X_FREE, X_OPEN, X_UNSENT, X_ABORTING };

struct xchg {
	struct timer timer;
	els_fn *done;
	uint32_t arg, s_id, d_id;
	uint8_t state, gen, seq_id;
	bool ct;
};

struct held {
	struct fc_hdr hdr;
	uint32_t len;
	uint8_t payload[ELS_SEND_MAX];
};

static struct xchg table[N_XCHG];
static uint32_t next_place;
static struct held held[N_HELD];
static uint32_t held_count;
static struct timer held_timer;
static uint8_t next_seq_id;

static uint16_t xid_of(const struct xchg *x)
{
	return (uint16_t)(FC_XID_OWN | (uint32_t)x->gen << 6 | (uint32_t)(x - table));
}

static struct xchg *by_xid(uint16_t xid)
{
	struct xchg *x = &table[xid % N_XCHG];

	return xid >= FC_XID_OWN && x->state != X_FREE && xid_of(x) == xid ? x : NULL;
}

static void release(struct xchg *x)
{
	timer_cancel(&x->timer);
	x->state = X_FREE;
	x->done = NULL;
	x->gen = (uint8_t)((x->gen + 1) % GENERATIONS);
}

/* The exchange ends; who waited for it may send anew from inside done. */
static void finish(struct xchg *x, const struct els_answer *a)
{
	els_fn *done = x->done;
	uint32_t arg = x->arg;

	release(x);
	if (done)
		done(arg, a);
}

/* In order behind what waits already: a PRLI must not overtake the LS_ACC of PLOGI. */
static bool send_or_hold(const struct fc_hdr *h, const uint8_t *payload, uint32_t len)
{
	struct held *e = &held[held_count];

	if (!held_count && fc_send(h, payload, len))
		return true;
	if (held_count == N_HELD || len > ELS_SEND_MAX)
		return false;
	e->hdr = *h;
	e->len = len;
	if (len)
		memcpy(e->payload, payload, len);
	if (!held_count++)
		timer_set(&held_timer, clk_now() + clk_ms(HELD_MS));
	return true;
}

static void send_abts(const struct xchg *x)
{
	const struct fc_hdr h = { .r_ctl = RCTL_ABTS,
				  .type = TYPE_BLS,
				  .seq_id = x->seq_id,
				  .seq_cnt = 1,
				  .ox_id = xid_of(x),
				  .rx_id = FC_XID_NONE,
				  .d_id = x->d_id,
				  .s_id = x->s_id,
				  .f_ctl = FCTL_ABTS };

	if (send_or_hold(&h, NULL, 0))
		port_counters.aborts_sent++;
}

static void expired(struct timer *t)
{
	struct xchg *x = list_entry(&t->node, struct xchg, timer.node);
	struct els_answer a = { .result = x->state == X_UNSENT ? ELS_UNSENT : ELS_TIMEOUT };

	els_fn *done = x->done;
	uint32_t arg = x->arg;

	if (x->state != X_OPEN || !x->s_id) { /* before a login there is no address to abort from */
		finish(x, &a);
		return;
	}
	send_abts(x);
	x->state = X_ABORTING;
	x->done = NULL;
	timer_set(&x->timer, clk_now() + clk_ms(fc_port.r_a_tov_ms));
	if (done)
		done(arg, &a);
}

static void send_held(struct timer *t)
{
	uint32_t n = 0;

	while (n < held_count && fc_send(&held[n].hdr, held[n].payload, held[n].len))
		n++;
	held_count -= n;
	memmove(held, held + n, held_count * sizeof(held[0]));
	if (held_count)
		timer_set(t, clk_now() + clk_ms(HELD_MS));
}

void els_init(void)
{
	for (struct xchg *x = table; x < table + N_XCHG; x++) {
		memset(x, 0, sizeof(*x));
		timer_setup(&x->timer, expired);
	}
	timer_setup(&held_timer, send_held);
	held_count = 0;
	next_place = 0;
}

void els_reset(void)
{
	for (struct xchg *x = table; x < table + N_XCHG; x++)
		if (x->state != X_FREE)
			release(x);
	timer_cancel(&held_timer);
	held_count = 0;
}

uint32_t els_in_use(void)
{
	uint32_t n = 0;

	for (struct xchg *x = table; x < table + N_XCHG; x++)
		n += x->state != X_FREE;
	return n;
}

/* Round robin, so that an id comes back as late as possible. */
static struct xchg *take(void)
{
	for (uint32_t i = 0; i < N_XCHG; i++) {
		struct xchg *x = &table[next_place++ % N_XCHG];

		if (x->state == X_FREE)
			return x;
	}
	return NULL;
}

uint16_t els_send(const struct els_request *r)
{
	struct xchg *x = take();
	struct fc_hdr h = { .r_ctl = r->ct ? RCTL_CT_REQ : RCTL_ELS_REQ,
			    .type = r->ct ? TYPE_CT : TYPE_ELS,
			    .rx_id = FC_XID_NONE,
			    .d_id = r->d_id,
			    .s_id = fc_port.port_id,
			    .f_ctl = FCTL_REQUEST };

	if (!x)
		return FC_XID_NONE;
	x->done = r->done;
	x->arg = r->arg;
	x->ct = r->ct;
	x->d_id = r->d_id;
	x->s_id = fc_port.port_id;
	x->seq_id = next_seq_id++;
	h.ox_id = xid_of(x);
	h.seq_id = x->seq_id;
	if (send_or_hold(&h, r->payload, r->len)) {
		x->state = X_OPEN;
		port_counters.exchanges++;
		timer_set(&x->timer, clk_now() + clk_ms(r->timeout_ms));
	} else {
		x->state = X_UNSENT;
		timer_set(&x->timer, clk_now() + clk_ms(HELD_MS));
	}
	return xid_of(x);
}

/* A request that has not left yet is not sent any more: a late FLOGI would start everything anew. */
static void take_back(uint16_t xid)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < held_count; i++) {
		const struct fc_hdr *h = &held[i].hdr;

		if (h->ox_id != xid || (h->f_ctl & FCTL_EX_CTX) || h->r_ctl == RCTL_ABTS)
			held[n++] = held[i];
	}
	held_count = n;
}

void els_cancel(uint16_t xid)
{
	struct xchg *x = by_xid(xid);

	if (!x || x->state == X_ABORTING)
		return;
	release(x);
	take_back(xid);
}

/* --- replies ------------------------------------------------------------------------------------ */

static void reply(const struct fc_hdr *rq, uint8_t r_ctl, const uint8_t *payload, uint32_t len)
{
	const struct fc_hdr h = { .r_ctl = r_ctl,
				  .type = rq->type,
				  .seq_id = r_ctl == RCTL_ELS_RSP ? next_seq_id++ : rq->seq_id,
				  .ox_id = rq->ox_id,
				  .rx_id = rq->rx_id,
				  .d_id = rq->s_id,
				  .s_id = rq->d_id,
				  .f_ctl = FCTL_REPLY ^ (rq->f_ctl & FCTL_EX_CTX) };

	(void)send_or_hold(&h, payload, len); /* no: the other side asks again */
}

void els_accept(const struct fc_hdr *request, const uint8_t *payload, uint32_t len)
{
	reply(request, RCTL_ELS_RSP, payload, len);
}

void els_reject(const struct fc_hdr *request, uint8_t reason, uint8_t explan)
{
	const uint8_t p[8] = { ELS_LS_RJT, 0, 0, 0, 0, reason, explan, 0 };

	reply(request, RCTL_ELS_RSP, p, sizeof(p));
}

/* --- what comes ---------------------------------------------------------------------------------- */

static void read_els(struct els_answer *a)
{
	const uint8_t *p = a->payload;

	if (a->len >= 4 && p[0] == ELS_LS_ACC) {
		a->result = ELS_DONE;
	} else if (a->len >= 8 && p[0] == ELS_LS_RJT) {
		a->reason = p[5];
		a->explan = p[6];
	}
}

static void read_ct(struct els_answer *a)
{
	const uint8_t *p = a->payload;

	if (a->len < CT_HEAD)
		return;
	if (get_be16(p + 8) == 0x8002) {
		a->result = ELS_DONE;
		a->payload += CT_HEAD;
		a->len -= CT_HEAD;
		a->total -= CT_HEAD;
	} else if (get_be16(p + 8) == 0x8001) {
		a->reason = p[13];
		a->explan = p[14];
	}
}

static void answered(const struct fc_hdr *h, const uint8_t *payload, uint32_t len, uint32_t total)
{
	struct els_answer a = {
		.result = ELS_REFUSED, .payload = payload, .len = len, .total = total, .hdr = h
	};
	bool ct = h->r_ctl == RCTL_CT_RSP;
	struct xchg *x = by_xid(h->ox_id);

	if (!x || x->state != X_OPEN || x->ct != ct || h->type != (ct ? TYPE_CT : TYPE_ELS) ||
	    !(h->f_ctl & FCTL_EX_CTX) || h->seq_cnt)
		return;
	/* Only before we have an address the other side may have its own view of who answers whom. */
	if (x->s_id && (h->s_id != x->d_id || h->d_id != x->s_id))
		return;
	if (ct)
		read_ct(&a);
	else
		read_els(&a);
	finish(x, &a);
}

static void refuse_abort(const struct fc_hdr *h)
{
	const uint8_t p[4] = { 0, RJT_UNABLE, 0x03, 0 }; /* no such exchange */

	reply(h, RCTL_BA_RJT, p, sizeof(p));
}

/* Our own exchange is aborted by who should have answered it. */
static void aborted(const struct fc_hdr *h)
{
	const struct els_answer a = { .result = ELS_TIMEOUT };
	struct xchg *x = h->f_ctl & FCTL_EX_CTX ? by_xid(h->ox_id) : NULL;
	uint8_t p[12] = { 0 };

	port_counters.aborts_received++;
	if (!x || x->d_id != h->s_id) {
		refuse_abort(h);
		return;
	}
	put_be16(p + 4, h->ox_id);
	put_be16(p + 6, h->rx_id);
	put_be16(p + 10, 0xffff); /* the whole exchange */
	reply(h, RCTL_BA_ACC, p, sizeof(p));
	finish(x, &a);
}

static void basic(const struct fc_hdr *h)
{
	struct xchg *x;

	if (h->r_ctl == RCTL_ABTS) {
		aborted(h);
		return;
	}
	x = by_xid(h->ox_id);
	if (x && x->state == X_ABORTING && h->s_id == x->d_id && (h->f_ctl & FCTL_EX_CTX))
		release(x);
}

void fc_els_input(const struct fc_hdr *h, const uint8_t *payload, uint32_t len, uint32_t total)
{
	if (fc_port.state == WEFT_FCS_OFF)
		return;
	/* A frame may be ahead of the event that tells that the link is up. */
	if (fc_port.mode == WEFT_FCM_NATIVE && !link_up())
		fc_link_changed(hal_fc_status());
	if (fc_port.state < WEFT_FCS_LOGIN)
		return;
	switch (h->r_ctl) {
	case RCTL_ELS_RSP:
	case RCTL_CT_RSP:
		answered(h, payload, len, total);
		break;
	case RCTL_ELS_REQ:
		if (h->type == TYPE_ELS && !(h->f_ctl & FCTL_EX_CTX) && !h->seq_cnt && len)
			answer_request(h, payload, len, total);
		break;
	case RCTL_ABTS:
	case RCTL_BA_ACC:
	case RCTL_BA_RJT:
		if (h->type == TYPE_BLS)
			basic(h);
		break;
	default:
		break; /* CT requests: we are no server */
	}
}
