/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_backend.h"

static void must(bool cond, const char *what)
{
	if (cond)
		return;
	fprintf(stderr, "fake_backend: %s\n", what);
	abort();
}

static void copy(struct fake_backend *f, const struct nvme_backend_io *io)
{
	uint8_t *at = f->mem + io->offset;
	uint64_t left = io->len;
	unsigned int i;

	for (i = 0; i < io->iov_count; at += io->iov[i].iov_len, i++) {
		must(io->iov[i].iov_len <= left, "more memory than length");
		left -= io->iov[i].iov_len;
		if (io->op == NVME_BACKEND_READ)
			memcpy(io->iov[i].iov_base, at, io->iov[i].iov_len);
		else
			memcpy(at, io->iov[i].iov_base, io->iov[i].iov_len);
	}
	must(!left, "less memory than length");
}

static int run(struct fake_backend *f, const struct nvme_backend_io *io)
{
	if (f->fail && f->fail_op == io->op) {
		int error = f->fail;

		f->fail = 0;
		return error;
	}
	if (io->op == NVME_BACKEND_FLUSH)
		return 0;
	must(io->len && io->offset % f->b.block_size == 0 && io->len % f->b.block_size == 0,
	     "offset and length are whole blocks");
	if (io->offset > f->b.size || io->len > f->b.size - io->offset)
		return -ERANGE;
	if (io->op == NVME_BACKEND_READ || io->op == NVME_BACKEND_WRITE)
		copy(f, io);
	else
		memset(f->mem + io->offset, 0, io->len);
	return 0;
}

static void end(struct fake_backend *f, struct nvme_backend_io *io)
{
	int error = run(f, io);

	f->inflight--;
	memset(io->scratch, 0xee, sizeof(io->scratch));
	io->done(io, error);
}

static void submit(struct nvme_backend *b, struct nvme_backend_io *io)
{
	struct fake_backend *f = (struct fake_backend *)b;

	f->ops[io->op]++;
	f->fua += io->flags & NVME_BACKEND_FUA;
	must(f->inflight < sizeof(f->queue) / sizeof(*f->queue), "too many requests");
	f->queue[f->inflight++] = io;
	if (f->inflight > f->max_inflight)
		f->max_inflight = f->inflight;
	if (!f->slow)
		end(f, io);
}

static int poll_backend(struct nvme_backend *b)
{
	struct fake_backend *f = (struct fake_backend *)b;
	unsigned int n = f->inflight, i;
	struct nvme_backend_io *io[2048];

	if (!f->slow || f->stuck)
		return 0;
	memcpy(io, f->queue, n * sizeof(*io));
	f->inflight = 0; /* those that come from inside are for the next poll */
	for (i = 0; i < n; i++) {
		f->inflight++;
		end(f, io[i]);
	}
	return (int)n;
}

static int refresh(struct nvme_backend *b)
{
	struct fake_backend *f = (struct fake_backend *)b;

	if (f->new_size)
		b->size = f->new_size;
	return 0;
}

static void close_backend(struct nvme_backend *b)
{
	struct fake_backend *f = (struct fake_backend *)b;

	must(!f->inflight, "closed while requests are in flight");
	if (f->closed)
		*f->closed = true;
	free(f->mem);
	free(f);
}

static const struct nvme_backend_ops ops = {
	.name = "fake",
	.submit = submit,
	.poll = poll_backend,
	.refresh = refresh,
	.close = close_backend,
};

struct fake_backend *fake_backend_new(uint64_t size, uint32_t block_size, bool *closed)
{
	struct fake_backend *f = calloc(1, sizeof(*f));

	f->b = (struct nvme_backend){
		.ops = &ops,
		.size = size,
		.block_size = block_size,
		.align = 1,
		.zero_by_discard = true,
	};
	f->mem = calloc(1, size);
	f->closed = closed;
	if (closed)
		*closed = false;
	return f;
}
