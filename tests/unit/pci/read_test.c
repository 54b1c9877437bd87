/* SPDX-License-Identifier: BSD-2-Clause */
/* What is there, read right: addresses, devices, groups, a dump. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <weft/dev.h>

#include "pci_test.h"
#include "tree.h"

static struct weft_pci_dev get(const char *name)
{
	struct weft_pci_addr addr;
	struct weft_pci_dev dev;

	ck_assert_int_eq(weft_pci_parse(name, &addr), 0);
	ck_assert_msg(!weft_pci_get(&addr, &dev), "%s: %s", name, weft_last_error());
	return dev;
}

START_TEST(addresses_are_taken_whole)
{
	static const char *const good[][2] = {
		{ "0000:01:00.0", "0000:01:00.0" },         { "ff:1f.7", "0000:ff:1f.7" },
		{ "0001:0A:0b.1", "0001:0a:0b.1" },         { "10000:01:00.0", "10000:01:00.0" },
		{ "7fffffff:ff:1f.7", "7fffffff:ff:1f.7" },
	};
	struct weft_pci_addr a;
	char text[WEFT_PCI_NAME];
	unsigned int i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		ck_assert_msg(!weft_pci_parse(good[i][0], &a), "%s", good[i][0]);
		weft_pci_format(&a, text);
		ck_assert_str_eq(text, good[i][1]);
	}
}
END_TEST

START_TEST(malformed_addresses_are_refused)
{
	static const char *const bad[] = {
		"",
		"0",
		"0000:01:00",
		"0000:01:00.8",
		"0000:01:20.0",
		"000:01:00.0",
		"0000:1:00.0",
		"0000:01:0.0",
		"0000:01:00.00",
		"0000:01:00.0 ",
		" 01:00.0",
		"0000:01:00.g",
		"../0000:01:00.0",
		"0000:01:00.0/..",
		"0000:01:00.0\n",
		"-001:01:00.0",
		"0x00:01:00.0",
		"80000000:01:00.0",
		"100000000:01:00.0",
		"01:00:00.0",
		"0000::00.0",
		":01:00.0",
	};
	struct weft_pci_addr a;
	unsigned int i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_assert_msg(weft_pci_parse(bad[i], &a) == -EINVAL, "\"%s\"", bad[i]);
		holds(weft_last_error(), "is no PCI address");
	}
	weft_pci_parse("\33[2J", &a);
	holds(weft_last_error(), "\"?[2J\"");
}
END_TEST

START_TEST(ids_are_taken_whole)
{
	static const char *const bad[] = { "1b36",       "1b36:",  "1b36:f0e",
					   "1b36:00f0e", "x:0f0e", "1b36:0f0e:" };
	struct weft_pci_id id;
	unsigned int i;

	ck_assert_int_eq(weft_pci_parse_id("1B36:0f0e", &id), 0);
	ck_assert(weft_pci_is_adapter(&id, NULL, 0));
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_int_eq(weft_pci_parse_id(bad[i], &id), -EINVAL);
}
END_TEST

START_TEST(scan_finds_the_adapters_in_order)
{
	const struct weft_pci_id more = { 0x8086, 0x1521 };
	struct weft_pci_dev *list;
	size_t n;

	ck_assert_int_eq(weft_pci_scan(NULL, 0, &list, &n), 0);
	ck_assert_uint_eq(n, 2);
	ck_assert_str_eq(list[0].name, A0);
	ck_assert_str_eq(list[0].driver, "vfio-pci");
	ck_assert_str_eq(list[1].name, B0);
	ck_assert_str_eq(list[1].driver, "");
	free(list);
	ck_assert_int_eq(weft_pci_scan(&more, 1, &list, &n), 0);
	ck_assert_uint_eq(n, 3);
	ck_assert_str_eq(list[1].name, A1);
	free(list);
}
END_TEST

START_TEST(a_machine_without_adapters_is_no_error)
{
	struct weft_pci_dev *list;
	size_t n = 1;

	tree_remove("sys/bus/pci/devices/" A0);
	tree_remove("sys/bus/pci/devices/" B0);
	ck_assert_int_eq(weft_pci_scan(NULL, 0, &list, &n), 0);
	ck_assert_uint_eq(n, 0);
	ck_assert_ptr_null(list);
	tree_remove("sys/bus/pci/devices");
	ck_assert_int_eq(weft_pci_scan(NULL, 0, &list, &n), -ENOENT);
	holds(weft_last_error(), "devices");
}
END_TEST

START_TEST(all_of_a_device_is_read)
{
	struct weft_pci_dev d;

	tree_file("sys/bus/pci/devices/" A0 "/numa_node", "1\n");
	tree_file("sys/bus/pci/devices/" A0 "/driver_override", "vfio-pci\n");
	tree_file("sys/bus/pci/devices/" A0 "/current_link_speed", "8.0 GT/s PCIe\n");
	tree_file("sys/bus/pci/devices/" A0 "/max_link_speed", "16 GT/s\n");
	tree_file("sys/bus/pci/devices/" A0 "/current_link_width", "4\n");
	tree_file("sys/bus/pci/devices/" A0 "/max_link_width", "8\n");
	tree_file("sys/bus/pci/devices/" A0 "/vfio-dev/vfio3/dev", "511:3\n");
	d = get(A0);
	ck_assert_str_eq(d.trouble, "");
	ck_assert_uint_eq(d.id.vendor, 0x1b36);
	ck_assert_uint_eq(d.id.device, 0x0f0e);
	ck_assert_uint_eq(d.class_code, 0x020000);
	ck_assert_int_eq(d.group, 7);
	ck_assert_int_eq(d.numa, 1);
	ck_assert_str_eq(d.override_, "vfio-pci");
	ck_assert_str_eq(d.vfio, "vfio3");
	ck_assert_uint_eq(d.link_speed, 8000);
	ck_assert_uint_eq(d.link_speed_max, 16000);
	ck_assert_uint_eq(d.link_width, 4);
	ck_assert_uint_eq(d.link_width_max, 8);
}
END_TEST

START_TEST(what_the_kernel_leaves_out_is_no_trouble)
{
	struct weft_pci_dev d;

	tree_remove("sys/bus/pci/devices/" B0 "/numa_node");
	tree_remove("sys/bus/pci/devices/" B0 "/driver_override");
	tree_remove("sys/bus/pci/devices/" B0 "/iommu_group");
	tree_file("sys/bus/pci/devices/" B0 "/current_link_speed", "Unknown\n");
	tree_file("sys/bus/pci/devices/" B0 "/max_link_width", "255\n");
	d = get(B0);
	ck_assert_str_eq(d.trouble, "");
	ck_assert_int_eq(d.group, -1);
	ck_assert_int_eq(d.numa, -1);
	ck_assert_uint_eq(d.link_speed, 0);
	ck_assert_uint_eq(d.link_width_max, 0);
}
END_TEST

START_TEST(a_group_is_viable_when_nobody_else_drives)
{
	struct weft_pci_member *list;
	struct weft_pci_dev d = get(A0);
	char text[200];
	size_t n;

	ck_assert_int_eq(weft_pci_group(7, &list, &n), 0);
	ck_assert_uint_eq(n, 3);
	ck_assert_str_eq(list[2].name, A1);
	ck_assert(list[2].blocks && !list[1].blocks && !list[0].blocks);
	free(list);
	ck_assert_int_eq(weft_pci_viable(&d, text, sizeof(text)), 0);
	ck_assert_str_eq(text, A1 " (8086:1521) is with igb");
	tree_remove("sys/bus/pci/devices/" A1 "/driver");
	ck_assert_int_eq(weft_pci_viable(&d, text, sizeof(text)), 1);
	ck_assert_str_eq(text, "");
}
END_TEST

/* Configuration space of an adapter with a PCI Express capability at 40h: x4 at 8 of x8 at 16 GT/s. */
static const char dump[] = "03:00.0 Ethernet controller: an adapter\n"
			   "00: 36 1b 0e 0f 06 00 10 00 01 00 00 02 00 00 00 00\n"
			   "10: 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00\n"
			   "20: 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00\n"
			   "30: 00 00 00 00 40 00 00 00 00 00 00 00 00 01 00 00\n"
			   "40: 10 00 02 00 00 00 00 00 00 00 00 00 84 00 00 00\n"
			   "50: 00 00 43 00 00 00 00 00 00 00 00 00 00 00 00 00\n\n"
			   "04:00.0 Host bridge: of another maker\n"
			   "00: 86 80 57 0d 06 00 10 00 01 00 00 06 00 00 00 00\n";

START_TEST(a_dump_stands_for_the_bus)
{
	const struct weft_pci_addr none = { 0, 9, 0, 0 };
	struct weft_pci_dev *list, d;
	size_t n;

	tree_file("dump", dump);
	setenv("WEFT_PCI_DUMP", tree_path("dump"), 1);
	ck_assert_int_eq(weft_pci_scan(NULL, 0, &list, &n), 0);
	ck_assert_uint_eq(n, 1);
	ck_assert_str_eq(list[0].name, "0000:03:00.0");
	ck_assert_uint_eq(list[0].class_code, 0x020000);
	ck_assert_uint_eq(list[0].link_width, 4);
	ck_assert_uint_eq(list[0].link_width_max, 8);
	ck_assert_uint_eq(list[0].link_speed, 8000);
	ck_assert_uint_eq(list[0].link_speed_max, 16000);
	ck_assert_int_eq(list[0].group, -1);
	free(list);
	d = get("04:00.0");
	ck_assert_uint_eq(d.id.device, 0x0d57);
	ck_assert_int_eq(weft_pci_get(&none, &d), -ENODEV);
}
END_TEST

START_TEST(a_bad_dump_is_told)
{
	static const char *const bad[] = { "03:00.0 x\n00: zz\n", "03:00.0 x\n000000000000: 01\n",
					   "00: 36 1b\n" };
	struct weft_pci_dev *list;
	size_t n;
	unsigned int i;

	setenv("WEFT_PCI_DUMP", tree_path("missing"), 1);
	ck_assert_int_eq(weft_pci_scan(NULL, 0, &list, &n), -EIO);
	holds(weft_last_error(), "missing");
	setenv("WEFT_PCI_DUMP", tree_path("dump"), 1);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		tree_file("dump", bad[i]);
		if (!weft_pci_scan(NULL, 0, &list, &n))
			ck_assert_msg(!n, "dump %u", i);
		else
			holds(weft_last_error(), "libpci: ");
	}
}
END_TEST

TCase *read_case(void)
{
	TCase *c = tcase_create("read");

	tcase_add_checked_fixture(c, tree_begin, tree_end);
	tcase_add_test(c, addresses_are_taken_whole);
	tcase_add_test(c, malformed_addresses_are_refused);
	tcase_add_test(c, ids_are_taken_whole);
	tcase_add_test(c, scan_finds_the_adapters_in_order);
	tcase_add_test(c, a_machine_without_adapters_is_no_error);
	tcase_add_test(c, all_of_a_device_is_read);
	tcase_add_test(c, what_the_kernel_leaves_out_is_no_trouble);
	tcase_add_test(c, a_group_is_viable_when_nobody_else_drives);
	tcase_add_test(c, a_dump_stands_for_the_bus);
	tcase_add_test(c, a_bad_dump_is_told);
	return c;
}
