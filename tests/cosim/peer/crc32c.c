// SPDX-License-Identifier: BSD-2-Clause
/* CRC32C (reflected 82f63b78h): the processor's instruction where there is one, eight tables elsewhere. */
#include "net.h"

static uint32_t table[8][256];

static void make_tables(void)
{
	unsigned int i, k;
	uint32_t crc;

	for (i = 0; i < 256; i++) {
		crc = i;
		for (k = 0; k < 8; k++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
		table[0][i] = crc;
	}
	for (i = 0; i < 256; i++)
		for (k = 1; k < 8; k++)
			table[k][i] = table[k - 1][i] >> 8 ^ table[0][table[k - 1][i] & 0xff];
}

static uint32_t add_by_table(uint32_t crc, const uint8_t *b, size_t len)
{
	uint64_t v;

	for (; len >= 8; len -= 8, b += 8) {
		v = le(b, 8) ^ crc;
		crc = table[7][v & 0xff] ^ table[6][v >> 8 & 0xff] ^ table[5][v >> 16 & 0xff] ^
		      table[4][v >> 24 & 0xff] ^ table[3][v >> 32 & 0xff] ^
		      table[2][v >> 40 & 0xff] ^ table[1][v >> 48 & 0xff] ^ table[0][v >> 56];
	}
	while (len--)
		crc = crc >> 8 ^ table[0][(crc ^ *b++) & 0xff];
	return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t add_by_instruction(uint32_t crc, const uint8_t *b,
								     size_t len)
{
	uint64_t v, wide = crc;

	for (; len >= 8; len -= 8, b += 8) {
		memcpy(&v, b, 8);
		wide = __builtin_ia32_crc32di(wide, v);
	}
	crc = (uint32_t)wide;
	while (len--)
		crc = __builtin_ia32_crc32qi(crc, *b++);
	return crc;
}
#endif

uint32_t crc_add(uint32_t crc, const void *bytes, size_t len)
{
#if defined(__x86_64__)
	if (__builtin_cpu_supports("sse4.2"))
		return add_by_instruction(crc, bytes, len);
#endif
	if (!table[0][1])
		make_tables();
	return add_by_table(crc, bytes, len);
}
