/* SPDX-License-Identifier: BSD-2-Clause */
/* N_Port on a fabric: login, name server, search. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "peers.h"

Suite *fabric_suite(void);

#define US FAB_US

static uint8_t p[1024];

/* --- login and registration -------------------------------------------------------------------------- */

START_TEST(fabric_gives_address_credit_and_timeouts)
{
	rig_start(WEFT_FCM_NATIVE, HOST);
	rig_link_up();
	fab_flogi_answer(rig_take());
	ck_assert_uint_eq(fc_port.port_id, US);
	ck_assert_uint_eq(rig.id, US);
	ck_assert_uint_eq(rig.credit, 16);
	ck_assert_uint_eq(fc_port.state, WEFT_FCS_UP);
	ck_assert_uint_eq(fc_port.topology, WEFT_FCT_FABRIC);
	ck_assert_uint_eq(fc_port.r_a_tov_ms, 7000);
	ck_assert_uint_eq(fc_port.e_d_tov_ms, 1000);
	ck_assert_uint_eq(fc_port.max_data, 2048);
	rig_prim(ENG_FCP_OLS); /* another place: what this fabric said is forgotten */
	rig_prim(ENG_FCP_LRR);
	rig_prim(ENG_FCP_IDLE);
	ck_assert_uint_eq(fc_port.e_d_tov_ms, 2000);
	ck_assert_uint_eq(fc_port.r_a_tov_ms, 10000);
	ck_assert_uint_eq(fc_port.max_data, 2112);
}
END_TEST

START_TEST(odd_timeouts_of_a_fabric_are_not_taken)
{
	static const struct {
		uint32_t r_a, e_d;
		uint16_t features;
		uint32_t want_r_a, want_e_d;
	} t[] = {
		{ 0, 0, 0x1000, 10000, 2000 },
		{ 0xffffffff, 5, 0x1000, 10000, 2000 },
		{ 5000, 500000000, 0x1400, 5000, 500 },
	};
	for (int i = 0; i < 3; i++) {
		struct fc_hdr h = { .r_ctl = RCTL_ELS_RSP,
				    .type = TYPE_ELS,
				    .d_id = US,
				    .s_id = FC_ID_FABRIC,
				    .f_ctl = 0x990000 };

		rig_start(WEFT_FCM_NATIVE, HOST);
		rig_link_up();
		h.ox_id = rig_take()->h.ox_id;
		rig_login(p, ELS_LS_ACC, 1, t[i].features);
		put_be32(p + 12, t[i].r_a);
		put_be32(p + 16, t[i].e_d);
		rig_frame(&h, p, LOGIN_LEN);
		ck_assert_uint_eq(fc_port.r_a_tov_ms, t[i].want_r_a);
		ck_assert_uint_eq(fc_port.e_d_tov_ms, t[i].want_e_d);
	}
}
END_TEST

START_TEST(fabric_without_an_address_for_us_is_no_login)
{
	rig_start(WEFT_FCM_NATIVE, HOST);
	rig_link_up();
	rig_login(p, ELS_LS_ACC, 1, LOGIN_F_PORT);
	rig_answer(rig_take(), p, LOGIN_LEN); /* D_ID 0 */
	ck_assert_uint_eq(fc_port.state, WEFT_FCS_LOGIN);
	rig_quiet();
	rig_advance(2010);
	rig_take_els(ELS_FLOGI, 0, FC_ID_FABRIC);
}
END_TEST

START_TEST(registration_byte_by_byte)
{
	struct frame *f;

	rig_start(WEFT_FCM_NATIVE, HOST | WEFT_FCR_DISCOVERY);
	rig_link_up();
	fab_flogi_answer(rig_take());
	f = rig_take_els(ELS_PLOGI, US, FC_ID_NAMES);
	ck_assert_uint_eq(f->len, LOGIN_LEN);
	fab_accept_login(f);
	f = fab_take_ct(0x0213);
	expect_bytes(f->p, f->len, "01000000 fc020000 02130000 00000000 00010203 2100000000000011");
	ck_assert_uint_eq(f->h.f_ctl, 0x290000);
	fab_accept_ct(f, "");
	f = fab_take_ct(0x0217);
	expect_bytes(f->p, f->len,
		     "01000000 fc020000 02170000 00000000 00010203 00000000 00000100 00000000"
		     "00000000 00000000 00000000 00000000 00000000");
	fab_accept_ct(f, "");
	f = fab_take_ct(0x021f);
	expect_bytes(f->p, f->len, "01000000 fc020000 021f0000 00000000 00010203 00000628");
	fab_accept_ct(f, "");
	f = rig_take_els(ELS_SCR, US, FC_ID_CONTROLLER);
	expect_bytes(f->p, f->len, "62000000 00000003");
	fab_accept_els(f);
	f = fab_take_ct(0x0171);
	expect_bytes(f->p, f->len, "01000000 fc020000 0171003c 00000000 00000028");
	fab_accept_ct(f, "80010301");
	f = fab_take_ct(0x0112);
	expect_bytes(f->p, f->len, "01000000 fc020000 01120002 00000000 00010301");
	rig_quiet();
}
END_TEST

START_TEST(target_registers_and_waits)
{
	struct frame *f;

	rig_start(WEFT_FCM_NATIVE, TARGET);
	rig_link_up();
	fab_flogi_answer(rig_take());
	fab_accept_login(rig_take());
	fab_accept_ct(rig_take(), "");
	fab_accept_ct(rig_take(), "");
	f = fab_take_ct(0x021f);
	ck_assert_uint_eq(f->p[22], 1);
	fab_accept_ct(f, "");
	fab_accept_els(rig_take_els(ELS_SCR, US, FC_ID_CONTROLLER));
	rig_quiet();
	rig_advance(60000);
	rig_quiet();
}
END_TEST

START_TEST(refused_registration_does_not_stop_us)
{
	rig_start(WEFT_FCM_NATIVE, HOST);
	rig_link_up();
	fab_flogi_answer(rig_take());
	fab_accept_login(rig_take());
	rig_reject(fab_take_ct(0x0213), RJT_UNABLE, 0);
	rig_reject(fab_take_ct(0x0217), RJT_UNSUPPORTED, 0);
	rig_reject(fab_take_ct(0x021f), RJT_UNSUPPORTED, 0);
	rig_reject(rig_take_els(ELS_SCR, US, FC_ID_CONTROLLER), RJT_UNSUPPORTED, EXP_UNSUPPORTED);
	rig_reject(fab_take_ct(0x0171), RJT_UNABLE, 7); /* nobody there */
	rig_quiet();
	ck_assert_uint_eq(fc_port.state, WEFT_FCS_UP);
}
END_TEST

START_TEST(silent_name_server_is_asked_again)
{
	rig_start(WEFT_FCM_NATIVE, HOST);
	rig_link_up();
	fab_flogi_answer(rig_take());
	fab_accept_login(rig_take());
	fab_take_ct(0x0213);
	for (int i = 0; i < 4; i++) {
		rig_advance(3020);
		ck_assert_uint_eq(rig_take()->h.r_ctl, RCTL_ABTS);
		fab_take_ct(0x0213);
	}
	rig_advance(3020);
	ck_assert_uint_eq(rig_take()->h.r_ctl, RCTL_ABTS);
	rig_take_els(ELS_PLOGI, US, FC_ID_NAMES); /* all anew */
}
END_TEST

START_TEST(name_server_that_forgot_us_is_logged_in_to)
{
	rig_start(WEFT_FCM_NATIVE, HOST);
	rig_link_up();
	fab_flogi_answer(rig_take());
	fab_accept_login(rig_take());
	rig_reject(fab_take_ct(0x0213), RJT_UNABLE, EXP_LOGIN);
	rig_advance(1010);
	rig_take_els(ELS_PLOGI, US, FC_ID_NAMES);
	rig_quiet();
}
END_TEST

START_TEST(logo_of_the_name_server_registers_anew)
{
	fab_one_target();
	memset(p, 0, 16);
	p[0] = ELS_LOGO;
	rig_request(FC_ID_NAMES, US, p, 16);
	rig_take_accept();
	rig_take_els(ELS_PLOGI, US, FC_ID_NAMES);
	ck_assert_uint_eq(rig.gone[0], 0);
}
END_TEST

START_TEST(logo_of_the_fabric_logs_in_anew)
{
	fab_one_target();
	memset(p, 0, 16);
	p[0] = ELS_LOGO;
	rig_request(FC_ID_FABRIC, US, p, 16);
	rig_take_accept();
	ck_assert_uint_eq(rig.gone[0], 1);
	rig_take_els(ELS_FLOGI, 0, FC_ID_FABRIC);
	rig_quiet();
}
END_TEST

START_TEST(flogi_of_others_is_refused)
{
	fab_one_target();
	rig_login(p, ELS_FLOGI, LOW_WWPN, 0);
	rig_request(0, FC_ID_FABRIC, p, LOGIN_LEN);
	rig_take_reject(RJT_UNABLE, EXP_NONE);
	ck_assert_uint_eq(rig.gone[0], 0);
}
END_TEST

/* --- the search ---------------------------------------------------------------------------------------- */

START_TEST(every_port_of_the_list_is_logged_in_to)
{
	struct frame f[3];

	fab_registered(HOST);
	/* Ours, one that cannot be, three others. */
	fab_accept_ct(fab_take_ct(0x0171), "00010203 00fffffc 00010301 00010302 80010303 00010304");
	for (int i = 0; i < 3; i++)
		f[i] = *fab_take_ct(0x0112);
	rig_quiet();
	for (int i = 0; i < 3; i++) {
		char name[20];

		snprintf(name, sizeof(name), "50000000000000%02x", i);
		fab_accept_ct(&f[i], name);
		rig_take_els(ELS_PLOGI, US, 0x010301u + (uint32_t)i);
	}
	rig_quiet();
}
END_TEST

START_TEST(long_list_is_read_as_far_as_it_is_seen)
{
	fab_registered(HOST);
	memset(p, 0, sizeof(p));
	hex("01000000 fc020000 80020000 00000000", p);
	for (uint32_t i = 0; i < 200; i++)
		put_be32(p + 16 + 4 * i, 0x020000 + i);
	p[16 + 4 * 199] = 0x80;
	rig_answer(fab_take_ct(0x0171), p, 816);
	ck_assert_uint_eq(rig_pending(), 60);
}
END_TEST

START_TEST(port_that_the_name_server_does_not_know_is_left)
{
	fab_registered(HOST);
	fab_accept_ct(fab_take_ct(0x0171), "80010301");
	rig_reject(fab_take_ct(0x0112), RJT_UNABLE, 1);
	rig_quiet();
	ck_assert_ptr_null(rport_by_id(0x010301));
	rig_advance(60000);
	rig_quiet();
}
END_TEST

START_TEST(port_that_is_us_is_left)
{
	fab_registered(HOST);
	fab_accept_ct(fab_take_ct(0x0171), "80010301");
	fab_accept_ct(fab_take_ct(0x0112), "2000000000000011");
	rig_quiet();
	ck_assert_ptr_null(rport_by_id(0x010301));
}
END_TEST

START_TEST(cut_answers_are_no_answers)
{
	fab_registered(HOST);
	fab_accept_ct(fab_take_ct(0x0171), "8001");
	rig_quiet();
	fab_registered(HOST);
	fab_accept_ct(fab_take_ct(0x0171), "80010301");
	fab_accept_ct(fab_take_ct(0x0112), "20000000");
	rig_quiet();
	rig_advance(1010);
	fab_take_ct(0x0112);
	fab_registered(HOST);
	rig_answer(fab_take_ct(0x0171), p, 15);
	rig_quiet();
}
END_TEST

START_TEST(name_server_that_wants_a_login_first_is_no_refusal)
{
	fab_registered(HOST);
	fab_accept_ct(fab_take_ct(0x0171), "80010301");
	rig_reject(fab_take_ct(0x0112), RJT_UNABLE, EXP_LOGIN);
	rig_take_els(ELS_PLOGI, US, FC_ID_NAMES);
	rig_advance(510);
	fab_port_found(0x010301, LOW_WWPN);
}
END_TEST

/* A list of 60 ports; all of them are asked for by name. */
static void many_found(uint8_t roles)
{
	fab_registered(roles);
	memset(p, 0, sizeof(p));
	hex("01000000 fc020000 80020000 00000000", p);
	for (uint32_t i = 0; i < 60; i++)
		put_be32(p + 16 + 4 * i, 0x020000 + i);
	p[16 + 4 * 59] = 0x80;
	rig_answer(fab_take_ct(0x0171), p, 256);
}

/* Answers whatever the port asks, as good targets do, for so long. */
static void serve(uint32_t ms)
{
	char name[20];
	struct frame f;

	while (ms--) {
		for (; rig_pending(); rig_advance(0)) {
			f = *rig_take();
			if (f.h.r_ctl == RCTL_CT_REQ) {
				snprintf(name, sizeof(name), "50000000%08x", get_be32(f.p + 16));
				fab_accept_ct(&f, name);
			} else if (f.p[0] == ELS_PLOGI) {
				rig_login(p, ELS_LS_ACC, 0x5000000000000000ull + f.h.d_id, 0);
				rig_answer(&f, p, LOGIN_LEN);
			} else if (f.p[0] == ELS_PRLI) {
				rig_prli(p, ELS_LS_ACC, 1, 0x10);
				rig_answer(&f, p, PRLI_LEN);
			} else if (f.p[0] == ELS_ADISC) {
				memset(p, 0, 28);
				p[0] = ELS_LS_ACC;
				put_be64(p + 8, 0x5000000000000000ull + f.h.d_id);
				put_be24(p + 25, f.h.d_id);
				rig_answer(&f, p, 28);
			} else {
				fab_accept_els(&f);
			}
		}
		rig_advance(1);
	}
}

static void check_many(void)
{
	ck_assert_uint_eq(rport_count(), 60);
	for (uint32_t i = 0; i < 60; i++) {
		uint16_t n = fc_rport_by_id(0x020000 + i);

		ck_assert_uint_lt(n, WEFT_N_RPORT);
		ck_assert(fc_rport(n)->wwpn == 0x5000000000020000ull + i);
		ck_assert_uint_eq(rig.gone[n], 0);
	}
	ck_assert_uint_eq(els_in_use(), 0);
}

START_TEST(many_ports_are_logged_in_to)
{
	many_found(HOST);
	serve(10);
	check_many();
}
END_TEST

START_TEST(full_transmit_queue_only_delays_many_logins)
{
	fab_registered(HOST);
	rig.refuse = 0;
	many_found(HOST);
	rig_forget(); /* the first requests are lost, and then nothing leaves for a while */
	rig.refuse = 1000000;
	rig_advance(3000);
	rig.refuse = 0;
	serve(20000);
	check_many();
}
END_TEST

START_TEST(full_table_of_requests_only_delays)
{
	many_found(HOST | TARGET);
	ck_assert_uint_eq(els_in_use(), 60);
	for (int i = 0; i < 4; i++)
		ck_assert_uint_eq(fc_rscn(), 0);
	ck_assert_uint_eq(fc_rscn(), EAGAIN);
	ck_assert_uint_eq(els_in_use(), 64);
	serve(3000);
	check_many();
}
END_TEST

/* Every port is asked whether the login is still good, while for a while nothing can leave. */
START_TEST(doubts_wait_for_room)
{
	many_found(HOST | TARGET);
	serve(10);
	fab_rscn("03000000");
	rig_advance(30);
	rig.refuse = 1000000;
	rig_reject(fab_take_ct(0x0171), RJT_COMMAND, 0x2c);
	rig_advance(500);
	rig.refuse = 0;
	serve(10000);
	check_many();
}
END_TEST

START_TEST(name_server_silent_about_a_name_is_asked_again)
{
	fab_registered(HOST);
	fab_accept_ct(fab_take_ct(0x0171), "80010301");
	fab_take_ct(0x0112);
	rig_advance(2010);
	ck_assert_uint_eq(rig_take()->h.r_ctl, RCTL_ABTS);
	rig_advance(510);
	fab_port_found(0x010301, LOW_WWPN);
}
END_TEST

Suite *fabric_suite(void)
{
	Suite *s = suite_create("fabric");
	TCase *t = tcase_create("fabric");

	tcase_add_test(t, fabric_gives_address_credit_and_timeouts);
	tcase_add_test(t, odd_timeouts_of_a_fabric_are_not_taken);
	tcase_add_test(t, fabric_without_an_address_for_us_is_no_login);
	tcase_add_test(t, registration_byte_by_byte);
	tcase_add_test(t, target_registers_and_waits);
	tcase_add_test(t, refused_registration_does_not_stop_us);
	tcase_add_test(t, silent_name_server_is_asked_again);
	tcase_add_test(t, name_server_that_forgot_us_is_logged_in_to);
	tcase_add_test(t, logo_of_the_name_server_registers_anew);
	tcase_add_test(t, logo_of_the_fabric_logs_in_anew);
	tcase_add_test(t, flogi_of_others_is_refused);
	tcase_add_test(t, every_port_of_the_list_is_logged_in_to);
	tcase_add_test(t, long_list_is_read_as_far_as_it_is_seen);
	tcase_add_test(t, port_that_the_name_server_does_not_know_is_left);
	tcase_add_test(t, port_that_is_us_is_left);
	tcase_add_test(t, cut_answers_are_no_answers);
	tcase_add_test(t, name_server_that_wants_a_login_first_is_no_refusal);
	tcase_add_test(t, many_ports_are_logged_in_to);
	tcase_add_test(t, full_transmit_queue_only_delays_many_logins);
	tcase_add_test(t, full_table_of_requests_only_delays);
	tcase_add_test(t, doubts_wait_for_room);
	tcase_add_test(t, name_server_silent_about_a_name_is_asked_again);
	suite_add_tcase(s, t);
	return s;
}
