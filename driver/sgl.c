/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Scatter/gather lists: from program addresses to elements with IOVAs, inline in the entry while
 * they fit, else in an array of the pair's own DMA memory. Each element holds a reference on the
 * range it lies in until the command has ended.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* A list being built. */
struct builder {
	struct weft_qp *qp;
	struct cmd_slot *slot;
	struct weft_sgl_elem *elem; /* inline array, or the chain's */
	unsigned int n;
	unsigned int max;            /* of the inline array */
	struct weft_mem_range *last; /* range of the last element */
};

static struct sgl_chain *chain_get(struct weft_qp *qp)
{
	struct sgl_chain *c = qp->free_chain;

	if (c) {
		qp->free_chain = c->next;
		return c;
	}
	c = malloc(sizeof(*c));
	if (!c)
		return NULL;
	c->elem = weft_mem_alloc(qp->dev, WEFT_SGL_MAX * sizeof(c->elem[0]));
	if (!c->elem || weft_mem_iova(qp->dev, c->elem, 1, &c->iova)) {
		free(c);
		return NULL;
	}
	return c;
}

/* Moves from the inline elements to an array. */
static int grow(struct builder *b)
{
	struct sgl_chain *c = chain_get(b->qp);

	if (!c)
		return weft_set_error(-ENOMEM, "no memory for a scatter/gather list");
	memcpy(c->elem, b->elem, b->n * sizeof(b->elem[0]));
	memcpy(c->ref, b->slot->ref, b->slot->n_ref * sizeof(c->ref[0]));
	b->elem = c->elem;
	b->slot->chain = c;
	return 0;
}

/*
 * Adds [iova, iova + len) of range (NULL: the caller's IOVA, nobody to hold), joined to the element
 * before where it continues.
 */
static int add(struct builder *b, uint64_t iova, uint32_t len, struct weft_mem_range *range)
{
	struct weft_sgl_elem *last = b->n ? &b->elem[b->n - 1] : NULL;
	struct cmd_slot *slot = b->slot;

	if (last && range == b->last && last->addr + last->len == iova) {
		last->len += len; /* no overflow: the sum of all is at most DATA_MAX */
		return 0;
	}
	if (b->n == WEFT_SGL_MAX)
		return weft_set_error(-E2BIG, "more than %u pieces of memory", WEFT_SGL_MAX);
	if (b->n == b->max && !slot->chain) {
		int rc = grow(b);

		if (rc)
			return rc;
	}
	b->elem[b->n++] = (struct weft_sgl_elem){ .addr = iova, .len = len };
	b->last = range;
	if (range) {
		atomic_fetch_add_explicit(&range->lent, 1, memory_order_relaxed);
		(slot->chain ? slot->chain->ref : slot->ref)[slot->n_ref++] = range;
	}
	return 0;
}

/* Adds a stretch of program memory, which may cross from one registration into the next. */
static int add_va(struct builder *b, uintptr_t va, size_t len)
{
	struct mem_hit *hit = &b->qp->hit;

	while (len) {
		size_t piece;
		int rc = weft__mem_find(b->qp->dev, va, hit);

		if (rc)
			return rc;
		piece = hit->len - (va - hit->va);
		if (piece > len)
			piece = len;
		rc = add(b, hit->iova + (va - hit->va), (uint32_t)piece, hit->range);
		if (rc)
			return rc;
		va += piece;
		len -= piece;
	}
	return 0;
}

/* Length of piece i, cut to what is still wanted. */
static size_t piece_len(const struct weft_cmd *cmd, unsigned int i, size_t left)
{
	size_t len = cmd->iov ? cmd->iov[i].iov_len : cmd->elem[i].len;

	return len < left ? len : left;
}

/* Enters the list that was built. */
static void finish(struct builder *b, struct weft_sq_entry *sqe, struct weft_sgl_elem *sgl)
{
	const struct sgl_chain *chain = b->slot->chain;

	sqe->sgl_count = (uint16_t)b->n;
	if (!chain)
		return;
	memset(sgl, 0, b->max * sizeof(*sgl));
	sgl[0] =
		(struct weft_sgl_elem){ .addr = chain->iova, .len = b->n * (uint32_t)sizeof(*sgl) };
	sqe->flags |= WEFT_SQF_SGL_CHAIN;
}

/*
 * Fills the entry's sgl and sgl_count, and adds the chain flag, for the command's first data_len bytes. On
 * failure nothing is held.
 */
int weft__sgl_build(struct weft_qp *qp, struct cmd_slot *slot, const struct weft_cmd *cmd,
		    struct weft_sq_entry *sqe)
{
	struct builder b = { .qp = qp, .slot = slot, .elem = sqe->sgl, .max = WEFT_SGL_INLINE };
	size_t left = cmd->data_len;
	unsigned int i;
	int rc = 0;

	memset(sqe->sgl, 0, sizeof(sqe->sgl));
	slot->n_ref = 0;
	slot->chain = NULL;
	for (i = 0; i < cmd->count && left && !rc; i++) {
		size_t len = piece_len(cmd, i, left);

		if (!len)
			continue;
		if (cmd->iov)
			rc = add_va(&b, (uintptr_t)cmd->iov[i].iov_base, len);
		else
			rc = add(&b, cmd->elem[i].addr, (uint32_t)len, NULL);
		left -= len;
	}
	if (!rc && left)
		rc = weft_set_error(-EINVAL, "the data buffer is %zu bytes shorter than data_len",
				    left);
	if (rc) {
		weft__sgl_release(qp, slot);
		return rc;
	}
	finish(&b, sqe, sqe->sgl);
	return 0;
}

int weft__sgl_iova(struct weft_qp *qp, struct cmd_slot *slot, const struct weft_sgl_elem *elem,
		   unsigned int count, struct weft_sq_entry *sqe, struct weft_sgl_elem *sgl,
		   unsigned int max)
{
	struct builder b = { .qp = qp, .slot = slot, .elem = sgl, .max = max };
	uint64_t sum = 0;
	unsigned int i;
	int rc = 0;

	memset(sgl, 0, max * sizeof(*sgl));
	slot->n_ref = 0;
	slot->chain = NULL;
	for (i = 0; i < count && !rc; i++) {
		rc = elem[i].len ? add(&b, elem[i].addr, elem[i].len, NULL) : 0;
		sum += elem[i].len;
	}
	if (!rc && sum != sqe->data_len)
		rc = weft_set_error(-EINVAL, "%llu bytes of data, data_len is %u",
				    (unsigned long long)sum, sqe->data_len);
	if (rc) {
		weft__sgl_release(qp, slot);
		return rc;
	}
	finish(&b, sqe, sgl);
	return 0;
}

/* Gives back what a command held, however much. */
void weft__sgl_drop(struct weft_qp *qp, struct cmd_slot *slot)
{
	struct weft_mem_range **ref = slot->chain ? slot->chain->ref : slot->ref;
	unsigned int i;

	for (i = 0; i < slot->n_ref; i++)
		atomic_fetch_sub_explicit(&ref[i]->lent, 1, memory_order_release);
	slot->n_ref = 0;
	if (slot->chain) {
		slot->chain->next = qp->free_chain;
		qp->free_chain = slot->chain;
		slot->chain = NULL;
	}
}

void weft__sgl_fini(struct weft_qp *qp)
{
	while (qp->free_chain) {
		struct sgl_chain *c = qp->free_chain;

		qp->free_chain = c->next;
		weft_mem_free(qp->dev, c->elem);
		free(c);
	}
}
