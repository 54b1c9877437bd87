/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Commands received in the controller role. The driver takes one reply to a command at a time, so
 * what the consumer asks for stands in a queue of the command and moves on from completions; replies
 * that find the ring full stand in a queue of the pair. The response comes last: it is submitted when
 * everything before it has ended, or together with the last data.
 *
 * A command is held by the consumer (until nvmf_free_capsule), by each response allocated for it, and
 * by the transport until the reply that ends it has completed, or the connection has ended.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <nvme/spec.h>

#include "fc.h"
#include "weft_host.h"

#define CQE_SQHD 8
#define CQE_CID 12
#define CQE_STATUS 14
#define SQE_CID 2
#define MAX_BUCKETS 256u
#define SC_DATA_TRANSFER 0x04u

int nvmf__ctl_init(struct nvmf_qpair *qp)
{
	unsigned int n = qp->info.entries < MAX_BUCKETS ? qp->info.entries : MAX_BUCKETS;

	while (n & (n - 1)) /* FC: the host's choice */
		n &= n - 1;
	qp->mask = n - 1;
	qp->bucket = calloc(n, sizeof(qp->bucket[0]));
	return qp->bucket ? 0 : -ENOMEM;
}

void nvmf__ctl_fini(struct nvmf_qpair *qp)
{
	while (qp->free_op) {
		struct ctl_op *op = qp->free_op;

		qp->free_op = op->next;
		free(op);
	}
	free(qp->bucket);
}

static bool dead(const struct nvmf_qpair *qp)
{
	return qp->ended || qp->freed;
}

/* --- commands by CID --------------------------------------------------------------------------- */

static void hash(struct nvmf_capsule *nc)
{
	struct nvmf_capsule **at = &nc->qp->bucket[nc->ctl.cid & nc->qp->mask];

	while (*at)
		at = &(*at)->ctl.hash_next;
	*at = nc;
	nc->ctl.hash_next = NULL;
	nc->ctl.hashed = true;
}

void nvmf__ctl_unhash(struct nvmf_capsule *nc)
{
	struct nvmf_capsule **at = &nc->qp->bucket[nc->ctl.cid & nc->qp->mask];

	if (!nc->ctl.hashed)
		return;
	while (*at != nc)
		at = &(*at)->ctl.hash_next;
	*at = nc->ctl.hash_next;
	nc->ctl.hashed = false;
}

/* The oldest command of that CID, one without a response allocated before others. */
static struct nvmf_capsule *find(const struct nvmf_qpair *qp, uint16_t cid)
{
	struct nvmf_capsule *nc, *claimed = NULL;

	for (nc = qp->bucket[cid & qp->mask]; nc; nc = nc->ctl.hash_next) {
		if (nc->ctl.cid != cid)
			continue;
		if (!nc->ctl.claims)
			return nc;
		if (!claimed)
			claimed = nc;
	}
	return claimed;
}

struct nvmf_capsule *nvmf_allocate_response(struct nvmf_qpair *qp, const void *cqe, int how)
{
	struct nvmf_capsule *rsp, *nc;
	uint16_t cid;

	(void)how;
	if (!qp->conn) {
		errno = EINVAL;
		return NULL;
	}
	memcpy(&cid, (const uint8_t *)cqe + CQE_CID, 2);
	nc = find(qp, cid);
	if (!nc) {
		errno = ENOENT;
		return NULL;
	}
	rsp = nvmf__capsule_get(qp, CAPSULE_RESPONSE);
	if (!rsp) {
		errno = ENOMEM;
		return NULL;
	}
	memcpy(rsp->entry, cqe, 16);
	rsp->cmd = nc;
	nc->refs++;
	nc->ctl.claims++;
	return rsp;
}

/* --- the queue of a command -------------------------------------------------------------------- */

static struct ctl_op *op_get(struct nvmf_qpair *qp)
{
	struct ctl_op *op = qp->free_op;

	if (!op)
		return malloc(sizeof(*op));
	qp->free_op = op->next;
	return op;
}

static void op_put(struct nvmf_qpair *qp, struct ctl_op *op)
{
	op->next = qp->free_op;
	qp->free_op = op;
}

static void append(struct nvmf_capsule *nc, struct ctl_op *op)
{
	op->next = NULL;
	if (nc->ctl.op)
		nc->ctl.op_last->next = op;
	else
		nc->ctl.op = op;
	nc->ctl.op_last = op;
}

static void release_chain(struct nvmf_buf *b)
{
	while (b) {
		struct nvmf_buf *next = b->next;

		if (b->done)
			b->done(b);
		b = next;
	}
}

/* Takes the first operation out of the queue and tells its owner. */
static void end_op(struct nvmf_capsule *nc, size_t xfered, int error)
{
	struct ctl_op *op = nc->ctl.op, was = *op;

	nc->ctl.op = op->next;
	op_put(nc->qp, op);
	if (was.get)
		was.complete_cb(was.cb_arg, was.error ? 0 : xfered, was.error ? was.error : error);
	else
		release_chain(was.chain);
}

/* What stands behind the first operation ends with error. */
static void cut_queue(struct nvmf_capsule *nc, int error)
{
	struct ctl_op *first = nc->ctl.op, *rest = first->next;

	nc->ctl.op = rest;
	first->next = NULL;
	while (nc->ctl.op) {
		if (!nc->ctl.op->get && !nc->ctl.error)
			nc->ctl.error = SC_DATA_TRANSFER;
		end_op(nc, 0, error);
	}
	nc->ctl.op = nc->ctl.op_last = first;
}

static void own(struct nvmf_capsule *nc)
{
	struct nvmf_qpair *qp = nc->qp;

	nc->ctl.owned = true;
	nc->ctl.live_next = qp->live;
	nc->ctl.live_at = &qp->live;
	if (qp->live)
		qp->live->ctl.live_at = &nc->ctl.live_next;
	qp->live = nc;
}

static void drop_owned(struct nvmf_capsule *nc)
{
	struct nvmf_capsule *next = nc->ctl.live_next;

	if (!nc->ctl.owned)
		return;
	nc->ctl.owned = false;
	*nc->ctl.live_at = next;
	if (next)
		next->ctl.live_at = nc->ctl.live_at;
	nvmf__capsule_put(nc);
}

/* --- replies ----------------------------------------------------------------------------------- */

static void stall(struct nvmf_capsule *nc, bool front)
{
	struct nvmf_qpair *qp = nc->qp;

	nc->ctl.stalled = true;
	nc->ctl.stall_next = front ? qp->stall : NULL;
	if (!qp->stall)
		qp->stall_last = nc;
	else if (!front)
		qp->stall_last->ctl.stall_next = nc;
	if (front || !qp->stall)
		qp->stall = nc;
	if (!front)
		qp->stall_last = nc;
}

/* The end of the data, in one piece, that leaves with the response. */
static bool waits(const struct ctl_op *op)
{
	return op->hold && op->left <= WEFT_PDU_DATA_MAX && op->buf->len - op->skip >= op->left;
}

static inline int reply(struct nvmf_capsule *nc, const struct weft_reply *r)
{
	struct weft_qp *wqp = nc->qp->wqp;

	return __builtin_expect(!!wqp, 1) ? weft_qp_reply(wqp, r) : nvmf__fc_reply(nc, r);
}

/* One C2HData PDU: the rest of the operation, or what fits. 1: it waits for the response. */
static inline int submit_chunk(struct nvmf_capsule *nc, struct ctl_op *op, struct weft_reply *r)
{
	r->op = WEFT_REPLY_SEND;
	op->chunk = r->data_len;
	if (r->data_len == op->left) {
		r->flags = op->flags;
		if (op->hold) {
			if (!nc->ctl.answered)
				return 1;
			r->flags |= WEFT_SQF_RESP;
			r->cqe = nc->cqe;
		}
	}
	nc->ctl.last = r->flags & (WEFT_SQF_RESP | WEFT_SQF_SUCCESS);
	return reply(nc, r);
}

static __attribute__((noinline)) int submit_pieces(struct nvmf_capsule *nc, struct ctl_op *op,
						   struct weft_reply *r)
{
	struct iovec iov[WEFT_SGL_MAX];

	r->data_len = nvmf__chunk(op, iov, &r->count);
	r->iov = iov;
	return submit_chunk(nc, op, r);
}

static inline int submit_op(struct nvmf_capsule *nc, struct ctl_op *op)
{
	struct weft_reply r = { .cid = nc->ctl.slot,
				.cccid = nc->ctl.cid,
				.offset = op->offset,
				.data_len = op->left,
				.cookie = nc };
	struct weft_sgl_elem elem;
	struct iovec one;

	if (op->get) {
		nvmf__mem_reply(&op->mem, op->left, &one, &elem, &r);
		r.op = WEFT_REPLY_GET;
		nc->ctl.last = false;
		return reply(nc, &r);
	}
	if (op->left > WEFT_PDU_DATA_MAX || op->buf->len - op->skip < op->left)
		return submit_pieces(nc, op, &r);
	one = (struct iovec){ (uint8_t *)op->buf->data + op->skip, op->left };
	r.iov = &one;
	r.count = 1;
	return submit_chunk(nc, op, &r);
}

/* Data that could not be sent must not end in success. */
static void correct_status(struct nvmf_capsule *nc)
{
	uint16_t status;

	memcpy(&status, &nc->cqe[CQE_STATUS], 2);
	if (!nc->ctl.error || status >> 1)
		return;
	status = (uint16_t)(nc->ctl.error << 1);
	memcpy(&nc->cqe[CQE_STATUS], &status, 2);
}

static int submit_response(struct nvmf_capsule *nc)
{
	struct weft_reply r = { .op = WEFT_REPLY_RESPOND,
				.cid = nc->ctl.slot,
				.cccid = nc->ctl.cid,
				.cqe = nc->cqe,
				.cookie = nc };

	nc->ctl.last = true;
	return reply(nc, &r);
}

/*
 * Submits what comes next, if anything can. 0, or the error of the first operation (of the response,
 * when there is none). resumed: it waited for room in the ring, and others still do.
 */
static inline int try_next(struct nvmf_capsule *nc, bool resumed)
{
	struct ctl_state *x = &nc->ctl;
	struct nvmf_qpair *qp = nc->qp;
	int rc;

	if (x->busy || x->stalled || dead(qp) || (!x->answered && (!x->op || waits(x->op))))
		return 0;
	if (x->answered && x->error)
		correct_status(nc);
	if (qp->stall && !resumed)
		rc = -EAGAIN;
	else
		rc = x->op ? submit_op(nc, x->op) : submit_response(nc);
	if (!rc) {
		x->busy = true;
		if (!qp->params.lazy_doorbell)
			weft_qp_doorbell(qp->wqp);
		return 0;
	}
	if (rc == -EAGAIN || rc == -ENOTCONN || rc == -ENODEV) /* the latter two: the end follows */
		stall(nc, resumed);
	else if (rc < 0)
		return rc;
	else if (rc == NVMF_GONE)
		drop_owned(nc);
	return 0;
}

/* Moves a command on as far as it goes. The caller holds it. */
static void pump(struct nvmf_capsule *nc, bool resumed)
{
	int rc;

	while ((rc = try_next(nc, resumed)) != 0) {
		if (!nc->ctl.op) {
			nvmf__ctl_ended(nc->qp, rc);
			return;
		}
		if (!nc->ctl.op->get)
			nc->ctl.error = SC_DATA_TRANSFER;
		end_op(nc, 0, rc);
	}
}

static void run_stalled(struct nvmf_qpair *qp)
{
	while (qp->stall && !dead(qp)) {
		struct nvmf_capsule *nc = qp->stall;
		bool again;

		qp->stall = nc->ctl.stall_next;
		nc->ctl.stalled = false;
		nc->refs++;
		pump(nc, true);
		again = nc->ctl.stalled;
		nvmf__capsule_put(nc);
		if (again)
			return;
	}
}

/* --- arrivals and completions ------------------------------------------------------------------ */

void nvmf__ctl_capsule(struct nvmf_qpair *qp, const struct weft_capsule *c, struct fc_slot *fc)
{
	struct nvmf_capsule *nc;
	struct ctl_state *x;

	if (dead(qp))
		return;
	nc = nvmf__capsule_get(qp, CAPSULE_RECEIVED);
	if (!nc) {
		nvmf__ctl_ended(qp, -ENOMEM);
		return;
	}
	memcpy(nc->entry, c->sqe, 64);
	x = &nc->ctl;
	x->op = x->op_last = NULL;
	x->icd = c->icd;
	x->icd_len = c->icd_len;
	x->rx_next = x->tx_next = 0;
	x->slot = c->cid;
	x->fc = NULL;
	if (fc)
		nvmf__fc_bind(fc, nc);
	memcpy(&x->cid, &nc->entry[SQE_CID], 2);
	x->claims = x->error = 0;
	x->bad_digest = c->bad_digest;
	x->dma_error = c->dma_error;
	x->answered = x->busy = x->last = x->stalled = x->flushed = false;
	nc->refs = 2;
	own(nc);
	hash(nc);
	qp->receive_cb(qp->receive_arg, nc);
}

/* Whether the error says that the connection has ended, which is reported by itself. */
static bool by_end(int error)
{
	switch (-error) {
	case EINVAL:
	case EFAULT:
	case EIO:
	case ENOMEM:
	case E2BIG:
	case ENOENT:
	case EEXIST:
	case EBUSY:
	case EOPNOTSUPP:
	case ENOSPC:
	case EMSGSIZE:
		return false;
	}
	return true;
}

/* op: what the reply carried, NULL for a response, which touches no memory. */
static int reply_error(const struct nvmf_qpair *qp, const struct weft_completion *c,
		       const struct ctl_op *op)
{
	if (c->error)
		return qp->freed ? -ECONNABORTED : c->error;
	if (op && op->get && (c->flags & WEFT_CQF_DDGST_ERR))
		return -EBADMSG;
	return op && (c->flags & WEFT_CQF_DMA_ERR) ? -EFAULT : 0;
}

static void flush_command(struct nvmf_capsule *nc, int error);

/* A reply ended. The pair may be freed in each callback. */
void nvmf__ctl_completed(struct nvmf_qpair *qp, const struct weft_completion *c)
{
	struct nvmf_capsule *nc = c->cookie;
	struct ctl_state *x = &nc->ctl;
	struct ctl_op *op = x->op;
	int error = reply_error(qp, c, op);
	bool fatal = error && !(op && op->get) && !by_end(error);
	bool last = x->last; /* a callback may submit the last reply */

	qp->refs++;
	nc->refs++;
	x->busy = false;
	if (op && op->get) {
		end_op(nc, error ? 0 : c->data_len, error);
	} else if (op) {
		nvmf__skip(op, op->chunk);
		if (op->left && op->error)
			x->error = SC_DATA_TRANSFER;
		if (!op->left || op->error || error || dead(qp))
			end_op(nc, 0, error);
	}
	if (fatal) /* data or a response are missing: no other response may follow */
		nvmf__ctl_ended(qp, error);
	if (last)
		drop_owned(nc);
	else if (dead(qp))
		flush_command(nc, qp->freed ? -ECONNABORTED : error ? error : -ECONNRESET);
	else
		pump(nc, false);
	nvmf__capsule_put(nc);
	if (qp->stall)
		run_stalled(qp);
	nvmf__qpair_put(qp);
}

/* --- ends -------------------------------------------------------------------------------------- */

static void flush_command(struct nvmf_capsule *nc, int error)
{
	nc->ctl.flushed = true;
	if (nc->ctl.busy) {
		if (nc->ctl.op && nc->qp->freed && !nc->ctl.op->error)
			nc->ctl.op->error = error; /* also when the transfer still succeeds */
		if (nc->ctl.op)
			cut_queue(nc, error);
		return;
	}
	while (nc->ctl.op)
		end_op(nc, 0, error);
	drop_owned(nc);
}

/* The first that the end has not reached; callbacks may change the list. */
static struct nvmf_capsule *unflushed(const struct nvmf_qpair *qp)
{
	struct nvmf_capsule *nc = qp->live;

	while (nc && nc->ctl.flushed)
		nc = nc->ctl.live_next;
	return nc;
}

/* Runs twice when the pair is freed after its connection has ended, or meanwhile. */
void nvmf__ctl_flush(struct nvmf_qpair *qp, int error)
{
	struct nvmf_capsule *nc;

	for (; qp->stall; qp->stall = qp->stall->ctl.stall_next)
		qp->stall->ctl.stalled = false;
	while ((nc = unflushed(qp)) != NULL) {
		nc->refs++;
		flush_command(nc, error);
		nvmf__capsule_put(nc);
	}
}

void nvmf__ctl_ended(struct nvmf_qpair *qp, int error)
{
	if (dead(qp))
		return;
	qp->refs++;
	qp->ended = true;
	if (!qp->wqp)
		nvmf__fc_end(qp, error);
	nvmf__ctl_flush(qp, error ? error : -ECONNRESET);
	if (!qp->freed)
		qp->error_cb(qp->error_arg, error);
	nvmf__qpair_put(qp);
}

void nvmf__ctl_abort(struct nvmf_capsule *nc, int error)
{
	struct ctl_state *x = &nc->ctl;

	if (!x->op)
		return;
	nc->refs++;
	if (x->busy) {
		x->op->error = error;
		cut_queue(nc, error);
	} else {
		while (x->op) {
			if (!x->op->get)
				x->error = SC_DATA_TRANSFER;
			end_op(nc, 0, error);
		}
		pump(nc, false);
	}
	nvmf__capsule_put(nc);
}

/* --- what the consumer asks for ---------------------------------------------------------------- */

int nvmf__ctl_respond(struct nvmf_capsule *rsp)
{
	struct nvmf_capsule *nc = rsp->cmd;
	struct nvmf_qpair *qp = rsp->qp;

	if (dead(qp))
		return -ENOTCONN;
	if (nc->ctl.answered)
		return -ENOENT;
	memcpy(nc->cqe, rsp->entry, 16);
	if (!qp->params.sq_flow_control)
		memset(&nc->cqe[CQE_SQHD], 0, 2);
	nc->ctl.answered = true;
	nvmf__ctl_unhash(nc);
	pump(nc, false); /* rsp holds it */
	return 0;
}

int nvmf_receive_controller_data(struct nvmf_capsule *nc, uint32_t offset, struct memdesc *mem,
				 size_t len, nvmf_io_complete_t *complete_cb, void *cb_arg)
{
	size_t total = nvmf_capsule_data_len(nc);
	struct ctl_state *x = &nc->ctl;
	struct nvmf_qpair *qp = nc->qp;
	struct ctl_op *op;
	int rc;

	if (nc->kind != CAPSULE_RECEIVED || !complete_cb || !nvmf__known_kind(mem) || !len ||
	    len > WEFT_DATA_MAX || offset % 4 || offset < x->rx_next || offset >= total ||
	    (len % 4 && offset + len < total) || x->answered)
		return -EINVAL;
	if (offset + len > total)
		return -EFBIG;
	if (dead(qp))
		return -ENOTCONN;
	if (nvmf__in_capsule(nc))
		return nvmf__receive_icd(nc, offset, mem, len, complete_cb, cb_arg);
	op = op_get(qp);
	if (!op)
		return -ENOMEM;
	op->get = true;
	op->hold = false;
	op->error = 0;
	op->offset = offset;
	op->left = (uint32_t)len;
	op->mem = *mem;
	op->complete_cb = complete_cb;
	op->cb_arg = cb_arg;
	append(nc, op);
	rc = x->op == op ? try_next(nc, false) : 0;
	if (rc) {
		x->op = NULL;
		op_put(qp, op);
		return rc;
	}
	x->rx_next = offset + (uint32_t)len;
	return 0;
}

/* Generic status of a chain that cannot be sent at offset, or success. */
static unsigned int check_chain(const struct nvmf_capsule *nc, uint32_t offset,
				const struct nvmf_buf *chain, size_t len)
{
	size_t total = nc->kind == CAPSULE_RECEIVED ? nvmf__sgl_len(nc) : 0, sum = 0;
	struct nvmf_qpair *qp = nc->qp;

	if (nc->kind != CAPSULE_RECEIVED || nc->ctl.answered || nvmf__in_capsule(nc) || !len ||
	    offset != nc->ctl.tx_next || offset % 4 || offset >= total || len > total - offset)
		return NVME_SC_INVALID_FIELD;
	if (dead(qp))
		return NVME_SC_DATA_TRANSFER_ERROR;
	for (; chain; chain = chain->next) {
		if (chain->len > len - sum)
			return NVME_SC_INVALID_FIELD;
		sum += chain->len;
		if (qp->wqp ? weft_qp_reachable(qp->wqp, chain->data, chain->len) :
			      nvmf__fc_reachable(qp, chain->data, chain->len))
			return NVME_SC_DATA_TRANSFER_ERROR;
	}
	return sum == len && (len % 4 == 0 || offset + len == total) ? NVME_SC_SUCCESS :
								       NVME_SC_INVALID_FIELD;
}

/* The SUCCESS flag answers the command; the completion entry is for the case that sending fails. */
static void answer_with_data(struct nvmf_capsule *nc)
{
	memset(nc->cqe, 0, sizeof(nc->cqe));
	memcpy(&nc->cqe[CQE_CID], &nc->ctl.cid, 2);
	nc->ctl.answered = true;
	nvmf__ctl_unhash(nc);
}

unsigned int nvmf_send_controller_data(struct nvmf_capsule *nc, uint32_t offset,
				       struct nvmf_buf *chain, size_t len)
{
	unsigned int status = check_chain(nc, offset, chain, len);
	struct ctl_op *op = status ? NULL : op_get(nc->qp);
	bool last;

	if (!op) {
		release_chain(chain);
		return status ? status : NVME_SC_INTERNAL_ERROR;
	}
	last = offset + len == nvmf__sgl_len(nc);
	op->get = false;
	op->hold = last && nc->qp->params.sq_flow_control;
	op->flags = !last ? 0 : op->hold ? WEFT_SQF_LAST : WEFT_SQF_LAST | WEFT_SQF_SUCCESS;
	op->error = 0;
	op->offset = offset;
	op->left = (uint32_t)len;
	op->chain = op->buf = chain;
	op->skip = 0;
	append(nc, op);
	nc->ctl.tx_next = offset + (uint32_t)len;
	status = !last ? NVMF_MORE : op->hold ? NVME_SC_SUCCESS : NVMF_SUCCESS_SENT;
	if (status == NVMF_SUCCESS_SENT)
		answer_with_data(nc);
	else if (waits(op))
		return status; /* the response takes it along, or what stands before it does */
	nc->refs++;
	pump(nc, false);
	nvmf__capsule_put(nc);
	return status;
}
