// SPDX-License-Identifier: BSD-2-Clause
/* weft-sim's Ethernet port, time, sleep, waves and options, over the stand-in design. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vfu_client.h"

static int dgram(const char *local, const char *remote)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int s = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0), i;

	strcpy(addr.sun_path, local);
	ck_assert_int_eq(bind(s, (struct sockaddr *)&addr, sizeof(addr)), 0);
	strcpy(addr.sun_path, remote);
	for (i = 0; i < 500 && connect(s, (struct sockaddr *)&addr, sizeof(addr)); i++)
		usleep(10000);
	return s;
}

static ssize_t frame_back(int s, uint8_t *buf, size_t len, int ms)
{
	struct pollfd pfd = { s, POLLIN, 0 };

	return poll(&pfd, 1, ms) == 1 ? recv(s, buf, len, 0) : -1;
}

/* 300 frames at once: far more than the socket of either side holds. None may be lost. */
START_TEST(frames_by_datagram_none_lost)
{
	char local[100], remote[100], eth[220], pcap[100];
	const char *more[] = { "--eth", eth, "--pcap", pcap, "--time", _i ? "cycle" : "wall", NULL };
	uint8_t frame[1514], back[2000];
	int s, sent = 0, got = 0, i;
	struct pollfd pfd;
	struct stat st;

	snprintf(local, sizeof(local), "%s/adapter", dir);
	snprintf(remote, sizeof(remote), "%s/peer", dir);
	snprintf(eth, sizeof(eth), "dgram:%s:%s", local, remote);
	snprintf(pcap, sizeof(pcap), "%s/cap.pcapng", dir);
	vfu_start(more);
	s = dgram(remote, local);
	memset(frame, 0x5a, sizeof(frame));
	while (sent < 300) {
		memcpy(frame, &sent, sizeof(sent));
		if (send(s, frame, 60 + (size_t)sent, 0) > 0)
			sent++;
		else
			usleep(1000);
	}
	usleep(200000); /* the answers fill our queue and wait */
	for (got = 0; got < 300; got++) {
		ck_assert_int_eq(frame_back(s, back, sizeof(back), 5000), 60 + got);
		memcpy(&i, back, sizeof(i));
		ck_assert_int_eq(i, got);
	}
	pfd = (struct pollfd){ s, POLLIN, 0 };
	ck_assert_int_eq(poll(&pfd, 1, 50), 0);
	ck_assert_int_eq(vfu_stop(), 0);
	ck_assert_int_eq(stat(pcap, &st), 0);
	ck_assert_int_gt(st.st_size, 300 * 2 * 100);
	ck_assert_int_ne(access(local, F_OK), 0);
}
END_TEST

START_TEST(faults_of_the_link)
{
	char local[100], remote[100], eth[220];
	const char *more[] = { "--eth", eth, "--faults", "loss=0.5,seed=3", NULL };
	uint8_t frame[64] = { 0 }, back[2000];
	int s, i, got = 0;

	snprintf(local, sizeof(local), "%s/adapter", dir);
	snprintf(remote, sizeof(remote), "%s/peer", dir);
	snprintf(eth, sizeof(eth), "dgram:%s:%s", local, remote);
	vfu_start(more);
	s = dgram(remote, local);
	for (i = 0; i < 200; i++) {
		while (send(s, frame, sizeof(frame), 0) < 0)
			usleep(1000);
		while (frame_back(s, back, sizeof(back), 0) > 0)
			got++;
	}
	while (frame_back(s, back, sizeof(back), 300) > 0)
		got++;
	ck_assert_int_gt(got, 25); /* half of a half of 200 */
	ck_assert_int_lt(got, 75);
}
END_TEST

static unsigned long cpu_ticks(pid_t pid)
{
	char path[64], text[1000], *p;
	unsigned long user, sys;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "r");
	ck_assert_ptr_nonnull(f);
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	p = strrchr(text, ')');
	ck_assert_int_eq(sscanf(p + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user,
				&sys),
			 2);
	return user + sys;
}

START_TEST(it_sleeps_when_idle_and_wakes_for_its_timer)
{
	const char *more[] = { "--time", _i ? "cycle" : "wall", NULL };
	int a = eventfd(0, EFD_NONBLOCK);
	struct pollfd pfd = { a, POLLIN, 0 };
	unsigned long before;

	vfu_start(more);
	vfu_hello();
	vfu_bus_master();
	ck_assert_uint_eq(vfu_set_irqs(0x24, 2, 5, 1, &a, 1), 0);
	before = cpu_ticks(server);
	usleep(500000);
	ck_assert_uint_le(cpu_ticks(server) - before, 1);
	vfu_wr(0x20, 300000000); /* 0.3 s */
	before = cpu_ticks(server);
	ck_assert_int_eq(poll(&pfd, 1, 100), 0);
	ck_assert_int_eq(poll(&pfd, 1, 2000), 1);
	ck_assert_uint_le(cpu_ticks(server) - before, 1);
}
END_TEST

START_TEST(waves_of_a_run)
{
	char fst[100], spec[120];
	const char *more[] = { "--fst", spec, NULL };
	struct stat st;

	snprintf(fst, sizeof(fst), "%s/w.fst", dir);
	snprintf(spec, sizeof(spec), "%s:20:60", fst);
	vfu_start(more);
	vfu_hello();
	vfu_wr(0, 1);
	vfu_wr(0, 2);
	vfu_wr(0, 3);
	vfu_rd(0);
	usleep(50000);
	vfu_rd(0);
	ck_assert_int_eq(vfu_stop(), 0);
	ck_assert_int_eq(stat(fst, &st), 0);
	ck_assert_int_gt(st.st_size, 200);
}
END_TEST

START_TEST(bad_options_say_so)
{
	static const char *const lines[] = {
		SERVER " 2>/dev/null",
		SERVER " --socket /tmp/x --time never 2>/dev/null",
		SERVER " --socket /tmp/x --faults loss=2 2>/dev/null",
		SERVER " --socket /tmp/x --faults loss 2>/dev/null",
		SERVER " --socket /tmp/x --faults delay=1 2>/dev/null",
		SERVER " --socket /tmp/x --faults loss=0.1, 2>/dev/null",
		SERVER " --socket /tmp/x --fst a:5 2>/dev/null",
		SERVER " --socket /tmp/x --fst a:9:5 2>/dev/null",
		SERVER " --socket /nonexistent/x --firmware '' 2>/dev/null",
		SERVER " --socket /tmp/x --firmware /nonexistent 2>/dev/null",
		SERVER " --socket /tmp/x --firmware '' --eth wire 2>/dev/null",
		SERVER " --socket /tmp/x --firmware '' --pcap /nonexistent/x 2>/dev/null",
		SERVER " --bogus 2>/dev/null",
	};

	ck_assert_int_ne(system(lines[_i]), 0);
	ck_assert_int_eq(system(SERVER " --help | grep -q -- --faults"), 0);
	ck_assert_int_eq(system(SERVER " --version | grep -q '^weft-sim '"), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("port");
	TCase *t = tcase_create("port");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 30);
	tcase_add_checked_fixture(t, vfu_setup, vfu_teardown);
	tcase_add_loop_test(t, frames_by_datagram_none_lost, 0, 2);
	tcase_add_test(t, faults_of_the_link);
	tcase_add_loop_test(t, it_sleeps_when_idle_and_wakes_for_its_timer, 0, 2);
	tcase_add_test(t, waves_of_a_run);
	tcase_add_loop_test(t, bad_options_say_so, 0, 13);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? 1 : 0;
}
