/* SPDX-License-Identifier: BSD-2-Clause */
/* The adapter's driver: its port, remote ports and link services. Commands: adapter_io_test.c. */
#include <errno.h>
#include <stdlib.h>

#include "../../../host-lib/fc/wire.h"
#include "fc_test.h"
#include "rig.h"
#include "rig_adapter.h"

static void up(void)
{
	rig_up(NULL);
}

/* --- opening and closing ---------------------------------------------------------------------------- */

static unsigned int told;
static struct weft_fc_info last;

static void on_state(void *arg, struct weft_fc *fc, const struct weft_fc_info *info)
{
	ck_assert_ptr_eq(arg, &told);
	ck_assert_ptr_eq(fc, side[0].fc);
	told++;
	last = *info;
}

static void turn(void)
{
	for (int i = 0; i < 8; i++)
		rig_adapter.poll();
}

START_TEST(what_makes_no_sense_is_refused)
{
	struct weft_fc_params good, p;
	struct weft_fc *fc;

	weft_devices();
	good = weft_params(1);
	for (int i = 0; i < 7; i++) {
		p = good;
		if (i == 0)
			p.wwnn = 0;
		else if (i == 1)
			p.wwpn = 0;
		else if (i == 2)
			p.mode = WEFT_FCM_OFF;
		else if (i == 3)
			p.roles = WEFT_FCR_DISCOVERY;
		else if (i == 4)
			p.roles = 0x80 | WEFT_FCR_TARGET;
		else if (i == 5)
			p.max_queues = 121;
		else
			p.target_entries = 48;
		ck_assert_int_eq(weft_fc_open(side[1].dev, &p, &fc), -EINVAL);
	}
	p = good;
	p.target_entries = 2;
	ck_assert_int_eq(weft_fc_open(side[1].dev, &p, &fc), -EINVAL);
	p.target_entries = 2048;
	ck_assert_int_eq(weft_fc_open(side[1].dev, &p, &fc), -EINVAL);
	weft_fc_close(NULL);
	weft_devices_close();
}
END_TEST

START_TEST(an_adapter_has_one_port)
{
	struct weft_fc_params p;
	struct weft_fc *fc, *other;

	weft_devices();
	p = weft_params(1);
	ck_assert_int_eq(weft_fc_open(side[1].dev, &p, &fc), 0);
	ck_assert_int_eq(weft_fc_open(side[1].dev, &p, &other), -EEXIST);
	ck_assert_ptr_nonnull(weft_fc_targetport(fc));
	ck_assert_ptr_null(weft_fc_localport(fc)); /* it is no host */
	weft_fc_close(fc);
	ck_assert_int_eq(weft_fc_open(side[1].dev, &p, &fc), 0);
	weft_fc_close(fc);
	weft_devices_close();
}
END_TEST

/* Each step of opening fails in turn; nothing is left behind. */
START_TEST(an_open_that_fails_leaves_nothing)
{
	struct weft_fc_params p;
	struct weft_fc *fc;
	int rc = -1;

	weft_devices();
	p = weft_params(1);
	for (int i = 0; i < 2; i++) {
		side[1].fake->create_errno = ENOSPC;
		side[1].fake->creates_to_allow = (unsigned int)i;
		ck_assert_int_eq(weft_fc_open(side[1].dev, &p, &fc), -ENOSPC);
	}
	side[1].fake->create_errno = 0;
	for (long n = 1; n < 200 && rc; n++) { /* a bus that fails */
		side[1].fake->fail_at = side[1].fake->ops + n;
		rc = weft_fc_open(side[1].dev, &p, &fc);
		side[1].fake->fail_at = 0;
		if (rc)
			ck_assert_int_eq(rc, -EIO);
	}
	ck_assert_int_eq(rc, 0);
	weft_fc_close(fc);
	weft_devices_close();
}
END_TEST

START_TEST(the_local_port_comes_with_the_link_and_stays)
{
	struct weft_fc_rport_info r;
	struct nvme_fc_local_port *lport;
	struct weft_fc_params p, t;
	struct weft_fc_info info;
	uint16_t index;

	weft_devices();
	p = weft_params(0);
	t = weft_params(1);
	p.state_cb = on_state;
	p.arg = &told;
	index = side[0].fake->fc->index;
	ck_assert_int_eq(weft_fc_open(side[0].dev, &p, &side[0].fc), 0);
	turn();
	ck_assert_ptr_null(weft_fc_localport(side[0].fc));
	ck_assert_int_eq(weft_fc_info(side[0].fc, &info), 0);
	ck_assert_uint_eq(info.state, WEFT_FCS_DOWN);
	ck_assert_uint_eq(info.port_id, 0);
	ck_assert_int_eq(weft_fc_open(side[1].dev, &t, &side[1].fc), 0);
	fake_fc_cable(side[0].fake, true);
	turn();
	lport = weft_fc_localport(side[0].fc);
	ck_assert_ptr_nonnull(lport);
	ck_assert_uint_eq(lport->port_id, 0x010201);
	ck_assert_uint_eq(weft_fc_targetport(side[1].fc)->port_id, 0x010202);
	ck_assert_uint_eq(last.state, WEFT_FCS_UP);
	ck_assert_uint_eq(last.topology, WEFT_FCT_PTP);
	ck_assert_uint_eq(last.rports, 1);
	ck_assert_int_eq(weft_fc_rport(side[0].fc, index, &r), 0);
	ck_assert_uint_eq(r.wwnn, TARGET_WWNN);
	ck_assert_uint_eq(r.wwpn, TARGET_WWNN | WWPN_BITS);
	ck_assert_uint_eq(r.port_id, 0x010202);
	ck_assert_uint_eq(r.roles, WEFT_FCR_TARGET | WEFT_FCR_DISCOVERY);
	ck_assert_uint_eq(rig_adapter.remote()->port_role,
			  FC_PORT_ROLE_NVME_TARGET | FC_PORT_ROLE_NVME_DISCOVERY);
	ck_assert_uint_eq(rig_adapter.remote()->port_name, TARGET_WWNN | WWPN_BITS);
	ck_assert_int_eq(weft_fc_rport(side[0].fc, index + 1u, &r), -ENOENT);
	ck_assert_int_eq(weft_fc_rport(side[0].fc, WEFT_N_RPORT + index, &r), -ENOENT);
	fake_fc_cable(side[0].fake, false);
	turn();
	ck_assert_uint_eq(last.state, WEFT_FCS_DOWN);
	ck_assert_uint_eq(last.rports, 0);
	ck_assert_int_eq(weft_fc_rport(side[0].fc, index, &r), -ENOENT);
	side[0].fake->fc->id = 0x020304;
	fake_fc_cable(side[0].fake, true);
	turn();
	ck_assert_ptr_eq(weft_fc_localport(side[0].fc), lport);
	ck_assert_uint_eq(lport->port_id, 0x020304);
	ck_assert_uint_gt(told, 3);
	ck_assert_int_eq(rig_adapter.destroy(), 0);
}
END_TEST

START_TEST(it_logs_out_and_counts)
{
	uint16_t index = side[0].fake->fc->index;
	uint32_t val[3] = { 0 };

	ck_assert_int_eq(weft_fc_stats(side[0].fc, 1, val), 0);
	ck_assert_uint_eq(val[2], 7);
	ck_assert_int_eq(weft_fc_logout(side[0].fc, index + 1u), -ENOENT);
	ck_assert_int_eq(weft_fc_logout(side[0].fc, 0x10000u + index), -ENOENT);
	ck_assert_int_eq(weft_fc_logout(side[0].fc, index), 0);
	turn();
	ck_assert_ptr_null(rig_remote());
	ck_assert_uint_eq(side[0].fake->fc->ops[OPS_LOGOUT], 2);
}
END_TEST

/* A user of the target port that keeps its connection: the port stays with the transport. */
static struct nvmet_fc_conn *kept;

static int keep_connect(void *arg, struct nvmet_fc_conn *conn,
			const struct nvmet_fc_conn_info *info, void **conn_arg)
{
	uint64_t wwnn, wwpn;

	(void)arg;
	*conn_arg = kept = conn;
	ck_assert_int_eq(side[1].fc->target_tmpl.host_traddr(info->hosthandle, &wwnn, &wwpn), 0);
	ck_assert_uint_eq(wwnn, HOST_WWNN);
	ck_assert_uint_eq(wwpn, HOST_WWNN | WWPN_BITS);
	return 0;
}

static void keep_command(void *conn_arg, struct nvmet_fc_cmd *cmd)
{
	(void)conn_arg;
	(void)cmd;
}

static void keep_ended(void *conn_arg, int error)
{
	ck_assert_ptr_eq(conn_arg, kept);
	ck_assert_int_eq(error, -ENETDOWN);
}
static const struct nvmet_fc_user keeper = { keep_connect, keep_command, keep_ended };

START_TEST(a_user_that_does_not_let_go_keeps_the_memory)
{
	struct weft_fc *fc = side[1].fc;
	struct nvmet_fc_target_port *tport = rig_tport();

	nvmet_fc_attach(tport, &keeper, NULL);
	rig_ctrl();
	ck_assert_int_eq(nvme_fc_ctrl_connect(ctrl), 0);
	spin(10);
	ck_assert_ptr_nonnull(kept);
	weft_fc_close(side[0].fc);
	side[0].fc = NULL;
	spin(10);
	weft_fc_close(fc); /* after the device's timeout */
	ck_assert_ptr_eq(weft_fc_targetport(fc), tport);
	nvmet_fc_conn_free(kept);
	now += NSEC;
	while (weft_fc_targetport(fc))
		nvmet_fc_targetport_poll(tport, now);
	wfc_target_fini(fc);
	free(fc);
	weft_devices_close();
}
END_TEST

/* --- remote ports ----------------------------------------------------------------------------------- */

static void tell_rport(int i, bool there, uint8_t roles)
{
	struct fake_fc *f = side[i].fake->fc;

	fake_event(side[i].fake, f->ls_qp, WEFT_EV_FC_RPORT, f->index | (uint32_t)there << 16,
		   f->peer->fc->id | (uint32_t)roles << 24);
}

START_TEST(names_that_cannot_be_read_are_asked_for_again)
{
	ck_assert_int_eq(rig_link(false), 0);
	fake_fc_fault(FAKE_NO_NAMES, (unsigned int)_i, 3);
	fake_fc_cable(side[0].fake, true);
	turn();
	turn();
	ck_assert_ptr_nonnull(rig_remote());
	ck_assert_uint_eq(rig_remote()->node_name, TARGET_WWNN);
}
END_TEST

START_TEST(a_port_that_goes_while_its_names_are_asked_for)
{
	struct weft_fc_info info;

	ck_assert_int_eq(rig_link(false), 0);
	side[0].fake->frozen = true; /* the answer is late */
	fake_fc_cable(side[0].fake, true);
	weft_dev_poll(side[0].dev);
	tell_rport(0, false, WEFT_FCR_TARGET);
	weft_dev_poll(side[0].dev);
	side[0].fake->frozen = false;
	turn();
	ck_assert_ptr_null(rig_remote());
	side[0].fake->frozen = true;
	tell_rport(0, true, WEFT_FCR_TARGET); /* there, gone, there: one question, then another */
	weft_dev_poll(side[0].dev);
	tell_rport(0, false, WEFT_FCR_TARGET);
	tell_rport(0, true, WEFT_FCR_TARGET);
	weft_dev_poll(side[0].dev);
	side[0].fake->frozen = false;
	turn();
	ck_assert_ptr_nonnull(rig_remote());
	ck_assert_int_eq(weft_fc_info(side[0].fc, &info), 0);
	ck_assert_uint_eq(info.rports, 1);
}
END_TEST

START_TEST(other_roles_are_a_new_login)
{
	struct nvme_fc_remote_port *before = rig_remote();

	rig_ctrl(); /* it keeps the port */
	tell_rport(0, true, WEFT_FCR_TARGET | WEFT_FCR_DISCOVERY);
	turn();
	ck_assert_uint_eq(host.ended, 0);
	ck_assert_ptr_eq(rig_remote(), before); /* nothing new */
	tell_rport(0, true, WEFT_FCR_INITIATOR);
	turn();
	ck_assert_ptr_null(rig_remote()); /* no controllers there */
	tell_rport(0, true, WEFT_FCR_TARGET);
	turn();
	ck_assert_ptr_eq(rig_remote(), before);
	ck_assert_uint_eq(host.back, 1);
	fake_event(side[0].fake, side[0].fake->fc->ls_qp, WEFT_EV_FC_RPORT, 64 | 1u << 16, 1);
	fake_event(side[0].fake, side[0].fake->fc->ls_qp, WEFT_EV_FC_RSCN, 64, 0);
	fake_event(side[0].fake, side[0].fake->fc->ls_qp, 99, 1, 2);
	turn(); /* nonsense is ignored */
	ck_assert_ptr_eq(rig_remote(), before);
}
END_TEST

START_TEST(a_discovery_event_waits_for_the_link)
{
	ck_assert_int_eq(rig_link(false), 0);
	nvmet_fc_discovery_changed(rig_tport());
	nvmet_fc_discovery_changed(rig_tport());
	turn();
	ck_assert_uint_eq(stats().discovery, 0);
	ck_assert_int_eq(rig_link(true), 0);
	turn();
	ck_assert_uint_eq(stats().discovery, 1);
}
END_TEST

/* --- link services ---------------------------------------------------------------------------------- */

struct raw {
	struct nvmefc_ls_req req; /* first */
	uint8_t rqst[FC_LS_RQST_MAX];
	uint8_t resp[64];
	void *priv;
	unsigned int done;
	int status;
};
static struct raw raw[WFC_LS_N + 1], back[WFC_LS_N];

static void on_raw(struct nvmefc_ls_req *req, int status)
{
	struct raw *w = (struct raw *)req;

	w->done++;
	w->status = status;
}

static struct nvmefc_ls_req *disconnect_rqst(struct raw *w)
{
	struct fc_ls_rqst r = { .cmd = FCNVME_LS_DISCONNECT_ASSOC };

	memset(w, 0, sizeof(*w));
	w->req = (struct nvmefc_ls_req){ .rqstaddr = w->rqst,
					 .rqstdma = rig_iova(w->rqst),
					 .rqstlen = fc_ls_rqst_build(w->rqst, &r),
					 .rspaddr = w->resp,
					 .rspdma = rig_iova(w->resp),
					 .rsplen = sizeof(w->resp),
					 .timeout = 20,
					 .private_ = &w->priv,
					 .done = on_raw };
	return &w->req;
}

START_TEST(link_services_at_once_have_a_bound)
{
	for (unsigned int i = 0; i < WFC_LS_N; i++)
		ck_assert_int_eq(rig_host_ls(disconnect_rqst(&raw[i])), 0);
	ck_assert_int_eq(rig_host_ls(disconnect_rqst(&raw[WFC_LS_N])), -EBUSY);
	turn();
	for (unsigned int i = 0; i < WFC_LS_N; i++) {
		ck_assert_uint_eq(raw[i].done, 1);
		ck_assert_int_eq(raw[i].status, 0);
		ck_assert_uint_eq(raw[i].resp[0], FCNVME_LS_RJT);
	}
	ck_assert_int_eq(rig_host_ls(disconnect_rqst(&raw[0])), 0);
	raw[1].req.rqstlen = 47; /* not to be sent by the adapter */
	ck_assert_int_eq(rig_host_ls(&raw[1].req), -EINVAL);
	turn();
	ck_assert_uint_eq(raw[0].done, 1);
}
END_TEST

START_TEST(a_link_service_that_is_early_waits_for_the_names)
{
	tell_rport(1, false, 0);
	weft_dev_poll(side[1].dev);
	fake_fc_fault(FAKE_NO_NAMES, 0, 2);
	tell_rport(1, true, WEFT_FCR_INITIATOR);
	ck_assert_int_eq(rig_host_ls(disconnect_rqst(&raw[0])), 0);
	fake_run(side[0].fake);
	weft_dev_poll(side[1].dev);
	ck_assert_uint_eq(side[1].fc->ls_in[0].state, LS_NAMES);
	if (_i == 1) { /* given up by the other side, meanwhile */
		side[0].fc->host_tmpl.ls_abort(rig_local(), rig_remote(), &raw[0].req);
		weft_dev_poll(side[0].dev);
		fake_run(side[0].fake);
	}
	if (_i == 2) /* or its sender goes before that */
		tell_rport(1, false, 0);
	turn();
	ck_assert_uint_eq(raw[0].done, 1);
	ck_assert_int_eq(raw[0].status, _i == 0 ? 0 : _i == 1 ? -ECANCELED : -EIO);
	ck_assert_uint_eq(stats().ls, 0);
}
END_TEST

START_TEST(a_link_service_of_a_stranger_is_aborted)
{
	tell_rport(1, false, 0);
	ck_assert_int_eq(rig_host_ls(disconnect_rqst(&raw[0])), 0);
	turn();
	ck_assert_uint_eq(raw[0].done, 1);
	ck_assert_int_eq(raw[0].status, -EIO);
	tell_rport(1, true, WEFT_FCR_INITIATOR);
	turn();
	fake_fc_fault(FAKE_DMA_ERROR, 0, 1); /* so is one that did not get into memory */
	ck_assert_int_eq(rig_host_ls(disconnect_rqst(&raw[0])), 0);
	turn();
	ck_assert_int_eq(raw[0].status, -EIO);
	ck_assert_uint_eq(side[1].fake->fc->ops[OPS_ABORT], 2);
	ck_assert_uint_eq(stats().ls, 0);
}
END_TEST

START_TEST(an_answer_to_a_request_that_was_given_up_is_not_sent)
{
	ck_assert_int_eq(rig_host_ls(disconnect_rqst(&raw[0])), 0);
	fake_run(side[0].fake); /* the target has not looked */
	side[0].fc->host_tmpl.ls_abort(rig_local(), rig_remote(), &raw[0].req);
	side[0].fc->host_tmpl.ls_abort(rig_local(), rig_remote(), &raw[0].req);
	weft_dev_poll(side[0].dev);
	fake_run(side[0].fake);
	turn();
	ck_assert_uint_eq(raw[0].done, 1);
	ck_assert_int_eq(raw[0].status, -ECANCELED);
	ck_assert_uint_eq(stats().ls, 0);
	ck_assert_uint_eq(stats().memory, 0);
}
END_TEST

START_TEST(a_late_abort_hits_no_other_request)
{
	ck_assert_int_eq(rig_host_ls(disconnect_rqst(&raw[0])), 0);
	side[0].fake->fc->hold_aborts = true;
	side[0].fc->host_tmpl.ls_abort(rig_local(), rig_remote(), &raw[0].req);
	weft_dev_poll(side[0].dev);
	turn();
	ck_assert_uint_eq(raw[0].done, 1); /* answered, before the abort is seen */
	ck_assert_int_eq(raw[0].status, 0);
	ck_assert(side[0].fc->ls_out[0].busy);
	ck_assert_int_eq(rig_host_ls(disconnect_rqst(&raw[1])), 0);
	ck_assert_ptr_eq(side[0].fc->ls_out[1].req, &raw[1].req);
	fake_fc_answer_aborts(side[0].fake);
	turn();
	ck_assert_int_eq(raw[1].status, 0);
	ck_assert(!side[0].fc->ls_out[0].busy);
}
END_TEST

START_TEST(answers_wait_for_room_in_the_ring)
{
	/* the answers come in the poller, and do not go out while the ring stands still */
	for (unsigned int i = 0; i < WFC_LS_N; i++)
		ck_assert_int_eq(rig_host_ls(disconnect_rqst(&raw[i])), 0);
	fake_run(side[0].fake);
	side[1].fake->frozen_io = true;
	for (unsigned int i = 0; i < WFC_LS_N; i++) /* and requests the other way */
		ck_assert_int_eq(rig_target_ls(disconnect_rqst(&back[i])), 0);
	turn();
	ck_assert(!TAILQ_EMPTY(&side[1].fc->ls_pend));
	side[1].fake->frozen_io = false;
	turn();
	for (unsigned int i = 0; i < WFC_LS_N; i++) {
		ck_assert_uint_eq(raw[i].done, 1);
		ck_assert_uint_eq(back[i].done, 1);
	}
	ck_assert_uint_eq(stats().ls, 0);
}
END_TEST

Suite *adapter_port_suite(void)
{
	Suite *s = suite_create("adapter port");
	TCase *t = tcase_create("open");

	tcase_add_test(t, what_makes_no_sense_is_refused);
	tcase_add_test(t, an_adapter_has_one_port);
	tcase_add_test(t, an_open_that_fails_leaves_nothing);
	tcase_add_test(t, the_local_port_comes_with_the_link_and_stays);
	suite_add_tcase(s, t);
	t = tcase_create("keep");
	tcase_add_checked_fixture(t, up, NULL);
	tcase_add_test(t, a_user_that_does_not_let_go_keeps_the_memory);
	suite_add_tcase(s, t);
	t = tcase_create("port");
	tcase_add_checked_fixture(t, up, rig_down);
	tcase_add_test(t, it_logs_out_and_counts);
	tcase_add_loop_test(t, names_that_cannot_be_read_are_asked_for_again, 0, 4);
	tcase_add_test(t, a_port_that_goes_while_its_names_are_asked_for);
	tcase_add_test(t, other_roles_are_a_new_login);
	tcase_add_test(t, a_discovery_event_waits_for_the_link);
	suite_add_tcase(s, t);
	t = tcase_create("ls");
	tcase_add_checked_fixture(t, up, rig_down);
	tcase_add_test(t, link_services_at_once_have_a_bound);
	tcase_add_loop_test(t, a_link_service_that_is_early_waits_for_the_names, 0, 3);
	tcase_add_test(t, a_link_service_of_a_stranger_is_aborted);
	tcase_add_test(t, an_answer_to_a_request_that_was_given_up_is_not_sent);
	tcase_add_test(t, a_late_abort_hits_no_other_request);
	tcase_add_test(t, answers_wait_for_room_in_the_ring);
	suite_add_tcase(s, t);
	return s;
}
