/* SPDX-License-Identifier: BSD-2-Clause */
/* Commands: from submission entry to capsule, from response to completion. */
#include "nt.h"

struct nt_cmd nt_cmds[WEFT_N_SLOTS];

_Static_assert(sizeof(struct tcp_pdu) <= 48, "a slot's firmware half holds a tcp_pdu and an 80-byte header");

static void complete(uint16_t conn, uint16_t slot, uint16_t err)
{
	struct nt_cmd *cmd = &nt_cmds[slot];
	const uint32_t *cqe = (const uint32_t *)hal_slot_entry(slot)->sqe;
	struct hal_cpl cpl = {
		.qp = conn,
		.type = WEFT_CQT_COMMAND,
		.cid = (uint16_t)(slot - nt_conns[conn].slot_base),
		.status = err,
		.data_len = cmd->off,
		.slot = slot,
	};

	if (cmd->flags & NTC_SUCCESS) {
		cpl.flags = WEFT_CQF_SYNTH;
		cpl.dw[3] = cpl.cid;
	} else if (!err) {
		cpl.dw[0] = cqe[0];
		cpl.dw[1] = cqe[1];
		cpl.dw[2] = cqe[2];
		cpl.dw[3] = cqe[3];
	}
	hal_complete(&cpl);
}

void nt_cmd_finish(uint16_t conn, uint16_t slot, uint16_t err)
{
	complete(conn, slot, err);
	nt_cmds[slot].flags = 0;
	nt_conns[conn].active--;
}

/* A PDU of the command is acknowledged, or its response came: complete when nothing refers to its buffers any more. */
void nt_cmd_unref(uint16_t conn, uint16_t slot)
{
	struct nt_cmd *cmd = &nt_cmds[slot];

	cmd->refs--;
	if (!cmd->refs && (cmd->flags & (NTC_ACTIVE | NTC_RESP)) == (NTC_ACTIVE | NTC_RESP) && !cmd->r2ts)
		nt_cmd_finish(conn, slot, 0);
}

static uint16_t check_sgl(const struct weft_sq_entry *e)
{
	uint32_t room = 0;

	if (e->flags & WEFT_SQF_SGL_CHAIN)
		return e->sgl_count && e->sgl_count <= WEFT_SGL_MAX ? 0 : EINVAL;
	if (!e->sgl_count || e->sgl_count > WEFT_SGL_INLINE)
		return EINVAL;
	for (uint32_t i = 0; i < e->sgl_count; i++) {
		if (e->sgl[i].len >= e->data_len - room)
			return 0;
		room += e->sgl[i].len;
	}
	return EINVAL;
}

static uint16_t check_entry(const struct nt_conn *c, const struct weft_sq_entry *e)
{
	uint8_t dir = e->flags & (WEFT_SQF_DATA_OUT | WEFT_SQF_DATA_IN);

	if (c->state != NT_READY)
		return ENOTCONN;
	if (e->opcode != WEFT_OP_CAPSULE)
		return EOPNOTSUPP;
	if (dir == (WEFT_SQF_DATA_OUT | WEFT_SQF_DATA_IN) || ((e->flags & WEFT_SQF_ICD) && dir != WEFT_SQF_DATA_OUT))
		return EINVAL;
	if (!dir != !e->data_len || e->data_len > WEFT_DATA_MAX)
		return EINVAL;
	return e->data_len ? check_sgl(e) : 0;
}

static void refuse(uint16_t conn, uint16_t slot, uint16_t err)
{
	const struct hal_cpl cpl = {
		.qp = conn, .type = WEFT_CQT_COMMAND, .cid = hal_slot_entry(slot)->cid, .status = err, .slot = slot,
	};

	hal_complete(&cpl);
}

void nt_submit(uint16_t conn, uint16_t slot)
{
	struct nt_conn *c = &nt_conns[conn];
	const struct weft_sq_entry *e = hal_slot_entry(slot);
	struct nt_cmd *cmd = &nt_cmds[slot];
	struct tcp_pdu *pdu = hal_slot_fw(slot);
	struct pdu_shape s;
	uint32_t icd;
	uint16_t err = check_entry(c, e);

	if (err) {
		refuse(conn, slot, err);
		return;
	}
	icd = e->flags & WEFT_SQF_ICD ? e->data_len : 0;
	pdu_shape(&s, PDU_CMD_LEN, icd, c->rules.hdgst, c->rules.ddgst, c->tx_align);
	pdu_put_cmd(nt_pdu_header(pdu), &s, (const uint32_t *)e->sqe);
	cmd->flags = NTC_ACTIVE;
	cmd->refs = 1;
	cmd->r2ts = 0;
	cmd->sqf = e->flags;
	cmd->len = e->data_len;
	cmd->off = icd;
	c->active++;
	pdu->rec.hdr_addr = hal_xram_off(nt_pdu_header(pdu));
	pdu->rec.hdr_len = PDU_CMD_LEN;
	pdu->rec.flags = (uint8_t)(s.flags & (PDU_F_HDGST | PDU_F_DDGST)); /* the same bits as ENG_RECF_* */
	pdu->rec.pad_len = s.pad;
	pdu->rec.data_len = icd;
	pdu->rec.data_slot = slot;
	pdu->rec.data_off = 0;
	nt_send(conn, pdu, slot, s.plen);
}

_Static_assert(PDU_F_HDGST == ENG_RECF_HDGST && PDU_F_DDGST == ENG_RECF_DDGST, "pdu flags double as record flags");
