// SPDX-License-Identifier: BSD-2-Clause
/*
 * NVMe/TCP: PDUs going out. A command whose answer is ready waits in a list; its C2HData and CapsuleResp flow into the TCP
 * ring as room allows. Between two PDUs, R2Ts and a pending TermReq go first.
 */
#include "nvme.h"

/* --- headers -------------------------------------------------------------------------------------------------------------- */

/* Puts a header into n->out, with digest and padding. spoil: the digest is to be wrong. */
static void stage_header(struct nvme_conn *n, const uint8_t *h, uint32_t hlen, uint32_t pdo,
			 bool spoil)
{
	memcpy(n->out, h, hlen);
	n->out_len = hlen;
	if (n->hdgst) {
		put_le(n->out + hlen, crc_end(crc_add(CRC_START, h, hlen)) ^ spoil, 4);
		n->out_len += 4;
	}
	if (pdo > n->out_len) {
		memset(n->out + n->out_len, 0, pdo - n->out_len);
		n->out_len = pdo;
	}
	n->out_pos = 0;
	n->p->stats.pdus_out++;
}

static uint32_t head_bytes(const struct nvme_conn *n)
{
	return 24 + (n->hdgst ? 4 : 0);
}

/* --- R2T ------------------------------------------------------------------------------------------------------------------- */

static int new_grant(struct nvme_conn *n, struct command *cmd, uint32_t len)
{
	unsigned int i, t;

	for (i = 0; i < TTAGS; i++) {
		t = (n->next_ttag + i) % TTAGS;
		if (n->r2t[t].cmd)
			continue;
		n->r2t[t] = (struct r2t){ cmd, cmd->asked, len, 0 };
		n->next_ttag = t + 1;
		return (int)t;
	}
	return -1;
}

static bool fault_at_r2t(struct nvme_conn *n, const struct command *cmd, uint8_t *h, bool *spoil)
{
	switch (fault_now(n->p, n->qid, PEER_R2T_HDGST, PEER_R2T_NONE)) {
	case PEER_R2T_HDGST:
		*spoil = true;
		break;
	case PEER_R2T_CID:
		put_le(h + 8, 0xeeee, 2);
		break;
	case PEER_R2T_ZERO:
		put_le(h + 16, 0, 4);
		break;
	case PEER_R2T_BEYOND:
		put_le(h + 16, cmd->len + 4096, 4);
		break;
	case PEER_R2T_OFFSET:
		put_le(h + 12, le(h + 12, 4) + 512, 4);
		break;
	case PEER_R2T_MANY:
		n->max_r2t += 2; /* and so it asks on */
		break;
	case PEER_R2T_NONE:
		return true;
	default:
		break;
	}
	return false;
}

/* True: the command has nothing more to ask for now. */
static bool stage_r2t(struct nvme_conn *n, struct command *cmd)
{
	uint8_t h[24] = { R2T, (uint8_t)(n->hdgst ? F_HDGST : 0), 24, 0, (uint8_t)head_bytes(n) };
	uint32_t len = cmd->len - cmd->asked;
	bool spoil = false;
	int ttag;

	if (len > n->p->params.r2t_bytes)
		len = n->p->params.r2t_bytes;
	ttag = new_grant(n, cmd, len);
	if (ttag < 0)
		return true;
	put_le(h + 8, cmd->cid, 2);
	put_le(h + 10, (uint32_t)ttag, 2);
	put_le(h + 12, cmd->asked, 4);
	put_le(h + 16, len, 4);
	cmd->r2ts++;
	cmd->asked += len;
	if (!fault_at_r2t(n, cmd, h, &spoil))
		stage_header(n, h, 24, 0, spoil);
	return cmd->asked == cmd->len || cmd->r2ts >= n->max_r2t;
}

void command_ask(struct command *cmd)
{
	struct command *q;

	for (q = cmd->n->asking.head; q; q = q->waiting)
		if (q == cmd)
			return;
	if (cmd->asked < cmd->len && cmd->r2ts < cmd->n->max_r2t)
		list_add(&cmd->n->asking, cmd);
}

/* --- C2HData ------------------------------------------------------------------------------------------------------------------- */

static void fault_at_data(struct nvme_conn *n, uint8_t *h, bool *spoil)
{
	switch (fault_now(n->p, n->qid, PEER_C2H_HDGST, PEER_C2H_HDGSTF)) {
	case PEER_C2H_HDGST:
		*spoil = true;
		break;
	case PEER_C2H_DDGST:
		n->spoil_digest = true;
		break;
	case PEER_C2H_DATAO:
		put_le(h + 12, le(h + 12, 4) + 512, 4);
		break;
	case PEER_C2H_BEYOND:
		put_le(h + 12, n->cur->len, 4);
		break;
	case PEER_C2H_CID:
		put_le(h + 8, 0xeeee, 2);
		break;
	case PEER_C2H_NO_LAST:
		h[1] &= (uint8_t) ~(F_LAST | F_SUCCESS);
		break;
	case PEER_C2H_SUCCESS_NO_LAST:
		h[1] = (uint8_t)((h[1] & ~F_LAST) | F_SUCCESS);
		break;
	case PEER_C2H_PDO:
		h[3] = 20;
		break;
	case PEER_C2H_PLEN:
		put_le(h + 4, le(h + 4, 4) + 4, 4);
		break;
	case PEER_C2H_HLEN:
		h[2] = 28;
		break;
	case PEER_C2H_HDGSTF:
		h[1] ^= F_HDGST;
		break;
	default:
		break;
	}
}

/* One fault counts as a whole PDU: half the data, LAST, and a good CapsuleResp. */
static bool fault_short(struct nvme_conn *n)
{
	return n->p->fault.kind == PEER_C2H_SHORT &&
	       fault_now(n->p, n->qid, PEER_C2H_SHORT, PEER_C2H_SHORT);
}

static void stage_data(struct nvme_conn *n, struct command *cmd)
{
	uint32_t align = (n->hpda + 1u) * 4, pdo = (head_bytes(n) + align - 1) / align * align;
	uint32_t len = cmd->len - cmd->sent;
	uint8_t h[24] = { C2H_DATA, 0, 24, (uint8_t)pdo };
	bool spoil = false, last;

	if (len > n->p->params.c2h_bytes)
		len = n->p->params.c2h_bytes;
	if (fault_short(n)) {
		len = len / 2 & ~3u;
		cmd->len = cmd->sent + len;
	}
	last = cmd->sent + len == cmd->len;
	h[1] = (uint8_t)((n->hdgst ? F_HDGST : 0) | (n->ddgst ? F_DDGST : 0) | (last ? F_LAST : 0));
	if (last && n->no_flow && !cmd->dw0 && !cmd->dw1)
		h[1] |= F_SUCCESS;
	put_le(h + 4, pdo + len + (n->ddgst ? 4 : 0), 4);
	put_le(h + 8, cmd->cid, 2);
	put_le(h + 12, cmd->sent, 4);
	put_le(h + 16, len, 4);
	n->spoil_digest = false;
	fault_at_data(n, h, &spoil);
	cmd->answered = h[1] & F_SUCCESS;
	stage_header(n, h, 24, pdo, spoil);
	n->out_data = cmd->data + cmd->sent;
	n->out_left = len;
	n->out_crc = CRC_START;
	n->in_data = true;
	n->p->stats.read_bytes += n->qid ? len : 0;
	cmd->sent += len;
}

/* --- CapsuleResp ------------------------------------------------------------------------------------------------------------------ */

static unsigned int fault_at_response(struct nvme_conn *n, uint8_t *h, bool *spoil)
{
	switch (fault_now(n->p, n->qid, PEER_RESP_HDGST, PEER_RESP_PLEN)) {
	case PEER_RESP_HDGST:
		*spoil = true;
		return 1;
	case PEER_RESP_CID:
		put_le(h + 20, 0xeeee, 2);
		return 1;
	case PEER_RESP_TWICE:
		return 2;
	case PEER_RESP_NONE:
		return 0;
	case PEER_RESP_STATUS:
		put_le(h + 22, n->p->fault.arg << 1, 2);
		return 1;
	case PEER_RESP_PLEN:
		put_le(h + 4, 64, 4);
		return 1;
	default:
		return 1;
	}
}

static void stage_response(struct nvme_conn *n, struct command *cmd)
{
	uint8_t h[24] = { CAPSULE_RESP, (uint8_t)(n->hdgst ? F_HDGST : 0), 24, 0,
			  (uint8_t)head_bytes(n) };
	bool spoil = false;
	unsigned int times;

	put_le(h + 8, cmd->dw0, 4);
	put_le(h + 12, cmd->dw1, 4);
	put_le(h + 16, n->no_flow ? (cmd->no_sqhd ? 0xffff : 0) : n->sqhd, 2);
	put_le(h + 18, n->qid, 2);
	put_le(h + 20, cmd->cid, 2);
	put_le(h + 22, (uint32_t)cmd->status << 1, 2);
	times = fault_at_response(n, h, &spoil);
	nvme_release(cmd);
	if (!times)
		return;
	stage_header(n, h, 24, 0, spoil);
	if (times == 2) {
		memcpy(n->out + n->out_len, n->out, n->out_len);
		n->out_len *= 2;
	}
}

/* --- flow ------------------------------------------------------------------------------------------------------------------------- */

void command_ready(struct command *cmd)
{
	list_add(&cmd->n->ready, cmd);
}

static void fault_amid_output(struct nvme_conn *n)
{
	switch (fault_now(n->p, n->qid, PEER_DATA_RST, PEER_DATA_SILENT)) {
	case PEER_DATA_RST:
		tcp_abort(n->c);
		break;
	case PEER_DATA_FIN:
		tcp_close(n->c);
		nvme_gone(n->c);
		break;
	case PEER_DATA_SILENT:
		n->c->silent = true;
		break;
	default:
		break;
	}
}

static void end_of_data(struct nvme_conn *n)
{
	struct command *cmd = n->cur;

	n->in_data = false;
	if (n->ddgst) {
		put_le(n->out, crc_end(n->out_crc) ^ n->spoil_digest, 4);
		n->out_len = 4;
		n->out_pos = 0;
	}
	n->cur = NULL;
	if (cmd->sent < cmd->len && n->p->params.shuffle) {
		list_add(&n->ready, cmd); /* PDUs of several commands take turns */
	} else if (cmd->answered) {
		nvme_release(cmd);
	} else {
		n->cur = cmd;
	}
}

/* Moves bytes of the PDU under way. False: no room, or the PDU is through. */
static bool pump(struct nvme_conn *n)
{
	uint32_t room = tcp_room(n->c), k;

	if (n->out_pos < n->out_len) {
		k = n->out_len - n->out_pos < room ? n->out_len - n->out_pos : room;
		tcp_append(n->c, n->out + n->out_pos, k);
		n->out_pos += k;
		return k;
	}
	if (!n->in_data)
		return false;
	k = n->out_left < room ? n->out_left : room;
	if (n->ddgst)
		n->out_crc = crc_add(n->out_crc, n->out_data, k);
	if (k < n->out_left || n->out_left > 1024)
		fault_amid_output(n);
	if (n->dead || n->c->state == TCP_FREE)
		return false;
	tcp_append(n->c, n->out_data, k);
	n->out_data += k;
	n->out_left -= k;
	if (!n->out_left)
		end_of_data(n);
	return k;
}

/* Chooses the next PDU. False: there is none. */
static bool next_out(struct nvme_conn *n)
{
	if (n->terminating) {
		if (n->term_sent || !n->term_len)
			return false;
		memcpy(n->out, n->term, n->term_len);
		n->out_len = n->term_len;
		n->out_pos = 0;
		n->term_sent = true;
		return true;
	}
	if (n->asking.head) {
		if (stage_r2t(n, n->asking.head))
			list_take(&n->asking);
		return true;
	}
	if (!n->cur)
		n->cur = list_take(&n->ready);
	if (!n->cur)
		return false;
	if (n->cur->data && n->cur->sent < n->cur->len) {
		stage_data(n, n->cur);
	} else {
		stage_response(n, n->cur);
		n->cur = NULL;
	}
	return true;
}

static bool under_way(const struct nvme_conn *n)
{
	return n->out_pos < n->out_len || n->in_data;
}

void nvme_output(struct conn *c)
{
	struct nvme_conn *n = c->nvme;

	while (n && !n->dead && c->state != TCP_FREE && !c->silent && tcp_room(c)) {
		if (under_way(n))
			pump(n);
		else if (!next_out(n))
			break;
	}
}
