/* SPDX-License-Identifier: BSD-2-Clause */
/* Scripted hosts (host.h) at a spare port of the switch, beside the adapters: for hosts that misbehave. */
#ifndef WEFT_TEST_RAW_H
#define WEFT_TEST_RAW_H

#include "cosim/cosim.h"
#include "host.h"

#define RAW_HOSTS 8u
#define RAW_IP 0x0a000040u /* it answers ARP for this address and all above */

struct raw {
	struct cosim *cosim;
	struct weft_world_port *port;
	struct host *host[RAW_HOSTS];
	unsigned int n;
	unsigned int syn_acks, resets, others; /* segments for nobody */
};

int raw_open(struct raw *raw, struct cosim *cosim);
/* A host of its own address and no connection yet; lives as long as the world. */
void raw_host(struct raw *raw, struct host *host, const char *subnqn);
/* A segment from anywhere, on behalf of no host. */
void raw_segment(struct raw *raw, uint32_t ip, uint16_t from, uint16_t to, uint32_t seq,
		 uint32_t ack, uint8_t flags, const void *bytes, size_t len);

#endif
