/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Link services on the pair of that name. Requests of ours have the cids of its lower half; the
 * adapter times them. Requests of peers are in receive buffers, the cids of the upper half, until
 * they are answered; one that cannot be is aborted, and its buffer released.
 */
#include <errno.h>

#include "fc.h"

const uint32_t wfc_ls_priv = sizeof(struct wfc_ls_out *);

/* --- requests of ours ------------------------------------------------------------------------------- */

static struct wfc_ls_out **slot(struct nvmefc_ls_req *req)
{
	return req->private_;
}

static void on_out_aborted(void *obj)
{
	struct wfc_ls_out *o = obj;

	if (!o->req)
		o->busy = false;
}

static struct wfc_ls_out *free_out(struct weft_fc *fc)
{
	for (unsigned int i = 0; i < WFC_LS_N; i++)
		if (!fc->ls_out[i].busy)
			return &fc->ls_out[i];
	return NULL;
}

static int start_out(struct weft_fc *fc, const struct wfc_rport *r, struct wfc_remote *rem,
		     struct nvmefc_ls_req *req)
{
	struct wfc_ls_out *o = free_out(fc);
	struct weft_sgl_elem sgl[2] = { { .addr = req->rqstdma, .len = req->rqstlen },
					{ .addr = req->rspdma, .len = req->rsplen } };
	struct weft_fc_ls_entry e = { .opcode = WEFT_OP_FC_LS,
				      .flags = WEFT_SQF_DATA_OUT | WEFT_SQF_DATA_IN,
				      .data_len = req->rqstlen + req->rsplen,
				      .timeout_ms = req->timeout * 1000,
				      .rqst_len = req->rqstlen };
	int rc;

	if (!r)
		return -ENETDOWN;
	if (!req->rqstlen || req->rqstlen % 4)
		return -EINVAL;
	if (!o)
		return -EBUSY;
	e.cid = o->cid;
	e.rport = r->index;
	rc = weft_qp_fc_submit(fc->ls_qp, &e, sgl, 2, o);
	if (rc)
		return rc == -EAGAIN ? -EBUSY : rc;
	weft_qp_doorbell(fc->ls_qp);
	o->busy = true;
	o->req = req;
	o->rem = rem;
	*slot(req) = o;
	return 0;
}

static void abort_out(struct nvmefc_ls_req *req)
{
	struct wfc_ls_out *o = *slot(req);

	if (o && !wfc_abort_busy(&o->abort))
		wfc_abort_start(&o->abort, o->fc->ls_qp);
}

static void out_done(struct wfc_ls_out *o, int status)
{
	struct nvmefc_ls_req *req = o->req;

	if (!req)
		return;
	o->req = NULL;
	*slot(req) = NULL;
	if (wfc_abort_cancel(&o->abort))
		o->busy = false;
	if (!status && o->rem && o->rem->at)
		wfc_assoc_note(o->rem, req);
	req->done(req, status);
}

int wfc_host_ls_req(struct nvme_fc_local_port *lport, struct nvme_fc_remote_port *rport,
		    struct nvmefc_ls_req *req)
{
	struct wfc_remote *rem = rport->private_;

	return start_out(wfc_of(lport), rem->at, rem, req);
}

void wfc_host_ls_abort(struct nvme_fc_local_port *lport, struct nvme_fc_remote_port *rport,
		       struct nvmefc_ls_req *req)
{
	(void)lport;
	(void)rport;
	abort_out(req);
}

int wfc_target_ls_req(struct nvmet_fc_target_port *tport, void *handle, struct nvmefc_ls_req *req)
{
	return start_out(wfc_of_target(tport), ((struct wfc_host *)handle)->at, NULL, req);
}

void wfc_target_ls_abort(struct nvmet_fc_target_port *tport, void *handle,
			 struct nvmefc_ls_req *req)
{
	(void)tport;
	(void)handle;
	abort_out(req);
}

/* --- requests of peers: giving the buffer back ------------------------------------------------------ */

static void release(struct wfc_ls_in *in)
{
	in->state = LS_RELEASING;
	if (wfc_pend_start(&in->fc->ls_pend, &in->pend))
		in->state = LS_FREE; /* the pair is dead */
}

static void refuse(struct wfc_ls_in *in)
{
	if (in->aborted) {
		release(in);
		return;
	}
	in->state = LS_ABORTING;
	wfc_abort_start(&in->abort, in->fc->ls_qp);
}

static void on_in_aborted(void *obj)
{
	release(obj);
}

static int start_in(void *obj)
{
	struct wfc_ls_in *in = obj;
	struct weft_fc_ls_entry e = { .opcode = WEFT_OP_FC_RELEASE, .cid = in->cid };
	struct weft_sgl_elem sgl;
	unsigned int n = 0;
	int rc;

	if (in->state == LS_SENDING) {
		e.opcode = WEFT_OP_FC_LS_RSP;
		e.flags = WEFT_SQF_DATA_OUT;
		e.data_len = in->rsp.rsplen;
		sgl = (struct weft_sgl_elem){ .addr = in->rsp.rspdma, .len = in->rsp.rsplen };
		n = 1;
	}
	rc = weft_qp_fc_submit(in->fc->ls_qp, &e, &sgl, n, in);
	if (!rc)
		weft_qp_doorbell(in->fc->ls_qp);
	return rc;
}

/* An entry ended. */
static void in_done(struct wfc_ls_in *in, int error)
{
	if (in->state != LS_SENDING) {
		in->state = LS_FREE;
		return;
	}
	if (error)
		refuse(in);
	else
		in->state = LS_FREE;
	in->rsp.done(&in->rsp);
}

static void fail_in(void *obj, int error)
{
	in_done(obj, error);
}

/* --- handing up and answering ----------------------------------------------------------------------- */

/* With both roles, all but the end of an association of our host. */
static bool for_target(const struct wfc_ls_in *in, const struct wfc_rport *r)
{
	if (!in->fc->tport || !r->rport)
		return in->fc->tport;
	return (r->roles & WEFT_FCR_INITIATOR) &&
	       !wfc_assoc_is_ours(r->rport->private_, in->payload, in->len);
}

static void hand_up(struct wfc_ls_in *in)
{
	struct weft_fc *fc = in->fc;
	struct wfc_rport *r = &fc->rport[in->rport];
	struct wfc_host *host;
	int rc = -ENOTCONN;

	if (r->there && !r->ready) {
		in->state = LS_NAMES;
		return;
	}
	in->state = LS_UP;
	if (fc->closing) {
		rc = -ESHUTDOWN;
	} else if (r->ready && for_target(in, r)) {
		host = wfc_host_of(r);
		if (host)
			rc = nvmet_fc_rcv_ls_req(fc->tport, host, &in->rsp, in->payload, in->len);
	} else if (r->rport) {
		rc = nvme_fc_rcv_ls_req(r->rport, &in->rsp, in->payload, in->len);
	}
	if (rc)
		refuse(in);
}

void wfc_ls_names(struct wfc_rport *r)
{
	for (unsigned int i = 0; i < WFC_LS_N; i++) {
		struct wfc_ls_in *in = &r->fc->ls_in[i];

		if (in->state == LS_NAMES && in->rport == r->index)
			hand_up(in);
	}
}

void wfc_ls_capsule(void *arg, const struct weft_fc_capsule *c)
{
	struct weft_fc *fc = arg;
	struct wfc_ls_in *in = &fc->ls_in[c->cid - WFC_LS_N];

	in->rport = c->rport;
	in->payload = c->payload;
	in->len = c->len;
	in->aborted = false;
	if (c->rport >= WEFT_N_RPORT || c->dma_error)
		refuse(in);
	else
		hand_up(in);
}

void wfc_ls_aborted(struct weft_fc *fc, uint32_t cid)
{
	struct wfc_ls_in *in = cid >= WFC_LS_N && cid < 2 * WFC_LS_N ? &fc->ls_in[cid - WFC_LS_N] :
								       NULL;

	if (!in || in->state == LS_FREE)
		return;
	in->aborted = true;
	if (in->state == LS_NAMES)
		release(in);
}

/* Nothing is sent; done is owed all the same. */
static void on_unsent(void *obj)
{
	struct wfc_ls_in *in = obj;

	refuse(in);
	in->rsp.done(&in->rsp);
}

static int answer(struct weft_fc *fc, struct nvmefc_ls_rsp *rsp)
{
	struct wfc_ls_in *in = (struct wfc_ls_in *)rsp;
	int rc;

	if (in->aborted || fc->dead || !fc->rport[in->rport].there) {
		wfc_work_add(fc, &in->work, on_unsent, in);
		return 0;
	}
	in->state = LS_SENDING;
	rc = wfc_pend_start(&fc->ls_pend, &in->pend);
	if (rc)
		refuse(in);
	return rc;
}

int wfc_host_xmt_ls_rsp(struct nvme_fc_local_port *lport, struct nvme_fc_remote_port *rport,
			struct nvmefc_ls_rsp *rsp)
{
	(void)rport;
	return answer(wfc_of(lport), rsp);
}

int wfc_target_xmt_ls_rsp(struct nvmet_fc_target_port *tport, struct nvmefc_ls_rsp *rsp)
{
	return answer(wfc_of_target(tport), rsp);
}

/* --- the pair --------------------------------------------------------------------------------------- */

void wfc_ls_complete(void *arg, const struct weft_completion *c)
{
	int error = c->error;

	(void)arg;
	if (!error && (c->flags & WEFT_CQF_DMA_ERR))
		error = -EIO;
	if (c->cid < WFC_LS_N)
		out_done(c->cookie, error);
	else
		in_done(c->cookie, error);
}

void wfc_ls_init(struct weft_fc *fc)
{
	for (unsigned int i = 0; i < WFC_LS_N; i++) {
		struct wfc_ls_out *o = &fc->ls_out[i];
		struct wfc_ls_in *in = &fc->ls_in[i];

		o->fc = in->fc = fc;
		o->cid = (uint16_t)i;
		in->cid = (uint16_t)(i + WFC_LS_N);
		in->pend = (struct wfc_pend){ .start = start_in, .fail = fail_in, .obj = in };
		wfc_abort_init(&o->abort, fc, o->cid, on_out_aborted, o);
		wfc_abort_init(&in->abort, fc, in->cid, on_in_aborted, in);
	}
}

void wfc_ls_dead(struct weft_fc *fc)
{
	for (unsigned int i = 0; i < WFC_LS_N; i++)
		wfc_ls_aborted(fc, i + WFC_LS_N);
}

bool wfc_ls_idle(const struct weft_fc *fc)
{
	for (unsigned int i = 0; i < WFC_LS_N; i++)
		if (fc->ls_out[i].busy || fc->ls_in[i].state != LS_FREE)
			return false;
	return true;
}

void wfc_ls_forget(struct weft_fc *fc)
{
	for (unsigned int i = 0; i < WFC_LS_N; i++) {
		wfc_abort_forget(fc, &fc->ls_out[i].abort);
		wfc_abort_forget(fc, &fc->ls_in[i].abort);
	}
}
