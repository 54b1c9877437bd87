/* SPDX-License-Identifier: BSD-2-Clause */
/* Received PDUs: each header event ends in hal_stream_next, hal_stream_data, a parked R2T, or the end of the connection. */
#include "nt.h"

#define FEI_CCCID 8
#define FEI_CQE_CID 20

static void fault(uint16_t conn, uint16_t fes, uint32_t fei)
{
	const struct pdu_fault f = { .fes = fes, .fei = fei };

	nt_fault(conn, &f);
}

static void set_form(struct nt_form *f, const struct pdu_rules *rules, uint8_t type, uint8_t hlen, uint32_t data, uint8_t align)
{
	struct pdu_shape s;

	pdu_shape(&s, hlen, data, rules->hdgst, rules->ddgst, align);
	f->word0 = pdu_word0(type, &s, hlen);
	f->bytes = s.plen - data;
	f->rec = hlen | (uint32_t)s.flags << 8 | (uint32_t)s.pad << 16; /* struct eng_tx_rec: hdr_len, flags, pad_len */
}

_Static_assert(PDU_F_HDGST == ENG_RECF_HDGST && PDU_F_DDGST == ENG_RECF_DDGST, "pdu flags double as record flags");

static void set_forms(struct nt_conn *c, uint8_t cpda)
{
	uint8_t align = (uint8_t)((cpda + 1) * 4);

	set_form(&c->cmd, &c->rules, PDU_CAPSULE_CMD, PDU_CMD_LEN, 0, align);
	set_form(&c->cmd_icd, &c->rules, PDU_CAPSULE_CMD, PDU_CMD_LEN, 1, align);
	set_form(&c->h2c, &c->rules, PDU_H2C_DATA, PDU_DATA_LEN, 1, align);
	set_form(&c->resp, &c->rules, PDU_CAPSULE_RESP, PDU_RESP_LEN, 0, 4);
	set_form(&c->c2h, &c->rules, PDU_C2H_DATA, PDU_DATA_LEN, 1, c->rules.rx_align);
}

static void connect_done(uint16_t conn, const struct pdu_icresp *r)
{
	struct nt_conn *c = &nt_conns[conn];
	const struct hal_cpl cpl = {
		.type = WEFT_CQT_ADMIN,
		.cid = c->connect_slot,
		.dw = { r->maxh2cdata, r->dgst | (uint32_t)r->cpda << 8, tcp_local_port(conn), 0 },
		.slot = c->connect_slot,
	};

	if (c->connect_slot != ENG_NO_SLOT)
		hal_complete(&cpl);
	c->connect_slot = ENG_NO_SLOT;
}

static void ic_resp(uint16_t conn, const struct pdu_hdr *h)
{
	struct nt_conn *c = &nt_conns[conn];
	struct pdu_icresp r;
	struct pdu_fault f;

	if (!pdu_check_icresp(h, c->asked_dgst, &r, &f)) {
		nt_fault(conn, &f);
		return;
	}
	c->rules.hdgst = r.dgst & 1;
	c->rules.ddgst = !!(r.dgst & 2);
	c->maxh2cdata = r.maxh2cdata < NT_DATA_MAX ? r.maxh2cdata : NT_DATA_MAX;
	set_forms(c, r.cpda);
	c->state = NT_READY;
	c->was_ready = true;
	timer_cancel(&c->timer);
	if (c->rules.hdgst)
		tcp_stream_flags(conn, ENG_CF_HDGST);
	connect_done(conn, &r);
	hal_stream_next(conn);
}

/* The response stands until the command's PDUs are acknowledged; the SQE was copied into the capsule and may go. */
static void keep_cqe(struct nt_cmd *cmd, uint16_t slot, const struct pdu_hdr *h)
{
	uint32_t *cqe = (uint32_t *)hal_slot_entry(slot)->sqe;

	for (int i = 0; i < 4; i++)
		cqe[i] = h->w[2 + i];
	cmd->flags |= NTC_RESP;
}

static void capsule_resp(uint16_t conn, const struct pdu_hdr *h)
{
	struct nt_conn *c = &nt_conns[conn];
	uint16_t slot = nt_slot(c, (uint16_t)h->w[5]);
	struct nt_cmd *cmd = &nt_cmds[slot];

	if (slot == ENG_NO_SLOT || (cmd->flags & (NTC_RESP | NTC_SUCCESS))) {
		fault(conn, PDU_FES_HEADER_FIELD, FEI_CQE_CID);
		return;
	}
	hal_stream_next(conn);
	keep_cqe(cmd, slot, h);
	/* the response proves that the capsule arrived: take the acknowledgement that came with it, it may be unreported */
	cmd->refs++;
	if (cmd->refs > 1)
		tcp_poll(conn);
	nt_cmd_unref(conn, slot);
}

/* Which rule of its command a C2HData PDU breaks. */
static uint16_t broken_rule(const struct nt_cmd *cmd, const struct pdu_hdr *h)
{
	if (!(cmd->flags & NTC_IN) || (cmd->flags & (NTC_LAST | NTC_RESP)))
		return PDU_FES_SEQUENCE;
	if (h->w[3] > cmd->len || h->w[4] > cmd->len - h->w[3])
		return PDU_FES_RANGE;
	return PDU_FES_SEQUENCE; /* a gap or an overlap */
}

static void c2h_data(uint16_t conn, const struct pdu_hdr *h)
{
	struct nt_conn *c = &nt_conns[conn];
	uint16_t slot = nt_slot(c, pdu_cccid(h));
	uint8_t pad = (uint8_t)(pdu_pdo(h) - PDU_DATA_LEN - (c->rules.hdgst ? PDU_DGST_LEN : 0));
	uint8_t flags = pdu_flags(h), rxsf = c->rules.ddgst ? ENG_RXSF_DDGST : 0;
	struct nt_cmd *cmd = &nt_cmds[slot];

	if (slot == ENG_NO_SLOT) {
		fault(conn, PDU_FES_HEADER_FIELD, FEI_CCCID);
		return;
	}
	if ((cmd->flags & (NTC_IN | NTC_LAST | NTC_RESP)) != NTC_IN || h->w[3] != cmd->off || h->w[4] > cmd->len - cmd->off) {
		fault(conn, broken_rule(cmd, h), 0);
		return;
	}
	cmd->off += h->w[4];
	if (flags & PDU_F_LAST)
		cmd->flags |= NTC_LAST;
	if (flags & PDU_F_SUCCESS) {
		cmd->flags |= NTC_SUCCESS;
		rxsf |= ENG_RXSF_EVENT; /* nothing follows: the end of the data is the completion */
	}
	hal_stream_data(conn, slot, h->w[3], h->w[4], pad, rxsf);
}

/* FES of a C2HTermReq that keeps to the form; the content of another is not looked at. No answer but the connection's end. */
static void c2h_term(uint16_t conn, const struct pdu_hdr *h)
{
	bool good = pdu_hlen(h) == PDU_TERM_LEN && h->w[1] >= PDU_TERM_LEN && h->w[1] <= PDU_TERM_LEN + PDU_TERM_COPY_MAX;

	nt_peer_gave_up(conn, good ? (uint16_t)h->w[2] : 0);
}

/* The two PDUs that end nearly every command, exactly as expected: nothing in them is left for pdu_check. */
static inline bool usual(const struct nt_conn *c, const struct pdu_hdr *h)
{
	if (h->w[0] == c->resp.word0)
		return h->w[1] == c->resp.bytes;
	return (h->w[0] & ~(PDU_F_LAST << 8)) == c->c2h.word0 && h->w[1] > c->c2h.bytes && h->w[4] == h->w[1] - c->c2h.bytes;
}

static void dispatch(uint16_t conn, const struct pdu_hdr *h)
{
	struct nt_conn *c = &nt_conns[conn];
	uint8_t type = pdu_type(h);
	struct pdu_fault f;

	if (__builtin_expect(!usual(c, h), 0) && !pdu_check(&c->rules, h, &f)) {
		nt_fault(conn, &f);
		return;
	}
	if (type == PDU_C2H_DATA)
		c2h_data(conn, h);
	else if (type == PDU_CAPSULE_RESP)
		capsule_resp(conn, h);
	else
		nt_r2t(conn, h);
}

/* What the stream engine complains about. */
static void bad_header(uint16_t conn, const struct hal_event *ev, const struct pdu_hdr *h)
{
	if (ev->flags & 2) /* HLEN out of range; an unknown type comes first */
		fault(conn, PDU_FES_HEADER_FIELD, pdu_known(pdu_type(h)) ? 2 : 0);
	else
		fault(conn, PDU_FES_HDGST, ev->w2);
}

void nt_header(uint16_t conn, const struct hal_event *ev)
{
	const uint32_t *src = (const uint32_t *)hal_rx_header(conn);
	struct nt_conn *c = &nt_conns[conn];
	struct pdu_hdr h;

	if (__builtin_expect(c->state != NT_IC && c->state != NT_READY, 0)) {
		nt_discard(conn);
		return;
	}
	for (int i = 0; i < 6; i++)
		h.w[i] = src[i];
	c->stats.pdus_received++;
	if (__builtin_expect(pdu_type(&h) == PDU_C2H_TERM_REQ, 0))
		c2h_term(conn, &h);
	else if (__builtin_expect(ev->flags, 0))
		bad_header(conn, ev, &h);
	else if (__builtin_expect(c->state == NT_IC, 0))
		ic_resp(conn, &h);
	else
		dispatch(conn, &h);
}

void nt_placed(uint16_t conn, const struct hal_event *ev)
{
	struct nt_conn *c = &nt_conns[conn];
	uint16_t slot = (uint16_t)ev->w2;
	struct nt_cmd *cmd;

	if (slot < c->slot_base || slot >= c->slot_base + c->entries)
		return;
	cmd = &nt_cmds[slot];
	c->stats.ddgst_errors += ev->flags & 1;
	if ((cmd->flags & (NTC_ACTIVE | NTC_SUCCESS | NTC_RESP)) != (NTC_ACTIVE | NTC_SUCCESS))
		return;
	cmd->flags |= NTC_RESP;
	cmd->refs++;
	tcp_poll(conn);
	nt_cmd_unref(conn, slot);
}
