/* SPDX-License-Identifier: BSD-2-Clause */
/* The search for who uses a device: uses.c (processes), uses_kernel.c (the kernel itself). */
#ifndef WEFT_PCI_USES_H
#define WEFT_PCI_USES_H

#include "local.h"

struct uses {
	const struct weft_pci_dev *dev;
	struct weft_pci_use *list;
	size_t n;
	char (*node)[SYS_PATH]; /* device nodes that are the device */
	size_t n_node;
	const char *pid_name; /* the process that is looked at */
	unsigned int hidden;
};

/* 0 or -ENOMEM. node: relative to /dev. */
int use_add(struct uses *u, int pid, const char *text);
int use_node(struct uses *u, const char *node);
/* Network interfaces and block devices of the present driver; adds nodes of the latter. */
int use_kernel(struct uses *u);

#endif
