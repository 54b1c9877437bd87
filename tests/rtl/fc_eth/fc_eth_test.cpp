// SPDX-License-Identifier: BSD-2-Clause
// Tests of weft_fc_eth: frames of both kinds, in every mode, with a MAC and senders that pause at random.
#include <check.h>
#include <cstdint>
#include <cstring>
#include <deque>
#include <random>
#include <vector>
#include "Vweft_fc_eth.h"
#include "verilated.h"
#include "weft_engine.h"

#define must(cond)                                                   \
	do {                                                         \
		if (!(cond))                                         \
			ck_abort_msg("cycle %ld: %s", cycle, #cond); \
	} while (0)

typedef std::vector<uint8_t> frame;

/* Signals of one stream, by address: the six streams differ in nothing else. */
struct port {
	WData *data;
	SData *keep;
	CData *valid, *last, *other; /* tready, tuser */
};

struct source {
	std::deque<frame> q;
	size_t pos = 0;
	bool shown = false; /* its beat stands until taken */
};

struct bench {
	Vweft_fc_eth *top = new Vweft_fc_eth; /* lives as long as its test process */
	std::mt19937_64 rng;
	long cycle = 0;
	int mac_duty = 100, src_duty = 100;
	port eth_tx, eth_rx, t_tx, t_rx, fcoe_tx, fcoe_rx;
	source t_src, fcoe_src, eth_src;
	std::deque<frame> t_want, fcoe_want; /* to come on t_rx, fcoe_rx */
	std::deque<frame> t_sent, fcoe_sent; /* to come on eth_tx, each in its order */
	frame t_now, fcoe_now, eth_now;
	std::vector<int> turns; /* who sent: 0 TCP, 1 FC */
	std::vector<uint64_t> held;

	bench(unsigned seed);
	uint64_t rnd(uint64_t n)
	{
		return rng() % n;
	}
	frame frame_random(unsigned type);
	void send(bool fc, const frame &f);
	void receive(const frame &f, bool fc);
	void step();
	void drain();

private:
	bool offer(source &s, const port &p, bool may_pause);
	void accept(source &s, bool taken, size_t n);
	void collect(const port &p, frame &now, std::deque<frame> &want);
	void mac_collect();
};

#define PORT(name, side)                                                        \
	{                                                                       \
		&top->name##_tdata[0], &top->name##_tkeep, &top->name##_tvalid, \
			&top->name##_tlast, &top->name##_##side                 \
	}

bench::bench(unsigned seed)
	: eth_tx(PORT(eth_tx, tready)), eth_rx(PORT(eth_rx, tuser)), t_tx(PORT(t_tx, tready)),
	  t_rx(PORT(t_rx, tuser)), fcoe_tx(PORT(fcoe_tx, tready)), fcoe_rx(PORT(fcoe_rx, tuser))
{
	rng.seed(seed);
	top->rst = 1;
	for (int i = 0; i < 4; i++) {
		top->clk = i & 1;
		top->eval();
	}
	top->clk = 0;
	top->rst = 0;
	top->eval();
}

/* A frame of the given Ethertype. */
frame bench::frame_random(unsigned type)
{
	frame f(rnd(4) ? 14 + rnd(100) : 14 + rnd(2200));

	for (auto &b : f)
		b = rng();
	f[12] = type >> 8;
	f[13] = type;
	return f;
}

void bench::send(bool fc, const frame &f)
{
	(fc ? fcoe_src : t_src).q.push_back(f);
	(fc ? fcoe_sent : t_sent).push_back(f);
}

void bench::receive(const frame &f, bool fc)
{
	eth_src.q.push_back(f);
	(fc ? fcoe_want : t_want).push_back(f);
}

/* Puts the next beat on a port. Returns whether there is one. */
bool bench::offer(source &s, const port &p, bool may_pause)
{
	bool on = !s.q.empty() && (s.shown || !may_pause || (int)rnd(100) < src_duty);
	uint8_t beat[16];

	memset(beat, 0xcc, 16);
	*p.valid = on;
	*p.keep = 0;
	*p.last = 0;
	if (on) {
		const frame &f = s.q.front();
		size_t n = std::min<size_t>(16, f.size() - s.pos);
		memcpy(beat, &f[s.pos], n);
		*p.keep = (1u << n) - 1;
		*p.last = s.pos + n == f.size();
	}
	memcpy(p.data, beat, 16);
	s.shown = on;
	return on;
}

void bench::accept(source &s, bool taken, size_t n)
{
	if (!taken)
		return;
	s.shown = false;
	s.pos += n;
	if (s.pos < s.q.front().size())
		return;
	s.q.pop_front();
	s.pos = 0;
}

void bench::collect(const port &p, frame &now, std::deque<frame> &want)
{
	if (!*p.valid)
		return;
	for (int i = 0; i < 16; i++)
		if (*p.keep >> i & 1)
			now.push_back(p.data[i / 4] >> i % 4 * 8);
	if (!*p.last)
		return;
	must(*p.other == (now.size() & 1)); /* tuser, as sent below */
	must(!want.empty());
	must(want.front() == now);
	want.pop_front();
	now.clear();
}

void bench::mac_collect()
{
	std::vector<uint64_t> now;

	if (*eth_tx.valid)
		now = { eth_tx.data[0], eth_tx.data[1], eth_tx.data[2],
			eth_tx.data[3], *eth_tx.keep,   *eth_tx.last };
	must(held.empty() || held == now); /* stands until ready */
	held = *eth_tx.other ? std::vector<uint64_t>() : now;
	if (!*eth_tx.valid || !*eth_tx.other)
		return;
	for (int i = 0; i < 16; i++)
		if (*eth_tx.keep >> i & 1)
			eth_now.push_back(eth_tx.data[i / 4] >> i % 4 * 8);
	if (!*eth_tx.last)
		return;
	bool fc = !fcoe_sent.empty() && fcoe_sent.front() == eth_now;
	auto &want = fc ? fcoe_sent : t_sent;
	must(!want.empty() && want.front() == eth_now);
	want.pop_front();
	turns.push_back(fc);
	eth_now.clear();
}

void bench::step()
{
	bool rx = offer(eth_src, eth_rx, true);
	bool t = offer(t_src, t_tx, t_src.pos == 0),
	     fc = offer(fcoe_src, fcoe_tx, fcoe_src.pos == 0);

	*eth_rx.other = rx && *eth_rx.last && (eth_src.q.front().size() & 1);
	*eth_tx.other = (int)rnd(100) < mac_duty;
	top->eval();
	must(*t_rx.valid + *fcoe_rx.valid == rx);
	must(!(*t_tx.other && t && *fcoe_tx.other && fc));
	collect(t_rx, t_now, t_want);
	collect(fcoe_rx, fcoe_now, fcoe_want);
	mac_collect();
	bool t_taken = t && *t_tx.other, fc_taken = fc && *fcoe_tx.other;
	top->clk = 1;
	top->eval();
	top->clk = 0;
	accept(eth_src, rx, 16);
	accept(t_src, t_taken, 16);
	accept(fcoe_src, fc_taken, 16);
	cycle++;
}

void bench::drain()
{
	long t0 = cycle;

	while (!t_src.q.empty() || !fcoe_src.q.empty() || !eth_src.q.empty()) {
		step();
		must(cycle - t0 < 1000000);
	}
	step();
	must(t_want.empty() && fcoe_want.empty() && t_sent.empty() && fcoe_sent.empty());
}

static const unsigned types[] = { 0x8906, 0x8914, 0x0800, 0x0806, 0x86dd, 0x8100,
				  0x8900, 0x0689, 0x8907, 0x8915, 0x0006 };

static bool is_fc(unsigned type)
{
	return type == 0x8906 || type == 0x8914;
}

START_TEST(both_kinds_interleaved)
{
	bench b(1 + _i);

	b.top->mode = ENG_FCM_FCOE;
	b.mac_duty = _i & 1 ? 60 : 100;
	b.src_duty = _i & 2 ? 50 : 100;
	for (int i = 0; i < 600; i++) {
		unsigned type = types[b.rnd(11)];
		b.receive(b.frame_random(type), is_fc(type));
		b.send(b.rnd(2), b.frame_random(types[b.rnd(11)]));
	}
	b.drain();
}
END_TEST

/* Without FCoE on Ethernet, every frame is TCP's. */
START_TEST(other_modes)
{
	static const unsigned modes[] = { ENG_FCM_OFF, ENG_FCM_NATIVE, 3 };
	bench b(10);

	b.mac_duty = 70;
	for (unsigned m : modes) {
		b.top->mode = m;
		for (unsigned type : types) {
			b.receive(b.frame_random(type), false);
			b.send(false, b.frame_random(type));
		}
		b.drain();
		/* what weft_fc_tx shows is not taken */
		b.send(true, b.frame_random(0x8906));
		for (int i = 0; i < 20; i++)
			b.step();
		ck_assert_uint_eq(b.fcoe_src.pos, 0);
		b.fcoe_src = source();
		b.fcoe_sent.clear();
	}
}
END_TEST

/* Frames too short for an Ethertype, and those of one beat. */
START_TEST(short_frames)
{
	bench b(20);

	b.top->mode = ENG_FCM_FCOE;
	for (unsigned n = 1; n <= 17; n++)
		for (int k = 0; k < 4; k++) {
			frame f = b.frame_random(k & 1 ? 0x8906 : 0x0800);
			f.resize(n, 0x5a);
			b.receive(f, n >= 14 && (k & 1));
		}
	b.drain();
}
END_TEST

/* Both have frames all the time: they take turns, with no cycle lost. */
START_TEST(fair_and_fast)
{
	bench b(30);
	size_t beats = 0;

	b.top->mode = ENG_FCM_FCOE;
	for (int i = 0; i < 200; i++) {
		frame f = b.frame_random(0x0800), g = b.frame_random(0x8906);
		beats += (f.size() + 15) / 16 + (g.size() + 15) / 16;
		b.send(false, f);
		b.send(true, g);
	}
	b.drain();
	ck_assert_int_eq(b.cycle, beats + 1);
	for (size_t i = 1; i < b.turns.size(); i++)
		ck_assert_int_ne(b.turns[i], b.turns[i - 1]);
}
END_TEST

/* A new mode counts from the next frame on, both ways. */
START_TEST(mode_changes_in_a_frame)
{
	bench b(40);

	for (int n = 0; n < 200; n++) {
		bool on = n & 1;
		frame f = b.frame_random(0x8906), g = b.frame_random(0x8906);
		f.resize(200);
		g.resize(200);
		b.top->mode = on ? ENG_FCM_FCOE : ENG_FCM_OFF;
		b.receive(f, on);
		b.send(on, g);
		for (int k = b.rnd(10) + 1; k; k--)
			b.step();
		b.top->mode = on ? ENG_FCM_OFF : ENG_FCM_FCOE;
		b.drain();
	}
}
END_TEST

int main()
{
	Suite *s = suite_create("rtl.fc_eth");
	TCase *tc = tcase_create("all");
	SRunner *sr;
	int failed;

	tcase_add_loop_test(tc, both_kinds_interleaved, 0, 4);
	tcase_add_test(tc, other_modes);
	tcase_add_test(tc, short_frames);
	tcase_add_test(tc, fair_and_fast);
	tcase_add_test(tc, mode_changes_in_a_frame);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
