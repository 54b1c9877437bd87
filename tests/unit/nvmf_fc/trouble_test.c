/* SPDX-License-Identifier: BSD-2-Clause */
/* Refusals, losses, faults below: everything ends once, comes back where that is wanted, and nothing is left. */
#include <stdlib.h>

#include "rig.h"

#define LOAD 100u
#define LOAD_BLOCKS 8u

static struct job jobs[LOAD];
static uint8_t mem[LOAD][LOAD_BLOCKS * RIG_BLOCK];

static void start_load(bool write)
{
	memset(jobs, 0, sizeof(jobs));
	for (unsigned int i = 0; i < LOAD; i++) {
		struct memdesc m = memdesc_vaddr(mem[i]);
		int rc;

		if (write)
			pattern(mem[i], sizeof(mem[i]), i);
		rc = (write ? nvme_host_write : nvme_host_read)(&ns, &m, (uint64_t)i * LOAD_BLOCKS,
								LOAD_BLOCKS, 0, on_job, &jobs[i]);
		jobs[i].done = rc != 0;
	}
}

static unsigned int open_jobs(void)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < LOAD; i++)
		n += !jobs[i].done;
	return n;
}

static int try_connect(unsigned int io_queues)
{
	opts.io_queues = io_queues;
	return nvme_host_connect(NULL, &opts, &host);
}

static void verified(uint32_t seed)
{
	static uint8_t out[65536], in[65536];

	pattern(out, sizeof(out), seed);
	memset(in, 0, sizeof(in));
	ck_assert_int_eq(run_rw(true, out, 0, 128), 0);
	ck_assert_int_eq(run_rw(false, in, 0, 128), 0);
	ck_assert_mem_eq(in, out, sizeof(in));
}

/* --- refused ------------------------------------------------------------------------------------ */

START_TEST(a_host_that_is_not_allowed)
{
	nvme_subsys_set_any_host(subsys, false);
	ck_assert_int_eq(try_connect(1), -EPERM);
	ck_assert_int_eq(nvme_subsys_allow_host(subsys, opts.addr.hostnqn), 0);
	rig_connect(1);
}
END_TEST

START_TEST(a_subsystem_that_is_not_there)
{
	strcpy(opts.addr.subnqn, RIG_OTHER);
	ck_assert_int_eq(try_connect(1), -ENOENT);
}
END_TEST

START_TEST(a_port_that_is_not_there)
{
	opts.addr.wwpn++;
	ck_assert_int_eq(try_connect(1), -EHOSTUNREACH);
	ck_assert_ptr_nonnull(
		strstr(weft_last_error(), "nn-0x10000090fa000002:pn-0x10000090fa000003"));
	opts.addr.wwpn--;
	nvme_fc_loop_link(loop, false);
	ck_assert_int_eq(try_connect(1), -EHOSTUNREACH);
	nvme_fc_loop_link(loop, true);
	rig_connect(1);
}
END_TEST

START_TEST(nobody_serves_the_port)
{
	ck_assert_int_eq(nvme_target_port_remove(port), 0);
	ck_assert_int_eq(try_connect(1), -ECONNREFUSED);
}
END_TEST

START_TEST(bad_parameters)
{
	struct nvme_host_opts was = opts;

	opts.fc_port = NULL;
	ck_assert_int_eq(try_connect(1), -EINVAL);
	opts = was;
	opts.fc_pump = NULL;
	ck_assert_int_eq(try_connect(1), -EINVAL);
	opts = was;
	opts.io_qsize = 3;
	ck_assert_int_eq(try_connect(1), -EINVAL);
	opts = was;
}
END_TEST

START_TEST(an_association_is_refused_or_never_answered)
{
	opts.connect_ms = 500;
	nvme_fc_loop_fault(loop, NVME_FC_LOOP_LS_REJECT, 0, 1);
	ck_assert_int_eq(try_connect(1), -ECONNREFUSED);
	pass(11000); /* the target had accepted it: it ends when nothing comes */
	ck_assert_ptr_nonnull(strstr(rig_log, "queue 0: no Connect in time"));
	nvme_fc_loop_fault(loop, NVME_FC_LOOP_LS_DROP, 0, 1);
	ck_assert_int_eq(try_connect(1), -ETIMEDOUT);
	spin(100);
	rig_connect(1);
	pass(25000); /* the driver's time for the lost request */
}
END_TEST

START_TEST(a_connection_is_refused_or_never_answered)
{
	opts.connect_ms = 500;
	nvme_fc_loop_fault(loop, NVME_FC_LOOP_LS_REJECT, 2, 1);
	ck_assert_int_eq(try_connect(3), -ECONNREFUSED);
	nvme_fc_loop_fault(loop, NVME_FC_LOOP_LS_RSP_DROP, 1, 1);
	ck_assert_int_eq(try_connect(3), -ETIMEDOUT);
	rig_connect(3);
	verified(1);
}
END_TEST

START_TEST(a_longer_queue_than_the_target_has)
{
	struct nvme_host_info i;

	opts.admin_qsize = 1024; /* which no property limits */
	opts.io_qsize = 1024;
	rig_connect(1);
	nvme_host_info(host, &i);
	ck_assert_uint_eq(i.io_qsize, 64);
}
END_TEST

/* --- ends --------------------------------------------------------------------------------------- */

START_TEST(disconnecting_under_load_ends_everything_once)
{
	rig_connect(4);
	start_load(true);
	for (int i = 0; i < _i; i++)
		nvme_host_poll(host);
	nvme_host_disconnect(host);
	host = NULL;
	ck_assert_uint_eq(open_jobs(), 0);
	for (unsigned int i = 0; i < LOAD; i++)
		ck_assert(!jobs[i].r.error || jobs[i].r.error == -ECANCELED);
	rig_connect(2);
	verified(2);
}
END_TEST

/* Commands that do not finish are aborted, and the target hears of the end. */
START_TEST(disconnecting_while_commands_hang)
{
	rig_connect(2);
	nvme_fc_loop_fault(loop, NVME_FC_LOOP_CMND_DROP, 0, 3);
	start_load(true);
	nvme_host_disconnect(host);
	host = NULL;
	ck_assert_uint_eq(open_jobs(), 0);
	rig_connect(2);
	verified(3);
}
END_TEST

START_TEST(link_lost_and_back)
{
	opts.reconnect_delay_ms = 100;
	rig_connect(3);
	start_load(true);
	spin((unsigned int)_i);
	nvme_fc_loop_link(loop, false);
	pass(50);
	ck_assert_uint_eq(ev.lost, 1);
	ck_assert_uint_eq(open_jobs(), 0);
	pass(1500);
	ck_assert_uint_eq(ev.reconnected, 0);
	nvme_fc_loop_link(loop, true);
	pass(2000);
	ck_assert_uint_eq(ev.reconnected, 1);
	verified(4);
	ck_assert_uint_eq(ev.lost, 1);
}
END_TEST

START_TEST(link_lost_for_good)
{
	opts.reconnect_delay_ms = 100;
	opts.ctrl_loss_tmo_ms = 2000;
	rig_connect(1);
	nvme_fc_loop_link(loop, false);
	pass(5000);
	ck_assert_uint_eq(ev.lost, 1);
	ck_assert_uint_eq(ev.dead, 1);
	ck_assert_int_eq(run_rw(true, mem[0], 0, 1), -ENOTCONN);
}
END_TEST

START_TEST(the_target_ends_the_association)
{
	static const struct nvme_subsys_opts so = { .nqn = RIG_OTHER, .allow_any_host = true };
	struct nvme_subsys *other;

	rig_connect(3);
	start_load(true);
	nvme_host_poll(host);
	switch (_i) {
	case 0:
		ck_assert_int_eq(nvme_target_port_remove(port), 0);
		break;
	case 1:
		ck_assert_int_eq(nvme_port_unlink(port, subsys), 0);
		break;
	case 2:
		nvme_target_subsys_remove(subsys);
		break;
	case 3:
		nvme_subsys_set_any_host(subsys, false);
		break;
	default:
		ck_assert_int_eq(nvme_target_destroy(target, 1000), 0);
		target = NULL;
		break;
	}
	if (target)
		ck_assert_int_eq(nvme_target_subsys_add(target, &so, &other), 0);
	pass(100);
	ck_assert_uint_eq(ev.lost, 1);
	ck_assert_uint_eq(ev.dead, 1);
	ck_assert_uint_eq(open_jobs(), 0);
}
END_TEST

/* What is under way when the target ends in order is answered. */
START_TEST(a_target_that_ends_answers_first)
{
	rig_connect(2);
	start_load(true);
	spin(2); /* all have arrived */
	ck_assert_int_eq(nvme_target_destroy(target, 1000), 0);
	target = NULL;
	pass(10);
	for (unsigned int i = 0; i < LOAD; i++)
		ck_assert(jobs[i].done && !jobs[i].r.error);
	ck_assert_uint_eq(ev.lost, 1);
}
END_TEST

/* The target never hears our Disconnect Association: coming back does not wait for its answer. */
START_TEST(a_lost_disconnect_does_not_hold_up_recovery)
{
	opts.reconnect_delay_ms = 100;
	opts.connect_ms = 500;
	rig_connect(2);
	nvme_fc_loop_fault(loop, NVME_FC_LOOP_CMND_ABORT, 0, 1);
	nvme_fc_loop_fault(loop, NVME_FC_LOOP_LS_DROP, 0, 2); /* nor we the target's */
	start_load(true);
	pass(50);
	ck_assert_uint_eq(ev.lost, 1);
	ck_assert_uint_eq(open_jobs(), 0);
	pass(500);
	ck_assert_uint_eq(ev.reconnected, 1);
	verified(8);
	pass(25000);
	ck_assert_uint_eq(ev.lost, 1);
}
END_TEST

static int property_set(uint32_t offset, uint32_t value)
{
	struct nvme_sqe sqe = { .opc = NVME_OPC_FABRICS,
				.nsid = NVME_FCTYPE_PROPERTY_SET,
				.cdw11 = offset,
				.cdw12 = value };

	return nvme_host_admin_sync(host, &sqe, NULL, 0, false, NULL);
}

static uint32_t csts(void)
{
	struct nvme_sqe sqe = { .opc = NVME_OPC_FABRICS,
				.nsid = NVME_FCTYPE_PROPERTY_GET,
				.cdw11 = NVME_PROP_CSTS };
	struct nvme_result r;

	ck_assert_int_eq(nvme_host_admin_sync(host, &sqe, NULL, 0, false, &r), 0);
	return (uint32_t)r.value;
}

/* Sends a command on each of the I/O queues and gives its status. */
static uint16_t flush_status(unsigned int queues)
{
	uint16_t status = 0;

	while (queues--) {
		struct job j = { .done = false };

		ck_assert_int_eq(nvme_host_flush(&ns, on_job, &j), 0);
		finish(&j);
		ck_assert_int_eq(j.r.error, 0);
		status = j.r.status;
	}
	return status;
}

START_TEST(a_controller_reset_leaves_the_association)
{
	struct nvme_target_stats s;

	rig_connect(2);
	ck_assert_int_eq(property_set(NVME_PROP_CC, 0), 0);
	pass(20);
	ck_assert_uint_eq(csts(), 0);
	ck_assert_uint_eq(flush_status(2), NVME_SC_ABORTED_SQ_DELETION);
	ck_assert_int_eq(
		property_set(NVME_PROP_CC, NVME_CC_EN | NVME_CC_IOSQES_64 | NVME_CC_IOCQES_16), 0);
	ck_assert_uint_eq(csts(), NVME_CSTS_RDY);
	nvme_target_stats(target, &s);
	ck_assert_uint_eq(s.connections, 1);
	ck_assert_uint_eq(s.controllers, 1);
	ck_assert_uint_eq(ev.lost, 0);
	ck_assert_int_eq(nvme_host_reset(host), 0);
	verified(9);
}
END_TEST

START_TEST(a_queue_that_is_deleted_leaves_the_others)
{
	struct nvme_sqe sqe = { .opc = NVME_OPC_FABRICS, .nsid = NVME_FCTYPE_DISCONNECT };
	struct nvme_target_stats s;
	struct job j = { .done = false };

	rig_connect(2);
	ck_assert_int_eq(nvme_host_io(host, &sqe, NULL, 0, false, on_job, &j), 0);
	ck_assert_int_eq(finish(&j), 0);
	pass(5000);
	ck_assert_uint_eq(flush_status(1) + flush_status(1), NVME_SC_ABORTED_SQ_DELETION);
	nvme_target_stats(target, &s);
	ck_assert_uint_eq(s.connections, 2);
	ck_assert_uint_eq(csts(), NVME_CSTS_RDY);
	ck_assert_uint_eq(ev.lost, 0);
}
END_TEST

START_TEST(a_host_that_never_sends_connect_is_ended)
{
	struct nvme_target_stats s;

	/* the association's Connect is lost, the host's time for it is long */
	opts.admin_timeout_ms = 60000;
	nvme_fc_loop_fault(loop, NVME_FC_LOOP_CMND_DROP, 0, 1);
	ck_assert_int_lt(try_connect(1), 0);
	nvme_target_stats(target, &s);
	ck_assert_ptr_nonnull(strstr(rig_log, "queue 0: no Connect in time"));
}
END_TEST

/* --- faults ------------------------------------------------------------------------------------- */

/* A command that is not answered: Abort, then recovery, then all goes on. */
START_TEST(a_lost_command_costs_the_association_in_the_end)
{
	struct nvme_host_stats st;

	opts.reconnect_delay_ms = 100;
	opts.io_timeout_ms = 300;
	rig_connect(2);
	nvme_fc_loop_fault(loop, NVME_FC_LOOP_CMND_DROP, 0, 1);
	start_load(true);
	pass(3000);
	ck_assert_uint_eq(open_jobs(), 0);
	nvme_host_stats(host, &st);
	ck_assert_uint_ge(st.aborts, 1);
	ck_assert_uint_eq(ev.lost, 1);
	ck_assert_uint_eq(ev.reconnected, 1);
	verified(5);
}
END_TEST

static const enum nvme_fc_loop_fault faults[] = {
	NVME_FC_LOOP_IO_BUSY,    NVME_FC_LOOP_IO_AGAIN,   NVME_FC_LOOP_IO_FAIL,
	NVME_FC_LOOP_CMND_DROP,  NVME_FC_LOOP_CMND_ABORT, NVME_FC_LOOP_OP_FAIL,
	NVME_FC_LOOP_OP_DROP,    NVME_FC_LOOP_OP_ERROR,   NVME_FC_LOOP_OP_SHORT,
	NVME_FC_LOOP_OP_ABORT,   NVME_FC_LOOP_RSP_LATE,   NVME_FC_LOOP_RSP_DROP,
	NVME_FC_LOOP_RSP_GARBLE, NVME_FC_LOOP_ABORT_LATE, NVME_FC_LOOP_LS_BUSY,
	NVME_FC_LOOP_LS_DROP,    NVME_FC_LOOP_LS_REJECT,  NVME_FC_LOOP_LS_FAIL,
};
#define N_FAULTS ((int)(sizeof(faults) / sizeof(faults[0])))
#define SKIPS 8

/* Reads of what was written before must never give anything else, whatever happens below. */
static void check_reads(void)
{
	static uint8_t want[LOAD_BLOCKS * RIG_BLOCK];

	for (unsigned int i = 0; i < LOAD; i++) {
		if (jobs[i].r.error || jobs[i].r.status || !jobs[i].r.bytes)
			continue;
		pattern(want, sizeof(want), i);
		ck_assert_mem_eq(mem[i], want, sizeof(want));
	}
}

START_TEST(faults_below_end_in_errors_and_recovery)
{
	const struct nvme_fc_loop_opts o = { .no_readdata_rsp = _i % 2, .sync_abort = _i % 3 == 0 };

	rig_up_with(&o);
	opts.reconnect_delay_ms = 100;
	opts.io_timeout_ms = 500;
	opts.admin_timeout_ms = 2000;
	opts.connect_ms = 2000;
	rig_connect(3);
	start_load(true);
	pass(50);
	ck_assert_uint_eq(open_jobs(), 0);
	nvme_fc_loop_fault(loop, faults[_i / SKIPS], (unsigned int)(_i % SKIPS) * 7, 1 + _i % 3);
	memset(mem, 0, sizeof(mem));
	start_load(false);
	pass(100);
	if (_i % 2)
		nvme_fc_loop_link(loop, false); /* the disconnecting meets the fault */
	pass(100);
	nvme_fc_loop_link(loop, true);
	pass(60000);
	ck_assert_uint_eq(open_jobs(), 0);
	check_reads();
	nvme_fc_loop_fault(loop, faults[_i / SKIPS], 0, 0);
	pass(20000);
	ck_assert_uint_eq(ev.lost, ev.reconnected);
	verified(6);
	rig_down();
}
END_TEST

START_TEST(no_memory_for_an_association)
{
	int rc = -1, failed = 0;

	for (unsigned int skip = 0; skip < 40 && rc; skip++) {
		nvme_fc_loop_fault(loop, NVME_FC_LOOP_ALLOC, skip, 1);
		opts.connect_ms = 500;
		rc = try_connect(2);
		failed += rc != 0;
	}
	ck_assert_int_eq(rc, 0);
	ck_assert_int_gt(failed, 3);
	nvme_fc_loop_fault(loop, NVME_FC_LOOP_ALLOC, 0, 0);
	ck_assert_int_eq(nvme_host_ns_open(host, 1, &ns), 0);
	verified(7);
}
END_TEST

Suite *trouble_suite(void)
{
	Suite *s = suite_create("trouble");
	TCase *t = tcase_create("refused");

	tcase_add_checked_fixture(t, rig_up, rig_down);
	tcase_add_test(t, a_host_that_is_not_allowed);
	tcase_add_test(t, a_subsystem_that_is_not_there);
	tcase_add_test(t, a_port_that_is_not_there);
	tcase_add_test(t, nobody_serves_the_port);
	tcase_add_test(t, bad_parameters);
	tcase_add_test(t, an_association_is_refused_or_never_answered);
	tcase_add_test(t, a_connection_is_refused_or_never_answered);
	tcase_add_test(t, a_longer_queue_than_the_target_has);
	tcase_add_test(t, no_memory_for_an_association);
	suite_add_tcase(s, t);
	t = tcase_create("ends");
	tcase_add_checked_fixture(t, rig_up, rig_down);
	tcase_add_loop_test(t, disconnecting_under_load_ends_everything_once, 0, 12);
	tcase_add_test(t, disconnecting_while_commands_hang);
	tcase_add_loop_test(t, link_lost_and_back, 0, 8);
	tcase_add_test(t, link_lost_for_good);
	tcase_add_loop_test(t, the_target_ends_the_association, 0, 5);
	tcase_add_test(t, a_target_that_ends_answers_first);
	tcase_add_test(t, a_lost_disconnect_does_not_hold_up_recovery);
	tcase_add_test(t, a_controller_reset_leaves_the_association);
	tcase_add_test(t, a_queue_that_is_deleted_leaves_the_others);
	tcase_add_test(t, a_host_that_never_sends_connect_is_ended);
	tcase_add_test(t, a_lost_command_costs_the_association_in_the_end);
	suite_add_tcase(s, t);
	t = tcase_create("faults");
	tcase_add_loop_test(t, faults_below_end_in_errors_and_recovery, 0, N_FAULTS * SKIPS);
	suite_add_tcase(s, t);
	return s;
}
