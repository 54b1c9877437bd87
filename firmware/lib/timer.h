/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Timer wheel. The unit is the tick of 2^20 ns (1.049 ms), which is also the unit of the TCP
 * timestamps the engine sends. Three levels of 64 slots reach 268 s; a later expiry is looked at
 * again when that time has come. Setting and cancelling take constant time. A timer may be set or
 * cancelled from any timer's function, its own included.
 */
#ifndef FW_TIMER_H
#define FW_TIMER_H

#include "hal.h"
#include "lib/list.h"

#define TIMER_TICK_SHIFT 20

struct timer {
	struct list node;
	uint32_t expiry; /* tick */
	void (*fn)(struct timer *t);
};

/* Present tick. */
static inline uint32_t clk_now(void)
{
	return (uint32_t)(hal_now_ns() >> TIMER_TICK_SHIFT);
}

/* Present time in units of 1.024 us, for round trips. */
static inline uint32_t clk_us(void)
{
	return (uint32_t)(hal_now_ns() >> 10);
}

/* Milliseconds to ticks, rounded up a little (x 977/1024 is exact enough; at least 1). */
static inline uint32_t clk_ms(uint32_t ms)
{
	return (ms >> 10) * 977 + (((ms & 1023) * 977) >> 10) + 1;
}

void timer_init(void);
void timer_setup(struct timer *t, void (*fn)(struct timer *t));
void timer_set(struct timer *t, uint32_t expiry); /* moves it when it is already set */
void timer_cancel(struct timer *t);

static inline bool timer_pending(const struct timer *t)
{
	return !list_empty(&t->node);
}

void timer_run(uint32_t now); /* calls what is due */
uint64_t timer_next_ns(void); /* when timer_run has something to do again; UINT64_MAX: never */

extern struct timer_state {
	uint32_t now; /* every tick up to this one has been run */
	bool fresh;   /* what timer_next_ns said last is right */
} timer_state;

/* Nothing was set, and no tick has passed, since timer_next_ns was asked: neither of the two has news. */
static inline bool timer_quiet(uint32_t now)
{
	return timer_state.fresh && timer_state.now == now;
}

uint32_t timer_count(void); /* timers set */

#endif
