/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/siphash.h"

static inline uint64_t rotl(uint64_t x, unsigned n)
{
	return x << n | x >> (64 - n);
}

static void rounds(uint64_t v[4], unsigned n)
{
	uint64_t a = v[0], b = v[1], c = v[2], d = v[3];

	while (n--) {
		a += b;
		c += d;
		b = rotl(b, 13) ^ a;
		d = rotl(d, 16) ^ c;
		a = rotl(a, 32);
		c += b;
		a += d;
		b = rotl(b, 17) ^ c;
		d = rotl(d, 21) ^ a;
		c = rotl(c, 32);
	}
	v[0] = a;
	v[1] = b;
	v[2] = c;
	v[3] = d;
}

static void absorb(uint64_t v[4], uint64_t block)
{
	v[3] ^= block;
	rounds(v, 2);
	v[0] ^= block;
}

uint64_t siphash(const uint32_t key[4], const uint32_t *msg, uint32_t words)
{
	uint64_t k0 = key[0] | (uint64_t)key[1] << 32;
	uint64_t k1 = key[2] | (uint64_t)key[3] << 32;
	uint64_t last = (uint64_t)(words * 4 & 0xff) << 56;
	uint64_t v[4] = {
		k0 ^ 0x736f6d6570736575u,
		k1 ^ 0x646f72616e646f6du,
		k0 ^ 0x6c7967656e657261u,
		k1 ^ 0x7465646279746573u,
	};

	for (uint32_t i = 0; i + 1 < words; i += 2)
		absorb(v, msg[i] | (uint64_t)msg[i + 1] << 32);
	if (words & 1)
		last |= msg[words - 1];
	absorb(v, last);
	v[2] ^= 0xff;
	rounds(v, 4);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}
