/* SPDX-License-Identifier: BSD-2-Clause */
/* Host role: associations made and ended, link services that go wrong, ports that are lost. */
#include <errno.h>
#include <stdlib.h>

#include "fc_test.h"
#include "rig.h"

static struct job job, other;

static void up(void)
{
	rig_up(NULL);
}

static void down(void)
{
	job_free(&job);
	job_free(&other);
	rig_down();
}

static void connect_fails(int error)
{
	rig_ctrl();
	ck_assert_int_eq(nvme_fc_ctrl_connect(ctrl), 0);
	ck_assert_int_eq(nvme_fc_ctrl_connect(ctrl), -EALREADY);
	pass(30);
	ck_assert_uint_eq(host.queues, 0);
	ck_assert_uint_eq(host.ended, 1);
	ck_assert_int_eq(host.error, error);
}

/* The target may have an association that the host knows nothing of: its user ends it. */
static void connect_again(void)
{
	if (target.conns)
		nvmet_fc_conn_end(target.last, -ETIMEDOUT);
	spin(10);
	ck_assert_uint_eq(target.conns, 0);
	host.ended = 0;
	target.hold = false;
	ck_assert_int_eq(nvme_fc_ctrl_connect(ctrl), 0);
	spin(10);
	ck_assert_uint_eq(host.queues, 1);
	ck_assert_int_eq(job_run(&job, 0, NVME_OPC_FABRICS, 0, 1024), 0);
}

/* --- connecting ---------------------------------------------------------------------------------------------- */

START_TEST(association_and_connections_are_made_and_ended)
{
	rig_connect(3);
	ck_assert_uint_eq(target.conns, 4);
	ck_assert_str_eq(target.hostnqn, RIG_HOSTNQN);
	ck_assert_uint_eq(target.entries, RIG_ENTRIES);
	ck_assert_uint_eq(stats().queues, 4);
	ck_assert_int_eq(nvme_fc_ctrl_add_queue(ctrl, 1, 16), -EEXIST);
	ck_assert_int_eq(nvme_fc_ctrl_add_queue(ctrl, 0, 16), -EINVAL);
	ck_assert_int_eq(nvme_fc_ctrl_add_queue(ctrl, 65, 16), -EINVAL);
	ck_assert_int_eq(nvme_fc_ctrl_add_queue(ctrl, 4, 3), -EINVAL);
	nvme_fc_ctrl_disconnect(ctrl, -ECONNABORTED);
	ck_assert_int_eq(nvme_fc_ctrl_add_queue(ctrl, 4, 16), -ENOTCONN);
	spin(20);
	ck_assert_uint_eq(host.ended, 1);
	ck_assert_int_eq(host.error, -ECONNABORTED);
	ck_assert_uint_eq(target.conns, 0);
	ck_assert_uint_eq(stats().queues, 0);
	host.queues = 0;
	connect_again();
}
END_TEST

START_TEST(a_driver_with_few_queues_is_not_asked_for_more)
{
	struct nvme_fc_loop_opts o = { .max_hw_queues = 2 };

	rig_up(&o);
	rig_connect(1);
	ck_assert_int_eq(nvme_fc_ctrl_add_queue(ctrl, 2, 16), -EINVAL);
	down();
}
END_TEST

static const struct {
	enum nvme_fc_loop_fault fault;
	int error;
} connect_faults[] = {
	{ NVME_FC_LOOP_LS_FAIL, -EIO },           { NVME_FC_LOOP_LS_DROP, -ETIMEDOUT },
	{ NVME_FC_LOOP_LS_RSP_DROP, -ETIMEDOUT }, { NVME_FC_LOOP_LS_REJECT, -ECONNREFUSED },
	{ NVME_FC_LOOP_LS_GARBLE, -EBADMSG },     { NVME_FC_LOOP_LS_XMT_FAIL, -ETIMEDOUT },
	{ NVME_FC_LOOP_QUEUE_FAIL, -ENOMEM },
};

START_TEST(an_association_that_cannot_be_made_can_be_tried_again)
{
	rig_fault(connect_faults[_i].fault, 0, 1);
	connect_fails(connect_faults[_i].error);
	connect_again();
}
END_TEST

START_TEST(a_busy_driver_is_asked_again)
{
	rig_fault(NVME_FC_LOOP_LS_BUSY, 0, 5);
	rig_connect(0);
	ck_assert_uint_eq(host.ended, 0);
}
END_TEST

START_TEST(a_driver_that_stays_busy_is_given_up)
{
	rig_fault(NVME_FC_LOOP_LS_BUSY, 0, 100000);
	connect_fails(-ETIMEDOUT);
	rig_fault(NVME_FC_LOOP_LS_BUSY, 0, 0);
	connect_again();
}
END_TEST

START_TEST(a_driver_that_forgets_the_time_is_told_to_abort)
{
	rig_fault(NVME_FC_LOOP_LS_NO_TIMEOUT, 0, 1);
	rig_fault(NVME_FC_LOOP_LS_DROP, 0, 1);
	connect_fails(-ECANCELED);
	connect_again();
}
END_TEST

START_TEST(a_refused_connection_leaves_the_association)
{
	rig_connect(0);
	target.refuse = true;
	ck_assert_int_eq(nvme_fc_ctrl_add_queue(ctrl, 1, 16), 0);
	spin(10);
	ck_assert_uint_eq(host.refused, 1);
	ck_assert_int_eq(host.error, -ECONNREFUSED);
	ck_assert_uint_eq(host.ended, 0);
	ck_assert_uint_eq(stats().queues, 1);
	target.refuse = false;
	ck_assert_int_eq(nvme_fc_ctrl_add_queue(ctrl, 1, 16), 0);
	spin(10);
	ck_assert_uint_eq(host.queues, 2);
}
END_TEST

START_TEST(a_connection_without_answer_ends_the_association)
{
	rig_connect(0);
	rig_fault(NVME_FC_LOOP_LS_RSP_DROP, 0, 1);
	ck_assert_int_eq(nvme_fc_ctrl_add_queue(ctrl, 1, 16), 0);
	pass(25);
	ck_assert_uint_eq(host.ended, 1);
	ck_assert_int_eq(host.error, -ETIMEDOUT);
	ck_assert_uint_eq(target.conns, 0);
}
END_TEST

START_TEST(no_memory_is_an_error_and_leaks_nothing)
{
	rig_ctrl();
	for (unsigned int i = 0; i < 1; i++) {
		rig_fault(NVME_FC_LOOP_ALLOC, i, 1);
		ck_assert_int_eq(nvme_fc_ctrl_connect(ctrl), -ENOMEM);
	}
	rig_fault(NVME_FC_LOOP_ALLOC, 1, 1); /* the target cannot take the request */
	ck_assert_int_eq(nvme_fc_ctrl_connect(ctrl), 0);
	spin(10);
	ck_assert_int_eq(host.error, -EIO);
	for (unsigned int i = 2; i < 4; i++) { /* nor make the association, or the connection */
		rig_fault(NVME_FC_LOOP_ALLOC, i, 1);
		ck_assert_int_eq(nvme_fc_ctrl_connect(ctrl), 0);
		spin(10);
		ck_assert_int_eq(host.error, -ECONNREFUSED);
	}
	ck_assert_uint_eq(host.queues, 0);
	connect_again();
}
END_TEST

static void no_event(void *arg, enum nvme_fc_event event, uint16_t qid, int error)
{
	ck_abort_msg("%p %d %u %d", arg, event, qid, error);
}

START_TEST(a_controller_needs_a_port_and_sound_parameters)
{
	struct nvme_fc_ctrl_params p = { .event = NULL, .entries = RIG_ENTRIES };
	struct nvme_fc_remote_port *rport = rig_remote();
	struct nvme_fc_ctrl *c;

	ck_assert_int_eq(nvme_fc_ctrl_create(rport, &p, &c), -EINVAL);
	rig_ctrl(); /* keeps the port when it is lost */
	p.event = no_event;
	p.entries = FC_ENTRIES_MIN - 1;
	ck_assert_int_eq(nvme_fc_ctrl_create(rport, &p, &c), -EINVAL);
	p.entries = FC_ENTRIES_MAX + 1;
	ck_assert_int_eq(nvme_fc_ctrl_create(rport, &p, &c), -EINVAL);
	p.entries = FC_ENTRIES_MIN;
	rig_fault(NVME_FC_LOOP_ALLOC, 0, 1);
	ck_assert_int_eq(nvme_fc_ctrl_create(rport, &p, &c), -ENOMEM);
	ck_assert_int_eq(rig_link(false), 0);
	ck_assert_int_eq(nvme_fc_ctrl_create(rport, &p, &c), -ENOTCONN);
}
END_TEST

START_TEST(destroyed_while_connecting)
{
	rig_ctrl();
	ck_assert_int_eq(nvme_fc_ctrl_connect(ctrl), 0);
	spin((unsigned int)_i);
	nvme_fc_ctrl_destroy(ctrl);
	ctrl = NULL;
	spin(20);
	ck_assert_uint_eq(host.ended, 0);
	ck_assert_uint_eq(target.conns, 0); /* also when the answer was on its way */
}
END_TEST

/* --- commands that go wrong ------------------------------------------------------------------------------------ */

static const struct {
	enum nvme_fc_loop_fault fault;
	uint8_t opc;
	int error;
} io_faults[] = {
	{ NVME_FC_LOOP_CMND_ABORT, NVME_OPC_READ, -EIO },
	{ NVME_FC_LOOP_OP_FAIL, NVME_OPC_READ, -EIO },
	{ NVME_FC_LOOP_OP_FAIL, NVME_OPC_FLUSH, -EIO },
	{ NVME_FC_LOOP_OP_ERROR, NVME_OPC_READ, -EIO },
	{ NVME_FC_LOOP_OP_ERROR, NVME_OPC_FLUSH, -EIO },
	{ NVME_FC_LOOP_OP_SHORT, NVME_OPC_READ, -EIO },
	{ NVME_FC_LOOP_OP_ABORT, NVME_OPC_READ, -EIO },
	{ NVME_FC_LOOP_OP_ABORT, NVME_OPC_WRITE, -EIO },
	{ NVME_FC_LOOP_OP_ABORT, NVME_OPC_FLUSH, -EIO },
	{ NVME_FC_LOOP_RSP_GARBLE, NVME_OPC_READ, -EPROTO },
};

START_TEST(a_transport_error_ends_the_association_and_all_commands_once)
{
	uint32_t len = io_faults[_i].opc == NVME_OPC_FLUSH ? 0 : 4096;

	rig_connect(2);
	host.reconnect = true;
	target.hold = true;
	ck_assert_int_eq(job_start(&other, 2, NVME_OPC_READ, 0, 4096), 0);
	spin(3);
	target.hold = false;
	rig_fault(io_faults[_i].fault, 0, 1);
	ck_assert_int_eq(job_run(&job, 1, io_faults[_i].opc, 0, len), io_faults[_i].error);
	spin(20);
	ck_assert_uint_eq(other.done, 1);
	ck_assert_int_eq(other.io.error, io_faults[_i].error); /* why the association ended */
	ck_assert_uint_eq(host.ended, 1);
	ck_assert_uint_eq(host.queues, 4); /* three, and the admin queue again */
	ck_assert_int_eq(job_run(&job, 0, NVME_OPC_FABRICS, 0, 1024), 0);
}
END_TEST

/* A write that fails at the target is answered: nothing is wrong with the association. */
static const enum nvme_fc_loop_fault write_faults[] = { NVME_FC_LOOP_OP_FAIL, NVME_FC_LOOP_OP_ERROR,
							NVME_FC_LOOP_OP_SHORT };

START_TEST(a_write_that_fails_at_the_target_has_a_status)
{
	rig_connect(1);
	rig_fault(write_faults[_i], 0, 1);
	ck_assert_int_eq(job_start(&job, 1, NVME_OPC_WRITE, 0, 4096), 0);
	spin(10);
	ck_assert_uint_eq(job.done, 1);
	if (write_faults[_i] == NVME_FC_LOOP_OP_SHORT) {
		/* half of it was moved, and the target says 0: the two do not agree */
		ck_assert_int_eq(job.io.error, -EPROTO);
	} else {
		ck_assert_int_eq(job.io.error, 0);
		ck_assert_uint_eq(job.io.cqe.status >> 1, NVME_SC_INTERNAL_ERROR);
		ck_assert_uint_eq(host.ended, 0);
	}
	ck_assert_int_eq(target.xfer_error, -EIO);
}
END_TEST

START_TEST(a_driver_that_refuses_a_command_costs_the_association)
{
	rig_connect(1);
	rig_fault(NVME_FC_LOOP_IO_FAIL, 0, 1);
	ck_assert_int_eq(job_start(&job, 1, NVME_OPC_READ, 0, 4096), -EIO);
	spin(20);
	ck_assert_uint_eq(job.done, 0);
	ck_assert_uint_eq(host.ended, 1);
	ck_assert_int_eq(host.error, -EIO);
}
END_TEST

static const enum nvme_fc_loop_fault losses[] = { NVME_FC_LOOP_CMND_DROP, NVME_FC_LOOP_OP_DROP,
						  NVME_FC_LOOP_RSP_DROP, NVME_FC_LOOP_RSP_LATE };

START_TEST(an_abort_gives_a_lost_command_back)
{
	rig_connect(1);
	rig_fault(losses[_i], 0, 1);
	ck_assert_int_eq(job_start(&job, 1, NVME_OPC_READ, 0, 4096), 0);
	spin(3);
	if (losses[_i] != NVME_FC_LOOP_RSP_LATE)
		ck_assert_uint_eq(job.done, 0);
	nvme_fc_abort(ctrl, &job.io);
	nvme_fc_abort(ctrl, &job.io);
	spin(30);
	ck_assert_uint_eq(job.done, 1);
	if (losses[_i] != NVME_FC_LOOP_RSP_LATE)
		ck_assert_int_eq(job.io.error, -ECANCELED);
	nvme_fc_abort(ctrl, &job.io);
	ck_assert_uint_eq(job.done, 1);
}
END_TEST

START_TEST(an_abort_completes_from_inside_or_late)
{
	struct nvme_fc_loop_opts o = { .sync_abort = !_i };

	rig_up(&o);
	rig_connect(2);
	target.hold = true;
	ck_assert_int_eq(job_start(&job, 1, NVME_OPC_READ, 0, 4096), 0);
	ck_assert_int_eq(job_start(&other, 2, NVME_OPC_WRITE, 0, 4096), 0);
	spin(3);
	rig_fault(NVME_FC_LOOP_ABORT_LATE, 0, _i ? 2 : 0);
	nvme_fc_ctrl_disconnect(ctrl, 0);
	spin(_i ? 10 : 2);
	ck_assert_uint_eq(job.done, _i ? 0 : 1);
	ck_assert_uint_eq(host.ended, !_i); /* not before the driver has let go */
	spin(30);
	ck_assert_uint_eq(job.done, 1);
	ck_assert_uint_eq(other.done, 1);
	ck_assert_uint_eq(host.ended, 1);
	down();
}
END_TEST

/* --- the last link service ---------------------------------------------------------------------------------------- */

static const enum nvme_fc_loop_fault silence[] = { NVME_FC_LOOP_LS_DROP, NVME_FC_LOOP_LS_RSP_DROP };

START_TEST(a_disconnect_without_answer_keeps_nobody_waiting)
{
	rig_connect(1);
	target.hold = true;
	ck_assert_int_eq(job_start(&job, 1, NVME_OPC_READ, 0, 4096), 0);
	spin(3);
	rig_fault(silence[_i], 0, 1);
	nvme_fc_ctrl_disconnect(ctrl, -ECONNABORTED);
	spin(20);
	ck_assert_uint_eq(host.ended, 1);
	ck_assert_uint_eq(job.done, 1);
	ck_assert_int_eq(job.io.error, -ECONNABORTED);
	ck_assert(nvme_fc_ctrl_leaving(ctrl));
	host.queues = 0;
	ck_assert_int_eq(nvme_fc_ctrl_connect(ctrl), 0);
	spin(10);
	ck_assert_uint_eq(host.queues, 1);
	ck_assert(nvme_fc_ctrl_leaving(ctrl));
	pass(25);
	ck_assert(!nvme_fc_ctrl_leaving(ctrl));
	ck_assert_uint_eq(stats().ls, 0);
	ck_assert_uint_eq(host.ended, 1);
	ck_assert_int_eq(rig_link(false),
			 0); /* or the target would keep what it knows nothing of */
	spin(20);
	ck_assert_uint_eq(target.conns, 0);
	ck_assert_int_eq(rig_link(true), 0);
	spin(20);
}
END_TEST

/* Neither controller nor time to come back: only the link service keeps the port, until it is aborted. */
START_TEST(the_port_stays_for_a_link_service_without_controller)
{
	rig_connect(1);
	rig_fault(silence[_i], 0, 1);
	nvme_fc_ctrl_destroy(ctrl);
	ctrl = NULL;
	spin(20);
	ck_assert_uint_gt(stats().ls, 0);
	ck_assert_int_eq(nvme_fc_set_remoteport_devloss(rig_remote(), 0), 0);
	ck_assert_int_eq(rig_link(false), 0);
	if (loop) /* the adapter's rig polls while the link goes down */
		ck_assert_uint_eq(stats().deleted[1], 0);
	spin(20);
	ck_assert_uint_eq(stats().ls, 0);
	ck_assert_uint_eq(stats().deleted[1], 1);
}
END_TEST

/* --- ends under load -------------------------------------------------------------------------------------------- */

static struct job load[62];

static void start_load(void)
{
	rig_connect(2);
	for (int i = 0; i < 62; i++) {
		load[i].data = calloc(1, 8192);
		ck_assert_int_eq(job_start(&load[i], (uint16_t)(1 + i % 2),
					   i % 3 ? NVME_OPC_READ : NVME_OPC_WRITE, 0, 8192),
				 0);
	}
}

static void load_done(void)
{
	for (int i = 0; i < 62; i++) {
		ck_assert_uint_eq(load[i].done, 1);
		job_free(&load[i]);
	}
}

START_TEST(disconnected_under_load)
{
	target.chunk = 1000;
	start_load();
	spin((unsigned int)_i);
	nvme_fc_ctrl_disconnect(ctrl, 0);
	spin(60);
	load_done();
	ck_assert_uint_eq(host.ended, 1);
}
END_TEST

START_TEST(link_lost_under_load)
{
	target.chunk = 1000;
	start_load();
	host.reconnect = true;
	spin((unsigned int)_i);
	ck_assert_int_eq(rig_link(false), 0);
	spin(60);
	load_done();
	for (int i = 0; i < 62; i++) /* ENOTCONN: by the adapter, which is quicker */
		ck_assert(!load[i].io.error || load[i].io.error == -ENETDOWN ||
			  (!loop && load[i].io.error == -ENOTCONN));
	ck_assert_uint_eq(host.ended, 1);
	ck_assert_uint_eq(target.conns, 0);
	ck_assert_uint_eq(stats().hosts, 0);
	ck_assert_int_eq(nvme_fc_ctrl_connect(ctrl), -ENOTCONN);
	ck_assert_int_eq(rig_link(true), 0);
	spin(20);
	ck_assert_uint_eq(host.back, 1);
	ck_assert_uint_eq(host.queues, 4);
}
END_TEST

START_TEST(destroyed_under_load)
{
	start_load();
	spin((unsigned int)_i);
	nvme_fc_ctrl_destroy(ctrl);
	ctrl = NULL;
	spin(60);
	load_done();
	ck_assert_uint_eq(host.ended, 0);
}
END_TEST

START_TEST(the_loop_goes_under_load)
{
	start_load();
	spin((unsigned int)_i);
	ck_assert_int_eq(rig_destroy(), 0);
	load_done();
	ck_assert_uint_eq(host.lost, 1);
	ck_assert_uint_eq(target.conns, 0);
}
END_TEST

/* --- loss of the port ------------------------------------------------------------------------------------------- */

START_TEST(a_port_that_stays_away_takes_its_controllers)
{
	rig_connect(1);
	ck_assert_int_eq(rig_link(false), 0);
	pass(59);
	ck_assert_uint_eq(host.ended, 1);
	ck_assert_int_eq(host.error, -ENETDOWN);
	ck_assert_uint_eq(host.lost, 0);
	ck_assert_uint_eq(stats().deleted[1], 0);
	pass(2);
	ck_assert_uint_eq(host.lost, 1);
	ck_assert_uint_eq(stats().deleted[1], 1);
}
END_TEST

START_TEST(a_port_with_no_patience_goes_at_once)
{
	rig_connect(1);
	ck_assert_int_eq(nvme_fc_set_remoteport_devloss(rig_remote(), 0), 0);
	ck_assert_int_eq(rig_link(false), 0);
	spin(20);
	ck_assert_uint_eq(host.lost, 1);
	ck_assert_uint_eq(stats().deleted[1], 1);
}
END_TEST

START_TEST(a_port_that_returns_before_all_has_ended)
{
	rig_connect(1);
	target.hold = true;
	ck_assert_int_eq(job_start(&job, 1, NVME_OPC_READ, 0, 4096), 0);
	spin(3);
	rig_fault(NVME_FC_LOOP_ABORT_LATE, 0, 1);
	ck_assert_int_eq(rig_link(false), 0);
	spin(5);
	ck_assert_int_eq(rig_link(true), 0);
	spin(50);
	ck_assert_uint_eq(host.ended, 1);
	ck_assert_uint_eq(host.back, 1);
	ck_assert_uint_eq(job.done, 1);
	host.queues = 0;
	connect_again();
}
END_TEST

START_TEST(time_is_asked_for_when_it_is_needed)
{
	rig_connect(0);
	spin(5);
	ck_assert_uint_eq(rig_next(), UINT64_MAX);
	ck_assert_int_eq(rig_link(false), 0);
	spin(20);
	ck_assert_uint_gt(rig_next(), now + 59 * NSEC);
	ck_assert_uint_lt(rig_next(), now + 61 * NSEC);
}
END_TEST

static const char *seen_tag;

static void look_at_tag(struct nvme_fc_io *io)
{
	ck_assert_ptr_null(io->req);
	((struct job *)io->arg)->done++;
}

START_TEST(an_io_has_its_application_tag)
{
	rig_connect(1);
	ck_assert_int_eq(job_run(&job, 1, NVME_OPC_FLUSH, 0, 0), 0);
	job.io.appid = "vm-7";
	job.io.done = look_at_tag;
	job.done = 0;
	ck_assert_int_eq(nvme_fc_submit(ctrl, 1, &job.io), 0);
	seen_tag = nvme_fc_io_getuuid((const struct nvmefc_fcp_req *)job.io.req);
	ck_assert_str_eq(seen_tag, "vm-7");
	spin(5);
	ck_assert_uint_eq(job.done, 1);
}
END_TEST

Suite *host_suite(void)
{
	Suite *s = suite_create("host");
	TCase *t = tcase_create("connect");
	int i;

	tcase_add_checked_fixture(t, up, down);
	tcase_add_test(t, association_and_connections_are_made_and_ended);
	for (i = 0; i < (int)(sizeof(connect_faults) / sizeof(connect_faults[0])); i++)
		if (rig_can(connect_faults[i].fault))
			tcase_add_loop_test(
				t, an_association_that_cannot_be_made_can_be_tried_again, i, i + 1);
	if (rig_can(NVME_FC_LOOP_LS_BUSY)) {
		tcase_add_test(t, a_busy_driver_is_asked_again);
		tcase_add_test(t, a_driver_that_stays_busy_is_given_up);
	}
	tcase_add_test(t, a_driver_that_forgets_the_time_is_told_to_abort);
	tcase_add_test(t, a_refused_connection_leaves_the_association);
	tcase_add_test(t, a_connection_without_answer_ends_the_association);
	tcase_add_test(t, no_memory_is_an_error_and_leaks_nothing);
	tcase_add_test(t, a_controller_needs_a_port_and_sound_parameters);
	tcase_add_loop_test(t, destroyed_while_connecting, 0, 8);
	suite_add_tcase(s, t);
	t = tcase_create("errors");
	tcase_add_checked_fixture(t, up, down);
	for (i = 0; i < (int)(sizeof(io_faults) / sizeof(io_faults[0])); i++)
		if (rig_can(io_faults[i].fault))
			tcase_add_loop_test(
				t, a_transport_error_ends_the_association_and_all_commands_once, i,
				i + 1);
	for (i = 0; i < 3; i++)
		if (rig_can(write_faults[i]))
			tcase_add_loop_test(t, a_write_that_fails_at_the_target_has_a_status, i,
					    i + 1);
	if (rig_can(NVME_FC_LOOP_IO_FAIL))
		tcase_add_test(t, a_driver_that_refuses_a_command_costs_the_association);
	tcase_add_loop_test(t, an_abort_gives_a_lost_command_back, 0, 4);
	for (i = 0; i < 2; i++)
		if (rig_can(silence[i])) {
			tcase_add_loop_test(t, a_disconnect_without_answer_keeps_nobody_waiting, i,
					    i + 1);
			tcase_add_loop_test(t, the_port_stays_for_a_link_service_without_controller,
					    i, i + 1);
		}
	tcase_add_loop_test(t, disconnected_under_load, 0, 12);
	tcase_add_loop_test(t, link_lost_under_load, 0, 12);
	tcase_add_loop_test(t, destroyed_under_load, 0, 8);
	tcase_add_test(t, a_port_that_stays_away_takes_its_controllers);
	tcase_add_test(t, a_port_with_no_patience_goes_at_once);
	tcase_add_test(t, a_port_that_returns_before_all_has_ended);
	tcase_add_test(t, time_is_asked_for_when_it_is_needed);
	tcase_add_test(t, an_io_has_its_application_tag);
	suite_add_tcase(s, t);
	t = tcase_create("alone");
	tcase_add_test(t, a_driver_with_few_queues_is_not_asked_for_more);
	for (i = 0; i < 2; i++)
		if (rig_takes(&(struct nvme_fc_loop_opts){ .sync_abort = !i }))
			tcase_add_loop_test(t, an_abort_completes_from_inside_or_late, i, i + 1);
	tcase_add_checked_fixture(t, NULL, NULL);
	suite_add_tcase(s, t);
	t = tcase_create("destroy");
	tcase_add_checked_fixture(t, up, NULL);
	tcase_add_loop_test(t, the_loop_goes_under_load, 0, 12);
	suite_add_tcase(s, t);
	return s;
}
