/* SPDX-License-Identifier: BSD-2-Clause */
/* The target over a double of the transport. */
#include <stdlib.h>

#include "rig.h"

int main(void)
{
	SRunner *r = srunner_create(connect_suite());
	int failed;

	srunner_add_suite(r, ctrl_suite());
	srunner_add_suite(r, identify_suite());
	srunner_add_suite(r, log_suite());
	srunner_add_suite(r, event_suite());
	srunner_add_suite(r, io_suite());
	srunner_add_suite(r, life_suite());
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
