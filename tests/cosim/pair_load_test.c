// SPDX-License-Identifier: BSD-2-Clause
/*
 * Two whole adapters: random load with its content compared, the other I/O commands, two hosts, the same cycles every time.
 */
#include <check.h>
#include <string.h>

#include "pair_fixture.h"

static struct mix mix[2];

START_TEST(random_commands_of_every_size)
{
	struct pair_params params = { .digests = (uint8_t)_i,
				      .io_queues = 2,
				      .io_qsize = 16,
				      .maxr2t = 2,
				      .disable_sqflow = _i & 1,
				      .delay_ns = 3000,
				      .shuffle = true };

	open_pair(&params);
	fill(pair.store.ram, pair.params.ns_bytes, 1);
	mix_start(&mix[0], &pair.side[0], 20, 65536, 0, 150, (uint64_t)_i + 1);
	mix_wait(&mix[0], 10 * SECOND);
	mix_end(&mix[0]);
	close_pair();
}
END_TEST

START_TEST(zeroes_compare_and_deallocate)
{
	struct pair_params params = { .digests = 3 };
	struct nvme_dsm_range ranges[] = { { .blocks = 8, .slba = 100 },
					   { .blocks = 16, .slba = 200 } };
	struct pair_side *s = &pair.side[0];
	uint8_t *buf;
	unsigned int i;

	open_pair(&params);
	buf = weft_mem_alloc(s->dev, 16384);
	fill(pair.store.ram, pair.params.ns_bytes, 1);
	ck_assert_int_eq(nvme_host_write_zeroes_sync(&s->ns, 10, 20), 0);
	for (i = 0; i < 20 * 512; i++)
		ck_assert_uint_eq(pair.store.ram[5120 + i], 0);
	ck_assert(pair.store.ram[5119] && pair.store.ram[5120 + 20 * 512]);
	memcpy(buf, pair.store.ram + 40 * 512, 16384);
	ck_assert_int_eq(nvme_host_compare_sync(&s->ns, buf, 40, 32), 0);
	buf[16383] ^= 1;
	ck_assert_int_ne(nvme_host_compare_sync(&s->ns, buf, 40, 32), 0);
	ck_assert_int_eq(nvme_host_dsm_sync(&s->ns, ranges, 2, NVME_DSM_DEALLOCATE), 0);
	ck_assert_uint_eq(pair.store.discards, 2);
	ck_assert_int_eq(nvme_host_flush_sync(&s->ns), 0);
	ck_assert_uint_eq(pair.store.flushes, 1);
	close_pair();
}
END_TEST

START_TEST(a_failing_backend_costs_one_command)
{
	struct pair_params params = { .digests = 3, .delay_ns = _i ? 2000 : 0 };
	struct pair_side *s = &pair.side[0];
	uint8_t *buf;

	open_pair(&params);
	buf = weft_mem_alloc(s->dev, 65536);
	pair.store.fail = -5; /* EIO */
	ck_assert_int_ne(nvme_host_read_sync(&s->ns, buf, 0, 128), 0);
	pair.store.fail = -28; /* ENOSPC */
	ck_assert_int_ne(nvme_host_write_sync(&s->ns, buf, 0, 128), 0);
	pair.store.fail = -28; /* in the capsule */
	ck_assert_int_ne(nvme_host_write_sync(&s->ns, buf, 0, 8), 0);
	round_trip(s, 0, 65536, 1);
	close_pair();
}
END_TEST

/* --- more than two ---------------------------------------------------------------------------- */

START_TEST(two_hosts_at_one_controller)
{
	struct pair_params params = { .cosim.adapters = 3, .digests = 3, .maxr2t = 1 };
	struct nvme_target_stats st;
	uint8_t *buf;

	open_pair(&params);
	connect_host(2);
	buf = weft_mem_alloc(pair.side[2].dev, 8192);
	ck_assert_ptr_nonnull(buf);
	nvme_target_stats(pair.target, &st);
	ck_assert_uint_eq(st.controllers, 2);
	mix_start(&mix[0], &pair.side[0], 8, 32768, 0, 60, 1);
	mix_start(&mix[1], &pair.side[2], 8, 32768, 4000, 60, 2);
	mix_wait(&mix[0], 10 * SECOND);
	mix_wait(&mix[1], 10 * SECOND);
	mix_end(&mix[0]);
	mix_end(&mix[1]);
	/* what one writes the other reads */
	round_trip(&pair.side[0], 0, 8192, 7);
	fill(buf, 8192, 7);
	ck_assert_int_eq(nvme_host_compare_sync(&pair.side[2].ns, buf, 0, 16), 0);
	close_pair();
}
END_TEST

/*
 * 72 connections of two hosts, 1,050 commands between hosts and backend at one time, reads and writes in the capsule; their data
 * compared, and nothing is left of them afterwards.
 */
START_TEST(a_thousand_commands_at_once)
{
	struct pair_params params = { .cosim.adapters = 3,
				      .ns_bytes = 16 << 20,
				      .io_queues = 35,
				      .io_qsize = 16,
				      .delay_ns = 6 * MS,
				      .listen = { .qsize = 16 },
				      .subsys = { .max_io_queues = 35 } };
	struct nvme_target_stats st;
	struct crowd c[2];

	open_pair(&params);
	connect_host(2);
	nvme_target_stats(pair.target, &st);
	ck_assert_uint_eq(st.connections, 72);
	crowd_start(&c[0], &pair.side[0], 525, 1024, 0);
	crowd_start(&c[1], &pair.side[2], 525, 1024, 8192);
	crowd_end(&c[0]);
	crowd_end(&c[1]);
	ck_assert_uint_eq(pair.store.most, 1050);
	close_pair();
}
END_TEST

/* --- the same twice --------------------------------------------------------------------------- */

static void story(uint64_t clocks[2])
{
	struct pair_params params = { .digests = 3, .delay_ns = 1000, .shuffle = true };
	unsigned int i;

	open_pair(&params);
	round_trip(&pair.side[0], 1, 32768, 1);
	crowd(&pair.side[0], 10, 4096, 0);
	for (i = 0; i < 2; i++)
		clocks[i] = weft_sim_clocks(weft_world_port_sim(pair.cosim.end[i].port));
	close_pair();
}

START_TEST(the_same_cycles_every_time)
{
	uint64_t first[2], second[2];

	story(first);
	story(second);
	ck_assert_uint_eq(first[0], second[0]);
	ck_assert_uint_eq(first[1], second[1]);
}
END_TEST

static void add(void *t)
{
	tcase_add_loop_test(t, random_commands_of_every_size, 0, 4);
	tcase_add_test(t, zeroes_compare_and_deallocate);
	tcase_add_loop_test(t, a_failing_backend_costs_one_command, 0, 2);
	tcase_add_test(t, two_hosts_at_one_controller);
	tcase_add_test(t, a_thousand_commands_at_once);
	tcase_add_test(t, the_same_cycles_every_time);
}

int main(void)
{
	return run_suite("pair-load", add);
}
