/* SPDX-License-Identifier: BSD-2-Clause */
/* The controller role's tests: the adapter listens, the peer is a host. Number i of peers[] is the host that the test calls i. */
#ifndef CTL_HELPER_H
#define CTL_HELPER_H

#include "nvme_helper.h"
#include "nvme_tcp/nt_ctl.h"

#define PORT 4420
#define RX_CMD 0x200000u /* receive buffers of pair 1; each further pair's 64 KiB behind it */
#define RX_ICD 0x280000u
#define RX_STEP 0x10000u
#define ICD_SIZE 8192u

struct acc_opts {
	uint8_t digests, cpda; /* allowed, of ACCEPT */
	uint8_t hpda;
	uint8_t asked_less; /* digests that the host does not ask for */
	uint32_t maxr2t;
	uint32_t maxh2cdata; /* 0: 65536 */
	uint32_t icd_size;   /* 0: ICD_SIZE */
	uint8_t sq_log2;     /* 0: SQ_LOG2 */
	uint16_t port;       /* of ACCEPT */
	uint32_t ic_timeout_ms;
};

uint16_t listen_on_port(uint16_t port);
uint16_t unlisten(uint16_t port);
void create_ctl(uint16_t qp, const struct acc_opts *o);
uint16_t accept_start(uint16_t qp,
		      const struct acc_opts *o); /* creates the pair if need be; CID of ACCEPT */
struct weft_arg_accept accept_args(uint16_t qp, const struct acc_opts *o);
struct send icreq(const struct acc_opts *o);
/* LISTEN if need be, ACCEPT, the peer connects, IC exchange checked. */
void open_ctl(uint16_t qp, const struct acc_opts *o);

/* The host's PDUs. The SQE is a pattern made of cid. */
struct send cmd_pdu(const struct peer *p, uint16_t cid, const void *icd, uint32_t len);
struct send h2c(const struct peer *p, uint16_t cid, uint16_t ttag, uint32_t off, const void *data,
		uint32_t len, bool last);
void host_sends(uint16_t qp, struct send s);
void host_sends_cmd(uint16_t qp, uint16_t cid, const void *icd, uint32_t len);

/* The next CAPSULE completion of the pair; SQE and data (icd NULL: not) compared with what was sent. The buffer's number. */
uint16_t expect_capsule_flags(uint16_t qp, uint16_t cid, const void *icd, uint32_t len,
			      uint8_t flags);
uint16_t expect_capsule(uint16_t qp, uint16_t cid, const void *icd, uint32_t len);
void expect_no_capsule(uint16_t qp);

/* Replies */
struct reply {
	uint8_t op, flags;
	uint32_t len, addr, offset;
	uint16_t cccid;
	uint8_t pieces; /* of the data: 0 two, 1..3; 9: a chain of ten */
};
struct weft_sq_entry reply_entry(uint16_t buf, const struct reply *r);
void reply_start(uint16_t qp, uint16_t buf, const struct reply *r); /* runs */
void respond(uint16_t qp, uint16_t buf, uint16_t cccid);            /* and checks all of it */
void expect_resp(struct peer *p, uint16_t cccid);
void expect_c2h(struct peer *p, uint16_t cccid, uint32_t off, uint32_t len, uint8_t flags,
		const uint8_t *content);
struct pdu expect_r2t(struct peer *p, uint16_t cccid, uint32_t off, uint32_t len);
uint16_t ttag_of(const struct pdu *r2t);
void expect_reply(uint16_t qp, uint16_t buf, uint16_t status, uint32_t data_len);
uint32_t slots_free_of(uint16_t qp); /* in state FREE, all of them in the list */

#endif
