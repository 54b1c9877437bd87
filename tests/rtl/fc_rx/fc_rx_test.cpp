/* SPDX-License-Identifier: BSD-2-Clause */
/* Bench of weft_fc_rx: the program. */
#include <check.h>
#include <cstdlib>

void add_wire_cases(Suite *s);
void add_place_cases(Suite *s);
void add_core_cases(Suite *s);
void add_random_cases(Suite *s);

int main(void)
{
	Suite *s = suite_create("weft_fc_rx");
	add_wire_cases(s);
	add_place_cases(s);
	add_core_cases(s);
	add_random_cases(s);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	int n = srunner_ntests_failed(r);
	srunner_free(r);
	return n ? EXIT_FAILURE : EXIT_SUCCESS;
}
