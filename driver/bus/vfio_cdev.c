/* SPDX-License-Identifier: BSD-2-Clause */
/* IOMMU by device node and iommufd: /dev/vfio/devices/vfioN and /dev/iommu, Linux 6.6 and later. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vfio.h"
#include "vfio_abi.h"

#define IOMMU "/dev/iommu"
#define MAX_RANGES 4096u

/* --- maps ----------------------------------------------------------------------------------------- */

static int ioas_map(struct vk_bus *vk, uintptr_t va, uint64_t len, unsigned int prot,
		    uint64_t *iova)
{
	struct vk_ioas_map m = { .size = sizeof(m),
				 .flags = VK_MAP_FIXED_IOVA,
				 .ioas_id = vk->ioas,
				 .user_va = va,
				 .length = len,
				 .iova = *iova };

	if (prot & WEFT_DMA_READ)
		m.flags |= VK_MAP_READABLE;
	if (prot & WEFT_DMA_WRITE)
		m.flags |= VK_MAP_WRITEABLE;
	return vk_ioctl(vk->container, VK_IOAS_MAP, &m);
}

static int ioas_unmap(struct vk_bus *vk, uintptr_t va, uint64_t iova, uint64_t len)
{
	struct vk_ioas_unmap m = {
		.size = sizeof(m), .ioas_id = vk->ioas, .iova = iova, .length = len
	};
	int rc = vk_ioctl(vk->container, VK_IOAS_UNMAP, &m);

	(void)va;
	if (rc < 0)
		return rc;
	return m.length == len ? 0 : -EIO;
}

static const struct vk_iommu iommufd = { .name = "cdev", .map = ioas_map, .unmap = ioas_unmap };

/* --- address ranges ------------------------------------------------------------------------------- */

/* Asks with room for n ranges; *n: how many there are. */
static int ask_ranges(struct vk_bus *vk, struct vk_range *range, uint32_t *n, uint64_t *align)
{
	struct vk_ioas_iova_ranges r = { .size = sizeof(r),
					 .ioas_id = vk->ioas,
					 .num_iovas = *n,
					 .allowed_iovas = (uintptr_t)range };
	int rc = vk_ioctl(vk->container, VK_IOAS_IOVA_RANGES, &r);

	*n = r.num_iovas;
	*align = r.out_iova_alignment;
	return rc;
}

static int get_ranges(struct vk_bus *vk)
{
	uint64_t limit = vk->opt.dma_bits < 64 ? (1ull << vk->opt.dma_bits) - 1 : UINT64_MAX;
	uint64_t align = 0, ours = (uint64_t)sysconf(_SC_PAGESIZE);
	struct vk_range *range = NULL;
	uint32_t n = 0, room;
	int rc = ask_ranges(vk, NULL, &n, &align);

	if (rc < 0 && rc != -EMSGSIZE)
		return rc;
	if (!n || n > MAX_RANGES)
		return n ? -EINVAL : -ENOSPC;
	room = n;
	range = calloc(n, sizeof(*range));
	if (!range)
		return -ENOMEM;
	rc = ask_ranges(vk, range, &n, &align);
	if (rc >= 0 && (n > room || align > ours || (align & (align - 1))))
		rc = -EINVAL;
	if (rc >= 0)
		rc = vk_iova_init(&vk->iova, range, n, limit, align > PAGE ? align : PAGE);
	free(range);
	return rc;
}

/* --- opening -------------------------------------------------------------------------------------- */

struct node {
	char name[32];
};

static void note_node(void *arg, const char *name)
{
	struct node *node = arg;

	if (!strncmp(name, "vfio", 4) && strlen(name) < sizeof(node->name))
		strcpy(node->name, name);
}

static int open_nodes(struct vk_bus *vk)
{
	struct node node = { "" };
	char path[96];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/vfio-dev", vk->bdf);
	if (vk_sys->list(path, note_node, &node) || !*node.name)
		return vk_fail(vk, -ENOENT,
			       "no device node: not bound to vfio-pci, or Linux < 6.6");
	snprintf(path, sizeof(path), "/dev/vfio/devices/%s", node.name);
	vk->device = vk_sys->open(path, O_RDWR);
	if (vk->device < 0)
		return vk_fail(vk, -errno, "%s: %s%s", path, strerror(errno),
			       errno == EACCES ? " (udev rule)" : "");
	vk->container = vk_sys->open(IOMMU, O_RDWR);
	if (vk->container < 0)
		return vk_fail(vk, -errno, IOMMU ": %s%s", strerror(errno),
			       errno == ENOENT ? " (modprobe iommufd)" : "");
	return 0;
}

static int bind_iommufd(struct vk_bus *vk)
{
	struct vk_bind_iommufd b = { .argsz = VK_BIND_IOMMUFD_MIN, .iommufd = vk->container };
	char who[160];
	int rc;

	if (vk->opt.token_set) {
		b.argsz = sizeof(b);
		b.flags = VK_BIND_TOKEN;
		b.token_uuid = (uintptr_t)vk->opt.token;
	}
	rc = vk_ioctl(vk->device, VK_DEVICE_BIND_IOMMUFD, &b);
	if (rc >= 0)
		return 0;
	if (rc == -EINVAL &&
	    vk->opt.token_set) /* or a function that has no token: the group tells */
		return vk_fail(vk, -EOPNOTSUPP, "this kernel takes no VF token by device node");
	if (rc == -EACCES)
		return vk_fail(vk, rc,
			       vk->opt.token_set ?
				       "the kernel wants another VF token" :
				       "a virtual function: its token is wanted (token=UUID)");
	if (rc == -EPERM)
		return vk_fail(vk, rc,
			       "the IOMMU does not remap interrupts, a device could forge them: "
			       "the kernel refuses");
	if (rc == -EBUSY || rc == -EINVAL) { /* -EINVAL: another program has bound this node */
		vk_group_holders(vk, who, sizeof(who));
		return vk_fail(vk, -EBUSY,
			       *who ? "IOMMU group %s also holds %s: unbind them" :
				      "in use by another program (IOMMU group %s)%s",
			       vk->group, who);
	}
	return vk_fail(vk, rc, "binding to " IOMMU ": %s", strerror(-rc));
}

static int attach(struct vk_bus *vk)
{
	struct vk_ioas_alloc a = { .size = sizeof(a) };
	struct vk_attach_pt pt = { .argsz = sizeof(pt) };
	int rc = vk_ioctl(vk->container, VK_IOAS_ALLOC, &a);

	if (rc < 0)
		return vk_fail(vk, rc, IOMMU ": address space: %s", strerror(-rc));
	vk->ioas = pt.pt_id = a.out_ioas_id;
	rc = vk_ioctl(vk->device, VK_DEVICE_ATTACH_PT, &pt);
	if (rc < 0)
		return vk_fail(vk, rc, "attaching to an address space: %s", strerror(-rc));
	rc = get_ranges(vk);
	return rc < 0 ? vk_fail(vk, rc, "the IOMMU's address ranges: %s",
				rc == -ENOSPC ? "none is usable" : strerror(-rc)) :
			0;
}

int vk_open_cdev(struct vk_bus *vk)
{
	int rc = open_nodes(vk);

	if (!rc)
		rc = bind_iommufd(vk);
	if (!rc)
		rc = attach(vk);
	if (rc)
		return rc;
	vk->iommu = &iommufd;
	vk->dma.max_entry = UINT32_MAX; /* iommufd knows no limit but memory */
	return 0;
}
