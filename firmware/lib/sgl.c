/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/sgl.h"

bool sgl_covers(const struct weft_sq_entry *e)
{
	uint32_t room = 0;

	if (e->flags & WEFT_SQF_SGL_CHAIN)
		return e->sgl_count && e->sgl_count <= WEFT_SGL_MAX;
	if (e->sgl_count > WEFT_SGL_INLINE)
		return false;
	for (uint32_t i = 0; i < e->sgl_count; i++) {
		if (e->sgl[i].len >= e->data_len - room)
			return true;
		room += e->sgl[i].len;
	}
	return false;
}
