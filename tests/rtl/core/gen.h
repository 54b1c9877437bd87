/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gen.h - random programs for the lock-step test.
 *
 * A program starts at WORLD_CODE, sets up registers and a trap handler that skips what trapped (or, after
 * a failed fetch, goes on at a random place), then runs random instructions of all kinds: every entry of
 * isa_table, corner values, short dependency distances, branches anywhere in the program, loads and
 * stores near the edges of the data memory, CSR accesses, and some words that are no instruction at all.
 */
#ifndef WEFT_TEST_GEN_H
#define WEFT_TEST_GEN_H

#include "iss.h"
#include "rng.h"

void gen_program(struct world *w, struct rng *rng);

#endif
