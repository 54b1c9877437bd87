// SPDX-License-Identifier: BSD-2-Clause
/* Ports of the fabric: link initialisation, credit, what is forwarded and what dropped. */
#include <check.h>
#include <errno.h>
#include <string.h>

#include "rig.h"

static uint64_t counted(size_t at)
{
	return *(const uint64_t *)((const char *)fabric_counters(rig) + at);
}

#define COUNT(name) counted(offsetof(struct fabric_counters, name))

/* Two ports with addresses 010100h and 010200h. */
static void two(void)
{
	rig_open(2, NULL);
	rig_join(0);
	rig_join(1);
	rig_port[0].n = rig_port[1].n = 0;
	rig_port[0].rrdys = rig_port[1].rrdys = 0;
}

static struct rig_frame frame_to(unsigned int from, unsigned int to, size_t len)
{
	struct rig_frame r = { .r_ctl = 0x06,
			       .type = 0x08,
			       .d_id = rig_port[to].id,
			       .s_id = rig_port[from].id,
			       .len = len };
	size_t i;

	for (i = 0; i < len; i++)
		r.payload[i] = (uint8_t)(i * 7);
	return r;
}

/* --- link ------------------------------------------------------------------------------------- */

START_TEST(parameters_are_checked)
{
	struct fabric_params p = { .n = 0 };
	struct fabric *f;

	ck_assert_int_eq(fabric_create(&p, NULL, NULL, &f), -EINVAL);
	p.n = FABRIC_PORTS_MAX + 1;
	ck_assert_int_eq(fabric_create(&p, NULL, NULL, &f), -EINVAL);
	p = (struct fabric_params){ .n = 1, .domain = 0xf0 };
	ck_assert_int_eq(fabric_create(&p, NULL, NULL, &f), -EINVAL);
	ck_assert_ptr_null(f);
}
END_TEST

/* What the port sends for what comes, from a fresh start. */
START_TEST(primitives_are_answered)
{
	static const struct {
		unsigned int n;
		uint8_t come[6], sent;
		bool active;
	} cases[] = {
		{ 1, { WEFT_FC_PRIM_LOS }, WEFT_FC_PRIM_NOS, false },
		{ 1, { WEFT_FC_PRIM_NOS }, WEFT_FC_PRIM_OLS, false },
		{ 1, { WEFT_FC_PRIM_OLS }, WEFT_FC_PRIM_LR, false },
		{ 2, { WEFT_FC_PRIM_OLS, WEFT_FC_PRIM_LR }, WEFT_FC_PRIM_LRR, false },
		{ 2, { WEFT_FC_PRIM_OLS, WEFT_FC_PRIM_LRR }, WEFT_FC_PRIM_IDLE, false },
		{ 3,
		  { WEFT_FC_PRIM_OLS, WEFT_FC_PRIM_LRR, WEFT_FC_PRIM_LR },
		  WEFT_FC_PRIM_LRR,
		  false },
		{ 3,
		  { WEFT_FC_PRIM_OLS, WEFT_FC_PRIM_LR, WEFT_FC_PRIM_IDLE },
		  WEFT_FC_PRIM_IDLE,
		  true },
		{ 3,
		  { WEFT_FC_PRIM_OLS, WEFT_FC_PRIM_LRR, WEFT_FC_PRIM_IDLE },
		  WEFT_FC_PRIM_IDLE,
		  true },
		{ 1, { WEFT_FC_PRIM_LR }, WEFT_FC_PRIM_NOS, false },
		{ 1, { WEFT_FC_PRIM_IDLE }, WEFT_FC_PRIM_NOS, false },
		{ 4,
		  { WEFT_FC_PRIM_OLS, WEFT_FC_PRIM_LRR, WEFT_FC_PRIM_IDLE, WEFT_FC_PRIM_LR },
		  WEFT_FC_PRIM_LRR,
		  false },
		{ 4,
		  { WEFT_FC_PRIM_OLS, WEFT_FC_PRIM_LRR, WEFT_FC_PRIM_IDLE, WEFT_FC_PRIM_NOS },
		  WEFT_FC_PRIM_OLS,
		  false },
		{ 4,
		  { WEFT_FC_PRIM_OLS, WEFT_FC_PRIM_LRR, WEFT_FC_PRIM_IDLE, WEFT_FC_PRIM_LOS },
		  WEFT_FC_PRIM_NOS,
		  false },
	};
	unsigned int i;

	rig_open(1, NULL);
	ck_assert_uint_eq(rig_port[0].prim, WEFT_FC_PRIM_NOS);
	for (i = 0; i < cases[_i].n; i++)
		rig_primitive(0, cases[_i].come[i], 1);
	ck_assert_uint_eq(rig_port[0].prim, cases[_i].sent);
	ck_assert_int_eq(fabric_port_active(rig, 0), cases[_i].active);
	rig_close();
}
END_TEST

START_TEST(a_step_that_is_not_answered_fails_the_link)
{
	rig_open(1, NULL);
	rig_primitive(0, WEFT_FC_PRIM_OLS, 1);
	ck_assert_uint_eq(rig_port[0].prim, WEFT_FC_PRIM_LR);
	ck_assert_uint_eq(fabric_poll(rig, rig_now), rig_now + 100 * MS);
	fabric_poll(rig, rig_now + 100 * MS - 1);
	ck_assert_uint_eq(rig_port[0].prim, WEFT_FC_PRIM_LR);
	fabric_poll(rig, rig_now + 100 * MS);
	/* the other side still sends OLS: at once from NOS to LR again */
	ck_assert_uint_eq(rig_port[0].history[rig_port[0].n_history - 2], WEFT_FC_PRIM_NOS);
	ck_assert_uint_eq(rig_port[0].prim, WEFT_FC_PRIM_LR);
	rig_close();
}
END_TEST

START_TEST(a_link_comes_up_again_after_each_end)
{
	static const uint8_t ends[] = { WEFT_FC_PRIM_LOS, WEFT_FC_PRIM_NOS, WEFT_FC_PRIM_OLS };
	uint32_t ids[4];

	two();
	ck_assert_uint_eq(fabric_port_ids(rig, 0, ids, 4), 1);
	ck_assert_uint_eq(ids[0], 0x010100);
	rig_port[0].mute = true;
	rig_primitive(0, ends[_i], 1);
	rig_wait(10 * MS);
	ck_assert(!fabric_port_active(rig, 0));
	ck_assert_uint_eq(fabric_port_ids(rig, 0, ids, 4), 0);
	ck_assert_uint_eq(COUNT(link_downs), 1);
	rig_join(0);
	ck_assert_uint_eq(fabric_port_ids(rig, 0, ids, 4), 1);
	rig_close();
}
END_TEST

START_TEST(a_link_reset_ends_no_login)
{
	uint32_t id;
	struct rig_frame r;

	two();
	rig_primitive(0, WEFT_FC_PRIM_LR, 1);
	ck_assert_uint_eq(rig_port[0].prim, WEFT_FC_PRIM_LRR);
	rig_primitive(0, WEFT_FC_PRIM_IDLE, 1);
	ck_assert(fabric_port_active(rig, 0));
	ck_assert_uint_eq(fabric_port_ids(rig, 0, &id, 1), 1);
	ck_assert_uint_eq(COUNT(link_resets), 1);
	ck_assert_uint_eq(COUNT(link_downs), 0);
	r = frame_to(1, 0, 96);
	rig_send(1, &r);
	ck_assert_uint_eq(rig_port[0].n, 1);
	rig_close();
}
END_TEST

/* --- frames ----------------------------------------------------------------------------------- */

START_TEST(frames_go_where_they_are_addressed)
{
	struct rig_frame r;
	const struct rig_frame *got;

	two();
	r = frame_to(0, 1, 97);
	r.ox_id = 0x1234;
	rig_send(0, &r);
	got = rig_last(1);
	ck_assert_uint_eq(got->s_id, 0x010100);
	ck_assert_uint_eq(got->ox_id, 0x1234);
	ck_assert_uint_eq(got->len, 97);
	ck_assert(!memcmp(got->payload, r.payload, 97));
	ck_assert_uint_eq(rig_port[0].rrdys, 1);
	r = frame_to(0, 0, 4); /* to itself */
	rig_send(0, &r);
	ck_assert_uint_eq(rig_port[0].n, 1);
	ck_assert_uint_eq(COUNT(forwarded), 2);
	rig_close();
}
END_TEST

START_TEST(what_is_wrong_is_dropped_and_gives_its_credit_back)
{
	static const struct {
		size_t counter;
		uint32_t d_id, s_id;
		uint8_t sof, eof;
		bool crc;
	} cases[] = {
		{ offsetof(struct fabric_counters, unknown), 0x010300, 0x010100, 0, 0, false },
		{ offsetof(struct fabric_counters, unknown), 0xffffff, 0x010100, 0, 0, false },
		{ offsetof(struct fabric_counters, bad_source), 0x010200, 0x010200, 0, 0, false },
		{ offsetof(struct fabric_counters, bad_source), 0x010200, 0, 0, 0, false },
		{ offsetof(struct fabric_counters, bad_source), 0x010200, 0x020100, 0, 0, false },
		{ offsetof(struct fabric_counters, bad_frame), 0x010200, 0x010100, 0x2d, 0, false },
		{ offsetof(struct fabric_counters, bad_crc), 0x010200, 0x010100, 0, 0x49, false },
		{ offsetof(struct fabric_counters, bad_crc), 0x010200, 0x010100, 0, 0x50, false },
		{ offsetof(struct fabric_counters, bad_crc), 0x010200, 0x010100, 0, 0, true },
		{ offsetof(struct fabric_counters, bad_frame), 0xfffffc, 0x010100, 0x36, 0, false },
		{ offsetof(struct fabric_counters, bad_frame), 0xfffffd, 0x010100, 0, 0x41, false },
		{ offsetof(struct fabric_counters, bad_frame), 0xfffffe, 0x010100, 0, 0, false },
	};
	uint8_t unit[WEFT_FC_UNIT_MAX];
	struct rig_frame r;
	size_t len;

	two();
	r = frame_to(0, 1, 96);
	r.d_id = cases[_i].d_id;
	r.s_id = cases[_i].s_id;
	r.sof = cases[_i].sof;
	r.eof = cases[_i].eof;
	len = rig_bytes(&r, unit);
	unit[40] ^= cases[_i].crc;
	fabric_rx(rig, 0, unit, len, rig_now);
	rig_run();
	ck_assert_uint_eq(counted(cases[_i].counter), 1);
	ck_assert_uint_eq(rig_port[0].rrdys, 1);
	ck_assert_uint_eq(rig_port[0].n + rig_port[1].n, 0);
	rig_close();
}
END_TEST

START_TEST(what_is_no_unit_is_counted)
{
	static const uint8_t zero[WEFT_FC_UNIT_MAX + 4];

	two();
	fabric_rx(rig, 0, zero, 0, rig_now);
	fabric_rx(rig, 0, zero, 4, rig_now);
	fabric_rx(rig, 0, zero, 38, rig_now);
	fabric_rx(rig, 0, zero, sizeof(zero), rig_now);
	ck_assert_uint_eq(COUNT(bad_frame), 4);
	fabric_rx(rig, 0, zero, 36, rig_now);
	ck_assert_uint_eq(COUNT(bad_crc), 1);
	rig_close();
}
END_TEST

/* --- credit ----------------------------------------------------------------------------------- */

START_TEST(no_frame_without_credit_and_no_r_rdy_before_it_left)
{
	struct rig_frame r;
	unsigned int i;

	two();
	rig_port[1].keep_credit = true;
	r = frame_to(0, 1, 96);
	for (i = 0; i < 20; i++)
		rig_send(0, &r);
	/* eight is the credit of its login; the others wait */
	ck_assert_uint_eq(rig_port[1].n, 8);
	ck_assert_uint_eq(rig_port[0].rrdys, 8);
	ck_assert_uint_eq(COUNT(no_buffer), 0);
	for (i = 0; i < 10; i++)
		rig_send(0, &r);
	ck_assert_uint_eq(COUNT(no_buffer), 6);
	rig_primitive(1, WEFT_FC_PRIM_R_RDY, 3);
	ck_assert_uint_eq(rig_port[1].n, 11);
	ck_assert_uint_eq(rig_port[0].rrdys, 11);
	rig_primitive(1, WEFT_FC_PRIM_R_RDY, 1000); /* no more than the login said */
	ck_assert_uint_eq(rig_port[1].n, 19);
	rig_close();
}
END_TEST

START_TEST(a_port_that_takes_nothing_holds_up_nobody_else)
{
	struct rig_frame r;
	unsigned int i;

	rig_open(3, NULL);
	for (i = 0; i < 3; i++)
		rig_join(i);
	rig_port[1].keep_credit = true;
	r = frame_to(0, 1, 96);
	for (i = 0; i < 12; i++)
		rig_send(0, &r);
	rig_port[2].n = 0;
	r = frame_to(0, 2, 96);
	rig_send(0, &r);
	ck_assert_uint_eq(rig_port[2].n, 1);
	rig_close();
}
END_TEST

START_TEST(starved_frames_are_dropped_and_the_link_reset)
{
	struct rig_frame r;
	unsigned int i;

	two();
	rig_port[1].keep_credit = true;
	r = frame_to(0, 1, 96);
	for (i = 0; i < 12; i++)
		rig_send(0, &r);
	ck_assert_uint_eq(rig_port[1].n, 8);
	rig_wait(1999 * MS);
	ck_assert_uint_eq(COUNT(timed_out), 0);
	rig_wait(2 * MS);
	ck_assert_uint_eq(COUNT(timed_out), 4);
	ck_assert_uint_eq(rig_port[0].rrdys, 12);
	rig_send(0, &r);
	rig_wait(2001 * MS);
	ck_assert_uint_eq(COUNT(link_resets), 1);
	ck_assert(fabric_port_active(rig, 1));
	rig_send(0, &r);
	ck_assert_uint_eq(rig_last(1)->len, 96);
	rig_close();
}
END_TEST

START_TEST(frames_on_their_way_to_a_dead_link_are_cut)
{
	struct rig_frame r;
	unsigned int i;

	two();
	rig_port[1].keep_credit = true;
	r = frame_to(0, 1, 96);
	for (i = 0; i < 12; i++)
		rig_send(0, &r);
	rig_port[1].mute = true;
	rig_primitive(1, WEFT_FC_PRIM_LOS, 1);
	ck_assert_uint_eq(COUNT(cut), 4);
	ck_assert_uint_eq(rig_port[0].rrdys, 12);
	rig_send(0, &r);
	ck_assert_uint_eq(COUNT(unknown), 1);
	rig_close();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("fabric ports");
	TCase *t = tcase_create("ports");
	SRunner *sr;
	int failed;

	tcase_add_test(t, parameters_are_checked);
	tcase_add_loop_test(t, primitives_are_answered, 0, 13);
	tcase_add_test(t, a_step_that_is_not_answered_fails_the_link);
	tcase_add_loop_test(t, a_link_comes_up_again_after_each_end, 0, 3);
	tcase_add_test(t, a_link_reset_ends_no_login);
	tcase_add_test(t, frames_go_where_they_are_addressed);
	tcase_add_loop_test(t, what_is_wrong_is_dropped_and_gives_its_credit_back, 0, 12);
	tcase_add_test(t, what_is_no_unit_is_counted);
	tcase_add_test(t, no_frame_without_credit_and_no_r_rdy_before_it_left);
	tcase_add_test(t, a_port_that_takes_nothing_holds_up_nobody_else);
	tcase_add_test(t, starved_frames_are_dropped_and_the_link_reset);
	tcase_add_test(t, frames_on_their_way_to_a_dead_link_are_cut);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? 1 : 0;
}
