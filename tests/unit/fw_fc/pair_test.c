/* SPDX-License-Identifier: BSD-2-Clause */
/* Two ports against each other: they find each other whatever happens on the way. */
#include "pair.h"
#include "rig.h"

Suite *pair_suite(void);

#define BOTH (HOST | TARGET)
#define SEEDS 25

static const uint64_t names[2] = { LOW_WWPN, HIGH_WWPN };

/* Roles of the one that starts first and of the other. */
static const uint8_t roles[][2] = {
	{ HOST, TARGET }, { TARGET, HOST }, { BOTH, BOTH }, { HOST, BOTH }, { TARGET, TARGET }
};

#define CASES (2 * (int)(sizeof(roles) / sizeof(roles[0])))

static void check_sees(int i, uint8_t other_roles, uint64_t other_name)
{
	const struct fc_rport *r = pair_sees(i);

	ck_assert_msg(r, "port %d does not see the other", i);
	ck_assert_uint_eq(r->roles, other_roles);
	ck_assert(r->wwpn == other_name);
	ck_assert_uint_eq(r->port_id, pair_port(!i)->port_id);
	ck_assert_uint_eq(r->max_data, 2112);
	ck_assert_uint_eq(pair_port(i)->port_id, pair.port[i].id);
}

static void check_both(int n)
{
	const uint8_t *r = roles[n / 2];

	check_sees(0, r[1], names[!(n & 1)]);
	check_sees(1, r[0], names[n & 1]);
}

static void start_both(uint8_t mode, int n, uint32_t apart_ms)
{
	pair_start(0, mode, roles[n / 2][0], names[n & 1]);
	pair_run(apart_ms);
	pair_start(1, mode, roles[n / 2][1], names[!(n & 1)]);
}

START_TEST(cable_needs_no_timeout)
{
	for (uint32_t apart = 0; apart < 2500; apart += 611) {
		for (uint32_t seed = 0; seed < 6; seed++) {
			pair_reset(seed);
			start_both(WEFT_FCM_NATIVE, _i, apart);
			/* Two targets: one asks for PRLI after twice E_D_TOV. */
			pair_run(roles[_i / 2][0] == TARGET && roles[_i / 2][1] == TARGET ? 4100 :
											    1);
			check_both(_i);
			ck_assert_uint_eq(pair.port[0].goings + pair.port[1].goings, 0);
			ck_assert_uint_eq(pair_failures(0) + pair_failures(1), 0);
			ck_assert_uint_lt(pair.frames, 20);
			pair_run(30000);
			ck_assert_uint_eq(pair_open(), 0);
			ck_assert_uint_lt(pair.frames, 20); /* and then there is silence */
		}
	}
}
END_TEST

START_TEST(loss_only_delays)
{
	for (uint32_t seed = 0; seed < SEEDS; seed++) {
		pair_reset(seed);
		pair.lose = 2 + seed % 7;
		pair.busy = seed % 3 ? 0 : 4;
		start_both(WEFT_FCM_NATIVE, _i, seed);
		pair_run(20000 + chance(40000));
		pair.lose = pair.busy = 0;
		/* The longest way: our last try of PLOGI failed, the other side waits for FLOGI to be over. */
		pair_run(120000);
		check_both(_i);
		pair_run(30000);
		ck_assert_uint_eq(pair_open(), 0);
	}
}
END_TEST

START_TEST(cable_pulled_at_any_moment)
{
	for (uint32_t seed = 0; seed < SEEDS; seed++) {
		pair_reset(seed);
		start_both(WEFT_FCM_NATIVE, _i, seed % 40);
		for (int k = 0; k < 10; k++) {
			pair_run(chance(3) ? chance(30) : chance(5000));
			pair_pull(true);
			pair_run(chance(2) ? chance(20) : chance(3000));
			ck_assert_ptr_null(pair_sees(0));
			ck_assert_ptr_null(pair_sees(1));
			pair_pull(false);
		}
		pair_run(4200);
		check_both(_i);
	}
}
END_TEST

START_TEST(one_port_starts_anew)
{
	for (uint32_t seed = 0; seed < 40; seed++) {
		pair_reset(seed);
		start_both(WEFT_FCM_NATIVE, _i, 5);
		for (int k = 0; k < 5; k++) {
			int who = (int)chance(2);

			pair_run(chance(200));
			if (chance(2))
				pair_stop(who);
			pair_run(chance(40));
			pair_start(who, WEFT_FCM_NATIVE, roles[_i / 2][who], names[(_i & 1) ^ who]);
		}
		pair_run(4200);
		check_both(_i);
	}
}
END_TEST

START_TEST(lost_credit_comes_back_by_link_reset)
{
	pair_reset(7);
	start_both(WEFT_FCM_NATIVE, 0, 5);
	pair_run(10);
	check_both(0);
	pair.lose_rrdy = 1;
	while (pair.port[1].credit) {
		pair_rscn(1);
		pair_run(1);
	}
	pair.lose_rrdy = 0;
	pair_rscn(1);
	pair_run(1); /* it stays in the queue */
	ck_assert_uint_eq(pair.port[1].credit, 0);
	pair_run(3000);
	ck_assert_uint_ge(pair.port[1].credit, 90);
	check_both(0);
	ck_assert_uint_eq(pair.port[0].goings + pair.port[1].goings, 0);
	ck_assert_uint_eq(pair_failures(0) + pair_failures(1), 0);
}
END_TEST

START_TEST(lost_r_rdys_are_survived)
{
	for (uint32_t seed = 0; seed < 40; seed++) {
		pair_reset(seed);
		pair.lose_rrdy = 3;
		start_both(WEFT_FCM_NATIVE, _i, seed);
		pair_run(60000);
		check_both(_i);
	}
}
END_TEST

START_TEST(rscn_is_heard)
{
	pair_reset(1);
	start_both(WEFT_FCM_NATIVE, 0, 0);
	pair_run(10);
	ck_assert_uint_eq(pair_rscn(1), 0);
	pair_run(10);
	ck_assert_uint_eq(pair.port[0].rscns, 1);
	ck_assert_uint_eq(pair.port[1].rscns, 0);
}
END_TEST

START_TEST(target_that_logs_a_host_out_sees_it_again)
{
	pair_reset(1);
	start_both(WEFT_FCM_NATIVE, _i, 0);
	pair_run(10);
	ck_assert_uint_eq(pair_logout(1), 0);
	pair_run(10);
	ck_assert_ptr_null(pair_sees(0));
	ck_assert_ptr_null(pair_sees(1));
	pair_run(1100);
	check_both(_i);
}
END_TEST

/* --- VN2VN --------------------------------------------------------------------------------------- */

#define VN2VN_CASES (CASES - 2) /* two targets never log in there */

START_TEST(ethernet_needs_a_second)
{
	for (uint32_t seed = 0; seed < SEEDS; seed++) {
		pair_reset(seed);
		start_both(WEFT_FCM_VN2VN, _i, seed * 13);
		pair_run(3000); /* both names end alike: one of them has to choose anew */
		check_both(_i);
		ck_assert_uint_ne(pair_port(0)->port_id, pair_port(1)->port_id);
		ck_assert_uint_eq(pair.port[0].goings + pair.port[1].goings, 0);
		pair_run(100000);
		ck_assert_uint_eq(pair.port[0].goings + pair.port[1].goings, 0);
		check_both(_i);
	}
}
END_TEST

START_TEST(loss_on_ethernet_only_delays)
{
	for (uint32_t seed = 0; seed < SEEDS; seed++) {
		pair_reset(seed);
		pair.lose = 2 + seed % 7;
		pair.busy = seed % 3 ? 0 : 4;
		start_both(WEFT_FCM_VN2VN, _i, seed);
		pair_run(20000 + chance(40000));
		pair.lose = pair.busy = 0;
		pair_run(180000);
		check_both(_i);
		ck_assert_uint_ne(pair_port(0)->port_id, pair_port(1)->port_id);
	}
}
END_TEST

START_TEST(silence_on_ethernet_ends_and_begins_logins)
{
	pair_reset(3);
	start_both(WEFT_FCM_VN2VN, _i, 100);
	pair_run(3000);
	pair_pull(true);
	pair_run(40000);
	ck_assert_ptr_null(pair_sees(0));
	ck_assert_ptr_null(pair_sees(1));
	pair_pull(false);
	pair_run(20000);
	check_both(_i);
}
END_TEST

Suite *pair_suite(void)
{
	Suite *s = suite_create("pair");
	TCase *t = tcase_create("pair");

	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, cable_needs_no_timeout, 0, CASES);
	tcase_add_loop_test(t, loss_only_delays, 0, CASES);
	tcase_add_loop_test(t, cable_pulled_at_any_moment, 0, CASES);
	tcase_add_loop_test(t, one_port_starts_anew, 0, CASES);
	tcase_add_test(t, lost_credit_comes_back_by_link_reset);
	tcase_add_loop_test(t, lost_r_rdys_are_survived, 0, CASES);
	tcase_add_test(t, rscn_is_heard);
	tcase_add_loop_test(t, target_that_logs_a_host_out_sees_it_again, 0, 2);
	tcase_add_loop_test(t, ethernet_needs_a_second, 0, VN2VN_CASES);
	tcase_add_loop_test(t, loss_on_ethernet_only_delays, 0, VN2VN_CASES);
	tcase_add_loop_test(t, silence_on_ethernet_ends_and_begins_logins, 0, VN2VN_CASES);
	suite_add_tcase(s, t);
	return s;
}
