/* SPDX-License-Identifier: BSD-2-Clause */
/* Host role: a command is one exchange, from CMND IU to RSP or ERSP. */
#include "fcn_int.h"

#define F_CMND (FC_TYPE_FCP << 24 | FC_F_FIRST_SEQ | FC_F_END_SEQ | FC_F_SEQ_INIT)
#define F_DATA (FC_TYPE_FCP << 24 | FC_F_END_SEQ | FC_F_SEQ_INIT | FC_F_REL_OFF)

#define IU_WRITE 1u
#define IU_READ 2u

static inline const struct weft_fc_io_entry *io_entry(uint16_t slot)
{
	return (const void *)hal_slot_entry(slot);
}

/* --- from entry to CMND ------------------------------------------------------------------------- */

/* The elements cover the data, as far as firmware can see: a chain's are seen by the engines alone. */
static inline bool tail_covers(const struct weft_fc_io_entry *e)
{
	if (e->flags & WEFT_SQF_SGL_CHAIN)
		return e->sgl_count && e->sgl_count <= WEFT_SGL_MAX;
	return e->sgl_count == 1 && e->sgl.len >= e->data_len;
}

static inline uint16_t check(const struct weft_fc_io_entry *e, const struct fc_rport *rp)
{
	uint32_t dir = e->flags & (WEFT_SQF_DATA_OUT | WEFT_SQF_DATA_IN);
	const uint32_t *iu = (const uint32_t *)(const void *)e->cmnd;

	if (e->opcode != WEFT_OP_FC_IO)
		return EOPNOTSUPP;
	if (!rp)
		return ENOTCONN;
	/* DATA_OUT and the IU's write flag are bit 0 each, DATA_IN and read bit 1 */
	if (swap32(iu[5]) != e->data_len || (e->cmnd[7] & (IU_WRITE | IU_READ)) != dir)
		return EINVAL;
	if (!dir)
		return e->flags || e->data_len ? EINVAL : 0;
	if ((e->flags & (uint8_t)~WEFT_SQF_SGL_CHAIN) != (dir | WEFT_SQF_SGL_TAIL) || dir == 3 ||
	    e->data_len - 1 >= WEFT_DATA_MAX || !tail_covers(e))
		return EINVAL;
	return 0;
}

static inline void arm(uint16_t slot, struct fcn_x *x, uint32_t xid, uint32_t len)
{
	const struct eng_fcx ctx = {
		.flags = ENG_FCX_MATCH | ENG_FCX_ARMED,
		.xid = (uint16_t)xid,
		.s_id = x->peer,
		.peer_xid = FC_XID_NONE,
		.end = len,
	};

	x->flags = FCNF_LIVE;
	hal_fcx_set(slot, &ctx);
}

static inline void start(uint16_t slot, struct fcn_x *x, const struct weft_fc_io_entry *e,
			 const struct fc_rport *rp)
{
	struct eng_fc_tx_rec *rec = fcn_rec(slot, 0);
	uint32_t xid = fcn_xid_new(slot, x);

	if (__builtin_expect(xid == FC_XID_NONE, 0)) {
		x->state = FCN_FREE;
		fcn_refuse(slot, EBUSY);
		return;
	}
	fcn_begin(x, FCN_IO, xid, e->rport, 0);
	x->peer = rp->port_id;
	x->max_data = rp->max_data;
	if (e->flags & WEFT_SQF_DATA_IN)
		arm(slot, x, xid, e->data_len);
	fcn_rec_hdr(rec, x, FCN_R_CMND, F_CMND, xid << 16 | FC_XID_NONE, 0);
	fcn_rec_lit(rec, x, slot, hal_xram_off(e->cmnd), FCN_CMND_LEN);
	fcn_tx(slot, x, FCNF_QUICK);
}

void fcn_io_submit(uint16_t slot)
{
	const struct weft_fc_io_entry *e = io_entry(slot);
	const struct fc_rport *rp = fc_rport(e->rport);
	struct fcn_x *x = &fcn_xs[slot];
	uint16_t err = check(e, rp);

	if (__builtin_expect(err, 0))
		fcn_refuse(slot, err);
	else if (__builtin_expect(x->flags & FCNF_STOP, 0)) /* of the one before */
		x->state = FCN_START;
	else
		start(slot, x, e, rp);
}

void fcn_io_start(uint16_t slot)
{
	fcn_xs[slot].state = FCN_FREE;
	fcn_io_submit(slot);
}

/* --- the end -------------------------------------------------------------------------------------- */

static inline void finish(uint16_t slot, struct fcn_x *x, uint32_t rsp_len)
{
	const struct hal_cpl cpl = {
		.qp = x->qp,
		.type = WEFT_CQT_COMMAND,
		.cid = (uint16_t)(slot - fcn_pairs[x->qp].base),
		.data_len = x->done,
		.dw = { rsp_len, fcn_xid(slot, x) | (uint32_t)x->peer_xid << 16, 0, 0 },
		.slot = slot,
	};

	x->state = FCN_FREE;
	hal_complete(&cpl);
}

/* DONE: something that the answered command or link service waits for has come. */
void fcn_io_quiet(uint16_t slot)
{
	struct fcn_x *x = &fcn_xs[slot];

	if (x->flags & FCNF_QUIET)
		return;
	if (x->err) {
		x->state = FCN_FREE;
		fcn_refuse(slot, x->err);
	} else {
		finish(slot, x, x->seq_cnt);
	}
	fcn_admin_done(&x->admin, 0); /* an FC_ABORT that came too late */
}

static __attribute__((noinline)) void broken(uint16_t slot, uint8_t buf)
{
	hal_fc_buf_free(buf);
	if (fcn_xs[slot].state != FCN_ABORT) {
		fcn_stats.seq_errors++;
		fcn_kill(slot, EIO, true);
	}
}

static __attribute__((noinline)) void nobodys(uint8_t buf)
{
	fcn_stats.dropped++;
	hal_fc_buf_free(buf);
}

/*
 * The context of a read: how far it came. True: nothing can be placed any more, whatever comes
 * before it is stopped.
 */
static inline bool read_over(uint16_t slot, struct fcn_x *x)
{
	x->done = hal_fcx_word(slot, 3);
	fcn_stop(slot, x);
	return x->done == io_entry(slot)->data_len;
}

static inline bool length_ok(uint32_t r_ctl, uint32_t len)
{
	return r_ctl == FCN_R_ERSP ? len == FCN_ERSP_LEN : len == 0 || len == FCN_RSP_LEN;
}

static inline void take_response(uint16_t slot, struct fcn_x *x, uint8_t buf, uint32_t len)
{
	const struct fcn_pair *p = &fcn_pairs[x->qp];

	if (len == FCN_ERSP_LEN)
		hal_fc_buf_place(buf, FC_BUF_PAYLOAD, FCN_ERSP_LEN,
				 p->rx_cmd + (uint32_t)(slot - p->base) * WEFT_FC_RSP_SIZE, slot,
				 true);
	else
		hal_fc_buf_free(buf);
}

/* Not yet: engines are at it. A command that has not left, as far as is known, is waited for, too. */
static __attribute__((noinline)) void wait(uint16_t slot, struct fcn_x *x, uint32_t len, bool left)
{
	x->state = FCN_DONE;
	x->seq_cnt = (uint16_t)len;
	if (!left)
		fcn_fence(slot);
}

void fcn_io_response(const struct hal_event *ev)
{
	uint8_t buf = fc_ev_buf(ev);
	uint32_t ids = fcn_hdr_word(buf, FCN_W_IDS), len = fc_ev_len(ev);
	uint16_t slot = fcn_find(ev, ids, fcn_hdr_word(buf, FCN_W_S_ID));
	struct fcn_x *x = &fcn_xs[slot & FCN_SLOT_MASK];
	bool left = true, inert = true;

	if (__builtin_expect(slot == ENG_NO_SLOT || !(ev->w2 & FC_F_EX_CTX), 0)) {
		nobodys(buf);
		return;
	}
	if (__builtin_expect(x->state != FCN_IO || (ev->flags & FC_EV_SINGLE) != FC_EV_SINGLE ||
				     !length_ok(fc_ev_r_ctl(ev), len) ||
				     (fcn_hdr_word(buf, FCN_W_SEQ) & 0xff0000) ||
				     (x->flags & FCNF_WAITS),
			     0)) {
		broken(slot, buf);
		return;
	}
	if (x->flags & FCNF_LIVE) {
		if (__builtin_expect(hal_fcx_word(slot, 0) & ENG_FCX_OPEN, 0)) {
			broken(slot, buf);
			return;
		}
		inert = read_over(slot, x);
	}
	take_response(slot, x, buf, len);
	x->peer_xid = (uint16_t)ids;
	left = (x->flags & FCNF_TX_A) || fcn_rec(slot, 0)->frames;
	if (__builtin_expect((x->flags & FCNF_TX_A) || !inert || !left, 0))
		wait(slot, x, len, left);
	else
		finish(slot, x, len);
}

/* --- data for the other side ------------------------------------------------------------------------ */

static void send_data(uint16_t slot, struct fcn_x *x, uint32_t off, uint32_t len)
{
	struct eng_fc_tx_rec *rec = fcn_rec(slot, 0);

	x->seq_id++;
	x->done = off + len;
	fcn_rec_hdr(rec, x, FCN_R_DATA, F_DATA, fcn_xid(slot, x) << 16 | x->peer_xid, off);
	fcn_rec_data(rec, x, slot, off, len);
	fcn_tx(slot, x, 0);
}

/* A request is for the bytes that follow those sent before, and only one is open. */
static bool xfer_rdy_ok(const struct hal_event *ev, const struct fcn_x *x, uint32_t data_len,
			const uint32_t rdy[3])
{
	uint32_t off = swap32(rdy[0]), burst = swap32(rdy[1]);

	return (ev->flags & FC_EV_SINGLE) == FC_EV_SINGLE && fc_ev_len(ev) == FCN_XFER_RDY_LEN &&
	       !(x->flags & (FCNF_TX_A | FCNF_WAITS)) && off == x->done && burst &&
	       burst <= data_len - off;
}

/* Once it has said its id it keeps to it. */
static bool peer_xid_ok(struct fcn_x *x, uint32_t rx_id)
{
	if (x->peer_xid == FC_XID_NONE)
		x->peer_xid = (uint16_t)rx_id;
	return x->peer_xid == rx_id;
}

void fcn_io_xfer_rdy(const struct hal_event *ev)
{
	uint8_t buf = fc_ev_buf(ev);
	uint32_t ids = fcn_hdr_word(buf, FCN_W_IDS), rdy[3];
	uint16_t slot = fcn_find(ev, ids, fcn_hdr_word(buf, FCN_W_S_ID));
	struct fcn_x *x = &fcn_xs[slot & FCN_SLOT_MASK];
	const struct weft_fc_io_entry *e;

	if (slot == ENG_NO_SLOT || !(ev->w2 & FC_F_EX_CTX)) {
		nobodys(buf);
		return;
	}
	e = io_entry(slot);
	hal_fc_buf_copy(buf, FC_BUF_PAYLOAD, rdy, sizeof(rdy));
	if (x->state != FCN_IO || !(e->flags & WEFT_SQF_DATA_OUT) ||
	    !xfer_rdy_ok(ev, x, e->data_len, rdy) || (fcn_hdr_word(buf, FCN_W_SEQ) & 0xff0000) ||
	    !peer_xid_ok(x, ids & 0xffff)) {
		broken(slot, buf);
		return;
	}
	hal_fc_buf_free(buf);
	send_data(slot, x, x->done, swap32(rdy[1]));
}
