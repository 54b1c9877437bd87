/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * NVMe/TCP connections in the host role. One connection belongs to one queue pair and has its number.
 *
 *   state      event                        next        what happens
 *   IDLE       nt_connect                   TCP         tcp_connect
 *   TCP        connected                    IC          ICReq queued
 *   IC         ICResp accepted              READY       CONNECT completes
 *   READY      nt_submit                    READY       capsule queued
 *   READY      PDU headers                  READY       data placed, R2T answered, commands completed
 *   IC, READY  bad PDU                      CLOSING     TermReq queued, then FIN; abort after NT_TERM_MS
 *   any        remote FIN or TermReq        CLOSING     FIN
 *   any        nt_disconnect                CLOSING     FIN or RST
 *   any        closed (TCP, engines quiet)  IDLE        every command completes with an errno, CONNECT or DISCONNECT completes, event
 *
 * Buffers of the host are given back (completions posted) only after their PDUs are acknowledged or after closed().
 */
#ifndef NT_H
#define NT_H

#include "hal.h"
#include "lib/err.h"
#include "pdu.h"
#include "tcp/tcp.h"

enum nt_state { NT_IDLE, NT_TCP, NT_IC, NT_READY, NT_CLOSING };

/* What a tcp_pdu is: bits 31:24 of its user word; 23:16 are the connection, 15:0 the slot. */
enum nt_pdu_kind { NT_PDU_CAPSULE = 0, NT_PDU_DATA = 1, NT_PDU_CONTROL = 2 };

struct nt_r2t {
	struct nt_r2t *next;
	uint32_t off, left; /* still to be requested from the data buffer */
	uint16_t slot, ttag;
};

struct nt_stats {
	uint32_t pdus_sent, pdus_received, ddgst_errors;
};

struct nt_conn {
	uint8_t state;
	uint8_t tx_align; /* bytes: (CPDA + 1) * 4 */
	uint8_t maxr2t;   /* 0's based */
	uint8_t asked_dgst;
	struct pdu_rules rules;
	uint16_t slot_base, entries;
	uint32_t maxh2cdata;
	uint16_t pdus_out; /* H2CData PDUs queued and not acknowledged */
	uint16_t active;   /* commands in flight */
	struct nt_r2t *r2t_head, *r2t_tail;
	uint16_t connect_slot, disconnect_slot; /* admin slots that wait, or ENG_NO_SLOT */
	uint16_t err;                           /* positive errno the connection ends with, 0: orderly */
	bool close_by_us;
	uint32_t fes; /* of a TermReq, bit 31: sent by us */
	uint64_t deadline; /* connect or close timeout, ns; UINT64_MAX: none */
	struct nt_stats stats;
};

/* State of a command, one per slot. */
struct nt_cmd {
	uint8_t flags; /* NTC_* */
	uint8_t refs;  /* PDUs of it not yet acknowledged */
	uint8_t r2ts;  /* R2Ts outstanding */
	uint8_t sqf;   /* WEFT_SQF_* */
	uint32_t len;  /* bytes of the data buffer */
	uint32_t off;  /* bytes received, or asked for by R2T, or sent in the capsule */
};

#define NTC_ACTIVE 0x01u
#define NTC_RESP 0x02u    /* CQE is here (saved over the SQE in the slot) */
#define NTC_LAST 0x04u    /* LAST_PDU seen */
#define NTC_SUCCESS 0x08u /* ended by the SUCCESS flag: CQE is made here */

#define NT_TERM_MS 1000u
#define NT_PDUS_PER_CONN 64u

extern struct nt_conn nt_conns[];
extern struct nt_cmd nt_cmds[];

void nt_init(void);
const struct tcp_user_ops *nt_tcp_ops(void);

/* Starts a connection; the admin command in admin_slot completes when it is ready or has failed. 0 or a positive errno. */
uint16_t nt_connect(const struct weft_arg_connect *arg, uint16_t admin_slot, uint16_t slot_base, uint16_t entries);
/* Starts the end of a connection; the admin command completes when it is gone. 0 or a positive errno. */
uint16_t nt_disconnect(uint16_t conn, bool abort, uint16_t admin_slot);
/* A submission entry of the connection's pair is in slot. */
void nt_submit(uint16_t conn, uint16_t slot);
/* Events of the stream engine. */
void nt_header(uint16_t conn, const struct hal_event *ev);
void nt_placed(uint16_t conn, const struct hal_event *ev);
/* Timeouts; returns the next deadline. */
uint64_t nt_timer(uint64_t now);

/* --- between the files of this folder --- */
void nt_fault(uint16_t conn, const struct pdu_fault *fault);
void nt_fail(uint16_t conn, uint16_t err); /* no TermReq: close with this errno */
void nt_r2t_init(void);
void nt_r2t(uint16_t conn, const struct pdu_hdr *h);
void nt_r2t_pump(uint16_t conn);
void nt_r2t_drop(uint16_t conn);
struct tcp_pdu *nt_pdu_get(void);
void nt_pdu_put(struct tcp_pdu *pdu);
uint32_t nt_pdus_free(void);
void nt_send(uint16_t conn, struct tcp_pdu *pdu, uint32_t kind_slot, uint32_t len);
void nt_cmd_unref(uint16_t conn, uint16_t slot);
void nt_cmd_finish(uint16_t conn, uint16_t slot, uint16_t err);

/* The slot of an outstanding command of this connection, or ENG_NO_SLOT. */
static inline uint16_t nt_slot(const struct nt_conn *c, uint16_t cid)
{
	if (cid >= c->entries || !(nt_cmds[c->slot_base + cid].flags & NTC_ACTIVE))
		return ENG_NO_SLOT;
	return (uint16_t)(c->slot_base + cid);
}

static inline uint32_t *nt_pdu_header(struct tcp_pdu *pdu)
{
	return (uint32_t *)((uint8_t *)pdu + 48);
}

#endif
