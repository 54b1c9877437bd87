/* SPDX-License-Identifier: BSD-2-Clause */
/* The NVMe-oF host in trouble: timeouts, lost connections, recovery, reset. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nvme/host.h>
#include <weft/mem.h>

#include "host_fixture.h"

static void fill(uint8_t *p, size_t n, uint32_t seed)
{
	size_t i;

	for (i = 0; i < n; i++) {
		seed = seed * 1664525u + 1013904223u;
		p[i] = (uint8_t)(seed >> 24);
	}
}

struct done {
	struct nvme_result r;
	unsigned int n;
};

static void on_done(void *arg, const struct nvme_result *r)
{
	struct done *d = arg;

	d->r = *r;
	d->n++;
}

static void poll_until(const unsigned int *n, unsigned int want)
{
	unsigned int i;

	for (i = 0; i < 100000 && *n < want; i++)
		nvme_host_poll(h);
	ck_assert_uint_eq(*n, want);
}

/* Lets ms of device time pass. */
static void pass(uint64_t ms)
{
	uint64_t end = f->time_ns + ms * MS;

	while (f->time_ns < end) {
		nvme_host_poll(h);
		nvme_host_wait(h, 10);
	}
}

START_TEST(keep_alives_go_out_at_half_of_kato)
{
	ck_assert_uint_eq(f->keepalives, 0);
	pass(20100);
	ck_assert_uint_ge(f->keepalives, 7);
	ck_assert_uint_le(f->keepalives, 8);
	ck_assert_uint_eq(ev.lost, 0);
}
END_TEST

START_TEST(async_events_are_told_and_armed_again)
{
	unsigned int i;

	for (i = 1; i <= 3; i++) {
		fake_aen(f, 0x00040002);
		poll_until(&ev.async, i);
		ck_assert_uint_eq(ev.aer, 0x00040002);
		pass(1);
	}
	ck_assert_uint_eq(ev.lost, 0);
}
END_TEST

START_TEST(late_command_is_aborted)
{
	uint8_t *a = weft_mem_alloc(dev, 512);
	struct memdesc m = memdesc_vaddr(a);
	struct done d = { .n = 0 };

	f->mute_opcode = NVME_OPC_READ;
	ck_assert_int_eq(nvme_host_read(&ns, &m, 0, 1, 0, on_done, &d), 0);
	pass(29000);
	ck_assert_uint_eq(d.n + f->aborts, 0);
	pass(2000);
	ck_assert_uint_eq(f->aborts, 1);
	ck_assert_uint_eq(d.n, 1);
	ck_assert_int_eq(d.r.error, 0);
	ck_assert_uint_eq(d.r.status & NVME_STATUS_MASK, NVME_SC_ABORTED_BY_REQUEST);
	ck_assert_uint_eq(ev.lost, 0);
	weft_mem_free(dev, a);
}
END_TEST

START_TEST(deaf_controller_costs_the_association)
{
	uint8_t *a = weft_mem_alloc(dev, 512);
	struct memdesc m = memdesc_vaddr(a);
	struct done d = { .n = 0 };

	f->hold = true;
	ck_assert_int_eq(nvme_host_read(&ns, &m, 0, 1, 0, on_done, &d), 0);
	pass(61000);
	ck_assert_uint_eq(d.n, 1);
	ck_assert_int_ne(d.r.error, 0);
	ck_assert_uint_eq(ev.lost, 1);
	ck_assert_uint_eq(ev.dead, 1);
	ck_assert_int_eq(nvme_host_read(&ns, &m, 0, 1, 0, on_done, &d), -ENOTCONN);
	ck_assert_int_eq(nvme_host_read_sync(&ns, a, 0, 1), -ENOTCONN);
	ck_assert_int_eq(nvme_host_identify_sync(h, 1, 0, a), -ENOTCONN);
	f->hold = false;
	weft_mem_free(dev, a);
}
END_TEST

/* Number of the pair that serves queue qid of the newest association. */
static uint16_t pair_of(uint16_t qid)
{
	uint16_t i;

	for (i = 1; i < 128; i++)
		if (f->qp[i].live && f->qp[i].connected && f->qp[i].qid == qid)
			return i;
	ck_abort_msg("no pair for queue %u", qid);
	return 0;
}

static void lose(uint16_t qid, uint16_t err)
{
	uint8_t *a = weft_mem_alloc(dev, 1 << 20);
	struct memdesc m = memdesc_vaddr(a);
	struct done d = { .n = 0 };
	unsigned int i;

	f->hold = true;
	for (i = 0; i < 5; i++)
		ck_assert_int_eq(nvme_host_write(&ns, &m, 0, 16, 0, on_done, &d), 0);
	nvme_host_poll(h);
	fake_kill_conn(f, pair_of(qid), err);
	f->hold = false;
	poll_until(&ev.lost, 1);
	ck_assert_uint_eq(d.n, 5);
	ck_assert_int_ne(d.r.error, 0);
	ck_assert_int_eq(ev.error, err ? -(int)err : -ECONNRESET);
	weft_mem_free(dev, a);
}

START_TEST(lost_queue_without_reconnect)
{
	lose(_i ? 1 : 0, _i ? ECONNRESET : 0);
	ck_assert_uint_eq(ev.dead, 1);
	for (_i = 1; _i < 128; _i++)
		ck_assert(!f->qp[_i].live);
}
END_TEST

START_TEST(lost_queue_is_reconnected_with_back_off)
{
	uint8_t *a = weft_mem_alloc(dev, 8192), *b = weft_mem_alloc(dev, 8192);
	struct nvme_host_info info;
	uint64_t t0;

	nvme_host_disconnect(h);
	opts.reconnect_delay_ms = 1000;
	opts.ctrl_loss_tmo_ms = 60000;
	opts.io_queues = 2;
	connect_host();
	fill(a, 8192, 1);
	ck_assert_int_eq(nvme_host_write_sync(&ns, a, 0, 16), 0);
	opts.event_cb = NULL;
	f->connect_errno = ECONNREFUSED;
	f->connects_to_fail = 2;
	memset(&ev, 0, sizeof(ev));
	fake_kill_conn(f, pair_of(2), ETIMEDOUT);
	poll_until(&ev.lost, 1);
	t0 = f->time_ns;
	ck_assert_int_eq(nvme_host_read_sync(&ns, b, 0, 16), -ENOTCONN);
	while (!ev.reconnected && f->time_ns - t0 < 60000 * MS)
		nvme_host_poll(h);
	ck_assert_uint_eq(ev.reconnected, 1);
	ck_assert_uint_ge(f->time_ns - t0, 7000 * MS); /* 1 + 2 + 4 seconds */
	ck_assert_uint_le(f->time_ns - t0, 8000 * MS);
	nvme_host_info(h, &info);
	ck_assert(info.live);
	ck_assert_uint_eq(info.cntlid, 3);
	ck_assert_int_eq(nvme_host_read_sync(&ns, b, 0, 16), 0);
	ck_assert_mem_eq(a, b, 8192);
	weft_mem_free(dev, a);
	weft_mem_free(dev, b);
}
END_TEST

START_TEST(reconnecting_is_given_up_in_time)
{
	nvme_host_disconnect(h);
	opts.reconnect_delay_ms = 1000;
	opts.ctrl_loss_tmo_ms = 20000;
	connect_host();
	f->connect_errno = EHOSTUNREACH;
	fake_kill_conn(f, pair_of(0), ECONNRESET);
	pass(40000);
	ck_assert_uint_eq(ev.dead, 1);
	ck_assert_int_eq(ev.error, -EHOSTUNREACH);
}
END_TEST

START_TEST(controller_reset)
{
	uint8_t *a = weft_mem_alloc(dev, 8192), *b = weft_mem_alloc(dev, 8192);
	struct done d = { .n = 0 };
	struct nvme_host_info info;
	unsigned int n;

	fill(a, 8192, 1);
	ck_assert_int_eq(nvme_host_write_sync(&ns, a, 0, 16), 0);
	f->mute_opcode = NVME_OPC_FLUSH;
	ck_assert_int_eq(nvme_host_flush(&ns, on_done, &d), 0);
	n = f->n_log;
	ck_assert_int_eq(nvme_host_reset(h), 0);
	ck_assert_str_eq(f->log[n], "disconnect qid=1");
	ck_assert_str_eq(f->log[n + 1], "set 14=460060");
	ck_assert_uint_eq(d.n, 1);
	ck_assert_int_eq(d.r.error, -ECANCELED);
	nvme_host_info(h, &info);
	ck_assert_uint_eq(info.cntlid, 2);
	ck_assert_int_eq(nvme_host_read_sync(&ns, b, 0, 16), 0);
	ck_assert_mem_eq(a, b, 8192);
	weft_mem_free(dev, a);
	weft_mem_free(dev, b);
}
END_TEST

START_TEST(adapter_vanishes)
{
	uint8_t *a = weft_mem_alloc(dev, 8192);
	struct memdesc m = memdesc_vaddr(a);
	struct done d = { .n = 0 };

	f->hold = true;
	ck_assert_int_eq(nvme_host_read(&ns, &m, 0, 16, 0, on_done, &d), 0);
	nvme_host_poll(h);
	f->gone = f->write_enodev = f->frozen = true;
	ck_assert_int_lt(nvme_host_read_sync(&ns, a, 0, 16), 0);
	poll_until(&ev.dead, 1);
	ck_assert_uint_eq(d.n, 1);
	ck_assert_int_eq(d.r.error, -ENODEV);
	weft_mem_free(dev, a);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("host in trouble");
	TCase *u = tcase_create("trouble");
	SRunner *r;
	int failed;

	tcase_set_timeout(u, 40);
	tcase_add_checked_fixture(u, set_up, tear_down);
	tcase_add_test(u, keep_alives_go_out_at_half_of_kato);
	tcase_add_test(u, async_events_are_told_and_armed_again);
	tcase_add_test(u, late_command_is_aborted);
	tcase_add_test(u, deaf_controller_costs_the_association);
	tcase_add_loop_test(u, lost_queue_without_reconnect, 0, 2);
	tcase_add_test(u, lost_queue_is_reconnected_with_back_off);
	tcase_add_test(u, reconnecting_is_given_up_in_time);
	tcase_add_test(u, controller_reset);
	tcase_add_test(u, adapter_vanishes);
	suite_add_tcase(s, u);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
