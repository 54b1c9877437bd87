/* SPDX-License-Identifier: BSD-2-Clause */
/* Names of boards on Xilinx shells: xrt:[DDDD:]BB:DD.F or xrt:INDEX. */
#ifndef TOOLS_XRT_DEVICE_H
#define TOOLS_XRT_DEVICE_H

#include <stdbool.h>

struct xrt_name {
	const char *text; /* what stands behind "xrt:" */
	bool by_index;
	unsigned int index;
	char bdf[16]; /* DDDD:BB:DD.F, unless by_index */
};

/* device: the argument of --device, or NULL. 0 or -EINVAL, said why. */
int xrt_name_parse(const char *device, struct xrt_name *name);

#endif
