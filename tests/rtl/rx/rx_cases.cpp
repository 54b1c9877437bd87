/* SPDX-License-Identifier: BSD-2-Clause */
/* Bench of weft_rx, single cases: what is dropped, what traps, acknowledgements, the state of a connection. */
#include <check.h>
#include <cstdlib>

#include "rx_peer.h"

void add_cases(Suite *s);
void add_stream_cases(Suite *s);

static Seg plain(unsigned len)
{
	Seg s;
	s.payload.resize(len);
	for (unsigned i = 0; i < len; i++)
		s.payload[i] = (uint8_t)(i * 7);
	return s;
}

static void all_free(Bench &b)
{
	b.settle();
	ck_assert_uint_eq(b.reg(ENG_RX_CELLS), ENG_PKT_CELLS);
}

struct Bad {
	const char *name;
	int counter;
	void (*spoil)(Seg &);
	void (*cut)(Bytes &);
	bool fcs;
};

static const Bad bad_frames[] = {
	{"fcs", C_FCS, nullptr, nullptr, true},
	{"other mac", C_NOTUS, [](Seg &s) { s.dmac = 0x020000000002ull; }, nullptr, false},
	{"multicast", C_NOTUS, [](Seg &s) { s.dmac = 0x01005e000001ull; }, nullptr, false},
	{"ip checksum", C_IPCSUM, [](Seg &s) { s.bad_ip = true; }, nullptr, false},
	{"ip checksum with options", C_IPCSUM, [](Seg &s) { s.bad_ip = true, s.ip_options = 3; }, nullptr, false},
	{"tcp checksum", C_TCPCSUM, [](Seg &s) { s.bad_tcp = true; }, nullptr, false},
	{"tcp checksum, padded", C_TCPCSUM, [](Seg &s) { s.bad_tcp = true, s.payload.resize(1), s.trailer = 5; }, nullptr, false},
	{"total length beyond the frame", C_LEN, [](Seg &s) { s.totlen_add = 1; }, nullptr, false},
	{"total length below the ip header", C_LEN, [](Seg &s) { s.totlen_add = -(int)s.payload.size() - 21; }, nullptr, false},
	{"total length below the tcp header", C_LEN, [](Seg &s) { s.totlen_add = -(int)s.payload.size() - 1; }, nullptr, false},
	{"tcp header beyond the datagram", C_LEN, [](Seg &s) { s.payload.resize(3), s.doff_add = 1; }, nullptr, false},
	{"tcp header too short", C_LEN, [](Seg &s) { s.doff_add = -1; }, nullptr, false},
	{"ip version", C_LEN, [](Seg &s) { s.version = 5; }, nullptr, false},
	{"ip header length", C_LEN, nullptr, [](Bytes &f) { f[14] = 0x44; }, false},
	{"cut in the ip header", C_LEN, nullptr, [](Bytes &f) { f.resize(30); }, false},
	{"cut in the ethernet header", C_LEN, nullptr, [](Bytes &f) { f.resize(13); }, false},
	{"one byte", C_LEN, nullptr, [](Bytes &f) { f.resize(1); }, false},
	{"too long", C_LEN, [](Seg &s) { s.payload.resize(9000 - 40 + 1); }, nullptr, false},
	{"endless", C_LEN, [](Seg &s) { s.payload.resize(40000); }, nullptr, false},
};

START_TEST(bad_frame)
{
	const Bad &t = bad_frames[_i];
	Bench b(1 + _i);
	Seg s = plain(700);
	if (t.spoil)
		t.spoil(s);
	Bytes f = make_frame(s);
	if (t.cut)
		t.cut(f);
	for (int i = 0; i < 3; i++)
		b.send(f, t.fcs);
	all_free(b);
	for (int i = C_FRAMES + 1; i < C_N; i++)
		ck_assert_msg(b.cnt[i] == (i == t.counter ? 3u : 0u), "%s: counter %d is %lu", t.name, i, (unsigned long)b.cnt[i]);
	ck_assert(b.events.empty());
	ck_assert_uint_eq(b.rx_bytes, 3 * f.size());
	ck_assert_uint_eq(b.cnt[C_FRAMES], t.fcs ? 0 : 3);
}
END_TEST

struct Other {
	const char *name;
	bool tcp; /* flag bit 0 */
	void (*make)(Seg &);
	void (*change)(Bytes &);
};

static const Other others[] = {
	{"no connection", true, [](Seg &) {}, nullptr},
	{"largest", true, [](Seg &s) { s.payload.resize(9000 - 40); }, nullptr},
	{"three cells exactly", true, [](Seg &s) { s.payload.resize(3 * 512 - 54); }, nullptr},
	{"broadcast", true, [](Seg &s) { s.dmac = 0xffffffffffffull; }, nullptr},
	{"no payload, padded", true, [](Seg &s) { s.payload.clear(), s.trailer = 6; }, nullptr},
	{"other address", false, [](Seg &s) { s.lip = 0x0a000009; }, nullptr},
	{"icmp", false, [](Seg &s) { s.proto = 1; }, nullptr},
	{"first fragment", false, [](Seg &s) { s.frag = 0x2000; }, nullptr},
	{"later fragment", false, [](Seg &s) { s.frag = 0x0001; }, nullptr},
	{"ip options", false, [](Seg &s) { s.ip_options = 10; }, nullptr},
	{"arp", false, [](Seg &s) { s.payload.clear(); }, [](Bytes &f) { f.resize(42), f[12] = 0x08, f[13] = 0x06; }},
	{"vlan", false, [](Seg &) {}, [](Bytes &f) { f[12] = 0x81, f[13] = 0; }},
	{"bare ethernet header", false, [](Seg &) {}, [](Bytes &f) { f.resize(14), f[12] = 0x88; }},
};

/* What the fast path does not take reaches firmware whole, described as docs/engine.md says. */
START_TEST(to_firmware)
{
	const Other &t = others[_i];
	Bench b(40 + _i);
	Seg s = plain(700);
	t.make(s);
	Bytes f = make_frame(s);
	if (t.change)
		t.change(f);
	b.send(f);
	b.settle();
	Event e;
	ck_assert(b.next_event(e));
	ck_assert_uint_eq(e.type, ENG_EVT_FRAME);
	ck_assert_uint_eq(e.flags, t.tcp);
	ck_assert_uint_eq(e.id, ENG_NO_SLOT);
	ck_assert_uint_eq(e.w1 >> 16, f.size());
	ck_assert_uint_eq(e.w2, t.tcp ? 34u | 54u << 8 | (uint32_t)s.payload.size() << 16 : 0u);
	ck_assert_uint_eq(b.reg(ENG_RX_CELLS), ENG_PKT_CELLS - (f.size() + 511) / 512);
	ck_assert(b.packet(e.w1 & 0xffff, 0, f.size()) == f);
	b.reg(ENG_RX_FREE, e.w1 & 0xffff);
	all_free(b);
	ck_assert_uint_eq(b.cnt[C_TO_FW], 1);
}
END_TEST

/* One connection in fast mode with a stream behind it that no one reads yet. */
struct Lone {
	Bench b;
	Setup s;
	World *w;
	Peer *p;
	Lone(uint64_t seed, bool ts, unsigned wnd = 60000) : b(seed)
	{
		s.ts = ts;
		s.wnd = wnd;
		s.bad_digest = 0;
		w = new World(b, s);
		b.on_ack = nullptr;
		p = w->peers[0];
		Pdu one;
		one.hdr.assign(8, 5);
		one.hdr[2] = 8;
		p->hdgst = false;
		b.set_ctxa(0, 12, b.get_ctxa(0, 12) & ~(uint32_t)ENG_CF_HDGST);
		while (p->stream.size() < 200000)
			p->add_pdu(one);
		b.reg(ENG_ACK_TICK_NS, 1000000);
	}
	~Lone() { delete w; }
	void send(const Seg &seg)
	{
		b.send(make_frame(seg));
		while (!b.eth_idle())
			b.tick();
		b.ticks(40);
	}
	bool fast() { return b.state(0).mode & 1; }
};

struct Odd {
	const char *name;
	bool ts;
	bool trap;
	void (*change)(Seg &, Peer &);
};

static const Odd odds[] = {
	{"in order", false, false, [](Seg &, Peer &) {}},
	{"in order, timestamps", true, false, [](Seg &, Peer &) {}},
	{"push", true, false, [](Seg &s, Peer &) { s.flags = 0x18; }},
	{"padded", false, false, [](Seg &s, Peer &) { s.payload.resize(2), s.trailer = 4; }},
	{"acknowledges all", true, false, [](Seg &s, Peer &p) { s.ack = p.own_max; }},
	{"window update", true, false, [](Seg &s, Peer &) { s.payload.clear(), s.wnd++; }},
	{"bare acknowledgement", true, false, [](Seg &s, Peer &p) { s.payload.clear(), s.ack = p.own_max; }},
	{"fin", true, true, [](Seg &s, Peer &) { s.flags |= 1; }},
	{"syn", true, true, [](Seg &s, Peer &) { s.flags |= 2; }},
	{"rst", true, true, [](Seg &s, Peer &) { s.flags |= 4; }},
	{"urg", true, true, [](Seg &s, Peer &) { s.flags |= 0x20; }},
	{"ece", true, true, [](Seg &s, Peer &) { s.flags |= 0x40; }},
	{"reserved flag", true, true, [](Seg &s, Peer &) { s.flags |= 0x200; }},
	{"no ack", true, true, [](Seg &s, Peer &) { s.flags = 8; }},
	{"a byte ahead", true, true, [](Seg &s, Peer &) { s.seq++; }},
	{"a byte behind", true, true, [](Seg &s, Peer &) { s.seq--; }},
	{"no timestamp", true, true, [](Seg &s, Peer &) { s.ts = false; }},
	{"timestamp not agreed", false, true, [](Seg &s, Peer &) { s.ts = true; }},
	{"other options", true, true, [](Seg &s, Peer &) { s.options.assign(4, 1); }},
	{"sack", true, true, [](Seg &s, Peer &) { s.ts = false, s.options = {1, 1, 5, 10, 0, 0, 0, 1, 0, 0, 0, 2}; }},
	{"old timestamp", true, true, [](Seg &s, Peer &p) { s.tsval = p.fw_ts - 1; }},
	{"acknowledges old", true, true, [](Seg &s, Peer &p) { s.ack = p.fw_una - 1; }},
	{"acknowledges unsent", true, true, [](Seg &s, Peer &p) { s.ack = p.own_max + 1; }},
	{"duplicate acknowledgement", true, true, [](Seg &s, Peer &) { s.payload.clear(); }},
};

/* A frame that is odd goes to firmware and ends fast mode; all later ones follow it until RESUME. */
START_TEST(trap_table)
{
	const Odd &t = odds[_i];
	Lone l(60 + _i, t.ts);
	l.p->own_max = l.p->fw_una + 5000;
	l.b.sent(0, l.p->seq(0), l.p->seq(60000), l.p->own_max, true);
	l.b.ticks(3);
	l.p->tsval = l.p->fw_ts = 77;
	l.b.reg(ENG_RXC_CMD, ENG_RXC_TRAP << 8);
	l.p->resume();
	Seg s = l.p->segment(0, 300);
	t.change(s, *l.p);
	l.send(s);
	struct eng_conn_state st = l.b.state(0);
	ck_assert_msg((st.mode & 1) == !t.trap, "%s: mode %x", t.name, st.mode);
	ck_assert_uint_eq(st.rcv_nxt, l.p->seq(t.trap ? 0 : s.payload.size()));
	ck_assert_uint_eq(st.snd_una, t.trap ? l.p->fw_una : s.ack);
	ck_assert_uint_eq(st.snd_wnd, t.trap ? l.p->fw_wnd << 3 : (uint32_t)s.wnd << 3);
	ck_assert_uint_eq(st.ts_recent, 77);
	ck_assert_uint_eq(st.snd_max, l.p->own_max);
	ck_assert_uint_eq(l.b.cnt[C_FAST], !t.trap);
	if (t.trap) { /* this one and a good one after it */
		l.send(l.p->segment(0, 300));
		for (int i = 0; i < 2; i++) {
			Event e;
			ck_assert(l.b.next_event(e));
			ck_assert_uint_eq(e.type, ENG_EVT_FRAME);
			ck_assert_uint_eq(e.id, 0);
			ck_assert_uint_eq(e.flags, i ? 1 : 3);
			l.b.reg(ENG_RX_FREE, e.w1 & 0xffff);
		}
		l.p->resume();
		l.send(l.p->segment(0, 300));
		ck_assert_uint_eq(l.b.cnt[C_FAST], 1);
	}
	l.b.reg(ENG_RXC_CMD, ENG_RXC_STREAM_STOP << 8);
	all_free(l.b);
}
END_TEST

/* Acknowledgements: after ack_bytes, when the window opens, and by the tick; never twice for one need. */
START_TEST(ack_rules)
{
	Lone l(90, true, 20000);
	Bench &b = l.b;
	b.set_ctxa(0, 20, 1448 | 2896u << 16);
	uint32_t off = 0;
	for (unsigned i = 1; i <= 6; i++) { /* every second full segment */
		l.send(l.p->segment(off, 1448));
		off += 1448;
		ck_assert_uint_eq(b.acks_asked.size(), i / 2);
		ck_assert_uint_eq(b.state(0).last_ack, l.p->seq(i / 2 * 2896));
	}
	b.acks_asked.clear();
	l.send(l.p->segment(off, 100)); /* little: the tick, but not the first one */
	off += 100;
	b.ticks(300);
	ck_assert_uint_eq(b.acks_asked.size(), 0);
	b.time_ns += 1000000;
	b.ticks(100);
	ck_assert_uint_eq(b.acks_asked.size(), 0);
	b.time_ns += 1000000;
	b.ticks(100);
	ck_assert_uint_eq(b.acks_asked.size(), 1);
	ck_assert_uint_eq(b.state(0).last_ack, l.p->seq(off));
	for (int i = 0; i < 5; i++) {
		b.time_ns += 1000000;
		b.ticks(100);
	}
	ck_assert_uint_eq(b.acks_asked.size(), 1);
	b.acks_asked.clear();
	/* a header is announced and nothing goes on, until the stream is stopped: the window opens, but firmware is in charge then */
	ck_assert_uint_eq(b.events.front().type, ENG_EVT_HDR);
	ck_assert_uint_eq(b.state(0).pending, off);
	b.reg(ENG_RXC_CMD, ENG_RXC_STREAM_STOP << 8);
	b.settle();
	ck_assert_uint_eq(b.state(0).pending, 0);
	ck_assert_uint_eq(b.acks_asked.size(), 0);
	l.p->rcv_nxt = off;
	l.p->resume(); /* and now it is told: 8,788 bytes are more than 2 * 2896 */
	b.ticks(100);
	ck_assert_uint_eq(b.acks_asked.size(), 1);
	all_free(b);
}
END_TEST

/* A lost request, or a transmitter that is slow, neither doubles an acknowledgement nor loses it. */
START_TEST(ack_slow)
{
	Lone l(91, true);
	l.b.ack_latency = 3000;
	l.b.set_ctxa(0, 20, 1448 | 2896u << 16);
	uint32_t off = 0;
	for (unsigned i = 0; i < 3; i++, off += 1448)
		l.send(l.p->segment(off, 1448));
	ck_assert_uint_eq(l.b.acks_asked.size(), 1);
	l.b.ticks(4000);
	ck_assert_uint_eq(l.b.acks_asked.size(), 1);
	ck_assert_uint_eq(l.b.state(0).last_ack, l.p->seq(off)); /* the live value at the time of sending */
	l.b.reg(ENG_RXC_CMD, ENG_RXC_STREAM_STOP << 8);
	all_free(l.b);
}
END_TEST

/* The advertised edge is the limit, to the byte; txq tells it live. */
START_TEST(window_limit)
{
	Lone l(92, true, 3000);
	Bench &b = l.b;
	uint32_t off = 0;
	l.send(l.p->segment(0, 1448));
	off = 1448;
	b.dut->txq_conn = 0;
	b.ticks(3);
	ck_assert_uint_eq(b.dut->txq_rcv_nxt, l.p->seq(off));
	ck_assert_uint_eq(b.dut->txq_edge, l.p->seq(3000));
	ck_assert_uint_eq(b.dut->txq_ts_recent, l.p->tsval);
	l.send(l.p->segment(off, 3000 - off + 1));
	Event e;
	while (b.next_event(e) && e.type != ENG_EVT_FRAME)
		;
	ck_assert_uint_eq(e.flags, 3);
	b.reg(ENG_RX_FREE, e.w1 & 0xffff);
	l.p->rcv_nxt = off;
	l.p->resume();
	l.send(l.p->segment(off, 3000 - off));
	ck_assert(l.fast());
	ck_assert_uint_eq(b.state(0).pending, 3000);
	l.send(l.p->segment(3000, 1)); /* a probe of the closed window */
	ck_assert(!l.fast());
	while (b.next_event(e) && e.type != ENG_EVT_FRAME)
		;
	b.reg(ENG_RX_FREE, e.w1 & 0xffff);
	b.reg(ENG_RXC_CMD, ENG_RXC_STREAM_STOP << 8);
	all_free(b);
}
END_TEST

/*
 * A stream that stands still takes its share of the packet buffer and no more, in segments as small as they come; what it may not keep
 * is dropped without a word to firmware, the others go on, and everything is good again when it moves.
 */
START_TEST(share_of_the_cells)
{
	Bench b(94);
	Setup s;
	s.conns = 2;
	s.hdgst = s.bad_digest = 0;
	World w(b, s);
	Peer &hog = *w.peers[0], &other = *w.peers[1];
	Event e;
	Pdu one;
	one.hdr.assign(8, 5);
	one.hdr[2] = 8;
	while (hog.stream.size() < 2000)
		hog.add_pdu(one);
	other.add_pdu(one);
	for (uint32_t off = 0; off < 1000; off++) {
		b.send(make_frame(hog.segment(b.state(hog.conn).rcv_nxt - hog.seq(0), 1)));
		b.settle();
	}
	uint32_t kept = b.state(hog.conn).pending, left = b.reg(ENG_RX_CELLS);
	ck_assert_uint_eq(kept, ENG_PKT_CELLS * ENG_RX_SHARE / (ENG_RX_SHARE + 1));
	ck_assert_uint_eq(b.state(hog.conn).mode, (uint32_t)kept << 16 | 0x11);
	ck_assert_uint_eq(left, ENG_PKT_CELLS - kept);
	ck_assert_uint_eq(b.cnt[C_NOBUF], 1000 - 8 - kept); /* a header is collected */
	ck_assert_uint_eq(b.cnt[C_TO_FW], 0);
	b.send(make_frame(other.segment(0, 8)));
	b.settle();
	ck_assert_uint_eq(b.state(other.conn).rcv_nxt, other.seq(8));
	ck_assert(b.next_event(e) && e.type == ENG_EVT_HDR && e.id == hog.conn);
	ck_assert(b.next_event(e) && e.type == ENG_EVT_HDR && e.id == other.conn);
	b.reg(ENG_RXS_CMD, hog.conn | ENG_RXS_NEXT << 24); /* eight bytes leave the window, eight others come */
	b.settle();
	ck_assert_uint_eq(b.state(hog.conn).pending, kept - 8);
	b.send(make_frame(hog.segment(b.state(hog.conn).rcv_nxt - hog.seq(0), 1)));
	b.settle();
	ck_assert_uint_eq(b.state(hog.conn).pending, kept - 7);
	for (auto p : w.peers)
		b.reg(ENG_RXC_CMD, p->conn | ENG_RXC_STREAM_STOP << 8);
	b.settle();
	for (auto p : w.peers)
		ck_assert_uint_eq(b.state(p->conn).mode, 0x40);
	all_free(b);
}
END_TEST

/* Frames that firmware leaves lying take the packet buffer but for a reserve, in which connections go on. */
START_TEST(reserve_of_cells)
{
	Lone l(95, true);
	Bench &b = l.b;
	Seg junk;
	Event e;
	unsigned sent = 0, taken = 0;

	junk.proto = 17;
	junk.payload.assign(1400, 1);
	for (; sent < 400; sent++) {
		b.send(make_frame(junk));
		b.settle();
	}
	ck_assert_uint_ge(b.reg(ENG_RX_CELLS), ENG_RX_RESERVE - 3); /* room for less than one more */
	ck_assert_uint_le(b.reg(ENG_RX_CELLS), ENG_RX_RESERVE + 2);
	l.send(l.p->segment(0, 1448));
	ck_assert_uint_eq(b.state(0).pending, 1448);
	while (b.next_event(e))
		if (e.type == ENG_EVT_FRAME) {
			taken++;
			b.reg(ENG_RX_FREE, e.w1 & 0xffff);
		}
	ck_assert_uint_eq(taken + b.cnt[C_NOBUF], sent);
	b.reg(ENG_RXC_CMD, ENG_RXC_STREAM_STOP << 8);
	all_free(b);
}
END_TEST

/* EVT_ACK comes once per notify_seq, when it is reached and not before. */
START_TEST(ack_event)
{
	Lone l(93, true);
	Bench &b = l.b;
	uint32_t una = l.p->fw_una;
	Event e;
	b.sent(0, l.p->seq(0), l.p->seq(60000), una + 10000, true);
	b.ticks(3);
	b.set_ctxa(0, 24, una + 3000);
	for (uint32_t a = 1000; a <= 8000; a += 1000) {
		Seg s = l.p->segment(0, 0);
		s.ack = una + a;
		l.send(s);
		bool due = a == 3000 || a == 6000;
		ck_assert_int_eq(b.next_event(e), due);
		if (due) {
			ck_assert_uint_eq(e.type, ENG_EVT_ACK);
			ck_assert_uint_eq(e.id, 0);
		}
		if (a == 5000) /* one that is reached already counts with the next frame */
			b.set_ctxa(0, 24, una + 4000);
	}
	ck_assert_uint_eq(b.cnt[C_FAST], 8);
	all_free(b);
}
END_TEST

/* Four connections with the same hash, and a fifth that finds no place. */
START_TEST(hash_probes)
{
	Bench b(94);
	unsigned fast = 0;
	for (unsigned c = 0; c < 5; c++) {
		/* remote address and port move so that the mix stays */
		b.set_ctxa(c, 0, 0x0a000002u ^ c << 16);
		b.set_ctxa(c, 4, Bench::OWN_IP);
		b.set_ctxa(c, 8, (4420u ^ c) << 16 | 40000);
		b.set_ctxa(c, 12, ENG_CF_VALID);
		b.set_ctxa(c, 16, 60000);
		if (c < 4)
			ck_assert(b.add_hash(c, c));
		b.reg(ENG_RXC_RCV_NXT, 1000);
		b.reg(ENG_RXC_CMD, c | ENG_RXC_RESUME << 8);
	}
	for (unsigned c = 0; c < 5; c++) {
		Seg s = plain(20);
		s.rip = 0x0a000002u ^ c << 16;
		s.rport = 4420 ^ c;
		s.seq = 1000;
		b.send(make_frame(s));
		b.settle();
		if (c < 4)
			ck_assert_uint_eq(b.state(c).rcv_nxt, 1020);
		fast += c < 4;
		ck_assert_uint_eq(b.cnt[C_FAST], fast);
	}
	Event e;
	bool found = false;
	while (b.next_event(e))
		if (e.type == ENG_EVT_FRAME) {
			found = true;
			ck_assert_uint_eq(e.id, ENG_NO_SLOT);
			b.reg(ENG_RX_FREE, e.w1 & 0xffff);
		}
	ck_assert(found);
	for (unsigned c = 0; c < 4; c++)
		b.reg(ENG_RXC_CMD, c | ENG_RXC_STREAM_STOP << 8);
	all_free(b);
}
END_TEST

void add_cases(Suite *s)
{
	TCase *t = tcase_create("frames");
	tcase_add_loop_test(t, bad_frame, 0, sizeof(bad_frames) / sizeof(bad_frames[0]));
	tcase_add_loop_test(t, to_firmware, 0, sizeof(others) / sizeof(others[0]));
	tcase_add_loop_test(t, trap_table, 0, sizeof(odds) / sizeof(odds[0]));
	tcase_set_timeout(t, 20);
	suite_add_tcase(s, t);
	t = tcase_create("state");
	tcase_add_test(t, ack_rules);
	tcase_add_test(t, ack_slow);
	tcase_add_test(t, window_limit);
	tcase_add_test(t, share_of_the_cells);
	tcase_add_test(t, reserve_of_cells);
	tcase_add_test(t, ack_event);
	tcase_add_test(t, hash_probes);
	tcase_set_timeout(t, 20);
	suite_add_tcase(s, t);
	add_stream_cases(s);
}
