/* SPDX-License-Identifier: BSD-2-Clause */
/* Opening and ending a connection: ICReq/ICResp, every way it can fail, DISCONNECT in every state. */
#include "nvme_helper.h"

#include <errno.h>
#include <string.h>

#define NO_FAULT 0

static const struct conn_opts plain;

static void expect_admin(uint16_t cid, uint16_t status)
{
	struct hal_cpl c;

	ck_assert_msg(admin_result(cid, &c), "command %u is still open", cid);
	ck_assert_uint_eq(c.status, status);
}

static void expect_open(uint16_t cid)
{
	struct hal_cpl c;

	ck_assert(!admin_result(cid, &c));
}

static void expect_idle(uint16_t qp)
{
	ck_assert_int_eq(tcp_state(qp), TCP_CLOSED);
	ck_assert_int_eq(nt_conns[qp].state, NT_IDLE);
}

START_TEST(test_icreq)
{
	static const struct conn_opts rows[] = {
		{ 0 },
		{ .digests = 3, .hpda = 31, .maxr2t = 15 },
		{ .digests = 1, .hpda = 3, .maxr2t = 7 },
		{ .digests = 2 },
	};
	const struct conn_opts *o = &rows[_i];
	uint8_t maxr2t = o->maxr2t < NT_R2TS ? o->maxr2t :
					       NT_R2TS - 1; /* never more than we have room for */
	uint8_t want[128] = { 0, 0, 128, 0, 128, 0, 0, 0, 0, 0, o->hpda, o->digests, maxr2t };
	struct pdu d;

	connect_start(QP, o);
	d = expect_pdu(&peers[QP], PDU_ICREQ);
	ck_assert_uint_eq(d.plen, 128);
	ck_assert_mem_eq(d.b, want, 128);
}
END_TEST

/* What the controller may agree to: all that is asked, or less. */
START_TEST(test_icresp_good)
{
	static const struct conn_opts rows[] = {
		{ .digests = 3, .cpda = 31, .maxh2cdata = 4096 },
		{ .digests = 3, .icresp_dgst = 1 },
		{ .digests = 3, .icresp_dgst = 2 },
		{ .digests = 3, .icresp_dgst = 3 },
		{ .digests = 1, .maxh2cdata = 0xfffffffc },
	};

	connect_qp(QP, &rows[_i]); /* checks the result of CONNECT */
	ck_assert_int_eq(nt_conns[QP].state, NT_READY);
	run_ms(60000);
	ck_assert_int_eq(nt_conns[QP].state, NT_READY); /* the timeout went with CONNECT */
	ck_assert_uint_eq(events_of(QP), 0);
}
END_TEST

/* One byte of a good ICResp changed. */
static const struct ic_fault {
	const char *what;
	uint8_t asked, at, value, sent; /* sent: bytes of header that leave; 0: 128 */
	uint16_t fes;
	uint32_t fei, copied;
} ic_faults[] = {
	{ "CapsuleResp first", 0, 0, 0x05, 24, 2, 0, 24 },
	{ "C2HData first", 0, 0, 0x07, 24, 2, 0, 24 },
	{ "R2T first", 0, 0, 0x09, 24, 2, 0, 24 },
	{ "ICReq", 0, 0, 0x00, 0, 1, 0, 128 },
	{ "H2CData", 0, 0, 0x06, 24, 1, 0, 24 },
	{ "unknown type", 0, 0, 0x0b, 24, 1, 0, 24 },
	{ "unknown type, HLEN 0", 0, 0, 0xff, 1, 1, 0, 8 },
	{ "HLEN 64", 0, 2, 64, 0, 1, 2, 64 },
	{ "HLEN 0", 0, 2, 0, 0, 1, 2, 8 },
	{ "HLEN 7", 0, 2, 7, 0, 1, 2, 8 },
	{ "HLEN 129", 0, 2, 129, 0, 1, 2, 8 },
	{ "HLEN 255", 0, 2, 255, 0, 1, 2, 8 },
	{ "PLEN 136", 0, 4, 136, 0, 1, 4, 128 },
	{ "PLEN huge", 0, 7, 0x80, 0, 1, 4, 128 },
	{ "PFV 1", 0, 8, 1, 0, 6, 8, 128 },
	{ "PFV 256", 0, 9, 1, 0, 6, 8, 128 },
	{ "CPDA 32", 0, 10, 32, 0, 1, 10, 128 },
	{ "CPDA 255", 0, 10, 255, 0, 1, 10, 128 },
	{ "header digest unasked", 0, 11, 1, 0, 1, 11, 128 },
	{ "data digest unasked", 1, 11, 2, 0, 1, 11, 128 },
	{ "reserved digest", 3, 11, 4, 0, 1, 11, 128 },
	{ "MAXH2CDATA 0", 0, 14, 0, 0, 1, 12, 128 },
	{ "MAXH2CDATA not of four", 0, 12, 2, 0, 1, 12, 128 },
	{ "flags set", 0, 1, 0xff, 0, NO_FAULT, 0, 0 },
	{ "PDO set", 0, 3, 128, 0, NO_FAULT, 0, 0 },
	{ "reserved bytes set", 0, 127, 1, 0, NO_FAULT, 0, 0 },
};

START_TEST(test_icresp_fault)
{
	const struct ic_fault *f = &ic_faults[_i];
	struct conn_opts o = { .digests = f->asked };
	uint16_t cid = connect_start(QP, &o);
	struct send s = icresp(&o, f->asked);
	struct peer *p = &peers[QP];

	expect_pdu(p, PDU_ICREQ);
	if (f->sent == 24) /* a short header: its own HLEN */
		s.hdr[2] = 24;
	if (f->sent == 1)
		s.hdr[2] = 0;
	s.hdr[f->at] = f->value;
	s.hlen = f->sent > 1 ? f->sent : 128;
	fin_answered = false;
	peer_send(p, s.hdr, s.hlen);
	if (f->fes == NO_FAULT) {
		expect_admin(cid, 0);
		return;
	}
	expect_term(p, f->fes, f->fei, s.hdr, f->copied);
	expect_open(cid); /* the peer has not closed: the engines may still repeat the TermReq */
	peer_send(p, s.hdr, s.hlen); /* what comes now is not looked at */
	expect_no_pdu(p);
	peer_fin(p);
	run();
	run_ms(20);
	expect_admin(cid, EPROTO);
	expect_idle(QP);
	ck_assert_uint_eq(events_of(QP), 0); /* CONNECT told */
}
END_TEST

/* The peer takes the TermReq and never closes. */
START_TEST(test_term_timeout)
{
	uint16_t cid = connect_start(QP, &plain);
	uint8_t junk[24] = { 0x0c, 0, 24, 0, 24 };
	struct peer *p = &peers[QP];

	expect_pdu(p, PDU_ICREQ);
	fin_answered = false;
	peer_send(p, junk, sizeof(junk));
	expect_term(p, 1, 0, junk, 24);
	run_ms(NT_TERM_MS - 100);
	expect_open(cid);
	ck_assert(!p->got_rst);
	run_ms(200);
	expect_admin(cid, EPROTO);
	ck_assert(p->got_rst);
	expect_idle(QP);
}
END_TEST

/* --- how it fails before there is anything to say ------------------------------------------------------------------------- */

enum where { AT_ARP, AT_SYN, AT_IC, AT_HALF_IC, AT_READY };

static uint16_t connect_to(enum where w, uint32_t timeout_ms)
{
	const struct conn_opts o = { .timeout_ms = timeout_ms };
	struct send s = icresp(&o, 0);
	uint16_t cid;

	no_arp = w == AT_ARP;
	syn_answer = w == AT_SYN ? SYN_IGNORE : SYN_ACCEPT;
	cid = connect_start(QP, &o);
	if (w >= AT_IC)
		expect_pdu(&peers[QP], PDU_ICREQ);
	if (w == AT_HALF_IC)
		peer_send(&peers[QP], s.hdr, 64);
	if (w == AT_READY)
		ctrl_send(&peers[QP], &s);
	return cid;
}

START_TEST(test_timeout)
{
	uint16_t cid = connect_to((enum where)_i, 400);

	run_ms(390);
	expect_open(cid);
	run_ms(30);
	expect_admin(cid, ETIMEDOUT);
	expect_idle(QP);
	ck_assert_int_eq(peers[QP].got_rst, _i >= AT_IC);
	ck_assert_uint_eq(events_of(QP), 0);
}
END_TEST

START_TEST(test_default_timeout)
{
	uint16_t cid = connect_to(AT_IC, 0);

	run_ms(29900);
	expect_open(cid);
	run_ms(200);
	expect_admin(cid, ETIMEDOUT);
}
END_TEST

START_TEST(test_longest_timeout)
{
	uint16_t cid = connect_to(AT_IC, UINT32_MAX);

	run_ms(60000);
	expect_open(cid);
}
END_TEST

START_TEST(test_nobody_there)
{
	uint16_t cid = connect_to(AT_ARP, 0);

	run_ms(29000);
	expect_admin(cid, EHOSTUNREACH);
	expect_idle(QP);
}
END_TEST

START_TEST(test_refused)
{
	uint16_t cid;

	syn_answer = SYN_REFUSE;
	cid = connect_start(QP, &plain);
	expect_admin(cid, ECONNREFUSED);
	expect_idle(QP);
	ck_assert_uint_eq(events_of(QP), 0);
}
END_TEST

START_TEST(test_peer_fin)
{
	uint16_t cid = connect_to((enum where)_i, 0);

	peer_fin(&peers[QP]);
	run();
	run_ms(20);
	expect_admin(cid, _i == AT_READY ? 0 : ECONNRESET);
	expect_idle(QP);
	ck_assert(peers[QP].got_fin);
	ck_assert_uint_eq(events_of(QP), _i == AT_READY);
	if (_i == AT_READY) {
		ck_assert_uint_eq(last_event(QP)->dw[0], WEFT_EV_CONN_CLOSED);
		ck_assert_uint_eq(last_event(QP)->dw[1], 0);
	}
}
END_TEST

START_TEST(test_peer_rst)
{
	uint16_t cid = connect_to((enum where)_i, 0);

	peer_rst(&peers[QP]);
	expect_admin(cid, _i == AT_READY ? 0 : ECONNRESET);
	expect_idle(QP);
	ck_assert_uint_eq(events_of(QP), _i == AT_READY);
	if (_i == AT_READY) {
		ck_assert_uint_eq(last_event(QP)->dw[0], WEFT_EV_CONN_ERROR);
		ck_assert_uint_eq(last_event(QP)->dw[1], ECONNRESET);
		ck_assert_uint_eq(last_event(QP)->dw[2], 0);
	}
}
END_TEST

/* C2HTermReq: no answer but FIN; FES is told only if the PDU keeps to its form. */
START_TEST(test_peer_term)
{
	static const struct {
		enum where at;
		uint8_t hlen;
		uint32_t plen;
		uint32_t fes;
	} rows[] = {
		{ AT_IC, 24, 24, 3 },     { AT_READY, 24, 24, 3 }, { AT_READY, 24, 152, 3 },
		{ AT_READY, 24, 153, 0 }, { AT_READY, 24, 23, 0 }, { AT_READY, 128, 152, 0 },
		{ AT_READY, 200, 24, 0 }, { AT_READY, 0, 24, 0 },
	};
	uint16_t cid = connect_to(rows[_i].at, 0);
	struct peer *p = &peers[QP];
	struct send s = term(3, 0x12345678);

	s.hdr[2] = rows[_i].hlen;
	put32(s.hdr + 4, rows[_i].plen);
	peer_send(p, s.hdr, sizeof(s.hdr));
	run_ms(20);
	expect_no_pdu(p);
	ck_assert(p->got_fin);
	expect_idle(QP);
	expect_admin(cid, rows[_i].at == AT_READY ? 0 : ECONNRESET);
	if (rows[_i].at != AT_READY)
		return;
	ck_assert_uint_eq(events_of(QP), 1);
	ck_assert_uint_eq(last_event(QP)->dw[0], WEFT_EV_CONN_ERROR);
	ck_assert_uint_eq(last_event(QP)->dw[1], ECONNRESET);
	ck_assert_uint_eq(last_event(QP)->dw[2], rows[_i].fes);
}
END_TEST

/* --- DISCONNECT ------------------------------------------------------------------------------------------------------------- */

static const struct {
	enum where at;
	bool abort, rst, fin;
} ends[] = {
	{ AT_ARP, false, false, false },  { AT_ARP, true, false, false },
	{ AT_SYN, false, false, false },  { AT_SYN, true, false, false },
	{ AT_IC, false, false, true },    { AT_IC, true, true, false },
	{ AT_READY, false, false, true }, { AT_READY, true, true, false },
};

START_TEST(test_disconnect)
{
	uint16_t cid = connect_to(ends[_i].at, 0), dis;

	dis = disconnect_start(QP, ends[_i].abort);
	run_ms(20);
	expect_admin(dis, 0);
	expect_admin(cid, ends[_i].at == AT_READY ? 0 : ECANCELED);
	expect_idle(QP);
	ck_assert_int_eq(peers[QP].got_fin, ends[_i].fin);
	ck_assert_int_eq(peers[QP].got_rst, ends[_i].rst);
	ck_assert_uint_eq(events_of(QP), 0); /* asked for: nothing to tell */
	ck_assert_uint_eq(delete_qp(QP), 0);
}
END_TEST

START_TEST(test_disconnect_unanswered)
{
	uint16_t dis;

	connect_to(AT_READY, 0);
	fin_answered = false;
	dis = disconnect_start(QP, false);
	expect_admin(disconnect_start(QP, false), EALREADY);
	run_ms(NT_CLOSE_MS - 100);
	expect_open(dis);
	run_ms(200);
	expect_admin(dis, 0);
	expect_idle(QP);
	expect_admin(disconnect_start(QP, false), ENOTCONN);
}
END_TEST

/* The connection is ending already, for another reason. */
START_TEST(test_disconnect_closing)
{
	uint8_t junk[24] = { 0x0c, 0, 24, 0, 24 };
	uint16_t dis;

	connect_to(AT_READY, 0);
	fin_answered = false;
	peer_send(&peers[QP], junk, sizeof(junk));
	ck_assert_int_eq(nt_conns[QP].state, NT_CLOSING);
	dis = disconnect_start(QP, _i);
	run_ms(_i ? 0 : NT_TERM_MS + 100);
	expect_admin(dis, 0);
	expect_idle(QP);
}
END_TEST

/* Peer's FIN and ours cross. */
START_TEST(test_disconnect_crossing)
{
	uint16_t dis;

	connect_to(AT_READY, 0);
	fake_opt.tx_stop = 32; /* ours waits in the queue */
	dis = disconnect_start(QP, false);
	fake_opt.tx_stop = 0;
	peer_fin(&peers[QP]);
	run();
	run_ms(20);
	expect_admin(dis, 0);
	expect_idle(QP);
	ck_assert_uint_eq(events_of(QP), 0);
}
END_TEST

/* --- what a pair may do when ---------------------------------------------------------------------------------------------- */

START_TEST(test_busy)
{
	uint16_t cid = connect_to((enum where)_i, 0);
	struct hal_cpl c;

	ck_assert_uint_eq(delete_qp(QP), EBUSY);
	ck_assert(admin_result(connect_start(QP, &plain), &c));
	ck_assert_uint_eq(c.status, EISCONN);
	if (_i != AT_READY)
		expect_open(cid);
	ck_assert_int_ne(nt_conns[QP].state, NT_IDLE);
}
END_TEST

START_TEST(test_reconnect)
{
	for (uint8_t i = 0; i < 8; i++) {
		const struct conn_opts o = { .digests = i & 3, .cpda = i, .hpda = i * 3 % 32 };

		connect_qp(QP, &o);
		submit(QP, i, &(struct cmd){ 0 });
		expect_pdu(&peers[QP], PDU_CAPSULE_CMD);
		send_resp(QP, i);
		expect_ok(QP, i, 0);
		switch (i % 3) {
		case 0:
			disconnect_start(QP, false);
			break;
		case 1:
			disconnect_start(QP, true);
			break;
		default:
			peer_rst(&peers[QP]);
		}
		run_ms(1500);
		expect_idle(QP);
	}
}
END_TEST

START_TEST(test_bad_connect)
{
	static const struct {
		struct weft_arg_connect a;
		uint16_t err;
	} rows[] = {
		{ { .qp = QP, .remote_ip = PEER_IP, .remote_port = 1, .digests = 4 }, EINVAL },
		{ { .qp = QP, .remote_ip = PEER_IP, .remote_port = 1, .hpda = 32 }, EINVAL },
		{ { .qp = QP, .remote_ip = PEER_IP, .remote_port = 1, .maxr2t = 16 }, EINVAL },
		{ { .qp = QP, .remote_ip = PEER_IP, .remote_port = 0 }, EINVAL },
		{ { .qp = QP, .remote_ip = 0, .remote_port = 1 }, EINVAL },
		{ { .qp = QP, .remote_ip = 0xe0000001, .remote_port = 1 }, EINVAL },
		{ { .qp = QP, .remote_ip = OUR_IP, .remote_port = 1 }, EINVAL },
		{ { .qp = QP, .remote_ip = 0x0b000001, .remote_port = 1 }, EHOSTUNREACH },
		{ { .qp = 0, .remote_ip = PEER_IP, .remote_port = 1 }, ENXIO },
		{ { .qp = 2, .remote_ip = PEER_IP, .remote_port = 1 }, ENXIO },
		{ { .qp = WEFT_N_QP, .remote_ip = PEER_IP, .remote_port = 1 }, ENXIO },
		{ { .qp = 0xffff, .remote_ip = PEER_IP, .remote_port = 1 }, ENXIO },
	};

	create_qp(QP, SQ_LOG2);
	for (uint32_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_msg(admin(WEFT_OP_CONNECT, &rows[i].a, sizeof(rows[i].a), NULL) ==
				      rows[i].err,
			      "row %u", i);
	ck_assert_uint_eq(delete_qp(QP), 0);
}
END_TEST

#define N(a) ((int)(sizeof(a) / sizeof((a)[0])))

void tests_connect(Suite *s)
{
	TCase *t = tcase_create("connect");

	tcase_add_checked_fixture(t, fw_start, fw_teardown);
	tcase_set_timeout(t, 20);
	tcase_add_loop_test(t, test_icreq, 0, 4);
	tcase_add_loop_test(t, test_icresp_good, 0, 5);
	tcase_add_loop_test(t, test_icresp_fault, 0, N(ic_faults));
	tcase_add_test(t, test_term_timeout);
	tcase_add_loop_test(t, test_timeout, AT_ARP, AT_READY);
	tcase_add_test(t, test_default_timeout);
	tcase_add_test(t, test_longest_timeout);
	tcase_add_test(t, test_nobody_there);
	tcase_add_test(t, test_refused);
	tcase_add_loop_test(t, test_peer_fin, AT_IC, AT_READY + 1);
	tcase_add_loop_test(t, test_peer_rst, AT_IC, AT_READY + 1);
	tcase_add_loop_test(t, test_peer_term, 0, 8);
	tcase_add_loop_test(t, test_disconnect, 0, N(ends));
	tcase_add_test(t, test_disconnect_unanswered);
	tcase_add_loop_test(t, test_disconnect_closing, 0, 2);
	tcase_add_test(t, test_disconnect_crossing);
	tcase_add_loop_test(t, test_busy, AT_ARP, AT_READY + 1);
	tcase_add_test(t, test_reconnect);
	tcase_add_test(t, test_bad_connect);
	suite_add_tcase(s, t);
}
