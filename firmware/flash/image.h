/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * MCUboot images as docs/boot.md narrows them: what is in one, and is it sound. Works on bytes in memory and reads none
 * outside of what it is given. Used by the boot ROM, the firmware (without cryptography) and the host's tools. No state,
 * any thread.
 *
 * In this order:
 *	image_header(first bytes, &info)	sizes; tells where the TLVs are
 *	image_tlvs(TLV areas, &info)		pointers to the values, into the bytes given
 *	image_rules(&info, &rules)		board, key, counter
 * with the digest and the signature in between: image_check() does all but the first two in the order of the errors.
 */
#ifndef FLASH_IMAGE_H
#define FLASH_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flash/layout.h"

/* What is wrong with an image: the first thing that is, in the order of the numbers. */
enum image_error {
	IMAGE_SOUND = 0,
	IMAGE_EMPTY = 1,     /* no magic */
	IMAGE_HEADER = 2,    /* sizes, flags, load address */
	IMAGE_TLV = 3,       /* areas or TLVs malformed, one missing, twice or in the wrong area */
	IMAGE_BOARD = 4,     /* for another board */
	IMAGE_KEY = 5,       /* signed with another key than the configured one */
	IMAGE_DIGEST = 6,    /* the content was changed */
	IMAGE_SIGNATURE = 7, /* not made with the key */
	IMAGE_COUNTER = 8,   /* older than what was confirmed before */
	IMAGE_READ = 9,      /* the flash does not answer */
	IMAGE_ERRORS
};

/* Of a trial that was started and not confirmed: added to the cause. */
#define TRIAL_POWER 17u    /* power went first */
#define TRIAL_WATCHDOG 18u /* the watchdog fired */
#define TRIAL_TRAPPED 20u  /* it stood still on a trap; 19 is the host's */

#define IMAGE_MAGIC 0x96f3b83du
#define IMAGE_F_PIC 0x01u
#define IMAGE_F_RAM_LOAD 0x20u
#define IMAGE_F_KNOWN (IMAGE_F_PIC | IMAGE_F_RAM_LOAD)

#define TLV_INFO_MAGIC 0x6907u
#define TLV_PROT_MAGIC 0x6908u
#define TLV_KEYHASH 0x01u
#define TLV_PUBKEY 0x02u
#define TLV_SHA256 0x10u
#define TLV_ED25519 0x24u
#define TLV_COUNTER 0x50u
#define TLV_BOARD 0xa0u

#define IMAGE_HASH_LEN 32u
#define IMAGE_SIG_LEN 64u
#define IMAGE_KEY_LEN 32u    /* an Ed25519 public key */
#define IMAGE_PUBKEY_LEN 44u /* the same as SubjectPublicKeyInfo, DER */

struct image_version {
	uint8_t major, minor;
	uint16_t revision;
	uint32_t build;
};

struct image_info {
	/* by image_header() */
	uint32_t header_len;  /* bytes before the payload, 32 .. IMAGE_HEADER_MAX */
	uint32_t payload_len; /* bytes, 1 .. what was allowed */
	uint32_t prot_len;    /* bytes of the protected TLV area; 0: none */
	uint32_t flags;
	struct image_version version;
	uint32_t tlv_offset; /* of the TLV areas in the image */
	/* by image_tlvs() */
	uint32_t tlv_len;   /* bytes of both areas */
	uint32_t total_len; /* of the image */
	uint32_t counter;
	uint32_t board;
	const uint8_t *sha256;  /* 32 bytes */
	const uint8_t *keyhash; /* 32 bytes; NULL: none */
	const uint8_t *pubkey;  /* 44 bytes: SubjectPublicKeyInfo */
	const uint8_t *sig;     /* 64 bytes */
};

/* What an adapter demands. */
struct image_rules {
	uint32_t board;
	uint8_t key_hash[IMAGE_HASH_LEN];
	uint32_t counter; /* the least that is accepted; 0: any */
};

/*
 * Cryptography, not ours. ctx is handed through.
 *   hash     SHA-256 of len bytes
 *   digest   SHA-256 of header, payload and protected area of the image that info describes
 *   verify   is sig the Ed25519 signature of the 32 bytes of digest by key (32 bytes)?
 */
struct image_crypto {
	void *ctx;
	void (*hash)(void *ctx, const uint8_t *p, size_t len, uint8_t out[IMAGE_HASH_LEN]);
	void (*digest)(void *ctx, const struct image_info *info, uint8_t out[IMAGE_HASH_LEN]);
	bool (*verify)(void *ctx, const uint8_t sig[IMAGE_SIG_LEN],
		       const uint8_t digest[IMAGE_HASH_LEN], const uint8_t key[IMAGE_KEY_LEN]);
};

/*
 * p: the first len bytes of what may be an image (32 are looked at). payload_max, slot_len: bytes that the payload, and
 * all of the image, may have. Fills the first half of *info.
 */
enum image_error image_header(const uint8_t *p, size_t len, uint32_t payload_max, uint32_t slot_len,
			      struct image_info *info);

/* Bytes that the TLV area which begins with these IMAGE_AREA_HEAD bytes says it has, those included. Not checked. */
#define IMAGE_AREA_HEAD 4u
uint32_t image_area_len(const uint8_t *p);

/*
 * p: len bytes from info->tlv_offset on; more than the areas may follow, IMAGE_TLVS_MAX (or the rest of the slot) is
 * enough. Fills the second half of *info; its pointers point into p.
 */
enum image_error image_tlvs(const uint8_t *p, size_t len, struct image_info *info);

/*
 * Board, key, digest, signature, counter. crypto NULL: without digest and signature, and of the key only that the key
 * hash, if the image has one, is the configured one.
 */
enum image_error image_check(const struct image_info *info, const struct image_rules *rules,
			     const struct image_crypto *crypto);

#endif
