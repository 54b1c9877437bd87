/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's interface where <linux/vfio.h> of Debian 12 (Linux 6.1) does not have it yet: VFIO's
 * device nodes and iommufd. Names of our own, so that newer headers do not clash.
 */
#ifndef WEFT_VFIO_ABI_H
#define WEFT_VFIO_ABI_H

#include <stdint.h>
#include <sys/ioctl.h>

#include <linux/vfio.h>

/* --- device nodes, /dev/vfio/devices/vfioN: Linux 6.6 ------------------------------------------- */

#define VK_BIND_TOKEN 1u /* token_uuid is there: Linux 6.18; older kernels know no flag */

struct vk_bind_iommufd {
	uint32_t argsz;
	uint32_t flags;
	int32_t iommufd;
	uint32_t out_devid;
	uint64_t token_uuid; /* address of 16 bytes */
};
/* What kernels before the token read. */
#define VK_BIND_IOMMUFD_MIN 16u

struct vk_attach_pt {
	uint32_t argsz;
	uint32_t flags;
	uint32_t pt_id;
};

#define VK_DEVICE_BIND_IOMMUFD _IO(VFIO_TYPE, VFIO_BASE + 18)
#define VK_DEVICE_ATTACH_PT _IO(VFIO_TYPE, VFIO_BASE + 19)

/* --- iommufd, /dev/iommu: Linux 6.2 --------------------------------------------------------------- */

#define VK_IOMMUFD_TYPE ';'
#define VK_IOAS_ALLOC _IO(VK_IOMMUFD_TYPE, 0x81)
#define VK_IOAS_IOVA_RANGES _IO(VK_IOMMUFD_TYPE, 0x84)
#define VK_IOAS_MAP _IO(VK_IOMMUFD_TYPE, 0x85)
#define VK_IOAS_UNMAP _IO(VK_IOMMUFD_TYPE, 0x86)

struct vk_ioas_alloc {
	uint32_t size;
	uint32_t flags;
	uint32_t out_ioas_id;
};

struct vk_ioas_iova_ranges {
	uint32_t size;
	uint32_t ioas_id;
	uint32_t num_iovas; /* in: room, out: how many there are; -EMSGSIZE when more than room */
	uint32_t reserved;
	uint64_t allowed_iovas; /* address of the array, as struct vk_range */
	uint64_t out_iova_alignment;
};

#define VK_MAP_FIXED_IOVA 1u
#define VK_MAP_WRITEABLE 2u
#define VK_MAP_READABLE 4u

struct vk_ioas_map {
	uint32_t size;
	uint32_t flags;
	uint32_t ioas_id;
	uint32_t reserved;
	uint64_t user_va;
	uint64_t length;
	uint64_t iova;
};

struct vk_ioas_unmap {
	uint32_t size;
	uint32_t ioas_id;
	uint64_t iova;
	uint64_t length; /* out: bytes unmapped */
};

_Static_assert(sizeof(struct vk_bind_iommufd) == 24 && sizeof(struct vk_attach_pt) == 12,
	       "VFIO device nodes");
_Static_assert(sizeof(struct vk_ioas_alloc) == 12 && sizeof(struct vk_ioas_iova_ranges) == 32,
	       "iommufd, address spaces");
_Static_assert(sizeof(struct vk_ioas_map) == 40 && sizeof(struct vk_ioas_unmap) == 24,
	       "iommufd, maps");

#endif
