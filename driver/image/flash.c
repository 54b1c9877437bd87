/* SPDX-License-Identifier: BSD-2-Clause */
/* A whole flash, for the factory. Its layout is docs/boot.md's. */
#include <errno.h>

#include <sodium.h>

#include "image.h"

#define RECORD_OFFSET 0xc0000u
#define RECORD_MAGIC 0x54454257u
#define RECORD_SIZE 32u
#define GOLDEN 1u

static const char *const slot_names[WEFT_IMAGE_SLOTS] = { "golden image", "image A", "image B" };

/* CRC-32 as IEEE 802.3 has it. */
static uint32_t crc32_of(const uint8_t *p, size_t len)
{
	uint32_t crc = 0xffffffff;
	unsigned int bit;

	while (len--) {
		crc ^= *p++;
		for (bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}
	return ~crc;
}

/* The first record of a flash: slot `active` confirmed, nothing on trial. */
static void put_record(uint8_t *p, unsigned int active, uint32_t counter)
{
	memset(p, 0, RECORD_SIZE);
	put32(p, RECORD_MAGIC);
	put32(p + 4, 1);
	p[8] = (uint8_t)active;
	put32(p + 16, counter);
	put32(p + 28, crc32_of(p, 28));
}

/* Puts the slot before the sentence that there is. */
static int blame(int rc, unsigned int i)
{
	char why[256];

	strncpy(why, weft_last_error(), sizeof(why) - 1);
	why[sizeof(why) - 1] = '\0';
	return weft_set_error(rc, "%s: %s", slot_names[i], why);
}

/* Each image by the rules, and that all are for one board and of one key. */
static int check_slots(const struct weft_image_slot *slots, const struct weft_image_rules *rules,
		       struct weft_image *images)
{
	struct weft_image_rules own = rules ? *rules : (struct weft_image_rules){ 0 };
	unsigned int i;
	int rc;

	own.have_counter = false;
	for (i = 0; i < WEFT_IMAGE_SLOTS; i++) {
		if (!slots[i].data)
			continue;
		rc = weft_image_check(slots[i].data, slots[i].len, &own, &images[i]);
		if (rc)
			return blame(rc, i);
		if (images[i].board != images[0].board)
			return weft_set_error(-EINVAL,
					      "%s is for board 0x%x, the golden image for 0x%x",
					      slot_names[i], images[i].board, images[0].board);
		if (memcmp(images[i].key, images[0].key, sizeof(images[i].key)))
			return weft_set_error(-EINVAL,
					      "%s and the golden image have different keys",
					      slot_names[i]);
	}
	return 0;
}

int weft_image_flash(const struct weft_image_slot slots[WEFT_IMAGE_SLOTS], unsigned int active,
		     const struct weft_image_rules *rules, uint8_t *flash)
{
	struct weft_image images[WEFT_IMAGE_SLOTS];
	unsigned int i;
	int rc;

	if (!slots[0].data)
		return weft_set_error(-EINVAL, "no golden image");
	if (active < GOLDEN || active > WEFT_IMAGE_SLOTS || !slots[active - 1].data)
		return weft_set_error(-EINVAL, "no image in slot %u to start from", active);
	rc = check_slots(slots, rules, images);
	if (rc)
		return rc;
	for (i = 1; active != GOLDEN && i < WEFT_IMAGE_SLOTS; i++)
		if (slots[i].data && images[i].counter < images[active - 1].counter)
			return weft_set_error(
				-EINVAL,
				"%s has counter %u, below the %u of the active %s: it would never start",
				slot_names[i], images[i].counter, images[active - 1].counter,
				slot_names[active - 1]);
	memset(flash, 0xff, WEFT_IMAGE_FLASH_SIZE);
	for (i = 0; i < WEFT_IMAGE_SLOTS; i++)
		if (slots[i].data)
			memcpy(flash + i * WEFT_IMAGE_SLOT_SIZE, slots[i].data, images[i].size);
	if (active != GOLDEN)
		put_record(flash + RECORD_OFFSET, active, images[active - 1].counter);
	return 0;
}
