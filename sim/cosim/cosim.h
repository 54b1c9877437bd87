/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Programs on several adapters that talk to each other, all in one thread: a world with the
 * adapters, a handle of the driver for each, and the turns they take. End 0 is 10.0.0.1 by custom
 * the host, end 1 is 10.0.0.2 the target.
 *
 * A program that waits in a synchronous call of one adapter needs the others to go on: each end
 * names a function that moves its program, and whenever the program of one end gives time to its
 * adapter those of the other ends take their turns. None runs inside itself.
 */
#ifndef WEFT_COSIM_H
#define WEFT_COSIM_H

#include <weft/dev.h>
#include <weft/fc.h>

#include "weft_world.h"

#define COSIM_MAX 4          /* adapters */
#define COSIM_TARGET 1       /* the end with the target role, of those with FC ports */
#define COSIM_IP 0x0a000001u /* of end 0; the next ones follow */
/* Names of end 0's FC port; the next ones follow. */
#define COSIM_WWNN 0x20000025b5000001ull
#define COSIM_WWPN 0x21000025b5000001ull

enum cosim_wire {
	COSIM_ETH,
	COSIM_FC,     /* FC ports, point-to-point */
	COSIM_FABRIC, /* FC ports, each at a fabric */
	COSIM_FCOE    /* Ethernet as COSIM_ETH, and on it FCoE in VN2VN mode */
};

/* All zero: the default in brackets. */
struct cosim_params {
	struct weft_sim_params sim; /* of each adapter */
	enum cosim_wire wire;  /* [COSIM_ETH]; others: end 1 is the target, the rest are hosts */
	unsigned int adapters; /* [2]; more meet at a switch, on cables of their own */
	unsigned int spare;    /* switch ports for peers of the caller */
	/* two: from end 0, from end 1; with a switch: to it, from it [500 ns, no faults] */
	struct weft_link_params cable[2];
	uint16_t mtu;                   /* [1500] */
	uint32_t timeout_ms;            /* of the driver's synchronous calls [5000] */
	uint32_t advance_ns;            /* device time of an empty poll [1000] */
	uint32_t e_d_tov_ms;            /* of the FC ports [2000] */
	const char *capture[COSIM_MAX]; /* pcapng of an adapter's port on the wire, or NULL */
	/* puts something between driver and simulator, or NULL */
	struct weft_bus *(*wrap)(struct weft_bus *inner);
	/* takes the place of weft_world_link for each cable, so that a test can stand between; or NULL */
	int (*join)(void *arg, struct weft_world *world, struct weft_world_port *a,
		    struct weft_world_port *b);
	void *join_arg;
};

struct cosim_end {
	struct cosim *cosim;
	struct weft_world_port *port;
	struct weft_world_port *wire; /* the port that has the cable: port, or its FC port */
	struct weft_bus *bus;         /* the simulator's */
	struct weft_dev *dev;
	struct weft_fc *fc; /* NULL with COSIM_ETH */
	uint32_t ip;
	int (*poll)(void *arg);
	void *arg;
	bool busy;          /* poll is running, or its program waits */
	unsigned int idles; /* times that poll had nothing to do */
};

struct cosim {
	struct cosim_params params;
	struct weft_world *world;
	unsigned int n;
	struct cosim_end end[COSIM_MAX];
	struct weft_world_port *spare[COSIM_MAX]; /* of the switch, to be linked by the caller */
};

/* Up to configured ports. 0 or negative errno, said on stderr; cosim_close undoes whatever there is. */
int cosim_open(struct cosim *cosim, const struct cosim_params *params);
/* The handles and everything below; programs on them have ended. */
void cosim_close(struct cosim *cosim);

/* What moves the program of an end. NULL: it has none. */
void cosim_program(struct cosim_end *end, int (*poll)(void *arg), void *arg);
/* Moves every program, and time. */
void cosim_poll(struct cosim *cosim);
uint64_t cosim_now(const struct cosim *cosim);
/*
 * Lets programs and time go on until a remote port has logged in to this end's FC port. -ETIMEDOUT, said
 * on stderr.
 */
int cosim_fc_wait(struct cosim_end *end);

#endif
