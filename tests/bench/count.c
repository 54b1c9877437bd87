// SPDX-License-Identifier: BSD-2-Clause
/*
 * Host instructions per command of one end, by callgrind. The load is the same as ever, its commands go in batches: the
 * world runs at full speed until nothing happens any more, then one poll of the measured end is instrumented, in which a
 * batch ends and the next one starts (or comes in and is answered), then the other end's program has its turn. The bus
 * between driver and simulator is wrapped: what happens below it does not count, and while we count it does not run the
 * world.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <valgrind/callgrind.h>

#include "bench.h"

#define BATCHES 4
#define STEP_NS 5000
#define QUIET_STEPS 4
#define STEPS 100000 /* beyond that something hangs */

struct counted_bus {
	struct weft_bus bus;
	struct weft_bus *inner;
};

static bool counting;

static struct counted_bus *self(struct weft_bus *bus)
{
	return (struct counted_bus *)bus;
}

static void pause_counting(void)
{
	if (counting)
		CALLGRIND_TOGGLE_COLLECT;
}

static int c_read32(struct weft_bus *bus, uint32_t off, uint32_t *val)
{
	struct counted_bus *c = self(bus);
	int ret;

	pause_counting();
	ret = c->inner->ops->read32(c->inner, off, val);
	pause_counting();
	return ret;
}

static int c_write32(struct weft_bus *bus, uint32_t off, uint32_t val)
{
	struct counted_bus *c = self(bus);
	int ret;

	pause_counting();
	ret = c->inner->ops->write32(c->inner, off, val);
	pause_counting();
	return ret;
}

static int c_dma_map(struct weft_bus *bus, void *addr, size_t len, unsigned int prot,
		     uint64_t *iova)
{
	return self(bus)->inner->ops->dma_map(self(bus)->inner, addr, len, prot, iova);
}

static int c_dma_unmap(struct weft_bus *bus, uint64_t iova, size_t len)
{
	return self(bus)->inner->ops->dma_unmap(self(bus)->inner, iova, len);
}

static int c_irq_count(struct weft_bus *bus)
{
	return self(bus)->inner->ops->irq_count(self(bus)->inner);
}

static int c_irq_set(struct weft_bus *bus, unsigned int vector, int fd)
{
	return self(bus)->inner->ops->irq_set(self(bus)->inner, vector, fd);
}

static int c_reset(struct weft_bus *bus)
{
	return self(bus)->inner->ops->reset(self(bus)->inner);
}

static int c_advance(struct weft_bus *bus, uint64_t max_ns)
{
	struct counted_bus *c = self(bus);

	return counting ? 0 : c->inner->ops->advance(c->inner, max_ns);
}

static uint64_t c_now(struct weft_bus *bus)
{
	struct counted_bus *c = self(bus);
	uint64_t now;

	pause_counting();
	now = c->inner->ops->now(c->inner);
	pause_counting();
	return now;
}

static int c_error_fd(struct weft_bus *bus)
{
	return self(bus)->inner->ops->error_fd(self(bus)->inner);
}

static void c_close(struct weft_bus *bus)
{
	struct counted_bus *c = self(bus);

	c->inner->ops->close(c->inner);
	free(c);
}

static struct weft_bus *wrap(struct weft_bus *inner)
{
	static struct weft_bus_ops ops = {
		.read32 = c_read32,
		.write32 = c_write32,
		.dma_map = c_dma_map,
		.dma_unmap = c_dma_unmap,
		.irq_count = c_irq_count,
		.irq_set = c_irq_set,
		.reset = c_reset,
		.advance = c_advance,
		.now = c_now,
		.error_fd = c_error_fd,
		.close = c_close,
	};
	struct counted_bus *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	ops.name = inner->ops->name;
	c->bus.ops = &ops;
	c->inner = inner;
	return &c->bus;
}

static void count(bool on)
{
	if (on)
		CALLGRIND_START_INSTRUMENTATION;
	counting = on;
	CALLGRIND_TOGGLE_COLLECT;
	if (!on)
		CALLGRIND_STOP_INSTRUMENTATION;
}

static uint64_t accesses(const struct load *l)
{
	struct weft_bus *const bus[] = { l->rig.inproc, l->pair.cosim.end[0].bus,
					 l->pair.cosim.end[1].bus };
	struct weft_dma_stats dma;
	uint64_t n = 0;
	unsigned int i;

	for (i = 0; i < 3; i++) {
		if (!bus[i])
			continue;
		weft_sim_bus_stats(bus[i], &dma);
		n += dma.reads + dma.writes;
	}
	return n;
}

/* Lets everything happen that can happen without a program: until host memory is left alone. */
static int settle(const struct load *l)
{
	uint64_t before = accesses(l), now;
	unsigned int i, quiet = 0;

	for (i = 0; quiet < QUIET_STEPS; i++) {
		if (i == STEPS)
			return -ETIMEDOUT;
		weft_world_run(l->world, STEP_NS);
		now = accesses(l);
		quiet = now == before ? quiet + 1 : 0;
		before = now;
	}
	return 0;
}

/* What moves a program: the measured end's, and the other end's or nothing. */
struct turn {
	int (*poll)(void *arg);
	void *arg;
};

static int poll_host(void *arg)
{
	return nvme_host_poll(arg);
}

/* From now on no program of a pair runs unless we poll it. */
static void take_turns(struct load *l, struct turn *measured, struct turn *other)
{
	struct cosim_end *end = l->pair.cosim.end;
	unsigned int at = l->row->role == BENCH_CTL ? PAIR_TARGET : 0;

	*other = (struct turn){ 0 };
	*measured = (struct turn){ poll_host, l->rig.host };
	if (l->row->role == BENCH_HOST)
		return;
	*measured = (struct turn){ end[at].poll, end[at].arg };
	*other = (struct turn){ end[!at].poll, end[!at].arg };
	cosim_program(&end[at], NULL, NULL);
	cosim_program(&end[!at], NULL, NULL);
}

static void give_turns(struct load *l, const struct turn *measured, const struct turn *other)
{
	struct cosim_end *end = l->pair.cosim.end;
	unsigned int at = l->row->role == BENCH_CTL ? PAIR_TARGET : 0;

	if (l->row->role == BENCH_HOST)
		return;
	cosim_program(&end[at], measured->poll, measured->arg);
	cosim_program(&end[!at], other->poll, other->arg);
}

/* From the end of the first batch to the end of the last but one: as many commands start as end. */
static int run_batches(struct load *l, const struct turn *measured, const struct turn *other)
{
	unsigned int first = l->row->depth, last = l->total - l->row->depth, i;
	int ret = 0;

	for (i = 0; !ret && l->done < last; i++) {
		bool counted = l->done >= first;

		ret = i == STEPS ? -ETIMEDOUT : settle(l);
		if (counted)
			count(true);
		measured->poll(measured->arg);
		if (counted)
			count(false);
		if (other->poll)
			other->poll(other->arg);
		if (l->error)
			ret = l->error;
	}
	return !ret && l->done != last ? -EPROTO : ret;
}

int bench_counted(const struct bench_row *row)
{
	struct bench_outside outside = { 0 };
	struct bench_row batches = *row;
	struct turn measured, other;
	struct load l;
	int ret;

	batches.warm = row->depth;
	batches.commands = (BATCHES + 1) * row->depth;
	ret = load_open(&l, &batches, &outside, wrap);
	if (ret)
		return load_close(&l, ret);
	take_turns(&l, &measured, &other);
	ret = load_start(&l);
	if (!ret)
		ret = run_batches(&l, &measured, &other);
	give_turns(&l, &measured, &other);
	return load_close(&l, ret);
}

int bench_count(const char *self_path, const struct bench_row *row, struct bench_host *host)
{
	char command[1024], out[64];
	int ret;

	snprintf(out, sizeof(out), "/tmp/weft-bench-%d.callgrind", (int)getpid());
	snprintf(
		command, sizeof(command),
		"valgrind -q --tool=callgrind --instr-atstart=no --collect-atstart=no --callgrind-out-file=%s %s --counted %s",
		out, self_path, row->name);
	ret = system(command) ? -EIO : bench_profile(out, host);
	unlink(out);
	host->transport /= BATCHES * row->depth;
	host->program /= BATCHES * row->depth;
	return ret;
}
