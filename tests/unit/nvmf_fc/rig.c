/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>

#include "rig.h"

#define NSEC 1000000000ull

struct nvme_fc_loop *loop;
uint64_t now;
struct nvme_target *target;
struct nvme_subsys *subsys;
struct nvme_port *port;
struct nvme_host *host;
struct nvme_host_ns ns;
struct nvme_host_opts opts;
char rig_log[65536];
struct rig_events ev;

/* --- time and progress -------------------------------------------------------------------------- */

static int poll_ports(void *arg)
{
	static bool inside;
	uint64_t next;

	(void)arg;
	if (inside)
		return 0;
	inside = true;
	now += 1000;
	next = nvme_fc_loop_poll(loop, now);
	inside = false;
	return next <= now;
}

static int poll_all(void *arg)
{
	int n = poll_ports(arg);

	return target && nvme_target_poll(target) > 0 ? n + 1 : n;
}

static uint64_t the_time(void *arg)
{
	(void)arg;
	return now;
}

static int nap(void *arg, int timeout_ms)
{
	(void)arg;
	now += timeout_ms ? NSEC / 1000 : 0;
	return 0;
}

struct nvmf_pump host_pump = {
	.poll = poll_all, .now = the_time, .wait = nap, .iova = nvme_fc_loop_iova
};
struct nvmf_pump target_pump = {
	.poll = poll_ports, .now = the_time, .wait = nap, .iova = nvme_fc_loop_iova
};

void spin(unsigned int n)
{
	while (n--)
		poll_all(NULL);
}

void pass(unsigned int ms)
{
	uint64_t end = now + ms * (NSEC / 1000);

	while (now < end) {
		if (host)
			nvme_host_poll(host);
		spin(1);
		now += NSEC / 1000;
	}
}

struct nvme_fc_loop_stats stats(void)
{
	struct nvme_fc_loop_stats s;

	nvme_fc_loop_stats(loop, &s);
	return s;
}

/* --- up and down -------------------------------------------------------------------------------- */

static void on_log(void *arg, const char *line)
{
	size_t n = strlen(rig_log);

	(void)arg;
	snprintf(rig_log + n, sizeof(rig_log) - n, "%s\n", line);
}

void rig_loop_up(const struct nvme_fc_loop_opts *o)
{
	now = NSEC;
	ck_assert_int_eq(nvme_fc_loop_create(o, &loop), 0);
}

static void on_event(void *arg, enum nvme_host_event event, int error, uint32_t aer)
{
	ck_assert_ptr_eq(arg, &ev);
	ev.lost += event == NVME_HOST_LOST;
	ev.reconnected += event == NVME_HOST_RECONNECTED;
	ev.dead += event == NVME_HOST_DEAD;
	ev.async += event == NVME_HOST_ASYNC;
	ev.error = error;
	ev.aer = aer;
}

void rig_set_opts(uint64_t wwnn, uint64_t wwpn)
{
	nvme_host_opts_init(&opts);
	opts.addr.trtype = NVMF_TRTYPE_FC;
	opts.addr.wwnn = wwnn;
	opts.addr.wwpn = wwpn;
	strcpy(opts.addr.subnqn, RIG_NQN);
	opts.io_qsize = 64;
	opts.kato_ms = 0;
	opts.event_cb = on_event;
	opts.event_arg = &ev;
}

void rig_target_up(struct nvme_port_opts *po)
{
	struct nvme_target_opts to = { .log = on_log };
	struct nvme_subsys_opts so = { .nqn = RIG_NQN, .allow_any_host = true };
	struct nvme_backend *disk;

	memset(&ev, 0, sizeof(ev));
	rig_log[0] = '\0';
	host = NULL;
	ck_assert_int_eq(nvme_target_create(&to, &target), 0);
	ck_assert_int_eq(nvme_target_subsys_add(target, &so, &subsys), 0);
	ck_assert_int_eq(nvme_backend_ram((uint64_t)RIG_BLOCKS * RIG_BLOCK, RIG_BLOCK, &disk), 0);
	ck_assert_int_eq(nvme_subsys_ns_add(subsys, disk, &(struct nvme_ns_opts){ 0 }, NULL), 0);
	ck_assert_int_eq(nvme_target_port_add(target, po, &port), 0);
	ck_assert_int_eq(nvme_port_link(port, subsys), 0);
}

void rig_up_with(const struct nvme_fc_loop_opts *o)
{
	struct nvme_port_opts po = { .trtype = NVMF_TRTYPE_FC };

	rig_loop_up(o);
	po.listen.fc.target_port = nvme_fc_loop_target(loop);
	po.listen.fc.pump = &target_pump;
	rig_target_up(&po);
	rig_set_opts(nvme_fc_loop_target(loop)->node_name, nvme_fc_loop_target(loop)->port_name);
	opts.fc_port = nvme_fc_loop_local(loop);
	opts.fc_pump = &host_pump;
}

void rig_up(void)
{
	rig_up_with(NULL);
}

void rig_loop_down(void)
{
	struct nvme_fc_loop_stats s = stats();

	ck_assert_msg(!s.breaches, "%u breaches of the contract: %s", s.breaches, s.breach);
	ck_assert_uint_eq(s.exchanges, 0);
	ck_assert_uint_eq(s.ls, 0);
	ck_assert_uint_eq(s.queues, 0);
	ck_assert_uint_eq(s.memory, 0);
	ck_assert_int_eq(nvme_fc_loop_destroy(loop), 0);
}

void rig_target_down(void)
{
	struct nvme_target *t = target;
	struct nvme_target_stats s;

	if (!t)
		return;
	if (!host) {
		nvme_target_stats(t, &s);
		ck_assert_msg(!s.connections, "%u connections are left\n%s", s.connections,
			      rig_log);
		ck_assert_uint_eq(s.controllers, 0);
		ck_assert_uint_eq(s.commands_held, 0);
		ck_assert_uint_eq(s.memory_held, 0);
	}
	ck_assert_int_eq(nvme_target_destroy(t, 1000), 0);
	target = NULL;
}

void rig_down(void)
{
	nvme_host_disconnect(host);
	host = NULL;
	spin(200);
	rig_target_down();
	rig_loop_down();
}

void rig_connect(unsigned int io_queues)
{
	int rc;

	opts.io_queues = io_queues;
	rc = nvme_host_connect(NULL, &opts, &host);
	ck_assert_msg(!rc, "connect: %d %s\n%s", rc, weft_last_error(), rig_log);
	if (io_queues)
		ck_assert_int_eq(nvme_host_ns_open(host, 1, &ns), 0);
}

/* --- requests ----------------------------------------------------------------------------------- */

void on_job(void *arg, const struct nvme_result *r)
{
	struct job *j = arg;

	ck_assert(!j->done);
	j->r = *r;
	j->done = true;
}

int finish(struct job *j)
{
	for (unsigned int i = 0; i < 100000 && !j->done; i++)
		nvme_host_poll(host);
	ck_assert(j->done);
	return nvme_result_errno(&j->r);
}

int run_rw(bool write, void *buf, uint64_t slba, uint32_t blocks)
{
	return write ? nvme_host_write_sync(&ns, buf, slba, blocks) :
		       nvme_host_read_sync(&ns, buf, slba, blocks);
}

void pattern(uint8_t *p, size_t n, uint32_t seed)
{
	for (size_t i = 0; i < n; i++) {
		seed = seed * 1664525u + 1013904223u;
		p[i] = (uint8_t)(seed >> 24);
	}
}
