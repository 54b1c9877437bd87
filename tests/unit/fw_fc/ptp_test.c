/* SPDX-License-Identifier: BSD-2-Clause */
/* Two N_Ports at one cable: FLOGI, addresses, PLOGI, PRLI, byte by byte. */
#include <string.h>

#include "rig.h"

Suite *ptp_suite(void);

/* What we offer: credit 96, 2112 bytes, in order. */
#define FLOGI_BODY                                                              \
	"20200060 00000840 00000000 000007d0 2000000000000011 2100000000000011" \
	"00000000000000000000000000000000 00000000000000000000000000000000"     \
	"88000000 00000840 00000000 00000000"                                   \
	"00000000000000000000000000000000 00000000000000000000000000000000"
#define FLOGI_ACC_BODY                                                          \
	"20200060 00000840 00002710 000007d0 2000000000000011 2100000000000011" \
	"00000000000000000000000000000000 00000000000000000000000000000000"     \
	"88000000 00000840 00000000 00000000"                                   \
	"00000000000000000000000000000000 00000000000000000000000000000000"
#define PLOGI_BODY                                                              \
	"20200060 80000840 00ff001f 000007d0 2000000000000011 2100000000000011" \
	"00000000000000000000000000000000 00000000000000000000000000000000"     \
	"88000000 00000840 00ff0000 00010000"                                   \
	"00000000000000000000000000000000 00000000000000000000000000000000"

START_TEST(flogi_is_what_the_standard_says)
{
	struct frame *f;

	rig_start(WEFT_FCM_NATIVE, HOST);
	rig_link_up();
	f = rig_take_els(ELS_FLOGI, 0, FC_ID_FABRIC);
	expect_bytes(f->p, f->len, "04000000" FLOGI_BODY);
	ck_assert_uint_eq(f->h.rx_id, 0xffff);
	ck_assert_uint_eq(f->h.seq_cnt, 0);
	ck_assert_uint_eq(f->h.df_ctl, 0);
	rig_quiet();
}
END_TEST

START_TEST(higher_name_gives_the_addresses)
{
	uint8_t p[LOGIN_LEN];
	struct frame *f;

	rig_start(WEFT_FCM_NATIVE, HOST);
	rig_link_up();
	f = rig_take();
	rig_login(p, ELS_LS_ACC, LOW_WWPN, 0);
	rig_answer(f, p, sizeof(p));
	ck_assert_uint_eq(fc_port.port_id, 0x010102);
	ck_assert_uint_eq(rig.id, 0x010102);
	ck_assert_uint_eq(fc_port.state, WEFT_FCS_UP);
	ck_assert_uint_eq(fc_port.topology, WEFT_FCT_PTP);
	f = rig_take_els(ELS_PLOGI, 0x010102, 0x010101);
	expect_bytes(f->p, f->len, "03000000" PLOGI_BODY);
	ck_assert_uint_eq(rig.credit, 1);
	rig_answer(f, p, sizeof(p));
	ck_assert_uint_eq(rig.credit, 16);
	f = rig_take_els(ELS_PRLI, 0x010102, 0x010101);
	expect_bytes(f->p, f->len, "20140018 28000000 00000000 00000000 00000020 00000000");
	ck_assert_ptr_null(fc_rport(0));
	rig_prli(p, ELS_LS_ACC, 1, 0x18);
	rig_answer(f, p, PRLI_LEN);
	ck_assert_uint_eq(rig.ready[0], 1);
	ck_assert_uint_eq(fc_rport(0)->roles, WEFT_FCR_TARGET | WEFT_FCR_DISCOVERY);
	ck_assert_uint_eq(fc_rport(0)->max_data, 1024);
	ck_assert_uint_eq(fc_rport(0)->first_burst, 0);
	ck_assert(fc_rport(0)->wwpn == LOW_WWPN && fc_rport(0)->wwnn == PEER_WWNN);
	ck_assert_uint_eq(fc_rport_by_id(0x010101), 0);
	ck_assert_uint_eq(fc_rport_by_id(0x010102), WEFT_N_RPORT);
	rig_quiet();
}
END_TEST

START_TEST(lower_name_takes_what_plogi_says)
{
	uint8_t p[LOGIN_LEN];
	struct frame *f;

	rig_start(WEFT_FCM_NATIVE, TARGET);
	rig_link_up();
	f = rig_take();
	rig_login(p, ELS_LS_ACC, HIGH_WWPN, 0);
	rig_answer(f, p, sizeof(p));
	ck_assert_uint_eq(fc_port.state, WEFT_FCS_LOGIN);
	rig_quiet();
	rig_login(p, ELS_PLOGI, HIGH_WWPN, 0);
	rig_request(0x000001, 0x000002, p, sizeof(p));
	ck_assert_uint_eq(fc_port.state, WEFT_FCS_UP);
	ck_assert_uint_eq(fc_port.port_id, 2);
	ck_assert_uint_eq(rig.id, 2);
	ck_assert_uint_eq(rig.credit, 16);
	f = rig_take_accept();
	ck_assert_uint_eq(f->h.s_id, 2);
	ck_assert_uint_eq(f->h.d_id, 1);
	expect_bytes(f->p, f->len, "02000000" PLOGI_BODY);
	rig_quiet(); /* a target waits */
	rig_prli(p, ELS_PRLI, 0, 0x20);
	rig_request(1, 2, p, PRLI_LEN);
	f = rig_take_accept();
	expect_bytes(f->p, f->len, "02140018 28000100 00000000 00000000 00000010 00000000");
	ck_assert_uint_eq(rig.ready[0], 1);
	ck_assert_uint_eq(fc_rport(0)->roles, WEFT_FCR_INITIATOR);
}
END_TEST

START_TEST(flogi_that_comes_is_answered)
{
	uint8_t p[LOGIN_LEN];
	struct frame *f;

	rig_start(WEFT_FCM_NATIVE, HOST);
	rig_link_up();
	rig_take_els(ELS_FLOGI, 0, FC_ID_FABRIC);
	rig_login(p, ELS_FLOGI, LOW_WWPN, 0);
	rig_request(0, FC_ID_FABRIC, p, sizeof(p));
	f = rig_take_accept();
	ck_assert_uint_eq(f->h.s_id, FC_ID_FABRIC);
	ck_assert_uint_eq(f->h.d_id, 0);
	expect_bytes(f->p, f->len, "02000000" FLOGI_ACC_BODY);
	rig_take_els(ELS_PLOGI, 0x010102, 0x010101);
}
END_TEST

START_TEST(late_answer_to_flogi_changes_nothing)
{
	uint8_t p[LOGIN_LEN];
	struct frame flogi;

	rig_start(WEFT_FCM_NATIVE, HOST);
	rig_link_up();
	flogi = *rig_take();
	rig_login(p, ELS_FLOGI, LOW_WWPN, 0);
	rig_request(0, FC_ID_FABRIC, p, sizeof(p));
	rig_take_accept();
	rig_take_els(ELS_PLOGI, 0x010102, 0x010101);
	rig_login(p, ELS_LS_ACC, LOW_WWPN, 0);
	rig_answer(&flogi, p, sizeof(p));
	rig_quiet();
	ck_assert_uint_eq(fc_port.port_id, 0x010102);
}
END_TEST

START_TEST(flogi_that_comes_later_starts_anew)
{
	uint8_t p[LOGIN_LEN];

	rig_ptp_high(HOST, 0x10);
	rig_login(p, ELS_FLOGI, LOW_WWPN, 0);
	rig_request(0, FC_ID_FABRIC, p, sizeof(p));
	ck_assert_uint_eq(rig.gone[0], 1);
	rig_take_accept();
	rig_take_els(ELS_PLOGI, 0x010102, 0x010101);
	rig_quiet();
}
END_TEST

START_TEST(own_flogi_is_a_loop)
{
	uint8_t p[LOGIN_LEN];
	struct frame *f;

	rig_start(WEFT_FCM_NATIVE, HOST);
	rig_link_up();
	f = rig_take();
	rig_request(0, FC_ID_FABRIC, f->p, f->len);
	rig_quiet();
	rig_login(p, ELS_LS_ACC, OUR_WWPN, 0);
	rig_answer(f, p, sizeof(p));
	rig_quiet();
	ck_assert_uint_eq(fc_port.state, WEFT_FCS_LOGIN);
	rig_advance(2010); /* the loop may be taken out */
	rig_take_els(ELS_FLOGI, 0, FC_ID_FABRIC);
}
END_TEST

START_TEST(flogi_without_an_answer_is_tried_again)
{
	struct frame first;

	rig_start(WEFT_FCM_NATIVE, HOST);
	rig_link_up();
	first = *rig_take();
	rig_advance(3990);
	rig_quiet();
	rig_advance(60000);
	ck_assert_uint_ge(rig_pending(), 14);
	while (rig_pending())
		ck_assert_uint_ne(rig_take_els(ELS_FLOGI, 0, FC_ID_FABRIC)->h.ox_id, first.h.ox_id);
}
END_TEST

START_TEST(refused_flogi_is_tried_again)
{
	rig_start(WEFT_FCM_NATIVE, HOST);
	rig_link_up();
	rig_reject(rig_take(), RJT_BUSY, 0);
	rig_quiet();
	rig_advance(2010);
	rig_reject(rig_take(), RJT_UNABLE, EXP_RESOURCES);
	rig_advance(2010);
	rig_answer(rig_take(), (const uint8_t *)"\x02\0\0\0", 4); /* too short to be true */
	rig_advance(2010);
	rig_take_els(ELS_FLOGI, 0, FC_ID_FABRIC);
}
END_TEST

START_TEST(no_room_to_send_is_no_reason_to_wait_long)
{
	rig_start(WEFT_FCM_NATIVE, HOST);
	rig.refuse = 3;
	rig_link_up();
	rig_quiet();
	rig_advance(20);
	rig_take_els(ELS_FLOGI, 0, FC_ID_FABRIC);
	rig_quiet();
}
END_TEST

START_TEST(flogi_that_could_not_leave_is_taken_back)
{
	uint8_t p[LOGIN_LEN];

	rig_start(WEFT_FCM_NATIVE, HOST);
	rig.refuse = 1000;
	rig_link_up();
	rig.refuse = 0;
	rig_login(p, ELS_FLOGI, LOW_WWPN, 0);
	rig_request(0, FC_ID_FABRIC, p, sizeof(p));
	rig_advance(20);
	rig_take_accept();
	rig_take_els(ELS_PLOGI, FC_ID_PTP_HIGH, FC_ID_PTP_LOW);
	rig_quiet();
}
END_TEST

START_TEST(plogi_that_never_comes_starts_anew)
{
	uint8_t p[LOGIN_LEN];

	rig_start(WEFT_FCM_NATIVE, HOST);
	rig_link_up();
	rig_login(p, ELS_LS_ACC, HIGH_WWPN, 0);
	rig_answer(rig_take(), p, sizeof(p));
	rig_advance(19900);
	rig_quiet();
	rig_advance(200);
	rig_take_els(ELS_FLOGI, 0, FC_ID_FABRIC);
}
END_TEST

START_TEST(plogi_without_addresses_is_refused)
{
	uint8_t p[LOGIN_LEN];

	rig_start(WEFT_FCM_NATIVE, HOST);
	rig_link_up();
	rig_forget();
	rig_login(p, ELS_PLOGI, HIGH_WWPN, 0);
	rig_request(1, 2, p, sizeof(p)); /* nobody said yet who is the higher */
	rig_take_reject(RJT_BUSY, EXP_NONE);
	rig_login(p, ELS_FLOGI, HIGH_WWPN, 0);
	rig_request(0, FC_ID_FABRIC, p, sizeof(p));
	rig_take_accept();
	rig_login(p, ELS_PLOGI, HIGH_WWPN, 0);
	rig_request(1, 1, p, sizeof(p));
	rig_take_reject(RJT_BUSY, EXP_NONE);
	rig_request(1, FC_ID_FABRIC, p, sizeof(p));
	rig_take_reject(RJT_BUSY, EXP_NONE);
	rig_request(FC_ID_NAMES, 2, p, sizeof(p));
	rig_take_reject(RJT_LOGIC, EXP_NONE);
	rig_login(p, ELS_PLOGI, LOW_WWPN, 0);
	rig_request(1, 2, p, sizeof(p));
	rig_take_reject(RJT_BUSY, EXP_NONE);
	ck_assert_uint_eq(fc_port.state, WEFT_FCS_LOGIN);
}
END_TEST

START_TEST(target_with_the_higher_name_asks_for_prli_at_last)
{
	uint8_t p[LOGIN_LEN];
	struct frame *f;

	rig_start(WEFT_FCM_NATIVE, TARGET);
	rig_link_up();
	rig_login(p, ELS_LS_ACC, LOW_WWPN, 0);
	rig_answer(rig_take(), p, sizeof(p));
	rig_answer(rig_take_els(ELS_PLOGI, 0x010102, 0x010101), p, sizeof(p));
	rig_quiet();
	rig_advance(4010);
	f = rig_take_els(ELS_PRLI, 0x010102, 0x010101);
	rig_prli(p, ELS_LS_ACC, 1, 0x20);
	rig_answer(f, p, PRLI_LEN);
	ck_assert_uint_eq(rig.ready[0], 1);
}
END_TEST

/* What the other offers against what we do. */
static const struct {
	uint16_t class3, size, bb;
	uint32_t max; /* 0: refused */
} sizes[] = {
	{ 0x8800, 2112, 2112, 2112 }, { 0x8000, 2048, 2112, 2048 }, { 0x8800, 2112, 512, 512 },
	{ 0x8800, 1026, 0, 1024 },    { 0x8800, 256, 256, 256 },    { 0x8800, 4095, 4095, 2112 },
	{ 0x8800, 255, 2112, 0 },     { 0x8800, 2112, 128, 0 },     { 0x0800, 2112, 2112, 0 },
	{ 0x8800, 0, 0, 0 },
};

START_TEST(frame_size_is_the_least_of_both)
{
	uint8_t p[LOGIN_LEN];

	rig_ptp_low(TARGET, 0x20);
	rig_login(p, ELS_PLOGI, HIGH_WWPN, 0);
	put_be16(p + 10, sizes[_i].bb);
	put_be16(p + 68, sizes[_i].class3);
	put_be16(p + 74, sizes[_i].size);
	rig_request(0x0a0b0c, 0x0a0b0d, p, sizeof(p));
	ck_assert_uint_eq(rig.gone[0], 1);
	if (!sizes[_i].max) {
		rig_take_reject(RJT_LOGIC, EXP_PARAMS);
		ck_assert_uint_eq(rport_count(), 0);
		return;
	}
	rig_take_accept();
	ck_assert_uint_eq(rport_by_id(0x0a0b0c)->pub.max_data, sizes[_i].max);
}
END_TEST

/* First burst: ours, the other's bit and word, what comes of it, what we say in our LS_ACC. */
static const struct {
	uint32_t ours;
	bool bit;
	uint16_t units;
	uint32_t agreed;
	uint8_t said_bit;
	uint16_t said_units;
} bursts[] = {
	{ 0, false, 0, 0, 0, 0 },
	{ 0, true, 8, 0, 0, 0 },
	{ 8192, false, 0, 0, 0, 0 },
	{ 8192, true, 0, 8192, 1, 16 },
	{ 8192, true, 8, 4096, 1, 8 },
	{ 8192, true, 64, 8192, 1, 16 },
	{ 65536, true, 0xffff, 65536, 1, 128 },
};

START_TEST(first_burst_is_for_both_or_none)
{
	struct weft_arg_fc_port a = rig_args(WEFT_FCM_NATIVE, TARGET);
	uint8_t p[LOGIN_LEN];
	struct frame *f;

	rig_reset();
	a.first_burst = bursts[_i].ours;
	ck_assert_uint_eq(fc_port_set(&a), 0);
	rig_link_up();
	rig_login(p, ELS_LS_ACC, HIGH_WWPN, 0);
	rig_answer(rig_take(), p, sizeof(p));
	rig_login(p, ELS_PLOGI, HIGH_WWPN, 0);
	rig_request(1, 2, p, sizeof(p));
	rig_take_accept();
	rig_prli(p, ELS_PRLI, 0, (uint8_t)(0x20 | bursts[_i].bit));
	put_be16(p + 22, bursts[_i].units);
	rig_request(1, 2, p, PRLI_LEN);
	f = rig_take_accept();
	ck_assert_uint_eq(f->p[19], 0x10 | bursts[_i].said_bit);
	ck_assert_uint_eq(get_be16(f->p + 22), bursts[_i].said_units);
	ck_assert_uint_eq(fc_rport(0)->first_burst, bursts[_i].agreed);
}
END_TEST

START_TEST(host_offers_its_first_burst)
{
	struct weft_arg_fc_port a = rig_args(WEFT_FCM_NATIVE, HOST);
	uint8_t p[LOGIN_LEN];
	struct frame *f;

	rig_reset();
	a.first_burst = 4096;
	ck_assert_uint_eq(fc_port_set(&a), 0);
	rig_link_up();
	rig_login(p, ELS_LS_ACC, LOW_WWPN, 0);
	rig_answer(rig_take(), p, sizeof(p));
	rig_answer(rig_take(), p, sizeof(p));
	f = rig_take_els(ELS_PRLI, 0x010102, 0x010101);
	expect_bytes(f->p, f->len, "20140018 28000000 00000000 00000000 00000021 00000008");
	rig_prli(p, ELS_LS_ACC, 1, 0x11);
	put_be16(p + 22, 4);
	rig_answer(f, p, PRLI_LEN);
	ck_assert_uint_eq(fc_rport(0)->first_burst, 2048);
}
END_TEST

Suite *ptp_suite(void)
{
	Suite *s = suite_create("point-to-point");
	TCase *t = tcase_create("ptp");

	tcase_add_test(t, flogi_is_what_the_standard_says);
	tcase_add_test(t, higher_name_gives_the_addresses);
	tcase_add_test(t, lower_name_takes_what_plogi_says);
	tcase_add_test(t, flogi_that_comes_is_answered);
	tcase_add_test(t, late_answer_to_flogi_changes_nothing);
	tcase_add_test(t, flogi_that_comes_later_starts_anew);
	tcase_add_test(t, own_flogi_is_a_loop);
	tcase_add_test(t, flogi_without_an_answer_is_tried_again);
	tcase_add_test(t, refused_flogi_is_tried_again);
	tcase_add_test(t, no_room_to_send_is_no_reason_to_wait_long);
	tcase_add_test(t, flogi_that_could_not_leave_is_taken_back);
	tcase_add_test(t, plogi_that_never_comes_starts_anew);
	tcase_add_test(t, plogi_without_addresses_is_refused);
	tcase_add_test(t, target_with_the_higher_name_asks_for_prli_at_last);
	tcase_add_loop_test(t, frame_size_is_the_least_of_both, 0,
			    sizeof(sizes) / sizeof(sizes[0]));
	tcase_add_loop_test(t, first_burst_is_for_both_or_none, 0,
			    sizeof(bursts) / sizeof(bursts[0]));
	tcase_add_test(t, host_offers_its_first_burst);
	suite_add_tcase(s, t);
	return s;
}
