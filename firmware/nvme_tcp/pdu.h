/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * NVMe/TCP PDUs: layout, what makes a header acceptable to a host or a controller, and how to write one. No state, no engines.
 * NVM Express TCP Transport Specification 1.0, clauses 3.3 and 3.6.2.
 */
#ifndef PDU_H
#define PDU_H

#include <stdbool.h>
#include <stdint.h>

enum pdu_type {
	PDU_ICREQ = 0x00,
	PDU_ICRESP = 0x01,
	PDU_H2C_TERM_REQ = 0x02,
	PDU_C2H_TERM_REQ = 0x03,
	PDU_CAPSULE_CMD = 0x04,
	PDU_CAPSULE_RESP = 0x05,
	PDU_H2C_DATA = 0x06,
	PDU_C2H_DATA = 0x07,
	PDU_R2T = 0x09,
};

/* FLAGS bits of the common header */
#define PDU_F_HDGST 0x01u
#define PDU_F_DDGST 0x02u
#define PDU_F_LAST 0x04u
#define PDU_F_SUCCESS 0x08u

/* Fatal error status of a TermReq */
enum pdu_fes {
	PDU_FES_NONE = 0,
	PDU_FES_HEADER_FIELD = 1,
	PDU_FES_SEQUENCE = 2,
	PDU_FES_HDGST = 3,
	PDU_FES_RANGE = 4,
	PDU_FES_LIMIT =
		5, /* H2CTermReq: R2T limit exceeded; C2HTermReq: data transfer limit exceeded */
	PDU_FES_UNSUPPORTED = 6,
};

#define PDU_IC_LEN 128u
#define PDU_CMD_LEN 72u
#define PDU_RESP_LEN 24u
#define PDU_DATA_LEN 24u
#define PDU_TERM_LEN 24u
#define PDU_TERM_COPY_MAX 128u
#define PDU_DGST_LEN 4u
#define PDU_MAXH2CDATA_MIN 4096u

/*
 * The first 24 bytes of a received header as six little-endian words, whatever its type:
 *   w[0] type, flags, HLEN, PDO; w[1] PLEN; then
 *   CapsuleResp        w[2..5] the CQE
 *   C2HData, R2T       w[2] CCCID | TTAG << 16; w[3] DATAO or R2TO; w[4] DATAL or R2TL
 *   H2CData            w[2] CCCID | TTAG << 16; w[3] DATAO; w[4] DATAL
 *   ICReq              w[2] PFV | HPDA << 16 | DGST << 24; w[3] MAXR2T
 *   ICResp             w[2] PFV | CPDA << 16 | DGST << 24; w[3] MAXH2CDATA
 *   TermReq            w[2] FES; FEI at byte 10
 */
struct pdu_hdr {
	uint32_t w[6];
};

static inline uint8_t pdu_type(const struct pdu_hdr *h)
{
	return (uint8_t)h->w[0];
}

static inline uint8_t pdu_flags(const struct pdu_hdr *h)
{
	return (uint8_t)(h->w[0] >> 8);
}

static inline uint8_t pdu_hlen(const struct pdu_hdr *h)
{
	return (uint8_t)(h->w[0] >> 16);
}

static inline uint8_t pdu_pdo(const struct pdu_hdr *h)
{
	return (uint8_t)(h->w[0] >> 24);
}

static inline uint16_t pdu_cccid(const struct pdu_hdr *h)
{
	return (uint16_t)h->w[2];
}

static inline uint16_t pdu_ttag(const struct pdu_hdr *h)
{
	return (uint16_t)(h->w[2] >> 16);
}

/* A type that a controller may send; that a host may send. */
bool pdu_known(uint8_t type);
bool pdu_known_h2c(uint8_t type);

/* What was negotiated, as far as received headers depend on it. */
struct pdu_rules {
	bool hdgst, ddgst;
	uint8_t rx_align; /* bytes: (HPDA + 1) * 4, at a controller (CPDA + 1) * 4 */
};

/* A fatal fault: what goes into the TermReq. */
struct pdu_fault {
	uint16_t fes; /* enum pdu_fes */
	uint32_t fei;
};

/*
 * Checks the fixed part of a header received by a host after the IC exchange: type, flags, HLEN, PDO, PLEN, DATAL.
 * True: acceptable. False: *fault names the lowest-offset bad field. What the header means for a command is not looked at.
 */
bool pdu_check(const struct pdu_rules *rules, const struct pdu_hdr *h, struct pdu_fault *fault);

/* What an ICResp agreed to, given what was asked. */
struct pdu_icresp {
	uint32_t maxh2cdata;
	uint8_t cpda; /* 0..31 */
	uint8_t dgst; /* bit 0 header, bit 1 data */
};

/* Checks an ICResp against the digests asked for. True: *out is filled. */
bool pdu_check_icresp(const struct pdu_hdr *h, uint8_t asked_dgst, struct pdu_icresp *out,
		      struct pdu_fault *fault);

/*
 * Checks the fixed part of a header received by a controller after the IC exchange: type, flags, HLEN, PDO, PLEN. True: *data is
 * the length of the data that PLEN says; 0 only for a capsule without data. H2CData: the caller compares DATAL with it, because
 * CCCID and TTAG stand before DATAL.
 */
bool pdu_check_h2c(const struct pdu_rules *rules, const struct pdu_hdr *h, uint32_t *data,
		   struct pdu_fault *fault);

/* What an ICReq asks for. */
struct pdu_icreq {
	uint32_t maxr2t; /* 0's based */
	uint8_t hpda;    /* 0..31 */
	uint8_t dgst;    /* bit 0 header, bit 1 data */
};

/* Checks the first PDU of a connection. True: it is an ICReq, *out is filled. */
bool pdu_check_icreq(const struct pdu_hdr *h, struct pdu_icreq *out, struct pdu_fault *fault);

/* Bytes from the start of a PDU to its data: hlen, digest, and padding to align. */
uint8_t pdu_data_offset(uint8_t hlen, bool hdgst, uint8_t align);

/* Writers. dst is 4-byte aligned and has room for the length named in the comment. */
void pdu_put_icreq(uint32_t *dst, uint8_t hpda, uint8_t dgst, uint32_t maxr2t);      /* 128 */
void pdu_put_icresp(uint32_t *dst, uint8_t cpda, uint8_t dgst, uint32_t maxh2cdata); /* 128 */
/*
 * type: PDU_H2C_TERM_REQ or PDU_C2H_TERM_REQ. copy_len bytes of the offending header follow; returns the length of the whole
 * PDU (24 + copy_len).
 */
uint32_t pdu_put_term_req(uint32_t *dst, uint8_t type, const struct pdu_fault *fault,
			  const uint8_t *copy, uint32_t copy_len); /* up to 152 */

/* Shape of an outgoing PDU with or without data, from which header, record and length follow. */
struct pdu_shape {
	uint8_t flags; /* PDU_F_* */
	uint8_t pdo;   /* 0 without data */
	uint8_t pad;
	uint32_t plen;
};

void pdu_shape(struct pdu_shape *s, uint8_t hlen, uint32_t data_len, bool hdgst, bool ddgst,
	       uint8_t align);

static inline uint32_t pdu_word0(uint8_t type, const struct pdu_shape *s, uint8_t hlen)
{
	return type | (uint32_t)s->flags << 8 | (uint32_t)hlen << 16 | (uint32_t)s->pdo << 24;
}

/* CapsuleCmd header around an SQE. dst and sqe are 4-byte aligned, 72 and 64 bytes. word0: pdu_word0. */
static inline void pdu_put_cmd(uint32_t *dst, uint32_t word0, uint32_t plen, const uint32_t *sqe)
{
	dst[0] = word0;
	dst[1] = plen;
#pragma GCC unroll 4
	for (int i = 0; i < 16;
	     i += 4) { /* the hot path's longest piece: four words in flight, and no loop */
		uint32_t a = sqe[i], b = sqe[i + 1], c = sqe[i + 2], d = sqe[i + 3];

		dst[2 + i] = a;
		dst[3 + i] = b;
		dst[4 + i] = c;
		dst[5 + i] = d;
	}
}

/* The shape that H2CData, C2HData and R2T share, 24 bytes. tags: CCCID | TTAG << 16. */
static inline void pdu_put_data(uint32_t *dst, uint32_t word0, uint32_t plen, uint32_t tags,
				uint32_t off, uint32_t len)
{
	dst[0] = word0;
	dst[1] = plen;
	dst[2] = tags;
	dst[3] = off;
	dst[4] = len;
	dst[5] = 0;
}

/* H2CData header, 24 bytes. cid_ttag: CCCID | TTAG << 16. last: sets LAST_PDU. */
static inline void pdu_put_h2c(uint32_t *dst, uint32_t word0, uint32_t plen, uint32_t cid_ttag,
			       uint32_t datao, uint32_t datal, bool last)
{
	pdu_put_data(dst, word0 | (last ? PDU_F_LAST << 8 : 0), plen, cid_ttag, datao, datal);
}

/* CapsuleResp header around a CQE, 24 bytes. */
static inline void pdu_put_resp(uint32_t *dst, uint32_t word0, uint32_t plen, const uint32_t *cqe)
{
	uint32_t a = cqe[0], b = cqe[1], c = cqe[2], d = cqe[3];

	dst[0] = word0;
	dst[1] = plen;
	dst[2] = a;
	dst[3] = b;
	dst[4] = c;
	dst[5] = d;
}

#endif
