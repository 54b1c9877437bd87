/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the kernel itself does with a device: interfaces that are up, block devices that are mounted,
 * swapped to, or part of another (dm, md). A device's classes are found by their own links, which
 * go through its address: class/net/eth0 -> ../../devices/pci0000:00/0000:00:03.0/net/eth0.
 */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "uses.h"

#define MOUNTS_MAX (1u << 20)

/* A search through one class. */
struct search {
	struct uses *u;
	char part[WEFT_PCI_TEXT + 2]; /* "/NAME/", that must be on the way */
	bool head;                    /* through the head of a multipath device */
	const char *mounts, *swaps;   /* texts of proc, may be empty */
};

/* Where the link of a class leads, with a / behind; false: not through part. */
static bool leads_through(const char *class, const char *name, const char *part)
{
	char path[SYS_PATH], target[SYS_PATH];
	ssize_t n;

	if (sys_path(path, IN_SYS, "class/%s/%s", class, name))
		return false;
	n = readlink(path, target, sizeof(target) - 2);
	if (n <= 0)
		return false;
	target[n] = '/';
	target[n + 1] = '\0';
	return strstr(target, part) != NULL;
}

static int each_net(void *arg, const char *name)
{
	const struct search *s = arg;
	char path[SYS_PATH], text[192];
	int64_t flags;

	if (!leads_through("net", name, s->part) ||
	    sys_path(path, IN_SYS, "class/net/%s/flags", name) ||
	    sys_number(&flags, 0, 0, UINT32_MAX, path) || !(flags & IFF_UP))
		return 0;
	snprintf(text, sizeof(text), "network interface %s is up", sys_safe(name).text);
	return use_add(s->u, 0, text);
}

/* Whether one line of mountinfo is the mount of this device; then where. */
static bool mount_line(const char *line, const char *number, const char *node, char to[96])
{
	char dev[32], where[256], source[256];
	const char *dash = strstr(line, " - ");

	if (sscanf(line, "%*d %*d %31s %*s %255s", dev, where) != 2)
		return false;
	if (!dash || sscanf(dash, " - %*s %255s", source) != 1)
		source[0] = '\0';
	if ((!*number || strcmp(dev, number)) && strcmp(source, node))
		return false;
	snprintf(to, 96, "%s", sys_safe(where).text);
	return true;
}

/* The mount point of a block device, by its number or (btrfs) its node; "" for none. */
static void mounted(const char *mounts, const char *number, const char *name, char to[96])
{
	char node[WEFT_PCI_TEXT + 8], line[1024];

	to[0] = '\0';
	snprintf(node, sizeof(node), "/dev/%s", name);
	while (*mounts) {
		const char *end = strchrnul(mounts, '\n');

		snprintf(line, sizeof(line), "%.*s", (int)(end - mounts), mounts);
		if (mount_line(line, number, node, to))
			return;
		mounts = *end ? end + 1 : end;
	}
}

static bool swapped(const char *swaps, const char *name)
{
	char want[WEFT_PCI_TEXT + 8];
	const char *at = swaps;

	snprintf(want, sizeof(want), "/dev/%s", name);
	for (; (at = strstr(at, want)); at++)
		if (at[strlen(want)] == ' ' || at[strlen(want)] == '\t')
			return true;
	return false;
}

static int any(void *arg, const char *name)
{
	snprintf(arg, WEFT_PCI_TEXT, "%s", name);
	return 1;
}

static int one_block(const struct search *s, const char *name)
{
	char path[SYS_PATH], number[WEFT_PCI_TEXT] = "", where[96], holder[WEFT_PCI_TEXT];
	char text[192] = "";

	if (!sys_path(path, IN_SYS, "class/block/%s/dev", name))
		sys_line(number, sizeof(number), path);
	mounted(s->mounts, number, name, where);
	if (*where)
		snprintf(text, sizeof(text), "block device %s is mounted on %s", name, where);
	else if (swapped(s->swaps, name))
		snprintf(text, sizeof(text), "block device %s is swap space", name);
	else if (!sys_path(path, IN_SYS, "class/block/%s/holders", name) &&
		 sys_each(path, any, holder) == 1)
		snprintf(text, sizeof(text), "block device %s is held by %s", name,
			 sys_safe(holder).text);
	if (*text && use_add(s->u, 0, text))
		return -ENOMEM;
	return use_node(s->u, name);
}

/*
 * NVMe with multipath: nvme0c1n1 is the path through the device, nvme0n1 what is mounted, and the
 * latter hangs under a virtual device. Partitions are below it.
 */
static int each_block(void *arg, const char *name)
{
	const struct search *s = arg;
	unsigned int subsystem, controller, ns;
	struct search head = *s;
	char path[SYS_PATH];
	int rc;

	if (strlen(name) >= WEFT_PCI_TEXT - 8 || strcmp(sys_safe(name).text, name) ||
	    !leads_through("block", name, s->part))
		return 0;
	rc = one_block(s, name);
	if (rc || s->head || sscanf(name, "nvme%uc%un%u", &subsystem, &controller, &ns) != 3)
		return rc;
	snprintf(head.part, sizeof(head.part), "/nvme%un%u/", subsystem, ns);
	head.head = true;
	rc = sys_path(path, IN_SYS, "class/block");
	return rc ? rc : sys_each(path, each_block, &head);
}

/* A text of proc, however long up to MOUNTS_MAX; "" when it cannot be read. */
static char *proc_text(const char *name)
{
	char *text = malloc(MOUNTS_MAX), path[SYS_PATH];

	if (text && (sys_path(path, IN_PROC, "%s", name) || sys_read(text, MOUNTS_MAX, path) < 0))
		text[0] = '\0';
	return text;
}

int use_kernel(struct uses *u)
{
	char *mounts = proc_text("self/mountinfo"), *swaps = proc_text("swaps");
	struct search s = { .u = u, .mounts = mounts, .swaps = swaps };
	char path[SYS_PATH];
	int rc = mounts && swaps ? 0 : weft_set_error(-ENOMEM, "out of memory");

	snprintf(s.part, sizeof(s.part), "/%s/", u->dev->name);
	if (!rc && !sys_path(path, IN_SYS, "class/net") && sys_exists(path))
		rc = sys_each(path, each_net, &s);
	if (!rc && !sys_path(path, IN_SYS, "class/block") && sys_exists(path))
		rc = sys_each(path, each_block, &s);
	free(mounts);
	free(swaps);
	return rc;
}
