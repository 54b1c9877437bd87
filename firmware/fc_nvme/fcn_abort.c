/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The end of an exchange before its time. At once: its operations in the transmit queue are dropped
 * (FTX_KILL), its context is stopped, ABTS leaves. It is over when
 *   - a fence is through: nothing of it is in the transmit engine any more, and kill is lifted;
 *   - the context's end is told (STOPPED): all its data writes are answered;
 *   - ABTS was answered, or nobody answered it within 2 * R_A_TOV. It is repeated once, after
 *     2 * E_D_TOV. A port that is gone, or that sent ABTS itself, is not asked.
 * Only then the entry in flight completes: no DMA after completion. The id stays in quarantine for
 * R_A_TOV. A receive buffer that the host program has then waits for FC_RELEASE.
 */
#include "fcn_int.h"

#define ABTS_TRIES 2u

static struct {
	struct fcn_list covered, later; /* slots the fence under way is for, and the next one */
	bool busy;
} fence;

void fcn_abort_init(void)
{
	fence.covered = (struct fcn_list){ ENG_NO_SLOT, ENG_NO_SLOT };
	fence.later = fence.covered;
	fence.busy = false;
}

/* --- fences: one operation at a time for all that wait for one ------------------------------------------ */

void fcn_fence_kick(void)
{
	struct eng_fc_tx_rec *rec = hal_xram(FC_FENCE_OFF);

	if (fence.busy || fence.later.first == ENG_NO_SLOT)
		return;
	if (!hal_fc_tx_free()) {
		fcn_after(0);
		return;
	}
	fence.covered = fence.later;
	fence.later = (struct fcn_list){ ENG_NO_SLOT, ENG_NO_SLOT };
	fence.busy = true;
	*rec = (struct eng_fc_tx_rec){
		.max_data = ENG_FC_DATA_MAX,
		.slot = ENG_NO_SLOT,
		.data_slot = ENG_NO_SLOT,
	};
	hal_fc_tx(rec, ENG_FTXF_FENCE | ENG_FTXF_DONE);
}

void fcn_fence(uint16_t slot)
{
	fcn_xs[slot].flags |= FCNF_FENCE;
	fcn_list_put(&fence.later, slot);
	fcn_fence_kick();
}

void fcn_fence_done(void)
{
	uint16_t slot = fence.covered.first;

	fence.busy = false;
	while (slot != ENG_NO_SLOT) {
		struct fcn_x *x = &fcn_xs[slot];
		uint16_t next = x->next;

		x->flags &= (uint16_t)~FCNF_FENCE;
		if (x->state == FCN_ABORT) {
			hal_fc_tx_kill(slot, false);
			fcn_abort_poll(slot);
		} else if (x->state == FCN_DONE) {
			fcn_io_quiet(slot);
		}
		slot = next;
	}
	fcn_fence_kick();
	fcn_tx_pump();
}

/* --- the abort --------------------------------------------------------------------------------------------- */

static bool has_entry(uint8_t state)
{
	return state >= FCN_START;
}

static void say_abts(struct fcn_x *x, uint16_t slot)
{
	x->flags |= FCNF_ABTS;
	x->seq_id = 0;
	x->done = fcn_after(2 * fc_port.r_a_tov_ms);
	fcn_abort_late(slot);
}

/* The exchange has an id: neither FREE, START nor DEAD. */
void fcn_kill(uint16_t slot, uint16_t err, bool abts)
{
	struct fcn_x *x = &fcn_xs[slot];
	uint16_t keep = x->flags & (FCNF_QUIET | FCNF_KNOWN);

	if (x->state < FCN_HELD || x->state == FCN_DEAD || x->state == FCN_START ||
	    x->state == FCN_ABORT)
		return;
	if (x->flags & FCNF_WAITS)
		fcn_tx_forget(slot);
	if (x->flags & FCNF_LIVE) {
		fcn_stop(slot, x);
		keep |= FCNF_STOP;
	}
	if (has_entry(x->state))
		keep |= FCNF_ENTRY;
	else if (x->flags & FCNF_KNOWN)
		fcn_event(x->qp, WEFT_EV_FC_ABORTED, (uint32_t)slot - fcn_pairs[x->qp].base, 0);
	x->flags = keep;
	x->state = FCN_ABORT;
	x->err = (uint8_t)err;
	x->deadline = 0;
	hal_fc_tx_kill(slot, true);
	if (!(keep & FCNF_FENCE))
		fcn_fence(slot);
	if (abts)
		say_abts(x, slot);
}

static void over(uint16_t slot, struct fcn_x *x)
{
	bool entry = x->flags & FCNF_ENTRY, release = x->flags & FCNF_RELEASE;
	bool rx = fcn_is_rx(slot);

	fcn_quarantine(slot, x);
	x->deadline = 0;
	x->flags &= FCNF_KNOWN;
	if (rx && (x->flags & FCNF_KNOWN) && !release) {
		x->state = FCN_DEAD;
	} else if (rx) {
		fcn_rx_free(slot);
	} else {
		x->state = FCN_FREE;
	}
	if (entry)
		fcn_entry_done(slot, x->err, 0);
	if (release)
		fcn_entry_done(slot, 0, 0);
	fcn_admin_done(&x->admin, 0);
	if (rx && x->state == FCN_FREE)
		fcn_tgt_pump();
}

void fcn_abort_poll(uint16_t slot)
{
	struct fcn_x *x = &fcn_xs[slot];

	if (!(x->flags & (FCNF_QUIET | FCNF_ABTS)))
		over(slot, x);
}

/* It is time for ABTS, or to give up. */
void fcn_abort_late(uint16_t slot)
{
	struct fcn_x *x = &fcn_xs[slot];

	if (!(x->flags & FCNF_ABTS))
		return;
	if ((int32_t)(clk_now() - x->done) >= 0) {
		x->flags &= (uint16_t)~FCNF_ABTS;
		log_limited("fc: %06x answers no ABTS", x->peer);
		fcn_abort_poll(slot);
		return;
	}
	x->deadline = x->done;
	if (x->seq_id >= ABTS_TRIES)
		return;
	if (!fcn_abts_send(slot)) { /* no room now */
		x->deadline = fcn_after(0);
		return;
	}
	fcn_stats.aborts_sent++;
	if (++x->seq_id < ABTS_TRIES)
		x->deadline = fcn_after(2 * fc_port.e_d_tov_ms);
}

/* --- who asks for it -------------------------------------------------------------------------------------------- */

uint16_t fcn_abort(uint16_t qp, uint16_t cid, uint16_t admin_slot)
{
	const struct fcn_pair *p = &fcn_pairs[qp];
	uint16_t slot = (uint16_t)(p->base + cid);
	struct fcn_x *x;

	if (!p->kind || cid >= p->entries)
		return ENOENT;
	x = &fcn_xs[slot];
	if (x->state == FCN_FREE || x->state == FCN_RECV)
		return ENOENT;
	if (x->admin != ENG_NO_SLOT)
		return EALREADY;
	x->admin = admin_slot;
	if (x->state == FCN_START) { /* it has not begun */
		x->state = FCN_FREE;
		fcn_refuse(slot, ECANCELED);
		fcn_admin_done(&x->admin, 0);
	} else if (x->state == FCN_DEAD) {
		fcn_admin_done(&x->admin, 0);
	} else if (x->state != FCN_ABORT) {
		if (x->state == FCN_HELD) /* the program knows: no event */
			x->flags &= (uint16_t)~FCNF_KNOWN;
		fcn_kill(slot, ECANCELED, true);
		x->flags |= fcn_is_rx(slot) ? FCNF_KNOWN : 0;
	}
	return 0;
}

void fcn_forget_admin(void)
{
	for (uint32_t i = 0; i < WEFT_N_SLOTS; i++)
		fcn_xs[i].admin = ENG_NO_SLOT;
}

void fcn_lose(uint16_t slot)
{
	struct fcn_x *x = &fcn_xs[slot];

	if (x->state == FCN_START) {
		x->state = FCN_FREE;
		fcn_refuse(slot, ENOTCONN);
	} else if (x->state == FCN_ABORT) {
		x->flags &= (uint16_t)~FCNF_ABTS;
		fcn_abort_poll(slot);
	} else {
		if (fcn_is_rx(slot) && has_entry(x->state))
			fcn_event(x->qp, WEFT_EV_FC_ABORTED, (uint32_t)slot - fcn_pairs[x->qp].base,
				  0);
		fcn_kill(slot, fcn_is_rx(slot) ? ECANCELED : ENOTCONN, false);
	}
}
