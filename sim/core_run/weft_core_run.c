// SPDX-License-Identifier: BSD-2-Clause
/*
 * weft-core-run: run a bare-metal program on the soft core alone. See machine.h for its world.
 * Exit status: 0 passed, 1 the program reported failure, 2 it could not be run to its end.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "elf32.h"
#include "machine.h"

#define DEFAULT_MAX_CYCLES 1000000000ull

struct options {
	uint64_t max_cycles;
	const char *signature;
	const char *trace;
	const char *elf;
};

static void usage(FILE *f)
{
	fprintf(f,
		"usage: weft-core-run [OPTION]... ELF\n"
		"Run a bare-metal RV32 program on the Verilated soft core (1 MiB at 0x80000000).\n"
		"  -c, --max-cycles N    give up after N cycles (default %llu)\n"
		"  -s, --signature FILE  write memory from begin_signature to end_signature\n"
		"  -t, --trace FILE      write a line per retired instruction\n"
		"  -h, --help            show this\n"
		"A write of 1 to the symbol tohost ends the program well, another odd value\n"
		"with failure code value/2. A byte written to 0x10000000 is printed.\n",
		DEFAULT_MAX_CYCLES);
}

static int parse_cycles(const char *arg, uint64_t *n)
{
	char *end;

	errno = 0;
	*n = strtoull(arg, &end, 0);
	if (errno || end == arg || *end || *arg == '-' || !*n) {
		fprintf(stderr, "weft-core-run: --max-cycles %s: not a positive number\n", arg);
		return -EINVAL;
	}
	return 0;
}

static int parse_options(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{ "max-cycles", required_argument, NULL, 'c' },
		{ "signature", required_argument, NULL, 's' },
		{ "trace", required_argument, NULL, 't' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "c:s:t:h", longs, NULL)) != -1) {
		switch (c) {
		case 'c':
			if (parse_cycles(optarg, &o->max_cycles))
				return -EINVAL;
			break;
		case 's':
			o->signature = optarg;
			break;
		case 't':
			o->trace = optarg;
			break;
		case 'h':
			usage(stdout);
			exit(0);
		default:
			return -EINVAL;
		}
	}
	if (optind + 1 != argc) {
		fprintf(stderr, "weft-core-run: one ELF file is needed (--help tells more)\n");
		return -EINVAL;
	}
	o->elf = argv[optind];
	return 0;
}

static int find_tohost(struct machine *m, const struct elf32 *e, const char *path)
{
	uint8_t *p;

	m->has_tohost = elf32_symbol(e, "tohost", &m->tohost);
	m->has_fromhost = elf32_symbol(e, "fromhost", &m->fromhost);
	if (!m->has_tohost) {
		fprintf(stderr, "weft-core-run: %s: no symbol tohost, so it cannot end\n", path);
		return -ENOEXEC;
	}
	if ((m->tohost & 7) || !machine_ram(m, m->tohost, 8, &p)) {
		fprintf(stderr,
			"weft-core-run: %s: tohost at 0x%08x is not 8 aligned bytes of memory\n",
			path, m->tohost);
		return -ENOEXEC;
	}
	return 0;
}

static int load_elf(struct machine *m, struct elf32 *e, const char *path)
{
	int rc = elf32_open(e, path);

	if (!rc)
		rc = elf32_load(e, m->ram, MACHINE_RAM_BASE, MACHINE_RAM_SIZE);
	if (rc) {
		fprintf(stderr, "weft-core-run: %s: %s\n", path,
			e->err[0] ? e->err : strerror(-rc));
		return rc;
	}
	machine_boot(m, e->entry);
	return find_tohost(m, e, path);
}

/* Like the reference simulators: word per line, lower address first. */
static int write_signature(struct machine *m, const struct elf32 *e, const char *path)
{
	uint32_t begin, end, n;
	uint8_t *p;
	FILE *f;

	if (!elf32_symbol(e, "begin_signature", &begin) ||
	    !elf32_symbol(e, "end_signature", &end)) {
		fprintf(stderr, "weft-core-run: no symbols begin_signature and end_signature\n");
		return -ENOENT;
	}
	if (end < begin || ((begin | end) & 3) || !machine_ram(m, begin, end - begin, &p)) {
		fprintf(stderr, "weft-core-run: signature 0x%08x..0x%08x is not words of memory\n",
			begin, end);
		return -ERANGE;
	}
	f = fopen(path, "w");
	if (!f)
		goto fail;
	for (n = 0; n < end - begin; n += 4)
		fprintf(f, "%02x%02x%02x%02x\n", p[n + 3], p[n + 2], p[n + 1], p[n]);
	if (!fclose(f))
		return 0;
fail:
	fprintf(stderr, "weft-core-run: %s: %s\n", path, strerror(errno));
	return -EIO;
}

static void trace_line(FILE *f, const struct machine *m)
{
	const struct core_rvfi *r = &m->out.rvfi;

	fprintf(f, "%" PRIu64 " %08x %08x", m->cycle, r->pc_rdata, r->insn);
	if (r->rd_addr)
		fprintf(f, " x%u=%08x", r->rd_addr, r->rd_wdata);
	if (r->mem_rmask)
		fprintf(f, " load[%08x]/%x=%08x", r->mem_addr, r->mem_rmask, r->mem_rdata);
	if (r->mem_wmask)
		fprintf(f, " store[%08x]/%x=%08x", r->mem_addr, r->mem_wmask, r->mem_wdata);
	fprintf(f, "%s%s\n", r->trap ? " trap" : "", r->intr ? " intr" : "");
}

static void run(struct machine *m, uint64_t max_cycles, FILE *trace)
{
	while (!m->ended && m->cycle - m->start < max_cycles) {
		machine_cycle(m);
		if (trace && m->out.rvfi.valid)
			trace_line(trace, m);
		if (!m->retired && m->cycle > max_cycles)
			break;
	}
	fflush(m->console);
}

static int report(const struct machine *m, uint64_t max_cycles)
{
	uint64_t cycles = (m->ended ? m->end : m->cycle) - m->start;
	uint64_t insns = m->ended ? m->end_retired : m->retired;

	printf("cycles %" PRIu64 " instructions %" PRIu64 " CPI %.3f\n", cycles, insns,
	       insns ? (double)cycles / insns : 0.0);
	if (!m->ended) {
		fprintf(stderr, "weft-core-run: no end after %" PRIu64 " cycles, pc 0x%08x%s\n",
			max_cycles, m->out.pc, m->out.sleep ? ", asleep in wfi" : "");
		return 2;
	}
	if (m->exit_code)
		fprintf(stderr, "weft-core-run: program failed with code %u\n", m->exit_code);
	return m->exit_code ? 1 : 0;
}

int main(int argc, char **argv)
{
	struct options o = { .max_cycles = DEFAULT_MAX_CYCLES };
	struct elf32 elf = { 0 };
	struct machine m;
	FILE *trace = NULL;
	int status = 2;

	if (parse_options(argc, argv, &o))
		return 2;
	if (machine_init(&m)) {
		fprintf(stderr, "weft-core-run: out of memory\n");
		return 2;
	}
	if (load_elf(&m, &elf, o.elf))
		goto out;
	if (o.trace && !(trace = fopen(o.trace, "w"))) {
		fprintf(stderr, "weft-core-run: %s: %s\n", o.trace, strerror(errno));
		goto out;
	}
	run(&m, o.max_cycles, trace);
	status = report(&m, o.max_cycles);
	if (o.signature && m.ended && write_signature(&m, &elf, o.signature))
		status = 2;
out:
	if (trace && fclose(trace)) {
		fprintf(stderr, "weft-core-run: %s: %s\n", o.trace, strerror(errno));
		status = 2;
	}
	elf32_close(&elf);
	machine_fini(&m);
	return status;
}
