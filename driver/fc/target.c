/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Commands of the target role. A command is a receive buffer of the pair until its response has left;
 * the IU stays in it as long, so that a deferred one needs no care.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fc.h"

#define LOG2_DEFAULT 8u
#define LOG2_MAX 10u
#define WRITE_SECONDS_MAX 3600u

/* --- giving back ------------------------------------------------------------------------------------ */

static void put_cmd(struct wfc_cmd *cmd)
{
	struct weft_fc *fc = cmd->fc;

	cmd->next = fc->cmds;
	fc->cmds = cmd;
	fc->n_cmds--;
}

static struct wfc_cmd *get_cmd(struct weft_fc *fc)
{
	struct wfc_cmd *cmd = fc->cmds;

	if (cmd)
		fc->cmds = cmd->next;
	else
		cmd = malloc(sizeof(*cmd));
	if (!cmd)
		return NULL;
	memset(cmd, 0, sizeof(*cmd));
	cmd->fc = fc;
	fc->n_cmds++;
	return cmd;
}

static void gone(struct wfc_buf *b)
{
	b->fc->n_held -= b->held;
	b->held = b->releasing = false;
}

static int start_release(struct wfc_buf *b)
{
	struct weft_fc_tgt_entry e = { .opcode = WEFT_OP_FC_RELEASE, .cid = b->cid };
	int rc = weft_qp_fc_submit(b->fc->target_qp, &e, NULL, 0, b);

	if (!rc)
		weft_qp_doorbell(b->fc->target_qp);
	return rc;
}

/* Nobody needs the buffer any more: aborts its exchange if that is not over, then gives it back. */
static void settle(struct wfc_buf *b)
{
	if (!b->held || b->cmd || b->active || b->releasing || wfc_abort_busy(&b->abort))
		return;
	if (!b->aborted && !b->over) {
		wfc_abort_start(&b->abort, b->fc->target_qp);
		return;
	}
	b->releasing = true;
	if (wfc_pend_start(&b->fc->target_pend, &b->pend))
		gone(b); /* the pair is dead */
}

static void on_abort_over(void *obj)
{
	struct wfc_buf *b = obj;

	b->over = true;
	settle(b);
}

/* --- operations ------------------------------------------------------------------------------------- */

/* The command may be gone afterwards, or have its next operation. */
static void end_op(struct wfc_buf *b, int error, uint32_t len)
{
	struct wfc_cmd *cmd = b->cmd;
	struct nvmefc_tgt_fcp_req *req;

	b->active = false;
	if (!cmd) { /* the transport did not wait for it */
		settle(b);
		return;
	}
	req = &cmd->req;
	if (!error && (req->op == NVMET_FCOP_RSP || req->op == NVMET_FCOP_READDATA_RSP)) {
		b->cmd = NULL;
		cmd->buf = NULL;
		gone(b);
	}
	req->fcp_error = error;
	req->transferred_length = error ? 0 : len;
	req->done(req);
}

static uint32_t write_ms(uint32_t seconds)
{
	return 1000 * (seconds && seconds < WRITE_SECONDS_MAX ? seconds : WRITE_SECONDS_MAX);
}

static void fill(struct weft_fc_tgt_entry *e, const struct nvmefc_tgt_fcp_req *req)
{
	static const uint8_t opcode[] = { [NVMET_FCOP_READDATA] = WEFT_OP_FC_READ,
					  [NVMET_FCOP_WRITEDATA] = WEFT_OP_FC_WRITE,
					  [NVMET_FCOP_READDATA_RSP] = WEFT_OP_FC_READ,
					  [NVMET_FCOP_RSP] = WEFT_OP_FC_RSP };

	e->opcode = opcode[req->op];
	if (req->op != NVMET_FCOP_RSP) {
		e->data_len = req->transfer_length;
		e->offset = req->offset;
		e->flags = req->op == NVMET_FCOP_WRITEDATA ? WEFT_SQF_DATA_IN : WEFT_SQF_DATA_OUT;
	}
	if (req->op == NVMET_FCOP_WRITEDATA)
		e->timeout_ms = write_ms(req->timeout);
	if (req->op == NVMET_FCOP_READDATA_RSP)
		e->flags |= WEFT_SQF_RESP;
	if (req->op == NVMET_FCOP_RSP || req->op == NVMET_FCOP_READDATA_RSP) {
		e->rsp_len = req->rsplen;
		memcpy(e->rsp, req->rspaddr, req->rsplen);
	}
}

static int start_op(struct wfc_buf *b)
{
	const struct nvmefc_tgt_fcp_req *req = &b->cmd->req;
	struct weft_fc_tgt_entry e = { .cid = b->cid };
	int n = req->op == NVMET_FCOP_RSP ? 0 : wfc_sgl(b->fc, req->sg, req->sg_cnt);
	int rc;

	if (n < 0)
		return n;
	fill(&e, req);
	rc = weft_qp_fc_submit(b->fc->target_qp, &e, b->fc->sgl, (unsigned int)n, b);
	if (!rc)
		weft_qp_doorbell(b->fc->target_qp);
	return rc;
}

static int start(void *obj)
{
	struct wfc_buf *b = obj;

	return b->releasing ? start_release(b) : start_op(b);
}

static void fail(void *obj, int error)
{
	struct wfc_buf *b = obj;

	if (b->releasing)
		gone(b);
	else
		end_op(b, error, 0);
}

static bool sound(const struct nvmefc_tgt_fcp_req *req)
{
	return req->op >= NVMET_FCOP_READDATA && req->op <= NVMET_FCOP_RSP &&
	       (req->op == NVMET_FCOP_RSP || req->transfer_length) &&
	       (req->op < NVMET_FCOP_READDATA_RSP ||
		(req->rsplen <= sizeof(((struct weft_fc_tgt_entry *)0)->rsp) && req->rspaddr));
}

int wfc_target_op(struct nvmet_fc_target_port *tport, struct nvmefc_tgt_fcp_req *req)
{
	struct wfc_buf *b = ((struct wfc_cmd *)req)->buf;
	int rc;

	(void)tport;
	if (!b || b->aborted || b->over || wfc_abort_busy(&b->abort))
		return -ECONNABORTED;
	if (b->active)
		return -EBUSY;
	if (!sound(req))
		return -EINVAL;
	b->active = true;
	rc = wfc_pend_start(&b->fc->target_pend, &b->pend);
	if (rc)
		b->active = false;
	return rc;
}

void wfc_target_complete(void *arg, const struct weft_completion *c)
{
	struct wfc_buf *b = c->cookie;

	(void)arg;
	if (b->releasing)
		gone(b);
	else
		end_op(b,
		       c->error                    ? c->error :
		       c->flags & WEFT_CQF_DMA_ERR ? -EIO :
						     0,
		       c->data_len);
}

/* --- commands --------------------------------------------------------------------------------------- */

void wfc_target_capsule(void *arg, const struct weft_fc_capsule *c)
{
	struct weft_fc *fc = arg;
	struct wfc_host *host = c->rport < WEFT_N_RPORT ? fc->rport[c->rport].host : NULL;
	struct wfc_buf *b = &fc->buf[c->cid];
	struct wfc_cmd *cmd = NULL;
	int rc = -ENOTCONN;

	fc->n_held++;
	b->held = true;
	b->active = b->aborted = b->over = b->releasing = false;
	if (fc->tport && host && !c->dma_error)
		cmd = get_cmd(fc);
	if (cmd) { /* from inside it may be answered, and gone */
		cmd->buf = b;
		b->cmd = cmd;
		rc = nvmet_fc_rcv_fcp_req_from(fc->tport, host, &cmd->req, c->payload, c->len);
		fc->n_deferred += rc == -EOVERFLOW;
		if (!rc || rc == -EOVERFLOW)
			return;
		b->cmd = NULL;
		put_cmd(cmd);
	}
	settle(b);
}

void wfc_target_abort(struct nvmet_fc_target_port *tport, struct nvmefc_tgt_fcp_req *req)
{
	struct wfc_buf *b = ((struct wfc_cmd *)req)->buf;

	(void)tport;
	if (!b)
		return; /* the response has left */
	if (!b->aborted && !b->over && !wfc_abort_busy(&b->abort))
		wfc_abort_start(&b->abort, b->fc->target_qp);
	if (b->active && b->pend.queued) { /* the adapter does not know the operation */
		wfc_pend_cancel(&b->fc->target_pend, &b->pend);
		end_op(b, -ECANCELED, 0);
	}
}

void wfc_target_release(struct nvmet_fc_target_port *tport, struct nvmefc_tgt_fcp_req *req)
{
	struct wfc_cmd *cmd = (struct wfc_cmd *)req;
	struct wfc_buf *b = cmd->buf;

	(void)tport;
	put_cmd(cmd);
	if (!b)
		return;
	b->cmd = NULL;
	settle(b);
}

void wfc_target_defer_rcv(struct nvmet_fc_target_port *tport, struct nvmefc_tgt_fcp_req *req)
{
	(void)tport;
	(void)req; /* the buffer stays with the exchange */
}

/* The other side aborted the exchange, or it was lost. */
static void aborted(struct wfc_buf *b)
{
	struct weft_fc *fc = b->fc;

	if (!b->held || b->releasing)
		return;
	b->aborted = true;
	if (b->cmd && fc->tport)
		nvmet_fc_rcv_fcp_abort(fc->tport, &b->cmd->req);
	if (b->active && b->pend.queued) {
		wfc_pend_cancel(&fc->target_pend, &b->pend);
		end_op(b, -ECANCELED, 0);
	}
	settle(b);
}

void wfc_target_event(void *arg, const struct weft_event *ev)
{
	struct weft_fc *fc = arg;

	if (ev->code == WEFT_EV_FC_ABORTED && ev->dw1 < fc->entries)
		aborted(&fc->buf[ev->dw1]);
}

void wfc_target_dead(struct weft_fc *fc)
{
	for (unsigned int i = 0; i < fc->entries; i++)
		aborted(&fc->buf[i]);
}

/* --- the pair --------------------------------------------------------------------------------------- */

static int make_pair(struct weft_fc *fc)
{
	struct weft_qp_params p = { .complete_cb = wfc_target_complete,
				    .event_cb = wfc_target_event,
				    .fc_capsule_cb = wfc_target_capsule,
				    .arg = fc,
				    .flags = WEFT_QP_FC | WEFT_QP_CONTROLLER,
				    .vector = fc->params.vector };
	unsigned int want = fc->params.target_entries, log2 = want ? 2 : LOG2_DEFAULT;

	while (want && log2 <= LOG2_MAX && 1u << log2 != want)
		log2++;
	if (log2 > LOG2_MAX)
		return weft_set_error(-EINVAL, "%u commands in hand: a power of two, 4..1024",
				      want);
	p.sq_log2 = (uint8_t)log2;
	fc->buf = calloc(1u << log2, sizeof(fc->buf[0]));
	if (!fc->buf)
		return -ENOMEM;
	fc->entries = 1u << log2;
	for (unsigned int i = 0; i < fc->entries; i++) {
		struct wfc_buf *b = &fc->buf[i];

		b->fc = fc;
		b->cid = (uint16_t)i;
		b->pend = (struct wfc_pend){ .start = start, .fail = fail, .obj = b };
		wfc_abort_init(&b->abort, fc, b->cid, on_abort_over, b);
	}
	return weft_qp_create(fc->dev, &p, &fc->target_qp);
}

int wfc_target_init(struct weft_fc *fc)
{
	int rc = make_pair(fc);

	if (rc)
		wfc_target_fini(fc);
	return rc;
}

void wfc_target_fini(struct weft_fc *fc)
{
	struct wfc_cmd *cmd;

	while ((cmd = fc->cmds)) {
		fc->cmds = cmd->next;
		free(cmd);
	}
	free(fc->buf);
	fc->buf = NULL;
	fc->entries = 0;
}

void wfc_target_forget(struct weft_fc *fc)
{
	for (unsigned int i = 0; i < fc->entries; i++)
		wfc_abort_forget(fc, &fc->buf[i].abort);
}
