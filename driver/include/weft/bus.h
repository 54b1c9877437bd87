/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The driver's view of a device: registers, DMA mappings, interrupts, reset. Everything above it
 * (rings, queue pairs, the host library) works the same over each implementation: Linux VFIO,
 * vfio-user (UNIX socket), the in-process simulator.
 *
 * Threads: one bus belongs to one thread at a time, except dma_map/dma_unmap, which a bus must
 * serialise itself, and doorbell writes (write32), which may come from the thread of each queue
 * pair.
 */
#ifndef WEFT_BUS_H
#define WEFT_BUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct weft_bus;

/* Permissions of a DMA mapping, as the device sees the memory. */
#define WEFT_DMA_READ 1u  /* the device may read */
#define WEFT_DMA_WRITE 2u /* the device may write */

/*
 * Operations of an implementation. All return 0 or a negative errno unless stated.
 */
struct weft_bus_ops {
	const char *name; /* "vfio", "vfio-user", "inproc" */

	/*
	 * Reads/writes one 32-bit register at byte offset off of BAR 0. -ENODEV: the device is gone
	 * (reads give ~0).
	 */
	int (*read32)(struct weft_bus *bus, uint32_t off, uint32_t *val);
	int (*write32)(struct weft_bus *bus, uint32_t off, uint32_t val);

	/*
	 * Lets the device reach [addr, addr + len) of this process at an IOVA chosen by the bus
	 * (*iova). len and addr are multiples of 4096. The memory must stay mapped until dma_unmap
	 * of exactly the same iova and len. -ENOMEM, -EINVAL (alignment), -ENOSPC (no IOVA or
	 * mapping left).
	 */
	int (*dma_map)(struct weft_bus *bus, void *addr, size_t len, unsigned int prot,
		       uint64_t *iova);
	int (*dma_unmap)(struct weft_bus *bus, uint64_t iova, size_t len);

	/*
	 * The same as dma_map for memory that is a shared mapping of a file: addr shows the file fd
	 * from byte offset on. A bus whose device lives in another process hands the fd on; the
	 * caller may close it afterwards. NULL: dma_map is enough.
	 */
	int (*dma_map_fd)(struct weft_bus *bus, void *addr, size_t len, unsigned int prot, int fd,
			  uint64_t offset, uint64_t *iova);

	/*
	 * Number of interrupt vectors; connects vector to an eventfd (fd >= 0) or takes it away (fd
	 * = -1).
	 */
	int (*irq_count)(struct weft_bus *bus);
	int (*irq_set)(struct weft_bus *bus, unsigned int vector, int fd);

	/*
	 * Function-level reset: all registers at their reset value, all DMA stopped. Mappings stay.
	 */
	int (*reset)(struct weft_bus *bus);

	/*
	 * Gives a simulated device that has no thread of its own the chance to work, and any bus the
	 * chance to look at its error_fd (max_ns = 0: it is readable). max_ns bounds the device
	 * time that may pass. Returns 1 when the device has more to do, 0 when it is idle, or a
	 * negative errno (-ENODEV: gone). NULL: there is nothing to do.
	 */
	int (*advance)(struct weft_bus *bus, uint64_t max_ns);

	/*
	 * Device time in nanoseconds for timeouts of programs over a simulated device; NULL: use
	 * CLOCK_MONOTONIC.
	 */
	uint64_t (*now)(struct weft_bus *bus);

	/*
	 * Size of the huge pages that the driver's own memory for DMA is to be made of, because this
	 * bus maps only what is physically contiguous; 0: any memory does.
	 */
	size_t dma_huge;

	/* An fd that becomes readable on device error or removal, or -1. */
	int (*error_fd)(struct weft_bus *bus);

	void (*close)(struct weft_bus *bus);
};

/* Embedded as the first member of each implementation's own structure. */
struct weft_bus {
	const struct weft_bus_ops *ops;
};

/*
 * Opens a device by name:
 *   "0000:05:00.0", "05:00.0"          a PCI device bound to vfio-pci (Linux VFIO)
 *   "vfio:0000:05:00.0[,KEY=VALUE...]" the same with options: token=UUID, mode=cdev|group,
 *                                      noiommu=allow, dma_bits=N (see struct weft_vfio_options)
 *   "vfio-user:PATH"                   the UNIX socket of a vfio-user server
 *   "inproc[:OPTIONS]"                 in programs linked with the simulator ("sim:" is the same)
 * -EINVAL: unknown kind or option; -EOPNOTSUPP: this program was linked without the kind asked for;
 * else the errors of the implementation. weft_last_error() tells more.
 */
int weft_bus_open(const char *spec, struct weft_bus **bus);

/*
 * The in-process simulator, present only in programs that link it. options: the text behind
 * "inproc:", may be empty; else words with commas between them: firmware=ELF, or flash=FILE, rom=ELF,
 * board=ID, key=FILE or digits, as the options of weft-sim(1). -EINVAL: another word; the errors of
 * weft_sim_create and weft_flash_open. What is wrong is said on standard error.
 */
int weft_bus_open_inproc(const char *options, struct weft_bus **bus);

/*
 * Opens a vfio-user server's UNIX socket. -ENOENT, -ECONNREFUSED, -EPROTO (not a vfio-user server),
 * -ENODEV (other PCI id).
 */
int weft_bus_open_vfio_user(const char *path, struct weft_bus **bus);
/*
 * The same; timeout_ms bounds each wait for the server (0: 10000). A server that is late once is
 * given up: -ENODEV from then.
 */
int weft_bus_open_vfio_user_timeout(const char *path, unsigned int timeout_ms,
				    struct weft_bus **bus);

/* PCI ids of the adapter. */
#define WEFT_PCI_VENDOR 0x1b36u
#define WEFT_PCI_DEVICE 0x0f0eu

/* How to reach the IOMMU. */
enum weft_vfio_mode {
	WEFT_VFIO_AUTO = 0, /* device node and iommufd where the kernel has them, else the group */
	WEFT_VFIO_CDEV,     /* /dev/vfio/devices/vfioN and /dev/iommu, or nothing */
	WEFT_VFIO_GROUP,    /* /dev/vfio/N and /dev/vfio/vfio, or nothing */
};

/* Options of weft_bus_open_vfio. All zero: any PCI device with a BAR 0, behind an IOMMU. */
struct weft_vfio_options {
	uint16_t vendor;     /* PCI vendor id the device must have, 0: any */
	uint16_t device;     /* PCI device id it must have, 0: any */
	uint8_t bar;         /* BAR that read32 and write32 reach, 0..5 */
	uint8_t dma_bits;    /* highest I/O address: 1 << n; 13..64, 0: 64 */
	bool token_set;      /* token is to be shown: the device is a virtual function */
	bool allow_no_iommu; /* take a device that NO IOMMU holds back: see below */
	uint8_t token[16];   /* VF token, a UUID, first digit first */
	uint64_t bar_size;   /* bytes the BAR must have at least, 0: any */
	enum weft_vfio_mode mode;
};

/*
 * Opens the PCI device bdf ("0000:05:00.0" or "05:00.0") that is bound to vfio-pci, resets it if it
 * can be reset, makes it bus master, and enables its MSI-X vectors (MSI where it has no MSI-X). opt
 * is copied; NULL: the adapter, as weft_bus_open does. Needs no privilege but access to the device
 * nodes, and RLIMIT_MEMLOCK for what is mapped.
 *
 * Without an IOMMU (allow_no_iommu; the kernel calls it no-IOMMU mode) the device can write to all
 * memory of the machine, needs CAP_SYS_RAWIO and CAP_SYS_ADMIN, and memory is mapped only where it is
 * physically contiguous: else dma_map gives -EOPNOTSUPP. The driver's own memory is taken from huge
 * pages of 2 MiB then (vm.nr_hugepages), no allocation larger than one.
 *
 * -EINVAL     bdf or opt make no sense
 * -ENOENT     no such PCI device, or it is not bound to vfio-pci
 * -EACCES     no access to the device node, or the kernel wants another VF token
 * -EPERM      only no-IOMMU is there and was not asked for, or interrupts could be forged
 * -EBUSY      another program has it, or its IOMMU group holds devices of other drivers
 * -ENODEV     it is another PCI device than opt wants, or it is gone
 * -EPROTO     it has no such BAR, or the kernel's answers make no sense
 * -EOPNOTSUPP the kernel lacks what is needed; -ENOSPC: no I/O address is usable; -ENOMEM; -EMFILE
 *
 * The bus's operations, beyond the contract above:
 * dma_map     -ENOMEM: mostly RLIMIT_MEMLOCK, weft_last_error() gives need and limit. A range inside
 *             one that is mapped already, with its permissions, costs nothing.
 * reset       -EOPNOTSUPP: the device has no reset; -EBUSY: it could not be locked for a second.
 * error_fd    readable when the kernel reports an error of the device or wants it back (removal,
 *             unbind): all accesses give -ENODEV from then, and the program should close the bus;
 *             the kernel waits for that.
 * close       stops bus mastering and resets; after it no DMA takes place.
 */
int weft_bus_open_vfio(const char *bdf, const struct weft_vfio_options *opt, struct weft_bus **bus);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
