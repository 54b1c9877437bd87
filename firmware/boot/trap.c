/* SPDX-License-Identifier: BSD-2-Clause */
#include "flash/layout.h"
#include "hal.h"
#include "lib/log.h"

void trap_dead(uint32_t cause, uint32_t pc, uint32_t value);
void trap_dead(uint32_t cause, uint32_t pc, uint32_t value)
{
	log_line("trap: cause %x pc %x value %x", cause, pc, value);
	hal_host_status(2, cause << 24 | (pc & 0xffffff));
	hal_timer_set(UINT64_MAX);
	hal_wr(ENG_BOOT_ARG0 + 12, BOOT_ARG3_TRAPPED); /* a trial is over with it */
}
