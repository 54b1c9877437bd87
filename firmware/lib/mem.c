/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memset and memcpy by words for the soft core: the packaged library's small versions go byte by
 * byte, which made clearing the tables most of the boot. Callers get them through <string.h>.
 */
#ifndef HAL_NATIVE
#include <stddef.h>
#include <stdint.h>

void *memset(void *dst, int c, size_t n)
{
	uint8_t *p = dst;
	uint32_t v = (uint8_t)c * 0x01010101u, *w;

	for (; n && ((uintptr_t)p & 3); n--)
		*p++ = (uint8_t)c;
	w = (uint32_t *)p;
	for (; n >= 16; n -= 16, w += 4) {
		w[0] = v;
		w[1] = v;
		w[2] = v;
		w[3] = v;
	}
	for (; n >= 4; n -= 4)
		*w++ = v;
	for (p = (uint8_t *)w; n; n--)
		*p++ = (uint8_t)c;
	return dst;
}

void *memcpy(void *restrict dst, const void *restrict src, size_t n)
{
	uint8_t *d = dst;
	const uint8_t *s = src;

	if (!(((uintptr_t)d | (uintptr_t)s) & 3)) {
		uint32_t *dw = dst;
		const uint32_t *sw = src;

		for (; n >= 16; n -= 16, dw += 4, sw += 4) {
			uint32_t a = sw[0], b = sw[1], e = sw[2], f = sw[3];

			dw[0] = a;
			dw[1] = b;
			dw[2] = e;
			dw[3] = f;
		}
		for (; n >= 4; n -= 4)
			*dw++ = *sw++;
		d = (uint8_t *)dw;
		s = (const uint8_t *)sw;
	}
	while (n--)
		*d++ = *s++;
	return dst;
}
#endif
