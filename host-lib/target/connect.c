/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fabrics Connect, and the other Fabrics commands (NVMe over Fabrics: Connect, Property Get and Set,
 * Disconnect). Each refusal of a Connect names the parameter where the specification has a place for
 * that.
 */
#include <stdlib.h>
#include <string.h>

#include "tgt.h"

/* Places of parameters in the SQE and in the data. */
enum { IPO_QID = 42, IPO_SQSIZE = 44 };
enum {
	IPO_HOSTID = offsetof(struct nvme_connect_data, hostid),
	IPO_CNTLID = offsetof(struct nvme_connect_data, cntlid),
	IPO_SUBNQN = offsetof(struct nvme_connect_data, subnqn),
	IPO_HOSTNQN = offsetof(struct nvme_connect_data, hostnqn)
};
#define IATTR_DATA (1u << 16)
#define CATTR_NO_FLOW_CONTROL 0x4u

struct args {
	uint16_t recfmt, qid, sqsize;
	uint8_t cattr;
	uint32_t kato;
	const struct nvme_connect_data *data;
};

static struct args parse(const struct tgt_cmd *cmd)
{
	const struct nvme_sqe *s = cmd->sqe;

	return (struct args){
		.recfmt = (uint16_t)s->cdw10,
		.qid = (uint16_t)(s->cdw10 >> 16),
		.sqsize = (uint16_t)s->cdw11,
		.cattr = (uint8_t)(s->cdw11 >> 16),
		.kato = s->cdw12,
		.data = (const void *)cmd->data,
	};
}

static uint16_t bad_sqe(struct tgt_cmd *cmd, uint32_t ipo)
{
	cmd->dw0 = ipo;
	return NVME_SC_CONNECT_INVALID_PARAMETERS | TGT_DNR;
}

static uint16_t bad_data(struct tgt_cmd *cmd, uint32_t ipo)
{
	cmd->dw0 = IATTR_DATA | ipo;
	return NVME_SC_CONNECT_INVALID_PARAMETERS | TGT_DNR;
}

static bool terminated(const char *nqn)
{
	return memchr(nqn, '\0', NVME_NQN_MAX + 1);
}

static bool is_discovery(const char *nqn)
{
	return !strcmp(nqn, NVME_DISCOVERY_NQN);
}

static bool all_zero(const uint8_t *p, size_t n)
{
	while (n)
		if (p[--n])
			return false;
	return true;
}

/* FC: the association and its connection were made for somebody, and for one queue. */
static uint16_t check_association(struct tgt_cmd *cmd, const struct args *a)
{
	const struct tgt_peer *p = &cmd->q->peer;

	if (cmd->q->port->trtype != NVMF_TRTYPE_FC)
		return 0;
	if (a->qid != p->qid)
		return bad_sqe(cmd, IPO_QID);
	if (memcmp(a->data->hostid, p->hostid, sizeof(p->hostid)))
		return bad_data(cmd, IPO_HOSTID);
	if (strcmp(a->data->subnqn, p->subnqn))
		return bad_data(cmd, IPO_SUBNQN);
	if (strcmp(a->data->hostnqn, p->hostnqn))
		return bad_data(cmd, IPO_HOSTNQN);
	return 0;
}

/*
 * The largest SQSIZE. CAP.MQES is about I/O queues; a connection over FC also has the size that its
 * host asked for, and an admin queue no other.
 */
static uint32_t max_sqsize(const struct tgt_queue *q, uint16_t qid)
{
	uint32_t n = q->port->qsize;

	if (q->port->trtype == NVMF_TRTYPE_FC && (!qid || q->entries < n))
		n = q->entries;
	return n - 1;
}

/* Names and sizes; then *s: the subsystem, NULL for discovery. */
static uint16_t check(struct tgt_cmd *cmd, const struct args *a, struct nvme_subsys **s)
{
	const struct nvme_connect_data *d = a->data;
	uint16_t status;

	if (a->recfmt)
		return NVME_SC_INCOMPATIBLE_FORMAT | TGT_DNR;
	if (!a->sqsize || a->sqsize > max_sqsize(cmd->q, a->qid))
		return bad_sqe(cmd, IPO_SQSIZE);
	if (all_zero(d->hostid, sizeof(d->hostid)))
		return bad_data(cmd, IPO_HOSTID);
	if (!terminated(d->subnqn))
		return bad_data(cmd, IPO_SUBNQN);
	if (!terminated(d->hostnqn) || !nvme_tgt_nqn_valid(d->hostnqn))
		return bad_data(cmd, IPO_HOSTNQN);
	*s = NULL;
	status = check_association(cmd, a);
	if (status || is_discovery(d->subnqn))
		return status;
	*s = nvme_target_subsys_find(cmd->q->t, d->subnqn);
	if (!*s || !nvme_tgt_port_linked(cmd->q->port, *s))
		return bad_data(cmd, IPO_SUBNQN);
	if (!nvme_tgt_host_allowed(*s, d->hostnqn)) {
		cmd->dw0 = IATTR_DATA | IPO_HOSTNQN;
		return NVME_SC_CONNECT_INVALID_HOST | TGT_DNR;
	}
	return 0;
}

static uint16_t connect_admin(struct tgt_cmd *cmd, const struct args *a, struct nvme_subsys *s)
{
	if (a->data->cntlid != NVME_CNTLID_DYNAMIC)
		return bad_data(cmd, IPO_CNTLID);
	if (nvme_tgt_ctrl_create(cmd->q, s, a->data, a->kato, &cmd->q->ctrl))
		return NVME_SC_CONTROLLER_BUSY;
	return 0;
}

static struct tgt_ctrl *find(const struct nvme_target *t, const struct nvme_subsys *s,
			     uint16_t cntlid)
{
	struct tgt_ctrl *c;

	list_for_each(c, &t->ctrls, link)
		if (c->cntlid == cntlid && c->subsys == s && !c->ended)
			return c;
	return NULL;
}

static uint16_t connect_io(struct tgt_cmd *cmd, const struct args *a, struct nvme_subsys *s)
{
	struct tgt_ctrl *c;
	struct tgt_queue *old;

	if (!s)
		return bad_sqe(cmd, IPO_QID);
	c = find(cmd->q->t, s, a->data->cntlid);
	if (!c)
		return bad_data(cmd, IPO_CNTLID);
	if (strcmp(c->hostnqn, a->data->hostnqn))
		return bad_data(cmd, IPO_HOSTNQN);
	if (memcmp(c->hostid, a->data->hostid, sizeof(c->hostid)))
		return bad_data(cmd, IPO_HOSTID);
	if (c->peer.association_id != cmd->q->peer.association_id)
		return bad_data(cmd, IPO_CNTLID);
	if (c->port != cmd->q->port || !nvme_tgt_ready(c) ||
	    (c->cc & NVME_CC_IOSQES_MASK) != NVME_CC_IOSQES_64 ||
	    (c->cc & NVME_CC_IOCQES_MASK) != NVME_CC_IOCQES_16)
		return bad_sqe(cmd, IPO_QID);
	if (a->qid > s->o.max_io_queues)
		return NVME_SC_INVALID_QUEUE_ID | TGT_DNR;
	old = c->ioq[a->qid - 1];
	if (old && (!(old->ended || old->leaving) || old->busy))
		return NVME_SC_INVALID_QUEUE_ID | TGT_DNR;
	c->ioq[a->qid - 1] = cmd->q;
	c->refs++;
	cmd->q->ctrl = c;
	return 0;
}

static void connected(struct tgt_cmd *cmd, const struct args *a)
{
	struct tgt_queue *q = cmd->q;

	q->qid = a->qid;
	q->sqsize = a->sqsize + 1u;
	q->flow_control = !(a->cattr & CATTR_NO_FLOW_CONTROL);
	if (!q->flow_control)
		q->sqhd = 0xffff;
	cmd->dw0 = q->ctrl->cntlid;
}

static void connect_data(struct tgt_cmd *cmd)
{
	struct tgt_queue *q = cmd->q;
	struct args a = parse(cmd);
	struct nvme_subsys *s = NULL;
	uint16_t status;

	if (q->ctrl) /* another Connect was quicker */
		status = NVME_SC_SEQUENCE_ERROR | TGT_DNR;
	else
		status = check(cmd, &a, &s);
	if (!status)
		status = a.qid ? connect_io(cmd, &a, s) : connect_admin(cmd, &a, s);
	if (!status) {
		connected(cmd, &a);
	} else {
		q->t->stats.connects_refused++;
		nvme_tgt_note(q->t, "host %s: Connect of queue %u refused, status %03xh",
			      q->peer.address, a.qid, status & NVME_STATUS_MASK);
	}
	nvme_tgt_complete(cmd, status);
	if (!status && !q->flow_control) /* from here on responses have no SQHD */
		nvmf_qpair_set_sq_flow_control(q->qp, false);
}

/* A queue that has no controller yet. */
void nvme_tgt_connect(struct tgt_cmd *cmd)
{
	if (cmd->sqe->opc != NVME_OPC_FABRICS || (cmd->sqe->nsid & 0xff) != NVME_FCTYPE_CONNECT)
		nvme_tgt_complete(cmd, NVME_SC_SEQUENCE_ERROR | TGT_DNR);
	else if (nvmf_capsule_data_len(cmd->nc) != sizeof(struct nvme_connect_data))
		nvme_tgt_complete(cmd, NVME_SC_SGL_LENGTH_INVALID | TGT_DNR);
	else
		nvme_tgt_fetch(cmd, sizeof(struct nvme_connect_data), connect_data);
}

/* Deletes one I/O queue. The host closes the connection when it has the response, or is helped. */
static void disconnect(struct tgt_cmd *cmd)
{
	struct tgt_queue *q = cmd->q;

	if (cmd->sqe->cdw10 & 0xffff) {
		nvme_tgt_complete(cmd, NVME_SC_INCOMPATIBLE_FORMAT | TGT_DNR);
	} else if (!q->qid) {
		nvme_tgt_complete(cmd, NVME_SC_INVALID_QUEUE_TYPE | TGT_DNR);
	} else {
		q->leaving = true;
		q->deadline = q->d->now + TGT_LEAVE_MS * TGT_NSEC_PER_MSEC;
		nvme_tgt_complete(cmd, 0);
		if (q->port->trtype == NVMF_TRTYPE_FC) /* hosts have nothing to close */
			nvme_tgt_queue_end(q);
	}
}

/* A queue that has a controller. */
void nvme_tgt_fabrics(struct tgt_cmd *cmd)
{
	uint8_t type = (uint8_t)cmd->sqe->nsid;

	if (type != NVME_FCTYPE_CONNECT && nvmf_capsule_data_len(cmd->nc))
		nvme_tgt_complete(cmd, NVME_SC_SGL_LENGTH_INVALID | TGT_DNR);
	else if (type == NVME_FCTYPE_CONNECT)
		nvme_tgt_complete(cmd, NVME_SC_SEQUENCE_ERROR | TGT_DNR);
	else if (type == NVME_FCTYPE_DISCONNECT)
		disconnect(cmd);
	else if (type == NVME_FCTYPE_PROPERTY_GET && !cmd->q->qid)
		nvme_tgt_property_get(cmd);
	else if (type == NVME_FCTYPE_PROPERTY_SET && !cmd->q->qid)
		nvme_tgt_property_set(cmd);
	else
		nvme_tgt_complete(cmd, NVME_SC_INVALID_OPCODE | TGT_DNR);
}
