/* SPDX-License-Identifier: BSD-2-Clause */
/* What the double of the transport and that of the driver know of each other. */
#ifndef FAKE_INT_H
#define FAKE_INT_H

#include "fake_nvmf.h"

/* Something for a later poll: the end of a fetch, or buffers to give back. */
struct event {
	struct event *next;
	struct nvmf_capsule *nc; /* fetch */
	nvmf_io_complete_t *cb;
	void *arg;
	void *mem;
	size_t len;
	uint32_t offset;
	int error;
	struct nvmf_buf *chain; /* buffers */
};

struct mem {
	struct mem *next;
	void *p;
	size_t size;
};

struct weft_dev {
	uint64_t now;
	bool gone, hold_buffers;
	struct nvmf_listener *listeners;
	struct fake_conn *conns;
	struct event *events, **last;
	struct mem *mems;
};

/* Aborts with what unless cond. */
void fake_must(bool cond, const char *what);
/* p is memory of weft_mem_alloc, all of it. */
bool fake_dma_memory(const struct weft_dev *dev, const void *p, size_t len);

#endif
