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

/* Names of boards on Xilinx shells: xrt:[DDDD:]BB:DD.F or xrt:INDEX. */
struct xrt_name {
	const char *text; /* what stands behind "xrt:" */
	bool by_index;
	unsigned int index;
	char bdf[16]; /* DDDD:BB:DD.F, unless by_index */
};

/* device: the argument of --device, or NULL. 0 or -EINVAL, said why. */
int xrt_name_parse(const char *device, struct xrt_name *name);

/*
 * lib.c: libxrt at run time: the calls that weft needs of its C API, found by dlopen(), so that weft is
 * built and runs without XRT.
 */
#define XRT_LIBRARY "libxrt_coreutil.so.2"

struct xrt_lib {
	void *so;
	char *home; /* a folder of ours that XILINX_XRT names, or NULL */
	void *(*device_open)(unsigned int index);
	void *(*device_open_bdf)(const char *bdf);
	int (*device_close)(void *dev);
	int (*device_load)(void *dev, void *xclbin);
	int (*device_uuid)(void *dev, unsigned char *uuid);
	void *(*xclbin_alloc)(const char *data, int size);
	int (*xclbin_free)(void *xclbin);
	int (*xclbin_uuid)(void *xclbin, unsigned char *uuid);
};

/*
 * The library of the environment variable WEFT_XRT_LIBRARY, a path, which is there for tests;
 * else XRT_LIBRARY where the linker looks, else that of the vendor's package. Sees to it that
 * XILINX_XRT is set: without it libxrt ends the process when it has an error to report. 0 or a negative
 * errno that was reported; -ENOENT: XRT is not installed.
 */
int xrt_lib_open(struct xrt_lib *lib);
void xrt_lib_close(struct xrt_lib *lib);

/*
 * file.c. A regular file of 1 byte to 2 GiB, whole. *data is the caller's to free. It was reported.
 */
int xclbin_read(const char *path, uint8_t **data, size_t *size);
/* Into a file beside it, which then takes its name: whoever looks sees all of it or nothing. */
int xclbin_write(const char *path, const uint8_t *data, size_t size);
/* xclbin_read() and xclbin_open(). After 0, xclbin_close() and free(*data). */
int xclbin_load_file(const char *path, struct xclbin *x, uint8_t **data);

#endif
