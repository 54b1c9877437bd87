/* SPDX-License-Identifier: BSD-2-Clause */
/* The adapter's driver: commands and aborts of both roles, and the end of the device. */
#include <errno.h>
#include <stdlib.h>

#include "../../../host-lib/fc/wire.h"
#include "fc_test.h"
#include "rig.h"
#include "rig_adapter.h"

static struct job job, load[62];

static void up(void)
{
	rig_up(NULL);
}

static void small_admin_ring(void)
{
	weft_admin_log2 = 2;
	up();
}

static void few_buffers(void)
{
	weft_target_entries = 4;
	up();
}

static void down(void)
{
	job_free(&job);
	for (int i = 0; i < 62; i++)
		job_free(&load[i]);
	rig_down();
}

static void turn(void)
{
	for (int i = 0; i < 8; i++)
		rig_adapter.poll();
}

/* --- commands of the target ----------------------------------------------------------------------------- */

START_TEST(a_command_of_another_host_is_aborted)
{
	rig_connect(1);
	fake_fc_fault(FAKE_STRANGER, 0, 1);
	ck_assert_int_eq(job_run(&job, 1, NVME_OPC_FLUSH, 0, 0), -EIO);
	ck_assert_uint_eq(target.commands, 0);
	ck_assert_uint_ge(side[1].fake->fc->ops[OPS_RELEASE], 1);
}
END_TEST

/* Logged in as well, with an association of its own: the transport knows them apart. */
START_TEST(a_connection_belongs_to_the_host_that_made_it)
{
	struct nvmefc_tgt_fcp_req req;
	struct fc_cmnd c = { .csn = 1 };
	uint8_t iu[96];
	int other;

	rig_connect(0);
	c.connection_id = target.association;
	fc_cmnd_build(iu, &c);
	ck_assert_int_eq(nvmet_fc_rcv_fcp_req_from(rig_tport(), &other, &req, iu, 96), -ENOTCONN);
	ck_assert_int_eq(nvmet_fc_rcv_fcp_req_from(rig_tport(), NULL, &req, iu, 96), -ENOTCONN);
	ck_assert_uint_eq(target.commands, 0);
}
END_TEST

START_TEST(a_command_that_did_not_get_into_memory_is_aborted)
{
	rig_connect(1);
	fake_fc_fault(FAKE_DMA_ERROR, 0, 1);
	ck_assert_int_eq(job_run(&job, 1, NVME_OPC_FLUSH, 0, 0), -EIO);
	ck_assert_uint_eq(target.commands, 0);
}
END_TEST

START_TEST(data_of_the_host_have_a_time)
{
	rig_connect(1);
	ck_assert_int_eq(job_run(&job, 1, NVME_OPC_WRITE, 0, 4096), 0);
	ck_assert_uint_eq(side[1].fake->fc->write_ms, 20000);
}
END_TEST

START_TEST(many_pieces_go_by_an_array)
{
	rig_connect(1);
	job.data = malloc(256 * 512);
	pattern(job.data, 256 * 512, 9);
	ck_assert_int_eq(job_start_sg(&job, 1, NVME_OPC_WRITE, 0, 256 * 512, 512), 0);
	turn();
	ck_assert_uint_eq(job.done, 1);
	ck_assert_int_eq(job.io.error, 0);
	ck_assert_mem_eq(disk, job.data, 256 * 512);
}
END_TEST

static void fill_target(void)
{
	target.hold = true;
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(job_start(&load[i], 1, NVME_OPC_FLUSH, 0, 0), 0);
	turn();
	ck_assert_uint_eq(target.held, 4);
}

/* Four buffers, three places in the ring. */
START_TEST(operations_wait_for_room_in_the_ring)
{
	rig_connect(1);
	fill_target();
	side[1].fake->frozen_io = true;
	target_resume();
	ck_assert(!TAILQ_EMPTY(&side[1].fc->target_pend));
	turn();
	side[1].fake->frozen_io = false;
	turn();
	for (int i = 0; i < 4; i++) {
		ck_assert_uint_eq(load[i].done, 1);
		ck_assert_int_eq(load[i].io.error, 0);
	}
}
END_TEST

START_TEST(an_operation_that_waits_can_be_aborted)
{
	rig_connect(1);
	fill_target();
	side[1].fake->frozen_io = true;
	target_resume();
	turn();
	ck_assert(!TAILQ_EMPTY(&side[1].fc->target_pend));
	if (_i) { /* by the target */
		nvmet_fc_conn_end(target.last, -EIO);
	} else {
		for (int i = 0; i < 4; i++)
			nvme_fc_abort(ctrl, &load[i].io);
	}
	turn();
	side[1].fake->frozen_io = false;
	turn();
	for (int i = 0; i < 4; i++)
		ck_assert_uint_eq(load[i].done, 1);
	ck_assert_uint_eq(host.ended, 1);
	ck_assert_uint_eq(side[1].fc->n_held, 0);
}
END_TEST

START_TEST(commands_beyond_the_buffers_wait_at_the_adapter)
{
	rig_connect(1);
	target.hold = true;
	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(job_start(&load[i], 1, NVME_OPC_FLUSH, 0, 0), 0);
	turn();
	ck_assert_uint_eq(target.held, 4);
	target_resume();
	turn();
	for (int i = 0; i < 20; i++) {
		ck_assert_uint_eq(load[i].done, 1);
		ck_assert_int_eq(load[i].io.error, 0);
	}
}
END_TEST

/* --- many aborts ---------------------------------------------------------------------------------------- */

static void start_load(void)
{
	rig_connect(2);
	target.hold = true;
	for (int i = 0; i < 62; i++)
		ck_assert_int_eq(job_start(&load[i], (uint16_t)(1 + i % 2),
					   i % 3 ? NVME_OPC_READ : NVME_OPC_WRITE, 0, 8192),
				 0);
	turn();
}

static void load_done(void)
{
	for (int i = 0; i < 62; i++)
		ck_assert_uint_eq(load[i].done, 1);
}

START_TEST(aborts_leave_room_in_the_admin_ring)
{
	start_load();
	side[0].fake->fc->hold_aborts = true;
	nvme_fc_ctrl_disconnect(ctrl, 0);
	turn();
	ck_assert_uint_le(side[0].fake->fc->n_kept, WFC_ABORTS_MAX);
	ck_assert_uint_ge(side[0].fake->fc->n_kept, 1);
	ck_assert(!TAILQ_EMPTY(&side[0].fc->aborts));
	ck_assert_uint_eq(host.ended, 0);
	fake_fc_answer_aborts(side[0].fake);
	for (int i = 0; i < 20; i++)
		turn();
	load_done();
	ck_assert_uint_eq(host.ended, 1);
}
END_TEST

/* --- both roles ------------------------------------------------------------------------------------------- */

static struct nvmet_fc_conn *conn[2];
static unsigned int ended[2];

static int both_connect(void *arg, struct nvmet_fc_conn *c, const struct nvmet_fc_conn_info *info,
			void **conn_arg)
{
	(void)info;
	*conn_arg = conn[*(int *)arg] = c;
	return 0;
}

static void both_command(void *conn_arg, struct nvmet_fc_cmd *cmd)
{
	ck_abort_msg("no command: %p %p", conn_arg, (void *)cmd);
}

static void both_ended(void *conn_arg, int error)
{
	(void)error;
	nvmet_fc_conn_free(conn_arg);
}
static const struct nvmet_fc_user both_user = { both_connect, both_command, both_ended };

static void on_ctrl(void *arg, enum nvme_fc_event event, uint16_t qid, int error)
{
	(void)qid;
	(void)error;
	ended[*(int *)arg] += event == NVME_FC_ENDED;
}

/* Each is host and target of the other. A Disconnect that comes is for the one it is meant for. */
START_TEST(a_disconnect_finds_its_role)
{
	static int number[2] = { 0, 1 };
	struct nvme_fc_ctrl *c[2];
	struct nvme_fc_ctrl_params p = { .event = on_ctrl,
					 .cntlid = NVME_CNTLID_DYNAMIC,
					 .entries = RIG_ENTRIES,
					 .hostnqn = RIG_HOSTNQN,
					 .subnqn = RIG_SUBNQN };
	int first = _i & 1, target_ends = _i & 2;

	weft_both_roles = true;
	up();
	for (int i = 0; i < 2; i++) {
		struct wfc_rport *r = &side[i].fc->rport[side[i].fake->fc->index];

		nvmet_fc_attach(side[i].fc->tport, &both_user, &number[i]);
		p.arg = &number[i];
		ck_assert_int_eq(nvme_fc_ctrl_create(r->rport, &p, &c[i]), 0);
		ck_assert_int_eq(nvme_fc_ctrl_connect(c[i]), 0);
	}
	turn();
	ck_assert_ptr_nonnull(conn[0]);
	ck_assert_ptr_nonnull(conn[1]);
	/* the association of host first is at the other's target */
	if (target_ends)
		nvmet_fc_conn_end(conn[!first], -EIO);
	else
		nvme_fc_ctrl_disconnect(c[first], 0);
	turn();
	ck_assert_uint_eq(ended[first], 1);
	ck_assert_uint_eq(ended[!first], 0);
	for (int i = 0; i < 2; i++)
		nvme_fc_ctrl_destroy(c[i]);
	turn();
	rig_down();
}
END_TEST

/* --- the end of the device ---------------------------------------------------------------------------------- */

/* _i: who, and whether it is reset or gone. */
START_TEST(a_device_that_ends_under_load)
{
	struct side *s = &side[_i & 1];
	unsigned int gone = _i & 2;
	uint32_t val;

	start_load();
	s->fake->gone = gone;
	if (gone) /* as whoever looks at it finds out */
		ck_assert_int_eq(weft_dev_read32(s->dev, WEFT_MAGIC, &val), -ENODEV);
	else
		ck_assert_int_eq(weft_dev_reset(s->dev), 0);
	for (int i = 0; i < 10; i++)
		turn();
	if (gone) { /* whose link goes dark, so that the other side hears of it */
		if (!(_i & 1))
			load_done();
		fake_fc_cable(side[0].fake, false);
		turn();
	}
	load_done();
	ck_assert_uint_eq(host.ended, 1);
	ck_assert_ptr_null(rig_remote());
	ck_assert_int_eq(nvme_fc_ctrl_connect(ctrl), -ENOTCONN);
	ck_assert_uint_eq(target.held, 0);
	if (_i & 1)
		ck_assert_uint_eq(target.conns, 0);
	nvme_fc_ctrl_destroy(ctrl);
	turn();
	for (int i = 0; i < 2; i++) {
		weft_fc_close(side[i].fc);
		side[i].fc = NULL;
	}
	ck_assert_uint_eq(target.conns, 0);
	weft_devices_close();
	for (int i = 0; i < 62; i++)
		job_free(&load[i]);
}
END_TEST

START_TEST(closed_under_load)
{
	struct weft_fc *fc;

	start_load();
	for (int n = 0; n < 2; n++) { /* either side first */
		int i = _i ? n : !n;

		fc = side[i].fc;
		weft_fc_close(fc);
		side[i].fc = NULL;
		if (!i) {
			load_done();
			ck_assert_uint_eq(host.lost, 1);
		} else {
			ck_assert_uint_eq(target.conns, 0);
		}
	}
	weft_devices_close();
	for (int i = 0; i < 62; i++)
		job_free(&load[i]);
}
END_TEST

Suite *adapter_io_suite(void)
{
	Suite *s = suite_create("adapter io");
	TCase *t = tcase_create("target");

	tcase_add_checked_fixture(t, up, down);
	tcase_add_test(t, a_command_of_another_host_is_aborted);
	tcase_add_test(t, a_connection_belongs_to_the_host_that_made_it);
	tcase_add_test(t, a_command_that_did_not_get_into_memory_is_aborted);
	tcase_add_test(t, data_of_the_host_have_a_time);
	tcase_add_test(t, many_pieces_go_by_an_array);
	tcase_add_test(t, aborts_leave_room_in_the_admin_ring);
	suite_add_tcase(s, t);
	t = tcase_create("few buffers");
	tcase_add_checked_fixture(t, few_buffers, down);
	tcase_add_test(t, operations_wait_for_room_in_the_ring);
	tcase_add_loop_test(t, an_operation_that_waits_can_be_aborted, 0, 2);
	tcase_add_test(t, commands_beyond_the_buffers_wait_at_the_adapter);
	suite_add_tcase(s, t);
	t = tcase_create("small admin ring");
	tcase_add_checked_fixture(t, small_admin_ring, down);
	tcase_add_test(t, aborts_leave_room_in_the_admin_ring);
	suite_add_tcase(s, t);
	t = tcase_create("end");
	tcase_add_checked_fixture(t, up, NULL);
	tcase_add_loop_test(t, a_device_that_ends_under_load, 0, 4);
	tcase_add_loop_test(t, closed_under_load, 0, 2);
	suite_add_tcase(s, t);
	t = tcase_create("both roles");
	tcase_add_loop_test(t, a_disconnect_finds_its_role, 0, 4);
	suite_add_tcase(s, t);
	return s;
}
