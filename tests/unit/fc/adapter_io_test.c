/* SPDX-License-Identifier: BSD-2-Clause */
/* The adapter's driver: queues, commands and aborts of both roles, and the end of the device. */
#include <errno.h>
#include <stdlib.h>

#include "../../../host-lib/fc/wire.h"
#include "fc_test.h"
#include "rig.h"
#include "rig_adapter.h"

static struct job job, load[62];

static void up(void)
{
	ck_assert(rig_up(NULL));
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

/* --- queues, past the transport ----------------------------------------------------------------------- */

struct raw_io {
	struct nvmefc_fcp_req fcp; /* first */
	uint8_t iu[96], rsp[32];
	void *priv;
	unsigned int done;
};
static struct raw_io raw[8];
static struct wfc_queue *queue;

static void on_raw(struct nvmefc_fcp_req *fcp)
{
	((struct raw_io *)fcp)->done++;
}

/* A command on a connection that does not exist: the target aborts it. */
static int raw_start(struct raw_io *r)
{
	struct fc_cmnd c = { .connection_id = 0x123400000000, .csn = 1 };

	memset(r, 0, sizeof(*r));
	fc_cmnd_build(r->iu, &c);
	r->fcp = (struct nvmefc_fcp_req){ .cmdaddr = r->iu,
					  .cmdlen = sizeof(r->iu),
					  .rspaddr = r->rsp,
					  .rsplen = sizeof(r->rsp),
					  .private_ = &r->priv,
					  .done = on_raw };
	return side[0].fc->host_tmpl.fcp_io(rig_local(), rig_remote(), queue, &r->fcp);
}

static void raw_abort(struct raw_io *r)
{
	side[0].fc->host_tmpl.fcp_abort(rig_local(), rig_remote(), queue, &r->fcp);
}

static void make_queue(uint16_t entries)
{
	void *handle;

	ck_assert_int_eq(side[0].fc->host_tmpl.create_queue(rig_local(), 1, entries, &handle), 0);
	queue = handle;
}

static void delete_queue(void)
{
	side[0].fc->host_tmpl.delete_queue(rig_local(), 1, queue);
}

static unsigned int host_pairs(void)
{
	unsigned int n = 0;

	for (int i = 1; i < 128; i++)
		n += side[0].fake->fc->pair[i] && side[0].fake->fc->pair[i]->flags == WEFT_QPF_FC;
	return n;
}

START_TEST(a_queue_is_a_pair_of_the_next_power_of_two)
{
	static const uint16_t size[][2] = { { 1, 4 },   { 4, 4 },       { 5, 8 },
					    { 33, 64 }, { 1000, 1024 }, { 1024, 1024 } };
	void *handle;

	for (int i = 0; i < 6; i++) {
		make_queue(size[i][0]);
		ck_assert_uint_eq(queue->entries, size[i][1]);
		turn();
		ck_assert_uint_eq(host_pairs(), 1);
		delete_queue();
		turn();
		ck_assert_uint_eq(host_pairs(), 0);
	}
	ck_assert_int_eq(side[0].fc->host_tmpl.create_queue(rig_local(), 1, 1025, &handle),
			 -EINVAL);
}
END_TEST

START_TEST(there_are_as_many_queues_as_pairs)
{
	static void *handle[126];
	struct nvme_fc_port_template *t = &side[0].fc->host_tmpl;
	unsigned int n = 0;

	while (n < 126 && !t->create_queue(rig_local(), n, 4, &handle[n]))
		n++;
	ck_assert_uint_eq(n, 126); /* but the admin and the link service pair */
	ck_assert_int_eq(t->create_queue(rig_local(), n, 4, &handle[0]), -ENOSPC);
	for (int i = 0; i < 20; i++)
		turn();
	ck_assert_uint_eq(host_pairs(), 126);
	while (n--)
		t->delete_queue(rig_local(), n, handle[n]);
	for (int i = 0; i < 20; i++)
		turn();
	ck_assert_uint_eq(host_pairs(), 0);
}
END_TEST

START_TEST(a_command_before_its_pair_is_made_waits)
{
	make_queue(4);
	ck_assert_int_eq(raw_start(&raw[0]), 0);
	ck_assert_int_eq(raw_start(&raw[1]), 0);
	raw_abort(&raw[1]); /* nobody knows it */
	ck_assert_uint_eq(raw[1].done, 1);
	ck_assert_int_eq(raw[1].fcp.status, -ECANCELED);
	ck_assert_uint_eq(raw[0].done, 0);
	turn();
	ck_assert_uint_eq(raw[0].done, 1);
	ck_assert_int_eq(raw[0].fcp.status, -EIO);
	ck_assert_uint_eq(side[0].fake->fc->ios, 1);
	delete_queue();
}
END_TEST

START_TEST(a_pair_that_cannot_be_made_fails_its_commands)
{
	fake_fc_fault(FAKE_QP_FAIL, 0, 1);
	make_queue(4);
	ck_assert_int_eq(raw_start(&raw[0]), 0);
	turn();
	ck_assert_uint_eq(raw[0].done, 1);
	ck_assert_int_eq(raw[0].fcp.status, -ENOSPC);
	ck_assert_int_eq(raw_start(&raw[0]), -ENOSPC);
	delete_queue();
	turn();
	ck_assert(TAILQ_EMPTY(&side[0].fc->queues));
	fake_fc_fault(FAKE_QP_FAIL, 0, 1); /* given up before that is known */
	make_queue(4);
	delete_queue();
	make_queue(4);
	delete_queue();
	turn();
	ck_assert_uint_eq(host_pairs(), 0);
}
END_TEST

START_TEST(a_pair_that_is_busy_is_deleted_later)
{
	make_queue(4);
	turn();
	side[0].fake->fc->busy_deletes = 3;
	delete_queue();
	turn();
	ck_assert_uint_eq(host_pairs(), 1);
	ck_assert_uint_lt(weft_dev_next(side[0].dev), now + 2 * NSEC / 1000); /* and wakes for it */
	for (int i = 0; i < 5; i++) {
		now += NSEC / 100;
		turn();
	}
	ck_assert_uint_eq(host_pairs(), 0);
	ck_assert_uint_eq(side[0].fake->fc->busy_deletes, 0);
}
END_TEST

START_TEST(a_queue_takes_no_more_commands_than_it_has_entries)
{
	make_queue(4);
	turn();
	side[0].fake->frozen_io = true;
	for (int i = 0; i < 4; i++) /* the ring has room for three: one waits */
		ck_assert_int_eq(raw_start(&raw[i]), 0);
	ck_assert_int_eq(raw_start(&raw[4]), -EBUSY);
	ck_assert(!TAILQ_EMPTY(&queue->pend));
	side[0].fake->frozen_io = false;
	turn();
	for (int i = 0; i < 4; i++)
		ck_assert_uint_eq(raw[i].done, 1);
	ck_assert_int_eq(raw_start(&raw[4]), 0);
	turn();
	ck_assert_uint_eq(raw[4].done, 1);
	delete_queue();
}
END_TEST

/* The command ends by itself while FC_ABORT is at the adapter: its cid must not be used meanwhile. */
START_TEST(a_late_abort_hits_no_other_command)
{
	make_queue(4);
	turn();
	side[0].fake->fc->hold_aborts = true;
	ck_assert_int_eq(raw_start(&raw[0]), 0);
	raw_abort(&raw[0]);
	raw_abort(&raw[0]);
	turn();
	ck_assert_uint_eq(raw[0].done, 1);
	ck_assert_uint_eq(side[0].fake->fc->n_kept, 1);
	ck_assert_uint_eq(queue->n_free, 3);
	delete_queue(); /* it lasts as long as the abort */
	turn();
	ck_assert_uint_eq(host_pairs(), 1);
	fake_fc_answer_aborts(side[0].fake);
	turn();
	ck_assert_uint_eq(host_pairs(), 0);
}
END_TEST

START_TEST(a_command_that_ended_before_its_abort_was_sent_is_not_aborted)
{
	make_queue(4);
	turn();
	ck_assert_int_eq(raw_start(&raw[0]), 0);
	fake_run(side[0].fake);
	weft_dev_poll(side[1].dev); /* the target refuses it, */
	fake_run(side[1].fake);
	raw_abort(&raw[0]); /* and that is in the ring */
	weft_dev_poll(side[0].dev);
	turn();
	ck_assert_uint_eq(raw[0].done, 1);
	ck_assert_uint_eq(queue->n_free, 4);
	ck_assert_uint_eq(side[0].fake->fc->ops[OPS_ABORT], 0);
	delete_queue();
}
END_TEST

START_TEST(what_cannot_be_a_command_is_refused)
{
	make_queue(4);
	turn();
	ck_assert_int_eq(rig_link(false), 0);
	ck_assert_int_eq(rig_link(true), 0);
	ck_assert_int_eq(raw_start(&raw[0]), 0);
	turn();
	raw[0].fcp.cmdlen = 95;
	ck_assert_int_eq(side[0].fc->host_tmpl.fcp_io(rig_local(), rig_remote(), queue,
						      &raw[0].fcp),
			 -EINVAL);
	raw[0].fcp.cmdlen = 96;
	raw[0].fcp.payload_length = 4;
	ck_assert_int_eq(side[0].fc->host_tmpl.fcp_io(rig_local(), rig_remote(), queue,
						      &raw[0].fcp),
			 -EINVAL);
	raw[0].fcp.io_dir = NVMEFC_FCP_READ; /* without memory for it */
	ck_assert_int_eq(side[0].fc->host_tmpl.fcp_io(rig_local(), rig_remote(), queue,
						      &raw[0].fcp),
			 -EINVAL);
	ck_assert_uint_eq(queue->n_free, 4);
	delete_queue();
}
END_TEST

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
	TCase *t = tcase_create("queue");

	tcase_add_checked_fixture(t, up, down);
	tcase_add_test(t, a_queue_is_a_pair_of_the_next_power_of_two);
	tcase_add_test(t, there_are_as_many_queues_as_pairs);
	tcase_add_test(t, a_command_before_its_pair_is_made_waits);
	tcase_add_test(t, a_pair_that_cannot_be_made_fails_its_commands);
	tcase_add_test(t, a_pair_that_is_busy_is_deleted_later);
	tcase_add_test(t, a_queue_takes_no_more_commands_than_it_has_entries);
	tcase_add_test(t, a_late_abort_hits_no_other_command);
	tcase_add_test(t, a_command_that_ended_before_its_abort_was_sent_is_not_aborted);
	tcase_add_test(t, what_cannot_be_a_command_is_refused);
	suite_add_tcase(s, t);
	t = tcase_create("target");
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
	tcase_add_test(t, a_pair_that_cannot_be_made_fails_its_commands);
	tcase_add_test(t, there_are_as_many_queues_as_pairs);
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
