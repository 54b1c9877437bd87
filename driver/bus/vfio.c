/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bus over Linux VFIO: a PCI device that vfio-pci holds, behind an IOMMU that lets it reach what the
 * program maps and nothing else. By device node and iommufd where the kernel has them, by group and
 * container otherwise.
 */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weft/pci.h>

#include "vfio.h"

#define IDLE_POLLS 1024u /* empty polls between two looks at the events */

static const struct weft_vfio_options adapter = { .vendor = WEFT_PCI_VENDOR,
						  .device = WEFT_PCI_DEVICE,
						  .bar_size = WEFT_BAR_SIZE };

int vk_fail(const struct vk_bus *vk, int rc, const char *fmt, ...)
{
	char text[240];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return weft_set_error(rc, "vfio: %s: %s", vk->bdf, text);
}

/* --- names ------------------------------------------------------------------------------------------ */

static const char *hex_byte(const char *s, uint8_t *byte)
{
	const char text[3] = { s[0], s[0] ? s[1] : '\0', '\0' };

	if (!isxdigit((unsigned char)text[0]) || !isxdigit((unsigned char)text[1]))
		return NULL;
	*byte = (uint8_t)strtoul(text, NULL, 16);
	return s + 2;
}

static int parse_bdf(const char *text, char bdf[WEFT_PCI_NAME])
{
	struct weft_pci_addr addr;
	int rc = weft_pci_parse(text, &addr);

	if (!rc)
		weft_pci_format(&addr, bdf);
	return rc;
}

bool vk_is_bdf(const char *text)
{
	struct weft_pci_addr addr;

	return !weft_pci_parse(text, &addr);
}

/* A UUID, 8-4-4-4-12 hex digits. */
static int parse_token(const char *s, uint8_t *token)
{
	unsigned int i;

	for (i = 0; s && i < 16; i++) {
		if ((i == 4 || i == 6 || i == 8 || i == 10) && *s++ != '-')
			return -EINVAL;
		s = hex_byte(s, &token[i]);
	}
	return s && !*s ? 0 : -EINVAL;
}

static int parse_option(char *word, struct weft_vfio_options *opt)
{
	char *val = strchr(word, '='), *end;
	unsigned long bits;

	if (!val)
		return -EINVAL;
	*val++ = '\0';
	if (!strcmp(word, "token")) {
		opt->token_set = true;
		return parse_token(val, opt->token);
	}
	if (!strcmp(word, "noiommu")) {
		opt->allow_no_iommu = true;
		return strcmp(val, "allow") ? -EINVAL : 0;
	}
	if (!strcmp(word, "mode")) {
		opt->mode = !strcmp(val, "cdev") ? WEFT_VFIO_CDEV : WEFT_VFIO_GROUP;
		return opt->mode == WEFT_VFIO_GROUP && strcmp(val, "group") ? -EINVAL : 0;
	}
	if (strcmp(word, "dma_bits"))
		return -EINVAL;
	bits = strtoul(val, &end, 10);
	opt->dma_bits = (uint8_t)bits;
	return *end || end == val || bits < 13 || bits > 64 ? -EINVAL : 0;
}

int vk_open_named(const char *spec, struct weft_bus **bus)
{
	struct weft_vfio_options opt = adapter;
	char *text = strdup(spec), *word, *save = NULL;
	int rc = 0;

	if (!text)
		return -ENOMEM;
	strtok_r(text, ",", &save);
	while (!rc && (word = strtok_r(NULL, ",", &save))) {
		rc = parse_option(word, &opt);
		if (rc)
			weft_set_error(rc,
				       "vfio: option \"%s\" of %s: token=UUID, mode=cdev|group, "
				       "noiommu=allow, dma_bits=13..64",
				       word, text); /* not all of spec: it may hold a token */
	}
	if (!rc)
		rc = weft_bus_open_vfio(text, &opt, bus);
	free(text);
	return rc;
}

/* --- operations ------------------------------------------------------------------------------------- */

static struct vk_bus *vk_of(struct weft_bus *bus)
{
	return (struct vk_bus *)bus;
}

static int vk_irq_count(struct weft_bus *bus)
{
	return (int)vk_of(bus)->n_vectors;
}

static int vk_reset(struct weft_bus *bus)
{
	return vk_device_reset(vk_of(bus));
}

/* The device works by itself; what we look at are its events. */
static int vk_advance(struct weft_bus *bus, uint64_t max_ns)
{
	struct vk_bus *vk = vk_of(bus);

	if (max_ns && ++vk->idle_polls % IDLE_POLLS)
		return 0;
	return vk_irq_check(vk);
}

static int vk_error_fd(struct weft_bus *bus)
{
	return vk_of(bus)->event_fd;
}

/*
 * Also from a half opened one: all that is there is taken down, in the order in which nothing can
 * still write to memory that goes away.
 */
static void vk_close(struct weft_bus *bus)
{
	struct vk_bus *vk = vk_of(bus);

	if (vk->up)
		vk_device_rest(vk);
	vk_irq_fini(vk);
	vk_device_fini(vk);
	vk_dma_fini(vk);
	vk_close_fd(&vk->device);
	vk_close_fd(&vk->group_fd);
	vk_close_fd(&vk->container);
	free(vk);
}

#define VK_OPS                                                                             \
	.name = "vfio", .read32 = vk_read32, .write32 = vk_write32, .dma_map = vk_dma_map, \
	.dma_unmap = vk_dma_unmap, .irq_count = vk_irq_count, .irq_set = vk_irq_set,       \
	.reset = vk_reset, .advance = vk_advance, .error_fd = vk_error_fd, .close = vk_close

static const struct weft_bus_ops vk_ops = { VK_OPS };
static const struct weft_bus_ops vk_no_iommu_ops = { VK_OPS, .dma_huge = 2ul << 20 };

/* --- opening ---------------------------------------------------------------------------------------- */

static int find_group(struct vk_bus *vk)
{
	char path[96], driver[64];
	int rc;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/subsystem", vk->bdf);
	rc = vk_link_name(path, driver, sizeof(driver));
	if (rc)
		return vk_fail(vk, rc, "no such PCI device: %s", strerror(-rc));
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu_group", vk->bdf);
	rc = vk_link_name(path, vk->group, sizeof(vk->group));
	if (!rc && strspn(vk->group, "0123456789") == strlen(vk->group))
		return 0;
	if (rc != -ENOENT)
		return vk_fail(vk, -EPROTO, "sysfs names no IOMMU group: %s", path);
	vk_driver_name(vk->bdf, driver, sizeof(driver));
	return vk_fail(vk, rc,
		       "it is in no IOMMU group, its driver: %s; is the IOMMU on (firmware setup, "
		       "intel_iommu=on)?",
		       driver);
}

/* Errors of the device node that say nothing about the group. */
static bool try_group(int rc)
{
	static const int other[] = {
		-ENOENT, -ENODEV, -ENXIO, -ENOTTY, -EACCES, -EOPNOTSUPP, -EPERM
	};
	unsigned int i;

	for (i = 0; i < sizeof(other) / sizeof(other[0]); i++)
		if (rc == other[i])
			return true;
	return false;
}

static void drop_iommu(struct vk_bus *vk)
{
	vk_close_fd(&vk->device);
	vk_close_fd(&vk->group_fd);
	vk_close_fd(&vk->container);
	vk_iova_fini(&vk->iova);
}

static int choose(struct vk_bus *vk)
{
	char why[128];
	int rc = -ENOENT;

	snprintf(why, sizeof(why), "not asked for");
	if (vk->opt.mode != WEFT_VFIO_GROUP) {
		rc = vk_open_cdev(vk);
		if (!rc || vk->opt.mode == WEFT_VFIO_CDEV || !try_group(rc))
			return rc;
		drop_iommu(vk);
		/* behind "vfio: BDF: " */
		snprintf(why, sizeof(why), "%s", weft_last_error() + strlen(vk->bdf) + 8);
	}
	rc = vk_open_group(vk);
	if (rc && vk->opt.mode == WEFT_VFIO_AUTO) {
		char text[200];

		snprintf(text, sizeof(text), "%s", weft_last_error());
		weft_set_error(rc, "%s (by device node: %s)", text, why);
	}
	return rc;
}

static int check_options(struct vk_bus *vk)
{
	if (!vk->opt.dma_bits)
		vk->opt.dma_bits = 64;
	if (vk->opt.bar > 5 || vk->opt.dma_bits < 13 || vk->opt.dma_bits > 64 ||
	    (unsigned int)vk->opt.mode > WEFT_VFIO_GROUP)
		return vk_fail(vk, -EINVAL, "BAR %u, %u bits of I/O addresses, mode %u?",
			       vk->opt.bar, vk->opt.dma_bits, (unsigned int)vk->opt.mode);
	return 0;
}

static int set_up(struct vk_bus *vk)
{
	int rc = check_options(vk);

	if (!rc)
		rc = find_group(vk);
	if (!rc)
		rc = choose(vk);
	if (rc)
		return rc;
	if (vk->iommu->no_iova)
		vk->bus.ops = &vk_no_iommu_ops;
	rc = vk_device_init(vk);
	return rc ? rc : vk_irq_init(vk);
}

int weft_bus_open_vfio(const char *bdf, const struct weft_vfio_options *opt, struct weft_bus **bus)
{
	struct vk_bus *vk = calloc(1, sizeof(*vk));
	char why[256];
	int rc;

	if (!vk)
		return -ENOMEM;
	vk->bus.ops = &vk_ops;
	vk->opt = opt ? *opt : adapter;
	vk->device = vk->group_fd = vk->container = -1;
	vk->err_fd = vk->req_fd = vk->event_fd = -1;
	rc = parse_bdf(bdf, vk->bdf);
	if (!rc)
		rc = vk_dma_init(vk);
	if (rc) {
		free(vk);
		return rc;
	}
	rc = set_up(vk);
	if (!rc) {
		*bus = &vk->bus;
		return 0;
	}
	snprintf(why, sizeof(why), "%s", weft_last_error());
	vk_close(&vk->bus);
	return weft_set_error(rc, "%s", why);
}
