// SPDX-License-Identifier: BSD-2-Clause
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "peer_fixture.h"

struct host *h;
struct peer *p;
uint16_t cntlid;
bool no_ts, no_sack;

void open_peer(const struct peer_params *params)
{
	h = calloc(1, sizeof(*h));
	p = peer_new(params, host_take, h);
	ck_assert_ptr_nonnull(p);
	host_init(h, p);
	h->ts = !no_ts;
	h->sack = !no_sack;
}

void close_peer(void)
{
	peer_free(p);
	free(h);
}

void no_complaints(void)
{
	const char *text;

	ck_assert_msg(!peer_complaints(p, &text), "complaint: %s", text);
}

void le16(uint8_t *at, uint32_t v)
{
	at[0] = (uint8_t)v;
	at[1] = (uint8_t)(v >> 8);
}

/* An enabled controller; h is its admin connection. */
void admin(uint8_t digests)
{
	uint8_t sqe[64];
	uint16_t cid, status;
	uint32_t dw0;

	ck_assert(host_connect(h, 5000, 4420));
	ck_assert(host_ic(h, digests, 1));
	ck_assert_uint_eq(host_fabric_connect(h, 0, 32, &cntlid, 0), 0);
	host_sqe(sqe, 0x7f, 2, 0, 0, 0);
	sqe[44] = 0x14;
	sqe[48] = 0x01;
	sqe[50] = 0x46;
	host_capsule(h, sqe, NULL, 0);
	ck_assert(host_response(h, &cid, &status, &dw0));
	ck_assert_uint_eq(status, 0);
}

/* A second host structure for queue 1. The frames of both go to the one that the peer was made for: swap them. */
static struct host admin_state;

void io(uint8_t digests, uint8_t cattr, unsigned int max_r2t)
{
	admin(digests);
	admin_state = *h;
	host_init(h, p);
	h->now = admin_state.now;
	h->ts = !no_ts;
	h->sack = !no_sack;
	ck_assert(host_connect(h, 5001, 4420));
	ck_assert(host_ic(h, digests, max_r2t));
	ck_assert_uint_eq(host_fabric_connect(h, 1, 128, &cntlid, cattr), 0);
}

void rw(uint8_t *sqe, uint8_t op, uint16_t cid, uint8_t kind, uint32_t lba, uint32_t len)
{
	host_sqe(sqe, op, cid, 1, kind, len);
	memcpy(sqe + 40, &lba, 4);
	le16(sqe + 48, len / 512 - 1);
}

void pattern(uint8_t *b, size_t len, unsigned int seed)
{
	size_t i;

	for (i = 0; i < len; i++)
		b[i] = (uint8_t)(i * 31 + (i >> 8) + seed);
}
