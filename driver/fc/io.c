/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Commands of the host role: a pair for each queue, an entry for each command. The pair is made while
 * the link service that makes the connection is under way; a command that is earlier waits. A command
 * that is aborted ends when the adapter says so, its cid is free when the abort is over, too.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fc.h"

#define CMND_LEN sizeof(((struct weft_fc_io_entry *)0)->cmnd)
#define LOG2_MAX 10

const uint32_t wfc_io_priv = sizeof(struct wfc_ex *);

static struct wfc_ex **slot(struct nvmefc_fcp_req *fcp)
{
	return fcp->private_;
}

/* --- queues ----------------------------------------------------------------------------------------- */

static void put_cid(struct wfc_ex *ex)
{
	ex->q->free_cid[ex->q->n_free++] = ex->cid;
}

static void free_queue(struct wfc_queue *q)
{
	TAILQ_REMOVE(&q->fc->queues, q, link);
	weft_qp_drop(q->qp);
	free(q->free_cid);
	free(q);
}

static void on_aborted(void *obj)
{
	struct wfc_ex *ex = obj;
	struct wfc_queue *q = ex->q;

	q->n_aborts--;
	if (!ex->fcp)
		put_cid(ex);
	if (q->deleted && !q->n_aborts)
		free_queue(q);
}

static int start_io(void *obj);
static void fail_io(void *obj, int error);

static struct wfc_queue *new_queue(struct weft_fc *fc, unsigned int entries)
{
	struct wfc_queue *q = calloc(1, sizeof(*q) + entries * sizeof(q->ex[0]));

	if (!q)
		return NULL;
	q->free_cid = calloc(entries, sizeof(q->free_cid[0]));
	if (!q->free_cid) {
		free(q);
		return NULL;
	}
	q->fc = fc;
	q->entries = entries;
	TAILQ_INIT(&q->pend);
	while (entries--) {
		struct wfc_ex *ex = &q->ex[entries];

		ex->q = q;
		ex->cid = (uint16_t)entries;
		ex->pend = (struct wfc_pend){ .start = start_io, .fail = fail_io, .obj = ex };
		wfc_abort_init(&ex->abort, fc, ex->cid, on_aborted, ex);
		put_cid(ex);
	}
	return q;
}

static void on_io(void *arg, const struct weft_completion *c);

int wfc_create_queue(struct nvme_fc_local_port *lport, unsigned int qidx, uint16_t qsize,
		     void **handle)
{
	struct weft_fc *fc = wfc_of(lport);
	struct weft_qp_params p = {
		.complete_cb = on_io, .flags = WEFT_QP_FC, .vector = fc->params.vector, .sq_log2 = 2
	};
	struct wfc_queue *q;
	int rc;

	(void)qidx;
	while (p.sq_log2 < LOG2_MAX && 1u << p.sq_log2 < qsize)
		p.sq_log2++;
	if (1u << p.sq_log2 < qsize)
		return -EINVAL;
	q = new_queue(fc, 1u << p.sq_log2);
	if (!q)
		return -ENOMEM;
	p.arg = q;
	rc = weft_qp_create_async(fc->dev, &p, &q->qp);
	if (rc) {
		free(q->free_cid);
		free(q);
		return rc;
	}
	TAILQ_INSERT_TAIL(&fc->queues, q, link);
	*handle = q;
	return 0;
}

void wfc_delete_queue(struct nvme_fc_local_port *lport, unsigned int qidx, void *handle)
{
	struct wfc_queue *q = handle;

	(void)lport;
	(void)qidx;
	q->deleted = true;
	for (unsigned int i = 0; i < q->entries; i++)
		if (q->ex[i].abort.queued) {
			wfc_abort_cancel(&q->ex[i].abort);
			q->n_aborts--;
		}
	if (!q->n_aborts)
		free_queue(q);
}

/* --- commands --------------------------------------------------------------------------------------- */

/* The command is over for the transport. */
static void finish(struct wfc_ex *ex, int status)
{
	struct nvmefc_fcp_req *fcp = ex->fcp;

	ex->fcp = NULL;
	*slot(fcp) = NULL;
	if (ex->abort.queued) {
		wfc_abort_cancel(&ex->abort);
		ex->q->n_aborts--;
	}
	if (!ex->abort.sent)
		put_cid(ex);
	fcp->status = status;
	fcp->done(fcp);
}

/* Bytes of the response; an RSP, which is all zeroes, is not stored by the adapter. */
static int take_response(struct wfc_ex *ex, const struct weft_completion *c)
{
	struct nvmefc_fcp_req *fcp = ex->fcp;
	uint32_t len;

	memcpy(&len, c->cqe, sizeof(len));
	if (len > fcp->rsplen || len > WEFT_FC_RSP_SIZE || c->data_len > fcp->payload_length)
		return -EPROTO;
	if (len == WEFT_FC_RSP_SIZE)
		memcpy(fcp->rspaddr, weft_qp_fc_rsp(ex->q->qp, ex->cid), len);
	else
		memset(fcp->rspaddr, 0, len);
	fcp->rcv_rsplen = (uint16_t)len;
	fcp->transferred_length = c->data_len;
	return c->flags & WEFT_CQF_DMA_ERR ? -EIO : 0;
}

static void on_io(void *arg, const struct weft_completion *c)
{
	struct wfc_ex *ex = c->cookie;

	(void)arg;
	if (ex->fcp)
		finish(ex, c->error ? c->error : take_response(ex, c));
}

static int start_io(void *obj)
{
	struct wfc_ex *ex = obj;
	const struct nvmefc_fcp_req *fcp = ex->fcp;
	struct weft_fc *fc = ex->q->fc;
	struct weft_fc_io_entry e = { .opcode = WEFT_OP_FC_IO,
				      .cid = ex->cid,
				      .data_len = fcp->payload_length,
				      .rport = ex->rport };
	int n = wfc_sgl(fc, fcp->first_sgl, fcp->sg_cnt);
	int rc;

	if (n < 0)
		return n;
	if (fcp->io_dir != NVMEFC_FCP_NODATA)
		e.flags = fcp->io_dir == NVMEFC_FCP_WRITE ? WEFT_SQF_DATA_OUT : WEFT_SQF_DATA_IN;
	memcpy(e.cmnd, fcp->cmdaddr, sizeof(e.cmnd));
	rc = weft_qp_fc_submit(ex->q->qp, &e, fc->sgl, (unsigned int)n, ex);
	if (!rc)
		weft_qp_doorbell(ex->q->qp);
	return rc;
}

static void fail_io(void *obj, int error)
{
	finish(obj, error);
}

int wfc_fcp_io(struct nvme_fc_local_port *lport, struct nvme_fc_remote_port *rport, void *handle,
	       struct nvmefc_fcp_req *fcp)
{
	const struct wfc_remote *rem = rport->private_;
	struct wfc_queue *q = handle;
	struct wfc_ex *ex;
	int rc;

	(void)lport;
	if (!rem->at)
		return -ENETDOWN;
	if (fcp->cmdlen != CMND_LEN || (!fcp->payload_length) != (fcp->io_dir == NVMEFC_FCP_NODATA))
		return -EINVAL;
	if (!q->n_free)
		return -EBUSY;
	ex = &q->ex[q->free_cid[--q->n_free]];
	ex->fcp = fcp;
	ex->rport = rem->at->index;
	*slot(fcp) = ex;
	rc = wfc_pend_start(&q->pend, &ex->pend);
	if (rc) {
		ex->fcp = NULL;
		*slot(fcp) = NULL;
		put_cid(ex);
	}
	return rc;
}

void wfc_fcp_abort(struct nvme_fc_local_port *lport, struct nvme_fc_remote_port *rport,
		   void *handle, struct nvmefc_fcp_req *fcp)
{
	struct wfc_ex *ex = *slot(fcp);
	struct wfc_queue *q = handle;

	(void)lport;
	(void)rport;
	if (!ex)
		return;
	if (ex->pend.queued) { /* the adapter does not know it */
		wfc_pend_cancel(&q->pend, &ex->pend);
		finish(ex, -ECANCELED);
	} else if (!wfc_abort_busy(&ex->abort)) {
		q->n_aborts++;
		wfc_abort_start(&ex->abort, q->qp);
	}
}

void wfc_io_run(struct weft_fc *fc)
{
	struct wfc_queue *q, *next;

	for (q = TAILQ_FIRST(&fc->queues); q; q = next) {
		next = TAILQ_NEXT(q, link);
		if (!TAILQ_EMPTY(&q->pend))
			wfc_pend_run(&q->pend);
	}
}

static void forget_queue(struct wfc_queue *q)
{
	for (unsigned int i = 0; i < q->entries; i++)
		wfc_abort_forget(q->fc, &q->ex[i].abort);
	weft_qp_drop(q->qp);
}

void wfc_io_forget(struct weft_fc *fc)
{
	struct wfc_queue *q;

	for (q = TAILQ_FIRST(&fc->queues); q; q = TAILQ_NEXT(q, link))
		forget_queue(q);
}
