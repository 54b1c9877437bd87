// SPDX-License-Identifier: BSD-2-Clause
/* Bench of weft_dma_rd: every byte of every answer is compared with host memory. */
#include <cstdio>
#include <memory>

#include "Vweft_dma_rd.h"
#include "verilated.h"

#include "axi_model.hpp"

namespace
{

typedef Vweft_dma_rd Dut;

constexpr int N = 7; /* clients */

struct Request {
	uint64_t addr;
	unsigned len;
};

struct Bench {
	VerilatedContext ctx;
	std::unique_ptr<Dut> d;
	Memory mem;
	AxiRead<Dut> axi;
	Rng rng;
	std::deque<Request> todo[N], open[N];
	unsigned pos[N] = {}, ready_pct[N], req_pct = 100;
	uint64_t bytes[N] = {}, answered[N] = {}, errors[N] = {}, cycle = 0, counted = 0,
		 counted_err = 0;
	bool watch = true;

	explicit Bench(uint64_t seed) : d(new Dut(&ctx)), axi(d.get(), mem, seed), rng(seed + 77)
	{
		for (unsigned &pct : ready_pct)
			pct = 100;
		d->rd_req_valid = d->rd_rsp_ready = 0;
		d->drain = 0;
		reset();
	}
	~Bench()
	{
		d->final();
	}
	void reset()
	{
		d->rst = 1;
		for (int i = 0; i < 4; i++)
			clock();
		d->rst = 0;
	}
	void clock()
	{
		d->clk = 1;
		d->eval();
		d->clk = 0;
		d->eval();
	}
	void drive()
	{
		for (int c = 0; c < N; c++) {
			if (!(d->rd_req_valid >> c & 1) && !todo[c].empty() &&
			    rng.percent(req_pct)) {
				Request r = todo[c].front();
				d->rd_req_valid |= 1 << c;
				memcpy(&d->rd_req_addr[c * 2], &r.addr, 8);
				uint16_t len = (uint16_t)r.len;
				memcpy((uint8_t *)&d->rd_req_len[0] + c * 2, &len, 2);
			}
			d->rd_rsp_ready = (d->rd_rsp_ready & ~(1 << c)) | rng.percent(ready_pct[c])
										  << c;
		}
	}
	void answer(int c)
	{
		unsigned cnt = (d->rd_rsp_cnt >> c * 5) & 31;
		bool last = d->rd_rsp_last >> c & 1, err = d->rd_rsp_err >> c & 1;
		need(!open[c].empty(), "answer without request");
		Request r = open[c].front();
		unsigned left = r.len - pos[c];
		need(cnt == (left < 16 ? left : 16), "count %u of %u", cnt, left);
		need(last == (left <= 16), "last %d with %u left", last, left);
		uint8_t got[16];
		memcpy(got, &d->rd_rsp_data[c * 4], 16);
		for (unsigned i = 0; i < cnt; i++)
			need(got[i] == mem.get(r.addr + pos[c] + i),
			     "client %d byte %u of %#llx+%u", c, pos[c] + i,
			     (unsigned long long)r.addr, r.len);
		pos[c] += cnt;
		bytes[c] += cnt;
		if (!last) {
			need(!err, "error before the last beat");
			return;
		}
		uint64_t lo = r.addr & ~15ull, hi = (r.addr + r.len + 15) & ~15ull;
		ck_assert_int_eq(err, mem.is_bad(lo, hi - lo));
		errors[c] += err;
		answered[c]++;
		pos[c] = 0;
		open[c].pop_front();
	}
	void tick()
	{
		drive();
		axi.drive();
		d->eval();
		unsigned req = d->rd_req_valid & d->rd_req_ready,
			 rsp = d->rd_rsp_valid & d->rd_rsp_ready;
		for (int c = 0; c < N; c++) {
			if (watch && rsp >> c & 1)
				answer(c);
			if (req >> c & 1) {
				open[c].push_back(todo[c].front());
				todo[c].pop_front();
			}
		}
		counted += d->cnt_bytes;
		counted_err += d->cnt_err;
		axi.sample();
		clock();
		axi.commit();
		d->rd_req_valid &= ~req;
		cycle++;
	}
	bool done() const
	{
		for (int c = 0; c < N; c++)
			if (!todo[c].empty() || !open[c].empty())
				return false;
		return true;
	}
	void run(uint64_t limit)
	{
		uint64_t end = cycle + limit;
		while (!done()) {
			tick();
			need(cycle < end, "no end: something is stuck");
		}
	}
	void ask(int c, uint64_t addr, unsigned len)
	{
		todo[c].push_back({ addr, len });
	}
	void ask_random(int c)
	{
		unsigned kind = rng.below(10), len = kind < 5 ? 1 + rng.below(64) :
						     kind < 8 ? 1 + rng.below(600) :
								1 + rng.below(4096);
		ask(c, ((uint64_t)rng.below(4) << 40) + rng.below(1 << 16), len);
	}
};

START_TEST(random_mix)
{
	static const unsigned knobs[][6] = {
		/* latency, jitter, addr %, data %, client ready %, request % */
		{ 1, 0, 100, 100, 100, 100 },   { 200, 0, 100, 100, 100, 100 },
		{ 30, 50, 60, 60, 70, 50 },     { 5, 10, 30, 90, 20, 100 },
		{ 100, 300, 100, 40, 90, 100 }, { 10, 3, 90, 100, 50, 10 },
	};
	for (unsigned k = 0; k < sizeof(knobs) / sizeof(knobs[0]); k++) {
		Bench b(100 + k);
		b.axi.k.latency = knobs[k][0];
		b.axi.k.jitter = knobs[k][1];
		b.axi.k.addr_pct = knobs[k][2];
		b.axi.k.data_pct = knobs[k][3];
		b.req_pct = knobs[k][5];
		uint64_t want = 0;
		for (int c = 0; c < N; c++) {
			b.ready_pct[c] = knobs[k][4];
			for (int i = 0; i < 300; i++) {
				b.ask_random(c);
				want += b.todo[c].back().len;
			}
		}
		b.run(2000000);
		for (int i = 0; i < 4; i++)
			b.tick();
		uint64_t got = 0;
		for (uint64_t n : b.bytes)
			got += n;
		ck_assert_uint_eq(got, want);
		ck_assert_uint_eq(b.counted, want);
		ck_assert_uint_eq(b.counted_err, 0);
		ck_assert_int_eq(b.d->busy, 0);
	}
}
END_TEST

/* Every offset with every length around the beat and burst sizes: the corners of packing. */
START_TEST(all_alignments)
{
	Bench b(7);
	for (unsigned off = 0; off < 16; off++) {
		for (unsigned len = 1; len <= 50; len++)
			b.ask(off & 3, 0x10000 + off + (len & 1 ? 0xff0 : 0), len);
		for (unsigned len = 240; len <= 274; len++)
			b.ask(3, 0x20f00 + off, len);
	}
	b.run(200000);
}
END_TEST

static double stream(unsigned off, unsigned piece)
{
	Bench b(9 + off);
	b.axi.k.latency = 200;
	const unsigned total = 128 * 1024;
	for (unsigned at = 0; at < total; at += piece)
		b.ask(3, 0x12340000 + off + at, piece);
	b.run(100000);
	ck_assert_uint_eq(b.bytes[3], total);
	ck_assert_uint_ge(b.axi.peak, 12);
	return (double)total / (double)(b.cycle - 200);
}

START_TEST(throughput)
{
	static const unsigned off[] = { 0, 5, 15 }, piece[] = { 4096, 2048, 1024 };
	for (unsigned i = 0; i < 3; i++) {
		for (unsigned j = 0; j < 3; j++) {
			double rate = stream(off[i], piece[j]);
			double need = j == 0 || off[i] == 0 ? 15.5 : 15.0;
			printf("read 128 KiB, pieces of %u at offset %u, latency 200: %.2f bytes/cycle\n",
			       piece[j], off[i], rate);
			need(rate >= need, "%.2f bytes per cycle", rate);
		}
	}
}
END_TEST

START_TEST(outstanding_64)
{
	Bench b(11);
	b.axi.k.latency = 5000;
	for (unsigned i = 0; i < 12; i++)
		b.ask(3, 0x100000 + i * 4096, 4096);
	b.run(100000);
	ck_assert_uint_eq(b.axi.peak, 64);
}
END_TEST

START_TEST(slow_client_blocks_nobody)
{
	Bench b(12);
	b.axi.k.latency = 50;
	for (int c = 1; c < N; c++) {
		b.ready_pct[c] = 0;
		for (int i = 0; i < 40; i++)
			b.ask(c, 0x40000 + (uint64_t)i * 4096 + 3, 4096);
	}
	for (int i = 0; i < 2000; i++)
		b.tick();
	for (int i = 0; i < 100; i++)
		b.ask(0, 0x900000 + i * 515, 512);
	uint64_t end = b.cycle + 100 * 200;
	while (b.answered[0] < 100) {
		b.tick();
		need(b.cycle < end, "client 0 does not get on");
	}
	for (int c = 1; c < N; c++)
		b.ready_pct[c] = 100;
	b.run(100000);
}
END_TEST

/*
 * While the others stream, a request of up to three bursts waits for at most the 64 before it and a round of the others between its own; nobody
 * starves.
 */
START_TEST(bounded_wait_under_load)
{
	Bench b(13);
	b.axi.k.latency = 10;
	for (int c = 1; c < N; c++)
		for (int i = 0; i < 200; i++)
			b.ask(c, 0x40000 + (uint64_t)i * 4096, 4096);
	for (int i = 0; i < 2000; i++)
		b.tick();
	for (int i = 1; i <= 8; i++) {
		uint64_t start = b.cycle;
		b.ask(0, 0x900000 + i * 128, 512);
		while (b.answered[0] < (uint64_t)i) {
			b.tick();
			need(b.cycle - start < (67 + 2 * (N - 1)) * 16 + 50, "waits too long");
		}
	}
	for (int c = 1; c < N; c++)
		need(b.bytes[c] > 4000, "client %d starves", c);
}
END_TEST

START_TEST(errors_stay_with_their_request)
{
	Bench b(14);
	b.axi.k.latency = 30;
	b.axi.k.jitter = 20;
	b.mem.bad.push_back({ 0x5000, 0x5fff });
	b.mem.bad.push_back({ 0x7120, 0x712f });
	for (int c = 0; c < N; c++) {
		b.ready_pct[c] = 80;
		for (int i = 0; i < 300; i++)
			b.ask(c, 0x4000 + b.rng.below(0x4000),
			      1 + b.rng.below(b.rng.below(2) ? 100 : 3000));
		b.ask(c, 0x4fff, 1);
		b.ask(c, 0x4fff, 2);
		b.ask(c, 0x6000, 16);
		b.ask(c, 0x7110, 32);
		b.ask(c, 0x7105, 27); /* ends in the beat before the bad one */
	}
	b.run(1000000);
	for (int c = 0; c < N; c++)
		ck_assert_uint_gt(b.errors[c], 10);
	ck_assert_uint_gt(b.counted_err, 40);
}
END_TEST

START_TEST(drain_then_reset)
{
	Bench b(15);
	b.axi.k.latency = 100;
	b.axi.k.addr_pct = 30;
	for (int c = 0; c < N; c++) {
		b.ready_pct[c] = c & 1 ? 0 : 100;
		for (int i = 0; i < 50; i++)
			b.ask_random(c);
	}
	for (int i = 0; i < 300; i++)
		b.tick();
	b.watch = false;
	b.d->drain = 1;
	for (int i = 0; !b.d->quiet; i++) {
		b.tick();
		ck_assert_int_lt(i, 5000);
	}
	ck_assert(b.axi.q.empty());
	uint64_t bursts = b.axi.bursts;
	for (int i = 0; i < 500; i++)
		b.tick();
	ck_assert_uint_eq(b.axi.bursts, bursts);
	for (int c = 0; c < N; c++) {
		b.todo[c].clear();
		b.open[c].clear();
		b.pos[c] = 0;
		b.ready_pct[c] = 100;
	}
	b.d->rd_req_valid = 0;
	b.d->drain = 0;
	b.reset();
	b.watch = true;
	for (int c = 0; c < N; c++)
		for (int i = 0; i < 50; i++)
			b.ask_random(c);
	b.run(100000);
}
END_TEST

} /* namespace */

int main()
{
	Suite *s = suite_create("dma_rd");
	TCase *tc = tcase_create("dma_rd");
	SRunner *sr;

	tcase_set_timeout(tc, 50);
	tcase_add_test(tc, random_mix);
	tcase_add_test(tc, all_alignments);
	tcase_add_test(tc, throughput);
	tcase_add_test(tc, outstanding_64);
	tcase_add_test(tc, slow_client_blocks_nobody);
	tcase_add_test(tc, bounded_wait_under_load);
	tcase_add_test(tc, errors_stay_with_their_request);
	tcase_add_test(tc, drain_then_reset);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	int failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? 1 : 0;
}
