/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/timer.h"

#define LEVELS 3
#define BITS 6
#define SLOTS (1u << BITS)
#define MASK (SLOTS - 1)

static struct {
	uint32_t count;
	uint64_t next_ns;
	/* bit per slot that holds a timer (may be stale: cleared when the slot is run) */
	uint64_t used[LEVELS];
	struct list slot[LEVELS][SLOTS];
} wheel;

struct timer_state timer_state;

static void place(struct timer *t)
{
	uint32_t delta = t->expiry - timer_state.now;
	uint32_t at = t->expiry;
	unsigned level = 0;

	if ((int32_t)delta <= 0) {
		at = timer_state.now + 1;
	} else if (delta >= 1u << (LEVELS * BITS)) {
		at = timer_state.now + (1u << (LEVELS * BITS)) - 1;
		level = LEVELS - 1;
	} else {
		while (delta >= SLOTS) {
			delta >>= BITS;
			level++;
		}
	}
	at = at >> (level * BITS) & MASK;
	list_add_tail(&wheel.slot[level][at], &t->node);
	wheel.used[level] |= 1ull << at;
	timer_state.fresh = false;
}

void timer_init(void)
{
	for (unsigned l = 0; l < LEVELS; l++) {
		wheel.used[l] = 0;
		for (unsigned s = 0; s < SLOTS; s++)
			list_init(&wheel.slot[l][s]);
	}
	timer_state.now = clk_now();
	wheel.count = 0;
	timer_state.fresh = false;
}

void timer_setup(struct timer *t, void (*fn)(struct timer *t))
{
	list_init(&t->node);
	t->fn = fn;
	t->expiry = 0;
}

void timer_set(struct timer *t, uint32_t expiry)
{
	timer_cancel(t);
	t->expiry = expiry;
	wheel.count++;
	place(t);
}

void timer_cancel(struct timer *t)
{
	if (!timer_pending(t))
		return;
	list_del(&t->node);
	wheel.count--;
}

/* Takes a slot's timers out: due ones run, the others go where they belong now. */
static void run_slot(unsigned level, uint32_t at)
{
	struct list *slot = &wheel.slot[level][at];
	struct list due;

	wheel.used[level] &= ~(1ull << at);
	if (list_empty(slot))
		return;
	due = *slot;
	due.next->prev = &due;
	due.prev->next = &due;
	list_init(slot);
	while (!list_empty(&due)) {
		struct timer *t = list_entry(due.next, struct timer, node);

		list_del(&t->node);
		if ((int32_t)(t->expiry - timer_state.now) > 0) {
			place(t);
		} else {
			wheel.count--;
			t->fn(t);
		}
	}
}

/* First slot in use at or after position "from" of a level, as a distance; SLOTS: none. */
static unsigned distance(unsigned level, uint32_t from)
{
	uint64_t used = wheel.used[level];
	unsigned r = from & MASK;

	if (!used)
		return SLOTS;
	used = used >> r | used << (-r & MASK);
	if ((uint32_t)used)
		return (unsigned)__builtin_ctz((uint32_t)used);
	return 32 + (unsigned)__builtin_ctz((uint32_t)(used >> 32));
}

/* Next tick at which a slot must be looked at, relative to timer_state.now; 0: nothing is set. */
static uint32_t next_delta(void)
{
	uint32_t best = 0;

	for (unsigned level = 0; level < LEVELS; level++) {
		unsigned shift = level * BITS;
		uint32_t base = (timer_state.now >> shift) + 1;
		unsigned d = distance(level, base);
		uint32_t delta;

		if (d == SLOTS)
			continue;
		delta = ((base + d) << shift) - timer_state.now;
		if (!best || delta < best)
			best = delta;
	}
	return best;
}

void timer_run(uint32_t now)
{
	while ((int32_t)(now - timer_state.now) > 0) {
		uint32_t d = next_delta();

		if (d && d <= now - timer_state.now)
			timer_state.fresh = false;
		if (!d || d > now - timer_state.now) {
			timer_state.now = now;
			return;
		}
		timer_state.now += d;
		for (unsigned level = LEVELS - 1; level > 0; level--)
			if (!(timer_state.now & ((1u << (level * BITS)) - 1)))
				run_slot(level, timer_state.now >> (level * BITS) & MASK);
		run_slot(0, timer_state.now & MASK);
	}
}

static uint64_t compute_next(void)
{
	uint64_t tick = hal_now_ns() >> TIMER_TICK_SHIFT;
	uint32_t d = next_delta();

	if (!wheel.count || !d)
		return UINT64_MAX;
	/* timer_state.now may lag behind the clock; both are within 2^31 ticks of one another. */
	tick += (uint64_t)(int64_t)(int32_t)(timer_state.now + d - (uint32_t)tick);
	return tick << TIMER_TICK_SHIFT;
}

uint64_t timer_next_ns(void)
{
	if (!timer_state.fresh) {
		wheel.next_ns = compute_next();
		timer_state.fresh = true;
	}
	return wheel.next_ns;
}

uint32_t timer_count(void)
{
	return wheel.count;
}
