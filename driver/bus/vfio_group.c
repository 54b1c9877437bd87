/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IOMMU by group and container: /dev/vfio/N and /dev/vfio/vfio, type 1 version 2. And no-IOMMU mode,
 * where the kernel has no IOMMU to program: /dev/vfio/noiommu-N.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vfio.h"
#include "vfio_abi.h"

#define CONTAINER "/dev/vfio/vfio"
#define MAX_RANGES 4096u
#define PFN_MASK ((1ull << 55) - 1)
#define PAGE_PRESENT (1ull << 63)
/* For kernels before 5.4, which do not tell: what every IOMMU has, below x86's interrupts. */
#define OLD_FIRST 0x10000ull
#define OLD_LAST 0xfedfffffull
#define OLD_ENTRIES 65535u

/* --- who is in the group -------------------------------------------------------------------------- */

void vk_driver_name(const char *bdf, char *name, size_t room)
{
	char path[96];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver", bdf);
	if (vk_link_name(path, name, room))
		snprintf(name, room, "no driver");
}

struct holders {
	char *text;
	size_t room;
	size_t len;
	unsigned int n;
};

/* Drivers that leave a group usable: VFIO's own, those that do nothing, and bridges. */
static bool harmless(const char *driver)
{
	static const char *const known[] = { "no driver", "pci-stub", "pcieport" };
	unsigned int i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcmp(driver, known[i]))
			return true;
	return strstr(driver, "vfio") != NULL;
}

static void note_holder(void *arg, const char *name)
{
	struct holders *h = arg;
	char driver[64];
	int n;

	if (strlen(name) > 32)
		return;
	vk_driver_name(name, driver, sizeof(driver));
	if (harmless(driver))
		return;
	n = snprintf(h->text + h->len, h->room - h->len, "%s%s (%s)", h->n ? ", " : "", name,
		     driver);
	if (n > 0)
		h->len = h->len + (size_t)n < h->room ? h->len + (size_t)n : h->room - 1;
	h->n++;
}

unsigned int vk_group_holders(const struct vk_bus *vk, char *text, size_t room)
{
	struct holders h = { .text = text, .room = room };
	char path[96];

	text[0] = '\0';
	snprintf(path, sizeof(path), "/sys/kernel/iommu_groups/%s/devices", vk->group);
	vk_sys->list(path, note_holder, &h);
	return h.n;
}

/* --- type 1 --------------------------------------------------------------------------------------- */

static int type1_map(struct vk_bus *vk, uintptr_t va, uint64_t len, unsigned int prot,
		     uint64_t *iova)
{
	struct vfio_iommu_type1_dma_map m = {
		.argsz = sizeof(m), .vaddr = va, .iova = *iova, .size = len
	};

	if (prot & WEFT_DMA_READ)
		m.flags |= VFIO_DMA_MAP_FLAG_READ;
	if (prot & WEFT_DMA_WRITE)
		m.flags |= VFIO_DMA_MAP_FLAG_WRITE;
	return vk_ioctl(vk->container, VFIO_IOMMU_MAP_DMA, &m);
}

static int type1_unmap(struct vk_bus *vk, uintptr_t va, uint64_t iova, uint64_t len)
{
	struct vfio_iommu_type1_dma_unmap m = { .argsz = sizeof(m), .iova = iova, .size = len };
	int rc = vk_ioctl(vk->container, VFIO_IOMMU_UNMAP_DMA, &m);

	(void)va;
	if (rc < 0)
		return rc;
	return m.size == len ? 0 : -EIO; /* the kernel says how much it really unmapped */
}

static const struct vk_iommu type1 = { .name = "group", .map = type1_map, .unmap = type1_unmap };

/* Smallest page the IOMMU maps, which must not be more than ours. */
static int page_size(struct vk_bus *vk, uint64_t sizes, uint64_t *page)
{
	uint64_t ours = (uint64_t)sysconf(_SC_PAGESIZE);

	*page = sizes ? sizes & -sizes : PAGE;
	if (*page > ours)
		return vk_fail(vk, -EOPNOTSUPP,
			       "the IOMMU's smallest page has %llu bytes, this machine's %llu",
			       (unsigned long long)*page, (unsigned long long)ours);
	if (*page < PAGE)
		*page = PAGE;
	return 0;
}

_Static_assert(sizeof(struct vk_range) == sizeof(struct vfio_iova_range), "ranges are copied");

static int ranges_of(struct vk_bus *vk, const struct vfio_iommu_type1_info *info, uint64_t page)
{
	static const struct vk_range old = { OLD_FIRST, OLD_LAST };
	uint64_t limit = vk->opt.dma_bits < 64 ? (1ull << vk->opt.dma_bits) - 1 : UINT64_MAX;
	struct vfio_iommu_type1_info_cap_iova_range head;
	const uint8_t *cap = NULL, *end = (const uint8_t *)info + info->argsz;
	struct vk_range *range;
	int rc;

	if (info->flags & VFIO_IOMMU_INFO_CAPS)
		cap = vk_find_cap(info, info->argsz, info->cap_offset,
				  VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE, sizeof(head));
	if (!cap)
		return vk_iova_init(&vk->iova, &old, 1, limit, page);
	memcpy(&head, cap, sizeof(head)); /* old kernels align nothing */
	cap += sizeof(head);
	if (head.nr_iovas > (size_t)(end - cap) / sizeof(*range) || head.nr_iovas > MAX_RANGES)
		return -EINVAL;
	range = malloc((head.nr_iovas + 1) * sizeof(*range));
	if (!range)
		return -ENOMEM;
	memcpy(range, cap, head.nr_iovas * sizeof(*range));
	rc = vk_iova_init(&vk->iova, range, head.nr_iovas, limit, page);
	free(range);
	return rc;
}

static int type1_limits(struct vk_bus *vk)
{
	const struct vfio_iommu_type1_info ask = { .argsz = 0 }, *info;
	struct vfio_iommu_type1_info_dma_avail avail = { .avail = OLD_ENTRIES };
	const void *cap = NULL;
	uint64_t page = PAGE;
	void *room = NULL;
	int rc = vk_info(vk->container, VFIO_IOMMU_GET_INFO, &ask, sizeof(ask), &room);

	if (rc)
		return vk_fail(vk, rc, "the IOMMU's description: %s", strerror(-rc));
	info = room;
	if (info->flags & VFIO_IOMMU_INFO_CAPS)
		cap = vk_find_cap(info, info->argsz, info->cap_offset,
				  VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL, sizeof(avail));
	if (cap)
		memcpy(&avail, cap, sizeof(avail));
	vk->dma.max_entry = avail.avail;
	rc = page_size(vk, info->flags & VFIO_IOMMU_INFO_PGSIZES ? info->iova_pgsizes : 0, &page);
	if (!rc) {
		rc = ranges_of(vk, info, page);
		if (rc)
			vk_fail(vk, rc, "the IOMMU's address ranges: %s",
				rc == -ENOSPC ? "none is usable" : strerror(-rc));
	}
	free(room);
	return rc;
}

/* --- no IOMMU --------------------------------------------------------------------------------------- */

/* Physical address of the page at va. It stays there: the memory is locked. */
static int physical(int pagemap, uintptr_t va, uint64_t page, uint64_t *pa)
{
	uint64_t entry = 0;

	if (vk_sys->pread(pagemap, &entry, sizeof(entry), va / page * sizeof(entry)) !=
	    sizeof(entry))
		return -EIO;
	if (!(entry & PAGE_PRESENT) || !(entry & PFN_MASK))
		return -EPERM; /* the kernel hides page numbers from those who may not know */
	*pa = (entry & PFN_MASK) * page;
	return 0;
}

static int contiguous(struct vk_bus *vk, int pagemap, uintptr_t va, uint64_t len, uint64_t *iova)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), off, pa;
	int rc = physical(pagemap, va, page, iova);

	for (off = page; !rc && off < len; off += page) {
		rc = physical(pagemap, va + off, page, &pa);
		if (!rc && pa != *iova + off)
			rc = -EOPNOTSUPP;
	}
	if (rc == -EOPNOTSUPP)
		return vk_fail(
			vk, rc,
			"no IOMMU: memory at %p is not physically contiguous (huge pages are)",
			(void *)va);
	return rc ? vk_fail(vk, rc, "no IOMMU: /proc/self/pagemap: %s", strerror(-rc)) : 0;
}

static int none_map(struct vk_bus *vk, uintptr_t va, uint64_t len, unsigned int prot,
		    uint64_t *iova)
{
	int pagemap, rc;

	(void)prot; /* nobody checks */
	if (vk_sys->mlock((const void *)va, len))
		return -errno;
	pagemap = vk_sys->open("/proc/self/pagemap", O_RDONLY);
	rc = pagemap < 0 ? -errno : contiguous(vk, pagemap, va, len, iova);
	vk_close_fd(&pagemap);
	if (rc)
		vk_sys->munlock((const void *)va, len);
	return rc;
}

static int none_unmap(struct vk_bus *vk, uintptr_t va, uint64_t iova, uint64_t len)
{
	(void)vk;
	(void)iova;
	vk_sys->munlock((const void *)va, len);
	return 0;
}

static const struct vk_iommu none = {
	.name = "no-IOMMU", .no_iova = true, .map = none_map, .unmap = none_unmap
};

static bool is_no_iommu(const struct vk_bus *vk)
{
	char path[96], name[32] = "";
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/sys/kernel/iommu_groups/%s/name", vk->group);
	fd = vk_sys->open(path, O_RDONLY);
	if (fd < 0)
		return false; /* real groups have no name */
	n = vk_sys->read(fd, name, sizeof(name) - 1);
	vk_close_fd(&fd);
	return n > 0 && !strncmp(name, "vfio-noiommu", 12);
}

/* --- group and container ---------------------------------------------------------------------------- */

static int open_group(struct vk_bus *vk, bool no_iommu)
{
	char path[64], driver[64];
	int rc;

	snprintf(path, sizeof(path), "/dev/vfio/%s%s", no_iommu ? "noiommu-" : "", vk->group);
	vk->group_fd = vk_sys->open(path, O_RDWR);
	if (vk->group_fd >= 0)
		return 0;
	rc = -errno;
	vk_driver_name(vk->bdf, driver, sizeof(driver));
	if (rc == -ENOENT)
		return vk_fail(vk, rc, "%s is not there: the device has %s, bind it to vfio-pci",
			       path, driver);
	if (rc == -EACCES || rc == -EPERM)
		return vk_fail(vk, no_iommu ? -EPERM : -EACCES,
			       "no access to %s: its owner or group must be yours (udev rule)%s",
			       path, no_iommu ? ", and CAP_SYS_RAWIO is needed" : "");
	if (rc == -EBUSY)
		return vk_fail(vk, rc, "%s is in use by another program", path);
	return vk_fail(vk, rc, "%s: %s", path, strerror(-rc));
}

static int check_viable(struct vk_bus *vk)
{
	struct vfio_group_status st = { .argsz = sizeof(st) };
	char who[160];
	int rc = vk_ioctl(vk->group_fd, VFIO_GROUP_GET_STATUS, &st);

	if (rc < 0)
		return vk_fail(vk, rc, "group %s: %s", vk->group, strerror(-rc));
	if (st.flags & VFIO_GROUP_FLAGS_VIABLE)
		return 0;
	vk_group_holders(vk, who, sizeof(who));
	return vk_fail(vk, -EBUSY, "IOMMU group %s also holds %s: unbind them", vk->group,
		       *who ? who : "devices of other drivers");
}

static int open_container(struct vk_bus *vk, bool no_iommu)
{
	int rc;

	vk->container = vk_sys->open(CONTAINER, O_RDWR);
	if (vk->container < 0)
		return vk_fail(vk, -errno, CONTAINER ": %s%s", strerror(errno),
			       errno == ENOENT ? " (modprobe vfio)" : "");
	rc = vk_ioctl(vk->container, VFIO_GET_API_VERSION, NULL);
	if (rc != VFIO_API_VERSION)
		return vk_fail(vk, rc < 0 ? rc : -EOPNOTSUPP, "VFIO of version %d, not %d", rc,
			       VFIO_API_VERSION);
	rc = vk_ioctl(vk->container, VFIO_CHECK_EXTENSION,
		      (void *)(uintptr_t)(no_iommu ? VFIO_NOIOMMU_IOMMU : VFIO_TYPE1v2_IOMMU));
	if (rc <= 0)
		return vk_fail(vk, -EOPNOTSUPP, "this kernel's VFIO has no %s",
			       no_iommu ? "no-IOMMU mode" :
					  "type 1 version 2 (modprobe vfio_iommu_type1)");
	return 0;
}

static int join(struct vk_bus *vk, bool no_iommu)
{
	int rc = vk_ioctl(vk->group_fd, VFIO_GROUP_SET_CONTAINER, &vk->container);

	if (rc < 0)
		return vk_fail(vk, rc, "group %s: container: %s", vk->group, strerror(-rc));
	rc = vk_ioctl(vk->container, VFIO_SET_IOMMU,
		      (void *)(uintptr_t)(no_iommu ? VFIO_NOIOMMU_IOMMU : VFIO_TYPE1v2_IOMMU));
	if (rc == -EPERM)
		return vk_fail(vk, rc,
			       no_iommu ?
				       "no-IOMMU mode needs CAP_SYS_RAWIO" :
				       "the IOMMU does not remap interrupts, a device could forge "
				       "them: the kernel refuses");
	return rc < 0 ? vk_fail(vk, rc, "group %s: IOMMU: %s", vk->group, strerror(-rc)) : 0;
}

static int device_of_group(struct vk_bus *vk)
{
	const uint8_t *t = vk->opt.token;
	char name[96];
	int n = snprintf(name, sizeof(name), "%s", vk->bdf);

	if (vk->opt.token_set)
		snprintf(
			name + n, sizeof(name) - (size_t)n,
			" vf_token=%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
			t[0], t[1], t[2], t[3], t[4], t[5], t[6], t[7], t[8], t[9], t[10], t[11],
			t[12], t[13], t[14], t[15]);
	n = vk_ioctl(vk->group_fd, VFIO_GROUP_GET_DEVICE_FD, name);
	if (n >= 0) {
		vk->device = n;
		return 0;
	}
	if (n == -EACCES)
		return vk_fail(vk, n,
			       vk->opt.token_set ?
				       "the kernel wants another VF token" :
				       "a virtual function: its token is wanted (token=UUID)");
	return vk_fail(vk, n, "group %s does not give the device: %s", vk->group, strerror(-n));
}

int vk_open_group(struct vk_bus *vk)
{
	bool no_iommu = is_no_iommu(vk);
	int rc;

	if (no_iommu && !vk->opt.allow_no_iommu)
		return vk_fail(vk, -EPERM,
			       "no IOMMU guards it: it could write to any memory; to take it all "
			       "the same: noiommu=allow");
	rc = open_group(vk, no_iommu);
	if (!rc)
		rc = check_viable(vk);
	if (!rc)
		rc = open_container(vk, no_iommu);
	if (!rc)
		rc = join(vk, no_iommu);
	if (!rc && !no_iommu)
		rc = type1_limits(vk);
	if (!rc)
		rc = device_of_group(vk);
	if (rc)
		return rc;
	vk->iommu = no_iommu ? &none : &type1;
	if (no_iommu) {
		vk->dma.max_entry = OLD_ENTRIES;
		vk->iova.page = (uint64_t)sysconf(_SC_PAGESIZE);
	}
	return 0;
}
