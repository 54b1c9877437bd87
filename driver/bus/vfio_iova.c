/* SPDX-License-Identifier: BSD-2-Clause */
/* Allocator of I/O addresses over the ranges that the IOMMU and the kernel leave free. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vfio.h"

#define FIRST_CHOICE (1ull << 32) /* above the windows of 32-bit BARs and interrupts */
#define BIG (2ull << 20)

static int by_first(const void *a, const void *b)
{
	const struct vk_range *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

/* Whole pages of a range, below limit, without page 0 and the last page. False: nothing is left. */
static bool cut(struct vk_range *r, uint64_t limit, uint64_t page)
{
	if (r->last > limit)
		r->last = limit;
	if (r->last > UINT64_MAX - page)
		r->last = UINT64_MAX - page;
	if (r->first < page)
		r->first = page;
	if (r->first > UINT64_MAX - page)
		return false;
	r->first = (r->first + page - 1) & ~(page - 1);
	if (r->last < r->first)
		return false;
	r->last = r->first + ((r->last - r->first + 1) & ~(page - 1));
	return r->last-- > r->first;
}

int vk_iova_init(struct vk_iova *it, const struct vk_range *range, unsigned int n, uint64_t limit,
		 uint64_t page)
{
	struct vk_range *sorted;
	unsigned int i;

	memset(it, 0, sizeof(*it));
	if (!n || n > UINT32_MAX / 2)
		return -ENOSPC;
	sorted = malloc((n + 1) * sizeof(*sorted));
	if (!sorted)
		return -ENOMEM;
	memcpy(sorted, range, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), by_first);
	for (i = 0; i < n; i++)
		if (sorted[i].last < sorted[i].first ||
		    (i && sorted[i].first <= sorted[i - 1].last)) {
			free(sorted);
			return -EINVAL;
		}
	it->free = sorted;
	it->room = n + 1;
	it->page = page;
	it->next = FIRST_CHOICE;
	for (i = 0; i < n; i++)
		if (cut(&sorted[i], limit, page))
			sorted[it->n++] = sorted[i];
	it->n_start = it->n;
	if (it->n)
		return 0;
	vk_iova_fini(it);
	return -ENOSPC;
}

void vk_iova_fini(struct vk_iova *it)
{
	free(it->free);
	memset(it, 0, sizeof(*it));
}

/* First address from which len bytes fit in r, at or above from, with the wanted phase. */
static bool fit(const struct vk_range *r, uint64_t from, uint64_t len, uint64_t align,
		uint64_t phase, uint64_t *at)
{
	uint64_t x = r->first > from ? r->first : from, step;

	if (x > r->last)
		return false;
	step = (phase - x) & (align - 1);
	if (step > r->last - x || len - 1 > r->last - x - step)
		return false;
	*at = x + step;
	return true;
}

/* Takes [at, at + len) out of free range i. There is room for one more. */
static void carve(struct vk_iova *it, unsigned int i, uint64_t at, uint64_t len)
{
	struct vk_range *r = &it->free[i];
	uint64_t end = at + (len - 1), last = r->last;

	if (at == r->first && end == last) {
		it->n--;
		memmove(r, r + 1, (it->n - i) * sizeof(*r));
	} else if (at == r->first) {
		r->first = end + 1;
	} else {
		r->last = at - 1;
		if (end == last)
			return;
		memmove(r + 2, r + 1, (it->n - i - 1) * sizeof(*r));
		r[1] = (struct vk_range){ end + 1, last };
		it->n++;
	}
}

/* Each piece in use splits at most one range: with this room giving back never fails. */
static int make_room(struct vk_iova *it)
{
	unsigned int want = it->n_start + it->n_used + 2;
	struct vk_range *grown;

	if (it->room >= want)
		return 0;
	want += want / 2;
	grown = realloc(it->free, want * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	it->free = grown;
	it->room = want;
	return 0;
}

static bool take(struct vk_iova *it, uint64_t from, uint64_t len, uint64_t align, uint64_t phase,
		 uint64_t *iova)
{
	unsigned int i;

	for (i = 0; i < it->n; i++) {
		if (!fit(&it->free[i], from, len, align, phase, iova))
			continue;
		carve(it, i, *iova, len);
		it->n_used++;
		it->next = *iova + len;
		return true;
	}
	return false;
}

int vk_iova_get(struct vk_iova *it, uint64_t len, uint64_t like, uint64_t *iova)
{
	uint64_t span = len + it->page; /* the page behind catches what runs over */
	uint64_t align = len >= BIG ? BIG : it->page, phase = len >= BIG ? like & (BIG - 1) : 0;
	int rc = make_room(it);

	if (rc)
		return rc;
	if (span < len)
		return -ENOSPC;
	if (take(it, it->next, span, align, phase, iova) || take(it, 0, span, align, phase, iova) ||
	    take(it, 0, span, it->page, 0, iova))
		return 0;
	return -ENOSPC;
}

void vk_iova_put(struct vk_iova *it, uint64_t iova, uint64_t len)
{
	struct vk_range add = { iova, iova + len + it->page - 1 }, *r;
	unsigned int i = 0;

	while (i < it->n && it->free[i].first < iova)
		i++;
	it->n_used--;
	r = &it->free[i];
	if (i && r[-1].last + 1 == add.first) {
		r[-1].last = add.last;
		if (i < it->n && add.last + 1 == r->first) {
			r[-1].last = r->last;
			it->n--;
			memmove(r, r + 1, (it->n - i) * sizeof(*r));
		}
	} else if (i < it->n && add.last + 1 == r->first) {
		r->first = add.first;
	} else {
		memmove(r + 1, r, (it->n - i) * sizeof(*r));
		*r = add;
		it->n++;
	}
}
