/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two fake adapters joined by a Fibre Channel cable: the FC opcodes as the adapter serves them, with
 * the wire a copy from one's memory into the other's. What goes wrong on request is what can go wrong
 * on a wire, or in an adapter.
 */
#ifndef FAKE_FC_H
#define FAKE_FC_H

#include "fake.h"

/*
 * Each is armed with how many occasions pass by first, and how many are hit then; for all adapters of
 * the process together.
 */
enum fake_fc_fault {
	FAKE_LS_FAIL,     /* FC_LS ends with EIO */
	FAKE_LS_DROP,     /* the request is lost */
	FAKE_LS_RSP_DROP, /* the answer is lost */
	FAKE_LS_RSP_FAIL, /* FC_LS_RSP ends with EIO, nothing is sent */
	FAKE_LS_REJECT,   /* the answer is LS_RJT */
	FAKE_LS_GARBLE,   /* the answer is nonsense */
	FAKE_LS_NO_TIMEOUT,
	FAKE_CMND_DROP,  /* the CMND IU is lost */
	FAKE_CMND_ABORT, /* FC_IO ends with EIO, the target never sees it */
	FAKE_OP_DROP,    /* an operation of the target does not end by itself */
	FAKE_OP_ERROR,   /* it ends with EIO */
	FAKE_OP_SHORT,   /* half of the data is moved */
	FAKE_OP_ABORT,   /* FC_IO ends with EIO before it */
	FAKE_RSP_LATE,   /* the response has left, the operation ends 16 ticks later */
	FAKE_RSP_DROP,   /* the response is lost */
	FAKE_RSP_GARBLE, /* the response is nonsense */
	FAKE_ABORT_LATE, /* an aborted FC_IO ends 16 ticks later */
	FAKE_QP_FAIL,    /* QP_CREATE of a host pair ends with ENOSPC */
	FAKE_NO_NAMES,   /* FC_RPORT_GET ends with EIO */
	FAKE_STRANGER,   /* a CMND IU comes from another remote port */
	FAKE_DMA_ERROR,  /* what came in could not be placed */
	FAKE_FC_FAULTS
};

enum fake_x_state { X_FREE, X_IO, X_LS, X_HELD, X_DEAD, X_LATE };

/* An exchange's end at one adapter, by cid. */
struct fake_x {
	enum fake_x_state state;
	bool op;      /* target, answerer: an entry is in flight */
	bool waiting; /* X_IO: the target has no buffer for it */
	bool linked;  /* the other end knows it: peer_qp, peer_cid there */
	uint16_t peer_qp, peer_cid;
	uint32_t moved;
	uint64_t deadline;
	struct weft_sq_entry e;
};

struct fake_fc_pair {
	uint32_t flags; /* WEFT_QPF_*, 0: none */
	unsigned int entries;
	unsigned int first_rx;
	uint64_t rx_cmd, rx_icd;
	uint32_t icd_size;
	struct fake_x x[1024];
};

struct fake_late {
	unsigned int ticks;
	uint16_t qp, cid;
	bool frees; /* the exchange, when it is posted */
	struct weft_cq_entry e;
};

struct fake_fc {
	struct fake *f;
	struct fake *peer;
	struct weft_arg_fc_port port;
	uint16_t index; /* of the peer among the remote ports */
	uint32_t id;
	bool cable;
	bool up;
	bool empty_rsp;            /* an RSP is told as 0 bytes */
	bool hold_aborts;          /* FC_ABORT stays unanswered */
	void (*before_off)(void);  /* runs when FC_PORT_SET stops the port */
	unsigned int busy_deletes; /* QP_DELETE ends with EBUSY so many times */
	uint16_t ls_qp, target_qp;
	struct fake_fc_pair *pair[128];
	struct fake_late late[64];
	unsigned int n_late;
	uint16_t kept_abort[64]; /* admin cids */
	unsigned int n_kept;
	/* what was seen */
	unsigned int ops[8]; /* READ, READ with response, WRITE, RSP, RELEASE, ABORT, RSCN, LOGOUT */
	unsigned int short_rsps, ios;
	uint32_t write_ms; /* of the latest FC_WRITE */
};
enum { OPS_READ, OPS_READ_RSP, OPS_WRITE, OPS_RSP, OPS_RELEASE, OPS_ABORT, OPS_RSCN, OPS_LOGOUT };

/* Joins two adapters; the cable is out. fake_free takes it all back. */
void fake_fc_join(struct fake *a, struct fake *b);
void fake_fc_cable(struct fake *f, bool in);
void fake_fc_fault(enum fake_fc_fault fault, unsigned int skip, unsigned int count);
bool fake_fc_hit(enum fake_fc_fault fault);
/* Time goes on at both ends. */
void fake_fc_tick(struct fake *f);
/* Exchanges that are not free, of commands or of link services. */
unsigned int fake_fc_in_use(const struct fake *f, bool ls);
void fake_fc_answer_aborts(struct fake *f);
/* The peer asks to be discovered again. */
void fake_fc_rscn(struct fake *f);

/* fake_adapter.c calls these. */
uint16_t fake_fc_create(struct fake *f, const struct weft_arg_qp_create *a);
uint16_t fake_fc_delete(struct fake *f, uint16_t qp);
void fake_fc_entry(struct fake *f, uint16_t qp, const struct weft_sq_entry *e);
/* True: e's completion is filled in; false: it comes later. */
bool fake_fc_admin(struct fake *f, const struct weft_admin_entry *e, struct weft_cq_entry *out);
void fake_fc_free(struct fake *f);
/* Function-level reset: the pairs are gone, the port is off. */
void fake_fc_reset(struct fake *f);

/* Between fake_fc.c and fake_fc_port.c. */
struct fake_x *fake_fc_x(struct fake_fc *fc, uint16_t qp, uint16_t cid);
void fake_fc_lose_all(struct fake_fc *fc);
void fake_fc_waiting(struct fake_fc *target);
void fake_fc_abort(struct fake_fc *fc, uint16_t qp, uint16_t cid, uint16_t admin_cid);

#endif
