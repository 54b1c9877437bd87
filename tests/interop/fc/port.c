// SPDX-License-Identifier: GPL-2.0
/*
 * Remote ports. Each has one session at a time:
 *
 *	FOUND -- host: PLOGI sent --> PLOGI -- accepted, or the other side's --> PRLI
 *	PRLI -- PRLI through, with a role that is of use --> READY
 *
 * LOGO, PLOGI anew, a lost link, no more beacons or an ABTS without an answer end it: all exchanges
 * are lost, the transport is told. An entry belongs to its name for ever.
 */
#include "peer.h"

#define AGAIN_MS 2000

struct rport rports[N_RPORT];
bool is_host;

struct rport *port_by_id(u32 id)
{
	struct rport *rp;

	for (rp = rports; rp < rports + N_RPORT; rp++)
		if (rp->state && rp->id == id)
			return rp;
	return NULL;
}

struct rport *port_by_name(u64 wwpn)
{
	struct rport *rp;

	for (rp = rports; rp < rports + N_RPORT; rp++)
		if (rp->wwpn == wwpn)
			return rp;
	return NULL;
}

/* The port with this name, which is at this address now; NULL: too many. */
struct rport *port_get(u64 wwpn, u64 wwnn, u32 id, const u8 *mac)
{
	struct rport *rp = port_by_name(wwpn), *other = port_by_id(id);

	if (other && other != rp)
		port_forget(other, "another has its address");
	if (rp && rp->state && rp->id != id)
		port_forget(rp, "another address");
	if (!rp)
		rp = port_by_name(0);
	if (!rp)
		return NULL;
	rp->wwpn = wwpn;
	rp->wwnn = wwnn;
	rp->id = id;
	ether_addr_copy(rp->mac, mac);
	if (!rp->state) {
		rp->state = RP_FOUND;
		rp->beacons = false;
		rp->seen = rp->login_at = jiffies;
	}
	return rp;
}

bool port_ready(const struct rport *rp)
{
	return READ_ONCE(rp->state) == RP_READY;
}

/* PLOGI is through, from either side. A session that was there is over. */
void port_logged_in(struct rport *rp, const struct fc_els_flogi *p)
{
	if (rp->state > RP_PLOGI)
		port_gone(rp, "PLOGI anew", 0);
	rp->max_data = min_t(u32, ntohs(p->fl_cssp[2].cp_rdfs), DATA_MAX) & ~3;
	rp->wwnn = get_unaligned_be64(&p->fl_wwnn);
	rp->roles = 0;
	rp->login_at = jiffies;
	rp->state = RP_PRLI;
	stats[ST_LOGIN]++;
	pr_info("%016llx %06x logged in, %u bytes in a frame\n", rp->wwpn, rp->id, rp->max_data);
}

/* PRLI is through, from either side; params: the other side's service parameters. */
void port_prli(struct rport *rp, u32 params)
{
	int ret;

	rp->roles = (params & PRLI_INITIATOR ? FC_PORT_ROLE_NVME_INITIATOR : 0) |
		    (params & PRLI_TARGET ? FC_PORT_ROLE_NVME_TARGET : 0) |
		    (params & PRLI_DISCOVERY ? FC_PORT_ROLE_NVME_DISCOVERY : 0);
	pr_info("%016llx %06x roles %02x\n", rp->wwpn, rp->id, rp->roles);
	if (rp->state == RP_READY || !(params & (is_host ? PRLI_TARGET : PRLI_INITIATOR)))
		return;
	WRITE_ONCE(rp->state, RP_READY); /* the transport may begin before it returns */
	ret = is_host ? host_add(rp) : 0;
	if (!ret)
		return;
	rp->state = RP_PRLI;
	pr_err("%016llx is not registered: %d\n", rp->wwpn, ret);
}

/* The session is over; a host logs in again after a time. */
void port_gone(struct rport *rp, const char *why, unsigned int again_ms)
{
	enum rport_state was = rp->state;

	if (was <= RP_FOUND)
		return;
	WRITE_ONCE(rp->state, RP_FOUND);
	rp->check_at = 0;
	rp->login_at = jiffies + msecs_to_jiffies(again_ms);
	if (was > RP_PLOGI) {
		stats[ST_LOGOUT]++;
		pr_info("%016llx %06x session over: %s\n", rp->wwpn, rp->id, why);
	}
	if (was == RP_READY && is_host)
		host_remove(rp);
	xchg_lost(rp);
	if (was == RP_READY && !is_host)
		target_remove(rp);
}

void port_forget(struct rport *rp, const char *why)
{
	port_gone(rp, why, 0);
	if (rp->state)
		pr_info("%016llx %06x is gone: %s\n", rp->wwpn, rp->id, why);
	rp->state = RP_NONE;
}

void port_all_gone(const char *why)
{
	struct rport *rp;

	for (rp = rports; rp < rports + N_RPORT; rp++)
		port_forget(rp, why);
}

/* The target's disks have changed: a host that is logged in is told. */
void port_discovery(struct rport *rp)
{
	if (port_ready(rp))
		els_send(rp, ELS_RSCN);
}

static void login(struct rport *rp)
{
	bool plogi = rp->state == RP_FOUND;

	if (!own_id || rp->els.busy || !rp->beacons || time_before(jiffies, rp->login_at))
		return;
	if (!plogi && (rp->state != RP_PRLI || rp->roles))
		return;
	rp->login_at = jiffies + msecs_to_jiffies(AGAIN_MS);
	if (plogi)
		rp->state = RP_PLOGI;
	if (els_send(rp, plogi ? ELS_PLOGI : ELS_PRLI) && plogi)
		rp->state = RP_FOUND;
}

static void check(struct rport *rp)
{
	if (!rp->check_at || rp->els.busy || time_before(jiffies, rp->check_at))
		return;
	rp->check_at = 0;
	if (rp->state >= RP_PRLI)
		els_send(rp, ELS_ADISC);
}

/* A host logs in to whom it finds; a target waits. */
void port_tick(void)
{
	struct rport *rp;

	for (rp = rports; !closing && rp < rports + N_RPORT; rp++) {
		if (rp->state && is_host)
			login(rp);
		check(rp);
	}
}
