/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * R2T: requests for write data, answered in order of arrival with H2CData PDUs of at most MAXH2CDATA bytes. When no room is left
 * to note one, its header stays unanswered (parked): the stream stands still, and the peer's window closes until there is room.
 */
#include "nt.h"

#include "lib/aux_map.h"
#include "lib/pool.h"

#define FEI_CCCID 8
#define FEI_R2TL 16

static struct pool r2t_pool;
static uint16_t parked;      /* connections that wait for room */
static uint16_t parked_last; /* the one that got some last */

void nt_r2t_init(void)
{
	pool_init(&r2t_pool, hal_xram(AUX_R2T_OFF), sizeof(struct nt_r2t), AUX_R2T_SIZE / sizeof(struct nt_r2t));
	parked = 0;
	parked_last = 0;
}

uint32_t nt_r2ts_free(void)
{
	return r2t_pool.count - r2t_pool.used;
}

/* Which rule of its command an R2T breaks. False: none. */
static bool broken(const struct nt_conn *c, const struct nt_cmd *cmd, const struct pdu_hdr *h, struct pdu_fault *f)
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

static void append(struct nt_conn *c, struct nt_r2t *r)
{
	if (c->r2t_tail)
		c->r2t_tail->next = r;
	else
		c->r2t_head = r;
	c->r2t_tail = r;
}

/* The header is an R2T of good form. */
void nt_r2t(uint16_t conn)
{
	const struct pdu_hdr *h = nt_hdr(conn);
	struct nt_conn *c = &nt_conns[conn];
	struct nt_cmd *cmd = nt_cmd_of(c, pdu_cccid(h));
	struct pdu_fault f = { .fes = PDU_FES_HEADER_FIELD, .fei = FEI_CCCID };
	struct nt_r2t *r;

	if (!cmd || broken(c, cmd, h, &f)) {
		nt_fault(conn, &f);
		return;
	}
	r = pool_get(&r2t_pool);
	if (!r) {
		c->parked = true;
		parked++;
		return;
	}
	*r = (struct nt_r2t){
		.off = h->w[3], .left = h->w[4], .slot = (uint16_t)(c->slot_base + pdu_cccid(h)), .ttag = pdu_ttag(h),
	};
	nt_answer_next(conn);
	cmd->off += r->left;
	cmd->r2ts++;
	append(c, r);
	nt_r2t_pump(conn);
}

/* Takes up headers that wait, one connection after the other, while there is room. */
void nt_r2t_unpark(void)
{
	while (__builtin_expect(parked && r2t_pool.used < r2t_pool.count, 0)) {
		do
			parked_last = (uint16_t)((parked_last + 1) % WEFT_N_QP);
		while (!nt_conns[parked_last].parked);
		nt_conns[parked_last].parked = false;
		parked--;
		nt_r2t(parked_last);
	}
}

static void send_data(uint16_t conn, struct tcp_pdu *pdu, struct nt_r2t *r)
{
	struct nt_conn *c = &nt_conns[conn];
	uint32_t len = r->left < c->maxh2cdata ? r->left : c->maxh2cdata;
	uint32_t cid_ttag = (uint16_t)(r->slot - c->slot_base) | (uint32_t)r->ttag << 16;

	pdu_put_h2c(nt_pdu_header(pdu), c->h2c.word0, c->h2c.bytes + len, cid_ttag, r->off, len, len == r->left);
	pdu->rec.data_len = len;
	pdu->rec.data_slot = r->slot;
	pdu->rec.data_off = r->off;
	r->off += len;
	r->left -= len;
	c->pdus_out++;
	nt_cmds[r->slot].refs++;
	nt_send(conn, pdu, &c->h2c, r->slot | NT_PDU_DATA << 24);
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
		struct tcp_pdu *pdu = nt_pdu_get();

		if (!pdu)
			break;
		send_data(conn, pdu, r);
		if (!r->left)
			r2t_done(c, r);
	}
}

/* The connection ends: nothing more is sent for it. */
void nt_r2t_drop(struct nt_conn *c)
{
	if (c->parked)
		parked--;
	c->parked = false;
	while (c->r2t_head)
		r2t_done(c, c->r2t_head);
}
