/* SPDX-License-Identifier: BSD-2-Clause */
/* The models around weft_rx, see rx_bench.h. */
#include <check.h>
#include <cstddef>
#include <cstring>

#include "rx_bench.h"

Bench::Bench(uint64_t seed) : rng(seed), slots(WEFT_N_SLOTS), mem(MEM_SIZE), ctxa(128 * 32), hash(1024), xram(ENG_XRAM_SIZE), ordered(65536)
{
	dut = new Vweft_rx;
	for (size_t i = 0; i < MEM_SIZE; i += 4)
		put32(&mem[i], (uint32_t)(i * 2654435761u) ^ rng.next());
	image = mem;
	dut->rst = 1;
	dut->clk = 0;
	for (int i = 0; i < 4; i++)
		tick();
	dut->rst = 0;
	ticks(140);
	reg(ENG_PORT_MAC_LO, 0x00000002);
	reg(ENG_PORT_MAC_HI, 0x0100);
	reg(ENG_PORT_MTU, 9000);
	reg(ENG_PORT_IP, OWN_IP);
}

Bench::~Bench()
{
	dut->final();
	delete dut;
}

void Bench::drive_eth()
{
	dut->eth_rx_tvalid = 0;
	dut->eth_rx_tlast = 0;
	dut->eth_rx_tuser = 0;
	if (eth.empty())
		return;
	if (wait_gap) {
		wait_gap--;
		return;
	}
	if (rate100) {
		credit += rate100;
		if (credit > 3200)
			credit = 3200;
		if (credit < 1600)
			return;
		credit -= 1600;
	}
	Frame &f = eth.front();
	size_t n = f.data.size() - eth_pos < 16 ? f.data.size() - eth_pos : 16;
	uint8_t beat[16];
	for (size_t i = 0; i < 16; i++)
		beat[i] = i < n ? f.data[eth_pos + i] : (uint8_t)rng.next();
	memcpy(&dut->eth_rx_tdata[0], beat, 16);
	dut->eth_rx_tkeep = (uint16_t)((1u << n) - 1);
	dut->eth_rx_tvalid = 1;
	eth_pos += n;
	if (eth_pos < f.data.size())
		return;
	dut->eth_rx_tlast = 1;
	dut->eth_rx_tuser = f.bad;
	eth_pos = 0;
	eth_done = cycle;
	eth.pop_front();
	wait_gap = rng.below(gap + 1);
	if (rate100) /* preamble, FCS, gap; the last beat was not full */
		wait_gap += (24 * 100 + rate100 / 2) / rate100, credit += n < 16 ? (16 - n) * 100 : 0;
}

void Bench::drive_ports()
{
	memcpy(&dut->ctxa_rdata[0], &ctxa[ctxa_addr * 4], 16);
	dut->hash_rdata = hash[hash_addr];
	dut->evt_ready = events.size() < event_max && rng.pct(evt_pct);
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
	dut->wr_cmd_ready = writes.size() < 16 && rng.pct(wr_pct);
	dut->wr_dat_ready = rng.pct(wr_pct);
	dut->wr_done_valid = 0;
	if (!dones.empty() && dones.front().at <= cycle) {
		dut->wr_done_valid = 1;
		dut->wr_done_tag = dones.front().tag;
		dut->wr_done_err = dones.front().err;
		dones.pop_front();
	}
	dut->ackrq_ready = rng.pct(ack_pct);
}

/* The transmitter: asks for the live state, two cycles later sends the acknowledgement. */
void Bench::drive_ack()
{
	dut->sent_valid = 0;
	if (!sent_jobs.empty()) {
		const Sent &s = sent_jobs.front();
		dut->sent_valid = 1;
		dut->sent_conn = s.conn;
		dut->sent_ack = s.ack;
		dut->sent_edge = s.edge;
		dut->sent_end = s.end;
		dut->sent_data = s.data;
		sent_jobs.pop_front();
		return;
	}
	if (ack_jobs.empty() || ack_jobs.front().first > cycle)
		return;
	unsigned conn = ack_jobs.front().second;
	dut->txq_conn = conn;
	if (ack_phase++ < 3)
		return;
	ack_phase = 0;
	ack_jobs.pop_front();
	dut->sent_valid = 1;
	dut->sent_conn = conn;
	dut->sent_ack = dut->txq_rcv_nxt;
	dut->sent_edge = dut->txq_edge;
	dut->sent_data = 0;
	if (on_ack)
		on_ack(conn, dut->sent_ack, dut->sent_edge);
}

void Bench::sample_write()
{
	if (dut->wr_cmd_valid && dut->wr_cmd_ready) {
		uint64_t a = dut->wr_cmd_addr;
		ck_assert_msg(a >= MEM_BASE && a + dut->wr_cmd_len <= MEM_BASE + MEM_SIZE, "write outside memory: %llx", (unsigned long long)a);
		ck_assert_uint_ge(dut->wr_cmd_len, 1);
		ck_assert_uint_le(dut->wr_cmd_len, 9216);
		writes.push_back({a, dut->wr_cmd_len, 0, (uint16_t)dut->wr_cmd_tag});
		ordered[dut->wr_cmd_tag] += dut->wr_cmd_len;
	}
	if (!dut->wr_dat_valid || !dut->wr_dat_ready)
		return;
	ck_assert_msg(!writes.empty(), "data without a command");
	Write &w = writes.front();
	uint32_t n = w.len - w.pos < 16 ? w.len - w.pos : 16;
	memcpy(&mem[w.addr - MEM_BASE + w.pos], &dut->wr_dat_data[0], n);
	w.pos += n;
	ck_assert_int_eq(dut->wr_dat_last, w.pos == w.len);
	if (w.pos < w.len)
		return;
	bool err = false;
	for (auto &b : bad_writes)
		err |= w.addr <= b.second && w.addr + w.len - 1 >= b.first;
	uint64_t at = cycle + wr_latency + rng.below(wr_jitter + 1);
	if (!dones.empty() && dones.back().at >= at)
		at = dones.back().at + 1;
	dones.push_back({at, w.tag, err});
	writes.pop_front();
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
	ctxa_addr = dut->ctxa_addr;
	hash_addr = dut->hash_addr;
	if (dut->evt_valid && dut->evt_ready) {
		uint32_t w0 = dut->evt_data[0];
		events.push_back({(uint8_t)w0, (uint8_t)(w0 >> 8), (uint16_t)(w0 >> 16), dut->evt_data[1], dut->evt_data[2]});
		if (on_event)
			on_event(events.back());
	}
	if (dut->ackrq_valid && dut->ackrq_ready) {
		acks_asked.push_back(dut->ackrq_conn);
		ack_jobs.push_back({cycle + ack_latency, dut->ackrq_conn});
	}
	if (dut->slot_flag_valid)
		flags.push_back({dut->slot_flag_slot, dut->slot_flag_bits});
	const bool pulses[C_N] = {
		(bool)dut->cnt_frames, (bool)dut->cnt_drop_fcs, (bool)dut->cnt_drop_len, (bool)dut->cnt_drop_ipcsum,
		(bool)dut->cnt_drop_tcpcsum, (bool)dut->cnt_drop_nobuf, (bool)dut->cnt_drop_notus, (bool)dut->cnt_fast,
		(bool)dut->cnt_to_fw, (bool)dut->cnt_drop_evq, (bool)dut->cnt_hdrs, (bool)dut->cnt_hdgst_bad, (bool)dut->cnt_ddgst_bad,
	};
	for (int i = 0; i < C_N; i++)
		cnt[i] += pulses[i];
	rx_bytes += dut->cnt_rx_bytes;
	placed_bytes += dut->cnt_placed_bytes;
	stall += dut->cnt_stall_dma;
}

void Bench::tick()
{
	dut->time_ns = time_ns;
	drive_eth();
	drive_ports();
	drive_ack();
	dut->eval();
	if (!dut->rst) {
		sample_write();
		sample_reads();
		sample_rest();
	}
	dut->clk = 1;
	dut->eval();
	dut->clk = 0;
	cycle++;
	time_ns += 4;
}

void Bench::ticks(unsigned n)
{
	while (n--)
		tick();
}

/* gnt is looked at before the clock edge: settle the inputs, then tick. */
uint32_t Bench::read(uint32_t addr)
{
	bool granted = false;
	dut->cb_req = 1;
	dut->cb_we = 0;
	dut->cb_be = 15;
	dut->cb_addr = addr;
	for (unsigned i = 0; i < 2000; i++) {
		dut->eval();
		granted = dut->cb_gnt;
		ck_assert(!dut->cb_rvalid);
		tick();
		if (granted)
			break;
	}
	ck_assert_msg(granted, "no grant for a read of %08x", addr);
	dut->cb_req = 0;
	for (unsigned i = 0; i < 50; i++) {
		dut->eval();
		bool v = dut->cb_rvalid;
		uint32_t d = dut->cb_rdata;
		tick();
		if (v)
			return d;
	}
	ck_abort_msg("no answer for a read of %08x", addr);
}

void Bench::write(uint32_t addr, uint32_t v)
{
	bool granted = false;
	dut->cb_req = 1;
	dut->cb_we = 1;
	dut->cb_be = 15;
	dut->cb_addr = addr;
	dut->cb_wdata = v;
	for (unsigned i = 0; i < 5000; i++) {
		dut->eval();
		granted = dut->cb_gnt;
		tick();
		if (granted)
			break;
	}
	ck_assert_msg(granted, "no grant for a write of %08x", addr);
	dut->cb_req = 0;
	dut->eval();
	ck_assert_msg(dut->cb_rvalid, "no answer for a write of %08x", addr);
	tick();
}

Bytes Bench::packet(unsigned cell, unsigned off, unsigned len)
{
	Bytes out;
	for (; off >= ENG_PKT_CELL; off -= ENG_PKT_CELL)
		cell = read(ENG_PKTNEXT_BASE + 4 * cell);
	while (out.size() < len) {
		uint32_t v = read(ENG_PKT_BASE + cell * ENG_PKT_CELL + (off & ~3u));
		for (unsigned i = off & 3; i < 4 && out.size() < len; i++)
			out.push_back((uint8_t)(v >> (8 * i)));
		off = (off | 3) + 1;
		if (off == ENG_PKT_CELL && out.size() < len) {
			cell = read(ENG_PKTNEXT_BASE + 4 * cell);
			off = 0;
		}
	}
	return out;
}

void Bench::settle(unsigned limit)
{
	unsigned quiet = 0;
	for (; limit && quiet < 40; limit--) {
		tick();
		quiet = eth.empty() && !dut->busy && dones.empty() && ack_jobs.empty() ? quiet + 1 : 0;
	}
	ck_assert_msg(quiet >= 40, "still busy");
}

bool Bench::next_event(Event &e)
{
	if (events.empty())
		return false;
	e = events.front();
	events.pop_front();
	return true;
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

uint64_t Slot::addr(uint32_t off) const
{
	for (auto &m : map) {
		if (off < m.second)
			return m.first + off;
		off -= m.second;
	}
	ck_abort_msg("offset outside the slot's buffer");
}

uint64_t Bench::alloc(uint32_t len)
{
	uint64_t a = brk + rng.below(40);
	brk = a + len + 16;
	ck_assert(brk < MEM_BASE + MEM_SIZE);
	return a;
}

/* Elements of these lengths at any address; up to 3 stand in the entry, more in a list. */
void Bench::make_slot_of(unsigned slot, uint32_t len, const std::vector<uint32_t> &elements, bool quiet)
{
	Slot &s = slots[slot];
	uint8_t e[128] = {};
	uint64_t list = elements.size() > 3 ? alloc(16 * elements.size()) : 0;
	s.len = len;
	s.map.clear();
	for (unsigned i = 0; i < elements.size(); i++) {
		s.map.push_back({alloc(elements[i]), elements[i]});
		uint8_t *el = list ? &mem[list - MEM_BASE + 16 * i] : e + 16 + 16 * i;
		for (int b = 0; b < 8; b++)
			el[b] = (uint8_t)(s.map[i].first >> (8 * b));
		put32(el + 8, elements[i]);
		put32(el + 12, 0);
	}
	if (list)
		memcpy(&image[list - MEM_BASE], &mem[list - MEM_BASE], 16 * elements.size());
	for (int b = 0; list && b < 8; b++)
		e[16 + b] = (uint8_t)(list >> (8 * b));
	e[1] = list ? WEFT_SQF_SGL_CHAIN : 0;
	put32(e + 4, len);
	put32(e + 8, elements.size());
	memcpy(&xram[slot * ENG_SLOT_SIZE], e, 128);
	if (quiet)
		return;
	dut->inval_valid = 1;
	dut->inval_slot = slot;
	tick();
	dut->inval_valid = 0;
}

/* Buffer of len bytes in so many elements of random sizes. */
void Bench::make_slot(unsigned slot, uint32_t len, unsigned elements, bool quiet)
{
	std::vector<uint32_t> lens;
	uint32_t left = len;
	if (elements > len)
		elements = len ? len : 1;
	for (unsigned rest = elements; rest; rest--) {
		uint32_t n = left, twice = 2 * (left / rest);
		if (rest > 1)
			n = 1 + rng.below(twice > 1 ? twice - 1 : 1);
		if (n > left - (rest - 1))
			n = left - (rest - 1);
		lens.push_back(n);
		left -= n;
	}
	make_slot_of(slot, len, lens, quiet);
}

void Bench::check_memory()
{
	for (size_t i = 0; memcmp(mem.data(), image.data(), MEM_SIZE) && i < MEM_SIZE; i++)
		if (mem[i] != image[i])
			ck_abort_msg("host memory at base + %zu: %02x, expected %02x", i, mem[i], image[i]);
}

void Bench::set_ctxa(unsigned conn, unsigned off, uint32_t v)
{
	ctxa[conn * 32 + off / 4] = v;
}

uint32_t Bench::get_ctxa(unsigned conn, unsigned off) const
{
	return ctxa[conn * 32 + off / 4];
}

/* Puts the connection into the lookup table at its place + displace, or later; false: no room. */
bool Bench::add_hash(unsigned conn, unsigned displace)
{
	uint32_t w = get_ctxa(conn, 8), x = get_ctxa(conn, 0) ^ ((w & 0xffff0000) | (w & 0xffff));
	unsigned h = (x ^ x >> 10 ^ x >> 20) & 1023;
	for (unsigned i = displace; i < 4; i++)
		if (!(hash[(h + i) & 1023] >> 31)) {
			hash[(h + i) & 1023] = 0x80000000u | conn;
			return true;
		}
	return false;
}

struct eng_conn_state Bench::state(unsigned conn)
{
	struct eng_conn_state st;
	uint32_t w[8];
	for (unsigned i = 0; i < 8; i++)
		w[i] = read(ENG_CTXB_BASE + conn * ENG_CTXB_STRIDE + 4 * i);
	memcpy(&st, w, sizeof(st));
	return st;
}

/* In one of the next cycles a segment of ours leaves. */
void Bench::sent(unsigned conn, uint32_t ack, uint32_t edge, uint32_t end, bool data)
{
	sent_jobs.push_back({conn, ack, edge, end, data});
}
