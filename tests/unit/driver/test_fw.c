/* SPDX-License-Identifier: BSD-2-Clause */
/* weft/fw.h over the fake adapter. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weft/fw.h>

#include "fake.h"
#include "fake_fw.h"

static struct fake *f;
static struct weft_dev *dev;
static uint8_t image[10000];

static void setup(void)
{
	const struct weft_dev_params hasty = { .timeout_ms = 50 };

	memset(&fake_fw, 0, sizeof(fake_fw));
	for (size_t i = 0; i < sizeof(image); i++)
		image[i] = (uint8_t)(i * 31 + (i >> 8));
	f = fake_new();
	ck_assert_int_eq(weft_dev_open(&f->bus, &hasty, &dev), 0);
}

static void teardown(void)
{
	weft_dev_close(dev);
	ck_assert_uint_eq(f->violations, 0);
	fake_free(f);
}

static void said(int rc, int want, const char *text)
{
	ck_assert_int_eq(rc, want);
	ck_assert_msg(strstr(weft_last_error(), text) != NULL, "\"%s\" not in \"%s\"", text,
		      weft_last_error());
}

struct seen {
	uint32_t done, total;
	unsigned int calls;
};

static void progress(void *arg, uint32_t done, uint32_t total)
{
	struct seen *s = arg;

	ck_assert_uint_ge(done, s->done);
	ck_assert_uint_le(done, total);
	s->done = done;
	s->total = total;
	s->calls++;
}

START_TEST(downloads_and_verifies)
{
	static const size_t lens[] = { 1, 95, 96, 97, 4096, sizeof(image) };
	struct seen s;

	for (unsigned int i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		s = (struct seen){ 0 };
		ck_assert_int_eq(weft_fw_download(dev, 3, image, lens[i], progress, &s), 0);
		ck_assert(fake_fw.whole);
		ck_assert_uint_eq(fake_fw.pos, lens[i]);
		ck_assert_mem_eq(fake_fw.slot[3], image, lens[i]);
		ck_assert_uint_eq(s.done, lens[i]);
		ck_assert_uint_eq(s.total, lens[i]);
		ck_assert_int_eq(weft_fw_verify(dev, 3, image, lens[i], NULL, NULL), 0);
	}
	fake_fw.slot[3][4096 + 17] ^= 1;
	said(weft_fw_verify(dev, 3, image, sizeof(image), NULL, NULL), -EBADMSG,
	     "0x1000 to 0x1fff");
	said(weft_fw_verify(dev, 2, image, 5, NULL, NULL), -EBADMSG, "slot 2");
}
END_TEST

/* Each session is another one. */
START_TEST(sessions_differ)
{
	uint32_t first;

	ck_assert_int_eq(weft_fw_download(dev, 2, image, 96, NULL, NULL), 0);
	first = fake_fw.session;
	ck_assert_int_eq(weft_fw_download(dev, 2, image, 96, NULL, NULL), 0);
	ck_assert_uint_ne(fake_fw.session, first);
	ck_assert_uint_ne(first, 0);
}
END_TEST

/* The first error counts, not those of the pieces behind it; nothing more is sent. */
START_TEST(tells_the_first_error)
{
	static const struct {
		uint16_t err;
		uint32_t dw;
		const char *text;
	} cases[] = {
		{ EROFS, 0, "golden" },
		{ EPERM, 0, "confirmed last" },
		{ EBUSY, 0, "another download" },
		{ EILSEQ, WEFT_FWE_BOARD, "another board" },
		{ EILSEQ, WEFT_FWE_COUNTER, "older security counter" },
		{ EIO, 0x80123, "0x080123" },
		{ EINVAL, 0, "refused the request" },
		{ EOPNOTSUPP, 0, "cannot do that" },
	};

	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fake_fw.fail_errno = cases[i].err;
		fake_fw.fail_dw = cases[i].dw;
		fake_fw.fail_at = 20;
		fake_fw.pieces = 0;
		said(weft_fw_download(dev, 3, image, sizeof(image), NULL, NULL), -cases[i].err,
		     cases[i].text);
		ck_assert_uint_eq(fake_fw.pieces, 19);
	}
	ck_assert_int_eq(weft_fw_download(dev, 3, image, sizeof(image), NULL, NULL), 0);
}
END_TEST

START_TEST(refuses_nonsense)
{
	unsigned int ops = fake_fw.ops;

	said(weft_fw_download(dev, 0, image, 1, NULL, NULL), -EINVAL, "slot 0");
	said(weft_fw_download(dev, 4, image, 1, NULL, NULL), -EINVAL, "slot 4");
	said(weft_fw_download(dev, 258, image, 1, NULL, NULL), -EINVAL, "slot 258");
	said(weft_fw_download(dev, 2, image, 0, NULL, NULL), -EINVAL, "0 bytes");
	said(weft_fw_download(dev, 2, image, WEFT_FW_SLOT_SIZE + 1, NULL, NULL), -EINVAL, "bytes");
	said(weft_fw_verify(dev, 2, image, WEFT_FW_SLOT_SIZE + 1, NULL, NULL), -EINVAL, "bytes");
	said(weft_fw_read(dev, 2, WEFT_FW_SLOT_SIZE, image, 1), -EINVAL, "bytes");
	said(weft_fw_commit(dev, 2, 4, NULL), -EINVAL, "action 4");
	said(weft_fw_commit(dev, 2, 3, NULL), -EOPNOTSUPP, "reset");
	said(weft_fw_commit(dev, 9, 1, NULL), -EINVAL, "slot 9");
	ck_assert_uint_eq(fake_fw.ops, ops);
}
END_TEST

START_TEST(reads)
{
	uint8_t buf[40];

	memcpy(fake_fw.slot[1] + WEFT_FW_SLOT_SIZE - 40, image, 40);
	for (size_t len = 0; len <= 40; len++) {
		ck_assert_int_eq(
			weft_fw_read(dev, 1, (uint32_t)(WEFT_FW_SLOT_SIZE - len), buf, len), 0);
		ck_assert_mem_eq(buf, image + 40 - len, len);
	}
}
END_TEST

START_TEST(tells_what_is_there)
{
	struct weft_fw_info i;

	fake_fw.record[0] = 3 | 2u << 8 | 3u << 16 | 0u << 24;
	fake_fw.record[1] = 1 | 2u << 8 | 18u << 16 |
			    (uint32_t)(WEFT_FWF_TRIAL | WEFT_FWF_ROM) << 24;
	fake_fw.record[2] = 9;
	ck_assert_int_eq(weft_fw_log(dev, &i), 0);
	ck_assert_uint_eq(i.running, 3);
	ck_assert_uint_eq(i.active, 2);
	ck_assert_uint_eq(i.previous, 3);
	ck_assert_uint_eq(i.next, 0);
	ck_assert_uint_eq(i.failed, 2);
	ck_assert_uint_eq(i.why, WEFT_FWE_WATCHDOG);
	ck_assert(i.on_trial && i.rom && !i.watchdog && !i.no_record);
	ck_assert_uint_eq(i.counter, 9);
	ck_assert_uint_eq(i.board, 0);
	ck_assert_uint_eq(i.key_hash[0], 0x11);
	ck_assert_uint_eq(i.key_hash[31], 0x88);
	ck_assert_uint_eq(i.slot[1].revision, 0x0202); /* slot 2: dw0 02020000 */
	ck_assert_uint_eq(i.slot[1].minor, 1);
	ck_assert_uint_eq(i.slot[2].size, 0x03030101);
}
END_TEST

START_TEST(commits_and_confirms)
{
	uint8_t next = 0;
	bool changed;

	fake_fw.commit_next = 3;
	ck_assert_int_eq(weft_fw_commit(dev, 3, WEFT_FWA_ACTIVATE, &next), 0);
	ck_assert_uint_eq(next, 3);
	ck_assert_uint_eq(fake_fw.last_action, WEFT_FWA_ACTIVATE);
	ck_assert_int_eq(weft_fw_confirm(dev, &changed), 0);
	ck_assert(!changed);
	fake_fw.confirmed = 1;
	ck_assert_int_eq(weft_fw_confirm(dev, &changed), 0);
	ck_assert(changed);
	fake_fw.fail_at = 1;
	fake_fw.fail_errno = ENOENT;
	said(weft_fw_rollback(dev, &next), -ENOENT, "no previous");
	fake_fw.fail_at = 1;
	fake_fw.fail_errno = EIO;
	fake_fw.fail_dw = 0xc0000;
	said(weft_fw_confirm(dev, NULL), -EIO, "boot record");
}
END_TEST

START_TEST(no_flash_and_no_device)
{
	struct weft_fw_info i;

	fake_fw.absent = true;
	said(weft_fw_log(dev, &i), -ENODEV, "no flash");
	said(weft_fw_download(dev, 2, image, 500, NULL, NULL), -ENODEV, "no flash");
	f->keep_admin = true;
	said(weft_fw_download(dev, 2, image, 500, NULL, NULL), -ETIMEDOUT, "piece at byte 0");
	f->keep_admin = false;
	f->gone = true;
	said(weft_fw_log(dev, &i), -ENODEV, "gone");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("fw");
	TCase *t = tcase_create("fw");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, downloads_and_verifies);
	tcase_add_test(t, sessions_differ);
	tcase_add_test(t, tells_the_first_error);
	tcase_add_test(t, refuses_nonsense);
	tcase_add_test(t, reads);
	tcase_add_test(t, tells_what_is_there);
	tcase_add_test(t, commits_and_confirms);
	tcase_add_test(t, no_flash_and_no_device);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
