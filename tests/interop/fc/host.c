// SPDX-License-Identifier: GPL-2.0
/* Below nvme-fc: its local port, its remote ports, its commands. */
#include "peer.h"

#define MAX_IO 1024 /* in flight; more are sent back to the block layer */

struct io {
	struct xchg x;
	struct nvmefc_fcp_req *req;
	struct rport *rp;
	struct errand start, abort;
	bool live; /* guarded by actor_lock where aborts may come */
	int error; /* found by us, before the ABTS is answered */
};

static struct nvme_fc_local_port *lport;
static DECLARE_COMPLETION(lport_gone);
static atomic_t in_flight;

static void finish(struct io *io, int status)
{
	struct nvmefc_fcp_req *req = io->req;
	unsigned long flags;

	xchg_close(&io->x);
	spin_lock_irqsave(&actor_lock, flags);
	io->live = false;
	actor_forget_locked(&io->abort);
	spin_unlock_irqrestore(&actor_lock, flags);
	atomic_dec(&in_flight);
	req->status = status;
	req->done(req); /* io may be another command's from here on */
}

static void fail(struct io *io, int error)
{
	io->error = error;
	xchg_abort(&io->x);
}

/* --- frames ------------------------------------------------------------------------------------------ */

static void on_data(struct io *io, const struct rx *f)
{
	struct nvmefc_fcp_req *req = io->req;

	if (req->io_dir != NVMEFC_FCP_READ || f->parm != req->transferred_length || !f->len ||
	    f->len > req->payload_length - req->transferred_length) {
		violation("OX %04x: DATA of %u bytes at %u, expected at %u of %u", io->x.ox, f->len,
			  f->parm, req->transferred_length, req->payload_length);
		fail(io, -EPROTO);
		return;
	}
	if (f->f_ctl & FC_FC_SEQ_INIT)
		violation("OX %04x: read DATA passes the initiative", io->x.ox);
	sg_pcopy_from_buffer(req->sg_table.sgl, req->sg_cnt, f->payload, f->len, f->parm);
	req->transferred_length += f->len;
}

static void on_xfer_rdy(struct io *io, const struct rx *f)
{
	struct nvmefc_fcp_req *req = io->req;
	u32 offset = f->len == 12 ? get_unaligned_be32(f->payload) : 0;
	u32 burst = f->len == 12 ? get_unaligned_be32(f->payload + 4) : 0;
	struct tx src = {
		.sg = req->sg_table.sgl, .nents = req->sg_cnt, .off = offset, .len = burst
	};

	if (f->len != 12 || get_unaligned_be32(f->payload + 8) || !(f->f_ctl & FC_FC_SEQ_INIT) ||
	    req->io_dir != NVMEFC_FCP_WRITE || offset != req->transferred_length || !burst ||
	    burst > req->payload_length - offset) {
		violation("OX %04x: XFER_RDY of %u bytes: %u at %u, F_CTL %06x", io->x.ox, f->len,
			  burst, offset, f->f_ctl);
		fail(io, -EPROTO);
		return;
	}
	req->transferred_length += burst;
	seq_send(&io->x, R_DATA, TYPE_NVME_IU, SEQ_DATA | SEQ_PASS, &src, offset);
}

static void on_response(struct io *io, const struct rx *f)
{
	struct nvmefc_fcp_req *req = io->req;
	bool rsp = f->r_ctl == R_RSP;

	if (f->len != (rsp ? RSP_LEN : ERSP_LEN) || (rsp && memchr_inv(f->payload, 0, f->len)) ||
	    !(f->f_ctl & FC_FC_LAST_SEQ) || !(f->f_ctl & FC_FC_END_SEQ))
		violation("OX %04x: R_CTL %02x of %u bytes, F_CTL %06x", io->x.ox, f->r_ctl, f->len,
			  f->f_ctl);
	memcpy(req->rspaddr, f->payload, min_t(u32, f->len, req->rsplen));
	req->rcv_rsplen = f->len;
	finish(io, 0);
}

static void on_frame(struct xchg *x, const struct rx *f)
{
	struct io *io = container_of(x, struct io, x);

	if (f->type != TYPE_NVME_IU)
		violation("OX %04x: TYPE %02x", x->ox, f->type);
	switch (f->r_ctl) {
	case R_DATA:
		on_data(io, f);
		break;
	case R_XFER_RDY:
		on_xfer_rdy(io, f);
		break;
	case R_RSP:
	case R_ERSP:
		on_response(io, f);
		break;
	default:
		violation("OX %04x: R_CTL %02x", x->ox, f->r_ctl);
	}
}

/* A frame is missing: there is no recovery of sequences, so the command ends. */
static void on_gap(struct xchg *x, const struct rx *f)
{
	fail(container_of(x, struct io, x), -EIO);
}

static void on_aborted(struct xchg *x)
{
	pr_info("OX %04x aborted by the target\n", x->ox);
	finish(container_of(x, struct io, x), -EIO);
}

static void on_answered(struct xchg *x)
{
	struct io *io = container_of(x, struct io, x);

	finish(io, io->error ?: -ECANCELED);
}

static void on_lost(struct xchg *x)
{
	finish(container_of(x, struct io, x), -ENOTCONN);
}

static void on_late(struct xchg *x)
{
}

static const struct xchg_ops io_ops = {
	.frame = on_frame,
	.gap = on_gap,
	.aborted = on_aborted,
	.answered = on_answered,
	.late = on_late,
	.lost = on_lost,
};

/* --- the transport's calls ---------------------------------------------------------------------------- */

static void run_start(struct errand *e)
{
	struct io *io = container_of(e, struct io, start);
	int ret = port_ready(io->rp) ? xchg_open(&io->x, io->rp, &io_ops) : -ENOTCONN;

	if (ret) {
		finish(io, ret);
		return;
	}
	seq_send_buf(&io->x, R_CMND, TYPE_NVME_IU, SEQ_PASS, io->req->cmdaddr, io->req->cmdlen);
}

static int fcp_io(struct nvme_fc_local_port *l, struct nvme_fc_remote_port *r, void *queue,
		  struct nvmefc_fcp_req *req)
{
	struct rport *rp = port_by_name(r->port_name);
	struct io *io = req->private;

	if (!rp || !port_ready(rp))
		return -ENODEV;
	if (atomic_inc_return(&in_flight) > MAX_IO) {
		atomic_dec(&in_flight);
		return -EBUSY;
	}
	memset(io, 0, sizeof(*io));
	io->req = req;
	io->rp = rp;
	io->live = true;
	req->transferred_length = req->rcv_rsplen = 0;
	actor_post(&io->start, run_start);
	return 0;
}

static void run_abort(struct errand *e)
{
	struct io *io = container_of(e, struct io, abort);

	if (!io->x.aborting)
		xchg_abort(&io->x);
}

static void fcp_abort(struct nvme_fc_local_port *l, struct nvme_fc_remote_port *r, void *queue,
		      struct nvmefc_fcp_req *req)
{
	struct io *io = req->private;
	unsigned long flags;

	spin_lock_irqsave(&actor_lock, flags);
	if (io->live)
		actor_post_locked(&io->abort, run_abort);
	spin_unlock_irqrestore(&actor_lock, flags);
}

static int ls_req(struct nvme_fc_local_port *l, struct nvme_fc_remote_port *r,
		  struct nvmefc_ls_req *req)
{
	return ls_start(port_by_name(r->port_name), req);
}

static void ls_abort(struct nvme_fc_local_port *l, struct nvme_fc_remote_port *r,
		     struct nvmefc_ls_req *req)
{
	ls_stop(req);
}

static int xmt_ls_rsp(struct nvme_fc_local_port *l, struct nvme_fc_remote_port *r,
		      struct nvmefc_ls_rsp *rsp)
{
	return ls_respond(rsp);
}

static void localport_delete(struct nvme_fc_local_port *l)
{
	complete(&lport_gone);
}

static void remoteport_delete(struct nvme_fc_remote_port *r)
{
	complete(&port_by_name(r->port_name)->gone);
}

static struct nvme_fc_port_template template = {
	.localport_delete = localport_delete,
	.remoteport_delete = remoteport_delete,
	.ls_req = ls_req,
	.ls_abort = ls_abort,
	.fcp_io = fcp_io,
	.fcp_abort = fcp_abort,
	.xmt_ls_rsp = xmt_ls_rsp,
	.dma_boundary = 0xffffffff,
	.lsrqst_priv_sz = sizeof(struct ls),
	.fcprqst_priv_sz = sizeof(struct io),
};

/* --- ports ---------------------------------------------------------------------------------------------- */

int host_start(void)
{
	struct nvme_fc_port_info info = {
		.node_name = p_wwnn,
		.port_name = p_wwpn,
		.port_role = FC_PORT_ROLE_NVME_INITIATOR,
		.port_id = p_fcid,
	};

	template.max_hw_queues = p_queues;
	template.max_sgl_segments = template.max_dif_sgl_segments = p_sg;
	return nvme_fc_register_localport(&info, &template, NULL, &lport);
}

int host_add(struct rport *rp)
{
	struct nvme_fc_port_info info = {
		.node_name = rp->wwnn,
		.port_name = rp->wwpn,
		.port_id = rp->id,
		.port_role = rp->roles,
	};
	int ret;

	lport->port_id = own_id;
	if (!rp->registered)
		init_completion(&rp->gone);
	else
		reinit_completion(&rp->gone);
	ret = nvme_fc_register_remoteport(lport, &info, &rp->nvme);
	if (ret)
		rp->nvme = NULL;
	else
		rp->registered = true;
	return ret;
}

void host_remove(struct rport *rp)
{
	if (closing) /* controllers are not to wait for the port */
		nvme_fc_set_remoteport_devloss(rp->nvme, 0);
	nvme_fc_unregister_remoteport(rp->nvme);
	rp->nvme = NULL;
}

int host_ls(struct rport *rp, struct nvmefc_ls_rsp *rsp, void *buf, u32 len)
{
	return nvme_fc_rcv_ls_req(rp->nvme, rsp, buf, len);
}

/* All remote ports have been removed; returns when the transport has let go of everything. */
void host_stop(void)
{
	struct rport *rp;

	for (rp = rports; rp < rports + N_RPORT; rp++)
		if (rp->registered)
			wait_for_completion(&rp->gone);
	nvme_fc_unregister_localport(lport);
	wait_for_completion(&lport_gone);
}
