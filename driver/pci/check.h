/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines of a diagnosis: check.c (the machine), check_access.c (this user), check_dev.c (a device). */
#ifndef WEFT_PCI_CHECK_H
#define WEFT_PCI_CHECK_H

#include "local.h"

struct report {
	weft_pci_check_fn *fn;
	void *arg;
	const char *device;
};

/* mend: "" when there is nothing to mend. */
void check_tell(const struct report *r, enum weft_pci_level level, const char *name,
		const char *mend, const char *fmt, ...) SYS_FORMAT(5);

/* Nodes below /dev, the udev rule, the limit of locked memory. */
void check_access(const struct report *r);
/* A node of /dev that must be open to this user. */
void check_node(const struct report *r, const char *name, const char *node);

#endif
