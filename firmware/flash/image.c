/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "flash/image.h"
#include "lib/bytes.h"

#define TLV_HEAD_LEN 4u

/* SubjectPublicKeyInfo of an Ed25519 key (RFC 8410) is these bytes, then the key. */
static const uint8_t spki_head[IMAGE_PUBKEY_LEN - IMAGE_KEY_LEN] = { 0x30, 0x2a, 0x30, 0x05,
								     0x06, 0x03, 0x2b, 0x65,
								     0x70, 0x03, 0x21, 0x00 };

enum image_error image_header(const uint8_t *p, size_t len, uint32_t payload_max, uint32_t slot_len,
			      struct image_info *info)
{
	memset(info, 0, sizeof(*info));
	if (len < 4 || get_le32(p) != IMAGE_MAGIC)
		return IMAGE_EMPTY;
	if (len < IMAGE_HEADER_SIZE)
		return IMAGE_HEADER;
	info->header_len = get_le16(p + 8);
	info->prot_len = get_le16(p + 10);
	info->payload_len = get_le32(p + 12);
	info->flags = get_le32(p + 16);
	info->version.major = p[20];
	info->version.minor = p[21];
	info->version.revision = get_le16(p + 22);
	info->version.build = get_le32(p + 24);
	/* Each bound is far below 2^31 before anything is added up. */
	if (info->header_len < IMAGE_HEADER_SIZE || info->header_len > IMAGE_HEADER_MAX ||
	    info->prot_len > IMAGE_TLVS_MAX || !info->payload_len ||
	    info->payload_len > payload_max || payload_max > slot_len)
		return IMAGE_HEADER;
	if (get_le32(p + 4) || (info->flags & ~IMAGE_F_KNOWN))
		return IMAGE_HEADER;
	info->tlv_offset = info->header_len + info->payload_len;
	if (info->tlv_offset + info->prot_len > slot_len)
		return IMAGE_HEADER;
	return IMAGE_SOUND;
}

/* Both values are either there once, or the image is refused. */
static bool take_number(const uint8_t *value, uint32_t len, uint32_t *seen, uint32_t bit,
			uint32_t *to)
{
	if (len != 4 || (*seen & bit))
		return false;
	*seen |= bit;
	*to = get_le32(value);
	return true;
}

static bool take_bytes(const uint8_t *value, uint32_t len, uint32_t want, const uint8_t **to)
{
	if (len != want || *to)
		return false;
	*to = value;
	return true;
}

/*
 * One TLV. What we know must be in its area, of its size, and the first of its kind. What we do not know is left alone
 * where the signature covers it, and refused where it does not: no byte of an image may be changed.
 */
static bool take_tlv(struct image_info *info, bool prot, uint32_t type, const uint8_t *value,
		     uint32_t len, uint32_t *seen)
{
	switch (type) {
	case TLV_COUNTER:
		return prot && take_number(value, len, seen, 1, &info->counter);
	case TLV_BOARD:
		return prot && take_number(value, len, seen, 2, &info->board);
	case TLV_SHA256:
		return !prot && take_bytes(value, len, IMAGE_HASH_LEN, &info->sha256);
	case TLV_KEYHASH:
		return !prot && take_bytes(value, len, IMAGE_HASH_LEN, &info->keyhash);
	case TLV_PUBKEY:
		return !prot && take_bytes(value, len, IMAGE_PUBKEY_LEN, &info->pubkey);
	case TLV_ED25519:
		return !prot && take_bytes(value, len, IMAGE_SIG_LEN, &info->sig);
	default:
		return prot;
	}
}

/* p: an area of exactly len bytes, its info included. */
static bool take_area(struct image_info *info, bool prot, const uint8_t *p, uint32_t len,
		      uint32_t *seen)
{
	uint32_t pos = IMAGE_AREA_HEAD;

	while (pos < len) {
		uint32_t size;

		if (len - pos < TLV_HEAD_LEN)
			return false;
		size = get_le16(p + pos + 2);
		if (size > len - pos - TLV_HEAD_LEN)
			return false;
		if (!take_tlv(info, prot, get_le16(p + pos), p + pos + TLV_HEAD_LEN, size, seen))
			return false;
		pos += TLV_HEAD_LEN + size;
	}
	return true;
}

uint32_t image_area_len(const uint8_t *p)
{
	return get_le16(p + 2);
}

/* Bytes of the area at p, info included, if it is one of that magic and within len; else 0. */
static uint32_t area_within(const uint8_t *p, size_t len, uint32_t magic)
{
	uint32_t n;

	if (len < IMAGE_AREA_HEAD || get_le16(p) != magic)
		return 0;
	n = image_area_len(p);
	return n < IMAGE_AREA_HEAD || n > len ? 0 : n;
}

enum image_error image_tlvs(const uint8_t *p, size_t len, struct image_info *info)
{
	uint32_t seen = 0, prot = info->prot_len, n;

	if (prot > len)
		return IMAGE_TLV;
	if (prot &&
	    (area_within(p, len, TLV_PROT_MAGIC) != prot || !take_area(info, true, p, prot, &seen)))
		return IMAGE_TLV;
	n = area_within(p + prot, len - prot, TLV_INFO_MAGIC);
	if (!n || prot + n > IMAGE_TLVS_MAX || !take_area(info, false, p + prot, n, &seen))
		return IMAGE_TLV;
	if (seen != 3 || !info->sha256 || !info->sig || !info->pubkey)
		return IMAGE_TLV;
	info->tlv_len = prot + n;
	info->total_len = info->tlv_offset + info->tlv_len;
	return IMAGE_SOUND;
}

static bool key_ok(const struct image_info *info, const struct image_rules *rules,
		   const struct image_crypto *crypto)
{
	uint8_t hash[IMAGE_HASH_LEN];

	if (info->keyhash && memcmp(info->keyhash, rules->key_hash, sizeof(hash)))
		return false;
	if (memcmp(info->pubkey, spki_head, sizeof(spki_head)))
		return false;
	if (!crypto)
		return true;
	crypto->hash(crypto->ctx, info->pubkey, IMAGE_PUBKEY_LEN, hash);
	return !memcmp(hash, rules->key_hash, sizeof(hash));
}

enum image_error image_check(const struct image_info *info, const struct image_rules *rules,
			     const struct image_crypto *crypto)
{
	uint8_t digest[IMAGE_HASH_LEN];

	if (info->board != rules->board)
		return IMAGE_BOARD;
	if (!key_ok(info, rules, crypto))
		return IMAGE_KEY;
	if (crypto) {
		crypto->digest(crypto->ctx, info, digest);
		if (memcmp(digest, info->sha256, sizeof(digest)))
			return IMAGE_DIGEST;
		if (!crypto->verify(crypto->ctx, info->sig, digest,
				    info->pubkey + sizeof(spki_head)))
			return IMAGE_SIGNATURE;
	}
	return info->counter < rules->counter ? IMAGE_COUNTER : IMAGE_SOUND;
}
