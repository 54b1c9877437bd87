/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two ports of firmware/fc/ at one cable or on one Ethernet: two copies of the code with their own
 * variables, what one sends comes to the other, in its order, with loss if a test wants it. Credit
 * and primitives are as the engines have them; what happens first is left to a seeded chance.
 */
#ifndef PAIR_H
#define PAIR_H

#include "fc/fc.h"

struct pair_port {
	uint32_t ctrl, credit, credit_max, id;
	bool changed; /* EVT_FC_LINK is queued */
	uint8_t mac[6];
	bool ready[WEFT_N_RPORT];
	uint32_t readies, goings, rscns;
};

extern struct pair {
	struct pair_port port[2];
	bool pulled;        /* the cable is out */
	uint32_t lose;      /* one frame in so many is lost, 0: none */
	uint32_t lose_rrdy; /* the same for R_RDY */
	uint32_t busy;      /* one attempt to send in so many finds no room */
	uint32_t frames;    /* carried or lost so far */
} pair;

uint32_t chance(uint32_t of); /* 0..of-1 */
void pair_reset(uint32_t seed);
void pair_start(int i, uint8_t mode, uint8_t roles, uint64_t wwpn);
void pair_stop(int i);
void pair_run(uint32_t ms);
void pair_pull(bool out);
const struct fc_port *pair_port(int i);
const struct fc_rport *pair_sees(int i); /* the other one, ready; NULL */
uint32_t pair_failures(int i);
uint16_t pair_logout(int i);
uint16_t pair_rscn(int i);
uint32_t pair_open(void); /* exchanges of both */

#endif
