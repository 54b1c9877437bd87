/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/csum.h"

#include "lib/bytes.h"

uint32_t csum_add(uint32_t sum, const uint8_t *p, uint32_t len)
{
	for (; len > 1; len -= 2, p += 2)
		sum += get_be16(p);
	if (len)
		sum += (uint32_t)*p << 8;
	return sum;
}

uint16_t csum_fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}
