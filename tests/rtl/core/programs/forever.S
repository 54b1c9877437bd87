/* SPDX-License-Identifier: BSD-2-Clause */
/* Never ends: asleep without an interrupt to wait for. */
#include "test.inc"

	begin
1:	wfi
	j 1b
	finish
