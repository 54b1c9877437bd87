/* SPDX-License-Identifier: BSD-2-Clause */
/* R2T: requests for write data, answered in order of arrival with H2CData PDUs of at most MAXH2CDATA bytes. */
#include "nt.h"

#include "lib/aux_map.h"
#include "lib/pool.h"

static struct pool r2t_pool;

void nt_r2t_init(void)
{
	pool_init(&r2t_pool, hal_xram(AUX_R2T_OFF), sizeof(struct nt_r2t), AUX_R2T_SIZE / sizeof(struct nt_r2t));
}

/* Which rule of its command an R2T breaks: FES, or 0. */
static uint16_t check_r2t(const struct nt_conn *c, const struct nt_cmd *cmd, const struct pdu_hdr *h)
{
	if (!(cmd->sqf & WEFT_SQF_DATA_OUT) || (cmd->sqf & WEFT_SQF_ICD))
		return PDU_FES_HEADER_FIELD;
	if (cmd->flags & NTC_RESP)
		return PDU_FES_SEQUENCE;
	if (cmd->r2ts > c->maxr2t)
		return PDU_FES_LIMIT;
	if (h->w[3] > cmd->len || h->w[4] > cmd->len - h->w[3] || !h->w[4])
		return PDU_FES_RANGE;
	return h->w[3] == cmd->off ? 0 : PDU_FES_SEQUENCE;
}

void nt_r2t(uint16_t conn, const struct pdu_hdr *h)
{
	struct nt_conn *c = &nt_conns[conn];
	uint16_t slot = nt_slot(c, pdu_cccid(h));
	struct pdu_fault f = { .fes = PDU_FES_HEADER_FIELD, .fei = 8 };
	struct nt_r2t *r;

	if (slot != ENG_NO_SLOT)
		f.fes = check_r2t(c, &nt_cmds[slot], h);
	if (f.fes) {
		if (f.fes != PDU_FES_HEADER_FIELD)
			f.fei = 0;
		nt_fault(conn, &f);
		return;
	}
	r = pool_get(&r2t_pool);
	if (!r) { /* more outstanding than slots: cannot be with maxr2t 0, and a limit of ours otherwise */
		f.fes = PDU_FES_LIMIT;
		f.fei = 0;
		nt_fault(conn, &f);
		return;
	}
	hal_stream_next(conn);
	*r = (struct nt_r2t){ .off = h->w[3], .left = h->w[4], .slot = slot, .ttag = pdu_ttag(h) };
	nt_cmds[slot].off += h->w[4];
	nt_cmds[slot].r2ts++;
	if (c->r2t_tail)
		c->r2t_tail->next = r;
	else
		c->r2t_head = r;
	c->r2t_tail = r;
	nt_r2t_pump(conn);
}

static void send_data(uint16_t conn, struct tcp_pdu *pdu, struct nt_r2t *r)
{
	struct nt_conn *c = &nt_conns[conn];
	uint32_t *hdr = nt_pdu_header(pdu), len = r->left < c->maxh2cdata ? r->left : c->maxh2cdata;
	struct pdu_shape s;

	pdu_shape(&s, PDU_DATA_LEN, len, c->rules.hdgst, c->rules.ddgst, c->tx_align);
	pdu_put_h2c(hdr, &s, (uint16_t)(r->slot - c->slot_base), r->ttag, r->off, len, len == r->left);
	pdu->rec.hdr_addr = hal_xram_off(hdr);
	pdu->rec.hdr_len = PDU_DATA_LEN;
	pdu->rec.flags = (uint8_t)(s.flags & (PDU_F_HDGST | PDU_F_DDGST));
	pdu->rec.pad_len = s.pad;
	pdu->rec.data_len = len;
	pdu->rec.data_slot = r->slot;
	pdu->rec.data_off = r->off;
	r->off += len;
	r->left -= len;
	c->pdus_out++;
	nt_cmds[r->slot].refs++;
	nt_send(conn, pdu, r->slot | NT_PDU_DATA << 24, s.plen);
}

static void r2t_done(struct nt_conn *c, struct nt_r2t *r)
{
	nt_cmds[r->slot].r2ts--;
	c->r2t_head = r->next;
	if (!c->r2t_head)
		c->r2t_tail = NULL;
	pool_put(&r2t_pool, r);
}

/* Queues data PDUs while there is room; called again when PDUs are acknowledged. */
void nt_r2t_pump(uint16_t conn)
{
	struct nt_conn *c = &nt_conns[conn];

	while (c->r2t_head && c->pdus_out < NT_PDUS_PER_CONN && c->state == NT_READY) {
		struct nt_r2t *r = c->r2t_head;
		struct tcp_pdu *pdu;

		/* refs is a byte; a command with that many PDUs under way waits for acknowledgements */
		if (nt_cmds[r->slot].refs == UINT8_MAX)
			break;
		pdu = nt_pdu_get();
		if (!pdu)
			break;
		send_data(conn, pdu, r);
		if (!r->left)
			r2t_done(c, r);
	}
}

void nt_r2t_drop(uint16_t conn)
{
	struct nt_conn *c = &nt_conns[conn];

	while (c->r2t_head)
		r2t_done(c, c->r2t_head);
}
