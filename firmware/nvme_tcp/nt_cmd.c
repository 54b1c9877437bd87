/* SPDX-License-Identifier: BSD-2-Clause */
/* Commands: from submission entry to capsule, from response to completion. */
#include "nt_ctl.h"

struct nt_cmd nt_cmds[WEFT_N_SLOTS];

_Static_assert(sizeof(struct tcp_pdu) + PDU_CMD_LEN + sizeof(struct nt_turn) <= ENG_SLOT_SIZE / 2,
	       "fits a slot's firmware half");

static inline uint16_t cid_of(uint16_t conn, uint16_t slot)
{
	return (uint16_t)(slot - nt_conns[conn].slot_base);
}

/* Without the controller's CQE: the command ended by the SUCCESS flag, or the connection is gone (err). */
static __attribute__((noinline)) void complete_without(uint16_t conn, uint16_t slot, uint16_t err)
{
	struct nt_cmd *cmd = &nt_cmds[slot];
	uint16_t cid = cid_of(conn, slot);
	const struct hal_cpl cpl = {
		.qp = conn,
		.type = WEFT_CQT_COMMAND,
		.flags = err ? 0 : WEFT_CQF_SYNTH,
		.cid = cid,
		.status = err,
		.data_len = err ? 0 : cmd->off,
		.dw = { 0, 0, 0, err ? 0 : cid },
		.slot = slot,
	};

	cmd->flags = 0;
	hal_complete(&cpl);
}

/* The response is here: complete when nothing refers to the command's buffers any more. */
void nt_cmd_answered(uint16_t conn, uint16_t slot)
{
	const struct nt_cmd *cmd = &nt_cmds[slot];

	if (cmd->refs || cmd->r2ts)
		return;
	if (__builtin_expect(cmd->flags & NTC_SUCCESS, 0))
		complete_without(conn, slot, 0);
	else
		nt_cmd_complete(conn, slot, nt_answer(slot)->cqe);
}

/* Ends a command of a connection that is gone. What the controller answered in time stands. */
void nt_cmd_finish(uint16_t conn, uint16_t slot, uint16_t err)
{
	struct nt_cmd *cmd = &nt_cmds[slot];

	cmd->refs = 0;
	cmd->r2ts = 0;
	if (cmd->flags & NTC_RESP)
		nt_cmd_answered(conn, slot);
	else
		complete_without(conn, slot, err);
}

/* A PDU of the command is acknowledged. */
void nt_cmd_unref(uint16_t conn, uint16_t slot)
{
	struct nt_cmd *cmd = &nt_cmds[slot];

	cmd->refs--;
	if (cmd->flags & NTC_RESP)
		nt_cmd_answered(conn, slot);
}

/* Flags that make sense: no data, out, in, out in the capsule; each with a chain or without. */
#define BIT(flags) (1u << (flags))
#define FLAGS_OK_INLINE                                            \
	(BIT(0) | BIT(WEFT_SQF_DATA_OUT) | BIT(WEFT_SQF_DATA_IN) | \
	 BIT(WEFT_SQF_DATA_OUT | WEFT_SQF_ICD))
#define FLAGS_OK (FLAGS_OK_INLINE | FLAGS_OK_INLINE << WEFT_SQF_SGL_CHAIN)

static uint16_t check_entry(const struct nt_conn *c, const struct weft_sq_entry *e)
{
	if (c->state != NT_READY)
		return ENOTCONN;
	if (e->opcode != WEFT_OP_CAPSULE)
		return EOPNOTSUPP;
	if (e->flags > 15 || !(FLAGS_OK >> e->flags & 1))
		return EINVAL;
	if (*(const uint16_t *)(const void *)(e->sqe + 2) !=
	    e->cid) /* the answer would be another command's */
		return EINVAL;
	if (!(e->flags & (WEFT_SQF_DATA_OUT | WEFT_SQF_DATA_IN)))
		return e->data_len ? EINVAL : 0;
	if (e->data_len - 1 >= WEFT_DATA_MAX ||
	    ((e->flags & WEFT_SQF_ICD) && e->data_len > NT_DATA_MAX))
		return EINVAL;
	return nt_sgl_covers(e) ? 0 : EINVAL;
}

static __attribute__((noinline)) void refuse(uint16_t conn, uint16_t slot, uint16_t err)
{
	const struct hal_cpl cpl = {
		.qp = conn,
		.type = WEFT_CQT_COMMAND,
		.cid = hal_slot_entry(slot)->cid,
		.status = err,
		.slot = slot,
	};

	hal_complete(&cpl);
}

static void start(struct nt_cmd *cmd, uint8_t sqf, uint32_t len, uint32_t off)
{
	uint8_t flags = NTC_ACTIVE;

	if (sqf & WEFT_SQF_DATA_IN)
		flags |= NTC_IN;
	else if (!(sqf & WEFT_SQF_ICD) && len)
		flags |= NTC_OUT;
	*cmd = (struct nt_cmd){ .flags = flags, .refs = 1, .len = len, .off = off };
}

void nt_submit(uint16_t conn, uint16_t slot)
{
	struct nt_conn *c = &nt_conns[conn];
	const struct weft_sq_entry *e = hal_slot_entry(slot);
	struct tcp_pdu *pdu = hal_slot_fw(slot);
	const struct nt_form *f = &c->cmd;
	uint32_t icd = 0;
	uint16_t err;

	if (c->ctl) {
		nt_ctl_submit(conn, slot);
		return;
	}
	err = check_entry(c, e);
	if (__builtin_expect(err, 0)) {
		refuse(conn, slot, err);
		return;
	}
	if (e->flags & WEFT_SQF_ICD) {
		f = &c->cmd_icd;
		icd = e->data_len;
	}
	start(&nt_cmds[slot], e->flags, e->data_len, icd);
	pdu_put_cmd(nt_pdu_header(pdu), f->word0, f->bytes + icd, (const uint32_t *)e->sqe);
	pdu->rec.data_slot = slot;
	pdu->rec.data_off = 0;
	nt_send(conn, pdu, f, icd, slot);
}
