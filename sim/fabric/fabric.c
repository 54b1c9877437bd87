// SPDX-License-Identifier: BSD-2-Clause
/*
 * Ports of the switch. A frame stands in a buffer of the port it came in by until it leaves by
 * another, and only then its R_RDY goes back: who sends to a port that takes nothing is held, and
 * nobody else.
 */
#include <errno.h>
#include <stdlib.h>

#include "internal.h"

#define SOF_I3 0x2e
#define SOF_N3 0x36
#define EOF_T 0x42

/* --- frames out ------------------------------------------------------------------------------- */

void fabric_primitive(struct fabric *f, struct fabric_port *port, uint8_t code, unsigned int count)
{
	uint8_t unit[WEFT_FC_PRIM_LEN];

	fc_prim_put(unit, code, count);
	f->send(f->ctx, port->index, unit, sizeof(unit));
}

static void release(struct fabric *f, unsigned int from, unsigned int epoch)
{
	struct fabric_port *port;

	if (from == NO_PORT)
		return;
	port = &f->ports[from];
	if (port->epoch != epoch || !fabric_link_active(port))
		return;
	port->held--;
	fabric_primitive(f, port, WEFT_FC_PRIM_R_RDY, 1);
}

static struct fabric_frame *unqueue(struct fabric_port *port)
{
	struct fabric_frame *frame = port->head;

	port->head = frame->next;
	if (!port->head)
		port->tail = &port->head;
	return frame;
}

/* Of what waits, what the other side has no room for yet: it gets E_D_TOV, then a link reset. */
static void watch_credit(struct fabric *f, struct fabric_port *port)
{
	if (!port->head || port->credit || !fabric_link_active(port))
		port->starved_ns = NEVER;
	else if (port->starved_ns == NEVER)
		port->starved_ns = f->now_ns + f->p.e_d_tov_ms * MS;
}

void fabric_pump(struct fabric *f, struct fabric_port *port)
{
	struct fabric_frame *frame;

	while (port->head && port->credit && fabric_link_active(port)) {
		frame = unqueue(port);
		port->credit--;
		f->send(f->ctx, port->index, frame->bytes, frame->len);
		release(f, frame->from, frame->epoch);
		free(frame);
	}
	watch_credit(f, port);
}

void fabric_enqueue(struct fabric *f, struct fabric_port *port, struct fabric_frame *frame)
{
	if (!port->up) {
		f->counters.cut++;
		release(f, frame->from, frame->epoch);
		free(frame);
		return;
	}
	frame->next = NULL;
	*port->tail = frame;
	port->tail = &frame->next;
	fabric_pump(f, port);
}

void fabric_set_credit(struct fabric *f, struct fabric_port *port, unsigned int credit)
{
	unsigned int used = port->credit_max - port->credit;

	port->credit_max = credit;
	port->credit = credit > used ? credit - used : 0;
	fabric_pump(f, port);
}

static void drop_old(struct fabric *f, struct fabric_port *port)
{
	struct fabric_frame *frame;

	while (port->head && port->head->until_ns <= f->now_ns) {
		frame = unqueue(port);
		f->counters.timed_out++;
		release(f, frame->from, frame->epoch);
		free(frame);
	}
}

/* --- a link's end ------------------------------------------------------------------------------ */

void fabric_port_reset(struct fabric *f, struct fabric_port *port)
{
	(void)f;
	port->epoch++;
	port->held = 0;
	port->starved_ns = NEVER;
}

void fabric_port_down(struct fabric *f, struct fabric_port *port)
{
	struct fabric_frame *frame;
	unsigned int i;

	while (port->head) {
		frame = unqueue(port);
		f->counters.cut++;
		release(f, frame->from, frame->epoch);
		free(frame);
	}
	for (i = 0; i < FABRIC_NPORTS_MAX; i++)
		if (f->nports[i].used && f->nports[i].port == port->index)
			fabric_els_forget(f, &f->nports[i]);
	port->credit = port->credit_max = 1;
}

/* --- frames in -------------------------------------------------------------------------------- */

struct fabric_nport *fabric_nport(struct fabric *f, uint32_t id)
{
	unsigned int i;

	for (i = 0; i < FABRIC_NPORTS_MAX; i++)
		if (f->nports[i].used && f->nports[i].id == id)
			return &f->nports[i];
	return NULL;
}

struct fabric_nport *fabric_next(struct fabric *f, uint32_t id)
{
	struct fabric_nport *best = NULL, *np;
	unsigned int i;

	for (i = 0; i < FABRIC_NPORTS_MAX; i++) {
		np = &f->nports[i];
		if (np->used && np->id > id && (!best || np->id < best->id))
			best = np;
	}
	return best;
}

/* Services take requests and answers of one frame; nothing they are asked is longer. */
static void serve(struct fabric *f, struct fabric_port *port, struct fabric_nport *np,
		  const struct fabric_hdr *h, const uint8_t *unit, size_t len)
{
	size_t fill = h->f_ctl & 3, n = len - 12 - FC_HEADER;
	const uint8_t *payload = unit + 4 + FC_HEADER;

	if (unit[0] != SOF_I3 || unit[len - 4] != EOF_T || h->df_ctl || n < fill) {
		f->counters.bad_frame++;
		return;
	}
	f->counters.served++;
	n -= fill;
	if (h->type == TYPE_CT && np)
		fabric_ct_input(f, np, h, payload, n);
	else
		fabric_els_input(f, port, np, h, payload, n);
}

static void forward(struct fabric *f, struct fabric_port *port, uint32_t d_id, const uint8_t *unit,
		    size_t len)
{
	struct fabric_nport *to = fabric_nport(f, d_id);
	struct fabric_frame *frame = to ? malloc(sizeof(*frame) + len) : NULL;

	if (!frame) {
		f->counters.unknown++;
		release(f, port->index, port->epoch);
		return;
	}
	frame->from = port->index;
	frame->epoch = port->epoch;
	frame->until_ns = f->now_ns + f->p.e_d_tov_ms * MS;
	frame->len = len;
	memcpy(frame->bytes, unit, len);
	f->counters.forwarded++;
	fabric_enqueue(f, &f->ports[to->port], frame);
}

static bool is_service(uint32_t id)
{
	return id == ID_LOGIN || id == ID_CONTROLLER || id == ID_DIRECTORY;
}

/* Its source is the port's, or none yet and it asks the login server. */
static bool source_good(const struct fabric_port *port, const struct fabric_nport *np,
			const struct fabric_hdr *h)
{
	return np ? np->port == port->index : !h->s_id && h->d_id == ID_LOGIN;
}

static void frame_in(struct fabric *f, struct fabric_port *port, const uint8_t *unit, size_t len)
{
	struct fabric_nport *np;
	struct fabric_hdr h;

	f->counters.frames++;
	if (!fabric_link_active(port) || port->held >= f->p.credit) {
		f->counters.no_buffer++;
		return;
	}
	port->held++;
	fabric_frame_header(unit, &h);
	np = fabric_nport(f, h.s_id);
	if (!fabric_frame_good(unit, len))
		f->counters.bad_crc++;
	else if (unit[0] != SOF_I3 && unit[0] != SOF_N3)
		f->counters.bad_frame++;
	else if (!source_good(port, np, &h))
		f->counters.bad_source++;
	else if (!is_service(h.d_id)) {
		forward(f, port, h.d_id, unit, len);
		return;
	} else {
		release(f, port->index, port->epoch); /* before the answer: it may reset all */
		serve(f, port, np, &h, unit, len);
		return;
	}
	release(f, port->index, port->epoch);
}

void fabric_rx(struct fabric *f, unsigned int index, const void *unit, size_t len, uint64_t now_ns)
{
	struct fabric_port *port = &f->ports[index];

	f->now_ns = now_ns;
	if (!fc_is_unit(unit, len)) {
		f->counters.bad_frame++;
		return;
	}
	if (len != WEFT_FC_PRIM_LEN) {
		frame_in(f, port, unit, len);
		return;
	}
	if (fc_prim_code(unit) != WEFT_FC_PRIM_R_RDY) {
		fabric_link_primitive(f, port, fc_prim_code(unit));
		return;
	}
	if (!fabric_link_active(port))
		return;
	port->credit += fc_prim_count(unit);
	if (port->credit > port->credit_max)
		port->credit = port->credit_max;
	port->starved_ns = NEVER;
	fabric_pump(f, port);
}

/* --- time ------------------------------------------------------------------------------------- */

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t fabric_poll(struct fabric *f, uint64_t now_ns)
{
	struct fabric_port *port;
	uint64_t next = NEVER;
	unsigned int i;

	f->now_ns = now_ns;
	for (i = 0; i < f->p.n; i++) {
		port = &f->ports[i];
		fabric_link_poll(f, port);
		drop_old(f, port);
		if (port->starved_ns <= now_ns) {
			port->starved_ns = NEVER;
			fabric_link_reset(f, port);
		}
		watch_credit(f, port);
	}
	for (i = 0; i < FABRIC_NPORTS_MAX; i++)
		if (f->nports[i].used) {
			fabric_rscn_poll(f, &f->nports[i]);
			next = earlier(next, f->nports[i].rscn.due_ns);
		}
	for (i = 0; i < f->p.n; i++) {
		port = &f->ports[i];
		next = earlier(next, earlier(port->link_ns, port->starved_ns));
		if (port->head)
			next = earlier(next, port->head->until_ns);
	}
	return next;
}

/* --- all of it -------------------------------------------------------------------------------- */

static void set_params(struct fabric *f, const struct fabric_params *params)
{
	f->p = *params;
	if (!f->p.domain)
		f->p.domain = 1;
	if (!f->p.credit)
		f->p.credit = 16;
	if (!f->p.e_d_tov_ms)
		f->p.e_d_tov_ms = 2000;
	if (!f->p.r_a_tov_ms)
		f->p.r_a_tov_ms = 10000;
	if (!f->p.r_t_tov_ms)
		f->p.r_t_tov_ms = 100;
}

int fabric_create(const struct fabric_params *params, fabric_send send, void *ctx,
		  struct fabric **out)
{
	struct fabric *f;
	unsigned int i;

	*out = NULL;
	if (!params->n || params->n > FABRIC_PORTS_MAX || params->domain > 0xef)
		return -EINVAL;
	f = calloc(1, sizeof(*f));
	if (!f)
		return -ENOMEM;
	set_params(f, params);
	f->send = send;
	f->ctx = ctx;
	for (i = 0; i < f->p.n; i++) {
		f->ports[i].index = i;
		f->ports[i].tail = &f->ports[i].head;
		f->ports[i].starved_ns = NEVER;
		f->ports[i].credit = f->ports[i].credit_max = 1;
		fabric_link_start(f, &f->ports[i]);
	}
	*out = f;
	return 0;
}

void fabric_destroy(struct fabric *f)
{
	unsigned int i;

	if (!f)
		return;
	for (i = 0; i < f->p.n; i++)
		while (f->ports[i].head)
			free(unqueue(&f->ports[i]));
	free(f);
}

const struct fabric_counters *fabric_counters(const struct fabric *f)
{
	return &f->counters;
}

bool fabric_port_active(const struct fabric *f, unsigned int port)
{
	return port < f->p.n && fabric_link_active(&f->ports[port]);
}

unsigned int fabric_port_ids(const struct fabric *f, unsigned int port, uint32_t *ids,
			     unsigned int max)
{
	const struct fabric_nport *np = fabric_next((struct fabric *)f, 0);
	unsigned int n = 0;

	for (; np; np = fabric_next((struct fabric *)f, np->id)) {
		if (np->port != port)
			continue;
		if (n < max)
			ids[n] = np->id;
		n++;
	}
	return n;
}
