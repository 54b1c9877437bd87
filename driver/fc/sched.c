/* SPDX-License-Identifier: BSD-2-Clause */
/* What waits: work for the next poll, entries for room in a ring, aborts for room in the admin ring. */
#include <errno.h>

#include "fc.h"

/* --- work ------------------------------------------------------------------------------------------- */

void wfc_work_add(struct weft_fc *fc, struct wfc_work *w, void (*run)(void *obj), void *obj)
{
	if (w->queued)
		return;
	w->run = run;
	w->obj = obj;
	w->queued = true;
	TAILQ_INSERT_TAIL(&fc->works, w, link);
}

void wfc_work_cancel(struct weft_fc *fc, struct wfc_work *w)
{
	if (w->queued)
		TAILQ_REMOVE(&fc->works, w, link);
	w->queued = false;
}

/* What comes of it waits for the next time. */
bool wfc_work_run(struct weft_fc *fc)
{
	struct wfc_work mark = { .queued = true };
	struct wfc_work *w;

	if (TAILQ_EMPTY(&fc->works))
		return false;
	TAILQ_INSERT_TAIL(&fc->works, &mark, link);
	while ((w = TAILQ_FIRST(&fc->works)) != &mark) {
		wfc_work_cancel(fc, w);
		w->run(w->obj);
	}
	wfc_work_cancel(fc, &mark);
	return !TAILQ_EMPTY(&fc->works);
}

/* --- entries ---------------------------------------------------------------------------------------- */

int wfc_pend_start(struct wfc_pend_list *list, struct wfc_pend *p)
{
	int rc = TAILQ_EMPTY(list) ? p->start(p->obj) : -EAGAIN;

	if (rc != -EAGAIN)
		return rc;
	p->queued = true;
	TAILQ_INSERT_TAIL(list, p, link);
	return 0;
}

void wfc_pend_cancel(struct wfc_pend_list *list, struct wfc_pend *p)
{
	if (p->queued)
		TAILQ_REMOVE(list, p, link);
	p->queued = false;
}

void wfc_pend_run(struct wfc_pend_list *list)
{
	struct wfc_pend *p;

	while ((p = TAILQ_FIRST(list))) {
		int rc = p->start(p->obj);

		if (rc == -EAGAIN)
			return;
		wfc_pend_cancel(list, p);
		if (rc)
			p->fail(p->obj, rc);
	}
}

/* --- aborts ----------------------------------------------------------------------------------------- */

void wfc_abort_init(struct wfc_abort *a, struct weft_fc *fc, uint16_t cid, void (*done)(void *obj),
		    void *obj)
{
	*a = (struct wfc_abort){ .fc = fc, .done = done, .obj = obj, .cid = cid };
}

/* Whatever the adapter says, there is nothing more to do: ENOENT means that it ended by itself. */
static void on_abort(void *arg, const struct weft_admin_result *result)
{
	struct wfc_abort *a = arg;

	(void)result;
	a->sent = false;
	a->fc->aborts_out--;
	a->done(a->obj);
}

/* False: no room. */
static bool send_abort(struct wfc_abort *a)
{
	struct weft_arg_fc_abort arg = { .qp = a->qp, .cid = a->cid };
	struct weft_fc *fc = a->fc;
	int rc = -ENODEV;

	if (fc->aborts_out == WFC_ABORTS_MAX)
		return false;
	if (!fc->dead)
		rc = weft_admin_submit(fc->dev, WEFT_OP_FC_ABORT, &arg, sizeof(arg), on_abort, a);
	if (rc == -EAGAIN)
		return false;
	TAILQ_REMOVE(&fc->aborts, a, link);
	a->queued = false;
	a->sent = !rc;
	if (rc)
		a->done(a->obj); /* the device knows nothing of it any more */
	else
		fc->aborts_out++;
	return true;
}

void wfc_abort_start(struct wfc_abort *a, const struct weft_qp *qp)
{
	a->qp = weft_qp_id(qp);
	a->queued = true;
	TAILQ_INSERT_TAIL(&a->fc->aborts, a, link);
}

bool wfc_abort_cancel(struct wfc_abort *a)
{
	if (a->queued)
		TAILQ_REMOVE(&a->fc->aborts, a, link);
	a->queued = false;
	return !a->sent;
}

void wfc_abort_run(struct weft_fc *fc)
{
	while (!TAILQ_EMPTY(&fc->aborts) && send_abort(TAILQ_FIRST(&fc->aborts)))
		;
}

void wfc_abort_forget(struct weft_fc *fc, struct wfc_abort *a)
{
	weft_admin_forget(fc->dev, on_abort, a);
}

/* --- data ------------------------------------------------------------------------------------------- */

int wfc_sgl(struct weft_fc *fc, const struct nvmefc_sg *sg, int sg_cnt)
{
	if (sg_cnt < 0 || sg_cnt > (int)WEFT_SGL_MAX)
		return -EINVAL;
	for (int i = 0; i < sg_cnt; i++)
		fc->sgl[i] = (struct weft_sgl_elem){ .addr = sg[i].iova, .len = sg[i].len };
	return sg_cnt;
}
