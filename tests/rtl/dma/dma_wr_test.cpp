// SPDX-License-Identifier: BSD-2-Clause
/* Bench of weft_dma_wr: host memory afterwards equals a model that applies the commands in order of acceptance. */
#include <cstdio>
#include <memory>

#include "Vweft_dma_wr.h"
#include "verilated.h"

#include "axi_model.hpp"

namespace
{

typedef Vweft_dma_wr Dut;

constexpr int N = 3; /* clients */

struct Command {
	uint64_t addr;
	std::vector<uint8_t> data;
	uint16_t tag;
};

struct Bench {
	VerilatedContext ctx;
	std::unique_ptr<Dut> d;
	Memory mem, want;
	AxiWrite<Dut> axi;
	Rng rng;
	std::deque<Command> todo[N], feed[N];
	struct Done {
		int client;
		uint16_t tag;
		bool err;
	};
	std::deque<Done> open;
	unsigned pos[N] = {}, cmd_pct = 100, dat_pct[N] = { 100, 100, 100 };
	uint64_t cycle = 0, bytes = 0, counted = 0, counted_err = 0, accepted = 0, done = 0,
		 errors = 0;
	uint16_t next_tag = 1;
	bool watch = true;

	explicit Bench(uint64_t seed) : d(new Dut(&ctx)), axi(d.get(), mem, seed), rng(seed + 55)
	{
		d->wr_cmd_valid = d->wr_dat_valid = d->wr_dat_last = 0;
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
	void drive_cmd(int c)
	{
		if ((d->wr_cmd_valid >> c & 1) || todo[c].empty() || !rng.percent(cmd_pct))
			return;
		Command &m = todo[c].front();
		d->wr_cmd_valid |= 1 << c;
		memcpy(&d->wr_cmd_addr[c * 2], &m.addr, 8);
		d->wr_cmd_len = (d->wr_cmd_len & ~(0xffffull << c * 16)) | (uint64_t)m.data.size()
										   << c * 16;
		d->wr_cmd_tag = (d->wr_cmd_tag & ~(0xffffull << c * 16)) | (uint64_t)m.tag
										   << c * 16;
	}
	void drive_dat(int c)
	{
		if ((d->wr_dat_valid >> c & 1) || feed[c].empty() || !rng.percent(dat_pct[c]))
			return;
		Command &m = feed[c].front();
		unsigned left = (unsigned)m.data.size() - pos[c];
		uint8_t beat[16];
		for (unsigned i = 0; i < 16; i++) /* bytes past the end must not matter */
			beat[i] = i < left ? m.data[pos[c] + i] : (uint8_t)rng.next();
		memcpy(&d->wr_dat_data[c * 4], beat, 16);
		d->wr_dat_valid |= 1 << c;
		d->wr_dat_last = (d->wr_dat_last & ~(1 << c)) | (left <= 16) << c;
	}
	void take_dat(int c)
	{
		pos[c] += 16;
		if (pos[c] >= feed[c].front().data.size()) {
			pos[c] = 0;
			feed[c].pop_front();
		}
	}
	void take_cmd(int c)
	{
		Command m = todo[c].front();
		todo[c].pop_front();
		bool err = false;
		for (uint64_t a = m.addr & ~15ull; a < m.addr + m.data.size();) {
			uint64_t end = (a | 255) + 1, last = (m.addr + m.data.size() + 15) & ~15ull;
			end = end < last ? end : last;
			bool bad = mem.is_bad(a, end - a);
			for (uint64_t x = a; x < end && !bad; x++)
				if (x >= m.addr && x - m.addr < m.data.size())
					want.put(x, m.data[x - m.addr]);
			err |= bad;
			a = end;
		}
		bytes += m.data.size();
		accepted++;
		open.push_back({ c, m.tag, err });
		feed[c].push_back(m);
	}
	void check_done()
	{
		need(__builtin_popcount(d->wr_done_valid) <= 1, "two done at once");
		for (int c = 0; c < N; c++) {
			if (!(d->wr_done_valid >> c & 1))
				continue;
			need(!open.empty(), "done without command");
			Done o = open.front();
			open.pop_front();
			ck_assert_int_eq(o.client, c);
			ck_assert_uint_eq(d->wr_done_tag >> c * 16 & 0xffff, o.tag);
			ck_assert_int_eq(d->wr_done_err >> c & 1, o.err);
			errors += o.err;
			done++;
		}
		need(d->wr_answered == done, "wr_answered %u", d->wr_answered);
	}
	void tick()
	{
		for (int c = 0; c < N; c++) {
			drive_cmd(c);
			drive_dat(c);
		}
		axi.drive();
		d->eval();
		unsigned cmd = d->wr_cmd_valid & d->wr_cmd_ready,
			 dat = d->wr_dat_valid & d->wr_dat_ready;
		if (watch) {
			need(__builtin_popcount(cmd) <= 1, "two commands at once");
			need(d->wr_issued == accepted, "wr_issued %u", d->wr_issued);
			check_done();
		}
		for (int c = 0; c < N; c++) {
			if (dat >> c & 1)
				take_dat(c);
			if (cmd >> c & 1)
				take_cmd(c);
		}
		counted += d->cnt_bytes;
		counted_err += d->cnt_err;
		axi.sample();
		clock();
		axi.commit();
		d->wr_cmd_valid &= ~cmd;
		d->wr_dat_valid &= ~dat;
		cycle++;
	}
	bool idle() const
	{
		for (int c = 0; c < N; c++)
			if (!todo[c].empty() || !feed[c].empty())
				return false;
		return open.empty();
	}
	void run(uint64_t limit)
	{
		uint64_t end = cycle + limit;
		while (!idle()) {
			tick();
			need(cycle < end, "no end: something is stuck");
		}
	}
	void put(int c, uint64_t addr, unsigned len)
	{
		Command m;
		m.addr = addr;
		m.tag = next_tag++;
		for (unsigned i = 0; i < len; i++)
			m.data.push_back((uint8_t)rng.next());
		todo[c].push_back(m);
	}
};

START_TEST(random_mix)
{
	static const unsigned knobs[][6] = {
		/* latency, jitter, addr %, data %, command %, data valid % */
		{ 1, 0, 100, 100, 100, 100 },    { 200, 0, 100, 100, 100, 100 },
		{ 30, 50, 50, 60, 60, 60 },      { 10, 10, 10, 100, 100, 30 },
		{ 500, 100, 100, 30, 100, 100 },
	};
	for (unsigned k = 0; k < sizeof(knobs) / sizeof(knobs[0]); k++) {
		Bench b(200 + k);
		b.axi.k = { knobs[k][0], knobs[k][1], knobs[k][2], knobs[k][3] };
		b.cmd_pct = knobs[k][4];
		b.dat_pct[0] = b.dat_pct[1] = b.dat_pct[2] = knobs[k][5];
		for (int i = 0; i < 250; i++) {
			unsigned kind = b.rng.below(10);
			unsigned len = kind < 5 ? 1 + b.rng.below(64) :
				       kind < 9 ? 1 + b.rng.below(1500) :
						  1 + b.rng.below(9216);
			b.put(0, (1ull << 40) + b.rng.below(1 << 15),
			      len); /* a small window: overlaps show the order */
			b.put(1, (1ull << 40) + b.rng.below(1 << 15),
			      i & 1 ? 32 : 1 + b.rng.below(48));
			b.put(2, (1ull << 40) + b.rng.below(1 << 15), 1 + b.rng.below(2200));
		}
		b.run(2000000);
		ck_assert_uint_eq(b.done, 750);
		ck_assert_uint_eq(b.counted, b.bytes);
		ck_assert_uint_eq(b.counted_err, 0);
		b.mem.expect_same(b.want);
		for (int i = 0; i < 4; i++)
			b.tick();
		ck_assert_int_eq(b.d->busy, 0);
	}
}
END_TEST

START_TEST(all_alignments)
{
	Bench b(21);
	uint64_t at = 0x10000;
	for (unsigned off = 0; off < 16; off++) {
		for (unsigned len = 1; len <= 50; len++, at += 64)
			b.put((int)(off % 3), at + off, len);
		for (unsigned len = 240; len <= 274; len++, at += 512)
			b.put(0, at + off, len);
	}
	b.run(200000);
	b.mem.expect_same(b.want);
}
END_TEST

START_TEST(throughput)
{
	static const unsigned off[] = { 0, 7 }, piece[] = { 9216, 4096, 1460, 512 };
	for (unsigned i = 0; i < 2; i++) {
		for (unsigned j = 0; j < 4; j++) {
			Bench b(22);
			b.axi.k.latency = 200;
			unsigned total = 0;
			for (; total < 128 * 1024; total += piece[j])
				b.put(0, 0x123400000 + off[i] + total, piece[j]);
			b.run(100000);
			double rate = (double)total / (double)(b.cycle - 200);
			printf("write 128 KiB, commands of %u at offset %u, latency 200: %.2f bytes/cycle\n",
			       piece[j], off[i], rate);
			need(rate >= (piece[j] < 4096 ? 14.9 : 15.5), "%.2f bytes per cycle", rate);
			b.mem.expect_same(b.want);
		}
	}
}
END_TEST

START_TEST(errors_stay_with_their_command)
{
	Bench b(23);
	b.axi.k.latency = 60;
	b.mem.bad.push_back({ 0x5000, 0x5fff });
	b.mem.bad.push_back({ 0x7120, 0x712f });
	for (int i = 0; i < 300; i++) {
		b.put(0, 0x4000 + b.rng.below(0x4000),
		      1 + b.rng.below(b.rng.below(2) ? 100 : 3000));
		b.put(1, 0x4000 + b.rng.below(0x4000), 32);
	}
	b.run(1000000);
	ck_assert_uint_gt(b.errors, 50);
	ck_assert_uint_lt(b.errors, 550);
	ck_assert_uint_ge(b.counted_err, b.errors);
	b.mem.expect_same(b.want);
}
END_TEST

/* Responses held back: commands go on up to the limit of unanswered bursts and nothing is reported done. */
START_TEST(many_unanswered)
{
	Bench b(24);
	b.axi.hold_b = true;
	for (int i = 0; i < 100; i++)
		b.put(1, 0x8000 + i * 32, 32);
	for (int i = 0; i < 1000; i++)
		b.tick();
	ck_assert_uint_eq(b.axi.peak, 64);
	ck_assert_uint_eq(b.done, 0);
	ck_assert_uint_ge(b.accepted, 64);
	b.axi.hold_b = false;
	b.run(10000);
	b.mem.expect_same(b.want);
}
END_TEST

/* The place engine stops in the middle of a command; drain ends the burst without touching memory beyond its data. */
START_TEST(drain_then_reset)
{
	Bench b(25);
	b.axi.k = { 100, 20, 50, 70 };
	for (int i = 0; i < 20; i++) {
		b.put(0, 0x100000 + i * 10000, 9000);
		b.put(1, 0x800000 + i * 32, 32);
	}
	for (int i = 0; i < 900; i++)
		b.tick();
	b.dat_pct[0] = b.dat_pct[1] = 0;
	for (int i = 0; i < 500; i++)
		b.tick();
	ck_assert(!b.axi.aw.empty());
	b.watch = false;
	b.d->drain = 1;
	for (int i = 0; !b.d->quiet; i++) {
		b.tick();
		ck_assert_int_lt(i, 5000);
		ck_assert_uint_eq(b.d->wr_done_valid & (i > 1 ? 3 : 0), 0);
	}
	ck_assert(b.axi.aw.empty() && b.axi.b.empty() && b.axi.w.empty());
	for (auto &p : b.mem.pages)
		for (unsigned i = 0; i < 4096; i++)
			need(p.second[i] == Memory::fill(p.first << 12 | i) ||
				     p.second[i] == b.want.get(p.first << 12 | i),
			     "a byte that nobody wrote");
	for (int c = 0; c < N; c++) {
		b.todo[c].clear();
		b.feed[c].clear();
		b.pos[c] = 0;
		b.dat_pct[c] = 100;
	}
	b.open.clear();
	b.d->wr_cmd_valid = b.d->wr_dat_valid = 0;
	b.d->drain = 0;
	b.reset();
	b.accepted = b.done = 0;
	b.watch = true;
	b.want = b.mem;
	for (int i = 0; i < 20; i++)
		b.put(i % 3, 0x100000 + b.rng.below(1000), 1 + b.rng.below(900));
	b.run(100000);
	b.mem.expect_same(b.want);
}
END_TEST

} /* namespace */

int main()
{
	Suite *s = suite_create("dma_wr");
	TCase *tc = tcase_create("dma_wr");
	SRunner *sr;

	tcase_set_timeout(tc, 50);
	tcase_add_test(tc, random_mix);
	tcase_add_test(tc, all_alignments);
	tcase_add_test(tc, throughput);
	tcase_add_test(tc, errors_stay_with_their_command);
	tcase_add_test(tc, many_unanswered);
	tcase_add_test(tc, drain_then_reset);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	int failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? 1 : 0;
}
