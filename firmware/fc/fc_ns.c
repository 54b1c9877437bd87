/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fabric's services: login to the name server, registration, state change notification, and
 * for a host the search for ports with NVMe.
 *
 *	PLOGI -> RNN_ID -> RFT_ID -> RFF_ID -> SCR -> [GID_FT] -> IDLE -- RSCN, a little later --> GID_FT
 *
 * A step that gets no answer is tried again, then all of it anew. A refused registration is no
 * reason to stop: what is there still works.
 */
#include "fc/fc_int.h"

#include <string.h>

#include "lib/log.h"

#define GS_DIRECTORY 0xfcu
#define GS_NAMES 0x02u
#define CT_GPN_ID 0x0112u
#define CT_GID_FT 0x0171u
#define CT_RNN_ID 0x0213u
#define CT_RFT_ID 0x0217u
#define CT_RFF_ID 0x021fu
#define LAST_ENTRY 0x80u
#define TRIES 4u
#define SETTLE_MS 20u /* RSCNs come in flocks */
#define SCAN_WORDS ((FC_LS_MAX - CT_HEAD) / 4)

enum ns_state { NS_OFF, NS_PLOGI, NS_RNN, NS_RFT, NS_RFF, NS_SCR, NS_SCAN, NS_IDLE };

static struct {
	struct timer timer; /* the step again; IDLE: the search after an RSCN */
	uint16_t xid;
	uint8_t state, tries;
	bool changed; /* an RSCN came while a search was under way */
} ns;

static void step(void);

static bool scans(void)
{
	return fc_port.roles & WEFT_FCR_INITIATOR;
}

static void after(uint32_t ms)
{
	timer_set(&ns.timer, clk_now() + clk_ms(ms));
}

/* --- the lists --------------------------------------------------------------------------------- */

static void verify_marked(void)
{
	for (struct rport *rp = rports; rp < rports + WEFT_N_RPORT; rp++)
		if (rp->state != RP_FREE && rp->check)
			session_verify(rp);
}

static void found(uint32_t id)
{
	struct rport *rp;

	if (!fc_id_ok(id) || id == fc_port.port_id)
		return;
	rp = rport_by_id(id);
	if (rp) {
		rp->listed = rp->found = true;
		return;
	}
	rp = rport_new(id);
	if (!rp) {
		log_limited("fc: no room for port id %06x", id);
		return;
	}
	rp->listed = rp->found = true;
	session_login(rp);
}

/* True: the list was whole, so that who is not in it is gone. */
static bool read_list(const uint8_t *p, uint32_t len)
{
	for (uint32_t i = 0; i + 4 <= len; i += 4) {
		found(get_be24(p + i + 1));
		if (p[i] & LAST_ENTRY)
			return true;
	}
	return false;
}

static void scanned(const struct els_answer *a)
{
	/* It refuses when there is no port of that type; any other reason says nothing about ports. */
	bool whole = a->result == ELS_REFUSED && a->reason == RJT_UNABLE;

	for (struct rport *rp = rports; rp < rports + WEFT_N_RPORT; rp++)
		rp->found = false;
	if (a->result == ELS_DONE)
		whole = read_list(a->payload, a->len);
	for (struct rport *rp = rports; whole && rp < rports + WEFT_N_RPORT; rp++) {
		if (rp->state == RP_FREE || !rp->listed || rp->found)
			continue;
		if (rport_logged_in(rp))
			session_logout(rp);
		else
			rport_free(rp);
	}
	verify_marked();
}

/* --- the steps --------------------------------------------------------------------------------- */

static void next(void)
{
	ns.tries = 0;
	ns.state++;
	if (ns.state == NS_SCAN && !scans())
		ns.state = NS_IDLE;
	if (ns.state != NS_IDLE) {
		step();
	} else if (ns.changed) {
		ns.changed = false;
		after(SETTLE_MS);
	}
}

static void failed(void)
{
	if (++ns.tries > TRIES) {
		log_limited("fc: no answer of the name server, step %u", ns.state);
		ns.tries = 0;
		ns.state = NS_PLOGI;
	}
	after(fc_port.e_d_tov_ms);
}

static void done(uint32_t arg, const struct els_answer *a)
{
	(void)arg;
	ns.xid = FC_XID_NONE;
	if (a->result == ELS_UNSENT || a->result == ELS_TIMEOUT || a->reason == RJT_BUSY) {
		failed();
		return;
	}
	if (a->result == ELS_REFUSED && (ns.state == NS_PLOGI || a->explan == EXP_LOGIN)) {
		ns.state = NS_PLOGI;
		failed();
		return;
	}
	if (a->result == ELS_REFUSED)
		log_limited("fc: name server refuses step %u, reason %x explanation %x", ns.state,
			    a->reason, a->explan);
	if (ns.state == NS_SCAN)
		scanned(a);
	next();
}

static void ct_head(uint8_t *p, uint16_t cmd, uint32_t max_words)
{
	p[0] = 1;
	p[4] = GS_DIRECTORY;
	p[5] = GS_NAMES;
	put_be16(p + 8, cmd);
	put_be16(p + 10, max_words);
}

static uint8_t features(void)
{
	return (uint8_t)((fc_port.roles & WEFT_FCR_TARGET ? 1 : 0) |
			 (fc_port.roles & WEFT_FCR_INITIATOR ? 2 : 0) |
			 (fc_port.roles & WEFT_FCR_DISCOVERY ? 4 : 0));
}

static uint32_t build(uint8_t p[LOGIN_LEN])
{
	uint8_t *body = p + CT_HEAD;

	put_be32(body, fc_port.port_id);
	switch (ns.state) {
	case NS_RNN:
		ct_head(p, CT_RNN_ID, 0);
		put_be64(body + 4, fc_port.wwnn);
		return CT_HEAD + 12;
	case NS_RFT:
		ct_head(p, CT_RFT_ID, 0);
		put_be32(body + 4 + TYPE_NVME / 32 * 4, 1u << TYPE_NVME % 32);
		return CT_HEAD + 36;
	case NS_RFF:
		ct_head(p, CT_RFF_ID, 0);
		body[6] = features();
		body[7] = TYPE_NVME;
		return CT_HEAD + 8;
	case NS_SCAN:
		ct_head(p, CT_GID_FT, SCAN_WORDS);
		put_be32(body, TYPE_NVME);
		return CT_HEAD + 4;
	case NS_SCR:
		memset(p, 0, 8 + CT_HEAD);
		p[0] = ELS_SCR;
		p[7] = 3; /* all there is */
		return 8;
	default:
		param_put_login(p, ELS_PLOGI, ELS_PLOGI);
		return LOGIN_LEN;
	}
}

static void step(void)
{
	uint8_t p[LOGIN_LEN] = { 0 };
	const struct els_request r = { .d_id = ns.state == NS_SCR ? FC_ID_CONTROLLER : FC_ID_NAMES,
				       .payload = p,
				       .len = build(p),
				       .timeout_ms = 2 * fc_port.e_d_tov_ms,
				       .ct = ns.state != NS_PLOGI && ns.state != NS_SCR,
				       .done = done };

	ns.xid = els_send(&r);
	if (ns.xid == FC_XID_NONE)
		failed();
}

static void due(struct timer *t)
{
	(void)t;
	if (ns.state != NS_IDLE) {
		step();
	} else if (scans()) {
		ns.state = NS_SCAN;
		step();
	} else {
		verify_marked();
	}
}

void ns_init(void)
{
	memset(&ns, 0, sizeof(ns));
	timer_setup(&ns.timer, due);
	ns.xid = FC_XID_NONE;
}

void ns_stop(void)
{
	timer_cancel(&ns.timer);
	els_cancel(ns.xid);
	ns.xid = FC_XID_NONE;
	ns.state = NS_OFF;
	ns.changed = false;
}

void ns_start(void)
{
	ns_stop();
	ns.state = NS_PLOGI;
	ns.tries = 0;
	step();
}

void ns_gone(void)
{
	if (ns.state != NS_OFF)
		ns_start();
}

/* --- state changes ----------------------------------------------------------------------------- */

static bool concerns(const uint8_t *page, uint32_t id)
{
	static const uint8_t shift[4] = { 0, 8, 16, 24 }; /* port, area, domain, fabric */
	uint32_t s = shift[page[0] & 3];

	return get_be24(page + 1) >> s == id >> s;
}

static void mark(const uint8_t *page)
{
	for (struct rport *rp = rports; rp < rports + WEFT_N_RPORT; rp++)
		if (rport_logged_in(rp) && (!page || concerns(page, rp->pub.port_id)))
			rp->check = true;
}

void ns_rscn(const uint8_t *pages, uint32_t count)
{
	if (!count)
		mark(NULL);
	for (uint32_t i = 0; i < count; i++)
		mark(pages + 4 * i);
	if (ns.state == NS_IDLE)
		after(SETTLE_MS);
	else
		ns.changed = true;
}

/* Only a plain refusal says that there is no such port. */
static enum els_result name_result(const struct els_answer *a)
{
	if (a->result == ELS_DONE && a->len < 8)
		return ELS_TIMEOUT;
	if (a->result == ELS_REFUSED &&
	    (!a->reason || a->reason == RJT_BUSY || a->explan == EXP_LOGIN))
		return ELS_TIMEOUT;
	return a->result;
}

static void named(uint32_t arg, const struct els_answer *a)
{
	enum els_result result = name_result(a);

	if (a->explan == EXP_LOGIN)
		ns_gone();
	session_named(&rports[arg], result, result == ELS_DONE ? get_be64(a->payload) : 0);
}

bool ns_ask_name(struct rport *rp)
{
	uint8_t p[CT_HEAD + 4] = { 0 };
	const struct els_request r = { .d_id = FC_ID_NAMES,
				       .payload = p,
				       .len = sizeof(p),
				       .timeout_ms = 2 * fc_port.e_d_tov_ms,
				       .ct = true,
				       .done = named,
				       .arg = rport_index(rp) };

	ct_head(p, CT_GPN_ID, 2);
	put_be32(p + CT_HEAD, rp->pub.port_id);
	rp->xid = els_send(&r);
	return rp->xid != FC_XID_NONE;
}
