/* SPDX-License-Identifier: BSD-2-Clause */
/* The two ways to ask the kernel. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "file.h"

/* --- plain system calls ------------------------------------------------------------------------- */

static ssize_t plain(struct file_backend *fb, const struct file_call *call)
{
	uint64_t range[2] = { call->offset, call->len };

	switch (call->kind) {
	case FILE_READ:
		return preadv(fb->fd, call->iov, (int)call->iov_count, (off_t)call->offset);
	case FILE_WRITE:
		return pwritev2(fb->fd, call->iov, (int)call->iov_count, (off_t)call->offset,
				call->mode);
	case FILE_SYNC:
		return fdatasync(fb->fd);
	case FILE_ALLOCATE:
		return fallocate(fb->fd, call->mode, (off_t)call->offset, (off_t)call->len);
	case FILE_DISCARD:
		return ioctl(fb->fd, BLKDISCARD, range);
	}
	return -1;
}

static int sync_call(struct file_backend *fb, struct nvme_backend_io *io,
		     const struct file_call *call)
{
	ssize_t n;

	(void)io;
	errno = 0;
	n = plain(fb, call);
	return n < 0 ? -errno : (int)n;
}

const struct file_engine file_engine_sync = {
	.ops = &file_sync_ops,
	.call = sync_call,
};

/* --- io_uring ----------------------------------------------------------------------------------- */

static bool can_all(struct io_uring *ring)
{
	static const int needed[] = { IORING_OP_READV, IORING_OP_WRITEV, IORING_OP_FSYNC,
				      IORING_OP_FALLOCATE };
	struct io_uring_probe *probe = io_uring_get_probe_ring(ring);
	bool all = probe != NULL;
	unsigned int i;

	for (i = 0; all && i < sizeof(needed) / sizeof(needed[0]); i++)
		all = io_uring_opcode_supported(probe, needed[i]);
	io_uring_free_probe(probe);
	return all;
}

static int uring_open(struct file_backend *fb)
{
	int rc = io_uring_queue_init(fb->depth, &fb->ring, 0);

	if (rc)
		return rc;
	rc = can_all(&fb->ring) ? io_uring_register_eventfd(&fb->ring, fb->event) : -ENOSYS;
	if (rc)
		io_uring_queue_exit(&fb->ring);
	return rc;
}

static int uring_call(struct file_backend *fb, struct nvme_backend_io *io,
		      const struct file_call *call)
{
	struct io_uring_sqe *sqe;

	if (call->kind == FILE_DISCARD) /* nothing asynchronous that every kernel has */
		return sync_call(fb, io, call);
	/* A request has one step under way, and there is an entry for each. */
	sqe = io_uring_get_sqe(&fb->ring);
	if (!sqe)
		return sync_call(fb, io, call);
	switch (call->kind) {
	case FILE_READ:
		io_uring_prep_readv(sqe, fb->fd, call->iov, call->iov_count, call->offset);
		break;
	case FILE_WRITE:
		io_uring_prep_writev2(sqe, fb->fd, call->iov, call->iov_count, call->offset,
				      call->mode);
		break;
	case FILE_SYNC:
		io_uring_prep_fsync(sqe, fb->fd, IORING_FSYNC_DATASYNC);
		break;
	default:
		io_uring_prep_fallocate(sqe, fb->fd, call->mode, (off_t)call->offset,
					(off_t)call->len);
	}
	io_uring_sqe_set_data(sqe, io);
	return FILE_PENDING;
}

static void uring_kick(struct file_backend *fb)
{
	/* What the kernel does not take for lack of something stays in the ring for the next poll. */
	if (io_uring_sq_ready(&fb->ring))
		io_uring_submit(&fb->ring);
	fb->unsubmitted = io_uring_sq_ready(&fb->ring) != 0;
}

static void uring_reap(struct file_backend *fb)
{
	struct io_uring_cqe *cqe;

	while (!io_uring_peek_cqe(&fb->ring, &cqe)) {
		struct nvme_backend_io *io = io_uring_cqe_get_data(cqe);
		int result = cqe->res;

		io_uring_cqe_seen(&fb->ring, cqe);
		file_step_done(fb, io, result);
	}
}

static bool uring_ready(struct file_backend *fb)
{
	return io_uring_cq_ready(&fb->ring) != 0;
}

static void uring_close(struct file_backend *fb)
{
	io_uring_queue_exit(&fb->ring);
}

const struct file_engine file_engine_uring = {
	.ops = &file_uring_ops,
	.open = uring_open,
	.call = uring_call,
	.kick = uring_kick,
	.reap = uring_reap,
	.ready = uring_ready,
	.close = uring_close,
};
