/* SPDX-License-Identifier: BSD-2-Clause */
/* Receiving: order, overlaps, windows, and everything RFC 9293, 5961 and 7323 say about segments that should not be there. */
#include <errno.h>
#include <string.h>

#include "tcp_helper.h"

Suite *recv_suite(void);

static uint8_t buf[20000];

/* Bytes [off, off + len) of the peer's stream. */
static void data_flags(uint32_t off, uint32_t len, uint8_t flags)
{
	struct in s = {
		.flags = TH_ACK | flags, .seq = PEERS(off), .ack = OURS(0), .data = buf, .len = len
	};

	for (uint32_t i = 0; i < len; i++)
		buf[i] = pattern(off + i);
	bring(&s);
}

static void data(uint32_t off, uint32_t len)
{
	data_flags(off, len, 0);
}

static uint32_t ack_off(void)
{
	return out_last()->ack - PEERS(0);
}

START_TEST(in_order_costs_no_event)
{
	struct tcp_stats before, st;

	open_conn(&agree_all);
	tcp_get_stats(CONN, &before);
	for (uint32_t i = 0; i < 50; i++)
		data(i * 1448, 1448);
	ck_assert_uint_eq(fake_cnt.rx_to_fw, 2);
	ck_assert_uint_eq(fake_cnt.rx_fast, 50);
	check_stream(50 * 1448);
	ck_assert_uint_eq(outs(), 25);
	ck_assert_uint_eq(ack_off(), 50 * 1448);
	/* counted also while firmware has not heard of them */
	tcp_get_stats(CONN, &st);
	ck_assert_uint_eq(st.segs_in - before.segs_in, 50);
}
END_TEST

START_TEST(the_same_in_slow_mode)
{
	open_conn(&agree_all);
	fake_opt.slow_only = true;
	for (uint32_t i = 0; i < 50; i++)
		data(i * 1448, 1448);
	advance_ms(5);
	ck_assert_uint_eq(fake_cnt.rx_to_fw, 52);
	check_stream(50 * 1448);
	ck_assert_uint_eq(ack_off(), 50 * 1448);
	ck_assert_uint_le(outs(), 51);
}
END_TEST

START_TEST(a_gap_is_reported_and_filled)
{
	open_conn(&agree_all);
	data(0, 1000);
	data(2000, 1000);
	ck_assert_uint_eq(ack_off(), 1000);
	ck_assert_uint_eq(out_last()->n_sack, 1);
	ck_assert_uint_eq(out_last()->sack[0].start, PEERS(2000));
	ck_assert_uint_eq(out_last()->sack[0].end, PEERS(3000));
	data(4000, 1000);
	ck_assert_uint_eq(out_last()->n_sack, 2);
	ck_assert_uint_eq(out_last()->sack[0].start, PEERS(4000)); /* the latest first */
	ck_assert_uint_eq(out_last()->sack[1].start, PEERS(2000));
	data(3000, 1000);
	ck_assert_uint_eq(out_last()->n_sack, 1);
	ck_assert_uint_eq(out_last()->sack[0].end, PEERS(5000));
	check_stream(1000);
	data(1000, 1000);
	check_stream(5000);
	ck_assert_uint_eq(ack_off(), 5000);
	ck_assert_uint_eq(out_last()->n_sack, 0);
	data(5000, 1448);
	ck_assert_uint_eq(fake_cnt.rx_fast, 2); /* fast again after the gap */
	check_stream(6448);
}
END_TEST

START_TEST(without_sack_a_gap_makes_plain_duplicates)
{
	open_conn(&agree_nothing);
	data(0, 1000);
	data(2000, 1000);
	data(3000, 1000);
	ck_assert_uint_eq(out_last()->n_sack, 0);
	ck_assert_uint_eq(out_last()->opt_len, 0);
	ck_assert_uint_eq(ack_off(), 1000);
	data(1000, 1000);
	check_stream(4000);
}
END_TEST

/* Order of arrival of pieces [start, len); the stream must come out whole. */
static const struct {
	struct {
		uint16_t off, len;
	} piece[6];
	uint32_t total;
} orders[] = {
	{ { { 0, 500 }, { 0, 500 }, { 500, 500 } }, 1000 }, /* duplicate */
	{ { { 500, 500 }, { 0, 500 } }, 1000 },             /* swapped */
	{ { { 0, 700 }, { 300, 700 } }, 1000 },             /* overlap behind */
	{ { { 300, 700 }, { 0, 700 } }, 1000 },             /* overlap in front */
	{ { { 600, 200 }, { 400, 600 }, { 200, 300 }, { 0, 250 } },
	  1000 },                                             /* one swallows another */
	{ { { 400, 600 }, { 600, 200 }, { 0, 400 } }, 1000 }, /* inner one comes later */
	{ { { 100, 1 }, { 102, 1 }, { 104, 1 }, { 101, 1 }, { 103, 1 }, { 0, 100 } }, 105 },
	{ { { 900, 100 }, { 700, 100 }, { 800, 100 }, { 0, 700 } }, 1000 },
	{ { { 500, 500 }, { 500, 500 }, { 0, 1000 } }, 1000 },
	{ { { 200, 100 }, { 200, 300 }, { 100, 100 }, { 0, 100 }, { 0, 600 } }, 600 },
};

START_TEST(any_order_any_overlap)
{
	open_conn(&agree_all);
	fake_opt.slow_only = _i & 1;
	for (int k = 0; k < 6 && orders[_i / 2].piece[k].len; k++)
		data(orders[_i / 2].piece[k].off, orders[_i / 2].piece[k].len);
	check_stream(orders[_i / 2].total);
	advance_ms(3);
	ck_assert_uint_eq(ack_off(), orders[_i / 2].total);
	ck_assert_uint_eq(fake_cells_used(), 0);
}
END_TEST

START_TEST(too_early_data_is_bounded)
{
	open_conn(&agree_all);
	for (uint32_t i = 0; i < 300; i++)
		data(10 + i * 2, 1);
	ck_assert_uint_le(fake_cells_used(), 128);
	ck_assert_uint_eq(ooo_used(), fake_cells_used());
	tcp_abort(CONN, -EIO);
	pump();
	ck_assert_uint_eq(fake_cells_used(), 0);
}
END_TEST

START_TEST(too_early_data_leaves_cells_for_others)
{
	open_conn(&agree_all);
	fake_opt.cells_hidden = ENG_PKT_CELLS - 200;
	data(2000, 1448);
	ck_assert_uint_eq(fake_cells_used(), 0);
	ck_assert_uint_eq(out_last()->n_sack, 0); /* not kept, so not reported */
	fake_opt.cells_hidden = 0;
	data(0, 1000);
	check_stream(1000);
}
END_TEST

START_TEST(the_window_closes_and_opens)
{
	const struct tcp_params p = { .remote_ip = PEER_IP,
				      .remote_port = PEER_PORT,
				      .rcv_wnd = 16384 };
	uint32_t off;

	open_params(&agree_all, &p);
	fake_opt.hold_stream = true;
	for (off = 0; off < 16384 - 1448; off += 1448)
		data(off, 1448);
	advance_ms(5);
	ck_assert_uint_eq(out_last()->wnd, 16384 - off); /* scale 0 */
	data(off, 1448);                                 /* more than the window: cut */
	ck_assert_uint_eq(ack_off(), 16384);
	ck_assert_uint_eq(out_last()->wnd, 0);
	data(16384, 1); /* a probe */
	ck_assert_uint_eq(ack_off(), 16384);
	out_clear();
	fake_opt.hold_stream = false;
	fake_stream_release(CONN);
	pump();
	ck_assert_uint_eq(out_last()->wnd, 16384);
	check_stream(16384);
}
END_TEST

/* Crumbs for a stream that stands still take their share of the packet buffer and no more, in fast mode (0), slow mode, both in turn. */
START_TEST(a_stream_that_stands_leaves_cells_for_others)
{
	uint32_t off = 0;

	open_conn(&agree_all);
	fake_opt.hold_stream = true;
	for (uint32_t i = 0; i < 1200; i++) {
		fake_opt.slow_only = _i == 1 || (_i == 2 && (i & 1));
		data(off, 1);
		off += fake_cells_used() > off;
	}
	ck_assert_uint_eq(off, ENG_PKT_CELLS * ENG_RX_SHARE / (ENG_RX_SHARE + 1));
	ck_assert_uint_eq(fake_cells_used(), off);
	fake_opt.slow_only = false;
	data(off + 1, 1000); /* what is too early has a bound of its own */
	data(off, 1);
	ck_assert_uint_eq(fake_cells_used(), off);
	fake_opt.hold_stream = false;
	fake_stream_release(CONN);
	data(off, 1001);
	check_stream(off + 1001);
	ck_assert_uint_eq(fake_cells_used(), 0);
}
END_TEST

/* A segment that must not do more than make us say where we are. */
static const struct {
	const char *what;
	int32_t seq, ack; /* offsets */
	uint8_t flags;
	uint16_t len;
	bool no_ts, old_ts;
	bool answered;
} odd[] = {
	{ "RST in the window", 100, 0, TH_RST, 0, false, false, true },
	{ "RST before it", -1, 0, TH_RST, 0, false, false, false },
	{ "RST far outside", 1 << 20, 0, TH_RST, 0, false, false, false },
	{ "SYN at the edge", 0, 0, TH_SYN, 0, false, false, true },
	{ "SYN in the window", 10, 0, TH_SYN, 0, false, false, true },
	{ "SYN ACK", 5, 0, TH_SYN | TH_ACK, 0, false, false, true },
	{ "old SYN ACK", -1, 0, TH_SYN | TH_ACK, 0, false, false, true },
	{ "old SYN with data", -1, 0, TH_SYN | TH_ACK, 10, false, false, true },
	{ "old SYN and FIN", -1, 0, TH_SYN | TH_FIN | TH_ACK, 0, false, false, true },
	{ "old SYN and FIN around data", -11, 0, TH_SYN | TH_FIN | TH_ACK, 10, false, false, true },
	{ "SYN before the window", -1000, 0, TH_SYN | TH_ACK, 10, false, false, true },
	{ "SYN and RST before the window", -1000, 0, TH_SYN | TH_RST, 0, false, false, true },
	{ "ACK of what was never sent", 0, 1, TH_ACK, 0, false, false, true },
	{ "ACK far ahead", 0, 1 << 30, TH_ACK, 10, false, false, true },
	{ "ACK far behind", 0, -(1 << 24), TH_ACK, 10, false, false, true },
	{ "data before the window", -1000, 0, TH_ACK, 500, false, false, true },
	{ "data beyond the window", 1 << 20, 0, TH_ACK, 10, false, false, true },
	{ "no ACK flag", 0, 0, TH_PSH, 10, false, false, false },
	{ "no timestamp", 0, 0, TH_ACK, 10, true, false, false },
	{ "old timestamp (PAWS)", 0, 0, TH_ACK, 10, false, true, true },
	{ "keepalive", -1, 0, TH_ACK, 0, false, false, true },
	{ "FIN beyond the window", 1 << 20, 0, TH_FIN | TH_ACK, 0, false, false, true },
};

START_TEST(odd_segments_change_nothing)
{
	struct in s = { .data = "0123456789" };
	struct tcp_stats st;

	open_conn(&agree_all);
	s.seq = PEERS(odd[_i].seq);
	s.ack = OURS(odd[_i].ack);
	s.flags = odd[_i].flags;
	s.data = buf;
	s.len = odd[_i].len;
	s.no_ts = odd[_i].no_ts;
	s.tsval = odd[_i].old_ts ? 5 : 0;
	bring(&s);
	ck_assert_msg(outs() == odd[_i].answered, "%s: %u answers", odd[_i].what, outs());
	if (odd[_i].answered) {
		ck_assert_uint_eq(out_last()->flags, TH_ACK);
		ck_assert_uint_eq(out_last()->seq, OURS(0));
		ck_assert_uint_eq(out_last()->ack, PEERS(0));
	}
	ck_assert_int_eq(tcp_state(CONN), TCP_ESTABLISHED);
	check_stream(0);
	data(0, 1000);
	check_stream(1000);
	tcp_get_stats(CONN, &st);
	ck_assert_uint_eq(st.paws_drops, odd[_i].old_ts);
}
END_TEST

START_TEST(challenge_acks_are_few)
{
	open_conn(&agree_all);
	for (int i = 0; i < 100; i++) {
		struct in s = { .flags = TH_RST, .seq = PEERS(100 + i) };

		bring(&s);
	}
	ck_assert_uint_eq(outs(), 5);
	advance_ms(1200);
	for (int i = 0; i < 100; i++) {
		struct in s = { .flags = TH_SYN, .seq = PEERS(100 + i) };

		bring(&s);
	}
	ck_assert_uint_eq(outs(), 10);
}
END_TEST

START_TEST(an_exact_reset_ends_it)
{
	struct in s = { .flags = TH_RST, .seq = PEERS(1000) };

	open_conn(&agree_all);
	send_pdu(1, 3000);
	data(0, 1000);
	bring(&s);
	ck_assert_uint_eq(user[CONN].closed, 1);
	ck_assert_int_eq(user[CONN].err, -ECONNRESET);
	ck_assert_uint_eq(user[CONN].acked, 0);
	ck_assert_ptr_null(out_find(TH_RST | TH_ACK)); /* a reset is not answered */
}
END_TEST

START_TEST(a_reset_has_no_timestamp_to_check)
{
	struct in s = { .flags = TH_RST, .seq = PEERS(0), .no_ts = true };

	open_conn(&agree_all);
	bring(&s);
	ck_assert_int_eq(user[CONN].err, -ECONNRESET);
}
END_TEST

START_TEST(strangers_are_reset)
{
	struct in s = { .flags = TH_ACK, .seq = 500, .ack = 777, .sport = 9999 };

	open_conn(&agree_all);
	bring(&s);
	ck_assert_uint_eq(out_last()->flags, TH_RST);
	ck_assert_uint_eq(out_last()->seq, 777);
	s.flags = TH_SYN;
	bring(&s);
	ck_assert_uint_eq(out_last()->flags, TH_RST | TH_ACK);
	ck_assert_uint_eq(out_last()->ack, 501);
	out_clear();
	s.flags = TH_RST;
	bring(&s);
	ck_assert_uint_eq(outs(), 0);
	s.flags = TH_SYN;
	for (int i = 0; i < 100; i++)
		bring(&s);
	ck_assert_uint_le(outs(), 20);
	ck_assert_int_eq(tcp_state(CONN), TCP_ESTABLISHED);
}
END_TEST

START_TEST(bad_checksums_are_lost)
{
	struct in s = {
		.flags = TH_ACK, .seq = PEERS(0), .data = "abc", .len = 3, .bad_csum = true
	};

	open_conn(&agree_all);
	s.ack = OURS(0);
	bring(&s);
	ck_assert_uint_eq(outs(), 0);
	check_stream(0);
	ck_assert_uint_eq(fake_cnt.drop_csum, 1);
}
END_TEST

START_TEST(unknown_options_are_skipped)
{
	struct in s = { .flags = TH_ACK, .seq = PEERS(0), .data = buf, .len = 100, .raw_opt = true };
	static const uint8_t opts[] = { 30, 6, 1, 2, 3, 4, 253, 2 };

	open_conn(&agree_nothing);
	s.ack = OURS(0);
	for (uint32_t i = 0; i < 100; i++)
		buf[i] = pattern(i);
	memcpy(s.opt, opts, sizeof(opts));
	s.opt_len = sizeof(opts);
	bring(&s);
	check_stream(100);
}
END_TEST

static const struct {
	uint8_t opt[12];
} broken[] = { { { 8, 0 } },
	       { { 8, 1 } },
	       { { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 8 } },
	       { { 5, 40, 1 } },
	       { { 2, 13, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 } } };

START_TEST(broken_options_drop_the_segment)
{
	struct in s = { .flags = TH_ACK,
			.seq = PEERS(0),
			.data = buf,
			.len = 100,
			.raw_opt = true,
			.opt_len = 12 };

	open_conn(&agree_nothing);
	s.ack = OURS(0);
	memcpy(s.opt, broken[_i].opt, 12);
	bring(&s);
	check_stream(0);
	ck_assert_uint_eq(fake_cells_used(), 0);
	ck_assert_int_eq(tcp_state(CONN), TCP_ESTABLISHED);
}
END_TEST

START_TEST(frames_trapped_before_resume_are_not_lost)
{
	open_conn(&agree_all);
	/* Three frames arrive before firmware looks at the first: the second and third queue up behind it. */
	for (uint32_t i = 0; i < 3; i++) {
		struct in s = { .flags = TH_ACK,
				.seq = PEERS(500 + i * 500),
				.ack = OURS(0),
				.data = buf,
				.len = 500 };

		for (uint32_t k = 0; k < 500; k++)
			buf[k] = pattern(500 + i * 500 + k);
		bring_more(&s);
	}
	data(0, 500);
	check_stream(2000);
	data(2000, 100);
	check_stream(2100);
}
END_TEST

Suite *recv_suite(void)
{
	Suite *s = suite_create("recv");
	TCase *t = tcase_create("recv");

	tcase_set_timeout(t, 20);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, in_order_costs_no_event);
	tcase_add_test(t, the_same_in_slow_mode);
	tcase_add_test(t, a_gap_is_reported_and_filled);
	tcase_add_test(t, without_sack_a_gap_makes_plain_duplicates);
	tcase_add_loop_test(t, any_order_any_overlap, 0,
			    2 * (int)(sizeof(orders) / sizeof(orders[0])));
	tcase_add_test(t, too_early_data_is_bounded);
	tcase_add_test(t, too_early_data_leaves_cells_for_others);
	tcase_add_test(t, the_window_closes_and_opens);
	tcase_add_loop_test(t, a_stream_that_stands_leaves_cells_for_others, 0, 3);
	tcase_add_loop_test(t, odd_segments_change_nothing, 0, sizeof(odd) / sizeof(odd[0]));
	tcase_add_test(t, challenge_acks_are_few);
	tcase_add_test(t, an_exact_reset_ends_it);
	tcase_add_test(t, a_reset_has_no_timestamp_to_check);
	tcase_add_test(t, strangers_are_reset);
	tcase_add_test(t, bad_checksums_are_lost);
	tcase_add_test(t, unknown_options_are_skipped);
	tcase_add_loop_test(t, broken_options_drop_the_segment, 0,
			    sizeof(broken) / sizeof(broken[0]));
	tcase_add_test(t, frames_trapped_before_resume_are_not_lost);
	suite_add_tcase(s, t);
	return s;
}
