/* SPDX-License-Identifier: BSD-2-Clause */
/* Commands from end to end: data, operations, responses. */
#include <errno.h>
#include <stdlib.h>

#include "fc_test.h"
#include "rig.h"

static struct job job;

static void up(void)
{
	rig_up(NULL);
	rig_connect(2);
}

static void down(void)
{
	job_free(&job);
	rig_down();
}

START_TEST(write_and_read_back)
{
	static const uint32_t lens[] = { 512, 4096, 65536, 262144, 1048576 };
	uint32_t len = lens[_i];

	job.data = malloc(len);
	pattern(job.data, len, (uint32_t)_i);
	ck_assert_int_eq(job_run(&job, 1, NVME_OPC_WRITE, 3, len), 0);
	ck_assert_uint_eq(job.io.transferred, len);
	ck_assert_mem_eq(&disk[3 * 512], job.data, len);
	memset(job.data, 0, len);
	ck_assert_int_eq(job_run(&job, 2, NVME_OPC_READ, 3, len), 0);
	ck_assert_mem_eq(&disk[3 * 512], job.data, len);
	ck_assert_uint_eq(stats().fcp_ops[NVMET_FCOP_WRITEDATA], (len + 262143) / 262144);
	ck_assert_uint_eq(stats().fcp_ops[NVMET_FCOP_READDATA], (len - 1) / 262144);
	ck_assert_uint_eq(stats().fcp_ops[NVMET_FCOP_READDATA_RSP], 1);
	ck_assert_uint_eq(stats().short_rsps, 2);
}
END_TEST

START_TEST(pieces_of_the_host_need_not_match_those_of_the_target)
{
	static const uint32_t pieces[] = { 512, 1000, 4096, 7777 };

	target.chunk = 3000;
	job.data = malloc(100000);
	pattern(job.data, 100000, 5);
	ck_assert_int_eq(job_start_sg(&job, 1, NVME_OPC_WRITE, 0, 100000, pieces[_i]), 0);
	spin(200);
	ck_assert_uint_eq(job.done, 1);
	ck_assert_mem_eq(disk, job.data, 100000);
	memset(job.data, 0, 100000);
	ck_assert_int_eq(job_start_sg(&job, 1, NVME_OPC_READ, 0, 100000, pieces[_i]), 0);
	spin(200);
	ck_assert_int_eq(job.io.error, 0);
	ck_assert_mem_eq(disk, job.data, 100000);
}
END_TEST

START_TEST(without_readdata_rsp_data_and_response_are_two_operations)
{
	struct nvme_fc_loop_opts o = { .no_readdata_rsp = true };

	rig_up(&o);
	rig_connect(1);
	ck_assert_int_eq(job_run(&job, 1, NVME_OPC_READ, 0, 4096), 0);
	ck_assert_uint_eq(stats().fcp_ops[NVMET_FCOP_READDATA], 1);
	ck_assert_uint_eq(stats().fcp_ops[NVMET_FCOP_READDATA_RSP], 0);
	ck_assert_uint_eq(stats().fcp_ops[NVMET_FCOP_RSP], 1);
	down();
}
END_TEST

START_TEST(an_operation_has_no_more_pieces_than_the_driver_takes)
{
	struct nvme_fc_loop_opts o = { .max_sgl_segments = 2, .dma_boundary = 4095 };

	rig_up(&o);
	rig_connect(1);
	job.data = aligned_alloc(4096, 8192);
	memset(job.data, 7, 8192);
	ck_assert_int_eq(job_start_sg(&job, 1, NVME_OPC_WRITE, 1, 8192, 4096), 0);
	spin(50);
	ck_assert_uint_eq(job.done, 1);
	ck_assert_int_eq(job.io.error, 0);
	ck_assert_mem_eq(&disk[512], job.data, 8192);
	ck_assert_uint_gt(stats().fcp_ops[NVMET_FCOP_WRITEDATA], 1);
	ck_assert_int_eq(job_start_sg(&job, 1, NVME_OPC_WRITE, 1, 8192, 2048), -EINVAL);
	ck_assert_int_eq(job_start_sg(&job, 1, NVME_OPC_WRITE, 1, 8192, 8192), -EINVAL);
	down();
}
END_TEST

START_TEST(an_empty_rsp_means_success)
{
	struct nvme_fc_loop_opts o = { .empty_rsp = true };

	rig_up(&o);
	rig_connect(1);
	ck_assert_int_eq(job_run(&job, 1, NVME_OPC_READ, 0, 4096), 0);
	ck_assert(!job.io.sqhd_valid);
	down();
}
END_TEST

START_TEST(a_command_without_data)
{
	ck_assert_int_eq(job_run(&job, 1, NVME_OPC_FLUSH, 0, 0), 0);
	ck_assert_uint_eq(job.io.cqe.status, 0);
	ck_assert_uint_eq(stats().short_rsps, 1);
}
END_TEST

START_TEST(a_response_that_says_something_is_an_ersp)
{
	target.status = NVME_SC_LBA_OUT_OF_RANGE;
	ck_assert_int_eq(job_run(&job, 1, NVME_OPC_READ, 0, 4096), 0);
	ck_assert_uint_eq(job.io.cqe.status >> 1, NVME_SC_LBA_OUT_OF_RANGE);
	ck_assert_uint_eq(job.io.transferred, 0);
	ck_assert(job.io.sqhd_valid);
	target.status = 0;
	ck_assert_int_eq(job_run(&job, 0, NVME_OPC_FABRICS, 0, 1024), 0);
	ck_assert_uint_eq(job.io.cqe.dw0, 1);
	target.dw0 = 7;
	ck_assert_int_eq(job_run(&job, 1, NVME_OPC_FLUSH, 0, 0), 0);
	ck_assert_uint_eq(job.io.cqe.dw0, 7);
	target.dw0 = 0;
	target.dw1 = 9;
	ck_assert_int_eq(job_run(&job, 1, NVME_OPC_FLUSH, 0, 0), 0);
	ck_assert_uint_eq(job.io.cqe.dw1, 9);
	target.dw1 = 0;
	ck_assert_int_eq(job_start(&job, 1, NVME_OPC_FLUSH, 0, 0), 0);
	spin(10);
	job.io.sqe[1] = 1; /* fused, the first of two */
	job.done = 0;
	ck_assert_int_eq(nvme_fc_submit(ctrl, 1, &job.io), 0);
	spin(10);
	ck_assert(job.io.sqhd_valid);
	ck_assert_uint_eq(stats().short_rsps, 1); /* the one that had nothing to say */
}
END_TEST

START_TEST(every_nth_response_is_an_ersp)
{
	unsigned int extended = 0;

	for (int i = 0; i < 60; i++) {
		ck_assert_int_eq(job_run(&job, 1, NVME_OPC_FLUSH, 0, 0), 0);
		extended += job.io.sqhd_valid;
	}
	ck_assert_uint_eq(extended, 60 / (RIG_ENTRIES / 5));
}
END_TEST

START_TEST(a_queue_that_is_almost_full_answers_with_ersps)
{
	static struct job jobs[RIG_ENTRIES];
	unsigned int extended = 0;

	target.hold = true;
	for (int i = 0; i < RIG_ENTRIES - 1; i++)
		ck_assert_int_eq(job_start(&jobs[i], 1, NVME_OPC_FLUSH, 0, 0), 0);
	ck_assert_int_eq(job_start(&jobs[31], 1, NVME_OPC_FLUSH, 0, 0), -EAGAIN);
	spin(5);
	target_resume();
	spin(10);
	for (int i = 0; i < RIG_ENTRIES - 1; i++) {
		ck_assert_uint_eq(jobs[i].done, 1);
		extended += jobs[i].io.sqhd_valid;
	}
	ck_assert_uint_gt(extended, (RIG_ENTRIES - 1) / (RIG_ENTRIES / 5));
}
END_TEST

static void submit_again(struct nvme_fc_io *io)
{
	struct job *j = io->arg;

	if (++j->done < 500)
		ck_assert_int_eq(nvme_fc_submit(ctrl, 1, io), 0);
}

START_TEST(a_command_may_be_sent_from_inside_done)
{
	ck_assert_int_eq(job_start(&job, 1, NVME_OPC_READ, 0, 4096), 0);
	job.io.done = submit_again;
	spin(3000);
	ck_assert_uint_eq(job.done, 500);
}
END_TEST

START_TEST(busy_means_try_again_and_costs_nothing)
{
	rig_fault(NVME_FC_LOOP_IO_BUSY, 0, 1);
	ck_assert_int_eq(job_start(&job, 1, NVME_OPC_READ, 0, 4096), -EAGAIN);
	rig_fault(NVME_FC_LOOP_IO_AGAIN, 0, 1);
	ck_assert_int_eq(job_start(&job, 1, NVME_OPC_READ, 0, 4096), -EAGAIN);
	ck_assert_int_eq(job_run(&job, 1, NVME_OPC_READ, 0, 4096), 0);
	ck_assert_uint_eq(host.ended, 0);
}
END_TEST

START_TEST(pieces_that_do_not_add_up_are_refused)
{
	ck_assert_int_eq(job_run(&job, 1, NVME_OPC_READ, 0, 4096), 0);
	job.io.len = 4097;
	ck_assert_int_eq(nvme_fc_submit(ctrl, 1, &job.io), -EINVAL);
	job.io.len = 4096;
	job.io.dir = NVMEFC_FCP_NODATA;
	ck_assert_int_eq(nvme_fc_submit(ctrl, 1, &job.io), -EINVAL);
	job.io.dir = NVMEFC_FCP_READ;
	ck_assert_int_eq(nvme_fc_submit(ctrl, 3, &job.io), -ENOTCONN);
	ck_assert_int_eq(nvme_fc_submit(ctrl, 65535, &job.io), -ENOTCONN);
}
END_TEST

static struct job early[RIG_ENTRIES - 1], more[8];

/* The responses of as many commands as the queue has arrive, but the target does not yet know. */
static void fill_contexts(void)
{
	rig_fault(NVME_FC_LOOP_RSP_LATE, 0, RIG_ENTRIES - 1);
	for (int i = 0; i < RIG_ENTRIES - 1; i++)
		ck_assert_int_eq(job_start(&early[i], 1, NVME_OPC_FLUSH, 0, 0), 0);
	spin(4);
	for (int i = 0; i < RIG_ENTRIES - 1; i++)
		ck_assert_uint_eq(early[i].done, 1);
	target.hold = true;
	for (int i = 0; i < 8; i++)
		ck_assert_int_eq(job_start(&more[i], 1, NVME_OPC_FLUSH, 0, 0), 0);
	spin(2);
}

START_TEST(commands_beyond_the_contexts_are_deferred_and_not_lost)
{
	fill_contexts();
	ck_assert_uint_eq(stats().deferred, 7); /* one context more than commands outstanding */
	spin(30);
	target_resume();
	spin(10);
	for (int i = 0; i < 8; i++) {
		ck_assert_uint_eq(more[i].done, 1);
		ck_assert_int_eq(more[i].io.error, 0);
	}
}
END_TEST

START_TEST(deferred_commands_of_a_closed_connection_are_answered)
{
	fill_contexts();
	target_close(1);
	spin(60);
	for (int i = 0; i < 8; i++) {
		ck_assert_uint_eq(more[i].done, 1);
		ck_assert_int_eq(more[i].io.error, 0);
		ck_assert_uint_eq(more[i].io.cqe.status >> 1, NVME_SC_ABORTED_SQ_DELETION);
	}
	ck_assert_uint_eq(host.ended, 0);
}
END_TEST

START_TEST(a_deferred_command_can_be_aborted)
{
	fill_contexts();
	nvme_fc_abort(ctrl, &more[5].io);
	spin(60);
	for (int i = 0; i < 8; i++)
		ck_assert_uint_eq(more[i].done, 1);
	ck_assert_int_eq(more[5].io.error, -ECANCELED);
	ck_assert_uint_eq(host.ended, 1);
}
END_TEST

START_TEST(deferred_commands_go_back_when_the_association_ends)
{
	fill_contexts();
	nvmet_fc_conn_end(target.last, -EIO);
	spin(60);
	for (int i = 0; i < 8; i++) {
		ck_assert_uint_eq(more[i].done, 1);
		ck_assert_int_ne(more[i].io.error, 0);
	}
	ck_assert_uint_eq(host.ended, 1);
}
END_TEST

START_TEST(a_driver_that_cannot_defer_is_told_no)
{
	struct nvme_fc_loop_opts o = { .no_defer = true };

	rig_up(&o);
	rig_connect(1);
	fill_contexts();
	spin(60);
	ck_assert_int_eq(more[0].io.error, -EIO); /* as the association ended by the next */
	ck_assert_int_eq(more[1].io.error, -EIO);
	ck_assert_uint_eq(stats().deferred, 0);
	ck_assert_uint_eq(host.ended, 1);
	down();
}
END_TEST

Suite *data_suite(void)
{
	Suite *s = suite_create("data");
	TCase *t = tcase_create("data");

	tcase_add_checked_fixture(t, up, down);
	tcase_add_loop_test(t, write_and_read_back, 0, 5);
	tcase_add_loop_test(t, pieces_of_the_host_need_not_match_those_of_the_target, 0, 4);
	tcase_add_test(t, a_command_without_data);
	tcase_add_test(t, a_response_that_says_something_is_an_ersp);
	tcase_add_test(t, every_nth_response_is_an_ersp);
	tcase_add_test(t, a_queue_that_is_almost_full_answers_with_ersps);
	tcase_add_test(t, a_command_may_be_sent_from_inside_done);
	if (rig_can(NVME_FC_LOOP_IO_BUSY))
		tcase_add_test(t, busy_means_try_again_and_costs_nothing);
	tcase_add_test(t, pieces_that_do_not_add_up_are_refused);
	tcase_add_test(t, commands_beyond_the_contexts_are_deferred_and_not_lost);
	tcase_add_test(t, deferred_commands_of_a_closed_connection_are_answered);
	tcase_add_test(t, a_deferred_command_can_be_aborted);
	tcase_add_test(t, deferred_commands_go_back_when_the_association_ends);
	suite_add_tcase(s, t);
	t = tcase_create("options");
	if (rig_takes(&(struct nvme_fc_loop_opts){ .no_defer = true }))
		tcase_add_test(t, a_driver_that_cannot_defer_is_told_no);
	if (rig_takes(&(struct nvme_fc_loop_opts){ .no_readdata_rsp = true }))
		tcase_add_test(t, without_readdata_rsp_data_and_response_are_two_operations);
	if (rig_takes(&(struct nvme_fc_loop_opts){ .max_sgl_segments = 2 }))
		tcase_add_test(t, an_operation_has_no_more_pieces_than_the_driver_takes);
	tcase_add_test(t, an_empty_rsp_means_success);
	suite_add_tcase(s, t);
	return s;
}
