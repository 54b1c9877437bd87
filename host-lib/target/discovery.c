/* SPDX-License-Identifier: BSD-2-Clause */
/* The discovery log, and who is told that it has changed. */
#include <stdio.h>
#include <string.h>

#include "tgt.h"

#define ADRFAM_IPV4 1
#define ADRFAM_FC 4
#define SUBTYPE_NVM 2
#define SUBTYPE_SELF 3
#define TREQ_NO_SQ_FLOW_CONTROL 0x4
#define EFLAGS_PERSISTENT 0x2

static void put_address(struct nvme_discovery_entry *e, const struct nvme_port *p)
{
	e->trtype = (uint8_t)p->trtype;
	if (p->trtype == NVMF_TRTYPE_FC) {
		e->adrfam = ADRFAM_FC;
		strcpy(e->trsvcid, "none");
		snprintf(e->traddr, sizeof(e->traddr), "nn-0x%016llx:pn-0x%016llx",
			 (unsigned long long)p->wwnn, (unsigned long long)p->wwpn);
		return;
	}
	e->adrfam = ADRFAM_IPV4;
	snprintf(e->trsvcid, sizeof(e->trsvcid), "%u", p->trsvcid);
	snprintf(e->traddr, sizeof(e->traddr), "%u.%u.%u.%u", p->traddr >> 24,
		 p->traddr >> 16 & 0xff, p->traddr >> 8 & 0xff, p->traddr & 0xff);
}

static void put_entry(const struct tgt_page *pg, uint64_t n, const struct nvme_port *p,
		      const char *nqn, uint8_t subtype)
{
	struct nvme_discovery_entry e = {
		.subtype = subtype,
		.treq = TREQ_NO_SQ_FLOW_CONTROL,
		.portid = p->portid,
		.cntlid = NVME_CNTLID_DYNAMIC,
		.asqsz = (uint16_t)(p->qsize < TGT_ADMIN_SQ ? p->qsize : TGT_ADMIN_SQ),
		.eflags = subtype == SUBTYPE_SELF ? EFLAGS_PERSISTENT : 0,
	};

	put_address(&e, p);
	strcpy(e.subnqn, nqn);
	nvme_tgt_page_put(pg, (n + 1) * sizeof(e), &e, sizeof(e));
}

/* Number of entries that the host of c may see; written to pg unless that is NULL. */
static uint64_t entries(const struct tgt_ctrl *c, const struct tgt_page *pg)
{
	const struct nvme_port *p;
	const struct tgt_portlink *l;
	uint64_t n = 0;

	if (pg)
		put_entry(pg, n, c->port, NVME_DISCOVERY_NQN, SUBTYPE_SELF);
	n++;
	list_for_each(p, &c->t->ports, link)
		list_for_each(l, &p->links, link) {
			if (!nvme_tgt_host_allowed(l->subsys, c->hostnqn))
				continue;
			if (pg)
				put_entry(pg, n, p, l->subsys->nqn, SUBTYPE_NVM);
			n++;
		}
	return n;
}

uint64_t nvme_tgt_discovery_size(const struct tgt_ctrl *c)
{
	return (entries(c, NULL) + 1) * sizeof(struct nvme_discovery_entry);
}

void nvme_tgt_discovery_log(const struct tgt_ctrl *c, const struct tgt_page *pg)
{
	struct nvme_discovery_header h = { .genctr = c->t->genctr, .numrec = entries(c, pg) };

	nvme_tgt_page_put(pg, 0, &h, sizeof(h));
}

void nvme_tgt_discovery_changed(struct nvme_target *t, const struct nvme_subsys *s,
				const char *hostnqn)
{
	struct nvme_port *p;
	struct tgt_ctrl *c;

	t->genctr++;
	list_for_each(p, &t->ports, link)
		nvmf_discovery_changed(p->listener);
	list_for_each(c, &t->ctrls, link) {
		if (c->subsys || (hostnqn && strcmp(hostnqn, c->hostnqn)) ||
		    (s && !nvme_tgt_host_allowed(s, c->hostnqn)))
			continue;
		nvme_tgt_event(c, EVENT_DISCOVERY);
	}
}
