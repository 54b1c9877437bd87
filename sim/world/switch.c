// SPDX-License-Identifier: BSD-2-Clause
/*
 * A learning Ethernet switch: stores a frame, forwards it where its destination was last seen, or
 * everywhere else.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "world.h"

#define MAC_LEN 6
#define MAC_GROUP 1 /* in the first byte: multicast, broadcast */

struct switch_port {
	struct world_switch *sw;
	struct weft_world_port *port;
};

struct world_switch {
	struct world_switch *next;
	struct switch_port ports[WORLD_PORTS];
	unsigned int n, known;
	struct {
		uint8_t mac[MAC_LEN];
		struct switch_port *at;
	} table[WORLD_PORTS];
};

static struct switch_port *find(const struct world_switch *sw, const uint8_t *mac)
{
	unsigned int i;

	for (i = 0; i < sw->known; i++)
		if (!memcmp(sw->table[i].mac, mac, MAC_LEN))
			return sw->table[i].at;
	return NULL;
}

/* A full table forgets nothing: frames to addresses it does not hold go everywhere. */
static void learn(struct world_switch *sw, const uint8_t *mac, struct switch_port *at)
{
	unsigned int i;

	for (i = 0; i < sw->known; i++)
		if (!memcmp(sw->table[i].mac, mac, MAC_LEN)) {
			sw->table[i].at = at;
			return;
		}
	if ((mac[0] & MAC_GROUP) || sw->known == WORLD_PORTS)
		return;
	memcpy(sw->table[sw->known].mac, mac, MAC_LEN);
	sw->table[sw->known++].at = at;
}

static void on_frame(void *ctx, const void *frame, size_t len, uint64_t now_ns)
{
	struct switch_port *from = ctx, *to;
	struct world_switch *sw = from->sw;
	unsigned int i;

	(void)now_ns;
	learn(sw, (const uint8_t *)frame + MAC_LEN, from);
	to = find(sw, frame);
	for (i = 0; i < sw->n; i++)
		if (to ? &sw->ports[i] == to && to != from : &sw->ports[i] != from)
			weft_world_port_send(sw->ports[i].port, frame, len);
}

static uint64_t on_poll(void *ctx, uint64_t now_ns)
{
	(void)ctx;
	(void)now_ns;
	return UINT64_MAX;
}

int weft_world_add_switch(struct weft_world *world, unsigned int n, struct weft_world_port **ports)
{
	static const struct weft_peer_ops ops = { on_frame, on_poll };
	struct world_switch *sw;
	unsigned int i;
	int ret = 0;

	if (n < 2)
		return -EINVAL;
	if (n > WORLD_PORTS - world->n)
		return -ENOSPC;
	sw = calloc(1, sizeof(*sw));
	if (!sw)
		return -ENOMEM;
	sw->next = world->switches; /* freed with the world, whatever comes now */
	world->switches = sw;
	for (i = 0; i < n && !ret; i++) {
		sw->ports[i].sw = sw;
		ret = weft_world_add_peer(world, &ops, &sw->ports[i], &sw->ports[i].port);
		ports[i] = sw->ports[i].port;
		sw->n += !ret;
	}
	return ret;
}

void world_switches_free(struct world_switch *sw)
{
	struct world_switch *next;

	for (; sw; sw = next) {
		next = sw->next;
		free(sw);
	}
}
