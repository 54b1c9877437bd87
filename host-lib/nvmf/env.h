/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What queue pairs, hosts and targets live on: an adapter or, for Fibre Channel ports without one, a
 * pump. Time, progress and memory, the same for both.
 */
#ifndef NVMF_ENV_H
#define NVMF_ENV_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <nvmf/nvmf_transport.h>
#include <weft/dev.h>
#include <weft/mem.h>

#define NVMF_PAGE 4096u

struct nvmf_env {
	struct weft_dev *dev;         /* or NULL */
	const struct nvmf_pump *pump; /* without dev */
};

static inline int nvmf__env_poll(const struct nvmf_env *e)
{
	return e->dev ? weft_dev_poll(e->dev) : e->pump->poll(e->pump->arg);
}

static inline uint64_t nvmf__env_now(const struct nvmf_env *e)
{
	struct timespec ts;

	if (e->dev)
		return weft_dev_now(e->dev);
	if (e->pump->now)
		return e->pump->now(e->pump->arg);
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* As weft_dev_wait. */
static inline int nvmf__env_wait(const struct nvmf_env *e, int timeout_ms)
{
	if (e->dev)
		return weft_dev_wait(e->dev, timeout_ms);
	return e->pump->wait ? e->pump->wait(e->pump->arg, timeout_ms) : 1;
}

/* Zeroed, in whole pages; NULL and errno. */
static inline void *nvmf__env_alloc(const struct nvmf_env *e, size_t size)
{
	void *p;

	if (e->dev)
		return weft_mem_alloc(e->dev, size);
	size = (size + NVMF_PAGE - 1) & ~(size_t)(NVMF_PAGE - 1);
	p = aligned_alloc(NVMF_PAGE, size);
	if (p)
		memset(p, 0, size);
	return p;
}

static inline void nvmf__env_free(const struct nvmf_env *e, void *p)
{
	if (e->dev)
		weft_mem_free(e->dev, p);
	else
		free(p);
}

/* -EFAULT: not reachable. */
static inline int nvmf__env_iova(const struct nvmf_env *e, const void *addr, size_t len,
				 uint64_t *iova)
{
	if (e->dev)
		return weft_mem_iova(e->dev, addr, len, iova);
	*iova = e->pump->iova ? e->pump->iova(addr) : (uint64_t)(uintptr_t)addr;
	return 0;
}

/* One step of waiting: polls and, when nothing happened, sleeps a little. Negative errno: no hope. */
static inline int nvmf__env_step(const struct nvmf_env *e)
{
	int rc = nvmf__env_poll(e);

	return rc ? (rc < 0 ? rc : 0) : nvmf__env_wait(e, 1) < 0 ? -EIO : 0;
}

#endif
