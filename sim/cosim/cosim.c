// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <weft_host.h>

#include "cosim.h"

#define CABLE_NS 500
#define FC_LOGIN_NS 10000000000ull

static int failed(const char *what, int err)
{
	fprintf(stderr, "cosim: %s: %s (%s)\n", what, strerror(-err), weft_last_error());
	return err;
}

/* --- turns ------------------------------------------------------------------------------------ */

static void turn(struct cosim_end *end)
{
	if (!end->poll || end->busy)
		return;
	end->busy = true;
	end->idles = 0;
	end->poll(end->arg);
	end->busy = false;
}

/*
 * The program of this end has nothing to do, or waits: the others take turns. A poll that finds
 * nothing comes here once; whoever comes again in the same turn waits. Nobody else may start to wait
 * for this end while it only looked.
 */
static void on_idle(void *arg)
{
	struct cosim_end *end = arg;
	bool busy = end->busy;
	unsigned int i;

	if (busy && end->idles++ == 0)
		return;
	end->busy = true;
	for (i = 0; i < end->cosim->n; i++)
		turn(&end->cosim->end[i]);
	end->busy = busy;
}

void cosim_program(struct cosim_end *end, int (*poll)(void *arg), void *arg)
{
	end->poll = poll;
	end->arg = arg;
}

void cosim_poll(struct cosim *cosim)
{
	unsigned int i;

	for (i = 0; i < cosim->n; i++)
		turn(&cosim->end[i]);
}

uint64_t cosim_now(const struct cosim *cosim)
{
	return weft_world_now(cosim->world);
}

int cosim_fc_wait(struct cosim_end *end)
{
	uint64_t limit = cosim_now(end->cosim) + FC_LOGIN_NS;
	struct weft_fc_rport_info rport;
	unsigned int i;

	while (cosim_now(end->cosim) < limit) {
		for (i = 0; i < WEFT_N_RPORT; i++)
			if (!weft_fc_rport(end->fc, i, &rport))
				return 0;
		if (end->poll)
			cosim_poll(end->cosim);
		else
			weft_dev_poll(end->dev);
	}
	return failed("FC login", -ETIMEDOUT);
}

/* --- building --------------------------------------------------------------------------------- */

/* On the FC ports, not on Ethernet? */
static bool native(const struct cosim *c)
{
	return c->params.wire == COSIM_FC || c->params.wire == COSIM_FABRIC;
}

static int add_adapters(struct cosim *c)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < c->n && !ret; i++) {
		ret = weft_world_add_adapter(c->world, &c->params.sim, &c->end[i].port);
		if (ret)
			break;
		c->end[i].wire = native(c) ? weft_world_fc_port(c->end[i].port) : c->end[i].port;
		if (c->params.capture[i])
			ret = weft_world_port_capture(c->end[i].wire, c->params.capture[i]);
	}
	return ret;
}

static int add_cable(struct cosim *c, struct weft_world_port *a, struct weft_world_port *b)
{
	const struct cosim_params *q = &c->params;
	uint32_t rate = native(c) ? q->sim.fc_mbit_per_s : q->sim.link_mbit_per_s;

	if (q->join)
		return q->join(q->join_arg, c->world, a, b);
	return weft_world_link(a, b, &q->cable[0], &q->cable[1], rate);
}

/* One cable between two, or a switch. */
static int add_cables(struct cosim *c)
{
	const struct cosim_params *q = &c->params;
	struct weft_world_port *ports[2 * COSIM_MAX];
	unsigned int i;
	int ret;

	if (c->n == 2 && !q->spare && q->wire != COSIM_FABRIC)
		return add_cable(c, c->end[0].wire, c->end[1].wire);
	if (native(c))
		ret = weft_world_add_fabric(c->world, c->n + q->spare, ports);
	else
		ret = weft_world_add_switch(c->world, c->n + q->spare, ports);
	for (i = 0; i < c->n && !ret; i++)
		ret = add_cable(c, c->end[i].wire, ports[i]);
	for (i = 0; i < q->spare && !ret; i++)
		c->spare[i] = ports[c->n + i];
	return ret;
}

static int open_fc(struct cosim_end *end)
{
	const struct cosim *c = end->cosim;
	unsigned int i = (unsigned int)(end - c->end);
	struct weft_fc_params fc = { .wwnn = COSIM_WWNN + i,
				     .wwpn = COSIM_WWPN + i,
				     .e_d_tov_ms = c->params.e_d_tov_ms,
				     .mode = native(c) ? WEFT_FCM_NATIVE : WEFT_FCM_VN2VN,
				     .roles = i == COSIM_TARGET ?
						      WEFT_FCR_TARGET | WEFT_FCR_DISCOVERY :
						      WEFT_FCR_INITIATOR };

	return weft_fc_open(end->dev, &fc, &end->fc);
}

static int open_end(struct cosim_end *end)
{
	const struct cosim_params *q = &end->cosim->params;
	struct weft_dev_params params = { .timeout_ms = q->timeout_ms,
					  .advance_ns = q->advance_ns,
					  .idle_cb = on_idle,
					  .idle_arg = end };
	struct weft_port port = { .mask = 0xffffff00, .mtu = q->mtu };
	struct weft_bus *bus;
	int ret;

	ret = weft_bus_open_port(end->port, &end->bus);
	if (ret)
		return failed("bus", ret);
	weft_sim_bus_on_idle(end->bus, on_idle, end);
	bus = q->wrap ? q->wrap(end->bus) : end->bus;
	ret = bus ? weft_dev_open(bus, &params, &end->dev) : -ENOMEM;
	if (ret)
		return failed("device", ret);
	end->ip = COSIM_IP + (uint32_t)(end - end->cosim->end);
	port.ip = end->ip;
	port.mac[0] = 2;
	port.mac[5] = (uint8_t)end->ip;
	ret = weft_port_set(end->dev, &port);
	if (!ret && q->wire != COSIM_ETH)
		ret = open_fc(end);
	return ret ? failed("port", ret) : 0;
}

int cosim_open(struct cosim *c, const struct cosim_params *params)
{
	unsigned int i;
	int ret;

	memset(c, 0, sizeof(*c));
	c->params = *params;
	c->n = params->adapters ? params->adapters : 2;
	if (c->n > COSIM_MAX || params->spare > COSIM_MAX)
		return failed("adapters", -EINVAL);
	if (!c->params.mtu)
		c->params.mtu = 1500;
	if (!c->params.timeout_ms)
		c->params.timeout_ms = 5000;
	for (i = 0; i < 2; i++)
		if (!c->params.cable[i].delay_ns)
			c->params.cable[i].delay_ns = CABLE_NS;
	ret = weft_world_create(&c->world);
	if (!ret)
		ret = add_adapters(c);
	if (!ret)
		ret = add_cables(c);
	if (ret)
		return failed("world", ret);
	for (i = 0; i < c->n && !ret; i++) {
		c->end[i].cosim = c;
		ret = open_end(&c->end[i]);
	}
	return ret;
}

void cosim_close(struct cosim *c)
{
	unsigned int i;

	for (i = 0; i < c->n; i++) {
		c->end[i].poll = NULL;
		if (c->end[i].fc)
			weft_fc_close(c->end[i].fc);
		if (c->end[i].dev)
			weft_dev_close(c->end[i].dev);
		else if (c->end[i].bus)
			c->end[i].bus->ops->close(c->end[i].bus);
	}
	weft_world_destroy(c->world);
	memset(c, 0, sizeof(*c));
}
