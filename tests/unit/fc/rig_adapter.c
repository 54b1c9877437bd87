/* SPDX-License-Identifier: BSD-2-Clause */
/* The rig over the adapter's driver: two fake adapters, each with a handle of its own. */
#include <errno.h>
#include <stdlib.h>

#include "rig.h"
#include "rig_adapter.h"

#define IOVA_TAG 0x0100000000000000ull
#define ROUNDS 3 /* of polls in one: what the loopback does in one */
#define IDLE_NS 1000000

struct side side[2];
uint8_t weft_admin_log2;
uint16_t weft_target_entries;
bool weft_both_roles;
static unsigned int alloc_skip, alloc_count;

/* --- time and progress ------------------------------------------------------------------------------ */

static void set_time(void)
{
	for (int i = 0; i < 2; i++)
		if (side[i].fake && side[i].fake->time_ns < now)
			side[i].fake->time_ns = now;
}

static void poll(void)
{
	set_time();
	fake_fc_tick(side[0].fake);
	fake_fc_tick(side[1].fake);
	for (int n = 0; n < 2 * ROUNDS; n++)
		if (side[n % 2].dev)
			weft_dev_poll(side[n % 2].dev);
}

/* While one side waits in a call the other lives on. */
static void on_idle(void *arg)
{
	struct side *other = &side[!*(int *)arg];

	now += IDLE_NS;
	set_time();
	fake_fc_tick(side[0].fake);
	fake_fc_tick(side[1].fake);
	if (other->dev)
		weft_dev_poll(other->dev);
}

static uint64_t next(void)
{
	uint64_t a, b;

	now += 1000;
	poll();
	a = weft_dev_next(side[0].dev);
	b = weft_dev_next(side[1].dev);
	return a < b ? a : b;
}

/* --- up and down ------------------------------------------------------------------------------------ */

/* The memory of the transports, which may be refused. */
static void *(*real_alloc)(struct nvme_fc_device *dev, size_t len, uint64_t *iova);

static void *mem_alloc(struct nvme_fc_device *dev, size_t len, uint64_t *iova)
{
	if (alloc_count && !alloc_skip--) {
		alloc_count--;
		alloc_skip = 0;
		return NULL;
	}
	return real_alloc(dev, len, iova);
}

void weft_devices(void)
{
	static int number[2] = { 0, 1 };

	for (int i = 0; i < 2; i++) {
		side[i].fake = fake_new();
		side[i].fake->flat_iova = IOVA_TAG;
	}
	fake_fc_join(side[0].fake, side[1].fake);
	set_time();
	for (int i = 0; i < 2; i++) {
		struct weft_dev_params p = { .advance_ns = 10,
					     .timeout_ms = 2000,
					     .admin_sq_log2 = weft_admin_log2,
					     .idle_cb = on_idle,
					     .idle_arg = &number[i] };

		ck_assert_int_eq(weft_dev_open(&side[i].fake->bus, &p, &side[i].dev), 0);
	}
}

struct weft_fc_params weft_params(int i)
{
	uint64_t name = i ? TARGET_WWNN : HOST_WWNN;
	struct weft_fc_params p = { .wwnn = name,
				    .wwpn = name | WWPN_BITS,
				    .mode = WEFT_FCM_NATIVE,
				    .roles = WEFT_FCR_INITIATOR };

	if (i) {
		p.roles = WEFT_FCR_TARGET | WEFT_FCR_DISCOVERY;
		p.target_entries = weft_target_entries;
	}
	if (weft_both_roles)
		p.roles = WEFT_FCR_TARGET | WEFT_FCR_INITIATOR;
	return p;
}

void weft_devices_close(void)
{
	for (int i = 0; i < 2; i++) {
		struct weft_dev *dev = side[i].dev;

		side[i].dev = NULL;
		weft_dev_close(dev);
		ck_assert_uint_eq(side[i].fake->maps_live, 0);
		ck_assert_uint_eq(side[i].fake->irqs_live, 0);
		ck_assert_uint_eq(side[i].fake->violations, 0);
	}
	for (int i = 0; i < 2; i++) {
		fake_free(side[i].fake);
		side[i].fake = NULL;
	}
}

static struct nvme_fc_remote_port *remote(void)
{
	return side[0].fc->rport[side[0].fake->fc->index].rport;
}

static bool takes(const struct nvme_fc_loop_opts *o)
{
	return !(o->max_sgl_segments || o->dma_boundary || o->no_readdata_rsp || o->no_target_ls ||
		 o->no_defer || o->sync_abort);
}

static void create(const struct nvme_fc_loop_opts *o)
{
	struct weft_fc_params p = weft_params(0), t = weft_params(1);

	p.max_queues = (uint16_t)o->max_hw_queues;
	p.dev_loss_tmo = o->dev_loss_tmo;
	weft_devices();
	side[1].fake->fc->empty_rsp = o->empty_rsp;
	fake_fc_cable(side[0].fake, true);
	ck_assert_int_eq(weft_fc_open(side[1].dev, &t, &side[1].fc), 0);
	ck_assert_int_eq(weft_fc_open(side[0].dev, &p, &side[0].fc), 0);
	for (int i = 0; i < 10 && !remote(); i++)
		poll();
	ck_assert_ptr_nonnull(remote());
	real_alloc = side[0].fc->mem.alloc;
	side[0].fc->mem.alloc = side[1].fc->mem.alloc = mem_alloc;
}

static void get_stats(struct nvme_fc_loop_stats *s);

static int destroy(void)
{
	struct nvme_fc_loop_stats s = { 0 };

	for (int i = 0; i < 2; i++) {
		weft_fc_close(side[i].fc);
		side[i].fc = NULL;
	}
	get_stats(&s);
	weft_devices_close();
	return s.exchanges || s.ls || s.queues ? -EBUSY : 0;
}

static int link_to(bool up)
{
	fake_fc_cable(side[0].fake, up);
	for (int i = 0; i < 4; i++)
		poll();
	ck_assert(!remote() == !up);
	return 0;
}

/* --- faults ----------------------------------------------------------------------------------------- */

static const int faults[NVME_FC_LOOP_FAULTS] = {
	[NVME_FC_LOOP_LS_BUSY] = -1, /* adapter_port_test: rings that are full */
	[NVME_FC_LOOP_LS_FAIL] = FAKE_LS_FAIL,
	[NVME_FC_LOOP_LS_DROP] = FAKE_LS_DROP,
	[NVME_FC_LOOP_LS_RSP_DROP] = FAKE_LS_RSP_DROP,
	[NVME_FC_LOOP_LS_REJECT] = FAKE_LS_REJECT,
	[NVME_FC_LOOP_LS_GARBLE] = FAKE_LS_GARBLE,
	[NVME_FC_LOOP_LS_NO_TIMEOUT] = FAKE_LS_NO_TIMEOUT,
	[NVME_FC_LOOP_LS_XMT_FAIL] = FAKE_LS_RSP_FAIL,
	[NVME_FC_LOOP_QUEUE_FAIL] = -1, /* adapter_port_test: a pair that cannot be made */
	[NVME_FC_LOOP_IO_BUSY] = -1,
	[NVME_FC_LOOP_IO_AGAIN] = -1,
	[NVME_FC_LOOP_IO_FAIL] = -1,
	[NVME_FC_LOOP_CMND_DROP] = FAKE_CMND_DROP,
	[NVME_FC_LOOP_CMND_ABORT] = FAKE_CMND_ABORT,
	[NVME_FC_LOOP_OP_FAIL] = -1, /* adapter_port_test: an operation on an aborted exchange */
	[NVME_FC_LOOP_OP_DROP] = FAKE_OP_DROP,
	[NVME_FC_LOOP_OP_ERROR] = FAKE_OP_ERROR,
	[NVME_FC_LOOP_OP_SHORT] = FAKE_OP_SHORT,
	[NVME_FC_LOOP_OP_ABORT] = FAKE_OP_ABORT,
	[NVME_FC_LOOP_RSP_LATE] = FAKE_RSP_LATE,
	[NVME_FC_LOOP_RSP_DROP] = FAKE_RSP_DROP,
	[NVME_FC_LOOP_RSP_GARBLE] = FAKE_RSP_GARBLE,
	[NVME_FC_LOOP_ABORT_LATE] = FAKE_ABORT_LATE,
};

static bool can(enum nvme_fc_loop_fault f)
{
	return f == NVME_FC_LOOP_ALLOC || faults[f] >= 0;
}

static void fault(enum nvme_fc_loop_fault f, unsigned int skip, unsigned int count)
{
	if (f == NVME_FC_LOOP_ALLOC) {
		alloc_skip = skip;
		alloc_count = count;
	} else {
		fake_fc_fault((enum fake_fc_fault)faults[f], skip, count);
	}
}

/* --- what is in use --------------------------------------------------------------------------------- */

static void add_fc(const struct weft_fc *fc, struct nvme_fc_loop_stats *s)
{
	const struct wfc_queue *q;

	if (!fc)
		return;
	s->memory += fc->n_memory;
	s->hosts += fc->n_hosts;
	s->deferred += fc->n_deferred;
	s->deleted[1] += fc->n_remotes_deleted;
	TAILQ_FOREACH(q, &fc->queues, link)
	s->queues += !q->deleted;
	s->exchanges += fc->n_cmds + fc->n_held;
	s->ls += !wfc_ls_idle(fc);
}

static void get_stats(struct nvme_fc_loop_stats *s)
{
	const struct fake_fc *t = side[1].fake->fc;

	for (int i = 0; i < 2; i++) {
		const struct fake *f = side[i].fake;

		add_fc(side[i].fc, s);
		s->breaches += f->violations;
		s->exchanges += fake_fc_in_use(f, false);
		s->ls += fake_fc_in_use(f, true);
		s->aborts += f->fc->ops[OPS_ABORT];
	}
	s->breach = "see above";
	s->commands = side[0].fake->fc->ios;
	s->fcp_ops[NVMET_FCOP_READDATA] = t->ops[OPS_READ];
	s->fcp_ops[NVMET_FCOP_READDATA_RSP] = t->ops[OPS_READ_RSP];
	s->fcp_ops[NVMET_FCOP_WRITEDATA] = t->ops[OPS_WRITE];
	s->fcp_ops[NVMET_FCOP_RSP] = t->ops[OPS_RSP];
	s->short_rsps = t->short_rsps;
	s->discovery = t->ops[OPS_RSCN];
}

/* --- ports ------------------------------------------------------------------------------------------ */

static struct nvme_fc_local_port *local(void)
{
	return weft_fc_localport(side[0].fc);
}

static struct nvmet_fc_target_port *tport(void)
{
	return weft_fc_targetport(side[1].fc);
}

static uint64_t iova(const void *addr)
{
	return (uint64_t)(uintptr_t)addr ^ IOVA_TAG;
}

static int host_ls(struct nvmefc_ls_req *req)
{
	return side[0].fc->host_tmpl.ls_req(local(), remote(), req);
}

static int target_ls(struct nvmefc_ls_req *req)
{
	struct wfc_host *h = wfc_host_of(&side[1].fc->rport[side[1].fake->fc->index]);

	return side[1].fc->target_tmpl.ls_req(tport(), h, req);
}

const struct rig_driver rig_adapter = { .name = "adapter",
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
					.iova = iova,
					.host_ls = host_ls,
					.target_ls = target_ls };
