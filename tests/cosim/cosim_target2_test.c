// SPDX-License-Identifier: BSD-2-Clause
/*
 * The whole adapter against the scripted peer, in process and in cycle time: a target that breaks the rules in R2Ts, after a command, amid data, and in ICResp; firmware
 * that does not fit the hardware.
 * Data is compared in both memories.
 */
#include <check.h>
#include <errno.h>
#include <string.h>

#include "cosim_fixture.h"

/* --- a bad target ---------------------------------------------------------------------------------------------------------------- */

START_TEST(a_target_that_breaks_the_rules)
{
	target_breaks_the_rules((enum peer_fault)_i);
}
END_TEST

START_TEST(a_target_that_refuses_the_connection)
{
	struct rig_params params = { .digests = _i == PEER_IC_DIGEST ? 0 : 3 };

	ck_assert_int_eq(rig_open(&rig, &params), 0);
	peer_misbehave(rig.peer, (enum peer_fault)_i, 0, 1, 6);
	ck_assert_msg(rig_connect(&rig), "%s: connected", peer_fault_name((enum peer_fault)_i));
	ck_assert(peer_misbehaved(rig.peer));
	peer_close_all(rig.peer, true);
	rig_run(&rig, 10 * MS);
	ck_assert_msg(!rig_connect(&rig), "%s: %s", peer_fault_name((enum peer_fault)_i),
		      weft_last_error());
	nothing_is_left();
	rig_close(&rig);
}
END_TEST

/* --- firmware of another version ------------------------------------------------------------------------------------------------- */

START_TEST(firmware_made_for_other_engines)
{
	struct rig_params params = { .sim.firmware = "build/tests/cosim/other/weft.elf" };

	ck_assert_int_eq(rig_open(&rig, &params), -EPROTONOSUPPORT);
	ck_assert_ptr_nonnull(strstr(weft_last_error(), "firmware was made for other hardware"));
	rig_close(&rig);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("cosim-target2");
	TCase *t = tcase_create("cosim-target2");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 100);
	tcase_add_loop_test(t, a_target_that_breaks_the_rules, PEER_R2T_HDGST, PEER_FAULTS);
	tcase_add_loop_test(t, a_target_that_refuses_the_connection, PEER_IC_PFV, PEER_IC_TERM + 1);
	suite_add_tcase(s, t);
	t = tcase_create("versions");
	tcase_add_test(t, firmware_made_for_other_engines);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? 1 : 0;
}
