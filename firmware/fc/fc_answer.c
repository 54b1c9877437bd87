/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Link services that others ask of us. Each is checked for its length, its sender and, where it
 * needs one, for a login; then answered with LS_ACC or an LS_RJT that says why not.
 */
#include "fc/fc_int.h"

#include <string.h>

#include "fc_nvme/fcn.h"
#include "lib/log.h"

#define RSCN_PAGES ((FC_LS_MAX - 4) / 4)

struct request {
	const struct fc_hdr *h;
	const uint8_t *p;
	uint32_t len, total;
	struct rport *rp; /* of the sender, logged in; NULL */
};

static void accept(const struct request *r)
{
	static const uint8_t p[4] = { ELS_LS_ACC };

	els_accept(r->h, p, sizeof(p));
}

/* --- logins ------------------------------------------------------------------------------------- */

static void on_flogi(const struct request *r)
{
	login_flogi(r->h, r->p);
}

static void accept_login(const struct request *r)
{
	uint8_t p[LOGIN_LEN];

	param_put_login(p, ELS_LS_ACC, ELS_PLOGI);
	els_accept(r->h, p, sizeof(p));
}

/* The port may be known by its address, by its name, by both in different places, or not at all. */
static struct rport *login_place(const struct request *r, const struct fc_login *l)
{
	struct rport *rp = rport_by_id(r->h->s_id);

	if (rp)
		rport_reset(rp, RP_WAIT);
	else
		rp = rport_new(r->h->s_id);
	if (!rp)
		els_reject(r->h, RJT_UNABLE, EXP_RESOURCES);
	else if (session_take(rp, l))
		return rp;
	else
		els_reject(r->h, RJT_LOGIC, EXP_PARAMS);
	if (rp)
		rport_free(rp);
	return NULL;
}

static void on_plogi(const struct request *r)
{
	struct rport *rp = rport_by_id(r->h->s_id);
	struct fc_login l;

	param_get_login(r->p, &l);
	if (!fc_id_ok(r->h->s_id)) {
		els_reject(r->h, RJT_LOGIC, EXP_NONE);
		return;
	}
	if (fc_port.state != WEFT_FCS_UP && !login_adopt(r->h->d_id, r->h->s_id, l.wwpn)) {
		els_reject(r->h, RJT_BUSY, EXP_NONE);
		return;
	}
	/* Both ask at once: the one with the higher name goes on. */
	if (rp && rp->state == RP_PLOGI && fc_port.wwpn > l.wwpn) {
		els_reject(r->h, RJT_UNABLE, EXP_IN_PROGRESS);
		return;
	}
	rp = login_place(r, &l);
	if (!rp)
		return;
	if (fc_port.topology == WEFT_FCT_PTP)
		rp->listed = true;
	accept_login(r);
	session_logged(rp);
}

static void on_pdisc(const struct request *r)
{
	struct fc_login l;

	param_get_login(r->p, &l);
	if (l.wwpn != r->rp->pub.wwpn)
		els_reject(r->h, RJT_UNABLE, EXP_LOGIN);
	else
		accept_login(r);
}

static void on_adisc(const struct request *r)
{
	uint8_t p[28] = { ELS_LS_ACC };

	if (get_be64(r->p + 8) != r->rp->pub.wwpn || get_be64(r->p + 16) != r->rp->pub.wwnn ||
	    get_be24(r->p + 25) != r->h->s_id) {
		els_reject(r->h, RJT_UNABLE, EXP_LOGIN);
		session_logout(r->rp); /* another port has that address now */
		return;
	}
	put_be64(p + 8, fc_port.wwpn);
	put_be64(p + 16, fc_port.wwnn);
	put_be24(p + 25, fc_port.port_id);
	els_accept(r->h, p, sizeof(p));
}

static void on_logo(const struct request *r)
{
	struct rport *rp = rport_by_id(r->h->s_id);

	accept(r);
	if (rp && rp->pub.wwpn && rp->pub.wwpn != get_be64(r->p + 8))
		return; /* it speaks of a port that is no longer there */
	if (r->h->s_id == FC_ID_FABRIC && fc_port.topology == WEFT_FCT_FABRIC) {
		login_stop();
		login_start();
	} else if (r->h->s_id == FC_ID_NAMES) {
		ns_gone();
	} else if (rp && rport_logged_in(rp)) {
		session_again(rp);
	}
}

/* --- processes ---------------------------------------------------------------------------------- */

/* A port that is ready and asks once more has lost its process: what was open on it is lost, too. */
static void prli_accept(struct rport *rp, const struct fc_prli *pr)
{
	if (rp->state == RP_READY && rp->prli_seen)
		rport_reset(rp, RP_LOGGED);
	rp->prli_seen = true;
	rport_ready(rp, pr->roles, param_burst(pr));
}

static void on_prli(const struct request *r)
{
	uint8_t p[PRLI_LEN];
	struct fc_prli pr;
	uint32_t burst;

	if (r->len < 20 || get_be16(r->p + 2) != r->total || r->p[1] < 16) {
		els_reject(r->h, RJT_PROTOCOL, EXP_LENGTH);
		return;
	}
	if (r->p[4] != TYPE_NVME) { /* FCP: libfc offers nothing else */
		els_reject(r->h, RJT_UNSUPPORTED, EXP_UNSUPPORTED);
		return;
	}
	if (r->len < PRLI_LEN || r->p[1] != PRLI_LEN - 4) {
		els_reject(r->h, RJT_PROTOCOL, EXP_LENGTH);
		return;
	}
	param_get_prli(r->p, &pr);
	burst = param_burst(&pr);
	param_put_prli(p, ELS_LS_ACC, pr.roles ? PRLI_EXECUTED : PRLI_INVALID, burst, burst);
	els_accept(r->h, p, sizeof(p));
	if (pr.roles)
		prli_accept(r->rp, &pr);
}

static void on_prlo(const struct request *r)
{
	uint8_t p[20];

	if (r->p[1] != 16 || get_be16(r->p + 2) != 20) {
		els_reject(r->h, RJT_PROTOCOL, EXP_LENGTH);
		return;
	}
	memcpy(p, r->p, sizeof(p));
	p[0] = ELS_LS_ACC;
	p[6] = r->p[4] == TYPE_NVME && r->rp->pub.ready ? PRLI_EXECUTED : PRLI_NO_PAIR;
	els_accept(r->h, p, sizeof(p));
	if (r->p[4] != TYPE_NVME || !r->rp->pub.ready)
		return;
	rport_reset(r->rp, RP_LOGGED);
	if (fc_port.roles & WEFT_FCR_INITIATOR)
		timer_set(&r->rp->timer, clk_now() + clk_ms(fc_port.e_d_tov_ms));
}

/* --- what only asks ----------------------------------------------------------------------------- */

static void on_rtv(const struct request *r)
{
	uint8_t p[16] = { ELS_LS_ACC };

	put_be32(p + 4, fc_port.r_a_tov_ms);
	put_be32(p + 8, fc_port.e_d_tov_ms);
	els_accept(r->h, p, sizeof(p));
}

static void on_rls(const struct request *r)
{
	uint8_t p[28] = { ELS_LS_ACC };

	put_be32(p + 4, port_counters.link_failures);
	els_accept(r->h, p, sizeof(p));
}

static void on_echo(const struct request *r)
{
	uint8_t p[FC_LS_MAX];

	if (r->total > sizeof(p) || r->len != r->total) {
		els_reject(r->h, RJT_UNABLE, EXP_LENGTH);
		return;
	}
	memcpy(p, r->p, r->len);
	put_be32(p, (uint32_t)ELS_LS_ACC << 24);
	els_accept(r->h, p, r->len);
}

/* Nothing of ours waits for it: an id of an aborted exchange rests for R_A_TOV whatever the other side says. */
static void on_rrq(const struct request *r)
{
	uint32_t originator = get_be24(r->p + 5);

	if (originator != r->h->s_id && originator != fc_port.port_id)
		els_reject(r->h, RJT_UNABLE, EXP_XID);
	else
		accept(r);
}

static void on_nothing(const struct request *r)
{
	(void)r;
}

/* --- RSCN --------------------------------------------------------------------------------------- */

static void on_rscn(const struct request *r)
{
	uint32_t said = get_be16(r->p + 2), count = (r->len - 4) / 4;

	if (r->p[1] != 4 || said != r->total || said < 8 || said % 4) {
		els_reject(r->h, RJT_PROTOCOL, EXP_LENGTH);
		return;
	}
	if (fc_port.topology == WEFT_FCT_FABRIC) {
		accept(r);
		/* The end of a long list was not seen: then anything may have changed. */
		ns_rscn(r->p + 4, r->len < r->total ? 0 : count);
		return;
	}
	if (!r->rp) {
		els_reject(r->h, RJT_UNABLE, EXP_LOGIN);
		return;
	}
	accept(r);
	if (r->rp->pub.ready)
		fcn_rport_rscn(rport_index(r->rp));
}

/* --- the table ---------------------------------------------------------------------------------- */

static const struct service {
	uint8_t cmd;
	uint8_t len; /* least */
	bool exact;  /* and most */
	bool login;  /* only from a port that is logged in */
	bool before; /* also while we have no address */
	void (*fn)(const struct request *r);
} services[] = {
	{ ELS_FLOGI, LOGIN_LEN, false, false, true, on_flogi },
	{ ELS_PLOGI, LOGIN_LEN, false, false, true, on_plogi },
	{ ELS_PDISC, LOGIN_LEN, false, true, false, on_pdisc },
	{ ELS_LOGO, 16, true, false, false, on_logo },
	{ ELS_PRLI, 8, false, true, false, on_prli },
	{ ELS_PRLO, 20, true, true, false, on_prlo },
	{ ELS_ADISC, 28, true, true, false, on_adisc },
	{ ELS_RTV, 4, true, false, false, on_rtv },
	{ ELS_RLS, 8, true, false, false, on_rls },
	{ ELS_RRQ, 12, true, true, false, on_rrq },
	{ ELS_ECHO, 4, false, false, false, on_echo },
	{ ELS_RSCN, 8, false, false, false, on_rscn },
	/* These two have no answer. */
	{ ELS_TEST, 4, false, false, false, on_nothing },
	{ ELS_FPIN, 4, false, false, false, on_nothing },
};

static const struct service *find(uint8_t cmd)
{
	for (const struct service *s = services;
	     s < services + sizeof(services) / sizeof(services[0]); s++)
		if (s->cmd == cmd)
			return s;
	return NULL;
}

/* From somebody else, to us. Only logins may come before we have an address. */
static bool addressed(const struct fc_hdr *h, const struct service *s)
{
	if (s && s->cmd == ELS_FLOGI)
		return h->d_id == FC_ID_FABRIC;
	if (!h->s_id || h->s_id == fc_port.port_id)
		return false;
	if (fc_port.state == WEFT_FCS_UP)
		return h->d_id == fc_port.port_id;
	return s && s->before && fc_port.mode == WEFT_FCM_NATIVE;
}

void answer_request(const struct fc_hdr *h, const uint8_t *p, uint32_t len, uint32_t total)
{
	const struct service *s = find(p[0]);
	struct request r = { .h = h, .p = p, .len = len, .total = total };

	if (!addressed(h, s))
		return;
	port_counters.exchanges++;
	r.rp = rport_by_id(h->s_id);
	if (r.rp && !rport_logged_in(r.rp))
		r.rp = NULL;
	if (!s) {
		log_limited("fc: link service %x of %06x refused", p[0], h->s_id);
		els_reject(h, RJT_UNSUPPORTED, EXP_UNSUPPORTED);
	} else if (len < s->len || (s->exact && total != s->len)) {
		els_reject(h, RJT_PROTOCOL, EXP_LENGTH);
	} else if (s->login && !r.rp) {
		els_reject(h, RJT_UNABLE, EXP_LOGIN);
	} else {
		s->fn(&r);
	}
}
