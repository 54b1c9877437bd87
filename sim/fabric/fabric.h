/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A Fibre Channel switch for tests, as a library without a thread or a clock: n F_Ports, class 3
 * frames forwarded by D_ID, login server (FFFFFEh), fabric controller (FFFFFDh) and name server
 * (FFFFFCh). Units of weft_sim.h go in by fabric_rx and come out by the send callback. Same calls,
 * same answers. docs/fabric.md says what it answers to what.
 */
#ifndef WEFT_SIM_FABRIC_H
#define WEFT_SIM_FABRIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FABRIC_PORTS_MAX 32
#define FABRIC_NPORTS_MAX 64 /* logged in, NPIV ones counted */

struct fabric;

/* All but n: 0 is the default in brackets. */
struct fabric_params {
	unsigned int n;      /* ports */
	uint8_t domain;      /* of the addresses it gives [1]; the area is the port, from 1 */
	uint16_t credit;     /* frames that a port may have in the switch [16] */
	uint32_t e_d_tov_ms; /* [2000]; also how long a frame waits for its way out */
	uint32_t r_a_tov_ms; /* [10000] */
	uint32_t r_t_tov_ms; /* how long a step of link initialisation may take [100] */
};

struct fabric_counters {
	uint64_t frames;     /* that came in */
	uint64_t forwarded;  /* to another port or the same */
	uint64_t served;     /* for one of the services */
	uint64_t bad_crc;    /* dropped: CRC or EOF */
	uint64_t bad_frame;  /* dropped: not class 3, or no sense in it */
	uint64_t bad_source; /* dropped: S_ID is not the port's */
	uint64_t unknown;    /* dropped: nobody has the D_ID */
	uint64_t no_buffer;  /* dropped: came without credit */
	uint64_t timed_out;  /* dropped: found no way out in E_D_TOV */
	uint64_t cut;        /* dropped with the link they were to leave by */
	uint64_t logins, logouts, rscns, link_ups, link_downs, link_resets;
};

typedef void (*fabric_send)(void *ctx, unsigned int port, const void *unit, size_t len);

/* -EINVAL (n 0 or too many, domain above EFh), -ENOMEM. Each port sends a primitive at once. */
int fabric_create(const struct fabric_params *params, fabric_send send, void *ctx,
		  struct fabric **fabric);
void fabric_destroy(struct fabric *fabric);
/* A unit came in at a port. What is no unit is counted and dropped. */
void fabric_rx(struct fabric *fabric, unsigned int port, const void *unit, size_t len,
	       uint64_t now_ns);
/* Lets timers run; returns when to call again, UINT64_MAX: not before the next unit. */
uint64_t fabric_poll(struct fabric *fabric, uint64_t now_ns);

const struct fabric_counters *fabric_counters(const struct fabric *fabric);
/* The link is active: frames may pass. */
bool fabric_port_active(const struct fabric *fabric, unsigned int port);
/* Addresses given out at a port, lowest first; returns how many there are (ids has room for max). */
unsigned int fabric_port_ids(const struct fabric *fabric, unsigned int port, uint32_t *ids,
			     unsigned int max);

#endif
