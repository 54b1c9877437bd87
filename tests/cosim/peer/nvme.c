// SPDX-License-Identifier: BSD-2-Clause
/*
 * NVMe/TCP: connections, commands and their data. PDUs come in through pdu_in.c and go out through pdu_out.c.
 */
#include <stdlib.h>

#include "nvme.h"

#define HPDA_MAX 31

int nvme_open(struct conn *c)
{
	struct nvme_conn *n = calloc(1, sizeof(*n));

	if (!n)
		return -1;
	n->c = c;
	n->p = c->p;
	n->need = 8;
	n->max_r2t = 1;
	n->sq_entries = 32; /* until Connect says */
	c->nvme = n;
	return 0;
}

/* --- lists and commands -------------------------------------------------------------------------------------------------- */

void list_add(struct list *l, struct command *cmd)
{
	cmd->waiting = NULL;
	if (l->head)
		l->tail->waiting = cmd;
	else
		l->head = cmd;
	l->tail = cmd;
}

struct command *list_take(struct list *l)
{
	struct command *cmd = l->head;

	if (cmd)
		l->head = cmd->waiting;
	return cmd;
}

struct command *nvme_find(struct nvme_conn *n, uint16_t cid)
{
	struct command *cmd = n->bucket[cid % BUCKETS];

	while (cmd && cmd->cid != cid)
		cmd = cmd->next;
	return cmd;
}

static struct command *new_command(struct nvme_conn *n, const uint8_t *sqe)
{
	struct command *cmd = calloc(1, sizeof(*cmd)), **at;

	if (!cmd)
		abort();
	cmd->n = n;
	cmd->cid = (uint16_t)le(sqe + 2, 2);
	memcpy(cmd->sqe, sqe, 64);
	at = &n->bucket[cmd->cid % BUCKETS];
	cmd->next = *at;
	*at = cmd;
	n->in_flight++;
	n->p->stats.commands++;
	return cmd;
}

void nvme_release(struct command *cmd)
{
	struct nvme_conn *n = cmd->n;
	struct command **at = &n->bucket[cmd->cid % BUCKETS];
	unsigned int i;

	while (*at && *at != cmd)
		at = &(*at)->next;
	if (*at)
		*at = cmd->next;
	for (i = 0; cmd->r2ts && i < TTAGS; i++)
		if (n->r2t[i].cmd == cmd)
			n->r2t[i].cmd = NULL;
	n->in_flight--;
	free(cmd->buf);
	free(cmd);
}

unsigned int nvme_commands(const struct conn *c)
{
	const struct nvme_conn *n = c->nvme;

	return n ? n->in_flight - (n->ctrl && !n->qid ? n->ctrl->n_aer : 0) : 0;
}

/* The connection is over for NVMe: nothing of it remains but the TCP side. */
void nvme_gone(struct conn *c)
{
	struct nvme_conn *n = c->nvme;
	struct command **at;
	unsigned int i;

	c->fin_queued = true;
	if (!n || n->dead)
		return;
	n->dead = true;
	for (at = &n->p->delayed; *at;) {
		if ((*at)->n == n)
			*at = (*at)->waiting;
		else
			at = &(*at)->waiting;
	}
	ctrl_forget(n);
	for (i = 0; i < BUCKETS; i++)
		while (n->bucket[i])
			nvme_release(n->bucket[i]);
	n->ready.head = n->asking.head = n->cur = NULL;
	n->out_data = NULL;
	n->out_left = 0;
}

void nvme_free(struct conn *c)
{
	free(c->nvme);
	c->nvme = NULL;
}

/* --- fatal errors ----------------------------------------------------------------------------------------------------------- */

/* Answers a breach with C2HTermReq; the rest of the stream is not looked at. */
void nvme_term(struct nvme_conn *n, enum fes fes, uint32_t fei)
{
	uint32_t head = n->have < 128 ? n->have : 128;

	complain(n->p, "PDU type %u on queue %u: FES %u FEI %u", n->h[0], n->qid, fes, fei);
	if (n->terminating)
		return;
	n->terminating = true;
	memset(n->term, 0, sizeof(n->term));
	n->term[0] = C2H_TERM;
	n->term[2] = 24;
	put_le(n->term + 4, 24 + head, 4);
	put_le(n->term + 8, fes, 2);
	put_le(n->term + 10, fei, 4);
	memcpy(n->term + 24, n->h, head);
	n->term_len = 24 + head;
	n->p->stats.term_reqs_out++;
}

/* --- connection establishment ------------------------------------------------------------------------------------------------ */

static bool fault_at_ic(struct nvme_conn *n, uint8_t *r)
{
	switch (fault_now(n->p, 0, PEER_IC_PFV, PEER_IC_TERM)) {
	case PEER_IC_PFV:
		r[8] = 1;
		break;
	case PEER_IC_CPDA:
		r[10] = 32;
		break;
	case PEER_IC_MAXH2C:
		put_le(r + 12, 2048, 4);
		break;
	case PEER_IC_PLEN:
		r[4] = 136;
		break;
	case PEER_IC_HLEN:
		r[2] = 64;
		break;
	case PEER_IC_DIGEST:
		r[11] = (uint8_t)(~n->h[11] & 3);
		break;
	case PEER_IC_TERM:
		n->term[0] = C2H_TERM;
		n->term[2] = n->term[4] = 24;
		n->term[8] = (uint8_t)n->p->fault.arg;
		n->term_len = 24;
		n->terminating = true;
		return true;
	case PEER_IC_NONE:
		return true;
	default:
		break;
	}
	return false;
}

void nvme_on_icreq(struct nvme_conn *n)
{
	const struct peer_params *q = &n->p->params;
	uint8_t *r = n->out, granted = (uint8_t)(n->h[11] & (q->digests & 0x80 ? 0 : q->digests));
	unsigned int i;

	for (i = 16; i < 128; i++)
		if (n->h[i])
			complain(n->p, "ICReq: reserved byte %u is %02x", i, n->h[i]);
	if (n->h[1] || n->h[3] || n->h[11] & ~3)
		complain(n->p, "ICReq: reserved bits");
	if (le(n->h + 8, 2)) {
		nvme_term(n, FES_UNSUPPORTED, 8);
		return;
	}
	if (n->h[10] > HPDA_MAX) {
		nvme_term(n, FES_FIELD, 10);
		return;
	}
	n->hpda = n->h[10];
	n->max_r2t = (unsigned int)le(n->h + 12, 4) + 1;
	n->ic_done = true;
	memset(r, 0, 128);
	r[0] = ICRESP;
	r[2] = r[4] = 128;
	r[10] = q->cpda;
	r[11] = granted;
	put_le(r + 12, q->maxh2cdata, 4);
	n->hdgst = granted & 1;
	n->ddgst = granted & 2;
	if (fault_at_ic(n, r))
		return;
	n->out_len = 128;
	n->out_pos = 0;
	n->p->stats.pdus_out++;
}

void nvme_on_term(struct nvme_conn *n)
{
	n->p->stats.term_reqs_in++;
	n->p->stats.last_fes = (uint16_t)le(n->h + 8, 2);
	n->p->stats.last_fei = (uint32_t)le(n->h + 10, 4);
	tcp_close(n->c);
	nvme_gone(n->c);
}

/* --- commands ------------------------------------------------------------------------------------------------------------------ */

static bool fault_at_command(struct nvme_conn *n)
{
	static const uint8_t unknown[24] = { 0x0d, 0, 24, 0, 24 },
			     theirs[24] = { CAPSULE_CMD, 0, 24, 0, 24 },
			     huge[24] = { C2H_DATA, 0, 24, 24, 0, 0, 0, 0x80 };
	const uint8_t *bytes = NULL;

	switch (fault_now(n->p, n->qid, PEER_CMD_TERM, PEER_CMD_STOP_READING)) {
	case PEER_CMD_TERM:
		n->term[0] = C2H_TERM;
		n->term[2] = n->term[4] = 24;
		n->term[8] = (uint8_t)n->p->fault.arg;
		n->term_len = 24;
		n->terminating = true;
		return true;
	case PEER_CMD_TYPE:
		bytes = unknown;
		break;
	case PEER_CMD_DIRECTION:
		bytes = theirs;
		break;
	case PEER_CMD_HUGE:
		bytes = huge;
		break;
	case PEER_CMD_FIN:
		tcp_close(n->c);
		nvme_gone(n->c);
		return true;
	case PEER_CMD_RST:
		tcp_abort(n->c);
		return true;
	case PEER_CMD_SILENT:
		n->c->silent = true;
		return true;
	case PEER_CMD_STOP_READING:
		n->c->stopped = true;
		return false;
	default:
		return false;
	}
	memcpy(n->term, bytes, 24);
	n->term_len = 24;
	n->terminating = true;
	return true;
}

unsigned int command_direction(const uint8_t *sqe)
{
	return sqe[0] == 0x7f ? sqe[4] & 3 : sqe[0] & 3;
}

static uint16_t check_sgl(struct nvme_conn *n, const uint8_t *sqe, uint32_t icd)
{
	uint32_t len = (uint32_t)le(sqe + 32, 4);
	uint32_t most = n->qid ? n->p->params.icd_max : 8192;

	if (sqe[1] >> 6 != 1) {
		complain(n->p, "PSDT is not 01b");
		return SC_FIELD | DNR;
	}
	if (sqe[39] == 0x01) {
		if (le(sqe + 24, 8))
			return SC_SGL_OFFSET | DNR;
		if (icd != len || icd > most) {
			complain(n->p, "in-capsule data of %u bytes, SGL says %u, limit %u", icd,
				 len, most);
			return SC_SGL_LENGTH | DNR;
		}
	} else if (sqe[39] == 0x5a || (!sqe[39] && !len)) {
		if (le(sqe + 24, 8))
			return SC_SGL_OFFSET | DNR;
		if (icd) {
			complain(n->p, "data in a capsule whose SGL is not in-capsule");
			return SC_FIELD | DNR;
		}
	} else {
		complain(n->p, "SGL type %02x", sqe[39]);
		return SC_SGL_TYPE | DNR;
	}
	return 0;
}

/* The header is whole and its digest good; n->data_left is the in-capsule data. */
void command_start(struct nvme_conn *n)
{
	const uint8_t *sqe = n->h + 8;
	uint32_t icd = n->data_left;
	struct command *cmd;

	n->cmd = NULL;
	n->to = NULL;
	if (fault_at_command(n))
		return;
	if (nvme_find(n, (uint16_t)le(sqe + 2, 2)))
		complain(n->p, "CID %04x is in flight already", (unsigned int)le(sqe + 2, 2));
	if (n->in_flight >= n->sq_entries - 1 && n->connected)
		complain(n->p, "queue %u: more than %u commands in flight", n->qid,
			 n->sq_entries - 1);
	cmd = new_command(n, sqe);
	n->sqhd = (n->sqhd + 1) % n->sq_entries;
	n->cmd = cmd;
	cmd->len = (uint32_t)le(sqe + 32, 4);
	cmd->status = check_sgl(n, sqe, icd);
	if (cmd->status)
		return;
	if (command_direction(sqe) != 1)
		return;
	if (cmd->len > 64u << 20) {
		cmd->status = SC_FIELD | DNR;
		return;
	}
	cmd->buf = malloc(cmd->len + 1u);
	if (icd)
		n->to = cmd->buf;
}

/* A CapsuleCmd with all that is in it has come. */
void nvme_on_command(struct command *cmd, bool bad_digest)
{
	if (bad_digest)
		cmd->status = SC_TRANSIENT;
	if (cmd->status)
		command_end(cmd, cmd->status);
	else if (command_direction(cmd->sqe) == 1 && cmd->sqe[39] == 0x5a && cmd->len)
		command_ask(cmd);
	else
		command_data(cmd);
}

void command_data(struct command *cmd)
{
	struct nvme_conn *n = cmd->n;

	if (cmd->bad_digest)
		command_end(cmd, SC_TRANSIENT);
	else if (cmd->sqe[0] == 0x7f)
		fabrics_execute(cmd);
	else if (!n->connected)
		command_end(cmd, SC_SEQUENCE | DNR);
	else if (n->qid)
		io_execute(cmd);
	else
		admin_execute(cmd);
}

/* --- H2CData ----------------------------------------------------------------------------------------------------------------------- */

static bool fault_amid_data(struct nvme_conn *n)
{
	switch (fault_now(n->p, n->qid, PEER_DATA_RST, PEER_DATA_SILENT)) {
	case PEER_DATA_RST:
		tcp_abort(n->c);
		return true;
	case PEER_DATA_FIN:
		tcp_close(n->c);
		nvme_gone(n->c);
		return true;
	case PEER_DATA_SILENT:
		n->c->silent = true;
		return true;
	default:
		return false;
	}
}

void nvme_on_h2c_data(struct nvme_conn *n)
{
	uint16_t ttag = (uint16_t)le(n->h + 10, 2);
	uint32_t off = (uint32_t)le(n->h + 12, 4), len = (uint32_t)le(n->h + 16, 4);
	struct r2t *g = ttag < TTAGS ? &n->r2t[ttag] : NULL;
	bool last = n->h[1] & F_LAST;

	n->to = NULL;
	n->cmd = NULL;
	if (!g || !g->cmd)
		nvme_term(n, FES_FIELD, 10);
	else if (g->cmd->cid != le(n->h + 8, 2))
		nvme_term(n, FES_FIELD, 8);
	else if (len > n->p->params.maxh2cdata)
		nvme_term(n, FES_LIMIT, 0);
	else if (len != n->data_left || !len)
		nvme_term(n, FES_FIELD, 16);
	else if (off < g->off || off - g->off > g->len || len > g->len - (off - g->off))
		nvme_term(n, FES_RANGE, 0);
	else if (off - g->off != g->got)
		nvme_term(n, FES_SEQUENCE, 0);
	else if (last != (g->got + len == g->len))
		nvme_term(n, FES_SEQUENCE, 0);
	if (n->terminating || fault_amid_data(n))
		return;
	if (le(n->h + 20, 4))
		complain(n->p, "H2CData: reserved bytes");
	n->grant = g;
	n->cmd = g->cmd;
	n->to = g->cmd->buf + off;
}

void nvme_data_arrived(struct nvme_conn *n, bool bad_digest)
{
	struct r2t *g = n->grant;
	struct command *cmd = g->cmd;
	uint32_t len = (uint32_t)le(n->h + 16, 4);

	cmd->bad_digest |= bad_digest;
	cmd->got += len;
	g->got += len;
	if (g->got != g->len)
		return;
	g->cmd = NULL;
	cmd->r2ts--;
	if (cmd->got == cmd->len)
		command_data(cmd);
	else if (cmd->asked < cmd->len)
		command_ask(cmd);
}
