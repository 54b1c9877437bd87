// SPDX-License-Identifier: BSD-2-Clause
#include "tx_bench.h"
#include <cstring>
#include "verilated.h"

enum { MMIO = 0x50000000, FENCE_REC = 0xbeee0 };

template <typename W> static void put_words(W &w, const uint8_t *p)
{
	memcpy(&w[0], p, 16);
}

bench::bench(unsigned seed)
{
	rng.seed(seed);
	for (auto &b : xram)
		b = rng();
	top->rst = 1;
	for (int i = 0; i < 8; i++) {
		top->clk = i & 1;
		top->eval();
	}
	top->clk = 0;
	top->rst = 0;
	top->evt_ready = 1;
	top->eval();
}

uint32_t bench::xram32(uint32_t off) const
{
	return xram[off] | xram[off + 1] << 8 | xram[off + 2] << 16 | (uint32_t)xram[off + 3] << 24;
}

void bench::xram_put32(uint32_t off, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		xram[off + i] = v >> 8 * i;
}

uint8_t bench::host_byte(uint64_t addr) const
{
	return (addr * 0x9e3779b97f4a7c15ull) >> 53 ^ addr;
}

void bench::dma_drive(dma_client &c, bool is_chain)
{
	bool can = !c.q.empty() && c.q.front().due <= cycle && !(slow && rnd(4) == 0);
	uint8_t d[16];
	unsigned cnt = 0, last = 0, err = 0;

	for (auto &b : d)
		b = 0xa5;
	if (can) {
		dma_req &r = c.q.front();
		for (cnt = 0; cnt < 16 && r.pos + cnt < r.len; cnt++) {
			uint64_t a = r.addr + r.pos + cnt;
			auto it = is_chain ? lists.find(a) : lists.end();
			d[cnt] = it != lists.end() ? it->second : host_byte(a);
			if (!bad_pages.empty() && bad_pages.count(a >> 12)) {
				r.err = true;
				d[cnt] = 0xbd;
			}
		}
		last = r.pos + cnt == r.len;
		err = last && r.err;
	}
	if (is_chain) {
		top->srd_req_ready = c.q.size() < 2;
		top->srd_rsp_valid = can;
		put_words(top->srd_rsp_data, d);
		top->srd_rsp_cnt = cnt;
		top->srd_rsp_last = last;
		top->srd_rsp_err = err;
	} else {
		top->rd_req_ready = c.outstanding + 4096 <= 32768 && !(slow && rnd(4) == 0);
		top->rd_rsp_valid = can;
		put_words(top->rd_rsp_data, d);
		top->rd_rsp_cnt = cnt;
		top->rd_rsp_last = last;
		top->rd_rsp_err = err;
	}
}

void bench::dma_take(dma_client &c, bool is_chain)
{
	bool rsp = is_chain ? top->srd_rsp_valid && top->srd_rsp_ready :
			      top->rd_rsp_valid && top->rd_rsp_ready;
	bool req = is_chain ? top->srd_req_valid && top->srd_req_ready :
			      top->rd_req_valid && top->rd_req_ready;

	if (rsp) {
		dma_req &r = c.q.front();
		uint32_t n = std::min(16u, r.len - r.pos);
		r.pos += n;
		c.outstanding -= n;
		if (r.pos == r.len)
			c.q.pop_front();
	}
	if (req) {
		uint64_t a = is_chain ? top->srd_req_addr : top->rd_req_addr;
		uint32_t len = is_chain ? top->srd_req_len : top->rd_req_len;
		must(len >= 1 && len <= 4096);
		c.q.push_back(
			{ a, len, 0, cycle + dma_latency + (slow ? (long)rnd(100) : 0), false });
		c.outstanding += len;
		c.peak = std::max(c.peak, c.outstanding);
		c.reqs++;
	}
}

void bench::mac_take()
{
	int lanes = 0;

	if (top->eth_tx_tvalid && !mac_hold && first_beat < 0)
		first_beat = cycle;
	if (!top->eth_tx_tvalid || !top->eth_tx_tready)
		return;
	while (lanes < 16 && top->eth_tx_tkeep >> lanes & 1)
		lanes++;
	must(top->eth_tx_tkeep == (1u << lanes) - 1);
	must(lanes == 16 || top->eth_tx_tlast);
	for (int i = 0; i < lanes; i++)
		rx_frame.push_back(top->eth_tx_tdata[i / 4] >> i % 4 * 8);
	if (top->eth_tx_tlast) {
		frames++;
		frame_bytes += rx_frame.size();
		frame_check(rx_frame);
		rx_frame.clear();
	}
	last_beat = cycle;
}

void bench::drive()
{
	uint8_t junk[16];

	memset(junk, 0xcc, 16);
	x_due = !x_ans.empty() && x_ans.front().first <= cycle;
	sx_due = !sx_ans.empty() && sx_ans.front().first <= cycle;
	top->x_gnt = !slow || rnd(3) != 0;
	top->sx_gnt = !slow || rnd(3) != 0;
	top->x_rvalid = x_due;
	top->sx_rvalid = sx_due;
	put_words(top->x_rdata, x_due ? x_ans.front().second.data() : junk);
	put_words(top->sx_rdata, sx_due ? sx_ans.front().second.data() : junk);
	put_words(top->ctxa_rdata, &ctxa[ctxa_q * 16]);
	top->txq_rcv_nxt = txq_2.rcv_nxt;
	top->txq_ts_recent = txq_2.ts_recent;
	top->txq_edge = txq_2.edge;
	top->time_ns = cycle * 40000ull;
	top->eth_tx_tready = !mac_hold && (mac_duty == 100 || (int)rnd(100) < mac_duty);
	top->evt_ready = !slow || rnd(4) == 0;
	if (!ack_req && ack_rate && rnd(ack_rate) == 0) {
		ack_req = true;
		ack_req_conn = rnd(ack_conns);
	}
	top->ackrq_valid = ack_req;
	top->ackrq_conn = ack_req_conn;
	dma_drive(gather, false);
	dma_drive(chain, true);
	top->eval();
}

/* valid and what goes with it stand until ready. */
void bench::held_check()
{
	std::vector<uint64_t> now[5];

	if (top->x_req && !top->x_gnt)
		now[0] = { 1u, top->x_we, top->x_addr, top->x_be };
	if (top->sx_req && !top->sx_gnt)
		now[1] = { top->sx_addr };
	if (top->rd_req_valid && !top->rd_req_ready)
		now[2] = { top->rd_req_addr, top->rd_req_len };
	if (top->srd_req_valid && !top->srd_req_ready)
		now[3] = { top->srd_req_addr, top->srd_req_len };
	if (top->eth_tx_tvalid && !top->eth_tx_tready)
		now[4] = { top->eth_tx_tdata[0], top->eth_tx_tdata[3], top->eth_tx_tkeep,
			   top->eth_tx_tlast };
	if (!held[0].empty())
		must(top->x_req &&
		     held[0] == std::vector<uint64_t>({ 1u, top->x_we, top->x_addr, top->x_be }));
	if (!held[1].empty())
		must(top->sx_req && held[1] == std::vector<uint64_t>({ top->sx_addr }));
	if (!held[2].empty())
		must(top->rd_req_valid &&
		     held[2] == std::vector<uint64_t>({ top->rd_req_addr, top->rd_req_len }));
	if (!held[3].empty())
		must(top->srd_req_valid &&
		     held[3] == std::vector<uint64_t>({ top->srd_req_addr, top->srd_req_len }));
	if (!held[4].empty())
		must(top->eth_tx_tvalid &&
		     held[4] == std::vector<uint64_t>({ top->eth_tx_tdata[0], top->eth_tx_tdata[3],
							top->eth_tx_tkeep, top->eth_tx_tlast }));
	for (int i = 0; i < 5; i++)
		held[i] = now[i];
}

void bench::xram_take()
{
	if (x_due)
		x_ans.pop_front();
	if (sx_due)
		sx_ans.pop_front();
	if (top->x_req && top->x_gnt) {
		uint8_t *p = &xram[top->x_addr % (ENG_XRAM_SIZE / 16) * 16];
		for (int i = 0; i < 16 && top->x_we; i++)
			if (top->x_be >> i & 1)
				p[i] = top->x_wdata[i / 4] >> i % 4 * 8;
		if (!top->x_we)
			x_ans.push_back({ cycle + 1 + (slow ? rnd(5) : 0), bytes(p, p + 16) });
	}
	if (top->sx_req && top->sx_gnt) {
		uint8_t *p = &xram[top->sx_addr * 16];
		must(!top->sx_we);
		sx_ans.push_back({ cycle + 1 + (slow ? rnd(5) : 0), bytes(p, p + 16) });
	}
}

/* Contexts, receive state and what is reported to the receive side. */
void bench::conn_take()
{
	ctxa_q = top->ctxa_addr;
	txq_2 = state[txq_1].empty() ? rx_state{} : state[txq_1].back();
	txq_1 = top->txq_conn;
	auto &h = state[churn && rnd(churn) == 0 ? rnd(8) : 127];
	if (churn && &h != &state[127] && !h.empty()) {
		rx_state s = h.back();
		uint32_t add = rnd(3000);
		s.rcv_nxt += add;
		s.edge += rnd(2) ? add : rnd(5000);
		s.ts_recent += rnd(5);
		h.push_back(s);
	}
	if (top->ackrq_valid && top->ackrq_ready) {
		int c = ack_req_conn;
		acks_asked[c]++;
		ack_owed[c] = true;
		ack_floor[c] = state[c].size() - 1;
		ack_req = false;
	}
	if (top->sent_valid)
		sent.push_back({ top->sent_conn, top->sent_ack, top->sent_edge, top->sent_end,
				 (uint32_t)((cycle - 20) * 40000ull >> 20),
				 (uint32_t)(cycle * 40000ull >> 20), (bool)top->sent_data });
}

void bench::step()
{
	drive();
	held_check();
	xram_take();
	conn_take();
	if (top->evt_valid && top->evt_ready)
		event_check({ top->evt_data[0], top->evt_data[1], top->evt_data[2] });
	cnt_frames += top->cnt_frames;
	cnt_bytes += top->cnt_bytes;
	cnt_ops += top->cnt_ops;
	cnt_acks += top->cnt_acks;
	cnt_stall_mac += top->cnt_stall_mac;
	dma_take(gather, false);
	dma_take(chain, true);
	mac_take();

	top->clk = 1;
	top->eval();
	top->clk = 0;
	top->eval();
	cycle++;
}

void bench::reg_write(uint32_t off, uint32_t v)
{
	bool gnt;
	long t0 = cycle;

	top->cb_req = 1;
	top->cb_we = 1;
	top->cb_be = 15;
	top->cb_addr = MMIO + off;
	top->cb_wdata = v;
	do {
		top->eval();
		gnt = top->cb_gnt;
		step();
		must(cycle - t0 < 1000000);
	} while (!gnt);
	top->cb_req = 0;
	top->eval();
	must(top->cb_rvalid);
}

uint32_t bench::reg_read(uint32_t off)
{
	top->cb_req = 1;
	top->cb_we = 0;
	top->cb_addr = MMIO + off;
	top->eval();
	if (!top->cb_gnt) /* the answer to the access before is still there */
		step();
	must(top->cb_gnt);
	step();
	top->cb_req = 0;
	must(top->cb_rvalid);
	return top->cb_rdata;
}

void bench::push(uint32_t rec, uint32_t seq, uint32_t off, uint32_t len, int conn, int flags)
{
	reg_write(ENG_TX_REC, rec);
	reg_write(ENG_TX_SEQ, seq);
	reg_write(ENG_TX_OFF, off);
	reg_write(ENG_TX_LEN, len);
	reg_write(ENG_TX_PUSH, conn | flags << 8);
}

void bench::kill(int conn, bool on)
{
	conn_killed[conn] = on;
	if (!on)
		snd_known[conn] = conn_err[conn] = said[conn].valid = false;
	reg_write(ENG_TX_KILL, conn | on << 8);
}

void bench::ask_ack_reg(int conn)
{
	reg_write(ENG_TX_ACK, conn);
	acks_asked[conn]++;
	reg_acks[conn]++;
	ack_owed[conn] = reg_owed[conn] = true;
	ack_floor[conn] = reg_floor[conn] = state[conn].size() - 1;
}

/* Pushes a FENCE and runs until its event. */
void bench::fence()
{
	long t0 = cycle;

	due.push_back({ FENCE_REC, 0xff, 0 });
	push(FENCE_REC, 0, 0, 0, 0xff, ENG_TXF_FENCE | ENG_TXF_DONE);
	while (!due.empty()) {
		step();
		must(cycle - t0 < 3000000);
	}
}

void bench::event_check(const event &e)
{
	unsigned flags = e.w0 >> 8 & 255;

	must(!due.empty());
	due_event d = due.front();
	due.pop_front();
	must((e.w0 & ~0xff00u) == ((uint32_t)d.conn << 16 | ENG_EVT_TXDONE));
	must(e.w1 == d.rec);
	if (d.conn < 128 && conn_killed[d.conn] && flags == 2)
		d.flags = 2; /* the kill was in time */
	must(flags == d.flags);
	events++;
	failed += flags & 1;
	dropped += flags >> 1;
}

void bench::idle()
{
	long t0 = cycle;
	int rate = ack_rate;

	ack_rate = 0;
	do {
		step();
		must(cycle - t0 < 3000000);
	} while (top->busy || ack_req);
	ack_rate = rate;
	for (auto &o : ops)
		o.cut |= !o.raw && conn_killed[o.conn];
	ops_retire();
	must(due.size() == 0);
	must(ops.size() == 0);
	must(sent.size() == 0);
	must(rx_frame.empty());
	must(gather.outstanding == 0);
	for (int c = 0; c < 128; c++)
		if (reg_owed[c] || (ack_owed[c] && !said_already(c)))
			ck_abort_msg("connection %d was not acknowledged", c);
	must(cnt_frames == frames);
	must(cnt_bytes == frame_bytes);
}
