/* SPDX-License-Identifier: BSD-2-Clause */
/* rng.h - small repeatable random numbers (xorshift). */
#ifndef WEFT_TEST_RNG_H
#define WEFT_TEST_RNG_H

#include <stdbool.h>
#include <stdint.h>

struct rng {
	uint32_t state;
};

static inline void rng_seed(struct rng *r, uint32_t seed)
{
	r->state = seed * 2654435761u + 1;
	if (!r->state)
		r->state = 1;
}

static inline uint32_t rng_next(struct rng *r)
{
	uint32_t x = r->state;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	r->state = x;
	return x * 0x9e3779b1u ^ x >> 15;
}

static inline uint32_t rng_below(struct rng *r, uint32_t n)
{
	return (uint64_t)rng_next(r) * n >> 32;
}

static inline bool rng_percent(struct rng *r, uint32_t percent)
{
	return rng_below(r, 100) < percent;
}

#endif
