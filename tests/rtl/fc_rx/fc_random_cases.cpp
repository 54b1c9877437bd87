/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bench of weft_fc_rx, random traffic: many exchanges whose other side makes mistakes, firmware that
 * frees, places, stops and arms anew, surroundings of all speeds. The model takes the frames in the
 * order of sending, each when an event shows how far the block must have come. What it cannot know is
 * between which two frames a stop took place; the first frame of that exchange that matches nothing tells.
 */
#include <check.h>
#include <cstring>
#include <memory>

#include "fc_model.h"

void add_random_cases(Suite *s);

struct Ctx {
	unsigned slot;
	Slot buffer;
	struct eng_fcx x;    /* model */
	struct eng_fcx peer; /* what the other side believes */
	uint16_t peer_xid;
	uint8_t seq_id;
	bool stopping = false; /* asked for */
	bool stopped = false;  /* some frame showed it */
	bool told = false;     /* EVT_FC_STOPPED came */
};
typedef std::shared_ptr<Ctx> CtxP;

struct Sent {
	Frame f;
	CtxP ctx; /* whose id it has, or none */
	bool drop, none;
};

struct World {
	static const unsigned SLOTS = 12;
	Bench b;
	std::vector<CtxP> live;
	std::deque<Sent> fifo;
	std::vector<unsigned> gen;
	uint64_t sent = 0, freed = 0, drops = 0, placed = 0, placed_bytes = 0, to_fw = 0, traps = 0, ends = 0, stops = 0;
	unsigned since = 0; /* frames since one that has an event for sure */
	unsigned mistakes;

	World(uint64_t seed, unsigned mode, unsigned mistakes_pm) : b(seed, mode), gen(SLOTS), mistakes(mistakes_pm)
	{
		for (unsigned i = 0; i < SLOTS; i++)
			live.push_back(open(i));
	}
	unsigned slot_nr(unsigned i) { return i < 6 ? i : WEFT_N_SLOTS - SLOTS + i; }
	CtxP open(unsigned i);
	bool room();
	Frame good(Ctx &c);
	void mistake(Frame &f, bool &drop);
	void send_one();
	void take(Sent &s, verdict v);
	verdict model(Sent &s);
	void on_frame(const Event &e);
	void on_placed(const Event &e);
	void on_stopped(const Event &e);
	void ask_stop(CtxP c);
	void firmware();
	void finish();
};

/* A new context for place i, in the same buffer or a new one. */
CtxP World::open(unsigned i)
{
	CtxP c = std::make_shared<Ctx>();
	unsigned slot = slot_nr(i);
	Rng &r = b.rng;
	if (!gen[i] || gen[i] % 4 == 0)
		b.make_slot(slot, r.range(4000, 30000), 1 + r.below(r.pct(50) ? 3 : 25), r.pct(50), r.pct(70));
	c->slot = slot;
	c->buffer = b.slots[slot];
	memset(&c->x, 0, sizeof(c->x));
	c->x.flags = ENG_FCX_MATCH | ENG_FCX_ARMED | (r.pct(50) ? ENG_FCX_RESPONDER : 0) | (r.pct(60) ? ENG_FCX_EVENT : 0) |
		     (r.pct(50) ? ENG_FCX_PEER : 0);
	c->x.xid = (uint16_t)(slot | (gen[i]++ & 31) << 11);
	c->x.s_id = r.next() & 0xffffff;
	c->x.peer_xid = c->peer_xid = (uint16_t)r.below(0xffff);
	c->x.seq_cnt = (uint16_t)r.next();
	c->x.base = r.pct(50) ? 0 : r.next() & 0x7ffffffc;
	uint32_t from = 4 * r.below(c->buffer.len / 8);
	c->x.next = c->x.base + from;
	c->x.end = c->x.base + (r.pct(70) ? c->buffer.len : from + r.below(c->buffer.len - from));
	c->seq_id = (uint8_t)r.next();
	c->peer = c->x;
	b.set_fcx(slot, c->x);
	return c;
}

bool World::room()
{
	if (b.mode == ENG_FCM_NATIVE)
		return sent - b.rrdy < ENG_N_FCBUF;
	return sent - (b.cnt[C_CRC] + b.cnt[C_FORM] + b.cnt[C_NOTUS] + b.cnt[C_PLACED] + freed) < ENG_N_FCBUF - 20;
}

/* The next frame as the other side believes it to be right. */
Frame World::good(Ctx &c)
{
	Frame f;
	Rng &r = b.rng;
	struct eng_fcx &p = c.peer;
	bool fresh = !(p.flags & ENG_FCX_OPEN);
	uint32_t left = p.end - p.next, n = 4 * r.range(1, r.pct(50) ? 20 : 528);
	bool last = n >= left || r.pct(30);
	n = n < left ? n : left;
	if (last && n < left)
		n -= r.below(4);
	f.s_id = p.s_id;
	f.f_ctl = F_REL_OFF | (last ? F_END_SEQ | F_SEQ_INIT : 0);
	f.ox_id = p.flags & ENG_FCX_RESPONDER ? c.peer_xid : p.xid;
	f.rx_id = p.flags & ENG_FCX_RESPONDER ? p.xid : c.peer_xid;
	if (r.pct(5))
		(p.flags & ENG_FCX_RESPONDER ? f.ox_id : f.rx_id) = 0xffff;
	if (!(p.flags & ENG_FCX_RESPONDER))
		f.f_ctl |= F_EX_CTX;
	f.seq_id = fresh ? ++c.seq_id : p.seq_id;
	f.seq_cnt = fresh && r.pct(30) ? 0 : p.seq_cnt;
	f.param = p.next;
	f.sof = fresh ? SOF_I3 : SOF_N3;
	f.eof = last ? EOF_T : EOF_N;
	f.payload = random_bytes(r, n);
	apply(p, f, V_PLACE);
	return f;
}

void World::mistake(Frame &f, bool &drop)
{
	Rng &r = b.rng;
	switch (r.below(14)) {
	case 0: f.bad_crc = drop = true; break;
	case 1: f.sof = 0x2d, drop = true; break;
	case 2: f.eof = 0x50, drop = true; break;
	case 3: f.d_id ^= 4, drop = true; break;
	case 4: f.seq_cnt++; break;
	case 5: f.param += 4; break;
	case 6: f.s_id ^= 0x10; break;
	case 7: (f.f_ctl & F_EX_CTX ? f.ox_id : f.rx_id) -= 0x0800; break; /* an older generation */
	case 8: f.df_ctl = 0x40; break;
	case 9: f.f_ctl &= ~F_REL_OFF; break;
	case 10: f.sof = f.sof == SOF_I3 ? SOF_N3 : SOF_I3; break;
	case 11: f.seq_id++; break;
	case 12: f.eof = f.eof == EOF_T ? EOF_N : EOF_T; break;
	default: f.r_ctl = 7; break;
	}
}

void World::send_one()
{
	Sent s;
	CtxP c = live[b.rng.below(SLOTS)];
	s.drop = s.none = false;
	if (b.rng.pct(8) || ++since > 40 || c->peer.next == c->peer.end) {
		s.f.type = b.rng.pct(50) ? 1 : 0x20;
		s.f.r_ctl = 0x22;
		s.f.d_id = b.rng.next() & 0xffffff;
		s.f.eof = EOF_T;
		s.f.f_ctl = 0x290000;
		s.f.payload = random_bytes(b.rng, b.rng.below(200));
		since = 0;
	} else {
		s.f = good(*c);
		s.ctx = c;
		if (b.rng.below(1000) < mistakes)
			mistake(s.f, s.drop);
		if (own_id(s.f) != c->x.xid)
			s.ctx = nullptr;
		s.none = c->told;
	}
	s.f.cs_ctl = (uint8_t)sent++;
	b.send(s.f);
	fifo.push_back(s);
	drops += s.drop;
}

verdict World::model(Sent &s)
{
	if (!s.ctx || s.none || s.ctx->stopped)
		return V_NONE;
	return judge(s.ctx->x, s.f);
}

/* The frame was handled so. */
void World::take(Sent &s, verdict v)
{
	if (s.drop)
		return;
	if (v == V_PLACE) {
		Ctx &c = *s.ctx;
		uint32_t off = c.x.next - c.x.base;
		for (size_t i = 0; i < s.f.payload.size(); i++)
			b.expect(c.buffer.addr(off + (uint32_t)i), &s.f.payload[i], 1);
		placed_bytes += s.f.payload.size();
		placed++;
		ends += apply(c.x, s.f, v);
	} else if (v == V_TRAP)
		apply(s.ctx->x, s.f, v);
}

void World::on_frame(const Event &e)
{
	unsigned buf = e.w1 & 0xff;
	uint8_t id = b.buffer(buf, 12, 1)[0];
	while (!fifo.empty() && (fifo.front().drop || fifo.front().f.cs_ctl != id)) {
		verdict v = fifo.front().drop ? V_NONE : model(fifo.front());
		ck_assert_msg(fifo.front().drop || v == V_PLACE, "no event for frame %u", fifo.front().f.cs_ctl);
		take(fifo.front(), v);
		fifo.pop_front();
	}
	ck_assert_msg(!fifo.empty(), "an event for a frame that was not sent");
	Sent s = fifo.front();
	fifo.pop_front();
	if (s.ctx && s.ctx->stopping && e.id == ENG_NO_SLOT && judge(s.ctx->x, s.f) != V_NONE)
		s.ctx->stopped = true;
	verdict v = model(s);
	ck_assert_int_ne(v, V_PLACE);
	ck_assert_uint_eq(e.flags, event_flags(s.f, v));
	ck_assert_uint_eq(e.id, v == V_NONE ? ENG_NO_SLOT : s.ctx->slot);
	ck_assert_uint_eq(e.w1 >> 8, s.f.r_ctl | (uint32_t)s.f.payload.size() << 8);
	ck_assert_uint_eq(e.w2, (uint32_t)s.f.type << 24 | s.f.f_ctl | (-(unsigned)s.f.payload.size() & 3));
	ck_assert_uint_le(placed_bytes, e.accepted);
	take(s, v);
	to_fw++;
	traps += v == V_TRAP;
	if (b.rng.pct(20))
		ck_assert(b.buffer(buf, 32, (unsigned)s.f.data().size()) == s.f.data());
	if (s.f.payload.size() && b.rng.pct(30) && s.f.payload.size() < 400) {
		uint64_t at = b.alloc((uint32_t)s.f.payload.size());
		b.expect(at, s.f.payload.data(), s.f.payload.size());
		b.frx_place(buf, 32, (unsigned)s.f.payload.size(), at, ENG_NO_SLOT, true);
	} else
		b.reg(ENG_FRX_FREE, buf);
	freed++;
	if (v == V_TRAP)
		ask_stop(s.ctx);
}

void World::on_placed(const Event &e)
{
	CtxP done;
	while (!done) {
		ck_assert_msg(!fifo.empty(), "an end that was not sent");
		Sent s = fifo.front();
		fifo.pop_front();
		uint64_t before = ends;
		verdict v = s.drop ? V_NONE : model(s);
		ck_assert(s.drop || v == V_PLACE);
		take(s, v);
		if (ends != before)
			done = s.ctx;
	}
	ck_assert_uint_eq(e.id, done->slot);
	ck_assert_uint_eq(e.w1, done->x.next - done->x.base);
	ck_assert_uint_eq(e.flags, 0);
	ck_assert_uint_le(placed_bytes, e.accepted);
	ask_stop(done);
}

void World::ask_stop(CtxP c)
{
	if (c->stopping)
		return;
	c->stopping = true;
	stops++;
	b.reg(ENG_FCX_STOP, c->slot);
}

void World::on_stopped(const Event &e)
{
	for (unsigned i = 0; i < SLOTS; i++)
		if (slot_nr(i) == e.id) {
			ck_assert(live[i]->stopping);
			live[i]->told = true;
			live[i] = open(i);
			return;
		}
	ck_abort_msg("a stop of slot %u", e.id);
}

void World::firmware()
{
	Event e;
	if (!b.next_event(e))
		return;
	if (e.type == ENG_EVT_FC_FRAME)
		on_frame(e);
	else if (e.type == ENG_EVT_FC_PLACED)
		on_placed(e);
	else {
		ck_assert_uint_eq(e.type, ENG_EVT_FC_STOPPED);
		on_stopped(e);
	}
}

void World::finish()
{
	for (unsigned quiet = 0; quiet < 50; quiet++) {
		b.ticks(100);
		if (!b.events.empty() || b.dut->busy || b.wire_left())
			quiet = 0;
		firmware();
	}
	b.settle();
	for (auto &s : fifo) {
		verdict v = s.drop ? V_NONE : model(s);
		ck_assert(s.drop || v == V_PLACE);
		take(s, v);
	}
	b.check_memory();
	ck_assert_uint_eq(b.reg(ENG_FRX_BUFS), ENG_N_FCBUF);
	for (auto &c : live) {
		struct eng_fcx got = b.fcx(c->slot);
		if (!(c->x.flags & ENG_FCX_PEER))
			got.peer_xid = c->x.peer_xid;
		if (!c->stopping)
			ck_assert(!memcmp(&got, &c->x, sizeof(got)));
	}
	ck_assert_uint_eq(b.cnt[C_PLACED], placed);
	ck_assert_uint_eq(b.cnt[C_TO_FW], to_fw);
	ck_assert_uint_eq(b.cnt[C_TRAP], traps);
	ck_assert_uint_eq(b.cnt[C_NOBUF], 0);
	ck_assert_uint_eq(b.cnt[C_CRC] + b.cnt[C_FORM] + b.cnt[C_NOTUS], drops);
	ck_assert_uint_eq(placed + to_fw + drops, sent);
	ck_assert_uint_eq(b.rrdy, b.mode == ENG_FCM_NATIVE ? sent : 0);
	ck_assert(b.flags.empty());
}

START_TEST(random_traffic)
{
	World w(600 + _i, _i & 1 ? ENG_FCM_FCOE : ENG_FCM_NATIVE, _i % 3 ? 15 : 60);
	Bench &b = w.b;
	if (_i & 2) {
		b.wr_pct = b.rng.range(20, 100);
		b.evt_pct = b.rng.range(20, 100);
		b.x_pct = b.rng.range(20, 100);
		b.rd_pct = b.rng.range(20, 100);
		b.hole_pct = b.rng.below(40);
		b.gap = b.rng.below(100);
		b.wr_jitter = b.rng.below(300);
		b.event_max = b.rng.range(1, 40);
	}
	unsigned pace = b.rng.range(5, 100);
	while (w.sent < 2500 && w.stops < 250) {
		if (b.wire_left() < 8 && w.room() && w.fifo.size() < 200)
			w.send_one();
		else if (w.fifo.size() >= 200)
			w.since = 100; /* the next one has an event */
		if (b.rng.below(1000) < pace)
			w.firmware();
		if (b.rng.below(20000) == 0)
			w.ask_stop(w.live[b.rng.below(World::SLOTS)]);
		if (w.fifo.size() >= 200 && b.wire_left() == 0 && w.room())
			w.send_one();
		b.tick();
	}
	w.finish();
	ck_assert_uint_gt(w.placed, 300);
	ck_assert_uint_gt(w.to_fw, 100);
	ck_assert_uint_gt(w.stops, 20);
}
END_TEST

void add_random_cases(Suite *s)
{
	TCase *t = tcase_create("random");
	tcase_add_loop_test(t, random_traffic, 0, 12);
	tcase_set_timeout(t, 60);
	suite_add_tcase(s, t);
}
