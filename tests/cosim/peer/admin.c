// SPDX-License-Identifier: BSD-2-Clause
/* The peer's controllers: Fabrics and admin commands, as much as a host needs, answered as the Linux target answers them. */
#include <stdio.h>
#include <stdlib.h>

#include "nvme.h"

enum { CAP_LOW = 0x0f0003ff, CAP_HIGH = 0x20, VERSION_1_3 = 0x10300 };

/* --- controllers ------------------------------------------------------------------------------------------------------------ */

static struct ctrl *find_ctrl(struct peer *p, uint16_t cntlid)
{
	unsigned int i;

	for (i = 0; i < PEER_CTRLS; i++)
		if (p->ctrls[i] && p->ctrls[i]->cntlid == cntlid)
			return p->ctrls[i];
	return NULL;
}

static struct ctrl *new_ctrl(struct peer *p, bool discovery)
{
	struct ctrl *k;
	unsigned int i;

	for (i = 0; i < PEER_CTRLS && p->ctrls[i]; i++)
		;
	k = i < PEER_CTRLS ? calloc(1, sizeof(*k)) : NULL;
	if (!k)
		return NULL;
	p->ctrls[i] = k;
	k->cntlid = p->next_cntlid++;
	k->discovery = discovery;
	return k;
}

/* The last connection of a controller takes it along. */
void ctrl_forget(struct nvme_conn *n)
{
	struct ctrl *k = n->ctrl;
	unsigned int i;

	n->ctrl = NULL;
	if (!k)
		return;
	if (!n->qid)
		k->n_aer = 0;
	if (--k->conns)
		return;
	for (i = 0; i < PEER_CTRLS; i++)
		if (n->p->ctrls[i] == k)
			n->p->ctrls[i] = NULL;
	free(k);
}

void nvme_peer_free(struct peer *p)
{
	unsigned int i;

	for (i = 0; i < PEER_CTRLS; i++)
		free(p->ctrls[i]);
}

static void close_ctrl(struct peer *p, const struct ctrl *k)
{
	unsigned int i;
	struct conn *c;

	for (i = p->n_conns; i-- > 0;) {
		c = p->conns[i];
		if (c->nvme && c->nvme->ctrl == k) {
			tcp_close(c);
			nvme_gone(c);
		}
	}
}

uint64_t ctrl_timers(struct peer *p)
{
	uint64_t next = UINT64_MAX, due;
	struct ctrl *k;
	unsigned int i;

	for (i = 0; i < PEER_CTRLS; i++) {
		k = p->ctrls[i];
		if (!k || !k->kato || p->params.no_kato)
			continue;
		due = k->heard +
		      k->kato * 2000000ull; /* with traffic based keep alive: one more period */
		if (due <= p->now) {
			complain(p, "keep alive timer of controller %u ran out", k->cntlid);
			close_ctrl(p, k);
		} else if (due < next) {
			next = due;
		}
	}
	return next;
}

/* --- Connect ------------------------------------------------------------------------------------------------------------------ */

static void refuse_connect(struct command *cmd, bool in_data, uint32_t offset)
{
	cmd->dw0 = (uint32_t)in_data << 16 | offset;
	command_end(cmd, SC_CONNECT_PARAM | DNR);
}

static bool text_is(const uint8_t *field, const char *text)
{
	return memchr(field, 0, 224) && !strcmp((const char *)field, text);
}

static void accept_connect(struct command *cmd, struct ctrl *k, uint16_t qid)
{
	struct nvme_conn *n = cmd->n;

	n->ctrl = k;
	k->conns++;
	k->heard = n->p->now;
	n->qid = qid;
	n->connected = true;
	n->sq_entries = (unsigned int)le(cmd->sqe + 44, 2) + 1;
	n->sqhd = 1 % n->sq_entries;
	n->no_flow = cmd->sqe[46] & 4;
	cmd->no_sqhd = n->no_flow;
	cmd->dw0 = k->cntlid;
	command_end(cmd, SC_OK);
}

static void connect_admin(struct command *cmd)
{
	struct peer *p = cmd->n->p;
	const uint8_t *d = cmd->buf;
	bool discovery = text_is(d + 256, PEER_DISCOVERY_NQN);
	struct ctrl *k;

	if (!discovery && !text_is(d + 256, p->params.subnqn)) {
		refuse_connect(cmd, true, 256);
		return;
	}
	if (!memchr(d + 512, 0, 224) || strncmp((const char *)d + 512, "nqn.", 4)) {
		refuse_connect(cmd, true, 512);
		return;
	}
	if (le(d + 16, 2) != 0xffff) {
		refuse_connect(cmd, true, 16);
		return;
	}
	k = new_ctrl(p, discovery);
	if (!k) {
		command_end(cmd, 0x181);
		return;
	}
	memcpy(k->hostid, d, 16);
	strcpy(k->hostnqn, (const char *)d + 512);
	k->kato = (uint32_t)le(cmd->sqe + 48, 4);
	accept_connect(cmd, k, 0);
}

static void connect_io(struct command *cmd, uint16_t qid)
{
	struct peer *p = cmd->n->p;
	struct ctrl *k = find_ctrl(p, (uint16_t)le(cmd->buf + 16, 2));
	unsigned int i;

	if (!k || k->discovery || !text_is(cmd->buf + 256, p->params.subnqn) ||
	    strcmp(k->hostnqn, (char *)cmd->buf + 512) || memcmp(k->hostid, cmd->buf, 16)) {
		refuse_connect(cmd, true, 16);
		return;
	}
	if (qid > p->params.io_queues || !(k->cc & 1)) {
		refuse_connect(cmd, false, 42);
		return;
	}
	for (i = 0; i < p->n_conns; i++) {
		if (p->conns[i]->nvme && p->conns[i]->nvme->ctrl == k &&
		    p->conns[i]->nvme->qid == qid) {
			command_end(cmd, SC_SEQUENCE | DNR);
			return;
		}
	}
	if (le(cmd->sqe + 48, 4))
		complain(p, "KATO in the Connect of an I/O queue");
	accept_connect(cmd, k, qid);
}

static void on_connect(struct command *cmd)
{
	uint16_t qid = (uint16_t)le(cmd->sqe + 42, 2);
	uint32_t size = (uint32_t)le(cmd->sqe + 44, 2);

	if (cmd->n->connected)
		command_end(cmd, SC_SEQUENCE | DNR);
	else if (cmd->len != 1024 || !cmd->buf || cmd->sqe[39] != 0x01)
		command_end(cmd, SC_SGL_LENGTH | DNR);
	else if (le(cmd->sqe + 40, 2))
		command_end(cmd, SC_CONNECT_FORMAT | DNR);
	else if (!size || size > 1023)
		refuse_connect(cmd, false, 44);
	else if (qid)
		connect_io(cmd, qid);
	else
		connect_admin(cmd);
}

/* --- properties ------------------------------------------------------------------------------------------------------------------ */

static void on_property_get(struct command *cmd)
{
	const struct ctrl *k = cmd->n->ctrl;
	uint32_t off = (uint32_t)le(cmd->sqe + 44, 4);
	bool wide = cmd->sqe[40] & 7;
	uint16_t status = SC_OK;

	if (off == 0 && wide) {
		cmd->dw0 = CAP_LOW;
		cmd->dw1 = CAP_HIGH;
	} else if (off == 8 && !wide) {
		cmd->dw0 = VERSION_1_3;
	} else if (off == 0x14 && !wide) {
		cmd->dw0 = k->cc;
	} else if (off == 0x1c && !wide) {
		cmd->dw0 = k->csts;
	} else {
		status = SC_FIELD | DNR;
	}
	command_end(cmd, status);
}

static void on_property_set(struct command *cmd)
{
	struct ctrl *k = cmd->n->ctrl;
	uint32_t value = (uint32_t)le(cmd->sqe + 48, 4);

	if (le(cmd->sqe + 44, 4) != 0x14 || cmd->sqe[40] & 7) {
		command_end(cmd, SC_FIELD | DNR);
		return;
	}
	if (value & 1 && (value >> 16 & 0xff) != 0x46)
		complain(cmd->n->p, "CC.EN with entry sizes %02x", value >> 16 & 0xff);
	k->cc = value;
	k->csts = value & 1;
	if (value >> 14 & 3)
		k->csts = 8;
	command_end(cmd, SC_OK);
}

void fabrics_execute(struct command *cmd)
{
	struct nvme_conn *n = cmd->n;

	if (n->ctrl)
		n->ctrl->heard = n->p->now;
	if (cmd->sqe[4] == 1)
		on_connect(cmd);
	else if (!n->connected || n->qid)
		command_end(cmd, SC_SEQUENCE | DNR);
	else if (cmd->sqe[4] == 4)
		on_property_get(cmd);
	else if (cmd->sqe[4] == 0)
		on_property_set(cmd);
	else
		command_end(cmd, SC_OPCODE | DNR);
}

/* --- data for the host -------------------------------------------------------------------------------------------------------------- */

/* A buffer of the size the host asked for. NULL: the command has been ended with an error. */
static uint8_t *answer(struct command *cmd, uint32_t least)
{
	if (cmd->len < least || cmd->len > 1 << 20) {
		command_end(cmd, SC_SGL_LENGTH | DNR);
		return NULL;
	}
	free(cmd->buf);
	cmd->buf = calloc(1, cmd->len);
	cmd->data = cmd->buf;
	return cmd->buf;
}

static void put_text(uint8_t *at, const char *text, size_t len)
{
	memset(at, ' ', len);
	memcpy(at, text, strlen(text));
}

static void identify_controller(struct command *cmd, uint8_t *d)
{
	const struct peer_params *q = &cmd->n->p->params;
	const struct ctrl *k = cmd->n->ctrl;

	put_text(d + 4, "WEFTPEER0001", 20);
	put_text(d + 24, "Weft test peer", 40);
	put_text(d + 64, "1", 8);
	d[77] = (uint8_t)q->mdts;
	put_le(d + 78, k->cntlid, 2);
	put_le(d + 80, VERSION_1_3, 4);
	put_le(d + 92, k->discovery ? 0x80000000 : 0x100, 4);
	put_le(d + 96, 0x41, 4);
	d[111] = k->discovery ? 2 : 1;
	d[258] = 3;
	d[259] = AERS - 1;
	d[261] = 7;
	put_le(d + 320, 10, 2);
	d[512] = 0x66;
	d[513] = 0x44;
	put_le(d + 514, 1024, 2);
	put_le(d + 516, k->discovery ? 0 : 1, 4);
	put_le(d + 520, 0x0d, 2); /* compare, dataset management, write zeroes */
	d[525] = 1;
	put_le(d + 536, 0x100001, 4);
	memcpy(d + 768, k->discovery ? PEER_DISCOVERY_NQN : q->subnqn,
	       strlen(k->discovery ? PEER_DISCOVERY_NQN : q->subnqn));
	put_le(d + 1792, k->discovery ? 4 : 4 + q->icd_max / 16, 4);
	put_le(d + 1796, 1, 4);
	d[1803] = 1;
}

static void identify_namespace(const struct peer *p, uint8_t *d)
{
	uint64_t blocks = p->params.ns_bytes / p->params.block;

	put_le(d, blocks, 8);
	put_le(d + 8, blocks, 8);
	put_le(d + 16, blocks, 8);
	d[30] = 1;
	memset(d + 104, 0x5a, 16);
	d[130] = (uint8_t)__builtin_ctz(p->params.block);
}

static void on_identify(struct command *cmd)
{
	uint32_t nsid = (uint32_t)le(cmd->sqe + 4, 4);
	uint8_t cns = cmd->sqe[40], *d;

	if (cns > 6 || cns == 4 || cns == 5) {
		command_end(cmd, SC_FIELD | DNR);
		return;
	}
	if ((cns == 0 && nsid == 0xffffffff) || (cns == 3 && nsid != 1)) {
		command_end(cmd, SC_NAMESPACE | DNR);
		return;
	}
	d = answer(cmd, 4096);
	if (!d)
		return;
	if (cns == 0 && nsid == 1)
		identify_namespace(cmd->n->p, d);
	else if (cns == 1)
		identify_controller(cmd, d);
	else if (cns == 2 && !nsid && !cmd->n->ctrl->discovery)
		put_le(d, 1, 4);
	else if (cns == 3) {
		d[0] = 2;
		d[1] = 16;
		memset(d + 4, 0x5a, 16);
	}
	command_end(cmd, SC_OK);
}

static void put_record(struct peer *p, uint8_t *r)
{
	r[0] = 3;
	r[1] = 1;
	r[2] = 2;
	r[3] = 4;
	put_le(r + 4, 1, 2);
	put_le(r + 6, 0xffff, 2);
	put_le(r + 8, 32, 2);
	snprintf((char *)r + 32, 32, "%u", p->params.port);
	memcpy(r + 256, p->params.subnqn, strlen(p->params.subnqn));
	snprintf((char *)r + 512, 256, "%u.%u.%u.%u", p->params.ip >> 24, p->params.ip >> 16 & 255,
		 p->params.ip >> 8 & 255, p->params.ip & 255);
}

static void on_log(struct command *cmd)
{
	static uint8_t page[4096];
	struct peer *p = cmd->n->p;
	uint64_t off = le(cmd->sqe + 48, 8);
	uint32_t len = (uint32_t)((le(cmd->sqe + 42, 2) | le(cmd->sqe + 44, 2) << 16) + 1) * 4;
	uint8_t lid = cmd->sqe[40], *d;

	memset(page, 0, sizeof(page));
	if (lid == 0x70 && cmd->n->ctrl->discovery) {
		put_le(page, 1, 8);
		put_le(page + 8, 1, 8);
		put_record(p, page + 1024);
	} else if (cmd->n->ctrl->discovery || !lid || (lid > 5 && lid != 0x0c)) {
		command_end(cmd, SC_FIELD | DNR);
		return;
	}
	if (len != cmd->len || off % 4 || off > sizeof(page)) {
		command_end(cmd, len != cmd->len ? SC_SGL_LENGTH | DNR : SC_FIELD | DNR);
		return;
	}
	d = answer(cmd, len);
	if (!d)
		return;
	memcpy(d, page + off, len < sizeof(page) - off ? len : sizeof(page) - off);
	command_end(cmd, SC_OK);
}

/* --- features, events -------------------------------------------------------------------------------------------------------------------- */

static void on_set_features(struct command *cmd)
{
	struct ctrl *k = cmd->n->ctrl;
	uint32_t dw11 = (uint32_t)le(cmd->sqe + 44, 4), n = cmd->n->p->params.io_queues - 1u;
	uint16_t status = SC_OK;

	switch (cmd->sqe[40]) {
	case 0x07:
		if ((dw11 & 0xffff) < n)
			n = dw11 & 0xffff;
		cmd->dw0 = n | n << 16;
		status = (dw11 & 0xffff) == 0xffff || dw11 >> 16 == 0xffff ? SC_FIELD | DNR : SC_OK;
		break;
	case 0x0b:
		k->event_mask = dw11;
		break;
	case 0x0f:
		k->kato = dw11;
		break;
	default:
		status = SC_FIELD | DNR;
	}
	command_end(cmd, status);
}

static void on_get_features(struct command *cmd)
{
	const struct ctrl *k = cmd->n->ctrl;
	uint32_t n = cmd->n->p->params.io_queues - 1u;
	uint16_t status = SC_OK;

	switch (cmd->sqe[40]) {
	case 0x06:
		cmd->dw0 = 1;
		break;
	case 0x07:
		cmd->dw0 = n | n << 16;
		break;
	case 0x0b:
		cmd->dw0 = k->event_mask;
		break;
	case 0x0f:
		cmd->dw0 = k->kato;
		break;
	default:
		status = SC_FIELD | DNR;
	}
	command_end(cmd, status);
}

static void on_event_request(struct command *cmd)
{
	struct ctrl *k = cmd->n->ctrl;

	if (k->n_aer == AERS)
		command_end(cmd, SC_AER_LIMIT | DNR);
	else
		k->aer[k->n_aer++] = cmd;
}

bool peer_event(struct peer *p, uint8_t type, uint8_t info, uint8_t log_page)
{
	bool all = true;
	struct command *cmd;
	struct ctrl *k;
	unsigned int i;

	for (i = 0; i < PEER_CTRLS; i++) {
		k = p->ctrls[i];
		if (!k)
			continue;
		if (!k->n_aer) {
			all = false;
			continue;
		}
		cmd = k->aer[--k->n_aer];
		cmd->dw0 = type | (uint32_t)info << 8 | (uint32_t)log_page << 16;
		command_end(cmd, SC_OK);
		tcp_output(cmd->n->c);
	}
	return all;
}

/* Only event requests can be aborted: everything else ends by itself. */
static void on_abort(struct command *cmd)
{
	struct nvme_conn *n = cmd->n;
	uint16_t cid = (uint16_t)le(cmd->sqe + 42, 2);
	struct ctrl *k = n->ctrl;
	unsigned int i;

	cmd->dw0 = 1;
	for (i = 0; i < k->n_aer && !le(cmd->sqe + 40, 2); i++) {
		if (k->aer[i]->cid != cid)
			continue;
		cmd->dw0 = 0;
		command_end(k->aer[i], SC_ABORTED);
		k->aer[i] = k->aer[--k->n_aer];
		break;
	}
	command_end(cmd, SC_OK);
}

void admin_execute(struct command *cmd)
{
	struct ctrl *k = cmd->n->ctrl;

	k->heard = cmd->n->p->now;
	if (!(k->cc & 1) || k->csts & 8) {
		command_end(cmd, SC_SEQUENCE | DNR);
		return;
	}
	switch (cmd->sqe[0]) {
	case 0x02:
		on_log(cmd);
		break;
	case 0x06:
		on_identify(cmd);
		break;
	case 0x08:
		on_abort(cmd);
		break;
	case 0x09:
		on_set_features(cmd);
		break;
	case 0x0a:
		on_get_features(cmd);
		break;
	case 0x0c:
		on_event_request(cmd);
		break;
	case 0x18:
		cmd->n->p->stats.keep_alives++;
		command_end(cmd, SC_OK);
		break;
	default:
		command_end(cmd, SC_OPCODE | DNR);
	}
}
