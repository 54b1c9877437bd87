/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of remote ports: those that we log in to, and those that log in to us. */
#include "fc/fc_int.h"

#include <string.h>

#include "fc_nvme/fcn.h"
#include "lib/log.h"

struct rport rports[WEFT_N_RPORT];
static uint32_t next_place;
static uint16_t last_hit;

void rport_init(void)
{
	memset(rports, 0, sizeof(rports));
	for (struct rport *rp = rports; rp < rports + WEFT_N_RPORT; rp++) {
		timer_setup(&rp->timer, session_timer);
		rp->xid = FC_XID_NONE;
	}
	next_place = 0;
	last_hit = 0;
}

const struct fc_rport *fc_rport(uint16_t index)
{
	return index < WEFT_N_RPORT && rports[index].pub.ready ? &rports[index].pub : NULL;
}

/* Asked for each command that comes: mostly it is the port that sent the one before. */
uint16_t fc_rport_by_id(uint32_t port_id)
{
	if (rports[last_hit].pub.port_id == port_id && rports[last_hit].pub.ready)
		return last_hit;
	for (uint16_t i = 0; i < WEFT_N_RPORT; i++)
		if (rports[i].pub.port_id == port_id && rports[i].pub.ready) {
			last_hit = i;
			return i;
		}
	return WEFT_N_RPORT;
}

struct rport *rport_by_id(uint32_t id)
{
	for (struct rport *rp = rports; rp < rports + WEFT_N_RPORT; rp++)
		if (rp->state != RP_FREE && rp->pub.port_id == id)
			return rp;
	return NULL;
}

struct rport *rport_by_wwpn(uint64_t wwpn)
{
	for (struct rport *rp = rports; rp < rports + WEFT_N_RPORT; rp++)
		if (rp->state != RP_FREE && rp->pub.wwpn == wwpn)
			return rp;
	return NULL;
}

/* A free place, the one that was free longest; else that of a port that has no NVMe for us. */
static struct rport *place(void)
{
	struct rport *idle = NULL;

	for (uint32_t i = 0; i < WEFT_N_RPORT; i++) {
		struct rport *rp = &rports[(next_place + i) % WEFT_N_RPORT];

		if (rp->state == RP_FREE) {
			next_place = rport_index(rp) + 1u;
			return rp;
		}
		if (!idle && rp->state == RP_LOGGED && !timer_pending(&rp->timer))
			idle = rp;
	}
	if (idle)
		session_logout(idle);
	return idle;
}

struct rport *rport_new(uint32_t id)
{
	struct rport *rp = place();

	if (!rp)
		return NULL;
	memset(&rp->pub, 0, sizeof(rp->pub));
	rp->pub.port_id = id;
	rp->state = RP_WAIT;
	rp->tries = 0;
	rp->listed = rp->found = rp->prli_seen = rp->check = false;
	return rp;
}

void rport_ready(struct rport *rp, uint8_t roles, uint32_t first_burst)
{
	/* Its own PRLI may say more of it than its answer to ours: told again, nothing has ended. */
	bool news = !rp->pub.ready || rp->pub.roles != roles || rp->pub.first_burst != first_burst;

	timer_cancel(&rp->timer);
	rp->state = RP_READY;
	rp->tries = 0;
	rp->pub.roles = roles;
	rp->pub.first_burst = first_burst;
	port_counters.logins += !rp->pub.ready;
	rp->pub.ready = true;
	if (!news)
		return;
	log_limited("fc: port %u ready, id %06x roles %x", rport_index(rp), rp->pub.port_id, roles);
	fcn_rport_changed(rport_index(rp), true);
}

void rport_reset(struct rport *rp, uint8_t state)
{
	bool was = rp->pub.ready;

	timer_cancel(&rp->timer);
	els_cancel(rp->xid);
	rp->xid = FC_XID_NONE;
	rp->state = state;
	rp->pub.ready = false;
	rp->pub.roles = 0;
	rp->pub.first_burst = 0;
	if (!was)
		return;
	log_limited("fc: port %u gone, id %06x", rport_index(rp), rp->pub.port_id);
	fcn_rport_changed(rport_index(rp), false);
}

void rport_free(struct rport *rp)
{
	rport_reset(rp, RP_FREE);
}

void rport_clear(void)
{
	for (struct rport *rp = rports; rp < rports + WEFT_N_RPORT; rp++)
		if (rp->state != RP_FREE)
			rport_free(rp);
}

uint32_t rport_count(void)
{
	uint32_t n = 0;

	for (struct rport *rp = rports; rp < rports + WEFT_N_RPORT; rp++)
		n += rport_logged_in(rp);
	return n;
}
