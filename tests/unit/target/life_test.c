/* SPDX-License-Identifier: BSD-2-Clause */
/* What comes and goes while hosts are connected; the end; options. */
#include <errno.h>
#include <string.h>

#include "rig.h"

#define MIB (1u << 20)

static struct host h, o;
static uint8_t a[MIB], b[MIB];

static void up(void)
{
	rig_up();
	h = host_new(RIG_NQN, RIG_HOST);
	o = host_new(RIG_NQN, RIG_HOST2);
}

static void down(void)
{
	if (target) {
		host_down(&h);
		host_down(&o);
	}
	rig_down();
}

/* After destroy: the host's ends of connections that the target closed. */
static void free_hosts(void)
{
	uint16_t i;

	for (i = 0; i < 20; i++) {
		if (h.q[i])
			fake_conn_free(h.q[i]);
		if (o.q[i])
			fake_conn_free(o.q[i]);
	}
}

/* --- two hosts ------------------------------------------------------------------------------------------- */

START_TEST(two_hosts_share_a_namespace)
{
	uint16_t q;

	host_up(&h, 4);
	host_up(&o, 4);
	ck_assert_uint_ne(h.cntlid, o.cntlid);
	disk->slow = true;
	for (q = 1; q <= 4; q++) {
		pattern(a, 65536, q);
		ck_assert_uint_eq(run(&h, q, rw_sqe(NVME_OPC_WRITE, 1, q * 128u, 128), FAKE_R2T, a,
				      65536),
				  0);
	}
	for (q = 1; q <= 4; q++) {
		pattern(a, 65536, q);
		ck_assert_uint_eq(
			run(&o, q, rw_sqe(NVME_OPC_READ, 1, q * 128u, 128), FAKE_IN, b, 65536), 0);
		ck_assert_mem_eq(a, b, 65536);
	}
	fake_close(h.q[0], -ECONNRESET); /* one goes: the other does not notice */
	polls(3);
	for (q = 1; q <= 4; q++)
		ck_assert(fake_closed(h.q[q]) && !fake_closed(o.q[q]));
	ck_assert_uint_eq(read_blocks(&o, 0, 1, b), 0);
}
END_TEST

static unsigned int seen;

static void on_ctrl(void *arg, const struct nvme_target_ctrl_info *info)
{
	ck_assert_ptr_eq(arg, &seen);
	seen++;
	if (info->cntlid == h.cntlid && !strcmp(info->hostnqn, RIG_HOST)) {
		ck_assert_str_eq(info->subnqn, RIG_NQN);
		ck_assert_uint_eq(info->io_queues, 2);
		ck_assert_uint_eq(info->kato_ms, 5000);
		ck_assert_uint_eq(info->remote_ip, 0x0a000002);
	} else {
		ck_assert_str_eq(info->subnqn, NVME_DISCOVERY_NQN);
	}
}

START_TEST(facts)
{
	struct nvme_target_stats s;

	h.kato = 5000;
	host_up(&h, 2);
	o.subnqn = NVME_DISCOVERY_NQN;
	host_up(&o, 0);
	post_aer(&h);
	ck_assert_uint_eq(write_blocks(&h, 0, 2, a), 0);
	ck_assert_uint_eq(read_blocks(&h, 0, 1, a), 0);
	ck_assert_uint_eq(read_blocks(&h, RIG_BLOCKS, 1, a), 0x4080);
	nvme_target_stats(target, &s);
	ck_assert_uint_eq(s.connections, 4);
	ck_assert_uint_eq(s.controllers, 2);
	ck_assert_uint_eq(s.io_queues, 2);
	ck_assert_uint_eq(s.reads, 1);
	ck_assert_uint_eq(s.writes, 1);
	ck_assert_uint_eq(s.read_bytes, 512);
	ck_assert_uint_eq(s.write_bytes, 1024);
	ck_assert_uint_eq(s.errors, 1);
	ck_assert_uint_eq(s.commands_held, 1);
	ck_assert_uint_eq(s.connections_lost, 0);
	nvme_target_for_each_ctrl(target, on_ctrl, &seen);
	ck_assert_uint_eq(seen, 2);
	fake_close(h.q[1], -ETIMEDOUT);
	nvme_target_stats(target, &s);
	ck_assert_uint_eq(s.connections_lost, 1);
}
END_TEST

/* --- removal under load ------------------------------------------------------------------------------------ */

START_TEST(namespace_removed_under_load)
{
	struct fake_cmd *r[8], *w, *v;
	int i;

	host_up(&h, 1);
	pattern(a, 4096, 1);
	disk->slow = disk->stuck = true;
	for (i = 0; i < 8; i++)
		r[i] = post(&h, 1, rw_sqe(NVME_OPC_READ, 1, 0, 8), FAKE_IN, NULL, 4096);
	v = post(&h, 1, rw_sqe(NVME_OPC_VERIFY, 1, 0, 2048), FAKE_NONE, NULL, 0);
	fake_hold_data(h.q[1], true);
	w = post(&h, 1, rw_sqe(NVME_OPC_WRITE, 1, 0, 8), FAKE_R2T, a, 4096);
	ck_assert_int_eq(nvme_subsys_ns_remove(subsys, 1), 0);
	ck_assert(!disk_closed);
	ck_assert_uint_eq(read_blocks(&h, 0, 1, b), NVME_SC_INVALID_NAMESPACE | DNR);
	fake_hold_data(h.q[1], false);
	polls(2);
	ck_assert_uint_eq(status_of(w), NVME_SC_INVALID_NAMESPACE | DNR); /* had not begun */
	ck_assert(!disk_closed);
	disk->stuck = false;
	polls(3);
	ck_assert(disk_closed);
	for (i = 0; i < 8; i++)
		ck_assert_uint_eq(status_of(r[i]), 0);
	ck_assert_uint_eq(status_of(v), NVME_SC_INVALID_NAMESPACE | DNR);
	ck_assert_int_eq(nvme_subsys_ns_remove(subsys, 1), -ENOENT);
}
END_TEST

START_TEST(write_does_not_reach_a_successor)
{
	struct fake_backend *two;
	struct fake_cmd *w;

	host_up(&h, 1);
	memset(a, 0xff, 4096);
	fake_hold_data(h.q[1], true);
	w = post(&h, 1, rw_sqe(NVME_OPC_WRITE, 1, 0, 8), FAKE_R2T, a, 4096);
	ck_assert_int_eq(nvme_subsys_ns_remove(subsys, 1), 0);
	two = rig_add_disk(subsys, 64, NULL, NULL); /* NSID 1 again */
	fake_hold_data(h.q[1], false);
	polls(2);
	ck_assert_uint_eq(status_of(w), NVME_SC_INVALID_NAMESPACE | DNR);
	ck_assert_uint_eq(two->ops[NVME_BACKEND_WRITE], 0);
	ck_assert_uint_eq(read_blocks(&h, 0, 1, b), 0);
}
END_TEST

START_TEST(removed_namespace_is_flushed)
{
	host_up(&h, 1);
	disk->b.volatile_cache = true;
	ck_assert_uint_eq(write_blocks(&h, 0, 1, a), 0);
	disk->slow = disk->stuck = true;
	ck_assert_int_eq(nvme_subsys_ns_remove(subsys, 1), 0);
	polls(2);
	ck_assert_uint_eq(disk->ops[NVME_BACKEND_FLUSH], 1);
	ck_assert(!disk_closed);
	disk->stuck = false;
	polls(2);
	ck_assert(disk_closed);
}
END_TEST

START_TEST(subsystem_removed_under_load)
{
	struct nvme_subsys_opts so = { .nqn = RIG_NQN ":two", .allow_any_host = true };
	struct nvme_subsys *s;
	int i;

	ck_assert_int_eq(nvme_target_subsys_add(target, &so, &s), 0);
	ck_assert_int_eq(nvme_port_link(port, s), 0);
	rig_add_disk(s, 64, NULL, NULL);
	o.subnqn = so.nqn;
	host_up(&h, 2);
	host_up(&o, 1);
	disk->slow = disk->stuck = true;
	for (i = 0; i < 20; i++)
		post(&h, (uint16_t)(1 + i % 2), rw_sqe(NVME_OPC_WRITE, 1, 0, 8), FAKE_ICD, a, 4096);
	post(&h, 1, rw_sqe(NVME_OPC_COMPARE, 1, 0, 8), FAKE_ICD, a, 4096);
	post_aer(&h);
	nvme_target_subsys_remove(subsys);
	ck_assert_ptr_null(nvme_target_subsys_find(target, RIG_NQN));
	ck_assert(fake_closed(h.q[0]));
	ck_assert(!fake_closed(h.q[1])); /* the backend works from the connection's memory */
	disk->stuck = false;
	polls(5);
	ck_assert(disk_closed);
	ck_assert(fake_closed(h.q[1]) && fake_closed(h.q[2]));
	ck_assert_uint_eq(read_blocks(&o, 0, 1, b), 0);
	host_down(&h);
	ck_assert_uint_eq(host_connect(&h, 0), 0x4182);
}
END_TEST

START_TEST(port_removed_under_load)
{
	struct nvme_port_opts po = { .traddr = 1, .listen = { .dev = dev, .port = 4421 } };
	struct nvme_connect_data d;
	struct nvme_port *p;
	int i;

	ck_assert_int_eq(nvme_target_port_add(target, &po, &p), 0);
	ck_assert_int_eq(nvme_port_link(p, subsys), 0);
	o.q[0] = fake_connect(dev, 4421, 1);
	d = host_connect_data(&o, 0);
	ck_assert_uint_eq(run(&o, 0, host_connect_sqe(&o, 0), FAKE_ICD, &d, sizeof(d)), 0);
	host_up(&h, 1);
	disk->slow = true;
	for (i = 0; i < 20; i++)
		post(&h, 1, rw_sqe(NVME_OPC_READ, 1, 0, 8), FAKE_IN, NULL, 4096);
	fake_hold_data(h.q[1], true);
	post(&h, 1, rw_sqe(NVME_OPC_WRITE, 1, 0, 8), FAKE_R2T, a, 4096);
	nvme_target_port_remove(port);
	ck_assert(fake_closed(h.q[0]) && fake_closed(h.q[1])); /* on return */
	ck_assert(!fake_closed(o.q[0]));
	ck_assert_ptr_null(fake_connect(dev, RIG_PORT, 1));
	ck_assert_uint_gt(fake_mem(dev), 0);
	nvme_target_port_remove(p); /* the last one: the adapter may go */
	ck_assert_uint_eq(fake_mem(dev), 0);
}
END_TEST

START_TEST(unlinked)
{
	host_up(&h, 1);
	ck_assert_int_eq(nvme_port_unlink(port, subsys), 0);
	ck_assert_int_eq(nvme_port_unlink(port, subsys), -ENOENT);
	ck_assert(fake_closed(h.q[0]) && fake_closed(h.q[1]));
	ck_assert_uint_eq(host_connect(&o, 0), 0x4182);
	ck_assert_int_eq(nvme_port_link(port, subsys), 0);
	ck_assert_int_eq(nvme_port_link(port, subsys), -EEXIST);
	host_down(&o);
	host_up(&o, 1);
}
END_TEST

START_TEST(adapter_dies)
{
	host_up(&h, 2);
	disk->slow = true;
	post(&h, 1, rw_sqe(NVME_OPC_READ, 1, 0, 8), FAKE_IN, NULL, 4096);
	post(&h, 1, rw_sqe(NVME_OPC_WRITE, 1, 0, 8), FAKE_R2T, a, 4096);
	fake_dev_kill(dev);
	ck_assert_int_eq(nvme_target_poll(target), -ENODEV);
	polls(3);
	ck_assert(fake_closed(h.q[0]) && fake_closed(h.q[1]) && fake_closed(h.q[2]));
	ck_assert_int_eq(nvme_target_destroy(target, 1000), 0);
	target = NULL;
	free_hosts();
}
END_TEST

START_TEST(two_adapters)
{
	struct weft_dev *one = dev, *two = fake_dev_new();
	struct nvme_port_opts po = { .traddr = 2, .listen = { .dev = two, .port = RIG_PORT } };
	struct nvme_port *p;

	ck_assert_int_eq(nvme_target_port_add(target, &po, &p), 0);
	ck_assert_int_eq(nvme_port_link(p, subsys), 0);
	h.kato = o.kato = 1000;
	host_up(&h, 1);
	dev = two;
	host_up(&o, 1);
	pattern(a, 65536, 1);
	ck_assert_uint_eq(write_blocks(&o, 0, 128, a), 0);
	ck_assert_uint_eq(read_blocks(&h, 0, 128, b), 0);
	ck_assert_mem_eq(a, b, 65536);
	pass(3000); /* each adapter has its own time */
	ck_assert(fake_closed(o.q[0]) && !fake_closed(h.q[0]));
	host_down(&o);
	host_up(&o, 1);
	fake_dev_kill(two);
	ck_assert_int_eq(nvme_target_poll(target), -ENODEV);
	ck_assert_uint_eq(read_blocks(&h, 0, 1, b), 0); /* the other one works on */
	nvme_target_port_remove(p);
	ck_assert_int_ge(nvme_target_poll(target), 0);
	host_down(&o);
	fake_dev_free(two);
	dev = one;
}
END_TEST

/* --- the end ------------------------------------------------------------------------------------------------- */

START_TEST(destroy_finishes_writes)
{
	struct fake_cmd *w[10];
	uint8_t *copy = b;
	int i;

	host_up(&h, 2);
	disk->b.volatile_cache = true;
	disk->slow = true;
	for (i = 0; i < 10; i++) {
		pattern(a, 65536, (unsigned int)i);
		w[i] = post(&h, (uint16_t)(1 + i % 2),
			    rw_sqe(NVME_OPC_WRITE, 1, (uint64_t)i * 128, 128), FAKE_R2T, a, 65536);
	}
	post_aer(&h);
	memcpy(copy, disk->mem, 16);
	ck_assert_int_eq(nvme_target_destroy(target, 1000), 0);
	target = NULL;
	ck_assert(disk_closed);
	for (i = 0; i < 10; i++)
		ck_assert_uint_eq(status_of(w[i]), 0);
	free_hosts();
}
END_TEST

START_TEST(destroy_does_not_wait_for_ever)
{
	struct fake_cmd *w;

	host_up(&h, 1);
	fake_hold_data(h.q[1], true);
	w = post(&h, 1, rw_sqe(NVME_OPC_WRITE, 1, 0, 8), FAKE_R2T, a, 4096);
	h.q[2] = fake_connect(dev, RIG_PORT, 1); /* and one that has not said a word */
	ck_assert_int_eq(nvme_target_destroy(target, 1000), 0);
	target = NULL;
	ck_assert_uint_eq(status_of(w), NO_ANSWER);
	ck_assert(disk_closed);
	free_hosts();
}
END_TEST

START_TEST(destroy_tells_of_a_failed_flush)
{
	host_up(&h, 1);
	disk->b.volatile_cache = true;
	ck_assert_uint_eq(write_blocks(&h, 0, 1, a), 0);
	disk->fail = -EIO;
	disk->fail_op = NVME_BACKEND_FLUSH;
	ck_assert_int_eq(nvme_target_destroy(target, 1000), -EIO);
	target = NULL;
	ck_assert(disk_closed);
	free_hosts();
}
END_TEST

/* One backend never answers, and another does: what can be done is done, and the one is named. */
static void stuck_up(struct fake_backend **two, struct fake_cmd **r, struct fake_cmd **w)
{
	struct nvme_target_opts opts = { .backend_timeout_ms = 30 };

	host_down(&h);
	ck_assert_int_eq(nvme_target_destroy(target, 0), 0);
	fake_dev_free(dev);
	rig_up_with(&opts);
	*two = rig_add_disk(subsys, 64, NULL, NULL);
	(*two)->b.volatile_cache = true;
	host_up(&h, 2);
	disk->slow = disk->stuck = true;
	*w = post(&h, 2, rw_sqe(NVME_OPC_WRITE, 2, 0, 8), FAKE_ICD, a, 4096);
	*r = post(&h, 1, rw_sqe(NVME_OPC_READ, 1, 0, 8), FAKE_IN, NULL, 4096);
	post(&h, 1, rw_sqe(NVME_OPC_COMPARE, 1, 0, 8), FAKE_ICD, a, 4096);
	post(&h, 1, rw_sqe(NVME_OPC_WRITE, 1, 0, 8), FAKE_R2T, a, 4096);
	polls(2);
	ck_assert_uint_eq(status_of(*w), 0);
}

START_TEST(destroy_names_a_backend_that_does_not_answer)
{
	struct fake_cmd *r, *w;
	struct fake_backend *two;

	stuck_up(&two, &r, &w);
	ck_assert_int_eq(nvme_target_destroy(target, 10), -ETIMEDOUT);
	ck_assert_ptr_nonnull(strstr(rig_log, RIG_NQN ": namespace 1 (fake): 3 requests"));
	ck_assert_ptr_nonnull(
		strstr(weft_last_error(), RIG_NQN ": namespace 1 (fake): 3 requests"));
	ck_assert_ptr_null(strstr(rig_log, "namespace 2"));
	ck_assert(!disk_closed);
	ck_assert(fake_closed(h.q[0]) && fake_closed(h.q[2]));
	ck_assert_ptr_null(fake_connect(dev, RIG_PORT, 1));
	ck_assert_uint_gt(fake_mem(dev), 0); /* the backend may still write to it */
	ck_assert_int_eq(nvme_target_destroy(target, 10), -ETIMEDOUT);
	disk->stuck = false;
	ck_assert_int_eq(nvme_target_destroy(target, 10), 0);
	target = NULL;
	ck_assert(disk_closed);
	ck_assert_uint_eq(fake_mem(dev), 0);
	ck_assert_uint_eq(status_of(r), NO_ANSWER);
	free_hosts();
}
END_TEST

START_TEST(a_removed_port_does_not_wait_for_ever)
{
	struct nvme_port_opts po = { .traddr = 1, .listen = { .dev = dev, .port = RIG_PORT } };
	struct fake_cmd *r, *w;
	struct fake_backend *two;

	stuck_up(&two, &r, &w);
	ck_assert_int_eq(nvme_target_port_remove(port), -ETIMEDOUT);
	ck_assert_ptr_nonnull(
		strstr(weft_last_error(), RIG_NQN ": namespace 1 (fake): 3 requests"));
	ck_assert(fake_closed(h.q[0]) && fake_closed(h.q[2]) && !fake_closed(h.q[1]));
	po.listen.dev = dev;
	ck_assert_int_eq(nvme_target_port_add(target, &po, &port), 0); /* its place is free */
	ck_assert_int_eq(nvme_port_link(port, subsys), 0);
	o.q[0] = NULL;
	host_up(&o, 0);
	disk->stuck = false;
	polls(5);
	ck_assert(fake_closed(h.q[1]));
	ck_assert_uint_eq(host_connect(&o, 1), 0);
	ck_assert_uint_eq(read_blocks(&o, 0, 1, b), 0);
}
END_TEST

START_TEST(a_late_flush_error_is_told)
{
	struct fake_cmd *r, *w;
	struct fake_backend *two;

	stuck_up(&two, &r, &w);
	two->fail = -EIO;
	two->fail_op = NVME_BACKEND_FLUSH;
	ck_assert_int_eq(nvme_target_destroy(target, 0), -ETIMEDOUT);
	disk->stuck = false;
	ck_assert_int_eq(nvme_target_destroy(target, 0), -EIO);
	target = NULL;
	free_hosts();
}
END_TEST

START_TEST(destroy_of_nothing)
{
	struct nvme_target *t;

	ck_assert_int_eq(nvme_target_destroy(NULL, 0), 0);
	ck_assert_int_eq(nvme_target_create(NULL, &t), 0);
	ck_assert_int_eq(nvme_target_poll(t), 0);
	ck_assert_int_ge(nvme_target_wait(t, 1), 0);
	ck_assert_int_eq(nvme_target_destroy(t, 0), 0);
}
END_TEST

/* --- options --------------------------------------------------------------------------------------------------- */

static const struct nvme_subsys_opts bad_subsys[] = {
	{ .nqn = NULL },
	{ .nqn = "weft" },
	{ .nqn = "nqn.2024-01." },
	{ .nqn = NVME_DISCOVERY_NQN },
	{ .nqn = RIG_NQN "b", .serial = "123456789012345678901" },
	{ .nqn = RIG_NQN "b", .model = "a\nb" },
	{ .nqn = RIG_NQN "b", .firmware = "123456789" },
	{ .nqn = RIG_NQN "b", .cntlid_min = 9, .cntlid_max = 8 },
	{ .nqn = RIG_NQN "b", .cntlid_max = 0xfff0 },
	{ .nqn = RIG_NQN "b", .max_xfer = 4096 }, /* MDTS 0: no limit */
	{ .nqn = RIG_NQN "b", .max_xfer = 12288 },
	{ .nqn = RIG_NQN "b", .max_xfer = 2 << 20 },
	{ .nqn = RIG_NQN "b", .max_io_queues = 1000 },
	{ .nqn = RIG_NQN "b", .max_namespaces = 1u << 20 },
	{ .nqn = RIG_NQN "b", .max_controllers = 1u << 20 },
};

START_TEST(wrong_subsystem)
{
	struct nvme_subsys *s;

	ck_assert_int_eq(nvme_target_subsys_add(target, &bad_subsys[_i], &s), -EINVAL);
	ck_assert_uint_gt(strlen(weft_last_error()), 5);
}
END_TEST

START_TEST(wrong_options)
{
	struct nvme_subsys_opts so = { .nqn = RIG_NQN };
	struct nvme_port_opts po = { .traddr = 1, .listen = { .dev = dev, .port = RIG_PORT } };
	struct nvme_target_opts to = { .buffer_bytes = 1000 };
	struct nvme_ns_opts no = { .nsid = 1 };
	struct fake_backend *f = fake_backend_new(1024, 512, NULL);
	struct nvme_target *t;
	struct nvme_subsys *s;
	struct nvme_port *p;
	uint32_t nsid;

	ck_assert_int_eq(nvme_target_create(&to, &t), -EINVAL);
	ck_assert_int_eq(nvme_target_subsys_add(target, &so, &s), -EEXIST);
	ck_assert_int_eq(nvme_target_port_add(target, &po, &p), -EEXIST);
	po.listen.port = 4421;
	po.portid = 1;
	ck_assert_int_eq(nvme_target_port_add(target, &po, &p), -EEXIST);
	po.traddr = 0;
	ck_assert_int_eq(nvme_target_port_add(target, &po, &p), -EINVAL);
	ck_assert_int_eq(nvme_subsys_ns_add(subsys, &f->b, &no, &nsid), -EEXIST);
	no.nsid = 257;
	ck_assert_int_eq(nvme_subsys_ns_add(subsys, &f->b, &no, &nsid), -EINVAL);
	no.nsid = 0;
	no.uuid[3] = 1;
	ck_assert_int_eq(nvme_subsys_ns_add(subsys, &f->b, &no, &nsid), 0);
	ck_assert_uint_eq(nsid, 2);
	f = fake_backend_new(1024, 512, NULL);
	ck_assert_int_eq(nvme_subsys_ns_add(subsys, &f->b, &no, &nsid), -EEXIST); /* UUID */
	f->b.block_size = 1024;
	no.uuid[3] = 2;
	ck_assert_int_eq(nvme_subsys_ns_add(subsys, &f->b, &no, &nsid), -EINVAL);
	nvme_backend_close(&f->b);
}
END_TEST

START_TEST(failed_port_leaves_nothing)
{
	struct nvme_port_opts po = { .traddr = 1, .listen = { .dev = dev, .port = 5000 } };
	struct nvmf_listen_params lp = { .dev = dev, .port = 5000 };
	struct nvmf_listener *l = nvmf_listen(NVMF_TRTYPE_TCP, &lp, NULL, NULL);
	struct nvme_port *p;

	ck_assert_int_eq(nvme_target_port_add(target, &po, &p), -EADDRINUSE);
	nvmf_unlisten(l);
}
END_TEST

Suite *life_suite(void)
{
	Suite *s = suite_create("life");
	TCase *c = tcase_create("life");

	tcase_add_checked_fixture(c, up, down);
	tcase_add_test(c, two_hosts_share_a_namespace);
	tcase_add_test(c, facts);
	tcase_add_test(c, namespace_removed_under_load);
	tcase_add_test(c, write_does_not_reach_a_successor);
	tcase_add_test(c, removed_namespace_is_flushed);
	tcase_add_test(c, subsystem_removed_under_load);
	tcase_add_test(c, port_removed_under_load);
	tcase_add_test(c, unlinked);
	tcase_add_test(c, adapter_dies);
	tcase_add_test(c, two_adapters);
	tcase_add_test(c, destroy_finishes_writes);
	tcase_add_test(c, destroy_does_not_wait_for_ever);
	tcase_add_test(c, destroy_tells_of_a_failed_flush);
	tcase_add_test(c, destroy_names_a_backend_that_does_not_answer);
	tcase_add_test(c, a_removed_port_does_not_wait_for_ever);
	tcase_add_test(c, a_late_flush_error_is_told);
	tcase_add_test(c, destroy_of_nothing);
	tcase_add_loop_test(c, wrong_subsystem, 0, sizeof(bad_subsys) / sizeof(*bad_subsys));
	tcase_add_test(c, wrong_options);
	tcase_add_test(c, failed_port_leaves_nothing);
	suite_add_tcase(s, c);
	return s;
}
