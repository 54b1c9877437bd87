/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside of the transport: queue pairs and capsules. */
#ifndef NVMF_H
#define NVMF_H

#include <stdlib.h>
#include <string.h>

#include <nvmf/nvmf_transport.h>
#include <weft/qp.h>

#include "env.h"

/* SGL1 of an SQE. */
#define SQE_SGL_LEN 32
#define SQE_SGL_TYPE 39
#define SGL_OFFSET 0x01    /* data block at an offset in the capsule */
#define SGL_TRANSPORT 0x5a /* data block the transport knows */

/* CAPSULE_RECEIVED: a command in the controller role. */
enum capsule_kind { CAPSULE_COMMAND, CAPSULE_RESPONSE, CAPSULE_RECEIVED };

/* Part of a received command's data on its way: one call of the consumer. */
struct ctl_op {
	struct ctl_op *next; /* of the command, in order; or in the free list */
	bool get;
	uint8_t flags;   /* SEND: WEFT_SQF_LAST and WEFT_SQF_SUCCESS for its end */
	bool hold;       /* SEND: its end waits for the response and leaves with it */
	int error;       /* aborted meanwhile, or failed: why */
	uint32_t offset; /* in the host's buffer, of what was not sent yet */
	uint32_t left;   /* bytes not acknowledged yet */
	uint32_t chunk;  /* bytes at the adapter */
	/* GET */
	struct memdesc mem;
	nvmf_io_complete_t *complete_cb;
	void *cb_arg;
	/* SEND */
	struct nvmf_buf *chain; /* all of it */
	struct nvmf_buf *buf;   /* where the next chunk starts */
	size_t skip;            /* bytes of it that were sent */
};

/* What a received command has beside other capsules. */
struct ctl_state {
	struct nvmf_capsule *hash_next;
	struct nvmf_capsule *live_next, **live_at; /* while owned */
	struct nvmf_capsule *stall_next;
	struct ctl_op *op, *op_last; /* the first is at the adapter when busy says so */
	const void *icd;
	uint32_t icd_len;
	uint32_t rx_next, tx_next; /* offsets */
	uint16_t slot;             /* receive buffer, names the command to the driver */
	uint16_t cid;              /* the host's */
	uint8_t claims;            /* responses allocated */
	uint8_t error;             /* generic status that the response must carry, or 0 */
	bool bad_digest, dma_error;
	bool hashed;
	bool answered;      /* cqe holds the response, or none is to follow */
	bool owned;         /* the transport's own hold on the capsule */
	bool busy;          /* a reply is at the adapter */
	bool last;          /* that reply ends the command */
	bool stalled;       /* in the pair's list */
	bool flushed;       /* the connection's end has reached it */
	struct fc_slot *fc; /* FC: until the command is given back to the transport */
};

struct nvmf_capsule {
	struct nvmf_qpair *qp;
	struct nvmf_capsule *next; /* in the pair's free list */
	/*
	 * Memory for a response, got when a command is transmitted so that none is lost for want of
	 * it; stays with the capsule until a response needs it.
	 */
	struct nvmf_capsule *rsp;
	unsigned int refs;
	enum capsule_kind kind;
	bool transmitted;
	bool sqhd_valid;
	int error; /* response: why it was made up */
	/* command: given to the data callback in place of the transfer's own result */
	int abort_error;
	/* data buffer; complete_cb NULL: none, or ended */
	struct memdesc mem;
	size_t len;
	bool send;
	nvmf_io_complete_t *complete_cb;
	void *cb_arg;
	uint8_t entry[64];        /* SQE or CQE */
	struct nvmf_capsule *cmd; /* response in the controller role: what it answers, held */
	/* received command */
	struct ctl_state ctl;
	uint8_t cqe[16];
};

enum conn_state {
	CONN_IDLE,    /* a pair that does not wait (yet) */
	CONN_WAITING, /* ACCEPT is at the adapter */
	CONN_OFFERED, /* the accept callback has it */
	CONN_USED,    /* a queue pair has it */
	CONN_ENDING,  /* freed; DISCONNECT is at the adapter, or waits for its turn */
	CONN_ENDED,   /* freed; the consumer still holds capsules */
};

/* A driver's pair in the controller role, over all the connections it carries one after another. */
struct nvmf_connection {
	struct nvmf_connection *next;   /* of the listener */
	struct nvmf_listener *listener; /* NULL: ended */
	struct weft_dev *dev;
	struct weft_qp *wqp;
	struct nvmf_qpair *qp; /* until its last reference is gone */
	enum conn_state state;
	bool gone;      /* the adapter reported the end of the connection */
	bool end_asked; /* DISCONNECT is at the adapter */
	bool end_done;  /* it has completed; replies it overtook may follow */
	bool offering;  /* the accept callback is on the stack */
	bool lost;      /* the connection went on or ended before it had a queue pair */
	bool fc; /* fc_target.c's: listener, dev and wqp are not used, states that wait neither */
	struct nvmf_connection_info info;
	/* of the listener */
	uint32_t maxh2cdata, max_icd;
	uint8_t cpda;
};

/* Response to a command of a direct pair. */
struct nvmf_direct {
	void *cookie;    /* of nvmf__send_command */
	uint8_t cqe[16]; /* as nvmf_capsule_cqe shows it */
	int error;       /* of the command, made up as nvmf_capsule_error says, or of its data */
	uint32_t bytes;  /* of data that went over */
};

typedef void nvmf__response_fn(void *arg, const struct nvmf_direct *response);

struct nvmf_qpair {
	struct nvmf_handoff_qpair_params params;
	struct nvmf_qpair_info info;
	struct weft_qp *wqp;    /* NULL: Fibre Channel */
	struct fc_assoc_qp *fc; /* host */
	nvmf_qpair_error_t *error_cb;
	void *error_arg;
	nvmf_capsule_receive_t *receive_cb;
	nvmf__response_fn *response_cb; /* direct: in place of receive_cb, and without capsules */
	void *receive_arg;
	struct nvmf_capsule *free_list;
	unsigned int refs; /* the owner's and one for each capsule in use */
	bool ended;        /* connection gone */
	bool freed;
	/* controller role; conn NULL: host */
	struct nvmf_connection *conn;
	struct nvmf_capsule **bucket; /* commands without response by CID, oldest first */
	unsigned int mask;            /* buckets - 1 */
	struct nvmf_capsule *live;    /* commands that the transport holds */
	struct nvmf_capsule *stall, *stall_last; /* replies that found the ring full */
	struct ctl_op *free_op;
};

/* qpair.c */
/*
 * A host's pair whose consumer is part of this library: commands by nvmf__send_command, responses by
 * response_cb, no capsules. Errors as those of nvmf_allocate_qpair. After nvmf_free_qpair commands
 * still in flight end without a response.
 */
struct nvmf_qpair *nvmf__allocate_direct(enum nvmf_trtype trtype,
					 const struct nvmf_handoff_qpair_params *params,
					 nvmf_qpair_error_t *error_cb,
					 nvmf__response_fn *response_cb, void *arg);
void nvmf__qpair_end(struct nvmf_qpair *qp);

/* capsule.c */
/* Nobody holds it any more. */
void nvmf__capsule_release(struct nvmf_capsule *nc);
void nvmf__completed(struct nvmf_qpair *qp, const struct weft_completion *c);

/*
 * Submits a command of a direct pair, without a copy of sqe (64 bytes, CID included), which gets PSDT
 * and SGL1 in place. mem: NULL without data; they are lent until the response. Errors as those of
 * nvmf_capsule_append_data and nvmf_transmit_capsule.
 */
int nvmf__send_command(struct nvmf_qpair *qp, void *sqe, const struct memdesc *mem, size_t len,
		       bool send, void *cookie);
/* A completion of a direct pair. */
void nvmf__direct_completed(struct nvmf_qpair *qp, const struct weft_completion *c);

/* ctl.c: received commands. */
int nvmf__ctl_init(struct nvmf_qpair *qp);
void nvmf__ctl_fini(struct nvmf_qpair *qp);
/* fc: of a command over FC, its slot. */
void nvmf__ctl_capsule(struct nvmf_qpair *qp, const struct weft_capsule *c, struct fc_slot *fc);
void nvmf__ctl_completed(struct nvmf_qpair *qp, const struct weft_completion *c);
void nvmf__ctl_unhash(struct nvmf_capsule *nc);
int nvmf__ctl_respond(struct nvmf_capsule *rsp);
void nvmf__ctl_abort(struct nvmf_capsule *nc, int error);
void nvmf__ctl_ended(struct nvmf_qpair *qp, int error);
/* The connection ended: whatever is not at the adapter ends with error. */
void nvmf__ctl_flush(struct nvmf_qpair *qp, int error);

/* data.c: what one reply can carry. */
uint32_t nvmf__chunk(const struct ctl_op *op, struct iovec *iov, unsigned int *count);
void nvmf__skip(struct ctl_op *op, uint32_t len);
void nvmf__mem_reply(const struct memdesc *mem, uint32_t len, struct iovec *one,
		     struct weft_sgl_elem *elem, struct weft_reply *r);
bool nvmf__copy_to_mem(const struct memdesc *mem, const void *from, size_t len);

/* command.c */
bool nvmf__in_capsule(const struct nvmf_capsule *nc);
int nvmf__receive_icd(struct nvmf_capsule *nc, uint32_t offset, const struct memdesc *mem,
		      size_t len, nvmf_io_complete_t *complete_cb, void *cb_arg);

static inline struct nvmf_env nvmf__env_of(const struct nvmf_qpair *qp)
{
	return (struct nvmf_env){ .dev = qp->params.dev, .pump = qp->params.fc.pump };
}

/* --- what each command passes through: inline ---------------------------------------------------- */

/* For a capsule that is used from now on, whatever it was before; rsp stays. */
static inline void nvmf__capsule_init(struct nvmf_capsule *nc, struct nvmf_qpair *qp,
				      enum capsule_kind kind)
{
	nc->qp = qp;
	nc->refs = 1;
	nc->kind = kind;
	nc->cmd = NULL;
	nc->transmitted = nc->sqhd_valid = nc->send = false;
	nc->error = nc->abort_error = 0;
	nc->complete_cb = NULL;
	nc->len = 0;
}

static inline struct nvmf_capsule *nvmf__capsule_get(struct nvmf_qpair *qp, enum capsule_kind kind)
{
	struct nvmf_capsule *nc = qp->free_list;

	if (nc) {
		qp->free_list = nc->next;
	} else {
		nc = malloc(sizeof(*nc));
		if (!nc)
			return NULL;
		nc->rsp = NULL;
	}
	nvmf__capsule_init(nc, qp, kind);
	qp->refs++;
	return nc;
}

static inline bool nvmf__known_kind(const struct memdesc *mem)
{
	return mem->md_type == MEMDESC_VADDR || mem->md_type == MEMDESC_VLIST ||
	       mem->md_type == MEMDESC_IOVA || mem->md_type == MEMDESC_IOVA_LIST;
}

/* Gives the buffer back, once. */
static inline void nvmf__data_done(struct nvmf_capsule *nc, size_t xfered, int error)
{
	nvmf_io_complete_t *cb = nc->complete_cb;

	nc->complete_cb = NULL;
	if (cb)
		cb(nc->cb_arg, xfered, error);
}

static inline void nvmf__qpair_put(struct nvmf_qpair *qp)
{
	if (!--qp->refs)
		nvmf__qpair_end(qp);
}

/* nvmf_free_capsule for a capsule that is there. */
static inline void nvmf__capsule_put(struct nvmf_capsule *nc)
{
	if (!--nc->refs)
		nvmf__capsule_release(nc);
}

/* nvmf_capsule_data_len of a received command. */
static inline uint32_t nvmf__sgl_len(const struct nvmf_capsule *nc)
{
	uint8_t type = nc->entry[SQE_SGL_TYPE];
	uint32_t len;

	memcpy(&len, &nc->entry[SQE_SGL_LEN], 4);
	return type == SGL_OFFSET || type == SGL_TRANSPORT ? len : 0;
}

/* listen.c */
int nvmf__controller_take(struct nvmf_qpair *qp);
void nvmf__controller_free(struct nvmf_qpair *qp);
void nvmf__conn_released(struct nvmf_connection *conn);

#endif
