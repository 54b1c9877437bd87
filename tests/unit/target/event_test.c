/* SPDX-License-Identifier: BSD-2-Clause */
/* Asynchronous events, the changed namespace list, discovery. */
#include <stdio.h>
#include <string.h>

#include "rig.h"

static struct host h;
static uint32_t list[1024];

static void up(void)
{
	rig_up();
	h = host_new(RIG_NQN, RIG_HOST);
	host_up(&h, 1);
	ck_assert_uint_eq(set_feature(&h, NVME_FID_ASYNC_EVENTS, NVME_AEN_CONFIG_NS), 0);
}

static void down(void)
{
	host_down(&h);
	rig_down();
}

static void changed_list(bool rae)
{
	ck_assert_uint_eq(get_log(&h, NVME_LID_CHANGED_NS, rae, 0, list, 4096), 0);
}

START_TEST(limit)
{
	struct fake_cmd *c[4];
	int i;

	for (i = 0; i < 4; i++)
		c[i] = post_aer(&h);
	ck_assert_uint_eq(status_of(post_aer(&h)), NVME_SC_AER_LIMIT_EXCEEDED | DNR);
	for (i = 0; i < 4; i++)
		ck_assert_uint_eq(status_of(c[i]), NO_ANSWER);
}
END_TEST

START_TEST(namespace_comes_and_goes)
{
	struct fake_cmd *aer = post_aer(&h), *aer2 = post_aer(&h), *aer3;

	rig_add_disk(subsys, 8, NULL, NULL);
	ck_assert_uint_eq(status_of(aer), 0);
	ck_assert_uint_eq(aer->cqe.dw0, 0x40002);
	ck_assert_uint_eq(status_of(aer2), NO_ANSWER);
	ck_assert_int_eq(nvme_subsys_ns_remove(subsys, 1), 0);
	ck_assert_uint_eq(status_of(aer2), NO_ANSWER); /* masked until the page is read */
	changed_list(true);
	ck_assert_uint_eq(list[0], 1);
	ck_assert_uint_eq(list[1], 2);
	ck_assert_uint_eq(list[2], 0);
	ck_assert_int_eq(nvme_subsys_ns_remove(subsys, 2), 0);
	ck_assert_uint_eq(status_of(aer2), NO_ANSWER); /* RAE kept it masked */
	changed_list(false);
	ck_assert_uint_eq(list[1], 2);
	ck_assert_uint_eq(status_of(aer2), NO_ANSWER); /* the page told it */
	aer3 = post_aer(&h);
	ck_assert_uint_eq(status_of(aer3), NO_ANSWER);
	changed_list(false);
	ck_assert_uint_eq(list[0], 0);
	rig_add_disk(subsys, 8, NULL, NULL);
	ck_assert_uint_eq(status_of(aer2), 0);
	ck_assert_uint_eq(status_of(aer3), NO_ANSWER);
}
END_TEST

START_TEST(event_waits_for_a_request)
{
	struct fake_cmd *aer;

	rig_add_disk(subsys, 8, NULL, NULL);
	aer = post_aer(&h);
	ck_assert_uint_eq(status_of(aer), 0);
	ck_assert_uint_eq(aer->cqe.dw0, 0x40002);
	changed_list(false);
	ck_assert_uint_eq(set_feature(&h, NVME_FID_ASYNC_EVENTS, 0), 0);
	aer = post_aer(&h);
	rig_add_disk(subsys, 8, NULL, NULL);
	ck_assert_uint_eq(status_of(aer), NO_ANSWER); /* not wanted */
	changed_list(false);
	ck_assert_uint_eq(list[0], 3); /* noted nevertheless */
}
END_TEST

START_TEST(size_changes)
{
	struct fake_cmd *aer = post_aer(&h);
	struct nvme_identify_ns id;
	static uint8_t data[1024];

	ck_assert_int_eq(nvme_subsys_ns_refresh(subsys, 1), 0);
	ck_assert_uint_eq(status_of(aer), NO_ANSWER);
	disk->new_size = 100 * 512;
	ck_assert_int_eq(nvme_subsys_ns_refresh(subsys, 1), 0);
	ck_assert_uint_eq(status_of(aer), 0);
	changed_list(false);
	ck_assert_uint_eq(list[0], 1);
	ck_assert_uint_eq(identify(&h, 0, 1, &id), 0);
	ck_assert_uint_eq(id.nsze, 100);
	ck_assert_uint_eq(read_blocks(&h, 99, 1, data), 0);
	ck_assert_uint_eq(read_blocks(&h, 99, 2, data), NVME_SC_LBA_OUT_OF_RANGE | DNR);
	ck_assert_int_lt(nvme_subsys_ns_refresh(subsys, 5), 0);
}
END_TEST

START_TEST(too_many_changes)
{
	struct nvme_subsys_opts so = { .nqn = RIG_NQN ":big",
				       .allow_any_host = true,
				       .max_namespaces = 2000 };
	struct host o = host_new(so.nqn, RIG_HOST2);
	struct nvme_subsys *s;
	int i;

	ck_assert_int_eq(nvme_target_subsys_add(target, &so, &s), 0);
	ck_assert_int_eq(nvme_port_link(port, s), 0);
	host_up(&o, 0);
	for (i = 0; i < 1024; i++)
		rig_add_disk(s, 1, NULL, NULL);
	ck_assert_uint_eq(get_log(&o, NVME_LID_CHANGED_NS, true, 0, list, 4096), 0);
	ck_assert_uint_eq(list[0], 1);
	ck_assert_uint_eq(list[1023], 1024);
	ck_assert_uint_eq(identify(&o, NVME_CNS_ACTIVE_LIST, 0, list), 0);
	ck_assert_uint_eq(list[1023], 1024);
	rig_add_disk(s, 1, NULL, NULL);
	ck_assert_uint_eq(get_log(&o, NVME_LID_CHANGED_NS, false, 0, list, 4096), 0);
	ck_assert_uint_eq(list[0], NVME_NSID_ALL);
	ck_assert_uint_eq(list[1], 0);
	ck_assert_uint_eq(get_log(&o, NVME_LID_CHANGED_NS, false, 0, list, 4096), 0);
	ck_assert_uint_eq(list[0], 0);
	ck_assert_uint_eq(identify(&o, NVME_CNS_ACTIVE_LIST, 1024, list), 0);
	ck_assert_uint_eq(list[0], 1025);
	host_down(&o);
}
END_TEST

START_TEST(only_hosts_of_the_subsystem_hear)
{
	struct nvme_subsys_opts so = { .nqn = RIG_NQN ":other", .allow_any_host = true };
	struct fake_cmd *aer = post_aer(&h);
	struct nvme_subsys *s;

	ck_assert_int_eq(nvme_target_subsys_add(target, &so, &s), 0);
	rig_add_disk(s, 8, NULL, NULL);
	ck_assert_uint_eq(status_of(aer), NO_ANSWER);
	changed_list(false);
	ck_assert_uint_eq(list[0], 0);
}
END_TEST

/* --- discovery ------------------------------------------------------------------------------------------ */

static struct {
	struct nvme_discovery_header h;
	struct nvme_discovery_entry e[15];
} page;

static uint64_t discover(struct host *o, bool rae)
{
	memset(&page, 0xee, sizeof(page));
	ck_assert_uint_eq(get_log(o, NVME_LID_DISCOVERY, rae, 0, &page, sizeof(page)), 0);
	return page.h.numrec;
}

static struct nvme_discovery_entry *entry(const char *nqn, uint16_t portid)
{
	uint64_t i;

	for (i = 0; i < page.h.numrec; i++)
		if (!strcmp(page.e[i].subnqn, nqn) && (!portid || page.e[i].portid == portid))
			return &page.e[i];
	return NULL;
}

START_TEST(discovery_log)
{
	struct host d = host_new(NVME_DISCOVERY_NQN, RIG_HOST2);
	struct nvme_discovery_entry *e, copy;
	uint32_t off;

	host_up(&d, 0);
	ck_assert_uint_eq(discover(&d, true), 2);
	ck_assert_uint_eq(page.h.recfmt, 0);
	e = &page.e[0];
	ck_assert_uint_eq(e->subtype, 3);
	ck_assert_str_eq(e->subnqn, NVME_DISCOVERY_NQN);
	e = &page.e[1];
	ck_assert_uint_eq(e->trtype, 3);
	ck_assert_uint_eq(e->adrfam, 1);
	ck_assert_uint_eq(e->subtype, 2);
	ck_assert_uint_eq(e->treq, 4);
	ck_assert_uint_eq(e->portid, 1);
	ck_assert_uint_eq(e->cntlid, 0xffff);
	ck_assert_uint_eq(e->asqsz, 32);
	ck_assert_str_eq(e->trsvcid, "4420");
	ck_assert_str_eq(e->traddr, "10.0.0.1");
	ck_assert_str_eq(e->subnqn, RIG_NQN);
	for (off = 0; off < 3072 - 256; off += 252) { /* in pieces, as with large logs */
		uint8_t piece[256];

		ck_assert_uint_eq(get_log(&d, NVME_LID_DISCOVERY, true, off, piece, 256), 0);
		ck_assert_mem_eq(piece, (uint8_t *)&page + off, 256);
	}
	ck_assert_uint_eq(get_log(&d, NVME_LID_DISCOVERY, true, 3076, &copy, 256), 0x4002);
	host_down(&d);
}
END_TEST

/* A second port, and a subsystem for somebody else. */
START_TEST(discovery_of_ports_and_hosts)
{
	struct nvme_port_opts po = { .portid = 9,
				     .traddr = 0xc0a80a01,
				     .listen = { .dev = dev, .port = 8009, .qsize = 16 } };
	struct nvme_subsys_opts so = { .nqn = RIG_NQN ":private" };
	struct host d = host_new(NVME_DISCOVERY_NQN, RIG_HOST2);
	struct nvme_discovery_entry *e;
	struct nvme_subsys *s;
	struct nvme_port *p;
	uint64_t gen;

	host_up(&d, 0);
	ck_assert_uint_eq(discover(&d, true), 2);
	gen = page.h.genctr;
	ck_assert_int_eq(nvme_target_port_add(target, &po, &p), 0);
	ck_assert_int_eq(nvme_target_subsys_add(target, &so, &s), 0);
	ck_assert_int_eq(nvme_port_link(p, s), 0);
	ck_assert_int_eq(nvme_port_link(p, subsys), 0);
	ck_assert_uint_eq(discover(&d, true), 3);
	ck_assert_uint_gt(page.h.genctr, gen);
	e = entry(RIG_NQN, 9);
	ck_assert_ptr_nonnull(e);
	ck_assert_str_eq(e->traddr, "192.168.10.1");
	ck_assert_str_eq(e->trsvcid, "8009");
	ck_assert_uint_eq(e->asqsz, 16);
	ck_assert_ptr_nonnull(entry(RIG_NQN, 1));
	ck_assert_ptr_null(entry(so.nqn, 0));
	ck_assert_int_eq(nvme_subsys_allow_host(s, RIG_HOST2), 0);
	ck_assert_uint_eq(discover(&d, true), 4);
	ck_assert_ptr_nonnull(entry(so.nqn, 9));
	nvme_target_port_remove(p);
	ck_assert_uint_eq(discover(&d, true), 2);
	host_down(&d);
}
END_TEST

START_TEST(discovery_events)
{
	struct nvme_subsys_opts so = { .nqn = RIG_NQN ":private" };
	struct host d = host_new(NVME_DISCOVERY_NQN, RIG_HOST2);
	struct nvme_subsys *s;
	struct fake_cmd *aer;

	d.kato = 5000;
	host_up(&d, 0);
	ck_assert_uint_eq(set_feature(&d, NVME_FID_ASYNC_EVENTS, NVME_AEN_CONFIG_DISCOVERY), 0);
	aer = post_aer(&d);
	ck_assert_int_eq(nvme_target_subsys_add(target, &so, &s), 0);
	ck_assert_int_eq(nvme_port_link(port, s), 0);
	ck_assert_uint_eq(status_of(aer), NO_ANSWER); /* it cannot see that */
	ck_assert_int_eq(nvme_subsys_allow_host(s, RIG_HOST), 0);
	ck_assert_uint_eq(status_of(aer), NO_ANSWER);
	ck_assert_int_eq(nvme_subsys_allow_host(s, RIG_HOST2), 0);
	ck_assert_uint_eq(status_of(aer), 0);
	ck_assert_uint_eq(aer->cqe.dw0, 0x70f002);
	aer = post_aer(&d);
	ck_assert_int_eq(nvme_port_unlink(port, subsys), 0);
	ck_assert_uint_eq(status_of(aer), NO_ANSWER); /* masked */
	ck_assert_uint_eq(discover(&d, true), 2);
	ck_assert_int_eq(nvme_port_link(port, subsys), 0);
	ck_assert_uint_eq(status_of(aer), NO_ANSWER);
	ck_assert_uint_eq(discover(&d, false), 3);
	ck_assert_int_eq(nvme_subsys_disallow_host(s, RIG_HOST2), 0);
	ck_assert_uint_eq(status_of(aer), 0);
	ck_assert_uint_eq(discover(&d, false), 2);
	aer = post_aer(&d);
	nvme_target_subsys_remove(subsys);
	ck_assert_uint_eq(status_of(aer), 0);
	host_down(&d);
}
END_TEST

Suite *event_suite(void)
{
	Suite *s = suite_create("event");
	TCase *c = tcase_create("event");

	tcase_add_checked_fixture(c, up, down);
	tcase_add_test(c, limit);
	tcase_add_test(c, namespace_comes_and_goes);
	tcase_add_test(c, event_waits_for_a_request);
	tcase_add_test(c, size_changes);
	tcase_add_test(c, too_many_changes);
	tcase_add_test(c, only_hosts_of_the_subsystem_hear);
	tcase_add_test(c, discovery_log);
	tcase_add_test(c, discovery_of_ports_and_hosts);
	tcase_add_test(c, discovery_events);
	suite_add_tcase(s, c);
	return s;
}
