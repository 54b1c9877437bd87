/* SPDX-License-Identifier: BSD-2-Clause */
#include "fake_fw.h"

#include <errno.h>
#include <string.h>

struct fake_fw fake_fw;

static uint32_t crc32(const uint8_t *p, uint32_t len)
{
	uint32_t crc = ~0u;

	while (len--) {
		crc ^= *p++;
		for (int i = 0; i < 8; i++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}
	return ~crc;
}

static uint16_t download(const struct weft_arg_fw_download *a)
{
	struct fake_fw *f = &fake_fw;

	if (a->slot < 2 || a->slot > 3)
		return a->slot == 1 ? EROFS : EINVAL;
	if (!a->offset) {
		f->session = a->session;
		f->pos = 0;
		f->whole = false;
	}
	if (!a->session || a->session != f->session || a->offset != f->pos || f->whole ||
	    a->len > WEFT_FW_CHUNK || !a->len)
		return EINVAL;
	memcpy(&f->slot[a->slot][f->pos], a->data, a->len);
	f->pos += a->len;
	f->pieces++;
	f->whole = a->flags & WEFT_FWF_LAST;
	return 0;
}

static void tell(const struct weft_arg_fw *a, uint32_t *dw)
{
	const struct fake_fw *f = &fake_fw;

	if (f->told && (a->slot || a->action)) {
		memcpy(dw,
		       a->slot ? f->slots[a->slot & 3][a->action & 1] :
				 &f->adapter[3 * ((a->action - 1) % 3)],
		       12);
		return;
	}
	for (uint32_t i = 0; i < 3; i++)
		dw[i] = a->slot   ? 0x01010000u * a->slot + 0x100u * a->action + i :
			a->action ? 0x11111111u * (3u * (a->action - 1u) + i) :
				    fake_fw.record[i];
}

uint16_t fake_fw_admin(const struct weft_admin_entry *e, uint32_t *dw)
{
	const struct weft_arg_fw *a = (const void *)e->args;
	struct fake_fw *f = &fake_fw;

	f->ops++;
	if (f->absent)
		return ENODEV;
	if (f->fail_at && !--f->fail_at) {
		dw[0] = f->fail_dw;
		f->session = 0;
		return f->fail_errno;
	}
	switch (e->opcode) {
	case WEFT_OP_FW_LOG:
		tell(a, dw);
		return 0;
	case WEFT_OP_FW_DOWNLOAD:
		return download((const void *)e->args);
	case WEFT_OP_FW_DIGEST:
		dw[0] = crc32(&f->slot[a->slot][a->offset], a->len);
		return 0;
	case WEFT_OP_FW_READ:
		memcpy(dw, &f->slot[a->slot][a->offset], 12);
		return 0;
	case WEFT_OP_FW_COMMIT:
	case WEFT_OP_FW_ROLLBACK:
		f->last_action = a->action;
		dw[0] = f->commit_next;
		return 0;
	case WEFT_OP_FW_CONFIRM:
		dw[1] = f->confirmed;
		return 0;
	default:
		return EINVAL;
	}
}
