// SPDX-License-Identifier: BSD-2-Clause
/*
 * The whole adapter against the scripted peer, in process and in cycle time: a target that breaks the rules in data and responses.
 * Data is compared in both memories.
 */
#include <check.h>
#include <string.h>

#include "cosim_fixture.h"

/* --- a bad target ---------------------------------------------------------------------------------------------------------------- */

START_TEST(a_target_that_breaks_the_rules)
{
	target_breaks_the_rules((enum peer_fault)_i);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("cosim-target");
	TCase *t = tcase_create("cosim-target");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 100);
	tcase_add_loop_test(t, a_target_that_breaks_the_rules, PEER_C2H_HDGST, PEER_R2T_HDGST);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? 1 : 0;
}
