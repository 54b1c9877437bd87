/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loop tests that take long. `make test` has half an hour on two cores for all there is, so it takes
 * half of a loop's numbers: those with an even number of bits set, in which every bit is set and
 * clear and so is every pair of bits. `make test-long` (WEFT_TEST_LONG set) takes all.
 */
#ifndef COSIM_SOME_H
#define COSIM_SOME_H

#include <stdlib.h>

#include <check.h>

static inline void add_some(TCase *t, const TTest *test, int from, int to)
{
	for (int i = from; i < to; i++)
		if (getenv("WEFT_TEST_LONG") || !__builtin_parity((unsigned int)i))
			tcase_add_loop_test(t, test, i, i + 1);
}

#endif
