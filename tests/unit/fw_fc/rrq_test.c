/* SPDX-License-Identifier: BSD-2-Clause */
/* RRQ, R_A_TOV after an abort that was accepted. */
#include <stdio.h>

#include "rig.h"

Suite *rrq_suite(void);

#define PEER FC_ID_PTP_LOW
#define US FC_ID_PTP_HIGH
#define R_A_TOV 10000u

static struct frame *take_rrq(uint16_t ox_id, uint16_t rx_id)
{
	struct frame *f = rig_take_els(ELS_RRQ, US, PEER);
	char want[40];

	snprintf(want, sizeof(want), "12000000 00010102 %04x%04x", ox_id, rx_id);
	expect_bytes(f->p, f->len, want);
	return f;
}

static void accept(const struct frame *f)
{
	rig_answer(f, (const uint8_t *)"\x02\0\0\0", 4);
}

START_TEST(rrq_follows_an_abort_by_r_a_tov)
{
	struct frame *f;

	rig_ptp_high(HOST, 0x10);
	fc_rrq(PEER, 0x0805, 0x1234);
	rig_advance(R_A_TOV - 100);
	rig_quiet();
	rig_advance(110);
	f = take_rrq(0x0805, 0x1234);
	rig_quiet();
	if (_i)
		rig_reject(f, RJT_UNABLE, EXP_XID);
	else
		accept(f);
	ck_assert_uint_eq(els_in_use(), 0);
	rig_advance(60000);
	rig_quiet();
}
END_TEST

START_TEST(rrq_is_not_repeated)
{
	struct frame *f;

	rig_ptp_high(HOST, 0x10);
	fc_rrq(PEER, 1, 2);
	rig_advance(R_A_TOV + 10);
	f = take_rrq(1, 2);
	rig_advance(2 * R_A_TOV + 10);
	ck_assert_uint_eq(rig_take()->h.r_ctl, RCTL_ABTS);
	(void)f;
	rig_advance(60000);
	rig_quiet();
	ck_assert_uint_eq(els_in_use(), 0);
	fc_rrq(PEER, 3, 4); /* the next one goes out none the less */
	rig_advance(R_A_TOV + 10);
	take_rrq(3, 4);
}
END_TEST

/* More than may be open at once: in order, each when there is room; what does not fit is not sent. */
START_TEST(many_rrqs_are_paced)
{
	uint32_t n = 0;

	rig_ptp_high(HOST, 0x10);
	for (uint16_t i = 0; i < 300; i++)
		fc_rrq(PEER, i, (uint16_t)(i + 1));
	rig_advance(R_A_TOV + 10);
	ck_assert_uint_eq(rig_pending(), 8);
	while (rig_pending()) {
		accept(take_rrq((uint16_t)n, (uint16_t)(n + 1)));
		n++;
		rig_advance(3);
	}
	ck_assert_uint_eq(n, 256);
	ck_assert_uint_eq(els_in_use(), 0);
}
END_TEST

START_TEST(rrq_waits_for_room_to_leave)
{
	rig_ptp_high(HOST, 0x10);
	for (uint16_t i = 0; i < 20; i++)
		fc_rrq(PEER, i, i);
	rig_advance(R_A_TOV - 10);
	rig.refuse = 30;
	rig_advance(1000);
	for (uint32_t seen = 0, n = 0; n < 20; n++) {
		struct frame *f = rig_take_els(ELS_RRQ, US, PEER);

		ck_assert(!(seen & 1u << get_be16(f->p + 8)));
		seen |= 1u << get_be16(f->p + 8);
		accept(f);
		rig_advance(200);
	}
	rig_quiet();
}
END_TEST

/* The end of the login, or of the link, ends it all. */
START_TEST(no_rrq_without_the_login)
{
	rig_ptp_high(HOST, 0x10);
	fc_rrq(PEER, 1, 2);
	if (_i) {
		rig_dark();
		ck_assert_uint_eq(timer_count(), 0);
		rig_link_up();
		rig_forget();
	} else {
		fc_logout(0);
		accept(rig_take_els(ELS_LOGO, US, PEER));
	}
	for (uint32_t i = 0; i < 20; i++) {
		rig_advance(1000);
		while (rig_pending())
			ck_assert_uint_ne(rig_take()->p[0], ELS_RRQ);
	}
}
END_TEST

START_TEST(the_link_may_go_while_rrq_is_open)
{
	rig_ptp_high(HOST, 0x10);
	for (uint16_t i = 0; i < 20; i++)
		fc_rrq(PEER, i, i);
	rig_advance(R_A_TOV + 10);
	ck_assert_uint_eq(rig_pending(), 8);
	rig_dark();
	rig_forget();
	ck_assert_uint_eq(timer_count(), 0);
	ck_assert_uint_eq(els_in_use(), 0);
	rig_ptp_high(HOST, 0x10);
	fc_rrq(PEER, 7, 8);
	rig_advance(R_A_TOV + 10);
	take_rrq(7, 8);
	rig_quiet();
}
END_TEST

Suite *rrq_suite(void)
{
	Suite *s = suite_create("rrq");
	TCase *t = tcase_create("rrq");

	tcase_add_loop_test(t, rrq_follows_an_abort_by_r_a_tov, 0, 2);
	tcase_add_test(t, rrq_is_not_repeated);
	tcase_add_test(t, many_rrqs_are_paced);
	tcase_add_test(t, rrq_waits_for_room_to_leave);
	tcase_add_loop_test(t, no_rrq_without_the_login, 0, 2);
	tcase_add_test(t, the_link_may_go_while_rrq_is_open);
	suite_add_tcase(s, t);
	return s;
}
