/* SPDX-License-Identifier: BSD-2-Clause */
/* A host that opens connections to the adapter, for the tests of passive open. */
#ifndef CLIENT_H
#define CLIENT_H

#include "tcp_helper.h"

#define PORT 4420

struct client {
	uint32_t ip;
	uint16_t port, dport;
	uint32_t iss, tsval;
	uint16_t mss; /* 0: no option */
	bool ts, sack;
	int wscale;
	const uint8_t *mac;
	uint32_t server, tsecr; /* of the latest SYN|ACK to its SYN */
	/* of the third segment: flags (0: ACK), and distances from the right numbers */
	uint8_t third_flags;
	int32_t third_off, ack_off;
};

struct client client(const struct agree *a); /* PEER_IP, PEER_PORT, PEER_ISS, to PORT */

/* These pump. bring_syn notes the answer's numbers, when there is one. */
void bring_syn(struct client *c);
/* The third segment with len bytes of the pattern; sets what the helpers need to go on with CONN. */
void bring_ack(struct client *c, const char *data, uint32_t len);
void bring_flags(const struct client *c, uint8_t flags, uint32_t seq, uint32_t ack);

/* Bytes both ways over CONN, content checked; from: the peer has sent so many already. */
void exchange_data_from(uint32_t from);
void exchange_data(void);

#endif
