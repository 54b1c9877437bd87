/* SPDX-License-Identifier: BSD-2-Clause */
/* Local and remote ports: registration, loss and revival, deletion. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "host.h"

/* Ports are found again by name, whichever thread they belong to. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static LIST_HEAD(fc_lport_list, fc_lport) lports = LIST_HEAD_INITIALIZER(lports);
static uint64_t port_nums;

static bool template_ok(const struct nvme_fc_port_template *t)
{
	return t && t->localport_delete && t->remoteport_delete && t->ls_req && t->fcp_io &&
	       t->ls_abort && t->fcp_abort && !t->create_queue == !t->delete_queue &&
	       t->max_hw_queues && t->max_sgl_segments && t->max_dif_sgl_segments &&
	       t->dma_boundary;
}

static struct fc_lport *find_lport(const struct nvme_fc_port_info *info)
{
	struct fc_lport *lp;

	LIST_FOREACH(lp, &lports, link)
	if (lp->port.node_name == info->node_name && lp->port.port_name == info->port_name)
		return lp;
	return NULL;
}

static int revive_lport(struct fc_lport *lp, const struct nvme_fc_port_info *info,
			const struct nvme_fc_port_template *tmpl, struct nvme_fc_device *dev)
{
	if (lp->dev != dev || lp->tmpl != tmpl)
		return -EXDEV;
	if (lp->port.port_state != FC_OBJSTATE_DELETED)
		return -EEXIST;
	lp->port.port_id = info->port_id;
	lp->port.port_role = info->port_role;
	lp->port.port_state = FC_OBJSTATE_ONLINE;
	return 0;
}

static int new_lport(const struct nvme_fc_port_info *info, const struct nvme_fc_port_template *tmpl,
		     struct nvme_fc_device *dev, struct fc_lport **out)
{
	struct fc_lport *lp;
	int num = fc_port_num_get(&port_nums);

	if (num < 0)
		return -ENOSPC;
	lp = calloc(1, sizeof(*lp));
	if (!lp || !fc_private(&lp->port.private_, 1, tmpl->local_priv_sz)) {
		free(lp);
		fc_port_num_put(&port_nums, (uint32_t)num);
		return -ENOMEM;
	}
	lp->port.port_num = (uint32_t)num;
	lp->port.port_role = info->port_role;
	lp->port.node_name = info->node_name;
	lp->port.port_name = info->port_name;
	lp->port.port_id = info->port_id;
	lp->port.port_state = FC_OBJSTATE_ONLINE;
	lp->tmpl = tmpl;
	lp->dev = dev;
	TAILQ_INIT(&lp->rports);
	TAILQ_INIT(&lp->ctrls);
	TAILQ_INIT(&lp->byes);
	fc_ls_rxq_init(&lp->rxq, dev, fc_host_xmt_rsp, lp);
	LIST_INSERT_HEAD(&lports, lp, link);
	*out = lp;
	return 0;
}

int nvme_fc_register_localport(const struct nvme_fc_port_info *info,
			       const struct nvme_fc_port_template *tmpl, struct nvme_fc_device *dev,
			       struct nvme_fc_local_port **lport)
{
	struct fc_lport *lp;
	int rc;

	if (!info || !template_ok(tmpl) || !lport)
		return -EINVAL;
	if (!dev || !dev->alloc || !dev->free)
		return -ENODEV;
	pthread_mutex_lock(&lock);
	lp = find_lport(info);
	rc = lp ? revive_lport(lp, info, tmpl, dev) : new_lport(info, tmpl, dev, &lp);
	pthread_mutex_unlock(&lock);
	if (!rc)
		*lport = &lp->port;
	return rc;
}

int nvme_fc_unregister_localport(struct nvme_fc_local_port *lport)
{
	if (lport->port_state != FC_OBJSTATE_ONLINE)
		return -EINVAL;
	lport->port_state = FC_OBJSTATE_DELETED;
	return 0;
}

void nvme_fc_watch_ports(struct nvme_fc_local_port *lport, nvme_fc_port_fn *fn, void *arg)
{
	struct fc_lport *lp = (struct fc_lport *)lport;

	lp->watch = fn;
	lp->watch_arg = arg;
}

static void tell(struct fc_lport *lp, enum nvme_fc_port_event event, struct fc_rport *rp,
		 const void *data, uint32_t len)
{
	if (lp->watch)
		lp->watch(lp->watch_arg, event, rp ? &rp->port : NULL, data, len);
}

/* --- remote ports --------------------------------------------------------------------------------------- */

static void set_info(struct fc_rport *rp, const struct nvme_fc_port_info *info)
{
	rp->port.port_role = info->port_role;
	rp->port.port_id = info->port_id;
	rp->port.dev_loss_tmo = info->dev_loss_tmo ? info->dev_loss_tmo :
						     NVME_FC_DEFAULT_DEV_LOSS_TMO;
	rp->port.port_state = FC_OBJSTATE_ONLINE;
}

static struct fc_rport *find_rport(struct fc_lport *lp, uint64_t node_name, uint64_t port_name)
{
	struct fc_rport *rp;

	TAILQ_FOREACH(rp, &lp->rports, link)
	if (rp->port.node_name == node_name && rp->port.port_name == port_name)
		return rp;
	return NULL;
}

struct nvme_fc_remote_port *nvme_fc_find_rport(struct nvme_fc_local_port *lport, uint64_t node_name,
					       uint64_t port_name)
{
	struct fc_rport *rp = find_rport((struct fc_lport *)lport, node_name, port_name);

	return rp ? &rp->port : NULL;
}

void nvme_fc_get_limits(const struct nvme_fc_local_port *lport, struct nvme_fc_limits *limits)
{
	const struct nvme_fc_port_template *t = ((const struct fc_lport *)lport)->tmpl;

	*limits = (struct nvme_fc_limits){
		.max_queues = t->max_hw_queues < FC_QUEUES_MAX ? t->max_hw_queues : FC_QUEUES_MAX,
		.max_segments = t->max_sgl_segments,
		.dma_boundary = t->dma_boundary,
	};
}

static struct fc_rport *new_rport(struct fc_lport *lp, const struct nvme_fc_port_info *info)
{
	struct fc_rport *rp = calloc(1, sizeof(*rp));

	if (!rp || !fc_private(&rp->port.private_, 1, lp->tmpl->remote_priv_sz)) {
		free(rp);
		return NULL;
	}
	rp->lp = lp;
	rp->port.port_num = lp->next_rport_num++;
	rp->port.node_name = info->node_name;
	rp->port.port_name = info->port_name;
	rp->port.localport = &lp->port;
	TAILQ_INSERT_TAIL(&lp->rports, rp, link);
	return rp;
}

int nvme_fc_register_remoteport(struct nvme_fc_local_port *lport,
				const struct nvme_fc_port_info *info,
				struct nvme_fc_remote_port **rport)
{
	struct fc_lport *lp = (struct fc_lport *)lport;
	struct nvme_fc_ctrl *c;
	struct fc_rport *rp;

	if (lport->port_state != FC_OBJSTATE_ONLINE)
		return -ESHUTDOWN;
	rp = find_rport(lp, info->node_name, info->port_name);
	if (rp && rp->port.port_state != FC_OBJSTATE_DELETED)
		return -ESTALE;
	if (!rp)
		rp = new_rport(lp, info);
	if (!rp)
		return -ENOMEM;
	set_info(rp, info);
	TAILQ_FOREACH(c, &lp->ctrls, link)
	c->back |= c->rp == rp;
	*rport = &rp->port;
	tell(lp, NVME_FC_PORT_FOUND, rp, NULL, 0);
	return 0;
}

int nvme_fc_unregister_remoteport(struct nvme_fc_remote_port *rport)
{
	struct fc_rport *rp = (struct fc_rport *)rport;
	struct nvme_fc_ctrl *c;

	if (rport->port_state != FC_OBJSTATE_ONLINE)
		return -EINVAL;
	rport->port_state = FC_OBJSTATE_DELETED;
	rp->lost_at = rp->lp->now;
	TAILQ_FOREACH(c, &rp->lp->ctrls, link)
	if (c->rp == rp) {
		c->back = false;
		fc_ctrl_end(c, -ENETDOWN);
	}
	return 0;
}

void nvme_fc_rescan_remoteport(struct nvme_fc_remote_port *rport)
{
	struct fc_rport *rp = (struct fc_rport *)rport;

	tell(rp->lp, NVME_FC_PORT_RESCAN, rp, NULL, 0);
}

int nvme_fc_set_remoteport_devloss(struct nvme_fc_remote_port *rport, uint32_t dev_loss_tmo)
{
	if (rport->port_state != FC_OBJSTATE_ONLINE)
		return -EINVAL;
	rport->dev_loss_tmo = dev_loss_tmo;
	return 0;
}

void nvme_fc_fpin_rcv(struct nvme_fc_local_port *lport, uint32_t len, const void *fpin)
{
	tell((struct fc_lport *)lport, NVME_FC_PORT_FPIN, NULL, fpin, len);
}

/* --- progress -------------------------------------------------------------------------------------------- */

static bool used(const struct fc_rport *rp)
{
	const struct nvme_fc_ctrl *c;

	TAILQ_FOREACH(c, &rp->lp->ctrls, link)
	if (c->rp == rp)
		return true;
	return fc_bye_uses(rp) || fc_ls_rx_has(&rp->lp->rxq, rp);
}

static void free_ctrls(struct fc_lport *lp)
{
	struct nvme_fc_ctrl *c, *next;

	for (c = TAILQ_FIRST(&lp->ctrls); c; c = next) {
		next = TAILQ_NEXT(c, link);
		if (c->destroyed && c->state == CTRL_IDLE) {
			TAILQ_REMOVE(&lp->ctrls, c, link);
			fc_ctrl_free(c);
		}
	}
}

static struct fc_rport *first_unused(struct fc_lport *lp)
{
	struct fc_rport *rp;

	TAILQ_FOREACH(rp, &lp->rports, link)
	if (rp->port.port_state == FC_OBJSTATE_DELETED && !used(rp))
		return rp;
	return NULL;
}

/* The driver may register and unregister ports while it is told, so each look starts anew. */
static void delete_rports(struct fc_lport *lp)
{
	struct fc_rport *rp;

	while ((rp = first_unused(lp))) {
		TAILQ_REMOVE(&lp->rports, rp, link);
		lp->tmpl->remoteport_delete(&rp->port);
		free(rp->port.private_);
		free(rp);
	}
}

static bool delete_lport(struct fc_lport *lp)
{
	bool idle;

	pthread_mutex_lock(&lock);
	idle = lp->port.port_state == FC_OBJSTATE_DELETED && TAILQ_EMPTY(&lp->rports);
	if (idle)
		LIST_REMOVE(lp, link);
	pthread_mutex_unlock(&lock);
	if (!idle)
		return false;
	lp->tmpl->localport_delete(&lp->port);
	fc_port_num_put(&port_nums, lp->port.port_num);
	free(lp->port.private_);
	free(lp);
	return true;
}

/* The port of an idle controller is away: how long still, 0 when that was too long. */
static uint64_t step_lost(struct nvme_fc_ctrl *c, uint64_t now)
{
	uint64_t deadline = c->rp->lost_at + c->rp->port.dev_loss_tmo * FC_NSEC;

	if (c->state != CTRL_IDLE || c->destroyed)
		return FC_NEVER;
	if (now < deadline)
		return deadline;
	fc_ctrl_event(c, NVME_FC_LOST, 0, -ENODEV);
	c->destroyed = true;
	return FC_NEVER;
}

static uint64_t step_all(struct fc_lport *lp)
{
	uint64_t next = FC_NEVER, byes;
	struct nvme_fc_ctrl *c;

	fc_host_rcv_ls(lp);
	TAILQ_FOREACH(c, &lp->ctrls, link)
	{
		uint64_t t = fc_ctrl_step(c, lp->now);

		if (c->rp->port.port_state == FC_OBJSTATE_DELETED) {
			uint64_t lost = step_lost(c, lp->now);

			t = lost < t ? lost : t;
		}
		next = t < next ? t : next;
	}
	byes = fc_bye_step(lp);
	return byes < next ? byes : next;
}

uint64_t nvme_fc_localport_poll(struct nvme_fc_local_port *lport, uint64_t now)
{
	struct fc_lport *lp = (struct fc_lport *)lport;
	uint64_t next;

	if (lp->polling)
		return now;
	lp->polling = true;
	lp->again = false;
	lp->now = now;
	next = step_all(lp);
	free_ctrls(lp);
	delete_rports(lp);
	lp->polling = false;
	if (delete_lport(lp))
		return 0;
	return lp->again ? now : next;
}
