/* SPDX-License-Identifier: BSD-2-Clause */
/* The FC-NVMe transport. */
#include <stdlib.h>

#include "fc_test.h"

int main(void)
{
	SRunner *r = srunner_create(codec_suite());
	int failed;

	srunner_add_suite(r, data_suite());
	srunner_add_suite(r, port_suite());
	srunner_add_suite(r, host_suite());
	srunner_add_suite(r, ls_suite());
	srunner_add_suite(r, target_suite());
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
