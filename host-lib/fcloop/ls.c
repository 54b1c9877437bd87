/* SPDX-License-Identifier: BSD-2-Clause */
/* Link services over the loop, in both directions. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "loop.h"

#define NSEC 1000000000ull
#define LS_MAX 1024 /* bytes of a request */

/* A link service exchange. Ends when the asking side had done, and the answering side, too. */
struct loop_ls {
	struct nvmefc_ls_rsp rsp; /* first: what the answering side sees */
	TAILQ_ENTRY(loop_ls) link;
	struct nvme_fc_loop *loop;
	struct nvmefc_ls_req *req; /* NULL: done */
	bool to_target;
	bool at_peer;  /* the answering side has it */
	bool answered; /* and has given its answer */
	bool lost;     /* nothing comes back */
	uint64_t deadline;
	struct loop_event deliver, sent, end;
	uint32_t len;
	uint8_t buf[LS_MAX];
};
const uint32_t loop_ls_priv = sizeof(struct loop_ls *);

static struct loop_ls **slot(struct nvmefc_ls_req *req)
{
	return req->private_;
}

static void put(struct loop_ls *l)
{
	struct nvme_fc_loop *loop = l->loop;

	if (l->req || l->at_peer)
		return;
	loop_unpost(loop, &l->deliver);
	loop_unpost(loop, &l->end);
	loop_unpost(loop, &l->sent);
	TAILQ_REMOVE(&loop->ls, l, link);
	loop->stats.ls--;
	free(l);
}

/* Ends it for the asking side. */
static void finish(struct loop_ls *l, int status)
{
	struct nvmefc_ls_req *req = l->req;

	if (!req)
		return;
	l->req = NULL;
	*slot(req) = NULL;
	put(l);
	req->done(req, status);
}

static void on_deliver(void *obj)
{
	struct loop_ls *l = obj;
	struct nvme_fc_loop *loop = l->loop;
	int rc = -ENETDOWN;

	if (loop_hit(loop, NVME_FC_LOOP_LS_DROP))
		return;
	l->at_peer = true;
	if (loop->up && l->to_target && loop->tport)
		rc = nvmet_fc_rcv_ls_req(loop->tport, loop->host, &l->rsp, l->buf, l->len);
	else if (loop->up && !l->to_target)
		rc = nvme_fc_rcv_ls_req(loop->rport, &l->rsp, l->buf, l->len);
	if (!rc)
		return;
	l->at_peer = false;
	finish(l, -EIO);
}

static int start(struct nvme_fc_loop *loop, bool to_target, struct nvmefc_ls_req *req)
{
	struct loop_ls *l;

	LOOP_CHECK(loop, !*slot(req));
	LOOP_CHECK(loop, req->rqstlen <= LS_MAX && req->rqstaddr && req->rspaddr && req->done);
	LOOP_CHECK(loop, req->rqstdma == nvme_fc_loop_iova(req->rqstaddr));
	if (loop_hit(loop, NVME_FC_LOOP_LS_BUSY))
		return -EBUSY;
	if (loop_hit(loop, NVME_FC_LOOP_LS_FAIL))
		return -EIO;
	l = calloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	l->loop = loop;
	l->req = req;
	l->to_target = to_target;
	l->deadline = loop_hit(loop, NVME_FC_LOOP_LS_NO_TIMEOUT) ? UINT64_MAX :
								   loop->now + req->timeout * NSEC;
	l->len = req->rqstlen;
	memcpy(l->buf, req->rqstaddr, req->rqstlen);
	*slot(req) = l;
	TAILQ_INSERT_TAIL(&loop->ls, l, link);
	loop->stats.ls++;
	loop_post(loop, &l->deliver, on_deliver, l);
	return 0;
}

static void on_end(void *obj)
{
	finish(obj, -ECANCELED);
}

static void abort_ls(struct nvme_fc_loop *loop, struct nvmefc_ls_req *req)
{
	struct loop_ls *l = *slot(req);

	LOOP_CHECK(loop, l && l->req == req && !l->end.queued);
	if (!l)
		return;
	loop_unpost(loop, &l->deliver);
	if (loop->opts.sync_abort)
		on_end(l);
	else
		loop_post(loop, &l->end, on_end, l);
}

uint64_t loop_ls_timeouts(struct nvme_fc_loop *loop)
{
	uint64_t next = UINT64_MAX;
	struct loop_ls *l, *after;

	for (l = TAILQ_FIRST(&loop->ls); l; l = after) {
		after = TAILQ_NEXT(l, link);
		if (!l->req)
			continue;
		if (loop->now >= l->deadline)
			finish(l, -ETIMEDOUT);
		else if (l->deadline < next)
			next = l->deadline;
	}
	return next;
}

/* --- answers -------------------------------------------------------------------------------------------------- */

static void on_sent(void *obj)
{
	struct loop_ls *l = obj;
	bool lost = l->lost;

	l->at_peer = false;
	l->rsp.done(&l->rsp);
	if (lost || !l->req)
		put(l);
	else
		finish(l, 0);
}

static void store(struct loop_ls *l)
{
	static const uint8_t rjt[40] = { 1, 0, 0, 0, 0, 0, 0, 32, 0, 0, 0, 1, 0, 0,
					 0, 8, 0, 0, 0, 0, 0, 0,  0, 0, 0, 0, 0, 2,
					 0, 0, 0, 8, 0, 9, 0, 0,  0, 0, 0, 0 };
	uint8_t *to = l->req->rspaddr;

	memcpy(to, l->rsp.rspbuf, l->rsp.rsplen);
	if (loop_hit(l->loop, NVME_FC_LOOP_LS_GARBLE))
		memset(to, 0x5a, l->rsp.rsplen);
	if (loop_hit(l->loop, NVME_FC_LOOP_LS_REJECT)) {
		memcpy(to, rjt, sizeof(rjt));
		to[16] = l->buf[0];
	}
}

static int answer(struct nvme_fc_loop *loop, bool by_target, struct nvmefc_ls_rsp *rsp)
{
	struct loop_ls *l = (struct loop_ls *)rsp;

	LOOP_CHECK(loop, l->at_peer && !l->answered && l->to_target == by_target);
	LOOP_CHECK(loop, rsp->rspbuf && rsp->rspdma == nvme_fc_loop_iova(rsp->rspbuf) && rsp->done);
	if (loop_hit(loop, NVME_FC_LOOP_LS_XMT_FAIL)) {
		l->at_peer = false;
		put(l);
		return -EIO;
	}
	l->answered = true;
	l->lost = loop_hit(loop, NVME_FC_LOOP_LS_RSP_DROP);
	if (l->req && !l->lost) {
		LOOP_CHECK(loop, rsp->rsplen <= l->req->rsplen);
		store(l);
	}
	loop_post(loop, &l->sent, on_sent, l);
	return 0;
}

/* --- templates ------------------------------------------------------------------------------------------------ */

static int host_ls_req(struct nvme_fc_local_port *lport, struct nvme_fc_remote_port *rport,
		       struct nvmefc_ls_req *req)
{
	struct nvme_fc_loop *loop = loop_of(lport);

	LOOP_CHECK(loop, rport == loop->rport && loop->up);
	return start(loop, true, req);
}

static void host_ls_abort(struct nvme_fc_local_port *lport, struct nvme_fc_remote_port *rport,
			  struct nvmefc_ls_req *req)
{
	struct nvme_fc_loop *loop = loop_of(lport);

	LOOP_CHECK(loop, rport == loop->rport);
	abort_ls(loop, req);
}

static int host_xmt_ls_rsp(struct nvme_fc_local_port *lport, struct nvme_fc_remote_port *rport,
			   struct nvmefc_ls_rsp *rsp)
{
	struct nvme_fc_loop *loop = loop_of(lport);

	LOOP_CHECK(loop, rport == loop->rport);
	return answer(loop, false, rsp);
}

static int target_ls_req(struct nvmet_fc_target_port *tport, void *handle,
			 struct nvmefc_ls_req *req)
{
	struct nvme_fc_loop *loop = loop_of_target(tport);

	LOOP_CHECK(loop, handle == loop->host);
	return start(loop, false, req);
}

static void target_ls_abort(struct nvmet_fc_target_port *tport, void *handle,
			    struct nvmefc_ls_req *req)
{
	LOOP_CHECK(loop_of_target(tport), ((struct loop_host *)handle)->loop->tport == tport);
	abort_ls(loop_of_target(tport), req);
}

static int target_xmt_ls_rsp(struct nvmet_fc_target_port *tport, struct nvmefc_ls_rsp *rsp)
{
	return answer(loop_of_target(tport), true, rsp);
}

void loop_ls_templates(struct nvme_fc_loop *loop)
{
	loop->host_tmpl.ls_req = host_ls_req;
	loop->host_tmpl.ls_abort = host_ls_abort;
	loop->host_tmpl.xmt_ls_rsp = host_xmt_ls_rsp;
	loop->target_tmpl.xmt_ls_rsp = target_xmt_ls_rsp;
	if (loop->opts.no_target_ls)
		return;
	loop->target_tmpl.ls_req = target_ls_req;
	loop->target_tmpl.ls_abort = target_ls_abort;
}
