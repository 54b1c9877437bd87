// SPDX-License-Identifier: BSD-2-Clause
/* Bench of weft_host, part one: registers, completions, interrupts. */
#include <cstdio>
#include <map>

#include "host_bench.hpp"

namespace
{

/* ---- registers ---- */

START_TEST(global_registers)
{
	Bench b(1);
	ck_assert_uint_eq(b.bar_read(WEFT_MAGIC), WEFT_MAGIC_VALUE);
	ck_assert_uint_eq(b.bar_read(WEFT_VERSION), WEFT_VERSION_MAJOR << 16 | WEFT_VERSION_MINOR);
	ck_assert_uint_eq(b.bar_read(WEFT_CAPS0), WEFT_N_SLOTS << 16 | WEFT_N_QP);
	ck_assert_uint_eq(b.bar_read(WEFT_CAPS1), ENG_N_CONN << 16 | WEFT_N_VECTORS);
	ck_assert_uint_eq(b.bar_read(WEFT_CTRL), 1);
	ck_assert_uint_eq(b.bar_read(WEFT_STATUS) & 8, 8);
	ck_assert_uint_eq(b.d->core_run, 1);
	b.bar_write(WEFT_CTRL, 0);
	ck_assert_uint_eq(b.d->core_run, 0);
	b.bar_write(WEFT_CTRL, 1);
	b.bar_write(WEFT_SCRATCH, 0x12345678);
	ck_assert_uint_eq(b.bar_read(WEFT_SCRATCH), 0x12345678);
	b.bar_write(WEFT_MAGIC, 0);
	ck_assert_uint_eq(b.bar_read(WEFT_MAGIC), WEFT_MAGIC_VALUE);
	ck_assert_uint_eq(b.mmio(ENG_VERSION), ENG_VERSION_MAJOR << 16 | ENG_VERSION_MINOR);
	b.mmio(ENG_HOST_FW_VERSION, 0x010203);
	b.mmio(ENG_HOST_FW_STATUS, 77);
	b.mmio(ENG_HOST_STATUS, 1);
	b.mmio(ENG_HOST_LOG_TAIL, 4097);
	ck_assert_uint_eq(b.bar_read(WEFT_FW_VERSION), 0x010203);
	ck_assert_uint_eq(b.mmio(ENG_HOST_FW_VERSION), 0x010203);
	ck_assert_uint_eq(b.bar_read(WEFT_FW_STATUS), 77);
	ck_assert_uint_eq(b.bar_read(WEFT_STATUS) & 3, 1);
	ck_assert_uint_eq(b.bar_read(WEFT_LOG_TAIL), 4097);
	b.d->time_ns = 0x1fffffff0ull;
	uint32_t lo = b.bar_read(WEFT_TIME_LO);
	b.step(20);
	ck_assert_uint_eq(b.bar_read(WEFT_TIME_HI), lo >= 0xfffffff0u ? 1 : 2);
	ck_assert_uint_gt(b.counter(WEFT_CNT_CYCLES), 2000);
	uint32_t n = b.counter(WEFT_CNT_CYCLES), c = (uint32_t)b.cycle;
	b.step(100);
	ck_assert_uint_eq(b.counter(WEFT_CNT_CYCLES) - n, (uint32_t)b.cycle - c);
	ck_assert_uint_eq(b.counter(63), 0);
	ck_assert_uint_eq(b.counter(WEFT_CNT_BAR_BAD), 0);
}
END_TEST

START_TEST(counters_add)
{
	Bench b(2);
	b.d->cnt_inc = ~0ull;
	b.d->core_retire = 1;
	b.tick();
	b.d->cnt_inc = 0;
	b.d->core_retire = 0;
	static const unsigned plain[] = { WEFT_CNT_SQE_FETCHED,  WEFT_CNT_TX_FRAMES,
					  WEFT_CNT_TX_OPS,       WEFT_CNT_RX_DDGST_BAD,
					  WEFT_CNT_RX_STALL_DMA, WEFT_CNT_CORE_INSTRET,
					  WEFT_CNT_EVENTS };
	for (unsigned n : plain)
		ck_assert_uint_eq(b.counter(n), 1);
	for (unsigned n = WEFT_CNT_FC_TX_FRAMES; n <= WEFT_CNT_FC_RX_TRAP; n++)
		ck_assert_uint_eq(b.counter(n), 1);
	uint32_t tx = b.counter(WEFT_CNT_TX_BYTES), rx = b.counter(WEFT_CNT_RX_BYTES),
		 t = (uint32_t)b.cycle;
	b.step(10);
	uint32_t tx2 = b.counter(WEFT_CNT_TX_BYTES), t2 = (uint32_t)b.cycle;
	uint32_t rx2 = b.counter(WEFT_CNT_RX_BYTES);
	/* The reads of rx lie one read (four cycles) after those of tx; the bench feeds 3 and 16 bytes a cycle. */
	ck_assert_uint_eq((tx2 - tx) % 3, 0);
	ck_assert_uint_eq((rx2 - rx) % 16, 0);
	ck_assert_uint_eq((tx2 - tx) / 3, (rx2 - rx) / 16);
	ck_assert_uint_ge((tx2 - tx) / 3, t2 - t);
}
END_TEST

START_TEST(bad_accesses_count_and_do_nothing)
{
	Bench b(3);
	static const uint32_t undefined[] = {
		0x038,   0x03c,   0x050,   0x0fc,   0x200,   0xffc, 0x2000, 0xf000, 0x10008,
		0x10ffc, 0x8f008, 0x90000, 0x90004, 0xffffc, 0x001, 0x102,  0x1003, 0x10002
	};
	unsigned bad = 0;
	for (uint32_t a : undefined) {
		ck_assert_uint_eq(b.bar_read(a), 0);
		b.bar_write(a, 0xffffffff);
		bad += 2;
		ck_assert_uint_eq(b.counter(WEFT_CNT_BAR_BAD), bad);
	}
	b.bar_write(WEFT_SCRATCH, 5);
	for (unsigned strb = 0; strb < 15; strb++)
		b.bar_write(WEFT_SCRATCH, 0xffffffff, strb);
	bad += 15;
	ck_assert_uint_eq(b.bar_read(WEFT_SCRATCH), 5);
	ck_assert_uint_eq(b.counter(WEFT_CNT_BAR_BAD), bad);
	ck_assert_uint_eq(b.bar_read(WEFT_DB_PAGE), 0); /* write-only, but defined */
	ck_assert_uint_eq(b.counter(WEFT_CNT_BAR_BAD), bad);
	ck_assert_uint_eq(b.bar_read(WEFT_CTRL), 1);
	ck_assert(b.events.empty());
}
END_TEST

START_TEST(log_window)
{
	Bench b(4);
	uint8_t want[4096];
	for (unsigned i = 0; i < 4096; i++) {
		want[i] = (uint8_t)(i * 7 ^ i >> 8);
		b.core(true, ENG_LOG_BASE + (i & ~3u), 0x01010101u * want[i], 1u << (i & 3));
	}
	for (unsigned i = 0; i < 4096; i += 4) {
		uint32_t v;
		memcpy(&v, want + i, 4);
		ck_assert_uint_eq(b.bar_read(WEFT_LOG_WINDOW + i), v);
	}
	ck_assert_uint_eq(b.core(false, ENG_LOG_BASE + 8, 0), b.bar_read(WEFT_LOG_WINDOW + 8));
}
END_TEST

START_TEST(admin_ring_registers)
{
	Bench b(5);
	static const uint32_t size[][2] = { { 0x000, 0x302 }, { 0x302, 0x302 },
					    { 0xfff, 0xa06 }, { 0x604, 0x604 },
					    { 0x404, 0x504 }, { 0xb06, 0xa06 },
					    { 0x701, 0x702 }, { 0xffffffff, 0xa06 } };
	b.bar_write(WEFT_ASQ_LO, 0x11111140);
	b.bar_write(WEFT_ASQ_HI, 0x22222222);
	b.bar_write(WEFT_ACQ_LO, 0x33333340);
	b.bar_write(WEFT_ACQ_HI, 0x44444444);
	for (auto &s : size) {
		b.bar_write(WEFT_AQ_SIZE, s[0]);
		ck_assert_uint_eq(b.bar_read(WEFT_AQ_SIZE), s[1]);
		ck_assert_uint_eq(b.mmio(ENG_AQ_BASE + 16), s[1]);
	}
	b.bar_write(WEFT_AQ_CTRL, 0xffffffff);
	Event e = b.wait_event();
	ck_assert_uint_eq(e.type, ENG_EVT_ADMIN);
	ck_assert_uint_eq(b.mmio(ENG_AQ_BASE), 0x11111140);
	ck_assert_uint_eq(b.mmio(ENG_AQ_BASE + 4), 0x22222222);
	ck_assert_uint_eq(b.mmio(ENG_AQ_BASE + 8), 0x33333340);
	ck_assert_uint_eq(b.mmio(ENG_AQ_BASE + 12), 0x44444444);
	ck_assert_uint_eq(b.mmio(ENG_AQ_BASE + 20), 1);
	b.bar_write(WEFT_AQ_CTRL, 0);
	ck_assert_uint_eq(b.wait_event().type, ENG_EVT_ADMIN);
	ck_assert_uint_eq(b.mmio(ENG_AQ_BASE + 20), 0);
	b.settle();
	ck_assert_uint_eq(b.bar_read(WEFT_STATUS) & 4, 4);
	b.d->idle_others = 0;
	ck_assert_uint_eq(b.bar_read(WEFT_STATUS) & 4, 0);
}
END_TEST

/* ---- completions ---- */

START_TEST(overrun_loses_the_entry_only)
{
	Bench b(11);
	uint8_t e[128];
	Bench::Pair p = b.open(9, 3, 2, 40),
		    q = b.open(10, 3, 4, 60); /* p: completion ring of 4, too small */
	b.entry(p, 1, 1, e);
	b.sq_db(9, p.tail);
	b.wait_event();
	for (unsigned i = 0; i < 3; i++) {
		b.mmio(ENG_CQ_SPACE, 9);
		ck_assert_uint_eq(b.mmio(ENG_CQ_SPACE), 3 - i);
		b.complete_simple(9, i, ENG_NO_SLOT, 1000 + i);
	}
	b.complete_simple(9, 1, 41, 1003); /* no room */
	b.complete_simple(10, 1, ENG_NO_SLOT, 2000);
	b.complete_simple(9, 1, ENG_NO_SLOT, 1004); /* no room either, told once */
	b.complete_simple(500, 1, ENG_NO_SLOT, 1);  /* no such pair */
	Event v = b.wait_event();
	ck_assert_uint_eq(v.type, ENG_EVT_QP_ERROR);
	ck_assert_uint_eq(v.id, 9);
	ck_assert_uint_eq(v.w1, 75);
	b.settle();
	ck_assert(b.events.empty());
	ck_assert_uint_eq(b.counter(WEFT_CNT_CQE_LOST), 3);
	ck_assert_uint_eq(b.counter(WEFT_CNT_CQE_WRITTEN), 4);
	struct weft_cq_entry c;
	for (unsigned i = 0; i < 3; i++) {
		ck_assert(b.poll(p, &c));
		ck_assert_uint_eq(c.data_len, 1000 + i);
	}
	ck_assert(!b.poll(p, &c));
	ck_assert(b.poll(q, &c));
	ck_assert_uint_eq(c.data_len, 2000);
	b.entry(p, 1, 2, e); /* the slot of the lost one is free */
	b.sq_db(9, p.tail);
	ck_assert_uint_eq(b.wait_event().flags, 0);
	b.cq_db(9, p.head); /* and the ring goes on where it stood */
	b.complete_simple(9, 7, ENG_NO_SLOT, 1007);
	b.settle();
	ck_assert(b.poll(p, &c));
	ck_assert_uint_eq(c.data_len, 1007);
	ck_assert_uint_eq(c.cid, 7);
}
END_TEST

/* Completion waits for the data written before it, then takes what that data's answers said. */
START_TEST(completion_waits_for_data)
{
	for (unsigned delay = 0; delay < 8; delay++) {
		Bench b(12 + delay);
		uint8_t e[128];
		struct weft_cq_entry c;
		Bench::Pair p = b.open(1, 2, 3, 8);
		b.entry(p, 2, 1, e);
		b.sq_db(1, p.tail);
		b.wait_event();
		b.flag_slot = 10;
		b.flag_delay = delay;
		b.mem.bad.push_back({ 0x700000, 0x700fff });
		b.wr.hold_b = true;
		b.place.push_back({ 0x500000, std::vector<uint8_t>(5000, 0x5a) });
		b.place.push_back({ 0x700010, std::vector<uint8_t>(20, 0xa5) });
		b.step(600);
		uint32_t op[7] = { 1 | WEFT_CQT_COMMAND << 16 | (uint32_t)WEFT_CQF_SYNTH << 24,
				   2,
				   3,
				   4,
				   5,
				   6,
				   7 };
		b.complete(op, 10);
		b.cq_db(1, Bench::ARM);
		b.step(500);
		ck_assert(!b.poll(p, &c));
		b.wr.hold_b = false;
		for (unsigned i = 0; !b.poll(p, &c); i++) {
			b.tick();
			ck_assert_uint_lt(i, 300);
		}
		ck_assert_uint_eq(c.flags, WEFT_CQF_SYNTH | WEFT_CQF_DMA_ERR);
		ck_assert_uint_eq(b.mem.get(0x500000 + 4999), 0x5a);
		b.settle();
		ck_assert_uint_eq(b.irqs.size(), 1);
		ck_assert_uint_eq(b.counter(WEFT_CNT_DMA_WR_ERR), 1);
		/* The slot's next user starts without flags. */
		b.entry(p, 2, 2, e);
		b.sq_db(1, p.tail);
		b.wait_event();
		b.complete(op, 10);
		b.settle();
		ck_assert(b.poll(p, &c));
		ck_assert_uint_eq(c.flags, WEFT_CQF_SYNTH);
		b.flag_in = 1; /* a flag for a slot nobody has does not reach its next user */
		b.step(5);
		b.entry(p, 2, 3, e);
		b.sq_db(1, p.tail);
		b.wait_event();
		b.complete(op, 10);
		b.settle();
		ck_assert(b.poll(p, &c));
		ck_assert_uint_eq(c.flags, WEFT_CQF_SYNTH);
	}
}
END_TEST

START_TEST(completions_are_pipelined)
{
	Bench b(13);
	b.open(1, 5, 8, 0);
	for (unsigned i = 0; i < 7; i++)
		b.mmio(ENG_CPL_QP + i * 4, i ? 0 : 1);
	ck_assert_uint_ge(b.mmio(ENG_CPL_FREE), 16);
	b.wr.hold_b = true; /* nothing is answered: how far does it get? */
	uint64_t start = b.cycle;
	for (unsigned i = 0; i < 16; i++)
		b.mmio(ENG_CPL_PUSH, ENG_NO_SLOT);
	ck_assert_uint_le(b.cycle - start, 32); /* two cycles each */
	b.step(300);
	ck_assert_uint_ge(b.wr.b.size(), 8);
	b.wr.hold_b = false;
	b.settle();
	b.wr.k.latency = 200;
	start = b.cycle;
	for (unsigned i = 0; i < 160; i++)
		b.mmio(ENG_CPL_PUSH, ENG_NO_SLOT);
	b.settle();
	printf("completions with write latency 200: %.1f cycles each\n",
	       (double)(b.cycle - start) / 160);
	ck_assert_uint_lt(b.cycle - start, 160 * 30);
	ck_assert_uint_eq(b.counter(WEFT_CNT_CQE_WRITTEN), 176);
}
END_TEST

START_TEST(unwritable_completion_ring)
{
	Bench b(14);
	uint8_t e[128];
	struct weft_cq_entry c;
	Bench::Pair bad = b.open(1, 3, 4, 0), good = b.open(2, 3, 4, 8);
	b.mem.bad.push_back({ bad.cq, bad.cq + 4095 });
	b.complete_simple(1, 0, ENG_NO_SLOT);
	b.complete_simple(1, 1, ENG_NO_SLOT);
	b.complete_simple(2, 2, ENG_NO_SLOT);
	Event v = b.wait_event();
	ck_assert_uint_eq(v.type, ENG_EVT_QP_ERROR);
	ck_assert_uint_eq(v.id, 1);
	ck_assert_uint_eq(v.w1, 14);
	b.settle();
	ck_assert(b.events.empty());
	ck_assert_uint_eq(b.qp_word(1, 6), 0);
	ck_assert(b.poll(good, &c));
	ck_assert_uint_eq(c.cid, 2);
	b.entry(good, 1, 1, e);
	b.sq_db(2, good.tail);
	ck_assert_uint_eq(b.wait_event().type, ENG_EVT_SQE);
}
END_TEST

/* ---- interrupts ---- */

START_TEST(interrupts_fire_only_when_armed)
{
	Bench b(15);
	struct weft_cq_entry c;
	Bench::Pair p = b.open(5, 4, 5, 0);
	b.complete_simple(5, 0, ENG_NO_SLOT);
	b.settle();
	ck_assert(b.irqs.empty());
	b.cq_db(5, Bench::ARM); /* an entry is there already */
	b.settle();
	ck_assert_uint_eq(b.irqs.size(), 1);
	ck_assert_uint_eq(b.irqs[0], p.vector);
	b.complete_simple(5, 1, ENG_NO_SLOT);
	b.settle();
	ck_assert_uint_eq(b.irqs.size(), 1); /* firing disarmed */
	while (b.poll(p, &c))
		;
	b.cq_db(5, p.head | Bench::ARM); /* all consumed: waits for the next */
	b.settle();
	ck_assert_uint_eq(b.irqs.size(), 1);
	b.wr.hold_b = true;
	b.complete_simple(5, 2, ENG_NO_SLOT);
	b.step(200);
	ck_assert_uint_eq(b.irqs.size(), 1); /* not before the write is answered */
	ck_assert(b.poll(p, &c));
	b.cq_db(5, p.head | Bench::ARM); /* consumed before its answer came: no interrupt for it */
	b.wr.hold_b = false;
	b.settle();
	ck_assert_uint_eq(b.irqs.size(), 1);
	b.complete_simple(5, 3, ENG_NO_SLOT);
	b.settle();
	ck_assert_uint_eq(b.irqs.size(), 2);
	ck_assert_uint_eq(b.counter(WEFT_CNT_MSIX_SENT), 2);
	b.cq_db(5, p.head); /* a head without ARM */
	b.settle();
	ck_assert_uint_eq(b.irqs.size(), 2);
}
END_TEST

START_TEST(coalescing)
{
	Bench b(16);
	struct weft_cq_entry c;
	Bench::Pair p = b.open(6, 4, 5, 0, 4, 50);
	b.cq_db(6, Bench::ARM);
	for (unsigned i = 0; i < 3; i++)
		b.complete_simple(6, i, ENG_NO_SLOT);
	b.step(200);
	ck_assert(b.irqs.empty());
	b.complete_simple(6, 3, ENG_NO_SLOT);
	b.step(100);
	ck_assert_uint_eq(b.irqs.size(), 1); /* the fourth raises it */
	while (b.poll(p, &c))
		;
	b.cq_db(6, p.head | Bench::ARM);
	b.step(20000);
	ck_assert_uint_eq(b.irqs.size(), 1); /* nothing there: no timer runs */
	b.complete_simple(6, 4, ENG_NO_SLOT);
	uint64_t start = b.d->time_ns;
	for (unsigned i = 0; b.irqs.size() < 2; i++) {
		b.tick();
		ck_assert_uint_eq(b.d->busy, b.irqs.size() < 2 || b.d->busy);
		ck_assert_uint_lt(i, 20000);
	}
	ck_assert_uint_ge(b.d->time_ns - start, 50000);
	ck_assert_uint_le(b.d->time_ns - start, 52000);
	/* The host consumes the entry while the timer runs: no interrupt. */
	while (b.poll(p, &c))
		;
	b.cq_db(6, p.head | Bench::ARM);
	b.complete_simple(6, 5, ENG_NO_SLOT);
	b.step(1000);
	ck_assert(b.poll(p, &c));
	b.cq_db(6, p.head | Bench::ARM);
	b.step(20000);
	ck_assert_uint_eq(b.irqs.size(), 2);
	/* Many pairs with timers at once, and slow acknowledgement. */
	b.ack_pct = 5;
	for (unsigned qp = 20; qp < 60; qp++) {
		b.open(qp, 2, 3, 0, 100, 10 + qp);
		b.cq_db(qp, Bench::ARM);
		b.complete_simple(qp, 0, ENG_NO_SLOT);
	}
	b.irqs.clear();
	b.step(30000);
	ck_assert_uint_eq(b.irqs.size(), 40);
	std::map<unsigned, int> seen;
	for (unsigned v : b.irqs)
		ck_assert_int_eq(++seen[v], 1);
	/* A count without a time must not wait for ever. */
	b.open(70, 2, 3, 0, 100, 0);
	b.cq_db(70, Bench::ARM);
	b.complete_simple(70, 0, ENG_NO_SLOT);
	b.step(500);
	ck_assert_uint_eq(b.irqs.size(), 41);
}
END_TEST

} /* namespace */

static void add_host_tests(Suite *s)
{
	static const struct {
		const char *name;
		const TTest *test;
	} all[] = {
		{ "global_registers", global_registers },
		{ "counters_add", counters_add },
		{ "bad_accesses", bad_accesses_count_and_do_nothing },
		{ "log_window", log_window },
		{ "admin_ring", admin_ring_registers },
		{ "overrun", overrun_loses_the_entry_only },
		{ "waits", completion_waits_for_data },
		{ "pipelined", completions_are_pipelined },
		{ "unwritable", unwritable_completion_ring },
		{ "armed", interrupts_fire_only_when_armed },
		{ "coalescing", coalescing },
	};

	for (auto &t : all) {
		TCase *tc = tcase_create(t.name);
		tcase_set_timeout(tc, 50);
		tcase_add_test(tc, t.test);
		suite_add_tcase(s, tc);
	}
}

int main()
{
	Suite *s = suite_create("host");
	SRunner *sr;
	int failed;

	add_host_tests(s);
	add_ring_tests(s);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? 1 : 0;
}
