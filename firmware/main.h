/* SPDX-License-Identifier: BSD-2-Clause */
/* The firmware as a whole: what the soft core's loop runs, and native tests and fuzzers drive by hand. */
#ifndef FW_MAIN_H
#define FW_MAIN_H

#include "hal.h"

/* False: the engines are not those that this firmware was made for. The host is told, nothing else may be called. */
bool fw_init(void);
/* Handles queued events, at most 64, and what is due. False: none is left, wait for the next. */
bool fw_turn(void);

#endif
