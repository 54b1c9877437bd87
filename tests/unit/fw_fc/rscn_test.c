/* SPDX-License-Identifier: BSD-2-Clause */
/* State changes on a fabric: who came, who left, who is still the same. */
#include <errno.h>
#include <string.h>

#include "peers.h"

Suite *rscn_suite(void);

#define US FAB_US

static uint8_t p[1024];

/* --- state changes -------------------------------------------------------------------------------------- */

START_TEST(rscn_leads_to_a_new_search_once)
{
	fab_one_target();
	fab_rscn("00010301");
	fab_rscn("00010302");
	fab_rscn("00010301");
	rig_quiet();
	rig_advance(30);
	fab_accept_ct(fab_take_ct(0x0171), "00010301 80010302");
	fab_take_ct(0x0112); /* the new one */
	fab_take_ct(0x0112); /* the one we have */
	rig_quiet();
	ck_assert_uint_eq(rig.gone[0], 0);
}
END_TEST

/* An RSCN named the port; it is still in the list. */
static struct frame *doubted(void)
{
	fab_one_target();
	fab_rscn("00010301");
	rig_advance(30);
	fab_accept_ct(fab_take_ct(0x0171), "80010301");
	return fab_take_ct(0x0112);
}

START_TEST(named_port_that_is_still_there_stays)
{
	struct frame *f = doubted();

	fab_accept_ct(f, "1000000000000001");
	f = rig_take_els(ELS_ADISC, US, 0x010301);
	expect_bytes(f->p, f->len, "52000000 00000000 2000000000000011 2100000000000011 00010203");
	rig_answer(f, p, hex("02000000 00000000 1000000000000001 4100000000000001 00010301", p));
	ck_assert_uint_eq(rig.gone[0], 0);
	ck_assert_uint_eq(rig.rscn[0], 1); /* it may have something new to tell */
	rig_quiet();
}
END_TEST

START_TEST(named_port_that_forgot_us_is_logged_in_to_again)
{
	fab_accept_ct(doubted(), "1000000000000001");
	rig_reject(rig_take_els(ELS_ADISC, US, 0x010301), RJT_UNABLE, EXP_LOGIN);
	ck_assert_uint_eq(rig.gone[0], 1);
	ck_assert_uint_eq(rig.rscn[0], 0);
	fab_port_found(0x010301, LOW_WWPN);
	ck_assert_uint_eq(rig.ready[0], 2);
}
END_TEST

START_TEST(another_port_in_its_place_is_logged_in_to)
{
	fab_accept_ct(doubted(), "1000000000000002");
	ck_assert_uint_eq(rig.gone[0], 1);
	fab_port_found(0x010301, 0x1000000000000002ull);
}
END_TEST

START_TEST(adisc_of_another_name_is_no_login)
{
	fab_accept_ct(doubted(), "1000000000000001");
	rig_answer(rig_take_els(ELS_ADISC, US, 0x010301), p,
		   hex("02000000 00000000 1000000000000009 4100000000000001 00010301", p));
	ck_assert_uint_eq(rig.gone[0], 1);
	fab_take_ct(0x0112);
}
END_TEST

START_TEST(port_that_left_the_list_is_logged_out)
{
	fab_one_target();
	fab_rscn("00010301");
	rig_advance(30);
	fab_accept_ct(fab_take_ct(0x0171), "80010305");
	ck_assert_uint_eq(rig.gone[0], 1);
	fab_take_ct(0x0112);
	rig_take_els(ELS_LOGO, US, 0x010301);
	rig_quiet();
}
END_TEST

START_TEST(empty_list_logs_all_out)
{
	fab_one_target();
	fab_rscn("03000000");
	rig_advance(30);
	rig_reject(fab_take_ct(0x0171), RJT_UNABLE, 7);
	ck_assert_uint_eq(rig.gone[0], 1);
	rig_take_els(ELS_LOGO, US, 0x010301);
	rig_quiet();
}
END_TEST

START_TEST(cut_list_logs_nobody_out)
{
	fab_one_target();
	fab_rscn("00010305");
	rig_advance(30);
	fab_accept_ct(fab_take_ct(0x0171), "00010305");
	ck_assert_uint_eq(rig.gone[0], 0);
}
END_TEST

START_TEST(rscn_during_a_search_leads_to_another)
{
	struct frame *f;

	fab_one_target();
	fab_rscn("00010305");
	rig_advance(30);
	f = fab_take_ct(0x0171);
	fab_rscn("00010306");
	fab_accept_ct(f, "80010301");
	rig_quiet();
	rig_advance(30);
	fab_take_ct(0x0171);
	rig_quiet();
}
END_TEST

/* Page, and whether it means 010301. */
static const struct {
	const char *page;
	bool hits;
} pages[] = {
	{ "00010301", true }, { "00010302", false }, { "01010300", true }, { "01010400", false },
	{ "02010000", true }, { "02020000", false }, { "03000000", true }, { "3c010301", true },
};

START_TEST(pages_name_ports_areas_domains)
{
	fab_one_target();
	fab_rscn(pages[_i].page);
	ck_assert_uint_eq(rport_by_id(0x010301)->check, pages[_i].hits);
}
END_TEST

START_TEST(list_of_changes_that_is_too_long_means_all)
{
	fab_one_target();
	memset(p, 0, sizeof(p));
	p[0] = ELS_RSCN;
	p[1] = 4;
	put_be16(p + 2, 804);
	rig_request(FC_ID_CONTROLLER, US, p, 804);
	rig_take_accept();
	ck_assert(rport_by_id(0x010301)->check);
}
END_TEST

/* A host that is logged in to us, a target. */
static void one_host(void)
{
	fab_registered(TARGET);
	rig_login(p, ELS_PLOGI, HIGH_WWPN, 0);
	rig_request(0x010301, US, p, LOGIN_LEN);
	rig_take_accept();
	rig_prli(p, ELS_PRLI, 0, 0x20);
	rig_request(0x010301, US, p, PRLI_LEN);
	rig_take_accept();
	rig_quiet();
	ck_assert_uint_eq(rig.ready[0], 1);
}

START_TEST(target_learns_that_a_host_left)
{
	one_host();
	fab_rscn("00010301");
	rig_advance(30);
	rig_reject(fab_take_ct(0x0112), RJT_UNABLE, 1);
	ck_assert_uint_eq(rig.gone[0], 1);
	rig_advance(60000);
	rig_quiet();
}
END_TEST

START_TEST(target_forgets_a_host_that_does_not_answer)
{
	one_host();
	fab_rscn("00010301");
	rig_advance(30);
	fab_accept_ct(fab_take_ct(0x0112), "3000000000000001");
	rig_take_els(ELS_ADISC, US, 0x010301);
	rig_advance(2010);
	ck_assert_uint_eq(rig.gone[0], 1);
	ck_assert_uint_eq(rig_take()->h.r_ctl, RCTL_ABTS);
	rig_advance(60000);
	rig_quiet();
}
END_TEST

START_TEST(silent_name_server_does_not_end_a_login)
{
	one_host();
	fab_rscn("00010301");
	rig_advance(30);
	fab_take_ct(0x0112);
	rig_advance(2010);
	ck_assert_uint_eq(rig_take()->h.r_ctl, RCTL_ABTS);
	ck_assert_uint_eq(rig.gone[0], 0);
	rig_answer(rig_take_els(ELS_ADISC, US, 0x010301), p,
		   hex("02000000 00000000 3000000000000001 4100000000000001 00010301", p));
	ck_assert_uint_eq(rig.gone[0], 0);
}
END_TEST

START_TEST(target_tells_the_fabric_of_a_change)
{
	struct frame *f;

	one_host();
	ck_assert_uint_eq(fc_rscn(), 0);
	f = rig_take_els(ELS_RSCN, US, FC_ID_CONTROLLER);
	expect_bytes(f->p, f->len, "61040008 00010203");
}
END_TEST

START_TEST(link_loss_during_each_step_leaves_nothing)
{
	for (int steps = 0; steps < 9; steps++) {
		rig_start(WEFT_FCM_NATIVE, HOST);
		rig_link_up();
		for (int i = 0; i < steps; i++) {
			struct frame *f = rig_take();

			if (i == 0)
				fab_flogi_answer(f);
			else if (i == 6)
				fab_accept_ct(f, "80010301");
			else if (i == 7)
				fab_accept_ct(f, "1000000000000001");
			else if (f->h.type == TYPE_CT)
				fab_accept_ct(f, "");
			else
				fab_accept_login(f);
		}
		rig_dark();
		rig_forget();
		ck_assert_uint_eq(els_in_use(), 0);
		ck_assert_uint_eq(timer_count(), 0);
		rig_advance(30000);
		rig_quiet();
	}
}
END_TEST

Suite *rscn_suite(void)
{
	Suite *s = suite_create("state changes");
	TCase *t = tcase_create("state changes");

	tcase_add_test(t, rscn_leads_to_a_new_search_once);
	tcase_add_test(t, named_port_that_is_still_there_stays);
	tcase_add_test(t, named_port_that_forgot_us_is_logged_in_to_again);
	tcase_add_test(t, another_port_in_its_place_is_logged_in_to);
	tcase_add_test(t, adisc_of_another_name_is_no_login);
	tcase_add_test(t, port_that_left_the_list_is_logged_out);
	tcase_add_test(t, empty_list_logs_all_out);
	tcase_add_test(t, cut_list_logs_nobody_out);
	tcase_add_test(t, rscn_during_a_search_leads_to_another);
	tcase_add_loop_test(t, pages_name_ports_areas_domains, 0, sizeof(pages) / sizeof(pages[0]));
	tcase_add_test(t, list_of_changes_that_is_too_long_means_all);
	tcase_add_test(t, target_learns_that_a_host_left);
	tcase_add_test(t, target_forgets_a_host_that_does_not_answer);
	tcase_add_test(t, silent_name_server_does_not_end_a_login);
	tcase_add_test(t, target_tells_the_fabric_of_a_change);
	tcase_add_test(t, link_loss_during_each_step_leaves_nothing);
	suite_add_tcase(s, t);
	return s;
}
