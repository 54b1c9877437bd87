/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers, interrupts, events, reset and removal of a device behind the VFIO bus. */
#include <check.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "fake_kernel.h"

static struct weft_bus *bus;

static const char *const ways[] = { "vfio:" FK_BDF ",mode=cdev", "vfio:" FK_BDF ",mode=group" };

static void open_bus(int i)
{
	int rc = weft_bus_open(ways[i], &bus);

	ck_assert_msg(rc == 0, "%d: %s", rc, weft_last_error());
}

static void close_bus(void)
{
	bus->ops->close(bus);
	fk_check_clean();
}

static bool readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

static uint32_t bar32(uint32_t off)
{
	uint32_t val;

	memcpy(&val, fk->bar + off, sizeof(val));
	return val;
}

static void expect_reg(uint32_t off, uint32_t want)
{
	uint32_t val = 0;

	ck_assert_int_eq(bus->ops->read32(bus, off, &val), 0);
	ck_assert_uint_eq(val, want);
}

/* --- registers -------------------------------------------------------------------------------------- */

static void check_registers(unsigned int offs, const uint32_t *off)
{
	unsigned int i;
	uint32_t val;

	for (i = 0; i < offs; i++) {
		ck_assert_int_eq(bus->ops->write32(bus, off[i], 0xa0000000 + off[i]), 0);
		ck_assert_uint_eq(bar32(off[i]), 0xa0000000 + off[i]);
		expect_reg(off[i], 0xa0000000 + off[i]);
	}
	ck_assert_int_eq(bus->ops->read32(bus, 2, &val), -EINVAL);
	ck_assert_int_eq(bus->ops->read32(bus, FK_BAR_SIZE, &val), -EINVAL);
	ck_assert_int_eq(bus->ops->write32(bus, FK_BAR_SIZE - 2, 0), -EINVAL);
}

static const uint32_t places[] = { 0, 4, 0xffc, 0x1000, 0x1ffc, 0x2000, 0x2ffc, 0x3000 };

START_TEST(registers_by_mmap)
{
	unsigned int calls;

	open_bus(_i);
	ck_assert_uint_eq(fk->n_mmaps, 1);
	calls = fk->calls;
	check_registers(8, places);
	ck_assert_uint_eq(fk->calls, calls); /* no system call */
	close_bus();
}
END_TEST

START_TEST(registers_by_pread)
{
	fk->bar_mmap = false;
	open_bus(_i);
	ck_assert_uint_eq(fk->n_mmaps, 0);
	check_registers(8, places);
	close_bus();
}
END_TEST

START_TEST(registers_where_only_areas_may_be_mapped)
{
	fk->n_sparse = 2;
	fk->sparse[0] = (struct vk_area){ .off = 0, .len = 0x1000 };
	fk->sparse[1] = (struct vk_area){ .off = 0x2000, .len = 0x1000 };
	open_bus(_i);
	ck_assert_uint_eq(fk->n_mmaps, 2);
	check_registers(8, places);
	close_bus();
}
END_TEST

START_TEST(areas_that_make_no_sense)
{
	fk->n_sparse = 4;
	fk->sparse[0] = (struct vk_area){ .off = 0x800, .len = 0x1000 };
	fk->sparse[1] = (struct vk_area){ .off = 0x2000, .len = UINT64_MAX - 0xfff };
	fk->sparse[2] = (struct vk_area){ .off = 2 * FK_BAR_SIZE, .len = 0x1000 };
	fk->sparse[3] = (struct vk_area){ .off = 0, .len = 0 };
	open_bus(_i);
	ck_assert_uint_eq(fk->n_mmaps, 0);
	check_registers(8, places);
	close_bus();
}
END_TEST

START_TEST(all_ones_of_a_device_that_is_there)
{
	fk->bar_mmap = _i;
	open_bus(0);
	memset(fk->bar + 0x10, 0xff, 4);
	expect_reg(0x10, ~0u);
	close_bus();
}
END_TEST

START_TEST(device_vanishes)
{
	uint32_t val = 0;

	fk->bar_mmap = _i;
	open_bus(0);
	fk_surprise();
	ck_assert_int_eq(bus->ops->read32(bus, 0, &val), -ENODEV);
	ck_assert_uint_eq(val, ~0u);
	ck_assert_ptr_nonnull(strstr(weft_last_error(), "the device is gone"));
	ck_assert_int_eq(bus->ops->write32(bus, 0, 1), -ENODEV);
	ck_assert_int_eq(bus->ops->reset(bus), -ENODEV);
	close_bus();
}
END_TEST

START_TEST(device_vanishes_unseen_before_reset_and_close)
{
	open_bus(_i);
	fk_surprise();
	ck_assert_int_eq(bus->ops->reset(bus), -ENODEV);
	close_bus();
}
END_TEST

START_TEST(device_that_is_gone_already)
{
	fk_surprise();
	ck_assert_int_eq(weft_bus_open(ways[_i], &bus), -ENODEV);
	ck_assert_ptr_nonnull(strstr(weft_last_error(), "the device is gone"));
	fk_check_clean();
}
END_TEST

START_TEST(write_to_a_device_that_vanished)
{
	fk->bar_mmap = false;
	open_bus(_i);
	fk_surprise();
	ck_assert_int_eq(bus->ops->write32(bus, 0, 1), -ENODEV);
	close_bus();
}
END_TEST

/* --- events ----------------------------------------------------------------------------------------- */

static void check_event(uint32_t index, const char *text)
{
	uint32_t val;

	ck_assert(!readable(bus->ops->error_fd(bus)));
	ck_assert_int_eq(bus->ops->advance(bus, 0), 0);
	fk_event(index);
	ck_assert(readable(bus->ops->error_fd(bus)));
	ck_assert_int_eq(bus->ops->advance(bus, 0), -ENODEV);
	ck_assert_msg(strstr(weft_last_error(), text) != NULL, "%s", weft_last_error());
	ck_assert_int_eq(bus->ops->read32(bus, 0, &val), -ENODEV);
	ck_assert_int_eq(bus->ops->write32(bus, 0, 1), -ENODEV);
	ck_assert_int_eq(bus->ops->reset(bus), -ENODEV);
	ck_assert(readable(bus->ops->error_fd(bus))); /* for whoever else waits */
}

START_TEST(kernel_wants_it_back)
{
	open_bus(_i);
	check_event(VFIO_PCI_REQ_IRQ_INDEX, "wants the device back");
	close_bus();
	ck_assert_uint_eq(fk->resets, 2); /* put to rest all the same */
}
END_TEST

START_TEST(kernel_reports_an_error)
{
	open_bus(_i);
	check_event(VFIO_PCI_ERR_IRQ_INDEX, "fatal PCI error");
	close_bus();
}
END_TEST

/* A program that never sleeps looks at the events too, if not each time. */
START_TEST(event_is_seen_by_polls)
{
	unsigned int i;
	int rc = 0;

	open_bus(_i);
	fk_event(VFIO_PCI_REQ_IRQ_INDEX);
	for (i = 0; i < 5000 && !rc; i++)
		rc = bus->ops->advance(bus, 1000);
	ck_assert_int_eq(rc, -ENODEV);
	close_bus();
}
END_TEST

START_TEST(event_explains_all_ones)
{
	uint32_t val;

	open_bus(_i);
	fk_event(VFIO_PCI_ERR_IRQ_INDEX);
	fk_surprise();
	ck_assert_int_eq(bus->ops->read32(bus, 0, &val), -ENODEV);
	ck_assert_ptr_nonnull(strstr(weft_last_error(), "fatal PCI error"));
	close_bus();
}
END_TEST

START_TEST(device_without_error_event)
{
	fk->pcie = false;
	open_bus(_i);
	fk_event(VFIO_PCI_REQ_IRQ_INDEX);
	ck_assert(readable(bus->ops->error_fd(bus)));
	close_bus();
}
END_TEST

/* --- reset ------------------------------------------------------------------------------------------ */

START_TEST(reset_keeps_bus_mastering)
{
	open_bus(_i);
	bus->ops->write32(bus, 8, 5);
	fk->config[4] = 0;
	ck_assert_int_eq(bus->ops->reset(bus), 0);
	ck_assert_uint_eq(fk->resets, 2);
	ck_assert_uint_eq(fk->config[4] & 6, 6);
	expect_reg(8, 0);
	close_bus();
}
END_TEST

START_TEST(reset_waits_for_the_lock)
{
	open_bus(_i);
	fk->busy_resets = 5;
	ck_assert_int_eq(bus->ops->reset(bus), 0);
	fk->busy_resets = 1000;
	ck_assert_int_eq(bus->ops->reset(bus), -EBUSY);
	ck_assert_ptr_nonnull(strstr(weft_last_error(), "reset: "));
	close_bus();
}
END_TEST

START_TEST(device_vanishes_in_reset)
{
	open_bus(_i);
	fk->dies_in_reset = true;
	ck_assert_int_eq(bus->ops->reset(bus), -ENODEV);
	close_bus();
	fk->removed = false;
	ck_assert_int_eq(weft_bus_open(ways[_i], &bus), -ENODEV);
	ck_assert_ptr_nonnull(strstr(weft_last_error(), "the device is gone"));
	fk_check_clean();
}
END_TEST

START_TEST(no_reset)
{
	fk->flr = false;
	open_bus(_i);
	ck_assert_int_eq(bus->ops->reset(bus), -EOPNOTSUPP);
	ck_assert_ptr_nonnull(strstr(weft_last_error(), "no FLR"));
	expect_reg(0, 0);
	close_bus();
}
END_TEST

/* --- interrupts -------------------------------------------------------------------------------------- */

static int vector(unsigned int v)
{
	int fd = eventfd(0, EFD_NONBLOCK), rc;

	ck_assert_int_ge(fd, 0);
	rc = bus->ops->irq_set(bus, v, fd);
	ck_assert_msg(rc == 0, "vector %u: %d (%s)", v, rc, weft_last_error());
	return fd;
}

static bool take(int fd)
{
	uint64_t n;

	return read(fd, &n, sizeof(n)) == sizeof(n);
}

static void check_vectors(void)
{
	int a, b, c, last = bus->ops->irq_count(bus) - 1;

	ck_assert(!fk_fire(3));
	a = vector(3);
	ck_assert(fk_fire(3) && take(a));
	b = vector(0);
	c = vector((unsigned int)last);
	ck_assert(fk_fire(0) && take(b));
	ck_assert(fk_fire((uint32_t)last) && take(c));
	ck_assert_int_eq(bus->ops->irq_set(bus, 3, b), 0);
	ck_assert(fk_fire(3) && take(b));
	ck_assert_int_eq(bus->ops->irq_set(bus, 3, -1), 0);
	ck_assert_int_eq(bus->ops->irq_set(bus, 3, -1), 0);
	ck_assert(!fk_fire(3));
	ck_assert(fk_fire(0) && take(b));
	ck_assert_int_eq(bus->ops->irq_set(bus, (unsigned int)last + 1, a), -ERANGE);
	close(a);
	close(b);
	close(c);
}

START_TEST(vectors_as_a_set)
{
	open_bus(_i);
	ck_assert_int_eq(bus->ops->irq_count(bus), 128);
	check_vectors();
	ck_assert_uint_eq(fk->disables, 0); /* never off: nothing was lost */
	close_bus();
	ck_assert_uint_eq(fk->disables, 1);
}
END_TEST

START_TEST(vectors_one_by_one)
{
	fk->noresize = false;
	fk->vectors_left = 200;
	open_bus(_i);
	ck_assert(!fk->irq_on[VFIO_PCI_MSIX_IRQ_INDEX]);
	check_vectors();
	close_bus();
}
END_TEST

START_TEST(kernel_that_sets_only_all_anew)
{
	int a, b;

	fk->strict_resize = true;
	open_bus(_i);
	a = vector(1);
	ck_assert_uint_eq(fk->disables, 1);
	take(a);
	b = vector(2);
	ck_assert_uint_eq(fk->disables, 2);
	ck_assert(take(a)); /* one may have been lost between */
	ck_assert(fk_fire(1) && take(a));
	take(b);
	ck_assert(fk_fire(2) && take(b));
	close_bus();
	close(a);
	close(b);
}
END_TEST

/* The kernel answers with what it has, and we take that. */
START_TEST(fewer_vectors_than_the_device_has)
{
	fk->vectors_left = 12;
	open_bus(_i);
	ck_assert_int_eq(bus->ops->irq_count(bus), 12);
	check_vectors();
	close_bus();
}
END_TEST

START_TEST(msi_where_there_is_no_msix)
{
	int a;

	fk->n_msix = 0;
	fk->n_msi = 1;
	open_bus(_i);
	ck_assert_int_eq(bus->ops->irq_count(bus), 1);
	a = vector(0);
	ck_assert(fk_fire(0) && take(a));
	close_bus();
	close(a);
}
END_TEST

START_TEST(no_vectors)
{
	fk->n_msix = 0;
	ck_assert_int_eq(weft_bus_open(ways[_i], &bus), -EPROTO);
	ck_assert_ptr_nonnull(strstr(weft_last_error(), "0 MSI-X or MSI vectors"));
	fk_check_clean();
}
END_TEST

START_TEST(vector_that_fails)
{
	int fd = eventfd(0, EFD_NONBLOCK), a;

	open_bus(_i);
	a = vector(0);
	fk->fail_at = fk->calls + 1;
	fk->fail_with = EIO;
	ck_assert_int_eq(bus->ops->irq_set(bus, 0, fd), -EIO);
	ck_assert_ptr_nonnull(strstr(weft_last_error(), "interrupt vector 0"));
	ck_assert(fk_fire(0) && take(a)); /* the old one still has it */
	ck_assert_int_eq(bus->ops->irq_set(bus, 0, fd), 0);
	ck_assert(fk_fire(0) && take(fd));
	close_bus();
	close(fd);
	close(a);
}
END_TEST

/* Switched off, and the second half of setting anew fails: what was there before comes back. */
START_TEST(setting_anew_fails)
{
	int fd = eventfd(0, EFD_NONBLOCK), a;

	fk->strict_resize = true;
	open_bus(_i);
	a = vector(0);
	take(a);
	fk->fail_at = fk->calls + 3;
	fk->fail_with = ENOMEM;
	ck_assert_int_eq(bus->ops->irq_set(bus, 1, fd), -ENOMEM);
	ck_assert(take(a)); /* woken */
	ck_assert(fk_fire(0) && take(a));
	ck_assert(!fk_fire(1));
	close_bus();
	close(fd);
	close(a);
}
END_TEST

int main(void)
{
	/* each by node and by group, or with the BAR mapped and not */
	const TTest *const all[] = {
		registers_by_mmap,
		registers_by_pread,
		registers_where_only_areas_may_be_mapped,
		areas_that_make_no_sense,
		all_ones_of_a_device_that_is_there,
		device_vanishes,
		device_vanishes_unseen_before_reset_and_close,
		device_that_is_gone_already,
		write_to_a_device_that_vanished,
		kernel_wants_it_back,
		kernel_reports_an_error,
		event_is_seen_by_polls,
		event_explains_all_ones,
		device_without_error_event,
		reset_keeps_bus_mastering,
		reset_waits_for_the_lock,
		device_vanishes_in_reset,
		no_reset,
		vectors_as_a_set,
		vectors_one_by_one,
		kernel_that_sets_only_all_anew,
		fewer_vectors_than_the_device_has,
		msi_where_there_is_no_msix,
		no_vectors,
		vector_that_fails,
		setting_anew_fails,
	};
	Suite *s = suite_create("vfio-device");
	TCase *t = tcase_create("device");
	SRunner *r = srunner_create(s);
	unsigned int i;
	int failed;

	tcase_add_checked_fixture(t, fk_new, fk_free);
	tcase_set_timeout(t, 60);
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		tcase_add_loop_test(t, all[i], 0, 2);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
