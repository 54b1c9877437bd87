/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The file backend, inside. file.c opens and closes, file_io.c cuts requests into steps, each of
 * which is one call to the kernel, and file_engine.c makes these calls: through io_uring, or, where
 * the kernel or the container has none, by plain system calls during poll.
 *
 *   submitted -> waiting (more than depth are under way) -> step, step, ... -> ended -> done
 */
#ifndef BACKEND_FILE_H
#define BACKEND_FILE_H

#include <liburing.h>

#include <nvme/backend.h>

/* What the kernel is asked next. */
enum file_call_kind { FILE_READ, FILE_WRITE, FILE_SYNC, FILE_ALLOCATE, FILE_DISCARD };

struct file_call {
	enum file_call_kind kind;
	int mode; /* ALLOCATE: of fallocate; WRITE: RWF_* */
	const struct iovec *iov;
	unsigned int iov_count;
	uint64_t offset;
	uint64_t len; /* ALLOCATE, DISCARD */
};

struct file_backend;

#define FILE_PENDING INT32_MIN

struct file_engine {
	const struct nvme_backend_ops *ops;
	int (*open)(struct file_backend *fb);
	/* The result as system calls have it in errno form, or FILE_PENDING: file_step_done tells. */
	int (*call)(struct file_backend *fb, struct nvme_backend_io *io,
		    const struct file_call *call);
	/* Shows the kernel what call() prepared. */
	void (*kick)(struct file_backend *fb);
	void (*reap)(struct file_backend *fb);
	/* Whether reap would find something. */
	bool (*ready)(struct file_backend *fb);
	void (*close)(struct file_backend *fb);
};

extern const struct file_engine file_engine_uring, file_engine_sync;
extern const struct nvme_backend_ops file_uring_ops, file_sync_ops;

struct file_queue {
	struct nvme_backend_io *head;
	struct nvme_backend_io **tail;
};

struct file_backend {
	struct nvme_backend base;
	const struct file_engine *engine;
	int fd;
	int event; /* eventfd */
	bool block_device;
	bool direct;
	uint32_t dio_offset; /* alignment of offsets and lengths of O_DIRECT */
	bool no_zero_range;  /* learned: the file system cannot */
	bool no_punch;
	bool no_dsync; /* RWF_DSYNC */
	unsigned int depth;
	unsigned int in_flight; /* requests with a step under way */
	struct file_queue waiting;
	struct file_queue ended;
	unsigned int n_ended;
	struct io_uring ring;
	bool unsubmitted; /* the ring holds entries that the kernel would not take yet */
};

enum file_step { FILE_MOVE, FILE_ZERO_RANGE, FILE_PUNCH, FILE_FILL, FILE_DROP, FILE_FLUSH };

/* In the request's scratch part. */
struct file_req {
	struct nvme_backend_io *next;
	struct iovec part;  /* what the kernel gets when it is not the caller's own list */
	uint8_t *bounce;    /* aligned copy of the caller's memory, or NULL */
	uint64_t moved;     /* bytes so far */
	uint64_t within;    /* bytes of element index that are moved */
	unsigned int index; /* element of iov */
	enum file_step step;
	int error;
};
_Static_assert(sizeof(struct file_req) <= NVME_BACKEND_SCRATCH, "scratch part too small");

static inline struct file_req *file_req(struct nvme_backend_io *io)
{
	return (struct file_req *)io->scratch;
}

/* file_io.c */
void file_queue_init(struct file_queue *q);
void file_submit(struct nvme_backend *backend, struct nvme_backend_io *io);
int file_poll(struct nvme_backend *backend);
void file_step_done(struct file_backend *fb, struct nvme_backend_io *io, int result);

/* file.c */
int file_event_fd(struct nvme_backend *backend);
int file_refresh(struct nvme_backend *backend);
void file_close(struct nvme_backend *backend);

#endif
