/* SPDX-License-Identifier: BSD-2-Clause */
/* NVMe/TCP controller role of the firmware, on the native model. */
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
	Suite *s = suite_create("fw_ctl");
	SRunner *r = srunner_create(s);
	int failed;

	fill_patterns();
	tests_ctl_accept(s);
	tests_ctl_data(s);
	tests_ctl_fault(s);
	tests_ctl_reply(s);
	tests_ctl_close(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
