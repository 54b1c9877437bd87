/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A machine made of files below a folder of its own: sys/, proc/, dev/, root/, to which the library
 * is pointed. Every call aborts the test when it cannot do its work.
 */
#ifndef PCI_TREE_H
#define PCI_TREE_H

#include <weft/pci.h>

#define A0 "0000:01:00.0" /* an adapter in group 7, with vfio-pci, beside A1 */
#define A1 "0000:01:00.1" /* a network card in group 7, with igb */
#define B0 "0000:02:00.0" /* an adapter in group 8, with no driver */

/* The machine above, with a bridge (0000:00:1c.0, pcieport) in group 7. */
void tree_begin(void);
void tree_end(void);
/* Paths are relative to the folder; folders on the way are made. */
const char *tree_path(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void tree_file(const char *path, const char *text);
void tree_link(const char *path, const char *target);
void tree_fifo(const char *path);
/* A file, a link, or a folder with all in it. */
void tree_remove(const char *path);
/* group -1: none; driver NULL: none. */
void tree_device(const char *name, const char *vendor, const char *device, const char *class,
		 int group, const char *driver);

#endif
