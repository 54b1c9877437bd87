// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rig.h"

#define HOST_IP 0x0a000001u
#define CABLE_NS 500

static int failed(const char *what, int err)
{
	fprintf(stderr, "rig: %s: %s (%s)\n", what, strerror(-err), weft_last_error());
	return err;
}

static int build_world(struct rig *rig)
{
	struct rig_params *q = &rig->params;
	int ret;

	ret = weft_world_create(&rig->world);
	if (!ret)
		ret = weft_world_add_adapter(rig->world, &q->sim, &rig->port);
	if (ret)
		return ret;
	q->peer.mtu = q->mtu;
	ret = world_peer_open(&rig->wp, rig->world, &q->peer);
	if (ret)
		return ret;
	rig->peer = rig->wp.peer;
	if (q->capture)
		ret = weft_world_port_capture(rig->port, q->capture);
	if (!ret)
		ret = weft_world_link(rig->port, rig->wp.port, &q->cable[0], &q->cable[1],
				      q->sim.link_mbit_per_s);
	return ret;
}

static int set_port(struct rig *rig)
{
	struct weft_port port = { .ip = HOST_IP, .mask = 0xffffff00, .mac = { 2, 0, 0, 0, 0, 1 } };
	int ret;

	port.mtu = rig->params.mtu;
	ret = weft_port_set(rig->dev, &port);
	return ret ? failed("port", ret) : 0;
}

int rig_open(struct rig *rig, const struct rig_params *params)
{
	static const struct weft_dev_params dev = { .timeout_ms = 5000 };
	int ret;

	memset(rig, 0, sizeof(*rig));
	rig->params = *params;
	if (!rig->params.mtu)
		rig->params.mtu = 1500;
	if (!rig->params.cable[0].delay_ns)
		rig->params.cable[0].delay_ns = rig->params.cable[1].delay_ns = CABLE_NS;
	ret = build_world(rig);
	if (ret)
		return failed("world", ret);
	ret = weft_bus_open_port(rig->port, &rig->inproc);
	if (ret)
		return failed("bus", ret);
	rig->bus = params->wrap ? params->wrap(rig->inproc) : rig->inproc;
	if (!rig->bus)
		return failed("bus", -ENOMEM);
	ret = weft_dev_open(rig->bus, &dev, &rig->dev);
	if (ret)
		return failed("device", ret);
	return set_port(rig);
}

int rig_connect(struct rig *rig)
{
	const struct rig_params *q = &rig->params;
	struct nvme_host_opts o;
	int ret;

	nvme_host_opts_init(&o);
	o.addr.trtype = NVMF_TRTYPE_TCP;
	o.addr.ip = q->peer.ip ? q->peer.ip : 0x0a000002;
	o.addr.port = q->peer.port ? q->peer.port : 4420;
	snprintf(o.addr.subnqn, sizeof(o.addr.subnqn), "%s",
		 q->peer.subnqn ? q->peer.subnqn : PEER_SUBNQN);
	o.io_queues = q->io_queues ? q->io_queues : 1;
	o.io_qsize = q->io_qsize ? q->io_qsize : 128;
	o.header_digest = q->digests & 1;
	o.data_digest = q->digests & 2;
	o.disable_sqflow = q->disable_sqflow;
	o.maxr2t = q->maxr2t;
	o.max_xfer = q->max_xfer;
	o.io_timeout_ms = q->io_timeout_ms;
	o.reconnect_delay_ms = q->reconnect_delay_ms;
	o.event_cb = q->event_cb;
	o.event_arg = q->event_arg;
	ret = set_port(rig); /* again: a device that had to be reset forgets its address */
	if (!ret)
		ret = nvme_host_connect(rig->dev, &o, &rig->host);
	if (ret)
		return ret;
	return nvme_host_ns_open(rig->host, 1, &rig->ns);
}

void rig_run(struct rig *rig, uint64_t ns)
{
	uint64_t end = weft_world_now(rig->world) + ns;

	while (weft_world_now(rig->world) < end)
		if (rig->host)
			nvme_host_poll(rig->host);
		else
			weft_dev_poll(rig->dev);
}

const char *rig_trouble(struct rig *rig)
{
	static char text[200];
	struct weft_dma_stats dma;
	const char *complaint;

	if (peer_complaints(rig->peer, &complaint)) {
		snprintf(text, sizeof(text), "the peer complains: %s", complaint);
		return text;
	}
	weft_sim_bus_stats(rig->inproc, &dma);
	if (dma.refused || dma.not_lent) {
		snprintf(text, sizeof(text), "DMA outside the host's memory at %llx",
			 (unsigned long long)dma.first_bad);
		return text;
	}
	return NULL;
}

/* --- I/O --------------------------------------------------------------------------------------------------------------- */

static void on_done(void *arg, const struct nvme_result *r)
{
	struct rig_io *io = arg;

	io->done++;
	if ((r->error || r->status) && !io->error) {
		io->error = nvme_result_errno(r);
		io->status = r->status;
	}
}

int rig_read(struct rig *rig, void *buf, uint64_t lba, uint32_t blocks, struct rig_io *io)
{
	struct memdesc m = memdesc_vaddr(buf);

	return nvme_host_read(&rig->ns, &m, lba, blocks, 0, on_done, io);
}

int rig_write(struct rig *rig, void *buf, uint64_t lba, uint32_t blocks, struct rig_io *io)
{
	struct memdesc m = memdesc_vaddr(buf);

	return nvme_host_write(&rig->ns, &m, lba, blocks, 0, on_done, io);
}

bool rig_wait(struct rig *rig, const struct rig_io *io, unsigned int want, uint64_t limit_ns)
{
	uint64_t end = weft_world_now(rig->world) + limit_ns;

	while (io->done < want && weft_world_now(rig->world) < end)
		nvme_host_poll(rig->host);
	return io->done >= want;
}

void rig_close(struct rig *rig)
{
	nvme_host_disconnect(rig->host);
	if (rig->dev)
		weft_dev_close(rig->dev);
	else if (rig->bus)
		rig->bus->ops->close(rig->bus);
	weft_world_destroy(rig->world);
	world_peer_close(&rig->wp);
	memset(rig, 0, sizeof(*rig));
}
