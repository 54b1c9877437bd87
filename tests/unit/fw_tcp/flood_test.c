/* SPDX-License-Identifier: BSD-2-Clause */
/* Passive open under attack: floods of SYNs, cookies, forged segments, and a long run of random ones. */
#include <errno.h>
#include <string.h>

#include "client.h"

Suite *flood_suite(void);

#define QUEUE 64u

static uint32_t seed;

static uint32_t rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return seed;
}

/* SYNs from sources that never answer, from far and from the own net. */
static void flood(uint32_t n)
{
	struct client c = client(&agree_all);

	for (uint32_t i = 0; i < n; i++) {
		c.ip = i & 1 ? 0x0b000000 + (rnd() & 0xffffff) : 0x0a000003 + rnd() % 200;
		c.port = (uint16_t)(1 + rnd() % 65535);
		c.iss = rnd();
		c.ts = i & 2;
		bring_syn(&c);
		if (outs() > 4000)
			out_clear();
	}
	out_clear();
}

static void setup_flood(void)
{
	setup();
	seed = 0x12345;
	listen_port(PORT, NULL);
}

static struct tcp_listen_stats stats(void)
{
	struct tcp_listen_stats st;

	tcp_get_listen_stats(&st);
	return st;
}

static void forget_everything(void)
{
	advance_ms(40000);
	ck_assert(tcp_idle());
	ck_assert_uint_eq(timer_count(), 0);
}

/* --- floods ----------------------------------------------------------------------------------------------------------- */

START_TEST(flood_with_a_handshake_in_the_queue)
{
	struct client c = client(&agree_all);

	bring_syn(&c);
	flood(10000);
	ck_assert_uint_eq(stats().queued, QUEUE);
	ck_assert_uint_eq(stats().syns, 10001);
	ck_assert_uint_ge(stats().cookies_sent, 9900);
	ck_assert_uint_eq(stats().forgotten, 0);
	bring_ack(&c, "", 100);
	ck_assert_uint_eq(user[CONN].connected, 1);
	ck_assert_uint_eq(stats().cookies_good, 0);
	check_stream(100);
	flood(1000);
	exchange_data_from(100);
	ck_assert_uint_eq(welcome.asked_conn, 1);
	tcp_abort(CONN, 0);
	pump();
	forget_everything();
}
END_TEST

static const struct {
	struct agree a;
	uint16_t mss;
	int rcv_scale;
} cookies[] = {
	{ { true, true, 7, 1460, PEER_WND }, 1448, 2 },
	{ { true, false, 0, 1460, PEER_WND }, 1448, 2 },
	{ { true, true, 14, 1300, PEER_WND }, 1208, 2 },
	{ { true, true, -1, 8960, PEER_WND }, 1448, 0 },
	{ { false, true, 7, 1460, PEER_WND }, 1460, 0 },
	{ { false, false, -1, 536, PEER_WND }, 536, 0 },
	{ { false, false, -1, 0, PEER_WND }, 536, 0 },
	{ { false, false, -1, 60, PEER_WND }, 128, 0 },
};

START_TEST(flood_with_a_handshake_by_cookie)
{
	const struct agree *a = &cookies[_i].a;
	struct client c = client(a);
	struct tcp_stats st;
	bool scaled = a->ts && a->wscale >= 0;

	flood(5000);
	advance_ms((uint32_t)_i * 7); /* other low bits of the clock */
	bring_syn(&c);
	ck_assert_uint_eq(out_last()->flags, TH_SYN | TH_ACK);
	ck_assert_int_eq(out_last()->have_ts, a->ts);
	ck_assert_int_eq(out_last()->have_sack_ok, a->ts && a->sack);
	ck_assert_int_eq(out_last()->wscale, scaled ? 2 : -1);
	if (a->ts) {
		ck_assert_uint_eq(out_last()->tsecr, c.tsval);
		ck_assert_int_le((int32_t)(out_last()->tsval - clk_now()), 0);
		ck_assert_int_lt((int32_t)(clk_now() - out_last()->tsval), 64);
	}
	flood(5000);
	c.tsval += 3;
	bring_ack(&c, "", 100);
	ck_assert_uint_eq(user[CONN].connected, 1);
	ck_assert_uint_eq(stats().cookies_good, 1);
	tcp_get_stats(CONN, &st);
	ck_assert_uint_eq(st.mss, cookies[_i].mss);
	ck_assert_uint_eq(hal_conn_ctx(CONN)->snd_scale, scaled ? a->wscale : 0);
	ck_assert_int_eq(hal_conn_ctx(CONN)->rcv_scale, cookies[_i].rcv_scale);
	ck_assert_int_eq(!!(hal_conn_ctx(CONN)->flags & ENG_CF_TS), a->ts);
	ck_assert_int_eq(!!(tcb_of(CONN)->flags & F_SACK), a->ts && a->sack);
	check_stream(100);
	exchange_data_from(100);
}
END_TEST

START_TEST(fin_rides_on_a_cookie)
{
	struct client c = client(&agree_all);

	flood(100);
	bring_syn(&c);
	c.third_flags = TH_FIN | TH_ACK;
	bring_ack(&c, "", 50);
	ck_assert_uint_eq(user[CONN].connected, 1);
	ck_assert_uint_eq(user[CONN].remote_closed, 1);
	check_stream(50);
}
END_TEST

START_TEST(many_hosts_come_in_by_cookie)
{
	struct client c = client(&agree_nothing);

	flood(100);
	for (uint16_t i = 1; i <= 100; i++) {
		c.port = (uint16_t)(3000 + i);
		c.iss += 1000003;
		bring_syn(&c);
		bring_ack(&c, NULL, 0);
		ck_assert_uint_eq(user[i].connected, 1);
	}
	ck_assert_uint_eq(stats().cookies_good, 100);
	ck_assert_uint_eq(stats().queued, QUEUE);
}
END_TEST

/* The queue has room again between the cookie and a repeated SYN: either answer may be acknowledged. */
START_TEST(cookie_then_queue)
{
	struct client c = client(&agree_all), late;

	flood(100);
	bring_syn(&c);
	late = c;
	ck_assert_int_eq(tcp_unlisten(PORT), 0);
	ck_assert_int_eq(tcp_listen(PORT, &(struct tcp_params){ 0 }), 0);
	bring_syn(&c);
	ck_assert_uint_eq(stats().queued, 1);
	bring_ack(&late, "", 20);
	ck_assert_uint_eq(user[CONN].connected, 1);
	ck_assert_uint_eq(stats().queued, 0);
	check_stream(20);
}
END_TEST

START_TEST(cookies_grow_old)
{
	static const struct {
		uint32_t ms;
		bool good;
	} ages[] = {
		{ 0, true }, { 60000, true }, { 68000, true }, { 138000, false }, { 200000, false }
	};
	struct client c = client(&agree_all);

	flood(QUEUE);
	bring_syn(&c);
	ck_assert_uint_eq(stats().cookies_sent, 1);
	advance_ms(ages[_i].ms > 2000 ? ages[_i].ms - 2000 : 0);
	if (!ages[_i].good)
		flood(100 + QUEUE); /* cookies go out all the time */
	advance_ms(ages[_i].ms > 2000 ? 2000 : 0);
	bring_ack(&c, NULL, 0);
	ck_assert_uint_eq(user[CONN].connected, ages[_i].good);
	if (!ages[_i].good)
		ck_assert_uint_eq(out_last()->flags, TH_RST);
}
END_TEST

static void change(struct client *c, int what)
{
	switch (what) {
	case 0:
		c->ip++;
		break;
	case 1:
		c->port++;
		break;
	case 2:
		c->dport++;
		break;
	case 3:
		c->iss++;
		break;
	default:
		c->ack_off = what < 12 ? what - 3 : (int32_t)(1u << (what - 12));
		break;
	}
}

START_TEST(cookies_are_for_one_handshake)
{
	struct client c = client(&agree_nothing), wrong;

	listen_port(PORT + 1, NULL);
	flood(100);
	bring_syn(&c);
	for (int i = 0; i < 44; i++) {
		wrong = c;
		change(&wrong, i);
		out_clear();
		advance_ms(60); /* answers are limited */
		bring_ack(&wrong, NULL, 0);
		ck_assert_uint_eq(welcome.asked_conn, 0);
		ck_assert_uint_eq(out_last()->flags, TH_RST);
	}
	bring_ack(&c, NULL, 0);
	ck_assert_uint_eq(user[CONN].connected, 1);
}
END_TEST

START_TEST(forged_acknowledgements)
{
	struct client c = client(&agree_all);

	flood(200);
	for (uint32_t i = 0; i < 10000; i++) {
		c.ip = 0x0b000000 + (rnd() & 0xffffff);
		c.port = (uint16_t)(1 + rnd() % 65535);
		c.iss = rnd();
		c.server = rnd();
		c.tsecr = rnd();
		bring_ack(&c, "", 10);
		out_clear();
	}
	ck_assert_uint_eq(welcome.asked_conn, 0);
	ck_assert_uint_eq(stats().cookies_good, 0);
	ck_assert_uint_eq(stats().accepted, 0);
}
END_TEST

START_TEST(no_cookie_is_believed_when_none_was_sent)
{
	struct client c = client(&agree_nothing);
	const struct seg s = { .src = c.ip, .sport = c.port, .dport = PORT };

	c.server = tcp_cookie(&s, c.iss, clk_now() >> 16, 3);
	bring_ack(&c, NULL, 0);
	ck_assert_uint_eq(welcome.asked_conn, 0);
	flood(100); /* the same number is right now: the test knows the secret */
	c.server = tcp_cookie(&s, c.iss, clk_now() >> 16, 3);
	bring_ack(&c, NULL, 0);
	ck_assert_uint_eq(welcome.asked_conn, 1);
	advance_ms(140000); /* no flood for two minutes */
	c.port++;
	c.server = tcp_cookie(&(struct seg){ .src = c.ip, .sport = c.port, .dport = PORT }, c.iss,
			      clk_now() >> 16, 3);
	bring_ack(&c, NULL, 0);
	ck_assert_uint_eq(welcome.asked_conn, 1);
}
END_TEST

/* The third segment once more, when the connection it made is over already. */
START_TEST(replayed_cookie_in_time_wait)
{
	struct client c = client(&agree_nothing);

	flood(100);
	bring_syn(&c);
	bring_ack(&c, NULL, 0);
	ck_assert_int_eq(tcp_close(CONN), 0);
	pump();
	bring(&(struct in){ .flags = TH_FIN | TH_ACK, .seq = PEERS(0), .ack = OURS(1) });
	ck_assert_uint_eq(tw_used(), 1);
	bring_ack(&c, "", 10);
	ck_assert_uint_eq(welcome.asked_conn, 1);
	ck_assert_uint_eq(out_last()->flags, TH_ACK);
}
END_TEST

START_TEST(refused_cookie)
{
	struct client c = client(&agree_all);

	flood(100);
	bring_syn(&c);
	welcome.conn = 0;
	bring_ack(&c, NULL, 0);
	ck_assert_uint_eq(out_last()->flags, TH_RST);
	ck_assert_uint_eq(stats().cookies_good, 1);
	ck_assert_uint_eq(stats().refused, 1);
	ck_assert_uint_eq(user[CONN].connected, 0);
}
END_TEST

START_TEST(full_queue_drains)
{
	struct client c = client(&agree_all);

	flood(1000);
	ck_assert_uint_eq(stats().queued, QUEUE);
	forget_everything();
	ck_assert_uint_eq(stats().queued, 0);
	ck_assert_uint_eq(stats().forgotten, QUEUE);
	bring_syn(&c);
	ck_assert_uint_eq(stats().queued, 1);
	bring_ack(&c, NULL, 0);
	ck_assert_uint_eq(user[CONN].connected, 1);
	ck_assert_uint_eq(stats().cookies_good, 0);
}
END_TEST

/* A tuple in TIME_WAIT needs a number beyond its old ones, which no cookie can promise. */
START_TEST(time_wait_goes_before_a_silent_entry)
{
	struct client c = client(&agree_nothing);
	uint32_t last;

	bring_syn(&c);
	bring_ack(&c, NULL, 0);
	ck_assert_int_eq(tcp_close(CONN), 0);
	pump();
	bring(&(struct in){ .flags = TH_FIN | TH_ACK, .seq = PEERS(0), .ack = OURS(1) });
	ck_assert_uint_eq(tw_used(), 1);
	last = OURS(1);
	flood(200);
	c.iss += 1000;
	bring_syn(&c);
	ck_assert_int_gt((int32_t)(c.server - last), 0);
	ck_assert_uint_eq(stats().queued, QUEUE);
	ck_assert_uint_eq(stats().forgotten, 1);
	bring_ack(&c, NULL, 0);
	ck_assert_uint_eq(user[CONN].connected, 1);
	ck_assert_uint_eq(stats().cookies_good, 0);
	ck_assert_uint_eq(stats().queued, QUEUE - 1);
}
END_TEST

START_TEST(a_flood_leaves_room_to_transmit)
{
	struct client c = client(&agree_all);

	uint32_t before;

	flood(100);
	before = stats().cookies_sent;
	fake_opt.tx_stop = 24;
	for (uint32_t i = 0; i < 100; i++) {
		c.port = (uint16_t)(4000 + i);
		bring_syn(&c);
	}
	ck_assert_uint_eq(outs(), 0);
	ck_assert_uint_eq(stats().cookies_sent - before, 24);
	ck_assert_uint_eq(hal_tx_free(), TX_KEEP);
}
END_TEST

/* --- random segments -------------------------------------------------------------------------------------------------- */

#define PEERS_N 12u

static struct client hosts[PEERS_N];

static uint32_t near(uint32_t v)
{
	uint32_t how = rnd() % 16;

	if (how < 11)
		return v;
	return how < 15 ? v + rnd() % 5 - 2 : rnd();
}

static void random_segment(struct client *c)
{
	static const uint8_t flags[] = { TH_RST,          TH_FIN | TH_ACK, TH_SYN | TH_ACK,
					 TH_SYN | TH_FIN, TH_RST | TH_ACK, TH_ACK | TH_PSH };
	struct client odd = *c;

	switch (rnd() % 12) {
	case 0:
	case 1:
	case 2:
		if (rnd() % 4 == 0)
			c->iss = rnd();
		c->ts = rnd() % 4;
		c->sack = rnd() % 2;
		c->wscale = (int)(rnd() % 16) - 1;
		c->mss = (uint16_t)(rnd() % 3 ? 1460 : rnd());
		c->tsval = near(c->tsval + 1);
		bring_syn(c);
		break;
	case 3:
	case 4:
	case 5:
	case 6:
		odd.third_off = (int32_t)near(0);
		odd.ack_off = (int32_t)near(0);
		odd.tsval = near(c->tsval);
		odd.tsecr = near(c->tsecr);
		odd.third_flags = rnd() % 5 ? TH_ACK : flags[rnd() % sizeof(flags)];
		bring_ack(&odd, "", rnd() % 3 ? 0 : rnd() % 1200);
		break;
	case 7:
		bring_flags(c, TH_RST, near(c->iss + 1), near(c->server + 1));
		break;
	default:
		bring_flags(c, rnd() % 4 ? flags[rnd() % sizeof(flags)] : (uint8_t)(rnd() & 0x3f),
			    near(c->iss + 1), near(c->server + 1));
		break;
	}
}

static void user_acts(void)
{
	uint16_t conn = (uint16_t)(1 + rnd() % 16);

	switch (rnd() % 8) {
	case 0:
		tcp_close(conn);
		break;
	case 1:
		tcp_abort(conn, -ECONNABORTED);
		break;
	case 2:
		welcome.conn = rnd() % 3 ? -1 : (int32_t)(rnd() % 20);
		break;
	case 3:
		welcome.refuse_syn = rnd() % 8 == 0;
		break;
	case 4:
		if (!tcp_unlisten(PORT))
			ck_assert_int_eq(
				tcp_listen(PORT, &(struct tcp_params){ .rcv_wnd = rnd() % 300000 }),
				0);
		break;
	case 5:
		tcp_set_keepalive(conn, rnd() % 3000);
		break;
	case 6:
		fake_opt.tx_stop = rnd() % 3 ? 0 : rnd() % 32;
		break;
	default:
		advance_ms(rnd() % (rnd() % 50 ? 30 : 20000));
		break;
	}
	pump();
}

static void invariants(void)
{
	struct tcp_listen_stats st = stats();
	uint32_t conns = 0;

	must(st.queued <= QUEUE);
	must(st.queued == listen_used());
	must(st.cookies_good <= st.cookies_sent && st.accepted <= welcome.asked_conn);
	must(st.queued + st.forgotten <= st.syns);
	/* none stays half open as a connection: incoming() promised connected() */
	for (uint16_t i = 1; i < ENG_N_CONN; i++) {
		must(tcp_state(i) != TCP_SYN_RCVD && tcp_state(i) != TCP_SYN_SENT);
		conns += tcp_state(i) != TCP_CLOSED;
		must(tcp_state(i) == TCP_CLOSED || user[i].connected == 1);
	}
	must(conns <= st.accepted);
}

START_TEST(random_segments)
{
	static const uint32_t seeds[] = { 0x1, 0xdeadbeef, 0x5eed, 0xc0ffee };

	seed = seeds[_i];
	for (uint32_t i = 0; i < PEERS_N; i++) {
		hosts[i] = client(&agree_all);
		hosts[i].ip = i & 1 ? PEER_IP : 0x0b000001 + i;
		hosts[i].port = (uint16_t)(5000 + i);
	}
	for (uint32_t i = 0; i < 12000; i++) {
		if (rnd() % 256 == 0)
			flood(QUEUE);
		if (rnd() % 16)
			random_segment(&hosts[rnd() % PEERS_N]);
		else
			user_acts();
		if (outs() > 2000)
			out_clear();
		invariants();
	}
	ck_assert_uint_gt(stats().accepted, 50); /* it did not only knock */
	ck_assert_uint_gt(stats().cookies_good, 0);
	fake_opt.tx_stop = 0;
	for (uint16_t i = 1; i < ENG_N_CONN; i++)
		tcp_abort(i, 0);
	pump();
	forget_everything();
}
END_TEST

Suite *flood_suite(void)
{
	Suite *s = suite_create("flood");
	TCase *t = tcase_create("flood");

	tcase_set_timeout(t, 30);
	tcase_add_checked_fixture(t, setup_flood, teardown);
	tcase_add_test(t, flood_with_a_handshake_in_the_queue);
	tcase_add_loop_test(t, flood_with_a_handshake_by_cookie, 0,
			    sizeof(cookies) / sizeof(cookies[0]));
	tcase_add_test(t, fin_rides_on_a_cookie);
	tcase_add_test(t, many_hosts_come_in_by_cookie);
	tcase_add_test(t, cookie_then_queue);
	tcase_add_loop_test(t, cookies_grow_old, 0, 5);
	tcase_add_test(t, cookies_are_for_one_handshake);
	tcase_add_test(t, forged_acknowledgements);
	tcase_add_test(t, no_cookie_is_believed_when_none_was_sent);
	tcase_add_test(t, replayed_cookie_in_time_wait);
	tcase_add_test(t, refused_cookie);
	tcase_add_test(t, full_queue_drains);
	tcase_add_test(t, time_wait_goes_before_a_silent_entry);
	tcase_add_test(t, a_flood_leaves_room_to_transmit);
	tcase_add_loop_test(t, random_segments, 0, 4);
	suite_add_tcase(s, t);
	return s;
}
