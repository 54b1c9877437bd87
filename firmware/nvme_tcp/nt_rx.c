/* SPDX-License-Identifier: BSD-2-Clause */
/* Received PDUs: each header event ends in hal_stream_next, hal_stream_data, or the end of the connection. */
#include "nt.h"

static void fault(uint16_t conn, uint16_t fes, uint32_t fei)
{
	const struct pdu_fault f = { .fes = fes, .fei = fei };

	nt_fault(conn, &f);
}

static void ic_resp(uint16_t conn, const struct pdu_hdr *h)
{
	struct nt_conn *c = &nt_conns[conn];
	struct pdu_icresp r;
	struct pdu_fault f;
	struct hal_cpl cpl = { .type = WEFT_CQT_ADMIN, .cid = c->connect_slot, .slot = c->connect_slot };

	if (!pdu_check_icresp(h, c->asked_dgst, &r, &f)) {
		nt_fault(conn, &f);
		return;
	}
	c->rules.hdgst = r.dgst & 1;
	c->rules.ddgst = !!(r.dgst & 2);
	c->tx_align = (uint8_t)((r.cpda + 1) * 4);
	c->maxh2cdata = r.maxh2cdata;
	c->state = NT_READY;
	c->deadline = UINT64_MAX;
	if (c->rules.hdgst)
		tcp_stream_flags(conn, ENG_CF_HDGST);
	cpl.dw[0] = r.maxh2cdata;
	cpl.dw[1] = r.dgst | (uint32_t)r.cpda << 8;
	cpl.dw[2] = tcp_local_port(conn);
	hal_complete(&cpl);
	c->connect_slot = ENG_NO_SLOT;
	hal_stream_next(conn);
}

static void capsule_resp(uint16_t conn, const struct pdu_hdr *h)
{
	struct nt_conn *c = &nt_conns[conn];
	uint16_t slot = nt_slot(c, (uint16_t)h->w[5]);
	uint32_t *cqe;

	if (slot == ENG_NO_SLOT || (nt_cmds[slot].flags & (NTC_RESP | NTC_SUCCESS))) {
		fault(conn, PDU_FES_HEADER_FIELD, 20); /* CID in the CQE */
		return;
	}
	hal_stream_next(conn);
	cqe = (uint32_t *)hal_slot_entry(slot)->sqe; /* the SQE was copied into the capsule */
	cqe[0] = h->w[2];
	cqe[1] = h->w[3];
	cqe[2] = h->w[4];
	cqe[3] = h->w[5];
	nt_cmds[slot].flags |= NTC_RESP;
	/* the response proves that the capsule arrived: take the acknowledgement that came with it, it may be unreported */
	nt_cmds[slot].refs++;
	tcp_poll(conn);
	nt_cmd_unref(conn, slot);
}

/* Where a C2HData PDU breaks a rule of its command: FES, or 0. *fei is set. */
static uint16_t check_c2h(const struct nt_cmd *cmd, const struct pdu_hdr *h, uint32_t *fei)
{
	*fei = 0;
	if (!(cmd->sqf & WEFT_SQF_DATA_IN) || (cmd->flags & (NTC_LAST | NTC_RESP)))
		return PDU_FES_SEQUENCE;
	if (h->w[3] > cmd->len || h->w[4] > cmd->len - h->w[3])
		return PDU_FES_RANGE;
	return h->w[3] == cmd->off ? 0 : PDU_FES_SEQUENCE;
}

static void c2h_data(uint16_t conn, const struct pdu_hdr *h)
{
	struct nt_conn *c = &nt_conns[conn];
	uint16_t fes, slot = nt_slot(c, pdu_cccid(h));
	uint8_t flags = pdu_flags(h), rxsf = 0;
	struct nt_cmd *cmd;
	uint32_t fei;

	if (slot == ENG_NO_SLOT) {
		fault(conn, PDU_FES_HEADER_FIELD, 8);
		return;
	}
	cmd = &nt_cmds[slot];
	fes = check_c2h(cmd, h, &fei);
	if (fes) {
		fault(conn, fes, fei);
		return;
	}
	cmd->off += h->w[4];
	if (flags & PDU_F_LAST)
		cmd->flags |= NTC_LAST;
	if (flags & PDU_F_SUCCESS) {
		cmd->flags |= NTC_SUCCESS;
		rxsf = ENG_RXSF_EVENT; /* nothing follows: the end of the data is the completion */
	}
	if (flags & PDU_F_DDGST)
		rxsf |= ENG_RXSF_DDGST;
	hal_stream_data(conn, slot, h->w[3], h->w[4], (uint8_t)(pdu_pdo(h) - PDU_DATA_LEN - (c->rules.hdgst ? PDU_DGST_LEN : 0)), rxsf);
}

static void c2h_term(uint16_t conn, const struct pdu_hdr *h)
{
	nt_conns[conn].fes = h->w[2] & 0xffff;
	nt_fail(conn, ECONNRESET);
}

static void dispatch(uint16_t conn, const struct pdu_hdr *h)
{
	struct nt_conn *c = &nt_conns[conn];
	struct pdu_fault f;

	c->stats.pdus_received++;
	if (pdu_type(h) == PDU_C2H_TERM_REQ) {
		c2h_term(conn, h);
		return;
	}
	if (c->state == NT_IC) {
		ic_resp(conn, h);
		return;
	}
	if (!pdu_check(&c->rules, h, &f)) {
		nt_fault(conn, &f);
		return;
	}
	switch (pdu_type(h)) {
	case PDU_C2H_DATA:
		c2h_data(conn, h);
		break;
	case PDU_CAPSULE_RESP:
		capsule_resp(conn, h);
		break;
	default:
		nt_r2t(conn, h);
		break;
	}
}

void nt_header(uint16_t conn, const struct hal_event *ev)
{
	const uint32_t *src = (const uint32_t *)hal_rx_header(conn);
	struct pdu_hdr h;

	if (nt_conns[conn].state != NT_IC && nt_conns[conn].state != NT_READY)
		return; /* closing: the stream stands still until it is stopped */
	for (int i = 0; i < 6; i++)
		h.w[i] = src[i];
	if (ev->flags & 2) { /* HLEN out of range: the type decides which complaint comes first */
		uint8_t type = pdu_type(&h);
		bool known = type == PDU_ICRESP || type == PDU_C2H_TERM_REQ || type == PDU_CAPSULE_RESP || type == PDU_C2H_DATA || type == PDU_R2T;

		fault(conn, PDU_FES_HEADER_FIELD, known ? 2 : 0);
	} else if (ev->flags & 1) {
		fault(conn, PDU_FES_HDGST, ev->w2);
	} else {
		dispatch(conn, &h);
	}
}

void nt_placed(uint16_t conn, const struct hal_event *ev)
{
	struct nt_conn *c = &nt_conns[conn];
	uint16_t slot = (uint16_t)ev->w2;
	struct nt_cmd *cmd;

	if (slot < c->slot_base || slot >= c->slot_base + c->entries)
		return;
	cmd = &nt_cmds[slot];
	if ((cmd->flags & (NTC_ACTIVE | NTC_SUCCESS | NTC_RESP)) != (NTC_ACTIVE | NTC_SUCCESS))
		return;
	cmd->flags |= NTC_RESP;
	cmd->refs++;
	tcp_poll(conn);
	nt_cmd_unref(conn, slot);
}
