/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Link of a native port (FC-FS, port state machine). The FC-1 port sends one primitive sequence
 * until told otherwise and says which one comes; both are levels, so a step may be late but is
 * never missed: each side leaves a state only for what the other sends in answer to it.
 *
 *	state          sends  IDLE  NOS  OLS  LR   LRR      comes; R_T_TOV leads to
 *	AC  active     IDLE   -     LF1  OL2  LR2  LR3
 *	LR1 link reset LR     -     LF1  OL2  LR2  LR3      LF2
 *	LR2            LRR    AC    LF1  OL2  -    LR3      LF2
 *	LR3            IDLE   AC    LF1  OL2  LR2  -        LF2
 *	OL1 offline    OLS    -     LF1  OL2  LR2  -
 *	OL2            LR     -     LF1  -    LR2  LR3      OL3
 *	OL3            NOS    -     LF1  OL2  -    -
 *	LF1 failure    OLS    -     -    OL2  LR2  -        LF2
 *	LF2            NOS    -     LF1  OL2  -    -
 *
 * No light: OL1, OL2 to OL3, all others to LF2. A link reset (LR1 to LR3 from AC and back) costs
 * frames in flight but no login; what passes through OL and LF ends all logins.
 */
#include "fc/fc_int.h"

#include <string.h>

#include "lib/log.h"

#define R_T_TOV_MS 100u
#define RESERVE 32u /* receive buffers that no credit is given for */
#define POLLS 4u    /* looks at the credit in E_D_TOV */
#define CREDIT_MAX 0x7fffu
_Static_assert(CREDIT_MAX < ENG_FC_CREDIT_OFF, "no login may turn flow control off");

enum link_state { LK_OFF, LK_AC, LK_LR1, LK_LR2, LK_LR3, LK_OL1, LK_OL2, LK_OL3, LK_LF1, LK_LF2 };

static const struct {
	uint8_t sends;
	uint8_t next[5]; /* by ENG_FCP_* */
	uint8_t late;    /* after R_T_TOV; LK_OFF: stays */
} states[] = {
	[LK_AC] = { ENG_FCP_IDLE, { LK_AC, LK_LF1, LK_OL2, LK_LR2, LK_LR3 }, LK_OFF },
	[LK_LR1] = { ENG_FCP_LR, { LK_LR1, LK_LF1, LK_OL2, LK_LR2, LK_LR3 }, LK_LF2 },
	[LK_LR2] = { ENG_FCP_LRR, { LK_AC, LK_LF1, LK_OL2, LK_LR2, LK_LR3 }, LK_LF2 },
	[LK_LR3] = { ENG_FCP_IDLE, { LK_AC, LK_LF1, LK_OL2, LK_LR2, LK_LR3 }, LK_LF2 },
	[LK_OL1] = { ENG_FCP_OLS, { LK_OL1, LK_LF1, LK_OL2, LK_LR2, LK_OL1 }, LK_OFF },
	[LK_OL2] = { ENG_FCP_LR, { LK_OL2, LK_LF1, LK_OL2, LK_LR2, LK_LR3 }, LK_OL3 },
	[LK_OL3] = { ENG_FCP_NOS, { LK_OL3, LK_LF1, LK_OL2, LK_OL3, LK_OL3 }, LK_OFF },
	[LK_LF1] = { ENG_FCP_OLS, { LK_LF1, LK_LF1, LK_OL2, LK_LR2, LK_LF1 }, LK_LF2 },
	[LK_LF2] = { ENG_FCP_NOS, { LK_LF2, LK_LF1, LK_OL2, LK_LF2, LK_LF2 }, LK_OFF },
};

static struct {
	uint8_t state;
	bool up;   /* active, or in a link reset from there */
	bool told; /* a login said how much credit there is */
	uint32_t credit;
	struct timer timer; /* R_T_TOV */
	struct timer watch; /* of the credit */
	uint32_t seen_done, seen_free, starved;
} link;

static void enter(uint8_t state);

bool link_up(void)
{
	return link.up;
}

uint32_t link_credit_get(void)
{
	return link.credit;
}

/* Written anew, the engine's count forgets what is under way: later only with a link reset, as a new value. */
void link_credit(uint32_t credit)
{
	uint32_t before = link.credit;
	bool told = link.told;

	link.credit = !credit ? 1 : credit < CREDIT_MAX ? credit : CREDIT_MAX;
	link.told = true;
	if (!told)
		hal_fc_credit(link.credit);
	else if (link.credit != before && link.state == LK_AC)
		enter(LK_LR1);
}

uint32_t link_buffers(void)
{
	return ENG_N_FCBUF - RESERVE;
}

static void control(void)
{
	hal_fc_ctrl(ENG_FCM_NATIVE << ENG_FC_CTRL_MODE_LSB |
		    (uint32_t)states[link.state].sends << ENG_FC_CTRL_PRIM_LSB |
		    (uint32_t)!link.up << ENG_FC_CTRL_DROP_LSB);
}

static void went_up(void)
{
	bool first = !link.up;

	link.up = true;
	if (first) {
		link.credit = 1; /* until a login tells more */
		link.told = false;
	}
	hal_fc_credit(link.credit);
	control();
	link.starved = 0;
	timer_set(&link.watch, clk_now() + clk_ms(fc_port.e_d_tov_ms / POLLS));
	if (first)
		login_start();
}

static void went_down(bool failure)
{
	link.up = false;
	port_counters.link_failures += failure;
	log_limited("fc: link down, state %u", link.state);
	control();
	login_stop();
	port_state(WEFT_FCS_DOWN, WEFT_FCT_NONE);
}

static void enter(uint8_t state)
{
	link.state = state;
	timer_cancel(&link.timer);
	if (states[state].late != LK_OFF)
		timer_set(&link.timer, clk_now() + clk_ms(R_T_TOV_MS));
	if (state == LK_AC) {
		went_up();
		return;
	}
	timer_cancel(&link.watch);
	if (link.up && state >= LK_OL1)
		went_down(state >= LK_LF1);
	else
		control();
}

static uint8_t without_light(uint8_t state)
{
	return state >= LK_OL1 && state <= LK_OL3 ? LK_OL3 : LK_LF2;
}

/* As far as what comes now leads. No way through the table is a circle for one and the same primitive. */
static void step(uint32_t status)
{
	uint32_t prim = (status & ENG_FC_STATUS_RX_PRIM_MASK) >> ENG_FC_STATUS_RX_PRIM_LSB;
	bool light = status & ENG_FC_STATUS_SIGNAL_MASK;

	while (link.state != LK_OFF) {
		uint8_t state = link.state;

		if (!light)
			state = without_light(state);
		else if (prim < sizeof(states[0].next))
			state = states[state].next[prim];
		if (state == link.state)
			return;
		enter(state);
	}
}

/* The other port lost what it had, logins too: even when it is over already. */
static bool starts_anew(uint32_t status)
{
	uint32_t prim = (status & ENG_FC_STATUS_RX_PRIM_MASK) >> ENG_FC_STATUS_RX_PRIM_LSB;

	return !(status & ENG_FC_STATUS_SIGNAL_MASK) || prim == ENG_FCP_NOS || prim == ENG_FCP_OLS;
}

/*
 * The event may be older than what comes now, and another change is only told after this one. A port
 * that is reset is dark for a moment only: then the event is all there is of it.
 */
void fc_link_changed(uint32_t status)
{
	if (link.state == LK_AC && starts_anew(status))
		step(status);
	step(hal_fc_status());
}

static void late(struct timer *t)
{
	uint8_t state = link.state;

	(void)t;
	step(hal_fc_status()); /* its event may still be queued */
	if (link.state != state)
		return;
	enter(states[state].late);
	step(hal_fc_status());
}

/*
 * Every R_RDY that is due comes within E_D_TOV. When there is no credit for that long and nothing
 * moved meanwhile, some were lost: a link reset gives both sides their credit back.
 */
static void watch(struct timer *t)
{
	uint32_t credit = (hal_fc_status() & ENG_FC_STATUS_CREDIT_MASK) >> ENG_FC_STATUS_CREDIT_LSB;
	uint32_t now_free = hal_fc_tx_free();

	if (credit || link.seen_done != fc_tx_moved || link.seen_free != now_free)
		link.starved = 0;
	else
		link.starved++;
	link.seen_done = fc_tx_moved;
	link.seen_free = now_free;
	timer_set(t, clk_now() + clk_ms(fc_port.e_d_tov_ms / POLLS));
	if (link.starved < POLLS)
		return;
	log_limited("fc: no credit, link reset");
	link.starved = 0;
	enter(LK_LR1);
	step(hal_fc_status());
}

void link_init(void)
{
	memset(&link, 0, sizeof(link));
	timer_setup(&link.timer, late);
	timer_setup(&link.watch, watch);
}

void link_start(void)
{
	link.up = false;
	link.credit = 1;
	port_state(WEFT_FCS_DOWN, WEFT_FCT_NONE);
	enter(LK_OL1);
	step(hal_fc_status());
}

void link_stop(void)
{
	timer_cancel(&link.watch);
	timer_cancel(&link.timer);
	link.state = LK_OFF;
	link.up = false;
	link.credit = 0;
}
