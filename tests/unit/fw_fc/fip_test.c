/* SPDX-License-Identifier: BSD-2-Clause */
/* FIP VN2VN: our address, conflicts, and frames that are malformed. */
#include <string.h>

#include "peers.h"

Suite *fip_suite(void);

#define US VN_US
#define PEER VN_PEER
#define REC 8u /* flag: a recorded address */

/* --- our own address -------------------------------------------------------------------------------- */

START_TEST(start_up_byte_by_byte)
{
	struct frame *e;

	vn_start(HOST | TARGET);
	ck_assert_uint_eq(rig.ctrl, ENG_FCM_FCOE << ENG_FC_CTRL_MODE_LSB);
	ck_assert_uint_eq(rig.map, 0x0efd00);
	ck_assert_uint_eq(rig.credit, ENG_FC_CREDIT_OFF);
	ck_assert_mem_eq(rig.mac, "\x02\x57\0\0\0\x01", 6);
	ck_assert_uint_eq(fc_port.state, WEFT_FCS_LOGIN);
	rig_advance(101);
	e = vn_take(PROBE);
	expect_bytes(e->p, e->len,
		     "011018010004 025700000001 8914 1000 0005 0001 000a 0000"
		     "0202 025700000001 0403 0000 2100000000000011"
		     "0b05 0efd00000011 00 000011 2000000000000011");
	rig_advance(102);
	vn_take(PROBE);
	ck_assert_uint_eq(rig.id, 0);
	rig_advance(403);
	e = vn_take(CLAIM);
	ck_assert_uint_eq(rig.id, 0x11);
	expect_bytes(
		e->p, e->len,
		"011018010004 025700000001 8914 1000 0005 0003 0034 0000"
		"0202 025700000001 0403 0000 2100000000000011"
		"0b05 0efd00000011 00 000011 2000000000000011"
		"0f29 0000 00000000 00000100 00000000 00000000 00000000 00000000 00000000 00000000"
		"00000000 00000000 00000000 00000000 00000000 00000003 00000000 00000000"
		"00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000"
		"00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000"
		"00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000"
		"0601 086e");
	rig_advance(403);
	e = vn_take(BEACON);
	ck_assert_mem_eq(e->p + 6, "\x0e\xfd\0\0\0\x11", 6);
	ck_assert_uint_eq(e->len, 64);
	ck_assert_uint_eq(fc_port.state, WEFT_FCS_UP);
	ck_assert_uint_eq(fc_port.topology, WEFT_FCT_VN2VN);
	ck_assert_uint_eq(fc_port.port_id, 0x11);
	rig_quiet(); /* no FLOGI */
}
END_TEST

START_TEST(address_may_be_asked_for)
{
	struct weft_arg_fc_port a = rig_args(WEFT_FCM_VN2VN, HOST);

	rig_reset();
	a.port_id = 0x4321;
	ck_assert_uint_eq(fc_port_set(&a), 0);
	rig_advance(101);
	ck_assert_uint_eq(vn_id_of(vn_take(PROBE)), 0x4321);
	a.port_id = 0;
	a.wwpn = 0x200000000000ffffull; /* no address */
	ck_assert_uint_eq(fc_port_set(&a), 0);
	rig_advance(101);
	ck_assert_uint_ne(vn_id_of(vn_take(PROBE)), 0xffff);
}
END_TEST

START_TEST(beacons_go_on)
{
	vn_up(HOST);
	rig_advance(403);
	vn_take(BEACON);
	for (int i = 0; i < 5; i++) { /* each 8 s and up to 100 ms */
		for (uint32_t ms = 0; !rig_pending(); ms++) {
			ck_assert_uint_lt(ms, 8105);
			rig_advance(1);
			ck_assert(ms > 7990 || !rig_pending());
		}
		vn_take(BEACON);
	}
}
END_TEST

START_TEST(lost_frames_are_no_harm)
{
	vn_start(HOST);
	rig.refuse = 2;
	rig_advance(101 + 102);
	rig.refuse = 0;
	rig_advance(403);
	vn_take(CLAIM);
}
END_TEST

/* --- conflicts ----------------------------------------------------------------------------------------- */

START_TEST(probe_of_a_claimed_address_is_answered)
{
	struct frame *e;

	vn_claiming(HOST);
	vn_comes(PROBE, US, HIGH_WWPN);
	e = vn_take(PROBE_REPLY);
	ck_assert_mem_eq(e->p, "\x02\x57\0\0\0\xaa", 6);
	ck_assert_uint_eq(e->len, 64);
	rig_advance(403);
	vn_take(BEACON);
	vn_comes(PROBE, US, HIGH_WWPN);
	vn_take(PROBE_REPLY);
	vn_comes(PROBE, PEER, HIGH_WWPN); /* not ours */
	rig_quiet();
}
END_TEST

START_TEST(of_two_that_probe_the_higher_name_stays)
{
	vn_probing(HOST);
	vn_comes(PROBE, US, LOW_WWPN);
	vn_take(PROBE_REPLY);
	vn_comes(PROBE, US, HIGH_WWPN);
	rig_quiet();
	rig_advance(101);
	ck_assert_uint_ne(vn_id_of(vn_take(PROBE)), US);
}
END_TEST

START_TEST(recorded_address_goes_first)
{
	vn_probing(HOST);
	vn.flags = REC;
	vn_comes(PROBE, US, LOW_WWPN);
	rig_quiet();
	rig_advance(101);
	ck_assert_uint_ne(vn_id_of(vn_take(PROBE)), US);
}
END_TEST

START_TEST(probe_reply_means_taken)
{
	vn_probing(HOST);
	vn_comes(PROBE_REPLY, US + 1, LOW_WWPN); /* not about us */
	vn_comes(PROBE_REPLY, US, LOW_WWPN);
	rig_advance(101);
	ck_assert_uint_ne(vn_id_of(vn_take(PROBE)), US);
	vn_claiming(HOST);
	vn_comes(PROBE_REPLY, US, LOW_WWPN);
	ck_assert_uint_eq(fc_port.port_id, 0);
	rig_advance(101);
	ck_assert_uint_ne(vn_id_of(vn_take(PROBE)), US);
	vn_up(HOST);
	vn_comes(PROBE_REPLY, US, HIGH_WWPN); /* we hold it */
	vn_take(CLAIM);
	ck_assert_uint_eq(fc_port.state, WEFT_FCS_UP);
}
END_TEST

START_TEST(claim_of_our_address_while_probing_means_taken)
{
	vn_probing(HOST);
	vn_comes(CLAIM, US, LOW_WWPN);
	rig_quiet();
	rig_advance(101);
	ck_assert_uint_ne(vn_id_of(vn_take(PROBE)), US);
}
END_TEST

START_TEST(of_two_that_claimed_the_higher_name_stays)
{
	static const uint8_t codes[] = { CLAIM, CLAIM_REPLY, BEACON };

	for (int i = 0; i < 3; i++) {
		vn_up(HOST);
		vn_comes(codes[i], US, LOW_WWPN);
		vn_take(CLAIM);
		ck_assert_uint_eq(fc_port.state, WEFT_FCS_UP);
		vn_comes(codes[i], US, HIGH_WWPN);
		ck_assert_uint_eq(fc_port.state, WEFT_FCS_LOGIN);
		ck_assert_uint_eq(fc_port.port_id, 0);
		ck_assert_uint_eq(rig.id, 0);
		rig_advance(101);
		ck_assert_uint_ne(vn_id_of(vn_take(PROBE)), US);
	}
}
END_TEST

START_TEST(lost_address_ends_logins)
{
	uint8_t p[LOGIN_LEN];

	vn_up(TARGET);
	rig_login(p, ELS_PLOGI, LOW_WWPN, 0);
	rig_request(PEER, US, p, sizeof(p));
	rig_take_accept();
	rig_prli(p, ELS_PRLI, 0, 0x20);
	rig_request(PEER, US, p, PRLI_LEN);
	rig_take_accept();
	ck_assert_uint_eq(rig.ready[0], 1);
	vn_comes(CLAIM, US, HIGH_WWPN);
	ck_assert_uint_eq(rig.gone[0], 1);
	ck_assert_uint_eq(rport_count(), 0);
}
END_TEST

START_TEST(too_many_conflicts_slow_us_down)
{
	uint32_t last;

	vn_start(HOST);
	for (int i = 0; i < 10; i++) {
		rig_advance(101);
		last = vn_id_of(vn_take(PROBE));
		vn_comes(PROBE_REPLY, last, HIGH_WWPN);
	}
	rig_advance(9900);
	rig_quiet();
	rig_advance(200);
	vn_take(PROBE);
}
END_TEST

/* --- what is malformed is not there -------------------------------------------------------------------------- */

static const struct {
	const char *what;
	uint16_t off;
	uint8_t val;
} bent[] = {
	{ "version", 14, 0x20 },     { "operation", 17, 4 },       { "type", 13, 0x06 },
	{ "code", 19, 9 },           { "list too long", 21, 200 }, { "list cut", 21, 0x32 },
	{ "no descriptor", 21, 0 },  { "length 0", 25, 0 },        { "MAC length", 25, 3 },
	{ "name length", 33, 2 },    { "VN length", 45, 4 },       { "twice", 32, 2 },
	{ "unknown", 64, 5 },        { "FLOGI", 64, 7 },           { "multicast ENode", 26, 0x03 },
	{ "id over 16 bit", 53, 1 },
};

START_TEST(malformed_frames_are_dropped)
{
	vn_up(HOST);
	vn = (typeof(vn)){ .code = CLAIM, .id = PEER, .wwpn = LOW_WWPN, .types = 1 };
	uint32_t len = vn_build();
	vn_frame[bent[_i].off] = bent[_i].val;
	vn_input(len);
	rig_quiet();
}
END_TEST

START_TEST(cut_frames_are_dropped)
{
	vn_up(HOST);
	vn = (typeof(vn)){ .code = CLAIM, .id = PEER, .wwpn = LOW_WWPN, .types = 1 };
	for (uint32_t n = vn_build(), len = 0; len < n; len++)
		vn_input(len);
	rig_quiet();
	vn.id = 0;
	vn_input(vn_build());
	vn.id = 0xffff;
	vn_input(vn_build());
	vn.id = PEER;
	vn.wwpn = 0;
	vn_input(vn_build());
	vn.wwpn = OUR_WWPN;
	vn_input(vn_build());
	rig_quiet();
}
END_TEST

START_TEST(descriptors_that_come_twice_are_dropped)
{
	uint32_t n;

	vn_up(HOST);
	vn = (struct vn){ .code = CLAIM, .id = PEER, .wwpn = LOW_WWPN };
	n = vn_build();
	memcpy(vn_frame + n, vn_frame + 24, 8);
	put_be16(vn_frame + 20, (n + 8 - 24) / 4);
	vn_input(n + 8);
	rig_quiet();
}
END_TEST

START_TEST(uncritical_descriptors_are_skipped)
{
	uint32_t n;

	vn_up(HOST);
	vn = (typeof(vn)){ .code = CLAIM, .id = PEER, .wwpn = LOW_WWPN };
	n = vn_build();
	memcpy(vn_frame + n, "\xf1\x02whatev", 8);
	put_be16(vn_frame + 20, (n + 8 - 24) / 4);
	vn_input(n + 8);
	vn_take(CLAIM_REPLY);
}
END_TEST

Suite *fip_suite(void)
{
	Suite *s = suite_create("fip");
	TCase *t = tcase_create("fip");

	tcase_add_test(t, start_up_byte_by_byte);
	tcase_add_test(t, address_may_be_asked_for);
	tcase_add_test(t, beacons_go_on);
	tcase_add_test(t, lost_frames_are_no_harm);
	tcase_add_test(t, probe_of_a_claimed_address_is_answered);
	tcase_add_test(t, of_two_that_probe_the_higher_name_stays);
	tcase_add_test(t, recorded_address_goes_first);
	tcase_add_test(t, probe_reply_means_taken);
	tcase_add_test(t, claim_of_our_address_while_probing_means_taken);
	tcase_add_test(t, of_two_that_claimed_the_higher_name_stays);
	tcase_add_test(t, lost_address_ends_logins);
	tcase_add_test(t, too_many_conflicts_slow_us_down);
	tcase_add_loop_test(t, malformed_frames_are_dropped, 0, sizeof(bent) / sizeof(bent[0]));
	tcase_add_test(t, cut_frames_are_dropped);
	tcase_add_test(t, descriptors_that_come_twice_are_dropped);
	tcase_add_test(t, uncritical_descriptors_are_skipped);
	suite_add_tcase(s, t);
	return s;
}
