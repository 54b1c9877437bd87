/* SPDX-License-Identifier: BSD-2-Clause */
/* Target role: what a peer may send it, hosts that are lost, its own ends. */
#include <errno.h>
#include <stdlib.h>

#include "../../../host-lib/fcloop/loop.h"
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

/* --- link services of a hand-made peer ----------------------------------------------------------------------- */

struct raw {
	struct nvmefc_ls_req req; /* first */
	uint8_t rqst[FC_LS_RQST_MAX];
	uint8_t resp[64];
	void *priv;
	unsigned int done;
	int status;
};
static struct raw raw, many[257];

static void on_raw(struct nvmefc_ls_req *req, int status)
{
	struct raw *w = (struct raw *)req;

	w->done++;
	w->status = status;
}

static struct fc_ls_rqst create_rqst(void)
{
	struct fc_ls_rqst r = { .cmd = FCNVME_LS_CREATE_ASSOCIATION,
				.ersp_ratio = 3,
				.cntlid = NVME_CNTLID_DYNAMIC,
				.sqsize = 15,
				.hostnqn = RIG_HOSTNQN,
				.subnqn = RIG_SUBNQN };

	return r;
}

static void fill_raw(struct raw *w, const struct fc_ls_rqst *r)
{
	memset(w, 0, sizeof(*w));
	w->req = (struct nvmefc_ls_req){ .rqstaddr = w->rqst,
					 .rqstdma = nvme_fc_loop_iova(w->rqst),
					 .rqstlen = fc_ls_rqst_build(w->rqst, r),
					 .rspaddr = w->resp,
					 .rspdma = nvme_fc_loop_iova(w->resp),
					 .rsplen = sizeof(w->resp),
					 .timeout = 20,
					 .private_ = &w->priv,
					 .done = on_raw };
}

/* From the host's side, past the transport there. */
static void send_raw(struct raw *w, const struct fc_ls_rqst *r)
{
	fill_raw(w, r);
	ck_assert_int_eq(loop->host_tmpl.ls_req(loop->lport, loop->rport, &w->req), 0);
}

static struct fc_ls_resp ask(const struct fc_ls_rqst *r)
{
	struct fc_ls_resp resp = { 0 };

	send_raw(&raw, r);
	spin(20);
	ck_assert_uint_eq(raw.done, 1);
	ck_assert_int_eq(raw.status, 0);
	ck_assert_int_eq(fc_ls_resp_parse(raw.resp, sizeof(raw.resp), r->cmd, &resp), 0);
	return resp;
}

static void refused(const struct fc_ls_rqst *r, uint8_t reason, uint8_t explan)
{
	struct fc_ls_resp resp = ask(r);

	ck_assert(resp.rejected);
	ck_assert_uint_eq(resp.rjt.reason, reason);
	ck_assert_uint_eq(resp.rjt.explan, explan);
}

START_TEST(a_peer_makes_and_ends_an_association)
{
	struct fc_ls_rqst r = create_rqst(), conn = { .cmd = FCNVME_LS_CREATE_CONNECTION };
	struct fc_ls_resp resp = ask(&r), two;

	ck_assert(!resp.rejected);
	ck_assert_uint_eq(target.entries, 16);
	conn.association_id = resp.association_id;
	conn.ersp_ratio = 3;
	conn.qid = 5;
	conn.sqsize = 15;
	two = ask(&conn);
	ck_assert(!two.rejected);
	ck_assert_uint_ne(two.connection_id, resp.connection_id);
	refused(&conn, FCNVME_RJT_RC_INV_PARAM, FCNVME_RJT_EXP_QUEUE_ID); /* it is there */
	conn.qid = FC_QUEUES_MAX;
	refused(&conn, FCNVME_RJT_RC_INV_PARAM, FCNVME_RJT_EXP_QUEUE_ID);
	conn.association_id ^= 1ull << 40;
	refused(&conn, FCNVME_RJT_RC_INV_ASSOC, FCNVME_RJT_EXP_NONE);
	r = (struct fc_ls_rqst){ .cmd = FCNVME_LS_DISCONNECT_ASSOC,
				 .association_id = resp.association_id };
	ck_assert(!ask(&r).rejected);
	ck_assert_uint_eq(target.conns, 0);
	refused(&r, FCNVME_RJT_RC_INV_ASSOC, FCNVME_RJT_EXP_NONE);
}
END_TEST

START_TEST(a_peer_is_refused_what_is_not_there)
{
	struct fc_ls_rqst r = create_rqst(), d = { .cmd = FCNVME_LS_DISCONNECT_CONN };

	refused(&d, FCNVME_RJT_RC_INVAL, FCNVME_RJT_EXP_NONE);
	r.sqsize = FC_ENTRIES_MAX;
	refused(&r, FCNVME_RJT_RC_INV_PARAM, FCNVME_RJT_EXP_SQSIZE);
	r.sqsize = 3;
	refused(&r, FCNVME_RJT_RC_INV_PARAM, FCNVME_RJT_EXP_ERSP_RATIO);
	r = create_rqst();
	target.refuse = true;
	refused(&r, FCNVME_RJT_RC_INSUF_RES, FCNVME_RJT_EXP_NONE);
	nvmet_fc_attach(loop->tport, NULL, NULL);
	refused(&r, FCNVME_RJT_RC_LOGIC, FCNVME_RJT_EXP_NONE);
}
END_TEST

START_TEST(associations_have_a_bound)
{
	struct fc_ls_rqst r = create_rqst();

	for (int i = 0; i < 256; i++)
		ck_assert(!ask(&r).rejected);
	refused(&r, FCNVME_RJT_RC_INSUF_RES, FCNVME_RJT_EXP_NONE);
	ck_assert_uint_eq(target.conns, 256);
	nvme_fc_loop_link(loop, false);
	spin(10);
	ck_assert_uint_eq(target.conns, 0);
	nvme_fc_loop_link(loop, true);
}
END_TEST

START_TEST(link_services_in_hand_have_a_bound)
{
	struct fc_ls_rqst r = { .cmd = FCNVME_LS_DISCONNECT_ASSOC };
	unsigned int lost = 0;

	for (int i = 0; i < 257; i++)
		send_raw(&many[i], &r);
	spin(10);
	for (int i = 0; i < 257; i++) {
		ck_assert_uint_eq(many[i].done, 1);
		lost += many[i].status == -EIO;
	}
	ck_assert_uint_eq(lost, 1);
}
END_TEST

START_TEST(a_link_service_that_is_too_long_is_refused)
{
	static struct nvmefc_ls_rsp rsp;
	static uint8_t big[FC_LS_RQST_MAX + 1];

	ck_assert_int_eq(nvmet_fc_rcv_ls_req(loop->tport, NULL, &rsp, big, sizeof(big)), -E2BIG);
	ck_assert_int_eq(nvme_fc_rcv_ls_req(loop->rport, &rsp, big, sizeof(big)), -E2BIG);
	nvme_fc_loop_fault(loop, NVME_FC_LOOP_ALLOC, 0, 1);
	ck_assert_int_eq(nvmet_fc_rcv_ls_req(loop->tport, NULL, &rsp, big, 8), -ENOMEM);
}
END_TEST

START_TEST(the_host_refuses_what_targets_do_not_ask)
{
	static const struct {
		uint8_t cmd, reason;
	} table[] = { { FCNVME_LS_CREATE_ASSOCIATION, FCNVME_RJT_RC_LOGIC },
		      { FCNVME_LS_CREATE_CONNECTION, FCNVME_RJT_RC_LOGIC },
		      { FCNVME_LS_DISCONNECT_ASSOC, FCNVME_RJT_RC_INV_ASSOC },
		      { FCNVME_LS_DISCONNECT_CONN, FCNVME_RJT_RC_UNSUP } };
	struct fc_ls_rqst r = create_rqst();
	struct fc_ls_resp resp;

	r.cmd = table[_i].cmd;
	fill_raw(&raw, &r);
	ck_assert_int_eq(loop->target_tmpl.ls_req(loop->tport, loop->host, &raw.req), 0);
	spin(20);
	ck_assert_uint_eq(raw.done, 1);
	ck_assert_int_eq(fc_ls_resp_parse(raw.resp, sizeof(raw.resp), r.cmd, &resp), 0);
	ck_assert(resp.rejected);
	ck_assert_uint_eq(resp.rjt.reason, table[_i].reason);
}
END_TEST

/* --- commands of a hand-made peer ------------------------------------------------------------------------------ */

START_TEST(a_command_iu_that_is_wrong_is_not_executed)
{
	struct fc_cmnd c = { .connection_id = 0x123400000000, .csn = 1 };
	static struct nvmefc_tgt_fcp_req req;
	struct fc_ls_rqst r = create_rqst();
	uint8_t iu[96];

	fc_cmnd_build(iu, &c);
	ck_assert_int_eq(nvmet_fc_rcv_fcp_req(loop->tport, &req, iu, 96), -ENOTCONN);
	ck_assert_int_eq(nvmet_fc_rcv_fcp_req(loop->tport, &req, iu, 95), -EIO);
	c.connection_id = ask(&r).connection_id;
	for (uint64_t qid = 1; qid < 0x10000; qid += 63) {
		struct fc_cmnd bad = c;

		bad.connection_id |= qid;
		fc_cmnd_build(iu, &bad);
		ck_assert_int_eq(nvmet_fc_rcv_fcp_req(loop->tport, &req, iu, 96), -ENOTCONN);
	}
	c.flags = FCNVME_FLAG_WRITE;
	c.data_len = 512;
	c.sqe[0] = NVME_OPC_READ;
	fc_cmnd_build(iu, &c);
	ck_assert_int_eq(nvmet_fc_rcv_fcp_req(loop->tport, &req, iu, 96), -EIO);
	ck_assert_uint_eq(target.commands, 0);
	nvmet_fc_conn_end(target.last, 0); /* the host behind the loop does not know it */
	spin(20);
	ck_assert_uint_eq(target.conns, 0);
}
END_TEST

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

static void on_caught(void *arg, int error)
{
	ck_assert_ptr_eq(arg, &xfers);
	xfers++;
	xfer_error = error;
}

static void receive_one(uint8_t opc, uint32_t len)
{
	nvmet_fc_attach(loop->tport, &catcher, NULL);
	rig_connect(0);
	ck_assert_int_eq(job_start(&job, 0, opc, 0, len), 0);
	spin(2);
	ck_assert_ptr_nonnull(caught);
}

START_TEST(a_transfer_stays_within_the_command)
{
	struct nvmefc_sg sg = { .addr = disk, .iova = nvme_fc_loop_iova(disk), .len = 8192 };
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
	struct nvmefc_sg sg = { .addr = disk, .iova = nvme_fc_loop_iova(disk), .len = 8192 };
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
	struct nvmefc_sg sg = { .addr = disk, .iova = nvme_fc_loop_iova(disk), .len = 8192 };
	bool write = _i & 1, active = _i & 2;

	receive_one(write ? NVME_OPC_WRITE : NVME_OPC_READ, 4096);
	if (active && write)
		ck_assert_int_eq(nvmet_fc_receive(caught, 0, &sg, 4096, on_caught, &xfers), 0);
	else if (active)
		ck_assert_int_eq(nvmet_fc_send(caught, 0, &sg, 4096, on_caught, &xfers), 0);
	nvme_fc_loop_fault(loop, NVME_FC_LOOP_OP_DROP, 0, 1);
	spin(3);
	ck_assert_uint_eq(xfers, 0);
	nvme_fc_abort(ctrl, &job.io);
	spin(1);
	if (active) {
		ck_assert_uint_eq(xfers, 1);
		ck_assert_int_eq(xfer_error, -ECONNABORTED);
	}
	nvme_fc_loop_fault(loop, NVME_FC_LOOP_OP_DROP, 0, 0);
	ck_assert_int_eq(nvmet_fc_send(caught, 0, &sg, 4096, on_caught, &xfers),
			 write ? -EINVAL : -ECONNABORTED);
	spin(20);
	ck_assert_uint_eq(job.done, 1);
	ck_assert_int_eq(job.io.error, -ECANCELED);
	ck_assert_uint_eq(stats().fcp_ops[NVMET_FCOP_RSP], 0);
	ck_assert_ptr_null(caught);
}
END_TEST

START_TEST(a_driver_that_refuses_the_first_operation)
{
	struct nvmefc_sg sg = { .addr = disk, .iova = nvme_fc_loop_iova(disk), .len = 8192 };
	struct nvme_cqe cqe = { .status = NVME_SC_INTERNAL_ERROR << 1 };
	bool write = _i;

	receive_one(write ? NVME_OPC_WRITE : NVME_OPC_READ, 4096);
	nvme_fc_loop_fault(loop, NVME_FC_LOOP_OP_FAIL, 0, 1);
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

START_TEST(the_disconnect_of_a_target_may_be_lost)
{
	static const enum nvme_fc_loop_fault faults[] = { NVME_FC_LOOP_LS_DROP,
							  NVME_FC_LOOP_LS_FAIL,
							  NVME_FC_LOOP_LS_RSP_DROP,
							  NVME_FC_LOOP_LS_REJECT };

	rig_connect(1);
	nvme_fc_loop_fault(loop, faults[_i], 0, 1);
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
	ck_assert_int_eq(nvme_fc_loop_link(loop, false), 0);
	spin(30);
	ck_assert_uint_eq(stats().hosts, 0);
	ck_assert_uint_eq(target.conns, 0);
	ck_assert_int_eq(nvme_fc_loop_link(loop, true), 0);
	ck_assert_uint_eq(stats().hosts, 1);
}
END_TEST

START_TEST(a_request_of_a_lost_host_does_not_bring_it_back)
{
	struct fc_ls_rqst r = create_rqst();
	struct loop_event *ev;

	send_raw(&raw, &r);
	ev = TAILQ_FIRST(&loop->events);
	loop_unpost(loop, ev);
	ev->run(ev->obj); /* the target has it, and has not looked */
	ck_assert_int_eq(nvme_fc_loop_link(loop, false), 0);
	ck_assert_uint_eq(stats().hosts, 0);
	spin(20);
	ck_assert_uint_eq(target.conns, 0);
	ck_assert_uint_eq(raw.done, 1);
}
END_TEST

Suite *target_suite(void)
{
	Suite *s = suite_create("target");
	TCase *t = tcase_create("target");

	tcase_add_checked_fixture(t, up, down);
	tcase_add_test(t, a_peer_makes_and_ends_an_association);
	tcase_add_test(t, a_peer_is_refused_what_is_not_there);
	tcase_add_test(t, associations_have_a_bound);
	tcase_add_test(t, link_services_in_hand_have_a_bound);
	tcase_add_test(t, a_link_service_that_is_too_long_is_refused);
	tcase_add_loop_test(t, the_host_refuses_what_targets_do_not_ask, 0, 4);
	tcase_add_test(t, a_command_iu_that_is_wrong_is_not_executed);
	tcase_add_test(t, a_transfer_stays_within_the_command);
	tcase_add_test(t, a_short_read_is_told_in_an_ersp);
	tcase_add_loop_test(t, an_aborted_command_ends_without_response, 0, 4);
	tcase_add_loop_test(t, a_driver_that_refuses_the_first_operation, 0, 2);
	tcase_add_test(t, the_target_ends_an_association);
	tcase_add_test(t, the_host_hears_of_it_by_disconnect_association);
	tcase_add_loop_test(t, both_sides_end_it_at_the_same_time, 0, 8);
	tcase_add_loop_test(t, the_disconnect_of_a_target_may_be_lost, 0, 4);
	tcase_add_loop_test(t, a_lost_host_is_released_when_nothing_refers_to_it, 0, 6);
	tcase_add_test(t, a_request_of_a_lost_host_does_not_bring_it_back);
	suite_add_tcase(s, t);
	t = tcase_create("alone");
	tcase_add_test(t, a_driver_that_cannot_ask_hosts);
	suite_add_tcase(s, t);
	return s;
}
