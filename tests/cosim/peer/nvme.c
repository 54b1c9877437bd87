// SPDX-License-Identifier: BSD-2-Clause
/* NVMe/TCP: PDUs coming in, checked field by field; commands and their data. What goes out is in pdu_out.c. */
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

static void on_icreq(struct nvme_conn *n)
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

static void on_term(struct nvme_conn *n)
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
	static const uint8_t unknown[24] = { 0x0d, 0, 24, 0, 24 }, theirs[24] = { CAPSULE_CMD, 0, 24, 0, 24 },
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
			complain(n->p, "in-capsule data of %u bytes, SGL says %u, limit %u", icd, len, most);
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
		complain(n->p, "queue %u: more than %u commands in flight", n->qid, n->sq_entries - 1);
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
static void command_arrived(struct command *cmd, bool bad_digest)
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

static void on_h2c_data(struct nvme_conn *n)
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

static void h2c_data_arrived(struct nvme_conn *n, bool bad_digest)
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

/* --- headers ------------------------------------------------------------------------------------------------------------------------- */

static uint32_t header_length(uint8_t type)
{
	switch (type) {
	case ICREQ:
		return 128;
	case H2C_TERM:
	case H2C_DATA:
		return 24;
	case CAPSULE_CMD:
		return 72;
	default:
		return 0;
	}
}

static bool digested(const struct nvme_conn *n)
{
	return n->hdgst && n->h[0] >= CAPSULE_CMD;
}

/* The first eight bytes are there. */
static void check_common_header(struct nvme_conn *n)
{
	uint32_t hlen = header_length(n->h[0]), plen = (uint32_t)le(n->h + 4, 4);
	uint8_t flags = digested(n) ? F_HDGST : 0;

	if (!hlen)
		nvme_term(n, FES_FIELD, 0);
	else if (n->ic_done ? n->h[0] == ICREQ : n->h[0] != ICREQ)
		nvme_term(n, FES_SEQUENCE, 0);
	else if (n->h[2] != hlen)
		nvme_term(n, FES_FIELD, 2);
	else if ((n->h[1] & F_HDGST) != flags && n->ic_done && n->h[0] >= CAPSULE_CMD)
		nvme_term(n, FES_FIELD, 1);
	else if (plen < hlen + (flags ? 4 : 0))
		nvme_term(n, FES_FIELD, 4);
	else if ((n->h[0] == ICREQ && plen != 128) || (n->h[0] == H2C_TERM && plen > 152))
		nvme_term(n, FES_FIELD, 4);
	else if (n->h[1] & ~(F_HDGST | F_DDGST | (n->h[0] == H2C_DATA ? F_LAST : 0)))
		nvme_term(n, FES_FIELD, 1);
	n->need = hlen + (flags ? 4 : 0);
}

/* PDO, PLEN and DDGSTF agree: the lengths of padding and data, or a TermReq. */
static bool measure_data(struct nvme_conn *n)
{
	uint32_t plen = (uint32_t)le(n->h + 4, 4), head = n->need, pdo = n->h[3];
	uint32_t align = (n->p->params.cpda + 1u) * 4, tail = n->h[1] & F_DDGST ? 4 : 0;

	n->pad = n->data_left = 0;
	if (plen == head && n->h[0] == CAPSULE_CMD) {
		if (pdo)
			complain(n->p, "CapsuleCmd without data has PDO %u", pdo);
		if (tail)
			nvme_term(n, FES_FIELD, 1);
		return !n->terminating;
	}
	if (pdo < head || pdo % align || pdo > plen)
		nvme_term(n, FES_FIELD, 3);
	else if (!!tail != n->ddgst)
		nvme_term(n, FES_FIELD, 1);
	else if (plen <= pdo + tail)
		nvme_term(n, FES_FIELD, 4);
	if (n->terminating)
		return false;
	if (pdo >= head + align)
		complain(n->p, "PDO %u is more padding than the alignment needs", pdo);
	n->pad = pdo - head;
	n->data_left = plen - pdo - tail;
	return true;
}

static bool check_header_digest(struct nvme_conn *n)
{
	uint32_t got, good;

	if (!digested(n))
		return true;
	got = (uint32_t)le(n->h + n->need - 4, 4);
	good = crc_end(crc_add(CRC_START, n->h, n->need - 4));
	if (got == good)
		return true;
	n->p->stats.header_digests_bad++;
	nvme_term(n, FES_HDGST, got);
	return false;
}

static void next_pdu(struct nvme_conn *n)
{
	n->stage = S_HEADER;
	n->have = 0;
	n->need = 8;
	n->cmd = NULL;
	n->grant = NULL;
}

static void pdu_arrived(struct nvme_conn *n, bool bad_digest)
{
	struct command *cmd = n->cmd;

	if (bad_digest) {
		n->p->stats.data_digests_bad++;
		complain(n->p, "data digest wrong in PDU type %u", n->h[0]);
	}
	if (n->h[0] == CAPSULE_CMD && cmd)
		command_arrived(cmd, bad_digest);
	else if (n->h[0] == H2C_DATA && cmd)
		h2c_data_arrived(n, bad_digest);
	next_pdu(n);
}

static void header_arrived(struct nvme_conn *n)
{
	n->p->stats.pdus_in++;
	n->crc = CRC_START;
	n->pad = n->data_left = 0;
	if (n->h[0] == ICREQ) {
		on_icreq(n);
		next_pdu(n);
		return;
	}
	if (n->h[0] == H2C_TERM) {
		on_term(n);
		return;
	}
	if (!check_header_digest(n) || !measure_data(n))
		return;
	if (n->h[0] == H2C_DATA)
		on_h2c_data(n);
	else
		command_start(n);
	if (n->terminating || n->dead || n->c->state == TCP_FREE)
		return;
	if (!n->data_left)
		pdu_arrived(n, false);
	else
		n->stage = n->pad ? S_PAD : S_DATA;
}

/* --- the stream -------------------------------------------------------------------------------------------------------------------------- */

static size_t take_header(struct nvme_conn *n, const uint8_t *b, size_t len)
{
	size_t k = n->need - n->have < len ? n->need - n->have : len;

	memcpy(n->h + n->have, b, k);
	n->have += (uint32_t)k;
	if (n->have != n->need)
		return k;
	if (n->have == 8)
		check_common_header(n);
	else
		header_arrived(n);
	return k;
}

static size_t take_pad(struct nvme_conn *n, const uint8_t *b, size_t len)
{
	size_t k = n->pad < len ? n->pad : len, i;

	for (i = 0; i < k; i++)
		if (b[i])
			complain(n->p, "padding is not zero");
	n->pad -= (uint32_t)k;
	if (!n->pad)
		n->stage = S_DATA;
	return k;
}

static size_t take_body(struct nvme_conn *n, const uint8_t *b, size_t len)
{
	size_t k = n->data_left < len ? n->data_left : len;

	if (n->ddgst)
		n->crc = crc_add(n->crc, b, k);
	if (n->to) {
		memcpy(n->to, b, k);
		n->to += k;
	}
	n->data_left -= (uint32_t)k;
	if (n->data_left)
		return k;
	n->have = 0;
	if (n->ddgst)
		n->stage = S_DIGEST;
	else
		pdu_arrived(n, false);
	return k;
}

static size_t take_digest(struct nvme_conn *n, const uint8_t *b, size_t len)
{
	size_t k = 4 - n->have < len ? 4 - n->have : len;

	memcpy(n->digest + n->have, b, k);
	n->have += (uint32_t)k;
	if (n->have == 4)
		pdu_arrived(n, le(n->digest, 4) != crc_end(n->crc));
	return k;
}

void nvme_input(struct conn *c, const uint8_t *b, size_t len)
{
	static size_t (*const take[])(struct nvme_conn *, const uint8_t *, size_t) = {
		[S_HEADER] = take_header, [S_PAD] = take_pad, [S_DATA] = take_body, [S_DIGEST] = take_digest,
	};
	struct nvme_conn *n = c->nvme;
	size_t k;

	while (len && !n->dead && !n->terminating && !c->silent && c->state != TCP_FREE) {
		if (c->stopped) { /* the fault came in the middle of this segment */
			memcpy(c->unread + c->n_unread, b, len);
			c->n_unread += (uint32_t)len;
			return;
		}
		k = take[n->stage](n, b, len);
		b += k;
		len -= k;
	}
}
