// SPDX-License-Identifier: BSD-2-Clause
#include "fc_port.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../fc_unit.h"

#define IN_MAX 64       /* units taken from the socket and not yet handed over */
#define RETRY_NS 200000 /* until a full socket is tried again */

int fc_port_open(struct fc_port *p, const char *program, const char *spec,
		 const struct weft_link_params *faults)
{
	struct weft_link_params in = *faults;
	char what[64];

	memset(p, 0, sizeof(*p));
	p->sock.fd = -1;
	p->tx_prim = p->rx_prim = WEFT_FC_PRIM_LOS;
	weft_link_init(&p->out, faults);
	in.seed += 0x5bd1e995;
	weft_link_init(&p->in, &in);
	if (!spec)
		return 0;
	snprintf(what, sizeof(what), "%s: Fibre Channel", program);
	if (!strncmp(spec, "dgram:", 6))
		return dgram_open(&p->sock, what, spec + 6);
	fprintf(stderr, "%s port %s: %s\n", what, spec, strerror(EINVAL));
	return -EINVAL;
}

static void say_los(struct fc_port *p)
{
	uint8_t los[WEFT_FC_PRIM_LEN];

	fc_prim_put(los, WEFT_FC_PRIM_LOS, 1);
	dgram_send(&p->sock, los, sizeof(los));
}

void fc_port_close(struct fc_port *p)
{
	if (p->sock.fd >= 0)
		say_los(p);
	dgram_close(&p->sock);
	weft_link_clear(&p->in);
	weft_link_clear(&p->out);
	weft_pcapng_close(p->capture);
}

static void primitive(struct weft_link *link, uint8_t code, uint64_t now_ns)
{
	uint8_t unit[WEFT_FC_PRIM_LEN];

	fc_prim_put(unit, code, 1);
	weft_link_send_primitive(link, unit, sizeof(unit), now_ns);
}

/* A unit enters a direction of the cable; back is the other one. */
static void enter(struct weft_link *link, struct weft_link *back, const void *unit, size_t len,
		  uint64_t now_ns)
{
	if (fc_is_primitive(unit, len)) {
		weft_link_send_primitive(link, unit, len, now_ns);
		return;
	}
	weft_link_send(link, unit, len, now_ns);
	if (link->lost)
		primitive(back, WEFT_FC_PRIM_R_RDY, now_ns);
}

/* The other side's light is out: what came from there is lost, but for this. */
static void darken(struct fc_port *p, uint64_t now_ns)
{
	if (p->rx_prim == WEFT_FC_PRIM_LOS)
		return;
	p->rx_prim = WEFT_FC_PRIM_LOS;
	weft_link_clear(&p->in);
	p->seen = false;
	primitive(&p->in, WEFT_FC_PRIM_LOS, now_ns);
}

/*
 * Nobody is there any more. What they have sent and we have not read would turn the light on again,
 * for ever: it is lost, too.
 */
static void lose(struct fc_port *p, uint64_t now_ns)
{
	uint8_t unit[WEFT_FC_UNIT_MAX];

	p->unplugged++;
	p->gone = true;
	while (p->rx_prim != WEFT_FC_PRIM_LOS && read(p->sock.fd, unit, sizeof(unit)) >= 0)
		;
	darken(p, now_ns);
}

void fc_port_pull(struct fc_port *p, bool pulled, uint64_t now_ns)
{
	if (p->pulled == pulled || p->sock.fd < 0)
		return;
	p->pulled = pulled;
	p->refresh_ns = now_ns;
	if (!pulled)
		return;
	weft_link_clear(&p->out);
	say_los(p);
	darken(p, now_ns);
}

/* --- out -------------------------------------------------------------------------------------- */

void fc_port_sent(struct fc_port *p, const void *unit, size_t len, uint64_t now_ns)
{
	if (p->capture)
		weft_pcapng_write_fc(p->capture, unit, len, now_ns, true);
	if (fc_is_primitive(unit, len) && fc_prim_code(unit) != WEFT_FC_PRIM_R_RDY)
		p->tx_prim = fc_prim_code(unit);
	if (p->sock.fd >= 0 && !p->pulled)
		enter(&p->out, &p->in, unit, len, now_ns);
}

/* A datagram has no place for the mark of a bad code: the CRC says it. */
static int send_unit(const struct fc_port *p, struct weft_link_frame *f)
{
	if (f->bad_fcs)
		f->bytes[f->len - 8] ^= 1;
	f->bad_fcs = false;
	return dgram_send(&p->sock, f->bytes, f->len);
}

static void move_out(struct fc_port *p, uint64_t now_ns)
{
	int ret;

	if (p->refresh_ns <= now_ns && !p->pulled) {
		p->refresh_ns = now_ns + FC_PORT_REFRESH_NS;
		if (p->tx_prim != WEFT_FC_PRIM_LOS && !p->out.head)
			primitive(&p->out, p->tx_prim, now_ns);
	}
	p->blocked = false;
	while (weft_link_next(&p->out) <= now_ns) {
		ret = send_unit(p, p->out.head);
		if (ret == -EAGAIN) {
			p->blocked = true;
			p->retry_ns = now_ns + RETRY_NS;
			return;
		}
		if (ret)
			lose(p, now_ns);
		free(weft_link_take(&p->out, now_ns));
	}
}

/* --- in --------------------------------------------------------------------------------------- */

static unsigned int waiting(const struct weft_link *link, uint64_t now_ns)
{
	const struct weft_link_frame *f;
	unsigned int n = 0;

	for (f = link->head; f && n < IN_MAX && f->due_ns <= now_ns; f = f->next)
		n++;
	return n;
}

/* A level that is said anew is no news. */
static void take(struct fc_port *p, const void *unit, size_t len, uint64_t now_ns)
{
	if (!fc_is_unit(unit, len)) {
		p->odd++;
		return;
	}
	if (p->gone) {
		p->gone = false;
		p->refresh_ns = now_ns;
	}
	if (p->pulled)
		return;
	if (fc_is_primitive(unit, len) && fc_prim_code(unit) != WEFT_FC_PRIM_R_RDY) {
		if (fc_prim_code(unit) == p->rx_prim)
			return;
		if (fc_prim_code(unit) == WEFT_FC_PRIM_LOS) {
			darken(p, now_ns);
			return;
		}
		p->rx_prim = fc_prim_code(unit);
	}
	enter(&p->in, &p->out, unit, len, now_ns);
}

static void read_units(struct fc_port *p, uint64_t now_ns)
{
	unsigned int room = IN_MAX - waiting(&p->in, now_ns);
	uint8_t unit[WEFT_FC_UNIT_MAX + 1];
	ssize_t n;

	while (room--) {
		n = read(p->sock.fd, unit, sizeof(unit));
		if (n < 0)
			return;
		take(p, unit, (size_t)n, now_ns);
	}
}

static void move_in(struct fc_port *p, fc_port_rx rx, void *ctx, uint64_t now_ns)
{
	struct weft_link_frame *f;

	read_units(p, now_ns);
	while (weft_link_next(&p->in) <= now_ns) {
		f = p->in.head;
		if (p->capture && !p->seen) /* before what it leads to */
			weft_pcapng_write_fc(p->capture, f->bytes, f->len, now_ns, false);
		p->seen = true;
		if (rx(ctx, f->bytes, f->len, f->bad_fcs) == -EAGAIN)
			return;
		p->seen = false;
		free(weft_link_take(&p->in, now_ns));
	}
}

void fc_port_move(struct fc_port *p, fc_port_rx rx, void *ctx, uint64_t now_ns)
{
	if (p->sock.fd < 0)
		return;
	move_out(p, now_ns);
	move_in(p, rx, ctx, now_ns);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t fc_port_next(const struct fc_port *p)
{
	uint64_t out = p->blocked ? p->retry_ns : weft_link_next(&p->out);

	if (p->sock.fd < 0)
		return UINT64_MAX;
	return earlier(earlier(weft_link_next(&p->in), out),
		       p->pulled ? UINT64_MAX : p->refresh_ns);
}
