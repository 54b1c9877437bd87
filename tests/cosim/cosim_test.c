// SPDX-License-Identifier: BSD-2-Clause
/*
 * The whole adapter against the scripted peer, in process and in cycle time. Data is compared in both memories, and every
 * test ends with: no complaint of the peer, no DMA outside what the host mapped, no connection and no command left.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rig.h"

#define MS 1000000ull
#define SECOND (1000 * MS)

static struct rig rig;

static void open_rig(const struct rig_params *params)
{
	ck_assert_int_eq(rig_open(&rig, params), 0);
	ck_assert_msg(!rig_connect(&rig), "connect: %s", weft_last_error());
}

static void nothing_is_left(void)
{
	nvme_host_disconnect(rig.host);
	rig.host = NULL;
	rig_run(&rig, 50 * MS);
	ck_assert_uint_eq(peer_stats(rig.peer)->open, 0);
	ck_assert_uint_eq(peer_commands(rig.peer), 0);
}

static void close_rig(void)
{
	const char *trouble = rig_trouble(&rig);

	ck_assert_msg(!trouble, "%s", trouble);
	nothing_is_left();
	rig_close(&rig);
}

static void fill(uint8_t *b, size_t len, uint32_t seed)
{
	uint32_t *w = (uint32_t *)b, x = seed * 2654435761u + 1;
	size_t i;

	for (i = 0; i < len / 4; i++) {
		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		w[i] = x;
	}
}

/* Writes len bytes, checks them in the peer's RAM, and reads them back into another buffer. */
static void round_trip(uint64_t lba, uint32_t len, uint32_t seed)
{
	uint8_t *out = weft_mem_alloc(rig.dev, len), *in = weft_mem_alloc(rig.dev, len), *ram = peer_ram(rig.peer, NULL);
	struct rig_io io = { 0 };

	ck_assert(out && in);
	fill(out, len, seed);
	ck_assert_int_eq(rig_write(&rig, out, lba, len / 512, &io), 0);
	ck_assert_msg(rig_wait(&rig, &io, 1, 5 * SECOND), "write of %u bytes does not end", len);
	ck_assert_msg(!io.error, "write of %u bytes: %d, status %x, %s", len, io.error, io.status, rig_trouble(&rig));
	ck_assert_msg(!memcmp(ram + lba * 512, out, len), "write of %u bytes: wrong in the target", len);
	ck_assert_int_eq(rig_read(&rig, in, lba, len / 512, &io), 0);
	ck_assert_msg(rig_wait(&rig, &io, 2, 5 * SECOND), "read of %u bytes does not end", len);
	ck_assert_msg(!io.error, "read of %u bytes: %d, status %x, %s", len, io.error, io.status, rig_trouble(&rig));
	ck_assert_msg(!memcmp(in, out, len), "read of %u bytes: wrong in the host", len);
	weft_mem_free(rig.dev, out);
	weft_mem_free(rig.dev, in);
}

/* n commands at once, half of them reads of what the other half does not touch. */
static void crowd(unsigned int n, uint32_t len)
{
	uint8_t *buf = weft_mem_alloc(rig.dev, (size_t)n * len), *ram = peer_ram(rig.peer, NULL);
	struct rig_io io = { 0 };
	unsigned int i;
	int ret;

	ck_assert_ptr_nonnull(buf);
	fill(buf, (size_t)n * len, 3);
	fill(ram, (size_t)n * len, 4);
	for (i = 0; i < n; i++) {
		ret = i % 2 ? rig_read(&rig, buf + i * len, i * len / 512, len / 512, &io) :
			      rig_write(&rig, buf + i * len, i * len / 512, len / 512, &io);
		ck_assert_int_eq(ret, 0);
	}
	ck_assert_msg(rig_wait(&rig, &io, n, 10 * SECOND), "%u of %u commands end", io.done, n);
	ck_assert_msg(!io.error, "error %d, status %x", io.error, io.status);
	for (i = 0; i < n; i++)
		ck_assert_msg(!memcmp(buf + i * len, ram + i * len, len), "command %u: wrong data", i);
	weft_mem_free(rig.dev, buf);
}

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
	struct rig_params params = { .digests = (uint8_t)_i, .peer = { .shuffle = true, .c2h_bytes = 2048, .seed = 1 } };

	open_rig(&params);
	crowd(100, 4096);
	close_rig();
}
END_TEST

START_TEST(writes_asked_for_in_pieces)
{
	struct rig_params params = { .digests = 3, .maxr2t = 3, .peer = { .r2t_bytes = 12288, .maxh2cdata = 4096, .cpda = (uint8_t)_i } };

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
	struct rig_params params = { .digests = 3, .sim = { .backpressure_seed = (uint32_t)_i + 1 } };

	open_rig(&params);
	round_trip(7, 65536, 2);
	crowd(16, 4096);
	close_rig();
}
END_TEST

/* --- a bad network -------------------------------------------------------------------------------------------------------------- */

START_TEST(a_bad_cable_costs_time_but_no_data)
{
	static const struct weft_link_params bad[] = {
		{ .delay_ns = 500, .loss = 0.02, .seed = 1 },
		{ .delay_ns = 500, .reorder = 0.1, .seed = 2 },
		{ .delay_ns = 500, .dup = 0.1, .seed = 3 },
		{ .delay_ns = 500, .corrupt = 0.02, .seed = 4 },
		{ .delay_ns = 500, .badfcs = 0.02, .seed = 5 },
		{ .delay_ns = 20000, .loss = 0.01, .reorder = 0.05, .dup = 0.02, .corrupt = 0.01, .seed = 6 },
	};
	struct rig_params params = { .digests = 3 };
	unsigned int i;

	open_rig(&params);
	weft_world_port_set_faults(rig.port, &bad[_i]);
	weft_world_port_set_faults(rig.wp.port, &bad[_i]);
	for (i = 0; i < 4; i++)
		round_trip(i * 300, 131072, i);
	crowd(30, 8192);
	params.cable[0].delay_ns = 500;
	weft_world_port_set_faults(rig.port, &params.cable[0]);
	weft_world_port_set_faults(rig.wp.port, &params.cable[0]);
	close_rig();
}
END_TEST

/* --- a bad target ---------------------------------------------------------------------------------------------------------------- */

/*
 * Whatever one PDU does wrong: each command ends, nobody hangs, no byte lands outside its buffer, and the adapter can be
 * used again.
 */
START_TEST(a_target_that_breaks_the_rules)
{
	enum peer_fault fault = (enum peer_fault)_i;
	struct rig_params params = { .digests = 3, .io_timeout_ms = 200, .peer.no_kato = true };
	struct rig_io io = { 0 };
	struct weft_dma_stats dma;
	bool write = fault >= PEER_R2T_HDGST && fault <= PEER_R2T_NONE;
	uint32_t len = 65536, i;
	uint8_t *buf;

	open_rig(&params);
	buf = weft_mem_alloc(rig.dev, 3 * len);
	ck_assert_ptr_nonnull(buf);
	memset(buf, 0xa5, 3 * len);
	peer_misbehave(rig.peer, fault, 1, 1, fault == PEER_RESP_STATUS ? 0x4006 : 2);
	ck_assert_int_eq(write ? rig_write(&rig, buf + len, 0, len / 512, &io) : rig_read(&rig, buf + len, 0, len / 512, &io), 0);
	ck_assert_msg(rig_wait(&rig, &io, 1, 3 * SECOND), "%s: the command does not end", peer_fault_name(fault));
	ck_assert_msg(peer_misbehaved(rig.peer), "%s did not happen", peer_fault_name(fault));
	for (i = 0; i < len; i++) {
		ck_assert_msg(buf[i] == 0xa5, "%s: byte %u before the buffer", peer_fault_name(fault), i);
		ck_assert_msg(buf[2 * len + i] == 0xa5, "%s: byte %u behind the buffer", peer_fault_name(fault), i);
	}
	weft_sim_bus_stats(rig.inproc, &dma);
	ck_assert_uint_eq(dma.refused, 0);
	nvme_host_disconnect(rig.host);
	rig.host = NULL;
	peer_close_all(rig.peer, true);
	rig_run(&rig, 10 * MS);
	ck_assert_msg(!rig_connect(&rig), "%s: no new association: %s", peer_fault_name(fault), weft_last_error());
	round_trip(0, 8192, 1);
	nothing_is_left();
	rig_close(&rig);
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
	ck_assert_msg(!rig_connect(&rig), "%s: %s", peer_fault_name((enum peer_fault)_i), weft_last_error());
	nothing_is_left();
	rig_close(&rig);
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
	Suite *s = suite_create("cosim");
	TCase *good = tcase_create("good"), *bad = tcase_create("bad"), *wrong = tcase_create("wrong");
	SRunner *sr;
	int failed;

	tcase_set_timeout(good, 100);
	tcase_set_timeout(bad, 100);
	tcase_set_timeout(wrong, 100);
	tcase_add_loop_test(good, data_of_every_size_comes_back, 0, 8);
	tcase_add_loop_test(good, many_commands_at_once, 0, 4);
	tcase_add_loop_test(good, writes_asked_for_in_pieces, 0, 2);
	tcase_add_test(good, success_flag_in_place_of_responses);
	tcase_add_test(good, several_queues);
	tcase_add_loop_test(good, every_handshake_of_the_buses_may_stall, 0, 3);
	tcase_add_test(good, the_same_cycles_every_time);
	tcase_add_loop_test(bad, a_bad_cable_costs_time_but_no_data, 0, 6);
	tcase_add_loop_test(wrong, a_target_that_breaks_the_rules, PEER_C2H_HDGST, PEER_FAULTS);
	tcase_add_loop_test(wrong, a_target_that_refuses_the_connection, PEER_IC_PFV, PEER_IC_TERM + 1);
	suite_add_tcase(s, good);
	suite_add_tcase(s, bad);
	suite_add_tcase(s, wrong);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? 1 : 0;
}
