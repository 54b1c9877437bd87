/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Queues: a connection from accept to end, and what every command has in common: reception, data
 * from the host, data to the host, response.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tgt.h"

static void dispatch(struct tgt_cmd *cmd)
{
	struct tgt_queue *q = cmd->q;

	if (!q->ctrl)
		nvme_tgt_connect(cmd);
	else if (cmd->sqe->opc == NVME_OPC_FABRICS)
		nvme_tgt_fabrics(cmd);
	else if (!q->qid)
		nvme_tgt_admin(cmd);
	else
		nvme_tgt_io(cmd);
}

/*
 * A response names its command by the CID, so two outstanding commands of one CID cannot be told
 * apart.
 */
static bool cid_in_use(const struct tgt_queue *q, uint16_t cid)
{
	const struct tgt_cmd *c;

	if (q->cids[cid & 0xff])
		list_for_each(c, &q->out, link)
			if (c->sqe->cid == cid)
				return true;
	return false;
}

static struct tgt_cmd *get_cmd(struct tgt_queue *q, struct nvmf_capsule *nc)
{
	struct tgt_cmd *cmd = TAILQ_FIRST(&q->idle);

	if (!cmd)
		return NULL;
	TAILQ_REMOVE(&q->idle, cmd, link);
	cmd->nc = nc;
	cmd->sqe = nvmf_capsule_sqe(nc);
	cmd->state = CMD_RUN;
	cmd->buf = NULL;
	cmd->dw0 = cmd->dw1 = 0;
	cmd->ns = NULL;
	return cmd;
}

static void refuse(struct tgt_queue *q, struct tgt_cmd *cmd, const char *why)
{
	nvme_tgt_note(q->t, "%s: host %s, queue %u: %s",
		      q->ctrl && q->ctrl->subsys ? q->ctrl->subsys->nqn : "target", q->peer.address,
		      q->qid, why);
	if (cmd)
		cmd->state = CMD_HELD;
	nvme_tgt_queue_end(q);
}

static void on_capsule(void *arg, struct nvmf_capsule *nc)
{
	struct tgt_queue *q = arg;
	struct tgt_cmd *cmd = get_cmd(q, nc);
	uint16_t status;
	bool twice;

	if (!cmd) {
		refuse(q, NULL, "more commands than the queue has entries");
		nvmf_free_capsule(nc);
		return;
	}
	twice = cid_in_use(q, cmd->sqe->cid);
	TAILQ_INSERT_TAIL(&q->out, cmd, link);
	q->cids[cmd->sqe->cid & 0xff]++;
	if (q->ended || q->leaving || q->t->stopping) {
		cmd->state = CMD_HELD;
		return;
	}
	status = nvmf_validate_command_capsule(nc);
	if (status == NVME_SC_INTERNAL_ERROR) {
		refuse(q, cmd, "the adapter could not place a command");
		return;
	}
	if (twice) {
		refuse(q, cmd, "a command identifier is used twice");
		return;
	}
	if (q->ctrl)
		q->ctrl->traffic = true;
	if (status)
		nvme_tgt_complete(cmd, status == NVME_SC_TRANSIENT_TRANSPORT_ERROR ?
					       status :
					       status | TGT_DNR);
	else
		dispatch(cmd);
}

static void on_error(void *arg, int error)
{
	struct tgt_queue *q = arg;

	if (error < 0 && !q->ended) {
		q->t->stats.connections_lost++;
		nvme_tgt_note(q->t, "%s: host %s, queue %u: connection lost: %s",
			      q->ctrl && q->ctrl->subsys ? q->ctrl->subsys->nqn : "target",
			      q->peer.address, q->qid, strerror(-error));
	}
	nvme_tgt_queue_end(q);
}

static struct tgt_queue *make_queue(struct nvme_port *p, uint32_t entries)
{
	struct tgt_queue *q = calloc(1, sizeof(*q));
	uint32_t i;

	if (!q)
		return NULL;
	q->cmd = calloc(entries, sizeof(*q->cmd));
	if (!q->cmd) {
		free(q);
		return NULL;
	}
	TAILQ_INIT(&q->out);
	TAILQ_INIT(&q->idle);
	TAILQ_INIT(&q->waiting);
	for (i = 0; i < entries; i++) {
		q->cmd[i].q = q;
		TAILQ_INSERT_TAIL(&q->idle, &q->cmd[i], link);
	}
	q->t = p->t;
	q->d = p->d;
	q->port = p;
	q->entries = entries;
	q->flow_control = true;
	return q;
}

static void set_peer(struct tgt_queue *q, const struct nvmf_connection_info *info)
{
	const struct nvmf_fc_connection_info *f = &info->fc;
	struct tgt_peer *p = &q->peer;

	if (q->port->trtype != NVMF_TRTYPE_FC) {
		p->ip = info->remote_ip;
		snprintf(p->address, sizeof(p->address), "%u.%u.%u.%u", p->ip >> 24,
			 p->ip >> 16 & 255, p->ip >> 8 & 255, p->ip & 255);
		return;
	}
	snprintf(p->address, sizeof(p->address), "nn-0x%016llx:pn-0x%016llx",
		 (unsigned long long)f->remote_wwnn, (unsigned long long)f->remote_wwpn);
	p->association_id = f->association_id;
	p->qid = f->qid;
	memcpy(p->hostid, f->hostid, sizeof(p->hostid));
	p->hostnqn = f->hostnqn;
	p->subnqn = f->subnqn;
}

void nvme_tgt_accept(void *arg, struct nvmf_connection *conn,
		     const struct nvmf_connection_info *info)
{
	struct nvme_port *p = arg;
	struct nvmf_handoff_qpair_params params = {
		.connection = conn,
		.dev = p->d->env.dev,
		.sq_flow_control = true,
	};
	struct tgt_queue *q;

	if (p->removed || p->t->stopping)
		return;
	q = make_queue(p, p->trtype == NVMF_TRTYPE_FC ? info->fc.entries : p->qsize);
	if (!q)
		return;
	set_peer(q, info);
	q->deadline = nvmf__env_now(&p->d->env) + p->t->o.connect_timeout_ms * TGT_NSEC_PER_MSEC;
	q->qp = nvmf_allocate_qpair(p->trtype, true, &params, on_error, q, on_capsule, q);
	if (!q->qp) {
		nvme_tgt_note(p->t, "host %s: no queue pair: %s", q->peer.address, strerror(errno));
		free(q->cmd);
		free(q);
		return;
	}
	p->refs++;
	p->t->stats.connections++;
	TAILQ_INSERT_TAIL(&p->t->queues, q, link);
}

/* --- end ---------------------------------------------------------------------------------------- */

void nvme_tgt_queue_end(struct tgt_queue *q)
{
	struct tgt_ctrl *c = q->ctrl;

	if (q->ended)
		return;
	q->ended = true;
	TAILQ_INSERT_TAIL(&q->t->dying, q, dying);
	nvme_tgt_buf_cancel_all(q);
	nvme_tgt_scan_cancel(q);
	if (!c)
		return;
	if (!q->qid || (q->port->trtype == NVMF_TRTYPE_FC && !q->leaving))
		nvme_tgt_ctrl_end(c); /* FC: what is wrong costs the association */
}

static void put_buf(struct tgt_cmd *cmd)
{
	struct tgt_buf *b = cmd->buf;

	cmd->buf = NULL;
	if (b)
		nvme_tgt_buf_put(b);
}

/* A command that stays without an answer. */
static void hold(struct tgt_cmd *cmd)
{
	cmd->state = CMD_HELD;
	put_buf(cmd);
	if (!cmd->q->freed)
		return;
	nvmf_free_capsule(cmd->nc);
	cmd->nc = NULL;
}

static void free_pair(struct tgt_queue *q)
{
	struct tgt_cmd *cmd;

	nvmf_free_qpair(q->qp);
	q->freed = true;
	list_for_each(cmd, &q->out, link)
		if (cmd->state != CMD_FETCH)
			hold(cmd);
}

static bool quiet(const struct tgt_queue *q)
{
	return q->freed && !q->fetches && !q->held;
}

static void free_queue(struct tgt_queue *q)
{
	struct nvme_target *t = q->t;
	struct tgt_ctrl *c = q->ctrl;

	TAILQ_REMOVE(&t->dying, q, dying);
	if (c) {
		if (q->qid && c->ioq[q->qid - 1] == q)
			c->ioq[q->qid - 1] = NULL;
		else if (!q->qid)
			c->admin = NULL;
		nvme_tgt_ctrl_put(c);
	}
	TAILQ_REMOVE(&t->queues, q, link);
	t->stats.connections--;
	nvme_tgt_port_put(q->port);
	free(q->cmd);
	free(q);
}

bool nvme_tgt_reapable(const struct tgt_queue *q)
{
	return q->freed ? quiet(q) : !q->busy;
}

int nvme_tgt_reap(struct nvme_target *t)
{
	struct tgt_queue *q = TAILQ_FIRST(&t->dying);
	int n = 0;

	while (q) {
		if (!nvme_tgt_reapable(q)) {
			q = TAILQ_NEXT(q, dying);
			continue;
		}
		n++;
		if (q->freed)
			free_queue(q);
		else
			free_pair(q);
		q = TAILQ_FIRST(&t->dying); /* callbacks ran, the list may be another one */
	}
	return n;
}

/* Commands without an answer, and answers that hosts have not acknowledged. */
unsigned int nvme_tgt_under_way(const struct nvme_target *t)
{
	const struct tgt_queue *q;
	const struct tgt_cmd *cmd;
	unsigned int n = 0;

	list_for_each(q, &t->queues, link) {
		if (q->ended)
			continue;
		n += nvmf_qpair_inflight(q->qp);
		list_for_each(cmd, &q->out, link)
			n += cmd->state != CMD_AER && cmd->state != CMD_HELD;
	}
	return n;
}

/* --- response ----------------------------------------------------------------------------------- */

static void forget(struct tgt_cmd *cmd)
{
	struct tgt_queue *q = cmd->q;

	q->cids[cmd->sqe->cid & 0xff]--;
	TAILQ_REMOVE(&q->out, cmd, link);
	TAILQ_INSERT_HEAD(&q->idle, cmd, link);
	nvmf_free_capsule(cmd->nc);
	q->t->stats.commands++;
}

/* SQHD moves with responses: a slot of the adapter is taken until then. */
static uint16_t next_sqhd(struct tgt_queue *q)
{
	uint16_t first = q->sqhd;

	if (!q->ctrl)
		return 0;
	if (!q->flow_control) {
		q->sqhd = 0; /* reserved, after the FFFFh that Connect's response has */
		return first;
	}
	q->sqhd = (uint16_t)((q->sqhd + 1u) % q->sqsize);
	return q->sqhd;
}

static int respond(struct tgt_cmd *cmd, const struct nvme_cqe *cqe)
{
	struct nvmf_capsule *rsp = nvmf_allocate_response(cmd->q->qp, cqe, NVMF_NOWAIT);
	int rc;

	if (!rsp)
		return -errno;
	rc = nvmf_transmit_capsule(rsp);
	nvmf_free_capsule(rsp);
	return rc;
}

void nvme_tgt_complete(struct tgt_cmd *cmd, uint16_t status)
{
	struct tgt_queue *q = cmd->q;
	struct nvme_cqe cqe = {
		.dw0 = cmd->dw0,
		.dw1 = cmd->dw1,
		.cid = cmd->sqe->cid,
		.status = (uint16_t)(status << 1),
	};
	int rc;

	if (q->ended) {
		hold(cmd);
		return;
	}
	put_buf(cmd);
	cqe.sqhd = next_sqhd(q);
	rc = respond(cmd, &cqe);
	if (rc) {
		cmd->state = CMD_HELD;
		if (rc != -ENOTCONN) /* that the connection has ended is told by itself */
			nvme_tgt_queue_end(q);
		return;
	}
	if (status) {
		q->t->stats.errors++;
		if (q->ctrl)
			nvme_tgt_log_error(q->ctrl, cmd, status);
	}
	forget(cmd);
}

void nvme_tgt_send(struct tgt_cmd *cmd)
{
	struct tgt_buf *b = cmd->buf;
	unsigned int r;

	if (cmd->q->ended) {
		nvme_tgt_complete(cmd, 0);
		return;
	}
	cmd->buf = NULL;
	b->nb.next = NULL;
	b->nb.len = cmd->len;
	r = nvmf_send_controller_data(cmd->nc, 0, &b->nb, cmd->len);
	if (r == NVMF_SUCCESS_SENT)
		forget(cmd);
	else if (r == NVMF_MORE)
		nvme_tgt_complete(cmd, NVME_SC_INTERNAL_ERROR);
	else
		nvme_tgt_complete(cmd, (uint16_t)r);
}

/* --- data from the host -------------------------------------------------------------------------- */

/* Not before Connect and not after Disconnect: their time limits stay. */
static void fetch_moves(struct tgt_queue *q)
{
	if (q->ctrl && !q->leaving)
		q->deadline = q->d->now + TGT_FETCH_MS * TGT_NSEC_PER_MSEC;
}

static void fetched(void *arg, size_t xfered, int error)
{
	struct tgt_cmd *cmd = arg;
	struct tgt_queue *q = cmd->q;

	q->fetches--;
	fetch_moves(q);
	cmd->state = CMD_RUN;
	if (!error && xfered != cmd->len)
		error = -EFAULT;
	if (q->ended)
		nvme_tgt_complete(cmd, 0);
	else if (!error)
		cmd->then(cmd);
	else if (error == -EBADMSG)
		nvme_tgt_complete(cmd, NVME_SC_TRANSIENT_TRANSPORT_ERROR);
	else
		nvme_tgt_complete(cmd, NVME_SC_DATA_TRANSFER_ERROR);
}

static void start_fetch(struct tgt_cmd *cmd)
{
	struct memdesc mem = memdesc_vaddr(cmd->data);
	int rc;

	cmd->state = CMD_FETCH;
	if (!cmd->q->fetches++)
		fetch_moves(cmd->q);
	rc = nvmf_receive_controller_data(cmd->nc, 0, &mem, cmd->len, fetched, cmd);
	if (!rc)
		return;
	cmd->q->fetches--;
	cmd->state = CMD_RUN;
	if (rc == -ENOTCONN)
		refuse(cmd->q, cmd, "the connection has ended");
	else
		nvme_tgt_complete(cmd, rc == -ENOMEM ? NVME_SC_INTERNAL_ERROR :
						       NVME_SC_SGL_LENGTH_INVALID | TGT_DNR);
}

void nvme_tgt_fetch(struct tgt_cmd *cmd, uint32_t len, void (*then)(struct tgt_cmd *cmd))
{
	size_t icd_len;
	uint8_t *icd = nvmf_capsule_icd(cmd->nc, &icd_len);

	cmd->len = len;
	if (icd && icd_len >= len) {
		cmd->data = icd;
		then(cmd);
		return;
	}
	cmd->then = then;
	nvme_tgt_buf_get(cmd, len, start_fetch);
}

/* --- answers with data ---------------------------------------------------------------------------- */

static void fill_and_send(struct tgt_cmd *cmd)
{
	uint16_t status;

	memset(cmd->data, 0, cmd->len);
	status = cmd->fill(cmd);
	if (status)
		nvme_tgt_complete(cmd, status);
	else
		nvme_tgt_send(cmd);
}

void nvme_tgt_reply(struct tgt_cmd *cmd, uint32_t len, uint16_t (*fill)(struct tgt_cmd *cmd))
{
	if (nvmf_capsule_data_len(cmd->nc) != len) {
		nvme_tgt_complete(cmd, NVME_SC_SGL_LENGTH_INVALID | TGT_DNR);
		return;
	}
	cmd->len = len;
	cmd->fill = fill;
	nvme_tgt_buf_get(cmd, len, fill_and_send);
}
