/* SPDX-License-Identifier: BSD-2-Clause */
/* An adapter with a flash, alone: no host memory, no cable. Time passes as fast as it can. */
#ifndef WEFT_TEST_BOARD_H
#define WEFT_TEST_BOARD_H

#include "flash.h"
#include "weft_host.h"
#include "weft_sim.h"

#define SLOT_A 0x40000u

struct board {
	struct weft_flash *flash;
	struct weft_sim *sim;
	uint64_t patience; /* ns of device time that board_until waits: 1 s */
};

/* Power on. params: flash is filled in. What weft_sim_create says. */
int board_on(struct board *b, const struct weft_sim_params *params);
/* Power off; the flash stays. */
void board_off(struct board *b);
uint32_t board_read(struct board *b, uint32_t off);
void board_write(struct board *b, uint32_t off, uint32_t value);
/* Until STATUS & mask == want. False: not in time. */
bool board_until(struct board *b, uint32_t mask, uint32_t want);
/* One step: until the adapter sleeps, then to its next timer, but not past ns. */
void board_pass(struct board *b, uint64_t ns);
/* Puts into the flash what the test's ROM starts. */
void board_program(struct weft_flash *flash, const char *path, uint32_t wdt_ms);

#endif
