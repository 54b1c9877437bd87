/* SPDX-License-Identifier: BSD-2-Clause */
/* The loop's ports, memory, events and faults. */
#include <errno.h>
#include <stdlib.h>

#include "loop.h"

#define IOVA_TAG 0x100000000000000ull /* an address is no IOVA, nor the other way round */
#define DESTROY_POLLS 1000
#define HOST_WWNN 0x10000090fa000001ull
#define TARGET_WWNN 0x10000090fa000002ull
#define WWPN_BITS 0x1000000000000000ull

void loop_check(struct nvme_fc_loop *loop, bool ok, const char *what)
{
	if (ok)
		return;
	loop->stats.breaches++;
	loop->stats.breach = what;
}

bool loop_hit(struct nvme_fc_loop *loop, enum nvme_fc_loop_fault fault)
{
	if (!loop->fault[fault].count)
		return false;
	if (loop->fault[fault].skip) {
		loop->fault[fault].skip--;
		return false;
	}
	loop->fault[fault].count--;
	return true;
}

void nvme_fc_loop_fault(struct nvme_fc_loop *loop, enum nvme_fc_loop_fault fault, unsigned int skip,
			unsigned int count)
{
	loop->fault[fault].skip = skip;
	loop->fault[fault].count = count;
}

void loop_post(struct nvme_fc_loop *loop, struct loop_event *ev, void (*run)(void *obj), void *obj)
{
	if (ev->queued)
		return;
	ev->run = run;
	ev->obj = obj;
	ev->queued = true;
	TAILQ_INSERT_TAIL(&loop->events, ev, link);
}

void loop_unpost(struct nvme_fc_loop *loop, struct loop_event *ev)
{
	if (ev->queued)
		TAILQ_REMOVE(&loop->events, ev, link);
	ev->queued = false;
}

/* --- memory -------------------------------------------------------------------------------------------------- */

uint64_t nvme_fc_loop_iova(const void *addr)
{
	return (uint64_t)(uintptr_t)addr ^ IOVA_TAG;
}

static void *mem_alloc(struct nvme_fc_device *dev, size_t len, uint64_t *iova)
{
	struct nvme_fc_loop *loop = (struct nvme_fc_loop *)dev;
	void *p = loop_hit(loop, NVME_FC_LOOP_ALLOC) ? NULL : calloc(1, len);

	if (!p)
		return NULL;
	loop->stats.memory++;
	*iova = nvme_fc_loop_iova(p);
	return p;
}

static void mem_free(struct nvme_fc_device *dev, void *addr, size_t len, uint64_t iova)
{
	struct nvme_fc_loop *loop = (struct nvme_fc_loop *)dev;

	LOOP_CHECK(loop, len != 0 && iova == nvme_fc_loop_iova(addr));
	loop->stats.memory--;
	free(addr);
}

/* --- ports --------------------------------------------------------------------------------------------------- */

struct nvme_fc_loop *loop_of(const struct nvme_fc_local_port *lport)
{
	return *(struct nvme_fc_loop **)lport->private_;
}

struct nvme_fc_loop *loop_of_target(const struct nvmet_fc_target_port *tport)
{
	return *(struct nvme_fc_loop **)tport->private_;
}

static void localport_delete(struct nvme_fc_local_port *lport)
{
	struct nvme_fc_loop *loop = loop_of(lport);

	LOOP_CHECK(loop, loop->lport == lport && !loop->rport);
	LOOP_CHECK(loop, TAILQ_EMPTY(&loop->queues));
	loop->lport = NULL;
	loop->stats.deleted[0]++;
}

static void remoteport_delete(struct nvme_fc_remote_port *rport)
{
	struct nvme_fc_loop *loop = loop_of(rport->localport);

	LOOP_CHECK(loop, loop->rport == rport && !loop->up);
	LOOP_CHECK(loop, *(struct nvme_fc_loop **)rport->private_ == loop);
	loop->rport = NULL;
	loop->stats.deleted[1]++;
}

static void targetport_delete(struct nvmet_fc_target_port *tport)
{
	struct nvme_fc_loop *loop = loop_of_target(tport);

	LOOP_CHECK(loop, loop->tport == tport);
	loop->tport = NULL;
	loop->stats.deleted[2]++;
}

static void host_release(void *handle)
{
	struct loop_host *host = handle;

	LOOP_CHECK(host->loop, host->loop->host != host);
	host->loop->stats.hosts--;
	free(host);
}

static int host_traddr(void *handle, uint64_t *wwnn, uint64_t *wwpn)
{
	(void)handle;
	*wwnn = HOST_WWNN;
	*wwpn = HOST_WWNN | WWPN_BITS;
	return 0;
}

static void discovery_event(struct nvmet_fc_target_port *tport)
{
	struct nvme_fc_loop *loop = loop_of_target(tport);

	loop->stats.discovery++;
	if (loop->up)
		nvme_fc_rescan_remoteport(loop->rport);
}

static void make_templates(struct nvme_fc_loop *loop)
{
	struct nvme_fc_loop_opts *o = &loop->opts;

	loop->host_tmpl = (struct nvme_fc_port_template){
		.localport_delete = localport_delete,
		.remoteport_delete = remoteport_delete,
		.max_hw_queues = o->max_hw_queues,
		.max_sgl_segments = o->max_sgl_segments,
		.max_dif_sgl_segments = 1,
		.dma_boundary = o->dma_boundary,
		.local_priv_sz = sizeof(loop),
		.remote_priv_sz = sizeof(loop),
		.lsrqst_priv_sz = loop_ls_priv,
		.fcprqst_priv_sz = loop_io_priv,
	};
	loop->target_tmpl = (struct nvmet_fc_target_template){
		.targetport_delete = targetport_delete,
		.discovery_event = discovery_event,
		.host_release = host_release,
		.host_traddr = host_traddr,
		.max_hw_queues = o->max_hw_queues,
		.max_sgl_segments = o->max_sgl_segments,
		.max_dif_sgl_segments = 1,
		.dma_boundary = o->dma_boundary,
		.target_features = o->no_readdata_rsp ? 0 : NVMET_FCTGTFEAT_READDATA_RSP,
		.target_priv_sz = sizeof(loop),
		.lsrqst_priv_sz = loop_ls_priv,
	};
	loop_io_templates(loop);
	loop_ls_templates(loop);
}

static int link_up(struct nvme_fc_loop *loop)
{
	struct nvme_fc_port_info info = { .node_name = TARGET_WWNN,
					  .port_name = TARGET_WWNN | WWPN_BITS,
					  .port_role = FC_PORT_ROLE_NVME_TARGET |
						       FC_PORT_ROLE_NVME_DISCOVERY,
					  .port_id = 0x010202,
					  .dev_loss_tmo = loop->opts.dev_loss_tmo };
	int rc;

	loop->host = malloc(sizeof(*loop->host));
	if (!loop->host)
		return -ENOMEM;
	loop->host->loop = loop;
	loop->up = true;
	rc = nvme_fc_register_remoteport(loop->lport, &info, &loop->rport);
	if (rc) {
		loop->up = false;
		free(loop->host);
		loop->host = NULL;
		return rc;
	}
	loop->stats.hosts++;
	*(struct nvme_fc_loop **)loop->rport->private_ = loop;
	return 0;
}

int nvme_fc_loop_link(struct nvme_fc_loop *loop, bool up)
{
	struct loop_host *host = loop->host;

	if (up == loop->up)
		return 0;
	if (up)
		return link_up(loop);
	loop->up = false;
	loop->host = NULL;
	LOOP_CHECK(loop, !nvme_fc_unregister_remoteport(loop->rport));
	if (loop->tport)
		nvmet_fc_invalidate_host(loop->tport, host);
	else
		host_release(host);
	return 0;
}

static int register_all(struct nvme_fc_loop *loop)
{
	struct nvme_fc_port_info info = { .node_name = HOST_WWNN,
					  .port_name = HOST_WWNN | WWPN_BITS,
					  .port_role = FC_PORT_ROLE_NVME_INITIATOR,
					  .port_id = 0x010201 };
	struct nvmet_fc_port_info tinfo = { .node_name = TARGET_WWNN,
					    .port_name = TARGET_WWNN | WWPN_BITS,
					    .port_id = 0x010202 };
	int rc;

	info.node_name += (uint64_t)(uintptr_t)loop << 8; /* a name for each loop */
	rc = nvme_fc_register_localport(&info, &loop->host_tmpl, &loop->dev, &loop->lport);
	if (rc)
		return rc;
	*(struct nvme_fc_loop **)loop->lport->private_ = loop;
	rc = nvmet_fc_register_targetport(&tinfo, &loop->target_tmpl, &loop->dev, &loop->tport);
	if (rc)
		return rc;
	*(struct nvme_fc_loop **)loop->tport->private_ = loop;
	return link_up(loop);
}

int nvme_fc_loop_create(const struct nvme_fc_loop_opts *opts, struct nvme_fc_loop **out)
{
	struct nvme_fc_loop *loop = calloc(1, sizeof(*loop));
	int rc;

	if (!loop)
		return -ENOMEM;
	if (opts)
		loop->opts = *opts;
	loop->opts.max_hw_queues = loop->opts.max_hw_queues ? loop->opts.max_hw_queues : 65;
	loop->opts.max_sgl_segments = loop->opts.max_sgl_segments ? loop->opts.max_sgl_segments :
								    256;
	loop->opts.dma_boundary = loop->opts.dma_boundary ? loop->opts.dma_boundary : UINT32_MAX;
	loop->dev.alloc = mem_alloc;
	loop->dev.free = mem_free;
	TAILQ_INIT(&loop->events);
	TAILQ_INIT(&loop->queues);
	TAILQ_INIT(&loop->ls);
	make_templates(loop);
	rc = register_all(loop);
	if (rc) {
		nvme_fc_loop_destroy(loop);
		return rc;
	}
	*out = loop;
	return 0;
}

/* --- progress ------------------------------------------------------------------------------------------------- */

/* What is there now; what comes of it waits for the next time. */
static void run_events(struct nvme_fc_loop *loop)
{
	struct loop_event mark = { .queued = true };
	struct loop_event *ev;

	TAILQ_INSERT_TAIL(&loop->events, &mark, link);
	while ((ev = TAILQ_FIRST(&loop->events)) != &mark) {
		loop_unpost(loop, ev);
		ev->run(ev->obj);
	}
	loop_unpost(loop, &mark);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t nvme_fc_loop_poll(struct nvme_fc_loop *loop, uint64_t now)
{
	uint64_t next;

	loop->now = now;
	run_events(loop);
	next = loop_ls_timeouts(loop);
	if (loop->lport)
		next = earlier(next, nvme_fc_localport_poll(loop->lport, now));
	if (loop->tport)
		next = earlier(next, nvmet_fc_targetport_poll(loop->tport, now));
	return TAILQ_EMPTY(&loop->events) ? next : now;
}

static bool idle(const struct nvme_fc_loop *loop)
{
	const struct nvme_fc_loop_stats *s = &loop->stats;

	return !loop->lport && !loop->tport && !s->memory && !s->exchanges && !s->ls && !s->hosts &&
	       !s->queues;
}

int nvme_fc_loop_destroy(struct nvme_fc_loop *loop)
{
	if (loop->rport && !loop->up)
		link_up(loop); /* only a port that is there can be told not to be waited for */
	if (loop->up) {
		nvme_fc_set_remoteport_devloss(loop->rport, 0);
		nvme_fc_loop_link(loop, false);
	}
	if (loop->lport && loop->lport->port_state == FC_OBJSTATE_ONLINE)
		nvme_fc_unregister_localport(loop->lport);
	if (loop->tport && loop->tport->port_state == FC_OBJSTATE_ONLINE)
		nvmet_fc_unregister_targetport(loop->tport);
	for (int i = 0; i < DESTROY_POLLS && !idle(loop); i++)
		nvme_fc_loop_poll(loop, loop->now);
	if (!idle(loop))
		return -EBUSY;
	free(loop);
	return 0;
}

struct nvme_fc_local_port *nvme_fc_loop_local(struct nvme_fc_loop *loop)
{
	return loop->lport;
}

struct nvme_fc_remote_port *nvme_fc_loop_remote(struct nvme_fc_loop *loop)
{
	return loop->rport;
}

struct nvmet_fc_target_port *nvme_fc_loop_target(struct nvme_fc_loop *loop)
{
	return loop->tport;
}

void nvme_fc_loop_stats(const struct nvme_fc_loop *loop, struct nvme_fc_loop_stats *stats)
{
	*stats = loop->stats;
}
