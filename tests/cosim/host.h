/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A minimal host for the tests of the scripted peer, and of the adapter as a controller: one TCP connection made by hand,
 * frame by frame, and NVMe/TCP PDUs as bytes. It acknowledges what comes in order, unless told otherwise.
 */
#ifndef WEFT_TEST_HOST_H
#define WEFT_TEST_HOST_H

#include "peer/peer.h"

struct host {
	struct peer *peer;
	/* in place of a peer: how frames leave, and how time passes (host_take gets what comes, and now is kept up) */
	void (*send)(struct host *h, const void *frame, size_t len);
	void (*pass)(struct host *h, uint64_t ns);
	void *ctx;
	uint8_t mac[6]; /* 02:00:00:00:00:01 */
	uint32_t ip;    /* 10.0.0.1; the other side is 10.0.0.2 */
	const char *subnqn;
	uint64_t patience; /* ns for an answer: 1 s */
	uint64_t now;
	uint16_t port, remote;
	uint32_t seq, ack; /* next of ours, next of theirs */
	uint32_t acked;    /* what they acknowledged */
	uint32_t wnd;      /* what we offer */
	bool ts, sack;
	bool quiet; /* do not acknowledge */
	bool rst, fin, syn_ack;
	unsigned int drop; /* drop the drop-th data segment that comes (1: the next); 0: none */
	unsigned int segments;
	unsigned int dups, dups_answered; /* segments that call for a duplicate acknowledgement */
	uint32_t sacked_from, sacked_to;  /* from the last acknowledgement that carried a block */
	uint32_t ooo_from, ooo_to;        /* out of order data that we hold */
	uint32_t peer_wnd;
	uint8_t stream[1 << 20], ooo[1 << 16];
	size_t got, used;     /* of stream */
	uint8_t frame[10000]; /* the last frame that is not TCP to us */
	size_t frame_len;
	bool hdgst, ddgst;
};

void host_init(struct host *h, struct peer *p);
/* For peer_new. */
void host_take(void *ctx, const void *frame, size_t len);
void host_frame(struct host *h, const void *frame, size_t len);
/* A segment with any flags, sequence number and payload; seq does not move. */
void host_segment(struct host *h, uint32_t seq, uint8_t flags, const void *bytes, size_t len);
void host_ack(struct host *h);
/* SYN, SYN-ACK, ACK. True: connected. */
bool host_connect(struct host *h, uint16_t local, uint16_t remote);
/* Payload in order, in segments of at most 1,400 bytes. */
void host_send(struct host *h, const void *bytes, size_t len);
/* Lets time pass in steps, up to ns or until want bytes have come. */
void host_wait(struct host *h, uint64_t ns, size_t want);

/* --- NVMe/TCP --- */
uint32_t host_crc(const void *bytes, size_t len);
/* Sends a PDU: header with its digest if on, data with its digest if on. plen and flags are filled in. */
void host_pdu(struct host *h, uint8_t *head, const void *data, size_t len);
/* The next PDU's header (digest checked), its data and length. False: none came in time. */
bool host_next(struct host *h, uint8_t *head, uint8_t *data, size_t *len);
/* ICReq/ICResp. False: no ICResp. */
bool host_ic(struct host *h, uint8_t digests, unsigned int max_r2t);
/* Fills in an SQE: opcode, CID, NSID, SGL (kind 0x01, 0x5a). */
void host_sqe(uint8_t *sqe, uint8_t opcode, uint16_t cid, uint32_t nsid, uint8_t kind,
	      uint32_t len);
void host_capsule(struct host *h, const uint8_t *sqe, const void *icd, size_t len);
/* Fabrics Connect; status of the answer (0xffff: none), CNTLID in *cntlid (in for an I/O queue). */
uint16_t host_fabric_connect(struct host *h, uint16_t qid, uint16_t entries, uint16_t *cntlid,
			     uint8_t cattr);
/* CapsuleResp: status, cid, dw0. False: another PDU, or none. */
bool host_response(struct host *h, uint16_t *cid, uint16_t *status, uint32_t *dw0);

#endif
