// SPDX-License-Identifier: BSD-2-Clause
/*
 * Extended link services of the login server, the fabric controller and the name server. A login is
 * an entry in the table of N_Ports: FLOGI makes the first of a port, FDISC more of them.
 */
#include "internal.h"

#define ELS_LS_RJT 0x01
#define ELS_LS_ACC 0x02
#define ELS_PLOGI 0x03
#define ELS_FLOGI 0x04
#define ELS_LOGO 0x05
#define ELS_RTV 0x0e
#define ELS_FDISC 0x51
#define ELS_RSCN 0x61
#define ELS_SCR 0x62

#define LOGICAL(explanation) REJECT(0x03, explanation)
#define UNABLE(explanation) REJECT(0x09, explanation)
#define UNSUPPORTED REJECT(0x0b, 0x2c)
#define EXPL_NONE 0x00
#define EXPL_OPTIONS 0x01   /* service parameters */
#define EXPL_PORT_NAME 0x0d /* invalid */
#define EXPL_S_ID 0x15
#define EXPL_LOGIN 0x1e /* required */
#define EXPL_RESOURCES 0x29
#define EXPL_LENGTH 0x2d

#define LOGIN_LEN 116
#define FEATURE_NPIV_ASKED 0x8000u
#define FEATURE_NPIV 0x2000u
#define FEATURE_F_PORT 0x1000u
#define FEATURE_OFFSETS 0x8000u /* PLOGI: relative offsets only rise */
#define CLASS3 68
#define CLASS3_VALID 0x8000u
#define CLASS3_IN_ORDER 0x0800u
#define FABRIC_WWN 0x3000776566740000ull /* locally assigned */

struct login {
	uint16_t credit, features, size, class3, class3_size;
	uint64_t wwpn, wwnn;
};

static void reply(struct fabric *f, const struct fabric_nport *np, const struct fabric_hdr *h,
		  const uint8_t *payload, size_t len)
{
	fabric_frame_reply(f, np, h, R_CTL_ELS_REPLY, payload, len);
}

static void reject(struct fabric *f, const struct fabric_nport *np, const struct fabric_hdr *h,
		   unsigned int why)
{
	uint8_t rjt[8] = { ELS_LS_RJT };

	put16(rjt + 5, why);
	reply(f, np, h, rjt, sizeof(rjt));
}

static void accept(struct fabric *f, const struct fabric_nport *np, const struct fabric_hdr *h)
{
	static const uint8_t acc[4] = { ELS_LS_ACC };

	reply(f, np, h, acc, sizeof(acc));
}

/* --- service parameters ----------------------------------------------------------------------- */

static unsigned int read_login(const uint8_t *payload, size_t len, struct login *l)
{
	if (len < LOGIN_LEN)
		return LOGICAL(EXPL_LENGTH);
	l->credit = (uint16_t)get16(payload + 6);
	l->features = (uint16_t)get16(payload + 8);
	l->size = get16(payload + 10) & 0xfff;
	l->wwpn = get64(payload + 20);
	l->wwnn = get64(payload + 28);
	l->class3 = (uint16_t)get16(payload + CLASS3);
	l->class3_size = (uint16_t)get16(payload + CLASS3 + 6);
	if (!l->wwpn)
		return LOGICAL(EXPL_PORT_NAME);
	if (!(l->class3 & CLASS3_VALID))
		return LOGICAL(EXPL_OPTIONS);
	return 0;
}

static void put_login(const struct fabric *f, uint8_t acc[LOGIN_LEN], uint64_t name)
{
	acc[0] = ELS_LS_ACC;
	put16(acc + 4, 0x2020);
	put16(acc + 6, f->p.credit);
	put16(acc + 10, FC_DATA_MAX);
	put32(acc + 16, f->p.e_d_tov_ms);
	put64(acc + 20, name);
	put64(acc + 28, FABRIC_WWN);
	put16(acc + CLASS3, CLASS3_VALID | CLASS3_IN_ORDER);
	put16(acc + CLASS3 + 6, FC_DATA_MAX);
}

static bool size_good(unsigned int size)
{
	return size >= FC_DATA_MIN && size <= FC_DATA_MAX && size % 4 == 0;
}

/* --- FLOGI, FDISC ----------------------------------------------------------------------------- */

static struct fabric_nport *by_name(struct fabric *f, uint64_t wwpn)
{
	unsigned int i;

	for (i = 0; i < FABRIC_NPORTS_MAX; i++)
		if (f->nports[i].used && f->nports[i].wwpn == wwpn)
			return &f->nports[i];
	return NULL;
}

static uint32_t first_id(const struct fabric *f, const struct fabric_port *port)
{
	return (uint32_t)f->p.domain << 16 | (port->index + 1) << 8;
}

static struct fabric_nport *new_nport(struct fabric *f, struct fabric_port *port, uint32_t id,
				      const struct login *l)
{
	struct fabric_nport *np = f->nports;

	while (np < f->nports + FABRIC_NPORTS_MAX && np->used)
		np++;
	if (np == f->nports + FABRIC_NPORTS_MAX)
		return NULL;
	memset(np, 0, sizeof(*np));
	np->used = true;
	np->port = port->index;
	np->id = id;
	np->wwpn = l->wwpn;
	np->wwnn = l->wwnn;
	np->max_data = size_good(l->class3_size) ? l->class3_size : l->size;
	np->rscn.due_ns = NEVER;
	f->counters.logins++;
	return np;
}

static void accept_login(struct fabric *f, const struct fabric_port *port, struct fabric_nport *np,
			 const struct fabric_hdr *h, const struct login *l)
{
	uint8_t acc[LOGIN_LEN] = { 0 };

	put_login(f, acc, FABRIC_WWN + port->index + 1);
	put16(acc + 8, FEATURE_F_PORT | (l->features & FEATURE_NPIV_ASKED ? FEATURE_NPIV : 0));
	put32(acc + 12, f->p.r_a_tov_ms);
	reply(f, np, h, acc, sizeof(acc));
	fabric_rscn_tell(f, fabric_rscn_page(RSCN_CHANGED, np->id), SCR_FABRIC, np->id);
}

static unsigned int flogi(struct fabric *f, struct fabric_port *port, const struct fabric_hdr *h,
			  const uint8_t *payload, size_t len)
{
	struct fabric_nport *np;
	struct login l;
	unsigned int i, why = read_login(payload, len, &l);

	if (!why && (!l.credit || !size_good(l.size)))
		why = LOGICAL(EXPL_OPTIONS);
	if (why)
		return why;
	np = by_name(f, l.wwpn);
	if (np && np->port != port->index)
		return LOGICAL(EXPL_PORT_NAME);
	for (i = 0; i < FABRIC_NPORTS_MAX; i++) /* a login anew ends what was */
		if (f->nports[i].used && f->nports[i].port == port->index)
			fabric_els_forget(f, &f->nports[i]);
	np = new_nport(f, port, first_id(f, port), &l);
	if (!np)
		return UNABLE(EXPL_RESOURCES);
	fabric_set_credit(f, port, l.credit);
	accept_login(f, port, np, h, &l);
	return 0;
}

static unsigned int fdisc(struct fabric *f, struct fabric_port *port, const struct fabric_hdr *h,
			  const uint8_t *payload, size_t len)
{
	uint32_t base = first_id(f, port), id = base + 1;
	struct fabric_nport *np;
	struct login l;
	unsigned int why = read_login(payload, len, &l);

	if (why)
		return why;
	if (!fabric_nport(f, base))
		return UNABLE(EXPL_LOGIN);
	if (by_name(f, l.wwpn))
		return LOGICAL(EXPL_PORT_NAME);
	while (fabric_nport(f, id))
		id++;
	if (!size_good(l.size))
		l.size = FC_DATA_MIN;
	np = id - base > 0xff ? NULL : new_nport(f, port, id, &l);
	if (!np)
		return UNABLE(EXPL_RESOURCES);
	accept_login(f, port, np, h, &l);
	return 0;
}

void fabric_els_forget(struct fabric *f, struct fabric_nport *np)
{
	np->used = false;
	f->counters.logouts++;
	fabric_rscn_tell(f, fabric_rscn_page(RSCN_CHANGED, np->id), SCR_FABRIC, np->id);
}

/* --- the rest --------------------------------------------------------------------------------- */

static unsigned int plogi(struct fabric *f, struct fabric_nport *np, const struct fabric_hdr *h,
			  const uint8_t *payload, size_t len)
{
	uint8_t acc[LOGIN_LEN] = { 0 };
	struct login l;
	unsigned int why = read_login(payload, len, &l);

	if (h->d_id == ID_LOGIN)
		return UNSUPPORTED;
	if (why)
		return why;
	if (size_good(l.class3_size))
		np->max_data = l.class3_size;
	if (h->d_id == ID_DIRECTORY)
		np->directory = true;
	put_login(f, acc, FABRIC_WWN + (h->d_id & 0xffff));
	put16(acc + 8, FEATURE_OFFSETS);
	put16(acc + 12, 255); /* sequences at once */
	put16(acc + 14, 0x001f);
	put16(acc + CLASS3 + 8, 255);
	acc[CLASS3 + 13] = 1;
	reply(f, np, h, acc, sizeof(acc));
	return 0;
}

static unsigned int logo(struct fabric *f, struct fabric_nport *np, const struct fabric_hdr *h,
			 const uint8_t *payload, size_t len)
{
	if (len < 16)
		return LOGICAL(EXPL_LENGTH);
	if (get24(payload + 5) != np->id)
		return LOGICAL(EXPL_S_ID);
	accept(f, np, h);
	if (h->d_id == ID_LOGIN)
		fabric_els_forget(f, np);
	else if (h->d_id == ID_DIRECTORY)
		np->directory = false;
	else
		np->scr = 0;
	return 0;
}

static unsigned int rtv(struct fabric *f, struct fabric_nport *np, const struct fabric_hdr *h)
{
	uint8_t acc[16] = { ELS_LS_ACC };

	put32(acc + 4, f->p.r_a_tov_ms);
	put32(acc + 8, f->p.e_d_tov_ms);
	reply(f, np, h, acc, sizeof(acc));
	return 0;
}

static unsigned int scr(struct fabric *f, struct fabric_nport *np, const struct fabric_hdr *h,
			const uint8_t *payload, size_t len)
{
	if (h->d_id != ID_CONTROLLER)
		return UNSUPPORTED;
	if (len < 8)
		return LOGICAL(EXPL_LENGTH);
	if ((payload[7] < 1 || payload[7] > 3) && payload[7] != 0xff)
		return LOGICAL(EXPL_NONE);
	np->scr = payload[7] == 0xff ? 0 : payload[7];
	accept(f, np, h);
	return 0;
}

/* A port tells of itself: those hear it that asked for what N_Ports find. */
static unsigned int rscn(struct fabric *f, struct fabric_nport *np, const struct fabric_hdr *h,
			 const uint8_t *payload, size_t len)
{
	size_t total, at;

	if (h->d_id != ID_CONTROLLER)
		return UNSUPPORTED;
	total = len < 4 ? 0 : get16(payload + 2);
	if (total < 8 || total > len || total % 4 || payload[1] != 4)
		return LOGICAL(EXPL_LENGTH);
	accept(f, np, h);
	for (at = 4; at < total; at += 4)
		fabric_rscn_tell(f, get32(payload + at) & 0x3fffffff, SCR_NPORT, np->id);
	return 0;
}

static unsigned int request(struct fabric *f, struct fabric_port *port, struct fabric_nport *np,
			    const struct fabric_hdr *h, const uint8_t *payload, size_t len)
{
	if (h->d_id == ID_LOGIN && payload[0] == ELS_FLOGI)
		return flogi(f, port, h, payload, len);
	if (h->d_id == ID_LOGIN && payload[0] == ELS_FDISC)
		return fdisc(f, port, h, payload, len);
	if (!np->used)
		return UNABLE(EXPL_LOGIN);
	switch (payload[0]) {
	case ELS_PLOGI:
		return plogi(f, np, h, payload, len);
	case ELS_LOGO:
		return logo(f, np, h, payload, len);
	case ELS_RTV:
		return rtv(f, np, h);
	case ELS_SCR:
		return scr(f, np, h, payload, len);
	case ELS_RSCN:
		return rscn(f, np, h, payload, len);
	default:
		return UNSUPPORTED;
	}
}

/* Answers leave at once: there is never anything to abort. */
static void abts(struct fabric *f, const struct fabric_nport *np, const struct fabric_hdr *h)
{
	static const uint8_t rjt[4] = { 0, 0x09, 0x03 }; /* unable, no such exchange */

	fabric_frame_reply(f, np, h, R_CTL_BA_RJT, rjt, sizeof(rjt));
}

void fabric_els_input(struct fabric *f, struct fabric_port *port, struct fabric_nport *np,
		      const struct fabric_hdr *h, const uint8_t *payload, size_t len)
{
	struct fabric_nport nobody = { .port = port->index, .max_data = FC_DATA_MIN };
	unsigned int why;

	if (h->r_ctl == R_CTL_ELS_REQUEST && h->type == TYPE_ELS && len >= 4) {
		nobody.id = h->s_id;
		why = request(f, port, np ? np : &nobody, h, payload, len);
		if (why)
			reject(f, np ? np : &nobody, h, why);
	} else if (h->r_ctl == R_CTL_ELS_REPLY && h->type == TYPE_ELS && np) {
		fabric_rscn_answered(f, np, h);
	} else if (h->r_ctl == R_CTL_ABTS && h->type == TYPE_BLS && np) {
		abts(f, np, h);
	} else {
		f->counters.bad_frame++;
	}
}
