/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>

#include "rig.h"

/* Firmware allocates nothing; looking for leaks in each of the many processes took most of the time. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}

int main(void)
{
	Suite *s = suite_create("fw_flash");
	SRunner *r = srunner_create(s);
	int failed;

	tests_update(s);
	tests_trial(s);
	tests_fault(s);
	tests_lives(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
