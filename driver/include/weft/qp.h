/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Queue pairs: rings that carry NVMe command capsules to the adapter and their completions back,
 * one connection each.
 *
 * Life: weft_qp_create, weft_qp_connect, weft_qp_submit and weft_qp_poll, weft_qp_disconnect,
 * weft_qp_delete. A command's buffers are lent to the device from weft_qp_submit until its
 * completion was delivered.
 */
#ifndef WEFT_QP_H
#define WEFT_QP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include <weft/dev.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct weft_qp;
struct weft_sgl_elem; /* of the host interface, see weft_host.h */

/* End of a command. */
struct weft_completion {
	void *cookie; /* as submitted */
	/* 16 bytes, the response's completion queue entry; NULL with an error. Only for the call */
	const void *cqe;
	/* 0, or negative errno: the adapter ended the command, no response was received */
	int error;
	uint32_t data_len; /* bytes received, or sent and acknowledged */
	uint16_t cid;      /* free again from now on */
	uint8_t flags; /* WEFT_CQF_*: wrong data digest, CQE made from a SUCCESS flag, DMA error */
};

typedef void weft_complete_fn(void *arg, const struct weft_completion *completion);

/* weft_dev_poll leaves this pair alone: a thread of its own calls weft_qp_poll. */
#define WEFT_QP_THREAD 1u

struct weft_qp_params {
	weft_complete_fn *complete_cb; /* for each command; must be set */
	weft_event_fn *event_cb;       /* events of this pair (WEFT_EV_*), or NULL */
	void *arg;                     /* first argument of both */
	uint32_t flags;                /* WEFT_QP_* */
	/* interrupt vector, below weft_dev_info.n_vectors; 0 shares the admin pair's */
	uint16_t vector;
	uint8_t sq_log2;    /* 1 << n entries and commands, 1..10; 0: 7 */
	uint8_t coal_count; /* completions that raise the interrupt at once; 0, 1: each */
	uint8_t coal_us;    /* microseconds after which fewer do */
};

/*
 * Makes a queue pair with the lowest free number. Synchronous (polls while it waits). -ENOSPC: no
 * pair or command slot left;
 * -ERANGE: vector too high.
 */
int weft_qp_create(struct weft_dev *dev, const struct weft_qp_params *params, struct weft_qp **qp);

/*
 * Frees a pair. Synchronous. Its connection must be gone: -EBUSY otherwise, and the pair lives on.
 * Any other error of the device is reported, but the pair is gone all the same. Commands not
 * completed end without callback. Allowed from its own callback.
 */
int weft_qp_delete(struct weft_qp *qp);

/* Number of the pair on the device, 1..127; number of entries. */
uint16_t weft_qp_id(const struct weft_qp *qp);
uint16_t weft_qp_entries(const struct weft_qp *qp);

/* NVMe/TCP connection wanted. Addresses and ports in host order. */
struct weft_connect {
	uint32_t remote_ip;
	uint16_t remote_port;
	uint16_t local_port; /* 0: the adapter chooses */
	bool header_digest;  /* ask for it */
	bool data_digest;
	uint8_t hpda;          /* host PDU data alignment, dwords, 0's based, 0..31 */
	uint16_t maxr2t;       /* R2Ts outstanding per command, 0's based, 0..15 */
	uint32_t timeout_ms;   /* for TCP and ICResp together, device time; 0: 30000 */
	uint32_t keepalive_ms; /* TCP keepalive interval, 0: off */
};

/* What was agreed. */
struct weft_connection {
	uint32_t maxh2cdata; /* bytes */
	uint8_t cpda;        /* controller PDU data alignment, dwords, 0's based */
	bool header_digest;
	bool data_digest;
	uint16_t local_port;
};

/*
 * Connects: TCP, then ICReq and ICResp (NVMe/TCP Transport 1.0, 3.1.1). Synchronous: polls and
 * sleeps, other callbacks run. result may be NULL. -ECONNREFUSED, -EHOSTUNREACH, -ETIMEDOUT,
 * -EPROTO (ICResp not acceptable), -EISCONN, -ENOSPC (no connection left).
 */
int weft_qp_connect(struct weft_qp *qp, const struct weft_connect *conn,
		    struct weft_connection *result);

/*
 * Closes the connection: FIN, or RST when abort is true. Synchronous. On return every command's
 * completion is in the ring (next poll delivers it) and the device touches no buffer of this pair
 * any more. 0 also when there was no connection.
 */
int weft_qp_disconnect(struct weft_qp *qp, bool abort);

/*
 * Counters of the connection: page 0 segments sent, received, retransmitted; 1 duplicate ACKs,
 * RTOs, fast retransmits; 2 state, smoothed RTT in us, congestion window in bytes; 3 PDUs sent,
 * PDUs received, data digest errors. Synchronous.
 */
int weft_qp_stats(struct weft_qp *qp, uint16_t page, uint32_t val[3]);

/*
 * A command capsule to send. Data: either iov (addresses of allocated or registered memory) or elem
 * (IOVAs), not both.
 */
struct weft_cmd {
	const void *sqe; /* 64 bytes, sent as they are; copied */
	const struct iovec
		*iov; /* data buffer, first data_len bytes count; read only during the call */
	const struct weft_sgl_elem
		*elem; /* the same as IOVAs; the caller answers for their validity */
	/* of iov or elem; adjacent pieces are joined, then at most WEFT_SGL_MAX */
	unsigned int count;
	uint32_t data_len; /* bytes, at most WEFT_DATA_MAX */
	uint16_t cid;      /* 0..entries-1, not in flight, equal to the CID in sqe */
	uint8_t flags;     /* WEFT_SQF_DATA_OUT or WEFT_SQF_DATA_IN, WEFT_SQF_ICD */
	void *cookie;      /* given back in the completion */
};

/*
 * Puts a command into the ring; weft_qp_doorbell (or the end of the poll that runs now) shows it to
 * the device.
 * -EAGAIN: ring full, poll first; -EEXIST: cid in flight; -EFAULT: memory not registered; -E2BIG:
 * more than WEFT_SGL_MAX pieces;
 * -EINVAL: cid or lengths out of range; -ENOTCONN: the pair is dead (reset).
 */
int weft_qp_submit(struct weft_qp *qp, const struct weft_cmd *cmd);

/*
 * Tells the device about all commands submitted since the last time; one register write, none when
 * there is nothing new.
 */
int weft_qp_doorbell(struct weft_qp *qp);

/*
 * Delivers up to max completions and events (0: as many as there are). Returns their number or
 * -ENODEV (all commands in flight have then been ended with that error). Rings the doorbell for
 * what its callbacks submitted.
 */
int weft_qp_poll(struct weft_qp *qp, unsigned int max);

/* Commands in flight. */
unsigned int weft_qp_inflight(const struct weft_qp *qp);

/*
 * For a pair with a thread of its own: the eventfd of its vector (read it to clear it), and the
 * request for one interrupt.
 */
int weft_qp_fd(const struct weft_qp *qp);
int weft_qp_arm(struct weft_qp *qp);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
