/* SPDX-License-Identifier: BSD-2-Clause */
/* How sessions end: LOGO both ways, aborts, the link. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "rig.h"

Suite *logout_suite(void);

#define PEER FC_ID_PTP_LOW
#define US FC_ID_PTP_HIGH

static uint8_t p[LOGIN_LEN];

static void answer_prli(const struct frame *f, uint8_t response, uint8_t bits)
{
	rig_prli(p, ELS_LS_ACC, response, bits);
	rig_answer(f, p, PRLI_LEN);
}

/* --- LOGO -------------------------------------------------------------------------------------------- */

static void logo_comes(void)
{
	memset(p, 0, 16);
	p[0] = ELS_LOGO;
	put_be24(p + 5, PEER);
	put_be64(p + 8, LOW_WWPN);
	rig_request(PEER, US, p, 16);
}

START_TEST(host_logs_in_again_after_logo)
{
	uint16_t i = rig_ptp_high(HOST, 0x10);

	logo_comes();
	rig_take_accept();
	ck_assert_uint_eq(rig.gone[i], 1);
	ck_assert_uint_eq(rport_count(), 0);
	rig_advance(1010);
	rig_take_els(ELS_PLOGI, US, PEER);
}
END_TEST

START_TEST(target_waits_after_logo)
{
	uint16_t i = rig_ptp_high(TARGET, 0x20);

	logo_comes();
	rig_take_accept();
	ck_assert_uint_eq(rig.gone[i], 1);
	rig_advance(60000);
	rig_quiet();
	ck_assert_uint_eq(fc_port.state, WEFT_FCS_UP);
	rig_login(p, ELS_PLOGI, LOW_WWPN, 0);
	rig_request(PEER, US, p, sizeof(p));
	rig_take_accept();
}
END_TEST

START_TEST(logo_at_each_step_is_survived)
{
	struct frame f = rig_plogi_sent(HOST);

	logo_comes(); /* before the login: it means nothing */
	rig_take_accept();
	rig_login(p, ELS_LS_ACC, LOW_WWPN, 0);
	rig_answer(&f, p, sizeof(p));
	f = *rig_take_els(ELS_PRLI, US, PEER);
	logo_comes();
	rig_take_accept();
	answer_prli(&f, 1, 0x10);
	ck_assert_uint_eq(rig.ready[0], 0);
	rig_advance(1010);
	rig_take_els(ELS_PLOGI, US, PEER);
	rig_quiet();
}
END_TEST

START_TEST(logo_of_another_name_is_not_for_this_port)
{
	rig_ptp_high(HOST, 0x10);
	memset(p, 0, 16);
	p[0] = ELS_LOGO;
	put_be64(p + 8, HIGH_WWPN);
	rig_request(PEER, US, p, 16);
	rig_take_accept();
	ck_assert_uint_eq(rig.gone[0], 0);
}
END_TEST

START_TEST(port_that_always_logs_out_is_left_alone)
{
	int logins = 0;

	rig_start(WEFT_FCM_NATIVE, HOST);
	rig_link_up();
	rig_login(p, ELS_LS_ACC, LOW_WWPN, 0);
	rig_answer(rig_take(), p, sizeof(p));
	for (int i = 0; i < 100; i++) {
		struct frame f;

		if (!rig_pending()) {
			rig_advance(1000);
			continue;
		}
		f = *rig_take();
		if (f.p[0] != ELS_PLOGI)
			continue;
		logins++;
		rig_login(p, ELS_LS_ACC, LOW_WWPN, 0);
		rig_answer(&f, p, sizeof(p));
		rig_reject(rig_take_els(ELS_PRLI, US, PEER), RJT_UNSUPPORTED, EXP_UNSUPPORTED);
		logo_comes();
	}
	ck_assert_int_le(logins, 7);
}
END_TEST

START_TEST(program_logs_out)
{
	uint16_t i = rig_ptp_high(HOST, 0x10);
	struct frame *f;

	ck_assert_uint_eq(fc_logout(i), 0);
	ck_assert_uint_eq(rig.gone[i], 1);
	f = rig_take_els(ELS_LOGO, US, PEER);
	expect_bytes(f->p, f->len, "05000000 00010102 2000000000000011");
	ck_assert_uint_eq(fc_logout(i), ENOENT);
	ck_assert_uint_eq(fc_logout(WEFT_N_RPORT), ENOENT);
	rig_answer(f, (const uint8_t *)"\x02\0\0\0", 4);
	rig_advance(60000);
	rig_quiet();
}
END_TEST

START_TEST(stranger_that_sends_commands_hears_logo)
{
	rig_ptp_high(TARGET, 0x20);
	fc_stranger(PEER); /* no stranger */
	fc_stranger(0);
	fc_stranger(US);
	fc_stranger(FC_ID_NAMES);
	rig_quiet();
	rig_advance(200);
	fc_stranger(0x010155);
	fc_stranger(0x010156); /* not more than that */
	rig_take_els(ELS_LOGO, US, 0x010155);
	rig_quiet();
	rig_advance(110);
	fc_stranger(0x010156);
	rig_take_els(ELS_LOGO, US, 0x010156);
	rig_request(PEER, US, p, hex("21100014 28000000 00000000 00000000 00000000", p));
	rig_take_accept();
	rig_advance(110);
	fc_stranger(PEER); /* its pair ended, its login did not */
	rig_take_els(ELS_LOGO, US, PEER);
	ck_assert_uint_eq(rport_count(), 0);
}
END_TEST

/* --- aborts of others ------------------------------------------------------------------------------- */

static void abts(uint16_t ox_id, uint32_t s_id, uint32_t f_ctl)
{
	const struct fc_hdr h = { .r_ctl = RCTL_ABTS,
				  .type = TYPE_BLS,
				  .seq_id = 9,
				  .ox_id = ox_id,
				  .rx_id = 0x77,
				  .d_id = US,
				  .s_id = s_id,
				  .f_ctl = f_ctl };

	rig_frame(&h, NULL, 0);
}

START_TEST(abort_of_our_exchange_is_accepted)
{
	struct frame f = rig_plogi_sent(HOST), *a;
	char want[40];

	abts(f.h.ox_id, PEER, 0x890000);
	a = rig_take();
	ck_assert_uint_eq(a->h.r_ctl, RCTL_BA_ACC);
	ck_assert_uint_eq(a->h.type, TYPE_BLS);
	ck_assert_uint_eq(a->h.f_ctl, 0x190000);
	ck_assert_uint_eq(a->h.seq_id, 9);
	ck_assert_uint_eq(a->h.ox_id, f.h.ox_id);
	snprintf(want, sizeof(want), "00000000 %04x0077 0000ffff", f.h.ox_id);
	expect_bytes(a->p, a->len, want);
	ck_assert_uint_eq(els_in_use(), 0);
	rig_advance(1010);
	rig_take_els(ELS_PLOGI, US, PEER);
}
END_TEST

START_TEST(abort_of_nothing_is_refused)
{
	static const uint32_t f_ctl[] = { 0x890000, 0x890000, 0x090000 };
	struct frame f = rig_plogi_sent(HOST), *a;

	for (int i = 0; i < 3; i++) {
		abts(i == 0 ? f.h.ox_id + 1 : f.h.ox_id, i == 1 ? 0x010155 : PEER, f_ctl[i]);
		a = rig_take();
		ck_assert_uint_eq(a->h.r_ctl, RCTL_BA_RJT);
		expect_bytes(a->p, a->len, "00090300");
		ck_assert_uint_eq(a->h.f_ctl, f_ctl[i] & 0x800000 ? 0x190000 : 0x990000);
	}
	ck_assert_uint_eq(els_in_use(), 1);
}
END_TEST

START_TEST(link_loss_at_each_step_leaves_nothing)
{
	for (int step = 0; step < 4; step++) {
		if (step == 0) {
			rig_start(WEFT_FCM_NATIVE, HOST);
			rig_link_up();
		} else if (step == 1) {
			rig_plogi_sent(HOST);
		} else if (step == 2) {
			rig_prli_sent();
		} else {
			rig_ptp_high(HOST, 0x10);
		}
		rig_dark();
		rig_forget();
		ck_assert_uint_eq(els_in_use(), 0);
		ck_assert_uint_eq(rport_count(), 0);
		ck_assert_uint_eq(timer_count(), 0);
		ck_assert_uint_eq(rig.gone[0], rig.ready[0]);
		rig_advance(60000);
		rig_quiet();
	}
}
END_TEST

Suite *logout_suite(void)
{
	Suite *s = suite_create("logouts");
	TCase *t = tcase_create("logouts");

	tcase_add_test(t, host_logs_in_again_after_logo);
	tcase_add_test(t, target_waits_after_logo);
	tcase_add_test(t, logo_at_each_step_is_survived);
	tcase_add_test(t, logo_of_another_name_is_not_for_this_port);
	tcase_add_test(t, port_that_always_logs_out_is_left_alone);
	tcase_add_test(t, program_logs_out);
	tcase_add_test(t, stranger_that_sends_commands_hears_logo);
	tcase_add_test(t, abort_of_our_exchange_is_accepted);
	tcase_add_test(t, abort_of_nothing_is_refused);
	tcase_add_test(t, link_loss_at_each_step_leaves_nothing);
	suite_add_tcase(s, t);
	return s;
}
