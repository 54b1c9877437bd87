/* SPDX-License-Identifier: BSD-2-Clause */
/* A host's controllers: the life of an association. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"

void fc_ctrl_event(struct nvme_fc_ctrl *c, enum nvme_fc_event event, uint16_t qid, int error)
{
	if (!c->destroyed)
		c->p.event(c->p.arg, event, qid, error);
}

/* --- connecting -------------------------------------------------------------------------------------------- */

/* As Linux asks: an ERSP for every fourth admin command, every fifth of an entry for I/O. */
static uint16_t ersp_ratio(const struct fc_queue *q)
{
	uint16_t n = q->entries / (q->qid ? 5 : 4);

	return n ? n : 1;
}

/* Asks for the connection of q; of the admin queue, for the association. */
static void create(struct nvme_fc_ctrl *c, struct fc_queue *q)
{
	struct fc_lport *lp = c->lp;
	struct fc_ls_rqst r = { .cmd = q->qid ? FCNVME_LS_CREATE_CONNECTION :
						FCNVME_LS_CREATE_ASSOCIATION,
				.ersp_ratio = ersp_ratio(q),
				.cntlid = c->p.cntlid,
				.qid = q->qid,
				.sqsize = q->entries - 1,
				.association_id = c->association_id };
	int rc = 0;

	if (lp->tmpl->create_queue)
		rc = lp->tmpl->create_queue(&lp->port, q->qid, q->entries, &q->handle);
	if (rc) {
		fc_ctrl_end(c, rc);
		return;
	}
	q->has_handle = true;
	q->state = QUEUE_CREATING;
	c->wanted--;
	c->creating = q;
	memcpy(r.hostid, c->p.hostid, sizeof(r.hostid));
	memcpy(r.hostnqn, c->p.hostnqn, sizeof(r.hostnqn));
	memcpy(r.subnqn, c->p.subnqn, sizeof(r.subnqn));
	fc_ls_op_begin(&c->ls->op, &r, lp->now);
}

static void refuse_queue(struct nvme_fc_ctrl *c, struct fc_queue *q, int error)
{
	uint16_t qid = q->qid;

	c->queue[qid] = NULL;
	fc_queue_free(q);
	fc_ctrl_event(c, NVME_FC_QUEUE, qid, error);
}

/* The answer to Create Association or Create I/O Connection. */
static void created(struct nvme_fc_ctrl *c)
{
	struct fc_queue *q = c->creating;
	struct fc_ls_resp resp;
	int rc = fc_ls_op_result(&c->ls->op, &resp);

	c->creating = NULL;
	if (rc == -ECONNREFUSED && q->qid) {
		refuse_queue(c, q, rc);
		return;
	}
	if (rc) {
		fc_ctrl_end(c, rc);
		return;
	}
	if (!q->qid) {
		c->association_id = resp.association_id;
		c->has_assoc = true;
		c->state = CTRL_LIVE;
	}
	q->connection_id = resp.connection_id;
	q->state = QUEUE_LIVE;
	fc_ctrl_event(c, NVME_FC_QUEUE, q->qid, 0);
}

static struct fc_queue *first_wanted(struct nvme_fc_ctrl *c)
{
	for (unsigned int i = 0; c->wanted && i < FC_QUEUES_MAX; i++)
		if (c->queue[i] && c->queue[i]->state == QUEUE_WANTED)
			return c->queue[i];
	return NULL;
}

static uint64_t step_live(struct nvme_fc_ctrl *c, uint64_t now)
{
	struct fc_queue *q;

	if (c->ls->op.state == FC_LS_DONE)
		created(c);
	if (c->state != CTRL_CREATING && c->state != CTRL_LIVE)
		return now;
	if (c->ls->op.state != FC_LS_IDLE)
		return FC_NEVER;
	q = first_wanted(c);
	if (!q)
		return FC_NEVER;
	create(c, q);
	return now;
}

/* --- ending ------------------------------------------------------------------------------------------------ */

void fc_ctrl_end(struct nvme_fc_ctrl *c, int error)
{
	if (c->state != CTRL_CREATING && c->state != CTRL_LIVE)
		return;
	c->error = error;
	c->state = CTRL_ENDING;
	c->lp->again = true;
}

/* An answer that came after all: a new association must still be ended with the target. */
static void drop_answer(struct nvme_fc_ctrl *c)
{
	struct fc_queue *q = c->creating;
	struct fc_ls_resp resp;

	c->creating = NULL;
	if (!fc_ls_op_result(&c->ls->op, &resp) && q && !q->qid) {
		c->association_id = resp.association_id;
		c->has_assoc = true;
	}
}

/*
 * Aborts what is under way; true when all of it has ended. Create Association is waited for: the
 * target would keep an association that nobody disconnects. Create I/O Connection is not, its answer
 * changes nothing any more.
 */
static bool quiet(struct nvme_fc_ctrl *c)
{
	bool busy = false;

	for (unsigned int i = 0; i < FC_QUEUES_MAX; i++) {
		if (!c->queue[i])
			continue;
		fc_queue_abort(c->queue[i]);
		busy |= c->queue[i]->inflight != 0;
	}
	if (!c->creating || c->creating->qid || c->rp->port.port_state == FC_OBJSTATE_DELETED)
		fc_ls_op_abort(&c->ls->op);
	if (c->ls->op.state == FC_LS_DONE)
		drop_answer(c);
	return !busy && (c->ls->op.state == FC_LS_IDLE || c->creating->qid);
}

static void free_queues(struct nvme_fc_ctrl *c)
{
	for (unsigned int i = FC_QUEUES_MAX; i-- > 0;)
		if (c->queue[i]) {
			fc_queue_free(c->queue[i]);
			c->queue[i] = NULL;
		}
	c->wanted = 0;
}

/* Disconnect Association, when there is somebody to tell; the peer's own is answered behind it. */
static void say_bye(struct nvme_fc_ctrl *c, uint64_t now)
{
	struct fc_ls_rqst r = { .cmd = FCNVME_LS_DISCONNECT_ASSOC,
				.association_id = c->association_id };
	struct fc_ls_rx *rx = c->rcv_disc;

	c->rcv_disc = NULL;
	if (c->has_assoc && c->rp->port.port_state != FC_OBJSTATE_DELETED) {
		c->bye->rcv_disc = rx;
		fc_ls_op_begin(&c->bye->op, &r, now);
		fc_bye_leave(c->bye, c);
		c->bye = NULL;
	} else if (rx) {
		fc_ls_rx_accept(rx);
	}
	c->has_assoc = false;
}

static uint64_t step_ending(struct nvme_fc_ctrl *c, uint64_t now)
{
	if (!quiet(c))
		return FC_NEVER;
	c->creating = NULL;
	free_queues(c);
	say_bye(c, now);
	if (c->ls->op.state != FC_LS_IDLE) {
		fc_bye_leave(c->ls, c);
		c->ls = NULL;
	}
	c->state = CTRL_IDLE;
	fc_ctrl_event(c, NVME_FC_ENDED, 0, c->error);
	return now;
}

uint64_t fc_ctrl_step(struct nvme_fc_ctrl *c, uint64_t now)
{
	uint64_t ls = c->ls ? fc_ls_op_poll(&c->ls->op, now) : FC_NEVER, next = FC_NEVER;

	if (c->state == CTRL_CREATING || c->state == CTRL_LIVE)
		next = step_live(c, now);
	else if (c->state == CTRL_ENDING)
		next = step_ending(c, now);
	else if (c->back && c->rp->port.port_state == FC_OBJSTATE_ONLINE) {
		c->back = false;
		fc_ctrl_event(c, NVME_FC_BACK, 0, 0);
	}
	return next < ls ? next : ls;
}

/* --- what the peer asks: Disconnect Association, and what is refused ---------------------------------- */

int fc_host_xmt_rsp(struct fc_ls_rx *rx)
{
	struct fc_lport *lp = rx->q->port;
	struct fc_rport *rp = rx->from;

	return lp->tmpl->xmt_ls_rsp(&lp->port, &rp->port, rx->rsp);
}

int nvme_fc_rcv_ls_req(struct nvme_fc_remote_port *rport, struct nvmefc_ls_rsp *rsp,
		       const void *buf, uint32_t len)
{
	struct fc_rport *rp = (struct fc_rport *)rport;

	if (!rp->lp->tmpl->xmt_ls_rsp)
		return -EINVAL;
	if (rport->port_state != FC_OBJSTATE_ONLINE)
		return -ENOTCONN;
	rp->lp->again = true;
	return fc_ls_rx_add(&rp->lp->rxq, rp, rsp, buf, len);
}

/* The controller of an association that the target has not been told the end of. */
static struct nvme_fc_ctrl *find(struct fc_lport *lp, const struct fc_rport *rp, uint64_t id)
{
	struct nvme_fc_ctrl *c;

	TAILQ_FOREACH(c, &lp->ctrls, link)
	if (c->rp == rp && c->has_assoc && c->association_id == id &&
	    (c->state == CTRL_LIVE || c->state == CTRL_ENDING))
		return c;
	return NULL;
}

/* Answered when its exchanges are aborted and our own Disconnect is sent. */
static void disconnect(struct fc_lport *lp, struct fc_ls_rx *rx, uint64_t id)
{
	struct nvme_fc_ctrl *c = find(lp, rx->from, id);
	struct fc_ls_rx *older;

	if (!c) {
		fc_ls_rx_reject(rx, FCNVME_RJT_RC_INV_ASSOC, FCNVME_RJT_EXP_NONE);
		return;
	}
	older = c->rcv_disc;
	c->rcv_disc = rx;
	if (older)
		fc_ls_rx_reject(older, FCNVME_RJT_RC_UNAB, FCNVME_RJT_EXP_NONE);
	fc_ctrl_end(c, -ECONNRESET);
}

static void handle(struct fc_lport *lp, struct fc_ls_rx *rx)
{
	struct fc_ls_rqst rqst;
	struct fc_ls_rjt rjt;
	int rc = fc_ls_rqst_parse(rx->buf, rx->len, &rqst, &rjt);

	rx->cmd = rqst.cmd;
	if (rqst.cmd == FCNVME_LS_CREATE_ASSOCIATION || rqst.cmd == FCNVME_LS_CREATE_CONNECTION)
		fc_ls_rx_reject(rx, FCNVME_RJT_RC_LOGIC, FCNVME_RJT_EXP_NONE);
	else if (rqst.cmd == FCNVME_LS_DISCONNECT_CONN)
		fc_ls_rx_reject(rx, FCNVME_RJT_RC_UNSUP, FCNVME_RJT_EXP_NONE);
	else if (rc)
		fc_ls_rx_reject(rx, rjt.reason, rjt.explan);
	else
		disconnect(lp, rx, rqst.association_id);
}

void fc_host_rcv_ls(struct fc_lport *lp)
{
	struct fc_ls_rx *rx;

	while ((rx = fc_ls_rx_next(&lp->rxq)))
		handle(lp, rx);
}

/* --- the program's calls ------------------------------------------------------------------------------------ */

static void free_services(struct nvme_fc_ctrl *c)
{
	fc_bye_free(c->ls);
	fc_bye_free(c->bye);
}

/* Makes up for those that were left to the port. */
static int get_services(struct nvme_fc_ctrl *c)
{
	if (!c->ls)
		c->ls = fc_bye_new(c->rp);
	if (!c->bye)
		c->bye = fc_bye_new(c->rp);
	return c->ls && c->bye ? 0 : -ENOMEM;
}

int nvme_fc_ctrl_create(struct nvme_fc_remote_port *rport, const struct nvme_fc_ctrl_params *params,
			struct nvme_fc_ctrl **ctrl)
{
	struct fc_rport *rp = (struct fc_rport *)rport;
	struct nvme_fc_ctrl *c;

	if (!params->event || params->entries < FC_ENTRIES_MIN || params->entries > FC_ENTRIES_MAX)
		return -EINVAL;
	if (rport->port_state != FC_OBJSTATE_ONLINE)
		return -ENOTCONN;
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->lp = rp->lp;
	c->rp = rp;
	c->p = *params;
	if (get_services(c)) {
		free_services(c);
		free(c);
		return -ENOMEM;
	}
	TAILQ_INSERT_TAIL(&c->lp->ctrls, c, link);
	*ctrl = c;
	return 0;
}

void fc_ctrl_free(struct nvme_fc_ctrl *c)
{
	fc_bye_forget(c);
	free_services(c);
	free(c);
}

int nvme_fc_ctrl_connect(struct nvme_fc_ctrl *c)
{
	if (c->state != CTRL_IDLE || c->destroyed)
		return -EALREADY;
	if (c->rp->port.port_state != FC_OBJSTATE_ONLINE)
		return -ENOTCONN;
	if (get_services(c))
		return -ENOMEM;
	c->queue[0] = fc_queue_new(c, 0, c->p.entries);
	if (!c->queue[0])
		return -ENOMEM;
	c->wanted = 1;
	c->back = false;
	c->state = CTRL_CREATING;
	c->lp->again = true;
	return 0;
}

int nvme_fc_ctrl_add_queue(struct nvme_fc_ctrl *c, uint16_t qid, uint16_t entries)
{
	if (c->state != CTRL_LIVE)
		return -ENOTCONN;
	if (!qid || qid >= FC_QUEUES_MAX || qid >= c->lp->tmpl->max_hw_queues ||
	    entries < FC_ENTRIES_MIN || entries > FC_ENTRIES_MAX)
		return -EINVAL;
	if (c->queue[qid])
		return -EEXIST;
	c->queue[qid] = fc_queue_new(c, qid, entries);
	if (!c->queue[qid])
		return -ENOMEM;
	c->wanted++;
	c->lp->again = true;
	return 0;
}

void nvme_fc_ctrl_disconnect(struct nvme_fc_ctrl *c, int error)
{
	fc_ctrl_end(c, error);
}

void nvme_fc_ctrl_destroy(struct nvme_fc_ctrl *c)
{
	c->destroyed = true;
	fc_ctrl_end(c, -ECANCELED);
}
