/* SPDX-License-Identifier: BSD-2-Clause */
/* The port as a whole: start, stop, what it knows of itself and tells. */
#include "fc/fc_int.h"

#include <string.h>

#include "fc_nvme/fcn.h"
#include "lib/err.h"
#include "lib/log.h"
#include "net/net.h"

#define E_D_TOV_MS 2000u
#define R_A_TOV_MS 10000u
#define TOV_MAX_MS 120000u
#define MAX_DATA 2112u
#define MIN_DATA 256u
#define BURST_MAX 65536u
#define LAST_FRAMES_MS 5u /* for the LOGOs of a port that is stopped, and again for OLS */

struct fc_port fc_port;
struct port_counters port_counters;
uint32_t fc_tx_moved;
static uint32_t random_state;
static struct {
	uint16_t max_data;
	uint32_t e_d_tov_ms, r_a_tov_ms;
} own; /* as FC_PORT_SET says; a fabric's login may change them */
static struct timer end_timer;
static bool end_offline; /* still to say OLS */

/* A stopped port: its last frames have left, the other end of a cable hears OLS, then there is silence. */
static void end_step(struct timer *t)
{
	if (!end_offline) {
		hal_fc_ctrl(ENG_FCM_OFF << ENG_FC_CTRL_MODE_LSB | ENG_FC_CTRL_DROP_MASK);
		return;
	}
	end_offline = false;
	hal_fc_ctrl(ENG_FCM_NATIVE << ENG_FC_CTRL_MODE_LSB | ENG_FCP_OLS << ENG_FC_CTRL_PRIM_LSB |
		    ENG_FC_CTRL_DROP_MASK);
	timer_set(t, clk_now() + clk_ms(LAST_FRAMES_MS));
}

void fc_init(void)
{
	memset(&fc_port, 0, sizeof(fc_port));
	memset(&port_counters, 0, sizeof(port_counters));
	fc_port.e_d_tov_ms = E_D_TOV_MS;
	fc_port.r_a_tov_ms = R_A_TOV_MS;
	random_state = 1;
	timer_setup(&end_timer, end_step);
	els_init();
	rrq_init();
	rport_init();
	login_init();
	ns_init();
	fip_init();
	link_init();
}

/* For waits and for addresses that should not collide: no secret. */
uint32_t port_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 17;
	random_state ^= random_state << 5;
	return random_state;
}

void port_state(uint8_t state, uint8_t topology)
{
	if (fc_port.state == state && fc_port.topology == topology)
		return;
	fc_port.state = state;
	fc_port.topology = topology;
	log_line("fc: state %u, topology %u, id %06x", state, topology, fc_port.port_id);
	fcn_link_changed();
}

void port_id_set(uint32_t id)
{
	if (id == fc_port.port_id)
		return;
	fc_port.port_id = id;
	hal_fc_id(id);
}

void port_defaults(void)
{
	fc_port.max_data = own.max_data;
	fc_port.e_d_tov_ms = own.e_d_tov_ms;
	fc_port.r_a_tov_ms = own.r_a_tov_ms;
}

static bool valid(const struct weft_arg_fc_port *a)
{
	const uint8_t known = WEFT_FCR_INITIATOR | WEFT_FCR_TARGET | WEFT_FCR_DISCOVERY;

	if (a->mode == WEFT_FCM_OFF)
		return true;
	if (a->mode > WEFT_FCM_VN2VN || !a->wwpn || !a->wwnn || (a->roles & ~known) ||
	    !(a->roles & (WEFT_FCR_INITIATOR | WEFT_FCR_TARGET)))
		return false;
	if (a->max_data && (a->max_data < MIN_DATA || a->max_data > MAX_DATA || a->max_data % 4))
		return false;
	if (a->first_burst > BURST_MAX || a->first_burst % 512)
		return false;
	if (a->e_d_tov_ms > TOV_MAX_MS || a->r_a_tov_ms > TOV_MAX_MS)
		return false;
	return a->mode != WEFT_FCM_VN2VN || (a->port_id < 0xffff && !(a->mac[0] & 1));
}

static void stop(void)
{
	if (fc_port.state == WEFT_FCS_OFF)
		return;
	for (struct rport *rp = rports; rp < rports + WEFT_N_RPORT; rp++)
		if (rport_logged_in(rp) && fc_port.state == WEFT_FCS_UP)
			session_logout(rp);
	login_stop();
	if (fc_port.mode == WEFT_FCM_VN2VN)
		fip_stop();
	else
		link_stop();
	port_state(WEFT_FCS_OFF, WEFT_FCT_NONE);
	end_offline = fc_port.mode == WEFT_FCM_NATIVE;
	timer_set(&end_timer, clk_now() + clk_ms(LAST_FRAMES_MS));
	fc_port.mode = WEFT_FCM_OFF;
}

static void take(const struct weft_arg_fc_port *a)
{
	static const uint8_t none[6];

	fc_port.wwpn = a->wwpn;
	fc_port.wwnn = a->wwnn;
	fc_port.mode = a->mode;
	fc_port.roles = a->roles;
	own.max_data = a->max_data ? a->max_data : MAX_DATA;
	own.e_d_tov_ms = a->e_d_tov_ms ? a->e_d_tov_ms : E_D_TOV_MS;
	own.r_a_tov_ms = a->r_a_tov_ms ? a->r_a_tov_ms : R_A_TOV_MS;
	port_defaults();
	fc_port.first_burst = a->first_burst;
	memcpy(fc_port.mac, memcmp(a->mac, none, 6) ? a->mac : net_port.mac, 6);
	random_state = (uint32_t)(a->wwpn ^ a->wwpn >> 32) ^ (uint32_t)hal_now_ns();
	if (!random_state)
		random_state = 1;
}

uint16_t fc_port_set(const struct weft_arg_fc_port *arg)
{
	if (!valid(arg))
		return EINVAL;
	stop();
	if (arg->mode == WEFT_FCM_OFF)
		return 0;
	timer_cancel(&end_timer);
	take(arg);
	if (arg->mode == WEFT_FCM_VN2VN)
		fip_start(arg->port_id);
	else
		link_start();
	return 0;
}

uint16_t fc_port_get(uint16_t page, uint32_t dw[3])
{
	switch (page) {
	case 0:
		dw[0] = fc_port.port_id | (uint32_t)fc_port.state << 24;
		dw[1] = fc_port.topology | link_credit_get() << 16;
		dw[2] = ((fcn_in_use() + els_in_use()) & 0xffff) | rport_count() << 16;
		return 0;
	case 1:
		dw[0] = fcn_stats.exchanges + port_counters.exchanges;
		dw[1] = fcn_stats.aborts_sent + port_counters.aborts_sent;
		dw[2] = fcn_stats.aborts_received + port_counters.aborts_received;
		return 0;
	case 2:
		dw[0] = fcn_stats.seq_errors;
		dw[1] = port_counters.logins;
		dw[2] = port_counters.link_failures;
		return 0;
	default:
		return EINVAL;
	}
}

uint16_t fc_rport_get(uint16_t index, uint16_t page, uint32_t dw[3])
{
	const struct rport *rp = index < WEFT_N_RPORT ? &rports[index] : NULL;

	if (page > 1)
		return EINVAL;
	if (!rp || !rport_logged_in(rp))
		return ENOENT;
	if (page == 0) {
		dw[0] = (uint32_t)rp->pub.wwpn;
		dw[1] = (uint32_t)(rp->pub.wwpn >> 32);
		dw[2] = rp->pub.port_id | (uint32_t)rp->pub.roles << 24;
	} else {
		dw[0] = (uint32_t)rp->pub.wwnn;
		dw[1] = (uint32_t)(rp->pub.wwnn >> 32);
		dw[2] = rp->pub.max_data;
	}
	return 0;
}

uint16_t fc_logout(uint16_t index)
{
	if (index >= WEFT_N_RPORT || !rport_logged_in(&rports[index]))
		return ENOENT;
	session_logout(&rports[index]);
	return 0;
}

uint16_t fc_rscn(void)
{
	uint32_t sent = 0;

	if (!(fc_port.roles & WEFT_FCR_TARGET) || fc_port.state == WEFT_FCS_OFF)
		return EINVAL;
	if (fc_port.state != WEFT_FCS_UP)
		return ENETDOWN;
	if (fc_port.topology == WEFT_FCT_FABRIC)
		return session_rscn(FC_ID_CONTROLLER) ? 0 : EAGAIN;
	for (struct rport *rp = rports; rp < rports + WEFT_N_RPORT; rp++) {
		if (!rp->pub.ready || !(rp->pub.roles & WEFT_FCR_INITIATOR))
			continue;
		if (!session_rscn(rp->pub.port_id))
			return EAGAIN;
		sent++;
	}
	return sent ? 0 : ENOTCONN;
}
