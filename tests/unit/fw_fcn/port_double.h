/* SPDX-License-Identifier: BSD-2-Clause */
/* The port as the exchanges see it: what fc/ is when only the test decides who is logged in. */
#ifndef PORT_DOUBLE_H
#define PORT_DOUBLE_H

#include <stdint.h>

void port_reset(void);
void port_ready(uint16_t index, uint32_t id);
void port_lost(uint16_t index); /* nothing, if it is not there */

#endif
