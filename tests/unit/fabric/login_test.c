// SPDX-License-Identifier: BSD-2-Clause
/* Login server and fabric controller: FLOGI, FDISC, PLOGI, LOGO, RTV, SCR, RSCN, and what they refuse. */
#include <check.h>
#include <string.h>

#include "rig.h"

#define LOGIN 0xfffffe
#define CONTROLLER 0xfffffd
#define DIRECTORY 0xfffffc

static void expect_reject(const struct rig_frame *a, unsigned int reason, unsigned int explanation)
{
	ck_assert_uint_eq(a->payload[0], 1);
	ck_assert_uint_eq(a->len, 8);
	ck_assert_uint_eq(a->payload[5], reason);
	ck_assert_uint_eq(a->payload[6], explanation);
}

static void accepted(const struct rig_frame *a, size_t len)
{
	ck_assert_uint_eq(a->payload[0], 2);
	ck_assert_uint_eq(a->len, len);
}

START_TEST(flogi_gives_an_address_and_the_fabric_s_parameters)
{
	struct fabric_params p = {
		.domain = 7, .credit = 5, .e_d_tov_ms = 3000, .r_a_tov_ms = 9000
	};
	const struct rig_frame *a;
	uint8_t flogi[116];

	rig_open(2, &p);
	rig_up(1);
	rig_login_payload(flogi, 4, rig_port[1].wwpn);
	a = rig_els(1, LOGIN, flogi, sizeof(flogi));
	accepted(a, 116);
	ck_assert_uint_eq(a->d_id, 0x070200);
	ck_assert_uint_eq(a->s_id, LOGIN);
	ck_assert_uint_eq(rig_get(a->payload + 6, 2), 5);
	ck_assert_uint_eq(rig_get(a->payload + 8, 2), 0x1000);
	ck_assert_uint_eq(rig_get(a->payload + 10, 2), 2112);
	ck_assert_uint_eq(rig_get(a->payload + 12, 4), 9000);
	ck_assert_uint_eq(rig_get(a->payload + 16, 4), 3000);
	ck_assert_uint_eq(rig_get(a->payload + 68, 2), 0x8800);
	ck_assert_uint_eq(rig_get(a->payload + 74, 2), 2112);
	flogi[8] |= 0x80; /* NPIV */
	a = rig_els(1, LOGIN, flogi, sizeof(flogi));
	ck_assert_uint_eq(rig_get(a->payload + 8, 2), 0x3000);
	ck_assert_uint_eq(a->d_id, 0x070200);
	ck_assert_uint_eq(fabric_counters(rig)->logins, 2);
	ck_assert_uint_eq(fabric_counters(rig)->logouts, 1);
	rig_close();
}
END_TEST

START_TEST(a_bad_flogi_is_refused)
{
	static const struct {
		unsigned int at, bytes, value;
		size_t len;
		uint8_t explanation;
	} cases[] = {
		{ 0, 0, 0, 115, 0x2d },       { 0, 0, 0, 4, 0x2d },       { 6, 2, 0, 116, 0x01 },
		{ 10, 2, 252, 116, 0x01 },    { 10, 2, 2116, 116, 0x01 }, { 10, 2, 258, 116, 0x01 },
		{ 68, 2, 0x0800, 116, 0x01 }, { 20, 4, 0, 116, 0x0d },
	};
	uint8_t flogi[116];

	rig_open(1, NULL);
	rig_up(0);
	rig_login_payload(flogi, 4, 1);
	rig_put(flogi + cases[_i].at, cases[_i].value, cases[_i].bytes);
	if (cases[_i].at == 20)
		flogi[27] = 0;
	expect_reject(rig_els(0, LOGIN, flogi, cases[_i].len), 3, cases[_i].explanation);
	ck_assert_uint_eq(fabric_port_ids(rig, 0, NULL, 0), 0);
	rig_close();
}
END_TEST

START_TEST(a_port_name_is_one_port_s)
{
	uint8_t flogi[116];

	rig_open(2, NULL);
	rig_join(0);
	rig_up(1);
	rig_login_payload(flogi, 4, rig_port[0].wwpn);
	expect_reject(rig_els(1, LOGIN, flogi, sizeof(flogi)), 3, 0x0d);
	rig_login_payload(flogi, 0x51, rig_port[0].wwpn);
	expect_reject(rig_els(0, LOGIN, flogi, sizeof(flogi)), 3, 0x0d);
	rig_close();
}
END_TEST

START_TEST(nothing_is_served_before_login_but_flogi)
{
	static const uint8_t codes[] = { 0x03, 0x05, 0x0e, 0x51, 0x62 };
	uint8_t els[116];
	unsigned int i;

	rig_open(1, NULL);
	rig_up(0);
	for (i = 0; i < sizeof(codes); i++) {
		rig_login_payload(els, codes[i], 5);
		expect_reject(rig_els(0, LOGIN, els, sizeof(els)), 9, 0x1e);
	}
	rig_close();
}
END_TEST

START_TEST(fdisc_gives_more_addresses)
{
	uint8_t fdisc[116];
	uint32_t ids[3];
	unsigned int i;

	rig_open(1, NULL);
	rig_join(0);
	rig_port[0].id = 0; /* FDISC comes from nobody */
	for (i = 1; i < FABRIC_NPORTS_MAX; i++) {
		rig_login_payload(fdisc, 0x51, 0x1000 + i);
		ck_assert_uint_eq(rig_els(0, LOGIN, fdisc, sizeof(fdisc))->d_id, 0x010100 + i);
		rig_port[0].n = 0;
	}
	rig_login_payload(fdisc, 0x51, 0x2000);
	expect_reject(rig_els(0, LOGIN, fdisc, sizeof(fdisc)), 9, 0x29);
	ck_assert_uint_eq(fabric_port_ids(rig, 0, ids, 3), FABRIC_NPORTS_MAX);
	ck_assert_uint_eq(ids[2], 0x010102);
	rig_close();
}
END_TEST

START_TEST(plogi_to_a_service_is_answered)
{
	const struct rig_frame *a;
	uint8_t plogi[116];

	rig_open(1, NULL);
	rig_up(0);
	rig_login(0);
	rig_login_payload(plogi, 3, rig_port[0].wwpn);
	a = rig_els(0, _i ? CONTROLLER : DIRECTORY, plogi, sizeof(plogi));
	accepted(a, 116);
	ck_assert_uint_eq(rig_get(a->payload + 8, 2) & 0x1000, 0);
	ck_assert_uint_eq(rig_get(a->payload + 68, 2), 0x8800);
	ck_assert_uint_eq(rig_get(a->payload + 74, 2), 2112);
	ck_assert_uint_ne(rig_get(a->payload + 24, 4), 0);
	expect_reject(rig_els(0, LOGIN, plogi, sizeof(plogi)), 0x0b, 0x2c);
	expect_reject(rig_els(0, DIRECTORY, plogi, 100), 3, 0x2d);
	rig_close();
}
END_TEST

START_TEST(logo_ends_the_login)
{
	uint8_t logo[16] = { 5 };
	uint32_t id;

	rig_open(1, NULL);
	rig_join(0);
	expect_reject(rig_els(0, LOGIN, logo, sizeof(logo)), 3, 0x15);
	rig_put(logo + 5, rig_port[0].id, 3);
	expect_reject(rig_els(0, LOGIN, logo, 12), 3, 0x2d);
	accepted(rig_els(0, DIRECTORY, logo, sizeof(logo)), 4);
	accepted(rig_els(0, CONTROLLER, logo, sizeof(logo)), 4);
	ck_assert_uint_eq(fabric_port_ids(rig, 0, &id, 1), 1);
	accepted(rig_els(0, LOGIN, logo, sizeof(logo)), 4);
	ck_assert_uint_eq(fabric_port_ids(rig, 0, &id, 1), 0);
	rig_login(0);
	rig_close();
}
END_TEST

START_TEST(timers_can_be_asked_for)
{
	static const uint8_t rtv[4] = { 0x0e };
	const struct rig_frame *a;

	rig_open(1, NULL);
	rig_join(0);
	a = rig_els(0, LOGIN, rtv, sizeof(rtv));
	accepted(a, 16);
	ck_assert_uint_eq(rig_get(a->payload + 4, 4), 10000);
	ck_assert_uint_eq(rig_get(a->payload + 8, 4), 2000);
	rig_close();
}
END_TEST

START_TEST(what_is_not_known_is_refused)
{
	static const uint8_t prli[24] = { 0x20, 20, 0, 24 }, scr[8] = { 0x62, 0, 0, 0, 0, 0, 0, 3 };
	struct rig_frame abts = { .r_ctl = 0x81, .d_id = DIRECTORY, .f_ctl = 0x090000, .ox_id = 9 };

	rig_open(1, NULL);
	rig_join(0);
	expect_reject(rig_els(0, DIRECTORY, prli, sizeof(prli)), 0x0b, 0x2c);
	expect_reject(rig_els(0, DIRECTORY, scr, sizeof(scr)), 0x0b, 0x2c);
	abts.s_id = rig_port[0].id;
	rig_send(0, &abts);
	ck_assert_uint_eq(rig_last(0)->r_ctl, 0x85);
	ck_assert_uint_eq(rig_last(0)->ox_id, 9);
	ck_assert_uint_eq(rig_get(rig_last(0)->payload, 4), 0x00090300);
	rig_close();
}
END_TEST

/* --- state changes ---------------------------------------------------------------------------- */

static unsigned int ask_changes(unsigned int port, uint8_t what)
{
	uint8_t scr[8] = { 0x62 };

	scr[7] = what;
	return rig_els(port, CONTROLLER, scr, sizeof(scr))->payload[0];
}

/* The RSCN that came last, answered. */
static const struct rig_frame *take_rscn(unsigned int port)
{
	const struct rig_frame *a = rig_last(port);
	struct rig_frame acc = { .r_ctl = 0x23,
				 .type = 1,
				 .d_id = CONTROLLER,
				 .s_id = rig_port[port].id,
				 .f_ctl = 0x990000,
				 .ox_id = a->ox_id,
				 .len = 4,
				 .payload = { 2 } };

	ck_assert_uint_eq(a->r_ctl, 0x22);
	ck_assert_uint_eq(a->s_id, CONTROLLER);
	ck_assert_uint_eq(a->payload[0], 0x61);
	ck_assert_uint_eq(a->payload[1], 4);
	ck_assert_uint_eq(rig_get(a->payload + 2, 2), a->len);
	rig_send(port, &acc);
	return a;
}

START_TEST(scr_is_checked)
{
	static const uint8_t scr[8] = { 0x62, 0, 0, 0, 0, 0, 0, 4 };

	rig_open(1, NULL);
	rig_join(0);
	ck_assert_uint_eq(ask_changes(0, 1), 2);
	ck_assert_uint_eq(ask_changes(0, 2), 2);
	ck_assert_uint_eq(ask_changes(0, 3), 2);
	ck_assert_uint_eq(ask_changes(0, 0xff), 2);
	ck_assert_uint_eq(ask_changes(0, 0), 1);
	expect_reject(rig_els(0, CONTROLLER, scr, sizeof(scr)), 3, 0);
	expect_reject(rig_els(0, CONTROLLER, scr, 4), 3, 0x2d);
	rig_close();
}
END_TEST

START_TEST(login_logout_and_link_loss_are_told)
{
	uint8_t logo[16] = { 5 };
	const struct rig_frame *a;

	rig_open(3, NULL);
	rig_join(0);
	rig_join(1);
	ask_changes(0, 3);
	rig_port[0].n = 0;
	rig_join(2);
	a = take_rscn(0);
	ck_assert_uint_eq(a->len, 8);
	ck_assert_uint_eq(rig_get(a->payload + 4, 4), 0x010300);
	rig_port[0].n = 0;
	rig_put(logo + 5, rig_port[1].id, 3);
	rig_els(1, LOGIN, logo, sizeof(logo));
	ck_assert_uint_eq(rig_get(take_rscn(0)->payload + 4, 4), 0x010200);
	rig_port[0].n = 0;
	rig_port[2].mute = true;
	rig_primitive(2, WEFT_FC_PRIM_LOS, 1);
	rig_run();
	ck_assert_uint_eq(rig_get(take_rscn(0)->payload + 4, 4), 0x010300);
	ck_assert_uint_eq(rig_port[0].n, 1);
	rig_close();
}
END_TEST

START_TEST(only_those_that_asked_are_told)
{
	rig_open(4, NULL);
	rig_join(0);
	rig_join(1);
	rig_join(2);
	ask_changes(0, 2); /* of what N_Ports find: not this */
	ask_changes(1, 1);
	rig_port[0].n = rig_port[1].n = rig_port[2].n = 0;
	rig_join(3);
	ck_assert_uint_eq(rig_port[0].n, 0);
	ck_assert_uint_eq(rig_port[1].n, 1);
	ck_assert_uint_eq(rig_port[2].n, 0);
	take_rscn(1);
	ask_changes(1, 0xff);
	rig_port[1].n = 0;
	rig_login(3);
	ck_assert_uint_eq(rig_port[1].n, 0);
	rig_close();
}
END_TEST

START_TEST(an_n_port_s_own_notice_is_passed_on)
{
	uint8_t rscn[12] = { 0x61, 4, 0, 12, 0x08, 1, 2, 0, 0x01, 1, 9, 0 };

	rig_open(3, NULL);
	rig_join(0);
	rig_join(1);
	rig_join(2);
	ask_changes(0, 2);
	ask_changes(1, 2);
	ask_changes(2, 1);
	rig_port[0].n = rig_port[2].n = 0;
	accepted(rig_els(1, CONTROLLER, rscn, sizeof(rscn)), 4);
	ck_assert_uint_eq(rig_get(take_rscn(0)->payload + 4, 4), 0x08010200);
	/* the second page came while the first was on its way */
	ck_assert_uint_eq(rig_get(take_rscn(0)->payload + 4, 4), 0x01010900);
	ck_assert_uint_eq(rig_port[2].n, 0);
	rscn[3] = 16;
	expect_reject(rig_els(1, CONTROLLER, rscn, sizeof(rscn)), 3, 0x2d);
	rscn[3] = 10;
	expect_reject(rig_els(1, CONTROLLER, rscn, sizeof(rscn)), 3, 0x2d);
	rscn[1] = 8;
	expect_reject(rig_els(1, CONTROLLER, rscn, 4), 3, 0x2d);
	expect_reject(rig_els(1, DIRECTORY, rscn, sizeof(rscn)), 0x0b, 0x2c);
	rig_close();
}
END_TEST

START_TEST(what_changes_meanwhile_is_gathered)
{
	const struct rig_frame *a;
	uint16_t ox_id;

	rig_open(3, NULL);
	rig_join(0);
	ask_changes(0, 3);
	rig_port[0].n = 0;
	rig_join(1);
	rig_join(2);
	rig_login(1);
	rig_login(1);
	ck_assert_uint_eq(rig_port[0].n, 1);
	ox_id = rig_last(0)->ox_id;
	a = take_rscn(0);
	ck_assert_uint_eq(rig_get(a->payload + 4, 4), 0x010200);
	a = take_rscn(0);
	ck_assert_uint_ne(a->ox_id, ox_id);
	ck_assert_uint_eq(a->len, 12); /* no page twice */
	ck_assert_uint_eq(rig_get(a->payload + 4, 4), 0x010300);
	ck_assert_uint_eq(rig_get(a->payload + 8, 4), 0x010200);
	ck_assert_uint_eq(rig_port[0].n, 2);
	rig_close();
}
END_TEST

START_TEST(an_unanswered_notice_is_sent_three_times)
{
	rig_open(3, NULL);
	rig_join(0);
	ask_changes(0, 3);
	rig_port[0].n = 0;
	rig_join(1);
	ck_assert_uint_eq(rig_port[0].n, 1);
	rig_wait(2001 * MS);
	ck_assert_uint_eq(rig_port[0].n, 2);
	ck_assert_uint_eq(rig_port[0].rx[0].ox_id, rig_port[0].rx[1].ox_id);
	rig_join(2);
	rig_wait(2001 * MS);
	ck_assert_uint_eq(rig_port[0].n, 3);
	rig_wait(2001 * MS); /* given up; the next one */
	ck_assert_uint_eq(rig_port[0].n, 4);
	ck_assert_uint_eq(rig_get(take_rscn(0)->payload + 4, 4), 0x010300);
	rig_wait(10000 * MS);
	ck_assert_uint_eq(rig_port[0].n, 4);
	rig_close();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("fabric logins");
	TCase *t = tcase_create("logins");
	SRunner *sr;
	int failed;

	tcase_add_test(t, flogi_gives_an_address_and_the_fabric_s_parameters);
	tcase_add_loop_test(t, a_bad_flogi_is_refused, 0, 8);
	tcase_add_test(t, a_port_name_is_one_port_s);
	tcase_add_test(t, nothing_is_served_before_login_but_flogi);
	tcase_add_test(t, fdisc_gives_more_addresses);
	tcase_add_loop_test(t, plogi_to_a_service_is_answered, 0, 2);
	tcase_add_test(t, logo_ends_the_login);
	tcase_add_test(t, timers_can_be_asked_for);
	tcase_add_test(t, what_is_not_known_is_refused);
	tcase_add_test(t, scr_is_checked);
	tcase_add_test(t, login_logout_and_link_loss_are_told);
	tcase_add_test(t, only_those_that_asked_are_told);
	tcase_add_test(t, an_n_port_s_own_notice_is_passed_on);
	tcase_add_test(t, what_changes_meanwhile_is_gathered);
	tcase_add_test(t, an_unanswered_notice_is_sent_three_times);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? 1 : 0;
}
