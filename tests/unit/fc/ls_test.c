/* SPDX-License-Identifier: BSD-2-Clause */
/* What a peer may send: link services in both directions, CMND IUs. */
#include <errno.h>
#include <stdlib.h>

#include "../../../host-lib/fcloop/loop.h"
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
					 .rqstdma = rig_iova(w->rqst),
					 .rqstlen = fc_ls_rqst_build(w->rqst, r),
					 .rspaddr = w->resp,
					 .rspdma = rig_iova(w->resp),
					 .rsplen = sizeof(w->resp),
					 .timeout = 20,
					 .private_ = &w->priv,
					 .done = on_raw };
}

/* From the host's side, past the transport there. */
static void send_raw(struct raw *w, const struct fc_ls_rqst *r)
{
	fill_raw(w, r);
	ck_assert_int_eq(rig_host_ls(&w->req), 0);
}

/* From the target's side. */
static void send_target_raw(struct raw *w, const struct fc_ls_rqst *r)
{
	fill_raw(w, r);
	ck_assert_int_eq(rig_target_ls(&w->req), 0);
}

static struct fc_ls_resp answer_to(struct raw *w, uint8_t cmd)
{
	struct fc_ls_resp resp = { 0 };

	ck_assert_uint_eq(w->done, 1);
	ck_assert_int_eq(w->status, 0);
	ck_assert_int_eq(fc_ls_resp_parse(w->resp, sizeof(w->resp), cmd, &resp), 0);
	return resp;
}

static struct fc_ls_resp ask(const struct fc_ls_rqst *r)
{
	send_raw(&raw, r);
	spin(20);
	return answer_to(&raw, r->cmd);
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

static uint16_t status_of(const struct job *j)
{
	ck_assert_uint_eq(j->done, 1);
	ck_assert_int_eq(j->io.error, 0);
	return j->io.cqe.status >> 1;
}

START_TEST(a_connection_that_was_closed_answers_until_it_is_replaced)
{
	struct fc_ls_rqst r = {
		.cmd = FCNVME_LS_CREATE_CONNECTION, .qid = 1, .ersp_ratio = 3, .sqsize = 15
	};

	rig_connect(1);
	target.hold = true;
	ck_assert_int_eq(job_start(&job, 1, NVME_OPC_WRITE, 0, 4096), 0);
	spin(4);
	target_close(1);
	spin(10);
	ck_assert_uint_eq(status_of(&job), NVME_SC_ABORTED_SQ_DELETION);
	ck_assert_uint_eq(target.conns, 1);
	job_free(&job);
	ck_assert_int_eq(job_run(&job, 1, NVME_OPC_READ, 0, 4096), 0);
	ck_assert_uint_eq(status_of(&job), NVME_SC_ABORTED_SQ_DELETION);
	job_free(&job);
	target.hold = false;
	ck_assert_int_eq(job_run(&job, 0, NVME_OPC_FABRICS, 0, 1024), 0);
	ck_assert_uint_eq(status_of(&job), 0);
	ck_assert_uint_eq(host.ended, 0);
	r.association_id = target.association;
	ck_assert(!ask(&r).rejected);
	ck_assert_uint_eq(target.conns, 2);
	refused(&r, FCNVME_RJT_RC_INV_PARAM, FCNVME_RJT_EXP_QUEUE_ID); /* that one is open */
	job_free(&job); /* the new one is not the old one */
	ck_assert_int_ne(job_run(&job, 1, NVME_OPC_READ, 0, 4096), 0);
	spin(20);
	ck_assert_uint_eq(host.ended, 1);
}
END_TEST

/* Whatever the connection still has when the association ends. */
START_TEST(a_closed_connection_ends_with_its_association)
{
	rig_connect(1);
	target.hold = true;
	rig_fault(NVME_FC_LOOP_RSP_LATE, 0, 1);
	ck_assert_int_eq(job_start(&job, 1, NVME_OPC_READ, 0, 4096), 0);
	spin(4);
	target_close(1);
	spin((unsigned int)_i);
	nvme_fc_ctrl_disconnect(ctrl, 0);
	spin(40);
	ck_assert_uint_eq(job.done, 1);
	ck_assert_uint_eq(host.ended, 1);
	ck_assert_uint_eq(target.conns, 0);
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
	nvmet_fc_attach(rig_tport(), NULL, NULL);
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
	rig_link(false);
	spin(10);
	ck_assert_uint_eq(target.conns, 0);
	rig_link(true);
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

	ck_assert_int_eq(nvmet_fc_rcv_ls_req(rig_tport(), NULL, &rsp, big, sizeof(big)), -E2BIG);
	ck_assert_int_eq(nvme_fc_rcv_ls_req(rig_remote(), &rsp, big, sizeof(big)), -E2BIG);
	rig_fault(NVME_FC_LOOP_ALLOC, 0, 1);
	ck_assert_int_eq(nvmet_fc_rcv_ls_req(rig_tport(), NULL, &rsp, big, 8), -ENOMEM);
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
	send_target_raw(&raw, &r);
	spin(20);
	resp = answer_to(&raw, r.cmd);
	ck_assert(resp.rejected);
	ck_assert_uint_eq(resp.rjt.reason, table[_i].reason);
}
END_TEST

/* The older of two is refused, the newer accepted. */
START_TEST(a_newer_disconnect_takes_the_place_of_an_older)
{
	struct fc_ls_rqst r = { .cmd = FCNVME_LS_DISCONNECT_ASSOC };
	struct fc_ls_resp resp;

	rig_connect(1);
	r.association_id = target.association;
	for (int i = 0; i < 2; i++) {
		if (_i)
			send_target_raw(&many[i], &r);
		else
			send_raw(&many[i], &r);
	}
	spin(30);
	resp = answer_to(&many[0], r.cmd);
	ck_assert(resp.rejected);
	ck_assert_uint_eq(resp.rjt.reason, FCNVME_RJT_RC_UNAB);
	resp = answer_to(&many[1], r.cmd);
	ck_assert(!resp.rejected);
	ck_assert_uint_eq(host.ended, 1);
	ck_assert_uint_eq(target.conns, 0);
}
END_TEST

START_TEST(a_disconnect_is_answered_when_the_exchanges_have_ended)
{
	struct fc_ls_rqst r = { .cmd = FCNVME_LS_DISCONNECT_ASSOC };

	rig_connect(1);
	r.association_id = target.association;
	target.hold = true;
	ck_assert_int_eq(job_start(&job, 1, NVME_OPC_READ, 0, 4096), 0);
	spin(3);
	rig_fault(NVME_FC_LOOP_ABORT_LATE, 0, 1);
	send_target_raw(&raw, &r);
	spin(10);
	ck_assert_uint_eq(raw.done, 0);
	if (_i) /* or when the port is lost */
		ck_assert_int_eq(rig_link(false), 0);
	spin(30);
	ck_assert_uint_eq(raw.done, 1);
	ck_assert_uint_eq(job.done, 1);
	ck_assert_uint_eq(host.ended, 1);
}
END_TEST

START_TEST(a_malformed_disconnect_is_refused_by_the_host)
{
	struct fc_ls_rqst r = { .cmd = FCNVME_LS_DISCONNECT_ASSOC };
	struct fc_ls_resp resp;

	fill_raw(&raw, &r);
	raw.req.rqstlen = 44;
	ck_assert_int_eq(rig_target_ls(&raw.req), 0);
	spin(10);
	resp = answer_to(&raw, r.cmd);
	ck_assert_uint_eq(resp.rjt.explan, FCNVME_RJT_EXP_PYLD_LEN);
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
	ck_assert_int_eq(nvmet_fc_rcv_fcp_req(rig_tport(), &req, iu, 96), -ENOTCONN);
	ck_assert_int_eq(nvmet_fc_rcv_fcp_req(rig_tport(), &req, iu, 95), -EIO);
	c.connection_id = ask(&r).connection_id;
	for (uint64_t qid = 1; qid < 0x10000; qid += 63) {
		struct fc_cmnd bad = c;

		bad.connection_id |= qid;
		fc_cmnd_build(iu, &bad);
		ck_assert_int_eq(nvmet_fc_rcv_fcp_req(rig_tport(), &req, iu, 96), -ENOTCONN);
	}
	c.flags = FCNVME_FLAG_WRITE;
	c.data_len = 512;
	c.sqe[0] = NVME_OPC_READ;
	fc_cmnd_build(iu, &c);
	ck_assert_int_eq(nvmet_fc_rcv_fcp_req(rig_tport(), &req, iu, 96), -EIO);
	ck_assert_uint_eq(target.commands, 0);
	nvmet_fc_conn_end(target.last, 0); /* the host behind the loop does not know it */
	spin(20);
	ck_assert_uint_eq(target.conns, 0);
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
	ck_assert_int_eq(rig_link(false), 0);
	ck_assert_uint_eq(stats().hosts, 0);
	spin(20);
	ck_assert_uint_eq(target.conns, 0);
	ck_assert_uint_eq(raw.done, 1);
}
END_TEST

Suite *ls_suite(void)
{
	Suite *s = suite_create("ls");
	TCase *t = tcase_create("ls");

	tcase_add_checked_fixture(t, up, down);
	tcase_add_test(t, a_peer_makes_and_ends_an_association);
	tcase_add_test(t, a_peer_is_refused_what_is_not_there);
	tcase_add_test(t, a_connection_that_was_closed_answers_until_it_is_replaced);
	if (rig_can(NVME_FC_LOOP_RSP_LATE))
		tcase_add_loop_test(t, a_closed_connection_ends_with_its_association, 0, 6);
	tcase_add_test(t, associations_have_a_bound);
	if (rig == &rig_loop) /* the adapter takes fewer at once, see adapter_port_test */
		tcase_add_test(t, link_services_in_hand_have_a_bound);
	tcase_add_test(t, a_link_service_that_is_too_long_is_refused);
	tcase_add_loop_test(t, the_host_refuses_what_targets_do_not_ask, 0, 4);
	tcase_add_test(t, a_command_iu_that_is_wrong_is_not_executed);
	tcase_add_loop_test(t, a_newer_disconnect_takes_the_place_of_an_older, 0, 2);
	tcase_add_loop_test(t, a_disconnect_is_answered_when_the_exchanges_have_ended, 0, 2);
	tcase_add_test(t, a_malformed_disconnect_is_refused_by_the_host);
	if (rig == &rig_loop) /* looks inside */
		tcase_add_test(t, a_request_of_a_lost_host_does_not_bring_it_back);
	suite_add_tcase(s, t);
	return s;
}
