/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A kernel with VFIO and one PCI device, in place of the system calls of the bus. Stricter than
 * Linux: maps never overlap and are unmapped exactly, a device is attached once, an index that
 * cannot be resized is not, nothing is open or mapped where it should not be.
 *
 * fake_kernel.c has files, fds and the table; fake_iommu.c container, group, iommufd; fake_device.c
 * the device.
 */
#ifndef FAKE_KERNEL_H
#define FAKE_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../../driver/bus/vfio.h"
#include "../../../driver/bus/vfio_abi.h"

#define FK_BDF "0000:05:00.0"
#define FK_BAR_SIZE 0x100000u
#define FK_MAX_FDS 32u
#define FK_FD 5000 /* the first fd that is no real one */
#define FK_MAX_MAPS 4096u
#define FK_MAX_VECTORS 256u

enum fk_kind { FK_FREE, FK_CONTAINER, FK_GROUP, FK_IOMMUFD, FK_DEVICE, FK_FILE };

struct fk_fd {
	enum fk_kind kind;
	const char *text; /* of a file */
};

struct fk_dma {
	uint64_t iova;
	uint64_t va;
	uint64_t len;
	uint32_t flags; /* 1 the device may read, 2 write */
};

struct fk {
	/* what the machine is like; set by fk_new, changed by tests before they open */
	const char *driver;
	const char *group_link, *node_name;    /* what sysfs says */
	bool node, iommufd, group, group_node; /* what exists */
	bool no_iommu, no_remapping;
	const char *sibling, *sibling_driver; /* another device of the group */
	bool pcie;                            /* has the error event */
	bool flr;
	bool bar_mmap;
	unsigned int n_sparse;
	struct vk_area sparse[4];
	uint64_t bar_size;
	uint32_t n_msix, n_msi, vectors_left;
	bool noresize, strict_resize;
	bool caps; /* the container describes its ranges and entries */
	struct vk_range range[8];
	unsigned int n_range;
	uint64_t pgsizes;
	uint32_t dma_avail;
	uint64_t memlock;
	const char *token;  /* the device wants it */
	bool token_by_node; /* and the device node takes it */
	int open_error;     /* of the group's node and the device's, 0: none */
	unsigned int busy_resets;
	bool dies_in_reset;
	bool others; /* another program has the device */

	/* its state */
	struct fk_fd fd[FK_MAX_FDS];
	unsigned int n_real_fds, n_mmaps; /* real: eventfds, epoll */
	bool container_set, iommu_set, bound, attached, has_ioas;
	uint32_t ioas;
	struct fk_dma *map; /* FK_MAX_MAPS */
	uint32_t n_map, peak_maps, n_map_calls;
	uint64_t pinned;
	uint8_t config[256];
	uint8_t *bar;
	bool device_open, irq_on[5];
	uint32_t irq_count[5];
	int32_t irq[5][FK_MAX_VECTORS];
	unsigned int resets, disables;
	bool removed;
	unsigned int faults; /* rules broken that no return value tells of */
	char fault[128];

	/* failures on demand */
	unsigned int calls, fail_at;
	int fail_with;
	bool failed;
};

extern struct fk *fk;

void fk_new(void);
void fk_free(void);
/* Nothing is open, mapped, or wired; no rule was broken. Fails the test otherwise. */
void fk_check_clean(void);
void fk_broken(const char *what);
/* True, and errno, when this call is the one to fail. */
bool fk_fails(void);
int fk_errno(int err);
unsigned int fk_open_fds(void);

int fk_group_ioctl(unsigned long request, void *arg);
int fk_container_ioctl(unsigned long request, void *arg);
int fk_iommufd_ioctl(unsigned long request, void *arg);
int fk_device_ioctl(unsigned long request, void *arg);
/* Group members with a driver of the host's make it unusable. */
bool fk_viable(void);
int fk_new_fd(enum fk_kind kind, const char *text);
void fk_device_closed(void);

/* The device interrupts; false: nobody listens. */
bool fk_fire(uint32_t vector);
/* Unplugged without a word: all reads give ones. */
void fk_surprise(void);
/* The kernel signals its event: VFIO_PCI_ERR_IRQ_INDEX or VFIO_PCI_REQ_IRQ_INDEX. */
void fk_event(uint32_t index);
/* Which memory the device reaches at iova with flags (1 read, 2 write), NULL: none. */
void *fk_reach(uint64_t iova, uint64_t len, uint32_t flags);

#endif
