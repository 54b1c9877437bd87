/* SPDX-License-Identifier: BSD-2-Clause */
/* Link services that others ask of us: each with a good payload, and with bad ones. */
#include <errno.h>
#include <string.h>

#include "rig.h"

Suite *answer_suite(void);

#define PEER FC_ID_PTP_LOW
#define US FC_ID_PTP_HIGH

static uint8_t p[1024];

static void ask(uint32_t len)
{
	rig_request(PEER, US, p, len);
}

/* From hex; the rest of p is 0. */
static uint32_t say(const char *s)
{
	memset(p, 0, sizeof(p));
	return hex(s, p);
}

/* --- lengths ------------------------------------------------------------------------------------- */

static const struct {
	uint8_t cmd;
	uint32_t good;
	bool longer; /* may be */
} lengths[] = {
	{ ELS_PLOGI, 116, true }, { ELS_PDISC, 116, true }, { ELS_LOGO, 16, false },
	{ ELS_PRLI, 24, false },  { ELS_PRLO, 20, false },  { ELS_ADISC, 28, false },
	{ ELS_RTV, 4, false },    { ELS_RLS, 8, false },    { ELS_RRQ, 12, false },
	{ ELS_ECHO, 4, true },    { ELS_RSCN, 8, false },
};

START_TEST(wrong_lengths_are_refused)
{
	uint32_t good = lengths[_i].good;

	for (uint32_t len = 1; len <= good + 4; len++) {
		if (len == good || (len > good && lengths[_i].longer))
			continue;
		rig_ptp_high(HOST, 0x10);
		memset(p, 0, sizeof(p));
		p[0] = lengths[_i].cmd;
		ask(len);
		rig_take_reject(RJT_PROTOCOL, EXP_LENGTH);
		rig_quiet();
		ck_assert_uint_eq(rig.gone[0], 0);
	}
}
END_TEST

START_TEST(no_payload_is_no_request)
{
	rig_ptp_high(HOST, 0x10);
	ask(0);
	rig_quiet();
}
END_TEST

START_TEST(what_we_do_not_know_is_refused)
{
	static const uint8_t known[] = { 0x03, 0x04, 0x05, 0x0e, 0x0f, 0x10, 0x11,
					 0x12, 0x16, 0x20, 0x21, 0x50, 0x52, 0x61 };
	rig_ptp_high(HOST, 0x10);
	memset(p, 0, sizeof(p));
	for (uint32_t cmd = 0; cmd < 256; cmd++) {
		if (memchr(known, (int)cmd, sizeof(known)))
			continue;
		p[0] = (uint8_t)cmd;
		ask(64);
		rig_take_reject(RJT_UNSUPPORTED, EXP_UNSUPPORTED);
	}
	rig_quiet();
}
END_TEST

START_TEST(some_have_no_answer)
{
	rig_ptp_high(HOST, 0x10);
	ask(say("11000000"));
	ask(say("16000000 00000000"));
	rig_quiet();
}
END_TEST

START_TEST(strange_headers_are_ignored)
{
	const struct fc_hdr good = { .r_ctl = RCTL_ELS_REQ,
				     .type = TYPE_ELS,
				     .rx_id = FC_XID_NONE,
				     .d_id = US,
				     .s_id = PEER,
				     .f_ctl = 0x290000 };
	struct fc_hdr h;

	rig_ptp_high(HOST, 0x10);
	say("0e000000");
#define WITH(field, value)           \
	do {                         \
		h = good;            \
		h.field = (value);   \
		rig_frame(&h, p, 4); \
		rig_quiet();         \
	} while (0)
	WITH(type, 0x28);
	WITH(f_ctl, 0x990000);
	WITH(seq_cnt, 1);
	WITH(d_id, 0x010103);
	WITH(d_id, FC_ID_FABRIC);
	WITH(s_id, 0);
	WITH(s_id, US);
	WITH(r_ctl, RCTL_CT_REQ);
	WITH(r_ctl, 0x24);
	rig_frame(&good, p, 4);
	ck_assert_uint_eq(rig_take()->p[0], ELS_LS_ACC);
}
END_TEST

/* --- who needs a login ----------------------------------------------------------------------------- */

START_TEST(strangers_must_log_in)
{
	static const char *const needs[] = { "52", "20140018 28", "21100014 28",
					     "12", "50",          "61040008" };
	static const uint32_t len[] = { 28, 24, 20, 12, 116, 8 };

	rig_ptp_high(HOST, 0x10);
	for (int i = 0; i < 6; i++) {
		say(needs[i]);
		rig_request(0x010155, US, p, len[i]);
		rig_take_reject(RJT_UNABLE, EXP_LOGIN);
	}
	ck_assert_uint_eq(rport_count(), 1);
}
END_TEST

START_TEST(strangers_may_ask_simple_things)
{
	rig_ptp_high(HOST, 0x10);
	say("0e");
	rig_request(0x010155, US, p, 4);
	ck_assert_uint_eq(rig_take_accept()->h.d_id, 0x010155);
	say("05");
	rig_request(0x010155, US, p, 16);
	rig_take_accept();
	ck_assert_uint_eq(rig.gone[0], 0);
}
END_TEST

/* --- one by one -------------------------------------------------------------------------------------- */

START_TEST(rtv_tells_the_timeouts)
{
	struct frame *f;

	rig_ptp_high(HOST, 0x10);
	ask(say("0e000000"));
	f = rig_take_accept();
	expect_bytes(f->p, f->len, "02000000 00002710 000007d0 00000000");
}
END_TEST

START_TEST(rls_tells_link_failures)
{
	struct frame *f;

	rig_ptp_high(HOST, 0x10);
	port_counters.link_failures = 5;
	ask(say("0f000000 00000000"));
	f = rig_take_accept();
	expect_bytes(f->p, f->len,
		     "02000000 00000005 00000000 00000000 00000000 00000000 00000000");
}
END_TEST

START_TEST(echo_comes_back)
{
	struct frame *f;

	rig_ptp_high(HOST, 0x10);
	for (uint32_t i = 0; i < sizeof(p); i++)
		p[i] = (uint8_t)i;
	put_be32(p, 0x10000000);
	ask(256);
	f = rig_take_accept();
	ck_assert_uint_eq(f->len, 256);
	ck_assert_mem_eq(f->p + 4, p + 4, 252);
	ask(260);
	rig_take_reject(RJT_UNABLE, EXP_LENGTH);
	ask(4);
	ck_assert_uint_eq(rig_take_accept()->len, 4);
}
END_TEST

START_TEST(adisc_is_answered_to_who_it_is)
{
	struct frame *f;

	rig_ptp_high(HOST, 0x10);
	ask(say("52000000 00000000 1000000000000001 4100000000000001 00010101"));
	f = rig_take_accept();
	expect_bytes(f->p, f->len, "02000000 00000000 2000000000000011 2100000000000011 00010102");
	ck_assert_uint_eq(rig.gone[0], 0);
	rig_quiet();
}
END_TEST

START_TEST(adisc_of_another_name_ends_the_login)
{
	static const char *const wrong[] = {
		"52000000 00000000 1000000000000002 4100000000000001 00010101",
		"52000000 00000000 1000000000000001 4100000000000002 00010101",
		"52000000 00000000 1000000000000001 4100000000000001 00010103",
	};
	for (int i = 0; i < 3; i++) {
		rig_ptp_high(HOST, 0x10);
		ask(say(wrong[i]));
		rig_take_reject(RJT_UNABLE, EXP_LOGIN);
		ck_assert_uint_eq(rig.gone[0], 1);
		rig_take_els(ELS_LOGO, US, PEER);
		ck_assert_uint_eq(rport_count(), 0);
	}
}
END_TEST

START_TEST(pdisc_changes_nothing)
{
	rig_ptp_high(HOST, 0x10);
	rig_login(p, ELS_PDISC, LOW_WWPN, 0);
	ask(116);
	ck_assert_uint_eq(rig_take_accept()->len, 116);
	rig_login(p, ELS_PDISC, HIGH_WWPN, 0);
	ask(116);
	rig_take_reject(RJT_UNABLE, EXP_LOGIN);
	ck_assert_uint_eq(rig.gone[0], 0);
}
END_TEST

START_TEST(rrq_is_accepted_for_its_own_exchanges)
{
	rig_ptp_high(HOST, 0x10);
	ask(say("12000000 00010101 1234ffff"));
	rig_take_accept();
	ask(say("12000000 00010102 1234ffff"));
	rig_take_accept();
	ask(say("12000000 00010103 1234ffff"));
	rig_take_reject(RJT_UNABLE, EXP_XID);
}
END_TEST

START_TEST(fdisc_and_a_fabric_login_elsewhere_are_refused)
{
	rig_ptp_high(HOST, 0x10);
	memset(p, 0, sizeof(p));
	p[0] = ELS_FDISC;
	rig_request(PEER, US, p, 116);
	rig_take_reject(RJT_UNSUPPORTED, EXP_UNSUPPORTED);
	rig_login(p, ELS_FLOGI, LOW_WWPN, LOGIN_F_PORT);
	rig_request(0, FC_ID_FABRIC, p, 116);
	rig_take_reject(RJT_UNABLE, EXP_NONE);
	rig_login(p, ELS_FLOGI, 0, 0);
	rig_request(0, FC_ID_FABRIC, p, 116);
	rig_take_reject(RJT_LOGIC, EXP_PARAMS);
	rig_login(p, ELS_FLOGI, LOW_WWPN, 0);
	rig_request(0, FC_ID_FABRIC, p, 100);
	rig_take_reject(RJT_PROTOCOL, EXP_LENGTH);
	ck_assert_uint_eq(rig.gone[0], 0);
}
END_TEST

/* --- PRLI, PRLO --------------------------------------------------------------------------------------- */

START_TEST(prli_for_fcp_is_refused)
{
	rig_ptp_high(TARGET, 0x20);
	ask(say("20100014 08002000 00000000 00000000 00000022"));
	rig_take_reject(RJT_UNSUPPORTED, EXP_UNSUPPORTED);
	ck_assert_uint_eq(rig.gone[0], 0);
}
END_TEST

START_TEST(malformed_prli_is_refused)
{
	static const char *const wrong[] = {
		"20140018 28000000 00000000 00000000 00000020",          /* shorter than it says */
		"20100018 28000000 00000000 00000000 00000020 00000000", /* FCP's page length */
		"2014001c 28000000 00000000 00000000 00000020 00000000",
		"20000018 28000000 00000000 00000000 00000020 00000000",
		"20ff0018 28000000 00000000 00000000 00000020 00000000",
		"20140004",
		"20100014 28000000 00000000 00000000 00000020",
	};
	rig_ptp_high(TARGET, 0x20);
	for (int i = 0; i < 7; i++) {
		ask(say(wrong[i]));
		rig_take_reject(RJT_PROTOCOL, EXP_LENGTH);
	}
	ck_assert_uint_eq(rig.gone[0], 0);
}
END_TEST

START_TEST(prli_without_a_role_gives_no_pair)
{
	rig_ptp_high(TARGET, 0x20);
	ask(say("20140018 28000000 00000000 00000000 00000000 00000000"));
	ck_assert_uint_eq(rig_take_accept()->p[6], PRLI_INVALID);
	ck_assert_uint_eq(rig.gone[0], 0);
}
END_TEST

START_TEST(sler_conf_and_protection_are_declined)
{
	rig_ptp_high(TARGET, 0x20);
	ask(say("20140018 28000000 00000000 00000000 000003a1 00000000"));
	ck_assert_uint_eq(get_be32(rig_take_accept()->p + 16), 0x10);
}
END_TEST

START_TEST(second_prli_is_a_new_process)
{
	rig_ptp_high(TARGET, 0x20);
	rig_prli(p, ELS_PRLI, 0, 0x20);
	ask(24);
	rig_take_accept();
	ck_assert_uint_eq(rig.gone[0], 1);
	ck_assert_uint_eq(rig.ready[0], 2);
}
END_TEST

START_TEST(prli_of_the_other_side_after_ours_is_the_same_pair)
{
	rig_ptp_high(HOST, 0x10);
	rig_prli(p, ELS_PRLI, 0, 0x10);
	ask(24);
	rig_take_accept();
	ck_assert_uint_eq(rig.gone[0], 0);
	ck_assert_uint_eq(rig.ready[0], 1);
	ask(24);
	rig_take_accept();
	ck_assert_uint_eq(rig.gone[0], 1);
	ck_assert_uint_eq(rig.ready[0], 2);
}
END_TEST

START_TEST(prlo_ends_the_pair_not_the_login)
{
	struct frame *f;

	rig_ptp_high(TARGET, 0x20);
	ask(say("21100014 08000000 00000000 00000000 00000000"));
	ck_assert_uint_eq(rig_take_accept()->p[6], PRLI_NO_PAIR);
	ck_assert_uint_eq(rig.gone[0], 0);
	ask(say("21100014 28000000 00000000 00000000 00000000"));
	f = rig_take_accept();
	expect_bytes(f->p, f->len, "02100014 28000100 00000000 00000000 00000000");
	ck_assert_uint_eq(rig.gone[0], 1);
	ck_assert_uint_eq(rport_count(), 1);
	ask(say("21100014 28000000 00000000 00000000 00000000"));
	ck_assert_uint_eq(rig_take_accept()->p[6], PRLI_NO_PAIR);
	ask(say("21140014 28000000 00000000 00000000 00000000"));
	rig_take_reject(RJT_PROTOCOL, EXP_LENGTH);
	rig_prli(p, ELS_PRLI, 0, 0x20);
	ask(24);
	rig_take_accept();
	ck_assert_uint_eq(rig.ready[0], 2);
}
END_TEST

START_TEST(host_asks_again_after_prlo)
{
	rig_ptp_high(HOST, 0x10);
	ask(say("21100014 28000000 00000000 00000000 00000000"));
	rig_take_accept();
	rig_quiet();
	rig_advance(2010);
	rig_take_els(ELS_PRLI, US, PEER);
}
END_TEST

/* --- RSCN ---------------------------------------------------------------------------------------------- */

START_TEST(rscn_of_the_peer_is_passed_on)
{
	rig_ptp_high(HOST, 0x10);
	ask(say("61040008 00010101"));
	rig_take_accept();
	ck_assert_uint_eq(rig.rscn[0], 1);
}
END_TEST

START_TEST(malformed_rscn_is_refused)
{
	static const char *const wrong[] = { "61040004 00010101", "61080008 00010101",
					     "6104000c 00010101", "6104000a 00010101 0000",
					     "61040000 00010101" };
	rig_ptp_high(HOST, 0x10);
	for (int i = 0; i < 5; i++) {
		ask(say(wrong[i]));
		rig_take_reject(RJT_PROTOCOL, EXP_LENGTH);
	}
	ck_assert_uint_eq(rig.rscn[0], 0);
}
END_TEST

START_TEST(target_tells_its_hosts_of_a_change)
{
	struct frame *f;

	rig_ptp_high(TARGET, 0x20);
	ck_assert_uint_eq(fc_rscn(), 0);
	f = rig_take_els(ELS_RSCN, US, PEER);
	expect_bytes(f->p, f->len, "61040008 00010102");
	rig_answer(f, (const uint8_t *)"\x02\0\0\0", 4);
	rig_quiet();
	ck_assert_uint_eq(els_in_use(), 0);
}
END_TEST

START_TEST(rscn_needs_somebody_to_hear_it)
{
	rig_reset();
	ck_assert_uint_eq(fc_rscn(), EINVAL);
	rig_start(WEFT_FCM_NATIVE, TARGET);
	ck_assert_uint_eq(fc_rscn(), ENETDOWN);
	rig_ptp_high(HOST, 0x10);
	ck_assert_uint_eq(fc_rscn(), EINVAL);
	rig_ptp_high(TARGET, 0x10);
	ck_assert_uint_eq(fc_rscn(), ENOTCONN);
	rig_quiet();
}
END_TEST

/* --- room ------------------------------------------------------------------------------------------------ */

START_TEST(answers_wait_for_room_in_their_order)
{
	rig_ptp_high(HOST, 0x10);
	rig.refuse = 1; /* the second might leave before the first */
	ask(say("0e000000"));
	say("0f000000 00000000");
	ask(8);
	rig_quiet();
	rig_advance(20);
	ck_assert_uint_eq(rig_take()->len, 16);
	ck_assert_uint_eq(rig_take()->len, 28);
	rig_quiet();
}
END_TEST

START_TEST(too_many_answers_are_dropped)
{
	rig_ptp_high(HOST, 0x10);
	rig.refuse = 1000000;
	say("0e000000");
	for (int i = 0; i < 50; i++)
		ask(4);
	rig_advance(10);
	rig.refuse = 0;
	rig_advance(10);
	ck_assert_uint_eq(rig_pending(), 8);
	rig_forget();
	ask(4);
	rig_take_accept();
}
END_TEST

START_TEST(answers_do_not_outlive_the_link)
{
	rig_ptp_high(HOST, 0x10);
	rig.refuse = 1;
	ask(say("0e000000"));
	rig_dark();
	rig_advance(50);
	rig_quiet();
}
END_TEST

Suite *answer_suite(void)
{
	Suite *s = suite_create("answers");
	TCase *t = tcase_create("answers");

	tcase_add_loop_test(t, wrong_lengths_are_refused, 0, sizeof(lengths) / sizeof(lengths[0]));
	tcase_add_test(t, no_payload_is_no_request);
	tcase_add_test(t, what_we_do_not_know_is_refused);
	tcase_add_test(t, some_have_no_answer);
	tcase_add_test(t, strange_headers_are_ignored);
	tcase_add_test(t, strangers_must_log_in);
	tcase_add_test(t, strangers_may_ask_simple_things);
	tcase_add_test(t, rtv_tells_the_timeouts);
	tcase_add_test(t, rls_tells_link_failures);
	tcase_add_test(t, echo_comes_back);
	tcase_add_test(t, adisc_is_answered_to_who_it_is);
	tcase_add_test(t, adisc_of_another_name_ends_the_login);
	tcase_add_test(t, pdisc_changes_nothing);
	tcase_add_test(t, rrq_is_accepted_for_its_own_exchanges);
	tcase_add_test(t, fdisc_and_a_fabric_login_elsewhere_are_refused);
	tcase_add_test(t, prli_for_fcp_is_refused);
	tcase_add_test(t, malformed_prli_is_refused);
	tcase_add_test(t, prli_without_a_role_gives_no_pair);
	tcase_add_test(t, sler_conf_and_protection_are_declined);
	tcase_add_test(t, second_prli_is_a_new_process);
	tcase_add_test(t, prli_of_the_other_side_after_ours_is_the_same_pair);
	tcase_add_test(t, prlo_ends_the_pair_not_the_login);
	tcase_add_test(t, host_asks_again_after_prlo);
	tcase_add_test(t, rscn_of_the_peer_is_passed_on);
	tcase_add_test(t, malformed_rscn_is_refused);
	tcase_add_test(t, target_tells_its_hosts_of_a_change);
	tcase_add_test(t, rscn_needs_somebody_to_hear_it);
	tcase_add_test(t, answers_wait_for_room_in_their_order);
	tcase_add_test(t, too_many_answers_are_dropped);
	tcase_add_test(t, answers_do_not_outlive_the_link);
	suite_add_tcase(s, t);
	return s;
}
