// SPDX-License-Identifier: BSD-2-Clause
#include "fc_tx_bench.h"
#include <cstring>
#include "verilated.h"

enum { MMIO = 0x50000000, FENCE_REC = 0xbeec0 };

template <typename W> static void put_words(W &w, const uint8_t *p)
{
	memcpy(&w[0], p, 16);
}

bench::bench(unsigned seed, unsigned start_mode)
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
	if (start_mode == ENG_FCM_NATIVE)
		credit_set(ENG_FC_CREDIT_OFF);
	ctrl(start_mode, ENG_FCP_IDLE, 0);
}

uint32_t bench::xram32(uint32_t off) const
{
	return xram[off] | xram[off + 1] << 8 | xram[off + 2] << 16 | (uint32_t)xram[off + 3] << 24;
}

void bench::xram_put(uint32_t off, uint64_t v, int n)
{
	for (int i = 0; i < n; i++)
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

	memset(d, 0xa5, sizeof(d));
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

void bench::beat_take(wire &w, const uint32_t *data, unsigned keep, bool last)
{
	int lanes = 0;

	while (lanes < 16 && keep >> lanes & 1)
		lanes++;
	must(lanes > 0 && keep == (1u << lanes) - 1);
	must(lanes == 16 || last);
	for (int i = 0; i < lanes; i++)
		w.now.push_back(data[i / 4] >> i % 4 * 8);
	w.last_beat = cycle;
	if (!last)
		return;
	w.frames++;
	frame_check(w);
	w.before.swap(w.now);
	w.now.clear();
}

/* A frame begins only in its mode, with IDLE, with a credit; pipelines make a change of these count a few cycles later. */
void bench::frame_begin(wire &w)
{
	bool native = &w == &fc;
	bool settled = cycle > ctrl_at + 6;

	w.begun = cycle;
	if (w.first_beat < 0)
		w.first_beat = cycle;
	must(!settled || mode == (native ? ENG_FCM_NATIVE : ENG_FCM_FCOE));
	must(!settled || !drop);
	if (!native)
		return;
	must(!settled || prim == ENG_FCP_IDLE);
	if (granted == ENG_FC_CREDIT_OFF)
		return;
	must(credit > 0);
	credit--;
	rrdy_due++;
}

void bench::fc_take()
{
	if (fc.now.empty() && top->fc_tx_tvalid && held[4].empty())
		frame_begin(fc);
	must(fc.now.empty() || top->fc_tx_tvalid); /* never waits inside a frame */
	if (top->fc_tx_tvalid && top->fc_tx_tready)
		beat_take(fc, &top->fc_tx_tdata[0], top->fc_tx_tkeep, top->fc_tx_tlast);
}

void bench::eth_take()
{
	if (eth.now.empty() && top->fcoe_tx_tvalid && held[5].empty())
		frame_begin(eth);
	must(eth.now.empty() || top->fcoe_tx_tvalid);
	if (top->fcoe_tx_tvalid && top->fcoe_tx_tready)
		beat_take(eth, &top->fcoe_tx_tdata[0], top->fcoe_tx_tkeep, top->fcoe_tx_tlast);
}

void bench::link_take()
{
	if (top->fc_rx_rrdy) {
		rrdy_due--;
		credit++;
	}
	freed += top->rrdy_valid;
	if (top->fc_tx_rrdy_valid && top->fc_tx_rrdy_ready) {
		rrdys++;
		must(rrdys <= freed);
		must(cycle <= ctrl_at + 6 || (mode == ENG_FCM_NATIVE && prim == ENG_FCP_IDLE));
	}
	must(cycle <= ctrl_at + 6 || top->mode == mode);
	must(cycle <= ctrl_at + 6 ||
	     top->fc_tx_prim == (mode == ENG_FCM_NATIVE ? prim : ENG_FCP_IDLE));
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
	top->fc_tx_tready = !fc.hold && (fc.duty == 100 || (int)rnd(100) < fc.duty);
	top->fcoe_tx_tready = !eth.hold && (eth.duty == 100 || (int)rnd(100) < eth.duty);
	top->fc_tx_rrdy_ready = !slow || rnd(3) == 0;
	top->evt_ready = !slow || rnd(4) == 0;
	top->fc_rx_rrdy = rrdy_due > 0 && rrdy_rate && rnd(rrdy_rate) == 0;
	top->rrdy_valid = mode == ENG_FCM_NATIVE && free_rate && rnd(free_rate) == 0;
	dma_drive(gather, false);
	dma_drive(chain, true);
	top->eval();
}

/* valid and what goes with it stand until ready. */
void bench::held_check()
{
	typedef std::vector<uint64_t> v;
	v now[6];

	if (top->x_req)
		now[0] = { top->x_we, top->x_addr, top->x_we ? top->x_be : 0u };
	if (top->sx_req)
		now[1] = { top->sx_addr };
	if (top->rd_req_valid)
		now[2] = { top->rd_req_addr, top->rd_req_len };
	if (top->srd_req_valid)
		now[3] = { top->srd_req_addr, top->srd_req_len };
	if (top->fc_tx_tvalid)
		now[4] = { top->fc_tx_tdata[0], top->fc_tx_tdata[3], top->fc_tx_tkeep,
			   top->fc_tx_tlast };
	if (top->fcoe_tx_tvalid)
		now[5] = { top->fcoe_tx_tdata[0], top->fcoe_tx_tdata[3], top->fcoe_tx_tkeep,
			   top->fcoe_tx_tlast };
	for (int i = 0; i < 6; i++)
		if (!held[i].empty() && held[i] != now[i])
			ck_abort_msg("cycle %ld: port %d did not stand until ready", cycle, i);
	bool taken[6] = { (bool)top->x_gnt,        (bool)top->sx_gnt,
			  (bool)top->rd_req_ready, (bool)top->srd_req_ready,
			  (bool)top->fc_tx_tready, (bool)top->fcoe_tx_tready };
	fc_take();
	eth_take();
	for (int i = 0; i < 6; i++)
		held[i] = taken[i] ? v() : now[i];
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

void bench::step()
{
	drive();
	link_take();
	held_check();
	xram_take();
	if (top->evt_valid && top->evt_ready)
		event_check(top->evt_data[0], top->evt_data[1], top->evt_data[2]);
	cnt_frames += top->cnt_frames;
	cnt_stall_credit += top->cnt_stall_credit;
	cnt_stall_dma += top->cnt_stall_dma;
	dma_take(gather, false);
	dma_take(chain, true);

	top->clk = 1;
	top->eval();
	top->clk = 0;
	top->eval();
	cycle++;
}

void bench::steps(long n)
{
	while (n--)
		step();
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

void bench::ctrl(unsigned new_mode, unsigned new_prim, unsigned new_drop)
{
	ctrl_at = cycle + 4; /* the write takes up to that */
	mode = new_mode;
	prim = new_prim;
	drop = new_drop;
	for (auto &o : ops)
		o->loose |= drop || mode == ENG_FCM_OFF;
	for (auto &d : due)
		if (d.o)
			d.o->loose |= drop || mode == ENG_FCM_OFF;
	reg_write(ENG_FC_CTRL,
		  new_mode | new_prim << ENG_FC_CTRL_PRIM_LSB | new_drop << ENG_FC_CTRL_DROP_LSB);
}

void bench::credit_set(int n)
{
	reg_write(ENG_FC_CREDIT, n);
	credit = granted = n;
	rrdy_due = 0;
}

void bench::fcoe_set(uint32_t fc_map, const bytes &mac)
{
	map = fc_map;
	fcf = mac;
	reg_write(ENG_FC_MAP, fc_map | (mac.empty() ? 0 : ENG_FC_MAP_FCF_MASK));
	if (mac.empty())
		return;
	reg_write(ENG_FC_FCF_LO, mac[0] | mac[1] << 8 | mac[2] << 16 | (uint32_t)mac[3] << 24);
	reg_write(ENG_FC_FCF_HI, mac[4] | mac[5] << 8);
}

/* Pushes a FENCE and runs until its event. */
void bench::fence(unsigned slot)
{
	long t0 = cycle;

	xram_put(FENCE_REC + 26, slot, 2);
	due.push_back({ FENCE_REC, slot, 0, nullptr });
	reg_write(ENG_FTX_REC, FENCE_REC);
	reg_write(ENG_FTX_PUSH, ENG_FTXF_FENCE | ENG_FTXF_DONE);
	while (!due.empty()) {
		step();
		must(cycle - t0 < 3000000);
	}
	if (drop || mode == ENG_FCM_OFF) { /* nothing of before may begin any more */
		stale.swap(ops);
		ops.clear();
		stale_at = cycle;
	}
}

void bench::idle()
{
	long t0 = cycle;

	free_rate = 0;
	do {
		step();
		must(cycle - t0 < 3000000);
	} while (top->busy || rrdys != freed);
	ops_retire();
	must(due.size() == 0);
	must(ops.size() == 0);
	must(fc.now.empty() && eth.now.empty());
	must(gather.outstanding == 0);
	must(cnt_frames == fc.frames + eth.frames);
}
