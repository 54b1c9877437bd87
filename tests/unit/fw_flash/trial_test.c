/* SPDX-License-Identifier: BSD-2-Clause */
/* FW_COMMIT, FW_CONFIRM, FW_ROLLBACK, and the watchdog. */
#include <string.h>

#include "rig.h"

static const struct hal_cpl *commit(uint8_t slot, uint8_t action)
{
	return fw_op(WEFT_OP_FW_COMMIT, slot, action, 0, 0);
}

static void two_images(void)
{
	rig_new();
	put_image(2, &(struct maker){ .minor = 1, .counter = 4 });
	put_image(3, &(struct maker){ .minor = 2, .counter = 6 });
}

START_TEST(test_commit)
{
	put_record(&(struct boot_record){ .active = 2, .counter = 4 });
	power_up(2, 0, 4);
	ck_assert_uint_eq(commit(3, 0)->status, 0);
	ck_assert_uint_eq(commit(3, 0)->dw[0], 2);
	ck_assert_uint_eq(present_record().trial, 0);
	ck_assert_uint_eq(commit(3, 1)->status, 0);
	ck_assert_uint_eq(commit(3, 1)->dw[0], 3);
	ck_assert_uint_eq(present_record().trial, 3);
	ck_assert_uint_eq(present_record().active, 2);
	ck_assert_uint_eq(present_record().counter, 4);
	/* the active one after all */
	ck_assert_uint_eq(commit(2, 1)->status, EPERM);
	ck_assert_uint_eq(commit(2, 2)->status, 0);
	ck_assert_uint_eq(commit(2, 2)->dw[0], 2);
	ck_assert_uint_eq(present_record().trial, 0);
}
END_TEST

START_TEST(test_commit_refused)
{
	const struct hal_cpl *c;

	put_record(&(struct boot_record){ .active = 2, .counter = 7 });
	power_up(2, 0, 7);
	ck_assert_uint_eq(commit(3, 3)->status, EOPNOTSUPP);
	ck_assert_uint_eq(commit(3, 4)->status, EINVAL);
	ck_assert_uint_eq(commit(0, 1)->status, EINVAL);
	ck_assert_uint_eq(commit(4, 1)->status, EINVAL);
	ck_assert_uint_eq(commit(1, 2)->status, EROFS);
	c = commit(3, 2); /* counter 6 */
	ck_assert_uint_eq(c->status, EILSEQ);
	ck_assert_uint_eq(c->dw[0], WEFT_FWE_COUNTER);
	memset(weft_flash_data(chip) + slot_offset(3), 0xff, 4);
	ck_assert_uint_eq(commit(3, 2)->dw[0], WEFT_FWE_EMPTY);
	ck_assert_uint_eq(present_record().seq, 1); /* nothing was written */
}
END_TEST

START_TEST(test_confirm)
{
	const struct hal_cpl *c;

	put_record(&(struct boot_record){ .active = 2, .trial = 3, .tried = 1, .counter = 4 });
	power_up(3, BOOT_ARG0_TRIAL, 6);
	ck_assert_uint_eq(fake_boot.wdt_ms, BOOT_TRIAL_MS);
	c = fw_op(WEFT_OP_FW_LOG, 0, 0, 0, 0);
	ck_assert_uint_eq(c->dw[0], 3 | 2 << 8);
	ck_assert_uint_eq(c->dw[1] >> 24, WEFT_FWF_TRIAL | WEFT_FWF_ROM);
	ck_assert_uint_eq(commit(3, 2)->status, EPERM);
	c = fw_op(WEFT_OP_FW_CONFIRM, 0, 0, 0, 0);
	ck_assert_uint_eq(c->status, 0);
	ck_assert_uint_eq(c->dw[0], 3);
	ck_assert_uint_eq(c->dw[1], 1);
	ck_assert_uint_eq(present_record().active, 3);
	ck_assert_uint_eq(present_record().previous, 2);
	ck_assert_uint_eq(present_record().trial, 0);
	ck_assert_uint_eq(present_record().counter, 6);
	ck_assert_uint_eq(fake_boot.wdt_ms, 0);
	c = fw_op(WEFT_OP_FW_CONFIRM, 0, 0, 0, 0); /* once more changes nothing */
	ck_assert_uint_eq(c->status, 0);
	ck_assert_uint_eq(c->dw[1], 0);
	ck_assert_uint_eq(present_record().seq, 2);
	/* nobody feeds a watchdog that is off */
	fake_boot.wdt_writes = 0;
	for (int i = 0; i < 20; i++) {
		fake_advance(1000000000);
		turns(1);
	}
	ck_assert_uint_eq(fake_boot.wdt_writes, 0);
}
END_TEST

START_TEST(test_confirm_without_trial)
{
	power_up(2, 0, 4);
	ck_assert_uint_eq(fw_op(WEFT_OP_FW_CONFIRM, 0, 0, 0, 0)->dw[1], 0);
	ck_assert_uint_eq(present_record().seq, 0);
	ck_assert_uint_eq(fake_boot.wdt_writes, 0);
	power_up(0, BOOT_ARG0_TRIAL,
		 4); /* what another life left in the arguments counts for nothing */
	ck_assert_uint_eq(fw_op(WEFT_OP_FW_CONFIRM, 0, 0, 0, 0)->dw[1], 0);
	ck_assert_uint_eq(fake_boot.wdt_writes, 0);
}
END_TEST

/* The main loop feeds it while it turns, for ten minutes; never later than every 30 s. */
START_TEST(test_watchdog)
{
	uint32_t fed = 0, last = 0;

	put_record(&(struct boot_record){ .active = 2, .trial = 3, .tried = 1 });
	power_up(3, BOOT_ARG0_TRIAL, 6);
	for (uint32_t s = 1; s <= 700; s++) {
		uint32_t before = fake_boot.wdt_writes;

		fake_advance(1000000000);
		turns(1);
		if (fake_boot.wdt_writes != before) {
			fed++;
			ck_assert_uint_eq(fake_boot.wdt_ms, BOOT_TRIAL_MS);
			ck_assert_uint_lt(s - last, 20);
			last = s;
		}
	}
	ck_assert_uint_ge(fed, 90);
	ck_assert_uint_gt(last, 580);
	ck_assert_uint_le(last, 620);
}
END_TEST

START_TEST(test_rollback)
{
	const struct hal_cpl *c;

	put_record(&(struct boot_record){ .active = 3, .previous = 2, .counter = 4 });
	power_up(3, 0, 6);
	c = fw_op(WEFT_OP_FW_ROLLBACK, 0, 0, 0, 0);
	ck_assert_uint_eq(c->status, 0);
	ck_assert_uint_eq(c->dw[0], 2);
	ck_assert_uint_eq(present_record().trial, 2);
	ck_assert_uint_eq(present_record().active, 3);
}
END_TEST

START_TEST(test_rollback_refused)
{
	const struct hal_cpl *c;
	uint8_t some[96] = { 0 };

	put_record(&(struct boot_record){ .active = 3, .previous = 2, .counter = 6 });
	power_up(3, 0, 6);
	c = fw_op(WEFT_OP_FW_ROLLBACK, 0, 0, 0, 0);
	ck_assert_uint_eq(c->status, EILSEQ);
	ck_assert_uint_eq(c->dw[0], WEFT_FWE_COUNTER);
	ck_assert_uint_eq(finish(piece(2, SESSION, some, 0, 96, false))->status, 0);
	ck_assert_uint_eq(fw_op(WEFT_OP_FW_ROLLBACK, 0, 0, 0, 0)->status, ENOENT);
}
END_TEST

/* On trial: given up, and the next reset starts the active one. */
START_TEST(test_rollback_trial)
{
	const struct hal_cpl *c;

	put_record(&(struct boot_record){ .active = 2, .trial = 3, .tried = 1 });
	power_up(3, BOOT_ARG0_TRIAL, 6);
	c = fw_op(WEFT_OP_FW_ROLLBACK, 0, 0, 0, 0);
	ck_assert_uint_eq(c->status, 0);
	ck_assert_uint_eq(c->dw[0], 2);
	ck_assert_uint_eq(present_record().trial, 0);
	ck_assert_uint_eq(present_record().failed, 3);
	ck_assert_uint_eq(present_record().why, WEFT_FWE_GIVEN_UP);
	ck_assert_uint_eq(fake_boot.wdt_ms, 0);
	ck_assert_uint_eq(fw_op(WEFT_OP_FW_CONFIRM, 0, 0, 0, 0)->dw[1], 0);
	ck_assert_uint_eq(present_record().active, 2);
}
END_TEST

/* Records fill both sectors and start over; each is right. */
START_TEST(test_many_records)
{
	put_record(&(struct boot_record){ .active = 2 });
	power_up(2, 0, 4);
	for (uint32_t i = 0; i < 300; i++) {
		ck_assert_uint_eq(commit(i & 1 ? 2 : 3, 2)->status, 0);
		ck_assert_uint_eq(present_record().trial, i & 1 ? 0 : 3);
		ck_assert_uint_eq(present_record().seq, i + 2);
	}
}
END_TEST

void tests_trial(Suite *s)
{
	TCase *t = tcase_create("trial");

	tcase_add_checked_fixture(t, two_images, rig_end);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, test_commit);
	tcase_add_test(t, test_commit_refused);
	tcase_add_test(t, test_confirm);
	tcase_add_test(t, test_confirm_without_trial);
	tcase_add_test(t, test_watchdog);
	tcase_add_test(t, test_rollback);
	tcase_add_test(t, test_rollback_refused);
	tcase_add_test(t, test_rollback_trial);
	tcase_add_test(t, test_many_records);
	suite_add_tcase(s, t);
}
