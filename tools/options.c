/* SPDX-License-Identifier: BSD-2-Clause */
/* The command line, with nvme-cli's words; weft perf has spdk_nvme_perf's short options. */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "weft.h"

enum {
	O_DEVICE = 256,
	O_IP,
	O_GATEWAY,
	O_MTU,
	O_MAC,
	O_TRTYPE,
	O_FC,
	O_TRADDR,
	O_TRSVCID,
	O_NQN,
	O_HOSTNQN,
	O_HOSTID,
	O_HOSTUUID,
	O_HDGST,
	O_DDGST,
	O_NO_DIGEST,
	O_QUEUES,
	O_QSIZE,
	O_KATO,
	O_SQFLOW,
	O_ADDRESS,
	O_MAX_XFER,
	O_TIMEOUT,
	O_NSID,
	O_SLBA,
	O_NLB,
	O_SIZE,
	O_DATA,
	O_LOG_ID,
	O_LOG_LEN,
	O_FEATURE,
	O_FORMAT,
	O_QUIET,
	O_DEPTH,
	O_IO_SIZE,
	O_PATTERN,
	O_MIX,
	O_TIME,
	O_COUNT,
	O_RANGE,
	O_SEED,
	O_VERIFY,
	O_CONFIG,
	O_FILE,
	O_RAM,
	O_NULL,
	O_CREATE,
	O_BLOCK_SIZE,
	O_ICD_SIZE,
	O_READ_ONLY,
	O_BUFFERED,
	O_SYNCHRONOUS,
	O_ALLOW_HOST,
	O_SERIAL,
	O_MODEL,
	O_READY_FILE,
	O_STATS_EVERY,
	O_JSON,
	O_PCI_ID,
	O_FORCE,
	O_NO_OPEN,
	O_HELP,
};

static const struct option long_options[] = {
	{ "device", 1, NULL, O_DEVICE },
	{ "ip", 1, NULL, O_IP },
	{ "host-traddr", 1, NULL, O_IP },
	{ "gateway", 1, NULL, O_GATEWAY },
	{ "mtu", 1, NULL, O_MTU },
	{ "mac", 1, NULL, O_MAC },
	{ "transport", 1, NULL, O_TRTYPE },
	{ "fc", 1, NULL, O_FC },
	{ "traddr", 1, NULL, O_TRADDR },
	{ "trsvcid", 1, NULL, O_TRSVCID },
	{ "nqn", 1, NULL, O_NQN },
	{ "hostnqn", 1, NULL, O_HOSTNQN },
	{ "hostid", 1, NULL, O_HOSTID },
	{ "hostuuid", 1, NULL, O_HOSTUUID },
	{ "hdr-digest", 0, NULL, O_HDGST },
	{ "data-digest", 0, NULL, O_DDGST },
	{ "no-digest", 0, NULL, O_NO_DIGEST },
	{ "nr-io-queues", 1, NULL, O_QUEUES },
	{ "queue-size", 1, NULL, O_QSIZE },
	{ "keep-alive-tmo", 1, NULL, O_KATO },
	{ "disable-sqflow", 0, NULL, O_SQFLOW },
	{ "address", 1, NULL, O_ADDRESS },
	{ "max-transfer", 1, NULL, O_MAX_XFER },
	{ "timeout", 1, NULL, O_TIMEOUT },
	{ "namespace-id", 1, NULL, O_NSID },
	{ "nsid", 1, NULL, O_NSID },
	{ "start-block", 1, NULL, O_SLBA },
	{ "block-count", 1, NULL, O_NLB },
	{ "data-size", 1, NULL, O_SIZE },
	{ "data", 1, NULL, O_DATA },
	{ "log-id", 1, NULL, O_LOG_ID },
	{ "log-len", 1, NULL, O_LOG_LEN },
	{ "feature-id", 1, NULL, O_FEATURE },
	{ "output-format", 1, NULL, O_FORMAT },
	{ "quiet", 0, NULL, O_QUIET },
	{ "depth", 1, NULL, O_DEPTH },
	{ "io-size", 1, NULL, O_IO_SIZE },
	{ "pattern", 1, NULL, O_PATTERN },
	{ "rwmixread", 1, NULL, O_MIX },
	{ "time", 1, NULL, O_TIME },
	{ "count", 1, NULL, O_COUNT },
	{ "range", 1, NULL, O_RANGE },
	{ "seed", 1, NULL, O_SEED },
	{ "verify", 0, NULL, O_VERIFY },
	{ "config", 1, NULL, O_CONFIG },
	{ "file", 1, NULL, O_FILE },
	{ "ram", 1, NULL, O_RAM },
	{ "null", 1, NULL, O_NULL },
	{ "create", 1, NULL, O_CREATE },
	{ "block-size", 1, NULL, O_BLOCK_SIZE },
	{ "icd-size", 1, NULL, O_ICD_SIZE },
	{ "read-only", 0, NULL, O_READ_ONLY },
	{ "buffered", 0, NULL, O_BUFFERED },
	{ "synchronous", 0, NULL, O_SYNCHRONOUS },
	{ "allow-host", 1, NULL, O_ALLOW_HOST },
	{ "serial", 1, NULL, O_SERIAL },
	{ "model", 1, NULL, O_MODEL },
	{ "ready-file", 1, NULL, O_READY_FILE },
	{ "stats-every", 1, NULL, O_STATS_EVERY },
	{ "json", 0, NULL, O_JSON },
	{ "id", 1, NULL, O_PCI_ID },
	{ "force", 0, NULL, O_FORCE },
	{ "no-open", 0, NULL, O_NO_OPEN },
	{ "help", 0, NULL, O_HELP },
	{ NULL, 0, NULL, 0 },
};

/* Short options of all verbs but perf and target, of perf, and of target. */
static const char common_short[] = "t:a:s:n:q:I:gGi:Q:k:w:o:r:N:c:z:d:l:f:h";
static const int common_codes[][2] = {
	{ 't', O_TRTYPE },  { 'a', O_TRADDR },  { 's', O_TRSVCID }, { 'n', O_NQN },
	{ 'q', O_HOSTNQN }, { 'I', O_HOSTID },  { 'g', O_HDGST },   { 'G', O_DDGST },
	{ 'i', O_QUEUES },  { 'Q', O_QSIZE },   { 'k', O_KATO },    { 'w', O_IP },
	{ 'o', O_FORMAT },  { 'r', O_ADDRESS }, { 'N', O_NSID },    { 'c', O_NLB },
	{ 'z', O_SIZE },    { 'd', O_DATA },    { 'l', O_LOG_LEN }, { 'f', O_FEATURE },
	{ 'h', O_HELP },    { 0, 0 },
};
static const char perf_short[] = "a:s:n:gGi:Q:k:q:o:w:M:t:r:N:h";
static const int perf_codes[][2] = {
	{ 'a', O_TRADDR }, { 's', O_TRSVCID }, { 'n', O_NQN },     { 'g', O_HDGST },
	{ 'G', O_DDGST },  { 'i', O_QUEUES },  { 'Q', O_QSIZE },   { 'k', O_KATO },
	{ 'q', O_DEPTH },  { 'o', O_IO_SIZE }, { 'w', O_PATTERN }, { 'M', O_MIX },
	{ 't', O_TIME },   { 'r', O_ADDRESS }, { 'N', O_NSID },    { 'h', O_HELP },
	{ 0, 0 },
};
static const char target_short[] = "t:s:n:i:Q:w:N:o:qh";
static const int target_codes[][2] = {
	{ 't', O_TRTYPE }, { 's', O_TRSVCID }, { 'n', O_NQN },  { 'i', O_QUEUES },
	{ 'Q', O_QSIZE },  { 'w', O_IP },      { 'N', O_NSID }, { 'o', O_FORMAT },
	{ 'q', O_QUIET },  { 'h', O_HELP },    { 0, 0 },
};

static int bad(const char *what, const char *val)
{
	fprintf(stderr, "weft: %s \"%s\" makes no sense\n", what, val);
	return -EINVAL;
}

/* A number with an optional K, M, G or T behind it, in lo..hi. */
static int number(const char *what, const char *text, uint64_t lo, uint64_t hi, uint64_t *out)
{
	unsigned int shift = 0;
	char *end;
	uint64_t v;

	errno = 0;
	v = strtoull(text, &end, 0);
	if (*end && strchr("kKmMgGtT", *end) && !end[1]) {
		shift = strchr("kK", *end) ? 10 :
			strchr("mM", *end) ? 20 :
			strchr("gG", *end) ? 30 :
					     40;
		end++;
	}
	if (errno || *end || *text == '-' || end == text || v > hi >> shift || v << shift < lo)
		return bad(what, text);
	*out = v << shift;
	return 0;
}

static int address(const char *what, const char *text, uint32_t *ip)
{
	struct in_addr in;

	if (inet_pton(AF_INET, text, &in) != 1)
		return bad(what, text);
	*ip = ntohl(in.s_addr);
	return 0;
}

/* The address tells the transport where nothing else does: nn-0x...:pn-0x... is FC. */
static int target_address(struct config *c, const char *text)
{
	struct nvme_host_addr *a = &c->opts.addr;

	c->have_address = true;
	if (!fc_is_name(text))
		return address("traddr", text, &a->ip);
	if (!c->trtype_given)
		a->trtype = NVMF_TRTYPE_FC;
	return fc_address("traddr", text, &a->wwnn, &a->wwpn);
}

static int transport(struct config *c, const char *text)
{
	if (strcasecmp(text, "tcp") && strcasecmp(text, "fc"))
		return bad("transport", text);
	c->opts.addr.trtype = strcasecmp(text, "fc") ? NVMF_TRTYPE_TCP : NVMF_TRTYPE_FC;
	c->trtype_given = true;
	return 0;
}

static int fc_mode(struct config *c, const char *text)
{
	if (strcasecmp(text, "native") && strcasecmp(text, "vn2vn"))
		return bad("FC mode", text);
	c->fc_vn2vn = !strcasecmp(text, "vn2vn");
	c->fc_given = true;
	return 0;
}

/* A.B.C.D or A.B.C.D/BITS; 24 bits by default. */
static int own_address(struct weft_port *port, const char *text)
{
	char copy[32], *slash;
	uint64_t bits = 24;

	snprintf(copy, sizeof(copy), "%s", text);
	slash = strchr(copy, '/');
	if (slash) {
		*slash = '\0';
		if (number("netmask length", slash + 1, 1, 32, &bits))
			return -EINVAL;
	}
	port->mask = ~0u << (32 - bits);
	return address("address", copy, &port->ip);
}

static int mac_address(struct weft_port *port, const char *text)
{
	unsigned int m[6], i;
	char more;

	if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%c", &m[0], &m[1], &m[2], &m[3], &m[4], &m[5],
		   &more) != 6 ||
	    m[0] & 1)
		return bad("MAC address", text);
	for (i = 0; i < 6; i++)
		port->mac[i] = (uint8_t)m[i];
	return 0;
}

static int name(const char *what, const char *text, char *to)
{
	if (strlen(text) > NVME_NQN_MAX || strncmp(text, "nqn.", 4))
		return bad(what, text);
	strcpy(to, text);
	return 0;
}

/* --hostid changes only the identifier; --hostuuid the name as well. */
static int host_id(struct nvme_host_opts *o, const char *text)
{
	struct nvme_host_opts tmp = *o;

	if (nvme_host_set_uuid(&tmp, text))
		return bad("host id", text);
	memcpy(o->hostid, tmp.hostid, sizeof(o->hostid));
	return 0;
}

static int addr_string(struct config *c, const char *text)
{
	struct nvme_host_addr a;

	if (nvme_host_addr_parse(text, &a)) {
		fprintf(stderr, "weft: %s\n", weft_last_error());
		return -EINVAL;
	}
	if (!a.hostnqn[0])
		strcpy(a.hostnqn, c->opts.addr.hostnqn);
	c->opts.addr = a;
	c->have_address = true;
	return 0;
}

static int format(struct config *c, const char *text)
{
	if (strcmp(text, "json") && strcmp(text, "normal"))
		return bad("output format", text);
	c->json = text[0] == 'j';
	return 0;
}

/* Options whose value is a number: where it goes, and how it is scaled. */
#define FIELD(f) offsetof(struct config, f), sizeof(((struct config *)0)->f)
static const struct number_option {
	int code;
	const char *what;
	uint64_t lo;
	uint64_t hi;
	size_t offset;
	size_t size;
	uint32_t scale;
} number_options[] = {
	{ O_MTU, "MTU", 576, 9000, FIELD(port.mtu), 1 },
	{ O_TRSVCID, "trsvcid", 1, 65535, FIELD(opts.addr.port), 1 },
	{ O_QUEUES, "number of I/O queues", 1, 64, FIELD(opts.io_queues), 1 },
	{ O_QSIZE, "queue size", 2, 1024, FIELD(opts.io_qsize), 1 },
	{ O_KATO, "keep alive timeout", 0, 86400, FIELD(opts.kato_ms), 1000 },
	{ O_MAX_XFER, "transfer size", 4096, 16 * MIB, FIELD(opts.max_xfer), 1 },
	{ O_NSID, "namespace id", 1, 0xfffffffe, FIELD(nsid), 1 },
	{ O_SLBA, "start block", 0, UINT64_MAX, FIELD(start_block), 1 },
	{ O_SIZE, "data size", 1, 1ull << 30, FIELD(data_size), 1 },
	{ O_LOG_ID, "log id", 0, 255, FIELD(log_id), 1 },
	{ O_LOG_LEN, "log length", 4, MIB, FIELD(log_len), 1 },
	{ O_FEATURE, "feature id", 0, 255, FIELD(feature_id), 1 },
	{ O_DEPTH, "depth", 1, 4096, FIELD(depth), 1 },
	{ O_IO_SIZE, "I/O size", 512, 16 * MIB, FIELD(io_size), 1 },
	{ O_MIX, "share of reads", 0, 100, FIELD(read_percent), 1 },
	{ O_COUNT, "count", 1, UINT64_MAX, FIELD(count), 1 },
	{ O_RANGE, "range", 512, UINT64_MAX, FIELD(range), 1 },
	{ O_SEED, "seed", 0, UINT64_MAX, FIELD(seed), 1 },
	{ O_RAM, "size", 512, INT64_MAX, FIELD(target.ram), 1 },
	{ O_NULL, "size", 512, INT64_MAX, FIELD(target.null), 1 },
	{ O_CREATE, "size", 512, INT64_MAX, FIELD(target.create), 1 },
	{ O_BLOCK_SIZE, "block size", 512, 4096, FIELD(target.block_size), 1 },
	{ O_ICD_SIZE, "in-capsule data size", 8192, 65536, FIELD(target.icd_size), 1 },
	{ O_STATS_EVERY, "time between statistics", 1, 86400, FIELD(target.stats_every), 1 },
};

/*
 * 1: not one of them. The fields are unsigned and little-endian, so that the low bytes are the
 * value.
 */
static int number_option(struct config *c, int code, const char *arg)
{
	unsigned int i;

	for (i = 0; i < sizeof(number_options) / sizeof(number_options[0]); i++) {
		const struct number_option *n = &number_options[i];
		uint64_t v;

		if (n->code != code)
			continue;
		if (number(n->what, arg, n->lo, n->hi, &v))
			return -EINVAL;
		v *= n->scale;
		memcpy((char *)c + n->offset, &v, n->size);
		return 0;
	}
	return 1;
}

/* Options without a value. 1: not one of them. */
static int flag_option(struct config *c, int code)
{
	bool *flag = code == O_HDGST       ? &c->opts.header_digest :
		     code == O_DDGST       ? &c->opts.data_digest :
		     code == O_NO_DIGEST   ? &c->no_digest :
		     code == O_SQFLOW      ? &c->opts.disable_sqflow :
		     code == O_QUIET       ? &c->quiet :
		     code == O_VERIFY      ? &c->verify :
		     code == O_READ_ONLY   ? &c->target.read_only :
		     code == O_BUFFERED    ? &c->target.buffered :
		     code == O_SYNCHRONOUS ? &c->target.synchronous :
		     code == O_JSON        ? &c->json :
		     code == O_FORCE       ? &c->pci.force :
		     code == O_NO_OPEN     ? &c->pci.no_open :
					     NULL;

	if (!flag)
		return 1;
	*flag = true;
	return 0;
}

/* Options about addresses and names. 1: not one of them. */
static int name_option(struct config *c, int code, const char *arg)
{
	struct nvme_host_opts *o = &c->opts;

	switch (code) {
	case O_IP:
		return fc_is_name(arg) ? fc_address("address", arg, &c->fc_wwnn, &c->fc_wwpn) :
					 own_address(&c->port, arg);
	case O_GATEWAY:
		return address("gateway", arg, &c->port.gateway);
	case O_MAC:
		return mac_address(&c->port, arg);
	case O_TRTYPE:
		return transport(c, arg);
	case O_FC:
		return fc_mode(c, arg);
	case O_TRADDR:
		return target_address(c, arg);
	case O_NQN:
		return name("subsystem NQN", arg, o->addr.subnqn);
	case O_HOSTNQN:
		return name("host NQN", arg, o->addr.hostnqn);
	case O_HOSTID:
		return host_id(o, arg);
	case O_HOSTUUID:
		return nvme_host_set_uuid(o, arg) ? bad("host UUID", arg) : 0;
	case O_ADDRESS:
		return addr_string(c, arg);
	default:
		return 1;
	}
}

/* Options of weft target that are texts. 1: not one of them. */
static int target_option(struct config *c, int code, const char *arg)
{
	struct target_options *t = &c->target;

	switch (code) {
	case O_CONFIG:
		t->config = arg;
		return 0;
	case O_FILE:
		t->file = arg;
		return 0;
	case O_SERIAL:
		t->serial = arg;
		return 0;
	case O_MODEL:
		t->model = arg;
		return 0;
	case O_READY_FILE:
		t->ready_file = arg;
		return 0;
	case O_ALLOW_HOST:
		if (t->n_allowed == ALLOWED_HOSTS_MAX)
			return bad("one host more:", arg);
		t->allowed[t->n_allowed++] = arg;
		return 0;
	default:
		return 1;
	}
}

/* What is left. */
static int other_option(struct config *c, int code, const char *arg)
{
	uint64_t v;
	char *end;

	switch (code) {
	case O_DEVICE:
		c->device = arg;
		return 0;
	case O_DATA:
		c->data = arg;
		return 0;
	case O_PATTERN:
		c->pattern = arg;
		return 0;
	case O_FORMAT:
		return format(c, arg);
	case O_PCI_ID:
		return pci_id_option(c, arg);
	case O_TIME:
		c->seconds = strtod(arg, &end);
		return *end || !(c->seconds > 0) ? bad("time", arg) : 0;
	case O_NLB: /* 0's based, as nvme-cli has it */
		if (number("block count", arg, 0, 0xfffffffe, &v))
			return -EINVAL;
		c->block_count = (uint32_t)v + 1;
		c->have_blocks = true;
		return 0;
	case O_TIMEOUT:
		if (number("timeout", arg, 1, 1000000, &v))
			return -EINVAL;
		c->opts.io_timeout_ms = c->opts.admin_timeout_ms = c->opts.connect_ms =
			(uint32_t)v * 1000;
		return 0;
	default:
		return -EINVAL; /* getopt has said what */
	}
}

static int take(struct config *c, int code, const char *arg)
{
	int rc = flag_option(c, code);

	if (code == O_TRSVCID && !strcasecmp(arg, "none")) { /* what discovery prints for FC */
		c->no_trsvcid = true;
		return 0;
	}
	if (rc == 1)
		rc = number_option(c, code, arg);
	if (rc == 1)
		rc = name_option(c, code, arg);
	if (rc == 1)
		rc = target_option(c, code, arg);
	return rc == 1 ? other_option(c, code, arg) : rc;
}

static int code_of(int got, const int (*codes)[2])
{
	for (; (*codes)[0]; codes++)
		if ((*codes)[0] == got)
			return (*codes)[1];
	return got;
}

static void set_defaults(struct config *c)
{
	memset(c, 0, sizeof(*c));
	nvme_host_opts_init(&c->opts);
	c->device = getenv("WEFT_DEVICE");
	c->nsid = 1;
	c->log_len = 512;
	c->depth = 32;
	c->io_size = 4096;
	c->pattern = "randread";
	c->read_percent = 50;
	c->seed = 1;
}

/* Verbs with short options of their own. */
static const struct dialect {
	const char *verb;
	const char *shorts;
	const int (*codes)[2];
} dialects[] = {
	{ "perf", perf_short, perf_codes },
	{ "target", target_short, target_codes },
	{ NULL, common_short, common_codes },
};

/* Looks for the verb before the options are read. */
static const struct dialect *find_dialect(int argc, char **argv)
{
	const struct dialect *d;
	int i;

	for (i = 1; i < argc; i++)
		for (d = dialects; d->verb; d++)
			if (!strcmp(argv[i], d->verb))
				return d;
	return &dialects[sizeof(dialects) / sizeof(dialects[0]) - 1];
}

int parse_options(int argc, char **argv, struct config *c)
{
	const struct dialect *d = find_dialect(argc, argv);
	int got, rc = 0;

	set_defaults(c);
	if (d->codes == target_codes) /* 0: what the library takes */
		c->opts.io_queues = c->opts.io_qsize = 0;
	while (!rc && (got = getopt_long(argc, argv, d->shorts, long_options, NULL)) != -1) {
		int code = code_of(got, d->codes);

		if (code == O_HELP) {
			usage(stdout);
			return 1;
		}
		rc = take(c, code, optarg);
	}
	if (!rc)
		rc = check_transport(c, c->have_address || c->trtype_given ||
						(d->codes == target_codes && !c->target.config));
	if (rc)
		return rc;
	if (optind >= argc) {
		usage(stderr);
		return -EINVAL;
	}
	c->verb = argv[optind++];
	while (!rc && optind < argc)
		rc = pci_argument(c, argv[optind++]);
	return rc;
}
