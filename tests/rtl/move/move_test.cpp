// SPDX-License-Identifier: BSD-2-Clause
// Bench of weft_crc32c, weft_pack and weft_sgl_walk: random beats, calls and lists against models written from the contract.
#include <check.h>
#include <deque>
#include <map>
#include <random>
#include <vector>
#include "Vtb_move.h"
#include "verilated.h"

typedef std::vector<uint8_t> bytes;

static Vtb_move *top; /* one per test process, which ends with it */
static std::mt19937_64 rng;

static uint64_t rnd(uint64_t n)
{
	return rng() % n;
}

static void start(unsigned seed)
{
	rng.seed(seed);
	top = new Vtb_move;
	top->rst = 1;
	for (int i = 0; i < 4; i++) {
		top->clk = 0;
		top->eval();
		top->clk = 1;
		top->eval();
	}
	top->rst = 0;
	top->clk = 0;
	top->eval();
}

static void edge()
{
	top->clk = 1;
	top->eval();
	top->clk = 0;
	top->eval();
}

template <typename W> static void put128(W &w, const uint8_t *p)
{
	for (int i = 0; i < 4; i++)
		w[i] = p[4 * i] | p[4 * i + 1] << 8 | p[4 * i + 2] << 16 |
		       (uint32_t)p[4 * i + 3] << 24;
}

template <typename W> static uint8_t lane(const W &w, int i)
{
	return w[i / 4] >> (i % 4 * 8);
}

static uint32_t crc_bits(uint32_t crc, const uint8_t *p, size_t n, uint32_t poly = 0x82f63b78)
{
	while (n--) {
		crc ^= *p++;
		for (int b = 0; b < 8; b++)
			crc = crc >> 1 ^ (crc & 1 ? poly : 0);
	}
	return crc;
}

START_TEST(crc_of_known_string)
{
	const uint8_t text[16] = { '1', '2', '3', '4', '5', '6', '7', '8', '9' };

	start(1);
	top->crc_in = 0xffffffff;
	put128(top->crc_data, text);
	top->crc_cnt = 9;
	top->eval();
	ck_assert_uint_eq(~top->crc_out, 0xe3069283);
	ck_assert_uint_eq(~top->crc32_out, 0xcbf43926);
}
END_TEST

START_TEST(crc_of_random_beats)
{
	start(2);
	for (int i = 0; i < 40000; i++) {
		uint8_t d[16];
		uint32_t crc = rng();
		int n = rnd(17);

		for (auto &b : d)
			b = rng();
		top->crc_in = crc;
		put128(top->crc_data, d);
		top->crc_cnt = n;
		top->eval();
		ck_assert_uint_eq(top->crc_out, crc_bits(crc, d, n));
		ck_assert_uint_eq(top->crc32_out, crc_bits(crc, d, n, 0xedb88320));
	}
}
END_TEST

/* Feeds the beats; every byte out must be the next byte in, full beats only, zeros above the last byte. Returns cycles. */
static long pack_run(int messages, unsigned seed, bool slow)
{
	bytes in;
	std::deque<size_t> ends;
	size_t out_pos = 0;
	int sent = 0, got = 0;
	bool offered = false;
	int n = 0, left = 0;
	bool last = false;
	long cycles = 0;

	start(seed);
	while (got < messages) {
		uint8_t d[16];

		ck_assert_int_lt(cycles++, 2000000);
		if (!offered && sent < messages && !(slow && rnd(3) == 0)) {
			if (left == 0)
				left = 1 + rnd(40);
			n = slow ? rnd(17) : 16 - (rnd(40) == 0);
			last = --left == 0;
			for (auto &b : d)
				b = rng();
			put128(top->in_data, d);
			top->in_cnt = n;
			top->in_last = last;
			offered = true;
		}
		top->in_valid = offered;
		top->out_ready = !slow || rnd(3) != 0;
		top->eval();
		bool took = top->in_valid && top->in_ready, gave = top->out_valid && top->out_ready;
		if (took) {
			for (int i = 0; i < n; i++)
				in.push_back(lane(top->in_data, i));
			if (last) {
				ends.push_back(in.size());
				sent++;
			}
			offered = false;
		}
		if (gave) {
			int cnt = top->out_cnt;
			if (!top->out_last)
				ck_assert_int_eq(cnt, 16);
			for (int i = 0; i < 16; i++)
				ck_assert_uint_eq(lane(top->out_data, i),
						  i < cnt ? in[out_pos + i] : 0);
			out_pos += cnt;
			ck_assert_uint_le(out_pos, in.size());
			if (top->out_last) {
				ck_assert(!ends.empty());
				ck_assert_uint_eq(out_pos, ends.front());
				ends.pop_front();
				got++;
			}
		}
		edge();
	}
	return slow ? cycles : (long)(cycles * 16 - (long)in.size());
}

START_TEST(pack_random)
{
	pack_run(3000, 3, true);
}
END_TEST

START_TEST(pack_full_speed)
{
	/* at most two beats lost per message: one short, one for its tail */
	ck_assert_int_lt(pack_run(1000, 4, false), 1000 * 48);
}
END_TEST

struct elem {
	uint64_t addr;
	uint32_t len;
};

struct slot {
	uint32_t data_len;
	uint16_t count;
	bool chain;
	uint64_t list;
	std::vector<elem> el;
	bool tail = false; /* SGL_TAIL: the list form stands in the last 16 bytes */
};

static std::map<unsigned, slot> slots;
static std::map<uint64_t, uint8_t> host;
static std::vector<uint8_t> xram;
static uint64_t bad_page; /* reads that touch it fail */
static unsigned reads;

static void put64(uint8_t *p, uint64_t v)
{
	for (int i = 0; i < 8; i++)
		p[i] = v >> 8 * i;
}

static void elem_bytes(uint8_t *p, const elem &e)
{
	put64(p, e.addr);
	put64(p + 8, e.len | (uint64_t)rng() << 32);
}

static void slot_store(unsigned nr)
{
	const slot &s = slots[nr];
	uint8_t *p = &xram[nr * 256];

	for (int i = 0; i < 256; i++)
		p[i] = rng();
	p[1] = (p[1] & ~0x88) | (s.chain ? 8 : 0) | (s.tail ? 0x80 : 0);
	put64(p + 4, s.data_len | (uint64_t)s.count << 32);
	if (s.chain) {
		put64(p + (s.tail ? 112 : 16), s.list);
		for (size_t i = 0; i < s.el.size(); i++) {
			uint8_t e[16];
			elem_bytes(e, s.el[i]);
			for (int k = 0; k < 16; k++)
				host[s.list + i * 16 + k] = e[k];
		}
	} else {
		for (size_t i = 0; i < s.el.size() && i < (s.tail ? 1 : 3); i++)
			elem_bytes(p + (s.tail ? 112 : 16 + 16 * i), s.el[i]);
	}
}

static slot slot_random(unsigned nr)
{
	slot s;
	uint64_t sum = 0;
	int shape = rnd(4);

	s.chain = rnd(2);
	s.tail = rnd(2);
	s.count = s.chain ? 1 + rnd(rnd(4) ? 40 : 1024) : s.tail ? 1 : 1 + rnd(3);
	s.list = 0x10000000ull * (nr + 1) + rnd(4096) + (rnd(2) ? 0x100000000ull : 0);
	for (int i = 0; i < s.count; i++) {
		elem e = { rng() >> 2, (uint32_t)(shape == 0 ? rnd(20) :
						  shape == 1 ? 4096 :
							       rnd(9000)) };
		if (rnd(8) == 0)
			e.len = 0;
		s.el.push_back(e);
		sum += e.len;
	}
	s.data_len = sum > 20 ? sum - rnd(10) : sum;
	return s;
}

struct piece {
	uint64_t addr;
	unsigned len;
	bool last, err;
};

/* Stepper of one call; XRAM and host memory answer after random times. */
struct walker {
	std::deque<int> x_due;
	std::deque<std::pair<int, unsigned>> x_ans;
	uint64_t rd_addr = 0;
	int rd_left = 0, rd_wait = 0;
	bool rd_err = false;
	long cycles = 0;

	std::vector<piece> call(unsigned nr, uint32_t off, uint32_t len, bool slow,
				bool fresh = false)
	{
		std::vector<piece> got;
		bool started = false;
		long t0 = cycles;

		for (;;) {
			ck_assert_int_lt(cycles - t0, 200000);
			top->st_valid = !started;
			top->st_slot = nr;
			top->st_off = off;
			top->st_len = len;
			top->st_fresh = fresh;
			top->pc_ready = !slow || rnd(3) == 0;
			drive_mem(slow);
			top->eval();
			if (top->st_valid && top->st_ready)
				started = true;
			bool done = false;
			if (top->pc_valid && top->pc_ready) {
				got.push_back({ top->pc_addr, top->pc_len, (bool)top->pc_last,
						(bool)top->pc_err });
				done = top->pc_last;
			}
			take_mem(slow);
			edge();
			cycles++;
			if (done) {
				top->st_valid = 0;
				return got;
			}
		}
	}

	void drive_mem(bool slow)
	{
		top->x_gnt = !slow || rnd(2);
		top->x_rvalid = !x_ans.empty() && x_ans.front().first <= cycles;
		if (top->x_rvalid)
			put128(top->x_rdata, &xram[x_ans.front().second * 16]);
		top->rd_req_ready = rd_left == 0;
		top->rd_rsp_valid = rd_left > 0 && rd_wait <= 0 && !(slow && rnd(3) == 0);
		if (rd_left > 0)
			rd_wait--;
		if (top->rd_rsp_valid) {
			uint8_t d[16];
			for (int i = 0; i < 16; i++) {
				auto it = host.find(rd_addr + i);
				d[i] = it == host.end() ? 0xee : it->second;
				if ((rd_addr + i) >> 12 == bad_page)
					rd_err = true;
			}
			put128(top->rd_rsp_data, d);
			top->rd_rsp_cnt = 16;
			top->rd_rsp_last = rd_left == 16;
			top->rd_rsp_err = rd_err && rd_left == 16;
		}
	}

	void take_mem(bool slow)
	{
		if (top->x_rvalid)
			x_ans.pop_front();
		if (top->x_req && top->x_gnt) {
			ck_assert(!top->x_we);
			ck_assert_uint_lt(top->x_addr, 49152);
			x_ans.push_back({ cycles + 1 + (slow ? rnd(4) : 0), top->x_addr });
		}
		if (top->rd_rsp_valid && top->rd_rsp_ready) {
			rd_left -= 16;
			rd_addr += 16;
		}
		if (top->rd_req_valid && top->rd_req_ready) {
			reads++;
			rd_addr = top->rd_req_addr;
			rd_left = top->rd_req_len;
			ck_assert(rd_left > 0 && rd_left <= 256 && rd_left % 16 == 0);
			rd_wait = slow ? rnd(100) : 10;
			rd_err = false;
		}
	}
};

/* What the contract asks for; stops at the first thing that is wrong. */
static void expect(const std::vector<piece> &got, const slot &s, uint32_t off, uint32_t len)
{
	bool bad = len == 0 || (uint64_t)off + len > s.data_len || s.count == 0 ||
		   s.count > (s.chain ? 1024 : s.tail ? 1 : 3);
	uint64_t base = 0, pos = off, end = (uint64_t)off + len;
	size_t n = 0;

	for (size_t i = 0; !bad && i < s.el.size() && pos < end; i++) {
		const elem &e = s.el[i];
		uint64_t addr = s.list + (i & ~15ul) * 16;

		if (s.chain &&
		    (addr >> 12 == bad_page ||
		     (addr + std::min(16ul, s.el.size() - (i & ~15ul)) * 16 - 1) >> 12 == bad_page))
			bad = true;
		if (!bad && e.len && base + e.len > pos && e.addr + e.len < e.addr)
			bad = true;
		while (!bad && base + e.len > pos && pos < end) {
			ck_assert_uint_lt(n, got.size());
			const piece &p = got[n++];
			ck_assert(!p.err);
			ck_assert_uint_eq(p.addr, e.addr + (pos - base));
			ck_assert(p.len >= 1 && p.len <= 4096);
			pos += p.len;
			ck_assert_uint_le(pos, std::min(base + e.len, end));
			ck_assert_int_eq(p.last, pos == end);
		}
		base += e.len;
	}
	if (bad || pos < end) {
		ck_assert_uint_eq(got.size(), n + 1);
		ck_assert(got[n].err && got[n].last);
	} else {
		ck_assert_uint_eq(got.size(), n);
	}
}

static void refill(unsigned nr, const slot &s)
{
	slots[nr] = s;
	slot_store(nr);
	top->inval_valid = 1;
	top->inval_slot = nr;
	edge();
	top->inval_valid = 0;
}

static void walk_start(unsigned seed)
{
	start(seed);
	slots.clear();
	host.clear();
	xram.assign(0xc0000, 0);
	bad_page = ~0ull;
	reads = 0;
}

START_TEST(walk_random)
{
	walker w;
	unsigned nr = 0;
	long pieces = 0;

	walk_start(5 + _i);
	for (int i = 0; i < 1500; i++) {
		if (slots.empty() || rnd(12) == 0) {
			nr = rnd(4) ? rnd(4) : 2044 + rnd(4);
			refill(nr, slot_random(nr));
		} else if (rnd(4) == 0) {
			auto it = slots.begin();
			std::advance(it, rnd(slots.size()));
			nr = it->first;
		}
		const slot &s = slots[nr];
		uint32_t off = rnd(s.data_len + 1ull),
			 len = rnd(3) ? rnd(20000) : rnd(s.data_len - off + 2ull);
		bool slow = _i || rnd(4) == 0;
		auto got = w.call(nr, off, len, slow);
		expect(got, s, off, len);
		pieces += got.size();
	}
	ck_assert_int_gt(pieces, 2000);
}
END_TEST

START_TEST(walk_errors)
{
	walker w;
	slot good = { 8192, 2, false, 0, { { 0x1000, 4096 }, { 0x5000, 4096 } } };
	slot cases[] = {
		{ 8192, 0, false, 0, {} },
		{ 8192, 4, false, 0, { { 0x1000, 8192 }, { 0, 0 }, { 0, 0 }, { 0, 0 } } },
		{ 8192, 1025, true, 0x8000, { { 0x1000, 8192 } } },
		{ 8192, 0, true, 0x8000, {} },
		{ 8192, 2, false, 0, { { 0x1000, 4096 }, { 0x5000, 4095 } } },
		{ 8192, 2, false, 0, { { 0x1000, 4096 }, { ~0ull - 100, 4096 } } },
		{ 0, 1, false, 0, { { 0x1000, 4096 } } },
		{ 8192, 2, false, 0, { { 0x1000, 8192 }, { 0x5000, 4096 } }, true },
		{ 8192, 0, false, 0, {}, true },
		{ 8192, 1025, true, 0x8000, { { 0x1000, 8192 } }, true },
		{ 0xffffffff,
		  3,
		  false,
		  0,
		  { { 0x1000, 1 }, { 0x100, 0x80000000 }, { 0x100, 0x7ffff000 } } },
	};

	walk_start(8);
	for (auto &s : cases) {
		refill(7, s);
		expect(w.call(7, 0, 8192, false), s, 0, 8192);
		expect(w.call(7, 0xfffffff0, 0x20, false), s, 0xfffffff0, 0x20);
		expect(w.call(7, 8190, 3, false), s, 8190, 3);
		refill(7, good);
		expect(w.call(7, 0, 8192, false), good, 0, 8192);
		expect(w.call(7, 5, 0, false), good, 5, 0);
	}
	auto got = w.call(0x0800, 0, 16, false); /* one past the last slot */
	ck_assert_uint_eq(got.size(), 1);
	ck_assert(got[0].err && got[0].last);
}
END_TEST

START_TEST(walk_dma_error)
{
	walker w;
	slot s = { 64 * 4096, 64, true, 0x20fe0, {} };

	walk_start(9);
	for (int i = 0; i < 64; i++)
		s.el.push_back({ 0x100000 + i * 0x3000ull, 4096 });
	refill(3, s);
	bad_page = 0x21; /* from the second batch on */
	expect(w.call(3, 0, 4096 * 20, false), s, 0, 4096 * 20);
	bad_page = 0x20; /* first batch */
	expect(w.call(3, 0, 4096 * 20, true), s, 0, 4096 * 20);
	bad_page = ~0ull;
	expect(w.call(3, 0, 64 * 4096, true), s, 0, 64 * 4096);
}
END_TEST

/* The cache must save reads, and must not outlive a refill. */
START_TEST(walk_cache)
{
	walker w;
	slot s = { 64 * 4096, 64, true, 0x20000, {} };

	walk_start(10);
	for (int i = 0; i < 64; i++)
		s.el.push_back({ 0x100000 + i * 0x3000ull, 4096 });
	refill(3, s);
	for (uint32_t off = 0; off < s.data_len; off += 8192)
		expect(w.call(3, off, 8192, false), s, off, 8192);
	ck_assert_uint_eq(reads, 4);
	for (auto &e : s.el)
		e.addr += 0x100;
	refill(3, s);
	expect(w.call(3, 63 * 4096, 4096, false), s, 63 * 4096, 4096);
	ck_assert_uint_eq(reads, 8);
	long t0 = w.cycles;
	expect(w.call(3, 48 * 4096, 16 * 4096, false), s, 48 * 4096, 16 * 4096);
	/* 48 steps from the start, three batches, then 16 pieces */
	ck_assert_int_lt(w.cycles - t0, 48 * 2 + 4 * 40 + 16 * 4 + 10);
}
END_TEST

/* An entry written without inval: kept until a call asks for it anew, in the middle of a walk too. */
START_TEST(walk_fresh)
{
	walker w;

	walk_start(11 + _i);
	for (int i = 0; i < 200; i++) {
		slot old = slot_random(4);
		refill(4, old);
		uint32_t off = rnd(old.data_len + 1ull), len = 1 + rnd(3000);
		expect(w.call(4, off, len, _i), old, off, len);
		slot s = slot_random(4);
		slots[4] = s;
		slot_store(4);
		off = rnd(s.data_len + 1ull);
		expect(w.call(4, off, len, _i, true), s, off, len);
		off = rnd(s.data_len + 1ull);
		expect(w.call(4, off, len, _i), s, off, len);
	}
	slot a = { 100, 1, false, 0, { { 0x1000, 100 } } },
	     b = { 100, 1, false, 0, { { 0x2000, 100 } } };
	refill(4, a);
	expect(w.call(4, 0, 50, false), a, 0, 50);
	slots[4] = b;
	slot_store(4);
	expect(w.call(4, 50, 50, false), a, 50, 50); /* no one asked */
	expect(w.call(4, 50, 50, false, true), b, 50, 50);
	expect(w.call(4, 0, 50, false), b, 0, 50);
}
END_TEST

int main()
{
	Suite *s = suite_create("rtl.move");
	TCase *tc = tcase_create("all");
	SRunner *sr;
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, crc_of_known_string);
	tcase_add_test(tc, crc_of_random_beats);
	tcase_add_test(tc, pack_random);
	tcase_add_test(tc, pack_full_speed);
	tcase_add_loop_test(tc, walk_random, 0, 3);
	tcase_add_test(tc, walk_errors);
	tcase_add_test(tc, walk_dma_error);
	tcase_add_test(tc, walk_cache);
	tcase_add_loop_test(tc, walk_fresh, 0, 2);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
