/* SPDX-License-Identifier: BSD-2-Clause */
/* FW_DOWNLOAD, FW_LOG, FW_DIGEST, FW_READ where the flash is well. */
#include <string.h>

#include "lib/bytes.h"
#include "rig.h"

static uint8_t image[IMAGE_LEN_MAX];
static uint32_t image_len;

static void setup(void)
{
	rig_new();
	image_len = make_image(image, &(struct maker){ .minor = 2, .counter = 5 });
}

static bool holds(uint32_t slot)
{
	return !memcmp(weft_flash_data(chip) + slot_offset(slot), image, image_len);
}

static uint32_t slot_error(uint8_t slot)
{
	return fw_op(WEFT_OP_FW_LOG, slot, 0, 0, 0)->dw[0] & 0xff;
}

START_TEST(test_download)
{
	const struct hal_cpl *c;

	power_up(0, 0, 0);
	ck_assert_uint_eq(slot_error(2), WEFT_FWE_EMPTY);
	ck_assert_uint_eq(download(2, SESSION, image, image_len)->status, 0);
	ck_assert(holds(2));
	c = fw_op(WEFT_OP_FW_LOG, 2, 0, 0, 0);
	ck_assert_uint_eq(c->dw[0], WEFT_FWE_SOUND | WEFT_FWS_WRITABLE << 8 | 0x304u << 16);
	ck_assert_uint_eq(c->dw[1], 1 << 8 | 2);
	ck_assert_uint_eq(c->dw[2], 5);
	c = fw_op(WEFT_OP_FW_LOG, 2, 1, 0, 0);
	ck_assert_uint_eq(c->dw[0], 99);
	ck_assert_uint_eq(c->dw[1], image_len);
	ck_assert_uint_eq(c->dw[2], BOARD);
	ck_assert_uint_eq(slot_error(3), WEFT_FWE_EMPTY);
}
END_TEST

/* Every length around a page's and a sector's end, and pieces of every size. */
START_TEST(test_lengths)
{
	static const uint32_t payloads[] = { 1, 3, 60, 61, 200, 3500, 3840, 4096, 4097 };

	power_up(0, 0, 0);
	for (uint32_t i = 0; i < sizeof(payloads) / sizeof(payloads[0]); i++)
		for (uint32_t n = 96; n > 10; n = n * 2 / 3) {
			uint32_t len = make_image(image, &(struct maker){ .payload = payloads[i] });
			uint16_t status = 0;

			for (uint32_t at = 0; at < len && !status; at += n) {
				uint32_t l = len - at < n ? len - at : n;

				status = finish(piece(3, SESSION, image, at, l, at + l == len))
						 ->status;
			}
			ck_assert_uint_eq(status, 0);
			ck_assert_mem_eq(weft_flash_data(chip) + slot_offset(3), image, len);
		}
}
END_TEST

/* The last piece may come empty. */
START_TEST(test_empty_last)
{
	power_up(0, 0, 0);
	for (uint32_t at = 0; at < image_len; at += 96) {
		uint32_t l = image_len - at < 96 ? image_len - at : 96;

		ck_assert_uint_eq(finish(piece(2, SESSION, image, at, l, false))->status, 0);
	}
	ck_assert(!holds(2)); /* the header is not there yet */
	ck_assert_uint_eq(finish(piece(2, SESSION, image, image_len, 0, true))->status, 0);
	ck_assert(holds(2));
}
END_TEST

/* At no moment before the last piece does the slot hold a valid image, old or new. */
START_TEST(test_void_on_the_way)
{
	power_up(0, 0, 0);
	put_image(2, &(struct maker){ .minor = 1 });
	ck_assert_uint_eq(slot_error(2), WEFT_FWE_SOUND);
	for (uint32_t at = 0; at + 96 < image_len; at += 96) {
		ck_assert_uint_eq(finish(piece(2, SESSION, image, at, 96, false))->status, 0);
		ck_assert_uint_eq(get_le32(weft_flash_data(chip) + slot_offset(2)), UINT32_MAX);
	}
	ck_assert_uint_eq(fw_op(WEFT_OP_FW_LOG, 2, 0, 0, 0)->dw[0] >> 8 & WEFT_FWS_WRITING,
			  WEFT_FWS_WRITING);
}
END_TEST

START_TEST(test_order)
{
	power_up(0, 0, 0);
	ck_assert_uint_eq(finish(piece(2, SESSION, image, 96, 96, false))->status, EINVAL);
	ck_assert_uint_eq(finish(piece(2, SESSION, image, 0, 96, false))->status, 0);
	ck_assert_uint_eq(finish(piece(2, SESSION, image, 192, 96, false))->status, EINVAL);
	/* that ended the session */
	ck_assert_uint_eq(finish(piece(2, SESSION, image, 96, 96, false))->status, EINVAL);
	ck_assert_uint_eq(finish(piece(2, SESSION, image, 0, 96, false))->status, 0);
	ck_assert_uint_eq(finish(piece(3, SESSION, image, 96, 96, false))->status, EINVAL);
	ck_assert_uint_eq(download(2, SESSION, image, image_len)->status, 0);
	ck_assert(holds(2));
}
END_TEST

START_TEST(test_bad_pieces)
{
	static const struct weft_arg_fw_download bad[] = {
		{ .slot = 0, .len = 96, .session = SESSION },
		{ .slot = 4, .len = 96, .session = SESSION },
		{ .slot = 255, .len = 96, .session = SESSION },
		{ .slot = 2, .len = 97, .session = SESSION },
		{ .slot = 2, .len = 0, .session = SESSION },
		{ .slot = 2, .len = 96, .session = 0 },
		{ .slot = 2, .len = 96, .session = SESSION, .flags = 0x80 },
		{ .slot = 2, .len = 96, .session = SESSION, .offset = 0xffffffff },
	};

	power_up(0, 0, 0);
	for (uint32_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_uint_eq(
			finish(begin(WEFT_OP_FW_DOWNLOAD, &bad[i], sizeof(bad[i])))->status,
			EINVAL);
	ck_assert_uint_eq(finish(piece(1, SESSION, image, 0, 96, false))->status, EROFS);
	ck_assert_uint_eq(weft_flash_steps(chip), 0);
}
END_TEST

/* More than the slot has room for, of an image that claims to be a sound one. */
START_TEST(test_oversized)
{
	static uint8_t big[SLOT_SIZE + 96];
	const struct hal_cpl *c;

	power_up(0, 0, 0);
	make_image(big, &(struct maker){ 0 });
	c = download(2, SESSION, big, sizeof(big));
	ck_assert_uint_eq(c->status, EINVAL);
	ck_assert_uint_eq(weft_flash_data(chip)[slot_offset(3)], 0xff);
	ck_assert_uint_eq(slot_error(2), WEFT_FWE_EMPTY);
}
END_TEST

START_TEST(test_unsound)
{
	static const struct {
		struct maker m;
		uint32_t error;
	} cases[] = {
		{ { .board = 8 }, WEFT_FWE_BOARD },
		{ { .key = 1 }, WEFT_FWE_KEY },
		{ { .no_signature = true }, WEFT_FWE_TLV },
		{ { .counter = 2 }, WEFT_FWE_COUNTER },
	};

	put_record(&(struct boot_record){ .active = 3, .counter = 3 });
	power_up(3, 0, 3);
	for (uint32_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint32_t len = make_image(image, &cases[i].m);
		const struct hal_cpl *c = download(2, SESSION, image, len);

		ck_assert_uint_eq(c->status, EILSEQ);
		ck_assert_uint_eq(c->dw[0], cases[i].error);
		ck_assert_uint_eq(slot_error(2), WEFT_FWE_EMPTY);
	}
}
END_TEST

/* Cut anywhere; what an older and longer image left behind it in the flash does not complete it. */
START_TEST(test_truncated)
{
	power_up(0, 0, 0);
	image_len = make_image(image, &(struct maker){ .payload = 9000 });
	put_image(2, &(struct maker){ .payload = 9000 });
	for (uint32_t len = 1; len < image_len; len += len < 300 ? 37 : 499) {
		const struct hal_cpl *c = download(2, SESSION, image, len);

		ck_assert_uint_eq(c->status, EILSEQ);
		ck_assert_uint_eq(c->dw[0], len < 4  ? WEFT_FWE_EMPTY :
					    len < 32 ? WEFT_FWE_HEADER :
						       WEFT_FWE_TLV);
		memcpy(weft_flash_data(chip) + slot_offset(2) + FLASH_SECTOR, image + FLASH_SECTOR,
		       image_len - FLASH_SECTOR);
	}
}
END_TEST

START_TEST(test_two_sessions)
{
	power_up(0, 0, 0);
	ck_assert_uint_eq(finish(piece(2, SESSION, image, 0, 96, false))->status, 0);
	ck_assert_uint_eq(finish(piece(3, 77, image, 0, 96, false))->status, EBUSY);
	ck_assert_uint_eq(finish(piece(2, 77, image, 0, 96, false))->status, EBUSY);
	ck_assert_uint_eq(finish(piece(2, 77, image, 96, 96, false))->status, EBUSY);
	ck_assert_uint_eq(fw_op(WEFT_OP_FW_COMMIT, 2, 1, 0, 0)->status, EBUSY);
	/* the first one goes on as if nothing had been */
	for (uint32_t at = 96; at < image_len; at += 96) {
		uint32_t l = image_len - at < 96 ? image_len - at : 96;

		ck_assert_uint_eq(
			finish(piece(2, SESSION, image, at, l, at + l == image_len))->status, 0);
		if (at + l < image_len)
			ck_assert_uint_eq(finish(piece(3, 77, image, 0, 96, false))->status, EBUSY);
	}
	ck_assert(holds(2));
	ck_assert_uint_eq(finish(piece(3, 77, image, 0, 96, false))->status, 0);
}
END_TEST

/* Who says nothing for half a minute is not waited for. */
START_TEST(test_idle_session)
{
	power_up(0, 0, 0);
	ck_assert_uint_eq(finish(piece(2, SESSION, image, 0, 96, false))->status, 0);
	fake_advance(29000000000ull);
	turns(2);
	ck_assert_uint_eq(finish(piece(3, 77, image, 0, 96, false))->status, EBUSY);
	fake_advance(2000000000ull);
	turns(2);
	ck_assert_uint_eq(download(3, 77, image, image_len)->status, 0);
	ck_assert(holds(3));
}
END_TEST

/* What runs and what was confirmed last may not be written; the previous one may, and is then named no more. */
START_TEST(test_places)
{
	put_image(2, &(struct maker){ 0 });
	put_image(3, &(struct maker){ 0 });
	put_record(&(struct boot_record){ .active = 2, .previous = 3, .trial = 3 });
	power_up(2, 0, 1);
	ck_assert_uint_eq(finish(piece(2, SESSION, image, 0, 96, false))->status, EPERM);
	ck_assert_uint_eq(present_record().previous, 3);
	ck_assert_uint_eq(finish(piece(3, SESSION, image, 0, 96, false))->status, 0);
	ck_assert_uint_eq(present_record().previous, 0);
	ck_assert_uint_eq(present_record().trial, 0);
	ck_assert_uint_eq(present_record().active, 2);
}
END_TEST

/* On trial neither may; where the ROM passed over the active one, it may, and what runs becomes the active one first. */
START_TEST(test_places_trial)
{
	put_record(&(struct boot_record){ .active = 2, .trial = 3, .tried = 1 });
	power_up(3, BOOT_ARG0_TRIAL, 1);
	ck_assert_uint_eq(finish(piece(2, SESSION, image, 0, 96, false))->status, EPERM);
	ck_assert_uint_eq(finish(piece(3, SESSION, image, 0, 96, false))->status, EPERM);
	put_record(&(struct boot_record){ .active = 2, .previous = 3 });
	power_up(3, BOOT_ARG0_PASSED(2), 1);
	ck_assert_uint_eq(finish(piece(3, SESSION, image, 0, 96, false))->status, EPERM);
	ck_assert_uint_eq(finish(piece(2, SESSION, image, 0, 96, false))->status, 0);
	ck_assert_uint_eq(present_record().active, 3);
	ck_assert_uint_eq(present_record().previous, 0);
}
END_TEST

/* Other admin operations, and looks at the flash, complete between the pieces while the flash works. */
START_TEST(test_interleaved)
{
	uint16_t pieces[8], nop, log;
	uint32_t echo = 0xabcd;
	struct weft_arg_fw a = { .slot = 0 };

	power_up(0, 0, 0);
	pieces[0] = piece(2, SESSION, image, 0, 96, false);
	turns(3);
	ck_assert_ptr_null(result(pieces[0])); /* the flash erases */
	nop = begin(WEFT_OP_NOP, &echo, 4);
	turns(1);
	ck_assert_ptr_nonnull(result(nop));
	ck_assert_ptr_null(result(pieces[0]));
	for (uint32_t i = 1; i < 8; i++)
		pieces[i] = piece(2, SESSION, image, 96 * i, 96, false);
	log = begin(WEFT_OP_FW_LOG, &a, sizeof(a));
	ck_assert_uint_eq(finish(log)->status, 0);
	for (uint32_t i = 0; i < 8; i++) {
		ck_assert_ptr_nonnull(result(pieces[i])); /* in order: before the look */
		ck_assert_uint_eq(result(pieces[i])->status, 0);
	}
}
END_TEST

/* IEEE CRC-32 of the nine digits is cbf43926. */
START_TEST(test_digest)
{
	const struct hal_cpl *c;

	power_up(0, 0, 0);
	memcpy(weft_flash_data(chip) + slot_offset(3) + 1000, "123456789", 9);
	c = fw_op(WEFT_OP_FW_DIGEST, 3, 0, 1000, 9);
	ck_assert_uint_eq(c->status, 0);
	ck_assert_uint_eq(c->dw[0], 0xcbf43926);
	ck_assert_uint_eq(fw_op(WEFT_OP_FW_DIGEST, 1, 0, 0, 4096)->status, 0);
	ck_assert_uint_eq(fw_op(WEFT_OP_FW_DIGEST, 3, 0, SLOT_SIZE - 4096, 4096)->status, 0);
	ck_assert_uint_eq(fw_op(WEFT_OP_FW_DIGEST, 3, 0, SLOT_SIZE - 4095, 4096)->status, EINVAL);
	ck_assert_uint_eq(fw_op(WEFT_OP_FW_DIGEST, 3, 0, 0, 0)->status, EINVAL);
	ck_assert_uint_eq(fw_op(WEFT_OP_FW_DIGEST, 3, 0, 0, 4097)->status, EINVAL);
	ck_assert_uint_eq(fw_op(WEFT_OP_FW_DIGEST, 3, 0, UINT32_MAX, 1)->status, EINVAL);
	ck_assert_uint_eq(fw_op(WEFT_OP_FW_DIGEST, 0, 0, 0, 1)->status, EINVAL);
	ck_assert_uint_eq(fw_op(WEFT_OP_FW_DIGEST, 4, 0, 0, 1)->status, EINVAL);
}
END_TEST

START_TEST(test_read)
{
	const struct hal_cpl *c;

	power_up(0, 0, 0);
	memcpy(weft_flash_data(chip) + slot_offset(2) + SLOT_SIZE - 12,
	       "\1\2\3\4\5\6\7\x8\x9\xa\xb\xc", 12);
	c = fw_op(WEFT_OP_FW_READ, 2, 0, SLOT_SIZE - 12, 0);
	ck_assert_uint_eq(c->status, 0);
	ck_assert_uint_eq(c->dw[0], 0x04030201);
	ck_assert_uint_eq(c->dw[2], 0x0c0b0a09);
	ck_assert_uint_eq(fw_op(WEFT_OP_FW_READ, 2, 0, SLOT_SIZE - 11, 0)->status, EINVAL);
	ck_assert_uint_eq(fw_op(WEFT_OP_FW_READ, 9, 0, 0, 0)->status, EINVAL);
}
END_TEST

START_TEST(test_log)
{
	const struct hal_cpl *c;

	put_record(&(struct boot_record){
		.active = 2, .previous = 3, .failed = 3, .why = 18, .counter = 4 });
	power_up(2, BOOT_ARG0_WATCHDOG | BOOT_ARG0_PASSED(3), 4);
	c = fw_op(WEFT_OP_FW_LOG, 0, 0, 0, 0);
	ck_assert_uint_eq(c->dw[0], 2 | 2 << 8 | 3 << 16);
	ck_assert_uint_eq(c->dw[1],
			  3 << 8 | 18 << 16 | (uint32_t)(WEFT_FWF_WATCHDOG | WEFT_FWF_ROM) << 24);
	ck_assert_uint_eq(c->dw[2], 4);
	ck_assert_uint_eq(fw_op(WEFT_OP_FW_LOG, 3, 0, 0, 0)->dw[0] >> 8 & 0xff,
			  WEFT_FWS_PREVIOUS | WEFT_FWS_WRITABLE | WEFT_FWS_UNSOUND);
	ck_assert_uint_eq(fw_op(WEFT_OP_FW_LOG, 2, 0, 0, 0)->dw[0] >> 8 & 0xff,
			  WEFT_FWS_ACTIVE | WEFT_FWS_RUNNING);
	c = fw_op(WEFT_OP_FW_LOG, 0, 1, 0, 0);
	ck_assert_uint_eq(c->dw[0], BOARD);
	ck_assert_mem_eq(&c->dw[1], fake_boot.key_hash, 8);
	ck_assert_mem_eq(fw_op(WEFT_OP_FW_LOG, 0, 3, 0, 0)->dw, fake_boot.key_hash + 20, 12);
	ck_assert_uint_eq(fw_op(WEFT_OP_FW_LOG, 0, 4, 0, 0)->status, EINVAL);
	ck_assert_uint_eq(fw_op(WEFT_OP_FW_LOG, 4, 0, 0, 0)->status, EINVAL);
	ck_assert_uint_eq(fw_op(WEFT_OP_FW_LOG, 1, 2, 0, 0)->status, EINVAL);
}
END_TEST

void tests_update(Suite *s)
{
	TCase *t = tcase_create("update");

	tcase_add_checked_fixture(t, setup, rig_end);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, test_download);
	tcase_add_test(t, test_lengths);
	tcase_add_test(t, test_empty_last);
	tcase_add_test(t, test_void_on_the_way);
	tcase_add_test(t, test_order);
	tcase_add_test(t, test_bad_pieces);
	tcase_add_test(t, test_oversized);
	tcase_add_test(t, test_unsound);
	tcase_add_test(t, test_truncated);
	tcase_add_test(t, test_two_sessions);
	tcase_add_test(t, test_idle_session);
	tcase_add_test(t, test_places);
	tcase_add_test(t, test_places_trial);
	tcase_add_test(t, test_interleaved);
	tcase_add_test(t, test_digest);
	tcase_add_test(t, test_read);
	tcase_add_test(t, test_log);
	suite_add_tcase(s, t);
}
