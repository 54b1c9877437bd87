// SPDX-License-Identifier: BSD-2-Clause
/*
 * Bench around tb_host: host memory, register accesses, a core that writes registers, shared SRAM, events, interrupts.
 * Everything moves in tick(). Handshakes are randomly delayed by the knobs; all choices come from one seed.
 */
#ifndef WEFT_TEST_HOST_BENCH_HPP
#define WEFT_TEST_HOST_BENCH_HPP

#include <memory>

#include "Vtb_host.h"
#include "verilated.h"

#include "axi_model.hpp"
#include "weft_engine.h"
#include "weft_host.h"

typedef Vtb_host Dut;

struct Event {
	unsigned type, flags, id;
	uint32_t w1, w2;
};

struct PlaceWrite {
	uint64_t addr;
	std::vector<uint8_t> data;
};

struct Bench {
	VerilatedContext ctx;
	std::unique_ptr<Dut> d;
	Memory mem;
	AxiRead<Dut> rd;
	AxiWrite<Dut> wr;
	Rng rng;
	std::vector<uint8_t> xram = std::vector<uint8_t>(ENG_XRAM_SIZE);
	std::deque<Event> events;
	std::deque<unsigned> irqs;
	std::deque<PlaceWrite> place, feed;
	size_t feed_pos = 0;
	uint64_t cycle = 0;
	unsigned evt_pct = 100, x_pct = 100, ack_pct = 100, invals = 0;
	/* Slot flagged DMA_ERR when a place write fails, so many cycles after the answer. */
	int flag_slot = -1;
	unsigned flag_delay = 1;
	int flag_in = -1;

	explicit Bench(uint64_t seed)
		: d(new Dut(&ctx)), rd(d.get(), mem, seed), wr(d.get(), mem, seed + 1),
		  rng(seed + 2)
	{
		d->s_axil_awvalid = d->s_axil_wvalid = d->s_axil_arvalid = d->s_axil_bready =
			d->s_axil_rready = 0;
		d->msix_ack = d->cb_req = d->evt_ready = d->x_gnt = d->pl_cmd_valid =
			d->pl_dat_valid = d->slot_flag_valid = 0;
		d->idle_others = d->link_up = 1;
		d->core_active = d->core_retire = d->wdt_reset = 0;
		d->cnt_inc = 0;
		d->time_ns = 0;
		d->rst = 1;
		for (int i = 0; i < 4; i++)
			clock();
		d->rst = 0;
		step(2060); /* the slots clear themselves */
	}
	~Bench()
	{
		d->final();
	}
	void clock()
	{
		d->clk = 1;
		d->eval();
		d->clk = 0;
		d->eval();
	}
	void step(unsigned n)
	{
		while (n--)
			tick();
	}
	void drive_place()
	{
		if (!place.empty() && !d->pl_cmd_valid) {
			d->pl_cmd_valid = 1;
			d->pl_cmd_addr = place.front().addr;
			d->pl_cmd_len = (uint16_t)place.front().data.size();
		}
		if (!feed.empty() && !d->pl_dat_valid) {
			uint8_t b[16] = {};
			std::vector<uint8_t> &v = feed.front().data;
			size_t n = v.size() - feed_pos < 16 ? v.size() - feed_pos : 16;
			memcpy(b, &v[feed_pos], n);
			memcpy(&d->pl_dat_data[0], b, 16);
			d->pl_dat_valid = 1;
			d->pl_dat_last = feed_pos + n == v.size();
		}
	}
	void sample_place(bool &cmd, bool &dat)
	{
		cmd = d->pl_cmd_valid && d->pl_cmd_ready;
		dat = d->pl_dat_valid && d->pl_dat_ready;
		if (cmd) {
			feed.push_back(place.front());
			place.pop_front();
		}
		if (dat && (feed_pos += 16) >= feed.front().data.size()) {
			feed_pos = 0;
			feed.pop_front();
		}
		if (d->pl_done_valid && d->pl_done_err && flag_slot >= 0)
			flag_in = (int)flag_delay;
	}
	void sample_outputs()
	{
		if (d->x_req && d->x_gnt) {
			ck_assert_uint_eq(d->x_we, 1);
			ck_assert_uint_eq(d->x_be, 0xffff);
			ck_assert_uint_lt(d->x_addr, ENG_XRAM_SIZE / 16);
			memcpy(&xram[d->x_addr * 16], &d->x_wdata[0], 16);
		}
		if (evt_wait)
			need(d->evt_valid && !memcmp(evt_held, &d->evt_data[0], 12),
			     "event changed while it waited");
		evt_wait = d->evt_valid && !d->evt_ready;
		memcpy(evt_held, &d->evt_data[0], 12);
		if (d->evt_valid && d->evt_ready) {
			uint32_t w0 = d->evt_data[0];
			events.push_back({ w0 & 255, w0 >> 8 & 255, w0 >> 16, d->evt_data[1],
					   d->evt_data[2] });
		}
		if (d->msix_req && d->msix_ack)
			irqs.push_back(d->msix_vector);
		invals += d->inval_valid;
	}
	void tick()
	{
		bool cmd, dat;
		rd.drive();
		wr.drive();
		drive_place();
		d->evt_ready = rng.percent(evt_pct);
		d->x_gnt = rng.percent(x_pct);
		d->msix_ack = 0;
		d->slot_flag_valid = 0;
		if (flag_in >= 0 && flag_in-- == 0) {
			d->slot_flag_valid = 1;
			d->slot_flag_slot = (uint16_t)flag_slot;
			d->slot_flag_bits = WEFT_CQF_DMA_ERR;
		}
		d->eval();
		if (d->msix_req && rng.percent(ack_pct)) {
			d->msix_ack = 1;
			d->eval();
		}
		sample_place(cmd, dat);
		sample_outputs();
		rd.sample();
		wr.sample();
		clock();
		rd.commit();
		wr.commit();
		if (cmd)
			d->pl_cmd_valid = 0;
		if (dat)
			d->pl_dat_valid = 0;
		d->time_ns += 4;
		cycle++;
	}

	/* ---- core ---- */
	uint32_t core(bool we, uint32_t addr, uint32_t val, unsigned be = 15)
	{
		d->cb_req = 1;
		d->cb_we = we;
		d->cb_be = (uint8_t)be;
		d->cb_addr = addr;
		d->cb_wdata = val;
		d->eval();
		for (int i = 0; !d->cb_gnt; i++) {
			tick();
			d->eval();
			need(i < 20000, "core bus hangs at %#x", addr);
		}
		tick();
		d->cb_req = 0;
		d->eval();
		for (int i = 0; !d->cb_rvalid; i++) {
			tick();
			need(i < 20, "no answer at %#x", addr);
		}
		return d->cb_rdata;
	}
	void mmio(uint32_t off, uint32_t val)
	{
		core(true, ENG_MMIO_BASE + off, val);
	}
	uint32_t mmio(uint32_t off)
	{
		return core(false, ENG_MMIO_BASE + off, 0);
	}
	void qp_word(unsigned qp, unsigned word, uint32_t val)
	{
		core(true, ENG_QPCTX_BASE + qp * 32 + word * 4, val);
	}
	uint32_t qp_word(unsigned qp, unsigned word)
	{
		return core(false, ENG_QPCTX_BASE + qp * 32 + word * 4, 0);
	}
	void complete(const uint32_t op[7], uint32_t slot)
	{
		for (unsigned i = 0; i < 7; i++)
			mmio(ENG_CPL_QP + i * 4, op[i]);
		mmio(ENG_CPL_PUSH, slot);
	}
	void complete_simple(unsigned qp, unsigned cid, uint32_t slot, uint32_t mark = 0)
	{
		uint32_t op[7] = { qp | WEFT_CQT_COMMAND << 16,
				   cid,
				   mark,
				   mark ^ 1,
				   mark ^ 2,
				   mark ^ 3,
				   mark ^ 4 };
		complete(op, slot);
	}

	/* ---- host registers ---- */
	void bar_write(uint32_t addr, uint32_t val, unsigned strb = 15)
	{
		bool a = false, w = false;
		d->s_axil_awaddr = addr;
		d->s_axil_wdata = val;
		d->s_axil_wstrb = (uint8_t)strb;
		d->s_axil_awvalid = d->s_axil_wvalid = 1;
		if (rng.below(4) == 0)
			d->s_axil_awvalid = 0;
		for (int i = 0; !(a && w); i++) {
			d->eval();
			bool ga = d->s_axil_awvalid && d->s_axil_awready,
			     gw = d->s_axil_wvalid && d->s_axil_wready;
			tick();
			a |= ga;
			w |= gw;
			d->s_axil_awvalid = !a;
			d->s_axil_wvalid = !w;
			need(i < 20, "register write hangs");
		}
		d->s_axil_bready = 1;
		for (int i = 0; !d->s_axil_bvalid; i++) {
			tick();
			need(i < 20, "register write is not answered");
		}
		ck_assert_uint_eq(d->s_axil_bresp, 0);
		tick();
		d->s_axil_bready = 0;
	}
	uint32_t bar_read(uint32_t addr)
	{
		d->s_axil_araddr = addr;
		d->s_axil_arvalid = 1;
		d->eval();
		for (int i = 0; !d->s_axil_arready; i++) {
			tick();
			need(i < 20, "register read hangs");
		}
		tick();
		d->s_axil_arvalid = 0;
		for (int i = 0; !d->s_axil_rvalid; i++) {
			tick();
			need(i < 20, "register read is not answered");
		}
		uint32_t v = d->s_axil_rdata;
		ck_assert_uint_eq(d->s_axil_rresp, 0);
		d->s_axil_rready = 1;
		tick();
		d->s_axil_rready = 0;
		return v;
	}
	uint32_t counter(unsigned n)
	{
		return bar_read(WEFT_CNT_BASE + 4 * n);
	}
	void sq_db(unsigned qp, uint32_t val)
	{
		bar_write(WEFT_DB_PAGE + qp * WEFT_DB_STRIDE + WEFT_DB_SQ_TAIL, val);
	}
	void cq_db(unsigned qp, uint32_t val)
	{
		bar_write(WEFT_DB_PAGE + qp * WEFT_DB_STRIDE + WEFT_DB_CQ_HEAD, val);
	}
	static const uint32_t ARM = 1u << 31;

	/* ---- queue pairs ---- */
	struct Pair {
		unsigned qp, sq_log2, cq_log2, slot_base, vector;
		uint64_t sq, cq;
		unsigned tail = 0, head = 0, phase = 1;
		unsigned sq_size() const
		{
			return 1u << sq_log2;
		}
		unsigned cq_size() const
		{
			return 1u << cq_log2;
		}
	};
	Pair open(unsigned qp, unsigned sq_log2, unsigned cq_log2, unsigned slot_base,
		  unsigned coal_count = 0, unsigned coal_us = 0)
	{
		Pair p;
		p.qp = qp;
		p.sq_log2 = sq_log2;
		p.cq_log2 = cq_log2;
		p.slot_base = slot_base;
		p.vector = 1000 + qp;
		p.sq = 0x1000000000ull + qp * 0x100000ull +
		       64 * (qp & 1); /* 64-byte aligned, crosses pages when odd */
		p.cq = 0x2000000000ull + qp * 0x100000ull;
		zero(p);
		qp_word(qp, 0, (uint32_t)p.sq);
		qp_word(qp, 1, (uint32_t)(p.sq >> 32));
		qp_word(qp, 2, (uint32_t)p.cq);
		qp_word(qp, 3, (uint32_t)(p.cq >> 32));
		qp_word(qp, 4, sq_log2 | cq_log2 << 8 | p.vector << 16);
		qp_word(qp, 5, slot_base | coal_count << 16 | coal_us << 24);
		qp_word(qp, 6, 1);
		return p;
	}
	void zero(const Pair &p)
	{
		for (unsigned i = 0; i < p.cq_size() * 32; i++)
			mem.put(p.cq + i, 0);
	}
	/* Writes an entry made from seed into the ring, without the doorbell. */
	void entry(Pair &p, unsigned cid, uint64_t seed, uint8_t out[128])
	{
		Rng r(seed);
		for (unsigned i = 0; i < 128; i++)
			out[i] = (uint8_t)r.next();
		out[2] = (uint8_t)cid;
		out[3] = (uint8_t)(cid >> 8);
		mem.write(p.sq + p.tail * 128, out, 128);
		p.tail = (p.tail + 1) & (p.sq_size() - 1);
	}
	/* The next completion, when it is there. */
	bool poll(Pair &p, struct weft_cq_entry *e)
	{
		mem.read(p.cq + p.head * 32, e, 32);
		if ((e->phase & 1u) != p.phase)
			return false;
		p.head = (p.head + 1) & (p.cq_size() - 1);
		if (!p.head)
			p.phase ^= 1;
		return true;
	}
	Event wait_event(unsigned limit = 5000)
	{
		for (unsigned i = 0; events.empty(); i++) {
			tick();
			need(i < limit, "no event");
		}
		Event e = events.front();
		events.pop_front();
		return e;
	}
	void settle(unsigned limit = 20000)
	{
		for (unsigned i = 0; d->busy; i++) {
			tick();
			need(i < limit, "does not become idle");
		}
	}
	bool evt_wait = false;
	uint8_t evt_held[12];
};

void add_ring_tests(Suite *s); /* host_ring_test.cpp */

#endif
