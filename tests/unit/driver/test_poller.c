/* SPDX-License-Identifier: BSD-2-Clause */
/* Layers that live in the handle's polls; pairs that are made and dropped without waiting. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weft/dev.h>
#include <weft/qp.h>

#include "fake.h"

static struct fake *fake;
static struct weft_dev *dev;

static void open_dev(struct fake *f)
{
	struct weft_dev_params p = { .timeout_ms = 50 };

	fake = f;
	ck_assert_int_eq(weft_dev_open(&fake->bus, &p, &dev), 0);
}

static void setup(void)
{
	open_dev(fake_new());
}

static void setup_eager(void)
{
	open_dev(fake_new_eager());
}

static void teardown(void)
{
	weft_dev_close(dev);
	ck_assert_uint_eq(fake->violations, 0);
	ck_assert_uint_eq(fake->maps_live, 0);
	fake_free(fake);
}

/* --- pollers ---------------------------------------------------------------------------------------- */

struct counter {
	unsigned int runs;
	uint64_t seen;
	uint64_t wake; /* what it answers: so much later, or UINT64_MAX */
	bool nested;
	bool leaves;
};

static uint64_t count(void *arg, uint64_t t)
{
	struct counter *c = arg;

	c->runs++;
	c->seen = t;
	if (c->nested)
		weft_dev_poll(dev);
	if (c->leaves)
		weft_dev_remove_poller(dev, count, c);
	return c->wake == UINT64_MAX ? UINT64_MAX : t + c->wake;
}

START_TEST(a_poller_runs_at_the_end_of_each_poll)
{
	struct counter c = { .wake = UINT64_MAX }, other = c;

	ck_assert_uint_eq(weft_dev_next(dev), UINT64_MAX);
	ck_assert_int_eq(weft_dev_add_poller(dev, count, &c), 0);
	ck_assert_int_eq(weft_dev_add_poller(dev, count, &other), 0);
	ck_assert_int_eq(weft_dev_poll(dev), 1); /* it was due, and something may have come of it */
	ck_assert_int_eq(weft_dev_poll(dev), 0);
	ck_assert_uint_eq(c.runs, 2);
	ck_assert_uint_eq(other.runs, 2);
	ck_assert_uint_eq(c.seen, weft_dev_now(dev));
	weft_dev_remove_poller(dev, count, &c);
	weft_dev_poll(dev);
	ck_assert_uint_eq(c.runs, 2);
	ck_assert_uint_eq(other.runs, 3);
}
END_TEST

START_TEST(there_is_room_for_four)
{
	struct counter c[5];

	memset(c, 0, sizeof(c));
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(weft_dev_add_poller(dev, count, &c[i]), 0);
	ck_assert_int_eq(weft_dev_add_poller(dev, count, &c[4]), -ENOSPC);
	weft_dev_remove_poller(dev, count, &c[4]); /* is not there */
	weft_dev_remove_poller(dev, count, &c[2]);
	ck_assert_int_eq(weft_dev_add_poller(dev, count, &c[4]), 0);
	weft_dev_poll(dev);
	ck_assert_uint_eq(c[2].runs, 0);
	ck_assert_uint_eq(c[4].runs, 1);
}
END_TEST

START_TEST(a_poller_is_never_inside_itself_and_may_leave)
{
	struct counter c = { .nested = true, .leaves = true, .wake = 1 };

	ck_assert_int_eq(weft_dev_add_poller(dev, count, &c), 0);
	weft_dev_poll(dev);
	weft_dev_poll(dev);
	ck_assert_uint_eq(c.runs, 1);
	ck_assert_uint_eq(weft_dev_next(dev), UINT64_MAX);
}
END_TEST

START_TEST(waiting_ends_when_a_poller_wants_to_run)
{
	struct counter c = { .wake = 3000000 };
	uint64_t start;

	ck_assert_int_eq(weft_dev_add_poller(dev, count, &c), 0);
	ck_assert_int_eq(weft_dev_wait(dev, 1000), 1); /* at once, the first time */
	weft_dev_poll(dev);
	start = weft_dev_now(dev);
	ck_assert_int_eq(weft_dev_wait(dev, 1000), 1);
	ck_assert_uint_ge(weft_dev_now(dev), weft_dev_next(dev));
	ck_assert_uint_lt(weft_dev_now(dev) - start, 900000000);
	ck_assert_int_gt(weft_dev_poll(dev), 0);
	ck_assert_int_eq(weft_dev_wait(dev, 1), 0); /* earlier than the poller */
	c.wake = UINT64_MAX;
	weft_dev_poll(dev);
	weft_dev_poll(dev);
	ck_assert_int_eq(weft_dev_wait(dev, 10), 0);
}
END_TEST

static bool ran_twice(void *arg)
{
	return ((struct counter *)arg)->runs >= 2;
}

static bool never(void *arg)
{
	(void)arg;
	return false;
}

START_TEST(a_program_runs_until_something_is_true)
{
	struct counter c = { .wake = 2000000 };

	ck_assert_int_eq(weft_dev_add_poller(dev, count, &c), 0);
	ck_assert_int_eq(weft_dev_run(dev, ran_twice, &c, 0), 0);
	ck_assert_int_eq(weft_dev_run(dev, never, NULL, 10), -ETIMEDOUT);
	fake->gone = fake->write_enodev = true;
	ck_assert_int_eq(weft_nop(dev, 1), -ENODEV);
	ck_assert_int_eq(weft_dev_run(dev, never, NULL, 10), -ENODEV);
	c.runs = 0;
	weft_dev_poll(dev);
	ck_assert_uint_eq(c.runs, 1); /* without a device, too: there is an end to come to */
}
END_TEST

/* --- pairs ------------------------------------------------------------------------------------------ */

static void no_complete(void *arg, const struct weft_completion *c)
{
	(void)arg;
	(void)c;
}

static void no_capsule(void *arg, const struct weft_fc_capsule *c)
{
	(void)arg;
	(void)c;
}

START_TEST(parameters_of_a_fibre_channel_pair)
{
	static const struct {
		uint32_t flags, icd_size;
		bool cb;
	} bad[] = {
		{ WEFT_QP_FC | WEFT_QP_LS | WEFT_QP_CONTROLLER, 1088, true },
		{ WEFT_QP_FC | WEFT_QP_LS, 1088, false },
		{ WEFT_QP_FC | WEFT_QP_CONTROLLER, 0, false },
		{ WEFT_QP_FC | WEFT_QP_LS, 1024, true },
		{ WEFT_QP_FC | WEFT_QP_LS, 1100, true },
		{ WEFT_QP_FC | WEFT_QP_CONTROLLER, 64, true },
		{ WEFT_QP_FC, 64, true },
	};
	struct weft_qp *qp;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct weft_qp_params p = { .complete_cb = no_complete,
					    .fc_capsule_cb = bad[i].cb ? no_capsule : NULL,
					    .flags = bad[i].flags,
					    .icd_size = bad[i].icd_size };

		ck_assert_int_eq(weft_qp_create(dev, &p, &qp), -EINVAL);
		ck_assert_int_eq(weft_qp_create_async(dev, &p, &qp), -EINVAL);
	}
}
END_TEST

START_TEST(a_pair_that_is_made_without_waiting)
{
	struct weft_qp_params p = { .complete_cb = no_complete };
	struct weft_qp *qp, *other;
	uint8_t sqe[64] = { 0 };
	struct weft_cmd cmd = { .sqe = sqe };

	ck_assert_int_eq(weft_qp_create_async(dev, &p, &qp), 0);
	ck_assert_int_eq(weft_qp_create(dev, &p, &other), 0);
	ck_assert_uint_ne(weft_qp_id(qp), weft_qp_id(other));
	ck_assert_int_eq(weft_qp_error(qp), 0);
	ck_assert_int_eq(weft_qp_submit(qp, &cmd), 0);
	ck_assert_int_eq(weft_qp_fc_submit(qp, &cmd, NULL, 0, NULL), -EINVAL); /* of another kind */
	ck_assert_int_eq(weft_dev_reset(dev), 0);
	ck_assert_int_eq(weft_qp_error(qp), -ECANCELED);
	ck_assert_int_eq(weft_qp_delete(qp), 0);
	ck_assert_int_eq(weft_qp_delete(other), 0);
}
END_TEST

START_TEST(what_is_under_way_at_the_end_is_forgotten)
{
	struct weft_qp_params p = { .complete_cb = no_complete };
	struct weft_qp *a, *b, *c;

	ck_assert_int_eq(weft_qp_create(dev, &p, &a), 0);
	fake->keep_admin = true;
	ck_assert_int_eq(weft_qp_create_async(dev, &p, &b), 0); /* never answered */
	ck_assert_int_eq(weft_qp_create_async(dev, &p, &c), 0);
	weft_qp_drop(a);
	weft_qp_drop(c);
	weft_dev_poll(dev);
	weft_dev_poll(dev);
	ck_assert_int_eq(weft_qp_error(b), 0);
	fake->keep_admin = false;
	if (_i)
		ck_assert_int_eq(weft_dev_reset(dev), 0);
	weft_dev_poll(dev);
	if (_i)
		ck_assert_int_eq(weft_qp_error(b), -ECANCELED);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("poller");
	TCase *t = tcase_create("device time");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_poller_runs_at_the_end_of_each_poll);
	tcase_add_test(t, there_is_room_for_four);
	tcase_add_test(t, a_poller_is_never_inside_itself_and_may_leave);
	tcase_add_test(t, waiting_ends_when_a_poller_wants_to_run);
	tcase_add_test(t, a_program_runs_until_something_is_true);
	tcase_add_test(t, parameters_of_a_fibre_channel_pair);
	tcase_add_test(t, a_pair_that_is_made_without_waiting);
	tcase_add_loop_test(t, what_is_under_way_at_the_end_is_forgotten, 0, 2);
	suite_add_tcase(s, t);
	t = tcase_create("wall time");
	tcase_add_checked_fixture(t, setup_eager, teardown);
	tcase_add_test(t, waiting_ends_when_a_poller_wants_to_run);
	tcase_add_test(t, a_program_runs_until_something_is_true);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
