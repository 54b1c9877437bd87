/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A little deterministic world in one process: adapters and scripted peers, linked port to port,
 * stepped in lockstep.
 *
 * Time is the adapters' cycle time, the same for all. It passes only inside weft_world_run and
 * inside register accesses (a few cycles each). Same world, same calls: same cycles, every run. One
 * lock guards a world: its buses may be used from several threads. Peers' callbacks run under it,
 * inside the call that steps; they may call weft_world_port_send, and must not call weft_world_run
 * or a bus.
 */
#ifndef WEFT_WORLD_H
#define WEFT_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "weft/bus.h"
#include "weft_sim.h"
#include "fabric/fabric.h"
#include "world/link.h"

#ifdef __cplusplus
extern "C" {
#endif

struct weft_world;
struct weft_world_port;

/* Something that sits on a cable: a target, a host, a hub. */
struct weft_peer_ops {
	/*
	 * A frame came in, whole, no FCS. At a Fibre Channel port: a unit (weft_sim.h), primitives
	 * too; R_RDYs are for the peer to give and to count.
	 */
	void (*rx)(void *ctx, const void *frame, size_t len, uint64_t now_ns);
	/*
	 * Lets timers run. Returns when it wants to be called again; UINT64_MAX: not before the
	 * next frame. Called after rx too.
	 */
	uint64_t (*poll)(void *ctx, uint64_t now_ns);
};

/* -ENOMEM. */
int weft_world_create(struct weft_world **world);
/* Ends everything in it; its buses must be closed already. */
void weft_world_destroy(struct weft_world *world);

/*
 * Errors of weft_sim_create; -EINVAL with wall_time, which a world cannot keep; -ENOSPC beyond 32
 * ports, of which an adapter has two.
 */
int weft_world_add_adapter(struct weft_world *world, const struct weft_sim_params *params,
			   struct weft_world_port **port);
int weft_world_add_peer(struct weft_world *world, const struct weft_peer_ops *ops, void *ctx,
			struct weft_world_port **port);
/*
 * The Fibre Channel port of an adapter, given its (Ethernet) port; the world's. All that is said of
 * ports below holds for it too.
 */
struct weft_world_port *weft_world_fc_port(struct weft_world_port *adapter);
/* A peer on a Fibre Channel cable. It sends idles until it sends another primitive. */
int weft_world_add_fc_peer(struct weft_world *world, const struct weft_peer_ops *ops, void *ctx,
			   struct weft_world_port **port);
/*
 * An Ethernet switch of n ports (2 or more): for more than two at a time. It learns where addresses
 * are, stores and forwards, and drops nothing. ports: its n, to be linked. -EINVAL, -ENOSPC, -ENOMEM.
 */
int weft_world_add_switch(struct weft_world *world, unsigned int n, struct weft_world_port **ports);
/*
 * A Fibre Channel fabric of n ports (fabric/fabric.h), domain 1. ports: its n, to be linked. -EINVAL,
 * -ENOSPC, -ENOMEM. weft_world_fabric: the fabric behind a port, for its counters; NULL.
 */
int weft_world_add_fabric(struct weft_world *world, unsigned int n, struct weft_world_port **ports);
struct fabric *weft_world_fabric(struct weft_world_port *port);
/*
 * Joins two ports by a cable. NULL params: no delay, no faults. mbit_per_s paces peers (adapters
 * pace themselves); 0: 25000, Fibre Channel 27200. -EBUSY: a port has a cable already; -EINVAL: an
 * Ethernet with a Fibre Channel port.
 *
 * Fibre Channel: faults are of frames; badfcs is the FC-1 port's mark of a bad code. A frame that is
 * lost is lost as if behind the next port: its R_RDY comes back. Both ports see light at once.
 */
int weft_world_link(struct weft_world_port *a, struct weft_world_port *b,
		    const struct weft_link_params *a_to_b, const struct weft_link_params *b_to_a,
		    uint32_t mbit_per_s);
/*
 * Pulls the Fibre Channel cable of a port (true) or plugs it in again. What is under way is lost, both
 * sides see the light go out; what a peer sends meanwhile goes nowhere. -ENOTCONN (no cable), -EINVAL
 * (Ethernet).
 */
int weft_world_link_pull(struct weft_world_port *port, bool pulled);
/* Changes the faults of the direction that leaves port, from now on. */
void weft_world_port_set_faults(struct weft_world_port *port,
				const struct weft_link_params *params);
/* Counters of the direction that leaves port. */
const struct weft_link_counters *weft_world_port_counters(const struct weft_world_port *port);
/* Captures what passes at an adapter's or peer's port. -errno of the file. */
int weft_world_port_capture(struct weft_world_port *port, const char *path);

/*
 * A peer sends: the frame, or unit, goes on the wire when those before it have left. -EMSGSIZE,
 * -ENOTCONN (no cable), -ENOMEM, -EINVAL (not a unit).
 */
int weft_world_port_send(struct weft_world_port *port, const void *frame, size_t len);
/* Nanoseconds until all that the peer sent has left. */
uint64_t weft_world_port_backlog(const struct weft_world_port *port);

/* The adapter behind a port; NULL for a peer. */
struct weft_sim *weft_world_port_sim(struct weft_world_port *port);

uint64_t weft_world_now(const struct weft_world *world);
/*
 * Lets at most max_ns of device time pass; stops early when an adapter raised an interrupt or wrote
 * what may be a completion. When nothing happens time still passes. Returns true while something is
 * under way (other than timers).
 */
bool weft_world_run(struct weft_world *world, uint64_t max_ns);

/* --- the in-process bus ----------------------------------------------------------------------- */

/*
 * A bus on an adapter of a world; one per adapter. Closing it leaves the adapter. -EBUSY, -EINVAL
 * (a peer), -ENOMEM.
 */
int weft_bus_open_port(struct weft_world_port *port, struct weft_bus **bus);
/*
 * An adapter of its own, its Ethernet port unplugged; closing the bus ends it. Errors of
 * weft_world_add_adapter.
 */
int weft_bus_open_sim(const struct weft_sim_params *params, struct weft_bus **bus);
/*
 * idle runs whenever the program on this bus gives time to the adapter because it has nothing to do,
 * before time passes: whoever serves several adapters from one thread lets the others' programs go
 * on here. It must not use this bus's handle. NULL: none.
 */
void weft_sim_bus_on_idle(struct weft_bus *bus, void (*idle)(void *arg), void *arg);

/* What the adapter did to host memory. */
struct weft_dma_stats {
	uint64_t reads, writes, read_bytes, write_bytes;
	uint64_t refused;   /* outside what is mapped, or against its protection */
	uint64_t not_lent;  /* inside, but not lent: a use after completion */
	uint64_t first_bad; /* IOVA of the first refused or not lent access */
};

void weft_sim_bus_stats(struct weft_bus *bus, struct weft_dma_stats *stats);
/* Number of ranges mapped: 0 at the end of a test that leaks none. */
unsigned int weft_sim_bus_mappings(struct weft_bus *bus);
/*
 * A stricter check for tests: once anything is lent, each DMA must lie in lent ranges (reads may
 * run on to the end of a 16-byte beat). Rings are lent for good, buffers while a command has them.
 * prot as in dma_map. -ENOMEM, -EINVAL (not mapped). weft_sim_bus_return takes back exactly what
 * was lent; -ENOENT.
 */
int weft_sim_bus_lend(struct weft_bus *bus, const void *addr, size_t len, unsigned int prot);
int weft_sim_bus_return(struct weft_bus *bus, const void *addr, size_t len);

#ifdef __cplusplus
}
#endif
#endif
