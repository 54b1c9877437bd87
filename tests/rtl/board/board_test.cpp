// SPDX-License-Identifier: BSD-2-Clause
// The kernel's control space: the two halves never mix, in whatever order a bus brings address and data; the image loader; the interrupt.
#include <check.h>
#include <random>
#include <vector>
#include "Vtb_board.h"
#include "verilated.h"

#define TOP 0x100000u
enum { GIE = 0x04, IER = 0x08, ISR = 0x0c, HOST = 0x10, MAGIC = 0x20, LOAD = 0x24, LOAD_ADDR = 0x28, LOAD_DATA = 0x2c, STATUS = 0x30, VECTORS = 0x40 };

static Vtb_board *top; // one per test process, which ends with it
static std::mt19937 rng;
static std::vector<std::pair<uint32_t, uint32_t>> loaded; // what the loader wrote

static void edge()
{
	top->eval();
	if (top->boot_we)
		loaded.push_back({ top->boot_addr, top->boot_data });
	top->clk = 1;
	top->eval();
	top->clk = 0;
	top->eval();
}

static void start(unsigned seed)
{
	rng.seed(seed);
	top = new Vtb_board;
	top->rst = 1;
	for (int i = 0; i < 3; i++)
		edge();
	top->rst = 0;
	top->eval();
}

// Address and data as late as they like, the answer taken as late.
static void write(uint32_t addr, uint32_t data, unsigned strb = 15, unsigned max = 1)
{
	unsigned a = rng() % max, d = rng() % max, b = rng() % max, t = 0;
	bool a_done = false, d_done = false, done = false;

	for (; !done; t++) {
		ck_assert_uint_lt(t, 100);
		top->awvalid = !a_done && t >= a;
		top->awaddr = top->awvalid ? addr : rng();
		top->wvalid = !d_done && t >= d;
		top->wdata = top->wvalid ? data : rng();
		top->wstrb = strb;
		top->bready = t >= b;
		top->eval();
		bool a_now = top->awvalid && top->awready, d_now = top->wvalid && top->wready;
		done = top->bvalid && top->bready;
		if (top->bvalid) {
			ck_assert(a_done && d_done);
			ck_assert_uint_eq(top->bresp, 0);
		}
		edge();
		a_done = a_done || a_now;
		d_done = d_done || d_now;
	}
	top->awvalid = top->wvalid = top->bready = 0;
}

static uint32_t read(uint32_t addr, unsigned max = 1)
{
	unsigned a = rng() % max, r = rng() % max, t = 0;
	bool a_done = false, done = false;
	uint32_t value = 0;

	for (; !done; t++) {
		ck_assert_uint_lt(t, 100);
		top->arvalid = !a_done && t >= a;
		top->araddr = top->arvalid ? addr : rng();
		top->rready = t >= r;
		top->eval();
		bool a_now = top->arvalid && top->arready;
		done = top->rvalid && top->rready;
		value = top->rdata;
		if (top->rvalid)
			ck_assert_uint_eq(top->rresp, 0);
		edge();
		a_done = a_done || a_now;
	}
	top->arvalid = top->rready = 0;
	return value;
}

static void ask(unsigned vector)
{
	top->msix_req = 1;
	top->msix_vector = vector;
	edge();
	top->msix_req = 0;
	edge();
}

START_TEST(the_halves_do_not_mix)
{
	uint32_t model[16] = {}, host[2] = {};

	start(1);
	for (unsigned i = 0; i < 16; i++)
		write(TOP + 4 * i, 0);
	write(HOST, 0);
	write(HOST + 4, 0);
	for (int n = 0; n < 4000; n++) {
		uint32_t v = rng(), i = rng() % 16;

		switch (rng() % 4) {
		case 0:
			write(TOP + 4 * i, v, 15, 6);
			model[i] = v;
			break;
		case 1:
			write(HOST + 4 * (i & 1), v, 15, 6);
			host[i & 1] = v;
			break;
		case 2:
			ck_assert_uint_eq(read(TOP + 4 * i, 6), model[i]);
			break;
		default:
			ck_assert_uint_eq(read(HOST + 4 * (i & 1), 6), host[i & 1]);
		}
	}
	ck_assert_uint_eq(read(TOP + 0xffffc), 0xdeadbeef);
	ck_assert_uint_eq(read(0xffffc), 0); // far behind the kernel's own registers
	ck_assert_uint_eq(read(0x80 + MAGIC), 0);
	ck_assert_uint_eq(read(MAGIC), 0x54464557);
}
END_TEST

START_TEST(an_image_is_loaded_word_by_word)
{
	start(2);
	ck_assert_uint_eq(top->boot_hold, 1);
	ck_assert_uint_eq(read(LOAD), 1);
	write(LOAD_ADDR, 0x10000000);
	for (uint32_t i = 0; i < 100; i++)
		write(LOAD_DATA, 0xa0000000 + i);
	write(LOAD_DATA, 0x55, 1); // not a whole word
	write(LOAD_DATA + 0x80, 1);
	write(TOP + LOAD_DATA, 1);
	edge();
	ck_assert_uint_eq(loaded.size(), 100);
	for (uint32_t i = 0; i < 100; i++) {
		ck_assert_uint_eq(loaded[i].first, 0x10000000 + 4 * i);
		ck_assert_uint_eq(loaded[i].second, 0xa0000000 + i);
	}
	ck_assert_uint_eq(read(LOAD_ADDR), 0x10000000 + 400);
	write(LOAD, 0);
	ck_assert_uint_eq(top->boot_hold, 0);
	top->core_trap = 1;
	top->link_up = 1;
	ck_assert_uint_eq(read(STATUS), 5);
	top->rst = 1;
	edge();
	ck_assert_uint_eq(top->boot_hold, 1);
}
END_TEST

START_TEST(the_interrupt_holds_until_it_is_cleared)
{
	start(3);
	ask(0);
	ck_assert(!top->irq);
	write(GIE, 1);
	ck_assert(!top->irq);
	write(IER, 1);
	ck_assert(top->irq); // one from before is not lost
	write(ISR, 0);
	ck_assert(top->irq);
	write(ISR, 1);
	ck_assert(!top->irq);
	ck_assert_uint_eq(read(ISR), 0);
	ask(5);
	ck_assert(top->irq);
	write(GIE, 0);
	ck_assert(!top->irq);
	ck_assert_uint_eq(read(ISR), 1);
}
END_TEST

START_TEST(each_vector_has_its_bit)
{
	start(4);
	for (unsigned v = 0; v < 128; v++) {
		ask(v);
		for (unsigned w = 0; w < 4; w++)
			ck_assert_uint_eq(read(VECTORS + 4 * w), w == v / 32 ? 1u << v % 32 : 0);
		write(VECTORS + 4 * (v / 32), 1u << v % 32);
	}
	ask(3);
	ask(35);
	write(VECTORS, 1u << 4);
	ck_assert_uint_eq(read(VECTORS), 1u << 3);
	write(VECTORS, 1u << 3);
	ck_assert_uint_eq(read(VECTORS), 0);
	ck_assert_uint_eq(read(VECTORS + 4), 1u << 3);
}
END_TEST

// A vector is asked for in each cycle around the clearing: the status bit is never lost.
START_TEST(a_vector_that_comes_with_the_clearing_is_kept)
{
	for (int when = 0; when < 12; when++) {
		start(5);
		write(GIE, 1);
		write(IER, 1);
		ask(1);
		top->awvalid = top->wvalid = top->bready = 1;
		top->awaddr = ISR;
		top->wdata = 1;
		top->wstrb = 15;
		for (int t = 0; t < 12; t++) {
			top->msix_req = t == when;
			top->msix_vector = 2;
			top->eval();
			bool a = top->awready, d = top->wready;
			edge();
			if (a)
				top->awvalid = 0;
			if (d)
				top->wvalid = 0;
			if (t == when)
				ck_assert(top->irq);
		}
		ck_assert_uint_eq(read(VECTORS), 6);
		if (when >= 4) // the clearing is over by then
			ck_assert(top->irq);
	}
}
END_TEST

int main()
{
	Suite *s = suite_create("board");
	TCase *tc = tcase_create("all");
	SRunner *sr;
	int failed;

	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, the_halves_do_not_mix);
	tcase_add_test(tc, an_image_is_loaded_word_by_word);
	tcase_add_test(tc, the_interrupt_holds_until_it_is_cleared);
	tcase_add_test(tc, each_vector_has_its_bit);
	tcase_add_test(tc, a_vector_that_comes_with_the_clearing_is_kept);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
