/* SPDX-License-Identifier: BSD-2-Clause */
#include "nvme_helper.h"
void tests_starve(Suite *s)
{
	(void)s;
}
