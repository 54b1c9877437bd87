/* SPDX-License-Identifier: BSD-2-Clause */
/* IOMMU groups: VFIO gives a program all of one or nothing. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "local.h"

#define MEMBERS_MAX 1024u

struct members {
	struct weft_pci_member *list;
	size_t n;
};

/*
 * Drivers that do no DMA of their own choice: VFIO's (vfio-pci and those of makers, whose names
 * hold "vfio"), pci-stub, and a bridge's pcieport.
 */
bool pci_driver_blocks(const char *driver)
{
	return *driver && !strstr(driver, "vfio") && strcmp(driver, "pci-stub") &&
	       strcmp(driver, "pcieport");
}

static int member_pci(struct weft_pci_member *m, int group)
{
	struct weft_pci_dev dev = { .group = -1 };
	int rc;

	strcpy(dev.name, m->name);
	rc = pci_fill(&dev);
	if (rc)
		return rc;
	if (dev.trouble[0] && !dev.driver[0]) /* its driver may be what could not be read */
		return weft_set_error(-EIO, "%s", dev.trouble);
	if (dev.group != group)
		return weft_set_error(-EIO, "IOMMU group %d lists %s, which says it is in %d",
				      group, m->name, dev.group);
	m->pci = true;
	m->id = dev.id;
	m->class_code = dev.class_code;
	strcpy(m->driver, dev.driver);
	m->blocks = pci_driver_blocks(m->driver);
	return 0;
}

/* Not a PCI device: only its driver can be asked, through the group's own link. */
static int member_other(struct weft_pci_member *m, int group)
{
	char path[SYS_PATH];
	int rc = sys_path(path, IN_SYS, "kernel/iommu_groups/%d/devices/%s/driver", group, m->name);

	if (!rc)
		rc = sys_link(m->driver, sizeof(m->driver), path);
	if (rc && rc != -ENOENT)
		return rc;
	m->blocks = pci_driver_blocks(m->driver);
	return 0;
}

static int add(void *arg, const char *name)
{
	struct members *all = arg;
	struct weft_pci_member *grown;

	if (strlen(name) >= sizeof(grown->name) || strcmp(sys_safe(name).text, name))
		return weft_set_error(-EIO, "\"%s\" is no device's name", sys_safe(name).text);
	if (all->n == MEMBERS_MAX)
		return weft_set_error(-EIO, "more than %u members", MEMBERS_MAX);
	grown = realloc(all->list, (all->n + 1) * sizeof(*grown));
	if (!grown)
		return weft_set_error(-ENOMEM, "out of memory");
	all->list = grown;
	grown[all->n] = (struct weft_pci_member){ .pci = false };
	strcpy(grown[all->n++].name, name);
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct weft_pci_member *)a)->name,
		      ((const struct weft_pci_member *)b)->name);
}

/* In whatever way an address is written, it is one member. */
static int canonical(struct weft_pci_member *m, int group)
{
	struct weft_pci_addr addr;
	char name[WEFT_PCI_NAME];

	if (weft_pci_parse(m->name, &addr))
		return member_other(m, group);
	weft_pci_format(&addr, name);
	if (strcmp(name, m->name))
		return weft_set_error(-EIO, "IOMMU group %d lists %s as \"%s\"", group, name,
				      m->name);
	return member_pci(m, group);
}

int weft_pci_group(int group, struct weft_pci_member **list, size_t *count)
{
	struct members all = { NULL, 0 };
	char path[SYS_PATH];
	size_t i;
	int rc = sys_path(path, IN_SYS, "kernel/iommu_groups/%d/devices", group);

	*list = NULL;
	*count = 0;
	if (!rc)
		rc = sys_each(path, add, &all);
	if (!rc && !all.n)
		rc = weft_set_error(-EIO, "IOMMU group %d lists no device", group);
	for (i = 0; i < all.n && !rc; i++)
		rc = canonical(&all.list[i], group);
	if (rc) {
		free(all.list);
		return rc;
	}
	qsort(all.list, all.n, sizeof(*all.list), by_name);
	*list = all.list;
	*count = all.n;
	return 0;
}

static void append(char *text, size_t len, const struct weft_pci_member *m)
{
	size_t n = strlen(text);

	if (m->pci)
		snprintf(text + n, len - n, "%s%s (%04x:%04x) is with %s", n ? ", " : "", m->name,
			 m->id.vendor, m->id.device, m->driver);
	else
		snprintf(text + n, len - n, "%s%s is with %s", n ? ", " : "", m->name, m->driver);
}

int weft_pci_viable(const struct weft_pci_dev *dev, char *text, size_t len)
{
	struct weft_pci_member *list;
	bool listed = false;
	size_t n, i;
	int rc;

	text[0] = '\0';
	if (dev->group < 0)
		return weft_set_error(-ENODEV, "%s is in no IOMMU group", dev->name);
	rc = weft_pci_group(dev->group, &list, &n);
	if (rc)
		return rc;
	rc = 1;
	for (i = 0; i < n; i++) {
		if (!strcmp(list[i].name, dev->name)) {
			listed = true;
			continue;
		}
		if (!list[i].blocks)
			continue;
		append(text, len, &list[i]);
		rc = 0;
	}
	free(list);
	if (!listed)
		return weft_set_error(-EIO,
				      "IOMMU group %d does not list %s, which says it is in it",
				      dev->group, dev->name);
	return rc;
}
