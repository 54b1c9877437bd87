/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Segments that came too early stay in their cells, sorted by sequence number, within three bounds:
 * entries of the pool, entries per connection, and a reserve of free cells that keeps the in-order
 * traffic of all connections flowing. What does not fit is dropped before it was ever reported to
 * the peer. Entries may overlap; ooo_deliver trims.
 */
#include "lib/pool.h"
#include "tcp/tcp_int.h"

#define ENTRIES 256
#define PER_CONN 128
#define CELLS_RESERVE 256u

static struct ooo entries[ENTRIES];
static struct pool pool;

void ooo_init(void)
{
	pool_init(&pool, entries, sizeof(entries[0]), ENTRIES);
}

uint32_t ooo_used(void)
{
	return pool.used;
}

static void drop(struct tcb *t, struct ooo **link)
{
	struct ooo *o = *link;

	*link = o->next;
	if (t->ooo_hint == o)
		t->ooo_hint = NULL;
	t->ooo_count--;
	pool_put(&pool, o);
}

void ooo_free_all(struct tcb *t)
{
	while (t->ooo) {
		hal_pkt_free(t->ooo->cell);
		drop(t, &t->ooo);
	}
}

void ooo_insert(struct tcb *t, struct seg *s)
{
	struct ooo **link = &t->ooo;
	struct ooo *o = t->ooo_hint;

	/* Arrivals mostly follow one another: the search begins at the one before. */
	if (o && SEQ_LEQ(o->seq, s->seq) && SEQ_LT(o->seq + o->len, s->seq + s->len))
		link = &o->next;
	for (; *link && SEQ_LEQ((*link)->seq, s->seq); link = &(*link)->next) {
		if (SEQ_GEQ((*link)->seq + (*link)->len, s->seq + s->len)) {
			t->ooo_latest = (*link)->seq;
			return;
		}
	}
	if (t->ooo_count >= PER_CONN || hal_pkt_cells_free() < CELLS_RESERVE)
		return;
	o = pool_get(&pool);
	if (!o)
		return;
	*o = (struct ooo){
		.next = *link, .seq = s->seq, .len = s->len, .off = s->off, .cell = s->cell
	};
	*link = o;
	t->ooo_hint = o;
	s->taken = true;
	t->ooo_latest = s->seq;
	t->ooo_count++;
	t->ooo_total++;
}

/* Hands on what has become in order. */
void ooo_deliver(struct tcb *t)
{
	while (t->ooo && SEQ_LEQ(t->ooo->seq, t->rcv_nxt)) {
		struct ooo *o = t->ooo;
		uint32_t skip = t->rcv_nxt - o->seq;

		if (skip < o->len) {
			uint32_t n = o->len - skip;

			hal_rx_deliver(t->conn, o->cell, (uint16_t)(o->off + skip), (uint16_t)n);
			t->rcv_nxt += n;
		} else {
			hal_pkt_free(o->cell);
		}
		drop(t, &t->ooo);
	}
}

/*
 * Ranges for a SACK option: the one of the latest arrival first, then the others from the lowest
 * up.
 */
uint32_t ooo_blocks(const struct tcb *t, struct range *r, uint32_t max)
{
	const struct ooo *o = t->ooo;
	uint32_t n = 1;
	bool found = false;

	while (o && (n < max || !found)) {
		struct range b = { o->seq, o->seq + o->len };

		for (o = o->next; o && SEQ_LEQ(o->seq, b.end); o = o->next)
			if (SEQ_GT(o->seq + o->len, b.end))
				b.end = o->seq + o->len;
		if (b.start == b.end)
			continue;
		if (!found && SEQ_LEQ(b.start, t->ooo_latest) && SEQ_LT(t->ooo_latest, b.end)) {
			r[0] = b;
			found = true;
		} else if (n < max) {
			r[n++] = b;
		}
	}
	if (found)
		return n;
	for (uint32_t i = 1; i < n; i++)
		r[i - 1] = r[i];
	return n - 1;
}
