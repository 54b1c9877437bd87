/* SPDX-License-Identifier: BSD-2-Clause */
/* The rig over the software loopback. */
#include "../../../host-lib/fcloop/loop.h"
#include "rig.h"

struct nvme_fc_loop *loop;

static bool takes(const struct nvme_fc_loop_opts *opts)
{
	(void)opts;
	return true;
}

static void create(const struct nvme_fc_loop_opts *opts)
{
	ck_assert_int_eq(nvme_fc_loop_create(opts, &loop), 0);
}

static int destroy(void)
{
	return nvme_fc_loop_destroy(loop);
}

static void poll(void)
{
	nvme_fc_loop_poll(loop, now);
}

static uint64_t next(void)
{
	return nvme_fc_loop_poll(loop, ++now);
}

static int link_to(bool up)
{
	return nvme_fc_loop_link(loop, up);
}

static bool can(enum nvme_fc_loop_fault f)
{
	(void)f;
	return true;
}

static void fault(enum nvme_fc_loop_fault f, unsigned int skip, unsigned int count)
{
	nvme_fc_loop_fault(loop, f, skip, count);
}

static void get_stats(struct nvme_fc_loop_stats *s)
{
	nvme_fc_loop_stats(loop, s);
}

static struct nvme_fc_local_port *local(void)
{
	return nvme_fc_loop_local(loop);
}

static struct nvme_fc_remote_port *remote(void)
{
	return nvme_fc_loop_remote(loop);
}

static struct nvmet_fc_target_port *tport(void)
{
	return nvme_fc_loop_target(loop);
}

static int host_ls(struct nvmefc_ls_req *req)
{
	return loop->host_tmpl.ls_req(loop->lport, loop->rport, req);
}

static int target_ls(struct nvmefc_ls_req *req)
{
	return loop->target_tmpl.ls_req(loop->tport, loop->host, req);
}

const struct rig_driver rig_loop = { .name = "loopback",
				     .takes = takes,
				     .create = create,
				     .destroy = destroy,
				     .poll = poll,
				     .next = next,
				     .link = link_to,
				     .can = can,
				     .fault = fault,
				     .stats = get_stats,
				     .local = local,
				     .remote = remote,
				     .tport = tport,
				     .iova = nvme_fc_loop_iova,
				     .host_ls = host_ls,
				     .target_ls = target_ls };
