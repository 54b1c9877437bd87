/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A Fibre Channel port towards the outside: one unit (weft_sim.h) per UNIX datagram. Faults are of
 * frames; a lost one gives its credit back, as in a world.
 *
 * What a port sends between frames is a level, and processes come and go: each side says it anew every
 * FC_PORT_REFRESH_NS. When a datagram finds nobody the other side's light is out; who ends says so.
 */
#ifndef WEFT_SERVER_FC_PORT_H
#define WEFT_SERVER_FC_PORT_H

#include <stdbool.h>
#include <stdint.h>

#include "../weft_sim.h"
#include "../world/link.h"
#include "../world/pcapng.h"
#include "dgram.h"

#define FC_PORT_REFRESH_NS 100000000ull

struct fc_port {
	struct dgram sock;
	struct weft_link in, out;
	struct weft_pcapng *capture;
	uint8_t tx_prim, rx_prim; /* levels: WEFT_FC_PRIM_* */
	bool gone;                /* nobody is there */
	bool pulled;
	bool seen;    /* what comes in next is in the capture already */
	bool blocked; /* the outside has no room: try again at retry_ns */
	uint64_t retry_ns, refresh_ns;
	uint64_t unplugged; /* units nobody was there for */
	uint64_t odd;       /* datagrams that are no units */
};

/* Takes a unit that came in; -EAGAIN: later. bad: the mark of a bad code. */
typedef int (*fc_port_rx)(void *ctx, const void *unit, size_t len, bool bad);

/* spec: "dgram:LOCAL:REMOTE", or NULL. Negative errno, said on stderr behind program's name. */
int fc_port_open(struct fc_port *p, const char *program, const char *spec,
		 const struct weft_link_params *faults);
void fc_port_close(struct fc_port *p);
/* Our side sent a unit. */
void fc_port_sent(struct fc_port *p, const void *unit, size_t len, uint64_t now_ns);
/* Moves what is due both ways. */
void fc_port_move(struct fc_port *p, fc_port_rx rx, void *ctx, uint64_t now_ns);
/* When something becomes due; UINT64_MAX: never. */
uint64_t fc_port_next(const struct fc_port *p);
/* Pulls the cable, or plugs it in: both sides see it. What is under way is lost. */
void fc_port_pull(struct fc_port *p, bool pulled, uint64_t now_ns);

#endif
