/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Remote ports: the adapter tells that one logged in or is gone, its names are asked for, then the
 * transports hear of it: the host's as a remote port, the target's, when a link service comes from
 * it, by a handle. What went and came back while names were on their way is asked for again.
 */
#include <errno.h>
#include <stdlib.h>

#include "fc.h"

static struct wfc_remote *remote_of(struct nvme_fc_remote_port *rport)
{
	return rport->private_;
}

/* --- the host's transport -------------------------------------------------------------------------- */

static uint32_t roles_of(const struct wfc_rport *r)
{
	return (r->roles & WEFT_FCR_INITIATOR ? FC_PORT_ROLE_NVME_INITIATOR : 0) |
	       (r->roles & WEFT_FCR_TARGET ? FC_PORT_ROLE_NVME_TARGET : 0) |
	       (r->roles & WEFT_FCR_DISCOVERY ? FC_PORT_ROLE_NVME_DISCOVERY : 0);
}

static void register_remote(struct wfc_rport *r)
{
	struct weft_fc *fc = r->fc;
	struct nvme_fc_port_info info = { .node_name = r->wwnn,
					  .port_name = r->wwpn,
					  .port_role = roles_of(r),
					  .port_id = r->port_id,
					  .dev_loss_tmo = fc->params.dev_loss_tmo };
	struct wfc_remote *rem;

	if (!fc->lport || fc->closing || !(r->roles & (WEFT_FCR_TARGET | WEFT_FCR_DISCOVERY)) ||
	    !(fc->params.roles & WEFT_FCR_INITIATOR))
		return;
	if (nvme_fc_register_remoteport(fc->lport, &info, &r->rport)) {
		r->rport = NULL; /* two ports that claim the same names, or no memory */
		return;
	}
	rem = remote_of(r->rport);
	if (!rem->rport) {
		rem->rport = r->rport;
		TAILQ_INSERT_TAIL(&fc->remotes, rem, link);
	}
	rem->at = r;
}

static void unregister_remote(struct wfc_rport *r)
{
	struct nvme_fc_remote_port *rport = r->rport;

	if (!rport)
		return;
	r->rport = NULL;
	remote_of(rport)->at = NULL;
	wfc_assoc_forget(remote_of(rport)); /* associations do not outlive the login */
	nvme_fc_unregister_remoteport(rport);
}

void wfc_remoteport_delete(struct nvme_fc_remote_port *rport)
{
	struct weft_fc *fc = wfc_of(rport->localport);
	struct wfc_remote *rem = remote_of(rport);

	TAILQ_REMOVE(&fc->remotes, rem, link);
	wfc_assoc_forget(rem);
	fc->n_remotes_deleted++;
}

void wfc_rport_register_all(struct weft_fc *fc)
{
	for (unsigned int i = 0; i < WEFT_N_RPORT; i++)
		if (fc->rport[i].ready && !fc->rport[i].rport)
			register_remote(&fc->rport[i]);
}

/* --- the target's transport ------------------------------------------------------------------------ */

struct wfc_host *wfc_host_of(struct wfc_rport *r)
{
	struct wfc_host *h = r->host;

	if (h || !r->ready)
		return h;
	h = malloc(sizeof(*h));
	if (!h)
		return NULL;
	*h = (struct wfc_host){ .wwnn = r->wwnn, .wwpn = r->wwpn, .fc = r->fc, .at = r };
	r->host = h;
	r->fc->n_hosts++;
	return h;
}

void wfc_host_release(void *handle)
{
	struct wfc_host *h = handle;

	h->fc->n_hosts--;
	free(h);
}

int wfc_host_traddr(void *handle, uint64_t *wwnn, uint64_t *wwpn)
{
	const struct wfc_host *h = handle;

	*wwnn = h->wwnn;
	*wwpn = h->wwpn;
	return 0;
}

static void lose_host(struct wfc_rport *r)
{
	struct wfc_host *h = r->host;

	if (!h)
		return;
	r->host = NULL;
	h->at = NULL;
	if (r->fc->tport)
		nvmet_fc_invalidate_host(r->fc->tport, h);
	else
		wfc_host_release(h);
}

/* --- names ------------------------------------------------------------------------------------------ */

static void on_page(void *arg, const struct weft_admin_result *result);

static void ask(struct wfc_rport *r)
{
	struct weft_arg_fc_page arg = { .index = r->index, .page = r->query == QUERY_NODE };

	if (r->asking || r->query == QUERY_NONE)
		return;
	if (weft_admin_submit(r->fc->dev, WEFT_OP_FC_RPORT_GET, &arg, sizeof(arg), on_page, r))
		r->fc->ask_again = true;
	else
		r->asking = true;
	r->stale = false;
}

/* It is there as a whole. */
static void named(struct wfc_rport *r)
{
	r->query = QUERY_NONE;
	r->ready = true;
	r->fc->info.rports++;
	r->fc->changed = true;
	register_remote(r);
	wfc_ls_names(r);
}

static void on_page(void *arg, const struct weft_admin_result *result)
{
	struct wfc_rport *r = arg;
	uint64_t name = result->dw[0] | (uint64_t)result->dw[1] << 32;

	r->asking = false;
	if (!r->there)
		return;
	if (r->stale) {
		ask(r);
	} else if (result->error == -ENOENT) {
		r->query = QUERY_NONE; /* the event that tells so is on its way */
	} else if (result->error) {
		r->query = QUERY_PORT;
		r->fc->ask_again = !r->fc->dead;
	} else if (r->query == QUERY_PORT) {
		r->wwpn = name;
		r->query = QUERY_NODE;
		ask(r);
	} else {
		r->wwnn = name;
		named(r);
	}
}

/* --- what the adapter tells ------------------------------------------------------------------------- */

void wfc_rport_lost(struct wfc_rport *r)
{
	if (!r->there)
		return;
	r->there = false;
	r->stale = true;
	r->query = QUERY_NONE;
	r->fc->info.rports -= r->ready;
	r->fc->changed |= r->ready;
	r->ready = false;
	unregister_remote(r);
	lose_host(r);
	wfc_ls_names(r);
}

void wfc_rport_event(struct weft_fc *fc, const struct weft_event *ev)
{
	uint32_t index = ev->dw1 & 0xffff, id = ev->dw2 & 0xffffff;
	bool there = ev->dw1 >> 16 & 1;
	uint8_t roles = (uint8_t)(ev->dw2 >> 24);
	struct wfc_rport *r;

	if (index >= WEFT_N_RPORT)
		return;
	r = &fc->rport[index];
	if (there && r->there && r->port_id == id && r->roles == roles)
		return;
	wfc_rport_lost(r); /* other roles, or another id: a new login */
	if (!there)
		return;
	r->there = true;
	r->port_id = id;
	r->roles = roles;
	r->query = QUERY_PORT;
	ask(r);
}

void wfc_rport_rescan(struct weft_fc *fc, uint32_t index)
{
	if (index < WEFT_N_RPORT && fc->rport[index].rport)
		nvme_fc_rescan_remoteport(fc->rport[index].rport);
}

void wfc_rport_run(struct weft_fc *fc)
{
	if (!fc->ask_again)
		return;
	fc->ask_again = false;
	for (unsigned int i = 0; i < WEFT_N_RPORT; i++)
		ask(&fc->rport[i]);
}

/* --- the end ---------------------------------------------------------------------------------------- */

/* Only a port that is there can be told not to be waited for: one that is lost comes back for that. */
static void give_up(struct weft_fc *fc, struct wfc_remote *rem)
{
	struct nvme_fc_remote_port *rport = rem->rport;
	struct nvme_fc_port_info info = { .node_name = rport->node_name,
					  .port_name = rport->port_name,
					  .port_role = rport->port_role,
					  .port_id = rport->port_id };

	if (rport->port_state != FC_OBJSTATE_ONLINE &&
	    nvme_fc_register_remoteport(fc->lport, &info, &rport))
		return;
	nvme_fc_set_remoteport_devloss(rport, 0);
	if (rem->at)
		rem->at->rport = NULL;
	rem->at = NULL;
	nvme_fc_unregister_remoteport(rport);
}

void wfc_rport_close(struct weft_fc *fc)
{
	struct wfc_remote *rem;

	TAILQ_FOREACH(rem, &fc->remotes, link)
	give_up(fc, rem);
	for (unsigned int i = 0; i < WEFT_N_RPORT; i++)
		lose_host(&fc->rport[i]);
}

void wfc_rport_forget(struct weft_fc *fc)
{
	for (unsigned int i = 0; i < WEFT_N_RPORT; i++)
		weft_admin_forget(fc->dev, on_page, &fc->rport[i]);
}
