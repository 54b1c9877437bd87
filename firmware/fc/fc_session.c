/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The session with a remote port as far as we drive it: PLOGI, PRLI, ADISC, LOGO. A host asks for
 * PRLI as soon as the login is there; a target waits for it, at the other end of a cable not for
 * ever. What fails is tried again after a wait that doubles; after TRIES of them the port is left
 * alone until something tells of it again.
 */
#include "fc/fc_int.h"

#include <string.h>

#include "fc_nvme/fcn.h"
#include "lib/log.h"

#define TRIES 6u
#define SOON_MS 2u
#define STRANGER_MS 100u /* between two LOGOs to who is not logged in */

static bool request(struct rport *rp, const uint8_t *p, uint32_t len, uint32_t timeout_ms,
		    els_fn *done)
{
	const struct els_request r = { .d_id = rp->pub.port_id,
				       .payload = p,
				       .len = len,
				       .timeout_ms = timeout_ms,
				       .done = done,
				       .arg = rport_index(rp) };

	rp->xid = els_send(&r);
	return rp->xid != FC_XID_NONE;
}

static struct rport *answered(uint32_t arg)
{
	rports[arg].xid = FC_XID_NONE;
	return &rports[arg];
}

static void after(struct rport *rp, uint32_t ms)
{
	timer_set(&rp->timer, clk_now() + clk_ms(ms));
}

static void wait_login(struct rport *rp, uint32_t ms)
{
	rport_reset(rp, RP_WAIT);
	after(rp, ms);
}

static void give_up(struct rport *rp)
{
	log_limited("fc: port id %06x given up", rp->pub.port_id);
	if (fc_port.topology == WEFT_FCT_PTP) { /* there is nobody else: from the start */
		login_stop();
		login_start();
		return;
	}
	rport_free(rp);
}

static void back_off(struct rport *rp)
{
	if (++rp->tries > TRIES)
		give_up(rp);
	else
		wait_login(rp, fc_port.e_d_tov_ms / 2 << (rp->tries - 1));
}

static bool busy(const struct els_answer *a)
{
	return a->reason == RJT_BUSY || a->explan == EXP_RESOURCES;
}

static void logo(uint32_t d_id)
{
	uint8_t p[16] = { ELS_LOGO };
	const struct els_request r = {
		.d_id = d_id, .payload = p, .len = sizeof(p), .timeout_ms = 2 * fc_port.e_d_tov_ms
	};

	put_be24(p + 5, fc_port.port_id);
	put_be64(p + 8, fc_port.wwpn);
	(void)els_send(&r); /* best effort: who has no room forgets us by himself */
}

/* --- PRLI ---------------------------------------------------------------------------------------- */

static void prli(struct rport *rp);

static bool prli_accepted(struct rport *rp, const struct els_answer *a)
{
	struct fc_prli pr;

	if (a->len < PRLI_LEN)
		return false;
	param_get_prli(a->payload, &pr);
	if (pr.type != TYPE_NVME)
		return false;
	if (pr.response == PRLI_NOT_YET) {
		rp->state = RP_LOGGED;
		after(rp, fc_port.e_d_tov_ms / 2);
		return true;
	}
	if (pr.response != PRLI_EXECUTED || !pr.roles)
		return false;
	rport_ready(rp, pr.roles, param_burst(&pr));
	return true;
}

static void prli_done(uint32_t arg, const struct els_answer *a)
{
	struct rport *rp = answered(arg);

	if (rp->state != RP_PRLI) /* its own PRLI was faster; ours only says the same */
		return;
	rp->state = RP_LOGGED;
	switch (a->result) {
	case ELS_DONE:
		if (!prli_accepted(rp, a))
			log_limited("fc: no NVMe at %06x", rp->pub.port_id);
		break;
	case ELS_UNSENT:
		after(rp, SOON_MS);
		break;
	case ELS_TIMEOUT:
		back_off(rp);
		break;
	default:
		if (a->explan == EXP_LOGIN)
			back_off(rp);
		else if (busy(a) && ++rp->tries <= TRIES)
			after(rp, fc_port.e_d_tov_ms / 2 << (rp->tries - 1));
		else
			log_limited("fc: PRLI refused by %06x, reason %x explanation %x",
				    rp->pub.port_id, a->reason, a->explan);
	}
}

static void prli(struct rport *rp)
{
	uint8_t p[PRLI_LEN];

	param_put_prli(p, ELS_PRLI, 0, fc_port.first_burst, fc_port.first_burst);
	rp->state = RP_PRLI;
	if (request(rp, p, sizeof(p), 2 * fc_port.e_d_tov_ms, prli_done))
		return;
	rp->state = RP_LOGGED;
	after(rp, fc_port.e_d_tov_ms);
}

void session_logged(struct rport *rp)
{
	rp->state = RP_LOGGED;
	rp->prli_seen = false;
	if (fc_port.roles & WEFT_FCR_INITIATOR)
		prli(rp);
	else if (fc_port.topology == WEFT_FCT_PTP)
		after(rp, 2 * fc_port.e_d_tov_ms);
}

/* --- PLOGI --------------------------------------------------------------------------------------- */

bool session_take(struct rport *rp, const struct fc_login *l)
{
	uint32_t max_data = param_max_data(l);
	struct rport *other;

	if (!l->class3 || max_data < 256 || !l->wwpn || l->wwpn == fc_port.wwpn)
		return false;
	other = rport_by_wwpn(l->wwpn);
	if (other && other != rp) /* the port moved */
		rport_free(other);
	rp->pub.wwpn = l->wwpn;
	rp->pub.wwnn = l->wwnn;
	rp->pub.max_data = (uint16_t)max_data;
	if (fc_port.topology == WEFT_FCT_PTP)
		link_credit(l->bb_credit);
	return true;
}

static void plogi_done(uint32_t arg, const struct els_answer *a)
{
	struct rport *rp = answered(arg);
	struct fc_login l;

	if (a->result == ELS_UNSENT) {
		wait_login(rp, SOON_MS);
		return;
	}
	if (a->result == ELS_REFUSED &&
	    (a->reason == RJT_IN_PROGRESS || a->explan == EXP_IN_PROGRESS)) {
		wait_login(rp, fc_port.e_d_tov_ms); /* both asked: its PLOGI goes first */
		return;
	}
	if (a->result == ELS_DONE && a->len >= LOGIN_LEN) {
		param_get_login(a->payload, &l);
		if (session_take(rp, &l)) {
			session_logged(rp);
			return;
		}
		logo(rp->pub.port_id);
	}
	log_limited("fc: PLOGI to %06x failed, %u reason %x explanation %x", rp->pub.port_id,
		    a->result, a->reason, a->explan);
	back_off(rp);
}

static void plogi(struct rport *rp)
{
	uint8_t p[LOGIN_LEN];

	param_put_login(p, ELS_PLOGI, ELS_PLOGI);
	rp->state = RP_PLOGI;
	if (!request(rp, p, sizeof(p), 2 * fc_port.e_d_tov_ms, plogi_done))
		wait_login(rp, fc_port.e_d_tov_ms);
}

/* On a fabric the name server is asked first whether the port is still that port. */
void session_login(struct rport *rp)
{
	rport_reset(rp, RP_NAME);
	if (fc_port.topology != WEFT_FCT_FABRIC)
		plogi(rp);
	else if (!ns_ask_name(rp))
		wait_login(rp, fc_port.e_d_tov_ms);
}

/* --- the session's end, and doubts about it ------------------------------------------------------ */

void session_again(struct rport *rp)
{
	if ((fc_port.roles & WEFT_FCR_INITIATOR) && rp->listed)
		back_off(rp);
	else
		rport_free(rp);
}

void session_logout(struct rport *rp)
{
	uint32_t id = rp->pub.port_id;

	rport_free(rp);
	logo(id);
}

/* A login that only the other side knows of came from a lost LOGO, or from our side giving up. */
void fc_stranger(uint32_t s_id)
{
	static uint32_t last;
	uint32_t now = clk_now();
	struct rport *rp = rport_by_id(s_id);

	if (fc_port.state != WEFT_FCS_UP || !fc_id_ok(s_id) || s_id == fc_port.port_id ||
	    now - last < clk_ms(STRANGER_MS))
		return;
	last = now;
	if (!rp)
		logo(s_id);
	else if (rp->state == RP_LOGGED && rp->xid == FC_XID_NONE && !timer_pending(&rp->timer))
		session_logout(rp); /* what is under way tells it anyway */
}

static void lost(struct rport *rp)
{
	log_limited("fc: login with %06x is no longer good", rp->pub.port_id);
	if ((fc_port.roles & WEFT_FCR_INITIATOR) && rp->listed)
		session_login(rp);
	else
		rport_free(rp);
}

/* We could not ask: that says nothing about the other side. */
static void verify_later(struct rport *rp, uint32_t ms)
{
	if (rp->state == RP_READY)
		after(rp, ms);
}

static void adisc_done(uint32_t arg, const struct els_answer *a)
{
	struct rport *rp = answered(arg);

	if (a->result == ELS_UNSENT) {
		verify_later(rp, SOON_MS);
		return;
	}
	if (a->result != ELS_DONE || a->len < 28 || get_be64(a->payload + 8) != rp->pub.wwpn ||
	    get_be24(a->payload + 25) != rp->pub.port_id) {
		lost(rp);
		return;
	}
	if (rp->check && rp->pub.ready)
		fcn_rport_rscn(rport_index(rp));
	rp->check = false;
}

static void adisc(struct rport *rp)
{
	uint8_t p[28] = { ELS_ADISC };

	put_be64(p + 8, fc_port.wwpn);
	put_be64(p + 16, fc_port.wwnn);
	put_be24(p + 25, fc_port.port_id);
	if (!request(rp, p, sizeof(p), 2 * fc_port.e_d_tov_ms, adisc_done))
		verify_later(rp, fc_port.e_d_tov_ms);
}

void session_verify(struct rport *rp)
{
	if (!rport_logged_in(rp) || rp->xid != FC_XID_NONE) /* what is open will tell */
		return;
	if (fc_port.topology != WEFT_FCT_FABRIC)
		adisc(rp);
	else if (!ns_ask_name(rp))
		verify_later(rp, fc_port.e_d_tov_ms);
}

/* Of a port that we are logged in to: the name server no longer knows it, or knows another one there. */
static void doubt(struct rport *rp, enum els_result result, uint64_t wwpn)
{
	if (result == ELS_REFUSED)
		rport_free(rp);
	else if (result == ELS_DONE && rp->pub.wwpn != wwpn)
		lost(rp);
	else
		adisc(rp);
}

void session_named(struct rport *rp, enum els_result result, uint64_t wwpn)
{
	rp->xid = FC_XID_NONE;
	if (rport_logged_in(rp))
		doubt(rp, result, wwpn);
	else if (result == ELS_REFUSED || (result == ELS_DONE && wwpn == fc_port.wwpn))
		rport_free(rp);
	else if (result == ELS_DONE)
		plogi(rp);
	else if (result == ELS_UNSENT)
		wait_login(rp, SOON_MS);
	else
		back_off(rp);
}

bool session_rscn(uint32_t d_id)
{
	uint8_t p[8] = { ELS_RSCN, 4, 0, 8 };
	const struct els_request r = {
		.d_id = d_id, .payload = p, .len = sizeof(p), .timeout_ms = 2 * fc_port.e_d_tov_ms
	};

	put_be24(p + 5, fc_port.port_id);
	return els_send(&r) != FC_XID_NONE;
}

void session_timer(struct timer *t)
{
	struct rport *rp = list_entry(&t->node, struct rport, timer.node);

	if (rp->state == RP_WAIT)
		session_login(rp);
	else if (rp->state == RP_LOGGED)
		prli(rp);
	else if (rp->state == RP_READY)
		session_verify(rp);
}
