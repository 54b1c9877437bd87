/* SPDX-License-Identifier: BSD-2-Clause */
/* What the two roles share: link services, asked and answered; port numbers. */
#ifndef FC_COMMON_H
#define FC_COMMON_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include <nvme/fc_driver.h>

#include "wire.h"

#define FC_NSEC 1000000000ull
#define FC_LS_TIMEOUT 20 /* seconds: 2 * R_A_TOV */
#define FC_LS_GRACE 2    /* seconds more for the driver to notice */
#define FC_LS_RX_MAX 256 /* link services of peers being answered, per port */
#define FC_PORTS_MAX 64

/* --- asking: one link service request at a time ------------------------------------------------------ */

enum fc_ls_state {
	FC_LS_IDLE,
	FC_LS_WAITING, /* the driver could not take it yet */
	FC_LS_SENT,
	FC_LS_ABORTED, /* aborted; the driver owes done */
	FC_LS_DONE     /* for fc_ls_op_result */
};

/*
 * begin -> WAITING -> SENT -> (ABORTED ->) DONE -> IDLE. A request is never sent twice: an answer that
 * was lost may have made an association.
 */
struct fc_ls_op {
	struct nvmefc_ls_req req;
	struct nvme_fc_device *dev;
	int (*start)(struct fc_ls_op *op);
	void (*abort)(struct fc_ls_op *op);
	enum fc_ls_state state;
	uint8_t cmd;
	int status;
	uint64_t deadline;
};

/* start and abort are set by the caller. 0, -ENOMEM. */
int fc_ls_op_init(struct fc_ls_op *op, struct nvme_fc_device *dev, uint32_t priv_sz);
void fc_ls_op_fini(struct fc_ls_op *op); /* IDLE or DONE */
void fc_ls_op_begin(struct fc_ls_op *op, const struct fc_ls_rqst *rqst, uint64_t now);
/* Moves it on; returns when to call again. */
uint64_t fc_ls_op_poll(struct fc_ls_op *op, uint64_t now);
/* Gives it up; DONE follows. */
void fc_ls_op_abort(struct fc_ls_op *op);
/* DONE -> IDLE: 0 accepted; -ECONNREFUSED: resp->rjt; others: no answer, or none that makes sense. */
int fc_ls_op_result(struct fc_ls_op *op, struct fc_ls_resp *resp);

/* --- answering ------------------------------------------------------------------------------------------ */

struct fc_ls_rxq;

/* A request of a peer, until its answer is sent. */
struct fc_ls_rx {
	TAILQ_ENTRY(fc_ls_rx) link;
	struct fc_ls_rxq *q;
	struct nvmefc_ls_rsp *rsp;
	void *from; /* remote port or host handle */
	void *rspbuf;
	uint64_t rspdma;
	bool taken; /* by fc_ls_rx_next */
	bool stale; /* its sender is lost */
	uint8_t cmd;
	uint32_t len;
	uint8_t buf[];
};

struct fc_ls_rxq {
	TAILQ_HEAD(fc_ls_rx_list, fc_ls_rx) list;
	unsigned int count;
	struct nvme_fc_device *dev;
	int (*xmt)(struct fc_ls_rx *rx);
	void *port;
};

void fc_ls_rxq_init(struct fc_ls_rxq *q, struct nvme_fc_device *dev,
		    int (*xmt)(struct fc_ls_rx *rx), void *port);
/* Copies it. -E2BIG, -ENOENT (too many), -ENOMEM. */
int fc_ls_rx_add(struct fc_ls_rxq *q, void *from, struct nvmefc_ls_rsp *rsp, const void *buf,
		 uint32_t len);
/* The oldest one that nobody has looked at, or NULL. */
struct fc_ls_rx *fc_ls_rx_next(struct fc_ls_rxq *q);
bool fc_ls_rx_has(const struct fc_ls_rxq *q, const void *from);
/* Sends the answer; rx is gone. 0, or the driver's error: nothing was sent. */
int fc_ls_rx_answer(struct fc_ls_rx *rx, const struct fc_ls_resp *resp);
void fc_ls_rx_accept(struct fc_ls_rx *rx);
void fc_ls_rx_reject(struct fc_ls_rx *rx, uint8_t reason, uint8_t explan);

/* --- ports ---------------------------------------------------------------------------------------------- */

/* A free number, taken; -1: none. used: one bit each. Any thread. */
int fc_port_num_get(uint64_t *used);
void fc_port_num_put(uint64_t *used, uint32_t num);
/* size bytes for a driver, NULL when 0; false: no memory. */
bool fc_private(void **priv, size_t count, uint32_t size);
/* Bytes between the private areas of an array. */
static inline size_t fc_stride(uint32_t size)
{
	return ((size_t)size + 7) & ~(size_t)7;
}

#endif
