/* SPDX-License-Identifier: BSD-2-Clause */
#include <check.h>
#include <cstdlib>
#include "rx_peer.h"

START_TEST(one_clean)
{
	Bench b(1);
	Setup s;
	World w(b, s);
	for (int i = 0; i < 20; i++)
		w.peers[0]->random_pdu();
	w.run(200000);
	w.finish();
	ck_assert_uint_eq(b.cnt[C_TO_FW], 0);
	printf("cycles %lu fast %lu hdrs %lu\n", (unsigned long)b.cycle, (unsigned long)b.cnt[C_FAST], (unsigned long)b.cnt[C_HDRS]);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rx");
	TCase *t = tcase_create("x");
	tcase_add_test(t, one_clean);
	tcase_set_timeout(t, 60);
	suite_add_tcase(s, t);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_VERBOSE);
	int n = srunner_ntests_failed(r);
	srunner_free(r);
	return n ? EXIT_FAILURE : EXIT_SUCCESS;
}
