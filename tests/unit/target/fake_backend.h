/* SPDX-License-Identifier: BSD-2-Clause */
/* A backend in memory that does what a test wants: wait, fail, change its size. */
#ifndef FAKE_BACKEND_H
#define FAKE_BACKEND_H

#include <nvme/backend.h>

struct fake_backend {
	struct nvme_backend b;
	uint8_t *mem;
	uint64_t new_size; /* what refresh finds */
	bool slow;         /* requests end in poll, not in submit */
	bool stuck;        /* not even there */
	int fail;          /* the next request of kind fail_op ends so; 0: none */
	enum nvme_backend_op fail_op;
	unsigned int ops[5]; /* requests seen, by kind */
	unsigned int fua, inflight, max_inflight;
	bool *closed; /* set by close; then the memory is gone */
	struct nvme_backend_io *queue[2048];
};

/* closed: may be NULL. */
struct fake_backend *fake_backend_new(uint64_t size, uint32_t block_size, bool *closed);

#endif
