/* SPDX-License-Identifier: BSD-2-Clause */
/* What FC-NVMe costs the core per 4 KiB command: a number that must not grow unseen. See hotpath/hotpath.c. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#define RUN "build/weft-core-run --max-cycles 1000000 build/tests/unit/fw_fcn/hot/hotpath.elf"

START_TEST(test_instructions)
{
	static const struct {
		const char *format;
		unsigned most;
	} rows[] = {
		{ "read: submit %*u response %*u stopped %*u total %u", 365 },
		{ "write: submit %*u ready %*u response %*u total %u", 525 },
		{ "target read: command %*u send %*u done %*u total %u", 565 },
		{ "target write: command %*u fetch %*u placed %*u respond %*u total %u", 850 },
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
	Suite *s = suite_create("fw_fcn_hotpath");
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
