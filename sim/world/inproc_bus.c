// SPDX-License-Identifier: BSD-2-Clause
/*
 * weft_bus over an adapter of a world. IOVAs are made up (never a program address, never used
 * twice, with a gap after each range), so that a wrong or stale address cannot work by luck.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../model/flash.h"
#include "weft_host.h"
#include "world.h"

#define PAGE 4096u
#define IOVA_FIRST 0x100000000ull
#define BEAT 16u

struct range {
	uint64_t iova;
	size_t len;
	uint8_t *addr;
	unsigned int prot;
};

struct ranges {
	struct range *r; /* by iova */
	unsigned int n, room;
	unsigned int last; /* where the last access was found */
};

struct inproc_bus {
	struct weft_bus bus;
	struct weft_world_port *port;
	struct weft_world *own;   /* to be destroyed with the bus */
	struct weft_flash *flash; /* the same, after it */
	struct ranges mapped, lent;
	uint64_t next_iova;
	int irq[WEFT_N_VECTORS];
	struct weft_dma_stats stats;
	void (*idle)(void *arg);
	void *idle_arg;
};

static struct inproc_bus *self(struct weft_bus *bus)
{
	return (struct inproc_bus *)bus;
}

static void lock(struct inproc_bus *b)
{
	pthread_mutex_lock(&b->port->world->lock);
}

static void unlock(struct inproc_bus *b)
{
	pthread_mutex_unlock(&b->port->world->lock);
}

/* --- ranges ----------------------------------------------------------------------------------- */

/* Index of the first range that ends after iova. */
static unsigned int find(const struct ranges *set, uint64_t iova)
{
	unsigned int lo = 0, hi = set->n, mid;

	while (lo < hi) {
		mid = (lo + hi) / 2;
		if (set->r[mid].iova + set->r[mid].len <= iova)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static int insert(struct ranges *set, const struct range *range)
{
	unsigned int at = set->n;
	struct range *grown;

	if (set->n == set->room) {
		grown = realloc(set->r, (set->room * 2 + 16) * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		set->r = grown;
		set->room = set->room * 2 + 16;
	}
	while (at && set->r[at - 1].iova > range->iova) /* a new mapping comes last anyway */
		at--;
	memmove(&set->r[at + 1], &set->r[at], (set->n - at) * sizeof(*set->r));
	set->r[at] = *range;
	set->n++;
	return 0;
}

static int take_out(struct ranges *set, uint64_t iova, size_t len)
{
	unsigned int at = find(set, iova);

	if (at == set->n || set->r[at].iova != iova || set->r[at].len != len)
		/* lent ranges may overlap, find does not know that */
		for (at = 0; at < set->n; at++)
			if (set->r[at].iova == iova && set->r[at].len == len)
				break;
	if (at == set->n)
		return -ENOENT;
	set->n--;
	memmove(&set->r[at], &set->r[at + 1], (set->n - at) * sizeof(*set->r));
	return 0;
}

/* The range with all of [iova, iova + len) and these permissions. */
static const struct range *lookup(struct ranges *set, uint64_t iova, size_t len, unsigned int prot)
{
	const struct range *r;
	unsigned int at = set->last;

	if (at >= set->n || iova < set->r[at].iova || iova - set->r[at].iova >= set->r[at].len)
		at = find(set, iova);
	if (at >= set->n)
		return NULL;
	r = &set->r[at];
	set->last = at;
	if (iova < r->iova || len > r->len - (iova - r->iova) || (r->prot & prot) != prot)
		return NULL;
	return r;
}

/* --- DMA -------------------------------------------------------------------------------------- */

/* Lent ranges may touch, overlap and be small: walk over them. */
static bool is_lent(struct inproc_bus *b, uint64_t iova, size_t len, unsigned int prot)
{
	uint64_t end = iova + len, slack = prot == WEFT_DMA_READ ? BEAT - 1 : 0;
	const struct range *r;
	unsigned int i;

	for (i = 0; i < b->lent.n && iova < end; i++) {
		r = &b->lent.r[i];
		if (r->iova > iova)
			break;
		if (r->iova + r->len + slack > iova && (r->prot & prot))
			iova = r->iova + r->len + slack;
	}
	return iova >= end;
}

static uint8_t *translate(struct inproc_bus *b, uint64_t iova, size_t len, unsigned int prot)
{
	const struct range *r = b ? lookup(&b->mapped, iova, len, prot) : NULL;
	bool lent = r && (!b->lent.n || is_lent(b, iova, len, prot));

	if (lent)
		return r->addr + (iova - r->iova);
	if (!b)
		return NULL;
	if (!b->stats.refused && !b->stats.not_lent)
		b->stats.first_bad = iova;
	if (r)
		b->stats.not_lent++;
	else
		b->stats.refused++;
	return NULL;
}

int inproc_dma_read(struct weft_world_port *port, uint64_t iova, void *buf, size_t len)
{
	struct inproc_bus *b = port->bus;
	const uint8_t *from = translate(b, iova, len, WEFT_DMA_READ);

	if (!from)
		return -EFAULT;
	memcpy(buf, from, len);
	b->stats.reads++;
	b->stats.read_bytes += len;
	return 0;
}

int inproc_dma_write(struct weft_world_port *port, uint64_t iova, const void *buf, size_t len)
{
	struct inproc_bus *b = port->bus;
	uint8_t *to = translate(b, iova, len, WEFT_DMA_WRITE);

	if (!to)
		return -EFAULT;
	memcpy(to, buf, len);
	b->stats.writes++;
	b->stats.write_bytes += len;
	return 0;
}

void inproc_irq(struct weft_world_port *port, unsigned int vector)
{
	static const uint64_t one = 1;
	struct inproc_bus *b = port->bus;
	ssize_t n;

	if (!b || vector >= WEFT_N_VECTORS || b->irq[vector] < 0)
		return;
	n = write(b->irq[vector], &one, sizeof(one)); /* a full eventfd is readable already */
	(void)n;
}

/* --- operations ------------------------------------------------------------------------------- */

static int bus_read32(struct weft_bus *bus, uint32_t off, uint32_t *val)
{
	struct inproc_bus *b = self(bus);
	uint64_t v;
	int ret;

	lock(b);
	ret = weft_sim_bar_read(b->port->sim, off, 4, &v);
	unlock(b);
	*val = ret ? ~0u : (uint32_t)v;
	return ret == -EIO ? -ENODEV : ret;
}

static int bus_write32(struct weft_bus *bus, uint32_t off, uint32_t val)
{
	struct inproc_bus *b = self(bus);
	int ret;

	lock(b);
	ret = weft_sim_bar_write(b->port->sim, off, 4, val);
	unlock(b);
	return ret == -EIO ? -ENODEV : ret;
}

static int bus_dma_map(struct weft_bus *bus, void *addr, size_t len, unsigned int prot,
		       uint64_t *iova)
{
	struct inproc_bus *b = self(bus);
	struct range r = { .len = len, .addr = addr, .prot = prot };
	int ret;

	if (!len || len % PAGE || (uintptr_t)addr % PAGE || !prot ||
	    (prot & ~(WEFT_DMA_READ | WEFT_DMA_WRITE)))
		return -EINVAL;
	if (len > UINT64_MAX / 2 - b->next_iova)
		return -ENOSPC;
	lock(b);
	r.iova = b->next_iova;
	ret = insert(&b->mapped, &r);
	if (!ret) {
		b->next_iova += len + PAGE;
		*iova = r.iova;
	}
	unlock(b);
	return ret;
}

static int bus_dma_unmap(struct weft_bus *bus, uint64_t iova, size_t len)
{
	struct inproc_bus *b = self(bus);
	int ret;

	lock(b);
	ret = take_out(&b->mapped, iova, len);
	unlock(b);
	return ret == -ENOENT ? -EINVAL : ret;
}

static int bus_irq_count(struct weft_bus *bus)
{
	(void)bus;
	return WEFT_N_VECTORS;
}

static int bus_irq_set(struct weft_bus *bus, unsigned int vector, int fd)
{
	struct inproc_bus *b = self(bus);

	if (vector >= WEFT_N_VECTORS)
		return -EINVAL;
	lock(b);
	b->irq[vector] = fd < 0 ? -1 : fd;
	unlock(b);
	return 0;
}

static int bus_reset(struct weft_bus *bus)
{
	struct inproc_bus *b = self(bus);

	lock(b);
	weft_sim_reset(b->port->sim);
	unlock(b);
	return 0;
}

static int bus_advance(struct weft_bus *bus, uint64_t max_ns)
{
	struct inproc_bus *b = self(bus);

	if (b->idle)
		b->idle(b->idle_arg);
	return weft_world_run(b->port->world, max_ns);
}

static uint64_t bus_now(struct weft_bus *bus)
{
	struct inproc_bus *b = self(bus);
	uint64_t now;

	lock(b);
	now = weft_world_now(b->port->world);
	unlock(b);
	return now;
}

static int bus_error_fd(struct weft_bus *bus)
{
	(void)bus;
	return -1;
}

static void bus_close(struct weft_bus *bus)
{
	struct inproc_bus *b = self(bus);

	lock(b);
	b->port->bus = NULL;
	unlock(b);
	weft_world_destroy(b->own);
	weft_flash_close(b->flash);
	free(b->mapped.r);
	free(b->lent.r);
	free(b);
}

static const struct weft_bus_ops inproc_ops = {
	.name = "inproc",
	.read32 = bus_read32,
	.write32 = bus_write32,
	.dma_map = bus_dma_map,
	.dma_unmap = bus_dma_unmap,
	.irq_count = bus_irq_count,
	.irq_set = bus_irq_set,
	.reset = bus_reset,
	.advance = bus_advance,
	.now = bus_now,
	.error_fd = bus_error_fd,
	.close = bus_close,
};

int weft_bus_open_port(struct weft_world_port *port, struct weft_bus **bus)
{
	struct inproc_bus *b;

	*bus = NULL;
	if (!port->sim)
		return -EINVAL;
	if (port->bus)
		return -EBUSY;
	b = calloc(1, sizeof(*b));
	if (!b)
		return -ENOMEM;
	b->bus.ops = &inproc_ops;
	b->port = port;
	b->next_iova = IOVA_FIRST;
	memset(b->irq, 0xff, sizeof(b->irq));
	lock(b);
	port->bus = b;
	unlock(b);
	*bus = &b->bus;
	return 0;
}

int weft_bus_open_sim(const struct weft_sim_params *params, struct weft_bus **bus)
{
	struct weft_world *world;
	struct weft_world_port *port;
	int ret;

	*bus = NULL;
	ret = weft_world_create(&world);
	if (ret)
		return ret;
	ret = weft_world_add_adapter(world, params, &port);
	if (!ret)
		ret = weft_bus_open_port(port, bus);
	if (ret)
		weft_world_destroy(world);
	else
		self(*bus)->own = world;
	return ret;
}

/* One word of the options, name=value. */
static int set_option(struct weft_sim_params *p, const char **flash, const char *word)
{
	const struct {
		const char *name;
		const char **text;
	} texts[] = { { "firmware=", &p->firmware }, { "flash=", flash }, { "rom=", &p->rom } };
	unsigned int i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (!strncmp(word, texts[i].name, strlen(texts[i].name))) {
			*texts[i].text = word + strlen(texts[i].name);
			return 0;
		}
	if (!strncmp(word, "key=", 4))
		return weft_sim_key(word + 4, p->key_hash);
	if (!strncmp(word, "board=", 6) && !weft_sim_board(word + 6, &p->board_id))
		return 0;
	fprintf(stderr, "inproc: cannot make sense of \"%s\"\n", word);
	return -EINVAL;
}

int weft_bus_open_inproc(const char *options, struct weft_bus **bus)
{
	struct weft_sim_params params = { 0 };
	struct weft_flash *flash = NULL;
	const char *path = NULL;
	char *text = strdup(options), *word, *rest = text;
	int ret = text ? 0 : -ENOMEM;

	*bus = NULL;
	while (!ret && (word = strsep(&rest, ",")))
		ret = *word ? set_option(&params, &path, word) : 0;
	if (!ret && path)
		ret = weft_sim_flash_file(path, &flash);
	params.flash = flash;
	if (!ret)
		ret = weft_bus_open_sim(&params, bus);
	if (ret)
		weft_flash_close(flash);
	else
		self(*bus)->flash = flash;
	free(text);
	return ret;
}

void weft_sim_bus_on_idle(struct weft_bus *bus, void (*idle)(void *arg), void *arg)
{
	self(bus)->idle = idle;
	self(bus)->idle_arg = arg;
}

/* --- for tests -------------------------------------------------------------------------------- */

void weft_sim_bus_stats(struct weft_bus *bus, struct weft_dma_stats *stats)
{
	lock(self(bus));
	*stats = self(bus)->stats;
	unlock(self(bus));
}

unsigned int weft_sim_bus_mappings(struct weft_bus *bus)
{
	return self(bus)->mapped.n;
}

/* The IOVA of program memory that is mapped as a whole; 0: it is not. */
static uint64_t iova_of(struct inproc_bus *b, const uint8_t *addr, size_t len)
{
	const struct range *r;
	unsigned int i;

	for (i = 0; i < b->mapped.n; i++) {
		r = &b->mapped.r[i];
		if (addr >= r->addr && len <= r->len && (size_t)(addr - r->addr) <= r->len - len)
			return r->iova + (uint64_t)(addr - r->addr);
	}
	return 0;
}

int weft_sim_bus_lend(struct weft_bus *bus, const void *addr, size_t len, unsigned int prot)
{
	struct inproc_bus *b = self(bus);
	struct range r = { .len = len, .prot = prot };
	int ret = -EINVAL;

	lock(b);
	r.iova = iova_of(b, addr, len);
	if (r.iova && len)
		ret = insert(&b->lent, &r);
	unlock(b);
	return ret;
}

int weft_sim_bus_return(struct weft_bus *bus, const void *addr, size_t len)
{
	struct inproc_bus *b = self(bus);
	uint64_t iova;
	int ret = -ENOENT;

	lock(b);
	iova = iova_of(b, addr, len);
	if (iova)
		ret = take_out(&b->lent, iova, len);
	unlock(b);
	return ret;
}
