/* SPDX-License-Identifier: BSD-2-Clause */
/* Commands of the NVM command set, on I/O queues. */
#include <errno.h>

#include "tgt.h"

#define FUSE_MASK 0x3
#define CDW12_FUA (1u << 30)
#define CDW12_DEAC (1u << 25)
#define CDW12_PROTECTION (0xfu << 26 | 1u << 24) /* PRINFO, STC: no namespace has any */
#define DSM_RANGES 256u

/* The block layer's and the file systems' names for data that are lost or cannot be stored. */
static bool media_error(int error)
{
	return error == -EIO || error == -ENODATA || error == -EILSEQ || error == -EBADMSG ||
	       error == -EUCLEAN || error == -EREMOTEIO;
}

void nvme_tgt_count_error(struct nvme_subsys *s, int error)
{
	if (s && media_error(error))
		s->media_errors++;
}

uint16_t nvme_tgt_errno_status(enum nvme_backend_op op, int error)
{
	if (media_error(error))
		return (op == NVME_BACKEND_READ ? NVME_SC_UNRECOVERED_READ : NVME_SC_WRITE_FAULT) |
		       TGT_DNR;
	switch (error) {
	case 0:
		return 0;
	case -ENOSPC:
	case -EDQUOT:
	case -EFBIG:
		return NVME_SC_CAPACITY_EXCEEDED | TGT_DNR;
	case -EROFS:
	case -EPERM:
		return NVME_SC_NS_WRITE_PROTECTED | TGT_DNR;
	case -ERANGE:
		return NVME_SC_LBA_OUT_OF_RANGE | TGT_DNR;
	case -EOPNOTSUPP:
		return NVME_SC_INVALID_OPCODE | TGT_DNR;
	default:
		return NVME_SC_INTERNAL_ERROR; /* want of memory and the like: may be tried again */
	}
}

/* --- backend -------------------------------------------------------------------------------------- */

/* The namespace that was checked, if it is still there: while a command waits it may go. */
static struct tgt_ns *still_there(const struct tgt_cmd *cmd)
{
	struct tgt_ns *ns = nvme_tgt_ns(cmd->q->ctrl->subsys, cmd->sqe->nsid);

	return ns && ns->id == cmd->ns_id ? ns : NULL;
}

/* Submits a request of cmd->ns; done calls nvme_tgt_backend_done first. */
void nvme_tgt_backend(struct tgt_cmd *cmd, enum nvme_backend_op op, uint64_t offset, uint64_t len,
		      void *mem, void (*done)(struct nvme_backend_io *io, int error))
{
	struct nvme_backend_io *io = &cmd->io;

	cmd->state = CMD_BACKEND;
	cmd->q->busy++;
	cmd->ns->inflight++;
	cmd->iov.iov_base = mem;
	cmd->iov.iov_len = len;
	io->op = op;
	io->flags = 0;
	if (op == NVME_BACKEND_WRITE || op == NVME_BACKEND_WRITE_ZEROES) {
		if (cmd->sqe->cdw12 & CDW12_FUA || nvme_tgt_write_through(cmd->q->ctrl))
			io->flags = NVME_BACKEND_FUA;
		cmd->ns->dirty = true;
	}
	io->offset = offset;
	io->len = len;
	io->iov = &cmd->iov;
	io->iov_count = mem ? 1 : 0;
	io->done = done;
	io->arg = cmd;
	nvme_backend_submit(cmd->ns->backend, io);
}

/* False: the queue has ended, and so has cmd. */
bool nvme_tgt_backend_done(struct tgt_cmd *cmd)
{
	cmd->ns->inflight--;
	cmd->q->busy--;
	cmd->state = CMD_RUN;
	if (!cmd->q->ended)
		return true;
	nvme_tgt_complete(cmd, 0);
	return false;
}

/* A write that ends while a flush runs may not be covered by it: the flag that submit set stays. */
static void wrote(struct tgt_cmd *cmd, int error)
{
	cmd->ns->dirty = true;
	nvme_tgt_count_error(cmd->ns->subsys, error);
}

static void read_done(struct nvme_backend_io *io, int error)
{
	struct tgt_cmd *cmd = io->arg;
	struct nvme_subsys *s = cmd->ns->subsys;

	nvme_tgt_count_error(s, error);
	if (!nvme_tgt_backend_done(cmd))
		return;
	if (error) {
		nvme_tgt_complete(cmd, nvme_tgt_errno_status(io->op, error));
		return;
	}
	cmd->q->t->stats.read_bytes += cmd->len;
	if (s)
		s->read_bytes += cmd->len;
	nvme_tgt_send(cmd);
}

static void read_go(struct tgt_cmd *cmd)
{
	cmd->ns = still_there(cmd);
	if (cmd->ns)
		nvme_tgt_backend(cmd, NVME_BACKEND_READ, cmd->pos, cmd->len, cmd->data, read_done);
	else
		nvme_tgt_complete(cmd, NVME_SC_INVALID_NAMESPACE | TGT_DNR);
}

static void write_done(struct nvme_backend_io *io, int error)
{
	struct tgt_cmd *cmd = io->arg;
	struct nvme_subsys *s = cmd->ns->subsys;

	wrote(cmd, error);
	if (!nvme_tgt_backend_done(cmd))
		return;
	if (!error && io->op == NVME_BACKEND_WRITE) {
		cmd->q->t->stats.write_bytes += cmd->len;
		if (s)
			s->write_bytes += cmd->len;
	}
	nvme_tgt_complete(cmd, nvme_tgt_errno_status(io->op, error));
}

static void write_go(struct tgt_cmd *cmd)
{
	cmd->ns = still_there(cmd);
	if (cmd->ns)
		nvme_tgt_backend(cmd, NVME_BACKEND_WRITE, cmd->pos, cmd->len, cmd->data,
				 write_done);
	else
		nvme_tgt_complete(cmd, NVME_SC_INVALID_NAMESPACE | TGT_DNR);
}

/* --- checks --------------------------------------------------------------------------------------- */

static uint64_t slba(const struct tgt_cmd *cmd)
{
	return (uint64_t)cmd->sqe->cdw11 << 32 | cmd->sqe->cdw10;
}

static uint64_t blocks(const struct tgt_cmd *cmd)
{
	return (cmd->sqe->cdw12 & 0xffff) + 1ull;
}

static bool in_range(const struct tgt_ns *ns, uint64_t first, uint64_t n)
{
	return first <= ns->blocks && n <= ns->blocks - first;
}

/* Namespace and range of a command with SLBA and NLB. Sets ns, pos (in bytes), len. */
static uint16_t check_range(struct tgt_cmd *cmd, bool writes)
{
	struct tgt_ns *ns = nvme_tgt_ns(cmd->q->ctrl->subsys, cmd->sqe->nsid);

	if (!ns)
		return NVME_SC_INVALID_NAMESPACE | TGT_DNR;
	cmd->ns = ns;
	cmd->ns_id = ns->id;
	if (cmd->sqe->cdw12 & CDW12_PROTECTION || cmd->sqe->mptr)
		return NVME_SC_INVALID_FIELD | TGT_DNR;
	if (writes && ns->read_only)
		return NVME_SC_NS_WRITE_PROTECTED | TGT_DNR;
	if (!in_range(ns, slba(cmd), blocks(cmd)))
		return NVME_SC_LBA_OUT_OF_RANGE | TGT_DNR;
	cmd->pos = slba(cmd) << ns->shift;
	cmd->len = (uint32_t)(blocks(cmd) << ns->shift);
	return 0;
}

/* The same with data of as many bytes. */
static uint16_t check_data(struct tgt_cmd *cmd, bool writes)
{
	uint16_t status = check_range(cmd, writes);

	if (status)
		return status;
	if (cmd->len > cmd->q->ctrl->subsys->o.max_xfer)
		return NVME_SC_INVALID_FIELD | TGT_DNR;
	if (nvmf_capsule_data_len(cmd->nc) != cmd->len)
		return NVME_SC_SGL_LENGTH_INVALID | TGT_DNR;
	return 0;
}

static bool no_data(struct tgt_cmd *cmd)
{
	if (!nvmf_capsule_data_len(cmd->nc))
		return true;
	nvme_tgt_complete(cmd, NVME_SC_SGL_LENGTH_INVALID | TGT_DNR);
	return false;
}

/* --- commands ------------------------------------------------------------------------------------- */

static void io_read(struct tgt_cmd *cmd)
{
	uint16_t status = check_data(cmd, false);
	size_t icd;

	if (!status && nvmf_capsule_icd(cmd->nc, &icd))
		status = NVME_SC_SGL_TYPE_INVALID | TGT_DNR;
	if (status) {
		nvme_tgt_complete(cmd, status);
		return;
	}
	cmd->q->t->stats.reads++;
	cmd->q->ctrl->subsys->reads++;
	nvme_tgt_buf_get(cmd, cmd->len, read_go);
}

static void io_write(struct tgt_cmd *cmd)
{
	uint16_t status = check_data(cmd, true);

	if (status) {
		nvme_tgt_complete(cmd, status);
		return;
	}
	cmd->q->t->stats.writes++;
	cmd->q->ctrl->subsys->writes++;
	nvme_tgt_fetch(cmd, cmd->len, write_go);
}

static void scan_go(struct tgt_cmd *cmd)
{
	nvme_tgt_scan(cmd);
}

static void io_compare(struct tgt_cmd *cmd)
{
	uint16_t status = check_data(cmd, false);

	if (status) {
		nvme_tgt_complete(cmd, status);
		return;
	}
	cmd->q->t->stats.reads++;
	cmd->q->ctrl->subsys->reads++;
	nvme_tgt_fetch(cmd, cmd->len, scan_go);
}

static void io_verify(struct tgt_cmd *cmd)
{
	uint16_t status;

	if (!no_data(cmd))
		return;
	status = check_range(cmd, false);
	if (!status && blocks(cmd) << cmd->ns->shift > cmd->q->ctrl->subsys->o.max_xfer)
		status = NVME_SC_INVALID_FIELD | TGT_DNR;
	if (status) {
		nvme_tgt_complete(cmd, status);
		return;
	}
	cmd->data = NULL;
	nvme_tgt_scan(cmd);
}

static void io_write_zeroes(struct tgt_cmd *cmd)
{
	enum nvme_backend_op op = NVME_BACKEND_WRITE_ZEROES;
	uint16_t status;

	if (!no_data(cmd))
		return;
	status = check_range(cmd, true);
	if (status) {
		nvme_tgt_complete(cmd, status);
		return;
	}
	if (cmd->sqe->cdw12 & CDW12_DEAC && cmd->ns->backend->zero_by_discard &&
	    !(cmd->sqe->cdw12 & CDW12_FUA))
		op = NVME_BACKEND_DISCARD;
	nvme_tgt_backend(cmd, op, cmd->pos, blocks(cmd) << cmd->ns->shift, NULL, write_done);
}

/* --- Flush ---------------------------------------------------------------------------------------- */

static void flush_next(struct tgt_cmd *cmd);

static void flush_done(struct nvme_backend_io *io, int error)
{
	struct tgt_cmd *cmd = io->arg;

	if (error)
		cmd->ns->dirty = true;
	if (!nvme_tgt_backend_done(cmd))
		return;
	if (error)
		nvme_tgt_complete(cmd, nvme_tgt_errno_status(io->op, error));
	else
		flush_next(cmd);
}

/* The next namespace, pos counts them; where nothing is volatile there is nothing to do. */
static void flush_next(struct tgt_cmd *cmd)
{
	const struct nvme_subsys *s = cmd->q->ctrl->subsys;
	uint32_t last = cmd->sqe->nsid == NVME_NSID_ALL ? s->o.max_namespaces : cmd->sqe->nsid;

	while (cmd->pos < last) {
		cmd->ns = s->ns[cmd->pos++];
		if (!cmd->ns || !cmd->ns->backend->volatile_cache)
			continue;
		cmd->ns->dirty = false;
		nvme_tgt_backend(cmd, NVME_BACKEND_FLUSH, 0, 0, NULL, flush_done);
		return;
	}
	nvme_tgt_complete(cmd, 0);
}

static void io_flush(struct tgt_cmd *cmd)
{
	uint32_t nsid = cmd->sqe->nsid;

	if (!no_data(cmd))
		return;
	if (nsid != NVME_NSID_ALL && !nvme_tgt_ns(cmd->q->ctrl->subsys, nsid)) {
		nvme_tgt_complete(cmd, NVME_SC_INVALID_NAMESPACE | TGT_DNR);
		return;
	}
	cmd->pos = nsid == NVME_NSID_ALL ? 0 : nsid - 1;
	flush_next(cmd);
}

/* --- Dataset Management --------------------------------------------------------------------------- */

static uint32_t ranges(const struct tgt_cmd *cmd)
{
	return (cmd->sqe->cdw10 & 0xff) + 1;
}

static void discard_next(struct tgt_cmd *cmd);

static void discard_done(struct nvme_backend_io *io, int error)
{
	struct tgt_cmd *cmd = io->arg;

	wrote(cmd, error);
	if (!nvme_tgt_backend_done(cmd))
		return;
	if (error && error != -EOPNOTSUPP) /* a hint, after all */
		nvme_tgt_complete(cmd, nvme_tgt_errno_status(io->op, error));
	else
		discard_next(cmd);
}

static void discard_next(struct tgt_cmd *cmd)
{
	const struct nvme_dsm_range *r = (const void *)cmd->data;

	cmd->ns = still_there(cmd);
	if (!cmd->ns) {
		nvme_tgt_complete(cmd, NVME_SC_INVALID_NAMESPACE | TGT_DNR);
		return;
	}
	while (cmd->pos < ranges(cmd)) {
		const struct nvme_dsm_range *at = &r[cmd->pos++];

		if (!at->blocks || !in_range(cmd->ns, at->slba, at->blocks))
			continue; /* the namespace may have shrunk since the check */
		nvme_tgt_backend(cmd, NVME_BACKEND_DISCARD, at->slba << cmd->ns->shift,
				 (uint64_t)at->blocks << cmd->ns->shift, NULL, discard_done);
		return;
	}
	nvme_tgt_complete(cmd, 0);
}

static void dsm_go(struct tgt_cmd *cmd)
{
	const struct nvme_dsm_range *r = (const void *)cmd->data;
	const struct tgt_ns *ns = still_there(cmd);
	uint32_t i;

	if (!ns) {
		nvme_tgt_complete(cmd, NVME_SC_INVALID_NAMESPACE | TGT_DNR);
		return;
	}
	for (i = 0; i < ranges(cmd); i++)
		if (!in_range(ns, r[i].slba, r[i].blocks)) {
			nvme_tgt_complete(cmd, NVME_SC_LBA_OUT_OF_RANGE | TGT_DNR);
			return;
		}
	cmd->pos = cmd->sqe->cdw11 & NVME_DSM_DEALLOCATE ? 0 : ranges(cmd);
	discard_next(cmd);
}

/* Linux always sends 256 ranges, whatever their number is. */
static void io_dsm(struct tgt_cmd *cmd)
{
	const struct tgt_ns *ns = nvme_tgt_ns(cmd->q->ctrl->subsys, cmd->sqe->nsid);
	size_t len = nvmf_capsule_data_len(cmd->nc);
	uint16_t status = 0;

	if (!ns)
		status = NVME_SC_INVALID_NAMESPACE;
	else if (ns->read_only && cmd->sqe->cdw11 & NVME_DSM_DEALLOCATE)
		status = NVME_SC_NS_WRITE_PROTECTED;
	else if (len < ranges(cmd) * sizeof(struct nvme_dsm_range) ||
		 len > DSM_RANGES * sizeof(struct nvme_dsm_range) || len % 4)
		status = NVME_SC_SGL_LENGTH_INVALID;
	if (status) {
		nvme_tgt_complete(cmd, status | TGT_DNR);
		return;
	}
	cmd->ns_id = ns->id;
	nvme_tgt_fetch(cmd, (uint32_t)len, dsm_go);
}

/* ---------------------------------------------------------------------------------------------------- */

void nvme_tgt_io(struct tgt_cmd *cmd)
{
	if (!nvme_tgt_ready(cmd->q->ctrl)) {
		nvme_tgt_complete(cmd, NVME_SC_SEQUENCE_ERROR | TGT_DNR);
		return;
	}
	if (cmd->sqe->flags & FUSE_MASK) {
		nvme_tgt_complete(cmd, NVME_SC_INVALID_FIELD | TGT_DNR);
		return;
	}
	switch (cmd->sqe->opc) {
	case NVME_OPC_READ:
		io_read(cmd);
		break;
	case NVME_OPC_WRITE:
		io_write(cmd);
		break;
	case NVME_OPC_FLUSH:
		io_flush(cmd);
		break;
	case NVME_OPC_COMPARE:
		io_compare(cmd);
		break;
	case NVME_OPC_VERIFY:
		io_verify(cmd);
		break;
	case NVME_OPC_WRITE_ZEROES:
		io_write_zeroes(cmd);
		break;
	case NVME_OPC_DATASET_MANAGEMENT:
		io_dsm(cmd);
		break;
	default:
		nvme_tgt_complete(cmd, NVME_SC_INVALID_OPCODE | TGT_DNR);
	}
}
