/* SPDX-License-Identifier: BSD-2-Clause */
/* Commands: from submission entry to capsule, from response to completion. */
#include <string.h>

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
		nt_cmd_complete(conn, cid_of(conn, slot), slot, nt_answer(slot)->cqe);
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
	uint32_t word = cmd->word - NTC_WORD_REF;

	cmd->word = word;
	if (word & NTC_RESP)
		nt_cmd_answered(conn, slot);
}

/* Flags that make sense: no data, out, in, out in the capsule; each with a chain or without. */
#define BIT(flags) (1u << (flags))
#define FLAGS_OK_INLINE                                            \
	(BIT(0) | BIT(WEFT_SQF_DATA_OUT) | BIT(WEFT_SQF_DATA_IN) | \
	 BIT(WEFT_SQF_DATA_OUT | WEFT_SQF_ICD))
#define FLAGS_OK (FLAGS_OK_INLINE | FLAGS_OK_INLINE << WEFT_SQF_SGL_CHAIN)

/* The entry's first word: opcode, flags, CID. */
static inline uint32_t first_word(const struct weft_sq_entry *e)
{
	uint32_t w;

	memcpy(&w, __builtin_assume_aligned(e, 4), sizeof(w));
	return w;
}

static inline bool data_ok(const struct weft_sq_entry *e, uint32_t flags, uint32_t len)
{
	if (!(flags & (WEFT_SQF_DATA_OUT | WEFT_SQF_DATA_IN)))
		return !len;
	return len - 1 < ((flags & WEFT_SQF_ICD) ? NT_DATA_MAX : WEFT_DATA_MAX) &&
	       nt_sgl_covers(e, flags, len);
}

static inline uint16_t sqe_cid(const struct weft_sq_entry *e)
{
	return *(const uint16_t *)(const void *)(e->sqe + 2);
}

static uint16_t check_entry(const struct weft_sq_entry *e, uint32_t word, uint32_t len)
{
	uint32_t flags = word >> 8 & 0xff;

	if ((uint8_t)word != WEFT_OP_CAPSULE)
		return EOPNOTSUPP;
	if (flags > 15 || !(FLAGS_OK >> flags & 1))
		return EINVAL;
	if (sqe_cid(e) != word >> 16) /* the answer would be another command's */
		return EINVAL;
	return data_ok(e, flags, len) ? 0 : EINVAL;
}

/* As check_entry finds it, for what nearly every entry is: data within its first element. */
static inline bool plain_entry(const struct weft_sq_entry *e, uint32_t word, uint32_t len)
{
	uint32_t flags = word >> 8 & 0xff;
	bool kind = flags == WEFT_SQF_DATA_IN || flags == WEFT_SQF_DATA_OUT ||
		    flags == (WEFT_SQF_DATA_OUT | WEFT_SQF_ICD);

	return (uint8_t)word == WEFT_OP_CAPSULE && kind && sqe_cid(e) == word >> 16 &&
	       len - 1 < NT_DATA_MAX && (uint32_t)e->sgl_count - 1 < WEFT_SGL_INLINE &&
	       e->sgl[0].len >= len;
}
_Static_assert(NT_DATA_MAX <= WEFT_DATA_MAX, "plain_entry looks at the lesser");

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

static inline void start(struct nt_cmd *cmd, uint32_t sqf, uint32_t len, uint32_t off)
{
	uint32_t flags = NTC_ACTIVE;

	if (sqf & WEFT_SQF_DATA_IN)
		flags |= NTC_IN;
	else if (!(sqf & WEFT_SQF_ICD) && len)
		flags |= NTC_OUT;
	cmd->word = flags | NTC_WORD_REF;
	cmd->len = len;
	cmd->off = off;
}

/* The entry is good. */
static inline __attribute__((always_inline)) void submit(uint16_t conn, struct nt_conn *c,
							 uint16_t slot, uint32_t word, uint32_t len)
{
	struct tcp_pdu *pdu = hal_slot_fw(slot);
	uint32_t flags = word >> 8 & 0xff, icd = 0;
	const struct nt_form *form = &c->cmd;
	struct nt_form f;

	if (flags & WEFT_SQF_ICD) {
		form = &c->cmd_icd;
		icd = len;
	}
	f = *form; /* read before the slot is written: the compiler does not know that they are apart */
	start(&nt_cmds[slot], flags, len, icd);
	pdu_put_cmd(nt_pdu_header(pdu), f.word0, f.bytes + icd,
		    (const uint32_t *)hal_slot_entry(slot)->sqe);
	pdu->rec.data_slot = slot;
	pdu->rec.data_off = 0;
	nt_send(conn, pdu, &f, icd, slot);
}

static __attribute__((noinline)) void submit_other(uint16_t conn, struct nt_conn *c, uint16_t slot)
{
	const struct weft_sq_entry *e = hal_slot_entry(slot);
	uint32_t word = first_word(e), len = e->data_len;
	uint16_t err = check_entry(e, word, len);

	if (err)
		refuse(conn, slot, err);
	else
		submit(conn, c, slot, word, len);
}

void nt_host_submit(uint16_t conn, struct nt_conn *c, uint16_t slot)
{
	const struct weft_sq_entry *e = hal_slot_entry(slot);
	uint32_t word = first_word(e), len = e->data_len;

	if (__builtin_expect(plain_entry(e, word, len), 1))
		submit(conn, c, slot, word, len);
	else
		submit_other(conn, c, slot);
}

void nt_submit(uint16_t conn, uint16_t slot)
{
	struct nt_conn *c = &nt_conns[conn];

	if (c->ctl)
		nt_ctl_submit(conn, c, slot);
	else if (c->state == NT_READY)
		nt_host_submit(conn, c, slot);
	else
		refuse(conn, slot, ENOTCONN);
}
