/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The adapter's Ethernet port towards the outside: one frame per UNIX datagram, or a TAP device.
 * Both directions pass a link with the same faults (different draws). A full socket holds frames
 * back, nothing is dropped; frames to a peer that is not there are lost, as on an unplugged cable.
 */
#ifndef WEFT_SERVER_ETHER_H
#define WEFT_SERVER_ETHER_H

#include <stdbool.h>
#include <stdint.h>

#include "../weft_sim.h"
#include "../world/link.h"
#include "../world/pcapng.h"
#include "dgram.h"

struct ether {
	struct dgram sock; /* or, without a local name, a TAP device */
	bool blocked;      /* the outside has no room: try again at retry_ns */
	uint64_t retry_ns;
	struct weft_link in, out;
	struct weft_pcapng *capture;
	uint64_t unplugged; /* frames nobody was there for */
	uint64_t odd;       /* frames too short or too long */
};

/* spec: "dgram:LOCAL:REMOTE", "tap:NAME" or NULL. Negative errno, said on stderr. */
int ether_open(struct ether *e, const char *spec, const struct weft_link_params *faults);
void ether_close(struct ether *e);
/* The adapter sent a frame. */
void ether_sent(struct ether *e, const void *frame, size_t len, uint64_t now_ns);
/*
 * Moves what is due both ways; holds the adapter's transmit side while the outside does not take
 * frames.
 */
void ether_move(struct ether *e, struct weft_sim *sim);
/* When a frame becomes due or may be tried again; UINT64_MAX: none. */
uint64_t ether_next(const struct ether *e);
#endif
