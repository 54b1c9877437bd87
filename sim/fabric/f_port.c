// SPDX-License-Identifier: BSD-2-Clause
/*
 * F_Port state machine (FC-FS). What is sent and what comes are levels; a state is left for the
 * answer to what it sends, or when that is late.
 *
 *	state          sends  IDLE  NOS  OLS  LR   LRR      no light; late
 *	AC  active     IDLE   .     LF1  OL2  LR2  LR3      LF2
 *	LR1            LR     .     LF1  OL2  LR2  LR3      LF2;      LF2
 *	LR2            LRR    AC    LF1  OL2  .    LR3      LF2;      LF2
 *	LR3            IDLE   AC    LF1  OL2  LR2  .        LF2;      LF2
 *	OL1 offline    OLS    .     LF1  OL2  LR2  .        OL3
 *	OL2            LR     .     LF1  .    LR2  LR3      OL3;      OL3
 *	OL3            NOS    .     LF1  OL2  .    .        .
 *	LF1 failure    OLS    .     .    OL2  LR2  .        LF2;      LF2
 *	LF2            NOS    .     LF1  OL2  .    .        .
 */
#include "internal.h"

enum { AC, LR1, LR2, LR3, OL1, OL2, OL3, LF1, LF2, STATES };

static const struct {
	uint8_t sends;
	uint8_t next[WEFT_FC_PRIM_LRR + 1];
	uint8_t dark, late; /* late: itself, it waits for ever */
} table[STATES] = {
	[AC] = { WEFT_FC_PRIM_IDLE, { AC, LF1, OL2, LR2, LR3 }, LF2, AC },
	[LR1] = { WEFT_FC_PRIM_LR, { LR1, LF1, OL2, LR2, LR3 }, LF2, LF2 },
	[LR2] = { WEFT_FC_PRIM_LRR, { AC, LF1, OL2, LR2, LR3 }, LF2, LF2 },
	[LR3] = { WEFT_FC_PRIM_IDLE, { AC, LF1, OL2, LR2, LR3 }, LF2, LF2 },
	[OL1] = { WEFT_FC_PRIM_OLS, { OL1, LF1, OL2, LR2, OL1 }, OL3, OL1 },
	[OL2] = { WEFT_FC_PRIM_LR, { OL2, LF1, OL2, LR2, LR3 }, OL3, OL3 },
	[OL3] = { WEFT_FC_PRIM_NOS, { OL3, LF1, OL2, OL3, OL3 }, OL3, OL3 },
	[LF1] = { WEFT_FC_PRIM_OLS, { LF1, LF1, OL2, LR2, LF1 }, LF2, LF2 },
	[LF2] = { WEFT_FC_PRIM_NOS, { LF2, LF1, OL2, LF2, LF2 }, LF2, LF2 },
};

bool fabric_link_active(const struct fabric_port *port)
{
	return port->state == AC;
}

static void became_active(struct fabric *f, struct fabric_port *port)
{
	if (!port->up) {
		f->counters.link_ups++;
		fabric_set_credit(f, port, 1);
	}
	port->up = true;
	port->credit = port->credit_max;
	fabric_pump(f, port);
}

static void enter(struct fabric *f, struct fabric_port *port, uint8_t state)
{
	bool was_active = port->state == AC;

	port->state = state;
	port->link_ns = table[state].late == state ? NEVER : f->now_ns + f->p.r_t_tov_ms * MS;
	fabric_primitive(f, port, table[state].sends, 1);
	if (was_active && state <= LR3)
		f->counters.link_resets++;
	if (was_active)
		fabric_port_reset(f, port);
	if (port->up && state >= OL1) {
		port->up = false;
		f->counters.link_downs++;
		fabric_port_down(f, port);
	}
	if (state == AC)
		became_active(f, port);
}

/* As far as what comes now leads. */
static void step(struct fabric *f, struct fabric_port *port)
{
	uint8_t next;

	for (;;) {
		next = port->light ? table[port->state].next[port->prim] : table[port->state].dark;
		if (next == port->state)
			return;
		enter(f, port, next);
	}
}

void fabric_link_start(struct fabric *f, struct fabric_port *port)
{
	port->state = OL3;
	port->link_ns = NEVER;
	fabric_primitive(f, port, table[OL3].sends, 1);
}

void fabric_link_primitive(struct fabric *f, struct fabric_port *port, uint8_t code)
{
	bool dawn = code != WEFT_FC_PRIM_LOS && !port->light;

	port->light = code != WEFT_FC_PRIM_LOS;
	port->prim = port->light ? code : WEFT_FC_PRIM_IDLE;
	if (dawn) /* what was said in the dark nobody heard */
		fabric_primitive(f, port, table[port->state].sends, 1);
	step(f, port);
}

void fabric_link_reset(struct fabric *f, struct fabric_port *port)
{
	if (port->state == AC)
		enter(f, port, LR1);
	step(f, port);
}

void fabric_link_poll(struct fabric *f, struct fabric_port *port)
{
	if (port->link_ns > f->now_ns)
		return;
	port->link_ns = NEVER;
	enter(f, port, table[port->state].late);
	step(f, port);
}
