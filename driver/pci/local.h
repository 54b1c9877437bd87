/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of discovery and binding share. Nothing here is exported. */
#ifndef WEFT_PCI_LOCAL_H
#define WEFT_PCI_LOCAL_H

#include <weft/dev.h>
#include <weft/pci.h>

#define SYS_PATH 512 /* bytes of a path, with the NUL */

enum sys_root {
	IN_SYS,
	IN_PROC,
	IN_DEV,
	IN_ROOT,
};

/*
 * sysfs.c: files of the kernel, which may be missing, of another kind, or hold anything. Nothing
 * here blocks or reads without end. Each returns 0 or a negative errno, whose text names the file.
 * fmt is relative to the root.
 */
#define SYS_FORMAT(f) __attribute__((format(printf, f, f + 1)))

const char *sys_root(enum sys_root root);
int sys_path(char to[SYS_PATH], enum sys_root root, const char *fmt, ...) SYS_FORMAT(3);
/*
 * A line of text: up to len - 1 printable characters, its end cut off. -ENOENT: not there; -EFBIG:
 * longer.
 */
int sys_line(char *to, size_t len, const char *path);
/* A whole file, as it is: the number of bytes, less than len; to is NUL-terminated. -EFBIG. */
int sys_read(char *to, size_t len, const char *path);
/* A number in lo..hi. base: as for strtoll. */
int sys_number(int64_t *to, int base, int64_t lo, int64_t hi, const char *path);
/* The last part of what a link points to; it must be there. -ENOENT: no link at all. */
int sys_link(char *to, size_t len, const char *path);
int sys_write(const char *path, const char *text);
bool sys_exists(const char *path);
/* A boolean module parameter; false where there is none. */
bool sys_param(const char *module, const char *name);

/*
 * Calls fn for each name of a directory but . and .., in no order, until it returns non-zero, which
 * is returned then. -EFBIG: more than 65536.
 */
typedef int sys_name_fn(void *arg, const char *name);
int sys_each(const char *dir, sys_name_fn *fn, void *arg);

/* A copy of text from outside that may go into a message: at most 48 characters. */
struct sys_safe {
	char text[52];
};
struct sys_safe sys_safe(const char *text);

/* device.c: what sysfs says. -ENODEV: not there; -EIO: the ids cannot be read. Sets dev->trouble. */
int pci_fill(struct weft_pci_dev *dev);
/* The driver's name, "" for none. */
int pci_driver(const char *name, char to[WEFT_PCI_TEXT]);

/* group.c: drivers beside which VFIO opens a group. */
bool pci_driver_blocks(const char *driver);

#endif
