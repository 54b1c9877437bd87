/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PCI_TEST_H
#define PCI_TEST_H

#include <check.h>

TCase *read_case(void);
TCase *lies_case(void);
TCase *uses_case(void);
TCase *check_case(void);

/* The text of the last error, or another, holds this. */
void holds(const char *text, const char *part);

#endif
