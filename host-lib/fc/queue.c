/* SPDX-License-Identifier: BSD-2-Clause */
/* Connections of a host's association, and their commands. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"

#define CMND_LEN sizeof(struct fcnvme_cmnd_iu)
#define RSP_LEN sizeof(struct fcnvme_ersp_iu)
#define IUS_LEN (CMND_LEN + RSP_LEN)

static void on_fcp_done(struct nvmefc_fcp_req *fcp);

/* Request i with its two IUs and the driver's area. */
static void init_req(struct fc_queue *q, unsigned int i)
{
	uint32_t priv_sz = q->ctrl->lp->tmpl->fcprqst_priv_sz;
	struct fc_req *r = &q->reqs[i];

	r->q = q;
	r->fcp.cmdaddr = (uint8_t *)q->ius + i * IUS_LEN;
	r->fcp.cmddma = q->ius_dma + i * IUS_LEN;
	r->fcp.cmdlen = CMND_LEN;
	r->fcp.rspaddr = (uint8_t *)r->fcp.cmdaddr + CMND_LEN;
	r->fcp.rspdma = r->fcp.cmddma + CMND_LEN;
	r->fcp.rsplen = RSP_LEN;
	r->fcp.sqid = q->qid;
	r->fcp.done = on_fcp_done;
	if (priv_sz)
		r->fcp.private_ = (uint8_t *)q->priv + i * fc_stride(priv_sz);
	r->next = q->free;
	q->free = r;
}

struct fc_queue *fc_queue_new(struct nvme_fc_ctrl *c, uint16_t qid, uint16_t entries)
{
	struct nvme_fc_device *dev = c->lp->dev;
	struct fc_queue *q = calloc(1, sizeof(*q));
	unsigned int n = entries - 1u;

	if (!q)
		return NULL;
	q->ctrl = c;
	q->qid = qid;
	q->entries = entries;
	q->reqs = calloc(n, sizeof(q->reqs[0]));
	if (!q->reqs || !fc_private(&q->priv, n, c->lp->tmpl->fcprqst_priv_sz))
		goto fail;
	q->ius = dev->alloc(dev, n * IUS_LEN, &q->ius_dma);
	if (!q->ius)
		goto fail;
	while (n--)
		init_req(q, n);
	return q;
fail:
	free(q->priv);
	free(q->reqs);
	free(q);
	return NULL;
}

void fc_queue_free(struct fc_queue *q)
{
	struct fc_lport *lp = q->ctrl->lp;

	if (q->has_handle && lp->tmpl->delete_queue)
		lp->tmpl->delete_queue(&lp->port, q->qid, q->handle);
	lp->dev->free(lp->dev, q->ius, (q->entries - 1u) * IUS_LEN, q->ius_dma);
	free(q->priv);
	free(q->reqs);
	free(q);
}

/* --- sending ----------------------------------------------------------------------------------------------- */

/* No piece empty or across the driver's boundary, all together len bytes. */
static bool pieces_ok(const struct nvme_fc_port_template *t, const struct nvme_fc_io *io)
{
	uint64_t sum = 0;

	if (io->sg_cnt > t->max_sgl_segments)
		return false;
	for (unsigned int i = 0; i < io->sg_cnt; i++) {
		const struct nvmefc_sg *sg = &io->sg[i];

		if (!sg->len ||
		    (sg->iova & ~t->dma_boundary) != ((sg->iova + sg->len - 1) & ~t->dma_boundary))
			return false;
		sum += sg->len;
	}
	return sum == io->len && !io->len == (io->dir == NVMEFC_FCP_NODATA);
}

/*
 * At most entries - 1 commands since the submission queue head that was told last: short responses
 * do not tell it.
 */
static bool queue_full(const struct fc_queue *q)
{
	return !q->free || (!q->ctrl->p.no_sqflow && (q->tail + 1u) % q->entries == q->head);
}

static void fill(struct fc_req *r, const struct nvme_fc_io *io)
{
	struct fc_cmnd cmnd = { .connection_id = r->q->connection_id,
				.csn = r->q->csn + 1,
				.data_len = io->len,
				.admin = !r->q->qid };

	if (io->dir != NVMEFC_FCP_NODATA)
		cmnd.flags = io->dir == NVMEFC_FCP_WRITE ? FCNVME_FLAG_WRITE : FCNVME_FLAG_READ;
	memcpy(cmnd.sqe, io->sqe, sizeof(cmnd.sqe));
	fc_cmnd_build(r->fcp.cmdaddr, &cmnd);
	memset(r->fcp.rspaddr, 0, RSP_LEN);
	r->fcp.payload_length = io->len;
	r->fcp.first_sgl = io->sg;
	r->fcp.sg_cnt = (int)io->sg_cnt;
	r->fcp.io_dir = io->dir;
	r->fcp.transferred_length = 0;
	r->fcp.rcv_rsplen = 0;
	r->fcp.status = 0;
	r->aborted = 0;
}

static void release(struct fc_req *r)
{
	r->io = NULL;
	r->next = r->q->free;
	r->q->free = r;
	r->q->inflight--;
}

static int start(struct fc_queue *q, struct nvme_fc_io *io)
{
	struct fc_lport *lp = q->ctrl->lp;
	struct fc_req *r = q->free;
	int rc;

	q->free = r->next;
	q->inflight++;
	r->io = io;
	io->req = r;
	fill(r, io);
	rc = lp->tmpl->fcp_io(&lp->port, &q->ctrl->rp->port, q->handle, &r->fcp);
	if (rc) {
		release(r);
		return rc;
	}
	q->csn++;
	q->tail = (uint16_t)((q->tail + 1u) % q->entries);
	return 0;
}

int nvme_fc_submit(struct nvme_fc_ctrl *c, uint16_t qid, struct nvme_fc_io *io)
{
	struct fc_queue *q = qid < FC_QUEUES_MAX ? c->queue[qid] : NULL;
	int rc;

	if (c->state != CTRL_LIVE || !q || q->state != QUEUE_LIVE)
		return -ENOTCONN;
	if (!pieces_ok(c->lp->tmpl, io))
		return -EINVAL;
	if (queue_full(q))
		return -EAGAIN;
	rc = start(q, io);
	if (rc == -EBUSY || rc == -EAGAIN)
		return -EAGAIN;
	if (rc)
		fc_ctrl_end(c, rc);
	return rc;
}

const char *nvme_fc_io_getuuid(const struct nvmefc_fcp_req *req)
{
	const struct nvme_fc_io *io = ((const struct fc_req *)req)->io;

	return io ? io->appid : NULL;
}

/* --- completion -------------------------------------------------------------------------------------------- */

/* SQHD moves forward only, over what was sent: answers may overtake each other. */
static void take_head(struct fc_queue *q, uint16_t sqhd)
{
	unsigned int tail = q->tail + q->entries;

	if (sqhd < q->entries && (tail - sqhd) % q->entries <= (tail - q->head) % q->entries)
		q->head = sqhd;
}

static int take_ersp(struct fc_req *r, const struct fc_rsp *rsp)
{
	struct nvme_fc_io *io = r->io;
	uint16_t cid;

	memcpy(&cid, &io->sqe[2], 2);
	if (rsp->result != FCNVME_ERSP_SUCCESS || rsp->xfrd_len != r->fcp.transferred_length ||
	    rsp->xfrd_len > io->len || rsp->cqe.cid != cid)
		return -EPROTO;
	io->cqe = rsp->cqe;
	io->sqhd_valid = true;
	take_head(r->q, rsp->cqe.sqhd);
	return 0;
}

/* A command that succeeded has no more to say than its CID. */
static int take_short(struct fc_req *r)
{
	struct nvme_fc_io *io = r->io;

	if (r->fcp.transferred_length != r->fcp.payload_length)
		return -EPROTO;
	memcpy(&io->cqe.cid, &io->sqe[2], 2);
	io->cqe.sqhd = r->q->head;
	return 0;
}

static int take_response(struct fc_req *r)
{
	struct fc_rsp rsp;

	if (r->aborted)
		return r->aborted;
	if (r->fcp.status == -ECANCELED) /* not by us */
		return -ECONNABORTED;
	if (r->fcp.status)
		return r->fcp.status < 0 ? r->fcp.status : -EIO;
	if (fc_rsp_parse(r->fcp.rspaddr, r->fcp.rcv_rsplen, &rsp))
		return -EPROTO;
	return rsp.extended ? take_ersp(r, &rsp) : take_short(r);
}

static void on_fcp_done(struct nvmefc_fcp_req *fcp)
{
	struct fc_req *r = (struct fc_req *)fcp;
	struct nvme_fc_ctrl *c = r->q->ctrl;
	struct nvme_fc_io *io = r->io;

	if (!io)
		return;
	memset(&io->cqe, 0, sizeof(io->cqe));
	io->sqhd_valid = false;
	io->error = take_response(r);
	io->transferred = r->fcp.transferred_length;
	io->req = NULL;
	if (io->error)
		fc_ctrl_end(c, io->error);
	release(r);
	c->lp->again = true;
	io->done(io);
}

static void abort_req(struct fc_req *r, int error)
{
	struct fc_queue *q = r->q;
	struct fc_lport *lp = q->ctrl->lp;

	if (!r->io || r->aborted)
		return;
	r->aborted = error;
	lp->tmpl->fcp_abort(&lp->port, &q->ctrl->rp->port, q->handle, &r->fcp);
}

void fc_queue_abort(struct fc_queue *q)
{
	int error = q->ctrl->error;

	for (unsigned int i = 0; i < q->entries - 1u && q->inflight; i++)
		abort_req(&q->reqs[i], error < 0 ? error : -ECANCELED);
}

void nvme_fc_abort(struct nvme_fc_ctrl *c, struct nvme_fc_io *io)
{
	struct fc_req *r = io->req;

	if (!r || r->io != io)
		return;
	fc_ctrl_end(c, -ECONNABORTED);
	abort_req(r, -ECANCELED);
}
