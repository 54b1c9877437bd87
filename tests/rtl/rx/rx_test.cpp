/* SPDX-License-Identifier: BSD-2-Clause */
/* Bench of weft_rx: streams of PDUs over good and bad links. The other cases are in rx_cases.cpp. */
#include <check.h>
#include <cstdlib>

#include "rx_peer.h"

void add_cases(Suite *s);
void add_header_cases(Suite *s);

static void fill(World &w)
{
	for (auto p : w.peers)
		for (unsigned i = 0; i < w.set.pdus; i++)
			p->random_pdu();
}

/* Nothing goes wrong on the wire: firmware sees no frame at all. */
START_TEST(clean_streams)
{
	Bench b(100 + _i);
	Setup s;
	s.ts = _i & 1;
	s.conns = _i < 2 ? 1 : 8;
	s.mss = _i < 4 ? 1448 : 8948;
	s.wnd = 8 * s.mss;
	s.min_seg = _i == 3 ? 1 : 200;
	World w(b, s);
	fill(w);
	w.run(400000);
	w.finish();
	ck_assert_uint_eq(b.cnt[C_TO_FW], 0);
	ck_assert_uint_eq(b.cnt[C_HDRS], s.conns * s.pdus);
	ck_assert_uint_gt(b.cnt[C_FAST], s.conns * 5);
}
END_TEST

/* Segments of one to 40 bytes: every header, pad and digest is cut everywhere. */
START_TEST(crumbs)
{
	Bench b(200 + _i);
	Setup s;
	s.conns = 1 + _i * 2;
	s.mss = _i ? 40 : 5;
	s.max_data = _i ? 600 : 60;
	s.pdus = 40;
	s.bad_digest = 50; /* one bit anywhere */
	s.hdgst = s.ddgst = 100;
	s.wnd = 2000;
	b.rate100 = 600; /* frames come slower than the lookup takes */
	World w(b, s);
	fill(w);
	w.run(400000);
	w.finish();
	ck_assert_uint_eq(b.cnt[C_TO_FW], 0);
}
END_TEST

/* Loss, duplicates, corruption, reordering, and slow surroundings. */
START_TEST(bad_link)
{
	Bench b(300 + _i);
	Setup s;
	s.conns = 1 + _i * 3;
	s.lose = 20;
	s.dup = 30;
	s.corrupt = 40;
	s.fcs = 20;
	s.reorder = 40;
	s.pdus = _i ? 12 : 40;
	s.min_seg = _i & 1 ? 1 : 300;
	s.ts = !(_i & 2);
	b.gap = 20;
	b.wr_pct = _i & 1 ? 100 : 60;
	b.x_pct = 50;
	b.rd_pct = 60;
	b.evt_pct = 70;
	b.wr_jitter = 200;
	b.ack_pct = 50;
	World w(b, s);
	fill(w);
	w.run(1500000);
	w.finish();
	ck_assert_uint_gt(b.cnt[C_TO_FW], 10);
	ck_assert_uint_gt(b.cnt[C_TCPCSUM] + b.cnt[C_IPCSUM] + b.cnt[C_NOTUS] + b.cnt[C_FCS], 0);
	ck_assert_uint_eq(b.cnt[C_NOBUF], 0);
}
END_TEST

/* Many connections at once, each with little. */
START_TEST(crowd)
{
	Bench b(400);
	Setup s;
	s.conns = 100;
	s.pdus = 4;
	s.max_data = 3000;
	s.wnd = 4000;
	s.lose = 3;
	s.dup = 5;
	s.fw_delay = 2;
	s.elements = 2;
	b.gap = 60;
	b.wr_jitter = 100;
	World w(b, s);
	fill(w);
	w.run(2000000);
	w.finish();
	ck_assert_uint_eq(b.cnt[C_HDRS], s.conns * s.pdus);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("weft_rx");
	TCase *t = tcase_create("streams");
	tcase_add_loop_test(t, clean_streams, 0, 6);
	tcase_add_loop_test(t, crumbs, 0, 3);
	tcase_add_loop_test(t, bad_link, 0, 6);
	tcase_add_test(t, crowd);
	tcase_set_timeout(t, 60);
	suite_add_tcase(s, t);
	add_cases(s);
	add_header_cases(s);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	int n = srunner_ntests_failed(r);
	srunner_free(r);
	return n ? EXIT_FAILURE : EXIT_SUCCESS;
}
