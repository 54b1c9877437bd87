/* SPDX-License-Identifier: BSD-2-Clause */
/* Admin opcodes (docs/abi.md): each entry of the admin pair ends in exactly one ADMIN completion, at once or later. */
#ifndef ADMIN_H
#define ADMIN_H

#include "hal.h"

void admin_submit(uint16_t slot);

#endif
