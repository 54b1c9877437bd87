/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Host's queue pairs over Fibre Channel. The admin pair makes the association, a pair for I/O adds a
 * connection to it. FC-NVMe ends associations, not connections: a pair for I/O that is freed lets its
 * commands finish for a while; what is then still there can only be aborted, and that, like the end
 * of the admin pair, is the end of all.
 *
 * From inside a callback nothing can be waited for: whoever called back must return first. A pair that
 * is freed there with commands becomes an orphan, which goes with the last of them.
 */
#include <errno.h>
#include <stdlib.h>

#include "fc.h"
#include "weft_host.h"

#define MS 1000000ull
#define DEFAULT_CONNECT_MS 30000u
#define DRAIN_MS 1000u   /* for commands of a pair that is freed */
#define ABORT_MS 30000u  /* a driver takes less: 2 * R_A_TOV and a little */
#define GOODBYE_MS 2000u /* for Disconnect Association */
#define SQE_CID 2

_Thread_local unsigned int nvmf__fc_inside;

struct fc_assoc_qp {
	struct fc_host_assoc *a;
	struct nvmf_qpair *qp;
	uint16_t qid;
	uint16_t entries;
	unsigned int inflight;
	bool orphan;           /* freed while the driver had commands of it: goes with the last */
	struct fc_host_io *io; /* by CID */
};

/* A command. */
struct fc_host_io {
	struct nvme_fc_io io;
	struct fc_assoc_qp *q;
	void *cookie;
	bool busy;
	struct fc_pieces pieces;
};

struct fc_host_assoc {
	struct nvme_fc_ctrl *ctrl; /* NULL: gone */
	struct nvmf_env env;
	struct nvme_fc_limits limits;
	unsigned int refs; /* queue pairs, who waits */
	bool answered;     /* what was asked for came, or did not */
	int answer;
	bool ended;
	bool hopeless; /* commands did not finish in time: the next pairs do not wait */
	bool asked;    /* its end is our own wish, of which the target is to hear */
	struct fc_assoc_qp *q[FC_QUEUES_MAX];
};

static void put(struct fc_host_assoc *a)
{
	if (!--a->refs)
		free(a);
}

/* --- events ------------------------------------------------------------------------------------- */

/* Tells every pair; consumers may free pairs from inside. */
static void end_all(struct fc_host_assoc *a, int error)
{
	unsigned int i;

	a->refs++;
	a->ended = true;
	for (i = 0; i < FC_QUEUES_MAX; i++) {
		struct nvmf_qpair *qp = a->q[i] ? a->q[i]->qp : NULL;

		if (!qp || qp->ended || qp->freed)
			continue;
		qp->ended = true;
		qp->error_cb(qp->error_arg, error);
	}
	put(a);
}

static void on_event(void *arg, enum nvme_fc_event event, uint16_t qid, int error)
{
	struct fc_host_assoc *a = arg;

	(void)qid; /* one at a time is asked for */
	nvmf__fc_inside++;
	switch (event) {
	case NVME_FC_QUEUE:
		a->answered = true;
		a->answer = error;
		break;
	case NVME_FC_ENDED:
		a->answered = true;
		a->answer = error ? error : -ECONNRESET;
		end_all(a, error);
		break;
	case NVME_FC_LOST:
		a->ctrl = NULL;
		break;
	case NVME_FC_BACK: /* whoever wants to come back makes a new association */
		break;
	}
	nvmf__fc_inside--;
}

/* Polls until *done, so long at most. false: time is up. */
static bool await(const struct nvmf_env *env, const bool *done, uint32_t ms)
{
	uint64_t start = nvmf__env_now(env);

	while (!*done && nvmf__env_now(env) - start < ms * MS)
		if (nvmf__env_step(env))
			break;
	return *done;
}

static bool await_quiet(struct fc_assoc_qp *q, uint32_t ms)
{
	const struct nvmf_env *env = &q->a->env;
	uint64_t start = nvmf__env_now(env);

	while (q->inflight && nvmf__env_now(env) - start < ms * MS)
		if (nvmf__env_step(env))
			break;
	return !q->inflight;
}

/* --- connecting --------------------------------------------------------------------------------- */

int nvmf__fc_check(const struct nvmf_handoff_qpair_params *p)
{
	const struct nvmf_fc_params *fc = &p->fc;

	if (p->qsize < FC_ENTRIES_MIN || p->qsize > FC_ENTRIES_MAX)
		return EINVAL;
	if (!p->admin)
		return !fc->admin || !fc->admin->fc || !fc->qid || fc->qid >= FC_QUEUES_MAX ?
			       EINVAL :
			       0;
	if (!p->dev && (!fc->pump || !fc->pump->poll))
		return EINVAL;
	return !fc->local_port || !fc->hostnqn || !fc->subnqn || !fc->hostid ||
			       strlen(fc->hostnqn) > NVME_NQN_MAX ||
			       strlen(fc->subnqn) > NVME_NQN_MAX ?
		       EINVAL :
		       0;
}

static struct fc_assoc_qp *make_queue(struct nvmf_qpair *qp)
{
	struct fc_assoc_qp *q = calloc(1, sizeof(*q));

	if (!q)
		return NULL;
	q->io = calloc(qp->params.qsize, sizeof(q->io[0]));
	if (!q->io) {
		free(q);
		return NULL;
	}
	q->qp = qp;
	q->entries = (uint16_t)qp->params.qsize;
	return q;
}

static void free_queue(struct fc_assoc_qp *q)
{
	unsigned int i;

	for (i = 0; i < q->entries; i++)
		free(q->io[i].pieces.more);
	free(q->io);
	free(q);
}

/* Why there is no way to a port. */
static int no_port(const struct nvmf_fc_params *fc, const struct nvme_fc_remote_port *rport)
{
	char name[FC_NAME_LEN];

	nvmf__fc_name(name, fc->remote_wwnn, fc->remote_wwpn);
	return weft_set_error(-EHOSTUNREACH, "port %s is %s", name,
			      rport ? "not there any more" : "not logged in to");
}

static int make_ctrl(struct fc_host_assoc *a, const struct nvmf_handoff_qpair_params *p)
{
	const struct nvmf_fc_params *fc = &p->fc;
	struct nvme_fc_remote_port *rport =
		nvme_fc_find_rport(fc->local_port, fc->remote_wwnn, fc->remote_wwpn);
	struct nvme_fc_ctrl_params cp = { .event = on_event,
					  .arg = a,
					  .cntlid = NVME_CNTLID_DYNAMIC,
					  .entries = (uint16_t)p->qsize,
					  .no_sqflow = !p->sq_flow_control };
	int rc;

	if (!rport || rport->port_state != FC_OBJSTATE_ONLINE)
		return no_port(fc, rport);
	memcpy(cp.hostid, fc->hostid, sizeof(cp.hostid));
	strcpy(cp.hostnqn, fc->hostnqn);
	strcpy(cp.subnqn, fc->subnqn);
	nvme_fc_get_limits(fc->local_port, &a->limits);
	rc = nvme_fc_ctrl_create(rport, &cp, &a->ctrl);
	return rc ? weft_set_error(rc, "no controller: %s", strerror(-rc)) : 0;
}

/* Waits for what ctrl_connect or add_queue started. */
static int await_answer(struct fc_host_assoc *a, const struct nvmf_qpair *qp, const char *what)
{
	uint32_t ms = qp->params.timeout_ms ? qp->params.timeout_ms : DEFAULT_CONNECT_MS;
	int rc = await(&a->env, &a->answered, ms) ? a->answer : -ETIMEDOUT;

	return rc ? weft_set_error(rc, "%s: %s", what,
				   rc == -ECONNREFUSED ? "the target refuses it" :
				   rc == -ETIMEDOUT    ? "no answer in time" :
							 strerror(-rc)) :
		    0;
}

static void ask_for_end(struct fc_host_assoc *a)
{
	if (!a->ctrl || a->ended)
		return;
	a->asked = true;
	nvme_fc_ctrl_disconnect(a->ctrl, -ECONNABORTED);
}

/* Until the association has ended and the target has answered that, or had its time to. */
static void await_goodbye(struct fc_host_assoc *a)
{
	uint64_t start = nvmf__env_now(&a->env);

	while (a->ctrl && (!a->ended || nvme_fc_ctrl_leaving(a->ctrl)) &&
	       nvmf__env_now(&a->env) - start < GOODBYE_MS * MS)
		if (nvmf__env_step(&a->env))
			break;
}

/* The end of an association; pairs that still belong to it end, too. */
static void say_goodbye(struct fc_host_assoc *a, bool wait)
{
	ask_for_end(a);
	if (a->asked && wait)
		await_goodbye(a);
	if (a->ctrl)
		nvme_fc_ctrl_destroy(a->ctrl);
	a->ctrl = NULL;
	a->answered = true; /* whoever waits for a connection has no more to wait for */
	a->answer = -ECONNABORTED;
	if (!a->ended)
		end_all(a, -ECONNABORTED);
}

static int connect_admin(struct nvmf_qpair *qp, struct fc_assoc_qp *q)
{
	struct fc_host_assoc *a = calloc(1, sizeof(*a));
	int rc;

	if (!a)
		return -ENOMEM;
	a->refs = 1;
	a->env = nvmf__env_of(qp);
	q->a = a;
	rc = make_ctrl(a, &qp->params);
	if (!rc)
		rc = nvme_fc_ctrl_connect(a->ctrl);
	if (!rc)
		rc = await_answer(a, qp, "Create Association");
	if (!rc)
		return 0;
	if (a->ctrl) {
		/* it may still be under way, and then goes on without us */
		nvme_fc_ctrl_destroy(a->ctrl);
		a->ctrl = NULL;
	}
	put(a);
	return rc;
}

static int connect_io(struct nvmf_qpair *qp, struct fc_assoc_qp *q)
{
	struct fc_host_assoc *a = qp->params.fc.admin->fc->a;
	int rc;

	if (a->ended || !a->ctrl)
		return weft_set_error(-ENOTCONN, "the association has ended");
	if (q->qid >= a->limits.max_queues)
		return weft_set_error(-ENOSPC, "the port has %u queues", a->limits.max_queues);
	if (a->q[q->qid])
		return weft_set_error(-EEXIST, "queue %u is connected already", q->qid);
	a->refs++;
	q->a = a;
	a->answered = false;
	rc = nvme_fc_ctrl_add_queue(a->ctrl, q->qid, q->entries);
	if (!rc)
		rc = await_answer(a, qp, "Create I/O Connection");
	if (rc == -ETIMEDOUT &&
	    a->ctrl) /* an answer that comes later must not be taken for another's */
		nvme_fc_ctrl_disconnect(a->ctrl, rc);
	if (rc)
		put(a);
	return rc;
}

int nvmf__fc_connect(struct nvmf_qpair *qp)
{
	struct fc_assoc_qp *q = make_queue(qp);
	int rc;

	if (!q)
		return -ENOMEM;
	if (!qp->params.admin) {
		qp->params.dev = qp->params.fc.admin->params.dev;
		qp->params.fc.pump = qp->params.fc.admin->params.fc.pump;
		q->qid = qp->params.fc.qid;
	}
	rc = q->qid ? connect_io(qp, q) : connect_admin(qp, q);
	if (rc) {
		free_queue(q);
		return rc;
	}
	q->a->q[q->qid] = q;
	qp->fc = q;
	qp->info = (struct nvmf_qpair_info){ .entries = q->entries };
	return 0;
}

/* --- commands ----------------------------------------------------------------------------------- */

static void complete(struct nvmf_qpair *qp, const struct weft_completion *c)
{
	if (qp->response_cb)
		nvmf__direct_completed(qp, c);
	else
		nvmf__completed(qp, c);
}

/* The last command of a pair that was freed too early. */
static void bury(struct fc_assoc_qp *q)
{
	struct nvmf_qpair *qp = q->qp;

	put(q->a);
	free_queue(q);
	nvmf__qpair_put(qp);
}

/* The pair may be freed by its consumer. */
static void on_done(struct nvme_fc_io *io)
{
	struct fc_host_io *hio = io->arg;
	struct fc_assoc_qp *q = hio->q;
	struct weft_completion c = {
		.cookie = hio->cookie,
		.cqe = io->error ? NULL : &io->cqe,
		.error = io->error,
		.data_len = io->transferred,
		.cid = (uint16_t)(hio - q->io),
		.flags = io->sqhd_valid ? 0 : WEFT_CQF_SYNTH,
	};
	bool last = q->orphan && q->inflight == 1;

	hio->busy = false;
	q->inflight--;
	nvmf__fc_inside++;
	complete(q->qp, &c);
	nvmf__fc_inside--;
	if (last)
		bury(q);
}

static void source(const struct memdesc *mem, uint32_t len, struct iovec *one,
		   struct weft_sgl_elem *elem, struct fc_source *src)
{
	*src = (struct fc_source){ .count = mem->md_count };
	switch (mem->md_type) {
	case MEMDESC_VADDR:
		*one = (struct iovec){ mem->u.md_vaddr, len };
		src->iov = one;
		break;
	case MEMDESC_VLIST:
		src->iov = mem->u.md_vlist;
		break;
	case MEMDESC_IOVA:
		*elem = (struct weft_sgl_elem){ .addr = mem->u.md_iova, .len = len };
		src->elem = elem;
		break;
	case MEMDESC_IOVA_LIST:
		src->elem = (const struct weft_sgl_elem *)mem->u.md_iova_list;
		break;
	}
}

static int set_memory(struct fc_host_io *hio, const struct memdesc *mem, uint32_t len, bool send)
{
	const struct fc_host_assoc *a = hio->q->a;
	struct weft_sgl_elem elem;
	struct fc_source src;
	struct iovec one;
	int rc;

	hio->io.len = len;
	hio->io.sg_cnt = 0;
	hio->io.dir = NVMEFC_FCP_NODATA;
	if (!mem || !len)
		return 0;
	source(mem, len, &one, &elem, &src);
	if (!src.iov && !src.elem)
		return -EINVAL;
	rc = nvmf__fc_pieces(&hio->pieces, &a->env, &src, len, a->limits.dma_boundary,
			     a->limits.max_segments);
	if (rc)
		return rc;
	hio->io.sg = nvmf__fc_sg(&hio->pieces);
	hio->io.sg_cnt = hio->pieces.n;
	hio->io.dir = send ? NVMEFC_FCP_WRITE : NVMEFC_FCP_READ;
	return 0;
}

int nvmf__fc_transmit(struct nvmf_qpair *qp, const uint8_t *sqe, const struct memdesc *mem,
		      uint32_t len, bool send, void *cookie)
{
	struct fc_assoc_qp *q = qp->fc;
	struct fc_host_io *hio;
	uint16_t cid;
	int rc;

	memcpy(&cid, &sqe[SQE_CID], 2);
	if (cid >= q->entries)
		return -EINVAL;
	hio = &q->io[cid];
	if (hio->busy)
		return -EEXIST;
	if (!q->a->ctrl)
		return -ENOTCONN;
	hio->q = q;
	rc = set_memory(hio, mem, len, send);
	if (rc)
		return rc;
	memcpy(hio->io.sqe, sqe, sizeof(hio->io.sqe));
	hio->io.done = on_done;
	hio->io.arg = hio;
	hio->cookie = cookie;
	rc = nvme_fc_submit(q->a->ctrl, q->qid, &hio->io);
	if (rc)
		return rc;
	hio->busy = true;
	q->inflight++;
	return 0;
}

unsigned int nvmf__fc_inflight(const struct nvmf_qpair *qp)
{
	return qp->fc->inflight;
}

/* --- end ---------------------------------------------------------------------------------------- */

/* Commands of a pair for I/O get the chance to finish, once: then nothing must be aborted. */
static void drain(struct fc_assoc_qp *q)
{
	struct fc_host_assoc *a = q->a;

	if (!q->qid || !q->inflight || a->ended || a->hopeless)
		return;
	if (!await_quiet(q, DRAIN_MS))
		a->hopeless = true;
}

/* Commands of an association that ends. */
static void await_aborts(struct fc_assoc_qp *q)
{
	struct weft_dev *dev = q->a->env.dev;

	if (!q->inflight || await_quiet(q, ABORT_MS) || !dev)
		return;
	weft_dev_reset(dev); /* only this makes sure that no memory is in use any more */
	await_quiet(q, GOODBYE_MS);
}

void nvmf__fc_free(struct nvmf_qpair *qp)
{
	struct fc_assoc_qp *q = qp->fc;
	struct fc_host_assoc *a = q->a;
	/* the consumer of a direct pair relies on having its memory back */
	bool wait = !nvmf__fc_inside || qp->response_cb;

	if (wait)
		drain(q);
	if (q->inflight)
		ask_for_end(a);
	if (wait)
		await_aborts(q);
	a->q[q->qid] = NULL;
	if (!q->qid)
		say_goodbye(a, wait);
	if (q->inflight) {
		q->orphan = true;
		return;
	}
	qp->fc = NULL;
	put(a);
	free_queue(q);
	nvmf__qpair_put(qp);
}
