/* SPDX-License-Identifier: BSD-2-Clause */
/* What the co-simulation tests have in common. All functions fail the test when something is wrong. */
#ifndef WEFT_TEST_COSIM_FIXTURE_H
#define WEFT_TEST_COSIM_FIXTURE_H

#include "rig.h"

#define MS 1000000ull
#define SECOND (1000 * MS)

extern struct rig rig;

/* A connected rig. */
void open_rig(const struct rig_params *params);
/* No complaint of the peer, no DMA outside what the host mapped, no connection and no command left. */
void close_rig(void);
/* The host leaves: no connection and no command stays at the peer. */
void nothing_is_left(void);
/* Writes len bytes, checks them in the peer's RAM, and reads them back into another buffer. */
void round_trip(uint64_t lba, uint32_t len, uint32_t seed);
/* n commands at once, half of them reads of what the other half does not touch. */
void crowd(unsigned int n, uint32_t len);
/*
 * One fault of the target, on a read or a write. Whatever it does: the command ends, no byte lands outside its buffer, and a
 * new association works.
 */
void target_breaks_the_rules(enum peer_fault fault);

#endif
