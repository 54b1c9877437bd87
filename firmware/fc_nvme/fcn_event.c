/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the port tells, and the link service pair is told of it. Events are kept as what is yet to be
 * said, so that a program that does not look at its ring for long finds the present state, and never
 * an overrun ring.
 */
#include "fcn_int.h"

#include <string.h>

static struct {
	bool link;
	uint64_t gone, ready, rscn; /* a bit for each remote port: to be told */
	uint64_t up;                /* was told last that it is ready */
	uint32_t id[WEFT_N_RPORT];  /* as told: N_Port_ID (23:0), roles (31:24) */
} news;

static uint32_t port_ids[WEFT_N_RPORT]; /* of those that are ready */

void fcn_event_init(void)
{
	memset(&news, 0, sizeof(news));
	memset(port_ids, 0, sizeof(port_ids));
}

static bool room(void)
{
	/* The entries of the pair complete, each receive buffer once more. */
	return hal_cq_space(fcn_ls_pair) >= fcn_pairs[fcn_ls_pair].entries * 3u / 2;
}

static void tell_link(void)
{
	news.link = false;
	fcn_event(fcn_ls_pair, WEFT_EV_FC_LINK, fc_port.state | (uint32_t)fc_port.topology << 8,
		  fc_port.port_id);
}

static void tell_port(uint32_t i)
{
	uint64_t bit = 1ull << i;

	if (news.gone & bit) {
		news.gone &= ~bit;
		news.up &= ~bit;
		fcn_event(fcn_ls_pair, WEFT_EV_FC_RPORT, i, news.id[i]);
	} else if (news.ready & bit) {
		const struct fc_rport *rp = fc_rport((uint16_t)i);

		news.ready &= ~bit;
		if (!rp)
			return;
		news.up |= bit;
		news.id[i] = rp->port_id | (uint32_t)rp->roles << 24;
		fcn_event(fcn_ls_pair, WEFT_EV_FC_RPORT, i | 1u << 16, news.id[i]);
	} else if (news.rscn & bit) {
		news.rscn &= ~bit;
		fcn_event(fcn_ls_pair, WEFT_EV_FC_RSCN, i, 0);
	}
}

void fcn_event_pump(void)
{
	while (fcn_ls_pair) {
		uint64_t ports = news.gone | news.ready | news.rscn;

		if (!news.link && !ports)
			return;
		if (!room()) {
			fcn_after(0);
			return;
		}
		if (news.link)
			tell_link();
		else
			tell_port((uint32_t)__builtin_ctzll(ports));
	}
}

void fcn_event_start(void)
{
	memset(&news, 0, sizeof(news));
	news.link = true;
	for (uint16_t i = 0; i < WEFT_N_RPORT; i++)
		if (fc_rport(i))
			news.ready |= 1ull << i;
	fcn_event_pump();
}

/* --- the port ---------------------------------------------------------------------------------------- */

/* index WEFT_N_RPORT: every port's */
static void lose(uint16_t index)
{
	for (uint16_t q = 1; q < WEFT_N_QP; q++) {
		const struct fcn_pair *p = &fcn_pairs[q];

		for (uint16_t s = p->base; p->kind && s < p->base + p->entries; s++)
			if (fcn_xs[s].state != FCN_FREE && fcn_xs[s].state != FCN_DEAD &&
			    (index == WEFT_N_RPORT || fcn_xs[s].rport == index))
				fcn_lose(s);
	}
}

void fcn_link_changed(void)
{
	fcn_rport_cache_drop();
	if (fc_port.state != WEFT_FCS_UP) {
		fcn_tgt_forget(FCN_ALL_PORTS, FC_XID_NONE); /* before buffers become free */
		lose(WEFT_N_RPORT);
	}
	news.link = true;
	fcn_event_pump();
}

void fcn_rport_changed(uint16_t index, bool ready)
{
	uint64_t bit = 1ull << (index % WEFT_N_RPORT);
	const struct fc_rport *rp;

	if (index >= WEFT_N_RPORT)
		return;
	fcn_rport_cache_drop();
	rp = ready ? fc_rport(index) : NULL;
	if (!rp || rp->port_id != port_ids[index]) { /* else only its roles are others */
		if (port_ids[index])
			fcn_tgt_forget(port_ids[index], FC_XID_NONE);
		lose(index);
		if (news.up & bit)
			news.gone |= bit;
	}
	port_ids[index] = rp ? rp->port_id : 0;
	if (rp)
		news.ready |= bit;
	else
		news.ready &= ~bit;
	fcn_event_pump();
}

void fcn_rport_rscn(uint16_t index)
{
	if (index < WEFT_N_RPORT)
		news.rscn |= 1ull << index;
	fcn_event_pump();
}

uint32_t fcn_in_use(void)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < WEFT_N_SLOTS; i++)
		n += fcn_xs[i].state != FCN_FREE;
	return n;
}
