/* SPDX-License-Identifier: BSD-2-Clause */
/* I/O queue pairs: creation, connection, submission, end. The rings themselves are in ring.c. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

#define DEFAULT_SQ_LOG2 7u
#define DEFAULT_CONNECT_MS 30000u
/* The adapter ends CONNECT itself; we give up only well after that. */
#define CONNECT_SLACK_MS 5000u

/* Puts a pair, or nothing, behind a number. */
static void set_number(struct weft_dev *dev, uint16_t id, struct weft_qp *qp)
{
	dev->qp[id] = qp;
	if (qp && id > dev->top)
		dev->top = id;
	while (dev->top && !dev->qp[dev->top])
		dev->top--;
}

static int check_params(const struct weft_dev *dev, const struct weft_qp_params *p)
{
	if (!p->complete_cb)
		return weft_set_error(-EINVAL, "a queue pair needs a completion callback");
	if (p->sq_log2 > 10)
		return weft_set_error(-EINVAL, "ring of 2^%u entries; 1..10 is possible",
				      p->sq_log2);
	if (p->vector >= dev->n_vectors)
		return weft_set_error(-ERANGE, "vector %u: the device has %u", p->vector,
				      dev->n_vectors);
	if (p->flags & WEFT_QP_FC)
		return weft__fc_check_params(p);
	if ((p->flags & WEFT_QP_CONTROLLER) &&
	    (!p->capsule_cb || p->icd_size % 64 || p->icd_size > WEFT_PDU_DATA_MAX))
		return weft_set_error(-EINVAL,
				      "a controller's pair needs a capsule callback and an "
				      "icd_size that is a multiple of 64 up to %u; it is %u",
				      WEFT_PDU_DATA_MAX, p->icd_size);
	return 0;
}

/* Bits of the completion ring: what came in and is answered completes up to four times. */
static unsigned int cq_log2(const struct weft_qp *qp)
{
	return qp->params.sq_log2 +
	       (qp->params.flags & (WEFT_QP_CONTROLLER | WEFT_QP_LS) ? 2u : 1u);
}

/* Receive buffers. */
static int alloc_rx(struct weft_qp *qp)
{
	size_t icd = (size_t)qp->entries * qp->params.icd_size;
	size_t cmd = (size_t)qp->entries * WEFT_RX_CMD_SIZE;

	if (qp->params.flags & WEFT_QP_FC)
		weft__fc_rx_sizes(qp, &cmd, &icd);
	else if (!(qp->params.flags & WEFT_QP_CONTROLLER))
		return 0;
	if (cmd)
		qp->rx_cmd = weft_mem_alloc(qp->dev, cmd);
	if (icd && (qp->rx_cmd || !cmd))
		qp->rx_icd = weft_mem_alloc(qp->dev, icd);
	return (qp->rx_cmd || !cmd) && (qp->rx_icd || !icd) ? 0 : -errno;
}

int weft__qp_create_args(struct weft_qp *qp, struct weft_arg_qp_create *a)
{
	const uint32_t flags = qp->params.flags;
	int rc = 0;

	*a = (struct weft_arg_qp_create){
		.sq_base = qp->sq_iova,
		.cq_base = qp->cq_iova,
		.qp = qp->id,
		.vector = qp->params.vector,
		.sq_log2 = qp->params.sq_log2,
		.cq_log2 = (uint8_t)cq_log2(qp),
		.coal_count = qp->params.coal_count,
		.coal_us = qp->params.coal_us,
	};
	if (flags & WEFT_QP_CONTROLLER)
		a->flags |= WEFT_QPF_CONTROLLER;
	if (flags & WEFT_QP_FC)
		a->flags |= WEFT_QPF_FC;
	if (flags & WEFT_QP_LS)
		a->flags |= WEFT_QPF_LS;
	if (qp->rx_cmd)
		rc = weft_mem_iova(qp->dev, qp->rx_cmd, 1, &a->rx_cmd);
	if (!rc && qp->rx_icd)
		rc = weft_mem_iova(qp->dev, qp->rx_icd, 1, &a->rx_icd);
	if (flags & (WEFT_QP_CONTROLLER | WEFT_QP_LS))
		a->icd_size = qp->params.icd_size;
	return rc;
}

static int tell_create(struct weft_qp *qp)
{
	struct weft_arg_qp_create a;
	int rc = weft__qp_create_args(qp, &a);

	return rc ? rc : weft_admin(qp->dev, WEFT_OP_QP_CREATE, &a, sizeof(a), 0, NULL);
}

static int alloc_pair(struct weft_qp *qp)
{
	int rc = weft__ring_alloc(qp, qp->params.sq_log2, cq_log2(qp));

	if (rc)
		return rc;
	rc = alloc_rx(qp);
	if (!rc)
		rc = weft__irq_get(qp->dev, qp->params.vector);
	if (rc)
		weft__ring_free(qp);
	return rc;
}

int weft__qp_new(struct weft_dev *dev, const struct weft_qp_params *params, struct weft_qp **out)
{
	struct weft_qp *qp;
	uint16_t id;
	int rc = check_params(dev, params);

	if (rc)
		return rc;
	for (id = 1; id < dev->n_qp && dev->qp[id]; id++)
		;
	if (id == dev->n_qp)
		return weft_set_error(-ENOSPC, "all %u queue pairs are in use", dev->n_qp - 1);
	qp = calloc(1, sizeof(*qp));
	if (!qp)
		return -ENOMEM;
	qp->dev = dev;
	qp->id = id;
	qp->params = *params;
	if (!qp->params.sq_log2)
		qp->params.sq_log2 = DEFAULT_SQ_LOG2;
	rc = alloc_pair(qp);
	if (rc) {
		free(qp);
		return rc;
	}
	set_number(dev, id, qp); /* taken, also for callbacks that run while we wait */
	*out = qp;
	return 0;
}

void weft__qp_free(struct weft_qp *qp)
{
	struct weft_dev *dev = qp->dev;

	qp->state = QP_GONE;
	weft__accept_cancel(qp);
	weft__life_cancel(qp);
	set_number(dev, qp->id, NULL);
	weft__irq_put(dev, qp->params.vector);
	weft__ring_free(qp);
	if (!qp->polling)
		free(qp); /* else the poll does it when it ends */
}

int weft_qp_create(struct weft_dev *dev, const struct weft_qp_params *params, struct weft_qp **out)
{
	struct weft_qp *qp;
	int rc = weft__qp_new(dev, params, &qp);

	if (rc)
		return rc;
	rc = tell_create(qp);
	if (rc) {
		weft__qp_free(qp);
		return rc;
	}
	qp->state = QP_LIVE;
	*out = qp;
	return 0;
}

int weft_qp_delete(struct weft_qp *qp)
{
	struct weft_dev *dev = qp->dev;
	struct weft_arg_qp a = { .qp = qp->id };
	int rc = 0;

	if (atomic_load(&qp->waiting) && qp->state == QP_LIVE)
		weft_qp_disconnect(qp, true);
	if (qp->state == QP_LIVE && !atomic_load(&dev->gone)) {
		qp->state = QP_HIDDEN;
		rc = weft_admin(dev, WEFT_OP_QP_DELETE, &a, sizeof(a), 0, NULL);
		if (rc == -EBUSY) {
			qp->state = QP_LIVE;
			return rc;
		}
	}
	weft__qp_free(qp);
	return rc == -ENODEV ? 0 : rc;
}

uint16_t weft_qp_id(const struct weft_qp *qp)
{
	return qp->id;
}

uint16_t weft_qp_entries(const struct weft_qp *qp)
{
	return qp->entries;
}

unsigned int weft_qp_inflight(const struct weft_qp *qp)
{
	return qp->inflight;
}

int weft_qp_connect(struct weft_qp *qp, const struct weft_connect *conn,
		    struct weft_connection *result)
{
	struct weft_arg_connect a = {
		.qp = qp->id,
		.remote_port = conn->remote_port,
		.remote_ip = conn->remote_ip,
		.local_port = conn->local_port,
		.digests = (uint8_t)(conn->header_digest | conn->data_digest << 1),
		.hpda = conn->hpda,
		.maxr2t = conn->maxr2t,
		.timeout_ms = conn->timeout_ms ? conn->timeout_ms : DEFAULT_CONNECT_MS,
		.keepalive_ms = conn->keepalive_ms,
	};
	struct weft_admin_result r;
	int rc;

	if (conn->hpda > 31 || conn->maxr2t > 15 || !conn->remote_port)
		return weft_set_error(-EINVAL,
				      "connect: hpda 0..31, maxr2t 0..15, remote port not 0");
	if (qp->state != QP_LIVE)
		return -ENOTCONN;
	rc = weft_admin(qp->dev, WEFT_OP_CONNECT, &a, sizeof(a), a.timeout_ms + CONNECT_SLACK_MS,
			&r);
	if (rc)
		return weft_set_error(rc, "connecting to %u.%u.%u.%u:%u: %s", conn->remote_ip >> 24,
				      conn->remote_ip >> 16 & 255, conn->remote_ip >> 8 & 255,
				      conn->remote_ip & 255, conn->remote_port, strerror(-rc));
	if (result)
		*result = (struct weft_connection){
			.maxh2cdata = r.dw[0],
			.cpda = (uint8_t)(r.dw[1] >> 8),
			.header_digest = r.dw[1] & 1,
			.data_digest = r.dw[1] & 2,
			.local_port = (uint16_t)r.dw[2],
		};
	return 0;
}

int weft_qp_disconnect(struct weft_qp *qp, bool abort)
{
	struct weft_arg_disconnect a = { .qp = qp->id, .abort = abort };
	int rc;

	if (qp->state != QP_LIVE)
		return 0;
	qp->connected = false;
	rc = weft_admin(qp->dev, WEFT_OP_DISCONNECT, &a, sizeof(a), 0, NULL);
	qp->connected = false; /* a connection may have come meanwhile, just to be ended */
	return rc == -ENOTCONN ? 0 : rc;
}

int weft_qp_stats(struct weft_qp *qp, uint16_t page, uint32_t val[3])
{
	struct weft_arg_conn_stats a = { .qp = qp->id, .page = page };
	struct weft_admin_result r;
	int rc;

	if (qp->state != QP_LIVE)
		return -ENOTCONN;
	rc = weft_admin(qp->dev, WEFT_OP_CONN_STATS, &a, sizeof(a), 0, &r);
	if (!rc)
		memcpy(val, r.dw, sizeof(r.dw));
	return rc;
}

/* Directions that a command may have, with data or without: bit n stands for flags == n. */
#define FLAGS_WITH_DATA                                     \
	(1u << WEFT_SQF_DATA_OUT | 1u << WEFT_SQF_DATA_IN | \
	 1u << (WEFT_SQF_DATA_OUT | WEFT_SQF_ICD))
#define FLAGS_WITHOUT (FLAGS_WITH_DATA | 1u)

/* What can be refused before anything was touched; the place of the command otherwise. */
static inline int check_cmd(struct weft_qp *qp, const struct weft_cmd *cmd, struct cmd_slot **slot)
{
	uint32_t good = cmd->data_len ? FLAGS_WITH_DATA : FLAGS_WITHOUT;

	if (atomic_load(&qp->dev->gone))
		return weft_set_error(-ENODEV, "the device is gone");
	if (qp->state != QP_LIVE)
		return weft_set_error(-ENOTCONN, "queue pair %u died in a reset", qp->id);
	if (cmd->cid >= qp->entries)
		return weft_set_error(-EINVAL, "cid %u on a pair of %u entries", cmd->cid,
				      qp->entries);
	*slot = &qp->slot[cmd->cid];
	if ((*slot)->busy)
		return weft_set_error(-EEXIST, "cid %u is in flight", cmd->cid);
	if (qp->rx_cmd || (qp->params.flags & WEFT_QP_FC) || cmd->data_len > WEFT_DATA_MAX ||
	    cmd->flags > 31 || !(good >> cmd->flags & 1) || (cmd->iov && cmd->elem))
		return weft_set_error(-EINVAL, "command with flags 0x%02x and %u bytes of data",
				      cmd->flags, cmd->data_len);
	return 0;
}

int weft_qp_submit(struct weft_qp *qp, const struct weft_cmd *cmd)
{
	struct cmd_slot *slot = NULL;
	struct weft_sq_entry *e;
	int rc = check_cmd(qp, cmd, &slot);

	if (rc)
		return rc;
	e = weft__ring_next(qp);
	if (!e)
		return -EAGAIN;
	e->opcode = WEFT_OP_CAPSULE;
	e->flags = cmd->flags;
	e->cid = cmd->cid;
	e->data_len = cmd->data_len;
	e->rsvd0 = 0;
	e->rsvd1 = 0;
	if (!cmd->iov || cmd->count != 1 || !weft__sgl_one(qp, slot, cmd->iov, cmd->data_len, e)) {
		rc = weft__sgl_build(qp, slot, cmd, e);
		if (rc)
			return rc;
	}
	memcpy(e->sqe, cmd->sqe, sizeof(e->sqe));
	slot->busy = true;
	slot->cookie = cmd->cookie;
	weft__ring_push(qp);
	return 0;
}

static int bad_reply(const struct weft_reply *r)
{
	return weft_set_error(-EINVAL, "reply %d with flags 0x%02x, %u bytes at %u", r->op,
			      r->flags, r->data_len, r->offset);
}

/* What a reply may look like, whatever the state of its command. */
static inline int check_reply_form(const struct weft_reply *r)
{
	const uint8_t end = WEFT_SQF_SUCCESS | WEFT_SQF_RESP;

	if (r->op == WEFT_REPLY_RESPOND)
		return r->data_len || r->flags || !r->cqe ? bad_reply(r) : 0;
	if (!r->data_len || r->offset % 4 || (r->iov && r->elem))
		return bad_reply(r);
	if (r->op == WEFT_REPLY_GET)
		return r->data_len > WEFT_DATA_MAX || r->flags ? bad_reply(r) : 0;
	if (r->op != WEFT_REPLY_SEND || r->data_len > WEFT_PDU_DATA_MAX ||
	    (r->flags & ~(end | WEFT_SQF_LAST)) || (r->flags & end) == end ||
	    ((r->flags & end) && !(r->flags & WEFT_SQF_LAST)) ||
	    ((r->flags & WEFT_SQF_RESP) && !r->cqe))
		return bad_reply(r);
	return 0;
}

/* What can be refused; the place of the command otherwise. */
static inline int check_reply(struct weft_qp *qp, const struct weft_reply *r,
			      struct cmd_slot **slot)
{
	if (atomic_load_explicit(&qp->dev->gone, memory_order_relaxed))
		return weft_set_error(-ENODEV, "the device is gone");
	if (qp->state != QP_LIVE || !qp->connected)
		return weft_set_error(-ENOTCONN, "queue pair %u has no connection", qp->id);
	if (r->cid >= qp->entries)
		return weft_set_error(-EINVAL, "cid %u on a pair of %u entries", r->cid,
				      qp->entries);
	*slot = &qp->slot[r->cid];
	if (!(*slot)->held)
		return weft_set_error(-ENOENT, "receive buffer %u holds no command", r->cid);
	if ((*slot)->busy)
		return weft_set_error(-EEXIST, "a reply to command %u is in flight", r->cid);
	return check_reply_form(r);
}

/* Opcode and data of a reply's entry. */
static inline int fill_reply(struct weft_qp *qp, struct cmd_slot *slot, const struct weft_reply *r,
			     struct weft_ctl_entry *e)
{
	struct weft_cmd data; /* of which only the data counts */

	if (r->op == WEFT_REPLY_RESPOND) {
		memset(e, 0, offsetof(struct weft_ctl_entry, cqe));
		e->opcode = WEFT_OP_RESPOND;
		return 0;
	}
	e->opcode = r->op == WEFT_REPLY_GET ? WEFT_OP_GET_DATA : WEFT_OP_SEND_DATA;
	e->flags = r->op == WEFT_REPLY_GET ? WEFT_SQF_DATA_IN :
					     (uint8_t)(WEFT_SQF_DATA_OUT | r->flags);
	e->data_len = r->data_len;
	e->offset = r->offset;
	if (r->iov && r->count == 1 &&
	    weft__sgl_one(qp, slot, r->iov, r->data_len, (struct weft_sq_entry *)e))
		return 0;
	data.iov = r->iov;
	data.elem = r->elem;
	data.count = r->count;
	data.data_len = r->data_len;
	return weft__sgl_build(qp, slot, &data, (struct weft_sq_entry *)e);
}

int weft_qp_reply(struct weft_qp *qp, const struct weft_reply *r)
{
	struct weft_ctl_entry *e;
	struct cmd_slot *slot = NULL;
	int rc = check_reply(qp, r, &slot);

	_Static_assert(sizeof(struct weft_ctl_entry) == sizeof(struct weft_sq_entry) &&
			       offsetof(struct weft_ctl_entry, sgl) ==
				       offsetof(struct weft_sq_entry, sgl),
		       "one ring, two views");
	if (rc)
		return rc;
	e = (void *)weft__ring_next(qp);
	if (!e)
		return -EAGAIN;
	rc = fill_reply(qp, slot, r, e);
	if (rc)
		return rc;
	e->cid = r->cid;
	e->cccid = r->cccid;
	if (r->op == WEFT_REPLY_RESPOND || (r->flags & WEFT_SQF_RESP))
		memcpy(e->cqe, r->cqe, sizeof(e->cqe));
	else
		memset(e->cqe, 0, sizeof(e->cqe));
	memset(e->rsvd, 0, sizeof(e->rsvd));
	if (r->op == WEFT_REPLY_RESPOND || (r->flags & (WEFT_SQF_RESP | WEFT_SQF_SUCCESS)))
		slot->held = false;
	slot->busy = true;
	slot->cookie = r->cookie;
	weft__ring_push(qp);
	return 0;
}

int weft_qp_reachable(struct weft_qp *qp, const void *addr, size_t len)
{
	uintptr_t va = (uintptr_t)addr;

	if (va - qp->hit.va < qp->hit.len && len <= qp->hit.len - (va - qp->hit.va) &&
	    qp->hit.gen == atomic_load_explicit(&qp->dev->mem.gen, memory_order_acquire))
		return 0;
	while (len) {
		size_t piece;
		int rc = weft__mem_find(qp->dev, va, &qp->hit);

		if (rc)
			return rc;
		piece = qp->hit.len - (va - qp->hit.va);
		if (piece >= len)
			break;
		va += piece;
		len -= piece;
	}
	return 0;
}

int weft_qp_poll(struct weft_qp *qp, unsigned int max)
{
	const bool own_thread = qp->params.flags & WEFT_QP_THREAD;
	struct weft_dev *dev = qp->dev;
	int n;

	if (qp->state == QP_GONE)
		return 0; /* from a callback that tells of its end */
	if (dev->bus->ops->advance && !qp->polling && !weft__ring_pending(qp) &&
	    !atomic_load(&dev->gone) &&
	    dev->bus->ops->advance(dev->bus, dev->params.advance_ns) < 0)
		atomic_store(&dev->gone, true);
	n = weft__ring_poll(qp, max); /* which may free the pair */
	if (n || own_thread || atomic_load(&dev->gone))
		return n;
	return weft__look_at_times(dev); /* the next poll ends what is in flight */
}

int weft_qp_fd(const struct weft_qp *qp)
{
	return qp->state == QP_GONE ? -1 : qp->dev->vec_fd[qp->params.vector];
}

int weft_qp_arm(struct weft_qp *qp)
{
	qp->armed = false; /* whoever reads the eventfd elsewhere does not tell us */
	return weft__ring_arm(qp);
}
