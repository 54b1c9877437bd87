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
Suite *weft_suite(void);
Suite *weft_io_suite(void);

#endif
