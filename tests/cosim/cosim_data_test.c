// SPDX-License-Identifier: BSD-2-Clause
/*
 * The whole adapter against the scripted peer, in process and in cycle time: a good network and a good target.
 * Data is compared in both memories.
 */
#include <check.h>
#include <string.h>

#include "cosim_fixture.h"
#include "lend.h"
#include "some.h"

/* --- a good network ------------------------------------------------------------------------------------------------------------- */

START_TEST(data_of_every_size_comes_back)
{
	static const uint32_t sizes[] = { 512, 1024, 4096, 8192, 16384, 16896, 65536, 131072 };
	struct rig_params params = { .digests = (uint8_t)(_i & 3), .mtu = _i & 4 ? 9000 : 1500 };
	unsigned int i;

	open_rig(&params);
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		round_trip(i * 1000 + 3, sizes[i], i + 1);
	close_rig();
}
END_TEST

START_TEST(many_commands_at_once)
{
	struct rig_params params = { .digests = (uint8_t)_i,
				     .peer = { .shuffle = true, .c2h_bytes = 2048, .seed = 1 } };

	open_rig(&params);
	crowd(100, 4096);
	close_rig();
}
END_TEST

START_TEST(writes_asked_for_in_pieces)
{
	struct rig_params params = {
		.digests = 3,
		.maxr2t = 3,
		.peer = { .r2t_bytes = 12288, .maxh2cdata = 4096, .cpda = (uint8_t)_i }
	};

	open_rig(&params);
	round_trip(5, 131072, 9);
	crowd(8, 65536);
	close_rig();
}
END_TEST

START_TEST(success_flag_in_place_of_responses)
{
	struct rig_params params = { .digests = 3, .disable_sqflow = true };

	open_rig(&params);
	round_trip(5, 65536, 9);
	crowd(40, 4096);
	close_rig();
}
END_TEST

START_TEST(several_queues)
{
	struct rig_params params = { .io_queues = 8, .io_qsize = 32, .digests = 1 };

	open_rig(&params);
	ck_assert_uint_eq(peer_stats(rig.peer)->open, 9);
	crowd(100, 8192);
	close_rig();
}
END_TEST

START_TEST(every_handshake_of_the_buses_may_stall)
{
	struct rig_params params = { .digests = 3,
				     .sim = { .backpressure_seed = (uint32_t)_i + 1 } };

	open_rig(&params);
	round_trip(7, 65536, 2);
	crowd(16, 4096);
	close_rig();
}
END_TEST

/* No ring, list or buffer is touched but while the host interface gives it to the adapter. */
START_TEST(only_what_is_lent_is_touched)
{
	struct rig_params params = { .digests = (uint8_t)(3 * _i),
				     .maxr2t = 3,
				     .disable_sqflow = _i,
				     .peer = { .r2t_bytes = 12288, .maxh2cdata = 4096 },
				     .wrap = lend_bus };

	open_rig(&params);
	round_trip(7, 131072, 2);
	crowd(60, 4096);
	crowd(10, 65536);
	close_rig();
}
END_TEST

/* --- the same twice ----------------------------------------------------------------------------------------------------------------- */

static uint64_t story(void)
{
	struct rig_params params = { .digests = 3 };
	uint64_t clocks;

	open_rig(&params);
	round_trip(1, 32768, 1);
	crowd(10, 4096);
	clocks = weft_sim_clocks(weft_world_port_sim(rig.port));
	close_rig();
	return clocks;
}

START_TEST(the_same_cycles_every_time)
{
	ck_assert_uint_eq(story(), story());
}
END_TEST

int main(void)
{
	Suite *s = suite_create("cosim-data");
	TCase *t = tcase_create("cosim-data");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 100);
	add_some(t, data_of_every_size_comes_back, 0, 8);
	tcase_add_loop_test(t, many_commands_at_once, 0, 4);
	tcase_add_loop_test(t, writes_asked_for_in_pieces, 0, 2);
	tcase_add_test(t, success_flag_in_place_of_responses);
	tcase_add_test(t, several_queues);
	tcase_add_loop_test(t, every_handshake_of_the_buses_may_stall, 0, 3);
	tcase_add_loop_test(t, only_what_is_lent_is_touched, 0, 2);
	tcase_add_test(t, the_same_cycles_every_time);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? 1 : 0;
}
