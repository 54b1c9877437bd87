/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests of the file backend: from submission to the done callback, a step at a time. */
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "file.h"

#define FILL_BYTES (256u << 10)
#define BOUNCE_ALIGN 4096u

/* What zeroes are written from where the file system cannot make them. Never written to. */
static uint8_t zeroes[FILL_BYTES] __attribute__((aligned(BOUNCE_ALIGN)));

/* --- queues ------------------------------------------------------------------------------------- */

void file_queue_init(struct file_queue *q)
{
	q->head = NULL;
	q->tail = &q->head;
}

static void put(struct file_queue *q, struct nvme_backend_io *io)
{
	file_req(io)->next = NULL;
	*q->tail = io;
	q->tail = &file_req(io)->next;
}

static struct nvme_backend_io *take(struct file_queue *q)
{
	struct nvme_backend_io *io = q->head;

	if (!io)
		return NULL;
	q->head = file_req(io)->next;
	if (!q->head)
		q->tail = &q->head;
	return io;
}

/* --- one step ----------------------------------------------------------------------------------- */

/* O_DIRECT takes the caller's memory as it is. */
static bool fits_direct(const struct file_backend *fb, const struct nvme_backend_io *io)
{
	unsigned int i;

	for (i = 0; i < io->iov_count; i++)
		if ((uintptr_t)io->iov[i].iov_base % fb->base.align ||
		    io->iov[i].iov_len % fb->dio_offset)
			return false;
	return true;
}

static void copy_bounce(struct nvme_backend_io *io, bool to_caller)
{
	uint8_t *p = file_req(io)->bounce;
	unsigned int i;

	for (i = 0; i < io->iov_count; i++) {
		size_t n = io->iov[i].iov_len;

		if (n && to_caller)
			memcpy(io->iov[i].iov_base, p, n);
		else if (n)
			memcpy(p, io->iov[i].iov_base, n);
		p += n;
	}
}

static int make_bounce(const struct file_backend *fb, struct nvme_backend_io *io)
{
	size_t align = fb->base.align > BOUNCE_ALIGN ? fb->base.align : BOUNCE_ALIGN;
	void *p;

	if (posix_memalign(&p, align, io->len))
		return -ENOMEM;
	file_req(io)->bounce = p;
	if (io->op == NVME_BACKEND_WRITE)
		copy_bounce(io, false);
	return 0;
}

/* The rest of the data: the caller's list from a whole element on, or a piece of memory. */
static void describe_move(struct nvme_backend_io *io, struct file_call *call)
{
	struct file_req *r = file_req(io);

	call->iov = &r->part;
	call->iov_count = 1;
	if (r->bounce) {
		r->part = (struct iovec){ r->bounce + r->moved, io->len - r->moved };
	} else if (r->within) {
		const struct iovec *v = &io->iov[r->index];

		r->part = (struct iovec){ (uint8_t *)v->iov_base + r->within,
					  v->iov_len - r->within };
	} else {
		call->iov = io->iov + r->index;
		call->iov_count = io->iov_count - r->index;
		if (call->iov_count > IOV_MAX)
			call->iov_count = IOV_MAX;
	}
}

static void describe(const struct file_backend *fb, struct nvme_backend_io *io,
		     struct file_call *call)
{
	struct file_req *r = file_req(io);
	uint64_t rest = io->len - r->moved;

	memset(call, 0, sizeof(*call));
	call->offset = io->offset + r->moved;
	call->len = rest;
	switch (r->step) {
	case FILE_MOVE:
		call->kind = io->op == NVME_BACKEND_READ ? FILE_READ : FILE_WRITE;
		if (io->op == NVME_BACKEND_WRITE && io->flags & NVME_BACKEND_FUA && !fb->no_dsync)
			call->mode = RWF_DSYNC;
		describe_move(io, call);
		break;
	case FILE_FILL:
		call->kind = FILE_WRITE;
		r->part = (struct iovec){ zeroes, rest < FILL_BYTES ? rest : FILL_BYTES };
		call->iov = &r->part;
		call->iov_count = 1;
		break;
	case FILE_ZERO_RANGE:
		call->kind = FILE_ALLOCATE;
		call->mode = FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE;
		break;
	case FILE_PUNCH:
		call->kind = FILE_ALLOCATE;
		call->mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
		break;
	case FILE_DROP:
		call->kind = FILE_DISCARD;
		break;
	case FILE_FLUSH:
		call->kind = FILE_SYNC;
		break;
	}
}

/* Counts n moved bytes of the caller's list. */
static void advance(struct nvme_backend_io *io, uint64_t n)
{
	struct file_req *r = file_req(io);

	r->moved += n;
	if (r->step != FILE_MOVE)
		return;
	r->within += n;
	while (r->index < io->iov_count && r->within >= io->iov[r->index].iov_len)
		r->within -= io->iov[r->index++].iov_len;
}

/* --- results ------------------------------------------------------------------------------------ */

/* These return true when the request has ended. */

static bool end(struct nvme_backend_io *io, int error)
{
	/* A full disk has several names. */
	file_req(io)->error = error == -EFBIG || error == -EDQUOT ? -ENOSPC : error;
	return true;
}

/* Force Unit Access that the step itself did not give. */
static bool end_stable(struct file_backend *fb, struct nvme_backend_io *io)
{
	struct file_req *r = file_req(io);

	if (!(io->flags & NVME_BACKEND_FUA) || (r->step == FILE_MOVE && !fb->no_dsync))
		return end(io, 0);
	r->step = FILE_FLUSH;
	return false;
}

static bool moved(struct file_backend *fb, struct nvme_backend_io *io, int result)
{
	struct file_req *r = file_req(io);
	uint64_t n = (uint64_t)result;

	if (result == -EINVAL && fb->direct && !r->bounce && r->step == FILE_MOVE) {
		/* stricter than it says: once more with memory that fits everything */
		int rc = make_bounce(fb, io);

		return rc ? end(io, rc) : false;
	}
	if ((result == -EOPNOTSUPP || result == -ENOTSUP) && io->op == NVME_BACKEND_WRITE &&
	    io->flags & NVME_BACKEND_FUA && !fb->no_dsync) {
		fb->no_dsync = true;
		return false;
	}
	if (result < 0)
		return end(io, result);
	/* A piece that is no multiple of the block leads to the end of the file only. */
	if (fb->direct && r->moved + n < io->len)
		n -= n % fb->dio_offset;
	if (!n)
		return end(io, -EIO);
	advance(io, n);
	if (r->moved < io->len)
		return false;
	if (io->op == NVME_BACKEND_READ) {
		if (r->bounce)
			copy_bounce(io, true);
		return end(io, 0);
	}
	return end_stable(fb, io);
}

static bool cannot(int result)
{
	return result == -EOPNOTSUPP || result == -ENOSYS || result == -EINVAL ||
	       result == -ENOTTY || result == -ENODEV;
}

/* The file system's ways of making zeroes or holes, best first; what all can is writing. */
static bool allocated(struct file_backend *fb, struct nvme_backend_io *io, int result)
{
	struct file_req *r = file_req(io);

	if (!cannot(result))
		return result < 0 ? end(io, result) : end_stable(fb, io);
	if (r->step == FILE_ZERO_RANGE) {
		fb->no_zero_range |= result == -EOPNOTSUPP;
		r->step = fb->no_punch ? FILE_FILL : FILE_PUNCH;
		return false;
	}
	fb->no_punch |= r->step == FILE_PUNCH && result == -EOPNOTSUPP;
	if (io->op == NVME_BACKEND_WRITE_ZEROES || fb->base.zero_by_discard) {
		r->step = FILE_FILL; /* zeroes were promised */
		return false;
	}
	if (r->step == FILE_PUNCH && fb->block_device) {
		r->step = FILE_DROP;
		return false;
	}
	return end(io, 0); /* a hint that cannot be followed */
}

static bool took(struct file_backend *fb, struct nvme_backend_io *io, int result)
{
	if (result == -EINTR || result == -EAGAIN)
		return false;
	switch (file_req(io)->step) {
	case FILE_MOVE:
	case FILE_FILL:
		return moved(fb, io, result);
	case FILE_FLUSH:
		return end(io, result < 0 ? result : 0);
	default:
		return allocated(fb, io, result);
	}
}

static void report(struct file_backend *fb, struct nvme_backend_io *io)
{
	put(&fb->ended, io);
	fb->n_ended++;
}

static void ended(struct file_backend *fb, struct nvme_backend_io *io)
{
	free(file_req(io)->bounce);
	fb->in_flight--;
	report(fb, io);
}

static void run(struct file_backend *fb, struct nvme_backend_io *io)
{
	struct file_call call;
	int result;

	do {
		describe(fb, io, &call);
		result = fb->engine->call(fb, io, &call);
		if (result == FILE_PENDING)
			return;
	} while (!took(fb, io, result));
	ended(fb, io);
}

void file_step_done(struct file_backend *fb, struct nvme_backend_io *io, int result)
{
	if (took(fb, io, result))
		ended(fb, io);
	else
		run(fb, io);
}

/* --- requests ----------------------------------------------------------------------------------- */

static void start(struct file_backend *fb, struct nvme_backend_io *io)
{
	struct file_req *r = file_req(io);

	fb->in_flight++;
	switch (io->op) {
	case NVME_BACKEND_FLUSH:
		r->step = FILE_FLUSH;
		break;
	case NVME_BACKEND_WRITE_ZEROES:
		r->step = !fb->no_zero_range ? FILE_ZERO_RANGE :
			  !fb->no_punch      ? FILE_PUNCH :
					       FILE_FILL;
		break;
	case NVME_BACKEND_DISCARD:
		r->step = FILE_PUNCH;
		break;
	default:
		r->step = FILE_MOVE;
		advance(io, 0); /* past empty elements */
		if (fb->direct && !fits_direct(fb, io) && make_bounce(fb, io)) {
			end(io, -ENOMEM);
			ended(fb, io);
			return;
		}
	}
	run(fb, io);
}

/* At most depth at a time also where each ends at once: the caller has other things to do. */
static void pump(struct file_backend *fb)
{
	struct nvme_backend_io *io;
	unsigned int n;

	for (n = 0; n < fb->depth && fb->in_flight < fb->depth; n++) {
		io = take(&fb->waiting);
		if (!io)
			break;
		start(fb, io);
	}
	if (fb->engine->kick)
		fb->engine->kick(fb);
}

/* Makes the fd readable when there is something that no completion will tell of. */
static void wake(struct file_backend *fb)
{
	bool more = fb->ended.head || (fb->waiting.head && !fb->in_flight) || fb->unsubmitted ||
		    (fb->engine->ready && fb->engine->ready(fb));
	uint64_t one = 1;

	if (more && write(fb->event, &one, sizeof(one)) < 0) {
		/* the counter is full: it is readable */
	}
}

void file_submit(struct nvme_backend *backend, struct nvme_backend_io *io)
{
	struct file_backend *fb = (struct file_backend *)backend;
	int rc = backend_check(backend, io);

	memset(io->scratch, 0, sizeof(io->scratch));
	if (rc || (io->op != NVME_BACKEND_FLUSH && !io->len) ||
	    (io->op == NVME_BACKEND_FLUSH && backend->read_only)) {
		file_req(io)->error = rc;
		report(fb, io);
	} else {
		put(&fb->waiting, io);
		/* plain system calls sleep: they wait for the poll */
		if (fb->engine == &file_engine_uring)
			pump(fb);
	}
	wake(fb);
}

int file_poll(struct nvme_backend *backend)
{
	struct file_backend *fb = (struct file_backend *)backend;
	struct nvme_backend_io *io;
	unsigned int left;
	uint64_t count;
	int n = 0;

	if (fb->engine->reap)
		fb->engine->reap(fb);
	pump(fb);
	/* What the callbacks submit is for the next poll, which may be one from inside them. */
	for (left = fb->n_ended; left && (io = take(&fb->ended)) != NULL; left--) {
		fb->n_ended--;
		io->done(io, file_req(io)->error);
		n++;
	}
	/* Cleared last, for who sleeps inside a callback; what came since is signalled again. */
	if (read(fb->event, &count, sizeof(count)) < 0) {
		/* nothing was signalled: poll was called early */
	}
	wake(fb);
	return n;
}
