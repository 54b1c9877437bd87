// SPDX-License-Identifier: BSD-2-Clause
// Model of weft_tx: what firmware writes, the bytes that a PDU becomes, the frames that must leave.
#include "tx_bench.h"
#include <cstring>

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
	state_used[conn] = ack_floor[conn] = reg_floor[conn] = 0;
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
pdu bench::pdu_make(int conn, uint32_t rec, uint32_t hdr, unsigned hdr_len, unsigned flags,
		    unsigned pad, uint32_t data_len, unsigned slot, const std::vector<elem> &el,
		    uint32_t data_off)
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
		uint64_t from = std::max<uint64_t>(pos, data_off),
			 to = std::min<uint64_t>(pos + e.len, (uint64_t)data_off + data_len);
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
	op o = { p.conn, p.rec, (uint8_t)flags, false, off + len > p.wire.size(), conn_err[p.conn],
		 {},     {} };

	if (mss == 0)
		mss = 536;
	if (mss > 9150)
		mss = 9150;
	for (uint32_t at = off; !o.err && at < off + len;) {
		uint32_t n = std::min(mss, off + len - at);
		segment s = { p.seq + at, bytes(p.wire.begin() + at, p.wire.begin() + at + n),
			      (flags & ENG_TXF_PSH) && at + n == off + len };
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

bytes bench::raw_push(uint32_t rec, uint32_t hdr, bytes frame, unsigned recflags, int flags,
		      int conn)
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

uint32_t bench::window_shown(int conn, uint32_t ack, uint32_t edge) const
{
	int32_t wnd = edge - ack;

	return wnd < 0 ? 0 : std::min<uint32_t>(65535, (uint32_t)wnd >> ctxa[conn * 128 + 14]);
}

/* A state since the last request says what the last segment said: nothing more has to be sent. */
bool bench::said_already(int conn) const
{
	const auto &h = state[conn];

	for (size_t v = ack_floor[conn]; said[conn].valid && v < h.size(); v++)
		if (h[v].rcv_nxt == said[conn].ack &&
		    window_shown(conn, h[v].rcv_nxt, h[v].edge) == said[conn].window)
			return true;
	return false;
}

bytes bench::frame_build(int conn, uint32_t seq, bool psh, const bytes &payload, const sent_rec &s,
			 const rx_state &st, uint32_t tsval)
{
	const uint8_t *c = &ctxa[conn * 128];
	unsigned hlen = c[15];
	bytes f(c + 32, c + 32 + hlen);
	uint32_t shown = window_shown(conn, s.ack, s.edge);

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
	put_be(&f[50],
	       csum(&f[34], f.size() - 34, (uint16_t)~csum(&f[26], 8, 0) + 6 + f.size() - 34), 2);
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
	uint32_t tsval = f.size() >= 66 ? (uint32_t)f[58] << 24 | f[59] << 16 | f[60] << 8 | f[61] :
					  0;
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
		while (!ops.empty() && conn_killed[ops.front().conn] &&
		       ops.front().conn != s.conn) {
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
		seq = snd_known[s.conn] ? snd_end[s.conn] :
					  (uint32_t)t[38] << 24 | t[39] << 16 | t[40] << 8 | t[41];
		want = frame_build(s.conn, seq, false, {}, s, h[v], tsval);
		pure_acks++;
		acks_seen[s.conn]++;
		must(acks_seen[s.conn] <= acks_asked[s.conn]);
		/* only firmware may say the same twice */
		if (said[s.conn].valid && said[s.conn].ack == s.ack &&
		    said[s.conn].window == window_shown(s.conn, s.ack, s.edge))
			must(++repeats[s.conn] <= reg_acks[s.conn]);
	}
	if (v >= ack_floor[s.conn])
		ack_owed[s.conn] = false;
	if (v >= reg_floor[s.conn] && !s.data)
		reg_owed[s.conn] = false;
	said[s.conn] = { true, s.ack, window_shown(s.conn, s.ack, s.edge) };
	ident++;
	must(f.size() == want.size());
	for (size_t i = 0; i < f.size(); i++)
		if (f[i] != want[i])
			ck_abort_msg("byte %zu of frame %ld: %02x, want %02x (conn %d, length %zu)",
				     i, frames, f[i], want[i], s.conn, f.size());
}

void bench::frame_check(const bytes &f)
{
	ops_retire();
	while (!ops.empty() && conn_killed[ops.front().conn] && !ops.front().raw &&
	       !ops.front().seg.empty()) {
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
