/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Firmware and boot ROM in turn on one flash: updates from download to confirm, and all that may come between. The ROM's logic
 * is the real one; of cryptography there is only its answer (an image whose payload begins with BAD has the wrong digest).
 */
#include <stdio.h>
#include <string.h>

#include "boot/rom/boot.h"
#include "flash/service_int.h"
#include "rig.h"

#define BAD 0xeeu

static uint8_t header[IMAGE_HEADER_MAX], tlvs[IMAGE_TLVS_MAX], imem[16384];
static uint8_t image[IMAGE_LEN_MAX];
static uint64_t cuts;

/* Time goes on with each byte, for the ROM waits. */
static uint8_t slow_byte(void *ctx, uint8_t out)
{
	(void)ctx;
	fake_advance(2000);
	return hal_spi_byte(out);
}

static void select_chip(void *ctx, bool on)
{
	(void)ctx;
	hal_spi_select(on);
}

static uint32_t time_now(void *ctx)
{
	(void)ctx;
	return (uint32_t)hal_now_ns();
}

static void hash(void *ctx, const uint8_t *p, size_t len, uint8_t out[IMAGE_HASH_LEN])
{
	(void)ctx;
	(void)p;
	(void)len;
	memcpy(out, fake_boot.key_hash, IMAGE_HASH_LEN);
}

static void digest(void *ctx, const struct image_info *info, uint8_t out[IMAGE_HASH_LEN])
{
	(void)ctx;
	memcpy(out, info->sha256, IMAGE_HASH_LEN);
	out[0] ^= imem[0] == BAD;
}

static bool verify(void *ctx, const uint8_t sig[IMAGE_SIG_LEN], const uint8_t d[IMAGE_HASH_LEN],
		   const uint8_t key[IMAGE_KEY_LEN])
{
	(void)ctx;
	(void)sig;
	(void)d;
	(void)key;
	return true;
}

static const struct image_crypto *crypto(struct boot_env *env)
{
	static const struct image_crypto c = { .hash = hash, .digest = digest, .verify = verify };

	(void)env;
	return &c;
}

static void announce(struct boot_env *env, const uint32_t arg[4])
{
	(void)env;
	memcpy(fake_boot.arg, arg, sizeof(fake_boot.arg));
}

enum cause { POWER, RESET, WATCHDOG };

/* The adapter starts: ROM, then firmware. Returns the slot. */
static uint32_t start(enum cause cause)
{
	static const struct nor_spi spi = { .select = select_chip,
					    .byte = slow_byte,
					    .time_ns = time_now };
	struct boot_env env = { .spi = &spi,
				.crypto = crypto,
				.announce = announce,
				.imem = imem,
				.imem_len = sizeof(imem),
				.header = header,
				.tlvs = tlvs,
				.board = BOARD,
				.watchdog_fired = cause == WATCHDOG };
	struct boot_choice choice;

	memcpy(env.key_hash, fake_boot.key_hash, sizeof(env.key_hash));
	if (cause == POWER)
		memset(fake_boot.arg, 0, sizeof(fake_boot.arg));
	memcpy(env.arg, fake_boot.arg, sizeof(env.arg));
	boot_choose(&env, &choice);
	if (choice.slot)
		power_up(choice.slot, choice.arg[0] & ~BOOT_ARG0_SLOT_MASK, choice.arg[2]);
	return choice.slot;
}

static bool on_trial(void)
{
	return fw_op(WEFT_OP_FW_LOG, 0, 0, 0, 0)->dw[1] >> 24 & WEFT_FWF_TRIAL;
}

static uint16_t put(uint8_t slot, const struct maker *m)
{
	return download(slot, SESSION, image, make_image(image, m))->status;
}

static void update(uint8_t slot, const struct maker *m)
{
	ck_assert_uint_eq(put(slot, m), 0);
	ck_assert_uint_eq(fw_op(WEFT_OP_FW_COMMIT, slot, WEFT_FWA_REPLACE_ACTIVATE, 0, 0)->status,
			  0);
}

static void confirm(void)
{
	const struct hal_cpl *c = fw_op(WEFT_OP_FW_CONFIRM, 0, 0, 0, 0);

	ck_assert_uint_eq(c->status, 0);
	ck_assert_uint_eq(c->dw[1], 1);
}

/* As it leaves the factory: the golden image, and nothing else. */
static void setup(void)
{
	rig_new();
	put_image(1, &(struct maker){ .payload = 600 });
	ck_assert_uint_eq(start(POWER), 1);
}

START_TEST(test_first_update)
{
	ck_assert(!on_trial());
	update(2, &(struct maker){ .minor = 1, .payload = 600 });
	ck_assert_uint_eq(start(RESET), 2);
	ck_assert(on_trial());
	for (int i = 0; i < 10; i++) /* drivers open and close it */
		ck_assert_uint_eq(start(RESET), 2);
	ck_assert(on_trial());
	confirm();
	ck_assert_uint_eq(start(POWER), 2);
	ck_assert(!on_trial());
}
END_TEST

static void two_confirmed(void)
{
	update(2, &(struct maker){ .minor = 1, .payload = 600 });
	ck_assert_uint_eq(start(RESET), 2);
	confirm();
	update(3, &(struct maker){ .minor = 2, .payload = 600 });
	ck_assert_uint_eq(start(RESET), 3);
	confirm();
}

START_TEST(test_failed_trials)
{
	static const struct {
		enum cause cause;
		uint8_t why;
	} cases[] = { { POWER, WEFT_FWE_POWER }, { WATCHDOG, WEFT_FWE_WATCHDOG } };

	two_confirmed();
	for (int i = 0; i < 2; i++) {
		update(2, &(struct maker){ .minor = 3, .payload = 600 });
		ck_assert_uint_eq(start(RESET), 2);
		ck_assert(on_trial());
		ck_assert_uint_eq(start(cases[i].cause), 3);
		ck_assert(!on_trial());
		ck_assert_uint_eq(present_record().failed, 2);
		ck_assert_uint_eq(present_record().why, cases[i].why);
		ck_assert_uint_eq(start(POWER), 3);
	}
}
END_TEST

/* Its digest is wrong: firmware cannot know, the ROM does. */
START_TEST(test_unsound)
{
	two_confirmed();
	update(2, &(struct maker){ .minor = BAD, .payload = 600 });
	ck_assert_uint_eq(start(RESET), 3);
	ck_assert_uint_eq(present_record().failed, 2);
	ck_assert_uint_eq(present_record().why, WEFT_FWE_DIGEST);
}
END_TEST

START_TEST(test_rollback)
{
	two_confirmed();
	ck_assert_uint_eq(fw_op(WEFT_OP_FW_ROLLBACK, 0, 0, 0, 0)->dw[0], 2);
	ck_assert_uint_eq(start(RESET), 2);
	confirm();
	ck_assert_uint_eq(start(POWER), 2);
	/* a trial that is given up */
	update(3, &(struct maker){ .minor = 4, .payload = 600 });
	ck_assert_uint_eq(start(RESET), 3);
	ck_assert_uint_eq(fw_op(WEFT_OP_FW_ROLLBACK, 0, 0, 0, 0)->dw[0], 2);
	ck_assert_uint_eq(start(RESET), 2);
	ck_assert_uint_eq(present_record().why, WEFT_FWE_GIVEN_UP);
}
END_TEST

/* Once a higher counter was confirmed, what is older is neither taken nor gone back to. */
START_TEST(test_counter)
{
	two_confirmed();
	update(2, &(struct maker){ .minor = 3, .payload = 600, .counter = 9 });
	ck_assert_uint_eq(start(RESET), 2);
	confirm();
	ck_assert_uint_eq(fw_op(WEFT_OP_FW_ROLLBACK, 0, 0, 0, 0)->status, EILSEQ);
	ck_assert_uint_eq(put(3, &(struct maker){ .minor = 4, .payload = 600, .counter = 8 }),
			  EILSEQ);
	/* and when it is destroyed, golden starts, not the older one */
	memset(weft_flash_data(chip) + slot_offset(2), 0xff, 512);
	ck_assert_uint_eq(start(POWER), 1);
}
END_TEST

/* Both images are destroyed; golden starts, and writes a new one into the very slot that is still called active. */
START_TEST(test_recovery)
{
	two_confirmed();
	memset(weft_flash_data(chip) + slot_offset(2), 0, 512);
	memset(weft_flash_data(chip) + slot_offset(3), 0, 512);
	ck_assert_uint_eq(start(POWER), 1);
	update(3, &(struct maker){ .minor = 5, .payload = 600 });
	ck_assert_uint_eq(start(RESET), 3);
	ck_assert(on_trial());
	confirm();
	ck_assert_uint_eq(start(POWER), 3);
}
END_TEST

/* The image that runs in place of a destroyed active one becomes active itself before that is overwritten. */
START_TEST(test_active_replaced)
{
	two_confirmed();
	memset(weft_flash_data(chip) + slot_offset(3), 0, 512);
	ck_assert_uint_eq(start(POWER), 2);
	update(3, &(struct maker){ .minor = 6, .payload = 600 });
	ck_assert_uint_eq(start(RESET), 3);
	ck_assert_uint_eq(start(WATCHDOG), 2);
	ck_assert_uint_eq(start(POWER), 2);
}
END_TEST

/* A whole update with power that fails in step n; whatever became of it, the adapter starts a sound image, and can do it again. */
static bool cut_update(uint64_t n)
{
	const struct maker m = { .minor = 7, .payload = 600, .counter = 2 };
	uint32_t slot, again;
	bool off;

	weft_flash_cut_at(chip, n, n);
	if (!put(2, &m) && !fw_op(WEFT_OP_FW_COMMIT, 2, 1, 0, 0)->status && start(RESET))
		fw_op(WEFT_OP_FW_CONFIRM, 0, 0, 0, 0);
	off = weft_flash_is_off(chip);
	weft_flash_power_on(chip);
	slot = start(POWER);
	ck_assert_msg(slot == 2 || slot == 3, "cut at %u: slot %u", (unsigned int)n, slot);
	again = start(POWER);
	ck_assert_msg(again == 2 || again == 3, "cut at %u: then slot %u", (unsigned int)n, again);
	if (again == 3) {
		ck_assert_uint_eq(put(2, &m), 0);
		ck_assert_uint_eq(fw_op(WEFT_OP_FW_COMMIT, 2, 1, 0, 0)->status, 0);
		ck_assert_uint_eq(start(RESET), 2);
	}
	cuts++;
	return off;
}

START_TEST(test_power_cuts)
{
	static uint8_t before[1 << 20];

	two_confirmed();
	memcpy(before, weft_flash_data(chip), sizeof(before));
	for (uint64_t n = 1;; n += 3) {
		memcpy(weft_flash_data(chip), before, sizeof(before));
		ck_assert_uint_eq(start(POWER), 3);
		if (!cut_update(n))
			break;
	}
	ck_assert_uint_gt(cuts, 200);
	printf("power cuts through the firmware: %u\n", (unsigned int)cuts);
}
END_TEST

void tests_lives(Suite *s)
{
	TCase *t = tcase_create("lives");

	tcase_add_checked_fixture(t, setup, rig_end);
	tcase_set_timeout(t, 120);
	tcase_add_test(t, test_first_update);
	tcase_add_test(t, test_failed_trials);
	tcase_add_test(t, test_unsound);
	tcase_add_test(t, test_rollback);
	tcase_add_test(t, test_counter);
	tcase_add_test(t, test_recovery);
	tcase_add_test(t, test_active_replaced);
	tcase_add_test(t, test_power_cuts);
	suite_add_tcase(s, t);
}
