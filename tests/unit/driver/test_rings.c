/* SPDX-License-Identifier: BSD-2-Clause */
/* Queue pairs over the fake adapter: rings, events, interrupts, loss of the device. */
#include "pairs.h"

START_TEST(ring_wraps_many_times)
{
	unsigned int i, total = 0;
	struct weft_qp *qp;

	open_dev();
	qp = make_qp(2, true);
	for (i = 0; i < 1000; i++) { /* odd numbers per round meet every index and both phases */
		uint16_t k, n = (uint16_t)(1 + i % 3);

		for (k = 0; k < n; k++)
			ck_assert_int_eq(submit(qp, k), 0);
		ck_assert_int_eq(weft_qp_doorbell(qp), 0);
		poll_until(total += n);
		ck_assert_uint_eq(weft_qp_inflight(qp), 0);
	}
	ck_assert_uint_eq(seen.errors, 0);
	drop_qp(qp);
	close_dev();
}
END_TEST

START_TEST(ring_full_and_cid_rules)
{
	struct weft_qp *qp;
	uint16_t i;

	open_dev();
	qp = make_qp(3, true);
	f->frozen = true;
	ck_assert_int_eq(submit(qp, 8), -EINVAL);
	for (i = 0; i < 7; i++)
		ck_assert_int_eq(submit(qp, (uint16_t)(7 - i)), 0);
	ck_assert_int_eq(submit(qp, 3), -EEXIST);
	ck_assert_int_eq(submit(qp, 0), -EAGAIN);
	f->frozen = false;
	weft_qp_doorbell(qp);
	poll_until(7);
	ck_assert_int_eq(submit(qp, 3), 0);
	weft_qp_doorbell(qp);
	poll_until(8);
	drop_qp(qp);
	close_dev();
}
END_TEST

START_TEST(one_doorbell_for_many_commands)
{
	unsigned int before;
	struct weft_qp *qp;
	uint16_t i;

	open_dev();
	qp = make_qp(6, true);
	before = f->sq_doorbells;
	for (i = 0; i < 40; i++)
		ck_assert_int_eq(submit(qp, i), 0);
	ck_assert_uint_eq(f->sq_doorbells, before);
	ck_assert_int_eq(weft_qp_doorbell(qp), 0);
	ck_assert_int_eq(weft_qp_doorbell(qp), 0);
	ck_assert_uint_eq(f->sq_doorbells, before + 1);
	seen.resubmit_on = qp;
	seen.resubmits = 40;
	poll_until(80);
	ck_assert_uint_eq(f->sq_doorbells,
			  before + 2); /* all 40 from callbacks: one at the end of the poll */
	drop_qp(qp);
	close_dev();
}
END_TEST

START_TEST(completions_out_of_order)
{
	static const uint16_t order[] = { 5, 0, 7, 1, 6, 2 };
	struct weft_qp *qp;
	unsigned int i;
	uint16_t k;

	open_dev();
	qp = make_qp(3, true);
	f->hold = true;
	for (k = 0; k < 3; k++) {
		ck_assert_int_eq(submit(qp, k), 0);
		ck_assert_int_eq(submit(qp, (uint16_t)(k + 5)), 0);
	}
	weft_qp_doorbell(qp);
	weft_dev_poll(dev);
	for (i = 0; i < 6; i++)
		fake_release(f, weft_qp_id(qp), order[i], i % 2 ? EFAULT : 0);
	poll_until(6);
	ck_assert_mem_eq(seen.order, order, sizeof(order));
	ck_assert_uint_eq(seen.errors, 3);
	ck_assert_int_eq(seen.last_error, -EFAULT);
	drop_qp(qp);
	close_dev();
}
END_TEST

START_TEST(events_reach_their_pair)
{
	struct weft_qp *qp;

	open_dev();
	qp = make_qp(4, true);
	ck_assert_int_eq(submit(qp, 3), 0);
	f->hold = true;
	weft_qp_doorbell(qp);
	weft_dev_poll(dev);
	fake_kill_conn(f, weft_qp_id(qp), ECONNRESET);
	weft_dev_poll(dev);
	ck_assert_uint_eq(seen.n, 1);
	ck_assert_int_eq(seen.last_error, -ECONNRESET);
	ck_assert_uint_eq(seen.events, 1);
	ck_assert_uint_eq(seen.event.qp, weft_qp_id(qp));
	ck_assert_uint_eq(seen.event.code, WEFT_EV_CONN_ERROR);
	ck_assert_uint_eq(seen.event.dw1, ECONNRESET);
	drop_qp(qp);
	close_dev();
}
END_TEST

START_TEST(nonsense_completions_are_ignored)
{
	struct weft_cq_entry e[] = {
		{ .type = WEFT_CQT_COMMAND, .cid = 4 },     /* not in flight */
		{ .type = WEFT_CQT_COMMAND, .cid = 65535 }, /* out of range */
		{ .type = WEFT_CQT_ADMIN, .cid = 3 },       /* wrong pair */
		{ .type = 77, .cid = 3 },
	};
	struct weft_qp *qp;
	unsigned int i;

	open_dev();
	qp = make_qp(4, true);
	f->hold = true;
	ck_assert_int_eq(submit(qp, 3), 0);
	weft_qp_doorbell(qp);
	weft_dev_poll(dev);
	for (i = 0; i < 4; i++)
		fake_post(f, weft_qp_id(qp), &e[i]);
	weft_dev_poll(dev);
	ck_assert_uint_eq(seen.n, 0);
	fake_release(f, weft_qp_id(qp), 3, EIO);
	poll_until(1);
	drop_qp(qp);
	close_dev();
}
END_TEST

START_TEST(pair_deleted_from_its_own_callback)
{
	struct weft_qp *qp;
	uint16_t i;

	open_dev();
	qp = make_qp(4, true);
	f->hold = true;
	for (i = 0; i < 10; i++)
		ck_assert_int_eq(submit(qp, i), 0);
	weft_qp_doorbell(qp);
	weft_dev_poll(dev);
	fake_release(f, weft_qp_id(qp), 2, EIO);
	fake_release(f, weft_qp_id(qp), 3, EIO);
	seen.resubmit_on = qp;
	seen.delete_it = true;
	weft_dev_poll(dev);
	ck_assert_uint_ge(seen.n, 1);
	ck_assert_int_eq(weft_nop(dev, 1), 0);
	close_dev();
}
END_TEST

START_TEST(pairs_run_out_and_come_back)
{
	struct weft_qp_params p = { .complete_cb = on_complete, .arg = &seen, .sq_log2 = 1 };
	struct weft_qp *qp[127], *one;
	unsigned int i;

	open_dev();
	for (i = 0; i < 127; i++)
		ck_assert_int_eq(weft_qp_create(dev, &p, &qp[i]), 0);
	ck_assert_int_eq(weft_qp_create(dev, &p, &one), -ENOSPC);
	ck_assert_int_eq(weft_qp_delete(qp[50]), 0);
	ck_assert_int_eq(weft_qp_create(dev, &p, &qp[50]), 0);
	ck_assert_uint_eq(weft_qp_id(qp[50]), 51);
	p.vector = 128;
	ck_assert_int_eq(weft_qp_delete(qp[50]), 0);
	ck_assert_int_eq(weft_qp_create(dev, &p, &one), -ERANGE);
	close_dev(); /* with 126 pairs left: they are the handle's to free */
}
END_TEST

START_TEST(connected_pair_is_not_deleted)
{
	struct weft_qp *qp;
	uint32_t v[3];

	open_dev();
	qp = make_qp(4, true);
	ck_assert_int_eq(weft_qp_delete(qp), -EBUSY);
	ck_assert_int_eq(weft_qp_stats(qp, 3, v), 0);
	ck_assert_uint_eq(v[0], 301);
	ck_assert_uint_eq(v[2], 303);
	drop_qp(qp);
	close_dev();
}
END_TEST

START_TEST(connect_errors_come_back)
{
	struct weft_connect c = { .remote_ip = 0x0a000002, .remote_port = 4420 };
	struct weft_qp *qp;

	open_dev();
	qp = make_qp(4, false);
	f->connect_errno = ECONNREFUSED;
	ck_assert_int_eq(weft_qp_connect(qp, &c, NULL), -ECONNREFUSED);
	ck_assert_ptr_nonnull(strstr(weft_last_error(), "10.0.0.2:4420"));
	c.hpda = 32;
	ck_assert_int_eq(weft_qp_connect(qp, &c, NULL), -EINVAL);
	drop_qp(qp);
	close_dev();
}
END_TEST

static void vanish(bool silent)
{
	struct weft_qp *qp;

	open_dev();
	qp = make_qp(4, true);
	f->hold = true;
	ck_assert_int_eq(submit(qp, 1), 0);
	ck_assert_int_eq(submit(qp, 2), 0);
	weft_qp_doorbell(qp);
	weft_dev_poll(dev);
	f->gone = true;
	f->write_enodev = !silent;
	f->frozen = true;
	ck_assert_int_eq(weft_nop(dev, 1), -ENODEV);
	ck_assert_int_eq(weft_dev_read32(dev, WEFT_SCRATCH, &(uint32_t){ 0 }), -ENODEV);
	weft_dev_poll(dev);
	ck_assert_uint_eq(seen.n, 2);
	ck_assert_int_eq(seen.last_error, -ENODEV);
	ck_assert_int_eq(submit(qp, 1), -ENODEV);
	ck_assert_int_eq(weft_dev_poll(dev), -ENODEV);
	ck_assert_int_eq(weft_qp_delete(qp), 0);
	close_dev();
}

START_TEST(device_vanishes_silently)
{
	vanish(true);
}
END_TEST

START_TEST(device_vanishes_with_an_error)
{
	vanish(false);
}
END_TEST

START_TEST(reset_ends_commands_and_starts_anew)
{
	struct weft_qp *qp, *again;

	open_dev();
	qp = make_qp(4, true);
	f->hold = true;
	ck_assert_int_eq(submit(qp, 1), 0);
	weft_qp_doorbell(qp);
	weft_dev_poll(dev);
	ck_assert_int_eq(weft_dev_reset(dev), 0);
	ck_assert_uint_eq(f->resets, 1);
	weft_dev_poll(dev);
	ck_assert_uint_eq(seen.n, 1);
	ck_assert_int_eq(seen.last_error, -ECANCELED);
	ck_assert_int_eq(submit(qp, 1), -ENOTCONN);
	ck_assert_int_eq(weft_qp_delete(qp), 0);
	f->hold = false;
	again = make_qp(4, true);
	ck_assert_int_eq(submit(again, 1), 0);
	weft_qp_doorbell(again);
	poll_until(1);
	drop_qp(again);
	close_dev();
}
END_TEST

/* As its watchdog does: all rings are forgotten, and nothing tells the host. */
START_TEST(a_device_that_reset_itself_is_noticed)
{
	struct weft_qp *qp, *again;
	unsigned long polls = 0;
	int rc = 0;

	open_dev();
	qp = make_qp(4, true);
	f->hold = true;
	ck_assert_int_eq(submit(qp, 1), 0);
	weft_qp_doorbell(qp);
	weft_dev_poll(dev);
	f->aq_ctrl = 0;
	f->fw_dead = _i == 2;
	while (!rc && polls++ < 200000) /* never sleeps: all of the device, or one pair */
		rc = _i == 1 ? weft_qp_poll(qp, 0) : weft_dev_poll(dev);
	ck_assert_int_eq(rc, -ENODEV);
	ck_assert_ptr_nonnull(strstr(weft_last_error(), _i == 2 ? "dead" : "reset itself"));
	ck_assert_int_eq(weft_dev_poll(dev), -ENODEV);
	ck_assert_uint_eq(seen.n, 1);
	ck_assert_int_eq(seen.last_error, -ENODEV);
	ck_assert_int_eq(submit(qp, 2), -ENODEV);
	f->hold = f->fw_dead = false;
	ck_assert_int_eq(weft_dev_reset(dev), 0);
	ck_assert_int_eq(submit(qp, 2), -ENOTCONN);
	ck_assert_int_eq(weft_qp_delete(qp), 0);
	again = make_qp(4, true);
	ck_assert_int_eq(submit(again, 1), 0);
	weft_qp_doorbell(again);
	poll_until(1);
	drop_qp(again);
	close_dev();
}
END_TEST

START_TEST(a_handle_that_lost_its_device_resets_it_when_it_closes)
{
	open_dev();
	make_qp(4, true);
	f->aq_ctrl = 0;
	f->fw_dead = true; /* its engines may still have the rings */
	ck_assert_int_eq(weft_dev_wait(dev, 1000), -ENODEV);
	ck_assert_uint_eq(f->resets, 0);
	weft_dev_close(dev);
	ck_assert_uint_eq(f->resets, 1);
	ck_assert(f->closed);
	fake_free(f);
}
END_TEST

START_TEST(interrupts_wake_a_sleeper)
{
	struct pollfd p = { .events = POLLIN };
	struct weft_qp *qp;
	unsigned int i;

	open_eager();
	qp = make_qp(4, true);
	ck_assert_uint_gt(f->irqs_live, 1);
	f->hold = true;
	ck_assert_int_eq(submit(qp, 1), 0);
	weft_qp_doorbell(qp);
	p.fd = weft_dev_fd(dev);
	ck_assert_int_eq(weft_dev_arm(dev), 0);
	ck_assert_int_eq(poll(&p, 1, 0), 0);
	ck_assert_int_eq(weft_dev_wait(dev, 5), 0);
	fake_release(f, weft_qp_id(qp), 1, EIO);
	ck_assert_int_eq(poll(&p, 1, 0), 1);
	ck_assert_int_eq(weft_dev_wait(dev, 1000), 1);
	poll_until(1);
	f->hold = false;
	for (i = 0; i < 20;
	     i++) { /* armed again each time, also when the answer is there before we sleep */
		ck_assert_int_eq(submit(qp, 1), 0);
		weft_qp_doorbell(qp);
		ck_assert_int_eq(weft_dev_wait(dev, 1000), 1);
		poll_until(2 + i);
	}
	drop_qp(qp);
	close_dev();
}
END_TEST

START_TEST(sleeper_notices_a_dead_device)
{
	struct weft_qp *qp;

	open_eager();
	qp = make_qp(4, true);
	f->gone = true;
	ck_assert_int_eq(weft_dev_wait(dev, -1), -ENODEV);
	ck_assert_int_eq(weft_qp_delete(qp), 0);
	close_dev();
}
END_TEST

START_TEST(thread_pair_is_polled_alone)
{
	struct weft_qp_params p = { .complete_cb = on_complete,
				    .arg = &seen,
				    .sq_log2 = 4,
				    .vector = 3,
				    .flags = WEFT_QP_THREAD };
	struct weft_connect c = { .remote_ip = 0x0a000002, .remote_port = 4420 };
	struct weft_qp *qp;
	uint64_t count;

	open_eager();
	memset(&seen, 0, sizeof(seen));
	ck_assert_int_eq(weft_qp_create(dev, &p, &qp), 0);
	ck_assert_int_eq(weft_qp_connect(qp, &c, NULL), 0);
	ck_assert_int_eq(submit(qp, 1), 0);
	weft_qp_doorbell(qp);
	ck_assert_int_eq(weft_dev_poll(dev), 0);
	ck_assert_uint_eq(seen.n, 0);
	ck_assert_int_eq(weft_qp_arm(qp), 0);
	ck_assert_int_eq(read(weft_qp_fd(qp), &count, 8), 8);
	ck_assert_int_eq(weft_qp_poll(qp, 0), 1);
	ck_assert_uint_eq(seen.n, 1);
	drop_qp(qp);
	close_dev();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rings");
	TCase *t = tcase_create("pairs");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 30);
	tcase_add_test(t, ring_wraps_many_times);
	tcase_add_test(t, ring_full_and_cid_rules);
	tcase_add_test(t, one_doorbell_for_many_commands);
	tcase_add_test(t, completions_out_of_order);
	tcase_add_test(t, events_reach_their_pair);
	tcase_add_test(t, nonsense_completions_are_ignored);
	tcase_add_test(t, pair_deleted_from_its_own_callback);
	tcase_add_test(t, pairs_run_out_and_come_back);
	tcase_add_test(t, connected_pair_is_not_deleted);
	tcase_add_test(t, connect_errors_come_back);
	tcase_add_test(t, device_vanishes_silently);
	tcase_add_test(t, device_vanishes_with_an_error);
	tcase_add_test(t, reset_ends_commands_and_starts_anew);
	tcase_add_loop_test(t, a_device_that_reset_itself_is_noticed, 0, 3);
	tcase_add_test(t, a_handle_that_lost_its_device_resets_it_when_it_closes);
	tcase_add_test(t, interrupts_wake_a_sleeper);
	tcase_add_test(t, sleeper_notices_a_dead_device);
	tcase_add_test(t, thread_pair_is_polled_alone);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
