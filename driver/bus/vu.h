/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The vfio-user protocol, version 0.0, as a client speaks it: message layouts and the exchange of
 * one message.
 */
#ifndef WEFT_VU_H
#define WEFT_VU_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weft/bus.h>

enum vu_command {
	VU_VERSION = 1,
	VU_DMA_MAP = 2,
	VU_DMA_UNMAP = 3,
	VU_GET_INFO = 4,
	VU_GET_REGION_INFO = 5,
	VU_GET_IRQ_INFO = 7,
	VU_SET_IRQS = 8,
	VU_REGION_READ = 9,
	VU_REGION_WRITE = 10,
	VU_DMA_READ = 11,  /* server to client */
	VU_DMA_WRITE = 12, /* server to client */
	VU_DEVICE_RESET = 13,
};

#define VU_FLAG_TYPE 0xfu
#define VU_FLAG_REPLY 0x1u
#define VU_FLAG_NO_REPLY 0x10u
#define VU_FLAG_ERROR 0x20u

struct vu_header {
	uint16_t id;
	uint16_t command;
	uint32_t size; /* with this header */
	uint32_t flags;
	uint32_t error;
};

struct vu_dma_map {
	uint32_t argsz;
	uint32_t flags; /* 1 readable, 2 writable by the device */
	uint64_t offset;
	uint64_t address;
	uint64_t size;
};

struct vu_dma_unmap {
	uint32_t argsz;
	uint32_t flags;
	uint64_t address;
	uint64_t size;
};

#define VU_DEVICE_FLAG_RESET 1u
#define VU_DEVICE_FLAG_PCI 2u

struct vu_device_info {
	uint32_t argsz;
	uint32_t flags;
	uint32_t num_regions;
	uint32_t num_irqs;
};

struct vu_region_info {
	uint32_t argsz;
	uint32_t flags; /* 1 read, 2 write */
	uint32_t index;
	uint32_t cap_offset;
	uint64_t size;
	uint64_t offset;
};

#define VU_IRQ_FLAG_EVENTFD 1u

struct vu_irq_info {
	uint32_t argsz;
	uint32_t flags;
	uint32_t index;
	uint32_t count;
};

struct vu_irq_set {
	uint32_t argsz;
	uint32_t flags;
	uint32_t index;
	uint32_t start;
	uint32_t count;
};

struct vu_region_access {
	uint64_t offset;
	uint32_t region;
	uint32_t count;
};

struct vu_dma_access {
	uint64_t address;
	uint64_t count;
};

_Static_assert(sizeof(struct vu_header) == 16, "vfio-user header");
_Static_assert(sizeof(struct vu_dma_map) == 32 && sizeof(struct vu_dma_unmap) == 24,
	       "vfio-user DMA map");
_Static_assert(sizeof(struct vu_device_info) == 16 && sizeof(struct vu_region_info) == 32,
	       "vfio-user info");
_Static_assert(sizeof(struct vu_irq_info) == 16 && sizeof(struct vu_irq_set) == 20,
	       "vfio-user interrupts");
_Static_assert(sizeof(struct vu_region_access) == 16 && sizeof(struct vu_dma_access) == 16,
	       "vfio-user access");

/* A mapping the server knows. */
struct vu_map {
	struct vu_map *next;
	uint64_t iova;
	size_t len;
	uint8_t *va;
	unsigned int prot;
};

struct vu_bus {
	struct weft_bus bus;
	int fd;
	pthread_mutex_t lock; /* one exchange at a time; maps */
	unsigned int timeout_ms;
	uint16_t next_id;
	bool broken; /* server gone, late, or out of step: nothing is sent any more */
	bool can_reset;
	uint32_t n_vectors;
	uint16_t msix_cap; /* offset in configuration space, 0: none */
	uint32_t max_maps;
	uint32_t n_maps;
	uint64_t next_iova;
	struct vu_map *maps;
	uint8_t *bounce; /* VU_DATA_MAX bytes for the server's DMA messages */
	unsigned int idle_polls;
};

#define VU_DATA_MAX 1048576u /* bytes one DMA message may carry, as we announce */

/*
 * One command to the server, in at most two pieces, with at most one fd; and room for its reply's
 * payload.
 */
struct vu_request {
	enum vu_command command;
	const void *head;
	size_t head_len;
	const void *tail;
	size_t tail_len;
	int fd;        /* -1: none */
	bool no_reply; /* posted */
	void *reply;
	size_t reply_min;
	size_t reply_max;
	size_t reply_len; /* out */
};

/*
 * Sends a command and waits for its reply; serves the server's own commands meanwhile. Returns 0,
 * the server's error, -ENODEV (server gone or late) or -EPROTO (it broke the protocol); the bus is
 * broken after the last two. Takes the lock.
 */
int vu_call(struct vu_bus *vu, struct vu_request *req);

/*
 * Serves commands of the server that are waiting. 0 or -ENODEV. Takes the lock, or does nothing
 * when another thread has it.
 */
int vu_serve(struct vu_bus *vu);

#endif
