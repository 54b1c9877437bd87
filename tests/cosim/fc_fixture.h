/* SPDX-License-Identifier: BSD-2-Clause */
/* Two adapters over Fibre Channel with a cable that the test has in its hand, beyond pair_fixture.h. */
#ifndef WEFT_TEST_FC_FIXTURE_H
#define WEFT_TEST_FC_FIXTURE_H

#include <check.h>

#include "fc_wire.h"
#include "pair_fixture.h"

extern struct fc_wire wire;
extern unsigned int lost, reconnected; /* events of host 0 */

/* As open_pair; host 0 makes its association anew whenever it is lost. */
void open_wired(struct pair_params *params);
/* Everything as at the beginning, then close_pair. */
void close_wired(void);

#define wait_wired(cond, limit_ns)                                                        \
	do {                                                                              \
		uint64_t end_ = cosim_now(&pair.cosim) + (limit_ns);                      \
		while (!(cond)) {                                                         \
			ck_assert_msg(cosim_now(&pair.cosim) < end_, "never: %s", #cond); \
			cosim_poll(&pair.cosim);                                          \
		}                                                                         \
	} while (0)

bool host_live(void);
/*
 * The association is there (again), data go both ways, and nothing is in use that was not in use when the
 * pair was opened: exchanges, commands at the target, frame buffers. n: of the step, for messages.
 */
void back_to_life(unsigned int n);

/*
 * A whole test program, each test a case of its own (CK_RUN_CASE=name): the result of main. Tests run for
 * i from from to before to.
 */
struct fc_case {
	const char *name;
	const TTest *test;
	int from, to;
};
int run_fc_suite(const char *name, const struct fc_case *cases, unsigned int n);

/* What a sweep's environment variable says, or usual. */
unsigned int fc_sweep_step(const char *name, unsigned int usual);

#endif
