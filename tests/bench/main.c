// SPDX-License-Identifier: BSD-2-Clause
/*
 * Benchmark of the simulated adapter, in cycle time: the same figures on any machine, except simulator_cycles_per_second.
 * As a host against the scripted target, as a controller against an adapter that is the host.
 * What the columns are, and how they are measured: docs/bench.md.
 *
 *   bench [--json FILE] [--no-host] [ROW...]
 */
#include <elf.h>
#include <errno.h>
#include <getopt.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

static const struct bench_row rows[] = {
	{ "tcp.host.read.4k.qd1", BENCH_HOST, false, 4096, 1, 1500, 20, 100, COSIM_ETH },
	{ "tcp.host.read.4k.qd16", BENCH_HOST, false, 4096, 16, 1500, 100, 300, COSIM_ETH },
	{ "tcp.host.read.4k.qd64", BENCH_HOST, false, 4096, 64, 1500, 200, 600, COSIM_ETH },
	{ "tcp.host.write.4k.qd1", BENCH_HOST, true, 4096, 1, 1500, 20, 100, COSIM_ETH },
	{ "tcp.host.write.4k.qd16", BENCH_HOST, true, 4096, 16, 1500, 100, 300, COSIM_ETH },
	{ "tcp.host.write.4k.qd64", BENCH_HOST, true, 4096, 64, 1500, 200, 600, COSIM_ETH },
	{ "tcp.host.read.128k.mtu1500", BENCH_HOST, false, 131072, 16, 1500, 16, 48, COSIM_ETH },
	{ "tcp.host.write.128k.mtu1500", BENCH_HOST, true, 131072, 16, 1500, 16, 48, COSIM_ETH },
	{ "tcp.host.read.128k.mtu9000", BENCH_HOST, false, 131072, 16, 9000, 16, 48, COSIM_ETH },
	{ "tcp.host.write.128k.mtu9000", BENCH_HOST, true, 131072, 16, 9000, 16, 48, COSIM_ETH },
	{ "tcp.ctl.read.4k.qd1", BENCH_CTL, false, 4096, 1, 1500, 20, 100, COSIM_ETH },
	{ "tcp.ctl.read.4k.qd16", BENCH_CTL, false, 4096, 16, 1500, 100, 300, COSIM_ETH },
	{ "tcp.ctl.read.4k.qd64", BENCH_CTL, false, 4096, 64, 1500, 200, 600, COSIM_ETH },
	{ "tcp.ctl.write.4k.qd1", BENCH_CTL, true, 4096, 1, 1500, 20, 100, COSIM_ETH },
	{ "tcp.ctl.write.4k.qd16", BENCH_CTL, true, 4096, 16, 1500, 100, 300, COSIM_ETH },
	{ "tcp.ctl.write.4k.qd64", BENCH_CTL, true, 4096, 64, 1500, 200, 600, COSIM_ETH },
	{ "tcp.ctl.read.128k.mtu1500", BENCH_CTL, false, 131072, 16, 1500, 16, 48, COSIM_ETH },
	{ "tcp.ctl.write.128k.mtu1500", BENCH_CTL, true, 131072, 16, 1500, 16, 48, COSIM_ETH },
	{ "tcp.ctl.read.128k.mtu9000", BENCH_CTL, false, 131072, 16, 9000, 16, 48, COSIM_ETH },
	{ "tcp.ctl.write.128k.mtu9000", BENCH_CTL, true, 131072, 16, 9000, 16, 48, COSIM_ETH },
	{ "tcp.pair.read.4k.qd1", BENCH_PAIR, false, 4096, 1, 1500, 20, 100, COSIM_ETH },
	{ "tcp.pair.write.4k.qd1", BENCH_PAIR, true, 4096, 1, 1500, 20, 100, COSIM_ETH },
	{ "fc.pair.read.4k.qd1", BENCH_PAIR, false, 4096, 1, 1500, 20, 100, COSIM_FC },
	{ "fc.pair.read.4k.qd16", BENCH_PAIR, false, 4096, 16, 1500, 100, 300, COSIM_FC },
	{ "fc.pair.read.4k.qd64", BENCH_PAIR, false, 4096, 64, 1500, 200, 600, COSIM_FC },
	{ "fc.pair.write.4k.qd1", BENCH_PAIR, true, 4096, 1, 1500, 20, 100, COSIM_FC },
	{ "fc.pair.write.4k.qd16", BENCH_PAIR, true, 4096, 16, 1500, 100, 300, COSIM_FC },
	{ "fc.pair.write.4k.qd64", BENCH_PAIR, true, 4096, 64, 1500, 200, 600, COSIM_FC },
	{ "fc.ctl.read.4k.qd1", BENCH_CTL, false, 4096, 1, 1500, 20, 100, COSIM_FC },
	{ "fc.ctl.read.4k.qd16", BENCH_CTL, false, 4096, 16, 1500, 100, 300, COSIM_FC },
	{ "fc.ctl.read.4k.qd64", BENCH_CTL, false, 4096, 64, 1500, 200, 600, COSIM_FC },
	{ "fc.ctl.write.4k.qd1", BENCH_CTL, true, 4096, 1, 1500, 20, 100, COSIM_FC },
	{ "fc.ctl.write.4k.qd16", BENCH_CTL, true, 4096, 16, 1500, 100, 300, COSIM_FC },
	{ "fc.ctl.write.4k.qd64", BENCH_CTL, true, 4096, 64, 1500, 200, 600, COSIM_FC },
	{ "fc.pair.read.128k", BENCH_PAIR, false, 131072, 16, 1500, 16, 48, COSIM_FC },
	{ "fc.pair.write.128k", BENCH_PAIR, true, 131072, 16, 1500, 16, 48, COSIM_FC },
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static const struct bench_row *find_row(const char *name)
{
	size_t i;

	for (i = 0; i < ROWS; i++)
		if (!strcmp(rows[i].name, name))
			return &rows[i];
	fprintf(stderr, "bench: no row %s\n", name);
	return NULL;
}

/* Bytes that stand in the image, and with zeroed memory. */
static void firmware_size(uint32_t *image, uint32_t *memory)
{
	const char *path = getenv("WEFT_FIRMWARE");
	FILE *f = fopen(path ? path : "build/firmware/weft.elf", "rb");
	Elf32_Ehdr h;
	Elf32_Phdr ph;
	unsigned int i;

	*image = *memory = 0;
	if (!f)
		return;
	if (fread(&h, sizeof(h), 1, f) == 1) {
		for (i = 0; i < h.e_phnum; i++) {
			if (fseek(f, (long)(h.e_phoff + i * sizeof(ph)), SEEK_SET) ||
			    fread(&ph, sizeof(ph), 1, f) != 1)
				break;
			if (ph.p_type == PT_LOAD) {
				*image += ph.p_filesz;
				*memory += ph.p_memsz;
			}
		}
	}
	fclose(f);
}

static void add(struct json_object *o, const char *key, double value)
{
	char text[32];

	snprintf(text, sizeof(text), "%.*f", value < 10 ? 4 : 1, value);
	json_object_object_add(o, key, json_object_new_double_s(value, text));
}

static struct json_object *row_object(const struct bench_result *r)
{
	struct json_object *o = json_object_new_object();

	add(o, "cycles_per_command", r->cycles_per_command);
	add(o, "iops", r->iops);
	add(o, "share_of_wire", r->share_of_wire);
	add(o, "latency_cycles", r->latency_cycles);
	add(o, "firmware_instructions", r->firmware_instructions);
	add(o, "firmware_cycles", r->firmware_cycles);
	if (r->host.transport > 0) {
		add(o, "host_instructions", r->host.transport + r->host.program);
		add(o, "host_transport_instructions", r->host.transport);
	}
	return o;
}

static void print_row(const struct bench_row *row, const struct bench_result *r)
{
	printf("%-28s %10.0f %10.0f %6.1f %% %10.0f %8.0f %8.0f %8.0f %8.0f\n", row->name,
	       r->cycles_per_command, r->iops, r->share_of_wire * 100, r->latency_cycles,
	       r->firmware_instructions, r->firmware_cycles, r->host.transport + r->host.program,
	       r->host.transport);
	fflush(stdout);
}

/* Counting is slow: of the rows that differ only in a depth above 1 or in the MTU the first is counted. */
static bool costs_the_same(const struct bench_row *a, const struct bench_row *b)
{
	return a->role == b->role && a->wire == b->wire && a->write == b->write &&
	       a->bytes == b->bytes && (a->depth == 1) == (b->depth == 1);
}

static struct bench_host host_instructions(const char *self, const struct bench_row *row)
{
	static struct {
		bool done;
		struct bench_host host;
	} known[ROWS];
	size_t i = 0;

	while (!costs_the_same(&rows[i], row))
		i++;
	if (!known[i].done && bench_count(self, &rows[i], &known[i].host)) {
		fprintf(stderr, "bench: %s: host instructions could not be counted\n", row->name);
		known[i].host = (struct bench_host){ 0 };
	}
	known[i].done = true;
	return known[i].host;
}

/*
 * Where the latency of a pair comes from, found by taking away first the PCIe models of both adapters, then the wire. What
 * stays are the two adapters themselves; the programs take no device time.
 */
static int split_latency(const struct bench_row *row, const struct bench_result *all,
			 struct json_object *o)
{
	const struct bench_outside no_pcie = { .no_pcie = true },
				   neither = { .no_pcie = true, .no_wire = true };
	struct bench_result wire, inside;
	int ret = bench_run(row, &no_pcie, &wire);

	if (!ret)
		ret = bench_run(row, &neither, &inside);
	if (ret)
		return ret;
	add(o, "latency_pcie_cycles", all->latency_cycles - wire.latency_cycles);
	add(o, "latency_wire_cycles", wire.latency_cycles - inside.latency_cycles);
	add(o, "latency_adapters_cycles", inside.latency_cycles);
	printf("%28s of the latency: PCIe %.0f, wire %.0f, adapters %.0f\n", "",
	       all->latency_cycles - wire.latency_cycles,
	       wire.latency_cycles - inside.latency_cycles, inside.latency_cycles);
	return 0;
}

struct options {
	const char *json;
	bool host;
};

static int run_row(const struct bench_row *row, const char *self, const struct options *opt,
		   struct json_object *all, struct bench_result *r)
{
	static const struct bench_outside outside;
	struct json_object *o;
	int ret = bench_run(row, &outside, r);

	if (ret)
		return ret;
	if (opt->host)
		r->host = host_instructions(self, row);
	print_row(row, r);
	o = row_object(r);
	json_object_object_add(all, row->name, o);
	return row->role == BENCH_PAIR && row->depth == 1 ? split_latency(row, r, o) : 0;
}

static int run_rows(char **names, int n, const char *self, const struct options *opt,
		    struct json_object *all, double *speed)
{
	double cycles = 0, seconds = 0;
	struct bench_result r;
	const struct bench_row *row;
	int i, ret, worst = 0;

	for (i = 0; i < (n ? n : (int)ROWS); i++) {
		row = n ? find_row(names[i]) : &rows[i];
		ret = row ? run_row(row, self, opt, all, &r) : -EINVAL;
		if (ret) {
			worst = ret;
			continue;
		}
		cycles += r.simulated_cycles;
		seconds += r.wall_seconds;
	}
	*speed = seconds > 0 ? cycles / seconds : 0;
	return worst;
}

static int write_json(const char *path, struct json_object *all, double speed)
{
	struct json_object *root = json_object_new_object();
	uint32_t image, memory;
	int ret;

	firmware_size(&image, &memory);
	printf("simulator: %.0f cycles per second; firmware: %u bytes, %u in memory\n", speed,
	       image, memory);
	json_object_object_add(root, "rows", json_object_get(all));
	add(root, "simulator_cycles_per_second", speed);
	json_object_object_add(root, "firmware_bytes", json_object_new_int((int)image));
	json_object_object_add(root, "firmware_memory_bytes", json_object_new_int((int)memory));
	ret = json_object_to_file_ext(path, root, JSON_C_TO_STRING_PRETTY);
	json_object_put(root);
	return ret ? -EIO : 0;
}

int main(int argc, char **argv)
{
	static const struct option names[] = {
		{ "json", 1, NULL, 'j' },
		{ "no-host", 0, NULL, 'n' },
		{ "counted", 1, NULL, 'c' },
		{ NULL, 0, NULL, 0 },
	};
	struct options opt = { .json = "build/bench.json", .host = true };
	struct json_object *all = json_object_new_object();
	const struct bench_row *row;
	double speed;
	int c, ret;

	while ((c = getopt_long(argc, argv, "", names, NULL)) >= 0) {
		switch (c) {
		case 'j':
			opt.json = optarg;
			break;
		case 'n':
			opt.host = false;
			break;
		case 'c':
			row = find_row(optarg);
			return !row || bench_counted(row) ? 1 : 0;
		default:
			return 2;
		}
	}
	printf("%-28s %10s %10s %8s %10s %8s %8s %8s %8s\n", "", "cycles/cmd", "IOPS", "of wire",
	       "latency", "fw instr", "fw cycl", "host in", "transp.");
	ret = run_rows(argv + optind, argc - optind, argv[0], &opt, all, &speed);
	if (write_json(opt.json, all, speed))
		ret = -EIO;
	json_object_put(all);
	return ret ? 1 : 0;
}
