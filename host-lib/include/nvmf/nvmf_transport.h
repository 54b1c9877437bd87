/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * NVMe over Fabrics transport: queue pairs and capsules. The interface follows FreeBSD's kernel
 * transport interface of the same name, in user space, over an adapter that carries the transport
 * (NVMe/TCP, or FC-NVMe's exchanges) itself.
 *
 * A queue pair is one submission and one completion queue of an NVMe-oF association, on one
 * connection of its own. Command capsules go from host to controller, response capsules back. A
 * command may have one data buffer; data is never copied here: the adapter reads and writes the
 * program's memory.
 *
 * Both roles. A host allocates a queue pair, which connects it, and transmits command capsules. A
 * controller listens (nvmf_listen), gives each connection a queue pair, and answers the command
 * capsules that its receive callback gets:
 *
 *	validate            nvmf_validate_command_capsule, nvmf_capsule_data_len
 *	data from the host  nvmf_receive_controller_data, once or with growing offsets
 *	data to the host    nvmf_send_controller_data, once or with growing offsets
 *	response            nvmf_allocate_response, nvmf_transmit_capsule, nvmf_free_capsule of both
 *
 * Every command capsule is answered, and freed, once. In-capsule data stay in the adapter's receive
 * buffer until the response is transmitted (nvmf_capsule_icd).
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
struct nvme_fc_local_port;
struct nvmet_fc_target_port;
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

/*
 * A piece of data to send, and the rest of the chain: what an mbuf is to a kernel. data: memory of
 * weft_mem_alloc or weft_mem_register. done (may be NULL) runs once for each piece, from a poll or
 * from inside the call that took the chain, when the adapter does not need it any more; the struct
 * and the memory are the program's again then.
 */
struct nvmf_buf {
	struct nvmf_buf *next;
	void *data;
	size_t len; /* bytes */
	void (*done)(struct nvmf_buf *buf);
	void *arg; /* the program's own */
};

/* How nvmf_allocate_* may get memory; the two are the same here, and may both fail. */
#define NVMF_NOWAIT 1
#define NVMF_WAITOK 2

struct nvmf_listener;
struct nvmf_connection;

/*
 * Moves Fibre Channel ports that no adapter is behind (nvme/fc_loop.h); stands in for one. Any memory
 * of the program may then be used for data. By reference. Functions run on the thread that calls the
 * library; all but poll may be NULL.
 */
struct nvmf_pump {
	/*
	 * Moves the ports on; how many things happened, or negative errno. When it is called from inside
	 * itself (by a callback that waits for something) it returns 0
	 */
	int (*poll)(void *arg);
	uint64_t (*now)(void *arg); /* nanoseconds; NULL: CLOCK_MONOTONIC */
	/* Sleeps until there may be something to poll, as weft_dev_wait; NULL: no sleep */
	int (*wait)(void *arg, int timeout_ms);
	uint64_t (*iova)(const void *addr); /* NULL: the address */
	void *arg;
};

/*
 * FC-NVMe, host. An admin queue pair makes an association with the port of the two names; pairs for
 * I/O are connections of that association and end with it, and the admin pair is freed last.
 */
struct nvmf_fc_params {
	/* admin pair */
	struct nvme_fc_local_port *local_port; /* must outlive the pair */
	const struct nvmf_pump *pump;          /* where there is no dev */
	uint64_t remote_wwnn;
	uint64_t remote_wwpn;
	const char *hostnqn; /* as in the Connect command that will follow; so are the next two */
	const char *subnqn;
	const uint8_t *hostid; /* 16 bytes */
	/* pair for I/O */
	struct nvmf_qpair *admin; /* of the association */
	uint16_t qid;
};

/*
 * Parameters of a queue pair. Copied. Addresses and ports in host order. Controller role: dev,
 * admin, sq_flow_control and connection count; the rest was said to nvmf_listen.
 */
struct nvmf_handoff_qpair_params {
	/* controller: what the accept callback got; belongs to the pair from success on */
	struct nvmf_connection *connection;
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
	/* Fibre Channel; then admin, sq_flow_control, qsize (from 4 on), dev and timeout_ms count */
	struct nvmf_fc_params fc;
};

/* Parameters of a listener. Copied. */
struct nvmf_listen_params {
	struct weft_dev *dev; /* adapter; must outlive the listener and its queue pairs */
	uint16_t port;        /* TCP port of the adapter's address */
	/*
	 * entries of each queue pair: commands the host may have outstanding, a power of two 2..1024;
	 * CAP.MQES and Connect's SQSIZE must keep to it. 0: 64. Each entry takes one of the adapter's
	 * command slots
	 */
	uint32_t qsize;
	uint32_t max_icd; /* bytes of in-capsule data, a multiple of 64, at least 8192; 0: 8192 */
	uint32_t maxh2cdata; /* bytes of an H2CData PDU, and of an R2T; 0: 131072 */
	bool header_digests; /* granted when the host asks */
	bool data_digests;
	uint8_t cpda;            /* controller PDU data alignment in dwords, 0's based, 0..31 */
	unsigned int backlog;    /* queue pairs that wait for connections at a time; 0: 4 */
	unsigned int max_qpairs; /* connections at a time; 0: as many as the adapter has room for */
	uint32_t ic_timeout_ms;  /* time for a host's ICReq; 0: 10000 */
	uint32_t keepalive_ms;   /* TCP keepalive, 0: off */
	uint16_t vector;         /* interrupt vector of its queue pairs */
	/*
	 * Fibre Channel; then max_qpairs and dev count. A queue pair has as many entries as its host asks
	 * for, 3..1024 (nvmf_fc_connection_info; more are refused by the link service), whatever CAP.MQES
	 * says: that is about I/O queues and checked in Connect. qsize is 0 or 4..1024, and of no other
	 * use. The listener is the user of the port, and must be gone before that is
	 */
	struct {
		struct nvmet_fc_target_port *target_port;
		const struct nvmf_pump *pump; /* where there is no dev */
	} fc;
};

/*
 * FC-NVMe: the association and its host. A Connect command that says something else must be refused.
 * Pointers are valid as long as the connection.
 */
struct nvmf_fc_connection_info {
	uint64_t association_id;
	uint16_t qid;         /* 0: of a new association */
	uint16_t entries;     /* of the queue */
	uint64_t remote_wwnn; /* 0: the driver cannot tell, so is the next */
	uint64_t remote_wwpn;
	const uint8_t *hostid; /* 16 bytes */
	const char *hostnqn;
	const char *subnqn;
};

/* What is known of a connection. */
struct nvmf_connection_info {
	uint32_t remote_ip;
	uint16_t remote_port;
	uint16_t local_port;
	bool header_digests; /* agreed */
	bool data_digests;
	struct nvmf_fc_connection_info fc;
};

/*
 * A host has connected: ICReq and ICResp are exchanged; FC: it asks for an association or connection. The callback allocates a queue pair for conn
 * (nvmf_allocate_qpair, controller true) before it returns; otherwise the connection is closed. It
 * must not poll before that: a command that arrives meanwhile makes the allocation fail with
 * ECONNRESET.
 */
typedef void nvmf_accept_t(void *arg, struct nvmf_connection *conn,
			   const struct nvmf_connection_info *info);

/*
 * Listens on a port. accept_cb runs from polls. NULL with errno EINVAL, EADDRINUSE, ENOSPC (queue
 * pairs, command slots or ports), ENOMEM, ENODEV.
 */
struct nvmf_listener *nvmf_listen(enum nvmf_trtype trtype, const struct nvmf_listen_params *params,
				  nvmf_accept_t *accept_cb, void *arg);
/*
 * Tells hosts that the discovery log has changed where the transport has means of its own for that
 * (FC: RSCN); else nothing.
 */
void nvmf_discovery_changed(struct nvmf_listener *listener);
/*
 * Ends it. Queue pairs stay. Synchronous: waits until the adapter let go of queue pairs that were
 * freed (FC: a pair for I/O that waits for data ends its association after a second). Before
 * weft_dev_close. Not from accept_cb of the same listener. After weft_dev_reset a listener gets no
 * more connections; end it and make a new one. NULL is ignored.
 */
void nvmf_unlisten(struct nvmf_listener *listener);

/*
 * The connection of a queue pair ended: error 0, closed by the peer in good order; -ECONNRESET and
 * others, broken. Called at most once. Commands that have no response end with an error, too (data
 * callback, and a response capsule with status Host Path Error), before or after this call. The
 * pair is of no use any more; free it.
 */
typedef void nvmf_qpair_error_t(void *arg, int error);

/*
 * A capsule came: a response (host role), a command (controller role). It belongs to the receiver,
 * who ends it with nvmf_free_capsule.
 */
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
 * while it waits, other callbacks run. Controller role: takes params.connection over, from inside
 * the accept callback. trtype: NVMF_TRTYPE_TCP, NVMF_TRTYPE_FC. error_cb and receive_cb must be set.
 * NULL with errno EOPNOTSUPP (transport or role), EINVAL, ENOSPC (no queue pair left), ECONNREFUSED,
 * ETIMEDOUT, EHOSTUNREACH, EPROTO (the controller's ICResp), ENODEV, ENOMEM.
 *
 * FC, host: makes an association, or adds a connection to one. Not from inside a callback.
 * EHOSTUNREACH: the remote port is not logged in to now; ENOTCONN: the association of an I/O pair has
 * ended.
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
 *
 * FC, host: an association ends as a whole. A pair for I/O lets its commands finish for a second; those
 * that do not are aborted, which ends the association, as freeing the admin pair does. From inside a
 * callback of an FC pair nothing is waited for: commands are aborted, their buffers stay in use and
 * their data callbacks run, with -ECONNABORTED, from later polls; local_port and pump (or dev) must be
 * there until then.
 *
 * Controller role: the connection is aborted (RST) unless it has ended already, and the call does not
 * wait for that as long as the listener is there: transfers that are at the adapter end from a later
 * poll (data callback with -ECONNABORTED, done of struct nvmf_buf); all others end from inside this
 * call. Capsules still held also keep the adapter's queue pair, with the in-capsule data. Without the
 * listener (nvmf_unlisten came first) everything ends from inside this call.
 *
 * FC, controller: the admin pair, or any pair without the listener, ends the association. A pair for I/O
 * goes alone: its commands without a response are answered with Command Aborted due to SQ Deletion
 * (000h/08h) when no transfer of theirs is under way any more, and so is what the host still sends on
 * the connection. A controller that wants the association to end frees the admin pair.
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
	uint16_t entries; /* CIDs are 0..entries-1; controller: commands the host may have outstanding */
	uint32_t remote_ip; /* controller role */
	uint16_t remote_port;
};

void nvmf_qpair_info(const struct nvmf_qpair *qp, struct nvmf_qpair_info *info);

/* Commands (host), replies (controller) that are with the adapter. */
unsigned int nvmf_qpair_inflight(const struct nvmf_qpair *qp);

/* The driver's queue pair below, for its statistics and eventfd; FC: NULL. Belongs to qp. */
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

/*
 * Controller role: a response capsule with a copy of the 16 bytes at cqe. Its CID names the command
 * answered: the outstanding one of that CID that came first. EINVAL: host role; ENOENT: no command
 * of that CID is outstanding; ENOMEM.
 */
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
 * Sends a capsule. A response (controller role) ends its command: 0, -ENOENT (answered already),
 * -ENOTCONN, -ENOMEM; it never fails for want of ring space.
 *
 * A command: Data to send goes in the capsule when it is at most max_icd bytes, else
 * the controller asks for it (R2T). 0: queued; the response comes through receive_cb, and the
 * caller may free his capsule now. A failure leaves the capsule as it was, without any callback:
 * -EAGAIN (ring full: poll, then again), -EEXIST (CID outstanding), -EFAULT (memory not
 * registered),
 * -E2BIG (too many pieces), -EINVAL, -EBUSY (transmitted before), -ENOTCONN (connection ended),
 * -ENODEV.
 */
int nvmf_transmit_capsule(struct nvmf_capsule *nc);

/*
 * Controller role; nc: a command capsule that was received and not yet answered.
 *
 * Generic status of the capsule: NVME_SC_SUCCESS, or what the response must carry (without DNR):
 * 02h PSDT not 01b or in-capsule data with a 5Ah descriptor, 0Fh in-capsule length that is not the
 * SGL's, 11h SGL type, 16h offset not 0, 22h wrong data digest, 06h the capsule could not be placed.
 */
uint8_t nvmf_validate_command_capsule(const struct nvmf_capsule *nc);

/* Bytes of the command's data buffer as its SGL says; 0 without data. */
size_t nvmf_capsule_data_len(const struct nvmf_capsule *nc);

/* The in-capsule data where the adapter placed them, or NULL. Valid until the response is transmitted. */
void *nvmf_capsule_icd(const struct nvmf_capsule *nc, size_t *len);

/*
 * Gets len bytes of the host's data from offset on into mem (described as in
 * nvmf_capsule_append_data; a list and its memory must stay until the callback). complete_cb runs
 * once: from a poll, or, for in-capsule data, which are copied, from inside this call. May be called
 * again with a greater offset before that; the parts are fetched in order. 0, or without callback
 * -EINVAL (offset outside the SGL or before the part before, no length or one above
 * nvmf_max_xfer_size, not a multiple of 4 (length: unless it ends the data), kind of memory
 * (in-capsule data: MEMDESC_VADDR and MEMDESC_VLIST), answered command), -EFBIG (beyond the SGL),
 * -EFAULT (memory not registered), -E2BIG (too many pieces), -ENOTCONN, -ENOMEM. Callback errors:
 * -EBADMSG wrong data digest (answer with 22h), -ECONNABORTED, -ECONNRESET and the like: the
 * connection ended; -EFAULT.
 */
int nvmf_receive_controller_data(struct nvmf_capsule *nc, uint32_t offset, struct memdesc *mem,
				 size_t len, nvmf_io_complete_t *complete_cb, void *cb_arg);

/* Results of nvmf_send_controller_data beside NVMe generic status values. */
#define NVMF_SUCCESS_SENT 0x100u
#define NVMF_MORE 0x101u

/*
 * Sends len bytes (the sum of the chain) to the host's data buffer at offset, which must follow what
 * was sent before. The chain is consumed whatever is returned. NVME_SC_SUCCESS: it was the last
 * part, the caller transmits the response (the data leave no later than it). NVMF_SUCCESS_SENT: the
 * last part, and no response must follow (SUCCESS flag, SQ flow control off). NVMF_MORE: more data
 * or a response is to follow. Any other: generic status for the response, nothing was sent: 02h
 * length, offset (a multiple of 4) or SGL type, 06h no memory, 04h memory not registered or
 * connection ended.
 */
unsigned int nvmf_send_controller_data(struct nvmf_capsule *nc, uint32_t offset,
				       struct nvmf_buf *chain, size_t len);

/* Controller role: SQ flow control as agreed in Connect. The allocation's parameter is the default. */
void nvmf_qpair_set_sq_flow_control(struct nvmf_qpair *qp, bool on);

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
