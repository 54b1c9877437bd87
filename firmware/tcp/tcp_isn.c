/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Initial sequence numbers by the formula of RFC 6528, ISN = M + F(addresses, ports, secret), with
 * M a 4 us clock. F is a short keyed mix of multiplications and shifts, not a cryptographic
 * function: it keeps numbers of different connections unrelated and hard to guess for who only
 * watches from afar, not for a determined analyst. The secret is what the host gave, stirred with
 * the device time of tcp_init.
 */
#include "tcp/tcp_int.h"

static uint32_t mix(uint32_t h, uint32_t v)
{
	h ^= v;
	h *= 0x85ebca6bu;
	h ^= h >> 15;
	h *= 0xc2b2ae35u;
	return h ^ h >> 13;
}

static uint32_t keyed(uint32_t a, uint32_t b, uint32_t c)
{
	uint32_t h = tcp_cfg.secret[0];

	h = mix(h, a + tcp_cfg.secret[1]);
	h = mix(h, b + tcp_cfg.secret[2]);
	h = mix(h, c + tcp_cfg.secret[3]);
	return mix(h, tcp_cfg.secret[1] ^ tcp_cfg.secret[3]);
}

uint32_t tcp_isn(const struct tcb *t)
{
	uint32_t ports = (uint32_t)t->remote_port << 16 | t->local_port;

	return (uint32_t)(hal_now_ns() >> 12) + keyed(t->remote_ip, t->local_ip, ports);
}

/* RFC 6056, algorithm 3: an offset per destination, then counting on. 49152..65535. */
uint16_t tcp_pick_port(uint32_t remote_ip, uint16_t remote_port, uint32_t attempt)
{
	static uint32_t next;

	if (!attempt)
		next++;
	return (uint16_t)(0xc000 + ((keyed(remote_ip, remote_port, 0) + next + attempt) & 0x3fff));
}
