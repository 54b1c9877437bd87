// SPDX-License-Identifier: BSD-2-Clause
/* NVMe/TCP: the stream coming in, cut into PDUs; every field of their headers checked, digests, padding. */
#include "nvme.h"

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
		nvme_on_command(cmd, bad_digest);
	else if (n->h[0] == H2C_DATA && cmd)
		nvme_data_arrived(n, bad_digest);
	next_pdu(n);
}

static void header_arrived(struct nvme_conn *n)
{
	n->p->stats.pdus_in++;
	n->crc = CRC_START;
	n->pad = n->data_left = 0;
	if (n->h[0] == ICREQ) {
		nvme_on_icreq(n);
		next_pdu(n);
		return;
	}
	if (n->h[0] == H2C_TERM) {
		nvme_on_term(n);
		return;
	}
	if (!check_header_digest(n) || !measure_data(n))
		return;
	if (n->h[0] == H2C_DATA)
		nvme_on_h2c_data(n);
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
		[S_HEADER] = take_header,
		[S_PAD] = take_pad,
		[S_DATA] = take_body,
		[S_DIGEST] = take_digest,
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
