/* SPDX-License-Identifier: BSD-2-Clause */
/* The same over the adapter's low-level driver, and what is particular to that. */
#include <stdlib.h>

#include "fc_test.h"
#include "rig.h"

int main(void)
{
	SRunner *r = srunner_create(adapter_port_suite());
	int failed;

	rig = &rig_adapter;
	srunner_add_suite(r, adapter_queue_suite());
	srunner_add_suite(r, adapter_io_suite());
	add_transport_suites(r);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
