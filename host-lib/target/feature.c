/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Get and Set Features. Values are the controller's and last until its reset; none can be saved.
 */
#include <string.h>

#include "tgt.h"

#define SV (1u << 31)
#define SEL_CURRENT 0u
#define SEL_SUPPORTED 3u
#define CAN_CHANGE 0x4u
#define CAN_NS 0x2u
#define EXHID 0x1u
#define WCE 0x1u
#define KATO_NONE 0u

struct feature {
	uint8_t fid;
	bool discovery; /* discovery controllers have it, too */
	uint32_t capabilities;
	uint32_t initial;
	uint32_t mask; /* bits that are kept; others must be 0 where strict */
	bool strict;
	void (*get)(struct tgt_cmd *cmd, unsigned int sel);   /* NULL: the value */
	uint16_t (*set)(struct tgt_cmd *cmd, uint32_t value); /* NULL: keep it */
};

static uint32_t granted(const struct tgt_ctrl *c)
{
	uint32_t n = c->subsys->o.max_io_queues - 1;

	return n << 16 | n;
}

static void get_queues(struct tgt_cmd *cmd, unsigned int sel)
{
	(void)sel;
	cmd->dw0 = granted(cmd->q->ctrl);
	nvme_tgt_complete(cmd, 0);
}

/* What the host asks for does not limit it: each queue is its own connection. */
static uint16_t set_queues(struct tgt_cmd *cmd, uint32_t value)
{
	const struct tgt_ctrl *c = cmd->q->ctrl;
	unsigned int i;

	if ((value & 0xffff) == 0xffff || value >> 16 == 0xffff)
		return NVME_SC_INVALID_FIELD | TGT_DNR;
	for (i = 0; i < c->subsys->o.max_io_queues; i++)
		if (c->ioq[i] && !c->ioq[i]->ended)
			return NVME_SC_SEQUENCE_ERROR | TGT_DNR;
	cmd->dw0 = granted(c);
	return 0;
}

static void get_events(struct tgt_cmd *cmd, unsigned int sel)
{
	cmd->dw0 = sel == SEL_CURRENT ? cmd->q->ctrl->aen_config : 0;
	nvme_tgt_complete(cmd, 0);
}

/* Bits of SMART warnings, which never come, are taken. */
static uint16_t set_events(struct tgt_cmd *cmd, uint32_t value)
{
	struct tgt_ctrl *c = cmd->q->ctrl;
	uint32_t known = c->subsys ? NVME_AEN_CONFIG_NS | 0xff : NVME_AEN_CONFIG_DISCOVERY;

	if (value & ~known)
		return NVME_SC_INVALID_FIELD | TGT_DNR;
	c->aen_config = value;
	return 0;
}

static void get_kato(struct tgt_cmd *cmd, unsigned int sel)
{
	cmd->dw0 = sel == SEL_CURRENT ? cmd->q->ctrl->kato_ms : KATO_NONE;
	nvme_tgt_complete(cmd, 0);
}

static uint16_t set_kato(struct tgt_cmd *cmd, uint32_t value)
{
	nvme_tgt_ctrl_set_kato(cmd->q->ctrl, value);
	return 0;
}

/* Only one power state, one sensor-less controller, one combination of command sets. */
static uint16_t set_zero_only(struct tgt_cmd *cmd, uint32_t value)
{
	(void)cmd;
	return value ? NVME_SC_INVALID_FIELD | TGT_DNR : 0;
}

static uint16_t fill_hostid(struct tgt_cmd *cmd)
{
	memcpy(cmd->data, cmd->q->ctrl->hostid, 16);
	return 0;
}

/* On fabrics the identifier is the one of Connect, 128 bits. */
static void get_hostid(struct tgt_cmd *cmd, unsigned int sel)
{
	(void)sel;
	if (cmd->sqe->cdw11 & EXHID)
		nvme_tgt_reply(cmd, 16, fill_hostid);
	else
		nvme_tgt_complete(cmd, NVME_SC_INVALID_FIELD | TGT_DNR);
}

static uint16_t set_hostid(struct tgt_cmd *cmd, uint32_t value)
{
	(void)cmd;
	(void)value;
	return NVME_SC_SEQUENCE_ERROR | TGT_DNR;
}

static const struct feature features[] = {
	{ NVME_FID_ARBITRATION, false, CAN_CHANGE, 7, 0xffffff07, false, NULL, NULL },
	{ NVME_FID_POWER_MANAGEMENT, false, CAN_CHANGE, 0, 0x1f, false, NULL, set_zero_only },
	{ NVME_FID_TEMPERATURE_THRESHOLD, false, CAN_CHANGE, 0xffff, 0xffff, false, NULL, NULL },
	{ NVME_FID_ERROR_RECOVERY, false, CAN_CHANGE | CAN_NS, 0, 0xffff, true, NULL, NULL },
	{ NVME_FID_VOLATILE_WRITE_CACHE, false, CAN_CHANGE, WCE, WCE, false, NULL, NULL },
	{ NVME_FID_NUMBER_OF_QUEUES, false, CAN_CHANGE, 0, ~0u, false, get_queues, set_queues },
	{ NVME_FID_WRITE_ATOMICITY, false, CAN_CHANGE, 0, 1, false, NULL, NULL },
	{ NVME_FID_ASYNC_EVENTS, true, CAN_CHANGE, 0, ~0u, false, get_events, set_events },
	{ NVME_FID_KEEP_ALIVE_TIMER, true, CAN_CHANGE, 0, ~0u, false, get_kato, set_kato },
	{ NVME_FID_COMMAND_SET_PROFILE, false, CAN_CHANGE, 0, 0x1ff, false, NULL, set_zero_only },
	{ NVME_FID_HOST_IDENTIFIER, false, 0, 0, ~0u, false, get_hostid, set_hostid },
};

static const struct feature *lookup(const struct tgt_cmd *cmd)
{
	uint8_t fid = (uint8_t)cmd->sqe->cdw10;
	size_t i;

	for (i = 0; i < sizeof(features) / sizeof(*features); i++)
		if (features[i].fid == fid && (features[i].discovery || cmd->q->ctrl->subsys))
			return &features[i];
	return NULL;
}

static bool stored(const struct feature *f)
{
	return f->fid < sizeof(((struct tgt_ctrl *)0)->feature) / sizeof(uint32_t);
}

void nvme_tgt_features_reset(struct tgt_ctrl *c)
{
	size_t i;

	for (i = 0; i < sizeof(features) / sizeof(*features); i++)
		if (stored(&features[i]))
			c->feature[features[i].fid] = features[i].initial;
	c->aen_config = 0;
}

bool nvme_tgt_write_through(const struct tgt_ctrl *c)
{
	return !(c->feature[NVME_FID_VOLATILE_WRITE_CACHE] & WCE);
}

static bool ns_active(const struct tgt_cmd *cmd)
{
	return cmd->sqe->nsid == NVME_NSID_ALL || nvme_tgt_ns(cmd->q->ctrl->subsys, cmd->sqe->nsid);
}

void nvme_tgt_get_features(struct tgt_cmd *cmd)
{
	const struct feature *f = lookup(cmd);
	unsigned int sel = cmd->sqe->cdw10 >> 8 & 7;
	uint16_t status = 0;

	if (!f || sel > SEL_SUPPORTED)
		status = NVME_SC_INVALID_FIELD | TGT_DNR;
	else if (f->capabilities & CAN_NS && !ns_active(cmd))
		status = NVME_SC_INVALID_NAMESPACE | TGT_DNR;
	else if (f->get != get_hostid && nvmf_capsule_data_len(cmd->nc))
		status = NVME_SC_SGL_LENGTH_INVALID | TGT_DNR;
	if (!status && sel == SEL_SUPPORTED) {
		cmd->dw0 = f->capabilities;
	} else if (!status && f->get) {
		f->get(cmd, sel);
		return;
	} else if (!status) {
		cmd->dw0 = sel == SEL_CURRENT && stored(f) ? cmd->q->ctrl->feature[f->fid] :
							     f->initial;
	}
	nvme_tgt_complete(cmd, status);
}

static uint16_t check_set(const struct tgt_cmd *cmd, const struct feature *f)
{
	uint32_t nsid = cmd->sqe->nsid;

	if (!f)
		return NVME_SC_INVALID_FIELD;
	if (cmd->sqe->cdw10 & SV)
		return NVME_SC_FEATURE_NOT_SAVEABLE;
	if (f->capabilities & CAN_NS) {
		if (!ns_active(cmd))
			return NVME_SC_INVALID_NAMESPACE;
	} else if (nsid && nsid != NVME_NSID_ALL) {
		return NVME_SC_FEATURE_NOT_NS_SPECIFIC;
	}
	if (f->set != set_hostid && nvmf_capsule_data_len(cmd->nc))
		return NVME_SC_SGL_LENGTH_INVALID;
	if (f->strict && cmd->sqe->cdw11 & ~f->mask)
		return NVME_SC_INVALID_FIELD;
	return 0;
}

void nvme_tgt_set_features(struct tgt_cmd *cmd)
{
	const struct feature *f = lookup(cmd);
	uint16_t status = check_set(cmd, f);

	if (status)
		status |= TGT_DNR;
	else if (f->set)
		status = f->set(cmd, cmd->sqe->cdw11 & f->mask);
	else if (stored(f))
		cmd->q->ctrl->feature[f->fid] = cmd->sqe->cdw11 & f->mask;
	nvme_tgt_complete(cmd, status);
}
