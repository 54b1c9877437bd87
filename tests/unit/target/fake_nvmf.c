/* SPDX-License-Identifier: BSD-2-Clause */
/* The double of the transport. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weft/qp.h>

#include "fake_int.h"

#define DEFAULT_QSIZE 64u
#define SGL_OFFSET 0x01
#define SGL_TRANSPORT 0x5a

struct nvmf_listener {
	struct nvmf_listener *next;
	struct nvmf_listen_params p;
	nvmf_accept_t *cb;
	void *arg;
};

struct nvmf_capsule {
	struct nvmf_qpair *qp;
	struct fake_cmd *cmd; /* NULL: a response, or the host has forgotten it */
	unsigned int refs;
	bool response, answered, bad_digest;
	unsigned int fetching;
	uint8_t *icd;
	size_t icd_len;
	struct nvme_sqe sqe;
	struct nvme_cqe cqe;
};

struct nvmf_qpair {
	struct fake_conn *conn;
	struct weft_dev *dev;
	unsigned int refs;
	bool freed, ended, flow_control;
	nvmf_qpair_error_t *error_cb;
	nvmf_capsule_receive_t *receive_cb;
	void *error_arg, *receive_arg;
};

struct fake_conn {
	struct fake_conn *next;
	struct weft_dev *dev;
	struct nvmf_qpair *qp;
	uint16_t port;
	uint32_t qsize;
	bool closed, hold_data;
	int fail_data;
	struct fake_cmd *cmds;
};

/* --- capsules --------------------------------------------------------------------------------------- */

static void put_qp(struct nvmf_qpair *qp)
{
	if (!--qp->refs)
		free(qp);
}

void nvmf_free_capsule(struct nvmf_capsule *nc)
{
	if (!nc)
		return;
	fake_must(nc->refs, "capsule freed twice");
	if (--nc->refs)
		return;
	fake_must(nc->response || nc->answered || nc->qp->ended || nc->qp->freed,
		  "command freed without an answer");
	if (nc->cmd)
		nc->cmd->nc = NULL;
	free(nc->icd);
	put_qp(nc->qp);
	free(nc);
}

void *nvmf_capsule_sqe(struct nvmf_capsule *nc)
{
	return nc->response ? NULL : &nc->sqe;
}

void *nvmf_capsule_cqe(struct nvmf_capsule *nc)
{
	return nc->response ? &nc->cqe : NULL;
}

static uint32_t sgl_len(const struct nvmf_capsule *nc)
{
	uint32_t len;

	memcpy(&len, nc->sqe.sgl1 + 8, 4);
	return len;
}

uint8_t nvmf_validate_command_capsule(const struct nvmf_capsule *nc)
{
	uint8_t type = nc->sqe.sgl1[15];
	uint64_t addr;

	if ((nc->sqe.flags & 0xc0) != 0x40)
		return NVME_SC_INVALID_FIELD;
	memcpy(&addr, nc->sqe.sgl1, 8);
	if (type != SGL_OFFSET && type != SGL_TRANSPORT && (type || sgl_len(nc)))
		return NVME_SC_SGL_TYPE_INVALID;
	if (addr)
		return NVME_SC_SGL_OFFSET_INVALID;
	if (type == SGL_OFFSET && sgl_len(nc) != nc->icd_len)
		return NVME_SC_SGL_LENGTH_INVALID;
	if (type != SGL_OFFSET && nc->icd_len)
		return NVME_SC_INVALID_FIELD;
	return nc->bad_digest ? NVME_SC_TRANSIENT_TRANSPORT_ERROR : 0;
}

size_t nvmf_capsule_data_len(const struct nvmf_capsule *nc)
{
	uint8_t type = nc->sqe.sgl1[15];

	return type == SGL_OFFSET || type == SGL_TRANSPORT ? sgl_len(nc) : 0;
}

void *nvmf_capsule_icd(const struct nvmf_capsule *nc, size_t *len)
{
	*len = nc->answered ? 0 : nc->icd_len;
	return nc->answered ? NULL : nc->icd;
}

struct nvmf_capsule *nvmf_allocate_response(struct nvmf_qpair *qp, const void *cqe, int how)
{
	struct nvmf_capsule *rsp;
	struct fake_cmd *cmd = qp->conn ? qp->conn->cmds : NULL;

	(void)how;
	fake_must(!qp->freed, "response on a freed queue pair");
	for (; cmd; cmd = cmd->next)
		if (cmd->nc && !cmd->nc->answered &&
		    cmd->sqe.cid == ((const struct nvme_cqe *)cqe)->cid)
			break;
	if (!cmd) {
		errno = ENOENT;
		return NULL;
	}
	rsp = calloc(1, sizeof(*rsp));
	rsp->qp = qp;
	rsp->refs = 1;
	rsp->response = true;
	memcpy(&rsp->cqe, cqe, 16);
	rsp->cmd = cmd;
	qp->refs++;
	return rsp;
}

static void answered(struct fake_cmd *cmd)
{
	struct nvmf_capsule *nc = cmd->nc;

	if (!nc)
		abort(); /* the target does not have it */
	fake_must(!nc->answered, "a command is answered twice");
	fake_must(!nc->fetching, "an answer while data of the host are on the way");
	nc->answered = true;
	free(nc->icd);
	nc->icd = NULL;
	nc->icd_len = 0;
	cmd->responded = true;
}

int nvmf_transmit_capsule(struct nvmf_capsule *nc)
{
	struct fake_cmd *cmd = nc->cmd;

	fake_must(nc->response, "the target sends a command");
	nc->cmd = NULL;
	if (nc->qp->ended)
		return -ENOTCONN;
	answered(cmd);
	cmd->cqe = nc->cqe;
	return 0;
}

/* --- data -------------------------------------------------------------------------------------------- */

static struct event *add_event(struct weft_dev *dev)
{
	struct event *e = calloc(1, sizeof(*e));

	*dev->last = e;
	dev->last = &e->next;
	return e;
}

static int end_of(const struct nvmf_qpair *qp)
{
	return qp->freed ? -ECONNABORTED : qp->ended ? -ECONNRESET : 0;
}

static void end_fetch(struct event *e)
{
	struct nvmf_capsule *nc = e->nc;
	struct fake_conn *c = nc->qp->conn;
	int error = e->error ? e->error : end_of(nc->qp);

	if (!error && c->fail_data) {
		error = c->fail_data;
		c->fail_data = 0;
	}
	if (!error || error == -EBADMSG)
		memcpy(e->mem, nc->cmd->out + e->offset, e->len);
	if (error == -EBADMSG)
		*(uint8_t *)e->mem ^= 1;
	nc->fetching--;
	e->cb(e->arg, error ? 0 : e->len, error);
	nvmf_free_capsule(nc);
}

int nvmf_receive_controller_data(struct nvmf_capsule *nc, uint32_t offset, struct memdesc *mem,
				 size_t len, nvmf_io_complete_t *complete_cb, void *cb_arg)
{
	struct event *e;

	fake_must(!nc->answered, "data of an answered command");
	fake_must(mem->md_type == MEMDESC_VADDR, "kind of memory");
	fake_must(fake_dma_memory(nc->qp->dev, mem->u.md_vaddr, len),
		  "memory that the adapter cannot reach");
	if (!len || offset % 4 || offset + len > sgl_len(nc))
		return -EFBIG;
	if (end_of(nc->qp))
		return -ENOTCONN;
	fake_must(nc->sqe.sgl1[15] == SGL_TRANSPORT, "the double fetches no in-capsule data");
	e = add_event(nc->qp->dev);
	e->nc = nc;
	e->cb = complete_cb;
	e->arg = cb_arg;
	e->mem = mem->u.md_vaddr;
	e->len = len;
	e->offset = offset;
	nc->refs++;
	nc->fetching++;
	nc->cmd->r2ts++;
	if (!nc->cmd->out)
		e->error = -ECONNRESET; /* a host that has no data to send breaks the connection */
	return 0;
}

unsigned int nvmf_send_controller_data(struct nvmf_capsule *nc, uint32_t offset,
				       struct nvmf_buf *chain, size_t len)
{
	struct fake_cmd *cmd = nc->cmd;
	struct nvmf_qpair *qp = nc->qp;
	struct nvmf_buf *b;
	unsigned int r = NVME_SC_SUCCESS;

	add_event(qp->dev)->chain = chain;
	if (end_of(qp))
		return NVME_SC_DATA_TRANSFER_ERROR;
	if (nc->sqe.sgl1[15] == SGL_OFFSET || offset != cmd->got || !len ||
	    len > sgl_len(nc) - offset)
		return NVME_SC_INVALID_FIELD;
	for (b = chain; b; b = b->next) {
		fake_must(fake_dma_memory(qp->dev, b->data, b->len),
			  "memory the adapter cannot reach");
		fake_must(cmd->got + b->len <= cmd->in_len, "more data than the host has room for");
		memcpy(cmd->in + cmd->got, b->data, b->len);
		cmd->got += b->len;
	}
	if (cmd->got < sgl_len(nc))
		return NVMF_MORE;
	if (!qp->flow_control) {
		answered(cmd);
		cmd->by_success = true;
		memset(&cmd->cqe, 0, sizeof(cmd->cqe));
		cmd->cqe.cid = cmd->sqe.cid;
		r = NVMF_SUCCESS_SENT;
	}
	return r;
}

void nvmf_qpair_set_sq_flow_control(struct nvmf_qpair *qp, bool on)
{
	qp->flow_control = on;
}

/* --- queue pairs -------------------------------------------------------------------------------------- */

struct nvmf_listener *nvmf_listen(enum nvmf_trtype trtype, const struct nvmf_listen_params *params,
				  nvmf_accept_t *accept_cb, void *arg)
{
	struct nvmf_listener *l = params->dev->listeners;

	fake_must(trtype == NVMF_TRTYPE_TCP, "transport type");
	for (; l; l = l->next)
		if (l->p.port == params->port) {
			errno = EADDRINUSE;
			return NULL;
		}
	l = calloc(1, sizeof(*l));
	l->p = *params;
	l->cb = accept_cb;
	l->arg = arg;
	l->next = params->dev->listeners;
	params->dev->listeners = l;
	return l;
}

void nvmf_unlisten(struct nvmf_listener *l)
{
	struct nvmf_listener **at;

	if (!l)
		return;
	for (at = &l->p.dev->listeners; *at != l; at = &(*at)->next)
		fake_must(*at, "unknown listener");
	*at = l->next;
	free(l);
}

struct nvmf_qpair *nvmf_allocate_qpair(enum nvmf_trtype trtype, bool controller,
				       const struct nvmf_handoff_qpair_params *params,
				       nvmf_qpair_error_t *error_cb, void *error_cb_arg,
				       nvmf_capsule_receive_t *receive_cb, void *receive_cb_arg)
{
	struct fake_conn *c = (struct fake_conn *)params->connection;
	struct nvmf_qpair *qp = calloc(1, sizeof(*qp));

	fake_must(trtype == NVMF_TRTYPE_TCP && controller && !c->qp, "accept");
	qp->conn = c;
	qp->dev = params->dev;
	qp->refs = 2; /* the target's and the connection's */
	qp->flow_control = params->sq_flow_control;
	qp->error_cb = error_cb;
	qp->error_arg = error_cb_arg;
	qp->receive_cb = receive_cb;
	qp->receive_arg = receive_cb_arg;
	c->qp = qp;
	return qp;
}

void nvmf_free_qpair(struct nvmf_qpair *qp)
{
	if (!qp)
		return;
	fake_must(!qp->freed, "queue pair freed twice");
	qp->freed = true;
	qp->conn->closed = true;
	put_qp(qp); /* what is under way ends in the next poll */
}

unsigned int nvmf_qpair_inflight(const struct nvmf_qpair *qp)
{
	(void)qp;
	return 0;
}

void nvmf_discovery_changed(struct nvmf_listener *l)
{
	(void)l;
}

int weft_dev_poll(struct weft_dev *dev)
{
	return nvmf_poll(dev);
}

static bool later(const struct weft_dev *dev, const struct event *e)
{
	if (e->chain)
		return dev->hold_buffers;
	return e->nc->qp->conn->hold_data && !end_of(e->nc->qp);
}

static void run(struct weft_dev *dev, struct event *e)
{
	struct nvmf_buf *b, *next;

	(void)dev;
	for (b = e->chain; b; b = next) {
		next = b->next;
		b->done(b);
	}
	if (e->nc)
		end_fetch(e);
	free(e);
}

int nvmf_poll(struct weft_dev *dev)
{
	struct event *e = dev->events, *next;
	int n = 0;

	dev->events = NULL;
	dev->last = &dev->events;
	for (; e; e = next) {
		next = e->next;
		e->next = NULL;
		if (later(dev, e)) {
			*dev->last = e;
			dev->last = &e->next;
			continue;
		}
		run(dev, e);
		n++;
	}
	return dev->gone ? -ENODEV : n;
}

/* --- the host ------------------------------------------------------------------------------------------- */

struct fake_conn *fake_connect(struct weft_dev *dev, uint16_t port, uint32_t ip)
{
	struct nvmf_connection_info info = { .remote_ip = ip, .local_port = port };
	struct nvmf_listener *l = dev->listeners;
	struct fake_conn *c;

	while (l && l->p.port != port)
		l = l->next;
	if (!l)
		return NULL;
	c = calloc(1, sizeof(*c));
	c->dev = dev;
	c->port = port;
	c->qsize = l->p.qsize ? l->p.qsize : DEFAULT_QSIZE;
	l->cb(l->arg, (struct nvmf_connection *)c, &info);
	if (!c->qp) {
		free(c);
		return NULL;
	}
	c->next = dev->conns;
	dev->conns = c;
	return c;
}

void fake_close(struct fake_conn *c, int error)
{
	struct nvmf_qpair *qp = c->qp;

	if (qp->ended || qp->freed)
		return;
	qp->ended = true;
	qp->error_cb(qp->error_arg, error);
}

void fake_dev_kill(struct weft_dev *dev)
{
	struct fake_conn *c;

	dev->gone = true;
	for (c = dev->conns; c; c = c->next)
		fake_close(c, -ENODEV);
}

bool fake_closed(const struct fake_conn *c)
{
	return c->closed;
}

void fake_hold_data(struct fake_conn *c, bool hold)
{
	c->hold_data = hold;
}

void fake_fail_data(struct fake_conn *c, int error)
{
	c->fail_data = error;
}

bool fake_flow_control(const struct fake_conn *c)
{
	return c->qp->flow_control;
}

static void free_cmd(struct fake_cmd *cmd)
{
	if (cmd->nc) {
		fake_must(!cmd->nc->fetching, "the host forgets a command whose data it owes");
		cmd->nc->cmd = NULL;
	}
	free(cmd->out);
	free(cmd->in);
	free(cmd);
}

void fake_forget(struct fake_cmd *cmd)
{
	struct fake_cmd **at = &cmd->conn->cmds;

	while (*at != cmd)
		at = &(*at)->next;
	*at = cmd->next;
	free_cmd(cmd);
}

void fake_conn_free(struct fake_conn *c)
{
	struct fake_conn **at = &c->dev->conns;

	fake_must(c->closed, "the target still has the connection");
	while (c->cmds)
		fake_forget(c->cmds);
	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	put_qp(c->qp);
	free(c);
}

static void set_sgl(struct nvme_sqe *sqe, uint8_t type, size_t len)
{
	uint32_t n = (uint32_t)len;

	if (sqe->sgl1[15])
		return;
	memset(sqe->sgl1, 0, sizeof(sqe->sgl1));
	memcpy(sqe->sgl1 + 8, &n, 4);
	sqe->sgl1[15] = type;
}

static struct nvmf_capsule *make_capsule(struct fake_cmd *cmd, enum fake_data kind)
{
	struct nvmf_capsule *nc = calloc(1, sizeof(*nc));

	nc->qp = cmd->conn->qp;
	nc->qp->refs++;
	nc->cmd = cmd;
	nc->refs = 1;
	nc->sqe = cmd->sqe;
	nc->bad_digest = kind == FAKE_BAD_ICD;
	if ((kind == FAKE_ICD || kind == FAKE_BAD_ICD) && cmd->out_len) {
		nc->icd = malloc(cmd->out_len);
		nc->icd_len = cmd->out_len;
		memcpy(nc->icd, cmd->out, cmd->out_len);
	}
	return nc;
}

static uint32_t outstanding(const struct fake_conn *c)
{
	const struct fake_cmd *cmd;
	uint32_t n = 0;

	for (cmd = c->cmds; cmd; cmd = cmd->next)
		n += cmd->nc && !cmd->nc->answered;
	return n;
}

struct fake_cmd *fake_send(struct fake_conn *c, const struct nvme_sqe *sqe, enum fake_data kind,
			   const void *data, size_t len)
{
	struct fake_cmd *cmd = calloc(1, sizeof(*cmd));
	bool out = kind == FAKE_ICD || kind == FAKE_R2T || kind == FAKE_BAD_ICD;

	cmd->conn = c;
	cmd->sqe = *sqe;
	cmd->next = c->cmds;
	c->cmds = cmd;
	if (out && len) {
		cmd->out = malloc(len);
		memcpy(cmd->out, data, len);
		cmd->out_len = len;
	}
	if (kind == FAKE_IN) {
		cmd->in = calloc(1, len ? len : 1);
		cmd->in_len = len;
	}
	set_sgl(&cmd->sqe, kind == FAKE_ICD || kind == FAKE_BAD_ICD ? SGL_OFFSET : SGL_TRANSPORT,
		len);
	if (c->qp->ended || c->qp->freed || outstanding(c) == c->qsize)
		return cmd; /* the last: no receive buffer, the stream stands still */
	cmd->sent = true;
	cmd->nc = make_capsule(cmd, kind);
	c->qp->receive_cb(c->qp->receive_arg, cmd->nc);
	return cmd;
}
