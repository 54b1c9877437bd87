/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libxrt at run time: the calls that weft needs of its C API, found by dlopen(), so that weft is
 * built and runs without XRT.
 */
#ifndef TOOLS_XRT_LIB_H
#define TOOLS_XRT_LIB_H

#include <stddef.h>

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

#endif
