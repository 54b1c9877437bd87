/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What docs/rtl.md says of a frame and an exchange context, once more in C++: which frames match,
 * which are placed, what the context becomes. And an exchange as its two ends see it.
 */
#ifndef FC_MODEL_H
#define FC_MODEL_H

#include "fc_bench.h"

enum verdict {
	V_NONE,  /* to firmware, no context */
	V_FRAME, /* to firmware, matched */
	V_TRAP,  /* the same, and the context is ARMED no more */
	V_PLACE,
};

verdict judge(const struct eng_fcx &x, const Frame &f);
/* What the context becomes; true: EVT_FC_PLACED follows. */
bool apply(struct eng_fcx &x, const Frame &f, verdict v);
bool has_context(const Frame &f); /* by its TYPE */
uint16_t own_id(const Frame &f);
uint8_t event_flags(const Frame &f, verdict v);

/* A slot with a buffer and a context, and the frames that the other side sends. */
struct Exch {
	Bench &b;
	unsigned slot;
	struct eng_fcx x; /* as it should be in the block */
	uint16_t peer = 0x7777;
	uint8_t seq_id = 3;
	bool continuous = true; /* SEQ_CNT goes on over sequences, else each starts at 0 */

	Exch(Bench &bench, unsigned slot_nr, uint32_t len, uint8_t flags = 0, unsigned elements = 1,
	     uint32_t base = 0, unsigned gen = 0);
	void arm(); /* writes x */
	/* The next good frame; a sequence begins with it if none is open. */
	Frame next(unsigned len, bool last);
	/* Sends a good frame and takes it over into the model; true: EVT_FC_PLACED follows. */
	bool send(unsigned len, bool last);
	void check(); /* the block's context is x */
};

Bytes random_bytes(Rng &rng, unsigned len);
void expect_event(Bench &b, const Frame &f, verdict v, unsigned slot, unsigned *buf = nullptr);

#endif
