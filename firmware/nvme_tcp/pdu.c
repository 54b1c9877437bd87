/* SPDX-License-Identifier: BSD-2-Clause */
#include "pdu.h"

#include <string.h>

/* Byte offsets that a TermReq's FEI names */
enum {
	FEI_TYPE = 0,
	FEI_FLAGS = 1,
	FEI_HLEN = 2,
	FEI_PDO = 3,
	FEI_PLEN = 4,
	FEI_PFV = 8,
	FEI_CPDA = 10, /* HPDA in ICReq */
	FEI_DGST = 11,
	FEI_MAXH2C = 12,
	FEI_DATAL = 16
};

static bool fail(struct pdu_fault *fault, uint16_t fes, uint32_t fei)
{
	fault->fes = fes;
	fault->fei = fei;
	return false;
}

bool pdu_known(uint8_t type)
{
	return type == PDU_ICRESP || type == PDU_C2H_TERM_REQ || type == PDU_CAPSULE_RESP ||
	       type == PDU_C2H_DATA || type == PDU_R2T;
}

bool pdu_known_h2c(uint8_t type)
{
	return type == PDU_ICREQ || type == PDU_H2C_TERM_REQ || type == PDU_CAPSULE_CMD ||
	       type == PDU_H2C_DATA;
}

static bool check_flags(const struct pdu_rules *rules, const struct pdu_hdr *h, bool data)
{
	uint8_t flags = pdu_flags(h);

	if (!!(flags & PDU_F_HDGST) != rules->hdgst)
		return false;
	if (data && !!(flags & PDU_F_DDGST) != rules->ddgst)
		return false;
	return !data || (flags & (PDU_F_SUCCESS | PDU_F_LAST)) != PDU_F_SUCCESS;
}

static bool check_data(const struct pdu_rules *rules, const struct pdu_hdr *h,
		       struct pdu_fault *fault)
{
	uint32_t plen = h->w[1], pdo = pdu_pdo(h), tail = rules->ddgst ? PDU_DGST_LEN : 0;
	uint32_t head = PDU_DATA_LEN + (rules->hdgst ? PDU_DGST_LEN : 0);

	if (pdo < head || pdo % rules->rx_align || pdo > plen)
		return fail(fault, PDU_FES_HEADER_FIELD, FEI_PDO);
	if (plen - pdo < tail)
		return fail(fault, PDU_FES_HEADER_FIELD, FEI_PLEN);
	if (h->w[4] != plen - pdo - tail)
		return fail(fault, PDU_FES_HEADER_FIELD, FEI_DATAL);
	return true;
}

bool pdu_check(const struct pdu_rules *rules, const struct pdu_hdr *h, struct pdu_fault *fault)
{
	uint8_t type = pdu_type(h);
	bool data = type == PDU_C2H_DATA;

	if (type == PDU_ICRESP)
		return fail(fault, PDU_FES_SEQUENCE, 0);
	if (!data && type != PDU_CAPSULE_RESP && type != PDU_R2T)
		return fail(fault, PDU_FES_HEADER_FIELD, FEI_TYPE);
	if (!check_flags(rules, h, data))
		return fail(fault, PDU_FES_HEADER_FIELD, FEI_FLAGS);
	if (pdu_hlen(h) != PDU_DATA_LEN) /* the same for all three */
		return fail(fault, PDU_FES_HEADER_FIELD, FEI_HLEN);
	if (data)
		return check_data(rules, h, fault);
	if (h->w[1] != PDU_RESP_LEN + (rules->hdgst ? PDU_DGST_LEN : 0))
		return fail(fault, PDU_FES_HEADER_FIELD, FEI_PLEN);
	return true;
}

/* What ICReq and ICResp have in common. known: some PDU of that direction has this type. */
static bool check_ic(const struct pdu_hdr *h, enum pdu_type type, bool known,
		     struct pdu_fault *fault)
{
	if (!known)
		return fail(fault, PDU_FES_HEADER_FIELD, FEI_TYPE);
	if (pdu_type(h) != type)
		return fail(fault, PDU_FES_SEQUENCE, 0);
	if (pdu_hlen(h) != PDU_IC_LEN)
		return fail(fault, PDU_FES_HEADER_FIELD, FEI_HLEN);
	if (h->w[1] != PDU_IC_LEN)
		return fail(fault, PDU_FES_HEADER_FIELD, FEI_PLEN);
	if ((uint16_t)h->w[2] != 0)
		return fail(fault, PDU_FES_UNSUPPORTED, FEI_PFV);
	return true;
}

bool pdu_check_icresp(const struct pdu_hdr *h, uint8_t asked_dgst, struct pdu_icresp *out,
		      struct pdu_fault *fault)
{
	if (!check_ic(h, PDU_ICRESP, pdu_known(pdu_type(h)), fault))
		return false;
	out->cpda = (uint8_t)(h->w[2] >> 16);
	out->dgst = (uint8_t)(h->w[2] >> 24);
	out->maxh2cdata = h->w[3];
	if (out->cpda > 31)
		return fail(fault, PDU_FES_HEADER_FIELD, FEI_CPDA);
	if (out->dgst & ~asked_dgst)
		return fail(fault, PDU_FES_HEADER_FIELD, FEI_DGST);
	if (out->maxh2cdata < PDU_MAXH2CDATA_MIN || out->maxh2cdata % 4)
		return fail(fault, PDU_FES_HEADER_FIELD, FEI_MAXH2C);
	return true;
}

/*
 * Reserved flags, and the offset to data that are not there, are nobody's business: hosts differ in what they leave in them.
 * Flags first, then HLEN, PDO, PLEN: the lowest offset is what FEI names.
 */
bool pdu_check_h2c(const struct pdu_rules *rules, const struct pdu_hdr *h, uint32_t *data,
		   struct pdu_fault *fault)
{
	uint8_t type = pdu_type(h), hlen = type == PDU_H2C_DATA ? PDU_DATA_LEN : PDU_CMD_LEN;
	uint32_t plen = h->w[1], pdo = pdu_pdo(h), tail = rules->ddgst ? PDU_DGST_LEN : 0;
	uint32_t head = hlen + (rules->hdgst ? PDU_DGST_LEN : 0);
	bool bare = type == PDU_CAPSULE_CMD && plen <= head;

	if (type == PDU_ICREQ)
		return fail(fault, PDU_FES_SEQUENCE, 0);
	if (type != PDU_CAPSULE_CMD && type != PDU_H2C_DATA)
		return fail(fault, PDU_FES_HEADER_FIELD, FEI_TYPE);
	if (!!(pdu_flags(h) & PDU_F_HDGST) != rules->hdgst ||
	    (!bare && !!(pdu_flags(h) & PDU_F_DDGST) != rules->ddgst))
		return fail(fault, PDU_FES_HEADER_FIELD, FEI_FLAGS);
	if (pdu_hlen(h) != hlen)
		return fail(fault, PDU_FES_HEADER_FIELD, FEI_HLEN);
	*data = 0;
	if (bare)
		return plen == head ? true : fail(fault, PDU_FES_HEADER_FIELD, FEI_PLEN);
	if (pdo < head || pdo % rules->rx_align || pdo > plen)
		return fail(fault, PDU_FES_HEADER_FIELD, FEI_PDO);
	if (plen - pdo <=
	    tail) /* data of no bytes: a capsule without data has none of this, H2CData has data */
		return fail(fault, PDU_FES_HEADER_FIELD, FEI_PLEN);
	*data = plen - pdo - tail;
	return true;
}

bool pdu_check_icreq(const struct pdu_hdr *h, struct pdu_icreq *out, struct pdu_fault *fault)
{
	if (!check_ic(h, PDU_ICREQ, pdu_known_h2c(pdu_type(h)), fault))
		return false;
	out->hpda = (uint8_t)(h->w[2] >> 16);
	out->dgst = (uint8_t)(h->w[2] >> 24);
	out->maxr2t = h->w[3];
	if (out->hpda > 31)
		return fail(fault, PDU_FES_HEADER_FIELD, FEI_CPDA);
	if (out->dgst > 3)
		return fail(fault, PDU_FES_HEADER_FIELD, FEI_DGST);
	return true;
}

uint8_t pdu_data_offset(uint8_t hlen, bool hdgst, uint8_t align)
{
	uint32_t head = hlen + (hdgst ? PDU_DGST_LEN : 0);

	return (uint8_t)((head + align - 1) / align * align);
}

void pdu_shape(struct pdu_shape *s, uint8_t hlen, uint32_t data_len, bool hdgst, bool ddgst,
	       uint8_t align)
{
	uint32_t head = hlen + (hdgst ? PDU_DGST_LEN : 0);

	s->flags = hdgst ? PDU_F_HDGST : 0;
	s->pdo = 0;
	s->pad = 0;
	s->plen = head;
	if (!data_len)
		return;
	s->pdo = pdu_data_offset(hlen, hdgst, align);
	s->pad = (uint8_t)(s->pdo - head);
	s->plen = s->pdo + data_len;
	if (ddgst) {
		s->flags |= PDU_F_DDGST;
		s->plen += PDU_DGST_LEN;
	}
}

static void put_ic(uint32_t *dst, uint8_t type, uint8_t pda, uint8_t dgst, uint32_t limit)
{
	memset(dst, 0, PDU_IC_LEN);
	dst[0] = type | PDU_IC_LEN << 16;
	dst[1] = PDU_IC_LEN;
	dst[2] = (uint32_t)pda << 16 | (uint32_t)dgst << 24;
	dst[3] = limit;
}

void pdu_put_icreq(uint32_t *dst, uint8_t hpda, uint8_t dgst, uint32_t maxr2t)
{
	put_ic(dst, PDU_ICREQ, hpda, dgst, maxr2t);
}

void pdu_put_icresp(uint32_t *dst, uint8_t cpda, uint8_t dgst, uint32_t maxh2cdata)
{
	put_ic(dst, PDU_ICRESP, cpda, dgst, maxh2cdata);
}

uint32_t pdu_put_term_req(uint32_t *dst, uint8_t type, const struct pdu_fault *fault,
			  const uint8_t *copy, uint32_t copy_len)
{
	if (copy_len > PDU_TERM_COPY_MAX)
		copy_len = PDU_TERM_COPY_MAX;
	memset(dst, 0, PDU_TERM_LEN);
	dst[0] = type | PDU_TERM_LEN << 16;
	dst[1] = PDU_TERM_LEN + copy_len;
	dst[2] = fault->fes | fault->fei << 16; /* FEI is unaligned: bytes 10..13 */
	dst[3] = fault->fei >> 16;
	memcpy(dst + PDU_TERM_LEN / 4, copy, copy_len);
	return PDU_TERM_LEN + copy_len;
}
