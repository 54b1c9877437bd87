// SPDX-License-Identifier: BSD-2-Clause
/*
 * Two whole adapters: associations that end amid data, from either side, in order or not. Whatever
 * happens, every command ends, nothing is leaked, and a new association works.
 */
#include <check.h>
#include <string.h>

#include "pair_fixture.h"

static struct mix mix;
static unsigned int lost, back;

static void on_event(void *arg, enum nvme_host_event event, int error, uint32_t aer)
{
	(void)arg;
	(void)error;
	(void)aer;
	lost += event == NVME_HOST_LOST;
	back += event == NVME_HOST_RECONNECTED;
}

static struct pair_params usual(void)
{
	return (struct pair_params){ .digests = 3,
				     .delay_ns = 20000,
				     .shuffle = true,
				     .io_queues = 2,
				     .cosim.advance_ns = 10000,
				     .kato_ms = 1000,
				     .event_cb = on_event,
				     .target.connect_timeout_ms = 500 };
}

/* A load under way, some of it done. */
static void amid_load(const struct pair_params *params)
{
	uint64_t end;

	open_pair(params);
	mix_start(&mix, &pair.side[0], 16, 65536, 0, 100000, 1);
	mix.errors_allowed = true;
	end = cosim_now(&pair.cosim) + SECOND;
	while (mix.done < 20 && cosim_now(&pair.cosim) < end)
		cosim_poll(&pair.cosim);
	ck_assert_uint_ge(mix.done, 20);
}

/* The old association is gone on both sides; a new one works. */
static void afterwards(void)
{
	mix.total = 0; /* what ends is not followed */
	if (pair.side[0].host)
		pair_disconnect(&pair, 0);
	mix_wait(&mix, SECOND);
	mix_end(&mix);
	target_is_empty(2 * SECOND);
	connect_host(0);
	round_trip(&pair.side[0], 64, 65536, 5);
	close_pair();
}

START_TEST(a_host_that_leaves_amid_its_commands)
{
	struct pair_params params = usual();

	amid_load(&params);
	mix.total = 0;
	pair_disconnect(&pair, 0);
	ck_assert_uint_gt(mix.errors, 0);
	afterwards();
}
END_TEST

/* The adapter of the host forgets everything and answers with RST. */
START_TEST(a_host_adapter_that_is_reset)
{
	struct weft_port port = {
		.ip = COSIM_IP, .mask = 0xffffff00, .mtu = 1500, .mac = { 2, 0, 0, 0, 0, 1 }
	};
	struct pair_params params = usual();
	struct nvme_target_stats st;

	amid_load(&params);
	ck_assert_int_eq(weft_dev_reset(pair.side[0].dev), 0);
	ck_assert_int_eq(weft_port_set(pair.side[0].dev, &port), 0);
	mix_wait(&mix, SECOND);
	target_is_empty(5 * SECOND);
	nvme_target_stats(pair.target, &st);
	ck_assert_uint_gt(st.connections_lost + st.keep_alive_expired, 0);
	afterwards();
}
END_TEST

/* The adapter of the controller is reset: the target ends without it, and starts again. */
START_TEST(a_controller_adapter_that_is_reset)
{
	struct weft_port port = {
		.ip = COSIM_IP + 1, .mask = 0xffffff00, .mtu = 1500, .mac = { 2, 0, 0, 0, 0, 2 }
	};
	struct pair_params params = usual();

	amid_load(&params);
	mix.total = 0;
	ck_assert_int_eq(weft_dev_reset(pair.side[1].dev), 0);
	ck_assert_int_eq(weft_port_set(pair.side[1].dev, &port), 0);
	pair_run(&pair, 100 * MS);
	pair_disconnect(&pair, 0);
	mix_wait(&mix, SECOND);
	mix_end(&mix);
	target_is_empty(SECOND);
	ck_assert_int_eq(pair_end_target(&pair, 100), 0);
	close_pair();
}
END_TEST

START_TEST(the_cable_is_cut)
{
	static const struct weft_link_params cut = { .loss = 1 }, good = { .delay_ns = 500 };
	struct pair_params params = usual();

	amid_load(&params);
	weft_world_port_set_faults(pair.cosim.end[0].port, &cut);
	weft_world_port_set_faults(pair.cosim.end[1].port, &cut);
	target_is_empty(10 * SECOND); /* Keep Alive ends it */
	weft_world_port_set_faults(pair.cosim.end[0].port, &good);
	weft_world_port_set_faults(pair.cosim.end[1].port, &good);
	afterwards();
}
END_TEST

/* The host's program stands still, its adapter does not. */
START_TEST(keep_alive_expires)
{
	struct pair_params params = usual();
	struct nvme_target_stats st;

	lost = 0;
	open_pair(&params);
	pair.side[0].asleep = true;
	target_is_empty(5 * SECOND);
	nvme_target_stats(pair.target, &st);
	ck_assert_uint_eq(st.keep_alive_expired, 1);
	pair.side[0].asleep = false;
	pair_disconnect(&pair, 0);
	connect_host(0);
	round_trip(&pair.side[0], 64, 65536, 5);
	close_pair();
}
END_TEST

/* A target that is told to end answers what it has, flushes, and goes. */
START_TEST(the_target_ends)
{
	static const uint32_t patience[] = { 0, 1, 1000 };
	struct pair_params params = usual();

	lost = 0;
	amid_load(&params);
	mix.total = 0;
	ck_assert_msg(!pair_end_target(&pair, patience[_i]), "target: %s", weft_last_error());
	ck_assert(pair.store.closed);
	ck_assert_ptr_null(pair.store.misuse);
	ck_assert_uint_gt(pair.store.flushes, 0);
	pair_run(&pair, 100 * MS);
	ck_assert_uint_gt(lost, 0);
	pair_disconnect(&pair, 0);
	mix_wait(&mix, SECOND);
	mix_end(&mix);
	close_pair();
}
END_TEST

START_TEST(the_namespace_goes)
{
	struct pair_params params = usual();

	amid_load(&params);
	ck_assert_int_eq(nvme_subsys_ns_remove(pair.subsys, 1), 0);
	pair_run(&pair, 10 * MS);
	mix_wait(&mix, SECOND);
	ck_assert_uint_gt(mix.errors, 0);
	ck_assert(pair.store.closed);
	mix_end(&mix);
	close_pair();
}
END_TEST

START_TEST(the_subsystem_goes)
{
	struct pair_params params = usual();

	amid_load(&params);
	mix.total = 0;
	if (_i)
		nvme_target_subsys_remove(pair.subsys);
	else
		ck_assert_int_eq(nvme_port_unlink(pair.port, pair.subsys), 0);
	target_is_empty(SECOND);
	pair_disconnect(&pair, 0);
	mix_wait(&mix, SECOND);
	mix_end(&mix);
	ck_assert_int_ne(pair_connect(&pair, 0), 0);
	pair_disconnect(&pair, 0);
	close_pair();
}
END_TEST

/* A lost association comes back by itself, and the commands after it work. */
START_TEST(a_host_that_reconnects)
{
	struct pair_params params = usual();
	uint64_t end;

	params.reconnect_delay_ms = 10;
	lost = back = 0;
	open_pair(&params);
	ck_assert_int_eq(nvme_port_unlink(pair.port, pair.subsys), 0);
	ck_assert_int_eq(nvme_port_link(pair.port, pair.subsys), 0);
	for (end = cosim_now(&pair.cosim) + 2 * SECOND; cosim_now(&pair.cosim) < end && !back;)
		cosim_poll(&pair.cosim);
	ck_assert_uint_eq(lost, 1);
	ck_assert_msg(back == 1, "not there again: %s", weft_last_error());
	round_trip(&pair.side[0], 64, 65536, 5);
	close_pair();
}
END_TEST

/* Connecting and leaving again and again: nothing is used up. */
START_TEST(many_associations_one_after_the_other)
{
	struct pair_params params = usual();
	unsigned int i;

	params.digests = (uint8_t)(2 * _i);
	open_pair(&params);
	for (i = 0; i < 15; i++) {
		pair_disconnect(&pair, 0);
		connect_host(0);
		if (i % 5 == 0)
			round_trip(&pair.side[0], i, 16384, i);
	}
	close_pair();
}
END_TEST

static void add(void *t)
{
	tcase_add_test(t, a_host_that_leaves_amid_its_commands);
	tcase_add_test(t, a_host_adapter_that_is_reset);
	tcase_add_test(t, a_controller_adapter_that_is_reset);
	tcase_add_test(t, the_cable_is_cut);
	tcase_add_test(t, keep_alive_expires);
	tcase_add_loop_test(t, the_target_ends, 0, 3);
	tcase_add_test(t, the_namespace_goes);
	tcase_add_loop_test(t, the_subsystem_goes, 0, 2);
	tcase_add_test(t, a_host_that_reconnects);
	tcase_add_loop_test(t, many_associations_one_after_the_other, 0, 2);
}

int main(void)
{
	return run_suite("pair-end", add);
}
