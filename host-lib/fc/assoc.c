/* SPDX-License-Identifier: BSD-2-Clause */
/* A target's associations: the link services that make and end them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "tgt.h"

/* --- our Disconnect Association ---------------------------------------------------------------------------- */

static struct fc_assoc *assoc_of(struct fc_ls_op *op)
{
	return (struct fc_assoc *)((char *)op - offsetof(struct fc_assoc, ls));
}

static int ls_start(struct fc_ls_op *op)
{
	struct fc_assoc *a = assoc_of(op);

	if (a->host->invalid)
		return -ENETDOWN;
	return a->tp->tmpl->ls_req(&a->tp->port, a->host->handle, &op->req);
}

static void ls_abort(struct fc_ls_op *op)
{
	struct fc_assoc *a = assoc_of(op);

	a->tp->tmpl->ls_abort(&a->tp->port, a->host->handle, &op->req);
}

/* --- making ------------------------------------------------------------------------------------------------ */

static struct fc_host *host_of(struct fc_tport *tp, void *handle)
{
	struct fc_host *h;

	TAILQ_FOREACH(h, &tp->hosts, link)
	if (h->handle == handle && !h->invalid)
		return h;
	h = calloc(1, sizeof(*h));
	if (h) {
		h->handle = handle;
		TAILQ_INSERT_TAIL(&tp->hosts, h, link);
	}
	return h;
}

static struct fc_assoc *find(struct fc_tport *tp, uint64_t id)
{
	struct fc_assoc *a;

	TAILQ_FOREACH(a, &tp->assocs, link)
	if (a->id == id)
		return a;
	return NULL;
}

/* 48 bits that nobody guesses; the queue's number goes below. 0: none to be had. */
static uint64_t new_id(struct fc_tport *tp)
{
	uint64_t id;

	do {
		if (getrandom(&id, sizeof(id), 0) != sizeof(id))
			return 0;
		id &= ~0xffffull;
	} while (!id || find(tp, id));
	return id;
}

void fc_assoc_free(struct fc_assoc *a)
{
	fc_ls_op_fini(&a->ls);
	free(a);
}

static struct fc_assoc *new_assoc(struct fc_tport *tp, const struct fc_ls_rqst *rqst,
				  void *hosthandle)
{
	struct fc_assoc *a;

	if (tp->n_assocs >= FC_ASSOCS_MAX)
		return NULL;
	a = calloc(1, sizeof(*a));
	if (!a || fc_ls_op_init(&a->ls, tp->dev, tp->tmpl->lsrqst_priv_sz)) {
		free(a);
		return NULL;
	}
	a->ls.start = ls_start;
	a->ls.abort = ls_abort;
	a->tp = tp;
	a->user = tp->user;
	a->user_arg = tp->user_arg;
	TAILQ_INIT(&a->conns);
	a->id = new_id(tp);
	if (hosthandle)
		a->host = host_of(tp, hosthandle);
	if (!a->id || !a->host != !hosthandle) {
		fc_assoc_free(a);
		return NULL;
	}
	memcpy(a->hostid, rqst->hostid, sizeof(a->hostid));
	memcpy(a->hostnqn, rqst->hostnqn, sizeof(a->hostnqn));
	memcpy(a->subnqn, rqst->subnqn, sizeof(a->subnqn));
	TAILQ_INSERT_TAIL(&tp->assocs, a, link);
	tp->n_assocs++;
	return a;
}

/* Adds a connection that the user takes. 0 or negative errno. */
static int connect_queue(struct fc_assoc *a, const struct fc_ls_rqst *rqst)
{
	struct nvmet_fc_conn *conn = fc_conn_new(a, rqst);
	struct nvmet_fc_conn_info info = { .association_id = a->id,
					   .qid = rqst->qid,
					   .entries = rqst->sqsize + 1,
					   .cntlid = rqst->cntlid,
					   .hostid = a->hostid,
					   .hostnqn = a->hostnqn,
					   .subnqn = a->subnqn,
					   .hosthandle = a->host ? a->host->handle : NULL };
	int rc;

	if (!conn)
		return -ENOMEM;
	rc = a->user->connect(a->user_arg, conn, &info, &conn->user_arg);
	if (rc) {
		fc_conn_free(conn);
		return rc;
	}
	if (a->conn[rqst->qid])
		conn->gen = (a->conn[rqst->qid]->gen + 1u) % CONN_GENS;
	a->conn[rqst->qid] = conn;
	TAILQ_INSERT_HEAD(&a->conns, conn, link);
	return 0;
}

static void create_association(struct fc_tport *tp, struct fc_ls_rx *rx,
			       const struct fc_ls_rqst *rqst)
{
	struct fc_assoc *a;

	if (!tp->user || tp->port.port_state == FC_OBJSTATE_DELETED) {
		fc_ls_rx_reject(rx, FCNVME_RJT_RC_LOGIC, FCNVME_RJT_EXP_NONE);
		return;
	}
	a = new_assoc(tp, rqst, rx->from);
	if (a && !connect_queue(a, rqst)) {
		struct fc_ls_resp resp = { .association_id = a->id, .connection_id = a->id };

		if (fc_ls_rx_answer(rx, &resp))
			fc_assoc_end(a, -EIO); /* which the host will not hear of */
		return;
	}
	if (a)
		a->state = ASSOC_GONE;
	fc_ls_rx_reject(rx, FCNVME_RJT_RC_INSUF_RES, FCNVME_RJT_EXP_NONE);
}

static void create_connection(struct fc_assoc *a, struct fc_ls_rx *rx,
			      const struct fc_ls_rqst *rqst)
{
	const struct nvmet_fc_conn *before = rqst->qid < FC_QUEUES_MAX ? a->conn[rqst->qid] : NULL;

	if (rqst->qid >= FC_QUEUES_MAX || (before && !before->closed))
		fc_ls_rx_reject(rx, FCNVME_RJT_RC_INV_PARAM, FCNVME_RJT_EXP_QUEUE_ID);
	else if (connect_queue(a, rqst))
		fc_ls_rx_reject(rx, FCNVME_RJT_RC_INSUF_RES, FCNVME_RJT_EXP_NONE);
	else
		fc_ls_rx_answer(rx, &(struct fc_ls_resp){ .connection_id =
								  fc_conn_id(a->conn[rqst->qid]) });
}

/* Answered when its exchanges are aborted and our own Disconnect is sent. */
static void disconnect(struct fc_assoc *a, struct fc_ls_rx *rx)
{
	struct fc_ls_rx *older = a->rcv_disc;

	a->rcv_disc = rx;
	if (older)
		fc_ls_rx_reject(older, FCNVME_RJT_RC_UNAB, FCNVME_RJT_EXP_NONE);
	fc_assoc_end(a, 0);
}

/* What names an association must come from the host that made it. */
static void handle_for(struct fc_tport *tp, struct fc_ls_rx *rx, const struct fc_ls_rqst *rqst)
{
	struct fc_assoc *a = find(tp, rqst->association_id);
	bool create = rqst->cmd == FCNVME_LS_CREATE_CONNECTION;

	if (!a || rx->stale || (a->host ? a->host->handle : NULL) != rx->from ||
	    a->state > ASSOC_ENDING || (create && a->state != ASSOC_LIVE))
		fc_ls_rx_reject(rx, FCNVME_RJT_RC_INV_ASSOC, FCNVME_RJT_EXP_NONE);
	else if (create)
		create_connection(a, rx, rqst);
	else
		disconnect(a, rx);
}

static void handle(struct fc_tport *tp, struct fc_ls_rx *rx)
{
	struct fc_ls_rqst rqst;
	struct fc_ls_rjt rjt;
	int rc = fc_ls_rqst_parse(rx->buf, rx->len, &rqst, &rjt);

	rx->cmd = rqst.cmd;
	if (rqst.cmd == FCNVME_LS_DISCONNECT_CONN)
		fc_ls_rx_reject(rx, FCNVME_RJT_RC_INVAL, FCNVME_RJT_EXP_NONE);
	else if (rc)
		fc_ls_rx_reject(rx, rjt.reason, rjt.explan);
	else if (rqst.sqsize >= FC_ENTRIES_MAX)
		fc_ls_rx_reject(rx, FCNVME_RJT_RC_INV_PARAM, FCNVME_RJT_EXP_SQSIZE);
	else if (rqst.cmd != FCNVME_LS_CREATE_ASSOCIATION)
		handle_for(tp, rx, &rqst);
	else if (rx->stale)
		fc_ls_rx_reject(rx, FCNVME_RJT_RC_UNAB, FCNVME_RJT_EXP_NONE);
	else
		create_association(tp, rx, &rqst);
}

void fc_target_rcv_ls(struct fc_tport *tp)
{
	struct fc_ls_rx *rx;

	while ((rx = fc_ls_rx_next(&tp->rxq)))
		handle(tp, rx);
}

/* --- ending ------------------------------------------------------------------------------------------------ */

void fc_assoc_end(struct fc_assoc *a, int error)
{
	if (a->state != ASSOC_LIVE)
		return;
	a->error = error;
	a->state = ASSOC_ENDING;
	a->tp->again = true;
}

void nvmet_fc_conn_end(struct nvmet_fc_conn *conn, int error)
{
	fc_assoc_end(conn->assoc, error);
}

void nvmet_fc_conn_close(struct nvmet_fc_conn *conn)
{
	conn->closed = true;
}

void nvmet_fc_conn_free(struct nvmet_fc_conn *conn)
{
	conn->freed = true;
	conn->assoc->tp->again = true;
}

/* The commands' memory is in use until the driver says otherwise; the user is told first. */
static void tell(struct fc_assoc *a)
{
	a->told = true;
	for (struct nvmet_fc_conn *conn = TAILQ_FIRST(&a->conns); conn;
	     conn = TAILQ_NEXT(conn, link)) {
		fc_conn_abort(conn);
		if (!conn->freed)
			a->user->ended(conn->user_arg, a->error);
	}
}

static bool quiet(const struct fc_assoc *a)
{
	const struct nvmet_fc_conn *conn;

	TAILQ_FOREACH(conn, &a->conns, link)
	if (!conn->freed || conn->busy)
		return false;
	return true;
}

/* Connections that nobody refers to any more; all: those that are the latest of their queue, too. */
static void free_conns(struct fc_assoc *a, bool all)
{
	struct nvmet_fc_conn *conn, *next;

	for (conn = TAILQ_FIRST(&a->conns); conn; conn = next) {
		next = TAILQ_NEXT(conn, link);
		if (!conn->freed || conn->busy || (!all && a->conn[conn->qid] == conn))
			continue;
		if (a->conn[conn->qid] == conn)
			a->conn[conn->qid] = NULL;
		TAILQ_REMOVE(&a->conns, conn, link);
		fc_conn_free(conn);
	}
}

static void gone(struct fc_assoc *a)
{
	struct fc_ls_rx *rx = a->rcv_disc;

	a->rcv_disc = NULL;
	a->state = ASSOC_GONE;
	if (rx)
		fc_ls_rx_accept(rx);
}

static uint64_t step_ending(struct fc_assoc *a, uint64_t now)
{
	struct fc_ls_rqst r = { .cmd = FCNVME_LS_DISCONNECT_ASSOC, .association_id = a->id };

	if (!a->told)
		tell(a);
	if (!quiet(a))
		return FC_NEVER;
	free_conns(a, true);
	if (a->host && !a->host->invalid && a->tp->tmpl->ls_req) {
		a->state = ASSOC_DISCONNECTING;
		fc_ls_op_begin(&a->ls, &r, now);
	} else {
		gone(a);
	}
	return now;
}

/* The peer's own Disconnect is answered when ours has been sent, not when that is answered. */
static uint64_t step_disconnecting(struct fc_assoc *a, uint64_t now)
{
	struct fc_ls_rx *rx = a->rcv_disc;
	struct fc_ls_resp resp;

	if (a->host->invalid)
		fc_ls_op_abort(&a->ls);
	if (rx && a->ls.state != FC_LS_WAITING) {
		a->rcv_disc = NULL;
		fc_ls_rx_accept(rx);
	}
	if (a->ls.state != FC_LS_DONE)
		return FC_NEVER;
	fc_ls_op_result(&a->ls, &resp); /* whatever it says, it is over */
	gone(a);
	return now;
}

uint64_t fc_assoc_step(struct fc_assoc *a, uint64_t now)
{
	uint64_t ls = fc_ls_op_poll(&a->ls, now), next = FC_NEVER;

	if (a->state == ASSOC_LIVE)
		free_conns(a, false);
	else if (a->state == ASSOC_ENDING)
		next = step_ending(a, now);
	else if (a->state == ASSOC_DISCONNECTING)
		next = step_disconnecting(a, now);
	return next < ls ? next : ls;
}
