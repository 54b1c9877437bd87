/* SPDX-License-Identifier: BSD-2-Clause */
/* What is read is what was written: random requests against a copy, on every kind of store. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend_helper.h"

/* Requests under way do not overlap, for their order is not kept: one for each area. */
#define AREAS 48u
#define AREA (96u * KIB)
#define SIZE ((uint64_t)AREAS * AREA)
#define ROUNDS 1200u

static uint8_t *shadow;
static bool *unknown; /* per 512 bytes: discarded, and reads as it likes */

struct area {
	struct job job;
	bool busy;
	uint8_t *raw; /* the memory, with room to be crooked in */
	uint8_t *data;
	struct nvme_backend *b;
};
static struct area areas[AREAS];
static unsigned int verified;

/* Cuts the data into pieces, of odd sizes where odd. */
static void split(struct job *j, uint8_t *data, uint64_t len, bool odd)
{
	uint64_t done = 0;
	unsigned int n = 0;

	while (done < len && n < 63) {
		uint64_t piece = odd ? 1 + rnd(len) : 512 * (1 + rnd(len / 512));

		if (rnd(10) == 0)
			j->iov[n++] = (struct iovec){ NULL, 0 };
		if (piece > len - done)
			piece = len - done;
		j->iov[n++] = (struct iovec){ data + done, piece };
		done += piece;
		if (n >= 61)
			break;
	}
	if (done < len)
		j->iov[n++] = (struct iovec){ data + done, len - done };
	j->io.iov = j->iov;
	j->io.iov_count = n;
}

static void check_read(const struct area *a)
{
	uint64_t i, at = a->job.io.offset;

	for (i = 0; i < a->job.io.len; i += 512)
		if (!unknown[(at + i) / 512])
			ck_assert_msg(!memcmp(a->data + i, shadow + at + i, 512),
				      "other data at %llu", (unsigned long long)(at + i));
	verified++;
}

static void ended(struct job *j)
{
	struct area *a = (struct area *)j;
	uint64_t at = j->io.offset, len = j->io.len;

	ck_assert_int_eq(j->error, 0);
	a->busy = false;
	switch (j->io.op) {
	case NVME_BACKEND_READ:
		check_read(a);
		break;
	case NVME_BACKEND_WRITE:
		memcpy(shadow + at, a->data, len);
		memset(unknown + at / 512, 0, len / 512);
		break;
	case NVME_BACKEND_WRITE_ZEROES:
		memset(shadow + at, 0, len);
		memset(unknown + at / 512, 0, len / 512);
		break;
	case NVME_BACKEND_DISCARD:
		memset(shadow + at, 0, len);
		memset(unknown + at / 512, !a->b->zero_by_discard, len / 512);
		break;
	default:
		break;
	}
}

static void start(struct nvme_backend *b, struct area *a)
{
	static const uint32_t crooked[] = { 0, 0, 512, 64, 4, 1, 13 };
	uint32_t bs = b->block_size;
	uint64_t blocks = AREA / bs, first = rnd(blocks), n = 1 + rnd(blocks - first), len = n * bs;
	unsigned int what = (unsigned int)rnd(20);
	enum nvme_backend_op op = what < 8  ? NVME_BACKEND_READ :
				  what < 16 ? NVME_BACKEND_WRITE :
				  what < 18 ? NVME_BACKEND_WRITE_ZEROES :
				  what < 19 ? NVME_BACKEND_DISCARD :
					      NVME_BACKEND_FLUSH;
	bool odd = rnd(2);

	a->busy = true;
	a->b = b;
	a->job.then = ended;
	a->data = a->raw + crooked[rnd(7)];
	if (op == NVME_BACKEND_WRITE)
		rnd_fill(a->data, len);
	else
		memset(a->data, 0xa5, len);
	split(&a->job, a->data, len, odd);
	if (op == NVME_BACKEND_FLUSH)
		job_submit(b, &a->job, op, 0, NULL, 0, 0);
	else
		job_submit(b, &a->job, op, (uint64_t)(a - areas) * AREA + first * bs, NULL, len,
			   rnd(8) ? 0 : NVME_BACKEND_FUA);
}

static void settle(struct nvme_backend *b)
{
	unsigned int i;

	for (i = 0; i < AREAS; i++)
		if (areas[i].busy)
			job_wait(b, &areas[i].job);
}

/* The whole store at the end, through the backend and as the file that others see. */
static void check_all(struct nvme_backend *b, const struct variant *v)
{
	uint8_t *all = aligned_alloc(4096, SIZE);
	uint64_t i;
	int fd;

	ck_assert_int_eq(job_run(b, NVME_BACKEND_READ, 0, all, SIZE, 0), 0);
	for (i = 0; i < SIZE; i += 512)
		ck_assert(unknown[i / 512] || !memcmp(all + i, shadow + i, 512));
	if (v->place != IN_MEMORY) {
		ck_assert_int_eq(job_run(b, NVME_BACKEND_FLUSH, 0, NULL, 0, 0), 0);
		fd = open(store_path(), O_RDONLY);
		ck_assert_int_eq(pread(fd, all, SIZE, 0), SIZE);
		close(fd);
		for (i = 0; i < SIZE; i += 512)
			ck_assert(unknown[i / 512] || !memcmp(all + i, shadow + i, 512));
	}
	free(all);
}

static void random_requests(const struct variant *v, unsigned int rounds, const struct faults *with)
{
	struct nvme_backend *b;
	unsigned int i;

	rnd_seed(v->opts.depth + 77);
	faults = *with;
	b = store_open(v, SIZE);
	if (!b)
		return;
	if (with->no_punch && v->place != IN_MEMORY)
		ck_assert(!b->zero_by_discard);
	shadow = calloc(1, SIZE);
	unknown = calloc(1, SIZE / 512);
	for (i = 0; i < AREAS; i++)
		areas[i].raw = aligned_alloc(4096, AREA + 4096);
	for (i = 0; i < rounds; i++) {
		struct area *a = &areas[rnd(AREAS)];

		if (a->busy)
			job_wait(b, &a->job);
		start(b, a);
	}
	settle(b);
	check_all(b, v);
	ck_assert_uint_gt(verified, rounds / 4);
	for (i = 0; i < AREAS; i++)
		free(areas[i].raw);
	free(shadow);
	free(unknown);
	store_close(b);
}

START_TEST(what_is_read_is_what_was_written)
{
	struct faults none = { .no_uring = false };

	random_requests(&variants[_i], ROUNDS, &none);
}
END_TEST

/* Transfers that end early go on; calls that are interrupted are repeated. */
START_TEST(short_transfers_go_on)
{
	struct faults f = { .shorten = 20480, .interrupt = 50, .submits = 20 };

	random_requests(&variants[_i], 300, &f);
}
END_TEST

/* A file system that has neither ZERO_RANGE nor holes nor RWF_DSYNC. */
START_TEST(simple_file_systems_do)
{
	struct faults f = { .no_zero_range = true, .no_punch = true, .no_dsync = true };

	if (variants[_i].place != ON_LOOP) /* there BLKDISCARD would be meant */
		random_requests(&variants[_i], 300, &f);
}
END_TEST

/* One that turns out to be simple only when zeroes were promised. */
START_TEST(a_promise_of_zeroes_is_kept)
{
	const struct variant *v = &variants[_i];
	struct nvme_backend *b = store_open(v, 64 * KIB);
	static uint8_t data[8192], zero[8192];

	if (!b)
		return;
	faults.no_zero_range = faults.no_punch = true;
	rnd_fill(data, sizeof(data));
	ck_assert_int_eq(job_run(b, NVME_BACKEND_WRITE, 4096, data, 8192, 0), 0);
	ck_assert_int_eq(job_run(b, NVME_BACKEND_DISCARD, 8192, NULL, 4096, 0), 0);
	memset(data + 4096, 0, b->zero_by_discard ? 4096 : 0);
	ck_assert_int_eq(job_run(b, NVME_BACKEND_READ, 4096, zero, 8192, 0), 0);
	if (b->zero_by_discard)
		ck_assert_mem_eq(data, zero, 8192);
	else
		ck_assert_mem_eq(data, zero, 4096);
	ck_assert_int_eq(v->place != ON_LOOP, b->zero_by_discard);
	store_close(b);
}
END_TEST

START_TEST(null_forgets)
{
	struct nvme_backend *b;
	uint8_t data[4096], zero[4096] = { 0 };

	ck_assert_int_eq(nvme_backend_null(1ull << 50, 4096, &b), 0);
	ck_assert_uint_eq(b->size, 1ull << 50);
	memset(data, 7, sizeof(data));
	ck_assert_int_eq(job_run(b, NVME_BACKEND_WRITE, (1ull << 50) - 4096, data, 4096, 0), 0);
	ck_assert_int_eq(job_run(b, NVME_BACKEND_FLUSH, 0, NULL, 0, 0), 0);
	ck_assert_int_eq(job_run(b, NVME_BACKEND_DISCARD, 0, NULL, 1ull << 40, 0), 0);
	ck_assert_int_eq(job_run(b, NVME_BACKEND_READ, (1ull << 50) - 4096, data, 4096, 0), 0);
	ck_assert_mem_eq(data, zero, 4096);
	nvme_backend_close(b);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("backend content");
	TCase *t = tcase_create("content");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 50);
	tcase_add_loop_test(t, what_is_read_is_what_was_written, 0, n_variants);
	tcase_add_loop_test(t, short_transfers_go_on, 1, n_variants);
	tcase_add_loop_test(t, simple_file_systems_do, 1, n_variants);
	tcase_add_loop_test(t, a_promise_of_zeroes_is_kept, 0, n_variants);
	tcase_add_test(t, null_forgets);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
