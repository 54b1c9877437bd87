/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * weft list and doctor where the adapter itself is asked: B0 of the machine made of files is with
 * vfio-pci, and what is opened for it is the driver's fake adapter.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../driver/fake.h"
#include "pci_test.h"
#include "tree.h"

static struct fake *f;
static char sock[64], out[65536];

void holds(const char *text, const char *part)
{
	ck_assert_msg(strstr(text, part) != NULL, "no \"%s\" in: %s", part, text);
}

static void set_up(void)
{
	char spec[80];

	tree_begin();
	tree_file("sys/bus/pci/drivers/vfio-pci/unbind", "");
	tree_link("sys/bus/pci/devices/" B0 "/driver", "../../drivers/vfio-pci");
	snprintf(sock, sizeof(sock), "/tmp/weft-ask-%d.sock", (int)getpid());
	snprintf(spec, sizeof(spec), "vfio-user:%s", sock);
	setenv("WEFT_PCI_OPEN", spec, 1);
	f = fake_new_eager();
}

static void tear_down(void)
{
	fake_free(f);
	tree_end();
}

/* The exit status; out holds what was printed. */
static int weft(const char *args)
{
	struct fake_vu *srv = fake_vu_start(f, sock, VU_OK);
	char line[256];
	int status;
	size_t n;
	FILE *p;

	snprintf(line, sizeof(line), "build/weft %s 2>&1", args);
	p = popen(line, "r");
	ck_assert_ptr_nonnull(p);
	n = fread(out, 1, sizeof(out) - 1, p);
	out[n] = '\0';
	status = pclose(p);
	fake_vu_stop(srv);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

START_TEST(list_shows_the_firmware)
{
	tree_remove("sys/bus/pci/devices/" A0);
	ck_assert_int_eq(weft("list"), 0);
	holds(out, "address          : " B0 "\n");
	holds(out, "running        : ");
	ck_assert_msg(!strstr(out, "running        : -"), "%s", out);
	holds(out, "network_link   : up");
}
END_TEST

START_TEST(list_says_why_not)
{
	tree_remove("sys/bus/pci/devices/" A0);
	f->fw_dead = true;
	ck_assert_int_eq(weft("list"), 0);
	holds(out, "running        : -");
	holds(out, "why            : the adapter's firmware is dead");
}
END_TEST

START_TEST(doctor_compares_the_interface)
{
	weft("doctor " B0);
	holds(out, "ok    " B0 " firmware");
	f->version = WEFT_VERSION_MAJOR << 16 | (WEFT_VERSION_MINOR + 1);
	weft("doctor " B0);
	holds(out, "warn  " B0 " firmware");
	f->version = (WEFT_VERSION_MAJOR + 1) << 16;
	ck_assert_int_eq(weft("doctor " B0), 1);
	holds(out, "fail  " B0 " firmware");
	holds(out, "mend: driver and firmware of one version");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ask");
	TCase *c = tcase_create("ask");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_set_timeout(c, 30);
	tcase_add_test(c, list_shows_the_firmware);
	tcase_add_test(c, list_says_why_not);
	tcase_add_test(c, doctor_compares_the_interface);
	suite_add_tcase(s, c);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
