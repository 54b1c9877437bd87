// SPDX-License-Identifier: BSD-2-Clause
/* A fabric as a peer with a number of ports. */
#include <errno.h>
#include <stdlib.h>

#include "world.h"

struct world_fabric {
	struct world_fabric *next;
	struct fabric *fabric;
	struct fabric_port_ref {
		struct world_fabric *of;
		struct weft_world_port *port;
	} ports[WORLD_PORTS];
};

static void on_send(void *ctx, unsigned int port, const void *unit, size_t len)
{
	struct world_fabric *w = ctx;

	if (w->ports[port].port)
		weft_world_port_send(w->ports[port].port, unit, len);
}

static void on_unit(void *ctx, const void *unit, size_t len, uint64_t now_ns)
{
	struct fabric_port_ref *at = ctx;

	fabric_rx(at->of->fabric, (unsigned int)(at - at->of->ports), unit, len, now_ns);
}

static uint64_t on_poll(void *ctx, uint64_t now_ns)
{
	return fabric_poll(((struct fabric_port_ref *)ctx)->of->fabric, now_ns);
}

static const struct weft_peer_ops ops = { on_unit, on_poll };

int weft_world_add_fabric(struct weft_world *world, unsigned int n, struct weft_world_port **ports)
{
	struct fabric_params params = { .n = n };
	struct world_fabric *w;
	unsigned int i;
	int ret = 0;

	if (n > WORLD_PORTS - world->n)
		return -ENOSPC;
	w = calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	w->next = world->fabrics; /* freed with the world, whatever comes now */
	world->fabrics = w;
	for (i = 0; i < n && !ret; i++) {
		w->ports[i].of = w;
		ret = weft_world_add_fc_peer(world, &ops, &w->ports[i], &ports[i]);
		w->ports[i].port = ports[i];
	}
	return ret ? ret : fabric_create(&params, on_send, w, &w->fabric);
}

struct fabric *weft_world_fabric(struct weft_world_port *port)
{
	return port->ops == &ops ? ((struct fabric_port_ref *)port->ctx)->of->fabric : NULL;
}

void world_fabrics_free(struct world_fabric *w)
{
	struct world_fabric *next;

	for (; w; w = next) {
		next = w->next;
		fabric_destroy(w->fabric);
		free(w);
	}
}
