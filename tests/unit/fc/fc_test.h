/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FC_TEST_H
#define FC_TEST_H

#include <check.h>

Suite *codec_suite(void);
Suite *data_suite(void);
Suite *port_suite(void);
Suite *host_suite(void);
Suite *ls_suite(void);
Suite *target_suite(void);
Suite *adapter_port_suite(void);
Suite *adapter_queue_suite(void);
Suite *adapter_io_suite(void);

/* What runs over every low-level driver. */
static inline void add_transport_suites(SRunner *r)
{
	srunner_add_suite(r, data_suite());
	srunner_add_suite(r, port_suite());
	srunner_add_suite(r, host_suite());
	srunner_add_suite(r, ls_suite());
	srunner_add_suite(r, target_suite());
}

#endif
