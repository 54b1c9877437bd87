/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Adapters as PCI devices of this machine: which there are, who has them, giving them to VFIO and
 * back, and what a machine lacks for that. Reads libpci and sysfs; opens no device.
 *
 * Errors: 0 or a negative errno; weft_last_error() (weft/dev.h) says which file or device it was.
 * Common to all: -EINVAL an argument makes no sense; -ENOMEM; -EIO sysfs says what cannot be.
 * Threads: any; no call keeps state. Calls that scan all processes take milliseconds.
 *
 * For tests, environment variables put other places under the library (ignored in set-uid
 * programs): WEFT_SYSFS in place of /sys, WEFT_PROC of /proc, WEFT_DEV of /dev, WEFT_ROOT before
 * /etc, /usr and /lib, and WEFT_PCI_DUMP a file as lspci -xxx writes it, in place of the bus.
 */
#ifndef WEFT_PCI_H
#define WEFT_PCI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

#define WEFT_PCI_NAME 20 /* bytes of an address as text, with the NUL */
#define WEFT_PCI_TEXT 64 /* bytes of a name from sysfs, with the NUL */
#define WEFT_PCI_VFIO "vfio-pci"
/* Bytes a program should be able to lock: 16 MiB of data in flight, rings and pools. */
#define WEFT_PCI_MEMLOCK (64ull << 20)

struct weft_pci_addr {
	uint32_t domain;
	uint8_t bus;
	uint8_t dev; /* 0..31 */
	uint8_t fn;  /* 0..7 */
};

/*
 * "DDDD:BB:DD.F" or "BB:DD.F" (domain 0), hexadecimal, each part with all of its digits (a domain has
 * 4 to 8); nothing before or behind. -EINVAL.
 */
int weft_pci_parse(const char *text, struct weft_pci_addr *addr);
/* As sysfs writes it, in lower case and with the domain. */
void weft_pci_format(const struct weft_pci_addr *addr, char to[WEFT_PCI_NAME]);

struct weft_pci_id {
	uint16_t vendor;
	uint16_t device;
};

/* "VVVV:DDDD", hexadecimal. -EINVAL. */
int weft_pci_parse_id(const char *text, struct weft_pci_id *id);
/* The ids of adapters are one table in the library; n more of the caller's. */
bool weft_pci_is_adapter(const struct weft_pci_id *id, const struct weft_pci_id *more, size_t n);

/* What is known of a device, at the time of the call. */
struct weft_pci_dev {
	struct weft_pci_addr addr;
	char name[WEFT_PCI_NAME];
	struct weft_pci_id id;
	uint32_t class_code;           /* class, subclass, interface: 24 bits */
	char driver[WEFT_PCI_TEXT];    /* "": none */
	char override_[WEFT_PCI_TEXT]; /* driver_override; "": not set */
	char vfio[WEFT_PCI_TEXT];      /* "vfio3": /dev/vfio/devices/vfio3; "": no such node */
	int group;                     /* IOMMU group, -1: none */
	int numa;                      /* node, -1: none or unknown */
	/* PCIe link; speeds in MT/s (8 GT/s: 8000), 0: unknown or no link of its own */
	uint32_t link_speed;
	uint32_t link_speed_max;
	uint8_t link_width;
	uint8_t link_width_max;
	char trouble[160]; /* the first thing about it that could not be read; "": nothing */
};

/*
 * All adapters, by address. more: n further ids to take for adapters. *list: malloc'ed, the
 * caller's, NULL when *count is 0. -ENOENT: no PCI bus, or the dump is not there; -EIO: libpci
 * refused what it read. A device whose ids cannot be read is left out: *list has only those known
 * to be adapters.
 */
int weft_pci_scan(const struct weft_pci_id *more, size_t n, struct weft_pci_dev **list,
		  size_t *count);

/* Any one device, adapter or not. -ENODEV: there is none. */
int weft_pci_get(const struct weft_pci_addr *addr, struct weft_pci_dev *dev);

/* A member of an IOMMU group: not always a PCI device. */
struct weft_pci_member {
	char name[WEFT_PCI_TEXT];
	bool pci; /* id and class_code are valid */
	struct weft_pci_id id;
	uint32_t class_code;
	char driver[WEFT_PCI_TEXT]; /* "": none */
	bool blocks;                /* its driver makes the group not viable for VFIO */
};

/*
 * Members of an IOMMU group, by name. *list: malloc'ed, the caller's. -ENOENT: no such group; -EIO:
 * a member twice, or none at all.
 */
int weft_pci_group(int group, struct weft_pci_member **list, size_t *count);

/*
 * Whether VFIO would open dev's group: 1, or 0 with the members that block it (name, id, driver)
 * in text. -ENODEV: it has no group; -EIO: its group does not list it.
 */
int weft_pci_viable(const struct weft_pci_dev *dev, char *text, size_t len);

/* One reason for which a device is not to be taken away from its driver. */
struct weft_pci_use {
	int pid; /* a process has it open; 0: the kernel uses it */
	char text[192];
};

/*
 * Who uses dev: processes that have its VFIO group, VFIO device, uio or block node open, network
 * interfaces that are up, block devices that are mounted, swapped to or held by others. *list: malloc'ed, the
 * caller's. *hidden (or NULL): processes that this user may not look into.
 */
int weft_pci_uses(const struct weft_pci_dev *dev, struct weft_pci_use **list, size_t *count,
		  unsigned int *hidden);

struct weft_pci_bind_opts {
	const char *driver;             /* NULL: WEFT_PCI_VFIO */
	const struct weft_pci_id *more; /* as in weft_pci_scan */
	size_t n_more;
	bool force;              /* although it is in use, or another's */
	unsigned int timeout_ms; /* for each step of the kernel; 0: 5000 */
	/* What was done or is worth knowing, a sentence each; or NULL. */
	void (*note)(void *arg, const char *text);
	void *arg;
};

/*
 * Gives a device to a driver by driver_override: sets it, unbinds the present driver, asks the kernel to
 * probe, looks whose it is then. On a failure what was before is restored, and the text says
 * whether that went well. Whether VFIO can open it then: weft_pci_viable. Needs root. opts: NULL for the defaults.
 * -ENODEV: no such device; -EPERM: not an adapter; -EBUSY: in use, or another weft bind is at it;
 * -EACCES: which file this user may not write; -ENOENT: the driver is not loaded; -ENOTSUP: no
 * IOMMU group; -ETIMEDOUT: the kernel did not follow; -ESTALE: somebody else changed the driver meanwhile.
 */
int weft_pci_bind(const struct weft_pci_addr *addr, const struct weft_pci_bind_opts *opts);

/*
 * The way back: clears driver_override, unbinds, and has the kernel choose a driver (none is a
 * success, too; opts->note tells). opts->driver: the one it is expected with. Errors as above; -EPERM also: it
 * is with another driver.
 */
int weft_pci_unbind(const struct weft_pci_addr *addr, const struct weft_pci_bind_opts *opts);

/* One line of a diagnosis. */
enum weft_pci_level {
	WEFT_PCI_OK,
	WEFT_PCI_WARN,
	WEFT_PCI_FAIL,
};

struct weft_pci_check {
	enum weft_pci_level level;
	const char *name;   /* a short word, always the same for the same check */
	const char *device; /* address, NULL: about the machine */
	char text[320];     /* what was found */
	char mend[320];     /* what to do; "": nothing */
};

/* check is valid during the call. */
typedef void weft_pci_check_fn(void *arg, const struct weft_pci_check *check);

/* Kernel, IOMMU, interrupt remapping, VFIO, permissions, memory lock limit of the calling process. */
void weft_pci_check_machine(weft_pci_check_fn *fn, void *arg);
/* One device: driver, group, nodes, users, link. */
void weft_pci_check_dev(const struct weft_pci_dev *dev, weft_pci_check_fn *fn, void *arg);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
