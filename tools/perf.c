/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * weft perf: keeps a number of requests in flight and measures. With --verify every slot (I/O size)
 * of the range has known content, made from its number, the seed and how often it was written; each
 * read is compared in full.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "weft.h"
#include "weft_host.h"

#define DEFAULT_COUNT 1000u
#define DEFAULT_RANGE (64 * MIB)
#define SUB 32u /* steps per power of two of the latency histogram */

struct perf;

struct request {
	struct perf *p;
	uint8_t *buf;
	uint64_t slot;
	uint64_t started;
	bool write;
	bool busy;
};

struct perf {
	const struct config *cfg;
	struct nvme_host_ns ns;
	struct request *req;
	bool random;
	unsigned int read_percent;
	uint64_t slots;
	uint64_t next; /* sequential */
	uint64_t rng;
	uint32_t *gen;
	uint8_t *taken; /* slots with a request in flight: no other may meet it */
	uint64_t issued, limit, end_at;
	unsigned int open;
	uint64_t done[2]; /* reads, writes */
	uint64_t errors, mismatches;
	uint64_t lat_sum, lat_min, lat_max;
	uint64_t hist[64 * SUB];
};

static uint64_t draw(struct perf *p)
{
	p->rng ^= p->rng >> 12;
	p->rng ^= p->rng << 25;
	p->rng ^= p->rng >> 27;
	return p->rng * 0x2545f4914f6cdd1dull;
}

static void pattern(const struct perf *p, uint64_t slot, uint32_t gen, uint8_t *buf)
{
	uint64_t x = (slot + 1) * 0x9e3779b97f4a7c15ull ^ (p->cfg->seed << 32) ^ gen,
		 *w = (uint64_t *)(void *)buf;
	uint32_t i;

	for (i = 0; i < p->cfg->io_size / 8; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		w[i] = x + i;
	}
}

static bool matches(const struct perf *p, uint64_t slot, uint32_t gen, const uint8_t *buf)
{
	uint8_t *want = malloc(p->cfg->io_size);
	bool same;

	if (!want)
		return false;
	pattern(p, slot, gen, want);
	same = !memcmp(want, buf, p->cfg->io_size);
	free(want);
	return same;
}

/* Bucket of a latency: 32 to each power of two, so that a percentile is right within 3 %. */
static unsigned int bucket(uint64_t ns)
{
	unsigned int log = 63 - (unsigned int)__builtin_clzll(ns | SUB);

	return ns < SUB ? (unsigned int)ns :
			  (log - 4) * SUB + (unsigned int)(ns >> (log - 5) & (SUB - 1));
}

static uint64_t bucket_value(unsigned int b)
{
	unsigned int log = b / SUB + 4;

	return b < SUB ? b : (uint64_t)(SUB | (b & (SUB - 1))) << (log - 5);
}

static uint64_t percentile(const struct perf *p, double part)
{
	uint64_t total = p->done[0] + p->done[1], sum = 0;
	unsigned int b;

	for (b = 0; b < 64 * SUB; b++) {
		sum += p->hist[b];
		if (sum && (double)sum >= part * (double)total)
			return bucket_value(b);
	}
	return p->lat_max;
}

static void on_done(void *arg, const struct nvme_result *r)
{
	struct request *q = arg;
	struct perf *p = q->p;
	uint64_t ns = weft_dev_now(nvme_host_dev(p->ns.host)) - q->started;

	p->open--;
	q->busy = false;
	p->taken[q->slot] = 0;
	if (nvme_result_errno(r)) {
		if (!p->errors++)
			fprintf(stderr, "weft: slot %llu: %s%s\n", (unsigned long long)q->slot,
				connection_failed(r) ? "connection failed: " : "",
				r->error ? strerror(-r->error) : nvme_status_text(r->status));
		return;
	}
	p->done[q->write]++;
	p->lat_sum += ns;
	p->lat_min = ns < p->lat_min ? ns : p->lat_min;
	p->lat_max = ns > p->lat_max ? ns : p->lat_max;
	p->hist[bucket(ns)]++;
	if (p->cfg->verify && !q->write && !matches(p, q->slot, p->gen[q->slot], q->buf) &&
	    !p->mismatches++)
		fprintf(stderr, "weft: slot %llu holds other data than was written\n",
			(unsigned long long)q->slot);
}

static uint64_t choose_slot(struct perf *p)
{
	uint64_t s = p->random ? draw(p) % p->slots : p->next++ % p->slots;

	while (p->taken[s])
		s = (s + 1) % p->slots;
	return s;
}

static int issue(struct perf *p, struct request *q, uint64_t slot, bool write)
{
	uint32_t nlb = p->cfg->io_size >> p->ns.lba_shift;
	struct memdesc mem = memdesc_vaddr(q->buf);
	uint64_t lba = p->cfg->start_block + slot * nlb;
	int rc;

	q->slot = slot;
	q->write = write;
	q->started = weft_dev_now(nvme_host_dev(p->ns.host));
	if (write && p->cfg->verify)
		pattern(p, slot, p->gen[slot] + 1, q->buf);
	rc = write ? nvme_host_write(&p->ns, &mem, lba, nlb, 0, on_done, q) :
		     nvme_host_read(&p->ns, &mem, lba, nlb, 0, on_done, q);
	if (rc)
		return rc;
	if (write)
		p->gen[slot]++;
	p->taken[slot] = 1;
	q->busy = true;
	p->open++;
	return 0;
}

static bool more(const struct perf *p)
{
	return p->issued < p->limit &&
	       (!p->end_at || weft_dev_now(nvme_host_dev(p->ns.host)) < p->end_at) && !p->errors;
}

/*
 * Keeps requests in flight until the count or the time is reached. prefill: writes each slot once.
 */
static int pump(struct perf *p, bool prefill)
{
	struct nvme_host *h = p->ns.host;
	unsigned int i;

	while (p->open || more(p)) {
		for (i = 0; i < p->cfg->depth && more(p); i++) {
			bool write = prefill || draw(p) % 100 >= p->read_percent;
			int rc;

			if (p->req[i].busy)
				continue;
			rc = issue(p, &p->req[i], prefill ? p->issued : choose_slot(p), write);
			if (rc == -EAGAIN)
				break;
			if (rc)
				return complain(rc, "perf");
			p->issued++;
		}
		if (nvme_host_poll(h) == 0)
			nvme_host_wait(h, 100);
	}
	return p->errors ? -EIO : 0;
}

static int read_pattern(struct perf *p)
{
	static const struct {
		const char *name;
		bool random;
		int reads;
	} known[] = {
		{ "read", false, 100 },    { "write", false, 0 },    { "rw", false, -1 },
		{ "randread", true, 100 }, { "randwrite", true, 0 }, { "randrw", true, -1 },
	};
	unsigned int i;

	for (i = 0; i < 6; i++)
		if (!strcmp(p->cfg->pattern, known[i].name)) {
			p->random = known[i].random;
			p->read_percent = known[i].reads < 0 ? p->cfg->read_percent :
							       (unsigned int)known[i].reads;
			return 0;
		}
	fprintf(stderr, "weft: no pattern \"%s\"\n", p->cfg->pattern);
	return -EINVAL;
}

static int set_up(struct perf *p, struct weft_dev *dev)
{
	uint64_t room = p->ns.blocks << p->ns.lba_shift,
		 range = p->cfg->range ? p->cfg->range : DEFAULT_RANGE;
	uint64_t first = p->cfg->start_block << p->ns.lba_shift;
	unsigned int i;

	if (p->cfg->io_size % (1u << p->ns.lba_shift))
		return complain(weft_set_error(-EINVAL, "the I/O size must be whole blocks"),
				"perf");
	room = first < room ? room - first : 0;
	p->slots = (range < room ? range : room) / p->cfg->io_size;
	if (p->slots < p->cfg->depth)
		return complain(weft_set_error(-EINVAL, "a range of %llu I/Os for a depth of %u",
					       (unsigned long long)p->slots, p->cfg->depth),
				"perf");
	p->gen = calloc(p->slots, sizeof(*p->gen));
	p->taken = calloc(p->slots, 1);
	p->req = calloc(p->cfg->depth, sizeof(*p->req));
	if (!p->gen || !p->taken || !p->req)
		return complain(-ENOMEM, "perf");
	for (i = 0; i < p->cfg->depth; i++) {
		p->req[i].p = p;
		p->req[i].buf = weft_mem_alloc(dev, p->cfg->io_size);
		if (!p->req[i].buf)
			return complain(-errno, "memory");
		pattern(p, i, 0, p->req[i].buf);
	}
	return 0;
}

static void result(struct perf *p, uint64_t ns, const struct counters *c)
{
	struct json_object *o = json_object_new_object(), *l = json_object_new_object();
	uint64_t n = p->done[0] + p->done[1];
	double s = (double)ns / 1e9;

	put_u64(o, "reads", p->done[0]);
	put_u64(o, "writes", p->done[1]);
	put_u64(o, "errors", p->errors);
	if (p->cfg->verify)
		put_u64(o, "mismatches", p->mismatches);
	json_object_object_add(o, "seconds", json_object_new_double(s));
	json_object_object_add(o, "iops", json_object_new_double(s > 0 ? (double)n / s : 0));
	json_object_object_add(
		o, "mib_per_s",
		json_object_new_double(s > 0 ? (double)n * p->cfg->io_size / s / (double)MIB : 0));
	put_u64(o, "device_cycles", c->sum[WEFT_CNT_CYCLES]);
	put_u64(o, "cycles_per_command", n ? c->sum[WEFT_CNT_CYCLES] / n : 0);
	put_u64(o, "core_cycles_per_command", n ? c->sum[WEFT_CNT_CORE_CYCLES] / n : 0);
	put_u64(o, "core_instructions_per_command", n ? c->sum[WEFT_CNT_CORE_INSTRET] / n : 0);
	put_u64(l, "min", n ? p->lat_min : 0);
	put_u64(l, "mean", n ? p->lat_sum / n : 0);
	put_u64(l, "p50", percentile(p, 0.5));
	put_u64(l, "p90", percentile(p, 0.9));
	put_u64(l, "p99", percentile(p, 0.99));
	put_u64(l, "p99.9", percentile(p, 0.999));
	put_u64(l, "max", p->lat_max);
	json_object_object_add(o, "latency_ns", l);
	show(p->cfg, o);
}

static int measure(struct perf *p, struct weft_dev *dev)
{
	struct counters c;
	uint64_t start;
	int rc = 0;

	if (p->cfg->verify) {
		p->limit = p->slots;
		rc = pump(p, true);
	}
	if (rc)
		return rc;
	p->issued = p->lat_sum = p->lat_max = p->done[0] = p->done[1] = 0;
	memset(p->hist, 0, sizeof(p->hist));
	p->lat_min = UINT64_MAX;
	p->limit = p->cfg->count ? p->cfg->count : p->cfg->seconds > 0 ? UINT64_MAX : DEFAULT_COUNT;
	counters_begin(&c, dev);
	start = weft_dev_now(dev);
	if (p->cfg->seconds > 0)
		p->end_at = start + (uint64_t)(p->cfg->seconds * 1e9);
	rc = pump(p, false);
	start = weft_dev_now(dev) - start;
	counters_sample(&c, dev);
	result(p, start, &c);
	return rc ? rc : p->mismatches ? -EILSEQ : 0;
}

static void tear_down(struct perf *p, struct weft_dev *dev)
{
	unsigned int i;

	for (i = 0; p->req && i < p->cfg->depth; i++)
		weft_mem_free(dev, p->req[i].buf);
	free(p->req);
	free(p->gen);
	free(p->taken);
	free(p);
}

int do_perf(const struct config *cfg)
{
	struct perf *p = calloc(1, sizeof(*p));
	struct session s;
	int rc;

	if (!p)
		return complain(-ENOMEM, "perf");
	p->cfg = cfg;
	p->rng = cfg->seed * 2 + 1;
	rc = read_pattern(p);
	if (!rc)
		rc = session_begin(&s, cfg);
	if (rc) {
		free(p);
		return rc;
	}
	rc = session_connect(&s);
	if (!rc) {
		rc = nvme_host_ns_open(s.host, cfg->nsid, &p->ns);
		if (rc)
			complain(rc, "namespace");
	}
	if (!rc)
		rc = set_up(p, s.dev);
	if (!rc)
		rc = measure(p, s.dev);
	session_disconnect(&s); /* before the buffers go */
	tear_down(p, s.dev);
	session_end(&s);
	return rc;
}
