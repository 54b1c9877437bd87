/* SPDX-License-Identifier: BSD-2-Clause */
/* What NVMe/TCP costs the core per 4 KiB command, without TCP: a number that must not grow unseen. See hotpath/hotpath.c. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#define RUN "build/weft-core-run --max-cycles 1000000 build/tests/unit/fw_nvme/hot/hotpath.elf"

START_TEST(test_instructions)
{
	static const struct {
		const char *format;
		unsigned most;
	} rows[] = {
		{ "read: submit %*u data %*u response %*u total %u", 268 },
		{ "write: submit %*u response %*u total %u", 202 },
		{ "controller read: capsule %*u placed %*u send %*u acked %*u total %u", 355 },
		{ "controller write: capsule %*u placed %*u respond %*u acked %*u total %u", 290 },
		{ "controller fetch: capsule %*u get %*u data %*u total %u", 905 },
	};
	FILE *f = popen(RUN, "r");
	char line[256];

	ck_assert_ptr_nonnull(f);
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unsigned n;

		ck_assert_ptr_nonnull(fgets(line, sizeof(line), f));
		ck_assert_msg(sscanf(line, rows[i].format, &n) == 1, "%s", line);
		ck_assert_msg(n > 50 && n <= rows[i].most, "%s: at most %u", line, rows[i].most);
	}
	while (fgets(line, sizeof(line), f))
		;
	ck_assert_int_eq(pclose(f), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("fw_nvme_hotpath");
	TCase *t = tcase_create("hotpath");
	SRunner *r;
	int failed;

	tcase_add_test(t, test_instructions);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
