/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pairs that are made and deleted without anybody waiting. What the device must be told is submitted
 * when the admin ring has room, from the handle's polls:
 *
 *	life       until                     then
 *	CREATE     QP_CREATE is submitted    CREATING
 *	CREATING   it has completed          NONE; DROP when the pair was dropped meanwhile
 *	DROP       QP_DELETE is submitted    DROPPING
 *	DROPPING   it has completed          freed; DROP after a pause when the device said EBUSY
 */
#include <errno.h>

#include "internal.h"

#define BUSY_NS 1000000u /* pause before a pair that is busy is deleted again */

static void set_life(struct weft_qp *qp, enum qp_life life)
{
	qp->dev->n_life += (life != LIFE_NONE) - (qp->life != LIFE_NONE);
	qp->life = life;
}

/* --- making ----------------------------------------------------------------------------------------- */

static void on_created(void *arg, const struct weft_admin_result *r)
{
	struct weft_qp *qp = arg;

	set_life(qp, LIFE_NONE);
	qp->life_error = r->error;
	if (!r->error)
		qp->state = QP_LIVE;
	if (qp->dropped && r->error)
		weft__qp_free(qp);
	else if (qp->dropped)
		set_life(qp, LIFE_DROP);
}

static void try_create(struct weft_qp *qp)
{
	struct weft_arg_qp_create a;
	int rc = weft__qp_create_args(qp, &a);

	if (!rc)
		rc = weft_admin_submit(qp->dev, WEFT_OP_QP_CREATE, &a, sizeof(a), on_created, qp);
	if (rc == -EAGAIN)
		return;
	set_life(qp, rc ? LIFE_NONE : LIFE_CREATING);
	qp->life_error = rc;
}

int weft_qp_create_async(struct weft_dev *dev, const struct weft_qp_params *params,
			 struct weft_qp **out)
{
	struct weft_qp *qp;
	int rc = weft__qp_new(dev, params, &qp);

	if (rc)
		return rc;
	set_life(qp, LIFE_CREATE);
	try_create(qp);
	if (qp->life_error) {
		rc = qp->life_error;
		weft__qp_free(qp);
		return rc;
	}
	*out = qp;
	return 0;
}

int weft_qp_error(const struct weft_qp *qp)
{
	if (atomic_load_explicit(&qp->dev->gone, memory_order_relaxed))
		return -ENODEV;
	if (qp->state == QP_DEAD || qp->state == QP_GONE)
		return -ECANCELED;
	return qp->life_error;
}

/* --- end -------------------------------------------------------------------------------------------- */

static void no_complete(void *arg, const struct weft_completion *completion)
{
	(void)arg;
	(void)completion;
}

static void no_capsule(void *arg, const struct weft_fc_capsule *capsule)
{
	(void)arg;
	(void)capsule;
}

void weft_qp_drop(struct weft_qp *qp)
{
	qp->params.complete_cb = no_complete;
	qp->params.fc_capsule_cb = no_capsule;
	qp->params.event_cb = NULL;
	qp->dropped = true;
	if (qp->life == LIFE_CREATING)
		return;
	if (qp->state != QP_LIVE || atomic_load(&qp->dev->gone)) {
		weft__qp_free(qp); /* the device does not know it */
		return;
	}
	set_life(qp, LIFE_DROP);
}

static void on_deleted(void *arg, const struct weft_admin_result *r)
{
	struct weft_qp *qp = arg;

	if (r->error != -EBUSY || qp->state == QP_DEAD) {
		weft__qp_free(qp);
		return;
	}
	qp->state = QP_LIVE;
	qp->life_at = weft_dev_now(qp->dev) + BUSY_NS;
	set_life(qp, LIFE_DROP);
}

static void try_delete(struct weft_qp *qp)
{
	struct weft_arg_qp a = { .qp = qp->id };
	int rc;

	if (qp->state != QP_LIVE || atomic_load(&qp->dev->gone)) {
		weft__qp_free(qp);
		return;
	}
	qp->state = QP_HIDDEN;
	rc = weft_admin_submit(qp->dev, WEFT_OP_QP_DELETE, &a, sizeof(a), on_deleted, qp);
	if (!rc)
		set_life(qp, LIFE_DROPPING);
	else
		qp->state = QP_LIVE; /* again when there is room */
}

/* --- progress --------------------------------------------------------------------------------------- */

static void step(struct weft_qp *qp, uint64_t now)
{
	if (qp->life == LIFE_CREATE)
		try_create(qp);
	else if (qp->life == LIFE_DROP && now >= qp->life_at)
		try_delete(qp);
}

uint64_t weft__life_poll(struct weft_dev *dev, uint64_t now)
{
	uint64_t next = UINT64_MAX;
	unsigned int i;

	for (i = 1; dev->n_life && i <= dev->top; i++) {
		if (dev->qp[i])
			step(dev->qp[i], now);
		/* a pair that waits for room in the admin ring is woken by what completes there */
		if (dev->qp[i] && dev->qp[i]->life == LIFE_DROP && dev->qp[i]->life_at > now &&
		    dev->qp[i]->life_at < next)
			next = dev->qp[i]->life_at;
	}
	return next;
}

void weft__life_cancel(struct weft_qp *qp)
{
	if (qp->life == LIFE_CREATING)
		weft_admin_forget(qp->dev, on_created, qp);
	if (qp->life == LIFE_DROPPING)
		weft_admin_forget(qp->dev, on_deleted, qp);
	set_life(qp, LIFE_NONE);
}
