/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers that nobody may guess: initial sequence numbers by the formula of RFC 6528, ISN = M +
 * F(addresses, ports, secret) with M a 4 us clock, local ports (RFC 6056) and SYN cookies. F is
 * SipHash-2-4. The secret is what the host gave, stirred with the device time of tcp_init and, to
 * the nanosecond, with that of the first use, which hangs on when a host or a peer acted.
 */
#include "lib/siphash.h"
#include "net/net.h"
#include "tcp/tcp_int.h"

enum use { FOR_STIR, FOR_ISN, FOR_PORT, FOR_COOKIE };

static bool stirred;

void isn_init(void)
{
	uint64_t now = hal_now_ns();

	tcp_cfg.secret[0] ^= (uint32_t)now;
	tcp_cfg.secret[1] ^= (uint32_t)(now >> 32);
	stirred = false;
}

static void stir(void)
{
	uint64_t now = hal_now_ns();
	uint32_t msg[5] = { FOR_STIR, net_port.ip, (uint32_t)now, (uint32_t)(now >> 32),
			    net_port.mac[5] | (uint32_t)net_port.mac[4] << 8 };
	uint64_t a = siphash(tcp_cfg.secret, msg, 5), b;

	msg[0] |= 1u << 8;
	b = siphash(tcp_cfg.secret, msg, 5);
	tcp_cfg.secret[0] = (uint32_t)a;
	tcp_cfg.secret[1] = (uint32_t)(a >> 32);
	tcp_cfg.secret[2] = (uint32_t)b;
	tcp_cfg.secret[3] = (uint32_t)(b >> 32);
	stirred = true;
}

static uint32_t keyed(uint32_t use, uint32_t remote_ip, uint32_t ports, uint32_t more)
{
	const uint32_t msg[5] = { use, remote_ip, net_port.ip, ports, more };

	if (!stirred)
		stir();
	return (uint32_t)siphash(tcp_cfg.secret, msg, 5);
}

uint32_t tcp_isn(uint32_t remote_ip, uint16_t local_port, uint16_t remote_port)
{
	uint32_t ports = (uint32_t)remote_port << 16 | local_port;

	return (uint32_t)(hal_now_ns() >> 12) + keyed(FOR_ISN, remote_ip, ports, 0);
}

/* RFC 6056, algorithm 3: an offset per destination, then counting on. 49152..65535. */
uint16_t tcp_pick_port(uint32_t remote_ip, uint16_t remote_port, uint32_t attempt)
{
	static uint32_t next;
	uint32_t at;

	if (!attempt)
		next++;
	at = keyed(FOR_PORT, remote_ip, (uint32_t)remote_port << 16, 0) + next + attempt;
	return (uint16_t)(0xc000 + (at & 0x3fff));
}

/* The peer's SYN s asks, or its acknowledgement of our answer: seq is the number of the SYN. */
uint32_t tcp_cookie(const struct seg *s, uint32_t seq, uint32_t period, uint32_t data)
{
	uint32_t ports = (uint32_t)s->sport << 16 | s->dport;
	uint32_t use = FOR_COOKIE | (data & COOKIE_DATA) << 4 | period << 8;

	return (keyed(use, s->src, ports, seq) & ~COOKIE_DATA) | (data & COOKIE_DATA);
}
