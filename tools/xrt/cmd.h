/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of weft xclbin share. */
#ifndef TOOLS_XRT_CMD_H
#define TOOLS_XRT_CMD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../weft.h"
#include "xclbin.h"

#define XCLBIN_MORE_MAX 64u

/* The command line of weft xclbin. */
struct xclbin_args {
	const char *action;
	const char *file;
	struct config cfg; /* device, json, quiet, xrt */
	/* create */
	const char *platform;
	const char *uuid;
	const char *mode;
	const char *firmware;
	const char *soft_kernel;
	const char *metadata;
	const char *embedded;
	const char *ip_layout;
	const char *bitstream;
	const char *more[XCLBIN_MORE_MAX]; /* KIND[:NAME]=FILE */
	unsigned int n_more;
	/* show */
	const char *extract; /* KIND[:NAME] */
	const char *output;
};

/* The actions. 0 or a negative errno that was reported. */
int xclbin_create(const struct xclbin_args *a);
int xclbin_show(const struct xclbin_args *a);
int xclbin_load(const struct xclbin_args *a);

/* "weft: " in front, a line feed behind, on standard error; returns err. */
int xclbin_say(int err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* KIND[:NAME], the kind as a name or a number; name: 16 bytes. It was reported. */
int xclbin_section_option(const char *text, size_t len, uint32_t *kind, char *name);

/*
 * file.c. A regular file of 1 byte to 2 GiB, whole. *data is the caller's to free. It was reported.
 */
int xclbin_read(const char *path, uint8_t **data, size_t *size);
/* Into a file beside it, which then takes its name: whoever looks sees all of it or nothing. */
int xclbin_write(const char *path, const uint8_t *data, size_t size);
/* xclbin_read() and xclbin_open(). After 0, xclbin_close() and free(*data). */
int xclbin_load_file(const char *path, struct xclbin *x, uint8_t **data);

#endif
