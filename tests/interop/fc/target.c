// SPDX-License-Identifier: GPL-2.0
/* Below nvmet-fc: its target port, the commands that hosts send. */
#include "peer.h"

struct cmd {
	struct xchg x;
	struct nvmefc_tgt_fcp_req req;
	struct errand op, abort, release;
	bool active, released; /* active: an operation of the transport; guarded by actor_lock */
	bool waits;            /* for write data */
	bool bad;              /* write data were lost on the way */
	u32 got;
	u8 iu[CMND_LEN];
};

static struct nvmet_fc_target_port *tport;
static DECLARE_COMPLETION(tport_gone);

/* The transport may start the next operation, or release the command, from inside done(). */
static void finish_op(struct cmd *c, int error, u32 moved)
{
	unsigned long flags;

	c->waits = false;
	xchg_deadline(&c->x, 0);
	spin_lock_irqsave(&actor_lock, flags);
	c->active = false;
	spin_unlock_irqrestore(&actor_lock, flags);
	c->req.fcp_error = error;
	c->req.transferred_length = moved;
	c->req.done(&c->req);
}

/* --- frames ------------------------------------------------------------------------------------------ */

static void on_data(struct cmd *c, const struct rx *f)
{
	struct nvmefc_tgt_fcp_req *req = &c->req;
	bool end = f->f_ctl & FC_FC_END_SEQ;

	if (!c->waits) {
		violation("OX %04x: write DATA that nobody asked for", c->x.ox);
		return;
	}
	if (!c->bad && (f->parm != req->offset + c->got || !f->len ||
			f->len > req->transfer_length - c->got)) {
		violation("OX %04x: write DATA of %u bytes at %u, expected at %u of %u", c->x.ox,
			  f->len, f->parm, req->offset + c->got,
			  req->offset + req->transfer_length);
		c->bad = true;
	}
	if (!c->bad) {
		sg_pcopy_from_buffer(req->sg, req->sg_cnt, f->payload, f->len, c->got);
		c->got += f->len;
	}
	if (!end)
		return;
	if (!(f->f_ctl & FC_FC_SEQ_INIT) || (!c->bad && c->got != req->transfer_length))
		violation("OX %04x: %u of %u bytes, F_CTL %06x", c->x.ox, c->got,
			  req->transfer_length, f->f_ctl);
	finish_op(c, c->bad || c->got != req->transfer_length ? -EIO : 0, c->got);
}

static void on_frame(struct xchg *x, const struct rx *f)
{
	if (f->r_ctl == R_DATA && f->type == TYPE_NVME_IU)
		on_data(container_of(x, struct cmd, x), f);
	else
		violation("OX %04x: R_CTL %02x TYPE %02x", x->ox, f->r_ctl, f->type);
}

/* A frame of the write data is missing. The command fails when the time for them is over. */
static void on_gap(struct xchg *x, const struct rx *f)
{
	struct cmd *c = container_of(x, struct cmd, x);

	c->bad = true;
	if (c->waits)
		xchg_deadline(x, 1);
}

/* No more is sent; what the transport has under way fails. */
static void end(struct cmd *c)
{
	if (!c->released)
		nvmet_fc_rcv_fcp_abort(tport, &c->req);
	if (c->waits)
		finish_op(c, -ECANCELED, 0);
}

static void on_end(struct xchg *x)
{
	end(container_of(x, struct cmd, x));
}

static void on_late(struct xchg *x)
{
	pr_info("OX %04x: no write data\n", x->ox);
	xchg_abort(x);
	end(container_of(x, struct cmd, x));
}

static void ignore(struct xchg *x)
{
}

static const struct xchg_ops cmd_ops = {
	.frame = on_frame,
	.gap = on_gap,
	.aborted = on_end,
	.answered = ignore,
	.late = on_late,
	.lost = on_end,
};

/* --- operations of the transport ------------------------------------------------------------------------ */

static void ask_for_data(struct cmd *c)
{
	struct nvmefc_tgt_fcp_req *req = &c->req;
	__be32 xfer_rdy[3] = { htonl(req->offset), htonl(req->transfer_length) };

	c->got = 0;
	c->waits = true;
	c->bad = false;
	xchg_deadline(&c->x, req->timeout * 1000);
	seq_send_buf(&c->x, R_XFER_RDY, TYPE_NVME_IU, SEQ_PASS, xfer_rdy, sizeof(xfer_rdy));
}

static void respond(struct cmd *c)
{
	struct nvmefc_tgt_fcp_req *req = &c->req;

	seq_send_buf(&c->x, req->rsplen == RSP_LEN ? R_RSP : R_ERSP, TYPE_NVME_IU,
		     SEQ_LAST | SEQ_PASS, req->rspaddr, req->rsplen);
}

static void run_op(struct errand *e)
{
	struct cmd *c = container_of(e, struct cmd, op);
	struct nvmefc_tgt_fcp_req *req = &c->req;
	struct tx data = { .sg = req->sg, .nents = req->sg_cnt, .len = req->transfer_length };

	if (c->x.dead) {
		finish_op(c, -ECANCELED, 0);
		return;
	}
	switch (req->op) {
	case NVMET_FCOP_WRITEDATA:
		ask_for_data(c);
		return;
	case NVMET_FCOP_READDATA:
		seq_send(&c->x, R_DATA, TYPE_NVME_IU, SEQ_DATA, &data, req->offset);
		finish_op(c, 0, req->transfer_length);
		return;
	case NVMET_FCOP_READDATA_RSP:
		seq_send(&c->x, R_DATA, TYPE_NVME_IU, SEQ_DATA, &data, req->offset);
		respond(c);
		finish_op(c, 0, req->transfer_length);
		return;
	case NVMET_FCOP_RSP:
		respond(c);
		finish_op(c, 0, 0);
		return;
	}
	finish_op(c, -EINVAL, 0);
}

static int fcp_op(struct nvmet_fc_target_port *t, struct nvmefc_tgt_fcp_req *req)
{
	struct cmd *c = container_of(req, struct cmd, req);
	unsigned long flags;
	int ret = 0;

	spin_lock_irqsave(&actor_lock, flags);
	if (c->active) {
		ret = -EALREADY;
	} else {
		c->active = true;
		actor_post_locked(&c->op, run_op);
	}
	spin_unlock_irqrestore(&actor_lock, flags);
	return ret;
}

static void run_abort(struct errand *e)
{
	struct cmd *c = container_of(e, struct cmd, abort);

	if (!c->x.dead)
		xchg_abort(&c->x);
	if (c->waits)
		finish_op(c, -ECANCELED, 0);
}

static void fcp_abort(struct nvmet_fc_target_port *t, struct nvmefc_tgt_fcp_req *req)
{
	actor_post(&container_of(req, struct cmd, req)->abort, run_abort);
}

/* Errands are run in the order in which they were posted: none of this command comes after it. */
static void run_release(struct errand *e)
{
	struct cmd *c = container_of(e, struct cmd, release);

	xchg_close(&c->x);
	kfree(c);
}

static void fcp_req_release(struct nvmet_fc_target_port *t, struct nvmefc_tgt_fcp_req *req)
{
	struct cmd *c = container_of(req, struct cmd, req);

	WRITE_ONCE(c->released, true);
	actor_post(&c->release, run_release);
}

void target_cmnd(struct rport *rp, const struct rx *f)
{
	struct cmd *c = is_host || f->len != CMND_LEN ? NULL : kzalloc(sizeof(*c), GFP_KERNEL);
	int ret;

	if (f->len != CMND_LEN)
		violation("CMND of %u bytes", f->len);
	if (!c || xchg_answer(&c->x, rp, &cmd_ops, f)) {
		kfree(c);
		stats[ST_REFUSED]++;
		return;
	}
	memcpy(c->iu, f->payload, f->len);
	ret = nvmet_fc_rcv_fcp_req(tport, &c->req, c->iu, f->len);
	if (!ret || ret == -EOVERFLOW) /* c may be gone already */
		return;
	pr_info("OX %04x: CMND is not taken: %d\n", f->ox, ret);
	stats[ST_REFUSED]++;
	xchg_abort(&c->x);
	xchg_close(&c->x);
	kfree(c);
}

/* --- the rest of the template ---------------------------------------------------------------------------- */

/* The command is in a buffer of its own, which stays. */
static void defer_rcv(struct nvmet_fc_target_port *t, struct nvmefc_tgt_fcp_req *req)
{
}

static int xmt_ls_rsp(struct nvmet_fc_target_port *t, struct nvmefc_ls_rsp *rsp)
{
	return ls_respond(rsp);
}

static int ls_req(struct nvmet_fc_target_port *t, void *host, struct nvmefc_ls_req *req)
{
	return ls_start(host, req);
}

static void ls_abort(struct nvmet_fc_target_port *t, void *host, struct nvmefc_ls_req *req)
{
	ls_stop(req);
}

static void host_release(void *host)
{
	stats[ST_HOST_RELEASE]++;
}

static int host_traddr(void *host, u64 *wwnn, u64 *wwpn)
{
	struct rport *rp = host;

	*wwnn = rp->wwnn;
	*wwpn = rp->wwpn;
	return 0;
}

static void run_discovery(struct errand *e)
{
	struct rport *rp;

	for (rp = rports; rp < rports + N_RPORT; rp++)
		port_discovery(rp);
}

static void discovery_event(struct nvmet_fc_target_port *t)
{
	static struct errand discovery;

	actor_post(&discovery, run_discovery);
}

static void targetport_delete(struct nvmet_fc_target_port *t)
{
	complete(&tport_gone);
}

static struct nvmet_fc_target_template template = {
	.targetport_delete = targetport_delete,
	.xmt_ls_rsp = xmt_ls_rsp,
	.fcp_op = fcp_op,
	.fcp_abort = fcp_abort,
	.fcp_req_release = fcp_req_release,
	.defer_rcv = defer_rcv,
	.discovery_event = discovery_event,
	.ls_req = ls_req,
	.ls_abort = ls_abort,
	.host_release = host_release,
	.host_traddr = host_traddr,
	.dma_boundary = 0xffffffff,
	.lsrqst_priv_sz = sizeof(struct ls),
};

int target_start(void)
{
	struct nvmet_fc_port_info info = { .node_name = p_wwnn,
					   .port_name = p_wwpn,
					   .port_id = p_fcid };

	template.max_hw_queues = p_queues;
	template.max_sgl_segments = template.max_dif_sgl_segments = p_sg;
	template.target_features = p_read_rsp ? NVMET_FCTGTFEAT_READDATA_RSP : 0;
	return nvmet_fc_register_targetport(&info, &template, NULL, &tport);
}

void target_remove(struct rport *rp)
{
	nvmet_fc_invalidate_host(tport, rp);
}

int target_ls(struct rport *rp, struct nvmefc_ls_rsp *rsp, void *buf, u32 len)
{
	return nvmet_fc_rcv_ls_req(tport, rp, rsp, buf, len);
}

void target_stop(void)
{
	nvmet_fc_unregister_targetport(tport);
	wait_for_completion(&tport_gone);
}
