/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory registry and allocator. A sorted array of ranges answers "which IOVA is this address"; the
 * allocator's chunks are ranges like any registration. Readers (submitting threads) take the lock
 * shared, and only when their cached hit misses.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "internal.h"

#define CHUNK_PAGES 512u         /* 2 MiB */
#define ALLOC_MAX (1024ul << 20) /* bytes of one allocation */
#define HUGE_2M (21 << 26)       /* of mmap, log2 of the page's size; <linux/mman.h> has it */
#define RUN_INSIDE UINT32_MAX
#define PROT_DMA (WEFT_DMA_READ | WEFT_DMA_WRITE)

int weft__mem_init(struct weft_mem *mem)
{
	return -pthread_rwlock_init(&mem->lock, NULL);
}

/* Index of the first range that starts above va; the candidate for va is the one before it. */
static size_t upper(const struct weft_mem *mem, uintptr_t va)
{
	size_t lo = 0, hi = mem->n_range;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (mem->range[mid]->va <= va)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* Puts r into the sorted array. -EEXIST when it overlaps. Lock held. */
static int insert(struct weft_mem *mem, struct weft_mem_range *r)
{
	size_t i = upper(mem, r->va);

	if ((i > 0 && r->va - mem->range[i - 1]->va < mem->range[i - 1]->len) ||
	    (i < mem->n_range && mem->range[i]->va - r->va < r->len))
		return weft_set_error(-EEXIST, "memory at %p overlaps a registered range",
				      (void *)r->va);
	if (mem->n_range == mem->max_range) {
		size_t max = mem->max_range ? 2 * mem->max_range : 16;
		struct weft_mem_range **p = realloc(mem->range, max * sizeof(*p));

		if (!p)
			return -ENOMEM;
		mem->range = p;
		mem->max_range = max;
	}
	memmove(&mem->range[i + 1], &mem->range[i], (mem->n_range - i) * sizeof(mem->range[0]));
	mem->range[i] = r;
	mem->n_range++;
	return 0;
}

static void remove_at(struct weft_mem *mem, size_t i)
{
	mem->n_range--;
	memmove(&mem->range[i], &mem->range[i + 1], (mem->n_range - i) * sizeof(mem->range[0]));
	atomic_fetch_add(&mem->gen, 1);
}

static int map(struct weft_dev *dev, void *addr, size_t len, int fd, uint64_t offset,
	       uint64_t *iova)
{
	const struct weft_bus_ops *ops = dev->bus->ops;
	unsigned int before = weft__sentences();
	int rc;

	if (fd >= 0 && ops->dma_map_fd)
		rc = ops->dma_map_fd(dev->bus, addr, len, PROT_DMA, fd, offset, iova);
	else
		rc = ops->dma_map(dev->bus, addr, len, PROT_DMA, iova);
	if (rc)
		weft__bus_failed(before, rc, "%s bus: cannot map %zu bytes at %p for DMA: %s",
				 ops->name, len, addr, strerror(-rc));
	return rc;
}

/* Maps whole pages around [va, va + len) and enters the range. Lock held for writing. */
static int add_range(struct weft_dev *dev, uintptr_t va, size_t len, int fd, uint64_t offset,
		     struct weft_mem_range **out)
{
	uintptr_t start = va & ~(uintptr_t)(PAGE - 1);
	size_t span = (va + len - start + PAGE - 1) & ~(size_t)(PAGE - 1);
	struct weft_mem_range *r = calloc(1, sizeof(*r));
	int rc;

	if (!r)
		return -ENOMEM;
	r->va = va;
	r->len = len;
	r->map_len = span;
	rc = insert(&dev->mem, r);
	if (rc)
		goto free_range;
	rc = map(dev, (void *)start, span, fd, offset, &r->map_iova);
	if (rc)
		goto take_out;
	r->iova = r->map_iova + (va - start);
	*out = r;
	return 0;
take_out:
	remove_at(&dev->mem, upper(&dev->mem, va) - 1);
free_range:
	free(r);
	return rc;
}

static void drop_range(struct weft_dev *dev, struct weft_mem_range *r)
{
	size_t i = upper(&dev->mem, r->va) - 1;

	remove_at(&dev->mem, i);
	dev->bus->ops->dma_unmap(dev->bus, r->map_iova, r->map_len);
	free(r);
}

static int register_any(struct weft_dev *dev, void *addr, size_t len, int fd, uint64_t offset)
{
	struct weft_mem_range *r;
	uintptr_t va = (uintptr_t)addr;
	int rc;

	if (!len || va + len < va || va + len > UINTPTR_MAX - PAGE)
		return weft_set_error(-EINVAL, "cannot register %zu bytes at %p", len, addr);
	pthread_rwlock_wrlock(&dev->mem.lock);
	rc = add_range(dev, va, len, fd, offset, &r);
	pthread_rwlock_unlock(&dev->mem.lock);
	return rc;
}

int weft_mem_register(struct weft_dev *dev, void *addr, size_t len)
{
	return register_any(dev, addr, len, -1, 0);
}

int weft_mem_register_fd(struct weft_dev *dev, void *addr, size_t len, int fd, uint64_t offset)
{
	if (fd < 0 || (uintptr_t)addr % PAGE || offset % PAGE)
		return weft_set_error(-EINVAL, "a file mapping starts on a page and has an fd");
	return register_any(dev, addr, len, fd, offset);
}

int weft_mem_unregister(struct weft_dev *dev, void *addr)
{
	struct weft_mem *mem = &dev->mem;
	struct weft_mem_range *r;
	size_t i;
	int rc = 0;

	pthread_rwlock_wrlock(&mem->lock);
	i = upper(mem, (uintptr_t)addr);
	r = i ? mem->range[i - 1] : NULL;
	if (!r || r->va != (uintptr_t)addr || r->pool)
		rc = weft_set_error(-ENOENT, "%p is not registered", addr);
	else if (atomic_load(&r->lent))
		rc = weft_set_error(-EBUSY, "memory at %p is lent to commands in flight", addr);
	else
		drop_range(dev, r);
	pthread_rwlock_unlock(&mem->lock);
	return rc;
}

/*
 * Finds the range that holds va. hit may hold an earlier answer, which is used when it still fits.
 */
int weft__mem_find(struct weft_dev *dev, uintptr_t va, struct mem_hit *hit)
{
	struct weft_mem *mem = &dev->mem;
	size_t i;
	int rc = -EFAULT;

	if (va - hit->va < hit->len &&
	    hit->gen == atomic_load_explicit(&mem->gen, memory_order_acquire))
		return 0;
	pthread_rwlock_rdlock(&mem->lock);
	i = upper(mem, va);
	if (i && va - mem->range[i - 1]->va < mem->range[i - 1]->len) {
		struct weft_mem_range *r = mem->range[i - 1];

		*hit = (struct mem_hit){ r->va, r->len, r->iova, r, atomic_load(&mem->gen) };
		rc = 0;
	}
	pthread_rwlock_unlock(&mem->lock);
	if (rc)
		weft_set_error(rc, "memory at %p is neither allocated nor registered for DMA",
			       (void *)va);
	return rc;
}

int weft_mem_iova(struct weft_dev *dev, const void *addr, size_t len, uint64_t *iova)
{
	struct mem_hit hit = { .len = 0 };
	uintptr_t va = (uintptr_t)addr;
	int rc = weft__mem_find(dev, va, &hit);

	if (rc)
		return rc;
	if (len > hit.len - (va - hit.va))
		return weft_set_error(-EFAULT, "%zu bytes at %p reach beyond their registration",
				      len, addr);
	*iova = hit.iova + (va - hit.va);
	return 0;
}

/* Memory a device in another process can map too, when the bus wants that. */
static void *chunk_memory(struct weft_dev *dev, size_t len, int *fd)
{
	void *va;

	*fd = -1;
	if (dev->bus->ops->dma_huge)
		return mmap(NULL, len, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS | MAP_HUGETLB | HUGE_2M, -1, 0);
	if (!dev->bus->ops->dma_map_fd)
		return mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	*fd = memfd_create("weft-dma", MFD_CLOEXEC);
	if (*fd < 0)
		return MAP_FAILED;
	if (ftruncate(*fd, (off_t)len))
		goto close_fd;
	va = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
	if (va != MAP_FAILED)
		return va;
close_fd:
	close(*fd);
	*fd = -1;
	return MAP_FAILED;
}

static int chunk_new(struct weft_dev *dev, uint32_t pages, struct weft_mem_chunk **out)
{
	struct weft_mem_chunk *c;
	size_t len, huge = dev->bus->ops->dma_huge;
	int fd, rc;

	if (huge && pages > CHUNK_PAGES)
		return weft_set_error(-EOPNOTSUPP,
				      "%s bus: no memory for DMA that is contiguous over %zu bytes",
				      dev->bus->ops->name, huge);
	if (pages < CHUNK_PAGES)
		pages = CHUNK_PAGES;
	len = (size_t)pages * PAGE;
	c = calloc(1, sizeof(*c) + pages * sizeof(c->run[0]));
	if (!c)
		return -ENOMEM;
	c->pages = pages;
	c->va = chunk_memory(dev, len, &fd);
	if (c->va == MAP_FAILED) {
		rc = weft_set_error(-ENOMEM, "no memory for a DMA pool of %zu bytes%s", len,
				    huge ? ", in huge pages of 2 MiB (vm.nr_hugepages)" : "");
		goto free_chunk;
	}
	rc = add_range(dev, (uintptr_t)c->va, len, fd, 0, &c->range);
	if (fd >= 0)
		close(fd);
	if (rc)
		goto unmap;
	c->range->pool = true;
	c->next = dev->mem.chunk;
	dev->mem.chunk = c;
	*out = c;
	return 0;
unmap:
	munmap(c->va, len);
free_chunk:
	free(c);
	return rc;
}

static void chunk_free(struct weft_dev *dev, struct weft_mem_chunk **at)
{
	struct weft_mem_chunk *c = *at;

	*at = c->next;
	drop_range(dev, c->range);
	munmap(c->va, (size_t)c->pages * PAGE);
	free(c);
}

/* First fit: the first of pages free pages in a row, or -1. */
static int64_t chunk_fit(const struct weft_mem_chunk *c, uint32_t pages)
{
	uint32_t i, n = 0;

	if (c->pages - c->used < pages)
		return -1;
	for (i = 0; i < c->pages; i++) {
		n = c->run[i] ? 0 : n + 1;
		if (n == pages)
			return (int64_t)i + 1 - pages;
	}
	return -1;
}

static void *chunk_take(struct weft_mem_chunk *c, uint32_t first, uint32_t pages)
{
	uint32_t i;

	c->run[first] = pages;
	for (i = 1; i < pages; i++)
		c->run[first + i] = RUN_INSIDE;
	c->used += pages;
	return memset(c->va + (size_t)first * PAGE, 0, (size_t)pages * PAGE);
}

void *weft_mem_alloc(struct weft_dev *dev, size_t size)
{
	struct weft_mem_chunk *c;
	uint32_t pages = (uint32_t)((size + PAGE - 1) / PAGE);
	int64_t first = -1;
	void *p = NULL;
	int rc = 0;

	if (!size || size > ALLOC_MAX) {
		errno = EINVAL;
		return NULL;
	}
	pthread_rwlock_wrlock(&dev->mem.lock);
	for (c = dev->mem.chunk; c; c = c->next) {
		first = chunk_fit(c, pages);
		if (first >= 0)
			break;
	}
	if (!c) {
		rc = chunk_new(dev, pages, &c);
		first = 0;
	}
	if (!rc)
		p = chunk_take(c, (uint32_t)first, pages);
	pthread_rwlock_unlock(&dev->mem.lock);
	if (rc)
		errno = -rc;
	return p;
}

/* Takes an allocation out of its chunk; returns false when ptr is not the start of one. */
static bool chunk_give(struct weft_mem_chunk *c, uint32_t first)
{
	uint32_t i, pages = c->run[first];

	if (!pages || pages == RUN_INSIDE)
		return false;
	for (i = 0; i < pages; i++)
		c->run[first + i] = 0;
	c->used -= pages;
	return true;
}

void weft_mem_free(struct weft_dev *dev, void *ptr)
{
	struct weft_mem_chunk **at;
	size_t off;

	if (!ptr)
		return;
	pthread_rwlock_wrlock(&dev->mem.lock);
	for (at = &dev->mem.chunk; *at; at = &(*at)->next) {
		off = (size_t)((uint8_t *)ptr - (*at)->va);
		if (off / PAGE < (*at)->pages)
			break;
	}
	if (*at && off % PAGE == 0 && chunk_give(*at, (uint32_t)(off / PAGE)) && !(*at)->used &&
	    (*at)->pages > CHUNK_PAGES && !atomic_load(&(*at)->range->lent))
		chunk_free(dev,
			   at); /* big ones go at once, the usual size waits for the next user */
	pthread_rwlock_unlock(&dev->mem.lock);
}

void weft__mem_fini(struct weft_dev *dev)
{
	while (dev->mem.chunk)
		chunk_free(dev, &dev->mem.chunk);
	while (dev->mem.n_range)
		drop_range(dev, dev->mem.range[dev->mem.n_range - 1]);
	free(dev->mem.range);
	pthread_rwlock_destroy(&dev->mem.lock);
}
