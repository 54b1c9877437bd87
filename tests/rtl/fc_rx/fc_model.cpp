/* SPDX-License-Identifier: BSD-2-Clause */
/* The rules of "Place", see fc_model.h. */
#include <check.h>
#include <cstring>

#include "fc_model.h"

bool has_context(const Frame &f)
{
	return f.type == 0x08 || f.type == 0x28 || f.type == 0x00;
}

uint16_t own_id(const Frame &f)
{
	return f.f_ctl & F_EX_CTX ? f.ox_id : f.rx_id;
}

static uint16_t peer_id(const Frame &f)
{
	return f.f_ctl & F_EX_CTX ? f.rx_id : f.ox_id;
}

static bool matches(const struct eng_fcx &x, const Frame &f)
{
	bool responder = !(f.f_ctl & F_EX_CTX);

	if (!has_context(f) || !(x.flags & ENG_FCX_MATCH) || own_id(f) == 0xffff)
		return false;
	if (responder != !!(x.flags & ENG_FCX_RESPONDER) || x.xid != own_id(f) || (x.s_id & 0xffffff) != f.s_id)
		return false;
	return !(x.flags & ENG_FCX_PEER) || peer_id(f) == 0xffff || peer_id(f) == x.peer_xid;
}

static bool in_order(const struct eng_fcx &x, const Frame &f)
{
	if (f.sof == SOF_I3)
		return !(x.flags & ENG_FCX_OPEN) && (f.seq_cnt == x.seq_cnt || f.seq_cnt == 0);
	return (x.flags & ENG_FCX_OPEN) && f.seq_id == x.seq_id && f.seq_cnt == x.seq_cnt;
}

verdict judge(const struct eng_fcx &x, const Frame &f)
{
	bool end_seq = f.f_ctl & F_END_SEQ;

	if (!matches(x, f))
		return V_NONE;
	if (!(x.flags & ENG_FCX_ARMED) || f.r_ctl != 1 || f.type != 8)
		return V_FRAME;
	if (f.df_ctl || !(f.f_ctl & F_REL_OFF) || f.param != x.next || f.payload.empty() || (uint64_t)x.next + f.payload.size() > x.end)
		return V_TRAP;
	if (!in_order(x, f) || (f.eof == EOF_T) != end_seq || (!end_seq && f.payload.size() % 4))
		return V_TRAP;
	return V_PLACE;
}

bool apply(struct eng_fcx &x, const Frame &f, verdict v)
{
	if (v == V_TRAP)
		x.flags &= ~ENG_FCX_ARMED;
	if (v != V_PLACE)
		return false;
	x.next += (uint32_t)f.payload.size();
	x.seq_cnt = f.seq_cnt + 1;
	x.seq_id = f.seq_id;
	x.flags &= ~ENG_FCX_OPEN;
	if (f.eof != EOF_T)
		x.flags |= ENG_FCX_OPEN;
	if (!(x.flags & ENG_FCX_PEER))
		x.peer_xid = peer_id(f);
	if (peer_id(f) != 0xffff)
		x.flags |= ENG_FCX_PEER;
	if (f.eof != EOF_T || x.next != x.end || !(x.flags & ENG_FCX_EVENT))
		return false;
	x.flags &= ~ENG_FCX_ARMED;
	return true;
}

uint8_t event_flags(const Frame &f, verdict v)
{
	return (v != V_NONE) | (v == V_TRAP) << 1 | (f.sof == SOF_I3) << 2 | (f.eof == EOF_T) << 3;
}

Bytes random_bytes(Rng &rng, unsigned len)
{
	Bytes p(len);
	for (auto &c : p)
		c = (uint8_t)rng.next();
	return p;
}

/* The next event is this frame's. */
void expect_event(Bench &b, const Frame &f, verdict v, unsigned slot, unsigned *buf)
{
	Event e = b.event();
	ck_assert_uint_eq(e.type, ENG_EVT_FC_FRAME);
	ck_assert_uint_eq(e.flags, event_flags(f, v));
	ck_assert_uint_eq(e.id, v == V_NONE ? ENG_NO_SLOT : slot);
	ck_assert_uint_eq(e.w1 & ~0xffu, (uint32_t)f.r_ctl << 8 | (uint32_t)f.payload.size() << 16);
	ck_assert_uint_eq(e.w2, (uint32_t)f.type << 24 | f.f_ctl | (-(unsigned)f.payload.size() & 3));
	if (buf)
		*buf = e.w1 & 0xff;
	else
		b.reg(ENG_FRX_FREE, e.w1 & 0xff);
}

/* ---- an exchange ---- */

Exch::Exch(Bench &bench, unsigned slot_nr, uint32_t len, uint8_t flags, unsigned elements, uint32_t base, unsigned gen) : b(bench), slot(slot_nr)
{
	memset(&x, 0, sizeof(x));
	x.flags = ENG_FCX_MATCH | ENG_FCX_ARMED | flags;
	x.xid = (uint16_t)(slot | gen << 11);
	x.s_id = 0x0a0b0c;
	x.peer_xid = peer;
	x.base = x.next = base;
	x.end = base + len;
	if (len)
		b.make_slot(slot, len, elements);
	arm();
}

void Exch::arm()
{
	b.set_fcx(slot, x);
}

Frame Exch::next(unsigned len, bool last)
{
	Frame f;
	bool fresh = !(x.flags & ENG_FCX_OPEN);
	f.s_id = x.s_id & 0xffffff;
	f.f_ctl = F_REL_OFF | (last ? F_END_SEQ | F_SEQ_INIT : 0);
	f.ox_id = peer;
	f.rx_id = x.xid;
	if (!(x.flags & ENG_FCX_RESPONDER)) {
		f.f_ctl |= F_EX_CTX;
		std::swap(f.ox_id, f.rx_id);
	}
	f.seq_id = fresh ? ++seq_id : x.seq_id;
	f.seq_cnt = fresh && !continuous ? 0 : x.seq_cnt;
	f.param = x.next;
	f.sof = fresh ? SOF_I3 : SOF_N3;
	f.eof = last ? EOF_T : EOF_N;
	f.payload = random_bytes(b.rng, len);
	return f;
}

bool Exch::send(unsigned len, bool last)
{
	Frame f = next(len, last);
	verdict v = judge(x, f);
	ck_assert_int_eq(v, V_PLACE);
	if (x.next - x.base + len <= b.slots[slot].len)
		b.expect_data(slot, x.next - x.base, f.payload);
	b.send(f);
	return apply(x, f, v);
}

void Exch::check()
{
	struct eng_fcx got = b.fcx(slot);
	ck_assert_uint_eq(got.flags, x.flags);
	ck_assert_uint_eq(got.next, x.next);
	ck_assert_uint_eq(got.seq_cnt, x.seq_cnt);
	ck_assert_uint_eq(got.seq_id, x.seq_id);
	ck_assert_uint_eq(got.xid, x.xid);
	ck_assert_uint_eq(got.s_id, x.s_id);
	if (x.flags & ENG_FCX_PEER)
		ck_assert_uint_eq(got.peer_xid, x.peer_xid);
	ck_assert_uint_eq(got.end, x.end);
	ck_assert_uint_eq(got.base, x.base);
}
