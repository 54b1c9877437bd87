/* SPDX-License-Identifier: BSD-2-Clause */
/* The port: opening, what it tells, progress, closing; memory for the transports. */
#include <errno.h>
#include <stdlib.h>

#include "fc.h"

#define QUEUES_DEFAULT 65u
#define QUEUES_MAX 120u /* of the adapter's pairs */
#define GONE_POLLS 1000

struct weft_fc *wfc_of(const struct nvme_fc_local_port *lport)
{
	return *(struct weft_fc **)lport->private_;
}

struct weft_fc *wfc_of_target(const struct nvmet_fc_target_port *tport)
{
	return *(struct weft_fc **)tport->private_;
}

/* --- memory ----------------------------------------------------------------------------------------- */

static void *mem_alloc(struct nvme_fc_device *mem, size_t len, uint64_t *iova)
{
	struct weft_fc *fc = (struct weft_fc *)mem;
	void *p = weft_mem_alloc(fc->dev, len);

	if (!p)
		return NULL;
	if (weft_mem_iova(fc->dev, p, len, iova)) {
		weft_mem_free(fc->dev, p);
		return NULL;
	}
	fc->n_memory++;
	return p;
}

static void mem_free(struct nvme_fc_device *mem, void *addr, size_t len, uint64_t iova)
{
	struct weft_fc *fc = (struct weft_fc *)mem;

	(void)len;
	(void)iova;
	fc->n_memory--;
	weft_mem_free(fc->dev, addr);
}

/* --- ports ------------------------------------------------------------------------------------------ */

static void localport_delete(struct nvme_fc_local_port *lport)
{
	wfc_of(lport)->lport = NULL;
}

static void targetport_delete(struct nvmet_fc_target_port *tport)
{
	wfc_of_target(tport)->tport = NULL;
}

static void discovery_event(struct nvmet_fc_target_port *tport)
{
	wfc_of_target(tport)->rscn = true;
}

static void make_templates(struct weft_fc *fc)
{
	fc->host_tmpl = (struct nvme_fc_port_template){
		.localport_delete = localport_delete,
		.remoteport_delete = wfc_remoteport_delete,
		.create_queue = wfc_create_queue,
		.delete_queue = wfc_delete_queue,
		.ls_req = wfc_host_ls_req,
		.fcp_io = wfc_fcp_io,
		.ls_abort = wfc_host_ls_abort,
		.fcp_abort = wfc_fcp_abort,
		.xmt_ls_rsp = wfc_host_xmt_ls_rsp,
		.max_hw_queues = fc->params.max_queues ? fc->params.max_queues : QUEUES_DEFAULT,
		.max_sgl_segments = WEFT_SGL_MAX,
		.max_dif_sgl_segments = 1,
		.dma_boundary = UINT64_MAX,
		.local_priv_sz = sizeof(fc),
		.remote_priv_sz = sizeof(struct wfc_remote),
		.lsrqst_priv_sz = wfc_ls_priv,
		.fcprqst_priv_sz = wfc_io_priv,
	};
	fc->target_tmpl = (struct nvmet_fc_target_template){
		.targetport_delete = targetport_delete,
		.xmt_ls_rsp = wfc_target_xmt_ls_rsp,
		.fcp_op = wfc_target_op,
		.fcp_abort = wfc_target_abort,
		.fcp_req_release = wfc_target_release,
		.defer_rcv = wfc_target_defer_rcv,
		.discovery_event = discovery_event,
		.ls_req = wfc_target_ls_req,
		.ls_abort = wfc_target_ls_abort,
		.host_release = wfc_host_release,
		.host_traddr = wfc_host_traddr,
		.max_hw_queues = 1, /* one pair takes the commands of all */
		.max_sgl_segments = WEFT_SGL_MAX,
		.max_dif_sgl_segments = 1,
		.dma_boundary = UINT64_MAX,
		.target_features = NVMET_FCTGTFEAT_READDATA_RSP,
		.target_priv_sz = sizeof(fc),
		.lsrqst_priv_sz = wfc_ls_priv,
	};
}

static void register_local(struct weft_fc *fc)
{
	struct nvme_fc_port_info info = { .node_name = fc->params.wwnn,
					  .port_name = fc->params.wwpn,
					  .port_role = FC_PORT_ROLE_NVME_INITIATOR,
					  .port_id = fc->info.port_id };

	if (nvme_fc_register_localport(&info, &fc->host_tmpl, &fc->mem, &fc->lport)) {
		fc->lport = NULL; /* a port of these names is there, or no memory: next time */
		return;
	}
	*(struct weft_fc **)fc->lport->private_ = fc;
	wfc_rport_register_all(fc);
}

static int register_target(struct weft_fc *fc)
{
	struct nvmet_fc_port_info info = { .node_name = fc->params.wwnn,
					   .port_name = fc->params.wwpn };
	int rc = nvmet_fc_register_targetport(&info, &fc->target_tmpl, &fc->mem, &fc->tport);

	if (rc)
		return weft_set_error(rc, "registering the target port: error %d", -rc);
	*(struct weft_fc **)fc->tport->private_ = fc;
	return 0;
}

/* --- what the adapter tells ------------------------------------------------------------------------- */

static void link_event(struct weft_fc *fc, const struct weft_event *ev)
{
	fc->info.state = (uint8_t)ev->dw1;
	fc->info.topology = (uint8_t)(ev->dw1 >> 8);
	fc->info.port_id = fc->info.state == WEFT_FCS_UP ? ev->dw2 & 0xffffff : 0;
	fc->changed = true;
	if (fc->info.state != WEFT_FCS_UP || fc->closing)
		return;
	if (fc->lport)
		fc->lport->port_id = fc->info.port_id;
	else if (fc->params.roles & WEFT_FCR_INITIATOR)
		register_local(fc);
	if (fc->tport)
		fc->tport->port_id = fc->info.port_id;
}

static void on_event(void *arg, const struct weft_event *ev)
{
	struct weft_fc *fc = arg;

	if (ev->code == WEFT_EV_FC_LINK)
		link_event(fc, ev);
	else if (ev->code == WEFT_EV_FC_RPORT)
		wfc_rport_event(fc, ev);
	else if (ev->code == WEFT_EV_FC_ABORTED)
		wfc_ls_aborted(fc, ev->dw1);
	else if (ev->code == WEFT_EV_FC_RSCN)
		wfc_rport_rescan(fc, ev->dw1);
}

/* --- progress --------------------------------------------------------------------------------------- */

static void on_rscn(void *arg, const struct weft_admin_result *result)
{
	struct weft_fc *fc = arg;

	fc->rscn_out = false;
	if (result->error == -EAGAIN)
		fc->rscn = true;
}

static void send_rscn(struct weft_fc *fc)
{
	if (!fc->rscn || fc->rscn_out || fc->info.state != WEFT_FCS_UP)
		return;
	if (weft_admin_submit(fc->dev, WEFT_OP_FC_RSCN, NULL, 0, on_rscn, fc))
		return; /* again in the next poll */
	fc->rscn = false;
	fc->rscn_out = true;
}

/* The device was reset or is gone: nothing comes from it any more, all remote ports are lost. */
static void check_dead(struct weft_fc *fc)
{
	if (fc->dead || !weft_qp_error(fc->ls_qp))
		return;
	fc->dead = true;
	fc->info.state = WEFT_FCS_OFF;
	fc->info.topology = WEFT_FCT_NONE;
	fc->info.port_id = 0;
	fc->changed = true;
	for (unsigned int i = 0; i < WEFT_N_RPORT; i++)
		wfc_rport_lost(&fc->rport[i]);
	wfc_ls_dead(fc);
	wfc_target_dead(fc);
}

static void tell_state(struct weft_fc *fc)
{
	if (!fc->changed || !fc->opened)
		return;
	fc->changed = false;
	if (fc->params.state_cb)
		fc->params.state_cb(fc->params.arg, fc, &fc->info);
}

/* What waits for the device. */
static void push(struct weft_fc *fc)
{
	wfc_rport_run(fc);
	send_rscn(fc);
	wfc_pend_run(&fc->ls_pend);
	wfc_pend_run(&fc->target_pend);
	wfc_io_run(fc);
	wfc_abort_run(fc);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t move_on(void *arg, uint64_t now)
{
	struct weft_fc *fc = arg;
	uint64_t next = WFC_NEVER;
	bool more;

	check_dead(fc);
	more = wfc_work_run(fc);
	push(fc);
	tell_state(fc);
	if (fc->lport)
		next = earlier(next, nvme_fc_localport_poll(fc->lport, now));
	if (fc->tport)
		next = earlier(next, nvmet_fc_targetport_poll(fc->tport, now));
	push(fc); /* what the transports started */
	return more || !TAILQ_EMPTY(&fc->works) || (fc->changed && fc->opened) ? now : next;
}

/* --- opening ---------------------------------------------------------------------------------------- */

static int check_params(const struct weft_fc_params *p)
{
	const uint8_t known = WEFT_FCR_INITIATOR | WEFT_FCR_TARGET | WEFT_FCR_DISCOVERY;

	if (!p->wwnn || !p->wwpn || (p->mode != WEFT_FCM_NATIVE && p->mode != WEFT_FCM_VN2VN))
		return weft_set_error(-EINVAL, "a Fibre Channel port needs names and a mode");
	if ((p->roles & ~known) || !(p->roles & (WEFT_FCR_INITIATOR | WEFT_FCR_TARGET)))
		return weft_set_error(-EINVAL, "a Fibre Channel port is host, target, or both");
	if (p->max_queues > QUEUES_MAX)
		return weft_set_error(-EINVAL, "%u queues of an association; at most %u",
				      p->max_queues, QUEUES_MAX);
	return 0;
}

static int make_ls_pair(struct weft_fc *fc)
{
	struct weft_qp_params p = { .complete_cb = wfc_ls_complete,
				    .event_cb = on_event,
				    .fc_capsule_cb = wfc_ls_capsule,
				    .arg = fc,
				    .flags = WEFT_QP_FC | WEFT_QP_LS,
				    .vector = fc->params.vector,
				    .sq_log2 = WFC_LS_LOG2,
				    .icd_size = WFC_LS_BUF };

	return weft_qp_create(fc->dev, &p, &fc->ls_qp);
}

static int set_port(struct weft_fc *fc, uint8_t mode)
{
	const struct weft_fc_params *p = &fc->params;
	struct weft_arg_fc_port a = { .wwpn = p->wwpn,
				      .wwnn = p->wwnn,
				      .mode = mode,
				      .roles = p->roles,
				      .max_data = p->max_data,
				      .e_d_tov_ms = p->e_d_tov_ms,
				      .r_a_tov_ms = p->r_a_tov_ms,
				      .first_burst = p->first_burst,
				      .port_id = p->port_id };

	for (int i = 0; i < 6; i++)
		a.mac[i] = p->mac[i];
	return weft_admin(fc->dev, WEFT_OP_FC_PORT_SET, &a, sizeof(a), 0, NULL);
}

static struct weft_fc *new_fc(struct weft_dev *dev, const struct weft_fc_params *params)
{
	struct weft_fc *fc = calloc(1, sizeof(*fc));

	if (!fc)
		return NULL;
	fc->mem.alloc = mem_alloc;
	fc->mem.free = mem_free;
	fc->dev = dev;
	fc->params = *params;
	TAILQ_INIT(&fc->remotes);
	TAILQ_INIT(&fc->works);
	TAILQ_INIT(&fc->ls_pend);
	TAILQ_INIT(&fc->target_pend);
	TAILQ_INIT(&fc->aborts);
	TAILQ_INIT(&fc->queues);
	for (unsigned int i = 0; i < WEFT_N_RPORT; i++) {
		fc->rport[i].fc = fc;
		fc->rport[i].index = (uint16_t)i;
	}
	wfc_ls_init(fc);
	make_templates(fc);
	return fc;
}

int weft_fc_open(struct weft_dev *dev, const struct weft_fc_params *params, struct weft_fc **out)
{
	struct weft_fc *fc;
	int rc = check_params(params);

	if (rc)
		return rc;
	fc = new_fc(dev, params);
	if (!fc)
		return -ENOMEM;
	rc = make_ls_pair(fc);
	if (rc) {
		free(fc);
		return rc;
	}
	rc = weft_dev_add_poller(dev, move_on, fc);
	if (!rc && (params->roles & WEFT_FCR_TARGET)) {
		rc = register_target(fc);
		if (!rc)
			rc = wfc_target_init(fc);
	}
	if (!rc)
		rc = set_port(fc, params->mode); /* last: nothing that comes is missed */
	if (rc) {
		weft_fc_close(fc);
		return rc;
	}
	fc->opened = true;
	*out = fc;
	return 0;
}

/* --- closing ---------------------------------------------------------------------------------------- */

static bool idle(void *arg)
{
	const struct weft_fc *fc = arg;

	return !fc->lport && !fc->tport && !fc->n_held && !fc->aborts_out &&
	       TAILQ_EMPTY(&fc->queues) && TAILQ_EMPTY(&fc->aborts) && TAILQ_EMPTY(&fc->works) &&
	       wfc_ls_idle(fc);
}

/* A pair that is busy, since what was aborted lasts, goes later by itself. */
static void delete_pair(struct weft_qp *qp)
{
	if (qp && weft_qp_delete(qp) == -EBUSY)
		weft_qp_drop(qp);
}

static void forget(struct weft_fc *fc)
{
	wfc_rport_forget(fc);
	weft_admin_forget(fc->dev, on_rscn, fc);
	wfc_ls_forget(fc);
	wfc_target_forget(fc);
	wfc_io_forget(fc);
}

/* Polls until nothing is in use. A device that is gone keeps nothing up. */
static bool wind_up(struct weft_fc *fc)
{
	int rc = weft_dev_run(fc->dev, idle, fc, 0);

	for (int i = 0; rc == -ENODEV && i < GONE_POLLS && !idle(fc); i++)
		weft_dev_poll(fc->dev);
	return idle(fc);
}

void weft_fc_close(struct weft_fc *fc)
{
	bool clean;

	if (!fc)
		return;
	fc->closing = true;
	fc->params.state_cb = NULL;
	wfc_rport_close(fc);
	if (fc->lport)
		nvme_fc_unregister_localport(fc->lport);
	if (fc->tport)
		nvmet_fc_unregister_targetport(fc->tport);
	clean = wind_up(fc);
	if (!fc->dead)
		set_port(fc, WEFT_FCM_OFF);
	if (clean)
		clean = wind_up(fc); /* of what came before the port was off */
	weft_dev_remove_poller(fc->dev, move_on, fc);
	forget(fc);
	delete_pair(fc->target_qp);
	delete_pair(fc->ls_qp);
	fc->ls_qp = fc->target_qp = NULL;
	if (!clean)
		return; /* a transport still refers to it */
	wfc_target_fini(fc);
	free(fc);
}

/* --- what programs ask ------------------------------------------------------------------------------ */

struct nvme_fc_local_port *weft_fc_localport(struct weft_fc *fc)
{
	return fc->lport;
}

struct nvmet_fc_target_port *weft_fc_targetport(struct weft_fc *fc)
{
	return fc->tport;
}

int weft_fc_info(struct weft_fc *fc, struct weft_fc_info *info)
{
	*info = fc->info;
	return 0;
}

int weft_fc_rport(struct weft_fc *fc, unsigned int index, struct weft_fc_rport_info *info)
{
	const struct wfc_rport *r = &fc->rport[index % WEFT_N_RPORT];

	if (index >= WEFT_N_RPORT || !r->ready)
		return -ENOENT;
	*info = (struct weft_fc_rport_info){
		.wwnn = r->wwnn, .wwpn = r->wwpn, .port_id = r->port_id, .roles = r->roles
	};
	return 0;
}

int weft_fc_logout(struct weft_fc *fc, unsigned int index)
{
	struct weft_arg_fc_page a = { .index = (uint16_t)index };

	if (index >= WEFT_N_RPORT)
		return -ENOENT;
	return weft_admin(fc->dev, WEFT_OP_FC_LOGOUT, &a, sizeof(a), 0, NULL);
}

int weft_fc_stats(struct weft_fc *fc, uint16_t page, uint32_t val[3])
{
	struct weft_arg_fc_page a = { .page = page };
	struct weft_admin_result r;
	int rc = weft_admin(fc->dev, WEFT_OP_FC_PORT_GET, &a, sizeof(a), 0, &r);

	for (int i = 0; !rc && i < 3; i++)
		val[i] = r.dw[i];
	return rc;
}
