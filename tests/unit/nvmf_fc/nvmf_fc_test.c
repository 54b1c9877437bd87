/* SPDX-License-Identifier: BSD-2-Clause */
/* NVMe-oF host and target over FC-NVMe. */
#include <stdlib.h>

#include "rig.h"

int main(void)
{
	SRunner *r = srunner_create(host_suite());
	int failed;

	srunner_add_suite(r, trouble_suite());
	srunner_add_suite(r, qpair_suite());
	srunner_add_suite(r, adapter_suite());
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
