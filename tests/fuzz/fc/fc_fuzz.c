/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * FC-NVMe: the parsers on any bytes; the target on any link services, CMND IUs and ends of operations; the
 * host over the loopback on any faults and any link services of a target.
 */
#include <stdlib.h>
#include <string.h>

#include "../../../host-lib/fcloop/loop.h"
#include "driver.h"
#include "../input.h"

/* --- parsers ------------------------------------------------------------------------------------------------ */

/* What is let through is written and read again, the same. */
static void ls_request(const uint8_t *p, size_t n)
{
	uint8_t made[FC_LS_RQST_MAX];
	struct fc_ls_rqst a, b;
	struct fc_ls_rjt rjt;

	if (fc_ls_rqst_parse(p, n, &a, &rjt)) {
		MUST(rjt.reason);
		return;
	}
	MUST(!fc_ls_rqst_parse(made, fc_ls_rqst_build(made, &a), &b, &rjt));
	MUST(!strcmp(a.hostnqn, b.hostnqn) && !strcmp(a.subnqn, b.subnqn));
	MUST(a.association_id == b.association_id && a.connection_id == b.connection_id);
	MUST(a.sqsize == b.sqsize && a.ersp_ratio == b.ersp_ratio && a.qid == b.qid);
}

static void parsers(void)
{
	uint8_t cmd = u8(), *copy = malloc(left ? left : 1);
	struct fc_ls_resp resp;
	struct fc_cmnd cmnd;
	uint32_t offset, burst;
	struct fc_rsp rsp;

	memcpy(copy, in, left);
	ls_request(copy, left);
	fc_ls_resp_parse(copy, left, cmd, &resp);
	if (!fc_cmnd_parse(copy, left, &cmnd))
		MUST(!cmnd.flags == !cmnd.data_len);
	fc_rsp_parse(copy, left, &rsp);
	fc_xfer_rdy_parse(copy, left, &offset, &burst);
	free(copy);
}

/* --- target ---------------------------------------------------------------------------------------------------- */

/* A sound request, with some bytes of it changed. */
static uint32_t make_ls(uint8_t *buf, uint64_t association)
{
	struct fc_ls_rqst r = { .cmd = (uint8_t)(3 + (u8() & 3)),
				.cntlid = NVME_CNTLID_DYNAMIC,
				.sqsize = (uint16_t)(2 + (u8() & 15)),
				.ersp_ratio = 1,
				.qid = u8() & 3,
				.association_id = association,
				.hostnqn = "h",
				.subnqn = "s" };
	uint32_t len = fc_ls_rqst_build(buf, &r);

	for (uint8_t n = u8() & 3; n; n--)
		buf[u16() % (len < 64 ? len : 64)] = u8();
	return u8() & 31 ? len : u8();
}

static void send_cmnd(void)
{
	static const uint8_t opcs[] = { NVME_OPC_READ, NVME_OPC_WRITE, NVME_OPC_FLUSH };
	uint8_t kind = u8();
	struct fc_cmnd c = { .connection_id = drv_association | (u8() & 3), .csn = u8() };
	uint8_t iu[96];

	c.sqe[0] = opcs[kind % 3];
	c.data_len = kind % 3 == 2 ? 0 : u32() & 0xfffff;
	if (c.data_len)
		c.flags = kind % 3 ? FCNVME_FLAG_WRITE : FCNVME_FLAG_READ;
	fc_cmnd_build(iu, &c);
	if (kind & 0x80)
		iu[u8() % 96] = u8();
	drv_cmnd(iu, kind & 0x40 ? u8() % 97 : 96);
}

static void step_target(void)
{
	uint8_t what = u8(), buf[FC_LS_RQST_MAX];
	unsigned int from = what >> 7;

	switch (what & 7) {
	case 0:
		drv_ls(from, buf, make_ls(buf, drv_association));
		break;
	case 1:
	case 2:
		send_cmnd();
		break;
	case 3:
		drv_end_op(u8(), what >> 4 & 3);
		break;
	case 4:
		drv_abort(u8());
		break;
	case 5:
		if (u8() > 240)
			drv_invalidate(from);
		else
			drv_refuse_op();
		break;
	default:
		drv_poll();
	}
}

static void run_target(void)
{
	uint8_t buf[FC_LS_RQST_MAX];
	struct fc_ls_rqst r = { .cmd = FCNVME_LS_CREATE_ASSOCIATION,
				.sqsize = 3,
				.ersp_ratio = 1,
				.hostnqn = "h",
				.subnqn = "s" };

	drv_up(u8());
	drv_ls(0, buf, fc_ls_rqst_build(buf, &r));
	drv_poll();
	while (left)
		step_target();
	drv_down();
}

/* --- host ----------------------------------------------------------------------------------------------------- */

static struct nvme_fc_loop *fc;
static struct nvme_fc_ctrl *ctrl;
static uint64_t now;
static unsigned int submitted, completed;
static uint8_t data[8192];
static struct nvmefc_sg sg;

static struct raw_ls {
	struct nvmefc_ls_req req; /* first */
	uint8_t rqst[FC_LS_RQST_MAX], resp[FC_LS_RSP_MAX];
	void *priv;
	bool busy;
} raw;

static void on_raw(struct nvmefc_ls_req *req, int status)
{
	(void)status;
	((struct raw_ls *)req)->busy = false;
}

static void on_event(void *arg, enum nvme_fc_event event, uint16_t qid, int error)
{
	(void)arg;
	(void)qid;
	(void)error;
	if (event == NVME_FC_LOST)
		ctrl = NULL;
}

static void on_io(struct nvme_fc_io *io)
{
	completed++;
	free(io);
}

static void submit(void)
{
	struct nvme_fc_io *io = calloc(1, sizeof(*io));
	uint8_t kind = u8();

	io->sqe[0] = kind & 1 ? NVME_OPC_WRITE : NVME_OPC_READ;
	io->dir = kind & 1 ? NVMEFC_FCP_WRITE : NVMEFC_FCP_READ;
	sg = (struct nvmefc_sg){ data, nvme_fc_loop_iova(data), sizeof(data) };
	io->sg = &sg;
	io->sg_cnt = 1;
	io->len = sizeof(data);
	io->done = on_io;
	if (!ctrl || nvme_fc_submit(ctrl, kind >> 6, io)) {
		free(io);
		return;
	}
	submitted++;
	if (!(kind & 0x3e))
		nvme_fc_abort(ctrl, io);
}

static void send_raw(void)
{
	if (raw.busy || !fc->up)
		return;
	memset(&raw, 0, sizeof(raw));
	raw.req = (struct nvmefc_ls_req){ .rqstaddr = raw.rqst,
					  .rqstdma = nvme_fc_loop_iova(raw.rqst),
					  .rqstlen = make_ls(raw.rqst, 0),
					  .rspaddr = raw.resp,
					  .rsplen = sizeof(raw.resp),
					  .timeout = 20,
					  .private_ = &raw.priv,
					  .done = on_raw };
	raw.busy = !fc->target_tmpl.ls_req(fc->tport, fc->host, &raw.req);
}

static void make_ctrl(void)
{
	struct nvme_fc_ctrl_params p = {
		.event = on_event, .entries = 8, .hostnqn = "h", .subnqn = "s"
	};

	if (!ctrl && fc->up)
		MUST(!nvme_fc_ctrl_create(nvme_fc_loop_remote(fc), &p, &ctrl));
	if (ctrl)
		nvme_fc_ctrl_connect(ctrl);
}

static void step_ctrl(uint8_t what)
{
	if (!ctrl)
		return;
	if (what & 0x80) {
		nvme_fc_ctrl_add_queue(ctrl, what >> 4 & 3, 4 + (what >> 4 & 7));
	} else if (what & 0x40) {
		nvme_fc_ctrl_destroy(ctrl);
		ctrl = NULL;
	} else {
		nvme_fc_ctrl_disconnect(ctrl, 0);
	}
}

static void step_host(void)
{
	uint8_t what = u8();

	switch (what & 15) {
	case 0:
		make_ctrl();
		break;
	case 1:
		step_ctrl(what);
		break;
	case 2:
	case 3:
	case 4:
		submit();
		break;
	case 5:
		send_raw();
		break;
	case 6: /* not LS_BUSY for ever, nor ALLOC: the fuzzer's own calls must work */
		nvme_fc_loop_fault(fc, u8() % NVME_FC_LOOP_ALLOC, what >> 6, what >> 4 & 3);
		break;
	case 7:
		nvme_fc_loop_link(fc, what & 0x80);
		break;
	case 8:
		now += (uint64_t)u8() << 28;
		break;
	default:
		nvme_fc_loop_poll(fc, ++now);
	}
}

static void run_host(void)
{
	struct nvme_fc_loop_opts o = { .sync_abort = u8() & 1, .no_defer = u8() & 1 };

	now = 1;
	submitted = completed = 0;
	ctrl = NULL;
	memset(&raw, 0, sizeof(raw));
	MUST(!nvme_fc_loop_create(&o, &fc));
	drv_serve(nvme_fc_loop_target(fc));
	make_ctrl();
	while (left)
		step_host();
	if (ctrl)
		nvme_fc_ctrl_destroy(ctrl);
	for (int i = 0; i < NVME_FC_LOOP_FAULTS; i++)
		nvme_fc_loop_fault(fc, (enum nvme_fc_loop_fault)i, 0, 0);
	if (raw.busy && !nvme_fc_loop_link(fc, true)) /* perhaps nobody times it */
		fc->target_tmpl.ls_abort(fc->tport, fc->host, &raw.req);
	for (int i = 0; i < 200; i++)
		nvme_fc_loop_poll(fc, now += 1ull << 30);
	MUST(!fc->stats.breaches && !raw.busy && submitted == completed);
	MUST(!nvme_fc_loop_destroy(fc));
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t size)
{
	in = p;
	left = size;
	switch (u8() % 3) {
	case 0:
		parsers();
		break;
	case 1:
		run_target();
		break;
	default:
		run_host();
	}
	return 0;
}
