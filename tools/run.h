/* SPDX-License-Identifier: BSD-2-Clause */
/* The job of weft run, for other programs that have a device. */
#ifndef TOOLS_RUN_H
#define TOOLS_RUN_H

#include "weft.h"

/*
 * Discover, connect, identify, write, read back, compare, as s->cfg says; s->dev is open. Prints each
 * step. 0 or a negative errno that was reported; s->host stays connected, for session_end.
 */
int run_job(struct session *s);

#endif
