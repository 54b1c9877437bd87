/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside of the NVMe-oF host. */
#ifndef HOST_HOST_H
#define HOST_HOST_H

#include <errno.h>

#include <nvme/host.h>
#include <weft/mem.h>
#include <weft/qp.h>

#include "../nvmf/nvmf.h"

#define NSEC_PER_MSEC 1000000ull
#define MAX_IO_QUEUES 64u

struct host_queue;
struct host_io;

/* One command in flight; its index in the queue's array is the CID. */
struct host_req {
	struct host_req *next; /* free list; in flight: by age, oldest first */
	struct host_req *prev;
	struct host_queue *q;
	uint64_t deadline; /* device time; 0: none yet, see nvme__queue_stamp */
	uint16_t cid;
	bool busy;
	bool aborting;
	nvme_host_fn *cb;
	void *arg;
	/* pieces of split requests */
	struct host_io *io;
	uint32_t first; /* block within the request */
	uint32_t blocks;
	uint8_t tries;
};

struct host_queue {
	struct nvme_host *h;
	struct nvmf_qpair *qp;
	uint16_t qid;
	uint16_t n; /* commands at once: entries - 1 */
	struct host_req *req;
	struct host_req *free;
	struct host_req age; /* head of the ring of commands with a deadline */
	uint64_t timeout_ns;
};

/* A read, write, ... of any size. */
struct host_io {
	struct host_io *next; /* free list, or waiting for a free command */
	struct nvme_host_ns ns;
	struct memdesc mem;
	bool has_data;
	bool send;
	bool waiting;
	uint8_t opc;
	uint32_t cdw12;
	uint64_t slba;
	uint32_t nlb;
	uint32_t issued;   /* blocks */
	unsigned int open; /* commands in flight */
	struct nvme_result result;
	nvme_host_fn *cb;
	void *arg;
};

enum host_state { HOST_CONNECTING, HOST_LIVE, HOST_DOWN, HOST_DEAD };

struct nvme_host {
	struct nvmf_env env;
	struct nvme_host_opts opts;
	enum host_state state;
	int failed; /* negative errno: recovery is due */
	bool servicing;
	unsigned int busy_polls;
	struct host_queue *queue[1 + MAX_IO_QUEUES]; /* 0: admin */
	unsigned int n_open;    /* queues opened so far, also while connecting */
	unsigned int io_queues; /* usable */
	unsigned int next_queue;
	uint16_t cntlid;
	uint16_t io_qsize;
	uint64_t cap;
	uint32_t vs;
	uint32_t max_xfer;
	uint32_t max_icd;
	struct nvme_identify_ctrl identify;
	uint64_t keepalive_at;
	bool keepalive_open;
	bool aer_open;
	uint64_t reconnect_at;
	uint64_t lost_at;
	unsigned int attempts;
	struct host_io *free_io;
	struct host_io *wait_head, **wait_tail;
	struct nvme_host_stats stats; /* of closed queues, and the host's own counters */
};

/* queue.c */
int nvme__queue_open(struct nvme_host *h, uint16_t qid, uint16_t qsize, uint32_t max_icd);
void nvme__queue_close(struct nvme_host *h, uint16_t qid);
void nvme__queue_free(struct nvme_host *h, uint16_t qid, int error);
/* Sends one command. *out, when wanted: its request, valid until the callback. */
int nvme__submit(struct host_queue *q, const struct nvme_sqe *sqe, const struct memdesc *mem,
		 size_t len, bool send, nvme_host_fn *cb, void *arg, struct host_req **out);
void nvme__queue_stats(struct host_queue *q, struct nvme_host_stats *s);
/* Gives the commands sent since the last time their deadline. */
void nvme__queue_stamp(struct host_queue *q, uint64_t now);

/* sync.c: polls until *done; ends early only through recovery, which ends the command too. */
void nvme__wait(struct nvme_host *h, const bool *done);
int nvme__sync(struct nvme_host *h, struct host_queue *q, const struct nvme_sqe *sqe, void *buf,
	       size_t len, bool send, struct nvme_result *result);

/* fabrics.c */
int nvme__fabrics_connect(struct nvme_host *h, uint16_t qid, uint16_t qsize);
int nvme__prop_get(struct nvme_host *h, uint32_t offset, bool eight, uint64_t *value);
int nvme__prop_set(struct nvme_host *h, uint32_t offset, uint32_t value);
int nvme__wait_csts(struct nvme_host *h, uint32_t mask, uint32_t value, uint64_t timeout_ms);

/* connect.c */
int nvme__associate(struct nvme_host *h);

/* recover.c */
void nvme__down(struct nvme_host *h, int error);
void nvme__service(struct nvme_host *h);
void nvme__start_aer(struct nvme_host *h);
uint64_t nvme__next_timer(struct nvme_host *h, uint64_t now);

/* io.c */
void nvme__io_continue(struct nvme_host *h);
void nvme__io_fini(struct nvme_host *h);

/* --- what each command passes through: inline ---------------------------------------------------- */

static inline void nvme__req_unage(struct host_req *r)
{
	r->prev->next = r->next;
	r->next->prev = r->prev;
	r->next = r->prev = r;
}

/* To the young end. */
static inline void nvme__req_age(struct host_req *r, uint64_t deadline)
{
	struct host_req *head = &r->q->age;

	r->deadline = deadline;
	r->next = head;
	r->prev = head->prev;
	head->prev->next = r;
	head->prev = r;
}

/* nvme__submit of an sqe that may be written into. */
static inline int nvme__send(struct host_queue *q, struct nvme_sqe *sqe, const struct memdesc *mem,
			     size_t len, bool send, nvme_host_fn *cb, void *arg,
			     struct host_req **out)
{
	struct host_req *r = q->free;
	int rc;

	if (!q->qp)
		return -ENOTCONN;
	if (!r)
		return -EAGAIN;
	sqe->cid = r->cid;
	rc = nvmf__send_command(q->qp, sqe, mem, len, send, r);
	if (rc)
		return rc;
	q->free = r->next;
	r->busy = true;
	r->aborting = false;
	r->cb = cb;
	r->arg = arg;
	r->io = NULL;
	if (sqe->opc != NVME_OPC_ASYNC_EVENT_REQUEST || q->qid)
		nvme__req_age(r, 0);
	else
		r->next = r->prev = r;
	*out = r;
	return 0;
}

#endif
