/* SPDX-License-Identifier: BSD-2-Clause */
/* Target role: transfers, and ends of commands, associations and hosts. */
#include <errno.h>
#include <stdlib.h>

#include "../../../host-lib/fc/host.h"
#include "fc_test.h"
#include "rig.h"

static struct job job;

static void up(void)
{
	rig_up(NULL);
}

static void down(void)
{
	job_free(&job);
	rig_down();
}

/* --- transfers -------------------------------------------------------------------------------------------------- */

static struct nvmet_fc_cmd *caught;
static unsigned int xfers;
static int xfer_error;

static int catch_connect(void *arg, struct nvmet_fc_conn *conn,
			 const struct nvmet_fc_conn_info *info, void **conn_arg)
{
	(void)arg;
	(void)info;
	*conn_arg = conn;
	return 0;
}

static void catch_command(void *conn_arg, struct nvmet_fc_cmd *cmd)
{
	(void)conn_arg;
	caught = cmd;
}

static void catch_ended(void *conn_arg, int error)
{
	struct nvme_cqe cqe = { 0 };

	(void)error;
	if (caught)
		ck_assert_int_eq(nvmet_fc_respond(caught, &cqe), 0);
	caught = NULL;
	nvmet_fc_conn_free(conn_arg);
}
static const struct nvmet_fc_user catcher = { catch_connect, catch_command, catch_ended };

/* Answers what was caught. */
static void answer_caught(void)
{
	struct nvme_cqe cqe = { .status = NVME_SC_INTERNAL_ERROR << 1 };

	ck_assert_int_eq(nvmet_fc_respond(caught, &cqe), 0);
	caught = NULL;
}

static void on_caught(void *arg, int error)
{
	ck_assert_ptr_eq(arg, &xfers);
	xfers++;
	xfer_error = error;
}

static void receive_one(uint8_t opc, uint32_t len)
{
	nvmet_fc_attach(rig_tport(), &catcher, NULL);
	rig_connect(0);
	ck_assert_int_eq(job_start(&job, 0, opc, 0, len), 0);
	spin(2);
	ck_assert_ptr_nonnull(caught);
}

START_TEST(a_transfer_stays_within_the_command)
{
	struct nvmefc_sg sg = { .addr = disk, .iova = rig_iova(disk), .len = 8192 };
	struct nvme_cqe cqe = { 0 };

	receive_one(NVME_OPC_READ, 4096);
	ck_assert_uint_eq(nvmet_fc_cmd_len(caught), 4096);
	ck_assert_int_eq(nvmet_fc_send(caught, 0, &sg, 4097, on_caught, &xfers), -EINVAL);
	ck_assert_int_eq(nvmet_fc_send(caught, 4097, &sg, 1, on_caught, &xfers), -EINVAL);
	ck_assert_int_eq(nvmet_fc_send(caught, 4096, &sg, 1, on_caught, &xfers), -EINVAL);
	ck_assert_int_eq(nvmet_fc_send(caught, 0, &sg, 0, on_caught, &xfers), -EINVAL);
	ck_assert_int_eq(nvmet_fc_receive(caught, 0, &sg, 4096, on_caught, &xfers), -EINVAL);
	ck_assert_int_eq(nvmet_fc_send(caught, 0, &sg, 1000, on_caught, &xfers), 0);
	ck_assert_int_eq(nvmet_fc_send(caught, 0, &sg, 1000, on_caught, &xfers), -EBUSY);
	ck_assert_int_eq(nvmet_fc_receive(caught, 0, &sg, 1000, on_caught, &xfers), -EBUSY);
	ck_assert_int_eq(nvmet_fc_respond(caught, &cqe), -EBUSY);
	spin(3);
	ck_assert_uint_eq(xfers, 1);
	ck_assert_int_eq(nvmet_fc_send_respond(caught, 1000, &sg, 3096, &cqe, on_caught, &xfers),
			 0);
	caught = NULL;
	spin(5);
	ck_assert_uint_eq(xfers, 2);
	ck_assert_uint_eq(job.done, 1);
	ck_assert_int_eq(job.io.error, 0);
}
END_TEST

/* The host has the CQE of an ERSP: fewer bytes than it asked for are no error of the transport. */
START_TEST(a_short_read_is_told_in_an_ersp)
{
	struct nvmefc_sg sg = { .addr = disk, .iova = rig_iova(disk), .len = 8192 };
	struct nvme_cqe cqe = { 0 };

	receive_one(NVME_OPC_READ, 4096);
	ck_assert_int_eq(nvmet_fc_send_respond(caught, 0, &sg, 1000, &cqe, on_caught, &xfers), 0);
	caught = NULL;
	spin(5);
	ck_assert_uint_eq(job.done, 1);
	ck_assert_int_eq(job.io.error, 0);
	ck_assert_uint_eq(job.io.transferred, 1000);
	ck_assert(job.io.sqhd_valid);
}
END_TEST

START_TEST(an_aborted_command_ends_without_response)
{
	struct nvmefc_sg sg = { .addr = disk, .iova = rig_iova(disk), .len = 8192 };
	bool write = _i & 1, active = _i & 2;

	receive_one(write ? NVME_OPC_WRITE : NVME_OPC_READ, 4096);
	if (active && write)
		ck_assert_int_eq(nvmet_fc_receive(caught, 0, &sg, 4096, on_caught, &xfers), 0);
	else if (active)
		ck_assert_int_eq(nvmet_fc_send(caught, 0, &sg, 4096, on_caught, &xfers), 0);
	rig_fault(NVME_FC_LOOP_OP_DROP, 0, 1);
	spin(3);
	ck_assert_uint_eq(xfers, 0);
	nvme_fc_abort(ctrl, &job.io);
	spin(1);
	if (active) {
		ck_assert_uint_eq(xfers, 1);
		ck_assert_int_eq(xfer_error, -ECONNABORTED);
	}
	rig_fault(NVME_FC_LOOP_OP_DROP, 0, 0);
	if (loop) /* over the adapter the association has ended by now */
		ck_assert_int_eq(nvmet_fc_send(caught, 0, &sg, 4096, on_caught, &xfers),
				 write ? -EINVAL : -ECONNABORTED);
	spin(20);
	ck_assert_uint_eq(job.done, 1);
	ck_assert_int_eq(job.io.error, -ECANCELED);
	ck_assert_uint_eq(stats().fcp_ops[NVMET_FCOP_RSP], 0);
	ck_assert_ptr_null(caught);
}
END_TEST

/* The second operation of a transfer is refused, or is the abort's that lost the race. */
START_TEST(a_transfer_may_fail_on_the_way)
{
	static uint8_t big[300000];
	struct nvmefc_sg sg = { .addr = big, .iova = rig_iova(big), .len = sizeof(big) };
	bool write = _i & 1;

	receive_one(write ? NVME_OPC_WRITE : NVME_OPC_READ, sizeof(big));
	rig_fault(NVME_FC_LOOP_OP_FAIL, 1, _i < 2);
	if (write)
		ck_assert_int_eq(nvmet_fc_receive(caught, 0, &sg, sizeof(big), on_caught, &xfers),
				 0);
	else
		ck_assert_int_eq(nvmet_fc_send(caught, 0, &sg, sizeof(big), on_caught, &xfers), 0);
	if (_i >= 2) /* heard of while the data move */
		nvmet_fc_rcv_fcp_abort(rig_tport(), (struct nvmefc_tgt_fcp_req *)*(
							    void **)job.io.req->fcp.private_);
	spin(1);
	ck_assert_uint_eq(xfers, 1);
	ck_assert_int_eq(xfer_error, _i < 2 ? -EIO : -ECONNABORTED);
	ck_assert_uint_eq(stats().fcp_ops[write ? NVMET_FCOP_WRITEDATA : NVMET_FCOP_READDATA], 1);
	answer_caught();
	spin(20);
	ck_assert_uint_eq(job.done, 1);
}
END_TEST

START_TEST(a_driver_that_refuses_the_first_operation)
{
	struct nvmefc_sg sg = { .addr = disk, .iova = rig_iova(disk), .len = 8192 };
	struct nvme_cqe cqe = { .status = NVME_SC_INTERNAL_ERROR << 1 };
	bool write = _i;

	receive_one(write ? NVME_OPC_WRITE : NVME_OPC_READ, 4096);
	rig_fault(NVME_FC_LOOP_OP_FAIL, 0, 1);
	if (write)
		ck_assert_int_eq(nvmet_fc_receive(caught, 0, &sg, 4096, on_caught, &xfers), -EIO);
	else
		ck_assert_int_eq(
			nvmet_fc_send_respond(caught, 0, &sg, 4096, &cqe, on_caught, &xfers), -EIO);
	ck_assert_int_eq(nvmet_fc_respond(caught, &cqe), 0);
	caught = NULL;
	spin(20);
	ck_assert_uint_eq(xfers, 0);
	ck_assert_uint_eq(job.done, 1);
	ck_assert_int_eq(job.io.error, write ? 0 : -EIO);
	ck_assert_uint_eq(host.ended, write ? 0 : 1);
}
END_TEST

/* --- ends ---------------------------------------------------------------------------------------------------------- */

START_TEST(the_target_ends_an_association)
{
	rig_connect(1);
	target.hold = true;
	ck_assert_int_eq(job_start(&job, 1, NVME_OPC_READ, 0, 4096), 0);
	spin(3);
	nvmet_fc_conn_end(target.last, -EIO);
	spin(30);
	ck_assert_uint_eq(host.ended, 1);
	ck_assert_uint_eq(job.done, 1);
	ck_assert_uint_eq(target.conns, 0);
	ck_assert_uint_eq(target.held, 0);
}
END_TEST

START_TEST(the_host_hears_of_it_by_disconnect_association)
{
	rig_connect(1);
	nvmet_fc_conn_end(target.last, 0);
	spin(30);
	ck_assert_uint_eq(host.ended, 1);
	ck_assert_int_eq(host.error, -ECONNRESET);
}
END_TEST

START_TEST(both_sides_end_it_at_the_same_time)
{
	rig_connect(1);
	nvmet_fc_conn_end(target.last, 0);
	spin((unsigned int)_i);
	nvme_fc_ctrl_disconnect(ctrl, -ECONNABORTED);
	spin(30);
	ck_assert_uint_eq(host.ended, 1);
	ck_assert_uint_eq(target.conns, 0);
	ck_assert_uint_eq(stats().ls, 0);
}
END_TEST

START_TEST(a_driver_that_cannot_ask_hosts)
{
	struct nvme_fc_loop_opts o = { .no_target_ls = true };

	rig_up(&o);
	rig_connect(1);
	ck_assert_int_eq(job_start(&job, 0, NVME_OPC_ASYNC_EVENT_REQUEST, 0, 0), 0);
	spin(3);
	nvmet_fc_conn_end(target.last, 0);
	spin(30);
	ck_assert_uint_eq(target.conns, 0);
	ck_assert_uint_eq(host.ended, 1); /* by the abort of its AER */
	ck_assert_int_eq(host.error, -EIO);
	down();
}
END_TEST

static const enum nvme_fc_loop_fault disconnect_faults[] = {
	NVME_FC_LOOP_LS_DROP, NVME_FC_LOOP_LS_FAIL, NVME_FC_LOOP_LS_RSP_DROP, NVME_FC_LOOP_LS_REJECT
};

START_TEST(the_disconnect_of_a_target_may_be_lost)
{
	rig_connect(1);
	rig_fault(disconnect_faults[_i], 0, 1);
	nvmet_fc_conn_end(target.last, 0);
	pass(25);
	ck_assert_uint_eq(target.conns, 0);
	ck_assert_uint_eq(stats().ls, 0);
}
END_TEST

START_TEST(a_lost_host_is_released_when_nothing_refers_to_it)
{
	rig_connect(1);
	target.hold = true;
	ck_assert_int_eq(job_start(&job, 1, NVME_OPC_READ, 0, 4096), 0);
	spin(3);
	nvmet_fc_conn_end(target.last, 0); /* ending already when the host is lost */
	spin((unsigned int)_i);
	ck_assert_int_eq(rig_link(false), 0);
	spin(30);
	ck_assert_uint_eq(stats().hosts, 0);
	ck_assert_uint_eq(target.conns, 0);
	ck_assert_int_eq(rig_link(true), 0);
	if (loop) /* the adapter's driver makes a handle with the first link service */
		ck_assert_uint_eq(stats().hosts, 1);
}
END_TEST

Suite *target_suite(void)
{
	Suite *s = suite_create("target");
	TCase *t = tcase_create("target");
	int i;

	tcase_add_checked_fixture(t, up, down);
	tcase_add_test(t, a_transfer_stays_within_the_command);
	tcase_add_test(t, a_short_read_is_told_in_an_ersp);
	tcase_add_loop_test(t, an_aborted_command_ends_without_response, 0, 4);
	if (rig_can(NVME_FC_LOOP_OP_FAIL)) { /* an operation of the adapter is never refused */
		tcase_add_loop_test(t, a_transfer_may_fail_on_the_way, 0, 4);
		tcase_add_loop_test(t, a_driver_that_refuses_the_first_operation, 0, 2);
	}
	tcase_add_test(t, the_target_ends_an_association);
	tcase_add_test(t, the_host_hears_of_it_by_disconnect_association);
	tcase_add_loop_test(t, both_sides_end_it_at_the_same_time, 0, 8);
	for (i = 0; i < 4; i++)
		if (rig_can(disconnect_faults[i]))
			tcase_add_loop_test(t, the_disconnect_of_a_target_may_be_lost, i, i + 1);
	tcase_add_loop_test(t, a_lost_host_is_released_when_nothing_refers_to_it, 0, 6);
	suite_add_tcase(s, t);
	t = tcase_create("alone");
	if (rig_takes(&(struct nvme_fc_loop_opts){ .no_target_ls = true }))
		tcase_add_test(t, a_driver_that_cannot_ask_hosts);
	suite_add_tcase(s, t);
	return s;
}
