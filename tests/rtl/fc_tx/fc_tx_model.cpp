// SPDX-License-Identifier: BSD-2-Clause
// Model of weft_fc_tx: what firmware writes, the frames that must leave, the events that must come.
#include "fc_tx_bench.h"
#include <cstring>

/* Bit by bit, straight from the definition. */
uint32_t crc32(const uint8_t *p, size_t n)
{
	uint32_t crc = 0xffffffff;

	while (n--) {
		crc ^= *p++;
		for (int b = 0; b < 8; b++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
	}
	return ~crc;
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

static uint32_t get_be(const uint8_t *p, int n)
{
	uint32_t v = 0;

	while (n--)
		v = v << 8 | *p++;
	return v;
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

void bench::rec_write(const record &r)
{
	memcpy(&xram[r.rec], r.hdr.data(), 24);
	xram_put(r.rec + 24, r.max, 2);
	xram_put(r.rec + 26, r.slot, 2);
	xram_put(r.rec + 28, r.lit_addr, 4);
	xram_put(r.rec + 32, r.lit.size(), 2);
	xram_put(r.rec + 34, r.data_slot, 2);
	xram_put(r.rec + 36, r.data_off, 4);
	xram_put(r.rec + 40, r.data_len, 4);
	xram_put(r.rec + 44, 0xeeee, 2);
	if (r.lit_addr + r.lit.size() <= xram.size())
		std::copy(r.lit.begin(), r.lit.end(), xram.begin() + r.lit_addr);
}

/* The sequence's payload; bad: bytes that cannot be had. */
static bytes payload_make(const bench &b, const record &r, std::vector<bool> *bad)
{
	bytes p = r.lit;
	uint64_t pos = 0, end = (uint64_t)r.data_off + r.data_len;
	size_t total = r.lit.size() + r.data_len;

	bad->assign(p.size(), false);
	for (auto &e : r.el) {
		uint64_t from = std::max<uint64_t>(pos, r.data_off),
			 to = std::min<uint64_t>(pos + e.len, end);
		for (uint64_t i = from; i < to; i++) {
			uint64_t a = e.addr + (i - pos);
			p.push_back(b.host_byte(a));
			bad->push_back(end > r.buf_len ||
				       (!b.bad_pages.empty() && b.bad_pages.count(a >> 12)));
		}
		pos += e.len;
	}
	p.resize(total, 0);
	bad->resize(total, true);
	return p;
}

/* The frames of a sequence up to the first that cannot be had. */
std::deque<frame> frames_make(const bench &b, const record &r, bool *err)
{
	std::vector<bool> bad;
	bytes p = payload_make(b, r, &bad);
	std::deque<frame> out;
	uint32_t f_ctl = get_be(&r.hdr[9], 3), at = 0;
	unsigned seq_cnt = get_be(&r.hdr[14], 2);

	*err = false;
	do {
		uint32_t n = std::min<uint32_t>(r.max, p.size() - at), ctl = f_ctl & ~3u;
		frame f = { r.hdr, at == 0, at + n == p.size() };
		for (uint32_t i = at; i < at + n; i++)
			*err |= bad[i];
		if (*err)
			break;
		if (f.last)
			ctl |= -n & 3;
		else
			ctl &= ~0x190000u; /* LAST_SEQ, END_SEQ, SEQ_INIT */
		put_be(&f.body[9], ctl, 3);
		put_be(&f.body[14], seq_cnt + out.size(), 2);
		if (f_ctl & 8)
			put_be(&f.body[20], get_be(&r.hdr[20], 4) + at, 4);
		f.body.insert(f.body.end(), p.begin() + at, p.begin() + at + n);
		f.body.resize((f.body.size() + 3) & ~3u, 0);
		out.push_back(f);
		at += n;
	} while (at < p.size());
	return out;
}

static bool refused(const record &r, bool raw)
{
	uint64_t lit_end = (uint64_t)r.lit_addr + r.lit.size();

	if (r.lit.size() > 2112 || (!r.lit.empty() && lit_end > ENG_XRAM_SIZE))
		return true;
	if (raw)
		return r.lit.size() < 14;
	return r.max < 128 || r.max > 2112 || r.max % 4 || r.data_len > 0x1000000 ||
	       r.data_off > 0x1000000;
}

/* Writes the record, queues the operation and what must come of it. */
op_p bench::push(const record &r, int flags)
{
	bool raw = flags & ENG_FTXF_RAW, dead = drop || mode == ENG_FCM_OFF;
	op_p o(new op{ r, raw, refused(r, raw), false, dead, 0, 0, {} });

	rec_write(r);
	dead |= raw && mode != ENG_FCM_FCOE;
	if (dead)
		o->err = false;
	else if (raw && !o->err)
		o->frames.push_back({ r.lit, true, true });
	else if (!o->err)
		o->frames = frames_make(*this, r, &o->err);
	o->total = o->frames.size();
	if (o->err || flags & ENG_FTXF_DONE)
		due.push_back({ r.rec, r.slot, dead ? 2u : o->err, o });
	ops.push_back(o);
	reg_write(ENG_FTX_REC, r.rec);
	reg_write(ENG_FTX_PUSH, flags);
	return o;
}

/* What is pushed while the kill stands is pushed with DONE. */
void bench::kill(unsigned slot, bool on)
{
	for (auto &o : ops)
		o->killed |= on && o->r.slot == slot && !o->raw;
	for (auto &d : due)
		if (d.o)
			d.o->killed |= on && d.slot == slot && !d.o->raw;
	reg_write(ENG_FTX_KILL, slot | on << ENG_FTX_KILL_ON_LSB);
}

void bench::event_check(uint32_t w0, uint32_t w1, uint32_t w2)
{
	unsigned flags = w0 >> 8 & 255;

	must(w2 == 0);
	if ((w0 & 255) == ENG_EVT_FC_LINK) {
		must(w0 >> 8 == 0xffff00);
		links.push_back(w1);
		return;
	}
	must(!due.empty());
	due_event d = due.front();
	due.pop_front();
	must((w0 & ~0xff00u) == ((uint32_t)d.slot << 16 | ENG_EVT_FC_TXDONE));
	must(w1 == d.rec);
	events++;
	failed += flags & 1;
	dropped += flags >> 1;
	must(flags == d.flags || (flags == 2 && d.o && (d.o->killed || d.o->loose)));
	if (!d.o)
		return;
	op &o = *d.o;
	unsigned count = o.raw ? (flags ? 0 : o.total) : xram32(d.rec + 44) & 0xffff;
	if (flags == 2) { /* so many of its frames and no more */
		must(o.seen <= count && count <= o.total);
		o.frames.resize(std::min<size_t>(o.frames.size(), count - o.seen));
	} else {
		must(count == (o.total & 0xffff));
	}
	o.killed = false;
}

void bench::ops_retire()
{
	while (!ops.empty() && (ops.front()->frames.empty() || ops.front()->loose))
		ops.pop_front();
}

bool bench::frame_fits(const frame &f, bool raw, bool native, const bytes &got) const
{
	bytes want;
	uint8_t sof = f.first ? 0x2e : 0x36, eof = f.last ? 0x42 : 0x41, tail[8] = {};

	if (raw)
		return !native && got == f.body;
	if (native) {
		want = { sof, 0, 0, 0 };
	} else {
		uint8_t m[3] = { (uint8_t)(map >> 16), (uint8_t)(map >> 8), (uint8_t)map };
		want = fcf;
		if (fcf.empty()) {
			want.assign(m, m + 3);
			want.insert(want.end(), &f.body[1], &f.body[4]);
		}
		want.insert(want.end(), m, m + 3);
		want.insert(want.end(), &f.body[5], &f.body[8]);
		want.insert(want.end(), { 0x89, 0x06 });
		want.resize(14 + 13, 0);
		want.push_back(sof);
	}
	want.insert(want.end(), f.body.begin(), f.body.end());
	put_le(tail, crc32(f.body.data(), f.body.size()), 4);
	tail[4] = eof;
	want.insert(want.end(), tail, tail + 8);
	return got == want;
}

/* Takes a frame that the first operation with frames left must have next, or one behind what may be missing. */
bool bench::frame_next(std::deque<op_p> &list, bool native, const bytes &got)
{
	for (; !list.empty(); list.pop_front()) {
		op &o = *list.front();
		bool fits = false;
		while (!o.frames.empty() && !fits) {
			fits = frame_fits(o.frames.front(), o.raw, native, got);
			if (!fits && !o.loose)
				break;
			o.frames.pop_front();
			o.seen++;
		}
		if (fits)
			return true;
		if (!o.frames.empty() && !o.killed)
			return false;
		if (o.killed) { /* cut here: its event must say so */
			o.total = o.seen;
			o.frames.clear();
		}
	}
	return false;
}

void bench::frame_check(wire &w)
{
	bool native = &w == &fc;

	if (w.begun <= stale_at + 3 && frame_next(stale, native, w.now))
		return;
	if (!frame_next(ops, native, w.now))
		ck_abort_msg(
			"cycle %ld: a frame of %zu bytes that is not the next one (%s, frame %ld)",
			cycle, w.now.size(), native ? "native" : "FCoE", w.frames);
}
