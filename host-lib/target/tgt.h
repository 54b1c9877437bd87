/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside of the NVMe-oF target.
 *
 *	nvme_target ─┬─ nvme_subsys ── tgt_ns ── backend
 *	             ├─ nvme_port ── tgt_dev (an adapter and its data buffers)
 *	             ├─ tgt_ctrl (an association; subsys NULL: discovery)
 *	             └─ tgt_queue (a connection) ── tgt_cmd (a command capsule not yet answered)
 *
 * The way of a command, each step either at once or from a later callback:
 *
 *	received ─ checked ─ buffer ─ data fetched ─ backend ─ data sent ─ response
 *
 * A queue ends in two steps. nvme_tgt_queue_end marks it: nothing is answered any more, commands stay
 * where they are. When no backend has requests of it any more (a host that comes back must not meet
 * late writes), nvme_tgt_reap frees the transport's queue pair, and when the transport has given back
 * all memory, the rest. Freeing a queue pair may poll the adapter, so callbacks of all other queues
 * may run inside; nothing else here polls.
 */
#ifndef TARGET_TGT_H
#define TARGET_TGT_H

#include <sys/queue.h>

#include <nvme/target.h>
#include <weft/dev.h>

#include "../nvmf/env.h"

/* TAILQ_FOREACH, under a name that the formatter knows as a loop, and open to static checkers. */
#define list_for_each(var, head, field) \
	for ((var) = (head)->tqh_first; (var); (var) = (var)->field.tqe_next)

#define TGT_PAGE 4096u
#define TGT_MIN_XFER (2 * TGT_PAGE) /* MDTS of one page cannot be said: 0 stands for no limit */
#define TGT_MAX_XFER (1u << 20)     /* one C2HData PDU of the adapter */
#define TGT_CLASSES 9u              /* of buffers: 4 KiB << class */
#define TGT_MAX_IO_QUEUES 126u
#define TGT_MAX_NAMESPACES 65536u
#define TGT_MAX_CONTROLLERS 4096u
#define TGT_AERL 3u /* 0's based */
#define TGT_ACL 3u
#define TGT_ERRORS 16u   /* entries of the Error Information log */
#define TGT_KAS 10u      /* granularity of KATO, units of 100 ms */
#define TGT_CAP_TO 30u   /* units of 500 ms */
#define TGT_VS 0x10400u  /* 1.4 */
#define TGT_ADMIN_SQ 32u /* ASQSZ told in discovery */
#define TGT_NSEC_PER_MSEC 1000000ull
#define TGT_TICK_MS 10u
#define TGT_FETCH_MS 60000u  /* a host that owes data that long has lost it */
#define TGT_ASSOC_MS 120000u /* a controller that is not enabled, or shut down */
#define TGT_LEAVE_MS 2000u   /* from the response of Disconnect to the end of the connection */
#define TGT_DNR NVME_STATUS_DNR

struct tgt_cmd;
struct tgt_ctrl;
struct tgt_queue;

/* --- buffers.c ---------------------------------------------------------------------------------- */

struct tgt_buf {
	struct tgt_buf *next; /* free list of the slab */
	struct tgt_slab *slab;
	struct tgt_queue *q; /* whose share it counts in */
	struct nvmf_buf nb;
};

/* 1 MiB cut into buffers of one size. */
struct tgt_slab {
	TAILQ_ENTRY(tgt_slab) link; /* slabs of its class with room */
	struct tgt_dev *d;
	uint8_t *base;
	unsigned int class, used,
		carved; /* buffers: in use, ever given out since it got its class */
	bool listed;
	struct tgt_buf *free;
	struct tgt_buf buf[TGT_MAX_XFER / TGT_PAGE];
};
TAILQ_HEAD(tgt_slabs, tgt_slab);
TAILQ_HEAD(tgt_cmds, tgt_cmd);
TAILQ_HEAD(tgt_queues, tgt_queue);
TAILQ_HEAD(tgt_ctrls, tgt_ctrl);

/* An adapter. */
struct tgt_dev {
	TAILQ_ENTRY(tgt_dev) link;
	struct nvme_target *t;
	struct nvmf_env env;
	unsigned int ports;
	bool gone;
	uint64_t now, next_tick; /* device time of this poll; of the next look at the timers */
	void *mem;
	struct tgt_slab *slab;
	unsigned int n_slabs, fresh; /* slabs that have a class: the first so many */
	struct tgt_slabs room[TGT_CLASSES];
	struct tgt_queues ring; /* queues with commands that wait for a buffer, in turn */
	bool serving;
	size_t used; /* bytes */
};

int nvme_tgt_dev_get(struct nvme_target *t, const struct nvmf_env *env, struct tgt_dev **out);
void nvme_tgt_dev_put(struct tgt_dev *d);
/* Gives cmd a buffer of len bytes and goes on with next, now or later. */
void nvme_tgt_buf_get(struct tgt_cmd *cmd, uint32_t len, void (*next)(struct tgt_cmd *cmd));
void nvme_tgt_buf_put(struct tgt_buf *b);
/* Takes cmd, or all commands of a queue, out of the line. */
void nvme_tgt_buf_cancel(struct tgt_cmd *cmd);
void nvme_tgt_buf_cancel_all(struct tgt_queue *q);

/* --- queue.c ------------------------------------------------------------------------------------ */

enum tgt_cmd_state {
	CMD_RUN,      /* being looked at */
	CMD_WAIT_BUF, /* in line for a buffer */
	CMD_FETCH,    /* data from the host are on the way */
	CMD_BACKEND,  /* the backend has it */
	CMD_SCAN,     /* in line for the next piece of a Compare or Verify */
	CMD_AER,      /* waits for an event */
	CMD_HELD      /* queue ends: never answered */
};

struct tgt_cmd {
	TAILQ_ENTRY(tgt_cmd) link; /* queue's outstanding ones, or its free ones */
	TAILQ_ENTRY(tgt_cmd) wait; /* line for a buffer, or for a scan */
	struct tgt_queue *q;
	struct nvmf_capsule *nc;
	const struct nvme_sqe *sqe;
	enum tgt_cmd_state state;
	struct tgt_buf *buf; /* or NULL */
	uint8_t *data;       /* in buf, or the capsule's */
	uint32_t len;
	uint32_t need;                         /* CMD_WAIT_BUF: bytes */
	void (*next)(struct tgt_cmd *cmd);     /* when the buffer is there */
	void (*then)(struct tgt_cmd *cmd);     /* when the data are there */
	uint16_t (*fill)(struct tgt_cmd *cmd); /* makes the data of an answer; status */
	uint32_t dw0, dw1;                     /* of the response */
	struct tgt_ns *ns;                     /* with CMD_BACKEND and after checks; see ns_id */
	uint64_t ns_id;
	uint64_t pos; /* steps of commands with several: range, byte, namespace */
	struct iovec iov;
	struct nvme_backend_io io;
};

#define TGT_ADDRESS_LEN 48u

/* Who is at the other end of a connection. */
struct tgt_peer {
	uint32_t ip;                   /* TCP */
	char address[TGT_ADDRESS_LEN]; /* for messages */
	/* FC: what the association said; Connect must say the same */
	uint64_t association_id;
	uint16_t qid;
	uint8_t hostid[16];
	const char *hostnqn; /* as long as the queue pair */
	const char *subnqn;
};

struct tgt_queue {
	TAILQ_ENTRY(tgt_queue) link;  /* target's */
	TAILQ_ENTRY(tgt_queue) dying; /* target's */
	TAILQ_ENTRY(tgt_queue) turn;  /* adapter's ring */
	struct nvme_target *t;
	struct tgt_dev *d;
	struct nvme_port *port;
	struct nvmf_qpair *qp;
	struct tgt_ctrl *ctrl; /* from Connect on */
	uint16_t qid;
	uint32_t entries; /* of cmd; over FC the host's choice, else the port's */
	uint32_t sqsize;  /* entries, as Connect said */
	uint16_t sqhd;
	bool flow_control;
	bool leaving; /* deleted in order; after Disconnect, TCP: the host is to close the connection */
	bool ended; /* on the dying list */
	bool freed; /* and without its queue pair; transfers may still end */
	bool in_ring;
	struct tgt_peer peer;
	unsigned int busy;    /* commands in CMD_BACKEND */
	unsigned int fetches; /* commands in CMD_FETCH */
	uint64_t deadline;    /* for Connect; for fetches */
	size_t held;          /* bytes of buffers */
	struct tgt_cmds out, idle, waiting;
	uint16_t cids[256]; /* outstanding CIDs by their low byte */
	struct tgt_cmd *cmd;
};

void nvme_tgt_accept(void *arg, struct nvmf_connection *conn,
		     const struct nvmf_connection_info *info);
/* Answers with status (SCT << 8 | SC, DNR) and forgets cmd. */
void nvme_tgt_complete(struct tgt_cmd *cmd, uint16_t status);
/* Success, with data: cmd->len bytes of cmd->buf. */
void nvme_tgt_send(struct tgt_cmd *cmd);
/* len bytes of the host's data to cmd->data, then(cmd). */
void nvme_tgt_fetch(struct tgt_cmd *cmd, uint32_t len, void (*then)(struct tgt_cmd *cmd));
/* Checks the SGL's length, gets a zeroed buffer, has it filled and sent. */
void nvme_tgt_reply(struct tgt_cmd *cmd, uint32_t len, uint16_t (*fill)(struct tgt_cmd *cmd));
void nvme_tgt_queue_end(struct tgt_queue *q);
/* Frees queues that have ended and are quiet; returns how many. */
int nvme_tgt_reap(struct nvme_target *t);
bool nvme_tgt_reapable(const struct tgt_queue *q);
unsigned int nvme_tgt_under_way(const struct nvme_target *t);

/* --- ctrl.c ------------------------------------------------------------------------------------- */

struct tgt_ctrl {
	TAILQ_ENTRY(tgt_ctrl) link; /* target's */
	struct nvme_target *t;
	struct nvme_subsys *subsys; /* NULL: discovery */
	struct nvme_port *port;
	struct tgt_dev *d;
	unsigned int refs; /* queues and flushes */
	bool ended;
	uint16_t cntlid;
	char hostnqn[NVME_NQN_MAX + 1];
	uint8_t hostid[16];
	struct tgt_queue *admin;
	struct tgt_queue **ioq; /* by QID - 1 */
	struct tgt_peer peer;   /* of the admin queue */
	/* properties */
	uint32_t cc, csts;
	bool resetting;
	unsigned int flushes; /* before shutdown is complete */
	/* timers */
	uint32_t kato_ms;
	uint64_t ka_at;   /* Keep Alive */
	uint64_t idle_at; /* not enabled, shut down; discovery without KATO */
	bool traffic;     /* commands since the last look */
	/* features */
	uint32_t feature[16];
	uint32_t aen_config;
	/* events */
	struct tgt_cmd *aer[TGT_AERL + 1];
	unsigned int n_aer;
	unsigned int pending, masked; /* bits of enum tgt_event */
	uint8_t *changed;             /* bit for each NSID - 1 */
	/* errors, the latest at (n_errors - 1) % TGT_ERRORS */
	struct nvme_error_entry error[TGT_ERRORS];
	uint64_t n_errors;
};

static inline bool nvme_tgt_ready(const struct tgt_ctrl *c)
{
	return (c->csts & (NVME_CSTS_RDY | NVME_CSTS_SHST_MASK)) == NVME_CSTS_RDY && !c->resetting;
}

int nvme_tgt_ctrl_create(struct tgt_queue *q, struct nvme_subsys *s,
			 const struct nvme_connect_data *data, uint32_t kato_ms,
			 struct tgt_ctrl **out);
void nvme_tgt_ctrl_end(struct tgt_ctrl *c);
void nvme_tgt_ctrl_put(struct tgt_ctrl *c);
void nvme_tgt_ctrl_timer(struct tgt_ctrl *c, uint64_t now);
void nvme_tgt_ctrl_set_kato(struct tgt_ctrl *c, uint32_t ms);
void nvme_tgt_ctrl_keep_alive(struct tgt_ctrl *c);
void nvme_tgt_property_get(struct tgt_cmd *cmd);
void nvme_tgt_property_set(struct tgt_cmd *cmd);

/* --- connect.c, admin.c, identify.c, log.c, feature.c, io.c, scan.c ----------------------------- */

void nvme_tgt_connect(struct tgt_cmd *cmd);
void nvme_tgt_fabrics(struct tgt_cmd *cmd);
void nvme_tgt_admin(struct tgt_cmd *cmd);
void nvme_tgt_identify(struct tgt_cmd *cmd);
void nvme_tgt_get_log(struct tgt_cmd *cmd);
void nvme_tgt_set_features(struct tgt_cmd *cmd);
void nvme_tgt_get_features(struct tgt_cmd *cmd);
void nvme_tgt_features_reset(struct tgt_ctrl *c);
bool nvme_tgt_write_through(const struct tgt_ctrl *c);
void nvme_tgt_log_error(struct tgt_ctrl *c, const struct tgt_cmd *cmd, uint16_t status);
void nvme_tgt_io(struct tgt_cmd *cmd);
uint16_t nvme_tgt_errno_status(enum nvme_backend_op op, int error);
/* Counts what SMART calls media errors. */
void nvme_tgt_count_error(struct nvme_subsys *s, int error);
void nvme_tgt_backend(struct tgt_cmd *cmd, enum nvme_backend_op op, uint64_t offset, uint64_t len,
		      void *mem, void (*done)(struct nvme_backend_io *io, int error));
bool nvme_tgt_backend_done(struct tgt_cmd *cmd);
void nvme_tgt_scan(struct tgt_cmd *cmd);
void nvme_tgt_scan_cancel(struct tgt_queue *q);

/* A window of a log page: what of the page goes where. */
struct tgt_page {
	uint8_t *out;
	uint64_t off;
	uint32_t len;
};
void nvme_tgt_page_put(const struct tgt_page *pg, uint64_t at, const void *src, size_t n);

/* --- aer.c -------------------------------------------------------------------------------------- */

enum tgt_event { EVENT_NS = 1, EVENT_DISCOVERY = 2 };

void nvme_tgt_aer(struct tgt_cmd *cmd);
void nvme_tgt_event(struct tgt_ctrl *c, enum tgt_event event);
/* The event's log page was read: the next one may be told. */
void nvme_tgt_event_seen(struct tgt_ctrl *c, enum tgt_event event);
void nvme_tgt_aer_end(struct tgt_ctrl *c, uint16_t status);
bool nvme_tgt_aer_abort(struct tgt_cmd *cmd);

/* --- subsys.c, ns.c ----------------------------------------------------------------------------- */

struct tgt_host {
	TAILQ_ENTRY(tgt_host) link;
	char nqn[NVME_NQN_MAX + 1];
};
TAILQ_HEAD(tgt_hosts, tgt_host);

struct tgt_ns {
	TAILQ_ENTRY(tgt_ns) link; /* target's, also while it ends */
	struct nvme_target *t;
	struct nvme_subsys *subsys; /* NULL: taken away */
	struct nvme_subsys *home;   /* held: for messages, also then */
	uint64_t id;                /* never used again */
	uint32_t nsid;
	struct nvme_backend *backend;
	uint64_t blocks;
	uint8_t shift; /* log2 of the block size */
	bool read_only;
	bool dirty; /* written since the last flush */
	bool flushing;
	unsigned int inflight;
	uint8_t uuid[16];
	uint8_t nguid[16];
	uint8_t eui64[8];
	struct nvme_backend_io flush;
};
TAILQ_HEAD(tgt_nss, tgt_ns);

struct nvme_subsys {
	TAILQ_ENTRY(nvme_subsys) link;
	struct nvme_target *t;
	bool removed;
	unsigned int refs;         /* target, controllers, namespaces until they are closed */
	struct nvme_subsys_opts o; /* strings: below */
	char nqn[NVME_NQN_MAX + 1];
	char serial[20], model[40], firmware[8]; /* padded with spaces */
	struct tgt_hosts hosts;
	unsigned int n_ctrls;
	uint16_t next_cntlid;
	struct tgt_ns **ns; /* by NSID - 1 */
	unsigned int n_ns;
	/* SMART */
	uint64_t read_bytes, write_bytes, reads, writes, media_errors;
};

bool nvme_tgt_nqn_valid(const char *nqn);
bool nvme_tgt_host_allowed(const struct nvme_subsys *s, const char *hostnqn);
void nvme_tgt_subsys_put(struct nvme_subsys *s);
void nvme_tgt_hash(const char *nqn, const char *what, uint32_t n, uint8_t out[32]);
static inline struct tgt_ns *nvme_tgt_ns(const struct nvme_subsys *s, uint32_t nsid)
{
	return nsid && nsid <= s->o.max_namespaces ? s->ns[nsid - 1] : NULL;
}
void nvme_tgt_ns_take_away(struct tgt_ns *ns);
/* Flushes and closes what was taken away and is idle; returns how many things it did. */
int nvme_tgt_ns_reap(struct nvme_target *t);

/* --- port.c, discovery.c ------------------------------------------------------------------------ */

struct tgt_portlink {
	TAILQ_ENTRY(tgt_portlink) link;
	struct nvme_subsys *subsys;
};
TAILQ_HEAD(tgt_portlinks, tgt_portlink);

struct nvme_port {
	TAILQ_ENTRY(nvme_port) link;
	struct nvme_target *t;
	struct tgt_dev *d;
	struct nvmf_listener *listener;
	uint16_t portid;
	enum nvmf_trtype trtype;
	uint32_t traddr;
	uint16_t trsvcid;
	uint64_t wwnn, wwpn;
	struct nvmet_fc_target_port *fc;
	uint32_t qsize, max_icd;
	bool removed;
	unsigned int refs; /* target, queues, who waits for its end */
	struct tgt_portlinks links;
};

/* No host comes any more, those that are there go. Gives the target's hold up. */
void nvme_tgt_port_close(struct nvme_port *p);
void nvme_tgt_port_put(struct nvme_port *p);
bool nvme_tgt_port_linked(const struct nvme_port *p, const struct nvme_subsys *s);
void nvme_tgt_port_forget(struct nvme_target *t, struct nvme_subsys *s);
/* What hosts may see has changed: for those of s (NULL: all), for hostnqn (NULL: all). */
void nvme_tgt_discovery_changed(struct nvme_target *t, const struct nvme_subsys *s,
				const char *hostnqn);
uint64_t nvme_tgt_discovery_size(const struct tgt_ctrl *c);
void nvme_tgt_discovery_log(const struct tgt_ctrl *c, const struct tgt_page *pg);

/* --- target.c ----------------------------------------------------------------------------------- */

struct nvme_target {
	struct nvme_target_opts o;
	TAILQ_HEAD(tgt_subsystems, nvme_subsys) subsystems;
	TAILQ_HEAD(tgt_ports, nvme_port) ports;
	TAILQ_HEAD(tgt_devs, tgt_dev) devs;
	struct tgt_nss nss;
	struct tgt_ctrls ctrls;
	struct tgt_queues queues, dying;
	struct tgt_cmds scans; /* Compare and Verify, in turn */
	uint8_t *scan_mem;
	struct tgt_cmd *scanning;
	bool scan_loop;
	bool polling;
	bool stopping;
	uint16_t next_discovery_cntlid;
	uint64_t genctr;
	uint64_t next_ns_id;
	uint64_t started; /* CLOCK_MONOTONIC, s */
	int flush_error;
	struct nvme_target_stats stats;
};

void nvme_tgt_note(struct nvme_target *t, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
int nvme_tgt_poll_backends(struct nvme_target *t);
/* Polls backends, frees what has ended; returns how many things happened. */
int nvme_tgt_settle(struct nvme_target *t);
/*
 * Polls until busy(what) is false, or backends have had their time: then -ETIMEDOUT, and the
 * namespaces that requests have not come back from are named.
 */
int nvme_tgt_await(struct nvme_target *t, bool (*busy)(const void *what), const void *what);

#endif
