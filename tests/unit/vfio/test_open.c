/* SPDX-License-Identifier: BSD-2-Clause */
/* Opening a device by VFIO: which way is chosen, what is refused and why, and that nothing is left. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fake_kernel.h"

#define TOKEN "00112233-4455-6677-8899-aabbccddeeff"

static struct weft_bus *bus;

static void close_bus(void)
{
	bus->ops->close(bus);
	bus = NULL;
	fk_check_clean();
}

static void expect_refused(const char *spec, int err, const char *text)
{
	int rc = weft_bus_open(spec, &bus);

	ck_assert_msg(rc == err, "%s: %d (%s)", spec, rc, weft_last_error());
	ck_assert_msg(strstr(weft_last_error(), text) != NULL, "not \"%s\" in: %s", text,
		      weft_last_error());
	fk_check_clean();
}

static void expect_open(const char *spec)
{
	int rc = weft_bus_open(spec, &bus);

	ck_assert_msg(rc == 0, "%s: %d (%s)", spec, rc, weft_last_error());
	ck_assert_str_eq(bus->ops->name, "vfio");
}

static const char *way(void)
{
	return ((struct vk_bus *)bus)->iommu->name;
}

START_TEST(node_is_first_choice)
{
	expect_open(FK_BDF);
	ck_assert_str_eq(way(), "cdev");
	ck_assert_uint_eq(fk->resets, 1);
	ck_assert(fk->config[4] & 4);
	close_bus();
	ck_assert_uint_eq(fk->resets, 2);
	ck_assert(!(fk->config[4] & 4));
}
END_TEST

START_TEST(group_where_there_is_no_node)
{
	fk->node = false;
	expect_open(FK_BDF);
	ck_assert_str_eq(way(), "group");
	close_bus();
}
END_TEST

START_TEST(group_where_there_is_no_iommufd)
{
	fk->iommufd = false;
	expect_open("vfio:" FK_BDF);
	ck_assert_str_eq(way(), "group");
	close_bus();
}
END_TEST

START_TEST(mode_is_obeyed)
{
	expect_open("vfio:" FK_BDF ",mode=group");
	ck_assert_str_eq(way(), "group");
	close_bus();
	fk->group = false;
	expect_open("vfio:" FK_BDF ",mode=cdev");
	ck_assert_str_eq(way(), "cdev");
	close_bus();
	expect_refused("vfio:" FK_BDF ",mode=group", -ENOENT, "/dev/vfio/7 is not there");
	fk->group = true;
	fk->iommufd = false;
	expect_refused("vfio:" FK_BDF ",mode=cdev", -ENOENT, "/dev/iommu: No such file");
}
END_TEST

START_TEST(both_ways_closed_tells_both)
{
	fk->node = fk->group = false;
	expect_refused(FK_BDF, -ENOENT, "/dev/vfio/7 is not there: the device has vfio-pci");
	ck_assert_ptr_nonnull(strstr(weft_last_error(), "by device node: no device node"));
}
END_TEST

START_TEST(short_and_capital_addresses)
{
	expect_open("05:00.0");
	close_bus();
	expect_open("vfio:05:00.0");
	close_bus();
	expect_open("vfio:0000:05:00.0");
	close_bus();
}
END_TEST

START_TEST(senseless_names)
{
	static const struct {
		const char *spec, *text;
	} bad[] = {
		{ "vfio:", "which device" },
		{ "vfio", "which device" },
		{ "vfio:0000:05:20.0", "no PCI address" },
		{ "vfio:0000:05:00.8", "no PCI address" },
		{ "vfio:0000:05:00", "no PCI address" },
		{ "vfio:0000:05:00.00", "no PCI address" },
		{ "vfio:0000:105:00.0", "no PCI address" },
		{ "vfio:000000000:05:00.0", "no PCI address" },
		{ "vfio:0:05:00.0", "no PCI address" },
		{ "vfio:5:0.0", "no PCI address" },
		{ "vfio:../../etc/passwd", "no PCI address" },
		{ "vfio:" FK_BDF ",mode", "option" },
		{ "vfio:" FK_BDF ",mode=fast", "option" },
		{ "vfio:" FK_BDF ",noiommu=yes", "option" },
		{ "vfio:" FK_BDF ",dma_bits=12", "option" },
		{ "vfio:" FK_BDF ",dma_bits=269", "option" },
		{ "vfio:" FK_BDF ",dma_bits=39x", "option" },
		{ "vfio:" FK_BDF ",token=0011", "option" },
		{ "vfio:" FK_BDF ",token=" TOKEN "0", "option" },
		{ "vfio:" FK_BDF ",colour=red", "option" },
		{ "0000:05:00", "unknown device" },
	};
	unsigned int i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		expect_refused(bad[i].spec, -EINVAL, bad[i].text);
	ck_assert_int_eq(weft_bus_open("vfio:" FK_BDF ",token=" TOKEN ",mode=x", &bus), -EINVAL);
	ck_assert_ptr_null(strstr(weft_last_error(), "8899")); /* a secret stays one */
	ck_assert_uint_eq(fk->calls, 0);
}
END_TEST

START_TEST(senseless_options)
{
	struct weft_vfio_options opt = { .bar = 6 };

	ck_assert_int_eq(weft_bus_open_vfio(FK_BDF, &opt, &bus), -EINVAL);
	opt = (struct weft_vfio_options){ .dma_bits = 65 };
	ck_assert_int_eq(weft_bus_open_vfio(FK_BDF, &opt, &bus), -EINVAL);
	opt = (struct weft_vfio_options){ .mode = 3 };
	ck_assert_int_eq(weft_bus_open_vfio(FK_BDF, &opt, &bus), -EINVAL);
}
END_TEST

START_TEST(device_that_is_not_there)
{
	expect_refused("0000:06:00.0", -ENOENT, "no such PCI device");
}
END_TEST

START_TEST(device_in_no_group)
{
	fk->group_node = false;
	fk->driver = "../../drivers/nvme";
	expect_refused(FK_BDF, -ENOENT, "in no IOMMU group, its driver: nvme");
}
END_TEST

START_TEST(sysfs_that_lies)
{
	static const char *const links[] = {
		"", "/", "iommu_groups/", "seven", "7/..", "-7", "iommu_groups/1234567890123456"
	};
	static const char *const nodes[] = { "", "sda", "vfio",
					     "vfio3333333333333333333333333333" };
	unsigned int i;

	for (i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		fk->group_link = links[i];
		expect_refused(FK_BDF, -EPROTO, "sysfs names no IOMMU group");
	}
	fk->group_link = "7";
	for (i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++) {
		fk->node_name = nodes[i];
		expect_refused("vfio:" FK_BDF ",mode=cdev", -ENOENT, "");
	}
	expect_open(FK_BDF);
	ck_assert_str_eq(way(), "group");
	close_bus();
}
END_TEST

START_TEST(device_of_another_driver)
{
	fk->node = fk->group = false;
	fk->driver = "../../drivers/nvme";
	expect_refused(FK_BDF, -ENOENT, "the device has nvme, bind it to vfio-pci");
}
END_TEST

START_TEST(other_pci_device)
{
	struct weft_vfio_options any = { 0 };

	memcpy(fk->config, "\x34\x12\xe8\x11", 4);
	expect_refused(FK_BDF, -ENODEV, "PCI device 1234:11e8 is not 1b36:0f0e");
	ck_assert_uint_eq(fk->resets, 0); /* it is not ours to touch */
	ck_assert_int_eq(weft_bus_open_vfio(FK_BDF, &any, &bus), 0);
	close_bus();
}
END_TEST

START_TEST(bar_too_small)
{
	struct weft_vfio_options opt = { .bar = 2 };

	fk->bar_size = 0x4000;
	expect_refused(FK_BDF, -EPROTO, "BAR 0 has 16384 bytes, 1048576 are wanted");
	ck_assert_int_eq(weft_bus_open_vfio(FK_BDF, &opt, &bus), -EPROTO);
	fk_check_clean();
}
END_TEST

START_TEST(no_access)
{
	fk->open_error = EACCES;
	expect_refused(FK_BDF, -EACCES, "no access to /dev/vfio/7");
	ck_assert_ptr_nonnull(strstr(weft_last_error(), "udev rule"));
}
END_TEST

START_TEST(in_use)
{
	fk->others = true;
	expect_refused(FK_BDF, -EBUSY, "in use by another program");
	expect_refused("vfio:" FK_BDF ",mode=group", -EBUSY, "in use by another program");
}
END_TEST

START_TEST(group_not_viable)
{
	fk->sibling = "0000:05:00.1";
	fk->sibling_driver = "../../drivers/e1000e";
	expect_refused(FK_BDF, -EBUSY, "also holds 0000:05:00.1 (e1000e)");
	expect_refused("vfio:" FK_BDF ",mode=group", -EBUSY, "also holds 0000:05:00.1 (e1000e)");
	fk->sibling_driver = NULL;
	expect_open(FK_BDF);
	close_bus();
}
END_TEST

START_TEST(no_interrupt_remapping)
{
	fk->no_remapping = true;
	expect_refused(FK_BDF, -EPERM, "does not remap interrupts");
	expect_refused("vfio:" FK_BDF ",mode=cdev", -EPERM, "does not remap interrupts");
}
END_TEST

START_TEST(no_iommu_only_when_asked_for)
{
	fk->no_iommu = true;
	fk->node = false;
	expect_refused(FK_BDF, -EPERM, "noiommu=allow");
	expect_open("vfio:" FK_BDF ",noiommu=allow");
	ck_assert_str_eq(way(), "no-IOMMU");
	ck_assert_uint_eq(bus->ops->dma_huge, 2u << 20);
	close_bus();
	fk->no_iommu = false;
	expect_open("vfio:" FK_BDF ",noiommu=allow"); /* an IOMMU that is there is used */
	ck_assert_str_eq(way(), "group");
	ck_assert_uint_eq(bus->ops->dma_huge, 0);
	close_bus();
}
END_TEST

START_TEST(token_by_group)
{
	fk->token = TOKEN;
	expect_refused("vfio:" FK_BDF ",mode=group", -EACCES, "token is wanted");
	expect_refused("vfio:" FK_BDF ",mode=group,token=ffffffff-4455-6677-8899-aabbccddeeff",
		       -EACCES, "another VF token");
	expect_open("vfio:" FK_BDF ",mode=group,token=" TOKEN);
	close_bus();
}
END_TEST

/* Kernels before 6.18 take a token by group only. */
START_TEST(token_by_node)
{
	fk->token = TOKEN;
	expect_open("vfio:" FK_BDF ",token=" TOKEN);
	ck_assert_str_eq(way(), "group");
	close_bus();
	expect_refused("vfio:" FK_BDF ",mode=cdev,token=" TOKEN, -EOPNOTSUPP, "no VF token");
	fk->token_by_node = true;
	expect_refused("vfio:" FK_BDF ",mode=cdev", -EACCES, "token is wanted");
	expect_refused("vfio:" FK_BDF ",mode=cdev,token=ffffffff-4455-6677-8899-aabbccddeeff",
		       -EACCES, "another VF token");
	expect_open("vfio:" FK_BDF ",token=" TOKEN);
	ck_assert_str_eq(way(), "cdev");
	close_bus();
}
END_TEST

/* --- one call fails --------------------------------------------------------------------------------- */

static const int errors[] = { EIO, ENOMEM, ENOTTY, ENOENT, EACCES, EBUSY, EINVAL, EMFILE, EINTR };

/*
 * Each system call of an open fails in turn, with each of the errors. Either the open fails and says
 * why, or it found another way and works. Nothing is left of either. Returns how many calls failed.
 */
static unsigned int each_call_fails(const char *spec, void (*prepare)(void))
{
	unsigned int e, n, cases = 0;

	for (e = 0; e < sizeof(errors) / sizeof(errors[0]); e++)
		for (n = 1;; n++) {
			bool failed;
			int rc;

			fk_free();
			fk_new();
			prepare();
			fk->fail_at = n;
			fk->fail_with = errors[e];
			weft_set_error(0, "%s", "");
			rc = weft_bus_open(spec, &bus);
			failed = fk->failed;
			if (rc)
				ck_assert_msg(!strncmp(weft_last_error(), "vfio: " FK_BDF ": ", 20),
					      "call %u, %s: no word why: \"%s\"", n,
					      strerror(errors[e]), weft_last_error());
			else
				bus->ops->close(bus);
			fk_check_clean();
			if (!failed) {
				ck_assert_int_eq(rc, 0);
				break;
			}
			cases++;
		}
	return cases;
}

static void as_it_is(void)
{
}

static void with_sparse_areas(void)
{
	fk->n_sparse = 2;
	fk->sparse[0] = (struct vk_area){ .off = 0, .len = 0x1000 };
	fk->sparse[1] = (struct vk_area){ .off = 0x2000, .len = 0x1000 };
}

static void without_iommu(void)
{
	fk->no_iommu = true;
	fk->node = false;
}

START_TEST(failed_open_leaves_nothing_node)
{
	ck_assert_uint_gt(each_call_fails("vfio:" FK_BDF ",mode=cdev", as_it_is), 100);
}
END_TEST

START_TEST(failed_open_leaves_nothing_group)
{
	ck_assert_uint_gt(each_call_fails("vfio:" FK_BDF ",mode=group", with_sparse_areas), 100);
}
END_TEST

START_TEST(failed_open_leaves_nothing_auto)
{
	ck_assert_uint_gt(each_call_fails(FK_BDF, as_it_is), 100);
}
END_TEST

START_TEST(failed_open_leaves_nothing_no_iommu)
{
	ck_assert_uint_gt(each_call_fails("vfio:" FK_BDF ",noiommu=allow", without_iommu), 100);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("vfio-open");
	TCase *t = tcase_create("open");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(t, fk_new, fk_free);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, node_is_first_choice);
	tcase_add_test(t, group_where_there_is_no_node);
	tcase_add_test(t, group_where_there_is_no_iommufd);
	tcase_add_test(t, mode_is_obeyed);
	tcase_add_test(t, both_ways_closed_tells_both);
	tcase_add_test(t, short_and_capital_addresses);
	tcase_add_test(t, senseless_names);
	tcase_add_test(t, senseless_options);
	tcase_add_test(t, device_that_is_not_there);
	tcase_add_test(t, device_in_no_group);
	tcase_add_test(t, sysfs_that_lies);
	tcase_add_test(t, device_of_another_driver);
	tcase_add_test(t, other_pci_device);
	tcase_add_test(t, bar_too_small);
	tcase_add_test(t, no_access);
	tcase_add_test(t, in_use);
	tcase_add_test(t, group_not_viable);
	tcase_add_test(t, no_interrupt_remapping);
	tcase_add_test(t, no_iommu_only_when_asked_for);
	tcase_add_test(t, token_by_group);
	tcase_add_test(t, token_by_node);
	tcase_add_test(t, failed_open_leaves_nothing_node);
	tcase_add_test(t, failed_open_leaves_nothing_group);
	tcase_add_test(t, failed_open_leaves_nothing_auto);
	tcase_add_test(t, failed_open_leaves_nothing_no_iommu);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
