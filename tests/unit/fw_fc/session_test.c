/* SPDX-License-Identifier: BSD-2-Clause */
/* Sessions that we drive: collisions, refusals, silence, a full table. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "rig.h"

Suite *session_suite(void);

#define PEER FC_ID_PTP_LOW
#define US FC_ID_PTP_HIGH

static uint8_t p[LOGIN_LEN];

static void answer_prli(const struct frame *f, uint8_t response, uint8_t bits)
{
	rig_prli(p, ELS_LS_ACC, response, bits);
	rig_answer(f, p, PRLI_LEN);
}

/* --- PLOGI ------------------------------------------------------------------------------------------- */

START_TEST(lower_name_gives_way_in_a_collision)
{
	struct frame f = rig_plogi_sent(HOST);

	rig_login(p, ELS_PLOGI, LOW_WWPN, 0);
	rig_request(PEER, US, p, sizeof(p));
	rig_take_reject(RJT_UNABLE, EXP_IN_PROGRESS);
	rig_login(p, ELS_LS_ACC, LOW_WWPN, 0);
	rig_answer(&f, p, sizeof(p));
	rig_take_els(ELS_PRLI, US, PEER);
	rig_quiet();
}
END_TEST

START_TEST(higher_name_goes_first_in_a_collision)
{
	struct frame f = rig_plogi_sent(HOST);

	rig_login(p, ELS_PLOGI, HIGH_WWPN, 0); /* not what FLOGI said, but so it is */
	rig_request(PEER, US, p, sizeof(p));
	rig_take_accept();
	rig_take_els(ELS_PRLI, US, PEER);
	rig_reject(&f, RJT_UNABLE, EXP_IN_PROGRESS); /* nobody waits for that any more */
	rig_quiet();
	ck_assert(rport_by_id(PEER)->pub.wwpn == HIGH_WWPN);
}
END_TEST

START_TEST(rejected_for_a_collision_we_wait_for_theirs)
{
	static const uint8_t how[2][2] = { { RJT_UNABLE, EXP_IN_PROGRESS },
					   { RJT_IN_PROGRESS, 0 } };

	for (int i = 0; i < 2; i++) {
		struct frame f = rig_plogi_sent(TARGET);

		rig_reject(&f, how[i][0], how[i][1]);
		rig_quiet();
		rig_login(p, ELS_PLOGI, LOW_WWPN, 0);
		rig_request(PEER, US, p, sizeof(p));
		rig_take_accept();
		rig_advance(2100);
		rig_quiet(); /* the timer of the retry is gone */
	}
}
END_TEST

START_TEST(refused_plogi_backs_off_and_starts_anew)
{
	static const uint32_t waits[] = { 1000, 2000, 4000, 8000, 16000, 32000 };
	struct frame f = rig_plogi_sent(HOST);

	for (int i = 0; i < 6; i++) {
		rig_reject(&f, RJT_BUSY, 0);
		rig_advance(waits[i] - 10);
		rig_quiet();
		rig_advance(waits[i] / 50 + 20);
		f = *rig_take_els(ELS_PLOGI, US, PEER);
	}
	rig_reject(&f, RJT_BUSY, 0);
	rig_take_els(ELS_FLOGI, 0, FC_ID_FABRIC);
	ck_assert_uint_eq(fc_port.state, WEFT_FCS_LOGIN);
	ck_assert_uint_eq(fc_port.port_id, 0);
}
END_TEST

START_TEST(plogi_without_an_answer_is_aborted)
{
	struct frame f = rig_plogi_sent(HOST), *a;
	const struct fc_hdr ba = { .r_ctl = RCTL_BA_ACC,
				   .type = TYPE_BLS,
				   .ox_id = f.h.ox_id,
				   .d_id = US,
				   .s_id = PEER,
				   .f_ctl = 0x990000 };

	rig_advance(4010);
	a = rig_take();
	ck_assert_uint_eq(a->h.r_ctl, RCTL_ABTS);
	ck_assert_uint_eq(a->h.type, TYPE_BLS);
	ck_assert_uint_eq(a->h.f_ctl, 0x090000);
	ck_assert_uint_eq(a->h.ox_id, f.h.ox_id);
	ck_assert_uint_eq(a->h.rx_id, 0xffff);
	ck_assert_uint_eq(a->h.seq_id, f.h.seq_id);
	ck_assert_uint_eq(a->h.d_id, PEER);
	ck_assert_uint_eq(a->len, 0);
	ck_assert_uint_eq(els_in_use(), 1);
	rig_login(p, ELS_LS_ACC, LOW_WWPN, 0);
	rig_answer(&f, p, sizeof(p)); /* too late */
	rig_quiet();
	rig_frame(&ba, p, 12);
	ck_assert_uint_eq(els_in_use(), 0);
	rig_advance(1010);
	rig_take_els(ELS_PLOGI, US, PEER);
	ck_assert_uint_eq(port_counters.aborts_sent, 1);
}
END_TEST

START_TEST(abort_without_an_answer_ends_too)
{
	struct frame f = rig_plogi_sent(HOST);

	(void)f;
	rig_advance(4010);
	rig_forget();
	rig_advance(10100);
	ck_assert_uint_lt(els_in_use(), 3);
	rig_dark();
	ck_assert_uint_eq(els_in_use(), 0);
}
END_TEST

START_TEST(unusable_plogi_answer_is_answered_with_logo)
{
	struct frame f = rig_plogi_sent(HOST);

	rig_login(p, ELS_LS_ACC, LOW_WWPN, 0);
	put_be16(p + 74, 128);
	rig_answer(&f, p, sizeof(p));
	rig_take_els(ELS_LOGO, US, PEER);
	ck_assert_uint_eq(rport_count(), 0);
	rig_advance(1010);
	f = *rig_take_els(ELS_PLOGI, US, PEER);
	rig_answer(&f, p, 100); /* cut */
	rig_advance(2010);
	rig_take_els(ELS_PLOGI, US, PEER);
}
END_TEST

START_TEST(answers_must_come_from_who_was_asked)
{
	struct frame f = rig_plogi_sent(HOST);
	struct fc_hdr h = { .r_ctl = RCTL_ELS_RSP,
			    .type = TYPE_ELS,
			    .ox_id = f.h.ox_id,
			    .d_id = US,
			    .s_id = PEER,
			    .f_ctl = 0x990000 };
	struct fc_hdr b;

#define WITH(field, value)                   \
	do {                                 \
		b = h;                       \
		b.field = (value);           \
		rig_frame(&b, p, sizeof(p)); \
		rig_quiet();                 \
	} while (0)
	rig_login(p, ELS_LS_ACC, LOW_WWPN, 0);
	WITH(s_id, 0x010155);
	WITH(d_id, 0x010155);
	WITH(f_ctl, 0x290000);
	WITH(seq_cnt, 1);
	WITH(type, TYPE_CT);
	WITH(r_ctl, RCTL_CT_RSP);
	WITH(ox_id, f.h.ox_id + 1);
	WITH(ox_id, f.h.ox_id + 64); /* another generation */
	WITH(ox_id, 0xffff);
	WITH(ox_id, 0x0001);
	rig_frame(&h, p, sizeof(p));
	rig_take_els(ELS_PRLI, US, PEER);
	rig_frame(&h, p, sizeof(p)); /* twice */
	rig_quiet();
}
END_TEST

START_TEST(plogi_of_a_known_port_ends_what_was)
{
	uint16_t i = rig_ptp_high(HOST, 0x10);

	rig_login(p, ELS_PLOGI, LOW_WWPN, 0);
	rig_request(PEER, US, p, sizeof(p));
	ck_assert_uint_eq(rig.gone[i], 1);
	rig_take_accept();
	answer_prli(rig_take_els(ELS_PRLI, US, PEER), 1, 0x10);
	ck_assert_uint_eq(rig.ready[i], 2);
	ck_assert_uint_eq(rport_count(), 1);
}
END_TEST

START_TEST(known_name_with_another_address_replaces)
{
	uint16_t i = rig_ptp_high(TARGET, 0x20);

	rig_login(p, ELS_PLOGI, LOW_WWPN, 0);
	rig_request(0x010155, US, p, sizeof(p));
	rig_take_accept();
	ck_assert_uint_eq(rig.gone[i], 1);
	ck_assert_uint_eq(rport_count(), 1);
	ck_assert_ptr_null(rport_by_id(PEER));
	ck_assert(rport_by_id(0x010155)->pub.wwpn == LOW_WWPN);
}
END_TEST

START_TEST(another_name_at_a_known_address_replaces)
{
	uint16_t i = rig_ptp_high(TARGET, 0x20);

	rig_login(p, ELS_PLOGI, HIGH_WWPN, 0);
	rig_request(PEER, US, p, sizeof(p));
	rig_take_accept();
	ck_assert_uint_eq(rig.gone[i], 1);
	ck_assert(rport_by_id(PEER)->pub.wwpn == HIGH_WWPN);
	ck_assert_ptr_null(rport_by_wwpn(LOW_WWPN));
}
END_TEST

START_TEST(our_own_name_cannot_log_in)
{
	rig_ptp_high(TARGET, 0x20);
	rig_login(p, ELS_PLOGI, OUR_WWPN, 0);
	rig_request(0x010155, US, p, sizeof(p));
	rig_take_reject(RJT_LOGIC, EXP_PARAMS);
	rig_login(p, ELS_PLOGI, 0, 0);
	rig_request(0x010155, US, p, sizeof(p));
	rig_take_reject(RJT_LOGIC, EXP_PARAMS);
	ck_assert_uint_eq(rport_count(), 1);
}
END_TEST

static void log_in(uint32_t id, bool with_prli)
{
	rig_login(p, ELS_PLOGI, 0x5000000000000000ull + id, 0);
	rig_request(id, US, p, sizeof(p));
	rig_take_accept();
	if (!with_prli)
		return;
	rig_prli(p, ELS_PRLI, 0, 0x20);
	rig_request(id, US, p, PRLI_LEN);
	rig_take_accept();
}

START_TEST(full_table_refuses_and_makes_room_where_nothing_runs)
{
	rig_ptp_high(TARGET, 0x20);
	for (uint32_t id = 1; id < WEFT_N_RPORT; id++)
		log_in(id, true);
	ck_assert_uint_eq(rport_count(), WEFT_N_RPORT);
	rig_login(p, ELS_PLOGI, HIGH_WWPN, 0);
	rig_request(0x020000, US, p, sizeof(p));
	rig_take_reject(RJT_UNABLE, EXP_RESOURCES);
	memset(p, 0, sizeof(p));
	p[0] = ELS_LOGO;
	put_be64(p + 8, 0x5000000000000000ull + 7);
	rig_request(7, US, p, 16);
	rig_take_accept();
	log_in(0x020001, false);
	/* Our PRLI after all, refused: it has no NVMe, and goes when another comes. */
	rig_advance(4010);
	rig_reject(rig_take_els(ELS_PRLI, US, 0x020001), RJT_UNSUPPORTED, EXP_UNSUPPORTED);
	rig_login(p, ELS_PLOGI, HIGH_WWPN, 0);
	rig_request(0x020002, US, p, sizeof(p));
	rig_take_els(ELS_LOGO, US, 0x020001);
	rig_take_accept();
	ck_assert_uint_eq(rport_count(), WEFT_N_RPORT);
}
END_TEST

/* --- PRLI -------------------------------------------------------------------------------------------- */

START_TEST(both_prli_make_one_pair)
{
	struct frame f = rig_prli_sent();
	uint8_t q[PRLI_LEN];

	rig_prli(q, ELS_PRLI, 0, 0x30);
	rig_request(PEER, US, q, sizeof(q));
	rig_take_accept();
	ck_assert_uint_eq(rig.ready[0], 1);
	answer_prli(&f, 1, 0x30);
	ck_assert_uint_eq(rig.ready[0], 1);
	ck_assert_uint_eq(rig.gone[0], 0);
	ck_assert_uint_eq(fc_rport(0)->roles, HOST | TARGET);
	rig_quiet();
}
END_TEST

START_TEST(refusal_after_its_own_prli_ends_nothing)
{
	struct frame f = rig_prli_sent();

	rig_prli(p, ELS_PRLI, 0, 0x30);
	rig_request(PEER, US, p, PRLI_LEN);
	rig_take_accept();
	rig_reject(&f, RJT_UNABLE, EXP_IN_PROGRESS);
	ck_assert_uint_eq(rig.gone[0], 0);
	ck_assert_uint_eq(rport_by_id(PEER)->state, RP_READY);
	rig_advance(10000);
	rig_quiet();
}
END_TEST

START_TEST(answer_to_an_exchange_of_long_ago_is_none)
{
	struct frame f = rig_plogi_sent(HOST);
	uint16_t place = f.h.ox_id & 63;

	rig_answer(&f, p,
		   4); /* no PLOGI: it is tried again, with other ids, until one has that place */
	for (int i = 0; i < 200; i++) {
		struct frame g;

		while (!rig_pending())
			rig_advance(500);
		g = *rig_take();
		if (g.p[0] == ELS_PLOGI && (g.h.ox_id & 63) == place) {
			rig_login(p, ELS_LS_ACC, LOW_WWPN, 0);
			rig_answer(&f, p, LOGIN_LEN);
			rig_quiet();
			return;
		}
		if (g.p[0] == ELS_FLOGI)
			rig_login(p, ELS_LS_ACC, LOW_WWPN, 0);
		rig_answer(&g, p, g.p[0] == ELS_FLOGI ? LOGIN_LEN : 4);
	}
	ck_abort_msg("the place was not taken again");
}
END_TEST

START_TEST(port_without_nvme_is_left_alone)
{
	static const struct {
		uint8_t response, bits, type;
	} no[] = { { 8, 0x10, 0x28 }, { 1, 0, 0x28 }, { 1, 0x10, 0x08 }, { 0, 0x10, 0x28 } };

	for (int i = 0; i < 4; i++) {
		struct frame f = rig_prli_sent();

		rig_prli(p, ELS_LS_ACC, no[i].response, no[i].bits);
		p[4] = no[i].type;
		rig_answer(&f, p, PRLI_LEN);
		ck_assert_uint_eq(rig.ready[0], 0);
		rig_advance(60000);
		rig_quiet();
		ck_assert_uint_eq(rport_count(), 1);
	}
}
END_TEST

START_TEST(refused_prli_is_left_alone)
{
	struct frame f = rig_prli_sent();

	rig_reject(&f, RJT_UNSUPPORTED, EXP_UNSUPPORTED);
	rig_advance(60000);
	rig_quiet();
}
END_TEST

START_TEST(busy_prli_is_tried_again)
{
	struct frame f = rig_prli_sent();

	rig_reject(&f, RJT_BUSY, 0);
	rig_advance(1010);
	f = *rig_take_els(ELS_PRLI, US, PEER);
	answer_prli(&f, PRLI_NOT_YET, 0x10);
	rig_advance(1010);
	f = *rig_take_els(ELS_PRLI, US, PEER);
	answer_prli(&f, 1, 0x10);
	ck_assert_uint_eq(rig.ready[0], 1);
}
END_TEST

START_TEST(prli_that_needs_a_login_logs_in)
{
	struct frame f = rig_prli_sent();

	rig_reject(&f, RJT_UNABLE, EXP_LOGIN);
	rig_advance(1010);
	rig_take_els(ELS_PLOGI, US, PEER);
}
END_TEST

START_TEST(prli_without_an_answer_logs_in_again)
{
	rig_prli_sent();
	rig_advance(4010);
	ck_assert_uint_eq(rig_take()->h.r_ctl, RCTL_ABTS);
	rig_advance(1010);
	rig_take_els(ELS_PLOGI, US, PEER);
}
END_TEST

Suite *session_suite(void)
{
	Suite *s = suite_create("sessions");
	TCase *t = tcase_create("sessions");

	tcase_add_test(t, lower_name_gives_way_in_a_collision);
	tcase_add_test(t, higher_name_goes_first_in_a_collision);
	tcase_add_test(t, rejected_for_a_collision_we_wait_for_theirs);
	tcase_add_test(t, refused_plogi_backs_off_and_starts_anew);
	tcase_add_test(t, plogi_without_an_answer_is_aborted);
	tcase_add_test(t, abort_without_an_answer_ends_too);
	tcase_add_test(t, unusable_plogi_answer_is_answered_with_logo);
	tcase_add_test(t, answers_must_come_from_who_was_asked);
	tcase_add_test(t, plogi_of_a_known_port_ends_what_was);
	tcase_add_test(t, known_name_with_another_address_replaces);
	tcase_add_test(t, another_name_at_a_known_address_replaces);
	tcase_add_test(t, our_own_name_cannot_log_in);
	tcase_add_test(t, full_table_refuses_and_makes_room_where_nothing_runs);
	tcase_add_test(t, both_prli_make_one_pair);
	tcase_add_test(t, refusal_after_its_own_prli_ends_nothing);
	tcase_add_test(t, answer_to_an_exchange_of_long_ago_is_none);
	tcase_add_test(t, port_without_nvme_is_left_alone);
	tcase_add_test(t, refused_prli_is_left_alone);
	tcase_add_test(t, busy_prli_is_tried_again);
	tcase_add_test(t, prli_that_needs_a_login_logs_in);
	tcase_add_test(t, prli_without_an_answer_logs_in_again);
	suite_add_tcase(s, t);
	return s;
}
