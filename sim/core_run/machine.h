/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * machine.h - what weft-core-run puts around the core.
 *
 *   0x00001000  boot ROM: two instructions that jump to the entry point (they use t0)
 *   0x02000000  msip, 0x02004000 mtimecmp, 0x0200bff8 mtime (one tick per cycle)
 *   0x10000000  byte written here goes to standard output; reads are zero
 *   0x80000000  1 MiB of memory for code and data
 * All answer in the next cycle; anything else is a bus error.
 *
 * tohost is 64 bits wide and understood as the Berkeley host interface: an odd value with upper
 * word zero ends the program (value >> 1 is its exit code, 0 = pass); device 1 command 1 prints a
 * character; an even value is the address of a system call block, of which write and exit are
 * served. A program may write the two words in either order or only the lower one; so a lower word
 * counts when the upper follows or has gone before, or after TOHOST_WAIT cycles.
 */
#ifndef WEFT_CORE_RUN_MACHINE_H
#define WEFT_CORE_RUN_MACHINE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "core_model.h"

#define MACHINE_RAM_BASE 0x80000000u
#define MACHINE_RAM_SIZE 0x00100000u
#define MACHINE_PUTC 0x10000000u
#define TOHOST_WAIT 64

struct machine {
	struct core_model *core;
	struct core_in in;
	struct core_out out;
	uint8_t *ram;
	uint32_t rom[2];
	FILE *console;
	bool has_tohost, has_fromhost;
	uint32_t tohost, fromhost;
	int64_t tohost_since; /* cycle of a lower word not yet acted on, or -1 */
	uint64_t cycle;       /* since reset */
	uint64_t start;       /* cycle in which the boot ROM jumped */
	uint64_t retired;     /* instructions outside the boot ROM */
	bool msip;
	uint64_t mtime, mtimecmp;
	bool ended;
	uint32_t exit_code;
	uint64_t end; /* cycle of the write that ended it */
	uint64_t end_retired;
};

/* Zero memory, core in reset, boot ROM that jumps to entry. 0 or -ENOMEM. */
int machine_init(struct machine *m);
void machine_boot(struct machine *m, uint32_t entry);
void machine_fini(struct machine *m);

/* One clock. The retirement of this cycle, if any, is in m->out.rvfi. */
void machine_cycle(struct machine *m);

/* Is [addr, addr + len) in memory? Then p points to its first byte. */
bool machine_ram(struct machine *m, uint32_t addr, uint32_t len, uint8_t **p);

#endif
