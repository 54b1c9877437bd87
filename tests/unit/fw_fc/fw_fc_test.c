/* SPDX-License-Identifier: BSD-2-Clause */
/* All suites of firmware/fc in one program. */
#include <stdlib.h>

#include "rig.h"

Suite *link_suite(void);
Suite *ptp_suite(void);
Suite *answer_suite(void);
Suite *session_suite(void);
Suite *logout_suite(void);
Suite *fabric_suite(void);
Suite *rscn_suite(void);
Suite *fip_suite(void);
Suite *fip_ls_suite(void);
Suite *neighbour_suite(void);
Suite *pair_suite(void);
Suite *rrq_suite(void);

/* Firmware allocates nothing; looking for leaks in each of the many processes took most of the time. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}

int main(void)
{
	SRunner *r = srunner_create(link_suite());
	int failed;

	srunner_add_suite(r, ptp_suite());
	srunner_add_suite(r, answer_suite());
	srunner_add_suite(r, session_suite());
	srunner_add_suite(r, logout_suite());
	srunner_add_suite(r, fabric_suite());
	srunner_add_suite(r, rscn_suite());
	srunner_add_suite(r, fip_suite());
	srunner_add_suite(r, fip_ls_suite());
	srunner_add_suite(r, neighbour_suite());
	srunner_add_suite(r, pair_suite());
	srunner_add_suite(r, rrq_suite());

	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
