/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From nothing to a live association, and back. The order of commands is the one of the Linux host:
 * Connect, CAP, CC without EN (it chooses the command sets), CAP again, CC with EN, CSTS.RDY, VS,
 * Identify Controller, Number of Queues, I/O queues, asynchronous events.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "weft_host.h"

#define DEFAULT_ADMIN_MS 60000u
#define DEFAULT_IO_MS 30000u
#define DEFAULT_LOSS_MS 600000u
#define DEFAULT_MAX_XFER (1024u << 10)
#define ICD_CEILING 65536u
#define SHUTDOWN_MS 5000u
#define OAES_WANTED 0x80000b00u /* discovery log, ANA, firmware activation, namespace attributes */

static uint32_t cc_value(uint64_t cap)
{
	uint32_t css = 0;

	if (cap >> 43 & 1)
		css = 6; /* all I/O command sets */
	else if (!(cap >> 37 & 1) && (cap >> 44 & 1))
		css = 7; /* admin only */
	return css << NVME_CC_CSS_LSB | NVME_CC_IOSQES_64 | NVME_CC_IOCQES_16;
}

static uint64_t ready_ms(uint64_t cap)
{
	uint64_t ms = (cap >> 24 & 0xff) * 500;

	return ms ? ms : 500;
}

static int enable(struct nvme_host *h)
{
	uint64_t vs = 0;
	int rc = nvme__prop_get(h, NVME_PROP_CAP, true, &h->cap);

	if (!rc)
		rc = nvme__prop_set(h, NVME_PROP_CC, cc_value(h->cap));
	if (!rc)
		rc = nvme__prop_get(h, NVME_PROP_CAP, true,
				    &h->cap); /* may depend on the command sets chosen */
	if (!rc)
		rc = nvme__prop_set(h, NVME_PROP_CC, cc_value(h->cap) | NVME_CC_EN);
	if (!rc)
		rc = nvme__wait_csts(h, NVME_CSTS_RDY, NVME_CSTS_RDY, ready_ms(h->cap));
	if (!rc)
		rc = nvme__prop_get(h, NVME_PROP_VS, false, &vs);
	h->vs = (uint32_t)vs;
	return rc;
}

/* Limits of a command, from what the controller says about itself. */
static void set_limits(struct nvme_host *h)
{
	const struct nvme_identify_ctrl *id = &h->identify;
	uint64_t page = 4096ull << (h->cap >> 48 & 15), icd = 0;

	h->max_xfer = h->opts.max_xfer < WEFT_DATA_MAX ? h->opts.max_xfer : WEFT_DATA_MAX;
	if (id->mdts && id->mdts < 20 && page << id->mdts < h->max_xfer)
		h->max_xfer = (uint32_t)(page << id->mdts);
	if (id->ioccsz > 4 && (id->sgls >> 20 & 1) && !id->icdoff)
		icd = (id->ioccsz - 4ull) * 16;
	h->max_icd = (uint32_t)(icd < ICD_CEILING ? icd : ICD_CEILING);
}

static int identify(struct nvme_host *h)
{
	int rc = nvme_host_identify_sync(h, NVME_CNS_CONTROLLER, 0, &h->identify);

	if (rc)
		return rc;
	if (h->identify.cntlid != h->cntlid)
		return weft_set_error(-EPROTO, "Identify tells controller id %u, Connect %u",
				      h->identify.cntlid, h->cntlid);
	set_limits(h);
	return 0;
}

static unsigned int qsize_min(const struct nvme_host_opts *o)
{
	return o->addr.trtype == NVMF_TRTYPE_FC ? 4 : 2;
}

/* Connects all, then sends all the Connect commands: what a controller sees of a Linux host. */
static int io_queues(struct nvme_host *h)
{
	unsigned int want = h->opts.io_queues, i, granted;
	uint64_t mqes = (h->cap & 0xffff) + 1;
	uint32_t got;
	int rc;

	if (!want)
		return 0;
	rc = nvme_host_set_feature_sync(h, NVME_FID_NUMBER_OF_QUEUES, 0,
					(want - 1) << 16 | (want - 1), &got);
	if (rc)
		return rc;
	granted = ((got & 0xffff) < got >> 16 ? got & 0xffff : got >> 16) + 1;
	if (granted < want)
		want = granted;
	h->io_qsize = (uint16_t)(h->opts.io_qsize < mqes ? h->opts.io_qsize : mqes);
	if (h->io_qsize < qsize_min(&h->opts))
		return weft_set_error(-EPROTO, "the controller allows queues of %llu entries only",
				      (unsigned long long)mqes);
	for (i = 1; i <= want; i++) {
		rc = nvme__queue_open(h, (uint16_t)i, h->io_qsize, h->max_icd);
		if (rc == -ENOSPC && i > 1) {
			want = i - 1; /* the adapter has no more pairs: fewer will do */
			break;
		}
		if (rc)
			return rc;
	}
	for (i = 1; i <= want; i++) {
		rc = nvme__fabrics_connect(h, (uint16_t)i, h->io_qsize);
		if (rc)
			return rc;
	}
	h->io_queues = want;
	return 0;
}

static int async_events(struct nvme_host *h)
{
	uint32_t mask = h->identify.oaes & OAES_WANTED;
	int rc;

	if (h->opts.no_async_events || !mask)
		return 0;
	rc = nvme_host_set_feature_sync(h, NVME_FID_ASYNC_EVENTS, 0, mask, NULL);
	if (!rc)
		nvme__start_aer(h);
	return rc;
}

/* On failure everything that was opened is closed again. */
int nvme__associate(struct nvme_host *h)
{
	int rc;

	h->state = HOST_CONNECTING;
	h->failed = 0;
	h->io_queues = 0;
	h->keepalive_at = UINT64_MAX;
	rc = nvme__queue_open(h, 0, h->opts.admin_qsize, 0);
	if (!rc)
		rc = nvme__fabrics_connect(h, 0, h->opts.admin_qsize);
	if (!rc && h->opts.kato_ms)
		h->keepalive_at = nvmf__env_now(&h->env) + h->opts.kato_ms / 2 * NSEC_PER_MSEC;
	if (!rc)
		rc = enable(h);
	if (!rc)
		rc = identify(h);
	if (!rc)
		rc = io_queues(h);
	if (!rc)
		rc = async_events(h);
	if (!rc && h->failed)
		rc = h->failed;
	if (rc) {
		char why[200];

		snprintf(why, sizeof(why), "%s",
			 weft_last_error()); /* closing may fail, too; the cause counts */
		nvme__down(h, rc);
		return weft_set_error(rc, "%s", why);
	}
	h->state = HOST_LIVE;
	h->attempts = 0;
	return 0;
}

static int check_transport(const struct weft_dev *dev, const struct nvme_host_opts *o)
{
	switch (o->addr.trtype) {
	case NVMF_TRTYPE_TCP:
		if (!dev || !o->addr.ip || !o->addr.port)
			return weft_set_error(-EINVAL,
					      "an adapter, an address and a port are needed");
		return 0;
	case NVMF_TRTYPE_FC:
		if ((!dev && (!o->fc_pump || !o->fc_pump->poll)) || !o->fc_port || !o->addr.wwnn ||
		    !o->addr.wwpn)
			return weft_set_error(-EINVAL,
					      "FC: our port and the names of the other are needed");
		return 0;
	default:
		return weft_set_error(-EOPNOTSUPP, "transport type %d", o->addr.trtype);
	}
}

static int check_opts(const struct weft_dev *dev, const struct nvme_host_opts *o)
{
	int rc = check_transport(dev, o);

	if (rc)
		return rc;
	if (o->io_queues > MAX_IO_QUEUES || o->io_qsize < qsize_min(o) || o->io_qsize > 1024 ||
	    o->admin_qsize < 8 || o->admin_qsize > 1024)
		return weft_set_error(
			-EINVAL, "0..%u I/O queues of %u..1024 entries, admin queue of 8..1024",
			MAX_IO_QUEUES, qsize_min(o));
	return 0;
}

static void set_defaults(struct nvme_host_opts *o)
{
	struct nvme_host_opts std;

	nvme_host_opts_init(&std);
	if (!o->addr.subnqn[0])
		strcpy(o->addr.subnqn, NVME_DISCOVERY_NQN);
	if (!o->addr.hostnqn[0])
		strcpy(o->addr.hostnqn, std.addr.hostnqn);
	if (!o->admin_timeout_ms)
		o->admin_timeout_ms = DEFAULT_ADMIN_MS;
	if (!o->io_timeout_ms)
		o->io_timeout_ms = DEFAULT_IO_MS;
	if (!o->max_xfer)
		o->max_xfer = DEFAULT_MAX_XFER;
	if (!o->ctrl_loss_tmo_ms)
		o->ctrl_loss_tmo_ms = DEFAULT_LOSS_MS;
}

int nvme_host_connect(struct weft_dev *dev, const struct nvme_host_opts *opts,
		      struct nvme_host **host)
{
	struct nvme_host *h;
	int rc = check_opts(dev, opts);

	if (rc)
		return rc;
	h = calloc(1, sizeof(*h));
	if (!h)
		return -ENOMEM;
	h->env = (struct nvmf_env){ .dev = dev, .pump = opts->fc_pump };
	h->opts = *opts;
	h->opts.addr.subnqn[NVME_NQN_MAX] = h->opts.addr.hostnqn[NVME_NQN_MAX] = '\0';
	h->wait_tail = &h->wait_head;
	set_defaults(&h->opts);
	rc = nvme__associate(h);
	if (rc) {
		nvme__io_fini(h);
		free(h);
		return rc;
	}
	*host = h;
	return 0;
}

/* I/O queues closed, then the controller told, then the admin queue closed. */
static void close_all(struct nvme_host *h, uint32_t cc, uint32_t csts_mask, uint32_t csts_value)
{
	uint16_t i;

	h->keepalive_at = UINT64_MAX;
	for (i = 1; i <= MAX_IO_QUEUES; i++)
		nvme__queue_close(h, i);
	if (!nvme__prop_set(h, NVME_PROP_CC, cc))
		nvme__wait_csts(h, csts_mask, csts_value, SHUTDOWN_MS);
	nvme__down(h, -ECANCELED);
}

void nvme_host_disconnect(struct nvme_host *h)
{
	if (!h)
		return;
	if (h->state == HOST_LIVE && !h->failed)
		close_all(h, cc_value(h->cap) | NVME_CC_EN | NVME_CC_SHN_NORMAL,
			  NVME_CSTS_SHST_MASK, NVME_CSTS_SHST_COMPLETE);
	else
		nvme__down(h, -ECANCELED);
	nvme__io_fini(h);
	free(h);
}

int nvme_host_reset(struct nvme_host *h)
{
	if (h->state == HOST_LIVE && !h->failed)
		close_all(h, cc_value(h->cap), NVME_CSTS_RDY, 0);
	else
		nvme__down(h, -ECANCELED);
	return nvme__associate(h);
}

void nvme_host_info(const struct nvme_host *h, struct nvme_host_info *info)
{
	struct nvmf_qpair_info qi = { .entries = 0 };

	if (h->queue[0] && h->queue[0]->qp)
		nvmf_qpair_info(h->queue[0]->qp, &qi);
	*info = (struct nvme_host_info){
		.cntlid = h->cntlid,
		.cap = h->cap,
		.vs = h->vs,
		.io_queues = h->io_queues,
		.io_qsize = h->io_qsize,
		.max_xfer = h->max_xfer,
		.max_icd = h->max_icd,
		.header_digest = qi.header_digests,
		.data_digest = qi.data_digests,
		.live = h->state == HOST_LIVE && !h->failed,
		.identify = &h->identify,
	};
}

struct weft_dev *nvme_host_dev(struct nvme_host *h)
{
	return h->env.dev;
}

int nvme_host_stats(struct nvme_host *h, struct nvme_host_stats *stats)
{
	unsigned int i;

	*stats = h->stats;
	for (i = 0; i <= MAX_IO_QUEUES; i++)
		if (h->queue[i])
			nvme__queue_stats(h->queue[i], stats);
	return 0;
}
