/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Internet checksum (RFC 1071) over short things that firmware itself builds or looks at: ICMP,
 * IPv4 headers.
 */
#ifndef FW_CSUM_H
#define FW_CSUM_H

#include <stdint.h>

/* len may be odd only in the last call */
uint32_t csum_add(uint32_t sum, const uint8_t *p, uint32_t len);
/* the value to store, big-endian; 0 over a good header */
uint16_t csum_fold(uint32_t sum);

#endif
