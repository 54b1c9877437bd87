/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Compare and Verify: the blocks are read piece by piece into one piece of memory that all such
 * commands share in turn, one read each. They need no second buffer, so they cannot block each
 * other.
 */
#include <errno.h>
#include <string.h>

#include "tgt.h"

#define PIECE 65536u

static void run(struct nvme_target *t);

static uint32_t done_so_far(const struct tgt_cmd *cmd)
{
	return (uint32_t)cmd->dw1;
}

/* 0, or how the command ends. The position within the command stands in dw1, which is 0 again then. */
static uint16_t judge(struct tgt_cmd *cmd, const uint8_t *mem, size_t n, int error)
{
	if (error)
		return nvme_tgt_errno_status(NVME_BACKEND_READ, error);
	if (cmd->data && memcmp(cmd->data + done_so_far(cmd), mem, n))
		return NVME_SC_COMPARE_FAILURE | TGT_DNR;
	return 0;
}

static void piece_done(struct nvme_backend_io *io, int error)
{
	struct tgt_cmd *cmd = io->arg;
	struct nvme_target *t = cmd->q->t;
	uint16_t status = judge(cmd, t->scan_mem, io->len, error);

	nvme_tgt_count_error(cmd->ns->subsys, error);
	t->scanning = NULL;
	if (nvme_tgt_backend_done(cmd)) {
		cmd->dw1 += (uint32_t)io->len;
		if (!status && cmd->dw1 < cmd->len) {
			cmd->state = CMD_SCAN;
			TAILQ_INSERT_TAIL(&t->scans, cmd, wait);
		} else {
			cmd->dw1 = 0;
			nvme_tgt_complete(cmd, status);
		}
	}
	run(t);
}

static void start(struct tgt_cmd *cmd)
{
	struct tgt_ns *ns = nvme_tgt_ns(cmd->q->ctrl->subsys, cmd->sqe->nsid);
	uint32_t n = cmd->len - cmd->dw1;

	cmd->state = CMD_RUN;
	if (!ns || ns->id != cmd->ns_id) {
		cmd->dw1 = 0;
		nvme_tgt_complete(cmd, NVME_SC_INVALID_NAMESPACE | TGT_DNR);
		return;
	}
	cmd->ns = ns;
	cmd->q->t->scanning = cmd;
	nvme_tgt_backend(cmd, NVME_BACKEND_READ, cmd->pos + cmd->dw1, n < PIECE ? n : PIECE,
			 cmd->q->t->scan_mem, piece_done);
}

/* A backend may end a read at once: then this loop goes on, and the call from inside does nothing. */
static void run(struct nvme_target *t)
{
	struct tgt_cmd *cmd;

	if (t->scan_loop)
		return;
	t->scan_loop = true;
	while (!t->scanning && (cmd = TAILQ_FIRST(&t->scans))) {
		TAILQ_REMOVE(&t->scans, cmd, wait);
		start(cmd);
	}
	t->scan_loop = false;
}

void nvme_tgt_scan(struct tgt_cmd *cmd)
{
	struct nvme_target *t = cmd->q->t;

	cmd->dw1 = 0;
	cmd->state = CMD_SCAN;
	TAILQ_INSERT_TAIL(&t->scans, cmd, wait);
	run(t);
}

void nvme_tgt_scan_cancel(struct tgt_queue *q)
{
	struct nvme_target *t = q->t;
	struct tgt_cmd *cmd = TAILQ_FIRST(&t->scans), *next;

	for (; cmd; cmd = next) {
		next = TAILQ_NEXT(cmd, wait);
		if (cmd->q != q)
			continue;
		TAILQ_REMOVE(&t->scans, cmd, wait);
		cmd->state = CMD_HELD;
	}
}
