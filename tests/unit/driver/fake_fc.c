/* SPDX-License-Identifier: BSD-2-Clause */
/* The Fibre Channel wire between two fake adapters: entries and exchanges. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fake_fc.h"

#define LATE_TICKS 16
#define IU_LEN 96

struct fake_x *fake_fc_x(struct fake_fc *fc, uint16_t qp, uint16_t cid)
{
	return &fc->pair[qp]->x[cid];
}

static struct fake_fc *other(struct fake_fc *fc)
{
	return fc->peer->fc;
}

/* The other end of an exchange; NULL: it does not know it. */
static struct fake_x *far_end(struct fake_fc *fc, const struct fake_x *x)
{
	if (!x->linked || !other(fc)->pair[x->peer_qp])
		return NULL;
	return fake_fc_x(other(fc), x->peer_qp, x->peer_cid);
}

static void unlink_x(struct fake_fc *fc, struct fake_x *x)
{
	struct fake_x *y = far_end(fc, x);

	if (y)
		y->linked = false;
	x->linked = false;
}

static void post_late(struct fake_fc *fc, uint16_t qp, uint16_t cid, bool frees,
		      const struct weft_cq_entry *e)
{
	if (fc->n_late < 64)
		fc->late[fc->n_late++] = (struct fake_late){ LATE_TICKS, qp, cid, frees, *e };
	else
		fake_violation(fc->f, "too much is late");
}

static void end_entry(struct fake_fc *fc, uint16_t qp, uint16_t cid, uint16_t status, uint32_t len)
{
	struct weft_cq_entry e = { .status = status, .data_len = status ? 0 : len };

	fake_fc_x(fc, qp, cid)->op = false;
	fake_finish(fc->f, qp, cid, &e);
}

/* Host's or asker's end: the entry ends, and the exchange. */
static void end_own(struct fake_fc *fc, uint16_t qp, uint16_t cid, uint16_t status, uint32_t dw0,
		    uint32_t len)
{
	struct weft_cq_entry e = { .status = status, .data_len = status ? 0 : len };
	struct fake_x *x = fake_fc_x(fc, qp, cid);

	memcpy(e.cqe, &dw0, 4);
	unlink_x(fc, x);
	x->state = X_FREE;
	x->waiting = false;
	fake_finish(fc->f, qp, cid, &e);
}

/* Target's or answerer's end is aborted, by the other side or a lost link. */
static void kill_rx(struct fake_fc *fc, uint16_t qp, uint16_t cid)
{
	struct fake_x *x = fake_fc_x(fc, qp, cid);

	if (x->state != X_HELD)
		return;
	unlink_x(fc, x);
	x->state = X_DEAD;
	fake_event(fc->f, qp, WEFT_EV_FC_ABORTED, cid, 0);
	if (x->op)
		end_entry(fc, qp, cid, ECANCELED, 0);
}

/* The far end of x hears of its abort. */
static void kill_far(struct fake_fc *fc, struct fake_x *x)
{
	struct fake_x *y = far_end(fc, x);
	uint16_t qp = x->peer_qp, cid = x->peer_cid;

	if (!y)
		return;
	if (y->state == X_HELD)
		kill_rx(other(fc), qp, cid);
	else if (y->state == X_IO || y->state == X_LS)
		end_own(other(fc), qp, cid, EIO, 0, 0);
}

static int free_rx(struct fake_fc *fc, uint16_t qp)
{
	struct fake_fc_pair *p = fc->pair[qp];

	for (unsigned int i = p->first_rx; i < p->entries; i++)
		if (p->x[i].state == X_FREE)
			return (int)i;
	return -1;
}

/* Hands len bytes at payload, with a head, to a receive buffer of the other side. */
static void receive(struct fake_fc *to, uint16_t qp, uint16_t cid, const void *payload,
		    uint32_t len)
{
	struct fake_fc_pair *p = to->pair[qp];
	bool ls = p->flags & WEFT_QPF_LS;
	uint64_t at = ls ? p->rx_icd + (uint64_t)(cid - p->first_rx) * p->icd_size :
			   p->rx_cmd + (uint64_t)cid * WEFT_FC_RX_CMD_SIZE;
	uint8_t *mem = fake_mem(to->f, at, sizeof(struct weft_fc_rx) + len);
	struct weft_cq_entry e = { .type = WEFT_CQT_CAPSULE, .cid = cid, .data_len = len };
	uint32_t dw[3] = { to->index, other(to)->id, cid | 0x8000u << 16 };

	if (!mem)
		fake_violation(to->f, "receive buffer %u of pair %u is not mapped", cid, qp);
	else
		memcpy(mem + sizeof(struct weft_fc_rx), payload, len);
	if (!ls && fake_fc_hit(FAKE_STRANGER))
		dw[0] ^= 1;
	if (fake_fc_hit(FAKE_DMA_ERROR))
		e.flags = WEFT_CQF_DMA_ERR;
	memcpy(e.cqe, dw, sizeof(dw));
	p->x[cid].state = X_HELD;
	p->x[cid].op = false;
	p->x[cid].moved = 0;
	fake_post(to->f, qp, &e);
}

static void link_x(struct fake_fc *fc, uint16_t qp, uint16_t cid, uint16_t to_qp, uint16_t to_cid)
{
	struct fake_x *x = fake_fc_x(fc, qp, cid), *y = fake_fc_x(other(fc), to_qp, to_cid);

	x->linked = y->linked = true;
	x->peer_qp = to_qp;
	x->peer_cid = to_cid;
	y->peer_qp = qp;
	y->peer_cid = cid;
}

/* --- commands --------------------------------------------------------------------------------------- */

static void deliver_io(struct fake_fc *fc, uint16_t qp, uint16_t cid)
{
	const struct weft_fc_io_entry *e = (const void *)&fake_fc_x(fc, qp, cid)->e;
	struct fake_fc *to = other(fc);
	int rx = to->target_qp ? free_rx(to, to->target_qp) : -1;

	fake_fc_x(fc, qp, cid)->waiting = rx < 0;
	if (rx < 0)
		return;
	link_x(fc, qp, cid, to->target_qp, (uint16_t)rx);
	receive(to, to->target_qp, (uint16_t)rx, e->cmnd, IU_LEN);
}

/* A buffer of the target is free. */
void fake_fc_waiting(struct fake_fc *target)
{
	struct fake_fc *host = other(target);

	for (uint16_t qp = 1; qp < 128; qp++)
		for (uint16_t cid = 0; host->pair[qp] && cid < host->pair[qp]->entries; cid++)
			if (host->pair[qp]->x[cid].waiting)
				deliver_io(host, qp, cid);
}

static void check_io(struct fake_fc *fc, const struct weft_fc_io_entry *e)
{
	uint32_t len = (uint32_t)e->cmnd[20] << 24 | (uint32_t)e->cmnd[21] << 16 |
		       (uint32_t)e->cmnd[22] << 8 | e->cmnd[23];
	uint8_t dir = e->flags & (WEFT_SQF_DATA_OUT | WEFT_SQF_DATA_IN);

	if (len != e->data_len || (e->cmnd[7] & 3) != dir || !len != !dir ||
	    !len != !e->sgl_count || (len && !(e->flags & WEFT_SQF_SGL_TAIL)) ||
	    e->rport != fc->index ||
	    (!(e->flags & WEFT_SQF_SGL_CHAIN) && (e->sgl_count > 1 || e->sgl.len < len)))
		fake_violation(fc->f, "FC_IO flags %02x, %u bytes of %u, port %u", e->flags,
			       e->data_len, len, e->rport);
}

static void io(struct fake_fc *fc, uint16_t qp, const struct weft_sq_entry *e)
{
	struct fake_x *x = fake_fc_x(fc, qp, e->cid);

	check_io(fc, (const void *)e);
	fc->ios++;
	x->state = X_IO;
	x->linked = false;
	x->moved = 0;
	x->e = *e;
	if (!fc->up)
		end_own(fc, qp, e->cid, ENOTCONN, 0, 0);
	else if (fake_fc_hit(FAKE_CMND_ABORT))
		end_own(fc, qp, e->cid, EIO, 0, 0);
	else if (!fake_fc_hit(FAKE_CMND_DROP))
		deliver_io(fc, qp, e->cid);
}

/* Moves n bytes between the target's entry and the host's. */
static void move(struct fake_fc *fc, const struct weft_sq_entry *e, struct fake_x *host, uint32_t n)
{
	const struct weft_fc_tgt_entry *t = (const void *)e;
	struct fake *hf = fc->peer;
	uint8_t *buf = malloc(n);
	bool ok = true;

	if (t->offset % 4 || t->offset > host->e.data_len || n > host->e.data_len - t->offset)
		fake_violation(fc->f, "%u bytes at %u of %u", n, t->offset, host->e.data_len);
	else if (t->opcode == WEFT_OP_FC_READ)
		ok = fake_gather(fc->f, e, 0, buf, n) &&
		     fake_scatter(hf, &host->e, t->offset, buf, n);
	else
		ok = fake_gather(hf, &host->e, t->offset, buf, n) &&
		     fake_scatter(fc->f, e, 0, buf, n);
	if (!ok)
		fake_violation(fc->f, "data of FC_READ or FC_WRITE are not mapped");
	host->moved += n;
	free(buf);
}

static void respond(struct fake_fc *fc, uint16_t qp, const struct weft_fc_tgt_entry *t)
{
	struct fake_x *x = fake_fc_x(fc, qp, t->cid), *host = far_end(fc, x);
	struct weft_cq_entry done = { .data_len = t->data_len };
	struct fake_fc *hf = other(fc);
	uint16_t hqp = x->peer_qp, hcid = x->peer_cid;
	uint32_t len = t->rsp_len;
	uint8_t *mem =
		fake_mem(hf->f, hf->pair[hqp]->rx_cmd + hcid * WEFT_FC_RSP_SIZE, WEFT_FC_RSP_SIZE);

	fc->short_rsps += len == 12;
	if (fake_fc_hit(FAKE_RSP_DROP)) {
		unlink_x(fc, x);
	} else {
		if (len == 32)
			memcpy(mem, t->rsp, len);
		if (fake_fc_hit(FAKE_RSP_GARBLE))
			memset(mem, 0x5a, len = 32);
		end_own(hf, hqp, hcid, 0, len == 12 && fc->empty_rsp ? 0 : len, host->moved);
	}
	if (fake_fc_hit(FAKE_RSP_LATE)) {
		x->state = X_LATE;
		post_late(fc, qp, t->cid, true, &done);
		return;
	}
	x->state = X_FREE;
	end_entry(fc, qp, t->cid, 0, t->data_len);
	fake_fc_waiting(fc);
}

static void op(struct fake_fc *fc, uint16_t qp, const struct weft_sq_entry *e)
{
	const struct weft_fc_tgt_entry *t = (const void *)e;
	struct fake_x *x = fake_fc_x(fc, qp, e->cid), *host = far_end(fc, x);
	uint32_t n = t->opcode == WEFT_OP_FC_RSP ? 0 : t->data_len;
	bool rsp = t->opcode == WEFT_OP_FC_RSP || (t->flags & WEFT_SQF_RESP);

	if (host && fake_fc_hit(FAKE_OP_ABORT)) {
		end_own(other(fc), x->peer_qp, x->peer_cid, EIO, 0, 0);
		host = NULL;
	}
	if (!host || fake_fc_hit(FAKE_OP_ERROR)) {
		end_entry(fc, qp, e->cid, EIO, 0);
		return;
	}
	if (n && fake_fc_hit(FAKE_OP_SHORT)) {
		move(fc, e, host, n / 2);
		end_entry(fc, qp, e->cid, rsp ? EIO : 0, n / 2);
		return;
	}
	if (n)
		move(fc, e, host, n);
	if (rsp)
		respond(fc, qp, t);
	else
		end_entry(fc, qp, e->cid, 0, n);
}

/* The count of what was asked, and its form. */
static bool form_ok(struct fake_fc *fc, const struct weft_fc_tgt_entry *t)
{
	uint8_t flags = t->flags & (uint8_t)~WEFT_SQF_SGL_CHAIN;
	bool rsp = t->rsp_len == 12 || t->rsp_len == 32;

	switch (t->opcode) {
	case WEFT_OP_FC_READ:
		fc->ops[flags & WEFT_SQF_RESP ? OPS_READ_RSP : OPS_READ]++;
		return t->data_len && (flags & (uint8_t)~WEFT_SQF_RESP) == WEFT_SQF_DATA_OUT &&
		       (flags & WEFT_SQF_RESP ? rsp : !t->rsp_len);
	case WEFT_OP_FC_WRITE:
		fc->ops[OPS_WRITE]++;
		fc->write_ms = t->timeout_ms;
		return t->data_len && flags == WEFT_SQF_DATA_IN && !t->rsp_len;
	case WEFT_OP_FC_RSP:
		fc->ops[OPS_RSP]++;
		return !t->data_len && !flags && !t->sgl_count && rsp;
	case WEFT_OP_FC_RELEASE:
		fc->ops[OPS_RELEASE]++;
		return !t->data_len && !flags && !t->sgl_count;
	}
	return false;
}

static void release(struct fake_fc *fc, uint16_t qp, uint16_t cid)
{
	struct fake_x *x = fake_fc_x(fc, qp, cid);

	if (x->state != X_DEAD)
		fake_violation(fc->f, "FC_RELEASE of buffer %u of pair %u, whose exchange lives",
			       cid, qp);
	x->state = X_FREE;
	end_entry(fc, qp, cid, 0, 0);
	if (!(fc->pair[qp]->flags & WEFT_QPF_LS))
		fake_fc_waiting(fc);
}

static void target_entry(struct fake_fc *fc, uint16_t qp, const struct weft_sq_entry *e)
{
	struct fake_x *x = fake_fc_x(fc, qp, e->cid);

	if (!form_ok(fc, (const void *)e))
		fake_violation(fc->f, "target's entry %02x with flags %02x", e->opcode, e->flags);
	if (x->state != X_HELD && x->state != X_DEAD) {
		fake_violation(fc->f, "entry on buffer %u, which holds nothing", e->cid);
		end_entry(fc, qp, e->cid, EINVAL, 0);
	} else if (e->opcode == WEFT_OP_FC_RELEASE) {
		release(fc, qp, e->cid);
	} else if (x->state == X_DEAD) {
		end_entry(fc, qp, e->cid, ECANCELED, 0);
	} else {
		x->op = true;
		x->e = *e;
		if (!fake_fc_hit(FAKE_OP_DROP))
			op(fc, qp, e);
	}
}

/* --- link services ---------------------------------------------------------------------------------- */

static void ask(struct fake_fc *fc, uint16_t qp, const struct weft_sq_entry *e)
{
	const struct weft_fc_ls_entry *l = (const void *)e;
	struct fake_x *x = fake_fc_x(fc, qp, e->cid);
	struct fake_fc *to = other(fc);
	uint8_t rqst[2048];
	int rx = to->ls_qp ? free_rx(to, to->ls_qp) : -1;

	if (e->flags != (WEFT_SQF_DATA_OUT | WEFT_SQF_DATA_IN) || !l->rqst_len || l->rqst_len % 4 ||
	    l->rqst_len > e->data_len || l->rqst_len > sizeof(rqst) || l->rport != fc->index ||
	    !fake_gather(fc->f, e, 0, rqst, l->rqst_len))
		fake_violation(fc->f, "FC_LS flags %02x, %u of %u bytes", e->flags, l->rqst_len,
			       e->data_len);
	x->state = X_LS;
	x->linked = false;
	x->e = *e;
	x->deadline = fc->f->time_ns + (uint64_t)l->timeout_ms * 1000000;
	if (fake_fc_hit(FAKE_LS_NO_TIMEOUT))
		x->deadline = UINT64_MAX;
	if (!fc->up || rx < 0 || fake_fc_hit(FAKE_LS_FAIL)) {
		end_own(fc, qp, e->cid, fc->up ? EIO : ENOTCONN, 0, 0);
		return;
	}
	if (fake_fc_hit(FAKE_LS_DROP))
		return;
	link_x(fc, qp, e->cid, to->ls_qp, (uint16_t)rx);
	receive(to, to->ls_qp, (uint16_t)rx, rqst, l->rqst_len);
}

static void answer_asker(struct fake_fc *fc, struct fake_x *x, uint8_t *rsp, uint32_t len)
{
	static const uint8_t rjt[40] = { 1, 0, 0, 0, 0, 0, 0, 32, 0, 0, 0, 1, 0, 0,
					 0, 8, 0, 0, 0, 0, 0, 0,  0, 0, 0, 0, 0, 2,
					 0, 0, 0, 8, 0, 9, 0, 0,  0, 0, 0, 0 };
	struct fake_x *y = far_end(fc, x);
	const struct weft_fc_ls_entry *l = (const void *)&y->e;
	struct fake_fc *to = other(fc);

	if (fake_fc_hit(FAKE_LS_GARBLE))
		memset(rsp, 0x5a, len);
	if (fake_fc_hit(FAKE_LS_REJECT)) {
		memcpy(rsp, rjt, len = sizeof(rjt));
		fake_gather(to->f, &y->e, 0, &rsp[16], 1);
	}
	if (len > y->e.data_len - l->rqst_len) {
		end_own(to, x->peer_qp, x->peer_cid, EMSGSIZE, 0, 0);
		return;
	}
	if (!fake_scatter(to->f, &y->e, l->rqst_len, rsp, len))
		fake_violation(to->f, "the place for an answer is not mapped");
	end_own(to, x->peer_qp, x->peer_cid, 0, 0, len);
}

static void answer(struct fake_fc *fc, uint16_t qp, const struct weft_sq_entry *e)
{
	struct fake_x *x = fake_fc_x(fc, qp, e->cid);
	uint8_t rsp[256];

	if (e->flags != WEFT_SQF_DATA_OUT || !e->data_len || e->data_len > sizeof(rsp) ||
	    !fake_gather(fc->f, e, 0, rsp, e->data_len)) {
		fake_violation(fc->f, "FC_LS_RSP flags %02x, %u bytes", e->flags, e->data_len);
		return;
	}
	if (x->state != X_HELD || fake_fc_hit(FAKE_LS_RSP_FAIL)) {
		unlink_x(fc, x);
		end_entry(fc, qp, e->cid, x->state == X_HELD ? EIO : ECANCELED, 0);
		return;
	}
	if (x->linked && !fake_fc_hit(FAKE_LS_RSP_DROP))
		answer_asker(fc, x, rsp, e->data_len);
	unlink_x(fc, x);
	x->state = X_FREE;
	end_entry(fc, qp, e->cid, 0, e->data_len);
}

void fake_fc_entry(struct fake *f, uint16_t qp, const struct weft_sq_entry *e)
{
	struct fake_fc *fc = f->fc;
	struct fake_fc_pair *p = fc->pair[qp];
	bool ls = p->flags & WEFT_QPF_LS, rx = e->cid >= p->first_rx;

	if (p->flags & WEFT_QPF_CONTROLLER)
		target_entry(fc, qp, e);
	else if (!ls && e->opcode == WEFT_OP_FC_IO)
		io(fc, qp, e);
	else if (ls && !rx && e->opcode == WEFT_OP_FC_LS)
		ask(fc, qp, e);
	else if (ls && rx && e->opcode == WEFT_OP_FC_LS_RSP)
		answer(fc, qp, e);
	else if (ls && rx && e->opcode == WEFT_OP_FC_RELEASE)
		release(fc, qp, e->cid);
	else
		fake_violation(f, "opcode %02x, cid %u on a pair of flags %x", e->opcode, e->cid,
			       p->flags);
}

/* --- aborts ----------------------------------------------------------------------------------------- */

static void end_admin(struct fake_fc *fc, uint16_t cid, uint16_t status)
{
	struct weft_cq_entry e = { .status = status };

	fake_finish(fc->f, 0, cid, &e);
}

/* admin_cid: completes when the abort is over. */
void fake_fc_abort(struct fake_fc *fc, uint16_t qp, uint16_t cid, uint16_t admin_cid)
{
	struct fake_x *x = fc->pair[qp] && cid < fc->pair[qp]->entries ? fake_fc_x(fc, qp, cid) :
									 NULL;
	struct weft_cq_entry canceled = { .status = ECANCELED }, over = { .status = 0 };

	fc->ops[OPS_ABORT]++;
	if (!x || x->state == X_FREE || x->state == X_LATE) {
		end_admin(fc, admin_cid, ENOENT);
		return;
	}
	kill_far(fc, x);
	if (x->state == X_IO && fake_fc_hit(FAKE_ABORT_LATE)) {
		unlink_x(fc, x);
		x->waiting = false;
		x->state = X_LATE;
		post_late(fc, qp, cid, true, &canceled);
		post_late(fc, 0, admin_cid, false, &over);
		return;
	}
	if (x->state == X_IO || x->state == X_LS) {
		end_own(fc, qp, cid, ECANCELED, 0, 0);
	} else {
		unlink_x(fc, x);
		x->state = X_DEAD;
		if (x->op)
			end_entry(fc, qp, cid, ECANCELED, 0);
	}
	end_admin(fc, admin_cid, 0);
}

void fake_fc_lose_all(struct fake_fc *fc)
{
	for (uint16_t qp = 1; qp < 128; qp++)
		for (uint16_t cid = 0; fc->pair[qp] && cid < fc->pair[qp]->entries; cid++) {
			struct fake_x *x = fake_fc_x(fc, qp, cid);

			if (x->state == X_IO || x->state == X_LS)
				end_own(fc, qp, cid, ENOTCONN, 0, 0);
			else
				kill_rx(fc, qp, cid);
		}
}

/* --- time ------------------------------------------------------------------------------------------- */

static void late_ones(struct fake_fc *fc)
{
	unsigned int n = fc->n_late;

	fc->n_late = 0;
	for (unsigned int i = 0; i < n; i++) {
		struct fake_late l = fc->late[i];

		if (--l.ticks) {
			fc->late[fc->n_late++] = l;
			continue;
		}
		if (l.frees)
			fake_fc_x(fc, l.qp, l.cid)->state = X_FREE;
		fake_finish(fc->f, l.qp, l.cid, &l.e);
		if (l.frees && (fc->pair[l.qp]->flags & WEFT_QPF_CONTROLLER))
			fake_fc_waiting(fc);
	}
}

static void timeouts(struct fake_fc *fc)
{
	struct fake_fc_pair *p = fc->ls_qp ? fc->pair[fc->ls_qp] : NULL;

	for (uint16_t cid = 0; p && cid < p->first_rx; cid++)
		if (p->x[cid].state == X_LS && fc->f->time_ns >= p->x[cid].deadline) {
			kill_far(fc, &p->x[cid]);
			end_own(fc, fc->ls_qp, cid, ETIMEDOUT, 0, 0);
		}
}

void fake_fc_tick(struct fake *f)
{
	late_ones(f->fc);
	timeouts(f->fc);
}
