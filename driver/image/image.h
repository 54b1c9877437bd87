/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the image library share: MCUboot's format in numbers, bytes to numbers. */
#ifndef IMAGE_IMAGE_H
#define IMAGE_IMAGE_H

#include <stdint.h>
#include <string.h>

#include <weft/dev.h>
#include <weft/image.h>

#define IMAGE_MAGIC 0x96f3b83du
#define IMAGE_HEADER_MIN 32u
#define IMAGE_HEADER_MAX 4096u
#define IMAGE_AREAS_MAX 4096u /* both TLV areas together */

/* The flags that ask nothing of the boot ROM which it does not do; imgtool sets none of them. */
#define IMAGE_F_PIC 0x01u
#define IMAGE_F_RAM_LOAD 0x20u

/* A TLV area begins with its magic (u16) and its size with this head (u16); so does a TLV. */
#define AREA_MAGIC 0x6907u
#define AREA_MAGIC_COVERED 0x6908u
#define AREA_HEAD 4u
#define TLV_HEAD 4u

enum {
	TLV_KEY_HASH = 0x01,
	TLV_KEY = 0x02,
	TLV_SHA256 = 0x10,
	TLV_ED25519 = 0x24,
	TLV_COUNTER = 0x50,
	TLV_BOARD = 0xa0,
};

/* An Ed25519 public key as SubjectPublicKeyInfo: these bytes, then the key. */
#define SPKI_PREFIX_SIZE 12u
#define SPKI_SIZE (SPKI_PREFIX_SIZE + WEFT_IMAGE_KEY_SIZE)
extern const uint8_t image_spki_prefix[SPKI_PREFIX_SIZE];

static inline uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t get32(const uint8_t *p)
{
	return get16(p) | (uint32_t)get16(p + 2) << 16;
}

static inline void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

static inline void put32(uint8_t *p, uint32_t v)
{
	put16(p, v);
	put16(p + 2, v >> 16);
}

/* Where the digest ends: header, payload, protected area. Bytes; of an image that was parsed. */
static inline uint32_t image_covered(const struct weft_image *im)
{
	return im->header_size + im->payload_size + im->protected_size;
}

/*
 * Reads header and TLV areas: 0, or WEFT_IMAGE_EMPTY, _HEADER or _TLV with its sentence. TLVs of
 * ours are looked at by length and place and that none is there twice; not whether all are there.
 */
int image_parse(const uint8_t *data, size_t len, struct weft_image *im);
/* Compares the digest in the image with its bytes: 0 or WEFT_IMAGE_DIGEST. */
int image_digest_fits(const uint8_t *data, const struct weft_image *im);
/* Bytes behind the image: 0, or WEFT_IMAGE_TLV when they are not erased. */
int image_end_clean(const uint8_t *data, size_t len, const struct weft_image *im);

/* elf.c: the payload of an ELF file, WEFT_IMAGE_PAYLOAD_MAX bytes at to; its size, or -errno. */
int64_t image_elf_payload(const void *file, size_t len, uint8_t *to);

#endif
