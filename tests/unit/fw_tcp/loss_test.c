/* SPDX-License-Identifier: BSD-2-Clause */
/* Loss, step by step: what is sent again, when, and how the congestion window answers. */
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "tcp_helper.h"

Suite *loss_suite(void);

#define MSS 1448

static struct tcp_stats stats(void)
{
	struct tcp_stats st;

	tcp_get_stats(CONN, &st);
	return st;
}

/* Duplicate acknowledgement of `ack` with what the peer has beyond it, in segments. */
static void dup(uint32_t ack, uint32_t n, ...)
{
	struct in s = { .flags = TH_ACK, .seq = peer_nxt, .ack = OURS(ack * MSS), .n_sack = n };
	va_list ap;

	va_start(ap, n);
	for (uint32_t i = 0; i < n; i++) {
		s.sack[i].start = OURS(va_arg(ap, uint32_t) * MSS);
		s.sack[i].end = OURS(va_arg(ap, uint32_t) * MSS);
	}
	va_end(ap);
	bring(&s);
}

static void ten_out(const struct agree *a)
{
	open_conn(a);
	send_pdu(1, 60000);
	pump();
	ck_assert_uint_eq(outs(), 10);
	out_clear();
}

static void check_again(uint32_t i, uint32_t seg)
{
	ck_assert_uint_eq(out_at(i)->seq, OURS(seg * MSS));
	check_data(out_at(i));
}

START_TEST(limited_transmit_then_fast_retransmit)
{
	ten_out(&agree_all);
	dup(0, 1, 1, 2);
	ck_assert_uint_eq(outs(), 1); /* RFC 3042: one new segment for each of the first two */
	check_again(0, 10);
	dup(0, 1, 1, 3);
	ck_assert_uint_eq(outs(), 2);
	check_again(1, 11);
	ck_assert_uint_eq(stats().retransmits, 0);
	dup(0, 1, 1, 4);
	check_again(2, 0);
	ck_assert_uint_eq(stats().fast_retransmits, 1);
	ck_assert_uint_eq(stats().ssthresh, 6 * MSS);
	ck_assert_uint_eq(stats().retransmits, 1);
	/* The whole flight arrives: recovery ends, at half the window. */
	dup(12, 0);
	ck_assert_uint_le(stats().cwnd, 6 * MSS);
	ck_assert_uint_gt(outs(), 3);
	check_again(3, 12);
}
END_TEST

START_TEST(two_holes_with_sack)
{
	ten_out(&agree_all);
	dup(0, 1, 1, 2);
	dup(0, 2, 3, 4, 1, 2);
	dup(0, 2, 3, 5, 1, 2);
	dup(0, 2, 3, 9, 1, 2); /* segments 0 and 2 are lost, 9 to 11 under way */
	ck_assert_uint_eq(stats().retransmits, 2);
	check_again(2, 0);
	check_again(3, 2);
	for (uint32_t i = 4; i < outs(); i++)
		ck_assert_uint_ge(out_at(i)->seq, OURS(10 * MSS));
	out_clear();
	dup(2, 1, 3, 9); /* partial: 2 went already, nothing goes twice */
	for (uint32_t i = 0; i < outs(); i++)
		ck_assert_uint_ge(out_at(i)->seq, OURS(10 * MSS));
	ck_assert_uint_eq(stats().retransmits, 2);
	ck_assert_uint_eq(stats().rtos, 0);
}
END_TEST

START_TEST(newreno_without_sack)
{
	const struct agree a = { true, false, 7, 1460, PEER_WND };

	ten_out(&a);
	dup(0, 0); /* the first one changes the window: that of the SYN was not scaled */
	dup(0, 0);
	dup(0, 0);
	ck_assert_uint_eq(stats().retransmits, 0);
	dup(0, 0);
	ck_assert_uint_eq(stats().retransmits, 1);
	check_again(2, 0);
	out_clear();
	dup(3, 0); /* partial: segment 3 is missing too */
	ck_assert_uint_eq(stats().retransmits, 2);
	check_again(0, 3);
	dup(12, 0);
	ck_assert_uint_eq(stats().fast_retransmits, 1);
	ck_assert_uint_le(stats().cwnd, 6 * MSS);
	dup(12, 0);
	dup(12, 0);
	dup(12, 0); /* RFC 6582: nothing new was sent before `recover` */
	ck_assert_uint_ge(outs(), 1);
}
END_TEST

START_TEST(window_updates_are_no_duplicates)
{
	struct in s = { .flags = TH_ACK };

	ten_out(&(struct agree){ true, false, 7, 1460, PEER_WND });
	s.seq = peer_nxt;
	s.ack = OURS(0);
	for (int i = 0; i < 5; i++) {
		s.wnd = (uint16_t)(20000 + i);
		bring(&s);
	}
	ck_assert_uint_eq(stats().retransmits, 0);
	ck_assert_uint_eq(stats().dup_acks, 0);
}
END_TEST

START_TEST(lying_sack_blocks_are_ignored)
{
	struct in s = { .flags = TH_ACK, .n_sack = 3 };

	ten_out(&agree_all);
	s.seq = peer_nxt;
	s.ack = OURS(0);
	s.sack[0] = (struct range){ OURS(20 * MSS), OURS(30 * MSS) }; /* never sent */
	s.sack[1] = (struct range){ OURS(5 * MSS), OURS(4 * MSS) };   /* backwards */
	s.sack[2] = (struct range){ OURS(-5000), OURS(-4000) };       /* old */
	for (int i = 0; i < 10; i++)
		bring(&s);
	ck_assert_uint_eq(stats().retransmits, 0);
	ck_assert_uint_eq(stats().cwnd, 10 * MSS);
}
END_TEST

START_TEST(timeout_starts_over_with_one_segment)
{
	ten_out(&agree_all);
	advance_ms(300);
	ck_assert_uint_eq(outs(), 1);
	check_again(0, 0);
	ck_assert_uint_eq(stats().rtos, 1);
	ck_assert_uint_eq(stats().cwnd, MSS);
	ck_assert_uint_eq(stats().ssthresh, 5 * MSS);
	out_clear();
	dup(1, 0); /* slow start: two next */
	ck_assert_uint_eq(outs(), 2);
	check_again(0, 1);
	check_again(1, 2);
	out_clear();
	dup(10, 0);
	ck_assert_uint_ge(outs(), 1);
	check_again(0, 10);
}
END_TEST

START_TEST(what_has_not_left_is_not_repeated)
{
	open_conn(&agree_all);
	send_pdu(1, 3000); /* for a round trip and its short timeout */
	pump();
	ack_from_peer(expected_len);
	out_clear();
	fake_opt.tx_stop = 1; /* somebody's operation stands before ours, and never ends */
	send_pdu(2, 1000);
	advance_ms(1000);
	ck_assert_uint_eq(outs(), 0);
	ck_assert_uint_eq(stats().rtos, 0);
	ck_assert_uint_eq(fake_tx_queued(), 1);
	fake_opt.tx_stop = 0;
	pump();
	ck_assert_uint_eq(outs(), 1);
	check_data(out_at(0));
	ck_assert_uint_eq(stats().retransmits, 0);
	ck_assert_uint_gt(stats().cwnd, MSS);
	advance_ms(250); /* it has left now: the next timeout is a loss */
	ck_assert_uint_eq(stats().rtos, 1);
	ck_assert_uint_eq(outs(), 2);
	check_data(out_at(1));
	ack_from_peer(expected_len);
	ck_assert_uint_eq(user[CONN].acked, 2);
}
END_TEST

START_TEST(waiting_for_the_queue_has_an_end)
{
	open_conn(&agree_all);
	send_pdu(1, 3000);
	pump();
	ack_from_peer(expected_len);
	fake_opt.tx_stop = 32;
	send_pdu(2, 1000);
	advance_ms(8 * 200);
	ck_assert_uint_eq(stats().rtos, 0);
	advance_ms(300);
	ck_assert_uint_eq(stats().rtos, 1);
	advance_ms(600000);
	ck_assert_int_eq(tcp_state(CONN), TCP_STOPPING);
	fake_opt.tx_stop = 0;
	pump();
	ck_assert_int_eq(user[CONN].err, -ETIMEDOUT);
}
END_TEST

START_TEST(a_fin_is_repeated_at_the_first_timeout)
{
	open_conn(&agree_all);
	send_pdu(1, 3000);
	pump();
	ack_from_peer(expected_len);
	out_clear();
	ck_assert_int_eq(tcp_close(CONN), 0);
	pump();
	ck_assert_uint_eq(outs(), 1);
	advance_ms(250);
	ck_assert_uint_eq(outs(), 2);
	ck_assert_uint_eq(out_last()->flags, TH_FIN | TH_ACK);
	ck_assert_uint_eq(stats().rtos, 1);
}
END_TEST

START_TEST(timeouts_back_off_and_end)
{
	uint64_t last = 0, gap = 0;
	uint32_t n = 0;

	open_conn(&agree_all);
	send_pdu(1, 10);
	pump();
	out_clear();
	while (!user[CONN].closed) {
		advance_ms(20);
		if (outs() == n || user[CONN].closed)
			continue;
		ck_assert_uint_eq(outs(), n + 1);
		if (gap && gap < 29000000000ull)
			ck_assert(hal_now_ns() - last > gap * 18 / 10);
		gap = last ? hal_now_ns() - last : 0;
		last = hal_now_ns();
		n = outs();
		ck_assert_uint_lt(n, 20);
	}
	ck_assert_uint_eq(n, 12);
	ck_assert_int_eq(user[CONN].err, -ETIMEDOUT);
	ck_assert_uint_eq(out_last()->flags, TH_RST | TH_ACK);
}
END_TEST

START_TEST(rto_follows_the_round_trip)
{
	uint32_t off = 0;

	open_conn(&(struct agree){ false, true, 7, 1460, PEER_WND });
	for (uint16_t i = 1; i < 40; i++) {
		off += send_pdu(i, 0);
		pump();
		advance_ms(300);
		ack_from_peer(off);
	}
	ck_assert_uint_le(stats().rtos,
			  2); /* the first estimate, from the SYN, was far too short */
	ck_assert_uint_gt(stats().srtt_us, 270000);
	ck_assert_uint_lt(stats().srtt_us, 310000);
	send_pdu(40, 0);
	pump();
	out_clear();
	advance_ms(290);
	ck_assert_uint_eq(outs(), 0);
	advance_ms(400);
	ck_assert_uint_ge(outs(), 1);
}
END_TEST

START_TEST(an_answered_retransmission_is_no_round_trip)
{
	open_conn(&(struct agree){ false, true, 7, 1460, PEER_WND });
	send_pdu(1, 0);
	pump();
	ack_from_peer(24);
	send_pdu(2, 0);
	pump();
	advance_ms(3000);
	ack_from_peer(48);
	ck_assert_uint_lt(stats().srtt_us, 2000); /* Karn */
	ck_assert_uint_eq(user[CONN].acked, 2);
}
END_TEST

START_TEST(timestamps_time_retransmissions_too)
{
	struct in s = { .flags = TH_ACK };

	open_conn(&agree_all);
	send_pdu(1, 0);
	pump();
	s.tsecr = out_last()->tsval;
	advance_ms(500);
	ck_assert_uint_eq(stats().rtos, 1);
	s.seq = peer_nxt;
	s.ack = OURS(24);
	bring(&s); /* it answers the first one */
	ck_assert_uint_eq(user[CONN].acked, 1);
	ck_assert_uint_gt(stats().srtt_us, 50000); /* 500 ms, weighed by 1/8 */
}
END_TEST

START_TEST(small_pdus_are_repeated_one_by_one)
{
	open_conn(&agree_all);
	for (uint16_t i = 1; i <= 5; i++)
		send_pdu(i, 0);
	pump();
	out_clear();
	advance_ms(300);
	ck_assert_uint_eq(outs(), 5);
	for (uint32_t i = 0; i < 5; i++)
		check_data(out_at(i));
}
END_TEST

START_TEST(a_pdu_is_kept_while_its_repetition_is_queued)
{
	struct hal_event ev;
	struct in s = { .flags = TH_ACK };

	open_conn(&agree_all);
	send_pdu(1, 100);
	pump();
	fake_opt.tx_stop = 32;
	advance_ms(1100);
	ck_assert_uint_ge(fake_tx_queued(), 1);
	s.seq = peer_nxt;
	s.ack = OURS(124);
	bring(&s);
	ck_assert_uint_eq(user[CONN].acked,
			  0); /* acknowledged, but the engine will still read it */
	fake_opt.tx_stop = 0;
	pump();
	ck_assert_uint_eq(user[CONN].acked, 1);
	ck_assert(!hal_event_peek(&ev));
}
END_TEST

START_TEST(sack_forgotten_after_a_timeout)
{
	ten_out(&agree_all);
	dup(0, 1, 5, 6);
	dup(0, 1, 5, 7);
	advance_ms(1500);
	out_clear();
	dup(5, 0); /* the peer reneged: it has 5 no more */
	check_again(0, 5);
}
END_TEST

START_TEST(fast_mode_returns_after_recovery)
{
	uint32_t before;

	ten_out(&agree_all);
	dup(0, 1, 1, 4);
	dup(0, 1, 1, 5);
	dup(10, 0);
	before = fake_cnt.rx_to_fw;
	dup(11, 0);
	dup(12, 0);
	ck_assert_uint_eq(fake_cnt.rx_to_fw, before);
}
END_TEST

START_TEST(rescue_of_a_lost_tail)
{
	open_conn(&agree_all);
	send_pdu(1, 10 * MSS - 24);
	pump();
	out_clear();
	/* 0 and the last two are lost. */
	dup(0, 1, 1, 8);
	check_again(0, 0);
	dup(8, 0);
	ck_assert_uint_eq(stats().rtos, 0);
	ck_assert_uint_ge(stats().retransmits, 2);
	ck_assert_uint_ge(out_last()->seq, OURS(8 * MSS));
}
END_TEST

Suite *loss_suite(void)
{
	Suite *s = suite_create("loss");
	TCase *t = tcase_create("loss");

	tcase_set_timeout(t, 20);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, limited_transmit_then_fast_retransmit);
	tcase_add_test(t, two_holes_with_sack);
	tcase_add_test(t, newreno_without_sack);
	tcase_add_test(t, window_updates_are_no_duplicates);
	tcase_add_test(t, lying_sack_blocks_are_ignored);
	tcase_add_test(t, timeout_starts_over_with_one_segment);
	tcase_add_test(t, what_has_not_left_is_not_repeated);
	tcase_add_test(t, waiting_for_the_queue_has_an_end);
	tcase_add_test(t, a_fin_is_repeated_at_the_first_timeout);
	tcase_add_test(t, timeouts_back_off_and_end);
	tcase_add_test(t, rto_follows_the_round_trip);
	tcase_add_test(t, an_answered_retransmission_is_no_round_trip);
	tcase_add_test(t, timestamps_time_retransmissions_too);
	tcase_add_test(t, small_pdus_are_repeated_one_by_one);
	tcase_add_test(t, a_pdu_is_kept_while_its_repetition_is_queued);
	tcase_add_test(t, sack_forgotten_after_a_timeout);
	tcase_add_test(t, fast_mode_returns_after_recovery);
	tcase_add_test(t, rescue_of_a_lost_tail);
	suite_add_tcase(s, t);
	return s;
}
