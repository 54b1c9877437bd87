/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Controllers: an association from Connect to its end, its properties, its timers.
 *
 *	            CC.EN=1              CC.SHN
 *	disabled ───────────► ready ───────────► shutting down ──► shut down
 *	    ▲                   │ CC.EN=0          (flushes)           │
 *	    └──── resetting ◄───┴──────────────────────────────────────┘
 *	     (I/O queues get quiet)
 *
 * Keep Alive counts only while the controller is ready. In the other states, which a host passes
 * through quickly, a fixed time limit stands in for it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tgt.h"

static bool in_use(const struct nvme_target *t, const struct nvme_subsys *s, uint16_t cntlid)
{
	const struct tgt_ctrl *c;

	list_for_each(c, &t->ctrls, link)
		if (c->subsys == s && c->cntlid == cntlid)
			return true;
	return false;
}

/* The numbers go round, so that a new association rarely has the number of one just gone. */
static uint16_t new_cntlid(struct nvme_target *t, struct nvme_subsys *s)
{
	uint16_t *next = s ? &s->next_cntlid : &t->next_discovery_cntlid, id;
	uint16_t min = s ? s->o.cntlid_min : 1, max = s ? s->o.cntlid_max : NVME_CNTLID_MAX;
	uint32_t tries = (uint32_t)max - min + 1;

	while (tries--) {
		id = *next;
		*next = id == max ? min : (uint16_t)(id + 1);
		if (!in_use(t, s, id))
			return id;
	}
	return 0xffff;
}

static unsigned int discovery_ctrls(const struct nvme_target *t)
{
	const struct tgt_ctrl *c;
	unsigned int n = 0;

	list_for_each(c, &t->ctrls, link)
		n += !c->subsys;
	return n;
}

static uint64_t from_now(const struct tgt_ctrl *c, uint64_t ms)
{
	return c->d->now + ms * TGT_NSEC_PER_MSEC;
}

static int allocate(struct tgt_ctrl *c, const struct nvme_subsys *s)
{
	if (!s)
		return 0;
	c->ioq = calloc(s->o.max_io_queues, sizeof(*c->ioq));
	c->changed = calloc(1, (s->o.max_namespaces + 7) / 8);
	return c->ioq && c->changed ? 0 : -ENOMEM;
}

int nvme_tgt_ctrl_create(struct tgt_queue *q, struct nvme_subsys *s,
			 const struct nvme_connect_data *data, uint32_t kato_ms,
			 struct tgt_ctrl **out)
{
	struct nvme_target *t = q->t;
	struct tgt_ctrl *c;
	uint16_t id;

	if ((s ? s->n_ctrls : discovery_ctrls(t)) >= (s ? s->o.max_controllers : 64))
		return -EBUSY;
	id = new_cntlid(t, s);
	c = id == 0xffff ? NULL : calloc(1, sizeof(*c));
	if (!c || allocate(c, s)) {
		if (c) {
			free(c->ioq);
			free(c->changed);
		}
		free(c);
		return -ENOMEM;
	}
	c->t = t;
	c->subsys = s;
	c->port = q->port;
	c->d = q->d;
	c->refs = 1;
	c->cntlid = id;
	c->peer = q->peer;
	strcpy(c->hostnqn, data->hostnqn);
	memcpy(c->hostid, data->hostid, sizeof(c->hostid));
	c->admin = q;
	nvme_tgt_features_reset(c);
	nvme_tgt_ctrl_set_kato(c, kato_ms);
	c->idle_at = from_now(c, TGT_ASSOC_MS);
	if (s) {
		s->refs++;
		s->n_ctrls++;
	}
	TAILQ_INSERT_TAIL(&t->ctrls, c, link);
	nvme_tgt_note(t, "%s: controller %u for %s", s ? s->nqn : "discovery", id, c->hostnqn);
	*out = c;
	return 0;
}

/* Not by the table of queues: one that leaves may have a successor there. */
static void end_queues(struct tgt_ctrl *c)
{
	struct tgt_queue *q;

	list_for_each(q, &c->t->queues, link)
		if (q->ctrl == c)
			nvme_tgt_queue_end(q);
}

/* In order: the admin queue stays, and with it the association. */
static void delete_io_queues(struct tgt_ctrl *c)
{
	struct tgt_queue *q;

	list_for_each(q, &c->t->queues, link)
		if (q->ctrl == c && q->qid) {
			q->leaving = true;
			nvme_tgt_queue_end(q);
		}
}

void nvme_tgt_ctrl_end(struct tgt_ctrl *c)
{
	if (c->ended)
		return;
	c->ended = true;
	nvme_tgt_note(c->t, "%s: controller %u of %s ends",
		      c->subsys ? c->subsys->nqn : "discovery", c->cntlid, c->hostnqn);
	c->n_aer = 0; /* never answered */
	end_queues(c);
}

void nvme_tgt_ctrl_put(struct tgt_ctrl *c)
{
	if (--c->refs)
		return;
	TAILQ_REMOVE(&c->t->ctrls, c, link);
	if (c->subsys) {
		c->subsys->n_ctrls--;
		nvme_tgt_subsys_put(c->subsys);
	}
	free(c->ioq);
	free(c->changed);
	free(c);
}

/* --- timers -------------------------------------------------------------------------------------- */

void nvme_tgt_ctrl_keep_alive(struct tgt_ctrl *c)
{
	c->ka_at = from_now(c, c->kato_ms);
}

void nvme_tgt_ctrl_set_kato(struct tgt_ctrl *c, uint32_t ms)
{
	uint32_t unit = TGT_KAS * 100;

	if (ms > UINT32_MAX - unit)
		ms = UINT32_MAX - unit;
	c->kato_ms = (ms + unit - 1) / unit * unit;
	nvme_tgt_ctrl_keep_alive(c);
}

/* Every command counts as a sign of life where the controller says so (CTRATT.TBKAS): not discovery. */
static void keep_alive_timer(struct tgt_ctrl *c, uint64_t now)
{
	if (now < c->ka_at)
		return;
	if (c->traffic && c->subsys) {
		c->traffic = false;
		c->ka_at = now + c->kato_ms * TGT_NSEC_PER_MSEC;
		return;
	}
	c->t->stats.keep_alive_expired++;
	nvme_tgt_note(c->t, "%s: controller %u: no Keep Alive of %s in %u ms",
		      c->subsys ? c->subsys->nqn : "discovery", c->cntlid, c->hostnqn, c->kato_ms);
	c->csts |= NVME_CSTS_CFS;
	nvme_tgt_ctrl_end(c);
}

void nvme_tgt_ctrl_timer(struct tgt_ctrl *c, uint64_t now)
{
	if (c->ended)
		return;
	if (nvme_tgt_ready(c) && c->kato_ms) {
		keep_alive_timer(c, now);
		return;
	}
	if (nvme_tgt_ready(c) && c->subsys)
		return; /* the host wants no Keep Alive */
	if (c->traffic) {
		uint64_t ms = nvme_tgt_ready(c) ? c->t->o.discovery_timeout_ms : TGT_ASSOC_MS;

		c->traffic = false;
		c->idle_at = now + ms * TGT_NSEC_PER_MSEC;
	}
	if (now < c->idle_at)
		return;
	nvme_tgt_note(c->t, "%s: controller %u of %s is idle",
		      c->subsys ? c->subsys->nqn : "discovery", c->cntlid, c->hostnqn);
	nvme_tgt_ctrl_end(c);
}

/* --- enable, reset, shutdown ---------------------------------------------------------------------- */

/* Reset is done when nothing of the I/O queues can reach a backend's blocks any more. */
static void settle(struct tgt_ctrl *c)
{
	const struct tgt_queue *q;

	if (!c->resetting)
		return;
	list_for_each(q, &c->t->queues, link)
		if (q->ctrl == c && q->qid && q->busy)
			return;
	c->resetting = false;
	c->csts = 0;
}

static bool css_valid(uint32_t cc)
{
	uint32_t css = (cc & NVME_CC_CSS_MASK) >> NVME_CC_CSS_LSB;

	return css == 0 || css == 6;
}

static bool entry_size_valid(uint32_t value, uint32_t right)
{
	return !value || value == right; /* 0: an I/O queue is refused later */
}

static void enable(struct tgt_ctrl *c)
{
	if (!css_valid(c->cc) || c->cc & (NVME_CC_MPS_MASK | NVME_CC_AMS_MASK) ||
	    !entry_size_valid(c->cc & NVME_CC_IOSQES_MASK, NVME_CC_IOSQES_64) ||
	    !entry_size_valid(c->cc & NVME_CC_IOCQES_MASK, NVME_CC_IOCQES_16)) {
		c->csts = NVME_CSTS_CFS;
		return;
	}
	c->csts = NVME_CSTS_RDY;
	c->traffic = false;
	c->idle_at = from_now(c, c->t->o.discovery_timeout_ms);
	nvme_tgt_ctrl_keep_alive(c);
}

static void reset(struct tgt_ctrl *c)
{
	c->resetting = true;
	delete_io_queues(c);
	nvme_tgt_aer_end(c, NVME_SC_ABORTED_SQ_DELETION);
	nvme_tgt_features_reset(c);
	c->pending = c->masked = 0;
	c->idle_at = from_now(c, TGT_ASSOC_MS);
	settle(c);
}

struct shutdown_flush {
	struct nvme_backend_io io;
	struct tgt_ctrl *c;
	struct tgt_ns *ns;
};

static void shutdown_done(struct tgt_ctrl *c)
{
	if (c->csts & NVME_CSTS_SHST_OCCURRING)
		c->csts = (c->csts & ~NVME_CSTS_SHST_MASK) | NVME_CSTS_SHST_COMPLETE;
}

static void shutdown_flushed(struct nvme_backend_io *io, int error)
{
	struct shutdown_flush *f = (struct shutdown_flush *)io;

	f->ns->inflight--;
	if (error)
		f->ns->dirty = true;
	if (!--f->c->flushes)
		shutdown_done(f->c);
	nvme_tgt_ctrl_put(f->c);
	free(f);
}

static void shutdown_flush(struct tgt_ctrl *c, struct tgt_ns *ns)
{
	struct shutdown_flush *f;

	if (!ns->dirty || !ns->backend->volatile_cache)
		return;
	f = calloc(1, sizeof(*f));
	if (!f)
		return; /* dirty it stays: destroy flushes it */
	f->c = c;
	f->ns = ns;
	f->io.op = NVME_BACKEND_FLUSH;
	f->io.done = shutdown_flushed;
	ns->dirty = false;
	ns->inflight++;
	c->flushes++;
	c->refs++;
	nvme_backend_submit(ns->backend, &f->io);
}

static void start_shutdown(struct tgt_ctrl *c)
{
	unsigned int i;

	c->csts |= NVME_CSTS_SHST_OCCURRING;
	c->idle_at = from_now(c, TGT_ASSOC_MS);
	c->flushes++; /* until all are submitted */
	if (c->subsys)
		for (i = 0; i < c->subsys->o.max_namespaces; i++)
			if (c->subsys->ns[i])
				shutdown_flush(c, c->subsys->ns[i]);
	if (!--c->flushes)
		shutdown_done(c);
}

static uint16_t set_cc(struct tgt_ctrl *c, uint32_t cc)
{
	uint32_t old = c->cc;

	settle(c);
	if (cc & NVME_CC_EN && c->resetting)
		return NVME_SC_SEQUENCE_ERROR;
	c->cc = cc;
	if (!(cc & NVME_CC_EN)) {
		if (old & NVME_CC_EN)
			reset(c);
	} else if (!(old & NVME_CC_EN)) {
		enable(c);
	}
	if (cc & NVME_CC_SHN_MASK && !(old & NVME_CC_SHN_MASK) && !(c->csts & NVME_CSTS_SHST_MASK))
		start_shutdown(c);
	return 0;
}

/* --- properties ----------------------------------------------------------------------------------- */

static uint64_t cap(const struct tgt_ctrl *c)
{
	return (c->port->qsize - 1) | NVME_CAP_CQR | (uint64_t)TGT_CAP_TO << NVME_CAP_TO_LSB |
	       NVME_CAP_CSS_NVM | NVME_CAP_CSS_IOCS;
}

void nvme_tgt_property_get(struct tgt_cmd *cmd)
{
	struct tgt_ctrl *c = cmd->q->ctrl;
	uint32_t offset = cmd->sqe->cdw11;
	uint64_t value;

	settle(c);
	if ((cmd->sqe->cdw10 & 7) != (offset == NVME_PROP_CAP))
		goto bad;
	switch (offset) {
	case NVME_PROP_CAP:
		value = cap(c);
		break;
	case NVME_PROP_VS:
		value = TGT_VS;
		break;
	case NVME_PROP_CC:
		value = c->cc;
		break;
	case NVME_PROP_CSTS:
		value = c->csts;
		break;
	default:
		goto bad;
	}
	cmd->dw0 = (uint32_t)value;
	cmd->dw1 = (uint32_t)(value >> 32);
	nvme_tgt_complete(cmd, 0);
	return;
bad:
	nvme_tgt_complete(cmd, NVME_SC_INVALID_FIELD | TGT_DNR);
}

void nvme_tgt_property_set(struct tgt_cmd *cmd)
{
	uint16_t status = NVME_SC_INVALID_FIELD | TGT_DNR;

	if (!(cmd->sqe->cdw10 & 7) && cmd->sqe->cdw11 == NVME_PROP_CC)
		status = set_cc(cmd->q->ctrl, cmd->sqe->cdw12);
	nvme_tgt_complete(cmd, status);
}
