/* SPDX-License-Identifier: BSD-2-Clause */
/* The device's fd: what it is, its registers, configuration space, reset. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "vfio.h"
#include "vfio_abi.h"

#define CONFIG_COMMAND 0x04u
#define COMMAND_MEMORY 0x2u
#define COMMAND_MASTER 0x4u
#define INFO_MAX (1u << 20) /* bytes of a description with its capabilities */
#define RESET_TRIES 100u    /* while another thread of the kernel holds the device */
#define RESET_PAUSE_MS 10u

/* Registers and memory in order: what was written to memory is there before the doorbell is. */
#if defined(__x86_64__)
#define write_barrier() __asm__ volatile("" ::: "memory") /* registers are not cached */
#define read_barrier() __asm__ volatile("" ::: "memory")
#elif defined(__aarch64__)
#define write_barrier() __asm__ volatile("dmb oshst" ::: "memory")
#define read_barrier() __asm__ volatile("dmb oshld" ::: "memory")
#else
#define write_barrier() __sync_synchronize()
#define read_barrier() __sync_synchronize()
#endif

/* --- configuration space -------------------------------------------------------------------------- */

int vk_config_read(struct vk_bus *vk, uint32_t off, void *buf, size_t len)
{
	ssize_t n;

	if (off + len > vk->config.size)
		return -EPROTO;
	do
		n = vk_sys->pread(vk->device, buf, len, vk->config.off + off);
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)len ? 0 : n < 0 ? -errno : -EIO;
}

static int config_write(struct vk_bus *vk, uint32_t off, const void *buf, size_t len)
{
	ssize_t n;

	do
		n = vk_sys->pwrite(vk->device, buf, len, vk->config.off + off);
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)len ? 0 : n < 0 ? -errno : -EIO;
}

static int bus_master(struct vk_bus *vk, bool on)
{
	uint16_t was = 0, is = 0, want;
	int rc = vk_config_read(vk, CONFIG_COMMAND, &was, sizeof(was));

	want = on ? was | COMMAND_MEMORY | COMMAND_MASTER : was & (uint16_t)~COMMAND_MASTER;
	if (!rc && want != was)
		rc = config_write(vk, CONFIG_COMMAND, &want, sizeof(want));
	if (!rc)
		rc = vk_config_read(vk, CONFIG_COMMAND, &is, sizeof(is));
	if (rc)
		return vk_fail(vk, rc == -EPROTO ? rc : -ENODEV, "configuration space: %s",
			       strerror(-rc));
	if (is == 0xffff)
		return vk_fail(vk, -ENODEV, "the device is gone");
	if ((is ^ want) & COMMAND_MASTER)
		return vk_fail(vk, -EPROTO, "bus mastering cannot be switched %s",
			       on ? "on" : "off");
	return 0;
}

/* --- registers ------------------------------------------------------------------------------------ */

static volatile uint32_t *reg_at(const struct vk_bus *vk, uint32_t off)
{
	unsigned int i;

	for (i = 0; i < vk->n_area; i++)
		if (off >= vk->area[i].off && off - vk->area[i].off < vk->area[i].len)
			return (volatile uint32_t *)(void *)(vk->area[i].at +
							     (off - vk->area[i].off));
	return NULL;
}

/* Notes that the device is gone, and how we know. */
static int gone(struct vk_bus *vk)
{
	if (!atomic_exchange(&vk->gone, true))
		vk_fail(vk, -ENODEV, "the device is gone");
	return -ENODEV;
}

/* All ones may be a register's value: the vendor id never is while the device is there. */
static int check_gone(struct vk_bus *vk)
{
	uint16_t vendor = 0xffff;

	if (vk_irq_check(vk))
		return -ENODEV;
	if (vk_config_read(vk, 0, &vendor, sizeof(vendor)) || vendor == 0xffff)
		return gone(vk);
	return 0;
}

static int read_fd(struct vk_bus *vk, uint32_t off, uint32_t *val)
{
	ssize_t n;

	do
		n = vk_sys->pread(vk->device, val, sizeof(*val), vk->bar.off + off);
	while (n < 0 && errno == EINTR);
	if (n == sizeof(*val))
		return 0;
	*val = ~0u;
	return n < 0 ? -errno : -EIO;
}

int vk_read32(struct weft_bus *bus, uint32_t off, uint32_t *val)
{
	struct vk_bus *vk = (struct vk_bus *)bus;
	volatile uint32_t *reg;
	int rc = 0;

	*val = ~0u;
	if (off % 4 || off >= vk->bar.size || vk->bar.size - off < 4)
		return -EINVAL;
	if (atomic_load_explicit(&vk->gone, memory_order_relaxed))
		return -ENODEV;
	reg = reg_at(vk, off);
	if (reg) {
		*val = *reg;
		read_barrier();
	} else {
		rc = read_fd(vk, off, val);
	}
	if (*val != ~0u)
		return 0;
	return check_gone(vk) ? -ENODEV : rc;
}

int vk_write32(struct weft_bus *bus, uint32_t off, uint32_t val)
{
	struct vk_bus *vk = (struct vk_bus *)bus;
	volatile uint32_t *reg;
	ssize_t n;

	if (off % 4 || off >= vk->bar.size || vk->bar.size - off < 4)
		return -EINVAL;
	if (atomic_load_explicit(&vk->gone, memory_order_relaxed))
		return -ENODEV;
	reg = reg_at(vk, off);
	write_barrier();
	if (reg) {
		*reg = val;
		return 0;
	}
	do
		n = vk_sys->pwrite(vk->device, &val, sizeof(val), vk->bar.off + off);
	while (n < 0 && errno == EINTR);
	if (n == sizeof(val))
		return 0;
	n = n < 0 ? -errno : -EIO;
	return check_gone(vk) ? -ENODEV : (int)n;
}

/* --- regions -------------------------------------------------------------------------------------- */

const void *vk_find_cap(const void *info, size_t len, uint32_t first, uint16_t id, size_t min)
{
	const uint8_t *base = info;
	struct vfio_info_cap_header h;
	uint32_t at = first, last = 0;

	/* The kernel puts them one behind the other: a chain that turns back has no end. */
	while (at > last && len >= sizeof(h) && at <= len - sizeof(h) && at % 4 == 0) {
		memcpy(&h, base + at, sizeof(h));
		if (h.id == id)
			return len - at >= min ? base + at : NULL;
		last = at;
		at = h.next;
	}
	return NULL;
}

int vk_info(int fd, unsigned long request, const void *ask, uint32_t size, void **out)
{
	uint32_t room = size, want;
	void *info = NULL, *more;
	int rc;

	for (;;) {
		more = realloc(info, room);
		if (!more) {
			rc = -ENOMEM;
			break;
		}
		info = more;
		memset(info, 0, room);
		memcpy(info, ask, size);
		memcpy(info, &room, sizeof(room));
		rc = vk_ioctl(fd, request, info);
		memcpy(&want, info, sizeof(want));
		if (rc < 0 || want <= room || room > size)
			break;
		room = want;
		if (room > INFO_MAX) {
			rc = -EPROTO;
			break;
		}
	}
	if (rc < 0) {
		free(info);
		return rc;
	}
	memcpy(info, &room, sizeof(room)); /* as much as there is */
	*out = info;
	return 0;
}

/* A region's description. Free it. */
static int region_info(struct vk_bus *vk, uint32_t index, struct vfio_region_info **out)
{
	struct vfio_region_info ask = { .index = index };
	void *info = NULL;
	int rc = vk_info(vk->device, VFIO_DEVICE_GET_REGION_INFO, &ask, sizeof(ask), &info);

	*out = info;
	return rc ? vk_fail(vk, rc, "region %u: %s", index, strerror(-rc)) : 0;
}

static void map_area(struct vk_bus *vk, uint64_t off, uint64_t len)
{
	struct vk_area *area = &vk->area[vk->n_area];
	void *at;

	if (vk->n_area == VK_MAX_AREAS || !len || off % PAGE || len % PAGE || off > vk->bar.size ||
	    len > vk->bar.size - off)
		return;
	at = vk_sys->mmap(len, vk->device, vk->bar.off + off);
	if (at == MAP_FAILED)
		return; /* slower, but the kernel serves these registers itself */
	*area = (struct vk_area){ off, len, at };
	vk->n_area++;
}

/* Maps what the kernel allows to: all, or the areas it lists. */
static void map_bar(struct vk_bus *vk, const struct vfio_region_info *info)
{
	struct vfio_region_sparse_mmap_area area;
	struct vfio_region_info_cap_sparse_mmap head;
	const uint8_t *cap = NULL, *end = (const uint8_t *)info + info->argsz;
	uint32_t i;

	if (!(info->flags & VFIO_REGION_INFO_FLAG_MMAP))
		return;
	if (info->flags & VFIO_REGION_INFO_FLAG_CAPS)
		cap = vk_find_cap(info, info->argsz, info->cap_offset,
				  VFIO_REGION_INFO_CAP_SPARSE_MMAP, sizeof(head));
	if (!cap) {
		map_area(vk, 0, info->size);
		return;
	}
	memcpy(&head, cap, sizeof(head)); /* old kernels align nothing */
	cap += sizeof(head);
	for (i = 0; i < head.nr_areas && (size_t)(end - cap) >= sizeof(area); i++) {
		memcpy(&area, cap, sizeof(area));
		map_area(vk, area.offset, area.size);
		cap += sizeof(area);
	}
}

#define READ_WRITE (VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE)

static int init_config(struct vk_bus *vk)
{
	struct vfio_region_info *info = NULL;
	int rc = region_info(vk, VFIO_PCI_CONFIG_REGION_INDEX, &info);

	if (rc)
		return rc;
	vk->config = (struct vk_region){ info->offset, info->size };
	if ((info->flags & READ_WRITE) != READ_WRITE || info->size < 256)
		rc = vk_fail(vk, -EPROTO, "no configuration space");
	free(info);
	return rc;
}

static int init_bar(struct vk_bus *vk)
{
	struct vfio_region_info *info = NULL;
	int rc = region_info(vk, VFIO_PCI_BAR0_REGION_INDEX + vk->opt.bar, &info);
	bool rw;

	if (rc)
		return rc;
	rw = (info->flags & READ_WRITE) == READ_WRITE;
	vk->bar = (struct vk_region){ info->offset, info->size };
	if (!info->size || info->size < vk->opt.bar_size || !rw)
		rc = vk_fail(vk, -EPROTO, "BAR %u has %llu bytes, %llu are wanted%s", vk->opt.bar,
			     (unsigned long long)info->size, (unsigned long long)vk->opt.bar_size,
			     rw ? "" : ", to read and write");
	else
		map_bar(vk, info);
	free(info);
	return rc;
}

/* --- the device ----------------------------------------------------------------------------------- */

static int check_id(struct vk_bus *vk)
{
	uint16_t id[2] = { 0xffff, 0xffff };
	int rc = vk_config_read(vk, 0, id, sizeof(id));

	if (rc || id[0] == 0xffff)
		return vk_fail(vk, -ENODEV,
			       "the device is gone: its configuration space does not answer%s%s",
			       rc ? ": " : "", rc ? strerror(-rc) : "");
	if ((vk->opt.vendor && vk->opt.vendor != id[0]) ||
	    (vk->opt.device && vk->opt.device != id[1]))
		return vk_fail(vk, -ENODEV, "PCI device %04x:%04x is not %04x:%04x", id[0], id[1],
			       vk->opt.vendor, vk->opt.device);
	return 0;
}

static int try_reset(struct vk_bus *vk)
{
	unsigned int i;
	int rc = -EAGAIN;

	for (i = 0; i < RESET_TRIES && rc == -EAGAIN; i++) {
		if (i)
			vk_sys->nap(RESET_PAUSE_MS);
		rc = vk_ioctl(vk->device, VFIO_DEVICE_RESET, NULL);
	}
	return rc == -EAGAIN ? -EBUSY : rc;
}

int vk_device_reset(struct vk_bus *vk)
{
	int rc;

	if (atomic_load(&vk->gone))
		return -ENODEV;
	if (!vk->can_reset)
		return vk_fail(vk, -EOPNOTSUPP,
			       "the kernel knows no way to reset this device (no FLR)");
	rc = try_reset(vk);
	if (rc < 0)
		return check_gone(vk) ? -ENODEV : vk_fail(vk, rc, "reset: %s", strerror(-rc));
	return bus_master(vk, true);
}

void vk_device_rest(struct vk_bus *vk)
{
	/* First, so that it falls silent even where it cannot be reset; the kernel's reset keeps it. */
	if (!bus_master(vk, false) && vk->can_reset)
		try_reset(vk);
}

int vk_device_init(struct vk_bus *vk)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };
	int rc = vk_ioctl(vk->device, VFIO_DEVICE_GET_INFO, &info);

	if (rc < 0)
		return vk_fail(vk, rc, "device: %s", strerror(-rc));
	if (!(info.flags & VFIO_DEVICE_FLAGS_PCI) ||
	    info.num_regions <= VFIO_PCI_CONFIG_REGION_INDEX ||
	    info.num_irqs <= VFIO_PCI_MSIX_IRQ_INDEX)
		return vk_fail(vk, -EPROTO, "no PCI device, says the kernel");
	vk->can_reset = info.flags & VFIO_DEVICE_FLAGS_RESET;
	rc = init_config(vk);
	if (!rc)
		rc = check_id(vk);
	if (!rc)
		rc = init_bar(vk);
	if (rc)
		return rc;
	vk->up = true;
	return vk->can_reset ? vk_device_reset(vk) : bus_master(vk, true);
}

void vk_device_fini(struct vk_bus *vk)
{
	while (vk->n_area) {
		struct vk_area *area = &vk->area[--vk->n_area];

		vk_sys->munmap(area->at, area->len);
	}
}
