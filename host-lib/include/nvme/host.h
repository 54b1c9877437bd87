/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * NVMe over Fabrics host: discovers subsystems, connects to a controller, and runs admin and I/O
 * commands on it, over the transport of nvmf/nvmf_transport.h.
 *
 * A struct nvme_host is one association: an admin queue and up to n I/O queues to one controller.
 * It belongs to one thread, that of its adapter handle. Asynchronous functions return 0 when the
 * command was accepted: their callback then runs once, from inside nvme_host_poll or any other call
 * that polls the adapter. Functions with _sync in their name, and those that connect, disconnect
 * and reset, poll until they are done; callbacks of other commands run meanwhile. From callbacks
 * all may be called but those that connect, disconnect and reset.
 *
 * Errors: 0 or negative errno. Common: -ENOTCONN no association at present; -EAGAIN no free
 * command, poll first; -EFAULT memory not registered (weft/mem.h); -EINVAL; -ENOMEM; -ENODEV
 * adapter gone. weft_last_error() tells more.
 */
#ifndef NVME_HOST_H
#define NVME_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nvme/spec.h>
#include <nvmf/nvmf_transport.h>
#include <weft/dev.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct nvme_host;

/* Where a subsystem is. */
struct nvme_host_addr {
	enum nvmf_trtype trtype;
	uint32_t ip;   /* IPv4, host order */
	uint16_t port; /* TCP */
	uint64_t wwnn; /* FC: names of the port; ip and port are not used */
	uint64_t wwpn;
	char subnqn[NVME_NQN_MAX + 1];  /* empty: the discovery subsystem */
	char hostnqn[NVME_NQN_MAX + 1]; /* empty: see struct nvme_host_opts */
};

/*
 * Reads an address string: words key:value, in any order, separated by blanks. Keys: trtype (tcp,
 * fc), adrfam (IPv4, FC), traddr, trsvcid (TCP; default 4420), subnqn, hostnqn. Examples:
 * trtype:tcp adrfam:IPv4 traddr:10.0.0.2 trsvcid:4420 subnqn:nqn.2014-08.org.x:y
 * trtype:fc adrfam:FC traddr:nn-0x2000000000000001:pn-0x2100000000000001 subnqn:nqn.2014-08.org.x:y
 * -EINVAL with a sentence that names the word; addr is then unchanged.
 */
int nvme_host_addr_parse(const char *text, struct nvme_host_addr *addr);
/* The names of an FC port, nn-0x<16 digits>:pn-0x<16 digits>. -EINVAL. */
int nvme_host_fc_parse(const char *text, uint64_t *wwnn, uint64_t *wwpn);

/* Whether port (NULL: no) is logged in to the remote port of these names, so that it can be connected to. */
bool nvme_host_fc_reachable(struct nvme_fc_local_port *port, uint64_t wwnn, uint64_t wwpn);

/* Things that happen to an association, told by nvme_host_opts.event_cb. */
enum nvme_host_event {
	NVME_HOST_LOST, /* queue died or command timed out; all commands were ended. error: why */
	NVME_HOST_RECONNECTED, /* the association is there again */
	/* reconnecting was given up; only nvme_host_disconnect helps. error: of the last try */
	NVME_HOST_DEAD,
	/* asynchronous event of the controller. aer: DW0 (type 2:0, info 15:8, log page 23:16) */
	NVME_HOST_ASYNC,
};

typedef void nvme_host_event_fn(void *arg, enum nvme_host_event event, int error, uint32_t aer);

#define NVME_HOST_KATO_DEFAULT 5000u

/* Options of an association. Start from nvme_host_opts_init. Copied. */
struct nvme_host_opts {
	struct nvme_host_addr addr;
	uint8_t hostid[16]; /* host identifier, Connect data */
	/* wanted, 0..64; the controller may grant fewer. 0: admin commands only */
	unsigned int io_queues;
	uint16_t io_qsize;    /* entries of an I/O queue, 2..1024; cut to CAP.MQES + 1 */
	uint16_t admin_qsize; /* 8..1024 */
	uint32_t kato_ms; /* Keep Alive timeout; a Keep Alive goes out every half of it. 0: none */
	bool header_digest; /* ask for them */
	bool data_digest;
	bool disable_sqflow;       /* ask for queues without SQ flow control */
	uint16_t maxr2t;           /* 0's based */
	uint32_t connect_ms;       /* for each connection; 0: 30000 */
	uint32_t admin_timeout_ms; /* after it an admin command costs the association; 0: 60000 */
	/* after it an I/O command is aborted, after twice the association is given up; 0: 30000 */
	uint32_t io_timeout_ms;
	/* bytes of one command; larger requests are split. 0: 1 MiB; cut to MDTS */
	uint32_t max_xfer;
	/* times a command with status Transient Transport Error (digest) is repeated */
	unsigned int digest_retries;
	/* first pause before a reconnect, doubled up to 8 times; 0: no reconnecting */
	uint32_t reconnect_delay_ms;
	uint32_t ctrl_loss_tmo_ms;    /* then it is given up; 0: 600000 */
	bool no_async_events;         /* neither Set Features 0Bh nor Asynchronous Event Requests */
	nvme_host_event_fn *event_cb; /* or NULL */
	void *event_arg;
	/* trtype FC: our port; and what moves it, where there is no adapter (dev NULL) */
	struct nvme_fc_local_port *fc_port;
	const struct nvmf_pump *fc_pump;
};

/*
 * Defaults: one I/O queue of 128 entries, admin queue of 32, KATO 5 s, 5 digest retries, no
 * reconnecting, a fixed host id and NQN.
 */
void nvme_host_opts_init(struct nvme_host_opts *opts);

/*
 * Host NQN and identifier from a UUID text (36 characters): nqn.2014-08.org.nvmexpress:uuid:...,
 * bytes in text order. -EINVAL.
 */
int nvme_host_set_uuid(struct nvme_host_opts *opts, const char *uuid);

/*
 * Builds the association (NVMe over Fabrics, 2.7 "connect, enable, configure"): Connect of the
 * admin queue, CAP, CC.EN, CSTS.RDY, VS, Identify Controller, Number of Queues, Connect of the I/O
 * queues, asynchronous events. dev must outlive it; so must an FC port. FC: the remote port must be
 * logged in to (-EHOSTUNREACH); an association that is lost needs it back before it can be made anew.
 * -EACCES: the controller wants authentication; -ECONNREFUSED, -ETIMEDOUT, ...: connection; -EPERM:
 * this host is not allowed; -ENOENT: no such subsystem; -EPROTO: other status, named in
 * weft_last_error().
 */
int nvme_host_connect(struct weft_dev *dev, const struct nvme_host_opts *opts,
		      struct nvme_host **host);

/*
 * Ends the association in order: I/O queues closed, CC.SHN, CSTS.SHST polled, admin queue closed;
 * then frees it. Commands in flight end with -ECANCELED. NULL is ignored.
 */
void nvme_host_disconnect(struct nvme_host *host);

/*
 * Controller reset: CC.EN = 0, all queues closed, then everything as in nvme_host_connect. Commands
 * in flight end with -ECANCELED.
 */
int nvme_host_reset(struct nvme_host *host);

/*
 * Moves everything on: completions, Keep Alive, timeouts, recovery, reconnecting (which blocks for
 * one connection attempt). To be called often. Returns the number of completions, or -ENODEV.
 */
int nvme_host_poll(struct nvme_host *host);

/*
 * Sleeps until nvme_host_poll has something to do, at most timeout_ms. 1: poll now, 0: time is up,
 * or negative errno.
 */
int nvme_host_wait(struct nvme_host *host, int timeout_ms);

/* Facts. Valid while connected; identify: as read at the last connect. */
struct nvme_host_info {
	uint16_t cntlid;
	uint64_t cap;
	uint32_t vs;
	unsigned int io_queues;
	uint16_t io_qsize;
	uint32_t max_xfer;  /* bytes of one command */
	uint32_t max_icd;   /* bytes of in-capsule data on I/O queues */
	bool header_digest; /* agreed, on the admin queue */
	bool data_digest;
	bool live;
	const struct nvme_identify_ctrl *identify;
};

void nvme_host_info(const struct nvme_host *host, struct nvme_host_info *info);
struct weft_dev *nvme_host_dev(struct nvme_host *host);

/* Sums over all connections, of live queues and of those closed before. */
struct nvme_host_stats {
	uint64_t segments_sent;
	uint64_t segments_received;
	uint64_t retransmits;
	uint64_t rtos;
	uint64_t fast_retransmits;
	uint64_t pdus_sent;
	uint64_t pdus_received;
	uint64_t digest_errors; /* data digests, counted by the adapter */
	uint64_t commands;      /* completed, admin included */
	uint64_t retries;       /* commands repeated */
	uint64_t aborts;        /* Abort commands sent */
	uint64_t keepalives;
};

int nvme_host_stats(struct nvme_host *host, struct nvme_host_stats *stats);

/* How a command ended. */
struct nvme_result {
	/*
	 * 0: the controller answered; else negative errno: it did not, or the data is not to be
	 * believed (-EBADMSG)
	 */
	int error;
	uint16_t status; /* SCT << 8 | SC, DNR in bit 14; with error not 0: 3h/70h and the like */
	uint64_t value;  /* DW0, DW1 */
	size_t bytes;    /* of data moved */
};

typedef void nvme_host_fn(void *arg, const struct nvme_result *result);

/* One errno for a result: 0; its error; else -EIO or a better one for the status. */
int nvme_result_errno(const struct nvme_result *result);
/* Name of a status. */
const char *nvme_status_text(uint16_t status);

/*
 * Any admin command. sqe: CID, PSDT and SGL1 are filled in here. mem: NULL without data; len bytes;
 * send: to the controller.
 */
int nvme_host_admin(struct nvme_host *host, const struct nvme_sqe *sqe, const struct memdesc *mem,
		    size_t len, bool send, nvme_host_fn *cb, void *arg);
/*
 * The same, waiting. buf: any memory (copied through a DMA buffer), or NULL. Returns
 * nvme_result_errno; result may be NULL.
 */
int nvme_host_admin_sync(struct nvme_host *host, const struct nvme_sqe *sqe, void *buf, size_t len,
			 bool send, struct nvme_result *result);
/* Any command on an I/O queue, unsplit, not repeated. */
int nvme_host_io(struct nvme_host *host, const struct nvme_sqe *sqe, const struct memdesc *mem,
		 size_t len, bool send, nvme_host_fn *cb, void *arg);

/* Admin commands by name, waiting; buffers are any memory. */
int nvme_host_identify_sync(struct nvme_host *host, uint8_t cns, uint32_t nsid, void *buf4096);
/*
 * Active namespaces above nsid, at most max (all of them are asked for, 1024 at a time); *n: how
 * many.
 */
int nvme_host_list_ns_sync(struct nvme_host *host, uint32_t nsid, uint32_t *list, unsigned int max,
			   unsigned int *n);
int nvme_host_get_log_sync(struct nvme_host *host, uint8_t lid, uint32_t nsid, uint64_t offset,
			   bool rae, void *buf, uint32_t len);
int nvme_host_get_feature_sync(struct nvme_host *host, uint8_t fid, uint32_t nsid, uint32_t *value);
int nvme_host_set_feature_sync(struct nvme_host *host, uint8_t fid, uint32_t nsid, uint32_t cdw11,
			       uint32_t *value);

/* A namespace with a block format without metadata. A plain value; may be copied. */
struct nvme_host_ns {
	struct nvme_host *host;
	uint32_t nsid;
	uint8_t lba_shift; /* blocks of 1 << n bytes, 9..16 */
	uint64_t blocks;
};

/* Reads its size and format. -EOPNOTSUPP: metadata; -ENOENT: no such namespace. */
int nvme_host_ns_open(struct nvme_host *host, uint32_t nsid, struct nvme_host_ns *ns);

#define NVME_IO_FUA 1u /* Force Unit Access */

/*
 * Read, write, compare nlb blocks from slba on. mem describes nlb << lba_shift bytes and, with the
 * memory and any list it names, must stay until the callback. Requests larger than max_xfer are
 * split and may use many commands at once. The callback tells the first error. -EINVAL: outside the
 * namespace.
 */
int nvme_host_read(const struct nvme_host_ns *ns, const struct memdesc *mem, uint64_t slba,
		   uint32_t nlb, unsigned int flags, nvme_host_fn *cb, void *arg);
int nvme_host_write(const struct nvme_host_ns *ns, const struct memdesc *mem, uint64_t slba,
		    uint32_t nlb, unsigned int flags, nvme_host_fn *cb, void *arg);
int nvme_host_compare(const struct nvme_host_ns *ns, const struct memdesc *mem, uint64_t slba,
		      uint32_t nlb, nvme_host_fn *cb, void *arg);
int nvme_host_write_zeroes(const struct nvme_host_ns *ns, uint64_t slba, uint32_t nlb,
			   unsigned int flags, nvme_host_fn *cb, void *arg);
int nvme_host_flush(const struct nvme_host_ns *ns, nvme_host_fn *cb, void *arg);
/* Dataset Management over n (1..256) ranges in DMA memory; attr: NVME_DSM_*. */
int nvme_host_dsm(const struct nvme_host_ns *ns, const struct memdesc *ranges, unsigned int n,
		  uint32_t attr, nvme_host_fn *cb, void *arg);

/*
 * The same, waiting; buf: memory of weft_mem_alloc or weft_mem_register. ranges: any memory. They
 * return nvme_result_errno.
 */
int nvme_host_read_sync(const struct nvme_host_ns *ns, void *buf, uint64_t slba, uint32_t nlb);
int nvme_host_write_sync(const struct nvme_host_ns *ns, const void *buf, uint64_t slba,
			 uint32_t nlb);
int nvme_host_compare_sync(const struct nvme_host_ns *ns, const void *buf, uint64_t slba,
			   uint32_t nlb);
int nvme_host_write_zeroes_sync(const struct nvme_host_ns *ns, uint64_t slba, uint32_t nlb);
int nvme_host_flush_sync(const struct nvme_host_ns *ns);
int nvme_host_dsm_sync(const struct nvme_host_ns *ns, const struct nvme_dsm_range *ranges,
		       unsigned int n, uint32_t attr);

/*
 * Connects to a discovery controller, reads its log (again when it changed meanwhile), disconnects.
 * opts: as for connecting; subnqn empty means the well-known discovery subsystem; KATO and I/O
 * queues are not used. *list: to be freed with free(); *genctr may be NULL. -EAGAIN: the log kept
 * changing. Otherwise the errors of nvme_host_connect.
 */
int nvme_host_discover(struct weft_dev *dev, const struct nvme_host_opts *opts,
		       struct nvme_discovery_entry **list, size_t *n, uint64_t *genctr);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
