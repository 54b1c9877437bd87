/* SPDX-License-Identifier: BSD-2-Clause */
/* Ports and links that go, and what the link service pair is told. */
#include <string.h>

#include "fcn_helper.h"

#define ROLES ((uint32_t)WEFT_FCR_TARGET << 24)

static const struct io read_4k = { .dir = WEFT_SQF_DATA_IN, .len = 4096 };
static const struct io no_data;

static void up(void)
{
	start();
	host_pair();
	ls_pair();
	tgt_pair(TGT_QP);
}

START_TEST(test_commands_to_a_lost_port)
{
	const struct io other = { .rport = PEER2 };
	uint32_t x;

	up();
	io(0, &read_4k);
	io(1, &other);
	x = (uint32_t)ox_id_of(HOST_QP, 1) << 16;
	fake_fc_opt.hold_stopped = true;
	port_lost(PEER);
	run();
	no_cpl(HOST_QP); /* the context may still be at it */
	fake_fc_stopped();
	run();
	expect_cpl(HOST_QP, 0, ENOTCONN, 0);
	no_cpl(HOST_QP);
	no_frame(); /* who is gone is not asked */
	expect_event(LS_QP, WEFT_EV_FC_RPORT, PEER, PEER_ID | ROLES);
	ck_assert_uint_eq(fcn_xs[x >> 16 & FCN_SLOT_MASK].state, FCN_IO);
	teardown();
}
END_TEST

START_TEST(test_a_lost_port_ends_the_wait_for_ba_acc)
{
	struct hal_cpl c;
	uint16_t a;

	up();
	io(0, &no_data);
	a = abort_start(HOST_QP, 0);
	expect_frame(0x81, 0x090000, 0);
	port_lost(PEER);
	run();
	expect_cpl(HOST_QP, 0, ECANCELED, 0);
	ck_assert(admin_result(a, &c));
	ck_assert_uint_eq(c.status, 0);
	teardown();
}
END_TEST

START_TEST(test_a_command_that_waits_to_begin)
{
	struct weft_fc_io_entry e = io_entry(0, &read_4k);

	up();
	io(0, &read_4k);
	send_data(F_T_DATA, (uint32_t)ox_id_of(HOST_QP, 0) << 16, 0, 4096);
	fake_fc_opt.hold_stopped = true;
	send_rsp((uint32_t)ox_id_of(HOST_QP, 0) << 16, 0);
	expect_cpl(HOST_QP, 0, 0, 4096);
	submit(HOST_QP, &e);
	port_lost(PEER);
	run();
	expect_cpl(HOST_QP, 0, ENOTCONN, 0);
	teardown();
}
END_TEST

START_TEST(test_received_commands_of_a_lost_port)
{
	uint32_t a, b;

	up();
	a = send_cmnd(1);
	b = send_cmnd(2);
	tgt(WEFT_OP_FC_WRITE, WEFT_SQF_DATA_IN, tgt_cid(b), 0, 4096, 0);
	expect_frame(0x05, 0x890000, 12);
	port_lost(PEER);
	run();
	expect_event(TGT_QP, WEFT_EV_FC_ABORTED, tgt_cid(a), 0);
	expect_event(TGT_QP, WEFT_EV_FC_ABORTED, tgt_cid(b), 0);
	expect_cpl(TGT_QP, tgt_cid(b), ECANCELED, 0);
	tgt(WEFT_OP_FC_RSP, 0, tgt_cid(a), 0, 0, 12);
	expect_cpl(TGT_QP, tgt_cid(a), ECANCELED, 0);
	release(TGT_QP, tgt_cid(a));
	expect_cpl(TGT_QP, tgt_cid(a), 0, 0);
	release(TGT_QP, tgt_cid(b));
	expect_cpl(TGT_QP, tgt_cid(b), 0, 0);
	no_frame();
	teardown();
}
END_TEST

START_TEST(test_link_services_of_a_lost_port)
{
	struct weft_fc_ls_entry e = {
		.opcode = WEFT_OP_FC_LS,
		.flags = WEFT_SQF_DATA_OUT | WEFT_SQF_DATA_IN,
		.data_len = 100,
		.sgl_count = 1,
		.sgl = { { .addr = BUF, .len = 100 } },
		.rqst_len = 48,
	};
	struct fc_hdr h = to_us(0x32, 0x290000, 0x0300ffff),
		      part = to_us(0x32, 0x200000, 0x0301ffff);
	uint8_t b[64] = { 0 };
	struct hal_cpl c;

	up();
	submit(LS_QP, &e);
	expect_frame(0x32, 0x290000, 48);
	send_frame(&h, b, 48);
	c = next_cpl(LS_QP);
	send_part(&part, b, 64, true, false); /* half of one */
	run();
	port_lost(PEER);
	run();
	expect_event(LS_QP, WEFT_EV_FC_ABORTED, c.cid, 0);
	expect_event(LS_QP, WEFT_EV_FC_RPORT, PEER, PEER_ID | ROLES);
	expect_cpl(LS_QP, 0, ENOTCONN, 0);
	ck_assert_uint_eq(fcn_in_use(), 1);
	release(LS_QP, c.cid);
	expect_cpl(LS_QP, c.cid, 0, 0);
	no_frame();
	teardown();
}
END_TEST

START_TEST(test_the_link_goes)
{
	up();
	io(0, &read_4k);
	send_cmnd(1);
	hal_fc_ctrl(1 | 1u << ENG_FC_CTRL_DROP_LSB);
	fc_port.state = WEFT_FCS_DOWN;
	fcn_link_changed();
	run();
	expect_cpl(HOST_QP, 0, ENOTCONN, 0);
	expect_event(TGT_QP, WEFT_EV_FC_ABORTED, 0, 0);
	expect_event(LS_QP, WEFT_EV_FC_LINK, WEFT_FCS_DOWN | WEFT_FCT_PTP << 8, OWN_ID);
	no_frame();
	hal_fc_ctrl(1);
	fc_port.state = WEFT_FCS_UP;
	fcn_link_changed();
	expect_event(LS_QP, WEFT_EV_FC_LINK, WEFT_FCS_UP | WEFT_FCT_PTP << 8, OWN_ID);
	teardown();
}
END_TEST

/* Operations that end without a frame, and nobody says why: the exchange cannot go on. */
START_TEST(test_a_response_that_is_dropped)
{
	uint32_t x;

	up();
	x = send_cmnd(1);
	hal_fc_ctrl(1 | 1u << ENG_FC_CTRL_DROP_LSB);
	fake_fc_opt.tx_stop = 1;
	tgt(WEFT_OP_FC_RSP, 0, tgt_cid(x), 0, 0, 12);
	fake_fc_opt.tx_stop = 0;
	fake_fc_run();
	hal_fc_ctrl(1);
	run();
	expect_frame(0x81, 0x890000, 0);
	send_bls(0x84, false, x);
	expect_cpl(TGT_QP, tgt_cid(x), EIO, 0);
	release(TGT_QP, tgt_cid(x));
	expect_cpl(TGT_QP, tgt_cid(x), 0, 0);
	teardown();
}
END_TEST

START_TEST(test_a_port_may_come_back)
{
	up();
	io(0, &no_data);
	port_lost(PEER);
	run();
	expect_cpl(HOST_QP, 0, ENOTCONN, 0);
	expect_event(LS_QP, WEFT_EV_FC_RPORT, PEER, PEER_ID | ROLES);
	port_ready(PEER, 0x010299);
	expect_event(LS_QP, WEFT_EV_FC_RPORT, 1u << 16 | PEER, 0x010299 | ROLES);
	io(0, &no_data);
	send_cmnd_quiet(1); /* of the old id */
	run();
	no_cpl(TGT_QP);
	teardown();
}
END_TEST

START_TEST(test_other_roles_of_a_port_end_nothing)
{
	up();
	io(0, &no_data);
	ports[PEER].rp.roles = WEFT_FCR_TARGET | WEFT_FCR_INITIATOR;
	fcn_rport_changed(PEER, true);
	run();
	no_cpl(HOST_QP);
	expect_event(LS_QP, WEFT_EV_FC_RPORT, 1u << 16 | PEER, PEER_ID | 3u << 24);
	no_cpl(LS_QP);
	teardown();
}
END_TEST

/* What happens while the ring has no room is told when it has: in order, and only what is still news. */
START_TEST(test_news_wait_for_room)
{
	up();
	cq_room = ENTRIES;
	port_lost(PEER);
	port_ready(PEER, PEER_ID);
	port_ready(7, 0x070707);
	port_lost(7); /* nobody knew of it */
	port_lost(PEER2);
	port_ready(9, 0x090909);
	fcn_rport_rscn(9);
	no_cpl(LS_QP);
	cq_room = 1024;
	run_ms(200);
	expect_event(LS_QP, WEFT_EV_FC_RPORT, PEER, PEER_ID | ROLES);
	expect_event(LS_QP, WEFT_EV_FC_RPORT, 1u << 16 | PEER, PEER_ID | ROLES);
	expect_event(LS_QP, WEFT_EV_FC_RPORT, PEER2, PEER2_ID | ROLES);
	expect_event(LS_QP, WEFT_EV_FC_RPORT, 1u << 16 | 9, 0x090909 | ROLES);
	expect_event(LS_QP, WEFT_EV_FC_RSCN, 9, 0);
	no_cpl(LS_QP);
	teardown();
}
END_TEST

START_TEST(test_news_without_a_pair)
{
	start();
	port_lost(PEER2);
	fcn_rport_rscn(PEER);
	fcn_link_changed();
	ck_assert_uint_eq(create(LS_QP, WEFT_QPF_FC | WEFT_QPF_LS), 0);
	expect_event(LS_QP, WEFT_EV_FC_LINK, WEFT_FCS_UP | WEFT_FCT_PTP << 8, OWN_ID);
	expect_event(LS_QP, WEFT_EV_FC_RPORT, 1u << 16 | PEER, PEER_ID | ROLES);
	no_cpl(LS_QP);
	teardown();
}
END_TEST

START_TEST(test_arguments_of_pairs)
{
	const struct weft_arg_qp_create good = { .sq_base = 0x400,
						 .cq_base = 0x800,
						 .qp = 9,
						 .sq_log2 = 3,
						 .cq_log2 = 5,
						 .flags = WEFT_QPF_FC };
	struct weft_arg_qp_create a;

	start();
#define REFUSED(change)                                                             \
	do {                                                                        \
		a = good;                                                           \
		change;                                                             \
		ck_assert_uint_eq(admin(WEFT_OP_QP_CREATE, &a, sizeof(a)), EINVAL); \
	} while (0)
	REFUSED(a.flags = WEFT_QPF_LS);
	REFUSED(a.flags |= 8);
	REFUSED(a.flags |= WEFT_QPF_LS); /* icd_size */
	REFUSED(a.flags |= WEFT_QPF_LS | WEFT_QPF_CONTROLLER; a.icd_size = 4096);
	REFUSED(a.flags |= WEFT_QPF_LS; a.icd_size = 1024);
	REFUSED(a.flags |= WEFT_QPF_LS; a.icd_size = 1100);
	REFUSED(a.flags |= WEFT_QPF_LS; a.icd_size = 1088; a.rx_cmd = 64);
	REFUSED(a.rx_cmd = 32);
	REFUSED(a.rx_icd = 64);
	REFUSED(a.icd_size = 64);
	REFUSED(a.flags |= WEFT_QPF_CONTROLLER; a.cq_log2 = 4);
	REFUSED(a.flags |= WEFT_QPF_CONTROLLER; a.icd_size = 8192);
	a = good;
	ck_assert_uint_eq(admin(WEFT_OP_QP_CREATE, &a, sizeof(a)), 0);
	ck_assert_uint_eq(admin(WEFT_OP_QP_CREATE, &a, sizeof(a)), EEXIST);
	teardown();
}
END_TEST

void tests_lost(Suite *s)
{
	TCase *t = tcase_create("lost");

	tcase_add_test(t, test_commands_to_a_lost_port);
	tcase_add_test(t, test_a_lost_port_ends_the_wait_for_ba_acc);
	tcase_add_test(t, test_a_command_that_waits_to_begin);
	tcase_add_test(t, test_received_commands_of_a_lost_port);
	tcase_add_test(t, test_link_services_of_a_lost_port);
	tcase_add_test(t, test_the_link_goes);
	tcase_add_test(t, test_a_response_that_is_dropped);
	tcase_add_test(t, test_a_port_may_come_back);
	tcase_add_test(t, test_other_roles_of_a_port_end_nothing);
	tcase_add_test(t, test_news_wait_for_room);
	tcase_add_test(t, test_news_without_a_pair);
	tcase_add_test(t, test_arguments_of_pairs);
	suite_add_tcase(s, t);
}
