/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fabric login of a native port, which also tells what is at the other end:
 *   LS_ACC with the F_Port bit   a fabric: its D_ID is our address; the name server comes next
 *   LS_ACC without it, or FLOGI  an N_Port: point-to-point. The port with the higher name sets both
 *                                addresses with its PLOGI
 * A FLOGI that comes when point-to-point is already set up starts that anew.
 */
#include "fc/fc_int.h"

#include "lib/log.h"

#define TOV_MIN_MS 10u
#define TOV_MAX_MS 120000u

static struct {
	struct timer timer; /* FLOGI again; point-to-point, lower name: no PLOGI came */
	uint16_t xid;
	bool wait_plogi; /* the other port gives us our address */
} login;

static void flogi(void);

static void again(struct timer *t)
{
	(void)t;
	if (login.wait_plogi) {
		login_stop();
		login_start();
	} else {
		flogi();
	}
}

void login_init(void)
{
	timer_setup(&login.timer, again);
	login.xid = FC_XID_NONE;
	login.wait_plogi = false;
}

static void retry(uint32_t ms)
{
	timer_set(&login.timer, clk_now() + clk_ms(ms));
}

static void forget_flogi(void)
{
	els_cancel(login.xid);
	login.xid = FC_XID_NONE;
	timer_cancel(&login.timer);
	login.wait_plogi = false;
}

/* The other end is an N_Port of that name. */
static void point_to_point(uint64_t wwpn)
{
	struct rport *rp;

	forget_flogi();
	if (fc_port.wwpn < wwpn) {
		login.wait_plogi = true;
		retry(2 * fc_port.r_a_tov_ms);
		return;
	}
	port_id_set(FC_ID_PTP_HIGH);
	port_state(WEFT_FCS_UP, WEFT_FCT_PTP);
	rp = rport_new(FC_ID_PTP_LOW);
	if (!rp)
		return; /* cannot be: the table was cleared with the last login */
	rp->pub.wwpn = wwpn;
	rp->listed = true;
	session_login(rp);
}

bool login_adopt(uint32_t d_id, uint32_t s_id, uint64_t wwpn)
{
	if (!login.wait_plogi || !fc_id_ok(d_id) || !fc_id_ok(s_id) || d_id == s_id ||
	    wwpn < fc_port.wwpn)
		return false;
	forget_flogi();
	port_id_set(d_id);
	port_state(WEFT_FCS_UP, WEFT_FCT_PTP);
	return true;
}

static uint32_t tov(uint32_t told, uint32_t now)
{
	return told >= TOV_MIN_MS && told <= TOV_MAX_MS ? told : now;
}

static void fabric(const struct fc_login *l, uint32_t id)
{
	forget_flogi();
	fc_port.r_a_tov_ms = tov(l->r_a_tov_ms, fc_port.r_a_tov_ms);
	fc_port.e_d_tov_ms = tov(l->e_d_tov_ms, fc_port.e_d_tov_ms);
	if (l->bb_size >= 256 && l->bb_size < fc_port.max_data)
		fc_port.max_data = (uint16_t)(l->bb_size & ~3u);
	link_credit(l->bb_credit);
	port_id_set(id);
	port_state(WEFT_FCS_UP, WEFT_FCT_FABRIC);
	ns_start();
}

static void flogi_done(uint32_t arg, const struct els_answer *a)
{
	struct fc_login l;

	(void)arg;
	login.xid = FC_XID_NONE;
	if (a->result == ELS_UNSENT) {
		retry(1);
		return;
	}
	if (a->result == ELS_DONE && a->len >= LOGIN_LEN) {
		param_get_login(a->payload, &l);
		if ((l.features & LOGIN_F_PORT) && fc_id_ok(a->hdr->d_id)) {
			fabric(&l, a->hdr->d_id);
			return;
		}
		if (!(l.features & LOGIN_F_PORT) && l.wwpn && l.wwpn != fc_port.wwpn) {
			point_to_point(l.wwpn);
			return;
		}
	}
	log_limited("fc: FLOGI failed, %u reason %x explanation %x", a->result, a->reason,
		    a->explan);
	retry(a->result == ELS_TIMEOUT ? 1 : fc_port.e_d_tov_ms);
}

static void flogi(void)
{
	uint8_t p[LOGIN_LEN];
	const struct els_request r = { .d_id = FC_ID_FABRIC,
				       .payload = p,
				       .len = LOGIN_LEN,
				       .timeout_ms = 2 * fc_port.e_d_tov_ms,
				       .done = flogi_done };

	param_put_login(p, ELS_FLOGI, ELS_FLOGI);
	login.xid = els_send(&r);
	if (login.xid == FC_XID_NONE)
		retry(fc_port.e_d_tov_ms);
}

void login_start(void)
{
	port_defaults();
	port_id_set(0);
	port_state(WEFT_FCS_LOGIN, WEFT_FCT_NONE);
	flogi();
}

void login_stop(void)
{
	forget_flogi();
	ns_stop();
	rport_clear();
	els_reset();
	rrq_reset();
	port_id_set(0);
}

void login_flogi(const struct fc_hdr *h, const uint8_t *p)
{
	uint8_t acc[LOGIN_LEN];
	struct fc_login l;

	param_get_login(p, &l);
	if (fc_port.topology == WEFT_FCT_FABRIC || fc_port.mode != WEFT_FCM_NATIVE ||
	    (l.features & LOGIN_F_PORT)) {
		els_reject(h, RJT_UNABLE, EXP_NONE);
		return;
	}
	if (l.wwpn == fc_port.wwpn) /* our own: the cable is a loop */
		return;
	if (!l.wwpn) {
		els_reject(h, RJT_LOGIC, EXP_PARAMS);
		return;
	}
	if (fc_port.state == WEFT_FCS_UP) { /* it starts anew */
		login_stop();
		port_state(WEFT_FCS_LOGIN, WEFT_FCT_NONE);
	}
	param_put_login(acc, ELS_LS_ACC, ELS_FLOGI);
	els_accept(h, acc, LOGIN_LEN);
	point_to_point(l.wwpn);
}
