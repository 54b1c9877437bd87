/* SPDX-License-Identifier: BSD-2-Clause */
/* weft image keygen, keyhash, create, sign, flash. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include <weft/dev.h>

#include "image.h"

/* The sentence that the library left, with the file it is about. */
static int library_fail(const char *path)
{
	return image_fail("%s: %s", path, weft_last_error());
}

static void print_hash(const uint8_t *hash)
{
	char hex[2 * WEFT_IMAGE_HASH_SIZE + 1];

	puts(sodium_bin2hex(hex, sizeof(hex), hash, WEFT_IMAGE_HASH_SIZE));
}

int image_keygen(const struct image_args *a)
{
	uint8_t seed[WEFT_IMAGE_KEY_SIZE], pub[WEFT_IMAGE_KEY_SIZE], hash[WEFT_IMAGE_HASH_SIZE];
	char text[WEFT_IMAGE_PEM_MAX];
	int rc;

	if (!strcmp(a->key, a->pub))
		return image_fail("%s: both keys in one file", a->key);
	if (image_taken(a->key, a->force) || image_taken(a->pub, a->force))
		return 1;
	if (weft_image_keygen(seed, pub))
		return library_fail("keygen");
	/* The public half first: it can be made again from a private key, but not the reverse. */
	weft_image_key_to_pem(pub, text);
	rc = image_write(a->pub, text, strlen(text), 0666, a->force);
	if (!rc) {
		weft_image_seed_to_pem(seed, text);
		rc = image_write(a->key, text, strlen(text), 0600, a->force);
		sodium_memzero(text, sizeof(text));
		if (rc)
			unlink(a->pub);
	}
	sodium_memzero(seed, sizeof(seed));
	if (rc)
		return rc;
	weft_image_key_hash(pub, hash);
	print_hash(hash);
	return 0;
}

/* SHA-256 of the public key in a file. */
static int hash_of_file(const char *path, uint8_t hash[WEFT_IMAGE_HASH_SIZE])
{
	uint8_t *text, pub[WEFT_IMAGE_KEY_SIZE];
	size_t len;
	int rc;

	if (image_read(path, KEY_FILE_MAX, &text, &len))
		return 1;
	rc = weft_image_key_from_pem((const char *)text, len, pub);
	sodium_memzero(text, len); /* it may have been the private one, by mistake */
	free(text);
	if (rc)
		return library_fail(path);
	weft_image_key_hash(pub, hash);
	return 0;
}

int image_keyhash(const struct image_args *a)
{
	uint8_t hash[WEFT_IMAGE_HASH_SIZE];

	if (hash_of_file(a->files[0], hash))
		return 1;
	print_hash(hash);
	return 0;
}

int image_wanted_key(const struct image_args *a, uint8_t hash[WEFT_IMAGE_HASH_SIZE], bool *given)
{
	size_t len = 0;

	*given = a->key || a->key_hash;
	if (a->key)
		return hash_of_file(a->key, hash);
	if (!a->key_hash)
		return 0;
	if (strlen(a->key_hash) != 2 * WEFT_IMAGE_HASH_SIZE ||
	    sodium_hex2bin(hash, WEFT_IMAGE_HASH_SIZE, a->key_hash, strlen(a->key_hash), NULL, &len,
			   NULL) ||
	    len != WEFT_IMAGE_HASH_SIZE)
		return image_fail("key hash \"%s\": must be %u hexadecimal digits", a->key_hash,
				  2 * WEFT_IMAGE_HASH_SIZE);
	return 0;
}

/* A private key from a file, and a warning when others may read it. */
static int read_seed(const char *path, uint8_t seed[WEFT_IMAGE_KEY_SIZE])
{
	struct stat st;
	uint8_t *text;
	size_t len;
	int rc;

	if (image_read(path, KEY_FILE_MAX, &text, &len))
		return 1;
	rc = weft_image_seed_from_pem((const char *)text, len, seed);
	sodium_memzero(text, len);
	free(text);
	if (rc)
		return library_fail(path);
	if (!stat(path, &st) && S_ISREG(st.st_mode) && st.st_mode & 0077)
		image_fail("warning: %s: others may read this private key (mode %03o)", path,
			   (unsigned int)st.st_mode & 0777);
	return 0;
}

int image_create(const struct image_args *a)
{
	struct weft_image_params p = { .board = a->board, .counter = a->counter };
	uint8_t *file, *payload, *image;
	size_t len, payload_len, image_len;
	int rc;

	if (weft_image_version_parse(a->version, &p.version))
		return image_fail("%s", weft_last_error());
	if (image_taken(a->out, a->force) || image_read(a->fw, FIRMWARE_FILE_MAX, &file, &len))
		return 1;
	rc = weft_image_payload(file, len, &payload, &payload_len);
	free(file);
	if (rc)
		return library_fail(a->fw);
	rc = weft_image_create(payload, payload_len, &p, &image, &image_len);
	free(payload);
	if (rc)
		return library_fail(a->fw);
	rc = image_write(a->out, image, image_len, 0666, a->force);
	free(image);
	return rc;
}

int image_sign(const struct image_args *a)
{
	const char *in = a->files[0], *out = a->files[1];
	uint8_t *data, *image, seed[WEFT_IMAGE_KEY_SIZE];
	size_t len, image_len;
	int rc;

	if (image_taken(out, a->force) || image_read(in, WEFT_IMAGE_SLOT_SIZE, &data, &len))
		return 1;
	if (read_seed(a->key, seed)) {
		free(data);
		return 1;
	}
	rc = weft_image_sign(data, len, seed, &image, &image_len);
	sodium_memzero(seed, sizeof(seed));
	free(data);
	if (rc)
		return library_fail(in);
	rc = image_write(out, image, image_len, 0666, a->force);
	free(image);
	return rc;
}

static int read_slots(const struct image_args *a, struct weft_image_slot *slots)
{
	unsigned int i;

	for (i = 0; i < WEFT_IMAGE_SLOTS; i++) {
		uint8_t *data;

		if (!a->slots[i])
			continue;
		if (image_read(a->slots[i], WEFT_IMAGE_SLOT_SIZE, &data, &slots[i].len))
			return 1;
		slots[i].data = data;
	}
	return 0;
}

int image_flash(const struct image_args *a)
{
	struct weft_image_slot slots[WEFT_IMAGE_SLOTS] = { 0 };
	struct weft_image_rules rules = { .have_board = a->have_board, .board = a->board };
	uint8_t hash[WEFT_IMAGE_HASH_SIZE], *flash = NULL;
	bool given;
	unsigned int i;
	int rc = 1;

	if (image_taken(a->out, a->force) || image_wanted_key(a, hash, &given) ||
	    read_slots(a, slots))
		goto out;
	rules.key_hash = given ? hash : NULL;
	flash = malloc(WEFT_IMAGE_FLASH_SIZE);
	if (!flash)
		image_fail("%s: no memory for a flash", a->out);
	else if (weft_image_flash(slots, a->active, &rules, flash))
		library_fail(a->out);
	else
		rc = image_write(a->out, flash, WEFT_IMAGE_FLASH_SIZE, 0666, a->force);
out:
	free(flash);
	for (i = 0; i < WEFT_IMAGE_SLOTS; i++)
		free((void *)(uintptr_t)slots[i].data);
	return rc;
}
