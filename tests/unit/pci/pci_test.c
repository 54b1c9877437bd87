/* SPDX-License-Identifier: BSD-2-Clause */
/* Discovery over a machine made of files (tree.h): what is there, what lies, who uses it. */
#include <stdlib.h>
#include <string.h>

#include "pci_test.h"

void holds(const char *text, const char *part)
{
	ck_assert_msg(strstr(text, part) != NULL, "no \"%s\" in: %s", part, text);
}

int main(void)
{
	Suite *s = suite_create("pci");
	SRunner *r;
	int failed;

	suite_add_tcase(s, read_case());
	suite_add_tcase(s, lies_case());
	suite_add_tcase(s, uses_case());
	suite_add_tcase(s, check_case());
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
