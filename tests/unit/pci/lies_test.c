/* SPDX-License-Identifier: BSD-2-Clause */
/* A sysfs that lies: each file in turn is missing, of another kind, or holds what cannot be. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <weft/dev.h>

#include "pci_test.h"
#include "tree.h"

static const struct weft_pci_addr a0 = { 0, 1, 0, 0 };

static const char *file(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "sys/bus/pci/devices/" A0 "/%s", name);
	return path;
}

/* What cannot be in a file: text, and what is said of it. */
static const struct {
	const char *name;
	const char *text;
	const char *said;
} lies[] = {
	{ "vendor", "junk\n", "vendor: \"junk\" is no number" },
	{ "vendor", "", "vendor: \"\" is no number" },
	{ "vendor", "0x1b36 0x0f0e\n", "is no number" },
	{ "vendor", "0x11b36\n", "is no number in 0..65535" },
	{ "vendor", "-1\n", "is no number" },
	{ "device", "99999999999999999999999\n", "is no number" },
	{ "device", "0x0f\x01\n", "byte 4 is no text" },
	{ "class", "red\n", "class: \"red\" is no number" },
	{ "numa_node", "4096\n", "numa_node" },
	{ "numa_node", "-2\n", "numa_node" },
	{ "current_link_speed", "fast\n", "\"fast\" is no speed" },
	{ "max_link_speed", "1e9 GT/s\n", "is no speed" },
	{ "max_link_width", "many\n", "\"many\" is no number" },
	{ "driver_override", "\x80\n", "is no text" },
};

START_TEST(garbage_is_named)
{
	struct weft_pci_dev d;
	int rc;

	tree_file(file(lies[_i].name), lies[_i].text);
	rc = weft_pci_get(&a0, &d);
	if (!strcmp(lies[_i].name, "vendor") || !strcmp(lies[_i].name, "device"))
		ck_assert_int_eq(rc, -EIO);
	else
		ck_assert_int_eq(rc, 0);
	holds(rc ? weft_last_error() : d.trouble, lies[_i].said);
	holds(rc ? weft_last_error() : d.trouble, A0);
}
END_TEST

static const char *const id_files[] = { "vendor", "device" };

START_TEST(missing_ids_are_named)
{
	struct weft_pci_dev d;

	tree_remove(file(id_files[_i]));
	ck_assert_int_eq(weft_pci_get(&a0, &d), -EIO);
	holds(weft_last_error(), "is missing");
}
END_TEST

/* Nothing blocks, nothing is read without end: a hang would be Check's timeout. */
START_TEST(other_kinds_of_files_are_refused)
{
	static const char *const names[] = { "vendor", "class", "driver_override",
					     "current_link_speed" };
	struct weft_pci_dev d;
	unsigned int i;

	for (i = 0; i < 4; i++) {
		const char *said;

		tree_fifo(file(names[i]));
		said = weft_pci_get(&a0, &d) ? weft_last_error() : d.trouble;
		holds(said, "is no regular file");
		tree_link(file(names[i]), "/dev/zero");
		said = weft_pci_get(&a0, &d) ? weft_last_error() : d.trouble;
		holds(said, "is no regular file");
		tree_link(file(names[i]), i ? "vendor" : "device");
	}
}
END_TEST

START_TEST(a_long_file_is_cut_off)
{
	char *big = malloc(100001);
	struct weft_pci_dev d;

	memset(big, '0', 100000);
	big[100000] = '\0';
	tree_file(file("vendor"), big);
	free(big);
	ck_assert_int_eq(weft_pci_get(&a0, &d), -EFBIG);
	holds(weft_last_error(), "more than");
}
END_TEST

static const struct {
	const char *name;
	const char *target;
	const char *said;
} links[] = {
	{ "driver", "../../drivers/gone", "points to ../../drivers/gone, which is not there" },
	{ "driver", "..", "is no name" },
	{ "iommu_group", "../../../../kernel/iommu_groups/99", "is not there" },
	{ "iommu_group", "../../../../kernel", "\"kernel\" is no group number" },
	{ "iommu_group", "/", "is no name" },
	{ "iommu_group", "iommu_group", "is not there" }, /* a loop */
};

START_TEST(links_to_nowhere_are_named)
{
	struct weft_pci_dev d;

	tree_link(file(links[_i].name), links[_i].target);
	ck_assert_int_eq(weft_pci_get(&a0, &d), 0);
	holds(d.trouble, links[_i].said);
	ck_assert(!strcmp(links[_i].name, "driver") ? !d.driver[0] : d.group == -1);
}
END_TEST

START_TEST(a_file_in_place_of_a_link_is_named)
{
	struct weft_pci_dev d;

	tree_remove(file("driver"));
	tree_file(file("driver"), "vfio-pci");
	ck_assert_int_eq(weft_pci_get(&a0, &d), 0);
	holds(d.trouble, "driver is no link");
}
END_TEST

START_TEST(a_device_with_broken_ids_does_not_hide_the_others)
{
	struct weft_pci_dev *list;
	size_t n;

	tree_fifo(file("vendor"));
	ck_assert_int_eq(weft_pci_scan(NULL, 0, &list, &n), 0);
	ck_assert_uint_eq(n, 1);
	ck_assert_str_eq(list[0].name, B0);
	free(list);
}
END_TEST

START_TEST(a_bus_with_other_names_is_refused)
{
	struct weft_pci_dev *list;
	size_t n;

	tree_file("sys/bus/pci/devices/junk/vendor", "0x1b36\n");
	ck_assert_int_eq(weft_pci_scan(NULL, 0, &list, &n), -EIO);
	holds(weft_last_error(), "junk");
}
END_TEST

/* A group in which something is wrong, and what is said. */
static void group_says(const char *said)
{
	struct weft_pci_dev d;
	char text[200];

	ck_assert_int_eq(weft_pci_get(&a0, &d), 0);
	ck_assert_int_lt(weft_pci_viable(&d, text, sizeof(text)), 0);
	holds(weft_last_error(), said);
}

START_TEST(groups_that_lie_are_refused)
{
	const char *dir = "sys/kernel/iommu_groups/7/devices/";
	char path[128];

	snprintf(path, sizeof(path), "%s01:00.0", dir);
	tree_link(path, "../../../../bus/pci/devices/" A0);
	group_says("lists 0000:01:00.0 as \"01:00.0\"");
	tree_remove(path);
	snprintf(path, sizeof(path), "%s0000:0A:00.0", dir);
	tree_link(path, "nowhere");
	group_says("as \"0000:0A:00.0\"");
	tree_remove(path);
	snprintf(path, sizeof(path), "%s" B0, dir);
	tree_link(path, "../../../../bus/pci/devices/" B0);
	group_says("says it is in 8");
	tree_remove(path);
	snprintf(path, sizeof(path), "%s0000:05:00.0", dir);
	tree_link(path, "nowhere");
	group_says("there is no PCI device 0000:05:00.0");
	tree_remove(path);
	snprintf(path, sizeof(path), "%s\33[2J", dir);
	tree_file(path, "");
	group_says("\"?[2J\" is no device's name");
	tree_remove(path);
	snprintf(path, sizeof(path), "%s" A0, dir);
	tree_remove(path);
	group_says("does not list 0000:01:00.0");
	tree_remove("sys/kernel/iommu_groups/7/devices");
	group_says("No such file");
	tree_file("sys/kernel/iommu_groups/7/devices", "");
	group_says("Not a directory");
}
END_TEST

START_TEST(an_empty_group_is_refused)
{
	struct weft_pci_member *list;
	size_t n;

	tree_remove("sys/kernel/iommu_groups/8/devices/" B0);
	ck_assert_int_eq(weft_pci_group(8, &list, &n), -EIO);
	holds(weft_last_error(), "lists no device");
	ck_assert_ptr_null(list);
}
END_TEST

/* One lie in place of a file of A0. */
enum lie {
	GONE,
	EMPTY,
	JUNK,
	BINARY,
	PIPE,
	FOLDER,
	NOWHERE,
	LOOP,
	ENDLESS,
	N_LIES,
};

static void tell_lie(const char *path, enum lie lie)
{
	const char *full = tree_path("%s", path);
	char inside[300];

	if (!access(full, F_OK))
		tree_remove(path);
	snprintf(inside, sizeof(inside), "%s/x/y", path);
	if (lie == EMPTY || lie == JUNK || lie == BINARY)
		tree_file(path, lie == EMPTY ? "" : lie == JUNK ? "% s %n -1\n" : "\1\377\n\n\n");
	else if (lie == PIPE)
		tree_fifo(path);
	else if (lie == FOLDER)
		tree_file(inside, "");
	else if (lie == NOWHERE || lie == LOOP || lie == ENDLESS)
		tree_link(path, lie == NOWHERE ? "../nowhere" :
				lie == LOOP    ? strrchr(full, '/') + 1 :
						 "/dev/zero");
}

static void no_check(void *arg, const struct weft_pci_check *check)
{
	(void)arg;
	ck_assert_ptr_nonnull(check->name);
}

/* Whatever is asked of that machine ends, and what it returns can be freed. */
static void ask_everything(void)
{
	struct weft_pci_member *members;
	struct weft_pci_use *uses;
	struct weft_pci_dev *list, d;
	char text[64];
	size_t n;

	weft_pci_scan(NULL, 0, &list, &n);
	free(list);
	weft_pci_group(7, &members, &n);
	free(members);
	weft_pci_check_machine(no_check, NULL);
	if (weft_pci_get(&a0, &d))
		return;
	weft_pci_viable(&d, text, sizeof(text));
	weft_pci_uses(&d, &uses, &n, NULL);
	free(uses);
	weft_pci_check_dev(&d, no_check, NULL);
}

static const char *const places[] = {
	"sys/bus/pci/devices/" A0 "/vendor",
	"sys/bus/pci/devices/" A0 "/device",
	"sys/bus/pci/devices/" A0 "/class",
	"sys/bus/pci/devices/" A0 "/driver_override",
	"sys/bus/pci/devices/" A0 "/numa_node",
	"sys/bus/pci/devices/" A0 "/current_link_speed",
	"sys/bus/pci/devices/" A0 "/max_link_width",
	"sys/bus/pci/devices/" A0 "/reset_method",
	"sys/bus/pci/devices/" A0 "/driver",
	"sys/bus/pci/devices/" A0 "/iommu_group",
	"sys/bus/pci/devices/" A0 "/vfio-dev",
	"sys/bus/pci/devices/" A0 "/uio",
	"sys/bus/pci/devices/" A1 "/driver",
	"sys/kernel/iommu_groups/7/devices",
	"sys/kernel/iommu_groups",
	"sys/class/net",
	"sys/class/block/x",
	"sys/class/iommu/dmar0/intel-iommu/ecap",
	"sys/bus/pci/drivers",
	"proc/self",
	"proc/1/fd",
	"proc/cpuinfo",
	"proc/cmdline",
	"proc/self/mountinfo",
	"proc/sys/kernel/osrelease",
	"dev/vfio/vfio",
};

START_TEST(every_file_may_lie)
{
	enum lie lie;

	for (lie = GONE; lie < N_LIES; lie++) {
		tell_lie(places[_i], lie);
		ask_everything();
	}
}
END_TEST

TCase *lies_case(void)
{
	TCase *c = tcase_create("lies");

	tcase_add_checked_fixture(c, tree_begin, tree_end);
	tcase_add_loop_test(c, garbage_is_named, 0, (int)(sizeof(lies) / sizeof(lies[0])));
	tcase_add_loop_test(c, missing_ids_are_named, 0, 2);
	tcase_add_test(c, other_kinds_of_files_are_refused);
	tcase_add_test(c, a_long_file_is_cut_off);
	tcase_add_loop_test(c, links_to_nowhere_are_named, 0,
			    (int)(sizeof(links) / sizeof(links[0])));
	tcase_add_test(c, a_file_in_place_of_a_link_is_named);
	tcase_add_test(c, a_device_with_broken_ids_does_not_hide_the_others);
	tcase_add_test(c, a_bus_with_other_names_is_refused);
	tcase_add_test(c, groups_that_lie_are_refused);
	tcase_add_test(c, an_empty_group_is_refused);
	tcase_add_loop_test(c, every_file_may_lie, 0, (int)(sizeof(places) / sizeof(places[0])));
	return c;
}
