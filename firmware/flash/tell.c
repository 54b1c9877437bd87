/* SPDX-License-Identifier: BSD-2-Clause */
/* FW_LOG, FW_DIGEST, FW_READ: what is in the flash. */
#include <string.h>

#include "flash/service_int.h"
#include "lib/bytes.h"

#define ADAPTER_PAGES 3u /* board id and key hash: nine words */

static uint16_t tell_record(void)
{
	const struct boot_record *r = &boot.log.rec;
	uint32_t flags = (boot.trial ? WEFT_FWF_TRIAL : 0) |
			 (boot.watchdog ? WEFT_FWF_WATCHDOG : 0) |
			 (boot.no_record ? WEFT_FWF_NO_RECORD : 0) | (boot.rom ? WEFT_FWF_ROM : 0);

	/* A trial that runs is not one that is to come. */
	job.dw[0] = boot.running | (uint32_t)r->active << 8 | (uint32_t)r->previous << 16 |
		    (uint32_t)(boot.trial ? 0 : r->trial) << 24;
	job.dw[1] = r->tried | (uint32_t)r->failed << 8 | (uint32_t)r->why << 16 | flags << 24;
	job.dw[2] = r->counter;
	return 0;
}

static uint16_t tell_adapter(uint32_t page)
{
	uint8_t words[4 * 3 * ADAPTER_PAGES];

	if (page > ADAPTER_PAGES)
		return EINVAL;
	put_le32(words, hal_board_id());
	hal_key_hash(words + 4);
	for (uint32_t i = 0; i < 3; i++)
		job.dw[i] = get_le32(words + 4 * (3 * (page - 1) + i));
	return 0;
}

static uint32_t slot_state(uint32_t slot)
{
	const struct boot_record *r = &boot.log.rec;

	return (boot.running == slot ? WEFT_FWS_RUNNING : 0) |
	       (r->active == slot ? WEFT_FWS_ACTIVE : 0) |
	       (r->previous == slot ? WEFT_FWS_PREVIOUS : 0) |
	       (r->trial == slot && !boot.trial ? WEFT_FWS_NEXT : 0) |
	       (slot_writable(slot) ? WEFT_FWS_WRITABLE : 0) |
	       (session.id && session.slot == slot ? WEFT_FWS_WRITING : 0) |
	       (boot.passed & 1u << slot ? WEFT_FWS_UNSOUND : 0);
}

static uint16_t tell_slot(uint32_t slot, uint32_t page)
{
	const struct image_info *i = &look_info;
	enum image_error e = look_error;

	if (page) {
		job.dw[0] = i->version.build;
		job.dw[1] = i->total_len;
		job.dw[2] = i->board;
	} else {
		job.dw[1] = i->version.minor | (uint32_t)i->version.major << 8;
		job.dw[2] = i->counter;
	}
	if (e == IMAGE_EMPTY || e == IMAGE_HEADER || e == IMAGE_TLV || e == IMAGE_READ)
		memset(job.dw, 0, sizeof(job.dw)); /* nothing of it may be believed */
	else if (!page)
		job.dw[0] = (uint32_t)i->version.revision << 16;
	if (!page)
		job.dw[0] |= (uint32_t)e | slot_state(slot) << 8;
	return 0;
}

uint16_t log_step(void)
{
	uint32_t slot = job.a.fw.slot, page = job.a.fw.action;
	uint16_t err;

	if (!slot)
		return page ? tell_adapter(page) : tell_record();
	if (!slot_valid(slot) || page > 1)
		return EINVAL;
	if (!job.stage)
		look_start(slot);
	job.stage = 1;
	err = look_step();
	return err == AGAIN ? AGAIN : tell_slot(slot, page);
}

/* By four bits: sixteen words of table. */
static uint32_t crc_add(uint32_t crc, const uint8_t *p, uint32_t len)
{
	static const uint32_t table[16] = {
		0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
		0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
		0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
	};

	while (len--) {
		crc ^= *p++;
		crc = crc >> 4 ^ table[crc & 15];
		crc = crc >> 4 ^ table[crc & 15];
	}
	return crc;
}

uint16_t digest_step(void)
{
	static uint32_t crc, done;
	const struct weft_arg_fw *a = &job.a.fw;
	uint8_t buf[FLASH_PIECE];
	uint32_t n, addr;

	if (!job.stage) {
		if (!a->len || a->len > WEFT_FW_DIGEST_MAX || a->offset > SLOT_SIZE - a->len)
			return EINVAL;
		crc = UINT32_MAX;
		done = 0;
		job.stage = 1;
	}
	n = a->len - done < sizeof(buf) ? a->len - done : sizeof(buf);
	addr = slot_offset(a->slot) + a->offset + done;
	job.dw[0] = addr;
	if (nor_read(&flash_spi, addr, buf, n))
		return EIO;
	crc = crc_add(crc, buf, n);
	done += n;
	if (done < a->len)
		return flash_later(0);
	job.dw[0] = ~crc;
	return 0;
}

uint16_t read_step(void)
{
	const struct weft_arg_fw *a = &job.a.fw;
	uint8_t buf[sizeof(job.dw)];

	if (a->offset > SLOT_SIZE - sizeof(buf))
		return EINVAL;
	job.dw[0] = slot_offset(a->slot) + a->offset;
	if (nor_read(&flash_spi, job.dw[0], buf, sizeof(buf)))
		return EIO;
	for (uint32_t i = 0; i < 3; i++)
		job.dw[i] = get_le32(buf + 4 * i);
	return 0;
}
