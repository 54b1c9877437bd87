/* SPDX-License-Identifier: BSD-2-Clause */
/* Scatter/gather lists of submission entries, as far as firmware can see them: a chain's elements are seen by the engines alone. */
#ifndef FW_SGL_H
#define FW_SGL_H

#include <stdbool.h>

#include "weft_host.h"

/* The elements cover data_len bytes; of a chain: its count is possible. */
bool sgl_covers(const struct weft_sq_entry *e);

#endif
