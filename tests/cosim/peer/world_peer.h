/* SPDX-License-Identifier: BSD-2-Clause */
/* The scripted peer on a cable of a world (sim/weft_world.h). */
#ifndef WEFT_TEST_WORLD_PEER_H
#define WEFT_TEST_WORLD_PEER_H

#include "peer.h"
#include "weft_world.h"

struct world_peer {
	struct peer *peer;
	struct weft_world_port *port;
};

/* -ENOMEM, or errors of weft_world_add_peer. wp must outlive the world; free it with world_peer_close afterwards. */
int world_peer_open(struct world_peer *wp, struct weft_world *world,
		    const struct peer_params *params);
void world_peer_close(struct world_peer *wp);

#endif
