// SPDX-License-Identifier: BSD-2-Clause
/* One workload: random commands of one size, a fixed number in flight, each followed by the next from its callback. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <weft_host.h>

#include "bench.h"

#define NAMESPACE_BYTES (64u << 20)
#define LIMIT_NS 2000000000ull /* of device time, for a whole row */

static uint64_t draw(struct load *l)
{
	l->rng ^= l->rng << 13;
	l->rng ^= l->rng >> 7;
	l->rng ^= l->rng << 17;
	return l->rng >> 11;
}

static int submit(struct load_slot *s);

static void compare(struct load_slot *s)
{
	struct load *l = s->load;

	if (memcmp(l->ram + s->lba * 512, s->buf, l->row->bytes)) {
		fprintf(stderr, "bench: %s: wrong data at block %llu\n", l->row->name,
			(unsigned long long)s->lba);
		l->error = -EILSEQ;
	}
}

static void on_done(void *arg, const struct nvme_result *r)
{
	struct load_slot *s = arg;
	struct load *l = s->load;

	if (l->stopped)
		return;
	if (r->error || r->status) {
		fprintf(stderr, "bench: %s: error %d, status %x\n", l->row->name, r->error,
			r->status);
		l->error = -EIO;
		return;
	}
	compare(s);
	if (l->done++ >= l->row->warm)
		l->latency += weft_sim_clocks(l->sim) - s->started;
	if (l->submitted < l->total && !l->error)
		l->error = submit(s);
}

/*
 * No two commands in flight may touch the same blocks, or the comparison would be a race: each slot has a stretch of the
 * namespace of its own.
 */
static int submit(struct load_slot *s)
{
	struct load *l = s->load;
	uint64_t stretch = NAMESPACE_BYTES / l->row->depth / l->row->bytes;
	uint64_t n = (uint64_t)(s - l->slots) * stretch + draw(l) % stretch;
	struct memdesc m = memdesc_vaddr(s->buf);
	uint32_t blocks = l->row->bytes / 512;

	s->lba = n * blocks;
	s->started = weft_sim_clocks(l->sim);
	l->submitted++;
	if (!l->row->write)
		return nvme_host_read(l->ns, &m, s->lba, blocks, 0, on_done, s);
	memcpy(s->buf, &l->rng, 8);
	memcpy(s->buf + l->row->bytes - 8, &l->rng, 8);
	return nvme_host_write(l->ns, &m, s->lba, blocks, 0, on_done, s);
}

static int open_rig(struct load *l, bench_wrap_fn *wrap)
{
	struct rig_params params = { .mtu = l->row->mtu,
				     .io_qsize = 128,
				     .peer.ns_bytes = NAMESPACE_BYTES,
				     .peer.no_kato = true,
				     .sim = l->models,
				     .cable = { l->cable, l->cable },
				     .wrap = wrap };
	int ret = rig_open(&l->rig, &params);

	if (!ret)
		ret = rig_connect(&l->rig);
	if (ret)
		return ret;
	l->world = l->rig.world;
	l->ns = &l->rig.ns;
	l->dev = l->measured = l->rig.dev;
	l->sim = weft_world_port_sim(l->rig.port);
	l->ram = peer_ram(l->rig.peer, NULL);
	return 0;
}

static int open_pair(struct load *l, bench_wrap_fn *wrap)
{
	struct pair_params params = { .cosim = { .wire = l->row->wire,
						 .sim = l->models,
						 .cable = { l->cable, l->cable },
						 .mtu = l->row->mtu,
						 .wrap = wrap },
				      .io_qsize = 128,
				      .listen.qsize = 128,
				      .ns_bytes = NAMESPACE_BYTES,
				      .kato_ms = 1 };
	unsigned int end = l->row->role == BENCH_CTL ? PAIR_TARGET : 0;
	int ret = pair_open(&l->pair, &params);

	if (!ret)
		ret = pair_connect(&l->pair, 0);
	if (ret)
		return ret;
	l->world = l->pair.cosim.world;
	l->ns = &l->pair.side[0].ns;
	l->dev = l->pair.side[0].dev;
	l->measured = l->pair.side[end].dev;
	l->sim = weft_world_port_sim(l->pair.cosim.end[end].port);
	l->ram = l->pair.store.ram;
	return 0;
}

static void poll_load(struct load *l)
{
	if (l->row->role == BENCH_HOST)
		nvme_host_poll(l->rig.host);
	else
		cosim_poll(&l->pair.cosim);
}

static void set_models(struct load *l, const struct bench_outside *outside)
{
	if (outside->no_pcie)
		l->models = (struct weft_sim_params){ .pcie_read_ns = 1,
						      .pcie_write_ns = 1,
						      .pcie_mbytes_per_s = 1000000 };
	if (outside->no_wire) {
		l->models.link_mbit_per_s = l->models.fc_mbit_per_s = 8000000;
		l->cable.delay_ns = 1;
	}
}

int load_open(struct load *l, const struct bench_row *row, const struct bench_outside *outside,
	      bench_wrap_fn *wrap)
{
	unsigned int i;
	uint64_t *ram;
	int ret;

	memset(l, 0, sizeof(*l));
	l->row = row;
	l->rng = 0x1234567;
	l->total = row->warm + row->commands;
	set_models(l, outside);
	l->slots = calloc(row->depth, sizeof(*l->slots));
	if (!l->slots)
		return -ENOMEM;
	ret = row->role == BENCH_HOST ? open_rig(l, wrap) : open_pair(l, wrap);
	if (ret) {
		fprintf(stderr, "bench: %s: %s\n", row->name, weft_last_error());
		return ret;
	}
	ram = (uint64_t *)l->ram;
	for (i = 0; i < NAMESPACE_BYTES / 8; i++)
		ram[i] = draw(l);
	for (i = 0; i < row->depth; i++) {
		l->slots[i].load = l;
		l->slots[i].buf = weft_mem_alloc(l->dev, row->bytes);
		if (!l->slots[i].buf)
			return -ENOMEM;
		memset(l->slots[i].buf, (int)i, row->bytes);
	}
	return 0;
}

int load_start(struct load *l)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < l->row->depth && !ret; i++)
		ret = submit(&l->slots[i]);
	return ret;
}

static const char *trouble_of(struct load *l)
{
	if (l->row->role == BENCH_HOST)
		return l->rig.bus && l->rig.peer ? rig_trouble(&l->rig) : NULL;
	return l->world ? pair_trouble(&l->pair) : NULL;
}

int load_close(struct load *l, int ret)
{
	const char *trouble = trouble_of(l);

	l->stopped = true;
	if (trouble && !ret) {
		fprintf(stderr, "bench: %s: %s\n", l->row->name, trouble);
		ret = -EPROTO;
	}
	if (l->row->role == BENCH_HOST)
		rig_close(&l->rig);
	else
		pair_close(&l->pair);
	free(l->slots);
	return ret;
}

static int run_until(struct load *l, unsigned int done)
{
	uint64_t end = weft_world_now(l->world) + LIMIT_NS;

	while (l->done < done && !l->error && weft_world_now(l->world) < end)
		poll_load(l);
	if (!l->error && l->done < done) {
		fprintf(stderr, "bench: %s: stuck after %u commands\n", l->row->name, l->done);
		return -ETIMEDOUT;
	}
	return l->error;
}

struct sample {
	uint64_t clocks, cycles;
	uint32_t instret, core_cycles;
	double seconds;
};

static void sample(struct load *l, struct sample *s)
{
	struct timespec ts;

	s->clocks = weft_sim_clocks(l->sim);
	s->cycles = weft_sim_cycles(l->sim);
	weft_dev_counter(l->measured, WEFT_CNT_CORE_INSTRET, &s->instret);
	weft_dev_counter(l->measured, WEFT_CNT_CORE_CYCLES, &s->core_cycles);
	clock_gettime(CLOCK_MONOTONIC, &ts);
	s->seconds = (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

/* Bytes of payload per second that the wire carries in its longest frames. */
static double wire_limit(const struct bench_row *row)
{
	/* SOF, header, CRC, EOF, six idle words */
	if (row->wire == COSIM_FC)
		return BENCH_FC_BPS / 8 * 2112 / (2112 + 60);
	return BENCH_LINK_BPS / 8 * (row->mtu - 52) / (row->mtu + 38);
}

static void report(const struct bench_row *row, const struct load *l, const struct sample *a,
		   const struct sample *b, struct bench_result *r)
{
	double n = row->commands, seconds = (double)(b->clocks - a->clocks) / BENCH_CLOCK_HZ;

	memset(r, 0, sizeof(*r));
	r->cycles_per_command = (double)(b->clocks - a->clocks) / n;
	r->iops = n / seconds;
	r->share_of_wire = n * row->bytes / seconds / wire_limit(row);
	r->latency_cycles = (double)l->latency / n;
	r->firmware_instructions = (uint32_t)(b->instret - a->instret) / n;
	r->firmware_cycles = (uint32_t)(b->core_cycles - a->core_cycles) / n;
	r->simulated_cycles = (double)(b->cycles - a->cycles);
	r->wall_seconds = b->seconds - a->seconds;
}

int bench_run(const struct bench_row *row, const struct bench_outside *outside,
	      struct bench_result *result)
{
	struct sample before, after;
	struct load l;
	int ret = load_open(&l, row, outside, NULL);

	if (!ret)
		ret = load_start(&l);
	if (!ret)
		ret = run_until(&l, row->warm);
	if (ret)
		return load_close(&l, ret);
	sample(&l, &before);
	ret = run_until(&l, row->warm + row->commands);
	sample(&l, &after);
	report(row, &l, &before, &after, result);
	return load_close(&l, ret);
}
