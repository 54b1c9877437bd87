/* SPDX-License-Identifier: BSD-2-Clause */
/* The flash model's own: flash.c its pins, flash_array.c its content and what changes it. */
#ifndef WEFT_SIM_FLASH_INT_H
#define WEFT_SIM_FLASH_INT_H

#include "flash.h"

enum flash_op_kind { FLASH_IDLE, FLASH_PROGRAM, FLASH_ERASE };

struct weft_flash {
	uint8_t *data;
	uint32_t size;
	int fd; /* -1: in memory */
	uint32_t protect_size;
	uint64_t program_ns, erase_ns;

	/* the command that comes in */
	bool selected;
	enum { PHASE_OPCODE, PHASE_ADDRESS, PHASE_DATA, PHASE_IGNORE } phase;
	uint8_t cmd;
	uint8_t next; /* weft_flash_exchange: shifted out in the next byte */
	uint32_t addr;
	uint32_t count; /* bytes of the address, or of data */
	uint8_t page[WEFT_FLASH_PAGE];
	bool page_used[WEFT_FLASH_PAGE];

	bool write_enabled;
	struct {
		enum flash_op_kind kind;
		uint32_t addr;    /* of the page, of the sector */
		uint32_t at;      /* the next byte of the page, or part of the sector */
		uint32_t done, n; /* steps */
		uint64_t start_ns, total_ns;
	} op;

	bool off, dead, fail_erase, fail_program;
	uint64_t steps, cut_at, rng; /* cut_at: count of steps at which power fails; 0: never */
	struct {
		uint32_t addr;
		uint8_t mask, value;
	} worn[WEFT_FLASH_WORN_MAX];
	uint32_t n_worn;
};

/* What the byte at addr reads as. */
uint8_t flash_get(const struct weft_flash *f, uint32_t addr);
/* Starts what came in, if it may; with no time to take it is done here. */
void flash_start(struct weft_flash *f, enum flash_op_kind kind, uint64_t now_ns);
/* Does the steps that are due. */
void flash_advance(struct weft_flash *f, uint64_t now_ns);

#endif
