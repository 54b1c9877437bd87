/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside of the peer's TCP. */
#ifndef WEFT_TEST_PEER_TCP_H
#define WEFT_TEST_PEER_TCP_H

#include "net.h"

struct segment {
	uint16_t from_port, to_port;
	uint32_t seq, ack, wnd;
	uint8_t flags;
	const uint8_t *data;
	uint32_t len;
	uint16_t mss;
	int wscale; /* -1: none */
	bool sack_ok, ts;
	uint32_t ts_val, ts_ecr;
	struct seq_range sack[4];
	unsigned int n_sack;
};

/* Distance on the circle of sequence numbers. */
static inline int32_t diff(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b);
}

/* tcp_open.c: false: a bad checksum or a malformed header. */
bool tcp_parse(struct peer *p, struct segment *s, uint32_t from, const uint8_t *t, size_t len);
void tcp_on_syn(struct peer *p, const uint8_t *mac, uint32_t from, const struct segment *s);
struct conn *tcp_find(struct peer *p, uint32_t ip, uint16_t port, uint16_t local);

#endif
