/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <nvme/fc_loop.h>

#include "driver.h"

#define SLOTS 16
#define LS_SLOTS 8

uint64_t drv_association;
struct nvmet_fc_target_port *drv_port;
static struct nvmet_fc_target_template tmpl;
static unsigned int memory;
static uint64_t now;
static bool refuse;

static struct slot {
	struct nvmefc_tgt_fcp_req req; /* first */
	bool used, deferred, active, ended, aborted;
	uint8_t iu[96];
} slots[SLOTS];

static struct ls_slot {
	struct nvmefc_ls_rsp rsp; /* first */
	bool used, answered;
} ls_slots[LS_SLOTS];

static struct {
	bool lost, released;
	struct nvmefc_ls_req *req; /* a link service to it */
} hosts[2];

/* --- memory ---------------------------------------------------------------------------------------------- */

static void *mem_alloc(struct nvme_fc_device *dev, size_t len, uint64_t *iova)
{
	(void)dev;
	memory++;
	*iova = 0;
	return calloc(1, len);
}

static void mem_free(struct nvme_fc_device *dev, void *addr, size_t len, uint64_t iova)
{
	(void)dev;
	(void)len;
	(void)iova;
	memory--;
	free(addr);
}
static struct nvme_fc_device dev = { mem_alloc, mem_free };

/* --- callbacks -------------------------------------------------------------------------------------------- */

static void targetport_delete(struct nvmet_fc_target_port *tport)
{
	MUST(tport == drv_port);
	drv_port = NULL;
}

static int xmt_ls_rsp(struct nvmet_fc_target_port *tport, struct nvmefc_ls_rsp *rsp)
{
	struct ls_slot *s = (struct ls_slot *)rsp;
	struct fc_ls_resp resp;

	MUST(tport == drv_port && s->used && !s->answered && rsp->rsplen <= FC_LS_RSP_MAX);
	s->answered = true;
	if (!fc_ls_resp_parse(rsp->rspbuf, rsp->rsplen, FCNVME_LS_CREATE_ASSOCIATION, &resp) &&
	    !resp.rejected)
		drv_association = resp.association_id;
	return 0;
}

static int fcp_op(struct nvmet_fc_target_port *tport, struct nvmefc_tgt_fcp_req *req)
{
	struct slot *s = (struct slot *)req;
	uint64_t sum = 0;

	MUST(tport == drv_port && s->used && !s->active && !s->ended && !s->deferred);
	MUST(req->op >= NVMET_FCOP_READDATA && req->op <= NVMET_FCOP_RSP);
	for (int i = 0; i < req->sg_cnt; i++)
		sum += req->sg[i].len;
	MUST(sum == req->transfer_length && sum <= NVMET_FC_MAX_SEQ_LENGTH);
	if (refuse) {
		refuse = false;
		return -EBUSY;
	}
	s->active = true;
	return 0;
}

static void fcp_abort(struct nvmet_fc_target_port *tport, struct nvmefc_tgt_fcp_req *req)
{
	struct slot *s = (struct slot *)req;

	MUST(tport == drv_port && s->used && !s->aborted);
	s->aborted = true;
}

static void fcp_req_release(struct nvmet_fc_target_port *tport, struct nvmefc_tgt_fcp_req *req)
{
	struct slot *s = (struct slot *)req;

	MUST(tport == drv_port && s->used && !s->active && !s->deferred);
	memset(s, 0xa5, sizeof(*s));
	s->used = false;
}

static void defer_rcv(struct nvmet_fc_target_port *tport, struct nvmefc_tgt_fcp_req *req)
{
	struct slot *s = (struct slot *)req;

	MUST(tport == drv_port && s->used && s->deferred);
	s->deferred = false;
	memset(s->iu, 0xa5, sizeof(s->iu));
}

static int ls_req(struct nvmet_fc_target_port *tport, void *handle, struct nvmefc_ls_req *req)
{
	size_t i = (size_t)((char *)handle - (char *)hosts) / sizeof(hosts[0]);

	MUST(tport == drv_port && i < 2 && !hosts[i].released && req->rqstlen == 48);
	if (hosts[i].req)
		return -EBUSY;
	hosts[i].req = req;
	return 0;
}

static void ls_abort(struct nvmet_fc_target_port *tport, void *handle, struct nvmefc_ls_req *req)
{
	size_t i = (size_t)((char *)handle - (char *)hosts) / sizeof(hosts[0]);

	MUST(tport == drv_port && i < 2 && hosts[i].req == req);
	hosts[i].req = NULL;
	req->done(req, -ECANCELED);
}

static void host_release(void *handle)
{
	size_t i = (size_t)((char *)handle - (char *)hosts) / sizeof(hosts[0]);

	MUST(i < 2 && hosts[i].lost && !hosts[i].released && !hosts[i].req);
	hosts[i].released = true;
}

/* --- the user: takes all connections, answers at once ----------------------------------------------------- */

struct conn {
	struct nvmet_fc_conn *conn;
	unsigned int busy;
	bool ended;
};

struct cmd {
	struct conn *c;
	struct nvmet_fc_cmd *cmd;
};
static uint8_t store[1 << 16];
static struct nvmefc_sg pieces[16];

static void put(struct conn *c)
{
	if (!c->ended || c->busy)
		return;
	nvmet_fc_conn_free(c->conn);
	free(c);
}

static void finish(struct cmd *k)
{
	struct conn *c = k->c;

	free(k);
	c->busy--;
	put(c);
}

static void on_sent(void *arg, int error)
{
	(void)error;
	finish(arg);
}

static void respond(struct cmd *k, uint16_t status)
{
	struct nvme_cqe cqe = { .status = status };

	MUST(!nvmet_fc_respond(k->cmd, &cqe));
	finish(k);
}

static void on_received(void *arg, int error)
{
	respond(arg, error ? NVME_SC_INTERNAL_ERROR << 1 : 0);
}

static int on_connect(void *arg, struct nvmet_fc_conn *conn, const struct nvmet_fc_conn_info *info,
		      void **conn_arg)
{
	struct conn *c = calloc(1, sizeof(*c));

	(void)arg;
	MUST(info->entries >= 3 && strlen(info->hostnqn) && strlen(info->subnqn));
	c->conn = conn;
	*conn_arg = c;
	return 0;
}

static void on_command(void *conn_arg, struct nvmet_fc_cmd *cmd)
{
	uint32_t len = nvmet_fc_cmd_len(cmd) < sizeof(store) * 16 ? nvmet_fc_cmd_len(cmd) :
								    sizeof(store) * 16;
	struct cmd *k = malloc(sizeof(*k));
	struct nvme_cqe cqe = { 0 };
	int rc = 0;

	*k = (struct cmd){ conn_arg, cmd };
	k->c->busy++;
	for (int i = 0; i < 16; i++)
		pieces[i] = (struct nvmefc_sg){ store, nvme_fc_loop_iova(store), sizeof(store) };
	if (!len)
		respond(k, 0);
	else if (nvmet_fc_cmd_writes(cmd))
		rc = nvmet_fc_receive(cmd, 0, pieces, len, on_received, k);
	else
		rc = nvmet_fc_send_respond(cmd, 0, pieces, len, &cqe, on_sent, k);
	if (rc)
		respond(k, NVME_SC_INTERNAL_ERROR << 1);
}

static void on_ended(void *conn_arg, int error)
{
	struct conn *c = conn_arg;

	(void)error;
	c->ended = true;
	put(c);
}
static const struct nvmet_fc_user user = { on_connect, on_command, on_ended };

/* --- the fuzzer's side -------------------------------------------------------------------------------------- */

void drv_up(unsigned int features)
{
	struct nvmet_fc_port_info info = { .node_name = 1, .port_name = 2 };

	memset(slots, 0, sizeof(slots));
	memset(ls_slots, 0, sizeof(ls_slots));
	memset(hosts, 0, sizeof(hosts));
	drv_association = 0;
	refuse = false;
	tmpl = (struct nvmet_fc_target_template){
		.targetport_delete = targetport_delete,
		.xmt_ls_rsp = xmt_ls_rsp,
		.fcp_op = fcp_op,
		.fcp_abort = fcp_abort,
		.fcp_req_release = fcp_req_release,
		.defer_rcv = features & DRV_DEFER ? defer_rcv : NULL,
		.ls_req = features & DRV_LS ? ls_req : NULL,
		.ls_abort = features & DRV_LS ? ls_abort : NULL,
		.host_release = host_release,
		.max_hw_queues = 2,
		.max_sgl_segments = 3,
		.max_dif_sgl_segments = 1,
		.dma_boundary = UINT64_MAX,
		.target_features = features & DRV_READDATA_RSP ? NVMET_FCTGTFEAT_READDATA_RSP : 0,
	};
	MUST(!nvmet_fc_register_targetport(&info, &tmpl, &dev, &drv_port));
	drv_serve(drv_port);
}

void drv_serve(struct nvmet_fc_target_port *tport)
{
	nvmet_fc_attach(tport, &user, NULL);
}

void drv_poll(void)
{
	for (int i = 0; i < LS_SLOTS; i++)
		if (ls_slots[i].answered) {
			ls_slots[i].answered = ls_slots[i].used = false;
			ls_slots[i].rsp.done(&ls_slots[i].rsp);
		}
	for (int i = 0; i < 2; i++)
		if (hosts[i].req) {
			struct nvmefc_ls_req *req = hosts[i].req;

			hosts[i].req = NULL;
			req->done(req, -ETIMEDOUT);
		}
	now += 1000000;
	nvmet_fc_targetport_poll(drv_port, now);
}

void drv_ls(unsigned int from, const void *buf, uint32_t len)
{
	if (hosts[from].lost)
		return;
	for (int i = 0; i < LS_SLOTS; i++)
		if (!ls_slots[i].used) {
			ls_slots[i].used = !nvmet_fc_rcv_ls_req(drv_port, &hosts[from],
								&ls_slots[i].rsp, buf, len);
			return;
		}
}

void drv_cmnd(const void *iu, uint32_t len)
{
	for (int i = 0; i < SLOTS; i++) {
		struct slot *s = &slots[i];
		int rc;

		if (s->used)
			continue;
		memset(s, 0, sizeof(*s));
		s->used = true;
		memcpy(s->iu, iu, len < sizeof(s->iu) ? len : sizeof(s->iu));
		rc = nvmet_fc_rcv_fcp_req(drv_port, &s->req, s->iu, len);
		if (rc == -EOVERFLOW)
			s->deferred = true;
		else if (rc)
			s->used = false;
		return;
	}
}

void drv_end_op(unsigned int i, unsigned int how)
{
	struct slot *s = &slots[i % SLOTS];

	if (!s->used || !s->active)
		return;
	s->active = false;
	s->ended = !how && s->req.op >= NVMET_FCOP_READDATA_RSP;
	s->req.fcp_error = how == 1 || s->aborted;
	s->req.transferred_length =
		s->req.op == NVMET_FCOP_RSP ? 0 : s->req.transfer_length >> (how == 2);
	s->req.done(&s->req);
}

void drv_abort(unsigned int i)
{
	struct slot *s = &slots[i % SLOTS];

	if (!s->used || s->ended)
		return;
	nvmet_fc_rcv_fcp_abort(drv_port, &s->req);
	drv_end_op(i, 1);
}

void drv_invalidate(unsigned int from)
{
	if (hosts[from].lost)
		return;
	hosts[from].lost = true;
	nvmet_fc_invalidate_host(drv_port, &hosts[from]);
}

void drv_refuse_op(void)
{
	refuse = true;
}

void drv_down(void)
{
	MUST(!nvmet_fc_unregister_targetport(drv_port));
	/* a host takes one Disconnect at a time, and there may be some hundred associations */
	for (int n = 0; n < 2000 && drv_port; n++) {
		for (unsigned int i = 0; i < SLOTS; i++)
			drv_end_op(i, 1);
		drv_poll();
	}
	MUST(!drv_port && !memory);
	for (int i = 0; i < SLOTS; i++)
		MUST(!slots[i].used);
	for (int i = 0; i < LS_SLOTS; i++)
		MUST(!ls_slots[i].used);
	for (int i = 0; i < 2; i++)
		MUST(hosts[i].released == hosts[i].lost);
}
