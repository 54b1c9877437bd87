// SPDX-License-Identifier: BSD-2-Clause
/*
 * Registered state change notifications. An N_Port that asked has one RSCN under way at most; what
 * changes meanwhile is gathered for the next. Without an answer it is sent again, three times in all.
 */
#include "internal.h"

#define ELS_RSCN 0x61
#define TRIES 3
#define PAGE_FABRIC (3u << 24) /* format: all that there is */

uint32_t fabric_rscn_page(unsigned int event, uint32_t id)
{
	return (uint32_t)event << 26 | id;
}

static void transmit(struct fabric *f, struct fabric_nport *np)
{
	struct fabric_rscn *r = &np->rscn;
	struct fabric_hdr h = { .r_ctl = R_CTL_ELS_REQUEST,
				.type = TYPE_ELS,
				.ox_id = r->ox_id,
				.rx_id = XID_NONE,
				.d_id = np->id,
				.s_id = ID_CONTROLLER,
				.f_ctl = F_CTL_REQUEST };
	uint8_t payload[4 + 4 * RSCN_PAGES] = { ELS_RSCN, 4 };
	unsigned int i;

	put16(payload + 2, 4 + 4 * r->sent);
	for (i = 0; i < r->sent; i++)
		put32(payload + 4 + 4 * i, r->pages[i]);
	r->tries++;
	r->due_ns = f->now_ns + f->p.e_d_tov_ms * MS;
	f->counters.rscns++;
	fabric_frame_sequence(f, &f->ports[np->port], &h, payload, 4 + 4 * r->sent,
			      np->max_data & ~3u);
}

static void start(struct fabric *f, struct fabric_nport *np)
{
	struct fabric_rscn *r = &np->rscn;

	if (r->sent || !r->n)
		return;
	r->sent = r->n < RSCN_PAGES ? r->n : RSCN_PAGES - 1; /* the last page never is under way */
	r->tries = 0;
	r->ox_id = f->next_xid++;
	if (f->next_xid == XID_NONE)
		f->next_xid = 0;
	transmit(f, np);
}

/* The pages under way are done with, one way or the other. */
static void finish(struct fabric *f, struct fabric_nport *np)
{
	struct fabric_rscn *r = &np->rscn;

	r->n -= r->sent;
	memmove(r->pages, r->pages + r->sent, r->n * sizeof(r->pages[0]));
	r->sent = 0;
	r->due_ns = NEVER;
	start(f, np);
}

static void add(struct fabric_rscn *r, uint32_t page)
{
	unsigned int i;

	for (i = r->sent; i < r->n; i++)
		if (r->pages[i] == page)
			return;
	if (r->n == RSCN_PAGES) /* too much to name */
		r->pages[RSCN_PAGES - 1] = PAGE_FABRIC;
	else
		r->pages[r->n++] = page;
}

void fabric_rscn_tell(struct fabric *f, uint32_t page, uint8_t scr_bit, uint32_t but)
{
	struct fabric_nport *np = fabric_next(f, 0);

	for (; np; np = fabric_next(f, np->id)) {
		if (np->id == but || !(np->scr & scr_bit))
			continue;
		add(&np->rscn, page);
		start(f, np);
	}
}

void fabric_rscn_answered(struct fabric *f, struct fabric_nport *np, const struct fabric_hdr *h)
{
	if (np->rscn.sent && h->ox_id == np->rscn.ox_id)
		finish(f, np);
}

void fabric_rscn_poll(struct fabric *f, struct fabric_nport *np)
{
	struct fabric_rscn *r = &np->rscn;

	if (!r->sent || r->due_ns > f->now_ns)
		return;
	if (r->tries < TRIES)
		transmit(f, np);
	else
		finish(f, np);
}
