/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The controller role of NVMe/TCP. A pair of n entries has n slots, n receive buffers and n submission entries; a command keeps
 * its slot from capsule to acknowledged response.
 *
 *   state  event                                next   what happens
 *   FREE   capsule's header                     RECV   entry written: the receive buffer; header and data are placed
 *   RECV   placed                               HELD   completion CAPSULE
 *   HELD   GET_DATA                             GET    R2Ts, as many as the host allows
 *   GET    last byte placed                     HELD   completion
 *   HELD   SEND_DATA                            SEND   C2HData
 *   SEND   acknowledged                         HELD   completion
 *   HELD   RESPOND, SEND_DATA with the end      END    C2HData, CapsuleResp
 *   END    all acknowledged                     FREE   completion; a capsule that waited for a slot goes on
 *   any    connection gone                      FREE   GET, SEND and END complete with its errno, the others are forgotten
 *
 * What a slot holds (bytes): 0 the reply's entry or the receive buffer's two elements, 64 header of C2HData (and the CQE, until
 * it is copied), 96 header of CapsuleResp, 128 record of CapsuleResp, 176 struct nt_get, 192 record of C2HData. What firmware
 * believes stands behind 128: the ring engine writes the first 128 bytes when a program submits for a slot that has a command
 * of another state, and such a program shall hurt only itself.
 */
#ifndef NT_CTL_H
#define NT_CTL_H

#include "nt.h"

/* nt_cmd.flags in this role. nt_cmd.len: next free slot; ICD bytes; bytes of the reply. nt_cmd.r2t_at: number of the next R2T. */
enum { CTL_FREE = 0, CTL_RECV, CTL_HELD, CTL_GET, CTL_SEND, CTL_END };

#define CTL_DATA_HDR 64u
#define CTL_RESP_HDR 96u
#define CTL_RESP_REC 128u
#define CTL_GET_OFF 176u
#define CTL_DATA_REC 192u

/* TTAG: the slot's number in the pair, and the low bits of the R2T's */
#define CTL_TTAG_SHIFT 10u
#define CTL_R2T_MASK 63u

#define CTL_EVICT_MS 1000u /* without ICReq after this time, a connection makes room */
#define CTL_IC_MS 10000u

/* Offsets in the data buffer of the GET. */
struct nt_get {
	uint32_t base;        /* of the command's data: what R2TO and DATAO count from */
	uint32_t asked;       /* next byte to request */
	uint32_t start;       /* of the oldest R2T outstanding */
	uint16_t cccid, next; /* next slot that wants to send an R2T, or ENG_NO_SLOT */
};
_Static_assert(sizeof(struct nt_get) == CTL_DATA_REC - CTL_GET_OFF, "between the two records");

/* A pair of this role, connected or not. */
struct nt_ctl {
	uint32_t rx_cmd_lo, rx_cmd_hi, rx_icd_lo, rx_icd_hi, icd_size;
	/* ACCEPT, as long as the pair waits for a connection or has one */
	uint32_t maxh2cdata, ic_timeout_ms, keepalive_ms;
	uint16_t port;
	uint8_t digests, cpda;
	uint16_t wait_next;  /* pair, 0: none */
	uint16_t free_first; /* slot, or ENG_NO_SLOT */
	uint32_t since;      /* tick when TCP was established */
	bool header_waits;   /* a capsule's header is not answered: no slot is free */
};

extern struct nt_ctl nt_ctls[];

/* nt_accept.c: pairs that wait, and the IC exchange */
void nt_accept_init(void);
/* The receive buffers of a new pair. */
void nt_ctl_create(const struct weft_arg_qp_create *arg);
/* Listens, stops. 0 or a positive errno. */
uint16_t nt_listen(uint16_t port);
uint16_t nt_unlisten(uint16_t port);
/* The pair waits; the admin command completes when ICResp is sent, or when DISCONNECT ends it. 0 or a positive errno. */
uint16_t nt_accept(const struct weft_arg_accept *arg, uint16_t admin_slot, uint16_t slot_base,
		   uint16_t entries);
void nt_wait_end(uint16_t conn, uint16_t err);
void nt_accept_forget(void);
bool nt_acceptable(uint16_t local_port);
uint16_t nt_incoming(uint16_t local_port, uint32_t remote_ip, uint16_t remote_port);
void nt_ctl_connected(uint16_t conn);
void nt_ic_req(uint16_t conn, const struct pdu_hdr *h);
void nt_ctl_closed(uint16_t conn, uint16_t reason); /* the end of on_closed */

/* nt_capsule.c: what comes in */
void nt_ctl_header(uint16_t conn, struct nt_conn *c); /* NT_SERVING, and an event without flags */
void nt_ctl_header_any(uint16_t conn, uint8_t flags, uint32_t w2);
void nt_ctl_placed(uint16_t conn, uint16_t slot, uint8_t flags);
void nt_capsule_resume(uint16_t conn); /* a slot is free and header_waits */

/* nt_reply.c: what goes out */
void nt_ctl_submit(uint16_t conn, struct nt_conn *c, uint16_t slot);
void nt_get_pump(uint16_t conn);
void nt_get_turn(struct nt_conn *c, uint16_t slot); /* wants to send an R2T */
void nt_reply_acked(uint16_t conn, uint16_t slot);
void nt_get_done(uint16_t conn, uint16_t slot);
void nt_ctl_closing(uint16_t conn);
void nt_ctl_drop(uint16_t conn, uint16_t err);

static inline struct nt_get *nt_get(uint16_t slot)
{
	return hal_xram((uint32_t)slot * ENG_SLOT_SIZE + CTL_GET_OFF);
}

/* The byte behind the oldest R2T outstanding: all but the last ask for the most. */
static inline uint32_t nt_r2t_end(const struct nt_conn *c, const struct nt_cmd *cmd,
				  const struct nt_get *g)
{
	uint32_t left = cmd->len - g->start;

	return g->start + (left < c->maxh2cdata ? left : c->maxh2cdata);
}

static inline void nt_slot_free(struct nt_ctl *ctl, uint16_t slot)
{
	nt_cmds[slot].flags = CTL_FREE;
	nt_cmds[slot].len = ctl->free_first;
	ctl->free_first = slot;
}

#endif
