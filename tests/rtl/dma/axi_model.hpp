// SPDX-License-Identifier: BSD-2-Clause
/*
 * Host memory behind an AXI4 port, for benches: latency, back-pressure, errors, and checks of the bus rules.
 * One model per direction. In each clock cycle the bench calls drive() (sets the model's outputs), settles the design,
 * calls sample() (looks at the handshakes), then clocks. All choices come from a seeded generator.
 */
#ifndef WEFT_TEST_AXI_MODEL_HPP
#define WEFT_TEST_AXI_MODEL_HPP

#include <array>
#include <cstdint>
#include <cstring>
#include <deque>
#include <unordered_map>
#include <utility>
#include <vector>

#include <check.h>

/* For checks made in every cycle or on every byte: the library's own ones leave a mark in a file each time they pass. */
#define need(cond, ...)                            \
	do {                                       \
		if (!(cond))                       \
			ck_abort_msg(__VA_ARGS__); \
	} while (0)

struct Rng {
	uint64_t s;
	explicit Rng(uint64_t seed) : s(seed * 0x9e3779b97f4a7c15ull + 1)
	{
	}
	uint64_t next()
	{
		s ^= s << 13;
		s ^= s >> 7;
		s ^= s << 17;
		return s;
	}
	uint32_t below(uint32_t n)
	{
		return (uint32_t)((next() >> 16) % n);
	}
	bool percent(unsigned p)
	{
		return below(100) < p;
	}
};

/* Sparse memory; a byte never written holds a value made from its address, so that misplaced reads show. */
struct Memory {
	typedef std::array<uint8_t, 4096> Page;
	std::unordered_map<uint64_t, Page> pages;
	std::vector<std::pair<uint64_t, uint64_t>> bad; /* [first, last] that answer with SLVERR */

	static uint8_t fill(uint64_t addr)
	{
		uint64_t x = addr * 0x9e3779b97f4a7c15ull;
		return (uint8_t)(x >> 56 ^ x >> 24);
	}
	Page &page(uint64_t addr)
	{
		auto it = pages.find(addr >> 12);
		if (it == pages.end()) {
			it = pages.emplace(addr >> 12, Page()).first;
			for (unsigned i = 0; i < 4096; i++)
				it->second[i] = fill((addr & ~4095ull) + i);
		}
		return it->second;
	}
	uint8_t get(uint64_t addr)
	{
		return page(addr)[addr & 4095];
	}
	void put(uint64_t addr, uint8_t v)
	{
		page(addr)[addr & 4095] = v;
	}
	void write(uint64_t addr, const void *p, size_t n)
	{
		for (size_t i = 0; i < n; i++)
			put(addr + i, ((const uint8_t *)p)[i]);
	}
	void read(uint64_t addr, void *p, size_t n)
	{
		for (size_t i = 0; i < n; i++)
			((uint8_t *)p)[i] = get(addr + i);
	}
	bool is_bad(uint64_t addr, uint64_t n) const
	{
		for (auto &r : bad)
			if (addr <= r.second && addr + n - 1 >= r.first)
				return true;
		return false;
	}
	/* Every byte of either memory is the same in the other. */
	void expect_same(Memory &other)
	{
		for (int side = 0; side < 2; side++) {
			Memory &a = side ? other : *this, &b = side ? *this : other;
			std::vector<uint64_t> list;
			for (auto &p : a.pages)
				list.push_back(p.first);
			for (uint64_t p : list)
				for (unsigned i = 0; i < 4096; i++)
					need(a.get(p << 12 | i) == b.get(p << 12 | i),
					     "byte %#llx differs",
					     (unsigned long long)(p << 12 | i));
		}
	}
};

struct AxiKnobs {
	unsigned latency =
		20;          /* cycles from address to first data, or from last data to response */
	unsigned jitter = 0; /* up to so many more */
	unsigned addr_pct = 100; /* share of cycles in which an address may be taken */
	unsigned data_pct = 100; /* share of cycles in which a beat may move */
};

static inline void axi_check_burst(uint64_t addr, unsigned len, unsigned size, unsigned burst)
{
	need(size == 4, "size %u", size);
	need(burst == 1, "burst %u", burst);
	need((addr & 15) == 0, "burst address not aligned to a beat");
	need(len < 16, "burst longer than 256 bytes");
	need(addr >> 12 == (addr + len * 16 + 15) >> 12, "burst crosses 4 KiB");
}

template <class D> struct AxiRead {
	D *d;
	Memory &mem;
	Rng rng;
	AxiKnobs k;
	struct Burst {
		uint64_t addr, due;
		unsigned len;
	};
	std::deque<Burst> q;
	uint64_t now = 0, last_due = 0;
	unsigned beat = 0, peak = 0;
	uint64_t beats = 0, bursts = 0;
	bool ar_wait = false;
	uint64_t ar_addr = 0;
	unsigned ar_len = 0;

	AxiRead(D *dut, Memory &m, uint64_t seed) : d(dut), mem(m), rng(seed)
	{
		d->m_axi_arready = 0;
		d->m_axi_rvalid = 0;
	}
	void drive()
	{
		d->m_axi_arready = rng.percent(k.addr_pct);
		if (d->m_axi_rvalid) /* still waits: must not change */
			return;
		if (q.empty() || q.front().due > now || !rng.percent(k.data_pct))
			return;
		uint64_t a = q.front().addr + beat * 16;
		uint8_t b[16];
		mem.read(a, b, 16);
		memcpy(&d->m_axi_rdata[0], b, 16);
		d->m_axi_rresp = mem.is_bad(a, 16) ? 2 : 0;
		d->m_axi_rlast = beat == q.front().len;
		d->m_axi_rvalid = 1;
	}
	void sample()
	{
		if (ar_wait)
			need(d->m_axi_arvalid && d->m_axi_araddr == ar_addr &&
				     d->m_axi_arlen == ar_len,
			     "read address changed while it waited");
		ar_wait = d->m_axi_arvalid && !d->m_axi_arready;
		ar_addr = d->m_axi_araddr;
		ar_len = d->m_axi_arlen;
		if (d->m_axi_arvalid && d->m_axi_arready) {
			axi_check_burst(d->m_axi_araddr, d->m_axi_arlen, d->m_axi_arsize,
					d->m_axi_arburst);
			uint64_t due = now + k.latency + (k.jitter ? rng.below(k.jitter) : 0);
			last_due = due > last_due ? due : last_due;
			q.push_back({ d->m_axi_araddr, last_due, d->m_axi_arlen });
			bursts++;
			peak = q.size() > peak ? (unsigned)q.size() : peak;
		}
		taken = d->m_axi_rvalid && d->m_axi_rready;
		now++;
	}
	/* After the clock edge. */
	void commit()
	{
		if (!taken)
			return;
		beats++;
		d->m_axi_rvalid = 0;
		if (beat++ == q.front().len) {
			beat = 0;
			q.pop_front();
		}
	}
	bool taken = false;
};

template <class D> struct AxiWrite {
	D *d;
	Memory &mem;
	Rng rng;
	AxiKnobs k;
	struct Burst {
		uint64_t addr;
		unsigned len;
	};
	struct Beat {
		uint8_t data[16];
		unsigned strb;
		bool last;
	};
	struct Resp {
		uint64_t due;
		bool bad;
	};
	std::deque<Burst> aw;
	std::deque<Beat> w;
	std::deque<Resp> b;
	uint64_t now = 0, last_due = 0, beats = 0, bursts = 0;
	unsigned peak = 0;
	bool hold_b = false; /* keeps all responses back */
	bool aw_wait = false, w_wait = false, taken = false;
	uint64_t aw_addr = 0;
	unsigned aw_len = 0;
	Beat w_beat = {};

	AxiWrite(D *dut, Memory &m, uint64_t seed) : d(dut), mem(m), rng(seed)
	{
		d->m_axi_awready = d->m_axi_wready = 0;
		d->m_axi_bvalid = 0;
	}
	void drive()
	{
		d->m_axi_awready = rng.percent(k.addr_pct);
		d->m_axi_wready = rng.percent(k.data_pct);
		if (d->m_axi_bvalid || hold_b || b.empty() || b.front().due > now)
			return;
		d->m_axi_bvalid = 1;
		d->m_axi_bresp = b.front().bad ? 2 : 0;
	}
	Beat present() const
	{
		Beat x;
		memcpy(x.data, &d->m_axi_wdata[0], 16);
		x.strb = d->m_axi_wstrb;
		x.last = d->m_axi_wlast;
		return x;
	}
	void sample()
	{
		if (aw_wait)
			need(d->m_axi_awvalid && d->m_axi_awaddr == aw_addr &&
				     d->m_axi_awlen == aw_len,
			     "write address changed while it waited");
		aw_wait = d->m_axi_awvalid && !d->m_axi_awready;
		aw_addr = d->m_axi_awaddr;
		aw_len = d->m_axi_awlen;
		if (d->m_axi_awvalid && d->m_axi_awready) {
			axi_check_burst(aw_addr, aw_len, d->m_axi_awsize, d->m_axi_awburst);
			aw.push_back({ aw_addr, aw_len });
			bursts++;
		}
		Beat x = present();
		if (w_wait)
			need(d->m_axi_wvalid && !memcmp(x.data, w_beat.data, 16) &&
				     x.strb == w_beat.strb && x.last == w_beat.last,
			     "write data changed while it waited");
		w_wait = d->m_axi_wvalid && !d->m_axi_wready;
		w_beat = x;
		if (d->m_axi_wvalid && d->m_axi_wready) {
			w.push_back(x);
			beats++;
		}
		apply();
		peak = aw.size() + b.size() > peak ? (unsigned)(aw.size() + b.size()) : peak;
		taken = d->m_axi_bvalid && d->m_axi_bready;
		now++;
	}
	void apply()
	{
		if (aw.empty() || w.size() <= aw.front().len) {
			for (size_t i = 0; !aw.empty() && i < w.size() && i <= aw.front().len; i++)
				need(!w[i].last, "wlast too early");
			return;
		}
		Burst u = aw.front();
		bool bad = mem.is_bad(u.addr, (u.len + 1) * 16);
		for (unsigned i = 0; i <= u.len; i++) {
			Beat x = w.front();
			w.pop_front();
			need(x.last == (i == u.len), "wlast at the wrong beat");
			for (unsigned j = 0; j < 16; j++)
				if (!bad && x.strb >> j & 1)
					mem.put(u.addr + i * 16 + j, x.data[j]);
		}
		aw.pop_front();
		uint64_t due = now + k.latency + (k.jitter ? rng.below(k.jitter) : 0);
		last_due = due > last_due ? due : last_due;
		b.push_back({ last_due, bad });
	}
	void commit()
	{
		if (!taken)
			return;
		d->m_axi_bvalid = 0;
		b.pop_front();
	}
};

#endif
