/* SPDX-License-Identifier: BSD-2-Clause */
/* One device as sysfs has it. What cannot be read leaves its field empty and a remark. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "local.h"

#define GROUP_MAX 1000000
#define NODE_MAX 4095
#define WIDTH_MAX 63

static int file(const struct weft_pci_dev *dev, char to[SYS_PATH], const char *name)
{
	return sys_path(to, IN_SYS, "bus/pci/devices/%s/%s", dev->name, name);
}

/* Only the first remark is kept: what comes later is often its consequence. */
static void remark(struct weft_pci_dev *dev)
{
	if (!dev->trouble[0])
		snprintf(dev->trouble, sizeof(dev->trouble), "%s", weft_last_error());
}

/* A number that the kernel may leave out. fallback: also after a remark. */
static int64_t number(struct weft_pci_dev *dev, const char *name, int64_t lo, int64_t hi,
		      int64_t fallback)
{
	char path[SYS_PATH];
	int64_t v = fallback;
	int rc = file(dev, path, name);

	if (!rc)
		rc = sys_number(&v, 0, lo, hi, path);
	if (!rc)
		return v;
	if (rc != -ENOENT && rc != -EINVAL) /* the latter as for speed() */
		remark(dev);
	return fallback;
}

static int id_file(const struct weft_pci_dev *dev, const char *name, int64_t hi, uint32_t *to)
{
	char path[SYS_PATH];
	int64_t v;
	int rc = file(dev, path, name);

	if (!rc)
		rc = sys_number(&v, 16, 0, hi, path);
	if (rc)
		return rc == -ENOENT ? weft_set_error(-EIO, "%s is missing", path) : rc;
	*to = (uint32_t)v;
	return 0;
}

int pci_driver(const char *name, char to[WEFT_PCI_TEXT])
{
	char path[SYS_PATH];
	int rc = sys_path(path, IN_SYS, "bus/pci/devices/%s/driver", name);

	to[0] = '\0';
	if (!rc)
		rc = sys_link(to, WEFT_PCI_TEXT, path);
	return rc == -ENOENT ? 0 : rc;
}

static void read_override(struct weft_pci_dev *dev)
{
	char path[SYS_PATH];
	int rc = file(dev, path, "driver_override");

	if (!rc)
		rc = sys_line(dev->override_, sizeof(dev->override_), path);
	if (rc && rc != -ENOENT)
		remark(dev);
	if (rc || !strcmp(dev->override_, "(null)"))
		dev->override_[0] = '\0';
}

static void read_group(struct weft_pci_dev *dev)
{
	char path[SYS_PATH], text[WEFT_PCI_TEXT], *end;
	int rc = file(dev, path, "iommu_group");
	long v;

	if (!rc)
		rc = sys_link(text, sizeof(text), path);
	if (rc) {
		if (rc != -ENOENT)
			remark(dev);
		return;
	}
	v = strtol(text, &end, 10);
	if (*end || end == text || v < 0 || v > GROUP_MAX) {
		weft_set_error(-EIO, "%s: \"%s\" is no group number", path, sys_safe(text).text);
		remark(dev);
		return;
	}
	dev->group = (int)v;
}

static int take_vfio(void *arg, const char *name)
{
	struct weft_pci_dev *dev = arg;

	if (strncmp(name, "vfio", 4) || !name[4] || name[4 + strspn(name + 4, "0123456789")] ||
	    strlen(name) >= sizeof(dev->vfio))
		return 0;
	strcpy(dev->vfio, name);
	return 1;
}

/* "8.0 GT/s PCIe", with older kernels "8 GT/s"; "Unknown" when there is no link. */
static uint32_t speed(struct weft_pci_dev *dev, const char *name)
{
	char path[SYS_PATH], text[WEFT_PCI_TEXT], *end;
	int rc = file(dev, path, name);
	double v;

	if (!rc)
		rc = sys_line(text, sizeof(text), path);
	if (rc) { /* -EINVAL: the kernel could not ask a device that is asleep */
		if (rc != -ENOENT && rc != -EINVAL)
			remark(dev);
		return 0;
	}
	if (!strncmp(text, "Unknown", 7))
		return 0;
	v = strtod(text, &end);
	if (end == text || strncmp(end, " GT/s", 5) || !(v > 0 && v < 1000)) {
		weft_set_error(-EIO, "%s: \"%s\" is no speed", path, sys_safe(text).text);
		remark(dev);
		return 0;
	}
	return (uint32_t)(v * 1000 + 0.5);
}

static void read_link(struct weft_pci_dev *dev)
{
	dev->link_speed = speed(dev, "current_link_speed");
	dev->link_speed_max = speed(dev, "max_link_speed");
	dev->link_width = (uint8_t)number(dev, "current_link_width", 0, WIDTH_MAX, 0);
	/* "255" where the device has no link of its own */
	dev->link_width_max = (uint8_t)(number(dev, "max_link_width", 0, 255, 0) & WIDTH_MAX);
	if (dev->link_width_max == WIDTH_MAX)
		dev->link_width_max = 0;
}

int pci_fill(struct weft_pci_dev *dev)
{
	uint32_t vendor, device;
	char path[SYS_PATH];
	int rc = sys_path(path, IN_SYS, "bus/pci/devices/%s", dev->name);

	if (rc)
		return rc;
	if (!sys_exists(path))
		return weft_set_error(-ENODEV, "there is no PCI device %s", dev->name);
	dev->group = dev->numa = -1;
	rc = id_file(dev, "vendor", UINT16_MAX, &vendor);
	if (!rc)
		rc = id_file(dev, "device", UINT16_MAX, &device);
	if (rc)
		return rc;
	dev->id = (struct weft_pci_id){ (uint16_t)vendor, (uint16_t)device };
	dev->class_code = (uint32_t)number(dev, "class", 0, 0xffffff, 0);
	if (pci_driver(dev->name, dev->driver))
		remark(dev);
	read_override(dev);
	read_group(dev);
	dev->numa = (int)number(dev, "numa_node", -1, NODE_MAX, -1);
	read_link(dev);
	if (!file(dev, path, "vfio-dev") && sys_exists(path) && sys_each(path, take_vfio, dev) < 0)
		remark(dev);
	return 0;
}
