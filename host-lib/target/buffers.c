/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Data buffers: for each adapter one stretch of memory, cut into slabs of 1 MiB, each slab into
 * buffers of one size. Taking and giving back is a list operation. When there is no room, commands
 * stand in line: queues take turns, a queue's own commands keep their order, and nobody overtakes. A
 * queue never has more than a quarter of the memory, so that a host that is slow to send its data
 * does not stop the others.
 */
#include <errno.h>
#include <stdlib.h>

#include <weft/mem.h>

#include "tgt.h"

static unsigned int class_of(uint32_t len)
{
	return len <= TGT_PAGE ? 0 : 20 - (unsigned int)__builtin_clz(len - 1);
}

static uint32_t class_size(unsigned int class)
{
	return TGT_PAGE << class;
}

static void buf_done(struct nvmf_buf *nb)
{
	nvme_tgt_buf_put(nb->arg);
}

int nvme_tgt_dev_get(struct nvme_target *t, const struct nvmf_env *env, struct tgt_dev **out)
{
	struct tgt_dev *d;
	unsigned int i;

	list_for_each(d, &t->devs, link)
		if (d->env.dev == env->dev && d->env.pump == env->pump) {
			d->ports++;
			*out = d;
			return 0;
		}
	d = calloc(1, sizeof(*d));
	if (!d)
		return -ENOMEM;
	d->t = t;
	d->env = *env;
	d->ports = 1;
	d->now = nvmf__env_now(env);
	d->n_slabs = (unsigned int)(t->o.buffer_bytes / TGT_MAX_XFER);
	d->slab = calloc(d->n_slabs, sizeof(*d->slab));
	d->mem = nvmf__env_alloc(env, (size_t)d->n_slabs * TGT_MAX_XFER);
	if (!d->slab || !d->mem) {
		nvmf__env_free(env, d->mem);
		free(d->slab);
		free(d);
		return weft_set_error(-ENOMEM, "no memory for %zu bytes of data buffers",
				      t->o.buffer_bytes);
	}
	for (i = 0; i < TGT_CLASSES; i++)
		TAILQ_INIT(&d->room[i]);
	for (i = 0; i < d->n_slabs; i++) {
		d->slab[i].d = d;
		d->slab[i].base = (uint8_t *)d->mem + (size_t)i * TGT_MAX_XFER;
	}
	TAILQ_INIT(&d->ring);
	TAILQ_INSERT_TAIL(&t->devs, d, link);
	*out = d;
	return 0;
}

/* All buffers are back: queues of its ports are gone. */
void nvme_tgt_dev_put(struct tgt_dev *d)
{
	if (--d->ports)
		return;
	TAILQ_REMOVE(&d->t->devs, d, link);
	nvmf__env_free(&d->env, d->mem);
	free(d->slab);
	free(d);
}

static void list_slab(struct tgt_dev *d, struct tgt_slab *s)
{
	s->listed = true;
	TAILQ_INSERT_HEAD(&d->room[s->class], s, link);
}

static void unlist_slab(struct tgt_dev *d, struct tgt_slab *s)
{
	s->listed = false;
	TAILQ_REMOVE(&d->room[s->class], s, link);
}

/* A slab for class: a new one, or an empty one of another class. */
static struct tgt_slab *get_slab(struct tgt_dev *d, unsigned int class)
{
	struct tgt_slab *s = NULL;
	unsigned int i;

	if (d->fresh < d->n_slabs) {
		s = &d->slab[d->fresh++];
	} else {
		for (i = 0; i < d->n_slabs && !s; i++)
			if (!d->slab[i].used)
				s = &d->slab[i];
		if (!s)
			return NULL;
		unlist_slab(d, s);
	}
	s->class = class;
	s->carved = 0;
	s->free = NULL;
	list_slab(d, s);
	return s;
}

static bool full(const struct tgt_slab *s)
{
	return !s->free && s->carved == TGT_MAX_XFER / class_size(s->class);
}

static struct tgt_buf *carve(struct tgt_slab *s)
{
	struct tgt_buf *b = &s->buf[s->carved];

	b->slab = s;
	b->nb.next = NULL;
	b->nb.data = s->base + (size_t)s->carved * class_size(s->class);
	b->nb.done = buf_done;
	b->nb.arg = b;
	s->carved++;
	return b;
}

static struct tgt_buf *take(struct tgt_queue *q, uint32_t len)
{
	struct tgt_dev *d = q->d;
	unsigned int class = class_of(len);
	struct tgt_slab *s = TAILQ_FIRST(&d->room[class]);
	struct tgt_buf *b;

	if (!s)
		s = get_slab(d, class);
	if (!s)
		return NULL;
	b = s->free;
	if (b)
		s->free = b->next;
	else
		b = carve(s);
	s->used++;
	if (full(s))
		unlist_slab(d, s);
	b->q = q;
	q->held += class_size(class);
	d->used += class_size(class);
	return b;
}

static bool within_share(const struct tgt_queue *q, uint32_t len)
{
	size_t share = (size_t)q->d->n_slabs * TGT_MAX_XFER / 4;

	return !q->held || q->held + class_size(class_of(len)) <= share;
}

static void join_ring(struct tgt_queue *q)
{
	struct tgt_cmd *cmd = TAILQ_FIRST(&q->waiting);

	if (q->in_ring || !cmd || !within_share(q, cmd->need))
		return;
	q->in_ring = true;
	TAILQ_INSERT_TAIL(&q->d->ring, q, turn);
}

static void leave_ring(struct tgt_queue *q)
{
	if (!q->in_ring)
		return;
	q->in_ring = false;
	TAILQ_REMOVE(&q->d->ring, q, turn);
}

/* One command of each queue in turn, until there is no room for the first in line. */
static void serve(struct tgt_dev *d)
{
	struct tgt_queue *q;

	if (d->serving)
		return; /* a command that went on gave its buffer back: the loop below sees it */
	d->serving = true;
	while ((q = TAILQ_FIRST(&d->ring))) {
		struct tgt_cmd *cmd = TAILQ_FIRST(&q->waiting);
		struct tgt_buf *b = take(q, cmd->need);

		if (!b)
			break;
		TAILQ_REMOVE(&q->waiting, cmd, wait);
		leave_ring(q);
		join_ring(q);
		cmd->state = CMD_RUN;
		cmd->buf = b;
		cmd->data = b->nb.data;
		cmd->next(cmd);
	}
	d->serving = false;
}

void nvme_tgt_buf_get(struct tgt_cmd *cmd, uint32_t len, void (*next)(struct tgt_cmd *cmd))
{
	struct tgt_queue *q = cmd->q;

	if (TAILQ_EMPTY(&q->d->ring) && TAILQ_EMPTY(&q->waiting) && within_share(q, len)) {
		cmd->buf = take(q, len);
		if (cmd->buf) {
			cmd->data = cmd->buf->nb.data;
			next(cmd);
			return;
		}
	}
	cmd->state = CMD_WAIT_BUF;
	cmd->need = len;
	cmd->next = next;
	TAILQ_INSERT_TAIL(&q->waiting, cmd, wait);
	join_ring(q);
}

void nvme_tgt_buf_put(struct tgt_buf *b)
{
	struct tgt_slab *s = b->slab;
	struct tgt_dev *d = s->d;
	struct tgt_queue *q = b->q;

	b->next = s->free;
	s->free = b;
	s->used--;
	if (!s->listed)
		list_slab(d, s);
	q->held -= class_size(s->class);
	d->used -= class_size(s->class);
	if (!TAILQ_EMPTY(&q->waiting))
		join_ring(q);
	if (!TAILQ_EMPTY(&d->ring))
		serve(d);
}

void nvme_tgt_buf_cancel(struct tgt_cmd *cmd)
{
	struct tgt_queue *q = cmd->q;

	TAILQ_REMOVE(&q->waiting, cmd, wait);
	cmd->state = CMD_RUN;
	leave_ring(q); /* the next one may be beyond the share */
	join_ring(q);
	serve(q->d);
}

void nvme_tgt_buf_cancel_all(struct tgt_queue *q)
{
	struct tgt_cmd *cmd;

	while ((cmd = TAILQ_FIRST(&q->waiting))) {
		TAILQ_REMOVE(&q->waiting, cmd, wait);
		cmd->state = CMD_HELD;
	}
	leave_ring(q);
	serve(q->d);
}
