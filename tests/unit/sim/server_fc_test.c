// SPDX-License-Identifier: BSD-2-Clause
/* weft-sim's Fibre Channel port, over the stand-in design, which loops all back. */
#include <check.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "fc_unit.h"
#include "vfu_client.h"

enum { FC_FRAMES = 0x40, FC_LINK = 0x4c };

static char local[100], remote[100], spec[220];
static int peer = -1;

static void names(void)
{
	snprintf(local, sizeof(local), "%s/adapter", dir);
	snprintf(remote, sizeof(remote), "%s/peer", dir);
	snprintf(spec, sizeof(spec), "dgram:%s:%s", local, remote);
}

static void come(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int i;

	peer = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	strcpy(addr.sun_path, remote);
	ck_assert_int_eq(bind(peer, (struct sockaddr *)&addr, sizeof(addr)), 0);
	strcpy(addr.sun_path, local);
	for (i = 0; i < 500 && connect(peer, (struct sockaddr *)&addr, sizeof(addr)); i++)
		usleep(10000);
}

static void go(void)
{
	close(peer);
	unlink(remote);
	peer = -1;
}

static ssize_t unit_back(uint8_t *unit, int ms)
{
	struct pollfd pfd = { peer, POLLIN, 0 };

	return poll(&pfd, 1, ms) == 1 ? recv(peer, unit, WEFT_FC_UNIT_MAX, 0) : -1;
}

/* The next frame; primitives are passed over. */
static ssize_t frame_back(uint8_t *unit, int ms)
{
	ssize_t n;

	do
		n = unit_back(unit, ms);
	while (n == WEFT_FC_PRIM_LEN);
	return n;
}

static bool primitive_back(uint8_t code)
{
	uint8_t unit[WEFT_FC_UNIT_MAX];
	unsigned int i;

	for (i = 0; i < 100; i++)
		if (unit_back(unit, 2000) == WEFT_FC_PRIM_LEN && fc_prim_code(unit) == code)
			return true;
	return false;
}

/* The kernel's queue of a UNIX socket is short. */
static void give(const void *unit, size_t len)
{
	while (send(peer, unit, len, 0) < 0) {
		ck_assert_int_eq(errno, EAGAIN);
		usleep(1000);
	}
}

static void say(uint8_t code, unsigned int count)
{
	uint8_t unit[WEFT_FC_PRIM_LEN];

	fc_prim_put(unit, code, count);
	give(unit, sizeof(unit));
}

/* The link register, once it has this value. */
static bool link_is(uint32_t want)
{
	unsigned int i;

	for (i = 0; i < 300 && (vfu_rd(FC_LINK) & 0x71) != want; i++)
		usleep(10000);
	return i < 300;
}

START_TEST(units_by_datagram)
{
	char pcap[100];
	const char *more[] = { "--fc", spec, "--fc-pcap", pcap, "--time", _i ? "cycle" : "wall",
			       NULL };
	uint8_t frame[200], back[WEFT_FC_UNIT_MAX];
	unsigned int i, r_rdys = 0;
	struct stat st;
	ssize_t n;

	names();
	snprintf(pcap, sizeof(pcap), "%s/cap.pcapng", dir);
	vfu_start(more);
	come();
	memset(frame, 0x11, sizeof(frame));
	for (i = 0; i < 20; i++) {
		frame[0] = (uint8_t)i;
		give(frame, sizeof(frame));
	}
	for (i = 0; i < 20; i++) {
		ck_assert_int_eq(frame_back(back, 3000), sizeof(frame));
		ck_assert_uint_eq(back[0], i);
	}
	say(WEFT_FC_PRIM_R_RDY, 7);
	while (r_rdys < 7 && (n = unit_back(back, 3000)) > 0)
		if (n == WEFT_FC_PRIM_LEN && fc_prim_code(back) == WEFT_FC_PRIM_R_RDY)
			r_rdys += fc_prim_count(back);
	ck_assert_uint_eq(r_rdys, 7);
	give(frame, 37); /* no unit */
	give(frame, 4);
	ck_assert_int_eq(frame_back(back, 100), -1);
	ck_assert_int_eq(vfu_stop(), 0);
	ck_assert(primitive_back(WEFT_FC_PRIM_LOS)); /* it says good-bye */
	ck_assert_int_eq(stat(pcap, &st), 0);
	ck_assert_int_gt(st.st_size, 40 * 200);
	ck_assert_int_ne(access(local, F_OK), 0);
	go();
}
END_TEST

START_TEST(levels_are_said_anew)
{
	const char *more[] = { "--fc", spec, NULL };
	uint8_t unit[WEFT_FC_UNIT_MAX];

	names();
	vfu_start(more);
	usleep(250000);
	come(); /* late: what was said is lost, but it is said again */
	ck_assert(primitive_back(WEFT_FC_PRIM_IDLE));
	vfu_hello();
	vfu_wr(FC_LINK, WEFT_FC_PRIM_OLS);
	ck_assert(primitive_back(WEFT_FC_PRIM_OLS));
	ck_assert(primitive_back(WEFT_FC_PRIM_OLS));
	say(WEFT_FC_PRIM_LR, 1);
	ck_assert(link_is(1 | WEFT_FC_PRIM_LR << 4));
	while (unit_back(unit, 0) > 0)
		;
	go();
}
END_TEST

START_TEST(a_peer_that_goes_is_a_cable_pulled)
{
	const char *more[] = { "--fc", spec, NULL };

	names();
	vfu_start(more);
	vfu_hello();
	ck_assert(link_is(0));
	come();
	say(WEFT_FC_PRIM_NOS, 1);
	ck_assert(link_is(1 | WEFT_FC_PRIM_NOS << 4));
	if (_i) /* with or without a word */
		say(WEFT_FC_PRIM_LOS, 1);
	go();
	ck_assert(link_is(0));
	come();
	say(WEFT_FC_PRIM_NOS, 1);
	ck_assert(link_is(1 | WEFT_FC_PRIM_NOS << 4));
	go();
}
END_TEST

/* What a peer that went has sent before is not taken for a sign of life. */
START_TEST(what_a_peer_left_behind_is_lost)
{
	const char *more[] = { "--fc", spec, NULL };
	unsigned int i, round;

	names();
	vfu_start(more);
	vfu_hello();
	for (round = 0; round < 5; round++) {
		come();
		say(WEFT_FC_PRIM_NOS, 1);
		ck_assert(link_is(1 | WEFT_FC_PRIM_NOS << 4));
		ck_assert_int_eq(kill(server, SIGSTOP), 0); /* it is not as fast as we are */
		for (i = 0; i < 8; i++)
			say(WEFT_FC_PRIM_R_RDY, 1);
		go();
		usleep(120000); /* it has to say its level, too: that fails before it reads */
		ck_assert_int_eq(kill(server, SIGCONT), 0);
		ck_assert(link_is(0));
		usleep(250000);
		ck_assert(link_is(0));
	}
}
END_TEST

START_TEST(faults_give_their_credit_back)
{
	const char *more[] = { "--fc", spec, "--fc-faults", "loss=1", NULL };
	uint8_t frame[64] = { 0 }, back[WEFT_FC_UNIT_MAX];
	unsigned int r_rdys = 0;

	names();
	vfu_start(more);
	vfu_hello();
	come();
	while (r_rdys < 10) {
		give(frame, sizeof(frame));
		ck_assert(primitive_back(WEFT_FC_PRIM_R_RDY));
		r_rdys++;
	}
	ck_assert_int_eq(frame_back(back, 100), -1);
	ck_assert_uint_eq(vfu_rd(FC_FRAMES), 0);
	go();
}
END_TEST

START_TEST(bad_options_say_so)
{
	static const char *const lines[] = {
		SERVER " --socket /tmp/x --firmware '' --fc wire 2>/dev/null",
		SERVER " --socket /tmp/x --firmware '' --fc dgram:/tmp/only-one 2>/dev/null",
		SERVER " --socket /tmp/x --firmware '' --fc dgram::/tmp/y 2>/dev/null",
		SERVER
		" --socket /tmp/x --firmware '' --fc dgram:/nonexistent/a:/tmp/y 2>/dev/null",
		SERVER " --socket /tmp/x --firmware '' --fc-faults loss=2 2>/dev/null",
		SERVER " --socket /tmp/x --firmware '' --fc-pcap /nonexistent/x 2>/dev/null",
	};

	ck_assert_int_ne(system(lines[_i]), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("fc port");
	TCase *t = tcase_create("port");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 30);
	tcase_add_checked_fixture(t, vfu_setup, vfu_teardown);
	tcase_add_loop_test(t, units_by_datagram, 0, 2);
	tcase_add_test(t, levels_are_said_anew);
	tcase_add_loop_test(t, a_peer_that_goes_is_a_cable_pulled, 0, 2);
	tcase_add_test(t, what_a_peer_left_behind_is_lost);
	tcase_add_test(t, faults_give_their_credit_back);
	tcase_add_loop_test(t, bad_options_say_so, 0, 6);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? 1 : 0;
}
