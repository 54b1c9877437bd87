/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"
#include "fc.h"

#define RETRY_NSEC 1000000u /* a driver that was busy is asked again */
#define LS_BYTES (FC_LS_RQST_MAX + FC_LS_RSP_MAX)

/* --- asking --------------------------------------------------------------------------------------------- */

static void on_ls_done(struct nvmefc_ls_req *req, int status)
{
	struct fc_ls_op *op = (struct fc_ls_op *)req;

	if (op->state != FC_LS_SENT && op->state != FC_LS_ABORTED)
		return;
	op->status = status; /* an abort may have come too late */
	op->state = FC_LS_DONE;
}

int fc_ls_op_init(struct fc_ls_op *op, struct nvme_fc_device *dev, uint32_t priv_sz)
{
	op->state = FC_LS_IDLE;
	op->dev = dev;
	if (!fc_private(&op->req.private_, 1, priv_sz))
		return -ENOMEM;
	op->req.rqstaddr = dev->alloc(dev, LS_BYTES, &op->req.rqstdma);
	if (!op->req.rqstaddr) {
		free(op->req.private_);
		return -ENOMEM;
	}
	op->req.rspaddr = (uint8_t *)op->req.rqstaddr + FC_LS_RQST_MAX;
	op->req.rspdma = op->req.rqstdma + FC_LS_RQST_MAX;
	op->req.rsplen = FC_LS_RSP_MAX;
	op->req.timeout = FC_LS_TIMEOUT;
	op->req.done = on_ls_done;
	return 0;
}

void fc_ls_op_fini(struct fc_ls_op *op)
{
	op->dev->free(op->dev, op->req.rqstaddr, LS_BYTES, op->req.rqstdma);
	free(op->req.private_);
}

void fc_ls_op_begin(struct fc_ls_op *op, const struct fc_ls_rqst *rqst, uint64_t now)
{
	op->cmd = rqst->cmd;
	op->req.rqstlen = fc_ls_rqst_build(op->req.rqstaddr, rqst);
	memset(op->req.rspaddr, 0, FC_LS_RSP_MAX);
	op->deadline = now + (FC_LS_TIMEOUT + FC_LS_GRACE) * FC_NSEC;
	op->state = FC_LS_WAITING;
}

static void finish(struct fc_ls_op *op, int status)
{
	op->status = status;
	op->state = FC_LS_DONE;
}

/* The driver may call done only later: SENT is set when it has accepted. */
static void try_start(struct fc_ls_op *op, uint64_t now)
{
	int rc = op->start(op);

	if (!rc)
		op->state = FC_LS_SENT;
	else if (rc != -EBUSY && rc != -EAGAIN)
		finish(op, rc);
	else if (now >= op->deadline)
		finish(op, -ETIMEDOUT);
}

uint64_t fc_ls_op_poll(struct fc_ls_op *op, uint64_t now)
{
	if (op->state == FC_LS_WAITING)
		try_start(op, now);
	else if (op->state == FC_LS_SENT && now >= op->deadline)
		fc_ls_op_abort(op);
	if (op->state == FC_LS_WAITING)
		return now + RETRY_NSEC;
	return op->state == FC_LS_SENT ? op->deadline : FC_NEVER;
}

void fc_ls_op_abort(struct fc_ls_op *op)
{
	if (op->state == FC_LS_WAITING) {
		finish(op, -ECANCELED);
	} else if (op->state == FC_LS_SENT) {
		op->state = FC_LS_ABORTED;
		op->abort(op);
	}
}

int fc_ls_op_result(struct fc_ls_op *op, struct fc_ls_resp *resp)
{
	op->state = FC_LS_IDLE;
	if (op->status)
		return op->status < 0 ? op->status : -EIO;
	if (fc_ls_resp_parse(op->req.rspaddr, FC_LS_RSP_MAX, op->cmd, resp))
		return -EBADMSG;
	return resp->rejected ? -ECONNREFUSED : 0;
}

/* --- answering ------------------------------------------------------------------------------------------ */

static void rx_free(struct fc_ls_rx *rx)
{
	struct fc_ls_rxq *q = rx->q;

	TAILQ_REMOVE(&q->list, rx, link);
	q->count--;
	q->dev->free(q->dev, rx->rspbuf, FC_LS_RSP_MAX, rx->rspdma);
	free(rx);
}

static void on_rsp_done(struct nvmefc_ls_rsp *rsp)
{
	rx_free(rsp->nvme_fc_private);
}

void fc_ls_rxq_init(struct fc_ls_rxq *q, struct nvme_fc_device *dev,
		    int (*xmt)(struct fc_ls_rx *rx), void *port)
{
	TAILQ_INIT(&q->list);
	q->count = 0;
	q->dev = dev;
	q->xmt = xmt;
	q->port = port;
}

int fc_ls_rx_add(struct fc_ls_rxq *q, void *from, struct nvmefc_ls_rsp *rsp, const void *buf,
		 uint32_t len)
{
	struct fc_ls_rx *rx;

	if (len > FC_LS_RQST_MAX)
		return -E2BIG;
	if (q->count >= FC_LS_RX_MAX)
		return -ENOENT;
	rx = malloc(sizeof(*rx) + len);
	if (!rx)
		return -ENOMEM;
	*rx = (struct fc_ls_rx){ .q = q, .rsp = rsp, .from = from, .len = len };
	rx->rspbuf = q->dev->alloc(q->dev, FC_LS_RSP_MAX, &rx->rspdma);
	if (!rx->rspbuf) {
		free(rx);
		return -ENOMEM;
	}
	memcpy(rx->buf, buf, len);
	TAILQ_INSERT_TAIL(&q->list, rx, link);
	q->count++;
	return 0;
}

struct fc_ls_rx *fc_ls_rx_next(struct fc_ls_rxq *q)
{
	struct fc_ls_rx *rx;

	TAILQ_FOREACH(rx, &q->list, link)
	if (!rx->taken) {
		rx->taken = true;
		return rx;
	}
	return NULL;
}

bool fc_ls_rx_has(const struct fc_ls_rxq *q, const void *from)
{
	const struct fc_ls_rx *rx;

	TAILQ_FOREACH(rx, &q->list, link)
	if (rx->from == from)
		return true;
	return false;
}

int fc_ls_rx_answer(struct fc_ls_rx *rx, const struct fc_ls_resp *resp)
{
	struct nvmefc_ls_rsp *rsp = rx->rsp;
	int rc;

	rsp->rspbuf = rx->rspbuf;
	rsp->rspdma = rx->rspdma;
	rsp->rsplen = fc_ls_resp_build(rx->rspbuf, rx->cmd, resp);
	rsp->done = on_rsp_done;
	rsp->nvme_fc_private = rx;
	rc = rx->q->xmt(rx);
	if (rc)
		rx_free(rx);
	return rc;
}

void fc_ls_rx_accept(struct fc_ls_rx *rx)
{
	fc_ls_rx_answer(rx, &(struct fc_ls_resp){ 0 });
}

void fc_ls_rx_reject(struct fc_ls_rx *rx, uint8_t reason, uint8_t explan)
{
	fc_ls_rx_answer(rx, &(struct fc_ls_resp){ .rejected = true, .rjt = { reason, explan, 0 } });
}

/* --- ports ---------------------------------------------------------------------------------------------- */

int fc_port_num_get(uint64_t *used)
{
	uint64_t old = __atomic_load_n(used, __ATOMIC_RELAXED);
	int n;

	do {
		if (!~old)
			return -1;
		n = __builtin_ctzll(~old);
	} while (!__atomic_compare_exchange_n(used, &old, old | 1ull << n, false, __ATOMIC_RELAXED,
					      __ATOMIC_RELAXED));
	return n;
}

void fc_port_num_put(uint64_t *used, uint32_t num)
{
	__atomic_and_fetch(used, ~(1ull << num), __ATOMIC_RELAXED);
}

bool fc_private(void **priv, size_t count, uint32_t size)
{
	*priv = size ? calloc(count, fc_stride(size)) : NULL;
	return *priv || !size;
}
