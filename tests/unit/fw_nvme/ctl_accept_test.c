/* SPDX-License-Identifier: BSD-2-Clause */
/* Controller role: LISTEN, ACCEPT, the IC exchange, and pairs that wait. */
#include <errno.h>
#include <string.h>

#include "ctl_helper.h"

static const struct acc_opts plain;

/* Digests and alignments: granted is what is asked and allowed. */
START_TEST(test_accept)
{
	const struct acc_opts o = { .digests = _i & 3,
				    .asked_less = _i >> 2 & 3,
				    .hpda = (uint8_t)_i,
				    .cpda = (uint8_t)(31 - _i),
				    .maxr2t = _i == 15 ? 0xffffffff : (uint32_t)_i,
				    .maxh2cdata = _i ? 4096u * (uint32_t)_i + 4 :
						       WEFT_PDU_DATA_MAX };

	open_ctl(QP, &o);
	ck_assert_uint_eq(nt_conns[QP].maxr2t, _i < 8 ? _i : 7);
	host_sends_cmd(QP, 1, wire, 512);
	respond(QP, expect_capsule(QP, 1, wire, 512), 1);
}
END_TEST

START_TEST(test_listen_args)
{
	struct weft_arg_listen none = { 0 };

	ck_assert_uint_eq(admin(WEFT_OP_LISTEN, &none, sizeof(none), NULL), EINVAL);
	ck_assert_uint_eq(unlisten(PORT), ENOENT);
	ck_assert_uint_eq(unlisten(0), ENOENT);
	for (uint16_t k = 0; k < WEFT_N_LISTEN; k++)
		ck_assert_uint_eq(listen_on_port(PORT + k), 0);
	ck_assert_uint_eq(listen_on_port(PORT + 3), EADDRINUSE);
	ck_assert_uint_eq(listen_on_port(80), ENOSPC);
	ck_assert_uint_eq(unlisten(PORT + 3), 0);
	ck_assert_uint_eq(unlisten(PORT + 3), ENOENT);
	ck_assert_uint_eq(listen_on_port(80), 0);
}
END_TEST

static uint16_t create(const struct weft_arg_qp_create *a)
{
	return admin(WEFT_OP_QP_CREATE, a, sizeof(*a), NULL);
}

START_TEST(test_create_args)
{
	const struct weft_arg_qp_create good = { .sq_base = 0x4000,
						 .cq_base = 0x8000,
						 .qp = 3,
						 .sq_log2 = 4,
						 .cq_log2 = 6,
						 .rx_cmd = RX_CMD,
						 .rx_icd = RX_ICD,
						 .icd_size = 8192,
						 .flags = WEFT_QPF_CONTROLLER };
	struct weft_arg_qp_create a[] = { good, good, good, good, good, good, good, good, good };

	a[0].cq_log2 = 5;
	a[1].rx_cmd += 32;
	a[2].rx_icd += 4;
	a[3].icd_size = 100;
	a[4].icd_size = WEFT_PDU_DATA_MAX + 64;
	a[5].flags = 2;
	a[6].flags = 0; /* buffers without the role */
	a[7].flags = 3;
	for (int i = 0; i < 8; i++)
		ck_assert_msg(create(&a[i]) == EINVAL, "%d", i);
	a[8].icd_size = 0; /* no data in capsules */
	ck_assert_uint_eq(create(&a[8]), 0);
	ck_assert_uint_eq(delete_qp(3), 0);
	a[8].icd_size = WEFT_PDU_DATA_MAX;
	ck_assert_uint_eq(create(&a[8]), 0);
}
END_TEST

static uint16_t accept_now(const struct weft_arg_accept *a)
{
	return admin(WEFT_OP_ACCEPT, a, sizeof(*a), NULL);
}

START_TEST(test_accept_args)
{
	const struct weft_arg_accept good = accept_args(QP, &plain);
	struct weft_arg_accept a[] = { good, good, good, good, good, good };
	struct weft_arg_connect c = { .qp = QP, .remote_ip = PEER_IP, .remote_port = 1 };

	ck_assert_uint_eq(accept_now(&good), ENXIO);
	create_ctl(QP, &plain);
	create_qp(2, 4);
	a[0].digests = 4;
	a[1].cpda = 32;
	a[2].maxh2cdata = 4092;
	a[3].maxh2cdata = 65538;
	a[4].maxh2cdata = WEFT_PDU_DATA_MAX + 4;
	a[5].qp = 2; /* a host's */
	for (int i = 0; i < 6; i++)
		ck_assert_msg(accept_now(&a[i]) == EINVAL, "%d", i);
	ck_assert_uint_eq(admin(WEFT_OP_CONNECT, &c, sizeof(c), NULL), EINVAL);
	accept_start(QP, &plain);
	ck_assert_uint_eq(accept_now(&good), EISCONN);
	ck_assert_uint_eq(delete_qp(QP), EBUSY);
}
END_TEST

/* Nobody listens, nobody waits, the wrong port. */
START_TEST(test_refused)
{
	const struct acc_opts other = { .port = PORT + 1 };
	struct peer *p = &peers[QP];

	peer_open(p, PORT, 50000);
	ck_assert(p->got_rst && !p->got_syn_ack);
	listen_on_port(PORT);
	peer_open(p, PORT, 50001);
	ck_assert(p->got_rst && !p->got_syn_ack);
	accept_start(2, &other);
	peer_open(p, PORT, 50002);
	ck_assert(p->got_rst && !p->got_syn_ack);
	listen_on_port(PORT + 1);
	peer_open(p, PORT + 1, 50003);
	ck_assert(!p->got_rst && p->got_syn_ack);
	ck_assert_int_eq(nt_conns[2].state, NT_IC);
	ck_assert_uint_eq(unlisten(PORT + 1), 0); /* the connection stays */
	run_ms(100);
	ck_assert_int_eq(nt_conns[2].state, NT_IC);
	ck_assert(!p->got_rst);
}
END_TEST

static void ic_exchange(uint16_t peer, uint16_t accept_cid)
{
	struct send s = icreq(&plain);
	struct hal_cpl c;

	ctrl_send(&peers[peer], &s);
	expect_pdu(&peers[peer], PDU_ICRESP);
	ck_assert(admin_result(accept_cid, &c));
	ck_assert_uint_eq(c.status, 0);
	ck_assert_uint_eq(c.dw[1] & 0xffff, peers[peer].rport);
}

/* Pairs are taken in the order of ACCEPT, but for those that wait for another port. */
START_TEST(test_order)
{
	const struct acc_opts other = { .port = PORT + 1 };
	uint16_t cid[5];

	listen_on_port(PORT);
	listen_on_port(PORT + 1);
	cid[3] = accept_start(3, &other);
	cid[4] = accept_start(4, &plain);
	cid[1] = accept_start(1, &plain);
	cid[2] = accept_start(2, &other);
	peer_open(&peers[4], PORT, 50000);
	ic_exchange(4, cid[4]);
	peer_open(&peers[3], PORT + 1, 50000);
	ic_exchange(3, cid[3]);
	peer_open(&peers[1], PORT + 1, 50001);
	ic_exchange(1, cid[1]); /* any port */
	peer_open(&peers[2], PORT + 1, 50002);
	ic_exchange(2, cid[2]);
	peer_open(&peers[5], PORT + 1, 50003);
	ck_assert(peers[5].got_rst);
}
END_TEST

enum before { B_SILENT, B_RST, B_FIN, B_GARBAGE, B_TERM, B_HALF, B_ENDS };

static void spoil(struct peer *p, enum before how)
{
	static const uint8_t garbage[256] = { 0x55, 0, 24, 0, 24 };
	struct send t = make_header(PDU_H2C_TERM_REQ, 0, 24, 0, 24);

	switch (how) {
	case B_SILENT:
		run_ms(11000);
		break;
	case B_RST:
		peer_rst(p);
		break;
	case B_FIN:
		peer_fin(p);
		break;
	case B_GARBAGE:
		peer_send(p, garbage, sizeof(garbage));
		break;
	case B_TERM:
		ctrl_send(p, &t);
		break;
	default:
		peer_send(p, garbage, 0);
		peer_send(p, (const uint8_t[]){ 0, 0, 128, 0, 128, 0, 0, 0, 0, 0 }, 10);
		run_ms(11000);
		break;
	}
	run_ms(3000);
}

/* What ends before ICReq was accepted is forgotten: no completion, no event, the pair waits on. */
START_TEST(test_waits_on)
{
	uint16_t cid = 0;
	struct hal_cpl c;

	listen_on_port(PORT);
	cid = accept_start(QP, &plain);
	for (uint16_t n = 0; n < 3; n++) {
		peer_open(&peers[QP], PORT, 50000 + n);
		ck_assert_int_eq(nt_conns[QP].state, NT_IC);
		spoil(&peers[QP], (enum before)_i);
		ck_assert_int_eq(nt_conns[QP].state, NT_WAIT);
		ck_assert(!admin_result(cid, &c));
		ck_assert_uint_eq(events_of(QP), 0);
	}
	peer_open(&peers[QP], PORT, 50009);
	ic_exchange(QP, cid);
	host_sends_cmd(QP, 3, wire, 64);
	respond(QP, expect_capsule(QP, 3, wire, 64), 3);
}
END_TEST

/* ic_timeout_ms, and its default of ten seconds. */
START_TEST(test_ic_timeout)
{
	const struct acc_opts o = { .ic_timeout_ms = _i ? 300 : 0 };
	uint32_t ms = _i ? 300 : 10000;

	listen_on_port(PORT);
	accept_start(QP, &o);
	peer_open(&peers[QP], PORT, 50000);
	run_ms(ms - 20);
	ck_assert_int_eq(nt_conns[QP].state, NT_IC);
	run_ms(40);
	ck_assert_int_eq(nt_conns[QP].state, NT_WAIT);
	ck_assert(peers[QP].got_rst);
}
END_TEST

/* DISCONNECT of a pair that waits, in each form, alone and among others. */
START_TEST(test_cancel_wait)
{
	uint16_t cid[4], d;
	struct hal_cpl c;

	listen_on_port(PORT);
	for (uint16_t q = 1; q <= 3; q++)
		cid[q] = accept_start(q, &plain);
	d = disconnect_start((uint16_t)(1 + _i / 2), _i & 1);
	ck_assert(admin_result(cid[1 + _i / 2], &c));
	ck_assert_uint_eq(c.status, ECANCELED);
	ck_assert(admin_result(d, &c));
	ck_assert_uint_eq(c.status, 0);
	for (uint16_t q = 1, n = 0; q <= 3; q++) {
		if (q == 1 + _i / 2)
			continue;
		peer_open(&peers[q], PORT, 50000 + n++);
		ic_exchange(q, cid[q]);
	}
	peer_open(&peers[4], PORT, 50010);
	ck_assert(peers[4].got_rst);
	cid[0] = accept_start((uint16_t)(1 + _i / 2), &plain); /* and again */
	peer_open(&peers[1 + _i / 2], PORT, 50011);
	ic_exchange((uint16_t)(1 + _i / 2), cid[0]);
}
END_TEST

/* DISCONNECT between SYN and ICReq. */
START_TEST(test_cancel_ic)
{
	uint16_t cid, d;
	struct hal_cpl c;

	listen_on_port(PORT);
	cid = accept_start(QP, &plain);
	peer_open(&peers[QP], PORT, 50000);
	d = disconnect_start(QP, _i & 1);
	run_ms(100);
	ck_assert(admin_result(cid, &c));
	ck_assert_uint_eq(c.status, ECANCELED);
	ck_assert(admin_result(d, &c));
	ck_assert_uint_eq(c.status, 0);
	ck_assert_int_eq(nt_conns[QP].state, NT_IDLE);
	ck_assert_uint_eq(events_of(QP), 0);
	open_ctl(QP, &plain);
}
END_TEST

/* The host closes for a bad ICReq while DISCONNECT comes: ECANCELED all the same, once. */
START_TEST(test_cancel_closing)
{
	static const uint8_t garbage[32] = { 0x55, 0, 24, 0, 24 };
	uint16_t cid, d;
	struct hal_cpl c;

	listen_on_port(PORT);
	fin_answered = false;
	cid = accept_start(QP, &plain);
	peer_open(&peers[QP], PORT, 50000);
	peer_send(&peers[QP], garbage, sizeof(garbage));
	ck_assert_int_eq(nt_conns[QP].state, NT_CLOSING);
	d = disconnect_start(QP, false);
	run_ms(1200);
	ck_assert(admin_result(cid, &c));
	ck_assert_uint_eq(c.status, ECANCELED);
	ck_assert(admin_result(d, &c));
	ck_assert_uint_eq(c.status, 0);
}
END_TEST

/* All pairs hang before ICReq: the oldest makes room for a newcomer, but not within its first second. */
START_TEST(test_eviction)
{
	uint16_t cid[3];

	listen_on_port(PORT);
	cid[1] = accept_start(1, &plain);
	cid[2] = accept_start(2, &plain);
	peer_open(&peers[1], PORT, 50001);
	run_ms(500);
	peer_open(&peers[2], PORT, 50002);
	run_ms(400);
	peer_open(&peers[3], PORT, 50003);
	ck_assert(peers[3].got_rst && !peers[1].got_rst && !peers[2].got_rst);
	run_ms(300);
	peer_open(&peers[4], PORT, 50004);
	ck_assert(peers[1].got_rst && !peers[2].got_rst);
	ck_assert(peers[4].got_syn_ack && !peers[4].got_rst);
	ic_exchange(4, cid[1]);
	ic_exchange(2, cid[2]);
	run_ms(5000);
	peer_open(&peers[5], PORT, 50005); /* those that were accepted stay */
	ck_assert(peers[5].got_rst && !peers[4].got_rst && !peers[2].got_rst);
}
END_TEST

/* Handshakes that never end: the pair is not theirs. */
START_TEST(test_half_open)
{
	uint16_t cid;

	listen_on_port(PORT);
	cid = accept_start(QP, &plain);
	syn_answer = SYN_IGNORE;
	for (uint16_t n = 0; n < 100; n++)
		peer_open(&peers[2], PORT, 51000 + n);
	ck_assert_int_eq(nt_conns[QP].state, NT_WAIT);
	syn_answer = SYN_ACCEPT;
	peer_open(&peers[QP], PORT, 50000);
	ic_exchange(QP, cid);
}
END_TEST

/* Two handshakes for one pair: who comes second is refused. */
START_TEST(test_two_for_one)
{
	uint16_t cid;

	listen_on_port(PORT);
	cid = accept_start(QP, &plain);
	peer_syn(&peers[QP], PORT, 50001);
	peer_syn(&peers[2], PORT, 50002);
	run();
	ck_assert(peers[QP].got_syn_ack && peers[2].got_syn_ack);
	ck_assert(!peers[QP].got_rst && peers[2].got_rst);
	ic_exchange(QP, cid);
}
END_TEST

/* The admin pair stops: nobody listens any more, what waits ends without a word, and all begins anew with the next one. */
START_TEST(test_admin_stops)
{
	struct hal_cpl *last;

	listen_on_port(PORT);
	listen_on_port(PORT + 1);
	open_ctl(1, &plain);
	accept_start(2, &plain);
	accept_start(3, &plain);
	peer_open(&peers[2], PORT, 50002);
	last = &fake_cpl[fake_cpl_count];
	host_aq(0);
	run_ms(100);
	ck_assert_ptr_eq(last, &fake_cpl[fake_cpl_count]);
	forget_admin_slots();
	ck_assert(peers[2].got_rst);
	ck_assert_int_eq(nt_conns[1].state, NT_SERVING); /* what was accepted stays */
	ck_assert_int_eq(nt_conns[2].state, NT_IDLE);
	ck_assert_int_eq(nt_conns[3].state, NT_IDLE);
	peer_open(&peers[4], PORT, 50004);
	ck_assert(peers[4].got_rst && !peers[4].got_syn_ack);
	host_aq(1);
	ck_assert_uint_eq(listen_on_port(PORT), 0);
	ck_assert_uint_eq(listen_on_port(PORT + 1), 0);
	open_ctl(2, &plain);
	host_sends_cmd(1, 3, wire, 64);
	respond(1, expect_capsule(1, 3, wire, 64), 3);
}
END_TEST

/* A ring of a pair that waits breaks: the wait ends with its error. */
START_TEST(test_ring_error)
{
	const struct hal_event ev = { .type = ENG_EVT_QP_ERROR, .id = QP, .w1 = EFAULT };
	uint16_t cid = accept_start(QP, &plain);
	struct hal_cpl c;

	fake_push_event(&ev);
	run();
	ck_assert(admin_result(cid, &c));
	ck_assert_uint_eq(c.status, EFAULT);
	ck_assert_int_eq(nt_conns[QP].state, NT_IDLE);
}
END_TEST

/* No record for ICResp: the connection ends, the pair waits on. */
START_TEST(test_no_record)
{
	struct send s = icreq(&plain);
	uint32_t n;
	uint16_t cid;

	listen_on_port(PORT);
	cid = accept_start(QP, &plain);
	peer_open(&peers[QP], PORT, 50000);
	n = take_all_records();
	ctrl_send(&peers[QP], &s);
	ck_assert(peers[QP].got_rst);
	give_back_records(n);
	peer_open(&peers[QP], PORT, 50001);
	ic_exchange(QP, cid);
}
END_TEST

void tests_ctl_accept(Suite *s)
{
	TCase *t = tcase_create("ctl_accept");

	tcase_add_checked_fixture(t, fw_start, fw_teardown);
	tcase_set_timeout(t, 30);
	tcase_add_loop_test(t, test_accept, 0, 16);
	tcase_add_test(t, test_listen_args);
	tcase_add_test(t, test_create_args);
	tcase_add_test(t, test_accept_args);
	tcase_add_test(t, test_refused);
	tcase_add_test(t, test_order);
	tcase_add_loop_test(t, test_waits_on, 0, B_ENDS);
	tcase_add_loop_test(t, test_ic_timeout, 0, 2);
	tcase_add_loop_test(t, test_cancel_wait, 0, 6);
	tcase_add_loop_test(t, test_cancel_ic, 0, 2);
	tcase_add_test(t, test_cancel_closing);
	tcase_add_test(t, test_eviction);
	tcase_add_test(t, test_half_open);
	tcase_add_test(t, test_two_for_one);
	tcase_add_test(t, test_admin_stops);
	tcase_add_test(t, test_ring_error);
	tcase_add_test(t, test_no_record);
	suite_add_tcase(s, t);
}
