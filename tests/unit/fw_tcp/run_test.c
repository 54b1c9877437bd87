/* SPDX-License-Identifier: BSD-2-Clause */
/* Slow mode with frames queued one behind the other: what may wait for the end of a run, what may not, and what ends it. */
#include <string.h>

#include "lib/bytes.h"
#include "tcp_helper.h"

Suite *run_suite(void);

#define MSS 1448u

static uint8_t buf[2 * MSS];

static struct in segment(uint32_t off, uint32_t len)
{
	struct in s = {
		.flags = TH_ACK, .seq = PEERS(off), .ack = OURS(0), .data = buf, .len = len
	};

	for (uint32_t i = 0; i < len; i++)
		buf[i] = pattern(off + i);
	return s;
}

/* Into the event queue, behind what is there. */
static void queue(uint32_t off, uint32_t len)
{
	struct in s = segment(off, len);

	bring_more(&s);
}

static void check_fast(bool fast)
{
	struct eng_conn_state st;

	hal_conn_state(CONN, &st);
	ck_assert_int_eq(st.mode & 1, fast);
	ck_assert_int_eq(!!(tcb_of(CONN)->flags & F_FAST), fast);
}

/* A duplicate traps; everything behind it is one run with one answer, and fast mode is back. */
START_TEST(a_run_is_answered_once)
{
	open_conn(_i ? &agree_nothing : &agree_all);
	queue(0, 1000);
	queue(0, 1000);
	for (uint32_t i = 1; i < 40; i++)
		queue(i * 1000, 1000);
	ck_assert_uint_eq(fake_cnt.rx_fast, 1);
	out_clear();
	pump();
	check_stream(40000);
	ck_assert_uint_eq(outs(), 1);
	ck_assert_uint_eq(out_last()->ack, PEERS(40000));
	check_fast(true);
	queue(40000, 1000);
	ck_assert_uint_eq(fake_cnt.rx_fast, 2);
	check_stream(41000);
	ck_assert_uint_eq(fake_cells_used(), 0);
}
END_TEST

/* Copies of a segment between the others, whole or in part, change nothing. */
START_TEST(duplicates_within_a_run)
{
	open_conn(&agree_all);
	queue(0, 500);
	queue(0, 500);
	queue(500, 500);
	queue(200, 300);
	queue(500, 500);
	queue(800, 700);
	queue(0, 500);
	queue(1500, 500);
	pump();
	check_stream(2000);
	ck_assert_uint_eq(out_last()->ack, PEERS(2000));
	check_fast(true);
	ck_assert_uint_eq(fake_cells_used(), 0);
}
END_TEST

/* A gap within a run: the peer hears of it at once, often enough to send again, and not once more for each frame. */
START_TEST(a_gap_within_a_run)
{
	uint32_t n = 0;

	open_conn(&agree_all);
	out_clear();
	for (uint32_t i = 1; i < 40; i++)
		queue(i * 1000, 1000);
	pump();
	for (uint32_t i = 0; i < outs(); i++) {
		ck_assert_uint_eq(out_at(i)->ack, PEERS(0));
		ck_assert_uint_eq(out_at(i)->n_sack, 1);
		n++;
	}
	ck_assert_uint_ge(n, 4);
	ck_assert_uint_le(n, 6);
	ck_assert_uint_eq(out_at(0)->sack[0].end, PEERS(2000));
	ck_assert_uint_eq(out_last()->sack[0].end, PEERS(40000));
	check_fast(false);
	queue(0, 1000);
	queue(40000, 1000);
	pump();
	check_stream(41000);
	ck_assert_uint_eq(out_last()->ack, PEERS(41000));
	check_fast(true);
}
END_TEST

/* A peer without SACK counts: each segment out of order makes a duplicate. */
START_TEST(without_sack_every_duplicate_goes_out)
{
	open_conn(&agree_nothing);
	out_clear();
	for (uint32_t i = 1; i < 20; i++)
		queue(i * 1000, 1000);
	pump();
	ck_assert_uint_eq(outs(), 19);
	for (uint32_t i = 0; i < outs(); i++)
		ck_assert_uint_eq(out_at(i)->ack, PEERS(0));
}
END_TEST

/* Gaps in every order against the hint that shortens the search. */
START_TEST(gaps_in_any_order)
{
	static const uint8_t order[][8] = {
		{ 7, 6, 5, 4, 3, 2, 1, 0 }, { 1, 2, 3, 4, 5, 6, 7, 0 }, { 2, 4, 6, 1, 3, 5, 7, 0 },
		{ 5, 1, 5, 6, 2, 2, 7, 3 }, { 4, 7, 5, 6, 1, 3, 2, 0 },
	};

	open_conn(&agree_all);
	for (uint32_t i = 0; i < 8; i++)
		queue(order[_i][i] * 900u, 900);
	pump();
	for (uint32_t i = 0; i < 8; i++)
		queue(i * 900, 900);
	pump();
	check_stream(7200);
	check_fast(true);
	ck_assert_uint_eq(ooo_used(), 0);
	ck_assert_uint_eq(fake_cells_used(), 0);
}
END_TEST

/* Acknowledgements in a run: each counts, PDUs come back. */
START_TEST(acknowledgements_in_a_run)
{
	struct in s = { .flags = TH_ACK, .seq = PEERS(0) };
	uint32_t len = 0;

	open_conn(&agree_all);
	for (uint16_t i = 0; i < 4; i++)
		len += send_pdu(i, 1000);
	pump();
	fake_opt.slow_only = true;
	for (uint32_t i = 1; i <= 4; i++) {
		s.ack = OURS(i * (len / 4));
		bring_more(&s);
	}
	pump();
	ck_assert_uint_eq(user[CONN].acked, 4);
	ck_assert(user[CONN].in_order);
	ck_assert_uint_eq(tcb_of(CONN)->snd_una, OURS(len));
	ck_assert_uint_eq(tcb_of(CONN)->dupacks, 0);
}
END_TEST

/* What the short look must not let through: each is judged as it would be alone. */
enum odd { OLD_TS, NO_TS, FUTURE_ACK, FAR_ACK, BEYOND, RST, SYN, STRANGER, ODDS };

static struct in odd_segment(enum odd odd)
{
	struct in s = segment(2000, 1000);

	if (odd == OLD_TS)
		s.tsval = 1;
	s.no_ts = odd == NO_TS;
	if (odd == FUTURE_ACK)
		s.ack = OURS(5000);
	if (odd == FAR_ACK)
		s.ack = OURS(0) - 0x40000000u;
	if (odd == BEYOND)
		s.seq += 0x100000;
	if (odd == RST)
		s.flags = TH_RST | TH_ACK, s.seq++;
	if (odd == SYN)
		s.flags |= TH_SYN;
	if (odd == STRANGER)
		s.src = PEER_IP + 1;
	return s;
}

START_TEST(odd_segments_in_a_run)
{
	struct in s;

	open_conn(&agree_all);
	queue(0, 1000);
	queue(0, 1000); /* trap */
	queue(1000, 1000);
	s = odd_segment((enum odd)_i);
	bring_more(&s);
	queue(2000, 500);
	pump();
	check_stream(2500);
	ck_assert_uint_eq(user[CONN].closed, 0);
	ck_assert_uint_eq(tcb_of(CONN)->snd_una, OURS(0));
	ck_assert_uint_eq(fake_cells_used(), 0);
}
END_TEST

/* FIN and RST in the middle of a run end the connection as ever; frames behind them do no harm. */
START_TEST(the_end_in_a_run)
{
	struct in s;

	open_conn(&agree_all);
	queue(0, 1000);
	queue(0, 1000);
	s = segment(1000, 1000);
	s.flags |= _i ? TH_RST : TH_FIN;
	if (_i)
		s.len = 0;
	bring_more(&s);
	queue(2000, 1000);
	queue(1000, 1000);
	pump();
	advance_ms(5);
	ck_assert_uint_eq(user[CONN].closed, _i);
	ck_assert_uint_eq(user[CONN].remote_closed, !_i);
	if (!_i)
		check_stream(2000);
	ck_assert_uint_eq(fake_cells_used(), 0);
}
END_TEST

/* The window's end is remembered, not guessed: what lies beyond it is cut or dropped in a run too. */
START_TEST(a_run_fills_the_window_and_no_more)
{
	uint32_t len;

	open_conn(&agree_all);
	fake_opt.hold_stream = true;
	queue(0, 1000);
	queue(0, 1000);
	for (uint32_t i = 1; i < 200; i++)
		queue(i * 1000, 1000);
	pump();
	advance_ms(5);
	len = tcb_of(CONN)->rcv_nxt - PEERS(0);
	ck_assert_uint_eq(len, 0x20000);
	ck_assert_uint_eq(out_last()->wnd, 0);
	fake_opt.hold_stream = false;
	fake_stream_release(CONN);
	check_stream(len);
}
END_TEST

/* Longer than one turn allows, and the engine again behind it. */
START_TEST(a_very_long_run)
{
	open_conn(&agree_all);
	queue(0, 100);
	queue(0, 100);
	for (uint32_t i = 1; i < 400; i++)
		queue(i * 100, 100);
	pump();
	check_stream(40000);
	ck_assert_uint_eq(out_last()->ack, PEERS(40000));
	check_fast(true);
}
END_TEST

Suite *run_suite(void)
{
	Suite *s = suite_create("run");
	TCase *t = tcase_create("run");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, a_run_is_answered_once, 0, 2);
	tcase_add_test(t, duplicates_within_a_run);
	tcase_add_test(t, a_gap_within_a_run);
	tcase_add_test(t, without_sack_every_duplicate_goes_out);
	tcase_add_loop_test(t, gaps_in_any_order, 0, 5);
	tcase_add_test(t, acknowledgements_in_a_run);
	tcase_add_loop_test(t, odd_segments_in_a_run, 0, ODDS);
	tcase_add_loop_test(t, the_end_in_a_run, 0, 2);
	tcase_add_test(t, a_run_fills_the_window_and_no_more);
	tcase_add_test(t, a_very_long_run);
	suite_add_tcase(s, t);
	return s;
}
