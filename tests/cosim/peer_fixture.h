/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests of the peer have in common: one peer and one host, and how far they have come. */
#ifndef WEFT_TEST_PEER_FIXTURE_H
#define WEFT_TEST_PEER_FIXTURE_H

#include "host.h"

extern struct host *h;
extern struct peer *p;
extern uint16_t cntlid;
extern bool no_ts, no_sack; /* options the host does without; set before open_peer */

void open_peer(const struct peer_params *params);
void close_peer(void);
void no_complaints(void);
/* An enabled controller; h is its admin connection. */
void admin(uint8_t digests);
/* The same, and then h is the connection of queue 1. */
void io(uint8_t digests, uint8_t cattr, unsigned int max_r2t);
/* SQE of a read or write. */
void rw(uint8_t *sqe, uint8_t op, uint16_t cid, uint8_t kind, uint32_t lba, uint32_t len);
void pattern(uint8_t *b, size_t len, unsigned int seed);
void le16(uint8_t *at, uint32_t v);

#endif
