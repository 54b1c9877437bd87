/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests of two adapters have in common. All functions fail the test when something is wrong. */
#ifndef WEFT_TEST_PAIR_FIXTURE_H
#define WEFT_TEST_PAIR_FIXTURE_H

#include "pair.h"

#define MS 1000000ull
#define SECOND (1000 * MS)

extern struct pair pair;

/* A target, and host 0 connected to it. */
void open_pair(const struct pair_params *params);
/* Host i connects. */
void connect_host(unsigned int i);
/*
 * The hosts leave: no connection, command or buffer stays at the target; the target ends; nothing was
 * touched that must not be.
 */
void close_pair(void);
/* No connection, command or buffer is left at the target after limit_ns at most. */
void target_is_empty(uint64_t limit_ns);

void fill(void *buf, size_t len, uint32_t seed);
/* Writes len bytes, checks them in the store, and reads them back into another buffer. */
void round_trip(struct pair_side *s, uint64_t lba, uint32_t len, uint32_t seed);
/* n commands at once, half of them reads of what the other half does not touch, from block lba on. */
void crowd(struct pair_side *s, unsigned int n, uint32_t len, uint64_t lba);
/* The same in two steps, so that several hosts can have theirs at one time. */
struct crowd {
	struct pair_side *side;
	unsigned int n;
	uint32_t len;
	uint64_t lba;
	uint8_t *buf;
	struct pair_io io;
};
void crowd_start(struct crowd *c, struct pair_side *s, unsigned int n, uint32_t len, uint64_t lba);
void crowd_end(struct crowd *c);

/*
 * Random reads and writes of up to max_len bytes, depth at a time, from block lba on, for total
 * commands; content is compared with a model at each read, and with the store at the end. Each of
 * the depth has stretch bytes of the namespace of its own. Started by mix_start, moved on by polling.
 */
#define MIX_DEPTH 64u

struct mix_slot {
	struct mix *mix;
	uint8_t *buf;
	uint32_t len;
	uint64_t lba;
	bool write, busy;
};

struct mix {
	struct pair_side *side;
	uint64_t lba, rng;
	uint32_t max_len, stretch;
	unsigned int depth, total, submitted, done, errors;
	bool errors_allowed; /* then the model is not believed any more */
	uint8_t *model;
	struct mix_slot slot[MIX_DEPTH];
};

void mix_start(struct mix *mix, struct pair_side *s, unsigned int depth, uint32_t max_len,
	       uint64_t lba, unsigned int total, uint64_t seed);
void mix_wait(struct mix *mix, uint64_t limit_ns);
/* Compares the store, frees buffers. */
void mix_end(struct mix *mix);

/* A whole test program: the result of main. */
int run_suite(const char *name, void (*add)(void *tcase));

#endif
