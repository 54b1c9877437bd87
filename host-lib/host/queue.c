/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Queues of an association: a transport queue pair, its commands, and who waits for them. A
 * command's place in the array is its CID. Commands with a deadline stand in a ring by age: all of
 * a queue have the same timeout, so the oldest expires first.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"

/*
 * The clock is not read for each command: a deadline is set when the timers have their turn, at the
 * latest BUSY_POLLS polls after the command was sent. Those without stand at the young end.
 */
void nvme__queue_stamp(struct host_queue *q, uint64_t now)
{
	struct host_req *r;

	for (r = q->age.prev; r != &q->age && !r->deadline; r = r->prev)
		r->deadline = now + q->timeout_ns;
}

static void release(struct host_req *r)
{
	nvme__req_unage(r);
	r->busy = false;
	r->next = r->q->free;
	r->q->free = r;
}

/* Ends a command towards its owner, who may use its place again at once. */
static void finish(struct host_req *r, struct nvme_result *res)
{
	nvme_host_fn *cb = r->cb;
	void *arg = r->arg;

	r->q->h->stats.commands++;
	release(r);
	if (cb)
		cb(arg, res);
}

static void on_response(void *arg, const struct nvmf_direct *d)
{
	struct host_req *r = d->cookie;
	struct nvme_result res = { .error = d->error, .bytes = d->bytes };
	struct nvme_cqe cqe;

	(void)arg;
	memcpy(&cqe, d->cqe, sizeof(cqe));
	res.status = cqe.status >> 1;
	res.value = cqe.dw0 | (uint64_t)cqe.dw1 << 32;
	if (r->busy)
		finish(r, &res);
}

static void on_error(void *arg, int error)
{
	struct host_queue *q = arg;

	if (!q->h->failed)
		q->h->failed = error ? error : -ECONNRESET;
}

static struct host_queue *make(struct nvme_host *h, uint16_t qid, uint16_t n)
{
	struct host_queue *q = calloc(1, sizeof(*q));
	uint16_t i;

	if (!q)
		return NULL;
	q->req = calloc(n, sizeof(q->req[0]));
	if (!q->req) {
		free(q);
		return NULL;
	}
	q->h = h;
	q->qid = qid;
	q->n = n;
	q->age.next = q->age.prev = &q->age;
	for (i = n; i-- > 0;) {
		q->req[i].q = q;
		q->req[i].cid = i;
		q->req[i].next = q->free;
		q->free = &q->req[i];
	}
	q->timeout_ns = (qid ? h->opts.io_timeout_ms : h->opts.admin_timeout_ms) * NSEC_PER_MSEC;
	return q;
}

static void set_fc(const struct nvme_host *h, uint16_t qid, struct nvmf_fc_params *fc)
{
	const struct nvme_host_opts *o = &h->opts;

	fc->local_port = o->fc_port;
	fc->pump = o->fc_pump;
	fc->remote_wwnn = o->addr.wwnn;
	fc->remote_wwpn = o->addr.wwpn;
	fc->hostnqn = o->addr.hostnqn;
	fc->subnqn = o->addr.subnqn;
	fc->hostid = o->hostid;
	fc->admin = qid && h->queue[0] ? h->queue[0]->qp : NULL;
	fc->qid = qid;
}

/* An interrupt vector for the queue, where they are dealt out. */
static int set_vector(const struct nvme_host *h, uint16_t qid, uint16_t *vector)
{
	struct weft_dev_info info;
	int rc = h->opts.addr.trtype == NVMF_TRTYPE_TCP ? weft_dev_info(h->env.dev, &info) : 1;

	if (!rc)
		*vector = (uint16_t)(qid % info.n_vectors);
	return rc < 0 ? rc : 0;
}

/* Opens the connection of queue qid with qsize entries. */
int nvme__queue_open(struct nvme_host *h, uint16_t qid, uint16_t qsize, uint32_t max_icd)
{
	const struct nvme_host_opts *o = &h->opts;
	struct nvmf_handoff_qpair_params p = {
		.dev = h->env.dev,
		.admin = !qid,
		.sq_flow_control = !o->disable_sqflow,
		.qsize = qsize,
		.remote_ip = o->addr.ip,
		.remote_port = o->addr.port,
		.header_digests = o->header_digest,
		.data_digests = o->data_digest,
		.maxr2t = o->maxr2t,
		.max_icd = max_icd,
		.timeout_ms = o->connect_ms,
	};
	struct host_queue *q;
	int rc = set_vector(h, qid, &p.vector);

	if (rc)
		return rc;
	if (o->addr.trtype == NVMF_TRTYPE_FC)
		set_fc(h, qid, &p.fc);
	q = make(h, qid, (uint16_t)(qsize - 1));
	if (!q)
		return -ENOMEM;
	h->queue[qid] = q;
	h->n_open = qid + 1u;
	q->qp = nvmf__allocate_direct(o->addr.trtype, &p, on_error, on_response, q);
	if (!q->qp) {
		rc = -errno;
		h->queue[qid] = NULL;
		free(q->req);
		free(q);
	}
	return rc;
}

void nvme__queue_stats(struct host_queue *q, struct nvme_host_stats *s)
{
	struct weft_qp *w = q->qp ? nvmf_qpair_weft(q->qp) : NULL;
	uint32_t seg[3], rexmit[3], pdu[3];

	if (!w || weft_qp_stats(w, 0, seg) || weft_qp_stats(w, 1, rexmit) ||
	    weft_qp_stats(w, 3, pdu))
		return;
	s->segments_sent += seg[0];
	s->segments_received += seg[1];
	s->retransmits += seg[2];
	s->rtos += rexmit[1];
	s->fast_retransmits += rexmit[2];
	s->pdus_sent += pdu[0];
	s->pdus_received += pdu[1];
	s->digest_errors += pdu[2];
}

/*
 * Closes the connection; afterwards no buffer is in use. Its commands are still to be ended. What
 * fails here because the connection is gone does not hide why it is.
 */
void nvme__queue_close(struct nvme_host *h, uint16_t qid)
{
	struct host_queue *q = h->queue[qid];
	struct nvmf_qpair *qp;
	char why[200];

	if (!q || !q->qp)
		return;
	snprintf(why, sizeof(why), "%s", weft_last_error());
	nvme__queue_stats(q, &h->stats);
	qp = q->qp;
	q->qp = NULL;
	nvmf_free_qpair(qp);
	weft_set_error(0, "%s", why);
}

/* Ends the commands of a closed queue with error and frees it. */
void nvme__queue_free(struct nvme_host *h, uint16_t qid, int error)
{
	struct host_queue *q = h->queue[qid];
	uint16_t cid;

	if (!q)
		return;
	nvme__queue_close(h, qid);
	h->queue[qid] = NULL;
	for (cid = 0; cid < q->n; cid++) {
		struct nvme_result res = { .error = error,
					   .status = error == -ECANCELED ?
							     NVME_SC_ABORTED_BY_HOST :
							     NVME_SC_HOST_PATH_ERROR };

		if (!q->req[cid].busy)
			continue;
		finish(&q->req[cid], &res);
	}
	free(q->req);
	free(q);
}

int nvme__submit(struct host_queue *q, const struct nvme_sqe *sqe, const struct memdesc *mem,
		 size_t len, bool send, nvme_host_fn *cb, void *arg, struct host_req **out)
{
	struct nvme_sqe copy = *sqe;
	struct host_req *r;
	int rc = q ? nvme__send(q, &copy, mem, len, send, cb, arg, &r) : -ENOTCONN;

	if (!rc && out)
		*out = r;
	return rc;
}
