/* SPDX-License-Identifier: BSD-2-Clause */
/* Container, group and iommufd of the fake kernel. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_kernel.h"

/* --- maps, of both kinds ------------------------------------------------------------------------------ */

static bool in_ranges(uint64_t iova, uint64_t len)
{
	unsigned int i;

	for (i = 0; i < fk->n_range; i++)
		if (iova >= fk->range[i].first && iova <= fk->range[i].last &&
		    len - 1 <= fk->range[i].last - iova)
			return true;
	return !fk->n_range;
}

static int add_map(const struct fk_dma *m, uint32_t limit)
{
	uint64_t page = fk->pgsizes & -fk->pgsizes;
	uint32_t i;

	fk->n_map_calls++;
	if (!m->len || !m->flags || (m->iova | m->va | m->len) % page || m->iova + m->len < m->iova)
		return fk_errno(EINVAL);
	if (!in_ranges(m->iova, m->len))
		return fk_errno(EINVAL);
	for (i = 0; i < fk->n_map; i++)
		if (m->iova < fk->map[i].iova + fk->map[i].len &&
		    fk->map[i].iova < m->iova + m->len) {
			fk_broken("maps overlap");
			return fk_errno(EEXIST);
		}
	if (fk->n_map >= limit)
		return fk_errno(ENOSPC);
	if (fk->pinned + m->len > fk->memlock)
		return fk_errno(ENOMEM);
	fk->map[fk->n_map++] = *m;
	fk->pinned += m->len;
	if (fk->n_map > fk->peak_maps)
		fk->peak_maps = fk->n_map;
	return 0;
}

/* Only what was mapped, whole. */
static int remove_map(uint64_t iova, uint64_t len)
{
	uint32_t i;

	for (i = 0; i < fk->n_map; i++)
		if (fk->map[i].iova == iova && fk->map[i].len == len) {
			fk->map[i] = fk->map[--fk->n_map];
			fk->pinned -= len;
			return 0;
		}
	fk_broken("unmap of what is not mapped so");
	return fk_errno(EINVAL);
}

void *fk_reach(uint64_t iova, uint64_t len, uint32_t flags)
{
	uint32_t i;

	for (i = 0; i < fk->n_map; i++)
		if (iova >= fk->map[i].iova && iova - fk->map[i].iova < fk->map[i].len &&
		    len <= fk->map[i].len - (iova - fk->map[i].iova) &&
		    (fk->map[i].flags & flags) == flags && (fk->config[4] & 4))
			return (void *)(uintptr_t)(fk->map[i].va + (iova - fk->map[i].iova));
	return NULL;
}

/* --- group -------------------------------------------------------------------------------------------- */

bool fk_viable(void)
{
	return !fk->sibling || !fk->sibling_driver || strstr(fk->sibling_driver, "vfio");
}

static int device_fd(const char *name)
{
	char want[96];

	if (!fk->container_set || !fk->iommu_set)
		return fk_errno(EINVAL);
	if (fk->device_open)
		return fk_errno(EBUSY);
	if (strncmp(name, FK_BDF, strlen(FK_BDF)))
		return fk_errno(ENODEV);
	snprintf(want, sizeof(want), FK_BDF " vf_token=%s", fk->token ? fk->token : "");
	if (fk->token && strcmp(name, want))
		return fk_errno(EACCES);
	if (!fk->token && strcmp(name, FK_BDF))
		return fk_errno(EINVAL);
	fk->device_open = true;
	return fk_new_fd(FK_DEVICE, NULL);
}

int fk_group_ioctl(unsigned long request, void *arg)
{
	struct vfio_group_status *st = arg;
	int container;

	switch (request) {
	case VFIO_GROUP_GET_STATUS:
		if (st->argsz < sizeof(*st))
			return fk_errno(EINVAL);
		st->flags = fk_viable() ? VFIO_GROUP_FLAGS_VIABLE : 0;
		return 0;
	case VFIO_GROUP_SET_CONTAINER:
		memcpy(&container, arg, sizeof(container));
		if (fk->container_set || !fk_viable())
			return fk_errno(EINVAL);
		if (container < FK_FD || fk->fd[container - FK_FD].kind != FK_CONTAINER)
			return fk_errno(EBADF);
		fk->container_set = true;
		return 0;
	case VFIO_GROUP_GET_DEVICE_FD:
		return device_fd(arg);
	default:
		return fk_errno(ENOTTY);
	}
}

/* --- container ---------------------------------------------------------------------------------------- */

/* Puts a capability behind what is there, linked from *link. Not aligned, as Linux before 6.6. */
static void *add_cap(uint8_t *base, uint32_t *len, uint32_t **link, uint16_t id, uint32_t size)
{
	struct vfio_info_cap_header h = { .id = id, .version = 1 };
	void *cap = base + *len;

	memcpy(*link, len, sizeof(*len));
	memcpy(cap, &h, sizeof(h));
	*link = (uint32_t *)(void *)((uint8_t *)cap + offsetof(struct vfio_info_cap_header, next));
	*len += size;
	return cap;
}

/* As the kernel: what does not fit is not there, argsz tells how much it would be. */
static int get_info(struct vfio_iommu_type1_info *out)
{
	uint8_t room[1024] __attribute__((aligned(8))) = { 0 };
	struct vfio_iommu_type1_info *info = (void *)room;
	uint32_t len = sizeof(*info), *link = &info->cap_offset, argsz = out->argsz;
	uint8_t *cap;

	if (!fk->iommu_set || argsz < 16)
		return fk_errno(EINVAL);
	info->flags = VFIO_IOMMU_INFO_PGSIZES;
	info->iova_pgsizes = fk->pgsizes;
	if (fk->caps) {
		info->flags |= VFIO_IOMMU_INFO_CAPS;
		add_cap(room, &len, &link, 2, 32);
		cap = add_cap(room, &len, &link, VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL, 12);
		memcpy(cap + 8, &fk->dma_avail, 4);
		cap = add_cap(room, &len, &link, VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE,
			      16 + fk->n_range * 16);
		memcpy(cap + 8, &fk->n_range, 4);
		memcpy(cap + 16, fk->range, fk->n_range * 16);
	}
	info->argsz = len;
	if (argsz < len)
		info->cap_offset = 0;
	memcpy(out, info, argsz < len ? argsz : len);
	return 0;
}

static int map_dma(const struct vfio_iommu_type1_dma_map *m)
{
	struct fk_dma dma = { m->iova, m->vaddr, m->size, m->flags };

	if (!fk->iommu_set || fk->no_iommu || m->argsz < sizeof(*m) || (m->flags & ~3u))
		return fk_errno(EINVAL);
	return add_map(&dma, fk->dma_avail);
}

static int set_iommu(uintptr_t type)
{
	if (!fk->container_set || fk->iommu_set)
		return fk_errno(EINVAL);
	if (type != (fk->no_iommu ? VFIO_NOIOMMU_IOMMU : VFIO_TYPE1v2_IOMMU))
		return fk_errno(ENODEV);
	if (fk->no_remapping)
		return fk_errno(EPERM);
	fk->iommu_set = true;
	return 0;
}

int fk_container_ioctl(unsigned long request, void *arg)
{
	struct vfio_iommu_type1_dma_unmap *u = arg;

	switch (request) {
	case VFIO_GET_API_VERSION:
		return 0;
	case VFIO_CHECK_EXTENSION:
		return (uintptr_t)arg == (fk->no_iommu ? VFIO_NOIOMMU_IOMMU : VFIO_TYPE1v2_IOMMU);
	case VFIO_SET_IOMMU:
		return set_iommu((uintptr_t)arg);
	case VFIO_IOMMU_GET_INFO:
		return get_info(arg);
	case VFIO_IOMMU_MAP_DMA:
		return map_dma(arg);
	case VFIO_IOMMU_UNMAP_DMA:
		return u->flags ? fk_errno(EINVAL) : remove_map(u->iova, u->size);
	default:
		return fk_errno(ENOTTY);
	}
}

/* --- iommufd ------------------------------------------------------------------------------------------ */

static int iova_ranges(struct vk_ioas_iova_ranges *r)
{
	struct vk_range all = { 0, UINT64_MAX };
	const struct vk_range *have = fk->attached ? fk->range : &all;
	uint32_t n = fk->attached ? fk->n_range : 1, room = r->num_iovas;

	if (!fk->has_ioas || r->ioas_id != fk->ioas || r->reserved)
		return fk_errno(ENOENT);
	r->num_iovas = n;
	r->out_iova_alignment = fk->pgsizes & -fk->pgsizes;
	if (room)
		memcpy((void *)(uintptr_t)r->allowed_iovas, have,
		       (room < n ? room : n) * sizeof(*have));
	return room < n ? fk_errno(EMSGSIZE) : 0;
}

static int ioas_map(const struct vk_ioas_map *m)
{
	struct fk_dma dma = { m->iova, m->user_va, m->length, 0 };

	if (m->size != sizeof(*m) || m->reserved || !(m->flags & VK_MAP_FIXED_IOVA))
		return fk_errno(EINVAL);
	if (!fk->has_ioas || m->ioas_id != fk->ioas)
		return fk_errno(ENOENT);
	dma.flags = (m->flags & VK_MAP_READABLE ? 1 : 0) | (m->flags & VK_MAP_WRITEABLE ? 2 : 0);
	return add_map(&dma, UINT32_MAX);
}

int fk_iommufd_ioctl(unsigned long request, void *arg)
{
	struct vk_ioas_alloc *a = arg;
	struct vk_ioas_unmap *u = arg;

	switch (request) {
	case VK_IOAS_ALLOC:
		if (a->size != sizeof(*a) || a->flags)
			return fk_errno(EINVAL);
		if (fk->has_ioas)
			fk_broken("a second address space");
		fk->has_ioas = true;
		a->out_ioas_id = fk->ioas = 42;
		return 0;
	case VK_IOAS_IOVA_RANGES:
		return iova_ranges(arg);
	case VK_IOAS_MAP:
		return ioas_map(arg);
	case VK_IOAS_UNMAP:
		if (u->ioas_id != fk->ioas)
			return fk_errno(ENOENT);
		return remove_map(u->iova, u->length);
	default:
		return fk_errno(ENOTTY);
	}
}
