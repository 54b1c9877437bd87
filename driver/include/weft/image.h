/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Firmware images on the host: make them, sign them, look whether an adapter will take them. The
 * format is MCUboot's, with the rules of docs/boot.md; the order of the looks and the numbers of
 * the errors are the boot ROM's. In the library libweft_image, which needs libweft, libsodium and
 * libelf.
 *
 * Errors: functions return 0 or a negative errno; weft_image_check may also return a positive enum
 * weft_image_error. In both cases weft_last_error() (weft/dev.h) says what and where.
 *
 * Threads: all functions may be called from any thread; no state is kept between calls.
 */
#ifndef WEFT_IMAGE_H
#define WEFT_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

#define WEFT_IMAGE_SLOT_SIZE 0x40000u   /* a slot of the flash, bytes */
#define WEFT_IMAGE_PAYLOAD_MAX 0x20000u /* the core's instruction memory, bytes */
#define WEFT_IMAGE_FLASH_SIZE 0x100000u /* a flash as weft_image_flash makes it, bytes */
#define WEFT_IMAGE_HASH_SIZE 32u        /* SHA-256 */
#define WEFT_IMAGE_KEY_SIZE 32u         /* an Ed25519 public key, or a private key's seed */
#define WEFT_IMAGE_SIGNATURE_SIZE 64u
#define WEFT_IMAGE_TLVS_MAX 1024u /* more do not fit into 4096 bytes */

/* Why an image is refused; the boot ROM looks in this order. */
enum weft_image_error {
	WEFT_IMAGE_SOUND = 0,
	WEFT_IMAGE_EMPTY = 1,     /* no magic */
	WEFT_IMAGE_HEADER = 2,    /* sizes, flags, load address */
	WEFT_IMAGE_TLV = 3,       /* areas or TLVs malformed, one missing, twice, out of place */
	WEFT_IMAGE_BOARD = 4,     /* made for another board */
	WEFT_IMAGE_KEY = 5,       /* signed with another key */
	WEFT_IMAGE_DIGEST = 6,    /* not what was signed */
	WEFT_IMAGE_SIGNATURE = 7, /* not by that key */
	WEFT_IMAGE_COUNTER = 8,   /* security counter below the one that holds */
	WEFT_IMAGE_READ = 9,      /* the flash does not answer: only an adapter says so */
};

/* "EMPTY", "HEADER" ...; "sound" for 0, "unknown" for what is none of them. Never NULL. */
const char *weft_image_error_name(int error);

struct weft_image_version {
	uint8_t major_no;
	uint8_t minor_no;
	uint16_t revision;
	uint32_t build;
};

/* One TLV where it stands in the image. offset: of its value, bytes from the image's start. */
struct weft_image_tlv {
	uint16_t type;
	uint16_t len;
	uint32_t offset;
	bool covered; /* in the protected area, under the digest */
};

/*
 * What an image says of itself. Filled as far as it could be read: the header once its magic was
 * right, TLVs up to the first malformed one.
 */
struct weft_image {
	uint32_t load_address;
	uint32_t header_size;    /* bytes, 32..4096 */
	uint32_t protected_size; /* bytes of the protected area with its head */
	uint32_t payload_size;   /* bytes */
	uint32_t flags;
	struct weft_image_version version;
	uint32_t size; /* bytes, all together; 0: the TLV areas are not sound */
	uint32_t board;
	uint32_t counter;
	bool have_board, have_counter;
	bool have_digest, have_key_hash, have_key, have_signature;
	uint8_t digest[WEFT_IMAGE_HASH_SIZE];
	uint8_t key_hash[WEFT_IMAGE_HASH_SIZE]; /* of the public key in the image, computed */
	uint8_t key[WEFT_IMAGE_KEY_SIZE];
	uint8_t signature[WEFT_IMAGE_SIGNATURE_SIZE];
	unsigned int n_tlvs;
	struct weft_image_tlv tlvs[WEFT_IMAGE_TLVS_MAX];
};

/* What an adapter asks of an image; what is NULL or false is not asked. */
struct weft_image_rules {
	const uint8_t *key_hash; /* WEFT_IMAGE_HASH_SIZE bytes */
	bool have_board;
	uint32_t board;
	bool have_counter;
	uint32_t counter; /* the least one */
};

/*
 * Looks at an image as the boot ROM does: 0 when it is sound, else the first enum weft_image_error
 * in the ROM's order. data: len bytes, at any alignment; bytes behind the image must be erased ones
 * (0xff), as in a slot that was read back, else it is TLV. rules: or NULL, then only what the image
 * says of itself is looked at: digest and signature, with the public key that is in it. image: or
 * NULL; filled in any case, and its pointers go nowhere. Takes some milliseconds.
 */
int weft_image_check(const void *data, size_t len, const struct weft_image_rules *rules,
		     struct weft_image *image);

/* MAJOR[.MINOR[.REVISION]][+BUILD], as imgtool has it. -EINVAL. */
int weft_image_version_parse(const char *text, struct weft_image_version *version);
/* The same as text, always of the full form; size: 32 is enough. */
void weft_image_version_text(const struct weft_image_version *version, char *text, size_t size);

/*
 * The payload out of a firmware file: an ELF file (32 bits, little-endian, RISC-V, executable,
 * entry point 0) becomes the bytes its segments load into instruction memory; anything else is
 * taken as these bytes. *payload: *size bytes, 1..WEFT_IMAGE_PAYLOAD_MAX, to be freed with free().
 * -EINVAL: no firmware of ours, or an image already; -EFBIG: does not fit; -ENOMEM.
 */
int weft_image_payload(const void *file, size_t len, uint8_t **payload, size_t *size);

/* What weft_image_create puts around a payload. */
struct weft_image_params {
	struct weft_image_version version;
	uint32_t board;
	uint32_t counter;
};

/*
 * An image with its digest but without a signature. *image: *size bytes, to be freed with free().
 * -EFBIG: payload of 0 bytes or of more than WEFT_IMAGE_PAYLOAD_MAX; -ENOMEM.
 */
int weft_image_create(const void *payload, size_t len, const struct weft_image_params *params,
		      uint8_t **image, size_t *size);

/*
 * The image at data, signed or not, with a signature of the key that has this seed. A digest that
 * is not right is refused: what was damaged is not signed. Other unprotected TLVs are left out.
 * *image: *size bytes, to be freed with free().
 * A positive enum weft_image_error: data is no image; -ENOMEM.
 */
int weft_image_sign(const void *data, size_t len, const uint8_t seed[WEFT_IMAGE_KEY_SIZE],
		    uint8_t **image, size_t *size);

/* A new private key and its public key. -EIO: no random numbers to be had. */
int weft_image_keygen(uint8_t seed[WEFT_IMAGE_KEY_SIZE], uint8_t pub[WEFT_IMAGE_KEY_SIZE]);
/* What an adapter's hardware configuration holds: SHA-256 over the key's SubjectPublicKeyInfo. */
void weft_image_key_hash(const uint8_t pub[WEFT_IMAGE_KEY_SIZE],
			 uint8_t hash[WEFT_IMAGE_HASH_SIZE]);

/*
 * Keys as PEM, as OpenSSL and imgtool write them: PKCS#8 without a password, and
 * SubjectPublicKeyInfo. text: len bytes, no NUL needed. -EINVAL: not such a key; the sentence in
 * weft_last_error() never has a part of a key in it.
 */
int weft_image_seed_from_pem(const char *text, size_t len, uint8_t seed[WEFT_IMAGE_KEY_SIZE]);
int weft_image_key_from_pem(const char *text, size_t len, uint8_t pub[WEFT_IMAGE_KEY_SIZE]);
/* text: WEFT_IMAGE_PEM_MAX bytes, ends in a NUL. */
#define WEFT_IMAGE_PEM_MAX 256u
void weft_image_seed_to_pem(const uint8_t seed[WEFT_IMAGE_KEY_SIZE], char *text);
void weft_image_key_to_pem(const uint8_t pub[WEFT_IMAGE_KEY_SIZE], char *text);

/* The images of a flash's slots, as numbered in docs/boot.md (index: number - 1); NULL: none. */
struct weft_image_slot {
	const void *data;
	size_t len;
};
#define WEFT_IMAGE_SLOTS 3u

/*
 * A whole flash for the factory (or a simulated adapter): erased but for the images, of which slot
 * 1 (golden) must be there. active: slot to start from (1..3). 1: no boot record is written, as
 * with any new flash; else a first record names that slot, with its image's counter. Each image is
 * checked by the rules (but for their counter); all must be for one board and of one key, and with
 * a record none but the golden image may have a counter below the record's.
 * flash: WEFT_IMAGE_FLASH_SIZE bytes. A positive enum weft_image_error: an image is not sound;
 * -EINVAL: golden or active one missing, or they do not belong together.
 */
int weft_image_flash(const struct weft_image_slot slots[WEFT_IMAGE_SLOTS], unsigned int active,
		     const struct weft_image_rules *rules, uint8_t *flash);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
