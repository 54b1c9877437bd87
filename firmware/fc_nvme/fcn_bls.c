/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Basic link services of the exchanges of this folder: ABTS, BA_ACC, BA_RJT. Those of recovery (FLUSH,
 * FLUSH_RSP, RED) are for ports that agreed on it at PRLI; ours does not, and they are dropped.
 */
#include "fcn_int.h"

#define F_ANSWER (FC_F_LAST_SEQ | FC_F_END_SEQ | FC_F_SEQ_INIT)
#define RJT_UNABLE 0x09u
#define RJT_XID 0x03u

/* Their header with the two ports, and who is originator, the other way round. */
static void answer(const struct fc_hdr *h, uint8_t r_ctl, uint16_t rx_id, const void *payload,
		   uint32_t len)
{
	const struct fc_hdr a = {
		.r_ctl = r_ctl,
		.d_id = h->s_id,
		.s_id = fc_port.port_id,
		.f_ctl = F_ANSWER | (~h->f_ctl & FC_F_EX_CTX),
		.seq_id = h->seq_id,
		.ox_id = h->ox_id,
		.rx_id = rx_id,
	};

	fc_send(&a, payload, len); /* lost: they ask again */
}

/* The whole exchange: any SEQ_CNT. */
static void accept(const struct fc_hdr *h, uint16_t rx_id)
{
	uint8_t p[12] = { 0 };

	put_be16(p + 4, h->ox_id);
	put_be16(p + 6, rx_id);
	put_be16(p + 10, 0xffff);
	answer(h, FCN_R_BA_ACC, rx_id, p, sizeof(p));
}

static void reject(const struct fc_hdr *h)
{
	const uint8_t p[4] = { 0, RJT_UNABLE, RJT_XID, 0 };

	answer(h, FCN_R_BA_RJT, h->rx_id, p, sizeof(p));
}

/* A receive buffer whose exchange this port began with this id, for one that does not know ours. */
static uint16_t find_by_ox(const struct fc_hdr *h)
{
	for (uint16_t s = 0; s < WEFT_N_SLOTS; s++) {
		const struct fcn_x *x = &fcn_xs[s];

		if (x->state != FCN_FREE && x->peer == h->s_id && x->peer_xid == h->ox_id &&
		    fcn_is_rx(s))
			return s;
	}
	return ENG_NO_SLOT;
}

static uint16_t find(const struct hal_event *ev, const struct fc_hdr *h)
{
	uint16_t slot;

	if (!(h->f_ctl & FC_F_EX_CTX) && h->rx_id == FC_XID_NONE)
		return find_by_ox(h);
	slot = fcn_find(ev, (uint32_t)h->ox_id << 16 | h->rx_id, h->s_id);
	if (slot == ENG_NO_SLOT || fcn_is_rx(slot) == !!(h->f_ctl & FC_F_EX_CTX))
		return ENG_NO_SLOT; /* ours is the other id */
	if (fcn_is_rx(slot) && fcn_xs[slot].peer_xid != h->ox_id)
		return ENG_NO_SLOT;
	return slot;
}

static void aborted(uint16_t slot)
{
	struct fcn_x *x = &fcn_xs[slot];

	if (x->state == FCN_ABORT) { /* both at once */
		x->flags &= (uint16_t)~FCNF_ABTS;
		fcn_abort_poll(slot);
	} else if (x->state == FCN_RECV) {
		fcn_ls_abandon(slot);
	} else if (!fcn_is_rx(slot)) {
		if (x->state != FCN_DONE) /* what was answered stands */
			fcn_kill(slot, EIO, false);
	} else if (x->state != FCN_DEAD) {
		if (x->state != FCN_HELD) /* of that one fcn_kill tells */
			fcn_event(x->qp, WEFT_EV_FC_ABORTED, (uint32_t)slot - fcn_pairs[x->qp].base,
				  0);
		fcn_kill(slot, ECANCELED, false);
	}
}

static void abts(const struct hal_event *ev, const struct fc_hdr *h)
{
	uint16_t slot = find(ev, h);

	fcn_stats.aborts_received++;
	if (slot != ENG_NO_SLOT) {
		uint16_t own = (uint16_t)fcn_xid(slot, &fcn_xs[slot]);

		aborted(slot); /* what it had in the transmit queue is gone before the answer leaves */
		accept(h, fcn_is_rx(slot) ? own : h->rx_id);
	} else if (!(h->f_ctl & FC_F_EX_CTX) && h->s_id && fcn_tgt_forget(h->s_id, h->ox_id)) {
		accept(h, h->rx_id);
	} else {
		reject(h);
	}
}

#define ACC_LEN 12u

/* BA_ACC: some sequences of the exchange are aborted, and its ids are blocked at the other side. */
static bool has_qualifier(const struct fc_hdr *h, const uint8_t *p, uint32_t len)
{
	return h->r_ctl == FCN_R_BA_ACC && len >= ACC_LEN && get_be16(p + 8) != get_be16(p + 10);
}

static void answered(const struct hal_event *ev, const struct fc_hdr *h, const uint8_t *p)
{
	uint16_t slot = fcn_find(ev, (uint32_t)h->ox_id << 16 | h->rx_id, h->s_id);
	struct fcn_x *x = &fcn_xs[slot & FCN_SLOT_MASK];

	if (slot == ENG_NO_SLOT || x->state != FCN_ABORT || !x->seq_id)
		return;
	if (!fcn_is_rx(slot) && has_qualifier(h, p, fc_ev_len(ev)))
		fc_rrq(x->peer, h->ox_id, get_be16(p + 6));
	x->flags &= (uint16_t)~FCNF_ABTS;
	fcn_abort_poll(slot);
}

__attribute__((noinline)) void fcn_bls(const struct hal_event *ev)
{
	uint32_t wire[6], payload[ACC_LEN / 4], r_ctl = fc_ev_r_ctl(ev);
	struct fc_hdr h;

	hal_fc_buf_copy(fc_ev_buf(ev), FC_BUF_HDR, wire, sizeof(wire));
	hal_fc_buf_copy(fc_ev_buf(ev), FC_BUF_PAYLOAD, payload, sizeof(payload));
	hal_fc_buf_free(fc_ev_buf(ev));
	fc_hdr_get((const uint8_t *)wire, &h);
	if (r_ctl == FCN_R_ABTS)
		abts(ev, &h);
	else if (r_ctl == FCN_R_BA_ACC || r_ctl == FCN_R_BA_RJT)
		answered(ev, &h, (const uint8_t *)payload);
	else
		fcn_stats.dropped++;
}

bool fcn_abts_send(uint16_t slot)
{
	const struct fcn_x *x = &fcn_xs[slot];
	bool rx = fcn_is_rx(slot);
	uint16_t own = (uint16_t)fcn_xid(slot, x);
	const struct fc_hdr h = {
		.r_ctl = FCN_R_ABTS,
		.d_id = x->peer,
		.s_id = fc_port.port_id,
		.f_ctl = FC_F_END_SEQ | FC_F_SEQ_INIT | (rx ? FC_F_EX_CTX : 0),
		.seq_id = 0xff, /* in no sequence's use */
		.ox_id = rx ? x->peer_xid : own,
		.rx_id = rx ? own : x->peer_xid,
	};

	return fc_send(&h, NULL, 0);
}
