// SPDX-License-Identifier: BSD-2-Clause
/*
 * Host instructions per command, by callgrind. Commands go in batches: submitting a batch is instrumented, then the world
 * runs at full speed until the adapter has completed all of it, then taking the completions is instrumented. The bus between
 * driver and simulator is wrapped: what happens below it does not count, and while we count it does not run the world.
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
#define SETTLE_NS 20000 /* last answer on the wire to completion in the ring */

struct counted_bus {
	struct weft_bus bus;
	struct weft_bus *inner;
	bool counting;
};

static struct counted_bus *self(struct weft_bus *bus)
{
	return (struct counted_bus *)bus;
}

static void pause_counting(const struct counted_bus *c)
{
	if (c->counting)
		CALLGRIND_TOGGLE_COLLECT;
}

static int c_read32(struct weft_bus *bus, uint32_t off, uint32_t *val)
{
	struct counted_bus *c = self(bus);
	int ret;

	pause_counting(c);
	ret = c->inner->ops->read32(c->inner, off, val);
	pause_counting(c);
	return ret;
}

static int c_write32(struct weft_bus *bus, uint32_t off, uint32_t val)
{
	struct counted_bus *c = self(bus);
	int ret;

	pause_counting(c);
	ret = c->inner->ops->write32(c->inner, off, val);
	pause_counting(c);
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

	return c->counting ? 0 : c->inner->ops->advance(c->inner, max_ns);
}

static uint64_t c_now(struct weft_bus *bus)
{
	struct counted_bus *c = self(bus);
	uint64_t now;

	pause_counting(c);
	now = c->inner->ops->now(c->inner);
	pause_counting(c);
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

static void count(struct rig *rig, bool on)
{
	if (on)
		CALLGRIND_START_INSTRUMENTATION;
	self(rig->bus)->counting = on;
	CALLGRIND_TOGGLE_COLLECT;
	if (!on)
		CALLGRIND_STOP_INSTRUMENTATION;
}

/* Lets the world run until the target has answered want commands and the answers have arrived. */
static void run_batch(struct rig *rig, const struct bench_row *row, uint64_t want)
{
	uint64_t bytes = (uint64_t)row->bytes * row->depth, end;
	unsigned int i;

	for (i = 0;
	     i < 100000 && (peer_stats(rig->peer)->commands < want || peer_commands(rig->peer));
	     i++)
		weft_world_run(rig->world, STEP_NS);
	end = weft_world_now(rig->world) + SETTLE_NS + (bytes < 1 << 19 ? bytes : 1 << 19) * 2 / 5;
	while (weft_world_now(rig->world) < end)
		weft_world_run(rig->world, STEP_NS);
}

static int batch(struct rig *rig, const struct bench_row *row, uint8_t *buf, bool counted)
{
	uint64_t want = peer_stats(rig->peer)->commands + row->depth;
	struct rig_io io = { 0 };
	uint32_t blocks = row->bytes / 512;
	unsigned int i;
	int ret = 0;

	if (counted)
		count(rig, true);
	for (i = 0; i < row->depth && !ret; i++)
		ret = row->write ? rig_write(rig, buf + (size_t)i * row->bytes,
					     (uint64_t)i * blocks, blocks, &io) :
				   rig_read(rig, buf + (size_t)i * row->bytes, (uint64_t)i * blocks,
					    blocks, &io);
	nvme_host_poll(rig->host);
	if (counted)
		count(rig, false);
	run_batch(rig, row, want);
	if (counted)
		count(rig, true);
	nvme_host_poll(rig->host);
	if (counted)
		count(rig, false);
	for (i = 0; !ret && io.done < row->depth && i < 100000; i++)
		nvme_host_poll(
			rig->host); /* what was late is not counted: the figure would be too low only by its share */
	return ret ? ret : io.done == row->depth ? io.error : -ETIMEDOUT;
}

int bench_counted(const struct bench_row *row)
{
	struct rig_params params = { .mtu = row->mtu,
				     .io_qsize = 128,
				     .peer.ns_bytes = 64 << 20,
				     .peer.no_kato = true,
				     .wrap = wrap };
	struct rig rig;
	unsigned int i;
	uint8_t *buf;
	int ret = rig_open(&rig, &params);

	if (!ret)
		ret = rig_connect(&rig);
	buf = ret ? NULL : weft_mem_alloc(rig.dev, (size_t)row->depth * row->bytes);
	if (!ret && !buf)
		ret = -ENOMEM;
	for (i = 0; i < BATCHES + 1 && !ret; i++)
		ret = batch(&rig, row, buf, i > 0);
	rig_close(&rig);
	return ret;
}

static int read_total(const char *path, double *total)
{
	char line[256];
	FILE *f = fopen(path, "r");
	int ret = -EIO;

	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "totals: %lf", total) == 1 ||
		    sscanf(line, "summary: %lf", total) == 1)
			ret = 0;
	fclose(f);
	return ret;
}

int bench_count(const char *self_path, const struct bench_row *row, double *instructions)
{
	char command[1024], out[64];
	double total = 0;
	int ret;

	snprintf(out, sizeof(out), "/tmp/weft-bench-%d.callgrind", (int)getpid());
	snprintf(
		command, sizeof(command),
		"valgrind -q --tool=callgrind --instr-atstart=no --collect-atstart=no --callgrind-out-file=%s %s --counted %s",
		out, self_path, row->name);
	ret = system(command) ? -EIO : read_total(out, &total);
	unlink(out);
	*instructions = total / BATCHES / row->depth;
	return ret;
}
