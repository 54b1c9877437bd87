// SPDX-License-Identifier: BSD-2-Clause
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "fc_fixture.h"

struct fc_wire wire;
unsigned int lost, reconnected;
static unsigned int used[2]; /* exchanges, at rest */
static struct nvme_target_stats held;

static void on_event(void *arg, enum nvme_host_event event, int error, uint32_t aer)
{
	(void)arg;
	(void)error;
	(void)aer;
	lost += event == NVME_HOST_LOST;
	reconnected += event == NVME_HOST_RECONNECTED;
	ck_assert_int_ne(event, NVME_HOST_DEAD);
}

static unsigned int exchanges(unsigned int i)
{
	uint32_t val[3];

	ck_assert_int_eq(weft_fc_stats(pair.cosim.end[i].fc, 0, val), 0);
	return val[2] & 0xffff;
}

void open_wired(struct pair_params *params)
{
	memset(&wire, 0, sizeof(wire));
	lost = reconnected = 0;
	params->cosim.join = fc_wire_join;
	params->cosim.join_arg = &wire;
	params->cosim.advance_ns = 40000; /* there is much to wait for */
	params->kato_ms = 1;
	params->reconnect_delay_ms = 1;
	params->event_cb = on_event;
	open_pair(params);
	wait_wired(fc_wire_quiet(&wire), 10 * MS);
	for (unsigned int i = 0; i < 2; i++)
		used[i] = exchanges(i);
	nvme_target_stats(pair.target, &held);
}

bool host_live(void)
{
	struct nvme_host_info info;

	nvme_host_info(pair.side[0].host, &info);
	return info.live;
}

static bool same(void)
{
	struct nvme_target_stats st;

	nvme_target_stats(pair.target, &st);
	return st.connections == held.connections && st.controllers == held.controllers &&
	       st.io_queues == held.io_queues && st.commands_held == held.commands_held &&
	       st.memory_held == held.memory_held && exchanges(0) == used[0] &&
	       exchanges(1) == used[1] && fc_wire_quiet(&wire);
}

void back_to_life(unsigned int n)
{
	uint64_t end = cosim_now(&pair.cosim) + 40 * SECOND, pause = MS;

	pair_run(&pair, 2 * MS); /* what failed last may still end the association */
	while (!host_live() || wire.pulled || wire.dark) {
		ck_assert_msg(cosim_now(&pair.cosim) < end, "%u: no association", n);
		cosim_poll(&pair.cosim);
	}
	round_trip(&pair.side[0], 5000 + n % 100, 4096, n + 1);
	while (!same()) {
		ck_assert_msg(cosim_now(&pair.cosim) < end,
			      "%u: in use: exchanges %u of %u, %u of %u, frames %u, %u", n,
			      exchanges(0), used[0], exchanges(1), used[1], wire.side[0].owes,
			      wire.side[1].owes);
		pair_run(&pair, pause);
		pause += pause < 100 * MS ? pause : 0; /* looking costs more than waiting */
	}
}

void close_wired(void)
{
	back_to_life(0);
	wire.rule = NULL;
	close_pair();
}

unsigned int fc_sweep_step(const char *name, unsigned int usual)
{
	const char *text = getenv(name);
	int step = text ? atoi(text) : 0;

	return step > 0 ? (unsigned int)step : usual;
}

int run_fc_suite(const char *name, const struct fc_case *cases, unsigned int n)
{
	Suite *s = suite_create(name);
	SRunner *sr;
	int failed;

	for (unsigned int i = 0; i < n; i++) {
		TCase *t = tcase_create(cases[i].name);

		tcase_set_timeout(t, 300);
		tcase_add_loop_test(t, cases[i].test, cases[i].from, cases[i].to);
		suite_add_tcase(s, t);
	}
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? 1 : 0;
}
