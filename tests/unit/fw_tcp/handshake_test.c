/* SPDX-License-Identifier: BSD-2-Clause */
/* Passive open, one handshake at a time: options, the third segment, repetition, what is wrong with a segment. */
#include <errno.h>

#include "client.h"

Suite *handshake_suite(void);

/* --- handshakes ------------------------------------------------------------------------------------------------------- */

static const struct {
	struct agree a;
	uint16_t mss_sent;
} deals[] = {
	{ { true, true, 7, 1460, PEER_WND }, 1448 },
	{ { false, false, -1, 1460, PEER_WND }, 1460 },
	{ { true, false, 0, 1000, PEER_WND }, 988 },
	{ { false, true, 14, 0, PEER_WND }, 536 },
	{ { true, true, 3, 9000, PEER_WND }, 1448 },
	{ { true, true, -1, 100, PEER_WND }, 116 },
	{ { false, true, -1, 1460, PEER_WND }, 1460 },
};

START_TEST(handshake_agrees_on_what_both_offer)
{
	const struct agree *a = &deals[_i].a;
	struct client c = client(a);
	struct tcp_stats st;

	listen_port(PORT, NULL);
	bring_syn(&c);
	ck_assert_uint_eq(outs(), 1);
	ck_assert_uint_eq(frames_out(), 1); /* no ARP before the answer */
	ck_assert_uint_eq(out_last()->flags, TH_SYN | TH_ACK);
	ck_assert_mem_eq(out_last()->frame, peer_mac, 6);
	ck_assert_uint_eq(out_last()->ack, c.iss + 1);
	ck_assert_uint_eq(out_last()->mss, 1460);
	ck_assert_uint_eq(out_last()->wnd, 0xffff);
	ck_assert_int_eq(out_last()->have_ts, a->ts);
	ck_assert_int_eq(out_last()->have_sack_ok, a->sack);
	ck_assert_int_eq(out_last()->wscale, a->wscale < 0 ? -1 : 2);
	if (a->ts)
		ck_assert_uint_eq(out_last()->tsecr, c.tsval);
	ck_assert_uint_eq(welcome.asked_conn, 0);
	out_clear();
	bring_ack(&c, NULL, 0);
	ck_assert_uint_eq(welcome.asked_conn, 1);
	ck_assert_uint_eq(outs(), 0); /* nothing to acknowledge */
	ck_assert_uint_eq(user[CONN].connected, 1);
	ck_assert_int_eq(tcp_state(CONN), TCP_ESTABLISHED);
	ck_assert_uint_eq(tcp_remote_ip(CONN), PEER_IP);
	ck_assert_uint_eq(tcp_remote_port(CONN), PEER_PORT);
	ck_assert_uint_eq(tcp_local_port(CONN), PORT);
	tcp_get_stats(CONN, &st);
	ck_assert_uint_eq(st.mss, deals[_i].mss_sent);
	ck_assert_uint_eq(hal_conn_ctx(CONN)->snd_scale, a->wscale < 0 ? 0 : a->wscale);
	ck_assert_uint_eq(hal_conn_ctx(CONN)->rcv_scale, a->wscale < 0 ? 0 : 2);
	ck_assert_uint_eq(hal_conn_snd_wnd(CONN),
			  a->wscale < 0 ? PEER_WND : (uint32_t)PEER_WND << a->wscale);
	exchange_data();
}
END_TEST

START_TEST(handshakes_are_told_apart_by_every_address_and_port)
{
	struct client a = client(&agree_all), b = a;

	listen_port(PORT, NULL);
	listen_port(PORT + 1, NULL);
	b.ip += _i == 0;
	b.port = (uint16_t)(b.port + (_i == 1));
	b.dport = (uint16_t)(b.dport + (_i == 2));
	bring_syn(&a);
	bring_syn(&b);
	ck_assert_uint_eq(listen_used(), 2);
	ck_assert_uint_ne(a.server, b.server);
	bring_ack(&b, NULL, 0);
	bring_ack(&a, NULL, 0);
	ck_assert_uint_eq(user[1].connected, 1);
	ck_assert_uint_eq(user[2].connected, 1);
	ck_assert_uint_eq(tcp_remote_ip(1), b.ip);
	ck_assert_uint_eq(tcp_remote_port(1), b.port);
	ck_assert_uint_eq(tcp_local_port(1), b.dport);
}
END_TEST

START_TEST(a_small_window_still_answers_the_scale_option)
{
	const struct tcp_params p = { .rcv_wnd = 16384, .mss_limit = 800, .keepalive_ms = 500 };
	struct client c = client(&agree_all);

	listen_port(PORT, &p);
	bring_syn(&c);
	ck_assert_int_eq(out_last()->wscale, 0);
	ck_assert_uint_eq(out_last()->mss, 800);
	ck_assert_uint_eq(out_last()->wnd, 16384);
	bring_ack(&c, NULL, 0);
	ck_assert_uint_eq(hal_conn_ctx(CONN)->snd_scale, 7);
	out_clear();
	advance_ms(600);
	ck_assert_uint_eq(outs(), 1); /* keepalive, as the listener said */
	ck_assert_uint_eq(out_last()->seq, OURS(0) - 1);
}
END_TEST

START_TEST(round_trip_of_the_handshake_is_measured)
{
	struct client c = client(&agree_all);
	struct tcp_stats st;

	listen_port(PORT, NULL);
	bring_syn(&c);
	advance_ms(40);
	bring_ack(&c, NULL, 0);
	tcp_get_stats(CONN, &st);
	ck_assert_uint_ge(st.srtt_us, 38000);
	ck_assert_uint_le(st.srtt_us, 42000);
}
END_TEST

START_TEST(data_rides_on_the_third_segment)
{
	struct client c = client(_i ? &agree_all : &agree_nothing);

	listen_port(PORT, NULL);
	bring_syn(&c);
	bring_ack(&c, "", 700);
	ck_assert_uint_eq(user[CONN].connected, 1);
	check_stream(700);
	advance_ms(50);
	ck_assert_uint_eq(out_last()->ack, PEERS(700));
}
END_TEST

START_TEST(fin_rides_on_the_third_segment)
{
	struct client c = client(&agree_all);

	listen_port(PORT, NULL);
	bring_syn(&c);
	c.third_flags = TH_ACK | TH_FIN;
	bring_ack(&c, "", _i ? 300 : 0);
	ck_assert_uint_eq(user[CONN].connected, 1);
	ck_assert_uint_eq(user[CONN].remote_closed, 1);
	ck_assert_int_eq(tcp_state(CONN), TCP_CLOSE_WAIT);
	check_stream(_i ? 300 : 0);
	ck_assert_uint_eq(out_last()->ack, PEERS((_i ? 300 : 0) + 1));
}
END_TEST

START_TEST(second_data_segment_comes_first)
{
	struct client c = client(&agree_all);
	uint8_t data[1000];

	listen_port(PORT, NULL);
	bring_syn(&c);
	c.third_off = 400;
	bring_ack(&c, "", 600);
	ck_assert_uint_eq(user[CONN].connected, 1);
	ck_assert_uint_eq(out_last()->ack, PEERS(0));
	ck_assert_uint_eq(out_last()->n_sack, 1);
	for (uint32_t i = 0; i < sizeof(data); i++)
		data[i] = pattern(i);
	bring(&(struct in){
		.flags = TH_ACK, .seq = PEERS(0), .ack = OURS(0), .data = data, .len = 400 });
	check_stream(1000);
}
END_TEST

/* --- repetition and loss ---------------------------------------------------------------------------------------------- */

START_TEST(duplicate_syn_gets_the_same_answer)
{
	struct client c = client(&agree_all);
	struct tcp_listen_stats st;
	uint32_t seq;

	listen_port(PORT, NULL);
	bring_syn(&c);
	seq = out_last()->seq;
	advance_ms(300);
	c.tsval += 300;
	bring_syn(&c);
	ck_assert_uint_eq(outs(), 2);
	ck_assert_uint_eq(out_last()->seq, seq);
	ck_assert_uint_eq(out_last()->tsecr, c.tsval);
	tcp_get_listen_stats(&st);
	ck_assert_uint_eq(st.queued, 1);
	ck_assert_uint_eq(st.syns, 2);
	ck_assert_uint_eq(welcome.asked_syn, 1);
	bring_ack(&c, "", 10);
	ck_assert_uint_eq(user[CONN].connected, 1);
	bring_syn(&c); /* once more, late: the connection answers */
	ck_assert_uint_eq(out_last()->flags, TH_ACK);
	ck_assert_int_eq(tcp_state(CONN), TCP_ESTABLISHED);
	check_stream(10);
}
END_TEST

START_TEST(another_syn_replaces)
{
	struct client c = client(&agree_all);
	struct tcp_listen_stats st;
	uint32_t old;

	listen_port(PORT, NULL);
	bring_syn(&c);
	old = c.server;
	fake_advance(10000000);
	c.iss += 777777;
	bring_syn(&c);
	ck_assert_uint_ne(c.server, old);
	tcp_get_listen_stats(&st);
	ck_assert_uint_eq(st.queued, 1);
	bring(&(struct in){ .flags = TH_ACK, .seq = PEER_ISS + 1, .ack = old + 1 });
	ck_assert_uint_eq(welcome.asked_conn, 0);
	bring_ack(&c, NULL, 0);
	ck_assert_uint_eq(user[CONN].connected, 1);
}
END_TEST

START_TEST(syn_ack_is_repeated_then_forgotten)
{
	struct client c = client(&agree_all);
	struct tcp_listen_stats st;
	uint64_t at[8] = { 0 }, start = hal_now_ns();
	uint32_t n = 0;

	listen_port(PORT, NULL);
	bring_syn(&c);
	for (uint32_t seen = 1; !tcp_idle(); advance_ms(5)) {
		if (outs() == seen)
			continue;
		ck_assert_uint_eq(outs(), ++seen);
		ck_assert_uint_eq(out_last()->flags, TH_SYN | TH_ACK);
		ck_assert_uint_eq(out_last()->seq, c.server);
		ck_assert_uint_lt(n, 8);
		at[n++] = (hal_now_ns() - start) / 1000000;
	}
	ck_assert_uint_eq(n, 4);
	for (uint32_t i = 0; i < n; i++)
		ck_assert_uint_le(at[i] - ((1000u << (i + 1)) - 1000u), 60);
	ck_assert_uint_eq(timer_count(), 0);
	tcp_get_listen_stats(&st);
	ck_assert_uint_eq(st.forgotten, 1);
	bring_ack(&c, NULL, 0);
	ck_assert_uint_eq(out_last()->flags, TH_RST);
	ck_assert_uint_eq(welcome.asked_conn, 0);
}
END_TEST

/* _i: another SYN takes the entry's place; or the entry is forgotten first and used again. */
START_TEST(a_new_handshake_has_its_own_repetitions)
{
	struct client c = client(&agree_all);
	struct tcp_stats st;

	listen_port(PORT, NULL);
	bring_syn(&c);
	advance_ms(_i ? 40000 : 8000);
	ck_assert_int_eq(tcp_idle(), _i);
	c.iss += 999999;
	bring_syn(&c);
	out_clear();
	advance_ms(1100);
	ck_assert_uint_eq(outs(), 1);
	c.iss += 999999;
	bring_syn(&c);
	advance_ms(20);
	bring_ack(&c, NULL, 0);
	tcp_get_stats(CONN, &st);
	ck_assert_uint_ge(st.srtt_us, 19000);
	ck_assert_uint_le(st.srtt_us, 21000);
}
END_TEST

START_TEST(lost_syn_ack_or_lost_ack)
{
	struct client c = client(&agree_all);
	struct tcp_stats st;

	listen_port(PORT, NULL);
	bring_syn(&c);
	advance_ms(3500);
	ck_assert_uint_eq(outs(), 3);
	bring_ack(&c, "", 100);
	ck_assert_uint_eq(user[CONN].connected, 1);
	check_stream(100);
	tcp_get_stats(CONN, &st);
	ck_assert_uint_eq(st.srtt_us, 0); /* Karn */
	out_clear();
	advance_ms(10000);
	ck_assert_ptr_null(out_find(TH_SYN | TH_ACK));
}
END_TEST

START_TEST(repetitions_do_not_swamp_the_transmit_queue)
{
	struct client c = client(&agree_nothing);

	listen_port(PORT, NULL);
	for (uint16_t i = 0; i < 64; i++) {
		c.port = (uint16_t)(2000 + i);
		bring_syn(&c);
	}
	out_clear();
	fake_opt.tx_stop = 30; /* two operations' room besides */
	advance_ms(1100);
	fake_opt.tx_stop = 0;
	pump();
	out_clear();
	advance_ms(2050);
	ck_assert_uint_eq(outs(), 64);
}
END_TEST

/* --- what is wrong with a segment ------------------------------------------------------------------------------------- */

START_TEST(wrong_acknowledgement_is_reset)
{
	static const int32_t off[] = { -1, 1, 2, 0x40000000, -0x40000000 };
	struct client c = client(&agree_all);

	listen_port(PORT, NULL);
	bring_syn(&c);
	for (uint32_t i = 0; i < 5; i++) {
		c.ack_off = off[i];
		bring_ack(&c, NULL, 0);
		ck_assert_uint_eq(out_last()->flags, TH_RST);
		ck_assert_uint_eq(out_last()->seq, c.server + 1 + (uint32_t)off[i]);
		ck_assert_uint_eq(welcome.asked_conn, 0);
	}
	c.ack_off = 0;
	bring_ack(&c, NULL, 0);
	ck_assert_uint_eq(user[CONN].connected, 1);
}
END_TEST

START_TEST(reset_with_the_right_number_forgets)
{
	struct client c = client(&agree_all);
	struct tcp_listen_stats st;

	listen_port(PORT, NULL);
	bring_syn(&c);
	out_clear();
	for (int i = 0; i < 2; i++) {
		bring_flags(&c, TH_RST, c.iss + (i ? 2 : 0), 0);
		tcp_get_listen_stats(&st);
		ck_assert_uint_eq(st.queued, 1);
	}
	bring_flags(&c, TH_RST, c.iss + 1, 0);
	tcp_get_listen_stats(&st);
	ck_assert_uint_eq(st.queued, 0);
	ck_assert_uint_eq(st.forgotten, 1);
	ck_assert(tcp_idle());
	ck_assert_uint_eq(timer_count(), 0);
	ck_assert_uint_eq(outs(), 0);
	bring_flags(&c, TH_RST, c.iss + 1, 0); /* nobody's */
	ck_assert_uint_eq(outs(), 0);
	bring_syn(&c);
	bring_ack(&c, NULL, 0);
	bring_flags(&c, TH_RST, c.iss + 1, 0);
	ck_assert_uint_eq(user[CONN].closed, 1);
	ck_assert_int_eq(user[CONN].err, -ECONNRESET);
}
END_TEST

START_TEST(third_segment_outside_of_the_window)
{
	static const int32_t off[] = { -1, -1000, 0xffff, 0x20000 };
	struct client c = client(&agree_nothing);

	listen_port(PORT, NULL);
	bring_syn(&c);
	out_clear();
	c.third_off = off[_i];
	bring_ack(&c, "", 10);
	ck_assert_uint_eq(welcome.asked_conn, 0);
	ck_assert_uint_eq(out_last()->flags, TH_SYN | TH_ACK);
	c.third_off = 0;
	bring_ack(&c, NULL, 0);
	ck_assert_uint_eq(user[CONN].connected, 1);
}
END_TEST

START_TEST(third_segment_with_old_or_no_timestamp)
{
	struct client c = client(&agree_all);
	uint32_t tsval = c.tsval = _i ? 0x90000000 : c.tsval;

	listen_port(PORT, NULL);
	bring_syn(&c);
	c.tsval = tsval - 1;
	bring_ack(&c, "", 10);
	c.ts = false;
	bring_ack(&c, "", 10);
	ck_assert_uint_eq(welcome.asked_conn, 0);
	c.ts = true;
	c.tsval = tsval;
	bring_ack(&c, "", 10);
	ck_assert_uint_eq(user[CONN].connected, 1);
	check_stream(10);
}
END_TEST

static const struct {
	uint8_t in, out;
} odd[] = {
	{ TH_FIN, 0 },
	{ 0, 0 },
	{ TH_PSH, 0 },
	{ TH_SYN | TH_FIN, 0 },
	{ TH_SYN | TH_RST, 0 },
	{ TH_RST | TH_ACK, 0 },
	{ TH_SYN | TH_ACK, TH_RST },
	{ TH_FIN | TH_ACK, TH_RST },
	{ TH_ACK, TH_RST },
};

START_TEST(odd_segments_to_a_listening_port)
{
	struct client c = client(&agree_nothing);

	listen_port(PORT, NULL);
	bring_flags(&c, odd[_i].in, 1000, 2000);
	ck_assert_uint_eq(outs(), odd[_i].out != 0);
	if (odd[_i].out) {
		ck_assert_uint_eq(out_last()->flags, odd[_i].out);
		ck_assert_uint_eq(out_last()->seq, 2000);
	}
	ck_assert(tcp_idle());
	ck_assert_uint_eq(welcome.asked_syn, 0);
}
END_TEST

START_TEST(bad_sources_are_not_answered)
{
	static const uint32_t src[] = { OUR_IP,     0x0a0000ff, 0x0a000000,
					0xe0000001, 0x7f000001, 0xffffffff };
	static const uint8_t group[6] = { 1, 0, 0x5e, 0, 0, 1 };
	struct client c = client(&agree_all);

	listen_port(PORT, NULL);
	for (uint32_t i = 0; i < sizeof(src) / sizeof(src[0]); i++) {
		c.ip = src[i];
		bring_syn(&c);
	}
	c.ip = PEER_IP;
	c.mac = group;
	bring_syn(&c);
	c.mac = NULL;
	c.port = 0;
	bring_flags(&c, TH_SYN, 1, 0);
	ck_assert_uint_eq(frames_out(), 0);
	ck_assert(tcp_idle());
}
END_TEST

START_TEST(other_ports_answer_as_ever)
{
	struct client c = client(&agree_all);

	listen_port(PORT + 1, NULL);
	bring_syn(&c);
	ck_assert_uint_eq(out_last()->flags, TH_RST | TH_ACK);
	ck_assert_uint_eq(out_last()->ack, c.iss + 1);
	ck_assert_uint_eq(welcome.asked_syn, 0);
}
END_TEST

Suite *handshake_suite(void)
{
	Suite *s = suite_create("handshake");
	TCase *t = tcase_create("handshake");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, handshake_agrees_on_what_both_offer, 0,
			    sizeof(deals) / sizeof(deals[0]));
	tcase_add_loop_test(t, handshakes_are_told_apart_by_every_address_and_port, 0, 3);
	tcase_add_test(t, a_small_window_still_answers_the_scale_option);
	tcase_add_test(t, round_trip_of_the_handshake_is_measured);
	tcase_add_loop_test(t, data_rides_on_the_third_segment, 0, 2);
	tcase_add_loop_test(t, fin_rides_on_the_third_segment, 0, 2);
	tcase_add_test(t, second_data_segment_comes_first);
	tcase_add_test(t, duplicate_syn_gets_the_same_answer);
	tcase_add_test(t, another_syn_replaces);
	tcase_add_test(t, syn_ack_is_repeated_then_forgotten);
	tcase_add_loop_test(t, a_new_handshake_has_its_own_repetitions, 0, 2);
	tcase_add_test(t, lost_syn_ack_or_lost_ack);
	tcase_add_test(t, repetitions_do_not_swamp_the_transmit_queue);
	tcase_add_test(t, wrong_acknowledgement_is_reset);
	tcase_add_test(t, reset_with_the_right_number_forgets);
	tcase_add_loop_test(t, third_segment_outside_of_the_window, 0, 4);
	tcase_add_loop_test(t, third_segment_with_old_or_no_timestamp, 0, 2);
	tcase_add_loop_test(t, odd_segments_to_a_listening_port, 0, sizeof(odd) / sizeof(odd[0]));
	tcase_add_test(t, bad_sources_are_not_answered);
	tcase_add_test(t, other_ports_answer_as_ever);
	suite_add_tcase(s, t);
	return s;
}
