/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of weft image share. */
#ifndef TOOLS_IMAGE_IMAGE_H
#define TOOLS_IMAGE_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <weft/image.h>

#define FIRMWARE_FILE_MAX (64u << 20) /* an ELF file with all its debug information */
#define KEY_FILE_MAX 16384u

/* The command line of one weft image command. */
struct image_args {
	const char *key;      /* file */
	const char *pub;      /* file */
	const char *key_hash; /* hexadecimal */
	const char *fw;
	const char *version;
	const char *out;
	const char *slots[WEFT_IMAGE_SLOTS];
	unsigned int active; /* slot, from 1 on */
	uint32_t board;
	uint32_t counter;
	bool have_board, have_counter;
	bool force;
	bool json;
	char **files; /* what is left on the line */
	int n_files;
};

/* Commands: exit statuses; what went wrong is said. */
int image_keygen(const struct image_args *a);
int image_keyhash(const struct image_args *a);
int image_create(const struct image_args *a);
int image_sign(const struct image_args *a);
int image_flash(const struct image_args *a);
int image_show(const struct image_args *a);
int image_check(const struct image_args *a);

/* main.c. Says it on standard error behind "weft: image: ", and returns 1. */
int image_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* make.c. The public key's hash of --key (here a public key) or --key-hash; 1: said why not. */
int image_wanted_key(const struct image_args *a, uint8_t hash[WEFT_IMAGE_HASH_SIZE], bool *given);

/*
 * file.c. A whole file of at most max bytes: 0 and *data to be freed (never NULL), or 1 after
 * having said why not.
 */
int image_read(const char *path, size_t max, uint8_t **data, size_t *len);
/*
 * Writes a file so that it is there whole or not at all: into a temporary file beside it, then
 * renamed. Without force it must not be there yet. 0, or 1: said why not.
 */
int image_write(const char *path, const void *data, size_t len, mode_t mode, bool force);
/*
 * Says so and returns 1 when path is there and not to be replaced, or no regular file: before long
 * work is begun.
 */
int image_taken(const char *path, bool force);

#endif
