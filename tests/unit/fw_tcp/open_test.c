/* SPDX-License-Identifier: BSD-2-Clause */
/* Opening a connection: ARP, SYN and its answers, options, ports, what goes wrong. */
#include <errno.h>
#include <string.h>

#include "net/arp.h"
#include "tcp_helper.h"

Suite *open_suite(void);

static const struct tcp_params to_peer = { .remote_ip = PEER_IP, .remote_port = PEER_PORT };

START_TEST(syn_waits_for_arp_and_offers_everything)
{
	uint32_t len;

	ck_assert_int_eq(tcp_connect(CONN, &to_peer), 0);
	pump();
	ck_assert_uint_eq(outs(), 0);
	ck_assert_uint_eq(frames_out(), 1);
	ck_assert_uint_eq(frame_at(0, &len)[13], 0x06);
	bring_arp_reply(PEER_IP, peer_mac);
	ck_assert_uint_eq(outs(), 1);
	ck_assert_uint_eq(out_at(0)->flags, TH_SYN);
	ck_assert_mem_eq(out_at(0)->frame, peer_mac, 6);
	ck_assert_mem_eq(out_at(0)->frame + 6, our_mac, 6);
	ck_assert_uint_eq(out_at(0)->mss, 1460);
	ck_assert(out_at(0)->have_sack_ok);
	ck_assert(out_at(0)->have_ts);
	ck_assert_int_eq(out_at(0)->wscale, 2); /* 128 KiB */
	ck_assert_uint_eq(out_at(0)->dport, PEER_PORT);
	ck_assert_uint_ge(out_at(0)->sport, 49152);
	ck_assert_uint_eq(tcp_local_port(CONN), out_at(0)->sport);
}
END_TEST

START_TEST(far_hosts_go_through_the_gateway)
{
	const struct tcp_params p = { .remote_ip = 0x0b000001, .remote_port = 1 };
	static const uint8_t gw_mac[6] = { 2, 0, 0, 0, 0, 0xfe };
	uint32_t len;

	ck_assert_int_eq(tcp_connect(CONN, &p), 0);
	pump();
	ck_assert_mem_eq(frame_at(0, &len) + 38, "\x0a\0\0\xfe", 4);
	bring_arp_reply(0x0a0000fe, gw_mac);
	ck_assert_mem_eq(out_at(0)->frame, gw_mac, 6);
	ck_assert_uint_eq(out_at(0)->dst, 0x0b000001);
}
END_TEST

START_TEST(nobody_answers_arp)
{
	ck_assert_int_eq(tcp_connect(CONN, &to_peer), 0);
	advance_ms(4000);
	ck_assert_uint_eq(user[CONN].closed, 1);
	ck_assert_int_eq(user[CONN].err, -EHOSTUNREACH);
	ck_assert_uint_eq(outs(), 0);
}
END_TEST

START_TEST(syn_is_repeated_with_backoff_then_given_up)
{
	uint64_t last = 0, gap = 0;
	uint32_t seen;

	start_connect(&to_peer);
	for (seen = outs(); !user[CONN].closed; advance_ms(10)) {
		if (outs() == seen)
			continue;
		ck_assert_uint_eq(outs(), seen + 1);
		ck_assert_uint_eq(out_last()->flags, TH_SYN);
		ck_assert_uint_eq(out_last()->seq, iss);
		if (gap)
			ck_assert(hal_now_ns() - last > gap * 18 / 10);
		gap = last ? hal_now_ns() - last : 0;
		last = hal_now_ns();
		seen++;
	}
	ck_assert_uint_eq(seen, 7);
	ck_assert_int_eq(user[CONN].err, -ETIMEDOUT);
}
END_TEST

START_TEST(late_syn_ack_still_connects)
{
	struct in s = { .flags = TH_SYN | TH_ACK, .seq = PEER_ISS };

	start_connect(&to_peer);
	advance_ms(3500);
	s.ack = iss + 1;
	bring(&s);
	ck_assert_uint_eq(user[CONN].connected, 1);
	ck_assert_int_eq(tcp_state(CONN), TCP_ESTABLISHED);
}
END_TEST

static const struct {
	struct agree a;
	uint16_t mss_sent;
	uint8_t tmpl_len;
} deals[] = {
	{ { true, true, 7, 1460, PEER_WND }, 1448, 66 },
	{ { false, false, -1, 1460, PEER_WND }, 1460, 54 },
	{ { true, false, 0, 1000, PEER_WND }, 988, 66 },
	{ { false, true, 14, 0, PEER_WND }, 536, 54 },
	{ { true, true, 3, 9000, PEER_WND }, 1448, 66 },
	{ { true, true, -1, 100, PEER_WND }, 116, 66 },
};

START_TEST(options_as_agreed)
{
	const struct agree *a = &deals[_i].a;
	struct tcp_stats st;

	open_conn(a);
	tcp_get_stats(CONN, &st);
	ck_assert_uint_eq(st.mss, deals[_i].mss_sent);
	ck_assert_uint_eq(hal_conn_ctx(CONN)->mss, deals[_i].mss_sent);
	ck_assert_uint_eq(hal_conn_ctx(CONN)->tmpl_len, deals[_i].tmpl_len);
	ck_assert_uint_eq(hal_conn_ctx(CONN)->snd_scale, a->wscale < 0 ? 0 : a->wscale);
	ck_assert_uint_eq(hal_conn_ctx(CONN)->rcv_scale, a->wscale < 0 ? 0 : 2);
	if (a->wscale < 0)
		ck_assert_uint_le(hal_conn_ctx(CONN)->rcv_wnd, 65535);
	send_pdu(1, 20000);
	pump();
	ck_assert_uint_eq(out_at(0)->len, deals[_i].mss_sent);
	ck_assert_uint_eq(out_at(0)->have_ts, a->ts);
	check_data(out_at(0));
}
END_TEST

START_TEST(mss_limit_is_offered_and_kept)
{
	const struct tcp_params p = { .remote_ip = PEER_IP,
				      .remote_port = PEER_PORT,
				      .mss_limit = 600 };

	start_connect(&p);
	ck_assert_uint_eq(out_last()->mss, 600);
}
END_TEST

START_TEST(refused_by_reset)
{
	struct in s = { .flags = TH_RST | TH_ACK, .seq = 0 };

	start_connect(&to_peer);
	s.ack = iss; /* not our SYN's */
	bring(&s);
	ck_assert_uint_eq(user[CONN].closed, 0);
	s.flags = TH_RST;
	s.ack = 0;
	bring(&s);
	ck_assert_uint_eq(user[CONN].closed, 0);
	s.flags = TH_RST | TH_ACK;
	s.ack = iss + 1;
	bring(&s);
	ck_assert_int_eq(user[CONN].err, -ECONNREFUSED);
	ck_assert_uint_eq(user[CONN].closed, 1);
}
END_TEST

START_TEST(syn_ack_of_another_life_is_reset)
{
	struct in s = { .flags = TH_SYN | TH_ACK, .seq = 99 };

	start_connect(&to_peer);
	s.ack = iss + 1000;
	bring(&s);
	ck_assert_uint_eq(out_last()->flags, TH_RST);
	ck_assert_uint_eq(out_last()->seq, iss + 1000);
	ck_assert_int_eq(tcp_state(CONN), TCP_SYN_SENT);
}
END_TEST

START_TEST(both_syns_cross)
{
	struct in syn = { .flags = TH_SYN, .seq = PEER_ISS };
	struct in ack = { .flags = TH_ACK, .seq = PEER_ISS + 1 };

	start_connect(&to_peer);
	bring(&syn);
	ck_assert_int_eq(tcp_state(CONN), TCP_SYN_RCVD);
	ck_assert_uint_eq(out_last()->flags, TH_SYN | TH_ACK);
	ck_assert_uint_eq(out_last()->seq, iss);
	ck_assert_uint_eq(out_last()->ack, PEER_ISS + 1);
	advance_ms(1200);
	ck_assert_uint_eq(out_last()->flags, TH_SYN | TH_ACK);
	ack.ack = iss + 1;
	bring(&ack);
	ck_assert_int_eq(tcp_state(CONN), TCP_ESTABLISHED);
	ck_assert_uint_eq(user[CONN].connected, 1);
}
END_TEST

START_TEST(ports_and_isn_differ)
{
	struct tcp_params p = to_peer;
	uint32_t first;

	start_connect(&p);
	first = iss;
	ck_assert_int_eq(tcp_connect(2, &p), 0);
	pump();
	ck_assert_uint_ne(out_last()->sport, tcp_local_port(CONN));
	ck_assert_uint_ne(out_last()->seq, first);
	p.local_port = tcp_local_port(CONN);
	ck_assert_int_eq(tcp_connect(3, &p), -EADDRINUSE);
	ck_assert_int_eq(tcp_state(3), TCP_CLOSED);
}
END_TEST

START_TEST(the_same_port_again_has_a_later_isn)
{
	struct tcp_params p = to_peer;
	struct in rst = { .flags = TH_RST | TH_ACK };
	uint32_t first;

	p.local_port = 5000;
	start_connect(&p);
	first = iss;
	rst.ack = iss + 1;
	bring(&rst);
	out_clear();
	fake_advance(1000000);
	user[CONN].closed = 0;
	start_connect(&p);
	ck_assert((int32_t)(iss - first) > 0);
	ck_assert_uint_lt(iss - first, 1000000);
}
END_TEST

static const struct {
	uint16_t conn;
	struct tcp_params p;
	int ret;
} refused[] = {
	{ 0, { .remote_ip = PEER_IP, .remote_port = 1 }, -EINVAL },
	{ 128, { .remote_ip = PEER_IP, .remote_port = 1 }, -EINVAL },
	{ 1, { .remote_ip = PEER_IP }, -EINVAL },
	{ 1, { .remote_ip = 0xe0000001, .remote_port = 1 }, -EINVAL },
	{ 1, { .remote_ip = 0x0a0000ff, .remote_port = 1 }, -EINVAL },
	{ 1, { .remote_ip = OUR_IP, .remote_port = 1 }, -EINVAL },
	{ 1, { .remote_ip = 0, .remote_port = 1 }, -EINVAL },
	{ 1, { .remote_ip = PEER_IP, .local_ip = 0x0a000077, .remote_port = 1 }, -ENETDOWN },
};

START_TEST(bad_parameters)
{
	ck_assert_int_eq(tcp_connect(refused[_i].conn, &refused[_i].p), refused[_i].ret);
	pump();
	ck_assert_uint_eq(frames_out(), 0);
}
END_TEST

START_TEST(a_busy_connection_is_refused)
{
	start_connect(&to_peer);
	ck_assert_int_eq(tcp_connect(CONN, &to_peer), -EISCONN);
}
END_TEST

START_TEST(abort_while_connecting)
{
	ck_assert_int_eq(tcp_connect(CONN, &to_peer), 0);
	tcp_abort(CONN, -ECANCELED);
	ck_assert_uint_eq(user[CONN].closed, 0); /* never from inside the call */
	pump();
	ck_assert_uint_eq(user[CONN].closed, 1);
	ck_assert_int_eq(user[CONN].err, -ECANCELED);
	bring_arp_reply(PEER_IP, peer_mac);
	ck_assert_uint_eq(outs(), 0);
}
END_TEST

START_TEST(port_unreachable_refuses)
{
	struct tcp_unreach u = { .remote_ip = PEER_IP, .remote_port = PEER_PORT, .code = 3 };

	start_connect(&to_peer);
	u.local_port = tcp_local_port(CONN);
	u.seq = iss + 77;
	tcp_unreachable(&u);
	pump();
	ck_assert_uint_eq(user[CONN].closed, 0); /* not about a segment of ours */
	u.seq = iss;
	tcp_unreachable(&u);
	pump();
	ck_assert_int_eq(user[CONN].err, -ECONNREFUSED);
}
END_TEST

START_TEST(all_connections_at_once)
{
	struct tcp_params p = to_peer;
	uint32_t ok = 0;

	arp_resolve(PEER_IP, (uint8_t[6]){ 0 });
	bring_arp_reply(PEER_IP, peer_mac);
	for (uint16_t i = 1; i < ENG_N_CONN; i++) {
		ok += tcp_connect(i, &p) == 0;
		pump();
	}
	ck_assert_uint_eq(ok, ENG_N_CONN - 1);
	ck_assert_uint_eq(outs(), ENG_N_CONN - 1);
}
END_TEST

START_TEST(two_mebibytes_of_window_are_too_many)
{
	struct tcp_params p = to_peer;

	p.rcv_wnd = 2 << 20;
	open_params(&agree_all, &p);
	ck_assert_uint_le(hal_conn_ctx(CONN)->rcv_wnd, ENG_PKT_CELLS * ENG_PKT_CELL);
}
END_TEST

Suite *open_suite(void)
{
	Suite *s = suite_create("open");
	TCase *t = tcase_create("open");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, syn_waits_for_arp_and_offers_everything);
	tcase_add_test(t, far_hosts_go_through_the_gateway);
	tcase_add_test(t, nobody_answers_arp);
	tcase_add_test(t, syn_is_repeated_with_backoff_then_given_up);
	tcase_add_test(t, late_syn_ack_still_connects);
	tcase_add_loop_test(t, options_as_agreed, 0, sizeof(deals) / sizeof(deals[0]));
	tcase_add_test(t, mss_limit_is_offered_and_kept);
	tcase_add_test(t, refused_by_reset);
	tcase_add_test(t, syn_ack_of_another_life_is_reset);
	tcase_add_test(t, both_syns_cross);
	tcase_add_test(t, ports_and_isn_differ);
	tcase_add_test(t, the_same_port_again_has_a_later_isn);
	tcase_add_loop_test(t, bad_parameters, 0, sizeof(refused) / sizeof(refused[0]));
	tcase_add_test(t, a_busy_connection_is_refused);
	tcase_add_test(t, abort_while_connecting);
	tcase_add_test(t, port_unreachable_refuses);
	tcase_add_test(t, all_connections_at_once);
	tcase_add_test(t, two_mebibytes_of_window_are_too_many);
	suite_add_tcase(s, t);
	return s;
}
