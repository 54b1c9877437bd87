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
	/* what the stream engine is told about it: padding, ENG_RXSF_* */
	c->c2h.rec = (c->c2h.rec & 0xff0000) | (c->rules.ddgst ? ENG_RXSF_DDGST << 8 : 0);
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

/* The response comes before the acknowledgement of all that was sent for the command, or while R2Ts are unanswered. */
static __attribute__((noinline)) void resp_early(uint16_t conn, uint16_t slot,
						 const uint32_t cqe[4])
{
	struct nt_cmd *cmd = &nt_cmds[slot];

	cmd->flags |= NTC_RESP;
	memcpy(nt_answer(slot)->cqe, cqe, sizeof(nt_answer(slot)->cqe));
	/* the response proves that the capsule arrived: take the acknowledgement that came with it, it may be unreported */
	if (cmd->refs)
		tcp_poll(conn); /* the last PDU given back completes */
}

static inline __attribute__((always_inline)) void
capsule_resp(uint16_t conn, const struct nt_conn *c, const struct pdu_hdr *h)
{
	const uint32_t cqe[4] = { h->w[2], h->w[3], h->w[4], h->w[5] };
	uint16_t cid = (uint16_t)cqe[3], slot = (uint16_t)(c->slot_base + cid);
	uint32_t word;

	if (__builtin_expect(cid >= c->entries, 0)) {
		fault(conn, PDU_FES_HEADER_FIELD, FEI_CQE_CID);
		return;
	}
	word = nt_cmds[slot].word;
	if (__builtin_expect((word & (NTC_ACTIVE | NTC_RESP | NTC_SUCCESS)) != NTC_ACTIVE, 0)) {
		fault(conn, PDU_FES_HEADER_FIELD, FEI_CQE_CID);
		return;
	}
	hal_stream_next(conn);
	if (__builtin_expect(!(word & NTC_WORD_REFS), 1)) {
		nt_cmd_complete(conn, cid, slot, cqe);
	} else {
		/* a copy: with its address given away, cqe would stand in memory on the normal path too */
		const uint32_t kept[4] = { cqe[0], cqe[1], cqe[2], cqe[3] };

		resp_early(conn, slot, kept);
	}
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

/*
 * C2HData that is what its command waits for, and not the last without a response; plen is that of the header. False: it is for
 * c2h_data to say what is wrong.
 */
static inline bool c2h_expected(uint16_t conn, const struct nt_conn *c, const struct pdu_hdr *h,
				uint32_t plen)
{
	uint32_t len = plen - c->c2h.bytes, off = h->w[3], cid = pdu_cccid(h), flags;
	uint16_t slot = (uint16_t)(c->slot_base + cid);
	struct nt_cmd *cmd = &nt_cmds[slot];

	if (cid >= c->entries)
		return false;
	flags = cmd->flags;
	if ((flags & (NTC_ACTIVE | NTC_IN | NTC_LAST | NTC_RESP)) != (NTC_ACTIVE | NTC_IN) ||
	    off != cmd->off || len > cmd->len - off)
		return false;
	cmd->off = off + len;
	cmd->flags = (uint8_t)(flags | (h->w[0] >> 8 & PDU_F_LAST));
	hal_stream_data(conn, slot, off, len, (uint8_t)(c->c2h.rec >> 16),
			(uint8_t)(c->c2h.rec >> 8));
	return true;
}
_Static_assert(PDU_F_LAST == NTC_LAST, "the one becomes the other");

/* Anything but the two PDUs below, exactly as expected. */
static __attribute__((noinline)) void unusual(uint16_t conn, struct nt_conn *c, uint8_t flags,
					      uint32_t w2)
{
	const struct pdu_hdr *h = nt_hdr(conn);
	struct pdu_fault f = { .fes = PDU_FES_HDGST, .fei = w2 };

	if (c->state != NT_IC && c->state != NT_READY) {
		nt_discard(conn);
	} else if (pdu_type(h) == PDU_C2H_TERM_REQ) {
		nt_peer_gave_up(conn, h);
	} else if (flags & 2) { /* HLEN out of range; an unknown type comes first */
		fault(conn, PDU_FES_HEADER_FIELD, pdu_known(pdu_type(h)) ? 2 : 0);
	} else if (flags & 1) {
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
void nt_host_header(uint16_t conn, struct nt_conn *c)
{
	const struct pdu_hdr *h = nt_hdr(conn);
	uint32_t word0 = h->w[0], plen = h->w[1];

	c->stats.pdus_received++;
	if (word0 == c->resp.word0 && plen == c->resp.bytes)
		capsule_resp(conn, c, h);
	else if ((word0 & ~(PDU_F_LAST << 8)) != c->c2h.word0 || plen <= c->c2h.bytes ||
		 h->w[4] != plen - c->c2h.bytes || !c2h_expected(conn, c, h, plen))
		unusual(conn, c, 0, 0);
}

void nt_header(uint16_t conn, uint8_t flags, uint32_t w2)
{
	struct nt_conn *c = &nt_conns[conn];

	if (c->ctl) {
		nt_ctl_header_any(conn, flags, w2);
		return;
	}
	c->stats.pdus_received++;
	unusual(conn, c, flags, w2);
}

void nt_placed(uint16_t conn, uint16_t slot, uint8_t flags)
{
	struct nt_conn *c = &nt_conns[conn];
	struct nt_cmd *cmd;

	c->stats.ddgst_errors += flags & 1;
	if (c->ctl) {
		nt_ctl_placed(conn, slot, flags);
		return;
	}
	cmd = nt_cmd_of(c, (uint32_t)slot - c->slot_base);
	if (!cmd || (cmd->flags & (NTC_SUCCESS | NTC_RESP)) != NTC_SUCCESS)
		return;
	cmd->flags |= NTC_RESP;
	if (cmd->refs)
		tcp_poll(conn);
	else
		nt_cmd_answered(conn, slot);
}
