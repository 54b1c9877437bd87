/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * NVMe over Fabrics transport: queue pairs and capsules. The interface follows FreeBSD's kernel
 * transport interface of the same name, in user space, over an adapter that carries the transport
 * (NVMe/TCP) itself.
 *
 * A queue pair is one submission and one completion queue of an NVMe-oF association, on one
 * connection of its own. Command capsules go from host to controller, response capsules back. A
 * command may have one data buffer; data is never copied here: the adapter reads and writes the
 * program's memory.
 *
 * Host role. Controller role is not there yet: nvmf_allocate_qpair(controller = true) fails with
 * EOPNOTSUPP.
 *
 * Errors are negative errno values, also in callbacks; functions that return pointers return NULL
 * and set errno. weft_last_error() tells more.
 *
 * Threads and callbacks: a queue pair belongs to one thread at a time. Callbacks run from inside
 * nvmf_poll, nvmf_qpair_poll and the functions of weft/dev.h that poll; in addition nvmf_free_qpair
 * and nvmf_abort_capsule_data run data callbacks themselves. From any callback every function here
 * may be called, nvmf_free_qpair of the same pair included.
 */
#ifndef NVMF_TRANSPORT_H
#define NVMF_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct weft_dev;
struct weft_qp;
struct nvmf_capsule;
struct nvmf_qpair;

/* Transport types, numbered as in discovery log entries. */
enum nvmf_trtype {
	NVMF_TRTYPE_RDMA = 1,
	NVMF_TRTYPE_FC = 2,
	NVMF_TRTYPE_TCP = 3,
};

/* Kinds of memory a struct memdesc can describe. */
enum memdesc_type {
	MEMDESC_VADDR = 1,     /* one address of this program */
	MEMDESC_VLIST = 3,     /* list of such */
	MEMDESC_IOVA = 16,     /* one address as the adapter sees it */
	MEMDESC_IOVA_LIST = 17 /* list of such */
};

/* One piece of a MEMDESC_IOVA_LIST; laid out as the adapter's own scatter/gather element. */
struct memdesc_iova {
	uint64_t addr; /* from weft_mem_iova */
	uint32_t len;  /* bytes */
	uint32_t rsvd; /* 0 */
};

/*
 * A data buffer. Program addresses must lie in memory of weft_mem_alloc or weft_mem_register; they
 * are looked up when the capsule is transmitted. IOVAs are taken as they are, for programs that did
 * that themselves. A list is read during nvmf_transmit_capsule and may be gone afterwards; the
 * memory it names must stay until the data callback.
 */
struct memdesc {
	enum memdesc_type md_type;
	unsigned int md_count; /* pieces of a list */
	union {
		void *md_vaddr;
		const struct iovec *md_vlist;
		uint64_t md_iova;
		const struct memdesc_iova *md_iova_list;
	} u;
};

/*
 * The data of the next len bytes at addr; the n pieces at list; the same as IOVAs. The length
 * counts in nvmf_capsule_append_data.
 */
static inline struct memdesc memdesc_vaddr(void *addr)
{
	struct memdesc m;

	m.md_type = MEMDESC_VADDR;
	m.md_count = 1;
	m.u.md_vaddr = addr;
	return m;
}

static inline struct memdesc memdesc_vlist(const struct iovec *list, unsigned int n)
{
	struct memdesc m;

	m.md_type = MEMDESC_VLIST;
	m.md_count = n;
	m.u.md_vlist = list;
	return m;
}

static inline struct memdesc memdesc_iova(uint64_t iova)
{
	struct memdesc m;

	m.md_type = MEMDESC_IOVA;
	m.md_count = 1;
	m.u.md_iova = iova;
	return m;
}

static inline struct memdesc memdesc_iova_list(const struct memdesc_iova *list, unsigned int n)
{
	struct memdesc m;

	m.md_type = MEMDESC_IOVA_LIST;
	m.md_count = n;
	m.u.md_iova_list = list;
	return m;
}

/* How nvmf_allocate_* may get memory; the two are the same here, and may both fail. */
#define NVMF_NOWAIT 1
#define NVMF_WAITOK 2

/* Parameters of a queue pair. Copied. Addresses and ports in host order. */
struct nvmf_handoff_qpair_params {
	struct weft_dev *dev; /* adapter; must outlive the pair */
	bool admin;           /* admin queue: 8192 bytes of in-capsule data when max_icd is 0 */
	bool sq_flow_control; /* false: response capsules carry no SQHD */
	uint32_t qsize;     /* entries, 2..1024; at most qsize - 1 commands are to be outstanding */
	uint32_t remote_ip; /* IPv4 */
	uint16_t remote_port; /* TCP */
	uint16_t local_port;  /* 0: the adapter chooses */
	bool header_digests;  /* ask for them; see nvmf_qpair_info for what was agreed */
	bool data_digests;
	uint8_t hpda;    /* host PDU data alignment in dwords, 0's based, 0..31 */
	uint16_t maxr2t; /* R2Ts outstanding for one command, 0's based, 0..15 */
	/* bytes of in-capsule data: I/O (IOCCSZ - 4) * 16; 0: none (admin: 8192) */
	uint32_t max_icd;
	uint32_t timeout_ms;   /* for the connection, device time; 0: 30000 */
	uint32_t keepalive_ms; /* TCP keepalive, 0: off */
	uint16_t vector;       /* interrupt vector */
	bool own_thread; /* nvmf_poll leaves the pair alone; its thread calls nvmf_qpair_poll */
	/* nvmf_transmit_capsule only queues; nvmf_qpair_kick or the next poll sends */
	bool lazy_doorbell;
};

/*
 * The connection of a queue pair ended: error 0, closed by the peer in good order; -ECONNRESET and
 * others, broken. Called at most once. Commands that have no response end with an error, too (data
 * callback, and a response capsule with status Host Path Error), before or after this call. The
 * pair is of no use any more; free it.
 */
typedef void nvmf_qpair_error_t(void *arg, int error);

/* A response capsule came. It belongs to the receiver, who ends it with nvmf_free_capsule. */
typedef void nvmf_capsule_receive_t(void *arg, struct nvmf_capsule *nc);

/*
 * The transfer of a data buffer ended and its memory is the program's again. xfered: bytes moved;
 * error: 0 or negative errno (-EBADMSG: wrong data digest, the memory holds data that must not be
 * believed). Called once, before the response is received. A command that the controller failed has
 * error 0 here and its status in the response.
 */
typedef void nvmf_io_complete_t(void *arg, size_t xfered, int error);

/*
 * Makes a queue pair and connects it: TCP, ICReq, ICResp (NVMe/TCP Transport 1.0). The first
 * capsule must be Fabrics Connect; sending it is up to the caller. Synchronous: polls the adapter
 * while it waits, other callbacks run. trtype: NVMF_TRTYPE_TCP. controller: false. error_cb and
 * receive_cb must be set. NULL with errno EOPNOTSUPP (transport or role), EINVAL, ENOSPC (no queue
 * pair left), ECONNREFUSED, ETIMEDOUT, EHOSTUNREACH, EPROTO (the controller's ICResp), ENODEV,
 * ENOMEM.
 */
struct nvmf_qpair *nvmf_allocate_qpair(enum nvmf_trtype trtype, bool controller,
				       const struct nvmf_handoff_qpair_params *params,
				       nvmf_qpair_error_t *error_cb, void *error_cb_arg,
				       nvmf_capsule_receive_t *receive_cb, void *receive_cb_arg);

/*
 * Closes the connection and frees the pair. Data callbacks of commands without a response run, from
 * inside this call, with
 * -ECONNABORTED; error_cb and receive_cb are not called any more. When it returns, no buffer of the
 * pair is in use. Capsules still held stay valid until nvmf_free_capsule. NULL is ignored.
 */
void nvmf_free_qpair(struct nvmf_qpair *qp);

/* What was agreed on the connection. */
struct nvmf_qpair_info {
	uint32_t maxh2cdata; /* bytes of one H2CData PDU the controller takes */
	uint8_t cpda;        /* controller PDU data alignment in dwords, 0's based */
	bool header_digests;
	bool data_digests;
	uint16_t local_port;
	uint32_t max_icd; /* bytes sent in a capsule at most */
	uint16_t entries; /* CIDs are 0..entries-1 */
};

void nvmf_qpair_info(const struct nvmf_qpair *qp, struct nvmf_qpair_info *info);

/* The driver's queue pair below, for its statistics and eventfd. Belongs to qp. */
struct weft_qp *nvmf_qpair_weft(struct nvmf_qpair *qp);

/* Bytes one command may transfer at most; the controller's MDTS comes on top. */
size_t nvmf_max_xfer_size(const struct nvmf_qpair *qp);

/*
 * A command capsule with a copy of the 64 bytes at sqe. The CID in it is the caller's choice below
 * nvmf_qpair_info.entries and must not be outstanding on the pair. PSDT and SGL1 are filled in on
 * transmission (Base Specification, SGL descriptors). how: NVMF_WAITOK or NVMF_NOWAIT. NULL:
 * ENOMEM.
 */
struct nvmf_capsule *nvmf_allocate_command(struct nvmf_qpair *qp, const void *sqe, int how);

/* A response capsule, for controllers: EOPNOTSUPP. */
struct nvmf_capsule *nvmf_allocate_response(struct nvmf_qpair *qp, const void *cqe, int how);

/*
 * Ends the caller's hold on a capsule. A transmitted one lives on in the transport until its
 * response came. NULL is ignored.
 */
void nvmf_free_capsule(struct nvmf_capsule *nc);

/*
 * Attaches the data buffer: len bytes (at most nvmf_max_xfer_size) described by mem (copied). send:
 * from host to controller. complete_cb must be set. -EBUSY: there is one already, or the capsule
 * was transmitted; -EINVAL: length, kind of memory, or a response capsule.
 */
int nvmf_capsule_append_data(struct nvmf_capsule *nc, struct memdesc *mem, size_t len, bool send,
			     nvmf_io_complete_t *complete_cb, void *cb_arg);

/*
 * Sends a command capsule. Data to send goes in the capsule when it is at most max_icd bytes, else
 * the controller asks for it (R2T). 0: queued; the response comes through receive_cb, and the
 * caller may free his capsule now. A failure leaves the capsule as it was, without any callback:
 * -EAGAIN (ring full: poll, then again), -EEXIST (CID outstanding), -EFAULT (memory not
 * registered),
 * -E2BIG (too many pieces), -EINVAL, -EBUSY (transmitted before), -ENOTCONN (connection ended),
 * -ENODEV.
 */
int nvmf_transmit_capsule(struct nvmf_capsule *nc);

/* With lazy_doorbell: shows the adapter all capsules transmitted so far. */
int nvmf_qpair_kick(struct nvmf_qpair *qp);

/*
 * Ends a capsule's data transfer with (0, error), error negative. Not transmitted: the data
 * callback runs now. Transmitted: the memory is lent to the adapter, so the callback runs when the
 * command has ended, with this error.
 */
void nvmf_abort_capsule_data(struct nvmf_capsule *nc, int error);

/*
 * The 64-byte submission entry of a command capsule, the 16-byte completion entry of a response;
 * NULL for the other kind.
 */
void *nvmf_capsule_sqe(struct nvmf_capsule *nc);
void *nvmf_capsule_cqe(struct nvmf_capsule *nc);

/*
 * Whether SQHD of a response says something: not with SQ flow control off, nor in responses made up
 * by the transport.
 */
bool nvmf_sqhd_valid(const struct nvmf_capsule *nc);

/*
 * 0 for a response that the controller sent, else why the transport made one up: negative errno,
 * status 3h/70h or 3h/71h.
 */
int nvmf_capsule_error(const struct nvmf_capsule *nc);

/*
 * Delivers what completed: on one pair, on all pairs of an adapter without a thread of their own.
 * Never sleeps; to sleep see weft_dev_wait. Returns the number of completions or -ENODEV.
 */
int nvmf_qpair_poll(struct nvmf_qpair *qp);
int nvmf_poll(struct weft_dev *dev);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
