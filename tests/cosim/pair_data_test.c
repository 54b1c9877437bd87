// SPDX-License-Identifier: BSD-2-Clause
/*
 * Two whole adapters, one the host's, one the controller's, with host library and target library on
 * them: a good network, all ways of moving data. Data is compared in both memories.
 */
#include <check.h>
#include <string.h>

#include "lend.h"
#include "pair_fixture.h"
#include "some.h"

START_TEST(data_of_every_size_comes_back)
{
	static const uint32_t sizes[] = { 512, 1024, 4096, 8192, 8704, 16384, 65536, 131072 };
	struct pair_params params = { .digests = (uint8_t)(_i & 3),
				      .cosim.mtu = _i & 4 ? 9000 : 1500 };
	unsigned int i;

	open_pair(&params);
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		round_trip(&pair.side[0], i * 1000 + 3, sizes[i], i + 1);
	close_pair();
}
END_TEST

/* What was agreed is what the host asked for, as far as the controller grants it. */
START_TEST(digests_are_agreed)
{
	struct pair_params params = { .digests = (uint8_t)(_i & 3), .no_digests = _i & 4 };
	struct nvme_host_info info;

	open_pair(&params);
	nvme_host_info(pair.side[0].host, &info);
	ck_assert_int_eq(info.header_digest, (_i & 1) && !(_i & 4));
	ck_assert_int_eq(info.data_digest, (_i & 2) && !(_i & 4));
	round_trip(&pair.side[0], 0, 32768, 1);
	close_pair();
}
END_TEST

START_TEST(the_memory_backend_of_the_library)
{
	struct pair_params params = { .digests = 3, .ram = true };

	open_pair(&params);
	round_trip(&pair.side[0], 8, 4096, 1);
	round_trip(&pair.side[0], 100, 131072, 2);
	close_pair();
}
END_TEST

START_TEST(many_commands_at_once)
{
	struct pair_params params = {
		.digests = (uint8_t)_i, .io_qsize = 64, .delay_ns = 5000, .shuffle = true
	};

	open_pair(&params);
	crowd(&pair.side[0], 100, 4096, 0);
	crowd(&pair.side[0], 30, 32768, 800);
	close_pair();
}
END_TEST

/* R2Ts: of a whole command or in pieces, one after the other or several at a time. */
START_TEST(writes_asked_for_in_pieces)
{
	static const uint16_t maxr2t[] = { 0, 3, 0, 3, 15 };
	static const uint32_t maxh2c[] = { 0, 0, 4096, 8192, 4096 };
	struct pair_params params = { .digests = 3,
				      .maxr2t = maxr2t[_i],
				      .listen = { .maxh2cdata = maxh2c[_i],
						  .cpda = (uint8_t)(_i & 1) } };

	open_pair(&params);
	round_trip(&pair.side[0], 5, 131072, 9);
	round_trip(&pair.side[0], 5, 12800, 9);
	crowd(&pair.side[0], 16, 65536, 0);
	close_pair();
}
END_TEST

/* On both sides of the limit, and with a higher one. */
START_TEST(writes_in_the_capsule_and_asked_for)
{
	struct pair_params params = { .digests = (uint8_t)(_i & 3),
				      .listen.max_icd = _i & 4 ? 16384 : 8192 };
	struct nvme_host_info info;
	uint32_t len;

	open_pair(&params);
	nvme_host_info(pair.side[0].host, &info);
	ck_assert_uint_eq(info.max_icd, _i & 4 ? 16384 : 8192);
	for (len = info.max_icd - 1024; len <= info.max_icd + 1024; len += 512)
		round_trip(&pair.side[0], 7, len, len);
	crowd(&pair.side[0], 20, info.max_icd, 0);
	close_pair();
}
END_TEST

START_TEST(success_flag_in_place_of_responses)
{
	struct pair_params params = { .digests = 3, .disable_sqflow = true };

	open_pair(&params);
	round_trip(&pair.side[0], 5, 65536, 9);
	crowd(&pair.side[0], 60, 4096, 0);
	close_pair();
}
END_TEST

START_TEST(several_queues)
{
	struct pair_params params = { .io_queues = 8, .io_qsize = 32, .digests = 1 };
	struct nvme_target_stats st;

	open_pair(&params);
	nvme_target_stats(pair.target, &st);
	ck_assert_uint_eq(st.connections, 9);
	ck_assert_uint_eq(st.io_queues, 8);
	crowd(&pair.side[0], 200, 8192, 0);
	close_pair();
}
END_TEST

START_TEST(every_handshake_of_the_buses_may_stall)
{
	struct pair_params params = { .digests = 3,
				      .cosim.sim = { .backpressure_seed = (uint32_t)_i + 1 } };

	open_pair(&params);
	round_trip(&pair.side[0], 7, 65536, 2);
	crowd(&pair.side[0], 16, 4096, 0);
	close_pair();
}
END_TEST

/* No ring, list or buffer is touched but while the host interface gives it to the adapter: on both. */
START_TEST(only_what_is_lent_is_touched)
{
	struct pair_params params = { .digests = (uint8_t)(3 * (_i & 1)),
				      .cosim.wrap = lend_bus,
				      .maxr2t = 3,
				      .io_queues = 2,
				      .disable_sqflow = _i & 1,
				      .delay_ns = 2000,
				      .shuffle = true,
				      .listen.maxh2cdata = 8192 };

	open_pair(&params);
	round_trip(&pair.side[0], 7, 131072, 2);
	crowd(&pair.side[0], 60, 4096, 0);
	crowd(&pair.side[0], 10, 65536, 1000);
	close_pair();
}
END_TEST

static void add(void *t)
{
	add_some(t, data_of_every_size_comes_back, 0, 8);
	add_some(t, digests_are_agreed, 0, 8);
	tcase_add_test(t, the_memory_backend_of_the_library);
	tcase_add_loop_test(t, many_commands_at_once, 0, 4);
	tcase_add_loop_test(t, writes_asked_for_in_pieces, 0, 5);
	add_some(t, writes_in_the_capsule_and_asked_for, 0, 8);
	tcase_add_test(t, success_flag_in_place_of_responses);
	tcase_add_test(t, several_queues);
	tcase_add_loop_test(t, every_handshake_of_the_buses_may_stall, 0, 2);
	tcase_add_loop_test(t, only_what_is_lent_is_touched, 0, 2);
}

int main(void)
{
	return run_suite("pair-data", add);
}
