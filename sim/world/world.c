// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "world.h"

#define QUANTUM_NS 64 /* lockstep: nobody runs further ahead of the others */
#define WIRE_EXTRA 24 /* preamble, FCS, gap */
#define ETH_MBIT 25000
#define FC_MBIT 27200
#define CQ_ENTRY 32 /* a write of this size may be a completion */

static uint64_t wire_ns(const struct weft_world_port *port, size_t len)
{
	return ((len < 60 ? 60 : len) + WIRE_EXTRA) * port->byte_ps / 1000;
}

/* --- callbacks of an adapter ------------------------------------------------------------------ */

static int on_dma_read(void *ctx, uint64_t iova, void *buf, size_t len)
{
	return inproc_dma_read(ctx, iova, buf, len);
}

static int on_dma_write(void *ctx, uint64_t iova, const void *buf, size_t len)
{
	struct weft_world_port *port = ctx;

	if (len == CQ_ENTRY)
		port->world->stop = true;
	return inproc_dma_write(port, iova, buf, len);
}

static void on_irq(void *ctx, unsigned int vector)
{
	struct weft_world_port *port = ctx;

	port->world->stop = true;
	inproc_irq(port, vector);
}

/*
 * A peer gets the frame when its last bit has come. An adapter's own MAC model spends the wire time
 * again, so it gets the frame when its first bit would come (a cut-through cable).
 */
static void on_eth_tx(void *ctx, const void *frame, size_t len, uint64_t at_ns)
{
	struct weft_world_port *port = ctx;
	uint64_t now = weft_sim_now(port->sim), spent;

	if (port->capture)
		weft_pcapng_write(port->capture, frame, len, at_ns, true);
	if (!port->other)
		return;
	if (port->other->sim) {
		spent = wire_ns(port, len);
		at_ns = at_ns > now + spent ? at_ns - spent : now;
	}
	weft_link_send(&port->out, frame, len, at_ns);
}

static void on_fc_tx(void *ctx, const void *unit, size_t len, uint64_t at_ns)
{
	world_fc_sent(((struct weft_world_port *)ctx)->fc_port, unit, len, at_ns);
}

static const struct weft_sim_ops adapter_ops = { on_dma_read, on_dma_write, on_irq, on_eth_tx,
						 on_fc_tx };

/* --- building --------------------------------------------------------------------------------- */

int weft_world_create(struct weft_world **out)
{
	struct weft_world *world = calloc(1, sizeof(*world));
	pthread_mutexattr_t attr;

	*out = world;
	if (!world)
		return -ENOMEM;
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(&world->lock, &attr);
	pthread_mutexattr_destroy(&attr);
	return 0;
}

void weft_world_destroy(struct weft_world *world)
{
	unsigned int i;

	if (!world)
		return;
	for (i = 0; i < world->n; i++) {
		weft_sim_destroy(world->ports[i]->sim);
		weft_link_clear(&world->ports[i]->out);
		weft_pcapng_close(world->ports[i]->capture);
		free(world->ports[i]);
	}
	world_switches_free(world->switches);
	world_fabrics_free(world->fabrics);
	pthread_mutex_destroy(&world->lock);
	free(world);
}

static struct weft_world_port *new_port(struct weft_world *world)
{
	struct weft_world_port *port = calloc(1, sizeof(*port));

	if (!port)
		return NULL;
	port->world = world;
	port->wake_ns = UINT64_MAX;
	weft_link_init(&port->out, NULL);
	return port;
}

int weft_world_add_adapter(struct weft_world *world, const struct weft_sim_params *params,
			   struct weft_world_port **out)
{
	struct weft_world_port *port, *fc;
	int ret = -ENOMEM;

	*out = NULL;
	if (params && params->wall_time)
		return -EINVAL;
	if (world->n > WORLD_PORTS - 2)
		return -ENOSPC;
	port = new_port(world);
	fc = new_port(world);
	if (!port || !fc)
		goto fail;
	port->fc_port = fc;
	fc->adapter = port;
	fc->fc = true;
	fc->prim = WEFT_FC_PRIM_LOS;
	ret = weft_sim_create(params, &adapter_ops, port, &port->sim);
	if (ret)
		goto fail;
	world->ports[world->n++] = port;
	world->ports[world->n++] = fc;
	*out = port;
	return 0;
fail:
	free(port);
	free(fc);
	return ret;
}

int weft_world_add_peer(struct weft_world *world, const struct weft_peer_ops *ops, void *ctx,
			struct weft_world_port **out)
{
	struct weft_world_port *port;

	*out = NULL;
	if (world->n == WORLD_PORTS)
		return -ENOSPC;
	port = new_port(world);
	if (!port)
		return -ENOMEM;
	port->ops = ops;
	port->ctx = ctx;
	port->wake_ns = 0;
	world->ports[world->n++] = port;
	*out = port;
	return 0;
}

int weft_world_link(struct weft_world_port *a, struct weft_world_port *b,
		    const struct weft_link_params *a_to_b, const struct weft_link_params *b_to_a,
		    uint32_t mbit_per_s)
{
	uint32_t rate = a->fc ? FC_MBIT : ETH_MBIT;

	if (a->other || b->other || a == b)
		return -EBUSY;
	if (a->fc != b->fc)
		return -EINVAL;
	a->other = b;
	b->other = a;
	a->byte_ps = b->byte_ps = 8000000ull / (mbit_per_s ? mbit_per_s : rate);
	weft_link_init(&a->out, a_to_b);
	weft_link_init(&b->out, b_to_a);
	if (a->fc) {
		world_fc_light(a);
		world_fc_light(b);
	}
	return 0;
}

void weft_world_port_set_faults(struct weft_world_port *port, const struct weft_link_params *params)
{
	struct weft_link fresh;

	weft_link_init(&fresh, params);
	port->out.params = fresh.params;
	port->out.rng = fresh.rng;
}

const struct weft_link_counters *weft_world_port_counters(const struct weft_world_port *port)
{
	return &port->out.counters;
}

int weft_world_port_capture(struct weft_world_port *port, const char *path)
{
	weft_pcapng_close(port->capture);
	return weft_pcapng_open(path, port->ops ? "peer" : "weft", port->fc, 0, &port->capture);
}

struct weft_sim *weft_world_port_sim(struct weft_world_port *port)
{
	return port->adapter ? port->adapter->sim : port->sim;
}

/* --- frames ----------------------------------------------------------------------------------- */

static int send_locked(struct weft_world_port *port, const void *frame, size_t len)
{
	uint64_t now = port->world->now_ns, at;

	if (port->fc)
		return world_fc_send(port, frame, len);
	if (len < 14 || len > WEFT_SIM_FRAME_MAX)
		return -EMSGSIZE;
	if (!port->other)
		return -ENOTCONN;
	at = port->free_ns > now ? port->free_ns : now;
	port->free_ns = at + wire_ns(port, len);
	if (port->capture)
		weft_pcapng_write(port->capture, frame, len, at, true);
	return weft_link_send(&port->out, frame, len, port->other->sim ? at : port->free_ns);
}

int weft_world_port_send(struct weft_world_port *port, const void *frame, size_t len)
{
	int ret;

	pthread_mutex_lock(&port->world->lock);
	ret = send_locked(port, frame, len);
	pthread_mutex_unlock(&port->world->lock);
	return ret;
}

uint64_t weft_world_port_backlog(const struct weft_world_port *port)
{
	uint64_t now = port->world->now_ns;

	return port->free_ns > now ? port->free_ns - now : 0;
}

/* False: the adapter's queue is full and the frame stays on the cable. */
static bool deliver(struct weft_world_port *to, const struct weft_link_frame *f)
{
	uint64_t now = to->world->now_ns;
	int ret;

	if (to->fc)
		return world_fc_deliver(to, f);
	if (to->sim) {
		ret = f->bad_fcs ? weft_sim_eth_rx_bad(to->sim, f->bytes, f->len) :
				   weft_sim_eth_rx(to->sim, f->bytes, f->len);
		if (ret == -EAGAIN)
			return false;
	}
	if (to->capture)
		weft_pcapng_write(to->capture, f->bytes, f->len, now, false);
	if (to->ops && !f->bad_fcs) {
		to->ops->rx(to->ctx, f->bytes, f->len, now);
		to->wake_ns = 0;
	}
	return true;
}

static void deliver_due(struct weft_world *world)
{
	struct weft_world_port *port;
	unsigned int i;

	for (i = 0; i < world->n; i++) {
		port = world->ports[i];
		while (weft_link_next(&port->out) <= world->now_ns) {
			if (!deliver(port->other, port->out.head))
				break;
			free(weft_link_take(&port->out, world->now_ns));
		}
	}
}

static void poll_peers(struct weft_world *world)
{
	struct weft_world_port *port;
	unsigned int i;

	for (i = 0; i < world->n; i++) {
		port = world->ports[i];
		if (port->ops && port->wake_ns <= world->now_ns)
			port->wake_ns = port->ops->poll(port->ctx, world->now_ns);
	}
}

/* --- time ------------------------------------------------------------------------------------- */

static bool adapters_idle(const struct weft_world *world)
{
	unsigned int i;

	for (i = 0; i < world->n; i++)
		if (world->ports[i]->sim && !weft_sim_idle(world->ports[i]->sim))
			return false;
	return true;
}

static uint64_t first(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* When something outside the adapters happens next. */
static uint64_t next_outside(const struct weft_world *world)
{
	uint64_t next = UINT64_MAX;
	unsigned int i;

	for (i = 0; i < world->n; i++) {
		next = first(next, weft_link_next(&world->ports[i]->out));
		if (world->ports[i]->ops)
			next = first(next, world->ports[i]->wake_ns);
	}
	return next;
}

static uint64_t next_timer(const struct weft_world *world)
{
	uint64_t next = UINT64_MAX;
	unsigned int i;

	for (i = 0; i < world->n; i++)
		if (world->ports[i]->sim)
			next = first(next, weft_sim_next_timer(world->ports[i]->sim));
	return next;
}

static void run_to(struct weft_sim *sim, uint64_t ns)
{
	uint64_t now;

	while ((now = weft_sim_now(sim)) < ns) {
		if (weft_sim_idle(sim))
			weft_sim_skip_to(sim, ns);
		else
			weft_sim_step(sim, (ns - now + WEFT_SIM_CLK_NS - 1) / WEFT_SIM_CLK_NS);
	}
}

static void catch_up(struct weft_world *world)
{
	unsigned int i;

	for (i = 0; i < world->n; i++)
		if (world->ports[i]->sim && weft_sim_now(world->ports[i]->sim) > world->now_ns)
			world->now_ns = weft_sim_now(world->ports[i]->sim);
}

static uint64_t next_stop(const struct weft_world *world, uint64_t end)
{
	uint64_t next = next_outside(world);

	if (adapters_idle(world))
		next = first(next, next_timer(world));
	else
		next = first(next, world->now_ns + QUANTUM_NS);
	if (next <= world->now_ns) /* a frame that waits for room in an adapter */
		next = world->now_ns + WEFT_SIM_CLK_NS;
	return first(next, end);
}

uint64_t weft_world_now(const struct weft_world *world)
{
	uint64_t now = world->now_ns, sim;
	unsigned int i;

	for (i = 0; i < world->n; i++) {
		sim = world->ports[i]->sim ? weft_sim_now(world->ports[i]->sim) : 0;
		if (sim > now)
			now = sim;
	}
	return now;
}

static bool run_locked(struct weft_world *world, uint64_t max_ns)
{
	uint64_t end, next;
	unsigned int i;

	catch_up(world);
	end = world->now_ns + max_ns < max_ns ? UINT64_MAX : world->now_ns + max_ns;
	world->stop = false;
	while (world->now_ns < end && !world->stop) {
		deliver_due(world);
		poll_peers(world);
		next = next_stop(world, end);
		if (next == UINT64_MAX)
			return false;
		for (i = 0; i < world->n; i++)
			if (world->ports[i]->sim)
				run_to(world->ports[i]->sim, next);
		world->now_ns = next;
		catch_up(world);
	}
	for (i = 0; i < world->n; i++)
		if (world->ports[i]->out.head)
			return true;
	return world->stop || !adapters_idle(world);
}

bool weft_world_run(struct weft_world *world, uint64_t max_ns)
{
	bool more;

	pthread_mutex_lock(&world->lock);
	more = run_locked(world, max_ns);
	pthread_mutex_unlock(&world->lock);
	return more;
}
