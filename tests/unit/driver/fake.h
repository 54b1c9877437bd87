/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An adapter in C for unit tests: a weft_bus whose rings are served by the test process itself,
 * with an NVMe-oF controller behind every connection. It checks what it is given as hardware would,
 * and more: breaches of the contract are counted in violations and printed.
 */
#ifndef FAKE_H
#define FAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weft/bus.h>

#include "weft_host.h"

#define FAKE_MAPS 4096
#define FAKE_LOG 512
#define FAKE_NS_BYTES (8u << 20)
#define FAKE_BLOCK 512u
#define FAKE_NO_OPCODE 0xff

struct fake_map {
	uint8_t *va;
	uint64_t iova;
	size_t len;
};

struct fake_ctrl;

/* A command that a scripted host sent to a pair in the controller role, by receive buffer. */
struct fake_cmd {
	bool held;     /* sent, and its last reply has not completed */
	bool ended;    /* the reply that ends it was fetched */
	bool acked;    /* the last reply has completed */
	uint8_t *data; /* the host's data buffer */
	uint32_t len, sent, fetched;
	unsigned int gets, sends, responses;
	bool success; /* ended by the SUCCESS flag */
	uint8_t sqe[64];
	uint8_t cqe[16];
	uint64_t ended_at; /* order of ends on the wire */
};

/* A pair in the controller role. */
struct fake_ctl {
	uint64_t rx_cmd, rx_icd;
	uint32_t icd_size;
	bool waiting;
	uint16_t accept_cid; /* on the admin pair */
	uint64_t accept_order;
	struct weft_arg_accept accept;
	struct fake_cmd cmd[1024];
};

/* A queue pair as the adapter sees it. */
struct fake_qp {
	bool live;
	bool connected;
	bool armed;
	uint64_t sq;
	uint64_t cq;
	uint16_t entries;
	uint16_t cq_entries;
	uint16_t vector;
	uint16_t sq_head;
	uint16_t sq_tail;
	uint16_t cq_head; /* what the host told */
	uint16_t cq_tail;
	uint8_t phase;
	bool busy[1024];
	/* commands kept by hold, and those without an answer yet */
	struct weft_sq_entry held[1024];
	bool is_held[1024];
	uint64_t order[1024]; /* arrival, for tests that look at it */
	unsigned int sgl_max; /* most elements one command had */
	/* connection */
	struct fake_ctrl *ctrl;
	uint16_t qid;
	bool fabrics_done;
	bool digest;
	uint16_t sqhd;
	uint16_t sqsize;
	bool sqflow_off;
};

struct fake {
	struct weft_bus bus;
	/* knobs */
	uint32_t magic, version, n_qp;
	int n_vectors;
	unsigned int ready_after; /* reads of STATUS until FW_READY */
	bool fw_dead;
	uint32_t fw_status;   /* what FW_STATUS reads */
	bool gone;            /* reads give ~0, writes vanish */
	bool write_enodev;    /* writes return -ENODEV when gone */
	bool eager;           /* work at each doorbell, no time of its own: waiting uses eventfds */
	bool frozen;          /* never works */
	bool frozen_io;       /* works on the admin pair only */
	bool hold;            /* capsules stay unanswered until fake_release */
	bool keep_admin;      /* admin commands stay unanswered */
	bool keep_disconnect; /* DISCONNECT stays unanswered until fake_disconnects */
	uint16_t kept[64];
	unsigned int n_kept;
	long fail_at; /* bus operation number that fails with fail_err; 0: none */
	int fail_err;
	int connect_errno;             /* positive: CONNECT ends with it */
	unsigned int connects_to_fail; /* so many times; 0: always while connect_errno is set */
	uint32_t maxh2cdata;
	uint8_t digests_granted;    /* mask */
	bool success_flag;          /* reads end with a synthesized CQE */
	unsigned int ddgst_errors;  /* so many reads get a wrong data digest */
	unsigned int flipped_reads; /* so many reads deliver a wrong bit that no digest covers */
	/* capsules with this opcode get no answer, but on pair 1; 0xff: none */
	uint8_t mute_opcode;
	uint16_t create_errno;         /* QP_CREATE ends with it */
	unsigned int creates_to_allow; /* so many before that */
	uint16_t reply_errno;          /* the next reply ends with it */
	uint8_t reply_flags;           /* flags of the next reply's completion */
	/* state */
	struct fake_ctl *ctl[128];
	struct fake_fc *fc; /* fake_fc.h, or NULL */
	uint64_t flat_iova; /* not 0: an address with these bits flipped is an IOVA, too */
	uint16_t listening[WEFT_N_LISTEN];
	uint64_t accepts, ends;
	unsigned int aborts_sent; /* DISCONNECT with RST */
	long ops;
	uint64_t time_ns;
	uint32_t aq[4], aq_size, aq_ctrl, ctrl_run, scratch;
	unsigned int status_reads, resets, closed;
	unsigned int sq_doorbells;
	struct fake_map map[FAKE_MAPS];
	unsigned int n_maps, maps_live, map_calls;
	uint64_t next_iova;
	int irq_fd[128];
	unsigned int irqs_live, irqs_sent;
	struct fake_qp qp[128];
	uint32_t counter[64];
	char fwlog[WEFT_LOG_SIZE];
	uint32_t log_tail;
	uint64_t arrivals;
	unsigned int violations;
	struct weft_arg_port port;
	uint16_t last_opcode_admin;
	/* controllers */
	struct fake_ctrl *ctrls;
	uint16_t next_cntlid;
	/* knobs of the controllers */
	uint64_t cap;
	uint32_t kato_seen;
	uint16_t queues_granted;   /* 0's based */
	unsigned int genctr_moves; /* the discovery log changes during so many reads of it */
	uint64_t genctr;
	unsigned int n_records;
	uint8_t mdts;
	uint32_t ioccsz;
	/* next I/O command with fail_opcode ends with this, fail_times times */
	uint16_t fail_sct_sc;
	uint8_t fail_opcode;
	unsigned int fail_times;
	bool never_ready;
	bool auth_required;
	uint8_t *disk; /* FAKE_NS_BYTES, survives controllers */
	/* what the controllers saw, a line each */
	char log[FAKE_LOG][96];
	unsigned int n_log;
	unsigned int keepalives, aborts;
};

struct fake *fake_new(void);
/*
 * The same without a time of its own: it works at each doorbell, and waiting for it goes by
 * eventfds.
 */
struct fake *fake_new_eager(void);
void fake_free(struct fake *f);
/* Serves everything that waits. Returns how many entries it fetched. */
unsigned int fake_run(struct fake *f);
void *fake_mem(struct fake *f, uint64_t iova, size_t len);
/* Posts a completion entry; the ring's phase and head are filled in. */
void fake_post(struct fake *f, uint16_t qp, struct weft_cq_entry *e);
void fake_event(struct fake *f, uint16_t qp, uint32_t code, uint32_t dw1, uint32_t dw2);
/* Ends a held capsule: with a positive errno, or 0: served now. */
void fake_release(struct fake *f, uint16_t qp, uint16_t cid, uint16_t err);
/*
 * The peer is gone: all commands of the pair end with err, then CONN_ERROR. err 0: CONN_CLOSED and
 * ECONNRESET for commands.
 */
void fake_kill_conn(struct fake *f, uint16_t qp, uint16_t err);
void fake_log(struct fake *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void fake_fwlog(struct fake *f, const char *text);
void fake_violation(struct fake *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Sends an asynchronous event on the admin queue of the controller (all of them). */
void fake_aen(struct fake *f, uint32_t dw0);

/* Data of a capsule: gathers or scatters through its SGL. false: memory not mapped or too short. */
bool fake_gather(struct fake *f, const struct weft_sq_entry *e, uint32_t off, void *buf,
		 uint32_t len);
bool fake_scatter(struct fake *f, const struct weft_sq_entry *e, uint32_t off, const void *buf,
		  uint32_t len);

/* fake_peer.c: hosts that connect to pairs in the controller role. */
/* Takes the pair that has waited longest. Returns its number, 0: none waits on that port. */
uint16_t fake_host_connect(struct fake *f, uint16_t port, uint8_t digests);
/*
 * A command capsule with len bytes of in-capsule data, or with a data buffer of the host (len of its
 * SGL; data may be NULL: zeroes) when icd is false. Returns the receive buffer, or -1: none is free.
 */
int fake_host_send(struct fake *f, uint16_t qp, const uint8_t *sqe, bool icd, const void *data,
		   uint32_t len, uint8_t flags);
struct fake_cmd *fake_cmd(struct fake *f, uint16_t qp, int slot);
/* An I/O command's SQE; len bytes of data, SGL as NVMe/TCP wants it. */
void fake_host_sqe(uint8_t *sqe, uint8_t opcode, uint16_t cid, bool icd, uint32_t len);
/* Ends DISCONNECTs that were kept. */
void fake_disconnects(struct fake *f);

uint16_t fake_peer_create(struct fake *f, const struct weft_arg_qp_create *a);
uint16_t fake_peer_listen(struct fake *f, uint16_t port, bool on);
/* 0: stays pending. */
uint16_t fake_peer_accept(struct fake *f, const struct weft_arg_accept *a, uint16_t cid);
/* Ends a wait; true when there was one. */
bool fake_peer_cancel(struct fake *f, uint16_t qp);
void fake_peer_disconnected(struct fake *f, uint16_t qp);
void fake_peer_check(struct fake *f, uint16_t qp, const struct weft_ctl_entry *e);
void fake_peer_reply(struct fake *f, uint16_t qp, const struct weft_ctl_entry *e,
		     struct weft_cq_entry *out);
void fake_peer_free(struct fake *f);
void fake_finish(struct fake *f, uint16_t qp, uint16_t cid, struct weft_cq_entry *e);

/* Between fake_bus.c and fake_adapter.c. */
void fake_interrupt(struct fake *f, struct fake_qp *q);
void fake_start_qp(struct fake_qp *q, uint64_t sq, uint64_t cq, unsigned int sq_log2,
		   unsigned int cq_log2, uint16_t vector);

/* fake_ctrl.c: answers a capsule. false: no answer now. */
bool fake_ctrl_command(struct fake *f, uint16_t qp, const struct weft_sq_entry *e,
		       struct weft_cq_entry *out);
void fake_ctrl_disconnected(struct fake *f, uint16_t qp);
void fake_ctrl_free(struct fake *f);

/* fake_vu.c: a vfio-user server in a thread, in front of an adapter, with a fault on request. */
enum fake_vu_fault {
	VU_OK,
	VU_HANG_VERSION,
	VU_BAD_MAJOR,
	VU_BAD_JSON,
	VU_UNTERMINATED_JSON,
	VU_SHORT_VERSION,
	VU_NOT_PCI,
	VU_SMALL_BAR,
	VU_BAD_REGION_INDEX,
	VU_NO_MSIX,
	VU_WRONG_DEVICE,
	VU_WRONG_ID,
	VU_WRONG_COMMAND,
	VU_TINY_SIZE,
	VU_HUGE_SIZE,
	VU_SHORT_READ,
	VU_OTHER_OFFSET,
	VU_ERROR_WITH_DATA,
	VU_REPLY_TYPE,
	VU_CLOSE_EARLY,
	VU_REFUSE_MAP,
	VU_HANG_READ,
	VU_UNASKED_REPLY,
	VU_N_FAULTS,
};

struct fake_vu;
struct fake_vu *fake_vu_start(struct fake *f, const char *path, enum fake_vu_fault fault);
void fake_vu_stop(struct fake_vu *s);
/*
 * The server reads and writes client memory by message from its own thread, between two client
 * messages; tells the result.
 */
int fake_vu_dma(struct fake_vu *s, uint64_t iova, void *buf, uint32_t len, bool write);

#endif
