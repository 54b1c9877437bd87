// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store.h"

#define STILL 50 /* polls after which time is held to stand still */

/* In the private words of a request. */
struct waiting {
	struct nvme_backend_io *next;
	uint64_t due;
};

static struct waiting *waiting(struct nvme_backend_io *io)
{
	return (struct waiting *)io->scratch;
}

static struct store *self(struct nvme_backend *b)
{
	return (struct store *)b;
}

static uint64_t draw(struct store *s)
{
	s->rng ^= s->rng << 13;
	s->rng ^= s->rng >> 7;
	s->rng ^= s->rng << 17;
	return s->rng >> 11;
}

static void copy(struct store *s, const struct nvme_backend_io *io)
{
	uint64_t at = io->offset, left = io->len, n;
	unsigned int i;

	for (i = 0; i < io->iov_count && left; i++) {
		n = io->iov[i].iov_len < left ? io->iov[i].iov_len : left;
		if (io->op == NVME_BACKEND_READ)
			memcpy(io->iov[i].iov_base, s->ram + at, n);
		else
			memcpy(s->ram + at, io->iov[i].iov_base, n);
		at += n;
		left -= n;
	}
	if (left)
		s->misuse = "the pieces are shorter than the request";
}

static int perform(struct store *s, const struct nvme_backend_io *io)
{
	int err = s->fail;

	s->fail = 0;
	if (err)
		return err;
	if (io->offset % s->backend.block_size || io->len % s->backend.block_size)
		s->misuse = "offset or length is no multiple of the block size";
	if (io->len > s->backend.size || io->offset > s->backend.size - io->len)
		return -ERANGE;
	switch (io->op) {
	case NVME_BACKEND_READ:
	case NVME_BACKEND_WRITE:
		*(io->op == NVME_BACKEND_READ ? &s->reads : &s->writes) += 1;
		copy(s, io);
		return 0;
	case NVME_BACKEND_FLUSH:
		s->flushes++;
		return 0;
	case NVME_BACKEND_WRITE_ZEROES:
	case NVME_BACKEND_DISCARD:
		*(io->op == NVME_BACKEND_DISCARD ? &s->discards : &s->zeroes) += 1;
		memset(s->ram + io->offset, 0, io->len);
		return 0;
	}
	return -EOPNOTSUPP;
}

static void on_submit(struct nvme_backend *b, struct nvme_backend_io *io)
{
	struct store *s = self(b);
	uint64_t after = s->shuffle ? draw(s) % (2 * s->delay_ns + 1) : s->delay_ns;

	if (s->closed)
		s->misuse = "a request after close";
	if (!s->delay_ns) {
		io->done(io, perform(s, io));
		return;
	}
	waiting(io)->due = weft_world_now(s->world) + after;
	waiting(io)->next = s->pending;
	s->pending = io;
	if (++s->inflight > s->most)
		s->most = s->inflight;
}

/* The first of those that are due, taken out of the list. */
static struct nvme_backend_io *take_due(struct store *s)
{
	uint64_t now = s->still < STILL ? weft_world_now(s->world) : UINT64_MAX;
	struct nvme_backend_io *io, *before = NULL, *found = NULL, *found_before = NULL;

	for (io = s->pending; io; before = io, io = waiting(io)->next)
		if (waiting(io)->due <= now &&
		    (!found || waiting(io)->due <= waiting(found)->due)) {
			found = io;
			found_before = before;
		}
	if (!found)
		return NULL;
	if (found_before)
		waiting(found_before)->next = waiting(found)->next;
	else
		s->pending = waiting(found)->next;
	s->inflight--;
	return found;
}

static int on_poll(struct nvme_backend *b)
{
	struct store *s = self(b);
	struct nvme_backend_io *io;
	uint64_t now = weft_world_now(s->world);
	int n = 0;

	/* whoever waits for us alone does not give time to the adapters */
	s->still = now == s->last_poll ? s->still + 1 : 0;
	s->last_poll = now;
	while ((io = take_due(s))) {
		io->done(io, perform(s, io));
		n++;
	}
	return n;
}

static void on_close(struct nvme_backend *b)
{
	struct store *s = self(b);

	if (s->inflight)
		s->misuse = "closed with requests in flight";
	s->closed = true;
}

int store_init(struct store *s, struct weft_world *world, uint64_t size, uint32_t block_size)
{
	static const struct nvme_backend_ops ops = {
		.name = "test", .submit = on_submit, .poll = on_poll, .close = on_close
	};

	memset(s, 0, sizeof(*s));
	s->world = world;
	s->rng = 0x1234567;
	s->ram = calloc(1, size);
	s->backend.ops = &ops;
	s->backend.size = size;
	s->backend.block_size = block_size;
	s->backend.align = 1;
	s->backend.volatile_cache = true;
	return s->ram ? 0 : -ENOMEM;
}

void store_free(struct store *s)
{
	free(s->ram);
	s->ram = NULL;
}
