/* SPDX-License-Identifier: BSD-2-Clause */
/* All suites of firmware/lib, firmware/net and firmware/tcp in one program. */
#include <stdlib.h>

#include "tcp_helper.h"

Suite *lib_suite(void);
Suite *net_suite(void);
Suite *open_suite(void);
Suite *handshake_suite(void);
Suite *listen_suite(void);
Suite *flood_suite(void);
Suite *send_suite(void);
Suite *recv_suite(void);
Suite *run_suite(void);
Suite *loss_suite(void);
Suite *close_suite(void);
Suite *sim_suite(void);

/* Firmware allocates nothing; looking for leaks in each of the many processes took half the time. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}

int main(void)
{
	SRunner *r = srunner_create(lib_suite());
	int failed;

	fill_host();
	srunner_add_suite(r, net_suite());
	srunner_add_suite(r, open_suite());
	srunner_add_suite(r, handshake_suite());
	srunner_add_suite(r, listen_suite());
	srunner_add_suite(r, flood_suite());
	srunner_add_suite(r, send_suite());
	srunner_add_suite(r, recv_suite());
	srunner_add_suite(r, run_suite());
	srunner_add_suite(r, loss_suite());
	srunner_add_suite(r, close_suite());
	srunner_add_suite(r, sim_suite());
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
