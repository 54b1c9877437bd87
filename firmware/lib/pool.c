/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/pool.h"

#include <stddef.h>
#ifdef HAL_NATIVE
#include <stdlib.h>
#endif

void pool_init(struct pool *p, void *items, uint32_t item_size, uint32_t count)
{
	p->free = NULL;
	p->base = items;
	p->item = item_size;
	p->count = count;
	p->used = 0;
	p->peak = 0;
	for (uint32_t i = count; i-- > 0;) {
		void **item = (void **)(void *)(p->base + (size_t)i * item_size);
		*item = p->free;
		p->free = item;
	}
}

void *pool_get(struct pool *p)
{
	void *item = p->free;

	if (!item)
		return NULL;
	p->free = *(void **)item;
	p->used++;
	if (p->used > p->peak)
		p->peak = p->used;
	return item;
}

void pool_put(struct pool *p, void *item)
{
	uintptr_t off = (uintptr_t)item - (uintptr_t)p->base;

	if (off >= (uintptr_t)p->item * p->count || !p->used) {
#ifdef HAL_NATIVE
		abort();
#endif
		return;
	}
	*(void **)item = p->free;
	p->free = item;
	p->used--;
}
