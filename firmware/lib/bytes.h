/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers in byte strings, any alignment: big-endian (network) and little-endian (NVMe). */
#ifndef FW_BYTES_H
#define FW_BYTES_H

#include <stdint.h>

static inline uint16_t get_be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t get_be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* The bytes of a word the other way round. The soft core has an instruction for it; GCC 12 calls a function. */
static inline uint32_t swap32(uint32_t v)
{
#ifdef __riscv_zbb
	if (!__builtin_constant_p(v)) {
		__asm__("rev8 %0, %1" : "=r"(v) : "r"(v));
		return v;
	}
#endif
	return __builtin_bswap32(v);
}

/* Network order across two words of a frame: the upper half of one, the lower half of the next. */
static inline uint32_t join_be32(uint32_t a, uint32_t b)
{
	return swap32(a >> 16 | b << 16);
}

static inline void put_be16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void put_be32(uint8_t *p, uint32_t v)
{
	put_be16(p, v >> 16);
	put_be16(p + 2, v);
}

static inline uint16_t get_le16(const uint8_t *p)
{
	return (uint16_t)(p[1] << 8 | p[0]);
}

static inline uint32_t get_le32(const uint8_t *p)
{
	return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

static inline void put_le16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

static inline void put_le32(uint8_t *p, uint32_t v)
{
	put_le16(p, v);
	put_le16(p + 2, v >> 16);
}

#endif
