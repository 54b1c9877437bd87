/* SPDX-License-Identifier: BSD-2-Clause */
/* The adapter's driver: what the tests of the transport do not reach. */
#include <errno.h>
#include <stdlib.h>

#include "fc_test.h"
#include "rig.h"
#include "rig_weft.h"

Suite *weft_suite(void)
{
	Suite *s = suite_create("weft");

	return s;
}
