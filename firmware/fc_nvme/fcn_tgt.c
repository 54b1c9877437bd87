/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Target role: commands come into free receive buffers of the target pairs, data and responses leave
 * as the host program says. A command that finds no buffer waits in the frame's own, up to a bound.
 */
#include "fcn_int.h"

#include <string.h>

#define F_DATA (FC_TYPE_FCP << 24 | FC_F_EX_CTX | FC_F_END_SEQ | FC_F_REL_OFF)
#define F_RDY (FC_TYPE_FCP << 24 | FC_F_EX_CTX | FC_F_END_SEQ | FC_F_SEQ_INIT)
#define F_RSP (FC_TYPE_FCP << 24 | FC_F_EX_CTX | FC_F_LAST_SEQ | FC_F_END_SEQ | FC_F_SEQ_INIT)

#define WRITE_MS 20000u
#define WAITING_MAX 32u /* commands that wait in the receive engine's buffers */
#define CACHE 16u

static struct {
	uint8_t qps[WEFT_N_QP];
	uint32_t n, turn;
} targets;

static struct {
	uint8_t buf[WAITING_MAX];
	uint32_t n; /* oldest first */
} waiting;

static struct {
	uint32_t id;
	uint16_t rport;
} cache[CACHE];

static inline const struct weft_fc_tgt_entry *tgt_entry(uint16_t slot)
{
	return (const void *)hal_slot_entry(slot);
}

void fcn_tgt_init(void)
{
	memset(&targets, 0, sizeof(targets));
	memset(&waiting, 0, sizeof(waiting));
	fcn_rport_cache_drop();
}

void fcn_tgt_add(uint16_t qp, bool add)
{
	uint32_t n = 0;

	if (add) {
		targets.qps[targets.n++] = (uint8_t)qp;
		fcn_tgt_pump();
		return;
	}
	for (uint32_t i = 0; i < targets.n; i++)
		if (targets.qps[i] != qp)
			targets.qps[n++] = targets.qps[i];
	targets.n = n;
	if (!n)
		fcn_tgt_forget(FCN_ALL_PORTS, FC_XID_NONE);
}

/* --- which port ------------------------------------------------------------------------------------- */

void fcn_rport_cache_drop(void)
{
	memset(cache, 0, sizeof(cache)); /* 0 is nobody's N_Port_ID */
}

static __attribute__((noinline)) uint16_t look_up(uint32_t s_id)
{
	uint16_t rport = fc_rport_by_id(s_id);

	if (rport < WEFT_N_RPORT && s_id) {
		cache[s_id % CACHE].id = s_id;
		cache[s_id % CACHE].rport = rport;
	}
	return rport;
}

uint16_t fcn_rport_of(uint32_t s_id)
{
	return cache[s_id % CACHE].id == s_id && s_id ? cache[s_id % CACHE].rport : look_up(s_id);
}

/* --- commands ----------------------------------------------------------------------------------------- */

/* The first receive buffer of a pair that has one and an id for it. ENG_NO_SLOT: none. */
static inline uint16_t take(struct fcn_pair *p, uint32_t *xid)
{
	uint16_t slot = p->free_first;

	if (__builtin_expect(slot == ENG_NO_SLOT || p->closing, 0))
		return ENG_NO_SLOT;
	*xid = fcn_xid_new(slot, &fcn_xs[slot]);
	if (__builtin_expect(*xid == FC_XID_NONE, 0)) {
		if (p->free_last == slot)
			return ENG_NO_SLOT;
		p->free_first = fcn_xs[slot].next; /* another one's turn */
		fcn_xs[p->free_last].next = slot;
		fcn_xs[slot].next = ENG_NO_SLOT;
		p->free_last = slot;
		fcn_after(0);
		return ENG_NO_SLOT;
	}
	p->free_first = fcn_xs[slot].next;
	return slot;
}

/* With several pairs a connection keeps to its own while that has room. */
static __attribute__((noinline)) uint16_t take_of_many(uint8_t buf, uint32_t *xid)
{
	uint32_t id, i;

	hal_fc_buf_copy(buf, FC_BUF_PAYLOAD + 12, &id, 4); /* low half of the connection id */
	id = swap32(id);
	i = (id ^ id >> 16) % targets.n;
	for (uint32_t k = 0; k < targets.n; k++) {
		uint16_t slot = take(&fcn_pairs[targets.qps[i]], xid);

		if (slot != ENG_NO_SLOT)
			return slot;
		i = i + 1 < targets.n ? i + 1 : 0;
	}
	return ENG_NO_SLOT;
}

static inline uint16_t take_slot(uint8_t buf, uint32_t *xid)
{
	if (__builtin_expect(targets.n == 1, 1))
		return take(&fcn_pairs[targets.qps[0]], xid);
	return targets.n ? take_of_many(buf, xid) : ENG_NO_SLOT;
}

static inline __attribute__((always_inline)) void deliver(uint16_t slot, uint8_t buf, uint32_t s_id,
							  uint16_t rport, uint32_t xid)
{
	uint32_t ox_id = fcn_hdr_word(buf, FCN_W_IDS) >> 16;
	struct fcn_x *x = &fcn_xs[slot];
	const struct fcn_pair *p = &fcn_pairs[x->qp];
	uint16_t cid = (uint16_t)(slot - p->base);
	const struct hal_cpl cpl = {
		.qp = x->qp,
		.type = WEFT_CQT_CAPSULE,
		.cid = cid,
		.data_len = FCN_CMND_LEN,
		.dw = { rport, s_id, ox_id | xid << 16, 0 },
		.slot = slot,
	};

	hal_fc_buf_place(buf, 0, WEFT_FC_RX_CMD_SIZE,
			 p->rx_cmd + (uint32_t)cid * WEFT_FC_RX_CMD_SIZE, slot, true);
	fcn_begin(x, FCN_HELD, xid, rport, (x->flags & FCNF_STOP) | FCNF_KNOWN);
	x->peer = s_id;
	x->peer_xid = (uint16_t)ox_id;
	x->w7 = 1 | (uint32_t)fc_rport(rport)->max_data << 16; /* recv_cnt: CMND was 0 */
	hal_complete(&cpl);
}

/* No buffer is free. Credit holds back the others until one is. */
static __attribute__((noinline)) void stand(uint8_t buf)
{
	if (targets.n && waiting.n < WAITING_MAX) {
		waiting.buf[waiting.n++] = buf;
		return;
	}
	fcn_stats.dropped++;
	hal_fc_buf_free(buf); /* its host will abort it */
}

static __attribute__((noinline)) void bad_command(uint8_t buf, uint32_t s_id, uint16_t rport)
{
	log_limited("fc: command of %06x dropped", s_id);
	if (rport >= WEFT_N_RPORT)
		fc_stranger(s_id);
	fcn_stats.dropped++;
	hal_fc_buf_free(buf);
}

void fcn_tgt_command(const struct hal_event *ev)
{
	uint8_t buf = fc_ev_buf(ev);
	uint32_t s_id = fcn_hdr_word(buf, FCN_W_S_ID) & 0xffffff, xid;
	uint16_t rport = fcn_rport_of(s_id), slot;

	if (__builtin_expect(fc_ev_len(ev) != FCN_CMND_LEN ||
				     (ev->flags & FC_EV_SINGLE) != FC_EV_SINGLE ||
				     (ev->w2 & FC_F_EX_CTX) || rport >= WEFT_N_RPORT ||
				     (fcn_hdr_word(buf, FCN_W_SEQ) & 0xff0000),
			     0)) {
		bad_command(buf, s_id, rport);
		return;
	}
	slot = __builtin_expect(waiting.n, 0) ? ENG_NO_SLOT : take_slot(buf, &xid);
	if (__builtin_expect(slot == ENG_NO_SLOT, 0))
		stand(buf);
	else
		deliver(slot, buf, s_id, rport, xid);
}

__attribute__((noinline)) void fcn_tgt_pump(void)
{
	while (waiting.n) {
		uint8_t buf = waiting.buf[0];
		uint32_t s_id = fcn_hdr_word(buf, FCN_W_S_ID) & 0xffffff, xid;
		uint16_t rport = fcn_rport_of(s_id), slot = ENG_NO_SLOT;

		if (rport < WEFT_N_RPORT) {
			slot = take_slot(buf, &xid);
			if (slot == ENG_NO_SLOT)
				return;
		}
		waiting.n--;
		for (uint32_t i = 0; i < waiting.n; i++)
			waiting.buf[i] = waiting.buf[i + 1];
		if (slot == ENG_NO_SLOT) /* its port is no more */
			hal_fc_buf_free(buf);
		else
			deliver(slot, buf, s_id, rport, xid);
	}
}

bool fcn_tgt_forget(uint32_t s_id, uint16_t ox_id)
{
	uint32_t n = 0;
	bool some;

	for (uint32_t i = 0; i < waiting.n; i++) {
		uint8_t buf = waiting.buf[i];
		uint32_t from = fcn_hdr_word(buf, FCN_W_S_ID) & 0xffffff;

		if ((s_id != FCN_ALL_PORTS && from != s_id) ||
		    (ox_id != FC_XID_NONE && fcn_hdr_word(buf, FCN_W_IDS) >> 16 != ox_id))
			waiting.buf[n++] = buf;
		else
			hal_fc_buf_free(buf);
	}
	some = n != waiting.n;
	waiting.n = n;
	return some;
}

/* --- entries --------------------------------------------------------------------------------------------- */

static inline bool data_ok(uint16_t slot, const struct weft_fc_tgt_entry *e)
{
	uint32_t len = e->data_len;

	if (len - 1 >= WEFT_DATA_MAX || (e->offset & 3) || e->offset > UINT32_MAX - WEFT_DATA_MAX)
		return false;
	if (__builtin_expect(e->sgl_count == 1 && !(e->flags & WEFT_SQF_SGL_CHAIN), 1))
		return e->sgl[0].len >= len;
	return sgl_covers(hal_slot_entry(slot));
}

static inline bool rsp_ok(const struct weft_fc_tgt_entry *e)
{
	return e->rsp_len == FCN_RSP_LEN || e->rsp_len == FCN_ERSP_LEN;
}

static inline uint32_t ids_of(uint16_t slot, const struct fcn_x *x)
{
	return (uint32_t)x->peer_xid << 16 | fcn_xid(slot, x);
}

static inline void response(struct eng_fc_tx_rec *rec, uint16_t slot, struct fcn_x *x,
			    const struct weft_fc_tgt_entry *e)
{
	uint32_t len = e->rsp_len;

	fcn_rec_hdr(rec, x, len == FCN_ERSP_LEN ? FCN_R_ERSP : FCN_R_RSP, F_RSP, ids_of(slot, x),
		    0);
	fcn_rec_lit(rec, x, slot, hal_xram_off(e->rsp), len);
}

static inline void read(uint16_t slot, struct fcn_x *x, const struct weft_fc_tgt_entry *e)
{
	struct eng_fc_tx_rec *rec = fcn_rec(slot, 0);
	uint32_t len = e->data_len;

	x->state = FCN_READ;
	fcn_rec_hdr(rec, x, FCN_R_DATA, F_DATA, ids_of(slot, x), e->offset);
	fcn_rec_data(rec, x, slot, 0, len);
	x->seq_id++;
	x->seq_cnt = (uint16_t)(x->seq_cnt + (len + x->max_data - 1) / x->max_data);
	if (e->flags & WEFT_SQF_RESP) {
		x->state = FCN_RSP;
		x->done = len;
		response(rec + 1, slot, x, e);
		fcn_tx(slot, x, FCNF_PAIR);
	} else {
		fcn_tx(slot, x, 0);
	}
}

static inline void submit_read(uint16_t slot, struct fcn_x *x, const struct weft_fc_tgt_entry *e)
{
	uint32_t flags = e->flags & (uint8_t)~WEFT_SQF_SGL_CHAIN;

	if (((flags == WEFT_SQF_DATA_OUT && !e->rsp_len) ||
	     (flags == (WEFT_SQF_DATA_OUT | WEFT_SQF_RESP) && rsp_ok(e))) &&
	    data_ok(slot, e))
		read(slot, x, e);
	else
		fcn_refuse(slot, EINVAL);
}

static inline void submit_rsp(uint16_t slot, struct fcn_x *x, const struct weft_fc_tgt_entry *e)
{
	if (e->flags || e->data_len || !rsp_ok(e)) {
		fcn_refuse(slot, EINVAL);
		return;
	}
	x->state = FCN_RSP;
	x->done = 0;
	response(fcn_rec(slot, 0), slot, x, e);
	fcn_tx(slot, x, 0);
}

/* The context is armed before the host may send. XFER_RDY stands where the second record would. */
void fcn_tgt_start(uint16_t slot)
{
	const struct weft_fc_tgt_entry *e = tgt_entry(slot);
	struct fcn_x *x = &fcn_xs[slot];
	struct eng_fc_tx_rec *rec = fcn_rec(slot, 0);
	uint32_t *rdy = (uint32_t *)(void *)(rec + 1);
	const struct eng_fcx ctx = {
		.flags = ENG_FCX_MATCH | ENG_FCX_ARMED | ENG_FCX_RESPONDER | ENG_FCX_EVENT |
			 ENG_FCX_PEER,
		.xid = (uint16_t)fcn_xid(slot, x),
		.s_id = x->peer,
		.peer_xid = x->peer_xid,
		.seq_cnt = x->recv_cnt,
		.next = e->offset,
		.end = e->offset + e->data_len,
		.base = e->offset,
	};

	x->flags |= FCNF_LIVE;
	hal_fcx_set(slot, &ctx);
	rdy[0] = swap32(e->offset);
	rdy[1] = swap32(e->data_len);
	rdy[2] = 0;
	fcn_rec_hdr(rec, x, FCN_R_XFER_RDY, F_RDY, ids_of(slot, x), 0);
	fcn_rec_lit(rec, x, slot, hal_xram_off(rdy), FCN_XFER_RDY_LEN);
	x->seq_id++;
	x->seq_cnt++;
	fcn_tx(slot, x, FCNF_QUICK);
}

static void submit_write(uint16_t slot, struct fcn_x *x, const struct weft_fc_tgt_entry *e)
{
	if ((e->flags & (uint8_t)~WEFT_SQF_SGL_CHAIN) != WEFT_SQF_DATA_IN || e->rsp_len ||
	    !data_ok(slot, e)) {
		fcn_refuse(slot, EINVAL);
		return;
	}
	x->state = FCN_WRITE;
	x->deadline = fcn_after(e->timeout_ms ? e->timeout_ms : WRITE_MS);
	if (!(x->flags & FCNF_STOP)) /* of the write before */
		fcn_tgt_start(slot);
}

void fcn_tgt_release(uint16_t slot)
{
	const struct weft_sq_entry *e = hal_slot_entry(slot);
	struct fcn_x *x = &fcn_xs[slot];

	if (e->flags || e->data_len || x->state == FCN_HELD) {
		fcn_refuse(slot, EINVAL);
	} else if (x->state == FCN_ABORT) {
		x->flags |= FCNF_RELEASE;
	} else {
		fcn_rx_free(slot);
		fcn_entry_done(slot, 0, 0);
		fcn_tgt_pump();
	}
}

/* Nobody has this buffer, or its exchange is no more. */
static __attribute__((noinline)) void refuse(uint16_t slot, const struct fcn_x *x)
{
	bool known = x->state != FCN_FREE && (x->flags & FCNF_KNOWN);

	fcn_refuse(slot, known ? ECANCELED : EINVAL);
}

void fcn_tgt_submit(uint16_t slot)
{
	const struct weft_fc_tgt_entry *e = tgt_entry(slot);
	struct fcn_x *x = &fcn_xs[slot];
	uint8_t op = e->opcode;

	if (op < WEFT_OP_FC_READ || op > WEFT_OP_FC_RELEASE)
		fcn_refuse(slot, EOPNOTSUPP);
	else if (op == WEFT_OP_FC_RELEASE && x->state != FCN_FREE)
		fcn_tgt_release(slot);
	else if (__builtin_expect(x->state != FCN_HELD, 0))
		refuse(slot, x);
	else if (op == WEFT_OP_FC_READ)
		submit_read(slot, x, e);
	else if (op == WEFT_OP_FC_RSP)
		submit_rsp(slot, x, e);
	else
		submit_write(slot, x, e);
}

/* READ, RSP: an operation with DONE has ended. */
void fcn_tgt_sent(uint16_t slot)
{
	struct fcn_x *x = &fcn_xs[slot];

	if (x->flags & (FCNF_TX_A | FCNF_TX_B))
		return;
	if (x->state == FCN_READ) {
		x->state = FCN_HELD;
		fcn_entry_done(slot, 0, tgt_entry(slot)->data_len);
		return;
	}
	fcn_rx_free(slot);
	fcn_entry_done(slot, 0, x->done);
	if (__builtin_expect(waiting.n, 0))
		fcn_tgt_pump();
}
