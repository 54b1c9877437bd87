/* SPDX-License-Identifier: BSD-2-Clause */
/* Link services inside FIP, as libfc sends them in VN2VN mode. */
#include <string.h>

#include "peers.h"

Suite *fip_ls_suite(void);

#define FLOGI_LEN 176u
#define LOGO_LEN 76u

/* What Linux 6.12 sends, but for the addresses. */
static uint32_t flogi_comes(uint32_t s_id, uint32_t d_id)
{
	uint32_t n = hex("025700000001 0257000000aa 8914 1000 0002 00 01 0026 0000"
			 "0724 0000 22 000000 00 000000 01 290000 00 00 0000 0123 ffff 00000000"
			 "04000000 2020 000a 8000 0840 00000000 00000000 1000000000000001"
			 "4100000000000001",
			 vn_frame);

	memset(vn_frame + n, 0, FLOGI_LEN - n);
	put_be16(vn_frame + n + 32, 0x8800);
	put_be24(vn_frame + 29, d_id);
	put_be24(vn_frame + 33, s_id);
	n = FLOGI_LEN - 8;
	hex("0202 0efd00000000", vn_frame + n);
	put_be24(vn_frame + n + 5, s_id);
	return FLOGI_LEN;
}

static uint32_t logo_comes(uint32_t s_id, uint64_t wwpn)
{
	hex("025700000001 0257000000aa 8914 1000 0002 00 01 000d 0000"
	    "090b 0000 22 000011 00 000000 01 290000 00 00 0000 0123 ffff 00000000"
	    "05000000 00000000 0000000000000000 0202 0efd00000000",
	    vn_frame);
	put_be24(vn_frame + 33, s_id);
	put_be24(vn_frame + 57, s_id);
	put_be64(vn_frame + 60, wwpn);
	return LOGO_LEN;
}

START_TEST(flogi_is_answered_without_a_fabric)
{
	struct frame *e;

	vn_up(TARGET);
	vn_input(flogi_comes(VN_PEER, VN_US));
	e = rig_take();
	ck_assert(e->ether);
	ck_assert_uint_eq(e->len, FLOGI_LEN);
	expect_bytes(e->p, 56,
		     "0257000000aa 025700000001 8914 1000 0002 00 02 0026 0000"
		     "0724 0000 23 0000aa 00 000011 01 990000 00 00 0000 0123 ffff 00000000"
		     "02000000");
	ck_assert_uint_eq(get_be16(e->p + 52 + 8) & LOGIN_F_PORT, 0);
	ck_assert_uint_eq(get_be64(e->p + 52 + 20), OUR_WWPN);
	ck_assert_uint_eq(get_be64(e->p + 52 + 28), OUR_WWNN);
	expect_bytes(e->p + FLOGI_LEN - 8, 8, "0202 0efd000000aa");
	rig_quiet();
}
END_TEST

START_TEST(logo_ends_the_login)
{
	vn_ready();
	vn_input(logo_comes(VN_PEER, OUR_WWPN)); /* of a port that is not the sender */
	rig_take();
	ck_assert_uint_eq(rig.gone[0], 0);
	vn_input(logo_comes(VN_PEER, LOW_WWPN));
	expect_bytes(rig_take()->p + 14, 14, "1000 0002 00 02 000a 0000 0908 0000");
	ck_assert_uint_eq(rig.gone[0], 1);
}
END_TEST

START_TEST(logo_of_a_stranger_is_only_answered)
{
	vn_up(TARGET);
	vn_input(logo_comes(0x77, LOW_WWPN));
	ck_assert_uint_eq(rig_take()->len, 64);
	rig_quiet();
}
END_TEST

/* One byte of a FLOGI that is otherwise good. */
static const struct {
	uint32_t at;
	uint8_t value;
} bent[] = {
	{ 6, 0x03 },  /* from a multicast address */
	{ 14, 0x20 }, /* another version */
	{ 17, 0x03 }, /* another operation */
	{ 19, 0x02 }, /* an answer */
	{ 21, 0x27 }, /* longer than it is */
	{ 21, 0x07 }, /* no room for a frame */
	{ 24, 0x08 }, /* FDISC's descriptor */
	{ 25, 0x23 }, /* shorter than FLOGI */
	{ 25, 0xff }, /* longer than the frame */
	{ 28, 0x23 }, /* R_CTL of an answer */
	{ 31, 0x12 }, /* to another port */
	{ 36, 0x08 }, /* no link service */
	{ 52, 0x03 }, /* PLOGI */
};

START_TEST(what_is_bent_is_dropped)
{
	uint32_t len;

	vn_up(TARGET);
	len = flogi_comes(VN_PEER, VN_US);
	vn_frame[bent[_i].at] = bent[_i].value;
	vn_input(len);
	rig_quiet();
}
END_TEST

START_TEST(what_is_cut_is_dropped)
{
	vn_up(TARGET);
	for (uint32_t len = 0; len < FLOGI_LEN; len++) {
		flogi_comes(VN_PEER, VN_US);
		vn_input(len);
	}
	rig_quiet();
}
END_TEST

START_TEST(senders_without_an_address_are_dropped)
{
	vn_up(TARGET);
	vn_input(flogi_comes(0, VN_US));
	vn_input(flogi_comes(VN_US, VN_US));
	vn_input(flogi_comes(0xfffffe, VN_US));
	rig_quiet();
}
END_TEST

START_TEST(nothing_is_answered_before_we_have_an_address)
{
	vn_probing(TARGET);
	vn_input(flogi_comes(VN_PEER, VN_US));
	rig_quiet();
}
END_TEST

Suite *fip_ls_suite(void)
{
	Suite *s = suite_create("fip_ls");
	TCase *t = tcase_create("fip_ls");

	tcase_add_test(t, flogi_is_answered_without_a_fabric);
	tcase_add_test(t, logo_ends_the_login);
	tcase_add_test(t, logo_of_a_stranger_is_only_answered);
	tcase_add_loop_test(t, what_is_bent_is_dropped, 0, sizeof(bent) / sizeof(bent[0]));
	tcase_add_test(t, what_is_cut_is_dropped);
	tcase_add_test(t, senders_without_an_address_are_dropped);
	tcase_add_test(t, nothing_is_answered_before_we_have_an_address);
	suite_add_tcase(s, t);
	return s;
}
