/* SPDX-License-Identifier: BSD-2-Clause */
/* A host's link services, and how they end when their association no longer waits for them. */
#include <errno.h>
#include <stdlib.h>

#include "host.h"

static struct fc_bye *bye_of(struct fc_ls_op *op)
{
	return (struct fc_bye *)((char *)op - offsetof(struct fc_bye, op));
}

static int ls_start(struct fc_ls_op *op)
{
	struct fc_rport *rp = bye_of(op)->rp;

	if (rp->port.port_state == FC_OBJSTATE_DELETED)
		return -ENETDOWN;
	return rp->lp->tmpl->ls_req(&rp->lp->port, &rp->port, &op->req);
}

static void ls_abort(struct fc_ls_op *op)
{
	struct fc_rport *rp = bye_of(op)->rp;

	rp->lp->tmpl->ls_abort(&rp->lp->port, &rp->port, &op->req);
}

struct fc_bye *fc_bye_new(struct fc_rport *rp)
{
	struct fc_bye *b = calloc(1, sizeof(*b));

	if (!b || fc_ls_op_init(&b->op, rp->lp->dev, rp->lp->tmpl->lsrqst_priv_sz)) {
		free(b);
		return NULL;
	}
	b->op.start = ls_start;
	b->op.abort = ls_abort;
	b->rp = rp;
	return b;
}

void fc_bye_free(struct fc_bye *b)
{
	if (!b)
		return;
	fc_ls_op_fini(&b->op);
	free(b);
}

void fc_bye_leave(struct fc_bye *b, const struct nvme_fc_ctrl *ctrl)
{
	b->ctrl = ctrl;
	TAILQ_INSERT_TAIL(&b->rp->lp->byes, b, link);
}

/* The peer's own Disconnect is answered when ours has been sent, not when that is answered. */
static uint64_t step(struct fc_bye *b, uint64_t now)
{
	uint64_t next = fc_ls_op_poll(&b->op, now);
	struct fc_ls_rx *rx = b->rcv_disc;

	if (b->rp->port.port_state == FC_OBJSTATE_DELETED)
		fc_ls_op_abort(&b->op);
	if (rx && b->op.state != FC_LS_WAITING) {
		b->rcv_disc = NULL;
		fc_ls_rx_accept(rx);
	}
	return next;
}

uint64_t fc_bye_step(struct fc_lport *lp)
{
	uint64_t next = FC_NEVER;
	struct fc_bye *b, *after;

	for (b = TAILQ_FIRST(&lp->byes); b; b = after) {
		uint64_t t = step(b, lp->now);

		after = TAILQ_NEXT(b, link);
		if (b->op.state == FC_LS_DONE) { /* whatever it says, it is over */
			TAILQ_REMOVE(&lp->byes, b, link);
			fc_bye_free(b);
		} else if (t < next) {
			next = t;
		}
	}
	return next;
}

bool fc_bye_uses(const struct fc_rport *rp)
{
	const struct fc_bye *b;

	TAILQ_FOREACH(b, &rp->lp->byes, link)
	if (b->rp == rp)
		return true;
	return false;
}

bool nvme_fc_ctrl_leaving(const struct nvme_fc_ctrl *c)
{
	const struct fc_bye *b;

	TAILQ_FOREACH(b, &c->lp->byes, link)
	if (b->ctrl == c)
		return true;
	return false;
}

void fc_bye_forget(const struct nvme_fc_ctrl *ctrl)
{
	struct fc_bye *b;

	TAILQ_FOREACH(b, &ctrl->lp->byes, link)
	if (b->ctrl == ctrl)
		b->ctrl = NULL;
}
