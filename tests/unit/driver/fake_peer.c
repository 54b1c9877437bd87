/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fake adapter in the controller role: ports, pairs that wait, and scripted hosts that connect,
 * send command capsules and look at what they get back.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fake.h"

static struct fake_ctl *ctl_of(struct fake *f, uint16_t qp)
{
	return f->ctl[qp & 127];
}

struct fake_cmd *fake_cmd(struct fake *f, uint16_t qp, int slot)
{
	return &ctl_of(f, qp)->cmd[slot];
}

static void free_one(struct fake *f, unsigned int qp)
{
	unsigned int i;

	for (i = 0; f->ctl[qp] && i < 1024; i++)
		free(f->ctl[qp]->cmd[i].data);
	free(f->ctl[qp]);
	f->ctl[qp] = NULL;
}

void fake_peer_free(struct fake *f)
{
	unsigned int i;

	for (i = 0; i < 128; i++)
		free_one(f, i);
	memset(f->listening, 0, sizeof(f->listening));
}

uint16_t fake_peer_create(struct fake *f, const struct weft_arg_qp_create *a)
{
	uint32_t n = 1u << a->sq_log2;

	free_one(f, a->qp);
	if (!(a->flags & WEFT_QPF_CONTROLLER))
		return a->rx_cmd || a->rx_icd || a->icd_size || a->flags ? EINVAL : 0;
	if (a->cq_log2 < a->sq_log2 + 2 || a->rx_cmd % 64 || a->rx_icd % 64 || a->icd_size % 64 ||
	    a->icd_size > WEFT_PDU_DATA_MAX ||
	    !fake_mem(f, a->rx_cmd, (size_t)n * WEFT_RX_CMD_SIZE) ||
	    !fake_mem(f, a->rx_icd, (size_t)n * a->icd_size)) {
		fake_violation(f, "QP_CREATE of a controller's pair");
		f->qp[a->qp].live = false;
		return EINVAL;
	}
	f->ctl[a->qp] = calloc(1, sizeof(struct fake_ctl));
	f->ctl[a->qp]->rx_cmd = a->rx_cmd;
	f->ctl[a->qp]->rx_icd = a->rx_icd;
	f->ctl[a->qp]->icd_size = a->icd_size;
	return 0;
}

uint16_t fake_peer_listen(struct fake *f, uint16_t port, bool on)
{
	unsigned int i, room = WEFT_N_LISTEN;

	if (!port)
		return EINVAL;
	for (i = 0; i < WEFT_N_LISTEN; i++) {
		if (f->listening[i] == port) {
			if (!on)
				f->listening[i] = 0;
			return on ? EADDRINUSE : 0;
		}
		if (!f->listening[i])
			room = i;
	}
	if (!on)
		return ENOENT;
	if (room == WEFT_N_LISTEN)
		return ENOSPC;
	f->listening[room] = port;
	return 0;
}

uint16_t fake_peer_accept(struct fake *f, const struct weft_arg_accept *a, uint16_t cid)
{
	struct fake_ctl *c = ctl_of(f, a->qp);

	if (!c || a->cpda > 31 || a->maxh2cdata % 4 || a->maxh2cdata < 4096 ||
	    a->maxh2cdata > WEFT_PDU_DATA_MAX)
		return EINVAL;
	if (c->waiting || f->qp[a->qp].connected)
		return EISCONN;
	c->waiting = true;
	c->accept_cid = cid;
	c->accept = *a;
	c->accept_order = ++f->accepts;
	return 0;
}

bool fake_peer_cancel(struct fake *f, uint16_t qp)
{
	struct weft_cq_entry e = { .status = ECANCELED };
	struct fake_ctl *c = ctl_of(f, qp);

	if (!c || !c->waiting)
		return false;
	c->waiting = false;
	fake_finish(f, 0, c->accept_cid, &e);
	return true;
}

void fake_peer_disconnected(struct fake *f, uint16_t qp)
{
	struct fake_ctl *c = ctl_of(f, qp);
	unsigned int i;

	for (i = 0; c && i < 1024; i++)
		c->cmd[i].held = false;
}

uint16_t fake_host_connect(struct fake *f, uint16_t port, uint8_t digests)
{
	struct weft_cq_entry e = { .status = 0 };
	uint16_t id, best = 0;
	uint32_t dw[3];

	for (id = 1; id < 128; id++)
		if (f->ctl[id] && f->ctl[id]->waiting &&
		    (!f->ctl[id]->accept.port || f->ctl[id]->accept.port == port) &&
		    (!best || f->ctl[id]->accept_order < f->ctl[best]->accept_order))
			best = id;
	if (!best)
		return 0;
	f->ctl[best]->waiting = false;
	f->qp[best].connected = true;
	dw[0] = 0x0a000063;
	dw[1] = 40000u | (uint32_t)port << 16;
	dw[2] = (digests & f->ctl[best]->accept.digests) | 3u << 8 | 5u << 16;
	memcpy(e.cqe, dw, sizeof(dw));
	fake_finish(f, 0, f->ctl[best]->accept_cid, &e);
	return best;
}

void fake_host_sqe(uint8_t *sqe, uint8_t opcode, uint16_t cid, bool icd, uint32_t len)
{
	memset(sqe, 0, 64);
	sqe[0] = opcode;
	sqe[1] = 0x40;
	memcpy(sqe + 2, &cid, 2);
	memcpy(sqe + 32, &len, 4);
	sqe[39] = icd ? 0x01 : 0x5a;
}

int fake_host_send(struct fake *f, uint16_t qp, const uint8_t *sqe, bool icd, const void *data,
		   uint32_t len, uint8_t flags)
{
	struct weft_cq_entry e = { .type = WEFT_CQT_CAPSULE, .flags = flags };
	struct fake_ctl *c = ctl_of(f, qp);
	struct fake_cmd *cmd;
	uint16_t slot;

	for (slot = 0; slot < f->qp[qp].entries && c->cmd[slot].held; slot++)
		;
	if (slot == f->qp[qp].entries)
		return -1;
	cmd = &c->cmd[slot];
	free(cmd->data);
	memset(cmd, 0, sizeof(*cmd));
	cmd->held = true;
	memcpy(cmd->sqe, sqe, 64);
	memcpy(fake_mem(f, c->rx_cmd + slot * WEFT_RX_CMD_SIZE, 64), sqe, 64);
	if (icd) {
		memcpy(fake_mem(f, c->rx_icd + (uint64_t)slot * c->icd_size, len), data, len);
		e.data_len = len;
	} else {
		cmd->data = calloc(1, len + 1);
		cmd->len = len;
		if (data)
			memcpy(cmd->data, data, len);
	}
	e.cid = slot;
	fake_post(f, qp, &e);
	return slot;
}

/* What the contract says about a reply, at the time it is fetched. */
void fake_peer_check(struct fake *f, uint16_t qp, const struct weft_ctl_entry *e)
{
	const uint8_t end = WEFT_SQF_RESP | WEFT_SQF_SUCCESS;
	struct fake_cmd *cmd = fake_cmd(f, qp, e->cid);
	uint16_t cid;

	memcpy(&cid, cmd->sqe + 2, 2);
	if ((!cmd->held || cmd->ended) && f->qp[qp].connected)
		fake_violation(f, "reply %02x to buffer %u, which holds no command", e->opcode,
			       e->cid);
	if (e->cccid != cid)
		fake_violation(f, "CCCID %u for command %u", e->cccid, cid);
	switch (e->opcode) {
	case WEFT_OP_RESPOND:
		if (e->flags || e->data_len || e->sgl_count)
			fake_violation(f, "RESPOND with data");
		break;
	case WEFT_OP_GET_DATA:
		if (e->flags != WEFT_SQF_DATA_IN &&
		    e->flags != (WEFT_SQF_DATA_IN | WEFT_SQF_SGL_CHAIN))
			fake_violation(f, "GET_DATA with flags %02x", e->flags);
		break;
	case WEFT_OP_SEND_DATA:
		if (!(e->flags & WEFT_SQF_DATA_OUT) || e->data_len > WEFT_PDU_DATA_MAX ||
		    (e->flags & end) == end || ((e->flags & end) && !(e->flags & WEFT_SQF_LAST)))
			fake_violation(f, "SEND_DATA with flags %02x and %u bytes", e->flags,
				       e->data_len);
		if (e->offset != cmd->sent)
			fake_violation(f, "SEND_DATA at %u, not %u", e->offset, cmd->sent);
		break;
	default:
		fake_violation(f, "opcode %02x on a controller's pair", e->opcode);
		return;
	}
	if (e->opcode != WEFT_OP_RESPOND &&
	    (!e->data_len || e->offset % 4 || e->offset > cmd->len ||
	     e->data_len > cmd->len - e->offset))
		fake_violation(f, "%u bytes at %u of %u", e->data_len, e->offset, cmd->len);
	if (e->opcode == WEFT_OP_RESPOND || (e->flags & end))
		cmd->ended = true;
}

void fake_peer_reply(struct fake *f, uint16_t qp, const struct weft_ctl_entry *e,
		     struct weft_cq_entry *out)
{
	const struct weft_sq_entry *sq = (const void *)e;
	struct fake_cmd *cmd = fake_cmd(f, qp, e->cid);
	bool ok = true;

	out->flags = f->reply_flags;
	out->status = f->reply_errno;
	f->reply_flags = 0;
	f->reply_errno = 0;
	if (!out->status && e->opcode == WEFT_OP_GET_DATA) {
		ok = fake_scatter(f, sq, 0, cmd->data + e->offset, e->data_len);
		cmd->gets++;
		cmd->fetched += e->data_len;
	} else if (!out->status && e->opcode == WEFT_OP_SEND_DATA) {
		ok = fake_gather(f, sq, 0, cmd->data + e->offset, e->data_len);
		cmd->sends++;
		cmd->sent += e->data_len;
		cmd->success = e->flags & WEFT_SQF_SUCCESS;
	}
	if (!ok)
		out->flags |= WEFT_CQF_DMA_ERR;
	out->data_len = out->status ? 0 : e->data_len;
	if (e->opcode == WEFT_OP_RESPOND || (e->flags & WEFT_SQF_RESP)) {
		memcpy(cmd->cqe, e->cqe, 16);
		cmd->responses++;
	}
	if (cmd->ended) {
		cmd->ended_at = ++f->ends;
		cmd->acked = true;
		cmd->held = false;
	}
}
