/* SPDX-License-Identifier: BSD-2-Clause */
/* Passive open beside everything else: refusals, listeners, active opens, ARP, earlier lives of a tuple. */
#include <errno.h>
#include <string.h>

#include "client.h"
#include "net/net.h"

Suite *listen_suite(void);

/* --- refused ---------------------------------------------------------------------------------------------------------- */

START_TEST(refused_at_the_syn)
{
	struct client c = client(&agree_all);
	struct tcp_listen_stats st;

	listen_port(PORT, NULL);
	welcome.refuse_syn = true;
	bring_syn(&c);
	ck_assert_uint_eq(out_last()->flags, TH_RST | TH_ACK);
	ck_assert_uint_eq(out_last()->ack, c.iss + 1);
	ck_assert(tcp_idle());
	tcp_get_listen_stats(&st);
	ck_assert_uint_eq(st.refused, 1);
	welcome.refuse_syn = false;
	bring_syn(&c);
	ck_assert_uint_eq(out_last()->flags, TH_SYN | TH_ACK);
	welcome.refuse_syn = true;
	bring_syn(&c); /* the same handshake: nobody is asked again */
	ck_assert_uint_eq(out_last()->flags, TH_SYN | TH_ACK);
	c.iss += 5;
	bring_syn(&c);
	ck_assert_uint_eq(out_last()->flags, TH_RST | TH_ACK);
	ck_assert(tcp_idle());
}
END_TEST

START_TEST(refused_at_the_third_segment)
{
	static const int32_t answers[] = { 0, ENG_N_CONN, 0xffff, 2 };
	struct client c = client(&agree_all);
	struct tcp_params p = { .remote_ip = PEER_IP, .remote_port = 9999 };
	struct tcp_listen_stats st;

	ck_assert_int_eq(tcp_connect(2, &p), 0); /* number 2 is not free */
	pump();
	listen_port(PORT, NULL);
	welcome.conn = answers[_i];
	bring_syn(&c);
	bring_ack(&c, "", 40);
	ck_assert_uint_eq(welcome.asked_conn, 1);
	ck_assert_uint_eq(out_last()->flags, TH_RST);
	ck_assert_uint_eq(out_last()->seq, c.server + 1);
	tcp_get_listen_stats(&st);
	ck_assert_uint_eq(st.refused, 1);
	ck_assert_uint_eq(st.accepted, 0);
	ck_assert_uint_eq(st.queued, 0);
	ck_assert_int_eq(tcp_state(2), TCP_SYN_SENT);
	for (uint16_t i = 1; i < ENG_N_CONN; i++)
		ck_assert_uint_eq(user[i].connected + user[i].closed, 0);
}
END_TEST

START_TEST(lookup_table_is_full)
{
	struct client c = client(&agree_all);
	uint32_t x = c.ip ^ ((uint32_t)c.port << 16 | PORT), h = x ^ x >> 10 ^ x >> 20;

	listen_port(PORT, NULL);
	for (uint32_t i = 0; i < 4; i++)
		hal_hash_set((h + i) & (ENG_HASH_SIZE - 1), 0x80000000u | (100 + i));
	bring_syn(&c);
	bring_ack(&c, NULL, 0);
	ck_assert_uint_eq(out_last()->flags, TH_RST);
	ck_assert_uint_eq(welcome.asked_conn, 0);
	for (uint32_t i = 0; i < 4; i++)
		hal_hash_set((h + i) & (ENG_HASH_SIZE - 1), 0);
	ck_assert(tcp_idle());
	bring_syn(&c);
	bring_ack(&c, NULL, 0);
	ck_assert_uint_eq(user[CONN].connected, 1);
}
END_TEST

START_TEST(all_connections_then_one_more)
{
	struct client c = client(&agree_all);

	listen_port(PORT, NULL);
	for (uint32_t i = 0; i < ENG_N_CONN; i++) {
		c.port = (uint16_t)(1000 + 7 * i);
		bring_syn(&c);
		bring_ack(&c, NULL, 0);
		if (i < ENG_N_CONN - 1)
			ck_assert_uint_eq(user[i + 1].connected, 1);
	}
	ck_assert_uint_eq(out_last()->flags, TH_RST);
	for (uint16_t i = 1; i < ENG_N_CONN; i++)
		ck_assert_int_eq(tcp_state(i), TCP_ESTABLISHED);
}
END_TEST

/* --- listeners -------------------------------------------------------------------------------------------------------- */

START_TEST(listeners_are_bounded)
{
	static const struct tcp_params p;

	ck_assert_int_eq(tcp_listen(0, &p), -EINVAL);
	for (uint16_t i = 0; i < TCP_LISTENERS; i++)
		listen_port((uint16_t)(PORT + i), NULL);
	ck_assert_int_eq(tcp_listen(PORT, &p), -EADDRINUSE);
	ck_assert_int_eq(tcp_listen(PORT + TCP_LISTENERS, &p), -ENOSPC);
	ck_assert_int_eq(tcp_unlisten(PORT + 3), 0);
	ck_assert_int_eq(tcp_unlisten(PORT + 3), -ENOENT);
	ck_assert_int_eq(tcp_unlisten(0), -ENOENT);
	listen_port(PORT + TCP_LISTENERS, NULL);
	for (uint16_t i = 0; i <= TCP_LISTENERS; i++) {
		struct client c = client(&agree_all);

		c.dport = (uint16_t)(PORT + i);
		bring_syn(&c);
		ck_assert_uint_eq(out_last()->flags, i == 3 ? TH_RST | TH_ACK : TH_SYN | TH_ACK);
		ck_assert_uint_eq(out_last()->sport, c.dport);
	}
}
END_TEST

START_TEST(no_listening_without_the_callbacks)
{
	static const struct tcp_user_ops none;
	static const struct tcp_params p;

	tcp_init(&none, NULL);
	ck_assert_int_eq(tcp_listen(PORT, &p), -EINVAL);
}
END_TEST

START_TEST(unlisten_amid_handshakes)
{
	struct client c = client(&agree_all), open = c, other = c;
	struct tcp_listen_stats st;

	listen_port(PORT, NULL);
	listen_port(PORT + 1, NULL);
	bring_syn(&open);
	bring_ack(&open, "", 5);
	other.port++;
	other.dport = PORT + 1;
	bring_syn(&other);
	for (uint16_t i = 0; i < 10; i++) {
		c.port = (uint16_t)(2000 + i);
		bring_syn(&c);
	}
	ck_assert_int_eq(tcp_unlisten(PORT), 0);
	tcp_get_listen_stats(&st);
	ck_assert_uint_eq(st.queued, 1);
	ck_assert_uint_eq(st.forgotten, 10);
	bring_ack(&c, NULL, 0);
	ck_assert_uint_eq(out_last()->flags, TH_RST);
	bring_ack(&other, NULL, 0);
	ck_assert_uint_eq(user[2].connected, 1);
	ck_assert_int_eq(tcp_state(CONN), TCP_ESTABLISHED);
	iss = open.server;
	exchange_data_from(5);
}
END_TEST

static void stop_listening(void)
{
	ck_assert_int_eq(tcp_unlisten(PORT), 0);
}

START_TEST(unlisten_from_the_callback)
{
	struct client c = client(&agree_all), d = c;

	listen_port(PORT, NULL);
	d.port++;
	bring_syn(&d);
	bring_syn(&c);
	welcome.on_incoming = stop_listening;
	bring_ack(&c, "", 33);
	ck_assert_uint_eq(user[CONN].connected, 1);
	check_stream(33);
	ck_assert_uint_eq(listen_used(), 0);
}
END_TEST

/* --- beside active opens ---------------------------------------------------------------------------------------------- */

START_TEST(active_opens_keep_clear_of_listened_ports)
{
	struct tcp_params p = { .remote_ip = PEER_IP, .remote_port = 7000 };
	uint16_t port;

	start_connect(&p);
	port = tcp_local_port(CONN);
	for (uint32_t i = 1; i <= 3; i++)
		listen_port((uint16_t)(0xc000 + ((port - 0xc000u + i) & 0x3fff)), NULL);
	ck_assert_int_eq(tcp_connect(2, &p), 0);
	ck_assert_uint_eq(tcp_local_port(2), 0xc000 + ((port - 0xc000u + 4) & 0x3fff));
	p.local_port = (uint16_t)(0xc000 + ((port - 0xc000u + 1) & 0x3fff));
	ck_assert_int_eq(tcp_connect(3, &p), -EADDRINUSE);
	ck_assert_int_eq(tcp_state(3), TCP_CLOSED);
}
END_TEST

START_TEST(active_and_passive_opens_at_once)
{
	struct client c = client(&agree_all);
	struct tcp_params p = { .remote_ip = PEER_IP, .remote_port = 7000 };
	struct in answer = { .flags = TH_SYN | TH_ACK, .seq = 5, .sport = 7000 };
	uint8_t f[200];

	listen_port(PORT, NULL);
	welcome.conn = 2;
	bring_syn(&c);
	out_clear();
	start_connect(&p);
	answer.ack = iss + 1;
	bring_ack(&c, "", 20);
	ck_assert_uint_eq(user[2].connected, 1);
	ck_assert_int_eq(tcp_state(CONN), TCP_SYN_SENT);
	ts_agreed = false;
	fake_rx(f, build_frame(f, &answer, tcp_local_port(CONN)));
	pump();
	ck_assert_uint_eq(user[CONN].connected, 1);
	ck_assert_int_eq(tcp_state(2), TCP_ESTABLISHED);
}
END_TEST

/* --- who sits where --------------------------------------------------------------------------------------------------- */

START_TEST(arp_corrects_the_source_mac)
{
	static const uint8_t router[6] = { 2, 0, 0, 0, 0, 0xfe }, real[6] = { 2, 0, 0, 0, 0, 0xfd };
	struct client c = client(&agree_all);

	listen_port(PORT, NULL);
	c.ip = 0x0b000001; /* beyond the gateway */
	c.mac = router;
	bring_syn(&c);
	ck_assert_mem_eq(out_last()->frame, router, 6);
	bring_ack(&c, "", 10);
	ck_assert_uint_eq(user[CONN].connected, 1);
	advance_ms(50);
	ck_assert_mem_eq(out_last()->frame, router, 6);
	bring_arp_reply(0x0a0000fe, real);
	send_pdu(1, 100);
	pump();
	ck_assert_mem_eq(out_last()->frame, real, 6);
	ck_assert_uint_eq(out_last()->dst, 0x0b000001);
}
END_TEST

START_TEST(arp_knows_better_than_the_frame)
{
	static const uint8_t real[6] = { 2, 0, 0, 0, 0, 0x77 };
	struct client c = client(&agree_all);

	listen_port(PORT, NULL);
	bring_arp_reply(PEER_IP, real);
	bring_syn(&c);
	ck_assert_mem_eq(out_last()->frame, peer_mac, 6);
	bring_ack(&c, NULL, 0);
	send_pdu(1, 100);
	pump();
	ck_assert_mem_eq(out_last()->frame, real, 6);
}
END_TEST

START_TEST(silence_of_arp_does_no_harm)
{
	struct client c = client(&agree_nothing);

	listen_port(PORT, NULL);
	bring_syn(&c);
	bring_ack(&c, NULL, 0);
	advance_ms(5000);
	ck_assert_int_eq(tcp_state(CONN), TCP_ESTABLISHED);
	exchange_data();
}
END_TEST

START_TEST(no_way_back_no_answer)
{
	struct net_port port = net_port;
	struct client c = client(&agree_all);

	port.gateway = 0;
	ck_assert_int_eq(net_configure(&port), 0);
	listen_port(PORT, NULL);
	c.ip = 0x0b000001;
	bring_syn(&c);
	ck_assert_uint_eq(frames_out(), 0);
	ck_assert(tcp_idle());
}
END_TEST

/* The number without its clock, for a first use so long after the start. */
static uint32_t isn_after(uint64_t ns)
{
	tcp_init(tcp_ops, NULL);
	fake_advance(ns);
	return tcp_isn(PEER_IP, PORT, PEER_PORT) - (uint32_t)(hal_now_ns() >> 12);
}

START_TEST(secret_hangs_on_the_first_use)
{
	uint32_t first = isn_after(1), again;

	fake_advance(500);
	again = tcp_isn(PEER_IP, PORT, PEER_PORT) - (uint32_t)(hal_now_ns() >> 12);
	ck_assert_uint_eq(first, again);
	setup();
	ck_assert_uint_eq(isn_after(1), first); /* simulations can be repeated */
	setup();
	ck_assert_uint_ne(isn_after(2), first);
}
END_TEST

/* --- earlier lives ---------------------------------------------------------------------------------------------------- */

/* An accepted connection that we closed first: its TIME_WAIT stays. */
static void leave_time_wait(struct client *c)
{
	bring_syn(c);
	bring_ack(c, NULL, 0);
	ck_assert_uint_eq(user[CONN].connected, 1);
	ck_assert_int_eq(tcp_close(CONN), 0);
	pump();
	bring(&(struct in){ .flags = TH_FIN | TH_ACK, .seq = PEERS(0), .ack = OURS(1) });
	ck_assert_int_eq(tcp_state(CONN), TCP_CLOSED);
	ck_assert_int_eq(user[CONN].err, 0);
	ck_assert_uint_eq(tw_used(), 1);
	c->tsval = peer_tsval;
	out_clear();
}

static const struct {
	bool ts, syn_ts;
	int32_t tsval, seq; /* of the new SYN, beyond the last */
	bool opens;
} reopen[] = {
	{ true, true, 1, -100000, true }, { true, true, 1, 5, true },
	{ true, true, 0, 5, true },       { true, true, -1, 5, false },
	{ true, true, 0, -5, false },     { true, false, 0, 5, true },
	{ true, false, 0, -5, false },    { false, false, 0, 5, true },
	{ false, false, 0, 0, false },    { false, false, 0, -5, false },
	{ false, true, 5, -5, false },    { false, true, 5, 5, true },
};

START_TEST(time_wait_opens_anew)
{
	struct client c = client(reopen[_i].ts ? &agree_all : &agree_nothing);
	uint32_t old;

	listen_port(PORT, NULL);
	leave_time_wait(&c);
	old = iss + 2;
	c.iss = PEERS(1) + (uint32_t)reopen[_i].seq;
	c.ts = reopen[_i].syn_ts;
	c.tsval += (uint32_t)reopen[_i].tsval;
	bring_syn(&c);
	if (!reopen[_i].opens) {
		ck_assert_uint_eq(out_last()->flags, TH_ACK);
		ck_assert_uint_eq(out_last()->seq, old);
		ck_assert_uint_eq(listen_used(), 0);
		return;
	}
	ck_assert_uint_eq(out_last()->flags, TH_SYN | TH_ACK);
	ck_assert_int_gt((int32_t)(out_last()->seq - old), 0);
	ck_assert_uint_eq(tw_used(), 1); /* until the handshake is done */
	bring_ack(&c, NULL, 0);
	ck_assert_uint_eq(user[CONN].connected, 1);
	ck_assert_uint_eq(tw_used(), 0);
}
END_TEST

START_TEST(numbers_go_on_beyond_those_of_time_wait)
{
	struct client c = client(&agree_nothing);
	uint32_t last;

	listen_port(PORT, NULL);
	bring_syn(&c);
	bring_ack(&c, NULL, 0);
	/* More bytes than the clock of the ISN counts in that time. */
	for (uint16_t i = 0; i < 40; i++) {
		send_pdu(i, 30000);
		do {
			pump();
			ack_from_peer(tcb_of(CONN)->snd_nxt - OURS(0));
		} while (tcb_of(CONN)->snd_una != OURS(expected_len));
	}
	ck_assert_uint_gt(expected_len, 1000000);
	last = OURS(expected_len) + 1;
	ck_assert_int_eq(tcp_close(CONN), 0);
	pump();
	bring(&(struct in){ .flags = TH_FIN | TH_ACK, .seq = PEERS(0), .ack = last });
	ck_assert_uint_eq(tw_used(), 1);
	c.iss += 1000;
	bring_syn(&c);
	ck_assert_uint_eq(out_last()->flags, TH_SYN | TH_ACK);
	ck_assert_int_gt((int32_t)(out_last()->seq - last), 0);
}
END_TEST

/* RFC 5961: a host that forgot the connection gets an acknowledgement, resets, and comes in. */
START_TEST(a_host_that_started_anew)
{
	static const struct agree no_ts = { false, true, 7, 1460, PEER_WND };
	struct client c = client(&agree_all), again = client(_i == 1 ? &no_ts : &agree_all);

	listen_port(PORT, NULL);
	bring_syn(&c);
	bring_ack(&c, "", 100);
	again.iss = _i == 2 ? PEERS(200) : c.iss + 0x12345678; /* 2: within the window */
	again.tsval = _i == 3 ? c.tsval - 500 : c.tsval + 5000;
	out_clear();
	bring_syn(&again);
	ck_assert_uint_eq(outs(), 1);
	ck_assert_uint_eq(out_last()->flags, TH_ACK);
	ck_assert_uint_eq(out_last()->ack, PEERS(100));
	ck_assert_int_eq(tcp_state(CONN), TCP_ESTABLISHED);
	bring_flags(&again, TH_RST, out_last()->ack, 0);
	ck_assert_int_eq(user[CONN].err, -ECONNRESET);
	bring_syn(&again);
	ck_assert_uint_eq(out_last()->flags, TH_SYN | TH_ACK);
	bring_ack(&again, NULL, 0);
	ck_assert_uint_eq(user[CONN].connected, 1);
	ck_assert_uint_eq(user[CONN].closed, 0);
}
END_TEST

START_TEST(keepalive_can_be_changed)
{
	struct client c = client(&agree_nothing);

	tcp_set_keepalive(CONN, 100); /* free: nothing happens */
	ck_assert_uint_eq(timer_count(), 0);
	listen_port(PORT, NULL);
	bring_syn(&c);
	bring_ack(&c, NULL, 0);
	out_clear();
	advance_ms(3000);
	ck_assert_uint_eq(outs(), 0);
	tcp_set_keepalive(CONN, 5000);
	tcp_set_keepalive(CONN, 200); /* earlier than what was set */
	advance_ms(210);
	ck_assert_uint_eq(outs(), 1);
	ack_from_peer(0);
	tcp_set_keepalive(CONN, 0);
	out_clear();
	advance_ms(10000);
	ck_assert_uint_eq(outs(), 0);
	ck_assert_int_eq(tcp_state(CONN), TCP_ESTABLISHED);
}
END_TEST

Suite *listen_suite(void)
{
	Suite *s = suite_create("listen");
	TCase *t = tcase_create("listen");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, refused_at_the_syn);
	tcase_add_loop_test(t, refused_at_the_third_segment, 0, 4);
	tcase_add_test(t, lookup_table_is_full);
	tcase_add_test(t, all_connections_then_one_more);
	tcase_add_test(t, listeners_are_bounded);
	tcase_add_test(t, no_listening_without_the_callbacks);
	tcase_add_test(t, unlisten_amid_handshakes);
	tcase_add_test(t, unlisten_from_the_callback);
	tcase_add_test(t, active_opens_keep_clear_of_listened_ports);
	tcase_add_test(t, active_and_passive_opens_at_once);
	tcase_add_test(t, arp_corrects_the_source_mac);
	tcase_add_test(t, arp_knows_better_than_the_frame);
	tcase_add_test(t, silence_of_arp_does_no_harm);
	tcase_add_test(t, secret_hangs_on_the_first_use);
	tcase_add_test(t, no_way_back_no_answer);
	tcase_add_loop_test(t, time_wait_opens_anew, 0, sizeof(reopen) / sizeof(reopen[0]));
	tcase_add_test(t, numbers_go_on_beyond_those_of_time_wait);
	tcase_add_loop_test(t, a_host_that_started_anew, 0, 4);
	tcase_add_test(t, keepalive_can_be_changed);
	suite_add_tcase(s, t);
	return s;
}
