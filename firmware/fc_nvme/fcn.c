/* SPDX-License-Identifier: BSD-2-Clause */
#include "fcn_int.h"

#include <string.h>

#define SCAN_TICKS 64u /* how exact deadlines are kept: 67 ms */

struct fcn_x fcn_xs[WEFT_N_SLOTS];
struct fcn_pair fcn_pairs[WEFT_N_QP];
uint16_t fcn_ls_pair;
struct fcn_list fcn_tx_queue;
uint32_t fcn_tx_waiting;
uint32_t fcn_quarantined[WEFT_N_SLOTS];
struct fcn_stats fcn_stats;

static uint32_t quarantine_end[WEFT_N_SLOTS];
static struct timer scan_timer;

static void scan(struct timer *t);

void fcn_init(void)
{
	memset(fcn_xs, 0, sizeof(fcn_xs));
	memset(fcn_pairs, 0, sizeof(fcn_pairs));
	memset(fcn_quarantined, 0, sizeof(fcn_quarantined));
	memset(&fcn_stats, 0, sizeof(fcn_stats));
	for (uint32_t i = 0; i < WEFT_N_SLOTS; i++) {
		fcn_xs[i].admin = ENG_NO_SLOT;
		fcn_xs[i].gen = FCN_GENS - 1;
	}
	fcn_ls_pair = 0;
	fcn_tx_waiting = 0;
	fcn_tx_queue = (struct fcn_list){ ENG_NO_SLOT, ENG_NO_SLOT };
	timer_setup(&scan_timer, scan);
	fcn_tgt_init();
	fcn_abort_init();
	fcn_event_init();
}

/* --- lists of slots ------------------------------------------------------------------------------ */

void fcn_list_put(struct fcn_list *l, uint16_t slot)
{
	fcn_xs[slot].next = ENG_NO_SLOT;
	if (l->first == ENG_NO_SLOT)
		l->first = slot;
	else
		fcn_xs[l->last].next = slot;
	l->last = slot;
}

bool fcn_list_take_out(struct fcn_list *l, uint16_t slot)
{
	uint16_t before = ENG_NO_SLOT;

	for (uint16_t s = l->first; s != ENG_NO_SLOT; before = s, s = fcn_xs[s].next) {
		if (s != slot)
			continue;
		if (before == ENG_NO_SLOT)
			l->first = fcn_xs[s].next;
		else
			fcn_xs[before].next = fcn_xs[s].next;
		if (l->last == s)
			l->last = before;
		return true;
	}
	return false;
}

/* --- exchange ids -------------------------------------------------------------------------------- */

static bool in_quarantine(uint16_t slot, uint32_t gen)
{
	if (fcn_quarantined[slot] && (int32_t)(clk_now() - quarantine_end[slot]) >= 0)
		fcn_quarantined[slot] = 0;
	return fcn_quarantined[slot] >> gen & 1;
}

__attribute__((noinline)) uint16_t fcn_xid_search(uint16_t slot, struct fcn_x *x)
{
	uint32_t gen = x->gen;

	for (uint32_t i = 0; i < FCN_GENS; i++) {
		gen = gen + 1 < FCN_GENS ? gen + 1 : 0;
		if (in_quarantine(slot, gen))
			continue;
		x->gen = (uint8_t)gen;
		return (uint16_t)(slot | gen << FCN_GEN_SHIFT);
	}
	return FC_XID_NONE;
}

/*
 * All of a slot's come free together, R_A_TOV after the last of them went in. Ours as originator a
 * little later: behind the RRQ.
 */
void fcn_quarantine(uint16_t slot, const struct fcn_x *x)
{
	fcn_quarantined[slot] |= 1u << x->gen;
	quarantine_end[slot] = clk_now() + clk_ms(fc_port.r_a_tov_ms);
	if (!fcn_is_rx(slot))
		quarantine_end[slot] += clk_ms(fc_port.e_d_tov_ms);
}

/* --- completions ---------------------------------------------------------------------------------- */

static void complete(uint16_t slot, uint16_t err, uint32_t data_len)
{
	const struct fcn_x *x = &fcn_xs[slot];
	const struct hal_cpl cpl = {
		.qp = x->qp,
		.type = WEFT_CQT_COMMAND,
		.cid = (uint16_t)(slot - fcn_pairs[x->qp].base),
		.status = err,
		.data_len = err ? 0 : data_len,
		.slot = slot,
	};

	hal_complete(&cpl);
}

__attribute__((noinline)) void fcn_refuse(uint16_t slot, uint16_t err)
{
	complete(slot, err, 0);
}

void fcn_entry_done(uint16_t slot, uint16_t err, uint32_t data_len)
{
	complete(slot, err, data_len);
}

void fcn_admin_done(uint16_t *slot, uint16_t err)
{
	const struct hal_cpl cpl = {
		.type = WEFT_CQT_ADMIN, .cid = *slot, .status = err, .slot = *slot
	};

	if (*slot == ENG_NO_SLOT)
		return;
	*slot = ENG_NO_SLOT;
	hal_complete(&cpl);
}

void fcn_event(uint16_t qp, uint32_t code, uint32_t dw1, uint32_t dw2)
{
	const struct hal_cpl cpl = {
		.qp = qp,
		.type = WEFT_CQT_EVENT,
		.cid = ENG_NO_SLOT,
		.dw = { code, dw1, dw2, 0 },
		.slot = ENG_NO_SLOT,
	};

	hal_complete(&cpl);
}

/* --- what waits for the transmit engine -------------------------------------------------------------- */

/* With little room every operation tells its end, so that the queue is looked at again. */
static void push(uint16_t slot, struct fcn_x *x, uint32_t room)
{
	struct eng_fc_tx_rec *rec = fcn_rec(slot, 0);
	bool quick = (x->flags & (FCNF_PAIR | FCNF_QUICK)) && room > FCN_TX_LOW;

	if (!quick)
		x->flags |= FCNF_TX_A;
	hal_fc_tx(rec, quick ? 0 : ENG_FTXF_DONE);
	if (x->flags & FCNF_PAIR) {
		x->flags |= FCNF_TX_B;
		hal_fc_tx(rec + 1, ENG_FTXF_DONE);
	}
}

__attribute__((noinline)) void fcn_tx_slow(uint16_t slot, uint16_t what)
{
	struct fcn_x *x = &fcn_xs[slot];

	x->flags = (uint16_t)((x->flags & ~(FCNF_PAIR | FCNF_QUICK)) | FCNF_WAITS | what);
	fcn_list_put(&fcn_tx_queue, slot);
	fcn_tx_waiting++;
	fcn_tx_pump();
}

void fcn_tx_forget(uint16_t slot)
{
	if (fcn_list_take_out(&fcn_tx_queue, slot))
		fcn_tx_waiting--;
	fcn_xs[slot].flags &= (uint16_t)~FCNF_WAITS;
}

void fcn_tx_pump(void)
{
	while (fcn_tx_waiting) {
		uint16_t slot = fcn_tx_queue.first;
		struct fcn_x *x = &fcn_xs[slot];
		uint32_t room = hal_fc_tx_free();

		if (room < FCN_TX_NEED) {
			fcn_after(0);
			return;
		}
		fcn_tx_queue.first = x->next;
		fcn_tx_waiting--;
		x->flags &= (uint16_t)~FCNF_WAITS;
		push(slot, x, room);
	}
}

/* --- time -------------------------------------------------------------------------------------------- */

uint32_t fcn_after(uint32_t ms)
{
	uint32_t now = clk_now();

	if (!timer_pending(&scan_timer))
		timer_set(&scan_timer, now + SCAN_TICKS);
	return (now + clk_ms(ms)) | 1; /* 0 is none */
}

static void late(uint16_t slot)
{
	struct fcn_x *x = &fcn_xs[slot];

	x->deadline = 0;
	if (x->state == FCN_ABORT)
		fcn_abort_late(slot);
	else if (x->state == FCN_RECV)
		fcn_ls_abandon(slot);
	else if (x->state == FCN_LS && x->err)
		fcn_kill(slot, x->err, true);
	else if (x->state == FCN_LS || x->state == FCN_WRITE)
		fcn_kill(slot, ETIMEDOUT, true);
}

/* Is anything left that waits for its time, or for a generation that comes free? */
static bool scan_pair(const struct fcn_pair *p, uint32_t now)
{
	bool more = false;

	for (uint16_t i = 0; i < p->entries; i++) {
		uint16_t slot = (uint16_t)(p->base + i);
		struct fcn_x *x = &fcn_xs[slot];

		(void)in_quarantine(slot, 0);
		more |= fcn_quarantined[slot] != 0;
		if (x->deadline && (int32_t)(now - x->deadline) >= 0)
			late(slot);
		more |= x->deadline != 0;
	}
	return more;
}

static void scan(struct timer *t)
{
	uint32_t now = clk_now();
	bool more = false;

	for (uint32_t i = 1; i < WEFT_N_QP; i++)
		if (fcn_pairs[i].kind)
			more |= scan_pair(&fcn_pairs[i], now);
	fcn_fence_kick();
	fcn_tx_pump();
	fcn_tgt_pump();
	fcn_event_pump();
	if (more && !timer_pending(t))
		timer_set(t, now + SCAN_TICKS);
}

/* --- pairs -------------------------------------------------------------------------------------------- */

static uint8_t kind_of(uint32_t flags)
{
	if (flags & WEFT_QPF_LS)
		return FCN_LSP;
	return flags & WEFT_QPF_CONTROLLER ? FCN_TGT : FCN_HOST;
}

uint16_t fcn_qp_create(uint16_t qp, const struct weft_arg_qp_create *arg)
{
	const struct qp *q = qp_get(qp);
	struct fcn_pair *p = &fcn_pairs[qp];
	struct fcn_list free = { ENG_NO_SLOT, ENG_NO_SLOT };
	uint8_t kind = kind_of(arg->flags);

	if (kind == FCN_LSP && fcn_ls_pair)
		return EEXIST;
	*p = (struct fcn_pair){
		.kind = kind,
		.base = q->slot_base,
		.entries = q->entries,
		.first_rx = (uint16_t)(q->slot_base + (kind == FCN_HOST ? q->entries :
						       kind == FCN_LSP  ? q->entries / 2 :
									  0)),
		.icd_size = arg->icd_size,
		.rx_cmd = arg->rx_cmd,
		.rx_icd = arg->rx_icd,
	};
	for (uint16_t s = p->base; s < p->base + p->entries; s++) {
		fcn_xs[s].qp = (uint8_t)qp;
		if (s >= p->first_rx)
			fcn_list_put(&free, s);
	}
	p->free_first = free.first;
	p->free_last = free.last;
	return 0;
}

void fcn_qp_started(uint16_t qp)
{
	if (fcn_pairs[qp].kind == FCN_LSP) {
		fcn_ls_pair = qp;
		fcn_event_start();
	} else if (fcn_pairs[qp].kind == FCN_TGT) {
		fcn_tgt_add(qp, true);
	}
}

uint16_t fcn_qp_delete(uint16_t qp)
{
	struct fcn_pair *p = &fcn_pairs[qp];

	p->closing = true;
	for (uint16_t s = p->base; s < p->base + p->entries; s++)
		if (fcn_xs[s].state != FCN_FREE)
			return EBUSY;
	if (p->kind == FCN_TGT)
		fcn_tgt_add(qp, false);
	if (fcn_ls_pair == qp)
		fcn_ls_pair = 0;
	p->kind = FCN_NONE;
	return 0;
}

void fcn_qp_fail(uint16_t qp, uint16_t err)
{
	const struct fcn_pair *p = &fcn_pairs[qp];

	for (uint16_t s = p->base; p->kind && s < p->base + p->entries; s++)
		if (fcn_xs[s].state > FCN_START && fcn_xs[s].state != FCN_ABORT)
			fcn_kill(s, err, true);
}

void fcn_submit(uint16_t qp, uint16_t slot)
{
	uint8_t kind = fcn_pairs[qp].kind;

	if (kind == FCN_HOST)
		fcn_io_submit(slot);
	else if (kind == FCN_TGT)
		fcn_tgt_submit(slot);
	else if (kind == FCN_LSP)
		fcn_ls_submit(slot);
	else
		fcn_refuse(slot, ENOTCONN); /* fetched while the pair was deleted */
}

void fcn_rx_free(uint16_t slot)
{
	struct fcn_x *x = &fcn_xs[slot];
	struct fcn_pair *p = &fcn_pairs[x->qp];
	struct fcn_list l = { p->free_first, p->free_last };

	x->state = FCN_FREE;
	x->flags &= FCNF_QUIET;
	x->deadline = 0;
	fcn_list_put(&l, slot);
	p->free_first = l.first;
	p->free_last = l.last;
}

/* --- events -------------------------------------------------------------------------------------------- */

void fcn_event_stopped(const struct hal_event *ev)
{
	uint16_t slot = ev->id & FCN_SLOT_MASK;
	struct fcn_x *x = &fcn_xs[slot];

	x->flags &= (uint16_t)~FCNF_STOP;
	if (x->state == FCN_FREE || x->state == FCN_HELD)
		return; /* as mostly */
	if (x->state == FCN_START)
		fcn_io_start(slot);
	else if (x->state == FCN_WRITE)
		fcn_tgt_start(slot);
	else if (x->state == FCN_DONE)
		fcn_io_quiet(slot);
	else if (x->state == FCN_ABORT)
		fcn_abort_poll(slot);
}

static __attribute__((noinline)) void tx_failed(uint16_t slot, const struct hal_event *ev)
{
	struct fcn_x *x = &fcn_xs[slot];

	if (x->state == FCN_ABORT)
		fcn_abort_poll(slot);
	else if (x->state > FCN_START)
		fcn_kill(slot, ev->flags & 1 ? EFAULT : EIO, true);
}

void fcn_event_txdone(const struct hal_event *ev)
{
	uint16_t slot = ev->id;
	struct fcn_x *x = &fcn_xs[slot & FCN_SLOT_MASK];

	if (slot == ENG_NO_SLOT) {
		if (ev->w1 == FC_FENCE_OFF)
			fcn_fence_done();
		return;
	}
	x->flags &= (uint16_t) ~(ev->w1 == hal_xram_off(fcn_rec(slot, 0)) ? FCNF_TX_A : FCNF_TX_B);
	if (__builtin_expect(ev->flags, 0))
		tx_failed(slot, ev);
	else if (x->state == FCN_RSP || x->state == FCN_READ)
		fcn_tgt_sent(slot);
	else if (x->state == FCN_DONE)
		fcn_io_quiet(slot);
	else if (x->state == FCN_ABORT)
		fcn_abort_poll(slot);
	if (__builtin_expect(fcn_tx_waiting, 0))
		fcn_tx_pump();
}

void fcn_event_placed(const struct hal_event *ev)
{
	uint16_t slot = ev->id & FCN_SLOT_MASK;
	struct fcn_x *x = &fcn_xs[slot];

	if (x->state != FCN_WRITE || !(x->flags & FCNF_LIVE))
		return;
	x->recv_cnt = (uint16_t)(hal_fcx_word(slot, 2) >> 16);
	/* the engine has cleared ARMED, and a context without it may be written anew: nothing to stop */
	x->flags &= (uint16_t)~FCNF_LIVE;
	x->state = FCN_HELD;
	x->deadline = 0;
	fcn_entry_done(slot, 0, ev->w1);
}
