// SPDX-License-Identifier: BSD-2-Clause
/*
 * weft-cosim: two adapters in one process, port to port. One exports a file, on the other the job of
 * weft run is done: discover, connect, write, read back, compare. Exit status: 0 all done and
 * verified, 1 an error, 2 wrong usage.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <nvme/target.h>
#include <weft/fc.h>

#include "cosim.h"
#include "run.h"

#define NQN "nqn.2026-11.org.weft:cosim"
#define DISCOVERY_PORT 8009
#define IO_PORT 4420
#define DEFAULT_SIZE (16 * MIB)
#define SHUTDOWN_MS 5000
#define WORDS 64

struct options {
	const char *export;
	uint64_t size;
	struct cosim_params cosim;
	struct config run; /* of weft run */
};

struct job {
	struct options opt;
	struct cosim cosim;
	struct nvme_target *target;
	struct session session;
};

static const char help[] =
	"usage: weft-cosim --export FILE [options] [-- options of weft run]\n"
	"\n"
	"Two simulated adapters on one cable, in one process: 10.0.0.2 exports FILE, through 10.0.0.1\n"
	"the job of weft run is done on it. In cycle time, without a network, root or KVM.\n"
	"\n"
	"  --export FILE          made when it is missing\n"
	"  --size BYTES           of the file when it is made (16M)\n"
	"  --wire WIRE            tcp, fc (point-to-point), fabric, fcoe (tcp)\n"
	"  --pcap HOST:TARGET     capture both ports of that wire (pcapng)\n"
	"  --faults SPEC          of the cable, both ways, as in weft-sim\n"
	"  --mtu N                of both adapters (1500)\n"
	"  --help\n";

/* For parse_options. */
void usage(FILE *to)
{
	fputs(help, to);
}

/* --- options ---------------------------------------------------------------------------------- */

static int wrong(const char *option, const char *value)
{
	fprintf(stderr, "weft-cosim: %s: cannot make sense of \"%s\"\n", option, value);
	return -EINVAL;
}

/* Bytes, with K, M or G; whole blocks. */
static int parse_size(const char *text, uint64_t *size)
{
	static const char units[] = "KMG";
	const char *unit;
	char *end;

	*size = strtoull(text, &end, 0);
	unit = *end ? strchr(units, *end) : NULL;
	if (unit) {
		*size <<= 10 * (unit - units + 1);
		end++;
	}
	return *end || !*size || *size % 512 ? wrong("--size", text) : 0;
}

static int parse_mtu(const char *text, uint16_t *mtu)
{
	char *end;
	unsigned long n = strtoul(text, &end, 0);

	if (*end || n < 576 || n > 9000)
		return wrong("--mtu", text);
	*mtu = (uint16_t)n;
	return 0;
}

static int parse_wire(const char *text, enum cosim_wire *wire)
{
	static const char *const names[] = {
		[COSIM_ETH] = "tcp", [COSIM_FC] = "fc", [COSIM_FABRIC] = "fabric", [COSIM_FCOE] = "fcoe"
	};
	unsigned int i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(text, names[i])) {
			*wire = (enum cosim_wire)i;
			return 0;
		}
	return wrong("--wire", text);
}

static int parse_pcap(char *text, const char *capture[])
{
	char *colon = strchr(text, ':');

	if (!colon || colon == text || !colon[1])
		return wrong("--pcap", text);
	*colon = '\0';
	capture[0] = text;
	capture[1] = colon + 1;
	return 0;
}

static int parse_own(struct options *opt, int argc, char **argv)
{
	static const struct option names[] = {
		{ "export", 1, NULL, 'e' }, { "size", 1, NULL, 's' }, { "pcap", 1, NULL, 'p' },
		{ "faults", 1, NULL, 'f' }, { "mtu", 1, NULL, 'm' },  { "wire", 1, NULL, 'w' },
		{ "help", 0, NULL, 'h' },   { NULL, 0, NULL, 0 },
	};
	const char *bad;
	int c, ret = 0;

	opt->size = DEFAULT_SIZE;
	while (!ret && (c = getopt_long(argc, argv, "+h", names, NULL)) >= 0) {
		if (c == 'e')
			opt->export = optarg;
		else if (c == 's')
			ret = parse_size(optarg, &opt->size);
		else if (c == 'p')
			ret = parse_pcap(optarg, opt->cosim.capture);
		else if (c == 'w')
			ret = parse_wire(optarg, &opt->cosim.wire);
		else if (c == 'm')
			ret = parse_mtu(optarg, &opt->cosim.mtu);
		else if (c == 'f')
			ret = weft_link_parse(optarg, &opt->cosim.cable[0], &bad) ?
				      wrong("--faults", bad) :
				      0;
		else
			return c == 'h' ? 1 : -EINVAL;
	}
	if (ret)
		return ret;
	opt->cosim.cable[1] = opt->cosim.cable[0];
	opt->cosim.cable[1].seed++;
	return opt->export ? 0 : -EINVAL;
}

/* What follows --, as the words of weft run. */
static int parse_rest(struct config *cfg, int argc, char **argv)
{
	char *words[WORDS] = { "weft-cosim", "run", "--trsvcid", "8009" };
	int n = 4, i;

	for (i = optind; i < argc && n < WORDS - 1; i++)
		words[n++] = argv[i];
	if (i < argc)
		return -EINVAL;
	optind = 0; /* a new scan, that takes options behind words */
	return parse_options(n, words, cfg);
}

/* 0, 1 (help was wanted), or -EINVAL. */
static int parse(struct options *opt, int argc, char **argv)
{
	int ret = parse_own(opt, argc, argv);

	if (!ret)
		ret = parse_rest(&opt->run, argc, argv);
	if (ret)
		fputs(help, ret == 1 ? stdout : stderr);
	return ret;
}

/* --- the exporting side ----------------------------------------------------------------------- */

static void on_log(void *arg, const char *line)
{
	const struct job *j = arg;

	if (!j->opt.run.quiet && !j->opt.run.json)
		printf("%-10s %s\n", "target", line);
}

static int poll_target(void *arg)
{
	return nvme_target_poll(arg);
}

static int listen_on(struct job *j, uint16_t port, struct nvme_subsys *subsys)
{
	struct cosim_end *end = &j->cosim.end[1];
	struct nvme_port_opts o = {
		.traddr = end->ip,
		.listen = { .dev = end->dev,
			    .port = port,
			    .qsize = 128,
			    .max_icd = 8192,
			    .header_digests = true,
			    .data_digests = true },
	};
	struct nvme_port *p;
	int ret = nvme_target_port_add(j->target, &o, &p);

	if (ret)
		return complain(ret, "listen");
	if (subsys)
		ret = nvme_port_link(p, subsys);
	return ret ? complain(ret, "link") : 0;
}

/* The FC port answers for discovery and for the subsystem. */
static int listen_on_fc(struct job *j, struct nvme_subsys *subsys)
{
	struct cosim_end *end = &j->cosim.end[1];
	struct nvme_port_opts o = { .trtype = NVMF_TRTYPE_FC,
				    .listen = { .dev = end->dev, .qsize = 128 } };
	struct nvme_port *p;
	int ret;

	o.listen.fc.target_port = weft_fc_targetport(end->fc);
	ret = nvme_target_port_add(j->target, &o, &p);
	if (!ret)
		ret = nvme_port_link(p, subsys);
	return ret ? complain(ret, "listen") : 0;
}

/* A subsystem with the file as its namespace 1. */
static int export_file(struct job *j)
{
	struct nvme_target_opts to = { .log = on_log, .log_arg = j };
	struct nvme_subsys_opts so = { .nqn = NQN, .allow_any_host = true };
	struct nvme_backend_file_opts fo = { .create = true, .create_size = j->opt.size };
	struct nvme_ns_opts no = { .nsid = 1 };
	struct nvme_backend *backend;
	struct nvme_subsys *subsys;
	int ret = nvme_target_create(&to, &j->target);

	if (ret)
		return complain(ret, "target");
	ret = nvme_backend_file(j->opt.export, &fo, &backend);
	if (ret)
		return complain(ret, j->opt.export);
	ret = nvme_target_subsys_add(j->target, &so, &subsys);
	if (!ret)
		ret = nvme_subsys_ns_add(subsys, backend, &no, NULL);
	if (ret) {
		nvme_backend_close(backend);
		return complain(ret, "export");
	}
	if (j->opt.cosim.wire != COSIM_ETH)
		return listen_on_fc(j, subsys);
	ret = listen_on(j, DISCOVERY_PORT, NULL); /* every port tells of all */
	return ret ? ret : listen_on(j, IO_PORT, subsys);
}

/* Answers what is under way, flushes, closes the file. */
static int end_target(struct job *j)
{
	struct nvme_target *t = j->target;
	int ret;

	cosim_program(&j->cosim.end[1], NULL, NULL);
	j->target = NULL;
	ret = nvme_target_destroy(t, SHUTDOWN_MS);
	return ret ? complain(ret, "target") : 0;
}

/* --- all -------------------------------------------------------------------------------------- */

static double wall(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static void tell(const struct job *j, const char *what, double seconds)
{
	const struct cosim_end *end = j->cosim.end;

	if (j->opt.run.quiet || j->opt.run.json)
		return;
	printf("%-10s %s: %.1f s, %.3f ms of device time, %llu and %llu cycles\n", "cosim", what,
	       seconds, (double)cosim_now(&j->cosim) / 1e6,
	       (unsigned long long)weft_sim_cycles(weft_world_port_sim(end[0].port)),
	       (unsigned long long)weft_sim_cycles(weft_world_port_sim(end[1].port)));
	fflush(stdout);
}

/* Where the host's job goes: over FC, to the target's port names; the job waits until it has logged in. */
static void address(struct job *j)
{
	struct config *run = &j->opt.run;

	j->session.fc = j->cosim.end[0].fc;
	if (!j->session.fc)
		return;
	run->opts.addr.trtype = NVMF_TRTYPE_FC;
	run->opts.addr.wwnn = COSIM_WWNN + COSIM_TARGET;
	run->opts.addr.wwpn = COSIM_WWPN + COSIM_TARGET;
	run->have_address = true;
}

static int job(struct job *j)
{
	double start = wall();
	int ret = cosim_open(&j->cosim, &j->opt.cosim);

	if (!ret)
		ret = export_file(j);
	if (ret)
		return ret;
	cosim_program(&j->cosim.end[1], poll_target, j->target);
	address(j);
	tell(j, "two adapters are up", wall() - start);
	j->session.cfg = &j->opt.run;
	j->session.dev = j->cosim.end[0].dev;
	ret = run_job(&j->session);
	nvme_host_disconnect(j->session.host);
	if (!ret)
		tell(j, "all done", wall() - start);
	return ret;
}

int main(int argc, char **argv)
{
	static struct job j;
	int ret = parse(&j.opt, argc, argv), end = 0;

	if (ret)
		return ret == 1 ? 0 : 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	ret = job(&j);
	if (j.target)
		end = end_target(&j);
	cosim_close(&j.cosim);
	return ret || end ? 1 : 0;
}
