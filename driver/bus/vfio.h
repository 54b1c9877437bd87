/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the Linux VFIO bus share. "vk": VFIO of the kernel, as "vu" is vfio-user.
 *
 * vfio.c         names and options, open and close, the bus's operations
 * vfio_device.c  the device's fd: regions, registers, configuration space, reset
 * vfio_irq.c     interrupts, error and removal events
 * vfio_group.c   IOMMU by group and container (type 1, version 2), and without an IOMMU
 * vfio_cdev.c    IOMMU by device node and iommufd
 * vfio_iova.c    allocator of I/O addresses
 * vfio_dma.c     mappings
 * vfio_sys.c     the system calls
 */
#ifndef WEFT_VFIO_H
#define WEFT_VFIO_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <weft/bus.h>

#include "../internal.h"

/* --- system calls ------------------------------------------------------------------------------- */

/*
 * All that the bus asks of the kernel, so that a test can stand in its place. Return values as the C
 * library's: -1 and errno.
 */
struct vk_sys {
	int (*open)(const char *path, int flags);
	int (*close)(int fd);
	int (*ioctl)(int fd, unsigned long request, void *arg);
	void *(*mmap)(size_t len, int fd, uint64_t offset); /* shared, to read and write */
	int (*munmap)(void *addr, size_t len);
	ssize_t (*pread)(int fd, void *buf, size_t len, uint64_t offset);
	ssize_t (*pwrite)(int fd, const void *buf, size_t len, uint64_t offset);
	ssize_t (*read)(int fd, void *buf, size_t len);
	ssize_t (*write)(int fd, const void *buf, size_t len);
	bool (*readable)(int fd);                     /* now */
	int (*eventfd)(void);                         /* close on exec, non-blocking */
	int (*epoll)(const int *fds, unsigned int n); /* readable when one of fds is */
	ssize_t (*readlink)(const char *path, char *buf, size_t len);
	/* Calls each for every name in a folder. */
	int (*list)(const char *path, void (*each)(void *arg, const char *name), void *arg);
	int (*memlock)(uint64_t *bytes); /* RLIMIT_MEMLOCK, UINT64_MAX: unlimited */
	int (*mlock)(const void *addr, size_t len);
	int (*munlock)(const void *addr, size_t len);
	void (*nap)(unsigned int ms);
};

extern const struct vk_sys *vk_sys;

/* ioctl, repeated after a signal. What it returns (0 or more), or a negative errno. */
int vk_ioctl(int fd, unsigned long request, void *arg);
/* Closes *fd unless it is -1, and makes it -1. */
void vk_close_fd(int *fd);
/* The last part of a link's target, e.g. the driver's name. -ENAMETOOLONG, or readlink's error. */
int vk_link_name(const char *path, char *name, size_t room);

/* --- I/O addresses ------------------------------------------------------------------------------ */

struct vk_range {
	uint64_t first;
	uint64_t last; /* inclusive */
};

/*
 * Free ranges, sorted, never touching each other. Addresses are handed out in a round, so that one
 * that was given back is not used again at once and a stale access finds nothing.
 */
struct vk_iova {
	struct vk_range *free;
	unsigned int n;
	unsigned int room;
	unsigned int n_start; /* ranges at first */
	unsigned int n_used;
	uint64_t page;
	uint64_t next;
};

/*
 * Takes over n ranges (any order; those of hostile sysfs too), cut to whole pages, without page 0
 * and without what lies above limit. -ENOSPC: nothing is left; -EINVAL: a range ends before it
 * starts, or two overlap; -ENOMEM.
 */
int vk_iova_init(struct vk_iova *it, const struct vk_range *range, unsigned int n, uint64_t limit,
		 uint64_t page);
void vk_iova_fini(struct vk_iova *it);
/*
 * len bytes (whole pages), and a page behind them that stays free. For big pieces the address is
 * like, modulo 2 MiB, so that the IOMMU can use its big pages. -ENOSPC, -ENOMEM.
 */
int vk_iova_get(struct vk_iova *it, uint64_t len, uint64_t like, uint64_t *iova);
/* Gives back exactly what was got. Cannot fail. */
void vk_iova_put(struct vk_iova *it, uint64_t iova, uint64_t len);

/* --- the bus -------------------------------------------------------------------------------------- */

struct vk_bus;

/* A way to the IOMMU. */
struct vk_iommu {
	const char *name;
	bool no_iova; /* map says which address the device sees */
	int (*map)(struct vk_bus *vk, uintptr_t va, uint64_t len, unsigned int prot,
		   uint64_t *iova);
	int (*unmap)(struct vk_bus *vk, uintptr_t va, uint64_t iova, uint64_t len);
};

/* What the kernel has mapped as one entry. */
struct vk_entry {
	uintptr_t va;
	uint64_t iova;
	uint64_t len;
	unsigned int prot;
	struct vk_map *maps; /* of the program's, inside it */
};

/* Entries sorted by one of their addresses. */
struct vk_index {
	struct vk_entry **e;
	size_t n;
	size_t room;
};

struct vk_dma {
	pthread_mutex_t lock;
	struct vk_index by_va;
	struct vk_index by_iova;
	uint64_t longest;   /* entry there ever was */
	uint64_t bytes;     /* of all entries: what counts as locked memory */
	uint32_t max_entry; /* how many the kernel allows */
};

#define VK_MAX_AREAS 8u

/* A part of the BAR in this process's memory. */
struct vk_area {
	uint64_t off;
	uint64_t len;
	uint8_t *at;
};

struct vk_region {
	uint64_t off; /* in the device's fd */
	uint64_t size;
};

struct vk_bus {
	struct weft_bus bus;
	struct weft_vfio_options opt;
	char bdf[24];
	char group[16]; /* number of the IOMMU group, or empty */
	const struct vk_iommu *iommu;
	int device;    /* fd */
	int group_fd;  /* -1 with a device node */
	int container; /* or iommufd */
	uint32_t ioas;
	struct vk_iova iova;
	struct vk_dma dma;
	/* device */
	struct vk_region bar;
	struct vk_region config;
	struct vk_area area[VK_MAX_AREAS];
	unsigned int n_area;
	bool can_reset;
	bool up; /* the device is ours: to be put at rest at the end */
	atomic_bool gone;
	/* interrupts */
	uint32_t irq_index; /* VFIO_PCI_MSIX_IRQ_INDEX or VFIO_PCI_MSI_IRQ_INDEX */
	uint32_t n_vectors;
	bool noresize;
	bool irq_on;
	int32_t *vec_fd; /* -1: not in use */
	int err_fd;      /* signalled by the kernel: an error of the device */
	int req_fd;      /* the device is to be given back */
	int event_fd;    /* epoll over both */
	unsigned int idle_polls;
};

/* Notes "vfio: BDF: " and a sentence for weft_last_error; returns rc. */
int vk_fail(const struct vk_bus *vk, int rc, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* vfio.c: a PCI address as people write it; the adapter by "ADDRESS[,KEY=VALUE...]". */
bool vk_is_bdf(const char *text);
int vk_open_named(const char *spec, struct weft_bus **bus);

/* vfio_group.c, vfio_cdev.c: fill device, group_fd, container, iommu and the address ranges. */
int vk_open_group(struct vk_bus *vk);
int vk_open_cdev(struct vk_bus *vk);
/* Names the devices of the group that another driver holds, into text. How many there are. */
unsigned int vk_group_holders(const struct vk_bus *vk, char *text, size_t room);
/* The driver that has the device now, "no driver" when it has none. */
void vk_driver_name(const char *bdf, char *name, size_t room);

/* vfio_device.c */
int vk_device_init(struct vk_bus *vk);
void vk_device_fini(struct vk_bus *vk);
/* No bus mastering, and reset where that is possible. Also when the kernel wants it back. */
void vk_device_rest(struct vk_bus *vk);
int vk_device_reset(struct vk_bus *vk);
int vk_config_read(struct vk_bus *vk, uint32_t off, void *buf, size_t len);
int vk_read32(struct weft_bus *bus, uint32_t off, uint32_t *val);
int vk_write32(struct weft_bus *bus, uint32_t off, uint32_t val);
/*
 * The kernel's answer to a request whose structure starts with argsz and may be followed by
 * capabilities: ask is its head of size bytes. *out: to be freed, argsz: the bytes it has.
 */
int vk_info(int fd, unsigned long request, const void *ask, uint32_t size, void **out);
/* Walks a chain of capabilities; NULL when there is none with this id, or the chain is unsound. */
const void *vk_find_cap(const void *info, size_t len, uint32_t first, uint16_t id, size_t min);

/* vfio_irq.c */
int vk_irq_init(struct vk_bus *vk);
void vk_irq_fini(struct vk_bus *vk);
int vk_irq_set(struct weft_bus *bus, unsigned int vector, int fd);
/* Whether the kernel reported an error or wants the device back; notes which. -ENODEV or 0. */
int vk_irq_check(struct vk_bus *vk);

/* vfio_dma.c */
int vk_dma_init(struct vk_bus *vk);
void vk_dma_fini(struct vk_bus *vk);
int vk_dma_map(struct weft_bus *bus, void *addr, size_t len, unsigned int prot, uint64_t *iova);
int vk_dma_unmap(struct weft_bus *bus, uint64_t iova, size_t len);

#endif
