/* SPDX-License-Identifier: BSD-2-Clause */
/* Get Log Page. Pages are made on the fly; only the window that was asked for is written. */
#include <string.h>
#include <time.h>

#include "tgt.h"

#define LOG_MAX_CHANGED 1024u
#define EFFECT_SUPPORTED 0x1u
#define EFFECT_CONTENT 0x2u /* logical blocks may change */

struct log_args {
	uint8_t lid;
	bool rae;
	uint32_t len; /* bytes */
	uint64_t off;
};

/* len 0: too many. */
static struct log_args parse(const struct nvme_sqe *s)
{
	uint64_t numd = ((uint64_t)(s->cdw11 & 0xffff) << 16 | s->cdw10 >> 16) + 1;

	return (struct log_args){
		.lid = (uint8_t)s->cdw10,
		.rae = s->cdw10 >> 15 & 1,
		.len = numd <= TGT_MAX_XFER / 4 ? (uint32_t)numd * 4 : 0,
		.off = (uint64_t)s->cdw13 << 32 | s->cdw12,
	};
}

void nvme_tgt_page_put(const struct tgt_page *pg, uint64_t at, const void *src, size_t n)
{
	uint64_t from = at > pg->off ? at : pg->off, end = at + n;

	if (end > pg->off + pg->len)
		end = pg->off + pg->len;
	if (from < end)
		memcpy(pg->out + (from - pg->off), (const uint8_t *)src + (from - at), end - from);
}

/* --- pages ---------------------------------------------------------------------------------------- */

void nvme_tgt_log_error(struct tgt_ctrl *c, const struct tgt_cmd *cmd, uint16_t status)
{
	struct nvme_error_entry *e = &c->error[c->n_errors % TGT_ERRORS];
	const struct nvme_sqe *s = cmd->sqe;

	*e = (struct nvme_error_entry){
		.count = ++c->n_errors,
		.sqid = cmd->q->qid,
		.cid = s->cid,
		.status = (uint16_t)(status << 1),
		.location = 0xffff,
		.nsid = s->opc == NVME_OPC_FABRICS ? 0 : s->nsid,
		.trtype = (uint8_t)cmd->q->port->trtype,
	};
	if (cmd->q->qid)
		e->lba = (uint64_t)s->cdw11 << 32 | s->cdw10;
}

static void error_page(struct tgt_ctrl *c, const struct tgt_page *pg)
{
	uint64_t i;

	for (i = 0; i < TGT_ERRORS && i < c->n_errors; i++)
		nvme_tgt_page_put(pg, i * sizeof(*c->error),
				  &c->error[(c->n_errors - 1 - i) % TGT_ERRORS], sizeof(*c->error));
}

static uint64_t data_units(uint64_t bytes)
{
	return (bytes + 511999) / 512000;
}

static void smart_page(struct tgt_ctrl *c, const struct tgt_page *pg)
{
	const struct nvme_subsys *s = c->subsys;
	struct timespec now;
	struct nvme_smart_log log = {
		.available_spare = 100,
		.data_units_read = { data_units(s->read_bytes) },
		.data_units_written = { data_units(s->write_bytes) },
		.host_reads = { s->reads },
		.host_writes = { s->writes },
		.media_errors = { s->media_errors },
		.error_log_entries = { c->n_errors },
	};

	clock_gettime(CLOCK_MONOTONIC, &now);
	log.power_on_hours[0] = ((uint64_t)now.tv_sec - c->t->started) / 3600;
	nvme_tgt_page_put(pg, 0, &log, sizeof(log));
}

static void firmware_page(struct tgt_ctrl *c, const struct tgt_page *pg)
{
	static const uint8_t active = 1;

	nvme_tgt_page_put(pg, 0, &active, 1);
	nvme_tgt_page_put(pg, 8, c->subsys->firmware, 8);
}

static void changed_page(struct tgt_ctrl *c, const struct tgt_page *pg)
{
	static const uint32_t all = NVME_NSID_ALL;
	uint32_t list[LOG_MAX_CHANGED], n = 0, i;

	for (i = 0; i < c->subsys->o.max_namespaces && n <= LOG_MAX_CHANGED; i++) {
		if (!(c->changed[i / 8] >> i % 8 & 1))
			continue;
		if (n < LOG_MAX_CHANGED)
			list[n] = i + 1;
		n++;
	}
	if (n > LOG_MAX_CHANGED)
		nvme_tgt_page_put(pg, 0, &all, sizeof(all));
	else
		nvme_tgt_page_put(pg, 0, list, n * sizeof(*list));
}

static void effects_page(struct tgt_ctrl *c, const struct tgt_page *pg)
{
	static const uint8_t admin[] = { NVME_OPC_GET_LOG_PAGE, NVME_OPC_IDENTIFY,
					 NVME_OPC_ABORT,        NVME_OPC_SET_FEATURES,
					 NVME_OPC_GET_FEATURES, NVME_OPC_ASYNC_EVENT_REQUEST,
					 NVME_OPC_KEEP_ALIVE,   NVME_OPC_FABRICS };
	static const uint8_t io[] = { NVME_OPC_FLUSH, NVME_OPC_READ, NVME_OPC_COMPARE,
				      NVME_OPC_VERIFY, NVME_OPC_FABRICS };
	static const uint8_t changing[] = { NVME_OPC_WRITE, NVME_OPC_WRITE_ZEROES,
					    NVME_OPC_DATASET_MANAGEMENT };
	uint32_t e[512] = { 0 };
	size_t i;

	(void)c;
	for (i = 0; i < sizeof(admin); i++)
		e[admin[i]] = EFFECT_SUPPORTED;
	for (i = 0; i < sizeof(io); i++)
		e[256 + io[i]] = EFFECT_SUPPORTED;
	for (i = 0; i < sizeof(changing); i++)
		e[256 + changing[i]] = EFFECT_SUPPORTED | EFFECT_CONTENT;
	nvme_tgt_page_put(pg, 0, e, sizeof(e));
}

static void discovery_page(struct tgt_ctrl *c, const struct tgt_page *pg)
{
	nvme_tgt_discovery_log(c, pg);
}

static const struct log_page {
	uint8_t lid;
	bool discovery; /* of discovery controllers, else of I/O controllers */
	uint32_t size;
	void (*make)(struct tgt_ctrl *c, const struct tgt_page *pg);
} pages[] = {
	{ NVME_LID_ERROR, false, TGT_ERRORS * sizeof(struct nvme_error_entry), error_page },
	{ NVME_LID_SMART, false, 512, smart_page },
	{ NVME_LID_FIRMWARE, false, 512, firmware_page },
	{ NVME_LID_CHANGED_NS, false, LOG_MAX_CHANGED * 4, changed_page },
	{ NVME_LID_EFFECTS, false, 4096, effects_page },
	{ NVME_LID_DISCOVERY, true, 0, discovery_page },
};

static const struct log_page *lookup(const struct tgt_ctrl *c, uint8_t lid)
{
	size_t i;

	for (i = 0; i < sizeof(pages) / sizeof(*pages); i++)
		if (pages[i].lid == lid && pages[i].discovery == !c->subsys)
			return &pages[i];
	return NULL;
}

static uint16_t fill(struct tgt_cmd *cmd)
{
	struct tgt_ctrl *c = cmd->q->ctrl;
	struct log_args a = parse(cmd->sqe);
	const struct log_page *p = lookup(c, a.lid);
	struct tgt_page pg = { .out = cmd->data, .off = a.off, .len = a.len };

	if (a.off > (p->size ? p->size : nvme_tgt_discovery_size(c)))
		return NVME_SC_INVALID_FIELD | TGT_DNR;
	p->make(c, &pg);
	if (a.rae)
		return 0;
	if (a.lid == NVME_LID_CHANGED_NS) {
		memset(c->changed, 0, (c->subsys->o.max_namespaces + 7) / 8);
		nvme_tgt_event_seen(c, EVENT_NS);
	} else if (a.lid == NVME_LID_DISCOVERY) {
		nvme_tgt_event_seen(c, EVENT_DISCOVERY);
	}
	return 0;
}

/* Pages are the controller's, not a namespace's; Linux names either no namespace or all. */
static uint16_t check(const struct tgt_cmd *cmd, const struct log_args *a)
{
	const struct nvme_subsys *s = cmd->q->ctrl->subsys;
	uint32_t nsid = cmd->sqe->nsid;

	if (!lookup(cmd->q->ctrl, a->lid))
		return NVME_SC_INVALID_LOG_PAGE | TGT_DNR;
	if (nsid && nsid != NVME_NSID_ALL)
		return NVME_SC_INVALID_FIELD | TGT_DNR;
	if (!a->len || a->len > (s ? s->o.max_xfer : TGT_MAX_XFER))
		return NVME_SC_INVALID_FIELD | TGT_DNR;
	if (a->off % 4 || cmd->sqe->cdw14 >> 23 & 1) /* offsets by index */
		return NVME_SC_INVALID_FIELD | TGT_DNR;
	return 0;
}

void nvme_tgt_get_log(struct tgt_cmd *cmd)
{
	struct log_args a = parse(cmd->sqe);
	uint16_t status = check(cmd, &a);

	if (status)
		nvme_tgt_complete(cmd, status);
	else
		nvme_tgt_reply(cmd, a.len, fill);
}
