/* SPDX-License-Identifier: BSD-2-Clause */
/* The looks at an image, in the boot ROM's order. */
#include <sodium.h>

#include "image.h"

const char *weft_image_error_name(int error)
{
	static const char *const names[] = { "sound", "EMPTY",  "HEADER",    "TLV",     "BOARD",
					     "KEY",   "DIGEST", "SIGNATURE", "COUNTER", "READ" };

	if (error < 0 || (size_t)error >= sizeof(names) / sizeof(names[0]))
		return "unknown";
	return names[error];
}

void weft_image_key_hash(const uint8_t pub[WEFT_IMAGE_KEY_SIZE], uint8_t hash[WEFT_IMAGE_HASH_SIZE])
{
	uint8_t spki[SPKI_SIZE];

	memcpy(spki, image_spki_prefix, SPKI_PREFIX_SIZE);
	memcpy(spki + SPKI_PREFIX_SIZE, pub, WEFT_IMAGE_KEY_SIZE);
	crypto_hash_sha256(hash, spki, sizeof(spki));
}

static int missing(const char *what)
{
	return weft_set_error(WEFT_IMAGE_TLV, "%s missing", what);
}

static int all_there(const struct weft_image *im)
{
	if (!im->have_board)
		return missing("board id (protected TLV 0xa0)");
	if (!im->have_counter)
		return missing("security counter (protected TLV 0x50)");
	if (!im->have_digest)
		return missing("SHA-256 digest (TLV 0x10)");
	if (!im->have_signature)
		return missing("not signed: Ed25519 signature (TLV 0x24)");
	if (!im->have_key)
		return missing("public key (TLV 0x02; imgtool: --public-key-format full)");
	return 0;
}

/* First eight bytes: enough to tell keys apart. */
static void short_hex(char text[17], const uint8_t *hash)
{
	sodium_bin2hex(text, 17, hash, 8);
}

/* Where the value of the TLV is that is there once, or NULL. */
static const uint8_t *value_of(const uint8_t *data, const struct weft_image *im, uint16_t type)
{
	unsigned int i;

	for (i = 0; i < im->n_tlvs; i++)
		if (im->tlvs[i].type == type)
			return data + im->tlvs[i].offset;
	return NULL;
}

static int check_key(const uint8_t *data, const struct weft_image *im, const uint8_t *wanted)
{
	const uint8_t *declared = value_of(data, im, TLV_KEY_HASH);
	char has[17], wants[17];

	if (memcmp(value_of(data, im, TLV_KEY), image_spki_prefix, SPKI_PREFIX_SIZE))
		return weft_set_error(WEFT_IMAGE_KEY, "public key (TLV 0x02): not an Ed25519 one");
	short_hex(has, im->key_hash);
	if (declared && memcmp(declared, im->key_hash, sizeof(im->key_hash)))
		return weft_set_error(
			WEFT_IMAGE_KEY,
			"key hash (TLV 0x01) is not that of the image's public key, %s...", has);
	if (!wanted || !memcmp(wanted, im->key_hash, sizeof(im->key_hash)))
		return 0;
	short_hex(wants, wanted);
	return weft_set_error(WEFT_IMAGE_KEY, "signed with key %s..., the adapter's is %s...", has,
			      wants);
}

int image_digest_fits(const uint8_t *data, const struct weft_image *im)
{
	uint8_t digest[WEFT_IMAGE_HASH_SIZE];
	char has[17], is[17];

	crypto_hash_sha256(digest, data, image_covered(im));
	if (!memcmp(digest, im->digest, sizeof(digest)))
		return 0;
	short_hex(has, im->digest);
	short_hex(is, digest);
	return weft_set_error(
		WEFT_IMAGE_DIGEST,
		"digest does not match: bytes 0 to %u give %s..., the image says %s...",
		image_covered(im) - 1, is, has);
}

int image_end_clean(const uint8_t *data, size_t len, const struct weft_image *im)
{
	size_t i;

	for (i = im->size; i < len; i++)
		if (data[i] != 0xff)
			return weft_set_error(
				WEFT_IMAGE_TLV,
				"the image ends at byte %u, but byte %zu is not erased", im->size,
				i);
	return 0;
}

int weft_image_check(const void *data, size_t len, const struct weft_image_rules *rules,
		     struct weft_image *image)
{
	static const struct weft_image_rules none;
	struct weft_image own = { 0 };
	struct weft_image *im = image ? image : &own;
	int rc = image_parse(data, len, im);

	if (!rules)
		rules = &none;
	if (!rc)
		rc = all_there(im);
	if (!rc)
		rc = image_end_clean(data, len, im);
	if (rc)
		return rc;
	if (rules->have_board && im->board != rules->board)
		return weft_set_error(WEFT_IMAGE_BOARD, "made for board 0x%x, this adapter is 0x%x",
				      im->board, rules->board);
	rc = check_key(data, im, rules->key_hash);
	if (!rc)
		rc = image_digest_fits(data, im);
	if (rc)
		return rc;
	if (crypto_sign_verify_detached(im->signature, im->digest, sizeof(im->digest), im->key))
		return weft_set_error(WEFT_IMAGE_SIGNATURE,
				      "signature does not fit digest and public key");
	if (rules->have_counter && im->counter < rules->counter)
		return weft_set_error(WEFT_IMAGE_COUNTER, "counter %u is below %u", im->counter,
				      rules->counter);
	return 0;
}
