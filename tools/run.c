/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * weft run: the whole job with its proof. Discover, connect with digests, identify, write, read
 * back, compare SHA-256.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <nettle/sha2.h>

#include "run.h"
#include "weft_host.h"

#define DEFAULT_SIZE (16 * MIB)
#define CHUNK (128u << 10)
#define DEPTH 8u
#define DEFAULT_TARGET 0x0a000002u

struct job {
	struct session *s;
	struct config cfg; /* with what discovery found */
	struct nvme_host_ns ns;
	uint8_t *data; /* what is written */
	uint8_t *back; /* what is read */
	uint64_t bytes;
	struct counters counters;
	uint64_t device_ns;
	char sha[2][65];
};

static void say(const struct job *j, const char *step, const char *what)
{
	if (!j->cfg.json && !j->cfg.quiet)
		printf("%-10s %s\n", step, what);
	fflush(stdout);
}

static void hash(const uint8_t *p, uint64_t n, char *hex)
{
	uint8_t digest[SHA256_DIGEST_SIZE];
	struct sha256_ctx ctx;
	unsigned int i;

	sha256_init(&ctx);
	sha256_update(&ctx, n, p);
	sha256_digest(&ctx, sizeof(digest), digest);
	for (i = 0; i < sizeof(digest); i++)
		sprintf(hex + 2 * i, "%02x", digest[i]);
}

static void pseudo_random(uint8_t *p, uint64_t n, uint64_t seed)
{
	uint64_t x = seed * 0x9e3779b97f4a7c15ull + 1, i;

	for (i = 0; i < n; i++) {
		if (i % 8 == 0) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
		}
		p[i] = (uint8_t)(x >> 8 * (i % 8));
	}
}

/* The connection goes where the log says. */
static void choose(struct job *j, const struct nvme_discovery_entry *e)
{
	struct nvme_host_addr *a = &j->cfg.opts.addr;
	struct in_addr in;
	char text[33], word[33];

	memcpy(a->subnqn, e->subnqn, NVME_NQN_MAX);
	if (a->trtype == NVMF_TRTYPE_FC) /* the port that we are logged in to stays */
		return;
	snprintf(text, sizeof(text), "%.32s", e->traddr);
	if (sscanf(text, "%32s", word) == 1 && inet_pton(AF_INET, word, &in) == 1 && in.s_addr)
		a->ip = ntohl(in.s_addr);
	snprintf(text, sizeof(text), "%.32s", e->trsvcid);
	if (atoi(text) > 0 && atoi(text) < 65536)
		a->port = (uint16_t)atoi(text);
}

/* Reachable as we are: over TCP anywhere, over FC through the port that we are logged in to. */
static bool goes_there(const struct job *j, const struct nvme_discovery_entry *e)
{
	const struct nvme_host_addr *a = &j->cfg.opts.addr;
	uint64_t wwnn, wwpn;
	char text[64];

	if (e->trtype != a->trtype)
		return false;
	if (a->trtype != NVMF_TRTYPE_FC)
		return true;
	snprintf(text, sizeof(text), "%.43s", e->traddr);
	return !nvme_host_fc_parse(text, &wwnn, &wwpn) && wwnn == a->wwnn && wwpn == a->wwpn;
}

/* Finds the subsystem when none was named: the first NVM subsystem the discovery log has. */
static int discover(struct job *j)
{
	struct nvme_host_opts o = j->cfg.opts;
	struct nvme_discovery_entry *list;
	char text[300];
	size_t n, i;
	int rc;

	o.addr.subnqn[0] = '\0';
	session_opts(j->s, &o);
	rc = nvme_host_discover(j->s->dev, &o, &list, &n, NULL);
	if (rc)
		return complain(rc, "discover");
	for (i = 0; i < n; i++) {
		if (list[i].trtype == NVMF_TRTYPE_FC)
			snprintf(text, sizeof(text), "%.223s at %.43s", list[i].subnqn,
				 list[i].traddr);
		else
			snprintf(text, sizeof(text), "%.223s at %.15s:%.5s", list[i].subnqn,
				 list[i].traddr, list[i].trsvcid);
		say(j, "discover", text);
		if (list[i].subtype == 2 && goes_there(j, &list[i]) && !j->cfg.opts.addr.subnqn[0])
			choose(j, &list[i]);
	}
	free(list);
	if (!j->cfg.opts.addr.subnqn[0])
		return complain(weft_set_error(-ENOENT, "the log names no NVM subsystem"),
				"discover");
	return 0;
}

static int connect_and_identify(struct job *j)
{
	struct nvme_host_info i;
	char text[200];
	int rc;

	rc = session_connect(j->s);
	if (rc)
		return rc;
	nvme_host_info(j->s->host, &i);
	snprintf(text, sizeof(text),
		 "controller %u, %u I/O queue(s) of %u, header digest %s, data digest %s", i.cntlid,
		 i.io_queues, i.io_qsize, i.header_digest ? "on" : "off",
		 i.data_digest ? "on" : "off");
	say(j, "connect", text);
	rc = nvme_host_ns_open(j->s->host, j->cfg.nsid, &j->ns);
	if (rc)
		return complain(rc, "identify");
	snprintf(text, sizeof(text), "%.40s, namespace %u: %llu blocks of %u bytes", i.identify->mn,
		 j->ns.nsid, (unsigned long long)j->ns.blocks, 1u << j->ns.lba_shift);
	say(j, "identify", text);
	return 0;
}

/* The data to write: the file's or pseudo-random, in whole blocks. */
static int prepare(struct job *j)
{
	uint64_t block = 1ull << j->ns.lba_shift,
		 n = j->cfg.data_size ? j->cfg.data_size : DEFAULT_SIZE;
	FILE *f;

	if (j->cfg.data) {
		int64_t size = file_size(j->cfg.data);

		if (size <= 0)
			return complain(weft_set_error(-EINVAL, "%s is empty or not there",
						       j->cfg.data),
					"run");
		n = (uint64_t)size;
	}
	j->bytes = (n + block - 1) & ~(block - 1);
	j->data = weft_mem_alloc(j->s->dev, j->bytes);
	j->back = weft_mem_alloc(j->s->dev, j->bytes);
	if (!j->data || !j->back)
		return complain(-ENOMEM, "memory");
	if (!j->cfg.data) {
		pseudo_random(j->data, j->bytes, j->cfg.seed);
		return 0;
	}
	f = fopen(j->cfg.data, "rb");
	if (!f || fread(j->data, 1, n, f) != n) {
		perror(j->cfg.data);
		if (f)
			fclose(f);
		return -EIO;
	}
	fclose(f);
	return 0;
}

static int move(struct job *j, bool write)
{
	struct progress p;
	char text[160];
	uint64_t t0 = device_time(j->s->dev), t;
	int rc;

	progress_begin(&p, &j->cfg, write ? "write" : "read", j->bytes);
	rc = move_blocks(&j->ns, write, write ? j->data : j->back, j->cfg.start_block, j->bytes,
			 CHUNK, DEPTH, &p);
	if (!rc && write)
		rc = nvme_host_flush_sync(&j->ns);
	if (rc)
		return complain(rc, write ? "write" : "read");
	t = device_time(j->s->dev) - t0;
	j->device_ns += t;
	counters_sample(&j->counters, j->s->dev);
	hash(write ? j->data : j->back, j->bytes, j->sha[!write]);
	snprintf(text, sizeof(text), "%.1f MiB in %.3f ms of device time, SHA-256 %s",
		 (double)j->bytes / (double)MIB, (double)t / 1e6, j->sha[!write]);
	say(j, write ? "write" : "read", text);
	return 0;
}

static void summary(struct job *j)
{
	const uint64_t *c = j->counters.sum;
	struct json_object *o = json_object_new_object();
	struct nvme_host_stats st;

	nvme_host_stats(j->s->host, &st);
	put_u64(o, "bytes_written", j->bytes);
	put_u64(o, "bytes_read", j->bytes);
	json_object_object_add(o, "sha256", json_object_new_string(j->sha[1]));
	json_object_object_add(o, "verified",
			       json_object_new_boolean(!strcmp(j->sha[0], j->sha[1])));
	put_u64(o, "device_ns", j->device_ns);
	put_u64(o, "cycles", c[WEFT_CNT_CYCLES]);
	put_u64(o, "core_cycles", c[WEFT_CNT_CORE_CYCLES]);
	put_u64(o, "core_instructions", c[WEFT_CNT_CORE_INSTRET]);
	put_u64(o, "commands", st.commands);
	put_u64(o, "frames_sent", c[WEFT_CNT_TX_FRAMES] + c[WEFT_CNT_FC_TX_FRAMES]);
	put_u64(o, "frames_received", c[WEFT_CNT_RX_FRAMES] + c[WEFT_CNT_FC_RX_FRAMES]);
	put_u64(o, "segments_sent", st.segments_sent);
	put_u64(o, "segments_received", st.segments_received);
	put_u64(o, "pdus_sent", st.pdus_sent);
	put_u64(o, "pdus_received", st.pdus_received);
	put_u64(o, "retransmits", st.retransmits);
	put_u64(o, "timeouts", st.rtos);
	put_u64(o, "digest_errors", st.digest_errors);
	put_u64(o, "repeated", st.retries);
	show(&j->cfg, o);
}

static int steps(struct job *j)
{
	int rc = session_port(j->s);

	if (!rc)
		rc = discover(j);
	if (!rc)
		rc = connect_and_identify(j);
	if (!rc)
		rc = prepare(j);
	if (rc)
		return rc;
	counters_begin(&j->counters, j->s->dev);
	rc = move(j, true);
	if (!rc)
		rc = move(j, false);
	if (rc)
		return rc;
	summary(j);
	if (strcmp(j->sha[0], j->sha[1])) {
		fputs("weft: what was read is not what was written\n", stderr);
		return -EILSEQ;
	}
	return 0;
}

static int no_address(struct job *j)
{
	free(j);
	return complain(weft_set_error(-EINVAL, "which target? (-a nn-0x...:pn-0x...)"), "run");
}

int run_job(struct session *s)
{
	const struct config *cfg = s->cfg;
	struct job *j = calloc(1, sizeof(*j));
	int rc;

	if (!j)
		return complain(-ENOMEM, "run");
	j->s = s;
	j->cfg = *cfg;
	if (!j->cfg.have_address && j->cfg.opts.addr.trtype == NVMF_TRTYPE_FC)
		return no_address(j);
	if (!j->cfg.have_address)
		j->cfg.opts.addr.ip = DEFAULT_TARGET;
	j->cfg.have_address = true;
	if (!cfg->no_digest && cfg->opts.addr.trtype == NVMF_TRTYPE_TCP)
		j->cfg.opts.header_digest = j->cfg.opts.data_digest = true;
	s->cfg = &j->cfg;
	rc = steps(j);
	s->cfg = cfg;
	weft_mem_free(s->dev, j->data);
	weft_mem_free(s->dev, j->back);
	free(j);
	return rc;
}

int do_run(const struct config *cfg)
{
	struct session s;
	int rc = session_begin(&s, cfg);

	if (!rc) {
		rc = run_job(&s);
		session_end(&s);
	}
	return rc;
}
