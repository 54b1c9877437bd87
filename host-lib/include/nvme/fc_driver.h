/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The contract between the FC-NVMe transport and a Fibre Channel low-level driver. The interface
 * follows Linux's nvme-fc-driver.h, in user space: the driver logs in to the fabric and moves frames;
 * the transport knows associations, connections, information units and link services (FC-NVMe-2).
 * docs/fc-driver.md tells how to write a driver.
 *
 * Both roles. Host: the driver registers a local port, and a remote port for each NVMe controller
 * port it is logged in to; the transport asks for link services and I/O. Target: the driver registers
 * a target port and hands up link services and commands as they arrive; the transport tells it what
 * data to move and what to answer.
 *
 * Threads: a local port with its remote ports, and a target port, belong to one thread each: the one
 * that polls the driver. Every call of this header, in both directions, is made on it. Nothing here
 * sleeps or has a thread of its own: the driver calls nvme_fc_localport_poll and
 * nvmet_fc_targetport_poll from its own poll, with its own clock, and goes on doing so until
 * localport_delete or targetport_delete. What the transport starts by itself (link services, aborts,
 * queues, deletion) is started from there.
 *
 * Completion: whatever was accepted is completed exactly once by its done callback, also after an
 * abort. done must not run from inside the callback that started the request (ls_req, fcp_io,
 * xmt_ls_rsp, fcp_op); it may run from inside ls_abort and fcp_abort.
 *
 * Errors are negative errno values. Names and numbers in host order; what lies in buffers is as on
 * the wire. Linux's member `private` is private_ here, for C++.
 */
#ifndef NVME_FC_DRIVER_H
#define NVME_FC_DRIVER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/*
 * What the transport needs of the device below a port: memory that it can reach, for information
 * units and link services. The driver embeds it. alloc: zeroed, aligned to 8 bytes, NULL when there
 * is none; *iova: its address as the device sees it. free gets the same again.
 */
struct nvme_fc_device {
	void *(*alloc)(struct nvme_fc_device *dev, size_t len, uint64_t *iova);
	void (*free)(struct nvme_fc_device *dev, void *addr, size_t len, uint64_t iova);
};

/* A piece of payload memory. */
struct nvmefc_sg {
	void *addr;    /* address in this program */
	uint64_t iova; /* as the device sees it */
	uint32_t len;  /* bytes, not 0 */
};

/* --- link services, both roles ------------------------------------------------------------------ */

/* A link service request. The transport's; lent to the driver from ls_req until done. */
struct nvmefc_ls_req {
	void *rqstaddr;   /* request payload */
	uint64_t rqstdma; /* as the device sees it */
	uint32_t rqstlen; /* bytes */
	uint32_t rsplen;  /* bytes of room for the response */
	void *rspaddr;    /* response payload; zeroed by the transport, done carries no length */
	uint64_t rspdma;  /* as the device sees it */
	uint32_t timeout; /* seconds; then the driver aborts the exchange and completes with an error */
	void *private_; /* lsrqst_priv_sz bytes for the driver, aligned to 8; NULL when 0 */
	/* From the driver's poll or ls_abort. status: 0 a response came; negative errno */
	void (*done)(struct nvmefc_ls_req *req, int status);
};

/*
 * The answer to a link service that was received. Part of the driver's exchange; lent to the
 * transport from *_rcv_ls_req until done. Nothing in it is valid before xmt_ls_rsp.
 */
struct nvmefc_ls_rsp {
	void *rspbuf;    /* response payload */
	uint64_t rspdma; /* as the device sees it */
	uint16_t rsplen; /* bytes to send */
	/* Sent, or never will be. Afterwards the transport does not touch the structure */
	void (*done)(struct nvmefc_ls_rsp *rsp);
	void *nvme_fc_private; /* the transport's own */
};

/* --- host ----------------------------------------------------------------------------------------- */

#define FC_PORT_ROLE_NVME_INITIATOR 0x10u
#define FC_PORT_ROLE_NVME_TARGET 0x20u
#define FC_PORT_ROLE_NVME_DISCOVERY 0x40u

#define NVME_FC_DEFAULT_DEV_LOSS_TMO 60u /* seconds */

/* A port, local or remote, as the driver knows it. Copied. */
struct nvme_fc_port_info {
	uint64_t node_name;    /* WWNN */
	uint64_t port_name;    /* WWPN */
	uint32_t port_role;    /* FC_PORT_ROLE_* */
	uint32_t port_id;      /* N_Port_ID, the upper eight bits zero */
	uint32_t dev_loss_tmo; /* seconds, remote ports; 0: NVME_FC_DEFAULT_DEV_LOSS_TMO */
};

enum nvmefc_fcp_datadir {
	NVMEFC_FCP_NODATA = 0,
	NVMEFC_FCP_WRITE = 1, /* host to controller */
	NVMEFC_FCP_READ = 2
};

/* An I/O exchange. The transport's; lent to the driver from fcp_io until done. */
struct nvmefc_fcp_req {
	void *cmdaddr;           /* CMND IU, 96 bytes */
	void *rspaddr;           /* room for RSP or ERSP IU, 32 bytes */
	uint64_t cmddma;         /* as the device sees it */
	uint64_t rspdma;         /* as the device sees it */
	uint16_t cmdlen;         /* bytes */
	uint16_t rsplen;         /* bytes of room */
	uint16_t sqid;           /* NVMe queue: 0 admin */
	uint32_t payload_length; /* bytes */
	/* sg_cnt pieces, payload_length bytes in all, each within one dma_boundary; 0: no payload */
	const struct nvmefc_sg *first_sgl;
	int sg_cnt;
	enum nvmefc_fcp_datadir io_dir;
	/* From the driver's poll or fcp_abort; the three fields below are set */
	void (*done)(struct nvmefc_fcp_req *req);
	void *private_; /* fcprqst_priv_sz bytes for the driver, aligned to 8; NULL when 0 */
	/* set by the driver */
	uint32_t transferred_length; /* payload bytes moved */
	uint16_t rcv_rsplen; /* bytes at rspaddr; 0: an RSP of zeroes that the driver consumed */
	int status;          /* 0, or negative errno of the exchange; never an NVMe status */
};

/* States of a port. The transport uses ONLINE and DELETED; others are the driver's to set. */
enum nvme_fc_obj_state {
	FC_OBJSTATE_UNKNOWN = 0,
	FC_OBJSTATE_NOTPRESENT = 1,
	FC_OBJSTATE_ONLINE = 2,
	FC_OBJSTATE_OFFLINE = 3,
	FC_OBJSTATE_BLOCKED = 4,
	FC_OBJSTATE_BYPASSED = 5,
	FC_OBJSTATE_DIAGNOSTICS = 6,
	FC_OBJSTATE_LINKDOWN = 7,
	FC_OBJSTATE_ERROR = 8,
	FC_OBJSTATE_LOOPBACK = 9,
	FC_OBJSTATE_DELETED = 10,
	FC_OBJSTATE_MARGINAL = 11
};

/* A port of ours. Made by nvme_fc_register_localport, gone after localport_delete. */
struct nvme_fc_local_port {
	uint32_t port_num; /* among the local ports of this program */
	uint32_t port_role;
	uint64_t node_name;
	uint64_t port_name;
	void *private_; /* local_priv_sz bytes for the driver, aligned to 8; NULL when 0 */
	/* may be rewritten by the driver */
	uint32_t port_id;
	enum nvme_fc_obj_state port_state;
};

/* A port of a controller. Made by nvme_fc_register_remoteport, gone after remoteport_delete. */
struct nvme_fc_remote_port {
	uint32_t port_num; /* among the remote ports of its local port */
	uint32_t port_role;
	uint64_t node_name;
	uint64_t port_name;
	struct nvme_fc_local_port *localport;
	void *private_;        /* remote_priv_sz bytes for the driver, aligned to 8; NULL when 0 */
	uint32_t dev_loss_tmo; /* seconds; change it by nvme_fc_set_remoteport_devloss */
	/* may be rewritten by the driver */
	uint32_t port_id;
	enum nvme_fc_obj_state port_state;
};

/* What a driver for the host role can do. Kept by reference until localport_delete. */
struct nvme_fc_port_template {
	/* The port is gone; from nvme_fc_localport_poll, which must not be called any more. Must be set */
	void (*localport_delete)(struct nvme_fc_local_port *lport);
	/* No association uses the port any more; from nvme_fc_localport_poll. Must be set */
	void (*remoteport_delete)(struct nvme_fc_remote_port *rport);
	/*
	 * A connection is about to be used: qidx 0 is an admin queue; qsize entries. *handle is given to
	 * fcp_io and fcp_abort. Several associations may have a queue of the same qidx. 0 or negative
	 * errno, which fails the connection. May be NULL, both or none
	 */
	int (*create_queue)(struct nvme_fc_local_port *lport, unsigned int qidx, uint16_t qsize,
			    void **handle);
	/* None of its requests is outstanding */
	void (*delete_queue)(struct nvme_fc_local_port *lport, unsigned int qidx, void *handle);
	/*
	 * Starts a link service. 0: accepted. -EBUSY, -EAGAIN: not now, tried again until its timeout.
	 * Others: failed; done must not run. Must be set
	 */
	int (*ls_req)(struct nvme_fc_local_port *lport, struct nvme_fc_remote_port *rport,
		      struct nvmefc_ls_req *req);
	/*
	 * Starts an I/O, from nvme_fc_localport_poll or a program's submission, also from inside done of
	 * another. 0: accepted. -EBUSY, -EAGAIN: no resources, the program tries again. Others: failed.
	 * Non-zero: done must not run. Must be set
	 */
	int (*fcp_io)(struct nvme_fc_local_port *lport, struct nvme_fc_remote_port *rport,
		      void *handle, struct nvmefc_fcp_req *req);
	/* Aborts a link service; done follows, with an error. Must be set */
	void (*ls_abort)(struct nvme_fc_local_port *lport, struct nvme_fc_remote_port *rport,
			 struct nvmefc_ls_req *req);
	/* Aborts an exchange (ABTS); done follows, with an error unless it ended before. Must be set */
	void (*fcp_abort)(struct nvme_fc_local_port *lport, struct nvme_fc_remote_port *rport,
			  void *handle, struct nvmefc_fcp_req *req);
	/*
	 * Sends the answer to a link service of nvme_fc_rcv_ls_req, from nvme_fc_localport_poll. Called
	 * for each, also when the exchange was aborted or the remote port unregistered meanwhile: then
	 * nothing is sent and only done runs. Non-zero: not accepted, done must not run. Must be set to
	 * use nvme_fc_rcv_ls_req
	 */
	int (*xmt_ls_rsp)(struct nvme_fc_local_port *lport, struct nvme_fc_remote_port *rport,
			  struct nvmefc_ls_rsp *rsp);
	uint32_t max_hw_queues;        /* queues of an association, admin included; at least 1 */
	uint16_t max_sgl_segments;     /* pieces of a payload; at least 1, better 256 */
	uint16_t max_dif_sgl_segments; /* at least 1; protection information is not used */
	uint64_t dma_boundary;         /* a mask: no piece crosses a multiple of it + 1; not 0 */
	uint32_t local_priv_sz;        /* bytes of private_ in the structures above */
	uint32_t remote_priv_sz;
	uint32_t lsrqst_priv_sz;
	uint32_t fcprqst_priv_sz;
};

/*
 * Adds a port. When one of the same names was unregistered and is not yet deleted, that one is
 * revived; device and template must be the same (-EXDEV). 0; -EINVAL (a callback or limit is
 * missing), -ENODEV (dev), -EEXIST (registered already), -ENOSPC (64 ports), -ENOMEM.
 */
int nvme_fc_register_localport(const struct nvme_fc_port_info *info,
			       const struct nvme_fc_port_template *tmpl, struct nvme_fc_device *dev,
			       struct nvme_fc_local_port **lport);
/*
 * The port is going. Its remote ports are to be unregistered, too; when the last of them is deleted
 * localport_delete follows, from the poll. 0; -EINVAL when it is not online.
 */
int nvme_fc_unregister_localport(struct nvme_fc_local_port *lport);
/*
 * Adds a port that the driver is logged in to. When one of the same names was unregistered and is
 * not yet deleted, that one is revived, with its private area: associations are made anew. 0;
 * -ESHUTDOWN (lport is not online), -ESTALE (registered already), -ENOMEM.
 */
int nvme_fc_register_remoteport(struct nvme_fc_local_port *lport,
				const struct nvme_fc_port_info *info,
				struct nvme_fc_remote_port **rport);
/*
 * The port was lost. Its associations end: each request is aborted by fcp_abort or ls_abort and must
 * be completed. Controllers wait dev_loss_tmo seconds for the port to come back; without any,
 * remoteport_delete follows at once, from the poll. 0; -EINVAL when it is not online.
 */
int nvme_fc_unregister_remoteport(struct nvme_fc_remote_port *rport);
/* What the port offers may have changed (RSCN): discovery is to look again. */
void nvme_fc_rescan_remoteport(struct nvme_fc_remote_port *rport);
/* Seconds a lost port may be away; 0: given up at the next poll. 0; -EINVAL when not online. */
int nvme_fc_set_remoteport_devloss(struct nvme_fc_remote_port *rport, uint32_t dev_loss_tmo);
/* A Fabric Performance Impact Notification of len bytes came; passed on to the program as it is. */
void nvme_fc_fpin_rcv(struct nvme_fc_local_port *lport, uint32_t len, const void *fpin);
/*
 * A link service request of len bytes came; buf is copied. The answer comes by xmt_ls_rsp, from a
 * later poll. Non-zero: the driver aborts the exchange. -EINVAL (no xmt_ls_rsp), -E2BIG, -ENOTCONN
 * (rport is not online), -ENOMEM.
 */
int nvme_fc_rcv_ls_req(struct nvme_fc_remote_port *rport, struct nvmefc_ls_rsp *rsp,
		       const void *buf, uint32_t len);
#define NVME_FC_FEAT_UUID 1
/* The application tag a program gave to the I/O, a string that lasts until done; or NULL. */
const char *nvme_fc_io_getuuid(const struct nvmefc_fcp_req *req);
/*
 * Moves the port on: timers, link services, what ended. Called by the driver, from its poll, not
 * from inside a callback. now: nanoseconds, monotonic. Returns when it wants to be called again at
 * the latest, UINT64_MAX if only after an event of the driver. After localport_delete ran from inside
 * it, 0.
 */
uint64_t nvme_fc_localport_poll(struct nvme_fc_local_port *lport, uint64_t now);

/* --- target --------------------------------------------------------------------------------------- */

/* A target port as the driver knows it. Copied. */
struct nvmet_fc_port_info {
	uint64_t node_name;
	uint64_t port_name;
	uint32_t port_id;
};

/* What the driver is to do for a command. */
enum {
	NVMET_FCOP_READDATA = 1,     /* send transfer_length bytes to the host */
	NVMET_FCOP_WRITEDATA = 2,    /* ask for so many (XFER_RDY) and receive them */
	NVMET_FCOP_READDATA_RSP = 3, /* send them, then the RSP; if the data fail, no RSP */
	NVMET_FCOP_RSP = 4           /* send RSP or ERSP */
};

#define NVMET_FC_MAX_SEQ_LENGTH (256u << 10) /* bytes of one data operation at most */

/*
 * A command that was received. Part of the driver's exchange; lent to the transport from
 * nvmet_fc_rcv_fcp_req until fcp_req_release. Nothing in it is valid when it is handed up.
 */
struct nvmefc_tgt_fcp_req {
	/* set by the transport for each operation */
	uint8_t op;       /* NVMET_FCOP_* */
	uint16_t hwqid;   /* 0..max_hw_queues - 1: admin 0, I/O (qid - 1) mod max_hw_queues */
	uint32_t offset;  /* of the data in the command's payload */
	uint32_t timeout; /* seconds for data of the host; 0: none */
	uint32_t transfer_length;   /* payload bytes of this operation */
	uint32_t ba_rjt;            /* 0 */
	const struct nvmefc_sg *sg; /* sg_cnt pieces, transfer_length bytes in all */
	int sg_cnt;
	void *rspaddr;   /* RSP operations: the IU */
	uint64_t rspdma; /* as the device sees it */
	uint16_t rsplen; /* 12 or 32 bytes */
	/*
	 * The operation ended. From the driver's poll or fcp_abort, after the two fields below are set.
	 * The next fcp_op, or fcp_req_release, may come from inside it
	 */
	void (*done)(struct nvmefc_tgt_fcp_req *req);
	void *nvmet_fc_private; /* the transport's own */
	/* set by the driver */
	uint32_t transferred_length; /* payload bytes that were moved; RSP: 0 */
	int fcp_error;               /* 0; anything else: failed */
};

#define NVMET_FCTGTFEAT_READDATA_RSP 1u /* implements NVMET_FCOP_READDATA_RSP */

/* A target port. Made by nvmet_fc_register_targetport, gone after targetport_delete. */
struct nvmet_fc_target_port {
	uint32_t port_num; /* among the target ports of this program */
	uint64_t node_name;
	uint64_t port_name;
	void *private_; /* target_priv_sz bytes for the driver, aligned to 8; NULL when 0 */
	/* may be rewritten by the driver */
	uint32_t port_id;
	enum nvme_fc_obj_state port_state;
};

/* What a driver for the target role can do. Kept by reference until targetport_delete. */
struct nvmet_fc_target_template {
	/* The port is gone; from nvmet_fc_targetport_poll, which must not be called any more. Must be set */
	void (*targetport_delete)(struct nvmet_fc_target_port *tport);
	/*
	 * Sends the answer to a link service, from nvmet_fc_targetport_poll. Called for each one received,
	 * also when it was aborted or the port unregistered meanwhile: then only done runs. Non-zero:
	 * not accepted, done must not run. Must be set
	 */
	int (*xmt_ls_rsp)(struct nvmet_fc_target_port *tport, struct nvmefc_ls_rsp *rsp);
	/*
	 * Starts an operation; from inside nvmet_fc_rcv_fcp_req, done of the operation before, or a
	 * program's call. 0; or a negative errno: the command fails, done must not run. Must be set
	 */
	int (*fcp_op)(struct nvmet_fc_target_port *tport, struct nvmefc_tgt_fcp_req *req);
	/*
	 * Aborts the exchange (ABTS). An operation under way is completed with an error; there may be
	 * none. fcp_req_release follows once it is done. Must be set
	 */
	void (*fcp_abort)(struct nvmet_fc_target_port *tport, struct nvmefc_tgt_fcp_req *req);
	/* The transport is done with the structure. Must be set */
	void (*fcp_req_release)(struct nvmet_fc_target_port *tport, struct nvmefc_tgt_fcp_req *req);
	/* The IU of a command that got -EOVERFLOW has been copied. May be NULL */
	void (*defer_rcv)(struct nvmet_fc_target_port *tport, struct nvmefc_tgt_fcp_req *req);
	/* Tells hosts (RSCN) that the discovery information changed. May be NULL */
	void (*discovery_event)(struct nvmet_fc_target_port *tport);
	/*
	 * Sends a link service to a host, as ls_req of the host's template. hosthandle: what the driver
	 * gave with Create Association. May be NULL, both or none
	 */
	int (*ls_req)(struct nvmet_fc_target_port *tport, void *hosthandle,
		      struct nvmefc_ls_req *req);
	void (*ls_abort)(struct nvmet_fc_target_port *tport, void *hosthandle,
			 struct nvmefc_ls_req *req);
	/* No association refers to the handle any more. Must be set to use nvmet_fc_invalidate_host */
	void (*host_release)(void *hosthandle);
	/* The host's names. 0 or negative errno. May be NULL */
	int (*host_traddr)(void *hosthandle, uint64_t *wwnn, uint64_t *wwpn);
	uint32_t max_hw_queues;        /* at least 1 */
	uint16_t max_sgl_segments;     /* pieces of an operation; at least 1, better 256 */
	uint16_t max_dif_sgl_segments; /* at least 1; protection information is not used */
	uint64_t dma_boundary;         /* as in the host's template */
	uint32_t target_features;      /* NVMET_FCTGTFEAT_* */
	uint32_t target_priv_sz;
	uint32_t lsrqst_priv_sz;
};

/* Adds a port. 0; -EINVAL (a callback or limit is missing), -ENODEV (dev), -ENOSPC, -ENOMEM. */
int nvmet_fc_register_targetport(const struct nvmet_fc_port_info *info,
				 const struct nvmet_fc_target_template *tmpl,
				 struct nvme_fc_device *dev, struct nvmet_fc_target_port **tport);
/*
 * The port is going: its associations end, then targetport_delete follows, from the poll. 0; -EINVAL
 * when it was unregistered before.
 */
int nvmet_fc_unregister_targetport(struct nvmet_fc_target_port *tport);
/*
 * A link service request of len bytes came from the host that hosthandle stands for, NULL when the
 * driver cannot tell (then no link service is sent to it). buf is copied. The answer comes by
 * xmt_ls_rsp, from a later poll. Non-zero: the driver aborts the exchange. -E2BIG, -ESHUTDOWN (the
 * port was unregistered), -ENOENT (256 are being answered), -ENOMEM.
 */
int nvmet_fc_rcv_ls_req(struct nvmet_fc_target_port *tport, void *hosthandle,
			struct nvmefc_ls_rsp *rsp, const void *buf, uint32_t len);
/*
 * A CMND IU of len bytes came, from the port that made the connection it names: the driver checks
 * that. 0: accepted and copied. -EOVERFLOW: accepted, but iu must stay until defer_rcv; only when
 * that is set. Others: the driver aborts the exchange, req is its own: -EIO (not a sound CMND IU),
 * -ENOTCONN (connection), -ENOENT (more commands than the queue takes), -ESHUTDOWN, -ENOMEM.
 */
int nvmet_fc_rcv_fcp_req(struct nvmet_fc_target_port *tport, struct nvmefc_tgt_fcp_req *req,
			 const void *iu, uint32_t len);
/*
 * The same for a driver that leaves that check to the transport: the IU came from the host that
 * hosthandle stands for. -ENOTCONN also when another one made the connection.
 */
int nvmet_fc_rcv_fcp_req_from(struct nvmet_fc_target_port *tport, void *hosthandle,
			      struct nvmefc_tgt_fcp_req *req, const void *iu, uint32_t len);
/*
 * The host aborted the command (ABTS). An operation under way is for the driver to complete, with an
 * error; fcp_req_release follows. Without effect after the RSP was given to fcp_op.
 */
void nvmet_fc_rcv_fcp_abort(struct nvmet_fc_target_port *tport, struct nvmefc_tgt_fcp_req *req);
/*
 * The host is lost: its associations end; link services for it that still come are to be refused.
 * host_release follows from the poll, or from inside when there was no association.
 */
void nvmet_fc_invalidate_host(struct nvmet_fc_target_port *tport, void *hosthandle);
/* As nvme_fc_localport_poll. */
uint64_t nvmet_fc_targetport_poll(struct nvmet_fc_target_port *tport, uint64_t now);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
