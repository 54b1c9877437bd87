// SPDX-License-Identifier: BSD-2-Clause
/* The peer's namespace: a RAM disk with a time per command and, if wanted, a random order of completion. */
#include <stdlib.h>

#include "nvme.h"

static bool range_ok(const struct peer *p, uint64_t lba, uint64_t blocks)
{
	uint64_t all = p->params.ns_bytes / p->params.block;

	return lba <= all && blocks <= all - lba;
}

static uint16_t deallocate(struct peer *p, const struct command *cmd)
{
	unsigned int n = cmd->sqe[40] + 1u, i;
	uint64_t lba, blocks;

	if (cmd->len < n * 16)
		return SC_SGL_LENGTH | DNR;
	for (i = 0; i < n && cmd->sqe[44] & 4; i++) {
		blocks = le(cmd->buf + i * 16 + 4, 4);
		lba = le(cmd->buf + i * 16 + 8, 8);
		if (!range_ok(p, lba, blocks))
			return SC_LBA | DNR;
		memset(p->ram + lba * p->params.block, 0, blocks * p->params.block);
	}
	return SC_OK;
}

/* Does it. Reads point at the namespace; their bytes are taken when they go out. */
static uint16_t carry_out(struct peer *p, struct command *cmd)
{
	uint64_t lba = le(cmd->sqe + 40, 8), blocks = le(cmd->sqe + 48, 2) + 1,
		 bytes = blocks * p->params.block;
	uint8_t op = cmd->sqe[0], *at;

	if (le(cmd->sqe + 4, 4) != 1 && !(op == 0 && le(cmd->sqe + 4, 4) == 0xffffffff))
		return SC_NAMESPACE | DNR;
	if (op == 0)
		return SC_OK;
	if (op == 9)
		return deallocate(p, cmd);
	if (op != 1 && op != 2 && op != 5 && op != 8)
		return SC_OPCODE | DNR;
	if (!range_ok(p, lba, blocks))
		return SC_LBA | DNR;
	if (op != 8 && cmd->len != bytes)
		return SC_SGL_LENGTH | DNR;
	at = p->ram + lba * p->params.block;
	switch (op) {
	case 1:
		memcpy(at, cmd->buf, bytes);
		p->stats.writes++;
		p->stats.write_bytes += bytes;
		break;
	case 2:
		cmd->data = at;
		p->stats.reads++;
		break;
	case 5:
		return memcmp(at, cmd->buf, bytes) ? SC_COMPARE : SC_OK;
	case 8:
		memset(at, 0, bytes);
		break;
	}
	return SC_OK;
}

static void delay(struct peer *p, struct command *cmd)
{
	struct command **at = &p->delayed;

	while (*at && (*at)->due <= cmd->due)
		at = &(*at)->waiting;
	cmd->waiting = *at;
	*at = cmd;
}

static bool fault_for_read(struct command *cmd)
{
	struct nvme_conn *n = cmd->n;

	if (cmd->sqe[0] != 2 ||
	    fault_now(n->p, n->qid, PEER_R2T_FOR_READ, PEER_R2T_FOR_READ) == PEER_GOOD)
		return false;
	list_add(&n->asking, cmd);
	return true;
}

void io_execute(struct command *cmd)
{
	struct peer *p = cmd->n->p;
	uint64_t takes = p->params.command_ns;

	cmd->n->ctrl->heard = p->now;
	if (fault_for_read(cmd))
		return;
	if (p->params.shuffle)
		takes = peer_random(p) % (2 * (takes ? takes : 1000));
	if (!takes) {
		command_end(cmd, carry_out(p, cmd));
		return;
	}
	cmd->due = p->now + takes;
	delay(p, cmd);
}

uint64_t nvme_timers(struct peer *p)
{
	uint64_t next = ctrl_timers(p);
	struct command *cmd;

	while ((cmd = p->delayed) && cmd->due <= p->now) {
		p->delayed = cmd->waiting;
		command_end(cmd, carry_out(p, cmd));
	}
	return cmd && cmd->due < next ? cmd->due : next;
}
