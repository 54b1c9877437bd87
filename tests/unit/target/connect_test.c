/* SPDX-License-Identifier: BSD-2-Clause */
/* Connect: every check and its status, queues, hosts, what comes before and after. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "rig.h"

#define DATA(ipo) (1u << 16 | (ipo))

static struct host h;

static void up(void)
{
	rig_up();
	h = host_new(RIG_NQN, RIG_HOST);
}

static void down(void)
{
	host_down(&h);
	rig_down();
}

/* One wrong thing in an admin Connect. */
static const struct refusal {
	const char *what;
	size_t at; /* offset in the data; with bit 12: in the SQE */
	uint8_t bytes[8];
	size_t n;
	uint16_t status;
	uint32_t dw0;
} refusals[] = {
#define SQE 0x1000u
	{ "RECFMT 1", SQE | 40, { 1 }, 1, NVME_SC_INCOMPATIBLE_FORMAT | DNR, 0 },
	{ "SQSIZE 0", SQE | 44, { 0, 0 }, 2, NVME_SC_CONNECT_INVALID_PARAMETERS | DNR, 44 },
	{ "SQSIZE 64", SQE | 44, { 64, 0 }, 2, NVME_SC_CONNECT_INVALID_PARAMETERS | DNR, 44 },
	{ "SQSIZE FFFFh", SQE | 44, { 0xff, 0xff }, 2, NVME_SC_CONNECT_INVALID_PARAMETERS | DNR, 44 },
	{ "CNTLID 5", 16, { 5, 0 }, 2, NVME_SC_CONNECT_INVALID_PARAMETERS | DNR, DATA(16) },
	{ "CNTLID FFFEh", 16, { 0xfe, 0xff }, 2, NVME_SC_CONNECT_INVALID_PARAMETERS | DNR, DATA(16) },
	{ "SUBNQN unknown", 260, { 'x' }, 1, NVME_SC_CONNECT_INVALID_PARAMETERS | DNR, DATA(256) },
	{ "SUBNQN empty", 256, { 0 }, 1, NVME_SC_CONNECT_INVALID_PARAMETERS | DNR, DATA(256) },
	{ "HOSTNQN empty", 512, { 0 }, 1, NVME_SC_CONNECT_INVALID_PARAMETERS | DNR, DATA(512) },
	{ "HOSTNQN no nqn", 512, { 'x' }, 1, NVME_SC_CONNECT_INVALID_PARAMETERS | DNR, DATA(512) },
	{ "HOSTNQN no date", 516, { 'x' }, 1, NVME_SC_CONNECT_INVALID_PARAMETERS | DNR, DATA(512) },
};

START_TEST(refused)
{
	const struct refusal *r = &refusals[_i];
	struct nvme_connect_data d = host_connect_data(&h, 0);
	struct nvme_sqe s = host_connect_sqe(&h, 0);
	uint8_t *at = r->at & SQE ? (uint8_t *)&s + (r->at & ~SQE) : (uint8_t *)&d + r->at;
	struct nvme_target_stats stats;

	memcpy(at, r->bytes, r->n);
	h.q[0] = fake_connect(dev, RIG_PORT, 1);
	ck_assert_msg(run(&h, 0, s, FAKE_ICD, &d, sizeof(d)) == r->status, "%s: status %x", r->what,
		      status_of(last));
	ck_assert_msg(last_dw0() == r->dw0, "%s: DW0 %x", r->what, last_dw0());
	ck_assert_uint_eq(last->cqe.sqhd, 0);
	nvme_target_stats(target, &stats);
	ck_assert_uint_eq(stats.connects_refused, 1);
	ck_assert_uint_eq(stats.controllers, 0);
	/* the connection can be used for a right one */
	d = host_connect_data(&h, 0);
	ck_assert_uint_eq(run(&h, 0, host_connect_sqe(&h, 0), FAKE_ICD, &d, sizeof(d)), 0);
}
END_TEST

static uint16_t try_names(const char *sub, const char *host, uint8_t hostid)
{
	struct nvme_connect_data d = host_connect_data(&h, 0);

	memset(d.hostid, hostid, sizeof(d.hostid));
	if (sub)
		memcpy(d.subnqn, sub, 256);
	if (host)
		memcpy(d.hostnqn, host, 256);
	if (!h.q[0])
		h.q[0] = fake_connect(dev, RIG_PORT, 1);
	return run(&h, 0, host_connect_sqe(&h, 0), FAKE_ICD, &d, sizeof(d));
}

START_TEST(names_too_long)
{
	char name[256];

	memset(name, 'a', sizeof(name));
	ck_assert_uint_eq(try_names(name, NULL, 1), NVME_SC_CONNECT_INVALID_PARAMETERS | DNR);
	ck_assert_uint_eq(last_dw0(), DATA(256));
	memcpy(name, RIG_HOST, strlen(RIG_HOST));
	ck_assert_uint_eq(try_names(NULL, name, 1), NVME_SC_CONNECT_INVALID_PARAMETERS | DNR);
	ck_assert_uint_eq(last_dw0(), DATA(512));
	name[224] = '\0'; /* 224 characters: one too many */
	ck_assert_uint_eq(try_names(NULL, name, 1), NVME_SC_CONNECT_INVALID_PARAMETERS | DNR);
	ck_assert_uint_eq(try_names(NULL, NULL, 0), NVME_SC_CONNECT_INVALID_PARAMETERS | DNR);
	ck_assert_uint_eq(last_dw0(), DATA(0));
	name[223] = '\0';
	ck_assert_uint_eq(try_names(NULL, name, 1), 0);
}
END_TEST

START_TEST(wrong_length)
{
	struct nvme_connect_data d = host_connect_data(&h, 0);
	struct nvme_sqe s = host_connect_sqe(&h, 0);

	h.q[0] = fake_connect(dev, RIG_PORT, 1);
	ck_assert_uint_eq(run(&h, 0, s, FAKE_ICD, &d, 512), NVME_SC_SGL_LENGTH_INVALID | DNR);
	ck_assert_uint_eq(run(&h, 0, s, FAKE_R2T, &d, 1020), NVME_SC_SGL_LENGTH_INVALID | DNR);
	ck_assert_uint_eq(run(&h, 0, s, FAKE_NONE, NULL, 0), NVME_SC_SGL_LENGTH_INVALID | DNR);
}
END_TEST

START_TEST(connects_with_data_by_r2t)
{
	h.r2t = true;
	host_up(&h, 1);
}
END_TEST

START_TEST(wrong_digest)
{
	struct nvme_connect_data d = host_connect_data(&h, 0);
	struct nvme_sqe s = host_connect_sqe(&h, 0);

	h.q[0] = fake_connect(dev, RIG_PORT, 1);
	ck_assert_uint_eq(run(&h, 0, s, FAKE_BAD_ICD, &d, sizeof(d)),
			  NVME_SC_TRANSIENT_TRANSPORT_ERROR);
	fake_fail_data(h.q[0], -EBADMSG);
	ck_assert_uint_eq(run(&h, 0, s, FAKE_R2T, &d, sizeof(d)),
			  NVME_SC_TRANSIENT_TRANSPORT_ERROR);
	ck_assert_uint_eq(run(&h, 0, s, FAKE_R2T, &d, sizeof(d)), 0);
}
END_TEST

START_TEST(two_connects_at_once)
{
	struct nvme_connect_data d = host_connect_data(&h, 0);
	struct nvme_sqe s = host_connect_sqe(&h, 0);
	struct fake_cmd *a, *b;

	h.q[0] = fake_connect(dev, RIG_PORT, 1);
	a = post(&h, 0, s, FAKE_R2T, &d, sizeof(d));
	b = post(&h, 0, s, FAKE_R2T, &d, sizeof(d));
	polls(3);
	ck_assert_uint_eq(status_of(a), 0);
	ck_assert_uint_eq(status_of(b), NVME_SC_SEQUENCE_ERROR | DNR);
}
END_TEST

START_TEST(order_of_commands)
{
	struct nvme_connect_data d = host_connect_data(&h, 0);
	uint8_t data[4096];
	uint64_t v;

	h.q[0] = fake_connect(dev, RIG_PORT, 1);
	ck_assert_uint_eq(identify(&h, 1, 0, data), NVME_SC_SEQUENCE_ERROR | DNR);
	ck_assert_uint_eq(prop_get(&h, NVME_PROP_CAP, true, &v), NVME_SC_SEQUENCE_ERROR | DNR);
	ck_assert_uint_eq(run(&h, 0, host_connect_sqe(&h, 0), FAKE_ICD, &d, sizeof(d)), 0);
	ck_assert_uint_eq(run(&h, 0, host_connect_sqe(&h, 0), FAKE_ICD, &d, sizeof(d)),
			  NVME_SC_SEQUENCE_ERROR | DNR);
	ck_assert_uint_eq(identify(&h, 1, 0, data), NVME_SC_SEQUENCE_ERROR | DNR);
	ck_assert_uint_eq(status_of(post_aer(&h)), NVME_SC_SEQUENCE_ERROR | DNR);
	h.cntlid = 1;
	ck_assert_uint_eq(host_connect(&h, 1), NVME_SC_CONNECT_INVALID_PARAMETERS | DNR);
	ck_assert_uint_eq(last_dw0(), 42); /* not enabled */
	host_enable(&h);
	ck_assert_uint_eq(identify(&h, 1, 0, data), 0);
}
END_TEST

START_TEST(io_queue_refused)
{
	struct host o = host_new(RIG_NQN, RIG_HOST2);
	uint16_t id;

	host_up(&h, 1);
	id = h.cntlid;
	h.cntlid = 0x777;
	ck_assert_uint_eq(host_connect(&h, 2), NVME_SC_CONNECT_INVALID_PARAMETERS | DNR);
	ck_assert_uint_eq(last_dw0(), DATA(16));
	h.cntlid = id;
	ck_assert_uint_eq(host_connect(&h, 17), NVME_SC_INVALID_QUEUE_ID | DNR); /* 16 granted */
	fake_close(h.q[2], 0);
	host_gone(&h, 2);
	o.cntlid = id; /* another host's controller */
	ck_assert_uint_eq(host_connect(&o, 3), NVME_SC_CONNECT_INVALID_PARAMETERS | DNR);
	ck_assert_uint_eq(last_dw0(), DATA(512));
	o.hostnqn = RIG_HOST;
	ck_assert_uint_eq(host_connect(&o, 4), NVME_SC_CONNECT_INVALID_PARAMETERS | DNR);
	ck_assert_uint_eq(last_dw0(), DATA(0)); /* HOSTID */
	o.hostid[0] = h.hostid[0];
	ck_assert_uint_eq(host_connect(&o, 1), NVME_SC_INVALID_QUEUE_ID | DNR); /* in use */
	ck_assert_uint_eq(host_connect(&o, 2), 0);
	host_down(&o);
	ck_assert_uint_eq(host_connect(&h, 2), 0); /* free again */
	fake_close(h.q[2], 0);
	host_gone(&h, 2);
	/* IOSQES and IOCQES that are not set */
	ck_assert_uint_eq(prop_set(&h, NVME_PROP_CC, 0x460060), 0);
	ck_assert_uint_eq(prop_set(&h, NVME_PROP_CC, 0x61), 0);
	ck_assert_uint_eq(host_connect(&h, 2), NVME_SC_CONNECT_INVALID_PARAMETERS | DNR);
	ck_assert_uint_eq(last_dw0(), 42);
}
END_TEST

START_TEST(queue_of_another_port)
{
	struct nvme_port_opts po = { .traddr = 1, .listen = { .dev = dev, .port = 4421 } };
	struct nvme_connect_data d;
	struct nvme_port *p;

	ck_assert_int_eq(nvme_target_port_add(target, &po, &p), 0);
	host_up(&h, 1);
	d = host_connect_data(&h, 2);
	h.q[2] = fake_connect(dev, 4421, 1);
	ck_assert_uint_eq(run(&h, 2, host_connect_sqe(&h, 2), FAKE_ICD, &d, sizeof(d)),
			  NVME_SC_CONNECT_INVALID_PARAMETERS | DNR);
	ck_assert_uint_eq(last_dw0(), DATA(256)); /* not linked there */
	ck_assert_int_eq(nvme_port_link(p, subsys), 0);
	ck_assert_uint_eq(run(&h, 2, host_connect_sqe(&h, 2), FAKE_ICD, &d, sizeof(d)),
			  NVME_SC_CONNECT_INVALID_PARAMETERS | DNR);
	ck_assert_uint_eq(last_dw0(), 42);
}
END_TEST

START_TEST(allowed_hosts)
{
	struct host o = host_new(RIG_NQN, RIG_HOST2);

	ck_assert_int_eq(nvme_subsys_set_any_host(subsys, false), 0);
	ck_assert_int_eq(nvme_subsys_allow_host(subsys, RIG_HOST), 0);
	ck_assert_int_eq(nvme_subsys_allow_host(subsys, RIG_HOST), -EEXIST);
	ck_assert_int_eq(nvme_subsys_allow_host(subsys, "host"), -EINVAL);
	ck_assert_uint_eq(host_connect(&o, 0), NVME_SC_CONNECT_INVALID_HOST | DNR);
	ck_assert_uint_eq(last_dw0(), DATA(512));
	host_down(&o);
	host_up(&h, 1);
	ck_assert_int_eq(nvme_subsys_allow_host(subsys, RIG_HOST2), 0);
	host_up(&o, 1);
	ck_assert_int_eq(nvme_subsys_disallow_host(subsys, RIG_HOST2), 0);
	ck_assert_int_eq(nvme_subsys_disallow_host(subsys, RIG_HOST2), -ENOENT);
	ck_assert(fake_closed(o.q[0]) && fake_closed(o.q[1]));
	ck_assert(!fake_closed(h.q[0]) && !fake_closed(h.q[1]));
	host_down(&o);
}
END_TEST

START_TEST(controller_ids_go_round)
{
	struct nvme_subsys_opts so = { .nqn = RIG_NQN ":small",
				       .allow_any_host = true,
				       .cntlid_min = 7,
				       .cntlid_max = 9,
				       .max_controllers = 2 };
	struct nvme_subsys *s;
	struct host a = host_new(so.nqn, RIG_HOST), b = a, c = a;

	ck_assert_int_eq(nvme_target_subsys_add(target, &so, &s), 0);
	ck_assert_int_eq(nvme_port_link(port, s), 0);
	ck_assert_uint_eq(host_connect(&a, 0), 0);
	ck_assert_uint_eq(host_connect(&b, 0), 0);
	ck_assert_uint_eq(a.cntlid, 7);
	ck_assert_uint_eq(b.cntlid, 8);
	ck_assert_uint_eq(host_connect(&c, 0), NVME_SC_CONTROLLER_BUSY);
	host_down(&c);
	host_down(&a);
	ck_assert_uint_eq(host_connect(&c, 0), 0);
	ck_assert_uint_eq(c.cntlid, 9);
	host_down(&b);
	ck_assert_uint_eq(host_connect(&a, 0), 0);
	ck_assert_uint_eq(a.cntlid, 7);
	host_down(&a);
	host_down(&c);
}
END_TEST

START_TEST(sqhd_goes_round)
{
	uint64_t v;
	int i;

	h.sqsize = 3;
	ck_assert_uint_eq(host_connect(&h, 0), 0);
	ck_assert_uint_eq(last->cqe.sqhd, 1);
	for (i = 2; i < 11; i++) {
		ck_assert_uint_eq(prop_get(&h, NVME_PROP_VS, false, &v), 0);
		ck_assert_uint_eq(last->cqe.sqhd, (unsigned int)i % 4);
		ck_assert_uint_eq(last->cqe.sqid, 0);
	}
}
END_TEST

START_TEST(no_flow_control)
{
	uint8_t data[4096];

	h.cattr = 4;
	ck_assert_uint_eq(host_connect(&h, 0), 0);
	ck_assert_uint_eq(last->cqe.sqhd, 0xffff);
	ck_assert(!fake_flow_control(h.q[0]));
	host_enable(&h);
	ck_assert_uint_eq(last->cqe.sqhd, 0);
	ck_assert_uint_eq(identify(&h, 1, 0, data), 0);
	ck_assert(last->by_success);
	ck_assert_uint_eq(host_connect(&h, 1), 0);
	ck_assert_uint_eq(last->cqe.sqhd, 0xffff);
	ck_assert_uint_eq(read_blocks(&h, 0, 8, data), 0);
	ck_assert(last->by_success);
	ck_assert_uint_eq(write_blocks(&h, 0, 8, data), 0);
	ck_assert(!last->by_success);
}
END_TEST

START_TEST(disconnect_command)
{
	struct nvme_sqe s = { .opc = NVME_OPC_FABRICS, .nsid = NVME_FCTYPE_DISCONNECT };
	struct fake_conn *old;
	uint8_t data[512];

	host_up(&h, 2);
	ck_assert_uint_eq(run(&h, 0, s, FAKE_NONE, NULL, 0), NVME_SC_INVALID_QUEUE_TYPE | DNR);
	s.cdw10 = 1;
	ck_assert_uint_eq(run(&h, 2, s, FAKE_NONE, NULL, 0), NVME_SC_INCOMPATIBLE_FORMAT | DNR);
	s.cdw10 = 0;
	ck_assert_uint_eq(run(&h, 2, s, FAKE_NONE, NULL, 0), 0);
	polls(3);
	ck_assert(!fake_closed(h.q[2])); /* the host closes */
	old = h.q[2];
	ck_assert_uint_eq(host_connect(&h, 2), 0); /* the number is free */
	pass(2100);
	ck_assert(fake_closed(old)); /* it had its time */
	fake_conn_free(old);
	ck_assert(!fake_closed(h.q[2]));
	ck_assert_uint_eq(read_blocks(&h, 0, 1, data), 0);
	/* not while the backend has requests of the old queue */
	disk->slow = disk->stuck = true;
	post(&h, 2, rw_sqe(NVME_OPC_WRITE, 1, 0, 1), FAKE_ICD, data, 512);
	ck_assert_uint_eq(run(&h, 2, s, FAKE_NONE, NULL, 0), 0);
	old = h.q[2];
	ck_assert_uint_eq(host_connect(&h, 2), NVME_SC_INVALID_QUEUE_ID | DNR);
	disk->stuck = false;
	fake_close(old, 0);
	polls(3);
	fake_conn_free(old);
}
END_TEST

START_TEST(other_fabrics_commands)
{
	static const uint8_t types[] = { 5, 6, 2, 0xc0 };
	struct nvme_sqe s = { .opc = NVME_OPC_FABRICS };
	size_t i;

	host_up(&h, 1);
	for (i = 0; i < sizeof(types); i++) {
		s.nsid = types[i];
		ck_assert_uint_eq(run(&h, 0, s, FAKE_NONE, NULL, 0), NVME_SC_INVALID_OPCODE | DNR);
		ck_assert_uint_eq(run(&h, 1, s, FAKE_NONE, NULL, 0), NVME_SC_INVALID_OPCODE | DNR);
	}
	s.nsid = NVME_FCTYPE_PROPERTY_GET; /* only on the admin queue */
	s.cdw11 = NVME_PROP_CSTS;
	ck_assert_uint_eq(run(&h, 1, s, FAKE_NONE, NULL, 0), NVME_SC_INVALID_OPCODE | DNR);
	ck_assert_uint_eq(run(&h, 0, s, FAKE_NONE, NULL, 0), 0);
}
END_TEST

START_TEST(broken_capsules)
{
	struct nvme_sqe s = rw_sqe(NVME_OPC_READ, 1, 0, 1);
	uint8_t data[512];

	host_up(&h, 1);
	s.flags = 0x80;
	ck_assert_uint_eq(run(&h, 1, s, FAKE_IN, data, 512), NVME_SC_INVALID_FIELD | DNR);
	s.flags = 0;
	s.sgl1[15] = 0x40;
	ck_assert_uint_eq(run(&h, 1, s, FAKE_IN, data, 512), NVME_SC_SGL_TYPE_INVALID | DNR);
	s.sgl1[15] = 0x5a;
	s.sgl1[0] = 1;
	ck_assert_uint_eq(run(&h, 1, s, FAKE_IN, data, 512), NVME_SC_SGL_OFFSET_INVALID | DNR);
	ck_assert_uint_eq(read_blocks(&h, 0, 1, data), 0);
}
END_TEST

START_TEST(cid_used_twice_ends_the_connection)
{
	struct host o = host_new(RIG_NQN, RIG_HOST2);
	struct fake_cmd *a;

	host_up(&h, 1);
	host_up(&o, 1);
	a = post_aer(&h);
	h.cid = (uint16_t)(a->sqe.cid - 1);
	post_aer(&h);
	polls(3);
	ck_assert(fake_closed(h.q[0]) && fake_closed(h.q[1]));
	ck_assert(!fake_closed(o.q[0]) && !fake_closed(o.q[1]));
	ck_assert_ptr_nonnull(strstr(rig_log, "identifier is used twice"));
	host_down(&o);
}
END_TEST

START_TEST(half_connected_ones_time_out)
{
	struct nvme_target_stats s;

	h.q[0] = fake_connect(dev, RIG_PORT, 1);
	pass(9900);
	ck_assert(!fake_closed(h.q[0]));
	pass(200);
	ck_assert(fake_closed(h.q[0]));
	nvme_target_stats(target, &s);
	ck_assert_uint_eq(s.connections, 0);
}
END_TEST

START_TEST(connect_without_its_data_times_out)
{
	struct nvme_connect_data d = host_connect_data(&h, 0);

	h.q[0] = fake_connect(dev, RIG_PORT, 1);
	fake_hold_data(h.q[0], true);
	pass(5000);
	post(&h, 0, host_connect_sqe(&h, 0), FAKE_R2T, &d, sizeof(d));
	pass(4900);
	ck_assert(!fake_closed(h.q[0]));
	pass(200);
	ck_assert(fake_closed(h.q[0]));
}
END_TEST

Suite *connect_suite(void)
{
	Suite *s = suite_create("connect");
	TCase *c = tcase_create("connect");

	tcase_add_checked_fixture(c, up, down);
	tcase_add_loop_test(c, refused, 0, sizeof(refusals) / sizeof(*refusals));
	tcase_add_test(c, names_too_long);
	tcase_add_test(c, wrong_length);
	tcase_add_test(c, connects_with_data_by_r2t);
	tcase_add_test(c, wrong_digest);
	tcase_add_test(c, two_connects_at_once);
	tcase_add_test(c, order_of_commands);
	tcase_add_test(c, io_queue_refused);
	tcase_add_test(c, queue_of_another_port);
	tcase_add_test(c, allowed_hosts);
	tcase_add_test(c, controller_ids_go_round);
	tcase_add_test(c, sqhd_goes_round);
	tcase_add_test(c, no_flow_control);
	tcase_add_test(c, disconnect_command);
	tcase_add_test(c, other_fabrics_commands);
	tcase_add_test(c, broken_capsules);
	tcase_add_test(c, cid_used_twice_ends_the_connection);
	tcase_add_test(c, half_connected_ones_time_out);
	tcase_add_test(c, connect_without_its_data_times_out);
	suite_add_tcase(s, c);
	return s;
}
