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
	 * Gives a simulated device that has no thread of its own the chance to work. Real devices:
	 * NULL. max_ns bounds the device time that may pass. Returns 1 when the device has more to
	 * do, 0 when it is idle, or a negative errno.
	 */
	int (*advance)(struct weft_bus *bus, uint64_t max_ns);

	/*
	 * Device time in nanoseconds for timeouts of programs over a simulated device; NULL: use
	 * CLOCK_MONOTONIC.
	 */
	uint64_t (*now)(struct weft_bus *bus);

	/* An fd that becomes readable on device error or removal, or -1. */
	int (*error_fd)(struct weft_bus *bus);

	void (*close)(struct weft_bus *bus);
};

/* Embedded as the first member of each implementation's own structure. */
struct weft_bus {
	const struct weft_bus_ops *ops;
};

/*
 * Opens a device by name: "vfio-user:PATH" (the UNIX socket of a vfio-user server) or, in programs
 * linked with the simulator, "inproc[:OPTIONS]" ("sim:" is another name for it). -EINVAL: unknown
 * kind; -EOPNOTSUPP: this program was linked without the kind asked for; else the errors of the
 * implementation. weft_last_error() tells more.
 */
int weft_bus_open(const char *spec, struct weft_bus **bus);

/*
 * The in-process simulator, present only in programs that link it. options: the text behind
 * "inproc:", may be empty.
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

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
