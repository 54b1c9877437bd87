// SPDX-License-Identifier: BSD-2-Clause
/*
 * weft-sim: the simulated adapter as a vfio-user device. One thread: poll, serve, step. While
 * nothing can happen in the adapter it sleeps until a socket, a frame or the firmware's next timer
 * wakes it.
 *
 * Time. wall: device time is CLOCK_MONOTONIC. cycle: 4 ns for each cycle stepped; while the adapter
 * is idle, time passes as on the wall, so that its timers fire.
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "../model/flash.h"
#include "ether.h"
#include "fc_port.h"
#include "server.h"

#define STEP_CYCLES 256 /* between two looks at the sockets */
#define VERSION "0.1"

struct options {
	const char *socket, *eth, *pcap, *fc, *fc_pcap, *fst, *firmware, *flash, *rom;
	uint32_t board;
	uint8_t key_hash[32];
	struct weft_link_params faults, fc_faults;
	uint64_t fst_from, fst_to;
	bool cycle_time, log;
};

struct server {
	struct options opt;
	struct weft_sim *sim;
	struct weft_flash *flash;
	struct vfu vfu;
	struct ether eth;
	struct fc_port fc;
	int listener, signals;
	bool bound;
};

static const char usage[] =
	"usage: weft-sim --socket PATH [options]\n"
	"\n"
	"Runs a simulated Weft adapter and serves it as a PCI device to one vfio-user client at a time.\n"
	"\n"
	"  --socket PATH           UNIX socket to listen on\n"
	"  --eth dgram:LOCAL:REMOTE  Ethernet port: one frame per UNIX datagram, bound to LOCAL, sent to REMOTE\n"
	"  --eth tap:NAME          Ethernet port: a TAP device\n"
	"  --pcap FILE             capture the Ethernet port (pcapng)\n"
	"  --fc dgram:LOCAL:REMOTE   Fibre Channel port: one frame or primitive per UNIX datagram\n"
	"  --fc-pcap FILE          capture the Fibre Channel port\n"
	"  --fst FILE[:FROM:TO]    waves, of a window of cycles (slower)\n"
	"  --time wall|cycle       device time is the wall clock (default), or counts cycles\n"
	"  --faults SPEC           both ways: loss=P,dup=P,reorder=P,corrupt=P,badfcs=P,delay=T,by=T,seed=N;\n"
	"                          P from 0 to 1, T like 50us or 1ms (by: how late a reordered frame may come)\n"
	"  --fc-faults SPEC        the same for the Fibre Channel port\n"
	"  --firmware ELF          firmware in place of the built one\n"
	"  --flash FILE            the adapter boots from this image of its flash, through the boot ROM\n"
	"  --rom ELF               boot ROM in place of the built one\n"
	"  --board ID              board id, for which images must be made [0]\n"
	"  --key FILE|HEX          Ed25519 public key that images must be signed with (PEM or DER), or its SHA-256\n"
	"  --log                   firmware's log to stderr\n"
	"  --help, --version\n";

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ull + (uint64_t)ts.tv_nsec;
}

/* --- options ---------------------------------------------------------------------------------- */

static int wrong(const char *option, const char *value)
{
	fprintf(stderr, "weft-sim: %s: cannot make sense of \"%s\"\n", option, value);
	return -EINVAL;
}

/* FILE[:FROM:TO]; the text is cut behind FILE. */
static int parse_fst(struct options *opt, char *text)
{
	char *to = strrchr(text, ':'), *from, *end;

	opt->fst = text;
	if (!to)
		return 0;
	*to = '\0';
	from = strrchr(text, ':');
	if (!from || !from[1] || !to[1])
		return wrong("--fst", text);
	opt->fst_from = strtoull(from + 1, &end, 0);
	if (*end)
		return wrong("--fst", from + 1);
	opt->fst_to = strtoull(to + 1, &end, 0);
	if (*end || opt->fst_to <= opt->fst_from)
		return wrong("--fst", to + 1);
	*from = '\0';
	return 0;
}

static int parse_time(struct options *opt, const char *text)
{
	opt->cycle_time = !strcmp(text, "cycle");
	return opt->cycle_time || !strcmp(text, "wall") ? 0 : wrong("--time", text);
}

static int parse_faults(struct weft_link_params *faults, const char *option, const char *text)
{
	const char *bad;

	return weft_link_parse(text, faults, &bad) ? wrong(option, bad) : 0;
}

static int one_option(struct options *opt, int c)
{
	switch (c) {
	case 's':
		opt->socket = optarg;
		return 0;
	case 'e':
		opt->eth = optarg;
		return 0;
	case 'p':
		opt->pcap = optarg;
		return 0;
	case 'w':
		return parse_fst(opt, strdup(optarg));
	case 't':
		return parse_time(opt, optarg);
	case 'f':
		return parse_faults(&opt->faults, "--faults", optarg);
	case 'c':
		opt->fc = optarg;
		return 0;
	case 'q':
		opt->fc_pcap = optarg;
		return 0;
	case 'g':
		return parse_faults(&opt->fc_faults, "--fc-faults", optarg);
	case 'i':
		opt->firmware = optarg;
		return 0;
	case 'F':
		opt->flash = optarg;
		return 0;
	case 'R':
		opt->rom = optarg;
		return 0;
	case 'B':
		return weft_sim_board(optarg, &opt->board) ? wrong("--board", optarg) : 0;
	case 'K':
		return weft_sim_key(optarg, opt->key_hash);
	case 'l':
		opt->log = true;
		return 0;
	case 'h':
		fputs(usage, stdout);
		exit(0);
	case 'v':
		puts("weft-sim " VERSION);
		exit(0);
	default:
		return -EINVAL;
	}
}

static int parse_options(struct options *opt, int argc, char **argv)
{
	static const struct option names[] = {
		{ "socket", 1, NULL, 's' },    { "eth", 1, NULL, 'e' },
		{ "pcap", 1, NULL, 'p' },      { "fst", 1, NULL, 'w' },
		{ "time", 1, NULL, 't' },      { "faults", 1, NULL, 'f' },
		{ "fc", 1, NULL, 'c' },        { "fc-pcap", 1, NULL, 'q' },
		{ "fc-faults", 1, NULL, 'g' }, { "firmware", 1, NULL, 'i' },
		{ "log", 0, NULL, 'l' },       { "help", 0, NULL, 'h' },
		{ "version", 0, NULL, 'v' },   { "flash", 1, NULL, 'F' },
		{ "rom", 1, NULL, 'R' },       { "board", 1, NULL, 'B' },
		{ "key", 1, NULL, 'K' },       { NULL, 0, NULL, 0 },
	};
	int c, ret = 0;

	while (!ret && (c = getopt_long(argc, argv, "", names, NULL)) >= 0)
		ret = one_option(opt, c);
	if (!ret && (optind < argc || !opt->socket)) {
		fputs(usage, stderr);
		ret = -EINVAL;
	}
	if (!ret && opt->flash && opt->firmware) {
		fputs("weft-sim: firmware comes from --flash or from --firmware, not from both\n",
		      stderr);
		ret = -EINVAL;
	}
	if (!ret && opt->rom && !opt->flash) {
		fputs("weft-sim: --rom needs --flash\n", stderr);
		ret = -EINVAL;
	}
	return ret;
}

/* --- the adapter's callbacks ------------------------------------------------------------------ */

static int on_dma_read(void *ctx, uint64_t iova, void *buf, size_t len)
{
	return vfu_dma_read(&((struct server *)ctx)->vfu, iova, buf, len);
}

static int on_dma_write(void *ctx, uint64_t iova, const void *buf, size_t len)
{
	return vfu_dma_write(&((struct server *)ctx)->vfu, iova, buf, len);
}

static void on_irq(void *ctx, unsigned int vector)
{
	vfu_irq(&((struct server *)ctx)->vfu, vector);
}

static void on_eth_tx(void *ctx, const void *frame, size_t len, uint64_t at_ns)
{
	ether_sent(&((struct server *)ctx)->eth, frame, len, at_ns);
}

static void on_fc_tx(void *ctx, const void *unit, size_t len, uint64_t at_ns)
{
	fc_port_sent(&((struct server *)ctx)->fc, unit, len, at_ns);
}

static int on_fc_rx(void *ctx, const void *unit, size_t len, bool bad)
{
	struct weft_sim *sim = ((struct server *)ctx)->sim;

	return bad ? weft_sim_fc_rx_bad(sim, unit, len) : weft_sim_fc_rx(sim, unit, len);
}

/* --- opening ---------------------------------------------------------------------------------- */

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

static int listen_on(struct server *s, const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	if (!*path || strlen(path) >= sizeof(addr.sun_path)) {
		fprintf(stderr, "weft-sim: socket path empty or too long: %s\n", path);
		return -ENAMETOOLONG;
	}
	strcpy(addr.sun_path, path);
	s->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->listener < 0)
		return -errno;
	unlink(path);
	if (bind(s->listener, (struct sockaddr *)&addr, sizeof(addr)) || listen(s->listener, 8)) {
		fprintf(stderr, "weft-sim: socket %s: %s\n", path, strerror(errno));
		return -errno;
	}
	s->bound = true;
	return 0;
}

static int open_capture(const struct server *s, const char *path, bool fc,
			struct weft_pcapng **capture)
{
	uint64_t base = s->opt.cycle_time ? 0 :
					    clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC);
	int ret;

	if (!path)
		return 0;
	ret = weft_pcapng_open(path, "weft", fc, base, capture);
	if (ret)
		fprintf(stderr, "weft-sim: capture %s: %s\n", path, strerror(-ret));
	return ret;
}

/* The library with waves is another one: its server takes over. */
static int run_with_waves(char **argv)
{
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 8);

	if (n < 0)
		return -errno;
	path[n] = '\0';
	if (strlen(path) > 6 && !strcmp(path + strlen(path) - 6, "-trace"))
		return -ENOTSUP;
	strcat(path, "-trace");
	execv(path, argv);
	fprintf(stderr, "weft-sim: %s: %s\n", path, strerror(errno));
	return -errno;
}

static int open_waves(struct server *s, char **argv)
{
	int ret;

	if (!s->opt.fst)
		return 0;
	ret = weft_sim_waves(s->sim, s->opt.fst, s->opt.fst_from, s->opt.fst_to);
	if (ret == -ENOTSUP)
		ret = run_with_waves(argv);
	if (ret)
		fprintf(stderr, "weft-sim: waves %s: %s\n", s->opt.fst, strerror(-ret));
	return ret;
}

static int open_server(struct server *s, char **argv)
{
	static const struct weft_sim_ops ops = { on_dma_read, on_dma_write, on_irq, on_eth_tx,
						 on_fc_tx };
	struct weft_sim_params params = { .firmware = s->opt.firmware,
					  .rom = s->opt.rom,
					  .board_id = s->opt.board,
					  .wall_time = !s->opt.cycle_time };
	int ret;

	ret = fc_port_open(&s->fc, "weft-sim", s->opt.fc, &s->opt.fc_faults);
	if (ret)
		return ret;
	if (s->opt.flash)
		ret = weft_sim_flash_file(s->opt.flash, &s->flash);
	if (ret)
		return ret;
	params.flash = s->flash;
	memcpy(params.key_hash, s->opt.key_hash, sizeof(params.key_hash));
	ret = weft_sim_create(&params, &ops, s, &s->sim);
	if (ret)
		return ret;
	vfu_init(&s->vfu, s->sim);
	ret = open_waves(s, argv);
	if (!ret)
		ret = ether_open(&s->eth, s->opt.eth, &s->opt.faults);
	if (!ret)
		ret = open_capture(s, s->opt.pcap, false, &s->eth.capture);
	if (!ret)
		ret = open_capture(s, s->opt.fc_pcap, true, &s->fc.capture);
	if (!ret)
		ret = listen_on(s, s->opt.socket);
	return ret;
}

static void close_server(struct server *s)
{
	if (s->vfu.fd >= 0)
		vfu_detach(&s->vfu);
	if (s->listener >= 0)
		close(s->listener);
	if (s->bound)
		unlink(s->opt.socket);
	ether_close(&s->eth);
	fc_port_close(&s->fc);
	weft_sim_destroy(s->sim);
	weft_flash_close(s->flash);
}

/* --- running ---------------------------------------------------------------------------------- */

static void print_log(struct server *s)
{
	char text[1024];

	while (s->opt.log && weft_sim_log(s->sim, text, sizeof(text)))
		fputs(text, stderr);
}

static void accept_client(struct server *s)
{
	int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd >= 0)
		vfu_attach(&s->vfu, fd);
}

/* Nanoseconds we may sleep; -1: until something comes. */
static int64_t sleep_ns(struct server *s)
{
	uint64_t next = weft_sim_next_timer(s->sim), now = weft_sim_now(s->sim),
		 due = ether_next(&s->eth), fc_due = fc_port_next(&s->fc);

	if (!weft_sim_idle(s->sim) || s->vfu.queue)
		return 0;
	if (due < next)
		next = due;
	if (fc_due < next)
		next = fc_due;
	if (next == UINT64_MAX)
		return -1;
	return next <= now ? 0 : next - now > INT64_MAX ? INT64_MAX : (int64_t)(next - now);
}

/* Waits. False: it is time to end. */
static bool wait_for_something(struct server *s)
{
	struct pollfd pfd[4] = { { s->signals, POLLIN, 0 },
				 { s->vfu.fd >= 0 ? s->vfu.fd : s->listener, POLLIN, 0 },
				 { s->eth.sock.fd, POLLIN, 0 },
				 { s->fc.sock.fd, POLLIN, 0 } };
	int64_t ns = sleep_ns(s);
	struct timespec ts = { ns / 1000000000, ns % 1000000000 };
	uint64_t before = clock_ns(CLOCK_MONOTONIC), slept;

	if (ns && s->eth.capture)
		weft_pcapng_flush(s->eth.capture);
	if (ns && s->fc.capture)
		weft_pcapng_flush(s->fc.capture);
	ppoll(pfd, 4, ns < 0 ? NULL : &ts, NULL);
	slept = clock_ns(CLOCK_MONOTONIC) - before;
	if (ns && s->opt.cycle_time)
		weft_sim_skip_to(s->sim, weft_sim_now(s->sim) + slept);
	if (pfd[1].revents && s->vfu.fd < 0)
		accept_client(s);
	return !pfd[0].revents;
}

static void move(struct server *s)
{
	ether_move(&s->eth, s->sim);
	fc_port_move(&s->fc, on_fc_rx, s, weft_sim_now(s->sim));
}

static void run(struct server *s)
{
	while (wait_for_something(s)) {
		if (s->vfu.fd >= 0)
			vfu_serve(&s->vfu);
		move(s);
		if (weft_sim_step(s->sim, STEP_CYCLES) && weft_sim_idle(s->sim))
			print_log(s);
		move(s);
		if (s->vfu.fd >= 0 && s->vfu.broken)
			vfu_serve(&s->vfu); /* it ends the connection */
	}
}

int main(int argc, char **argv)
{
	struct server s = { .listener = -1,
			    .vfu = { .fd = -1 },
			    .eth = { .sock = { .fd = -1 } },
			    .fc = { .sock = { .fd = -1 } } };
	int ret = parse_options(&s.opt, argc, argv);

	if (ret)
		return 2;
	s.signals = open_signals();
	ret = s.signals < 0 ? -errno : open_server(&s, argv);
	if (!ret)
		run(&s);
	close_server(&s);
	return ret ? 1 : 0;
}
