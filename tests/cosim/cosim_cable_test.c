// SPDX-License-Identifier: BSD-2-Clause
/*
 * The whole adapter against the scripted peer, in process and in cycle time: a bad network.
 * Data is compared in both memories.
 */
#include <check.h>
#include <string.h>

#include "cosim_fixture.h"
#include "some.h"

/* --- a bad network -------------------------------------------------------------------------------------------------------------- */

START_TEST(a_bad_cable_costs_time_but_no_data)
{
	static const struct weft_link_params bad[] = {
		{ .delay_ns = 500, .loss = 0.02, .seed = 1 },
		{ .delay_ns = 500, .reorder = 0.1, .seed = 2 },
		{ .delay_ns = 500, .dup = 0.1, .seed = 3 },
		{ .delay_ns = 500, .corrupt = 0.02, .seed = 4 },
		{ .delay_ns = 500, .badfcs = 0.02, .seed = 5 },
		{ .delay_ns = 20000,
		  .loss = 0.01,
		  .reorder = 0.05,
		  .dup = 0.02,
		  .corrupt = 0.01,
		  .seed = 6 },
	};
	struct rig_params params = { .digests = 3 };
	unsigned int i;

	open_rig(&params);
	weft_world_port_set_faults(rig.port, &bad[_i]);
	weft_world_port_set_faults(rig.wp.port, &bad[_i]);
	for (i = 0; i < 2; i++)
		round_trip(i * 300, 131072, i);
	crowd(20, 8192);
	params.cable[0].delay_ns = 500;
	weft_world_port_set_faults(rig.port, &params.cable[0]);
	weft_world_port_set_faults(rig.wp.port, &params.cable[0]);
	close_rig();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("cosim-cable");
	TCase *t = tcase_create("cosim-cable");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 100);
	add_some(t, a_bad_cable_costs_time_but_no_data, 0, 6);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? 1 : 0;
}
