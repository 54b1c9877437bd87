/* SPDX-License-Identifier: BSD-2-Clause */
/* fc/fc_frame.c: headers, copied frames, and which frames are the port's. And its admin opcodes. */
#include <string.h>

#include "fcn_helper.h"

START_TEST(test_header_of_a_known_frame)
{
	static const uint8_t wire[24] = { 0x06, 0x01, 0x02, 0x03, 0x11, 0x0a, 0x0b, 0x0c,
					  0x08, 0x29, 0x45, 0x67, 0x22, 0x33, 0x44, 0x55,
					  0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd };
	uint8_t again[24];
	struct fc_hdr h;

	fc_hdr_get(wire, &h);
	ck_assert_uint_eq(h.r_ctl, 0x06);
	ck_assert_uint_eq(h.d_id, 0x010203);
	ck_assert_uint_eq(h.cs_ctl, 0x11);
	ck_assert_uint_eq(h.s_id, 0x0a0b0c);
	ck_assert_uint_eq(h.type, 0x08);
	ck_assert_uint_eq(h.f_ctl, 0x294567);
	ck_assert_uint_eq(h.seq_id, 0x22);
	ck_assert_uint_eq(h.df_ctl, 0x33);
	ck_assert_uint_eq(h.seq_cnt, 0x4455);
	ck_assert_uint_eq(h.ox_id, 0x6677);
	ck_assert_uint_eq(h.rx_id, 0x8899);
	ck_assert_uint_eq(h.param, 0xaabbccdd);
	fc_hdr_put(again, &h);
	ck_assert_mem_eq(again, wire, 24);
}
END_TEST

static const struct fc_hdr els = { .r_ctl = 0x22,
				   .type = 0x01,
				   .d_id = 0xfffffe,
				   .s_id = OWN_ID,
				   .f_ctl = 0x290000,
				   .ox_id = 0xf801,
				   .rx_id = 0xffff };

START_TEST(test_a_frame_is_copied)
{
	uint8_t b[512];
	struct seen f;

	start();
	memset(b, 0x11, sizeof(b));
	ck_assert(fc_send(&els, b, 116));
	memset(b, 0x22, sizeof(b)); /* ours again */
	ck_assert_uint_eq(fc_frames_used(), 1);
	run();
	f = expect_frame(0x22, 0x290000, 116);
	ck_assert_uint_eq(f.h.d_id, 0xfffffe);
	ck_assert_uint_eq(f.h.ox_id, 0xf801);
	for (int i = 0; i < 116; i++)
		ck_assert_uint_eq(f.payload[i], 0x11);
	ck_assert_uint_eq(fc_tx_moved, 1);
	ck_assert(fc_send(&els, b, 512));
	ck_assert(!fc_send(&els, b, 513));
	ck_assert(fc_send(&els, NULL, 0));
	ck_assert(fc_send_ether(b, 60));
	run();
	teardown();
}
END_TEST

START_TEST(test_copies_run_out)
{
	uint32_t n = 0;

	start();
	fake_fc_opt.tx_stop = 32;
	while (fc_send(&els, "abc", 4))
		n++;
	ck_assert_uint_eq(n, 31); /* one operation is left for a fence */
	fake_fc_opt.tx_stop = 0;
	run();
	fc_tx_moved = 0;
	for (n = 0; n < 200; n++) {
		ck_assert(fc_send(&els, "abc", 4));
		run();
	}
	teardown();
}
END_TEST

START_TEST(test_link_services_are_the_ports)
{
	struct fc_hdr h = els;
	uint8_t b[300];

	start();
	for (uint32_t i = 0; i < sizeof(b); i++)
		b[i] = (uint8_t)i;
	h.d_id = OWN_ID;
	h.s_id = 0x999999;
	send_frame(&h, b, 116);
	ck_assert_uint_eq(els_seen, 1);
	ck_assert_uint_eq(els_hdr.s_id, 0x999999);
	ck_assert_uint_eq(els_len, 116);
	ck_assert_mem_eq(els_payload, b, 116);
	h.r_ctl = 0x23;
	send_frame(&h, b, 300);
	ck_assert_uint_eq(els_seen, 2);
	ck_assert_uint_eq(els_len, FC_LS_MAX);
	ck_assert_uint_eq(els_total, 300);
	h.r_ctl = 0x03;
	h.type = 0x20;
	send_frame(&h, b, 33);
	ck_assert_uint_eq(els_seen, 3);
	ck_assert_uint_eq(els_len, 33);
	h.type = 0x01; /* not CT's */
	send_frame(&h, b, 33);
	h.type = 0x05;
	send_frame(&h, b, 33);
	ck_assert_uint_eq(els_seen, 3);
	ck_assert_uint_eq(fcn_stats.dropped, 2);
	teardown();
}
END_TEST

/* Basic link services by the id of our side: the originator's of an answer, the responder's of a request. */
START_TEST(test_basic_link_services_go_by_their_id)
{
	start();
	send_bls(0x84, true, 0xf8011234);
	ck_assert_uint_eq(els_seen, 1);
	send_bls(0x81, false, 0x1234f801);
	ck_assert_uint_eq(els_seen, 2);
	send_bls(0x81, false, 0xf8011234);
	ck_assert_uint_eq(els_seen, 2);
	expect_frame(0x85, 0x990000, 4);
	send_bls(0x81, false, 0x1234ffff); /* an id that is none */
	ck_assert_uint_eq(els_seen, 2);
	expect_frame(0x85, 0x990000, 4);
	teardown();
}
END_TEST

START_TEST(test_fip)
{
	struct fake_fc_frame f = { .len = 600 };

	start();
	for (uint32_t i = 0; i < 600; i++)
		f.bytes[i] = (uint8_t)(i + 1);
	fake_fc_rx(&f);
	run();
	ck_assert_uint_eq(fip_seen, 1);
	ck_assert_uint_eq(els_len, 512); /* cut */
	f.len = 61;
	fake_fc_rx(&f);
	run();
	ck_assert_uint_eq(fip_seen, 2);
	ck_assert_uint_eq(els_len, 61);
	ck_assert_mem_eq(els_payload, f.bytes, 61);
	teardown();
}
END_TEST

START_TEST(test_link_events)
{
	start();
	fake_fc_link(0x11);
	run();
	ck_assert_uint_eq(link_seen, 0x11);
	teardown();
}
END_TEST

/* The doubles give their arguments back. */
START_TEST(test_admin_opcodes)
{
	struct weft_arg_fc_port port = { .mode = 77 };
	struct weft_arg_fc_page page = { .index = 3, .page = 2 };
	struct weft_arg_connect conn = { .qp = HOST_QP };
	struct weft_arg_accept acc = { .qp = TGT_QP };
	struct weft_arg_disconnect disc = { .qp = HOST_QP };
	struct weft_arg_conn_stats stats = { .qp = HOST_QP };
	struct hal_cpl c;

	start();
	host_pair();
	tgt_pair(TGT_QP);
	ck_assert_uint_eq(admin(WEFT_OP_FC_PORT_SET, &port, sizeof(port)), 77);
	ck_assert(admin_result(admin_start(WEFT_OP_FC_PORT_GET, &page, sizeof(page)), &c));
	ck_assert_uint_eq(c.dw[0], 2);
	ck_assert(admin_result(admin_start(WEFT_OP_FC_RPORT_GET, &page, sizeof(page)), &c));
	ck_assert_uint_eq(c.dw[0], 3);
	ck_assert_uint_eq(c.dw[1], 2);
	ck_assert_uint_eq(admin(WEFT_OP_FC_RSCN, &page, 0), ENOTCONN);
	ck_assert_uint_eq(admin(WEFT_OP_FC_LOGOUT, &page, sizeof(page)), 3);
	ck_assert_uint_eq(admin(WEFT_OP_CONNECT, &conn, sizeof(conn)), EINVAL);
	ck_assert_uint_eq(admin(WEFT_OP_ACCEPT, &acc, sizeof(acc)), EINVAL);
	ck_assert_uint_eq(admin(WEFT_OP_DISCONNECT, &disc, sizeof(disc)), EINVAL);
	ck_assert_uint_eq(admin(WEFT_OP_CONN_STATS, &stats, sizeof(stats)), EINVAL);
	teardown();
}
END_TEST

void tests_frame(Suite *s)
{
	TCase *t = tcase_create("frame");

	tcase_add_test(t, test_header_of_a_known_frame);
	tcase_add_test(t, test_a_frame_is_copied);
	tcase_add_test(t, test_copies_run_out);
	tcase_add_test(t, test_link_services_are_the_ports);
	tcase_add_test(t, test_basic_link_services_go_by_their_id);
	tcase_add_test(t, test_fip);
	tcase_add_test(t, test_link_events);
	tcase_add_test(t, test_admin_opcodes);
	suite_add_tcase(s, t);
}
