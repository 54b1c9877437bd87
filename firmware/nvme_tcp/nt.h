/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * NVMe/TCP connections. One connection belongs to one queue pair and has its number. What is particular to the controller role
 * is in nt_ctl.h.
 *
 *   state      event                        next        what happens
 *   IDLE       nt_connect                   TCP         tcp_connect
 *   IDLE       nt_accept                    WAIT        the pair stands in the queue of those that wait (controller role)
 *   WAIT       incoming                     IC          ICReq must come in time
 *   IC         ICReq accepted               SERVING     ICResp queued, ACCEPT completes; from here as READY
 *   TCP        connected                    IC          ICReq queued
 *   IC         ICResp accepted              READY       CONNECT completes
 *   READY      nt_submit                    READY       capsule queued
 *   READY      PDU headers                  READY       data placed, R2T answered, commands completed
 *   IC, READY  bad PDU                      CLOSING     TermReq queued, then FIN; abort after NT_TERM_MS
 *   IC, READY  remote FIN or TermReq        CLOSING     FIN; abort after NT_TERM_MS
 *   any        nt_disconnect                CLOSING     FIN or RST
 *   TCP, IC    timeout                      CLOSING     RST
 *   CLOSING    PDU header                   CLOSING     it and all that follows is discarded
 *   any        closed (TCP, engines quiet)  IDLE        every command completes, CONNECT or DISCONNECT completes, event;
 *                                                       with ACCEPT not completed: WAIT
 *
 * Buffers of the host are given back (completions posted) only after their PDUs are acknowledged or after closed().
 */
#ifndef NT_H
#define NT_H

#include "hal.h"
#include "lib/err.h"
#include "lib/sgl.h"
#include "lib/timer.h"
#include "pdu.h"
#include "tcp/tcp.h"

enum nt_state { NT_IDLE, NT_TCP, NT_IC, NT_READY, NT_CLOSING, NT_WAIT, NT_SERVING };

/* What a tcp_pdu is: bits 31:24 of its user word; 23:16 are the connection, 15:0 the slot. */
enum nt_pdu_kind {
	NT_PDU_CAPSULE = 0,
	NT_PDU_DATA = 1,
	NT_PDU_CONTROL = 2,
	NT_PDU_REPLY = 3, /* controller role: a record in a slot */
	NT_PDU_R2T = 4,   /* controller role */
};

/* Outstanding R2Ts of a command that a slot has room for: what ICReq asks at most. */
#define NT_R2TS 8u

/* The slot's SQE area, once the SQE has been copied into the capsule. */
struct nt_answer {
	uint32_t cqe[4];        /* of the response, until the command's PDUs are acknowledged */
	uint32_t r2tl[NT_R2TS]; /* ring of requests, oldest at r2t_at: bytes not yet queued */
	uint16_t ttag[NT_R2TS];
};
_Static_assert(sizeof(struct nt_answer) == 64, "takes the place of the SQE");

/* Behind the capsule's header in the slot: a write command's place among those with requests. */
struct nt_turn {
	uint32_t sent; /* next byte of the data buffer to queue */
	uint16_t next; /* slot, or ENG_NO_SLOT */
	uint16_t rsvd;
};

struct nt_stats {
	uint32_t pdus_sent, pdus_received, ddgst_errors;
};

/* The constant part of one kind of PDU, known once ICResp is here. */
struct nt_form {
	uint32_t word0; /* of the header */
	uint32_t bytes; /* PLEN less the data */
	uint32_t rec;   /* second word of a transmit record: header length, flags, padding */
};
#define NT_NO_FORM \
	0xffu /* word0 of no header without a complaint in ev->flags: its HLEN would be 0 */

struct nt_conn {
	uint8_t state;
	uint8_t maxr2t; /* 0's based */
	uint8_t asked_dgst;
	bool was_ready, close_by_us;
	struct pdu_rules rules;
	bool ctl; /* controller role */
	uint16_t slot_base, entries;
	/* sent, then received as nearly every peer sends them; NT_NO_FORM: none is wanted */
	union {
		struct {
			struct nt_form cmd, cmd_icd, h2c;
			struct nt_form resp, c2h;
		};
		struct { /* controller role */
			struct nt_form out_r2t, out_c2h, out_resp;
			struct nt_form in_cmd, in_icd;
		};
	};
	uint32_t maxh2cdata;
	uint16_t pdus_out; /* H2CData or R2T PDUs queued and not acknowledged */
	uint16_t err;      /* positive errno the connection ends with, 0: orderly */
	uint16_t writer_first,
		writer_last; /* slots with open R2Ts, or that want one; ENG_NO_SLOT */
	uint16_t connect_slot,
		disconnect_slot; /* admin slots that wait (CONNECT, ACCEPT), or ENG_NO_SLOT */
	uint32_t fes;            /* of a TermReq, bit 31: sent by us */
	struct timer timer;      /* connect or close timeout */
	struct nt_stats stats;
} __attribute__((aligned(128))); /* so that a shift finds it */

/* State of a command, one per slot. */
struct nt_cmd {
	union {
		struct {
			uint8_t flags; /* NTC_* */
			uint8_t r2t_at;
			uint8_t refs; /* PDUs of it not yet acknowledged: at most the capsule and NT_PDUS_PER_CONN */
			uint8_t r2ts; /* R2Ts outstanding */
		};
		uint32_t word; /* the four, for the normal path */
	};
	uint32_t len;           /* bytes of the data buffer */
	uint32_t off;           /* bytes received, or asked for by R2T, or sent in the capsule */
} __attribute__((aligned(16))); /* so that a shift finds it */

#define NTC_WORD_REFS 0xffff0000u /* refs and r2ts in word */
#define NTC_WORD_REF 0x00010000u  /* one reference */

#define NTC_ACTIVE 0x01u
#define NTC_RESP 0x02u    /* CQE is here (saved over the SQE in the slot) */
#define NTC_LAST 0x04u    /* LAST_PDU seen */
#define NTC_SUCCESS 0x08u /* ended by the SUCCESS flag: CQE is made here */
#define NTC_IN 0x10u      /* C2HData may come */
#define NTC_OUT 0x20u     /* R2T may come */

#define NT_TERM_MS 1000u
#define NT_CLOSE_MS 5000u
#define NT_CONNECT_MS 30000u
#define NT_PDUS_PER_CONN 64u
/* Longest piece of data in one PDU: no command holds the connection for long, and TCP's limit of 16 MiB stays far. */
#define NT_DATA_MAX (1u << 20)

extern struct nt_conn nt_conns[];
extern struct nt_cmd nt_cmds[];

void nt_init(void);
const struct tcp_user_ops *nt_tcp_ops(void);

/* Starts a connection; the admin command in admin_slot completes when it is ready or has failed. 0 or a positive errno. */
uint16_t nt_connect(const struct weft_arg_connect *arg, uint16_t admin_slot, uint16_t slot_base,
		    uint16_t entries);
/* Starts the end of a connection; the admin command completes when it is gone. 0 or a positive errno. */
uint16_t nt_disconnect(uint16_t conn, bool abort, uint16_t admin_slot);
/*
 * The admin pair stopped: what waits for its slots completes nothing any more. Nobody listens, and no pair waits for a
 * connection; one that has not said ICReq yet is aborted.
 */
void nt_forget_admin(void);
/* A submission entry of the connection's pair is in slot. */
void nt_submit(uint16_t conn, uint16_t slot);
/* Events of the stream engine: flags of the event, w2 of a header. */
void nt_header(uint16_t conn, uint8_t flags, uint32_t w2);
void nt_placed(uint16_t conn, uint16_t slot, uint8_t flags);
/* The same for a connection that is NT_READY, and a header without flags. */
void nt_host_submit(uint16_t conn, struct nt_conn *c, uint16_t slot);
void nt_host_header(uint16_t conn, struct nt_conn *c);
void nt_fail(uint16_t conn,
	     uint16_t err);  /* ends a connection by RST, or a wait, with this errno */
uint32_t nt_pdus_free(void); /* all: nothing of any connection is under way */

/* --- between the files of this folder --- */
void nt_fault(uint16_t conn, const struct pdu_fault *fault);
void nt_peer_gave_up(uint16_t conn, const struct pdu_hdr *h); /* C2HTermReq, H2CTermReq */
void nt_discard(uint16_t conn); /* the answer to a header when no more are wanted */
void nt_r2t(uint16_t conn);
void nt_r2t_pump(uint16_t conn);
void nt_r2t_drop(struct nt_conn *c);
struct tcp_pdu *nt_pdu_get(void);           /* for data */
struct tcp_pdu *nt_pdu_take(uint32_t keep); /* NULL when no more than keep are free */
void nt_pdu_put(struct tcp_pdu *pdu);
void nt_cmd_unref(uint16_t conn, uint16_t slot);
void nt_cmd_answered(uint16_t conn, uint16_t slot);
void nt_cmd_finish(uint16_t conn, uint16_t slot, uint16_t err);
void nt_reset_conn(uint16_t conn);
void nt_set_timeout(uint16_t conn, uint32_t ms);
void nt_send_control(uint16_t conn, struct tcp_pdu *pdu, uint32_t len); /* its header is written */
void nt_set_form(struct nt_form *f, const struct pdu_rules *rules, uint8_t type, uint8_t hlen,
		 uint32_t data, uint8_t align);
void nt_admin_done(uint16_t slot, uint16_t err); /* slot: or ENG_NO_SLOT */

/* sgl_covers, of which mostly the first element is enough. */
static inline bool nt_sgl_covers(const struct weft_sq_entry *e, uint32_t flags, uint32_t len)
{
	if (__builtin_expect(!(flags & WEFT_SQF_SGL_CHAIN), 1) &&
	    (uint32_t)e->sgl_count - 1 < WEFT_SGL_INLINE && e->sgl[0].len >= len)
		return true;
	return sgl_covers(e);
}

/* Fills a record from the form of its PDU, and queues it. The state says that TCP is open, NT_DATA_MAX is small. */
static inline void nt_send(uint16_t conn, struct tcp_pdu *pdu, const struct nt_form *f,
			   uint32_t data_len, uint32_t kind_slot)
{
	uint32_t *rec = (uint32_t *)&pdu->rec;

	rec[0] = hal_xram_off(pdu + 1);
	rec[1] = f->rec;
	pdu->rec.data_len = data_len;
	pdu->len = f->bytes + data_len;
	pdu->user = kind_slot | (uint32_t)conn << 16;
	nt_conns[conn].stats.pdus_sent++;
	tcp_send_ready(conn, pdu);
}

/* The outstanding command with this CID, or NULL. Its slot is slot_base + cid. */
static inline struct nt_cmd *nt_cmd_of(const struct nt_conn *c, uint32_t cid)
{
	struct nt_cmd *cmd;

	if (__builtin_expect(cid >= c->entries, 0))
		return NULL;
	cmd = &nt_cmds[c->slot_base + cid];
	return __builtin_expect(cmd->flags & NTC_ACTIVE, 1) ? cmd : NULL;
}

static inline struct nt_answer *nt_answer(uint16_t slot)
{
	return (struct nt_answer *)(void *)hal_slot_entry(slot)->sqe;
}

/* The command ends with the controller's CQE: nothing refers to its buffers any more. */
static inline void nt_cmd_complete(uint16_t conn, uint16_t cid, uint16_t slot,
				   const uint32_t cqe[4])
{
	struct nt_cmd *cmd = &nt_cmds[slot];
	const struct hal_cpl cpl = {
		.qp = conn,
		.type = WEFT_CQT_COMMAND,
		.cid = cid,
		.data_len = cmd->off,
		.dw = { cqe[0], cqe[1], cqe[2], cqe[3] },
		.slot = slot,
	};

	cmd->flags = 0;
	hal_complete(&cpl);
}

static inline struct nt_turn *nt_turn(uint16_t slot)
{
	return (struct nt_turn *)((uint8_t *)hal_slot_fw(slot) + sizeof(struct tcp_pdu) +
				  PDU_CMD_LEN);
}

/* The header that EVT_HDR announced, where the stream engine put it: it stands until the answer. */
static inline const struct pdu_hdr *nt_hdr(uint16_t conn)
{
	return (const struct pdu_hdr *)(const void *)hal_rx_header(conn);
}

static inline uint32_t *nt_pdu_header(struct tcp_pdu *pdu)
{
	return (uint32_t *)(pdu + 1);
}

#endif
