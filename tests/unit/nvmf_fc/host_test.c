/* SPDX-License-Identifier: BSD-2-Clause */
/* What a host and a target do with each other when nothing is wrong. */
#include <stdlib.h>

#include "rig.h"

/* --- discovery ---------------------------------------------------------------------------------- */

START_TEST(discovery_tells_the_port_and_the_subsystem)
{
	struct nvme_discovery_entry *list;
	uint64_t genctr;
	size_t n;

	opts.addr.subnqn[0] = '\0';
	ck_assert_int_eq(nvme_host_discover(NULL, &opts, &list, &n, &genctr), 0);
	ck_assert_uint_eq(n, 2);
	for (size_t i = 0; i < n; i++) {
		ck_assert_uint_eq(list[i].trtype, 2);
		ck_assert_uint_eq(list[i].adrfam, 4);
		ck_assert_str_eq(list[i].traddr, "nn-0x10000090fa000002:pn-0x10000090fa000002");
		ck_assert_str_eq(list[i].trsvcid, "none");
	}
	ck_assert_str_eq(list[0].subnqn, NVME_DISCOVERY_NQN);
	ck_assert_str_eq(list[1].subnqn, RIG_NQN);
	ck_assert_uint_eq(list[1].subtype, 2);
	free(list);
}
END_TEST

START_TEST(a_change_of_the_log_is_told_by_rscn_and_event)
{
	struct nvme_subsys_opts so = { .nqn = RIG_OTHER, .allow_any_host = true };
	uint64_t before = stats().discovery;
	struct nvme_subsys *other;

	opts.addr.subnqn[0] = '\0';
	rig_connect(0);
	ck_assert_int_eq(nvme_target_subsys_add(target, &so, &other), 0);
	ck_assert_int_eq(nvme_port_link(port, other), 0);
	pass(5);
	ck_assert_uint_gt(stats().discovery, before);
	ck_assert_uint_eq(ev.async, 1);
	ck_assert_uint_eq(ev.aer & 0xffff, 0xf002);
}
END_TEST

/* --- connecting --------------------------------------------------------------------------------- */

START_TEST(connects_and_identifies)
{
	struct nvme_host_info i;

	rig_connect(3);
	nvme_host_info(host, &i);
	ck_assert_uint_eq(i.io_queues, 3);
	ck_assert_uint_eq(i.io_qsize, 64);
	ck_assert_uint_eq(i.max_icd, 0);
	ck_assert_str_eq((const char *)i.identify->subnqn, RIG_NQN);
	ck_assert_uint_eq(i.identify->ioccsz, 4);
	ck_assert_uint_eq(i.identify->sgls >> 20 & 3, 2);
	ck_assert_uint_eq(ns.blocks, RIG_BLOCKS);
	ck_assert_ptr_nonnull(strstr(rig_log, "controller 1"));
}
END_TEST

static void see_ctrl(void *arg, const struct nvme_target_ctrl_info *info)
{
	ck_assert_str_eq(info->address, "nn-0x10000090fa000001:pn-0x10000090fa000001");
	ck_assert_uint_eq(info->io_queues, 2);
	++*(unsigned int *)arg;
}

START_TEST(the_target_knows_who_is_there)
{
	unsigned int n = 0;

	rig_connect(2);
	nvme_target_for_each_ctrl(target, see_ctrl, &n);
	ck_assert_uint_eq(n, 1);
}
END_TEST

START_TEST(a_queue_the_driver_does_not_have_is_done_without)
{
	struct nvme_host_info i;

	rig_connect(4);
	nvme_host_info(host, &i);
	ck_assert_uint_eq(i.io_queues, 2);
}
END_TEST

START_TEST(resets_and_keeps_alive)
{
	uint8_t buf[RIG_BLOCK];

	opts.kato_ms = 2000;
	rig_connect(1);
	pass(6000);
	ck_assert_int_eq(nvme_host_reset(host), 0);
	ck_assert_int_eq(run_rw(false, buf, 0, 1), 0);
	ck_assert_uint_eq(ev.lost, 0);
}
END_TEST

/* --- reading and writing ------------------------------------------------------------------------ */

static const uint32_t sizes[] = { 512, 4096, 8192, 65536 - 512, 262144, 262144 + 512, MIB, 3 * MIB };

static void write_and_read_back(uint32_t len, uint32_t seed)
{
	uint8_t *out = malloc(len), *in = calloc(1, len);
	uint64_t slba = seed % 100;

	pattern(out, len, seed);
	ck_assert_int_eq(run_rw(true, out, slba, len / RIG_BLOCK), 0);
	ck_assert_int_eq(run_rw(false, in, slba, len / RIG_BLOCK), 0);
	ck_assert_mem_eq(in, out, len);
	free(out);
	free(in);
}

static void all_sizes(void)
{
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		write_and_read_back(sizes[i], (uint32_t)i + 1);
}

START_TEST(what_is_written_is_read)
{
	rig_connect(1);
	all_sizes();
}
END_TEST

START_TEST(without_sq_flow_control_too)
{
	opts.disable_sqflow = true;
	rig_connect(2);
	all_sizes();
}
END_TEST

static const struct nvme_fc_loop_opts drivers[] = {
	{ .no_readdata_rsp = true }, { .dma_boundary = 0xfff, .max_sgl_segments = 1024 },
	{ .empty_rsp = true },       { .no_defer = true },
	{ .no_target_ls = true },    { .max_sgl_segments = 1 },
};

START_TEST(whatever_the_driver_can_do)
{
	rig_up_with(&drivers[_i]);
	rig_connect(2);
	all_sizes();
	rig_down();
}
END_TEST

START_TEST(lists_of_memory_are_read_and_written)
{
	static uint8_t out[65536], in[65536];
	struct iovec a[4] = {
		{ out, 100 }, { out + 100, 412 }, { out + 512, 60000 }, { out + 60512, 5024 }
	};
	struct iovec b[128];
	struct memdesc m = memdesc_vlist(a, 4);
	struct job j = { .done = false };

	rig_connect(1);
	pattern(out, sizeof(out), 9);
	ck_assert_int_eq(nvme_host_write(&ns, &m, 5, 128, NVME_IO_FUA, on_job, &j), 0);
	ck_assert_int_eq(finish(&j), 0);
	ck_assert_uint_eq(j.r.bytes, 65536);
	for (int i = 0; i < 128; i++)
		b[i] = (struct iovec){ in + (size_t)i * 512, 512 };
	m = memdesc_vlist(b, 128);
	j.done = false;
	ck_assert_int_eq(nvme_host_read(&ns, &m, 5, 128, 0, on_job, &j), 0);
	ck_assert_int_eq(finish(&j), 0);
	ck_assert_mem_eq(in, out, sizeof(out));
}
END_TEST

START_TEST(the_other_commands_work)
{
	struct nvme_dsm_range r = { .slba = 0, .blocks = 8 };
	static uint8_t buf[4096], zero[4096];

	rig_connect(1);
	pattern(buf, sizeof(buf), 3);
	ck_assert_int_eq(run_rw(true, buf, 0, 8), 0);
	ck_assert_int_eq(nvme_host_flush_sync(&ns), 0);
	ck_assert_int_eq(nvme_host_compare_sync(&ns, buf, 0, 8), 0);
	buf[4095] ^= 1;
	ck_assert_int_eq(nvme_host_compare_sync(&ns, buf, 0, 8), -EILSEQ);
	ck_assert_int_eq(nvme_host_write_zeroes_sync(&ns, 0, 8), 0);
	ck_assert_int_eq(run_rw(false, buf, 0, 8), 0);
	ck_assert_mem_eq(buf, zero, 4096);
	ck_assert_int_eq(nvme_host_dsm_sync(&ns, &r, 1, NVME_DSM_DEALLOCATE), 0);
	ck_assert_int_eq(nvme_host_identify_sync(host, 0x7f, 0, buf), -EINVAL);
}
END_TEST

/* Many requests at once, over several queues, each with memory and blocks of its own. */
#define MANY 300u
#define MANY_BLOCKS 16u

START_TEST(many_at_once)
{
	static uint8_t mem[MANY][MANY_BLOCKS * RIG_BLOCK], want[MANY_BLOCKS * RIG_BLOCK];
	static struct job j[MANY];
	struct memdesc m;
	int rc;

	opts.io_qsize = _i == 1 ? 5 : 64;
	opts.disable_sqflow = _i == 2;
	rig_connect(4);
	for (int write = 1; write >= 0; write--) {
		memset(j, 0, sizeof(j));
		for (unsigned int i = 0; i < MANY; i++) {
			if (write)
				pattern(mem[i], sizeof(mem[i]), i);
			else
				memset(mem[i], 0, sizeof(mem[i]));
			m = memdesc_vaddr(mem[i]);
			rc = -EAGAIN;
			while (rc == -EAGAIN) { /* all commands are taken */
				rc = (write ? nvme_host_write : nvme_host_read)(
					&ns, &m, i * MANY_BLOCKS, MANY_BLOCKS, 0, on_job, &j[i]);
				if (rc == -EAGAIN)
					nvme_host_poll(host);
			}
			ck_assert_int_eq(rc, 0);
		}
		for (unsigned int i = 0; i < MANY; i++)
			ck_assert_int_eq(finish(&j[i]), 0);
	}
	for (unsigned int i = 0; i < MANY; i++) {
		pattern(want, sizeof(want), i);
		ck_assert_mem_eq(mem[i], want, sizeof(want));
	}
}
END_TEST

static void two_queues_up(void)
{
	struct nvme_fc_loop_opts o = { .max_hw_queues = 3 };

	rig_up_with(&o);
}

Suite *host_suite(void)
{
	Suite *s = suite_create("NVMe over FC");
	TCase *t = tcase_create("host and target");

	tcase_add_checked_fixture(t, rig_up, rig_down);
	tcase_add_test(t, discovery_tells_the_port_and_the_subsystem);
	tcase_add_test(t, a_change_of_the_log_is_told_by_rscn_and_event);
	tcase_add_test(t, connects_and_identifies);
	tcase_add_test(t, the_target_knows_who_is_there);
	tcase_add_test(t, resets_and_keeps_alive);
	tcase_add_test(t, what_is_written_is_read);
	tcase_add_test(t, without_sq_flow_control_too);
	tcase_add_test(t, lists_of_memory_are_read_and_written);
	tcase_add_test(t, the_other_commands_work);
	tcase_add_loop_test(t, many_at_once, 0, 3);
	suite_add_tcase(s, t);
	t = tcase_create("drivers");
	tcase_add_loop_test(t, whatever_the_driver_can_do, 0, sizeof(drivers) / sizeof(drivers[0]));
	suite_add_tcase(s, t);
	t = tcase_create("few queues");
	tcase_add_checked_fixture(t, two_queues_up, rig_down);
	tcase_add_test(t, a_queue_the_driver_does_not_have_is_done_without);
	suite_add_tcase(s, t);
	return s;
}
