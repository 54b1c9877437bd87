// SPDX-License-Identifier: BSD-2-Clause
/*
 * The flash: what its pins do. Its content, and what programming and erasing do to it, is flash_array.c's.
 *
 * A command is what comes between chip select's two edges. OPCODE: the next byte is one; then ADDRESS bytes, then DATA of
 * the command; IGNORE: nothing more is looked at until deselect.
 */
#include <string.h>

#include "flash_int.h"

#define CMD_PROGRAM 0x02
#define CMD_READ 0x03
#define CMD_WRITE_DISABLE 0x04
#define CMD_STATUS 0x05
#define CMD_WRITE_ENABLE 0x06
#define CMD_ERASE 0x20
#define CMD_ID 0x9f

#define ID_MAKER 0xef
#define ID_TYPE 0x40

#define STATUS_BUSY 0x01
#define STATUS_WEL 0x02
#define STATUS_PROTECTED 0x1c

static uint8_t status_byte(const struct weft_flash *f)
{
	return (f->op.kind ? STATUS_BUSY : 0) | (f->write_enabled ? STATUS_WEL : 0) |
	       (f->protect_size ? STATUS_PROTECTED : 0);
}

static uint8_t id_byte(struct weft_flash *f)
{
	switch (f->count++ % 3) {
	case 0:
		return ID_MAKER;
	case 1:
		return ID_TYPE;
	default:
		return (uint8_t)__builtin_ctz(f->size);
	}
}

/* While it is at work a flash hears only the question whether it is. */
static uint8_t opcode(struct weft_flash *f, uint8_t in)
{
	f->cmd = in;
	f->phase = PHASE_IGNORE;
	f->addr = 0;
	f->count = 0;
	if (in == CMD_STATUS) {
		f->phase = PHASE_DATA;
		return status_byte(f);
	}
	if (f->op.kind) {
		f->cmd = 0;
		return 0xff;
	}
	switch (in) {
	case CMD_ID:
		f->phase = PHASE_DATA;
		return id_byte(f);
	case CMD_READ:
	case CMD_PROGRAM:
	case CMD_ERASE:
		f->phase = PHASE_ADDRESS;
		break;
	}
	return 0xff;
}

static uint8_t read_next(struct weft_flash *f)
{
	uint8_t byte = flash_get(f, f->addr);

	f->addr = (f->addr + 1) & (f->size - 1);
	return byte;
}

static uint8_t address(struct weft_flash *f, uint8_t in)
{
	f->addr = f->addr << 8 | in;
	if (++f->count < 3)
		return 0xff;
	f->addr &= f->size - 1;
	f->count = 0;
	f->phase = PHASE_DATA;
	if (f->cmd == CMD_READ)
		return read_next(f);
	memset(f->page_used, 0, sizeof(f->page_used));
	return 0xff;
}

/* More than a page comes around to its start, and the last 256 bytes count. */
static void page_byte(struct weft_flash *f, uint8_t in)
{
	uint32_t at = (f->addr + f->count++) % WEFT_FLASH_PAGE;

	f->page[at] = in;
	f->page_used[at] = true;
}

static uint8_t data(struct weft_flash *f, uint8_t in)
{
	switch (f->cmd) {
	case CMD_STATUS:
		return status_byte(f);
	case CMD_ID:
		return id_byte(f);
	case CMD_READ:
		return read_next(f);
	case CMD_PROGRAM:
		page_byte(f, in);
		return 0xff;
	default: /* an erase with more than its address is none */
		f->phase = PHASE_IGNORE;
		return 0xff;
	}
}

uint8_t weft_flash_byte(struct weft_flash *f, uint8_t in, uint64_t now_ns)
{
	flash_advance(f, now_ns);
	if (f->off || f->dead || !f->selected)
		return 0xff;
	switch (f->phase) {
	case PHASE_OPCODE:
		return opcode(f, in);
	case PHASE_ADDRESS:
		return address(f, in);
	case PHASE_DATA:
		return data(f, in);
	default:
		return 0xff;
	}
}

uint8_t weft_flash_exchange(struct weft_flash *f, uint8_t in, uint64_t now_ns)
{
	uint8_t out = f->next;

	f->next = weft_flash_byte(f, in, now_ns);
	return out;
}

/* Chip select went up. Only a whole command counts. */
static void execute(struct weft_flash *f, uint64_t now_ns)
{
	bool begun = f->phase == PHASE_DATA;

	switch (f->cmd) {
	case CMD_WRITE_ENABLE:
	case CMD_WRITE_DISABLE:
		if (!f->op.kind && f->phase == PHASE_IGNORE)
			f->write_enabled = f->cmd == CMD_WRITE_ENABLE;
		break;
	case CMD_PROGRAM:
		if (begun && f->count)
			flash_start(f, FLASH_PROGRAM, now_ns);
		break;
	case CMD_ERASE:
		if (begun)
			flash_start(f, FLASH_ERASE, now_ns);
		break;
	}
}

void weft_flash_select(struct weft_flash *f, bool on, uint64_t now_ns)
{
	flash_advance(f, now_ns);
	if (on == f->selected)
		return;
	f->selected = on;
	f->next = 0xff;
	if (!on && !f->off && !f->dead)
		execute(f, now_ns);
	f->phase = PHASE_OPCODE;
	f->cmd = 0;
}
