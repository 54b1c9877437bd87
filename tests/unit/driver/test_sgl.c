/* SPDX-License-Identifier: BSD-2-Clause */
/* Scatter/gather lists and the memory lent through them. */
#include "pairs.h"

/*
 * Sends a buffer of pieces scattered over registered memory through the fake disk of the pair's
 * controller-less capsule.
 */
static void scattered(unsigned int pieces, unsigned int gap, unsigned int want_elements)
{
	size_t len = (size_t)pieces * 64, span = (size_t)pieces * (64 + gap) + 64;
	uint8_t *mem = weft_mem_alloc(dev, span), *copy = malloc(len), sqe[64];
	struct iovec *iov = calloc(pieces, sizeof(*iov));
	struct weft_qp *qp = make_qp(4, true);
	struct weft_cmd c = { .sqe = sqe,
			      .iov = iov,
			      .count = pieces,
			      .data_len = (uint32_t)len,
			      .cid = 9,
			      .flags = WEFT_SQF_DATA_OUT | WEFT_SQF_ICD,
			      .cookie = (void *)10 };
	unsigned int i;
	size_t k;

	for (i = 0; i < pieces; i++)
		iov[i] = (struct iovec){ mem + i * (64 + gap), 64 };
	for (k = 0; k < span; k++)
		mem[k] = (uint8_t)(k * 7 + k / 251);
	nop_sqe(sqe, 9, (uint32_t)len, true);
	f->hold = true;
	ck_assert_int_eq(weft_qp_submit(qp, &c), 0);
	weft_qp_doorbell(qp);
	weft_dev_poll(dev);
	ck_assert_uint_eq(f->qp[weft_qp_id(qp)].sgl_max, want_elements);
	ck_assert(fake_gather(f, &f->qp[weft_qp_id(qp)].held[9], 0, copy, (uint32_t)len));
	for (i = 0; i < pieces; i++)
		ck_assert_mem_eq(copy + 64 * i, mem + i * (64 + gap), 64);
	fake_release(f, weft_qp_id(qp), 9, EIO);
	poll_until(1);
	f->hold = false;
	drop_qp(qp);
	weft_mem_free(dev, mem);
	free(iov);
	free(copy);
}

START_TEST(scatter_gather_lists)
{
	open_dev();
	scattered(1, 0, 1);
	scattered(100, 0, 1); /* adjacent pieces are joined */
	scattered(3, 16, 3);
	scattered(4, 16, 4);
	scattered(256, 16, 256);
	scattered(1000, 32, 1000);
	scattered(1024, 32, 1024);
	close_dev();
}
END_TEST

START_TEST(scatter_gather_refusals)
{
	uint8_t *mem, *other = malloc(100), sqe[64];
	struct iovec iov[1025];
	struct weft_cmd c = {
		.sqe = sqe, .iov = iov, .cid = 0, .flags = WEFT_SQF_DATA_IN, .cookie = (void *)1
	};
	struct weft_qp *qp;
	unsigned int i;

	open_dev();
	mem = weft_mem_alloc(dev, 1025 * 32);
	qp = make_qp(4, true);
	for (i = 0; i < 1025; i++)
		iov[i] = (struct iovec){ mem + 32 * i, 16 };
	c.count = 1025;
	c.data_len = 1025 * 16;
	ck_assert_int_eq(weft_qp_submit(qp, &c), -E2BIG);
	c.count = 1;
	c.data_len = 17;
	ck_assert_int_eq(weft_qp_submit(qp, &c), -EINVAL); /* shorter than data_len */
	iov[0] = (struct iovec){ other, 100 };
	ck_assert_int_eq(weft_qp_submit(qp, &c), -EFAULT);
	iov[0] = (struct iovec){ mem, 100 };
	c.flags = WEFT_SQF_DATA_IN | WEFT_SQF_DATA_OUT;
	ck_assert_int_eq(weft_qp_submit(qp, &c), -EINVAL);
	c.flags = WEFT_SQF_DATA_IN | WEFT_SQF_ICD;
	ck_assert_int_eq(weft_qp_submit(qp, &c), -EINVAL);
	c.flags = WEFT_SQF_DATA_OUT;
	c.data_len = WEFT_DATA_MAX + 1;
	ck_assert_int_eq(weft_qp_submit(qp, &c), -EINVAL);
	ck_assert_uint_eq(weft_qp_inflight(qp), 0);
	drop_qp(qp);
	close_dev();
	free(other);
}
END_TEST

START_TEST(lent_memory_stays_registered)
{
	uint8_t *mem = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
		sqe[64];
	struct iovec iov = { mem + 1000, 5000 };
	struct weft_cmd c = { .sqe = sqe,
			      .iov = &iov,
			      .count = 1,
			      .data_len = 5000,
			      .cid = 0,
			      .flags = WEFT_SQF_DATA_OUT,
			      .cookie = (void *)1 };
	struct weft_qp *qp;

	open_dev();
	ck_assert_int_eq(weft_mem_register(dev, mem, 4096), 0);
	ck_assert_int_eq(weft_mem_register(dev, mem + 4096, 4096), 0);
	qp = make_qp(1, true);
	f->hold = true;
	nop_sqe(sqe, 0, 5000, false);
	ck_assert_int_eq(weft_qp_submit(qp, &c), 0);
	weft_qp_doorbell(qp);
	weft_dev_poll(dev);
	ck_assert_uint_eq(f->qp[weft_qp_id(qp)].sgl_max, 2); /* one for each registration */
	ck_assert_int_eq(weft_mem_unregister(dev, mem), -EBUSY);
	ck_assert_int_eq(weft_mem_unregister(dev, mem + 4096), -EBUSY);
	fake_release(f, weft_qp_id(qp), 0, EIO);
	poll_until(1);
	ck_assert_int_eq(weft_mem_unregister(dev, mem), 0);
	ck_assert_int_eq(weft_mem_unregister(dev, mem + 4096), 0);
	iov = (struct iovec){ mem + 5000,
			      1000 }; /* where the cached lookup of the submission points */
	c.data_len = 1000;
	ck_assert_int_eq(weft_qp_submit(qp, &c), -EFAULT);
	drop_qp(qp);
	close_dev();
	munmap(mem, 8192);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("lists");
	TCase *t = tcase_create("sgl");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 30);
	tcase_add_test(t, scatter_gather_lists);
	tcase_add_test(t, scatter_gather_refusals);
	tcase_add_test(t, lent_memory_stays_registered);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
