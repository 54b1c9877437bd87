/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The FC-NVMe transport towards whoever uses it: associations and commands, either role. Below it is
 * a low-level driver (nvme/fc_driver.h), whose thread all of this runs on.
 */
#ifndef FC_FC_H
#define FC_FC_H

#include <stdbool.h>
#include <stdint.h>

#include <nvme/fc_driver.h>
#include <nvme/spec.h>

#define FC_QUEUES_MAX 65    /* of an association: admin and 64 for I/O */
#define FC_ENTRIES_MIN 4    /* of a queue */
#define FC_ENTRIES_MAX 1024 /* of a queue */
#define FC_NEVER UINT64_MAX

/* --- host: remote ports --------------------------------------------------------------------------------- */

enum nvme_fc_port_event {
	NVME_FC_PORT_FOUND,  /* registered, or back */
	NVME_FC_PORT_RESCAN, /* discovery should look again */
	NVME_FC_PORT_FPIN    /* rport NULL; data, len: the notification */
};
typedef void nvme_fc_port_fn(void *arg, enum nvme_fc_port_event event,
			     struct nvme_fc_remote_port *rport, const void *data, uint32_t len);
/* Calls fn from inside the driver's calls that say so. fn NULL: no more. */
void nvme_fc_watch_ports(struct nvme_fc_local_port *lport, nvme_fc_port_fn *fn, void *arg);
/* The remote port of these names, in whatever state, or NULL. */
struct nvme_fc_remote_port *nvme_fc_find_rport(struct nvme_fc_local_port *lport, uint64_t node_name,
					       uint64_t port_name);
/* What the driver can do: queues of an association, pieces of a payload, see its template. */
struct nvme_fc_limits {
	unsigned int max_queues;
	unsigned int max_segments;
	uint64_t dma_boundary;
};
void nvme_fc_get_limits(const struct nvme_fc_local_port *lport, struct nvme_fc_limits *limits);

/* --- host: associations --------------------------------------------------------------------------------- */

struct nvme_fc_ctrl;

/*
 * What happens to a controller, told from nvme_fc_localport_poll. Everything below may be called from
 * inside.
 */
enum nvme_fc_event {
	NVME_FC_QUEUE, /* error 0: connection qid is there, Connect may be sent; else refused */
	/*
	 * The association ended, or could not be made; connect makes a new one. Its commands have
	 * completed; that the target is told goes on behind it, see nvme_fc_ctrl_leaving
	 */
	NVME_FC_ENDED,
	NVME_FC_BACK, /* without an association: the remote port, which was lost, is back */
	/* the remote port did not come back in time: the controller is gone with this event */
	NVME_FC_LOST
};
typedef void nvme_fc_event_fn(void *arg, enum nvme_fc_event event, uint16_t qid, int error);

struct nvme_fc_ctrl_params { /* copied */
	nvme_fc_event_fn *event;
	void *arg;
	uint16_t cntlid;  /* NVME_CNTLID_DYNAMIC */
	uint16_t entries; /* of the admin queue, FC_ENTRIES_MIN..FC_ENTRIES_MAX */
	bool no_sqflow;   /* SQHD means nothing */
	uint8_t hostid[16];
	char hostnqn[NVME_NQN_MAX + 1];
	char subnqn[NVME_NQN_MAX + 1];
};

/* A controller behind rport, without an association yet. -EINVAL, -ENOTCONN (not online), -ENOMEM. */
int nvme_fc_ctrl_create(struct nvme_fc_remote_port *rport, const struct nvme_fc_ctrl_params *params,
			struct nvme_fc_ctrl **ctrl);
/*
 * Makes an association: NVME_FC_QUEUE of qid 0, or NVME_FC_ENDED, follows. -EALREADY, -ENOTCONN (the
 * port is lost), -ENOMEM.
 */
int nvme_fc_ctrl_connect(struct nvme_fc_ctrl *ctrl);
/*
 * Adds a connection: NVME_FC_QUEUE follows, unless the association ends. -ENOTCONN, -EEXIST, -EINVAL
 * (qid beyond the driver's queues, entries), -ENOMEM.
 */
int nvme_fc_ctrl_add_queue(struct nvme_fc_ctrl *ctrl, uint16_t qid, uint16_t entries);
/* Ends the association: commands complete with error (0: -ECANCELED), then NVME_FC_ENDED with it. */
void nvme_fc_ctrl_disconnect(struct nvme_fc_ctrl *ctrl, int error);
/*
 * Whether Disconnect Association of an association that has ended, or another link service of it, is
 * still under way. That does not keep the controller up, only its remote port.
 */
bool nvme_fc_ctrl_leaving(const struct nvme_fc_ctrl *ctrl);
/* The same, and frees it when that is done. No more events; commands still complete. */
void nvme_fc_ctrl_destroy(struct nvme_fc_ctrl *ctrl);

/* --- host: commands ------------------------------------------------------------------------------------- */

/* A command. The caller's; it must stay until done. */
struct nvme_fc_io {
	uint8_t sqe[64]; /* PSDT and SGL1 are the transport's to fill in, on the wire */
	const struct nvmefc_sg *sg;
	unsigned int sg_cnt;
	uint32_t len; /* bytes of payload */
	enum nvmefc_fcp_datadir dir;
	const char *appid; /* application tag or NULL */
	/* once, from the driver's poll or from inside what ended the association */
	void (*done)(struct nvme_fc_io *io);
	void *arg;
	/* the result */
	/*
	 * 0, and cqe holds; -ECANCELED: nvme_fc_abort, nvme_fc_ctrl_destroy; others: why the exchange
	 * failed, or why the association, and with it the command, ended
	 */
	int error;
	uint32_t transferred; /* bytes */
	bool sqhd_valid;      /* cqe came with an ERSP */
	struct nvme_cqe cqe;
	struct fc_req *req; /* the transport's own */
};

/*
 * Sends a command. Its CID is the caller's choice, unique on the queue. -EAGAIN: queue or driver is
 * full, after something completed it may work; -ENOTCONN; -EINVAL (pieces, direction); others: of the
 * driver, and the association ends.
 */
int nvme_fc_submit(struct nvme_fc_ctrl *ctrl, uint16_t qid, struct nvme_fc_io *io);
/* Gives a command up: it is aborted, and that ends the association. */
void nvme_fc_abort(struct nvme_fc_ctrl *ctrl, struct nvme_fc_io *io);

/* --- target --------------------------------------------------------------------------------------------- */

struct nvmet_fc_conn;
struct nvmet_fc_cmd;

/* A new connection. Strings last as long as it. */
struct nvmet_fc_conn_info {
	uint64_t association_id;
	uint16_t qid; /* 0: a new association */
	uint16_t entries;
	uint16_t cntlid; /* qid 0 */
	const uint8_t *hostid;
	const char *hostnqn;
	const char *subnqn;
	void *hosthandle;
};

/*
 * The user of a target port: the controllers behind it. Called from the driver's poll. When the
 * answer to Create Association is lost the host does not know the association: the user ends those
 * on which no Connect command comes (nvmet_fc_conn_end).
 */
struct nvmet_fc_user {
	/* Takes a connection; *conn_arg is for the two below. 0 or negative errno: refused */
	int (*connect)(void *arg, struct nvmet_fc_conn *conn, const struct nvmet_fc_conn_info *info,
		       void **conn_arg);
	/* A command came; the user ends it with nvmet_fc_respond or nvmet_fc_send_respond, once */
	void (*command)(void *conn_arg, struct nvmet_fc_cmd *cmd);
	/*
	 * The association is ending, transfers fail. The user ends each command it still has (no
	 * response leaves) and calls nvmet_fc_conn_free
	 */
	void (*ended)(void *conn_arg, int error);
};

/*
 * user: by reference, until the port is deleted; associations stay with the user they were made for.
 * NULL: nobody, hosts are refused.
 */
void nvmet_fc_attach(struct nvmet_fc_target_port *tport, const struct nvmet_fc_user *user,
		     void *arg);
/* Ends the association of a connection. */
void nvmet_fc_conn_end(struct nvmet_fc_conn *conn, int error);
/*
 * Ends a connection for I/O alone, in order. What comes on it from now on the transport answers itself;
 * the user ends the commands that it still has, by nvmet_fc_respond_deleted, and calls
 * nvmet_fc_conn_free. The host may make another connection for the queue.
 */
void nvmet_fc_conn_close(struct nvmet_fc_conn *conn);
/* After ended, or close: the user does not refer to the connection any more. */
void nvmet_fc_conn_free(struct nvmet_fc_conn *conn);
/* The names of the host that hosthandle stands for. -EOPNOTSUPP: the driver does not know. */
int nvmet_fc_host_names(struct nvmet_fc_target_port *tport, void *hosthandle, uint64_t *node_name,
			uint64_t *port_name);
/* The discovery information changed: hosts are to look again. */
void nvmet_fc_discovery_changed(struct nvmet_fc_target_port *tport);

const struct nvme_sqe *nvmet_fc_cmd_sqe(const struct nvmet_fc_cmd *cmd);
uint32_t nvmet_fc_cmd_len(const struct nvmet_fc_cmd *cmd); /* bytes of its payload */
bool nvmet_fc_cmd_writes(const struct nvmet_fc_cmd *cmd);  /* payload of the host */

/* A transfer ended: 0 or negative errno. Not from inside the call that started it. */
typedef void nvmet_fc_xfer_fn(void *arg, int error);
/*
 * Payload from the host into sg (nvmet_fc_receive), or from sg to the host (nvmet_fc_send): len bytes
 * at offset of the payload. sg must stay until done. One at a time. -EINVAL (range, direction),
 * -EBUSY, -ECONNABORTED (aborted, ended), others: of the driver.
 */
int nvmet_fc_receive(struct nvmet_fc_cmd *cmd, uint32_t offset, const struct nvmefc_sg *sg,
		     uint32_t len, nvmet_fc_xfer_fn *done, void *arg);
int nvmet_fc_send(struct nvmet_fc_cmd *cmd, uint32_t offset, const struct nvmefc_sg *sg,
		  uint32_t len, nvmet_fc_xfer_fn *done, void *arg);
/*
 * Ends the command with the 16 bytes at cqe: RSP or ERSP, as the rules want it. An aborted command
 * ends without. cmd is gone. -EBUSY while a transfer is under way.
 */
int nvmet_fc_respond(struct nvmet_fc_cmd *cmd, const struct nvme_cqe *cqe);
/* The same with status Command Aborted due to SQ Deletion. Not while a transfer is under way. */
void nvmet_fc_respond_deleted(struct nvmet_fc_cmd *cmd);
/*
 * As nvmet_fc_respond for users that want to know when the response is over: 0, and done runs, once, later; cmd
 * is gone by then. -ECONNABORTED: the command was aborted, cmd is gone. -EBUSY.
 */
int nvmet_fc_respond_notify(struct nvmet_fc_cmd *cmd, const struct nvme_cqe *cqe,
			    nvmet_fc_xfer_fn *done, void *arg);
/*
 * nvmet_fc_send, then nvmet_fc_respond; in one operation where the driver can. done runs, and cmd is
 * gone, when both ended. If the data fail there is no response. On an error nothing was started.
 */
int nvmet_fc_send_respond(struct nvmet_fc_cmd *cmd, uint32_t offset, const struct nvmefc_sg *sg,
			  uint32_t len, const struct nvme_cqe *cqe, nvmet_fc_xfer_fn *done,
			  void *arg);

#endif
