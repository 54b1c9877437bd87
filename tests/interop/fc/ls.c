// SPDX-License-Identifier: GPL-2.0
/* Link services of FC-NVMe: those that the transports ask for, and those that they answer. */
#include "peer.h"

#define HURRY_MS 1000
#define LS_MAX 2048 /* of a request; the transports have their own limit */

bool closing;

/* --- sent ------------------------------------------------------------------------------------------ */

/* The request goes back to its transport: what l is in may be used anew at once. */
static void finish(struct ls *l, int status)
{
	unsigned long flags;

	xchg_close(&l->x);
	spin_lock_irqsave(&actor_lock, flags);
	l->live = false;
	actor_forget_locked(&l->abort);
	spin_unlock_irqrestore(&actor_lock, flags);
	l->req->done(l->req, status);
}

static void on_answer(struct xchg *x, const struct rx *f)
{
	struct ls *l = container_of(x, struct ls, x);

	if (f->r_ctl != R_LS_RESP || f->type != TYPE_NVME_LS || !(f->f_ctl & FC_FC_LAST_SEQ) ||
	    !(f->f_ctl & FC_FC_END_SEQ)) {
		violation("LS: R_CTL %02x TYPE %02x of %u bytes, F_CTL %06x", f->r_ctl, f->type,
			  f->len, f->f_ctl);
		xchg_abort(x);
		return;
	}
	/* done() is not told a length. A reject is longer than the answer that is hoped for. */
	memset(l->req->rspaddr, 0, l->req->rsplen);
	memcpy(l->req->rspaddr, f->payload, min(f->len, l->req->rsplen));
	finish(l, 0);
}

static void on_gap(struct xchg *x, const struct rx *f)
{
	xchg_abort(x);
}

static void on_late(struct xchg *x)
{
	pr_info("LS OX %04x is not answered\n", x->ox);
	xchg_abort(x);
}

static void on_end(struct xchg *x)
{
	finish(container_of(x, struct ls, x), x->aborting ? -ETIMEDOUT : -ENOTCONN);
}

static const struct xchg_ops sent_ops = {
	.frame = on_answer,
	.gap = on_gap,
	.aborted = on_end,
	.answered = on_end,
	.late = on_late,
	.lost = on_end,
};

static void run_start(struct errand *e)
{
	struct ls *l = container_of(e, struct ls, start);
	struct nvmefc_ls_req *req = l->req;
	int ret = port_ready(l->rp) ? xchg_open(&l->x, l->rp, &sent_ops) : -ENOTCONN;

	if (ret) {
		l->live = false;
		req->done(req, ret);
		return;
	}
	xchg_deadline(&l->x, closing ? HURRY_MS : req->timeout * 1000);
	seq_send_buf(&l->x, R_LS_RQST, TYPE_NVME_LS, SEQ_PASS, req->rqstaddr, req->rqstlen);
}

/* Any context. */
int ls_start(struct rport *rp, struct nvmefc_ls_req *req)
{
	struct ls *l = req->private;

	if (!rp || !port_ready(rp))
		return -ENOTCONN;
	memset(l, 0, sizeof(*l));
	l->req = req;
	l->rp = rp;
	l->live = true;
	actor_post(&l->start, run_start);
	return 0;
}

static void run_abort(struct errand *e)
{
	struct ls *l = container_of(e, struct ls, abort);

	if (!l->x.aborting)
		xchg_abort(&l->x);
}

void ls_stop(struct nvmefc_ls_req *req)
{
	struct ls *l = req->private;
	unsigned long flags;

	spin_lock_irqsave(&actor_lock, flags);
	if (l->live)
		actor_post_locked(&l->abort, run_abort);
	spin_unlock_irqrestore(&actor_lock, flags);
}

/* --- received --------------------------------------------------------------------------------------- */

struct ls_in {
	struct xchg x;
	struct nvmefc_ls_rsp rsp;
	struct errand send;
	u8 buf[LS_MAX];
};

static void ignore_frame(struct xchg *x, const struct rx *f)
{
	violation("R_CTL %02x on an exchange of LS", f->r_ctl);
}

static void ignore(struct xchg *x)
{
}

/* Lives until the transport has answered: then it is told that the answer is gone. */
static const struct xchg_ops received_ops = {
	.frame = ignore_frame,
	.gap = ignore_frame,
	.aborted = ignore,
	.answered = ignore,
	.late = ignore,
	.lost = ignore,
};

static void run_respond(struct errand *e)
{
	struct ls_in *l = container_of(e, struct ls_in, send);

	if (!l->x.dead)
		seq_send_buf(&l->x, R_LS_RESP, TYPE_NVME_LS, SEQ_LAST | SEQ_PASS, l->rsp.rspbuf,
			     l->rsp.rsplen);
	xchg_close(&l->x);
	l->rsp.done(&l->rsp);
	kfree(l);
}

int ls_respond(struct nvmefc_ls_rsp *rsp)
{
	actor_post(&container_of(rsp, struct ls_in, rsp)->send, run_respond);
	return 0;
}

void ls_request(struct rport *rp, const struct rx *f)
{
	struct ls_in *l = f->len <= LS_MAX ? kzalloc(sizeof(*l), GFP_KERNEL) : NULL;
	int ret;

	if (!l || xchg_answer(&l->x, rp, &received_ops, f)) {
		kfree(l);
		stats[ST_REFUSED]++;
		return;
	}
	memcpy(l->buf, f->payload, f->len);
	ret = is_host ? host_ls(rp, &l->rsp, l->buf, f->len) :
			target_ls(rp, &l->rsp, l->buf, f->len);
	if (!ret)
		return;
	pr_info("LS %02x is not taken: %d\n", f->payload[0], ret);
	stats[ST_REFUSED]++;
	xchg_abort(&l->x);
	xchg_close(&l->x);
	kfree(l);
}
