/* SPDX-License-Identifier: BSD-2-Clause */
/* Identify: what the controller, its namespaces and their command set are. */
#include <string.h>

#include "tgt.h"

#define CMIC_PORTS_CTRLS 0x3 /* several ports, several controllers */
#define CTRATT_HOSTID128 0x1u
#define CTRATT_TBKAS 0x40u
#define LPA_EFFECTS 0x2
#define LPA_EXTENDED 0x4
#define ONCS 0x9du     /* Compare, Dataset Management, Write Zeroes, feature selection, Verify */
#define VWC 0x7        /* present, Flush of all namespaces */
#define SGLS 0x200001u /* SGLs, transport data blocks */
#define SGLS_OFFSET 0x100000u
#define CSI_NVM 0

static uint8_t csi(const struct tgt_cmd *cmd)
{
	return (uint8_t)(cmd->sqe->cdw11 >> 24);
}

static uint8_t mdts(uint32_t max_xfer)
{
	return (uint8_t)__builtin_ctz(max_xfer / TGT_PAGE);
}

static void common(const struct tgt_ctrl *c, struct nvme_identify_ctrl *id)
{
	id->cntlid = c->cntlid;
	id->ver = TGT_VS;
	id->ctratt = CTRATT_HOSTID128;
	id->aerl = TGT_AERL;
	id->kas = TGT_KAS;
	id->sgls = SGLS | (c->port->max_icd ? SGLS_OFFSET : 0);
	id->maxcmd = (uint16_t)c->port->qsize;
	id->sqes = 0x66;
	id->cqes = 0x44;
	id->iorcsz = 1;
	id->msdbd = 1;
}

static void io_controller(const struct tgt_ctrl *c, struct nvme_identify_ctrl *id)
{
	const struct nvme_subsys *s = c->subsys;

	memcpy(id->sn, s->serial, sizeof(id->sn));
	memcpy(id->mn, s->model, sizeof(id->mn));
	memcpy(id->fr, s->firmware, sizeof(id->fr));
	id->cmic = CMIC_PORTS_CTRLS;
	id->mdts = mdts(s->o.max_xfer);
	id->oaes = NVME_AEN_CONFIG_NS;
	id->ctratt |= CTRATT_TBKAS;
	id->cntrltype = 1;
	id->acl = TGT_ACL;
	id->frmw = 0x3; /* one slot, read only */
	id->lpa = LPA_EFFECTS | LPA_EXTENDED;
	id->elpe = TGT_ERRORS - 1;
	id->nn = id->mnan = s->o.max_namespaces;
	id->oncs = ONCS;
	/* whatever the namespaces have now: hosts do not ask again when one with a cache comes */
	id->vwc = VWC;
	strcpy(id->subnqn, s->nqn);
	id->ioccsz = (64 + c->port->max_icd) / 16;
	id->ofcs = 1; /* Disconnect */
}

static void discovery_controller(struct nvme_identify_ctrl *id)
{
	memset(id->sn, ' ', sizeof(id->sn));
	memset(id->mn, ' ', sizeof(id->mn));
	memset(id->fr, ' ', sizeof(id->fr));
	memcpy(id->mn, "Weft discovery", 14);
	id->mdts = mdts(TGT_MAX_XFER);
	id->oaes = NVME_AEN_CONFIG_DISCOVERY;
	id->cntrltype = 2;
	id->lpa = LPA_EXTENDED;
	id->sqes = id->cqes = 0;
	id->iorcsz = 0;
	strcpy(id->subnqn, NVME_DISCOVERY_NQN);
}

static uint16_t fill_controller(struct tgt_cmd *cmd)
{
	struct tgt_ctrl *c = cmd->q->ctrl;
	struct nvme_identify_ctrl *id = (void *)cmd->data;

	common(c, id);
	if (c->subsys)
		io_controller(c, id);
	else
		discovery_controller(id);
	return 0;
}

static uint8_t dlfeat(const struct tgt_ns *ns)
{
	return ns->backend->zero_by_discard ? 0x9 : 0;
}

/* An unused number is no error: the structure is all zero. */
static uint16_t fill_ns(struct tgt_cmd *cmd)
{
	const struct nvme_subsys *s = cmd->q->ctrl->subsys;
	struct nvme_identify_ns *id = (void *)cmd->data;
	const struct tgt_ns *ns = nvme_tgt_ns(s, cmd->sqe->nsid);
	uint64_t size;

	if (!cmd->sqe->nsid || cmd->sqe->nsid > s->o.max_namespaces)
		return NVME_SC_INVALID_NAMESPACE | TGT_DNR;
	if (!ns)
		return 0;
	id->nsze = id->ncap = id->nuse = ns->blocks;
	id->nmic = 1;
	id->dlfeat = dlfeat(ns);
	size = ns->blocks << ns->shift;
	memcpy(id->nvmcap, &size, sizeof(size));
	id->nsattr = ns->read_only;
	memcpy(id->nguid, ns->nguid, sizeof(id->nguid));
	memcpy(id->eui64, ns->eui64, sizeof(id->eui64));
	id->lbaf[0].lbads = ns->shift;
	return 0;
}

static uint16_t fill_active(struct tgt_cmd *cmd)
{
	const struct nvme_subsys *s = cmd->q->ctrl->subsys;
	uint32_t *list = (void *)cmd->data, n = 0, nsid = cmd->sqe->nsid;

	if (nsid >= 0xfffffffe)
		return NVME_SC_INVALID_NAMESPACE | TGT_DNR;
	for (; nsid < s->o.max_namespaces && n < 1024; nsid++)
		if (s->ns[nsid])
			list[n++] = nsid + 1;
	return 0;
}

static uint8_t *descriptor(uint8_t *p, uint8_t type, const uint8_t *id, uint8_t len)
{
	uint8_t i, any = type == NVME_NIDT_CSI;

	for (i = 0; i < len; i++)
		any |= id[i];
	if (!any)
		return p;
	p[0] = type;
	p[1] = len;
	memcpy(p + 4, id, len);
	return p + 4 + len;
}

static uint16_t fill_descriptors(struct tgt_cmd *cmd)
{
	const struct tgt_ns *ns = nvme_tgt_ns(cmd->q->ctrl->subsys, cmd->sqe->nsid);
	static const uint8_t nvm = CSI_NVM;
	uint8_t *p = cmd->data;

	if (!ns)
		return NVME_SC_INVALID_NAMESPACE | TGT_DNR;
	p = descriptor(p, NVME_NIDT_EUI64, ns->eui64, 8);
	p = descriptor(p, NVME_NIDT_NGUID, ns->nguid, 16);
	p = descriptor(p, NVME_NIDT_UUID, ns->uuid, 16);
	descriptor(p, NVME_NIDT_CSI, &nvm, 1);
	return 0;
}

/* Nothing of the NVM command set's own: no protection information, no storage tags. */
static uint16_t fill_csi_ns(struct tgt_cmd *cmd)
{
	if (csi(cmd) != CSI_NVM)
		return NVME_SC_INVALID_FIELD | TGT_DNR;
	if (!nvme_tgt_ns(cmd->q->ctrl->subsys, cmd->sqe->nsid))
		return NVME_SC_INVALID_NAMESPACE | TGT_DNR;
	return 0;
}

static uint16_t fill_csi_controller(struct tgt_cmd *cmd)
{
	if (csi(cmd) != CSI_NVM)
		return NVME_SC_INVALID_FIELD | TGT_DNR;
	cmd->data[0] = mdts(cmd->q->ctrl->subsys->o.max_xfer); /* VSL */
	return 0;
}

static uint16_t fill_csi_active(struct tgt_cmd *cmd)
{
	return csi(cmd) == CSI_NVM ? fill_active(cmd) : NVME_SC_INVALID_FIELD | TGT_DNR;
}

static uint16_t fill_any_ns(struct tgt_cmd *cmd)
{
	const struct tgt_ns *ns = nvme_tgt_ns(cmd->q->ctrl->subsys, cmd->sqe->nsid);

	if (!ns)
		return NVME_SC_INVALID_NAMESPACE | TGT_DNR;
	cmd->data[1] = 1;             /* NMIC */
	cmd->data[8] = ns->read_only; /* NSATTR */
	cmd->data[14] = 1;            /* NSTAT: ready */
	return 0;
}

/* Combination 0: the NVM command set alone. */
static uint16_t fill_command_sets(struct tgt_cmd *cmd)
{
	uint16_t cntid = (uint16_t)(cmd->sqe->cdw10 >> 16);

	if (cntid != 0xffff && cntid != cmd->q->ctrl->cntlid)
		return NVME_SC_INVALID_FIELD | TGT_DNR;
	cmd->data[0] = 1 << CSI_NVM;
	return 0;
}

static const struct {
	uint8_t cns;
	bool discovery;
	uint16_t (*fill)(struct tgt_cmd *cmd);
} structures[] = {
	{ NVME_CNS_NAMESPACE, false, fill_ns },
	{ NVME_CNS_CONTROLLER, true, fill_controller },
	{ NVME_CNS_ACTIVE_LIST, false, fill_active },
	{ NVME_CNS_DESCRIPTORS, false, fill_descriptors },
	{ NVME_CNS_CSI_NAMESPACE, false, fill_csi_ns },
	{ NVME_CNS_CSI_CONTROLLER, false, fill_csi_controller },
	{ NVME_CNS_CSI_ACTIVE_LIST, false, fill_csi_active },
	{ NVME_CNS_ANY_NAMESPACE, false, fill_any_ns },
	{ NVME_CNS_COMMAND_SETS, false, fill_command_sets },
};

void nvme_tgt_identify(struct tgt_cmd *cmd)
{
	uint8_t cns = (uint8_t)cmd->sqe->cdw10;
	size_t i;

	for (i = 0; i < sizeof(structures) / sizeof(*structures); i++)
		if (structures[i].cns == cns && (structures[i].discovery || cmd->q->ctrl->subsys)) {
			nvme_tgt_reply(cmd, 4096, structures[i].fill);
			return;
		}
	nvme_tgt_complete(cmd, NVME_SC_INVALID_FIELD | TGT_DNR);
}
