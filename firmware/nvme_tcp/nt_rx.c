/* SPDX-License-Identifier: BSD-2-Clause */
/* Received PDUs: each header event ends in hal_stream_next, hal_stream_data, or the end of the connection. */
#include "nt_ctl.h"

#include <string.h>

#define FEI_CCCID 8
#define FEI_CQE_CID 20

static __attribute__((noinline)) void fault(uint16_t conn, uint16_t fes, uint32_t fei)
{
	const struct pdu_fault f = { .fes = fes, .fei = fei };

	nt_fault(conn, &f);
}

void nt_set_form(struct nt_form *f, const struct pdu_rules *rules, uint8_t type, uint8_t hlen,
		 uint32_t data, uint8_t align)
{
	struct pdu_shape s;

	pdu_shape(&s, hlen, data, rules->hdgst, rules->ddgst, align);
	f->word0 = pdu_word0(type, &s, hlen);
	f->bytes = s.plen - data;
	f->rec = hlen | (uint32_t)s.flags << 8 |
		 (uint32_t)s.pad << 16; /* struct eng_tx_rec: hdr_len, flags, pad_len */
}

_Static_assert(PDU_F_HDGST == ENG_RECF_HDGST && PDU_F_DDGST == ENG_RECF_DDGST,
	       "pdu flags double as record flags");

static void set_forms(struct nt_conn *c, uint8_t cpda)
{
	uint8_t align = (uint8_t)((cpda + 1) * 4);

	nt_set_form(&c->cmd, &c->rules, PDU_CAPSULE_CMD, PDU_CMD_LEN, 0, align);
	nt_set_form(&c->cmd_icd, &c->rules, PDU_CAPSULE_CMD, PDU_CMD_LEN, 1, align);
	nt_set_form(&c->h2c, &c->rules, PDU_H2C_DATA, PDU_DATA_LEN, 1, align);
	nt_set_form(&c->resp, &c->rules, PDU_CAPSULE_RESP, PDU_RESP_LEN, 0, 4);
	nt_set_form(&c->c2h, &c->rules, PDU_C2H_DATA, PDU_DATA_LEN, 1, c->rules.rx_align);
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

static void capsule_resp(uint16_t conn, struct nt_conn *c, const struct pdu_hdr *h)
{
	const uint32_t cqe[4] = { h->w[2], h->w[3], h->w[4], h->w[5] };
	struct nt_cmd *cmd = nt_cmd_of(c, (uint16_t)cqe[3]);
	uint16_t slot;

	if (!cmd || (cmd->flags & (NTC_RESP | NTC_SUCCESS))) {
		fault(conn, PDU_FES_HEADER_FIELD, FEI_CQE_CID);
		return;
	}
	hal_stream_next(conn);
	slot = (uint16_t)(c->slot_base + cqe[3]);
	if (__builtin_expect(!(cmd->refs | cmd->r2ts), 1)) {
		nt_cmd_complete(conn, slot, cqe);
		return;
	}
	cmd->flags |= NTC_RESP;
	memcpy(nt_answer(slot)->cqe, cqe, sizeof(cqe));
	/* the response proves that the capsule arrived: take the acknowledgement that came with it, it may be unreported */
	if (cmd->refs)
		tcp_poll(conn); /* the last PDU given back completes */
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

static void c2h_data(uint16_t conn, struct nt_conn *c, const struct pdu_hdr *h)
{
	uint32_t word0 = h->w[0], off = h->w[3], len = h->w[4];
	uint32_t cid = pdu_cccid(h);
	uint8_t pad = (uint8_t)((word0 >> 24) -
				c->resp.bytes); /* from the end of a header with its digest */
	uint8_t rxsf = c->rules.ddgst ? ENG_RXSF_DDGST : 0;
	struct nt_cmd *cmd = nt_cmd_of(c, cid);

	if (!cmd) {
		fault(conn, PDU_FES_HEADER_FIELD, FEI_CCCID);
		return;
	}
	if ((cmd->flags & (NTC_IN | NTC_LAST | NTC_RESP)) != NTC_IN || off != cmd->off ||
	    len > cmd->len - off) {
		fault(conn, broken_rule(cmd, h), 0);
		return;
	}
	cmd->off = off + len;
	if (word0 & PDU_F_LAST << 8)
		cmd->flags |= NTC_LAST;
	if (word0 & PDU_F_SUCCESS << 8) {
		cmd->flags |= NTC_SUCCESS;
		rxsf |= ENG_RXSF_EVENT; /* nothing follows: the end of the data is the completion */
	}
	hal_stream_data(conn, (uint16_t)(c->slot_base + cid), off, len, pad, rxsf);
}

/* Anything but the two PDUs below, exactly as expected. */
static __attribute__((noinline)) void unusual(uint16_t conn, struct nt_conn *c,
					      const struct hal_event *ev, const struct pdu_hdr *h)
{
	struct pdu_fault f = { .fes = PDU_FES_HDGST, .fei = ev->w2 };

	if (c->state != NT_IC && c->state != NT_READY) {
		nt_discard(conn);
	} else if (pdu_type(h) == PDU_C2H_TERM_REQ) {
		nt_peer_gave_up(conn, h);
	} else if (ev->flags & 2) { /* HLEN out of range; an unknown type comes first */
		fault(conn, PDU_FES_HEADER_FIELD, pdu_known(pdu_type(h)) ? 2 : 0);
	} else if (ev->flags & 1) {
		nt_fault(conn, &f);
	} else if (c->state == NT_IC) {
		ic_resp(conn, h);
	} else if (!pdu_check(&c->rules, h, &f)) {
		nt_fault(conn, &f);
	} else if (pdu_type(h) == PDU_R2T) {
		nt_r2t(conn);
	} else if (pdu_type(h) == PDU_C2H_DATA) {
		c2h_data(conn, c, h);
	} else {
		capsule_resp(conn, c, h);
	}
}

/*
 * The two PDUs that end nearly every command are known by their first words alone: as they should be, they have nothing that
 * pdu_check would complain about.
 */
void nt_header(uint16_t conn, const struct hal_event *ev)
{
	const struct pdu_hdr *h = nt_hdr(conn);
	struct nt_conn *c = &nt_conns[conn];
	uint32_t word0, plen;

	c->stats.pdus_received++;
	if (c->ctl) {
		nt_ctl_header(conn, ev);
		return;
	}
	word0 = h->w[0];
	plen = h->w[1];
	if (__builtin_expect(ev->flags, 0))
		unusual(conn, c, ev, h);
	else if (word0 == c->resp.word0 && plen == c->resp.bytes)
		capsule_resp(conn, c, h);
	else if ((word0 & ~(PDU_F_LAST << 8)) == c->c2h.word0 && plen > c->c2h.bytes &&
		 h->w[4] == plen - c->c2h.bytes)
		c2h_data(conn, c, h);
	else
		unusual(conn, c, ev, h);
}

void nt_placed(uint16_t conn, const struct hal_event *ev)
{
	struct nt_conn *c = &nt_conns[conn];
	struct nt_cmd *cmd;

	c->stats.ddgst_errors += ev->flags & 1;
	if (c->ctl) {
		nt_ctl_placed(conn, ev);
		return;
	}
	cmd = nt_cmd_of(c, ev->w2 - c->slot_base);
	if (!cmd || (cmd->flags & (NTC_SUCCESS | NTC_RESP)) != NTC_SUCCESS)
		return;
	cmd->flags |= NTC_RESP;
	if (cmd->refs)
		tcp_poll(conn);
	else
		nt_cmd_answered(conn, (uint16_t)ev->w2);
}
