/* SPDX-License-Identifier: BSD-2-Clause */
/* The fake kernel's PCI device. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fake_kernel.h"

/* --- by device node ----------------------------------------------------------------------------------- */

static bool token_fits(const uint8_t *t)
{
	char text[40];

	snprintf(text, sizeof(text),
		 "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", t[0], t[1],
		 t[2], t[3], t[4], t[5], t[6], t[7], t[8], t[9], t[10], t[11], t[12], t[13], t[14],
		 t[15]);
	return !strcmp(text, fk->token);
}

static int bind_iommufd(struct vk_bind_iommufd *b)
{
	if (b->argsz < VK_BIND_IOMMUFD_MIN || (b->flags && (!fk->token_by_node || b->flags != 1)))
		return fk_errno(EINVAL);
	if (b->iommufd < FK_FD || fk->fd[b->iommufd - FK_FD].kind != FK_IOMMUFD)
		return fk_errno(EBADF);
	if (fk->bound) {
		fk_broken("bound twice");
		return fk_errno(EINVAL);
	}
	if (fk->others) /* a node may be opened twice, and bound once */
		return fk_errno(EINVAL);
	if (!fk_viable())
		return fk_errno(EBUSY);
	if (fk->no_remapping)
		return fk_errno(EPERM);
	if (fk->token && fk->token_by_node &&
	    (!b->flags || !token_fits((const uint8_t *)(uintptr_t)b->token_uuid)))
		return fk_errno(EACCES);
	if (!fk->token && b->flags)
		return fk_errno(EINVAL);
	fk->bound = true;
	b->out_devid = 9;
	return 0;
}

static int attach(const struct vk_attach_pt *a)
{
	if (!fk->bound || a->argsz < sizeof(*a) || a->flags)
		return fk_errno(EINVAL);
	if (!fk->has_ioas || a->pt_id != fk->ioas)
		return fk_errno(ENOENT);
	if (fk->attached)
		fk_broken("attached twice");
	fk->attached = true;
	return 0;
}

/* --- regions -------------------------------------------------------------------------------------------- */

static void add_sparse(uint8_t *base, uint32_t *len)
{
	struct vfio_region_info *info = (void *)base;
	struct vfio_region_info_cap_sparse_mmap *cap = (void *)(base + *len);
	unsigned int i;

	info->flags |= VFIO_REGION_INFO_FLAG_CAPS;
	info->cap_offset = *len;
	cap->header.id = VFIO_REGION_INFO_CAP_SPARSE_MMAP;
	cap->nr_areas = fk->n_sparse;
	for (i = 0; i < fk->n_sparse; i++) {
		cap->areas[i].offset = fk->sparse[i].off;
		cap->areas[i].size = fk->sparse[i].len;
	}
	*len += (uint32_t)(sizeof(*cap) + fk->n_sparse * sizeof(cap->areas[0]));
}

static int region_info(struct vfio_region_info *out)
{
	uint8_t room[512] __attribute__((aligned(8))) = { 0 };
	struct vfio_region_info *info = (void *)room;
	uint32_t len = sizeof(*info), argsz = out->argsz;

	if (argsz < sizeof(*info) || out->index > VFIO_PCI_VGA_REGION_INDEX)
		return fk_errno(EINVAL);
	info->index = out->index;
	info->offset = (uint64_t)out->index << 40;
	info->flags = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE;
	if (out->index == VFIO_PCI_CONFIG_REGION_INDEX) {
		info->size = sizeof(fk->config);
	} else if (out->index == 0) {
		info->size = fk->bar_size;
		info->flags |= fk->bar_mmap ? VFIO_REGION_INFO_FLAG_MMAP : 0;
		if (fk->n_sparse)
			add_sparse(room, &len);
	} else {
		info->flags = 0;
	}
	info->argsz = len;
	if (argsz < len)
		info->cap_offset = 0;
	memcpy(out, info, argsz < len ? argsz : len);
	return 0;
}

/* --- interrupts ----------------------------------------------------------------------------------------- */

static uint32_t irq_max(uint32_t index)
{
	switch (index) {
	case VFIO_PCI_MSIX_IRQ_INDEX:
		return fk->n_msix;
	case VFIO_PCI_MSI_IRQ_INDEX:
		return fk->n_msi;
	case VFIO_PCI_ERR_IRQ_INDEX:
		return fk->pcie;
	case VFIO_PCI_REQ_IRQ_INDEX:
		return 1;
	default:
		return 0;
	}
}

static int irq_info(struct vfio_irq_info *info)
{
	if (info->argsz < sizeof(*info) || info->index > VFIO_PCI_REQ_IRQ_INDEX ||
	    (info->index == VFIO_PCI_ERR_IRQ_INDEX && !fk->pcie))
		return fk_errno(EINVAL);
	info->flags = VFIO_IRQ_INFO_EVENTFD;
	info->count = irq_max(info->index);
	if (fk->noresize &&
	    (info->index == VFIO_PCI_MSIX_IRQ_INDEX || info->index == VFIO_PCI_MSI_IRQ_INDEX))
		info->flags |= VFIO_IRQ_INFO_NORESIZE;
	return 0;
}

/* Rules of an index that is on already. 0, or an errno. */
static int may_change(const struct vfio_irq_set *s, const int32_t *fds)
{
	if (!fk->irq_on[s->index] || !fk->noresize)
		return 0;
	if (s->start + s->count > fk->irq_count[s->index])
		return EINVAL;
	if (fk->strict_resize && fds[0] >= 0 && fk->irq[s->index][s->start] < 0)
		return EINVAL;
	return 0;
}

static int set_irqs(const struct vfio_irq_set *s)
{
	const int32_t *fds = (const void *)s->data;
	bool vectors = s->index == VFIO_PCI_MSIX_IRQ_INDEX || s->index == VFIO_PCI_MSI_IRQ_INDEX;
	int err;

	if (s->index > VFIO_PCI_REQ_IRQ_INDEX || s->start + s->count > irq_max(s->index))
		return fk_errno(EINVAL);
	if (s->flags == (VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER) && !s->count) {
		memset(fk->irq[s->index], 0xff, sizeof(fk->irq[0]));
		fk->disables += fk->irq_on[s->index];
		fk->irq_on[s->index] = false;
		return 0;
	}
	if (s->flags != (VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER) || !s->count ||
	    s->argsz != sizeof(*s) + s->count * sizeof(fds[0]))
		return fk_errno(EINVAL);
	err = vectors ? may_change(s, fds) : 0;
	if (err)
		return fk_errno(err);
	if (vectors && !fk->irq_on[s->index]) {
		if (s->start + s->count > fk->vectors_left)
			return (int)fk->vectors_left;
		fk->irq_count[s->index] = s->start + s->count;
	}
	memcpy(&fk->irq[s->index][s->start], fds, s->count * sizeof(fds[0]));
	fk->irq_on[s->index] = true;
	return 0;
}

bool fk_fire(uint32_t vector)
{
	static const uint64_t one = 1;
	uint32_t index = fk->n_msix ? VFIO_PCI_MSIX_IRQ_INDEX : VFIO_PCI_MSI_IRQ_INDEX;

	return fk->irq_on[index] && fk->irq[index][vector] >= 0 &&
	       write(fk->irq[index][vector], &one, sizeof(one)) == sizeof(one);
}

void fk_event(uint32_t index)
{
	static const uint64_t one = 1;

	if (write(fk->irq[index][0], &one, sizeof(one)) != sizeof(one))
		fk_broken("nobody listens for the device's events");
}

void fk_surprise(void)
{
	fk->removed = true;
	memset(fk->bar, 0xff, fk->bar_size);
}

/* --- the device ----------------------------------------------------------------------------------------- */

static int reset(void)
{
	if (!fk->flr)
		return fk_errno(EINVAL);
	if (fk->busy_resets) {
		fk->busy_resets--;
		return fk_errno(EAGAIN);
	}
	if (fk->removed)
		return fk_errno(ENOTTY);
	memset(fk->bar, 0, 0x4000); /* all that the tests use */
	fk->resets++;
	if (fk->dies_in_reset)
		fk_surprise();
	return 0;
}

static int device_info(struct vfio_device_info *info)
{
	if (info->argsz < 16)
		return fk_errno(EINVAL);
	info->flags = VFIO_DEVICE_FLAGS_PCI | (fk->flr ? VFIO_DEVICE_FLAGS_RESET : 0);
	info->num_regions = VFIO_PCI_NUM_REGIONS;
	info->num_irqs = VFIO_PCI_NUM_IRQS;
	return 0;
}

int fk_device_ioctl(unsigned long request, void *arg)
{
	if (request == VK_DEVICE_BIND_IOMMUFD)
		return bind_iommufd(arg);
	if (request == VK_DEVICE_ATTACH_PT)
		return attach(arg);
	if (!fk->bound && !fk->iommu_set)
		return fk_errno(EINVAL);
	switch (request) {
	case VFIO_DEVICE_GET_INFO:
		return device_info(arg);
	case VFIO_DEVICE_GET_REGION_INFO:
		return region_info(arg);
	case VFIO_DEVICE_GET_IRQ_INFO:
		return irq_info(arg);
	case VFIO_DEVICE_SET_IRQS:
		return set_irqs(arg);
	case VFIO_DEVICE_RESET:
		return reset();
	default:
		return fk_errno(ENOTTY);
	}
}

void fk_device_closed(void)
{
	if ((fk->config[4] & 4) && !fk->removed && !fk->failed)
		fk_broken("the device is closed while it is bus master");
	if (fk->n_mmaps)
		fk_broken("the device is closed with its BAR mapped");
	fk->device_open = fk->bound = fk->attached = false;
	memset(fk->irq, 0xff, sizeof(fk->irq));
	memset(fk->irq_on, 0, sizeof(fk->irq_on));
}
