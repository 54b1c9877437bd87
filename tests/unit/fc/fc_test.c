/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The FC-NVMe transport, over the software loopback, then over the adapter's driver; and what is
 * particular to that driver.
 */
#include <stdio.h>
#include <stdlib.h>

#include "fc_test.h"
#include "rig.h"

/* Failures. The suites of r come before what runs over the driver. */
static int run_over(const struct rig_driver *driver, SRunner *r)
{
	int failed;

	rig = driver;
	printf("Over the %s:\n", driver->name);
	srunner_add_suite(r, data_suite());
	srunner_add_suite(r, port_suite());
	srunner_add_suite(r, host_suite());
	srunner_add_suite(r, ls_suite());
	srunner_add_suite(r, target_suite());
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed;
}

int main(void)
{
	SRunner *r = srunner_create(weft_suite());
	int failed = run_over(&rig_loop, srunner_create(codec_suite()));

	srunner_add_suite(r, weft_io_suite());
	failed += run_over(&rig_weft, r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
