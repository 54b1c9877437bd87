/* SPDX-License-Identifier: BSD-2-Clause */
/* Header and TLV areas. Every number in them is hostile until compared with what is there. */
#include <sodium.h>

#include "image.h"

const uint8_t image_spki_prefix[SPKI_PREFIX_SIZE] = { 0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
						      0x2b, 0x65, 0x70, 0x03, 0x21, 0x00 };

/* The TLVs that mean something: where each belongs, and how long it is. */
static const struct known {
	uint16_t type;
	uint16_t len;
	bool covered;
	const char *name;
} known[] = {
	{ TLV_KEY_HASH, WEFT_IMAGE_HASH_SIZE, false, "key hash" },
	{ TLV_KEY, SPKI_SIZE, false, "public key" },
	{ TLV_SHA256, WEFT_IMAGE_HASH_SIZE, false, "SHA-256 digest" },
	{ TLV_ED25519, WEFT_IMAGE_SIGNATURE_SIZE, false, "Ed25519 signature" },
	{ TLV_COUNTER, 4, true, "security counter" },
	{ TLV_BOARD, 4, true, "board id" },
};

static const struct known *find_known(uint16_t type)
{
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].type == type)
			return &known[i];
	return NULL;
}

static int parse_magic(const uint8_t *data, size_t len)
{
	if (len >= 4 && get32(data) == IMAGE_MAGIC)
		return 0;
	if (len >= 4 && get32(data) == 0xffffffff)
		return weft_set_error(WEFT_IMAGE_EMPTY, "no image here: erased flash");
	if (len < 4)
		return weft_set_error(WEFT_IMAGE_EMPTY, "no image here: only %zu bytes", len);
	return weft_set_error(WEFT_IMAGE_EMPTY,
			      "no image here: the first word is 0x%08x, not 0x%08x", get32(data),
			      IMAGE_MAGIC);
}

/* What the flags ask of the loader, which it does not do. */
static const char *flag_text(uint32_t flags)
{
	return flags & 0x0c  ? "encrypted" :
	       flags & 0xe00 ? "compressed" :
	       flags & 0x10  ? "marked as not bootable" :
	       flags & 0x100 ? "made to be executed in the flash" :
			       "of a kind unknown here";
}

static int check_header(const struct weft_image *im, size_t len)
{
	uint64_t end = (uint64_t)im->header_size + im->payload_size;

	if (im->header_size < IMAGE_HEADER_MIN || im->header_size > IMAGE_HEADER_MAX)
		return weft_set_error(WEFT_IMAGE_HEADER, "header: size %u is not in %u to %u",
				      im->header_size, IMAGE_HEADER_MIN, IMAGE_HEADER_MAX);
	if (!im->payload_size || im->payload_size > WEFT_IMAGE_PAYLOAD_MAX)
		return weft_set_error(WEFT_IMAGE_HEADER,
				      "header: payload of %u bytes; 1 to %u fit the adapter",
				      im->payload_size, WEFT_IMAGE_PAYLOAD_MAX);
	if (im->protected_size > IMAGE_AREAS_MAX)
		return weft_set_error(WEFT_IMAGE_HEADER,
				      "header: protected TLVs of %u bytes; at most %u are possible",
				      im->protected_size, IMAGE_AREAS_MAX);
	if (im->flags & ~(IMAGE_F_RAM_LOAD | IMAGE_F_PIC))
		return weft_set_error(WEFT_IMAGE_HEADER, "header: flags 0x%x: the image is %s",
				      im->flags, flag_text(im->flags));
	if (im->load_address)
		return weft_set_error(WEFT_IMAGE_HEADER,
				      "header: load address 0x%x; the adapter's is 0",
				      im->load_address);
	if (end > len)
		return weft_set_error(WEFT_IMAGE_HEADER,
				      "cut off: the payload ends at byte %llu, the file at %zu",
				      (unsigned long long)end, len);
	return 0;
}

static int parse_header(const uint8_t *data, size_t len, struct weft_image *im)
{
	if (len < IMAGE_HEADER_MIN)
		return weft_set_error(WEFT_IMAGE_HEADER, "cut off: %zu bytes, the header has %u",
				      len, IMAGE_HEADER_MIN);
	im->load_address = get32(data + 4);
	im->header_size = get16(data + 8);
	im->protected_size = get16(data + 10);
	im->payload_size = get32(data + 12);
	im->flags = get32(data + 16);
	im->version.major_no = data[20];
	im->version.minor_no = data[21];
	im->version.revision = get16(data + 22);
	im->version.build = get32(data + 24);
	return check_header(im, len);
}

/* The value of a known TLV, of the right length, into its place. */
static void take_value(const uint8_t *value, uint16_t type, struct weft_image *im)
{
	switch (type) {
	case TLV_COUNTER:
		im->counter = get32(value);
		im->have_counter = true;
		break;
	case TLV_BOARD:
		im->board = get32(value);
		im->have_board = true;
		break;
	case TLV_SHA256:
		memcpy(im->digest, value, sizeof(im->digest));
		im->have_digest = true;
		break;
	case TLV_ED25519:
		memcpy(im->signature, value, sizeof(im->signature));
		im->have_signature = true;
		break;
	case TLV_KEY_HASH:
		im->have_key_hash = true;
		break;
	case TLV_KEY:
		memcpy(im->key, value + SPKI_PREFIX_SIZE, sizeof(im->key));
		crypto_hash_sha256(im->key_hash, value, SPKI_SIZE);
		im->have_key = true;
		break;
	}
}

static int take_tlv(const uint8_t *data, const struct weft_image_tlv *t, struct weft_image *im)
{
	const struct known *k = find_known(t->type);
	unsigned int i;

	/* What no signature covers must all be accounted for. */
	if (!k && !t->covered)
		return weft_set_error(WEFT_IMAGE_TLV,
				      "TLV 0x%02x at byte %u: not one for the unprotected area",
				      t->type, t->offset - TLV_HEAD);
	if (!k)
		return 0;
	if (t->covered != k->covered)
		return weft_set_error(WEFT_IMAGE_TLV,
				      "TLV 0x%02x (%s) at byte %u: in the wrong area", t->type,
				      k->name, t->offset - TLV_HEAD);
	if (t->len != k->len)
		return weft_set_error(WEFT_IMAGE_TLV,
				      "TLV 0x%02x (%s) at byte %u: %u bytes, must be %u", t->type,
				      k->name, t->offset - TLV_HEAD, t->len, k->len);
	for (i = 0; i < im->n_tlvs; i++)
		if (im->tlvs[i].type == t->type)
			return weft_set_error(WEFT_IMAGE_TLV, "TLV 0x%02x (%s) at byte %u: twice",
					      t->type, k->name, t->offset - TLV_HEAD);
	take_value(data + t->offset, t->type, im);
	return 0;
}

/* The head of the area at pos; its size with the head goes to *size, which is at most limit. */
static int area_head(const uint8_t *data, size_t len, uint32_t pos, bool covered, uint32_t limit,
		     uint32_t *size)
{
	const char *which = covered ? "protected" : "unprotected";
	uint32_t magic = covered ? AREA_MAGIC_COVERED : AREA_MAGIC;

	if (len - pos < AREA_HEAD)
		return weft_set_error(WEFT_IMAGE_TLV,
				      "cut off: no %s TLV area at byte %u, the file ends at %zu",
				      which, pos, len);
	if (get16(data + pos) != magic)
		return weft_set_error(WEFT_IMAGE_TLV,
				      "%s TLV area at byte %u: magic 0x%04x, must be 0x%04x", which,
				      pos, get16(data + pos), magic);
	*size = get16(data + pos + 2);
	if (*size < AREA_HEAD || *size > limit)
		return weft_set_error(WEFT_IMAGE_TLV,
				      "%s TLV area at byte %u: size %u is not in %u to %u", which,
				      pos, *size, AREA_HEAD, limit);
	if (*size > len - pos)
		return weft_set_error(WEFT_IMAGE_TLV,
				      "cut off: the %s TLV area ends at byte %u, the file at %zu",
				      which, pos + *size, len);
	return 0;
}

/* The TLVs of an area from pos to end, which lies in the data. */
static int walk_area(const uint8_t *data, uint32_t pos, uint32_t end, bool covered,
		     struct weft_image *im)
{
	int rc;

	while (pos < end) {
		struct weft_image_tlv t = { .offset = pos + TLV_HEAD, .covered = covered };

		if (end - pos < TLV_HEAD)
			return weft_set_error(WEFT_IMAGE_TLV,
					      "TLV at byte %u: its area ends at byte %u", pos, end);
		t.type = get16(data + pos);
		t.len = get16(data + pos + 2);
		if (t.len > end - t.offset)
			return weft_set_error(
				WEFT_IMAGE_TLV,
				"TLV 0x%02x at byte %u: %u bytes, but its area ends at byte %u",
				t.type, pos, t.len, end);
		rc = take_tlv(data, &t, im);
		if (rc)
			return rc;
		im->tlvs[im->n_tlvs++] = t; /* no more than fit into IMAGE_AREAS_MAX */
		pos = t.offset + t.len;
	}
	return 0;
}

_Static_assert(WEFT_IMAGE_TLVS_MAX >= IMAGE_AREAS_MAX / TLV_HEAD, "a place for each TLV");

int image_parse(const uint8_t *data, size_t len, struct weft_image *im)
{
	uint32_t pos, size = 0;
	int rc = parse_magic(data, len);

	memset(im, 0, sizeof(*im));
	if (!rc)
		rc = parse_header(data, len, im);
	if (rc)
		return rc;
	pos = im->header_size + im->payload_size;
	if (!im->protected_size)
		return weft_set_error(WEFT_IMAGE_TLV, "no protected TLVs: no board id, no counter");
	rc = area_head(data, len, pos, true, IMAGE_AREAS_MAX - AREA_HEAD, &size);
	if (rc)
		return rc;
	if (size != im->protected_size)
		return weft_set_error(WEFT_IMAGE_TLV,
				      "protected TLV area at byte %u: size %u, in the header %u",
				      pos, size, im->protected_size);
	rc = walk_area(data, pos + AREA_HEAD, pos + size, true, im);
	pos += size;
	if (!rc)
		rc = area_head(data, len, pos, false, IMAGE_AREAS_MAX - size, &size);
	if (!rc)
		rc = walk_area(data, pos + AREA_HEAD, pos + size, false, im);
	if (!rc)
		im->size = pos + size;
	return rc;
}
