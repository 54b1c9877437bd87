/* SPDX-License-Identifier: BSD-2-Clause */
/* What stands in a slot, as far as firmware looks at images: header, TLVs, board, key hash, counter. A piece at a time. */
#include <string.h>

#include "flash/service_int.h"
#include "lib/bytes.h"

#define TLV_INFO_LEN 4u

struct image_info look_info;
enum image_error look_error;

static struct {
	uint32_t slot;
	uint32_t have; /* bytes of the TLV areas */
	bool header;   /* seen */
	uint8_t tlv[IMAGE_TLVS_MAX];
} look;

void look_start(uint32_t slot)
{
	look.slot = slot;
	look.have = 0;
	look.header = false;
	memset(&look_info, 0, sizeof(look_info));
}

/* From the flash; of a page that waits to be written last, what it will hold. */
static int get(uint32_t off, uint8_t *to, uint32_t len)
{
	int err = nor_read(&flash_spi, slot_offset(look.slot) + off, to, len);

	if (!err && session.id && session.slot == look.slot)
		for (; len && off < session.first_len; len--)
			*to++ = session.first[off++];
	return err;
}

static uint16_t over(enum image_error error)
{
	look_error = error;
	return 0;
}

static enum image_error header(void)
{
	uint8_t h[IMAGE_HEADER_SIZE];

	if (get(0, h, sizeof(h)))
		return IMAGE_READ;
	return image_header(h, sizeof(h), ENG_IMEM_SIZE, SLOT_SIZE, &look_info);
}

/* Bytes of both areas as far as is known by now; 0: something is wrong with them. */
static uint32_t areas(void)
{
	uint32_t n = look_info.prot_len + TLV_INFO_LEN;

	if (look.have < n)
		return n;
	return look_info.prot_len + get_le16(look.tlv + look_info.prot_len + 2);
}

static enum image_error rules(void)
{
	struct image_rules r = { .board = hal_board_id(),
				 .counter = look.slot == SLOT_GOLDEN ? 0 : boot.log.rec.counter };

	hal_key_hash(r.key_hash);
	return image_check(&look_info, &r, NULL);
}

uint16_t look_step(void)
{
	uint32_t room, n;
	enum image_error error;

	if (!look.header) {
		error = header();
		look.header = true;
		return error ? over(error) : flash_later(0);
	}
	room = SLOT_SIZE - look_info.tlv_offset;
	room = room < IMAGE_TLVS_MAX ? room : IMAGE_TLVS_MAX;
	n = areas();
	if (n > room)
		return over(IMAGE_TLV);
	if (look.have < n) {
		n -= look.have;
		n = n < FLASH_PIECE ? n : FLASH_PIECE;
		if (get(look_info.tlv_offset + look.have, look.tlv + look.have, n))
			return over(IMAGE_READ);
		look.have += n;
		return flash_later(0);
	}
	error = image_tlvs(look.tlv, look.have, &look_info);
	return over(error ? error : rules());
}
