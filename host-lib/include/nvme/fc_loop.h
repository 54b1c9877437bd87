/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A Fibre Channel low-level driver without hardware: a local port and a target port of one program,
 * joined in memory. For programs that want both ends of FC-NVMe in one process, and for tests of what
 * lies above: it injects faults, and it checks that the transport keeps the contract of
 * nvme/fc_driver.h, as a real driver would find out the hard way.
 *
 * A loop belongs to one thread. Everything is asynchronous: what is started completes in a later
 * nvme_fc_loop_poll, in the order it was started; the same calls give the same order every time.
 */
#ifndef NVME_FC_LOOP_H
#define NVME_FC_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include <nvme/fc_driver.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct nvme_fc_loop;

/* Zero: the default in brackets. */
struct nvme_fc_loop_opts {
	uint32_t max_hw_queues;    /* of both templates [65] */
	uint16_t max_sgl_segments; /* [256] */
	uint64_t dma_boundary;     /* a mask [2^32 - 1] */
	uint32_t dev_loss_tmo;     /* seconds [60] */
	bool no_readdata_rsp;      /* the target cannot do NVMET_FCOP_READDATA_RSP */
	bool no_target_ls;         /* the target cannot send link services */
	bool no_defer;             /* the target has no defer_rcv */
	bool sync_abort;           /* aborts complete from inside ls_abort and fcp_abort */
	bool empty_rsp;            /* an RSP of zeroes is not stored: rcv_rsplen 0 */
};

/*
 * Things that go wrong. Each is armed with how many occasions pass by first, and how many are hit then.
 */
enum nvme_fc_loop_fault {
	NVME_FC_LOOP_LS_BUSY,       /* ls_req returns -EBUSY */
	NVME_FC_LOOP_LS_FAIL,       /* ls_req returns -EIO */
	NVME_FC_LOOP_LS_DROP,       /* the request is lost: time out */
	NVME_FC_LOOP_LS_RSP_DROP,   /* the answer is lost: time out */
	NVME_FC_LOOP_LS_REJECT,     /* the answer is LS_RJT, unable to perform */
	NVME_FC_LOOP_LS_GARBLE,     /* the answer is nonsense */
	NVME_FC_LOOP_LS_NO_TIMEOUT, /* the driver forgets to time the request */
	NVME_FC_LOOP_LS_XMT_FAIL,   /* xmt_ls_rsp returns -EIO */
	NVME_FC_LOOP_QUEUE_FAIL,    /* create_queue returns -ENOMEM */
	NVME_FC_LOOP_IO_BUSY,       /* fcp_io returns -EBUSY */
	NVME_FC_LOOP_IO_AGAIN,      /* fcp_io returns -EAGAIN */
	NVME_FC_LOOP_IO_FAIL,       /* fcp_io returns -EIO */
	NVME_FC_LOOP_CMND_DROP,     /* the CMND IU is lost */
	NVME_FC_LOOP_CMND_ABORT,    /* the exchange ends with -EIO before the target sees it */
	NVME_FC_LOOP_OP_FAIL,       /* fcp_op returns -EIO */
	NVME_FC_LOOP_OP_DROP,       /* the operation never ends by itself */
	NVME_FC_LOOP_OP_ERROR,      /* the operation ends with fcp_error */
	NVME_FC_LOOP_OP_SHORT,      /* half of the data is moved */
	NVME_FC_LOOP_OP_ABORT,   /* the exchange ends with -EIO at the host before the operation */
	NVME_FC_LOOP_RSP_LATE,   /* the target's done of a response runs 16 polls later */
	NVME_FC_LOOP_RSP_DROP,   /* the response is lost on the way to the host */
	NVME_FC_LOOP_RSP_GARBLE, /* the response is nonsense */
	NVME_FC_LOOP_ABORT_LATE, /* done of an aborted I/O runs 16 polls later */
	NVME_FC_LOOP_ALLOC,      /* no memory for the transport */
	NVME_FC_LOOP_FAULTS
};

/* What is in use, and what the transport did wrong. */
struct nvme_fc_loop_stats {
	unsigned int memory;     /* pieces of memory that the transport holds */
	unsigned int queues;     /* of create_queue, not deleted */
	unsigned int exchanges;  /* I/O, not ended on both sides */
	unsigned int ls;         /* link services, not ended on both sides */
	unsigned int hosts;      /* host handles, not released */
	unsigned int breaches;   /* of the contract */
	const char *breach;      /* the latest of them, or NULL */
	uint64_t commands;       /* accepted by fcp_io */
	uint64_t aborts;         /* fcp_abort of either side */
	uint64_t deferred;       /* commands the target deferred */
	uint64_t fcp_ops[5];     /* by NVMET_FCOP_* */
	uint64_t short_rsps;     /* RSP, of the responses sent */
	uint64_t discovery;      /* discovery_event */
	unsigned int deleted[3]; /* localport_delete, remoteport_delete, targetport_delete */
};

/*
 * Registers all three ports, remote port known to local port. opts NULL: defaults. 0; -ENOMEM, or
 * the error of a registration.
 */
int nvme_fc_loop_create(const struct nvme_fc_loop_opts *opts, struct nvme_fc_loop **loop);
/*
 * Unregisters all, and polls until they are deleted. Whoever uses the ports gets to know it from
 * inside; a user of the target port must end its commands and connections. 0, and loop is gone;
 * -EBUSY: something is still in use, loop stays.
 */
int nvme_fc_loop_destroy(struct nvme_fc_loop *loop);
/*
 * Delivers what is under way, and polls the ports. now: nanoseconds, never backwards. Returns when to
 * call again, UINT64_MAX: nothing is under way.
 */
uint64_t nvme_fc_loop_poll(struct nvme_fc_loop *loop, uint64_t now);
/*
 * The cable. false: the host loses the remote port, the target its host. true: it is back, under the
 * same names. 0, or the error of the registration.
 */
int nvme_fc_loop_link(struct nvme_fc_loop *loop, bool up);
void nvme_fc_loop_fault(struct nvme_fc_loop *loop, enum nvme_fc_loop_fault fault, unsigned int skip,
			unsigned int count);
/* The ports; NULL when they are not there. */
struct nvme_fc_local_port *nvme_fc_loop_local(struct nvme_fc_loop *loop);
struct nvme_fc_remote_port *nvme_fc_loop_remote(struct nvme_fc_loop *loop);
struct nvmet_fc_target_port *nvme_fc_loop_target(struct nvme_fc_loop *loop);
void nvme_fc_loop_stats(const struct nvme_fc_loop *loop, struct nvme_fc_loop_stats *stats);
/* The IOVA of memory at addr, for payload pieces. */
uint64_t nvme_fc_loop_iova(const void *addr);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
