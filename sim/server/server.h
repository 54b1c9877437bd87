/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The vfio-user server: one adapter, one client at a time.
 *
 *   main.c     options, the poll loop, time
 *   client.c   the socket: messages with file descriptors in and out, requests of ours to the
 *              client
 *   device.c   what each message means
 *   dma.c      the client's memory: mappings, DMA of the adapter
 *   pci.c      configuration space and the MSI-X BAR
 *   ether.c    the Ethernet port: UNIX datagrams or a TAP device, faults, capture
 *
 * Nothing a client sends is trusted. A message that breaks the protocol's framing ends the
 * connection; one that asks for what cannot be is answered with an error.
 */
#ifndef WEFT_SERVER_H
#define WEFT_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../weft_sim.h"

#define VFU_VECTORS 128
#define VFU_FDS_MAX 16          /* file descriptors taken with one message */
#define VFU_XFER_MAX (1u << 20) /* bytes of data in one message */
#define VFU_MSG_MAX (VFU_XFER_MAX + 64)
#define VFU_TIMEOUT_MS 5000 /* for a client that owes us an answer or does not read ours */
#define VFU_QUEUE_MAX 64    /* messages kept while we wait for an answer */

enum vfu_command {
	VFU_VERSION = 1,
	VFU_DMA_MAP = 2,
	VFU_DMA_UNMAP = 3,
	VFU_GET_INFO = 4,
	VFU_GET_REGION_INFO = 5,
	VFU_GET_REGION_IO_FDS = 6,
	VFU_GET_IRQ_INFO = 7,
	VFU_SET_IRQS = 8,
	VFU_REGION_READ = 9,
	VFU_REGION_WRITE = 10,
	VFU_DMA_READ = 11,
	VFU_DMA_WRITE = 12,
	VFU_DEVICE_RESET = 13,
};

#define VFU_TYPE_MASK 0xfu
#define VFU_REPLY 1u
#define VFU_NO_REPLY 0x10u
#define VFU_ERROR 0x20u

struct vfu_header {
	uint16_t id;
	uint16_t command;
	uint32_t size;
	uint32_t flags;
	uint32_t error;
};
_Static_assert(sizeof(struct vfu_header) == 16, "vfio-user header");

/* A message that came; it owns its file descriptors. */
struct vfu_msg {
	struct vfu_msg *next;
	struct vfu_header h;
	int fds[VFU_FDS_MAX];
	unsigned int n_fds;
	size_t len; /* of the payload */
	uint8_t payload[];
};

/* --- dma.c ------------------------------------------------------------------------------------ */

struct dma_range {
	uint64_t iova, len;
	uint8_t *addr;     /* NULL: the client does it for us */
	unsigned int prot; /* DMA_R, DMA_W */
};

#define DMA_R 1u
#define DMA_W 2u

/* A file of the client, mapped once however many ranges of it are given. */
struct dma_file {
	uint64_t dev, ino;
	uint8_t *addr;
	uint64_t len;
	unsigned int prot;
};

struct dma_table {
	struct dma_range *r; /* by iova, never overlapping */
	unsigned int n, room, last;
	struct dma_file *files;
	unsigned int n_files;
};

/*
 * 0 or negative errno: -EEXIST (overlaps), -EINVAL, -ENOSPC, errno of mmap. fd -1: none. Does not
 * keep fd.
 */
int dma_map(struct dma_table *t, uint64_t iova, uint64_t len, uint64_t offset, unsigned int prot,
	    int fd);
/*
 * Everything in [iova, iova + len) is gone afterwards. -ENOMEM when a range would have to be split
 * and cannot.
 */
int dma_unmap(struct dma_table *t, uint64_t iova, uint64_t len);
void dma_clear(struct dma_table *t);
/* The range with all of these bytes and permissions, or NULL. */
const struct dma_range *dma_find(struct dma_table *t, uint64_t iova, size_t len, unsigned int prot);
/* Copies; -EFAULT when the client took its file's pages away. */
int dma_copy(void *to, const void *from, size_t len);
/* Installs what dma_copy needs; once per process. */
void dma_init(void);

/* --- pci.c ------------------------------------------------------------------------------------ */

#define PCI_CONFIG_SIZE 4096u
#define PCI_MSIX_BAR_SIZE 4096u

struct pci {
	uint8_t config[PCI_CONFIG_SIZE];
	uint8_t msix[PCI_MSIX_BAR_SIZE];
};

void pci_reset(struct pci *pci);
void pci_read(const struct pci *pci, uint32_t off, void *buf, uint32_t len);
/* True: function-level reset was asked for. */
bool pci_write(struct pci *pci, uint32_t off, const void *buf, uint32_t len);
bool pci_bus_master(const struct pci *pci);
void pci_msix_read(const struct pci *pci, uint32_t off, void *buf, uint32_t len);
void pci_msix_write(struct pci *pci, uint32_t off, const void *buf, uint32_t len);

/* --- the server ------------------------------------------------------------------------------- */

struct vfu_stats {
	uint64_t messages, refused, dma_refused, clients;
};

struct vfu {
	struct weft_sim *sim;
	int fd; /* the client, -1: none */
	bool negotiated;
	bool broken; /* to be dropped as soon as nothing of it is in use */
	uint32_t client_xfer_max;
	uint16_t next_id;

	/* the message under way */
	struct vfu_header in;
	size_t in_have; /* bytes of header and payload */
	struct vfu_msg *msg;
	int in_fds[VFU_FDS_MAX];
	unsigned int in_n_fds;

	struct vfu_msg *queue; /* came while we waited for an answer */
	unsigned int queued;

	struct dma_table dma;
	struct pci pci;
	int irq[VFU_VECTORS];
	struct vfu_stats stats;
};

/* --- client.c --------------------------------------------------------------------------------- */

void vfu_init(struct vfu *v, struct weft_sim *sim);
/* Takes over a connected socket. */
void vfu_attach(struct vfu *v, int fd);
/* Ends the connection: the adapter is reset, mappings and eventfds are dropped. */
void vfu_detach(struct vfu *v);
/*
 * Serves some of what is there (v->queue: there is more). Never blocks for input. After it v->fd
 * may be -1.
 */
void vfu_serve(struct vfu *v);
/*
 * Answers m: err 0 or negative errno; with an error no payload goes out. Nothing when the client
 * wants no reply.
 */
void vfu_reply(struct vfu *v, const struct vfu_msg *m, int err, const void *head, size_t head_len,
	       const void *data, size_t data_len);
/* Asks the client to do DMA for us and waits. -EIO: refused, gone, or no answer in time. */
int vfu_client_dma(struct vfu *v, enum vfu_command command, uint64_t iova, void *buf, size_t len);
void vfu_free(struct vfu_msg *m);
/* The client broke the protocol: says so on stderr, the connection ends. */
void vfu_broken(struct vfu *v, const char *why);

/* --- device.c --------------------------------------------------------------------------------- */

void vfu_handle(struct vfu *v, struct vfu_msg *m);
/* Callbacks for weft_sim_ops; v is the context. */
int vfu_dma_read(struct vfu *v, uint64_t iova, void *buf, size_t len);
int vfu_dma_write(struct vfu *v, uint64_t iova, const void *buf, size_t len);
void vfu_irq(struct vfu *v, unsigned int vector);
void vfu_drop_irqs(struct vfu *v);

#endif
