/* SPDX-License-Identifier: BSD-2-Clause */
/* Identify, features: content, statuses, identities. */
#include <stdlib.h>
#include <string.h>

#include "rig.h"

static struct host h;
static uint8_t data[8192];

static void up(void)
{
	rig_up();
	h = host_new(RIG_NQN, RIG_HOST);
	host_up(&h, 1);
}

static void discovery_up(void)
{
	rig_up();
	h = host_new(NVME_DISCOVERY_NQN, RIG_HOST);
	host_up(&h, 0);
}

static void down(void)
{
	host_down(&h);
	rig_down();
}

START_TEST(controller)
{
	struct nvme_identify_ctrl *id = (void *)data;

	ck_assert_uint_eq(identify(&h, NVME_CNS_CONTROLLER, 0, data), 0);
	ck_assert_uint_eq(id->cntlid, h.cntlid);
	ck_assert_uint_eq(id->ver, 0x10400);
	ck_assert_mem_eq(id->sn, "WEFT", 4);
	ck_assert_mem_eq(id->mn, "Weft                                    ", 40);
	ck_assert_str_eq(id->subnqn, RIG_NQN);
	ck_assert_uint_eq(id->mdts, 8); /* 1 MiB */
	ck_assert_uint_eq(id->cntrltype, 1);
	ck_assert_uint_eq(id->oaes, 0x100);
	ck_assert_uint_eq(id->ctratt, 0x41);
	ck_assert_uint_eq(id->kas, 10);
	ck_assert_uint_eq(id->aerl, 3);
	ck_assert_uint_eq(id->lpa, 6);
	ck_assert_uint_eq(id->sqes, 0x66);
	ck_assert_uint_eq(id->cqes, 0x44);
	ck_assert_uint_eq(id->maxcmd, 64);
	ck_assert_uint_eq(id->nn, 256);
	ck_assert_uint_eq(id->oncs, 0x9d);
	ck_assert_uint_eq(id->fuses, 0);
	ck_assert_uint_eq(id->vwc, 7); /* also without: a namespace that has a cache may come */
	ck_assert_uint_eq(id->sgls, 0x300001);
	ck_assert_uint_eq(id->ioccsz, 4 + 16384 / 16);
	ck_assert_uint_eq(id->iorcsz, 1);
	ck_assert_uint_eq(id->icdoff, 0);
	ck_assert_uint_eq(id->msdbd, 1);
	ck_assert_uint_eq(id->ofcs, 1);
	ck_assert_uint_eq(id->cmic, 3); /* no ANA */
}
END_TEST

START_TEST(namespaces)
{
	struct nvme_identify_ns *id = (void *)data;
	uint32_t *list = (void *)data, nsid = 200;
	static const uint8_t zero[4096];

	ck_assert_uint_eq(identify(&h, NVME_CNS_NAMESPACE, 1, data), 0);
	ck_assert_uint_eq(id->nsze, RIG_BLOCKS);
	ck_assert_uint_eq(id->ncap, RIG_BLOCKS);
	ck_assert_uint_eq(id->nuse, RIG_BLOCKS);
	ck_assert_uint_eq(id->nlbaf, 0);
	ck_assert_uint_eq(id->lbaf[0].lbads, 9);
	ck_assert_uint_eq(id->lbaf[0].ms, 0);
	ck_assert_uint_eq(id->nmic, 1);
	ck_assert_uint_eq(id->dlfeat, 9);
	ck_assert_uint_eq(id->nsattr, 0);
	rig_add_disk(subsys, 8, &nsid, NULL);
	ck_assert_uint_eq(identify(&h, NVME_CNS_ACTIVE_LIST, 0, data), 0);
	ck_assert_uint_eq(list[0], 1);
	ck_assert_uint_eq(list[1], 200);
	ck_assert_uint_eq(list[2], 0);
	ck_assert_uint_eq(identify(&h, NVME_CNS_ACTIVE_LIST, 1, data), 0);
	ck_assert_uint_eq(list[0], 200);
	ck_assert_uint_eq(identify(&h, NVME_CNS_ACTIVE_LIST, 200, data), 0);
	ck_assert_mem_eq(data, zero, 4096);
	ck_assert_uint_eq(identify(&h, NVME_CNS_NAMESPACE, 2, data), 0);
	ck_assert_mem_eq(data, zero, 4096); /* not there */
	ck_assert_uint_eq(identify(&h, NVME_CNS_CSI_ACTIVE_LIST, 0, data), 0);
	ck_assert_uint_eq(list[1], 200);
	ck_assert_uint_eq(identify(&h, NVME_CNS_ANY_NAMESPACE, 200, data), 0);
	ck_assert_uint_eq(data[14], 1);
	ck_assert_uint_eq(identify(&h, NVME_CNS_CSI_CONTROLLER, 0, data), 0);
	ck_assert_uint_eq(data[0], 8);
	ck_assert_uint_eq(identify(&h, NVME_CNS_CSI_NAMESPACE, 1, data), 0);
	ck_assert_mem_eq(data, zero, 4096);
	ck_assert_uint_eq(identify(&h, NVME_CNS_COMMAND_SETS, 0, data),
			  NVME_SC_INVALID_FIELD | DNR);
}
END_TEST

START_TEST(command_sets)
{
	struct nvme_sqe s = { .opc = NVME_OPC_IDENTIFY, .cdw10 = 0xffff001c };

	ck_assert_uint_eq(run(&h, 0, s, FAKE_IN, data, 4096), 0);
	ck_assert_uint_eq(data[0], 1);
	ck_assert_uint_eq(data[8], 0);
	s.cdw10 = NVME_CNS_CSI_CONTROLLER;
	s.cdw11 = 2u << 24;
	ck_assert_uint_eq(run(&h, 0, s, FAKE_IN, data, 4096), NVME_SC_INVALID_FIELD | DNR);
	s.cdw10 = NVME_CNS_CSI_NAMESPACE;
	s.nsid = 1;
	ck_assert_uint_eq(run(&h, 0, s, FAKE_IN, data, 4096), NVME_SC_INVALID_FIELD | DNR);
}
END_TEST

static const struct {
	uint8_t cns;
	uint32_t nsid;
	uint16_t status;
} wrongs[] = {
	{ 0x00, 0, 0x400b },
	{ 0x00, 257, 0x400b },
	{ 0x00, NVME_NSID_ALL, 0x400b },
	{ 0x02, 0xfffffffe, 0x400b },
	{ 0x02, NVME_NSID_ALL, 0x400b },
	{ 0x03, 2, 0x400b },
	{ 0x03, 0, 0x400b },
	{ 0x05, 2, 0x400b },
	{ 0x08, 2, 0x400b },
	{ 0x04, 0, 0x4002 },
	{ 0x10, 0, 0x4002 },
	{ 0x11, 1, 0x4002 },
	{ 0x13, 0, 0x4002 },
	{ 0xff, 0, 0x4002 },
};

START_TEST(refused)
{
	ck_assert_uint_eq(identify(&h, wrongs[_i].cns, wrongs[_i].nsid, data), wrongs[_i].status);
}
END_TEST

START_TEST(wrong_lengths)
{
	struct nvme_sqe s = { .opc = NVME_OPC_IDENTIFY, .cdw10 = NVME_CNS_CONTROLLER };

	ck_assert_uint_eq(run(&h, 0, s, FAKE_IN, data, 512), NVME_SC_SGL_LENGTH_INVALID | DNR);
	ck_assert_uint_eq(run(&h, 0, s, FAKE_IN, data, 8192), NVME_SC_SGL_LENGTH_INVALID | DNR);
	ck_assert_uint_eq(run(&h, 0, s, FAKE_NONE, NULL, 0), NVME_SC_SGL_LENGTH_INVALID | DNR);
	ck_assert_uint_eq(run(&h, 0, s, FAKE_ICD, data, 4096), NVME_SC_SGL_TYPE_INVALID | DNR);
	s.opc = NVME_OPC_KEEP_ALIVE;
	ck_assert_uint_eq(run(&h, 0, s, FAKE_ICD, data, 4), NVME_SC_SGL_LENGTH_INVALID | DNR);
}
END_TEST

static void uuid_of(const char *nqn, uint32_t nsid, uint8_t uuid[16], char serial[20])
{
	struct host o = host_new(nqn, RIG_HOST2);

	host_up(&o, 0);
	ck_assert_uint_eq(identify(&o, NVME_CNS_DESCRIPTORS, nsid, data), 0);
	ck_assert_uint_eq(data[0], NVME_NIDT_UUID);
	ck_assert_uint_eq(data[1], 16);
	memcpy(uuid, data + 4, 16);
	ck_assert_uint_eq(data[20], NVME_NIDT_CSI);
	ck_assert_uint_eq(data[21], 1);
	ck_assert_uint_eq(data[24], 0);
	ck_assert_uint_eq(data[25], 0);
	ck_assert_uint_eq(identify(&o, NVME_CNS_CONTROLLER, 0, data), 0);
	memcpy(serial, ((struct nvme_identify_ctrl *)data)->sn, 20);
	host_down(&o);
}

START_TEST(identities_stay)
{
	uint8_t one[16], two[16], again[16];
	char serial[20], serial2[20];
	struct nvme_subsys_opts o = { .nqn = RIG_NQN "2", .allow_any_host = true };
	struct nvme_subsys *s;

	rig_add_disk(subsys, 8, NULL, NULL);
	uuid_of(RIG_NQN, 1, one, serial);
	uuid_of(RIG_NQN, 2, two, serial2);
	ck_assert_mem_eq(serial, serial2, 20);
	ck_assert_mem_ne(one, two, 16);
	ck_assert_uint_eq(one[6] >> 4, 8);
	ck_assert_uint_eq(one[8] >> 6, 2);
	ck_assert_int_eq(nvme_target_subsys_add(target, &o, &s), 0);
	ck_assert_int_eq(nvme_port_link(port, s), 0);
	rig_add_disk(s, 8, NULL, NULL);
	uuid_of(o.nqn, 1, two, serial2);
	ck_assert_mem_ne(one, two, 16);
	ck_assert_mem_ne(serial, serial2, 20);
	host_down(&h); /* a new life */
	ck_assert_int_eq(nvme_target_destroy(target, 100), 0);
	fake_dev_free(dev);
	rig_up();
	uuid_of(RIG_NQN, 1, again, serial2);
	ck_assert_mem_eq(one, again, 16);
	ck_assert_mem_eq(serial, serial2, 20);
}
END_TEST

START_TEST(given_identities)
{
	struct nvme_ns_opts o = { .uuid = { 1 }, .nguid = { 2 }, .eui64 = { 3 } };
	struct fake_backend *f = fake_backend_new(512, 512, NULL);
	struct nvme_identify_ns *id = (void *)data;

	ck_assert_int_eq(nvme_subsys_ns_add(subsys, &f->b, &o, NULL), 0);
	ck_assert_uint_eq(identify(&h, NVME_CNS_DESCRIPTORS, 2, data), 0);
	ck_assert_uint_eq(data[0], NVME_NIDT_EUI64);
	ck_assert_uint_eq(data[4], 3);
	ck_assert_uint_eq(data[12], NVME_NIDT_NGUID);
	ck_assert_uint_eq(data[16], 2);
	ck_assert_uint_eq(data[32], NVME_NIDT_UUID);
	ck_assert_uint_eq(data[36], 1);
	ck_assert_uint_eq(data[52], NVME_NIDT_CSI);
	ck_assert_uint_eq(identify(&h, NVME_CNS_NAMESPACE, 2, data), 0);
	ck_assert_uint_eq(id->nguid[0], 2);
	ck_assert_uint_eq(id->eui64[0], 3);
}
END_TEST

/* --- features ---------------------------------------------------------------------------------------- */

static const struct {
	uint8_t fid;
	uint32_t initial, capabilities, set;
	uint16_t status; /* of Set Features */
	uint32_t then;
} features[] = {
	{ 0x01, 7, 4, 0x01020302, 0, 0x01020302 },
	{ 0x02, 0, 4, 1, 0x4002, 0 },
	{ 0x02, 0, 4, 0, 0, 0 },
	{ 0x04, 0xffff, 4, 0x155, 0, 0x155 },
	{ 0x06, 1, 4, 0, 0, 0 },
	{ 0x06, 1, 4, 3, 0, 1 },
	{ 0x07, 0x000f000f, 4, 0x00030003, 0x400c, 0x000f000f }, /* an I/O queue is there */
	{ 0x07, 0x000f000f, 4, 0xffff, 0x4002, 0x000f000f },
	{ 0x07, 0x000f000f, 4, 0xffff0000, 0x4002, 0x000f000f },
	{ 0x0a, 0, 4, 1, 0, 1 },
	{ 0x0b, 0, 4, 0x100, 0, 0x100 },
	{ 0x0b, 0, 4, 0x900, 0x4002, 0 }, /* ANA is not offered */
	{ 0x0b, 0, 4, 0x80000000, 0x4002, 0 },
	{ 0x0f, 0, 4, 2000, 0, 2000 },
	{ 0x19, 0, 4, 0, 0, 0 },
	{ 0x19, 0, 4, 1, 0x4002, 0 },
};

START_TEST(feature)
{
	uint32_t v;

	ck_assert_uint_eq(get_feature(&h, features[_i].fid, 0, &v), 0);
	ck_assert_uint_eq(v, features[_i].initial);
	ck_assert_uint_eq(get_feature(&h, features[_i].fid, 3, &v), 0);
	ck_assert_uint_eq(v, features[_i].capabilities);
	ck_assert_uint_eq(set_feature(&h, features[_i].fid, features[_i].set), features[_i].status);
	ck_assert_uint_eq(get_feature(&h, features[_i].fid, 0, &v), 0);
	ck_assert_uint_eq(v, features[_i].then);
	ck_assert_uint_eq(get_feature(&h, features[_i].fid, 1, &v), 0); /* default */
	ck_assert_uint_eq(v, features[_i].initial);
	ck_assert_uint_eq(get_feature(&h, features[_i].fid, 2, &v), 0); /* saved: as default */
	ck_assert_uint_eq(v, features[_i].initial);
	ck_assert_uint_eq(get_feature(&h, features[_i].fid, 4, &v), NVME_SC_INVALID_FIELD | DNR);
}
END_TEST

START_TEST(features_refused)
{
	struct nvme_sqe s = { .opc = NVME_OPC_SET_FEATURES, .cdw10 = 0x80000001 };
	static const uint8_t unknown[] = { 0, 3, 8, 9, 0x10, 0x16, 0x80, 0x82, 0x84, 0xc0 };
	uint32_t v;
	size_t i;

	ck_assert_uint_eq(run(&h, 0, s, FAKE_NONE, NULL, 0), NVME_SC_FEATURE_NOT_SAVEABLE | DNR);
	s.cdw10 = 1;
	s.nsid = 1;
	ck_assert_uint_eq(run(&h, 0, s, FAKE_NONE, NULL, 0), NVME_SC_FEATURE_NOT_NS_SPECIFIC | DNR);
	s.nsid = NVME_NSID_ALL;
	ck_assert_uint_eq(run(&h, 0, s, FAKE_NONE, NULL, 0), 0);
	for (i = 0; i < sizeof(unknown); i++) {
		ck_assert_uint_eq(get_feature(&h, unknown[i], 0, &v), NVME_SC_INVALID_FIELD | DNR);
		ck_assert_uint_eq(set_feature(&h, unknown[i], 0), NVME_SC_INVALID_FIELD | DNR);
	}
}
END_TEST

START_TEST(error_recovery_is_of_a_namespace)
{
	struct nvme_sqe s = { .opc = NVME_OPC_GET_FEATURES, .cdw10 = 5 };

	ck_assert_uint_eq(run(&h, 0, s, FAKE_NONE, NULL, 0), NVME_SC_INVALID_NAMESPACE | DNR);
	s.nsid = 1;
	ck_assert_uint_eq(run(&h, 0, s, FAKE_NONE, NULL, 0), 0);
	s.opc = NVME_OPC_SET_FEATURES;
	s.cdw11 = 0x10000; /* DULBE */
	ck_assert_uint_eq(run(&h, 0, s, FAKE_NONE, NULL, 0), NVME_SC_INVALID_FIELD | DNR);
}
END_TEST

START_TEST(host_identifier)
{
	struct nvme_sqe s = { .opc = NVME_OPC_GET_FEATURES, .cdw10 = 0x81, .cdw11 = 1 };

	ck_assert_uint_eq(run(&h, 0, s, FAKE_IN, data, 16), 0);
	ck_assert_mem_eq(data, h.hostid, 16);
	ck_assert_uint_eq(run(&h, 0, s, FAKE_IN, data, 8), NVME_SC_SGL_LENGTH_INVALID | DNR);
	s.cdw11 = 0;
	ck_assert_uint_eq(run(&h, 0, s, FAKE_IN, data, 8), NVME_SC_INVALID_FIELD | DNR);
	ck_assert_uint_eq(set_feature(&h, 0x81, 1), NVME_SC_SEQUENCE_ERROR | DNR);
}
END_TEST

/* --- discovery controllers ------------------------------------------------------------------------------ */

START_TEST(discovery_controller)
{
	struct nvme_identify_ctrl *id = (void *)data;
	uint32_t v;

	ck_assert_uint_eq(identify(&h, NVME_CNS_CONTROLLER, 0, data), 0);
	ck_assert_uint_eq(id->cntrltype, 2);
	ck_assert_uint_eq(id->cntlid, h.cntlid);
	ck_assert_uint_eq(id->oaes, 0x80000000);
	ck_assert_uint_eq(id->ctratt, 1); /* no TBKAS */
	ck_assert_uint_eq(id->lpa, 4);
	ck_assert_uint_eq(id->nn, 0);
	ck_assert_str_eq(id->subnqn, NVME_DISCOVERY_NQN);
	ck_assert_uint_eq(identify(&h, NVME_CNS_ACTIVE_LIST, 0, data), NVME_SC_INVALID_FIELD | DNR);
	ck_assert_uint_eq(identify(&h, NVME_CNS_NAMESPACE, 1, data), NVME_SC_INVALID_FIELD | DNR);
	ck_assert_uint_eq(set_feature(&h, 0x0b, 0x80000000), 0);
	ck_assert_uint_eq(set_feature(&h, 0x0b, 0x100), NVME_SC_INVALID_FIELD | DNR);
	ck_assert_uint_eq(get_feature(&h, 0x07, 0, &v), NVME_SC_INVALID_FIELD | DNR);
	ck_assert_uint_eq(get_log(&h, NVME_LID_SMART, false, 0, data, 512),
			  NVME_SC_INVALID_LOG_PAGE | DNR);
	ck_assert_uint_eq(run(&h, 0, (struct nvme_sqe){ .opc = NVME_OPC_ABORT }, FAKE_NONE, NULL,
			      0),
			  NVME_SC_INVALID_OPCODE | DNR);
	h.kato = 0;
	ck_assert_uint_eq(host_connect(&h, 1), NVME_SC_CONNECT_INVALID_PARAMETERS | DNR);
	ck_assert_uint_eq(last_dw0(), 42);
}
END_TEST

START_TEST(unknown_admin_commands)
{
	static const uint8_t opcs[] = { 0, 1, 4, 5, 0x0d, 0x10, 0x14, 0x80, 0x81, 0xc0, 0xff };
	struct nvme_sqe s = { 0 };
	size_t i;

	for (i = 0; i < sizeof(opcs); i++) {
		s.opc = opcs[i];
		ck_assert_uint_eq(run(&h, 0, s, FAKE_NONE, NULL, 0), NVME_SC_INVALID_OPCODE | DNR);
	}
	s = (struct nvme_sqe){ .opc = NVME_OPC_IDENTIFY, .flags = 0x41, .cdw10 = 1 };
	ck_assert_uint_eq(run(&h, 0, s, FAKE_IN, data, 4096), NVME_SC_INVALID_FIELD | DNR);
}
END_TEST

Suite *identify_suite(void)
{
	Suite *s = suite_create("identify");
	TCase *c = tcase_create("identify"), *d = tcase_create("discovery");

	tcase_add_checked_fixture(c, up, down);
	tcase_add_test(c, controller);
	tcase_add_test(c, namespaces);
	tcase_add_test(c, command_sets);
	tcase_add_loop_test(c, refused, 0, sizeof(wrongs) / sizeof(*wrongs));
	tcase_add_test(c, wrong_lengths);
	tcase_add_test(c, identities_stay);
	tcase_add_test(c, given_identities);
	tcase_add_loop_test(c, feature, 0, sizeof(features) / sizeof(*features));
	tcase_add_test(c, features_refused);
	tcase_add_test(c, error_recovery_is_of_a_namespace);
	tcase_add_test(c, host_identifier);
	tcase_add_test(c, unknown_admin_commands);
	suite_add_tcase(s, c);
	tcase_add_checked_fixture(d, discovery_up, down);
	tcase_add_test(d, discovery_controller);
	suite_add_tcase(s, d);
	return s;
}
