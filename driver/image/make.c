/* SPDX-License-Identifier: BSD-2-Clause */
/* Images made and signed. */
#include <errno.h>
#include <stdlib.h>

#include <sodium.h>

#include "image.h"

#define PROTECTED_SIZE (AREA_HEAD + 2 * (TLV_HEAD + 4))
#define DIGEST_AREA_SIZE (AREA_HEAD + TLV_HEAD + WEFT_IMAGE_HASH_SIZE)
#define SIGNED_AREA_SIZE                                                                        \
	(DIGEST_AREA_SIZE + TLV_HEAD + WEFT_IMAGE_HASH_SIZE + TLV_HEAD + SPKI_SIZE + TLV_HEAD + \
	 WEFT_IMAGE_SIGNATURE_SIZE)

static uint8_t *put_area(uint8_t *p, uint32_t magic, uint32_t size)
{
	put16(p, magic);
	put16(p + 2, size);
	return p + AREA_HEAD;
}

/* A TLV's head, and its value if there is one already; returns where the value begins. */
static uint8_t *put_tlv(uint8_t *p, uint32_t type, const void *value, uint32_t len)
{
	put16(p, type);
	put16(p + 2, len);
	if (value)
		memcpy(p + TLV_HEAD, value, len);
	return p + TLV_HEAD;
}

static void put_header(uint8_t *p, uint32_t payload_size, const struct weft_image_version *v)
{
	memset(p, 0, IMAGE_HEADER_MIN);
	put32(p, IMAGE_MAGIC);
	put16(p + 8, IMAGE_HEADER_MIN);
	put16(p + 10, PROTECTED_SIZE);
	put32(p + 12, payload_size);
	put32(p + 16, IMAGE_F_RAM_LOAD);
	p[20] = v->major_no;
	p[21] = v->minor_no;
	put16(p + 22, v->revision);
	put32(p + 24, v->build);
}

int weft_image_create(const void *payload, size_t len, const struct weft_image_params *params,
		      uint8_t **image, size_t *size)
{
	uint8_t *im, *p;

	if (!len || len > WEFT_IMAGE_PAYLOAD_MAX)
		return weft_set_error(-EFBIG, "payload of %zu bytes; 1 to %u fit the adapter", len,
				      WEFT_IMAGE_PAYLOAD_MAX);
	*size = IMAGE_HEADER_MIN + len + PROTECTED_SIZE + DIGEST_AREA_SIZE;
	im = malloc(*size);
	if (!im)
		return weft_set_error(-ENOMEM, "no memory for an image of %zu bytes", *size);
	put_header(im, (uint32_t)len, &params->version);
	memcpy(im + IMAGE_HEADER_MIN, payload, len);
	p = put_area(im + IMAGE_HEADER_MIN + len, AREA_MAGIC_COVERED, PROTECTED_SIZE);
	put32(put_tlv(p, TLV_COUNTER, NULL, 4), params->counter);
	p += TLV_HEAD + 4;
	put32(put_tlv(p, TLV_BOARD, NULL, 4), params->board);
	p += TLV_HEAD + 4;
	put_area(p, AREA_MAGIC, DIGEST_AREA_SIZE);
	crypto_hash_sha256(put_tlv(p + AREA_HEAD, TLV_SHA256, NULL, WEFT_IMAGE_HASH_SIZE), im,
			   (size_t)(p - im));
	*image = im;
	return 0;
}

/* What must be right before a key's name is put to it. */
static int fit_to_sign(const uint8_t *data, size_t len, struct weft_image *im)
{
	int rc = image_parse(data, len, im);

	if (!rc && !im->have_board)
		rc = weft_set_error(WEFT_IMAGE_TLV, "board id (protected TLV 0xa0) missing");
	if (!rc && !im->have_counter)
		rc = weft_set_error(WEFT_IMAGE_TLV,
				    "security counter (protected TLV 0x50) missing");
	if (!rc && !im->have_digest)
		rc = weft_set_error(WEFT_IMAGE_TLV, "SHA-256 digest (TLV 0x10) missing");
	if (!rc)
		rc = image_end_clean(data, len, im);
	if (!rc)
		rc = image_digest_fits(data, im);
	return rc;
}

int weft_image_sign(const void *data, size_t len, const uint8_t seed[WEFT_IMAGE_KEY_SIZE],
		    uint8_t **image, size_t *size)
{
	uint8_t secret[crypto_sign_SECRETKEYBYTES], spki[SPKI_SIZE], hash[WEFT_IMAGE_HASH_SIZE];
	uint8_t *out, *p, *pub = spki + SPKI_PREFIX_SIZE;
	struct weft_image im;
	uint32_t covered;
	int rc = fit_to_sign(data, len, &im);

	if (rc)
		return rc;
	covered = image_covered(&im);
	if (im.protected_size + SIGNED_AREA_SIZE > IMAGE_AREAS_MAX)
		return weft_set_error(WEFT_IMAGE_TLV, "protected TLVs of %u bytes leave no room",
				      im.protected_size);
	*size = covered + SIGNED_AREA_SIZE;
	out = malloc(*size);
	if (!out)
		return weft_set_error(-ENOMEM, "no memory for an image of %zu bytes", *size);
	crypto_sign_seed_keypair(pub, secret, seed);
	memcpy(spki, image_spki_prefix, SPKI_PREFIX_SIZE);
	weft_image_key_hash(pub, hash);
	memcpy(out, data, covered);
	p = put_area(out + covered, AREA_MAGIC, SIGNED_AREA_SIZE);
	p = put_tlv(p, TLV_SHA256, im.digest, WEFT_IMAGE_HASH_SIZE) + WEFT_IMAGE_HASH_SIZE;
	p = put_tlv(p, TLV_KEY_HASH, hash, WEFT_IMAGE_HASH_SIZE) + WEFT_IMAGE_HASH_SIZE;
	p = put_tlv(p, TLV_KEY, spki, SPKI_SIZE) + SPKI_SIZE;
	p = put_tlv(p, TLV_ED25519, NULL, WEFT_IMAGE_SIGNATURE_SIZE);
	crypto_sign_detached(p, NULL, im.digest, WEFT_IMAGE_HASH_SIZE, secret);
	sodium_memzero(secret, sizeof(secret));
	*image = out;
	return 0;
}
