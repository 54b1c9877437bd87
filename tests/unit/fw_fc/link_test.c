/* SPDX-License-Identifier: BSD-2-Clause */
/* The link state machine and the port's start and stop. */
#include <errno.h>
#include <string.h>

#include "rig.h"

Suite *link_suite(void);

enum {
	IDLE = ENG_FCP_IDLE,
	NOS = ENG_FCP_NOS,
	OLS = ENG_FCP_OLS,
	LR = ENG_FCP_LR,
	LRR = ENG_FCP_LRR
};

START_TEST(port_that_starts_says_ols)
{
	rig_start(WEFT_FCM_NATIVE, HOST);
	ck_assert_uint_eq(rig_sends(), OLS);
	ck_assert(rig_drops());
	ck_assert_uint_eq(fc_port.state, WEFT_FCS_DOWN);
	ck_assert_uint_eq(rig.link_changes, 1);
	rig_quiet();
}
END_TEST

/* What comes, one after the other, and what goes out in answer. */
struct walk {
	const char *what;
	int n;
	struct {
		uint8_t in, out;
	} steps[8];
	bool up;
};

static const struct walk walks[] = {
	{ "first to hear OLS", 3, { { OLS, LR }, { LRR, IDLE }, { IDLE, IDLE } }, true },
	{ "first to be heard", 2, { { LR, LRR }, { IDLE, IDLE } }, true },
	{ "both at once", 4, { { OLS, LR }, { LR, LRR }, { LRR, IDLE }, { IDLE, IDLE } }, true },
	{ "other had failed", 3, { { NOS, OLS }, { LR, LRR }, { IDLE, IDLE } }, true },
	{ "both say NOS",
	  5,
	  { { NOS, OLS }, { OLS, LR }, { LR, LRR }, { LRR, IDLE }, { IDLE, IDLE } },
	  true },
	{ "offline again half way",
	  4,
	  { { OLS, LR }, { OLS, LR }, { LRR, IDLE }, { OLS, LR } },
	  false },
	{ "idle means nothing yet", 1, { { IDLE, OLS } }, false },
	{ "LRR means nothing yet", 1, { { LRR, OLS } }, false },
	{ "failed and LRR", 2, { { NOS, OLS }, { LRR, OLS } }, false },
	{ "unknown primitive", 1, { { 7, OLS } }, false },
};

START_TEST(initialisation_takes_every_way)
{
	const struct walk *w = &walks[_i];

	rig_start(WEFT_FCM_NATIVE, HOST);
	for (int i = 0; i < w->n; i++) {
		rig_prim(w->steps[i].in);
		ck_assert_msg(rig_sends() == w->steps[i].out, "%s: step %d sends %u", w->what, i,
			      rig_sends());
	}
	ck_assert_msg((fc_port.state == WEFT_FCS_LOGIN) == w->up, "%s", w->what);
	ck_assert(rig_drops() == !w->up);
	ck_assert_uint_eq(rig_pending(), w->up); /* FLOGI */
}
END_TEST

START_TEST(first_credit_is_one)
{
	rig_start(WEFT_FCM_NATIVE, HOST);
	rig_link_up();
	ck_assert_uint_eq(rig.credit, 1);
	ck_assert_uint_eq(rig.credits, 1);
}
END_TEST

START_TEST(no_light_is_nos_until_the_other_speaks)
{
	rig_reset();
	rig.status = 0;
	struct weft_arg_fc_port a = rig_args(WEFT_FCM_NATIVE, HOST);
	ck_assert_uint_eq(fc_port_set(&a), 0);
	ck_assert_uint_eq(rig_sends(), NOS);
	rig_prim(IDLE);
	ck_assert_uint_eq(rig_sends(), NOS);
	rig_prim(OLS);
	ck_assert_uint_eq(rig_sends(), LR);
	rig_prim(LRR);
	rig_prim(IDLE);
	ck_assert_uint_eq(fc_port.state, WEFT_FCS_LOGIN);
}
END_TEST

START_TEST(lost_light_is_a_link_failure)
{
	uint32_t dw[3];

	rig_ptp_high(HOST, 0x10);
	rig_dark();
	ck_assert_uint_eq(rig_sends(), NOS);
	ck_assert(rig_drops());
	ck_assert_uint_eq(fc_port.state, WEFT_FCS_DOWN);
	ck_assert_uint_eq(fc_port.port_id, 0);
	ck_assert_uint_eq(rig.id, 0);
	ck_assert_uint_eq(rig.gone[0], 1);
	ck_assert_uint_eq(rport_count(), 0);
	fc_port_get(2, dw);
	ck_assert_uint_eq(dw[2], 1);
	rig_dark(); /* the same again */
	fc_port_get(2, dw);
	ck_assert_uint_eq(dw[2], 1);
	rig_quiet();
	rig_prim(NOS);
	rig_prim(LR);
	rig_prim(IDLE);
	rig_take_els(ELS_FLOGI, 0, FC_ID_FABRIC);
}
END_TEST

START_TEST(offline_of_the_other_ends_logins)
{
	rig_ptp_high(HOST, 0x10);
	rig_prim(OLS);
	ck_assert_uint_eq(rig_sends(), LR);
	ck_assert(rig_drops());
	ck_assert_uint_eq(fc_port.state, WEFT_FCS_DOWN);
	ck_assert_uint_eq(rig.gone[0], 1);
	ck_assert_uint_eq(port_counters.link_failures, 0);
	rig_prim(LRR);
	rig_prim(IDLE);
	ck_assert_uint_eq(rig.credit, 1); /* what the login gave is gone, too */
}
END_TEST

START_TEST(link_reset_of_the_other_keeps_logins)
{
	rig_ptp_high(HOST, 0x10);
	ck_assert_uint_eq(rig.credit, 16);
	rig.credit = 0;
	rig_prim(LR);
	ck_assert_uint_eq(rig_sends(), LRR);
	ck_assert(!rig_drops());
	ck_assert_uint_eq(fc_port.state, WEFT_FCS_UP);
	rig_prim(IDLE);
	ck_assert_uint_eq(rig_sends(), IDLE);
	ck_assert_uint_eq(rig.credit, 16);
	ck_assert_uint_eq(rig.gone[0], 0);
	rig_quiet();
}
END_TEST

START_TEST(answer_that_does_not_come_is_a_failure)
{
	rig_ptp_high(HOST, 0x10);
	rig_prim(LR);
	rig_advance(99);
	ck_assert_uint_eq(fc_port.state, WEFT_FCS_UP);
	rig_advance(10);
	ck_assert_uint_eq(rig_sends(), NOS);
	ck_assert_uint_eq(fc_port.state, WEFT_FCS_DOWN);
	ck_assert_uint_eq(port_counters.link_failures, 1);
}
END_TEST

START_TEST(late_event_is_no_failure)
{
	rig_ptp_high(HOST, 0x10);
	rig_prim(LR);
	rig.status = ENG_FC_STATUS_SIGNAL_MASK;
	rig_advance(110);
	ck_assert_uint_eq(rig_sends(), IDLE);
	ck_assert_uint_eq(fc_port.state, WEFT_FCS_UP);
	fc_link_changed(ENG_FC_STATUS_SIGNAL_MASK | LR << ENG_FC_STATUS_RX_PRIM_LSB); /* old */
	ck_assert_uint_eq(rig_sends(), IDLE);
}
END_TEST

START_TEST(light_that_was_out_for_a_moment_ends_the_logins)
{
	static const uint32_t told[] = {
		0, ENG_FC_STATUS_SIGNAL_MASK | OLS << ENG_FC_STATUS_RX_PRIM_LSB,
		ENG_FC_STATUS_SIGNAL_MASK | NOS << ENG_FC_STATUS_RX_PRIM_LSB
	};

	rig_ptp_high(HOST, 0x10);
	rig.status = ENG_FC_STATUS_SIGNAL_MASK; /* IDLE comes again */
	fc_link_changed(told[_i]);
	ck_assert_uint_eq(fc_port.state, WEFT_FCS_DOWN);
	ck_assert_uint_ne(rig_sends(), IDLE);
	rig_prim(OLS); /* and from there it comes back */
	rig_prim(LR);
	rig_prim(IDLE);
	ck_assert_uint_eq(fc_port.state, WEFT_FCS_LOGIN);
}
END_TEST

START_TEST(failure_looks_at_what_comes_now)
{
	rig_start(WEFT_FCM_NATIVE, HOST);
	rig_prim(NOS);
	ck_assert_uint_eq(rig_sends(), OLS);
	rig_advance(1000); /* it says NOS all the time: NOS and OLS in turns */
	ck_assert_uint_eq(rig_sends(), OLS);
	rig_prim(LR);
	ck_assert_uint_eq(rig_sends(), LRR);
}
END_TEST

START_TEST(ols_without_an_answer_waits_for_ols)
{
	rig_start(WEFT_FCM_NATIVE, HOST);
	rig_prim(OLS);
	rig.status = ENG_FC_STATUS_SIGNAL_MASK;
	rig_advance(150);
	ck_assert_uint_eq(rig_sends(), NOS);
	rig_prim(LR);
	ck_assert_uint_eq(rig_sends(), NOS);
	rig_prim(OLS);
	ck_assert_uint_eq(rig_sends(), LR);
}
END_TEST

START_TEST(no_credit_for_e_d_tov_is_a_link_reset)
{
	rig_ptp_high(HOST, 0x10);
	rig.status = ENG_FC_STATUS_SIGNAL_MASK;
	rig_advance(1900);
	ck_assert_uint_eq(rig_sends(), IDLE);
	rig_advance(700);
	ck_assert_uint_eq(rig_sends(), LR);
	ck_assert(!rig_drops());
	rig_prim(LRR);
	ck_assert_uint_eq(rig_sends(), IDLE);
	rig.credit = 0;
	rig_prim(IDLE);
	ck_assert_uint_eq(rig.credit, 16);
	ck_assert_uint_eq(fc_port.state, WEFT_FCS_UP);
	ck_assert_uint_eq(rig.gone[0], 0);
}
END_TEST

/* PLOGI of a port that we know, with this BB_Credit. */
static void plogi_again(uint16_t credit)
{
	uint8_t p[LOGIN_LEN];

	rig_login(p, ELS_PLOGI, LOW_WWPN, 0);
	put_be16(p + 6, credit);
	rig_request(FC_ID_PTP_LOW, FC_ID_PTP_HIGH, p, sizeof(p));
	rig_forget();
}

/* Frames under way still owe their R_RDY: a credit that is set anew counts them twice. */
START_TEST(credit_is_set_by_the_first_login_only)
{
	uint32_t before;

	rig_ptp_high(HOST, 0x10);
	before = rig.credits;
	rig.credit = 3;
	plogi_again(16);
	ck_assert_uint_eq(rig.credits, before);
	ck_assert_uint_eq(rig_sends(), IDLE);
}
END_TEST

START_TEST(another_credit_comes_by_link_reset)
{
	rig_ptp_high(HOST, 0x10);
	rig.credit = 3;
	plogi_again(8);
	ck_assert_uint_eq(rig.credit, 3);
	ck_assert_uint_eq(rig_sends(), LR);
	ck_assert(!rig_drops());
	rig_prim(LRR);
	rig_prim(IDLE);
	ck_assert_uint_eq(rig_sends(), IDLE);
	ck_assert_uint_eq(rig.credit, 8);
}
END_TEST

START_TEST(no_login_turns_flow_control_off)
{
	static const uint16_t credits[][2] = { { 0, 1 }, { 0x7fff, 0x7fff }, { 0xffff, 0x7fff } };

	for (int i = 0; i < 3; i++) {
		rig_ptp_high(HOST, 0x10);
		plogi_again(credits[i][0]);
		rig_prim(LRR);
		rig_prim(IDLE);
		ck_assert_uint_eq(rig.credit, credits[i][1]);
	}
}
END_TEST

START_TEST(a_slow_other_is_not_starvation)
{
	rig_ptp_high(HOST, 0x10);
	rig.status = ENG_FC_STATUS_SIGNAL_MASK;
	for (int i = 0; i < 20; i++) {
		fc_tx_moved++;
		rig_advance(400);
	}
	ck_assert_uint_eq(rig_sends(), IDLE);
	for (int i = 0; i < 20; i++) { /* frames of no report leave, too */
		rig.tx_free = 10 + i % 2;
		rig_advance(500);
	}
	ck_assert_uint_eq(rig_sends(), IDLE);
}
END_TEST

START_TEST(frame_ahead_of_the_link_event_is_taken)
{
	uint8_t p[LOGIN_LEN];

	rig_start(WEFT_FCM_NATIVE, HOST);
	rig_prim(LR);
	ck_assert_uint_eq(rig_sends(), LRR);
	rig.status = ENG_FC_STATUS_SIGNAL_MASK; /* IDLE comes, its event is still queued */
	rig_login(p, ELS_FLOGI, LOW_WWPN, 0);
	rig_request(0, FC_ID_FABRIC, p, sizeof(p));
	ck_assert_uint_eq(rig_sends(), IDLE);
	rig_take_els(ELS_FLOGI, 0, FC_ID_FABRIC);
	rig_take_accept();
	rig_take_els(ELS_PLOGI, FC_ID_PTP_HIGH, FC_ID_PTP_LOW);
}
END_TEST

START_TEST(frames_while_the_link_is_down_are_nothing)
{
	uint8_t p[LOGIN_LEN];

	rig_start(WEFT_FCM_NATIVE, HOST);
	rig_login(p, ELS_FLOGI, LOW_WWPN, 0);
	rig_request(0, FC_ID_FABRIC, p, sizeof(p));
	rig_quiet();
}
END_TEST

START_TEST(stop_says_goodbye_ols_and_is_silent)
{
	struct weft_arg_fc_port off = { .mode = WEFT_FCM_OFF };

	rig_ptp_high(HOST, 0x10);
	ck_assert_uint_eq(fc_port_set(&off), 0);
	rig_take_els(ELS_LOGO, FC_ID_PTP_HIGH, FC_ID_PTP_LOW);
	ck_assert_uint_eq(fc_port.state, WEFT_FCS_OFF);
	ck_assert_uint_eq(rig.gone[0], 1);
	ck_assert_uint_eq(rig_sends(), IDLE); /* LOGO has time to leave */
	ck_assert(!rig_drops());
	rig_advance(7);
	ck_assert_uint_eq(rig_sends(), OLS);
	ck_assert(rig_drops());
	rig_prim(LR); /* nobody is there any more */
	ck_assert_uint_eq(rig_sends(), OLS);
	rig_advance(7);
	ck_assert_uint_eq(rig.ctrl & ENG_FC_CTRL_MODE_MASK, ENG_FCM_OFF);
	rig_quiet();
	ck_assert_uint_eq(timer_count(), 0);
}
END_TEST

START_TEST(a_port_that_runs_starts_anew)
{
	struct weft_arg_fc_port a = rig_args(WEFT_FCM_NATIVE, TARGET);

	rig_ptp_high(HOST, 0x10);
	ck_assert_uint_eq(fc_port_set(&a), 0);
	ck_assert_uint_eq(rig_sends(), OLS);
	rig_advance(50);
	ck_assert_uint_eq(rig_sends(), OLS); /* the old one's end does not switch it off */
	ck_assert_uint_eq(fc_port.roles, TARGET);
	ck_assert_uint_eq(rig.gone[0], 1);
}
END_TEST

START_TEST(bad_settings_are_refused)
{
	static const struct {
		size_t off, len;
		uint32_t val;
	} bad[] = {
#define F(f) offsetof(struct weft_arg_fc_port, f), sizeof(((struct weft_arg_fc_port *)0)->f)
		{ F(wwpn), 0 },
		{ F(wwnn), 0 },
		{ F(mode), 3 },
		{ F(roles), 0 },
		{ F(roles), 4 },
		{ F(roles), 9 },
		{ F(max_data), 252 },
		{ F(max_data), 2116 },
		{ F(max_data), 1026 },
		{ F(first_burst), 100 },
		{ F(first_burst), 66048 },
		{ F(e_d_tov_ms), 0xffffffff },
		{ F(r_a_tov_ms), 0xffffffff },
	};
	struct weft_arg_fc_port a;

	rig_ptp_high(HOST, 0x10);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint64_t v = bad[i].val;

		a = rig_args(WEFT_FCM_NATIVE, HOST);
		memcpy((char *)&a + bad[i].off, &v, bad[i].len);
		ck_assert_msg(fc_port_set(&a) == EINVAL, "case %zu", i);
	}
	a = rig_args(WEFT_FCM_VN2VN, HOST);
	a.port_id = 0xffff;
	ck_assert_uint_eq(fc_port_set(&a), EINVAL);
	a.port_id = 1;
	a.mac[0] = 1;
	ck_assert_uint_eq(fc_port_set(&a), EINVAL);
	ck_assert_uint_eq(fc_port.state, WEFT_FCS_UP); /* nothing happened to the port */
	rig_quiet();
}
END_TEST

START_TEST(defaults_are_filled_in)
{
	struct weft_arg_fc_port a = rig_args(WEFT_FCM_NATIVE, HOST);

	rig_reset();
	ck_assert_uint_eq(fc_port_set(&a), 0);
	ck_assert_uint_eq(fc_port.max_data, 2112);
	ck_assert_uint_eq(fc_port.e_d_tov_ms, 2000);
	ck_assert_uint_eq(fc_port.r_a_tov_ms, 10000);
	ck_assert_mem_eq(fc_port.mac, "\x02\x57\0\0\0\x01", 6);
	a.max_data = 256;
	a.e_d_tov_ms = 5;
	a.r_a_tov_ms = 6;
	a.mac[5] = 9;
	ck_assert_uint_eq(fc_port_set(&a), 0);
	ck_assert_uint_eq(fc_port.max_data, 256);
	ck_assert_uint_eq(fc_port.e_d_tov_ms, 5);
	ck_assert_uint_eq(fc_port.r_a_tov_ms, 6);
	ck_assert_uint_eq(fc_port.mac[5], 9);
}
END_TEST

START_TEST(pages_tell_what_is_there)
{
	uint32_t dw[3];

	rig_start(WEFT_FCM_NATIVE, HOST);
	ck_assert_uint_eq(fc_port_get(0, dw), 0);
	ck_assert_uint_eq(dw[0], (uint32_t)WEFT_FCS_DOWN << 24);
	ck_assert_uint_eq(fc_rport_get(0, 0, dw), ENOENT);
	ck_assert_uint_eq(fc_rport_get(WEFT_N_RPORT, 0, dw), ENOENT);
	rig_ptp_high(HOST, 0x10);
	ck_assert_uint_eq(fc_port_get(0, dw), 0);
	ck_assert_uint_eq(dw[0], (uint32_t)WEFT_FCS_UP << 24 | FC_ID_PTP_HIGH);
	ck_assert_uint_eq(dw[1], WEFT_FCT_PTP | 16 << 16);
	ck_assert_uint_eq(dw[2], 1 << 16);
	ck_assert_uint_eq(fc_port_get(1, dw), 0);
	ck_assert_uint_eq(dw[0], 3);
	ck_assert_uint_eq(fc_port_get(2, dw), 0);
	ck_assert_uint_eq(dw[1], 1);
	ck_assert_uint_eq(fc_port_get(3, dw), EINVAL);
	ck_assert_uint_eq(fc_rport_get(0, 0, dw), 0);
	ck_assert_uint_eq(dw[0], (uint32_t)LOW_WWPN);
	ck_assert_uint_eq(dw[1], (uint32_t)(LOW_WWPN >> 32));
	ck_assert_uint_eq(dw[2], FC_ID_PTP_LOW | (uint32_t)TARGET << 24);
	ck_assert_uint_eq(fc_rport_get(0, 1, dw), 0);
	ck_assert_uint_eq(dw[1], (uint32_t)(PEER_WWNN >> 32));
	ck_assert_uint_eq(dw[2], 1024);
	ck_assert_uint_eq(fc_rport_get(0, 2, dw), EINVAL);
}
END_TEST

Suite *link_suite(void)
{
	Suite *s = suite_create("link");
	TCase *t = tcase_create("link");

	tcase_add_test(t, port_that_starts_says_ols);
	tcase_add_loop_test(t, initialisation_takes_every_way, 0, sizeof(walks) / sizeof(walks[0]));
	tcase_add_test(t, first_credit_is_one);
	tcase_add_test(t, no_light_is_nos_until_the_other_speaks);
	tcase_add_test(t, lost_light_is_a_link_failure);
	tcase_add_test(t, offline_of_the_other_ends_logins);
	tcase_add_test(t, link_reset_of_the_other_keeps_logins);
	tcase_add_test(t, answer_that_does_not_come_is_a_failure);
	tcase_add_test(t, late_event_is_no_failure);
	tcase_add_loop_test(t, light_that_was_out_for_a_moment_ends_the_logins, 0, 3);
	tcase_add_test(t, failure_looks_at_what_comes_now);
	tcase_add_test(t, ols_without_an_answer_waits_for_ols);
	tcase_add_test(t, no_credit_for_e_d_tov_is_a_link_reset);
	tcase_add_test(t, credit_is_set_by_the_first_login_only);
	tcase_add_test(t, another_credit_comes_by_link_reset);
	tcase_add_test(t, no_login_turns_flow_control_off);
	tcase_add_test(t, a_slow_other_is_not_starvation);
	tcase_add_test(t, frame_ahead_of_the_link_event_is_taken);
	tcase_add_test(t, frames_while_the_link_is_down_are_nothing);
	tcase_add_test(t, stop_says_goodbye_ols_and_is_silent);
	tcase_add_test(t, a_port_that_runs_starts_anew);
	tcase_add_test(t, bad_settings_are_refused);
	tcase_add_test(t, defaults_are_filled_in);
	tcase_add_test(t, pages_tell_what_is_there);
	suite_add_tcase(s, t);
	return s;
}
