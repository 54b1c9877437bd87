/* SPDX-License-Identifier: BSD-2-Clause */
/* The file backend: opening, geometry, closing. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weft/dev.h>

#include "check.h"
#include "file.h"

#define DEFAULT_DEPTH 128u
#define MAX_DEPTH 4096u
#define PROBE_ALIGN 4096u

static int fail(int err, const char *path, const char *what)
{
	return weft_set_error(err, "%s: %s: %s", path, what, strerror(-err));
}

/* --- geometry ----------------------------------------------------------------------------------- */

static int size_of(const struct file_backend *fb, uint64_t *size)
{
	struct stat st;

	if (fb->block_device)
		return ioctl(fb->fd, BLKGETSIZE64, size) ? -errno : 0;
	if (fstat(fb->fd, &st))
		return -errno;
	*size = (uint64_t)st.st_size;
	return 0;
}

int file_refresh(struct nvme_backend *backend)
{
	struct file_backend *fb = (struct file_backend *)backend;
	uint64_t size;
	int rc = size_of(fb, &size);

	if (rc)
		return weft_set_error(rc, "size of the file: %s", strerror(-rc));
	if (backend_check_geometry(size, backend->block_size))
		return weft_set_error(-EINVAL,
				      "the file has %llu bytes now: 0 or no multiple of %u",
				      (unsigned long long)size, backend->block_size);
	backend->size = size;
	return 0;
}

static int find_geometry(struct file_backend *fb, const char *path, uint32_t want)
{
	uint32_t block = want ? want : 512;
	uint64_t size;
	int logical = 512, rc;

	if (fb->block_device && ioctl(fb->fd, BLKSSZGET, &logical))
		return fail(-errno, path, "logical block size");
	if (!want && (uint32_t)logical > block)
		block = (uint32_t)logical;
	if (block < (uint32_t)logical)
		return weft_set_error(-EINVAL,
				      "%s: a block size of %u is less than the device's own, %d",
				      path, block, logical);
	rc = size_of(fb, &size);
	if (rc)
		return fail(rc, path, "size");
	if (block != 512 && block != 4096)
		return weft_set_error(-EINVAL, "%s: a block size of %u; 512 and 4096 are possible",
				      path, block);
	if (backend_check_geometry(size, block))
		return weft_set_error(-EINVAL,
				      "%s: a size of %llu bytes: must be a multiple of the block "
				      "size, %u, and not 0",
				      path, (unsigned long long)size, block);
	fb->base.size = size;
	fb->base.block_size = block;
	return 0;
}

/* --- O_DIRECT ----------------------------------------------------------------------------------- */

/* Tries a read of n bytes into memory that is aligned to them. */
static bool direct_reads(int fd, size_t n)
{
	void *p;
	bool ok;

	if (posix_memalign(&p, PROBE_ALIGN, PROBE_ALIGN))
		return false;
	ok = pread(fd, p, n, 0) == (ssize_t)n;
	free(p);
	return ok;
}

/* What O_DIRECT wants: asked where the kernel tells (Linux 6.1), else tried. */
static bool direct_limits(const struct file_backend *fb, int fd, uint32_t *memory, uint32_t *offset)
{
#ifdef STATX_DIOALIGN
	struct statx sx;

	if (!statx(fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &sx) && sx.stx_mask & STATX_DIOALIGN) {
		*memory = sx.stx_dio_mem_align;
		*offset = sx.stx_dio_offset_align;
		return *memory && *offset;
	}
#endif
	*offset = direct_reads(fd, 512) ? 512 : 4096;
	*memory = *offset;
	return *offset <= fb->base.block_size && direct_reads(fd, *offset);
}

/* Turns O_DIRECT on where it can be had for blocks of our size; leaves the file as it was if not. */
static void try_direct(struct file_backend *fb)
{
	uint32_t memory = 0, offset = 0;
	int flags = fcntl(fb->fd, F_GETFL);

	if (flags < 0 || fcntl(fb->fd, F_SETFL, flags | O_DIRECT))
		return;
	if (!direct_limits(fb, fb->fd, &memory, &offset) || offset > fb->base.block_size) {
		fcntl(fb->fd, F_SETFL, flags);
		return;
	}
	fb->direct = true;
	fb->dio_offset = offset;
	fb->base.align = memory;
}

/* --- open, close -------------------------------------------------------------------------------- */

static int sync_whole(int fd)
{
	int rc;

	do
		rc = fsync(fd);
	while (rc && errno == EINTR);
	return rc;
}

/* The folder's entry, too: a file that is not found after a crash has lost all that was flushed. */
static int make_stable(int fd, const char *path)
{
	char *copy = strdup(path);
	int folder, rc = -ENOMEM;

	if (!copy)
		return rc;
	folder = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	rc = folder < 0 || sync_whole(fd) || (sync_whole(folder) && errno != EINVAL) ? -errno : 0;
	if (folder >= 0)
		close(folder);
	free(copy);
	return rc;
}

static int create_file(const char *path, const struct nvme_backend_file_opts *opts)
{
	uint32_t block = opts->block_size ? opts->block_size : 512;
	int fd, rc;

	if (backend_check_geometry(opts->create_size, block))
		return weft_set_error(-EINVAL,
				      "%s: cannot be made with %llu bytes: must be a multiple of "
				      "the block size, %u, and not 0",
				      path, (unsigned long long)opts->create_size, block);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd < 0)
		return fail(-errno, path, "create");
	rc = ftruncate(fd, (off_t)opts->create_size) ? -errno : make_stable(fd, path);
	if (rc) {
		unlink(path);
		close(fd);
		return fail(rc, path, "create");
	}
	return fd;
}

/* The fd or negative errno. */
static int open_path(struct file_backend *fb, const char *path,
		     const struct nvme_backend_file_opts *opts)
{
	int flags = O_CLOEXEC | O_NONBLOCK | (opts->read_only ? O_RDONLY : O_RDWR), fd;
	struct stat st;

	if (stat(path, &st)) {
		if (errno == ENOENT && opts->create && !opts->read_only)
			return create_file(path, opts);
		return fail(-errno, path, "open");
	}
	/* Looked at before it is opened: opening a FIFO or a tape does something. */
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		return weft_set_error(-EINVAL, "%s: neither a file nor a block device", path);
	if (S_ISBLK(st.st_mode) && !opts->read_only)
		flags |= O_EXCL; /* fails when it is mounted */
	fd = open(path, flags);
	if (fd < 0)
		return fail(-errno, path, errno == EBUSY ? "in use by this system" : "open");
	flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) || fstat(fd, &st) ||
	    (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))) {
		close(fd);
		return weft_set_error(-EINVAL, "%s: changed while it was opened", path);
	}
	fb->block_device = S_ISBLK(st.st_mode);
	return fd;
}

static int lock_file(const struct file_backend *fb, const char *path)
{
	if (!flock(fb->fd, LOCK_NB | (fb->base.read_only ? LOCK_SH : LOCK_EX)))
		return 0;
	if (errno == EWOULDBLOCK)
		return weft_set_error(-EBUSY, "%s: locked: somebody serves it already", path);
	return fail(-errno, path, "lock");
}

/* Whether DISCARD makes zeroes: asked beyond the end, where there is nothing to lose. */
static bool holes_read_zero(const struct file_backend *fb)
{
	return !fb->block_device && !fb->base.read_only &&
	       !fallocate(fb->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)fb->base.size,
			  (off_t)fb->base.block_size);
}

static int pick_engine(struct file_backend *fb, bool synchronous, const char *path)
{
	fb->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (fb->event < 0)
		return fail(-errno, path, "eventfd");
	/*
	 * Containers often forbid io_uring, old kernels have none or count its memory against a low
	 * limit; the file can be served all the same.
	 */
	fb->engine = &file_engine_sync;
	if (!synchronous && !file_engine_uring.open(fb))
		fb->engine = &file_engine_uring;
	fb->base.ops = fb->engine->ops;
	return 0;
}

static int set_up(struct file_backend *fb, const char *path,
		  const struct nvme_backend_file_opts *opts)
{
	int rc;

	fb->fd = open_path(fb, path, opts);
	if (fb->fd < 0)
		return fb->fd;
	fb->base.read_only = opts->read_only;
	fb->base.volatile_cache = !opts->read_only;
	fb->base.align = 1;
	rc = lock_file(fb, path);
	if (!rc)
		rc = find_geometry(fb, path, opts->block_size);
	if (rc)
		return rc;
	if (!opts->buffered)
		try_direct(fb);
	fb->base.zero_by_discard = holes_read_zero(fb);
	return pick_engine(fb, opts->synchronous, path);
}

static void let_go(struct file_backend *fb)
{
	if (fb->engine && fb->engine->close)
		fb->engine->close(fb);
	if (fb->event >= 0)
		close(fb->event);
	if (fb->fd >= 0)
		close(fb->fd);
	free(fb);
}

int nvme_backend_file(const char *path, const struct nvme_backend_file_opts *opts,
		      struct nvme_backend **backend)
{
	static const struct nvme_backend_file_opts defaults;
	struct file_backend *fb;
	int rc;

	if (!opts)
		opts = &defaults;
	if (opts->depth > MAX_DEPTH)
		return weft_set_error(-EINVAL, "%s: a depth of %u; at most %u", path, opts->depth,
				      MAX_DEPTH);
	fb = calloc(1, sizeof(*fb));
	if (!fb)
		return weft_set_error(-ENOMEM, "%s: no memory", path);
	fb->fd = fb->event = -1;
	fb->depth = opts->depth ? opts->depth : DEFAULT_DEPTH;
	file_queue_init(&fb->waiting);
	file_queue_init(&fb->ended);
	rc = set_up(fb, path, opts);
	if (rc) {
		let_go(fb);
		return rc;
	}
	*backend = &fb->base;
	return 0;
}

int file_event_fd(struct nvme_backend *backend)
{
	return ((struct file_backend *)backend)->event;
}

void file_close(struct nvme_backend *backend)
{
	let_go((struct file_backend *)backend);
}

const struct nvme_backend_ops file_uring_ops = {
	.name = "file, io_uring",
	.submit = file_submit,
	.poll = file_poll,
	.fd = file_event_fd,
	.refresh = file_refresh,
	.close = file_close,
};

const struct nvme_backend_ops file_sync_ops = {
	.name = "file, system calls",
	.submit = file_submit,
	.poll = file_poll,
	.fd = file_event_fd,
	.refresh = file_refresh,
	.close = file_close,
};
