/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * FC-NVMe on the wire (FC-NVMe-2): information units of a command and link services. Big-endian but
 * for the SQE and CQE inside. The parsers take whatever a peer sends; what they let through has
 * exactly the lengths, tags and formats it must have. Reserved fields are not looked at.
 */
#ifndef FC_WIRE_H
#define FC_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nvme/spec.h>

/* Big-endian numbers as bytes: nothing to align, nothing to forget. */
typedef struct {
	uint8_t b[2];
} be16_t;
typedef struct {
	uint8_t b[4];
} be32_t;
typedef struct {
	uint8_t b[8];
} be64_t;

static inline uint16_t get_be16(be16_t v)
{
	return (uint16_t)(v.b[0] << 8 | v.b[1]);
}

static inline uint32_t get_be32(be32_t v)
{
	return (uint32_t)v.b[0] << 24 | (uint32_t)v.b[1] << 16 | (uint32_t)v.b[2] << 8 | v.b[3];
}

static inline uint64_t get_be64(be64_t v)
{
	uint64_t n = 0;

	for (int i = 0; i < 8; i++)
		n = n << 8 | v.b[i];
	return n;
}

static inline be16_t put_be16(uint16_t n)
{
	return (be16_t){ { (uint8_t)(n >> 8), (uint8_t)n } };
}

static inline be32_t put_be32(uint32_t n)
{
	return (be32_t){ { (uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8),
			   (uint8_t)n } };
}

static inline be64_t put_be64(uint64_t n)
{
	be64_t v;

	for (int i = 7; i >= 0; i--, n >>= 8)
		v.b[i] = (uint8_t)n;
	return v;
}

/* --- information units ------------------------------------------------------------------------------ */

#define FCNVME_CMND_FORMAT_ID 0xfd
#define FCNVME_CMND_FC_ID 0x28
#define FCNVME_CMND_WORDS 24
#define FCNVME_CATEGORY_ADMIN 0x01
#define FCNVME_CATEGORY_IO 0x08 /* command set 0, NVM, in the low bits */
#define FCNVME_FLAG_WRITE 0x01
#define FCNVME_FLAG_READ 0x02
#define FCNVME_FLAG_PICWP 0x04

struct fcnvme_cmnd_iu {
	uint8_t format_id;
	uint8_t fc_id;
	be16_t iu_len; /* words */
	uint8_t rsvd4[2];
	uint8_t category;
	uint8_t flags;
	be64_t connection_id;
	be32_t csn;
	be32_t data_len;
	uint8_t sqe[64];
	uint8_t dps;
	uint8_t lbads;
	be16_t ms;
	uint8_t rsvd92[4];
};
_Static_assert(sizeof(struct fcnvme_cmnd_iu) == 96 && offsetof(struct fcnvme_cmnd_iu, sqe) == 24,
	       "CMND IU");

#define FCNVME_RSP_LEN 12 /* all zeroes */
#define FCNVME_ERSP_WORDS 8
enum fcnvme_ersp_result {
	FCNVME_ERSP_SUCCESS = 0,
	FCNVME_ERSP_INVALID_FIELD = 1,
	FCNVME_ERSP_ILLEGAL_CONNECTION = 3
};

struct fcnvme_ersp_iu {
	uint8_t result;
	uint8_t rsvd1;
	be16_t iu_len; /* words */
	be32_t rsn;
	be32_t xfrd_len;
	uint8_t rsvd12[4];
	uint8_t cqe[16];
};
_Static_assert(sizeof(struct fcnvme_ersp_iu) == 32 && offsetof(struct fcnvme_ersp_iu, cqe) == 16,
	       "ERSP IU");

struct fcnvme_xfer_rdy_iu {
	be32_t offset;
	be32_t burst_len;
	uint8_t rsvd8[4];
};
_Static_assert(sizeof(struct fcnvme_xfer_rdy_iu) == 12, "XFER_RDY IU");

/* A CMND IU's content. */
struct fc_cmnd {
	uint64_t connection_id;
	uint32_t csn;
	uint32_t data_len;
	uint8_t flags;   /* FCNVME_FLAG_*; neither without data */
	bool admin;      /* category */
	uint8_t sqe[64]; /* PSDT and SGL1 are filled in by fc_cmnd_build */
};

/* Writes the 96 bytes at iu. */
void fc_cmnd_build(void *iu, const struct fc_cmnd *cmnd);
/* -EIO: length, format; -EPROTO: flags that contradict each other, the length or the opcode. */
int fc_cmnd_parse(const void *iu, size_t len, struct fc_cmnd *cmnd);

/* An answer. */
struct fc_rsp {
	bool extended; /* ERSP; otherwise the rest is zero */
	uint8_t result;
	uint32_t rsn;
	uint32_t xfrd_len;
	struct nvme_cqe cqe;
};

/* Writes RSP or ERSP at iu (32 bytes of room); returns its length. */
uint16_t fc_rsp_build(void *iu, const struct fc_rsp *rsp);
/* -EBADMSG: not 0, 12 or 32 bytes, zeroes that are not, a length field that is wrong. */
int fc_rsp_parse(const void *iu, size_t len, struct fc_rsp *rsp);

/* XFER_RDY, for drivers that build and take them themselves. -EBADMSG: length, burst of nothing. */
void fc_xfer_rdy_build(void *iu, uint32_t offset, uint32_t burst_len);
int fc_xfer_rdy_parse(const void *iu, size_t len, uint32_t *offset, uint32_t *burst_len);

/* --- link services ----------------------------------------------------------------------------------- */

enum fc_ls_cmd {
	FCNVME_LS_RJT = 1,
	FCNVME_LS_ACC = 2,
	FCNVME_LS_CREATE_ASSOCIATION = 3,
	FCNVME_LS_CREATE_CONNECTION = 4,
	FCNVME_LS_DISCONNECT_ASSOC = 5,
	FCNVME_LS_DISCONNECT_CONN = 6
};

enum fc_ls_tag {
	FCNVME_LSDESC_RQST = 1,
	FCNVME_LSDESC_RJT = 2,
	FCNVME_LSDESC_CREATE_ASSOC_CMD = 3,
	FCNVME_LSDESC_CREATE_CONN_CMD = 4,
	FCNVME_LSDESC_DISCONN_CMD = 5,
	FCNVME_LSDESC_CONN_ID = 6,
	FCNVME_LSDESC_ASSOC_ID = 7
};

enum fc_ls_reason {
	FCNVME_RJT_RC_INVAL = 0x01,
	FCNVME_RJT_RC_LOGIC = 0x03,
	FCNVME_RJT_RC_UNAB = 0x09,
	FCNVME_RJT_RC_UNSUP = 0x0b,
	FCNVME_RJT_RC_INV_ASSOC = 0x40,
	FCNVME_RJT_RC_INV_CONN = 0x41,
	FCNVME_RJT_RC_INV_PARAM = 0x42,
	FCNVME_RJT_RC_INSUF_RES = 0x43
};

enum fc_ls_explan {
	FCNVME_RJT_EXP_NONE = 0x00,
	FCNVME_RJT_EXP_PYLD_LEN = 0x2d,
	FCNVME_RJT_EXP_ERSP_RATIO = 0x40,
	FCNVME_RJT_EXP_CNTLID = 0x41,
	FCNVME_RJT_EXP_QUEUE_ID = 0x42,
	FCNVME_RJT_EXP_SQSIZE = 0x43,
	FCNVME_RJT_EXP_HOSTID = 0x44,
	FCNVME_RJT_EXP_HOSTNQN = 0x45,
	FCNVME_RJT_EXP_SUBNQN = 0x46
};

#define FC_CNTLID_STATIC 0xfffeu /* of Create Association: any static controller */
#define FC_LS_RQST_MAX 1024
#define FC_LS_RSP_MAX 56

/* A request's content; which fields count depends on cmd. */
struct fc_ls_rqst {
	uint8_t cmd; /* FCNVME_LS_CREATE_ASSOCIATION.. */
	uint16_t ersp_ratio;
	uint16_t cntlid;
	uint16_t qid;
	uint16_t sqsize; /* 0's based */
	uint8_t hostid[16];
	char hostnqn[NVME_NQN_MAX + 1];
	char subnqn[NVME_NQN_MAX + 1];
	uint64_t association_id;
	uint64_t connection_id; /* Disconnect Connection */
};

struct fc_ls_rjt {
	uint8_t reason;
	uint8_t explan;
	uint8_t vendor;
};

/* A response's content. */
struct fc_ls_resp {
	bool rejected;
	struct fc_ls_rjt rjt;
	uint64_t association_id; /* of Create Association */
	uint64_t connection_id;  /* of Create Association, Create I/O Connection */
};

/* Writes the request at buf (FC_LS_RQST_MAX bytes of room); returns its length. */
uint32_t fc_ls_rqst_build(void *buf, const struct fc_ls_rqst *rqst);
/* -EPROTO: rjt holds the reject it deserves. rqst->cmd is set when there are four bytes. */
int fc_ls_rqst_parse(const void *buf, size_t len, struct fc_ls_rqst *rqst, struct fc_ls_rjt *rjt);
/* Writes the response to a request of command cmd (FC_LS_RSP_MAX bytes); returns its length. */
uint16_t fc_ls_resp_build(void *buf, uint8_t cmd, const struct fc_ls_resp *resp);
/* buf: room for len bytes, zeroes beyond what came. -EBADMSG: not an answer to cmd. */
int fc_ls_resp_parse(const void *buf, size_t len, uint8_t cmd, struct fc_ls_resp *resp);

#endif
