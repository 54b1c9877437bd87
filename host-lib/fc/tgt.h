/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Target role inside. A target port has associations, an association connections, a connection as
 * many command contexts as its queue has entries. An association:
 *
 *	state          until                                            then
 *	LIVE           Disconnect Association, host invalidated, port
 *	               unregistered, the user's word                    ENDING
 *	ENDING         user told; commands aborted, ended by the user and
 *	               released; connections freed by the user          DISCONNECTING; gone without a host to tell
 *	DISCONNECTING  answer to our own Disconnect Association         gone
 *
 * A connection for I/O may also be closed alone, by the user's word. It stays as long as the association
 * or until the host makes another one for the queue, and answers what comes with Command Aborted due to
 * SQ Deletion, for no response would cost the host the association.
 *
 * A command in the driver's hands has at most one operation. The user's command ends with a response
 * or, when it was aborted, without; either way fcp_req_release follows, and the context is free.
 */
#ifndef FC_TGT_H
#define FC_TGT_H

#include "common.h"
#include "fc.h"

#define FC_ASSOCS_MAX 256
#define FC_OP_SEGS 65 /* pieces of an operation: 256 KiB of pages, not aligned */

struct fc_tport {
	struct nvmet_fc_target_port port; /* first: the driver's view */
	const struct nvmet_fc_target_template *tmpl;
	struct nvme_fc_device *dev;
	const struct nvmet_fc_user *user;
	void *user_arg;
	TAILQ_HEAD(fc_assoc_list, fc_assoc) assocs;
	unsigned int n_assocs;
	TAILQ_HEAD(fc_host_list, fc_host) hosts;
	struct fc_ls_rxq rxq;
	uint64_t now;
	unsigned int op_segs;
	bool polling;
	bool again;
};

/* A host that gave itself a handle, while associations refer to it. */
struct fc_host {
	TAILQ_ENTRY(fc_host) link;
	void *handle;
	bool invalid;
};

enum assoc_state { ASSOC_LIVE, ASSOC_ENDING, ASSOC_DISCONNECTING, ASSOC_GONE };

struct fc_assoc {
	TAILQ_ENTRY(fc_assoc) link;
	struct fc_tport *tp;
	const struct nvmet_fc_user *user;
	void *user_arg;
	struct fc_host *host; /* NULL: the driver cannot tell */
	enum assoc_state state;
	int error;
	bool told; /* the user knows that it ends */
	uint64_t id;
	struct fc_ls_op ls;
	struct fc_ls_rx *rcv_disc; /* the peer's Disconnect, not yet answered */
	uint8_t hostid[16];
	char hostnqn[NVME_NQN_MAX + 1];
	char subnqn[NVME_NQN_MAX + 1];
	struct nvmet_fc_conn *conn[FC_QUEUES_MAX];     /* the latest of each queue */
	TAILQ_HEAD(fc_conn_list, nvmet_fc_conn) conns; /* all, newest first */
};

/* A transfer of the user, cut into operations. */
struct fc_xfer {
	const struct nvmefc_sg *sg; /* where it is */
	uint32_t sg_off;            /* bytes of that piece behind us */
	uint32_t offset;            /* in the command's payload */
	uint32_t left;
	bool respond; /* with cqe, at its end */
	struct nvme_cqe cqe;
	nvmet_fc_xfer_fn *done; /* NULL: none under way */
	void *arg;
};

struct nvmet_fc_cmd {
	struct nvmet_fc_conn *conn;
	struct nvmet_fc_cmd *next;      /* free */
	struct nvmefc_tgt_fcp_req *req; /* the driver's; NULL: free */
	struct nvme_sqe sqe;
	uint32_t len;
	uint8_t flags; /* FCNVME_FLAG_* */
	bool active;   /* an operation is with the driver */
	bool response; /* the response was given to the driver */
	bool aborted;  /* no response any more */
	bool told;     /* the driver was asked to abort */
	uint32_t xfrd; /* bytes transferred */
	struct fc_xfer x;
	struct nvmefc_sg *segs; /* op_segs of an operation */
	void *rspbuf;
	uint64_t rspdma;
};

/* A command that came while no context was free. */
struct fc_deferred {
	TAILQ_ENTRY(fc_deferred) link;
	struct nvmefc_tgt_fcp_req *req;
	const void *iu;
};

struct nvmet_fc_conn {
	TAILQ_ENTRY(nvmet_fc_conn) link;
	struct fc_assoc *assoc;
	void *user_arg;
	uint16_t qid;
	uint16_t hwqid;
	uint16_t entries;
	uint16_t ersp_ratio;
	uint16_t gen;  /* how many connections the queue has had before, in CONN_GENS */
	uint16_t sqhd; /* told last */
	bool closed;   /* alone */
	bool freed;    /* by the user */
	bool draining;
	uint32_t rsn;
	uint32_t responses;
	unsigned int busy;
	unsigned int n_deferred;
	TAILQ_HEAD(fc_deferred_list, fc_deferred) deferred;
	struct nvmet_fc_cmd *free;
	struct nvmet_fc_cmd *cmds; /* entries */
	struct nvmefc_sg *segs;
	void *rsps;
	uint64_t rsps_dma;
};

/* A connection's id: the association's, the number of connections the queue had before, the queue. */
#define CONN_QID_BITS 7
#define CONN_GENS 512u
_Static_assert(FC_QUEUES_MAX <= 1 << CONN_QID_BITS, "a connection's id has room for its queue");
static inline uint64_t fc_conn_id(const struct nvmet_fc_conn *conn)
{
	return conn->assoc->id | (uint64_t)conn->gen << CONN_QID_BITS | conn->qid;
}

/* assoc.c */
void fc_target_rcv_ls(struct fc_tport *tp);
void fc_assoc_end(struct fc_assoc *a, int error);
uint64_t fc_assoc_step(struct fc_assoc *a, uint64_t now);
void fc_assoc_free(struct fc_assoc *a);

/* cmd.c */
struct nvmet_fc_conn *fc_conn_new(struct fc_assoc *a, const struct fc_ls_rqst *rqst);
/* Nothing is in the driver's hands. */
void fc_conn_free(struct nvmet_fc_conn *conn);
/* Asks the driver to abort what it has, gives back what waits. */
void fc_conn_abort(struct nvmet_fc_conn *conn);

#endif
