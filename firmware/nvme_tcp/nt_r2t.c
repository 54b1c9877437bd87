/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * R2T: requests for write data, answered with H2CData PDUs of at most MAXH2CDATA bytes. A command's requests stand in its slot, in
 * order of arrival; commands with requests stand in the connection's queue and take turns, one request each.
 */
#include "nt.h"

#define FEI_CCCID 8
#define FEI_R2TL 16
#define RING (NT_R2TS - 1)

_Static_assert((NT_R2TS & RING) == 0, "r2t_at wraps by a mask");

/* Which rule of its command an R2T breaks. False: none. */
static bool broken(const struct nt_conn *c, const struct nt_cmd *cmd, const struct pdu_hdr *h,
		   struct pdu_fault *f)
{
	*f = (struct pdu_fault){ .fes = PDU_FES_NONE };
	if (!(cmd->flags & NTC_OUT))
		*f = (struct pdu_fault){ PDU_FES_HEADER_FIELD, FEI_CCCID };
	else if (cmd->flags & NTC_RESP)
		f->fes = PDU_FES_SEQUENCE;
	else if (cmd->r2ts > c->maxr2t)
		f->fes = PDU_FES_LIMIT;
	else if (!h->w[4])
		*f = (struct pdu_fault){ PDU_FES_HEADER_FIELD, FEI_R2TL };
	else if (h->w[3] > cmd->len || h->w[4] > cmd->len - h->w[3])
		f->fes = PDU_FES_RANGE;
	else if (h->w[3] != cmd->off)
		f->fes = PDU_FES_SEQUENCE;
	return f->fes != PDU_FES_NONE;
}

static void enqueue(struct nt_conn *c, uint16_t slot)
{
	nt_turn(slot)->next = ENG_NO_SLOT;
	if (c->writer_first == ENG_NO_SLOT)
		c->writer_first = slot;
	else
		nt_turn(c->writer_last)->next = slot;
	c->writer_last = slot;
}

/* The header is an R2T of good form. */
void nt_r2t(uint16_t conn)
{
	const struct pdu_hdr *h = nt_hdr(conn);
	struct nt_conn *c = &nt_conns[conn];
	struct nt_cmd *cmd = nt_cmd_of(c, pdu_cccid(h));
	struct pdu_fault f = { .fes = PDU_FES_HEADER_FIELD, .fei = FEI_CCCID };
	uint16_t slot = (uint16_t)(c->slot_base + pdu_cccid(h));
	uint32_t at;

	if (!cmd || broken(c, cmd, h, &f)) {
		nt_fault(conn, &f);
		return;
	}
	at = (uint32_t)(cmd->r2t_at + cmd->r2ts) & RING;
	nt_answer(slot)->r2tl[at] = h->w[4];
	nt_answer(slot)->ttag[at] = pdu_ttag(h);
	if (!cmd->off)
		nt_turn(slot)->sent = 0;
	cmd->off += h->w[4];
	hal_stream_next(conn);
	if (!cmd->r2ts++)
		enqueue(c, slot);
	nt_r2t_pump(conn);
}

/* One PDU of the oldest request. Returns true when that was its last. */
static bool send_data(uint16_t conn, struct tcp_pdu *pdu, uint16_t slot)
{
	struct nt_conn *c = &nt_conns[conn];
	struct nt_cmd *cmd = &nt_cmds[slot];
	struct nt_answer *a = nt_answer(slot);
	uint32_t left = a->r2tl[cmd->r2t_at], off = nt_turn(slot)->sent;
	uint32_t len = left < c->maxh2cdata ? left : c->maxh2cdata;
	uint32_t cid_ttag = (uint16_t)(slot - c->slot_base) | (uint32_t)a->ttag[cmd->r2t_at] << 16;

	pdu_put_h2c(nt_pdu_header(pdu), c->h2c.word0, c->h2c.bytes + len, cid_ttag, off, len,
		    len == left);
	pdu->rec.data_slot = slot;
	pdu->rec.data_off = off;
	nt_turn(slot)->sent = off + len;
	a->r2tl[cmd->r2t_at] = left - len;
	c->pdus_out++;
	cmd->refs++;
	nt_send(conn, pdu, &c->h2c, len, slot | NT_PDU_DATA << 24);
	return len == left;
}

/* The first in the queue has had its turn; it comes again when it has more requests. */
static void next_turn(struct nt_conn *c)
{
	uint16_t slot = c->writer_first;
	struct nt_cmd *cmd = &nt_cmds[slot];

	c->writer_first = nt_turn(slot)->next;
	cmd->r2t_at = (cmd->r2t_at + 1) & RING;
	if (--cmd->r2ts)
		enqueue(c, slot);
}

/* Queues data PDUs while there is room; called again when PDUs are acknowledged. */
void nt_r2t_pump(uint16_t conn)
{
	struct nt_conn *c = &nt_conns[conn];

	while (c->writer_first != ENG_NO_SLOT && c->pdus_out < NT_PDUS_PER_CONN) {
		struct tcp_pdu *pdu = nt_pdu_get();

		if (!pdu)
			break;
		if (send_data(conn, pdu, c->writer_first))
			next_turn(c);
	}
}

/* The connection ends: nothing more is sent for it. */
void nt_r2t_drop(struct nt_conn *c)
{
	while (c->writer_first != ENG_NO_SLOT) {
		nt_cmds[c->writer_first].r2ts = 0;
		c->writer_first = nt_turn(c->writer_first)->next;
	}
}
