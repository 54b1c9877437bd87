/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside of a world, shared by its files. */
#ifndef WEFT_SIM_WORLD_INTERNAL_H
#define WEFT_SIM_WORLD_INTERNAL_H

#include <pthread.h>

#include "../weft_world.h"
#include "pcapng.h"

#define WORLD_PORTS 32

struct inproc_bus;
struct world_switch;
struct world_fabric;

struct weft_world_port {
	struct weft_world *world;
	struct weft_sim *sim; /* an adapter; this is its Ethernet port */
	struct weft_world_port *fc_port;
	struct inproc_bus *bus;
	const struct weft_peer_ops *ops; /* or a peer */
	void *ctx;
	uint64_t wake_ns; /* when the peer wants to be polled */
	uint64_t free_ns; /* when the peer's side of the wire is free */
	uint64_t byte_ps;
	struct weft_world_port *other;
	struct weft_link out;
	struct weft_world_port *adapter; /* the FC port of an adapter: its Ethernet port */
	bool fc, pulled;
	uint8_t prim; /* what an FC port sends between frames: WEFT_FC_PRIM_* */
	struct weft_pcapng *capture;
};

struct weft_world {
	pthread_mutex_t lock; /* recursive: peers send from inside a step */
	struct weft_world_port *ports[WORLD_PORTS];
	unsigned int n;
	uint64_t now_ns;
	bool stop; /* something happened that a host may wait for */
	struct world_switch *switches;
	struct world_fabric *fabrics;
};

/* The host's side of an adapter, called by the world's sim callbacks. port->bus may be NULL. */
int inproc_dma_read(struct weft_world_port *port, uint64_t iova, void *buf, size_t len);
int inproc_dma_write(struct weft_world_port *port, uint64_t iova, const void *buf, size_t len);
void inproc_irq(struct weft_world_port *port, unsigned int vector);

/* fc_cable.c. An adapter sent a unit at its FC port; a peer sends one; a cable's end (false: no room). */
void world_fc_sent(struct weft_world_port *port, const void *unit, size_t len, uint64_t at_ns);
int world_fc_send(struct weft_world_port *port, const void *unit, size_t len);
bool world_fc_deliver(struct weft_world_port *to, const struct weft_link_frame *f);
/* The other side sees what port sends between frames. */
void world_fc_light(struct weft_world_port *port);

/* switch.c: all of a list. */
void world_switches_free(struct world_switch *sw);
/* fabric_peer.c */
void world_fabrics_free(struct world_fabric *w);

#endif
