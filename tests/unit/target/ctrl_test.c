/* SPDX-License-Identifier: BSD-2-Clause */
/* Controllers: properties, enable, reset, shutdown, Keep Alive, Abort. */
#include <errno.h>
#include <string.h>

#include "rig.h"

static struct host h;
static uint8_t buf[1 << 20];

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

static uint64_t prop(uint32_t offset)
{
	uint64_t v;

	ck_assert_uint_eq(prop_get(&h, offset, offset == NVME_PROP_CAP, &v), 0);
	return v;
}

/* --- properties ------------------------------------------------------------------------------------ */

START_TEST(what_properties_say)
{
	ck_assert_uint_eq(host_connect(&h, 0), 0);
	ck_assert_uint_eq(prop(NVME_PROP_CAP) & 0xffff, 63); /* MQES */
	ck_assert_uint_eq(prop(NVME_PROP_CAP) >> 16 & 1, 1); /* CQR */
	ck_assert_uint_eq(prop(NVME_PROP_CAP) >> 24 & 0xff, 30);
	ck_assert_uint_eq(prop(NVME_PROP_CAP) >> 37 & 0xff, 0x41); /* NVM, I/O command sets */
	ck_assert_uint_eq(prop(NVME_PROP_CAP) >> 48, 0);           /* pages of 4 KiB */
	ck_assert_uint_eq(prop(NVME_PROP_VS), 0x10400);
	ck_assert_uint_eq(prop(NVME_PROP_CC), 0);
	ck_assert_uint_eq(prop(NVME_PROP_CSTS), 0);
}
END_TEST

static const struct {
	uint32_t offset;
	uint8_t attrib;
	uint16_t get, set;
} accesses[] = {
	{ 0x00, 1, 0, 0x4002 },      { 0x00, 0, 0x4002, 0x4002 }, { 0x04, 0, 0x4002, 0x4002 },
	{ 0x08, 0, 0, 0x4002 },      { 0x08, 1, 0x4002, 0x4002 }, { 0x14, 0, 0, 0 },
	{ 0x14, 1, 0x4002, 0x4002 }, { 0x14, 2, 0x4002, 0x4002 }, { 0x1c, 0, 0, 0x4002 },
	{ 0x1c, 1, 0x4002, 0x4002 }, { 0x20, 0, 0x4002, 0x4002 }, { 0x24, 0, 0x4002, 0x4002 },
	{ 0x28, 1, 0x4002, 0x4002 }, { 0x68, 0, 0x4002, 0x4002 }, { 0xfffffffc, 0, 0x4002, 0x4002 },
};

START_TEST(property_access)
{
	struct nvme_sqe s = { .opc = NVME_OPC_FABRICS,
			      .nsid = NVME_FCTYPE_PROPERTY_GET,
			      .cdw10 = accesses[_i].attrib,
			      .cdw11 = accesses[_i].offset };

	ck_assert_uint_eq(host_connect(&h, 0), 0);
	ck_assert_uint_eq(run(&h, 0, s, FAKE_NONE, NULL, 0), accesses[_i].get);
	s.nsid = NVME_FCTYPE_PROPERTY_SET;
	s.cdw12 = 0x460000;
	ck_assert_uint_eq(run(&h, 0, s, FAKE_NONE, NULL, 0), accesses[_i].set);
}
END_TEST

/* CC, and what CSTS says then. */
static const uint32_t enables[][2] = {
	{ 0x460001, 1 }, { 0x460061, 1 }, { 0x000001, 1 }, { 0x460011, 2 }, { 0x460071, 2 },
	{ 0x460081, 2 }, { 0x460801, 2 }, { 0x450001, 2 }, { 0x560001, 2 },
};

START_TEST(enable)
{
	uint8_t id[4096];

	ck_assert_uint_eq(host_connect(&h, 0), 0);
	ck_assert_uint_eq(prop_set(&h, NVME_PROP_CC, enables[_i][0]), 0);
	ck_assert_uint_eq(prop(NVME_PROP_CSTS), enables[_i][1]);
	ck_assert_uint_eq(prop(NVME_PROP_CC), enables[_i][0]);
	ck_assert_uint_eq(identify(&h, 1, 0, id), enables[_i][1] == 1 ? 0 : 0x400c);
	ck_assert_uint_eq(prop_set(&h, NVME_PROP_CC, 0x460000), 0);
	ck_assert_uint_eq(prop(NVME_PROP_CSTS), 0); /* CFS goes, too */
	ck_assert_uint_eq(prop_set(&h, NVME_PROP_CC, 0x460001), 0);
	ck_assert_uint_eq(prop(NVME_PROP_CSTS), 1);
}
END_TEST

/* --- reset, shutdown ------------------------------------------------------------------------------- */

START_TEST(reset)
{
	struct fake_cmd *aer, *aer2;
	uint32_t v;

	host_up(&h, 2);
	aer = post_aer(&h);
	aer2 = post_aer(&h);
	ck_assert_uint_eq(set_feature(&h, NVME_FID_ASYNC_EVENTS, 0x100), 0);
	ck_assert_uint_eq(set_feature(&h, NVME_FID_ARBITRATION, 3), 0);
	ck_assert_uint_eq(prop_set(&h, NVME_PROP_CC, 0x460060), 0);
	ck_assert_uint_eq(prop(NVME_PROP_CSTS), 0);
	polls(2);
	ck_assert(fake_closed(h.q[1]) && fake_closed(h.q[2]) && !fake_closed(h.q[0]));
	ck_assert_uint_eq(status_of(aer), NVME_SC_ABORTED_SQ_DELETION);
	ck_assert_uint_eq(status_of(aer2), NVME_SC_ABORTED_SQ_DELETION);
	host_gone(&h, 1);
	host_gone(&h, 2);
	host_enable(&h);
	ck_assert_uint_eq(get_feature(&h, NVME_FID_ASYNC_EVENTS, 0, &v), 0);
	ck_assert_uint_eq(v, 0);
	ck_assert_uint_eq(get_feature(&h, NVME_FID_ARBITRATION, 0, &v), 0);
	ck_assert_uint_eq(v, 7);
	ck_assert_uint_eq(host_connect(&h, 1), 0);
	ck_assert_uint_eq(read_blocks(&h, 0, 1, buf), 0);
}
END_TEST

START_TEST(reset_waits_for_the_backend)
{
	struct fake_cmd *w;

	host_up(&h, 1);
	disk->slow = disk->stuck = true;
	memset(buf, 7, 512);
	w = post(&h, 1, rw_sqe(NVME_OPC_WRITE, 1, 0, 1), FAKE_ICD, buf, 512);
	ck_assert_uint_eq(prop_set(&h, NVME_PROP_CC, 0x460060), 0);
	ck_assert_uint_eq(prop(NVME_PROP_CSTS), 1); /* a late write may still come */
	ck_assert_uint_eq(prop_set(&h, NVME_PROP_CC, 0x460061), NVME_SC_SEQUENCE_ERROR);
	polls(3);
	ck_assert(!fake_closed(h.q[1]));
	disk->stuck = false;
	polls(3);
	ck_assert_uint_eq(prop(NVME_PROP_CSTS), 0);
	ck_assert_uint_eq(status_of(w), NO_ANSWER);
	ck_assert(fake_closed(h.q[1]));
	host_enable(&h);
}
END_TEST

START_TEST(shutdown_flushes)
{
	host_up(&h, 1);
	disk->b.volatile_cache = true;
	ck_assert_uint_eq(write_blocks(&h, 0, 1, buf), 0);
	disk->slow = disk->stuck = true;
	ck_assert_uint_eq(prop_set(&h, NVME_PROP_CC, 0x464061), 0);
	ck_assert_uint_eq(prop(NVME_PROP_CSTS) & NVME_CSTS_SHST_MASK, NVME_CSTS_SHST_OCCURRING);
	ck_assert_uint_eq(disk->ops[NVME_BACKEND_FLUSH], 1);
	ck_assert_uint_eq(identify(&h, 1, 0, buf), NVME_SC_SEQUENCE_ERROR | DNR);
	ck_assert_uint_eq(read_blocks(&h, 0, 1, buf), NVME_SC_SEQUENCE_ERROR | DNR);
	disk->stuck = false;
	polls(1);
	ck_assert_uint_eq(prop(NVME_PROP_CSTS) & NVME_CSTS_SHST_MASK, NVME_CSTS_SHST_COMPLETE);
	ck_assert_uint_eq(prop_set(&h, NVME_PROP_CC, 0x460060), 0);
	polls(2);
	host_gone(&h, 1);
	host_enable(&h); /* and it starts again */
	ck_assert_uint_eq(identify(&h, 1, 0, buf), 0);
}
END_TEST

START_TEST(host_goes_during_shutdown)
{
	host_up(&h, 1);
	disk->b.volatile_cache = true;
	ck_assert_uint_eq(write_blocks(&h, 0, 1, buf), 0);
	disk->slow = disk->stuck = true;
	ck_assert_uint_eq(prop_set(&h, NVME_PROP_CC, 0x464061), 0);
	host_down(&h);
	disk->stuck = false;
	polls(2);
}
END_TEST

START_TEST(shut_down_controller_does_not_stay)
{
	host_up(&h, 0);
	ck_assert_uint_eq(prop_set(&h, NVME_PROP_CC, 0x464061), 0);
	pass(119000);
	ck_assert(!fake_closed(h.q[0]));
	pass(2000);
	ck_assert(fake_closed(h.q[0]));
}
END_TEST

START_TEST(disabled_controller_does_not_stay)
{
	ck_assert_uint_eq(host_connect(&h, 0), 0);
	pass(119000);
	ck_assert(!fake_closed(h.q[0]));
	pass(2000);
	ck_assert(fake_closed(h.q[0]));
}
END_TEST

/* --- Keep Alive -------------------------------------------------------------------------------------- */

static uint16_t keep_alive(void)
{
	return run(&h, 0, (struct nvme_sqe){ .opc = NVME_OPC_KEEP_ALIVE }, FAKE_NONE, NULL, 0);
}

START_TEST(silent_host_is_given_up)
{
	struct nvme_target_stats s;

	h.kato = 1000;
	host_up(&h, 2);
	pass(1900); /* one whole interval without a command after the one that had some */
	ck_assert(!fake_closed(h.q[0]));
	pass(200);
	ck_assert(fake_closed(h.q[0]) && fake_closed(h.q[1]) && fake_closed(h.q[2]));
	nvme_target_stats(target, &s);
	ck_assert_uint_eq(s.keep_alive_expired, 1);
	ck_assert_uint_eq(s.controllers, 0);
}
END_TEST

START_TEST(keep_alive_keeps)
{
	int i;

	h.kato = 2500; /* 3000: whole seconds */
	host_up(&h, 1);
	pass(100);
	for (i = 0; i < 10; i++) {
		ck_assert_uint_eq(keep_alive(), 0);
		pass(2900);
		ck_assert(!fake_closed(h.q[0]));
	}
}
END_TEST

START_TEST(reads_keep)
{
	int i;

	h.kato = 1000;
	host_up(&h, 1);
	for (i = 0; i < 20; i++) {
		ck_assert_uint_eq(read_blocks(&h, 0, 1, buf), 0);
		pass(900);
	}
	ck_assert(!fake_closed(h.q[0]));
	pass(2100);
	ck_assert(fake_closed(h.q[0]) && fake_closed(h.q[1]));
}
END_TEST

START_TEST(discovery_counts_keep_alive_only)
{
	int i;

	h.subnqn = NVME_DISCOVERY_NQN;
	h.kato = 1000;
	host_up(&h, 0);
	for (i = 0; i < 5; i++) {
		pass(900);
		ck_assert_uint_eq(keep_alive(), 0);
	}
	pass(900);
	ck_assert_uint_eq(identify(&h, 1, 0, buf), 0);
	pass(200);
	ck_assert(fake_closed(h.q[0]));
}
END_TEST

START_TEST(discovery_without_keep_alive)
{
	h.subnqn = NVME_DISCOVERY_NQN;
	host_up(&h, 0);
	pass(100000);
	ck_assert_uint_eq(identify(&h, 1, 0, buf), 0);
	pass(119000);
	ck_assert(!fake_closed(h.q[0]));
	pass(2000);
	ck_assert(fake_closed(h.q[0]));
}
END_TEST

START_TEST(no_keep_alive_wanted)
{
	host_up(&h, 1);
	pass(500000);
	ck_assert(!fake_closed(h.q[0]));
}
END_TEST

START_TEST(kato_feature)
{
	uint32_t v;

	h.kato = 5000;
	host_up(&h, 0);
	ck_assert_uint_eq(get_feature(&h, NVME_FID_KEEP_ALIVE_TIMER, 0, &v), 0);
	ck_assert_uint_eq(v, 5000);
	ck_assert_uint_eq(set_feature(&h, NVME_FID_KEEP_ALIVE_TIMER, 1), 0);
	ck_assert_uint_eq(get_feature(&h, NVME_FID_KEEP_ALIVE_TIMER, 0, &v), 0);
	ck_assert_uint_eq(v, 1000);
	pass(2100);
	ck_assert(fake_closed(h.q[0]));
	host_gone(&h, 0);
	host_up(&h, 0);
	ck_assert_uint_eq(set_feature(&h, NVME_FID_KEEP_ALIVE_TIMER, 0xffffffff), 0);
	pass(20000);
	ck_assert_uint_eq(set_feature(&h, NVME_FID_KEEP_ALIVE_TIMER, 0), 0);
	pass(20000);
	ck_assert(!fake_closed(h.q[0]));
}
END_TEST

/* --- Abort -------------------------------------------------------------------------------------------- */

static uint16_t abort_cmd(uint16_t sqid, uint16_t cid)
{
	struct nvme_sqe s = { .opc = NVME_OPC_ABORT, .cdw10 = (uint32_t)cid << 16 | sqid };

	return run(&h, 0, s, FAKE_NONE, NULL, 0);
}

START_TEST(aborts)
{
	struct fake_cmd *aer, *aer2, *r, *w;
	int i;

	host_up(&h, 1);
	aer = post_aer(&h);
	aer2 = post_aer(&h);
	ck_assert_uint_eq(abort_cmd(0, aer->sqe.cid), 0);
	ck_assert_uint_eq(last_dw0(), 0);
	ck_assert_uint_eq(status_of(aer), NVME_SC_ABORTED_BY_REQUEST | DNR);
	ck_assert_uint_eq(status_of(aer2), NO_ANSWER);
	ck_assert_uint_eq(abort_cmd(0, 0xabcd), 0);
	ck_assert_uint_eq(last_dw0(), 1);
	ck_assert_uint_eq(abort_cmd(9, aer2->sqe.cid), 0);
	ck_assert_uint_eq(last_dw0(), 1);
	ck_assert_uint_eq(abort_cmd(0xffff, aer2->sqe.cid), 0);
	ck_assert_uint_eq(last_dw0(), 1);
	/* one that the backend has, one that waits for data, one that waits for memory */
	disk->slow = disk->stuck = true;
	r = post(&h, 1, rw_sqe(NVME_OPC_READ, 1, 0, 1), FAKE_IN, NULL, 512);
	ck_assert_uint_eq(abort_cmd(1, r->sqe.cid), 0);
	ck_assert_uint_eq(last_dw0(), 1);
	fake_hold_data(h.q[1], true);
	w = post(&h, 1, rw_sqe(NVME_OPC_WRITE, 1, 0, 1), FAKE_R2T, buf, 512);
	ck_assert_uint_eq(abort_cmd(1, w->sqe.cid), 0);
	ck_assert_uint_eq(last_dw0(), 1);
	for (i = 0; i < 7; i++)
		post(&h, 1, rw_sqe(NVME_OPC_READ, 1, 0, 2048), FAKE_IN, NULL, 1 << 20);
	r = post(&h, 1, rw_sqe(NVME_OPC_READ, 1, 0, 2048), FAKE_IN, NULL, 1 << 20);
	ck_assert_uint_eq(abort_cmd(1, r->sqe.cid), 0);
	ck_assert_uint_eq(last_dw0(), 0);
	ck_assert_uint_eq(status_of(r), NVME_SC_ABORTED_BY_REQUEST | DNR);
	disk->stuck = false;
	fake_hold_data(h.q[1], false);
	polls(10);
	ck_assert_uint_eq(status_of(w), 0);
}
END_TEST

Suite *ctrl_suite(void)
{
	Suite *s = suite_create("ctrl");
	TCase *c = tcase_create("ctrl");

	tcase_add_checked_fixture(c, up, down);
	tcase_add_test(c, what_properties_say);
	tcase_add_loop_test(c, property_access, 0, sizeof(accesses) / sizeof(*accesses));
	tcase_add_loop_test(c, enable, 0, sizeof(enables) / sizeof(*enables));
	tcase_add_test(c, reset);
	tcase_add_test(c, reset_waits_for_the_backend);
	tcase_add_test(c, shutdown_flushes);
	tcase_add_test(c, host_goes_during_shutdown);
	tcase_add_test(c, shut_down_controller_does_not_stay);
	tcase_add_test(c, disabled_controller_does_not_stay);
	tcase_add_test(c, silent_host_is_given_up);
	tcase_add_test(c, keep_alive_keeps);
	tcase_add_test(c, reads_keep);
	tcase_add_test(c, discovery_counts_keep_alive_only);
	tcase_add_test(c, discovery_without_keep_alive);
	tcase_add_test(c, no_keep_alive_wanted);
	tcase_add_test(c, kato_feature);
	tcase_add_test(c, aborts);
	suite_add_tcase(s, c);
	return s;
}
