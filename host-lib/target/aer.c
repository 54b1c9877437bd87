/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Asynchronous events. An event is told once and then masked until the host reads its log page with
 * RAE 0; what happens meanwhile is in that page, so reading it also forgets the event.
 */
#include <string.h>

#include "tgt.h"

static const struct {
	enum tgt_event event;
	uint32_t config, dw0;
} events[] = {
	{ EVENT_NS, NVME_AEN_CONFIG_NS, NVME_AEN_NS_CHANGED },
	{ EVENT_DISCOVERY, NVME_AEN_CONFIG_DISCOVERY, NVME_AEN_DISCOVERY_CHANGED },
};

static struct tgt_cmd *pop(struct tgt_ctrl *c)
{
	struct tgt_cmd *cmd = c->aer[0];

	c->n_aer--;
	memmove(c->aer, c->aer + 1, c->n_aer * sizeof(*c->aer));
	return cmd;
}

static void tell(struct tgt_ctrl *c)
{
	size_t i;

	for (i = 0; i < sizeof(events) / sizeof(*events) && c->n_aer; i++) {
		struct tgt_cmd *cmd;

		if (!(c->pending & ~c->masked & events[i].event))
			continue;
		c->pending &= ~(unsigned int)events[i].event;
		c->masked |= events[i].event;
		cmd = pop(c);
		cmd->dw0 = events[i].dw0;
		nvme_tgt_complete(cmd, 0);
	}
}

void nvme_tgt_event(struct tgt_ctrl *c, enum tgt_event event)
{
	size_t i;

	for (i = 0; i < sizeof(events) / sizeof(*events); i++)
		if (events[i].event == event && c->aen_config & events[i].config &&
		    nvme_tgt_ready(c) && !c->ended)
			c->pending |= event;
	tell(c);
}

void nvme_tgt_event_seen(struct tgt_ctrl *c, enum tgt_event event)
{
	c->pending &= ~(unsigned int)event;
	c->masked &= ~(unsigned int)event;
}

void nvme_tgt_aer(struct tgt_cmd *cmd)
{
	struct tgt_ctrl *c = cmd->q->ctrl;

	if (c->n_aer > TGT_AERL) {
		nvme_tgt_complete(cmd, NVME_SC_AER_LIMIT_EXCEEDED | TGT_DNR);
		return;
	}
	cmd->state = CMD_AER;
	c->aer[c->n_aer++] = cmd;
	tell(c);
}

void nvme_tgt_aer_end(struct tgt_ctrl *c, uint16_t status)
{
	while (c->n_aer)
		nvme_tgt_complete(pop(c), status);
}

bool nvme_tgt_aer_abort(struct tgt_cmd *cmd)
{
	struct tgt_ctrl *c = cmd->q->ctrl;
	unsigned int i;

	for (i = 0; i < c->n_aer; i++)
		if (c->aer[i] == cmd) {
			c->n_aer--;
			memmove(c->aer + i, c->aer + i + 1, (c->n_aer - i) * sizeof(*c->aer));
			nvme_tgt_complete(cmd, NVME_SC_ABORTED_BY_REQUEST | TGT_DNR);
			return true;
		}
	return false;
}
