/* SPDX-License-Identifier: BSD-2-Clause */
/* A target's connections and commands: reception, transfers in operations, responses. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tgt.h"

#define RSP_LEN sizeof(struct fcnvme_ersp_iu)
#define OP_TIMEOUT 20 /* seconds for data of the host: 2 * R_A_TOV */
#define SQE_FUSED 0x03

/* --- contexts ----------------------------------------------------------------------------------------------- */

static void init_cmd(struct nvmet_fc_conn *conn, unsigned int i)
{
	struct nvmet_fc_cmd *cmd = &conn->cmds[i];

	cmd->conn = conn;
	cmd->segs = &conn->segs[i * conn->assoc->tp->op_segs];
	cmd->rspbuf = (uint8_t *)conn->rsps + i * RSP_LEN;
	cmd->rspdma = conn->rsps_dma + i * RSP_LEN;
	cmd->next = conn->free;
	conn->free = cmd;
}

struct nvmet_fc_conn *fc_conn_new(struct fc_assoc *a, const struct fc_ls_rqst *rqst)
{
	struct nvmet_fc_conn *conn = calloc(1, sizeof(*conn));
	struct fc_tport *tp = a->tp;
	unsigned int n = rqst->sqsize + 1u;

	if (!conn)
		return NULL;
	conn->assoc = a;
	conn->qid = rqst->qid;
	conn->hwqid = (uint16_t)(rqst->qid ? (rqst->qid - 1u) % tp->tmpl->max_hw_queues : 0);
	conn->entries = (uint16_t)n;
	conn->ersp_ratio = rqst->ersp_ratio;
	conn->rsn = 1;
	TAILQ_INIT(&conn->deferred);
	conn->cmds = calloc(n, sizeof(conn->cmds[0]));
	conn->segs = calloc((size_t)n * tp->op_segs, sizeof(conn->segs[0]));
	conn->rsps = conn->cmds && conn->segs ?
			     tp->dev->alloc(tp->dev, n * RSP_LEN, &conn->rsps_dma) :
			     NULL;
	if (!conn->rsps) {
		free(conn->segs);
		free(conn->cmds);
		free(conn);
		return NULL;
	}
	while (n--)
		init_cmd(conn, n);
	return conn;
}

void fc_conn_free(struct nvmet_fc_conn *conn)
{
	struct nvme_fc_device *dev = conn->assoc->tp->dev;

	dev->free(dev, conn->rsps, conn->entries * RSP_LEN, conn->rsps_dma);
	free(conn->segs);
	free(conn->cmds);
	free(conn);
}

static struct fc_tport *port_of(const struct nvmet_fc_cmd *cmd)
{
	return cmd->conn->assoc->tp;
}

/* --- reception ---------------------------------------------------------------------------------------------- */

static void begin(struct nvmet_fc_conn *conn, struct nvmefc_tgt_fcp_req *req,
		  const struct fc_cmnd *cmnd)
{
	struct nvmet_fc_cmd *cmd = conn->free;

	conn->free = cmd->next;
	conn->busy++;
	cmd->req = req;
	memcpy(&cmd->sqe, cmnd->sqe, sizeof(cmd->sqe));
	cmd->len = cmnd->data_len;
	cmd->flags = cmnd->flags;
	cmd->active = cmd->response = cmd->aborted = cmd->told = false;
	cmd->xfrd = 0;
	cmd->x.done = NULL;
	memset(req, 0, sizeof(*req));
	req->hwqid = conn->hwqid;
	req->nvmet_fc_private = cmd;
}

static void hand_up(struct nvmet_fc_cmd *cmd)
{
	if (cmd->conn->closed)
		nvmet_fc_respond_deleted(cmd);
	else
		cmd->conn->assoc->user->command(cmd->conn->user_arg, cmd);
}

static struct nvmet_fc_conn *find_conn(struct fc_tport *tp, uint64_t id)
{
	unsigned int qid = id & ((1u << CONN_QID_BITS) - 1);
	struct nvmet_fc_conn *conn;
	struct fc_assoc *a;

	TAILQ_FOREACH(a, &tp->assocs, link)
	if (a->id == (id & ~0xffffull))
		break;
	if (!a || a->state != ASSOC_LIVE || qid >= FC_QUEUES_MAX)
		return NULL;
	conn = a->conn[qid];
	return conn && fc_conn_id(conn) == id ? conn : NULL;
}

static int defer(struct nvmet_fc_conn *conn, struct nvmefc_tgt_fcp_req *req, const void *iu)
{
	struct fc_deferred *d;

	if (!conn->assoc->tp->tmpl->defer_rcv || conn->n_deferred >= conn->entries)
		return -ENOENT;
	d = malloc(sizeof(*d));
	if (!d)
		return -ENOMEM;
	req->nvmet_fc_private = NULL;
	d->req = req;
	d->iu = iu;
	TAILQ_INSERT_TAIL(&conn->deferred, d, link);
	conn->n_deferred++;
	return -EOVERFLOW;
}

/* from: the handle of the host it came from, NULL: the driver has checked that. */
static int receive(struct nvmet_fc_target_port *tport, void *const *from,
		   struct nvmefc_tgt_fcp_req *req, const void *iu, uint32_t len)
{
	struct fc_tport *tp = (struct fc_tport *)tport;
	struct nvmet_fc_conn *conn;
	struct fc_cmnd cmnd;

	if (tport->port_state == FC_OBJSTATE_DELETED)
		return -ESHUTDOWN;
	if (fc_cmnd_parse(iu, len, &cmnd))
		return -EIO;
	conn = find_conn(tp, cmnd.connection_id);
	if (!conn || (from && (conn->assoc->host ? conn->assoc->host->handle : NULL) != *from))
		return -ENOTCONN;
	if (!conn->free || conn->n_deferred)
		return defer(conn, req, iu);
	begin(conn, req, &cmnd);
	hand_up(req->nvmet_fc_private);
	return 0;
}

int nvmet_fc_rcv_fcp_req(struct nvmet_fc_target_port *tport, struct nvmefc_tgt_fcp_req *req,
			 const void *iu, uint32_t len)
{
	return receive(tport, NULL, req, iu, len);
}

int nvmet_fc_rcv_fcp_req_from(struct nvmet_fc_target_port *tport, void *hosthandle,
			      struct nvmefc_tgt_fcp_req *req, const void *iu, uint32_t len)
{
	return receive(tport, &hosthandle, req, iu, len);
}

/* Takes the next command that waits off the list; the driver's buffer is its own again. */
static struct nvmefc_tgt_fcp_req *undefer(struct nvmet_fc_conn *conn, struct fc_deferred *d,
					  struct fc_cmnd *cmnd)
{
	struct fc_tport *tp = conn->assoc->tp;
	struct nvmefc_tgt_fcp_req *req = d->req;
	bool sound = !fc_cmnd_parse(d->iu, sizeof(struct fcnvme_cmnd_iu), cmnd);

	TAILQ_REMOVE(&conn->deferred, d, link);
	conn->n_deferred--;
	free(d);
	tp->tmpl->defer_rcv(&tp->port, req);
	if (sound && conn->assoc->state == ASSOC_LIVE)
		return req;
	tp->tmpl->fcp_abort(&tp->port, req);
	tp->tmpl->fcp_req_release(&tp->port, req);
	return NULL;
}

/* Not from inside itself: what it hands up may end at once and free a context again. */
static void drain(struct nvmet_fc_conn *conn)
{
	struct nvmefc_tgt_fcp_req *req;
	struct fc_cmnd cmnd;

	if (conn->draining)
		return;
	conn->draining = true;
	while (conn->free && !TAILQ_EMPTY(&conn->deferred)) {
		req = undefer(conn, TAILQ_FIRST(&conn->deferred), &cmnd);
		if (req) {
			begin(conn, req, &cmnd);
			hand_up(req->nvmet_fc_private);
		}
	}
	conn->draining = false;
}

/* --- ending a command --------------------------------------------------------------------------------------- */

/* No response any more. The operation under way may end, and with it cmd, from inside. */
static void abort_cmd(struct nvmet_fc_cmd *cmd)
{
	struct fc_tport *tp = port_of(cmd);

	cmd->aborted = true;
	if (cmd->told)
		return;
	cmd->told = true;
	tp->tmpl->fcp_abort(&tp->port, cmd->req);
}

static void release(struct nvmet_fc_cmd *cmd)
{
	struct nvmefc_tgt_fcp_req *req = cmd->req;
	struct nvmet_fc_conn *conn = cmd->conn;
	struct fc_tport *tp = port_of(cmd);

	cmd->req = NULL;
	cmd->next = conn->free;
	conn->free = cmd;
	conn->busy--;
	tp->again = true;
	tp->tmpl->fcp_req_release(&tp->port, req);
	drain(conn);
}

static void drop(struct nvmet_fc_cmd *cmd)
{
	abort_cmd(cmd);
	release(cmd);
}

static struct fc_deferred *find_deferred(struct fc_tport *tp, const struct nvmefc_tgt_fcp_req *req,
					 struct nvmet_fc_conn **conn)
{
	struct fc_deferred *d;
	struct fc_assoc *a;

	TAILQ_FOREACH(a, &tp->assocs, link)
	TAILQ_FOREACH(*conn, &a->conns, link)
	TAILQ_FOREACH(d, &(*conn)->deferred, link)
	if (d->req == req)
		return d;
	return NULL;
}

void nvmet_fc_rcv_fcp_abort(struct nvmet_fc_target_port *tport, struct nvmefc_tgt_fcp_req *req)
{
	struct fc_tport *tp = (struct fc_tport *)tport;
	struct nvmet_fc_cmd *cmd = req->nvmet_fc_private;
	struct nvmet_fc_conn *conn;
	struct fc_deferred *d;

	if (cmd) {
		if (!cmd->response)
			cmd->aborted = true;
		return;
	}
	d = find_deferred(tp, req, &conn);
	if (!d)
		return;
	TAILQ_REMOVE(&conn->deferred, d, link);
	conn->n_deferred--;
	free(d);
	tp->tmpl->defer_rcv(tport, req);
	tp->tmpl->fcp_req_release(tport, req);
}

void fc_conn_abort(struct nvmet_fc_conn *conn)
{
	struct fc_cmnd cmnd;

	while (!TAILQ_EMPTY(&conn->deferred)) /* the association is not live: all go back */
		undefer(conn, TAILQ_FIRST(&conn->deferred), &cmnd);
	for (unsigned int i = 0; i < conn->entries; i++)
		if (conn->cmds[i].req)
			abort_cmd(&conn->cmds[i]);
}

/* --- operations --------------------------------------------------------------------------------------------- */

static void on_op_done(struct nvmefc_tgt_fcp_req *req);

static int start_op(struct nvmet_fc_cmd *cmd, uint8_t op)
{
	struct fc_tport *tp = port_of(cmd);
	struct nvmefc_tgt_fcp_req *req = cmd->req;
	int rc;

	req->op = op;
	req->timeout = op == NVMET_FCOP_WRITEDATA ? OP_TIMEOUT : 0;
	req->transferred_length = 0;
	req->fcp_error = 0;
	req->done = on_op_done;
	cmd->active = true;
	rc = tp->tmpl->fcp_op(&tp->port, req);
	if (rc)
		cmd->active = false;
	return rc;
}

/* FC-NVMe-2: a response of zeroes says success and no more; sometimes more is to be said. */
static bool needs_ersp(struct nvmet_fc_cmd *cmd, const struct nvme_cqe *cqe, uint32_t xfrd)
{
	struct nvmet_fc_conn *conn = cmd->conn;

	return ++conn->responses % conn->ersp_ratio == 0 || cqe->status >> 1 || cqe->dw0 ||
	       cqe->dw1 || cmd->sqe.opc == NVME_OPC_FABRICS || cmd->sqe.flags & SQE_FUSED ||
	       xfrd != cmd->len || conn->busy * 10 >= (conn->entries - 1u) * 9;
}

/* xfrd: what will have been transferred when the response leaves. */
static void fill_rsp(struct nvmet_fc_cmd *cmd, const struct nvme_cqe *cqe, uint32_t xfrd)
{
	struct fc_rsp rsp = { .extended = needs_ersp(cmd, cqe, xfrd), .xfrd_len = xfrd };

	if (rsp.extended)
		rsp.rsn = ++cmd->conn->rsn;
	cmd->conn->sqhd = cqe->sqhd;
	rsp.cqe = *cqe;
	rsp.cqe.cid = cmd->sqe.cid;
	cmd->req->rspaddr = cmd->rspbuf;
	cmd->req->rspdma = cmd->rspdma;
	cmd->req->rsplen = fc_rsp_build(cmd->rspbuf, &rsp);
}

/* 0, or the driver's error. */
static int start_response(struct nvmet_fc_cmd *cmd, const struct nvme_cqe *cqe)
{
	fill_rsp(cmd, cqe, cmd->xfrd);
	cmd->req->offset = cmd->req->transfer_length = 0;
	cmd->req->sg = NULL;
	cmd->req->sg_cnt = 0;
	cmd->response = true;
	return start_op(cmd, NVMET_FCOP_RSP);
}

/* A piece of at most max bytes that does not cross the driver's boundary. */
static uint32_t piece(const struct nvmefc_sg *sg, uint32_t off, uint32_t max, uint64_t boundary)
{
	uint64_t room = boundary - ((sg->iova + off) & boundary);
	uint32_t len = sg->len - off < max ? sg->len - off : max;

	return len - 1 > room ? (uint32_t)room + 1 : len;
}

/* Cuts the next operation off the transfer; returns its bytes. */
static uint32_t cut(struct nvmet_fc_cmd *cmd)
{
	uint32_t max = cmd->x.left < NVMET_FC_MAX_SEQ_LENGTH ? cmd->x.left :
							       NVMET_FC_MAX_SEQ_LENGTH;
	struct fc_tport *tp = port_of(cmd);
	struct fc_xfer *x = &cmd->x;
	unsigned int n = 0;
	uint32_t len = 0;

	while (len < max && n < tp->op_segs) {
		uint32_t part = piece(x->sg, x->sg_off, max - len, tp->tmpl->dma_boundary);

		cmd->segs[n++] = (struct nvmefc_sg){ .addr = (uint8_t *)x->sg->addr + x->sg_off,
						     .iova = x->sg->iova + x->sg_off,
						     .len = part };
		len += part;
		x->sg_off += part;
		if (x->sg_off == x->sg->len) {
			x->sg++;
			x->sg_off = 0;
		}
	}
	cmd->req->sg = cmd->segs;
	cmd->req->sg_cnt = (int)n;
	return len;
}

static int start_data(struct nvmet_fc_cmd *cmd)
{
	struct fc_xfer *x = &cmd->x;
	uint32_t len = cut(cmd);

	cmd->req->offset = x->offset;
	cmd->req->transfer_length = len;
	x->offset += len;
	x->left -= len;
	if (cmd->flags & FCNVME_FLAG_WRITE)
		return start_op(cmd, NVMET_FCOP_WRITEDATA);
	if (!x->respond || x->left ||
	    !(port_of(cmd)->tmpl->target_features & NVMET_FCTGTFEAT_READDATA_RSP))
		return start_op(cmd, NVMET_FCOP_READDATA);
	fill_rsp(cmd, &x->cqe, cmd->xfrd + len);
	cmd->response = true;
	return start_op(cmd, NVMET_FCOP_READDATA_RSP);
}

/* The transfer is over; with a response, so is the command. */
static void end_xfer(struct nvmet_fc_cmd *cmd, int error)
{
	nvmet_fc_xfer_fn *done = cmd->x.done;
	void *arg = cmd->x.arg;

	cmd->x.done = NULL;
	if (cmd->x.respond && error)
		drop(cmd);
	else if (cmd->x.respond)
		release(cmd);
	done(arg, error);
}

/* Without its data the host must not hear of success: the command is aborted. */
static void fail_xfer(struct nvmet_fc_cmd *cmd, int error)
{
	if (!(cmd->flags & FCNVME_FLAG_WRITE))
		abort_cmd(cmd);
	end_xfer(cmd, error);
}

static void go_on(struct nvmet_fc_cmd *cmd)
{
	int rc = 0;

	if (cmd->x.left)
		rc = start_data(cmd);
	else if (cmd->x.respond)
		rc = start_response(cmd, &cmd->x.cqe);
	else
		end_xfer(cmd, 0);
	if (rc)
		fail_xfer(cmd, rc);
}

static void on_data_done(struct nvmet_fc_cmd *cmd, const struct nvmefc_tgt_fcp_req *req)
{
	if (req->fcp_error || req->transferred_length != req->transfer_length) {
		fail_xfer(cmd, cmd->aborted ? -ECONNABORTED : -EIO);
		return;
	}
	cmd->xfrd += req->transferred_length;
	if (req->op == NVMET_FCOP_READDATA_RSP)
		end_xfer(cmd, 0);
	else if (cmd->aborted)
		fail_xfer(cmd, -ECONNABORTED);
	else
		go_on(cmd);
}

static void on_op_done(struct nvmefc_tgt_fcp_req *req)
{
	struct nvmet_fc_cmd *cmd = req->nvmet_fc_private;

	if (!cmd || !cmd->active)
		return;
	cmd->active = false;
	if (req->op != NVMET_FCOP_RSP)
		on_data_done(cmd, req);
	else if (cmd->x.done)
		end_xfer(cmd, req->fcp_error ? -EIO : 0);
	else if (req->fcp_error)
		drop(cmd); /* the host would wait for ever */
	else
		release(cmd);
}

/* --- the user's calls --------------------------------------------------------------------------------------- */

const struct nvme_sqe *nvmet_fc_cmd_sqe(const struct nvmet_fc_cmd *cmd)
{
	return &cmd->sqe;
}

uint32_t nvmet_fc_cmd_len(const struct nvmet_fc_cmd *cmd)
{
	return cmd->len;
}

bool nvmet_fc_cmd_writes(const struct nvmet_fc_cmd *cmd)
{
	return cmd->flags & FCNVME_FLAG_WRITE;
}

static int start_xfer(struct nvmet_fc_cmd *cmd, uint8_t flag, uint32_t offset,
		      const struct nvmefc_sg *sg, uint32_t len, nvmet_fc_xfer_fn *done, void *arg)
{
	if (cmd->active)
		return -EBUSY;
	if (!(cmd->flags & flag) || !len || offset > cmd->len || len > cmd->len - offset)
		return -EINVAL;
	if (cmd->aborted || cmd->conn->assoc->state != ASSOC_LIVE)
		return -ECONNABORTED;
	cmd->x.sg = sg;
	cmd->x.sg_off = 0;
	cmd->x.offset = offset;
	cmd->x.left = len;
	cmd->x.respond = false;
	cmd->x.done = done;
	cmd->x.arg = arg;
	return 0;
}

/* The driver does not take the first operation. */
static int first_data(struct nvmet_fc_cmd *cmd)
{
	int rc = start_data(cmd);

	if (!rc)
		return 0;
	cmd->x.done = NULL;
	cmd->response = false;
	if (!(cmd->flags & FCNVME_FLAG_WRITE))
		abort_cmd(cmd);
	return rc;
}

int nvmet_fc_receive(struct nvmet_fc_cmd *cmd, uint32_t offset, const struct nvmefc_sg *sg,
		     uint32_t len, nvmet_fc_xfer_fn *done, void *arg)
{
	int rc = start_xfer(cmd, FCNVME_FLAG_WRITE, offset, sg, len, done, arg);

	return rc ? rc : first_data(cmd);
}

int nvmet_fc_send(struct nvmet_fc_cmd *cmd, uint32_t offset, const struct nvmefc_sg *sg,
		  uint32_t len, nvmet_fc_xfer_fn *done, void *arg)
{
	int rc = start_xfer(cmd, FCNVME_FLAG_READ, offset, sg, len, done, arg);

	return rc ? rc : first_data(cmd);
}

int nvmet_fc_send_respond(struct nvmet_fc_cmd *cmd, uint32_t offset, const struct nvmefc_sg *sg,
			  uint32_t len, const struct nvme_cqe *cqe, nvmet_fc_xfer_fn *done,
			  void *arg)
{
	int rc = start_xfer(cmd, FCNVME_FLAG_READ, offset, sg, len, done, arg);

	if (rc)
		return rc;
	cmd->x.respond = true;
	cmd->x.cqe = *cqe;
	return first_data(cmd);
}

int nvmet_fc_respond(struct nvmet_fc_cmd *cmd, const struct nvme_cqe *cqe)
{
	if (cmd->active)
		return -EBUSY;
	if (cmd->aborted || cmd->conn->assoc->state != ASSOC_LIVE || start_response(cmd, cqe))
		drop(cmd);
	return 0;
}

void nvmet_fc_respond_deleted(struct nvmet_fc_cmd *cmd)
{
	struct nvme_cqe cqe = { .sqhd = cmd->conn->sqhd,
				.status = NVME_SC_ABORTED_SQ_DELETION << 1 };

	nvmet_fc_respond(cmd, &cqe);
}

int nvmet_fc_respond_notify(struct nvmet_fc_cmd *cmd, const struct nvme_cqe *cqe,
			    nvmet_fc_xfer_fn *done, void *arg)
{
	if (cmd->active)
		return -EBUSY;
	cmd->x.left = 0;
	cmd->x.respond = true;
	cmd->x.done = done;
	cmd->x.arg = arg;
	if (!cmd->aborted && cmd->conn->assoc->state == ASSOC_LIVE && !start_response(cmd, cqe))
		return 0;
	cmd->x.done = NULL;
	drop(cmd);
	return -ECONNABORTED;
}
