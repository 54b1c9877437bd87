/* SPDX-License-Identifier: BSD-2-Clause */
/* The FC-NVMe transport over the software loopback. */
#include <stdlib.h>

#include "fc_test.h"
#include "rig.h"

int main(void)
{
	SRunner *r = srunner_create(codec_suite());
	int failed;

	rig = &rig_loop;
	add_transport_suites(r);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
