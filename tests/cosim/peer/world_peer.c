// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>

#include "world_peer.h"

static void on_send(void *ctx, const void *frame, size_t len)
{
	struct world_peer *wp = ctx;

	weft_world_port_send(wp->port, frame, len);
}

static void on_frame(void *ctx, const void *frame, size_t len, uint64_t now_ns)
{
	peer_rx(((struct world_peer *)ctx)->peer, frame, len, now_ns);
}

static uint64_t on_poll(void *ctx, uint64_t now_ns)
{
	return peer_poll(((struct world_peer *)ctx)->peer, now_ns);
}

int world_peer_open(struct world_peer *wp, struct weft_world *world,
		    const struct peer_params *params)
{
	static const struct weft_peer_ops ops = { on_frame, on_poll };
	int ret;

	wp->peer = peer_new(params, on_send, wp);
	if (!wp->peer)
		return -ENOMEM;
	ret = weft_world_add_peer(world, &ops, wp, &wp->port);
	if (ret)
		world_peer_close(wp);
	return ret;
}

void world_peer_close(struct world_peer *wp)
{
	peer_free(wp->peer);
	wp->peer = NULL;
}
