// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "pair.h"

#define NS_BYTES (4u << 20)
#define END_MS 2000

static int failed(const char *what, int err)
{
	fprintf(stderr, "pair: %s: %s (%s)\n", what, strerror(-err), weft_last_error());
	return err;
}

/* --- the controller --------------------------------------------------------------------------- */

static int poll_target(void *arg)
{
	struct pair *p = arg;

	return p->target ? nvme_target_poll(p->target) : weft_dev_poll(p->side[PAIR_TARGET].dev);
}

static int add_namespace(struct pair *p)
{
	struct nvme_ns_opts ns = { .nsid = 1 };
	struct nvme_backend *backend = &p->store.backend;
	int ret = store_init(&p->store, p->cosim.world, p->params.ns_bytes, 512);

	if (!ret && p->params.ram)
		ret = nvme_backend_ram(p->params.ns_bytes, 512, &backend);
	if (ret)
		return failed("backend", ret);
	p->store.delay_ns = p->params.delay_ns;
	p->store.shuffle = p->params.shuffle;
	ret = nvme_subsys_ns_add(p->subsys, backend, &ns, NULL);
	return ret ? failed("namespace", ret) : 0;
}

static int open_target(struct pair *p)
{
	struct nvme_port_opts port = { .traddr = COSIM_IP + PAIR_TARGET,
				       .listen = p->params.listen };
	struct nvme_subsys_opts subsys = p->params.subsys;
	int ret = nvme_target_create(&p->params.target, &p->target);

	if (ret)
		return failed("target", ret);
	cosim_program(&p->cosim.end[PAIR_TARGET], poll_target, p);
	subsys.nqn = PAIR_NQN;
	subsys.allow_any_host = true;
	ret = nvme_target_subsys_add(p->target, &subsys, &p->subsys);
	if (!ret)
		ret = add_namespace(p);
	if (ret)
		return failed("subsystem", ret);
	port.listen.dev = p->side[PAIR_TARGET].dev;
	if (p->cosim.end[PAIR_TARGET].fc) {
		port.trtype = NVMF_TRTYPE_FC;
		port.listen.fc.target_port = weft_fc_targetport(p->cosim.end[PAIR_TARGET].fc);
	} else {
		port.listen.port = PAIR_PORT;
		port.listen.header_digests = port.listen.data_digests = !p->params.no_digests;
	}
	ret = nvme_target_port_add(p->target, &port, &p->port);
	if (!ret)
		ret = nvme_port_link(p->port, p->subsys);
	return ret ? failed("port", ret) : 0;
}

int pair_end_target(struct pair *p, uint32_t timeout_ms)
{
	struct nvme_target *t = p->target;

	p->target = NULL; /* its own calls poll it from now on */
	return nvme_target_destroy(t, timeout_ms);
}

/* --- the hosts -------------------------------------------------------------------------------- */

static int poll_host(void *arg)
{
	struct pair_side *s = arg;

	if (s->asleep)
		return 0;
	return s->host ? nvme_host_poll(s->host) : weft_dev_poll(s->dev);
}

static int tcp_address(struct nvme_host_opts *o)
{
	o->addr.trtype = NVMF_TRTYPE_TCP;
	o->addr.ip = COSIM_IP + PAIR_TARGET;
	o->addr.port = PAIR_PORT;
	return 0;
}

/* The target's FC port must have logged in first. */
static int fc_address(struct pair_side *s, struct nvme_host_opts *o)
{
	int ret = cosim_fc_wait(s->end);

	o->addr.trtype = NVMF_TRTYPE_FC;
	o->addr.wwnn = COSIM_WWNN + PAIR_TARGET;
	o->addr.wwpn = COSIM_WWPN + PAIR_TARGET;
	o->fc_port = weft_fc_localport(s->end->fc);
	return ret;
}

int pair_connect(struct pair *p, unsigned int i)
{
	const struct pair_params *q = &p->params;
	struct pair_side *s = &p->side[i];
	struct nvme_host_opts o;
	int ret;

	nvme_host_opts_init(&o);
	ret = s->end->fc ? fc_address(s, &o) : tcp_address(&o);
	if (ret)
		return ret;
	strcpy(o.addr.subnqn, PAIR_NQN);
	o.hostid[15] = (uint8_t)i;
	o.io_queues = q->io_queues ? q->io_queues : 1;
	o.io_qsize = q->io_qsize ? q->io_qsize : 32;
	if (q->listen.qsize && q->listen.qsize < o.admin_qsize)
		o.admin_qsize = (uint16_t)q->listen.qsize;
	o.header_digest = q->digests & 1;
	o.data_digest = q->digests & 2;
	o.disable_sqflow = q->disable_sqflow;
	o.maxr2t = q->maxr2t;
	o.max_xfer = q->max_xfer;
	if (q->kato_ms)
		o.kato_ms = q->kato_ms == 1 ? 0 : q->kato_ms;
	o.io_timeout_ms = q->io_timeout_ms;
	o.reconnect_delay_ms = q->reconnect_delay_ms;
	o.event_cb = q->event_cb;
	o.event_arg = q->event_arg;
	ret = nvme_host_connect(s->dev, &o, &s->host);
	return ret ? ret : nvme_host_ns_open(s->host, 1, &s->ns);
}

void pair_disconnect(struct pair *p, unsigned int i)
{
	struct nvme_host *host = p->side[i].host;

	p->side[i].host = NULL;
	nvme_host_disconnect(host);
}

/* --- all -------------------------------------------------------------------------------------- */

int pair_open(struct pair *p, const struct pair_params *params)
{
	unsigned int i;
	int ret;

	memset(p, 0, sizeof(*p));
	p->params = *params;
	if (!p->params.ns_bytes)
		p->params.ns_bytes = NS_BYTES;
	ret = cosim_open(&p->cosim, &p->params.cosim);
	if (ret)
		return ret;
	for (i = 0; i < p->cosim.n; i++) {
		struct pair_side *s = &p->side[i];

		s->pair = p;
		s->end = &p->cosim.end[i];
		s->dev = s->end->dev;
		if (i != PAIR_TARGET)
			cosim_program(s->end, poll_host, s);
	}
	return open_target(p);
}

void pair_close(struct pair *p)
{
	unsigned int i;

	for (i = 0; i < p->cosim.n; i++)
		if (p->side[i].host)
			pair_disconnect(p, i);
	if (p->target)
		pair_end_target(p, END_MS);
	cosim_close(&p->cosim);
	store_free(&p->store);
	memset(p, 0, sizeof(*p));
}

void pair_run(struct pair *p, uint64_t ns)
{
	uint64_t end = cosim_now(&p->cosim) + ns;

	while (cosim_now(&p->cosim) < end)
		cosim_poll(&p->cosim);
}

const char *pair_trouble(struct pair *p)
{
	static char text[100];
	struct weft_dma_stats dma;
	unsigned int i;

	for (i = 0; i < p->cosim.n; i++) {
		weft_sim_bus_stats(p->cosim.end[i].bus, &dma);
		if (dma.refused || dma.not_lent) {
			snprintf(text, sizeof(text),
				 "end %u: DMA to memory that is not %s, first at %llx", i,
				 dma.refused ? "mapped" : "lent",
				 (unsigned long long)dma.first_bad);
			return text;
		}
	}
	return p->store.misuse;
}

/* --- I/O -------------------------------------------------------------------------------------- */

void pair_done(void *arg, const struct nvme_result *r)
{
	struct pair_io *io = arg;

	io->done++;
	if ((r->error || r->status) && !io->error) {
		io->error = nvme_result_errno(r);
		io->status = r->status;
	}
}

int pair_read(struct pair_side *s, void *buf, uint64_t lba, uint32_t blocks, struct pair_io *io)
{
	struct memdesc m = memdesc_vaddr(buf);

	return nvme_host_read(&s->ns, &m, lba, blocks, 0, pair_done, io);
}

int pair_write(struct pair_side *s, void *buf, uint64_t lba, uint32_t blocks, struct pair_io *io)
{
	struct memdesc m = memdesc_vaddr(buf);

	return nvme_host_write(&s->ns, &m, lba, blocks, 0, pair_done, io);
}

bool pair_wait(struct pair *p, const struct pair_io *io, unsigned int want, uint64_t limit_ns)
{
	uint64_t end = cosim_now(&p->cosim) + limit_ns;

	while (io->done < want && cosim_now(&p->cosim) < end)
		cosim_poll(&p->cosim);
	return io->done >= want;
}
