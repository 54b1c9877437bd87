/* SPDX-License-Identifier: BSD-2-Clause */
/* The admin pair: its coming and going, every opcode, and the slots that queue pairs share. */
#include "nvme_helper.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "net/net.h"

#define READY 1u
#define AQ_UP 4u

static const struct conn_opts plain;

/* --- AQ_CTRL ----------------------------------------------------------------------------------------------------------------- */

START_TEST(test_enable_disable)
{
	ck_assert_uint_eq(status_seen, READY | AQ_UP); /* fw_start did it */
	ck_assert_uint_eq(qp_starts[0], 1);
	host_aq(1); /* again: rings under way must not start anew */
	ck_assert_uint_eq(qp_starts[0], 1);
	hold_qp_stopped = true;
	host_aq(0);
	ck_assert_uint_eq(qp_stops[0], 1);
	ck_assert_uint_eq(status_seen, READY | AQ_UP); /* something of it is still under way */
	host_aq(0);
	ck_assert_uint_eq(qp_stops[0], 1);
	qp_stopped_now(0);
	ck_assert_uint_eq(status_seen, READY);
	host_aq(0);
	ck_assert_uint_eq(qp_stops[0], 1);
	host_aq(1);
	ck_assert_uint_eq(qp_starts[0], 2);
	ck_assert_uint_eq(status_seen, READY | AQ_UP);
	ck_assert_uint_eq(admin(WEFT_OP_NOP, "", 1, NULL), 0);
}
END_TEST

/* Enabled again before the end of the old life was seen: comes up when that is over. */
START_TEST(test_enable_too_early)
{
	hold_qp_stopped = true;
	host_aq(0);
	host_aq(1);
	ck_assert_uint_eq(qp_starts[0], 1);
	qp_stopped_now(0);
	ck_assert_uint_eq(qp_starts[0], 2);
	ck_assert_uint_eq(status_seen, READY | AQ_UP);
}
END_TEST

START_TEST(test_bad_rings)
{
	static const uint32_t bad[][6] = {
		{ 0x1000, 0, 0x2000, 0, 1 | 6 << 8, 1 },  /* submission ring of 2 */
		{ 0x1000, 0, 0x2000, 0, 7 | 8 << 8, 1 },  /* of 128 */
		{ 0x1000, 0, 0x2000, 0, 5 | 5 << 8, 1 },  /* completion ring not larger */
		{ 0x1000, 0, 0x2000, 0, 5 | 11 << 8, 1 }, /* too large */
		{ 0x1000, 0, 0x2000, 0, 0, 1 },           { 0x1020, 0, 0x2000, 0, 5 | 6 << 8, 1 },
		{ 0x1000, 0, 0x2001, 0, 5 | 6 << 8, 1 },
	};

	host_aq(0);
	for (uint32_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		host_aq_regs(bad[i]);
		ck_assert_uint_eq(status_seen, READY);
		ck_assert_uint_eq(fw_status_seen, EINVAL);
		ck_assert_uint_eq(qp_starts[0], 1);
	}
	host_aq(1);
	ck_assert_uint_eq(status_seen, READY | AQ_UP);
	ck_assert_uint_eq(fw_status_seen, 0);
}
END_TEST

/* Commands that waited when the pair went down never complete: their rings are gone, the next life has its own. */
START_TEST(test_disable_forgets)
{
	uint32_t before;

	syn_answer = SYN_IGNORE;
	connect_start(1, &plain);
	syn_answer = SYN_ACCEPT;
	connect_qp(2, &plain);
	fin_answered = false;
	disconnect_start(2, false);
	create_qp(3, 2);
	hold_qp_stopped = true;
	admin_start(WEFT_OP_QP_DELETE, &(struct weft_arg_qp){ .qp = 3 }, 4);
	before = fake_cpl_count;
	host_aq(0);
	admin_lost(WEFT_OP_NOP); /* still came through, but the pair is stopping */
	qp_stopped_now(0);
	host_aq(1);
	qp_stopped_now(3);
	ck_assert_ptr_null(qp_get(3));
	run_ms(40000);
	ck_assert_int_eq(nt_conns[1].state, NT_IDLE);
	ck_assert_int_eq(nt_conns[2].state, NT_IDLE);
	ck_assert_uint_eq(fake_cpl_count, before);
	forget_admin_slots();
}
END_TEST

/* --- opcodes ------------------------------------------------------------------------------------------------------------------ */

START_TEST(test_nop)
{
	uint32_t dw[4], arg = 0xdeadbeef;

	for (int i = 0; i < 100; i++) {
		ck_assert_uint_eq(admin(WEFT_OP_NOP, &arg, sizeof(arg), dw), 0);
		ck_assert_uint_eq(dw[0], arg);
		ck_assert_uint_eq(dw[1] | dw[2] | dw[3], 0);
		arg = arg * 5 + 1;
	}
}
END_TEST

START_TEST(test_unknown)
{
	uint8_t args[112];

	memset(args, 0xff, sizeof(args));
	for (uint32_t op = 0; op < 256; op++)
		if ((op < WEFT_OP_NOP || op > WEFT_OP_ACCEPT) &&
		    (op < WEFT_OP_FC_PORT_SET || op > WEFT_OP_FC_LOGOUT) &&
		    (op < WEFT_OP_FW_LOG || op > WEFT_OP_FW_READ))
			ck_assert_uint_eq(admin((uint8_t)op, args, sizeof(args), NULL), EOPNOTSUPP);
}
END_TEST

/* Arguments of all ones: each opcode refuses them, nothing is left behind. */
START_TEST(test_garbage)
{
	uint8_t args[112];
	uint16_t want[] = { 0, 0, EINVAL, 0, EINVAL, ENXIO, ENXIO, ENXIO, ENXIO, 0, 0, ENXIO };
	uint16_t want_fc[] = { EINVAL, EINVAL, EINVAL, ENXIO, EINVAL, ENOENT };

	memset(args, 0xff, sizeof(args));
	for (uint8_t op = WEFT_OP_NOP; op <= WEFT_OP_ACCEPT;
	     op++) /* port 65535 is as good as any */
		ck_assert_msg(admin(op, args, sizeof(args), NULL) == want[op], "opcode %u", op);
	for (uint8_t op = WEFT_OP_FC_PORT_SET; op <= WEFT_OP_FC_LOGOUT; op++)
		ck_assert_msg(admin(op, args, sizeof(args), NULL) ==
				      want_fc[op - WEFT_OP_FC_PORT_SET],
			      "opcode %u", op);
	for (uint8_t op = WEFT_OP_FW_LOG; op <= WEFT_OP_FW_READ; op++)
		ck_assert_uint_eq(admin(op, args, sizeof(args), NULL), ENODEV);
	ck_assert_uint_eq(net_port.ip, OUR_IP);
}
END_TEST

START_TEST(test_port)
{
	struct weft_arg_port a = { .ip = 0xc0a80102,
				   .mask = 0xffff0000,
				   .gateway = 0xc0a80001,
				   .mtu = 9000,
				   .mac = { 2, 3, 4, 5, 6, 7 } };
	uint32_t dw[4];

	ck_assert_uint_eq(admin(WEFT_OP_PORT_SET, &a, sizeof(a), NULL), 0);
	ck_assert_uint_eq(admin(WEFT_OP_PORT_GET, "", 1, dw), 0);
	ck_assert_uint_eq(dw[0], 0xc0a80102);
	ck_assert_uint_eq(dw[1], 9000 | 0x0302u << 16);
	ck_assert_uint_eq(dw[2], 0x07060504);
	memset(a.mac, 0, 6); /* keeps it */
	a.mtu = 576;
	ck_assert_uint_eq(admin(WEFT_OP_PORT_SET, &a, sizeof(a), NULL), 0);
	ck_assert_uint_eq(admin(WEFT_OP_PORT_GET, "", 1, dw), 0);
	ck_assert_uint_eq(dw[1], 576 | 0x0302u << 16);
}
END_TEST

START_TEST(test_port_bad)
{
	const struct weft_arg_port good = { .ip = 0xc0a80102, .mask = 0xffff0000, .mtu = 1500 };
	struct weft_arg_port bad[] = { good, good, good, good, good, good, good };

	bad[0].mtu = 575;
	bad[1].mtu = 9001;
	bad[2].ip = 0xe0000001;
	bad[3].ip = 0xffffffff;
	bad[4].mask = 0xff00ff00;
	bad[5].gateway = 0x0a000001;
	bad[6].mac[0] = 1; /* a group's */
	for (uint32_t i = 0; i < 7; i++)
		ck_assert_msg(admin(WEFT_OP_PORT_SET, &bad[i], sizeof(good), NULL) == EINVAL,
			      "row %u", i);
	ck_assert_uint_eq(net_port.ip, OUR_IP);
	ck_assert_uint_eq(net_port.mtu, 1500);
}
END_TEST

/* --- queue pairs -------------------------------------------------------------------------------------------------------------- */

static uint16_t create(uint16_t qp, uint8_t sq_log2)
{
	const struct weft_arg_qp_create a = { .sq_base = 0x4000,
					      .cq_base = 0x8000,
					      .qp = qp,
					      .sq_log2 = sq_log2,
					      .cq_log2 = sq_log2 + 1 };

	return admin(WEFT_OP_QP_CREATE, &a, sizeof(a), NULL);
}

START_TEST(test_create_bad)
{
	const struct weft_arg_qp_create good = {
		.sq_base = 0x4000, .cq_base = 0x8000, .qp = 5, .sq_log2 = 4, .cq_log2 = 5
	};
	struct weft_arg_qp_create bad[11];
	uint32_t free = qp_slots_free();

	for (uint32_t i = 0; i < 11; i++)
		bad[i] = good;
	bad[0].qp = 0;
	bad[1].qp = WEFT_N_QP;
	bad[2].qp = 0xffff;
	bad[3].vector = WEFT_N_VECTORS;
	bad[4].sq_log2 = 0;
	bad[5].sq_log2 = 11;
	bad[5].cq_log2 = 12;
	bad[6].cq_log2 = 4;
	bad[7].cq_log2 = 13;
	bad[8].sq_base = 0x4020;
	bad[9].cq_base = 0x8001;
	bad[10].sq_log2 = 255;
	for (uint32_t i = 0; i < 11; i++)
		ck_assert_msg(admin(WEFT_OP_QP_CREATE, &bad[i], sizeof(good), NULL) == EINVAL,
			      "row %u", i);
	ck_assert_uint_eq(qp_slots_free(), free);
	ck_assert_uint_eq(qp_starts[5], 0);
	ck_assert_uint_eq(create(5, 4), 0);
	ck_assert_uint_eq(create(5, 4), EEXIST);
	ck_assert_uint_eq(qp_starts[5], 1);
	ck_assert_uint_eq(qp_slots_free(), free - 16);
}
END_TEST

START_TEST(test_delete)
{
	struct weft_arg_qp a = { .qp = 5 };
	struct hal_cpl c;
	uint16_t cid;

	ck_assert_uint_eq(delete_qp(0), ENXIO);
	ck_assert_uint_eq(delete_qp(5), ENXIO);
	ck_assert_uint_eq(delete_qp(WEFT_N_QP), ENXIO);
	ck_assert_uint_eq(delete_qp(0xffff), ENXIO);
	ck_assert_uint_eq(create(5, 3), 0);
	hold_qp_stopped = true;
	cid = admin_start(WEFT_OP_QP_DELETE, &a, sizeof(a));
	ck_assert(!admin_result(cid, &c));
	ck_assert_uint_eq(delete_qp(5), EALREADY);
	ck_assert_uint_eq(create(5, 3), EEXIST);
	ck_assert(admin_result(connect_start(5, &plain), &c));
	ck_assert_uint_eq(c.status, EBUSY); /* its slots are on their way out */
	qp_stopped_now(5);
	ck_assert(admin_result(cid, &c));
	ck_assert_uint_eq(c.status, 0);
	ck_assert_uint_eq(delete_qp(5), ENXIO);
	qp_stopped_now(5); /* out of place */
	qp_stopped_now(6);
	hold_qp_stopped = false;
	ck_assert_uint_eq(create(5, 10), 0);
}
END_TEST

/* Every size; all slots are used up exactly, then given back and used again by others. */
START_TEST(test_slots)
{
	bool taken[WEFT_N_SLOTS] = { false };
	uint16_t qp = 1;

	for (uint32_t i = 0; i < QP_ADMIN_SLOTS; i++)
		taken[i] = true;
	for (int log2 = 10; log2 >= 1; log2--)
		while (qp < WEFT_N_QP && create(qp, (uint8_t)log2) == 0) {
			for (uint32_t s = 0; s < 1u << log2; s++) {
				uint32_t slot = qp_get(qp)->slot_base + s;

				ck_assert(slot < WEFT_N_SLOTS && !taken[slot]);
				taken[slot] = true;
			}
			qp++;
		}
	ck_assert_uint_eq(qp_slots_free(), 0);
	ck_assert_uint_eq(create(qp, 1), ENOSPC);
	ck_assert_uint_eq(delete_qp(1), 0);
	ck_assert_uint_eq(qp_slots_free(), 1024);
	ck_assert_uint_eq(create(qp, 9), 0);
	ck_assert_uint_eq(create(qp + 1, 10), ENOSPC);
	ck_assert_uint_eq(create(qp + 1, 9), 0);
	ck_assert_uint_eq(qp_slots_free(), 0);
}
END_TEST

/* All pairs of the default build at once, each with 8 entries; each carries a command. */
START_TEST(test_all_pairs)
{
	for (uint16_t q = 1; q < WEFT_N_QP; q++) {
		create_qp(q, 3);
		connect_qp(q, &plain);
		submit(q, 7,
		       &(struct cmd){
			       .flags = WEFT_SQF_DATA_IN, .len = 512, .addr = BUF + q * 512u });
	}
	for (uint16_t q = WEFT_N_QP - 1; q >= 1; q--) {
		struct send s = c2h(&peers[q], 7, 0, wire + q * 512, 512, PDU_F_LAST);

		ctrl_send(&peers[q], &s);
		send_resp(q, 7);
		expect_ok(q, 7, 512);
		ck_assert_mem_eq(fake_host + BUF + q * 512u, wire + q * 512, 512);
	}
}
END_TEST

/* --- DISCONNECT and statistics -------------------------------------------------------------------------------------------------- */

START_TEST(test_disconnect_bad)
{
	static const uint16_t qps[] = { 0, 1, WEFT_N_QP, 0xffff };

	for (int i = 0; i < 4; i++)
		ck_assert_uint_eq(admin(WEFT_OP_DISCONNECT,
					&(struct weft_arg_disconnect){ .qp = qps[i] }, 4, NULL),
				  ENXIO);
	create_qp(1, 2);
	ck_assert_uint_eq(admin(WEFT_OP_DISCONNECT, &(struct weft_arg_disconnect){ .qp = 1 }, 4,
				NULL),
			  ENOTCONN);
	ck_assert_uint_eq(admin(WEFT_OP_DISCONNECT,
				&(struct weft_arg_disconnect){ .qp = 1, .abort = 1 }, 4, NULL),
			  ENOTCONN);
}
END_TEST

static uint16_t stats(uint16_t qp, uint16_t page, uint32_t dw[4])
{
	return admin(WEFT_OP_CONN_STATS, &(struct weft_arg_conn_stats){ .qp = qp, .page = page }, 4,
		     dw);
}

START_TEST(test_stats)
{
	uint32_t dw[4];

	ck_assert_uint_eq(stats(0, 0, dw), ENXIO);
	ck_assert_uint_eq(stats(1, 0, dw), ENXIO);
	ck_assert_uint_eq(stats(WEFT_N_QP, 0, dw), ENXIO);
	connect_qp(1, &plain);
	for (uint16_t i = 0; i < 3; i++) {
		submit(1, i, &(struct cmd){ 0 });
		send_resp(1, i);
		expect_ok(1, i, 0);
	}
	ck_assert_uint_eq(stats(1, 0, dw), 0);
	ck_assert_uint_ge(dw[0], 4); /* ICReq and three capsules, and acknowledgements */
	ck_assert_uint_eq(dw[2], 0);
	ck_assert_uint_eq(stats(1, 1, dw), 0);
	ck_assert_uint_eq(dw[0] | dw[1] | dw[2], 0);
	ck_assert_uint_eq(stats(1, 2, dw), 0);
	ck_assert_uint_eq(dw[0], TCP_ESTABLISHED);
	ck_assert_uint_gt(dw[2], 0);
	ck_assert_uint_eq(stats(1, 3, dw), 0);
	ck_assert_uint_eq(dw[0], 4);
	ck_assert_uint_eq(dw[1], 4);
	ck_assert_uint_eq(dw[2], 0);
	ck_assert_uint_eq(stats(1, 4, dw), EINVAL);
	ck_assert_uint_eq(stats(1, 0xffff, dw), EINVAL);
}
END_TEST

/* Engine events that make no sense: looked at, and ignored. */
START_TEST(test_odd_events)
{
	static const struct hal_event odd[] = {
		{ .type = 0x7f, .id = 1 },
		{ .type = ENG_EVT_PLACED, .id = 1, .w1 = 4096, .w2 = 0xffff },
		{ .type = ENG_EVT_PLACED, .id = 1, .w1 = 4096, .w2 = 65 },
		{ .type = ENG_EVT_HDR, .id = 2, .w1 = 24 },
		{ .type = ENG_EVT_ACK, .id = 2 },
		{ .type = ENG_EVT_STOPPED, .id = 1 },
		{ .type = ENG_EVT_QP_STOPPED, .id = 1 },
		{ .type = ENG_EVT_QP_STOPPED, .id = 0xffff },
		{ .type = ENG_EVT_QP_ERROR, .id = 0xffff, .w1 = EFAULT },
	};

	connect_qp(1, &plain);
	submit(1, 1, &(struct cmd){ 0 });
	for (uint32_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		fake_push_event(&odd[i]);
		run();
	}
	ck_assert_uint_eq(events_of(1), 0);
	send_resp(1, 1);
	expect_ok(1, 1, 0);
}
END_TEST

/* Hardware and firmware of different versions: nothing runs, and the host is told why. */
START_TEST(test_other_engines)
{
	char want[80];

	fake_opt.engines_newer = 3;
	ck_assert(!fw_init());
	fake_opt.engines_newer = 0;
	ck_assert_uint_eq(status_seen, 2);
	ck_assert_uint_eq(fw_status_seen, WEFT_DEAD_ENGINES << WEFT_FW_STATUS_CAUSE_LSB |
						  ENG_VERSION_MAJOR << 8 | (ENG_VERSION_MINOR + 3));
	snprintf(want, sizeof(want), "engine interface %u.%u, this firmware needs %u.%u",
		 ENG_VERSION_MAJOR, ENG_VERSION_MINOR + 3, ENG_VERSION_MAJOR, ENG_VERSION_MINOR);
	ck_assert_ptr_nonnull(strstr(fake_log, want));
}
END_TEST

void tests_admin(Suite *s)
{
	TCase *t = tcase_create("admin");

	tcase_add_checked_fixture(t, fw_start, fw_teardown);
	tcase_set_timeout(t, 30);
	tcase_add_test(t, test_enable_disable);
	tcase_add_test(t, test_enable_too_early);
	tcase_add_test(t, test_bad_rings);
	tcase_add_test(t, test_disable_forgets);
	tcase_add_test(t, test_nop);
	tcase_add_test(t, test_unknown);
	tcase_add_test(t, test_garbage);
	tcase_add_test(t, test_port);
	tcase_add_test(t, test_port_bad);
	tcase_add_test(t, test_create_bad);
	tcase_add_test(t, test_delete);
	tcase_add_test(t, test_slots);
	tcase_add_test(t, test_all_pairs);
	tcase_add_test(t, test_disconnect_bad);
	tcase_add_test(t, test_stats);
	tcase_add_test(t, test_odd_events);
	tcase_add_test(t, test_other_engines);
	suite_add_tcase(s, t);
}
