/* SPDX-License-Identifier: BSD-2-Clause */
/* Senders and firmware model, see rx_peer.h. */
#include <check.h>
#include <cstring>

#include "rx_peer.h"

static const unsigned SCALE = 3;

Bytes Pdu::placed() const
{
	Bytes out;
	if (rxsf & ENG_RXSF_DISCARD)
		return out;
	if (rxsf & ENG_RXSF_HEADER)
		out.assign(hdr.begin() + 8, hdr.end());
	out.insert(out.end(), data.begin(), data.end());
	return out;
}

Peer::Peer(World &world, unsigned c) : w(world), b(world.b), conn(c)
{
	Rng &r = b.rng;
	const Setup &s = w.set;
	hdgst = r.pct(s.hdgst);
	ddgst = r.pct(s.ddgst);
	iss = r.next();
	own_iss = r.next();
	own_max = own_acked = fw_una = own_iss + 1;
	slot_base = conn * 16;
	for (unsigned i = 0; i < 16; i++)
		ordered += b.ordered_bytes(slot_base + i);
	b.set_ctxa(conn, 4, Bench::OWN_IP);
	do {
		b.set_ctxa(conn, 0, 0x0a000002 + r.below(3));
		b.set_ctxa(conn, 8, (uint32_t)(r.next() << 16) | (uint16_t)(30000 + conn));
	} while (!b.add_hash(conn, conn & 3));
	b.set_ctxa(conn, 12, ENG_CF_VALID | (s.ts ? ENG_CF_TS : 0) | (hdgst ? ENG_CF_HDGST : 0) | SCALE << 8 | 54u << 24);
	b.set_ctxa(conn, 16, s.wnd);
	b.set_ctxa(conn, 20, s.mss | (2 * s.mss < 65535 ? 2 * s.mss : 65535) << 16);
	b.set_ctxa(conn, 24, own_iss + 0x40000000);
	edge = s.wnd;
	b.reg(ENG_RXC_CMD, conn | ENG_RXC_STREAM_RESET << 8);
	resume();
}

/* The stream is what is sent; what is expected of it stands in pdus. */
void Peer::add_pdu(const Pdu &p)
{
	uint8_t d[4];
	stream.insert(stream.end(), p.hdr.begin(), p.hdr.end());
	if (p.dg) {
		put32(d, crc32c(p.hdr.data(), p.hdr.size()) ^ p.dg_flip);
		stream.insert(stream.end(), d, d + 4);
	}
	for (unsigned i = 0; i < p.pad; i++)
		stream.push_back((uint8_t)b.rng.next());
	stream.insert(stream.end(), p.data.begin(), p.data.end());
	if (p.dd) {
		put32(d, crc32c(p.data.data(), p.data.size()) ^ p.dd_flip);
		stream.insert(stream.end(), d, d + 4);
	}
	pdus.push_back(p);
}

void Peer::random_pdu()
{
	Rng &r = b.rng;
	const Setup &s = w.set;
	Pdu p;
	bool capsule = r.pct(s.capsules);
	unsigned hlen = r.pct(s.odd_headers) ? r.range(8, 128) : capsule ? 72 : 24;
	static const uint8_t types[] = {5, 7, 9, 7, 7};
	p.hdr.resize(hlen);
	for (auto &x : p.hdr)
		x = (uint8_t)r.next();
	p.hdr[0] = r.pct(5) ? 1 : types[r.below(5)];
	if (capsule)
		p.hdr[0] = 4;
	p.hdr[2] = hlen;
	p.dg = hdgst && p.hdr[0] >= 4;
	p.dg_bad = p.dg && r.pct(s.bad_digest);
	p.dg_flip = p.dg_bad ? 1u << r.below(32) : 0;
	if (p.hdr[0] == 7 || capsule) {
		unsigned len = r.pct(10) ? r.below(20) : 1 + r.below(s.max_data);
		if (capsule && r.pct(50))
			len = 0;
		p.has_data = true;
		p.pad = !len || r.pct(50) ? 0 : r.below(s.max_pad + 1);
		p.data.resize(len);
		for (auto &x : p.data)
			x = (uint8_t)r.next();
		p.dd = ddgst && (len || !capsule);
		p.dd_bad = p.dd && r.pct(s.bad_digest);
		p.dd_flip = p.dd_bad ? 1u << r.below(32) : 0;
		p.slot = slot_base + next_slot++ % s.slots;
		p.off = r.below(64);
		p.rxsf = (p.dd ? ENG_RXSF_DDGST : 0) | (r.pct(s.event) ? ENG_RXSF_EVENT : 0) | (r.pct(s.discard) ? ENG_RXSF_DISCARD : 0) |
			(capsule ? ENG_RXSF_HEADER : 0);
		p.placed_flags = p.dd_bad;
	}
	add_pdu(p);
}

Seg Peer::segment(uint32_t off, uint32_t len) const
{
	Seg s;
	s.rip = b.get_ctxa(conn, 0);
	s.rport = b.get_ctxa(conn, 8) >> 16;
	s.lport = b.get_ctxa(conn, 8) & 0xffff;
	s.seq = seq(off);
	s.ack = own_acked;
	s.flags = b.rng.pct(30) ? 0x18 : 0x10;
	s.wnd = fw_wnd;
	s.ts = w.set.ts;
	s.tsval = tsval;
	s.payload.assign(stream.begin() + off, stream.begin() + off + len);
	return s;
}

/* Over the link, with its faults. */
void Peer::emit(const Seg &seg)
{
	Rng &r = b.rng;
	const Setup &s = w.set;
	Bytes f = make_frame(seg);
	if (f.size() < 60)
		f.resize(60 + r.below(4));
	unsigned p = r.below(1000);
	if (p < s.lose)
		return;
	p -= s.lose;
	if (p < s.dup)
		b.send(f);
	p -= s.dup;
	if (p < s.reorder) {
		held.push_back(f);
		return;
	}
	p -= s.reorder;
	if (p < s.corrupt)
		f[r.below(14 + 20 + 20 + (s.ts ? 12 : 0) + seg.payload.size())] ^= (uint8_t)(1 + r.below(255));
	p -= s.corrupt;
	b.send(f, p < s.fcs);
	for (auto &h : held)
		b.send(h);
	held.clear();
}

bool Peer::pump()
{
	Rng &r = b.rng;
	const Setup &s = w.set;
	if (stopped)
		return false;
	if (una < nxt && b.cycle - moved > 6000) { /* timeout: go back */
		nxt = una;
		moved = b.cycle;
	}
	uint32_t len = r.range(s.min_seg, s.mss);
	if (len > stream.size() - nxt)
		len = stream.size() - nxt;
	if (len > edge - nxt)
		len = edge - nxt;
	if (!len)
		return false;
	if (una == nxt)
		moved = b.cycle;
	tsval += r.below(3);
	emit(segment(nxt, len));
	nxt += len;
	return true;
}

void Peer::on_ack(uint32_t ack, uint32_t right)
{
	uint32_t a = ack - iss - 1, e = right - iss - 1;
	ck_assert_msg(a <= stream.size(), "acknowledged what was not sent");
	if (a > una) {
		una = a;
		moved = b.cycle;
	}
	if (nxt < una)
		nxt = una;
	if ((int32_t)(e - edge) > 0)
		edge = e;
	if (b.rng.pct(w.set.own_data)) { /* a segment of ours leaves too, and is acknowledged at once */
		own_max += b.rng.below(3000);
		b.sent(conn, ack, right, own_max, true);
		own_acked = own_max;
	}
}

void Peer::on_header(const Event &e)
{
	ck_assert_msg(!pdus.empty(), "a header too many");
	Pdu p = pdus.front();
	pdus.pop_front();
	ck_assert_uint_eq(e.w1, p.hdr.size());
	ck_assert_uint_eq(e.flags, p.dg_bad);
	if (p.dg_bad)
		ck_assert_uint_eq(e.w2, crc32c(p.hdr.data(), p.hdr.size()) ^ p.dg_flip);
	for (unsigned i = 0; i < p.hdr.size(); i += 4) {
		uint32_t v = b.read(ENG_RXH_BASE + conn * ENG_RXH_STRIDE + i);
		for (unsigned k = i; k < i + 4 && k < p.hdr.size(); k++)
			ck_assert_uint_eq((uint8_t)(v >> (8 * (k - i))), p.hdr[k]);
	}
	if (!p.has_data) {
		b.reg(ENG_RXS_CMD, conn | ENG_RXS_NEXT << 24);
		return;
	}
	answer(p);
}

/* A DATA command; one with HEADER finds its slot written anew by firmware. */
void Peer::answer(const Pdu &p)
{
	Bytes bytes = p.placed();
	bool fresh = (p.rxsf & ENG_RXSF_HEADER) && !bytes.empty();
	if (!p.elements.empty())
		b.make_slot_of(p.slot, p.slot_len, p.elements, fresh);
	else if (!p.keep_slot && (fresh || b.slots[p.slot].len < p.off + bytes.size()))
		b.make_slot(p.slot, p.off + bytes.size() + b.rng.below(50), 1 + b.rng.below(w.set.elements), fresh);
	for (unsigned i = 0; i < bytes.size() && i < p.fits; i++)
		b.expect(b.slots[p.slot].addr(p.off + i), bytes[i]);
	ordered += bytes.size() < p.fits ? bytes.size() : p.fits;
	if (p.dd_bad && !(p.rxsf & ENG_RXSF_DISCARD))
		w.sticky.insert({p.slot, WEFT_CQF_DDGST_ERR});
	if (p.rxsf & ENG_RXSF_EVENT) {
		armed.push_back(p);
		rests = true;
	}
	b.reg(ENG_RXS_SLOT, p.slot);
	b.reg(ENG_RXS_OFF, p.off);
	b.reg(ENG_RXS_LEN, p.data.size());
	b.reg(ENG_RXS_CMD, conn | p.rxsf << 8 | p.pad << 16 | ENG_RXS_DATA << 24);
}

void Peer::on_placed(const Event &e)
{
	ck_assert_msg(!armed.empty(), "EVT_PLACED without need");
	Pdu p = armed.front();
	armed.pop_front();
	ck_assert_uint_eq(e.w1, p.data.size());
	ck_assert_uint_eq(e.w2, p.slot);
	ck_assert_uint_eq(e.flags, p.placed_flags);
	Bytes bytes = p.placed();
	for (unsigned i = 0; i < bytes.size() && i < p.fits; i++)
		ck_assert_uint_eq(b.mem[b.slots[p.slot].addr(p.off + i) - Bench::MEM_BASE], bytes[i]);
}

void Peer::trap()
{
	struct eng_conn_state st = b.state(conn);
	rcv_nxt = st.rcv_nxt - iss - 1;
	ck_assert_uint_eq(st.mode & 1, 0);
	if ((int32_t)(st.snd_una - fw_una) > 0)
		fw_una = st.snd_una;
	if ((int32_t)(st.ts_recent - fw_ts) > 0)
		fw_ts = st.ts_recent;
	slow = true;
}

void Peer::resume()
{
	b.reg(ENG_RXC_RCV_NXT, seq(rcv_nxt));
	b.reg(ENG_RXC_SND_UNA, fw_una);
	b.reg(ENG_RXC_SND_WND, fw_wnd << SCALE);
	b.reg(ENG_RXC_TS_RECENT, fw_ts);
	b.reg(ENG_RXC_CMD, conn | ENG_RXC_RESUME << 8);
	slow = false;
}

/* A frame the hardware did not take: reassemble, deliver, acknowledge, resume when the stream is whole. */
void Peer::on_frame(const Event &e)
{
	unsigned cell = e.w1 & 0xffff, poff = e.w2 >> 8 & 0xff, plen = e.w2 >> 16;
	ck_assert_uint_eq(e.flags & 1, 1);
	ck_assert_uint_eq(e.w2 & 0xff, 34);
	if (!slow) {
		traps++;
		if (!(e.flags & 2))
			b.reg(ENG_RXC_CMD, conn | ENG_RXC_TRAP << 8);
		trap();
	}
	Bytes h = b.packet(cell, 36, 28);
	auto at = [&h](unsigned i) { return (uint32_t)h[i - 36] << 24 | h[i - 35] << 16 | h[i - 34] << 8 | h[i - 33]; };
	uint32_t off = at(38) - iss - 1, ack = at(42);
	if ((int32_t)(ack - fw_una) > 0 && (int32_t)(own_max - ack) >= 0)
		fw_una = ack;
	if (w.set.ts && poff == 66 && (int32_t)(at(58) - fw_ts) > 0)
		fw_ts = at(58);
	if (plen && b.rng.pct(10)) {
		Bytes got = b.packet(cell, poff, plen);
		ck_assert(off + plen <= stream.size() && !memcmp(got.data(), &stream[off], plen));
	}
	if (!plen || (int32_t)(off + plen - rcv_nxt) <= 0 || (off > rcv_nxt && ooo.size() > 20))
		b.reg(ENG_RX_FREE, cell);
	else
		ooo.insert({off, {cell, poff, plen}});
	while (!ooo.empty() && ooo.begin()->first <= rcv_nxt) {
		uint32_t o = ooo.begin()->first;
		Piece p = ooo.begin()->second;
		ooo.erase(ooo.begin());
		uint32_t skip = rcv_nxt - o;
		b.reg(ENG_RXD_CELL, p.cell | conn << 16);
		b.reg(ENG_RXD_PUSH, skip >= p.len ? 0 : (p.off + skip) | (p.len - skip) << 16);
		if (skip < p.len)
			rcv_nxt = o + p.len;
	}
	struct eng_conn_state st = b.state(conn);
	on_ack(seq(rcv_nxt), seq(rcv_nxt) + (st.pending < w.set.wnd ? w.set.wnd - st.pending : 0));
	for (auto &q : b.events)
		if (q.type == ENG_EVT_FRAME && q.id == conn)
			return;
	if (ooo.empty())
		resume();
}

bool Peer::done() const
{
	return stopped || (pdus.empty() && armed.empty() && una == stream.size());
}

World::World(Bench &bench, const Setup &s) : b(bench), set(s)
{
	b.reg(ENG_ACK_TICK_NS, 8000);
	for (unsigned i = 0; i < s.conns; i++)
		peers.push_back(new Peer(*this, i * 128 / s.conns));
	b.on_ack = [this](unsigned conn, uint32_t ack, uint32_t edge) {
		for (auto p : peers)
			if (p->conn == conn && !p->stopped)
				p->on_ack(ack, edge);
	};
	b.on_event = [this](const Event &e) {
		if (e.type == ENG_EVT_PLACED) {
			ck_assert_uint_eq(b.unanswered(e.w2), 0);
			for (auto p : peers)
				if (p->conn == e.id)
					p->rests = false;
		}
		if (e.type != ENG_EVT_HDR)
			return;
		for (auto p : peers) /* a header comes when the data before it is ordered, and the end of its command told */
			if (p->conn == e.id && !p->stopped) {
				uint64_t sum = 0;
				ck_assert_msg(!p->rests, "a header of connection %u before EVT_PLACED", e.id);
				for (unsigned i = 0; i < 16; i++)
					sum += b.ordered_bytes(p->slot_base + i);
				ck_assert_uint_eq(sum, p->ordered);
			}
	};
}

World::~World()
{
	b.on_ack = nullptr;
	b.on_event = nullptr;
	for (auto p : peers)
		delete p;
}

void World::handle(const Event &e)
{
	if (e.id == ENG_NO_SLOT || e.type == ENG_EVT_STOPPED || e.type == ENG_EVT_ACK) {
		if (e.type == ENG_EVT_STOPPED)
			strays.push_back(e);
		else if (e.type == ENG_EVT_FRAME)
			b.reg(ENG_RX_FREE, e.w1 & 0xffff);
		return;
	}
	for (auto p : peers)
		if (p->conn == e.id) {
			if (p->stopped) {
				if (e.type == ENG_EVT_FRAME)
					b.reg(ENG_RX_FREE, e.w1 & 0xffff);
			} else if (e.type == ENG_EVT_HDR)
				p->on_header(e);
			else if (e.type == ENG_EVT_PLACED)
				p->on_placed(e);
			else if (e.type == ENG_EVT_FRAME)
				p->on_frame(e);
			else
				ck_abort_msg("event %u", e.type);
			return;
		}
	ck_abort_msg("event %u of connection %u", e.type, e.id);
}

void World::step()
{
	Event e;
	if (b.eth_idle())
		for (unsigned i = 0, k = b.rng.below(peers.size()); i < peers.size(); i++)
			if (peers[(k + i) % peers.size()]->pump())
				break;
	if (wait)
		wait--;
	else if (b.next_event(e)) {
		handle(e);
		wait = b.rng.below(set.fw_delay + 1);
	}
	b.tick();
}

void World::run(unsigned limit)
{
	uint64_t end = b.cycle + limit;
	for (;;) {
		bool all = true;
		for (auto p : peers)
			all = all && p->done();
		if (all)
			return;
		if (b.cycle > end)
			for (auto p : peers)
				if (!p->done()) {
					struct eng_conn_state st = b.state(p->conn);
					ck_abort_msg("connection %u is stuck: una %u nxt %u edge %u of %zu, %zu headers and %zu ends to come, slow %d, ooo %zu; "
						"rcv_nxt %u pending %u mode %x last_ack %u", p->conn, p->una, p->nxt, p->edge, p->stream.size(),
						p->pdus.size(), p->armed.size(), p->slow, p->ooo.size(), st.rcv_nxt - p->iss - 1, st.pending, st.mode,
						st.last_ack - p->iss - 1);
				}
		step();
	}
}

void World::finish()
{
	Event e;
	for (unsigned i = 0; i < 400; i++)
		step();
	while (b.next_event(e))
		handle(e);
	for (auto p : peers)
		for (auto &o : p->ooo)
			b.reg(ENG_RX_FREE, o.second.cell);
	for (unsigned i = 0; i < 300; i++)
		step();
	while (b.next_event(e))
		handle(e);
	b.settle(600000);
	ck_assert_uint_eq(b.reg(ENG_RX_CELLS), ENG_PKT_CELLS);
	for (auto p : peers)
		ck_assert_uint_eq(b.state(p->conn).pending, 0);
	ck_assert_uint_eq(b.flags.size(), sticky.size());
	for (auto &f : b.flags) {
		auto it = sticky.find(f.first);
		ck_assert(it != sticky.end() && it->second == f.second);
		sticky.erase(it);
	}
	b.flags.clear();
	b.check_memory();
}
