/* SPDX-License-Identifier: BSD-2-Clause */
/* The adapter's driver: queues of the host role, past the transport. */
#include <errno.h>

#include "../../../host-lib/fc/wire.h"
#include "fc_test.h"
#include "rig.h"
#include "rig_adapter.h"

static void up(void)
{
	rig_up(NULL);
}

static void small_admin_ring(void)
{
	weft_admin_log2 = 2;
	up();
}

static void turn(void)
{
	for (int i = 0; i < 8; i++)
		rig_adapter.poll();
}

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

static void send_late(void)
{
	ck_assert_int_eq(raw_start(&raw[0]), 0);
	fake_run(side[0].fake);
}

/* A command comes when the target's transport is gone, and its port is not yet off. */
START_TEST(a_command_that_comes_while_the_port_is_closed)
{
	make_queue(4);
	turn();
	side[1].fake->fc->before_off = send_late;
	weft_fc_close(side[1].fc);
	side[1].fc = NULL;
	for (int i = 0; i < 128; i++)
		ck_assert_ptr_null(side[1].fake->fc->pair[i]);
	weft_dev_poll(side[0].dev);
	ck_assert_uint_eq(raw[0].done, 1);
	delete_queue();
	weft_fc_close(side[0].fc);
	weft_devices_close();
}
END_TEST

Suite *adapter_queue_suite(void)
{
	Suite *s = suite_create("adapter queue");
	TCase *t = tcase_create("queue");

	tcase_add_checked_fixture(t, up, rig_down);
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
	t = tcase_create("closing");
	tcase_add_checked_fixture(t, up, NULL);
	tcase_add_test(t, a_command_that_comes_while_the_port_is_closed);
	suite_add_tcase(s, t);
	t = tcase_create("small admin ring");
	tcase_add_checked_fixture(t, small_admin_ring, rig_down);
	tcase_add_test(t, a_pair_that_cannot_be_made_fails_its_commands);
	tcase_add_test(t, there_are_as_many_queues_as_pairs);
	suite_add_tcase(s, t);
	return s;
}
