// SPDX-License-Identifier: BSD-2-Clause
/*
 * Two whole adapters with host library and target library on them, over Fibre Channel: point-to-point,
 * at a fabric, FCoE. Data is compared in both memories.
 */
#include <check.h>
#include <string.h>

#include "pair_fixture.h"

static const enum cosim_wire wires[] = { COSIM_FC, COSIM_FABRIC, COSIM_FCOE };

START_TEST(data_of_every_size_comes_back)
{
	static const uint32_t sizes[] = { 512, 1024, 4096, 8192, 8704, 16384, 65536, 131072 };
	struct pair_params params = { .cosim.wire = wires[_i] };
	unsigned int i;

	open_pair(&params);
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		round_trip(&pair.side[0], i * 1000 + 3, sizes[i], i + 1);
	close_pair();
}
END_TEST

START_TEST(many_commands_at_once)
{
	struct pair_params params = {
		.cosim.wire = wires[_i], .io_qsize = 64, .delay_ns = 5000, .shuffle = true
	};

	open_pair(&params);
	crowd(&pair.side[0], 60, 4096, 0);
	crowd(&pair.side[0], 30, 32768, 800);
	close_pair();
}
END_TEST

START_TEST(a_long_mix_of_reads_and_writes)
{
	struct pair_params params = { .cosim.wire = wires[_i], .io_qsize = 32, .io_queues = 2 };
	struct mix mix;

	open_pair(&params);
	mix_start(&mix, &pair.side[0], 24, 65536, 0, 200, 7);
	mix_wait(&mix, 2 * SECOND);
	mix_end(&mix);
	close_pair();
}
END_TEST

static void add(void *tcase)
{
	TCase *tc = tcase;

	tcase_add_loop_test(tc, data_of_every_size_comes_back, 0, 3);
	tcase_add_loop_test(tc, many_commands_at_once, 0, 3);
	tcase_add_loop_test(tc, a_long_mix_of_reads_and_writes, 0, 3);
}

int main(void)
{
	return run_suite("pair_fc", add);
}
