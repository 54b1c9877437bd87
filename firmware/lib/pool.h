/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fixed pool: equal items in an array the caller owns, free ones linked through their first word.
 * pool_get returns NULL when all are out; pool_put takes back only what lies in the array (anything
 * else is a bug and is ignored, natively an abort).
 */
#ifndef FW_POOL_H
#define FW_POOL_H

#include <stdint.h>

struct pool {
	void *free;
	uint8_t *base;
	uint32_t item, count;
	uint32_t used, peak;
};

void pool_init(struct pool *p, void *items, uint32_t item_size, uint32_t count);
void *pool_get(struct pool *p);
void pool_put(struct pool *p, void *item);

#endif
