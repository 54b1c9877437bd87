/* SPDX-License-Identifier: BSD-2-Clause */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <linux/loop.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "backend_helper.h"

#define URING "file, io_uring"
#define PLAIN "file, system calls"

const struct variant variants[] = {
	{ "memory", IN_MEMORY, { .block_size = 512 } },
	{ "disk, io_uring", ON_DISK, { .depth = 0 } },
	{ "disk, io_uring, few at a time", ON_DISK, { .depth = 3 } },
	{ "disk, io_uring, 4096", ON_DISK, { .block_size = 4096 } },
	{ "disk, io_uring, buffered", ON_DISK, { .buffered = true } },
	{ "disk, system calls", ON_DISK, { .synchronous = true } },
	{ "disk, system calls, buffered", ON_DISK, { .synchronous = true, .buffered = true } },
	{ "tmpfs, io_uring", ON_TMPFS, { .depth = 0 } },
	{ "tmpfs, system calls", ON_TMPFS, { .synchronous = true } },
	{ "loop device, io_uring", ON_LOOP, { .depth = 0 } },
	{ "loop device, system calls", ON_LOOP, { .synchronous = true } },
};
const int n_variants = sizeof(variants) / sizeof(variants[0]);

struct faults faults;
static char path[128], loop_path[64];
static int loop_fd = -1;

/* --- stand-ins for system calls ------------------------------------------------------------------ */

static void seen(char what)
{
	size_t n = strlen(faults.order);

	if (n < sizeof(faults.order) - 1)
		faults.order[n] = what;
}

static bool fails(int error)
{
	if (faults.interrupt) {
		faults.interrupt--;
		errno = EINTR;
		return true;
	}
	errno = error;
	return error != 0;
}

/* The list cut to faults.shorten bytes. */
static int cut(const struct iovec *iov, int n, struct iovec *to)
{
	size_t left = faults.shorten ? faults.shorten : SIZE_MAX;
	int i;

	for (i = 0; i < n && left; i++) {
		to[i] = iov[i];
		if (to[i].iov_len > left)
			to[i].iov_len = left;
		left -= to[i].iov_len;
	}
	return i;
}

ssize_t preadv(int fd, const struct iovec *iov, int n, off_t offset)
{
	static ssize_t (*real)(int, const struct iovec *, int, off_t);
	struct iovec copy[1024];

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "preadv");
	faults.reads++;
	return fails(faults.read_error) ? -1 : real(fd, copy, cut(iov, n, copy), offset);
}

ssize_t pwritev2(int fd, const struct iovec *iov, int n, off_t offset, int flags)
{
	static ssize_t (*real)(int, const struct iovec *, int, off_t, int);
	struct iovec copy[1024];

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "pwritev2");
	faults.writes++;
	if (flags & RWF_DSYNC)
		faults.dsync_writes++;
	if (fails(flags & RWF_DSYNC && faults.no_dsync ? EOPNOTSUPP : faults.write_error))
		return -1;
	seen('w');
	return real(fd, copy, cut(iov, n, copy), offset, flags);
}

int fdatasync(int fd)
{
	static int (*real)(int);

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "fdatasync");
	faults.syncs++;
	if (fails(faults.sync_error))
		return -1;
	seen('s');
	return real(fd);
}

int fsync(int fd)
{
	static int (*real)(int);
	struct stat st;

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "fsync");
	if (fails(faults.fsync_error))
		return -1;
	seen(!fstat(fd, &st) && S_ISDIR(st.st_mode) ? 'd' : 'f');
	return real(fd);
}

int fallocate(int fd, int mode, off_t offset, off_t len)
{
	static int (*real)(int, int, off_t, off_t);

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "fallocate");
	faults.allocates++;
	if (fails(mode & FALLOC_FL_ZERO_RANGE && faults.no_zero_range ? EOPNOTSUPP :
		  mode & FALLOC_FL_PUNCH_HOLE && faults.no_punch      ? EOPNOTSUPP :
									0))
		return -1;
	return real(fd, mode, offset, len);
}

int io_uring_queue_init(unsigned int entries, struct io_uring *ring, unsigned int flags)
{
	static int (*real)(unsigned int, struct io_uring *, unsigned int);

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "io_uring_queue_init");
	return faults.no_uring ? -EPERM : real(entries, ring, flags);
}

static void spoil_write(struct io_uring_sqe *sqe)
{
	bool dsync = sqe->rw_flags & RWF_DSYNC;

	faults.writes++;
	faults.dsync_writes += dsync;
	if (dsync && faults.no_dsync)
		sqe->rw_flags = 0x4000; /* a flag that nobody has */
	else
		seen('w');
}

static void spoil_sync(struct io_uring_sqe *sqe)
{
	faults.syncs++;
	if (faults.sync_error)
		sqe->fd = -1; /* -EBADF */
	else
		seen('s');
}

/* Prepared entries changed on their way to the kernel. */
static void spoil(struct io_uring *ring)
{
	static struct iovec cut_iov[4096];
	static unsigned int next;
	unsigned int i;

	for (i = ring->sq.sqe_head; i != ring->sq.sqe_tail; i++) {
		struct io_uring_sqe *sqe = &ring->sq.sqes[i & *ring->sq.kring_mask];
		const struct iovec *iov = (const struct iovec *)(uintptr_t)sqe->addr;

		if (sqe->opcode == IORING_OP_FALLOCATE &&
		    ((sqe->len & FALLOC_FL_ZERO_RANGE && faults.no_zero_range) ||
		     (sqe->len & FALLOC_FL_PUNCH_HOLE && faults.no_punch)))
			sqe->len = 0x4000; /* a mode that nobody has */
		if (sqe->opcode == IORING_OP_FSYNC)
			spoil_sync(sqe);
		if (sqe->opcode == IORING_OP_WRITEV)
			spoil_write(sqe);
		if ((sqe->opcode != IORING_OP_READV && sqe->opcode != IORING_OP_WRITEV) ||
		    !faults.shorten)
			continue;
		cut_iov[next] = iov[0];
		if (cut_iov[next].iov_len > faults.shorten)
			cut_iov[next].iov_len = faults.shorten;
		sqe->addr = (uintptr_t)&cut_iov[next];
		sqe->len = 1;
		next = (next + 1) % 4096;
	}
}

int io_uring_submit(struct io_uring *ring)
{
	static int (*real)(struct io_uring *);

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "io_uring_submit");
	if (faults.submits) {
		faults.submits--;
		return -EAGAIN;
	}
	spoil(ring);
	return real(ring);
}

/* --- stores ------------------------------------------------------------------------------------- */

const char *store_path(void)
{
	return path;
}

/* The device goes by itself when the last fd is closed, also after a test that failed. */
static bool loop_try(int ctl)
{
	struct loop_info64 info = { .lo_flags = LO_FLAGS_AUTOCLEAR };
	int n = ioctl(ctl, LOOP_CTL_GET_FREE), fd;
	bool ok;

	snprintf(loop_path, sizeof(loop_path), "/dev/loop%d", n);
	loop_fd = n < 0 ? -1 : open(loop_path, O_RDWR | O_CLOEXEC);
	fd = open(path, O_RDWR | O_CLOEXEC);
	ok = loop_fd >= 0 && fd >= 0 && !ioctl(loop_fd, LOOP_SET_FD, fd) &&
	     !ioctl(loop_fd, LOOP_SET_STATUS64, &info);
	if (fd >= 0)
		close(fd);
	if (!ok && loop_fd >= 0) {
		close(loop_fd);
		loop_fd = -1;
	}
	return ok;
}

/* Somebody else may take the free one in between. */
static bool loop_attach(void)
{
	int ctl = open("/dev/loop-control", O_RDWR | O_CLOEXEC), i;
	bool ok = false;

	for (i = 0; ctl >= 0 && !ok && i < 20; i++)
		ok = loop_try(ctl);
	if (ctl >= 0)
		close(ctl);
	return ok;
}

struct nvme_backend *store_open(const struct variant *v, uint64_t size)
{
	struct nvme_backend_file_opts o = v->opts;
	struct nvme_backend *b = NULL;
	const char *used = path;

	if (v->place == IN_MEMORY) {
		ck_assert_int_eq(nvme_backend_ram(size, o.block_size, &b), 0);
		return b;
	}
	snprintf(path, sizeof(path), "%s/weft-backend-%d",
		 v->place == ON_TMPFS ? "/dev/shm" : "build/tests/unit/backend", (int)getpid());
	unlink(path);
	if (v->place == ON_LOOP) {
		int fd = open(path, O_RDWR | O_CREAT, 0600);

		ck_assert_int_eq(ftruncate(fd, (off_t)size), 0);
		close(fd);
		if (!loop_attach()) {
			printf("# %s: skipped, no loop device can be had\n", v->name);
			unlink(path);
			return NULL;
		}
		used = loop_path;
	} else {
		o.create = true;
		o.create_size = size;
	}
	ck_assert_int_eq(nvme_backend_file(used, &o, &b), 0);
	if (!o.synchronous && strcmp(b->ops->name, URING)) {
		printf("# %s: skipped, no io_uring here\n", v->name);
		store_close(b);
		return NULL;
	}
	ck_assert_str_eq(b->ops->name, o.synchronous ? PLAIN : URING);
	ck_assert_uint_eq(b->size, size);
	return b;
}

void store_close(struct nvme_backend *b)
{
	nvme_backend_close(b);
	if (loop_fd >= 0) {
		close(loop_fd);
		loop_fd = -1;
	}
	unlink(path);
}

/* --- requests ----------------------------------------------------------------------------------- */

static void on_done(struct nvme_backend_io *io, int error)
{
	struct job *j = io->arg;

	ck_assert(!j->done);
	j->done = true;
	j->error = error;
	j->calls++;
	if (j->then)
		j->then(j);
}

void job_submit(struct nvme_backend *b, struct job *j, enum nvme_backend_op op, uint64_t offset,
		void *data, uint64_t len, uint32_t flags)
{
	j->done = false;
	j->io.op = op;
	j->io.flags = flags;
	j->io.offset = offset;
	j->io.len = len;
	j->io.done = on_done;
	j->io.arg = j;
	if (data) {
		j->iov[0] = (struct iovec){ data, len };
		j->io.iov = j->iov;
		j->io.iov_count = 1;
	}
	nvme_backend_submit(b, &j->io);
}

void backend_turn(struct nvme_backend *b)
{
	struct pollfd p = { .fd = nvme_backend_fd(b), .events = POLLIN };

	ck_assert_msg(p.fd >= 0, "%s needs polling and has no fd", b->ops->name);
	ck_assert_msg(poll(&p, 1, 10000) == 1, "the fd says nothing");
	nvme_backend_poll(b);
}

void job_wait(struct nvme_backend *b, struct job *j)
{
	while (!j->done)
		backend_turn(b);
}

int job_run(struct nvme_backend *b, enum nvme_backend_op op, uint64_t offset, void *data,
	    uint64_t len, uint32_t flags)
{
	struct job j = { .done = false };

	job_submit(b, &j, op, offset, data, len, flags);
	job_wait(b, &j);
	ck_assert_uint_eq(j.calls, 1);
	return j.error;
}

/* --- numbers ------------------------------------------------------------------------------------ */

static uint64_t state = 1;

void rnd_seed(uint64_t seed)
{
	state = seed * 0x9e3779b97f4a7c15ull + 1;
}

uint64_t rnd(uint64_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (state >> 11) % below;
}

void rnd_fill(uint8_t *p, uint64_t n)
{
	uint64_t i;

	for (i = 0; i < n; i++)
		p[i] = i % 8 ? (uint8_t)(p[i - 1] * 5 + 3) : (uint8_t)rnd(256);
}
