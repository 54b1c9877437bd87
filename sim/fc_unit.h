/* SPDX-License-Identifier: BSD-2-Clause */
/* Units of an FC-1 port (weft_sim.h): what all that handle them share. */
#ifndef WEFT_SIM_FC_UNIT_H
#define WEFT_SIM_FC_UNIT_H

#include <string.h>

#include "weft_sim.h"

#define FC_FRAME_MIN 36 /* SOF, header, CRC, EOF */
#define FC_IDLES 24     /* bytes: the six words that must follow a frame */
#define FC_PRIM_START 0xff

enum { FC_PRIM_AT_CODE = 1, FC_PRIM_AT_COUNT = 2 };

static inline bool fc_is_primitive(const void *unit, size_t len)
{
	const uint8_t *b = unit;

	return len == WEFT_FC_PRIM_LEN && b[0] == FC_PRIM_START &&
	       b[FC_PRIM_AT_CODE] <= WEFT_FC_PRIM_LOS;
}

static inline bool fc_is_unit(const void *unit, size_t len)
{
	return fc_is_primitive(unit, len) ||
	       (len >= FC_FRAME_MIN && len <= WEFT_FC_UNIT_MAX && len % 4 == 0);
}

static inline uint8_t fc_prim_code(const void *unit)
{
	return ((const uint8_t *)unit)[FC_PRIM_AT_CODE];
}

static inline unsigned int fc_prim_count(const void *unit)
{
	const uint8_t *b = (const uint8_t *)unit + FC_PRIM_AT_COUNT;

	return (unsigned int)b[0] << 8 | b[1];
}

static inline void fc_prim_put(uint8_t unit[WEFT_FC_PRIM_LEN], uint8_t code, unsigned int count)
{
	unit[0] = FC_PRIM_START;
	unit[FC_PRIM_AT_CODE] = code;
	unit[FC_PRIM_AT_COUNT] = (uint8_t)(count >> 8);
	unit[FC_PRIM_AT_COUNT + 1] = (uint8_t)count;
}

#endif
