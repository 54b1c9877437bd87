/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The controller role: listening, pairs that wait for a connection, ending one without waiting. The
 * admin commands behind the last two may take any time; the pair may go away meanwhile.
 */
#include <errno.h>
#include <string.h>

#include "internal.h"

#define DEFAULT_MAXH2CDATA 131072u
#define MIN_MAXH2CDATA 4096u
#define ADMIN_RESERVE 4u /* admin commands that waiting pairs must leave room for */

int weft_listen(struct weft_dev *dev, uint16_t port)
{
	struct weft_arg_listen a = { .port = port };

	if (!port)
		return weft_set_error(-EINVAL, "port 0 cannot be listened on");
	return weft_admin(dev, WEFT_OP_LISTEN, &a, sizeof(a), 0, NULL);
}

int weft_unlisten(struct weft_dev *dev, uint16_t port)
{
	struct weft_arg_listen a = { .port = port };

	return weft_admin(dev, WEFT_OP_UNLISTEN, &a, sizeof(a), 0, NULL);
}

static void end_wait(struct weft_qp *qp, int error, const struct weft_accepted *got)
{
	weft_accept_fn *cb = qp->accept_cb;

	qp->connected = !error;
	atomic_store_explicit(&qp->waiting, false, memory_order_release);
	cb(qp->accept_arg, qp, error, got);
}

static void on_accept(void *arg, const struct weft_admin_result *r)
{
	struct weft_qp *qp = arg;
	struct weft_accepted got = {
		.remote_ip = r->dw[0],
		.remote_port = (uint16_t)r->dw[1],
		.local_port = (uint16_t)(r->dw[1] >> 16),
		.maxr2t = (uint16_t)(r->dw[2] >> 16),
		.hpda = (uint8_t)(r->dw[2] >> 8),
		.header_digest = r->dw[2] & 1,
		.data_digest = r->dw[2] & 2,
	};
	unsigned int cid;

	if (r->error) {
		end_wait(qp, r->error, NULL);
		return;
	}
	for (cid = 0; cid < qp->entries; cid++)
		qp->slot[cid].held = false; /* commands of the connection before */
	end_wait(qp, 0, &got);
}

int weft_qp_accept(struct weft_qp *qp, const struct weft_accept *accept, weft_accept_fn *cb,
		   void *arg)
{
	struct weft_arg_accept a = {
		.qp = qp->id,
		.port = accept->port,
		.digests = (uint8_t)(accept->header_digest | accept->data_digest << 1),
		.cpda = accept->cpda,
		.maxh2cdata = accept->maxh2cdata ? accept->maxh2cdata : DEFAULT_MAXH2CDATA,
		.ic_timeout_ms = accept->ic_timeout_ms,
		.keepalive_ms = accept->keepalive_ms,
	};
	int rc;

	if (!qp->rx_cmd || (qp->params.flags & WEFT_QP_FC) || !cb || accept->cpda > 31 ||
	    a.maxh2cdata % 4 || a.maxh2cdata < MIN_MAXH2CDATA || a.maxh2cdata > WEFT_PDU_DATA_MAX)
		return weft_set_error(-EINVAL,
				      "accept: controller role, cpda 0..31, maxh2cdata a "
				      "multiple of 4 from %u to %u",
				      MIN_MAXH2CDATA, WEFT_PDU_DATA_MAX);
	if (qp->state != QP_LIVE)
		return weft_set_error(-ENOTCONN, "queue pair %u died in a reset", qp->id);
	if (qp->connected || qp->ending || atomic_load(&qp->waiting))
		return weft_set_error(-EISCONN, "queue pair %u is connected, or waits already",
				      qp->id);
	if (weft__admin_room(qp->dev) <= ADMIN_RESERVE)
		return weft_set_error(-EAGAIN, "too many pairs wait for connections");
	rc = weft_admin_submit(qp->dev, WEFT_OP_ACCEPT, &a, sizeof(a), on_accept, qp);
	if (rc)
		return rc;
	qp->accept_cb = cb;
	qp->accept_arg = arg;
	qp->stale = weft__ring_count(qp);
	atomic_store(&qp->waiting, true);
	return 0;
}

static void end_end(struct weft_qp *qp, int error)
{
	weft_ended_fn *cb = qp->end_cb;

	qp->ending = qp->connected = false;
	cb(qp->end_arg, qp, error == -ENOTCONN ? 0 : error);
}

static void on_disconnect(void *arg, const struct weft_admin_result *r)
{
	end_end(arg, r->error);
}

int weft_qp_disconnect_async(struct weft_qp *qp, bool abort, weft_ended_fn *cb, void *arg)
{
	struct weft_arg_disconnect a = { .qp = qp->id, .abort = abort };
	int rc;

	if (!cb)
		return -EINVAL;
	if (qp->state != QP_LIVE)
		return weft_set_error(-ENOTCONN, "queue pair %u died in a reset", qp->id);
	if (qp->ending)
		return weft_set_error(-EALREADY, "queue pair %u is being disconnected", qp->id);
	rc = weft_admin_submit(qp->dev, WEFT_OP_DISCONNECT, &a, sizeof(a), on_disconnect, qp);
	if (rc)
		return rc;
	qp->connected = false;
	qp->ending = true;
	qp->end_cb = cb;
	qp->end_arg = arg;
	return 0;
}

void weft__accept_cancel(struct weft_qp *qp)
{
	if (atomic_load(&qp->waiting)) {
		weft_admin_forget(qp->dev, on_accept, qp);
		end_wait(qp, -ECANCELED, NULL);
	}
	if (qp->ending) {
		weft_admin_forget(qp->dev, on_disconnect, qp);
		end_end(qp, -ECANCELED);
	}
}
