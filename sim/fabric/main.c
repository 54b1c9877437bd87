// SPDX-License-Identifier: BSD-2-Clause
/*
 * weft-fabric: a Fibre Channel switch whose ports are UNIX datagram sockets. One thread: poll, move,
 * answer. Commands come as lines on standard input.
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "../server/fc_port.h"
#include "fabric.h"

#define VERSION "0.1"
#define R_T_TOV_MS 2000 /* simulated adapters are slow */

struct program {
	struct fabric_params params;
	struct weft_link_params faults;
	const char *specs[FABRIC_PORTS_MAX], *captures[FABRIC_PORTS_MAX];
	struct fc_port ports[FABRIC_PORTS_MAX];
	struct fabric *fabric;
	int signals;
	bool input; /* standard input is not at its end */
	char line[128];
	size_t line_len;
	bool quit;
};

/* A port as the fabric's callbacks name it. */
struct port_ref {
	struct program *p;
	unsigned int i;
};

static const char usage[] =
	"usage: weft-fabric --port dgram:LOCAL:REMOTE [--port ...] [options]\n"
	"\n"
	"A Fibre Channel switch for tests: login server, fabric controller, name server.\n"
	"\n"
	"  --port dgram:LOCAL:REMOTE  one more port: a unit per UNIX datagram, bound to LOCAL, sent to REMOTE;\n"
	"                          ports count from 1\n"
	"  --pcap FILE             capture the port named last (pcapng)\n"
	"  --domain N              of the addresses it gives (1)\n"
	"  --credit N              frames a port may have in the switch (16)\n"
	"  --e-d-tov MS, --r-a-tov MS  what FLOGI says of timers (2000, 10000)\n"
	"  --r-t-tov MS            how long a step of link initialisation may take (2000)\n"
	"  --faults SPEC           of each port's cable, both ways: as weft-sim's\n"
	"  --help, --version\n"
	"\n"
	"Lines on standard input: pull N, plug N, ports, counters, quit\n";

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ull + (uint64_t)ts.tv_nsec;
}

/* --- options ---------------------------------------------------------------------------------- */

static int wrong(const char *option, const char *value)
{
	fprintf(stderr, "weft-fabric: %s: cannot make sense of \"%s\"\n", option, value);
	return -EINVAL;
}

static int number(const char *option, const char *text, unsigned long max, uint32_t *value)
{
	char *end;
	unsigned long v = strtoul(text, &end, 0);

	if (end == text || *end || !v || v > max)
		return wrong(option, text);
	*value = (uint32_t)v;
	return 0;
}

static int add_port(struct program *p, const char *spec)
{
	if (p->params.n == FABRIC_PORTS_MAX)
		return wrong("--port (too many)", spec);
	p->specs[p->params.n++] = spec;
	return 0;
}

static int add_capture(struct program *p, const char *path)
{
	if (!p->params.n)
		return wrong("--pcap (before any --port)", path);
	p->captures[p->params.n - 1] = path;
	return 0;
}

static int one_option(struct program *p, int c)
{
	const char *bad;
	uint32_t v = 0;
	int ret;

	switch (c) {
	case 'p':
		return add_port(p, optarg);
	case 'c':
		return add_capture(p, optarg);
	case 'd':
		ret = number("--domain", optarg, 0xef, &v);
		p->params.domain = (uint8_t)v;
		return ret;
	case 'b':
		ret = number("--credit", optarg, 1000, &v);
		p->params.credit = (uint16_t)v;
		return ret;
	case 'e':
		return number("--e-d-tov", optarg, 1000000, &p->params.e_d_tov_ms);
	case 'a':
		return number("--r-a-tov", optarg, 1000000, &p->params.r_a_tov_ms);
	case 't':
		return number("--r-t-tov", optarg, 1000000, &p->params.r_t_tov_ms);
	case 'f':
		return weft_link_parse(optarg, &p->faults, &bad) ? wrong("--faults", bad) : 0;
	case 'h':
		fputs(usage, stdout);
		exit(0);
	case 'v':
		puts("weft-fabric " VERSION);
		exit(0);
	default:
		return -EINVAL;
	}
}

static int parse_options(struct program *p, int argc, char **argv)
{
	static const struct option names[] = {
		{ "port", 1, NULL, 'p' },    { "pcap", 1, NULL, 'c' },
		{ "domain", 1, NULL, 'd' },  { "credit", 1, NULL, 'b' },
		{ "e-d-tov", 1, NULL, 'e' }, { "r-a-tov", 1, NULL, 'a' },
		{ "r-t-tov", 1, NULL, 't' }, { "faults", 1, NULL, 'f' },
		{ "help", 0, NULL, 'h' },    { "version", 0, NULL, 'v' },
		{ NULL, 0, NULL, 0 },
	};
	int c, ret = 0;

	while (!ret && (c = getopt_long(argc, argv, "", names, NULL)) >= 0)
		ret = one_option(p, c);
	if (!ret && (optind < argc || !p->params.n)) {
		fputs(usage, stderr);
		ret = -EINVAL;
	}
	return ret;
}

/* --- commands --------------------------------------------------------------------------------- */

static void print_ports(const struct program *p)
{
	uint32_t ids[FABRIC_NPORTS_MAX];
	unsigned int i, j, n;

	for (i = 0; i < p->params.n; i++) {
		printf("port %u %s", i + 1,
		       p->ports[i].pulled               ? "pulled" :
		       fabric_port_active(p->fabric, i) ? "active" :
							  "down");
		n = fabric_port_ids(p->fabric, i, ids, FABRIC_NPORTS_MAX);
		for (j = 0; j < n; j++)
			printf(" %06x", ids[j]);
		putchar('\n');
	}
}

static void print_counters(const struct program *p)
{
	const struct fabric_counters *c = fabric_counters(p->fabric);
	const struct {
		const char *name;
		uint64_t value;
	} all[] = {
		{ "frames", c->frames },         { "forwarded", c->forwarded },
		{ "served", c->served },         { "bad_crc", c->bad_crc },
		{ "bad_frame", c->bad_frame },   { "bad_source", c->bad_source },
		{ "unknown", c->unknown },       { "no_buffer", c->no_buffer },
		{ "timed_out", c->timed_out },   { "cut", c->cut },
		{ "logins", c->logins },         { "logouts", c->logouts },
		{ "rscns", c->rscns },           { "link_ups", c->link_ups },
		{ "link_downs", c->link_downs }, { "link_resets", c->link_resets },
	};
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		printf("%s %llu\n", all[i].name, (unsigned long long)all[i].value);
}

static void command(struct program *p, const char *line)
{
	unsigned int n;
	char word[8], rest;

	if (!strcmp(line, "ports")) {
		print_ports(p);
	} else if (!strcmp(line, "counters")) {
		print_counters(p);
	} else if (!strcmp(line, "quit")) {
		p->quit = true;
	} else if (sscanf(line, "%7s %u%c", word, &n, &rest) == 2 && n && n <= p->params.n &&
		   (!strcmp(word, "pull") || !strcmp(word, "plug"))) {
		fc_port_pull(&p->ports[n - 1], !strcmp(word, "pull"), clock_ns(CLOCK_MONOTONIC));
	} else {
		printf("error: %s\n", line);
		fflush(stdout);
		return;
	}
	puts("ok");
	fflush(stdout);
}

static void read_commands(struct program *p)
{
	char *end;
	ssize_t n = read(0, p->line + p->line_len, sizeof(p->line) - 1 - p->line_len);

	if (n <= 0) {
		p->input = n < 0 && (errno == EINTR || errno == EAGAIN);
		return;
	}
	p->line_len += (size_t)n;
	p->line[p->line_len] = '\0';
	while ((end = strchr(p->line, '\n'))) {
		*end = '\0';
		command(p, p->line);
		p->line_len -= (size_t)(end + 1 - p->line);
		memmove(p->line, end + 1, p->line_len + 1);
	}
	if (p->line_len == sizeof(p->line) - 1) /* no command is as long as this */
		p->line_len = 0;
}

/* --- running ---------------------------------------------------------------------------------- */

static void on_send(void *ctx, unsigned int port, const void *unit, size_t len)
{
	fc_port_sent(&((struct program *)ctx)->ports[port], unit, len, clock_ns(CLOCK_MONOTONIC));
}

static int on_unit(void *ctx, const void *unit, size_t len, bool bad)
{
	const struct port_ref *ref = ctx;

	if (!bad) /* a code nobody knows: the port drops it */
		fabric_rx(ref->p->fabric, ref->i, unit, len, clock_ns(CLOCK_MONOTONIC));
	return 0;
}

static uint64_t move(struct program *p)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC), next, due;
	unsigned int i;

	for (i = 0; i < p->params.n; i++) {
		struct port_ref ref = { p, i };

		fc_port_move(&p->ports[i], on_unit, &ref, now);
	}
	next = fabric_poll(p->fabric, now);
	for (i = 0; i < p->params.n; i++) {
		due = fc_port_next(&p->ports[i]);
		if (due < next)
			next = due;
	}
	return next;
}

static void sleep_until(struct program *p, uint64_t next)
{
	struct pollfd pfd[FABRIC_PORTS_MAX + 2] = { { p->signals, POLLIN, 0 },
						    { p->input ? 0 : -1, POLLIN, 0 } };
	uint64_t now = clock_ns(CLOCK_MONOTONIC), ns = next > now ? next - now : 0;
	struct timespec ts = { (time_t)(ns / 1000000000), (long)(ns % 1000000000) };
	unsigned int i;

	for (i = 0; i < p->params.n; i++) {
		pfd[i + 2] = (struct pollfd){ p->ports[i].sock.fd, POLLIN, 0 };
		if (ns && p->ports[i].capture)
			weft_pcapng_flush(p->ports[i].capture);
	}
	ppoll(pfd, p->params.n + 2, &ts, NULL);
	p->quit = pfd[0].revents;
	if (pfd[1].revents)
		read_commands(p);
}

static int open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

static int open_port(struct program *p, unsigned int i)
{
	uint64_t base = clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC);
	struct weft_link_params faults = p->faults;
	char name[16];
	int ret;

	faults.seed += i;
	ret = fc_port_open(&p->ports[i], "weft-fabric", p->specs[i], &faults);
	if (ret || !p->captures[i])
		return ret;
	snprintf(name, sizeof(name), "port %u", i + 1);
	ret = weft_pcapng_open(p->captures[i], name, true, base, &p->ports[i].capture);
	if (ret)
		fprintf(stderr, "weft-fabric: capture %s: %s\n", p->captures[i], strerror(-ret));
	return ret;
}

int main(int argc, char **argv)
{
	static struct program p = { .params = { .r_t_tov_ms = R_T_TOV_MS }, .input = true };
	unsigned int i;
	int ret;

	for (i = 0; i < FABRIC_PORTS_MAX; i++)
		p.ports[i].sock.fd = -1;
	if (parse_options(&p, argc, argv))
		return 2;
	p.signals = open_signals();
	ret = p.signals < 0 ? -errno : 0;
	for (i = 0; !ret && i < p.params.n; i++)
		ret = open_port(&p, i);
	if (!ret)
		ret = fabric_create(&p.params, on_send, &p, &p.fabric);
	while (!ret && !p.quit)
		sleep_until(&p, move(&p));
	for (i = 0; i < p.params.n; i++)
		fc_port_close(&p.ports[i]);
	fabric_destroy(p.fabric);
	return ret ? 1 : 0;
}
