/* SPDX-License-Identifier: BSD-2-Clause */
/* Target ports: registration, hosts that are lost, progress, deletion. */
#include <errno.h>
#include <stdlib.h>

#include "tgt.h"

static uint64_t port_nums;

static int xmt_rsp(struct fc_ls_rx *rx)
{
	struct fc_tport *tp = rx->q->port;

	return tp->tmpl->xmt_ls_rsp(&tp->port, rx->rsp);
}

static bool template_ok(const struct nvmet_fc_target_template *t)
{
	return t && t->targetport_delete && t->xmt_ls_rsp && t->fcp_op && t->fcp_abort &&
	       t->fcp_req_release && !t->ls_req == !t->ls_abort && t->max_hw_queues &&
	       t->max_sgl_segments && t->max_dif_sgl_segments && t->dma_boundary;
}

int nvmet_fc_register_targetport(const struct nvmet_fc_port_info *info,
				 const struct nvmet_fc_target_template *tmpl,
				 struct nvme_fc_device *dev, struct nvmet_fc_target_port **tport)
{
	struct fc_tport *tp;
	int num;

	if (!info || !template_ok(tmpl) || !tport)
		return -EINVAL;
	if (!dev || !dev->alloc || !dev->free)
		return -ENODEV;
	num = fc_port_num_get(&port_nums);
	if (num < 0)
		return -ENOSPC;
	tp = calloc(1, sizeof(*tp));
	if (!tp || !fc_private(&tp->port.private_, 1, tmpl->target_priv_sz)) {
		free(tp);
		fc_port_num_put(&port_nums, (uint32_t)num);
		return -ENOMEM;
	}
	tp->port.port_num = (uint32_t)num;
	tp->port.node_name = info->node_name;
	tp->port.port_name = info->port_name;
	tp->port.port_id = info->port_id;
	tp->port.port_state = FC_OBJSTATE_ONLINE;
	tp->tmpl = tmpl;
	tp->dev = dev;
	tp->op_segs = tmpl->max_sgl_segments < FC_OP_SEGS ? tmpl->max_sgl_segments : FC_OP_SEGS;
	TAILQ_INIT(&tp->assocs);
	TAILQ_INIT(&tp->hosts);
	fc_ls_rxq_init(&tp->rxq, dev, xmt_rsp, tp);
	*tport = &tp->port;
	return 0;
}

int nvmet_fc_unregister_targetport(struct nvmet_fc_target_port *tport)
{
	struct fc_tport *tp = (struct fc_tport *)tport;
	struct fc_assoc *a;

	if (tport->port_state == FC_OBJSTATE_DELETED)
		return -EINVAL;
	tport->port_state = FC_OBJSTATE_DELETED;
	TAILQ_FOREACH(a, &tp->assocs, link)
	fc_assoc_end(a, -ESHUTDOWN);
	return 0;
}

void nvmet_fc_attach(struct nvmet_fc_target_port *tport, const struct nvmet_fc_user *user,
		     void *arg)
{
	struct fc_tport *tp = (struct fc_tport *)tport;

	tp->user = user;
	tp->user_arg = arg;
}

int nvmet_fc_host_names(struct nvmet_fc_target_port *tport, void *hosthandle, uint64_t *node_name,
			uint64_t *port_name)
{
	struct fc_tport *tp = (struct fc_tport *)tport;

	if (!hosthandle || !tp->tmpl->host_traddr)
		return -EOPNOTSUPP;
	return tp->tmpl->host_traddr(hosthandle, node_name, port_name);
}

void nvmet_fc_discovery_changed(struct nvmet_fc_target_port *tport)
{
	struct fc_tport *tp = (struct fc_tport *)tport;

	if (tp->tmpl->discovery_event)
		tp->tmpl->discovery_event(tport);
}

int nvmet_fc_rcv_ls_req(struct nvmet_fc_target_port *tport, void *hosthandle,
			struct nvmefc_ls_rsp *rsp, const void *buf, uint32_t len)
{
	struct fc_tport *tp = (struct fc_tport *)tport;

	if (tport->port_state == FC_OBJSTATE_DELETED)
		return -ESHUTDOWN;
	tp->again = true;
	return fc_ls_rx_add(&tp->rxq, hosthandle, rsp, buf, len);
}

/* Requests of a lost host that wait must not bring it back. */
static void forget_requests(struct fc_tport *tp, const void *hosthandle)
{
	struct fc_ls_rx *rx;

	TAILQ_FOREACH(rx, &tp->rxq.list, link)
	if (rx->from == hosthandle) {
		rx->from = NULL;
		rx->stale = true;
	}
}

void nvmet_fc_invalidate_host(struct nvmet_fc_target_port *tport, void *hosthandle)
{
	struct fc_tport *tp = (struct fc_tport *)tport;
	struct fc_host *h;
	struct fc_assoc *a;
	bool known = false;

	forget_requests(tp, hosthandle);
	TAILQ_FOREACH(h, &tp->hosts, link)
	if (h->handle == hosthandle && !h->invalid) {
		h->invalid = true;
		known = true;
	}
	TAILQ_FOREACH(a, &tp->assocs, link)
	if (a->host && a->host->handle == hosthandle)
		fc_assoc_end(a, -ENETDOWN);
	tp->again = true;
	if (!known && tp->tmpl->host_release)
		tp->tmpl->host_release(hosthandle);
}

/* --- progress -------------------------------------------------------------------------------------------- */

static bool referred(const struct fc_tport *tp, const struct fc_host *h)
{
	const struct fc_assoc *a;

	TAILQ_FOREACH(a, &tp->assocs, link)
	if (a->host == h)
		return true;
	return false;
}

static struct fc_host *first_unreferred(struct fc_tport *tp)
{
	struct fc_host *h;

	TAILQ_FOREACH(h, &tp->hosts, link)
	if (!referred(tp, h))
		return h;
	return NULL;
}

static void release_hosts(struct fc_tport *tp)
{
	struct fc_host *h;

	while ((h = first_unreferred(tp))) {
		TAILQ_REMOVE(&tp->hosts, h, link);
		if (h->invalid && tp->tmpl->host_release)
			tp->tmpl->host_release(h->handle);
		free(h);
	}
}

static void free_assocs(struct fc_tport *tp)
{
	struct fc_assoc *a, *next;

	for (a = TAILQ_FIRST(&tp->assocs); a; a = next) {
		next = TAILQ_NEXT(a, link);
		if (a->state == ASSOC_GONE) {
			TAILQ_REMOVE(&tp->assocs, a, link);
			tp->n_assocs--;
			fc_assoc_free(a);
		}
	}
}

static bool delete_tport(struct fc_tport *tp)
{
	if (tp->port.port_state != FC_OBJSTATE_DELETED || !TAILQ_EMPTY(&tp->assocs) ||
	    !TAILQ_EMPTY(&tp->hosts) || tp->rxq.count)
		return false;
	tp->tmpl->targetport_delete(&tp->port);
	fc_port_num_put(&port_nums, tp->port.port_num);
	free(tp->port.private_);
	free(tp);
	return true;
}

uint64_t nvmet_fc_targetport_poll(struct nvmet_fc_target_port *tport, uint64_t now)
{
	struct fc_tport *tp = (struct fc_tport *)tport;
	uint64_t next = FC_NEVER;
	struct fc_assoc *a;

	if (tp->polling)
		return now;
	tp->polling = true;
	tp->again = false;
	tp->now = now;
	fc_target_rcv_ls(tp);
	TAILQ_FOREACH(a, &tp->assocs, link)
	{
		uint64_t t = fc_assoc_step(a, now);

		next = t < next ? t : next;
	}
	free_assocs(tp);
	release_hosts(tp);
	tp->polling = false;
	if (delete_tport(tp))
		return 0;
	return tp->again ? now : next;
}
