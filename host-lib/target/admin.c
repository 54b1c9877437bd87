/* SPDX-License-Identifier: BSD-2-Clause */
/* Admin commands: who may send which, and the small ones. */
#include "tgt.h"

#define FUSE_MASK 0x3

struct admin_command {
	uint8_t opc;
	bool discovery; /* discovery controllers know it, too */
	void (*run)(struct tgt_cmd *cmd);
};

static void keep_alive(struct tgt_cmd *cmd)
{
	nvme_tgt_ctrl_keep_alive(cmd->q->ctrl);
	nvme_tgt_complete(cmd, 0);
}

static struct tgt_queue *queue_of(const struct tgt_ctrl *c, uint16_t sqid)
{
	if (!sqid)
		return c->admin;
	return sqid <= c->subsys->o.max_io_queues ? c->ioq[sqid - 1] : NULL;
}

/*
 * Only commands that have not begun can be taken back: a host that sends data must not see a
 * response before it has sent them, and a backend finishes what it has.
 */
static bool abort_one(struct tgt_queue *q, const struct tgt_cmd *self, uint16_t cid)
{
	struct tgt_cmd *cmd = NULL, *c;

	list_for_each(c, &q->out, link)
		if (c->sqe->cid == cid && c != self)
			cmd = c;
	if (!cmd)
		return false;
	if (cmd->state == CMD_AER)
		return nvme_tgt_aer_abort(cmd);
	if (cmd->state != CMD_WAIT_BUF)
		return false;
	nvme_tgt_buf_cancel(cmd);
	nvme_tgt_complete(cmd, NVME_SC_ABORTED_BY_REQUEST | TGT_DNR);
	return true;
}

static void abort_command(struct tgt_cmd *cmd)
{
	struct tgt_queue *q = queue_of(cmd->q->ctrl, (uint16_t)cmd->sqe->cdw10);

	cmd->dw0 = !(q && !q->ended && abort_one(q, cmd, (uint16_t)(cmd->sqe->cdw10 >> 16)));
	nvme_tgt_complete(cmd, 0);
}

static const struct admin_command commands[] = {
	{ NVME_OPC_GET_LOG_PAGE, true, nvme_tgt_get_log },
	{ NVME_OPC_IDENTIFY, true, nvme_tgt_identify },
	{ NVME_OPC_ABORT, false, abort_command },
	{ NVME_OPC_SET_FEATURES, true, nvme_tgt_set_features },
	{ NVME_OPC_GET_FEATURES, true, nvme_tgt_get_features },
	{ NVME_OPC_ASYNC_EVENT_REQUEST, true, nvme_tgt_aer },
	{ NVME_OPC_KEEP_ALIVE, true, keep_alive },
};

static const struct admin_command *lookup(const struct tgt_cmd *cmd)
{
	size_t i;

	for (i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		if (commands[i].opc == cmd->sqe->opc &&
		    (commands[i].discovery || cmd->q->ctrl->subsys))
			return &commands[i];
	return NULL;
}

static bool has_data(uint8_t opc)
{
	return opc == NVME_OPC_GET_LOG_PAGE || opc == NVME_OPC_IDENTIFY ||
	       opc == NVME_OPC_GET_FEATURES || opc == NVME_OPC_SET_FEATURES;
}

void nvme_tgt_admin(struct tgt_cmd *cmd)
{
	const struct admin_command *a = lookup(cmd);
	size_t icd;

	if (!nvme_tgt_ready(cmd->q->ctrl))
		nvme_tgt_complete(cmd, NVME_SC_SEQUENCE_ERROR | TGT_DNR);
	else if (!a)
		nvme_tgt_complete(cmd, NVME_SC_INVALID_OPCODE | TGT_DNR);
	else if (cmd->sqe->flags & FUSE_MASK)
		nvme_tgt_complete(cmd, NVME_SC_INVALID_FIELD | TGT_DNR);
	else if (!has_data(a->opc) && nvmf_capsule_data_len(cmd->nc))
		nvme_tgt_complete(cmd, NVME_SC_SGL_LENGTH_INVALID | TGT_DNR);
	else if (has_data(a->opc) && nvmf_capsule_icd(cmd->nc, &icd))
		nvme_tgt_complete(cmd, NVME_SC_SGL_TYPE_INVALID | TGT_DNR);
	else
		a->run(cmd);
}
