/* SPDX-License-Identifier: BSD-2-Clause */
/* Host and target on two adapters (fakes, on a Fibre Channel cable) through the adapter's driver. */
#include <stdlib.h>

#include <weft/fc.h>
#include <weft/mem.h>

#include "../driver/fake_fc.h"
#include "rig.h"

#define NAME(i) (0x10000090fa000001ull + (uint64_t)(i))
#define TICK_NS 1000
#define IDLE_NS 1000000

static struct fake *fake[2]; /* 0: the host's */
static struct weft_dev *dev[2];
static struct weft_fc *fc[2];

static void tick(uint64_t ns)
{
	for (int i = 0; i < 2; i++)
		if (fake[i]->time_ns > now)
			now = fake[i]->time_ns;
	now += ns;
	for (int i = 0; i < 2; i++) {
		fake[i]->time_ns = now;
		fake_fc_tick(fake[i]);
	}
}

static void live(int i)
{
	if (i && target)
		nvme_target_poll(target);
	else if (dev[i])
		weft_dev_poll(dev[i]);
}

/* While one side waits inside of the driver the other lives on. */
static void on_idle(void *arg)
{
	static bool inside;

	if (inside)
		return;
	inside = true;
	tick(IDLE_NS);
	live(!*(int *)arg);
	inside = false;
}

/* With each poll of the host's device the target has its turn, too. */
static uint64_t on_poll(void *arg, uint64_t t)
{
	(void)arg;
	tick(TICK_NS);
	live(1);
	return t + TICK_NS;
}

static void open_devices(void)
{
	static int number[2] = { 0, 1 };

	now = 1000000000;
	for (int i = 0; i < 2; i++)
		fake[i] = fake_new();
	fake_fc_join(fake[0], fake[1]);
	fake_fc_cable(fake[0], true);
	tick(0);
	for (int i = 0; i < 2; i++) {
		struct weft_dev_params p = { .advance_ns = 10,
					     .timeout_ms = 2000,
					     .idle_cb = on_idle,
					     .idle_arg = &number[i] };

		ck_assert_int_eq(weft_dev_open(&fake[i]->bus, &p, &dev[i]), 0);
	}
	for (int i = 1; i >= 0; i--) {
		struct weft_fc_params p = { .wwnn = NAME(i),
					    .wwpn = NAME(i) | 1ull << 60,
					    .mode = WEFT_FCM_NATIVE,
					    .roles = i ? WEFT_FCR_TARGET | WEFT_FCR_DISCOVERY :
							 WEFT_FCR_INITIATOR };

		ck_assert_int_eq(weft_fc_open(dev[i], &p, &fc[i]), 0);
	}
	ck_assert_int_eq(weft_dev_add_poller(dev[0], on_poll, NULL), 0);
}

static bool there(void *arg)
{
	(void)arg;
	return nvme_host_fc_reachable(weft_fc_localport(fc[0]), opts.addr.wwnn, opts.addr.wwpn);
}

static void up(void)
{
	struct nvme_port_opts po = { .trtype = NVMF_TRTYPE_FC };

	open_devices();
	po.listen.dev = dev[1];
	po.listen.fc.target_port = weft_fc_targetport(fc[1]);
	rig_target_up(&po);
	rig_set_opts(NAME(1), NAME(1) | 1ull << 60);
	ck_assert_int_eq(weft_dev_run(dev[0], there, NULL, 1000), 0);
	opts.fc_port = weft_fc_localport(fc[0]);
}

static void down(void)
{
	nvme_host_disconnect(host);
	host = NULL;
	for (int i = 0; i < 100; i++)
		weft_dev_poll(dev[0]);
	rig_target_down();
	weft_dev_remove_poller(dev[0], on_poll, NULL);
	for (int i = 0; i < 2; i++)
		weft_fc_close(fc[i]);
	for (int i = 0; i < 2; i++) {
		struct weft_dev *d = dev[i];

		dev[i] = NULL;
		weft_dev_close(d);
		ck_assert_uint_eq(fake[i]->maps_live, 0);
		ck_assert_uint_eq(fake[i]->irqs_live, 0);
		ck_assert_uint_eq(fake[i]->violations, 0);
	}
	for (int i = 0; i < 2; i++)
		fake_free(fake[i]);
}

static void connect_over(unsigned int io_queues)
{
	int rc;

	opts.io_queues = io_queues;
	rc = nvme_host_connect(dev[0], &opts, &host);
	ck_assert_msg(!rc, "connect: %d %s\n%s", rc, weft_last_error(), rig_log);
	ck_assert_int_eq(nvme_host_ns_open(host, 1, &ns), 0);
}

static void verified(uint32_t len, uint32_t seed)
{
	uint8_t *out = weft_mem_alloc(dev[0], len), *in = weft_mem_alloc(dev[0], len);

	pattern(out, len, seed);
	ck_assert_int_eq(run_rw(true, out, seed, len / RIG_BLOCK), 0);
	ck_assert_int_eq(run_rw(false, in, seed, len / RIG_BLOCK), 0);
	ck_assert_mem_eq(in, out, len);
	weft_mem_free(dev[0], out);
	weft_mem_free(dev[0], in);
}

START_TEST(discovers_connects_writes_and_reads)
{
	static const uint32_t sizes[] = { 512, 4096, 65536, 262144 + 512, MIB, 3 * MIB };
	struct nvme_host_opts o = opts;
	struct nvme_discovery_entry *list;
	size_t n;

	o.addr.subnqn[0] = '\0';
	ck_assert_int_eq(nvme_host_discover(dev[0], &o, &list, &n, NULL), 0);
	ck_assert_uint_eq(n, 2);
	ck_assert_str_eq(list[1].traddr, "nn-0x10000090fa000002:pn-0x10000090fa000002");
	free(list);
	connect_over(2);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		verified(sizes[i], (uint32_t)i + 1);
	ck_assert_int_eq(nvme_host_flush_sync(&ns), 0);
}
END_TEST

START_TEST(memory_that_is_not_registered_is_refused)
{
	static uint8_t buf[4096];

	connect_over(1);
	ck_assert_int_eq(run_rw(true, buf, 0, 8), -EFAULT);
	verified(4096, 1);
}
END_TEST

START_TEST(many_at_once_and_disconnected_under_load)
{
	static struct job j[200];
	uint8_t *mem = weft_mem_alloc(dev[0], sizeof(j) / sizeof(j[0]) * 4096);

	connect_over(4);
	for (unsigned int i = 0; i < 200; i++) {
		struct memdesc m = memdesc_vaddr(mem + (size_t)i * 4096);
		int rc;

		while ((rc = nvme_host_write(&ns, &m, (uint64_t)i * 8, 8, 0, on_job, &j[i])) ==
		       -EAGAIN)
			nvme_host_poll(host);
		ck_assert_int_eq(rc, 0);
	}
	for (unsigned int i = 0; _i && i < 200; i++)
		ck_assert_int_eq(finish(&j[i]), 0);
	nvme_host_disconnect(host);
	host = NULL;
	for (unsigned int i = 0; i < 200; i++)
		ck_assert(j[i].done);
	weft_mem_free(dev[0], mem);
}
END_TEST

START_TEST(the_cable_is_pulled_and_put_back)
{
	opts.reconnect_delay_ms = 100;
	connect_over(2);
	verified(65536, 1);
	fake_fc_cable(fake[0], false);
	for (int i = 0; i < 2000 && !ev.lost; i++)
		nvme_host_poll(host);
	ck_assert_uint_eq(ev.lost, 1);
	for (int i = 0; i < 2000; i++)
		nvme_host_poll(host);
	fake_fc_cable(fake[0], true);
	for (int i = 0; i < 100000 && !ev.reconnected; i++) {
		nvme_host_poll(host);
		tick(TICK_NS * 10);
	}
	ck_assert_uint_eq(ev.reconnected, 1);
	verified(65536, 2);
}
END_TEST

START_TEST(the_target_ends)
{
	connect_over(2);
	rig_target_down();
	for (int i = 0; i < 2000 && !ev.lost; i++)
		nvme_host_poll(host);
	ck_assert_uint_eq(ev.lost, 1);
}
END_TEST

Suite *adapter_suite(void)
{
	Suite *s = suite_create("adapters");
	TCase *t = tcase_create("adapters");

	tcase_add_checked_fixture(t, up, down);
	tcase_add_test(t, discovers_connects_writes_and_reads);
	tcase_add_test(t, memory_that_is_not_registered_is_refused);
	tcase_add_loop_test(t, many_at_once_and_disconnected_under_load, 0, 2);
	tcase_add_test(t, the_cable_is_pulled_and_put_back);
	tcase_add_test(t, the_target_ends);
	suite_add_tcase(s, t);
	return s;
}
