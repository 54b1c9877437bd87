/* SPDX-License-Identifier: BSD-2-Clause */
/* Registration of ports: what is refused, what is revived, when they are deleted. */
#include <errno.h>
#include <stdlib.h>

#include "fc_test.h"
#include "rig.h"

/* --- a driver that does nothing ---------------------------------------------------------------------------- */

static unsigned int deleted, memory;

static void *mem_alloc(struct nvme_fc_device *dev, size_t len, uint64_t *iova)
{
	(void)dev;
	memory++;
	*iova = 1;
	return calloc(1, len);
}

static void mem_free(struct nvme_fc_device *dev, void *addr, size_t len, uint64_t iova)
{
	(void)dev;
	(void)len;
	ck_assert_uint_eq(iova, 1);
	memory--;
	free(addr);
}
static struct nvme_fc_device dev = { mem_alloc, mem_free };

static void localport_delete(struct nvme_fc_local_port *lport)
{
	ck_assert_uint_eq(lport->port_state, FC_OBJSTATE_DELETED);
	deleted++;
}

static void remoteport_delete(struct nvme_fc_remote_port *rport)
{
	ck_assert_uint_eq(rport->port_state, FC_OBJSTATE_DELETED);
	deleted += 100;
}

static void targetport_delete(struct nvmet_fc_target_port *tport)
{
	ck_assert_uint_eq(tport->port_state, FC_OBJSTATE_DELETED);
	deleted++;
}

static int ls_req(struct nvme_fc_local_port *lport, struct nvme_fc_remote_port *rport,
		  struct nvmefc_ls_req *req)
{
	(void)lport;
	(void)rport;
	(void)req;
	return -EIO;
}

static int fcp_io(struct nvme_fc_local_port *lport, struct nvme_fc_remote_port *rport, void *handle,
		  struct nvmefc_fcp_req *req)
{
	(void)lport;
	(void)rport;
	(void)handle;
	(void)req;
	return -EIO;
}

static void ls_abort(struct nvme_fc_local_port *lport, struct nvme_fc_remote_port *rport,
		     struct nvmefc_ls_req *req)
{
	ck_abort_msg("nothing to abort: %p %p %p", (void *)lport, (void *)rport, (void *)req);
}

static void fcp_abort(struct nvme_fc_local_port *lport, struct nvme_fc_remote_port *rport,
		      void *handle, struct nvmefc_fcp_req *req)
{
	ck_abort_msg("nothing to abort: %p %p %p %p", (void *)lport, (void *)rport, handle,
		     (void *)req);
}

static int create_queue(struct nvme_fc_local_port *lport, unsigned int qidx, uint16_t qsize,
			void **handle)
{
	ck_abort_msg("no queue asked for: %p %u %u %p", (void *)lport, qidx, qsize, (void *)handle);
	return 0;
}

static const struct nvme_fc_port_template host_tmpl = { .localport_delete = localport_delete,
							.remoteport_delete = remoteport_delete,
							.ls_req = ls_req,
							.fcp_io = fcp_io,
							.ls_abort = ls_abort,
							.fcp_abort = fcp_abort,
							.max_hw_queues = 1,
							.max_sgl_segments = 1,
							.max_dif_sgl_segments = 1,
							.dma_boundary = UINT32_MAX,
							.local_priv_sz = 5,
							.remote_priv_sz = 9 };

static int t_xmt_ls_rsp(struct nvmet_fc_target_port *tport, struct nvmefc_ls_rsp *rsp)
{
	(void)tport;
	rsp->done(rsp); /* a poll later in a driver; the test is over by then */
	return 0;
}

static int t_fcp_op(struct nvmet_fc_target_port *tport, struct nvmefc_tgt_fcp_req *req)
{
	(void)tport;
	(void)req;
	return -EIO;
}

static void t_fcp(struct nvmet_fc_target_port *tport, struct nvmefc_tgt_fcp_req *req)
{
	ck_abort_msg("no command: %p %p", (void *)tport, (void *)req);
}

static int t_ls_req(struct nvmet_fc_target_port *tport, void *handle, struct nvmefc_ls_req *req)
{
	(void)tport;
	(void)handle;
	(void)req;
	return -EIO;
}

static const struct nvmet_fc_target_template target_tmpl = { .targetport_delete = targetport_delete,
							     .xmt_ls_rsp = t_xmt_ls_rsp,
							     .fcp_op = t_fcp_op,
							     .fcp_abort = t_fcp,
							     .fcp_req_release = t_fcp,
							     .max_hw_queues = 1,
							     .max_sgl_segments = 1,
							     .max_dif_sgl_segments = 1,
							     .dma_boundary = UINT32_MAX,
							     .target_priv_sz = 3 };

static const struct nvme_fc_port_info info = { .node_name = 1, .port_name = 2, .port_id = 0x10203 };
static const struct nvmet_fc_port_info tinfo = { .node_name = 1, .port_name = 2 };

/* --- refusals ------------------------------------------------------------------------------------------------ */

static const size_t host_must[] = {
	offsetof(struct nvme_fc_port_template, localport_delete),
	offsetof(struct nvme_fc_port_template, remoteport_delete),
	offsetof(struct nvme_fc_port_template, ls_req),
	offsetof(struct nvme_fc_port_template, fcp_io),
	offsetof(struct nvme_fc_port_template, ls_abort),
	offsetof(struct nvme_fc_port_template, fcp_abort),
	offsetof(struct nvme_fc_port_template, dma_boundary),
};

START_TEST(a_host_template_without_a_mandatory_part_is_refused)
{
	struct nvme_fc_port_template t = host_tmpl;
	struct nvme_fc_local_port *lport;

	memset((uint8_t *)&t + host_must[_i], 0, 8);
	ck_assert_int_eq(nvme_fc_register_localport(&info, &t, &dev, &lport), -EINVAL);
}
END_TEST

START_TEST(a_host_template_with_a_wrong_limit_is_refused)
{
	struct nvme_fc_port_template t[4] = { host_tmpl, host_tmpl, host_tmpl, host_tmpl };
	struct nvme_fc_local_port *lport;

	t[0].max_hw_queues = 0;
	t[1].max_sgl_segments = 0;
	t[2].max_dif_sgl_segments = 0;
	t[3].create_queue = create_queue; /* without delete_queue */
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(nvme_fc_register_localport(&info, &t[i], &dev, &lport), -EINVAL);
	ck_assert_int_eq(nvme_fc_register_localport(&info, NULL, &dev, &lport), -EINVAL);
	ck_assert_int_eq(nvme_fc_register_localport(NULL, &host_tmpl, &dev, &lport), -EINVAL);
	ck_assert_int_eq(nvme_fc_register_localport(&info, &host_tmpl, NULL, &lport), -ENODEV);
}
END_TEST

static const size_t target_must[] = {
	offsetof(struct nvmet_fc_target_template, targetport_delete),
	offsetof(struct nvmet_fc_target_template, xmt_ls_rsp),
	offsetof(struct nvmet_fc_target_template, fcp_op),
	offsetof(struct nvmet_fc_target_template, fcp_abort),
	offsetof(struct nvmet_fc_target_template, fcp_req_release),
	offsetof(struct nvmet_fc_target_template, dma_boundary),
};

START_TEST(a_target_template_without_a_mandatory_part_is_refused)
{
	struct nvmet_fc_target_template t = target_tmpl;
	struct nvmet_fc_target_port *tport;

	memset((uint8_t *)&t + target_must[_i], 0, 8);
	ck_assert_int_eq(nvmet_fc_register_targetport(&tinfo, &t, &dev, &tport), -EINVAL);
}
END_TEST

START_TEST(a_target_template_with_a_wrong_limit_is_refused)
{
	struct nvmet_fc_target_template t[4] = { target_tmpl, target_tmpl, target_tmpl,
						 target_tmpl };
	struct nvmet_fc_target_port *tport;

	t[0].max_hw_queues = 0;
	t[1].max_sgl_segments = 0;
	t[2].max_dif_sgl_segments = 0;
	t[3].ls_req = t_ls_req; /* without ls_abort */
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(nvmet_fc_register_targetport(&tinfo, &t[i], &dev, &tport),
				 -EINVAL);
	ck_assert_int_eq(nvmet_fc_register_targetport(&tinfo, &target_tmpl, NULL, &tport), -ENODEV);
}
END_TEST

/* --- local ports --------------------------------------------------------------------------------------------- */

START_TEST(a_local_port_comes_and_goes)
{
	struct nvme_fc_local_port *lport, *again;

	ck_assert_int_eq(nvme_fc_register_localport(&info, &host_tmpl, &dev, &lport), 0);
	ck_assert_uint_eq(lport->port_state, FC_OBJSTATE_ONLINE);
	ck_assert_uint_eq(lport->port_id, 0x10203);
	ck_assert_ptr_nonnull(lport->private_);
	ck_assert_int_eq(nvme_fc_register_localport(&info, &host_tmpl, &dev, &again), -EEXIST);
	ck_assert_uint_eq(nvme_fc_localport_poll(lport, 1), UINT64_MAX);
	ck_assert_int_eq(nvme_fc_unregister_localport(lport), 0);
	ck_assert_int_eq(nvme_fc_unregister_localport(lport), -EINVAL);
	ck_assert_uint_eq(deleted, 0);
	ck_assert_uint_eq(nvme_fc_localport_poll(lport, 2), 0);
	ck_assert_uint_eq(deleted, 1);
}
END_TEST

START_TEST(a_local_port_is_revived_by_its_names)
{
	struct nvme_fc_port_template other = host_tmpl;
	struct nvme_fc_local_port *lport, *again;

	ck_assert_int_eq(nvme_fc_register_localport(&info, &host_tmpl, &dev, &lport), 0);
	ck_assert_int_eq(nvme_fc_unregister_localport(lport), 0);
	ck_assert_int_eq(nvme_fc_register_localport(&info, &other, &dev, &again), -EXDEV);
	ck_assert_int_eq(nvme_fc_register_localport(&info, &host_tmpl, &dev, &again), 0);
	ck_assert_ptr_eq(lport, again);
	nvme_fc_localport_poll(lport, 1);
	ck_assert_uint_eq(deleted, 0);
	ck_assert_int_eq(nvme_fc_unregister_localport(lport), 0);
	nvme_fc_localport_poll(lport, 2);
	ck_assert_uint_eq(deleted, 1);
}
END_TEST

START_TEST(there_is_room_for_64_local_ports)
{
	struct nvme_fc_local_port *lport[65];
	struct nvme_fc_port_info i = info;

	for (int n = 0; n < 64; n++) {
		i.port_name = 100 + (uint64_t)n;
		ck_assert_int_eq(nvme_fc_register_localport(&i, &host_tmpl, &dev, &lport[n]), 0);
		ck_assert_uint_eq(lport[n]->port_num, (uint32_t)n);
	}
	i.port_name = 1;
	ck_assert_int_eq(nvme_fc_register_localport(&i, &host_tmpl, &dev, &lport[64]), -ENOSPC);
	for (int n = 0; n < 64; n++) {
		nvme_fc_unregister_localport(lport[n]);
		nvme_fc_localport_poll(lport[n], 1);
	}
	ck_assert_uint_eq(deleted, 64);
}
END_TEST

START_TEST(there_is_room_for_64_target_ports)
{
	struct nvmet_fc_target_port *tport[65];

	for (int n = 0; n < 64; n++)
		ck_assert_int_eq(
			nvmet_fc_register_targetport(&tinfo, &target_tmpl, &dev, &tport[n]), 0);
	ck_assert_int_eq(nvmet_fc_register_targetport(&tinfo, &target_tmpl, &dev, &tport[64]),
			 -ENOSPC);
	for (int n = 0; n < 64; n++) {
		ck_assert_int_eq(nvmet_fc_unregister_targetport(tport[n]), 0);
		nvmet_fc_targetport_poll(tport[n], 1);
	}
	ck_assert_uint_eq(deleted, 64);
}
END_TEST

/* --- remote ports -------------------------------------------------------------------------------------------- */

START_TEST(a_remote_port_without_controllers_goes_at_once)
{
	struct nvme_fc_local_port *lport;
	struct nvme_fc_remote_port *rport, *again;

	ck_assert_int_eq(nvme_fc_register_localport(&info, &host_tmpl, &dev, &lport), 0);
	ck_assert_int_eq(nvme_fc_register_remoteport(lport, &info, &rport), 0);
	ck_assert_ptr_eq(rport->localport, lport);
	ck_assert_uint_eq(rport->dev_loss_tmo, NVME_FC_DEFAULT_DEV_LOSS_TMO);
	ck_assert_int_eq(nvme_fc_register_remoteport(lport, &info, &again), -ESTALE);
	ck_assert_int_eq(nvme_fc_set_remoteport_devloss(rport, 7), 0);
	ck_assert_uint_eq(rport->dev_loss_tmo, 7);
	ck_assert_int_eq(nvme_fc_unregister_localport(lport), 0);
	ck_assert_int_eq(nvme_fc_register_remoteport(lport, &info, &again), -ESHUTDOWN);
	nvme_fc_localport_poll(lport, 1);
	ck_assert_uint_eq(deleted, 0); /* it still has a remote port */
	ck_assert_int_eq(nvme_fc_unregister_remoteport(rport), 0);
	ck_assert_int_eq(nvme_fc_unregister_remoteport(rport), -EINVAL);
	ck_assert_int_eq(nvme_fc_set_remoteport_devloss(rport, 7), -EINVAL);
	nvme_fc_localport_poll(lport, 2);
	ck_assert_uint_eq(deleted, 101);
}
END_TEST

START_TEST(a_remote_port_is_revived_by_its_names)
{
	struct nvme_fc_local_port *lport;
	struct nvme_fc_remote_port *rport, *again, *other;
	struct nvme_fc_port_info i = info;

	ck_assert_int_eq(nvme_fc_register_localport(&info, &host_tmpl, &dev, &lport), 0);
	ck_assert_int_eq(nvme_fc_register_remoteport(lport, &info, &rport), 0);
	i.port_name++;
	ck_assert_int_eq(nvme_fc_register_remoteport(lport, &i, &other), 0);
	ck_assert_ptr_ne(rport, other);
	ck_assert_uint_ne(rport->port_num, other->port_num);
	ck_assert_int_eq(nvme_fc_unregister_remoteport(rport), 0);
	i = info;
	i.port_id = 0x30201;
	ck_assert_int_eq(nvme_fc_register_remoteport(lport, &i, &again), 0);
	ck_assert_ptr_eq(rport, again);
	ck_assert_uint_eq(rport->port_id, 0x30201);
	nvme_fc_localport_poll(lport, 1);
	ck_assert_uint_eq(deleted, 0);
	nvme_fc_unregister_remoteport(rport);
	nvme_fc_unregister_remoteport(other);
	nvme_fc_unregister_localport(lport);
	nvme_fc_localport_poll(lport, 2);
	ck_assert_uint_eq(deleted, 201);
}
END_TEST

START_TEST(without_xmt_ls_rsp_nothing_can_be_received)
{
	struct nvme_fc_local_port *lport;
	struct nvme_fc_remote_port *rport;
	struct nvmefc_ls_rsp rsp;

	ck_assert_int_eq(nvme_fc_register_localport(&info, &host_tmpl, &dev, &lport), 0);
	ck_assert_int_eq(nvme_fc_register_remoteport(lport, &info, &rport), 0);
	ck_assert_int_eq(nvme_fc_rcv_ls_req(rport, &rsp, "", 0), -EINVAL);
	nvme_fc_unregister_remoteport(rport);
	nvme_fc_unregister_localport(lport);
	nvme_fc_localport_poll(lport, 2);
}
END_TEST

START_TEST(a_target_port_comes_and_goes)
{
	struct nvmefc_tgt_fcp_req req;
	struct nvmet_fc_target_port *tport;
	struct nvmefc_ls_rsp rsp;

	ck_assert_int_eq(nvmet_fc_register_targetport(&tinfo, &target_tmpl, &dev, &tport), 0);
	ck_assert_ptr_nonnull(tport->private_);
	ck_assert_uint_eq(nvmet_fc_targetport_poll(tport, 1), UINT64_MAX);
	nvmet_fc_discovery_changed(tport); /* which this driver does not pass on */
	ck_assert_int_eq(nvmet_fc_unregister_targetport(tport), 0);
	ck_assert_int_eq(nvmet_fc_unregister_targetport(tport), -EINVAL);
	ck_assert_int_eq(nvmet_fc_rcv_ls_req(tport, NULL, &rsp, "", 0), -ESHUTDOWN);
	ck_assert_int_eq(nvmet_fc_rcv_fcp_req(tport, &req, "", 0), -ESHUTDOWN);
	ck_assert_uint_eq(nvmet_fc_targetport_poll(tport, 2), 0);
	ck_assert_uint_eq(deleted, 1);
}
END_TEST

/* --- who hears of remote ports -------------------------------------------------------------------------------- */

static unsigned int found, rescanned, fpins;

static void on_port(void *arg, enum nvme_fc_port_event event, struct nvme_fc_remote_port *rport,
		    const void *data, uint32_t len)
{
	ck_assert_ptr_eq(arg, &found);
	found += event == NVME_FC_PORT_FOUND;
	rescanned += event == NVME_FC_PORT_RESCAN;
	if (event != NVME_FC_PORT_FPIN) {
		ck_assert_ptr_eq(rport, rig_remote());
		return;
	}
	fpins++;
	ck_assert_uint_eq(len, 5);
	ck_assert_str_eq(data, "fpin");
}

START_TEST(a_program_hears_of_remote_ports)
{
	rig_up(NULL);
	found = rescanned = fpins = 0;
	nvme_fc_watch_ports(rig_local(), on_port, &found);
	ck_assert_int_eq(rig_link(false), 0);
	ck_assert_int_eq(rig_link(true), 0);
	ck_assert_uint_eq(found, 1);
	nvmet_fc_discovery_changed(rig_tport());
	spin(4);
	ck_assert_uint_eq(rescanned, 1);
	ck_assert_uint_eq(stats().discovery, 1);
	nvme_fc_fpin_rcv(rig_local(), 5, "fpin");
	ck_assert_uint_eq(fpins, 1);
	nvme_fc_watch_ports(rig_local(), NULL, NULL);
	nvmet_fc_discovery_changed(rig_tport());
	spin(4);
	ck_assert_uint_eq(rescanned, 1);
	rig_down();
}
END_TEST

START_TEST(the_loop_deletes_each_port_once)
{
	rig_up(NULL);
	ck_assert_int_eq(rig_link(false), 0);
	spin(3);
	ck_assert_uint_eq(stats().deleted[1], 1);
	ck_assert_uint_eq(stats().hosts, 0);
	ck_assert_ptr_null(rig_remote());
	ck_assert_int_eq(rig_link(true), 0);
	ck_assert_ptr_nonnull(rig_remote());
	rig_down();
}
END_TEST

static void nothing_left(void)
{
	ck_assert_uint_eq(memory, 0);
}

Suite *port_suite(void)
{
	Suite *s = suite_create("port");
	TCase *t = tcase_create("port");

	tcase_add_checked_fixture(t, NULL, nothing_left);
	tcase_add_loop_test(t, a_host_template_without_a_mandatory_part_is_refused, 0,
			    sizeof(host_must) / sizeof(host_must[0]));
	tcase_add_test(t, a_host_template_with_a_wrong_limit_is_refused);
	tcase_add_loop_test(t, a_target_template_without_a_mandatory_part_is_refused, 0,
			    sizeof(target_must) / sizeof(target_must[0]));
	tcase_add_test(t, a_target_template_with_a_wrong_limit_is_refused);
	tcase_add_test(t, a_local_port_comes_and_goes);
	tcase_add_test(t, a_local_port_is_revived_by_its_names);
	tcase_add_test(t, there_is_room_for_64_local_ports);
	tcase_add_test(t, there_is_room_for_64_target_ports);
	tcase_add_test(t, a_remote_port_without_controllers_goes_at_once);
	tcase_add_test(t, a_remote_port_is_revived_by_its_names);
	tcase_add_test(t, without_xmt_ls_rsp_nothing_can_be_received);
	tcase_add_test(t, a_target_port_comes_and_goes);
	tcase_add_test(t, a_program_hears_of_remote_ports);
	tcase_add_test(t, the_loop_deletes_each_port_once);
	suite_add_tcase(s, t);
	return s;
}
