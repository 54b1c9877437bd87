/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Controller role, receiving: capsules go to a free slot's receive buffer, write data where a GET wants them. Each header event
 * ends in hal_stream_data or the end of the connection, or waits until a slot is free.
 */
#include "nt_ctl.h"

#define FEI_HLEN 2
#define FEI_CCCID 8
#define FEI_TTAG 10
#define FEI_DATAL 16

/* --- capsules ----------------------------------------------------------------------------------------------------------------- */

_Static_assert(WEFT_N_SLOTS / 2 * (uint64_t)WEFT_PDU_DATA_MAX < 1ull << 32,
	       "i * icd_size has 32 bits");

/* Element n of a slot's entry: IOVA base + off. */
static inline void put_elem(uint32_t *e, uint32_t n, uint32_t lo, uint32_t hi, uint32_t off,
			    uint32_t len)
{
	uint32_t sum = lo + off;

	e[4 + 4 * n] = sum;
	e[5 + 4 * n] = hi + (sum < lo);
	e[6 + 4 * n] = len;
}

/* The receive buffer as the entry of the first free slot: the SQE's place, and behind it that of the data. */
static inline void receive(uint16_t conn, struct nt_conn *c, uint16_t slot, uint32_t icd,
			   uint8_t pad)
{
	struct nt_ctl *ctl = &nt_ctls[conn];
	uint32_t *e = (uint32_t *)(void *)hal_slot_entry(slot);
	struct nt_cmd *cmd = &nt_cmds[slot];
	uint32_t i = (uint32_t)(slot - c->slot_base);
	uint8_t rxsf = ENG_RXSF_HEADER | ENG_RXSF_EVENT;

	ctl->free_first = (uint16_t)cmd->len;
	cmd->flags = CTL_RECV;
	cmd->len = icd;
	e[0] = 0;
	e[1] = WEFT_RX_CMD_SIZE + icd;
	put_elem(e, 0, ctl->rx_cmd_lo, ctl->rx_cmd_hi, i * WEFT_RX_CMD_SIZE, WEFT_RX_CMD_SIZE);
	if (icd) {
		e[2] = 2;
		put_elem(e, 1, ctl->rx_icd_lo, ctl->rx_icd_hi, i * ctl->icd_size, ctl->icd_size);
		if (c->rules.ddgst)
			rxsf |= ENG_RXSF_DDGST;
	} else {
		e[2] = 1;
	}
	hal_stream_data(conn, slot, 0, icd, pad, rxsf);
}

/* No slot is free. What frees one mostly came with this very segment; else the header waits. */
static __attribute__((noinline)) void stand(uint16_t conn, struct nt_conn *c, uint32_t icd,
					    uint8_t pad)
{
	struct nt_ctl *ctl = &nt_ctls[conn];

	tcp_poll(conn);
	if (ctl->free_first == ENG_NO_SLOT)
		ctl->header_waits = true;
	else
		receive(conn, c, ctl->free_first, icd, pad);
}

static inline void capsule(uint16_t conn, struct nt_conn *c, uint32_t icd, uint8_t pad)
{
	uint16_t slot = nt_ctls[conn].free_first;

	if (__builtin_expect(slot == ENG_NO_SLOT, 0))
		stand(conn, c, icd, pad);
	else
		receive(conn, c, slot, icd, pad);
}

/* Bytes between header and data. */
static inline uint8_t pad_of(const struct nt_conn *c, uint32_t word0, uint32_t hlen)
{
	return (uint8_t)((word0 >> 24) - hlen - (c->rules.hdgst ? PDU_DGST_LEN : 0));
}

static void capsule_any(uint16_t conn, struct nt_conn *c, const struct pdu_hdr *h, uint32_t icd)
{
	capsule(conn, c, icd, icd ? pad_of(c, h->w[0], PDU_CMD_LEN) : 0);
}

void nt_capsule_resume(uint16_t conn)
{
	const struct pdu_hdr *h = nt_hdr(conn);
	struct nt_conn *c = &nt_conns[conn];
	struct pdu_fault f;
	uint32_t icd;

	nt_ctls[conn].header_waits = false;
	if (pdu_check_h2c(&c->rules, h, &icd, &f)) /* as when it came: for icd */
		capsule_any(conn, c, h, icd);
}

static void capsule_placed(uint16_t conn, uint16_t slot, uint8_t ev_flags)
{
	struct nt_cmd *cmd = &nt_cmds[slot];
	const struct hal_cpl cpl = {
		.qp = conn,
		.type = WEFT_CQT_CAPSULE,
		.flags = (uint8_t)((ev_flags & 1 ? WEFT_CQF_DDGST_ERR : 0) |
				   (ev_flags & 6 ? WEFT_CQF_DMA_ERR : 0)),
		.cid = (uint16_t)(slot - nt_conns[conn].slot_base),
		.data_len = cmd->len,
		.slot = slot,
	};

	cmd->flags = CTL_HELD;
	hal_complete(&cpl);
}

/* --- write data --------------------------------------------------------------------------------------------------------------- */

/* Number of the R2T that the next data must answer. */
static inline uint32_t oldest_r2t(const struct nt_cmd *cmd)
{
	return (uint32_t)(cmd->r2t_at - cmd->r2ts) & CTL_R2T_MASK;
}

/* The slot whose GET has an R2T of this tag outstanding, or ENG_NO_SLOT. */
static uint16_t slot_of_tag(const struct nt_conn *c, uint32_t ttag)
{
	uint32_t i = ttag & ((1u << CTL_TTAG_SHIFT) - 1), age;
	const struct nt_cmd *cmd;

	if (i >= c->entries)
		return ENG_NO_SLOT;
	cmd = &nt_cmds[c->slot_base + i];
	if (cmd->flags != CTL_GET)
		return ENG_NO_SLOT;
	age = ((ttag >> CTL_TTAG_SHIFT) - oldest_r2t(cmd)) & CTL_R2T_MASK;
	return age < cmd->r2ts ? (uint16_t)(c->slot_base + i) : ENG_NO_SLOT;
}

static bool fail(struct pdu_fault *f, uint16_t fes, uint32_t fei)
{
	*f = (struct pdu_fault){ fes, fei };
	return false;
}

/* Rules of the R2T that is answered. end: the byte behind its last one. */
static bool check_data(const struct nt_conn *c, const struct pdu_hdr *h, uint16_t slot,
		       uint32_t data, struct pdu_fault *f)
{
	const struct nt_cmd *cmd = &nt_cmds[slot];
	const struct nt_get *g = nt_get(slot);
	uint32_t len = h->w[4], off = h->w[3] - g->base, end = nt_r2t_end(c, cmd, g);

	if (pdu_cccid(h) != g->cccid)
		return fail(f, PDU_FES_HEADER_FIELD, FEI_CCCID);
	if (len != data)
		return fail(f, PDU_FES_HEADER_FIELD, FEI_DATAL);
	if (len > c->maxh2cdata)
		return fail(f, PDU_FES_LIMIT, 0);
	if ((uint32_t)(pdu_ttag(h) >> CTL_TTAG_SHIFT) != oldest_r2t(cmd))
		return fail(f, PDU_FES_SEQUENCE,
			    0); /* of a later one: requests are answered in order */
	if (off < g->start || off >= end || len > end - off)
		return fail(f, PDU_FES_RANGE, 0);
	if (off != cmd->off || !!(pdu_flags(h) & PDU_F_LAST) != (off + len == end))
		return fail(f, PDU_FES_SEQUENCE, 0);
	return true;
}

/*
 * All data of an R2T are there, not only their header: until then it counts against MAXR2T. A host that
 * takes one at a time is still sending, and Linux mixes up its data when the next comes too early.
 */
static void r2t_answered(struct nt_conn *c, uint16_t slot)
{
	struct nt_cmd *cmd = &nt_cmds[slot];
	struct nt_get *g = nt_get(slot);
	bool stood = cmd->r2ts > c->maxr2t; /* and not in the queue */

	cmd->r2ts--;
	g->start = cmd->off;
	if (stood && g->asked < cmd->len)
		nt_get_turn(c, slot);
}

static void h2c_data(uint16_t conn, struct nt_conn *c, const struct pdu_hdr *h, uint32_t data)
{
	uint16_t slot = slot_of_tag(c, pdu_ttag(h));
	struct pdu_fault f = { PDU_FES_HEADER_FIELD, FEI_TTAG };
	uint8_t rxsf = c->rules.ddgst ? ENG_RXSF_DDGST : 0;
	uint8_t pad = pad_of(c, h->w[0], PDU_DATA_LEN);
	struct nt_cmd *cmd;
	uint32_t off;

	if (slot == ENG_NO_SLOT || !check_data(c, h, slot, data, &f)) {
		nt_fault(conn, &f);
		return;
	}
	cmd = &nt_cmds[slot];
	off = cmd->off;
	cmd->off += data;
	if (pdu_flags(h) & PDU_F_LAST)
		rxsf |= ENG_RXSF_EVENT;
	hal_stream_data(conn, slot, off, data, pad, rxsf);
}

/* --- events ------------------------------------------------------------------------------------------------------------------- */

/* FEI of a header that does not even have its own length: an unknown type comes first. */
static void bad_hlen(uint16_t conn, const struct pdu_hdr *h)
{
	const struct pdu_fault f = { PDU_FES_HEADER_FIELD,
				     pdu_known_h2c(pdu_type(h)) ? FEI_HLEN : 0 };

	nt_fault(conn, &f);
}

/* Anything but capsules exactly as expected. */
static __attribute__((noinline)) void unusual(uint16_t conn, struct nt_conn *c, uint8_t flags,
					      uint32_t w2)
{
	const struct pdu_hdr *h = nt_hdr(conn);
	struct pdu_fault f = { .fes = PDU_FES_HDGST, .fei = w2 };
	uint32_t data;

	if (c->state != NT_IC && c->state != NT_SERVING) {
		nt_discard(conn);
	} else if (pdu_type(h) == PDU_H2C_TERM_REQ) {
		nt_peer_gave_up(conn, h);
	} else if (flags & 2) {
		bad_hlen(conn, h);
	} else if (flags & 1) {
		nt_fault(conn, &f);
	} else if (c->state == NT_IC) {
		nt_ic_req(conn, h);
	} else if (!pdu_check_h2c(&c->rules, h, &data, &f)) {
		nt_fault(conn, &f);
	} else if (pdu_type(h) == PDU_H2C_DATA) {
		h2c_data(conn, c, h, data);
	} else if (data > nt_ctls[conn].icd_size) {
		fail(&f, PDU_FES_LIMIT, 0);
		nt_fault(conn, &f);
	} else {
		capsule_any(conn, c, h, data);
	}
}

void nt_ctl_header_any(uint16_t conn, uint8_t flags, uint32_t w2)
{
	struct nt_conn *c = &nt_conns[conn];

	c->stats.pdus_received++;
	unusual(conn, c, flags, w2);
}

/* The two shapes of a capsule are known by their first words alone. */
void nt_ctl_header(uint16_t conn, struct nt_conn *c)
{
	const struct pdu_hdr *h = nt_hdr(conn);
	uint32_t word0 = h->w[0], plen = h->w[1];

	c->stats.pdus_received++;
	if (word0 == c->in_cmd.word0 && plen == c->in_cmd.bytes)
		capsule(conn, c, 0, 0);
	else if (word0 == c->in_icd.word0 && plen > c->in_icd.bytes &&
		 plen - c->in_icd.bytes <= nt_ctls[conn].icd_size)
		capsule(conn, c, plen - c->in_icd.bytes, (uint8_t)(c->in_icd.rec >> 16));
	else
		unusual(conn, c, 0, 0);
}

static __attribute__((noinline)) void data_placed(uint16_t conn, struct nt_conn *c, uint16_t slot)
{
	const struct nt_cmd *cmd = &nt_cmds[slot];

	if (!cmd->r2ts)
		return;
	r2t_answered(c, slot);
	if (cmd->off == cmd->len)
		nt_get_done(conn, slot);
	else if (c->state == NT_SERVING)
		nt_get_pump(conn);
}

void nt_ctl_placed(uint16_t conn, uint16_t slot, uint8_t flags)
{
	struct nt_conn *c = &nt_conns[conn];
	const struct nt_cmd *cmd = &nt_cmds[slot];

	if ((uint32_t)(slot - c->slot_base) >= c->entries)
		return;
	if (cmd->flags == CTL_RECV && c->state == NT_SERVING)
		capsule_placed(conn, slot, flags);
	else if (cmd->flags == CTL_GET)
		data_placed(conn, c, slot);
}
