/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mappings. The kernel's entries are few (65535 of type 1), count as locked memory each for itself,
 * and can only be unmapped as they were mapped. So:
 * - one call of the program is one entry, however long;
 * - what lies wholly inside memory that is mapped already, with the permissions wanted, shares that
 *   entry: small buffers of one page, or a part of a registered area, cost neither entry nor limit.
 *   It must lie inside what the program has mapped now, not only inside an entry that still lives
 *   for another part of it: the rest of such an entry may show memory that is not the program's any
 *   more;
 * - neighbours are not joined: that would mean to unmap what the device may be using.
 * An entry goes when the last mapping inside it does.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vfio.h"

/* What the program mapped. */
struct vk_map {
	struct vk_map *next; /* of the entry */
	uint64_t iova;
	uint64_t len;
	unsigned int prot;
};

static uint64_t key(const struct vk_index *ix, const struct vk_dma *dma, size_t i)
{
	return ix == &dma->by_va ? ix->e[i]->va : ix->e[i]->iova;
}

/* How many entries start at or below at. */
static size_t upper(const struct vk_index *ix, const struct vk_dma *dma, uint64_t at)
{
	size_t lo = 0, hi = ix->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (key(ix, dma, mid) <= at)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static int reserve(struct vk_index *ix)
{
	size_t room = ix->room ? 2 * ix->room : 64;
	struct vk_entry **grown;

	if (ix->n < ix->room)
		return 0;
	grown = realloc(ix->e, room * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	ix->e = grown;
	ix->room = room;
	return 0;
}

static void enter(struct vk_dma *dma, struct vk_index *ix, struct vk_entry *e)
{
	size_t i = upper(ix, dma, ix == &dma->by_va ? e->va : e->iova);

	memmove(&ix->e[i + 1], &ix->e[i], (ix->n - i) * sizeof(e));
	ix->e[i] = e;
	ix->n++;
}

static void leave(struct vk_dma *dma, struct vk_index *ix, const struct vk_entry *e)
{
	size_t i = upper(ix, dma, ix == &dma->by_va ? e->va : e->iova);

	while (ix->e[i - 1] != e)
		i--;
	memmove(&ix->e[i - 1], &ix->e[i], (ix->n - i) * sizeof(e));
	ix->n--;
}

/* The entry in which the program has [va, va + len) mapped already, or NULL. */
static struct vk_entry *find_shared(struct vk_dma *dma, uintptr_t va, uint64_t len,
				    unsigned int prot)
{
	size_t i = upper(&dma->by_va, dma, va);

	while (i--) {
		struct vk_entry *e = dma->by_va.e[i];
		const struct vk_map *m;

		if (va - e->va >= dma->longest)
			return NULL;
		if (va - e->va >= e->len || len > e->len - (va - e->va))
			continue;
		for (m = e->maps; m; m = m->next) {
			uintptr_t start = e->va + (uintptr_t)(m->iova - e->iova);

			if (va >= start && va - start < m->len && len <= m->len - (va - start) &&
			    (m->prot & prot) == prot)
				return e;
		}
	}
	return NULL;
}

/* Why the kernel has no memory for a mapping: nearly always the limit of locked memory. */
static int no_memory(struct vk_bus *vk, int rc, uint64_t len)
{
	uint64_t limit = 0, need = (vk->dma.bytes + len + 1023) / 1024;

	if (vk_sys->memlock(&limit))
		return vk_fail(vk, rc, "mapping %llu KiB for DMA: %s",
			       (unsigned long long)len / 1024, strerror(-rc));
	if (limit == UINT64_MAX)
		return vk_fail(vk, rc, "mapping %llu KiB for DMA (%llu KiB in all): %s",
			       (unsigned long long)len / 1024, (unsigned long long)need,
			       strerror(-rc));
	return vk_fail(vk, -ENOMEM,
		       "mapping %llu KiB for DMA needs %llu KiB of locked memory in all, "
		       "RLIMIT_MEMLOCK is %llu KiB%s: raise it (ulimit -l, LimitMEMLOCK=)",
		       (unsigned long long)len / 1024, (unsigned long long)need,
		       (unsigned long long)limit / 1024,
		       need * 1024 <= limit ? " and counts other memory and programs too" : "");
}

/* Has the kernel map an entry, at an address of its own. */
static int map_entry(struct vk_bus *vk, struct vk_entry *e)
{
	int rc = vk->iommu->no_iova ? 0 : vk_iova_get(&vk->iova, e->len, e->va, &e->iova);

	if (rc)
		return rc == -ENOSPC ? vk_fail(vk, rc, "no I/O address is left for %llu KiB",
					       (unsigned long long)e->len / 1024) :
				       rc;
	rc = vk->iommu->map(vk, e->va, e->len, e->prot, &e->iova);
	if (rc >= 0)
		return 0;
	if (!vk->iommu->no_iova)
		vk_iova_put(&vk->iova, e->iova, e->len);
	if (rc == -ENOMEM || (rc == -EPERM && !vk->iommu->no_iova))
		return no_memory(vk, rc, e->len);
	if (rc == -ENOSPC)
		return vk_fail(vk, rc, "the kernel has no DMA entry left (%zu are in use)",
			       vk->dma.by_va.n);
	return rc == -EOPNOTSUPP ?
		       rc :
		       vk_fail(vk, rc, "mapping %llu KiB at %p for DMA: %s",
			       (unsigned long long)e->len / 1024, (void *)e->va, strerror(-rc));
}

/* A new entry around [va, va + len), whole pages of the IOMMU. Lock held. */
static int new_entry(struct vk_bus *vk, uintptr_t va, uint64_t len, unsigned int prot,
		     struct vk_entry **out)
{
	struct vk_dma *dma = &vk->dma;
	uint64_t mask = vk->iova.page - 1;
	struct vk_entry *e;
	int rc;

	if (dma->by_va.n >= dma->max_entry)
		return vk_fail(vk, -ENOSPC, "all %u DMA entries that the kernel allows are in use",
			       dma->max_entry);
	if (reserve(&dma->by_va) || reserve(&dma->by_iova))
		return -ENOMEM;
	e = calloc(1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	e->va = va & ~(uintptr_t)mask;
	e->len = (va + len - e->va + mask) & ~mask;
	e->prot = prot;
	rc = map_entry(vk, e);
	if (rc) {
		free(e);
		return rc;
	}
	enter(dma, &dma->by_va, e);
	enter(dma, &dma->by_iova, e);
	dma->bytes += e->len;
	if (e->len > dma->longest)
		dma->longest = e->len;
	*out = e;
	return 0;
}

/*
 * The last mapping inside has gone. When the kernel does not unmap, the address stays taken: the
 * device may still reach it.
 */
static int drop_entry(struct vk_bus *vk, struct vk_entry *e)
{
	int rc = vk->iommu->unmap(vk, e->va, e->iova, e->len);

	leave(&vk->dma, &vk->dma.by_va, e);
	leave(&vk->dma, &vk->dma.by_iova, e);
	vk->dma.bytes -= e->len;
	if (rc >= 0 && !vk->iommu->no_iova)
		vk_iova_put(&vk->iova, e->iova, e->len);
	if (rc < 0)
		vk_fail(vk, rc, "unmapping %llu KiB at I/O address 0x%llx: %s",
			(unsigned long long)e->len / 1024, (unsigned long long)e->iova,
			strerror(-rc));
	free(e);
	return rc < 0 ? rc : 0;
}

int vk_dma_map(struct weft_bus *bus, void *addr, size_t len, unsigned int prot, uint64_t *iova)
{
	struct vk_bus *vk = (struct vk_bus *)bus;
	uintptr_t va = (uintptr_t)addr;
	struct vk_entry *e;
	struct vk_map *m;
	int rc = 0;

	if (!len || len % PAGE || va % PAGE || va + len < va || !prot ||
	    (prot & ~(WEFT_DMA_READ | WEFT_DMA_WRITE)))
		return -EINVAL;
	m = calloc(1, sizeof(*m));
	if (!m)
		return -ENOMEM;
	pthread_mutex_lock(&vk->dma.lock);
	e = find_shared(&vk->dma, va, len, prot);
	if (!e)
		rc = new_entry(vk, va, len, prot, &e);
	if (!rc) {
		*m = (struct vk_map){ e->maps, e->iova + (va - e->va), len, prot };
		e->maps = m;
		*iova = m->iova;
	}
	pthread_mutex_unlock(&vk->dma.lock);
	if (rc)
		free(m);
	return rc;
}

int vk_dma_unmap(struct weft_bus *bus, uint64_t iova, size_t len)
{
	struct vk_bus *vk = (struct vk_bus *)bus;
	struct vk_map **at, *m = NULL;
	struct vk_entry *e = NULL;
	size_t i;
	int rc = -EINVAL;

	pthread_mutex_lock(&vk->dma.lock);
	i = upper(&vk->dma.by_iova, &vk->dma, iova);
	if (i)
		e = vk->dma.by_iova.e[i - 1];
	if (e) {
		for (at = &e->maps; *at && ((*at)->iova != iova || (*at)->len != len);
		     at = &(*at)->next)
			;
		m = *at;
		if (m) {
			*at = m->next;
			rc = e->maps ? 0 : drop_entry(vk, e);
		}
	}
	pthread_mutex_unlock(&vk->dma.lock);
	free(m);
	return rc;
}

int vk_dma_init(struct vk_bus *vk)
{
	return -pthread_mutex_init(&vk->dma.lock, NULL);
}

void vk_dma_fini(struct vk_bus *vk)
{
	while (vk->dma.by_va.n) {
		struct vk_entry *e = vk->dma.by_va.e[vk->dma.by_va.n - 1];

		while (e->maps) {
			struct vk_map *m = e->maps;

			e->maps = m->next;
			free(m);
		}
		drop_entry(vk, e);
	}
	free(vk->dma.by_va.e);
	free(vk->dma.by_iova.e);
	vk_iova_fini(&vk->iova);
	pthread_mutex_destroy(&vk->dma.lock);
}
