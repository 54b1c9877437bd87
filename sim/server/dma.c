// SPDX-License-Identifier: BSD-2-Clause
/*
 * The client's memory. Ranges are kept sorted and disjoint; an unmap takes away whatever lies in
 * it, as a guest's IOMMU expects. A client's file is mapped whole and once, because a guest maps
 * and unmaps single pages of it all the time.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "server.h"

#define PAGE 4096u
#define RANGES_MAX 65535u
#define FILES_MAX 64u
#define FILE_LEN_MAX (1ull << 40)

/* --- copying from and to pages that may vanish ------------------------------------------------ */

static sigjmp_buf fault;
static volatile sig_atomic_t copying;

static void on_sigbus(int sig)
{
	if (copying)
		siglongjmp(fault, 1);
	signal(sig, SIG_DFL);
	raise(sig);
}

void dma_init(void)
{
	struct sigaction sa = { .sa_handler = on_sigbus, .sa_flags = SA_NODEFER };

	sigaction(SIGBUS, &sa, NULL);
}

int dma_copy(void *to, const void *from, size_t len)
{
	if (sigsetjmp(fault, 0)) {
		copying = 0;
		return -EFAULT;
	}
	copying = 1;
	/*
	 * The end of a completion entry holds its valid bit, and the client may be polling it:
	 * those bytes go last.
	 */
	if (len > 16) {
		memcpy(to, from, len - 16);
		__atomic_thread_fence(__ATOMIC_RELEASE);
		memcpy((uint8_t *)to + len - 16, (const uint8_t *)from + len - 16, 16);
	} else {
		memcpy(to, from, len);
	}
	copying = 0;
	return 0;
}

/* --- the client's files ----------------------------------------------------------------------- */

static bool file_used(const struct dma_table *t, const struct dma_file *f)
{
	unsigned int i;

	for (i = 0; i < t->n; i++)
		if (t->r[i].addr >= f->addr && t->r[i].addr < f->addr + f->len)
			return true;
	return false;
}

static void drop_unused_files(struct dma_table *t)
{
	unsigned int i = 0;

	while (i < t->n_files) {
		if (file_used(t, &t->files[i])) {
			i++;
			continue;
		}
		munmap(t->files[i].addr, t->files[i].len);
		t->files[i] = t->files[--t->n_files];
	}
}

static struct dma_file *known_file(struct dma_table *t, const struct stat *st, uint64_t end,
				   unsigned int prot)
{
	struct dma_file *f;
	unsigned int i;

	for (i = 0; i < t->n_files; i++) {
		f = &t->files[i];
		if (f->dev == st->st_dev && f->ino == st->st_ino && f->len >= end &&
		    (f->prot & prot) == prot)
			return f;
	}
	return NULL;
}

static int add_file(struct dma_table *t, const struct stat *st, int fd, uint64_t end,
		    unsigned int prot, struct dma_file **out)
{
	uint64_t len = ((uint64_t)st->st_size + PAGE - 1) & ~(uint64_t)(PAGE - 1);
	struct dma_file *f;
	void *addr;

	if (!S_ISREG(st->st_mode) || end > len || len > FILE_LEN_MAX)
		return -EINVAL;
	if (t->n_files == FILES_MAX)
		drop_unused_files(t);
	if (t->n_files == FILES_MAX)
		return -ENOSPC;
	f = realloc(t->files, (t->n_files + 1) * sizeof(*f));
	if (!f)
		return -ENOMEM;
	t->files = f;
	addr = mmap(NULL, len, PROT_READ | (prot & DMA_W ? PROT_WRITE : 0), MAP_SHARED, fd, 0);
	if (addr == MAP_FAILED)
		return -errno;
	f = &t->files[t->n_files++];
	*f = (struct dma_file){ st->st_dev, st->st_ino, addr, len, prot | DMA_R };
	*out = f;
	return 0;
}

static int map_file(struct dma_table *t, int fd, uint64_t offset, uint64_t len, unsigned int prot,
		    uint8_t **addr)
{
	struct dma_file *f;
	struct stat st;
	int ret;

	if (offset % PAGE || offset > FILE_LEN_MAX || len > FILE_LEN_MAX)
		return -EINVAL;
	if (fstat(fd, &st))
		return -errno;
	f = known_file(t, &st, offset + len, prot);
	if (!f) {
		ret = add_file(t, &st, fd, offset + len, prot, &f);
		if (ret)
			return ret;
	}
	*addr = f->addr + offset;
	return 0;
}

/* --- ranges ----------------------------------------------------------------------------------- */

/*
 * Index of the first range that ends after iova. The last byte is compared, a range may end at the
 * top.
 */
static unsigned int first_after(const struct dma_table *t, uint64_t iova)
{
	unsigned int lo = 0, hi = t->n, mid;

	while (lo < hi) {
		mid = (lo + hi) / 2;
		if (t->r[mid].iova + (t->r[mid].len - 1) < iova)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static int insert(struct dma_table *t, unsigned int at, const struct dma_range *range)
{
	struct dma_range *grown;

	if (t->n == t->room) {
		grown = realloc(t->r, (t->room * 2 + 64) * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		t->r = grown;
		t->room = t->room * 2 + 64;
	}
	memmove(&t->r[at + 1], &t->r[at], (t->n - at) * sizeof(*t->r));
	t->r[at] = *range;
	t->n++;
	return 0;
}

int dma_map(struct dma_table *t, uint64_t iova, uint64_t len, uint64_t offset, unsigned int prot,
	    int fd)
{
	struct dma_range r = { iova, len, NULL, prot };
	unsigned int at;
	int ret;

	if (!len || len % PAGE || iova % PAGE || iova + (len - 1) < iova || !prot || (prot & ~3u))
		return -EINVAL;
	at = first_after(t, iova);
	if (at < t->n && t->r[at].iova <= iova + (len - 1))
		return -EEXIST;
	if (t->n >= RANGES_MAX)
		return -ENOSPC;
	if (fd >= 0) {
		ret = map_file(t, fd, offset, len, prot, &r.addr);
		if (ret)
			return ret;
	}
	return insert(t, at, &r);
}

/* Cuts [iova, last] out of range i, which it meets; what is left of it stays. */
static int cut(struct dma_table *t, unsigned int i, uint64_t iova, uint64_t last)
{
	struct dma_range *r = &t->r[i], tail = *r;
	uint64_t r_last = r->iova + (r->len - 1);

	if (r_last > last) {
		tail.iova = last + 1;
		tail.len = r_last - last;
		tail.addr = r->addr ? r->addr + (tail.iova - r->iova) : NULL;
	}
	if (r->iova < iova) {
		if (r_last > last && insert(t, i + 1, &tail))
			return -ENOMEM;
		t->r[i].len = iova - t->r[i].iova;
	} else if (r_last > last) {
		*r = tail;
	} else {
		t->n--;
		memmove(r, r + 1, (t->n - i) * sizeof(*r));
	}
	return 0;
}

int dma_unmap(struct dma_table *t, uint64_t iova, uint64_t len)
{
	uint64_t last = iova + (len - 1);
	unsigned int i;
	int ret;

	if (!len || last < iova)
		return -EINVAL;
	while ((i = first_after(t, iova)) < t->n && t->r[i].iova <= last) {
		ret = cut(t, i, iova, last);
		if (ret)
			return ret;
	}
	return 0;
}

void dma_clear(struct dma_table *t)
{
	t->n = 0;
	drop_unused_files(t);
	free(t->r);
	free(t->files);
	*t = (struct dma_table){ 0 };
}

const struct dma_range *dma_find(struct dma_table *t, uint64_t iova, size_t len, unsigned int prot)
{
	unsigned int at = t->last;
	const struct dma_range *r;

	if (at >= t->n || iova < t->r[at].iova || iova - t->r[at].iova >= t->r[at].len)
		at = first_after(t, iova);
	if (at >= t->n)
		return NULL;
	t->last = at;
	r = &t->r[at];
	if (iova < r->iova || iova - r->iova > r->len || len > r->len - (iova - r->iova) ||
	    (r->prot & prot) != prot)
		return NULL;
	return r;
}
