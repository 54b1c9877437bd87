/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The firmware's flash service: the admin opcodes FW_LOG .. FW_READ, and the watchdog of an image on trial (docs/boot.md).
 *
 * Admin entries of these opcodes stand in a queue and are worked on one at a time, in their order, in steps of a few
 * hundred bytes from the main loop; nothing waits for the flash. Nothing here runs in the normal path of I/O but a look at
 * flash_at_work once a turn.
 */
#ifndef FLASH_SERVICE_H
#define FLASH_SERVICE_H

#include "hal.h"

extern bool flash_at_work; /* flash_turn is to be called in this turn of the main loop */

/* After timers and log. Reads the boot record when the flash is there and idle. */
void flash_init(void);
/*
 * An admin entry in this slot, of an opcode that flash_takes(): 0xffff: completes later; else the errno it ends with.
 */
uint16_t flash_submit(uint16_t slot);
static inline bool flash_takes(uint8_t opcode)
{
	return opcode >= WEFT_OP_FW_LOG && opcode <= WEFT_OP_FW_READ;
}
/* A step of what is under way. Returns ns until the next one makes sense; meanwhile flash_at_work may have become false. */
uint32_t flash_turn(void);
/* The admin pair is down: none of its entries may complete. What has been begun in the flash goes on to its end. */
void flash_forget_admin(void);

#endif
