/* SPDX-License-Identifier: BSD-2-Clause */
/* What the driver makes of a bus that has needs or words of its own. */
#include <check.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <weft/mem.h>
#include <weft/qp.h>

#include "fake.h"

#define HUGE (2ul << 20)

static struct weft_bus_ops ops;
static const struct weft_bus_ops *inner;
static unsigned int maps;

/* VFIO without an IOMMU: one huge page, or the part of one that a registration is: never over its end. */
static int map_in_one_page(struct weft_bus *bus, void *addr, size_t len, unsigned int prot,
			   uint64_t *iova)
{
	if ((uintptr_t)addr / HUGE != ((uintptr_t)addr + len - 1) / HUGE)
		return -EOPNOTSUPP;
	maps++;
	return inner->dma_map(bus, addr, len, prot, iova);
}

START_TEST(memory_in_huge_pages)
{
	struct fake *f = fake_new();
	struct weft_dev *dev = NULL;
	int rc;

	inner = f->bus.ops;
	ops = *inner;
	ops.dma_huge = HUGE;
	ops.dma_map = map_in_one_page;
	f->bus.ops = &ops;
	rc = weft_dev_open(&f->bus, NULL, &dev);
	if (rc) { /* a machine that has set none aside */
		ck_assert_int_eq(rc, -ENOMEM);
		ck_assert_ptr_nonnull(strstr(weft_last_error(), "huge pages of 2 MiB"));
		ck_assert_uint_eq(maps, 0);
	} else {
		ck_assert_uint_gt(maps, 0);
		ck_assert_ptr_null(weft_mem_alloc(dev, HUGE + 1));
		ck_assert_int_eq(errno, EOPNOTSUPP);
		weft_dev_close(dev);
	}
	ck_assert_uint_eq(f->maps_live, 0);
	fake_free(f);
}
END_TEST

static bool talkative;

static int refuse(struct weft_bus *bus, void *addr, size_t len, unsigned int prot, uint64_t *iova)
{
	(void)bus, (void)addr, (void)len, (void)prot, (void)iova;
	return talkative ? weft_set_error(-ENOMEM, "only 7 KiB may be locked") : -ENOMEM;
}

static void expect_sentence(bool said, const char *text)
{
	struct fake *f = fake_new();
	struct weft_dev *dev;

	ops = *f->bus.ops;
	ops.dma_map = refuse;
	f->bus.ops = &ops;
	talkative = said;
	weft_set_error(0, "an old sentence");
	ck_assert_int_eq(weft_dev_open(&f->bus, NULL, &dev), -ENOMEM);
	ck_assert_ptr_nonnull(strstr(weft_last_error(), text));
	fake_free(f);
}

START_TEST(what_the_bus_says_is_kept)
{
	expect_sentence(true, "only 7 KiB may be locked");
	expect_sentence(false, "bus: cannot map 2097152 bytes");
}
END_TEST

static int event_fd;

static int get_event_fd(struct weft_bus *bus)
{
	(void)bus;
	return event_fd;
}

static int look_at_events(struct weft_bus *bus, uint64_t max_ns)
{
	struct pollfd p = { .fd = event_fd, .events = POLLIN };

	(void)bus;
	if (max_ns || poll(&p, 1, 0) != 1)
		return 0;
	return weft_set_error(-ENODEV, "the kernel wants the device back");
}

/* A removal that the bus only reports: whoever waits wakes up, and nothing hangs or spins after it. */
START_TEST(removal_ends_a_wait)
{
	static const uint64_t one = 1;
	struct fake *f = fake_new_eager();
	struct weft_dev *dev;
	uint32_t val;

	event_fd = eventfd(0, EFD_NONBLOCK);
	ops = *f->bus.ops;
	ops.error_fd = get_event_fd;
	ops.advance = look_at_events;
	f->bus.ops = &ops;
	ck_assert_int_eq(weft_dev_open(&f->bus, NULL, &dev), 0);
	ck_assert_int_eq(weft_dev_wait(dev, 10), 0);
	ck_assert_int_eq(write(event_fd, &one, sizeof(one)), sizeof(one));
	ck_assert_int_eq(weft_dev_wait(dev, -1), -ENODEV);
	ck_assert_str_eq(weft_last_error(), "the kernel wants the device back");
	ck_assert_int_eq(weft_dev_poll(dev), -ENODEV);
	ck_assert_int_eq(weft_dev_read32(dev, 0, &val), -ENODEV);
	ck_assert_int_eq(weft_dev_reset(dev), -ENODEV);
	weft_dev_close(dev);
	ck_assert_uint_eq(f->maps_live + f->irqs_live, 0);
	close(event_fd);
	fake_free(f);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("bus");
	TCase *t = tcase_create("bus");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_test(t, memory_in_huge_pages);
	tcase_add_test(t, what_the_bus_says_is_kept);
	tcase_add_test(t, removal_ends_a_wait);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
