/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Controller role over Fibre Channel: a listener is the user of a target port, each connection of an
 * association one struct nvmf_connection. It has two owners: the FC transport, until the association
 * has ended and every command of the connection was given back to it, and the queue pair.
 *
 * A command is given back by a response; after the association's end by one that does not leave.
 * Until then it has a slot.
 *
 * An association ends with its admin queue pair. A pair for I/O that is freed closes its connection
 * alone: its commands are answered with Command Aborted due to SQ Deletion.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "fc.h"
#include "weft_host.h"

#define MS 1000000ull
#define END_MS 10000u
#define DRAIN_MS 1000u /* for connections that close alone */
#define SQE_CID 2

struct fc_slot {
	struct fc_slot *next, **at; /* in use; next: free */
	struct fc_conn *fc;
	struct nvmet_fc_cmd *cmd; /* NULL: given back */
	struct nvmf_capsule *nc;
	uint32_t len; /* bytes of the transfer under way */
	bool busy;    /* it is */
	struct fc_pieces pieces;
};

struct fc_conn {
	struct nvmf_connection c; /* first */
	struct fc_listener *l;
	struct nvmet_fc_conn *conn; /* NULL: the FC transport has let go */
	struct nvmf_env env;
	uint16_t entries;
	unsigned int replies;       /* under way */
	unsigned int holds;         /* functions on the stack that go on with it */
	bool told;                  /* the association is ending */
	bool closing;               /* the connection alone */
	LIST_ENTRY(fc_conn) ending; /* of the listener's */
	bool is_ending;
	struct fc_slot *used;
	struct fc_slot *free;
};

LIST_HEAD(fc_conn_list, fc_conn);

struct fc_listener {
	struct nvmf_env env;
	struct nvmet_fc_target_port *tport;
	nvmf_accept_t *accept_cb;
	void *arg;
	unsigned int max_qpairs;
	unsigned int refs;          /* the owner's, and connections */
	unsigned int n_conn;        /* that the FC transport has */
	struct fc_conn_list ending; /* of these, those whose queue pair was freed */
	bool closed;
};

static struct fc_conn *conn_of(const struct nvmf_qpair *qp)
{
	return (struct fc_conn *)qp->conn;
}

static void put_listener(struct fc_listener *l)
{
	if (!--l->refs)
		free(l);
}

/* --- slots -------------------------------------------------------------------------------------- */

static struct fc_slot *get_slot(struct fc_conn *fc, struct nvmet_fc_cmd *cmd)
{
	struct fc_slot *s = fc->free;

	if (s)
		fc->free = s->next;
	else
		s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->fc = fc;
	s->cmd = cmd;
	s->nc = NULL;
	s->busy = false;
	s->next = fc->used;
	s->at = &fc->used;
	if (s->next)
		s->next->at = &s->next;
	fc->used = s;
	return s;
}

static void put_slot(struct fc_slot *s)
{
	*s->at = s->next;
	if (s->next)
		s->next->at = s->at;
	s->next = s->fc->free;
	s->fc->free = s;
}

void nvmf__fc_bind(struct fc_slot *s, struct nvmf_capsule *nc)
{
	s->nc = nc;
	nc->ctl.fc = s;
}

void nvmf__fc_unbind(struct nvmf_capsule *nc)
{
	nc->ctl.fc->nc = NULL;
	nc->ctl.fc = NULL;
}

static void free_conn(struct fc_conn *fc)
{
	while (fc->free) {
		struct fc_slot *s = fc->free;

		fc->free = s->next;
		free(s->pieces.more);
		free(s);
	}
	put_listener(fc->l);
	free(fc);
}

/*
 * Gives back what nobody works on, once association or connection end, then the connection; frees it.
 * Of an association that ends, no response leaves.
 */
static void settle(struct fc_conn *fc)
{
	bool over = fc->told || fc->closing;
	struct fc_slot *s = over && !fc->holds ? fc->used : NULL, *next;

	for (; s; s = next) {
		next = s->next;
		if (s->busy)
			continue;
		if (s->nc)
			nvmf__fc_unbind(s->nc);
		nvmet_fc_respond_deleted(s->cmd);
		put_slot(s);
	}
	if (fc->holds)
		return;
	if (over && fc->conn && !fc->used) {
		nvmet_fc_conn_free(fc->conn);
		fc->conn = NULL;
		fc->l->n_conn--;
		if (fc->is_ending)
			LIST_REMOVE(fc, ending);
	}
	if (!fc->conn && !fc->c.qp)
		free_conn(fc);
}

/* --- from the FC transport ---------------------------------------------------------------------- */

/* A callback of the consumer, who may free the pair in it. */
static void enter(struct fc_conn *fc)
{
	fc->holds++;
	nvmf__fc_inside++;
}

static void leave(struct fc_conn *fc)
{
	nvmf__fc_inside--;
	fc->holds--;
}

static void fill_info(struct fc_conn *fc, const struct nvmet_fc_conn_info *info)
{
	struct nvmf_fc_connection_info *f = &fc->c.info.fc;

	f->association_id = info->association_id;
	f->qid = info->qid;
	f->entries = info->entries;
	f->hostid = info->hostid;
	f->hostnqn = info->hostnqn;
	f->subnqn = info->subnqn;
	if (nvmet_fc_host_names(fc->l->tport, info->hosthandle, &f->remote_wwnn, &f->remote_wwpn))
		f->remote_wwnn = f->remote_wwpn = 0;
}

static int on_connect(void *arg, struct nvmet_fc_conn *conn, const struct nvmet_fc_conn_info *info,
		      void **conn_arg)
{
	struct fc_listener *l = arg;
	struct fc_conn *fc;

	if (l->closed || (l->max_qpairs && l->n_conn >= l->max_qpairs))
		return -ECONNREFUSED;
	fc = calloc(1, sizeof(*fc));
	if (!fc)
		return -ENOMEM;
	fc->l = l;
	fc->conn = conn;
	fc->env = l->env;
	fc->entries = info->entries;
	fc->c.fc = true;
	fc->c.dev = l->env.dev;
	fc->c.state = CONN_OFFERED;
	l->refs++;
	l->n_conn++;
	fill_info(fc, info);
	enter(fc);
	l->accept_cb(l->arg, &fc->c, &fc->c.info);
	leave(fc);
	if (fc->c.state == CONN_OFFERED) {
		l->n_conn--;
		free_conn(fc);
		return -ECONNREFUSED;
	}
	*conn_arg = fc;
	settle(fc); /* the pair may be freed again already */
	return 0;
}

static void on_command(void *conn_arg, struct nvmet_fc_cmd *cmd)
{
	struct fc_conn *fc = conn_arg;
	struct nvmf_qpair *qp = fc->c.qp;
	struct weft_capsule c = { .sqe = (void *)nvmet_fc_cmd_sqe(cmd) };
	struct fc_slot *s = qp && !qp->ended && !qp->freed ? get_slot(fc, cmd) : NULL;

	if (!s) {
		nvmet_fc_conn_end(fc->conn, qp ? -ENOMEM : -ECONNABORTED);
		nvmet_fc_respond_deleted(cmd);
		return;
	}
	enter(fc);
	nvmf__ctl_capsule(qp, &c, s);
	leave(fc);
	settle(fc);
}

static void on_ended(void *conn_arg, int error)
{
	struct fc_conn *fc = conn_arg;

	fc->told = true;
	enter(fc);
	if (fc->c.qp)
		nvmf__ctl_ended(fc->c.qp, error);
	leave(fc);
	settle(fc);
}

static const struct nvmet_fc_user user = { on_connect, on_command, on_ended };

/* --- replies ------------------------------------------------------------------------------------ */

/* A transfer ended, or a response: then the command has been given back. */
static void on_reply(void *arg, int error)
{
	struct fc_slot *s = arg;
	struct fc_conn *fc = s->fc;
	struct nvmf_capsule *nc = s->nc;
	struct weft_completion c = { .cookie = nc, .error = error, .data_len = error ? 0 : s->len };

	s->busy = false;
	fc->replies--;
	enter(fc);
	if (!s->cmd) {
		nvmf__fc_unbind(nc);
		put_slot(s);
	}
	nvmf__ctl_completed(nc->qp, &c);
	leave(fc);
	settle(fc);
}

static int respond(struct fc_slot *s, const void *cqe)
{
	struct nvmf_capsule *nc = s->nc;

	if (!nvmet_fc_respond_notify(s->cmd, cqe, on_reply, s))
		return 0;
	nvmf__fc_unbind(nc);
	put_slot(s);
	return NVMF_GONE;
}

static int transfer(struct fc_slot *s, const struct weft_reply *r, const void *cqe)
{
	struct fc_source src = { .iov = r->iov, .elem = r->elem, .count = r->count };
	const struct nvmefc_sg *sg;
	int rc =
		nvmf__fc_pieces(&s->pieces, &s->fc->env, &src, r->data_len, UINT64_MAX, UINT32_MAX);

	if (rc)
		return rc;
	sg = nvmf__fc_sg(&s->pieces);
	if (r->op == WEFT_REPLY_GET)
		rc = nvmet_fc_receive(s->cmd, r->offset, sg, r->data_len, on_reply, s);
	else if (cqe)
		rc = nvmet_fc_send_respond(s->cmd, r->offset, sg, r->data_len, cqe, on_reply, s);
	else
		rc = nvmet_fc_send(s->cmd, r->offset, sg, r->data_len, on_reply, s);
	return rc == -EAGAIN || rc == -ENOTCONN || rc == -ENODEV ? -EIO : rc; /* see try_next */
}

int nvmf__fc_reply(struct nvmf_capsule *nc, const struct weft_reply *r)
{
	struct fc_slot *s = nc->ctl.fc;
	bool last = r->op == WEFT_REPLY_RESPOND ||
		    (r->flags & (WEFT_SQF_RESP | WEFT_SQF_SUCCESS)) != 0;
	int rc;

	if (!s)
		return NVMF_GONE;
	s->len = r->data_len;
	if (r->op == WEFT_REPLY_RESPOND)
		rc = respond(s, r->cqe);
	else
		rc = transfer(s, r, !last ? NULL : r->cqe ? r->cqe : nc->cqe);
	if (rc)
		return rc;
	s->busy = true;
	s->fc->replies++;
	if (last)
		s->cmd = NULL;
	return 0;
}

int nvmf__fc_reachable(const struct nvmf_qpair *qp, const void *addr, size_t len)
{
	uint64_t iova;

	return nvmf__env_iova(&conn_of(qp)->env, addr, len, &iova);
}

unsigned int nvmf__fc_replies(const struct nvmf_qpair *qp)
{
	return conn_of(qp)->replies;
}

uint32_t nvmf__fc_cmd_len(const struct nvmf_capsule *nc)
{
	const struct fc_slot *s = nc->ctl.fc;

	return s && s->cmd ? nvmet_fc_cmd_len(s->cmd) : 0;
}

/* --- queue pairs -------------------------------------------------------------------------------- */

int nvmf__fc_take(struct nvmf_qpair *qp)
{
	struct fc_conn *fc = (struct fc_conn *)qp->params.connection;
	int rc;

	qp->info = (struct nvmf_qpair_info){ .entries = fc->entries };
	rc = nvmf__ctl_init(qp);
	if (rc)
		return rc;
	qp->params.dev = fc->env.dev;
	qp->params.fc.pump = fc->env.pump;
	qp->params.lazy_doorbell = true; /* there is none */
	qp->conn = &fc->c;
	fc->c.qp = qp;
	fc->c.state = CONN_USED;
	return 0;
}

void nvmf__fc_end(struct nvmf_qpair *qp, int error)
{
	struct fc_conn *fc = conn_of(qp);

	if (fc->conn && !fc->told)
		nvmet_fc_conn_end(fc->conn, error ? error : -ECONNABORTED);
}

/* Without its listener nobody would come back to a connection: it ends now. */
static void await_end(struct fc_conn *fc)
{
	struct nvmf_env env = fc->env;
	uint64_t start = nvmf__env_now(&env);

	while (fc->conn && nvmf__env_now(&env) - start < END_MS * MS)
		if (nvmf__env_step(&env))
			return;
}

/* Alone, or with its association: so does what is left when the listener is gone. */
static void end_conn(struct fc_conn *fc)
{
	if (!fc->c.info.fc.qid || fc->l->closed) {
		nvmf__fc_end(fc->c.qp, -ECONNABORTED);
		return;
	}
	fc->closing = true;
	nvmet_fc_conn_close(fc->conn);
}

void nvmf__fc_controller_free(struct nvmf_qpair *qp)
{
	struct fc_conn *fc = conn_of(qp);

	fc->holds++;
	qp->refs++;
	qp->freed = true;
	fc->c.state = CONN_ENDING;
	nvmf__ctl_flush(qp, -ECONNABORTED);
	if (fc->conn) {
		fc->is_ending = true;
		LIST_INSERT_HEAD(&fc->l->ending, fc, ending);
		end_conn(fc);
	}
	fc->holds--;
	settle(fc); /* the pair's reference keeps it */
	if (fc->l->closed && !fc->holds)
		await_end(fc);
	nvmf__qpair_put(qp); /* the owner's */
	nvmf__qpair_put(qp);
}

void nvmf__fc_released(struct nvmf_connection *conn)
{
	conn->qp = NULL;
	settle((struct fc_conn *)conn);
}

/* --- listeners ---------------------------------------------------------------------------------- */

int nvmf__fc_listen(const struct nvmf_listen_params *p, nvmf_accept_t *accept_cb, void *arg,
		    struct fc_listener **out)
{
	struct fc_listener *l;

	if ((!p->dev && (!p->fc.pump || !p->fc.pump->poll)) || !p->fc.target_port || !accept_cb)
		return weft_set_error(-EINVAL, "listen: an adapter or a pump, a target port and an "
					       "accept callback are needed");
	if (p->qsize && (p->qsize < FC_ENTRIES_MIN || p->qsize > FC_ENTRIES_MAX))
		return weft_set_error(-EINVAL, "listen: qsize %u is not in %u..%u", p->qsize,
				      FC_ENTRIES_MIN, FC_ENTRIES_MAX);
	l = calloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	l->env = (struct nvmf_env){ .dev = p->dev, .pump = p->fc.pump };
	l->tport = p->fc.target_port;
	l->accept_cb = accept_cb;
	l->arg = arg;
	l->max_qpairs = p->max_qpairs;
	l->refs = 1;
	nvmet_fc_attach(l->tport, &user, l);
	*out = l;
	return 0;
}

void nvmf__fc_changed(struct fc_listener *l)
{
	nvmet_fc_discovery_changed(l->tport);
}

static bool await_ending(struct fc_listener *l, uint32_t ms)
{
	uint64_t start = nvmf__env_now(&l->env);

	while (!LIST_EMPTY(&l->ending) && nvmf__env_now(&l->env) - start < ms * MS)
		if (nvmf__env_step(&l->env))
			break;
	return LIST_EMPTY(&l->ending);
}

/*
 * Associations stay with the listener that they came to, as long as they have connections. One that is
 * closing alone could last as long as its host does not send data: then its association ends.
 */
void nvmf__fc_unlisten(struct fc_listener *l)
{
	struct fc_conn *fc;

	l->closed = true;
	nvmet_fc_attach(l->tport, NULL, NULL);
	if (!await_ending(l, DRAIN_MS)) {
		LIST_FOREACH(fc, &l->ending, ending)
		nvmet_fc_conn_end(fc->conn, -ECONNABORTED);
		await_ending(l, END_MS);
	}
	put_listener(l);
}
