/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The weft command as a user runs it: a process of its own, over vfio-user, with the fake adapter
 * and its disk behind.
 */
#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fake.h"
#include "fake_fc.h"

#define TARGET "-a 10.0.0.2 -s 4420 -n nqn.2014-08.org.demo:t1"

static struct fake *f;
static char sock[64], file[64], out[65536];

static void set_up(void)
{
	snprintf(sock, sizeof(sock), "/tmp/weft-tool-%d.sock", (int)getpid());
	snprintf(file, sizeof(file), "/tmp/weft-tool-%d.data", (int)getpid());
	f = fake_new_eager();
}

static void tear_down(void)
{
	unlink(file);
	ck_assert_uint_eq(f->violations, 0);
	fake_free(f);
}

/* Runs the command line behind "weft" and returns its exit status; out holds what it printed. */
static int weft(const char *fmt, ...)
{
	struct fake_vu *srv = fake_vu_start(f, sock, VU_OK);
	char args[1024], line[1400];
	const char *tool = getenv("WEFT_TOOL");
	size_t n;
	FILE *p;
	va_list ap;
	int status;

	va_start(ap, fmt);
	vsnprintf(args, sizeof(args), fmt, ap);
	va_end(ap);
	snprintf(line, sizeof(line), "%s --device vfio-user:%s %s 2>&1", tool ? tool : "build/weft",
		 sock, args);
	p = popen(line, "r");
	ck_assert_ptr_nonnull(p);
	n = fread(out, 1, sizeof(out) - 1, p);
	out[n] = '\0';
	status = pclose(p);
	fake_vu_stop(srv);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void has(const char *text)
{
	ck_assert_msg(strstr(out, text) != NULL, "no \"%s\" in: %s", text, out);
}

static void put_file(const uint8_t *p, size_t n)
{
	FILE *w = fopen(file, "wb");

	ck_assert_uint_eq(fwrite(p, 1, n, w), n);
	fclose(w);
}

static size_t get_file(uint8_t *p, size_t max)
{
	FILE *r = fopen(file, "rb");
	size_t n = fread(p, 1, max, r);

	fclose(r);
	return n;
}

START_TEST(discovers_and_identifies)
{
	ck_assert_int_eq(weft("discover -t tcp -a 10.0.0.2 -s 8009 -w 10.0.0.1 --mtu 9000"), 0);
	has("nqn.2014-08.org.demo:t1");
	ck_assert_uint_eq(f->port.ip, 0x0a000001);
	ck_assert_uint_eq(f->port.mask, 0xffffff00);
	ck_assert_uint_eq(f->port.mtu, 9000);
	ck_assert_int_eq(weft("discover -a 10.0.0.2 -o json"), 0);
	has("\"subnqn\": \"nqn.2014-08.org.demo:t1\"");
	ck_assert_int_eq(weft("id-ctrl %s -g -G", TARGET), 0);
	has("sn                 : FAKE0001\n");
	ck_assert_int_eq(weft("id-ns --nsid 1 -r 'trtype:tcp traddr:10.0.0.2 "
			      "trsvcid:4420 subnqn:nqn.2014-08.org.demo:t1'"),
			 0);
	has("nsze               : 16384\n");
	ck_assert_int_eq(weft("list %s", TARGET), 0);
	has("block_size");
	ck_assert_int_eq(weft("list-ns %s -o json", TARGET), 0);
	has("1");
	ck_assert_int_eq(weft("connect-test %s -i 3 -G -o json", TARGET), 0);
	has("\"io_queues\": 3");
	has("\"data_digest\": true");
	ck_assert_int_eq(weft("smart-log %s", TARGET), 0);
	has("temperature        : 300");
	ck_assert_int_eq(weft("get-log %s --log-id 2 -l 16", TARGET), 0);
	has("0000: 00 2c 01 64");
	ck_assert_int_eq(weft("get-feature %s -f 0x0f -k 7", TARGET), 0);
	has("value              : 7000");
	ck_assert_int_eq(weft("info"), 0);
	has("10.0.0.1");
	ck_assert_int_eq(weft("stats"), 0);
	has("sqe_fetched");
	fake_fwlog(f, "hello from the core\n");
	ck_assert_int_eq(weft("log"), 0);
	has("hello from the core\n");
}
END_TEST

START_TEST(writes_and_reads_files)
{
	static uint8_t a[300000], b[400000];
	size_t i;

	for (i = 0; i < sizeof(a); i++)
		a[i] = (uint8_t)(i * 2654435761u >> 13);
	put_file(a, sizeof(a));
	ck_assert_int_eq(weft("write %s -g -G --start-block 7 --data %s", TARGET, file), 0);
	ck_assert_mem_eq(f->disk + 7 * 512, a, sizeof(a));
	put_file(a, 1);
	ck_assert_int_eq(weft("read %s --start-block 7 --data-size %zu --data %s", TARGET,
			      sizeof(a), file),
			 0);
	ck_assert_uint_eq(get_file(b, sizeof(b)), sizeof(a));
	ck_assert_mem_eq(a, b, sizeof(a));
	ck_assert_int_eq(weft("write-zeroes %s --start-block 7 -c 0", TARGET), 0);
	ck_assert_uint_eq(f->disk[7 * 512] | f->disk[8 * 512 - 1], 0);
	ck_assert_uint_eq(f->disk[8 * 512], a[512]);
	ck_assert_int_eq(weft("flush %s", TARGET), 0);
}
END_TEST

START_TEST(does_the_whole_job)
{
	ck_assert_int_eq(weft("run --data-size 4M --seed 5"), 0);
	has("data digest on");
	has("verified           : true");
	ck_assert_int_eq(weft("run --data-size 1M -o json"), 0);
	has("\"verified\": true");
	f->flipped_reads = 1;
	ck_assert_int_eq(weft("run --data-size 1M"), 1);
	has("not what was written");
	has("verified           : false");
	f->fail_opcode = 2;
	f->fail_sct_sc = 0x4281;
	f->fail_times = 1;
	ck_assert_int_eq(weft("run --data-size 1M"), 1);
	has("Unrecovered Read");
}
END_TEST

START_TEST(measures_and_verifies)
{
	ck_assert_int_eq(
		weft("perf %s -q 8 -o 4096 -w randrw -M 70 --count 2000 --range 1M --verify -o 4k",
		     TARGET),
		0);
	has("mismatches         : 0");
	has("p99");
	ck_assert_int_eq(weft("perf %s -q 4 -o 64k -w write -t 0.2 --output-format json", TARGET),
			 0);
	has("\"errors\": 0");
	f->flipped_reads = 1;
	ck_assert_int_eq(weft("perf %s -w randread --count 100 --range 1M --verify", TARGET), 1);
	has("mismatches         : 1");
	f->fail_opcode = 2;
	f->fail_sct_sc = 0x4080;
	f->fail_times = 1;
	ck_assert_int_eq(weft("perf %s -w randread --count 10", TARGET), 1);
	has("LBA Out of Range");
}
END_TEST

/* Lines that are wrong: exit status 2 and a sentence. */
static const struct {
	const char *args;
	const char *word;
} wrong[] = {
	{ "", "usage" },
	{ "fly", "fly" },
	{ "discover extra", "extra" },
	{ "discover -a 10.0.0", "10.0.0" },
	{ "discover -a 10.0.0.2 -s 0", "trsvcid" },
	{ "discover -a 10.0.0.2 -t rdma", "rdma" },
	{ "discover -a 10.0.0.2 --mtu 100", "MTU" },
	{ "discover -a 10.0.0.2 --mac 01:00:00:00:00:00", "MAC" },
	{ "discover -a 10.0.0.2 --ip 10.0.0.1/33", "netmask" },
	{ "id-ctrl -n iqn.x", "iqn.x" },
	{ "perf -w sideways -q 0", "depth" },
	{ "read --no-such-option", "no-such-option" },
	{ "read -z 5X", "5X" },
};

START_TEST(wrong_usage_is_explained)
{
	ck_assert_int_eq(weft("%s", wrong[_i].args), 2);
	has(wrong[_i].word);
}
END_TEST

START_TEST(errors_are_told)
{
	ck_assert_int_eq(weft("discover"), 1);
	has("which target");
	ck_assert_int_eq(weft("id-ctrl -a 10.0.0.2 -n nqn.2014-08.org.demo:none"), 1);
	has("no such subsystem");
	ck_assert_int_eq(weft("read %s --start-block 16384", TARGET), 1);
	has("outside");
	ck_assert_int_eq(weft("write %s --data /nonexistent/file", TARGET), 1);
	has("/nonexistent/file");
	ck_assert_int_eq(weft("read %s --data /nonexistent/file", TARGET), 1);
	has("/nonexistent/file");
	f->connect_errno = 111;
	ck_assert_int_eq(weft("id-ctrl %s", TARGET), 1);
	has("Connection refused");
	f->connect_errno = 0;
	ck_assert_int_eq(
		system("build/weft info --device vfio-user:/nonexistent/sock 2>/dev/null") >> 8, 1);
	ck_assert_int_eq(weft("--help"), 0);
	has("usage");
}
END_TEST

#define FC_TARGET "nn-0x20000000c9000001:pn-0x21000000c9000001"

START_TEST(an_fc_port_that_is_not_there_is_named)
{
	struct fake *other = fake_new();

	fake_fc_join(f, other);
	ck_assert_int_eq(weft("discover -t fc -a " FC_TARGET " --timeout 1"), 1);
	has("no MAC address"); /* the fake */
	ck_assert_int_eq(weft("discover -t fc -a " FC_TARGET " --timeout 1 -w "
			      "nn-0x20000000c9000002:pn-0x21000000c9000002"),
			 1);
	has("port " FC_TARGET ": not logged in to within 1 s; our port is without link");
	ck_assert_int_eq(weft("run -a " FC_TARGET " --timeout 1 --fc native -w "
			      "nn-0x20000000c9000002:pn-0x21000000c9000002"),
			 1);
	has("without link");
	fake_free(other);
}
END_TEST

START_TEST(addresses_must_fit_the_transport)
{
	ck_assert_int_eq(weft("discover -t fc -a 10.0.0.2"), 2);
	has("nn-0x<16 digits>");
	ck_assert_int_eq(weft("discover -a " FC_TARGET " -t tcp"), 2);
	has("IPv4");
	ck_assert_int_eq(weft("discover -t tcp -a " FC_TARGET), 2);
	has("IPv4");
	ck_assert_int_eq(weft("discover -t fc -a nn-0x1:pn-0x2"), 2);
	has("traddr: \"nn-0x1:pn-0x2\" is no name of an FC port");
	ck_assert_int_eq(weft("discover -w 10.0.0.1 -a " FC_TARGET), 2);
	has("our own address (--host-traddr) over FC is nn-0x");
	ck_assert_int_eq(weft("discover -a 10.0.0.2 -w " FC_TARGET), 2);
	has("our own address (--host-traddr) over TCP is IPv4");
	ck_assert_int_eq(weft("discover -a 10.0.0.2 --fc vn2vn"), 2);
	has("--fc is for Fibre Channel");
	ck_assert_int_eq(weft("discover -a " FC_TARGET " --fc ethernet"), 2);
	has("FC mode \"ethernet\"");
	ck_assert_int_eq(weft("target --ram 1M -w " FC_TARGET), 2);
	has("--transport fc");
	ck_assert_int_eq(weft("target --ram 1M -t fc -w 10.0.0.1"), 2);
	has("over FC is nn-0x");
	ck_assert_int_eq(weft("target -t fc --config docs/target.json"), 1);
	has("with --config the file says");
	ck_assert_int_eq(weft("discover -a 10.0.0.2 -s none"), 2);
	has("--trsvcid none");
	ck_assert_int_eq(weft("discover -s none -a " FC_TARGET " -w " FC_TARGET), 1);
	has("port " FC_TARGET ": our own has the same name");
	ck_assert_int_eq(weft("connect-test -a " FC_TARGET), 1);
	has("which subsystem?");
	ck_assert_int_eq(weft("discover -r 'trtype:fc traddr:10.0.0.2'"), 2);
	ck_assert_int_eq(weft("run -t fc"), 1);
	has("which target?");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("tool");
	TCase *t = tcase_create("weft");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 50);
	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, an_fc_port_that_is_not_there_is_named);
	tcase_add_test(t, addresses_must_fit_the_transport);
	tcase_add_test(t, discovers_and_identifies);
	tcase_add_test(t, writes_and_reads_files);
	tcase_add_test(t, does_the_whole_job);
	tcase_add_test(t, measures_and_verifies);
	tcase_add_loop_test(t, wrong_usage_is_explained, 0, sizeof(wrong) / sizeof(wrong[0]));
	tcase_add_test(t, errors_are_told);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
