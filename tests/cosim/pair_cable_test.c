// SPDX-License-Identifier: BSD-2-Clause
/* Two whole adapters on a bad cable: time is lost, data is not. */
#include <check.h>
#include <string.h>

#include "pair_fixture.h"
#include "some.h"

static struct mix mix;

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
	static const struct weft_link_params good = { .delay_ns = 500 };
	struct pair_params params = { .digests = 3 };
	struct weft_link_params other = bad[_i];

	open_pair(&params);
	other.seed += 100;
	weft_world_port_set_faults(pair.cosim.end[0].port, &bad[_i]);
	weft_world_port_set_faults(pair.cosim.end[1].port, &other);
	round_trip(&pair.side[0], 300, 131072, 1);
	crowd(&pair.side[0], 20, 8192, 0);
	mix_start(&mix, &pair.side[0], 8, 32768, 2000, 40, 1);
	mix_wait(&mix, 60 * SECOND);
	mix_end(&mix);
	weft_world_port_set_faults(pair.cosim.end[0].port, &good);
	weft_world_port_set_faults(pair.cosim.end[1].port, &good);
	close_pair();
}
END_TEST

static void add(void *t)
{
	add_some(t, a_bad_cable_costs_time_but_no_data, 0, 6);
}

int main(void)
{
	return run_suite("pair-cable", add);
}
