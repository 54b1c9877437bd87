// SPDX-License-Identifier: BSD-2-Clause
/*
 * Fibre Channel cables of a world. What a port sends between frames is a level: it is noted here, and
 * whoever is joined to the port, or joined again, gets it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../fc_unit.h"
#include "world.h"

static void primitive(struct weft_world_port *port, uint8_t code, uint64_t at_ns)
{
	uint8_t unit[WEFT_FC_PRIM_LEN];

	fc_prim_put(unit, code, 1);
	weft_link_send_primitive(&port->out, unit, sizeof(unit), at_ns);
}

static bool is_adapter(const struct weft_world_port *port)
{
	return port->adapter;
}

/*
 * A unit enters the cable. A frame that faults lose is lost as if behind the next port: its credit
 * comes back.
 */
static int enter(struct weft_world_port *port, const uint8_t *unit, size_t len, uint64_t at_ns)
{
	int ret;

	if (!port->other || port->pulled)
		return 0;
	if (fc_is_primitive(unit, len))
		return weft_link_send_primitive(&port->out, unit, len, at_ns);
	ret = weft_link_send(&port->out, unit, len, at_ns);
	if (port->out.lost)
		primitive(port->other, WEFT_FC_PRIM_R_RDY, at_ns);
	return ret;
}

static void note(struct weft_world_port *port, const uint8_t *unit, size_t len)
{
	if (fc_is_primitive(unit, len) && fc_prim_code(unit) != WEFT_FC_PRIM_R_RDY)
		port->prim = fc_prim_code(unit);
}

/* As with Ethernet: another adapter spends the wire time itself. */
void world_fc_sent(struct weft_world_port *port, const void *unit, size_t len, uint64_t at_ns)
{
	uint64_t now, spent = len == WEFT_FC_PRIM_LEN ? 0 : len * port->byte_ps / 1000;

	note(port, unit, len);
	if (port->capture)
		weft_pcapng_write_fc(port->capture, unit, len, at_ns, true);
	if (!port->other)
		return;
	now = weft_sim_now(port->adapter->sim);
	if (is_adapter(port->other))
		at_ns = at_ns > now + spent ? at_ns - spent : now;
	enter(port, unit, len, at_ns);
}

int world_fc_send(struct weft_world_port *port, const void *unit, size_t len)
{
	uint64_t now = port->world->now_ns, at = port->free_ns > now ? port->free_ns : now;

	if (len > WEFT_FC_UNIT_MAX)
		return -EMSGSIZE;
	if (!fc_is_unit(unit, len))
		return -EINVAL;
	note(port, unit, len);
	if (!port->other)
		return -ENOTCONN;
	if (port->capture)
		weft_pcapng_write_fc(port->capture, unit, len, at, true);
	if (len != WEFT_FC_PRIM_LEN) {
		port->free_ns = at + (len + FC_IDLES) * port->byte_ps / 1000;
		if (!is_adapter(port->other))
			at += len * port->byte_ps / 1000;
	}
	return enter(port, unit, len, at);
}

bool world_fc_deliver(struct weft_world_port *to, const struct weft_link_frame *f)
{
	struct weft_sim *sim = is_adapter(to) ? to->adapter->sim : NULL;
	uint64_t now = to->world->now_ns;
	int ret = 0;

	if (sim)
		ret = f->bad_fcs ? weft_sim_fc_rx_bad(sim, f->bytes, f->len) :
				   weft_sim_fc_rx(sim, f->bytes, f->len);
	if (ret == -EAGAIN)
		return false;
	if (to->capture)
		weft_pcapng_write_fc(to->capture, f->bytes, f->len, now, false);
	if (to->ops && !f->bad_fcs) {
		to->ops->rx(to->ctx, f->bytes, f->len, now);
		to->wake_ns = 0;
	}
	return true;
}

/* --- light ------------------------------------------------------------------------------------ */

void world_fc_light(struct weft_world_port *port)
{
	if (port->prim != WEFT_FC_PRIM_LOS) /* it is dark until then */
		primitive(port, port->prim, port->world->now_ns);
}

static void darken(struct weft_world_port *port)
{
	uint64_t delay = port->out.params.delay_ns;

	port->pulled = true;
	weft_link_clear(&port->out);
	port->out.params.delay_ns = 0;
	primitive(port, WEFT_FC_PRIM_LOS, port->world->now_ns);
	port->out.params.delay_ns = delay;
}

static void lighten(struct weft_world_port *port)
{
	port->pulled = false;
	world_fc_light(port);
}

static int pull_locked(struct weft_world_port *port, bool pulled)
{
	if (!port->fc)
		return -EINVAL;
	if (!port->other)
		return -ENOTCONN;
	if (port->pulled == pulled)
		return 0;
	if (pulled) {
		darken(port);
		darken(port->other);
	} else {
		lighten(port);
		lighten(port->other);
	}
	return 0;
}

int weft_world_link_pull(struct weft_world_port *port, bool pulled)
{
	int ret;

	pthread_mutex_lock(&port->world->lock);
	ret = pull_locked(port, pulled);
	pthread_mutex_unlock(&port->world->lock);
	return ret;
}

/* --- ports ------------------------------------------------------------------------------------ */

struct weft_world_port *weft_world_fc_port(struct weft_world_port *adapter)
{
	return adapter->fc_port;
}

int weft_world_add_fc_peer(struct weft_world *world, const struct weft_peer_ops *ops, void *ctx,
			   struct weft_world_port **out)
{
	int ret = weft_world_add_peer(world, ops, ctx, out);

	if (ret)
		return ret;
	(*out)->fc = true;
	(*out)->prim = WEFT_FC_PRIM_IDLE;
	return 0;
}
