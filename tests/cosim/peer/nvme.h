/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside of the peer: NVMe/TCP connections, commands, controllers. */
#ifndef WEFT_TEST_PEER_NVME_H
#define WEFT_TEST_PEER_NVME_H

#include "net.h"

enum pdu_type {
	ICREQ = 0,
	ICRESP = 1,
	H2C_TERM = 2,
	C2H_TERM = 3,
	CAPSULE_CMD = 4,
	CAPSULE_RESP = 5,
	H2C_DATA = 6,
	C2H_DATA = 7,
	R2T = 9
};

#define F_HDGST 0x01
#define F_DDGST 0x02
#define F_LAST 0x04
#define F_SUCCESS 0x08

enum fes {
	FES_FIELD = 1,
	FES_SEQUENCE = 2,
	FES_HDGST = 3,
	FES_RANGE = 4,
	FES_LIMIT = 5,
	FES_UNSUPPORTED = 6
};

/* Status: SCT << 8 | SC, and DNR. */
#define DNR 0x4000
enum {
	SC_OK = 0,
	SC_OPCODE = 0x01,
	SC_FIELD = 0x02,
	SC_CID = 0x03,
	SC_ABORTED = 0x07,
	SC_NAMESPACE = 0x0b,
	SC_SEQUENCE = 0x0c,
	SC_SGL_LENGTH = 0x0f,
	SC_SGL_TYPE = 0x11,
	SC_SGL_OFFSET = 0x16,
	SC_TRANSIENT = 0x22,
	SC_LBA = 0x80,
	SC_COMPARE = 0x285,
	SC_QUEUE = 0x101,
	SC_LOG = 0x109,
	SC_AER_LIMIT = 0x105,
	SC_CONNECT_FORMAT = 0x180,
	SC_CONNECT_PARAM = 0x182
};

#define BUCKETS 256
#define TTAGS 1024
#define AERS 4

struct nvme_conn;

/* A stretch of a write that was asked for. */
struct r2t {
	struct command *cmd; /* NULL: free */
	uint32_t off, len, got;
};

struct command {
	struct command *next;    /* in its bucket */
	struct command *waiting; /* in the ready, R2T or delayed list */
	struct nvme_conn *n;
	uint16_t cid;
	uint8_t sqe[64];
	uint64_t due;
	uint8_t *buf;        /* data from the host, or an admin answer */
	const uint8_t *data; /* data for the host */
	uint32_t len;        /* of the transfer */
	uint32_t asked, got; /* of a write */
	unsigned int r2ts;   /* outstanding */
	uint32_t sent;       /* of a read */
	uint16_t status;
	uint32_t dw0, dw1;
	bool bad_digest, answered, no_sqhd;
};

struct list {
	struct command *head, *tail;
};

enum stage { S_HEADER, S_PAD, S_DATA, S_DIGEST };

struct nvme_conn {
	struct conn *c;
	struct peer *p;
	struct ctrl *ctrl;
	uint16_t qid;
	bool ic_done, connected, dead; /* dead: nothing more is read or answered */
	bool hdgst, ddgst, no_flow;
	uint8_t hpda;
	unsigned int max_r2t;
	unsigned int sq_entries, sqhd, in_flight;
	struct command *bucket[BUCKETS];
	struct r2t r2t[TTAGS];
	unsigned int next_ttag;

	/* the PDU coming in */
	enum stage stage;
	uint8_t h[136];
	uint32_t have, need;
	uint32_t pad, data_left, crc;
	uint8_t digest[4];
	uint8_t *to;         /* where its data goes; NULL: nowhere */
	struct command *cmd; /* whose data it is */
	struct r2t *grant;

	/* going out */
	struct list ready, asking;
	uint8_t out[320];
	uint32_t out_len, out_pos;
	struct command *cur; /* whose C2HData is under way */
	const uint8_t *out_data;
	uint32_t out_left, out_crc;
	uint8_t trailer[4];
	uint32_t trailer_left;
	bool in_data, out_digest, spoil_digest, rest_is_resp;
	bool terminating, term_sent;
	uint8_t term[24 + 128];
	uint32_t term_len;
};

struct ctrl {
	uint16_t cntlid;
	bool discovery;
	uint32_t cc, csts, kato;
	uint64_t heard;
	char hostnqn[256];
	uint8_t hostid[16];
	unsigned int conns;
	struct command *aer[AERS];
	unsigned int n_aer;
	uint32_t event_mask;
};

/* nvme.c */
void nvme_term(struct nvme_conn *n, enum fes fes, uint32_t fei);
struct command *nvme_find(struct nvme_conn *n, uint16_t cid);
void nvme_release(struct command *cmd);
void list_add(struct list *l, struct command *cmd);
struct command *list_take(struct list *l);

/* What pdu_in.c has found: a whole header, or the end of a PDU's data. */
void nvme_on_icreq(struct nvme_conn *n);
void nvme_on_term(struct nvme_conn *n);
void nvme_on_h2c_data(struct nvme_conn *n);
void nvme_on_command(struct command *cmd, bool bad_digest);
void nvme_data_arrived(struct nvme_conn *n, bool bad_digest);

void command_ready(struct command *cmd); /* its answer can go out */
void command_start(struct nvme_conn *n); /* a CapsuleCmd's header has come: sets n->cmd, n->to */
void command_data(struct command *cmd);  /* all its data has come */
void command_ask(struct command *cmd);   /* R2T */

/* admin.c, io.c: carry out; end with command_ready at once or later */
void admin_execute(struct command *cmd);
void fabrics_execute(struct command *cmd);
void io_execute(struct command *cmd);
/* Which way the data of a command goes: 0 none, 1 from the host, 2 to the host. */
unsigned int command_direction(const uint8_t *sqe);
void ctrl_forget(struct nvme_conn *n);
uint64_t ctrl_timers(struct peer *p);

static inline void command_end(struct command *cmd, uint16_t status)
{
	cmd->status = status;
	if (status) {
		cmd->data = NULL;
		cmd->sent = 0;
	}
	command_ready(cmd);
}

#endif
