/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Waiting for commands: everything goes on meanwhile, and a command that gets no answer ends
 * through recovery.
 */
#include <errno.h>
#include <string.h>

#include "host.h"

#define SPINS 32
#define NAP_MS 100

/* One round of polling; false when nothing happened. */
static bool breathe(struct nvme_host *h)
{
	int n = nvmf__env_poll(&h->env);

	if (n == -ENODEV && !h->failed)
		h->failed = -ENODEV;
	nvme__service(h);
	return n > 0;
}

void nvme__wait(struct nvme_host *h, const bool *done)
{
	unsigned int idle = 0;

	while (!*done) {
		idle = breathe(h) ? 0 : idle + 1;
		if (idle > SPINS && !*done)
			nvmf__env_wait(&h->env, NAP_MS);
	}
}

struct waiter {
	struct nvme_result result;
	bool done;
};

static void wake(void *arg, const struct nvme_result *result)
{
	struct waiter *w = arg;

	w->result = *result;
	w->done = true;
}

/* One command on q through a DMA buffer of our own. */
int nvme__sync(struct nvme_host *h, struct host_queue *q, const struct nvme_sqe *sqe, void *buf,
	       size_t len, bool send, struct nvme_result *result)
{
	struct waiter w = { .done = false };
	struct memdesc mem;
	void *dma = NULL;
	int rc;

	if (len) {
		dma = nvmf__env_alloc(&h->env, len);
		if (!dma)
			return -errno;
		if (send)
			memcpy(dma, buf, len);
	}
	mem = memdesc_vaddr(dma);
	while ((rc = nvme__submit(q, sqe, len ? &mem : NULL, len, send, wake, &w, NULL)) == -EAGAIN)
		breathe(h); /* all commands are taken: let some end */
	if (!rc) {
		nvme__wait(h, &w.done);
		rc = w.result.error;
	}
	if (!rc && len && !send)
		memcpy(buf, dma, len);
	nvmf__env_free(&h->env, dma);
	if (rc)
		return weft_set_error(rc, "command %02x: %s", sqe->opc, strerror(-rc));
	if (result)
		*result = w.result;
	return 0;
}
