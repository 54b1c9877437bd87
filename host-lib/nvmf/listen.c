/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Listeners and the driver's pairs they keep: some wait for connections, the others have one. A pair
 * goes round: waiting, offered to the accept callback, used by a queue pair, ending (DISCONNECT
 * without waiting, because the consumer frees queue pairs from its callbacks), waiting again or
 * deleted. Pairs are made and deleted only while no callback of the consumer stands between us and
 * the poll, because those calls poll themselves.
 */
#include <errno.h>
#include <stdlib.h>

#include "fc.h"
#include "weft_host.h"

#define DEFAULT_QSIZE 64u
#define DEFAULT_ICD 8192u
#define DEFAULT_MAXH2CDATA 131072u
#define DEFAULT_BACKLOG 4u
#define END_NS 10000000000ull /* an abort takes the adapter less than this */

struct nvmf_listener {
	struct fc_listener *fc; /* then nothing else counts */
	struct nvmf_listen_params params;
	nvmf_accept_t *accept_cb;
	void *arg;
	struct nvmf_connection *conn; /* all */
	unsigned int n_conn, n_waiting, n_asked;
	bool filling;  /* fill is on the stack */
	bool closing;  /* nvmf_unlisten was called */
	bool deferred; /* finish_unlisten is left to fill */
	bool broken;   /* the adapter refuses to wait: no more connections */
};

static void start_end(struct nvmf_connection *conn);
static void end_reached(struct nvmf_connection *conn);
static void fill(struct nvmf_listener *l);
static void finish_unlisten(struct nvmf_listener *l);

/* --- from the driver --------------------------------------------------------------------------- */

static void on_complete(void *arg, const struct weft_completion *c)
{
	struct nvmf_connection *conn = arg;

	if (conn->qp)
		nvmf__ctl_completed(conn->qp, c);
	if (conn->end_done && !weft_qp_inflight(conn->wqp))
		end_reached(conn);
}

static void on_capsule(void *arg, const struct weft_capsule *c)
{
	struct nvmf_connection *conn = arg;

	if (conn->qp)
		nvmf__ctl_capsule(conn->qp, c, NULL);
	else
		conn->lost = true; /* polled before the queue pair was allocated */
}

static void on_event(void *arg, const struct weft_event *ev)
{
	struct nvmf_connection *conn = arg;
	int error = 0;

	if (ev->code == WEFT_EV_CONN_ERROR || ev->code == WEFT_EV_QP_ERROR)
		error = ev->dw1 && ev->dw1 < 4096 ? -(int)ev->dw1 : -EIO;
	else if (ev->code != WEFT_EV_CONN_CLOSED)
		return;
	if (ev->code != WEFT_EV_QP_ERROR)
		conn->gone = true;
	if (conn->qp)
		nvmf__ctl_ended(conn->qp, error);
	else
		conn->lost = true;
}

/* --- pairs ------------------------------------------------------------------------------------- */

static struct nvmf_connection *make_conn(struct nvmf_listener *l, int *rc)
{
	const struct nvmf_listen_params *p = &l->params;
	struct nvmf_connection *conn = calloc(1, sizeof(*conn));
	struct weft_qp_params wp = {
		.complete_cb = on_complete,
		.event_cb = on_event,
		.capsule_cb = on_capsule,
		.arg = conn,
		.flags = WEFT_QP_CONTROLLER,
		.vector = p->vector,
		.sq_log2 = (uint8_t)__builtin_ctz(p->qsize),
		.icd_size = p->max_icd,
	};

	*rc = conn ? weft_qp_create(p->dev, &wp, &conn->wqp) : -ENOMEM;
	if (*rc) {
		free(conn);
		return NULL;
	}
	conn->dev = p->dev;
	conn->listener = l;
	conn->maxh2cdata = p->maxh2cdata;
	conn->max_icd = p->max_icd;
	conn->cpda = p->cpda;
	conn->next = l->conn;
	l->conn = conn;
	l->n_conn++;
	return conn;
}

static void unlink_conn(struct nvmf_connection *conn)
{
	struct nvmf_listener *l = conn->listener;
	struct nvmf_connection **at;

	if (!l)
		return;
	for (at = &l->conn; *at != conn; at = &(*at)->next)
		;
	*at = conn->next;
	l->n_conn--;
	l->n_waiting -= conn->state == CONN_WAITING;
	l->n_asked -= conn->end_asked;
	conn->listener = NULL;
}

/* A pair without owner goes. When the adapter does not let go of it, only a reset helps. */
static void drop(struct nvmf_connection *conn)
{
	unlink_conn(conn);
	conn->state = CONN_IDLE;
	if (weft_qp_delete(conn->wqp) == -EBUSY) {
		weft_qp_disconnect(conn->wqp, true);
		if (weft_qp_delete(conn->wqp) == -EBUSY) {
			weft_dev_reset(conn->dev);
			weft_qp_delete(conn->wqp);
		}
	}
	free(conn);
}

static void on_accept(void *arg, struct weft_qp *wqp, int error, const struct weft_accepted *got)
{
	struct nvmf_connection *conn = arg;
	struct nvmf_listener *l = conn->listener;

	(void)wqp;
	if (!l || conn->state != CONN_WAITING)
		return; /* cancelled by us */
	l->n_waiting--;
	conn->state = CONN_IDLE;
	if (error) {
		l->broken = true;
		return;
	}
	conn->info = (struct nvmf_connection_info){
		.remote_ip = got->remote_ip,
		.remote_port = got->remote_port,
		.local_port = got->local_port,
		.header_digests = got->header_digest,
		.data_digests = got->data_digest,
	};
	conn->state = CONN_OFFERED;
	conn->gone = conn->lost = false;
	conn->offering = true;
	if (!l->closing)
		l->accept_cb(l->arg, conn, &conn->info);
	conn->offering = false;
	if (conn->state == CONN_OFFERED) { /* nobody wants it */
		conn->state = CONN_ENDING;
		start_end(conn);
	}
	fill(l);
}

static int wait_again(struct nvmf_connection *conn)
{
	const struct nvmf_listen_params *p = &conn->listener->params;
	struct weft_accept a = {
		.port = p->port,
		.header_digest = p->header_digests,
		.data_digest = p->data_digests,
		.cpda = p->cpda,
		.maxh2cdata = p->maxh2cdata,
		.ic_timeout_ms = p->ic_timeout_ms,
		.keepalive_ms = p->keepalive_ms,
	};
	int rc = weft_qp_accept(conn->wqp, &a, on_accept, conn);

	if (rc)
		return rc;
	conn->state = CONN_WAITING;
	conn->listener->n_waiting++;
	return 0;
}

static struct nvmf_connection *find_conn(const struct nvmf_listener *l, enum conn_state state)
{
	struct nvmf_connection *conn = l->conn;

	while (conn && (conn->state != state || conn->offering))
		conn = conn->next;
	return conn;
}

static bool may_fill(const struct nvmf_listener *l)
{
	return !l->closing && !l->broken && l->n_waiting < l->params.backlog;
}

/* As many pairs wait as the backlog says, if they can be had; no others stand idle. */
static void fill(struct nvmf_listener *l)
{
	struct nvmf_connection *conn;
	int rc = 0;

	if (l->filling)
		return;
	l->filling = true;
	while (may_fill(l) && !rc) {
		conn = find_conn(l, CONN_IDLE);
		if (!conn && (!l->params.max_qpairs || l->n_conn < l->params.max_qpairs))
			conn = make_conn(l, &rc);
		if (!conn || !may_fill(l))
			break;
		rc = wait_again(conn);
		if (rc && rc != -EAGAIN) {
			drop(conn);
			if (rc == -ENOTCONN)
				rc = 0; /* that one died in a reset; perhaps others did not */
		}
	}
	while (!l->closing && rc != -EAGAIN && (conn = find_conn(l, CONN_IDLE)) != NULL)
		drop(conn);
	l->filling = false;
	if (l->deferred) {
		l->deferred = false;
		finish_unlisten(l);
	}
}

/* --- ends -------------------------------------------------------------------------------------- */

/* The pair has no connection and no owner any more. */
static void recycle(struct nvmf_connection *conn)
{
	struct nvmf_listener *l = conn->listener;

	conn->state = CONN_IDLE;
	if (!l)
		drop(conn);
	else if (!conn->offering)
		fill(l);
}

static void end_reached(struct nvmf_connection *conn)
{
	conn->state = CONN_ENDED;
	conn->end_done = false;
	if (!conn->qp)
		recycle(conn);
}

void nvmf__conn_released(struct nvmf_connection *conn)
{
	if (conn->fc) {
		nvmf__fc_released(conn);
		return;
	}
	conn->qp = NULL;
	if (conn->state == CONN_ENDED)
		recycle(conn);
}

static void on_ended(void *arg, struct weft_qp *wqp, int error)
{
	struct nvmf_connection *conn = arg, *next;
	struct nvmf_listener *l = conn->listener;

	conn->end_asked = false;
	if (l)
		l->n_asked--;
	weft_qp_doorbell(wqp); /* the adapter completes what it is not shown yet, too */
	weft_qp_poll(wqp, 0);  /* what was in flight has completed */
	if (!error && weft_qp_inflight(wqp))
		conn->end_done = true; /* all but entries that it had not fetched */
	else if (!weft_qp_inflight(wqp) || error == -ENODEV)
		end_reached(conn);
	/* else the adapter does not let go: nvmf_unlisten will reset it */
	if (!l)
		return;
	for (next = l->conn; next; next = next->next) {
		if (next->state != CONN_ENDING || next->end_asked || next->end_done)
			continue;
		start_end(next); /* it found the admin ring full */
		break;
	}
}

/* Ends the connection without waiting for that, if the adapter still knows it. */
static void start_end(struct nvmf_connection *conn)
{
	struct nvmf_listener *l = conn->listener;
	uint64_t start = weft_dev_now(conn->dev);
	int rc = -ENOTCONN;

	if (conn->gone)
		weft_qp_poll(conn->wqp, 0);
	if (!conn->gone || weft_qp_inflight(conn->wqp))
		rc = weft_qp_disconnect_async(conn->wqp, true, on_ended, conn);
	/* with other ends under way, they call us again; else somebody fills the admin ring */
	while (rc == -EAGAIN && !l->n_asked && weft_dev_poll(conn->dev) >= 0 &&
	       weft_dev_now(conn->dev) - start < END_NS)
		rc = weft_qp_disconnect_async(conn->wqp, true, on_ended, conn);
	if (!rc) {
		conn->end_asked = true;
		l->n_asked++;
	} else if (rc != -EAGAIN) {
		weft_qp_poll(conn->wqp, 0); /* reset or gone: commands end here */
		end_reached(conn);
	}
}

/* The same when the listener is gone: nobody would come back to it. */
static void end_now(struct nvmf_connection *conn)
{
	int rc = conn->gone ? 0 : weft_qp_disconnect(conn->wqp, true);
	uint64_t start = weft_dev_now(conn->dev);

	weft_qp_doorbell(conn->wqp);
	weft_qp_poll(conn->wqp, 0);
	while (!rc && weft_qp_inflight(conn->wqp) && weft_dev_now(conn->dev) - start < END_NS)
		rc = weft_dev_poll(conn->dev) < 0 ? -ENODEV : 0; /* see on_ended */
	if ((rc && rc != -ENODEV) || weft_qp_inflight(conn->wqp)) {
		/* only a reset makes sure that no memory is in use any more */
		weft_dev_reset(conn->dev);
		weft_qp_poll(conn->wqp, 0);
	}
	end_reached(conn);
}

void nvmf__controller_free(struct nvmf_qpair *qp)
{
	struct nvmf_connection *conn = qp->conn;

	if (conn->fc) {
		nvmf__fc_controller_free(qp);
		return;
	}
	qp->refs++;
	qp->freed = true;
	conn->state = CONN_ENDING;
	nvmf__ctl_flush(qp, -ECONNABORTED);
	if (conn->listener)
		start_end(conn);
	else
		end_now(conn);
	nvmf__qpair_put(qp); /* the owner's */
	nvmf__qpair_put(qp);
}

int nvmf__controller_take(struct nvmf_qpair *qp)
{
	struct nvmf_connection *conn = qp->params.connection;
	int rc;

	if (conn->state != CONN_OFFERED)
		return weft_set_error(-EINVAL, "the connection is not one that is being accepted");
	if (conn->lost)
		return weft_set_error(-ECONNRESET, "the connection went on, or ended, before its "
						   "queue pair was allocated");
	if (conn->fc)
		return nvmf__fc_take(qp);
	qp->info = (struct nvmf_qpair_info){
		.maxh2cdata = conn->maxh2cdata,
		.cpda = conn->cpda,
		.header_digests = conn->info.header_digests,
		.data_digests = conn->info.data_digests,
		.local_port = conn->info.local_port,
		.max_icd = conn->max_icd,
		.entries = weft_qp_entries(conn->wqp),
		.remote_ip = conn->info.remote_ip,
		.remote_port = conn->info.remote_port,
	};
	rc = nvmf__ctl_init(qp);
	if (rc)
		return rc;
	qp->params.dev = conn->dev;
	qp->wqp = conn->wqp;
	qp->conn = conn;
	conn->qp = qp;
	conn->state = CONN_USED;
	return 0;
}

void nvmf_qpair_set_sq_flow_control(struct nvmf_qpair *qp, bool on)
{
	qp->params.sq_flow_control = on;
}

/* --- listeners --------------------------------------------------------------------------------- */

static int check_params(enum nvmf_trtype trtype, struct nvmf_listen_params *p, const void *cb)
{
	p->qsize = p->qsize ? p->qsize : DEFAULT_QSIZE;
	p->max_icd = p->max_icd ? p->max_icd : DEFAULT_ICD;
	p->maxh2cdata = p->maxh2cdata ? p->maxh2cdata : DEFAULT_MAXH2CDATA;
	p->backlog = p->backlog ? p->backlog : DEFAULT_BACKLOG;
	if (trtype != NVMF_TRTYPE_TCP || !p->dev || !p->port || !cb)
		return weft_set_error(-EINVAL, "listen: transport TCP, an adapter, a port and an "
					       "accept callback are needed");
	if (p->qsize < 2 || p->qsize > 1024 || (p->qsize & (p->qsize - 1)))
		return weft_set_error(-EINVAL, "listen: qsize %u is no power of two in 2..1024",
				      p->qsize);
	if (p->max_icd % 64 || p->max_icd < DEFAULT_ICD || p->max_icd > WEFT_PDU_DATA_MAX)
		return weft_set_error(-EINVAL,
				      "listen: max_icd %u is no multiple of 64 in 8192..%u",
				      p->max_icd, WEFT_PDU_DATA_MAX);
	if (p->maxh2cdata % 4 || p->maxh2cdata < 4096 || p->maxh2cdata > WEFT_PDU_DATA_MAX ||
	    p->cpda > 31)
		return weft_set_error(-EINVAL,
				      "listen: maxh2cdata %u (multiples of 4 in 4096..%u) "
				      "or cpda %u (0..31)",
				      p->maxh2cdata, WEFT_PDU_DATA_MAX, p->cpda);
	return 0;
}

/* Pairs first, then the port: no connection can come before everything is there. */
static int start(struct nvmf_listener *l)
{
	unsigned int n = l->params.backlog;
	struct nvmf_connection *conn;
	int rc = 0, made = 0;

	if (l->params.max_qpairs && n > l->params.max_qpairs)
		n = l->params.max_qpairs;
	while (l->n_conn < n && !made)
		make_conn(l, &made);
	if (!l->conn)
		return made;
	rc = weft_listen(l->params.dev, l->params.port);
	for (conn = l->conn; conn && !rc; conn = conn->next)
		rc = wait_again(conn);
	if (rc == -EAGAIN && l->n_waiting)
		rc = 0; /* fewer, then */
	if (rc && l->n_waiting)
		weft_unlisten(l->params.dev, l->params.port);
	return rc;
}

struct nvmf_listener *nvmf_listen(enum nvmf_trtype trtype, const struct nvmf_listen_params *params,
				  nvmf_accept_t *accept_cb, void *arg)
{
	struct nvmf_listener *l = calloc(1, sizeof(*l));
	int rc;

	if (!l)
		return NULL;
	if (trtype == NVMF_TRTYPE_FC) {
		rc = nvmf__fc_listen(params, accept_cb, arg, &l->fc);
		if (!rc)
			return l;
		free(l);
		errno = -rc;
		return NULL;
	}
	l->params = *params;
	l->accept_cb = accept_cb;
	l->arg = arg;
	rc = check_params(trtype, &l->params, (const void *)accept_cb);
	if (!rc) {
		l->filling = true; /* no pair is made or dropped behind our back */
		rc = start(l);
		l->filling = false;
	}
	if (!rc)
		return l;
	l->closing = true;
	while (l->conn)
		drop(l->conn);
	free(l);
	errno = -rc;
	return NULL;
}

/* Waits for an end that was asked for. */
static void await_end(struct nvmf_connection *conn)
{
	struct weft_dev *dev = conn->dev;
	uint64_t start = weft_dev_now(dev);

	while (conn->state == CONN_ENDING && weft_dev_now(dev) - start < END_NS) {
		if (!conn->end_asked && !conn->end_done)
			start_end(conn);
		if (weft_dev_poll(dev) < 0)
			break;
		if (conn->state == CONN_ENDING)
			weft_dev_wait(dev, 1);
	}
	if (conn->state != CONN_ENDING)
		return;
	weft_dev_reset(dev);
	weft_qp_poll(conn->wqp, 0);
	if (conn->state == CONN_ENDING)
		end_reached(conn);
}

static void finish_unlisten(struct nvmf_listener *l)
{
	while (l->conn) {
		struct nvmf_connection *conn = l->conn;

		if (conn->state == CONN_ENDING)
			await_end(conn);
		if (conn->state == CONN_WAITING || conn->state == CONN_IDLE)
			drop(conn);
		else
			unlink_conn(conn); /* its owner, or a capsule, ends it */
	}
	free(l);
}

void nvmf_unlisten(struct nvmf_listener *l)
{
	if (!l || l->closing)
		return;
	if (l->fc) {
		nvmf__fc_unlisten(l->fc);
		free(l);
		return;
	}
	l->closing = true;
	weft_unlisten(l->params.dev, l->params.port);
	if (l->filling)
		l->deferred = true;
	else
		finish_unlisten(l);
}

void nvmf_discovery_changed(struct nvmf_listener *l)
{
	if (l && l->fc)
		nvmf__fc_changed(l->fc);
}
