/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * weft target as a process: start, signals, end. The driver's fake adapter stands behind its
 * vfio-user socket, fake_target.c for the target library, which writes its calls to a file.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fake.h"

#define WEFT "build/tests/unit/tool_target/weft"
#define DIR "build/tests/unit/tool_target"

static const char *binary = WEFT;
static struct fake *f;
static struct fake_vu *server;
static char sock[64], out[96], err[96], calls[96], ready[96], config[96];
static pid_t pid;

static void set_up(void)
{
	snprintf(sock, sizeof(sock), "/tmp/weft-target-%d.sock", (int)getpid());
	snprintf(out, sizeof(out), DIR "/out.%d", (int)getpid());
	snprintf(err, sizeof(err), DIR "/err.%d", (int)getpid());
	snprintf(calls, sizeof(calls), DIR "/calls.%d", (int)getpid());
	snprintf(ready, sizeof(ready), DIR "/ready.%d", (int)getpid());
	snprintf(config, sizeof(config), DIR "/config.%d", (int)getpid());
	setenv("FAKE_LOG", calls, 1);
	f = fake_new_eager();
	server = fake_vu_start(f, sock, VU_OK);
}

static void tear_down(void)
{
	if (pid) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	if (server)
		fake_vu_stop(server);
	fake_free(f);
	unlink(out);
	unlink(err);
	unlink(calls);
	unlink(ready);
	unlink(config);
}

/* Starts weft target with these arguments beside the device. */
static void start(const char *fmt, ...)
{
	char args[512], line[900];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(args, sizeof(args), fmt, ap);
	va_end(ap);
	snprintf(line, sizeof(line), "exec %s target --device vfio-user:%s %s >%s 2>%s", binary,
		 sock, args, out, err);
	pid = fork();
	if (!pid) {
		execl("/bin/sh", "sh", "-c", line, NULL);
		_exit(127);
	}
}

/* The tool with the real library; another build of it on request. */
static const char *real_tool(void)
{
	const char *other = getenv("WEFT_TOOL");

	return other ? other : "build/weft";
}

static const char *text_of(const char *file)
{
	static char text[65536];
	FILE *r = fopen(file, "r");
	size_t n = r ? fread(text, 1, sizeof(text) - 1, r) : 0;

	text[n] = '\0';
	if (r)
		fclose(r);
	return text;
}

static void nap(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
}

/* Until the file has the words so many times. */
static void await_times(const char *file, const char *words, unsigned int times)
{
	unsigned int i, n;

	for (i = 0; i < 1000; i++) {
		const char *p = text_of(file);

		for (n = 0; (p = strstr(p, words)) != NULL; p++)
			n++;
		if (n >= times)
			return;
		nap();
	}
	ck_abort_msg("no \"%s\" in %s: %s", words, file, text_of(file));
}

static void await(const char *file, const char *words)
{
	await_times(file, words, 1);
}

/* The exit status, or 128 and the signal. */
static int status(void)
{
	unsigned int i;
	int st;

	for (i = 0; i < 1500; i++) {
		if (waitpid(pid, &st, WNOHANG) == pid) {
			pid = 0;
			return WIFEXITED(st) ? WEXITSTATUS(st) : 128 + WTERMSIG(st);
		}
		nap();
	}
	ck_abort_msg("it does not end");
	return -1;
}

static void put_config(const char *fmt, ...)
{
	FILE *w = fopen(config, "w");
	va_list ap;

	va_start(ap, fmt);
	vfprintf(w, fmt, ap);
	va_end(ap);
	fclose(w);
}

#define CONFIG                                                                              \
	"{\"adapter\":{\"ip\":\"10.0.0.7/16\",\"mtu\":9000},"                               \
	"\"ports\":[{\"portid\":1,\"addr\":{\"trtype\":\"tcp\",\"treq\":\"not specified\"," \
	"\"traddr\":\"10.0.0.7\"},\"subsystems\":[\"nqn.2026-11.s\"]}],"                    \
	"\"subsystems\":[{\"nqn\":\"nqn.2026-11.s\",\"namespaces\":["                       \
	"{\"nsid\":%s,\"device\":{\"ram\":\"1M\"}}]}]}"

START_TEST(it_serves_until_it_is_told_to_stop)
{
	start("--ip 10.0.0.5/16 --mtu 9000 --ram 64M --ready-file %s --serial ABC", ready);
	await(ready, "10.0.0.5:4420\n10.0.0.5:8009\n");
	await(out, "listening on 10.0.0.5:4420\nlistening on 10.0.0.5:8009\n");
	ck_assert_uint_eq(f->port.ip, 0x0a000005);
	ck_assert_uint_eq(f->port.mask, 0xffff0000);
	ck_assert_uint_eq(f->port.mtu, 9000);
	ck_assert_str_eq(text_of(calls), "open ram 67108864\n"
					 "subsys nqn.2026-11.org.weft:target serial=ABC any=1\n"
					 "nqn.2026-11.org.weft:target: ns 1 ram 67108864\n"
					 "port 1 0a000005:4420 q=0 icd=0 digests=11\n"
					 "port 1: link nqn.2026-11.org.weft:target\n"
					 "port 2 0a000005:8009 q=0 icd=0 digests=11\n");
	kill(pid, SIGTERM);
	ck_assert_int_eq(status(), 0);
	await(calls, "destroy 10000\n");
	await(err, "stopping");
	ck_assert_int_ne(access(ready, F_OK), 0);
}
END_TEST

START_TEST(the_command_line_says_it_all)
{
	start("--file /srv/x --create 1G --block-size 4096 --nsid 5 -n nqn.2026-11.x:y -s 4421 "
	      "-Q 32 --icd-size 16K --no-digest --synchronous --allow-host nqn.2026-11.h "
	      "--allow-host nqn.2026-11.i");
	await(out, "listening on 10.0.0.1:4421\n");
	ck_assert_str_eq(text_of(calls), "open /srv/x create sync\n"
					 "subsys nqn.2026-11.x:y serial=- any=0\n"
					 "nqn.2026-11.x:y: allow nqn.2026-11.h\n"
					 "nqn.2026-11.x:y: allow nqn.2026-11.i\n"
					 "nqn.2026-11.x:y: ns 5 /srv/x create sync\n"
					 "port 1 0a000001:4421 q=32 icd=16384 digests=00\n"
					 "port 1: link nqn.2026-11.x:y\n"
					 "port 2 0a000001:8009 q=32 icd=16384 digests=00\n");
	kill(pid, SIGINT);
	ck_assert_int_eq(status(), 0);
}
END_TEST

START_TEST(a_new_configuration_is_taken_or_left)
{
	put_config(CONFIG, "1");
	start("--config %s", config);
	await(out, "listening on 10.0.0.7:4420\n");
	await(err, "ports[0].addr.treq: ignored");
	ck_assert_uint_eq(f->port.mask, 0xffff0000);
	put_config(CONFIG, "\"2\"");
	kill(pid, SIGHUP);
	await(calls, "nqn.2026-11.s: -ns 1\nclose ram 1048576\nnqn.2026-11.s: ns 2 ram 1048576\n");
	await_times(err, "configuration applied", 1);
	put_config(CONFIG, "0");
	kill(pid, SIGHUP);
	await(err, "subsystems[0].namespaces[0].nsid: 0 is not in 1 to 1024");
	await(err, "nothing was changed");
	put_config(CONFIG, "3,\"enable\":1,\"device\":");
	kill(pid, SIGHUP);
	await_times(err, "nothing was changed", 2);
	put_config(CONFIG, "3");
	kill(pid, SIGHUP);
	await(calls, "nqn.2026-11.s: -ns 2\nclose ram 1048576\nnqn.2026-11.s: ns 3 ram 1048576\n");
	kill(pid, SIGTERM);
	ck_assert_int_eq(status(), 0);
}
END_TEST

START_TEST(statistics_are_told)
{
	start("--ram 1M -q");
	await(out, "listening");
	kill(pid, SIGUSR1);
	await(out, "{\"event\":\"stats\",\"connections\":3,\"controllers\":1,");
	await(out, "\"hosts\":[{\"cntlid\":5,\"subnqn\":\"nqn.2026-11.s\","
		   "\"hostnqn\":\"nqn.2026-11.\\\"h\\\"\",\"address\":\"10.0.0.9\"");
	ck_assert_str_eq(text_of(err), ""); /* quiet */
	kill(pid, SIGTERM);
	ck_assert_int_eq(status(), 0);
}
END_TEST

START_TEST(statistics_come_by_themselves_and_as_json)
{
	start("--ram 1M --stats-every 1 --json");
	await(out, "{\"event\":\"listening\",\"address\":\"10.0.0.1:4420\"}\n");
	await_times(out, "{\"event\":\"stats\"", 2);
	await(out, "{\"event\":\"log\",\"message\":\"asked for?[31m statistics\"}\n");
	ck_assert_str_eq(text_of(err), "");
	kill(pid, SIGTERM);
	ck_assert_int_eq(status(), 0);
}
END_TEST

START_TEST(a_lost_adapter_ends_it_in_order)
{
	start("--ram 1M --ready-file %s", ready);
	await(ready, "4420");
	fake_vu_stop(server);
	server = NULL;
	ck_assert_int_eq(status(), 1);
	await(err, "the adapter is gone");
	await(calls, "destroy");
	ck_assert_int_ne(access(ready, F_OK), 0);
}
END_TEST

START_TEST(a_failed_flush_is_an_error)
{
	setenv("FAKE_FLUSH_ERROR", "5", 1);
	start("--ram 1M");
	await(out, "listening");
	kill(pid, SIGTERM);
	ck_assert_int_eq(status(), 1);
	await(err, "written data may be lost");
}
END_TEST

START_TEST(a_backend_that_does_not_answer_is_an_error)
{
	char number[8];

	snprintf(number, sizeof(number), "%d", ETIMEDOUT);
	setenv("FAKE_FLUSH_ERROR", number, 1);
	start("--quiet --ram 1M");
	await(out, "listening");
	kill(pid, SIGTERM);
	ck_assert_int_eq(status(), 1);
	await(err, "not ended in order: written data may be lost: flush: made to fail");
}
END_TEST

START_TEST(a_second_signal_ends_it_at_once)
{
	setenv("FAKE_SLOW_END", "1", 1);
	start("--ram 1M");
	await(out, "listening");
	kill(pid, SIGTERM);
	await(calls, "destroy");
	kill(pid, SIGTERM);
	ck_assert_int_eq(status(), 1);
}
END_TEST

/* At the start everything must be there; what was made is taken down again. */
START_TEST(half_a_start_is_none)
{
	setenv("FAKE_FAIL", "port 2", 1);
	start("--ram 1M --ready-file %s", ready);
	ck_assert_int_eq(status(), 1);
	await(err, "port 2: made to fail");
	await(calls, "destroy");
	ck_assert_str_eq(text_of(out), "");
	ck_assert_int_ne(access(ready, F_OK), 0);
}
END_TEST

/* With the target library itself, on a file. */
START_TEST(it_listens_and_stops_in_earnest)
{
	uint16_t connected;

	binary = real_tool();
	start("--file %s --create 1M --ready-file %s", config, ready);
	await(ready, "10.0.0.1:4420\n10.0.0.1:8009\n");
	await(err, "namespace 1: file, ");
	await(err, ", 2048 blocks of 512 bytes");
	connected = fake_host_connect(f, 4420, 0);
	ck_assert_uint_ne(connected, 0);
	kill(pid, SIGUSR1);
	await(out, "\"connections\":1,");
	kill(pid, SIGHUP);
	await(err, "configuration applied");
	kill(pid, SIGTERM);
	ck_assert_int_eq(status(), 0);
	ck_assert_int_eq(f->violations, 0);
}
END_TEST

/* Signals at any moment interrupt whatever is under way, and break nothing. */
START_TEST(signals_may_rain)
{
	unsigned int i;

	binary = real_tool();
	start("--file %s --create 1M -q", config);
	await(out, "listening");
	for (i = 0; i < 2000; i++) {
		kill(pid, i % 3 ? SIGHUP : SIGUSR1);
		if (i % 16 == 0)
			nanosleep(&(struct timespec){ .tv_nsec = 3000000 + i * 1000 }, NULL);
	}
	await_times(out, "\"event\":\"stats\"", 2);
	kill(pid, SIGTERM);
	ck_assert_int_eq(status(), 0);
	ck_assert_str_eq(text_of(err), "");
	ck_assert_int_eq(f->violations, 0);
}
END_TEST

START_TEST(a_file_that_is_served_is_refused)
{
	int fd = open(config, O_RDWR | O_CREAT, 0600);

	ck_assert_int_eq(ftruncate(fd, 1 << 20), 0);
	ck_assert_int_eq(flock(fd, LOCK_EX), 0);
	binary = real_tool();
	start("--file %s", config);
	ck_assert_int_eq(status(), 1);
	await(err, "somebody serves it already");
	close(fd);
}
END_TEST

/* Lines that are wrong, and what standard error says. */
static const struct {
	const char *args;
	int status;
	const char *words;
} wrong[] = {
	{ "", 1, "what is to be exported?" },
	{ "--ram 1M --file /x", 1, "what is to be exported?" },
	{ "--ram 1000", 1, "no multiple of the block size" },
	{ "--ram 1M --block-size 1024", 1, "--block-size 1024" },
	{ "--ram 1M --create 1M", 1, "go with --file only" },
	{ "--file /x --create 1M --read-only", 1, "do not go together" },
	{ "--ram 1M -Q 100", 1, "--queue-size 100 is no power of two" },
	{ "--ram 1M -Q 16", 1, "--queue-size 16: at least 32" },
	{ "--ram 1M --icd-size 10000", 1, "no multiple of 64" },
	{ "--ram 1M --nsid 5000", 1, "at most 1024" },
	{ "--ram 1M -n nqn.x", 1, "nqn.yyyy-mm." },
	{ "--ram 1M -n nqn.2014-08.org.nvmexpress.discovery", 1, "discovery" },
	{ "--ram 1M --allow-host x", 1, "--allow-host \"x\"" },
	{ "--ram 1M --serial 123456789012345678901", 1, "--serial" },
	{ "--ram 1M --config x", 1, "with --config the file says" },
	{ "--config /nonexistent/x", 1, "/nonexistent/x: No such file" },
	{ "--ram 1M --ready-file /nonexistent/x", 1, "/nonexistent/x" },
	{ "--ram 5X", 2, "5X" },
	{ "--ram 1M --stats-every 0", 2, "time between statistics" },
	{ "--ram 1M -t rdma", 2, "transport \"rdma\"" },
	{ "--ram 1M -a 10.0.0.1", 2, "invalid option" },
	{ "--ram 1M -t fc --fc loop", 2, "FC mode \"loop\"" },
	{ "--ram 1M -t fc -w nn-0x1:pn-0x2", 2, "nn-0x1:pn-0x2" },
};

START_TEST(wrong_usage_is_explained)
{
	start("%s", wrong[_i].args);
	ck_assert_int_eq(status(), wrong[_i].status);
	ck_assert_msg(strstr(text_of(err), wrong[_i].words) != NULL, "%s: %s", wrong[_i].args,
		      text_of(err));
	ck_assert_ptr_null(strstr(text_of(out), "listening"));
	/* what was opened was closed, and nothing is left running */
	ck_assert(!*text_of(calls) || strstr(text_of(calls), "destroy") != NULL);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("weft target");
	TCase *t = tcase_create("command");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 40);
	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, it_serves_until_it_is_told_to_stop);
	tcase_add_test(t, the_command_line_says_it_all);
	tcase_add_test(t, a_new_configuration_is_taken_or_left);
	tcase_add_test(t, statistics_are_told);
	tcase_add_test(t, statistics_come_by_themselves_and_as_json);
	tcase_add_test(t, a_lost_adapter_ends_it_in_order);
	tcase_add_test(t, a_failed_flush_is_an_error);
	tcase_add_test(t, a_backend_that_does_not_answer_is_an_error);
	tcase_add_test(t, a_second_signal_ends_it_at_once);
	tcase_add_test(t, half_a_start_is_none);
	tcase_add_test(t, it_listens_and_stops_in_earnest);
	tcase_add_test(t, signals_may_rain);
	tcase_add_test(t, a_file_that_is_served_is_refused);
	tcase_add_loop_test(t, wrong_usage_is_explained, 0, sizeof(wrong) / sizeof(wrong[0]));
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
