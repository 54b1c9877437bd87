/* SPDX-License-Identifier: BSD-2-Clause */
/* Bench of weft_fc_rx, the wires: what is dropped and how it is counted, what firmware finds in a buffer, credit, FIP. */
#include <check.h>
#include <cstring>

#include "fc_model.h"

void add_wire_cases(Suite *s);

static void all_free(Bench &b)
{
	b.settle();
	ck_assert_uint_eq(b.reg(ENG_FRX_BUFS), ENG_N_FCBUF);
}

static void counters(Bench &b, const char *name, int counter, unsigned n)
{
	for (int i = C_CRC; i < C_N; i++)
		ck_assert_msg(b.cnt[i] == (i == counter ? n : 0u), "%s: counter %d is %lu", name, i, (unsigned long)b.cnt[i]);
}

/* A link service request, which has no context. */
static Frame els(Rng &rng, unsigned len)
{
	Frame f;
	f.r_ctl = 0x22;
	f.type = 1;
	f.f_ctl = 0x290000;
	f.eof = EOF_T;
	f.payload = random_bytes(rng, len);
	return f;
}

enum { BOTH, NATIVE, FCOE };

struct Bad {
	const char *name;
	int counter, wires;
	void (*spoil)(Frame &);
	void (*cut)(Bytes &);
	bool marked;
};

static void fcp(Frame &f)
{
	f.type = 8;
	f.r_ctl = 7;
}

static const Bad bad_frames[] = {
	{"marked by the port", C_CRC, BOTH, nullptr, nullptr, true},
	{"crc", C_CRC, BOTH, [](Frame &f) { f.bad_crc = true; }, nullptr, false},
	{"crc, no payload", C_CRC, BOTH, [](Frame &f) { f.bad_crc = true, f.payload.clear(); }, nullptr, false},
	{"a bit of the header", C_CRC, BOTH, nullptr, [](Bytes &w) { w[30] ^= 0x10; }, false},
	{"a bit of the last payload word", C_CRC, BOTH, nullptr, [](Bytes &w) { w[w.size() - 9] ^= 1; }, false},
	{"a word missing", C_CRC, BOTH, nullptr, [](Bytes &w) { w.erase(w.begin() + 60, w.begin() + 64); }, false},
	{"crc and sof", C_CRC, BOTH, [](Frame &f) { f.bad_crc = true, f.sof = 0x28; }, nullptr, false},
	{"sof of class 2", C_FORM, BOTH, [](Frame &f) { f.sof = 0x2d; }, nullptr, false},
	{"sof of class f", C_FORM, BOTH, [](Frame &f) { f.sof = 0x28; }, nullptr, false},
	{"no sof", C_FORM, BOTH, [](Frame &f) { f.sof = 0; }, nullptr, false},
	{"eof invalid", C_FORM, BOTH, [](Frame &f) { f.eof = 0x49; }, nullptr, false},
	{"eof abort", C_FORM, BOTH, [](Frame &f) { f.eof = 0x50; }, nullptr, false},
	{"too long", C_FORM, BOTH, [](Frame &f) { f.payload.resize(2116); }, nullptr, false},
	{"much too long", C_FORM, BOTH, [](Frame &f) { f.payload.resize(4400); }, nullptr, false},
	{"endless", C_FORM, BOTH, [](Frame &f) { f.payload.resize(20000); }, nullptr, false},
	{"fill without END_SEQ", C_FORM, BOTH, [](Frame &f) { f.f_ctl &= ~F_END_SEQ, f.payload.resize(7); }, nullptr, false},
	{"fill without payload", C_FORM, BOTH, [](Frame &f) { f.fill_add = 1, f.payload.clear(); }, nullptr, false},
	{"not of whole words", C_FORM, NATIVE, nullptr, [](Bytes &w) { w.push_back(0); }, false},
	{"not of whole words, into the next beat", C_FORM, NATIVE, nullptr, [](Bytes &w) { w.resize(w.size() / 16 * 16 + 17); }, false},
	{"version", C_FORM, FCOE, [](Frame &f) { f.version = 1; }, nullptr, false},
	{"ethertype", C_FORM, FCOE, [](Frame &f) { f.ethertype = 0x8907; }, nullptr, false},
	{"cut in the fcoe header", C_CRC, FCOE, nullptr, [](Bytes &w) { w.resize(20); }, false},
	{"cut in the header", C_CRC, BOTH, nullptr, [](Bytes &w) { w.resize(44); }, false},
	{"two beats", C_CRC, BOTH, nullptr, [](Bytes &w) { w.resize(32); }, false},
	{"another d_id", C_NOTUS, BOTH, [](Frame &f) { fcp(f), f.d_id = 0x010204; }, nullptr, false},
	{"another d_id, ls", C_NOTUS, BOTH, [](Frame &f) { f.type = 0x28, f.r_ctl = 0x32, f.d_id = 0x810203; }, nullptr, false},
	{"mac of another d_id", C_NOTUS, FCOE, [](Frame &f) { f.dmac = 0x0efd00010202ull; }, nullptr, false},
	{"multicast", C_NOTUS, FCOE, [](Frame &f) { f.dmac = 0x011018010001ull; }, nullptr, false},
};

START_TEST(bad_frame)
{
	const Bad &t = bad_frames[_i / 2];
	unsigned mode = _i % 2 ? ENG_FCM_FCOE : ENG_FCM_NATIVE;
	if (t.wires == (mode == ENG_FCM_NATIVE ? FCOE : NATIVE))
		return;
	Bench b(1 + _i, mode);
	Frame f = els(b.rng, 700);
	if (t.spoil)
		t.spoil(f);
	for (auto &c : f.payload)
		c = (uint8_t)b.rng.next();
	Bytes w = mode == ENG_FCM_NATIVE ? f.native() : f.fcoe();
	if (t.cut)
		t.cut(w);
	for (int i = 0; i < 3; i++)
		b.wire(w, t.marked);
	all_free(b);
	counters(b, t.name, t.counter, 3);
	ck_assert(b.events.empty());
	ck_assert_uint_eq(b.cnt[C_FRAMES], t.counter == C_CRC ? 0 : 3);
	ck_assert_uint_eq(b.rrdy, mode == ENG_FCM_NATIVE ? 3 : 0);
}
END_TEST

/* Crumbs of all lengths up to a header, back to back, leave nothing behind; a good frame follows. */
START_TEST(runts)
{
	Bench b(90 + _i, _i ? ENG_FCM_FCOE : ENG_FCM_NATIVE);
	Frame f = els(b.rng, 100);
	Bytes w = _i ? f.fcoe() : f.native();
	for (unsigned n = 1; n < (_i ? 56 : 32); n++)
		b.wire(Bytes(w.begin(), w.begin() + n));
	for (unsigned n = 0; n < 40; n++)
		b.wire(Bytes(w.begin(), w.begin() + 4 + n % 2 * 20));
	b.send(f);
	expect_event(b, f, V_NONE, 0);
	all_free(b);
	ck_assert(b.events.empty());
	ck_assert_uint_eq(b.cnt[C_TO_FW], 1);
	ck_assert_uint_eq(b.cnt[C_CRC] + b.cnt[C_FORM], (_i ? 55 : 31) + 40);
	ck_assert_uint_eq(b.rrdy, _i ? 0 : 31 + 40 + 1);
}
END_TEST

static void check_buffer(Bench &b, const Frame &f, unsigned buf)
{
	Bytes h = f.header(), d = f.data();
	size_t len = h.size() + d.size();
	Bytes want = {(uint8_t)len, (uint8_t)(len >> 8), f.sof, f.eof, 0, 0, 0, 0};
	want.insert(want.end(), h.begin(), h.end());
	want.insert(want.end(), d.begin(), d.end());
	ck_assert(b.buffer(buf, 0, (unsigned)want.size()) == want);
}

/* Every length mod 16 and the largest frames, back to back: firmware finds each whole. Zero bytes at the end of data are no padding. */
START_TEST(to_firmware)
{
	bool fcoe = _i & 1;
	Bench b(100 + _i, fcoe ? ENG_FCM_FCOE : ENG_FCM_NATIVE);
	std::vector<Frame> sent;
	b.hole_pct = _i & 2 ? 30 : 0;
	for (unsigned len : {0, 1, 2, 3, 4, 8, 11, 12, 16, 17, 20, 24, 28, 32, 36, 40, 44, 48, 500, 2100, 2104, 2108, 2109, 2111, 2112}) {
		Frame f = els(b.rng, len);
		f.cs_ctl = (uint8_t)b.rng.next();
		f.d_id = fcoe || len % 2 ? 0xfffffe : 0x010203;
		f.dmac = len == 500 ? 0xffffffffffffull : 0;
		f.pad = _i & 4 ? b.rng.below(50) : 0;
		for (unsigned i = 0; _i & 4 && i < len; i++)
			f.payload[i] = i + 40 > len ? 0 : f.payload[i];
		sent.push_back(f);
		b.send(f);
	}
	std::vector<unsigned> bufs;
	for (auto &f : sent) {
		unsigned buf;
		expect_event(b, f, V_NONE, 0, &buf);
		bufs.push_back(buf);
	}
	ck_assert_uint_eq(b.reg(ENG_FRX_BUFS), ENG_N_FCBUF - sent.size());
	for (size_t i = 0; i < sent.size(); i++) {
		check_buffer(b, sent[i], bufs[i]);
		b.reg(ENG_FRX_FREE, bufs[i]);
	}
	all_free(b);
	ck_assert_uint_eq(b.cnt[C_TO_FW], sent.size());
	ck_assert_uint_eq(b.cnt[C_FRAMES], sent.size());
	ck_assert_uint_eq(b.rrdy, fcoe ? 0 : sent.size());
}
END_TEST

/* Buffers run out: no R_RDY before firmware gives one back, one for each, none for those that had no buffer. */
START_TEST(exhausted)
{
	Bench b(120 + _i, _i ? ENG_FCM_FCOE : ENG_FCM_NATIVE);
	std::vector<unsigned> bufs;
	for (unsigned i = 0; i < ENG_N_FCBUF + 5; i++)
		b.send(els(b.rng, i % 3 ? 40 : 2000));
	b.sent();
	b.ticks(100);
	ck_assert_uint_eq(b.events.size(), ENG_N_FCBUF);
	ck_assert_uint_eq(b.cnt[C_NOBUF], 5);
	ck_assert_uint_eq(b.cnt[C_FRAMES], ENG_N_FCBUF + 5);
	ck_assert_uint_eq(b.rrdy, 0);
	ck_assert_uint_eq(b.reg(ENG_FRX_BUFS), 0);
	std::vector<bool> seen(ENG_N_FCBUF);
	for (auto &e : b.events) {
		ck_assert(!seen[e.w1 & 0xff]);
		seen[e.w1 & 0xff] = true;
		bufs.push_back(e.w1 & 0xff);
	}
	b.events.clear();
	for (unsigned i = 0; i < 3; i++) { /* twice the same counts once */
		b.reg(ENG_FRX_FREE, bufs[0]);
		b.ticks(5);
		ck_assert_uint_eq(b.reg(ENG_FRX_BUFS), 1);
		ck_assert_uint_eq(b.rrdy, _i ? 0 : 1);
	}
	b.reg(ENG_FRX_FREE, 0x80 + bufs[1]); /* no such buffer */
	Frame f = els(b.rng, 2112);
	b.send(f);
	unsigned buf;
	expect_event(b, f, V_NONE, 0, &buf);
	ck_assert_uint_eq(buf, bufs[0]);
	check_buffer(b, f, buf);
	for (unsigned n : bufs)
		b.reg(ENG_FRX_FREE, n);
	all_free(b);
	ck_assert_uint_eq(b.rrdy, _i ? 0 : ENG_N_FCBUF + 1);
}
END_TEST

/* A free that comes while the engine frees, and buffers that go round many times. */
START_TEST(round_and_round)
{
	Bench b(125);
	Exch x(b, 9, 500 * 64);
	unsigned to_fw = 0;
	for (unsigned i = 0; i < 500; i++) {
		x.send(64, false);
		if (b.rng.pct(40)) {
			b.send(els(b.rng, 4 + b.rng.below(300)));
			to_fw++;
		}
		if (i % 40 == 39) {
			while (to_fw) {
				b.reg(ENG_FRX_FREE, b.event().w1 & 0xff);
				to_fw--;
			}
		}
	}
	while (b.wire_left() || to_fw) {
		b.tick();
		if (to_fw && !b.events.empty()) {
			b.reg(ENG_FRX_FREE, b.event().w1 & 0xff);
			to_fw--;
		}
	}
	all_free(b);
	x.check();
	b.check_memory();
	ck_assert_uint_eq(b.cnt[C_NOBUF], 0);
	ck_assert_uint_eq(b.rrdy, b.cnt[C_FRAMES]);
}
END_TEST

struct Fip {
	const char *name;
	uint64_t dmac;
	size_t len;
	int counter;
	bool marked;
};

static const Fip fips[] = {
	{"own", Bench::OWN_MAC, 60, C_TO_FW, false},
	{"all ones", 0xffffffffffffull, 61, C_TO_FW, false},
	{"all enodes", 0x011018010001ull, 200, C_TO_FW, false},
	{"all vn2vn", 0x011018010004ull, 72, C_TO_FW, false},
	{"largest", Bench::OWN_MAC, 2296, C_TO_FW, false},
	{"two beats", Bench::OWN_MAC, 17, C_TO_FW, false},
	{"one beat", Bench::OWN_MAC, 16, C_FORM, false},
	{"all fcfs", 0x011018010002ull, 60, C_NOTUS, false},
	{"another", 0x020000000002ull, 60, C_NOTUS, false},
	{"a multicast", 0x01005e000001ull, 60, C_NOTUS, false},
	{"marked", Bench::OWN_MAC, 60, C_CRC, true},
	{"too long", Bench::OWN_MAC, 2297, C_FORM, false},
	{"endless", Bench::OWN_MAC, 9000, C_FORM, false},
	{"cut", Bench::OWN_MAC, 13, C_FORM, false},
};

START_TEST(fip)
{
	const Fip &t = fips[_i];
	Bench b(130 + _i, ENG_FCM_FCOE);
	std::vector<Bytes> sent;
	for (int i = 0; i < 3; i++) {
		sent.push_back(fip_frame(t.dmac, t.len + (t.counter == C_TO_FW && t.len < 2200 ? i : 0), b.rng));
		b.wire(sent.back(), t.marked);
	}
	b.settle();
	counters(b, t.name, t.counter, 3);
	for (auto &w : sent) {
		if (t.counter != C_TO_FW)
			break;
		Event e = b.event();
		ck_assert_uint_eq(e.type, ENG_EVT_FC_FRAME);
		ck_assert_uint_eq(e.flags, 0x10);
		ck_assert_uint_eq(e.id, ENG_NO_SLOT);
		ck_assert_uint_eq(e.w1 >> 8, w.size() << 8);
		ck_assert_uint_eq(e.w2, 0);
		ck_assert(b.buffer(e.w1 & 0xff, 8, (unsigned)w.size()) == w);
		ck_assert_uint_eq(b.buffer(e.w1 & 0xff, 0, 4)[0], w.size() & 0xff);
		b.reg(ENG_FRX_FREE, e.w1 & 0xff);
	}
	all_free(b);
	ck_assert(b.events.empty());
	ck_assert_uint_eq(b.rrdy, 0);
}
END_TEST

/* FIP and FCoE mixed without gaps, where one's last bytes are stored while the other begins. */
START_TEST(fip_and_fcoe)
{
	Bench b(150 + _i, ENG_FCM_FCOE);
	std::vector<Bytes> want;
	std::vector<unsigned> off;
	for (unsigned i = 0; i < 100; i++) {
		if (b.rng.pct(50)) {
			want.push_back(fip_frame(Bench::OWN_MAC, 60 + b.rng.below(100), b.rng));
			b.wire(want.back());
			off.push_back(8);
		} else {
			Frame f = els(b.rng, b.rng.below(64));
			want.push_back(f.data());
			b.send(f);
			off.push_back(32);
		}
	}
	b.settle();
	for (unsigned i = 0; i < 100; i++) {
		Event e = b.event();
		ck_assert_msg(b.buffer(e.w1 & 0xff, off[i], (unsigned)want[i].size()) == want[i], "frame %u", i);
		b.reg(ENG_FRX_FREE, e.w1 & 0xff);
	}
	all_free(b);
}
END_TEST

/* A change of mode in the middle of a frame drops it; a frame that is under way when a mode begins is not looked at. */
START_TEST(mode_change)
{
	Bench b(170);
	Frame f = els(b.rng, 400);
	for (unsigned cut = 1; cut < 12; cut++) {
		b.mode = ENG_FCM_NATIVE;
		b.send(f);
		b.ticks(cut);
		b.mode = cut % 2 ? ENG_FCM_OFF : ENG_FCM_FCOE;
		b.sent();
		b.ticks(cut);
		b.mode = ENG_FCM_OFF;
		b.wire(f.native());
		b.ticks(cut);
		b.mode = ENG_FCM_NATIVE;
		b.sent();
	}
	b.settle();
	ck_assert_uint_eq(b.cnt[C_TO_FW], 0);
	ck_assert_uint_eq(b.cnt[C_CRC], 11);
	b.mode = ENG_FCM_FCOE;
	b.send(f);
	expect_event(b, f, V_NONE, 0);
	b.mode = ENG_FCM_NATIVE;
	b.send(f);
	expect_event(b, f, V_NONE, 0);
	all_free(b);
	ck_assert_uint_eq(b.cnt[C_TO_FW], 2);
}
END_TEST

START_TEST(registers)
{
	Bench b(180);
	b.reg(ENG_FC_ID, 0xff123456);
	b.reg(ENG_FC_MAC_LO, 0x44332211);
	b.reg(ENG_FC_MAC_HI, 0xffff6655);
	ck_assert_uint_eq(b.reg(ENG_FC_ID), 0x123456);
	ck_assert_uint_eq(b.reg(ENG_FC_MAC_LO), 0x44332211);
	ck_assert_uint_eq(b.reg(ENG_FC_MAC_HI), 0x6655);
	ck_assert_uint_eq(b.reg(ENG_FRX_BUFS), ENG_N_FCBUF);
	ck_assert_uint_eq(b.reg(ENG_FRX_PLACE), 0);
	for (unsigned s = 0; s < WEFT_N_SLOTS; s++)
		for (unsigned i = 0; i < 8; i++)
			b.write(ENG_FCX_BASE + s * ENG_FCX_STRIDE + 4 * i, (s << 16 | i << 8) & ~1u);
	for (unsigned s = 0; s < WEFT_N_SLOTS; s += 7)
		for (unsigned i = 0; i < 8; i++)
			ck_assert_uint_eq(b.read(ENG_FCX_BASE + s * ENG_FCX_STRIDE + 4 * i), s << 16 | i << 8);
	ck_assert_uint_eq(b.read(ENG_FCBUF_BASE + 3 * ENG_FCBUF_STRIDE + ENG_FCBUF_SIZE), 0);
	ck_assert_uint_eq(b.read(ENG_FCBUF_BASE + 3 * ENG_FCBUF_STRIDE + 0xffc), 0);
	/* single bytes of a context */
	b.dut->cb_req = 1;
	b.dut->cb_we = 1;
	b.dut->cb_be = 4;
	b.dut->cb_addr = ENG_FCX_BASE + 5 * ENG_FCX_STRIDE + 12;
	b.dut->cb_wdata = 0xaabbccdd;
	b.tick();
	b.dut->cb_req = 0;
	b.ticks(2);
	ck_assert_uint_eq(b.read(ENG_FCX_BASE + 5 * ENG_FCX_STRIDE + 12), 0x00bb0300u);
}
END_TEST

void add_wire_cases(Suite *s)
{
	TCase *t = tcase_create("wires");
	tcase_add_loop_test(t, bad_frame, 0, 2 * (int)(sizeof(bad_frames) / sizeof(bad_frames[0])));
	tcase_add_loop_test(t, runts, 0, 2);
	tcase_add_loop_test(t, to_firmware, 0, 8);
	tcase_add_loop_test(t, exhausted, 0, 2);
	tcase_add_test(t, round_and_round);
	tcase_add_loop_test(t, fip, 0, (int)(sizeof(fips) / sizeof(fips[0])));
	tcase_add_loop_test(t, fip_and_fcoe, 0, 3);
	tcase_add_test(t, mode_change);
	tcase_add_test(t, registers);
	tcase_set_timeout(t, 60);
	suite_add_tcase(s, t);
}
