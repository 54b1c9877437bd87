/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What stands at the other side of a port: a fabric with its name server, and neighbours in VN2VN
 * mode. Each way point leaves nothing unread.
 */
#ifndef PEERS_H
#define PEERS_H

#include "rig.h"

/* --- a fabric ------------------------------------------------------------------------------------ */

#define FAB_US 0x010203u /* the address it gives us */

void fab_accept_ct(const struct frame *to, const char *body); /* hex, after the CT header */
struct frame *fab_take_ct(uint16_t cmd);
void fab_flogi_answer(struct frame *f);
void fab_accept_login(const struct frame *f);
void fab_accept_els(const struct frame *f);
void fab_registered(uint8_t roles);              /* a host has sent its GID_FT */
void fab_port_found(uint32_t id, uint64_t wwpn); /* from our GPN_ID to a target that is ready */
void fab_one_target(void);                       /* a host that found 010301h, LOW_WWPN */
void fab_rscn(const char *pages);                /* hex; and its LS_ACC is read */

/* --- a neighbour --------------------------------------------------------------------------------- */

enum { PROBE = 1, PROBE_REPLY, CLAIM, CLAIM_REPLY, BEACON };

#define VN_US 0x0011u /* low half of OUR_WWPN */
#define VN_PEER 0x00aau

/* A frame of another port, as it is built from these. */
struct vn {
	uint8_t code;
	uint16_t flags;
	uint32_t id;
	uint64_t wwpn;
	uint8_t types; /* claims: 0 none told, 1 NVMe, 2 FCP only */
	uint32_t pad;
};

extern struct vn vn;
extern uint8_t vn_frame[2300]; /* what vn_build made */

uint32_t vn_build(void); /* vn_frame from vn; its length */
void vn_input(uint32_t len);
void vn_comes(uint8_t code, uint32_t id, uint64_t wwpn);
struct frame *vn_take(uint8_t code);
uint32_t vn_id_of(const struct frame *e); /* the address it is about */
void vn_start(uint8_t roles);
void vn_probing(uint8_t roles);  /* up to our first probe */
void vn_claiming(uint8_t roles); /* our claim */
void vn_up(uint8_t roles);       /* our first beacon */
void vn_ready(void);             /* a host that has logged in to the target VN_PEER, LOW_WWPN */

#endif
