/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Link services of FC-NVMe, both directions: a request in one exchange, its answer in the same. Their
 * payload is placed by firmware's order, frame by frame, so that no context is needed; frames must
 * come in order. The pair's lower half sends requests, its upper half are receive buffers.
 */
#include "fcn_int.h"

#define F_RQST (FC_TYPE_NVME << 24 | FC_F_FIRST_SEQ | FC_F_END_SEQ | FC_F_SEQ_INIT)
#define F_REPLY (FC_F_EX_CTX | FC_F_LAST_SEQ | FC_F_END_SEQ | FC_F_SEQ_INIT)

/* LS_RJT: reason and explanation */
#define RJT_UNABLE 0x09u
#define RJT_RESOURCES 0x29u
#define RJT_LENGTH 0x2du

static inline const struct weft_fc_ls_entry *ls_entry(uint16_t slot)
{
	return (const void *)hal_slot_entry(slot);
}

static void drop(const struct hal_event *ev)
{
	fcn_stats.dropped++;
	hal_fc_buf_free(fc_ev_buf(ev));
}

/* --- requests of our own --------------------------------------------------------------------------- */

static uint16_t check(uint16_t slot, const struct weft_fc_ls_entry *e)
{
	if (e->flags != (WEFT_SQF_DATA_OUT | WEFT_SQF_DATA_IN) || !e->rqst_len ||
	    (e->rqst_len & 3) || e->rqst_len > e->data_len || e->data_len > WEFT_DATA_MAX ||
	    !sgl_covers(hal_slot_entry(slot)))
		return EINVAL;
	return fc_rport(e->rport) ? 0 : ENOTCONN;
}

static void request(uint16_t slot)
{
	const struct weft_fc_ls_entry *e = ls_entry(slot);
	uint16_t err = check(slot, e);
	struct fcn_x *x = &fcn_xs[slot];
	const struct fc_rport *rp;
	uint32_t xid;

	xid = err ? FC_XID_NONE : fcn_xid_new(slot, x);
	if (xid == FC_XID_NONE) {
		fcn_refuse(slot, err ? err : EBUSY);
		return;
	}
	rp = fc_rport(e->rport);
	fcn_begin(x, FCN_LS, xid, e->rport, 0);
	x->peer = rp->port_id;
	x->recv_cnt = 0;
	x->max_data = rp->max_data;
	x->deadline = fcn_after(e->timeout_ms ? e->timeout_ms : 2 * fc_port.r_a_tov_ms);
	fcn_rec_hdr(fcn_rec(slot, 0), x, FCN_R_LS_RQST, F_RQST, xid << 16 | FC_XID_NONE, 0);
	fcn_rec_data(fcn_rec(slot, 0), x, slot, 0, e->rqst_len);
	fcn_tx(slot, x, 0);
}

/* Bytes of the frame's payload go to byte at of the slot's buffer, element by element; none chained. */
static void place(uint16_t slot, uint8_t buf, uint32_t at, uint32_t len)
{
	const struct weft_fc_ls_entry *e = ls_entry(slot);
	uint32_t from = FC_BUF_PAYLOAD;

	for (uint32_t i = 0; len && i < e->sgl_count; i++) {
		uint32_t n = e->sgl[i].len - at;

		if (at >= e->sgl[i].len) {
			at -= e->sgl[i].len;
			continue;
		}
		n = n < len ? n : len;
		hal_fc_buf_place(buf, (uint16_t)from, (uint16_t)n, e->sgl[i].addr + at, slot,
				 false);
		from += n;
		len -= n;
		at = 0;
	}
}

/* Frame of an open sequence, or the first of the only one. x->seq_id: that of the other side. */
static bool in_order(const struct hal_event *ev, struct fcn_x *x, uint32_t seq)
{
	if (seq & 0xff0000) /* optional headers */
		return false;
	if (ev->flags & FC_EV_FIRST) {
		if (x->recv_cnt)
			return false;
		x->seq_id = (uint8_t)(seq >> 24);
	} else if (!x->recv_cnt || x->seq_id != seq >> 24 || x->recv_cnt != (seq & 0xffff)) {
		return false;
	}
	x->recv_cnt = (uint16_t)((seq & 0xffff) + 1);
	return true;
}

static void answered(uint16_t slot, struct fcn_x *x)
{
	x->deadline = 0;
	x->state = FCN_DONE;
	x->seq_cnt = (uint16_t)x->done;
	fcn_io_quiet(slot);
}

void fcn_ls_response(const struct hal_event *ev)
{
	uint8_t buf = fc_ev_buf(ev);
	uint32_t ids = fcn_hdr_word(buf, FCN_W_IDS), len = fc_ev_len(ev);
	uint16_t slot = fcn_find(ev, ids, fcn_hdr_word(buf, FCN_W_S_ID));
	struct fcn_x *x = &fcn_xs[slot & FCN_SLOT_MASK];
	const struct weft_fc_ls_entry *e;

	if (slot == ENG_NO_SLOT || x->state != FCN_LS || !(ev->w2 & FC_F_EX_CTX)) {
		drop(ev);
		return;
	}
	if (!in_order(ev, x, fcn_hdr_word(buf, FCN_W_SEQ)) || (x->flags & FCNF_WAITS)) {
		drop(ev);
		fcn_stats.seq_errors++;
		fcn_kill(slot, EIO, true);
		return;
	}
	e = ls_entry(slot);
	x->peer_xid = (uint16_t)ids;
	if (len > e->data_len - e->rqst_len - x->done)
		x->err = EMSGSIZE; /* what follows is only counted */
	if (!x->err) {
		place(slot, buf, e->rqst_len + x->done, len);
		x->done += len;
	}
	hal_fc_buf_free(buf);
	if (ev->flags & FC_EV_LAST)
		answered(slot, x);
}

/* --- requests of others ------------------------------------------------------------------------------ */

/* A link service that cannot be taken: its answer. What is not the last frame gets none. */
static void reject(const struct hal_event *ev, const struct fc_hdr *h, uint32_t explanation)
{
	uint32_t w[10] = { 0x01000000, 32, 1, 8, 0, 0, 2, 8, 0, 0 };
	struct fc_hdr a = {
		.r_ctl = FCN_R_LS_RSP,
		.type = FC_TYPE_NVME,
		.d_id = h->s_id,
		.s_id = fc_port.port_id,
		.f_ctl = F_REPLY,
		.ox_id = h->ox_id,
		.rx_id = FC_XID_NONE,
	};

	if ((ev->flags & FC_EV_SINGLE) != FC_EV_SINGLE)
		return;
	hal_fc_buf_copy(fc_ev_buf(ev), FC_BUF_PAYLOAD, &w[4], 4);
	w[4] = swap32(w[4]);
	w[8] = RJT_UNABLE << 16 | explanation << 8;
	for (uint32_t i = 0; i < 10; i++)
		w[i] = swap32(w[i]);
	fc_send(&a, w, sizeof(w));
}

static uint16_t receiving(const struct fcn_pair *p, const struct fc_hdr *h)
{
	for (uint16_t s = p->first_rx; s < p->base + p->entries; s++)
		if (fcn_xs[s].state == FCN_RECV && fcn_xs[s].peer == h->s_id &&
		    fcn_xs[s].peer_xid == h->ox_id)
			return s;
	return ENG_NO_SLOT;
}

void fcn_ls_abandon(uint16_t slot)
{
	fcn_stats.dropped++;
	fcn_rx_free(slot);
}

static uint16_t begin(struct fcn_pair *p, const struct fc_hdr *h, uint16_t rport)
{
	uint16_t slot = p->free_first;
	struct fcn_x *x = &fcn_xs[slot & FCN_SLOT_MASK];
	uint32_t xid;

	if (slot == ENG_NO_SLOT)
		return slot;
	xid = fcn_xid_new(slot, x);
	if (xid == FC_XID_NONE)
		return ENG_NO_SLOT;
	p->free_first = x->next;
	fcn_begin(x, FCN_RECV, xid, rport, 0);
	x->peer = h->s_id;
	x->peer_xid = h->ox_id;
	x->recv_cnt = 0;
	x->max_data = fc_rport(rport)->max_data;
	x->deadline = fcn_after(fc_port.e_d_tov_ms);
	return slot;
}

static void deliver(const struct fcn_pair *p, uint16_t slot)
{
	struct fcn_x *x = &fcn_xs[slot];
	const struct hal_cpl cpl = {
		.qp = x->qp,
		.type = WEFT_CQT_CAPSULE,
		.cid = (uint16_t)(slot - p->base),
		.data_len = x->done,
		.dw = { x->rport, x->peer, x->peer_xid | fcn_xid(slot, x) << 16, 0 },
		.slot = slot,
	};

	x->state = FCN_HELD;
	x->flags |= FCNF_KNOWN;
	x->deadline = 0;
	x->seq_id = 0;
	x->seq_cnt = 0;
	hal_complete(&cpl);
}

/* The frame's payload; of the first frame its header, too. */
static void receive(const struct hal_event *ev, const struct fcn_pair *p, uint16_t slot)
{
	struct fcn_x *x = &fcn_xs[slot];
	uint32_t len = fc_ev_len(ev);
	uint64_t to = p->rx_icd + (uint64_t)(slot - p->first_rx) * p->icd_size;

	if (!x->done)
		hal_fc_buf_place(fc_ev_buf(ev), 0, (uint16_t)(FC_BUF_PAYLOAD + len), to, slot,
				 true);
	else
		hal_fc_buf_place(fc_ev_buf(ev), FC_BUF_PAYLOAD, (uint16_t)len,
				 to + FC_BUF_PAYLOAD + x->done, slot, true);
	x->done += len;
	if (ev->flags & FC_EV_LAST)
		deliver(p, slot);
	else
		x->deadline = fcn_after(fc_port.e_d_tov_ms);
}

static void take(const struct hal_event *ev, struct fcn_pair *p, const struct fc_hdr *h,
		 uint16_t rport)
{
	uint16_t slot = receiving(p, h);
	uint32_t seq = (uint32_t)h->seq_id << 24 | (uint32_t)h->df_ctl << 16 | h->seq_cnt;

	if (slot != ENG_NO_SLOT && (ev->flags & FC_EV_FIRST)) { /* it begins again */
		fcn_ls_abandon(slot);
		slot = ENG_NO_SLOT;
	}
	if (slot == ENG_NO_SLOT && (ev->flags & FC_EV_FIRST) && !p->closing) {
		slot = begin(p, h, rport);
		if (slot == ENG_NO_SLOT)
			reject(ev, h, RJT_RESOURCES);
	}
	if (slot == ENG_NO_SLOT) {
		drop(ev);
	} else if (fc_ev_len(ev) > p->icd_size - FC_BUF_PAYLOAD - fcn_xs[slot].done) {
		reject(ev, h, RJT_LENGTH);
		drop(ev);
		fcn_ls_abandon(slot);
	} else if (!in_order(ev, &fcn_xs[slot], seq) || !fc_ev_len(ev)) {
		fcn_stats.seq_errors++;
		drop(ev);
		fcn_ls_abandon(slot);
	} else {
		receive(ev, p, slot);
	}
}

void fcn_ls_request(const struct hal_event *ev)
{
	uint32_t wire[6];
	struct fc_hdr h;
	uint16_t rport;

	hal_fc_buf_copy(fc_ev_buf(ev), FC_BUF_HDR, wire, sizeof(wire));
	fc_hdr_get((const uint8_t *)wire, &h);
	rport = fcn_rport_of(h.s_id);
	if (rport >= WEFT_N_RPORT) {
		drop(ev);
		fc_stranger(h.s_id);
	} else if (h.f_ctl & FC_F_EX_CTX) {
		drop(ev);
	} else if (!fcn_ls_pair) {
		reject(ev, &h, RJT_RESOURCES);
		drop(ev);
	} else {
		take(ev, &fcn_pairs[fcn_ls_pair], &h, rport);
	}
}

static void reply(uint16_t slot)
{
	const struct weft_fc_ls_entry *e = ls_entry(slot);
	struct fcn_x *x = &fcn_xs[slot];

	if ((e->flags & (uint8_t)~WEFT_SQF_SGL_CHAIN) != WEFT_SQF_DATA_OUT ||
	    e->data_len - 1 >= WEFT_DATA_MAX || !sgl_covers(hal_slot_entry(slot))) {
		fcn_refuse(slot, EINVAL);
		return;
	}
	x->state = FCN_RSP;
	x->done = e->data_len;
	fcn_rec_hdr(fcn_rec(slot, 0), x, FCN_R_LS_RSP, FC_TYPE_NVME << 24 | F_REPLY,
		    (uint32_t)x->peer_xid << 16 | fcn_xid(slot, x), 0);
	fcn_rec_data(fcn_rec(slot, 0), x, slot, 0, e->data_len);
	fcn_tx(slot, x, 0);
}

static void submit_rx(uint16_t slot)
{
	uint8_t op = hal_slot_entry(slot)->opcode;
	const struct fcn_x *x = &fcn_xs[slot];
	bool known = x->state != FCN_FREE && (x->flags & FCNF_KNOWN);

	if (op != WEFT_OP_FC_LS_RSP && op != WEFT_OP_FC_RELEASE)
		fcn_refuse(slot, op == WEFT_OP_FC_LS ? EINVAL : EOPNOTSUPP);
	else if (!known)
		fcn_refuse(slot, EINVAL);
	else if (op == WEFT_OP_FC_RELEASE)
		fcn_tgt_release(slot);
	else if (x->state != FCN_HELD)
		fcn_refuse(slot, ECANCELED);
	else
		reply(slot);
}

void fcn_ls_submit(uint16_t slot)
{
	uint8_t op = hal_slot_entry(slot)->opcode;

	if (fcn_is_rx(slot))
		submit_rx(slot);
	else if (op == WEFT_OP_FC_LS)
		request(slot);
	else
		fcn_refuse(slot, op == WEFT_OP_FC_LS_RSP || op == WEFT_OP_FC_RELEASE ? EINVAL :
										       EOPNOTSUPP);
}
