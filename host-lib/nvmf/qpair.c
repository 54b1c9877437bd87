/* SPDX-License-Identifier: BSD-2-Clause */
/* Queue pairs of the transport: a driver's pair, connected, with the callbacks of its consumer. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fc.h"
#include "weft_host.h"

#define ADMIN_ICD 8192u

static void on_complete(void *arg, const struct weft_completion *c)
{
	struct nvmf_qpair *qp = arg;

	if (qp->response_cb)
		nvmf__direct_completed(qp, c);
	else
		nvmf__completed(qp, c);
}

static void on_event(void *arg, const struct weft_event *ev)
{
	struct nvmf_qpair *qp = arg;
	int error = 0;

	if (ev->code == WEFT_EV_CONN_ERROR || ev->code == WEFT_EV_QP_ERROR)
		error = ev->dw1 && ev->dw1 < 4096 ? -(int)ev->dw1 : -EIO;
	else if (ev->code != WEFT_EV_CONN_CLOSED)
		return;
	if (qp->ended || qp->freed)
		return;
	qp->ended = true;
	qp->error_cb(qp->error_arg, error);
}

static int ring_log2(uint32_t qsize)
{
	int n = 1;

	while (1u << n < qsize)
		n++;
	return n;
}

static int check(enum nvmf_trtype trtype, bool controller,
		 const struct nvmf_handoff_qpair_params *p, const void *error_cb,
		 const void *receive_cb)
{
	if (trtype != NVMF_TRTYPE_TCP && trtype != NVMF_TRTYPE_FC)
		return EOPNOTSUPP;
	if (controller)
		return !p->connection || !error_cb || !receive_cb ||
				       p->connection->fc != (trtype == NVMF_TRTYPE_FC) ?
			       EINVAL :
			       0;
	if (trtype == NVMF_TRTYPE_FC)
		return !error_cb || !receive_cb ? EINVAL : nvmf__fc_check(p);
	if (!p->dev || p->qsize < 2 || p->qsize > 1024 || !error_cb || !receive_cb ||
	    p->hpda > 31 || p->maxr2t > 15)
		return EINVAL;
	return 0;
}

static int make_pair(struct nvmf_qpair *qp)
{
	const struct nvmf_handoff_qpair_params *p = &qp->params;
	struct weft_qp_params wp = {
		.complete_cb = on_complete,
		.event_cb = on_event,
		.arg = qp,
		.flags = p->own_thread ? WEFT_QP_THREAD : 0,
		.vector = p->vector,
		.sq_log2 = (uint8_t)ring_log2(p->qsize),
	};
	struct weft_connect wc = {
		.remote_ip = p->remote_ip,
		.remote_port = p->remote_port,
		.local_port = p->local_port,
		.header_digest = p->header_digests,
		.data_digest = p->data_digests,
		.hpda = p->hpda,
		.maxr2t = p->maxr2t,
		.timeout_ms = p->timeout_ms,
		.keepalive_ms = p->keepalive_ms,
	};
	struct weft_connection got;
	int rc = weft_qp_create(p->dev, &wp, &qp->wqp);

	if (rc)
		return rc;
	rc = weft_qp_connect(qp->wqp, &wc, &got);
	if (rc) {
		char why[200];

		snprintf(why, sizeof(why), "%s",
			 weft_last_error()); /* cleaning up may fail, too; the cause counts */
		weft_qp_disconnect(qp->wqp, true);
		weft_qp_delete(qp->wqp);
		return weft_set_error(rc, "%s", why);
	}
	qp->info = (struct nvmf_qpair_info){
		.maxh2cdata = got.maxh2cdata,
		.cpda = got.cpda,
		.header_digests = got.header_digest,
		.data_digests = got.data_digest,
		.local_port = got.local_port,
		.max_icd = p->max_icd || !p->admin ? p->max_icd : ADMIN_ICD,
		.entries = weft_qp_entries(qp->wqp),
	};
	return 0;
}

/* A pair as init says, with a connection. NULL and errno. */
static struct nvmf_qpair *allocate(enum nvmf_trtype trtype, bool controller,
				   const struct nvmf_qpair *init)
{
	struct nvmf_qpair *qp = malloc(sizeof(*qp));
	int rc;

	if (!qp)
		return NULL;
	*qp = *init;
	qp->refs = 1;
	rc = controller               ? nvmf__controller_take(qp) :
	     trtype == NVMF_TRTYPE_FC ? nvmf__fc_connect(qp) :
					make_pair(qp);
	if (rc) {
		free(qp);
		errno = -rc;
		return NULL;
	}
	return qp;
}

struct nvmf_qpair *nvmf_allocate_qpair(enum nvmf_trtype trtype, bool controller,
				       const struct nvmf_handoff_qpair_params *params,
				       nvmf_qpair_error_t *error_cb, void *error_cb_arg,
				       nvmf_capsule_receive_t *receive_cb, void *receive_cb_arg)
{
	struct nvmf_qpair init = {
		.params = *params,
		.error_cb = error_cb,
		.error_arg = error_cb_arg,
		.receive_cb = receive_cb,
		.receive_arg = receive_cb_arg,
	};
	int rc =
		check(trtype, controller, params, (const void *)error_cb, (const void *)receive_cb);

	if (rc) {
		errno = rc;
		return NULL;
	}
	return allocate(trtype, controller, &init);
}

struct nvmf_qpair *nvmf__allocate_direct(enum nvmf_trtype trtype,
					 const struct nvmf_handoff_qpair_params *params,
					 nvmf_qpair_error_t *error_cb,
					 nvmf__response_fn *response_cb, void *arg)
{
	struct nvmf_qpair init = {
		.params = *params,
		.error_cb = error_cb,
		.error_arg = arg,
		.response_cb = response_cb,
		.receive_arg = arg,
	};
	int rc = check(trtype, false, params, (const void *)error_cb, (const void *)response_cb);

	if (rc) {
		errno = rc;
		return NULL;
	}
	return allocate(trtype, false, &init);
}

/* The last reference is gone: frees the structure and the capsules kept for later. */
void nvmf__qpair_end(struct nvmf_qpair *qp)
{
	while (qp->free_list) {
		struct nvmf_capsule *nc = qp->free_list;

		qp->free_list = nc->next;
		free(nc->rsp);
		free(nc);
	}
	if (qp->conn) {
		nvmf__ctl_fini(qp);
		nvmf__conn_released(qp->conn);
	}
	free(qp);
}

void nvmf_free_qpair(struct nvmf_qpair *qp)
{
	int rc;

	if (!qp || qp->freed)
		return;
	if (qp->conn) {
		nvmf__controller_free(qp);
		return;
	}
	qp->freed = true; /* from here on completions end as aborted */
	if (!qp->wqp) {
		nvmf__fc_free(qp);
		return;
	}
	rc = weft_qp_disconnect(qp->wqp, false);
	weft_qp_poll(qp->wqp, 0);
	if ((rc && rc != -ENODEV) || weft_qp_inflight(qp->wqp)) {
		/*
		 * The adapter does not let go: only a reset makes sure that no memory is in use any
		 * more.
		 */
		weft_dev_reset(qp->params.dev);
		weft_qp_poll(qp->wqp, 0);
	}
	weft_qp_delete(qp->wqp);
	qp->wqp = NULL;
	nvmf__qpair_put(qp);
}

void nvmf_qpair_info(const struct nvmf_qpair *qp, struct nvmf_qpair_info *info)
{
	*info = qp->info;
}

unsigned int nvmf_qpair_inflight(const struct nvmf_qpair *qp)
{
	if (qp->wqp)
		return weft_qp_inflight(qp->wqp);
	return qp->conn ? nvmf__fc_replies(qp) : nvmf__fc_inflight(qp);
}

struct weft_qp *nvmf_qpair_weft(struct nvmf_qpair *qp)
{
	return qp->wqp;
}

size_t nvmf_max_xfer_size(const struct nvmf_qpair *qp)
{
	(void)qp;
	return WEFT_DATA_MAX;
}

int nvmf_qpair_kick(struct nvmf_qpair *qp)
{
	return qp->wqp ? weft_qp_doorbell(qp->wqp) : 0;
}

int nvmf_qpair_poll(struct nvmf_qpair *qp)
{
	struct nvmf_env env = nvmf__env_of(qp);

	if (!qp->wqp)
		return nvmf__env_poll(&env);
	weft_qp_doorbell(qp->wqp);
	return weft_qp_poll(qp->wqp, 0);
}

int nvmf_poll(struct weft_dev *dev)
{
	return weft_dev_poll(dev);
}
