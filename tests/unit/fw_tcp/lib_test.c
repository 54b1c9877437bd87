/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdarg.h>
#include <string.h>

#include "lib/csum.h"
#include "lib/log.h"
#include "lib/pool.h"
#include "lib/siphash.h"
#include "tcp_helper.h"

Suite *lib_suite(void);

START_TEST(pool_gives_each_item_once)
{
	uint64_t items[5];
	struct pool p;
	void *got[5];

	pool_init(&p, items, sizeof(items[0]), 5);
	for (int i = 0; i < 5; i++) {
		got[i] = pool_get(&p);
		ck_assert_ptr_nonnull(got[i]);
		for (int k = 0; k < i; k++)
			ck_assert_ptr_ne(got[i], got[k]);
	}
	ck_assert_ptr_null(pool_get(&p));
	ck_assert_uint_eq(p.used, 5);
	pool_put(&p, got[2]);
	ck_assert_ptr_eq(pool_get(&p), got[2]);
	ck_assert_uint_eq(p.peak, 5);
}
END_TEST

static struct timer timers[200];
static uint32_t fired_at[200], fired;
static uint32_t again_every;

static void on_timer(struct timer *t)
{
	fired_at[t - timers] = clk_now();
	fired++;
	if (again_every)
		timer_set(t, clk_now() + again_every);
}

START_TEST(timers_fire_at_their_tick)
{
	static const uint32_t delays[] = { 1,    2,    63,   64,    65,     127,    128,
					   4095, 4096, 4097, 10000, 262143, 262144, 300000 };
	uint32_t start = clk_now();

	fired = again_every = 0;
	for (uint32_t i = 0; i < sizeof(delays) / sizeof(delays[0]); i++) {
		timer_setup(&timers[i], on_timer);
		timer_set(&timers[i], start + delays[i]);
	}
	while (timer_count()) {
		uint64_t next = timer_next_ns();

		ck_assert(next > hal_now_ns());
		ck_assert(next != UINT64_MAX);
		fake_advance(next - hal_now_ns());
		timer_run(clk_now());
	}
	for (uint32_t i = 0; i < sizeof(delays) / sizeof(delays[0]); i++)
		ck_assert_uint_eq(fired_at[i], start + delays[i]);
	ck_assert(timer_next_ns() == UINT64_MAX);
}
END_TEST

/* Against a plain array: random sets, moves, cancels and steps of time. */
START_TEST(timers_agree_with_a_simple_model)
{
	uint32_t rng = 7, expiry[200] = { 0 };

	fired = again_every = 0;
	for (int i = 0; i < 200; i++)
		timer_setup(&timers[i], on_timer);
	for (int step = 0; step < 3000; step++) {
		uint32_t i, now = clk_now();

		rng = rng * 1664525 + 1013904223;
		i = (rng >> 8) % 200;
		if (rng >> 30) {
			expiry[i] = now + 1 + (rng >> 12) % ((rng & 1) ? 80 : 9000);
			timer_set(&timers[i], expiry[i]);
		} else {
			expiry[i] = 0;
			timer_cancel(&timers[i]);
		}
		memset(fired_at, 0, sizeof(fired_at));
		fake_advance((uint64_t)((rng >> 16) % 50) << TIMER_TICK_SHIFT);
		timer_run(clk_now());
		for (i = 0; i < 200; i++) {
			bool due = expiry[i] && (int32_t)(clk_now() - expiry[i]) >= 0;

			if (due != (fired_at[i] != 0) ||
			    (!due && !expiry[i] != !timer_pending(&timers[i])))
				ck_abort_msg("timer %u at step %d", i, step);
			if (due)
				expiry[i] = 0;
		}
	}
	for (int i = 0; i < 200; i++)
		timer_cancel(&timers[i]);
	ck_assert_uint_eq(timer_count(), 0);
}
END_TEST

START_TEST(a_timer_may_set_itself_again)
{
	timer_setup(&timers[0], on_timer);
	fired = 0;
	again_every = 10;
	timer_set(&timers[0], clk_now() + 10);
	fake_advance(105ull << TIMER_TICK_SHIFT);
	for (int i = 0; i < 200; i++)
		timer_run(clk_now());
	ck_assert_uint_eq(fired, 1); /* each time counts from when it ran */
	fake_advance(10ull << TIMER_TICK_SHIFT);
	timer_run(clk_now());
	ck_assert_uint_eq(fired, 2);
	timer_cancel(&timers[0]);
}
END_TEST

static const char *format(const char *fmt, ...)
{
	static char buf[100];
	va_list ap;

	va_start(ap, fmt);
	buf[fmt_line(buf, sizeof(buf) - 1, fmt, ap)] = '\0';
	va_end(ap);
	return buf;
}

START_TEST(log_formats)
{
	ck_assert_str_eq(format("a %u b %d c %x", 12u, -7, 0xbeefu), "a 12 b -7 c beef");
	ck_assert_str_eq(format("%08x|%4u|%s|%c|%%", 0x1fu, 5u, "text", 'z'),
			 "0000001f|   5|text|z|%");
	ck_assert_str_eq(format("%I", 0x0a0001feu), "10.0.1.254");
	ck_assert_str_eq(format("%d", INT32_MIN), "-2147483648");
	ck_assert_str_eq(format("%u%", 1u), "1");
}
END_TEST

START_TEST(log_ring_wraps_and_limits)
{
	log_init();
	log_line("first %u", 1u);
	ck_assert_str_eq(fake_log, "first 1\n");
	for (int i = 0; i < 1000; i++)
		log_line("0123456789");
	ck_assert_ptr_null(strstr(fake_log, "first"));
	log_init();
	memset(fake_log, 0, sizeof(fake_log));
	for (int i = 0; i < 100; i++)
		log_limited("noise");
	ck_assert_uint_eq(strlen(fake_log), 8 * strlen("noise\n"));
}
END_TEST

START_TEST(checksum_of_known_header)
{
	static const uint8_t h[] = { 0x45, 0,    0,    0x73, 0, 0, 0x40, 0,    0x40, 0x11,
				     0xb8, 0x61, 0xc0, 0xa8, 0, 1, 0xc0, 0xa8, 0,    0xc7 };

	ck_assert_uint_eq(csum_fold(csum_add(0, h, sizeof(h))), 0);
	ck_assert_uint_eq(csum_fold(csum_add(0, (const uint8_t[]){ 1, 2, 3 }, 3)), 0xfbfd);
}
END_TEST

START_TEST(milliseconds_to_ticks)
{
	static const uint32_t ms[] = { 1, 10, 200, 1000, 60000, 1000000 };

	for (int i = 0; i < 6; i++) {
		uint64_t ns = (uint64_t)clk_ms(ms[i]) << TIMER_TICK_SHIFT;

		ck_assert(ns >= ms[i] * 1000000ull);
		ck_assert(ns <= ms[i] * 1003000ull + (2u << TIMER_TICK_SHIFT));
	}
}
END_TEST

/* Key 00..0f, message 00, 01, 02, ...: reference values of SipHash-2-4. */
START_TEST(siphash_of_known_messages)
{
	static const struct {
		uint32_t words;
		uint64_t hash;
	} known[] = {
		{ 0, 0x726fdb47dd0e0e31 },
		{ 1, 0xcf2794e0277187b7 },
		{ 4, 0x3f2acc7f57c29bdb },
		{ 5, 0xbed65cf21aa2ee98 },
	};
	uint32_t key[4], msg[5];

	for (uint32_t i = 0; i < 5; i++)
		msg[i] = 0x03020100 + i * 0x04040404;
	memcpy(key, msg, sizeof(key));
	for (uint32_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		ck_assert_uint_eq(siphash(key, msg, known[i].words), known[i].hash);
	key[3] ^= 0x80000000;
	ck_assert_uint_ne(siphash(key, msg, 5), known[3].hash);
}
END_TEST

Suite *lib_suite(void)
{
	Suite *s = suite_create("lib");
	TCase *t = tcase_create("lib");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, pool_gives_each_item_once);
	tcase_add_test(t, timers_fire_at_their_tick);
	tcase_add_test(t, timers_agree_with_a_simple_model);
	tcase_add_test(t, a_timer_may_set_itself_again);
	tcase_add_test(t, log_formats);
	tcase_add_test(t, log_ring_wraps_and_limits);
	tcase_add_test(t, checksum_of_known_header);
	tcase_add_test(t, milliseconds_to_ticks);
	tcase_add_test(t, siphash_of_known_messages);
	suite_add_tcase(s, t);
	return s;
}
