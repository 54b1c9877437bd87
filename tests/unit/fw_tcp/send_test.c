/* SPDX-License-Identifier: BSD-2-Clause */
/* Sending without loss: segmentation, windows, acknowledgement events, probes, the shared transmit queue. */
#include <errno.h>
#include <string.h>

#include "lib/bytes.h"
#include "tcp_helper.h"

Suite *send_suite(void);

static uint32_t sent_bytes(void)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < outs(); i++)
		n += out_at(i)->len;
	return n;
}

static void check_all(void)
{
	for (uint32_t i = 0; i < outs(); i++)
		check_data(out_at(i));
}

START_TEST(a_small_pdu_leaves_at_once)
{
	open_conn(&agree_all);
	send_pdu(1, 0);
	pump();
	ck_assert_uint_eq(outs(), 1);
	ck_assert_uint_eq(out_at(0)->len, 24);
	ck_assert_uint_eq(out_at(0)->seq, OURS(0));
	ck_assert_uint_eq(out_at(0)->flags, TH_ACK | TH_PSH);
	check_all();
	ck_assert_uint_eq(user[CONN].acked, 0);
	ack_from_peer(24);
	ck_assert_uint_eq(user[CONN].acked, 1);
	ck_assert_ptr_eq(user[CONN].last_acked, hal_slot_fw(1));
	ck_assert_uint_eq(fake_cnt.rx_to_fw,
			  2); /* ARP, SYN-ACK: the acknowledgement was the engine's */
}
END_TEST

START_TEST(digests_come_from_the_engine)
{
	struct tcp_pdu *p;
	uint32_t crc;

	open_conn(&agree_all);
	p = make_pdu(3, 1000, ENG_RECF_HDGST | ENG_RECF_DDGST);
	ck_assert_int_eq(tcp_send(CONN, p), 0);
	pump();
	ck_assert_uint_eq(p->len, 24 + 4 + 1000 + 4);
	ck_assert_uint_eq(out_at(0)->len, 1032);
	crc = ~fake_crc32c(0xffffffff, out_at(0)->data, 24);
	ck_assert_uint_eq(get_le32(out_at(0)->data + 24), crc);
	crc = ~fake_crc32c(0xffffffff, out_at(0)->data + 28, 1000);
	ck_assert_uint_eq(get_le32(out_at(0)->data + 1028), crc);
}
END_TEST

START_TEST(initial_window_is_ten_segments)
{
	open_conn(&agree_all);
	send_pdu(1, 100000);
	pump();
	ck_assert_uint_eq(outs(), 10);
	for (uint32_t i = 0; i < 10; i++)
		ck_assert_uint_eq(out_at(i)->len, 1448);
	check_all();
	ack_from_peer(4 * 1448); /* slow start: four gone, eight follow */
	ck_assert_uint_eq(outs(), 18);
	check_all();
}
END_TEST

START_TEST(a_whole_write_with_few_events)
{
	uint32_t len, events = 0, acked = 0;
	struct hal_event ev;

	open_conn(&agree_all);
	len = send_pdu(1, 400000);
	pump();
	while (acked < len) {
		uint32_t to = sent_bytes();
		struct in s = { .flags = TH_ACK, .seq = peer_nxt };

		/* The peer acknowledges every second segment; nobody looks at events meanwhile. */
		for (acked += 2896; acked < to; acked += 2896) {
			s.ack = OURS(acked);
			bring_more(&s);
			while (event_next(&ev)) {
				ck_assert_uint_eq(ev.type, ENG_EVT_ACK);
				events++;
				tcp_ack_event(ev.id);
				fake_run();
			}
		}
		acked = to;
		ack_from_peer(acked);
	}
	check_all();
	ck_assert_uint_eq(sent_bytes(), len);
	ck_assert_uint_eq(user[CONN].acked, 1);
	ck_assert_uint_lt(events, 60); /* of 140 acknowledgements, from a cold start */
	ck_assert_uint_eq(fake_cnt.rx_to_fw, 2);
}
END_TEST

START_TEST(window_of_the_peer_is_kept)
{
	const struct agree a = { true, true, 0, 1460, 5000 };
	struct in s = { .flags = TH_ACK, .wnd = 5000 };

	open_conn(&a);
	send_pdu(1, 20000);
	pump();
	ck_assert_uint_eq(sent_bytes(), 3 * 1448);
	s.seq = peer_nxt;
	s.ack = OURS(3 * 1448);
	bring(&s);
	ck_assert_uint_eq(sent_bytes(), 6 * 1448);
	check_all();
}
END_TEST

START_TEST(pdus_come_back_in_order)
{
	uint32_t total = 0, ends[20];

	open_conn(&agree_all);
	for (uint16_t i = 0; i < 20; i++) {
		send_pdu((uint16_t)(i + 1), i * 13u);
		total = expected_len;
		ends[i] = total;
	}
	pump();
	ck_assert_uint_eq(sent_bytes(), total);
	check_all();
	ack_from_peer(ends[4] + 1);
	tcp_poll(CONN);
	ck_assert_uint_eq(user[CONN].acked, 5);
	ack_from_peer(ends[19]);
	ck_assert_uint_eq(user[CONN].acked, 20);
	ck_assert(user[CONN].in_order);
}
END_TEST

START_TEST(one_event_per_flight)
{
	struct hal_event ev;
	uint32_t events = 0;

	open_conn(&agree_all);
	for (uint16_t i = 1; i <= 100; i++) {
		struct in s = { .flags = TH_ACK, .seq = peer_nxt };

		send_pdu(i, 0);
		fake_run();
		s.ack = OURS(expected_len - 240); /* ten commands behind */
		if (i > 10)
			bring_more(&s);
		while (event_next(&ev)) {
			ck_assert(ev.type == ENG_EVT_ACK || ev.type == ENG_EVT_TXDONE);
			events += ev.type == ENG_EVT_ACK;
			if (ev.type == ENG_EVT_ACK)
				tcp_ack_event(ev.id);
		}
	}
	ck_assert_uint_ge(user[CONN].acked, 80);
	ck_assert_uint_le(events, 12);
}
END_TEST

/* Data and what ends it, 3048 bytes on the wire. */
static void send_pair(uint16_t n)
{
	struct tcp_pdu *data = pdu_to_send(n, 3000), *end = pdu_to_send((uint16_t)(n + 1), 0);

	data->len = 3024;
	data->user |= TCP_PDU_QUIET;
	end->len = 24;
	tcp_send_two(CONN, data, end);
}

START_TEST(a_pair_comes_back_as_one)
{
	uint32_t acked = 0;

	open_conn(&agree_all);
	for (uint16_t n = 1; n <= 80; n = (uint16_t)(n + 2)) {
		send_pair(n);
		pump();
		check_all();
		if (n % 16 == 15) { /* the first window is full by then */
			acked = sent_bytes();
			ack_from_peer(acked);
		}
		ck_assert_uint_le(user[CONN].acked, (n + 1) / 2u);
	}
	for (uint32_t i = 0; i < 100 && acked < 40 * 3048; i++) {
		acked = sent_bytes();
		ack_from_peer(acked);
	}
	ck_assert_uint_eq(sent_bytes(), 40 * 3048);
	check_all();
	ck_assert_uint_eq(user[CONN].acked, 40);
	ck_assert(user[CONN].in_order);
	ck_assert_ptr_eq(user[CONN].last_acked, hal_slot_fw(80));
	ck_assert_uint_eq(fake_cnt.rx_to_fw, 2);
}
END_TEST

START_TEST(a_pair_is_not_back_before_its_end)
{
	open_conn(&agree_all);
	send_pair(1);
	pump();
	ack_from_peer(3024);
	ck_assert_uint_eq(user[CONN].acked, 0);
	ack_from_peer(3048);
	ck_assert_uint_eq(user[CONN].acked, 1);
}
END_TEST

START_TEST(bad_calls)
{
	struct tcp_pdu *p = make_pdu(1, 100, 0);

	ck_assert_int_eq(tcp_send(CONN, p), -ENOTCONN);
	ck_assert_int_eq(tcp_close(CONN), -ENOTCONN);
	open_conn(&agree_all);
	p->rec.hdr_len = 0;
	p->rec.data_len = 0;
	ck_assert_int_eq(tcp_send(CONN, p), -EINVAL);
	p->rec.data_len = 0xfffffff0;
	ck_assert_int_eq(tcp_send(CONN, p), -EINVAL);
	p->rec.hdr_len = 24; /* wraps around to something small */
	ck_assert_int_eq(tcp_send(CONN, p), -EINVAL);
	ck_assert_int_eq(tcp_close(CONN), 0);
	p->rec.data_len = 10;
	ck_assert_int_eq(tcp_send(CONN, p), -ENOTCONN);
	ck_assert_int_eq(tcp_close(CONN), -ENOTCONN);
}
END_TEST

/* --- zero window ------------------------------------------------------------------------------------------------------ */

static void fill_window(void)
{
	const struct agree a = { true, true, 0, 1460, 3000 };
	struct in s = { .flags = TH_ACK, .wnd = NO_WND };

	open_conn(&a);
	send_pdu(1, 9000);
	pump();
	ck_assert_uint_eq(sent_bytes(), 2896);
	s.seq = peer_nxt;
	s.ack = OURS(2896);
	bring(&s);
	out_clear();
}

START_TEST(zero_window_is_probed_with_backoff)
{
	uint64_t last = 0, gap = 0;
	uint32_t probes = 0;

	fill_window();
	while (probes < 6) {
		advance_ms(10);
		if (!outs())
			continue;
		ck_assert_uint_eq(outs(), 1);
		ck_assert_uint_eq(out_at(0)->len, 1);
		ck_assert_uint_eq(out_at(0)->seq, OURS(2896));
		check_all();
		if (gap)
			ck_assert(hal_now_ns() - last > gap * 17 / 10);
		gap = last ? hal_now_ns() - last : 0;
		last = hal_now_ns();
		out_clear();
		probes++;
		if (probes & 1) { /* the peer answers, still closed */
			struct in s = {
				.flags = TH_ACK, .seq = peer_nxt, .ack = OURS(2896), .wnd = NO_WND
			};

			bring(&s);
		}
	}
	ck_assert_uint_eq(user[CONN].closed, 0);
}
END_TEST

START_TEST(an_opened_window_is_used_at_once)
{
	struct in s = { .flags = TH_ACK, .ack = 0, .wnd = 3000 };

	fill_window();
	s.seq = peer_nxt;
	s.ack = OURS(2896);
	bring(&s);
	ck_assert_uint_eq(sent_bytes(), 2896);
	check_all();
}
END_TEST

START_TEST(a_refused_probe_is_sent_again_when_the_window_opens)
{
	struct in s = { .flags = TH_ACK, .wnd = 3000 };

	fill_window();
	advance_ms(1500);
	ck_assert_uint_ge(outs(), 1);
	out_clear();
	s.seq = peer_nxt;
	s.ack = OURS(2896);
	bring(&s);
	ck_assert_uint_eq(out_at(0)->seq, OURS(2896));
	ck_assert_uint_eq(out_at(0)->len, 1);
	ck_assert_uint_eq(out_at(1)->seq, OURS(2897));
	check_all();
}
END_TEST

START_TEST(a_probe_the_peer_takes)
{
	struct in s = { .flags = TH_ACK, .wnd = NO_WND };

	fill_window();
	advance_ms(1500);
	s.seq = peer_nxt;
	s.ack = OURS(2897);
	bring(&s);
	out_clear();
	advance_ms(20000);
	ck_assert_uint_ge(outs(), 1);
	ck_assert_uint_eq(out_at(0)->seq, OURS(2897));
	s.ack = OURS(2898);
	s.wnd = 20000;
	bring(&s);
	s.ack = OURS(9024);
	bring(&s);
	ck_assert_uint_eq(user[CONN].acked, 1);
}
END_TEST

START_TEST(a_peer_that_answers_no_probe_is_given_up)
{
	fill_window();
	for (int i = 0; i < 1000 && !user[CONN].closed; i++)
		advance_ms(1000);
	ck_assert_int_eq(user[CONN].err, -ETIMEDOUT);
}
END_TEST

START_TEST(no_silly_little_segments)
{
	const struct agree a = { false, true, 0, 1460, 20000 };
	struct in s = { .flags = TH_ACK, .wnd = 500 };

	open_conn(&a);
	send_pdu(1, 14600 - 24);
	send_pdu(2, 9000);
	pump();
	ck_assert_uint_eq(sent_bytes(), 14600);
	out_clear();
	s.seq = peer_nxt;
	s.ack = OURS(14600);
	bring(&s); /* 500 of at most 20000: not worth it */
	ck_assert_uint_eq(outs(), 0);
	s.wnd = 1459;
	bring(&s);
	ck_assert_uint_eq(outs(), 0);
	s.wnd = 1460;
	bring(&s);
	ck_assert_uint_eq(sent_bytes(), 1460);
}
END_TEST

START_TEST(a_tiny_window_is_still_served)
{
	const struct agree a = { false, true, 0, 1460, 100 };
	struct in s = { .flags = TH_ACK, .wnd = 100 };

	open_conn(&a);
	send_pdu(1, 1000);
	pump();
	ck_assert_uint_eq(sent_bytes(), 100);
	s.seq = peer_nxt;
	for (uint32_t at = 100; at < 1024; at += 100) {
		s.ack = OURS(at);
		bring(&s);
	}
	ck_assert_uint_eq(sent_bytes(), 1024);
	check_all();
}
END_TEST

/* --- other -------------------------------------------------------------------------------------------------------------- */

START_TEST(a_full_transmit_queue_only_delays)
{
	open_conn(&agree_all);
	fake_opt.tx_stop = 31;
	for (uint16_t i = 1; i <= 60; i++)
		send_pdu(i, 0);
	ck_assert_uint_le(fake_tx_queued(), 32);
	ck_assert_uint_ge(fake_tx_queued(), 20);
	fake_opt.tx_stop = 0;
	pump();
	ck_assert_uint_eq(sent_bytes(), 60 * 24);
	check_all();
}
END_TEST

START_TEST(many_connections_share_the_queue)
{
	const struct tcp_params p = { .remote_ip = PEER_IP, .remote_port = PEER_PORT };
	uint32_t per_port[3] = { 0 };

	open_conn(&agree_all);
	for (uint16_t c = 2; c <= 3; c++) {
		struct in s = { .flags = TH_SYN | TH_ACK, .seq = PEER_ISS, .no_ts = true };
		uint8_t f[200];

		ck_assert_int_eq(tcp_connect(c, &p), 0);
		pump();
		s.ack = out_last()->seq + 1;
		fake_rx(f, build_frame(f, &s, tcp_local_port(c)));
		pump();
		ck_assert_int_eq(tcp_state(c), TCP_ESTABLISHED);
	}
	out_clear();
	fake_opt.tx_stop = 31;
	for (uint16_t i = 0; i < 40; i++)
		for (uint16_t c = 1; c <= 3; c++)
			ck_assert_int_eq(tcp_send(c, make_pdu((uint16_t)(1 + i * 3 + c), 0, 0)), 0);
	fake_opt.tx_stop = 0;
	pump();
	for (uint32_t i = 0; i < outs(); i++)
		for (uint16_t c = 1; c <= 3; c++)
			per_port[c - 1] += out_at(i)->sport == tcp_local_port(c) ? out_at(i)->len :
										   0;
	for (int i = 0; i < 3; i++)
		ck_assert_uint_eq(per_port[i], 40 * 24);
}
END_TEST

START_TEST(host_memory_that_fails_cuts_the_connection)
{
	struct tcp_pdu *p;

	open_conn(&agree_all);
	p = make_pdu(1, 1000, 0);
	hal_slot_entry(1)->sgl[0].addr = FAKE_HOST_SIZE;
	ck_assert_int_eq(tcp_send(CONN, p), 0);
	pump();
	ck_assert_uint_eq(user[CONN].closed, 1);
	ck_assert_int_eq(user[CONN].err, -EFAULT);
	ck_assert_uint_eq(out_last()->flags, TH_RST | TH_ACK);
	ck_assert_uint_eq(out_last()->seq, OURS(0));
}
END_TEST

START_TEST(keepalive_probes_and_gives_up)
{
	const struct tcp_params p = { .remote_ip = PEER_IP,
				      .remote_port = PEER_PORT,
				      .keepalive_ms = 1000 };
	struct in s = { .flags = TH_ACK };

	open_params(&agree_all, &p);
	advance_ms(1100);
	ck_assert_uint_eq(outs(), 1);
	ck_assert_uint_eq(out_at(0)->len, 0);
	ck_assert_uint_eq(out_at(0)->seq, iss); /* one before what the peer expects */
	s.seq = peer_nxt;
	s.ack = OURS(0);
	bring(&s); /* alive */
	out_clear();
	advance_ms(900);
	ck_assert_uint_eq(outs(), 0);
	advance_ms(30000);
	ck_assert_uint_eq(user[CONN].closed, 1);
	ck_assert_int_eq(user[CONN].err, -ETIMEDOUT);
	ck_assert_uint_eq(out_last()->flags, TH_RST | TH_ACK);
	ck_assert_uint_eq(outs(), 5 + 1);
}
END_TEST

START_TEST(keepalive_is_quiet_while_data_comes)
{
	const struct tcp_params p = { .remote_ip = PEER_IP,
				      .remote_port = PEER_PORT,
				      .keepalive_ms = 1000 };
	uint8_t b[100];

	open_params(&agree_all, &p);
	for (uint32_t i = 0; i < 20; i++) {
		struct in s = {
			.flags = TH_ACK, .seq = peer_nxt, .ack = OURS(0), .data = b, .len = 100
		};

		for (uint32_t k = 0; k < 100; k++)
			b[k] = pattern(i * 100 + k);
		bring(&s);
		peer_nxt += 100;
		advance_ms(600);
	}
	for (uint32_t i = 0; i < outs(); i++)
		ck_assert_uint_eq(out_at(i)->seq, OURS(0));
	check_stream(2000);
}
END_TEST

START_TEST(idle_connections_start_slowly_again)
{
	struct tcp_stats st;
	uint32_t acked = 0;

	open_conn(&agree_all);
	send_pdu(1, 200000);
	pump();
	while (acked < expected_len) {
		acked = sent_bytes();
		ack_from_peer(acked);
	}
	tcp_get_stats(CONN, &st);
	ck_assert_uint_gt(st.cwnd, 20 * 1448);
	advance_ms(5000);
	out_clear();
	send_pdu(2, 100000);
	pump();
	ck_assert_uint_eq(sent_bytes(), 10 * 1448);
}
END_TEST

START_TEST(the_neighbours_new_address_is_used)
{
	static const uint8_t other[6] = { 2, 0, 0, 0, 9, 9 };

	open_conn(&agree_all);
	bring_arp_reply(PEER_IP, other);
	send_pdu(1, 0);
	pump();
	ck_assert_mem_eq(out_last()->frame, other, 6);
	ack_from_peer(24);
	ck_assert_uint_eq(user[CONN].acked, 1);
}
END_TEST

START_TEST(a_smaller_path_mtu_cuts_smaller)
{
	struct tcp_unreach u = {
		.remote_ip = PEER_IP, .remote_port = PEER_PORT, .code = 4, .mtu = 1000
	};

	open_conn(&agree_all);
	send_pdu(1, 10000);
	pump();
	out_clear();
	u.local_port = tcp_local_port(CONN);
	u.seq = OURS(0);
	tcp_unreachable(&u);
	pump();
	ck_assert_uint_eq(out_at(0)->len, 1000 - 40 - 12);
	ck_assert_uint_eq(out_at(0)->seq, OURS(0));
	check_all();
}
END_TEST

Suite *send_suite(void)
{
	Suite *s = suite_create("send");
	TCase *t = tcase_create("send");

	tcase_set_timeout(t, 20);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_small_pdu_leaves_at_once);
	tcase_add_test(t, digests_come_from_the_engine);
	tcase_add_test(t, initial_window_is_ten_segments);
	tcase_add_test(t, a_whole_write_with_few_events);
	tcase_add_test(t, window_of_the_peer_is_kept);
	tcase_add_test(t, pdus_come_back_in_order);
	tcase_add_test(t, one_event_per_flight);
	tcase_add_test(t, a_pair_comes_back_as_one);
	tcase_add_test(t, a_pair_is_not_back_before_its_end);
	tcase_add_test(t, bad_calls);
	tcase_add_test(t, zero_window_is_probed_with_backoff);
	tcase_add_test(t, an_opened_window_is_used_at_once);
	tcase_add_test(t, a_refused_probe_is_sent_again_when_the_window_opens);
	tcase_add_test(t, a_probe_the_peer_takes);
	tcase_add_test(t, a_peer_that_answers_no_probe_is_given_up);
	tcase_add_test(t, no_silly_little_segments);
	tcase_add_test(t, a_tiny_window_is_still_served);
	tcase_add_test(t, a_full_transmit_queue_only_delays);
	tcase_add_test(t, many_connections_share_the_queue);
	tcase_add_test(t, host_memory_that_fails_cuts_the_connection);
	tcase_add_test(t, keepalive_probes_and_gives_up);
	tcase_add_test(t, keepalive_is_quiet_while_data_comes);
	tcase_add_test(t, idle_connections_start_slowly_again);
	tcase_add_test(t, the_neighbours_new_address_is_used);
	tcase_add_test(t, a_smaller_path_mtu_cuts_smaller);
	suite_add_tcase(s, t);
	return s;
}
