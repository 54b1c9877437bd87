// SPDX-License-Identifier: BSD-2-Clause
/* weft-sim seen by a vfio-user client, over the stand-in design: what it may do, and what a hostile one gets. */
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

/* --- tests ------------------------------------------------------------------------------------------------------------------ */

START_TEST(it_looks_like_the_pci_device)
{
	uint8_t m[32] = { 0 };
	uint32_t i, cap, sizes[9] = { [0] = 0x100000, [4] = 0x1000, [7] = 0x1000 };
	bool seen[256] = { false };

	vfu_start(NULL);
	vfu_hello();
	put_le(m, 16, 4);
	ck_assert_uint_eq(vfu_ask(4, m, 16), 0);
	ck_assert_uint_eq(get_le(r.data + 4, 4), 3);
	ck_assert_uint_eq(get_le(r.data + 8, 4), 9);
	for (i = 0; i < 9; i++) {
		put_le(m, 32, 4);
		put_le(m + 8, i, 4);
		ck_assert_uint_eq(vfu_ask(5, m, 32), 0);
		ck_assert_uint_eq(get_le(r.data + 16, 8), sizes[i]);
		ck_assert_uint_eq(get_le(r.data + 4, 4), sizes[i] ? 3 : 0);
	}
	for (i = 0; i < 5; i++) {
		put_le(m, 16, 4);
		put_le(m + 8, i, 4);
		ck_assert_uint_eq(vfu_ask(7, m, 16), 0);
		ck_assert_uint_eq(get_le(r.data + 12, 4), i == 2 ? 128 : 0);
	}
	ck_assert_uint_eq(vfu_region_read(7, 0, 64), 0);
	ck_assert_uint_eq(get_le(r.data + 16, 4), 0x0f0e1b36);
	ck_assert_uint_eq(get_le(r.data + 16 + 9, 3), 0x020000);
	for (cap = r.data[16 + 0x34]; cap; cap = r.data[17]) {
		ck_assert_uint_eq(vfu_region_read(7, cap, 12), 0);
		seen[r.data[16]] = true;
	}
	ck_assert(seen[0x01] && seen[0x10] && seen[0x11]);
}
END_TEST

START_TEST(bars_and_rom_are_sized_as_pci_says)
{
	uint32_t ones = ~0u, off[] = { 0x10, 0x14, 0x20, 0x30 },
		 expect[] = { 0xfff00000, 0, 0xfffff000, 0 };
	unsigned int i;

	vfu_start(NULL);
	vfu_hello();
	for (i = 0; i < 4; i++) {
		ck_assert_uint_eq(vfu_region_write(7, off[i], &ones, 4), 0);
		ck_assert_uint_eq(vfu_region_read(7, off[i], 4), 0);
		ck_assert_uint_eq(get_le(r.data + 16, 4), expect[i]);
	}
	ck_assert_uint_eq(vfu_region_write(7, 0, &ones, 4), 0);
	ck_assert_uint_eq(vfu_region_read(7, 0, 4), 0);
	ck_assert_uint_eq(get_le(r.data + 16, 4), 0x0f0e1b36);
}
END_TEST

START_TEST(registers_of_every_width)
{
	static const uint8_t bytes[7] = { 1, 2, 3, 4, 5, 6, 7 };

	vfu_start(NULL);
	vfu_hello();
	vfu_wr(0, 0xdeadbeef);
	ck_assert_uint_eq(vfu_rd(0), 0xdeadbeef);
	ck_assert_uint_eq(vfu_region_write(0, 1, bytes, 1), 0);
	ck_assert_uint_eq(vfu_rd(0), 0xdead01ef);
	ck_assert_uint_eq(vfu_region_write(0, 0, bytes, 7), 0);
	ck_assert_uint_eq(vfu_rd(0), 0x04030201);
	ck_assert_uint_eq(vfu_region_read(0, 0x1000, 11), 0);
	ck_assert(!memcmp(r.data + 16, "hello, log\n", 11));
	ck_assert_uint_eq(vfu_region_read(0, 0xffffe, 4), EINVAL);
	ck_assert_uint_eq(vfu_region_read(0, 0x100000, 4), EINVAL);
	ck_assert_uint_eq(vfu_region_read(0, ~0ull, 4), EINVAL);
	ck_assert_uint_eq(vfu_region_read(0, 0, 0), EINVAL);
	ck_assert_uint_eq(vfu_region_read(0, 0, ~0u), EINVAL);
	ck_assert_uint_eq(vfu_region_read(6, 0, 4), EINVAL);
	ck_assert_uint_eq(vfu_region_read(99, 0, 4), EINVAL);
	ck_assert_uint_eq(vfu_region_write(7, 0xfff, bytes, 2), EINVAL);
}
END_TEST

START_TEST(dma_to_shared_memory)
{
	int mem;
	uint8_t *p = vfu_memory(0x40000, &mem);

	vfu_start(NULL);
	vfu_hello();
	vfu_bus_master();
	ck_assert_uint_eq(vfu_map(IOVA, 0x20000, 0x10000, 3, mem), 0);
	ck_assert_uint_eq(vfu_copy(IOVA + 5, IOVA + 0x10005, 20000), 0);
	ck_assert(!memcmp(p + 0x10005, p + 0x20005, 20000));
	ck_assert_uint_eq(p[0x20004], (uint8_t)(0x20004 * 7 + (0x20004 >> 8)));
	ck_assert_uint_eq(vfu_copy(IOVA + 0x1f000, IOVA, 0x2000), 2);
	ck_assert_uint_eq(vfu_map(IOVA + 0x100000, 0x1000, 0, 1, mem), 0);
	ck_assert_uint_eq(vfu_copy(IOVA + 0x100000, IOVA, 64), 0);
	ck_assert_uint_eq(vfu_copy(IOVA, IOVA + 0x100000, 64), 4);
}
END_TEST

START_TEST(dma_needs_bus_master)
{
	int mem;

	vfu_memory(0x10000, &mem);
	vfu_start(NULL);
	vfu_hello();
	ck_assert_uint_eq(vfu_map(IOVA, 0x10000, 0, 3, mem), 0);
	ck_assert_uint_eq(vfu_copy(IOVA, IOVA + 0x8000, 64), 2);
	vfu_bus_master();
	ck_assert_uint_eq(vfu_copy(IOVA, IOVA + 0x8000, 64), 0);
}
END_TEST

START_TEST(dma_by_messages_to_the_client)
{
	static uint8_t mine[0x10000];
	size_t i;

	for (i = 0; i < sizeof(mine); i++)
		mine[i] = (uint8_t)(i * 3);
	served = mine;
	served_requests = 0;
	vfu_start(NULL);
	vfu_hello();
	vfu_bus_master();
	ck_assert_uint_eq(vfu_map(IOVA, sizeof(mine), 0, 3, -1), 0);
	ck_assert_uint_eq(vfu_copy(IOVA + 1, IOVA + 0x8001, 9999), 0);
	ck_assert(!memcmp(mine + 1, mine + 0x8001, 9999));
	ck_assert_uint_ge(served_requests, 6);
}
END_TEST

START_TEST(unmapping_is_by_range)
{
	int mem;

	vfu_memory(0x40000, &mem);
	vfu_start(NULL);
	vfu_hello();
	vfu_bus_master();
	ck_assert_uint_eq(vfu_unmap(IOVA, 0x100000), 0);
	ck_assert_uint_eq(vfu_map(IOVA, 0x1000, 0, 3, mem), 0);
	ck_assert_uint_eq(vfu_map(IOVA + 0x1000, 0x1000, 0x1000, 3, mem), 0);
	ck_assert_uint_eq(vfu_map(IOVA + 0x8000, 0x8000, 0x8000, 3, mem), 0);
	ck_assert_uint_eq(vfu_map(IOVA + 0x9000, 0x1000, 0, 3, mem), EEXIST);
	ck_assert_uint_eq(vfu_unmap(IOVA, 0x2000), 0);
	ck_assert_uint_eq(r.len, 24);
	ck_assert_uint_eq(vfu_copy(IOVA, IOVA + 0x8000, 16), 2);
	ck_assert_uint_eq(vfu_copy(IOVA + 0x1000, IOVA + 0x8000, 16), 2);
	ck_assert_uint_eq(vfu_copy(IOVA + 0x8000, IOVA + 0x9000, 16), 0);
	ck_assert_uint_eq(vfu_unmap(IOVA + 0x9000, 0x1000), 0); /* the middle of a mapping */
	ck_assert_uint_eq(vfu_copy(IOVA + 0x8000, IOVA + 0x9000, 16), 4);
	ck_assert_uint_eq(vfu_copy(IOVA + 0x8000, IOVA + 0xf000, 16), 0);
	ck_assert_uint_eq(vfu_map(IOVA + 0x9000, 0x1000, 0, 3, mem), 0);
	ck_assert_uint_eq(vfu_unmap(0, ~0xfffull), 0);
	ck_assert_uint_eq(vfu_copy(IOVA + 0x8000, IOVA + 0xf000, 16), 2);
}
END_TEST

START_TEST(bad_mappings_are_refused)
{
	int mem, pipefd[2];

	vfu_memory(0x10000, &mem);
	ck_assert_int_eq(pipe(pipefd), 0);
	vfu_start(NULL);
	vfu_hello();
	ck_assert_uint_eq(vfu_map(IOVA + 1, 0x1000, 0, 3, mem), EINVAL);
	ck_assert_uint_eq(vfu_map(IOVA, 0x1001, 0, 3, mem), EINVAL);
	ck_assert_uint_eq(vfu_map(IOVA, 0, 0, 3, mem), EINVAL);
	ck_assert_uint_eq(vfu_map(IOVA, 0x1000, 0, 0, mem), EINVAL);
	ck_assert_uint_eq(vfu_map(IOVA, 0x1000, 0, 7, mem), EINVAL);
	ck_assert_uint_eq(vfu_map(~0xfffull, 0x2000, 0, 3, mem), EINVAL);
	ck_assert_uint_eq(vfu_map(IOVA, 0x11000, 0, 3, mem), EINVAL);
	ck_assert_uint_eq(vfu_map(IOVA, 0x1000, ~0xfffull, 3, mem), EINVAL);
	ck_assert_uint_eq(vfu_map(IOVA, 0x1000, 0, 3, pipefd[0]), EINVAL);
	ck_assert_uint_eq(vfu_map(IOVA, 0x10000, 0, 3, mem), 0);
}
END_TEST

/* A client that takes its file's pages away must not take the server down. */
START_TEST(a_truncated_file_is_a_dma_error)
{
	int mem;

	vfu_memory(0x20000, &mem);
	vfu_start(NULL);
	vfu_hello();
	vfu_bus_master();
	ck_assert_uint_eq(vfu_map(IOVA, 0x20000, 0, 3, mem), 0);
	ck_assert_int_eq(ftruncate(mem, 0), 0);
	ck_assert_uint_eq(vfu_copy(IOVA, IOVA + 0x8000, 4096), 2);
	ck_assert_int_eq(ftruncate(mem, 0x8000), 0);
	ck_assert_uint_eq(vfu_copy(IOVA, IOVA + 0x8000, 4096), 4);
	ck_assert_uint_eq(vfu_copy(IOVA, IOVA + 0x4000, 4096), 0);
}
END_TEST

START_TEST(interrupts_reach_their_eventfd)
{
	int a = eventfd(0, EFD_NONBLOCK), b = eventfd(0, EFD_NONBLOCK), both[2] = { a, b },
	    pipefd[2];
	uint64_t n;

	ck_assert_int_eq(pipe(pipefd), 0);
	vfu_start(NULL);
	vfu_hello();
	vfu_bus_master();
	ck_assert_uint_eq(vfu_set_irqs(0x24, 2, 7, 1, &a, 1), 0);
	ck_assert_uint_eq(vfu_set_irqs(0x24, 2, 127, 1, &b, 1), 0);
	vfu_wr(0x1c, 7);
	vfu_rd(0);
	ck_assert_int_eq(read(a, &n, 8), 8);
	ck_assert_int_eq(read(b, &n, 8), -1);
	vfu_wr(0x1c, 127);
	vfu_rd(0);
	ck_assert_int_eq(read(b, &n, 8), 8);
	ck_assert_uint_eq(vfu_set_irqs(0x21, 2, 7, 1, NULL, 0), 0); /* by hand */
	ck_assert_int_eq(read(a, &n, 8), 8);
	ck_assert_uint_eq(vfu_set_irqs(0x24, 2, 7, 1, NULL, 0), 0); /* taken away */
	vfu_wr(0x1c, 7);
	vfu_rd(0);
	ck_assert_int_eq(read(a, &n, 8), -1);
	ck_assert_uint_eq(vfu_set_irqs(0x24, 2, 10, 2, both, 2), 0);
	ck_assert_uint_eq(vfu_set_irqs(0x21, 2, 0, 0, NULL, 0), 0); /* all off */
	vfu_wr(0x1c, 10);
	vfu_rd(0);
	ck_assert_int_eq(read(a, &n, 8), -1);
	ck_assert_uint_eq(vfu_set_irqs(0x24, 2, 127, 2, both, 2), EINVAL);
	ck_assert_uint_eq(vfu_set_irqs(0x24, 2, ~0u, 2, both, 2), EINVAL);
	ck_assert_uint_eq(vfu_set_irqs(0x24, 2, 0, 2, both, 1), EINVAL);
	ck_assert_uint_eq(vfu_set_irqs(0x24, 9, 0, 1, both, 1), EINVAL);
	ck_assert_uint_eq(vfu_set_irqs(0x24, 2, 0, 1, pipefd, 1), EINVAL);
	ck_assert_uint_eq(vfu_set_irqs(0x3f, 2, 0, 1, NULL, 0), EINVAL);
	ck_assert_uint_eq(vfu_set_irqs(0x21, 1, 0, 0, NULL, 0), 0);
}
END_TEST

START_TEST(reset_by_message_and_by_flr)
{
	uint8_t flr = 0x80;

	vfu_start(NULL);
	vfu_hello();
	vfu_wr(0, 77);
	ck_assert_uint_eq(vfu_ask(13, NULL, 0), 0);
	ck_assert_uint_eq(vfu_rd(0), 0);
	vfu_wr(0, 78);
	vfu_bus_master();
	ck_assert_uint_eq(vfu_region_write(7, 0x59, &flr, 1), 0);
	ck_assert_uint_eq(vfu_rd(0), 0);
	ck_assert_uint_eq(vfu_region_read(7, 4, 2), 0);
	ck_assert_uint_eq(get_le(r.data + 16, 2), 0);
}
END_TEST

START_TEST(no_reply_means_none)
{
	uint8_t m[20];

	vfu_start(NULL);
	vfu_hello();
	put_le(m, 0, 8);
	put_le(m + 8, 0, 4);
	put_le(m + 12, 4, 4);
	put_le(m + 16, 0x1234, 4);
	vfu_post(10, 0x10, m, 20, NULL, 0);
	ck_assert_uint_eq(vfu_rd(0), 0x1234);
}
END_TEST

START_TEST(unknown_and_short_messages_are_refused)
{
	uint16_t command;
	uint8_t zero[64] = { 0 };

	vfu_start(NULL);
	vfu_hello();
	ck_assert_uint_eq(vfu_ask(99, NULL, 0), EOPNOTSUPP);
	ck_assert_uint_eq(vfu_ask(6, zero, 16), EOPNOTSUPP);
	ck_assert_uint_eq(vfu_ask(15, zero, 64), EOPNOTSUPP);
	ck_assert_uint_eq(vfu_ask(11, zero, 16), EOPNOTSUPP);
	for (command = 2; command <= 10; command++)
		if (command != 6)
			ck_assert_uint_eq(vfu_ask(command, zero, 3), EINVAL);
	for (command = 2; command <= 10; command++)
		if (command != 6)
			ck_assert_uint_ne(vfu_ask(command, zero, 20), 0);
}
END_TEST

/* Each of these ends the connection, and the next client finds a fresh adapter. */
START_TEST(nonsense_ends_the_connection_and_the_next_one_is_served)
{
	uint8_t m[64] = { 0 };
	int fds[30], i;
	uint16_t id;

	vfu_start(NULL);
	vfu_hello();
	vfu_wr(0, 55);
	close(fd);
	vfu_dial();
	put_le(m, 1, 2);
	put_le(m + 2, 1, 2);
	switch (_i) {
	case 0: /* shorter than its header */
		put_le(m + 4, 15, 4);
		vfu_send_raw(m, 16, NULL, 0);
		break;
	case 1: /* enormous */
		put_le(m + 4, 0xffffffff, 4);
		vfu_send_raw(m, 16, NULL, 0);
		break;
	case 2: /* not the version first */
		vfu_post(4, 0, m, 16, NULL, 0);
		break;
	case 3: /* half a header, then gone */
		vfu_send_raw(m, 7, NULL, 0);
		shutdown(fd, SHUT_WR);
		break;
	case 4: /* half a payload, then gone */
		put_le(m + 4, 60, 4);
		vfu_send_raw(m, 30, NULL, 0);
		shutdown(fd, SHUT_WR);
		break;
	case 5: /* protocol of tomorrow */
		m[0] = 1;
		vfu_post(1, 0, m, 4, NULL, 0);
		vfu_receive(&id);
		ck_assert_uint_eq(r.flags & 0x20, 0x20);
		break;
	case 6: /* text without an end */
		vfu_post(1, 0, "\0\0\0\0{\"capabil", 13, NULL, 0);
		vfu_receive(&id);
		ck_assert_uint_eq(r.flags & 0x20, 0x20);
		break;
	case 7: /* file descriptors galore */
		for (i = 0; i < 30; i++)
			fds[i] = 0;
		vfu_post(1, 0, "\0\0\0\0{}", 7, fds, 30);
		break;
	case 8: /* version twice */
		vfu_post(1, 0, "\0\0\0\0{}", 7, NULL, 0);
		ck_assert(vfu_receive(&id));
		vfu_post(1, 0, "\0\0\0\0{}", 7, NULL, 0);
		break;
	}
	ck_assert(!vfu_receive(&id));
	close(fd);
	vfu_hello();
	ck_assert_uint_eq(vfu_rd(0), 0);
}
END_TEST

/* The client dies while the adapter works for it. */
START_TEST(a_client_that_dies_in_mid_dma)
{
	int mem, i;

	vfu_memory(0x100000, &mem);
	vfu_start(NULL);
	for (i = 0; i < 5; i++) {
		vfu_hello();
		vfu_bus_master();
		ck_assert_uint_eq(vfu_map(IOVA, 0x100000, 0, 3, i % 2 ? mem : -1), 0);
		vfu_wr(0x04, 0);
		vfu_wr(0x08, (uint32_t)(IOVA >> 32));
		vfu_wr(0x0c, 0x80000);
		vfu_wr(0x10, (uint32_t)(IOVA >> 32));
		vfu_wr(0x14, 0x80000);
		vfu_wr(0x18, 1);
		close(fd);
	}
	vfu_hello();
	ck_assert_uint_eq(vfu_rd(0x18), 0);
	ck_assert_uint_eq(vfu_copy(IOVA, IOVA + 0x1000, 64), 2); /* nothing of theirs is mapped */
}
END_TEST

START_TEST(one_client_at_a_time)
{
	int first;
	struct pollfd pfd;

	vfu_start(NULL);
	vfu_hello();
	first = fd;
	vfu_dial();
	vfu_post(1, 0, "\0\0\0\0{}", 7, NULL, 0);
	pfd = (struct pollfd){ fd, POLLIN, 0 };
	ck_assert_int_eq(poll(&pfd, 1, 200), 0);
	close(first);
	ck_assert_int_eq(poll(&pfd, 1, 5000), 1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("vfio-user");
	TCase *t = tcase_create("vfio-user");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 30);
	tcase_add_checked_fixture(t, vfu_setup, vfu_teardown);
	tcase_add_test(t, it_looks_like_the_pci_device);
	tcase_add_test(t, bars_and_rom_are_sized_as_pci_says);
	tcase_add_test(t, registers_of_every_width);
	tcase_add_test(t, dma_to_shared_memory);
	tcase_add_test(t, dma_needs_bus_master);
	tcase_add_test(t, dma_by_messages_to_the_client);
	tcase_add_test(t, unmapping_is_by_range);
	tcase_add_test(t, bad_mappings_are_refused);
	tcase_add_test(t, a_truncated_file_is_a_dma_error);
	tcase_add_test(t, interrupts_reach_their_eventfd);
	tcase_add_test(t, reset_by_message_and_by_flr);
	tcase_add_test(t, no_reply_means_none);
	tcase_add_test(t, unknown_and_short_messages_are_refused);
	tcase_add_loop_test(t, nonsense_ends_the_connection_and_the_next_one_is_served, 0, 9);
	tcase_add_test(t, a_client_that_dies_in_mid_dma);
	tcase_add_test(t, one_client_at_a_time);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? 1 : 0;
}
