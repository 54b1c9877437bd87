/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FC_TEST_H
#define FC_TEST_H

#include <check.h>

Suite *codec_suite(void);

#endif
