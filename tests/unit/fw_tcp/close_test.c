/* SPDX-License-Identifier: BSD-2-Clause */
/* Closing, from either side, in order and not; and that no engine touches anything after closed(). */
#include <errno.h>
#include <string.h>

#include "tcp_helper.h"

Suite *close_suite(void);

static void from_peer(uint8_t flags, uint32_t off, uint32_t ack)
{
	struct in s = { .flags = flags, .seq = PEERS(off), .ack = OURS(ack) };

	bring(&s);
}

START_TEST(we_close_first)
{
	open_conn(&agree_all);
	send_pdu(1, 100);
	ck_assert_int_eq(tcp_close(CONN), 0);
	pump();
	ck_assert_uint_eq(out_last()->flags, TH_FIN | TH_ACK);
	ck_assert_uint_eq(out_last()->seq, OURS(124));
	ck_assert_int_eq(tcp_state(CONN), TCP_FIN_WAIT_1);
	from_peer(TH_ACK, 0, 125);
	ck_assert_int_eq(tcp_state(CONN), TCP_FIN_WAIT_2);
	ck_assert_uint_eq(user[CONN].acked, 1);
	from_peer(TH_FIN | TH_ACK, 0, 125);
	ck_assert_uint_eq(out_last()->flags, TH_ACK);
	ck_assert_uint_eq(out_last()->ack, PEERS(1));
	ck_assert_uint_eq(user[CONN].remote_closed, 1);
	ck_assert_uint_eq(user[CONN].closed, 1);
	ck_assert_int_eq(user[CONN].err, 0);
	ck_assert_uint_eq(tw_used(), 1);
}
END_TEST

START_TEST(data_before_the_peers_fin_still_arrives)
{
	struct in s = { .flags = TH_FIN | TH_ACK, .seq = PEERS(0), .len = 300 };
	uint8_t b[300];

	open_conn(&agree_all);
	ck_assert_int_eq(tcp_close(CONN), 0);
	pump();
	for (uint32_t i = 0; i < 300; i++)
		b[i] = pattern(i);
	s.data = b;
	s.ack = OURS(1);
	bring(&s);
	check_stream(300);
	ck_assert_int_eq(user[CONN].err, 0);
	ck_assert_uint_eq(user[CONN].closed, 1);
}
END_TEST

START_TEST(the_peer_closes_first)
{
	open_conn(&agree_all);
	user[CONN].close_on_remote = true;
	from_peer(TH_FIN | TH_ACK, 0, 0);
	ck_assert_uint_eq(user[CONN].remote_closed, 1);
	ck_assert_int_eq(tcp_state(CONN), TCP_LAST_ACK);
	ck_assert_uint_eq(out_last()->flags, TH_FIN | TH_ACK);
	ck_assert_uint_eq(out_last()->ack, PEERS(1));
	from_peer(TH_ACK, 1, 1);
	ck_assert_uint_eq(user[CONN].closed, 1);
	ck_assert_int_eq(user[CONN].err, 0);
	ck_assert_uint_eq(tw_used(), 0);
}
END_TEST

START_TEST(half_closed_we_can_still_send)
{
	open_conn(&agree_all);
	from_peer(TH_FIN | TH_ACK, 0, 0);
	ck_assert_int_eq(tcp_state(CONN), TCP_CLOSE_WAIT);
	send_pdu(1, 5000);
	pump();
	for (uint32_t i = 0; i < outs(); i++)
		check_data(out_at(i));
	from_peer(TH_ACK, 1, 5024);
	ck_assert_uint_eq(user[CONN].acked, 1);
	ck_assert_int_eq(tcp_close(CONN), 0);
	pump();
	ck_assert_uint_eq(out_last()->seq, OURS(5024));
	from_peer(TH_ACK, 1, 5025);
	ck_assert_int_eq(user[CONN].err, 0);
	ck_assert_uint_eq(user[CONN].closed, 1);
}
END_TEST

START_TEST(both_close_at_once)
{
	open_conn(&agree_all);
	ck_assert_int_eq(tcp_close(CONN), 0);
	pump();
	from_peer(TH_FIN | TH_ACK, 0, 0);
	ck_assert_int_eq(tcp_state(CONN), TCP_CLOSING);
	ck_assert_uint_eq(out_last()->ack, PEERS(1));
	from_peer(TH_ACK, 1, 1);
	ck_assert_uint_eq(user[CONN].closed, 1);
	ck_assert_int_eq(user[CONN].err, 0);
	ck_assert_uint_eq(tw_used(), 1);
}
END_TEST

START_TEST(fin_follows_what_the_windows_held_back)
{
	uint32_t n;

	open_conn(&agree_all);
	send_pdu(1, 40000);
	ck_assert_int_eq(tcp_close(CONN), 0);
	pump();
	ck_assert_ptr_null(out_find(TH_FIN | TH_ACK));
	for (n = 0; !out_find(TH_FIN | TH_ACK); n++) {
		ck_assert_uint_lt(n, 10);
		from_peer(TH_ACK, 0, out_last()->seq + out_last()->len - OURS(0));
	}
	ck_assert_uint_eq(out_find(TH_FIN | TH_ACK)->seq, OURS(40024));
}
END_TEST

START_TEST(a_lost_fin_is_sent_again)
{
	uint32_t fins = 0;

	open_conn(&agree_all);
	ck_assert_int_eq(tcp_close(CONN), 0);
	advance_ms(4000);
	for (uint32_t i = 0; i < outs(); i++)
		fins += out_at(i)->flags == (TH_FIN | TH_ACK) && out_at(i)->seq == OURS(0);
	ck_assert_uint_ge(fins, 3);
	from_peer(TH_FIN | TH_ACK, 0, 1);
	ck_assert_uint_eq(user[CONN].closed, 1);
	ck_assert_int_eq(user[CONN].err, 0);
}
END_TEST

START_TEST(an_early_fin_waits_for_its_data)
{
	struct in s = { .flags = TH_FIN | TH_ACK, .seq = PEERS(500), .len = 500 };
	uint8_t b[500];

	open_conn(&agree_all);
	for (uint32_t i = 0; i < 500; i++)
		b[i] = pattern(500 + i);
	s.data = b;
	s.ack = OURS(0);
	bring(&s);
	ck_assert_uint_eq(user[CONN].remote_closed, 0);
	for (uint32_t i = 0; i < 500; i++)
		b[i] = pattern(i);
	s.seq = PEERS(0);
	s.flags = TH_ACK;
	bring(&s);
	check_stream(1000);
	ck_assert_uint_eq(user[CONN].remote_closed, 1);
	ck_assert_uint_eq(out_last()->ack, PEERS(1001));
	s.seq = PEERS(1001); /* nothing may follow a FIN */
	bring(&s);
	check_stream(1000);
}
END_TEST

START_TEST(remote_close_waits_for_the_stream)
{
	struct in s = { .flags = TH_FIN | TH_ACK, .seq = PEERS(0), .data = "0123456789", .len = 10 };

	open_conn(&agree_all);
	fake_opt.hold_stream = true;
	s.ack = OURS(0);
	bring(&s);
	advance_ms(20);
	ck_assert_uint_eq(user[CONN].remote_closed, 0);
	fake_stream_release(CONN);
	advance_ms(5);
	ck_assert_uint_eq(user[CONN].remote_closed, 1);
}
END_TEST

START_TEST(fin_wait_2_does_not_last_for_ever)
{
	open_conn(&agree_all);
	ck_assert_int_eq(tcp_close(CONN), 0);
	pump();
	from_peer(TH_ACK, 0, 1);
	advance_ms(11000);
	ck_assert_uint_eq(user[CONN].closed, 1);
	ck_assert_int_eq(user[CONN].err, -ETIMEDOUT);
}
END_TEST

START_TEST(time_wait_answers_a_repeated_fin)
{
	uint16_t port;
	struct in s = { .flags = TH_FIN | TH_ACK, .seq = PEERS(0) };
	uint8_t f[200];

	open_conn(&agree_all);
	port = tcp_local_port(CONN);
	ck_assert_int_eq(tcp_close(CONN), 0);
	pump();
	from_peer(TH_FIN | TH_ACK, 0, 1);
	ck_assert_uint_eq(user[CONN].closed, 1);
	out_clear();
	s.ack = OURS(1);
	fake_rx(f, build_frame(f, &s, port));
	pump();
	ck_assert_uint_eq(out_last()->flags, TH_ACK);
	ck_assert_uint_eq(out_last()->seq, OURS(1));
	ck_assert_uint_eq(out_last()->ack, PEERS(1));
	s.flags = TH_RST; /* RFC 1337 */
	s.seq = PEERS(1);
	fake_rx(f, build_frame(f, &s, port));
	pump();
	ck_assert_uint_eq(tw_used(), 1);
	advance_ms(1100);
	ck_assert_uint_eq(tw_used(), 0);
	s.flags = TH_FIN | TH_ACK;
	fake_rx(f, build_frame(f, &s, port));
	pump();
	ck_assert_uint_eq(out_last()->flags, TH_RST);
}
END_TEST

START_TEST(the_connection_number_is_free_during_time_wait)
{
	open_conn(&agree_all);
	ck_assert_int_eq(tcp_close(CONN), 0);
	pump();
	from_peer(TH_FIN | TH_ACK, 0, 1);
	memset(&user[CONN], 0, sizeof(user[CONN]));
	out_clear();
	open_conn(&agree_all);
	send_pdu(2, 10);
	pump();
	ck_assert_uint_eq(out_last()->len, 34);
}
END_TEST

/* --- abort ------------------------------------------------------------------------------------------------------------ */

START_TEST(abort_sends_a_reset_the_peer_believes)
{
	open_conn(&agree_all);
	send_pdu(1, 1000);
	pump();
	send_pdu(2, 3000); /* still in the queue */
	tcp_abort(CONN, -ECANCELED);
	ck_assert_uint_eq(user[CONN].closed, 0);
	pump();
	ck_assert_uint_eq(user[CONN].closed, 1);
	ck_assert_int_eq(user[CONN].err, -ECANCELED);
	ck_assert_uint_eq(out_last()->flags, TH_RST | TH_ACK);
	ck_assert_uint_eq(out_last()->seq, OURS(1024)); /* what really left */
	ck_assert_uint_eq(user[CONN].acked, 0);
	tcp_abort(CONN, -EIO);
	pump();
	ck_assert_uint_eq(user[CONN].closed, 1);
}
END_TEST

START_TEST(closed_waits_for_both_engines)
{
	struct hal_event ev;

	open_conn(&agree_all);
	send_pdu(1, 1000);
	tcp_abort(CONN, -EIO);
	ck_assert(hal_event_peek(&ev));
	ck_assert_uint_eq(ev.type, ENG_EVT_STOPPED);
	hal_event_pop();
	tcp_stopped(CONN);
	ck_assert_uint_eq(user[CONN].closed, 0); /* the transmit queue still holds the record */
	fake_run();
	ck_assert_uint_eq(fake_cnt.tx_killed, 1);
	ck_assert_uint_eq(outs(), 0);
	while (event_next(&ev)) {
		ck_assert_uint_eq(ev.type, ENG_EVT_TXDONE);
		ck_assert_uint_eq(user[CONN].closed, 0);
		tcp_txdone(&ev);
	}
	ck_assert_uint_eq(user[CONN].closed, 1);
	pump();
}
END_TEST

START_TEST(abort_in_every_state)
{
	open_conn(&agree_all);
	if (_i == 1 || _i == 2)
		tcp_close(CONN);
	pump();
	if (_i == 2)
		from_peer(TH_ACK, 0, 1);
	if (_i >= 3)
		from_peer(TH_FIN | TH_ACK, 0, 0);
	if (_i == 4)
		tcp_close(CONN);
	tcp_abort(CONN, -EIO);
	pump();
	ck_assert_uint_eq(user[CONN].closed, 1);
	ck_assert_int_eq(user[CONN].err, -EIO);
	ck_assert_ptr_nonnull(out_find(TH_RST | TH_ACK));
}
END_TEST

static const struct {
	uint8_t ack, fin; /* of ours, of the peer's: 0 no, 1 yes */
	int err;
} resets[] = { { 0, 0, -ECONNRESET }, { 1, 0, -ECONNRESET }, { 0, 1, 0 } };

START_TEST(reset_while_closing)
{
	open_conn(&agree_all);
	tcp_close(CONN);
	pump();
	if (resets[_i].ack)
		from_peer(TH_ACK, 0, 1);
	if (resets[_i].fin)
		from_peer(TH_FIN | TH_ACK, 0, 0);
	from_peer(TH_RST, resets[_i].fin, 0);
	ck_assert_uint_eq(user[CONN].closed, 1);
	ck_assert_int_eq(user[CONN].err, resets[_i].err);
}
END_TEST

START_TEST(time_wait_table_is_bounded)
{
	for (int i = 0; i < 100; i++) {
		open_conn(&agree_all);
		tcp_close(CONN);
		pump();
		from_peer(TH_FIN | TH_ACK, 0, 1);
		ck_assert_uint_eq(user[CONN].closed, 1);
		memset(&user[CONN], 0, sizeof(user[CONN]));
		ts_agreed = false;
		out_clear();
	}
	ck_assert_uint_le(tw_used(), 64);
}
END_TEST

Suite *close_suite(void)
{
	Suite *s = suite_create("close");
	TCase *t = tcase_create("close");

	tcase_set_timeout(t, 20);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, we_close_first);
	tcase_add_test(t, data_before_the_peers_fin_still_arrives);
	tcase_add_test(t, the_peer_closes_first);
	tcase_add_test(t, half_closed_we_can_still_send);
	tcase_add_test(t, both_close_at_once);
	tcase_add_test(t, fin_follows_what_the_windows_held_back);
	tcase_add_test(t, a_lost_fin_is_sent_again);
	tcase_add_test(t, an_early_fin_waits_for_its_data);
	tcase_add_test(t, remote_close_waits_for_the_stream);
	tcase_add_test(t, fin_wait_2_does_not_last_for_ever);
	tcase_add_test(t, time_wait_answers_a_repeated_fin);
	tcase_add_test(t, the_connection_number_is_free_during_time_wait);
	tcase_add_test(t, abort_sends_a_reset_the_peer_believes);
	tcase_add_test(t, closed_waits_for_both_engines);
	tcase_add_loop_test(t, abort_in_every_state, 0, 5);
	tcase_add_loop_test(t, reset_while_closing, 0, 3);
	tcase_add_test(t, time_wait_table_is_bounded);
	suite_add_tcase(s, t);
	return s;
}
