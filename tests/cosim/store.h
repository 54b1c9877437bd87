/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A backend for tests: memory that the test can look at, requests that take device time and may
 * overtake each other, and failures on request.
 */
#ifndef WEFT_TEST_STORE_H
#define WEFT_TEST_STORE_H

#include <nvme/backend.h>

#include "weft_world.h"

struct store {
	struct nvme_backend backend;
	struct weft_world *world;
	uint8_t *ram;      /* backend.size bytes; stays after close */
	uint64_t delay_ns; /* of each request; 0: it ends inside submit */
	bool shuffle;      /* each takes 0 to 2 delay_ns */
	uint64_t rng, last_poll;
	unsigned int still;              /* polls since time moved */
	struct nvme_backend_io *pending; /* linked through their private words */
	unsigned int inflight, flushes, discards, zeroes, reads, writes;
	unsigned int most; /* of inflight */
	int fail;          /* error of the next request, once */
	bool closed;
	const char *misuse; /* what the submitter did wrong, or NULL */
};

/* 0 or -ENOMEM. Closing the backend leaves ram; store_free gives it back. */
int store_init(struct store *store, struct weft_world *world, uint64_t size, uint32_t block_size);
void store_free(struct store *store);

#endif
