/* SPDX-License-Identifier: BSD-2-Clause */
/* FIP VN2VN: neighbours, and the logins that follow. */
#include <string.h>

#include "peers.h"

Suite *neighbour_suite(void);

#define US VN_US
#define PEER VN_PEER
#define REC 8u /* flag: a recorded address */

/* --- neighbours ------------------------------------------------------------------------------------------ */

START_TEST(claim_is_answered_and_its_beacon_leads_to_a_login)
{
	struct frame *e;

	vn_up(HOST);
	vn.types = 1;
	vn_comes(CLAIM, PEER, LOW_WWPN);
	e = vn_take(CLAIM_REPLY);
	ck_assert_mem_eq(e->p, "\x02\x57\0\0\0\xaa", 6);
	ck_assert_uint_eq(e->len, 232);
	rig_quiet(); /* it may not answer yet */
	vn_comes(BEACON, PEER, LOW_WWPN);
	rig_take_els(ELS_PLOGI, US, PEER);
	vn_comes(BEACON, PEER, LOW_WWPN);
	rig_quiet();
}
END_TEST

START_TEST(answer_to_our_claim_leads_to_a_login_when_we_are_up)
{
	vn_claiming(HOST);
	vn.types = 1;
	vn.pad = 1900; /* Linux fills it up to the longest FCoE frame */
	vn_comes(CLAIM_REPLY, PEER, LOW_WWPN);
	rig_quiet();
	rig_advance(403);
	vn_take(BEACON);
	rig_take_els(ELS_PLOGI, US, PEER);
	rig_quiet();
}
END_TEST

START_TEST(beacon_of_a_stranger_is_asked_who_it_is)
{
	vn_up(HOST);
	vn_comes(BEACON, PEER, LOW_WWPN);
	vn_take(CLAIM);
	rig_advance(390);
	rig_forget();
	vn_comes(BEACON, PEER, LOW_WWPN);
	rig_quiet(); /* the answer to our claim may be on its way */
	rig_advance(20);
	rig_forget();
	vn_comes(BEACON, PEER, LOW_WWPN);
	vn_take(CLAIM);
	vn.types = 1;
	vn_comes(CLAIM_REPLY, PEER, LOW_WWPN);
	rig_take_els(ELS_PLOGI, US, PEER);
}
END_TEST

START_TEST(target_waits_for_hosts)
{
	vn_up(TARGET);
	vn.types = 1;
	vn_comes(CLAIM, PEER, LOW_WWPN);
	vn_take(CLAIM_REPLY);
	vn_comes(BEACON, PEER, LOW_WWPN);
	rig_quiet();
}
END_TEST

START_TEST(only_who_may_have_nvme_is_logged_in_to)
{
	vn_up(HOST);
	vn.types = 2;
	vn_comes(CLAIM, PEER, LOW_WWPN);
	vn_take(CLAIM_REPLY);
	vn_comes(BEACON, PEER, LOW_WWPN);
	rig_quiet();
	vn.types = 0;
	vn_comes(CLAIM, PEER, LOW_WWPN);
	vn_take(CLAIM_REPLY);
	rig_take_els(ELS_PLOGI, US, PEER); /* it beaconed before */
}
END_TEST

START_TEST(recorded_claims_are_probed)
{
	vn_up(HOST);
	vn.flags = REC;
	vn_comes(CLAIM, PEER, LOW_WWPN);
	vn_take(PROBE);
	vn_comes(BEACON, PEER, LOW_WWPN);
	vn_take(PROBE);
	rig_quiet();
}
END_TEST

START_TEST(silent_neighbour_is_forgotten)
{
	vn_ready();
	for (int i = 0; i < 5; i++) {
		rig_advance(8000);
		vn_comes(BEACON, PEER, LOW_WWPN);
	}
	ck_assert_uint_eq(rig.gone[0], 0);
	rig_advance(19000);
	ck_assert_uint_eq(rig.gone[0], 0);
	rig_advance(10000);
	ck_assert_uint_eq(rig.gone[0], 1);
	ck_assert_uint_eq(rport_count(), 0);
}
END_TEST

START_TEST(claim_of_a_neighbour_makes_sure_of_the_login)
{
	vn_ready();
	vn_comes(CLAIM, PEER, LOW_WWPN);
	vn_take(CLAIM_REPLY);
	rig_reject(rig_take_els(ELS_ADISC, US, PEER), RJT_UNABLE, EXP_LOGIN);
	ck_assert_uint_eq(rig.gone[0], 1);
	rig_take_els(ELS_PLOGI, US, PEER);
}
END_TEST

START_TEST(neighbour_that_moves_is_another_login)
{
	vn_ready();
	vn_comes(CLAIM, PEER + 1, LOW_WWPN);
	vn_take(CLAIM_REPLY);
	rig_take_els(ELS_LOGO, US, PEER);
	ck_assert_uint_eq(rig.gone[0], 1);
	vn_comes(BEACON, PEER + 1, LOW_WWPN);
	rig_take_els(ELS_PLOGI, US, PEER + 1);
}
END_TEST

START_TEST(another_neighbour_at_its_address_is_another_login)
{
	vn_ready();
	vn_comes(CLAIM, PEER, HIGH_WWPN);
	vn_take(CLAIM_REPLY);
	rig_take_els(ELS_LOGO, US, PEER);
	ck_assert_uint_eq(rig.gone[0], 1);
	vn_comes(BEACON, PEER, HIGH_WWPN);
	rig_take_els(ELS_PLOGI, US, PEER);
}
END_TEST

START_TEST(neighbour_that_refuses_logins_is_not_pestered)
{
	int logins = 0;

	vn_up(HOST);
	vn.types = 1;
	vn_comes(CLAIM_REPLY, PEER, LOW_WWPN);
	for (int i = 0; i < 200; i++) { /* 400 s */
		while (rig_pending()) {
			struct frame e = *rig_take();

			if (e.ether)
				continue;
			logins++;
			rig_reject(&e, RJT_UNABLE, 0);
		}
		if (i % 4 == 0)
			vn_comes(BEACON, PEER, LOW_WWPN);
		rig_advance(2000);
	}
	ck_assert_int_ge(logins, 7);
	ck_assert_int_le(logins, 7 * 4);
}
END_TEST

START_TEST(new_claim_of_who_refused_is_a_new_start)
{
	vn_up(HOST);
	vn.types = 1;
	vn_comes(CLAIM_REPLY, PEER, LOW_WWPN);
	for (int i = 0; i < 7; i++) {
		rig_reject(rig_take_els(ELS_PLOGI, US, PEER), RJT_UNABLE, 0);
		for (int k = 0; i < 6 && k < 100; k++) {
			rig_advance(500);
			vn_comes(BEACON, PEER, LOW_WWPN);
			if (rig_pending() && !rig_peek()->ether)
				break;
			rig_forget(); /* our own beacons */
		}
	}
	vn_comes(BEACON, PEER, LOW_WWPN);
	ck_assert_ptr_null(rport_by_id(PEER));
	vn_comes(CLAIM, PEER, LOW_WWPN);
	vn_take(CLAIM_REPLY);
	rig_take_els(ELS_PLOGI, US, PEER);
}
END_TEST

START_TEST(more_neighbours_than_places)
{
	vn_up(TARGET);
	vn.types = 1;
	for (uint32_t i = 0; i < 2 * WEFT_N_RPORT; i++) {
		vn_comes(CLAIM, 0x1000 + i, 0x5000000000000000ull + i);
		vn_take(CLAIM_REPLY);
	}
	vn_comes(CLAIM, 0x1000, 0x5000000000000000ull);
	vn_take(CLAIM_REPLY);
}
END_TEST

/* --- logins among equals ---------------------------------------------------------------------------------- */

START_TEST(plogi_before_we_are_up_is_nothing)
{
	uint8_t p[LOGIN_LEN];

	vn_claiming(HOST);
	rig_login(p, ELS_PLOGI, LOW_WWPN, 0);
	rig_request(PEER, US, p, sizeof(p));
	rig_quiet();
}
END_TEST

START_TEST(flogi_has_no_place_here)
{
	uint8_t p[LOGIN_LEN];

	vn_up(HOST);
	rig_login(p, ELS_FLOGI, LOW_WWPN, 0);
	rig_request(PEER, FC_ID_FABRIC, p, sizeof(p));
	rig_take_reject(RJT_UNABLE, EXP_NONE);
}
END_TEST

START_TEST(host_and_target_in_one_both_log_in)
{
	uint8_t p[LOGIN_LEN];
	struct frame e;

	vn_up(HOST | TARGET);
	vn.types = 1;
	vn_comes(CLAIM_REPLY, PEER, HIGH_WWPN);
	e = *rig_take_els(ELS_PLOGI, US, PEER);
	rig_login(p, ELS_PLOGI, HIGH_WWPN, 0);
	rig_request(PEER, US, p, sizeof(p));
	rig_take_accept();
	rig_reject(&e, RJT_UNABLE, EXP_IN_PROGRESS);
	e = *rig_take_els(ELS_PRLI, US, PEER);
	rig_prli(p, ELS_PRLI, 0, 0x30);
	rig_request(PEER, US, p, PRLI_LEN);
	rig_take_accept();
	rig_prli(p, ELS_LS_ACC, 1, 0x30);
	rig_answer(&e, p, PRLI_LEN);
	ck_assert_uint_eq(rig.ready[0], 1);
	ck_assert_uint_eq(rig.gone[0], 0);
}
END_TEST

/* Linux's libfc offers FCP, hears that we have none, and leaves. */
START_TEST(libfc_comes_and_goes)
{
	uint8_t p[LOGIN_LEN];

	vn_up(TARGET);
	vn.types = 2;
	vn_comes(CLAIM, PEER, LOW_WWPN);
	vn_take(CLAIM_REPLY);
	vn_comes(BEACON, PEER, LOW_WWPN);
	rig_login(p, ELS_PLOGI, LOW_WWPN, 0);
	rig_request(PEER, US, p, sizeof(p));
	rig_take_accept();
	rig_request(PEER, US, p, hex("20100014 08000000 00000000 00000000 00000022", p));
	rig_take_reject(RJT_UNSUPPORTED, EXP_UNSUPPORTED);
	rig_request(PEER, US, p, hex("0e000000", p));
	rig_take_accept();
	rig_request(PEER, US, p, hex("05000000 000000aa 1000000000000001", p));
	rig_take_accept();
	rig_quiet();
	ck_assert_uint_eq(rport_count(), 0);
}
END_TEST

START_TEST(stop_says_logo_and_is_silent)
{
	struct weft_arg_fc_port off = { .mode = WEFT_FCM_OFF };

	vn_ready();
	ck_assert_uint_eq(fc_port_set(&off), 0);
	rig_take_els(ELS_LOGO, US, PEER);
	ck_assert_uint_eq(rig.ctrl & ENG_FC_CTRL_MODE_MASK, ENG_FCM_FCOE);
	rig_advance(7);
	ck_assert_uint_eq(rig.ctrl & ENG_FC_CTRL_MODE_MASK, ENG_FCM_OFF);
	vn_comes(CLAIM, PEER, LOW_WWPN);
	rig_advance(60000);
	rig_quiet();
	ck_assert_uint_eq(timer_count(), 0);
}
END_TEST

Suite *neighbour_suite(void)
{
	Suite *s = suite_create("neighbours");
	TCase *t = tcase_create("neighbours");

	tcase_add_test(t, claim_is_answered_and_its_beacon_leads_to_a_login);
	tcase_add_test(t, answer_to_our_claim_leads_to_a_login_when_we_are_up);
	tcase_add_test(t, beacon_of_a_stranger_is_asked_who_it_is);
	tcase_add_test(t, target_waits_for_hosts);
	tcase_add_test(t, only_who_may_have_nvme_is_logged_in_to);
	tcase_add_test(t, recorded_claims_are_probed);
	tcase_add_test(t, silent_neighbour_is_forgotten);
	tcase_add_test(t, claim_of_a_neighbour_makes_sure_of_the_login);
	tcase_add_test(t, neighbour_that_moves_is_another_login);
	tcase_add_test(t, another_neighbour_at_its_address_is_another_login);
	tcase_add_test(t, neighbour_that_refuses_logins_is_not_pestered);
	tcase_add_test(t, new_claim_of_who_refused_is_a_new_start);
	tcase_add_test(t, more_neighbours_than_places);
	tcase_add_test(t, plogi_before_we_are_up_is_nothing);
	tcase_add_test(t, flogi_has_no_place_here);
	tcase_add_test(t, host_and_target_in_one_both_log_in);
	tcase_add_test(t, libfc_comes_and_goes);
	tcase_add_test(t, stop_says_logo_and_is_silent);
	suite_add_tcase(s, t);
	return s;
}
