/* SPDX-License-Identifier: BSD-2-Clause */
/* The head of a received frame by whole words: several times cheaper than byte by byte. */
#ifndef FW_PKT_H
#define FW_PKT_H

#include "hal.h"

/* Words [first, end) of the frame to the same places of dst. They lie in the frame's first cell. */
static inline void pkt_words(uint16_t cell, uint32_t *dst, uint32_t first, uint32_t end)
{
#ifdef HAL_NATIVE
	hal_pkt_copy(cell, 4 * first, dst + first, 4 * (end - first));
#else
	hal_copy_words(dst + first,
		       (const volatile uint32_t *)(ENG_PKT_BASE + ENG_PKT_CELL * cell) + first,
		       end - first);
	HAL_BARRIER();
#endif
}

#endif
