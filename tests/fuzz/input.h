/* SPDX-License-Identifier: BSD-2-Clause */
/* The fuzzer's input as numbers; zeroes when it is used up. */
#ifndef FUZZ_INPUT_H
#define FUZZ_INPUT_H

#include <stddef.h>
#include <stdint.h>

static const uint8_t *in;
static size_t left;

static inline uint8_t u8(void)
{
	if (!left)
		return 0;
	left--;
	return *in++;
}

static inline uint16_t u16(void)
{
	uint16_t v = u8();

	return (uint16_t)(v << 8 | u8());
}

static inline uint32_t u32(void)
{
	uint32_t v = u16();

	return v << 16 | u16();
}

#endif
