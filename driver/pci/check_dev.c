/* SPDX-License-Identifier: BSD-2-Clause */
/* What one device needs before it can be used through VFIO. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

static void check_sysfs(const struct report *r, const struct weft_pci_dev *dev)
{
	if (dev->trouble[0])
		check_tell(r, WEFT_PCI_FAIL, "sysfs", "is /sys mounted, and the kernel's?", "%s",
			   dev->trouble);
}

static bool check_driver(const struct report *r, const struct weft_pci_dev *dev)
{
	char mend[64];

	snprintf(mend, sizeof(mend), "weft bind %s", dev->name);
	if (strstr(dev->driver, "vfio")) {
		check_tell(r, WEFT_PCI_OK, "driver", "", "%s", dev->driver);
		return true;
	}
	if (*dev->driver)
		check_tell(r, WEFT_PCI_FAIL, "driver", mend, "is with %s, not %s", dev->driver,
			   WEFT_PCI_VFIO);
	else
		check_tell(r, WEFT_PCI_FAIL, "driver", mend, "has no driver");
	return false;
}

static void check_group(const struct report *r, const struct weft_pci_dev *dev)
{
	char text[300];
	int rc;

	if (dev->group < 0) {
		if (!dev->trouble[0])
			check_tell(r, WEFT_PCI_FAIL, "group", "see iommu", "is in no IOMMU group");
		return;
	}
	rc = weft_pci_viable(dev, text, sizeof(text));
	if (rc < 0)
		check_tell(r, WEFT_PCI_FAIL, "group", "", "%s", weft_last_error());
	else if (rc)
		check_tell(r, WEFT_PCI_OK, "group", "", "%d, viable", dev->group);
	else
		check_tell(
			r, WEFT_PCI_FAIL, "group",
			"bind these to vfio-pci or unbind them, or put the adapter into another slot",
			"%d is not viable: %s", dev->group, text);
}

/* Whether there is this node; it is looked at then. */
static bool node_there(const struct report *r, const char *name, const char *node)
{
	char path[SYS_PATH];

	if (sys_path(path, IN_DEV, "%s", node) || !sys_exists(path))
		return false;
	check_node(r, name, node);
	return true;
}

/* The device's own node, the group's, or both: as the kernel was built. */
static void check_nodes(const struct report *r, const struct weft_pci_dev *dev)
{
	char node[WEFT_PCI_TEXT + 16];
	bool found = false;

	if (dev->vfio[0]) {
		snprintf(node, sizeof(node), "vfio/devices/%s", dev->vfio);
		found = node_there(r, "cdev", node);
	}
	if (dev->group < 0)
		return;
	snprintf(node, sizeof(node), "vfio/noiommu-%d", dev->group);
	if (node_there(r, "node", node))
		return;
	snprintf(node, sizeof(node), "vfio/%d", dev->group);
	if (!node_there(r, "node", node) && !found)
		check_node(r, "node", node); /* says that it is missing */
}

static void check_uses(const struct report *r, const struct weft_pci_dev *dev)
{
	struct weft_pci_use *list;
	unsigned int hidden;
	size_t n;
	int rc = weft_pci_uses(dev, &list, &n, &hidden);

	if (rc)
		check_tell(r, WEFT_PCI_WARN, "use", "", "%s", weft_last_error());
	else if (n)
		check_tell(r, WEFT_PCI_WARN, "use", "one program at a time", "in use: %s%s",
			   list[0].text, n > 1 ? ", and others" : "");
	else if (hidden)
		check_tell(r, WEFT_PCI_OK, "use", "", "not in use, as far as this user may see");
	else
		check_tell(r, WEFT_PCI_OK, "use", "", "not in use");
	free(list);
}

static void check_link(const struct report *r, const struct weft_pci_dev *dev)
{
	if (!dev->link_width_max)
		return; /* no link of its own, as in a root complex or a guest */
	if (!dev->link_width)
		check_tell(r, WEFT_PCI_FAIL, "link", "seat the card; look at its power",
			   "PCIe link down");
	else if (dev->link_width < dev->link_width_max || dev->link_speed < dev->link_speed_max)
		check_tell(r, WEFT_PCI_WARN, "link", "another slot may give it more",
			   "x%u at %.1f GT/s of x%u at %.1f GT/s", dev->link_width,
			   dev->link_speed / 1000.0, dev->link_width_max,
			   dev->link_speed_max / 1000.0);
	else
		check_tell(r, WEFT_PCI_OK, "link", "", "x%u at %.1f GT/s", dev->link_width,
			   dev->link_speed / 1000.0);
}

/* VFIO resets by whatever way there is; only a function-level reset leaves neighbours alone. */
static void check_reset(const struct report *r, const struct weft_pci_dev *dev)
{
	char path[SYS_PATH], text[WEFT_PCI_TEXT];
	int rc = sys_path(path, IN_SYS, "bus/pci/devices/%s/reset_method", dev->name);

	if (!rc)
		rc = sys_line(text, sizeof(text), path);
	if (rc) /* kernels before 5.15 do not tell */
		return;
	if (strstr(text, "flr"))
		check_tell(r, WEFT_PCI_OK, "reset", "", "by function-level reset");
	else
		check_tell(r, WEFT_PCI_WARN, "reset",
			   "echo flr > reset_method, if the kernel takes it",
			   "not by function-level reset: \"%s\"", text);
}

void weft_pci_check_dev(const struct weft_pci_dev *dev, weft_pci_check_fn *fn, void *arg)
{
	const struct report r = { fn, arg, dev->name };
	bool bound;

	check_sysfs(&r, dev);
	bound = check_driver(&r, dev);
	check_group(&r, dev);
	if (bound)
		check_nodes(&r, dev);
	check_uses(&r, dev);
	check_link(&r, dev);
	check_reset(&r, dev);
}
