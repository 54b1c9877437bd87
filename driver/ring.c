/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Submission and completion rings of one pair. The producer side writes entries and tells the
 * device once for many; the consumer side follows the phase bit. The consumer moves its head before
 * it calls out, so that a callback may poll, submit or delete the pair: the outer poll then goes on
 * from where the inner one stopped.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

#define RING_ALIGN 64u

int weft__ring_alloc(struct weft_qp *qp, unsigned int sq_log2, unsigned int cq_log2)
{
	size_t sq_len = (size_t)WEFT_SQ_ENTRY_SIZE << sq_log2;
	size_t cq_len = (size_t)WEFT_CQ_ENTRY_SIZE << cq_log2;

	_Static_assert((WEFT_SQ_ENTRY_SIZE << 1) % RING_ALIGN == 0,
		       "the second ring must stay aligned");
	qp->entries = (uint16_t)(1u << sq_log2);
	qp->cq_entries = (uint16_t)(1u << cq_log2);
	qp->db = WEFT_DB_PAGE + qp->id * WEFT_DB_STRIDE;
	qp->slot = calloc(qp->entries, sizeof(qp->slot[0]));
	if (!qp->slot)
		return -ENOMEM;
	qp->ring = weft_mem_alloc(qp->dev, sq_len + cq_len);
	if (!qp->ring)
		goto free_slots;
	if (weft_mem_iova(qp->dev, qp->ring, sq_len + cq_len, &qp->sq_iova))
		goto free_ring;
	qp->sq = qp->ring;
	qp->cq = (struct weft_cq_entry *)((uint8_t *)qp->ring + sq_len);
	qp->cq_iova = qp->sq_iova + sq_len;
	weft__ring_reset(qp);
	return 0;
free_ring:
	weft_mem_free(qp->dev, qp->ring);
	qp->ring = NULL;
free_slots:
	free(qp->slot);
	qp->slot = NULL;
	return errno ? -errno : -ENOMEM;
}

/* Frees the memory; commands still in flight lose their references without a callback. */
void weft__ring_free(struct weft_qp *qp)
{
	unsigned int i;

	for (i = 0; qp->slot && i < qp->entries; i++)
		if (qp->slot[i].busy)
			weft__sgl_release(qp, &qp->slot[i]);
	weft__sgl_fini(qp);
	weft_mem_free(qp->dev, qp->ring);
	weft_mem_free(qp->dev, qp->rx_cmd);
	weft_mem_free(qp->dev, qp->rx_icd);
	free(qp->slot);
	qp->rx_cmd = qp->rx_icd = NULL;
	qp->ring = NULL;
	qp->slot = NULL;
	qp->inflight = 0;
}

/* Both rings empty, as the device sees them after it was started. */
void weft__ring_reset(struct weft_qp *qp)
{
	memset(qp->cq, 0, (size_t)qp->cq_entries * sizeof(qp->cq[0]));
	qp->sq_tail = qp->sq_head = qp->cq_head = qp->cq_told = 0;
	qp->phase = 1;
	qp->sq_dirty = qp->armed = false;
}

static int bell(struct weft_qp *qp)
{
	int rc;

	atomic_thread_fence(memory_order_release);
	rc = weft__write32(qp->dev, qp->db + WEFT_DB_SQ_TAIL, qp->sq_tail);
	if (!rc)
		qp->sq_dirty = false; /* else the next poll tries again */
	return rc;
}

int weft_qp_doorbell(struct weft_qp *qp)
{
	/* a poll that is running rings when it ends */
	return qp->polling || !qp->sq_dirty ? 0 : bell(qp);
}

static uint8_t phase_of(const struct weft_cq_entry *e)
{
	return __atomic_load_n(&e->phase, __ATOMIC_ACQUIRE) & 1u;
}

bool weft__ring_pending(const struct weft_qp *qp)
{
	return qp->state == QP_LIVE && phase_of(&qp->cq[qp->cq_head]) == qp->phase;
}

bool weft__ring_quiet(const struct weft_qp *qp)
{
	return qp->state == QP_LIVE && !qp->sq_dirty && qp->cq_told == qp->cq_head &&
	       phase_of(&qp->cq[qp->cq_head]) != qp->phase;
}

/* Ends one command towards its owner. cqe NULL: err tells why. */
static inline void finish(struct weft_qp *qp, uint16_t cid, const struct weft_cq_entry *cqe,
			  int err)
{
	struct cmd_slot *slot = &qp->slot[cid];
	const bool fc = qp->params.flags & WEFT_QP_FC;
	struct weft_completion c = {
		.cookie = slot->cookie,
		.cqe = cqe && !err && (fc || !qp->rx_cmd) ? cqe->cqe : NULL,
		.error = err,
		.data_len = cqe ? cqe->data_len : 0,
		.cid = cid,
		.flags = cqe ? cqe->flags : 0,
	};

	slot->busy = false;
	if (fc && slot->ends && !err)
		slot->held = false;
	qp->inflight--;
	weft__sgl_release(qp, slot);
	if (!qp->id) {
		weft__admin_complete(qp, cqe, slot, err);
		return;
	}
	qp->params.complete_cb(qp->params.arg, &c);
}

static void event(struct weft_qp *qp, const struct weft_cq_entry *e)
{
	struct weft_event ev = { .qp = qp->id };

	memcpy(&ev.code, e->cqe, 4);
	memcpy(&ev.dw1, e->cqe + 4, 4);
	memcpy(&ev.dw2, e->cqe + 8, 4);
	if (ev.code == WEFT_EV_CONN_CLOSED || ev.code == WEFT_EV_CONN_ERROR)
		qp->connected = false;
	if (qp->params.event_cb)
		qp->params.event_cb(qp->params.arg, &ev);
}

/* A command came into receive buffer cid. */
static void capsule(struct weft_qp *qp, const struct weft_cq_entry *e)
{
	struct weft_capsule c = { .cid = e->cid };
	struct cmd_slot *slot;

	if (!qp->rx_cmd || e->cid >= qp->entries || e->data_len > qp->params.icd_size) {
		qp->bad_cqe++;
		return;
	}
	if (!qp->connected)
		return; /* too late: we have ended the connection */
	slot = &qp->slot[e->cid];
	if (slot->held || slot->busy) {
		qp->bad_cqe++;
		return;
	}
	slot->held = true;
	c.sqe = qp->rx_cmd + (size_t)e->cid * WEFT_RX_CMD_SIZE;
	if (e->data_len)
		c.icd = qp->rx_icd + (size_t)e->cid * qp->params.icd_size;
	c.icd_len = e->data_len;
	c.bad_digest = e->flags & WEFT_CQF_DDGST_ERR;
	c.dma_error = e->flags & WEFT_CQF_DMA_ERR;
	qp->params.capsule_cb(qp->params.arg, &c);
}

/*
 * One completion entry, already copied out of the ring. Everything in it is checked before it is
 * used.
 */
static inline void deliver(struct weft_qp *qp, const struct weft_cq_entry *e)
{
	uint8_t want = qp->id ? WEFT_CQT_COMMAND : WEFT_CQT_ADMIN;

	bool known = true;

	if (e->sq_head < qp->entries)
		qp->sq_head = e->sq_head;
	if (qp->stale) {
		qp->stale--;
		known = false; /* a capsule or the end of a connection that nobody knows any more */
	}
	if (e->type == want && e->cid < qp->entries && qp->slot[e->cid].busy)
		finish(qp, e->cid, e, -(int)e->status);
	else if (e->type == WEFT_CQT_CAPSULE && known && (qp->params.flags & WEFT_QP_FC))
		weft__fc_capsule(qp, e);
	else if (e->type == WEFT_CQT_CAPSULE && known)
		capsule(qp, e);
	else if (e->type == WEFT_CQT_EVENT && known)
		event(qp, e);
	else if (e->type == want || known)
		qp->bad_cqe++;
}

/* Ends every command in flight with err. */
void weft__ring_fail(struct weft_qp *qp, int err)
{
	unsigned int cid;

	for (cid = 0; qp->state != QP_GONE && cid < qp->entries && qp->inflight; cid++)
		if (qp->slot[cid].busy)
			finish(qp, (uint16_t)cid, NULL, err);
}

/* Tells the device how far we have read, and what we submitted meanwhile. */
static int tell(struct weft_qp *qp)
{
	int rc = 0;

	if (qp->cq_told != qp->cq_head) {
		qp->armed = false;
		rc = weft__write32(qp->dev, qp->db + WEFT_DB_CQ_HEAD, qp->cq_head);
		if (!rc)
			qp->cq_told = qp->cq_head;
	}
	return rc || !qp->sq_dirty ? rc : bell(qp);
}

/*
 * The next entry belongs to a connection whose ACCEPT has completed without our having read that: it
 * is in the admin ring, which goes first. false: not now (that ring is another thread's).
 */
static bool accept_first(struct weft_qp *qp)
{
	if (qp->stale || qp->cq[qp->cq_head].type == WEFT_CQT_COMMAND)
		return true;
	if (qp->params.flags & WEFT_QP_THREAD)
		return false;
	weft__ring_poll(qp->dev->qp[0], 0);
	return true;
}

static int poll_live(struct weft_qp *qp, unsigned int max)
{
	unsigned int n = 0;

	while ((!max || n < max) && weft__ring_pending(qp)) {
		struct weft_cq_entry e;

		if (atomic_load_explicit(&qp->waiting, memory_order_acquire) &&
		    (!accept_first(qp) || !weft__ring_pending(qp)))
			break;
		e = qp->cq[qp->cq_head];
		qp->cq_head = (qp->cq_head + 1u) & (qp->cq_entries - 1u);
		if (!qp->cq_head)
			qp->phase ^= 1;
		deliver(qp, &e);
		n++;
		if (n >= qp->cq_entries)
			break; /* callbacks that keep submitting must not starve the other pairs */
	}
	return (int)n;
}

unsigned int weft__ring_count(const struct weft_qp *qp)
{
	unsigned int n = 0, at = qp->cq_head;
	uint8_t phase = qp->phase;

	while (n < qp->cq_entries && phase_of(&qp->cq[at]) == phase) {
		n++;
		at = (at + 1u) & (qp->cq_entries - 1u);
		phase ^= !at;
	}
	return n;
}

/* Commands in flight end with err, then the connection. */
static void fail_all(struct weft_qp *qp, int err)
{
	struct weft_event ev = { .qp = qp->id, .code = WEFT_EV_CONN_ERROR, .dw1 = (uint32_t)-err };

	weft__ring_fail(qp, err);
	if (qp->state == QP_GONE || !qp->connected)
		return;
	qp->connected = false;
	if (qp->params.event_cb)
		qp->params.event_cb(qp->params.arg, &ev);
}

int weft__ring_poll(struct weft_qp *qp, unsigned int max)
{
	atomic_bool *gone = &qp->dev->gone;
	int n = 0, rc = 0;

	qp->polling++;
	if (qp->state == QP_LIVE && !atomic_load(gone))
		n = poll_live(qp, max);
	if (qp->state == QP_LIVE && !atomic_load(gone))
		rc = tell(qp);
	if (qp->state == QP_DEAD) {
		fail_all(qp, -ECANCELED);
	} else if (atomic_load(gone)) {
		fail_all(qp, -ENODEV);
		rc = -ENODEV;
	}
	if (!--qp->polling && qp->state == QP_GONE)
		free(qp);
	return rc ? rc : n;
}

/* Asks for an interrupt when entries are, or come to be, there. */
int weft__ring_arm(struct weft_qp *qp)
{
	int rc;

	if (qp->armed || qp->state != QP_LIVE)
		return 0;
	rc = weft__write32(qp->dev, qp->db + WEFT_DB_CQ_HEAD,
			   qp->cq_head | WEFT_DB_CQ_HEAD_ARM_MASK);
	if (!rc) {
		qp->armed = true;
		qp->cq_told = qp->cq_head;
	}
	return rc;
}
