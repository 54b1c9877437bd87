/* SPDX-License-Identifier: BSD-2-Clause */
/* FC-NVMe exchanges of the firmware, on the native model. */
#include <stdlib.h>

#include "fcn_helper.h"

/* Firmware allocates nothing; looking for leaks in each of the many processes took most of the time. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}

int main(void)
{
	Suite *s = suite_create("fw_fcn");
	SRunner *r;
	int failed;

	tests_io(s);
	tests_io_fault(s);
	tests_ls(s);
	tests_ls_in(s);
	tests_tgt(s);
	tests_abort(s);
	tests_bls(s);
	tests_lost(s);
	tests_frame(s);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
