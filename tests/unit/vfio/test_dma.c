/* SPDX-License-Identifier: BSD-2-Clause */
/* I/O addresses and mappings of the VFIO bus, by node and by group. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "fake_kernel.h"

#define RW (WEFT_DMA_READ | WEFT_DMA_WRITE)
#define P 4096ull
#define MIB (1ull << 20)
#define AREA (16 * MIB)

static struct weft_bus *bus;
static uint8_t *mem;

static void open_bus(const char *options)
{
	char spec[96];
	int rc;

	snprintf(spec, sizeof(spec), "vfio:" FK_BDF "%s", options);
	rc = weft_bus_open(spec, &bus);
	ck_assert_msg(rc == 0, "%d: %s", rc, weft_last_error());
}

static void close_bus(void)
{
	bus->ops->close(bus);
	fk_check_clean();
}

static const char *const ways[] = { ",mode=cdev", ",mode=group" };

static void set_up(void)
{
	fk_new();
	mem = mmap(NULL, AREA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(mem, MAP_FAILED);
}

static void tear_down(void)
{
	munmap(mem, AREA);
	fk_free();
}

static uint64_t map_ok(uint64_t off, uint64_t len, unsigned int prot)
{
	uint64_t iova = 0;
	int rc = bus->ops->dma_map(bus, mem + off, len, prot, &iova);

	ck_assert_msg(rc == 0, "map of %llu bytes: %d (%s)", (unsigned long long)len, rc,
		      weft_last_error());
	ck_assert_ptr_eq(fk_reach(iova, len, prot), mem + off);
	return iova;
}

static void unmap_ok(uint64_t iova, uint64_t len)
{
	ck_assert_int_eq(bus->ops->dma_unmap(bus, iova, len), 0);
}

static int map_rc(uint64_t off, uint64_t len, unsigned int prot)
{
	uint64_t iova;

	return bus->ops->dma_map(bus, mem + off, len, prot, &iova);
}

START_TEST(map_and_unmap)
{
	uint64_t a, b;

	open_bus(ways[_i]);
	a = map_ok(0, P, RW);
	b = map_ok(2 * P, 3 * P, WEFT_DMA_READ);
	ck_assert_uint_ne(a, b);
	ck_assert_ptr_null(fk_reach(b, P, 2)); /* not to be written */
	ck_assert_ptr_null(fk_reach(a + P, 1, 1));
	unmap_ok(a, P);
	ck_assert_ptr_null(fk_reach(a, P, 1));
	ck_assert_ptr_nonnull(fk_reach(b, 3 * P, 1));
	unmap_ok(b, 3 * P);
	ck_assert_uint_eq(fk->n_map, 0);
	close_bus();
}
END_TEST

START_TEST(close_unmaps)
{
	open_bus(ways[_i]);
	map_ok(0, P, RW);
	map_ok(0, P, RW);
	map_ok(4 * P, P, RW);
	close_bus();
}
END_TEST

START_TEST(senseless_maps)
{
	uint64_t iova;

	open_bus(ways[_i]);
	ck_assert_int_eq(map_rc(0, 0, RW), -EINVAL);
	ck_assert_int_eq(map_rc(0, 100, RW), -EINVAL);
	ck_assert_int_eq(map_rc(100, P, RW), -EINVAL);
	ck_assert_int_eq(map_rc(0, P, 0), -EINVAL);
	ck_assert_int_eq(map_rc(0, P, 4), -EINVAL);
	ck_assert_int_eq(bus->ops->dma_map(bus, (void *)~(uintptr_t)(P - 1), P, RW, &iova),
			 -EINVAL);
	ck_assert_uint_eq(fk->n_map_calls, 0);
	close_bus();
}
END_TEST

START_TEST(unmap_of_something_else)
{
	uint64_t a;

	open_bus(ways[_i]);
	a = map_ok(0, 4 * P, RW);
	ck_assert_int_eq(bus->ops->dma_unmap(bus, a, P), -EINVAL);
	ck_assert_int_eq(bus->ops->dma_unmap(bus, a + P, 3 * P), -EINVAL);
	ck_assert_int_eq(bus->ops->dma_unmap(bus, 0, 4 * P), -EINVAL);
	ck_assert_int_eq(bus->ops->dma_unmap(bus, a, 8 * P), -EINVAL);
	unmap_ok(a, 4 * P);
	ck_assert_int_eq(bus->ops->dma_unmap(bus, a, 4 * P), -EINVAL);
	close_bus();
}
END_TEST

START_TEST(inside_a_mapping_costs_nothing)
{
	uint64_t a, b, c;

	open_bus(ways[_i]);
	a = map_ok(0, 8 * P, RW);
	b = map_ok(2 * P, P, WEFT_DMA_READ);
	c = map_ok(0, 8 * P, RW);
	ck_assert_uint_eq(fk->n_map, 1);
	ck_assert_uint_eq(b, a + 2 * P);
	ck_assert_uint_eq(c, a);
	unmap_ok(a, 8 * P);
	unmap_ok(c, 8 * P);
	ck_assert_uint_eq(fk->n_map, 1);
	unmap_ok(b, P);
	ck_assert_uint_eq(fk->n_map, 0);
	close_bus();
}
END_TEST

START_TEST(more_rights_or_more_memory_is_a_new_entry)
{
	open_bus(ways[_i]);
	map_ok(4 * P, 4 * P, WEFT_DMA_READ);
	map_ok(4 * P, 4 * P, RW);
	map_ok(0, 16 * P, WEFT_DMA_READ);
	map_ok(7 * P, 2 * P, RW);
	ck_assert_uint_eq(fk->n_map, 4);
	close_bus();
}
END_TEST

/* What only an old neighbour keeps alive may show memory of someone else by now. */
START_TEST(memory_that_was_unmapped_is_not_shared_again)
{
	uint64_t a, b;

	open_bus(ways[_i]);
	a = map_ok(0, 8 * P, RW);
	b = map_ok(0, P, RW);
	unmap_ok(a, 8 * P);
	ck_assert_uint_eq(fk->n_map, 1);
	a = map_ok(4 * P, P, RW);
	ck_assert_uint_ne(a, b + 4 * P);
	ck_assert_uint_eq(fk->n_map, 2);
	close_bus();
}
END_TEST

START_TEST(shared_entry_is_found_among_many)
{
	unsigned int i, n = 200;

	open_bus(ways[_i]);
	map_ok(0, 4 * MIB, RW);
	for (i = 0; i < n; i++)
		map_ok(i * 2 * P, P, RW);
	ck_assert_uint_eq(fk->n_map, 1);
	for (i = 0; i < n; i++)
		map_ok(8 * MIB + i * P, P, RW);
	ck_assert_uint_eq(fk->n_map, n + 1);
	map_ok(4 * MIB - P, P, RW);
	ck_assert_uint_eq(fk->n_map, n + 1);
	close_bus();
}
END_TEST

START_TEST(address_is_not_used_again_at_once)
{
	uint64_t a, b;

	open_bus(ways[_i]);
	a = map_ok(0, P, RW);
	unmap_ok(a, P);
	b = map_ok(0, P, RW);
	ck_assert_uint_ne(a, b);
	close_bus();
}
END_TEST

START_TEST(a_page_stays_free_between)
{
	uint64_t a;

	open_bus(ways[_i]);
	a = map_ok(0, P, RW);
	map_ok(P, P, RW);
	ck_assert_ptr_null(fk_reach(a + P, 1, 1));
	close_bus();
}
END_TEST

START_TEST(big_maps_fit_big_pages)
{
	uint64_t a;

	open_bus(ways[_i]);
	a = map_ok(P, 4 * MIB, RW);
	ck_assert_uint_eq(a % (2 * MIB), (uintptr_t)(mem + P) % (2 * MIB));
	close_bus();
}
END_TEST

START_TEST(thirty_nine_bits)
{
	uint64_t iova;
	unsigned int i;

	fk->range[1].first = (1ull << 39) - 64 * P; /* little is left above 4 GiB */
	fk->range[0].last = (1ull << 32) + 16 * P - 1;
	open_bus(ways[_i]);
	for (i = 0; i < 60; i++) {
		iova = map_ok(i * P, P, RW);
		ck_assert_uint_lt(iova, 1ull << 39);
	}
	close_bus();
}
END_TEST

START_TEST(reserved_areas_are_left_out)
{
	uint64_t iova;
	unsigned int i;

	fk->range[0] = (struct vk_range){ 0, 0x4fff };
	fk->range[1] = (struct vk_range){ 0x8000, 0xbfff };
	fk->range[2] = (struct vk_range){ 0xc800, 0x107ff }; /* no whole pages at its ends */
	fk->n_range = 3;
	open_bus(ways[_i]);
	/* Two pages each with the free one behind: pages 1-4, 8-11, 13-15. */
	for (i = 0; i < 5; i++) {
		iova = map_ok(i * P, P, RW);
		ck_assert_uint_ge(iova, P);
	}
	ck_assert_int_eq(map_rc(10 * P, P, RW), -ENOSPC);
	ck_assert_ptr_nonnull(strstr(weft_last_error(), "no I/O address is left"));
	close_bus();
}
END_TEST

START_TEST(device_of_few_bits)
{
	unsigned int i;

	open_bus(_i ? ",mode=group,dma_bits=28" : ",mode=cdev,dma_bits=28");
	for (i = 0; i < 8; i++)
		ck_assert_uint_lt(map_ok(i * 2 * MIB, 2 * MIB, RW) + 2 * MIB, 1ull << 28);
	close_bus();
}
END_TEST

static void expect_no_open(const char *options, int err, const char *text)
{
	char spec[96];

	snprintf(spec, sizeof(spec), "vfio:" FK_BDF "%s", options);
	ck_assert_int_eq(weft_bus_open(spec, &bus), err);
	ck_assert_msg(strstr(weft_last_error(), text) != NULL, "%s", weft_last_error());
	fk_check_clean();
}

START_TEST(ranges_that_make_no_sense)
{
	fk->range[0] = (struct vk_range){ 0x5000, 0x4000 };
	expect_no_open(ways[_i], -EINVAL, "address ranges");
	fk->range[0] = (struct vk_range){ 0, 1ull << 36 };
	expect_no_open(ways[_i], -EINVAL, "address ranges");
	fk->n_range = 1;
	fk->range[0] = (struct vk_range){ 0, P - 1 };
	expect_no_open(ways[_i], -ENOSPC, "none is usable");
}
END_TEST

START_TEST(iommu_pages_larger_than_ours)
{
	fk->pgsizes = 0x10000;
	expect_no_open(",mode=group", -EOPNOTSUPP, "smallest page has 65536 bytes");
	expect_no_open(",mode=cdev", -EINVAL, "address ranges");
}
END_TEST

/* Linux before 5.4 tells neither ranges nor how many entries there may be. */
START_TEST(container_that_tells_nothing)
{
	uint64_t iova;

	fk->caps = false;
	fk->n_range = 1;
	fk->range[0].last = 0xfedfffff;
	open_bus(",mode=group");
	iova = map_ok(0, MIB, RW);
	ck_assert_uint_lt(iova, 0xfee00000);
	close_bus();
}
END_TEST

START_TEST(entries_run_out)
{
	uint64_t first = 0;
	unsigned int i;

	fk->dma_avail = 20;
	open_bus(",mode=group");
	for (i = 0; i < 20; i++)
		first = map_ok(2 * i * P, P, RW);
	ck_assert_int_eq(map_rc(100 * P, P, RW), -ENOSPC);
	ck_assert_ptr_nonnull(strstr(weft_last_error(), "all 20 DMA entries"));
	map_ok(0, P, RW); /* shared */
	unmap_ok(first, P);
	map_ok(100 * P, P, RW);
	close_bus();
}
END_TEST

START_TEST(locked_memory_runs_out)
{
	open_bus(ways[_i]);
	fk->memlock = 8 * MIB;
	map_ok(0, 6 * MIB, RW);
	ck_assert_int_eq(map_rc(8 * MIB, 4 * MIB, RW), -ENOMEM);
	ck_assert_ptr_nonnull(strstr(weft_last_error(),
				     "mapping 4096 KiB for DMA needs 10240 KiB of locked memory in "
				     "all, RLIMIT_MEMLOCK is 8192 KiB: raise it"));
	map_ok(8 * MIB, MIB, RW); /* less is possible still */
	close_bus();
}
END_TEST

/* Room for two pages, each with a free one behind. */
static void two_pages(void)
{
	fk->n_range = 1;
	fk->range[0] = (struct vk_range){ 0, 5 * P - 1 };
}

START_TEST(failed_unmap_keeps_the_address)
{
	uint64_t a;

	two_pages();
	open_bus(ways[_i]);
	a = map_ok(0, P, RW);
	fk->fail_at = fk->calls + 1;
	fk->fail_with = EIO;
	ck_assert_int_eq(bus->ops->dma_unmap(bus, a, P), -EIO);
	ck_assert_ptr_nonnull(strstr(weft_last_error(), "unmapping"));
	ck_assert_int_eq(bus->ops->dma_unmap(bus, a, P), -EINVAL);
	fk->n_map = 0; /* what the kernel kept goes with the container */
	fk->pinned = 0;
	map_ok(P, P, RW);
	ck_assert_int_eq(map_rc(2 * P, P, RW), -ENOSPC);
	close_bus();
}
END_TEST

START_TEST(failed_map_leaves_no_trace)
{
	unsigned int i;

	two_pages();
	open_bus(ways[_i]);
	for (i = 0; i < 5; i++) {
		fk->fail_at = fk->calls + 1;
		fk->fail_with = EFAULT;
		ck_assert_int_eq(map_rc(0, P, RW), -EFAULT);
		ck_assert_ptr_nonnull(strstr(weft_last_error(), "mapping 4 KiB"));
	}
	map_ok(0, P, RW);
	map_ok(P, P, RW);
	close_bus();
}
END_TEST

/* --- no IOMMU --------------------------------------------------------------------------------------- */

START_TEST(no_iommu_maps_only_what_is_contiguous)
{
	uint64_t iova, page = (uintptr_t)mem / P;
	uint64_t skip = (16 - page % 16) % 16; /* the fake has a hole after 16 pages */

	fk->no_iommu = true;
	fk->node = false;
	open_bus(",noiommu=allow");
	ck_assert_int_eq(bus->ops->dma_map(bus, mem + skip * P, 16 * P, RW, &iova), 0);
	ck_assert_uint_eq(iova, ((page + skip) + (page + skip) / 16) * P);
	ck_assert_uint_eq(fk->pinned, 16 * P);
	ck_assert_int_eq(map_rc((skip + 8) * P, 16 * P, RW), -EOPNOTSUPP);
	ck_assert_ptr_nonnull(strstr(weft_last_error(), "not physically contiguous"));
	ck_assert_uint_eq(fk->pinned, 16 * P);
	unmap_ok(iova, 16 * P);
	ck_assert_uint_eq(fk->pinned, 0);
	close_bus();
}
END_TEST

/* --- the allocator alone, against a model ------------------------------------------------------------- */

#define PAGES 64u

struct piece {
	uint64_t iova, len;
};

/* Pages in use of a small space with a hole; every piece whole, inside, and apart from the others. */
static void check_piece(const uint8_t *used, const struct piece *p)
{
	uint64_t i;

	ck_assert_uint_ge(p->iova, P);
	for (i = p->iova / P; i <= (p->iova + p->len) / P; i++) {
		ck_assert_uint_lt(i, PAGES);
		ck_assert(i < 20 || i >= 24);
		ck_assert(!used[i]);
	}
}

static void mark(uint8_t *used, const struct piece *p, uint8_t val)
{
	memset(used + p->iova / P, val, p->len / P + 1);
}

START_TEST(allocator_against_a_model)
{
	static const struct vk_range range[] = { { 24 * P, PAGES * P - 1 }, { 0, 20 * P - 1 } };
	struct piece piece[PAGES];
	uint8_t used[PAGES + 1] = { 0 };
	unsigned int n = 0, step, served = 0;
	struct vk_iova it;

	srand((unsigned int)_i + 1);
	ck_assert_int_eq(vk_iova_init(&it, range, 2, UINT64_MAX, P), 0);
	for (step = 0; step < 4000; step++) {
		if (n && (rand() % 2 || n == PAGES)) {
			unsigned int i = (unsigned int)rand() % n;

			mark(used, &piece[i], 0);
			vk_iova_put(&it, piece[i].iova, piece[i].len);
			piece[i] = piece[--n];
			continue;
		}
		piece[n].len = P * (1 + (unsigned int)rand() % 4);
		if (vk_iova_get(&it, piece[n].len, 0, &piece[n].iova))
			continue;
		check_piece(used, &piece[n]);
		mark(used, &piece[n], 1);
		n++;
		served++;
	}
	ck_assert_uint_gt(served, 1000);
	while (n--)
		vk_iova_put(&it, piece[n].iova, piece[n].len);
	ck_assert_uint_eq(it.n, 2); /* all joined again */
	ck_assert_uint_eq(it.free[0].first, P);
	ck_assert_uint_eq(it.free[0].last, 20 * P - 1);
	ck_assert_uint_eq(it.free[1].first, 24 * P);
	ck_assert_uint_eq(it.free[1].last, PAGES * P - 1);
	vk_iova_fini(&it);
}
END_TEST

START_TEST(allocator_at_the_edge_of_64_bits)
{
	static const struct vk_range all = { 0, UINT64_MAX };
	struct vk_iova it;
	uint64_t iova;

	ck_assert_int_eq(vk_iova_init(&it, &all, 1, UINT64_MAX, P), 0);
	ck_assert_int_eq(vk_iova_get(&it, UINT64_MAX & ~(P - 1), 0, &iova), -ENOSPC);
	ck_assert_int_eq(vk_iova_get(&it, 1ull << 63, 0, &iova), 0);
	ck_assert_uint_ge(iova, P);
	ck_assert_uint_le(iova, UINT64_MAX - (1ull << 63) - P);
	vk_iova_put(&it, iova, 1ull << 63);
	ck_assert_uint_eq(it.n, 1);
	vk_iova_fini(&it);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("vfio-dma");
	TCase *t = tcase_create("dma");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, map_and_unmap, 0, 2);
	tcase_add_loop_test(t, close_unmaps, 0, 2);
	tcase_add_loop_test(t, senseless_maps, 0, 2);
	tcase_add_loop_test(t, unmap_of_something_else, 0, 2);
	tcase_add_loop_test(t, inside_a_mapping_costs_nothing, 0, 2);
	tcase_add_loop_test(t, more_rights_or_more_memory_is_a_new_entry, 0, 2);
	tcase_add_loop_test(t, memory_that_was_unmapped_is_not_shared_again, 0, 2);
	tcase_add_loop_test(t, shared_entry_is_found_among_many, 0, 2);
	tcase_add_loop_test(t, address_is_not_used_again_at_once, 0, 2);
	tcase_add_loop_test(t, a_page_stays_free_between, 0, 2);
	tcase_add_loop_test(t, big_maps_fit_big_pages, 0, 2);
	tcase_add_loop_test(t, thirty_nine_bits, 0, 2);
	tcase_add_loop_test(t, reserved_areas_are_left_out, 0, 2);
	tcase_add_loop_test(t, device_of_few_bits, 0, 2);
	tcase_add_loop_test(t, ranges_that_make_no_sense, 0, 2);
	tcase_add_test(t, iommu_pages_larger_than_ours);
	tcase_add_test(t, container_that_tells_nothing);
	tcase_add_test(t, entries_run_out);
	tcase_add_loop_test(t, locked_memory_runs_out, 0, 2);
	tcase_add_loop_test(t, failed_unmap_keeps_the_address, 0, 2);
	tcase_add_loop_test(t, failed_map_leaves_no_trace, 0, 2);
	tcase_add_test(t, no_iommu_maps_only_what_is_contiguous);
	tcase_add_loop_test(t, allocator_against_a_model, 0, 8);
	tcase_add_test(t, allocator_at_the_edge_of_64_bits);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
