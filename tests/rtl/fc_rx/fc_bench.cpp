/* SPDX-License-Identifier: BSD-2-Clause */
/* The models around weft_fc_rx, see fc_bench.h. */
#include <check.h>
#include <cstring>

#include "fc_bench.h"

static void put32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

Bench::Bench(uint64_t seed, unsigned m) : rng(seed), mode(m), slots(WEFT_N_SLOTS), mem(MEM_SIZE), xram(ENG_XRAM_SIZE)
{
	dut = new Vweft_fc_rx;
	for (size_t i = 0; i < MEM_SIZE; i += 4)
		put32(&mem[i], (uint32_t)(i * 2654435761u) ^ rng.next());
	image = mem;
	dut->rst = 1;
	dut->clk = 0;
	dut->mode = ENG_FCM_OFF;
	for (int i = 0; i < 4; i++)
		tick();
	dut->rst = 0;
	reg(ENG_FC_ID, OWN_ID);
	reg(ENG_FC_MAC_LO, 0x00000002);
	reg(ENG_FC_MAC_HI, 0x0100);
	for (unsigned s = 0; s < WEFT_N_SLOTS; s++)
		write(ENG_FCX_BASE + s * ENG_FCX_STRIDE, 0);
	tick();
}

Bench::~Bench()
{
	dut->final();
	delete dut;
}

/* ---- inputs ---- */

void Bench::drive_wire()
{
	dut->fc_rx_tvalid = dut->fcoe_rx_tvalid = 0;
	dut->fc_rx_tlast = dut->fcoe_rx_tlast = 0;
	dut->fc_rx_tuser = dut->fcoe_rx_tuser = 0;
	if (frames.empty())
		return;
	if (wait_gap) {
		wait_gap--;
		return;
	}
	if (pos && rng.pct(hole_pct))
		return;
	Wire &f = frames.front();
	size_t n = f.data.size() - pos < 16 ? f.data.size() - pos : 16;
	bool last = pos + n == f.data.size();
	if (!pos)
		native = mode != ENG_FCM_FCOE;
	uint8_t beat[16];
	for (size_t i = 0; i < 16; i++)
		beat[i] = i < n ? f.data[pos + i] : (uint8_t)rng.next();
	if (!first_beat)
		first_beat = cycle;
	memcpy(native ? &dut->fc_rx_tdata[0] : &dut->fcoe_rx_tdata[0], beat, 16);
	(native ? dut->fc_rx_tkeep : dut->fcoe_rx_tkeep) = (uint16_t)((1u << n) - 1);
	(native ? dut->fc_rx_tvalid : dut->fcoe_rx_tvalid) = 1;
	(native ? dut->fc_rx_tlast : dut->fcoe_rx_tlast) = last;
	(native ? dut->fc_rx_tuser : dut->fcoe_rx_tuser) = last && f.bad;
	pos += n;
	if (!last)
		return;
	pos = 0;
	frames.pop_front();
	wait_gap = rng.below(gap + 1);
}

void Bench::drive_reads()
{
	dut->sx_gnt = rng.pct(x_pct);
	dut->sx_rvalid = 0;
	if (!x_answers.empty() && x_answers.front().first <= cycle) {
		dut->sx_rvalid = 1;
		memcpy(&dut->sx_rdata[0], &xram[x_answers.front().second * 16], 16);
		x_answers.pop_front();
	}
	dut->srd_req_ready = rng.pct(rd_pct);
	dut->srd_rsp_valid = 0;
	if (!reads.empty() && reads.front().at <= cycle && rng.pct(rd_pct)) {
		ReadJob &r = reads.front();
		uint32_t n = r.left < 16 ? r.left : 16;
		dut->srd_rsp_valid = 1;
		dut->srd_rsp_cnt = n;
		dut->srd_rsp_last = n == r.left;
		dut->srd_rsp_err = 0;
		memcpy(&dut->srd_rsp_data[0], &mem[r.addr - MEM_BASE], n);
	}
}

void Bench::drive_ports()
{
	dut->mode = dut->rst ? ENG_FCM_OFF : mode;
	dut->evt_ready = events.size() < event_max && rng.pct(evt_pct);
	dut->wr_cmd_ready = writes.size() < 16 && rng.pct(wr_pct);
	dut->wr_dat_ready = !writes.empty() && rng.pct(wr_pct);
	dut->slot_flag_ready = rng.pct(flag_pct);
	dut->wr_done_valid = 0;
	if (!dones.empty() && dones.front().at <= cycle) {
		dut->wr_done_valid = 1;
		dut->wr_done_tag = dones.front().tag;
		dut->wr_done_err = dones.front().err;
		dones.pop_front();
	}
}

/* ---- outputs ---- */

/* valid and what goes with it stand until ready. */
void Bench::hold_rules()
{
	if (held_evt)
		ck_assert(dut->evt_valid && dut->evt_data[0] == held_w0);
	if (held_cmd)
		ck_assert(dut->wr_cmd_valid && dut->wr_cmd_addr == held_addr);
	if (held_dat)
		ck_assert(dut->wr_dat_valid);
	if (held_flag)
		ck_assert(dut->slot_flag_valid);
	held_evt = dut->evt_valid && !dut->evt_ready;
	held_w0 = dut->evt_data[0];
	held_cmd = dut->wr_cmd_valid && !dut->wr_cmd_ready;
	held_addr = dut->wr_cmd_addr;
	held_dat = dut->wr_dat_valid && !dut->wr_dat_ready;
	held_flag = dut->slot_flag_valid && !dut->slot_flag_ready;
}

void Bench::sample_write()
{
	if (dut->wr_dat_valid && dut->wr_dat_ready) {
		Write &w = writes.front();
		uint32_t n = w.len - w.pos < 16 ? w.len - w.pos : 16;
		memcpy(&mem[w.addr - MEM_BASE + w.pos], &dut->wr_dat_data[0], n);
		w.pos += n;
		placed_bytes += n;
		last_write = cycle;
		ck_assert_int_eq(dut->wr_dat_last, w.pos == w.len);
		if (w.pos == w.len) {
			bool err = false;
			for (auto &b : bad_writes)
				err |= w.addr <= b.second && w.addr + w.len - 1 >= b.first;
			uint64_t at = cycle + wr_latency + rng.below(wr_jitter + 1);
			if (!dones.empty() && dones.back().at >= at)
				at = dones.back().at + 1;
			dones.push_back({at, w.tag, err});
			writes.pop_front();
		}
	}
	if (!dut->wr_cmd_valid || !dut->wr_cmd_ready)
		return;
	uint64_t a = dut->wr_cmd_addr;
	ck_assert_msg(a >= MEM_BASE && a + dut->wr_cmd_len <= MEM_BASE + MEM_SIZE, "write outside memory: %llx", (unsigned long long)a);
	ck_assert_uint_ge(dut->wr_cmd_len, 1);
	ck_assert_uint_le(dut->wr_cmd_len, 9216);
	writes.push_back({a, dut->wr_cmd_len, 0, (uint16_t)dut->wr_cmd_tag});
	bool frx = dut->cb_req && dut->cb_we && dut->cb_gnt && dut->cb_addr == ENG_MMIO_BASE + ENG_FRX_PLACE;
	if (!frx)
		accepted += dut->wr_cmd_len;
}

void Bench::sample_reads()
{
	if (dut->sx_req && dut->sx_gnt) {
		ck_assert_int_eq(dut->sx_we, 0);
		ck_assert_uint_lt(dut->sx_addr, ENG_XRAM_SIZE / 16);
		x_answers.push_back({cycle + 2 + rng.below(3), dut->sx_addr});
	}
	if (dut->srd_rsp_valid && dut->srd_rsp_ready) {
		ReadJob &r = reads.front();
		uint32_t n = r.left < 16 ? r.left : 16;
		r.addr += n;
		r.left -= n;
		if (!r.left)
			reads.pop_front();
	}
	if (dut->srd_req_valid && dut->srd_req_ready) {
		ck_assert(dut->srd_req_addr >= MEM_BASE && dut->srd_req_addr + dut->srd_req_len <= MEM_BASE + MEM_SIZE);
		reads.push_back({cycle + rd_latency, dut->srd_req_addr, dut->srd_req_len});
	}
}

void Bench::sample_rest()
{
	if (dut->evt_valid && dut->evt_ready) {
		uint32_t w0 = dut->evt_data[0];
		events.push_back({(uint8_t)w0, (uint8_t)(w0 >> 8), (uint16_t)(w0 >> 16), dut->evt_data[1], dut->evt_data[2], accepted});
		if (events.back().type == ENG_EVT_FC_STOPPED)
			ck_assert_msg(unanswered(events.back().id) == 0, "EVT_FC_STOPPED before the writes of slot %u", events.back().id);
		if (on_event)
			on_event(events.back());
	}
	if (dut->slot_flag_valid && dut->slot_flag_ready)
		flags.push_back({dut->slot_flag_slot, dut->slot_flag_bits});
	const bool pulses[C_N] = {
		(bool)dut->cnt_frames, (bool)dut->cnt_crc, (bool)dut->cnt_form, (bool)dut->cnt_nobuf,
		(bool)dut->cnt_notus, (bool)dut->cnt_placed, (bool)dut->cnt_to_fw, (bool)dut->cnt_trap,
	};
	for (int i = 0; i < C_N; i++)
		cnt[i] += pulses[i];
	rrdy += dut->rrdy_valid;
}

void Bench::tick()
{
	drive_wire();
	drive_ports();
	drive_reads();
	dut->eval();
	if (!dut->rst) {
		hold_rules();
		sample_write();
		sample_reads();
		sample_rest();
	}
	dut->clk = 1;
	dut->eval();
	dut->clk = 0;
	cycle++;
}

void Bench::ticks(unsigned n)
{
	while (n--)
		tick();
}

/* ---- core bus ---- */

uint32_t Bench::read(uint32_t addr)
{
	bool granted = false;
	dut->cb_req = 1;
	dut->cb_we = 0;
	dut->cb_be = 15;
	dut->cb_addr = addr;
	for (unsigned i = 0; i < 2000 && !granted; i++) {
		dut->eval();
		granted = dut->cb_gnt; /* a read's does not depend on what tick() drives anew */
		ck_assert(!dut->cb_rvalid);
		tick();
	}
	ck_assert_msg(granted, "no grant for a read of %08x", addr);
	dut->cb_req = 0;
	for (unsigned i = 0; i < 8; i++) {
		dut->eval();
		bool v = dut->cb_rvalid;
		uint32_t d = dut->cb_rdata;
		tick();
		if (v)
			return d;
	}
	ck_abort_msg("no answer for a read of %08x", addr);
}

void Bench::write(uint32_t addr, uint32_t v, unsigned limit)
{
	dut->cb_req = 1;
	dut->cb_we = 1;
	dut->cb_be = 15;
	dut->cb_addr = addr;
	dut->cb_wdata = v;
	/* rvalid comes the cycle after gnt, which depends on inputs of its cycle (wr_cmd_ready) */
	for (unsigned i = 0; i < limit; i++) {
		tick();
		dut->eval();
		if (dut->cb_rvalid)
			break;
	}
	ck_assert_msg(dut->cb_rvalid, "no grant for a write of %08x", addr);
	dut->cb_req = 0;
	tick();
}

Bytes Bench::buffer(unsigned buf, unsigned off, unsigned len)
{
	Bytes out;
	while (out.size() < len) {
		uint32_t v = read(ENG_FCBUF_BASE + buf * ENG_FCBUF_STRIDE + (off & ~3u));
		for (unsigned i = off & 3; i < 4 && out.size() < len; i++)
			out.push_back((uint8_t)(v >> (8 * i)));
		off = (off | 3) + 1;
	}
	return out;
}

void Bench::frx_place(unsigned buf, unsigned off, unsigned len, uint64_t addr, unsigned slot, bool free)
{
	reg(ENG_FRX_ADDR_LO, (uint32_t)addr);
	reg(ENG_FRX_ADDR_HI, (uint32_t)(addr >> 32));
	reg(ENG_FRX_RANGE, off | len << ENG_FRX_RANGE_LEN_LSB);
	reg(ENG_FRX_PLACE, buf | (uint32_t)free << ENG_FRX_PLACE_FREE_LSB | slot << ENG_FRX_PLACE_SLOT_LSB);
}

/* ---- waiting ---- */

void Bench::sent()
{
	while (!frames.empty())
		tick();
}

void Bench::settle(unsigned limit)
{
	unsigned quiet = 0;
	for (; limit && quiet < 20; limit--) {
		tick();
		quiet = frames.empty() && !dut->busy && dones.empty() ? quiet + 1 : 0;
	}
	ck_assert_msg(quiet >= 20, "still busy");
}

bool Bench::next_event(Event &e)
{
	if (events.empty())
		return false;
	e = events.front();
	events.pop_front();
	return true;
}

Event Bench::event()
{
	Event e;
	for (int i = 0; i < 20000 && events.empty(); i++)
		tick();
	ck_assert_msg(next_event(e), "no event");
	return e;
}

/* ---- memory ---- */

uint64_t Slot::addr(uint32_t off) const
{
	for (auto &m : map) {
		if (off < m.second)
			return m.first + off;
		off -= m.second;
	}
	ck_abort_msg("offset beyond the slot's buffer");
}

uint64_t Bench::alloc(uint32_t len)
{
	uint64_t a = brk + rng.below(64);
	brk = a + len;
	ck_assert_msg(brk <= MEM_BASE + MEM_SIZE, "bench memory used up");
	return a;
}

/* Buffer of len bytes in so many elements of random sizes; inline, at the tail, or in a chain. */
void Bench::make_slot(unsigned slot, uint32_t len, unsigned elements, bool quiet, bool tail, uint32_t claim)
{
	Slot &s = slots[slot];
	uint8_t e[ENG_SLOT_SIZE];
	for (auto &b : e)
		b = (uint8_t)rng.next();
	s.len = len;
	s.map.clear();
	for (uint32_t left = len, rest = elements; rest; rest--) {
		uint32_t n = rest == 1 ? left : left / rest / 2 + rng.below(left / rest + 1);
		s.map.push_back({alloc(n), n});
		left -= n;
	}
	bool chain = elements > (tail ? 1u : 3u);
	uint8_t *sgl = e + (tail ? 112 : 16);
	Bytes list(16 * elements);
	for (unsigned i = 0; i < elements; i++) {
		put32(&list[16 * i], (uint32_t)s.map[i].first);
		put32(&list[16 * i + 4], (uint32_t)(s.map[i].first >> 32));
		put32(&list[16 * i + 8], s.map[i].second);
	}
	if (chain) {
		uint64_t at = alloc((uint32_t)list.size());
		memcpy(&mem[at - MEM_BASE], list.data(), list.size());
		memcpy(&image[at - MEM_BASE], list.data(), list.size());
		put32(sgl, (uint32_t)at);
		put32(sgl + 4, (uint32_t)(at >> 32));
	} else
		memcpy(sgl, list.data(), list.size());
	e[1] = (chain ? WEFT_SQF_SGL_CHAIN : 0) | (tail ? WEFT_SQF_SGL_TAIL : 0);
	put32(e + 4, claim ? claim : len);
	put32(e + 8, elements);
	memcpy(&xram[slot * ENG_SLOT_SIZE], e, sizeof(e));
	if (quiet)
		return;
	dut->inval_valid = 1;
	dut->inval_slot = slot;
	tick();
	dut->inval_valid = 0;
}

void Bench::expect(uint64_t addr, const uint8_t *p, size_t n)
{
	memcpy(&image[addr - MEM_BASE], p, n);
}

void Bench::expect_data(unsigned slot, uint32_t off, const Bytes &payload)
{
	for (size_t i = 0; i < payload.size(); i++)
		image[slots[slot].addr(off + (uint32_t)i) - MEM_BASE] = payload[i];
}

void Bench::check_memory()
{
	for (size_t i = 0; memcmp(mem.data(), image.data(), MEM_SIZE) && i < MEM_SIZE; i++)
		if (mem[i] != image[i])
			ck_abort_msg("host memory at base + %zu: %02x, expected %02x", i, mem[i], image[i]);
}

unsigned Bench::unanswered(unsigned slot) const
{
	unsigned n = 0;
	for (auto &w : writes)
		n += w.tag == slot;
	for (auto &d : dones)
		n += d.tag == slot;
	return n;
}

/* ---- contexts ---- */

void Bench::set_fcx(unsigned slot, const struct eng_fcx &x)
{
	uint32_t w[8];
	memcpy(w, &x, sizeof(w));
	for (unsigned i = 1; i < 8; i++)
		write(ENG_FCX_BASE + slot * ENG_FCX_STRIDE + 4 * i, w[i]);
	write(ENG_FCX_BASE + slot * ENG_FCX_STRIDE, w[0]);
}

struct eng_fcx Bench::fcx(unsigned slot)
{
	struct eng_fcx x;
	uint32_t w[8];
	for (unsigned i = 0; i < 8; i++)
		w[i] = read(ENG_FCX_BASE + slot * ENG_FCX_STRIDE + 4 * i);
	memcpy(&x, w, sizeof(x));
	return x;
}
