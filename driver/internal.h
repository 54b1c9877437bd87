/* SPDX-License-Identifier: BSD-2-Clause */
/* What the driver's files share. Nothing here is exported. */
#ifndef WEFT_INTERNAL_H
#define WEFT_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <weft/dev.h>
#include <weft/mem.h>
#include <weft/qp.h>

#include "weft_host.h"

/* Rings are shared with a little-endian device without conversion. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "big-endian hosts are not supported");

#define PAGE 4096u
#define NSEC_PER_MSEC 1000000ull
#define REF_INLINE WEFT_SGL_INLINE

/* A stretch of memory with one mapping. Lives in dev->mem.range, sorted by va. */
struct weft_mem_range {
	uintptr_t va; /* first byte the user may name */
	size_t len;
	uint64_t iova;     /* of va */
	uint64_t map_iova; /* what dma_unmap needs */
	size_t map_len;
	atomic_uint lent; /* elements of commands in flight */
	bool pool;        /* a chunk of the allocator, not a registration */
};

struct weft_mem_chunk {
	struct weft_mem_chunk *next;
	struct weft_mem_range *range;
	uint8_t *va;
	uint32_t pages;
	uint32_t used;
	/* run[i]: pages of the allocation that starts at page i; ~0: inside one; 0: free */
	uint32_t run[];
};

struct weft_mem {
	pthread_rwlock_t lock; /* range[], chunks */
	struct weft_mem_range **range;
	size_t n_range;
	size_t max_range;
	atomic_uint gen; /* moves whenever a range goes away: cached lookups are void then */
	struct weft_mem_chunk *chunk;
};

/* A cached lookup, by value, so that a stale one is never followed. */
struct mem_hit {
	uintptr_t va;
	size_t len;
	uint64_t iova;
	struct weft_mem_range *range;
	unsigned int gen;
};

/* Scatter/gather array of one command that does not fit its entry, with the ranges it refers to. */
struct sgl_chain {
	struct sgl_chain *next;
	struct weft_sgl_elem *elem; /* SGL_MAX, DMA memory */
	uint64_t iova;
	struct weft_mem_range *ref[WEFT_SGL_MAX];
};

/* Per-cid state of a pair. */
struct cmd_slot {
	bool busy;
	bool held; /* controller role: receive buffer cid holds a command that may be replied to */
	bool ends; /* FC: the entry in flight gives the receive buffer back */
	uint16_t n_ref;
	struct weft_mem_range *ref[REF_INLINE]; /* of inline elements */
	struct sgl_chain *chain;                /* or NULL */
	void *cookie;
	weft_admin_fn *admin_cb; /* pair 0 only */
};

enum qp_state {
	QP_HIDDEN, /* being made or deleted: the device may not know it, so no doorbells */
	QP_LIVE,
	QP_DEAD, /* the device was reset */
	QP_GONE, /* deleted, a poll still holds the structure */
};

/* What is under way at the device with a pair that nobody waits for. */
enum qp_life {
	LIFE_NONE,
	LIFE_CREATE, /* QP_CREATE is to be submitted */
	LIFE_CREATING,
	LIFE_DROP, /* QP_DELETE is to be submitted */
	LIFE_DROPPING,
};

struct weft_qp {
	struct weft_dev *dev;
	struct weft_qp_params params;
	enum qp_state state;
	uint16_t id;
	uint16_t entries;
	uint16_t cq_entries;
	uint16_t sq_tail;
	uint16_t sq_head;
	uint16_t cq_head;
	uint16_t cq_told; /* head last written to the doorbell */
	uint8_t phase;
	bool sq_dirty; /* entries the device was not told of */
	bool armed;
	unsigned int polling; /* depth of polls on the stack */
	unsigned int inflight;
	uint32_t db;
	void *ring; /* both rings, DMA memory */
	struct weft_sq_entry *sq;
	struct weft_cq_entry *cq;
	uint64_t sq_iova;
	uint64_t cq_iova;
	struct cmd_slot *slot;
	struct sgl_chain *free_chain;
	struct mem_hit hit;
	uint32_t bad_cqe; /* completions that made no sense */
	/* controller role */
	bool connected;      /* accepted, and not ended yet */
	atomic_bool waiting; /* ACCEPT is at the device */
	bool ending;         /* DISCONNECT is at the device, for end_cb */
	unsigned int stale;  /* entries in the completion ring that an earlier connection left */
	uint8_t *rx_cmd;     /* entries * rx_size, DMA memory */
	uint8_t *rx_icd;     /* entries * icd_size, DMA memory, or NULL */
	weft_accept_fn *accept_cb;
	void *accept_arg;
	weft_ended_fn *end_cb;
	void *end_arg;
	/* create_async, drop */
	enum qp_life life;
	bool dropped;
	int life_error;
	uint64_t life_at; /* not before */
};

#define MAX_POLLERS 4

struct poller {
	weft_poller_fn *fn; /* NULL: free */
	void *arg;
	uint64_t wake;
	bool running;
};

struct weft_dev {
	struct weft_bus *bus;
	struct weft_dev_params params;
	struct weft_mem mem;
	struct weft_qp *qp[WEFT_N_QP]; /* 0: the admin pair */
	unsigned int top;              /* highest number in use */
	uint16_t n_qp;
	uint16_t n_vectors;
	uint16_t abi_minor;
	atomic_bool gone;
	bool up;            /* the device has told that it serves the admin pair */
	bool lost;          /* gone, but only because it reset itself or its firmware died */
	unsigned int empty; /* polls since something came, or since a look at the device */
	int epfd;
	int *vec_fd; /* n_vectors, -1: not in use */
	unsigned int *vec_users;
	uint32_t admin_next; /* where the search for a free admin cid starts */
	struct poller poller[MAX_POLLERS];
	unsigned int n_pollers;
	unsigned int n_life; /* pairs whose life is not LIFE_NONE */
	uint64_t life_wake;
};

/*
 * error.c: around an operation of a bus, which may say itself why it fails: how many sentences this
 * thread has noted; and one for a failure, unless the bus noted one since.
 */
unsigned int weft__sentences(void);
int weft__bus_failed(unsigned int before, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* dev.c */
int weft__read32(struct weft_dev *dev, uint32_t off, uint32_t *val);
int weft__write32(struct weft_dev *dev, uint32_t off, uint32_t val);
/*
 * Looks whether a silent device is still there and serves the admin pair. It does no more when it
 * reset itself (its watchdog), which takes all pairs with it, or when its firmware is dead: then the
 * handle is gone, -ENODEV.
 */
int weft__look(struct weft_dev *dev);
/* After a poll that found nothing: weft__look once in many, for programs that never sleep. */
int weft__look_at_times(struct weft_dev *dev);
/* Waits until STATUS & mask == want; what: for the message of -ETIMEDOUT. */
int weft__wait_status(struct weft_dev *dev, uint32_t mask, uint32_t want, const char *what);

/* irq.c */
int weft__irq_init(struct weft_dev *dev);
void weft__irq_fini(struct weft_dev *dev);
int weft__irq_get(struct weft_dev *dev, uint16_t vector);
void weft__irq_put(struct weft_dev *dev, uint16_t vector);

/* wait.c: polls and sleeps until done(arg), in device time. */
int weft__wait(struct weft_dev *dev, bool (*done)(void *arg), void *arg, uint64_t timeout_ns);

/* mem.c */
int weft__mem_init(struct weft_mem *mem);
void weft__mem_fini(struct weft_dev *dev);
int weft__mem_find(struct weft_dev *dev, uintptr_t va, struct mem_hit *hit);

/* ring.c: a pair's memory and its ends, the same for the admin pair and the others. */
int weft__ring_alloc(struct weft_qp *qp, unsigned int sq_log2, unsigned int cq_log2);
void weft__ring_free(struct weft_qp *qp);
void weft__ring_reset(struct weft_qp *qp);
int weft__ring_poll(struct weft_qp *qp, unsigned int max);
bool weft__ring_pending(const struct weft_qp *qp);
/* Nothing to read, nothing to tell: a poll of a device that is there would do nothing. */
bool weft__ring_quiet(const struct weft_qp *qp);
int weft__ring_arm(struct weft_qp *qp);
void weft__ring_fail(struct weft_qp *qp, int err);
/* Completion entries that wait to be read. */
unsigned int weft__ring_count(const struct weft_qp *qp);

/* accept.c: ends what waits for admin commands of a pair that goes away. */
void weft__accept_cancel(struct weft_qp *qp);

/* qp.c: a pair with all it needs but the device's knowledge, QP_HIDDEN; its QP_CREATE; its end. */
int weft__qp_new(struct weft_dev *dev, const struct weft_qp_params *params, struct weft_qp **out);
int weft__qp_create_args(struct weft_qp *qp, struct weft_arg_qp_create *a);
void weft__qp_free(struct weft_qp *qp);

/* qp_life.c: moves on what nobody waits for; returns when to call again. */
uint64_t weft__life_poll(struct weft_dev *dev, uint64_t now);
/* The pair goes away. */
void weft__life_cancel(struct weft_qp *qp);

/* fc_qp.c */
int weft__fc_check_params(const struct weft_qp_params *p);
/* Bytes of each receive buffer, command and data, and how many of the latter. */
void weft__fc_rx_sizes(const struct weft_qp *qp, size_t *cmd, size_t *icd);
void weft__fc_capsule(struct weft_qp *qp, const struct weft_cq_entry *e);

/* sgl.c */
int weft__sgl_build(struct weft_qp *qp, struct cmd_slot *slot, const struct weft_cmd *cmd,
		    struct weft_sq_entry *sqe);
/* The same for IOVAs and a list that stands at sgl, max elements inline. */
int weft__sgl_iova(struct weft_qp *qp, struct cmd_slot *slot, const struct weft_sgl_elem *elem,
		   unsigned int count, struct weft_sq_entry *sqe, struct weft_sgl_elem *sgl,
		   unsigned int max);
void weft__sgl_drop(struct weft_qp *qp, struct cmd_slot *slot);
void weft__sgl_fini(struct weft_qp *qp);

/* admin.c */
int weft__admin_start(struct weft_dev *dev);
void weft__admin_stop(struct weft_dev *dev);
void weft__admin_complete(struct weft_qp *qp, const struct weft_cq_entry *cqe,
			  struct cmd_slot *slot, int err);
/* Admin commands that could be submitted now. */
unsigned int weft__admin_room(const struct weft_dev *dev);

/* --- what each command passes through: inline ---------------------------------------------------- */

/*
 * The entry to fill next, all of it: it holds what an earlier command left. NULL when the ring is
 * full.
 */
static inline struct weft_sq_entry *weft__ring_next(struct weft_qp *qp)
{
	if (((qp->sq_tail + 1u) & (qp->entries - 1u)) == qp->sq_head)
		return NULL;
	return &qp->sq[qp->sq_tail];
}

/* Takes the filled entry into the ring. */
static inline void weft__ring_push(struct weft_qp *qp)
{
	qp->sq_tail = (qp->sq_tail + 1u) & (qp->entries - 1u);
	qp->sq_dirty = true;
	qp->inflight++;
}

/*
 * The usual data: one piece, in the range of the last one. Fills sgl and sgl_count of the entry;
 * false: nothing was done.
 */
static inline bool weft__sgl_one(struct weft_qp *qp, struct cmd_slot *slot, const struct iovec *iov,
				 uint32_t len, struct weft_sq_entry *sqe)
{
	const struct mem_hit *hit = &qp->hit;
	uintptr_t off = (uintptr_t)iov->iov_base - hit->va;

	if (!len || iov->iov_len < len || off >= hit->len || hit->len - off < len ||
	    hit->gen != atomic_load_explicit(&qp->dev->mem.gen, memory_order_acquire))
		return false;
	sqe->sgl[0] = (struct weft_sgl_elem){ .addr = hit->iova + off, .len = len };
	memset(&sqe->sgl[1], 0, 2 * sizeof(sqe->sgl[1]));
	sqe->sgl_count = 1;
	atomic_fetch_add_explicit(&hit->range->lent, 1, memory_order_relaxed);
	slot->ref[0] = hit->range;
	slot->n_ref = 1;
	slot->chain = NULL;
	return true;
}

/* Gives back what a command held. */
static inline void weft__sgl_release(struct weft_qp *qp, struct cmd_slot *slot)
{
	if (slot->n_ref == 1 && !slot->chain) {
		slot->n_ref = 0;
		atomic_fetch_sub_explicit(&slot->ref[0]->lent, 1, memory_order_release);
	} else if (slot->n_ref || slot->chain) {
		weft__sgl_drop(qp, slot);
	}
}

#endif
