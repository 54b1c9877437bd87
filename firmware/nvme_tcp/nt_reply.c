/* SPDX-License-Identifier: BSD-2-Clause */
/* Controller role, replies: GET_DATA by R2T, SEND_DATA, RESPOND. The table is in nt_ctl.h. */
#include "nt_ctl.h"

_Static_assert(CTL_RESP_REC + sizeof(struct tcp_pdu) <= CTL_GET_OFF &&
		       CTL_DATA_REC + sizeof(struct tcp_pdu) <= ENG_SLOT_SIZE &&
		       CTL_RESP_HDR + PDU_RESP_LEN <= 128 &&
		       CTL_DATA_HDR + PDU_DATA_LEN <= CTL_RESP_HDR,
	       "a slot holds a reply's headers and records");

/* Ends a reply. Its slot goes on as next. */
static inline void done(uint16_t conn, uint16_t slot, uint8_t next, uint16_t err)
{
	struct nt_cmd *cmd = &nt_cmds[slot];
	const struct hal_cpl cpl = {
		.qp = conn,
		.type = WEFT_CQT_COMMAND,
		.cid = (uint16_t)(slot - nt_conns[conn].slot_base),
		.status = err,
		.data_len = err ? 0 : cmd->len,
		.slot = slot,
	};

	cmd->flags = next;
	hal_complete(&cpl);
}

/* The last byte of a GET is placed. */
void nt_get_done(uint16_t conn, uint16_t slot)
{
	done(conn, slot, CTL_HELD, 0);
}

/*
 * While a reply is under way, the slot stays taken for it: only a program that submits twice for one command comes here, and
 * the completion of the first gives it back.
 */
static __attribute__((noinline)) void refuse(uint16_t conn, uint16_t slot, uint16_t err)
{
	const struct hal_cpl cpl = {
		.qp = conn,
		.type = WEFT_CQT_COMMAND,
		.cid = (uint16_t)(slot - nt_conns[conn].slot_base),
		.status = err,
		.slot = nt_cmds[slot].flags >= CTL_GET ? ENG_NO_SLOT : slot,
	};

	hal_complete(&cpl);
}

/* --- data to the host, responses ------------------------------------------------------------------------------------------------ */

/* The record at rec, whose header is at hdr (bytes in the slot), of len bytes of data. */
static inline struct tcp_pdu *record(uint16_t conn, uint16_t slot, const struct nt_form *f,
				     uint32_t hdr, uint32_t rec, uint32_t len, uint32_t quiet)
{
	uint32_t at = (uint32_t)slot * ENG_SLOT_SIZE;
	struct tcp_pdu *pdu = hal_xram(at + rec);
	uint32_t *w = (uint32_t *)&pdu->rec;

	w[0] = at + hdr;
	w[1] = f->rec;
	pdu->rec.data_len = len;
	pdu->rec.data_slot = slot;
	pdu->rec.data_off = 0;
	pdu->len = f->bytes + len;
	pdu->user = slot | (uint32_t)conn << 16 | NT_PDU_REPLY << 24 | quiet;
	return pdu;
}

static inline struct tcp_pdu *response(uint16_t conn, const struct nt_conn *c, uint16_t slot)
{
	uint32_t at = (uint32_t)slot * ENG_SLOT_SIZE;

	pdu_put_resp(hal_xram(at + CTL_RESP_HDR), c->out_resp.word0, c->out_resp.bytes,
		     hal_xram(at + offsetof(struct weft_ctl_entry, cqe)));
	return record(conn, slot, &c->out_resp, CTL_RESP_HDR, CTL_RESP_REC, 0, 0);
}

/* The offset counts in the host's buffer, which cannot be longer than its length can say. */
static inline bool data_ok(const struct weft_ctl_entry *e, uint32_t len, uint32_t most)
{
	uint32_t off = e->offset;

	return len - 1 < most && !(off & 3) && off <= UINT32_MAX - len &&
	       nt_sgl_covers((const struct weft_sq_entry *)(const void *)e, e->flags, len);
}

/* What LAST, SUCCESS and RESP (flags 7:4) may say: nothing, LAST, LAST and SUCCESS, RESP, LAST and RESP. */
#define SEND_ENDS 0x3bu
_Static_assert(WEFT_SQF_LAST == 0x10 && WEFT_SQF_SUCCESS == 0x20 && WEFT_SQF_RESP == 0x40 &&
		       PDU_F_LAST == WEFT_SQF_LAST >> 2 && PDU_F_SUCCESS == WEFT_SQF_SUCCESS >> 2,
	       "the PDU's flags are those of the entry, shifted");

/* The entry is good. Data and response go to TCP together, and come back as one: when the response is acknowledged. */
static __attribute__((noinline)) void send_now(uint16_t conn, struct nt_conn *c, uint16_t slot,
					       uint32_t len)
{
	const struct weft_ctl_entry *e = (const void *)hal_slot_entry(slot);
	struct nt_cmd *cmd = &nt_cmds[slot];
	struct tcp_pdu *data, *resp = NULL;
	uint32_t flags = e->flags, quiet = 0;

	cmd->flags = flags & (WEFT_SQF_SUCCESS | WEFT_SQF_RESP) ? CTL_END : CTL_SEND;
	cmd->len = len;
	if (flags & WEFT_SQF_RESP) {   /* first: the header of C2HData takes the CQE's place */
		quiet = TCP_PDU_QUIET; /* the response is acknowledged last */
		c->stats.pdus_sent++;
		resp = response(conn, c, slot);
	}
	c->stats.pdus_sent++;
	pdu_put_data(hal_xram((uint32_t)slot * ENG_SLOT_SIZE + CTL_DATA_HDR),
		     c->out_c2h.word0 | (flags & (WEFT_SQF_LAST | WEFT_SQF_SUCCESS)) << 6,
		     c->out_c2h.bytes + len, e->cccid, e->offset, len);
	data = record(conn, slot, &c->out_c2h, CTL_DATA_HDR, CTL_DATA_REC, len, quiet);
	if (resp)
		tcp_send_two(conn, data, resp);
	else
		tcp_send_ready(conn, data);
}

static __attribute__((noinline)) void send_data(uint16_t conn, struct nt_conn *c, uint16_t slot)
{
	const struct weft_ctl_entry *e = (const void *)hal_slot_entry(slot);
	uint32_t flags = e->flags, len = e->data_len;

	if ((flags & 0x87) == WEFT_SQF_DATA_OUT && (SEND_ENDS >> (flags >> 4) & 1) &&
	    data_ok(e, len, WEFT_PDU_DATA_MAX))
		send_now(conn, c, slot, len);
	else
		refuse(conn, slot, EINVAL);
}

static __attribute__((noinline)) void respond(uint16_t conn, struct nt_conn *c, uint16_t slot)
{
	const struct weft_ctl_entry *e = (const void *)hal_slot_entry(slot);
	struct nt_cmd *cmd = &nt_cmds[slot];

	if (e->flags || e->data_len) {
		refuse(conn, slot, EINVAL);
		return;
	}
	cmd->flags = CTL_END;
	cmd->len = 0;
	c->stats.pdus_sent++;
	tcp_send_ready(conn, response(conn, c, slot));
}

/* The reply's last PDU is acknowledged, and with it all of them. */
void nt_reply_acked(uint16_t conn, uint16_t slot)
{
	struct nt_ctl *ctl = &nt_ctls[conn];

	if (nt_cmds[slot].flags != CTL_END) {
		done(conn, slot, CTL_HELD, 0);
		return;
	}
	done(conn, slot, CTL_FREE, 0);
	nt_slot_free(ctl, slot);
	if (__builtin_expect(ctl->header_waits, 0))
		nt_capsule_resume(conn);
}

/* --- data from the host --------------------------------------------------------------------------------------------------------- */

void nt_get_turn(struct nt_conn *c, uint16_t slot)
{
	nt_get(slot)->next = ENG_NO_SLOT;
	if (c->writer_first == ENG_NO_SLOT)
		c->writer_first = slot;
	else
		nt_get(c->writer_last)->next = slot;
	c->writer_last = slot;
}

static void send_r2t(uint16_t conn, struct nt_conn *c, struct tcp_pdu *pdu, uint16_t slot)
{
	struct nt_cmd *cmd = &nt_cmds[slot];
	struct nt_get *g = nt_get(slot);
	uint32_t left = cmd->len - g->asked, len = left < c->maxh2cdata ? left : c->maxh2cdata;
	uint32_t ttag = (uint32_t)(slot - c->slot_base) | (cmd->r2t_at & CTL_R2T_MASK)
								  << CTL_TTAG_SHIFT;

	pdu_put_data(nt_pdu_header(pdu), c->out_r2t.word0, c->out_r2t.bytes, g->cccid | ttag << 16,
		     g->base + g->asked, len);
	pdu->rec.data_slot = 0;
	pdu->rec.data_off = 0;
	g->asked += len;
	cmd->r2t_at++;
	cmd->r2ts++;
	c->pdus_out++;
	nt_send(conn, pdu, &c->out_r2t, 0, ENG_NO_SLOT | NT_PDU_R2T << 24);
}

/* Requests in turn, one of each command; called again when PDUs are acknowledged. */
void nt_get_pump(uint16_t conn)
{
	struct nt_conn *c = &nt_conns[conn];

	while (c->writer_first != ENG_NO_SLOT && c->pdus_out < NT_PDUS_PER_CONN) {
		uint16_t slot = c->writer_first;
		struct tcp_pdu *pdu = nt_pdu_get();

		if (!pdu)
			break;
		c->writer_first = nt_get(slot)->next;
		send_r2t(conn, c, pdu, slot);
		if (nt_cmds[slot].r2ts <= c->maxr2t && nt_get(slot)->asked < nt_cmds[slot].len)
			nt_get_turn(c, slot);
	}
}

static __attribute__((noinline)) void get_data(uint16_t conn, struct nt_conn *c, uint16_t slot)
{
	const struct weft_ctl_entry *e = (const void *)hal_slot_entry(slot);
	struct nt_cmd *cmd = &nt_cmds[slot];
	struct nt_get *g = nt_get(slot);
	uint32_t len = e->data_len;

	if ((e->flags & (uint8_t)~WEFT_SQF_SGL_CHAIN) != WEFT_SQF_DATA_IN ||
	    !data_ok(e, len, WEFT_DATA_MAX)) {
		refuse(conn, slot, EINVAL);
		return;
	}
	cmd->flags = CTL_GET;
	cmd->r2ts = 0;
	cmd->len = len;
	cmd->off = 0;
	g->base = e->offset;
	g->asked = 0;
	g->start = 0;
	g->cccid = e->cccid;
	nt_get_turn(c, slot);
	nt_get_pump(conn);
}

/* --- entries ---------------------------------------------------------------------------------------------------------------------- */

/* Why an entry is refused whose fields nobody looked at. */
static uint16_t reason(const struct nt_conn *c, uint8_t opcode)
{
	if (c->state != NT_SERVING)
		return ENOTCONN;
	return opcode < WEFT_OP_GET_DATA || opcode > WEFT_OP_RESPOND ? EOPNOTSUPP : EINVAL;
}

void nt_ctl_submit(uint16_t conn, struct nt_conn *c, uint16_t slot)
{
	uint8_t opcode = hal_slot_entry(slot)->opcode;

	if (__builtin_expect(nt_cmds[slot].flags != CTL_HELD || c->state != NT_SERVING, 0))
		refuse(conn, slot, reason(c, opcode));
	else if (opcode == WEFT_OP_SEND_DATA)
		send_data(conn, c, slot);
	else if (opcode == WEFT_OP_RESPOND)
		respond(conn, c, slot);
	else if (opcode == WEFT_OP_GET_DATA)
		get_data(conn, c, slot);
	else
		refuse(conn, slot, EOPNOTSUPP);
}

/* --- ending ----------------------------------------------------------------------------------------------------------------------- */

/* Nothing more is asked for; a header that waits for a slot goes away with all that follows. */
void nt_ctl_closing(uint16_t conn)
{
	nt_conns[conn].writer_first = ENG_NO_SLOT;
	if (!nt_ctls[conn].header_waits)
		return;
	nt_ctls[conn].header_waits = false;
	nt_discard(conn);
}

/*
 * The connection is gone: replies end, commands that the host program holds are forgotten. A capsule that was being received may
 * have left an error flag with its slot, which no completion took: it must not become the next command's.
 */
void nt_ctl_drop(uint16_t conn, uint16_t err)
{
	const struct nt_conn *c = &nt_conns[conn];
	bool receiving = false;

	for (uint16_t i = 0; i < c->entries; i++) {
		uint16_t slot = (uint16_t)(c->slot_base + i);
		struct nt_cmd *cmd = &nt_cmds[slot];

		cmd->r2ts = 0;
		if (cmd->flags >= CTL_GET)
			done(conn, slot, CTL_FREE, err);
		receiving |= cmd->flags == CTL_RECV;
		cmd->flags = CTL_FREE;
	}
	if (receiving)
		hal_qp_free_slots(conn);
}
