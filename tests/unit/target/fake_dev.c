/* SPDX-License-Identifier: BSD-2-Clause */
/* The part of the driver that the target uses: time, memory, errors. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weft/dev.h>
#include <weft/mem.h>

#include "fake_int.h"

void fake_must(bool cond, const char *what)
{
	if (cond)
		return;
	fprintf(stderr, "fake_nvmf: %s\n", what);
	abort();
}

static char last_error[256];

const char *weft_last_error(void)
{
	return last_error;
}

int weft_set_error(int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(last_error, sizeof(last_error), fmt, ap);
	va_end(ap);
	return err;
}

uint64_t weft_dev_now(struct weft_dev *dev)
{
	return dev->now;
}

int weft_dev_wait(struct weft_dev *dev, int timeout_ms)
{
	if (timeout_ms > 0)
		fake_advance(dev, (uint64_t)timeout_ms);
	return dev->events && !dev->hold_buffers;
}

int weft_dev_arm(struct weft_dev *dev)
{
	(void)dev;
	return 0;
}

int weft_dev_fd(struct weft_dev *dev)
{
	(void)dev;
	return -1;
}

void *weft_mem_alloc(struct weft_dev *dev, size_t size)
{
	struct mem *m = calloc(1, sizeof(*m));

	m->p = aligned_alloc(4096, (size + 4095) & ~4095ul);
	m->size = size;
	memset(m->p, 0, size);
	m->next = dev->mems;
	dev->mems = m;
	return m->p;
}

void weft_mem_free(struct weft_dev *dev, void *ptr)
{
	struct mem **at = &dev->mems, *m;

	if (!ptr)
		return;
	while (*at && (*at)->p != ptr)
		at = &(*at)->next;
	fake_must(*at, "memory freed that was not allocated");
	m = *at;
	*at = m->next;
	free(m->p);
	free(m);
}

bool fake_dma_memory(const struct weft_dev *dev, const void *p, size_t len)
{
	const struct mem *m;

	for (m = dev->mems; m; m = m->next)
		if ((const uint8_t *)p >= (uint8_t *)m->p &&
		    (const uint8_t *)p + len <= (uint8_t *)m->p + m->size)
			return true;
	return false;
}

size_t fake_mem(const struct weft_dev *dev)
{
	const struct mem *m;
	size_t n = 0;

	for (m = dev->mems; m; m = m->next)
		n += m->size;
	return n;
}

struct weft_dev *fake_dev_new(void)
{
	struct weft_dev *dev = calloc(1, sizeof(*dev));

	dev->now = 5000000000ull;
	dev->last = &dev->events;
	return dev;
}

void fake_dev_free(struct weft_dev *dev)
{
	fake_must(!dev->conns && !dev->mems && !dev->listeners && !dev->events,
		  "something is left of the adapter");
	free(dev);
}

void fake_advance(struct weft_dev *dev, uint64_t ms)
{
	dev->now += ms * 1000000;
}

void fake_hold_buffers(struct weft_dev *dev, bool hold)
{
	dev->hold_buffers = hold;
}
