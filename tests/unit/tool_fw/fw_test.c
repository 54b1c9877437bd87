/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * weft fw as a user runs it: a process of its own, over vfio-user, with one fake adapter or two behind, and images that weft
 * image made. (Two adapters share the fake's flash: what one of them is told, both are.)
 */
#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fake.h"
#include "fake_fw.h"

#define SOUND(state) (WEFT_FWE_SOUND | (uint32_t)(state) << 8)

static struct fake *f[2];
static char dir[64], out[65536];
static unsigned int adapters; /* that the next command is given */

static int shell(const char *fmt, ...)
{
	char line[2048];
	size_t n;
	FILE *p;
	va_list ap;
	int status;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	p = popen(line, "r");
	ck_assert_ptr_nonnull(p);
	n = fread(out, 1, sizeof(out) - 1, p);
	out[n] = '\0';
	status = pclose(p);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* Runs the command line behind "weft fw", without a terminal. */
static int weft_fw(const char *fmt, ...)
{
	struct fake_vu *srv[2] = { NULL, NULL };
	char args[512], devices[256] = "", sock[96];
	va_list ap;
	int rc;

	va_start(ap, fmt);
	vsnprintf(args, sizeof(args), fmt, ap);
	va_end(ap);
	for (unsigned int i = 0; i < adapters; i++) {
		size_t n = strlen(devices);

		snprintf(sock, sizeof(sock), "%s/sock%u", dir, i);
		srv[i] = fake_vu_start(f[i], sock, VU_OK);
		snprintf(devices + n, sizeof(devices) - n, " --device vfio-user:%s", sock);
	}
	rc = shell("cd %s && %s/build/weft fw %s %s 2>&1 </dev/null", dir, getenv("PWD"), args,
		   devices);
	for (unsigned int i = 0; i < adapters; i++)
		fake_vu_stop(srv[i]);
	return rc;
}

static void has(const char *text)
{
	ck_assert_msg(strstr(out, text) != NULL, "no \"%s\" in: %s", text, out);
}

static void make_images(void)
{
	unsigned int b;
	const char *hash;

	ck_assert_int_eq(
		shell("exec 2>&1; set -e; w=$PWD/build/weft; cd %s; $w image keygen --key k --pub p; "
		      "$w image keygen --key k2 --pub p2; head -c 20000 /dev/urandom >raw; "
		      "for i in 'a 1 5' 'board 2 5' 'old 1 2'; do set -- $i; "
		      "$w image create --fw raw --version 1.2.3+4 --board $2 --counter $3 -o $1.bin; "
		      "$w image sign --key k $1.bin $1.img; done; "
		      "$w image sign --key k2 a.bin key.img; head -c 9000 a.img >short.img; "
		      "$w image keyhash p",
		      dir),
		0);
	hash = strrchr(out, '\n') - 64; /* the last line */
	for (unsigned int i = 0; i < 32; i++) {
		ck_assert_int_eq(sscanf(hash + 2 * i, "%2x", &b), 1);
		fake_fw.adapter[1 + i / 4] |= b << i % 4 * 8;
	}
}

/* Board 1, counter 3; slot 2 runs and is active, slot 3 is free. */
static void set_up(void)
{
	memset(&fake_fw, 0, sizeof(fake_fw));
	snprintf(dir, sizeof(dir), "/tmp/weft-fw-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	f[0] = fake_new_eager();
	f[1] = fake_new_eager();
	adapters = 1;
	fake_fw.told = true;
	fake_fw.adapter[0] = 1;
	fake_fw.record[0] = 2 | 2 << 8;
	fake_fw.record[1] = (uint32_t)WEFT_FWF_ROM << 24;
	fake_fw.record[2] = 3;
	fake_fw.slots[1][0][0] = SOUND(0);
	fake_fw.slots[1][0][1] = 1 << 8;
	fake_fw.slots[2][0][0] = SOUND(WEFT_FWS_RUNNING | WEFT_FWS_ACTIVE) | 7 << 16;
	fake_fw.slots[2][0][1] = 1 << 8 | 1;
	fake_fw.slots[3][0][0] = WEFT_FWE_EMPTY | WEFT_FWS_WRITABLE << 8;
	fake_fw.commit_next = 3;
	make_images();
}

static void tear_down(void)
{
	shell("rm -r %s", dir);
	for (unsigned int i = 0; i < 2; i++) {
		ck_assert_uint_eq(f[i]->violations, 0);
		fake_free(f[i]);
	}
}

START_TEST(tells)
{
	ck_assert_int_eq(weft_fw("log"), 0);
	has("board 1, security counter 3");
	has("slot 2  1.1.7+0");
	has("running, active");
	has("slot 3  no image");
	ck_assert_int_eq(weft_fw("log -o json"), 0);
	has("\"version\": \"1.1.7+0\"");
	has("\"running\": 2");
	has("\"ok\": true");
	fake_fw.record[0] = 3 | 2 << 8;
	fake_fw.record[1] |= (uint32_t)WEFT_FWF_TRIAL << 24 | 2 << 8 | WEFT_FWE_WATCHDOG << 16;
	ck_assert_int_eq(weft_fw("log"), 0);
	has("slot 3 is on trial");
	has("slot 2, failed: the watchdog");
}
END_TEST

START_TEST(downloads)
{
	ck_assert_int_eq(weft_fw("download --fw a.img -y"), 0);
	has("in slot 3, read back and compared");
	has("running 1.1.7+0 (slot 2)");
	ck_assert(fake_fw.whole);
	ck_assert_int_eq(weft_fw("verify --fw a.img --slot 3"), 0);
	has("slot 3 holds a.img");
	fake_fw.slot[3][5000] ^= 4;
	ck_assert_int_eq(weft_fw("verify --fw a.img --slot 3"), 1);
	has("0x1000 to 0x1fff");
}
END_TEST

/* Nothing is written without a yes, and there is nobody to say it. */
START_TEST(asks)
{
	ck_assert_int_eq(weft_fw("download --fw a.img"), 1);
	has("nobody can be asked: -y");
	has("nothing was written");
	ck_assert_int_eq(weft_fw("commit --slot 3"), 1);
	ck_assert_int_eq(weft_fw("confirm"), 1);
	ck_assert_uint_eq(fake_fw.pieces, 0);
}
END_TEST

START_TEST(refuses_images)
{
	static const char *const cases[][2] = {
		{ "board.img", "BOARD" },  { "key.img", "KEY" },       { "old.img", "COUNTER" },
		{ "a.bin", "not signed" }, { "short.img", "cut off" }, { "raw", "EMPTY" },
	};

	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ck_assert_int_eq(weft_fw("download -y --fw %s", cases[i][0]), 1);
		has(cases[i][0]);
		has("refused");
		has(cases[i][1]);
	}
	ck_assert_int_eq(weft_fw("download -y --fw nothing.img"), 1);
	has("nothing.img");
	ck_assert_uint_eq(fake_fw.pieces, 0);
}
END_TEST

START_TEST(refuses_places)
{
	ck_assert_int_eq(weft_fw("download -y --fw a.img --slot 1"), 1);
	has("golden");
	ck_assert_int_eq(weft_fw("download -y --fw a.img --slot 2"), 1);
	has("slot 2 runs");
	fake_fw.slots[3][0][0] = WEFT_FWE_EMPTY;
	ck_assert_int_eq(weft_fw("download -y --fw a.img"), 1);
	has("no slot is free");
	ck_assert_int_eq(weft_fw("commit -y --slot 3"), 1);
	has("no image");
	ck_assert_int_eq(weft_fw("commit -y --slot 1"), 1);
	has("golden");
	ck_assert_int_eq(weft_fw("commit -y --slot 2 --action 3"), 1);
	has("by a reset");
	ck_assert_int_eq(weft_fw("rollback -y"), 1);
	has("no previous");
	ck_assert_uint_eq(fake_fw.pieces, 0);
}
END_TEST

START_TEST(wrong_usage)
{
	static const char *const lines[] = {
		"",
		"frob",
		"log more",
		"download -y",
		"commit -y",
		"verify",
		"verify --slot 3",
		"commit --slot 4",
		"log --slot x",
		"log -o xml",
		"commit --action 99",
	};

	for (unsigned int i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		ck_assert_msg(weft_fw("%s", lines[i]) == 2, "%s: %s", lines[i], out);
	ck_assert_int_eq(shell("env -u WEFT_DEVICE build/weft fw log 2>&1"), 2);
	has("which device?");
	ck_assert_int_eq(weft_fw("--help"), 0);
	has("rollback");
}
END_TEST

START_TEST(commits_and_confirms)
{
	fake_fw.slots[3][0][0] = SOUND(WEFT_FWS_WRITABLE);
	ck_assert_int_eq(weft_fw("commit -y --slot 3"), 0);
	has("the next reset tries slot 3");
	ck_assert_uint_eq(fake_fw.last_action, WEFT_FWA_REPLACE_ACTIVATE);
	ck_assert_int_eq(weft_fw("commit -y -s 3 -a 2"), 0);
	ck_assert_uint_eq(fake_fw.last_action, WEFT_FWA_ACTIVATE);
	fake_fw.record[0] = 2 | 2 << 8 | 3u << 24;
	ck_assert_int_eq(weft_fw("confirm -y"), 1); /* before the reset */
	has("not started yet");
	fake_fw.record[0] = 3 | 2 << 8 | 2 << 16;
	fake_fw.confirmed = 1;
	ck_assert_int_eq(weft_fw("confirm -y"), 0);
	has("slot 3 is the active one now");
	fake_fw.commit_next = 2;
	ck_assert_int_eq(weft_fw("rollback -y"), 0);
	has("tries slot 2");
}
END_TEST

START_TEST(several)
{
	adapters = 2;
	ck_assert_int_eq(weft_fw("download -y --fw a.img"), 0);
	has("device");
	has("sock0  ok");
	has("sock1  ok");
	/* one of them cannot: neither is written */
	f[1]->fw_dead = true;
	fake_fw.pieces = 0;
	ck_assert_int_eq(weft_fw("download -y --fw a.img"), 1);
	has("sock0  failed  not begun: nothing was written");
	has("sock1  failed  cannot be opened");
	ck_assert_uint_eq(fake_fw.pieces, 0);
	ck_assert_int_eq(weft_fw("log -o json"), 1); /* what can be told is told */
	has("\"ok\": true");
	has("\"ok\": false");
}
END_TEST

START_TEST(flash_fails)
{
	/* after the nine pages of the log, in the midst of the pieces */
	fake_fw.fail_at = 60;
	fake_fw.fail_errno = 5;
	fake_fw.fail_dw = 0x81234;
	ck_assert_int_eq(weft_fw("download -y --fw a.img"), 1);
	has("0x081234");
	fake_fw.absent = true;
	ck_assert_int_eq(weft_fw("log"), 1);
	has("no flash");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("weft fw");
	TCase *t = tcase_create("fw");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_set_timeout(t, 120);
	tcase_add_test(t, tells);
	tcase_add_test(t, downloads);
	tcase_add_test(t, asks);
	tcase_add_test(t, refuses_images);
	tcase_add_test(t, refuses_places);
	tcase_add_test(t, wrong_usage);
	tcase_add_test(t, commits_and_confirms);
	tcase_add_test(t, several);
	tcase_add_test(t, flash_fails);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
