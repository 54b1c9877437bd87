/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a namespace stores its blocks in: one small contract, and the backends that come with the
 * library: memory, a file or block device, nothing.
 *
 * A backend belongs to one thread, that of the controller that uses it. Requests are asynchronous:
 * submit takes one, its done callback runs once, from inside poll or from inside submit. Several may
 * be in flight; their order is not kept, except that a flush covers all writes whose done callback
 * ran before the flush was submitted.
 */
#ifndef NVME_BACKEND_H
#define NVME_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct nvme_backend;

enum nvme_backend_op {
	NVME_BACKEND_READ,
	NVME_BACKEND_WRITE,
	NVME_BACKEND_FLUSH,        /* all that was written is on stable storage */
	NVME_BACKEND_WRITE_ZEROES, /* reads as zeroes afterwards */
	NVME_BACKEND_DISCARD,      /* a hint; reads as zeroes or as before, per block */
};

/* The write is on stable storage when it is done (Force Unit Access). */
#define NVME_BACKEND_FUA 1u

#define NVME_BACKEND_SCRATCH 128u

/* A request. The submitter fills in all but scratch; it stays his, and must stay, until done. */
struct nvme_backend_io {
	enum nvme_backend_op op;
	uint32_t flags;          /* NVME_BACKEND_* */
	uint64_t offset;         /* bytes, a multiple of the block size */
	uint64_t len;            /* bytes, a multiple of the block size; FLUSH: 0 */
	const struct iovec *iov; /* READ, WRITE: len bytes in all; must stay until done */
	unsigned int iov_count;
	/*
	 * error: 0, or a negative errno: -EIO (unrecovered medium error; the system's -ENODATA,
	 * -EREMOTEIO, -EILSEQ, -EBADMSG and -EUCLEAN count as that), -ENOSPC (no room in a sparse
	 * file), -ERANGE (beyond the size), -EROFS, -EOPNOTSUPP, -ENOMEM, others as the system gives
	 * them
	 */
	void (*done)(struct nvme_backend_io *io, int error);
	void *arg; /* the submitter's own */
	/* the backend's own */
	uint64_t scratch[NVME_BACKEND_SCRATCH / 8];
};

struct nvme_backend_ops {
	const char *name;
	/* Never fails: what cannot be done ends with done(io, error). */
	void (*submit)(struct nvme_backend *backend, struct nvme_backend_io *io);
	/* Runs the done callbacks of what has ended; returns their number. NULL: all ends in submit. */
	int (*poll)(struct nvme_backend *backend);
	/* Readable when poll has something to do, or -1. NULL: -1. Belongs to the backend. */
	int (*fd)(struct nvme_backend *backend);
	/* Looks at the size again; sets backend->size. 0 or negative errno. NULL: it never changes. */
	int (*refresh)(struct nvme_backend *backend);
	/* No request is in flight. */
	void (*close)(struct nvme_backend *backend);
};

/* Embedded as the first member of each backend's own structure. Read by all, written by the backend. */
struct nvme_backend {
	const struct nvme_backend_ops *ops;
	uint64_t size;       /* bytes */
	uint32_t block_size; /* 512 or 4096 */
	uint32_t align;      /* bytes: I/O on memory of this alignment is not copied; at least 1 */
	bool read_only;
	bool volatile_cache;  /* without FLUSH writes may be lost: VWC present */
	bool zero_by_discard; /* DISCARD makes blocks read as zeroes */
};

/*
 * Memory of size bytes, zeroed; gone when it is closed. size: a multiple of block_size (512 or
 * 4096). 0, -EINVAL, -ENOMEM.
 */
int nvme_backend_ram(uint64_t size, uint32_t block_size, struct nvme_backend **backend);

/* Takes writes and forgets them; reads give zeroes. */
int nvme_backend_null(uint64_t size, uint32_t block_size, struct nvme_backend **backend);

struct nvme_backend_file_opts {
	uint32_t block_size; /* 0: 512, or the device's logical block size if that is greater */
	bool read_only;
	bool create; /* when missing: made with create_size bytes, its name on stable storage */
	uint64_t create_size;
	bool buffered;      /* no O_DIRECT, even where it can be had */
	unsigned int depth; /* requests in the kernel at a time; 0: 128, at most 4096 */
	bool synchronous;   /* plain system calls, even where the kernel has io_uring */
};

/*
 * A file or block device, through io_uring. Where that cannot be had (an old kernel, a container
 * that forbids it) by system calls, which poll then makes and waits for, one after the other;
 * ops->name says which: "file, io_uring" or "file, system calls". O_DIRECT where the file system can
 * and its blocks are not greater than ours; then memory that is not aligned is copied. FLUSH is
 * fdatasync. Write zeroes and discard by fallocate, the device's own means, or writing.
 *
 * An exclusive lock (flock; with read_only a shared one) is held until close. A file cut short
 * underneath reads with -EIO beyond its new end. A limit of file sizes (RLIMIT_FSIZE) counts as
 * -ENOSPC; the program must ignore SIGXFSZ to live to see it.
 *
 * opts NULL: defaults. -ENOENT, -EACCES, -EINVAL (size, block size, depth, neither file nor block
 * device), -EBUSY (somebody serves the file already, or the device is mounted), -ENOMEM, others as
 * the system gives them; weft_last_error() tells more.
 */
int nvme_backend_file(const char *path, const struct nvme_backend_file_opts *opts,
		      struct nvme_backend **backend);

static inline void nvme_backend_submit(struct nvme_backend *backend, struct nvme_backend_io *io)
{
	backend->ops->submit(backend, io);
}

static inline int nvme_backend_poll(struct nvme_backend *backend)
{
	return backend->ops->poll ? backend->ops->poll(backend) : 0;
}

static inline int nvme_backend_fd(struct nvme_backend *backend)
{
	return backend->ops->fd ? backend->ops->fd(backend) : -1;
}

/* NULL is ignored. No request may be in flight. */
static inline void nvme_backend_close(struct nvme_backend *backend)
{
	if (backend)
		backend->ops->close(backend);
}

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
