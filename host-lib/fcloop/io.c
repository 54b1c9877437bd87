/* SPDX-License-Identifier: BSD-2-Clause */
/* Commands over the loop: the host's exchange and the target's are the two ends of one structure. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "loop.h"

#define IU_LEN 96
#define IU_CSN 16 /* big-endian */
#define RSP_LEN 12
#define ERSP_LEN 32
#define LATE_POLLS 16
#define GONE 0xa5 /* what memory looks like that may be reused */

/* Ends when the host had done and the target has released it. */
struct loop_io {
	struct nvmefc_tgt_fcp_req tgt; /* first: the target's end */
	struct nvme_fc_loop *loop;
	struct nvmefc_fcp_req *fcp; /* the host's end; NULL: done */
	struct loop_queue *queue;
	unsigned int pins;
	bool at_target;    /* lent to the target */
	bool deferred;     /* the target wants the IU later */
	bool active;       /* an operation is under way */
	bool responded;    /* the response was sent */
	bool host_aborted; /* by whom */
	bool target_aborted;
	unsigned int late;     /* polls until done after all, */
	unsigned int rsp_late; /* and until that of the response */
	int status;            /* of the host's end */
	uint32_t offset;       /* the next data operation starts here */
	struct loop_event cmnd, op, abort, target_abort, done;
	uint8_t iu[IU_LEN];
};
const uint32_t loop_io_priv = sizeof(struct loop_io *);

static struct loop_io **slot(struct nvmefc_fcp_req *fcp)
{
	return fcp->private_;
}

static void put(struct loop_io *x)
{
	struct nvme_fc_loop *loop = x->loop;

	if (x->fcp || x->at_target || x->pins)
		return;
	loop_unpost(loop, &x->cmnd);
	loop_unpost(loop, &x->op);
	loop_unpost(loop, &x->abort);
	loop_unpost(loop, &x->target_abort);
	loop_unpost(loop, &x->done);
	loop->stats.exchanges--;
	free(x);
}

/* --- the host's end ------------------------------------------------------------------------------------------ */

static void on_done(void *obj)
{
	struct loop_io *x = obj;
	struct nvmefc_fcp_req *fcp = x->fcp;

	if (!fcp)
		return;
	if (x->late) {
		x->late--;
		loop_post(x->loop, &x->done, on_done, x);
		return;
	}
	x->fcp = NULL;
	*slot(fcp) = NULL;
	x->queue->exchanges--;
	fcp->status = x->status;
	put(x);
	fcp->done(fcp);
}

/* The first reason counts. */
static void end_host(struct loop_io *x, int status)
{
	if (!x->fcp || x->done.queued)
		return;
	x->status = status;
	loop_post(x->loop, &x->done, on_done, x);
}

/* --- data ----------------------------------------------------------------------------------------------------- */

/* The bytes of a list at offset: how many in one piece, and where. */
static uint8_t *at(const struct nvmefc_sg *sg, int n, uint32_t offset, uint32_t *len)
{
	for (int i = 0; i < n; i++) {
		if (offset < sg[i].len) {
			*len = sg[i].len - offset;
			return (uint8_t *)sg[i].addr + offset;
		}
		offset -= sg[i].len;
	}
	*len = 0;
	return NULL;
}

static uint32_t total(const struct nvmefc_sg *sg, int n)
{
	uint32_t len = 0;

	for (int i = 0; i < n; i++)
		len += sg[i].len;
	return len;
}

static void move(struct loop_io *x, uint32_t len)
{
	const struct nvmefc_tgt_fcp_req *t = &x->tgt;
	bool write = t->op == NVMET_FCOP_WRITEDATA;
	uint32_t done = 0;

	while (done < len) {
		uint32_t a, b, n = len - done;
		uint8_t *host = at(x->fcp->first_sgl, x->fcp->sg_cnt, t->offset + done, &a);
		uint8_t *target = at(t->sg, t->sg_cnt, done, &b);

		n = a < n ? a : n;
		n = b < n ? b : n;
		if (!n)
			break;
		memcpy(write ? target : host, write ? host : target, n);
		done += n;
	}
	x->fcp->transferred_length += len;
}

/* --- operations ------------------------------------------------------------------------------------------------ */

/* Nothing of the exchange may be touched when this returns, unless it is pinned. */
static void end_op(struct loop_io *x, int error, uint32_t len)
{
	if (!x->active)
		return;
	x->active = false;
	x->tgt.fcp_error = error;
	x->tgt.transferred_length = len;
	x->tgt.done(&x->tgt);
}

static void respond(struct loop_io *x)
{
	struct nvme_fc_loop *loop = x->loop;
	uint16_t len = x->tgt.rsplen;

	x->responded = true;
	loop->stats.short_rsps += len == RSP_LEN;
	if (loop_hit(loop, NVME_FC_LOOP_RSP_DROP))
		return;
	memcpy(x->fcp->rspaddr, x->tgt.rspaddr, len);
	if (loop_hit(loop, NVME_FC_LOOP_RSP_GARBLE))
		memset(x->fcp->rspaddr, 0x5a, len);
	x->fcp->rcv_rsplen = len == RSP_LEN && loop->opts.empty_rsp ? 0 : len;
	end_host(x, 0);
}

static void on_op(void *obj);

static void do_op(struct loop_io *x)
{
	uint32_t len = x->tgt.op == NVMET_FCOP_RSP ? 0 : x->tgt.transfer_length;
	uint32_t moved = len;

	if (len && loop_hit(x->loop, NVME_FC_LOOP_OP_SHORT))
		moved = len / 2;
	move(x, moved);
	if (moved == len && (x->tgt.op == NVMET_FCOP_RSP || x->tgt.op == NVMET_FCOP_READDATA_RSP))
		respond(x);
	if (x->responded && loop_hit(x->loop, NVME_FC_LOOP_RSP_LATE)) {
		x->rsp_late = LATE_POLLS;
		loop_post(x->loop, &x->op, on_op, x);
		return;
	}
	end_op(x, 0, moved);
}

/* The response has left; its operation ends in time. */
static void wait_more(struct loop_io *x)
{
	if (--x->rsp_late)
		loop_post(x->loop, &x->op, on_op, x);
	else
		end_op(x, 0, x->tgt.op == NVMET_FCOP_RSP ? 0 : x->tgt.transfer_length);
}

static void on_op(void *obj)
{
	struct loop_io *x = obj;
	struct nvme_fc_loop *loop = x->loop;

	if (!x->active)
		return;
	if (x->rsp_late) {
		wait_more(x);
		return;
	}
	if (loop_hit(loop, NVME_FC_LOOP_OP_DROP))
		return;
	if (loop_hit(loop, NVME_FC_LOOP_OP_ABORT))
		end_host(x, -EIO);
	if (x->host_aborted || x->target_aborted || !x->fcp || x->done.queued)
		end_op(x, 1, 0);
	else if (loop_hit(loop, NVME_FC_LOOP_OP_ERROR))
		end_op(x, 1, 0);
	else
		do_op(x);
}

static void check_data(struct loop_io *x, const struct nvmefc_tgt_fcp_req *req)
{
	struct nvme_fc_loop *loop = x->loop;

	LOOP_CHECK(loop, req->transfer_length && req->transfer_length <= NVMET_FC_MAX_SEQ_LENGTH);
	LOOP_CHECK(loop, req->sg_cnt > 0 && req->sg_cnt <= loop->opts.max_sgl_segments);
	LOOP_CHECK(loop, total(req->sg, req->sg_cnt) == req->transfer_length);
	LOOP_CHECK(loop, req->offset == x->offset);
	for (int i = 0; i < req->sg_cnt; i++) {
		const struct nvmefc_sg *s = &req->sg[i];

		LOOP_CHECK(loop, s->iova == nvme_fc_loop_iova(s->addr));
		LOOP_CHECK(loop, !((s->iova ^ (s->iova + s->len - 1)) & ~loop->opts.dma_boundary));
	}
	x->offset += req->transfer_length;
	if (x->fcp)
		LOOP_CHECK(loop, x->offset <= x->fcp->payload_length);
}

static int fcp_op(struct nvmet_fc_target_port *tport, struct nvmefc_tgt_fcp_req *req)
{
	struct nvme_fc_loop *loop = loop_of_target(tport);
	struct loop_io *x = (struct loop_io *)req;
	bool rsp = req->op == NVMET_FCOP_RSP || req->op == NVMET_FCOP_READDATA_RSP;

	LOOP_CHECK(loop, x->at_target && !x->active && !x->responded && !x->deferred);
	LOOP_CHECK(loop, req->op >= NVMET_FCOP_READDATA && req->op <= NVMET_FCOP_RSP);
	LOOP_CHECK(loop, req->hwqid < loop->opts.max_hw_queues);
	LOOP_CHECK(loop, req->op != NVMET_FCOP_READDATA_RSP || !loop->opts.no_readdata_rsp);
	if (req->op != NVMET_FCOP_RSP)
		check_data(x, req);
	if (rsp) {
		LOOP_CHECK(loop, req->rsplen == RSP_LEN || req->rsplen == ERSP_LEN);
		LOOP_CHECK(loop, req->rspdma == nvme_fc_loop_iova(req->rspaddr));
	}
	if (loop_hit(loop, NVME_FC_LOOP_OP_FAIL))
		return -EIO;
	loop->stats.fcp_ops[req->op]++;
	x->active = true;
	loop_post(loop, &x->op, on_op, x);
	return 0;
}

/* --- commands -------------------------------------------------------------------------------------------------- */

static void on_cmnd(void *obj)
{
	struct loop_io *x = obj;
	struct nvme_fc_loop *loop = x->loop;
	int rc = -ENETDOWN;

	if (loop_hit(loop, NVME_FC_LOOP_CMND_ABORT))
		end_host(x, -EIO);
	if (x->host_aborted || x->done.queued || loop_hit(loop, NVME_FC_LOOP_CMND_DROP))
		return;
	x->at_target = true;
	x->pins++;
	if (loop->up && loop->tport)
		rc = nvmet_fc_rcv_fcp_req(loop->tport, &x->tgt, x->iu, IU_LEN);
	x->pins--;
	if (rc == -EOVERFLOW) {
		x->deferred = true;
		loop->stats.deferred++;
	} else if (rc) {
		x->at_target = false;
		end_host(x, -EIO);
	}
	put(x);
}

static uint32_t csn_of(const uint8_t *iu)
{
	return (uint32_t)iu[IU_CSN] << 24 | (uint32_t)iu[IU_CSN + 1] << 16 |
	       (uint32_t)iu[IU_CSN + 2] << 8 | iu[IU_CSN + 3];
}

static int fcp_io(struct nvme_fc_local_port *lport, struct nvme_fc_remote_port *rport, void *handle,
		  struct nvmefc_fcp_req *fcp)
{
	struct nvme_fc_loop *loop = loop_of(lport);
	struct loop_queue *q = handle;
	struct loop_io *x;

	LOOP_CHECK(loop, rport == loop->rport && loop->up);
	LOOP_CHECK(loop, !*slot(fcp));
	LOOP_CHECK(loop, q->qidx == fcp->sqid);
	LOOP_CHECK(loop, fcp->cmdlen == IU_LEN && fcp->rsplen >= ERSP_LEN && fcp->done);
	LOOP_CHECK(loop, fcp->cmddma == nvme_fc_loop_iova(fcp->cmdaddr));
	LOOP_CHECK(loop, fcp->sg_cnt <= loop->opts.max_sgl_segments);
	LOOP_CHECK(loop, total(fcp->first_sgl, fcp->sg_cnt) == fcp->payload_length);
	if (loop_hit(loop, NVME_FC_LOOP_IO_BUSY))
		return -EBUSY;
	if (loop_hit(loop, NVME_FC_LOOP_IO_AGAIN))
		return -EAGAIN;
	if (loop_hit(loop, NVME_FC_LOOP_IO_FAIL))
		return -EIO;
	x = calloc(1, sizeof(*x));
	if (!x)
		return -EBUSY;
	x->loop = loop;
	x->fcp = fcp;
	x->queue = q;
	memcpy(x->iu, fcp->cmdaddr, IU_LEN);
	LOOP_CHECK(loop, csn_of(x->iu) == ++q->csn);
	*slot(fcp) = x;
	q->exchanges++;
	loop->stats.exchanges++;
	loop->stats.commands++;
	loop_post(loop, &x->cmnd, on_cmnd, x);
	return 0;
}

static void defer_rcv(struct nvmet_fc_target_port *tport, struct nvmefc_tgt_fcp_req *req)
{
	struct loop_io *x = (struct loop_io *)req;

	LOOP_CHECK(loop_of_target(tport), x->at_target && x->deferred);
	x->deferred = false;
	memset(x->iu, GONE, IU_LEN);
}

static void fcp_req_release(struct nvmet_fc_target_port *tport, struct nvmefc_tgt_fcp_req *req)
{
	struct nvme_fc_loop *loop = loop_of_target(tport);
	struct loop_io *x = (struct loop_io *)req;

	LOOP_CHECK(loop, x->at_target && !x->active && !x->deferred);
	LOOP_CHECK(loop, x->responded || x->target_aborted || x->host_aborted || !x->fcp ||
				 x->done.queued);
	x->at_target = false;
	memset(&x->tgt, GONE, sizeof(x->tgt));
	put(x);
}

/* --- aborts ------------------------------------------------------------------------------------------------------ */

/* ABTS of the host: the target is told, an operation under way fails. */
static void on_abort(void *obj)
{
	struct loop_io *x = obj;

	x->pins++;
	if (x->at_target && !x->responded)
		nvmet_fc_rcv_fcp_abort(x->loop->tport, &x->tgt);
	end_op(x, 1, 0);
	x->late = loop_hit(x->loop, NVME_FC_LOOP_ABORT_LATE) ? LATE_POLLS : 0;
	if (x->loop->opts.sync_abort && x->fcp && !x->late && !x->done.queued) {
		x->status = -ECANCELED;
		on_done(x);
	} else {
		end_host(x, -ECANCELED);
	}
	x->pins--;
	put(x);
}

static void host_fcp_abort(struct nvme_fc_local_port *lport, struct nvme_fc_remote_port *rport,
			   void *handle, struct nvmefc_fcp_req *fcp)
{
	struct nvme_fc_loop *loop = loop_of(lport);
	struct loop_io *x = *slot(fcp);

	LOOP_CHECK(loop, rport == loop->rport);
	LOOP_CHECK(loop, x && x->queue == handle && !x->host_aborted);
	if (!x)
		return;
	loop->stats.aborts++;
	x->host_aborted = true;
	if (loop->opts.sync_abort)
		on_abort(x);
	else
		loop_post(loop, &x->abort, on_abort, x);
}

/* ABTS of the target: an operation under way fails, the host's exchange ends. */
static void on_target_abort(void *obj)
{
	struct loop_io *x = obj;

	x->pins++;
	end_op(x, 1, 0);
	end_host(x, -EIO);
	x->pins--;
	put(x);
}

static void target_fcp_abort(struct nvmet_fc_target_port *tport, struct nvmefc_tgt_fcp_req *req)
{
	struct nvme_fc_loop *loop = loop_of_target(tport);
	struct loop_io *x = (struct loop_io *)req;

	LOOP_CHECK(loop, x->at_target && !x->target_aborted);
	loop->stats.aborts++;
	x->target_aborted = true;
	if (loop->opts.sync_abort)
		on_target_abort(x);
	else
		loop_post(loop, &x->target_abort, on_target_abort, x);
}

/* --- queues ------------------------------------------------------------------------------------------------------- */

static int create_queue(struct nvme_fc_local_port *lport, unsigned int qidx, uint16_t qsize,
			void **handle)
{
	struct nvme_fc_loop *loop = loop_of(lport);
	struct loop_queue *q;

	LOOP_CHECK(loop, qidx < loop->opts.max_hw_queues && qsize);
	q = loop_hit(loop, NVME_FC_LOOP_QUEUE_FAIL) ? NULL : calloc(1, sizeof(*q));
	if (!q)
		return -ENOMEM;
	q->qidx = qidx;
	TAILQ_INSERT_TAIL(&loop->queues, q, link);
	loop->stats.queues++;
	*handle = q;
	return 0;
}

static void delete_queue(struct nvme_fc_local_port *lport, unsigned int qidx, void *handle)
{
	struct nvme_fc_loop *loop = loop_of(lport);
	struct loop_queue *q = handle;

	LOOP_CHECK(loop, q->qidx == qidx && !q->exchanges);
	TAILQ_REMOVE(&loop->queues, q, link);
	loop->stats.queues--;
	free(q);
}

void loop_io_templates(struct nvme_fc_loop *loop)
{
	loop->host_tmpl.create_queue = create_queue;
	loop->host_tmpl.delete_queue = delete_queue;
	loop->host_tmpl.fcp_io = fcp_io;
	loop->host_tmpl.fcp_abort = host_fcp_abort;
	loop->target_tmpl.fcp_op = fcp_op;
	loop->target_tmpl.fcp_abort = target_fcp_abort;
	loop->target_tmpl.fcp_req_release = fcp_req_release;
	if (!loop->opts.no_defer)
		loop->target_tmpl.defer_rcv = defer_rcv;
}
