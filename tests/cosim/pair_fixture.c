// SPDX-License-Identifier: BSD-2-Clause
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pair_fixture.h"

struct pair pair;

void connect_host(unsigned int i)
{
	ck_assert_msg(!pair_connect(&pair, i), "host %u: %s", i, weft_last_error());
}

void open_pair(const struct pair_params *params)
{
	ck_assert_int_eq(pair_open(&pair, params), 0);
	connect_host(0);
}

void target_is_empty(uint64_t limit_ns)
{
	uint64_t end = cosim_now(&pair.cosim) + limit_ns;
	struct nvme_target_stats st;

	do {
		cosim_poll(&pair.cosim);
		nvme_target_stats(pair.target, &st);
	} while (st.connections && cosim_now(&pair.cosim) < end);
	ck_assert_uint_eq(st.connections, 0);
	ck_assert_uint_eq(st.controllers, 0);
	ck_assert_uint_eq(st.io_queues, 0);
	ck_assert_uint_eq(st.commands_held, 0);
	ck_assert_uint_eq(st.memory_held, 0);
}

void close_pair(void)
{
	const char *trouble;
	unsigned int i;

	for (i = 0; i < pair.cosim.n; i++)
		if (pair.side[i].host)
			pair_disconnect(&pair, i);
	if (pair.target) {
		target_is_empty(SECOND);
		ck_assert_msg(!pair_end_target(&pair, 1000), "target: %s", weft_last_error());
	}
	trouble = pair_trouble(&pair);
	ck_assert_msg(!trouble, "%s", trouble);
	ck_assert_uint_eq(pair.store.inflight, 0);
	pair_close(&pair);
}

void fill(void *buf, size_t len, uint32_t seed)
{
	uint32_t *w = buf, x = seed * 2654435761u + 1;
	size_t i;

	for (i = 0; i < len / 4; i++) {
		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		w[i] = x;
	}
}

void round_trip(struct pair_side *s, uint64_t lba, uint32_t len, uint32_t seed)
{
	uint8_t *out = weft_mem_alloc(s->dev, len), *in = weft_mem_alloc(s->dev, len);
	struct pair_io io = { 0 };

	ck_assert(out && in);
	fill(out, len, seed);
	ck_assert_int_eq(pair_write(s, out, lba, len / 512, &io), 0);
	ck_assert_msg(pair_wait(&pair, &io, 1, 5 * SECOND), "write of %u bytes does not end", len);
	ck_assert_msg(!io.error, "write of %u bytes: %d, status %x", len, io.error, io.status);
	if (!pair.params.ram)
		ck_assert_msg(!memcmp(pair.store.ram + lba * 512, out, len),
			      "write of %u bytes: wrong in the store", len);
	ck_assert_int_eq(pair_read(s, in, lba, len / 512, &io), 0);
	ck_assert_msg(pair_wait(&pair, &io, 2, 5 * SECOND), "read of %u bytes does not end", len);
	ck_assert_msg(!io.error, "read of %u bytes: %d, status %x", len, io.error, io.status);
	ck_assert_msg(!memcmp(in, out, len), "read of %u bytes: wrong in the host", len);
	weft_mem_free(s->dev, out);
	weft_mem_free(s->dev, in);
}

void crowd_start(struct crowd *c, struct pair_side *s, unsigned int n, uint32_t len, uint64_t lba)
{
	unsigned int i;
	int ret;

	*c = (struct crowd){ .side = s, .n = n, .len = len, .lba = lba };
	c->buf = weft_mem_alloc(s->dev, (size_t)n * len);
	ck_assert_ptr_nonnull(c->buf);
	fill(c->buf, (size_t)n * len, 3);
	fill(pair.store.ram + lba * 512, (size_t)n * len, 4);
	for (i = 0; i < n; i++) {
		while ((ret = (i % 2 ? pair_read : pair_write)(s, c->buf + (size_t)i * len,
							       lba + (uint64_t)i * len / 512,
							       len / 512, &c->io)) == -EAGAIN)
			cosim_poll(&pair.cosim); /* the queue is full */
		ck_assert_int_eq(ret, 0);
	}
}

void crowd_end(struct crowd *c)
{
	const uint8_t *ram = pair.store.ram + c->lba * 512;
	unsigned int i;

	ck_assert_msg(pair_wait(&pair, &c->io, c->n, 10 * SECOND), "%u of %u commands end",
		      c->io.done, c->n);
	ck_assert_msg(!c->io.error, "error %d, status %x", c->io.error, c->io.status);
	for (i = 0; i < c->n; i++)
		ck_assert_msg(!memcmp(c->buf + (size_t)i * c->len, ram + (size_t)i * c->len,
				      c->len),
			      "command %u: wrong data", i);
	weft_mem_free(c->side->dev, c->buf);
}

void crowd(struct pair_side *s, unsigned int n, uint32_t len, uint64_t lba)
{
	struct crowd c;

	crowd_start(&c, s, n, len, lba);
	crowd_end(&c);
}

/* --- random load ------------------------------------------------------------------------------ */

static uint64_t draw(struct mix *m)
{
	m->rng ^= m->rng << 13;
	m->rng ^= m->rng >> 7;
	m->rng ^= m->rng << 17;
	return m->rng >> 11;
}

static void mix_submit(struct mix_slot *t);

static void on_mixed(void *arg, const struct nvme_result *r)
{
	struct mix_slot *t = arg;
	struct mix *m = t->mix;
	uint8_t *model = m->model + (t->lba - m->lba) * 512;

	t->busy = false;
	m->done++;
	if (r->error || r->status) {
		m->errors++;
		ck_assert_msg(m->errors_allowed, "%s of %u bytes at %llu: error %d, status %x",
			      t->write ? "write" : "read", t->len, (unsigned long long)t->lba,
			      r->error, r->status);
		return;
	}
	if (t->write)
		memcpy(model, t->buf, t->len);
	else if (!m->errors)
		ck_assert_msg(!memcmp(model, t->buf, t->len), "read of %u bytes at %llu: wrong",
			      t->len, (unsigned long long)t->lba);
	if (m->submitted < m->total)
		mix_submit(t);
}

static void mix_submit(struct mix_slot *t)
{
	struct mix *m = t->mix;
	struct memdesc mem = memdesc_vaddr(t->buf);
	uint32_t blocks;
	int ret;

	t->write = draw(m) & 1;
	/* small ones as often as great ones */
	t->len = (uint32_t)(512 + draw(m) % (m->max_len >> draw(m) % 8)) & ~511u;
	blocks = m->stretch / 512 - t->len / 512 + 1;
	t->lba = m->lba + (uint64_t)(t - m->slot) * (m->stretch / 512) + draw(m) % blocks;
	if (t->write)
		fill(t->buf, t->len, (uint32_t)draw(m));
	else
		memset(t->buf, 0xee, t->len);
	ret = (t->write ? nvme_host_write : nvme_host_read)(&m->side->ns, &mem, t->lba,
							    t->len / 512, 0, on_mixed, t);
	ck_assert_msg(!ret || m->errors_allowed, "submit: %d", ret);
	t->busy = !ret;
	m->submitted++;
	m->done += !!ret;
	m->errors += !!ret;
}

void mix_start(struct mix *m, struct pair_side *s, unsigned int depth, uint32_t max_len,
	       uint64_t lba, unsigned int total, uint64_t seed)
{
	unsigned int i;

	memset(m, 0, sizeof(*m));
	m->side = s;
	m->depth = depth;
	m->max_len = max_len;
	m->stretch = 2 * max_len;
	m->lba = lba;
	m->total = total;
	m->rng = seed * 0x9e3779b97f4a7c15ull | 1;
	m->model = malloc((size_t)depth * m->stretch);
	ck_assert_ptr_nonnull(m->model);
	ck_assert_uint_le(lba * 512 + (uint64_t)depth * m->stretch, pair.params.ns_bytes);
	memcpy(m->model, pair.store.ram + lba * 512, (size_t)depth * m->stretch);
	for (i = 0; i < depth; i++) {
		m->slot[i].mix = m;
		m->slot[i].buf = weft_mem_alloc(s->dev, max_len);
		ck_assert_ptr_nonnull(m->slot[i].buf);
	}
	for (i = 0; i < depth && m->submitted < total; i++)
		mix_submit(&m->slot[i]);
}

void mix_wait(struct mix *m, uint64_t limit_ns)
{
	uint64_t end = cosim_now(&pair.cosim) + limit_ns;
	unsigned int busy = 1, i;

	while (busy && cosim_now(&pair.cosim) < end) {
		cosim_poll(&pair.cosim);
		for (busy = i = 0; i < m->depth; i++)
			busy += m->slot[i].busy;
	}
	ck_assert_msg(!busy, "%u of %u commands end, %u do not", m->done, m->total, busy);
}

void mix_end(struct mix *m)
{
	unsigned int i;

	if (!m->errors)
		ck_assert_msg(!memcmp(m->model, pair.store.ram + m->lba * 512,
				      (size_t)m->depth * m->stretch),
			      "the store does not hold what was written");
	for (i = 0; i < m->depth; i++)
		weft_mem_free(m->side->dev, m->slot[i].buf);
	free(m->model);
}

int run_suite(const char *name, void (*add)(void *tcase))
{
	Suite *s = suite_create(name);
	TCase *t = tcase_create(name);
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 100);
	add(t);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? 1 : 0;
}
