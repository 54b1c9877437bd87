/* SPDX-License-Identifier: BSD-2-Clause */
/* NVMe/TCP host role, queue pairs and admin opcodes of the firmware, on the native model. */
#include <stdlib.h>

#include "nvme_helper.h"

/* Firmware allocates nothing; looking for leaks in each of the many processes took most of the time. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}

int main(void)
{
	Suite *s = suite_create("fw_nvme");
	SRunner *r = srunner_create(s);
	int failed;

	fill_patterns();
	tests_connect(s);
	tests_command(s);
	tests_read(s);
	tests_data(s);
	tests_fault(s);
	tests_starve(s);
	tests_admin(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
