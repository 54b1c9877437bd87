/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Host role inside. A local port has remote ports and controllers; a controller at most one
 * association:
 *
 *	state          until                                     then
 *	IDLE           nvme_fc_ctrl_connect                      CREATING
 *	CREATING       answer to Create Association              LIVE; ENDING when refused
 *	LIVE           transport error, abort, disconnect,
 *	               Disconnect Association, port lost         ENDING
 *	ENDING         every request aborted and completed,
 *	               queues deleted                            IDLE, NVME_FC_ENDED
 *
 * Nobody waits for the answer to our Disconnect Association, which may take twice R_A_TOV: when the
 * association has ended, link services that are under way, and this last one, go over to the local
 * port (struct fc_bye). The remote port, and with it the local one, stays until they are over.
 *
 * What may happen at any time (completions, calls of the program) only sets the state to ENDING; all
 * else happens in nvme_fc_localport_poll, which alone frees things.
 */
#ifndef FC_HOST_H
#define FC_HOST_H

#include "common.h"
#include "fc.h"

enum ctrl_state { CTRL_IDLE, CTRL_CREATING, CTRL_LIVE, CTRL_ENDING };

struct fc_lport {
	struct nvme_fc_local_port port; /* first: the driver's view */
	LIST_ENTRY(fc_lport) link;      /* of all local ports */
	const struct nvme_fc_port_template *tmpl;
	struct nvme_fc_device *dev;
	TAILQ_HEAD(fc_rport_list, fc_rport) rports;
	TAILQ_HEAD(nvme_fc_ctrl_list, nvme_fc_ctrl) ctrls;
	TAILQ_HEAD(fc_bye_list, fc_bye) byes;
	struct fc_ls_rxq rxq;
	uint64_t now; /* of the latest poll */
	uint32_t next_rport_num;
	bool polling;
	bool again; /* something was asked for from inside the poll */
	nvme_fc_port_fn *watch;
	void *watch_arg;
};

struct fc_rport {
	struct nvme_fc_remote_port port; /* first */
	TAILQ_ENTRY(fc_rport) link;
	struct fc_lport *lp;
	uint64_t lost_at; /* when the port was unregistered */
};

/* A link service, of a controller or, when its association has ended, on its own. */
struct fc_bye {
	TAILQ_ENTRY(fc_bye) link; /* of the local port's, on its own */
	struct fc_ls_op op;
	struct fc_rport *rp;
	const struct nvme_fc_ctrl *ctrl; /* whose it was; NULL: gone */
	struct fc_ls_rx *rcv_disc;       /* the peer's Disconnect, answered when ours is sent */
};

/* A command in the driver's hands, or free. */
struct fc_req {
	struct nvmefc_fcp_req fcp; /* first: the driver's view */
	struct fc_queue *q;
	struct nvme_fc_io *io; /* NULL: free */
	struct fc_req *next;   /* free */
	int aborted;           /* by us: what it ends with */
};

enum queue_state { QUEUE_WANTED, QUEUE_CREATING, QUEUE_LIVE };

struct fc_queue {
	struct nvme_fc_ctrl *ctrl;
	uint16_t qid;
	uint16_t entries;
	uint16_t tail; /* commands sent, mod entries */
	uint16_t head; /* SQHD that was told last */
	enum queue_state state;
	bool has_handle;
	void *handle; /* the driver's */
	uint64_t connection_id;
	uint32_t csn;
	unsigned int inflight;
	struct fc_req *free;
	struct fc_req *reqs; /* entries - 1 */
	void *priv;          /* the driver's areas */
	void *ius;           /* CMND and RSP IUs */
	uint64_t ius_dma;
};

struct nvme_fc_ctrl {
	TAILQ_ENTRY(nvme_fc_ctrl) link;
	struct fc_lport *lp;
	struct fc_rport *rp;
	struct nvme_fc_ctrl_params p;
	enum ctrl_state state;
	int error; /* why it ends */
	bool destroyed;
	bool back; /* NVME_FC_BACK is owed */
	bool has_assoc;
	uint64_t association_id;
	struct fc_bye *ls;         /* makes the association and its connections */
	struct fc_bye *bye;        /* will end it */
	unsigned int wanted;       /* queues in QUEUE_WANTED */
	struct fc_queue *creating; /* whose connection ls asks for */
	struct fc_ls_rx *rcv_disc; /* the peer's Disconnect, not yet answered */
	struct fc_queue *queue[FC_QUEUES_MAX];
};

/* bye.c */
struct fc_bye *fc_bye_new(struct fc_rport *rp);
void fc_bye_free(struct fc_bye *b); /* NULL is ignored */
/* From here on the port looks after it. */
void fc_bye_leave(struct fc_bye *b, const struct nvme_fc_ctrl *ctrl);
/* Moves them on, frees what is over; when to call again. */
uint64_t fc_bye_step(struct fc_lport *lp);
bool fc_bye_uses(const struct fc_rport *rp);
void fc_bye_forget(const struct nvme_fc_ctrl *ctrl);

/* ctrl.c */
uint64_t fc_ctrl_step(struct nvme_fc_ctrl *c, uint64_t now);
void fc_ctrl_end(struct nvme_fc_ctrl *c, int error);
void fc_ctrl_free(struct nvme_fc_ctrl *c);
void fc_ctrl_event(struct nvme_fc_ctrl *c, enum nvme_fc_event event, uint16_t qid, int error);

/* queue.c */
struct fc_queue *fc_queue_new(struct nvme_fc_ctrl *c, uint16_t qid, uint16_t entries);
/* Nothing is in flight. */
void fc_queue_free(struct fc_queue *q);
/* Aborts what is in flight and not yet aborted. */
void fc_queue_abort(struct fc_queue *q);

void fc_host_rcv_ls(struct fc_lport *lp);
int fc_host_xmt_rsp(struct fc_ls_rx *rx);

#endif
