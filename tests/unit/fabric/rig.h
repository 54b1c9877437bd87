/* SPDX-License-Identifier: BSD-2-Clause */
/* A fabric with N_Ports made of bytes at its ports: they bring their link up, count, and keep what comes. */
#ifndef FABRIC_RIG_H
#define FABRIC_RIG_H

#include "fabric/fabric.h"
#include "fc_unit.h"

#define RIG_PORTS 4
#define RIG_FRAMES 64
#define MS 1000000ull

struct rig_frame {
	uint8_t sof, eof, r_ctl, type, seq_id;
	uint16_t seq_cnt, ox_id, rx_id;
	uint32_t d_id, s_id, f_ctl;
	size_t len; /* of the payload, without fill */
	uint8_t payload[2112];
};

struct rig_port {
	uint8_t prim;     /* what comes from the fabric */
	uint8_t sent;     /* the answer to it */
	bool mute;        /* does not answer primitives */
	bool keep_credit; /* gives no R_RDY for frames */
	unsigned int rrdys;
	unsigned int n, owed; /* frames that came; R_RDYs not yet given */
	struct rig_frame rx[RIG_FRAMES];
	uint64_t wwpn;
	uint32_t id;
	uint16_t next_ox;
	uint8_t history[64]; /* of primitives */
	unsigned int n_history;
};

extern struct fabric *rig;
extern struct rig_port rig_port[RIG_PORTS];
extern uint64_t rig_now;

/* n ports; params: NULL for the defaults. */
void rig_open(unsigned int n, const struct fabric_params *params);
void rig_close(void);
/* Lets answers to primitives and R_RDYs go round until nothing moves. */
void rig_run(void);
void rig_wait(uint64_t ns);
void rig_primitive(unsigned int port, uint8_t code, unsigned int count);
/* Light, and the link up. */
void rig_up(unsigned int port);

/* Sends a frame; fill, CRC and delimiters of a sequence of one frame are added. */
void rig_send(unsigned int port, const struct rig_frame *frame);
/* The same as bytes, to be spoilt. Returns the length. */
size_t rig_bytes(const struct rig_frame *frame, uint8_t *unit);
/* The frame that came last; fails the test when there is none. */
const struct rig_frame *rig_last(unsigned int port);

/* An ELS from the port's address; the answer. */
const struct rig_frame *rig_els(unsigned int port, uint32_t to, const uint8_t *payload, size_t len);
/* FLOGI (or FDISC) with a name of the port's own; its address. */
uint32_t rig_login(unsigned int port);
void rig_login_payload(uint8_t payload[116], uint8_t command, uint64_t wwpn);
/* Link, FLOGI, PLOGI to the name server. */
void rig_join(unsigned int port);
/* A name server request; the answer, whose payload begins with the CT header. */
const struct rig_frame *rig_ct(unsigned int port, unsigned int command, const uint8_t *req,
			       size_t len);

uint32_t rig_get(const uint8_t *at, unsigned int bytes);
void rig_put(uint8_t *at, uint64_t value, unsigned int bytes);

#endif
