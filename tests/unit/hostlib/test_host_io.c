/* SPDX-License-Identifier: BSD-2-Clause */
/* The NVMe-oF host's reads, writes and other commands, with content. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nvme/host.h>
#include <weft/mem.h>

#include "host_fixture.h"

static void fill(uint8_t *p, size_t n, uint32_t seed)
{
	size_t i;

	for (i = 0; i < n; i++) {
		seed = seed * 1664525u + 1013904223u;
		p[i] = (uint8_t)(seed >> 24);
	}
}

/*
 * Sizes from one block to more than max_xfer, in the capsule and by R2T: what is written is on the
 * disk, and is read back.
 */
static const uint32_t sizes[] = { 1, 8, 32, 33, 128, 2048, 2049, 5000, 16383 };

START_TEST(writes_and_reads_back)
{
	uint32_t nlb = sizes[_i];
	size_t len = (size_t)nlb * BLOCK;
	uint8_t *a = weft_mem_alloc(dev, len), *b = weft_mem_alloc(dev, len);

	fill(a, len, 1 + nlb);
	fill(b, len, 2);
	ck_assert_int_eq(nvme_host_write_sync(&ns, a, 1, nlb), 0);
	ck_assert_mem_eq(f->disk + BLOCK, a, len);
	ck_assert_int_eq(nvme_host_read_sync(&ns, b, 1, nlb), 0);
	ck_assert_mem_eq(a, b, len);
	ck_assert_int_eq(nvme_host_flush_sync(&ns), 0);
	weft_mem_free(dev, a);
	weft_mem_free(dev, b);
}
END_TEST

struct done {
	struct nvme_result r;
	unsigned int n;
};

static void on_done(void *arg, const struct nvme_result *r)
{
	struct done *d = arg;

	d->r = *r;
	d->n++;
}

static void poll_until(const unsigned int *n, unsigned int want)
{
	unsigned int i;

	for (i = 0; i < 100000 && *n < want; i++)
		nvme_host_poll(h);
	ck_assert_uint_eq(*n, want);
}

/* A list of odd pieces, split into commands at places that do not match it. */
START_TEST(lists_are_split_right)
{
	uint32_t nlb = 6000, n = 0, i;
	size_t len = (size_t)nlb * BLOCK, at = 0, used = 0;
	uint8_t *mem = weft_mem_alloc(dev, 2 * len), *flat = malloc(len), *p = flat;
	struct iovec *v = calloc(4000, sizeof(*v));
	struct memdesc m;
	struct done d = { .n = 0 };

	fill(mem, 2 * len, 99);
	while (used < len) { /* pieces of 1..2000 bytes with gaps */
		size_t piece = 1 + n * 37 % 2000;

		if (piece > len - used)
			piece = len - used;
		v[n++] = (struct iovec){ mem + at, piece };
		at += piece + 8;
		used += piece;
	}
	ck_assert_uint_gt(n, 2048);
	for (i = 0; i < n; p += v[i++].iov_len)
		memcpy(p, v[i].iov_base, v[i].iov_len);
	m = memdesc_vlist(v, n);
	ck_assert_int_eq(nvme_host_write(&ns, &m, 100, nlb, 0, on_done, &d), 0);
	poll_until(&d.n, 1);
	ck_assert_int_eq(d.r.error, 0);
	ck_assert_uint_eq(d.r.status, 0);
	ck_assert_uint_eq(d.r.bytes, len);
	ck_assert_mem_eq(f->disk + 100 * BLOCK, flat, len);
	memset(mem, 0, 2 * len);
	ck_assert_int_eq(nvme_host_read(&ns, &m, 100, nlb, 0, on_done, &d), 0);
	poll_until(&d.n, 2);
	for (i = 0, p = flat; i < n; p += v[i++].iov_len)
		ck_assert_mem_eq(v[i].iov_base, p, v[i].iov_len);
	weft_mem_free(dev, mem);
	free(v);
	free(flat);
}
END_TEST

START_TEST(other_commands)
{
	uint8_t *a = weft_mem_alloc(dev, 64 * BLOCK), page[4096];
	struct nvme_dsm_range range = { 0, 8, 20 };
	uint32_t list[4], v;
	unsigned int n;

	memset(a, 0x33, 64 * BLOCK);
	ck_assert_int_eq(nvme_host_write_sync(&ns, a, 0, 64), 0);
	ck_assert_int_eq(nvme_host_compare_sync(&ns, a, 0, 64), 0);
	a[100] ^= 1;
	ck_assert_int_eq(nvme_host_compare_sync(&ns, a, 0, 64), -EILSEQ);
	ck_assert_int_eq(nvme_host_write_zeroes_sync(&ns, 10, 3), 0);
	ck_assert_uint_eq(f->disk[10 * BLOCK] | f->disk[13 * BLOCK - 1], 0);
	ck_assert_uint_eq(f->disk[13 * BLOCK], 0x33);
	ck_assert_int_eq(nvme_host_dsm_sync(&ns, &range, 1, NVME_DSM_DEALLOCATE), 0);
	ck_assert_uint_eq(f->disk[20 * BLOCK] | f->disk[28 * BLOCK - 1], 0);
	ck_assert_uint_eq(f->disk[28 * BLOCK], 0x33);
	ck_assert_int_eq(nvme_host_dsm_sync(&ns, &range, 0, 0), -EINVAL);
	ck_assert_int_eq(nvme_host_list_ns_sync(h, 0, list, 4, &n), 0);
	ck_assert_uint_eq(n, 1);
	ck_assert_uint_eq(list[0], 1);
	ck_assert_int_eq(
		nvme_host_get_log_sync(h, NVME_LID_SMART, NVME_NSID_ALL, 0, false, page, 512), 0);
	ck_assert_uint_eq(page[1] | page[2] << 8, 300);
	ck_assert_int_eq(nvme_host_get_feature_sync(h, NVME_FID_KEEP_ALIVE_TIMER, 0, &v), 0);
	ck_assert_uint_eq(v, 5000);
	ck_assert_int_eq(nvme_host_get_feature_sync(h, 0x55, 0, &v), -EINVAL);
	ck_assert_ptr_nonnull(strstr(weft_last_error(), "Invalid Field"));
	ck_assert_int_eq(nvme_host_identify_sync(h, NVME_CNS_NAMESPACE, 7, page), -ENOENT);
	weft_mem_free(dev, a);
}
END_TEST

START_TEST(bad_requests_are_refused)
{
	uint8_t *a = weft_mem_alloc(dev, 4096), stack[512];
	struct memdesc m = memdesc_vaddr(stack);
	struct done d = { .n = 0 };

	ck_assert_int_eq(nvme_host_read_sync(&ns, a, ns.blocks, 1), -EINVAL);
	ck_assert_int_eq(nvme_host_read_sync(&ns, a, ns.blocks - 1, 2), -EINVAL);
	ck_assert_int_eq(nvme_host_read_sync(&ns, a, UINT64_MAX, 2), -EINVAL);
	ck_assert_int_eq(nvme_host_read_sync(&ns, a, 0, 0), -EINVAL);
	ck_assert_int_eq(nvme_host_read(&ns, &m, 0, 1, 0, on_done, &d), -EFAULT);
	ck_assert_uint_eq(d.n, 0);
	f->fail_opcode = NVME_OPC_READ;
	f->fail_sct_sc = 0x4281;
	f->fail_times = 1;
	ck_assert_int_eq(nvme_host_read_sync(&ns, a, 0, 1), -EIO);
	ck_assert_ptr_nonnull(strstr(weft_last_error(), "Unrecovered Read"));
	ck_assert_int_eq(nvme_host_read_sync(&ns, a, 0, 1), 0);
	weft_mem_free(dev, a);
}
END_TEST

/*
 * More requests than there are commands: some are refused with -EAGAIN only when not even a first
 * piece can go.
 */
START_TEST(deep_queues)
{
	uint8_t *a = weft_mem_alloc(dev, 1 << 20);
	struct memdesc m = memdesc_vaddr(a);
	struct done d = { .n = 0 };
	unsigned int n = 0, i;

	opts.max_xfer = 0;
	f->frozen = true;
	while (!nvme_host_write(&ns, &m, n * 8, 8, 0, on_done, &d))
		n++;
	ck_assert_uint_eq(n, 127); /* SQSIZE of Linux: 128 entries */
	f->frozen = false;
	poll_until(&d.n, n);
	for (i = 0; i < 2000; i++) { /* callbacks keep coming, CIDs are used again and again */
		m = memdesc_vaddr(a + i % 200 * 4096);
		fill(a + i % 200 * 4096, 4096, i);
		while (nvme_host_write(&ns, &m, i % 2000 * 8, 8, 0, on_done, &d) == -EAGAIN)
			nvme_host_poll(h);
		if (i % 200 == 199)
			poll_until(&d.n, n + i + 1);
	}
	poll_until(&d.n, n + 2000);
	for (i = 0; i < 2000; i++) {
		fill(a, 4096, i);
		ck_assert_mem_eq(f->disk + i * 4096, a, 4096);
	}
	weft_mem_free(dev, a);
}
END_TEST

START_TEST(one_big_request_waits_for_commands)
{
	size_t len = 4 << 20;
	uint8_t *a = weft_mem_alloc(dev, len);
	struct memdesc m = memdesc_vaddr(a);
	struct done d = { .n = 0 };
	struct nvme_host_info info;

	nvme_host_disconnect(h);
	f->mdts = 0;
	opts.max_xfer = 4096;
	opts.io_qsize = 4;
	opts.io_queues = 2;
	connect_host();
	nvme_host_info(h, &info);
	ck_assert_uint_eq(info.max_xfer, 4096);
	fill(a, len, 5);
	ck_assert_int_eq(nvme_host_write(&ns, &m, 0, (uint32_t)(len / BLOCK), 0, on_done, &d),
			 0); /* 1024 commands, 6 at a time */
	poll_until(&d.n, 1);
	ck_assert_uint_eq(d.r.bytes, len);
	ck_assert_mem_eq(f->disk, a, len);
	weft_mem_free(dev, a);
}
END_TEST

START_TEST(mdts_is_respected)
{
	struct nvme_host_info info;
	uint8_t *a;

	nvme_host_disconnect(h);
	f->mdts = 3; /* 32 KiB */
	connect_host();
	nvme_host_info(h, &info);
	ck_assert_uint_eq(info.max_xfer, 32768);
	a = weft_mem_alloc(dev, 1 << 20);
	fill(a, 1 << 20, 3);
	f->counter[WEFT_CNT_SQE_FETCHED] = 0;
	ck_assert_int_eq(nvme_host_write_sync(&ns, a, 0, 2048), 0);
	ck_assert_uint_eq(f->counter[WEFT_CNT_SQE_FETCHED], 32);
	ck_assert_mem_eq(f->disk, a, 1 << 20);
	weft_mem_free(dev, a);
}
END_TEST

START_TEST(digest_errors_are_retried)
{
	uint8_t *a = weft_mem_alloc(dev, 8192), *b = weft_mem_alloc(dev, 8192);
	struct nvme_host_stats s;

	nvme_host_disconnect(h);
	opts.data_digest = true;
	connect_host();
	fill(a, 8192, 4);
	ck_assert_int_eq(nvme_host_write_sync(&ns, a, 0, 16), 0);
	f->ddgst_errors = 3;
	ck_assert_int_eq(nvme_host_read_sync(&ns, b, 0, 16), 0);
	ck_assert_mem_eq(a, b, 8192);
	nvme_host_stats(h, &s);
	ck_assert_uint_eq(s.retries, 3);
	f->ddgst_errors = 100;
	ck_assert_int_eq(nvme_host_read_sync(&ns, b, 0, 16), -EBADMSG);
	ck_assert_uint_eq(f->ddgst_errors, 94);
	f->ddgst_errors = 0;
	ck_assert_int_eq(nvme_host_read_sync(&ns, b, 0, 16), 0); /* the association lives */
	ck_assert_uint_eq(ev.lost, 0);
	weft_mem_free(dev, a);
	weft_mem_free(dev, b);
}
END_TEST

START_TEST(without_sq_flow_control)
{
	uint8_t *a = weft_mem_alloc(dev, 8192), *b = weft_mem_alloc(dev, 8192);

	nvme_host_disconnect(h);
	opts.disable_sqflow = true;
	f->success_flag = true;
	connect_host();
	fill(a, 8192, 4);
	ck_assert_int_eq(nvme_host_write_sync(&ns, a, 0, 16), 0);
	ck_assert_int_eq(nvme_host_read_sync(&ns, b, 0, 16), 0);
	ck_assert_mem_eq(a, b, 8192);
	weft_mem_free(dev, a);
	weft_mem_free(dev, b);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("host I/O");
	TCase *t = tcase_create("io");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 40);
	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_loop_test(t, writes_and_reads_back, 0, sizeof(sizes) / sizeof(sizes[0]));
	tcase_add_test(t, lists_are_split_right);
	tcase_add_test(t, other_commands);
	tcase_add_test(t, bad_requests_are_refused);
	tcase_add_test(t, deep_queues);
	tcase_add_test(t, one_big_request_waits_for_commands);
	tcase_add_test(t, mdts_is_respected);
	tcase_add_test(t, digest_errors_are_retried);
	tcase_add_test(t, without_sq_flow_control);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
