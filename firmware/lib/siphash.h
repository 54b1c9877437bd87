/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SipHash-2-4 (Aumasson, Bernstein): a keyed function of a short message. Who does not know the key
 * cannot guess values, however many others he has seen. Key and message are words whose bytes count
 * from the least significant one. About 600 instructions of the soft core for five words.
 */
#ifndef FW_SIPHASH_H
#define FW_SIPHASH_H

#include <stdint.h>

uint64_t siphash(const uint32_t key[4], const uint32_t *msg, uint32_t words);

#endif
