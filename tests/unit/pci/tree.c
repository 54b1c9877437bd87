/* SPDX-License-Identifier: BSD-2-Clause */
#include <check.h>
#include <errno.h>
#include <ftw.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tree.h"

static char top[64];

const char *tree_path(const char *fmt, ...)
{
	static char paths[2][1024]; /* a path may be made while another is used */
	static unsigned int turn;
	char *path = paths[turn++ % 2];
	int n = snprintf(path, sizeof(paths[0]), "%s/", top);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(path + n, sizeof(paths[0]) - (size_t)n, fmt, ap);
	va_end(ap);
	return path;
}

static void folders(const char *path)
{
	char copy[1024], *p;

	snprintf(copy, sizeof(copy), "%s", path);
	for (p = copy + 1; (p = strchr(p, '/')); *p++ = '/') {
		*p = '\0';
		ck_assert(!mkdir(copy, 0755) || errno == EEXIST);
	}
}

void tree_file(const char *path, const char *text)
{
	const char *full = tree_path("%s", path);
	FILE *f;

	folders(full);
	f = fopen(full, "w");
	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	ck_assert_int_eq(fclose(f), 0);
}

void tree_link(const char *path, const char *target)
{
	const char *full = tree_path("%s", path);

	folders(full);
	unlink(full);
	ck_assert_int_eq(symlink(target, full), 0);
}

void tree_fifo(const char *path)
{
	const char *full = tree_path("%s", path);

	folders(full);
	unlink(full);
	ck_assert_int_eq(mkfifo(full, 0600), 0);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void tree_remove(const char *path)
{
	ck_assert_int_eq(nftw(tree_path("%s", path), remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

void tree_device(const char *name, const char *vendor, const char *device, const char *class,
		 int group, const char *driver)
{
	static const char *const files[] = { "vendor", "device", "class", "driver_override",
					     "numa_node" };
	const char *const texts[] = { vendor, device, class, "(null)\n", "-1\n" };
	char path[256], target[256];
	unsigned int i;

	for (i = 0; i < 5; i++) {
		snprintf(path, sizeof(path), "sys/bus/pci/devices/%s/%s", name, files[i]);
		tree_file(path, texts[i]);
	}
	if (group >= 0) {
		snprintf(path, sizeof(path), "sys/kernel/iommu_groups/%d/devices/%s", group, name);
		snprintf(target, sizeof(target), "../../../../bus/pci/devices/%s", name);
		tree_link(path, target);
		snprintf(path, sizeof(path), "sys/bus/pci/devices/%s/iommu_group", name);
		snprintf(target, sizeof(target), "../../../../kernel/iommu_groups/%d", group);
		tree_link(path, target);
	}
	if (!driver)
		return;
	snprintf(path, sizeof(path), "sys/bus/pci/drivers/%s/unbind", driver);
	tree_file(path, "");
	snprintf(path, sizeof(path), "sys/bus/pci/devices/%s/driver", name);
	snprintf(target, sizeof(target), "../../drivers/%s", driver);
	tree_link(path, target);
}

void tree_begin(void)
{
	static const char *const roots[][2] = { { "WEFT_SYSFS", "sys" },
						{ "WEFT_PROC", "proc" },
						{ "WEFT_DEV", "dev" },
						{ "WEFT_ROOT", "root" } };
	unsigned int i;

	strcpy(top, "/tmp/weft-pci.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(top));
	for (i = 0; i < 4; i++)
		setenv(roots[i][0], tree_path("%s", roots[i][1]), 1);
	unsetenv("WEFT_PCI_DUMP");
	tree_device("0000:00:1c.0", "0x8086\n", "0xa110\n", "0x060400\n", 7, "pcieport");
	tree_device(A1, "0x8086\n", "0x1521\n", "0x020000\n", 7, "igb");
	tree_device(A0, "0x1b36\n", "0x0f0e\n", "0x020000\n", 7, "vfio-pci");
	tree_device(B0, "0x1b36\n", "0x0f0e\n", "0x020000\n", 8, NULL);
	tree_file("proc/self/mountinfo", "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n");
	tree_file("proc/swaps", "Filename Type Size Used Priority\n");
}

void tree_end(void)
{
	tree_remove("");
}
