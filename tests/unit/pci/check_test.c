/* SPDX-License-Identifier: BSD-2-Clause */
/* The diagnosis: for each check a machine that passes, and one that does not. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weft/dev.h>

#include "pci_test.h"
#include "tree.h"

static const struct weft_pci_addr a0 = { 0, 1, 0, 0 };
static const char *wanted;
static struct weft_pci_check found;
static char found_mend[320];

static void on_check(void *arg, const struct weft_pci_check *c)
{
	(void)arg;
	if (strcmp(c->name, wanted))
		return;
	ck_assert_msg(!found.name, "%s twice", wanted);
	found = *c;
	strcpy(found_mend, c->mend);
}

/* The check of this name must have this result; text is part of it. */
static void expect(const char *name, enum weft_pci_level level, const char *text)
{
	struct weft_pci_dev d;

	wanted = name;
	found.name = NULL;
	weft_pci_check_machine(on_check, NULL);
	ck_assert_int_eq(weft_pci_get(&a0, &d), 0);
	weft_pci_check_dev(&d, on_check, NULL);
	ck_assert_msg(found.name != NULL, "no check %s", name);
	ck_assert_msg(found.level == level, "%s: level %d: %s", name, found.level, found.text);
	holds(found.text, text);
}

static void expect_none(const char *name)
{
	wanted = name;
	found.name = NULL;
	weft_pci_check_machine(on_check, NULL);
	ck_assert_msg(!found.name, "%s: %s", name, found.text);
}

static void expect_none_of_device(const char *name)
{
	struct weft_pci_dev d;

	wanted = name;
	found.name = NULL;
	ck_assert_int_eq(weft_pci_get(&a0, &d), 0);
	weft_pci_check_dev(&d, on_check, NULL);
	ck_assert_msg(!found.name, "%s: %s", name, found.text);
}

START_TEST(kernel)
{
	tree_file("proc/sys/kernel/osrelease", "6.12.0-x\n");
	expect("kernel", WEFT_PCI_OK, "Linux 6.12.0-x");
	tree_file("proc/sys/kernel/osrelease", "6.1.0\n");
	expect("kernel", WEFT_PCI_OK, "come with 6.6");
	tree_file("proc/sys/kernel/osrelease", "4.19.0\n");
	expect("kernel", WEFT_PCI_WARN, "older");
	tree_remove("proc/sys");
	expect("kernel", WEFT_PCI_WARN, "unknown");
	expect("libpci", WEFT_PCI_OK, "3.");
}
END_TEST

START_TEST(iommu_off_says_how_to_switch_it_on)
{
	expect("iommu", WEFT_PCI_OK, "on: 2 groups");
	tree_remove("sys/kernel/iommu_groups");
	tree_file("proc/cpuinfo", "vendor_id\t: GenuineIntel\n");
	tree_file("proc/cmdline", "root=/dev/sda1 quiet\n");
	expect("iommu", WEFT_PCI_FAIL, "off");
	holds(found_mend, "intel_iommu=on");
	tree_file("proc/cmdline", "intel_iommu=on\n");
	expect("iommu", WEFT_PCI_FAIL, "off");
	holds(found_mend, "intel_iommu=on is given");
	tree_file("proc/cmdline", "x iommu=off\n");
	expect("iommu", WEFT_PCI_FAIL, "off");
	holds(found_mend, "take that away");
	tree_file("proc/cmdline", "amd_iommu=off");
	tree_file("proc/cpuinfo", "vendor_id\t: AuthenticAMD\n");
	expect("iommu", WEFT_PCI_FAIL, "off");
	holds(found_mend, "amd_iommu=off");
	expect_none("interrupts");
}
END_TEST

START_TEST(interrupts)
{
	expect("interrupts", WEFT_PCI_OK, "nothing says");
	tree_file("sys/class/iommu/dmar0/intel-iommu/ecap", "f020df\n");
	expect("interrupts", WEFT_PCI_OK, "remapped by 1 units");
	tree_file("sys/class/iommu/dmar1/intel-iommu/ecap", "f020d7\n");
	expect("interrupts", WEFT_PCI_FAIL, "dmar1 does not remap");
	tree_file("sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", "Y\n");
	expect("interrupts", WEFT_PCI_WARN, "allow_unsafe_interrupts is on");
	tree_file("sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", "N\n");
	tree_file("proc/cmdline", "intremap=off\n");
	expect("interrupts", WEFT_PCI_FAIL, "command line");
}
END_TEST

START_TEST(vfio_and_no_iommu_mode)
{
	expect("vfio-pci", WEFT_PCI_OK, "loaded");
	expect_none("no-iommu");
	tree_file("sys/module/vfio/parameters/enable_unsafe_noiommu_mode", "Y\n");
	expect("no-iommu", WEFT_PCI_WARN, "may write all memory");
	tree_remove("sys/bus/pci/drivers/vfio-pci");
	expect("vfio-pci", WEFT_PCI_FAIL, "not loaded");
	holds(found_mend, "modprobe vfio-pci");
}
END_TEST

START_TEST(nodes)
{
	expect("container", WEFT_PCI_FAIL, "dev/vfio/vfio: No such file");
	expect("iommufd", WEFT_PCI_OK, "not there");
	expect("node", WEFT_PCI_FAIL, "dev/vfio/7: No such file");
	tree_file("dev/iommu", "");
	expect("container", WEFT_PCI_OK, "without groups");
	tree_file("sys/bus/pci/devices/" A0 "/vfio-dev/vfio0/dev", "");
	tree_file("dev/vfio/devices/vfio0", "");
	expect("cdev", WEFT_PCI_OK, "open to this user");
	expect_none_of_device("node");
	tree_file("dev/vfio/vfio", "");
	tree_file("dev/vfio/7", "");
	tree_file("dev/iommu", "");
	expect("container", WEFT_PCI_OK, "open to this user");
	expect("iommufd", WEFT_PCI_OK, "open to this user");
	expect("node", WEFT_PCI_OK, "open to this user");
}
END_TEST

START_TEST(udev_rule)
{
	tree_file("root/usr/lib/udev/rules.d/60-weft.rules", "");
	expect("udev", WEFT_PCI_OK, "root/usr/lib/udev/rules.d/60-weft.rules");
}
END_TEST

START_TEST(a_device_that_is_ready)
{
	tree_remove("sys/bus/pci/devices/" A1 "/driver");
	tree_file("sys/bus/pci/devices/" A0 "/reset_method", "flr bus\n");
	expect("driver", WEFT_PCI_OK, "vfio-pci");
	expect("group", WEFT_PCI_OK, "7, viable");
	expect("use", WEFT_PCI_OK, "not in use");
	expect("reset", WEFT_PCI_OK, "function-level");
	expect_none("sysfs");
}
END_TEST

START_TEST(a_device_that_is_not)
{
	expect("group", WEFT_PCI_FAIL, "not viable: " A1 " (8086:1521) is with igb");
	tree_link("proc/9/fd/1", tree_path("dev/vfio/7"));
	expect("use", WEFT_PCI_WARN, "process 9");
	tree_link("sys/bus/pci/devices/" A0 "/driver", "../../drivers/igb");
	expect("driver", WEFT_PCI_FAIL, "is with igb");
	holds(found_mend, "weft bind " A0);
	tree_remove("sys/bus/pci/devices/" A0 "/driver");
	expect("driver", WEFT_PCI_FAIL, "has no driver");
	tree_file("sys/bus/pci/devices/" A0 "/reset_method", "bus\n");
	expect("reset", WEFT_PCI_WARN, "\"bus\"");
	tree_remove("sys/bus/pci/devices/" A0 "/iommu_group");
	expect("group", WEFT_PCI_FAIL, "no IOMMU group");
	tree_file("sys/bus/pci/devices/" A0 "/numa_node", "x\n");
	expect("sysfs", WEFT_PCI_FAIL, "numa_node");
}
END_TEST

START_TEST(links)
{
	static const char *const files[] = { "current_link_speed", "max_link_speed",
					     "current_link_width", "max_link_width" };
	static const struct {
		const char *text[4];
		enum weft_pci_level level;
		const char *said;
	} cases[] = {
		{ { "8.0 GT/s\n", "8.0 GT/s\n", "8\n", "8\n" }, WEFT_PCI_OK, "x8 at 8.0 GT/s" },
		{ { "8.0 GT/s\n", "8.0 GT/s\n", "4\n", "8\n" }, WEFT_PCI_WARN, "x4" },
		{ { "2.5 GT/s\n", "8.0 GT/s\n", "8\n", "8\n" }, WEFT_PCI_WARN, "2.5" },
		{ { "Unknown\n", "8.0 GT/s\n", "0\n", "8\n" }, WEFT_PCI_FAIL, "down" },
	};
	char path[128];
	unsigned int i;

	for (i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "sys/bus/pci/devices/" A0 "/%s", files[i]);
		tree_file(path, cases[_i].text[i]);
	}
	expect("link", cases[_i].level, cases[_i].said);
}
END_TEST

TCase *check_case(void)
{
	TCase *c = tcase_create("check");

	tcase_add_checked_fixture(c, tree_begin, tree_end);
	tcase_add_test(c, kernel);
	tcase_add_test(c, iommu_off_says_how_to_switch_it_on);
	tcase_add_test(c, interrupts);
	tcase_add_test(c, vfio_and_no_iommu_mode);
	tcase_add_test(c, nodes);
	tcase_add_test(c, udev_rule);
	tcase_add_test(c, a_device_that_is_ready);
	tcase_add_test(c, a_device_that_is_not);
	tcase_add_loop_test(c, links, 0, 4);
	return c;
}
