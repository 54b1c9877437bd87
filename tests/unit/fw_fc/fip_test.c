/* SPDX-License-Identifier: BSD-2-Clause */
/* FIP VN2VN: probes, claims, beacons, conflicts, neighbours, and the logins that follow. */
#include <stdlib.h>
#include <string.h>

#include "rig.h"

Suite *fip_suite(void);

enum { PROBE = 1, PROBE_REPLY, CLAIM, CLAIM_REPLY, BEACON };

#define US 0x0011u /* low half of OUR_WWPN */
#define PEER 0x00aau
#define REC 8u

/* A frame of another port, as it is built from these. */
static struct {
	uint8_t code;
	uint16_t flags;
	uint32_t id;
	uint64_t wwpn;
	uint8_t types; /* claims: 0 none told, 1 NVMe, 2 FCP only */
	uint32_t pad;
} vn;

static uint8_t f[2300];

static uint32_t build(void)
{
	uint32_t n = hex("011018010004 0257000000aa 8914 1000 0005 00 00 0000 0000"
			 "0202 0257000000aa 0403 0000 4100000000000001 0b05 0efd00000000 00 000000",
			 f);

	f[19] = vn.code;
	put_be16(f + 22, vn.flags);
	put_be24(f + 49, vn.id);
	put_be24(f + 53, vn.id);
	put_be64(f + n, vn.wwpn);
	n += 8;
	if (vn.types && vn.code >= CLAIM) {
		memset(f + n, 0, 168);
		f[n] = 15;
		f[n + 1] = 41;
		if (vn.types == 1)
			put_be32(f + n + 8, 0x100);
		else
			put_be32(f + n + 4, 0x100);
		f[n + 164] = 6;
		f[n + 165] = 1;
		put_be16(f + n + 166, 2158);
		n += 168;
	}
	put_be16(f + 20, (n - 24) / 4);
	memset(f + n, 0, vn.pad);
	return n + vn.pad;
}

static void input(uint32_t len)
{
	uint8_t *lent = malloc(len ? len : 1);

	memcpy(lent, f, len);
	fip_input(lent, len);
	free(lent);
}

static void comes(uint8_t code, uint32_t id, uint64_t wwpn)
{
	vn.code = code;
	vn.id = id;
	vn.wwpn = wwpn;
	input(build());
}

static struct frame *take(uint8_t code)
{
	struct frame *e = rig_take();

	ck_assert(e->ether);
	ck_assert_uint_eq(get_be16(e->p + 12), 0x8914);
	ck_assert_uint_eq(e->p[19], code);
	return e;
}

static uint32_t id_of(const struct frame *e)
{
	return get_be24(e->p + 53);
}

static void start(uint8_t roles)
{
	memset(&vn, 0, sizeof(vn));
	rig_start(WEFT_FCM_VN2VN, roles);
}

/* Up to our claim, or to the first beacon. */
static void probing(uint8_t roles)
{
	start(roles);
	rig_advance(101);
	take(PROBE);
}

static void claiming(uint8_t roles)
{
	probing(roles);
	rig_advance(102);
	take(PROBE);
	rig_advance(403);
	take(CLAIM);
	rig_quiet();
}

static void up(uint8_t roles)
{
	claiming(roles);
	rig_advance(403);
	take(BEACON);
	rig_quiet();
	ck_assert_uint_eq(fc_port.state, WEFT_FCS_UP);
}

/* --- our own address -------------------------------------------------------------------------------- */

START_TEST(start_up_byte_by_byte)
{
	struct frame *e;

	start(HOST | TARGET);
	ck_assert_uint_eq(rig.ctrl, ENG_FCM_FCOE << ENG_FC_CTRL_MODE_LSB);
	ck_assert_uint_eq(rig.map, 0x0efd00);
	ck_assert_uint_eq(rig.credit, ENG_FC_CREDIT_OFF);
	ck_assert_mem_eq(rig.mac, "\x02\x57\0\0\0\x01", 6);
	ck_assert_uint_eq(fc_port.state, WEFT_FCS_LOGIN);
	rig_advance(101);
	e = take(PROBE);
	expect_bytes(e->p, e->len,
		     "011018010004 025700000001 8914 1000 0005 0001 000a 0000"
		     "0202 025700000001 0403 0000 2100000000000011"
		     "0b05 0efd00000011 00 000011 2000000000000011");
	rig_advance(102);
	take(PROBE);
	ck_assert_uint_eq(rig.id, 0);
	rig_advance(403);
	e = take(CLAIM);
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
	e = take(BEACON);
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
	ck_assert_uint_eq(id_of(take(PROBE)), 0x4321);
	a.port_id = 0;
	a.wwpn = 0x200000000000ffffull; /* no address */
	ck_assert_uint_eq(fc_port_set(&a), 0);
	rig_advance(101);
	ck_assert_uint_ne(id_of(take(PROBE)), 0xffff);
}
END_TEST

START_TEST(beacons_go_on)
{
	up(HOST);
	rig_advance(403);
	take(BEACON);
	for (int i = 0; i < 5; i++) { /* each 8 s and up to 100 ms */
		for (uint32_t ms = 0; !rig_pending(); ms++) {
			ck_assert_uint_lt(ms, 8105);
			rig_advance(1);
			ck_assert(ms > 7990 || !rig_pending());
		}
		take(BEACON);
	}
}
END_TEST

START_TEST(lost_frames_are_no_harm)
{
	start(HOST);
	rig.refuse = 2;
	rig_advance(101 + 102);
	rig.refuse = 0;
	rig_advance(403);
	take(CLAIM);
}
END_TEST

/* --- conflicts ----------------------------------------------------------------------------------------- */

START_TEST(probe_of_a_claimed_address_is_answered)
{
	struct frame *e;

	claiming(HOST);
	comes(PROBE, US, HIGH_WWPN);
	e = take(PROBE_REPLY);
	ck_assert_mem_eq(e->p, "\x02\x57\0\0\0\xaa", 6);
	ck_assert_uint_eq(e->len, 64);
	rig_advance(403);
	take(BEACON);
	comes(PROBE, US, HIGH_WWPN);
	take(PROBE_REPLY);
	comes(PROBE, PEER, HIGH_WWPN); /* not ours */
	rig_quiet();
}
END_TEST

START_TEST(of_two_that_probe_the_higher_name_stays)
{
	probing(HOST);
	comes(PROBE, US, LOW_WWPN);
	take(PROBE_REPLY);
	comes(PROBE, US, HIGH_WWPN);
	rig_quiet();
	rig_advance(101);
	ck_assert_uint_ne(id_of(take(PROBE)), US);
}
END_TEST

START_TEST(recorded_address_goes_first)
{
	probing(HOST);
	vn.flags = REC;
	comes(PROBE, US, LOW_WWPN);
	rig_quiet();
	rig_advance(101);
	ck_assert_uint_ne(id_of(take(PROBE)), US);
}
END_TEST

START_TEST(probe_reply_means_taken)
{
	probing(HOST);
	comes(PROBE_REPLY, US + 1, LOW_WWPN); /* not about us */
	comes(PROBE_REPLY, US, LOW_WWPN);
	rig_advance(101);
	ck_assert_uint_ne(id_of(take(PROBE)), US);
	claiming(HOST);
	comes(PROBE_REPLY, US, LOW_WWPN);
	ck_assert_uint_eq(fc_port.port_id, 0);
	rig_advance(101);
	ck_assert_uint_ne(id_of(take(PROBE)), US);
	up(HOST);
	comes(PROBE_REPLY, US, HIGH_WWPN); /* we hold it */
	take(CLAIM);
	ck_assert_uint_eq(fc_port.state, WEFT_FCS_UP);
}
END_TEST

START_TEST(claim_of_our_address_while_probing_means_taken)
{
	probing(HOST);
	comes(CLAIM, US, LOW_WWPN);
	rig_quiet();
	rig_advance(101);
	ck_assert_uint_ne(id_of(take(PROBE)), US);
}
END_TEST

START_TEST(of_two_that_claimed_the_higher_name_stays)
{
	static const uint8_t codes[] = { CLAIM, CLAIM_REPLY, BEACON };

	for (int i = 0; i < 3; i++) {
		up(HOST);
		comes(codes[i], US, LOW_WWPN);
		take(CLAIM);
		ck_assert_uint_eq(fc_port.state, WEFT_FCS_UP);
		comes(codes[i], US, HIGH_WWPN);
		ck_assert_uint_eq(fc_port.state, WEFT_FCS_LOGIN);
		ck_assert_uint_eq(fc_port.port_id, 0);
		ck_assert_uint_eq(rig.id, 0);
		rig_advance(101);
		ck_assert_uint_ne(id_of(take(PROBE)), US);
	}
}
END_TEST

START_TEST(lost_address_ends_logins)
{
	uint8_t p[LOGIN_LEN];

	up(TARGET);
	rig_login(p, ELS_PLOGI, LOW_WWPN, 0);
	rig_request(PEER, US, p, sizeof(p));
	rig_take_accept();
	rig_prli(p, ELS_PRLI, 0, 0x20);
	rig_request(PEER, US, p, PRLI_LEN);
	rig_take_accept();
	ck_assert_uint_eq(rig.ready[0], 1);
	comes(CLAIM, US, HIGH_WWPN);
	ck_assert_uint_eq(rig.gone[0], 1);
	ck_assert_uint_eq(rport_count(), 0);
}
END_TEST

START_TEST(too_many_conflicts_slow_us_down)
{
	uint32_t last;

	start(HOST);
	for (int i = 0; i < 10; i++) {
		rig_advance(101);
		last = id_of(take(PROBE));
		comes(PROBE_REPLY, last, HIGH_WWPN);
	}
	rig_advance(9900);
	rig_quiet();
	rig_advance(200);
	take(PROBE);
}
END_TEST

/* --- neighbours ------------------------------------------------------------------------------------------ */

START_TEST(claim_is_answered_and_its_beacon_leads_to_a_login)
{
	struct frame *e;

	up(HOST);
	vn.types = 1;
	comes(CLAIM, PEER, LOW_WWPN);
	e = take(CLAIM_REPLY);
	ck_assert_mem_eq(e->p, "\x02\x57\0\0\0\xaa", 6);
	ck_assert_uint_eq(e->len, 232);
	rig_quiet(); /* it may not answer yet */
	comes(BEACON, PEER, LOW_WWPN);
	rig_take_els(ELS_PLOGI, US, PEER);
	comes(BEACON, PEER, LOW_WWPN);
	rig_quiet();
}
END_TEST

START_TEST(answer_to_our_claim_leads_to_a_login_when_we_are_up)
{
	claiming(HOST);
	vn.types = 1;
	vn.pad = 1900; /* Linux fills it up to the longest FCoE frame */
	comes(CLAIM_REPLY, PEER, LOW_WWPN);
	rig_quiet();
	rig_advance(403);
	take(BEACON);
	rig_take_els(ELS_PLOGI, US, PEER);
	rig_quiet();
}
END_TEST

START_TEST(beacon_of_a_stranger_is_asked_who_it_is)
{
	up(HOST);
	comes(BEACON, PEER, LOW_WWPN);
	take(CLAIM);
	rig_advance(390);
	rig_forget();
	comes(BEACON, PEER, LOW_WWPN);
	rig_quiet(); /* the answer to our claim may be on its way */
	rig_advance(20);
	rig_forget();
	comes(BEACON, PEER, LOW_WWPN);
	take(CLAIM);
	vn.types = 1;
	comes(CLAIM_REPLY, PEER, LOW_WWPN);
	rig_take_els(ELS_PLOGI, US, PEER);
}
END_TEST

START_TEST(target_waits_for_hosts)
{
	up(TARGET);
	vn.types = 1;
	comes(CLAIM, PEER, LOW_WWPN);
	take(CLAIM_REPLY);
	comes(BEACON, PEER, LOW_WWPN);
	rig_quiet();
}
END_TEST

START_TEST(only_who_may_have_nvme_is_logged_in_to)
{
	up(HOST);
	vn.types = 2;
	comes(CLAIM, PEER, LOW_WWPN);
	take(CLAIM_REPLY);
	comes(BEACON, PEER, LOW_WWPN);
	rig_quiet();
	vn.types = 0;
	comes(CLAIM, PEER, LOW_WWPN);
	take(CLAIM_REPLY);
	rig_take_els(ELS_PLOGI, US, PEER); /* it beaconed before */
}
END_TEST

START_TEST(recorded_claims_are_probed)
{
	up(HOST);
	vn.flags = REC;
	comes(CLAIM, PEER, LOW_WWPN);
	take(PROBE);
	comes(BEACON, PEER, LOW_WWPN);
	take(PROBE);
	rig_quiet();
}
END_TEST

/* A target is there and ready. */
static void neighbour_ready(void)
{
	uint8_t p[LOGIN_LEN];

	up(HOST);
	vn.types = 1;
	comes(CLAIM_REPLY, PEER, LOW_WWPN);
	rig_login(p, ELS_LS_ACC, LOW_WWPN, 0);
	rig_answer(rig_take_els(ELS_PLOGI, US, PEER), p, sizeof(p));
	rig_prli(p, ELS_LS_ACC, 1, 0x10);
	rig_answer(rig_take_els(ELS_PRLI, US, PEER), p, PRLI_LEN);
	ck_assert_uint_eq(rig.ready[0], 1);
	ck_assert_uint_eq(rig.credit, ENG_FC_CREDIT_OFF); /* logins tell nothing of it here */
}

START_TEST(silent_neighbour_is_forgotten)
{
	neighbour_ready();
	for (int i = 0; i < 5; i++) {
		rig_advance(8000);
		comes(BEACON, PEER, LOW_WWPN);
	}
	ck_assert_uint_eq(rig.gone[0], 0);
	rig_advance(19000);
	ck_assert_uint_eq(rig.gone[0], 0);
	rig_advance(10000);
	ck_assert_uint_eq(rig.gone[0], 1);
	ck_assert_uint_eq(rport_count(), 0);
}
END_TEST

START_TEST(claim_of_a_neighbour_makes_sure_of_the_login)
{
	neighbour_ready();
	comes(CLAIM, PEER, LOW_WWPN);
	take(CLAIM_REPLY);
	rig_reject(rig_take_els(ELS_ADISC, US, PEER), RJT_UNABLE, EXP_LOGIN);
	ck_assert_uint_eq(rig.gone[0], 1);
	rig_take_els(ELS_PLOGI, US, PEER);
}
END_TEST

START_TEST(neighbour_that_moves_is_another_login)
{
	neighbour_ready();
	comes(CLAIM, PEER + 1, LOW_WWPN);
	take(CLAIM_REPLY);
	rig_take_els(ELS_LOGO, US, PEER);
	ck_assert_uint_eq(rig.gone[0], 1);
	comes(BEACON, PEER + 1, LOW_WWPN);
	rig_take_els(ELS_PLOGI, US, PEER + 1);
}
END_TEST

START_TEST(another_neighbour_at_its_address_is_another_login)
{
	neighbour_ready();
	comes(CLAIM, PEER, HIGH_WWPN);
	take(CLAIM_REPLY);
	rig_take_els(ELS_LOGO, US, PEER);
	ck_assert_uint_eq(rig.gone[0], 1);
	comes(BEACON, PEER, HIGH_WWPN);
	rig_take_els(ELS_PLOGI, US, PEER);
}
END_TEST

START_TEST(neighbour_that_refuses_logins_is_not_pestered)
{
	int logins = 0;

	up(HOST);
	vn.types = 1;
	comes(CLAIM_REPLY, PEER, LOW_WWPN);
	for (int i = 0; i < 200; i++) { /* 400 s */
		while (rig_pending()) {
			struct frame e = *rig_take();

			if (e.ether)
				continue;
			logins++;
			rig_reject(&e, RJT_UNABLE, 0);
		}
		if (i % 4 == 0)
			comes(BEACON, PEER, LOW_WWPN);
		rig_advance(2000);
	}
	ck_assert_int_ge(logins, 7);
	ck_assert_int_le(logins, 7 * 7);
	comes(CLAIM, PEER, LOW_WWPN); /* it starts anew: so do we */
	rig_forget();
}
END_TEST

START_TEST(more_neighbours_than_places)
{
	up(TARGET);
	vn.types = 1;
	for (uint32_t i = 0; i < 2 * WEFT_N_RPORT; i++) {
		comes(CLAIM, 0x1000 + i, 0x5000000000000000ull + i);
		take(CLAIM_REPLY);
	}
	comes(CLAIM, 0x1000, 0x5000000000000000ull);
	take(CLAIM_REPLY);
}
END_TEST

/* --- logins among equals ---------------------------------------------------------------------------------- */

START_TEST(plogi_before_we_are_up_is_nothing)
{
	uint8_t p[LOGIN_LEN];

	claiming(HOST);
	rig_login(p, ELS_PLOGI, LOW_WWPN, 0);
	rig_request(PEER, US, p, sizeof(p));
	rig_quiet();
}
END_TEST

START_TEST(flogi_has_no_place_here)
{
	uint8_t p[LOGIN_LEN];

	up(HOST);
	rig_login(p, ELS_FLOGI, LOW_WWPN, 0);
	rig_request(PEER, FC_ID_FABRIC, p, sizeof(p));
	rig_take_reject(RJT_UNABLE, EXP_NONE);
}
END_TEST

START_TEST(host_and_target_in_one_both_log_in)
{
	uint8_t p[LOGIN_LEN];
	struct frame e;

	up(HOST | TARGET);
	vn.types = 1;
	comes(CLAIM_REPLY, PEER, HIGH_WWPN);
	e = *rig_take_els(ELS_PLOGI, US, PEER);
	rig_login(p, ELS_PLOGI, HIGH_WWPN, 0);
	rig_request(PEER, US, p, sizeof(p));
	rig_take_accept();
	rig_reject(&e, RJT_UNABLE, EXP_IN_PROGRESS);
	e = *rig_take_els(ELS_PRLI, US, PEER);
	rig_prli(p, ELS_PRLI, 0, 0x30);
	rig_request(PEER, US, p, PRLI_LEN);
	rig_take_accept();
	rig_prli(p, ELS_LS_ACC, 1, 0x30);
	rig_answer(&e, p, PRLI_LEN);
	ck_assert_uint_eq(rig.ready[0], 1);
	ck_assert_uint_eq(rig.gone[0], 0);
}
END_TEST

/* Linux's libfc offers FCP, hears that we have none, and leaves. */
START_TEST(libfc_comes_and_goes)
{
	uint8_t p[LOGIN_LEN];

	up(TARGET);
	vn.types = 2;
	comes(CLAIM, PEER, LOW_WWPN);
	take(CLAIM_REPLY);
	comes(BEACON, PEER, LOW_WWPN);
	rig_login(p, ELS_PLOGI, LOW_WWPN, 0);
	rig_request(PEER, US, p, sizeof(p));
	rig_take_accept();
	rig_request(PEER, US, p, hex("20100014 08000000 00000000 00000000 00000022", p));
	rig_take_reject(RJT_UNSUPPORTED, EXP_UNSUPPORTED);
	rig_request(PEER, US, p, hex("0e000000", p));
	rig_take_accept();
	rig_request(PEER, US, p, hex("05000000 000000aa 1000000000000001", p));
	rig_take_accept();
	rig_quiet();
	ck_assert_uint_eq(rport_count(), 0);
}
END_TEST

START_TEST(stop_says_logo_and_is_silent)
{
	struct weft_arg_fc_port off = { .mode = WEFT_FCM_OFF };

	neighbour_ready();
	ck_assert_uint_eq(fc_port_set(&off), 0);
	rig_take_els(ELS_LOGO, US, PEER);
	ck_assert_uint_eq(rig.ctrl & ENG_FC_CTRL_MODE_MASK, ENG_FCM_FCOE);
	rig_advance(7);
	ck_assert_uint_eq(rig.ctrl & ENG_FC_CTRL_MODE_MASK, ENG_FCM_OFF);
	comes(CLAIM, PEER, LOW_WWPN);
	rig_advance(60000);
	rig_quiet();
	ck_assert_uint_eq(timer_count(), 0);
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
	up(HOST);
	vn = (typeof(vn)){ .code = CLAIM, .id = PEER, .wwpn = LOW_WWPN, .types = 1 };
	uint32_t len = build();
	f[bent[_i].off] = bent[_i].val;
	input(len);
	rig_quiet();
}
END_TEST

START_TEST(cut_frames_are_dropped)
{
	up(HOST);
	vn = (typeof(vn)){ .code = CLAIM, .id = PEER, .wwpn = LOW_WWPN, .types = 1 };
	for (uint32_t n = build(), len = 0; len < n; len++)
		input(len);
	rig_quiet();
	vn.id = 0;
	input(build());
	vn.id = 0xffff;
	input(build());
	vn.id = PEER;
	vn.wwpn = 0;
	input(build());
	vn.wwpn = OUR_WWPN;
	input(build());
	rig_quiet();
}
END_TEST

START_TEST(uncritical_descriptors_are_skipped)
{
	uint32_t n;

	up(HOST);
	vn = (typeof(vn)){ .code = CLAIM, .id = PEER, .wwpn = LOW_WWPN };
	n = build();
	memcpy(f + n, "\xf1\x02whatev", 8);
	put_be16(f + 20, (n + 8 - 24) / 4);
	input(n + 8);
	take(CLAIM_REPLY);
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
	tcase_add_test(t, claim_is_answered_and_its_beacon_leads_to_a_login);
	tcase_add_test(t, answer_to_our_claim_leads_to_a_login_when_we_are_up);
	tcase_add_test(t, beacon_of_a_stranger_is_asked_who_it_is);
	tcase_add_test(t, target_waits_for_hosts);
	tcase_add_test(t, only_who_may_have_nvme_is_logged_in_to);
	tcase_add_test(t, recorded_claims_are_probed);
	tcase_add_test(t, silent_neighbour_is_forgotten);
	tcase_add_test(t, claim_of_a_neighbour_makes_sure_of_the_login);
	tcase_add_test(t, neighbour_that_moves_is_another_login);
	tcase_add_test(t, another_neighbour_at_its_address_is_another_login);
	tcase_add_test(t, neighbour_that_refuses_logins_is_not_pestered);
	tcase_add_test(t, more_neighbours_than_places);
	tcase_add_test(t, plogi_before_we_are_up_is_nothing);
	tcase_add_test(t, flogi_has_no_place_here);
	tcase_add_test(t, host_and_target_in_one_both_log_in);
	tcase_add_test(t, libfc_comes_and_goes);
	tcase_add_test(t, stop_says_logo_and_is_silent);
	tcase_add_loop_test(t, malformed_frames_are_dropped, 0, sizeof(bent) / sizeof(bent[0]));
	tcase_add_test(t, cut_frames_are_dropped);
	tcase_add_test(t, uncritical_descriptors_are_skipped);
	suite_add_tcase(s, t);
	return s;
}
