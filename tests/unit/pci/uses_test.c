/* SPDX-License-Identifier: BSD-2-Clause */
/* Who uses a device: processes, and the kernel. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weft/dev.h>

#include "pci_test.h"
#include "tree.h"

static const struct weft_pci_addr a0 = { 0, 1, 0, 0 }, a1 = { 0, 1, 0, 1 };

/* The first use, "" for none; n must be the number of uses. */
static const char *first(const struct weft_pci_addr *addr, size_t n)
{
	static char text[256];
	struct weft_pci_use *list;
	struct weft_pci_dev d;
	size_t got;

	ck_assert_int_eq(weft_pci_get(addr, &d), 0);
	ck_assert_int_eq(weft_pci_uses(&d, &list, &got, NULL), 0);
	strcpy(text, got ? list[0].text : "");
	ck_assert_msg(got == n, "%zu uses: %s", got, text);
	free(list);
	return text;
}

START_TEST(nobody_uses_it)
{
	tree_link("proc/12/fd/3", "/dev/null");
	tree_link("proc/12/fd/4", tree_path("dev/vfio/70"));
	tree_file("proc/kmsg", "");
	first(&a0, 0);
}
END_TEST

START_TEST(a_process_has_the_group_open)
{
	tree_file("proc/412/comm", "qemu-system-x86\n");
	tree_link("proc/412/fd/9", tree_path("dev/vfio/7"));
	tree_link("proc/412/fd/10", tree_path("dev/vfio/7"));
	holds(first(&a0, 1), "process 412 (qemu-system-x86) has ");
	holds(first(&a0, 1), "dev/vfio/7 open");
}
END_TEST

START_TEST(a_process_has_the_device_node_open)
{
	tree_file("sys/bus/pci/devices/" A0 "/vfio-dev/vfio0/dev", "");
	tree_link("proc/5/fd/9", tree_path("dev/vfio/devices/vfio0"));
	holds(first(&a0, 1), "process 5 (?) has ");
}
END_TEST

START_TEST(a_device_without_its_group_is_told_by_fdinfo)
{
	tree_link("proc/5/fd/9", "anon_inode:[vfio-device]");
	first(&a0, 0);
	tree_file("proc/5/fdinfo/9", "pos:\t0\nvfio-device-syspath: /sys/devices/pci0/" A1 "\n");
	first(&a0, 0);
	tree_file("proc/5/fdinfo/9", "pos:\t0\nvfio-device-syspath: /sys/devices/pci0/" A0 "\n");
	holds(first(&a0, 1), "has the VFIO device open");
}
END_TEST

START_TEST(an_interface_that_is_up_is_a_use)
{
	tree_link("sys/class/net/eth0", "../../devices/pci0000:00/" A1 "/net/eth0");
	tree_file("sys/devices/pci0000:00/" A1 "/net/eth0/flags", "0x1002\n");
	first(&a1, 0);
	tree_file("sys/devices/pci0000:00/" A1 "/net/eth0/flags", "0x1003\n");
	holds(first(&a1, 1), "network interface eth0 is up");
	tree_link("sys/class/net/eth0", "../../devices/pci0000:00/0000:09:00.0/net/eth0");
	first(&a1, 0);
}
END_TEST

static void block(const char *name, const char *under, const char *number)
{
	char path[128], target[128], file[160];

	snprintf(path, sizeof(path), "sys/class/block/%s", name);
	snprintf(target, sizeof(target), "../../devices/%s/%s", under, name);
	snprintf(file, sizeof(file), "sys/devices/%s/%s/dev", under, name);
	tree_link(path, target);
	tree_file(file, number);
}

START_TEST(a_mount_is_a_use)
{
	block("sdq", "pci0/" A1, "65:0\n");
	block("sdq1", "pci0/" A1 "/sdq", "65:1\n");
	first(&a1, 0);
	tree_file("proc/self/mountinfo", "junk\n\n1 2\n30 1 65:10 / /other rw - ext4 /dev/sdx rw\n"
					 "31 1 65:1 / /data rw shared:1 - ext4 /dev/root rw\n");
	holds(first(&a1, 1), "block device sdq1 is mounted on /data");
	tree_file("proc/self/mountinfo", "32 1 0:44 / /b rw - btrfs /dev/sdq rw\n");
	holds(first(&a1, 1), "block device sdq is mounted on /b");
}
END_TEST

START_TEST(a_mount_of_multipath_nvme_is_a_use)
{
	block("nvme1c3n2", "pci0/" A1 "/nvme/nvme3", "0:0\n");
	block("nvme1n2", "virtual/nvme-subsystem/nvme-subsys1", "259:4\n");
	block("nvme1n2p1", "virtual/nvme-subsystem/nvme-subsys1/nvme1n2", "259:5\n");
	block("nvme0n2p1", "virtual/nvme-subsystem/nvme-subsys0/nvme0n2", "259:6\n");
	tree_file("proc/self/mountinfo", "31 1 259:6 / / rw - ext4 /dev/root rw\n");
	first(&a1, 0);
	tree_file("proc/self/mountinfo", "31 1 259:5 / / rw - ext4 /dev/root rw\n");
	holds(first(&a1, 1), "block device nvme1n2p1 is mounted on /");
}
END_TEST

/* Heads that lead to each other end the search, too. */
START_TEST(links_in_a_circle_end)
{
	block("nvme0c0n1", "pci0/" A1 "/nvme1n1", "0:0\n");
	block("nvme1c0n1", "pci0/" A1 "/nvme0n1", "0:0\n");
	first(&a1, 0);
}
END_TEST

START_TEST(swap_and_holders_are_uses)
{
	block("sdq", "pci0/" A1, "65:0\n");
	tree_file("proc/swaps", "Filename\n/dev/sdq1 partition 1 0 -2\n");
	first(&a1, 0);
	tree_file("proc/swaps",
		  "Filename\n/dev/sdq1 partition 1 0 -2\n/dev/sdq partition 1 0 -2\n");
	holds(first(&a1, 1), "sdq is swap space");
	tree_file("proc/swaps", "");
	tree_file("sys/devices/pci0/" A1 "/sdq/holders/dm-0/dev", "");
	holds(first(&a1, 1), "sdq is held by dm-0");
}
END_TEST

START_TEST(an_open_block_node_is_a_use)
{
	block("sdq", "pci0/" A1, "65:0\n");
	tree_link("proc/77/fd/0", tree_path("dev/sdq"));
	holds(first(&a1, 1), "dev/sdq open");
}
END_TEST

TCase *uses_case(void)
{
	TCase *c = tcase_create("uses");

	tcase_add_checked_fixture(c, tree_begin, tree_end);
	tcase_add_test(c, nobody_uses_it);
	tcase_add_test(c, a_process_has_the_group_open);
	tcase_add_test(c, a_process_has_the_device_node_open);
	tcase_add_test(c, a_device_without_its_group_is_told_by_fdinfo);
	tcase_add_test(c, an_interface_that_is_up_is_a_use);
	tcase_add_test(c, a_mount_is_a_use);
	tcase_add_test(c, a_mount_of_multipath_nvme_is_a_use);
	tcase_add_test(c, links_in_a_circle_end);
	tcase_add_test(c, swap_and_holders_are_uses);
	tcase_add_test(c, an_open_block_node_is_a_use);
	return c;
}
