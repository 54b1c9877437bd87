/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the tests of the NVMe-oF host start from: a fake adapter with a controller behind it, opened and connected, and at the end
 * given back with nothing mapped. One test program includes it once; each test runs in a process of its own.
 */
#ifndef HOST_FIXTURE_H
#define HOST_FIXTURE_H

#include <check.h>
#include <string.h>

#include <nvme/host.h>
#include <weft/mem.h>

#include "fake.h"

#define MS 1000000ull
#define BLOCK 512u

static struct fake *f;
static struct weft_dev *dev;
static struct nvme_host *h;
static struct nvme_host_opts opts;
static struct nvme_host_ns ns;

static struct {
	unsigned int lost, reconnected, dead, async;
	int error;
	uint32_t aer;
} ev;

static inline void on_event(void *arg, enum nvme_host_event event, int error, uint32_t aer)
{
	ck_assert_ptr_eq(arg, &ev);
	ev.lost += event == NVME_HOST_LOST;
	ev.reconnected += event == NVME_HOST_RECONNECTED;
	ev.dead += event == NVME_HOST_DEAD;
	ev.async += event == NVME_HOST_ASYNC;
	ev.error = error;
	ev.aer = aer;
}

static inline void open_dev(void)
{
	static const struct weft_dev_params p = { .timeout_ms = 500, .advance_ns = 100000 };

	memset(&ev, 0, sizeof(ev));
	f = fake_new();
	ck_assert_int_eq(weft_dev_open(&f->bus, &p, &dev), 0);
	nvme_host_opts_init(&opts);
	ck_assert_int_eq(nvme_host_addr_parse("trtype:tcp adrfam:IPv4 traddr:10.0.0.2 "
					      "trsvcid:4420 subnqn:nqn.2014-08.org.demo:t1",
					      &opts.addr),
			 0);
	opts.event_cb = on_event;
	opts.event_arg = &ev;
}

static inline void close_dev(void)
{
	weft_dev_close(dev);
	ck_assert_uint_eq(f->maps_live + f->irqs_live, 0);
	ck_assert_uint_eq(f->violations, 0);
	fake_free(f);
}

static inline void connect_host(void)
{
	int rc = nvme_host_connect(dev, &opts, &h);

	ck_assert_msg(rc == 0, "connect: %d %s", rc, weft_last_error());
	if (opts.io_queues)
		ck_assert_int_eq(nvme_host_ns_open(h, 1, &ns), 0);
}

static inline void set_up(void)
{
	open_dev();
	connect_host();
}

static inline void tear_down(void)
{
	nvme_host_disconnect(h);
	h = NULL;
	close_dev();
}

#endif
