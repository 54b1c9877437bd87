/* SPDX-License-Identifier: BSD-2-Clause */
/* The controller role when memory runs out: each allocation fails once, and nothing is lost or left. */
#include "ctl_fixture.h"

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);

static int fail_after = -1; /* allocations that still succeed; negative: all */
static unsigned int failed;

static bool fails(void)
{
	if (fail_after < 0 || fail_after--)
		return false;
	failed++;
	return true;
}

void *__wrap_malloc(size_t n)
{
	return fails() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

static void arm(int n)
{
	fail_after = n;
	failed = 0;
}

/* It did fail. */
static void disarm(void)
{
	fail_after = -1;
	ck_assert_uint_eq(failed, 1);
}

START_TEST(a_fetch_is_refused)
{
	struct memdesc m = memdesc_vaddr(mem);
	int slot = command(1, 5, false, 4096);

	arm(0);
	ck_assert_int_eq(nvmf_receive_controller_data(last(), 0, &m, 4096, on_data, &seen),
			 -ENOMEM);
	disarm();
	turn(2);
	ck_assert_uint_eq(seen.data, 0); /* without callback */
	ck_assert_int_eq(nvmf_receive_controller_data(last(), 0, &m, 4096, on_data, &seen), 0);
	turn(2);
	ck_assert_uint_eq(seen.xfered, 4096);
	ck_assert_mem_eq(mem, host, 4096);
	ck_assert_int_eq(respond(5, 0), 0);
	turn(2);
	ck_assert_uint_eq(got_status(slot), 0);
	ck_assert_uint_eq(seen.errors, 0);
}
END_TEST

/* The chain is consumed, no part of it leaves, and the response can still tell. */
START_TEST(data_are_not_sent)
{
	struct nvmf_buf b[2];
	int slot = command(2, 5, false, 8192);

	fill_buf(&b[0], 0, 4096, fill_buf(&b[1], 8192, 4096, NULL));
	arm(0);
	ck_assert_uint_eq(nvmf_send_controller_data(last(), 0, &b[0], 8192),
			  NVME_SC_INTERNAL_ERROR);
	disarm();
	ck_assert_uint_eq(seen.done, 2);
	ck_assert_int_eq(respond(5, NVME_SC_INTERNAL_ERROR), 0);
	turn(2);
	ck_assert_uint_eq(got_status(slot), NVME_SC_INTERNAL_ERROR);
	ck_assert_uint_eq(fake_cmd(f, 2, slot)->sent, 0);
	ck_assert_uint_eq(seen.errors, 0);
}
END_TEST

START_TEST(a_response_is_had_later)
{
	int slot = command(1, 5, false, 0);

	arm(0);
	ck_assert_ptr_null(response(5, 0));
	ck_assert_int_eq(errno, ENOMEM);
	disarm();
	ck_assert_int_eq(respond(5, 0), 0); /* the failed one has no claim on the command */
	turn(2);
	ck_assert_uint_eq(got_status(slot), 0);
}
END_TEST

/* A command that nobody can be told of would hang in its host: the connection ends. */
START_TEST(a_command_without_memory_ends_the_connection)
{
	uint8_t sqe[64];

	command(1, 5, false, 0);
	fake_host_sqe(sqe, 1, 6, false, 0);
	ck_assert_int_ge(fake_host_send(f, 2, sqe, false, host, 0, 0), 0);
	arm(0);
	turn(1);
	disarm();
	ck_assert_uint_eq(seen.commands, 1);
	ck_assert_uint_eq(seen.errors, 1);
	ck_assert_int_eq(seen.error, -ENOMEM);
}
END_TEST

/* A list of more pieces than an entry can name is refused, also behind a transfer under way. */
START_TEST(too_many_pieces)
{
	static struct iovec many[WEFT_SGL_MAX + 1];
	struct memdesc m = memdesc_vaddr(mem), list = { .md_type = MEMDESC_VLIST,
							.u.md_vlist = many,
							.md_count = WEFT_SGL_MAX + 1 };
	size_t n = 4 * (WEFT_SGL_MAX + 1), i;
	int slot = command(1, 5, false, (uint32_t)n + 4096);

	for (i = 0; i <= WEFT_SGL_MAX; i++)
		many[i] = (struct iovec){ mem + 65536 + 8 * i, 4 };
	ck_assert_int_eq(nvmf_receive_controller_data(last(), 0, &list, n, on_data, &seen), -E2BIG);
	ck_assert_int_eq(nvmf_receive_controller_data(last(), 0, &m, 4096, on_data, &seen), 0);
	ck_assert_int_eq(nvmf_receive_controller_data(last(), 4096, &list, n, on_data, &seen), 0);
	turn(3);
	ck_assert_uint_eq(seen.data, 2);
	ck_assert_int_eq(seen.data_error, -E2BIG);
	ck_assert_int_eq(respond(5, NVME_SC_DATA_TRANSFER_ERROR), 0);
	turn(2);
	ck_assert_uint_eq(got_status(slot), NVME_SC_DATA_TRANSFER_ERROR);
	ck_assert_uint_eq(seen.errors, 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("no memory");
	TCase *t = tcase_create("controller");
	SRunner *sr;
	int bad;

	tcase_set_timeout(t, 30);
	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, a_fetch_is_refused);
	tcase_add_test(t, data_are_not_sent);
	tcase_add_test(t, a_response_is_had_later);
	tcase_add_test(t, a_command_without_memory_ends_the_connection);
	tcase_add_test(t, too_many_pieces);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	bad = srunner_ntests_failed(sr);
	srunner_free(sr);
	return bad != 0;
}
