/* SPDX-License-Identifier: BSD-2-Clause */
/* The flash of the fake adapter: bytes, a session, and the boot record's words. */
#ifndef FAKE_FW_H
#define FAKE_FW_H

#include <stdbool.h>
#include <stdint.h>

#include "weft_host.h"

struct fake_fw {
	bool absent;         /* ENODEV */
	uint16_t fail_errno; /* the operation number fail_at (1: the next) ends with it, and dw0 */
	unsigned int fail_at;
	uint32_t fail_dw;
	uint32_t record[3]; /* FW_LOG, slot 0, page 0 */
	bool told;          /* the other pages are these, not a pattern */
	uint32_t adapter[9], slots[4][2][3];
	uint32_t commit_next, confirmed;
	/* seen */
	unsigned int ops, pieces;
	uint8_t last_action;
	uint32_t session, pos;
	bool whole; /* the last piece came */
	uint8_t slot[4][WEFT_FW_SLOT_SIZE];
};

extern struct fake_fw fake_fw;

uint16_t fake_fw_admin(const struct weft_admin_entry *e, uint32_t *dw);

#endif
