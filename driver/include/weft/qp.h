/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Queue pairs: rings that carry NVMe command capsules to the adapter and their completions back,
 * one connection each.
 *
 * Host role: weft_qp_create, weft_qp_connect, weft_qp_submit and weft_qp_poll, weft_qp_disconnect,
 * weft_qp_delete. A command's buffers are lent to the device from weft_qp_submit until its
 * completion was delivered.
 *
 * Controller role: weft_listen, weft_qp_create with WEFT_QP_CONTROLLER, weft_qp_accept; capsules
 * come in through capsule_cb and are answered with weft_qp_reply; weft_qp_disconnect, and the pair
 * can accept again. The receive buffers belong to the pair. Buffer cid holds one command from
 * capsule_cb until the reply that ends it was submitted; replies to one command go one at a time.
 * A reset or the loss of the device ends the connection like anything else: commands in flight
 * first, then event_cb gets WEFT_EV_CONN_ERROR with ECANCELED or ENODEV.
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
	/*
	 * 16 bytes, the response's completion queue entry; NULL with an error, and for replies. Only
	 * for the call
	 */
	const void *cqe;
	/* 0, or negative errno: the adapter ended the command, no response was received */
	int error;
	uint32_t data_len; /* bytes received, or sent and acknowledged */
	uint16_t cid;      /* free again from now on */
	uint8_t flags; /* WEFT_CQF_*: wrong data digest, CQE made from a SUCCESS flag, DMA error */
};

typedef void weft_complete_fn(void *arg, const struct weft_completion *completion);

/* A command capsule that came in. The memory is the pair's; see above for how long it holds it. */
struct weft_capsule {
	void *sqe; /* 64 bytes */
	void *icd; /* in-capsule data, NULL when there is none; DMA memory, may be replied from */
	uint32_t icd_len; /* bytes */
	uint16_t cid;     /* receive buffer, 0..entries-1; not the CID in the SQE */
	bool bad_digest;  /* the data digest of icd is wrong: the command must fail with 0h/22h */
	bool dma_error; /* host memory failed while the capsule was placed: sqe, icd say nothing */
};

typedef void weft_capsule_fn(void *arg, const struct weft_capsule *capsule);

/*
 * What came into a receive buffer of a Fibre Channel pair: a command's CMND IU, or a link service. The
 * memory is the pair's, the host's to read until the buffer is given back.
 */
struct weft_fc_capsule {
	const void *head;    /* struct weft_fc_rx: the frame's header */
	const void *payload; /* data field */
	uint32_t len;        /* bytes of it */
	uint16_t cid;        /* receive buffer */
	uint16_t rport;      /* remote port it came from */
	uint32_t s_id;
	uint16_t ox_id;
	uint16_t rx_id;
	bool dma_error; /* host memory failed while it was placed: payload says nothing */
};

typedef void weft_fc_capsule_fn(void *arg, const struct weft_fc_capsule *capsule);

/* weft_dev_poll leaves this pair alone: a thread of its own calls weft_qp_poll. */
#define WEFT_QP_THREAD 1u
/* Controller role: capsule_cb and icd_size count; weft_qp_accept in place of weft_qp_connect. */
#define WEFT_QP_CONTROLLER 2u
/*
 * Fibre Channel: weft_qp_fc_submit in place of weft_qp_submit. With CONTROLLER: commands of hosts come
 * in from creation on, fc_capsule_cb counts. With LS: the link services and events of the FC port;
 * fc_capsule_cb counts, icd_size is 32 bytes and the longest link service taken, at least 1088.
 */
#define WEFT_QP_FC 4u
#define WEFT_QP_LS 8u

struct weft_qp_params {
	weft_complete_fn *complete_cb;     /* for each command; must be set */
	weft_event_fn *event_cb;           /* events of this pair (WEFT_EV_*), or NULL */
	weft_capsule_fn *capsule_cb;       /* controller role: must be set */
	weft_fc_capsule_fn *fc_capsule_cb; /* FC with CONTROLLER or LS: must be set */
	void *arg;                         /* first argument of all of them */
	uint32_t flags;                    /* WEFT_QP_* */
	/* interrupt vector, below weft_dev_info.n_vectors; 0 shares the admin pair's */
	uint16_t vector;
	uint8_t sq_log2;    /* 1 << n entries and commands, 1..10; 0: 7 */
	uint8_t coal_count; /* completions that raise the interrupt at once; 0, 1: each */
	uint8_t coal_us;    /* microseconds after which fewer do */
	/*
	 * Controller role: bytes of in-capsule data a command may bring, a multiple of 64 up to
	 * WEFT_PDU_DATA_MAX; entries times as much DMA memory is allocated, each buffer at a
	 * multiple of the largest power of two up to 4096 that divides icd_size
	 */
	uint32_t icd_size;
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

/*
 * The same without waiting: the pair can be used at once, but takes no entries (-EAGAIN) until the
 * device has made it. Where that fails, entries are refused with the device's error. Such errors as
 * can be seen without the device are returned.
 */
int weft_qp_create_async(struct weft_dev *dev, const struct weft_qp_params *params,
			 struct weft_qp **qp);

/*
 * Gives a Fibre Channel pair up: no callback of it runs any more, qp is not the caller's. The device is
 * asked to delete it, from the handle's polls, until it has ended what is in flight there.
 */
void weft_qp_drop(struct weft_qp *qp);

/* 0: the device knows the pair, or will; -ECANCELED: reset; -ENODEV: gone; others: of its making. */
int weft_qp_error(const struct weft_qp *qp);

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
 * Takes TCP connections on a port of the adapter, as far as pairs wait for them. Synchronous.
 * -EADDRINUSE, -ENOSPC (WEFT_N_LISTEN ports), -EINVAL (port 0).
 */
int weft_listen(struct weft_dev *dev, uint16_t port);
/* The end of it: -ENOENT. Connections and waiting pairs stay. */
int weft_unlisten(struct weft_dev *dev, uint16_t port);

/* NVMe/TCP connection that a pair waits for (TCP Transport 1.0, 3.6.2.2 and 3.6.2.3). */
struct weft_accept {
	uint16_t port;      /* listened on; 0: any */
	bool header_digest; /* granted when the host asks */
	bool data_digest;
	uint8_t cpda;           /* controller PDU data alignment, dwords, 0's based, 0..31 */
	uint32_t maxh2cdata;    /* bytes, multiple of 4, 4096..WEFT_PDU_DATA_MAX; 0: 131072 */
	uint32_t ic_timeout_ms; /* time for the host's ICReq; 0: 10000 */
	uint32_t keepalive_ms;  /* TCP keepalive interval, 0: off */
};

/* What came, and what was agreed. */
struct weft_accepted {
	uint32_t remote_ip;
	uint16_t remote_port;
	uint16_t local_port;
	uint16_t maxr2t; /* R2Ts the host takes for one command, 0's based */
	uint8_t hpda;    /* host PDU data alignment, dwords, 0's based */
	bool header_digest;
	bool data_digest;
};

/* error: 0, or -ECANCELED (disconnected, or the device was reset), -EINVAL; accepted is NULL then. */
typedef void weft_accept_fn(void *arg, struct weft_qp *qp, int error,
			    const struct weft_accepted *accepted);

/*
 * Waits for a connection: cb runs once, from a poll, when ICReq and ICResp are exchanged. Capsules
 * come after it. Connections that fail before that are not reported. weft_qp_delete and
 * weft_dev_close end the wait with -ECANCELED, too. -EISCONN connected or waiting already; -EINVAL;
 * -EAGAIN fewer than four admin commands could be submitted beside it; -ENOTCONN the pair is dead.
 */
int weft_qp_accept(struct weft_qp *qp, const struct weft_accept *accept, weft_accept_fn *cb,
		   void *arg);

/* error: 0 or negative errno: the adapter may still use memory of the pair. */
typedef void weft_ended_fn(void *arg, struct weft_qp *qp, int error);

/*
 * weft_qp_disconnect without waiting: cb runs once, from a poll, when the connection is closed and
 * the completions are in the ring. From this call on no capsules are delivered and replies are
 * refused. -EALREADY: one is under way; -EAGAIN admin ring full; -ENOTCONN the pair is dead, and
 * nothing is in use. weft_qp_delete, a reset and weft_dev_close end it with -ECANCELED.
 */
int weft_qp_disconnect_async(struct weft_qp *qp, bool abort, weft_ended_fn *cb, void *arg);

/*
 * Whether commands and replies of this pair may name the len bytes at addr: 0 or -EFAULT. As
 * weft_mem_iova, but cheaper; on the pair's thread.
 */
int weft_qp_reachable(struct weft_qp *qp, const void *addr, size_t len);

/* What a reply does. */
enum weft_reply_op {
	WEFT_REPLY_GET,     /* fetch data from the host (R2T, H2CData) */
	WEFT_REPLY_SEND,    /* send data (C2HData), at most WEFT_PDU_DATA_MAX */
	WEFT_REPLY_RESPOND, /* send the response capsule */
};

/* Data: either iov or elem, as in struct weft_cmd. */
struct weft_reply {
	enum weft_reply_op op;
	uint16_t cid;    /* receive buffer of the command */
	uint16_t cccid;  /* CID in its SQE */
	uint8_t flags;   /* SEND: WEFT_SQF_LAST, WEFT_SQF_SUCCESS, WEFT_SQF_RESP */
	uint32_t offset; /* first byte in the host's buffer, a multiple of 4 */
	uint32_t data_len;
	const struct iovec *iov;
	const struct weft_sgl_elem *elem;
	unsigned int count;
	const void *cqe; /* 16 bytes; RESPOND, and SEND with WEFT_SQF_RESP; copied */
	void *cookie;    /* given back in the completion */
};

/*
 * Puts a reply into the ring (see weft_qp_submit for when the device sees it, and for errors). Its
 * end comes through complete_cb with cqe NULL: data arrived, or were acknowledged. RESPOND,
 * WEFT_SQF_RESP and WEFT_SQF_SUCCESS end the command: its receive buffer is the device's again from
 * this call on. -EEXIST: a reply to this command is in flight; -ENOENT: buffer cid holds no command.
 */
int weft_qp_reply(struct weft_qp *qp, const struct weft_reply *reply);

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
 * Puts an entry of a Fibre Channel pair into the ring: struct weft_fc_io_entry, weft_fc_ls_entry or
 * weft_fc_tgt_entry, 128 bytes; copied. Its SGL is filled in from elem (count elements, IOVAs that the
 * caller answers for), in an array of the pair's when they are too many. A completion's cqe holds the
 * result's dwords, with FC_IO the bytes of the response in the first. Errors as weft_qp_submit; -EAGAIN
 * also while the pair is being made; -ENOENT: the receive buffer holds nothing.
 */
int weft_qp_fc_submit(struct weft_qp *qp, const void *entry, const struct weft_sgl_elem *elem,
		      unsigned int count, void *cookie);
/* FC host pair: where the response of command cid was placed, WEFT_FC_RSP_SIZE bytes. */
const void *weft_qp_fc_rsp(const struct weft_qp *qp, uint16_t cid);

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
