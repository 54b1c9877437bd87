/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Fibre Channel low-level driver inside. One handle per adapter: a link service pair, which also
 * brings the port's events; a target pair; and a host pair for each queue of each association.
 *
 * What cannot be submitted now waits in a list, by ring, and is submitted from the poller in order.
 * What must run later than the call that asks for it waits as work.
 */
#ifndef WEFT_FC_FC_H
#define WEFT_FC_FC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include <nvme/fc_driver.h>
#include <weft/fc.h>
#include <weft/mem.h>
#include <weft/qp.h>

#include "weft_host.h"

#define WFC_LS_LOG2 6u /* entries of the link service pair: half for requests, half buffers */
#define WFC_LS_N (1u << WFC_LS_LOG2 >> 1)
#define WFC_LS_BUF 1088u
#define WFC_ABORTS_MAX 16u /* FC_ABORT under way at once */
#define WFC_NEVER UINT64_MAX

/* Something to do in the next poll. */
struct wfc_work {
	TAILQ_ENTRY(wfc_work) link;
	void (*run)(void *obj);
	void *obj;
	bool queued;
};
TAILQ_HEAD(wfc_work_list, wfc_work);

/* An entry that waits for room in its ring. start: 0 or negative errno; -EAGAIN: no room. */
struct wfc_pend {
	TAILQ_ENTRY(wfc_pend) link;
	int (*start)(void *obj);
	void (*fail)(void *obj, int error); /* it could not be submitted after all */
	void *obj;
	bool queued;
};
TAILQ_HEAD(wfc_pend_list, wfc_pend);

/*
 * FC_ABORT of an exchange. While it is busy nothing else may take its cid: the abort could hit the
 * wrong exchange.
 */
struct wfc_abort {
	TAILQ_ENTRY(wfc_abort) link;
	struct weft_fc *fc;
	void (*done)(void *obj); /* the abort is over, or there was nothing to abort */
	void *obj;
	uint16_t qp;
	uint16_t cid;
	bool queued;
	bool sent;
};
TAILQ_HEAD(wfc_abort_list, wfc_abort);

struct wfc_rport;

/* A host that is logged in, as the target's transport knows it; a new one for each login. */
struct wfc_host {
	uint64_t wwnn;
	uint64_t wwpn;
	struct weft_fc *fc;
	struct wfc_rport *at; /* NULL: gone, the transport may still have it */
};

/* Names of a remote port are asked for one page after the other. */
enum wfc_query { QUERY_NONE, QUERY_PORT, QUERY_NODE };

/* A remote port of the adapter, by its number. */
struct wfc_rport {
	struct weft_fc *fc;
	uint16_t index;
	bool there;           /* logged in */
	bool ready;           /* and its names are known */
	bool asking;          /* an FC_RPORT_GET is at the device, */
	bool stale;           /* for an earlier login */
	enum wfc_query query; /* what is to be asked */
	uint8_t roles;
	uint32_t port_id;
	uint64_t wwnn;
	uint64_t wwpn;
	struct nvme_fc_remote_port *rport; /* registered, or NULL */
	struct wfc_host *host;             /* target role, or NULL */
};

/* An association that our host has with a remote port. */
struct wfc_assoc {
	LIST_ENTRY(wfc_assoc) link;
	uint64_t id; /* as on the wire */
};

/* The driver's area of a remote port of the transport, which outlives logins. */
struct wfc_remote {
	TAILQ_ENTRY(wfc_remote) link;
	LIST_HEAD(wfc_assoc_list, wfc_assoc) assocs;
	struct nvme_fc_remote_port *rport;
	struct wfc_rport *at; /* NULL: lost */
};

/* A link service request of ours, by cid. */
struct wfc_ls_out {
	struct weft_fc *fc;
	struct nvmefc_ls_req *req; /* NULL: done */
	struct wfc_remote *rem;    /* host role: whom it asks */
	struct wfc_abort abort;
	uint16_t cid;
	bool busy;
};

/* A link service of a peer, by receive buffer. */
enum wfc_ls_state {
	LS_FREE,
	LS_NAMES, /* waits until the sender's names are known */
	LS_UP,    /* the transport has it */
	LS_SENDING,
	LS_ABORTING, /* refused: FC_ABORT, then FC_RELEASE */
	LS_RELEASING,
};

struct wfc_ls_in {
	struct nvmefc_ls_rsp rsp; /* first: the transport's view */
	struct weft_fc *fc;
	uint16_t cid;
	uint16_t rport;
	const void *payload;
	uint32_t len;
	enum wfc_ls_state state;
	bool aborted; /* by the other side */
	struct wfc_abort abort;
	struct wfc_pend pend;
	struct wfc_work work;
};

/*
 * A receive buffer of the target pair, which stands for the exchange of the command in it. It goes
 * back to the adapter with the response; or, when the transport has let go, by FC_RELEASE once the
 * exchange is known to be aborted, by us or by the other side.
 */
struct wfc_buf {
	struct weft_fc *fc;
	struct wfc_cmd *cmd; /* what the transport has of it, or NULL */
	uint16_t cid;
	bool held;      /* ours */
	bool active;    /* an operation is under way */
	bool aborted;   /* by the other side */
	bool over;      /* FC_ABORT was done */
	bool releasing; /* FC_RELEASE is */
	struct wfc_abort abort;
	struct wfc_pend pend; /* of the operation or FC_RELEASE */
};

/* A command in the transport's hands. */
struct wfc_cmd {
	struct nvmefc_tgt_fcp_req req; /* first */
	struct wfc_buf *buf;           /* NULL: it was responded to */
	struct weft_fc *fc;
	struct wfc_cmd *next; /* free */
};

/* A command of ours, by cid. */
struct wfc_ex {
	struct wfc_queue *q;
	struct nvmefc_fcp_req *fcp; /* NULL: done */
	uint16_t cid;
	uint16_t rport;
	struct wfc_abort abort;
	struct wfc_pend pend;
};

/* A queue of an association: a host pair. */
struct wfc_queue {
	TAILQ_ENTRY(wfc_queue) link;
	struct weft_fc *fc;
	struct weft_qp *qp;
	bool deleted;          /* aborts are still at the device */
	unsigned int n_aborts; /* under way */
	unsigned int entries;
	unsigned int n_free;
	uint16_t *free_cid; /* entries */
	struct wfc_pend_list pend;
	struct wfc_ex ex[];
};

struct weft_fc {
	struct nvme_fc_device mem; /* first */
	struct weft_dev *dev;
	struct weft_fc_params params;
	struct weft_fc_info info;
	struct nvme_fc_port_template host_tmpl;
	struct nvmet_fc_target_template target_tmpl;
	struct weft_qp *ls_qp;
	struct weft_qp *target_qp;
	struct nvme_fc_local_port *lport;
	struct nvmet_fc_target_port *tport;
	bool opened;
	bool closing;
	bool dead;     /* the device was reset or is gone */
	bool changed;  /* state_cb is owed */
	bool rscn;     /* FC_RSCN is wanted */
	bool rscn_out; /* and one at the device */
	uint64_t now;
	bool ask_again; /* for names */
	struct wfc_rport rport[WEFT_N_RPORT];
	TAILQ_HEAD(wfc_remote_list, wfc_remote) remotes;
	struct wfc_work_list works;
	struct wfc_pend_list ls_pend;
	struct wfc_pend_list target_pend;
	struct wfc_abort_list aborts;
	unsigned int aborts_out;
	struct wfc_ls_out ls_out[WFC_LS_N];
	struct wfc_ls_in ls_in[WFC_LS_N];
	unsigned int entries; /* of the target pair */
	struct wfc_buf *buf;  /* entries */
	struct wfc_cmd *cmds; /* free */
	unsigned int n_cmds;  /* in the transport's hands */
	unsigned int n_held;  /* receive buffers that are ours */
	TAILQ_HEAD(wfc_queue_list, wfc_queue) queues;
	unsigned int n_hosts;    /* handles the target's transport knows */
	unsigned int n_memory;   /* pieces that the transports have */
	unsigned int n_deferred; /* commands the transport took later */
	unsigned int n_remotes_deleted;
	struct weft_sgl_elem sgl[WEFT_SGL_MAX]; /* scratch */
};

/* port.c */
struct weft_fc *wfc_of(const struct nvme_fc_local_port *lport);
struct weft_fc *wfc_of_target(const struct nvmet_fc_target_port *tport);

/* sched.c: what waits. */
void wfc_work_add(struct weft_fc *fc, struct wfc_work *w, void (*run)(void *obj), void *obj);
void wfc_work_cancel(struct weft_fc *fc, struct wfc_work *w);
/* Runs what is there now; true when there is more. */
bool wfc_work_run(struct weft_fc *fc);
/*
 * Submits by start(obj), now or when there is room. 0, or the error of start. fail tells of an error
 * later on, from the poller.
 */
int wfc_pend_start(struct wfc_pend_list *list, struct wfc_pend *p);
void wfc_pend_cancel(struct wfc_pend_list *list, struct wfc_pend *p);
void wfc_pend_run(struct wfc_pend_list *list);
void wfc_abort_init(struct wfc_abort *a, struct weft_fc *fc, uint16_t cid, void (*done)(void *obj),
		    void *obj);
void wfc_abort_start(struct wfc_abort *a, const struct weft_qp *qp);
static inline bool wfc_abort_busy(const struct wfc_abort *a)
{
	return a->queued || a->sent;
}
/* It need not be sent any more; done does not run. False: it is at the device. */
bool wfc_abort_cancel(struct wfc_abort *a);
void wfc_abort_run(struct weft_fc *fc);
void wfc_abort_forget(struct weft_fc *fc, struct wfc_abort *a);
/* sg in the form of the rings, in fc->sgl. Their number, or -EINVAL. */
int wfc_sgl(struct weft_fc *fc, const struct nvmefc_sg *sg, int sg_cnt);

/* rport.c */
void wfc_rport_event(struct weft_fc *fc, const struct weft_event *ev);
void wfc_rport_rescan(struct weft_fc *fc, uint32_t index);
void wfc_rport_run(struct weft_fc *fc);
void wfc_rport_lost(struct wfc_rport *r);
/* The local port came: remote ports that were there before it are registered. */
void wfc_rport_register_all(struct weft_fc *fc);
/* All are lost, for good. */
void wfc_rport_close(struct weft_fc *fc);
void wfc_rport_forget(struct weft_fc *fc);
void wfc_remoteport_delete(struct nvme_fc_remote_port *rport);
/* The handle of a port whose names are known; NULL: not so, or no memory. */
struct wfc_host *wfc_host_of(struct wfc_rport *r);
void wfc_host_release(void *handle);
int wfc_host_traddr(void *handle, uint64_t *wwnn, uint64_t *wwpn);

/* assoc.c: associations of the host role, seen in what it asks and is answered. */
void wfc_assoc_note(struct wfc_remote *rem, const struct nvmefc_ls_req *req);
bool wfc_assoc_is_ours(const struct wfc_remote *rem, const void *rqst, uint32_t len);
void wfc_assoc_forget(struct wfc_remote *rem);

/* ls.c */
extern const uint32_t wfc_ls_priv;
void wfc_ls_init(struct weft_fc *fc);
void wfc_ls_complete(void *arg, const struct weft_completion *c);
void wfc_ls_capsule(void *arg, const struct weft_fc_capsule *c);
void wfc_ls_aborted(struct weft_fc *fc, uint32_t cid);
/* The names of a remote port are known, or it is gone: its requests go up, or back. */
void wfc_ls_names(struct wfc_rport *r);
void wfc_ls_dead(struct weft_fc *fc);
bool wfc_ls_idle(const struct weft_fc *fc);
void wfc_ls_forget(struct weft_fc *fc);
int wfc_host_ls_req(struct nvme_fc_local_port *lport, struct nvme_fc_remote_port *rport,
		    struct nvmefc_ls_req *req);
void wfc_host_ls_abort(struct nvme_fc_local_port *lport, struct nvme_fc_remote_port *rport,
		       struct nvmefc_ls_req *req);
int wfc_host_xmt_ls_rsp(struct nvme_fc_local_port *lport, struct nvme_fc_remote_port *rport,
			struct nvmefc_ls_rsp *rsp);
int wfc_target_ls_req(struct nvmet_fc_target_port *tport, void *handle, struct nvmefc_ls_req *req);
void wfc_target_ls_abort(struct nvmet_fc_target_port *tport, void *handle,
			 struct nvmefc_ls_req *req);
int wfc_target_xmt_ls_rsp(struct nvmet_fc_target_port *tport, struct nvmefc_ls_rsp *rsp);

/* io.c */
extern const uint32_t wfc_io_priv;
int wfc_create_queue(struct nvme_fc_local_port *lport, unsigned int qidx, uint16_t qsize,
		     void **handle);
void wfc_delete_queue(struct nvme_fc_local_port *lport, unsigned int qidx, void *handle);
int wfc_fcp_io(struct nvme_fc_local_port *lport, struct nvme_fc_remote_port *rport, void *handle,
	       struct nvmefc_fcp_req *req);
/* Submits what waits for room. */
void wfc_io_run(struct weft_fc *fc);
void wfc_io_forget(struct weft_fc *fc);
void wfc_fcp_abort(struct nvme_fc_local_port *lport, struct nvme_fc_remote_port *rport,
		   void *handle, struct nvmefc_fcp_req *req);

/* target.c */
int wfc_target_init(struct weft_fc *fc);
void wfc_target_fini(struct weft_fc *fc);
void wfc_target_forget(struct weft_fc *fc);
void wfc_target_complete(void *arg, const struct weft_completion *c);
void wfc_target_capsule(void *arg, const struct weft_fc_capsule *c);
void wfc_target_event(void *arg, const struct weft_event *ev);
/* The device does not know its receive buffers any more. */
void wfc_target_dead(struct weft_fc *fc);
int wfc_target_op(struct nvmet_fc_target_port *tport, struct nvmefc_tgt_fcp_req *req);
void wfc_target_abort(struct nvmet_fc_target_port *tport, struct nvmefc_tgt_fcp_req *req);
void wfc_target_release(struct nvmet_fc_target_port *tport, struct nvmefc_tgt_fcp_req *req);
void wfc_target_defer_rcv(struct nvmet_fc_target_port *tport, struct nvmefc_tgt_fcp_req *req);

#endif
