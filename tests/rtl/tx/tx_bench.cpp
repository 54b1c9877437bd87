// SPDX-License-Identifier: BSD-2-Clause
#include "tx_bench.h"
#include <cstring>
#include "verilated.h"

enum { MMIO = 0x50000000, FENCE_REC = 0xbeee0 };

uint32_t crc32c(uint32_t crc, const uint8_t *p, size_t n)
{
	static uint32_t table[256];

	if (!table[1])
		for (uint32_t i = 0; i < 256; i++) {
			uint32_t c = i;
			for (int b = 0; b < 8; b++)
				c = c >> 1 ^ (c & 1 ? 0x82f63b78 : 0);
			table[i] = c;
		}
	while (n--)
		crc = crc >> 8 ^ table[(crc ^ *p++) & 255];
	return crc;
}

/* Internet checksum of big-endian words, start added. */
uint16_t csum(const uint8_t *p, size_t n, uint32_t start)
{
	uint64_t sum = start;

	for (size_t i = 0; i < n; i++)
		sum += i & 1 ? p[i] : p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

static void put_be(uint8_t *p, uint32_t v, int n)
{
	for (int i = 0; i < n; i++)
		p[i] = v >> 8 * (n - 1 - i);
}

static void put_le(uint8_t *p, uint64_t v, int n)
{
	for (int i = 0; i < n; i++)
		p[i] = v >> 8 * i;
}

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
	put_le(&xram[off], v, 4);
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
	bool rsp = is_chain ? top->srd_rsp_valid && top->srd_rsp_ready : top->rd_rsp_valid && top->rd_rsp_ready;
	bool req = is_chain ? top->srd_req_valid && top->srd_req_ready : top->rd_req_valid && top->rd_req_ready;

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
		c.q.push_back({ a, len, 0, cycle + dma_latency + (slow ? (long)rnd(100) : 0), false });
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
		now[4] = { top->eth_tx_tdata[0], top->eth_tx_tdata[3], top->eth_tx_tkeep, top->eth_tx_tlast };
	if (!held[0].empty())
		must(top->x_req && held[0] == std::vector<uint64_t>({ 1u, top->x_we, top->x_addr, top->x_be }));
	if (!held[1].empty())
		must(top->sx_req && held[1] == std::vector<uint64_t>({ top->sx_addr }));
	if (!held[2].empty())
		must(top->rd_req_valid && held[2] == std::vector<uint64_t>({ top->rd_req_addr, top->rd_req_len }));
	if (!held[3].empty())
		must(top->srd_req_valid && held[3] == std::vector<uint64_t>({ top->srd_req_addr, top->srd_req_len }));
	if (!held[4].empty())
		must(top->eth_tx_tvalid && held[4] == std::vector<uint64_t>({ top->eth_tx_tdata[0], top->eth_tx_tdata[3],
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
			(uint32_t)((cycle - 20) * 40000ull >> 20), (uint32_t)(cycle * 40000ull >> 20), (bool)top->sent_data });
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
		snd_known[conn] = conn_err[conn] = false;
	reg_write(ENG_TX_KILL, conn | on << 8);
}

void bench::ask_ack_reg(int conn)
{
	reg_write(ENG_TX_ACK, conn);
	acks_asked[conn]++;
	ack_owed[conn] = true;
	ack_floor[conn] = state[conn].size() - 1;
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
		if (ack_owed[c])
			ck_abort_msg("connection %d was not acknowledged", c);
	must(cnt_frames == frames);
	must(cnt_bytes == frame_bytes);
}

void bench::conn_init(int conn, bool ts, unsigned mss, unsigned scale)
{
	uint8_t *c = &ctxa[conn * 128], *t = c + 32;

	for (int i = 0; i < 128; i++)
		c[i] = rng();
	c[12] = 1 | (ts ? 2 : 0);
	c[14] = scale;
	c[15] = ts ? 66 : 54;
	put_le(c + 20, mss, 2);
	t[12] = 8;
	t[13] = 0;
	t[14] = 0x45;
	t[23] = 6;
	t[46] = ts ? 0x80 : 0x50;
	t[47] = 0x10;
	t[54] = t[55] = 1;
	t[56] = 8;
	t[57] = 10;
	uint32_t nxt = rng();
	state[conn].assign(1, { nxt, (uint32_t)rng(), nxt + (uint32_t)rnd(200000) });
	state_used[conn] = ack_floor[conn] = 0;
	kill(conn, false); /* as firmware opens a connection */
}

void bench::slot_init(unsigned slot, const std::vector<elem> &el, uint32_t data_len, bool is_chain)
{
	uint8_t *p = &xram[slot * 256];
	uint64_t list = 0x7000000000ull + slot * 0x100000ull + rnd(4096);

	p[1] = is_chain ? 8 : 0;
	put_le(p + 4, data_len, 4);
	put_le(p + 8, el.size(), 2);
	if (is_chain)
		put_le(p + 16, list, 8);
	for (size_t i = 0; i < el.size(); i++) {
		uint8_t e[16];
		put_le(e, el[i].addr, 8);
		put_le(e + 8, el[i].len, 4);
		put_le(e + 12, rng(), 4);
		if (is_chain)
			for (int k = 0; k < 16; k++)
				lists[list + i * 16 + k] = e[k];
		else if (i < 3)
			memcpy(p + 16 + 16 * i, e, 16);
	}
	top->inval_valid = 1;
	top->inval_slot = slot;
	step();
	top->inval_valid = 0;
}

/* Writes header and record as firmware does, and works out the bytes of the PDU. */
pdu bench::pdu_make(int conn, uint32_t rec, uint32_t hdr, unsigned hdr_len, unsigned flags, unsigned pad, uint32_t data_len, unsigned slot,
	const std::vector<elem> &el, uint32_t data_off)
{
	pdu p = { rec, (uint32_t)rng(), conn, (uint8_t)flags, data_len, 0, 0, {}, {} };
	bytes data;
	std::vector<bool> bad;
	uint64_t pos = 0;
	uint8_t d[4];

	xram_put32(rec, hdr);
	xram_put32(rec + 4, hdr_len | flags << 8 | pad << 16);
	xram_put32(rec + 8, data_len);
	xram_put32(rec + 12, slot);
	xram_put32(rec + 16, data_off);
	xram_put32(rec + 20, 0xffffffff);
	xram_put32(rec + 24, 0);
	p.wire.assign(&xram[hdr], &xram[hdr] + hdr_len);
	if (flags & ENG_RECF_HDGST) {
		put_le(d, ~crc32c(0xffffffff, &xram[hdr], hdr_len), 4);
		p.wire.insert(p.wire.end(), d, d + 4);
	}
	p.wire.resize(p.wire.size() + pad, 0);
	p.lit_len = p.wire.size();
	for (auto &e : el) {
		uint64_t from = std::max<uint64_t>(pos, data_off), to = std::min<uint64_t>(pos + e.len, (uint64_t)data_off + data_len);
		for (uint64_t i = from; i < to; i++) {
			uint64_t a = e.addr + (i - pos);
			data.push_back(host_byte(a));
			bad.push_back(!bad_pages.empty() && bad_pages.count(a >> 12));
		}
		pos += e.len;
	}
	data.resize(data_len, 0); /* beyond the list: never sent */
	bad.resize(data_len, true);
	p.bad.assign(p.lit_len, false);
	p.wire.insert(p.wire.end(), data.begin(), data.end());
	p.bad.insert(p.bad.end(), bad.begin(), bad.end());
	if ((flags & ENG_RECF_DDGST) && data_len) {
		put_le(d, ~crc32c(0xffffffff, data.data(), data_len), 4);
		p.wire.insert(p.wire.end(), d, d + 4);
		p.bad.insert(p.bad.end(), 4, false);
	}
	return p;
}

void bench::pdu_push(pdu &p, uint32_t off, uint32_t len, int flags)
{
	uint32_t mss = ctxa[p.conn * 128 + 20] | ctxa[p.conn * 128 + 21] << 8;
	op o = { p.conn, p.rec, (uint8_t)flags, false, off + len > p.wire.size(), conn_err[p.conn], {}, {} };

	if (mss == 0)
		mss = 536;
	if (mss > 9150)
		mss = 9150;
	for (uint32_t at = off; !o.err && at < off + len;) {
		uint32_t n = std::min(mss, off + len - at);
		segment s = { p.seq + at, bytes(p.wire.begin() + at, p.wire.begin() + at + n), (flags & ENG_TXF_PSH) && at + n == off + len };
		for (uint32_t i = at; i < at + n; i++)
			o.err |= p.bad[i];
		if (!o.err)
			o.seg.push_back(s);
		at += n;
	}
	conn_err[p.conn] |= o.err;
	if (o.cut ? flags & ENG_TXF_DONE : o.err || flags & ENG_TXF_DONE)
		due.push_back({ p.rec, p.conn, o.cut ? 2u : o.err });
	p.sent = std::max(p.sent, off + len);
	ops.push_back(o);
	push(p.rec, p.seq + off, off, len, p.conn, flags);
}

bytes bench::raw_push(uint32_t rec, uint32_t hdr, bytes frame, unsigned recflags, int flags, int conn)
{
	op o = { conn, rec, (uint8_t)flags, true, frame.size() > 2048, false, frame, {} };

	memcpy(&xram[hdr], frame.data(), frame.size());
	for (int i = 0; i < 32; i += 4)
		xram_put32(rec + i, rng());
	xram_put32(rec, hdr);
	xram[rec + 5] = recflags;
	xram_put32(rec + 8, frame.size());
	if ((recflags & ENG_RECF_IPCSUM) && frame.size() >= 34) {
		put_be(&frame[24], 0, 2);
		put_be(&frame[24], csum(&frame[14], 20, 0), 2);
	}
	if ((recflags & ENG_RECF_TCPCSUM) && frame.size() >= 54) {
		uint32_t pseudo = (uint16_t)~csum(&frame[26], 8, 0) + 6 + frame.size() - 34;
		put_be(&frame[50], 0, 2);
		put_be(&frame[50], csum(&frame[34], frame.size() - 34, pseudo), 2);
	}
	o.frame = o.err ? bytes() : frame;
	if (o.err || flags & ENG_TXF_DONE)
		due.push_back({ rec, conn, o.err });
	ops.push_back(o);
	push(rec, rng(), rng(), rng(), conn, flags | ENG_TXF_RAW);
	return frame;
}

bytes bench::frame_build(int conn, uint32_t seq, bool psh, const bytes &payload, const sent_rec &s, const rx_state &st, uint32_t tsval)
{
	const uint8_t *c = &ctxa[conn * 128];
	unsigned hlen = c[15];
	bytes f(c + 32, c + 32 + hlen);
	int32_t wnd = s.edge - s.ack;
	uint32_t shown = wnd < 0 ? 0 : std::min<uint32_t>(65535, (uint32_t)wnd >> c[14]);

	f.insert(f.end(), payload.begin(), payload.end());
	put_be(&f[16], f.size() - 14, 2);
	put_be(&f[18], ident, 2);
	put_be(&f[24], 0, 2);
	put_be(&f[24], csum(&f[14], 20, 0), 2);
	put_be(&f[38], seq, 4);
	put_be(&f[42], s.ack, 4);
	if (psh)
		f[47] |= 8;
	put_be(&f[48], shown, 2);
	put_be(&f[50], 0, 2);
	if (hlen == 66) {
		put_be(&f[58], tsval, 4);
		put_be(&f[62], st.ts_recent, 4);
	}
	put_be(&f[50], csum(&f[34], f.size() - 34, (uint16_t)~csum(&f[26], 8, 0) + 6 + f.size() - 34), 2);
	return f;
}

/* Operations whose frames are all there, or that an error or a kill ended, make way for the next. */
void bench::ops_retire()
{
	while (!ops.empty()) {
		op &o = ops.front();
		if (!(o.raw ? o.frame.empty() : o.seg.empty() || o.cut))
			return;
		ops.pop_front();
	}
}

void bench::template_check(const bytes &f)
{
	must(!sent.empty());
	sent_rec s = sent.front();
	auto &h = state[s.conn];
	size_t v = state_used[s.conn];
	uint32_t seq;
	uint32_t tsval = f.size() >= 66 ? (uint32_t)f[58] << 24 | f[59] << 16 | f[60] << 8 | f[61] : 0;
	bytes want;

	sent.pop_front();
	/* ack, edge and timestamp belong to one state of the connection, and never to an older one than before */
	while (v < h.size() && (h[v].rcv_nxt != s.ack || h[v].edge != s.edge))
		v++;
	must(v < h.size());
	state_used[s.conn] = v;
	if (ctxa[s.conn * 128 + 15] == 66)
		must(tsval >= s.ts_lo && tsval <= s.ts_hi);
	if (s.data) {
		ops_retire();
		while (!ops.empty() && conn_killed[ops.front().conn] && ops.front().conn != s.conn) {
			ops.front().cut = true;
			ops_retire();
		}
		must(!ops.empty());
		op &o = ops.front();
		must(!o.raw);
		must(o.conn == s.conn);
		segment g = o.seg.front();
		o.seg.pop_front();
		seq = g.seq;
		want = frame_build(s.conn, g.seq, g.psh, g.payload, s, h[v], tsval);
		must(s.end == (uint32_t)(g.seq + g.payload.size()));
		if (!(o.flags & ENG_TXF_RETX)) {
			snd_end[s.conn] = s.end;
			snd_known[s.conn] = true;
		}
	} else {
		const uint8_t *t = &ctxa[s.conn * 128 + 32];
		seq = snd_known[s.conn] ? snd_end[s.conn] : (uint32_t)t[38] << 24 | t[39] << 16 | t[40] << 8 | t[41];
		want = frame_build(s.conn, seq, false, {}, s, h[v], tsval);
		pure_acks++;
		acks_seen[s.conn]++;
		must(acks_seen[s.conn] <= acks_asked[s.conn]);
		if (v >= ack_floor[s.conn])
			ack_owed[s.conn] = false;
	}
	ident++;
	must(f.size() == want.size());
	for (size_t i = 0; i < f.size(); i++)
		if (f[i] != want[i])
			ck_abort_msg("byte %zu of frame %ld: %02x, want %02x (conn %d, length %zu)", i, frames, f[i], want[i], s.conn, f.size());
}

void bench::frame_check(const bytes &f)
{
	ops_retire();
	while (!ops.empty() && conn_killed[ops.front().conn] && !ops.front().raw && !ops.front().seg.empty()) {
		/* a killed connection: the rest of its operation may be missing; raw frames tell that we are past it */
		bool past = false;
		for (auto &o : ops)
			if (o.raw && o.frame == f)
				past = true;
		if (!past)
			break;
		ops.front().cut = true;
		ops_retire();
	}
	if (!ops.empty() && ops.front().raw && ops.front().frame == f) {
		ops.front().frame.clear();
		ops_retire();
		return;
	}
	template_check(f);
}
