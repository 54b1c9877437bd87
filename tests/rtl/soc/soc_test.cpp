// SPDX-License-Identifier: BSD-2-Clause
// Event queue: nothing lost, order kept per source, no source starved. SRAM: both ports against an array. Timer: latch and compare.
#include <check.h>
#include <cstring>
#include <deque>
#include <random>
#include "Vtb_soc.h"
#include "verilated.h"

static Vtb_soc *top; // one per test process, which ends with it
static std::mt19937 rng;

static void edge()
{
	top->clk = 1;
	top->eval();
	top->clk = 0;
	top->eval();
}

static void start(unsigned seed)
{
	rng.seed(seed);
	top = new Vtb_soc;
	top->rst = 1;
	for (int i = 0; i < 3; i++)
		edge();
	top->rst = 0;
	top->eval();
}

START_TEST(events_keep_their_order_and_none_is_lost)
{
	std::deque<uint32_t> sent[3];
	uint32_t next[3] = { 0, 0, 0 }, got = 0;
	unsigned pop_chance = _i == 0 ? 2 : 50; // nearly always full, or nearly always empty

	start(1 + _i);
	for (int cycle = 0; cycle < 20000; cycle++) {
		for (int s = 0; s < 3; s++)
			if (!(top->in_valid >> s & 1) && rng() % 100 < 40) {
				top->in_valid |= 1 << s;
				top->in_data[3 * s] = s;
				top->in_data[3 * s + 1] = next[s]++;
				top->in_data[3 * s + 2] = rng();
			}
		top->pop = top->head_valid && rng() % 100 < pop_chance;
		top->eval();
		if (top->pop) {
			uint32_t s = top->head[0];

			ck_assert_uint_lt(s, 3);
			ck_assert(!sent[s].empty());
			ck_assert_uint_eq(top->head[1], sent[s].front());
			sent[s].pop_front();
			got++;
		}
		uint32_t ready = top->in_ready & top->in_valid;

		ck_assert_uint_le(__builtin_popcount(ready), 1);
		ck_assert_int_eq(top->taken, ready != 0);
		for (int s = 0; s < 3; s++)
			if (ready >> s & 1)
				sent[s].push_back(top->in_data[3 * s + 1]);
		edge();
		top->in_valid &= ~ready;
	}
	ck_assert_uint_gt(got, _i == 0 ? 200 : 4000);
	ck_assert_uint_lt(next[0] > next[1] ? next[0] - next[1] : next[1] - next[0], got / 10);
}
END_TEST

static void xram_engine(uint8_t *model, uint32_t *expect_valid, uint8_t expect[16])
{
	unsigned client = rng() % 4, beat = rng() % 44; // 40..43 lie outside

	top->x_req = 0;
	*expect_valid = 0;
	if (rng() % 4 == 0)
		return;
	top->x_req = 1 << client;
	top->x_we = rng() % 2 ? 1 << client : 0;
	for (unsigned c = 0; c < 4; c++) {
		uint16_t be = rng();

		for (int w = 0; w < 4; w++)
			top->x_wdata[4 * c + w] = rng();
		if (c != client)
			continue;
		top->x_addr = (uint64_t)beat << 16 * c;
		top->x_be = (uint64_t)be << 16 * c;
		if (!top->x_we) {
			*expect_valid = 1 << client;
			if (beat < 40)
				memcpy(expect, model + 16 * beat, 16);
			else
				*expect_valid |= 16; // data does not matter
		} else if (beat < 40) {
			for (int i = 0; i < 16; i++)
				if (be >> i & 1)
					model[16 * beat + i] = top->x_wdata[4 * c + i / 4] >> i % 4 * 8;
		}
	}
}

START_TEST(sram_holds_what_each_port_wrote)
{
	uint8_t model[640] = { 0 }, expect[16];
	uint32_t valid, word, core_read;

	start(3);
	for (unsigned a = 0; a < 640; a += 4) { // known contents
		top->c_en = 1;
		top->c_we = 15;
		top->c_addr = a;
		top->c_wdata = 0;
		edge();
	}
	for (int cycle = 0; cycle < 20000; cycle++) {
		bool core = cycle & 1; // one port at a time: a clash in the same cycle is the callers' business

		top->c_en = 0;
		top->x_req = 0;
		valid = 0;
		core_read = 0;
		if (core) {
			unsigned a = rng() % 176 * 4;

			top->c_en = 1;
			top->c_we = rng() % 2 ? rng() % 15 + 1 : 0;
			top->c_addr = a;
			top->c_wdata = rng();
			if (a < 640 && !top->c_we) {
				core_read = 1;
				memcpy(&word, model + a, 4);
			}
			for (int i = 0; i < 4 && a < 640; i++)
				if (top->c_we >> i & 1)
					model[a + i] = top->c_wdata >> i * 8;
		} else {
			xram_engine(model, &valid, expect);
		}
		top->eval();
		ck_assert_uint_eq(top->x_gnt, top->x_req);
		edge();
		ck_assert_uint_eq(top->x_rvalid, valid & 15);
		if (valid && !(valid & 16))
			ck_assert_mem_eq(&top->x_rdata[0], expect, 16);
		if (core_read)
			ck_assert_uint_eq(top->c_rdata, word);
	}
}
END_TEST

START_TEST(sram_serves_the_lowest_client_first)
{
	start(4);
	for (unsigned req = 0; req < 16; req++) {
		top->x_req = req;
		top->eval();
		ck_assert_uint_eq(top->x_gnt, req & -req);
	}
}
END_TEST

static uint32_t reg_read(unsigned addr)
{
	top->t_req = 1;
	top->t_we = 0;
	top->t_addr = addr;
	edge();
	top->t_req = 0;
	return top->t_rdata;
}

static void reg_write(unsigned addr, uint32_t v)
{
	top->t_req = 1;
	top->t_we = 1;
	top->t_addr = addr;
	top->t_wdata = v;
	edge();
	top->t_req = 0;
	top->t_we = 0;
}

START_TEST(time_is_read_in_one_piece_and_the_timer_fires_on_time)
{
	start(5);
	top->time_ns = 0x1ffffffffull;
	ck_assert_uint_eq(reg_read(0), 0xffffffffu);
	top->time_ns = 0x200000000ull; // the carry between the two reads
	ck_assert_uint_eq(reg_read(4), 1);
	ck_assert_uint_eq(top->timer_ns, ~0ull);
	reg_write(8, 100);
	ck_assert_uint_eq(top->timer_ns, ~0ull); // only the high half arms
	reg_write(12, 2);
	ck_assert_uint_eq(top->timer_ns, 0x200000064ull);
	top->time_ns = 0x200000063ull;
	edge();
	ck_assert(!top->timer_due);
	top->time_ns++;
	edge();
	ck_assert(top->timer_due);
}
END_TEST

int main()
{
	Suite *s = suite_create("soc");
	TCase *tc = tcase_create("all");
	SRunner *sr;
	int failed;

	tcase_set_timeout(tc, 30);
	tcase_add_loop_test(tc, events_keep_their_order_and_none_is_lost, 0, 2);
	tcase_add_test(tc, sram_holds_what_each_port_wrote);
	tcase_add_test(tc, sram_serves_the_lowest_client_first);
	tcase_add_test(tc, time_is_read_in_one_piece_and_the_timer_fires_on_time);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
